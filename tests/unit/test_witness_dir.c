/* What a witness keeps: from making it to a disk that stops at any step. */
#include "client/witness_dir.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <errno.h>

#include <cmocka.h>

#include "common/bytes.h"
#include "tests/lib/fail_alloc.h"
#include "tests/lib/fail_disk.h"
#include "tests/lib/scratch.h"
#include "tests/lib/witness_world.h"

static char *top;
static char path[OS_PATH_MAX];
static struct witness_world *w;

static int
setup(void **state)
{
    struct problem pb = {0};

    (void)witness_world_setup(state);
    w = *state;
    top = scratch_new();
    assert_int_equal(os_path_join(path, sizeof(path), top, "w"), ERR_OK);
    assert_int_equal(witness_dir_create(path, "witness.example/w", &pb),
                     ERR_OK);
    return 0;
}

static int
teardown(void **state)
{
    fail_disk_never();
    scratch_free(top);
    return witness_world_teardown(state);
}

static struct witness_dir *
open_dir(void)
{
    struct witness_dir *d = NULL;
    struct problem pb = {0};

    if (witness_dir_open(path, WITNESS_SIGN, &d, &pb) != ERR_OK)
        fail_msg("%s: %s", pb.what, pb.why);
    return d;
}

static struct witness_dir *
open_following(void)
{
    struct witness_dir *d = open_dir();
    struct problem pb = {0};

    assert_int_equal(witness_dir_add(d, &w->log.keys[0], &pb), ERR_OK);
    return d;
}

/* Judges what TREE asks from OLD to SIZE by the state of D. */
static enum witness_why
judge(const struct witness_dir *d, struct memtree *tree, uint64_t old,
      uint64_t size)
{
    size_t n;
    const struct witness_log *logs = witness_dir_logs(d, &n);

    witness_request_for(w, tree, old, size);
    witness_judge(w->body.data, w->body.len, logs, n, WITNESS_NOW, &w->j);
    return w->j.why;
}

/* ERR_OK, or nothing was given. */
static enum err
keep(struct witness_dir *d)
{
    struct buf line = {0};
    enum err rc = witness_dir_keep(d, &w->j, &line);

    assert_int_equal(line.len > 0, rc == ERR_OK);
    buf_clear(&line);
    return rc;
}

static void
grow(struct witness_dir *d, uint64_t old, uint64_t size)
{
    assert_int_equal(judge(d, &w->tree, old, size), WITNESS_OK);
    assert_int_equal(keep(d), ERR_OK);
}

static uint64_t
size_of(const struct witness_dir *d)
{
    size_t n;
    const struct witness_log *logs = witness_dir_logs(d, &n);

    assert_int_equal(n, 1);
    return logs[0].state.size;
}

static enum err
published(const struct witness_dir *d, struct buf *note)
{
    char hex[WITNESS_HASH_HEX + 1];
    struct hash h;

    sha256(&h, WITNESS_ORIGIN, strlen(WITNESS_ORIGIN));
    hex_encode(hex, h.b, sizeof(h.b));
    return witness_dir_checkpoint(d, hex, note);
}

/* ---- what is there again ---- */

static void
what_was_kept_is_there_again(void **state)
{
    struct witness_dir *d = open_following();
    struct buf note = {0};
    struct vkey key = *witness_dir_key(d);

    (void)state;
    assert_int_equal(published(d, &note), ERR_NOTFOUND);
    grow(d, 0, 9);
    grow(d, 9, 20);
    witness_dir_close(d);
    d = open_dir();
    assert_memory_equal(&key, witness_dir_key(d), sizeof(key));
    assert_int_equal(size_of(d), 20);
    assert_int_equal(judge(d, &w->tree, 9, 20), WITNESS_CONFLICT);
    assert_int_equal(published(d, &note), ERR_OK);
    grow(d, 20, 41);
    witness_dir_close(d);
    buf_clear(&note);
}

static void
one_process_signs_and_others_may_look(void **state)
{
    struct witness_dir *d = open_following(), *second = NULL;
    struct problem pb = {0};

    (void)state;
    grow(d, 0, 9);
    assert_int_equal(witness_dir_open(path, WITNESS_LOOK, &second, &pb),
                     ERR_OK);
    assert_int_equal(size_of(second), 9);
    witness_dir_close(second);
    witness_dir_close(d);
}

static size_t
count_logs(const struct witness_dir *d)
{
    size_t n;

    (void)witness_dir_logs(d, &n);
    return n;
}

/* The last step that can fail comes when the log is there already. */
static void
a_log_half_added_is_added_again(void **state)
{
    (void)state;
    for (int steps = 0;; steps++) {
        struct witness_dir *d = open_dir();
        struct problem pb = {0};
        bool is_there = count_logs(d) == 1;
        enum err rc;

        fail_disk_after(steps, EIO);
        rc = witness_dir_add(d, &w->log.keys[0], &pb);
        fail_disk_never();
        assert_int_equal(rc == ERR_EXISTS, is_there);
        assert_int_equal(count_logs(d), is_there || rc == ERR_OK);
        witness_dir_close(d);
        if (is_there || rc == ERR_OK)
            break;
        assert_true(steps < 100);
    }
}

/* ---- a disk that stops ---- */

/* Whatever step fails: no cosignature is given, nobody can fetch one, and what
 * is asked for next is judged as if nothing had been. */
static void
a_state_that_was_not_stored_is_never_shown(void **state)
{
    struct buf note = {0};
    bool stored = false;

    (void)state;
    for (int steps = 0; !stored && steps < 100; steps++) {
        struct witness_dir *d = open_dir();
        size_t n;

        (void)witness_dir_logs(d, &n);
        if (n == 0) {
            witness_dir_close(d);
            d = open_following();
            grow(d, 0, 9);
        }
        assert_int_equal(judge(d, &w->tree, size_of(d), 20), WITNESS_OK);
        fail_disk_after(steps, steps % 2 == 0 ? EIO : ENOSPC);
        stored = keep(d) == ERR_OK;
        fail_disk_never();
        if (!stored && size_of(d) == 9) {
            assert_int_equal(published(d, &note), ERR_STATE);
            assert_int_equal(judge(d, &w->tree, 9, 19), WITNESS_OK);
        }
        witness_dir_close(d);
        d = open_dir();
        assert_true(size_of(d) == 9 || size_of(d) == 20);
        if (stored)
            assert_int_equal(size_of(d), 20);
        witness_dir_close(d);
    }
    assert_true(stored);
    buf_clear(&note);
}

/* The failed one may lie on the disk; the other history wins in this process,
 * and it alone was ever given. */
static void
after_a_failure_one_history_is_given(void **state)
{
    struct buf note = {0};

    (void)state;
    for (int steps = 0; steps < 100; steps++) {
        struct witness_dir *d;
        enum err rc;

        (void)teardown(state);
        (void)setup(state);
        d = open_following();
        assert_int_equal(judge(d, &w->tree, 0, 20), WITNESS_OK);
        fail_disk_after(steps, EIO);
        rc = keep(d);
        fail_disk_never();
        if (rc == ERR_OK) {
            witness_dir_close(d);
            break;
        }
        assert_int_equal(judge(d, &w->other, 0, 20), WITNESS_OK);
        assert_int_equal(keep(d), ERR_OK);
        assert_int_equal(published(d, &note), ERR_OK);
        witness_dir_close(d);
        d = open_dir();
        assert_int_equal(judge(d, &w->tree, 20, 20), WITNESS_FORK);
        witness_dir_close(d);
    }
    buf_clear(&note);
}

/* ---- evidence ---- */

static void
evidence_is_saved_once_and_bounded(void **state)
{
    struct witness_dir *d = open_following();
    char file[OS_PATH_MAX];
    unsigned saved = 0;

    (void)state;
    grow(d, 0, 5);
    assert_int_equal(judge(d, &w->other, 5, 5), WITNESS_FORK);
    assert_int_equal(witness_dir_save_evidence(d, &w->j, file), ERR_OK);
    assert_true(os_is_file(file));
    assert_int_equal(witness_dir_save_evidence(d, &w->j, file), ERR_EXISTS);
    memtree_grow(&w->other, 6 + WITNESS_EVIDENCE_MAX);
    for (uint64_t size = 6; size <= 6 + WITNESS_EVIDENCE_MAX; size++) {
        enum err rc;

        assert_int_equal(judge(d, &w->other, 5, size), WITNESS_BAD_PROOF);
        rc = witness_dir_save_evidence(d, &w->j, file);
        assert_true(rc == ERR_OK || rc == ERR_FULL);
        saved += rc == ERR_OK;
    }
    assert_int_equal(saved, WITNESS_EVIDENCE_MAX);
    witness_dir_close(d);
}

/* ---- limits and memory ---- */

static void
logs_and_keys_are_bounded(void **state)
{
    struct witness_dir *d = open_following();
    struct problem pb = {0};
    struct sign_secret secret;
    struct vkey key;
    char name[32];

    (void)state;
    for (uint8_t i = 0; i < WITNESS_KEYS_MAX; i++) {
        witness_world_key(&secret, &key, (uint8_t)(100 + i), NOTE_ED25519,
                          WITNESS_ORIGIN);
        assert_int_equal(witness_dir_add(d, &key, &pb),
                         i + 1 < WITNESS_KEYS_MAX ? ERR_OK : ERR_FULL);
    }
    for (uint8_t i = 1; i <= WITNESS_LOGS_MAX; i++) {
        struct problem each = {0};

        (void)snprintf(name, sizeof(name), "log%u.example", (unsigned)i);
        witness_world_key(&secret, &key, i, NOTE_ED25519, name);
        assert_int_equal(witness_dir_add(d, &key, &each),
                         i < WITNESS_LOGS_MAX ? ERR_OK : ERR_FULL);
    }
    witness_dir_close(d);
}

static void
no_memory_is_an_error_anywhere(void **state)
{
    struct witness_dir *d = open_following();

    (void)state;
    grow(d, 0, 9);
    assert_int_equal(judge(d, &w->tree, 9, 20), WITNESS_OK);
    for (unsigned long n = 0;; n++) {
        struct buf line = {0};
        enum err rc;

        fail_alloc_at(n);
        rc = witness_dir_keep(d, &w->j, &line);
        if (!fail_alloc_off()) {
            assert_int_equal(rc, ERR_OK);
            buf_clear(&line);
            break;
        }
        assert_int_equal(rc, ERR_NOMEM);
        assert_int_equal(line.len, 0);
        buf_clear(&line);
    }
    assert_int_equal(size_of(d), 20);
    witness_dir_close(d);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(what_was_kept_is_there_again),
        TEST(one_process_signs_and_others_may_look),
        TEST(a_log_half_added_is_added_again),
        TEST(a_state_that_was_not_stored_is_never_shown),
        TEST(after_a_failure_one_history_is_given),
        TEST(evidence_is_saved_once_and_bounded),
        TEST(logs_and_keys_are_bounded),
        TEST(no_memory_is_an_error_anywhere),
    };

    if (crypto_init() != ERR_OK)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
