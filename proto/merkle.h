/*
 * merkle.h - RFC 6962 trees over SHA-256: append, roots, proofs, verification
 * (RFC 6962 2.1, RFC 9162 2.1.3.2 and 2.1.4.2).  Knows no store: it is given
 * stored nodes through a callback and hands out new ones the same way.
 *
 * A node is named (level, index): the root of the complete subtree over the
 * leaves [index << level, (index + 1) << level).  Level 0 is the leaves.
 * Only complete subtrees are ever stored or asked for.
 */
#ifndef SEALPOST_PROTO_MERKLE_H
#define SEALPOST_PROTO_MERKLE_H

#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "proto/ids.h"

enum {
    /* No proof for a tree of MERKLE_SIZE_MAX leaves is longer. */
    MERKLE_PATH_MAX = 64,
};
/* More leaves than any log will see, and no sum of two sizes overflows. */
#define MERKLE_SIZE_MAX (UINT64_C(1) << 62)

/*
 * All that appending needs.  peak[k] is meaningful when bit k of size is set:
 * the node of level k that ends the tree there.  {0} is the empty tree.  A
 * store that keeps size and the meaningful peaks in one row can go on from it.
 */
struct merkle_peaks {
    uint64_t size;
    struct hash peak[64];
};

/* Gives the stored hash of one complete subtree; ERR_NOTFOUND if it is not
 * there.  Any other error stops the caller and is passed on. */
typedef enum err merkle_read_fn(void *arg, unsigned level, uint64_t index,
                                struct hash *out);
/* Takes note of one newly completed node.  HASH is borrowed for the call. */
typedef enum err merkle_emit_fn(void *arg, unsigned level, uint64_t index,
                                const struct hash *hash);

/* H(00 || entry) and H(01 || left || right); OUT may be LEFT or RIGHT. */
void merkle_leaf(const void *entry, size_t len, struct hash *out);
void merkle_node(const struct hash *left, const struct hash *right,
                 struct hash *out);

/*
 * Appends one leaf.  EMIT (may be NULL) is called for the leaf itself and then
 * for every subtree that it completes, lowest level first.  When EMIT fails
 * its error is given and PEAKS is as before.  ERR_FULL at MERKLE_SIZE_MAX.
 */
enum err merkle_append(struct merkle_peaks *peaks, const struct hash *leaf,
                       merkle_emit_fn *emit, void *arg);
/* The root of the tree; SHA-256("") when it is empty. */
void merkle_root(const struct merkle_peaks *peaks, struct hash *root);
/* The peaks, the root of the first SIZE leaves out of stored nodes: O(log n)
 * reads.  ERR_TOOBIG above MERKLE_SIZE_MAX; else the errors of READ. */
enum err merkle_load(merkle_read_fn *read, void *arg, uint64_t size,
                     struct merkle_peaks *peaks);
enum err merkle_root_at(merkle_read_fn *read, void *arg, uint64_t size,
                        struct hash *root);

/*
 * Proof that leaf INDEX is in the tree of SIZE leaves (INDEX < SIZE), and that
 * the tree of OLD leaves is a prefix of the tree of SIZE leaves (OLD <= SIZE;
 * empty when OLD is 0 or SIZE).  Writes *N hashes to PATH, lowest first.
 * ERR_STATE when the numbers do not fit together; else the errors of READ.
 */
enum err merkle_inclusion(merkle_read_fn *read, void *arg, uint64_t index,
                          uint64_t size, struct hash path[MERKLE_PATH_MAX],
                          size_t *n);
enum err merkle_consistency(merkle_read_fn *read, void *arg, uint64_t old,
                            uint64_t size, struct hash path[MERKLE_PATH_MAX],
                            size_t *n);

/*
 * ERR_OK or ERR_VERIFY, for any numbers and any N.  A consistency proof from
 * the empty tree proves nothing and is ERR_VERIFY; merkle_verify_growth()
 * accepts it when the old root is that of the empty tree and the path is
 * empty, which is what whoever follows a log from its beginning wants.
 */
enum err merkle_verify_inclusion(const struct hash *leaf, uint64_t index,
                                 uint64_t size, const struct hash *path,
                                 size_t n, const struct hash *root);
enum err merkle_verify_consistency(uint64_t old, uint64_t size,
                                   const struct hash *old_root,
                                   const struct hash *root,
                                   const struct hash *path, size_t n);
enum err merkle_verify_growth(uint64_t old, uint64_t size,
                              const struct hash *old_root,
                              const struct hash *root, const struct hash *path,
                              size_t n);

#endif
