#include "proto/balance_inside.h"

#include <stdlib.h>
#include <string.h>

struct row_key {
    uint8_t sender[16];
    uint8_t packet[16];
};

void
rows_clear(struct rows *r)
{
    for (size_t i = 0; i < r->n_slabs; i++)
        free(r->slabs[i]);
    free(r->slabs);
    free(r->table);
}

struct row *
rows_nth(const struct rows *r, size_t i)
{
    return &r->slabs[i / ROWS_PER_SLAB][i % ROWS_PER_SLAB];
}

static size_t
home_of(const struct rows *r, const uint8_t sender[16],
        const struct packet_id *packet)
{
    struct row_key key;

    memcpy(key.sender, sender, sizeof(key.sender));
    memcpy(key.packet, packet->b, sizeof(key.packet));
    return (size_t)map_hash(r->seed, &key, sizeof(key)) & (r->cap - 1);
}

struct row *
rows_find(const struct rows *r, const struct agency_id *sender,
          const struct packet_id *packet)
{
    if (r->cap == 0)
        return NULL;
    for (size_t i = home_of(r, sender->b, packet); r->table[i] != 0;
         i = (i + 1) & (r->cap - 1)) {
        struct row *row = rows_nth(r, r->table[i] - 1);

        if (!row->is_gone && id_eq(&row->packet, packet) &&
            memcmp(row->sender->id, sender->b, sizeof(sender->b)) == 0)
            return row;
    }
    return NULL;
}

static void
enter(struct rows *r, size_t n)
{
    const struct row *row = rows_nth(r, n);
    size_t i = home_of(r, row->sender->id, &row->packet);

    while (r->table[i] != 0)
        i = (i + 1) & (r->cap - 1);
    r->table[i] = (uint32_t)(n + 1);
}

/* At most two thirds full. */
static bool
grow_table(struct rows *r)
{
    size_t cap = r->cap == 0 ? 64 : 2 * r->cap;
    uint32_t *table;

    if (r->n + 1 <= r->cap / 3 * 2)
        return true;
    if (r->n >= UINT32_MAX - 1)
        return false;
    table = calloc(cap, sizeof(*table));
    if (table == NULL)
        return false;
    free(r->table);
    r->table = table;
    r->cap = cap;
    for (size_t i = 0; i < r->n; i++)
        enter(r, i);
    return true;
}

static bool
grow_slabs(struct rows *r)
{
    if (r->n < r->n_slabs * ROWS_PER_SLAB)
        return true;
    if (r->n_slabs == r->cap_slabs) {
        size_t cap = r->cap_slabs == 0 ? 16 : 2 * r->cap_slabs;
        struct row **more = realloc(r->slabs, cap * sizeof(struct row *));

        if (more == NULL)
            return false;
        r->slabs = more;
        r->cap_slabs = cap;
    }
    r->slabs[r->n_slabs] = calloc(ROWS_PER_SLAB, sizeof(struct row));
    if (r->slabs[r->n_slabs] == NULL)
        return false;
    r->n_slabs++;
    return true;
}

struct row *
rows_add(struct rows *r, struct group *sender, const struct packet_id *packet)
{
    struct row *row;

    if (!grow_table(r) || !grow_slabs(r))
        return NULL;
    row = rows_nth(r, r->n);
    row->sender = sender;
    row->packet = *packet;
    enter(r, r->n++);
    return row;
}

/* Carried rows stand in the order of their first event, all others in that of
 * their stored event: the two must be told apart. */
static struct row *
carried_at(const struct rows *r, uint64_t index)
{
    size_t left = r->n_carried;

    for (size_t i = 0; i < r->n && left > 0; i++) {
        struct row *row = rows_nth(r, i);

        left -= row->is_carried;
        if (row->is_carried && !row->is_gone && row->stored_index == index)
            return row;
    }
    return NULL;
}

/* The first row at or behind I that is not carried; N when there is none. */
static size_t
skip_carried(const struct rows *r, size_t i)
{
    while (i < r->n && rows_nth(r, i)->is_carried)
        i++;
    return i;
}

struct row *
rows_stored_at(const struct rows *r, uint64_t index)
{
    size_t lo = 0, hi = r->n;

    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        size_t at = skip_carried(r, mid);

        if (at < hi && rows_nth(r, at)->stored_index < index)
            lo = at + 1;
        else
            hi = mid;
    }
    lo = skip_carried(r, lo);
    if (lo < r->n && rows_nth(r, lo)->stored_index == index)
        return rows_nth(r, lo)->is_gone ? NULL : rows_nth(r, lo);
    return carried_at(r, index);
}
