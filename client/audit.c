#include "client/audit_inside.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/tile.h"

enum { DAY_MS = 86400 * 1000 };

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
    free(a->shown);
    free(a->found);
    free(a);
}

enum err
audit_grow(void *items, size_t n, size_t *cap, size_t size)
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

static void
on_balance(void *arg, const struct finding *f)
{
    struct audit *a = arg;
    struct event ev = {.packet = f->packet};
    const char *name =
        f->type != 0 ? event_name(f->type) : packet_state_name(f->state);

    /* Its beginning lies where our scope does not reach. */
    if (f->kind == FINDING_SEQUENCE && f->state == PACKET_UNSEEN &&
        a->folding != NULL && !audit_sees(a, a->folding, a->since_ms))
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
bool
audit_sees(const struct audit *a, const struct event *ev, uint64_t time_ms)
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

enum err
audit_leave_unopened(struct audit *a, uint64_t index)
{
    enum err rc;

    if (!is_auditor(a))
        return ERR_OK;
    rc = audit_grow(&a->run, a->n_run, &a->cap_run, sizeof(*a->run));
    if (rc == ERR_OK)
        a->run[a->n_run++] = index;
    return rc;
}

enum err
audit_know_time(struct audit *a, uint64_t index, uint64_t time_ms)
{
    enum err rc = settle_run(a, time_ms);

    a->known_ms = time_ms;
    if (rc != ERR_OK ||
        (a->n_samples > 0 &&
         a->samples[a->n_samples - 1].index / TILE_WIDTH == index / TILE_WIDTH))
        return rc;
    rc = audit_grow(&a->samples, a->n_samples, &a->cap_samples,
                    sizeof(*a->samples));
    if (rc == ERR_OK)
        a->samples[a->n_samples++] = (struct audit_sample){index, time_ms};
    return rc;
}

static enum err
note_stored(struct audit *a, uint64_t index, const struct event *ev)
{
    enum err rc =
        audit_grow(&a->stored, a->n_stored, &a->cap_stored, sizeof(*a->stored));

    if (rc == ERR_OK)
        a->stored[a->n_stored++] =
            (struct audit_stored){index, (uint32_t)(ev->time_ms / DAY_MS)};
    return rc;
}

enum err
audit_fold(struct audit *a, uint64_t index, const struct event *ev)
{
    enum err rc = ERR_OK;

    if (!is_counted(a, ev->time_ms))
        return ERR_OK;
    a->sum.reads += ev->type == EVENT_AUDITOR_READ;
    a->sum.quota += ev->type == EVENT_QUOTA_REFUSED ? ev->ref : 0;
    if (ev->type == EVENT_STORED)
        rc = note_stored(a, index, ev);
    if (rc == ERR_OK)
        rc = start_balance(a, index, audit_sees(a, ev, a->since_ms));
    a->folding = ev;
    if (rc == ERR_OK)
        rc = balance_event(a->balance, index, ev);
    a->folding = NULL;
    return rc;
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

static bool
is_opened(const struct audit *a, uint64_t index)
{
    return index / 8 < a->n_shown &&
           (a->shown[index / 8] >> index % 8 & 1) != 0;
}

void
audit_known(struct audit *a, uint64_t index, const uint8_t opening[OPENING_LEN],
            const struct event *ev)
{
    struct hash leaf, is;

    if (logtree_leaf_at(&a->tree, index, &is) != ERR_OK)
        return; /* younger than the head of this audit */
    opening_leaf(opening, &leaf);
    if (!id_eq(&leaf, &is))
        audit_find(a, "other_entry", index, ev,
                   "the relay proved another entry to us at this place");
    else if (!is_opened(a, index) && !is_erased(a, index))
        audit_find(a, "missing_event", index, ev,
                   "the relay proved \"%s\" to us before, and now leaves it "
                   "out",
                   event_name(ev->type));
}

void
audit_receipt(struct audit *a, const struct receipt *r)
{
    if (r->head.size <= logtree_size(&a->tree) &&
        audit_head(a, UINT64_MAX, &r->event, &r->head))
        audit_known(a, r->index, r->opening, &r->event);
}

bool
audit_fork(const struct audit *a, struct head *out)
{
    if (a->is_forked)
        *out = a->fork;
    return a->is_forked;
}
