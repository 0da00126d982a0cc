/*
 * account.h - what became of our agency's packets, recomputed from the openings
 * that it was given and the receipts that it holds: by day, sent and received
 * apart, copies to colleagues apart, and each thing that does not fit, with the
 * packet's name.  Knows no vault and no network.
 *
 * Life: account_new() ... account_event() in the order of the log ...
 * account_receipt() ... account_close() ... results ... account_free().
 */
#ifndef SEALPOST_CLIENT_ACCOUNT_H
#define SEALPOST_CLIENT_ACCOUNT_H

#include "proto/balance.h"
#include "proto/directory.h"
#include "proto/event.h"

enum { ACCOUNT_MISMATCHES_MAX = 1000, ACCOUNT_GRACE_S = 15 * 60 };

struct account_options {
    const struct directory *dir; /* borrowed until account_free() */
    struct agency_id self;
    uint64_t from_ms, to_ms; /* see balance_fate() */
    uint64_t now_ms;
    /* All our events below this entry were given to us; what a receipt shows
     * beyond may simply be news. */
    uint64_t reach;
    uint8_t seed[16]; /* random */
};

struct account_mismatch {
    char code[24]; /* stable: "receipt_without_leaf" */
    char text[200];
    struct packet_id packet;
    uint64_t index; /* of the entry */
};

/* Packets of one day (since 1970-01-01, UTC): stored that day, or, when DAY is
 * 0, before the period. */
struct account_day {
    uint32_t day;
    struct balance_counts sent, received;
};

struct account;

/* NULL: no memory. */
struct account *account_new(const struct account_options *options);
void account_free(struct account *a);
/* The event at INDEX, as the relay's list has it.  ERR_NOMEM. */
enum err account_event(struct account *a, uint64_t index,
                       const uint8_t opening[OPENING_LEN],
                       const struct event *ev);
/* After all events: a receipt that the relay gave us, verified before. */
void account_receipt(struct account *a, uint64_t index,
                     const uint8_t opening[OPENING_LEN],
                     const struct event *ev);
/* What is wrong as of now.  ERR_NOMEM. */
enum err account_close(struct account *a);

/* Days ascending; borrowed until account_free(). */
const struct account_day *account_days(const struct account *a, size_t *n);
struct account_day account_total(const struct account *a);
/* NULL behind the last. */
const struct account_mismatch *account_mismatch_at(const struct account *a,
                                                   size_t i);
/* All, also those beyond the list. */
uint64_t account_mismatches(const struct account *a);
uint64_t account_events(const struct account *a);
uint64_t account_receipts(const struct account *a);

#endif
