/*
 * Files that were cut, changed, put back or could not grow.  Nothing here may
 * open as if all were well, and nothing committed may be lost quietly.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include <cmocka.h>

#include "client/vault_impl.h"
#include "common/bytes.h"
#include "proto/crypto.h"
#include "tests/lib/scratch.h"
#include "tests/lib/vault_fixture.h"

#define test(f)                                                                \
    cmocka_unit_test_setup_teardown(f, fixture_setup, fixture_teardown)

enum { KIND = 9 };

/* ---- cut ---- */

static void
a_log_cut_anywhere_keeps_what_was_committed(void **state)
{
    struct snapshot whole;
    struct snapshot_file *log;
    size_t len, first;
    struct vault_info info;

    (void)state;
    commit_record(1, 300);
    vault_stat(fx.v, &info);
    first = info.log_len;
    assert_int_equal(vault_begin(fx.v), ERR_OK);
    put_record(2, 200);
    put_record(3, 0);
    assert_int_equal(vault_commit(fx.v), ERR_OK);
    fixture_crash();
    snapshot_take(&whole, fx.dir);
    log = snapshot_file(&whole, "log.");
    len = log->len;
    for (size_t cut = 0; cut <= len; cut++) {
        log->len = cut;
        snapshot_restore(&whole, fx.dir);
        assert_int_equal(fixture_open(), ERR_OK);
        vault_stat(fx.v, &info);
        assert_int_equal(info.log_len, cut == len    ? len
                                       : cut < first ? 0
                                                     : first);
        assert_int_equal(has_record(1, 300), cut >= first);
        assert_int_equal(has_record(2, 200), cut == len);
        assert_int_equal(has_record(3, 0), cut == len);
        commit_record(4, 50);
        fixture_crash();
        assert_int_equal(fixture_open(), ERR_OK);
        assert_true(has_record(4, 50));
        fixture_crash();
    }
    snapshot_clear(&whole);
}

static void
a_log_shorter_than_its_head_says_is_refused(void **state)
{
    struct snapshot whole;
    struct snapshot_file *log;
    size_t len;

    (void)state;
    commit_record(1, 300);
    fixture_reopen();
    fixture_crash();
    snapshot_take(&whole, fx.dir);
    log = snapshot_file(&whole, "log.");
    len = log->len;
    for (size_t cut = 0; cut < len; cut++) {
        log->len = cut;
        snapshot_restore(&whole, fx.dir);
        assert_int_equal(fixture_open(), ERR_VERIFY);
    }
    snapshot_clear(&whole);
}

static void
pages_that_never_reached_the_disk_are_cut(void **state)
{
    struct snapshot whole;
    struct snapshot_file *log;
    struct vault_info info;
    size_t first;

    (void)state;
    commit_record(1, 700);
    vault_stat(fx.v, &info);
    first = info.log_len;
    commit_record(2, 3000);
    fixture_crash();
    snapshot_take(&whole, fx.dir);
    log = snapshot_file(&whole, "log.");
    for (size_t at = (first / 512 + 1) * 512; at + 512 < log->len; at += 512) {
        uint8_t sector[512];

        memcpy(sector, log->bytes + at, 512);
        memset(log->bytes + at, 0, 512);
        snapshot_restore(&whole, fx.dir);
        memcpy(log->bytes + at, sector, 512);
        assert_int_equal(fixture_open(), ERR_OK);
        assert_true(has_record(1, 700));
        assert_false(vault_has(fx.v, KIND, record_id(2)));
        fixture_crash();
    }
    memset(log->bytes + first, 0, log->len - first);
    snapshot_restore(&whole, fx.dir);
    assert_int_equal(fixture_open(), ERR_OK);
    assert_true(has_record(1, 700));
    snapshot_clear(&whole);
}

/* ---- changed ---- */

/* Opens what is there and reads it all. */
static enum err
open_and_check(void)
{
    enum err rc = fixture_open();

    if (rc == ERR_OK) {
        rc = vault_check(fx.v, NULL);
        fixture_crash();
    }
    return rc;
}

static void
flip_every_byte(const char *prefix)
{
    struct snapshot whole;
    struct snapshot_file *file;

    fixture_crash();
    snapshot_take(&whole, fx.dir);
    file = snapshot_file(&whole, prefix);
    assert_true(file->len > 100);
    for (size_t i = 0; i < file->len; i++) {
        enum err rc;

        file->bytes[i] ^= (uint8_t)(1 << i % 8);
        snapshot_restore(&whole, fx.dir);
        rc = open_and_check();
        if (rc != ERR_VERIFY && rc != ERR_LOCKED && rc != ERR_VERSION)
            fail_msg("%s byte %zu: %d", prefix, i, rc);
        file->bytes[i] ^= (uint8_t)(1 << i % 8);
    }
    snapshot_restore(&whole, fx.dir);
    assert_int_equal(open_and_check(), ERR_OK);
    snapshot_clear(&whole);
}

static void
a_flipped_bit_in_the_head_is_seen(void **state)
{
    (void)state;
    flip_every_byte("head");
}

static void
a_flipped_bit_in_the_keyring_is_seen(void **state)
{
    (void)state;
    commit_record(1, 300);
    fixture_reopen();
    flip_every_byte("keyring.");
}

static void
a_flipped_bit_in_the_log_is_seen(void **state)
{
    (void)state;
    commit_record(1, 300);
    fixture_reopen();
    commit_record(2, 100);
    assert_int_equal(vault_begin(fx.v), ERR_OK);
    put_record(3, 100);
    put_record(4, 100);
    assert_int_equal(vault_commit(fx.v), ERR_OK);
    flip_every_byte("log.");
}

static void
a_damaged_record_is_named_and_the_others_stay_readable(void **state)
{
    struct vault_item bad = {0};
    struct snapshot whole;
    struct snapshot_file *log;

    (void)state;
    commit_record(1, 300);
    commit_record(2, 300);
    fixture_reopen();
    fixture_crash();
    snapshot_take(&whole, fx.dir);
    log = snapshot_file(&whole, "log.");
    log->bytes[log->len - 1] ^= 1;
    snapshot_restore(&whole, fx.dir);
    snapshot_clear(&whole);
    assert_int_equal(fixture_open(), ERR_OK);
    assert_true(has_record(1, 300));
    assert_int_equal(vault_check(fx.v, &bad), ERR_VERIFY);
    assert_memory_equal(bad.id, record_id(2), VAULT_ID_LEN);
    assert_int_equal(vault_begin(fx.v), ERR_OK);
    assert_int_equal(vault_delete(fx.v, KIND, record_id(2), VAULT_SHRED_NOW),
                     ERR_OK);
    assert_int_equal(vault_commit(fx.v), ERR_OK);
    assert_int_equal(vault_check(fx.v, NULL), ERR_OK);
}

static void
a_newer_version_is_named(void **state)
{
    struct snapshot whole;

    (void)state;
    fixture_crash();
    snapshot_take(&whole, fx.dir);
    put_u32(snapshot_file(&whole, "head")->bytes + 4, 2);
    snapshot_restore(&whole, fx.dir);
    assert_int_equal(fixture_open(), ERR_VERSION);
    snapshot_clear(&whole);
}

/* ---- put back ---- */

static void
swap_file(struct snapshot *to, struct snapshot *from, const char *prefix)
{
    struct snapshot_file *a = snapshot_file(to, prefix);
    struct snapshot_file *b = snapshot_file(from, prefix);
    struct snapshot_file spare = *a;

    *a = *b;
    *b = spare;
}

static void
an_old_head_is_refused(void **state)
{
    struct snapshot old, now;

    (void)state;
    commit_record(1, 100);
    fixture_reopen();
    fixture_crash();
    snapshot_take(&old, fx.dir);
    assert_int_equal(fixture_open(), ERR_OK);
    commit_record(2, 100);
    fixture_reopen();
    commit_record(3, 100);
    fixture_crash();
    snapshot_take(&now, fx.dir);
    swap_file(&now, &old, "head");
    snapshot_restore(&now, fx.dir);
    assert_int_equal(fixture_open(), ERR_VERIFY);
    /* With its keyring beside it the log betrays it. */
    swap_file(&now, &old, "keyring.");
    snapshot_restore(&now, fx.dir);
    assert_int_equal(fixture_open(), ERR_VERIFY);
    snapshot_clear(&old);
    snapshot_clear(&now);
}

static void
an_old_log_is_refused(void **state)
{
    struct snapshot old, now;

    (void)state;
    commit_record(1, 100);
    fixture_reopen();
    fixture_crash();
    snapshot_take(&old, fx.dir);
    assert_int_equal(fixture_open(), ERR_OK);
    commit_record(2, 100);
    fixture_reopen();
    fixture_crash();
    snapshot_take(&now, fx.dir);
    swap_file(&now, &old, "log.");
    snapshot_restore(&now, fx.dir);
    assert_int_equal(fixture_open(), ERR_VERIFY);
    snapshot_clear(&old);
    snapshot_clear(&now);
}

static void
a_vault_rolled_back_under_a_process_is_refused(void **state)
{
    struct snapshot old;

    (void)state;
    commit_record(1, 100);
    assert_int_equal(vault_epoch(fx.v), ERR_OK);
    assert_int_equal(vault_release(fx.v), ERR_OK);
    snapshot_take(&old, fx.dir);
    assert_int_equal(vault_reacquire(fx.v, 0, NULL), ERR_OK);
    commit_record(2, 100);
    assert_int_equal(vault_epoch(fx.v), ERR_OK);
    assert_int_equal(vault_release(fx.v), ERR_OK);
    snapshot_restore(&old, fx.dir);
    assert_int_equal(vault_reacquire(fx.v, 0, NULL), ERR_VERIFY);
    assert_int_equal(vault_begin(fx.v), ERR_STATE);
    snapshot_clear(&old);
}

/* ---- full ---- */

static void
limit_file_size(uint64_t len)
{
    struct rlimit limit;

    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = len == 0 ? limit.rlim_max : len;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    signal(SIGXFSZ, SIG_IGN);
}

static void
a_full_disk_loses_nothing(void **state)
{
    struct vault_info before, after;

    (void)state;
    commit_record(1, 2000);
    vault_stat(fx.v, &before);
    for (uint64_t room = 1; room < 900; room += 100) {
        limit_file_size(before.log_len + room);
        assert_int_equal(vault_begin(fx.v), ERR_OK);
        put_record(2, 1000);
        assert_int_equal(vault_commit(fx.v), ERR_FULL);
        limit_file_size(0);
        vault_stat(fx.v, &after);
        assert_int_equal(after.log_len, before.log_len);
        assert_int_equal(after.record_count, 1);
        assert_false(vault_has(fx.v, KIND, record_id(2)));
        assert_true(has_record(1, 2000));
    }
    commit_record(3, 1000);
    fixture_reopen();
    assert_true(has_record(1, 2000));
    assert_false(vault_has(fx.v, KIND, record_id(2)));
    assert_true(has_record(3, 1000));
}

static void
a_full_disk_stops_an_epoch_but_not_the_vault(void **state)
{
    (void)state;
    commit_record(1, 2000);
    for (uint64_t room = 1; room < 290; room += 16) {
        limit_file_size(room);
        assert_int_equal(vault_epoch(fx.v), ERR_FULL);
        limit_file_size(0);
        assert_true(has_record(1, 2000));
    }
    commit_record(2, 10);
    limit_file_size(50);
    assert_int_equal(vault_close(fx.v), ERR_FULL);
    limit_file_size(0);
    fx.v = NULL;
    assert_int_equal(fixture_open(), ERR_OK);
    assert_true(has_record(1, 2000));
    assert_true(has_record(2, 10));
    assert_int_equal(vault_epoch(fx.v), ERR_OK);
    limit_file_size(50);
    assert_int_equal(vault_close(fx.v), ERR_OK); /* no new epoch was due */
    limit_file_size(0);
    fx.v = NULL;
}

static void
a_shred_that_cannot_finish_is_pending(void **state)
{
    struct vault_info info;
    char path[OS_PATH_MAX], inside[OS_PATH_MAX];

    (void)state;
    commit_record(1, 100);
    /* A directory with something in it stands where the keyring should. */
    assert_int_equal(vault_path(path, fx.v, "keyring", 2), ERR_OK);
    assert_int_equal(os_path_join(inside, sizeof(inside), path, "x"), ERR_OK);
    assert_int_equal(os_mkdirs(inside, 0700), ERR_OK);
    assert_int_equal(vault_begin(fx.v), ERR_OK);
    assert_int_equal(vault_delete(fx.v, KIND, record_id(1), VAULT_SHRED_NOW),
                     ERR_OK);
    put_record(2, 100);
    assert_int_equal(vault_commit(fx.v), ERR_OK);
    vault_stat(fx.v, &info);
    assert_true(info.shred_pending);
    assert_false(vault_has(fx.v, KIND, record_id(1)));
    assert_true(has_record(2, 100));
    assert_int_equal(os_remove(inside), ERR_OK);
    assert_int_equal(os_remove(path), ERR_OK);
    assert_int_equal(vault_epoch(fx.v), ERR_OK);
    vault_stat(fx.v, &info);
    assert_false(info.shred_pending);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        test(a_log_cut_anywhere_keeps_what_was_committed),
        test(a_log_shorter_than_its_head_says_is_refused),
        test(pages_that_never_reached_the_disk_are_cut),
        test(a_flipped_bit_in_the_head_is_seen),
        test(a_flipped_bit_in_the_keyring_is_seen),
        test(a_flipped_bit_in_the_log_is_seen),
        test(a_damaged_record_is_named_and_the_others_stay_readable),
        test(a_newer_version_is_named),
        test(an_old_head_is_refused),
        test(an_old_log_is_refused),
        test(a_vault_rolled_back_under_a_process_is_refused),
        test(a_full_disk_loses_nothing),
        test(a_full_disk_stops_an_epoch_but_not_the_vault),
        test(a_shred_that_cannot_finish_is_pending),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
