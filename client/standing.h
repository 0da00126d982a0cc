/*
 * standing.h - where this vault stands: what waits to be done, and what is
 * worth a warning.  Shared by `sealpost` alone and `sealpost status`.
 */
#ifndef SEALPOST_CLIENT_STANDING_H
#define SEALPOST_CLIENT_STANDING_H

#include "client/desk.h"
#include "client/pick.h"

enum { STANDING_TEXT = 320 };

/* Counts, and the newest packet of each kind (borrowed from the mails). */
struct standing {
    size_t n_unread, n_to_answer, n_queued, n_under_way, n_lost;
    size_t n_quarantined, n_drafts;
    size_t n_overdue; /* of those under way */
    size_t n_notices; /* unread */
    const struct mail *unread, *to_answer, *lost;
    const struct mail *overdue; /* that comes first */
};
void standing_count(struct desk *d, const struct mails *mails, uint64_t now_ms,
                    struct standing *out);

/* Each thing worth a warning, the most urgent first.  TEXT is one line; NEXT
 * may be empty.  Both are safe for a terminal and borrowed for the call. */
typedef void standing_warning_fn(void *arg, const char *code, const char *text,
                                 const char *next);
void standing_warnings(struct desk *d, const struct mails *mails,
                       uint64_t now_ms, standing_warning_fn *fn, void *arg);

/* Prints counts and warnings, puts them into the result (counts, warnings[]),
 * and says what is to be done next. */
void standing_tell(struct desk *d, const struct mails *mails, uint64_t now_ms);

#endif
