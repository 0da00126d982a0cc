#include "common/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "tests/lib/fail_alloc.h"

static void
writers_are_big_endian(void **state)
{
    struct buf b = {0};

    (void)state;
    buf_u8(&b, 1);
    buf_u16(&b, 0x0203);
    buf_u24(&b, 0x040506);
    buf_u32(&b, 0x0708090a);
    buf_u64(&b, 0x0b0c0d0e0f101112u);
    assert_int_equal(buf_status(&b), ERR_OK);
    assert_int_equal(b.len, 18);
    for (size_t i = 0; i < b.len; i++)
        assert_int_equal(b.data[i], i + 1);
    buf_clear(&b);
    buf_clear(&b);
}

static void
it_grows_and_keeps_what_it_had(void **state)
{
    struct buf b = {0};

    (void)state;
    for (int i = 0; i < 10000; i++)
        buf_u8(&b, (uint8_t)i);
    assert_int_equal(b.len, 10000);
    for (size_t i = 0; i < b.len; i++)
        assert_int_equal(b.data[i], (uint8_t)i);
    buf_clear(&b);
}

static void
printf_leaves_a_terminator_that_is_not_counted(void **state)
{
    struct buf b = {0};

    (void)state;
    buf_str(&b, "case ");
    buf_printf(&b, "%d of %s", 3, "many");
    assert_int_equal(b.len, 14);
    assert_string_equal((char *)b.data, "case 3 of many");
    buf_clear(&b);
}

static void
drop_takes_from_the_front(void **state)
{
    struct buf b = {0};

    (void)state;
    buf_str(&b, "abcdef");
    buf_drop(&b, 2);
    assert_int_equal(b.len, 4);
    assert_memory_equal(b.data, "cdef", 4);
    buf_drop(&b, 100);
    assert_int_equal(b.len, 0);
    buf_clear(&b);
}

static void
reset_wipes_and_keeps_the_memory(void **state)
{
    struct buf b = {0};
    uint8_t *was;

    (void)state;
    buf_str(&b, "secret");
    was = b.data;
    buf_reset(&b);
    assert_ptr_equal(b.data, was);
    assert_memory_equal(was, "\0\0\0\0\0\0", 6);
    buf_clear(&b);
}

static void
out_of_memory_is_sticky(void **state)
{
    struct buf b = {0};

    (void)state;
    buf_str(&b, "kept");
    fail_alloc_at(0);
    buf_zeros(&b, 1000);
    assert_true(fail_alloc_off());
    buf_str(&b, "dropped");
    assert_int_equal(buf_status(&b), ERR_NOMEM);
    assert_int_equal(b.len, 4);
    assert_memory_equal(b.data, "kept", 4);
    buf_clear(&b);
}

static void
an_impossible_length_fails(void **state)
{
    struct buf b = {0};

    (void)state;
    buf_u8(&b, 1);
    assert_null(buf_reserve(&b, SIZE_MAX - 2));
    assert_int_equal(buf_status(&b), ERR_NOMEM);
    buf_clear(&b);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writers_are_big_endian),
        cmocka_unit_test(it_grows_and_keeps_what_it_had),
        cmocka_unit_test(printf_leaves_a_terminator_that_is_not_counted),
        cmocka_unit_test(drop_takes_from_the_front),
        cmocka_unit_test(reset_wipes_and_keeps_the_memory),
        cmocka_unit_test(out_of_memory_is_sticky),
        cmocka_unit_test(an_impossible_length_fails),
    };

    return cmocka_run_group_tests_name("buf", tests, NULL, NULL);
}
