/*
 * publication.h - what of an audit may be shown to everybody: how many packets
 * were stored in each month and how they ended, nothing finer, small figures
 * hidden.  Pure: the same view gives the same bytes.
 *
 * A month is shown when it lies wholly in the period and so far back that each
 * of its packets must have ended, but not so far that some may be erased; when
 * the auditor's scope covers all agencies in it; and there are no sums over
 * months: so no other publication says anything else of a month, and nothing
 * can be learnt from the difference.
 */
#ifndef SEALPOST_CLIENT_PUBLICATION_H
#define SEALPOST_CLIENT_PUBLICATION_H

#include "client/audit_view.h"
#include "common/buf.h"
#include "common/err.h"

enum { PUBLICATION_THRESHOLD = 10, PUBLICATION_MONTHS_MAX = 600 };

/* Hides what is small in a row of N figures whose sum is SUM, and as many
 * others (complementary suppression) as it takes that nobody who sees the rest,
 * and knows that no figure is negative, can narrow a small one down to fewer
 * than THRESHOLD values.  HIDDEN has N + 1 places, the last one is the sum's.
 * Zeros are not small: nobody is in them. */
void publication_hide(const uint64_t *figures, size_t n, uint64_t sum,
                      uint64_t threshold, bool *hidden);

/* Appends a CSV table with a few lines of explanation (#) above it.
 * ERR_REFUSED: the view is of one agency or class, or of no auditor, and
 * together with the whole it would tell what is hidden.  ERR_NOTFOUND: no month
 * is complete. ERR_FULL: more than PUBLICATION_MONTHS_MAX.  ERR_NOMEM. */
enum err publication(const struct audit_view *v, struct buf *out);

#endif
