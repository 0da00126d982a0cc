/* Evidence bundles that somebody made up: each is told by its section. */
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

/* ---- what nobody signed ---- */

/* Directory, header and lists of somebody's own making. */
static void
what_nobody_signed_is_no_evidence(void **state)
{
    (void)state;
    bundle_fixture_story(&f);
    bundle_fixture_make(&f);
    f.b.n_events = 0;
    judge(NULL);
    assert_true(p.is_signed);
    f.lists.data[20] ^= 1; /* the sending device: nobody's */
    expect_fault(NULL, BUNDLE_FILE);
    f.b.lists.len = 0;
    f.b.n_parts = 0;
    expect_fault(NULL, BUNDLE_FILE);
}

/* Who has the key of a revoked device says any time he likes. */
static void
a_time_before_the_revocation_needs_a_receipt(void **state)
{
    (void)state;
    bundle_fixture_story(&f);
    f.net.now_s = NET_TIME + 86400;
    net_revoke(&f.net, 0, REVOKE_STOLEN, BF_STORED_MS / 1000 + 1);
    bundle_fixture_make(&f);
    judge(NULL);
    assert_int_equal(p.standing, STANDING_REVOKED_LATER);
    f.b.events++; /* handed over later than that */
    f.b.n_events = 1;
    judge(NULL);
    assert_int_equal(p.standing, STANDING_UNDATED);
    f.b.events--;
    f.b.n_events = 0;
    judge(NULL);
    assert_int_equal(p.standing, STANDING_UNDATED);
}

/* ---- what is wrong ---- */

static void
a_changed_byte_is_told_by_its_section(void **state)
{
    (void)state;
    bundle_fixture_story(&f);
    bundle_fixture_make(&f);
    f.hdr.data[10] ^= 1; /* packet_id: the signature is over another */
    expect_fault(NULL, BUNDLE_LISTS);
    f.hdr.data[10] ^= 1;
    f.hdr.data[0] ^= 1;
    expect_fault(NULL, BUNDLE_HEADER);
    f.hdr.data[0] ^= 1;
    f.seal.data[40] ^= 1;
    expect_fault(NULL, BUNDLE_EVENTS);
    f.seal.data[40] ^= 1;
    f.lists.data[INNER_FIXED_LEN + 10] ^= 1; /* a commitment */
    expect_fault(NULL, BUNDLE_LISTS);
    f.lists.data[INNER_FIXED_LEN + 10] ^= 1;
    /* A device that nobody enrolled has signed nothing. */
    f.lists.data[20] ^= 1;
    judge(NULL);
    assert_false(p.is_signed);
    f.lists.data[20] ^= 1;
    f.checkpoint.data[25] ^= 1;
    expect_fault(NULL, BUNDLE_DIRECTORY);
    f.checkpoint.data[25] ^= 1;
    f.net.leaves[2].data[60] ^= 1;
    expect_fault(NULL, BUNDLE_DIRECTORY);
    assert_true(fault.has_row);
    assert_int_equal(fault.row, 2);
    f.net.leaves[2].data[60] ^= 1;
    f.paths[3][0].b[0] ^= 1;
    expect_fault(NULL, BUNDLE_DIRECTORY);
    assert_int_equal(fault.row, 3);
    f.paths[3][0].b[0] ^= 1;
    f.events[1].evidence.data[100] ^= 1;
    expect_fault(NULL, BUNDLE_EVENTS);
    assert_int_equal(fault.row, f.events[1].index);
    f.events[1].evidence.data[100] ^= 1;
    f.events[0].proof.data[60] ^= 1;
    expect_fault(NULL, BUNDLE_EVENTS);
    f.events[0].proof.data[60] ^= 1;
    judge(NULL);
}

static void
a_part_that_was_not_committed_to_is_told_by_its_number(void **state)
{
    (void)state;
    bundle_fixture_story(&f);
    bundle_fixture_make(&f);
    f.b.parts[1].bytes = (struct span){"something else", 14};
    expect_fault(NULL, BUNDLE_PARTS);
    assert_int_equal(fault.row, 1);
    f.b.parts[1].number = 9;
    expect_fault(NULL, BUNDLE_PARTS);
    assert_int_equal(fault.row, 9);
    /* What did not travel can be shown later. */
    f.b.parts[1] = (struct bundle_part){
        .number = 4, .blind = f.in.parts[2].blind, .bytes = {"withheld", 8}};
    expect_fault(NULL, BUNDLE_PARTS); /* its blind does not travel either */
}

static void
receipts_of_another_packet_are_refused(void **state)
{
    struct bf_event *e;

    (void)state;
    (void)bundle_fixture_log(&f, EVENT_STORED, 0, BF_STORED_MS);
    e = bundle_fixture_log(&f, EVENT_HANDED_OVER, 1, BF_STORED_MS + 1000);
    e->ev.packet.b[0] ^= 1;
    bundle_fixture_back(&f, e, e->evidence.data, RCPT_LEN);
    bundle_fixture_make(&f);
    expect_fault(NULL, BUNDLE_EVENTS);
    f.b.header.len = f.b.seal.len = f.b.lists.len = 0;
    f.b.n_parts = 0;
    expect_fault(NULL, BUNDLE_EVENTS);
}

static void
a_relay_cannot_pass_one_word_off_for_another(void **state)
{
    struct bf_event *e, *s;
    uint8_t bytes[RCPT_LEN];
    struct rcpt r;

    (void)state;
    s = bundle_fixture_log(&f, EVENT_STORED, 0, BF_STORED_MS);
    e = bundle_fixture_log(&f, EVENT_HANDED_OVER, 1, BF_STORED_MS + 1000);
    /* By the sender's own device. */
    r = bundle_fixture_rcpt(&f, e, 0);
    e->ev.actor = f.net.devices[0].id;
    assert_int_equal(rcpt_sign(bytes, &r, &f.net.devices[0].sign), ERR_OK);
    bundle_fixture_back(&f, e, bytes, sizeof(bytes));
    bundle_fixture_make(&f);
    expect_fault(NULL, BUNDLE_EVENTS);
    /* A failure as a hand-over. */
    e->ev.actor = f.net.devices[1].id;
    r = bundle_fixture_rcpt(&f, e, 1);
    r.outcome = OUTCOME_CANNOT_OPEN;
    r.reason = REASON_UNDECRYPTABLE;
    memset(&r.opened, 0, sizeof(r.opened));
    assert_int_equal(rcpt_sign(bytes, &r, &f.net.devices[1].sign), ERR_OK);
    bundle_fixture_back(&f, e, bytes, sizeof(bytes));
    bundle_fixture_make(&f);
    expect_fault(NULL, BUNDLE_EVENTS);
    /* Signed by another key. */
    r = bundle_fixture_rcpt(&f, e, 1);
    assert_int_equal(rcpt_sign(bytes, &r, &f.net.devices[2].sign), ERR_OK);
    bundle_fixture_back(&f, e, bytes, sizeof(bytes));
    bundle_fixture_make(&f);
    expect_fault(NULL, BUNDLE_EVENTS);
    /* To a prekey that the packet was not sealed to. */
    r = bundle_fixture_rcpt(&f, e, 1);
    r.prekey.b[0] ^= 1;
    assert_int_equal(rcpt_sign(bytes, &r, &f.net.devices[1].sign), ERR_OK);
    bundle_fixture_back(&f, e, bytes, sizeof(bytes));
    bundle_fixture_make(&f);
    expect_fault(NULL, BUNDLE_EVENTS);
    /* Nothing named at all. */
    bundle_fixture_back(&f, e, NULL, 0);
    bundle_fixture_make(&f);
    expect_fault(NULL, BUNDLE_EVENTS);
    assert_int_equal(s->ev.type, EVENT_STORED);
}

static void
an_opening_that_did_not_happen_is_seen(void **state)
{
    struct bf_event *e;
    uint8_t bytes[RCPT_LEN];
    struct rcpt r;

    (void)state;
    (void)bundle_fixture_log(&f, EVENT_STORED, 0, BF_STORED_MS);
    e = bundle_fixture_log(&f, EVENT_HANDED_OVER, 1, BF_STORED_MS + 1000);
    r = bundle_fixture_rcpt(&f, e, 1);
    r.opened.b[0] ^= 1;
    assert_int_equal(rcpt_sign(bytes, &r, &f.net.devices[1].sign), ERR_OK);
    bundle_fixture_back(&f, e, bytes, sizeof(bytes));
    bundle_fixture_make(&f);
    judge(NULL);
    assert_int_equal(bundle_end(&p)->opening, OPENING_FALSE);
}

static void
impossible_orders_are_refused(void **state)
{
    static const struct {
        unsigned first, second, third;
    } orders[] = {
        {EVENT_STORED, EVENT_HANDED_OVER, EVENT_REFUSED},
        {EVENT_STORED, EVENT_HANDED_OVER, EVENT_WARNED},
        {EVENT_STORED, EVENT_STORED, EVENT_HANDED_OVER},
        {EVENT_STORED, EVENT_DEVICE_RECEIPT, EVENT_HANDED_OVER},
        {EVENT_HANDED_OVER, EVENT_STORED, EVENT_DEVICE_RECEIPT},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++) {
        if (i > 0)
            set_up(NULL);
        (void)bundle_fixture_log(&f, orders[i].first, 1, BF_STORED_MS);
        (void)bundle_fixture_log(&f, orders[i].second, 1, BF_STORED_MS + 1000);
        (void)bundle_fixture_log(&f, orders[i].third, 1, BF_STORED_MS + 2000);
        for (size_t k = 0; k < 3; k++)
            if (f.events[k].ev.type == EVENT_STORED) {
                f.events[k].ev.actor = f.net.devices[0].id;
                bundle_fixture_back(&f, &f.events[k], NULL, 0);
            }
        bundle_fixture_make(&f);
        expect_fault(NULL, BUNDLE_EVENTS);
        if (i + 1 < sizeof(orders) / sizeof(orders[0]))
            tear_down(NULL);
    }
}

static void
a_cosigned_proof_is_of_a_receipt_that_is_here(void **state)
{
    struct bundle_receipt first;

    (void)state;
    bundle_fixture_story(&f);
    f.cosigned_s = NET_TIME + 9000;
    bundle_fixture_make(&f);
    judge(NULL);
    first = f.b.cosigned[0];
    f.b.cosigned[0] = f.b.cosigned[1];
    expect_fault(NULL, BUNDLE_COSIGNED); /* twice the same */
    f.b.cosigned[0] = first;
    f.b.n_events = 1;
    expect_fault(NULL, BUNDLE_COSIGNED);
}

static void
expired_before_its_last_day_is_refused(void **state)
{
    (void)state;
    (void)bundle_fixture_log(&f, EVENT_STORED, 0, BF_STORED_MS);
    (void)bundle_fixture_log(&f, EVENT_EXPIRED, 0,
                             (f.h.not_after + 899) * 1000);
    bundle_fixture_make(&f);
    expect_fault(NULL, BUNDLE_EVENTS);
}

/* ---- roots and registrars ---- */

static void
a_new_root_signs_from_its_time_on(void **state)
{
    struct sign_secret root;
    struct statement st;

    (void)state;
    net_fill_reroot(&f.net, &st, 1, &root, f.net.now_s + 73 * 3600);
    assert_int_equal(net_log_registrar(&f.net, &st).effect, DIR_APPLIED);
    f.net.now_s += 74 * 3600;
    f.net.agencies[1].root = root;
    net_revoke(&f.net, 2, REVOKE_RETIRED, f.net.now_s);
    bundle_fixture_story(&f);
    bundle_fixture_make(&f);
    judge(NULL);
    assert_int_equal(bundle_who_device(&p.who, &f.net.devices[2].id)->since_s,
                     f.net.now_s);
}

static void
an_old_root_does_not(void **state)
{
    struct sign_secret root, old = f.net.agencies[1].root;
    struct statement st;

    (void)state;
    net_fill_reroot(&f.net, &st, 1, &root, f.net.now_s + 73 * 3600);
    assert_int_equal(net_log_registrar(&f.net, &st).effect, DIR_APPLIED);
    f.net.now_s += 74 * 3600;
    f.net.agencies[1].root = old;
    net_head_agency(&f.net, &st, STMT_REVOKE, 1);
    st.body.revoke = (struct stmt_revoke){
        .device = f.net.devices[1].id, .reason = REVOKE_LOST, .since_s = 1};
    assert_int_equal(net_log_agency(&f.net, &st, 1).effect, DIR_VOID);
    bundle_fixture_story(&f);
    bundle_fixture_make(&f);
    expect_fault(NULL, BUNDLE_DIRECTORY);
    assert_int_equal(fault.row, f.net.n_leaves - 1);
}

static void
statements_without_authority_are_refused(void **state)
{
    struct sign_secret key;
    struct statement st;

    (void)state;
    /* An agency's device that the other agency's root signed. */
    net_fill_device(&f.net, &st, 0, &key);
    assert_int_equal(stmt_pop_make(&st, &key, &f.net.network_id), ERR_OK);
    assert_int_equal(net_log_agency(&f.net, &st, 1).effect, DIR_VOID);
    bundle_fixture_story(&f);
    bundle_fixture_make(&f);
    expect_fault(NULL, BUNDLE_DIRECTORY);
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        T(what_nobody_signed_is_no_evidence),
        T(a_time_before_the_revocation_needs_a_receipt),
        T(a_changed_byte_is_told_by_its_section),
        T(a_part_that_was_not_committed_to_is_told_by_its_number),
        T(receipts_of_another_packet_are_refused),
        T(a_relay_cannot_pass_one_word_off_for_another),
        T(an_opening_that_did_not_happen_is_seen),
        T(impossible_orders_are_refused),
        T(a_cosigned_proof_is_of_a_receipt_that_is_here),
        T(expired_before_its_last_day_is_refused),
        T(a_new_root_signs_from_its_time_on),
        T(an_old_root_does_not),
        T(statements_without_authority_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
