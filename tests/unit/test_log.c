#include "common/log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static char seen[8192];
static int normal_stderr, ends[2];

static void
start_watching(void)
{
    memset(seen, 0, sizeof(seen));
    normal_stderr = dup(2);
    assert_int_equal(pipe(ends), 0);
    dup2(ends[1], 2);
    close(ends[1]);
}

static void
stop_watching(void)
{
    size_t len = 0;
    ssize_t n;

    dup2(normal_stderr, 2);
    close(normal_stderr);
    while ((n = read(ends[0], seen + len, sizeof(seen) - 1 - len)) > 0)
        len += (size_t)n;
    close(ends[0]);
}

static void
a_line_has_time_program_and_level(void **state)
{
    (void)state;
    unsetenv("JOURNAL_STREAM");
    log_open(LOG_LEVEL_INFO, "sealpostd");
    start_watching();
    log_info("listening on %s", "[::1]:4431");
    stop_watching();
    assert_int_equal(strspn(seen, "0123456789-T:.Z"), 24);
    assert_string_equal(seen + 24,
                        " sealpostd info: listening on [::1]:4431\n");
}

static void
the_level_decides(void **state)
{
    (void)state;
    log_open(LOG_LEVEL_WARN, "x");
    start_watching();
    log_debug("no");
    log_info("no");
    log_warn("yes");
    log_error("yes");
    stop_watching();
    assert_null(strstr(seen, "no"));
    assert_non_null(strstr(seen, "x warn: yes\n"));
    assert_non_null(strstr(seen, "x error: yes\n"));
    assert_true(log_wants(LOG_LEVEL_WARN));
    assert_false(log_wants(LOG_LEVEL_INFO));
}

static void
an_argument_cannot_make_lines_or_colours(void **state)
{
    (void)state;
    log_open(LOG_LEVEL_WARN, "x");
    start_watching();
    log_warn("peer says \"%s\"", "a\nb\x1b[31m");
    stop_watching();
    assert_non_null(strstr(seen, "\"a\\u{a}b\\u{1b}[31m\"\n"));
}

static void
a_long_message_is_cut_to_one_line(void **state)
{
    char big[6000];

    (void)state;
    memset(big, 'y', sizeof(big) - 1);
    big[sizeof(big) - 1] = '\0';
    log_open(LOG_LEVEL_WARN, "x");
    start_watching();
    log_warn("%s", big);
    stop_watching();
    assert_in_range(strlen(seen), 1000, 4096);
    assert_ptr_equal(strchr(seen, '\n'), seen + strlen(seen) - 1);
}

static void
journald_gets_a_priority_and_no_time(void **state)
{
    (void)state;
    setenv("JOURNAL_STREAM", "8:1", 1);
    log_open(LOG_LEVEL_WARN, "x");
    start_watching();
    log_warn("disk");
    stop_watching();
    assert_string_equal(seen, "<4>warn: disk\n");
    unsetenv("JOURNAL_STREAM");
}

static void
levels_have_names(void **state)
{
    enum log_level level = LOG_LEVEL_ERROR;

    (void)state;
    assert_true(log_level_parse(&level, "debug"));
    assert_int_equal(level, LOG_LEVEL_DEBUG);
    assert_false(log_level_parse(&level, "loud"));
    assert_int_equal(level, LOG_LEVEL_DEBUG);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_has_time_program_and_level),
        cmocka_unit_test(the_level_decides),
        cmocka_unit_test(an_argument_cannot_make_lines_or_colours),
        cmocka_unit_test(a_long_message_is_cut_to_one_line),
        cmocka_unit_test(journald_gets_a_priority_and_no_time),
        cmocka_unit_test(levels_have_names),
    };

    return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
