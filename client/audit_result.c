/*
 * audit_result.c - what came of it: sums, findings, lines by agency and day.
 */
#include "client/audit_inside.h"

#include <stdlib.h>
#include <string.h>

void
audit_result(const struct audit *a, struct audit_sum *out)
{
    *out = a->sum;
    out->entries = logtree_size(&a->tree);
    out->unseen = a->sealed - a->sum.opened;
    if (a->balance != NULL)
        out->total = balance_total(a->balance);
}

size_t
audit_finding_count(const struct audit *a)
{
    return a->n_found;
}

const struct audit_finding *
audit_finding_at(const struct audit *a, size_t i)
{
    return i < a->n_found ? &a->found[i] : NULL;
}

/* ---- lines ---- */

struct lines {
    const struct audit *a;
    struct audit_line *v;
    size_t n, cap;
    enum err rc;
};

static struct audit_line *
add_line(struct lines *l)
{
    size_t cap = l->cap == 0 ? 64 : 2 * l->cap;
    struct audit_line *more;

    if (l->n == l->cap) {
        more = realloc(l->v, cap * sizeof(*more));
        if (more == NULL) {
            l->rc = ERR_NOMEM;
            return NULL;
        }
        l->v = more;
        l->cap = cap;
    }
    memset(&l->v[l->n], 0, sizeof(l->v[l->n]));
    return &l->v[l->n++];
}

static void
by_agency(struct lines *l)
{
    static const struct balance_counts nothing;
    const struct dir_agency *d;

    for (size_t i = 0;
         l->rc == ERR_OK && (d = directory_agency_nth(l->a->o.dir, i)) != NULL;
         i++) {
        struct balance_counts c = balance_of_sender(l->a->balance, &d->id);
        struct audit_line *line;

        if (memcmp(&c, &nothing, sizeof(c)) == 0)
            continue;
        line = add_line(l);
        if (line == NULL)
            return;
        line->agency = d->id;
        line->counts = c;
    }
}

static int
by_index(const void *x, const void *y)
{
    uint64_t index = *(const uint64_t *)x;
    const struct audit_stored *s = y;

    return index < s->index ? -1 : index > s->index;
}

static void
count(struct tally *t, enum packet_state state)
{
    uint64_t *const ends[PACKET_STATES] = {
        [PACKET_PENDING] = &t->pending, [PACKET_HANDED_OVER] = &t->handed_over,
        [PACKET_REFUSED] = &t->refused, [PACKET_WITHDRAWN] = &t->withdrawn,
        [PACKET_EXPIRED] = &t->expired,
    };

    t->stored++;
    if (state < PACKET_STATES && ends[state] != NULL)
        ++*ends[state];
}

/* A line for each packet first; they are added up once they are sorted. */
static bool
on_packet(void *arg, const struct balance_packet *p)
{
    struct lines *l = arg;
    const struct audit_stored *s = NULL;
    struct audit_line *line;

    if (l->a->n_stored > 0 && !p->is_carried)
        s = bsearch(&p->stored_index, l->a->stored, l->a->n_stored, sizeof(*s),
                    by_index);
    if (s == NULL)
        return true;
    line = add_line(l);
    if (line == NULL)
        return false;
    line->agency = p->sender;
    line->day = s->day;
    count(p->is_own ? &line->counts.own_copies : &line->counts.packets,
          p->state);
    return true;
}

static int
by_agency_and_day(const void *x, const void *y)
{
    const struct audit_line *a = x;
    const struct audit_line *b = y;
    int c = id_cmp(&a->agency, &b->agency);

    if (c != 0)
        return c;
    return a->day < b->day ? -1 : a->day > b->day;
}

static void
add_tally(struct tally *to, const struct tally *t)
{
    to->stored += t->stored;
    to->carried += t->carried;
    to->handed_over += t->handed_over;
    to->refused += t->refused;
    to->expired += t->expired;
    to->withdrawn += t->withdrawn;
    to->pending += t->pending;
}

static void
merge(struct lines *l)
{
    size_t n = 0;

    if (l->n == 0)
        return;
    qsort(l->v, l->n, sizeof(*l->v), by_agency_and_day);
    for (size_t i = 1; i < l->n; i++) {
        if (by_agency_and_day(&l->v[n], &l->v[i]) != 0) {
            l->v[++n] = l->v[i];
            continue;
        }
        add_tally(&l->v[n].counts.packets, &l->v[i].counts.packets);
        add_tally(&l->v[n].counts.own_copies, &l->v[i].counts.own_copies);
    }
    l->n = n + 1;
}

enum err
audit_lines(const struct audit *a, bool by_day, struct audit_line **out,
            size_t *n)
{
    struct lines l = {.a = a};

    if (a->balance != NULL && !by_day)
        by_agency(&l);
    if (a->balance != NULL && by_day) {
        balance_each(a->balance, on_packet, &l);
        merge(&l);
    }
    if (l.rc != ERR_OK) {
        free(l.v);
        return l.rc;
    }
    *out = l.v;
    *n = l.n;
    return ERR_OK;
}
