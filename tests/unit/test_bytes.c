#include "common/bytes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void
big_endian_fields_are_read_in_order(void **state)
{
    const uint8_t in[] = {1,  2,  3,  4,  5,  6,  7,  8,  9,
                          10, 11, 12, 13, 14, 15, 16, 17, 18};
    struct rd r = rd_from(in, sizeof(in));

    (void)state;
    assert_int_equal(rd_u8(&r), 0x01);
    assert_int_equal(rd_u16(&r), 0x0203);
    assert_int_equal(rd_u24(&r), 0x040506);
    assert_int_equal(rd_u32(&r), 0x0708090a);
    assert_true(rd_u64(&r) == 0x0b0c0d0e0f101112u);
    assert_int_equal(rd_end(&r), ERR_OK);
}

static void
bytes_left_over_are_an_error(void **state)
{
    struct rd r = rd_from("ab", 2);

    (void)state;
    rd_u8(&r);
    assert_int_equal(rd_end(&r), ERR_MALFORMED);
}

static void
reading_past_the_end_is_sticky_and_gives_zeros(void **state)
{
    uint8_t got[4] = {9, 9, 9, 9};
    struct rd r = rd_from("abc", 3);

    (void)state;
    rd_copy(&r, got, sizeof(got));
    assert_int_equal(got[0] | got[1] | got[2] | got[3], 0);
    assert_int_equal(rd_u8(&r), 0);
    assert_null(rd_ref(&r, 1));
    assert_int_equal(rd_end(&r), ERR_MALFORMED);
}

static void
every_short_source_is_malformed(void **state)
{
    const uint8_t in[15] = {0};

    (void)state;
    for (size_t len = 0; len <= sizeof(in); len++) {
        struct rd r = rd_from(in, len);
        rd_u8(&r);
        rd_u16(&r);
        rd_u32(&r);
        rd_u64(&r);
        assert_int_equal(rd_end(&r),
                         len == sizeof(in) ? ERR_OK : ERR_MALFORMED);
    }
}

static void
an_empty_source_may_be_null(void **state)
{
    struct rd r = rd_from(NULL, 0);

    (void)state;
    assert_non_null(rd_ref(&r, 0));
    rd_expect(&r, NULL, 0);
    rd_copy(&r, NULL, 0);
    assert_int_equal(rd_end(&r), ERR_OK);
}

static void
an_unexpected_constant_is_malformed(void **state)
{
    struct rd good = rd_from("SP01", 4), wrong = rd_from("SP02", 4);

    (void)state;
    rd_expect(&good, "SP01", 4);
    rd_expect(&wrong, "SP01", 4);
    assert_int_equal(rd_end(&good), ERR_OK);
    assert_int_equal(rd_end(&wrong), ERR_MALFORMED);
}

static void
put_and_get_are_inverse(void **state)
{
    uint8_t b[8];

    (void)state;
    put_u16(b, 0xfedc);
    assert_int_equal(get_u16(b), 0xfedc);
    put_u24(b, 0xfedcba);
    assert_int_equal(get_u24(b), 0xfedcba);
    put_u32(b, 0xfedcba98);
    assert_true(get_u32(b) == 0xfedcba98);
    put_u64(b, 0xfedcba9876543210u);
    assert_true(get_u64(b) == 0xfedcba9876543210u);
    assert_int_equal(b[0], 0xfe);
}

static void
hex_goes_there_and_back(void **state)
{
    char text[7];
    uint8_t back[3];

    (void)state;
    hex_encode(text, "\x00\x9f\xff", 3);
    assert_string_equal(text, "009fff");
    assert_int_equal(hex_decode(back, 3, "009FfF"), ERR_OK);
    assert_memory_equal(back, "\x00\x9f\xff", 3);
}

static void
bad_hex_leaves_the_output_alone(void **state)
{
    const char *bad[] = {"",       "00",     "00112", "0011223",
                         "00112g", "0x1122", " 01122"};
    uint8_t out[3] = {7, 7, 7};

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(hex_decode(out, 3, bad[i]), ERR_MALFORMED);
    assert_memory_equal(out, "\7\7\7", 3);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(big_endian_fields_are_read_in_order),
        cmocka_unit_test(bytes_left_over_are_an_error),
        cmocka_unit_test(reading_past_the_end_is_sticky_and_gives_zeros),
        cmocka_unit_test(every_short_source_is_malformed),
        cmocka_unit_test(an_empty_source_may_be_null),
        cmocka_unit_test(an_unexpected_constant_is_malformed),
        cmocka_unit_test(put_and_get_are_inverse),
        cmocka_unit_test(hex_goes_there_and_back),
        cmocka_unit_test(bad_hex_leaves_the_output_alone),
    };

    return cmocka_run_group_tests_name("bytes", tests, NULL, NULL);
}
