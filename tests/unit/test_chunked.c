#include "proto/chunked.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/bytes.h"
#include "tests/lib/fail_alloc.h"
#include "tests/lib/vectors.h"

static const uint8_t key[32] = {1, 2, 3};
static uint8_t plain[3 * CHUNKED_PLAIN_LEN + 100];

static const size_t lens[] = {0, 1, 16383, 16384, 16385, 32768, 49252};
#define LENS (sizeof(lens) / sizeof(lens[0]))

static int
fill(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(plain); i++)
        plain[i] = (uint8_t)(i * 7 + (i >> 8));
    return 0;
}

static struct buf
sealed(size_t len)
{
    struct buf out = {0};

    assert_int_equal(chunked_seal(&out, key, "ctx", 3, plain, len), ERR_OK);
    assert_true(out.len == chunked_len(len));
    return out;
}

static enum err
opens(const void *stream, size_t len)
{
    struct buf out = {0};
    enum err rc;

    buf_str(&out, "before");
    rc = chunked_open(&out, key, "ctx", 3, stream, len);
    if (rc != ERR_OK)
        assert_int_equal(out.len, 6);
    assert_memory_equal(out.data, "before", 6);
    buf_clear(&out);
    return rc;
}

static void
whole_buffers_come_back(void **state)
{
    (void)state;
    for (size_t i = 0; i < LENS; i++) {
        struct buf s = sealed(lens[i]);
        struct buf back = {0};

        assert_int_equal(chunked_open(&back, key, "ctx", 3, s.data, s.len),
                         ERR_OK);
        assert_int_equal(back.len, lens[i]);
        if (lens[i] > 0)
            assert_memory_equal(back.data, plain, lens[i]);
        buf_clear(&back);
        buf_clear(&s);
    }
}

static void
lengths_are_arithmetic(void **state)
{
    uint64_t len = 7;

    (void)state;
    assert_true(chunked_len(0) == 56 + 16);
    assert_true(chunked_len(16383) == 56 + 16399);
    assert_true(chunked_len(16384) == 56 + 16400 + 16);
    assert_true(chunked_offset(2) == 56 + 2 * 16400);
    assert_true(chunked_count(16384) == 2);
    for (size_t i = 0; i < LENS; i++) {
        assert_int_equal(chunked_plain_len(chunked_len(lens[i]), &len), ERR_OK);
        assert_true(len == lens[i]);
    }
    len = 7;
    for (uint64_t s = 0; s < 72; s++)
        assert_int_equal(chunked_plain_len(s, &len), ERR_MALFORMED);
    for (uint64_t s = 0; s < 16; s++)
        assert_int_equal(chunked_plain_len(56 + 16400 + s, &len),
                         ERR_MALFORMED);
    assert_true(len == 7);
}

static void
any_chunk_opens_by_its_index_alone(void **state)
{
    struct buf s = sealed(sizeof(plain));
    struct chunked c;
    uint8_t out[CHUNKED_PLAIN_LEN];

    (void)state;
    assert_int_equal(chunked_open_init(&c, key, "ctx", 3, s.data), ERR_OK);
    assert_int_equal(chunked_open_chunk(&c, 2, s.data + chunked_offset(2),
                                        CHUNKED_CHUNK_LEN, false, out),
                     ERR_OK);
    assert_memory_equal(out, plain + 2 * CHUNKED_PLAIN_LEN, sizeof(out));
    assert_int_equal(
        chunked_open_chunk(&c, 3, s.data + chunked_offset(3), 116, true, out),
        ERR_OK);
    assert_memory_equal(out, plain + 3 * CHUNKED_PLAIN_LEN, 100);
    assert_int_equal(chunked_open_chunk(&c, 0, s.data + chunked_offset(0),
                                        CHUNKED_CHUNK_LEN, false,
                                        s.data + chunked_offset(0)),
                     ERR_OK);
    assert_memory_equal(s.data + chunked_offset(0), plain, CHUNKED_PLAIN_LEN);
    chunked_clear(&c);
    buf_clear(&s);
}

static void
a_stream_made_in_steps_is_the_same(void **state)
{
    const uint8_t salt[24] = {9};
    uint8_t header[56], again[56], chunk[CHUNKED_CHUNK_LEN];
    struct chunked c;
    struct buf s = {0};

    (void)state;
    chunked_seal_init(&c, key, "ctx", 3, salt, header);
    buf_put(&s, header, sizeof(header));
    for (unsigned i = 0; i < 4; i++) {
        size_t len = i < 3 ? CHUNKED_PLAIN_LEN : 100;

        assert_int_equal(chunked_seal_chunk(&c, i,
                                            plain + i * CHUNKED_PLAIN_LEN, len,
                                            i == 3, chunk),
                         ERR_OK);
        buf_put(&s, chunk, len + AEAD_TAG_LEN);
    }
    assert_int_equal(opens(s.data, s.len), ERR_OK);
    chunked_seal_init(&c, key, "ctx", 3, salt, again);
    assert_memory_equal(header, again, 56);
    chunked_seal_init(&c, key, "ctx", 3, NULL, again);
    assert_memory_not_equal(header, again, 24);
    buf_clear(&s);
}

static void
only_the_last_chunk_is_short_and_it_always_is(void **state)
{
    uint8_t header[56], out[CHUNKED_CHUNK_LEN + 1];
    struct chunked c;

    (void)state;
    chunked_seal_init(&c, key, NULL, 0, NULL, header);
    assert_int_equal(chunked_seal_chunk(&c, 0, plain, 16383, false, out),
                     ERR_MALFORMED);
    assert_int_equal(chunked_seal_chunk(&c, 0, plain, 16384, true, out),
                     ERR_MALFORMED);
    assert_int_equal(chunked_seal_chunk(&c, 0, plain, 16385, false, out),
                     ERR_MALFORMED);
    assert_int_equal(chunked_seal_chunk(&c, 0, plain, 16384, false, out),
                     ERR_OK);
    assert_int_equal(chunked_open_chunk(&c, 0, out, 16400, true, out),
                     ERR_MALFORMED);
    assert_int_equal(chunked_open_chunk(&c, 0, out, 16399, false, out),
                     ERR_MALFORMED);
    assert_int_equal(chunked_open_chunk(&c, 0, out, 16401, false, out),
                     ERR_MALFORMED);
    assert_int_equal(chunked_open_chunk(&c, 0, out, 15, true, out),
                     ERR_MALFORMED);
    assert_int_equal(chunked_open_chunk(&c, 0, out, 16400, false, out), ERR_OK);
}

/* Chunk TO becomes a copy of chunk FROM of the whole stream. */
static void
copy_chunk(struct buf *s, const struct buf *whole, unsigned to, unsigned from)
{
    memcpy(s->data + chunked_offset(to), whole->data + chunked_offset(from),
           CHUNKED_CHUNK_LEN);
}

static void
swapped_doubled_and_dropped_chunks_do_not_open(void **state)
{
    struct buf whole = sealed(sizeof(plain)), s = sealed(sizeof(plain));

    (void)state;
    memcpy(s.data, whole.data, whole.len);
    assert_int_equal(opens(s.data, s.len), ERR_OK);
    copy_chunk(&s, &whole, 0, 1);
    copy_chunk(&s, &whole, 1, 0);
    assert_int_equal(opens(s.data, s.len), ERR_VERIFY);
    memcpy(s.data, whole.data, whole.len);
    copy_chunk(&s, &whole, 2, 1);
    assert_int_equal(opens(s.data, s.len), ERR_VERIFY);
    for (unsigned drop = 0; drop < 3; drop++) {
        size_t at = (size_t)chunked_offset(drop);

        memcpy(s.data, whole.data, at);
        memcpy(s.data + at, whole.data + at + CHUNKED_CHUNK_LEN,
               whole.len - at - CHUNKED_CHUNK_LEN);
        assert_int_equal(opens(s.data, whole.len - CHUNKED_CHUNK_LEN),
                         ERR_VERIFY);
    }
    buf_clear(&whole);
    buf_clear(&s);
}

static void
no_truncation_opens(void **state)
{
    struct buf s = sealed(CHUNKED_PLAIN_LEN + 3);

    (void)state;
    for (size_t len = 0; len < s.len; len++) {
        /* The inside of a chunk behaves the same everywhere. */
        if (len > 200 && len < 16300)
            len = 16300;
        assert_int_not_equal(opens(s.data, len), ERR_OK);
    }
    assert_int_equal(opens(s.data, s.len), ERR_OK);
    /* At a chunk's end: all tags are good, only the end mark is missing. */
    assert_int_equal(opens(s.data, (size_t)chunked_offset(1)), ERR_MALFORMED);
    buf_clear(&s);
}

static void
every_changed_byte_of_a_short_stream_is_noticed(void **state)
{
    struct buf s = sealed(40);

    (void)state;
    for (size_t i = 0; i < s.len; i++) {
        s.data[i] ^= (uint8_t)(1 << i % 8);
        assert_int_equal(opens(s.data, s.len), ERR_VERIFY);
        s.data[i] ^= (uint8_t)(1 << i % 8);
    }
    assert_int_equal(opens(s.data, s.len), ERR_OK);
    buf_clear(&s);
}

static void
the_commitment_is_looked_at_before_any_chunk(void **state)
{
    struct buf s = sealed(40);
    struct chunked c = {0};
    uint8_t other[32] = {0};

    (void)state;
    assert_int_equal(chunked_open_init(&c, other, "ctx", 3, s.data),
                     ERR_VERIFY);
    assert_int_equal(chunked_open_init(&c, key, "ctX", 3, s.data), ERR_VERIFY);
    for (size_t i = 0; i < 56; i++) {
        s.data[i] ^= 1;
        assert_int_equal(chunked_open_init(&c, key, "ctx", 3, s.data),
                         ERR_VERIFY);
        s.data[i] ^= 1;
    }
    assert_null(c.aead);
    assert_int_equal(chunked_open_init(&c, key, "ctx", 3, s.data), ERR_OK);
    buf_clear(&s);
}

/* PROTOCOL.md's derivation by hand, with the key padded to 64 bytes as a
 * library with a fixed PRK length would have it. */
static void
keys_are_those_of_crypto_md(void **state)
{
    const uint8_t salt[24] = {7};
    static const char name[] =
        "c2sp.org/chunked-encryption@v1+AEAD_CHACHA20_POLY1305";
    struct span info[] = {{name, sizeof(name)}, {salt, 24}, {"ctx", 3}};
    uint8_t okm[76], header[56], out[19], want[19];
    struct chunked c;

    (void)state;
    assert_int_equal(hkdf512_expand(okm, 76, key, info, 3), ERR_OK);
    chunked_seal_init(&c, key, "ctx", 3, salt, header);
    assert_memory_equal(header + 24, okm + 44, 32);
    okm[32 + 11] ^= 1;
    okm[32 + 10] ^= 1; /* index 257 */
    aead_seal(want, okm, okm + 32, NULL, 0, "abc", 3);
    assert_int_equal(chunked_seal_chunk(&c, 257, "abc", 3, true, out), ERR_OK);
    assert_memory_equal(out, want, 19);
}

static void
missing_memory_is_reported(void **state)
{
    struct buf s = sealed(20000);

    (void)state;
    for (unsigned long n = 0;; n++) {
        struct buf out = {0};
        enum err rc;

        fail_alloc_at(n);
        rc = chunked_seal(&out, key, "ctx", 3, plain, 20000);
        if (rc == ERR_OK) {
            buf_clear(&out);
            rc = chunked_open(&out, key, "ctx", 3, s.data, s.len);
        }
        if (!fail_alloc_off()) {
            buf_clear(&out);
            break;
        }
        assert_int_equal(rc, ERR_NOMEM);
        assert_int_equal(out.len, 0);
        buf_clear(&out);
    }
    buf_clear(&s);
}

static void
check_cobblestone(const json_t *test)
{
    struct bytes k = vectors_hex(test, "key"), ctx = vectors_hex(test, "ctx");
    struct bytes ct = vectors_hex(test, "ct");
    bool valid = vectors_is(test, "result", "valid");
    struct buf out = {0};
    uint8_t want[64], got[64];
    enum err rc = ERR_MALFORMED;

    if (k.len == 32)
        rc = chunked_open_with(&out, &aead_aes_256_gcm, k.p, ctx.p, ctx.len,
                               ct.p, ct.len);
    if ((rc == ERR_OK) != valid)
        fail_msg("tcId %ld: %s", vectors_int(test, "tcId"), err_name(rc));
    if (valid) {
        assert_int_equal(out.len, vectors_int(test, "msgLength"));
        vectors_copy(want, sizeof(want), test, "msgSha512");
        sha512(got, out.data, out.len);
        assert_memory_equal(got, want, sizeof(want));
    }
    buf_clear(&out);
    bytes_free(&k);
    bytes_free(&ctx);
    bytes_free(&ct);
}

static void
the_aes_instance_matches_wycheproof_cobblestone(void **state)
{
    json_t *root, *group, *test;
    size_t g, t, seen = 0;

    (void)state;
    if (!aead_aes_256_gcm.is_available())
        skip();
    root = vectors_load("cobblestone/wycheproof-c2sp_chunked_encryption_aes_"
                        "256_gcm_test.json");
    json_array_foreach(vectors_list(root, "testGroups"), g, group)
    {
        json_array_foreach(vectors_list(group, "tests"), t, test)
        {
            check_cobblestone(test);
            seen++;
        }
    }
    json_decref(root);
    assert_int_equal(seen, 35);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_buffers_come_back),
        cmocka_unit_test(lengths_are_arithmetic),
        cmocka_unit_test(any_chunk_opens_by_its_index_alone),
        cmocka_unit_test(a_stream_made_in_steps_is_the_same),
        cmocka_unit_test(only_the_last_chunk_is_short_and_it_always_is),
        cmocka_unit_test(swapped_doubled_and_dropped_chunks_do_not_open),
        cmocka_unit_test(no_truncation_opens),
        cmocka_unit_test(every_changed_byte_of_a_short_stream_is_noticed),
        cmocka_unit_test(the_commitment_is_looked_at_before_any_chunk),
        cmocka_unit_test(keys_are_those_of_crypto_md),
        cmocka_unit_test(missing_memory_is_reported),
        cmocka_unit_test(the_aes_instance_matches_wycheproof_cobblestone),
    };

    if (crypto_init() != ERR_OK)
        return 1;
    return cmocka_run_group_tests(tests, fill, NULL);
}
