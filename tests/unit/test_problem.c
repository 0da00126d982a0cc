/* Problems: stable codes, the deepest word, exit codes. */
#include "client/problem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void
the_first_word_stands(void **state)
{
    struct problem pb = {0};

    (void)state;
    assert_int_equal(
        problem_set(&pb, P_DISK, ERR_FULL, "not kept", "%d bytes", 7),
        ERR_FULL);
    assert_int_equal(problem_set(&pb, P_INTERNAL, ERR_IO, "later", "x"),
                     ERR_IO);
    assert_int_equal(problem_from_err(&pb, "later", ERR_NOMEM), ERR_NOMEM);
    assert_int_equal(pb.id, P_DISK);
    assert_string_equal(pb.what, "not kept");
    assert_string_equal(pb.why, "7 bytes");
}

static void
next_is_the_tables_unless_the_caller_knows_better(void **state)
{
    struct problem pb = {0};

    (void)state;
    (void)problem_set(&pb, P_AMBIGUOUS, ERR_CONFLICT, "x", "y");
    assert_string_equal(problem_next_text(&pb), "give more of the id");
    problem_next(&pb, "try %s", "this");
    assert_string_equal(problem_next_text(&pb), "try this");
}

static void
no_error_is_no_problem(void **state)
{
    struct problem pb = {0};

    (void)state;
    assert_int_equal(problem_from_err(&pb, "x", ERR_OK), ERR_OK);
    assert_int_equal(pb.id, P_NONE);
}

static void
every_error_has_a_problem(void **state)
{
    (void)state;
    for (int e = ERR_OK + 1; e < ERR_COUNT; e++) {
        struct problem pb = {0};

        assert_int_equal(problem_from_err(&pb, "x", (enum err)e), e);
        assert_int_not_equal(pb.id, P_NONE);
        assert_int_not_equal(problem_exit(pb.id), EXIT_CODE_OK);
        assert_string_equal(pb.why, err_text((enum err)e));
    }
}

static void
codes_are_stable_and_their_own(void **state)
{
    (void)state;
    for (int i = P_NONE + 1; i < P_COUNT; i++) {
        const char *code = problem_code((enum problem_id)i);
        struct problem pb = {.id = (enum problem_id)i};

        assert_int_equal(strncmp(code, "E-", 2), 0);
        assert_true(strlen(problem_next_text(&pb)) > 0);
        for (int j = i + 1; j < P_COUNT; j++)
            assert_string_not_equal(code, problem_code((enum problem_id)j));
    }
    /* What scripts rely on. */
    assert_int_equal(problem_exit(P_USAGE), 2);
    assert_int_equal(problem_exit(P_PARTLY), 3);
    assert_int_equal(problem_exit(P_NO_IDENTITY), 10);
    assert_int_equal(problem_exit(P_PASSPHRASE), 11);
    assert_int_equal(problem_exit(P_UNREACHABLE), 12);
    assert_int_equal(problem_exit(P_POLICY), 13);
    assert_int_equal(problem_exit(P_VERIFY), 14);
    assert_int_equal(problem_exit(P_AUDIT), 20);
    assert_string_equal(problem_code(P_NO_IDENTITY), "E-NO-IDENTITY");
    assert_string_equal(problem_code(P_COUNT), "E-?");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_word_stands),
        cmocka_unit_test(next_is_the_tables_unless_the_caller_knows_better),
        cmocka_unit_test(no_error_is_no_problem),
        cmocka_unit_test(every_error_has_a_problem),
        cmocka_unit_test(codes_are_stable_and_their_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
