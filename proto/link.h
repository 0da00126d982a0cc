/*
 * link.h - the channel of one connection as an engine: preamble, Noise
 * handshake, padded records, messages in parts, blob records, idle and bye.
 * Bytes and times in; bytes, events and a next deadline out.  Knows no
 * sockets, no msgpack and no directory.
 *
 * Life: link_new_client() or link_new_relay() ... link_free().
 *
 *   client: connect, link_new_client, send link_output | ready() fires
 *           after message 2 (NK) or as message 3 is queued (XK)
 *   relay:  accept,  link_new_relay | who() asks (XK only) | ready()
 *
 * The owner: (1) feeds what it reads, (2) after every call into the link sends
 * what stands in link_output(), (3) keeps one timer at link_next_ms() and
 * calls link_tick() then, (4) on anything but ERR_OK from link_feed or
 * link_tick sends what is queued where that is said below, and closes.
 * After a failure the link has queued nothing: the peer is told nothing.
 *
 * Times are milliseconds of the owner's monotonic clock.  Memory: the struct
 * and a handshake of less than 2 KiB before authentication; afterwards the
 * receive buffer grows as one record or message needs, and goes again.
 * PROTOCOL.md sections 3 and 4.
 */
#ifndef SEALPOST_PROTO_LINK_H
#define SEALPOST_PROTO_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/err.h"
#include "proto/crypto.h"
#include "proto/ids.h"
#include "proto/limits.h"

enum {
    LINK_VERSION = 1,

    LINK_HANDSHAKE_MS = 10 * 1000, /* from the first byte to ready() */
    LINK_IDLE_MIN_MS = 25 * 1000,  /* client: idle record this long after */
    LINK_IDLE_MAX_MS = 30 * 1000,  /* its last record, jittered */
    LINK_SILENCE_MS = 90 * 1000,   /* no whole record: closed, both sides */
    LINK_AGE_MAX_MS = 12 * 3600 * 1000, /* then a new handshake */
    LINK_AGE_EARLY_MS = 30 * 60 * 1000, /* client: up to so much earlier */
    LINK_NK_AGE_MAX_MS = LIMIT_NK_SESSION_S * 1000,

    LINK_MSG_MAX = LIMIT_MSG_LEN,       /* bytes of one message, XK */
    LINK_NK_MSG_MAX = LIMIT_NK_MSG_LEN, /* NK */
    LINK_RECORD_BYTES_MAX = 65515 /* bytes in one record beside its head */
};

/* The byte after "SPT1". */
enum link_suite { LINK_XK = 1, LINK_NK = 2 };

struct link;

/* Whom message 3 names, and the transport key it proved to hold. */
struct link_peer {
    struct agency_id agency;
    struct device_id device;
    struct dh_key key;
};

/*
 * Events fire from inside link_feed().  They may call link_send_*, link_bye,
 * link_stop and the getters, never link_feed, link_tick or link_free.
 * Pointers are borrowed until the call returns.
 */
struct link_events {
    /* Relay, XK only, once: does PEER's key belong to that live device?  False
     * ends the link without an answer.  Nothing but the roster in memory is
     * asked here: the client's first records may be in the same read. */
    bool (*who)(void *arg, const struct link_peer *peer);
    /* The handshake is done; sending is allowed from here on. */
    void (*ready)(void *arg);
    /* One whole message, 1..LINK_MSG_MAX bytes. */
    void (*message)(void *arg, const uint8_t *bytes, size_t len);
    /* XK only.  LEN is 1..65503. */
    void (*blob)(void *arg, uint32_t handle, uint64_t offset,
                 const uint8_t *bytes, size_t len);
    /* The other side's last word; link_feed then gives ERR_CLOSED. */
    void (*bye)(void *arg, uint16_t code);
};

struct link_client_config {
    enum link_suite suite;
    const struct dh_key *relay_key;
    const char *relay_name; /* 1..255 bytes, as POLICY or the invite has it */
    /* XK only. */
    struct agency_id agency;
    struct device_id device;
    const struct dh_secret *secret;
};

struct link_relay_config {
    const struct dh_secret *secret; /* the relay's transport key */
    const char *relay_name;         /* 1..255 bytes */
    uint64_t unix_ms;               /* told to the client in message 2 */
};

/*
 * Borrows EV and ARG until link_free.  The client copies its config; the relay
 * borrows SECRET and RELAY_NAME until ready() or link_free.  EV members may be
 * NULL where the event cannot or need not be seen.  NULL: no memory.
 */
struct link *link_new_client(const struct link_client_config *cfg,
                             const struct link_events *ev, void *arg,
                             uint64_t now_ms);
struct link *link_new_relay(const struct link_relay_config *cfg,
                            const struct link_events *ev, void *arg,
                            uint64_t now_ms);
/* Wipes; NULL is fine. */
void link_free(struct link *l);

/*
 * Bytes from the peer, cut anywhere; all of them are consumed.  ERR_OK: go on.
 * ERR_CLOSED: bye came, or link_bye or link_stop was called: send what is
 * queued, close.  Else the link is dead and nothing was answered: close.
 * ERR_MALFORMED sizes, padding, kinds, order; ERR_TOOBIG a message above the
 * limit; ERR_VERIFY a key, tag or name that does not fit; ERR_VERSION no
 * common version or an unknown suite; ERR_AUTH who() said no; ERR_NOMEM.
 * Every further call gives the same error.
 */
enum err link_feed(struct link *l, const void *bytes, size_t len,
                   uint64_t now_ms);

/* When link_tick() should be called; never behind the past on purpose. */
uint64_t link_next_ms(const struct link *l);
/* Does what is due: the client's idle record.  ERR_TIMEOUT: handshake or
 * silence took too long (BYE_IDLE is queued after ready).  ERR_EXPIRED: 12 h
 * old, over NK a minute (BYE_REKEY is queued).  Send what is queued, close. */
enum err link_tick(struct link *l, uint64_t now_ms);

/*
 * Queue output.  ERR_STATE before ready() and after the end, ERR_TOOBIG above
 * the limit of the suite, ERR_NOMEM (nothing is queued then).  LEN >= 1.
 * A blob is cut into records of at most 65503 bytes with ascending offsets.
 */
enum err link_send_msg(struct link *l, const void *bytes, size_t len,
                       uint64_t now_ms);
enum err link_send_blob(struct link *l, uint32_t handle, uint64_t offset,
                        const void *bytes, size_t len, uint64_t now_ms);
/* An idle record by hand; the client's come by link_tick, the relay's are
 * echoes that link_feed queues. */
enum err link_idle(struct link *l, uint64_t now_ms);
/* Queue the last record (enum bye in msg.h) and stop: no event fires any more,
 * link_feed gives ERR_CLOSED.  Before ready() only the latter. */
void link_bye(struct link *l, uint16_t code);
/* The same without a record. */
void link_stop(struct link *l);

/* What is to be sent, oldest first.  The owner drops what it sent, or takes
 * the whole buffer by copying the struct and zeroing it here. */
struct buf *link_output(struct link *l);

bool link_is_ready(const struct link *l);
/* Relay: LINK_XK or LINK_NK once the preamble is read, else 0. */
unsigned link_suite_of(const struct link *l);
/* Client, after ready: the relay's wall clock as message 2 was made. */
uint64_t link_relay_unix_ms(const struct link *l);
/* Both, after ready: the version spoken (NK: always 1). */
uint16_t link_version(const struct link *l);
/* Relay, XK, after ready; else NULL. */
const struct link_peer *link_peer(const struct link *l);
/* Hash of the handshake: names this session in both ends' tests and logs. */
const struct hash *link_session_hash(const struct link *l);
/* Bytes of heap this link holds now, its own struct included. */
size_t link_memory(const struct link *l);

#endif
