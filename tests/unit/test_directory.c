#include "proto/directory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/bytes.h"
#include "proto/merkle.h"
#include "tests/lib/fail_alloc.h"
#include "tests/lib/net.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

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
a_network_grows_from_genesis_to_a_mailbox(void **state)
{
    unsigned hub = net_agency(&net, "Hub", CLASS_STATUTORY);
    unsigned d[2] = {net_device(&net, hub, "desk 1"),
                     net_device(&net, hub, "desk 2")};
    unsigned m = net_mailbox(&net, hub, "intake", d, 2);
    const struct dir_device *live[LIMIT_MAILBOX_DEVICES];

    (void)state;
    assert_true(directory_size(net.dir) == 5);
    assert_string_equal(directory_policy(net.dir)->relay_name, "relay.test");
    assert_int_equal(net_dir_agency(&net, hub)->class, CLASS_STATUTORY);
    assert_int_equal(net_dir_agency(&net, hub)->n_devices, 2);
    assert_string_equal(net_dir_device(&net, d[1])->label, "desk 2");
    assert_ptr_equal(
        directory_device_by_transport_key(net.dir, &net.devices[d[0]].dh_pub),
        net_dir_device(&net, d[0]));
    assert_int_equal(directory_live_devices(net.dir, net_dir_mailbox(&net, m),
                                            net.now_s, live),
                     2);
    assert_true(id_cmp(&live[0]->id, &live[1]->id) < 0);
    assert_ptr_equal(directory_agency_nth(net.dir, 0),
                     net_dir_agency(&net, hub));
    assert_null(directory_agency_nth(net.dir, 1));
    assert_non_null(directory_device_nth(net.dir, 1));
    assert_null(directory_mailbox_nth(net.dir, 1));
    assert_false(directory_needs_newer(net.dir));
}

static void
a_revoked_device_is_gone_now_and_was_there_then(void **state)
{
    unsigned hub = net_agency(&net, "Hub", CLASS_STATUTORY);
    unsigned d[2] = {net_device(&net, hub, "a"), net_device(&net, hub, "b")};
    unsigned m = net_mailbox(&net, hub, "intake", d, 2);
    uint64_t before = directory_size(net.dir);
    const struct device_id *id = &net.devices[d[0]].id;
    const struct agency_id *agency = &net.agencies[hub].id;
    const struct dir_device *live[LIMIT_MAILBOX_DEVICES];

    (void)state;
    net_revoke(&net, d[0], REVOKE_STOLEN, net.now_s - 60);
    assert_false(device_is_live(net_dir_device(&net, d[0]), net.now_s));
    assert_true(device_is_live(net_dir_device(&net, d[1]), net.now_s));
    assert_int_equal(net_dir_device(&net, d[0])->revoked_reason, REVOKE_STOLEN);
    assert_true(net_dir_device(&net, d[0])->revoked_index == before);
    assert_int_equal(directory_live_devices(net.dir, net_dir_mailbox(&net, m),
                                            net.now_s, live),
                     1);
    assert_memory_equal(live[0]->id.b, net.devices[d[1]].id.b, 16);
    assert_false(directory_device_live_at(net.dir, id, agency, 2));
    assert_true(directory_device_live_at(net.dir, id, agency, 3));
    assert_true(directory_device_live_at(net.dir, id, agency, before));
    assert_false(directory_device_live_at(net.dir, id, agency, before + 1));
    assert_false(directory_device_live_at(net.dir, id, &(struct agency_id){{1}},
                                          before));
}

static void
a_device_expires_by_the_clock(void **state)
{
    unsigned hub = net_desk(&net, "Hub", CLASS_STATUTORY);
    const struct dir_device *d = net_dir_device(&net, 0);
    const struct dir_device *live[LIMIT_MAILBOX_DEVICES];

    (void)state;
    (void)hub;
    assert_true(device_is_live(d, d->not_after_s - 1));
    assert_false(device_is_live(d, d->not_after_s));
    assert_int_equal(directory_live_devices(net.dir, net_dir_mailbox(&net, 0),
                                            d->not_after_s, live),
                     0);
}

static void
standing_is_remembered(void **state)
{
    unsigned hub = net_desk(&net, "Hub", CLASS_STATUTORY);
    const struct agency_id *id = &net.agencies[hub].id;
    uint64_t before = directory_size(net.dir);

    (void)state;
    net_suspend(&net, hub, 1);
    assert_true(net_dir_agency(&net, hub)->suspended);
    net_suspend(&net, hub, 0);
    assert_false(net_dir_agency(&net, hub)->suspended);
    assert_null(directory_standing_at(net.dir, id, 1));
    assert_false(directory_standing_at(net.dir, id, before)->suspended);
    assert_true(directory_standing_at(net.dir, id, before + 1)->suspended);
    assert_false(directory_standing_at(net.dir, id, before + 2)->suspended);
    assert_int_equal(directory_standing_at(net.dir, id, before)->class,
                     CLASS_STATUTORY);
}

static void
members_of_a_mailbox_are_remembered(void **state)
{
    unsigned hub = net_agency(&net, "Hub", CLASS_STATUTORY);
    unsigned d[2] = {net_device(&net, hub, "a"), net_device(&net, hub, "b")};
    unsigned m = net_mailbox(&net, hub, "intake", d, 2);
    const struct mailbox_id *id = &net.mailboxes[m].id;
    uint64_t before = directory_size(net.dir);
    const struct dir_device *live[LIMIT_MAILBOX_DEVICES];

    (void)state;
    net_mailbox_update(&net, m, "intake", MAILBOX_OPEN, &d[1], 1);
    assert_false(
        mailbox_has_device(net_dir_mailbox(&net, m), &net.devices[d[0]].id));
    assert_true(
        mailbox_has_device(net_dir_mailbox(&net, m), &net.devices[d[1]].id));
    assert_int_equal(directory_members_at(net.dir, id, before)->n, 2);
    assert_int_equal(directory_members_at(net.dir, id, before + 1)->n, 1);
    assert_null(directory_members_at(net.dir, id, before - 1));
    net_mailbox_update(&net, m, "intake", MAILBOX_CLOSED, NULL, 0);
    assert_int_equal(directory_live_devices(net.dir, net_dir_mailbox(&net, m),
                                            net.now_s, live),
                     0);
}

/* ---- the same leaves, the same state ---- */

static void
busy_network(void)
{
    unsigned hub = net_desk(&net, "Hub", CLASS_STATUTORY);
    unsigned ngo = net_desk(&net, "Shelter", CLASS_NON_STATUTORY);
    unsigned d = net_device(&net, ngo, "desk 2");

    net_mailbox_update(&net, 1, "night", MAILBOX_OPEN, &d, 1);
    net_revoke(&net, 1, REVOKE_LOST, net.now_s);
    net_suspend(&net, hub, 1);
    net_log_bytes(&net, "junk", 4);
}

static struct directory *
replay(const struct hash *network_id)
{
    struct directory *dir = directory_new(network_id);

    assert_non_null(dir);
    for (size_t i = 0; i < net.n_leaves; i++)
        assert_int_equal(
            directory_apply(dir, net.leaves[i].data, net.leaves[i].len, NULL),
            ERR_OK);
    return dir;
}

static void
assert_same_state(const struct directory *a, const struct directory *b)
{
    struct hash ra, rb;

    assert_true(directory_size(a) == directory_size(b));
    for (uint64_t n = 0; n <= directory_size(a); n++) {
        assert_int_equal(directory_root_at(a, n, &ra), ERR_OK);
        assert_int_equal(directory_root_at(b, n, &rb), ERR_OK);
        assert_memory_equal(ra.b, rb.b, 32);
    }
    for (size_t i = 0; directory_agency_nth(a, i) != NULL; i++) {
        const struct dir_agency *x = directory_agency_nth(a, i);
        const struct dir_agency *y = directory_agency_nth(b, i);

        assert_non_null(y);
        assert_memory_equal(x->id.b, y->id.b, 16);
        assert_memory_equal(x->prev.b, y->prev.b, 32);
        assert_true(x->next_seq == y->next_seq);
        assert_int_equal(x->suspended, y->suspended);
        assert_int_equal(x->n_devices, y->n_devices);
        assert_string_equal(x->name, y->name);
    }
    for (size_t i = 0; directory_device_nth(a, i) != NULL; i++)
        assert_true(directory_device_nth(a, i)->revoked_index ==
                    directory_device_nth(b, i)->revoked_index);
    for (size_t i = 0; directory_mailbox_nth(a, i) != NULL; i++)
        assert_string_equal(directory_mailbox_nth(a, i)->label,
                            directory_mailbox_nth(b, i)->label);
}

static void
the_same_leaves_give_the_same_state(void **state)
{
    struct directory *again, *pinned;

    (void)state;
    busy_network();
    again = replay(NULL);
    pinned = replay(&net.network_id);
    assert_same_state(net.dir, again);
    assert_same_state(net.dir, pinned);
    directory_free(again);
    directory_free(pinned);
}

static void
a_directory_of_another_network_takes_nothing(void **state)
{
    struct hash other = net.network_id;
    struct directory *dir;
    struct dir_finding f;

    (void)state;
    busy_network();
    other.b[0] ^= 1;
    dir = directory_new(&other);
    assert_non_null(dir);
    for (size_t i = 0; i < net.n_leaves; i++) {
        assert_int_equal(
            directory_apply(dir, net.leaves[i].data, net.leaves[i].len, &f),
            ERR_OK);
        assert_int_equal(f.effect, DIR_VOID);
        assert_true(f.index == i);
    }
    assert_null(directory_policy(dir));
    assert_null(directory_agency_nth(dir, 0));
    assert_true(directory_size(dir) == net.n_leaves);
    directory_free(dir);
}

static void
no_memory_changes_nothing_and_may_be_tried_again(void **state)
{
    struct directory *dir;

    (void)state;
    busy_network();
    dir = directory_new(NULL);
    assert_non_null(dir);
    for (size_t i = 0; i < net.n_leaves; i++) {
        for (unsigned long n = 0;; n++) {
            enum err rc;

            fail_alloc_at(n);
            rc = directory_apply(dir, net.leaves[i].data, net.leaves[i].len,
                                 NULL);
            if (!fail_alloc_off())
                break;
            assert_int_equal(rc, ERR_NOMEM);
            assert_true(directory_size(dir) == i);
        }
        assert_true(directory_size(dir) == i + 1);
    }
    assert_same_state(net.dir, dir);
    directory_free(dir);
}

/* ---- the log ---- */

static void
proofs_verify_against_roots_of_every_size(void **state)
{
    struct hash path[MERKLE_PATH_MAX], old_root, root;
    size_t n;

    (void)state;
    busy_network();
    for (uint64_t size = 1; size <= directory_size(net.dir); size++) {
        assert_int_equal(directory_root_at(net.dir, size, &root), ERR_OK);
        for (uint64_t i = 0; i < size; i++) {
            assert_int_equal(
                merkle_inclusion(directory_node, net.dir, i, size, path, &n),
                ERR_OK);
            assert_int_equal(
                merkle_verify_inclusion(directory_leaf_hash(net.dir, i), i,
                                        size, path, n, &root),
                ERR_OK);
        }
        for (uint64_t old = 1; old <= size; old++) {
            assert_int_equal(directory_root_at(net.dir, old, &old_root),
                             ERR_OK);
            assert_int_equal(merkle_consistency(directory_node, net.dir, old,
                                                size, path, &n),
                             ERR_OK);
            assert_int_equal(
                merkle_verify_consistency(old, size, &old_root, &root, path, n),
                ERR_OK);
        }
    }
    assert_int_equal(
        directory_root_at(net.dir, directory_size(net.dir) + 1, &root),
        ERR_NOTFOUND);
}

/* ---- names ---- */

static void
mailboxes_are_found_by_what_people_type(void **state)
{
    const struct dir_mailbox *m = NULL;
    const struct dir_agency *a = NULL;
    char hex[33];
    unsigned hub, d;

    (void)state;
    hub = net_desk(&net, "Hub/Berlin", CLASS_STATUTORY);
    assert_int_equal(directory_find_agency(net.dir, "hub/berlin", &a), ERR_OK);
    assert_int_equal(directory_find_mailbox(net.dir, "HUB/Berlin", &m), ERR_OK);
    assert_int_equal(directory_find_mailbox(net.dir, "hub/berlin/intake", &m),
                     ERR_OK);
    assert_ptr_equal(m, net_dir_mailbox(&net, 0));
    d = net_device(&net, hub, "desk 2");
    net_mailbox(&net, hub, "night", &d, 1);
    assert_int_equal(directory_find_mailbox(net.dir, "Hub/Berlin", &m),
                     ERR_CONFLICT);
    assert_int_equal(directory_find_mailbox(net.dir, "Hub/Berlin/night", &m),
                     ERR_OK);
    assert_ptr_equal(m, net_dir_mailbox(&net, 1));
    hex_encode(hex, net.mailboxes[0].id.b, 16);
    assert_int_equal(directory_find_mailbox(net.dir, hex, &m), ERR_OK);
    assert_ptr_equal(m, net_dir_mailbox(&net, 0));
    hex_encode(hex, net.agencies[hub].id.b, 16);
    assert_int_equal(directory_find_agency(net.dir, hex, &a), ERR_OK);
    assert_int_equal(directory_find_mailbox(net.dir, "Hub/intake", &m),
                     ERR_NOTFOUND);
    assert_int_equal(directory_find_mailbox(net.dir, "", &m), ERR_NOTFOUND);
    assert_int_equal(directory_find_agency(net.dir, "Hub", &a), ERR_NOTFOUND);
}

static void
a_slash_that_fits_two_names_is_a_conflict(void **state)
{
    const struct dir_mailbox *m = NULL;
    unsigned a, b, da, db;

    (void)state;
    a = net_agency(&net, "A", CLASS_STATUTORY);
    b = net_agency(&net, "A/B", CLASS_STATUTORY);
    da = net_device(&net, a, "x");
    db = net_device(&net, b, "x");
    net_mailbox(&net, a, "B/C", &da, 1);
    net_mailbox(&net, b, "C", &db, 1);
    assert_int_equal(directory_find_mailbox(net.dir, "A/B/C", &m),
                     ERR_CONFLICT);
    assert_int_equal(directory_find_mailbox(net.dir, "A", &m), ERR_OK);
    assert_ptr_equal(m, net_dir_mailbox(&net, 0));
}

/* ---- auditors ---- */

static void
an_auditors_scope_is_read_exactly(void **state)
{
    static const struct agency_id one = {{0x11}};
    static const char *const good[] = {
        "",
        "free text\nscoped work",
        "scope agencies=* from=* to=*",
        "scope agencies=11000000000000000000000000000000 from=2026-01-01 to=*",
        "scope agencies=* from=2026-01-01 to=2026-12-31",
        "hello\nscope agencies=* from=2024-02-29 to=*\nbye",
    };
    static const char *const bad[] = {
        "scope ",
        "scope agencies=* from=*",
        "scope agencies=* from=* to=* ",
        "scope agencies=* from=*  to=*",
        "scope agencies= from=* to=*",
        "scope agencies=11 from=* to=*",
        "scope agencies=11000000000000000000000000000000, from=* to=*",
        "scope agencies=AA000000000000000000000000000000 from=* to=*",
        "scope agencies=* from=2026-02-29 to=*",
        "scope agencies=* from=2026-13-01 to=*",
        "scope agencies=* from=2026-1-1 to=*",
        "scope agencies=* from=2026-02-02 to=2026-02-01",
        "scope agencies=* to=* from=*",
        "scope agencies=* from=* to=* more=1",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(good); i++)
        assert_int_equal(audit_scope_check(good[i]), ERR_OK);
    for (size_t i = 0; i < COUNT(bad); i++) {
        char text[200] = "scope agencies=* from=* to=*\n";

        strcat(text, bad[i]);
        assert_int_equal(audit_scope_check(bad[i]), ERR_MALFORMED);
        assert_false(audit_scope_covers(text, &one, NET_TIME));
    }
}

static void
an_auditors_days_are_whole_and_add_up(void **state)
{
    static const struct agency_id one = {{0x11}}, two = {{0x22}};
    /* 2026-01-01T00:00:00Z and 2026-02-01T00:00:00Z (date -u). */
    const uint64_t jan = 1767225600, feb = 1769904000;
    static const char scope[] =
        "scope agencies=11000000000000000000000000000000,"
        "33000000000000000000000000000000 from=2026-01-01 to=2026-01-31\n"
        "scope agencies=22000000000000000000000000000000 from=* to=2026-01-01";

    (void)state;
    assert_false(audit_scope_covers(scope, &one, jan - 1));
    assert_true(audit_scope_covers(scope, &one, jan));
    assert_true(audit_scope_covers(scope, &one, feb - 1));
    assert_false(audit_scope_covers(scope, &one, feb));
    assert_true(audit_scope_covers(scope, &two, 0));
    assert_true(audit_scope_covers(scope, &two, jan + 86399));
    assert_false(audit_scope_covers(scope, &two, jan + 86400));
}

/* The class that the registrar signs is the right; a name, a label or a scope
 * is not. */
static void
an_auditor_by_label_only_sees_nothing(void **state)
{
    static const char all[] = "scope agencies=* from=* to=*";
    unsigned ngo = net_agency(&net, "Auditor", CLASS_NON_STATUTORY);
    unsigned real = net_agency(&net, "Court of Audit", CLASS_AUDITOR);
    struct statement st;

    (void)state;
    net_device(&net, ngo, "auditor");
    for (unsigned i = ngo; i <= real; i++) {
        net_head_registrar(&net, &st, STMT_ADMIT);
        st.body.admit = (struct stmt_admit){
            .root = net.agencies[i].root.pub,
            .class = i == real ? CLASS_AUDITOR : CLASS_NON_STATUTORY,
            .country = {'D', 'E'},
            .name = text_ref(net_dir_agency(&net, i)->name),
            .services = text_ref(all)};
        assert_int_equal(
            stmt_pop_make(&st, &net.agencies[i].root, &net.network_id), ERR_OK);
        assert_int_equal(net_log_registrar(&net, &st).effect, DIR_APPLIED);
    }
    assert_false(directory_auditor_may_see(net_dir_agency(&net, ngo),
                                           &net.agencies[real].id, NET_TIME));
    assert_true(directory_auditor_may_see(net_dir_agency(&net, real),
                                          &net.agencies[ngo].id, NET_TIME));
    net_suspend(&net, real, 1);
    assert_false(directory_auditor_may_see(net_dir_agency(&net, real),
                                           &net.agencies[ngo].id, NET_TIME));
}

static void
every_finding_has_a_name_and_a_sentence(void **state)
{
    (void)state;
    for (int i = 0; i < DIR_CODE_COUNT; i++) {
        assert_true(strlen(dir_code_name((enum dir_code)i)) > 0);
        assert_true(strlen(dir_code_text((enum dir_code)i)) > 0);
    }
    assert_string_equal(dir_code_name(DIR_KEY_USED), "key-used");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_network_grows_from_genesis_to_a_mailbox),
        TEST(a_revoked_device_is_gone_now_and_was_there_then),
        TEST(a_device_expires_by_the_clock),
        TEST(standing_is_remembered),
        TEST(members_of_a_mailbox_are_remembered),
        TEST(the_same_leaves_give_the_same_state),
        TEST(a_directory_of_another_network_takes_nothing),
        TEST(no_memory_changes_nothing_and_may_be_tried_again),
        TEST(proofs_verify_against_roots_of_every_size),
        TEST(mailboxes_are_found_by_what_people_type),
        TEST(a_slash_that_fits_two_names_is_a_conflict),
        TEST(an_auditors_scope_is_read_exactly),
        TEST(an_auditors_days_are_whole_and_add_up),
        TEST(an_auditor_by_label_only_sees_nothing),
        TEST(every_finding_has_a_name_and_a_sentence),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
