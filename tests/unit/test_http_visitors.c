#include "common/http_visitors.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static const uint8_t seed[16];

/* 10.x.x.x, mapped into IPv6. */
static const uint8_t *
v4(uint32_t last)
{
    static uint8_t a[16];

    memset(a, 0, sizeof(a));
    a[10] = a[11] = 0xff;
    a[12] = 10;
    a[13] = (uint8_t)(last >> 16);
    a[14] = (uint8_t)(last >> 8);
    a[15] = (uint8_t)last;
    return a;
}

static void
a_burst_is_given_and_then_the_rate(void **state)
{
    struct http_visitors v;
    struct http_visitor *one;
    unsigned wait_s = 0, given = 0;

    (void)state;
    http_visitors_init(&v, 2, 5, seed);
    one = http_visitors_enter(&v, v4(1));
    while (http_visitors_ask(&v, one, 1000, &wait_s))
        given++;
    assert_int_equal(given, 5);
    assert_int_equal(wait_s, 1);
    assert_false(http_visitors_ask(&v, one, 1499, &wait_s));
    assert_true(http_visitors_ask(&v, one, 1500, &wait_s));
    assert_false(http_visitors_ask(&v, one, 1500, &wait_s));
    /* After a long time the burst again and not more. */
    given = 0;
    while (http_visitors_ask(&v, one, 900000, &wait_s))
        given++;
    assert_int_equal(given, 5);
    http_visitors_clear(&v);
}

static void
going_away_pays_no_debt(void **state)
{
    struct http_visitors v;
    struct http_visitor *one;
    unsigned wait_s = 0;

    (void)state;
    http_visitors_init(&v, 1, 1, seed);
    one = http_visitors_enter(&v, v4(1));
    assert_true(http_visitors_ask(&v, one, 0, &wait_s));
    http_visitors_leave(&v, one);
    one = http_visitors_enter(&v, v4(1));
    assert_int_equal(one->connections, 1);
    assert_false(http_visitors_ask(&v, one, 0, &wait_s));
    one = http_visitors_enter(&v, v4(2));
    assert_true(http_visitors_ask(&v, one, 0, &wait_s));
    http_visitors_clear(&v);
}

static void
a_customer_has_one_account(void **state)
{
    struct http_visitors v;
    uint8_t a[16] = {0x20, 1, 0xd, 0xb8, [15] = 1};
    struct http_visitor *one, *two;

    (void)state;
    http_visitors_init(&v, 0, 0, seed);
    one = http_visitors_enter(&v, a);
    a[8] = a[15] = 77;
    assert_ptr_equal(http_visitors_enter(&v, a), one);
    assert_int_equal(one->connections, 2);
    a[7] = 1;
    two = http_visitors_enter(&v, a);
    assert_ptr_not_equal(one, two);
    assert_ptr_not_equal(http_visitors_enter(&v, v4(1)),
                         http_visitors_enter(&v, v4(2)));
    http_visitors_clear(&v);
}

static void
those_who_left_are_forgotten_at_last(void **state)
{
    struct http_visitors v;
    struct http_visitor *stays;

    (void)state;
    http_visitors_init(&v, 1, 1, seed);
    stays = http_visitors_enter(&v, v4(0));
    for (uint32_t i = 1; i <= 3000; i++)
        http_visitors_leave(&v, http_visitors_enter(&v, v4(i)));
    assert_int_equal(v.gone_count, HTTP_VISITORS_GONE_MAX);
    assert_int_equal(v.map.count, HTTP_VISITORS_GONE_MAX + 1);
    assert_ptr_equal(map_find(&v.map, v4(0)), stays);
    assert_null(map_find(&v.map, v4(1)));
    assert_non_null(map_find(&v.map, v4(3000)));
    http_visitors_clear(&v);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_burst_is_given_and_then_the_rate),
        cmocka_unit_test(going_away_pays_no_debt),
        cmocka_unit_test(a_customer_has_one_account),
        cmocka_unit_test(those_who_left_are_forgotten_at_last),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
