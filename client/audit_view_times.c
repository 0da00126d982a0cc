/*
 * audit_view_times.c - how long packets took: medians and ninetieth percentiles
 * of many groups in one walk over the sorted delays.
 */
#include <stdlib.h>

#include "client/audit_view_inside.h"

/* A group's three clocks: routine, urgent, both. */
enum { CLOCKS = VIEW_CLASSES + 1 };

struct clocks {
    struct view_group *group;
    uint64_t seen[CLOCKS];
};

static struct view_times *
times_at(struct view_group *g, unsigned i)
{
    return i < VIEW_CLASSES ? &g->times[i] : &g->times_all;
}

static int
by_ms(const void *x, const void *y)
{
    const struct view_delay *a = x;
    const struct view_delay *b = y;

    return a->ms < b->ms ? -1 : a->ms > b->ms;
}

/* Nearest rank: the least value that at least PERCENT of them do not exceed. */
static uint64_t
rank(uint64_t n, uint64_t percent)
{
    return (n * percent + 99) / 100;
}

static void
note(struct clocks *c, unsigned i, uint64_t ms)
{
    struct view_times *t = times_at(c->group, i);
    uint64_t nth = ++c->seen[i];

    if (nth == rank(t->n, 50))
        t->median_ms = ms;
    if (nth == rank(t->n, 90))
        t->p90_ms = ms;
    t->max_ms = ms;
}

/* The groups that D counts in: total, class, sender, recipient. */
static void
groups_of(struct clocks *all, const struct view_delay *d, struct clocks **out)
{
    out[0] = &all[0];
    out[1] = &all[1 + d->class % VIEW_CLASSES];
    out[2] = &all[1 + VIEW_CLASSES + 2 * d->sender];
    out[3] = &all[1 + VIEW_CLASSES + 2 * d->recipient + 1];
}

static void
walk(struct view_maker *m, struct clocks *all, bool is_counting)
{
    for (size_t i = 0; i < m->n_delays; i++) {
        const struct view_delay *d = &m->delays[i];
        struct clocks *of[4];

        groups_of(all, d, of);
        for (size_t k = 0; k < 4; k++) {
            if (is_counting) {
                of[k]->group->times[d->class % VIEW_CLASSES].n++;
                of[k]->group->times_all.n++;
                continue;
            }
            note(of[k], d->class % VIEW_CLASSES, d->ms);
            note(of[k], VIEW_CLASSES, d->ms);
        }
    }
}

void
view_add_times(struct view_maker *m)
{
    size_t n = 1 + VIEW_CLASSES + 2 * m->v.n_agencies;
    struct clocks *all;

    if (m->rc != ERR_OK || m->n_delays == 0)
        return;
    all = calloc(n, sizeof(*all));
    if (all == NULL) {
        m->rc = ERR_NOMEM;
        return;
    }
    all[0].group = &m->v.total;
    for (size_t i = 0; i < VIEW_CLASSES; i++)
        all[1 + i].group = &m->v.by_class[i];
    for (size_t i = 0; i < m->v.n_agencies; i++) {
        all[1 + VIEW_CLASSES + 2 * i].group = &m->v.agencies[i].sent;
        all[1 + VIEW_CLASSES + 2 * i + 1].group = &m->v.agencies[i].received;
    }
    qsort(m->delays, m->n_delays, sizeof(*m->delays), by_ms);
    walk(m, all, true);
    walk(m, all, false);
    free(all);
}
