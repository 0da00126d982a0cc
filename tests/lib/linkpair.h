/*
 * linkpair.h - a client's and a relay's link joined in memory, and a rogue
 * client that speaks records by hand.  Anything unexpected fails the test.
 */
#ifndef SEALPOST_TESTS_LINKPAIR_H
#define SEALPOST_TESTS_LINKPAIR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "proto/link.h"
#include "proto/noise.h"
#include "proto/record.h"

#define PAIR_NAME "relay.test"
#define PAIR_START_MS ((uint64_t)1000000)
#define PAIR_UNIX_MS ((uint64_t)1790000000123)

extern const struct dh_secret pair_relay_secret, pair_device_secret;
extern const struct agency_id pair_agency;
extern const struct device_id pair_device;
extern const struct link_events pair_events; /* ARG is a struct end */

/* One end of a connection with all that it was told. */
struct end {
    struct link *link;
    struct link_peer peer;
    bool was_asked, says_no, is_ready;
    unsigned bye_count, message_count, blob_count;
    uint16_t bye_code;
    /* u32 length || message, or "blob" || handle || offset || bytes */
    struct buf heard;
    unsigned stop_after; /* messages; 0: never */
};

struct pair {
    struct end client, relay;
    uint64_t now_ms;
};

struct link_client_config pair_client_config(enum link_suite suite,
                                             struct dh_key *relay_key);
struct link_relay_config pair_relay_config(void);
void pair_start(struct pair *p, enum link_suite suite);
/* Started, and the handshake done. */
void pair_ready(struct pair *p, enum link_suite suite);
void pair_clear(struct pair *p);
/* All that FROM has queued reaches TO in pieces of CUT bytes. */
enum err pair_carry(struct pair *p, struct end *from, struct end *to,
                    size_t cut);
/* Until nobody has anything to send; the first error. */
enum err pair_pump(struct pair *p, size_t cut);

/* A client that can say what link.c never would. */
struct rogue {
    struct end relay;
    struct noise noise;
    struct noise_cipher send, recv;
};

/* After message 2. */
void rogue_start(struct rogue *g, enum link_suite suite);
enum err rogue_m3(struct rogue *g, unsigned version);
/* After the handshake. */
void rogue_ready(struct rogue *g, enum link_suite suite);
enum err rogue_record(struct rogue *g, enum record_kind kind, const void *bytes,
                      size_t len);
void rogue_clear(struct rogue *g);

#endif
