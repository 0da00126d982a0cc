#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/bytes.h"
#include "proto/record.h"

static struct noise_cipher
fresh_cipher(void)
{
    struct noise_cipher c = {.has_key = true};

    memset(c.k, 7, sizeof(c.k));
    return c;
}

static const size_t plain_sizes[] = {128, 512, 2048, 8192, 32768, 65519};

static void
a_record_has_the_smallest_size_that_fits(void **state)
{
    static const struct {
        size_t len, wire;
    } cases[] = {
        {1, 146},      {124, 146},     {125, 530},     {508, 530},
        {509, 2066},   {2044, 2066},   {2045, 8210},   {8188, 8210},
        {8189, 32786}, {32764, 32786}, {32765, 65537}, {65515, 65537},
    };
    static uint8_t bytes[RECORD_BYTES_MAX];

    (void)state;
    memset(bytes, 'b', sizeof(bytes));
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct noise_cipher out = fresh_cipher(), in = fresh_cipher();
        struct span part = {bytes, cases[i].len};
        struct record r;
        struct buf b = {0};

        assert_int_equal(record_wire_len(cases[i].len), cases[i].wire);
        assert_int_equal(record_seal(&out, &b, RECORD_PART, &part, 1), ERR_OK);
        assert_int_equal(b.len, cases[i].wire);
        assert_int_equal(get_u16(b.data), cases[i].wire - 2);
        assert_int_equal(record_open(&in, b.data + 2, b.len - 2, &r), ERR_OK);
        assert_int_equal(r.kind, RECORD_PART);
        assert_int_equal(r.len, cases[i].len);
        assert_memory_equal(r.bytes, bytes, r.len);
        buf_clear(&b);
    }
}

/* Seals PLAIN as it is and opens it as a record. */
static enum err
open_plain(const uint8_t *plain, size_t len)
{
    struct noise_cipher out = fresh_cipher(), in = fresh_cipher();
    static uint8_t sealed[NOISE_MSG_MAX];
    struct record r;

    assert_int_equal(noise_seal(&out, sealed, plain, len), ERR_OK);
    return record_open(&in, sealed, len + AEAD_TAG_LEN, &r);
}

static enum err
open_head(unsigned kind, size_t len, size_t plain)
{
    static uint8_t p[NOISE_PLAIN_MAX];

    memset(p, 0, sizeof(p));
    p[0] = (uint8_t)kind;
    put_u24(p + 1, (uint32_t)len);
    return open_plain(p, plain);
}

static void
each_kind_has_its_lengths(void **state)
{
    static const struct {
        unsigned kind;
        size_t len, plain;
        enum err want;
    } cases[] = {
        {0, 0, 128, ERR_OK},          {0, 1, 128, ERR_MALFORMED},
        {1, 0, 128, ERR_MALFORMED},   {1, 1, 128, ERR_OK},
        {1, 65515, 65519, ERR_OK},    {1, 65516, 65519, ERR_MALFORMED},
        {2, 0, 128, ERR_MALFORMED},   {2, 1, 128, ERR_OK},
        {3, 12, 128, ERR_MALFORMED},  {3, 13, 128, ERR_OK},
        {4, 1, 128, ERR_MALFORMED},   {4, 2, 128, ERR_OK},
        {4, 3, 128, ERR_MALFORMED},   {5, 2, 128, ERR_MALFORMED},
        {255, 2, 128, ERR_MALFORMED}, {1, 0xffffff, 65519, ERR_MALFORMED},
        {1, 125, 128, ERR_MALFORMED},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_int_equal(open_head(cases[i].kind, cases[i].len, cases[i].plain),
                         cases[i].want);
}

static void
padding_that_is_not_the_smallest_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i + 1 < 6; i++) {
        size_t len = plain_sizes[i] - RECORD_HEAD_LEN;

        assert_int_equal(open_head(1, len, plain_sizes[i]), ERR_OK);
        assert_int_equal(open_head(1, len, plain_sizes[i + 1]), ERR_MALFORMED);
        assert_int_equal(open_head(1, len + 1, plain_sizes[i + 1]), ERR_OK);
    }
}

static void
padding_that_is_not_zero_is_refused(void **state)
{
    uint8_t p[128] = {RECORD_LAST, 0, 0, 10};

    (void)state;
    assert_int_equal(open_plain(p, sizeof(p)), ERR_OK);
    for (size_t at = 4; at < sizeof(p); at++) {
        p[at] = 1;
        assert_int_equal(open_plain(p, sizeof(p)),
                         at < 14 ? ERR_OK : ERR_MALFORMED);
        p[at] = 0;
    }
}

static void
only_six_lengths_are_records(void **state)
{
    unsigned n = 0;

    (void)state;
    for (unsigned len = 0; len <= 65535; len++)
        n += record_is_len(len);
    assert_int_equal(n, 6);
    for (size_t i = 0; i < 6; i++)
        assert_true(record_is_len((unsigned)plain_sizes[i] + 16));
    assert_int_equal(open_head(1, 1, 129), ERR_MALFORMED);
}

static void
a_changed_record_does_not_verify(void **state)
{
    struct noise_cipher out = fresh_cipher();
    struct span part = {"hello", 5};
    struct buf b = {0};

    (void)state;
    assert_int_equal(record_seal(&out, &b, RECORD_LAST, &part, 1), ERR_OK);
    for (size_t at = 2; at < b.len; at++) {
        struct noise_cipher in = fresh_cipher();
        uint8_t copy[256];
        struct record r;

        memcpy(copy, b.data, b.len);
        copy[at] ^= 1;
        assert_int_equal(record_open(&in, copy + 2, b.len - 2, &r), ERR_VERIFY);
    }
    buf_clear(&b);
}

static void
used_up_nonces_are_told_and_leave_no_plain_text(void **state)
{
    struct noise_cipher out = fresh_cipher();
    struct span part = {"hello", 5};
    struct buf b = {0};

    (void)state;
    out.n = UINT64_MAX;
    assert_int_equal(record_seal(&out, &b, RECORD_LAST, &part, 1), ERR_STATE);
    assert_int_equal(b.len, 0);
    assert_memory_not_equal(b.data + 6, "hello", 5);
    buf_clear(&b);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_record_has_the_smallest_size_that_fits),
        cmocka_unit_test(each_kind_has_its_lengths),
        cmocka_unit_test(padding_that_is_not_the_smallest_is_refused),
        cmocka_unit_test(padding_that_is_not_zero_is_refused),
        cmocka_unit_test(only_six_lengths_are_records),
        cmocka_unit_test(a_changed_record_does_not_verify),
        cmocka_unit_test(used_up_nonces_are_told_and_leave_no_plain_text),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
