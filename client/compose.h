/*
 * compose.h - a new packet, from what a command was given to the vault: the
 * rules of sending first, then the attachments sealed, then the packet queued.
 * Nothing is sealed to anybody here: that is the outbox's work, when it knows
 * the recipients' newest keys.
 */
#ifndef SEALPOST_CLIENT_COMPOSE_H
#define SEALPOST_CLIENT_COMPOSE_H

#include <stdbool.h>
#include <stdint.h>

#include "client/desk.h"
#include "client/mail.h"
#include "proto/inner.h"

enum {
    COMPOSE_ROUTINE_DAYS = 30,
    COMPOSE_URGENT_DAYS = 7,
    COMPOSE_FILES_MAX = HEADER_ATTS_MAX,
};

/* Everything is borrowed.  Zero means: not said. */
struct compose {
    struct mailbox_id to;
    uint8_t type; /* enum packet_type */
    bool urgent;
    bool escalate; /* to the deputy by itself, when warned */
    bool override_stale;
    bool was_online; /* a moment ago: the directory is up to date */
    unsigned days;   /* until it expires */
    struct thread_id thread;
    struct packet_id in_reply_to;
    const char *subject;
    const json_t *meta; /* members that part 0 gets beside our own */
    /* Parts 1..15 by number; empty ones do not travel. */
    struct span parts[INNER_PARTS_MAX];
    /* Parts that the recipient is not entitled to: their commitments travel. */
    struct span withheld[INNER_PARTS_MAX];
    const char *files[COMPOSE_FILES_MAX]; /* paths */
    uint8_t file_parts[COMPOSE_FILES_MAX];
    size_t n_files;
};

/* May this be sent to them by us now?  P_CLASS, P_RECIPIENT_SUSPENDED,
 * P_STALE, P_NEWER_NEEDED, P_POLICY.  Changes nothing. */
enum err compose_check(struct desk *d, const struct compose *c,
                       struct problem *pb);
/* compose_check, then everything into the vault in state QUEUED.  Gives the
 * packet; clear it. */
enum err compose_packet(struct desk *d, const struct compose *c,
                        struct mail *out, struct problem *pb);
/* (T) The copy of M (just stored) for our mailbox's other devices, if it has
 * any; M->own_copy is set then. */
enum err compose_own_copy(struct desk *d, struct mail *m, struct problem *pb);

/* A packet that goes on for another of ours, which ended or is about to. */
struct again {
    const struct mail *old; /* OUT */
    struct mailbox_id to;
    unsigned parts;      /* PART_BITs that may go there; the others are cut */
    const char *consent; /* reason against a missing agreement, or NULL */
    bool is_asked_anew;  /* TO is of another agency: its agreement counts */
};
/* The same content, thread and attachments (their keys, ids and sealed bytes)
 * in a new packet, into the vault in state QUEUED; the old one is linked to it
 * in the same transaction.  Gives the packet; clear it. */
enum err compose_again(struct desk *d, const struct again *a, struct mail *out,
                       struct problem *pb);

#endif
