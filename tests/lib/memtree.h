/*
 * memtree.h - a whole Merkle tree in memory: every complete subtree, as a
 * store would keep them.  What is out of order fails the running test.
 */
#ifndef SEALPOST_TESTS_MEMTREE_H
#define SEALPOST_TESTS_MEMTREE_H

#include <stdint.h>

#include "proto/merkle.h"

struct memtree {
    struct merkle_peaks peaks;
    struct hash *nodes[64];
    uint64_t count[64];
    uint64_t cap[64];
};

/* {0} is the empty tree. */
void memtree_clear(struct memtree *t);
void memtree_append(struct memtree *t, const void *entry, size_t len);
/* "entry 0", "entry 1" and so on, as in xmod.json, until SIZE. */
void memtree_grow(struct memtree *t, uint64_t size);
/* A merkle_read_fn; ARG is the tree. */
enum err memtree_read(void *arg, unsigned level, uint64_t index,
                      struct hash *out);

#endif
