/*
 * What a desk makes of packets before it gives a receipt: steps 1 to 9 of
 * PROTOCOL.md section 9, with a directory and a vault of its own.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "client/inbox_inside.h"
#include "client/letter.h"
#include "client/quarantine.h"
#include "client/shelf.h"
#include "client/vault.h"
#include "common/clock.h"
#include "proto/packet_type.h"
#include "tests/lib/desk_fixture.h"
#include "tests/lib/lying_relay.h"

static struct arriving a;
static struct problem pb;

static void
forget(void)
{
    opened_clear(&a.o);
    mail_clear(&a.m);
    delivery_free(a.x);
    memset(&a, 0, sizeof(a));
    memset(&pb, 0, sizeof(pb));
}

static void
judge(struct delivery *x)
{
    forget();
    a.d = &df.d;
    a.x = x;
    a.pb = &pb;
    assert_int_equal(inbox_judge(&a), ERR_OK);
}

static void
expect(struct delivery *x, enum verdict verdict, enum packet_cause cause)
{
    judge(x);
    assert_int_equal(a.o.verdict, verdict);
    assert_int_equal(a.o.cause, cause);
}

static int
setup(void **state)
{
    if (desk_fixture_setup(state) != 0)
        return -1;
    relay_begin();
    return 0;
}

static int
teardown(void **state)
{
    forget();
    relay_end();
    return desk_fixture_teardown(state);
}

/* Steps 8 and 9 as inbox.c does them. */
static void
keep(void)
{
    uint8_t mark[16];

    assert_int_equal(inbox_fill_mail(&a), ERR_OK);
    assert_int_equal(shelf_begin(&df.app, &pb), ERR_OK);
    assert_int_equal(inbox_put_mail(&a), ERR_OK);
    inbox_mark(mark, &a.o.in, &a.o.hdr.packet);
    (void)vault_mark_put(df.app.vault, &a.o.prekey, mark);
    assert_int_equal(shelf_end(&df.app, ERR_OK, &pb), ERR_OK);
}

static void
an_honest_packet_is_opened_and_kept(void **state)
{
    struct relay_packet p;
    struct letter l = {0};
    struct buf text = {0};
    struct mail m = {0};

    (void)state;
    relay_packet(&p);
    expect(relay_deliver(&p), VERDICT_OPENED, CAUSE_NONE);
    keep();
    assert_int_equal(mail_load(&df.app, &p.draft.packet, INDEX_IN, &m, &pb),
                     ERR_OK);
    assert_string_equal(m.subject, "A word");
    assert_true(m.is_unread);
    assert_int_equal(m.state, MAIL_STORED);
    assert_memory_equal(m.peer_agency.b, df.net.agencies[THEY].id.b, 16);
    assert_int_equal(letter_load(&df.app, &m, &l, &pb), ERR_OK);
    letter_text(&l, &text);
    assert_int_equal(text.len, strlen("Good evening."));
    buf_clear(&text);
    letter_clear(&l);
    mail_clear(&m);
}

static void
a_packet_seen_before_is_a_replay(void **state)
{
    struct relay_packet p;

    (void)state;
    relay_packet(&p);
    expect(relay_deliver(&p), VERDICT_OPENED, CAUSE_NONE);
    keep();
    /* Same name, sealed anew: other bytes. */
    expect(relay_deliver(&p), VERDICT_QUARANTINED, CAUSE_REPLAY);
}

static void
a_replay_is_known_after_the_record_is_gone(void **state)
{
    struct relay_packet p;
    struct mail m = {0};

    (void)state;
    relay_packet(&p);
    expect(relay_deliver(&p), VERDICT_OPENED, CAUSE_NONE);
    keep();
    assert_int_equal(mail_load(&df.app, &p.draft.packet, INDEX_IN, &m, &pb),
                     ERR_OK);
    assert_int_equal(shelf_begin(&df.app, &pb), ERR_OK);
    mail_drop(&df.app, &m);
    assert_int_equal(shelf_end(&df.app, ERR_OK, &pb), ERR_OK);
    mail_clear(&m);
    expect(relay_deliver(&p), VERDICT_QUARANTINED, CAUSE_REPLAY);
}

static void
a_proof_that_does_not_verify_is_an_alarm(void **state)
{
    struct relay_packet p;
    struct delivery *x;

    (void)state;
    relay_packet(&p);
    x = relay_deliver(&p);
    x->proof.data[x->proof.len - 8] ^= 1;
    expect(x, VERDICT_ALARM, CAUSE_PROOF);
}

static void
a_proof_about_another_mailbox_is_an_alarm(void **state)
{
    struct relay_packet p;

    (void)state;
    relay_packet(&p);
    p.stored.recipient = df.net.mailboxes[THEY].id;
    judge(relay_deliver(&p));
    assert_int_equal(a.o.verdict, VERDICT_ALARM);
}

static void
a_sender_other_than_the_stored_one_is_quarantined(void **state)
{
    struct relay_packet p;

    (void)state;
    relay_packet(&p);
    p.stored.sender = df.net.agencies[WE].id;
    expect(relay_deliver(&p), VERDICT_QUARANTINED, CAUSE_OTHER_SENDER);
}

static void
a_device_revoked_since_before_is_quarantined(void **state)
{
    struct relay_packet p;

    (void)state;
    relay_packet(&p);
    net_revoke(&df.net, THEY, REVOKE_STOLEN, df.net.now_s - 60);
    desk_catch_up();
    expect(relay_deliver(&p), VERDICT_QUARANTINED, CAUSE_REVOKED);
}

static void
what_a_device_sent_before_it_was_revoked_is_opened(void **state)
{
    struct relay_packet p;

    (void)state;
    relay_packet(&p);
    p.draft.created_ms = p.stored.time_ms = (df.net.now_s - 600) * 1000;
    net_revoke(&df.net, THEY, REVOKE_LOST, df.net.now_s - 60);
    desk_catch_up();
    expect(relay_deliver(&p), VERDICT_OPENED, CAUSE_NONE);
}

static void
a_head_from_after_the_revocation_shows_no_live_sender(void **state)
{
    struct relay_packet p;

    (void)state;
    net_revoke(&df.net, THEY, REVOKE_RETIRED, df.net.now_s);
    desk_catch_up();
    relay_packet(&p);
    expect(relay_deliver(&p), VERDICT_QUARANTINED, CAUSE_SENDER);
}

static void
a_suspended_agency_is_quarantined(void **state)
{
    struct relay_packet p;

    (void)state;
    net_suspend(&df.net, THEY, 1);
    desk_catch_up();
    relay_packet(&p);
    expect(relay_deliver(&p), VERDICT_QUARANTINED, CAUSE_SUSPENDED);
}

static void
a_forged_head_is_the_senders_fault_and_no_split_view(void **state)
{
    struct relay_packet p;
    struct sign_secret other;

    (void)state;
    relay_packet(&p);
    net_sign_key(&df.net, &other);
    p.draft.dir = desk_head(&other);
    expect(relay_deliver(&p), VERDICT_QUARANTINED, CAUSE_HEAD);
    assert_int_equal(pb.id, P_NONE);
}

static void
a_forged_delivery_head_is_quarantined_too(void **state)
{
    struct relay_packet p;
    struct sign_secret other;

    (void)state;
    relay_packet(&p);
    net_sign_key(&df.net, &other);
    p.draft.dlv = desk_head(&other);
    expect(relay_deliver(&p), VERDICT_QUARANTINED, CAUSE_HEAD);
}

static void
a_head_of_the_relay_that_excludes_ours_is_a_split_view(void **state)
{
    struct relay_packet p;

    (void)state;
    relay_packet(&p);
    p.draft.dir.root.b[0] ^= 1;
    assert_int_equal(
        head_sign(&p.draft.dir, "relay.test/directory", &df.net.log_key),
        ERR_OK);
    forget();
    a.d = &df.d;
    a.x = relay_deliver(&p);
    a.pb = &pb;
    assert_int_equal(inbox_judge(&a), ERR_VERIFY);
    assert_int_equal(pb.id, P_SPLIT_VIEW);
}

static void
a_type_that_the_class_may_not_send_is_quarantined(void **state)
{
    struct relay_packet p;

    (void)state;
    relay_packet(&p);
    p.draft.type = PACKET_TYPE_DUTY_TO_NOTIFY;
    expect(relay_deliver(&p), VERDICT_QUARANTINED, CAUSE_TYPE);
}

static void
a_packet_from_the_future_is_quarantined(void **state)
{
    struct relay_packet p;

    (void)state;
    relay_packet(&p);
    p.draft.created_ms += (uint64_t)50 * 3600 * 1000;
    expect(relay_deliver(&p), VERDICT_QUARANTINED, CAUSE_AHEAD);
}

static void
a_destroyed_seed_says_gone(void **state)
{
    struct relay_packet p;

    (void)state;
    relay_packet(&p);
    assert_int_equal(vault_begin(df.app.vault), ERR_OK);
    assert_int_equal(vault_seed_destroy(df.app.vault, &df.prekey), ERR_OK);
    assert_int_equal(vault_commit(df.app.vault), ERR_OK);
    expect(relay_deliver(&p), VERDICT_GONE, CAUSE_UNDECRYPTABLE);
}

static void
an_unknown_prekey_cannot_be_opened(void **state)
{
    struct relay_packet p;

    (void)state;
    relay_packet(&p);
    p.to.prekey.b[0] ^= 1;
    expect(relay_deliver(&p), VERDICT_CANNOT_OPEN, CAUSE_UNDECRYPTABLE);
}

static void
what_is_quarantined_can_be_looked_at(void **state)
{
    struct relay_packet p;
    uint8_t id[16];
    json_t *j = NULL;
    size_t pos = 0;

    (void)state;
    relay_packet(&p);
    p.draft.type = PACKET_TYPE_DUTY_TO_NOTIFY;
    judge(relay_deliver(&p));
    assert_int_equal(shelf_begin(&df.app, &pb), ERR_OK);
    quarantine_put(&df.app, a.x, &a.o, &a.stored.event);
    assert_int_equal(shelf_end(&df.app, ERR_OK, &pb), ERR_OK);
    assert_int_equal(quarantine_next(&df.app, &pos, id, &j, &pb), ERR_OK);
    assert_string_equal(json_get_str(j, "outcome"), "quarantined");
    assert_string_equal(json_get_str(j, "why"), packet_cause_text(CAUSE_TYPE));
    assert_true(vault_has(df.app.vault, REC_INNER, id));
    json_decref(j);
}

/* ---- what it is filed under ---- */

static void
only_a_mailbox_of_the_sender_is_an_address_to_answer_to(void **state)
{
    struct relay_packet p;
    const uint8_t none[16] = {0};

    (void)state;
    relay_packet(&p);
    /* Claims that answers go to us, the reader. */
    (void)snprintf(p.meta, sizeof(p.meta), "{\"from_mailbox\":\"");
    for (size_t i = 0; i < 16; i++)
        (void)snprintf(p.meta + 17 + 2 * i, 4, "%02x",
                       df.net.mailboxes[WE].id.b[i]);
    strcat(p.meta, "\"}");
    expect(relay_deliver(&p), VERDICT_OPENED, CAUSE_NONE);
    assert_int_equal(inbox_fill_mail(&a), ERR_OK);
    assert_memory_equal(a.m.peer_mailbox.b, none, 16);
}

static void
meta_that_is_no_object_is_read_as_empty(void **state)
{
    struct relay_packet p;

    (void)state;
    relay_packet(&p);
    (void)snprintf(p.meta, sizeof(p.meta), "[1, 2");
    expect(relay_deliver(&p), VERDICT_OPENED, CAUSE_NONE);
    assert_int_equal(inbox_fill_mail(&a), ERR_OK);
    assert_string_equal(a.m.subject, "");
    /* Its own thread, then. */
    assert_memory_equal(a.m.thread.b, a.m.id.b, 16);
}

static void
an_own_copy_of_strangers_is_no_copy_of_ours(void **state)
{
    struct relay_packet p;

    (void)state;
    relay_packet(&p);
    p.draft.type = PACKET_TYPE_OWN_COPY;
    (void)snprintf(p.meta, sizeof(p.meta),
                   "{\"original\":{\"packet_id\":"
                   "\"00112233445566778899aabbccddeeff\",\"type\":1}}");
    expect(relay_deliver(&p), VERDICT_OPENED, CAUSE_NONE);
    assert_int_equal(inbox_fill_mail(&a), ERR_OK);
    assert_int_equal(a.m.direction, INDEX_IN);
    assert_memory_equal(a.m.id.b, p.draft.packet.b, 16);
}

/* An answer to a packet that went to somebody else changes nothing. */
static void
only_the_recipient_can_accept(void **state)
{
    struct relay_packet p;
    struct mail ours = {.direction = INDEX_OUT, .state = MAIL_STORED};

    (void)state;
    memset(ours.id.b, 9, sizeof(ours.id.b));
    for (int round = 0; round < 2; round++) {
        ours.peer_agency = df.net.agencies[round == 0 ? WE : THEY].id;
        assert_int_equal(mail_save(&df.app, &ours, &pb), ERR_OK);
        relay_packet(&p);
        p.draft.type = PACKET_TYPE_ACKNOWLEDGEMENT;
        p.draft.in_reply_to = ours.id;
        expect(relay_deliver(&p), VERDICT_OPENED, CAUSE_NONE);
        keep();
        mail_clear(&ours);
        memset(ours.id.b, 9, sizeof(ours.id.b));
        assert_int_equal(mail_load(&df.app, &ours.id, INDEX_OUT, &ours, &pb),
                         ERR_OK);
        assert_string_equal(ours.answer, round == 0 ? "" : "accepted");
    }
    mail_clear(&ours);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_honest_packet_is_opened_and_kept),
        TEST(a_packet_seen_before_is_a_replay),
        TEST(a_replay_is_known_after_the_record_is_gone),
        TEST(a_proof_that_does_not_verify_is_an_alarm),
        TEST(a_proof_about_another_mailbox_is_an_alarm),
        TEST(a_sender_other_than_the_stored_one_is_quarantined),
        TEST(a_device_revoked_since_before_is_quarantined),
        TEST(what_a_device_sent_before_it_was_revoked_is_opened),
        TEST(a_head_from_after_the_revocation_shows_no_live_sender),
        TEST(a_suspended_agency_is_quarantined),
        TEST(a_forged_head_is_the_senders_fault_and_no_split_view),
        TEST(a_forged_delivery_head_is_quarantined_too),
        TEST(a_head_of_the_relay_that_excludes_ours_is_a_split_view),
        TEST(a_type_that_the_class_may_not_send_is_quarantined),
        TEST(a_packet_from_the_future_is_quarantined),
        TEST(a_destroyed_seed_says_gone),
        TEST(an_unknown_prekey_cannot_be_opened),
        TEST(what_is_quarantined_can_be_looked_at),
        TEST(only_a_mailbox_of_the_sender_is_an_address_to_answer_to),
        TEST(meta_that_is_no_object_is_read_as_empty),
        TEST(an_own_copy_of_strangers_is_no_copy_of_ours),
        TEST(only_the_recipient_can_accept),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
