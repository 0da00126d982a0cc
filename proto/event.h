/*
 * event.h - delivery events: their 160 bytes, their openings, the entries of
 * the delivery log that commit to them, and the one table of what may follow
 * what (PROTOCOL.md section 14.4).  Relay, client and auditor all use this
 * table.
 */
#ifndef SEALPOST_PROTO_EVENT_H
#define SEALPOST_PROTO_EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "proto/ids.h"

enum {
    EVENT_LEN = 160,
    OPENING_LEN = 32 + EVENT_LEN, /* salt || EVENT */
    SEALED_ENTRY_LEN = 2 + 32,
    PUBLIC_EVENT_LEN = 2 + EVENT_LEN,
    EVENT_SWEEP_S = 15 * 60,    /* not_after to the sweep that writes expired */
    COLLECTED_STEP_S = 15 * 60, /* no finer is told who collected when */
};

/* The numbers are in the log for ever. */
enum event_type {
    EVENT_STORED = 1,
    EVENT_HANDED_OVER = 2,
    EVENT_REFUSED = 3,
    EVENT_WITHDRAWN = 4,
    EVENT_EXPIRED = 5,
    EVENT_DEVICE_RECEIPT = 16,
    EVENT_DEVICE_REFUSED = 17,
    EVENT_LATE_RECEIPT = 18,
    EVENT_WARNED = 19,
    EVENT_READDRESSED = 20,
    EVENT_QUOTA_REFUSED = 32,
    EVENT_AUDITOR_READ = 33,
    EVENT_ADMIN = 34,
    EVENT_ERASED = 48,
};

/* Where a packet stands.  The numbers of the final states are those of the
 * events that make them. */
enum packet_state {
    PACKET_UNSEEN = 0,
    PACKET_PENDING = 1,
    PACKET_HANDED_OVER = 2,
    PACKET_REFUSED = 3,
    PACKET_WITHDRAWN = 4,
    PACKET_EXPIRED = 5,
    PACKET_STATES
};

struct event {
    uint8_t type;       /* enum event_type */
    uint8_t class;      /* of the packet: 0 routine, 1 urgent */
    uint8_t size_class; /* event_size_class() */
    uint16_t reason;
    uint64_t time_ms; /* the relay's clock */
    struct packet_id packet;
    struct agency_id sender;     /* the agency that sent the packet */
    struct mailbox_id recipient; /* the one mailbox it goes to */
    struct device_id actor;      /* who did it; zero: the relay itself */
    struct hash pkt_digest;
    uint64_t not_after; /* seconds */
    /* 2-19: index of the stored event; 20: of the new packet's; 32: count;
     * 33: first index read; 48: index erased; else zero. */
    uint64_t ref;
    struct hash evidence; /* SHA-256(RCPT | WDRW | statement), or zero */
};

/* The fixed facts of one type. */
struct event_info {
    uint8_t type;
    const char *name;
    char letter;         /* one letter, for tables people read */
    bool is_packet;      /* belongs to the story of one packet */
    bool is_final;       /* ends it: 2 3 4 5 */
    bool is_public;      /* stands in the log unsealed */
    bool needs_evidence; /* signed by somebody other than the relay */
    bool refs_stored;    /* REF is the index of the packet's stored event */
};
/* NULL for a number that is not a type. */
const struct event_info *event_info(unsigned type);
/* "stored", or "unknown". */
const char *event_name(unsigned type);
/* NULL when no type has this name. */
const struct event_info *event_by_name(const char *name);
const char *packet_state_name(enum packet_state state);

/*
 * The table of legal sequences: 1, then any of 17 19, then exactly one of
 * 2 3 4 5, then any of 16 17 18 20.  ERR_STATE, and *NEXT untouched, when TYPE
 * may not follow in STATE (types without a packet never may).
 */
enum err event_next(enum packet_state state, unsigned type,
                    enum packet_state *next);
/* Name, parties, digest and not_after are the same. */
bool event_same_packet(const struct event *a, const struct event *b);
/* All events of one packet in log order: the sequence is legal, and name,
 * parties, digest and not_after are the same in each.  *END (may be NULL) is
 * the state at the end.  ERR_STATE or ERR_CONFLICT. */
enum err event_check_sequence(const struct event *events, size_t n,
                              enum packet_state *end);

/* May an event of TYPE give REASON?  Reasons are about delivery only; most
 * types have none (event_reason.c). */
bool event_reason_is_legal(unsigned type, unsigned reason);
/* "wrong_mailbox", "never_served"; NULL for one that is not legal. */
const char *event_reason_name(unsigned type, unsigned reason);

/* EVENT, 160 bytes.  Decoding gives ERR_VERSION for another version byte and
 * ERR_MALFORMED for an unknown type, non-zero reserved bytes, or a class or
 * size class out of range. */
void event_encode(const struct event *ev, uint8_t out[EVENT_LEN]);
enum err event_decode(const uint8_t bytes[EVENT_LEN], struct event *out);

/* The opening salt || EVENT and the sealed entry that commits to it. */
void opening_make(const uint8_t salt[32], const struct event *ev,
                  uint8_t out[OPENING_LEN]);
enum err opening_decode(const void *bytes, size_t len, struct event *out);
void sealed_entry(const uint8_t opening[OPENING_LEN],
                  uint8_t out[SEALED_ENTRY_LEN]);
/* ERR_VERIFY when ENTRY is not the sealed entry of OPENING; else decodes. */
enum err opening_verify(const void *entry, size_t entry_len,
                        const void *opening, size_t opening_len,
                        struct event *out);
/* RFC 6962 leaf hash of the sealed entry of OPENING. */
void opening_leaf(const uint8_t opening[OPENING_LEN], struct hash *leaf);

/*
 * The public entry that says leaf INDEX lost its opening.  Type, time and
 * index only: everything else is zero, or it would tell what was erased.
 */
void erased_entry(uint64_t time_ms, uint64_t index,
                  uint8_t out[PUBLIC_EVENT_LEN]);

/* What kind of entry a leaf of the delivery log is. */
enum entry_kind {
    ENTRY_SEALED = 1,    /* 01 01 || commitment(32) */
    ENTRY_EVENT = 2,     /* 01 02 || EVENT (erased) */
    ENTRY_STATEMENT = 3, /* 01 03 || statement */
};
struct entry {
    enum entry_kind kind;
    struct hash commitment;   /* ENTRY_SEALED */
    struct event event;       /* ENTRY_EVENT */
    const uint8_t *statement; /* ENTRY_STATEMENT: borrowed from the entry */
    size_t statement_len;
};
/* ERR_MALFORMED, or ERR_VERSION when the first byte is not 01. */
enum err entry_decode(const void *bytes, size_t len, struct entry *out);

/* floor(log2(BYTES)), BYTES = HDR + WRAP + body_len + all ct_len; 0 gives 0. */
uint8_t event_size_class(uint64_t bytes);

#endif
