/*
 * balance.h - the conservation check.  Folds delivery events in log order into
 * one state per packet and into counts per sender and per mailbox, and reports
 * what does not fit.  Pure: no clock, no log, no store; the sender's client,
 * the recipient's client and the auditor run the same code over the openings
 * they have.
 *
 *   stored + carried = handed_over + refused + expired + withdrawn + pending
 *
 * Life: balance_new() ... balance_event()* ... balance_finish() any number of
 * times, more events, ... balance_free().  About 110 bytes a packet.
 */
#ifndef SEALPOST_PROTO_BALANCE_H
#define SEALPOST_PROTO_BALANCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "proto/event.h"
#include "proto/ids.h"

/* Counts of packets.  CARRIED: ended in the range, but stored before it. */
struct tally {
    uint64_t stored;
    uint64_t carried;
    uint64_t handed_over;
    uint64_t refused;
    uint64_t expired;
    uint64_t withdrawn;
    uint64_t pending;
};
/* Own copies (to the sender's own mailbox) are counted apart. */
struct balance_counts {
    struct tally packets;
    struct tally own_copies;
};
/* Where T counts packets in STATE, which is not UNSEEN. */
uint64_t *tally_of(struct tally *t, enum packet_state state);
/* Pending, or ended, at NOW_MS: past its end, the sweep and the grace. */
bool balance_is_overdue(uint64_t not_after, uint64_t grace_s, uint64_t now_ms);
/* stored + carried equals the sum of the others. */
bool tally_conserved(const struct tally *t);

enum finding_kind {
    FINDING_SEQUENCE,     /* the event may not follow in this state */
    FINDING_STORED_TWICE, /* same name, same digest, a second stored event */
    FINDING_CONFLICT,    /* same name with other digest, parties or not_after */
    FINDING_NO_EVIDENCE, /* needs foreign evidence and names none */
    FINDING_BAD_REF,     /* ref is not the index of the stored event */
    FINDING_EARLY,       /* expired before not_after + 15 min */
    FINDING_OVERDUE,     /* pending or ended past not_after + 15 min + grace */
    FINDING_ORDER,       /* index not above the one before */
    FINDING_UNOPENED,    /* a sealed leaf neither opened nor erased */
    FINDING_ERASED_EARLY, /* erased before its retention could have ended */
    FINDING_KINDS
};
struct finding {
    enum finding_kind kind;
    uint64_t index;          /* of the event or leaf it is about */
    uint8_t type;            /* of the event, or 0 */
    enum packet_state state; /* the packet's, before the event */
    struct packet_id packet; /* zero when no packet is known */
    struct agency_id sender;
};
/* "illegal sequence" and so on. */
const char *finding_name(enum finding_kind kind);

struct balance_options {
    /* Packets stored below this index are not expected to be known. */
    uint64_t first_index;
    /* A leaf at or beyond this index may not have been erased yet; it is the
     * size of a head known to be older than the retention.  UINT64_MAX: not
     * checked. */
    uint64_t erasable_end;
    /* How much later than not_after + 15 min the sweep may come. */
    uint64_t grace_s;
    /* Random; keeps packet names chosen by a stranger from colliding. */
    uint8_t seed[16];
    /* True when mailbox TO belongs to agency SENDER: the packet is an own
     * copy.  Asked once a packet.  NULL: there are none. */
    bool (*is_own)(void *arg, const struct mailbox_id *to,
                   const struct agency_id *sender);
    /* Called at once for each finding, borrowed for the call.  NULL: only
     * counted. */
    void (*found)(void *arg, const struct finding *finding);
    void *arg;
};

struct balance;

/* Copies OPTIONS.  NULL when out of memory. */
struct balance *balance_new(const struct balance_options *options);
void balance_free(struct balance *b);

/* The event at INDEX of the log, indexes ascending.  Findings are no error:
 * ERR_NOMEM only, after which B must be freed. */
enum err balance_event(struct balance *b, uint64_t index,
                       const struct event *ev);
/* A sealed leaf at INDEX whose opening is not at hand.  It becomes
 * FINDING_UNOPENED at the end unless an erased event names it. */
enum err balance_unopened(struct balance *b, uint64_t index);
/* Reports packets overdue at NOW_MS and leaves left unopened.  Nothing is
 * changed; a second call reports them again. */
void balance_finish(struct balance *b, uint64_t now_ms);

/* Everything; the packets that SENDER sent; those that went to mailbox TO.
 * All zero when there are none. */
struct balance_counts balance_total(const struct balance *b);
struct balance_counts balance_of_sender(const struct balance *b,
                                        const struct agency_id *sender);
struct balance_counts balance_of_mailbox(const struct balance *b,
                                         const struct mailbox_id *to);
/* How many findings of this kind there were, balance_finish()'s included. */
uint64_t balance_findings(const struct balance *b, enum finding_kind kind);
/* Every tally, total and by group, is conserved, and the total equals a fresh
 * count of the packets. */
bool balance_conserved(const struct balance *b);

/* One packet's story so far. */
struct balance_packet {
    struct packet_id packet;
    struct agency_id sender;
    struct mailbox_id recipient;
    struct hash pkt_digest;
    uint64_t stored_index; /* of its stored event; UINT64_MAX: not known */
    uint64_t not_after;    /* seconds */
    uint64_t stored_ms;    /* 0: not known */
    uint64_t end_ms;       /* 0: it has not ended */
    enum packet_state state;
    uint16_t reason; /* of the event that ended it */
    uint8_t class;
    bool is_own;
    bool is_carried; /* stored before first_index */
    /* Carried, in state UNSEEN: it ended before, we do not know how. */
    bool is_over;
    bool is_warned; /* its sender was warned before the end */
    bool is_late;   /* a receipt came after the end */
};
/* What P is in a period from FROM_MS to before TO_MS: it belongs to it when it
 * was stored in it or was pending when it began (carried), and has the state
 * that it had at its end. */
struct balance_fate {
    bool is_carried;
    bool has_ended; /* before the period was over */
    enum packet_state state;
};
/* False: it does not belong to the period. */
bool balance_fate(const struct balance_packet *p, uint64_t from_ms,
                  uint64_t to_ms, struct balance_fate *out);
/* Counts P, which has that fate. */
void balance_tell(struct balance_counts *to, const struct balance_packet *p,
                  const struct balance_fate *fate);
/* ERR_NOTFOUND when no event named it. */
enum err balance_packet(const struct balance *b, const struct agency_id *sender,
                        const struct packet_id *packet,
                        struct balance_packet *out);
/* Each packet in order of its first event; false from EACH stops. */
void balance_each(const struct balance *b,
                  bool (*each)(void *arg, const struct balance_packet *p),
                  void *arg);

/* ---- a balance that goes on another day ----
 *
 * balance_new() with the options of before, each packet of balance_each() and
 * each leaf of balance_leaf_nth() in order, balance_restore_next(): then it is
 * as it was, but for balance_findings().
 */

/* ERR_NOMEM; ERR_EXISTS for a second one of that name; ERR_MALFORMED for
 * values that no balance could have given. */
enum err balance_restore(struct balance *b, const struct balance_packet *p);
enum err balance_restore_leaf(struct balance *b, uint64_t index,
                              bool is_erased);
void balance_restore_next(struct balance *b, uint64_t next_index);
uint64_t balance_next_index(const struct balance *b);
/* Leaves of balance_unopened(), I from 0.  False behind the last. */
bool balance_leaf_nth(const struct balance *b, size_t i, uint64_t *index,
                      bool *is_erased);
/* The packet stored at this index was erased: as if it had never been seen.
 * Nothing when there is none. */
void balance_forget(struct balance *b, uint64_t stored_index);

#endif
