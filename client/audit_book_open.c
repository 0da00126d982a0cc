/*
 * audit_book_open.c - a book read back.  It was sealed by this device; all the
 * same every count is bounded and every value judged.
 */
#include <string.h>

#include "client/audit_book_inside.h"
#include "common/bytes.h"

/* The first failure stays, after which everything reads as zeros.  FIT says
 * what is wrong with the book; ERR_STATE goes with it. */
struct reader {
    const struct book_source *from;
    struct audit *a;
    enum book_fit fit;
    enum err rc;
};

static void
fail(struct reader *r, enum err rc, enum book_fit fit)
{
    if (r->rc != ERR_OK)
        return;
    r->rc = rc == ERR_NOMEM ? rc : ERR_STATE;
    r->fit = fit;
}

static void
get(struct reader *r, void *bytes, size_t len)
{
    enum err rc = r->rc;

    if (rc == ERR_OK && len > 0)
        rc = r->from->get(r->from->arg, bytes, len);
    if (rc == ERR_OK)
        return;
    memset(bytes, 0, len);
    fail(r, rc, BOOK_DAMAGED);
}

static uint64_t
get_number(struct reader *r)
{
    uint8_t b[8];

    get(r, b, sizeof(b));
    return get_u64(b);
}

static uint64_t
get_count(struct reader *r)
{
    uint64_t n = get_number(r);

    if (n <= BOOK_COUNT_MAX)
        return n;
    fail(r, ERR_MALFORMED, BOOK_DAMAGED);
    return 0;
}

static bool
get_flag(struct reader *r)
{
    uint8_t b;

    get(r, &b, 1);
    if (b > 1)
        fail(r, ERR_MALFORMED, BOOK_DAMAGED);
    return b == 1;
}

static void
keep(struct reader *r, enum err rc)
{
    if (rc != ERR_OK)
        fail(r, rc, BOOK_DAMAGED);
}

/* ---- does it fit? ---- */

/* Somebody said since then that a device was not to be trusted at a time when
 * it acted in this book. */
static bool
was_revoked_since(const struct audit_options *o, const struct book_basis *b)
{
    const struct dir_device *d;

    if (o->leaf_time_s == NULL)
        return false;
    for (size_t i = 0; (d = directory_device_nth(o->dir, i)) != NULL; i++)
        if (d->revoked_index != DIR_NEVER && d->revoked_index >= b->dir_size &&
            b->newest_ms / 1000 >
                o->leaf_time_s[d->revoked_index] + AUDIT_GRACE_S)
            return true;
    return false;
}

static enum book_fit
judge(const struct audit_options *o, const struct book_basis *b)
{
    struct book_basis now;

    book_basis_of(o, &now);
    if (!id_eq(&now.log, &b->log))
        return BOOK_OTHER;
    if (!id_eq(&now.scope, &b->scope))
        return BOOK_SCOPE;
    if (now.policy != b->policy || now.retention_s != b->retention_s)
        return BOOK_POLICY;
    if (now.dir_size < b->dir_size ||
        (now.dir_size > b->dir_size && b->has_strangers))
        return BOOK_DIRECTORY;
    return was_revoked_since(o, b) ? BOOK_REVOKED : BOOK_FITS;
}

static void
get_basis(struct reader *r, const struct audit_options *o)
{
    struct book_basis b;
    uint8_t start[4], version[2];
    enum book_fit fit;

    get(r, start, sizeof(start));
    if (memcmp(start, BOOK_MAGIC, sizeof(start)) != 0)
        fail(r, ERR_MALFORMED, BOOK_DAMAGED);
    get(r, version, sizeof(version));
    if (get_u16(version) != AUDIT_BOOK_VERSION)
        fail(r, ERR_VERSION, BOOK_VERSION);
    get(r, b.log.b, 32);
    get(r, b.scope.b, 32);
    b.policy = get_number(r);
    b.retention_s = get_number(r);
    b.dir_size = get_number(r);
    b.newest_ms = get_number(r);
    b.has_strangers = get_flag(r);
    fit = r->rc == ERR_OK ? judge(o, &b) : BOOK_FITS;
    if (fit != BOOK_FITS)
        fail(r, ERR_STATE, fit);
    r->a->newest_ms = b.newest_ms;
    r->a->has_strangers = b.has_strangers;
}

/* ---- the parts ---- */

struct state {
    struct head head;
    uint64_t next_index, size;
    bool has_balance;
};

static void
get_state(struct reader *r, struct state *s)
{
    struct audit *a = r->a;
    uint8_t bytes[HEAD_LEN];

    get(r, bytes, sizeof(bytes));
    head_decode(bytes, &s->head);
    a->since_ms = get_number(r);
    a->known_ms = get_number(r);
    a->sealed = get_number(r);
    a->sum.opened = get_number(r);
    a->sum.erased = get_number(r);
    a->sum.evidence = get_number(r);
    a->sum.heads = get_number(r);
    a->lasting = get_number(r);
    a->first_index = get_number(r);
    s->next_index = get_number(r);
    s->size = get_count(r);
    s->has_balance = get_flag(r);
    a->sum.findings = a->lasting;
    if (s->size != s->head.size || a->sealed > s->size ||
        a->sum.opened > a->sealed)
        fail(r, ERR_MALFORMED, BOOK_DAMAGED);
}

static void
get_leaves(struct reader *r, const struct state *s)
{
    struct hash root;

    for (uint64_t i = 0; i < s->size && r->rc == ERR_OK; i++) {
        struct hash leaf;

        get(r, leaf.b, sizeof(leaf.b));
        keep(r, logtree_append_leaf(&r->a->tree, &leaf));
    }
    if (r->rc == ERR_OK &&
        (logtree_root_at(&r->a->tree, s->size, &root) != ERR_OK ||
         !id_eq(&root, &s->head.root)))
        fail(r, ERR_VERIFY, BOOK_DAMAGED);
    r->a->before = s->size;
}

static void
get_run(struct reader *r)
{
    struct audit *a = r->a;

    for (uint64_t n = get_count(r); n > 0 && r->rc == ERR_OK; n--) {
        uint64_t index = get_number(r);

        keep(r, audit_grow(&a->run, a->n_run, &a->cap_run, sizeof(*a->run)));
        if (r->rc == ERR_OK)
            a->run[a->n_run++] = index;
    }
}

static void
get_samples(struct reader *r)
{
    struct audit *a = r->a;

    for (uint64_t n = get_count(r); n > 0 && r->rc == ERR_OK; n--) {
        struct audit_sample s;

        s.index = get_number(r);
        s.time_ms = get_number(r);
        keep(r, audit_grow(&a->samples, a->n_samples, &a->cap_samples,
                           sizeof(*a->samples)));
        if (r->rc == ERR_OK)
            a->samples[a->n_samples++] = s;
    }
}

static void
get_note(struct reader *r)
{
    struct audit *a = r->a;
    uint8_t b[BOOK_NOTE_LEN];
    struct audit_note *n;

    get(r, b, sizeof(b));
    keep(r,
         audit_grow(&a->notes, a->n_notes, &a->cap_notes, sizeof(*a->notes)));
    if (r->rc != ERR_OK)
        return;
    n = &a->notes[a->n_notes++];
    n->index = get_u64(b);
    n->time_ms = get_u64(b + 8);
    n->ref = get_u64(b + 16);
    n->type = b[24];
    n->class = b[25];
    n->reason = get_u16(b + 26);
    memcpy(n->sender.b, b + 28, 16);
    memcpy(n->recipient.b, b + 44, 16);
    memcpy(n->actor.b, b + 60, 16);
}

static void
get_marks(struct reader *r, const struct state *s)
{
    for (size_t i = 0; i < MARKS; i++) {
        struct audit_bits *m = &r->a->marks[i];
        uint64_t n = get_count(r);

        if (n > s->size / 8 + 1)
            fail(r, ERR_MALFORMED, BOOK_DAMAGED);
        while (m->cap < n && r->rc == ERR_OK)
            keep(r, audit_grow(&m->b, m->cap, &m->cap, sizeof(*m->b)));
        if (r->rc == ERR_OK && n > 0) {
            get(r, m->b, n);
            m->n = n;
        }
    }
}

static void
get_finding(struct reader *r)
{
    struct audit *a = r->a;
    uint8_t b[BOOK_FINDING_LEN];
    struct audit_finding *f;

    get(r, b, sizeof(b));
    if (a->n_found == AUDIT_FINDINGS_MAX || b[23] != 0 || b[223] != 0 ||
        b[224] > 1)
        fail(r, ERR_MALFORMED, BOOK_DAMAGED);
    if (r->rc != ERR_OK)
        return;
    f = &a->found[a->n_found++];
    memset(f, 0, sizeof(*f));
    memcpy(f->code, b, 24);
    memcpy(f->text, b + 24, 200);
    f->has_packet = b[224] != 0;
    memcpy(f->packet.b, b + 225, 16);
    memcpy(f->sender.b, b + 241, 16);
    memcpy(f->recipient.b, b + 257, 16);
    f->class = b[273];
    f->time_ms = get_u64(b + 274);
    f->index = get_u64(b + 282);
    f->is_lasting = true;
}

static void
get_packet(struct reader *r)
{
    struct balance_packet p = {0};
    uint8_t b[BOOK_PACKET_LEN];

    get(r, b, sizeof(b));
    memcpy(p.packet.b, b, 16);
    memcpy(p.sender.b, b + 16, 16);
    memcpy(p.recipient.b, b + 32, 16);
    memcpy(p.pkt_digest.b, b + 48, 32);
    p.stored_index = get_u64(b + 80);
    p.not_after = get_u64(b + 88);
    p.stored_ms = get_u64(b + 96);
    p.end_ms = get_u64(b + 104);
    p.state = (enum packet_state)b[112];
    p.class = b[113];
    p.reason = get_u16(b + 114);
    p.is_own = (b[116] & PACKET_OWN) != 0;
    p.is_carried = (b[116] & PACKET_CARRIED) != 0;
    p.is_over = (b[116] & PACKET_OVER) != 0;
    p.is_warned = (b[116] & PACKET_WARNED) != 0;
    p.is_late = (b[116] & PACKET_LATE) != 0;
    if (b[116] >= 2 * PACKET_LATE)
        fail(r, ERR_MALFORMED, BOOK_DAMAGED);
    if (r->rc == ERR_OK)
        keep(r, balance_restore(r->a->balance, &p));
}

static void
get_balance(struct reader *r, const struct state *s)
{
    keep(r, audit_start_balance(r->a, r->a->first_index));
    for (uint64_t n = get_count(r); n > 0 && r->rc == ERR_OK; n--)
        get_packet(r);
    for (uint64_t n = get_count(r); n > 0 && r->rc == ERR_OK; n--) {
        uint64_t index = get_number(r);
        bool is_erased = get_flag(r);

        if (r->rc == ERR_OK)
            keep(r, balance_restore_leaf(r->a->balance, index, is_erased));
    }
    if (r->rc == ERR_OK)
        balance_restore_next(r->a->balance, s->next_index);
}

static void
get_all(struct reader *r, const struct audit_options *o, struct state *s)
{
    uint8_t end[4];

    get_basis(r, o);
    get_state(r, s);
    get_leaves(r, s);
    get_run(r);
    get_samples(r);
    for (uint64_t n = get_count(r); n > 0 && r->rc == ERR_OK; n--)
        get_note(r);
    get_marks(r, s);
    for (uint64_t n = get_count(r); n > 0 && r->rc == ERR_OK; n--)
        get_finding(r);
    if (r->a->n_found != r->a->lasting)
        fail(r, ERR_MALFORMED, BOOK_DAMAGED);
    if (s->has_balance)
        get_balance(r, s);
    get(r, end, sizeof(end));
    if (memcmp(end, BOOK_END, sizeof(end)) != 0)
        fail(r, ERR_MALFORMED, BOOK_DAMAGED);
}

enum err
audit_book_open(const struct audit_options *options,
                const struct book_source *from, struct audit **out,
                struct head *head, enum book_fit *fit)
{
    struct reader r = {.from = from, .a = audit_new(options)};
    struct state s = {0};

    if (r.a == NULL)
        return ERR_NOMEM;
    get_all(&r, options, &s);
    if (r.rc != ERR_OK) {
        audit_free(r.a);
        *fit = r.fit;
        return r.rc;
    }
    *out = r.a;
    *head = s.head;
    *fit = BOOK_FITS;
    return ERR_OK;
}
