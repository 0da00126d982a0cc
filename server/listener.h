/*
 * listener.h - the door: who may connect at all, before anything is read.
 * Work costs the stranger first: sessions per address and device, sessions in
 * all (nine tenths for guests, whom no device's key has vouched for), and a
 * budget of handshakes (a fifth of one core, NK and XK together).
 */
#ifndef SEALPOST_SERVER_LISTENER_H
#define SEALPOST_SERVER_LISTENER_H

#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"
#include "proto/ids.h"

struct relay;

/* IPv6, or IPv4 mapped into it. */
struct address {
    uint8_t b[16];
};

/* Who counts as one: an IPv4 address, or the /64 of IPv6 that any customer has
 * to himself, 2^64 addresses of it. */
void address_of_customer(struct address *a);

/* Listens at HOST:PORT; gives the bound port. */
enum err listener_open(struct relay *r, const char *host, uint16_t port,
                       uint16_t *bound);
/* Stops accepting; sessions live on. */
void listener_close(struct relay *r);
/* One session from there is gone. */
void listener_forget(struct relay *r, const struct address *a);
/* May that address write once more in this minute?  Counts the call. */
bool listener_may_write(struct relay *r, const struct address *a);
/* One more session of that device, if it may have one; and one less. */
bool listener_take_device(struct relay *r, const struct device_id *id);
void listener_leave_device(struct relay *r, const struct device_id *id);

#endif
