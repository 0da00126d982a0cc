#include "client/logtree.h"

#include <stdlib.h>
#include <string.h>

void
logtree_clear(struct logtree *t)
{
    for (size_t i = 0; i < 64; i++)
        free(t->level[i].nodes);
    memset(t, 0, sizeof(*t));
}

uint64_t
logtree_size(const struct logtree *t)
{
    return t->peaks.size;
}

static enum err
keep_node(void *arg, unsigned level, uint64_t index, const struct hash *hash)
{
    struct logtree *t = arg;
    size_t cap = t->level[level].cap;

    if (index != t->level[level].n)
        return ERR_STATE;
    if (t->level[level].n == cap) {
        struct hash *more;

        cap = cap == 0 ? 16 : 2 * cap;
        more = realloc(t->level[level].nodes, cap * sizeof(*more));
        if (more == NULL)
            return ERR_NOMEM;
        t->level[level].nodes = more;
        t->level[level].cap = cap;
    }
    t->level[level].nodes[t->level[level].n++] = *hash;
    return ERR_OK;
}

enum err
logtree_append(struct logtree *t, const void *entry, size_t len)
{
    struct hash leaf;

    merkle_leaf(entry, len, &leaf);
    return logtree_append_leaf(t, &leaf);
}

enum err
logtree_append_leaf(struct logtree *t, const struct hash *leaf)
{
    return merkle_append(&t->peaks, leaf, keep_node, t);
}

static enum err
read_node(void *arg, unsigned level, uint64_t index, struct hash *out)
{
    const struct logtree *t = arg;

    if (level >= 64 || index >= t->level[level].n)
        return ERR_NOTFOUND;
    *out = t->level[level].nodes[index];
    return ERR_OK;
}

enum err
logtree_root_at(const struct logtree *t, uint64_t size, struct hash *root)
{
    if (size > t->peaks.size)
        return ERR_NOTFOUND;
    return merkle_root_at(read_node, (void *)(uintptr_t)t, size, root);
}

enum err
logtree_peaks_at(const struct logtree *t, uint64_t size,
                 struct merkle_peaks *out)
{
    if (size > t->peaks.size)
        return ERR_NOTFOUND;
    return merkle_load(read_node, (void *)(uintptr_t)t, size, out);
}

enum err
logtree_leaf_at(const struct logtree *t, uint64_t index, struct hash *leaf)
{
    return read_node((void *)(uintptr_t)t, 0, index, leaf);
}
