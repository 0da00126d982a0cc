#include "client/audit_inside.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/bytes.h"
#include "proto/tile.h"

enum { DAY_MS = 86400 * 1000, HOUR_MS = 3600 * 1000 };

/* ---- life ---- */

struct audit *
audit_new(const struct audit_options *options)
{
    struct audit *a = calloc(1, sizeof(*a));

    if (a == NULL)
        return NULL;
    a->found = calloc(AUDIT_FINDINGS_MAX, sizeof(*a->found));
    if (a->found == NULL) {
        free(a);
        return NULL;
    }
    a->o = *options;
    if (options->leaf_time_s != NULL && directory_size(options->dir) > 0)
        a->since_ms = options->leaf_time_s[0] * 1000;
    a->known_ms = a->since_ms;
    return a;
}

void
audit_free(struct audit *a)
{
    if (a == NULL)
        return;
    logtree_clear(&a->tree);
    balance_free(a->balance);
    free(a->run);
    free(a->samples);
    free(a->stored);
    free(a->erased);
    free(a->found);
    free(a);
}

/* Room for one more of SIZE bytes in *ITEMS. */
static enum err
grow(void *items, size_t n, size_t *cap, size_t size)
{
    void **at = items;
    size_t wanted = *cap == 0 ? 64 : 2 * *cap;
    void *more;

    if (n < *cap)
        return ERR_OK;
    more = realloc(*at, wanted * size);
    if (more == NULL)
        return ERR_NOMEM;
    *at = more;
    *cap = wanted;
    return ERR_OK;
}

/* ---- findings ---- */

void
audit_find(struct audit *a, const char *code, uint64_t index,
           const struct event *ev, const char *fmt, ...)
{
    static const struct packet_id none;
    struct audit_finding *f;
    va_list ap;

    if (a->sum.findings++ >= AUDIT_FINDINGS_MAX)
        return;
    f = &a->found[a->n_found++];
    (void)snprintf(f->code, sizeof(f->code), "%s", code);
    va_start(ap, fmt);
    (void)vsnprintf(f->text, sizeof(f->text), fmt, ap);
    va_end(ap);
    f->index = index;
    if (ev != NULL && !id_eq(&ev->packet, &none)) {
        f->has_packet = true;
        f->packet = ev->packet;
    }
}

/* What the balance finds, in words around the event's name. */
static const struct {
    const char *code;
    const char *before, *behind; /* around the event's name */
} words[FINDING_KINDS] = {
    [FINDING_SEQUENCE] = {"sequence", "\"", "\" may not follow there"},
    [FINDING_STORED_TWICE] = {"stored_twice", "\"",
                              "\" stands there a second time"},
    [FINDING_CONFLICT] = {"conflict", "\"",
                          "\" is of another packet under the same name"},
    [FINDING_NO_EVIDENCE] = {"no_evidence", "\"",
                             "\" names no evidence but the relay's word"},
    [FINDING_BAD_REF] = {"bad_ref", "\"", "\" points at the wrong entry"},
    [FINDING_EARLY] = {"expired_early", "\"", "\" came before the last day"},
    [FINDING_OVERDUE] = {"overdue", "\"",
                         "\" and past its end: it was not settled in time"},
    [FINDING_ORDER] = {"order", "\"", "\" is out of order"},
    [FINDING_UNOPENED] = {"unopened", "",
                          "the relay does not say what this entry is"},
    [FINDING_ERASED_EARLY] = {"erased_early", "\"", "\" came too early"},
};

static bool sees(const struct audit *a, const struct event *ev,
                 uint64_t time_ms);

static void
on_balance(void *arg, const struct finding *f)
{
    struct audit *a = arg;
    struct event ev = {.packet = f->packet};
    const char *name =
        f->type != 0 ? event_name(f->type) : packet_state_name(f->state);

    /* Its beginning lies where our scope does not reach. */
    if (f->kind == FINDING_SEQUENCE && f->state == PACKET_UNSEEN &&
        a->folding != NULL && !sees(a, a->folding, a->since_ms))
        return;
    audit_find(
        a, words[f->kind].code, f->index, &ev, "%s%s%s", words[f->kind].before,
        words[f->kind].before[0] != '\0' ? name : "", words[f->kind].behind);
}

/* ---- what one may see ---- */

static const struct agency_id *
recipient_agency(const struct audit *a, const struct event *ev)
{
    static const struct agency_id nobody;
    const struct dir_mailbox *m = directory_mailbox(a->o.dir, &ev->recipient);

    return m == NULL ? &nobody : &m->agency->id;
}

static bool
is_auditor(const struct audit *a)
{
    return a->o.self->class == CLASS_AUDITOR;
}

/* The relay's own rule: who sent it or who gets it is in our scope. */
static bool
sees(const struct audit *a, const struct event *ev, uint64_t time_ms)
{
    const struct agency_id *to = recipient_agency(a, ev);
    const struct dir_agency *self = a->o.self;

    if (!is_auditor(a))
        return id_eq(&ev->sender, &self->id) || id_eq(to, &self->id);
    return directory_auditor_may_see(self, &ev->sender, time_ms / 1000) ||
           directory_auditor_may_see(self, to, time_ms / 1000);
}

/* At that time we should be shown everything: the scope covers an agency that
 * does not exist. */
static bool
sees_all(const struct audit *a, uint64_t time_ms)
{
    struct agency_id random;

    if (!is_auditor(a))
        return false;
    memcpy(random.b, a->o.seed, sizeof(random.b));
    return directory_auditor_may_see(a->o.self, &random, time_ms / 1000);
}

static bool
is_counted(const struct audit *a, uint64_t time_ms)
{
    return time_ms >= a->o.from_ms && time_ms < a->o.to_ms;
}

static bool
is_own_copy(void *arg, const struct mailbox_id *to,
            const struct agency_id *sender)
{
    const struct audit *a = arg;
    const struct dir_mailbox *m = directory_mailbox(a->o.dir, to);

    return m != NULL && id_eq(&m->agency->id, sender);
}

/* ---- the balance ---- */

/* INDEX is the first entry that counts.  WHOLE: we see from the beginning. */
static enum err
start_balance(struct audit *a, uint64_t index, bool is_whole)
{
    struct balance_options o = {
        .first_index = is_whole && a->o.from_ms == 0 ? 0 : index,
        .erasable_end = UINT64_MAX, /* times tell more, see check_erased() */
        .grace_s = AUDIT_GRACE_S,
        .is_own = is_own_copy,
        .found = on_balance,
        .arg = a,
    };

    if (a->balance != NULL)
        return ERR_OK;
    memcpy(o.seed, a->o.seed, sizeof(o.seed));
    a->balance = balance_new(&o);
    return a->balance != NULL ? ERR_OK : ERR_NOMEM;
}

/* Entries of the run were made between the last time we knew and UNTIL_MS. */
static enum err
settle_run(struct audit *a, uint64_t until_ms)
{
    enum err rc = ERR_OK;

    if (a->n_run > 0 && sees_all(a, a->known_ms) && sees_all(a, until_ms) &&
        until_ms >= a->o.from_ms && a->known_ms < a->o.to_ms) {
        rc = start_balance(a, a->run[0], sees_all(a, a->since_ms));
        for (size_t i = 0; i < a->n_run && rc == ERR_OK; i++)
            rc = balance_unopened(a->balance, a->run[i]);
    }
    a->n_run = 0;
    return rc;
}

static enum err
leave_unopened(struct audit *a, uint64_t index)
{
    enum err rc;

    if (!is_auditor(a))
        return ERR_OK;
    rc = grow(&a->run, a->n_run, &a->cap_run, sizeof(*a->run));
    if (rc == ERR_OK)
        a->run[a->n_run++] = index;
    return rc;
}

static enum err
know_time(struct audit *a, uint64_t index, uint64_t time_ms)
{
    enum err rc = settle_run(a, time_ms);

    a->known_ms = time_ms;
    if (rc != ERR_OK ||
        (a->n_samples > 0 &&
         a->samples[a->n_samples - 1].index / TILE_WIDTH == index / TILE_WIDTH))
        return rc;
    rc = grow(&a->samples, a->n_samples, &a->cap_samples, sizeof(*a->samples));
    if (rc == ERR_OK)
        a->samples[a->n_samples++] = (struct audit_sample){index, time_ms};
    return rc;
}

static enum err
note_stored(struct audit *a, uint64_t index, const struct event *ev)
{
    enum err rc =
        grow(&a->stored, a->n_stored, &a->cap_stored, sizeof(*a->stored));

    if (rc == ERR_OK)
        a->stored[a->n_stored++] =
            (struct audit_stored){index, (uint32_t)(ev->time_ms / DAY_MS)};
    return rc;
}

static enum err
fold(struct audit *a, uint64_t index, const struct event *ev)
{
    enum err rc = ERR_OK;

    if (!is_counted(a, ev->time_ms))
        return ERR_OK;
    a->sum.reads += ev->type == EVENT_AUDITOR_READ;
    a->sum.quota += ev->type == EVENT_QUOTA_REFUSED ? ev->ref : 0;
    if (ev->type == EVENT_STORED)
        rc = note_stored(a, index, ev);
    if (rc == ERR_OK)
        rc = start_balance(a, index, sees(a, ev, a->since_ms));
    a->folding = ev;
    if (rc == ERR_OK)
        rc = balance_event(a->balance, index, ev);
    a->folding = NULL;
    return rc;
}

/* ---- entries ---- */

static enum err
take_opening(struct audit *a, uint64_t index, const uint8_t *entry, size_t len,
             const struct audit_row *row)
{
    struct event ev;
    enum err rc = opening_verify(entry, len, row->opening, OPENING_LEN, &ev);

    if (rc != ERR_OK) {
        audit_find(a, "forged_opening", index, NULL,
                   "what the relay says of this entry is not what it logged");
        return leave_unopened(a, index);
    }
    a->sum.opened++;
    rc = know_time(a, index, ev.time_ms);
    if (rc != ERR_OK)
        return rc;
    if (!sees(a, &ev, ev.time_ms))
        audit_find(a, "out_of_scope", index, &ev,
                   "the relay showed an event that is not for us to see");
    audit_evidence(a, index, &ev, row->evidence);
    return fold(a, index, &ev);
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
    rc = know_time(a, index, ev->time_ms);
    a->sum.erased++;
    check_erased(a, index, ev);
    if (rc == ERR_OK)
        rc = grow(&a->erased, a->n_erased, &a->cap_erased, sizeof(*a->erased));
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
                           : leave_unopened(a, index);
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

/* ---- the end ---- */

static int
by_number(const void *x, const void *y)
{
    uint64_t a = *(const uint64_t *)x;
    uint64_t b = *(const uint64_t *)y;

    return a < b ? -1 : a > b;
}

static bool
is_erased(const struct audit *a, uint64_t index)
{
    return a->n_erased > 0 && bsearch(&index, a->erased, a->n_erased,
                                      sizeof(*a->erased), by_number) != NULL;
}

enum err
audit_close(struct audit *a, const struct head *head)
{
    struct hash root;
    enum err rc = logtree_root_at(&a->tree, head->size, &root);

    if (rc != ERR_OK || head->size != logtree_size(&a->tree) ||
        !id_eq(&root, &head->root))
        return ERR_VERIFY;
    rc = settle_run(a, a->o.now_ms);
    if (rc != ERR_OK)
        return rc;
    if (a->n_erased > 0)
        qsort(a->erased, a->n_erased, sizeof(*a->erased), by_number);
    if (a->balance == NULL)
        return ERR_OK;
    balance_finish(a->balance,
                   a->o.now_ms < a->o.to_ms ? a->o.now_ms : a->o.to_ms);
    if (!balance_conserved(a->balance))
        audit_find(a, "not_conserved", UINT64_MAX, NULL,
                   "the counts of packets do not add up");
    return ERR_OK;
}

void
audit_receipt(struct audit *a, const struct receipt *r)
{
    const struct event *ev = &r->event;
    struct balance_packet p;

    if (!audit_head(a, UINT64_MAX, ev, &r->head) ||
        !is_counted(a, ev->time_ms) || ev->type != EVENT_STORED ||
        is_erased(a, r->index))
        return;
    if (a->balance == NULL ||
        balance_packet(a->balance, &ev->sender, &ev->packet, &p) != ERR_OK ||
        p.stored_index != r->index)
        audit_find(a, "missing_event", r->index, ev,
                   "we hold a receipt for it, and the relay's list of our "
                   "events leaves it out");
}

bool
audit_fork(const struct audit *a, struct head *out)
{
    if (a->is_forked)
        *out = a->fork;
    return a->is_forked;
}
