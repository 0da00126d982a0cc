/*
 * audit.h - the audit itself: entries of the delivery log, openings and
 * evidence in; a balance and findings out.  Knows no network, vault or
 * terminal, so that a test can feed it any log.
 *
 * What is checked of each entry: it hashes into the root; its opening hashes
 * to it; the event's evidence is there, hashes to what the event names, says
 * the same and is signed by a device that could; a head inside it is a prefix
 * of this log.  Then proto/balance.h folds the events.  Signatures, which cost
 * more than all the rest, are checked on all processors.
 *
 * It is always the whole log that is audited; a period, an agency or a class is
 * chosen from the result (audit_view_make.h).
 *
 * Life: audit_new() or audit_book_open() (audit_book.h) ... audit_page() in the
 * order of the log ... audit_close() ... audit_finish() ... audit_known(),
 * audit_receipt() ... results ... audit_free().  Memory: 64 bytes an entry and
 * what the balance needs for a packet.
 */
#ifndef SEALPOST_CLIENT_AUDIT_H
#define SEALPOST_CLIENT_AUDIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "proto/balance.h"
#include "proto/crypto.h"
#include "proto/directory.h"
#include "proto/note.h"
#include "proto/proof.h"

enum {
    AUDIT_GRACE_S = 15 * 60, /* how late the sweep may come */
    AUDIT_FINDINGS_MAX = 1000,
};

/* LEAF_TIME_S and LOG are borrowed as long as entries and receipts are fed, DIR
 * and SELF until audit_free(). */
struct audit_options {
    const struct directory *dir; /* the newest */
    /* Claimed time of each leaf of DIR.  NULL: not known, then nothing is said
     * of devices that were revoked. */
    const uint64_t *leaf_time_s;
    const struct vkey *log; /* of the delivery log */
    /* Who audits.  Of class auditor: every opening in its scope must
     * be there.  Else only its own agency's are expected to be. */
    const struct dir_agency *self;
    /* Shortest time that a policy let openings be kept; 0: not checked. */
    uint64_t retention_s;
    uint64_t now_ms;
    uint8_t seed[16]; /* random */
    unsigned helpers; /* threads beside the caller's */
};

/* One opening as the relay gave it; borrowed for the call. */
struct audit_row {
    uint64_t index;
    const uint8_t *opening; /* OPENING_LEN bytes */
    struct span evidence;   /* empty: none */
};

/* In the order of the log; those of no entry come last. */
struct audit_finding {
    char code[24]; /* stable: "overdue" */
    char text[200];
    bool has_packet;
    struct packet_id packet;
    struct agency_id sender; /* zeros: not known */
    struct mailbox_id recipient;
    uint8_t class;    /* of the packet */
    uint64_t time_ms; /* of the event; 0: not known */
    uint64_t index;   /* of the entry; UINT64_MAX: of none */
    /* Stays found whatever comes later ("overdue" does not). */
    bool is_lasting;
};

/* Events that the balance does not keep: device_refused, late_receipt,
 * quota_refused, auditor_read. */
struct audit_note {
    uint64_t index, time_ms, ref;
    uint8_t type, class;
    uint16_t reason;
    struct agency_id sender;
    struct mailbox_id recipient;
    struct device_id actor;
};

struct audit_sum {
    uint64_t entries;  /* whose hashes went into the root */
    uint64_t before;   /* of these, audited before and kept */
    uint64_t opened;   /* openings that fit their entry */
    uint64_t unseen;   /* sealed entries that are others' business */
    uint64_t erased;   /* public entries that say so */
    uint64_t evidence; /* signatures by others that hold */
    uint64_t heads;    /* heads seen by others that fit */
    uint64_t receipts; /* own receipts and events looked up */
    uint64_t reads;    /* openings an auditor asked for, in questions */
    uint64_t quota;    /* submissions refused by quota */
    uint64_t findings; /* all, the list may hold fewer */
    struct balance_counts total;
};

struct audit;

/* NULL when out of memory. */
struct audit *audit_new(const struct audit_options *options);
void audit_free(struct audit *a);

/* How many entries it has. */
uint64_t audit_size(const struct audit *a);
/* ERR_NOTFOUND for an entry that it does not have yet. */
enum err audit_leaf(const struct audit *a, uint64_t index, struct hash *out);

/* The next N entries as one entry bundle, with the openings we got for them,
 * ascending.  ERR_VERIFY: BUNDLE does not hold exactly N entries (it was cut
 * or is another one).  ERR_NOMEM.  All else is a finding. */
enum err audit_page(struct audit *a, const void *bundle, size_t len, unsigned n,
                    const struct audit_row *rows, size_t n_rows);
/* All entries were given.  ERR_VERIFY when they do not have the root of HEAD;
 * then nothing found before means anything. */
enum err audit_close(struct audit *a, const struct head *head);
/* What is wrong as of now, if nothing more comes.  ERR_NOMEM. */
enum err audit_finish(struct audit *a);
/* An event that the relay proved to us before: it stands at INDEX of this log,
 * and the relay still shows it or has erased it. */
void audit_known(struct audit *a, uint64_t index,
                 const uint8_t opening[OPENING_LEN], const struct event *ev);
/* The same for a receipt that verified, whose head is of this log, too. */
void audit_receipt(struct audit *a, const struct receipt *r);
/* A head that the relay signed for us before. */
void audit_shown(struct audit *a, const struct head *head);
/* A head under the log's own key that is not a prefix of this log: the relay
 * has shown two histories. */
bool audit_fork(const struct audit *a, struct head *out);

/* ---- results, of use after audit_finish() ---- */

void audit_result(const struct audit *a, struct audit_sum *out);
size_t audit_finding_count(const struct audit *a);
const struct audit_finding *audit_finding_at(const struct audit *a, size_t i);
/* NULL behind the last.  In the order of the log. */
const struct audit_note *audit_note_at(const struct audit *a, size_t i);
/* NULL when no event was seen. */
const struct balance *audit_balance(const struct audit *a);
const struct audit_options *audit_options(const struct audit *a);

#endif
