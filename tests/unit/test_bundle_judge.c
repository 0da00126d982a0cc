/* What an evidence bundle proves, to whom, and what it does not. */
#include "proto/bundle_judge.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/lib/bundle_fixture.h"

static struct bundle_fixture f;
static struct bundle_proven p;
static struct bundle_fault fault;

static int
set_up(void **state)
{
    (void)state;
    bundle_fixture_init(&f);
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    bundle_proven_clear(&p);
    bundle_fixture_clear(&f);
    return 0;
}

static void
judge(const struct bundle_anchor *a)
{
    bundle_proven_clear(&p);
    assert_int_equal(bundle_fixture_judge(&f, a, &p, &fault), ERR_OK);
}

static void
expect_fault(const struct bundle_anchor *a, unsigned kind)
{
    struct bundle_proven none = {0};

    assert_int_equal(bundle_fixture_judge(&f, a, &none, &fault), ERR_VERIFY);
    assert_int_equal(fault.kind, kind);
    assert_non_null(fault.why);
}

/* ---- what it proves ---- */

static void
a_whole_bundle_tells_the_whole_story(void **state)
{
    const struct bundle_fate *end;

    (void)state;
    bundle_fixture_story(&f);
    bundle_fixture_make(&f);
    judge(NULL);
    assert_true(p.has_directory && p.has_header && p.has_lists && p.is_signed);
    assert_true(id_eq(&p.who.network_id, &f.net.network_id));
    assert_true(id_eq(&p.sender, &f.net.agencies[0].id));
    assert_true(id_eq(&p.packet, &f.h.packet));
    assert_true(p.digest_is_computed);
    assert_int_equal(p.standing, STANDING_LIVE);
    assert_int_equal(p.disclosed, 3);
    assert_string_equal(p.log.name, "relay.test/delivery");
    assert_string_equal(bundle_who_mailbox(&p.who, &p.mailbox)->agency->name,
                        "hub");
    assert_int_equal(p.n_fates, 2);
    assert_int_equal(bundle_fate_of(&p, EVENT_STORED)->event.time_ms,
                     BF_STORED_MS);
    end = bundle_end(&p);
    assert_int_equal(end->event.type, EVENT_HANDED_OVER);
    assert_int_equal(end->backing, BACKING_DEVICE);
    assert_int_equal(end->opening, OPENING_SHOWN);
    assert_int_equal(end->standing, STANDING_LIVE);
    assert_false(end->witnessed.is_here);
}

static void
every_end_has_its_word_behind_it(void **state)
{
    static const struct {
        unsigned type, device;
        enum bundle_backing backing;
    } ends[] = {
        {EVENT_REFUSED, 1, BACKING_DEVICE},
        {EVENT_WITHDRAWN, 0, BACKING_DEVICE},
        {EVENT_EXPIRED, 0, BACKING_RELAY},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        if (i > 0)
            set_up(NULL);
        (void)bundle_fixture_log(&f, EVENT_STORED, 0, BF_STORED_MS);
        (void)bundle_fixture_log(&f, EVENT_WARNED, 0, BF_STORED_MS + 1000);
        (void)bundle_fixture_log(&f, EVENT_DEVICE_REFUSED, 2,
                                 BF_STORED_MS + 2000);
        (void)bundle_fixture_log(&f, ends[i].type, ends[i].device,
                                 (f.h.not_after + 900) * 1000);
        bundle_fixture_make(&f);
        judge(NULL);
        assert_int_equal(bundle_end(&p)->event.type, ends[i].type);
        assert_int_equal(bundle_end(&p)->backing, ends[i].backing);
        if (i + 1 < sizeof(ends) / sizeof(ends[0]))
            tear_down(NULL);
    }
}

static void
a_packet_nobody_could_take_ends_by_a_statement(void **state)
{
    struct bf_event *e;
    const struct buf *leaf;

    (void)state;
    (void)bundle_fixture_log(&f, EVENT_STORED, 0, BF_STORED_MS);
    net_revoke(&f.net, 1, REVOKE_LOST, f.net.now_s);
    e = bundle_fixture_log(&f, EVENT_REFUSED, 1, BF_STORED_MS + 1000);
    e->ev.reason = REASON_NO_LIVE_DEVICE;
    leaf = &f.net.leaves[f.net.n_leaves - 1];
    bundle_fixture_back(&f, e, leaf->data, leaf->len);
    bundle_fixture_make(&f);
    judge(NULL);
    assert_int_equal(bundle_end(&p)->backing, BACKING_STATEMENT);
    f.b.n_leaves--;
    judge(NULL);
    assert_int_equal(bundle_end(&p)->backing, BACKING_UNCHECKED);
    /* Of the sender's device, and of nobody's: so any packet could be ended. */
    net_revoke(&f.net, 0, REVOKE_LOST, f.net.now_s);
    for (size_t i = 0; i < 2; i++) {
        leaf = &f.net.leaves[i == 0 ? f.net.n_leaves - 1 : 0];
        bundle_fixture_back(&f, e, leaf->data, leaf->len);
        bundle_fixture_make(&f);
        expect_fault(NULL, BUNDLE_EVENTS);
    }
}

static void
missing_pieces_prove_less_and_are_no_fault(void **state)
{
    struct bundle whole;
    struct span evidence;
    struct bundle_anchor key = {.log = NULL};
    struct vkey log;

    (void)state;
    bundle_fixture_story(&f);
    bundle_fixture_make(&f);
    whole = f.b;
    f.b.n_parts = 0;
    judge(NULL);
    assert_int_equal(p.disclosed, 0);
    f.b.lists.len = 0;
    judge(NULL);
    assert_false(p.is_signed);
    assert_int_equal(bundle_end(&p)->opening, OPENING_UNCHECKED);
    f.b.seal.len = 0;
    judge(NULL);
    assert_false(p.digest_is_computed);
    f.b.header.len = 0;
    judge(NULL);
    assert_true(id_eq(&p.packet, &f.h.packet));
    assert_false(p.has_header);
    evidence = f.b.events[1].evidence;
    f.b.events[1].evidence.len = 0;
    judge(NULL);
    assert_int_equal(bundle_end(&p)->backing, BACKING_NONE);
    f.b.events[1].evidence = evidence;
    f.b.n_events = 1;
    judge(NULL);
    assert_null(bundle_end(&p));
    /* Without its receipts: who signed, and no more. */
    f.b = whole;
    f.b.n_events = 0;
    judge(NULL);
    assert_true(p.is_signed);
    assert_int_equal(p.n_fates, 0);
    /* Without the directory: only under a key that the reader has. */
    f.b = whole;
    f.b.n_leaves = 0;
    expect_fault(NULL, BUNDLE_ANCHOR);
    assert_int_equal(vkey_make(&log, "relay.test/delivery", NOTE_ED25519,
                               &f.net.log_key.pub),
                     ERR_OK);
    key.log = &log;
    judge(&key);
    assert_false(p.is_signed);
    assert_int_equal(bundle_end(&p)->backing, BACKING_UNCHECKED);
    f.b = whole;
}

static void
a_selection_of_the_directory_is_enough(void **state)
{
    size_t n = 0;

    (void)state;
    bundle_fixture_story(&f);
    net_revoke(&f.net, 2, REVOKE_RETIRED, f.net.now_s);
    (void)net_desk(&f.net, "elsewhere", CLASS_PARTNER);
    bundle_fixture_make(&f);
    /* genesis, ADMIT, DEVICE of the sender; all of the recipient's but the
     * second device and what is said of it. */
    for (size_t i = 0; i < f.b.n_leaves; i++)
        if (i <= 2 || i == 4 || i == 5 || i == 6)
            f.b.leaves[n++] = f.b.leaves[i];
    f.b.n_leaves = n;
    judge(NULL);
    assert_true(p.is_signed);
    assert_int_equal(bundle_end(&p)->backing, BACKING_DEVICE);
    assert_non_null(bundle_who_mailbox(&p.who, &p.mailbox));
}

/* ---- later revocations ---- */

static void
a_later_revocation_is_compared_with_both_times(void **state)
{
    static const struct {
        uint64_t since_s;
        enum bundle_standing standing;
    } cases[] = {
        {BF_STORED_MS / 1000 + 1, STANDING_REVOKED_LATER},
        {BF_STORED_MS / 1000, STANDING_REVOKED},
        {BF_CREATED_MS / 1000 + 1, STANDING_REVOKED},
        {BF_CREATED_MS / 1000 - 5, STANDING_REVOKED},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        if (i > 0)
            set_up(NULL);
        bundle_fixture_story(&f);
        f.net.now_s = NET_TIME + 86400;
        net_revoke(&f.net, 0, REVOKE_STOLEN, cases[i].since_s);
        bundle_fixture_make(&f);
        judge(NULL);
        assert_int_equal(p.standing, cases[i].standing);
        assert_int_equal(bundle_who_device(&p.who, &p.lists.device)->since_s,
                         cases[i].since_s);
        if (i + 1 < sizeof(cases) / sizeof(cases[0]))
            tear_down(NULL);
    }
}

static void
the_receiving_device_is_judged_alike(void **state)
{
    (void)state;
    bundle_fixture_story(&f);
    f.net.now_s = NET_TIME + 86400;
    net_revoke(&f.net, 1, REVOKE_LOST, BF_STORED_MS / 1000);
    bundle_fixture_make(&f);
    judge(NULL);
    assert_int_equal(p.standing, STANDING_LIVE);
    assert_int_equal(bundle_end(&p)->standing, STANDING_REVOKED);
}

/* ---- what the reader trusts ---- */

static void
another_network_is_a_fault(void **state)
{
    struct hash other = {{1}};
    struct vkey log;
    struct bundle_anchor a = {.network_id = &f.net.network_id};

    (void)state;
    bundle_fixture_story(&f);
    bundle_fixture_make(&f);
    judge(&a);
    a.network_id = &other;
    expect_fault(&a, BUNDLE_ANCHOR);
    a = (struct bundle_anchor){.log = &log};
    assert_int_equal(vkey_make(&log, "relay.test/delivery", NOTE_ED25519,
                               &f.net.agencies[0].root.pub),
                     ERR_OK);
    expect_fault(&a, BUNDLE_EVENTS);
    assert_int_equal(vkey_make(&log, "relay.test/delivery", NOTE_ED25519,
                               &f.net.log_key.pub),
                     ERR_OK);
    judge(&a);
}

static void
statements_of_another_network_do_not_mix(void **state)
{
    static struct bundle_fixture other;
    struct bundle_leaf own;
    struct vkey log;
    struct bundle_anchor a = {.log = &log};

    (void)state;
    bundle_fixture_story(&f);
    bundle_fixture_make(&f);
    memset(&other, 0, sizeof(other));
    bundle_fixture_init(&other);
    other.net.now_s++;
    net_clear(&other.net);
    net_init_k_of_n(&other.net, 2, 3);
    (void)net_desk(&other.net, "shelter", CLASS_NON_STATUTORY);
    (void)net_desk(&other.net, "hub", CLASS_STATUTORY);
    /* One leaf of it among ours. */
    own = f.b.leaves[1];
    f.b.leaves[1].statement =
        (struct span){other.net.leaves[1].data, other.net.leaves[1].len};
    expect_fault(NULL, BUNDLE_DIRECTORY);
    f.b.leaves[1] = own;
    /* Its founding policy in front of ours. */
    own = f.b.leaves[0];
    f.b.leaves[0].statement =
        (struct span){other.net.leaves[0].data, other.net.leaves[0].len};
    expect_fault(NULL, BUNDLE_DIRECTORY);
    f.b.leaves[0] = own;
    assert_int_equal(vkey_make(&log, "relay.test/delivery", NOTE_ED25519,
                               &f.net.log_key.pub),
                     ERR_OK);
    judge(&a);
    bundle_fixture_clear(&other);
}

static void
witnesses_make_a_quorum_and_date_the_log(void **state)
{
    struct bundle_anchor a = {.trust = f.trust};

    (void)state;
    bundle_fixture_story(&f);
    bundle_fixture_make(&f);
    judge(&a);
    assert_false(bundle_end(&p)->witnessed.quorum);
    f.cosigned_s = NET_TIME + 9000;
    bundle_fixture_make(&f);
    judge(&a);
    assert_true(bundle_end(&p)->witnessed.quorum);
    assert_int_equal(bundle_end(&p)->witnessed.quorum_time_s, NET_TIME + 9000);
    assert_true(p.directory_witnessed.quorum);
    /* Without a policy the lines are there, and say nothing. */
    judge(NULL);
    assert_true(bundle_end(&p)->witnessed.is_here);
    assert_int_equal(bundle_end(&p)->witnessed.verified, 0);
    /* A known witness's line that is wrong. */
    f.events[1].cosigned.data[f.events[1].cosigned.len - 10] ^= 1;
    expect_fault(&a, BUNDLE_COSIGNED);
}

/* ---- when the log has another name ---- */

static void
succeed(uint64_t old_size)
{
    static const struct hash root = {{1}};
    struct statement st;

    net_sign_key(&f.net, &f.net.log_key);
    net_head_registrar(&f.net, &st, STMT_POLICY);
    st.body.policy = (struct stmt_policy){
        .min_suite = 2,
        .k = 1,
        .n = 1,
        .keys = &f.net.registrars[0].pub,
        .relay_name = text_ref("relay.test"),
        .relay_key = f.net.relay_key,
        .log_key = f.net.log_key.pub,
        .delivery_origin = text_ref("relay.test/delivery2"),
        .directory_origin = text_ref("relay.test/directory"),
        .old_size = old_size,
        .old_root = root,
        .retention_days = 400,
    };
    assert_int_equal(net_log_registrar(&f.net, &st).effect, DIR_APPLIED);
}

static void
receipts_of_an_earlier_key_hold_and_lost_ones_are_told(void **state)
{
    struct buf proofs[2] = {{0}};
    struct vkey old, now;
    struct bundle_anchor a = {.log = &now};

    (void)state;
    bundle_fixture_story(&f);
    bundle_fixture_make(&f);
    for (size_t i = 0; i < 2; i++) {
        proofs[i] = f.events[i].proof;
        f.events[i].proof = (struct buf){0};
    }
    assert_int_equal(vkey_make(&old, "relay.test/delivery", NOTE_ED25519,
                               &f.net.log_key.pub),
                     ERR_OK);
    /* The copy had the first event, and not the second. */
    succeed(f.events[1].index);
    assert_int_equal(vkey_make(&now, "relay.test/delivery2", NOTE_ED25519,
                               &f.net.log_key.pub),
                     ERR_OK);
    bundle_fixture_make(&f);
    for (size_t i = 0; i < 2; i++)
        f.b.events[i].proof = (struct span){proofs[i].data, proofs[i].len};
    judge(NULL);
    assert_false(p.fates[0].is_lost);
    assert_true(p.fates[1].is_lost);
    /* Whoever trusts today's key trusts the policies that it signed. */
    judge(&a);
    assert_string_equal(p.log.name, "relay.test/delivery");
    /* Anybody can found a network, name any relay first, and then one of his
     * own that signs whatever names he likes. */
    a.log = &old;
    expect_fault(&a, BUNDLE_ANCHOR);
    a.network_id = &f.net.network_id;
    judge(&a);
    a.network_id = NULL;
    now.pub.b[0] ^= 1;
    a.log = &now;
    expect_fault(&a, BUNDLE_EVENTS);
    buf_clear(&proofs[0]);
    buf_clear(&proofs[1]);
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_whole_bundle_tells_the_whole_story),
        T(every_end_has_its_word_behind_it),
        T(a_packet_nobody_could_take_ends_by_a_statement),
        T(missing_pieces_prove_less_and_are_no_fault),
        T(a_selection_of_the_directory_is_enough),
        T(a_later_revocation_is_compared_with_both_times),
        T(the_receiving_device_is_judged_alike),
        T(another_network_is_a_fault),
        T(statements_of_another_network_do_not_mix),
        T(witnesses_make_a_quorum_and_date_the_log),
        T(receipts_of_an_earlier_key_hold_and_lost_ones_are_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
