#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/os.h"
#include "proto/header.h"
#include "server/conf.h"
#include "server/warn_clock.h"
#include "tests/lib/scratch.h"

#define MINUTE UINT64_C(60000)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)
/* Monday, 4 January 2027, 00:00 UTC. */
#define MONDAY UINT64_C(1799020800000)
#define AT(day, hour) (MONDAY + (day)*DAY + (hour)*HOUR)

static const struct warn_clock utc;
static const struct warn_clock paris = {.utc_offset_min = 60};
static const struct warn_clock far_west = {.utc_offset_min = -10 * 60};

static void
working_time_is_counted_in_the_day(void **state)
{
    (void)state;
    assert_int_equal(warn_working_ms(&utc, AT(0, 9), 4 * HOUR), AT(0, 13));
    assert_int_equal(warn_working_ms(&utc, AT(0, 10) + 5, HOUR), AT(0, 11) + 5);
    assert_int_equal(warn_working_ms(&utc, AT(0, 13), 4 * HOUR), AT(0, 17));
}

static void
working_time_goes_on_the_next_working_day(void **state)
{
    (void)state;
    assert_int_equal(warn_working_ms(&utc, AT(0, 3), HOUR), AT(0, 10));
    assert_int_equal(warn_working_ms(&utc, AT(0, 16), 4 * HOUR), AT(1, 12));
    assert_int_equal(warn_working_ms(&utc, AT(0, 17), HOUR), AT(1, 10));
    assert_int_equal(warn_working_ms(&utc, AT(0, 22), HOUR), AT(1, 10));
    /* Friday evening to Monday, two days and a half of work later. */
    assert_int_equal(warn_working_ms(&utc, AT(4, 18), 4 * HOUR), AT(7, 13));
    assert_int_equal(warn_working_ms(&utc, AT(4, 15), 4 * HOUR), AT(7, 11));
    assert_int_equal(warn_working_ms(&utc, AT(5, 12), 20 * HOUR), AT(9, 13));
}

static void
the_working_day_lies_where_the_operator_says(void **state)
{
    (void)state;
    assert_int_equal(warn_working_ms(&paris, AT(0, 8), HOUR), AT(0, 9));
    assert_int_equal(warn_working_ms(&paris, AT(0, 16), HOUR), AT(1, 9));
    /* Monday morning in Greenwich is Sunday evening far west. */
    assert_int_equal(warn_working_ms(&far_west, AT(0, 2), HOUR), AT(0, 20));
    assert_int_equal(warn_working_ms(&far_west, 0, HOUR), HOUR);
}

static void
an_offset_is_a_sign_hours_and_minutes(void **state)
{
    static const char *const bad[] = {"",       "1",      "+1:00", "01:00",
                                      "+01:60", "+15:00", "+0100", "+01:000",
                                      " 01:00", "+-1:00", "+ 1:00"};
    int32_t min = 7;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(warn_parse_offset(bad[i], &min), ERR_MALFORMED);
    assert_int_equal(min, 7);
    assert_int_equal(warn_parse_offset("Z", &min), ERR_OK);
    assert_int_equal(min, 0);
    assert_int_equal(warn_parse_offset("+05:30", &min), ERR_OK);
    assert_int_equal(min, 330);
    assert_int_equal(warn_parse_offset("-10:00", &min), ERR_OK);
    assert_int_equal(min, -600);
}

static uint64_t
next(unsigned class, uint64_t stored, uint64_t end, uint64_t after)
{
    return warn_next_ms(&utc, class, stored, end / 1000, after);
}

static void
urgent_and_routine_have_clocks_of_their_own(void **state)
{
    uint64_t at = AT(0, 10);
    uint64_t end = AT(8, 10);

    (void)state;
    assert_int_equal(next(PACKET_URGENT, at, end, at), AT(0, 11));
    assert_int_equal(next(PACKET_ROUTINE, at, end, at), AT(0, 14));
    /* On a Saturday urgent is urgent, and routine is Monday. */
    at = AT(5, 10);
    end = AT(13, 10);
    assert_int_equal(next(PACKET_URGENT, at, end, at), AT(5, 11));
    assert_int_equal(next(PACKET_ROUTINE, at, end, at), AT(7, 13));
}

static void
the_last_alert_comes_when_a_quarter_is_left(void **state)
{
    uint64_t at = AT(0, 10);
    uint64_t end = AT(8, 10);

    (void)state;
    assert_int_equal(next(PACKET_URGENT, at, end, AT(0, 11)), AT(6, 10));
    assert_int_equal(next(PACKET_URGENT, at, end, AT(6, 10) - 1), AT(6, 10));
    assert_int_equal(next(PACKET_URGENT, at, end, AT(6, 10)), 0);
    assert_int_equal(next(PACKET_URGENT, at, end, AT(7, 0)), 0);
}

static void
in_a_short_life_the_last_alert_is_the_only_one(void **state)
{
    uint64_t at = AT(4, 18); /* Friday evening, for a day */
    uint64_t end = AT(5, 18);

    (void)state;
    assert_int_equal(next(PACKET_ROUTINE, at, end, at), AT(5, 12));
    assert_int_equal(next(PACKET_ROUTINE, at, end, AT(5, 12)), 0);
    assert_int_equal(next(PACKET_URGENT, at, at + HOUR, at), at + 45 * MINUTE);
}

static void
no_alert_comes_at_or_after_the_end(void **state)
{
    uint64_t at = AT(0, 10);

    (void)state;
    for (uint64_t life = 0; life < 5000; life += 500) {
        uint64_t t = next(PACKET_URGENT, at, at + life, at);

        assert_true(t < (at + life) / 1000 * 1000);
    }
    assert_int_equal(next(PACKET_URGENT, at, at - HOUR, at), 0);
    assert_int_equal(next(PACKET_URGENT, at, at + DAY, at + 2 * DAY), 0);
}

static void
the_operator_sets_both_clocks(void **state)
{
    struct warn_clock c = {.urgent_ms = 10 * MINUTE, .routine_ms = 8 * HOUR};
    uint64_t at = AT(0, 10);

    (void)state;
    assert_int_equal(warn_next_ms(&c, PACKET_URGENT, at, AT(8, 10) / 1000, at),
                     at + 10 * MINUTE);
    assert_int_equal(warn_next_ms(&c, PACKET_ROUTINE, at, AT(8, 10) / 1000, at),
                     AT(1, 10));
}

/* ---- as configured ---- */

static enum err
load(const char *text, struct conf *conf, struct buf *errors)
{
    char *dir = scratch_new();
    char path[OS_PATH_MAX];
    enum err rc;

    assert_int_equal(os_path_join(path, sizeof(path), dir, "conf"), ERR_OK);
    assert_int_equal(os_write_file_atomic(path, text, strlen(text), 0600),
                     ERR_OK);
    rc = conf_load(conf, path, errors);
    scratch_free(dir);
    return rc;
}

static void
the_configuration_says_when(void **state)
{
    struct buf errors = {0};
    struct conf conf;

    (void)state;
    assert_int_equal(load("[warn]\nurgent = 30m\nroutine = 2h\n"
                          "utc_offset = +01:00\n[mailbox]\n"
                          "show_collected = no\n",
                          &conf, &errors),
                     ERR_OK);
    assert_int_equal(conf.warn_urgent_ms, 30 * MINUTE);
    assert_int_equal(conf.warn_routine_ms, 2 * HOUR);
    assert_false(conf.show_collected);
    conf_clear(&conf);
    assert_int_equal(load("[warn]\nutc_offset = 1\n", &conf, &errors),
                     ERR_MALFORMED);
    buf_u8(&errors, 0);
    assert_non_null(strstr((char *)errors.data, "utc_offset: \"1\""));
    conf_clear(&conf);
    buf_clear(&errors);
}

#define CASE(f) cmocka_unit_test(f)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(working_time_is_counted_in_the_day),
        CASE(working_time_goes_on_the_next_working_day),
        CASE(the_working_day_lies_where_the_operator_says),
        CASE(an_offset_is_a_sign_hours_and_minutes),
        CASE(urgent_and_routine_have_clocks_of_their_own),
        CASE(the_last_alert_comes_when_a_quarter_is_left),
        CASE(in_a_short_life_the_last_alert_is_the_only_one),
        CASE(no_alert_comes_at_or_after_the_end),
        CASE(the_operator_sets_both_clocks),
        CASE(the_configuration_says_when),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
