#include "client/vault.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "client/vault_impl.h"
#include "common/bytes.h"
#include "proto/chunked.h"
#include "proto/crypto.h"
#include "tests/lib/fail_alloc.h"
#include "tests/lib/scratch.h"
#include "tests/lib/vault_fixture.h"

#define test(f)                                                                \
    cmocka_unit_test_setup_teardown(f, fixture_setup, fixture_teardown)

enum { KIND = 9 };

static const struct vault_secret pass = {VAULT_PASSPHRASE, "correct horse", 13};
static const struct vault_secret other = {VAULT_PASSPHRASE, "battery staple",
                                          14};
static const struct prekey_id prekey = {"prekey number 1"};
static const uint8_t seed[32] = "thirty-two bytes of prekey seed";

/* ---- records ---- */

static void
records_survive_closing(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 20; i++)
        commit_record(i, i * 3000);
    fixture_reopen();
    for (unsigned i = 0; i < 20; i++)
        assert_true(has_record(i, i * 3000));
    assert_int_equal(vault_count(fx.v, KIND), 20);
    assert_int_equal(vault_count(fx.v, KIND + 1), 0);
    assert_int_equal(vault_check(fx.v, NULL), ERR_OK);
}

static void
committed_records_survive_a_crash(void **state)
{
    (void)state;
    commit_record(1, 100);
    assert_int_equal(vault_begin(fx.v), ERR_OK);
    put_record(2, 100);
    fixture_crash();
    assert_int_equal(fixture_open(), ERR_OK);
    assert_true(has_record(1, 100));
    assert_false(has_record(2, 100));
}

static void
order_is_that_of_the_first_put(void **state)
{
    static const unsigned want[] = {3, 1, 2};
    struct vault_item item;
    size_t pos = 0;

    (void)state;
    for (size_t i = 0; i < 3; i++)
        commit_record(want[i], 10);
    commit_record(1, 20);
    fixture_reopen();
    commit_record(3, 30);
    for (size_t i = 0; i < 3; i++) {
        assert_true(vault_next(fx.v, 0, &pos, &item));
        assert_memory_equal(item.id, record_id(want[i]), VAULT_ID_LEN);
        assert_int_equal(item.kind, KIND);
    }
    assert_false(vault_next(fx.v, 0, &pos, &item));
    assert_true(has_record(1, 20));
    assert_true(has_record(3, 30));
}

static void
the_same_id_of_another_kind_is_another_record(void **state)
{
    struct buf got = {0};

    (void)state;
    assert_int_equal(vault_begin(fx.v), ERR_OK);
    assert_int_equal(vault_put(fx.v, 1, record_id(1), "one", 3), ERR_OK);
    assert_int_equal(vault_put(fx.v, 2, record_id(1), "two", 3), ERR_OK);
    assert_int_equal(vault_delete(fx.v, 2, record_id(1), VAULT_DROP_LATER),
                     ERR_OK);
    assert_int_equal(vault_commit(fx.v), ERR_OK);
    fixture_reopen();
    assert_int_equal(vault_get(fx.v, 1, record_id(1), &got), ERR_OK);
    assert_int_equal(got.len, 3);
    assert_memory_equal(got.data, "one", 3);
    assert_int_equal(vault_get(fx.v, 2, record_id(1), &got), ERR_NOTFOUND);
    buf_clear(&got);
}

static void
a_failed_put_fails_the_commit_and_changes_nothing(void **state)
{
    uint8_t *big = calloc(1, VAULT_RECORD_MAX + 1);

    (void)state;
    assert_non_null(big);
    assert_int_equal(vault_put(fx.v, KIND, record_id(1), "x", 1), ERR_STATE);
    assert_int_equal(vault_begin(fx.v), ERR_OK);
    assert_int_equal(vault_begin(fx.v), ERR_STATE);
    put_record(1, 10);
    assert_int_equal(
        vault_put(fx.v, KIND, record_id(2), big, VAULT_RECORD_MAX + 1),
        ERR_TOOBIG);
    assert_int_equal(vault_put(fx.v, KIND, record_id(3), "x", 1), ERR_TOOBIG);
    assert_int_equal(vault_commit(fx.v), ERR_TOOBIG);
    assert_int_equal(vault_count(fx.v, 0), 0);
    assert_int_equal(vault_commit(fx.v), ERR_STATE);
    free(big);
    commit_record(1, 10);
    assert_true(has_record(1, 10));
}

static void
the_largest_record_fits(void **state)
{
    (void)state;
    commit_record(1, VAULT_RECORD_MAX);
    fixture_crash();
    assert_int_equal(fixture_open(), ERR_OK);
    assert_true(has_record(1, VAULT_RECORD_MAX));
}

/* ---- shredding ---- */

static void
remember_key(uint8_t key[32], unsigned number)
{
    size_t i = keyring_find(&fx.v->ring, KIND, record_id(number));

    assert_true(i != SIZE_MAX);
    memcpy(key, slab_at(&fx.v->ring.record_keys, i), 32);
}

/* Whether the keyring file of this epoch, opened, holds KEY. */
static bool
keyring_holds(const uint8_t key[32])
{
    uint8_t context[27] = "sealpost/1/keyring";
    char path[OS_PATH_MAX];
    struct buf sealed = {0}, plain = {0};
    bool found = false;

    put_u64(context + 19, fx.v->head.epoch);
    assert_int_equal(vault_path(path, fx.v, "keyring", fx.v->head.epoch),
                     ERR_OK);
    assert_int_equal(os_read_file(path, 1 << 20, &sealed), ERR_OK);
    assert_int_equal(chunked_open(&plain, fx.v->keys->ek, context,
                                  sizeof(context), sealed.data + 12,
                                  sealed.len - 12),
                     ERR_OK);
    for (size_t i = 0; i + 32 <= plain.len; i++)
        found = found || memcmp(plain.data + i, key, 32) == 0;
    buf_clear(&sealed);
    buf_clear(&plain);
    return found;
}

static void
a_shredded_records_key_is_in_no_keyring(void **state)
{
    uint8_t gone[32], kept[32];
    struct vault_info info;

    (void)state;
    commit_record(1, 500);
    commit_record(2, 500);
    remember_key(gone, 1);
    remember_key(kept, 2);
    assert_int_equal(vault_epoch(fx.v), ERR_OK);
    assert_true(keyring_holds(gone));
    assert_int_equal(vault_begin(fx.v), ERR_OK);
    assert_int_equal(vault_delete(fx.v, KIND, record_id(1), VAULT_SHRED_NOW),
                     ERR_OK);
    assert_int_equal(vault_commit(fx.v), ERR_OK);
    vault_stat(fx.v, &info);
    assert_false(info.shred_pending);
    assert_false(keyring_holds(gone));
    assert_true(keyring_holds(kept));
    assert_false(vault_has(fx.v, KIND, record_id(1)));
    fixture_reopen();
    assert_false(vault_has(fx.v, KIND, record_id(1)));
    assert_true(has_record(2, 500));
}

static void
a_replaced_records_key_goes_with_the_epoch(void **state)
{
    uint8_t gone[32];

    (void)state;
    commit_record(1, 500);
    assert_int_equal(vault_epoch(fx.v), ERR_OK);
    remember_key(gone, 1);
    commit_record(1, 600);
    assert_true(keyring_holds(gone));
    assert_int_equal(vault_epoch(fx.v), ERR_OK);
    assert_false(keyring_holds(gone));
    assert_true(has_record(1, 600));
}

static void
a_log_that_is_mostly_dead_is_rewritten(void **state)
{
    struct vault_info before, after;

    (void)state;
    for (unsigned i = 0; i < 30; i++)
        commit_record(i, 5000);
    commit_record(3, 4000);
    assert_int_equal(vault_epoch(fx.v), ERR_OK);
    vault_stat(fx.v, &before);
    assert_int_equal(vault_begin(fx.v), ERR_OK);
    for (unsigned i = 5; i < 25; i++)
        assert_int_equal(
            vault_delete(fx.v, KIND, record_id(i), VAULT_DROP_LATER), ERR_OK);
    assert_int_equal(vault_commit(fx.v), ERR_OK);
    assert_int_equal(vault_epoch(fx.v), ERR_OK);
    vault_stat(fx.v, &after);
    assert_true(after.log_len < before.log_len / 2);
    assert_int_equal(after.dead_len, 0);
    commit_record(50, 5000);
    fixture_reopen();
    for (unsigned i = 0; i < 30; i++)
        assert_int_equal(has_record(i, i == 3 ? 4000 : 5000), i < 5 || i >= 25);
    assert_true(has_record(50, 5000));
    assert_int_equal(vault_check(fx.v, NULL), ERR_OK);
}

/* ---- seeds ---- */

static void
put_seed_and_mark(void)
{
    assert_int_equal(vault_begin(fx.v), ERR_OK);
    assert_int_equal(vault_seed_put(fx.v, &prekey, seed), ERR_OK);
    assert_int_equal(vault_mark_put(fx.v, &prekey, record_id(7)), ERR_OK);
    assert_int_equal(vault_commit(fx.v), ERR_OK);
}

static void
a_destroyed_seed_is_known_to_be_gone(void **state)
{
    uint8_t got[32];
    struct prekey_id id;
    bool is_destroyed = true;
    size_t pos = 0;

    (void)state;
    put_seed_and_mark();
    fixture_reopen();
    assert_int_equal(vault_seed_get(fx.v, &prekey, got), ERR_OK);
    assert_memory_equal(got, seed, 32);
    assert_true(vault_seed_next(fx.v, &pos, &id, &is_destroyed));
    assert_memory_equal(id.b, prekey.b, sizeof(id.b));
    assert_false(is_destroyed);
    assert_false(vault_seed_next(fx.v, &pos, &id, &is_destroyed));

    assert_int_equal(vault_begin(fx.v), ERR_OK);
    assert_int_equal(vault_seed_destroy(fx.v, &prekey), ERR_OK);
    assert_int_equal(vault_commit(fx.v), ERR_OK);
    assert_int_equal(vault_seed_get(fx.v, &prekey, got), ERR_EXPIRED);
    assert_true(keyring_holds(seed));
    fixture_reopen();
    assert_false(keyring_holds(seed));
    assert_int_equal(vault_seed_get(fx.v, &prekey, got), ERR_EXPIRED);
    assert_int_equal(vault_begin(fx.v), ERR_OK);
    assert_int_equal(vault_seed_put(fx.v, &prekey, seed), ERR_EXISTS);
    assert_int_equal(vault_commit(fx.v), ERR_EXISTS);
}

static void
marks_live_as_long_as_their_seed(void **state)
{
    (void)state;
    put_seed_and_mark();
    assert_true(vault_mark_has(fx.v, record_id(7)));
    fixture_crash();
    assert_int_equal(fixture_open(), ERR_OK);
    assert_true(vault_mark_has(fx.v, record_id(7)));
    assert_int_equal(vault_begin(fx.v), ERR_OK);
    assert_int_equal(vault_mark_put(fx.v, &prekey, record_id(7)), ERR_OK);
    assert_int_equal(vault_mark_put(fx.v, &prekey, record_id(8)), ERR_OK);
    assert_int_equal(vault_seed_destroy(fx.v, &prekey), ERR_OK);
    assert_int_equal(vault_mark_put(fx.v, &prekey, record_id(9)), ERR_NOTFOUND);
    vault_abort(fx.v);
    fixture_reopen();
    assert_true(vault_mark_has(fx.v, record_id(7)));
    assert_int_equal(vault_begin(fx.v), ERR_OK);
    assert_int_equal(vault_seed_destroy(fx.v, &prekey), ERR_OK);
    assert_int_equal(vault_commit(fx.v), ERR_OK);
    assert_int_equal(vault_epoch(fx.v), ERR_OK);
    assert_false(vault_mark_has(fx.v, record_id(7)));
    fixture_reopen();
    assert_false(vault_mark_has(fx.v, record_id(7)));
}

/* ---- slots ---- */

static enum err
opens_with(const struct vault_secret *secret)
{
    struct vault *v = NULL;
    enum err rc = vault_open(&v, fx.dir, secret, 0);

    vault_close(v);
    return rc;
}

static void
slots_are_added_changed_and_removed(void **state)
{
    struct vault_slot_info info;
    size_t index = 9;

    (void)state;
    commit_record(1, 10);
    assert_int_equal(vault_slot_add(fx.v, &pass, &vault_cost_floor), ERR_OK);
    assert_int_equal(vault_slot_count(fx.v), 2);
    assert_int_equal(vault_slot_get(fx.v, 1, &info), ERR_OK);
    assert_int_equal(info.kind, VAULT_PASSPHRASE);
    assert_int_equal(info.cost.ops, 2);
    assert_int_equal(vault_slot_get(fx.v, 2, &info), ERR_NOTFOUND);
    assert_int_equal(vault_slot_find(fx.v, &pass, &index), ERR_OK);
    assert_int_equal(index, 1);
    assert_int_equal(vault_slot_find(fx.v, &other, &index), ERR_LOCKED);
    fixture_crash();

    assert_int_equal(opens_with(&pass), ERR_OK);
    assert_int_equal(opens_with(&other), ERR_LOCKED);
    /* The passphrase is forgotten; the sheet of paper makes a new one. */
    assert_int_equal(fixture_open(), ERR_OK);
    assert_int_equal(vault_slot_change(fx.v, 1, &other, &vault_cost_floor),
                     ERR_OK);
    fixture_crash();
    assert_int_equal(opens_with(&pass), ERR_LOCKED);
    assert_int_equal(vault_open(&fx.v, fx.dir, &other, 0), ERR_OK);
    assert_true(has_record(1, 10));
    assert_int_equal(vault_slot_remove(fx.v, 0), ERR_OK);
    assert_int_equal(vault_slot_remove(fx.v, 0), ERR_REFUSED);
    fixture_crash();
    assert_int_equal(opens_with(&paper), ERR_LOCKED);
    assert_int_equal(opens_with(&other), ERR_OK);
}

static void
secrets_and_costs_have_limits(void **state)
{
    static const uint8_t long_pass[1025];
    const struct vault_secret bad[] = {{VAULT_PASSPHRASE, "", 0},
                                       {VAULT_PASSPHRASE, long_pass, 1025},
                                       {VAULT_PAPER, long_pass, 31},
                                       {(enum vault_slot_kind)3, "abc", 3}};
    const struct vault_cost cheap = {1, 64 << 20}, small = {2, 63 << 20},
                            huge = {2, UINT64_C(4097) << 20};

    (void)state;
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(vault_slot_add(fx.v, &bad[i], NULL), ERR_MALFORMED);
    assert_int_equal(vault_slot_add(fx.v, &pass, &cheap), ERR_REFUSED);
    assert_int_equal(vault_slot_add(fx.v, &pass, &small), ERR_REFUSED);
    assert_int_equal(vault_slot_add(fx.v, &pass, &huge), ERR_REFUSED);
    for (size_t i = 1; i < VAULT_SLOTS_MAX; i++)
        assert_int_equal(vault_slot_add(fx.v, &paper, NULL), ERR_OK);
    assert_int_equal(vault_slot_add(fx.v, &paper, NULL), ERR_TOOBIG);
    assert_int_equal(vault_slot_count(fx.v), VAULT_SLOTS_MAX);
}

static void
a_head_with_a_cost_below_the_floor_is_refused(void **state)
{
    char path[OS_PATH_MAX];
    struct buf head = {0};

    (void)state;
    assert_int_equal(vault_slot_change(fx.v, 0, &pass, &vault_cost_floor),
                     ERR_OK);
    assert_int_equal(vault_path(path, fx.v, "head", 0), ERR_OK);
    fixture_crash();
    assert_int_equal(os_read_file(path, 4096, &head), ERR_OK);
    put_u32(head.data + 89 + 1, 1);
    assert_int_equal(os_write_file_atomic(path, head.data, head.len, 0600),
                     ERR_OK);
    assert_int_equal(vault_open(&fx.v, fx.dir, &pass, 0), ERR_REFUSED);
    put_u32(head.data + 89 + 1, 2);
    put_u64(head.data + 89 + 5, UINT64_C(1) << 40);
    assert_int_equal(os_write_file_atomic(path, head.data, head.len, 0600),
                     ERR_OK);
    assert_int_equal(vault_open(&fx.v, fx.dir, &pass, 0), ERR_REFUSED);
    buf_clear(&head);
}

static void
costs_are_read_from_text(void **state)
{
    static const struct {
        const char *text;
        enum err rc;
        uint32_t ops;
        uint64_t mib;
    } cases[] = {
        {NULL, ERR_OK, 3, 256},
        {"", ERR_OK, 3, 256},
        {"default", ERR_OK, 3, 256},
        {"floor", ERR_OK, 2, 64},
        {"4x512", ERR_OK, 4, 512},
        {"2x4096", ERR_OK, 2, 4096},
        {"1x64", ERR_REFUSED, 0, 0},
        {"2x63", ERR_REFUSED, 0, 0},
        {"2x4097", ERR_REFUSED, 0, 0},
        {"65x64", ERR_REFUSED, 0, 0},
        {"x64", ERR_MALFORMED, 0, 0},
        {"2x", ERR_MALFORMED, 0, 0},
        {"2xx64", ERR_MALFORMED, 0, 0},
        {"2x64x", ERR_MALFORMED, 0, 0},
        {"2x64 ", ERR_MALFORMED, 0, 0},
        {"-2x64", ERR_MALFORMED, 0, 0},
        {"cheap", ERR_MALFORMED, 0, 0},
        {"2", ERR_MALFORMED, 0, 0},
        {"99999999999999999999x64", ERR_REFUSED, 0, 0},
        {"2x99999999999999999999", ERR_REFUSED, 0, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct vault_cost cost = {0};

        assert_int_equal(vault_cost_parse(&cost, cases[i].text), cases[i].rc);
        assert_int_equal(cost.ops, cases[i].ops);
        assert_int_equal(cost.mem, cases[i].mib << 20);
    }
}

/* ---- what a thief sees ---- */

static void
check_mode(void *arg, const char *path)
{
    struct stat st;

    (void)arg;
    assert_int_equal(lstat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
}

static void
no_plaintext_and_no_id_is_in_any_file(void **state)
{
    static const char canary[] = "Maria was seen at the blue door";
    struct stat st;

    (void)state;
    assert_int_equal(vault_slot_add(fx.v, &pass, &vault_cost_floor), ERR_OK);
    put_seed_and_mark();
    assert_int_equal(vault_begin(fx.v), ERR_OK);
    assert_int_equal(
        vault_put(fx.v, KIND, record_id(1), canary, sizeof(canary)), ERR_OK);
    assert_int_equal(vault_commit(fx.v), ERR_OK);
    for (int round = 0; round < 2; round++) {
        assert_false(scratch_contains(fx.scratch, canary, 8));
        assert_false(scratch_contains(fx.scratch, record_id(1), 16));
        assert_false(scratch_contains(fx.scratch, record_id(7), 16));
        assert_false(scratch_contains(fx.scratch, prekey.b, 16));
        assert_false(scratch_contains(fx.scratch, seed, 16));
        assert_false(scratch_contains(fx.scratch, pass.bytes, pass.len));
        assert_false(scratch_contains(fx.scratch, paper.bytes, 16));
        assert_false(scratch_contains(fx.scratch, fx.v->keys->vk, 32));
        assert_false(scratch_contains(fx.scratch, fx.v->keys->ek, 32));
        scratch_each(fx.scratch, check_mode, NULL);
        fixture_reopen();
    }
    assert_int_equal(stat(fx.dir, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
}

/* ---- files ---- */

static bool
is_first(void *arg, const struct vault_file *file)
{
    const struct vault_file *first = arg;

    return memcmp(file->b, first->b, sizeof(file->b)) == 0;
}

static void
orphaned_files_are_swept(void **state)
{
    struct vault_file files[3];
    char *paths[3];
    size_t deleted = 0;

    (void)state;
    for (int i = 0; i < 3; i++) {
        vault_file_draw(&files[i]);
        paths[i] = vault_file_path(fx.v, &files[i]);
        assert_int_equal(os_write_file_atomic(paths[i], "x", 1, 0600), ERR_OK);
    }
    assert_int_equal(vault_file_delete(fx.v, &files[2]), ERR_OK);
    assert_int_equal(vault_file_delete(fx.v, &files[2]), ERR_OK);
    fixture_reopen();
    assert_int_equal(vault_file_sweep(fx.v, is_first, &files[0], &deleted),
                     ERR_OK);
    assert_int_equal(deleted, 1);
    assert_true(os_exists(paths[0]));
    assert_false(os_exists(paths[1]));
    for (int i = 0; i < 3; i++)
        free(paths[i]);
}

/* ---- life ---- */

static void
only_one_vault_fits_in_a_directory(void **state)
{
    struct vault *v = NULL;

    (void)state;
    assert_int_equal(vault_create(&v, fx.dir, &paper, NULL), ERR_BUSY);
    fixture_crash();
    assert_int_equal(vault_create(&v, fx.dir, &paper, NULL), ERR_EXISTS);
    assert_int_equal(vault_exists(fx.dir), ERR_OK);
    assert_int_equal(vault_exists(fx.scratch), ERR_NOTFOUND);
    assert_int_equal(vault_open(&v, fx.scratch, &paper, 0), ERR_NOTFOUND);
    assert_null(v);
}

static void
every_failed_allocation_is_survived(void **state)
{
    struct snapshot before;

    (void)state;
    commit_record(1, 20000);
    fixture_crash();
    snapshot_take(&before, fx.dir);
    for (unsigned long n = 0;; n++) {
        enum err rc;

        snapshot_restore(&before, fx.dir);
        fail_alloc_at(n);
        rc = fixture_open();
        if (rc == ERR_OK)
            rc = vault_begin(fx.v);
        if (rc == ERR_OK) {
            (void)vault_put(fx.v, KIND, record_id(2), "two", 3);
            (void)vault_delete(fx.v, KIND, record_id(3), VAULT_DROP_LATER);
            rc = vault_commit(fx.v);
        }
        if (rc == ERR_OK)
            rc = vault_epoch(fx.v);
        if (!fail_alloc_off()) {
            assert_int_equal(rc, ERR_OK);
            break;
        }
        assert_true(rc == ERR_NOMEM || rc == ERR_IO);
        vault_close(fx.v);
        fx.v = NULL;
        assert_int_equal(fixture_open(), ERR_OK);
        assert_true(has_record(1, 20000));
        fixture_crash();
    }
    assert_true(has_record(1, 20000));
    assert_true(vault_has(fx.v, KIND, record_id(2)));
    snapshot_clear(&before);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        test(records_survive_closing),
        test(committed_records_survive_a_crash),
        test(order_is_that_of_the_first_put),
        test(the_same_id_of_another_kind_is_another_record),
        test(a_failed_put_fails_the_commit_and_changes_nothing),
        test(the_largest_record_fits),
        test(a_shredded_records_key_is_in_no_keyring),
        test(a_replaced_records_key_goes_with_the_epoch),
        test(a_log_that_is_mostly_dead_is_rewritten),
        test(a_destroyed_seed_is_known_to_be_gone),
        test(marks_live_as_long_as_their_seed),
        test(slots_are_added_changed_and_removed),
        test(secrets_and_costs_have_limits),
        test(a_head_with_a_cost_below_the_floor_is_refused),
        test(costs_are_read_from_text),
        test(no_plaintext_and_no_id_is_in_any_file),
        test(orphaned_files_are_swept),
        test(only_one_vault_fits_in_a_directory),
        test(every_failed_allocation_is_survived),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
