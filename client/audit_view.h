/*
 * audit_view.h - what an audit came to, as plain values that text, JSON, HTML
 * and CSV are made of.  Everything is counted, sorted and named here; who shows
 * it only lays it out.  Knows no network, vault, terminal or file; the same
 * audit and choice give the same view, byte for byte.
 *
 * How packets are counted.  A packet belongs to the period when it was stored
 * in it (`stored`) or was pending when it began (`carried`).  It counts under
 * the state that it had at the end of the period (or at MADE_MS when that is
 * earlier):
 *
 *   stored + carried = handed_over + refused + expired + withdrawn + pending
 *
 * Copies to the sender's own mailboxes are counted apart.  Lines add up: the
 * `sent` tallies of all agencies, the days (day 0 holds what was carried) and
 * the two classes each add up to the total.
 *
 * Names come from the directory: they are the words of strangers, to be escaped
 * or shown through text_show().
 *
 * Life: audit_view_make() (audit_view_make.h) ... audit_view_clear(), which
 * frees all arrays; {0} may be cleared.
 */
#ifndef SEALPOST_CLIENT_AUDIT_VIEW_H
#define SEALPOST_CLIENT_AUDIT_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/balance.h"
#include "proto/ids.h"
#include "proto/limits.h"

enum view_class { VIEW_ROUTINE = 0, VIEW_URGENT = 1, VIEW_CLASSES };
/* "routine", "urgent". */
const char *view_class_name(unsigned class);

/* From stored to handed over, of the packets handed over in the period; own
 * copies are left out.  Percentiles are nearest rank; zero when N is 0. */
struct view_times {
    uint64_t n;
    uint64_t median_ms, p90_ms, max_ms;
};

/* Of the packets counted; own copies are left out. */
struct view_deadlines {
    uint64_t warned;   /* the sender was warned before the end */
    uint64_t rescued;  /* of these: handed over all the same */
    uint64_t expired;  /* ended unread */
    uint64_t unserved; /* of these: never even offered to a device */
    uint64_t overdue;  /* not settled 15 min and the grace after the end */
    uint64_t late;     /* a receipt came after the end */
};

/* Everything that is counted of some packets. */
struct view_group {
    struct balance_counts counts;
    struct view_times times[VIEW_CLASSES]; /* by class */
    struct view_times times_all;
    struct view_deadlines deadlines;
};

/* In the order of the directory; agencies without a packet are left out. */
struct view_agency {
    struct agency_id id;
    char name[LIMIT_AGENCY_NAME + 1]; /* "" when the directory has none */
    char country[3];
    uint8_t class; /* enum agency_class */
    struct view_group sent, received;
};

/* Packets of one day: stored that day (UTC), whatever became of them later in
 * the period. */
struct view_day {
    uint32_t day;  /* since 1970-01-01; 0: stored before the period */
    char text[11]; /* "2026-11-22", or "before" */
    struct balance_counts counts;
    uint64_t findings; /* exceptions about packets or entries of that day */
};

/* The same by the agency that sent them.  By agency as in `agencies`, then by
 * day. */
struct view_agency_day {
    size_t agency; /* place in `agencies` */
    uint32_t day;
    char text[11];
    struct balance_counts counts;
};

/* How often one reason was given by one kind of event, in the period; own
 * copies are in it. */
struct view_reason {
    uint8_t type;      /* enum event_type */
    uint16_t reason;   /* enum delivery_reason; of `expired` 0 or 1 */
    const char *event; /* "refused"; static */
    const char *name;  /* "undecryptable"; static */
    uint64_t n;
};

/* One thing that is not as it should be. */
struct view_exception {
    char code[24];  /* stable: "overdue" */
    char text[560]; /* a sentence for people, with names and times in it */
    bool has_packet;
    struct packet_id packet;
    uint64_t index;   /* of the entry; UINT64_MAX: of none */
    uint64_t time_ms; /* of the event; 0: not known */
    /* Who is concerned, as places in `agencies`; SIZE_MAX: nobody known. */
    size_t sender, recipient;
};

/* One question of an auditor to the relay, as the log has it. */
struct view_read {
    uint64_t index;   /* of the event */
    uint64_t time_ms; /* by the relay's clock */
    char auditor[LIMIT_AGENCY_NAME + 1];
    char device[LIMIT_LABEL + 1];
    uint64_t first; /* the first entry that was asked for */
};
/* All questions of one device on one day. */
struct view_reader {
    char auditor[LIMIT_AGENCY_NAME + 1];
    char device[LIMIT_LABEL + 1];
    uint32_t day;
    char text[11];
    uint64_t questions;
    uint64_t first,
        last; /* lowest and highest entry that a question began at */
};

/* One line of an auditor's scope. */
struct view_scope {
    char auditor[LIMIT_AGENCY_NAME + 1];
    bool is_self;
    char line[400]; /* "scope agencies=* from=* to=*", cut when longer */
};

struct view_head {
    uint64_t size;
    struct hash root;
};

/* What was looked at, over the whole log whatever was chosen. */
struct view_checked {
    uint64_t entries;  /* whose hashes went into the root */
    uint64_t opened;   /* openings that fit their entry */
    uint64_t unseen;   /* sealed entries that are others' business */
    uint64_t erased;   /* public entries that say so */
    uint64_t evidence; /* signatures and statements by others that hold */
    uint64_t heads;    /* heads seen by others that fit */
    uint64_t receipts; /* own receipts and kept events looked up in the log */
    uint64_t reads;    /* questions of auditors */
    uint64_t quota;    /* submissions refused by quota, never stored */
    /* Of `entries`, checked by an earlier audit of this device and kept. */
    uint64_t known_before;
};

struct audit_view {
    char relay[LIMIT_RELAY_NAME + 1];
    char auditor[LIMIT_AGENCY_NAME + 1]; /* who audits */
    bool is_auditor; /* of that class; else an agency looks at its own */
    char services[LIMIT_SERVICES + 1]; /* of an auditor: its scope is in them */
    uint64_t made_ms;
    uint64_t retention_s; /* openings are erased after it; 0: never */
    /* The choice.  Events from FROM_MS .. before TO_MS; 0 and UINT64_MAX: all.
     * Texts are "2026-11-22", the last day included, or "" for open ends. */
    uint64_t from_ms, to_ms;
    char from[11], to[11];
    bool has_agency; /* only packets that it sent or got */
    char agency[LIMIT_AGENCY_NAME + 1];
    bool has_class; /* only packets of that class */
    uint8_t class;  /* enum view_class */
    /* The first and last day with a counted packet; "" when there is none. */
    char first_day[11], last_day[11];

    struct view_head delivery, directory;
    /* Newest time at which enough witnesses had cosigned the directory; 0: no
     * witness is named.  Filled in by the caller. */
    uint64_t witnessed_s;
    struct view_checked checked;
    struct view_group total;
    struct view_group by_class[VIEW_CLASSES];
    struct view_agency *agencies;
    size_t n_agencies;
    struct view_day *days;
    size_t n_days;
    struct view_agency_day *agency_days;
    size_t n_agency_days;
    struct view_reason *reasons; /* by type, then by number */
    size_t n_reasons;
    struct view_exception *exceptions; /* those of the choice, in the order of
                                          the log, those of no entry last */
    size_t n_exceptions;
    uint64_t exceptions_total;  /* of the choice; the list may hold fewer */
    uint64_t exceptions_others; /* outside of the choice */
    struct view_read *reads;    /* the newest first, at most VIEW_READS_MAX */
    size_t n_reads;
    struct view_reader *readers; /* by auditor, device, day */
    size_t n_readers;
    struct view_scope *scopes;
    size_t n_scopes;
};
enum { VIEW_READS_MAX = 200 };

void audit_view_clear(struct audit_view *v);

/* stored + carried + the own copies' is 0. */
bool view_counts_empty(const struct balance_counts *counts);

#endif
