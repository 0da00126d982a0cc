#include "proto/pad.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "proto/attachment.h"
#include "proto/limits.h"

static void
padme_gives_the_published_steps(void **state)
{
    static const struct {
        uint64_t len, padded;
    } rows[] = {
        {2, 2},
        {3, 3},
        {9, 10},
        {100, 104},
        {1000, 1024},
        {4096, 4096},
        {4097, 4352},
        {4352, 4352},
        {4353, 4608},
        {8193, 8704},
        {65536, 65536},
        {65537, 67584},
        {1u << 20, 1u << 20},
        {(1u << 20) - 1, 1u << 20},
        {1000000, 1015808},
        {UINT64_C(1) << 36, UINT64_C(1) << 36},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_int_equal(padme(rows[i].len), rows[i].padded);
}

static void
padme_never_shrinks_and_never_adds_an_eighth(void **state)
{
    (void)state;
    for (uint64_t len = 2; len < 3000000; len += 1 + len / 977) {
        assert_true(padme(len) >= len);
        assert_true(padme(len) - len <= len / 8 + 1);
        assert_int_equal(padme(padme(len)), padme(len));
    }
}

static void
fixed_lengths_begin_at_4096(void **state)
{
    (void)state;
    assert_true(padme_is_fixed(4096));
    assert_true(padme_is_fixed(4352));
    assert_false(padme_is_fixed(4353));
    assert_false(padme_is_fixed(2048));
    assert_false(padme_is_fixed(0));
    assert_false(padme_is_fixed(UINT64_MAX));
}

static void
what_is_padded_comes_out_again(void **state)
{
    static const size_t lengths[] = {
        0, 1, 4091, 4092, 4093, 60000, PAD_INNER_MAX - 1, PAD_INNER_MAX};
    static uint8_t bytes[PAD_INNER_MAX];

    (void)state;
    memset(bytes, 0x5a, sizeof(bytes));
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        struct buf b = {0};
        const uint8_t *inner;
        size_t len;

        assert_int_equal(pad(&b, bytes, lengths[i]), ERR_OK);
        assert_int_equal(b.len, pad_len(lengths[i]));
        assert_true(padme_is_fixed(b.len));
        assert_int_equal(unpad(b.data, b.len, &inner, &len), ERR_OK);
        assert_int_equal(len, lengths[i]);
        assert_memory_equal(inner, bytes, len);
        buf_clear(&b);
    }
}

static void
one_byte_above_the_limit_is_too_big(void **state)
{
    static const uint8_t bytes[PAD_INNER_MAX + 1];
    struct buf b = {0};

    (void)state;
    assert_int_equal(pad(&b, bytes, sizeof(bytes)), ERR_TOOBIG);
    assert_int_equal(b.len, 0);
    buf_clear(&b);
}

static void
other_padding_is_refused(void **state)
{
    struct buf b = {0};
    const uint8_t *inner;
    size_t len;

    (void)state;
    assert_int_equal(pad(&b, "inner", 5), ERR_OK);
    for (size_t at = 9; at < b.len; at += 7) {
        b.data[at] = 0x80;
        assert_int_equal(unpad(b.data, b.len, &inner, &len), ERR_MALFORMED);
        b.data[at] = 0;
    }
    for (size_t n = 0; n < b.len; n++)
        assert_int_equal(unpad(b.data, n, &inner, &len), ERR_MALFORMED);
    buf_zeros(&b, 1);
    assert_int_equal(unpad(b.data, b.len, &inner, &len), ERR_MALFORMED);
    b.data[2] = 0x10; /* says 4101 bytes: more than there are */
    assert_int_equal(unpad(b.data, 4096, &inner, &len), ERR_MALFORMED);
    b.data[0] = 0xff;
    assert_int_equal(unpad(b.data, 4096, &inner, &len), ERR_MALFORMED);
    buf_clear(&b);
}

static void
bodies_have_one_of_the_padded_lengths(void **state)
{
    unsigned valid = 0;

    (void)state;
    assert_int_equal(body_len_for(0), LIMIT_BODY_MIN);
    assert_int_equal(body_len_for(PAD_INNER_MAX), LIMIT_BODY);
    for (uint64_t len = 0; len <= (uint64_t)LIMIT_BODY + 100000; len++)
        valid += body_len_is_valid(len) ? 1 : 0;
    /* 4 octaves of 16 steps, 4 of 32 from 2^16 on, and 2^20. */
    assert_int_equal(valid, 4 * 16 + 4 * 32 + 1);
    assert_true(body_len_is_valid(LIMIT_BODY_MIN));
    assert_true(body_len_is_valid(LIMIT_BODY));
    assert_false(body_len_is_valid(LIMIT_BODY_MIN - 1));
    assert_false(body_len_is_valid(LIMIT_BODY + 1));
    assert_false(body_len_is_valid(attachment_ct_len(2 << 20)));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(padme_gives_the_published_steps),
        cmocka_unit_test(padme_never_shrinks_and_never_adds_an_eighth),
        cmocka_unit_test(fixed_lengths_begin_at_4096),
        cmocka_unit_test(what_is_padded_comes_out_again),
        cmocka_unit_test(one_byte_above_the_limit_is_too_big),
        cmocka_unit_test(other_padding_is_refused),
        cmocka_unit_test(bodies_have_one_of_the_padded_lengths),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
