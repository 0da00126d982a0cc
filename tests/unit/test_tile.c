#include "proto/tile.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "proto/crypto.h"
#include "tests/lib/memtree.h"
#include "tests/lib/vectors.h"

static void
paths_are_those_of_another_implementation(void **state)
{
    json_t *doc = vectors_load("tlog/xmod.json"), *v;
    size_t i;

    (void)state;
    json_array_foreach(vectors_list(doc, "tile_paths"), i, v)
    {
        struct tile want = {.level = (int)vectors_int(v, "level"),
                            .index = (uint64_t)vectors_int(v, "index"),
                            .width = (unsigned)vectors_int(v, "width")};
        struct tile got;
        char path[TILE_PATH_MAX];

        tile_path(&want, path);
        assert_string_equal(path, vectors_text(v, "path"));
        assert_int_equal(tile_parse(path, &got), ERR_OK);
        assert_int_equal(got.level, want.level);
        assert_int_equal(got.index, want.index);
        assert_int_equal(got.width, want.width);
    }
    json_decref(doc);
}

static void
the_largest_tile_has_a_path(void **state)
{
    struct tile tile = {TILE_ENTRIES, UINT64_MAX, 255}, got;
    char path[TILE_PATH_MAX];

    (void)state;
    tile_path(&tile, path);
    assert_string_equal(path,
                        "tile/entries/x018/x446/x744/x073/x709/x551/615.p/255");
    assert_int_equal(tile_parse(path, &got), ERR_OK);
    assert_true(got.index == UINT64_MAX);
    assert_int_equal(tile_parse("tile/63/000", &got), ERR_OK);
}

static void
other_ways_to_write_a_path_are_refused(void **state)
{
    static const char *const bad[] = {
        "",
        "tile",
        "tile/",
        "tile/0",
        "tile/0/",
        "/tile/0/000",
        "tile/00/000",
        "tile/64/000",
        "tile/-1/000",
        "tile/entry/000",
        "tile/0/0",
        "tile/0/0000",
        "tile/0/x000",
        "tile/0/x000/001",
        "tile/0/001/002",
        "tile/0/x001/002/",
        "tile/0/x001/x002",
        "tile/0/000.p",
        "tile/0/000.p/",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/0/000.p/01",
        "tile/0/000.p/1/",
        "tile/0/000.q/1",
        "tile/0/00a",
        "tile/0/../../etc/passwd",
        "tile/entries/x018/x446/x744/x073/x709/x551/616",
        "tile/entries/x001/x018/x446/x744/x073/x709/x551/615",
        "tile/entries/x001/x018/x446/x744/x073/x709/x551/x551/x551/615",
    };
    struct tile tile;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(tile_parse(bad[i], &tile), ERR_MALFORMED);
}

static void
widths_follow_the_size_of_the_tree(void **state)
{
    static const struct {
        int level;
        uint64_t index, size;
        unsigned width;
    } rows[] = {
        {0, 0, 0, 0},
        {0, 0, 1, 1},
        {0, 0, 255, 255},
        {0, 0, 256, 256},
        {0, 1, 256, 0},
        {0, 1, 257, 1},
        {0, 2, 257, 0},
        {1, 0, 255, 0},
        {1, 0, 256, 1},
        {1, 0, 65535, 255},
        {1, 0, 65536, 256},
        {2, 0, 65536, 1},
        {3, 0, 65536, 0},
        {TILE_ENTRIES, 0, 3, 3},
        {TILE_ENTRIES, 0, 300, 256},
        {TILE_ENTRIES, 1, 300, 44},
        {8, 0, UINT64_MAX, 0},
        {63, 0, UINT64_MAX, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_int_equal(tile_width(rows[i].level, rows[i].index, rows[i].size),
                         rows[i].width);
}

static size_t
read_file(const char *before, unsigned name, void *out, size_t cap)
{
    char path[128];
    size_t len;
    FILE *f;

    snprintf(path, sizeof(path), "tests/vectors/tlog/tessera-log/%s%u", before,
             name);
    f = fopen(path, "rb");
    if (f == NULL)
        fail_msg("cannot open %s", path);
    len = fread(out, 1, cap, f);
    fclose(f);
    return len;
}

/* The tree of the longest bundle's entries; the bundle is written back too. */
static void
load_tessera(struct memtree *t, struct buf *bundle)
{
    uint8_t bytes[1024];
    size_t len = read_file("tile/entries/000.p/", 15, bytes, sizeof(bytes));
    struct rd r = rd_from(bytes, len);
    const uint8_t *entry;
    size_t entry_len;

    while (bundle_next(&r, &entry, &entry_len) == ERR_OK) {
        memtree_append(t, entry, entry_len);
        assert_int_equal(bundle_put(bundle, entry, entry_len), ERR_OK);
    }
    assert_int_equal(r.left, 0);
    assert_int_equal(bundle->len, len);
    assert_memory_equal(bundle->data, bytes, len);
}

static void
tiles_and_bundles_are_those_of_tessera(void **state)
{
    struct memtree t = {0};
    struct buf bundle = {0}, out = {0};
    uint8_t bytes[1024];

    (void)state;
    load_tessera(&t, &bundle);
    assert_int_equal(t.peaks.size, 15);
    for (unsigned width = 1; width <= 15; width++) {
        struct tile tile = {0, 0, width};
        size_t len = read_file("tile/0/000.p/", width, bytes, sizeof(bytes));

        buf_reset(&out);
        assert_int_equal(tile_build(&tile, memtree_read, &t, &out), ERR_OK);
        assert_int_equal(out.len, len);
        assert_memory_equal(out.data, bytes, len);
        len = read_file("tile/entries/000.p/", width, bytes, sizeof(bytes));
        assert_memory_equal(bundle.data, bytes, len);
    }
    buf_clear(&bundle);
    buf_clear(&out);
    memtree_clear(&t);
}

static void
the_roots_over_tessera_entries_are_in_its_checkpoints(void **state)
{
    struct memtree t = {0};
    struct buf bundle = {0};
    struct hash root;
    char text[512], b64[B64_LEN(32) + 1];

    (void)state;
    load_tessera(&t, &bundle);
    for (unsigned size = 0; size <= 15; size++) {
        size_t len = read_file("checkpoint.", size, text, sizeof(text) - 1);

        text[len] = '\0';
        assert_int_equal(merkle_root_at(memtree_read, &t, size, &root), ERR_OK);
        b64_encode(b64, root.b, 32);
        assert_non_null(strstr(text, b64));
    }
    buf_clear(&bundle);
    memtree_clear(&t);
}

struct seen {
    unsigned count;
    unsigned bundles;
    char last[TILE_PATH_MAX];
    enum err answer;
};

static enum err
note_tile(void *arg, const struct tile *tile)
{
    struct seen *s = arg;

    s->count++;
    s->bundles += tile->level == TILE_ENTRIES;
    tile_path(tile, s->last);
    return s->answer;
}

static void
only_new_tiles_are_told(void **state)
{
    static const struct {
        uint64_t old, size;
        unsigned count, bundles;
        const char *last;
    } rows[] = {
        {0, 0, 0, 0, ""},
        {5, 5, 0, 0, ""},
        {0, 1, 2, 1, "tile/0/000.p/1"},
        {1, 255, 2, 1, "tile/0/000.p/255"},
        {255, 256, 3, 1, "tile/1/000.p/1"},
        {256, 257, 2, 1, "tile/0/001.p/1"},
        {0, 600, 7, 3, "tile/1/000.p/2"},
        {65535, 65537, 6, 2, "tile/2/000.p/1"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct seen s = {0};

        assert_int_equal(
            tile_each_new(rows[i].old, rows[i].size, note_tile, &s), ERR_OK);
        assert_int_equal(s.count, rows[i].count);
        assert_int_equal(s.bundles, rows[i].bundles);
        assert_string_equal(s.last, rows[i].last);
    }
    assert_int_equal(
        tile_each_new(0, 600, note_tile, &(struct seen){.answer = ERR_IO}),
        ERR_IO);
}

/* A reader over published tiles, as an auditor has it. */
static enum err
read_from_tiles(void *arg, unsigned level, uint64_t index, struct hash *out)
{
    struct memtree *t = arg;
    struct buf bytes = {0};
    unsigned sub_level, sub_index;
    struct tile tile;
    enum err rc;

    tile_of_node(level, index, &tile, &sub_level, &sub_index);
    tile.width = tile_width(tile.level, tile.index, t->peaks.size);
    rc = tile_build(&tile, memtree_read, t, &bytes);
    if (rc == ERR_OK)
        rc = tile_node(bytes.data, bytes.len, sub_level, sub_index, out);
    buf_clear(&bytes);
    return rc;
}

static void
every_node_is_found_in_its_tile(void **state)
{
    struct memtree t = {0};
    struct hash h;

    (void)state;
    memtree_grow(&t, 700);
    for (unsigned level = 0; level < 10; level++)
        for (uint64_t i = 0; i < t.count[level]; i++) {
            assert_int_equal(read_from_tiles(&t, level, i, &h), ERR_OK);
            assert_memory_equal(h.b, t.nodes[level][i].b, 32);
        }
    memtree_clear(&t);
}

static void
proofs_made_from_tiles_are_the_same(void **state)
{
    struct hash a[MERKLE_PATH_MAX], b[MERKLE_PATH_MAX];
    struct memtree t = {0};
    size_t n, m;

    (void)state;
    memtree_grow(&t, 1000);
    for (uint64_t i = 1; i < 1000; i += 37) {
        merkle_inclusion(memtree_read, &t, i, 1000, a, &n);
        assert_int_equal(merkle_inclusion(read_from_tiles, &t, i, 1000, b, &m),
                         ERR_OK);
        assert_int_equal(n, m);
        assert_memory_equal(a, b, n * 32);
    }
    memtree_clear(&t);
}

static void
what_a_tile_does_not_hold_is_not_found(void **state)
{
    uint8_t bytes[3 * 32] = {0};
    struct memtree t = {0};
    struct buf out = {0};
    struct hash h;

    (void)state;
    assert_int_equal(tile_node(bytes, sizeof(bytes), 0, 3, &h), ERR_NOTFOUND);
    assert_int_equal(tile_node(bytes, sizeof(bytes) - 1, 0, 2, &h),
                     ERR_NOTFOUND);
    assert_int_equal(tile_node(bytes, sizeof(bytes), 1, 1, &h), ERR_NOTFOUND);
    assert_int_equal(tile_node(bytes, sizeof(bytes), 0, 256, &h), ERR_NOTFOUND);
    assert_int_equal(tile_node(bytes, sizeof(bytes), 9, 0, &h), ERR_NOTFOUND);
    assert_int_equal(
        tile_build(&(struct tile){TILE_ENTRIES, 0, 1}, memtree_read, &t, &out),
        ERR_STATE);
    assert_int_equal(
        tile_build(&(struct tile){0, 0, 1}, memtree_read, &t, &out),
        ERR_NOTFOUND);
    assert_int_equal(out.len, 0);
}

static void
cut_bundles_are_malformed_at_every_offset(void **state)
{
    static const uint8_t bytes[] = {0, 3, 'o', 'n', 'e', 0, 0, 0, 1, 'x'};
    const uint8_t *entry;
    size_t len;

    (void)state;
    for (size_t cut = 0; cut <= sizeof(bytes); cut++) {
        bool whole = cut == 0 || cut == 5 || cut == 7 || cut == sizeof(bytes);
        struct rd r = rd_from(bytes, cut);
        enum err rc;

        do
            rc = bundle_next(&r, &entry, &len);
        while (rc == ERR_OK);
        assert_int_equal(rc, whole ? ERR_NOTFOUND : ERR_MALFORMED);
        assert_int_equal(bundle_next(&r, &entry, &len), rc);
    }
}

static void
entries_have_a_limit(void **state)
{
    static const uint8_t entry[65536];
    struct buf out = {0};

    (void)state;
    assert_int_equal(bundle_put(&out, entry, 65536), ERR_TOOBIG);
    assert_int_equal(out.len, 0);
    assert_int_equal(bundle_put(&out, entry, 65535), ERR_OK);
    assert_int_equal(out.len, 2 + 65535);
    buf_clear(&out);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths_are_those_of_another_implementation),
        cmocka_unit_test(the_largest_tile_has_a_path),
        cmocka_unit_test(other_ways_to_write_a_path_are_refused),
        cmocka_unit_test(widths_follow_the_size_of_the_tree),
        cmocka_unit_test(tiles_and_bundles_are_those_of_tessera),
        cmocka_unit_test(the_roots_over_tessera_entries_are_in_its_checkpoints),
        cmocka_unit_test(only_new_tiles_are_told),
        cmocka_unit_test(every_node_is_found_in_its_tile),
        cmocka_unit_test(proofs_made_from_tiles_are_the_same),
        cmocka_unit_test(what_a_tile_does_not_hold_is_not_found),
        cmocka_unit_test(cut_bundles_are_malformed_at_every_offset),
        cmocka_unit_test(entries_have_a_limit),
    };

    return crypto_init() != ERR_OK || cmocka_run_group_tests(tests, NULL, NULL);
}
