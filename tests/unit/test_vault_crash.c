/*
 * A process dies at each system call that changes the disk, in turn: at the
 * n-th write (half done), sync, truncation, rename or removal.  Whatever it had
 * been told is committed must be there, the rest whole or not at all.
 *
 * The calls are our own functions of the same names, which the linker prefers
 * to the C library's; they count down in the child process only.
 */
#define _GNU_SOURCE /* syscall, off64_t */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "client/vault_impl.h"
#include "tests/lib/scratch.h"
#include "tests/lib/vault_fixture.h"

#define test(f)                                                                \
    cmocka_unit_test_setup_teardown(f, fixture_setup, fixture_teardown)

enum { KIND = 9, CRASHED = 77 };

/* ---- the calls ---- */

static unsigned long calls_left; /* 0: nobody counts */

static bool
is_last_call(void)
{
    return calls_left > 0 && --calls_left == 0;
}

ssize_t
pwrite(int fd, const void *bytes, size_t len, off_t offset)
{
    bool last = is_last_call();
    ssize_t n = syscall(SYS_pwrite64, fd, bytes, last ? len / 2 : len, offset);

    if (last)
        _exit(CRASHED);
    return n;
}

ssize_t
write(int fd, const void *bytes, size_t len)
{
    bool last = is_last_call();
    ssize_t n = syscall(SYS_write, fd, bytes, last ? len / 2 : len);

    if (last)
        _exit(CRASHED);
    return n;
}

static int
whole_call(long number, long a, long b)
{
    if (is_last_call())
        _exit(CRASHED);
    return (int)syscall(number, a, b);
}

int
fdatasync(int fd)
{
    return whole_call(SYS_fdatasync, fd, 0);
}

int
fsync(int fd)
{
    return whole_call(SYS_fsync, fd, 0);
}

int
ftruncate(int fd, off_t len)
{
    return whole_call(SYS_ftruncate, fd, len);
}

int
rename(const char *from, const char *to)
{
    if (is_last_call())
        _exit(CRASHED);
    return (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
}

int
unlink(const char *path)
{
    if (is_last_call())
        _exit(CRASHED);
    return (int)syscall(SYS_unlinkat, AT_FDCWD, path, 0);
}

int
remove(const char *path)
{
    int rc = unlink(path);

    return rc != 0 && errno == EISDIR ? rmdir(path) : rc;
}

/* ---- the work, in the child ---- */

static const struct prekey_id prekey = {"prekey number 1"};
static const uint8_t seed[32] = "thirty-two bytes of prekey seed";

static enum err
commit_one(unsigned number)
{
    enum err rc = vault_begin(fx.v);

    if (rc == ERR_OK)
        rc = vault_put(fx.v, KIND, record_id(number), "bytes", 5);
    return rc == ERR_OK ? vault_commit(fx.v) : rc;
}

static enum err
step_put(void)
{
    return commit_one(40);
}

static enum err
step_put_two_and_seed(void)
{
    enum err rc = vault_begin(fx.v);

    if (rc == ERR_OK)
        rc = vault_put(fx.v, KIND, record_id(41), "bytes", 5);
    if (rc == ERR_OK)
        rc = vault_seed_put(fx.v, &prekey, seed);
    if (rc == ERR_OK)
        rc = vault_put(fx.v, KIND, record_id(42), "bytes", 5);
    return rc == ERR_OK ? vault_commit(fx.v) : rc;
}

/* Half of the log goes, so that it is rewritten. */
static enum err
step_shred(void)
{
    enum err rc = vault_begin(fx.v);

    for (unsigned i = 0; i < 20 && rc == ERR_OK; i++)
        rc = vault_delete(fx.v, KIND, record_id(i), VAULT_SHRED_NOW);
    return rc == ERR_OK ? vault_commit(fx.v) : rc;
}

static enum err
step_slot(void)
{
    return vault_slot_add(fx.v, &paper, NULL);
}

static enum err
step_put_again(void)
{
    return commit_one(43);
}

static enum err
step_close(void)
{
    enum err rc = vault_close(fx.v);

    fx.v = NULL;
    return rc;
}

static enum err (*const steps[])(void) = {
    fixture_open,   step_put,  step_put_two_and_seed, step_shred, step_slot,
    step_put_again, step_close};
enum { STEPS = sizeof(steps) / sizeof(steps[0]) };

/* The child says after each step that it is done. */
static void
run_steps(int out, unsigned long crash_at)
{
    calls_left = crash_at;
    for (size_t i = 0; i < STEPS; i++) {
        if (steps[i]() != ERR_OK)
            _exit(1);
        syscall(SYS_write, out, "+", 1);
    }
    calls_left = 0;
    _exit(0);
}

/* Gives the number of steps done; *CRASHED_AT tells whether it came so far. */
static size_t
run_child(unsigned long crash_at, bool *crashed)
{
    char done[STEPS];
    int ends[2], status;
    ssize_t n;
    pid_t pid;

    assert_int_equal(pipe(ends), 0);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        run_steps(ends[1], crash_at);
    close(ends[1]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    *crashed = WEXITSTATUS(status) == CRASHED;
    assert_true(*crashed || WEXITSTATUS(status) == 0);
    n = read(ends[0], done, sizeof(done));
    close(ends[0]);
    assert_true(n >= 0);
    return (size_t)n;
}

/* ---- what must hold afterwards ---- */

static void
check_step(size_t done, size_t step, bool is_there)
{
    if (done > step)
        assert_true(is_there);
    if (done < step)
        assert_false(is_there);
}

static void
check_state(size_t done)
{
    uint8_t got[32];
    bool second = vault_has(fx.v, KIND, record_id(41));

    check_step(done, 1, vault_has(fx.v, KIND, record_id(40)));
    check_step(done, 2, second);
    assert_int_equal(vault_has(fx.v, KIND, record_id(42)), second);
    assert_int_equal(vault_seed_get(fx.v, &prekey, got) == ERR_OK, second);
    check_step(done, 3, !has_record(0, 5000));
    for (unsigned i = 1; i < 20; i++)
        assert_int_equal(has_record(i, 5000), has_record(0, 5000));
    assert_true(has_record(20, 5000));
    check_step(done, 4, vault_slot_count(fx.v) == 2);
    check_step(done, 5, vault_has(fx.v, KIND, record_id(43)));
    assert_int_equal(vault_check(fx.v, NULL), ERR_OK);
}

static void
count_file(void *arg, const char *path)
{
    size_t *count = arg;

    (void)path;
    ++*count;
}

static void
a_crash_at_any_call_loses_nothing_committed(void **state)
{
    struct snapshot before;
    bool crashed = true;

    (void)state;
    for (unsigned i = 0; i <= 20; i++)
        commit_record(i, 5000);
    assert_int_equal(vault_epoch(fx.v), ERR_OK);
    fixture_crash();
    snapshot_take(&before, fx.dir);
    for (unsigned long n = 1; crashed; n++) {
        size_t files = 0, done;

        snapshot_restore(&before, fx.dir);
        done = run_child(n, &crashed);
        assert_int_equal(fixture_open(), ERR_OK);
        check_state(done);
        /* Nothing of another epoch lies about: head, keyring, log, lock. */
        scratch_each(fx.dir, count_file, &files);
        assert_int_equal(files, 4);
        commit_record(30, 10);
        fixture_reopen();
        check_state(done);
        fixture_crash();
        assert_true(n < 500);
        assert_true(crashed || n > 30);
    }
    snapshot_clear(&before);
}

/* Creating dies at each call; creating again must work. */
static void
a_crash_while_creating_leaves_a_vault_or_none(void **state)
{
    bool crashed = true;

    (void)state;
    fixture_crash();
    for (unsigned long n = 1; crashed; n++) {
        char dir[600];
        struct vault *v = NULL;
        int status;
        pid_t pid;

        snprintf(dir, sizeof(dir), "%s/new-%lu", fx.scratch, n);
        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
            calls_left = n;
            _exit(vault_create(&v, dir, &paper, NULL) == ERR_OK ? 0 : 1);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        crashed = WEXITSTATUS(status) == CRASHED;
        assert_true(crashed || WEXITSTATUS(status) == 0);
        if (vault_exists(dir) == ERR_NOTFOUND)
            assert_int_equal(vault_create(&v, dir, &paper, NULL), ERR_OK);
        else
            assert_int_equal(vault_open(&v, dir, &paper, 0), ERR_OK);
        assert_int_equal(vault_close(v), ERR_OK);
        assert_true(n < 100);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        test(a_crash_at_any_call_loses_nothing_committed),
        test(a_crash_while_creating_leaves_a_vault_or_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
