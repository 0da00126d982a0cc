/*
 * logtree.h - the Merkle tree of a log that was read from its beginning: all
 * complete subtrees in memory (64 bytes an entry), so that the root of every
 * size it ever had can be compared with what somebody was shown.
 * Life: {0} is the empty tree ... logtree_clear().
 */
#ifndef SEALPOST_CLIENT_LOGTREE_H
#define SEALPOST_CLIENT_LOGTREE_H

#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "proto/merkle.h"

struct logtree {
    struct merkle_peaks peaks;
    struct {
        struct hash *nodes; /* owned */
        size_t n, cap;
    } level[64];
};

void logtree_clear(struct logtree *t);
uint64_t logtree_size(const struct logtree *t);
/* ERR_NOMEM: the tree is of no more use. */
enum err logtree_append(struct logtree *t, const void *entry, size_t len);
/* Root of the first SIZE entries.  ERR_NOTFOUND above logtree_size(). */
enum err logtree_root_at(const struct logtree *t, uint64_t size,
                         struct hash *root);
/* What that root is made of, to be folded elsewhere (merkle_root). */
enum err logtree_peaks_at(const struct logtree *t, uint64_t size,
                          struct merkle_peaks *out);
/* The hash of the next entry, where the entry is not at hand. */
enum err logtree_append_leaf(struct logtree *t, const struct hash *leaf);
/* Hash of the entry at INDEX.  ERR_NOTFOUND. */
enum err logtree_leaf_at(const struct logtree *t, uint64_t index,
                         struct hash *leaf);

#endif
