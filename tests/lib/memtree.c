#include "tests/lib/memtree.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

void
memtree_clear(struct memtree *t)
{
    for (size_t i = 0; i < 64; i++)
        free(t->nodes[i]);
    *t = (struct memtree){0};
}

static enum err
keep(void *arg, unsigned level, uint64_t index, const struct hash *h)
{
    struct memtree *t = arg;

    assert_int_equal(index, t->count[level]);
    if (t->count[level] == t->cap[level]) {
        t->cap[level] = t->cap[level] == 0 ? 16 : 2 * t->cap[level];
        t->nodes[level] = realloc(t->nodes[level], t->cap[level] * sizeof(*h));
        assert_non_null(t->nodes[level]);
    }
    t->nodes[level][t->count[level]++] = *h;
    return ERR_OK;
}

void
memtree_append(struct memtree *t, const void *entry, size_t len)
{
    struct hash leaf;

    merkle_leaf(entry, len, &leaf);
    assert_int_equal(merkle_append(&t->peaks, &leaf, keep, t), ERR_OK);
}

void
memtree_grow(struct memtree *t, uint64_t size)
{
    char entry[32];

    while (t->peaks.size < size) {
        snprintf(entry, sizeof(entry), "entry %" PRIu64, t->peaks.size);
        memtree_append(t, entry, strlen(entry));
    }
}

enum err
memtree_read(void *arg, unsigned level, uint64_t index, struct hash *out)
{
    const struct memtree *t = arg;

    assert_true(level < 64);
    if (index >= t->count[level])
        return ERR_NOTFOUND;
    *out = t->nodes[level][index];
    return ERR_OK;
}
