/* What stands behind events, and heads that others saw. */
#include "client/audit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/lib/audit_world.h"

static void
evidence_that_is_not_shown_is_found(void **state)
{
    struct world *w = *state;
    unsigned end = hand_over(w, store(w, 1));

    w->e[end].evidence_len = 0;
    check_one(w, "evidence_missing", end);
}

static void
other_evidence_than_the_event_names_is_found(void **state)
{
    struct world *w = *state;
    unsigned end = hand_over(w, store(w, 1));

    w->e[end].evidence[200] ^= 1;
    check_one(w, "evidence_mismatch", end);
}

static void
a_receipt_that_the_device_did_not_sign_is_found(void **state)
{
    struct world *w = *state;
    unsigned i = store(w, 1);
    struct rcpt r = rcpt_of(w, i, OUTCOME_OPENED, REASON_NONE);

    check_one(w, "bad_evidence",
              log_rcpt(w, i, EVENT_HANDED_OVER, &r, &w->net.log_key));
}

static void
a_receipt_of_another_packet_is_found(void **state)
{
    struct world *w = *state;
    unsigned i = store(w, 1);
    struct rcpt r = rcpt_of(w, store(w, 2), OUTCOME_OPENED, REASON_NONE);

    check_one(w, "bad_evidence",
              log_rcpt(w, i, EVENT_HANDED_OVER, &r, &w->net.devices[HUB].sign));
}

static void
a_failure_logged_as_hand_over_is_found(void **state)
{
    struct world *w = *state;
    unsigned i = store(w, 1);
    struct rcpt r = rcpt_of(w, i, OUTCOME_GONE, REASON_UNDECRYPTABLE);

    check_one(w, "bad_evidence",
              log_rcpt(w, i, EVENT_HANDED_OVER, &r, &w->net.devices[HUB].sign));
}

static void
a_receipt_by_the_senders_own_device_is_found(void **state)
{
    struct world *w = *state;
    unsigned i = store(w, 1);
    struct rcpt r = rcpt_of(w, i, OUTCOME_OPENED, REASON_NONE);
    struct event ev = later(w, i, EVENT_HANDED_OVER, &w->net.devices[NGO].id);
    uint8_t bytes[RCPT_LEN];

    r.device = ev.actor;
    r.agency = w->net.agencies[NGO].id;
    assert_int_equal(rcpt_sign(bytes, &r, &w->net.devices[NGO].sign), ERR_OK);
    check_one(w, "wrong_device", log_event(w, &ev, bytes, sizeof(bytes)));
}

static void
a_receipt_by_a_device_that_was_revoked_before_is_found(void **state)
{
    struct world *w = *state;
    unsigned i = store(w, 1);
    unsigned j = store(w, 2);

    (void)hand_over(w, i);
    w->net.now_s = w->now_s + 60;
    net_revoke(&w->net, HUB, REVOKE_STOLEN, w->net.now_s - 30);
    check_none(w);
    w->now_s = w->net.now_s + DAY_S;
    check_one(w, "revoked_device", hand_over(w, j));
}

static void
a_receipt_by_a_device_whose_time_is_over_is_found(void **state)
{
    struct world *w = *state;
    const struct dir_device *d = net_dir_device(&w->net, HUB);
    unsigned i;

    w->now_s = d->not_after_s - 60;
    i = store(w, 1);
    w->now_s = d->not_after_s + DAY_S;
    check_one(w, "expired_device", hand_over(w, i));
}

static void
the_last_device_gone_is_an_end_with_a_statement_behind_it(void **state)
{
    struct world *w = *state;
    unsigned i = store(w, 1);
    unsigned j = store(w, 2);
    struct event ev = later(w, i, EVENT_REFUSED, NULL);
    const struct buf *leaf;

    w->net.now_s = w->now_s;
    net_revoke(&w->net, HUB, REVOKE_LOST, w->now_s);
    leaf = &w->net.leaves[w->net.n_leaves - 1];
    ev.reason = REASON_NO_LIVE_DEVICE;
    (void)log_event(w, &ev, leaf->data, leaf->len);
    check_none(w);
    ev = later(w, j, EVENT_REFUSED, NULL);
    ev.reason = REASON_NO_LIVE_DEVICE;
    check_one(w, "bad_evidence", log_event(w, &ev, leaf->data, leaf->len - 1));
}

static void
an_end_without_any_evidence_is_found(void **state)
{
    struct world *w = *state;
    unsigned i = store(w, 1);
    struct event ev = later(w, i, EVENT_HANDED_OVER, &w->net.devices[HUB].id);

    check_one(w, "no_evidence", log_event(w, &ev, NULL, 0));
}

static void
evidence_for_what_needs_none_is_found(void **state)
{
    struct world *w = *state;
    unsigned i = store(w, 1);
    struct event ev;

    w->now_s = w->e[i].ev.not_after + EVENT_SWEEP_S;
    ev = later(w, i, EVENT_EXPIRED, NULL);
    check_one(w, "bad_evidence", log_event(w, &ev, "a word", 6));
}

static void
a_head_of_another_history_in_a_receipt_is_a_fork(void **state)
{
    struct world *w = *state;
    unsigned i = store(w, 1);
    struct rcpt r = rcpt_of(w, i, OUTCOME_OPENED, REASON_NONE);
    struct head fork;
    struct audit *a;

    r.dlv.root.b[0] ^= 1;
    assert_int_equal(head_sign(&r.dlv, w->key.name, &w->net.log_key), ERR_OK);
    (void)log_rcpt(w, i, EVENT_HANDED_OVER, &r, &w->net.devices[HUB].sign);
    a = audit(w);
    assert_one(a, "fork", 1);
    assert_true(audit_fork(a, &fork));
    assert_memory_equal(&fork.root, &r.dlv.root, 32);
    audit_free(a);
}

static void
a_head_that_is_newer_than_its_receipt_is_a_fork(void **state)
{
    struct world *w = *state;
    unsigned i = store(w, 1);
    struct rcpt r = rcpt_of(w, i, OUTCOME_OPENED, REASON_NONE);
    struct head fork;
    struct audit *a;

    r.dlv.size = 50;
    assert_int_equal(head_sign(&r.dlv, w->key.name, &w->net.log_key), ERR_OK);
    (void)log_rcpt(w, i, EVENT_HANDED_OVER, &r, &w->net.devices[HUB].sign);
    a = audit(w);
    assert_true(audit_fork(a, &fork));
    assert_int_equal(fork.size, 50);
    audit_free(a);
}

static void
a_head_that_the_relay_never_signed_is_no_fork(void **state)
{
    struct world *w = *state;
    unsigned i = store(w, 1);
    struct rcpt r = rcpt_of(w, i, OUTCOME_OPENED, REASON_NONE);
    struct head fork;
    struct audit *a;

    r.dlv.root.b[0] ^= 1;
    (void)log_rcpt(w, i, EVENT_HANDED_OVER, &r, &w->net.devices[HUB].sign);
    a = audit(w);
    assert_one(a, "bad_head", 1);
    assert_false(audit_fork(a, &fork));
    audit_free(a);
}

static void
a_receipt_whose_event_is_kept_from_us_is_found(void **state)
{
    struct world *w = *state;
    unsigned i = store(w, 1);
    unsigned j = store(w, 2);
    struct receipt kept = receipt_of(w, i, 1);
    struct receipt hidden = receipt_of(w, j, 2);
    struct audit *a;

    w->e[j].is_shown = false;
    a = audit_as(w, net_dir_agency(&w->net, NGO));
    audit_receipt(a, &kept);
    assert_none(a);
    audit_receipt(a, &hidden);
    assert_one(a, "missing_event", j);
    assert_true(audit_finding_at(a, 0)->has_packet);
    audit_free(a);
}

static void
an_event_that_was_proved_to_us_and_left_out_is_found(void **state)
{
    struct world *w = *state;
    unsigned end = hand_over(w, store(w, 1));
    struct audit *a;

    a = audit_as(w, net_dir_agency(&w->net, NGO));
    audit_known(a, end, w->e[end].opening, &w->e[end].ev);
    audit_known(a, 50, w->e[end].opening, &w->e[end].ev); /* younger */
    assert_none(a);
    audit_free(a);
    w->e[end].is_shown = false;
    a = audit_as(w, net_dir_agency(&w->net, NGO));
    audit_known(a, end, w->e[end].opening, &w->e[end].ev);
    assert_one(a, "missing_event", end);
    audit_free(a);
}

static void
what_was_erased_since_is_not_missed(void **state)
{
    struct world *w = *state;
    unsigned i = store(w, 1);
    struct audit *a;

    w->now_s += 500 * DAY_S;
    erase(w, i);
    a = audit_as(w, net_dir_agency(&w->net, NGO));
    audit_known(a, i, w->e[i].opening, &w->e[i].ev);
    assert_none(a);
    audit_free(a);
}

static void
another_entry_where_ours_was_is_found(void **state)
{
    struct world *w = *state;
    unsigned i = store(w, 1);
    unsigned j = store(w, 2);
    struct audit *a = audit_as(w, net_dir_agency(&w->net, NGO));

    audit_known(a, i, w->e[j].opening, &w->e[j].ev);
    assert_one(a, "other_entry", i);
    audit_free(a);
}

static void
a_receipt_of_another_history_is_a_fork(void **state)
{
    struct world *w = *state;
    struct receipt r;
    struct head fork;
    struct audit *a;

    (void)store(w, 1);
    r = receipt_of(w, 0, 1);
    r.head.root.b[5] ^= 1;
    assert_int_equal(head_sign(&r.head, w->key.name, &w->net.log_key), ERR_OK);
    a = audit_as(w, net_dir_agency(&w->net, NGO));
    audit_receipt(a, &r);
    assert_true(audit_fork(a, &fork));
    audit_free(a);
}

int
main(void)
{
#define T(name)                                                                \
    cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
    const struct CMUnitTest tests[] = {
        T(evidence_that_is_not_shown_is_found),
        T(other_evidence_than_the_event_names_is_found),
        T(a_receipt_that_the_device_did_not_sign_is_found),
        T(a_receipt_of_another_packet_is_found),
        T(a_failure_logged_as_hand_over_is_found),
        T(a_receipt_by_the_senders_own_device_is_found),
        T(a_receipt_by_a_device_that_was_revoked_before_is_found),
        T(a_receipt_by_a_device_whose_time_is_over_is_found),
        T(the_last_device_gone_is_an_end_with_a_statement_behind_it),
        T(an_end_without_any_evidence_is_found),
        T(evidence_for_what_needs_none_is_found),
        T(a_head_of_another_history_in_a_receipt_is_a_fork),
        T(a_head_that_is_newer_than_its_receipt_is_a_fork),
        T(a_head_that_the_relay_never_signed_is_no_fork),
        T(a_receipt_whose_event_is_kept_from_us_is_found),
        T(an_event_that_was_proved_to_us_and_left_out_is_found),
        T(what_was_erased_since_is_not_missed),
        T(another_entry_where_ours_was_is_found),
        T(a_receipt_of_another_history_is_a_fork),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
