/*
 * A relay that drops, changes, forks, forgets or forges, against outbox, inbox,
 * delivery and sync: each lie is noticed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "client/compose.h"
#include "client/delivery.h"
#include "client/exchange.h"
#include "client/inbox.h"
#include "client/outbox.h"
#include "client/quarantine.h"
#include "client/shelf.h"
#include "client/vault.h"
#include "tests/lib/desk_fixture.h"
#include "tests/lib/lying_relay.h"

static struct problem pb;
static struct mail m;

static int
setup(void **state)
{
    memset(&pb, 0, sizeof(pb));
    if (desk_fixture_setup(state) != 0)
        return -1;
    relay_begin();
    return 0;
}

static int
teardown(void **state)
{
    mail_clear(&m);
    relay_end();
    return desk_fixture_teardown(state);
}

/* A message to them, in the outbox. */
static void
write_one(void)
{
    static const char text[] = "{\"text\":\"Good evening.\"}";
    struct compose c = {
        .to = df.net.mailboxes[THEY].id, .type = 4, .subject = "A word"};

    c.parts[3] = (struct span){text, sizeof(text) - 1};
    mail_clear(&m);
    assert_int_equal(compose_packet(&df.d, &c, &m, &pb), ERR_OK);
}

static void
send_one(void)
{
    write_one();
    assert_int_equal(outbox_send(&df.d, &m, &pb), ERR_OK);
    assert_int_equal(m.state, MAIL_STORED);
}

static void
reload(void)
{
    struct packet_id id = m.id;

    mail_clear(&m);
    assert_int_equal(mail_load(&df.app, &id, INDEX_OUT, &m, &pb), ERR_OK);
}

static void
expect_refusal(enum lie lie, enum problem_id id)
{
    relay.lie = lie;
    write_one();
    assert_int_not_equal(outbox_send(&df.d, &m, &pb), ERR_OK);
    assert_int_equal(pb.id, id);
    reload();
    assert_int_equal(m.state, MAIL_QUEUED);
}

static unsigned
alarms_of(enum lie lie)
{
    relay.lie = lie;
    assert_int_equal(delivery_fetch(&df.d, &pb), ERR_OK);
    return df.d.count.alarms;
}

/* ---- sending ---- */

static void
an_honest_relay_gets_no_complaint(void **state)
{
    (void)state;
    send_one();
    relay_their_receipt(EVENT_HANDED_OVER, &m, OUTCOME_OPENED, true);
    assert_int_equal(exchange_all(&df.d, &pb), ERR_OK);
    reload();
    assert_int_equal(m.state, MAIL_HANDED_OVER);
    assert_false(vault_has(df.app.vault, REC_SEALED, m.id.b));
}

static void
a_receipt_for_other_bytes_is_none(void **state)
{
    (void)state;
    expect_refusal(LIE_RECEIPT_OF_OTHER_BYTES, P_VERIFY);
}

static void
a_receipt_by_another_key_is_none(void **state)
{
    (void)state;
    expect_refusal(LIE_RECEIPT_BY_OTHER_KEY, P_VERIFY);
}

static void
a_receipt_for_another_mailbox_is_none(void **state)
{
    (void)state;
    expect_refusal(LIE_RECEIPT_OF_OTHER_MAILBOX, P_VERIFY);
}

static void
nothing_is_sealed_to_a_key_of_the_relay(void **state)
{
    (void)state;
    relay.lie = LIE_PREKEY_OF_ITS_OWN;
    write_one();
    assert_int_equal(outbox_send(&df.d, &m, &pb), ERR_OK);
    assert_int_equal(m.state, MAIL_QUEUED);
    assert_int_equal(relay.sends, 0);
    assert_non_null(strstr(m.waiting, "key of "));
    relay.lie = HONEST;
    assert_int_equal(outbox_flush(&df.d, &pb), ERR_OK);
    reload();
    assert_int_equal(m.state, MAIL_STORED);
}

static void
an_answer_that_is_lost_is_asked_for_again_in_the_same_bytes(void **state)
{
    (void)state;
    relay.lie = LIE_SILENCE_AFTER_SEND;
    write_one();
    assert_int_equal(outbox_send(&df.d, &m, &pb), ERR_CLOSED);
    relay.is_gone = false;
    relay.lie = HONEST;
    pb = (struct problem){0};
    assert_int_equal(outbox_flush(&df.d, &pb), ERR_OK);
    reload();
    assert_int_equal(m.state, MAIL_STORED);
    assert_int_equal(relay.sends, 2);
    assert_memory_equal(relay.sent[0].b, relay.sent[1].b, 32);
}

static void
changed_slots_are_sealed_anew_under_a_new_id(void **state)
{
    struct packet_id before;
    struct mail found = {0};
    char hex[9];

    (void)state;
    relay.lie = LIE_SLOTS_CHANGED;
    write_one();
    before = m.id;
    assert_int_equal(outbox_send(&df.d, &m, &pb), ERR_OK);
    assert_int_equal(m.state, MAIL_STORED);
    assert_memory_not_equal(m.id.b, before.b, 16);
    assert_memory_not_equal(relay.sent[0].b, relay.sent[1].b, 32);
    /* What the person was told still finds it. */
    mail_short(hex, &before);
    assert_int_equal(mail_find(&df.app, hex, INDEX_BIT(INDEX_OUT), &found, &pb),
                     ERR_OK);
    assert_memory_equal(found.id.b, m.id.b, 16);
    mail_clear(&found);
}

static void
without_a_key_a_packet_waits_and_goes_by_itself(void **state)
{
    (void)state;
    relay.has_prekeys = false;
    write_one();
    assert_int_equal(outbox_send(&df.d, &m, &pb), ERR_OK);
    assert_int_equal(m.state, MAIL_QUEUED);
    relay.has_prekeys = true;
    assert_int_equal(outbox_flush(&df.d, &pb), ERR_OK);
    reload();
    assert_int_equal(m.state, MAIL_STORED);
    assert_string_equal(m.waiting, "");
}

static void
a_withdrawal_is_the_same_bytes_each_time(void **state)
{
    struct buf first = {0};
    struct buf second = {0};

    (void)state;
    send_one();
    relay.is_gone = true;
    assert_int_not_equal(outbox_withdraw(&df.d, &m, REASON_SENT_IN_ERROR, &pb),
                         ERR_OK);
    assert_int_equal(vault_get(df.app.vault, REC_WDRW, m.id.b, &first), ERR_OK);
    relay.is_gone = false;
    pb = (struct problem){0};
    assert_int_equal(outbox_withdraw(&df.d, &m, REASON_NONE, &pb), ERR_OK);
    assert_int_equal(vault_get(df.app.vault, REC_WDRW, m.id.b, &second),
                     ERR_OK);
    assert_memory_equal(first.data, second.data, WDRW_LEN);
    assert_int_equal(m.state, MAIL_WITHDRAWN);
    assert_int_equal(outbox_withdraw(&df.d, &m, REASON_NONE, &pb), ERR_STATE);
    assert_int_equal(pb.id, P_FINAL);
    buf_clear(&first);
    buf_clear(&second);
}

/* ---- events ---- */

static void
a_changed_event_is_an_alarm_and_changes_nothing(void **state)
{
    (void)state;
    send_one();
    relay_their_receipt(EVENT_HANDED_OVER, &m, OUTCOME_OPENED, true);
    assert_true(alarms_of(LIE_EVENT_CHANGED) > 0);
    reload();
    assert_int_equal(m.state, MAIL_STORED);
}

static void
a_receipt_without_its_leaf_is_reported(void **state)
{
    (void)state;
    send_one();
    relay.lie = LIE_EVENTS_DROPPED;
    assert_int_equal(exchange_all(&df.d, &pb), ERR_VERIFY);
    assert_int_equal(df.d.count.alarms, 1);
    assert_int_equal(pb.id, P_VERIFY);
}

static void
a_hand_over_without_evidence_is_an_alarm(void **state)
{
    (void)state;
    send_one();
    relay_their_receipt(EVENT_HANDED_OVER, &m, OUTCOME_OPENED, true);
    assert_int_equal(alarms_of(LIE_EVIDENCE_MISSING), 1);
}

static void
a_hand_over_that_names_no_evidence_is_an_alarm(void **state)
{
    struct event e;

    (void)state;
    send_one();
    e = relay.events[m.stored_index];
    e.type = EVENT_HANDED_OVER;
    (void)relay_log(&e, NULL, 0);
    assert_int_equal(alarms_of(HONEST), 1);
}

static void
changed_evidence_is_an_alarm(void **state)
{
    (void)state;
    send_one();
    relay_their_receipt(EVENT_HANDED_OVER, &m, OUTCOME_OPENED, true);
    assert_int_equal(alarms_of(LIE_EVIDENCE_CHANGED), 1);
}

/* The relay itself signs a receipt in their name. */
static void
a_receipt_forged_by_the_relay_is_an_alarm(void **state)
{
    struct sign_secret real = df.net.devices[THEY].sign;

    (void)state;
    send_one();
    df.net.devices[THEY].sign = df.net.log_key;
    relay_their_receipt(EVENT_HANDED_OVER, &m, OUTCOME_OPENED, true);
    df.net.devices[THEY].sign = real;
    assert_int_equal(alarms_of(HONEST), 1);
}

/* A device that never opened it cannot know what the receipt must say. */
static void
an_opening_that_did_not_happen_is_an_alarm(void **state)
{
    (void)state;
    send_one();
    relay_their_receipt(EVENT_HANDED_OVER, &m, OUTCOME_OPENED, false);
    assert_int_equal(alarms_of(HONEST), 1);
}

static void
a_packet_of_ours_with_other_content_is_an_alarm(void **state)
{
    struct mail other;

    (void)state;
    send_one();
    other = m;
    other.pkt_digest.b[0] ^= 1;
    relay_their_receipt(EVENT_HANDED_OVER, &other, OUTCOME_OPENED, true);
    assert_int_equal(alarms_of(HONEST), 1);
    reload();
    assert_int_equal(m.state, MAIL_STORED);
}

static void
a_refusal_is_told_as_not_delivered(void **state)
{
    (void)state;
    send_one();
    relay_their_receipt(EVENT_REFUSED, &m, OUTCOME_CANNOT_OPEN, true);
    assert_int_equal(alarms_of(HONEST), 0);
    assert_int_equal(df.d.count.undelivered, 1);
    reload();
    assert_int_equal(m.state, MAIL_REFUSED);
    assert_int_equal(m.reason, REASON_UNDECRYPTABLE);
}

static void
the_first_end_counts(void **state)
{
    (void)state;
    send_one();
    relay_their_receipt(EVENT_HANDED_OVER, &m, OUTCOME_OPENED, true);
    relay_their_receipt(EVENT_REFUSED, &m, OUTCOME_CANNOT_OPEN, true);
    (void)alarms_of(HONEST);
    reload();
    assert_int_equal(m.state, MAIL_HANDED_OVER);
}

/* ---- the two logs ---- */

static void
connect_again(enum lie lie, enum problem_id id)
{
    desk_disconnect(&df.d);
    relay.lie = lie;
    assert_int_not_equal(desk_connect(&df.d, true, &pb), ERR_OK);
    assert_int_equal(pb.id, id);
    assert_null(df.d.up);
}

static void
a_forked_log_is_a_split_view(void **state)
{
    (void)state;
    send_one();
    connect_again(LIE_FORKED_LOG, P_SPLIT_VIEW);
}

static void
a_log_that_cannot_be_joined_is_a_split_view(void **state)
{
    struct event e = {.type = EVENT_ADMIN};

    (void)state;
    send_one();
    (void)relay_log(&e, NULL, 0);
    connect_again(LIE_NO_PROOF, P_SPLIT_VIEW);
}

static void
a_shorter_log_is_rolled_back(void **state)
{
    (void)state;
    send_one();
    connect_again(LIE_FORGOTTEN_LOG, P_ROLLED_BACK);
}

static void
a_shorter_directory_is_rolled_back(void **state)
{
    (void)state;
    connect_again(LIE_FORGOTTEN_DIRECTORY, P_ROLLED_BACK);
}

static void
a_forked_directory_is_a_split_view(void **state)
{
    (void)state;
    connect_again(LIE_FORKED_DIRECTORY, P_SPLIT_VIEW);
}

static void
a_log_that_grew_is_fine(void **state)
{
    struct event e = {.type = EVENT_ADMIN};

    (void)state;
    for (int i = 0; i < 5; i++)
        (void)relay_log(&e, NULL, 0);
    (void)net_agency(&df.net, "Third", CLASS_PARTNER);
    desk_disconnect(&df.d);
    assert_int_equal(desk_connect(&df.d, true, &pb), ERR_OK);
    assert_int_equal(roster_delivery_head(df.d.roster)->size, relay.n);
    assert_int_equal(directory_size(roster_directory(df.d.roster)),
                     df.net.n_leaves);
}

/* ---- receiving ---- */

static void
a_packet_delivered_twice_gets_the_same_receipt(void **state)
{
    struct relay_packet p;
    struct delivery *x, *again;

    (void)state;
    relay_packet(&p);
    x = relay_deliver(&p);
    again = calloc(1, sizeof(*again));
    again->sender = x->sender;
    buf_put(&again->hdr, x->hdr.data, x->hdr.len);
    buf_put(&again->wrap, x->wrap.data, x->wrap.len);
    buf_put(&again->wrap_hashes, x->wrap_hashes.data, x->wrap_hashes.len);
    buf_put(&again->body, x->body.data, x->body.len);
    buf_put(&again->proof, x->proof.data, x->proof.len);
    assert_int_equal(inbox_take(&df.d, x, &pb), ERR_OK);
    assert_int_equal(relay.receipts, 1);
    assert_int_equal(inbox_take(&df.d, again, &pb), ERR_OK);
    assert_int_equal(relay.receipts, 2);
    assert_memory_equal(relay.evidence[relay.n - 1].data,
                        relay.evidence[relay.n - 2].data, RCPT_LEN);
    assert_int_equal(df.d.count.received, 1);
}

/* Whoever is shown another log learns it from the first packet. */
static void
a_delivery_out_of_another_log_is_a_split_view(void **state)
{
    struct event other = {.type = EVENT_ADMIN, .time_ms = 7};
    struct relay_packet p;

    (void)state;
    memtree_clear(&relay.log);
    relay.n = 0;
    (void)relay_log(&other, NULL, 0);
    relay_packet(&p);
    assert_int_equal(inbox_take(&df.d, relay_deliver(&p), &pb), ERR_VERIFY);
    assert_int_equal(pb.id, P_SPLIT_VIEW);
    assert_int_equal(relay.receipts, 0);
}

static void
an_alarm_gets_no_receipt_and_blocks_nobody(void **state)
{
    struct relay_packet p;
    struct delivery *bad;
    uint8_t id[16];
    json_t *j = NULL;
    size_t pos = 0;

    (void)state;
    relay_packet(&p);
    bad = relay_deliver(&p);
    bad->body.data[100] ^= 1;
    assert_int_equal(inbox_take(&df.d, bad, &pb), ERR_OK);
    assert_int_equal(relay.receipts, 0);
    assert_int_equal(df.d.count.alarms, 1);
    assert_int_equal(quarantine_next(&df.app, &pos, id, &j, &pb), ERR_OK);
    assert_string_equal(json_get_str(j, "outcome"), "alarm");
    json_decref(j);
    relay_packet(&p);
    assert_int_equal(inbox_take(&df.d, relay_deliver(&p), &pb), ERR_OK);
    assert_int_equal(df.d.count.received, 1);
    assert_int_equal(relay.receipts, 1);
}

static void
what_cannot_be_opened_is_receipted_as_such(void **state)
{
    struct relay_packet p;
    struct rcpt r;

    (void)state;
    relay_packet(&p);
    p.to.prekey.b[3] ^= 1;
    assert_int_equal(inbox_take(&df.d, relay_deliver(&p), &pb), ERR_OK);
    assert_int_equal(relay.receipts, 1);
    assert_int_equal(rcpt_parse(&r, relay.evidence[relay.n - 1].data, RCPT_LEN),
                     ERR_OK);
    assert_int_equal(r.outcome, OUTCOME_CANNOT_OPEN);
    assert_int_equal(df.d.count.quarantined, 1);
}

static void
a_receipt_that_the_relay_did_not_log_is_an_alarm(void **state)
{
    struct relay_packet p;

    (void)state;
    relay_packet(&p);
    relay.lie = LIE_RECEIPT_BY_OTHER_KEY;
    assert_int_equal(inbox_take(&df.d, relay_deliver(&p), &pb), ERR_OK);
    assert_int_equal(df.d.count.alarms, 1);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_honest_relay_gets_no_complaint),
        TEST(a_receipt_for_other_bytes_is_none),
        TEST(a_receipt_by_another_key_is_none),
        TEST(a_receipt_for_another_mailbox_is_none),
        TEST(nothing_is_sealed_to_a_key_of_the_relay),
        TEST(an_answer_that_is_lost_is_asked_for_again_in_the_same_bytes),
        TEST(changed_slots_are_sealed_anew_under_a_new_id),
        TEST(without_a_key_a_packet_waits_and_goes_by_itself),
        TEST(a_withdrawal_is_the_same_bytes_each_time),
        TEST(a_changed_event_is_an_alarm_and_changes_nothing),
        TEST(a_receipt_without_its_leaf_is_reported),
        TEST(a_hand_over_without_evidence_is_an_alarm),
        TEST(a_hand_over_that_names_no_evidence_is_an_alarm),
        TEST(changed_evidence_is_an_alarm),
        TEST(a_receipt_forged_by_the_relay_is_an_alarm),
        TEST(an_opening_that_did_not_happen_is_an_alarm),
        TEST(a_packet_of_ours_with_other_content_is_an_alarm),
        TEST(a_refusal_is_told_as_not_delivered),
        TEST(the_first_end_counts),
        TEST(a_forked_log_is_a_split_view),
        TEST(a_log_that_cannot_be_joined_is_a_split_view),
        TEST(a_shorter_log_is_rolled_back),
        TEST(a_shorter_directory_is_rolled_back),
        TEST(a_forked_directory_is_a_split_view),
        TEST(a_log_that_grew_is_fine),
        TEST(a_packet_delivered_twice_gets_the_same_receipt),
        TEST(a_delivery_out_of_another_log_is_a_split_view),
        TEST(an_alarm_gets_no_receipt_and_blocks_nobody),
        TEST(what_cannot_be_opened_is_receipted_as_such),
        TEST(a_receipt_that_the_relay_did_not_log_is_an_alarm),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
