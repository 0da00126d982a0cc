#include "common/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/lib/fail_alloc.h"

struct conf {
    char *listen;
    uint64_t clients, quota, idle_ms;
    bool publish;
};

static const struct config_key keys[] = {
    {"network", "listen", CONFIG_STR, offsetof(struct conf, listen), 1, 40},
    {"network", "clients", CONFIG_U64, offsetof(struct conf, clients), 1,
     50000},
    {"network", "idle", CONFIG_DURATION, offsetof(struct conf, idle_ms), 1000,
     0},
    {"store", "quota", CONFIG_SIZE, offsetof(struct conf, quota), 0, 1048576},
    {"store", "publish", CONFIG_BOOL, offsetof(struct conf, publish), 0, 0},
};
#define KEYS (sizeof(keys) / sizeof(keys[0]))

static void
assert_errors(const char *text, const char *expect)
{
    struct conf c = {.clients = 7};
    struct buf errors = {0};
    enum err rc = config_parse(text, "f", keys, KEYS, &c, &errors);

    buf_u8(&errors, 0);
    assert_string_equal((char *)errors.data, expect);
    assert_int_equal(rc, expect[0] != '\0' ? ERR_MALFORMED : ERR_OK);
    buf_clear(&errors);
    config_clear(keys, KEYS, &c);
    assert_null(c.listen);
}

static void
values_go_where_the_table_says(void **state)
{
    struct conf c = {.clients = 7, .listen = strdup("old")};
    struct buf errors = {0};

    (void)state;
    assert_int_equal(config_parse("# comment\n"
                                  "[network]\n"
                                  "listen = [::]:4431  ; all of them\n"
                                  "idle=2m\r\n"
                                  "\n"
                                  "[store]\n"
                                  "quota = 64k\n"
                                  "publish: yes",
                                  "f", keys, KEYS, &c, &errors),
                     ERR_OK);
    assert_string_equal(c.listen, "[::]:4431");
    assert_true(c.idle_ms == 120000);
    assert_true(c.quota == 65536);
    assert_true(c.publish);
    assert_true(c.clients == 7); /* the default stays */
    assert_int_equal(errors.len, 0);
    config_clear(keys, KEYS, &c);
    config_clear(keys, KEYS, &c);
}

static void
unknown_names_are_errors_with_a_hint(void **state)
{
    (void)state;
    assert_errors("[network]\nlisen = x\n",
                  "f:2: unknown key \"lisen\" in [network]; did you mean "
                  "\"listen\"?\n");
    assert_errors("[network]\nwhatever = x\n",
                  "f:2: unknown key \"whatever\" in [network]\n");
    assert_errors("\n[netwrok]\nlisten = x\n",
                  "f:3: unknown section [netwrok]; did you mean [network]?\n");
    assert_errors("listen = x\n", "f:1: unknown section []\n");
}

static void
a_key_that_stands_twice_is_an_error(void **state)
{
    (void)state;
    assert_errors("[network]\nclients = 1\nclients = 2\n",
                  "f:3: clients: stands twice, first in line 2\n");
    assert_errors("[network]\nlisten = a\n  b\n",
                  "f:3: listen: stands twice, first in line 2\n");
}

static void
a_bad_value_says_what_is_expected(void **state)
{
    (void)state;
    assert_errors("[network]\nidle = 5 parsecs\n",
                  "f:2: idle: \"5 parsecs\" is not a time such as 500ms, 30s, "
                  "15m or 7d\n");
    assert_errors("[network]\nclients = 1k\n",
                  "f:2: clients: \"1k\" is not a whole number such as 12\n");
    assert_errors("[network]\nclients = -1\n",
                  "f:2: clients: \"-1\" is not a whole number such as 12\n");
    assert_errors("[store]\nquota = big\n",
                  "f:2: quota: \"big\" is not a size such as 500, 64k, 10M or "
                  "2G\n");
    assert_errors("[store]\npublish = 1\n",
                  "f:2: publish: \"1\" is not yes or no\n");
    assert_errors("[network]\nlisten = \x1b\n", "");
    assert_errors("[network]\nidle = \x1b\n",
                  "f:2: idle: \"\\u{1b}\" is not a time such as 500ms, 30s, "
                  "15m or 7d\n");
}

static void
ranges_are_told_in_their_own_units(void **state)
{
    (void)state;
    assert_errors("[network]\nclients = 0\n",
                  "f:2: clients: must be at least 1\n");
    assert_errors("[network]\nidle = 10ms\n",
                  "f:2: idle: must be at least 1s\n");
    assert_errors("[store]\nquota = 2M\n", "f:2: quota: must be at most 1M\n");
    assert_errors("[network]\nlisten =\n",
                  "f:2: listen: must be at least 1 bytes\n");
}

static void
every_problem_gets_its_line(void **state)
{
    (void)state;
    assert_errors("[network]\nclients = x\nnonsense\nidle = y\n",
                  "f:2: clients: \"x\" is not a whole number such as 12\n"
                  "f:4: idle: \"y\" is not a time such as 500ms, 30s, 15m or "
                  "7d\n"
                  "f:3: this is neither [section], key = value nor # "
                  "comment\n");
}

static void
a_line_that_is_too_long_is_not_two_lines(void **state)
{
    struct conf c = {0};
    struct buf errors = {0}, text = {0};

    (void)state;
    buf_str(&text, "[network]\nlisten = ");
    for (int i = 0; i < 5000; i++)
        buf_str(&text, "x");
    buf_str(&text, "\nclients = 3\n");
    buf_u8(&text, 0);
    assert_int_equal(
        config_parse((char *)text.data, "f", keys, KEYS, &c, &errors),
        ERR_MALFORMED);
    buf_u8(&errors, 0);
    assert_non_null(strstr((char *)errors.data, "f:2: this line is longer"));
    assert_null(c.listen);
    assert_true(c.clients == 3);
    buf_clear(&errors);
    buf_clear(&text);
}

static void
a_file_is_read_and_a_missing_one_is_told(void **state)
{
    char path[] = "/tmp/sealpost-test-XXXXXX";
    struct conf c = {0};
    struct buf errors = {0};
    int fd = mkstemp(path);

    (void)state;
    assert_int_equal(write(fd, "[network]\nlisten = a\n", 21), 21);
    assert_int_equal(config_load(path, keys, KEYS, &c, &errors), ERR_OK);
    assert_string_equal(c.listen, "a");
    config_clear(keys, KEYS, &c);
    assert_int_equal(write(fd, "\0", 1), 1);
    assert_int_equal(config_load(path, keys, KEYS, &c, &errors), ERR_MALFORMED);
    assert_true(errors.len > 0);
    close(fd);
    unlink(path);
    assert_int_equal(config_load(path, keys, KEYS, &c, &errors), ERR_NOTFOUND);
    buf_clear(&errors);
}

static void
numbers_do_not_overflow(void **state)
{
    uint64_t n = 5;

    (void)state;
    assert_int_equal(config_parse_size(&n, "18446744073709551615"), ERR_OK);
    assert_true(n == UINT64_MAX);
    assert_int_equal(config_parse_size(&n, "18446744073709551616"),
                     ERR_MALFORMED);
    assert_int_equal(config_parse_size(&n, "18446744073709551615k"),
                     ERR_MALFORMED);
    assert_int_equal(config_parse_duration(&n, "300000000000d"), ERR_MALFORMED);
    assert_int_equal(config_parse_duration(&n, "30"), ERR_MALFORMED);
    assert_true(n == UINT64_MAX);
    assert_int_equal(config_parse_duration(&n, "7 d"), ERR_OK);
    assert_true(n == 7u * 86400000u);
}

static void
without_memory_nothing_leaks(void **state)
{
    bool failed = true;

    (void)state;
    for (unsigned long at = 0; failed; at++) {
        struct conf c = {0};
        struct buf errors = {0};
        enum err rc;

        fail_alloc_at(at);
        rc = config_parse("[network]\nlisten = a\nclients = x\n", "f", keys,
                          KEYS, &c, &errors);
        failed = fail_alloc_off();
        assert_int_equal(rc, failed ? ERR_NOMEM : ERR_MALFORMED);
        buf_clear(&errors);
        config_clear(keys, KEYS, &c);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_go_where_the_table_says),
        cmocka_unit_test(unknown_names_are_errors_with_a_hint),
        cmocka_unit_test(a_key_that_stands_twice_is_an_error),
        cmocka_unit_test(a_bad_value_says_what_is_expected),
        cmocka_unit_test(ranges_are_told_in_their_own_units),
        cmocka_unit_test(every_problem_gets_its_line),
        cmocka_unit_test(a_line_that_is_too_long_is_not_two_lines),
        cmocka_unit_test(a_file_is_read_and_a_missing_one_is_told),
        cmocka_unit_test(numbers_do_not_overflow),
        cmocka_unit_test(without_memory_nothing_leaks),
    };

    return cmocka_run_group_tests_name("config", tests, NULL, NULL);
}
