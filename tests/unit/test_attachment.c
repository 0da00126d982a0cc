#include "proto/attachment.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proto/crypto.h"
#include "proto/pad.h"

static const uint8_t key[32] = {1, 2, 3};
static const struct att_id id = {{4, 5, 6}};

/* A file of LEN bytes sealed whole; free it. */
static uint8_t *
sealed(const uint8_t *file, size_t len)
{
    uint8_t *blob = malloc((size_t)attachment_ct_len(len));
    struct attachment a;

    assert_non_null(blob);
    assert_int_equal(attachment_seal_init(&a, key, &id, len, NULL, blob),
                     ERR_OK);
    for (uint64_t i = 0; i < a.chunks; i++)
        assert_int_equal(attachment_seal_chunk(&a, i,
                                               file + i * CHUNKED_PLAIN_LEN,
                                               blob + chunked_offset(i)),
                         ERR_OK);
    attachment_clear(&a);
    return blob;
}

static uint8_t *
file_of(size_t len)
{
    /* A chunk of slack, so that pointers to padding chunks stay inside. */
    uint8_t *file = calloc(1, len + len / 8 + 2 * CHUNKED_PLAIN_LEN);

    assert_non_null(file);
    for (size_t i = 0; i < len; i++)
        file[i] = (uint8_t)(i * 7 + i / 256);
    return file;
}

/* Chunk INDEX of a blob opens to the same place of FILE. */
static void
expect_chunk(const struct attachment *a, uint64_t index, const uint8_t *blob,
             const uint8_t *file)
{
    uint8_t out[CHUNKED_PLAIN_LEN];

    assert_int_equal(
        attachment_open_chunk(a, index, blob + chunked_offset(index), out),
        ERR_OK);
    assert_memory_equal(out, file + index * CHUNKED_PLAIN_LEN,
                        attachment_plain_in(a, index));
}

static void
what_was_sealed_opens_in_any_order(void **state)
{
    static const size_t lengths[] = {0,     1,     4095,  4096,  4097,
                                     16383, 16384, 16385, 32768, 300000};

    (void)state;
    for (size_t k = 0; k < sizeof(lengths) / sizeof(lengths[0]); k++) {
        uint8_t *file = file_of(lengths[k]);
        uint8_t *blob = sealed(file, lengths[k]);
        size_t total = 0;
        struct attachment a;

        assert_int_equal(attachment_open_init(&a, key, &id, lengths[k], blob),
                         ERR_OK);
        for (uint64_t i = a.chunks; i-- > 0;) {
            expect_chunk(&a, i, blob, file);
            total += attachment_plain_in(&a, i);
        }
        assert_int_equal(total, lengths[k]);
        free(blob);
        free(file);
    }
}

static void
the_chunks_add_up_to_the_blob(void **state)
{
    (void)state;
    for (uint64_t len = 0; len < 400000; len += 1 + len / 50) {
        uint8_t header[CHUNKED_HEADER_LEN];
        uint64_t total = CHUNKED_HEADER_LEN;
        struct attachment a;

        assert_int_equal(attachment_seal_init(&a, key, &id, len, NULL, header),
                         ERR_OK);
        for (uint64_t i = 0; i < a.chunks; i++)
            total += attachment_sealed_in(&a, i);
        assert_int_equal(total, attachment_ct_len(len));
        assert_true(attachment_ct_len_is_valid(total));
        assert_int_equal(attachment_sealed_in(&a, a.chunks), 0);
        assert_int_equal(attachment_plain_in(&a, a.chunks), 0);
        assert_int_equal(attachment_plain_in(&a, UINT64_MAX), 0);
    }
}

static void
sealing_resumes_with_the_salt_to_the_same_bytes(void **state)
{
    uint8_t *file = file_of(50000), *blob = sealed(file, 50000);
    uint8_t header[CHUNKED_HEADER_LEN], chunk[CHUNKED_CHUNK_LEN];
    struct attachment a;

    (void)state;
    assert_int_equal(attachment_seal_init(&a, key, &id, 50000, blob, header),
                     ERR_OK);
    assert_memory_equal(header, blob, sizeof(header));
    assert_int_equal(
        attachment_seal_chunk(&a, 2, file + 2 * CHUNKED_PLAIN_LEN, chunk),
        ERR_OK);
    assert_memory_equal(chunk, blob + chunked_offset(2),
                        attachment_sealed_in(&a, 2));
    free(blob);
    free(file);
}

static void
another_key_or_id_is_noticed_at_once(void **state)
{
    uint8_t *file = file_of(10), *blob = sealed(file, 10);
    struct att_id other_id = id;
    uint8_t other_key[32] = {9};
    struct attachment a = {.chunks = 77};

    (void)state;
    other_id.b[15] ^= 1;
    assert_int_equal(attachment_open_init(&a, key, &other_id, 10, blob),
                     ERR_VERIFY);
    assert_int_equal(attachment_open_init(&a, other_key, &id, 10, blob),
                     ERR_VERIFY);
    blob[30] ^= 1;
    assert_int_equal(attachment_open_init(&a, key, &id, 10, blob), ERR_VERIFY);
    assert_int_equal(a.chunks, 77);
    free(blob);
    free(file);
}

static void
chunks_of_another_place_or_length_do_not_open(void **state)
{
    uint8_t *file = file_of(60000), *blob = sealed(file, 60000);
    uint8_t out[CHUNKED_PLAIN_LEN];
    struct attachment a;

    (void)state;
    assert_int_equal(attachment_open_init(&a, key, &id, 60000, blob), ERR_OK);
    assert_int_equal(
        attachment_open_chunk(&a, 0, blob + chunked_offset(1), out),
        ERR_VERIFY);
    assert_int_equal(
        attachment_open_chunk(&a, 1, blob + chunked_offset(0), out),
        ERR_VERIFY);
    blob[chunked_offset(2)] ^= 1;
    assert_int_equal(
        attachment_open_chunk(&a, 2, blob + chunked_offset(2), out),
        ERR_VERIFY);
    assert_int_equal(attachment_open_chunk(&a, a.chunks, blob, out),
                     ERR_MALFORMED);
    assert_int_equal(attachment_seal_chunk(&a, a.chunks, file, out),
                     ERR_MALFORMED);
    free(blob);
    free(file);
}

static void
padding_that_says_anything_does_not_open(void **state)
{
    uint8_t *file = file_of(5120), *blob = sealed(file, 5120);
    uint8_t out[CHUNKED_PLAIN_LEN];
    struct attachment a;

    (void)state;
    /* The sender claims fewer bytes than it sealed: the rest is padding. */
    assert_int_equal(attachment_open_init(&a, key, &id, 5119, blob), ERR_OK);
    assert_int_equal(a.padded_len, 5120);
    assert_int_equal(
        attachment_open_chunk(&a, 0, blob + chunked_offset(0), out),
        ERR_VERIFY);
    for (size_t i = 0; i < 5120; i++)
        assert_int_equal(out[i], 0);
    free(blob);
    free(file);
}

static void
a_blob_for_a_shorter_claim_does_not_end_early(void **state)
{
    uint8_t *file = file_of(40000), *blob = sealed(file, 40000);
    uint8_t out[CHUNKED_PLAIN_LEN];
    struct attachment a;

    (void)state;
    /* 16000 bytes would be one last chunk; this one is not last. */
    assert_int_equal(attachment_open_init(&a, key, &id, 16000, blob), ERR_OK);
    assert_int_equal(a.chunks, 1 + a.padded_len / CHUNKED_PLAIN_LEN);
    assert_int_not_equal(
        attachment_open_chunk(&a, a.chunks - 1,
                              blob + chunked_offset(a.chunks - 1), out),
        ERR_OK);
    free(blob);
    free(file);
}

static void
files_go_to_64_gib_and_not_above(void **state)
{
    uint8_t header[CHUNKED_HEADER_LEN];
    struct attachment a;

    (void)state;
    assert_int_equal(
        attachment_seal_init(&a, key, &id, ATTACHMENT_PLAIN_MAX, NULL, header),
        ERR_OK);
    assert_int_equal(a.chunks, (1u << 22) + 1);
    assert_int_equal(attachment_sealed_in(&a, a.chunks - 1), AEAD_TAG_LEN);
    assert_int_equal(
        attachment_open_init(&a, key, &id, ATTACHMENT_PLAIN_MAX + 1, header),
        ERR_TOOBIG);
    assert_int_equal(attachment_seal_init(
                         &a, key, &id, ATTACHMENT_PLAIN_MAX + 1, NULL, header),
                     ERR_TOOBIG);
    assert_int_equal(attachment_ct_len(ATTACHMENT_PLAIN_MAX), LIMIT_ATT_CT);
    assert_int_equal(attachment_ct_len(0), LIMIT_ATT_CT_MIN);
    assert_true(attachment_ct_len_is_valid(LIMIT_ATT_CT));
    assert_true(attachment_ct_len_is_valid(LIMIT_ATT_CT_MIN));
    assert_false(attachment_ct_len_is_valid(LIMIT_ATT_CT + 1));
    assert_false(attachment_ct_len_is_valid(LIMIT_ATT_CT_MIN - 1));
    assert_false(attachment_ct_len_is_valid(LIMIT_ATT_CT_MIN + 1));
    assert_false(attachment_ct_len_is_valid(
        chunked_len(padme(ATTACHMENT_PLAIN_MAX + 1))));
    assert_false(attachment_ct_len_is_valid(UINT64_MAX));
    assert_false(attachment_ct_len_is_valid(0));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_sealed_opens_in_any_order),
        cmocka_unit_test(the_chunks_add_up_to_the_blob),
        cmocka_unit_test(sealing_resumes_with_the_salt_to_the_same_bytes),
        cmocka_unit_test(another_key_or_id_is_noticed_at_once),
        cmocka_unit_test(chunks_of_another_place_or_length_do_not_open),
        cmocka_unit_test(padding_that_says_anything_does_not_open),
        cmocka_unit_test(a_blob_for_a_shorter_claim_does_not_end_early),
        cmocka_unit_test(files_go_to_64_gib_and_not_above),
    };

    return crypto_init() == ERR_OK ? cmocka_run_group_tests(tests, NULL, NULL)
                                   : 1;
}
