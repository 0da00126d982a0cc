#include "client/audit_book_inside.h"

#include <string.h>

#include "common/bytes.h"

const char *
book_fit_text(enum book_fit fit)
{
    static const char *const texts[] = {
#define BOOK_FIT_TEXT(id, text) [id] = text,
        BOOK_FIT_TABLE(BOOK_FIT_TEXT)
#undef BOOK_FIT_TEXT
    };

    return texts[fit];
}

void
book_basis_of(const struct audit_options *o, struct book_basis *out)
{
    const struct dir_policy *policy = directory_policy(o->dir);
    const uint8_t standing[] = {o->self->class, o->self->suspended};
    struct hash network = {{0}};
    const struct span log[] = {
        {network.b, sizeof(network.b)},
        {o->self->id.b, sizeof(o->self->id.b)},
        {o->log->pub.b, sizeof(o->log->pub.b)},
        {o->log->name, strlen(o->log->name)},
    };
    const struct span scope[] = {
        {standing, sizeof(standing)},
        {o->self->services, strlen(o->self->services)},
    };

    (void)directory_network_id(o->dir, &network);
    memset(out, 0, sizeof(*out));
    domain_hash(&out->log, "sealpost/1/audit-log", log, 4);
    domain_hash(&out->scope, "sealpost/1/audit-scope", scope, 2);
    out->policy = policy == NULL ? UINT64_MAX : policy->index;
    out->retention_s = o->retention_s;
    out->dir_size = directory_size(o->dir);
}

/* ---- writing; the first failure stays ---- */

struct writer {
    const struct audit *a;
    const struct book_sink *to;
    enum err rc;
};

static void
put(struct writer *w, const void *bytes, size_t len)
{
    if (w->rc == ERR_OK && len > 0)
        w->rc = w->to->put(w->to->arg, bytes, len);
}

static void
put_number(struct writer *w, uint64_t n)
{
    uint8_t b[8];

    put_u64(b, n);
    put(w, b, sizeof(b));
}

static void
put_basis(struct writer *w)
{
    struct book_basis basis;
    uint8_t strange = w->a->has_strangers;

    book_basis_of(&w->a->o, &basis);
    put(w, basis.log.b, 32);
    put(w, basis.scope.b, 32);
    put_number(w, basis.policy);
    put_number(w, basis.retention_s);
    put_number(w, basis.dir_size);
    put_number(w, w->a->newest_ms);
    put(w, &strange, 1);
}

static void
put_state(struct writer *w, const struct head *head)
{
    const struct audit *a = w->a;
    uint8_t bytes[HEAD_LEN];
    uint8_t has_balance = a->balance != NULL;

    head_encode(head, bytes);
    put(w, bytes, sizeof(bytes));
    put_number(w, a->since_ms);
    put_number(w, a->known_ms);
    put_number(w, a->sealed);
    put_number(w, a->sum.opened);
    put_number(w, a->sum.erased);
    put_number(w, a->sum.evidence);
    put_number(w, a->sum.heads);
    put_number(w, a->lasting);
    put_number(w, a->first_index);
    put_number(w, a->balance == NULL ? 0 : balance_next_index(a->balance));
    put_number(w, logtree_size(&a->tree));
    put(w, &has_balance, 1);
}

static void
put_leaves(struct writer *w)
{
    uint64_t size = logtree_size(&w->a->tree);

    for (uint64_t i = 0; i < size; i++) {
        struct hash leaf;

        if (logtree_leaf_at(&w->a->tree, i, &leaf) == ERR_OK)
            put(w, leaf.b, sizeof(leaf.b));
    }
}

static void
put_times(struct writer *w)
{
    put_number(w, w->a->n_run);
    for (size_t i = 0; i < w->a->n_run; i++)
        put_number(w, w->a->run[i]);
    put_number(w, w->a->n_samples);
    for (size_t i = 0; i < w->a->n_samples; i++) {
        put_number(w, w->a->samples[i].index);
        put_number(w, w->a->samples[i].time_ms);
    }
}

static void
put_note(struct writer *w, const struct audit_note *n)
{
    uint8_t b[BOOK_NOTE_LEN];

    put_u64(b, n->index);
    put_u64(b + 8, n->time_ms);
    put_u64(b + 16, n->ref);
    b[24] = n->type;
    b[25] = n->class;
    put_u16(b + 26, n->reason);
    memcpy(b + 28, n->sender.b, 16);
    memcpy(b + 44, n->recipient.b, 16);
    memcpy(b + 60, n->actor.b, 16);
    put(w, b, sizeof(b));
}

static void
put_finding(struct writer *w, const struct audit_finding *f)
{
    uint8_t b[BOOK_FINDING_LEN] = {0};

    memcpy(b, f->code, 24);
    memcpy(b + 24, f->text, 200);
    b[224] = f->has_packet;
    memcpy(b + 225, f->packet.b, 16);
    memcpy(b + 241, f->sender.b, 16);
    memcpy(b + 257, f->recipient.b, 16);
    b[273] = f->class;
    put_u64(b + 274, f->time_ms);
    put_u64(b + 282, f->index);
    put(w, b, sizeof(b));
}

static void
put_lists(struct writer *w)
{
    const struct audit *a = w->a;
    size_t n = 0;

    put_number(w, a->n_notes);
    for (size_t i = 0; i < a->n_notes; i++)
        put_note(w, &a->notes[i]);
    for (size_t i = 0; i < MARKS; i++) {
        put_number(w, a->marks[i].n);
        put(w, a->marks[i].b, a->marks[i].n);
    }
    for (size_t i = 0; i < a->n_found; i++)
        n += a->found[i].is_lasting;
    put_number(w, n);
    for (size_t i = 0; i < a->n_found; i++)
        if (a->found[i].is_lasting)
            put_finding(w, &a->found[i]);
}

static bool
count_packet(void *arg, const struct balance_packet *p)
{
    uint64_t *n = arg;

    (void)p;
    ++*n;
    return true;
}

static bool
put_packet(void *arg, const struct balance_packet *p)
{
    struct writer *w = arg;
    uint8_t b[BOOK_PACKET_LEN];

    memcpy(b, p->packet.b, 16);
    memcpy(b + 16, p->sender.b, 16);
    memcpy(b + 32, p->recipient.b, 16);
    memcpy(b + 48, p->pkt_digest.b, 32);
    put_u64(b + 80, p->stored_index);
    put_u64(b + 88, p->not_after);
    put_u64(b + 96, p->stored_ms);
    put_u64(b + 104, p->end_ms);
    b[112] = (uint8_t)p->state;
    b[113] = p->class;
    put_u16(b + 114, p->reason);
    b[116] = (uint8_t)((p->is_own ? PACKET_OWN : 0) |
                       (p->is_carried ? PACKET_CARRIED : 0) |
                       (p->is_over ? PACKET_OVER : 0) |
                       (p->is_warned ? PACKET_WARNED : 0) |
                       (p->is_late ? PACKET_LATE : 0));
    put(w, b, sizeof(b));
    return w->rc == ERR_OK;
}

static void
put_balance(struct writer *w)
{
    const struct balance *b = w->a->balance;
    uint64_t n = 0, index;
    bool is_erased;

    balance_each(b, count_packet, &n);
    put_number(w, n);
    balance_each(b, put_packet, w);
    n = 0;
    while (balance_leaf_nth(b, n, &index, &is_erased))
        n++;
    put_number(w, n);
    for (uint64_t i = 0; i < n; i++) {
        uint8_t erased;

        (void)balance_leaf_nth(b, i, &index, &is_erased);
        erased = is_erased;
        put_number(w, index);
        put(w, &erased, 1);
    }
}

enum err
audit_book_write(const struct audit *a, const struct head *head,
                 const struct book_sink *to)
{
    struct writer w = {.a = a, .to = to};
    uint8_t version[2];

    if (a->is_forked || a->lasting > AUDIT_FINDINGS_MAX)
        return ERR_REFUSED;
    put_u16(version, AUDIT_BOOK_VERSION);
    put(&w, BOOK_MAGIC, 4);
    put(&w, version, sizeof(version));
    put_basis(&w);
    put_state(&w, head);
    put_leaves(&w);
    put_times(&w);
    put_lists(&w);
    if (a->balance != NULL)
        put_balance(&w);
    put(&w, BOOK_END, 4);
    return w.rc;
}
