#include "proto/proof.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "tests/lib/memtree.h"
#include "tests/lib/vectors.h"

/* A log of five events with the receipt of one of them. */
struct world {
    struct memtree tree;
    struct sign_secret secret;
    struct vkey log;
    struct head head;
    uint8_t opening[5][OPENING_LEN];
};

static void
world_init(struct world *w)
{
    uint8_t seed[32] = {9}, salt[32], entry[SEALED_ENTRY_LEN];

    memset(w, 0, sizeof(*w));
    sign_keypair_from_seed(&w->secret, seed);
    assert_int_equal(vkey_make(&w->log, "relay.example/delivery", NOTE_ED25519,
                               &w->secret.pub),
                     ERR_OK);
    for (uint8_t i = 0; i < 5; i++) {
        struct event ev = {.type = EVENT_STORED, .time_ms = 1000u + i};

        memset(salt, i, sizeof(salt));
        opening_make(salt, &ev, w->opening[i]);
        sealed_entry(w->opening[i], entry);
        memtree_append(&w->tree, entry, sizeof(entry));
    }
    w->head.size = 5;
    merkle_root(&w->tree.peaks, &w->head.root);
    assert_int_equal(head_sign(&w->head, w->log.name, &w->secret), ERR_OK);
}

static void
world_clear(struct world *w)
{
    memtree_clear(&w->tree);
}

static void
make_receipt(struct world *w, uint64_t index, struct buf *out)
{
    struct hash path[MERKLE_PATH_MAX];
    size_t n;

    assert_int_equal(
        merkle_inclusion(memtree_read, &w->tree, index, 5, path, &n), ERR_OK);
    assert_int_equal(receipt_format(w->opening[index], index, path, n, &w->head,
                                    &w->log, out),
                     ERR_OK);
}

static void
a_proof_by_another_implementation_verifies(void **state)
{
    json_t *doc = vectors_load("tlog/xmod.json");
    const char *text = vectors_text(doc, "tlog_proof_256_in_257");
    const char *log_text = vectors_text(json_object_get(doc, "log"), "vkey");
    const char *witness_text =
        vectors_text(json_object_get(doc, "witness"), "vkey");
    struct vkey log, witness;
    struct proof proof;
    struct hash leaf;
    struct head head;
    struct note note;
    struct buf again = {0};

    (void)state;
    assert_int_equal(vkey_parse(&log, log_text, strlen(log_text)), ERR_OK);
    assert_int_equal(vkey_parse(&witness, witness_text, strlen(witness_text)),
                     ERR_OK);
    assert_int_equal(proof_parse(text, strlen(text), &proof), ERR_OK);
    assert_false(proof.has_extra);
    assert_int_equal(proof.index, 256);
    assert_int_equal(proof.n, 1);
    merkle_leaf("entry 256", 9, &leaf);
    assert_int_equal(
        proof_verify(&proof, &leaf, &log, &witness, 1, &head, &note), ERR_OK);
    assert_int_equal(head.size, 257);
    assert_int_equal(note.verified, 1);
    assert_int_equal(note.time_s[0], 1750000000);
    assert_int_equal(proof_format(&proof, &again), ERR_OK);
    assert_int_equal(again.len, strlen(text));
    assert_memory_equal(again.data, text, again.len);
    merkle_leaf("entry 255", 9, &leaf);
    assert_int_equal(proof_verify(&proof, &leaf, &log, NULL, 0, NULL, NULL),
                     ERR_VERIFY);
    buf_clear(&again);
    json_decref(doc);
}

static void
a_receipt_shows_its_event_offline(void **state)
{
    struct receipt receipt;
    struct world w;

    (void)state;
    world_init(&w);
    for (uint64_t i = 0; i < 5; i++) {
        struct buf file = {0}, again = {0};

        make_receipt(&w, i, &file);
        make_receipt(&w, i, &again);
        assert_int_equal(file.len, again.len);
        assert_memory_equal(file.data, again.data, file.len);
        assert_true(file.len < RECEIPT_LEN_MAX);
        assert_int_equal(receipt_verify(file.data, file.len, &w.log, &receipt),
                         ERR_OK);
        assert_int_equal(receipt.index, i);
        assert_int_equal(receipt.event.time_ms, 1000 + i);
        assert_int_equal(receipt.head.size, 5);
        assert_memory_equal(receipt.opening, w.opening[i], OPENING_LEN);
        buf_clear(&file);
        buf_clear(&again);
    }
    world_clear(&w);
}

static void
no_changed_or_cut_receipt_verifies(void **state)
{
    struct receipt receipt = {.index = 99};
    struct buf file = {0};
    struct world w;

    (void)state;
    world_init(&w);
    make_receipt(&w, 2, &file);
    for (size_t i = 0; i < file.len; i++) {
        assert_int_not_equal(receipt_verify(file.data, i, &w.log, &receipt),
                             ERR_OK);
        for (unsigned bit = 0; bit < 8; bit++) {
            file.data[i] ^= (uint8_t)(1u << bit);
            assert_int_not_equal(
                receipt_verify(file.data, file.len, &w.log, &receipt), ERR_OK);
            file.data[i] ^= (uint8_t)(1u << bit);
        }
    }
    assert_int_equal(receipt.index, 99);
    buf_clear(&file);
    world_clear(&w);
}

static void
a_receipt_of_another_log_does_not_verify(void **state)
{
    struct receipt receipt;
    struct buf file = {0};
    struct vkey other;
    struct world w;

    (void)state;
    world_init(&w);
    make_receipt(&w, 0, &file);
    assert_int_equal(vkey_make(&other, "relay.example/directory", NOTE_ED25519,
                               &w.secret.pub),
                     ERR_OK);
    assert_int_equal(receipt_verify(file.data, file.len, &other, &receipt),
                     ERR_VERIFY);
    buf_clear(&file);
    world_clear(&w);
}

static void
a_receipt_without_opening_is_malformed(void **state)
{
    struct receipt receipt;
    struct proof proof;
    struct buf file = {0}, bare = {0};
    struct world w;

    (void)state;
    world_init(&w);
    make_receipt(&w, 1, &file);
    assert_int_equal(proof_parse(file.data, file.len, &proof), ERR_OK);
    proof.has_extra = false;
    proof.extra_len = 0;
    assert_int_equal(proof_format(&proof, &bare), ERR_OK);
    assert_int_equal(receipt_verify(bare.data, bare.len, &w.log, &receipt),
                     ERR_MALFORMED);
    buf_clear(&file);
    buf_clear(&bare);
    world_clear(&w);
}

static void
proofs_have_one_form_only(void **state)
{
#define MARK "c2sp.org/tlog-proof@v1\n"
#define HASH "2mWW2VNp9f7zIquOTg2jsLUCNqqcijsdJG90Ecni4y4=\n"
    static const char *const bad[] = {
        "",
        MARK,
        "c2sp.org/tlog-proof@v2\nindex 1\n\nnote\n",
        MARK "index 1\n",
        MARK "index 1\n\n",
        MARK "index 1\n" HASH,
        MARK "index 01\n\nnote\n",
        MARK "index -1\n\nnote\n",
        MARK "index\n\nnote\n",
        MARK "Index 1\n\nnote\n",
        MARK "extra\nindex 1\n\nnote\n",
        MARK "extra A\nindex 1\n\nnote\n",
        MARK "extra AAAA\n\nnote\n",
        MARK "extra AAAA\nextra AAAA\nindex 1\n\nnote\n",
        MARK "index 1\nextra AAAA\n\nnote\n",
        MARK "index 1\nshort\n\nnote\n",
        MARK "index 1\r\n\nnote\n",
    };
    static const char good[] = MARK "extra AAAA\nindex 1\n" HASH "\nnote\n";
    struct proof proof = {.index = 99};

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(proof_parse(bad[i], strlen(bad[i]), &proof),
                         ERR_MALFORMED);
    assert_int_equal(proof.index, 99);
    assert_int_equal(proof_parse(good, sizeof(good) - 1, &proof), ERR_OK);
    assert_true(proof.has_extra);
    assert_int_equal(proof.extra_len, 3);
    assert_int_equal(proof.n, 1);
    assert_int_equal(proof.note_len, 5);
}

static void
paths_and_extras_have_limits(void **state)
{
    struct proof proof;
    struct buf b = {0};

    (void)state;
    buf_str(&b, MARK "index 1\n");
    for (unsigned i = 0; i < MERKLE_PATH_MAX; i++)
        buf_str(&b, HASH);
    buf_str(&b, "\nnote\n");
    assert_int_equal(proof_parse(b.data, b.len, &proof), ERR_OK);
    buf_reset(&b);
    buf_str(&b, MARK "index 1\n");
    for (unsigned i = 0; i <= MERKLE_PATH_MAX; i++)
        buf_str(&b, HASH);
    buf_str(&b, "\nnote\n");
    assert_int_equal(proof_parse(b.data, b.len, &proof), ERR_MALFORMED);
    buf_reset(&b);
    buf_str(&b, MARK "extra ");
    for (unsigned i = 0; i <= PROOF_EXTRA_MAX / 3; i++)
        buf_str(&b, "AAAA");
    buf_str(&b, "\nindex 1\n\nnote\n");
    assert_int_equal(proof_parse(b.data, b.len, &proof), ERR_MALFORMED);
    buf_clear(&b);
    proof.n = MERKLE_PATH_MAX + 1;
    assert_int_equal(proof_format(&proof, &b), ERR_TOOBIG);
    assert_int_equal(b.len, 0);
}

static void
a_proof_file_is_known_by_its_first_line(void **state)
{
    (void)state;
    assert_true(proof_resembles(MARK, sizeof(MARK) - 1));
    assert_true(proof_resembles(MARK, 9));
    assert_true(proof_resembles("C2sp.org/tlog-proof@v1\n", 23));
    assert_false(proof_resembles("", 0));
    assert_false(proof_resembles("C2SP.org/tlog-proof@v1\n", 23));
    assert_false(proof_resembles("log relay.example/1+00", 22));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_proof_by_another_implementation_verifies),
        cmocka_unit_test(a_receipt_shows_its_event_offline),
        cmocka_unit_test(no_changed_or_cut_receipt_verifies),
        cmocka_unit_test(a_receipt_of_another_log_does_not_verify),
        cmocka_unit_test(a_receipt_without_opening_is_malformed),
        cmocka_unit_test(proofs_have_one_form_only),
        cmocka_unit_test(paths_and_extras_have_limits),
        cmocka_unit_test(a_proof_file_is_known_by_its_first_line),
    };

    return crypto_init() != ERR_OK || cmocka_run_group_tests(tests, NULL, NULL);
}
