#include "common/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#define A_MORNING 1795329000123u /* 2026-11-22 06:30:00.123 UTC */

static void
times_are_shown_in_utc_and_in_the_local_zone(void **state)
{
    char text[CLOCK_TEXT_MAX];

    (void)state;
    setenv("TZ", "IST-5:30", 1);
    tzset();
    clock_format_utc(text, A_MORNING);
    assert_string_equal(text, "2026-11-22 06:30 UTC");
    clock_format_local(text, A_MORNING);
    assert_string_equal(text, "2026-11-22 12:00 +05:30");
    setenv("TZ", "BRT3", 1);
    tzset();
    clock_format_local(text, A_MORNING);
    assert_string_equal(text, "2026-11-22 03:30 -03:00");
    clock_format_rfc3339(text, A_MORNING);
    assert_string_equal(text, "2026-11-22T06:30:00.123Z");
    clock_format_utc(text, UINT64_MAX);
    assert_string_equal(text, "9999-12-31 23:59 UTC");
}

static void
rfc_3339_is_read_in_any_zone(void **state)
{
    static const struct {
        const char *text;
        uint64_t ms;
    } good[] = {
        {"2026-11-22T06:30:00.123Z", A_MORNING},
        {"2026-11-22T12:00:00.1239+05:30", A_MORNING},
        {"2026-11-22T03:30:00.123-03:00", A_MORNING},
        {"2026-11-22T06:30:00Z", A_MORNING - 123},
        {"1970-01-01", 0},
        {"2024-02-29", 1709164800000u},
    };
    uint64_t ms;

    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        assert_int_equal(clock_parse_rfc3339(&ms, good[i].text), ERR_OK);
        assert_true(ms == good[i].ms);
    }
}

static void
what_is_no_time_is_refused(void **state)
{
    static const char *const bad[] = {
        "",
        "2026",
        "2026-02-29",
        "2026-04-31",
        "2026-13-01",
        "2026-00-10",
        "2026-1-01",
        "2026-11-22 06:30:00Z",
        "2026-11-22T06:30Z",
        "2026-11-22T06:30:00",
        "2026-11-22T24:30:00Z",
        "2026-11-22T06:60:00Z",
        "2026-11-22T06:30:61Z",
        "2026-11-22T06:30:00.Z",
        "2026-11-22T06:30:00Zz",
        "2026-11-22T06:30:00+5:30",
        "2026-11-22T06:30:00+24:00",
        "1969-12-31",
        "-026-11-22",
    };
    uint64_t ms = 77;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(clock_parse_rfc3339(&ms, bad[i]), ERR_MALFORMED);
    assert_true(ms == 77);
}

static void
spans_are_rounded_to_what_people_say(void **state)
{
    static const struct {
        uint64_t ms;
        const char *text;
    } rows[] = {
        {0, "0 s"},
        {999, "0 s"},
        {45000, "45 s"},
        {119999, "119 s"},
        {180000, "3 min"},
        {129600000, "36 h"},
        {172800000, "2 days"},
        {1036800000, "12 days"},
    };
    char text[CLOCK_TEXT_MAX];

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        clock_format_span(text, rows[i].ms);
        assert_string_equal(text, rows[i].text);
    }
}

static void
the_clocks_run(void **state)
{
    uint64_t before = clock_mono_ms();

    (void)state;
    assert_true(clock_mono_ms() >= before);
    assert_true(clock_wall_ms() > 1700000000000u);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_are_shown_in_utc_and_in_the_local_zone),
        cmocka_unit_test(rfc_3339_is_read_in_any_zone),
        cmocka_unit_test(what_is_no_time_is_refused),
        cmocka_unit_test(spans_are_rounded_to_what_people_say),
        cmocka_unit_test(the_clocks_run),
    };

    return cmocka_run_group_tests_name("clock", tests, NULL, NULL);
}
