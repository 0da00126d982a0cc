#define _GNU_SOURCE /* memmem */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/os.h"
#include "tests/lib/fail_alloc.h"
#include "tests/lib/scratch.h"
#include "tests/lib/store_fixture.h"

static struct fixture fx;

static int
set_up(void **state)
{
    (void)state;
    memset(&fx.config, 0, sizeof(fx.config));
    fx_open(&fx);
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    fx_close(&fx);
    return 0;
}

static void
store_some(unsigned from, unsigned n)
{
    unsigned i;

    for (i = from; i < from + n; i++) {
        struct fx_packet p;

        fx_packet_init(&fx, &p, i, 24);
        fx_store(&fx, &p);
        fx_packet_clear(&p);
    }
}

static void
file_in(char path[OS_PATH_MAX], const char *name)
{
    assert_int_equal(os_path_join(path, OS_PATH_MAX, fx.dir, name), ERR_OK);
}

/* Opening now gives RC and says something with WORD in it. */
static void
open_is_refused(enum err rc, const char *word)
{
    char why[512];

    assert_int_equal(fx_try_open(&fx, why), rc);
    if (strstr(why, word) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", why, word);
}

static void
a_restart_has_the_same_heads(void **state)
{
    struct head before[STORE_LOGS], after[STORE_LOGS];

    (void)state;
    store_some(0, 3);
    store_heads(fx.st, before);
    fx_reopen(&fx);
    store_heads(fx.st, after);
    assert_memory_equal(before, after, sizeof(before));
    fx_check(&fx);
}

static void
a_restored_backup_is_refused(void **state)
{
    char *elsewhere = scratch_new();
    char guard[OS_PATH_MAX], mine[OS_PATH_MAX];
    struct snapshot backup;

    (void)state;
    assert_int_equal(os_path_join(guard, sizeof(guard), elsewhere, "guard"),
                     ERR_OK);
    fx.config.guard_path = guard;
    fx_reopen(&fx);
    assert_int_equal(fx.alarms, 0); /* nothing was signed for anybody yet */
    store_some(0, 2);
    fx_stop(&fx);
    snapshot_take(&backup, fx.dir);
    fx_reopen(&fx);
    store_some(10, 3);
    fx_stop(&fx);
    snapshot_restore(&backup, fx.dir);
    open_is_refused(ERR_CONFLICT, "entries 2 to 4 are missing");
    /* Without the guard nobody can know: that is said aloud. */
    assert_int_equal(os_remove(guard), ERR_OK);
    fx_reopen(&fx);
    assert_int_equal(fx.alarms, 1);
    /* Another history of the same length. */
    store_some(20, 3);
    fx_stop(&fx);
    snapshot_restore(&backup, fx.dir);
    fx.config.guard_path = NULL;
    file_in(mine, "guard");
    assert_int_equal(os_remove(mine), ERR_OK);
    fx_reopen(&fx);
    store_some(30, 3);
    fx_stop(&fx);
    fx.config.guard_path = guard;
    open_is_refused(ERR_CONFLICT, "another history");
    fx.config.guard_path = NULL;
    fx_reopen(&fx);
    snapshot_clear(&backup);
    scratch_free(elsewhere);
}

static void
a_database_ahead_of_the_guard_is_normal(void **state)
{
    char path[OS_PATH_MAX];
    struct buf guard = {0};

    (void)state;
    file_in(path, "guard");
    store_some(0, 1);
    fx_stop(&fx);
    assert_int_equal(os_read_file(path, 1 << 20, &guard), ERR_OK);
    fx_reopen(&fx);
    store_some(1, 5);
    fx_stop(&fx);
    assert_int_equal(os_write_file_atomic(path, guard.data, guard.len, 0600),
                     ERR_OK);
    fx_reopen(&fx);
    store_some(6, 1);
    fx_check(&fx);
    buf_clear(&guard);
}

static void
another_key_or_origin_is_refused(void **state)
{
    struct sign_secret other;
    static const uint8_t seed[32] = "another key";

    (void)state;
    fx_stop(&fx);
    sign_keypair_from_seed(&other, seed);
    fx.config.log_key = &other;
    open_is_refused(ERR_STATE, "another log key");
    fx.config.log_key = &fx.log_key;
    fx.config.delivery_origin = "elsewhere.example/delivery";
    open_is_refused(ERR_STATE, "another origin");
    fx.config.delivery_origin = "test.example/delivery";
    fx_reopen(&fx);
}

static void
one_process_at_a_time(void **state)
{
    int status;
    pid_t child;

    (void)state;
    fflush(NULL);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct store *st;
        char why[512];

        _exit(store_open(&fx.config, &st, why, sizeof(why)) == ERR_BUSY ? 0
                                                                        : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void
a_newer_schema_is_refused(void **state)
{
    static const uint8_t future[4] = {0, 0, 1, 0};
    uint8_t ours[4];
    char path[OS_PATH_MAX];
    int fd;

    (void)state;
    fx_stop(&fx);
    file_in(path, "store.db");
    assert_int_equal(os_open(&fd, path, OS_READ_WRITE, 0), ERR_OK);
    assert_int_equal(os_pread(fd, ours, 4, 60), ERR_OK); /* user_version */
    assert_int_equal(os_pwrite(fd, future, 4, 60), ERR_OK);
    open_is_refused(ERR_VERSION, "newer");
    assert_int_equal(os_pwrite(fd, ours, 4, 60), ERR_OK);
    os_close(&fd);
    fx_reopen(&fx);
}

/* ---- damage ---- */

static uint64_t
find_bytes(const struct buf *in, const uint8_t *what, size_t len)
{
    uint8_t *at = memmem(in->data, in->len, what, len);

    assert_non_null(at);
    return (uint64_t)(at - in->data);
}

static void
note(void *arg, const char *what)
{
    *(bool *)arg |= strstr(what, "damaged") != NULL;
}

static void
turned_bits_raise_an_alarm_and_are_not_delivered(void **state)
{
    struct fx_packet p;
    struct device_id device = fx_device(21);
    struct store_delivery d = {0};
    struct buf file = {0};
    char path[OS_PATH_MAX];
    bool said = false;
    unsigned findings = 0;
    uint64_t at;
    int fd;

    (void)state;
    fx_packet_init(&fx, &p, 1, 24);
    fx_store(&fx, &p);
    store_some(2, 1);
    fx_stop(&fx);
    file_in(path, "store.db");
    assert_int_equal(os_read_file(path, 1 << 24, &file), ERR_OK);
    at = find_bytes(&file, p.body.data + 1000, 64);
    file.data[at] ^= 1;
    assert_int_equal(os_open(&fd, path, OS_READ_WRITE, 0), ERR_OK);
    assert_int_equal(os_pwrite(fd, file.data + at, 1, at), ERR_OK);
    os_close(&fd);
    fx_reopen(&fx);
    assert_int_equal(store_next_packet(fx.rd, &device, 0, fx.now_ms / 1000, &d),
                     ERR_VERIFY);
    assert_int_equal(fx.alarms, 1);
    assert_int_equal(
        store_next_packet(fx.rd, &device, d.cursor, fx.now_ms / 1000, &d),
        ERR_OK);
    assert_int_equal(store_check(fx.st, note, &said, &findings), ERR_OK);
    assert_true(said);
    assert_int_equal(findings, 1);
    store_delivery_clear(&d);
    buf_clear(&file);
    fx_packet_clear(&p);
}

static enum err
keep_salt(void *arg, const struct store_event_row *row)
{
    memcpy(arg, row->opening, 32);
    return ERR_OK;
}

static void
no_erased_opening_is_left_in_any_file(void **state)
{
    struct agency_id sender = fx_agency(1);
    struct fx_packet p;
    uint8_t salt[32];
    uint64_t next;

    (void)state;
    fx_packet_init(&fx, &p, 1, 24);
    fx_store(&fx, &p);
    fx_receipt(&fx, &p, 21, OUTCOME_OPENED, STORE_OK);
    assert_int_equal(store_events(fx.rd, &sender, 0, 1, keep_salt, salt, &next),
                     ERR_OK);
    fx_stop(&fx);
    assert_true(scratch_contains(fx.dir, salt, sizeof(salt)));
    fx_reopen(&fx);
    fx.now_ms += (STORE_RETENTION_DAYS + 1) * UINT64_C(24 * 3600 * 1000);
    fx_sweep(&fx, 0);
    fx_stop(&fx);
    assert_false(scratch_contains(fx.dir, salt, sizeof(salt)));
    fx_reopen(&fx);
    fx_check(&fx);
    fx_packet_clear(&p);
}

/* ---- no room, no memory ---- */

/* Stores packets from *N on until there is no room. */
static void
fill_up(unsigned *n)
{
    enum err rc = ERR_OK;

    while (rc == ERR_OK) {
        struct fx_packet p;
        struct store_op op;

        assert_true(*n < 4000);
        fx_packet_init(&fx, &p, ++*n, 24);
        fx_packet_op(&p, &op);
        rc = fx_apply(&fx, &op);
        assert_int_equal(op.result.why,
                         rc == ERR_OK ? STORE_OK : STORE_WHY_DISK);
        assert_true((op.result.proof.len > 0) == (rc == ERR_OK));
        store_op_clear(&op);
        fx_packet_clear(&p);
    }
    assert_int_equal(rc, ERR_FULL);
}

static void
a_full_database_refuses_and_serves(void **state)
{
    struct device_id device = fx_device(21);
    struct store_delivery d = {0};
    unsigned n = 0, waiting = 0;

    (void)state;
    fx.config.page_count_max = 400;
    fx_reopen(&fx);
    fill_up(&n);
    assert_int_equal(store_waiting(fx.rd, &device, 10000, &waiting), ERR_OK);
    assert_int_equal(waiting, n - 1);
    assert_int_equal(store_next_packet(fx.rd, &device, 0, fx.now_ms / 1000, &d),
                     ERR_OK);
    store_delivery_clear(&d);
    fx_check(&fx);
    fx.config.page_count_max = 800;
    fx_reopen(&fx);
    store_some(n, 1);
    fx_check(&fx);
}

static void
a_full_disk_clears_by_itself(void **state)
{
    struct rlimit before, small;
    unsigned n = 0;

    (void)state;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = before;
    small.rlim_cur = 1 << 20; /* the write-ahead log meets it first */
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    fill_up(&n);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    store_some(n, 3);
    assert_int_equal(fx_counts(&fx).packets.stored, n + 2);
    fx_check(&fx);
    fx_reopen(&fx);
    fx_check(&fx);
}

static void
every_failed_allocation_leaves_a_store_that_works(void **state)
{
    struct fx_packet p;
    struct store_op op;
    enum err rc;
    unsigned long n;
    bool failed;

    (void)state;
    fx_packet_init(&fx, &p, 1, 24);
    for (n = 0;; n++) {
        fx_packet_op(&p, &op);
        fail_alloc_at(n);
        rc = fx_apply(&fx, &op);
        failed = fail_alloc_off();
        if (!failed)
            break;
        assert_true(rc == ERR_OK || rc == ERR_NOMEM);
        assert_true(op.result.why == STORE_OK ||
                    op.result.why == STORE_WHY_MEMORY);
        assert_int_equal(op.result.proof.len > 0, op.result.why == STORE_OK);
        store_op_clear(&op);
    }
    assert_int_equal(rc, ERR_OK);
    assert_int_equal(op.result.why, STORE_OK);
    assert_true(n > 5);
    assert_int_equal(fx_counts(&fx).packets.stored, 1);
    store_op_clear(&op);
    fx_check(&fx);
    fx_packet_clear(&p);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_restart_has_the_same_heads),
        CASE(a_restored_backup_is_refused),
        CASE(a_database_ahead_of_the_guard_is_normal),
        CASE(another_key_or_origin_is_refused),
        CASE(one_process_at_a_time),
        CASE(a_newer_schema_is_refused),
        CASE(turned_bits_raise_an_alarm_and_are_not_delivered),
        CASE(no_erased_opening_is_left_in_any_file),
        CASE(a_full_database_refuses_and_serves),
        CASE(a_full_disk_clears_by_itself),
        CASE(every_failed_allocation_leaves_a_store_that_works),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
