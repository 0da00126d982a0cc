/*
 * audit_entries.c - the entries of the log in turn: their form, their openings,
 * what is erased.
 */
#include "client/audit_inside.h"

#include <string.h>

#include "common/bytes.h"
#include "proto/tile.h"

enum { HOUR_MS = 3600 * 1000 };

static enum err
take_opening(struct audit *a, uint64_t index, const uint8_t *entry, size_t len,
             const struct audit_row *row)
{
    struct event ev;
    enum err rc = opening_verify(entry, len, row->opening, OPENING_LEN, &ev);

    if (rc != ERR_OK) {
        audit_find(a, "forged_opening", index, NULL,
                   "what the relay says of this entry is not what it logged");
        return audit_leave_unopened(a, index);
    }
    a->sum.opened++;
    rc = audit_mark(a, MARK_OPENED, index);
    if (rc == ERR_OK)
        rc = audit_know_time(a, index, ev.time_ms);
    if (rc != ERR_OK)
        return rc;
    if (!audit_sees(a, &ev, ev.time_ms))
        audit_find(a, "out_of_scope", index, &ev,
                   "the relay showed an event that is not for us to see");
    rc = audit_evidence(a, index, &ev, row->evidence);
    return rc == ERR_OK ? audit_fold(a, index, &ev) : rc;
}

/* The newest sample at or before INDEX, or NULL. */
static const struct audit_sample *
sample_before(const struct audit *a, uint64_t index)
{
    size_t lo = 0, hi = a->n_samples;

    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;

        if (a->samples[mid].index <= index)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo == 0 ? NULL : &a->samples[lo - 1];
}

/* The entry was made after the sample, so its opening had to be kept at least
 * a retention longer. */
static void
check_erased(struct audit *a, uint64_t index, const struct event *ev)
{
    const struct audit_sample *s = sample_before(a, ev->ref);
    uint64_t keep_ms = a->o.retention_s * 1000;

    if (keep_ms > 0 && s != NULL &&
        ev->time_ms + HOUR_MS < s->time_ms + keep_ms)
        audit_find(a, "erased_early", index, NULL,
                   "entry %llu was erased before the network's retention "
                   "could have ended",
                   (unsigned long long)ev->ref);
}

static void
forget_notes(struct audit *a, uint64_t index)
{
    size_t kept = 0;

    for (size_t i = 0; i < a->n_notes; i++)
        if (a->notes[i].index != index)
            a->notes[kept++] = a->notes[i];
    a->n_notes = kept;
}

/* An earlier audit of ours has seen it: nothing is kept longer here than the
 * relay keeps it, and the result is that of who never saw it. */
static void
forget(struct audit *a, uint64_t index)
{
    a->sum.opened--;
    a->sum.evidence -= audit_is_marked(a, MARK_PROVEN, index);
    a->sum.heads -= audit_is_marked(a, MARK_HEADED, index);
    for (unsigned i = 0; i < MARKS; i++)
        audit_unmark(a, (enum audit_mark)i, index);
    forget_notes(a, index);
    audit_unfind(a, index);
    if (a->balance != NULL)
        balance_forget(a->balance, index);
}

static enum err
take_erased(struct audit *a, uint64_t index, const struct event *ev)
{
    enum err rc = ERR_OK;

    if (audit_is_marked(a, MARK_OPENED, ev->ref)) {
        if (ev->ref >= a->before)
            audit_find(a, "not_erased", index, NULL,
                       "entry %llu is said to be erased, and the relay still "
                       "shows it",
                       (unsigned long long)ev->ref);
        else
            forget(a, ev->ref);
    }
    check_erased(a, index, ev);
    a->sum.erased++;
    if (ev->ref < index)
        rc = audit_mark(a, MARK_ERASED, ev->ref);
    if (rc != ERR_OK || a->balance == NULL)
        return rc;
    return balance_event(a->balance, index, ev);
}

static enum err
take_public(struct audit *a, uint64_t index, const struct event *ev)
{
    enum err rc;

    if (ev->type != EVENT_ERASED) {
        audit_find(a, "bad_entry", index, NULL,
                   "an event stands in the log unsealed");
        return ERR_OK;
    }
    rc = audit_know_time(a, index, ev->time_ms);
    return rc == ERR_OK ? take_erased(a, index, ev) : rc;
}

/* Statements in this log (a succession) are leaves of the directory too. */
static enum err
take_statement(struct audit *a, uint64_t index, const struct entry *e)
{
    enum err rc =
        audit_statement(a, (struct span){e->statement, e->statement_len});

    if (rc != ERR_NOTFOUND)
        return rc;
    audit_find(a, "bad_entry", index, NULL,
               "a statement stands there that the directory does not have");
    return ERR_OK;
}

static enum err
take_entry(struct audit *a, uint64_t index, const uint8_t *bytes, size_t len,
           const struct audit_row *row)
{
    struct entry e;

    if (entry_decode(bytes, len, &e) != ERR_OK) {
        audit_find(a, "bad_entry", index, NULL, "the entry cannot be read");
        return ERR_OK;
    }
    if (e.kind == ENTRY_SEALED) {
        a->sealed++;
        return row != NULL ? take_opening(a, index, bytes, len, row)
                           : audit_leave_unopened(a, index);
    }
    if (row != NULL)
        audit_find(a, "forged_opening", index, NULL,
                   "the relay opens an entry that was never sealed");
    if (e.kind == ENTRY_EVENT)
        return take_public(a, index, &e.event);
    return take_statement(a, index, &e);
}

static void
stray(struct audit *a, const struct audit_row *row)
{
    audit_find(a, "forged_opening", row->index, NULL,
               "the relay opens an entry twice or one that is not there");
}

enum err
audit_page(struct audit *a, const void *bundle, size_t len, unsigned n,
           const struct audit_row *rows, size_t n_rows)
{
    struct rd r = rd_from(bundle, len);
    size_t at = 0;

    for (unsigned i = 0; i < n; i++) {
        uint64_t index = logtree_size(&a->tree);
        const struct audit_row *row = NULL;
        const uint8_t *entry;
        size_t entry_len;
        enum err rc;

        if (bundle_next(&r, &entry, &entry_len) != ERR_OK)
            return ERR_VERIFY;
        for (; at < n_rows && rows[at].index < index; at++)
            stray(a, &rows[at]);
        if (at < n_rows && rows[at].index == index)
            row = &rows[at++];
        rc = logtree_append(&a->tree, entry, entry_len);
        if (rc == ERR_OK)
            rc = take_entry(a, index, entry, entry_len, row);
        if (rc != ERR_OK)
            return rc;
    }
    for (; at < n_rows; at++)
        stray(a, &rows[at]);
    return rd_end(&r) == ERR_OK ? ERR_OK : ERR_VERIFY;
}
