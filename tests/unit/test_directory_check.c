/* The relay's door: what it logs, before it logs it. */
#include "proto/directory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "proto/directory_inside.h"
#include "tests/lib/net.h"

#define HOUR ((uint64_t)3600)
#define DAY ((uint64_t)86400)

static struct net net;

static int
setup(void **state)
{
    (void)state;
    net_init(&net);
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    net_clear(&net);
    return 0;
}

static void
assert_void(struct dir_finding f, enum dir_code code)
{
    assert_int_equal(f.effect, DIR_VOID);
    assert_string_equal(dir_code_name(f.code), dir_code_name(code));
}

static void
assert_applied(struct dir_finding f)
{
    assert_string_equal(dir_code_name(f.code), "fine");
    assert_int_equal(f.effect, DIR_APPLIED);
}

static enum err
check_device(struct statement *st, const struct sign_secret *key,
             struct dir_finding *f)
{
    struct buf b = {0};
    enum err rc;

    assert_int_equal(stmt_pop_make(st, key, &net.network_id), ERR_OK);
    net_build_agency(&net, &b, st, 0);
    rc = directory_check(net.dir, b.data, b.len, net.now_s, f);
    buf_clear(&b);
    return rc;
}

static void
the_door_asks_for_times_near_now_and_changes_nothing(void **state)
{
    struct sign_secret key;
    struct statement st;
    struct dir_finding f;
    uint64_t size;

    (void)state;
    net_desk(&net, "Hub", CLASS_STATUTORY);
    size = directory_size(net.dir);
    net_fill_device(&net, &st, 0, &key);
    assert_int_equal(check_device(&st, &key, &f), ERR_OK);
    assert_int_equal(f.effect, DIR_APPLIED);
    assert_true(f.index == size);
    st.time_s = net.now_s + 48 * HOUR;
    st.body.device.not_after_s = st.time_s + DAY;
    assert_int_equal(check_device(&st, &key, &f), ERR_OK);
    st.time_s++;
    assert_int_equal(check_device(&st, &key, &f), ERR_REFUSED);
    assert_void(f, DIR_BAD_TIME);
    st.time_s = net.now_s - 10 * DAY;
    st.body.device.not_after_s = net.now_s;
    assert_int_equal(check_device(&st, &key, &f), ERR_REFUSED);
    assert_void(f, DIR_BAD_TIME);
    net_fill_device(&net, &st, 0, &key);
    st.body.device.label = text_ref("e\xcc\x81"); /* decomposed */
    assert_int_equal(check_device(&st, &key, &f), ERR_REFUSED);
    assert_void(f, DIR_NOT_NFC);
    st.prev.b[0] ^= 1;
    assert_int_equal(check_device(&st, &key, &f), ERR_REFUSED);
    assert_void(f, DIR_BAD_CHAIN);
    assert_true(directory_size(net.dir) == size);
    assert_int_equal(directory_check(net.dir, "x", 1, net.now_s, &f),
                     ERR_MALFORMED);
}

static enum err
check_suspend(enum dir_code *code)
{
    struct statement st;
    struct dir_finding f;
    struct buf b = {0};
    enum err rc;

    net_head_registrar(&net, &st, STMT_SUSPEND);
    st.body.suspend = (struct stmt_suspend){net.agencies[0].id, 1};
    net_build_registrar(&net, &b, &st);
    rc = directory_check(net.dir, b.data, b.len, net.now_s, &f);
    buf_clear(&b);
    *code = f.code;
    return rc;
}

static void
the_last_leaves_are_for_registrars_alone(void **state)
{
    const uint64_t reserved = LIMIT_DIRECTORY_LEAVES - LIMIT_DIRECTORY_RESERVE;
    struct sign_secret key;
    struct statement st;
    struct dir_finding f;
    enum dir_code code;
    uint64_t size;

    (void)state;
    net_desk(&net, "Hub", CLASS_STATUTORY);
    size = directory_size(net.dir);
    net_fill_device(&net, &st, 0, &key);
    net.dir->peaks.size = reserved - 1; /* a million leaves take too long */
    assert_int_equal(check_device(&st, &key, &f), ERR_OK);
    net.dir->peaks.size = reserved;
    assert_int_equal(check_device(&st, &key, &f), ERR_FULL);
    assert_void(f, DIR_TOO_MANY);
    assert_int_equal(check_suspend(&code), ERR_OK);
    net.dir->peaks.size = LIMIT_DIRECTORY_LEAVES - 1;
    assert_int_equal(check_suspend(&code), ERR_OK);
    net.dir->peaks.size = LIMIT_DIRECTORY_LEAVES;
    assert_int_equal(check_suspend(&code), ERR_FULL);
    assert_int_equal(code, DIR_TOO_MANY);
    net.dir->peaks.size = size;
}

static void
the_door_knows_what_is_logged_already(void **state)
{
    const struct buf *leaf;
    struct dir_finding f;

    (void)state;
    net_desk(&net, "Hub", CLASS_STATUTORY);
    for (size_t i = 1; i < net.n_leaves; i++) {
        leaf = &net.leaves[i];
        assert_int_equal(
            directory_check(net.dir, leaf->data, leaf->len, net.now_s, &f),
            ERR_EXISTS);
        assert_true(f.index == i);
    }
}

static void
the_door_closes_for_an_old_root_by_the_clock(void **state)
{
    struct sign_secret next, key;
    struct statement st;
    struct dir_finding f;
    struct buf b = {0};

    (void)state;
    net_desk(&net, "Hub", CLASS_STATUTORY);
    net_fill_reroot(&net, &st, 0, &next, net.now_s + 72 * HOUR);
    net_build_registrar(&net, &b, &st);
    assert_int_equal(
        directory_check(net.dir, b.data, b.len, net.now_s + HOUR, &f), ERR_OK);
    assert_int_equal(
        directory_check(net.dir, b.data, b.len, net.now_s + HOUR + 1, &f),
        ERR_REFUSED);
    assert_void(f, DIR_BAD_TIME);
    assert_applied(net_log_bytes(&net, b.data, b.len));
    buf_clear(&b);
    net_fill_device(&net, &st, 0, &key);
    assert_int_equal(check_device(&st, &key, &f), ERR_OK);
    st.body.device.not_after_s += 30 * DAY;
    net.now_s += 72 * HOUR; /* the statement claims to be from before */
    assert_int_equal(check_device(&st, &key, &f), ERR_VERIFY);
    net.agencies[0].root = next;
    assert_int_equal(check_device(&st, &key, &f), ERR_OK);
}

static void
the_door_refuses_an_unreadable_scope(void **state)
{
    struct sign_secret root;
    struct statement st;
    struct dir_finding f;
    struct buf b = {0};

    (void)state;
    net_sign_key(&net, &root);
    net_fill_admit(&net, &st, &root, "Court", CLASS_AUDITOR);
    st.body.admit.services = text_ref("scope agencies=all");
    net_build_registrar(&net, &b, &st);
    assert_int_equal(directory_check(net.dir, b.data, b.len, net.now_s, &f),
                     ERR_REFUSED);
    assert_void(f, DIR_BAD_SCOPE);
    buf_reset(&b);
    st.body.admit.class = CLASS_PARTNER; /* free text there */
    net_build_registrar(&net, &b, &st);
    assert_int_equal(directory_check(net.dir, b.data, b.len, net.now_s, &f),
                     ERR_OK);
    buf_clear(&b);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_door_asks_for_times_near_now_and_changes_nothing),
        TEST(the_last_leaves_are_for_registrars_alone),
        TEST(the_door_knows_what_is_logged_already),
        TEST(the_door_closes_for_an_old_root_by_the_clock),
        TEST(the_door_refuses_an_unreadable_scope),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
