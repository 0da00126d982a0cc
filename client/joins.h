/*
 * joins.h - requests to join that wait at the relay, as the registrar sees
 * them.
 */
#ifndef SEALPOST_CLIENT_JOINS_H
#define SEALPOST_CLIENT_JOINS_H

#include <stddef.h>
#include <stdint.h>

#include "client/office.h"
#include "proto/fingerprint.h"
#include "proto/invite.h"
#include "proto/limits.h"

struct join_entry {
    struct hash code_hash; /* its first bytes are the ID that people type */
    uint64_t received_s;
    char name[LIMIT_AGENCY_NAME + 1];
    char country[3];
    uint8_t wished_class;
    char digits[FINGERPRINT_LEN + 1];
    struct buf bytes;
    struct join_request request; /* points into BYTES */
};

struct joins {
    struct join_entry list[LIMIT_JOINS_PAGE];
    size_t n;
    size_t broken; /* requests that did not verify and are not listed */
};

/* JOIN_LIST; each request is verified.  Free with joins_clear(). */
enum err joins_fetch(struct office *o, struct joins *out, struct problem *pb);
void joins_clear(struct joins *j);
/* By the first digits of its ID (at least 4), or by the agency's name. */
enum err joins_find(const struct joins *j, const char *text,
                    const struct join_entry **out, struct problem *pb);

#endif
