/* What people type, found in the directory; the next MAILBOX of a mailbox. */
#include "client/lookup.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "client/mailbox_edit.h"
#include "common/bytes.h"
#include "tests/lib/net.h"

static struct net net;
static const struct dir_agency *hub;
static struct problem pb;

static int
setup(void **state)
{
    (void)state;
    net_init(&net);
    net_desk(&net, "Harbour Light", CLASS_NON_STATUTORY);
    net_desk(&net, "Northgate Hub", CLASS_STATUTORY);
    hub = net_dir_agency(&net, (unsigned)net.n_agencies - 1);
    memset(&pb, 0, sizeof(pb));
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
an_agency_is_found_by_name_or_the_start_of_its_id(void **state)
{
    const struct dir_agency *a = NULL;
    char hex[33];

    (void)state;
    assert_int_equal(lookup_agency(net.dir, "northgate HUB", &a, &pb), ERR_OK);
    assert_ptr_equal(a, hub);
    hex_encode(hex, hub->id.b, 16);
    a = NULL;
    assert_int_equal(lookup_agency(net.dir, hex, &a, &pb), ERR_OK);
    assert_ptr_equal(a, hub);
    hex[8] = '\0';
    a = NULL;
    assert_int_equal(lookup_agency(net.dir, hex, &a, &pb), ERR_OK);
    assert_ptr_equal(a, hub);
    hex[7] = '\0';
    assert_int_equal(lookup_agency(net.dir, hex, &a, &pb), ERR_NOTFOUND);
    assert_int_equal(pb.id, P_RECIPIENT_UNKNOWN);
}

static void
a_mistyped_agency_gets_a_did_you_mean(void **state)
{
    const struct dir_agency *a;

    (void)state;
    assert_int_equal(lookup_agency(net.dir, "Harbor Light", &a, &pb),
                     ERR_NOTFOUND);
    assert_non_null(strstr(pb.next, "\"Harbour Light\""));
}

static void
a_live_device_goes_before_a_revoked_one_of_its_label(void **state)
{
    unsigned first = net_device(&net, 1, "Laptop");
    const struct dir_device *d = NULL;

    (void)state;
    net_revoke(&net, first, REVOKE_LOST, net.now_s);
    assert_int_equal(lookup_device(hub, "laptop", net.now_s, &d, &pb), ERR_OK);
    assert_ptr_equal(d, net_dir_device(&net, first));
    unsigned second = net_device(&net, 1, "Laptop");
    assert_int_equal(lookup_device(hub, "laptop", net.now_s, &d, &pb), ERR_OK);
    assert_ptr_equal(d, net_dir_device(&net, second));
    net_device(&net, 1, "Laptop");
    assert_int_equal(lookup_device(hub, "laptop", net.now_s, &d, &pb),
                     ERR_CONFLICT);
    assert_int_equal(pb.id, P_AMBIGUOUS);
}

static void
a_device_of_another_agency_is_not_found(void **state)
{
    const struct dir_device *theirs = net_dir_device(&net, 0);
    const struct dir_device *d;
    char hex[33];

    (void)state;
    hex_encode(hex, theirs->id.b, 16);
    assert_int_equal(lookup_device(hub, hex, net.now_s, &d, &pb), ERR_NOTFOUND);
    assert_int_equal(pb.id, P_NOT_FOUND);
}

static void
the_only_open_mailbox_need_not_be_named(void **state)
{
    unsigned device = (unsigned)net.n_devices - 1;
    const struct dir_mailbox *m = NULL;
    unsigned second;

    (void)state;
    assert_int_equal(lookup_mailbox(hub, NULL, &m, &pb), ERR_OK);
    second = net_mailbox(&net, 1, "Night desk", &device, 1);
    assert_int_equal(lookup_mailbox(hub, NULL, &m, &pb), ERR_MALFORMED);
    assert_non_null(strstr(pb.why, "\"Night desk\""));
    assert_int_equal(lookup_mailbox(hub, "night DESK", &m, &pb), ERR_OK);
    assert_ptr_equal(m, net_dir_mailbox(&net, second));
    net_mailbox_update(&net, second, "Night desk", MAILBOX_CLOSED, NULL, 0);
    memset(&pb, 0, sizeof(pb));
    assert_int_equal(lookup_mailbox(hub, "Night desk", &m, &pb), ERR_NOTFOUND);
    assert_int_equal(lookup_mailbox(hub, NULL, &m, &pb), ERR_OK);
}

/* ---- the next MAILBOX ---- */

static void
an_edit_repeats_all_and_drops_the_revoked(void **state)
{
    unsigned two[] = {(unsigned)net.n_devices - 1, net_device(&net, 1, "Lost")};
    unsigned box = net_mailbox(&net, 1, "Team", two, 2);
    struct mailbox_edit e;
    struct buf b = {0};
    struct dir_finding f;

    (void)state;
    net_revoke(&net, two[1], REVOKE_LOST, net.now_s);
    mailbox_edit_from(&e, net.dir, net_dir_mailbox(&net, box));
    assert_int_equal(e.st.body.mailbox.n, 1);
    assert_memory_equal(&e.devices[0], &net.devices[two[0]].id, 16);
    assert_int_equal(e.st.body.mailbox.purposes, 1);
    e.st.body.mailbox.contact = text_ref("+44 20 7946 0000");
    e.st.time_s = net.now_s;
    assert_int_equal(
        directory_chain(net.dir, &e.st.issuer, &e.st.seq, &e.st.prev), ERR_OK);
    net_build_agency(&net, &b, &e.st, 1);
    f = net_log_bytes(&net, b.data, b.len);
    assert_string_equal(dir_code_name(f.code), "fine");
    assert_string_equal(net_dir_mailbox(&net, box)->contact,
                        "+44 20 7946 0000");
    assert_string_equal(net_dir_mailbox(&net, box)->label, "Team");
    buf_clear(&b);
}

static void
members_come_once_and_go_once(void **state)
{
    const struct device_id *d = &net.devices[net.n_devices - 1].id;
    struct mailbox_edit e;

    (void)state;
    mailbox_edit_new(&e, &hub->id, "Team");
    assert_int_equal(mailbox_edit_add(&e, d, &pb), ERR_OK);
    assert_int_equal(mailbox_edit_add(&e, d, &pb), ERR_OK);
    assert_int_equal(e.st.body.mailbox.n, 1);
    assert_int_equal(mailbox_edit_remove(&e, d, &pb), ERR_OK);
    assert_int_equal(e.st.body.mailbox.n, 0);
    assert_int_equal(mailbox_edit_remove(&e, d, &pb), ERR_NOTFOUND);
    assert_int_equal(pb.id, P_NOT_FOUND);
}

static void
a_mailbox_has_room_for_255(void **state)
{
    struct mailbox_edit e;
    struct device_id d = {{0}};

    (void)state;
    mailbox_edit_new(&e, &hub->id, "Team");
    for (unsigned i = 0; i < LIMIT_MAILBOX_DEVICES; i++) {
        put_u16(d.b, (uint16_t)i);
        assert_int_equal(mailbox_edit_add(&e, &d, &pb), ERR_OK);
    }
    put_u16(d.b, LIMIT_MAILBOX_DEVICES);
    assert_int_equal(mailbox_edit_add(&e, &d, &pb), ERR_FULL);
    assert_int_equal(pb.id, P_POLICY);
}

#define T(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        T(an_agency_is_found_by_name_or_the_start_of_its_id),
        T(a_mistyped_agency_gets_a_did_you_mean),
        T(a_live_device_goes_before_a_revoked_one_of_its_label),
        T(a_device_of_another_agency_is_not_found),
        T(the_only_open_mailbox_need_not_be_named),
        T(an_edit_repeats_all_and_drops_the_revoked),
        T(members_come_once_and_go_once),
        T(a_mailbox_has_room_for_255),
    };

    return crypto_init() != ERR_OK ||
           cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
