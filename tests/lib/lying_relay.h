/*
 * lying_relay.h - a relay in this process that tells the desk of
 * desk_fixture.h whatever a test wants.  Linking it takes the place of the
 * client's connection: it defines all of client/upstream.h.
 *
 * It keeps a real delivery log, knows df.net's directory, and lies when told.
 * Life: desk_fixture_setup, relay_begin ... relay_end.
 */
#ifndef SEALPOST_TESTS_LYING_RELAY_H
#define SEALPOST_TESTS_LYING_RELAY_H

#include <stdbool.h>
#include <stdint.h>

#include "client/desk.h"
#include "client/mail.h"
#include "proto/event.h"
#include "proto/packet.h"
#include "proto/receipt.h"
#include "tests/lib/memtree.h"

enum lie {
    HONEST,
    /* SEND is answered with a receipt ... */
    LIE_RECEIPT_OF_OTHER_BYTES,
    LIE_RECEIPT_BY_OTHER_KEY,
    LIE_RECEIPT_OF_OTHER_MAILBOX,
    /* Keys. */
    LIE_PREKEY_OF_ITS_OWN,
    /* Logs. */
    LIE_FORKED_LOG,    /* the log of whoever asks next has another entry 0 */
    LIE_NO_PROOF,      /* consistency cannot be shown */
    LIE_FORGOTTEN_LOG, /* WELCOME shows an older head */
    LIE_FORGOTTEN_DIRECTORY,
    LIE_FORKED_DIRECTORY,
    /* Events. */
    LIE_EVENT_CHANGED,
    LIE_EVENTS_DROPPED,
    LIE_EVIDENCE_MISSING,
    LIE_EVIDENCE_CHANGED,
    /* A line that breaks. */
    LIE_SILENCE_AFTER_SEND,
    LIE_SLOTS_CHANGED, /* E-SLOT, once */
    LIE_FINAL,         /* a withdrawal comes too late, and no event says so */
};

enum { RELAY_EVENTS = 64 };

/* An attachment at the relay; BYTES are borrowed. */
struct relay_blob {
    struct agency_id owner;
    struct att_id id;
    struct span bytes;
};

struct lying_relay {
    enum lie lie;
    struct memtree log;
    struct event events[RELAY_EVENTS];
    uint8_t openings[RELAY_EVENTS][OPENING_LEN];
    struct buf evidence[RELAY_EVENTS];
    size_t n;
    unsigned sends, receipts, calls;
    struct hash sent[8];        /* digests of what SEND brought */
    struct relay_blob blobs[4]; /* for BLOB_GET, by owner and id */
    size_t n_blobs;
    bool has_prekeys;           /* do they have one? */
    struct packet_id resend_of; /* of the last SEND; zero: none */
    uint64_t collected_shown, collected_s, collected_now;
    struct buf cosigned[2]; /* notes for COSIGNED_GET, by enum log_which */
    bool is_gone;
};
extern struct lying_relay relay;

void relay_begin(void);
void relay_end(void);

/* Appends to the log; gives the index. */
uint64_t relay_log(const struct event *e, const void *evidence, size_t len);
/* A receipt of entry INDEX, to the newest head. */
void relay_receipt(uint64_t index, struct buf *to);
/* The event of the packet that we sent last, by them: TYPE with a receipt of
 * their device that says OUTCOME.  OPENED: as the content has it, or not. */
void relay_their_receipt(uint8_t type, const struct mail *m, uint8_t outcome,
                         bool is_opened_right);

/* An event without evidence about a packet that we sent. */
void relay_say(uint8_t type, uint16_t reason, const struct mail *m,
               uint64_t time_ms);

/* What a packet from THEY to us is made of; change it, then relay_deliver. */
struct relay_packet {
    struct packet_draft draft;
    struct inner_part parts[2]; /* meta and text */
    struct packet_recipient to;
    struct event stored; /* what the relay logs */
    char meta[512];
    char text[512];
};
/* A message, dated now, with the newest directory head. */
void relay_packet(struct relay_packet *p);
/* Sealed, "stored" and on its way to the desk: as DELIVER brings it, with a
 * proof out of the log. */
struct delivery *relay_deliver(struct relay_packet *p);

#endif
