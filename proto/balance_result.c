/*
 * balance_result.c - what a balance counts, and how it is kept for another day.
 */
#include "proto/balance_inside.h"

#include <stdlib.h>
#include <string.h>

/* Where a tally counts the packets in a state. */
static const size_t tally_field[PACKET_STATES] = {
    [PACKET_PENDING] = offsetof(struct tally, pending),
    [PACKET_HANDED_OVER] = offsetof(struct tally, handed_over),
    [PACKET_REFUSED] = offsetof(struct tally, refused),
    [PACKET_WITHDRAWN] = offsetof(struct tally, withdrawn),
    [PACKET_EXPIRED] = offsetof(struct tally, expired),
};

/* ---- counting ---- */

uint64_t *
tally_of(struct tally *t, enum packet_state state)
{
    return (uint64_t *)(void *)((char *)t + tally_field[state]);
}

static void
count_in(struct balance_counts *counts, const struct row *row, uint64_t step)
{
    struct tally *t = row->is_own ? &counts->own_copies : &counts->packets;

    *(row->is_carried ? &t->carried : &t->stored) += step;
    *tally_of(t, (enum packet_state)row->state) += step;
}

void
balance_count(struct balance *b, const struct row *row, int sign)
{
    uint64_t step = sign > 0 ? 1 : UINT64_MAX; /* minus one */

    count_in(&b->total, row, step);
    count_in(&row->sender->counts, row, step);
    count_in(&row->mailbox->counts, row, step);
}

bool
tally_conserved(const struct tally *t)
{
    return t->stored + t->carried ==
           t->handed_over + t->refused + t->expired + t->withdrawn + t->pending;
}

/* ---- groups ---- */

static struct group *
find_group(const struct balance *b, uint8_t kind, const uint8_t id[16])
{
    struct group_key key = {.kind = kind};

    memcpy(key.id, id, sizeof(key.id));
    return map_find(&b->groups, &key);
}

struct group *
balance_group(struct balance *b, uint8_t kind, const uint8_t id[16])
{
    struct group *group = find_group(b, kind, id);
    struct group_key key = {.kind = kind};

    if (group != NULL)
        return group;
    group = calloc(1, sizeof(*group));
    if (group == NULL)
        return NULL;
    memcpy(key.id, id, sizeof(key.id));
    memcpy(group->id, id, sizeof(group->id));
    if (map_insert(&b->groups, &key, group) != ERR_OK) {
        free(group);
        return NULL;
    }
    group->next = b->first_group;
    b->first_group = group;
    return group;
}

/* ---- leaves ---- */

struct leaf *
balance_leaf(const struct balance *b, uint64_t index)
{
    size_t lo = 0, hi = b->n_leaves;

    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;

        if (b->leaves[mid].index < index)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < b->n_leaves && b->leaves[lo].index == index ? &b->leaves[lo]
                                                            : NULL;
}

/* ---- results ---- */

struct balance_counts
balance_total(const struct balance *b)
{
    return b->total;
}

static struct balance_counts
counts_of(const struct balance *b, uint8_t kind, const uint8_t id[16])
{
    static const struct balance_counts none;
    const struct group *group = find_group(b, kind, id);

    return group == NULL ? none : group->counts;
}

struct balance_counts
balance_of_sender(const struct balance *b, const struct agency_id *sender)
{
    return counts_of(b, GROUP_SENDER, sender->b);
}

struct balance_counts
balance_of_mailbox(const struct balance *b, const struct mailbox_id *to)
{
    return counts_of(b, GROUP_MAILBOX, to->b);
}

uint64_t
balance_findings(const struct balance *b, enum finding_kind kind)
{
    return b->findings[kind];
}

static bool
counts_conserved(const struct balance_counts *counts)
{
    return tally_conserved(&counts->packets) &&
           tally_conserved(&counts->own_copies);
}

/* The total, counted again from the packets themselves. */
static struct balance_counts
recount(const struct balance *b)
{
    struct balance_counts counts = {0};

    for (size_t i = 0; i < b->rows.n; i++) {
        const struct row *row = rows_nth(&b->rows, i);

        if (row->state != PACKET_UNSEEN && !row->is_gone)
            count_in(&counts, row, 1);
    }
    return counts;
}

bool
balance_conserved(const struct balance *b)
{
    struct balance_counts again = recount(b);

    if (memcmp(&again, &b->total, sizeof(again)) != 0 ||
        !counts_conserved(&b->total))
        return false;
    for (const struct group *g = b->first_group; g != NULL; g = g->next)
        if (!counts_conserved(&g->counts))
            return false;
    return true;
}

/* ---- packets ---- */

static struct balance_packet
packet_of(const struct row *row)
{
    struct balance_packet p = {
        .packet = row->packet,
        .pkt_digest = row->pkt_digest,
        .stored_index = row->stored_index,
        .not_after = row->not_after,
        .stored_ms = row->stored_ms,
        .end_ms = row->end_ms,
        .state = (enum packet_state)row->state,
        .reason = row->reason,
        .class = row->class,
        .is_own = row->is_own,
        .is_carried = row->is_carried,
        .is_over = row->is_over,
        .is_warned = row->is_warned,
        .is_late = row->is_late,
    };

    memcpy(p.sender.b, row->sender->id, sizeof(p.sender.b));
    memcpy(p.recipient.b, row->mailbox->id, sizeof(p.recipient.b));
    return p;
}

enum err
balance_packet(const struct balance *b, const struct agency_id *sender,
               const struct packet_id *packet, struct balance_packet *out)
{
    const struct row *row = rows_find(&b->rows, sender, packet);

    if (row == NULL)
        return ERR_NOTFOUND;
    *out = packet_of(row);
    return ERR_OK;
}

void
balance_each(const struct balance *b,
             bool (*each)(void *arg, const struct balance_packet *p), void *arg)
{
    for (size_t i = 0; i < b->rows.n; i++) {
        const struct row *row = rows_nth(&b->rows, i);
        struct balance_packet p;

        if (row->is_gone)
            continue;
        p = packet_of(row);
        if (!each(arg, &p))
            return;
    }
}

/* ---- a period ---- */

bool
balance_fate(const struct balance_packet *p, uint64_t from_ms, uint64_t to_ms,
             struct balance_fate *out)
{
    bool is_before = p->is_carried || p->stored_ms < from_ms;
    bool was_over = p->end_ms != 0 && p->end_ms < from_ms;

    if (p->state == PACKET_UNSEEN ||
        (is_before ? was_over : p->stored_ms >= to_ms))
        return false;
    out->is_carried = is_before;
    out->has_ended = p->end_ms != 0 && p->end_ms < to_ms;
    out->state = out->has_ended ? p->state : PACKET_PENDING;
    return true;
}

void
balance_tell(struct balance_counts *to, const struct balance_packet *p,
             const struct balance_fate *fate)
{
    struct tally *t = p->is_own ? &to->own_copies : &to->packets;

    ++*(fate->is_carried ? &t->carried : &t->stored);
    ++*tally_of(t, fate->state);
}

/* ---- kept for another day ---- */

/* Rows that are not carried ascend by the index they were stored at. */
static bool
is_possible(const struct balance *b, const struct balance_packet *p)
{
    const struct row *last;
    size_t n = b->rows.n;

    if (p->state >= PACKET_STATES)
        return false;
    if (p->is_carried)
        return p->state != PACKET_PENDING;
    if (p->state == PACKET_UNSEEN || p->stored_index == UINT64_MAX)
        return false;
    while (n > 0 && rows_nth(&b->rows, n - 1)->is_carried)
        n--;
    last = n == 0 ? NULL : rows_nth(&b->rows, n - 1);
    return last == NULL || last->stored_index < p->stored_index;
}

static void
fill_row(struct row *row, const struct balance_packet *p)
{
    row->pkt_digest = p->pkt_digest;
    row->stored_index = p->stored_index;
    row->not_after = p->not_after;
    row->stored_ms = p->stored_ms;
    row->end_ms = p->end_ms;
    row->state = (uint8_t)p->state;
    row->reason = p->reason;
    row->class = p->class;
    row->is_own = p->is_own;
    row->is_carried = p->is_carried;
    row->is_over = p->is_over;
    row->is_warned = p->is_warned;
    row->is_late = p->is_late;
}

enum err
balance_restore(struct balance *b, const struct balance_packet *p)
{
    struct group *sender, *mailbox;
    struct row *row = NULL;

    if (!is_possible(b, p))
        return ERR_MALFORMED;
    if (rows_find(&b->rows, &p->sender, &p->packet) != NULL)
        return ERR_EXISTS;
    sender = balance_group(b, GROUP_SENDER, p->sender.b);
    mailbox = balance_group(b, GROUP_MAILBOX, p->recipient.b);
    if (sender != NULL && mailbox != NULL)
        row = rows_add(&b->rows, sender, &p->packet);
    if (row == NULL)
        return ERR_NOMEM;
    row->mailbox = mailbox;
    fill_row(row, p);
    b->rows.n_carried += row->is_carried;
    if (row->state != PACKET_UNSEEN)
        balance_count(b, row, 1);
    return ERR_OK;
}

enum err
balance_restore_leaf(struct balance *b, uint64_t index, bool is_erased)
{
    enum err rc;

    if (index < b->next_index)
        return ERR_MALFORMED;
    rc = balance_unopened(b, index);
    if (rc == ERR_OK)
        b->leaves[b->n_leaves - 1].is_erased = is_erased;
    return rc;
}

void
balance_restore_next(struct balance *b, uint64_t next_index)
{
    b->next_index = next_index;
}

uint64_t
balance_next_index(const struct balance *b)
{
    return b->next_index;
}

bool
balance_leaf_nth(const struct balance *b, size_t i, uint64_t *index,
                 bool *is_erased)
{
    if (i >= b->n_leaves)
        return false;
    *index = b->leaves[i].index;
    *is_erased = b->leaves[i].is_erased;
    return true;
}

void
balance_forget(struct balance *b, uint64_t stored_index)
{
    struct row *row = rows_stored_at(&b->rows, stored_index);

    if (row == NULL)
        return;
    if (row->state != PACKET_UNSEEN)
        balance_count(b, row, -1);
    row->is_gone = true;
}
