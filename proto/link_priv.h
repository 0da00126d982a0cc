/*
 * link_priv.h - what link.c and link_shake.c share.  Nobody else includes it.
 */
#ifndef SEALPOST_PROTO_LINK_PRIV_H
#define SEALPOST_PROTO_LINK_PRIV_H

#include "proto/link.h"
#include "proto/noise.h"

enum link_state { PREAMBLE, M1, M2, M3, OPEN };

enum {
    PREAMBLE_LEN = 5,
    LEN_LEN = 2,
    M1_LEN = 48,
    M2_LEN = 58,
    M3_LEN = 98,
    M2_PAYLOAD = 10,
    M3_PAYLOAD = 34,
    NAME_MAX_LEN = 255
};

struct link {
    const struct link_events *ev;
    void *arg;
    bool is_client;
    uint8_t suite;
    enum link_state state;
    enum err end; /* not ERR_OK: over */

    struct noise *noise;            /* during the handshake */
    const struct dh_secret *secret; /* relay, borrowed till ready */
    const char *relay_name;         /* relay, borrowed till ready */
    uint64_t unix_ms;               /* message 2: the relay's wall clock */
    uint16_t version;
    struct link_peer peer; /* relay: who came; client: who we are */
    struct hash session;

    struct noise_cipher send, recv;
    struct buf in; /* the unit that is coming in */
    size_t need;   /* its length as far as it is known */
    struct buf parts;
    struct buf out;

    uint64_t born_ms, ready_ms, heard_ms, sent_ms;
    uint64_t idle_after_ms, age_max_ms;
};

/* Message 1 into the output of a new client.  ERR_VERIFY: the relay's key is
 * no key. */
enum err link_greet(struct link *l, const struct link_client_config *cfg);

/* Take the unit of that state out of l->in.  The last one of each side's
 * handshake calls link_open(). */
enum err link_on_preamble(struct link *l, uint64_t now_ms);
enum err link_on_m1(struct link *l, uint64_t now_ms);
enum err link_on_m2(struct link *l, uint64_t now_ms);
enum err link_on_m3(struct link *l, uint64_t now_ms);

/* From the handshake's end to records; fires ready(). */
enum err link_open(struct link *l, uint64_t now_ms);

#endif
