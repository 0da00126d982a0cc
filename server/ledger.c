#include "server/ledger.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "proto/tile.h"

enum { TILE_HEIGHT = 8 };

/* One tile with its inner nodes: level k of it has up to 256 >> k of them,
 * kept one behind the other from at[k]. */
struct slab {
    bool used;
    bool dirty;
    unsigned log, level;
    uint64_t n;
    uint64_t touched;
    unsigned width; /* hashes known on the lowest level */
    struct hash node[2 * TILE_WIDTH - 2];
};

struct ledger_cache {
    struct ledger_io io;
    uint64_t clock;
    struct slab *last; /* most nodes are asked for beside the one before */
    size_t cap;
    struct slab slabs[];
};

struct ledger_cache *
ledger_cache_new(const struct ledger_io *io, size_t tiles)
{
    struct ledger_cache *c =
        calloc(1, sizeof(*c) + tiles * sizeof(c->slabs[0]));

    if (c != NULL) {
        c->io = *io;
        c->cap = tiles;
    }
    return c;
}

void
ledger_cache_free(struct ledger_cache *c)
{
    free(c);
}

void
ledger_cache_drop(struct ledger_cache *c)
{
    size_t i;

    for (i = 0; i < c->cap; i++)
        c->slabs[i].used = c->slabs[i].dirty = false;
}

/* Where level SUB of a tile starts among its nodes. */
static unsigned
level_at(unsigned sub)
{
    unsigned all = 2 * TILE_WIDTH;

    return all - (all >> sub);
}

static struct hash *
place(struct slab *t, unsigned sub, unsigned index)
{
    return &t->node[level_at(sub) + index];
}

/* Hash I of the lowest level is there: compute what it completes. */
static void
complete(struct slab *t, unsigned i)
{
    unsigned sub;

    for (sub = 0; sub + 1 < TILE_HEIGHT && (i & 1) == 1; sub++, i >>= 1)
        merkle_node(place(t, sub, i - 1), place(t, sub, i),
                    place(t, sub + 1, i >> 1));
}

static enum err
save(struct ledger_cache *c, struct slab *t)
{
    enum err rc = ERR_OK;

    if (t->dirty)
        rc = c->io.save(c->io.arg, t->log, t->level, t->n, t->node[0].b,
                        (size_t)t->width * sizeof(t->node[0]));
    if (rc == ERR_OK)
        t->dirty = false;
    return rc;
}

/* Fills T with what is stored of its tile; nothing stored is width 0. */
static enum err
load(struct ledger_cache *c, struct slab *t)
{
    struct buf bytes = {0};
    enum err rc = c->io.load(c->io.arg, t->log, t->level, t->n, &bytes);
    unsigned i;

    t->width = 0;
    if (rc == ERR_OK && (bytes.len % 32 != 0 || bytes.len > TILE_LEN_MAX))
        rc = ERR_IO;
    if (rc == ERR_OK) {
        memcpy(t->node, bytes.data, bytes.len);
        t->width = (unsigned)(bytes.len / 32);
        for (i = 0; i < t->width; i++)
            complete(t, i);
    }
    buf_clear(&bytes);
    return rc == ERR_NOTFOUND ? ERR_OK : rc;
}

static bool
is_tile(const struct slab *t, unsigned log, unsigned level, uint64_t n)
{
    return t->used && t->n == n && t->level == level && t->log == log;
}

static struct slab *
find(struct ledger_cache *c, unsigned log, unsigned level, uint64_t n)
{
    size_t i;

    if (c->last != NULL && is_tile(c->last, log, level, n))
        return c->last;
    for (i = 0; i < c->cap; i++)
        if (is_tile(&c->slabs[i], log, level, n))
            return &c->slabs[i];
    return NULL;
}

static struct slab *
oldest(struct ledger_cache *c)
{
    struct slab *best = &c->slabs[0];
    size_t i;

    for (i = 0; i < c->cap; i++) {
        if (!c->slabs[i].used)
            return &c->slabs[i];
        if (c->slabs[i].touched < best->touched)
            best = &c->slabs[i];
    }
    return best;
}

static enum err
get(struct ledger_cache *c, unsigned log, unsigned level, uint64_t n,
    struct slab **out)
{
    struct slab *t = find(c, log, level, n);
    enum err rc;

    if (t == NULL) {
        t = oldest(c);
        rc = save(c, t);
        if (rc != ERR_OK)
            return rc;
        t->used = false;
        t->log = log;
        t->level = level;
        t->n = n;
        rc = load(c, t);
        if (rc != ERR_OK)
            return rc;
        t->used = true;
    }
    t->touched = ++c->clock;
    c->last = t;
    *out = t;
    return ERR_OK;
}

enum err
ledger_node(struct ledger_cache *c, unsigned log, unsigned level,
            uint64_t index, struct hash *out)
{
    struct slab *t = NULL;
    struct tile where;
    unsigned sub, at;
    enum err rc;

    tile_of_node(level, index, &where, &sub, &at);
    rc = get(c, log, (unsigned)where.level, where.index, &t);
    if (rc != ERR_OK)
        return rc;
    /* The tile at the edge may have grown since it was read. */
    if (at >= t->width >> sub && !t->dirty)
        rc = load(c, t);
    if (rc != ERR_OK)
        return rc;
    if (at >= t->width >> sub)
        return ERR_NOTFOUND;
    *out = *place(t, sub, at);
    return ERR_OK;
}

void
ledger_clear(struct ledger *l)
{
    free(l->nodes);
    memset(l, 0, sizeof(*l));
}

void
ledger_begin(struct ledger *l, const struct merkle_peaks peaks[LEDGER_LOGS])
{
    memcpy(l->peaks, peaks, sizeof(l->peaks));
    l->n = 0;
}

struct emit_to {
    struct ledger *l;
    unsigned log;
};

/* Only the lowest level of each tile is stored; the rest is computed. */
static enum err
on_node(void *arg, unsigned level, uint64_t index, const struct hash *hash)
{
    struct emit_to *to = arg;
    struct ledger *l = to->l;

    if (level % TILE_HEIGHT != 0)
        return ERR_OK;
    if (l->n == l->cap) {
        size_t cap = l->cap == 0 ? 256 : 2 * l->cap;
        struct ledger_entry *more = realloc(l->nodes, cap * sizeof(*more));

        if (more == NULL)
            return ERR_NOMEM;
        l->nodes = more;
        l->cap = cap;
    }
    l->nodes[l->n++] = (struct ledger_entry){to->log, level, index, *hash};
    return ERR_OK;
}

enum err
ledger_append(struct ledger *l, unsigned log, const struct hash *leaf,
              uint64_t *index)
{
    struct emit_to to = {l, log};
    uint64_t at = l->peaks[log].size;
    size_t before = l->n;
    enum err rc = merkle_append(&l->peaks[log], leaf, on_node, &to);

    if (rc != ERR_OK) {
        l->n = before;
        return rc;
    }
    *index = at;
    return ERR_OK;
}

static enum err
put_node(struct ledger_cache *c, const struct ledger_entry *e)
{
    unsigned at = (unsigned)(e->index % TILE_WIDTH);
    struct slab *t = NULL;
    enum err rc =
        get(c, e->log, e->level / TILE_HEIGHT, e->index / TILE_WIDTH, &t);

    if (rc != ERR_OK)
        return rc;
    if (at != t->width) /* the rows do not fit the log's size */
        return ERR_IO;
    *place(t, 0, at) = e->hash;
    t->width = at + 1;
    t->dirty = true;
    complete(t, at);
    return ERR_OK;
}

enum err
ledger_flush(struct ledger *l)
{
    enum err rc = ERR_OK;
    size_t i;

    for (i = 0; i < l->n && rc == ERR_OK; i++)
        rc = put_node(l->cache, &l->nodes[i]);
    for (i = 0; i < l->cache->cap && rc == ERR_OK; i++)
        rc = save(l->cache, &l->cache->slabs[i]);
    l->n = 0;
    return rc;
}

size_t
ledger_peaks_encode(const struct merkle_peaks *peaks,
                    uint8_t out[LEDGER_PEAKS_MAX])
{
    size_t len = 0;
    unsigned k;

    for (k = 64; k-- > 0;) {
        if ((peaks->size >> k & 1) == 0)
            continue;
        memcpy(out + len, peaks->peak[k].b, 32);
        len += 32;
    }
    return len;
}

enum err
ledger_peaks_decode(struct merkle_peaks *out, uint64_t size, const void *bytes,
                    size_t len)
{
    const uint8_t *p = bytes;
    unsigned k;

    if (len != 32 * (size_t)__builtin_popcountll(size))
        return ERR_MALFORMED;
    memset(out, 0, sizeof(*out));
    out->size = size;
    for (k = 64; k-- > 0;) {
        if ((size >> k & 1) == 0)
            continue;
        memcpy(out->peak[k].b, p, 32);
        p += 32;
    }
    return ERR_OK;
}
