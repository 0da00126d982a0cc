#include "proto/merkle.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "common/bytes.h"
#include "proto/crypto.h"
#include "tests/lib/memtree.h"
#include "tests/lib/vectors.h"

/* Some vectors hold 2^64 - 1, which jansson reads as a number with a point
 * only.  All others are small and exact. */
static json_t *
load(const char *path)
{
    json_error_t error;
    json_t *root = json_load_file(path, JSON_DECODE_INT_AS_REAL, &error);

    if (root == NULL)
        fail_msg("%s:%d: %s", path, error.line, error.text);
    return root;
}

static uint64_t
number(const json_t *object, const char *key)
{
    double v = json_real_value(json_object_get(object, key));

    return v >= 18446744073709551615.0 ? UINT64_MAX : (uint64_t)v;
}

/* Some vectors hold roots and hashes that are too short: zeros fill them up,
 * which keeps equal ones equal and wrong ones wrong.  False when there is
 * nothing to fill up, or too much. */
static bool
to_hash(const json_t *text, struct hash *out)
{
    const char *b64 = json_string_value(text);
    size_t len;

    *out = (struct hash){{0}};
    return b64_decode(out->b, 32, &len, b64, strlen(b64)) == ERR_OK && len > 0;
}

static bool
to_path(const json_t *list, struct hash *path, size_t *n)
{
    size_t i;
    json_t *text;

    *n = json_array_size(list);
    assert_true(*n <= MERKLE_PATH_MAX);
    json_array_foreach(list, i, text)
    {
        if (!to_hash(text, &path[i]))
            return false;
    }
    return true;
}

static void
public_inclusion_vectors_hold(void **state)
{
    json_t *root = load("tests/vectors/tlog/rfc6962-inclusion.json"), *v;
    size_t i, n, good = 0;

    (void)state;
    assert_int_equal(json_array_size(root), 98);
    json_array_foreach(root, i, v)
    {
        struct hash path[MERKLE_PATH_MAX], leaf, tree;
        bool ok = to_hash(json_object_get(v, "leafHash"), &leaf) &&
                  to_hash(json_object_get(v, "root"), &tree) &&
                  to_path(json_object_get(v, "proof"), path, &n) &&
                  merkle_verify_inclusion(&leaf, number(v, "leafIdx"),
                                          number(v, "treeSize"), path, n,
                                          &tree) == ERR_OK;

        if (ok == json_is_true(json_object_get(v, "wantErr")))
            fail_msg("%s", vectors_text(v, "name"));
        good += ok;
    }
    assert_true(good > 3);
    json_decref(root);
}

static void
public_consistency_vectors_hold(void **state)
{
    json_t *root = load("tests/vectors/tlog/rfc6962-consistency.json"), *v;
    size_t i, n, good = 0;

    (void)state;
    assert_int_equal(json_array_size(root), 98);
    json_array_foreach(root, i, v)
    {
        struct hash path[MERKLE_PATH_MAX], old, tree;
        bool ok =
            to_hash(json_object_get(v, "root1"), &old) &&
            to_hash(json_object_get(v, "root2"), &tree) &&
            to_path(json_object_get(v, "proof"), path, &n) &&
            merkle_verify_consistency(number(v, "size1"), number(v, "size2"),
                                      &old, &tree, path, n) == ERR_OK;

        if (ok == json_is_true(json_object_get(v, "wantErr")))
            fail_msg("%s", vectors_text(v, "name"));
        good += ok;
    }
    assert_true(good > 3);
    json_decref(root);
}

static void
the_eight_leaves_of_rfc_6962_have_their_roots(void **state)
{
    static const struct {
        const char *entry, *root; /* hex; the root's first bytes */
    } rows[] = {
        {"", "6e340b9c"},
        {"00", "fac54203"},
        {"10", "aeb6bcfe"},
        {"2021", "d37ee418"},
        {"3031", "4e3bbb1f"},
        {"40414243", "76e67dad"},
        {"5051525354555657", "ddb89be4"},
        {"606162636465666768696a6b6c6d6e6f", "5dc9da79"},
    };
    struct merkle_peaks peaks = {0};
    struct hash leaf, root;
    char hex[65];

    (void)state;
    for (size_t i = 0; i < 8; i++) {
        uint8_t entry[16];
        size_t len = strlen(rows[i].entry) / 2;

        assert_int_equal(hex_decode(entry, len, rows[i].entry), ERR_OK);
        merkle_leaf(entry, len, &leaf);
        assert_int_equal(merkle_append(&peaks, &leaf, NULL, NULL), ERR_OK);
        merkle_root(&peaks, &root);
        hex_encode(hex, root.b, 32);
        assert_memory_equal(hex, rows[i].root, 8);
    }
    assert_string_equal(hex, "5dc9da79a70659a9ad559cb701ded9a2"
                             "ab9d823aad2f4960cfe370eff4604328");
}

static void
roots_are_those_of_another_implementation(void **state)
{
    json_t *doc = vectors_load("tlog/xmod.json"), *v;
    struct merkle_peaks loaded;
    struct memtree t = {0};
    struct hash want, root;
    size_t i;

    (void)state;
    json_array_foreach(vectors_list(doc, "roots"), i, v)
    {
        memtree_grow(&t, (uint64_t)vectors_int(v, "size"));
        assert_true(to_hash(json_object_get(v, "root"), &want));
        merkle_root(&t.peaks, &root);
        assert_memory_equal(root.b, want.b, 32);
    }
    json_array_foreach(vectors_list(doc, "roots"), i, v)
    {
        uint64_t size = (uint64_t)vectors_int(v, "size");

        assert_true(to_hash(json_object_get(v, "root"), &want));
        assert_int_equal(merkle_root_at(memtree_read, &t, size, &root), ERR_OK);
        assert_memory_equal(root.b, want.b, 32);
        assert_int_equal(merkle_load(memtree_read, &t, size, &loaded), ERR_OK);
        assert_int_equal(loaded.size, size);
    }
    memtree_clear(&t);
    json_decref(doc);
}

static void
inclusion_proofs_are_those_of_another_implementation(void **state)
{
    json_t *doc = vectors_load("tlog/xmod.json"), *v;
    struct hash want[MERKLE_PATH_MAX], path[MERKLE_PATH_MAX], leaf, root;
    struct memtree t = {0};
    size_t i, n, n_want;

    (void)state;
    memtree_grow(&t, 70000);
    json_array_foreach(vectors_list(doc, "inclusion"), i, v)
    {
        uint64_t index = (uint64_t)vectors_int(v, "index");
        uint64_t size = (uint64_t)vectors_int(v, "size");

        assert_true(to_path(json_object_get(v, "proof"), want, &n_want));
        assert_true(to_hash(json_object_get(v, "leaf_hash"), &leaf));
        assert_int_equal(
            merkle_inclusion(memtree_read, &t, index, size, path, &n), ERR_OK);
        assert_int_equal(n, n_want);
        assert_memory_equal(path, want, n * 32);
        assert_int_equal(merkle_root_at(memtree_read, &t, size, &root), ERR_OK);
        assert_int_equal(
            merkle_verify_inclusion(&leaf, index, size, path, n, &root),
            ERR_OK);
    }
    memtree_clear(&t);
    json_decref(doc);
}

static void
consistency_proofs_are_those_of_another_implementation(void **state)
{
    json_t *doc = vectors_load("tlog/xmod.json"), *v;
    struct hash want[MERKLE_PATH_MAX], path[MERKLE_PATH_MAX], old_root, root;
    struct memtree t = {0};
    size_t i, n, n_want;

    (void)state;
    memtree_grow(&t, 70000);
    json_array_foreach(vectors_list(doc, "consistency"), i, v)
    {
        uint64_t old = (uint64_t)vectors_int(v, "old");
        uint64_t size = (uint64_t)vectors_int(v, "size");

        assert_true(to_path(json_object_get(v, "proof"), want, &n_want));
        assert_int_equal(
            merkle_consistency(memtree_read, &t, old, size, path, &n), ERR_OK);
        assert_int_equal(n, n_want);
        assert_memory_equal(path, want, n * 32);
        merkle_root_at(memtree_read, &t, old, &old_root);
        merkle_root_at(memtree_read, &t, size, &root);
        assert_int_equal(
            merkle_verify_consistency(old, size, &old_root, &root, path, n),
            ERR_OK);
    }
    memtree_clear(&t);
    json_decref(doc);
}

/* Cut, lengthened, and with one bit changed anywhere. */
static void
every_small_inclusion_proof_verifies_and_nothing_like_it(void **state)
{
    struct hash path[MERKLE_PATH_MAX + 1], root;
    struct memtree t = {0};
    size_t n;

    (void)state;
    memtree_grow(&t, 35);
    for (uint64_t size = 1; size <= 35; size++) {
        merkle_root_at(memtree_read, &t, size, &root);
        for (uint64_t i = 0; i < size; i++) {
            const struct hash *leaf = &t.nodes[0][i];

            assert_int_equal(
                merkle_inclusion(memtree_read, &t, i, size, path, &n), ERR_OK);
            assert_int_equal(
                merkle_verify_inclusion(leaf, i, size, path, n, &root), ERR_OK);
            path[n] = root;
            assert_int_equal(
                merkle_verify_inclusion(leaf, i, size, path, n + 1, &root),
                ERR_VERIFY);
            for (size_t k = 0; k < n; k++) {
                assert_int_equal(
                    merkle_verify_inclusion(leaf, i, size, path, k, &root),
                    ERR_VERIFY);
                path[k].b[k % 32] ^= 1;
                assert_int_equal(
                    merkle_verify_inclusion(leaf, i, size, path, n, &root),
                    ERR_VERIFY);
                path[k].b[k % 32] ^= 1;
            }
        }
    }
    memtree_clear(&t);
}

static void
every_small_consistency_proof_verifies_and_nothing_like_it(void **state)
{
    struct hash path[MERKLE_PATH_MAX + 1], a, b;
    struct memtree t = {0};
    size_t n;

    (void)state;
    memtree_grow(&t, 35);
    for (uint64_t size = 1; size <= 35; size++) {
        merkle_root_at(memtree_read, &t, size, &b);
        for (uint64_t old = 1; old <= size; old++) {
            merkle_root_at(memtree_read, &t, old, &a);
            assert_int_equal(
                merkle_consistency(memtree_read, &t, old, size, path, &n),
                ERR_OK);
            assert_int_equal(
                merkle_verify_consistency(old, size, &a, &b, path, n), ERR_OK);
            path[n] = b;
            assert_int_equal(
                merkle_verify_consistency(old, size, &a, &b, path, n + 1),
                ERR_VERIFY);
            for (size_t k = 0; k < n; k++) {
                assert_int_equal(
                    merkle_verify_consistency(old, size, &a, &b, path, k),
                    ERR_VERIFY);
                path[k].b[k % 32] ^= 1;
                assert_int_equal(
                    merkle_verify_consistency(old, size, &a, &b, path, n),
                    ERR_VERIFY);
                path[k].b[k % 32] ^= 1;
            }
        }
    }
    memtree_clear(&t);
}

static void
growth_from_the_empty_tree_needs_its_root_and_no_path(void **state)
{
    struct hash path[MERKLE_PATH_MAX], empty, root;
    struct memtree t = {0};
    size_t n = 9;

    (void)state;
    memtree_grow(&t, 3);
    merkle_root_at(memtree_read, &t, 0, &empty);
    merkle_root(&t.peaks, &root);
    assert_int_equal(merkle_consistency(memtree_read, &t, 0, 3, path, &n),
                     ERR_OK);
    assert_int_equal(n, 0);
    assert_int_equal(merkle_verify_growth(0, 3, &empty, &root, path, 0),
                     ERR_OK);
    assert_int_equal(merkle_verify_growth(0, 0, &empty, &empty, path, 0),
                     ERR_OK);
    assert_int_equal(merkle_verify_growth(0, 0, &empty, &root, path, 0),
                     ERR_VERIFY);
    assert_int_equal(merkle_verify_growth(0, 3, &root, &root, path, 0),
                     ERR_VERIFY);
    assert_int_equal(merkle_verify_growth(0, 3, &empty, &root, path, 1),
                     ERR_VERIFY);
    assert_int_equal(merkle_verify_growth(3, 3, &root, &root, path, 0), ERR_OK);
    assert_int_equal(merkle_verify_consistency(0, 3, &empty, &root, path, 0),
                     ERR_VERIFY);
    memtree_clear(&t);
}

static void
loaded_peaks_go_on_like_the_tree_itself(void **state)
{
    struct merkle_peaks loaded;
    struct memtree t = {0};
    struct hash a, b;

    (void)state;
    memtree_grow(&t, 300);
    for (uint64_t size = 0; size < 300; size++) {
        assert_int_equal(merkle_load(memtree_read, &t, size, &loaded), ERR_OK);
        assert_int_equal(merkle_append(&loaded, &t.nodes[0][size], NULL, NULL),
                         ERR_OK);
        merkle_root(&loaded, &a);
        merkle_root_at(memtree_read, &t, size + 1, &b);
        assert_memory_equal(a.b, b.b, 32);
    }
    memtree_clear(&t);
}

struct failing {
    unsigned calls_left;
};

static enum err
fail_emit(void *arg, unsigned level, uint64_t index, const struct hash *h)
{
    struct failing *f = arg;

    (void)level;
    (void)index;
    (void)h;
    return f->calls_left-- == 0 ? ERR_FULL : ERR_OK;
}

static void
a_failed_append_leaves_the_peaks_as_they_were(void **state)
{
    struct memtree t = {0};
    struct merkle_peaks before;
    struct hash leaf = {{7}};

    (void)state;
    memtree_grow(&t, 7);
    before = t.peaks;
    for (unsigned n = 0; n < 4; n++) {
        struct failing f = {n};

        assert_int_equal(merkle_append(&t.peaks, &leaf, fail_emit, &f),
                         ERR_FULL);
        assert_memory_equal(&t.peaks, &before, sizeof(before));
    }
    t.peaks.size = MERKLE_SIZE_MAX;
    assert_int_equal(merkle_append(&t.peaks, &leaf, NULL, NULL), ERR_FULL);
    memtree_clear(&t);
}

static void
numbers_that_do_not_fit_and_missing_nodes_are_refused(void **state)
{
    struct hash path[MERKLE_PATH_MAX], root;
    struct merkle_peaks peaks;
    struct memtree t = {0};
    size_t n;

    (void)state;
    memtree_grow(&t, 5);
    assert_int_equal(merkle_inclusion(memtree_read, &t, 5, 5, path, &n),
                     ERR_STATE);
    assert_int_equal(merkle_inclusion(memtree_read, &t, 0, 0, path, &n),
                     ERR_STATE);
    assert_int_equal(merkle_consistency(memtree_read, &t, 6, 5, path, &n),
                     ERR_STATE);
    assert_int_equal(
        merkle_inclusion(memtree_read, &t, 0, MERKLE_SIZE_MAX + 1, path, &n),
        ERR_STATE);
    assert_int_equal(
        merkle_consistency(memtree_read, &t, 1, MERKLE_SIZE_MAX + 1, path, &n),
        ERR_STATE);
    assert_int_equal(merkle_load(memtree_read, &t, MERKLE_SIZE_MAX + 1, &peaks),
                     ERR_TOOBIG);
    assert_int_equal(merkle_inclusion(memtree_read, &t, 0, 6, path, &n),
                     ERR_NOTFOUND);
    assert_int_equal(merkle_consistency(memtree_read, &t, 3, 6, path, &n),
                     ERR_NOTFOUND);
    assert_int_equal(merkle_root_at(memtree_read, &t, 6, &root), ERR_NOTFOUND);
    memtree_clear(&t);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(public_inclusion_vectors_hold),
        cmocka_unit_test(public_consistency_vectors_hold),
        cmocka_unit_test(the_eight_leaves_of_rfc_6962_have_their_roots),
        cmocka_unit_test(roots_are_those_of_another_implementation),
        cmocka_unit_test(inclusion_proofs_are_those_of_another_implementation),
        cmocka_unit_test(
            consistency_proofs_are_those_of_another_implementation),
        cmocka_unit_test(
            every_small_inclusion_proof_verifies_and_nothing_like_it),
        cmocka_unit_test(
            every_small_consistency_proof_verifies_and_nothing_like_it),
        cmocka_unit_test(growth_from_the_empty_tree_needs_its_root_and_no_path),
        cmocka_unit_test(loaded_peaks_go_on_like_the_tree_itself),
        cmocka_unit_test(a_failed_append_leaves_the_peaks_as_they_were),
        cmocka_unit_test(numbers_that_do_not_fit_and_missing_nodes_are_refused),
    };

    return crypto_init() != ERR_OK || cmocka_run_group_tests(tests, NULL, NULL);
}
