#include "proto/merkle.h"

#include <stdbool.h>
#include <string.h>

#include "proto/crypto.h"

/* A run of leaves [lo, hi) that is a subtree of some RFC 6962 tree: lo is a
 * multiple of the least power of two that is at least hi - lo. */
struct range {
    uint64_t lo, hi;
};

void
merkle_leaf(const void *entry, size_t len, struct hash *out)
{
    struct sha256 s;

    sha256_init(&s);
    sha256_update(&s, "\x00", 1);
    sha256_update(&s, entry, len);
    sha256_final(&s, out);
}

void
merkle_node(const struct hash *left, const struct hash *right, struct hash *out)
{
    uint8_t in[1 + 32 + 32] = {1};

    memcpy(in + 1, left->b, 32);
    memcpy(in + 33, right->b, 32);
    sha256(out, in, sizeof(in));
}

enum err
merkle_append(struct merkle_peaks *peaks, const struct hash *leaf,
              merkle_emit_fn *emit, void *arg)
{
    struct hash h = *leaf;
    unsigned level = 0;

    if (peaks->size >= MERKLE_SIZE_MAX)
        return ERR_FULL;
    for (;;) {
        enum err rc = ERR_OK;

        if (emit != NULL)
            rc = emit(arg, level, peaks->size >> level, &h);
        if (rc != ERR_OK)
            return rc;
        if ((peaks->size >> level & 1) == 0)
            break;
        merkle_node(&peaks->peak[level], &h, &h);
        level++;
    }
    peaks->peak[level] = h;
    peaks->size++;
    return ERR_OK;
}

void
merkle_root(const struct merkle_peaks *peaks, struct hash *root)
{
    bool first = true;

    if (peaks->size == 0) {
        sha256(root, "", 0);
        return;
    }
    for (unsigned level = 0; level < 64; level++) {
        if ((peaks->size >> level & 1) == 0)
            continue;
        if (first)
            *root = peaks->peak[level];
        else
            merkle_node(&peaks->peak[level], root, root);
        first = false;
    }
}

enum err
merkle_load(merkle_read_fn *read, void *arg, uint64_t size,
            struct merkle_peaks *peaks)
{
    struct merkle_peaks p = {.size = size};

    if (size > MERKLE_SIZE_MAX)
        return ERR_TOOBIG;
    for (unsigned level = 0; level < 64; level++) {
        enum err rc;

        if ((size >> level & 1) == 0)
            continue;
        rc = read(arg, level, (size >> level) - 1, &p.peak[level]);
        if (rc != ERR_OK)
            return rc;
    }
    *peaks = p;
    return ERR_OK;
}

enum err
merkle_root_at(merkle_read_fn *read, void *arg, uint64_t size,
               struct hash *root)
{
    struct merkle_peaks peaks;
    enum err rc = merkle_load(read, arg, size, &peaks);

    if (rc == ERR_OK)
        merkle_root(&peaks, root);
    return rc;
}

/* Where RFC 6962 splits a range of at least two leaves: after the largest
 * power of two that is smaller than their number. */
static uint64_t
split_of(struct range r)
{
    uint64_t k = 1;

    while (k < r.hi - r.lo - k)
        k <<= 1;
    return r.lo + k;
}

/* The root of R out of complete nodes, from its right edge leftwards. */
static enum err
range_root(merkle_read_fn *read, void *arg, struct range r, struct hash *out)
{
    struct hash acc = {{0}}, h;
    bool first = true;
    uint64_t end = r.hi;

    for (unsigned level = 0; end > r.lo; level++) {
        enum err rc;

        if (((r.hi - r.lo) >> level & 1) == 0)
            continue;
        rc = read(arg, level, (end >> level) - 1, &h);
        if (rc != ERR_OK)
            return rc;
        if (first)
            acc = h;
        else
            merkle_node(&h, &acc, &acc);
        first = false;
        end -= UINT64_C(1) << level;
    }
    *out = acc;
    return ERR_OK;
}

/* Reads the roots of RANGES, the last one first, as a proof wants them. */
static enum err
read_path(merkle_read_fn *read, void *arg, const struct range *ranges, size_t n,
          struct hash *path, size_t *n_out)
{
    struct hash tmp[MERKLE_PATH_MAX];

    for (size_t i = 0; i < n; i++) {
        enum err rc = range_root(read, arg, ranges[n - 1 - i], &tmp[i]);

        if (rc != ERR_OK)
            return rc;
    }
    memcpy(path, tmp, n * sizeof(*path));
    *n_out = n;
    return ERR_OK;
}

/* Halves R towards the side that holds leaf AT; gives the other side. */
static struct range
descend(struct range *r, uint64_t at)
{
    uint64_t mid = split_of(*r);
    struct range other = {r->lo, mid};

    if (at < mid) {
        other = (struct range){mid, r->hi};
        r->hi = mid;
    } else {
        r->lo = mid;
    }
    return other;
}

enum err
merkle_inclusion(merkle_read_fn *read, void *arg, uint64_t index, uint64_t size,
                 struct hash path[MERKLE_PATH_MAX], size_t *n)
{
    struct range r = {0, size};
    struct range siblings[MERKLE_PATH_MAX];
    size_t count = 0;

    if (index >= size || size > MERKLE_SIZE_MAX)
        return ERR_STATE;
    while (r.hi - r.lo > 1)
        siblings[count++] = descend(&r, index);
    return read_path(read, arg, siblings, count, path, n);
}

enum err
merkle_consistency(merkle_read_fn *read, void *arg, uint64_t old, uint64_t size,
                   struct hash path[MERKLE_PATH_MAX], size_t *n)
{
    struct range r = {0, size};
    struct range parts[MERKLE_PATH_MAX];
    size_t count = 0;

    if (old > size || size > MERKLE_SIZE_MAX)
        return ERR_STATE;
    if (old == 0) {
        *n = 0;
        return ERR_OK;
    }
    /* SUBPROOF of RFC 6962 2.1.2: down to the subtree that ends with OLD. */
    while (r.hi != old)
        parts[count++] = descend(&r, old - 1);
    if (r.lo != 0)
        parts[count++] = r;
    return read_path(read, arg, parts, count, path, n);
}

enum err
merkle_verify_inclusion(const struct hash *leaf, uint64_t index, uint64_t size,
                        const struct hash *path, size_t n,
                        const struct hash *root)
{
    struct hash r = *leaf;
    uint64_t fn = index, sn = size - 1;

    if (index >= size)
        return ERR_VERIFY;
    for (size_t i = 0; i < n; i++) {
        if (sn == 0)
            return ERR_VERIFY;
        if ((fn & 1) != 0 || fn == sn) {
            merkle_node(&path[i], &r, &r);
            while ((fn & 1) == 0 && fn != 0) {
                fn >>= 1;
                sn >>= 1;
            }
        } else {
            merkle_node(&r, &path[i], &r);
        }
        fn >>= 1;
        sn >>= 1;
    }
    return sn == 0 && id_eq(&r, root) ? ERR_OK : ERR_VERIFY;
}

/* RFC 9162 2.1.4.2 steps 3 to 7, for 0 < old < size.  FIRST is the hash both
 * trees start from. */
static enum err
verify_growth_from(const struct hash *first, uint64_t old, uint64_t size,
                   const struct hash *old_root, const struct hash *root,
                   const struct hash *path, size_t n)
{
    struct hash fr = *first, sr = *first;
    uint64_t fn = old - 1, sn = size - 1;

    while ((fn & 1) != 0) {
        fn >>= 1;
        sn >>= 1;
    }
    for (size_t i = 0; i < n; i++) {
        if (sn == 0)
            return ERR_VERIFY;
        if ((fn & 1) != 0 || fn == sn) {
            merkle_node(&path[i], &fr, &fr);
            merkle_node(&path[i], &sr, &sr);
            while ((fn & 1) == 0 && fn != 0) {
                fn >>= 1;
                sn >>= 1;
            }
        } else {
            merkle_node(&sr, &path[i], &sr);
        }
        fn >>= 1;
        sn >>= 1;
    }
    if (sn != 0 || !id_eq(&fr, old_root) || !id_eq(&sr, root))
        return ERR_VERIFY;
    return ERR_OK;
}

enum err
merkle_verify_consistency(uint64_t old, uint64_t size,
                          const struct hash *old_root, const struct hash *root,
                          const struct hash *path, size_t n)
{
    if (old == 0 || old > size)
        return ERR_VERIFY;
    if (old == size)
        return n == 0 && id_eq(old_root, root) ? ERR_OK : ERR_VERIFY;
    if (n == 0)
        return ERR_VERIFY;
    /* A complete old tree is itself the first node: the path leaves it out. */
    if ((old & (old - 1)) == 0)
        return verify_growth_from(old_root, old, size, old_root, root, path, n);
    return verify_growth_from(path, old, size, old_root, root, path + 1, n - 1);
}

enum err
merkle_verify_growth(uint64_t old, uint64_t size, const struct hash *old_root,
                     const struct hash *root, const struct hash *path, size_t n)
{
    static const struct merkle_peaks none;
    struct hash empty;

    if (old != 0)
        return merkle_verify_consistency(old, size, old_root, root, path, n);
    merkle_root(&none, &empty);
    if (n != 0 || !id_eq(old_root, &empty))
        return ERR_VERIFY;
    if (size == 0 && !id_eq(root, &empty))
        return ERR_VERIFY;
    return ERR_OK;
}
