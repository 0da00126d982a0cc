/*
 * listing.h - packets as rows: which of them a list shows, as a table for
 * people and as objects for scripts.
 */
#ifndef SEALPOST_CLIENT_LISTING_H
#define SEALPOST_CLIENT_LISTING_H

#include "client/desk.h"
#include "client/pick.h"
#include "client/thread.h"

enum { LISTING_RECENT_DAYS = 30 };

/* Does M stand in a list without --all: is anything still to come of it or to
 * be done about it, or is it of the last LISTING_RECENT_DAYS? */
bool listing_is_current(const struct mail *m, enum thread_state s,
                        uint64_t now_ms);
/* An opening packet that came to us and has no answer. */
bool listing_is_to_answer(const struct mail *m, enum thread_state s);

/* mail_json with the state of its case (case_state, task); a new reference. */
json_t *listing_json(const struct desk *d, const struct mail *m,
                     enum thread_state s);

/* "queued", "handed over", "to answer": the one thing to know of it. */
const char *listing_state(const struct mail *m, enum thread_state s,
                          char out[64]);

struct table;
/* A table of packets: the first call of listing_row() on a zeroed table sets
 * it up; table_print() shows it. */
void listing_heads(struct table *t);
void listing_row(struct table *t, const struct desk *d, const struct mail *m,
                 enum thread_state s);

/* "Harbour Light/Referrals": the other side, safe text is the caller's. */
void listing_peer(const struct roster *r, const struct mail *m, char *out,
                  size_t max);
/* "referral", "own copy"; static or "unknown". */
const char *listing_type(const struct mail *m);

#endif
