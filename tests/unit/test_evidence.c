/* What a relay may not pass off as the end of a packet. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "client/evidence.h"
#include "proto/receipt.h"
#include "tests/lib/net.h"

static struct net net;
static unsigned from, to; /* devices */
static struct event ev;
static uint8_t rcpt[RCPT_LEN], wdrw[WDRW_LEN];

static struct span
show(const void *p, size_t len)
{
    evidence_hash(&ev.evidence, p, len);
    return (struct span){p, len};
}

static const char *
judge(struct span evidence)
{
    return evidence_problem(net.dir, &ev, evidence);
}

static struct span
receipt_of(unsigned device, enum rcpt_outcome outcome)
{
    const struct net_device *d = &net.devices[device];
    struct rcpt r = {.outcome = (uint8_t)outcome,
                     .reason = outcome == OUTCOME_OPENED ? REASON_NONE
                                                         : REASON_UNDECRYPTABLE,
                     .packet = ev.packet,
                     .pkt_digest = ev.pkt_digest,
                     .agency = net.agencies[d->agency].id,
                     .device = d->id,
                     .prekey = {{1}},
                     .time_ms = NET_TIME * 1000,
                     .stored_index = ev.ref};

    if (outcome == OUTCOME_OPENED)
        r.opened.b[0] = 1;
    assert_int_equal(rcpt_sign(rcpt, &r, &d->sign), ERR_OK);
    ev.actor = d->id;
    ev.reason = r.reason;
    return show(rcpt, sizeof(rcpt));
}

static struct span
withdrawal_of(unsigned device)
{
    const struct net_device *d = &net.devices[device];
    struct wdrw w = {.reason = REASON_SENT_IN_ERROR,
                     .packet = ev.packet,
                     .pkt_digest = ev.pkt_digest,
                     .sender = net.agencies[d->agency].id,
                     .device = d->id,
                     .time_ms = NET_TIME * 1000};

    assert_int_equal(wdrw_sign(wdrw, &w, &d->sign), ERR_OK);
    ev.actor = d->id;
    ev.reason = w.reason;
    return show(wdrw, sizeof(wdrw));
}

static int
set_up(void **state)
{
    (void)state;
    net_init(&net);
    (void)net_desk(&net, "shelter", CLASS_NON_STATUTORY);
    from = (unsigned)net.n_devices - 1;
    (void)net_desk(&net, "hub", CLASS_STATUTORY);
    to = (unsigned)net.n_devices - 1;
    ev = (struct event){.type = EVENT_HANDED_OVER,
                        .time_ms = NET_TIME * 1000,
                        .packet = {{7}},
                        .sender = net.agencies[net.devices[from].agency].id,
                        .recipient = net.mailboxes[net.n_mailboxes - 1].id,
                        .pkt_digest = {{9}},
                        .not_after = NET_TIME + 3600,
                        .ref = 5};
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    net_clear(&net);
    return 0;
}

static void
the_recipients_own_word_counts(void **state)
{
    (void)state;
    assert_null(judge(receipt_of(to, OUTCOME_OPENED)));
    ev.type = EVENT_DEVICE_RECEIPT;
    assert_null(judge(receipt_of(to, OUTCOME_OPENED)));
    ev.type = EVENT_REFUSED;
    assert_null(judge(receipt_of(to, OUTCOME_CANNOT_OPEN)));
    ev.type = EVENT_DEVICE_REFUSED;
    assert_null(judge(receipt_of(to, OUTCOME_CANNOT_OPEN)));
    ev.type = EVENT_LATE_RECEIPT;
    assert_null(judge(receipt_of(to, OUTCOME_CANNOT_OPEN)));
    ev.type = EVENT_WITHDRAWN;
    assert_null(judge(withdrawal_of(from)));
}

static void
a_failure_is_no_hand_over_and_an_opening_no_refusal(void **state)
{
    (void)state;
    assert_non_null(judge(receipt_of(to, OUTCOME_CANNOT_OPEN)));
    assert_non_null(judge(receipt_of(to, OUTCOME_GONE)));
    ev.type = EVENT_REFUSED;
    assert_non_null(judge(receipt_of(to, OUTCOME_OPENED)));
}

static void
other_signed_bytes_are_no_hand_over(void **state)
{
    const struct buf *leaf = &net.leaves[net.n_leaves - 1];

    (void)state;
    assert_non_null(judge(withdrawal_of(from)));
    assert_non_null(judge(show(leaf->data, leaf->len)));
    ev.type = EVENT_WITHDRAWN;
    assert_non_null(judge(show(leaf->data, leaf->len)));
    assert_non_null(judge(receipt_of(to, OUTCOME_OPENED)));
    ev.type = EVENT_REFUSED;
    ev.reason = REASON_NONE;
    assert_non_null(judge(show(leaf->data, leaf->len)));
    ev.reason = REASON_NO_LIVE_DEVICE;
    assert_null(judge(show(leaf->data, leaf->len)));
    assert_non_null(judge(show("else", 4)));
}

/* What ends a packet for want of machines is about one of them. */
static void
any_statement_does_not_end_a_packet(void **state)
{
    const struct buf *leaf;

    (void)state;
    ev.type = EVENT_REFUSED;
    ev.reason = REASON_NO_LIVE_DEVICE;
    for (size_t i = 0; i < net.n_leaves; i++) {
        struct statement st;

        leaf = &net.leaves[i];
        assert_int_equal(stmt_parse(&st, leaf->data, leaf->len), ERR_OK);
        if (st.kind != STMT_MAILBOX ||
            !id_eq(&st.body.mailbox.mailbox, &ev.recipient))
            assert_non_null(judge(show(leaf->data, leaf->len)));
    }
    net_revoke(&net, from, REVOKE_LOST, net.now_s);
    leaf = &net.leaves[net.n_leaves - 1];
    assert_non_null(judge(show(leaf->data, leaf->len))); /* the sender's */
    net_revoke(&net, to, REVOKE_LOST, net.now_s);
    leaf = &net.leaves[net.n_leaves - 1];
    assert_null(judge(show(leaf->data, leaf->len)));
}

static void
no_evidence_is_not_enough_whatever_the_reason(void **state)
{
    static const uint8_t types[] = {EVENT_HANDED_OVER, EVENT_REFUSED,
                                    EVENT_WITHDRAWN, EVENT_DEVICE_RECEIPT};

    (void)state;
    for (size_t i = 0; i < sizeof(types); i++) {
        ev.type = types[i];
        ev.reason = REASON_NONE;
        assert_non_null(judge((struct span){NULL, 0}));
        ev.reason = REASON_NO_LIVE_DEVICE;
        assert_non_null(judge((struct span){NULL, 0}));
    }
    ev.type = EVENT_STORED;
    ev.reason = REASON_NONE;
    assert_null(judge((struct span){NULL, 0}));
}

static void
a_reason_that_is_none_of_delivery_is_told(void **state)
{
    static const uint16_t numbers[] = {8, 9, 15, 17, 255, 4096, UINT16_MAX};

    (void)state;
    ev.type = EVENT_EXPIRED;
    ev.time_ms = (ev.not_after + EVENT_SWEEP_S) * 1000;
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        ev.reason = numbers[i];
        assert_string_equal(judge((struct span){NULL, 0}),
                            "an event gives a reason that is none of delivery");
    }
    ev.type = EVENT_WARNED;
    ev.reason = REASON_POLICY; /* of delivery, but not of this event */
    assert_non_null(judge((struct span){NULL, 0}));
    ev.reason = REASON_NONE;
    assert_null(judge((struct span){NULL, 0}));
}

static void
a_receipt_is_about_this_packet_and_by_this_agency(void **state)
{
    struct span good;

    (void)state;
    assert_non_null(judge(receipt_of(from, OUTCOME_OPENED)));
    good = receipt_of(to, OUTCOME_OPENED);
    ev.ref++;
    assert_non_null(judge(good));
    ev.ref--;
    ev.pkt_digest.b[0] ^= 1;
    assert_non_null(judge(good));
    ev.pkt_digest.b[0] ^= 1;
    ev.packet.b[0] ^= 1;
    assert_non_null(judge(good));
    ev.packet.b[0] ^= 1;
    ev.actor.b[0] ^= 1;
    assert_non_null(judge(good));
    ev.actor.b[0] ^= 1;
    assert_null(judge(good));
    rcpt[RCPT_LEN - 1] ^= 1;
    assert_non_null(judge(show(rcpt, sizeof(rcpt))));
    ev.type = EVENT_WITHDRAWN;
    assert_non_null(judge(withdrawal_of(to)));
}

static void
nothing_expires_before_its_last_day(void **state)
{
    static const struct hash none;
    const struct span nothing = {NULL, 0};

    (void)state;
    ev.type = EVENT_EXPIRED;
    ev.evidence = none;
    assert_non_null(judge(nothing));
    ev.time_ms = (ev.not_after + EVENT_SWEEP_S) * 1000 - 1;
    assert_non_null(judge(nothing));
    ev.time_ms++;
    assert_null(judge(nothing));
    ev.not_after = UINT64_MAX;
    assert_non_null(judge(nothing));
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        T(the_recipients_own_word_counts),
        T(a_failure_is_no_hand_over_and_an_opening_no_refusal),
        T(other_signed_bytes_are_no_hand_over),
        T(any_statement_does_not_end_a_packet),
        T(no_evidence_is_not_enough_whatever_the_reason),
        T(a_reason_that_is_none_of_delivery_is_told),
        T(a_receipt_is_about_this_packet_and_by_this_agency),
        T(nothing_expires_before_its_last_day),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
