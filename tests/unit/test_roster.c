#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "client/splitview.h"
#include "common/bytes.h"
#include "common/clock.h"
#include "common/os.h"
#include "tests/lib/desk_fixture.h"
#include "tests/lib/vault_fixture.h"

static struct problem pb;

static int
setup(void **state)
{
    memset(&pb, 0, sizeof(pb));
    return desk_fixture_setup(state);
}

static uint64_t
size_now(void)
{
    return directory_size(roster_directory(df.d.roster));
}

static void
reopen(void)
{
    roster_close(df.d.roster);
    df.d.roster = NULL;
    assert_int_equal(roster_open(&df.app, &df.d.id, &df.d.roster, &pb), ERR_OK);
}

static void
leaves_and_head_are_there_after_reopening(void **state)
{
    uint64_t size = size_now();

    (void)state;
    assert_int_equal(size, df.net.n_leaves);
    reopen();
    assert_int_equal(size_now(), size);
    assert_int_equal(roster_directory_head(df.d.roster)->size, size);
}

static void
a_head_that_is_not_the_relays_changes_nothing(void **state)
{
    uint64_t before = size_now();
    struct sign_secret other;
    struct head h;

    (void)state;
    (void)net_agency(&df.net, "Third", CLASS_PARTNER);
    net_sign_key(&df.net, &other);
    h = desk_head(&other);
    assert_int_equal(desk_extend(before, &h, &pb), ERR_VERIFY);
    assert_int_equal(pb.id, P_ORIGIN);
    assert_int_equal(size_now(), before);
}

static void
leaves_without_their_root_change_nothing(void **state)
{
    uint64_t before = size_now();
    struct head h;

    (void)state;
    (void)net_agency(&df.net, "Third", CLASS_PARTNER);
    h = desk_head(&df.net.log_key);
    df.net.leaves[before].data[40] ^= 1;
    assert_int_equal(desk_extend(before, &h, &pb), ERR_VERIFY);
    assert_int_equal(size_now(), before);
    reopen();
    assert_int_equal(size_now(), before);
    df.net.leaves[before].data[40] ^= 1;
    pb = (struct problem){0};
    assert_int_equal(desk_extend(before, &h, &pb), ERR_OK);
    assert_int_equal(size_now(), before + 1);
}

static void
two_heads_of_one_size_are_a_split_view_with_a_proof_file(void **state)
{
    struct head h = desk_head(&df.net.log_key);
    const char *path;

    (void)state;
    h.root.b[0] ^= 1;
    assert_int_equal(head_sign(&h, "relay.test/directory", &df.net.log_key),
                     ERR_OK);
    assert_int_equal(desk_extend(size_now(), &h, &pb), ERR_VERIFY);
    assert_int_equal(pb.id, P_SPLIT_VIEW);
    path = strstr(pb.why, fx.dir);
    assert_non_null(path);
    assert_true(os_exists(path));
}

static void
a_gap_is_refused_and_an_overlap_is_not(void **state)
{
    uint64_t before = size_now();
    struct head h;

    (void)state;
    (void)net_agency(&df.net, "Third", CLASS_PARTNER);
    (void)net_agency(&df.net, "Fourth", CLASS_PARTNER);
    h = desk_head(&df.net.log_key);
    assert_int_equal(desk_extend(before + 1, &h, &pb), ERR_STATE);
    pb = (struct problem){0};
    assert_int_equal(desk_extend(before - 2, &h, &pb), ERR_OK);
    assert_int_equal(size_now(), before + 2);
    /* All of it again: nothing happens. */
    assert_int_equal(desk_extend(0, &h, &pb), ERR_OK);
    reopen();
    assert_int_equal(size_now(), before + 2);
}

static void
mailboxes_are_found_as_people_type_them(void **state)
{
    struct mailbox_id id;
    char hex[33];
    char name[128];

    (void)state;
    assert_int_equal(roster_find_mailbox(df.d.roster, "hub", &id, &pb), ERR_OK);
    assert_memory_equal(id.b, df.net.mailboxes[WE].id.b, 16);
    roster_mailbox_name(df.d.roster, &id, name, sizeof(name));
    assert_int_equal(roster_find_mailbox(df.d.roster, name, &id, &pb), ERR_OK);
    hex_encode(hex, df.net.mailboxes[THEY].id.b, 16);
    hex[10] = '\0';
    assert_int_equal(roster_find_mailbox(df.d.roster, hex, &id, &pb), ERR_OK);
    assert_memory_equal(id.b, df.net.mailboxes[THEY].id.b, 16);
}

static void
a_slip_of_the_finger_gets_a_suggestion(void **state)
{
    struct mailbox_id id;

    (void)state;
    assert_int_equal(roster_find_mailbox(df.d.roster, "Sheltr", &id, &pb),
                     ERR_NOTFOUND);
    assert_int_equal(pb.id, P_RECIPIENT_UNKNOWN);
    assert_non_null(strstr(pb.next, "Shelter/"));
}

static void
checked_digits_stay_checked_until_the_root_changes(void **state)
{
    const struct agency_id *they = &df.net.agencies[THEY].id;
    struct sign_secret fresh;
    struct statement st;
    uint64_t now_s = clock_wall_ms() / 1000;

    (void)state;
    assert_false(roster_is_verified(df.d.roster, they));
    assert_int_equal(roster_set_verified(df.d.roster, they, now_s * 1000, &pb),
                     ERR_OK);
    assert_true(roster_is_verified(df.d.roster, they));
    reopen();
    assert_true(roster_is_verified(df.d.roster, they));
    /* Dated back, so that it takes hold within the hour: too soon to have
     * been noticed by anybody. */
    df.net.now_s -= 72 * 3600;
    net_fill_reroot(&df.net, &st, THEY, &fresh, now_s + 60);
    assert_int_equal(net_log_registrar(&df.net, &st).effect, DIR_APPLIED);
    desk_catch_up();
    assert_true(roster_is_held(df.d.roster, they));
    assert_false(roster_is_verified(df.d.roster, they));
    assert_int_equal(roster_set_verified(df.d.roster, they, now_s * 1000, &pb),
                     ERR_OK);
    assert_false(roster_is_held(df.d.roster, they));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, desk_fixture_teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(leaves_and_head_are_there_after_reopening),
        TEST(a_head_that_is_not_the_relays_changes_nothing),
        TEST(leaves_without_their_root_change_nothing),
        TEST(two_heads_of_one_size_are_a_split_view_with_a_proof_file),
        TEST(a_gap_is_refused_and_an_overlap_is_not),
        TEST(mailboxes_are_found_as_people_type_them),
        TEST(a_slip_of_the_finger_gets_a_suggestion),
        TEST(checked_digits_stay_checked_until_the_root_changes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
