/*
 * address.h - where something listens, as people write it.
 */
#ifndef SEALPOST_COMMON_ADDRESS_H
#define SEALPOST_COMMON_ADDRESS_H

#include <stddef.h>
#include <stdint.h>

#include "common/err.h"

/* A name, an IPv6 address and a port, with room to spare. */
#define ADDRESS_MAX 320

/* "host:port" or "[v6]:port" into HOST (CAP bytes) and PORT, which may be 0:
 * any free one.  ERR_MALFORMED. */
enum err address_split(const char *text, char *host, size_t cap,
                       uint16_t *port);
/* The other way round, into OUT (CAP bytes). */
void address_join(char *out, size_t cap, const char *host, uint16_t port);

#endif
