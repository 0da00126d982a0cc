#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/bytes.h"
#include "common/os.h"
#include "proto/crypto.h"
#include "proto/tile.h"
#include "server/guard.h"
#include "server/ledger.h"
#include "tests/lib/scratch.h"

/* Tiles in memory, as a database would keep them. */
struct shelf {
    struct {
        unsigned log, level;
        uint64_t n;
        struct buf bytes;
    } tile[64];
    size_t count;
    unsigned saves;
    bool is_full;
};

static struct buf *
on_shelf(struct shelf *s, unsigned log, unsigned level, uint64_t n)
{
    size_t i;

    for (i = 0; i < s->count; i++)
        if (s->tile[i].log == log && s->tile[i].level == level &&
            s->tile[i].n == n)
            return &s->tile[i].bytes;
    return NULL;
}

static enum err
load(void *arg, unsigned log, unsigned level, uint64_t n, struct buf *out)
{
    struct buf *b = on_shelf(arg, log, level, n);

    if (b == NULL)
        return ERR_NOTFOUND;
    buf_put(out, b->data, b->len);
    return buf_status(out);
}

static enum err
save(void *arg, unsigned log, unsigned level, uint64_t n, const uint8_t *bytes,
     size_t len)
{
    struct shelf *s = arg;
    struct buf *b = on_shelf(s, log, level, n);

    if (s->is_full)
        return ERR_FULL;
    if (b == NULL) {
        assert_true(s->count < 64);
        s->tile[s->count].log = log;
        s->tile[s->count].level = level;
        s->tile[s->count].n = n;
        b = &s->tile[s->count++].bytes;
    }
    s->saves++;
    buf_reset(b);
    buf_put(b, bytes, len);
    return buf_status(b);
}

static void
shelf_clear(struct shelf *s)
{
    while (s->count > 0)
        buf_clear(&s->tile[--s->count].bytes);
}

struct at {
    struct ledger_cache *cache;
    unsigned log;
};

static enum err
node(void *arg, unsigned level, uint64_t index, struct hash *out)
{
    struct at *at = arg;

    return ledger_node(at->cache, at->log, level, index, out);
}

static void
leaf_of(uint64_t n, struct hash *leaf)
{
    uint8_t bytes[8];

    put_u64(bytes, n);
    merkle_leaf(bytes, sizeof(bytes), leaf);
}

/* Appends until SIZE in batches of STEP; the row is passed on like a row. */
static void
grow(struct ledger *l, struct merkle_peaks peaks[LEDGER_LOGS], uint64_t size,
     uint64_t step)
{
    while (peaks[1].size < size) {
        uint64_t i, index;

        ledger_begin(l, peaks);
        for (i = 0; i < step && l->peaks[1].size < size; i++) {
            struct hash leaf;

            leaf_of(l->peaks[1].size, &leaf);
            assert_int_equal(ledger_append(l, 1, &leaf, &index), ERR_OK);
            assert_int_equal(index + 1, l->peaks[1].size);
        }
        assert_int_equal(ledger_flush(l), ERR_OK);
        memcpy(peaks, l->peaks, sizeof(l->peaks));
    }
}

static void
proofs_hold(struct ledger_cache *cache, const struct merkle_peaks *peaks)
{
    struct at at = {cache, 1};
    struct hash path[MERKLE_PATH_MAX];
    struct hash root, old_root, leaf;
    uint64_t i;
    size_t n;

    merkle_root(peaks, &root);
    for (i = 0; i < peaks->size; i += 1 + i / 7) {
        leaf_of(i, &leaf);
        assert_int_equal(merkle_inclusion(node, &at, i, peaks->size, path, &n),
                         ERR_OK);
        assert_int_equal(
            merkle_verify_inclusion(&leaf, i, peaks->size, path, n, &root),
            ERR_OK);
        assert_int_equal(merkle_root_at(node, &at, i, &old_root), ERR_OK);
        assert_int_equal(
            merkle_consistency(node, &at, i, peaks->size, path, &n), ERR_OK);
        assert_int_equal(
            merkle_verify_growth(i, peaks->size, &old_root, &root, path, n),
            ERR_OK);
    }
}

static void
proofs_hold_at_the_edges_of_tiles(void **state)
{
    static const uint64_t sizes[] = {1, 2, 255, 256, 257, 511, 513, 1300};
    struct shelf s = {0};
    struct ledger_io io = {&s, load, save};
    struct ledger l = {.cache = ledger_cache_new(&io, 8)};
    struct ledger_cache *reader = ledger_cache_new(&io, 2);
    struct merkle_peaks peaks[LEDGER_LOGS] = {0};
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        grow(&l, peaks, sizes[i], 37);
        proofs_hold(l.cache, &peaks[1]);
        proofs_hold(reader, &peaks[1]); /* has old partial tiles */
    }
    ledger_cache_free(l.cache);
    ledger_cache_free(reader);
    ledger_clear(&l);
    shelf_clear(&s);
}

static void
many_batches_and_one_give_the_same_tiles(void **state)
{
    struct shelf a = {0}, b = {0};
    struct ledger_io io_a = {&a, load, save}, io_b = {&b, load, save};
    struct ledger la = {.cache = ledger_cache_new(&io_a, 2)};
    struct ledger lb = {.cache = ledger_cache_new(&io_b, 64)};
    struct merkle_peaks pa[LEDGER_LOGS] = {0}, pb[LEDGER_LOGS] = {0};
    size_t i;

    (void)state;
    grow(&la, pa, 1000, 3);
    grow(&lb, pb, 1000, 1000);
    assert_int_equal(a.count, b.count);
    assert_int_equal(b.saves, b.count);
    for (i = 0; i < a.count; i++) {
        struct buf *x = &a.tile[i].bytes;
        struct buf *y =
            on_shelf(&b, a.tile[i].log, a.tile[i].level, a.tile[i].n);

        assert_non_null(y);
        assert_int_equal(x->len, y->len);
        assert_memory_equal(x->data, y->data, x->len);
    }
    ledger_cache_free(la.cache);
    ledger_cache_free(lb.cache);
    ledger_clear(&la);
    ledger_clear(&lb);
    shelf_clear(&a);
    shelf_clear(&b);
}

static void
a_failed_flush_leaves_nothing_behind(void **state)
{
    struct shelf s = {0};
    struct ledger_io io = {&s, load, save};
    struct ledger l = {.cache = ledger_cache_new(&io, 8)};
    struct merkle_peaks peaks[LEDGER_LOGS] = {0};
    struct hash leaf;
    uint64_t index;

    (void)state;
    grow(&l, peaks, 300, 300);
    s.is_full = true;
    ledger_begin(&l, peaks);
    leaf_of(999, &leaf); /* another leaf than the one that will count */
    assert_int_equal(ledger_append(&l, 1, &leaf, &index), ERR_OK);
    assert_int_equal(ledger_flush(&l), ERR_FULL);
    ledger_cache_drop(l.cache);
    s.is_full = false;
    grow(&l, peaks, 400, 10);
    proofs_hold(l.cache, &peaks[1]);
    ledger_cache_free(l.cache);
    ledger_clear(&l);
    shelf_clear(&s);
}

static void
peaks_come_back_from_their_bytes(void **state)
{
    struct merkle_peaks peaks = {0}, again;
    uint8_t bytes[LEDGER_PEAKS_MAX];
    struct hash leaf, a, b;
    uint64_t i;
    size_t len;

    (void)state;
    for (i = 0; i < 70; i++) {
        len = ledger_peaks_encode(&peaks, bytes);
        assert_int_equal(ledger_peaks_decode(&again, i, bytes, len), ERR_OK);
        merkle_root(&peaks, &a);
        merkle_root(&again, &b);
        assert_memory_equal(a.b, b.b, 32);
        assert_int_equal(ledger_peaks_decode(&again, i, bytes, len + 32),
                         ERR_MALFORMED);
        leaf_of(i, &leaf);
        assert_int_equal(merkle_append(&peaks, &leaf, NULL, NULL), ERR_OK);
    }
}

/* ---- the guard file ---- */

static void
the_guard_remembers_the_newest_whole_slot(void **state)
{
    struct guard_head head[GUARD_LOGS] = {{.size = 5}, {.size = 9}};
    struct guard g = {.fd = -1};
    char *dir = scratch_new();
    char path[OS_PATH_MAX];
    bool fresh;
    uint8_t junk[4] = "junk";

    (void)state;
    assert_int_equal(os_path_join(path, sizeof(path), dir, "guard"), ERR_OK);
    assert_int_equal(guard_open(&g, path, &fresh), ERR_OK);
    assert_true(fresh);
    assert_int_equal(guard_write(&g, head), ERR_OK);
    head[1].size = 10;
    assert_int_equal(guard_write(&g, head), ERR_OK);
    guard_close(&g);
    assert_int_equal(guard_open(&g, path, &fresh), ERR_OK);
    assert_false(fresh);
    assert_int_equal(g.head[1].size, 10);
    /* A torn write of the newest slot: the one before counts. */
    assert_int_equal(os_pwrite(g.fd, junk, 4, (g.turn & 1) * 4096 + 40),
                     ERR_OK);
    guard_close(&g);
    assert_int_equal(guard_open(&g, path, &fresh), ERR_OK);
    assert_int_equal(g.head[1].size, 9);
    assert_int_equal(g.head[0].size, 5);
    assert_int_equal(os_pwrite(g.fd, junk, 4, 0), ERR_OK);
    assert_int_equal(os_pwrite(g.fd, junk, 4, 4096), ERR_OK);
    guard_close(&g);
    assert_int_equal(guard_open(&g, path, &fresh), ERR_MALFORMED);
    scratch_free(dir);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(proofs_hold_at_the_edges_of_tiles),
        cmocka_unit_test(many_batches_and_one_give_the_same_tiles),
        cmocka_unit_test(a_failed_flush_leaves_nothing_behind),
        cmocka_unit_test(peaks_come_back_from_their_bytes),
        cmocka_unit_test(the_guard_remembers_the_newest_whole_slot),
    };

    if (crypto_init() != ERR_OK)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
