/*
 * http_visitors.h - who is connected, by address: how many connections each
 * has, and how fast it may ask.  Time is passed in.
 *
 * An address without connections is remembered until its debt is paid or 1,024
 * newer ones have left: one who comes from everywhere gains nothing by it that
 * the bound on all connections would not have given.
 */
#ifndef SEALPOST_COMMON_HTTP_VISITORS_H
#define SEALPOST_COMMON_HTTP_VISITORS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/list.h"
#include "common/map.h"

enum { HTTP_VISITORS_GONE_MAX = 1024 };

struct http_visitor {
    struct list_node node; /* among those who left */
    uint8_t address[16];
    unsigned connections;
    uint64_t paid_until; /* in 1/requests_per_s milliseconds */
};

struct http_visitors {
    struct map map;
    struct list gone; /* oldest first */
    unsigned gone_count;
    unsigned per_s, burst;
};

/* PER_S 0: everybody may ask as fast as they like.  SEED: 16 random bytes. */
void http_visitors_init(struct http_visitors *v, unsigned per_s, unsigned burst,
                        const uint8_t seed[16]);
void http_visitors_clear(struct http_visitors *v);

/* One connection more from ADDRESS (IPv4 mapped into IPv6; of an IPv6 address
 * the /64 counts).  NULL: no memory. */
struct http_visitor *http_visitors_enter(struct http_visitors *v,
                                         const uint8_t address[16]);
/* One less; VISITOR may be gone afterwards. */
void http_visitors_leave(struct http_visitors *v, struct http_visitor *visitor);

/* One request now?  False: not before *WAIT_S seconds (1 or more). */
bool http_visitors_ask(const struct http_visitors *v,
                       struct http_visitor *visitor, uint64_t now_ms,
                       unsigned *wait_s);

#endif
