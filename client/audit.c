#include "client/audit_inside.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/tile.h"

/* ---- life ---- */

struct audit *
audit_new(const struct audit_options *options)
{
    struct audit *a = calloc(1, sizeof(*a));

    if (a == NULL)
        return NULL;
    a->o = *options;
    a->is_lasting = true;
    map_init(&a->statements, sizeof(struct hash), options->seed);
    a->found = calloc(AUDIT_FINDINGS_MAX, sizeof(*a->found));
    a->pool = pool_new(options->helpers);
    if (a->found == NULL || a->pool == NULL) {
        audit_free(a);
        return NULL;
    }
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
    audit_verify_clear(a);
    logtree_clear(&a->tree);
    balance_free(a->balance);
    map_clear(&a->statements);
    for (unsigned i = 0; i < MARKS; i++)
        free(a->marks[i].b);
    free(a->run);
    free(a->samples);
    free(a->notes);
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

enum err
audit_mark(struct audit *a, enum audit_mark mark, uint64_t index)
{
    struct audit_bits *m = &a->marks[mark];

    while (m->n <= index / 8) {
        enum err rc = audit_grow(&m->b, m->n, &m->cap, sizeof(*m->b));

        if (rc != ERR_OK)
            return rc;
        m->b[m->n++] = 0;
    }
    m->b[index / 8] |= (uint8_t)(1u << index % 8);
    return ERR_OK;
}

bool
audit_is_marked(const struct audit *a, enum audit_mark mark, uint64_t index)
{
    const struct audit_bits *m = &a->marks[mark];

    return index / 8 < m->n && (m->b[index / 8] >> index % 8 & 1) != 0;
}

void
audit_unmark(struct audit *a, enum audit_mark mark, uint64_t index)
{
    struct audit_bits *m = &a->marks[mark];

    if (index / 8 < m->n)
        m->b[index / 8] &= (uint8_t) ~(1u << index % 8);
}

uint64_t
audit_size(const struct audit *a)
{
    return logtree_size(&a->tree);
}

enum err
audit_leaf(const struct audit *a, uint64_t index, struct hash *out)
{
    return logtree_leaf_at(&a->tree, index, out);
}

static enum err
know_statements(struct audit *a)
{
    for (uint64_t i = 0; i < directory_size(a->o.dir); i++) {
        const struct hash *leaf = directory_leaf_hash(a->o.dir, i);
        enum err rc = map_insert(&a->statements, leaf, a);

        if (rc == ERR_NOMEM)
            return rc;
    }
    a->has_statements = true;
    return ERR_OK;
}

enum err
audit_statement(struct audit *a, struct span statement)
{
    struct hash leaf;

    if (!a->has_statements && know_statements(a) != ERR_OK)
        return ERR_NOMEM;
    merkle_leaf(statement.p, statement.len, &leaf);
    if (map_find(&a->statements, &leaf) != NULL)
        return ERR_OK;
    a->has_strangers = true;
    return ERR_NOTFOUND;
}

/* ---- findings ---- */

static int
compare(const struct audit_finding *x, const struct audit_finding *y)
{
    int c;

    if (x->index != y->index)
        return x->index < y->index ? -1 : 1;
    c = strcmp(x->code, y->code);
    return c != 0 ? c : strcmp(x->text, y->text);
}

/* Batches come back in any order, and the list is that of the log: sorted, and
 * when it is full, the last one goes. */
static void
insert(struct audit *a, const struct audit_finding *f)
{
    size_t at = a->n_found;

    while (at > 0 && compare(&a->found[at - 1], f) > 0)
        at--;
    if (at == AUDIT_FINDINGS_MAX)
        return;
    if (a->n_found < AUDIT_FINDINGS_MAX)
        a->n_found++;
    memmove(&a->found[at + 1], &a->found[at],
            (a->n_found - 1 - at) * sizeof(*a->found));
    a->found[at] = *f;
}

void
audit_find(struct audit *a, const char *code, uint64_t index,
           const struct event *ev, const char *fmt, ...)
{
    static const struct packet_id none;
    struct audit_finding f = {.index = index, .is_lasting = a->is_lasting};
    va_list ap;

    a->sum.findings++;
    a->lasting += a->is_lasting;
    (void)snprintf(f.code, sizeof(f.code), "%s", code);
    va_start(ap, fmt);
    (void)vsnprintf(f.text, sizeof(f.text), fmt, ap);
    va_end(ap);
    if (ev != NULL) {
        f.has_packet = !id_eq(&ev->packet, &none);
        f.packet = ev->packet;
        f.sender = ev->sender;
        f.recipient = ev->recipient;
        f.class = ev->class;
        f.time_ms = ev->time_ms;
    }
    insert(a, &f);
}

void
audit_unfind(struct audit *a, uint64_t index)
{
    size_t kept = 0;

    for (size_t i = 0; i < a->n_found; i++)
        if (a->found[i].index != index)
            a->found[kept++] = a->found[i];
    a->sum.findings -= a->n_found - kept;
    a->lasting -= a->n_found - kept;
    a->n_found = kept;
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

/* What is at hand about the packet of a finding. */
static struct event
about(const struct audit *a, const struct finding *f)
{
    struct event ev = {.packet = f->packet, .sender = f->sender};
    struct balance_packet p;

    if (a->folding != NULL)
        return *a->folding;
    if (balance_packet(a->balance, &f->sender, &f->packet, &p) == ERR_OK) {
        ev.recipient = p.recipient;
        ev.class = p.class;
        ev.time_ms = p.stored_ms;
    }
    return ev;
}

static void
on_balance(void *arg, const struct finding *f)
{
    struct audit *a = arg;
    struct event ev = about(a, f);
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
is_own_copy(void *arg, const struct mailbox_id *to,
            const struct agency_id *sender)
{
    const struct audit *a = arg;
    const struct dir_mailbox *m = directory_mailbox(a->o.dir, to);

    return m != NULL && id_eq(&m->agency->id, sender);
}

/* ---- the balance ---- */

enum err
audit_start_balance(struct audit *a, uint64_t first_index)
{
    struct balance_options o = {
        .first_index = first_index,
        .erasable_end = UINT64_MAX, /* times tell more, see check_erased() */
        .grace_s = AUDIT_GRACE_S,
        .is_own = is_own_copy,
        .found = on_balance,
        .arg = a,
    };

    if (a->balance != NULL)
        return ERR_OK;
    memcpy(o.seed, a->o.seed, sizeof(o.seed));
    a->first_index = first_index;
    a->balance = balance_new(&o);
    return a->balance != NULL ? ERR_OK : ERR_NOMEM;
}

/* Entries of the run were made between the last time we knew and UNTIL_MS. */
static enum err
settle_run(struct audit *a, uint64_t until_ms)
{
    enum err rc = ERR_OK;

    if (a->n_run > 0 && sees_all(a, a->known_ms) && sees_all(a, until_ms)) {
        rc = audit_start_balance(a, sees_all(a, a->since_ms) ? 0 : a->run[0]);
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
keep_note(struct audit *a, uint64_t index, const struct event *ev)
{
    enum err rc =
        audit_grow(&a->notes, a->n_notes, &a->cap_notes, sizeof(*a->notes));

    if (rc == ERR_OK)
        a->notes[a->n_notes++] = (struct audit_note){
            .index = index,
            .time_ms = ev->time_ms,
            .ref = ev->ref,
            .type = ev->type,
            .class = ev->class,
            .reason = ev->reason,
            .sender = ev->sender,
            .recipient = ev->recipient,
            .actor = ev->actor,
        };
    return rc;
}

enum err
audit_fold(struct audit *a, uint64_t index, const struct event *ev)
{
    bool is_whole = audit_sees(a, ev, a->since_ms);
    enum err rc = audit_start_balance(a, is_whole ? 0 : index);

    if (ev->time_ms > a->newest_ms)
        a->newest_ms = ev->time_ms;
    a->has_strangers |= event_info(ev->type)->is_packet &&
                        directory_mailbox(a->o.dir, &ev->recipient) == NULL;
    if (rc == ERR_OK &&
        (ev->type == EVENT_DEVICE_REFUSED || ev->type == EVENT_LATE_RECEIPT ||
         ev->type == EVENT_QUOTA_REFUSED || ev->type == EVENT_AUDITOR_READ))
        rc = keep_note(a, index, ev);
    a->folding = ev;
    if (rc == ERR_OK)
        rc = balance_event(a->balance, index, ev);
    a->folding = NULL;
    return rc;
}

/* ---- the end ---- */

enum err
audit_close(struct audit *a, const struct head *head)
{
    struct hash root;
    enum err rc = audit_verify_end(a);

    if (rc != ERR_OK)
        return rc;
    rc = logtree_root_at(&a->tree, head->size, &root);
    if (rc != ERR_OK || head->size != logtree_size(&a->tree) ||
        !id_eq(&root, &head->root))
        return ERR_VERIFY;
    return ERR_OK;
}

enum err
audit_finish(struct audit *a)
{
    enum err rc;

    a->is_lasting = false;
    rc = settle_run(a, a->o.now_ms);
    if (rc != ERR_OK || a->balance == NULL)
        return rc;
    balance_finish(a->balance, a->o.now_ms);
    if (!balance_conserved(a->balance))
        audit_find(a, "not_conserved", UINT64_MAX, NULL,
                   "the counts of packets do not add up");
    return ERR_OK;
}

void
audit_known(struct audit *a, uint64_t index, const uint8_t opening[OPENING_LEN],
            const struct event *ev)
{
    struct hash leaf, is;

    if (logtree_leaf_at(&a->tree, index, &is) != ERR_OK)
        return; /* younger than the head of this audit */
    a->sum.receipts++;
    opening_leaf(opening, &leaf);
    if (!id_eq(&leaf, &is))
        audit_find(a, "other_entry", index, ev,
                   "the relay proved another entry to us at this place");
    else if (!audit_is_marked(a, MARK_OPENED, index) &&
             !audit_is_marked(a, MARK_ERASED, index))
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

void
audit_shown(struct audit *a, const struct head *head)
{
    (void)audit_head(a, UINT64_MAX, NULL, head);
}

bool
audit_fork(const struct audit *a, struct head *out)
{
    if (a->is_forked)
        *out = a->fork;
    return a->is_forked;
}
