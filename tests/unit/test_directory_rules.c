/* What a statement must not do: every way to have no effect. */
#include "proto/directory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

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

/* As net_fill_device says, after a test has changed it. */
static struct dir_finding
log_device(struct statement *st, unsigned agency, const struct sign_secret *key)
{
    assert_int_equal(stmt_pop_make(st, key, &net.network_id), ERR_OK);
    return net_log_agency(&net, st, agency);
}

static void
fill_mailbox(struct statement *st, unsigned agency, uint8_t id,
             const char *label, const struct device_id *device)
{
    net_head_agency(&net, st, STMT_MAILBOX, agency);
    st->body.mailbox = (struct stmt_mailbox){.mailbox = {{id}},
                                             .state = MAILBOX_OPEN,
                                             .label = text_ref(label),
                                             .n = device != NULL,
                                             .devices = device};
}

/* ---- chain, signature, authority ---- */

static void
a_break_in_the_chain_has_no_effect(void **state)
{
    struct sign_secret key;
    struct statement st;

    (void)state;
    net_desk(&net, "Hub", CLASS_STATUTORY);
    net_fill_device(&net, &st, 0, &key);
    st.seq++;
    assert_void(log_device(&st, 0, &key), DIR_BAD_CHAIN);
    st.seq -= 2;
    assert_void(log_device(&st, 0, &key), DIR_BAD_CHAIN);
    st.seq++;
    st.prev.b[0] ^= 1;
    assert_void(log_device(&st, 0, &key), DIR_BAD_CHAIN);
    st.prev.b[0] ^= 1;
    assert_applied(log_device(&st, 0, &key));
    assert_void(log_device(&st, 0, &key), DIR_BAD_CHAIN); /* again */
}

static void
only_the_root_alone_speaks_for_an_agency(void **state)
{
    struct sign_secret key;
    struct statement st;
    struct buf b = {0};

    (void)state;
    net_desk(&net, "Hub", CLASS_STATUTORY);
    net_desk(&net, "Shelter", CLASS_NON_STATUTORY);
    net_fill_device(&net, &st, 0, &key);
    assert_int_equal(stmt_pop_make(&st, &key, &net.network_id), ERR_OK);
    assert_int_equal(stmt_build(&b, &st), ERR_OK);
    assert_void(net_log_bytes(&net, b.data, b.len), DIR_BAD_SIGNATURE);
    assert_int_equal(stmt_sign(&b, &net.devices[0].sign), ERR_OK);
    assert_void(net_log_bytes(&net, b.data, b.len), DIR_BAD_SIGNATURE);
    assert_int_equal(stmt_sign(&b, &net.agencies[0].root), ERR_OK);
    assert_void(net_log_bytes(&net, b.data, b.len), DIR_BAD_SIGNATURE);
    buf_clear(&b);
    assert_void(net_log_agency(&net, &st, 1), DIR_BAD_SIGNATURE);
    assert_void(net_log_registrar(&net, &st), DIR_BAD_SIGNATURE);
    st.issuer.b[3] ^= 1;
    assert_void(net_log_agency(&net, &st, 0), DIR_UNKNOWN_ISSUER);
}

static void
agencies_and_registrars_keep_to_their_kinds(void **state)
{
    struct statement st;

    (void)state;
    net_desk(&net, "Hub", CLASS_REGISTRAR);
    net_head_agency(&net, &st, STMT_SUSPEND, 0);
    st.body.suspend.agency = net.agencies[0].id;
    st.body.suspend.state = 1;
    assert_void(net_log_agency(&net, &st, 0), DIR_NO_AUTHORITY);
    net_head_registrar(&net, &st, STMT_REVOKE);
    st.body.revoke.device = net.devices[0].id;
    st.body.revoke.reason = REVOKE_LOST;
    assert_void(net_log_registrar(&net, &st), DIR_NO_AUTHORITY);
}

static void
k_of_n_registrars_must_sign(void **state)
{
    struct sign_secret root;
    struct statement st;
    struct buf b = {0};

    (void)state;
    net_clear(&net);
    net_init_k_of_n(&net, 2, 3);
    net_sign_key(&net, &root);
    net_fill_admit(&net, &st, &root, "Hub", CLASS_STATUTORY);
    assert_int_equal(stmt_build(&b, &st), ERR_OK);
    assert_void(net_log_bytes(&net, b.data, b.len), DIR_TOO_FEW_SIGNATURES);
    assert_int_equal(stmt_sign(&b, &net.registrars[2]), ERR_OK);
    assert_void(net_log_bytes(&net, b.data, b.len), DIR_TOO_FEW_SIGNATURES);
    assert_int_equal(stmt_sign(&b, &root), ERR_OK);
    assert_void(net_log_bytes(&net, b.data, b.len), DIR_BAD_SIGNATURE);
    buf_reset(&b);
    assert_int_equal(stmt_build(&b, &st), ERR_OK);
    assert_int_equal(stmt_sign(&b, &net.registrars[2]), ERR_OK);
    assert_int_equal(stmt_sign(&b, &net.registrars[0]), ERR_OK);
    assert_applied(net_log_bytes(&net, b.data, b.len));
    buf_clear(&b);
}

static void
a_new_policy_changes_who_the_registrars_are(void **state)
{
    const struct dir_policy *p = directory_policy(net.dir);
    struct sign_key next = net.registrars[1].pub;
    struct statement st;

    (void)state;
    net_head_registrar(&net, &st, STMT_POLICY);
    st.body.policy = (struct stmt_policy){
        .min_suite = 2,
        .k = 1,
        .n = 1,
        .keys = &next,
        .relay_name = text_ref("relay.test"),
        .relay_key = p->relay_key,
        .log_key = p->log_key,
        .delivery_origin = text_ref("relay.test/delivery"),
        .directory_origin = text_ref("relay.test/directory"),
        .retention_days = 30};
    assert_applied(net_log_registrar(&net, &st));
    assert_int_equal(p->retention_days, 30);
    net_head_registrar(&net, &st, STMT_ADMIT);
    net_fill_admit(&net, &st, &net.registrars[2], "Hub", CLASS_STATUTORY);
    assert_void(net_log_registrar(&net, &st), DIR_BAD_SIGNATURE);
    net.registrars[0] = net.registrars[1];
    assert_applied(net_log_registrar(&net, &st));
    net_head_registrar(&net, &st, STMT_POLICY); /* now Hub's root: used */
    st.body.policy = (struct stmt_policy){.k = 1,
                                          .n = 1,
                                          .keys = &net.registrars[2].pub,
                                          .relay_name = text_ref("relay.test"),
                                          .relay_key = p->relay_key,
                                          .log_key = p->log_key,
                                          .delivery_origin = text_ref("a"),
                                          .directory_origin = text_ref("b"),
                                          .retention_days = 30};
    assert_void(net_log_registrar(&net, &st), DIR_KEY_USED);
}

static void
genesis_is_signed_by_its_own_registrars(void **state)
{
    struct directory *dir = directory_new(NULL);
    struct dir_finding f;
    struct buf *g = &net.leaves[0];

    (void)state;
    assert_non_null(dir);
    g->data[g->len - 1] ^= 1;
    assert_int_equal(directory_apply(dir, g->data, g->len, &f), ERR_OK);
    assert_void(f, DIR_BAD_SIGNATURE);
    g->data[g->len - 1] ^= 1;
    assert_int_equal(directory_apply(dir, g->data, g->len, &f), ERR_OK);
    assert_void(f, DIR_NO_GENESIS); /* leaf 0 or never */
    assert_void(net_log_bytes(&net, g->data, g->len), DIR_UNKNOWN_ISSUER);
    directory_free(dir);
}

/* ---- keys ---- */

static void
anothers_device_key_cannot_be_stolen(void **state)
{
    struct sign_secret key;
    struct statement st;
    struct buf b = {0};

    (void)state;
    net_desk(&net, "Hub", CLASS_STATUTORY);
    net_desk(&net, "Thief", CLASS_NON_STATUTORY);
    net_fill_device(&net, &st, 1, &key);
    st.body.device.sign_key = net.devices[0].sign.pub; /* without its secret */
    net_build_agency(&net, &b, &st, 1);
    assert_void(net_log_bytes(&net, b.data, b.len), DIR_BAD_POP);
    buf_clear(&b);
    assert_void(log_device(&st, 1, &net.devices[0].sign), DIR_KEY_USED);
    net_fill_device(&net, &st, 1, &key);
    st.body.device.transport_key = net.devices[0].dh_pub;
    assert_void(log_device(&st, 1, &key), DIR_KEY_USED);
    assert_ptr_equal(net_dir_device(&net, 0)->agency, net_dir_agency(&net, 0));
    assert_int_equal(net_dir_agency(&net, 1)->n_devices, 1);
}

static void
a_key_that_ever_appeared_never_comes_back(void **state)
{
    struct sign_secret key;
    struct statement st;

    (void)state;
    net_desk(&net, "Hub", CLASS_STATUTORY);
    net_revoke(&net, 0, REVOKE_RETIRED, net.now_s);
    net_fill_device(&net, &st, 0, &key);
    st.body.device.sign_key = net.devices[0].sign.pub;
    assert_void(log_device(&st, 0, &net.devices[0].sign), DIR_KEY_USED);
    net_fill_device(&net, &st, 0, &key);
    st.body.device.sign_key = net.agencies[0].root.pub;
    assert_void(log_device(&st, 0, &net.agencies[0].root), DIR_KEY_USED);
    net_fill_device(&net, &st, 0, &key);
    st.body.device.transport_key = net.relay_key;
    assert_void(log_device(&st, 0, &key), DIR_KEY_USED);
    net_fill_device(&net, &st, 0, &key);
    memcpy(st.body.device.transport_key.b, key.pub.b, 32);
    assert_void(log_device(&st, 0, &key), DIR_KEY_USED);
    net_fill_admit(&net, &st, &net.devices[0].sign, "Other", CLASS_PARTNER);
    assert_void(net_log_registrar(&net, &st), DIR_KEY_USED);
}

static void
a_registrars_key_roots_an_agency_of_registrars_only(void **state)
{
    struct statement st;

    (void)state;
    net_fill_admit(&net, &st, &net.registrars[0], "Board", CLASS_STATUTORY);
    assert_void(net_log_registrar(&net, &st), DIR_KEY_USED);
    net_fill_admit(&net, &st, &net.log_key, "Board", CLASS_REGISTRAR);
    assert_void(net_log_registrar(&net, &st), DIR_KEY_USED);
    net_fill_admit(&net, &st, &net.registrars[0], "Board", CLASS_REGISTRAR);
    assert_applied(net_log_registrar(&net, &st));
}

/* ---- one kind after the other ---- */

static void
names_are_taken_once(void **state)
{
    struct sign_secret root;
    struct statement st;

    (void)state;
    net_desk(&net, "Hub", CLASS_STATUTORY);
    net_sign_key(&net, &root);
    net_fill_admit(&net, &st, &root, "HUB", CLASS_STATUTORY);
    assert_void(net_log_registrar(&net, &st), DIR_NAME_TAKEN);
    net_fill_admit(&net, &st, &net.agencies[0].root, "Hub", CLASS_STATUTORY);
    assert_void(net_log_registrar(&net, &st), DIR_NO_CHANGE);
    net_fill_admit(&net, &st, &net.agencies[0].root, "HUB", CLASS_STATUTORY);
    assert_applied(net_log_registrar(&net, &st));
    assert_string_equal(net_dir_agency(&net, 0)->name, "HUB");
}

static void
suspending_needs_an_agency_and_a_change(void **state)
{
    struct statement st;

    (void)state;
    net_desk(&net, "Hub", CLASS_STATUTORY);
    net_head_registrar(&net, &st, STMT_SUSPEND);
    st.body.suspend.agency.b[0] = 1;
    assert_void(net_log_registrar(&net, &st), DIR_UNKNOWN_AGENCY);
    st.body.suspend.agency = net.agencies[0].id;
    assert_void(net_log_registrar(&net, &st), DIR_NO_CHANGE);
}

static void
revoking_is_for_own_devices_and_never_for_the_future(void **state)
{
    struct statement st;

    (void)state;
    net_desk(&net, "Hub", CLASS_STATUTORY);
    net_desk(&net, "Shelter", CLASS_NON_STATUTORY);
    net_head_agency(&net, &st, STMT_REVOKE, 1);
    st.body.revoke = (struct stmt_revoke){.device = net.devices[0].id,
                                          .reason = REVOKE_LOST};
    assert_void(net_log_agency(&net, &st, 1), DIR_UNKNOWN_DEVICE);
    st.body.revoke.device = net.devices[1].id;
    st.body.revoke.since_s = st.time_s + 1;
    assert_void(net_log_agency(&net, &st, 1), DIR_BAD_TIME);
    st.body.revoke.since_s = st.time_s;
    assert_applied(net_log_agency(&net, &st, 1));
}

static void
a_second_revocation_only_reaches_further_back(void **state)
{
    const struct dir_device *d;
    uint64_t first;
    struct statement st;

    (void)state;
    net_desk(&net, "Hub", CLASS_STATUTORY);
    d = net_dir_device(&net, 0);
    net_revoke(&net, 0, REVOKE_RETIRED, net.now_s);
    first = d->revoked_index;
    net_head_registrar(&net, &st, STMT_STOP_DEVICE);
    st.body.stop_device.device = net.devices[0].id;
    st.body.stop_device.since_s = net.now_s;
    assert_void(net_log_registrar(&net, &st), DIR_NO_CHANGE);
    st.body.stop_device.since_s = net.now_s - DAY;
    assert_applied(net_log_registrar(&net, &st));
    assert_true(d->revoked_index == first);
    assert_true(d->revoked_since_s == net.now_s - DAY);
}

static void
devices_last_at_most_400_days(void **state)
{
    struct sign_secret key;
    struct statement st;

    (void)state;
    net_desk(&net, "Hub", CLASS_STATUTORY);
    net_fill_device(&net, &st, 0, &key);
    st.body.device.not_after_s = st.time_s + 400 * DAY + 1;
    assert_void(log_device(&st, 0, &key), DIR_BAD_TIME);
    st.body.device.not_after_s = st.time_s;
    assert_void(log_device(&st, 0, &key), DIR_BAD_TIME);
    st.body.device.not_after_s = st.time_s + 400 * DAY;
    assert_applied(log_device(&st, 0, &key));
}

static void
a_mailbox_stays_with_its_agency_and_its_devices(void **state)
{
    struct statement st;

    (void)state;
    net_desk(&net, "Hub", CLASS_STATUTORY);
    net_desk(&net, "Shelter", CLASS_NON_STATUTORY);
    fill_mailbox(&st, 1, 1, "night", &net.devices[0].id);
    assert_void(net_log_agency(&net, &st, 1), DIR_UNKNOWN_DEVICE);
    fill_mailbox(&st, 1, 1, "night", &net.devices[1].id);
    st.body.mailbox.mailbox = net.mailboxes[0].id;
    assert_void(net_log_agency(&net, &st, 1), DIR_FOREIGN_MAILBOX);
    fill_mailbox(&st, 1, 1, "INTAKE", &net.devices[1].id);
    assert_void(net_log_agency(&net, &st, 1), DIR_NAME_TAKEN);
    fill_mailbox(&st, 1, 1, "night", NULL);
    st.body.mailbox.deputy.b[0] = 9;
    assert_void(net_log_agency(&net, &st, 1), DIR_UNKNOWN_MAILBOX);
    st.body.mailbox.deputy = net.mailboxes[0].id;
    assert_applied(net_log_agency(&net, &st, 1));
    fill_mailbox(&st, 1, 1, "night", NULL);
    st.body.mailbox.deputy = net.mailboxes[0].id;
    assert_void(net_log_agency(&net, &st, 1), DIR_NO_CHANGE);
}

/* ---- a new root ---- */

static void
a_new_root_waits_three_days_and_then_rules(void **state)
{
    struct sign_secret next, key, old;
    struct statement st;
    uint64_t effective = net.now_s + 72 * HOUR;

    (void)state;
    net_desk(&net, "Hub", CLASS_STATUTORY);
    old = net.agencies[0].root;
    net_fill_reroot(&net, &st, 0, &next, effective - 1);
    assert_void(net_log_registrar(&net, &st), DIR_BAD_TIME);
    net_fill_reroot(&net, &st, 0, &next, effective);
    assert_applied(net_log_registrar(&net, &st));
    assert_memory_equal(directory_root_now(net_dir_agency(&net, 0), net.now_s),
                        &old.pub, 32);
    assert_memory_equal(directory_root_now(net_dir_agency(&net, 0), effective),
                        &next.pub, 32);
    net_device(&net, 0, "by the old root");
    net.now_s = effective;
    net_fill_device(&net, &st, 0, &key);
    assert_void(log_device(&st, 0, &key), DIR_BAD_SIGNATURE);
    net.agencies[0].root = next;
    assert_applied(log_device(&st, 0, &key));
    assert_memory_equal(&net_dir_agency(&net, 0)->root, &next.pub, 32);
    net.now_s = effective - HOUR; /* a backdated one does not bring it back */
    net.agencies[0].root = old;
    net_fill_device(&net, &st, 0, &key);
    assert_void(log_device(&st, 0, &key), DIR_BAD_SIGNATURE);
}

static void
the_old_root_may_cancel_in_time(void **state)
{
    struct sign_secret next;
    struct statement st;
    struct hash named;

    (void)state;
    net_desk(&net, "Hub", CLASS_STATUTORY);
    net_desk(&net, "Shelter", CLASS_STATUTORY);
    net_fill_reroot(&net, &st, 0, &next, net.now_s + 80 * HOUR);
    assert_applied(net_log_registrar(&net, &st));
    named = net_dir_agency(&net, 0)->reroot.statement;
    net_head_agency(&net, &st, STMT_CANCEL, 1);
    st.body.cancel.statement = named;
    assert_void(net_log_agency(&net, &st, 1), DIR_NO_CHANGE);
    net_head_agency(&net, &st, STMT_CANCEL, 0);
    st.body.cancel.statement = net.network_id;
    assert_void(net_log_agency(&net, &st, 0), DIR_NO_CHANGE);
    st.body.cancel.statement = named;
    assert_applied(net_log_agency(&net, &st, 0));
    assert_memory_equal(
        directory_root_now(net_dir_agency(&net, 0), net.now_s + 100 * HOUR),
        &net.agencies[0].root.pub, 32);
    net_fill_reroot(&net, &st, 0, &next, net.now_s + 72 * HOUR);
    assert_applied(net_log_registrar(&net, &st));
    named = net_dir_agency(&net, 0)->reroot.statement;
    net.now_s += 72 * HOUR;
    net_head_agency(&net, &st, STMT_CANCEL, 0);
    st.body.cancel.statement = named;
    assert_void(net_log_agency(&net, &st, 0), DIR_BAD_SIGNATURE);
    net.agencies[0].root = next;
    assert_void(net_log_agency(&net, &st, 0), DIR_NO_CHANGE);
}

static void
an_agency_keeps_its_id_after_a_new_root(void **state)
{
    struct sign_secret next, first;
    struct statement st;

    (void)state;
    net_desk(&net, "Hub", CLASS_STATUTORY);
    first = net.agencies[0].root;
    net_fill_reroot(&net, &st, 0, &next, net.now_s + 72 * HOUR);
    assert_applied(net_log_registrar(&net, &st));
    net.now_s += 73 * HOUR;
    net_fill_admit(&net, &st, &first, "Hub North", CLASS_STATUTORY);
    assert_applied(net_log_registrar(&net, &st));
    assert_string_equal(net_dir_agency(&net, 0)->name, "Hub North");
    assert_memory_equal(&net_dir_agency(&net, 0)->root, &next.pub, 32);
    net_fill_admit(&net, &st, &next, "Hub South", CLASS_STATUTORY);
    assert_void(net_log_registrar(&net, &st), DIR_KEY_USED);
}

/* ---- unknown kinds ---- */

/* A statement of KIND, rightly signed by the registrar; its body is CANCEL's.
 */
static struct dir_finding
log_unknown(uint8_t kind)
{
    struct statement st;
    struct buf b = {0};
    struct dir_finding f;

    net_head_registrar(&net, &st, STMT_CANCEL);
    assert_int_equal(stmt_build(&b, &st), ERR_OK);
    b.data[16] = kind;
    assert_int_equal(stmt_sign(&b, &net.registrars[0]), ERR_OK);
    assert_int_equal(directory_check(net.dir, b.data, b.len, net.now_s, &f),
                     ERR_VERSION);
    f = net_log_bytes(&net, b.data, b.len);
    buf_clear(&b);
    return f;
}

static void
unknown_kinds_are_skipped_or_ask_for_a_newer_version(void **state)
{
    (void)state;
    assert_int_equal(log_unknown(200).effect, DIR_IGNORED);
    assert_false(directory_needs_newer(net.dir));
    net_desk(&net, "Hub", CLASS_STATUTORY); /* the chain goes on */
    assert_int_equal(log_unknown(127).effect, DIR_IGNORED);
    assert_true(directory_needs_newer(net.dir));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_break_in_the_chain_has_no_effect),
        TEST(only_the_root_alone_speaks_for_an_agency),
        TEST(agencies_and_registrars_keep_to_their_kinds),
        TEST(k_of_n_registrars_must_sign),
        TEST(a_new_policy_changes_who_the_registrars_are),
        TEST(genesis_is_signed_by_its_own_registrars),
        TEST(anothers_device_key_cannot_be_stolen),
        TEST(a_key_that_ever_appeared_never_comes_back),
        TEST(a_registrars_key_roots_an_agency_of_registrars_only),
        TEST(names_are_taken_once),
        TEST(suspending_needs_an_agency_and_a_change),
        TEST(revoking_is_for_own_devices_and_never_for_the_future),
        TEST(a_second_revocation_only_reaches_further_back),
        TEST(devices_last_at_most_400_days),
        TEST(a_mailbox_stays_with_its_agency_and_its_devices),
        TEST(a_new_root_waits_three_days_and_then_rules),
        TEST(the_old_root_may_cancel_in_time),
        TEST(an_agency_keeps_its_id_after_a_new_root),
        TEST(unknown_kinds_are_skipped_or_ask_for_a_newer_version),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
