/* A command's own arguments. */
#include "client/args.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static const char *text;
static bool flag;
static struct arg_list list;
static const struct arg table[] = {
    {"--label", ARG_TEXT, &text},
    {"--force", ARG_FLAG, &flag},
    {"--device", ARG_LIST, &list},
    {"-o", ARG_TEXT, &text},
};
static const char *rest[2];
static size_t n;
static struct problem pb;

static int
setup(void **state)
{
    (void)state;
    text = NULL;
    flag = false;
    memset(&list, 0, sizeof(list));
    memset(&pb, 0, sizeof(pb));
    return 0;
}

#define PARSE(...)                                                             \
    parse((char *[]){"cmd", __VA_ARGS__, NULL},                                \
          (int)(sizeof((char *[]){"cmd", __VA_ARGS__}) / sizeof(char *)))

static enum err
parse(char **argv, int argc)
{
    return args_parse(argc, argv, ARGS(table), rest, 2, &n, &pb);
}

static void
values_stand_behind_a_space_or_an_equals_sign(void **state)
{
    (void)state;
    assert_int_equal(PARSE("--label", "a", "x", "--force"), ERR_OK);
    assert_string_equal(text, "a");
    assert_true(flag);
    assert_int_equal(n, 1);
    assert_string_equal(rest[0], "x");
    assert_int_equal(PARSE("--label=b=c"), ERR_OK);
    assert_string_equal(text, "b=c");
    assert_int_equal(PARSE("--label="), ERR_OK);
    assert_string_equal(text, "");
    assert_int_equal(n, 0);
}

static void
the_last_text_wins_and_lists_gather(void **state)
{
    (void)state;
    assert_int_equal(
        PARSE("--label", "a", "-o", "b", "--device", "1", "--device=2"),
        ERR_OK);
    assert_string_equal(text, "b");
    assert_int_equal(list.n, 2);
    assert_string_equal(list.item[0], "1");
    assert_string_equal(list.item[1], "2");
}

static void
two_dashes_end_the_options_and_one_is_a_word(void **state)
{
    (void)state;
    assert_int_equal(PARSE("-", "--", "--force"), ERR_OK);
    assert_false(flag);
    assert_int_equal(n, 2);
    assert_string_equal(rest[0], "-");
    assert_string_equal(rest[1], "--force");
}

static void
a_near_miss_gets_a_did_you_mean(void **state)
{
    (void)state;
    assert_int_equal(PARSE("--lable", "a"), ERR_MALFORMED);
    assert_int_equal(pb.id, P_USAGE);
    assert_string_equal(pb.next, "did you mean --label?");
    memset(&pb, 0, sizeof(pb));
    assert_int_equal(PARSE("--quite-another"), ERR_MALFORMED);
    assert_string_equal(problem_next_text(&pb),
                        "see `sealpost help` or `sealpost help COMMAND`");
}

static void
what_is_missing_or_too_much_is_said(void **state)
{
    (void)state;
    assert_int_equal(PARSE("--label"), ERR_MALFORMED);
    assert_non_null(strstr(pb.why, "--label needs a value"));
    setup(NULL);
    assert_int_equal(PARSE("a", "b", "c"), ERR_MALFORMED);
    assert_non_null(strstr(pb.why, "\"c\" is one word too many"));
    setup(NULL);
    assert_int_equal(PARSE("--force=yes"), ERR_MALFORMED);
    assert_int_equal(pb.id, P_USAGE);
    assert_false(flag);
}

static void
a_list_has_an_end(void **state)
{
    char *argv[2 * ARG_LIST_MAX + 4] = {"cmd"};
    int argc = 1;

    (void)state;
    while (argc < 2 * ARG_LIST_MAX + 1) {
        argv[argc++] = "--device";
        argv[argc++] = "x";
    }
    assert_int_equal(parse(argv, argc), ERR_OK);
    assert_int_equal(list.n, ARG_LIST_MAX);
    argv[argc++] = "--device=x";
    list.n = 0;
    assert_int_equal(parse(argv, argc), ERR_TOOBIG);
}

static void
numbers_are_whole_and_within_their_bounds(void **state)
{
    static const char *const bad[] = {
        "",   "0",  "15", "-3",  "+3",
        "3d", " 3", "x",  "3.0", "99999999999999999999999"};
    unsigned long v = 77;

    (void)state;
    assert_int_equal(args_number("14", "--days", 1, 14, &v, &pb), ERR_OK);
    assert_true(v == 14);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        setup(NULL);
        assert_int_equal(args_number(bad[i], "--days", 1, 14, &v, &pb),
                         ERR_MALFORMED);
        assert_int_equal(pb.id, P_USAGE);
        assert_true(v == 14);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(values_stand_behind_a_space_or_an_equals_sign,
                               setup),
        cmocka_unit_test_setup(the_last_text_wins_and_lists_gather, setup),
        cmocka_unit_test_setup(two_dashes_end_the_options_and_one_is_a_word,
                               setup),
        cmocka_unit_test_setup(a_near_miss_gets_a_did_you_mean, setup),
        cmocka_unit_test_setup(what_is_missing_or_too_much_is_said, setup),
        cmocka_unit_test_setup(a_list_has_an_end, setup),
        cmocka_unit_test_setup(numbers_are_whole_and_within_their_bounds,
                               setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
