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
note_opened(struct audit *a, uint64_t index)
{
    while (a->n_shown <= index / 8) {
        enum err rc =
            audit_grow(&a->shown, a->n_shown, &a->cap_shown, sizeof(*a->shown));

        if (rc != ERR_OK)
            return rc;
        a->shown[a->n_shown++] = 0;
    }
    a->shown[index / 8] |= (uint8_t)(1u << index % 8);
    return ERR_OK;
}

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
    rc = note_opened(a, index);
    if (rc == ERR_OK)
        rc = audit_know_time(a, index, ev.time_ms);
    if (rc != ERR_OK)
        return rc;
    if (!audit_sees(a, &ev, ev.time_ms))
        audit_find(a, "out_of_scope", index, &ev,
                   "the relay showed an event that is not for us to see");
    audit_evidence(a, index, &ev, row->evidence);
    return audit_fold(a, index, &ev);
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
    a->sum.erased++;
    check_erased(a, index, ev);
    if (rc == ERR_OK)
        rc = audit_grow(&a->erased, a->n_erased, &a->cap_erased,
                        sizeof(*a->erased));
    if (rc != ERR_OK)
        return rc;
    a->erased[a->n_erased++] = ev->ref;
    return a->balance == NULL ? ERR_OK : balance_event(a->balance, index, ev);
}

/* Statements in this log (a succession) are leaves of the directory too. */
static void
take_statement(struct audit *a, uint64_t index, const struct entry *e)
{
    struct hash leaf;

    merkle_leaf(e->statement, e->statement_len, &leaf);
    for (uint64_t i = 0; i < directory_size(a->o.dir); i++)
        if (id_eq(&leaf, directory_leaf_hash(a->o.dir, i)))
            return;
    audit_find(a, "bad_entry", index, NULL,
               "a statement stands there that the directory does not have");
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
    take_statement(a, index, &e);
    return ERR_OK;
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
