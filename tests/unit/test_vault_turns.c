/*
 * Two processes and one vault: who holds it, and what one learns of the other.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "client/vault_impl.h"
#include "tests/lib/vault_fixture.h"

#define test(f)                                                                \
    cmocka_unit_test_setup_teardown(f, fixture_setup, fixture_teardown)

enum { KIND = 9 };

static const struct vault_secret sheet = {
    VAULT_PAPER, "another sheet of paper, 32 bytes", VAULT_PAPER_LEN};

/* Runs WORK in another process, with a vault of its own opening in fx.v. */
static void
in_another_process(void (*work)(void))
{
    int status;
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        fx.v = NULL; /* the parent's; its descriptors are only ours to keep */
        if (fixture_open() != ERR_OK)
            _exit(2);
        work();
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

static bool
commits(unsigned number)
{
    return vault_begin(fx.v) == ERR_OK &&
           vault_put(fx.v, KIND, record_id(number), "new", 3) == ERR_OK &&
           vault_commit(fx.v) == ERR_OK;
}

static void
must(bool ok)
{
    if (!ok)
        _exit(1);
}

static void
append_one(void)
{
    must(commits(100));
}

static void
append_and_close(void)
{
    must(commits(101));
    must(vault_close(fx.v) == ERR_OK);
}

static void
rewrite_and_change_slot(void)
{
    must(vault_begin(fx.v) == ERR_OK);
    for (unsigned i = 0; i < 30; i++)
        must(vault_delete(fx.v, KIND, record_id(i), VAULT_SHRED_NOW) == ERR_OK);
    must(vault_commit(fx.v) == ERR_OK);
    must(vault_slot_change(fx.v, 0, &sheet, NULL) == ERR_OK);
    must(commits(102));
    must(vault_close(fx.v) == ERR_OK);
}

static void
only_look(void)
{
    must(has_record(1, 100));
    must(vault_close(fx.v) == ERR_OK);
}

static void
a_held_vault_is_busy(void **state)
{
    struct vault *v = NULL;

    (void)state;
    assert_int_equal(vault_open(&v, fx.dir, &paper, 0), ERR_BUSY);
    assert_int_equal(vault_open(&v, fx.dir, &paper, 30), ERR_BUSY);
    assert_null(v);
    assert_int_equal(vault_release(fx.v), ERR_OK);
    assert_int_equal(vault_open(&v, fx.dir, &paper, 0), ERR_OK);
    assert_int_equal(vault_reacquire(fx.v, 0, NULL), ERR_BUSY);
    assert_int_equal(vault_close(v), ERR_OK);
    assert_int_equal(vault_reacquire(fx.v, 0, NULL), ERR_OK);
}

static void
a_released_vault_does_nothing(void **state)
{
    struct buf out = {0};

    (void)state;
    commit_record(1, 10);
    assert_int_equal(vault_begin(fx.v), ERR_OK);
    assert_int_equal(vault_release(fx.v), ERR_STATE);
    vault_abort(fx.v);
    assert_int_equal(vault_release(fx.v), ERR_OK);
    assert_false(vault_is_held(fx.v));
    assert_int_equal(vault_release(fx.v), ERR_STATE);
    assert_int_equal(vault_begin(fx.v), ERR_STATE);
    assert_int_equal(vault_epoch(fx.v), ERR_STATE);
    assert_int_equal(vault_slot_remove(fx.v, 0), ERR_STATE);
    assert_int_equal(vault_get(fx.v, KIND, record_id(1), &out), ERR_STATE);
    buf_clear(&out);
}

static void
what_others_did_is_seen(void **state)
{
    static const struct {
        void (*work)(void);
        unsigned new_record;
        bool changed;
    } cases[] = {
        {only_look, 1, false},
        {append_one, 100, true},
        {append_and_close, 101, true},
        {rewrite_and_change_slot, 102, true},
    };

    (void)state;
    for (unsigned i = 0; i < 30; i++)
        commit_record(i, i == 1 ? 100 : 5000);
    assert_int_equal(vault_epoch(fx.v), ERR_OK);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        bool changed = !cases[i].changed;

        assert_int_equal(vault_release(fx.v), ERR_OK);
        in_another_process(cases[i].work);
        assert_int_equal(vault_reacquire(fx.v, 0, &changed), ERR_OK);
        assert_int_equal(changed, cases[i].changed);
        assert_true(vault_has(fx.v, KIND, record_id(cases[i].new_record)));
        assert_int_equal(vault_check(fx.v, NULL), ERR_OK);
        commit_record(200, 10);
    }
    assert_false(vault_has(fx.v, KIND, record_id(1)));
    assert_int_equal(vault_close(fx.v), ERR_OK);
    fx.v = NULL;
    assert_int_equal(fixture_open(), ERR_LOCKED);
    assert_int_equal(vault_open(&fx.v, fx.dir, &sheet, 0), ERR_OK);
    assert_int_equal(vault_count(fx.v, 0), 4);
    assert_true(has_record(200, 10));
}

static void
a_vault_whose_holder_died_is_free(void **state)
{
    (void)state;
    commit_record(1, 100);
    assert_int_equal(vault_release(fx.v), ERR_OK);
    in_another_process(append_one); /* exits without letting go */
    fixture_crash();
    assert_int_equal(fixture_open(), ERR_OK);
    assert_true(vault_has(fx.v, KIND, record_id(100)));
}

static void
a_vault_that_vanished_is_refused(void **state)
{
    char path[OS_PATH_MAX];

    (void)state;
    assert_int_equal(vault_path(path, fx.v, "head", 0), ERR_OK);
    assert_int_equal(vault_release(fx.v), ERR_OK);
    assert_int_equal(os_remove(path), ERR_OK);
    assert_int_equal(vault_reacquire(fx.v, 0, NULL), ERR_VERIFY);
    assert_int_equal(vault_reacquire(fx.v, 0, NULL), ERR_IO);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        test(a_held_vault_is_busy),
        test(a_released_vault_does_nothing),
        test(what_others_did_is_seen),
        test(a_vault_whose_holder_died_is_free),
        test(a_vault_that_vanished_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
