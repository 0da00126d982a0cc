/*
 * Warnings, going on to another desk, notices of what is lost: against a relay
 * that answers as a test wants.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "client/alert.h"
#include "client/compose.h"
#include "client/delivery.h"
#include "client/duty.h"
#include "client/exchange.h"
#include "client/letter.h"
#include "client/notice.h"
#include "client/outbox_inside.h"
#include "client/readdress.h"
#include "client/records.h"
#include "client/vault.h"
#include "common/bytes.h"
#include "common/clock.h"
#include "proto/packet_type.h"
#include "proto/proof.h"
#include "tests/lib/desk_fixture.h"
#include "tests/lib/lying_relay.h"

#define MINUTE_MS UINT64_C(60000)
#define HOUR_MS (60 * MINUTE_MS)

static const struct packet_id no_packet;
static const struct mailbox_id nowhere;
static struct problem pb;
static struct mail m;   /* sent to their first mailbox */
static struct mail out; /* what goes on for it */
static unsigned night;  /* their other mailbox, the first one's deputy */
static unsigned south;  /* another agency's */

static void
set_first(uint8_t state, bool has_deputy)
{
    unsigned they = 0;

    df.net.mailboxes[THEY].deputy =
        has_deputy ? df.net.mailboxes[night].id : nowhere;
    net_mailbox_update(&df.net, THEY, "intake", state, &they, 1);
}

static int
setup(void **state)
{
    unsigned they = 0;

    memset(&pb, 0, sizeof(pb));
    if (desk_fixture_setup(state) != 0)
        return -1;
    night = net_mailbox(&df.net, THEY, "night", &they, 1);
    set_first(MAILBOX_OPEN, true);
    (void)net_desk(&df.net, "South", CLASS_STATUTORY);
    south = (unsigned)df.net.n_mailboxes - 1;
    desk_catch_up();
    relay_begin();
    return 0;
}

static int
teardown(void **state)
{
    mail_clear(&m);
    mail_clear(&out);
    relay_end();
    return desk_fixture_teardown(state);
}

static void
reload(void)
{
    struct packet_id id = m.id;

    mail_clear(&m);
    assert_int_equal(mail_load(&df.app, &id, INDEX_OUT, &m, &pb), ERR_OK);
}

/* An urgent message, stored. */
static void
send_one(bool escalate)
{
    static const char text[] = "{\"text\":\"Tonight.\"}";
    struct compose c = {.to = df.net.mailboxes[THEY].id,
                        .type = PACKET_TYPE_MESSAGE,
                        .subject = "A word",
                        .urgent = true,
                        .escalate = escalate};

    c.parts[3] = (struct span){text, sizeof(text) - 1};
    mail_clear(&m);
    assert_int_equal(compose_packet(&df.d, &c, &m, &pb), ERR_OK);
    assert_int_equal(outbox_send(&df.d, &m, &pb), ERR_OK);
}

static void
fetch(void)
{
    assert_int_equal(delivery_fetch(&df.d, &pb), ERR_OK);
    reload();
}

static void
warn(void)
{
    relay_say(EVENT_WARNED, 0, &m, clock_wall_ms());
    fetch();
}

/* It was stored so long ago, as our vault has it. */
static void
wait_for(uint64_t ms)
{
    m.stored_ms -= ms;
    assert_int_equal(mail_save(&df.app, &m, &pb), ERR_OK);
}

static void
expire(void)
{
    m.not_after_s = clock_wall_ms() / 1000 - 2 * 3600;
    assert_int_equal(mail_save(&df.app, &m, &pb), ERR_OK);
    relay_say(EVENT_EXPIRED, 1, &m, clock_wall_ms());
    fetch();
}

static enum err
check_to(unsigned mailbox)
{
    struct readdress_plan plan = {.to = df.net.mailboxes[mailbox].id};

    memset(&pb, 0, sizeof(pb));
    return readdress_check(&df.d, &m, &plan, &pb);
}

static enum err
begin(void)
{
    struct readdress_plan plan = {.to = df.net.mailboxes[night].id};

    assert_int_equal(readdress_check(&df.d, &m, &plan, &pb), ERR_OK);
    return readdress_begin(&df.d, &m, &plan, &pb);
}

static enum err
go_on(void)
{
    assert_int_equal(begin(), ERR_OK);
    mail_clear(&out);
    return readdress_go_on(&df.d, &m, &out, &pb);
}

/* ---- warnings ---- */

static void
a_warning_makes_a_packet_overdue(void **state)
{
    (void)state;
    send_one(false);
    assert_false(mail_is_overdue(&m));
    warn();
    assert_true(mail_is_overdue(&m));
    assert_int_equal(df.d.count.warned, 1);
    assert_int_equal(df.d.count.alarms, 0);
    assert_true(m.is_sealed); /* a restored relay may still ask for it */
    warn();
    assert_true(mail_is_overdue(&m));
    relay_their_receipt(EVENT_HANDED_OVER, &m, OUTCOME_OPENED, true);
    fetch();
    assert_int_equal(m.state, MAIL_HANDED_OVER);
    assert_false(mail_is_overdue(&m));
}

static void
a_warning_behind_the_end_is_an_alarm_and_changes_nothing(void **state)
{
    (void)state;
    send_one(true);
    relay_their_receipt(EVENT_HANDED_OVER, &m, OUTCOME_OPENED, true);
    fetch();
    warn();
    assert_int_equal(df.d.count.alarms, 1);
    assert_int_equal(df.d.count.warned, 0);
    assert_int_equal(m.state, MAIL_HANDED_OVER);
    assert_int_equal(m.warned_ms, 0);
    assert_int_equal(readdress_all(&df.d, &pb), ERR_OK);
    assert_int_equal(relay.sends, 1);
}

static void
a_warning_that_we_had_not_fetched_when_it_ended_is_none(void **state)
{
    (void)state;
    send_one(false);
    relay_say(EVENT_WARNED, 0, &m, clock_wall_ms());
    assert_int_equal(outbox_withdraw(&df.d, &m, 0, &pb), ERR_OK);
    fetch();
    assert_int_equal(df.d.count.alarms, 0);
    assert_int_equal(m.state, MAIL_WITHDRAWN);
}

static void
a_warning_with_a_reason_is_an_alarm(void **state)
{
    (void)state;
    send_one(false);
    relay_say(EVENT_WARNED, 77, &m, clock_wall_ms());
    fetch();
    assert_int_equal(df.d.count.alarms, 1);
    assert_false(mail_is_overdue(&m));
}

static void
urgent_comes_before_routine_and_old_before_new(void **state)
{
    struct mail a = {.class = 1, .stored_ms = 9};
    struct mail b = {.class = 0, .stored_ms = 1};
    struct mail c = {.class = 1, .stored_ms = 8};

    (void)state;
    assert_true(alert_comes_before(&a, &b));
    assert_false(alert_comes_before(&b, &a));
    assert_true(alert_comes_before(&c, &a));
    assert_false(alert_comes_before(&a, &a));
}

static void
what_to_do_is_said_with_the_deputy(void **state)
{
    json_t *j;

    (void)state;
    send_one(false);
    warn();
    j = alert_json(&df.d, &m);
    assert_true(json_get_bool(j, "urgent"));
    assert_string_equal(
        json_get_str(json_object_get(json_object_get(j, "to"), "deputy"),
                     "mailbox"),
        "Shelter/night");
    assert_non_null(strstr(json_get_str(j, "next"), "--deputy"));
    json_decref(j);
    set_first(MAILBOX_OPEN, false);
    desk_catch_up();
    j = alert_json(&df.d, &m);
    assert_non_null(strstr(json_get_str(j, "next"), "--to MAILBOX"));
    json_decref(j);
}

/* ---- going on ---- */

static void
assert_same_content(void)
{
    struct letter old = {0};
    struct letter new = {0};
    const json_t *before;
    char hex[33];

    assert_int_equal(letter_load(&df.app, &m, &old, &pb), ERR_OK);
    assert_int_equal(letter_load(&df.app, &out, &new, &pb), ERR_OK);
    assert_int_equal(old.in.n_parts, new.in.n_parts);
    for (size_t i = 1; i < old.in.n_parts; i++)
        assert_memory_equal(old.in.parts[i].commit.b, new.in.parts[i].commit.b,
                            32);
    before = json_object_get(new.meta, "readdressed");
    hex_encode(hex, m.id.b, sizeof(m.id.b));
    assert_string_equal(json_get_str(before, "packet_id"), hex);
    letter_clear(&old);
    letter_clear(&new);
}

static void
what_waits_is_withdrawn_and_goes_on(void **state)
{
    (void)state;
    send_one(false);
    warn();
    assert_int_equal(go_on(), ERR_OK);
    assert_int_equal(m.state, MAIL_WITHDRAWN);
    assert_int_equal(relay.events[relay.n - 1].type, EVENT_WITHDRAWN);
    assert_int_equal(relay.events[relay.n - 1].reason, REASON_REPLACED);
    assert_int_equal(out.state, MAIL_QUEUED);
    assert_memory_equal(out.resend_of.b, m.id.b, 16);
    assert_memory_equal(out.thread.b, m.thread.b, 16);
    assert_memory_equal(out.peer_mailbox.b, df.net.mailboxes[night].id.b, 16);
    assert_int_equal(out.class, m.class);
    assert_int_equal(outbox_send(&df.d, &out, &pb), ERR_OK);
    assert_int_equal(out.state, MAIL_STORED);
    assert_memory_equal(relay.resend_of.b, m.id.b, 16);
    assert_same_content();
    fetch();
    assert_memory_equal(m.moved_to.b, out.id.b, 16);
    assert_false(mail_is_going_on(&m));
    assert_int_equal(df.d.count.alarms, 0);
}

static void
what_expired_goes_on_without_a_withdrawal(void **state)
{
    (void)state;
    send_one(false);
    expire();
    assert_int_equal(m.state, MAIL_EXPIRED);
    assert_int_equal(go_on(), ERR_OK);
    assert_int_equal(outbox_send(&df.d, &out, &pb), ERR_OK);
    assert_memory_equal(relay.resend_of.b, m.id.b, 16);
    assert_true(out.not_after_s > clock_wall_ms() / 1000);
}

static void
who_collects_it_in_that_moment_wins(void **state)
{
    (void)state;
    send_one(false);
    warn();
    relay_their_receipt(EVENT_HANDED_OVER, &m, OUTCOME_OPENED, true);
    assert_int_equal(go_on(), ERR_STATE);
    assert_int_equal(pb.id, P_FINAL);
    assert_int_equal(out.direction, 0);
    reload();
    assert_int_equal(m.state, MAIL_HANDED_OVER);
    assert_false(mail_is_going_on(&m));
    assert_true(id_eq(&m.moved_to, &no_packet));
    assert_int_equal(relay.sends, 1);
}

static void
what_expired_in_that_moment_goes_on(void **state)
{
    (void)state;
    send_one(false);
    m.not_after_s = clock_wall_ms() / 1000 - 2 * 3600;
    assert_int_equal(mail_save(&df.app, &m, &pb), ERR_OK);
    relay_say(EVENT_EXPIRED, 0, &m, clock_wall_ms());
    assert_int_equal(go_on(), ERR_OK);
    assert_int_equal(out.direction, INDEX_OUT);
    reload();
    assert_int_equal(m.state, MAIL_EXPIRED);
}

static void
an_end_that_the_log_does_not_show_is_not_believed(void **state)
{
    (void)state;
    send_one(false);
    warn();
    relay.lie = LIE_FINAL;
    assert_int_not_equal(go_on(), ERR_OK);
    assert_int_equal(pb.id, P_RELAY_ERROR);
    reload();
    assert_int_equal(m.state, MAIL_STORED);
    assert_false(mail_is_going_on(&m));
    assert_int_equal(relay.sends, 1);
}

static void
a_lost_connection_is_mended_by_the_next_sync(void **state)
{
    (void)state;
    send_one(false);
    warn();
    assert_int_equal(begin(), ERR_OK);
    relay.is_gone = true;
    assert_int_not_equal(readdress_all(&df.d, &pb), ERR_OK);
    relay.is_gone = false;
    memset(&pb, 0, sizeof(pb));
    reload();
    assert_true(mail_is_going_on(&m));
    assert_int_equal(exchange_all(&df.d, &pb), ERR_OK);
    reload();
    assert_int_equal(m.state, MAIL_WITHDRAWN);
    assert_false(id_eq(&m.moved_to, &no_packet));
    assert_int_equal(relay.sends, 2);
    assert_int_equal(df.d.count.readdressed, 1);
}

static void
a_crash_behind_the_withdrawal_is_mended_too(void **state)
{
    (void)state;
    send_one(false);
    assert_int_equal(begin(), ERR_OK);
    assert_int_equal(outbox_withdraw(&df.d, &m, REASON_REPLACED, &pb), ERR_OK);
    assert_int_equal(exchange_all(&df.d, &pb), ERR_OK);
    reload();
    assert_false(id_eq(&m.moved_to, &no_packet));
    assert_int_equal(relay.sends, 2);
}

static void
set_night(uint8_t state)
{
    unsigned they = 0;

    net_mailbox_update(&df.net, night, "night", state, &they, 1);
    desk_catch_up();
}

static void
what_cannot_go_on_any_more_stays_where_it_waits(void **state)
{
    (void)state;
    send_one(false);
    assert_int_equal(begin(), ERR_OK);
    set_night(MAILBOX_CLOSED);
    assert_int_equal(exchange_all(&df.d, &pb), ERR_OK);
    reload();
    assert_int_equal(m.state, MAIL_STORED);
    assert_false(mail_is_going_on(&m));
    assert_int_not_equal(relay.events[relay.n - 1].type, EVENT_WITHDRAWN);
}

static void
what_was_taken_back_is_not_given_up(void **state)
{
    (void)state;
    send_one(false);
    assert_int_equal(begin(), ERR_OK);
    assert_int_equal(outbox_withdraw(&df.d, &m, REASON_REPLACED, &pb), ERR_OK);
    set_night(MAILBOX_CLOSED);
    assert_int_equal(exchange_all(&df.d, &pb), ERR_OK);
    reload();
    assert_true(mail_is_going_on(&m));
    set_night(MAILBOX_OPEN);
    assert_int_equal(exchange_all(&df.d, &pb), ERR_OK);
    reload();
    assert_false(id_eq(&m.moved_to, &no_packet));
    assert_int_equal(relay.sends, 2);
}

static void
what_never_left_goes_to_the_other_desk_only(void **state)
{
    static const char text[] = "{\"text\":\"Tonight.\"}";
    struct compose c = {.to = df.net.mailboxes[THEY].id,
                        .type = PACKET_TYPE_MESSAGE,
                        .subject = "A word"};

    (void)state;
    c.parts[3] = (struct span){text, sizeof(text) - 1};
    assert_int_equal(compose_packet(&df.d, &c, &m, &pb), ERR_OK);
    assert_int_equal(outbox_seal(&df.d, &m, &pb), ERR_OK);
    assert_int_equal(begin(), ERR_OK);
    assert_int_equal(exchange_all(&df.d, &pb), ERR_OK);
    reload();
    assert_int_equal(m.state, MAIL_WITHDRAWN);
    assert_int_equal(m.stored_ms, 0);
    assert_false(id_eq(&m.moved_to, &no_packet));
    assert_int_equal(relay.sends, 1);
}

/* The new packet waits for its own reasons, under its own name. */
static void
trouble_of_the_new_packet_is_not_the_old_ones(void **state)
{
    (void)state;
    send_one(false);
    assert_int_equal(begin(), ERR_OK);
    relay.lie = LIE_RECEIPT_OF_OTHER_BYTES;
    (void)readdress_all(&df.d, &pb);
    relay.lie = HONEST;
    reload();
    assert_false(id_eq(&m.moved_to, &no_packet));
    assert_int_equal(mail_load(&df.app, &m.moved_to, INDEX_OUT, &out, &pb),
                     ERR_OK);
    assert_int_equal(out.state, MAIL_QUEUED);
}

static void
offline_nothing_happens_yet(void **state)
{
    struct upstream *up;

    (void)state;
    send_one(false);
    assert_int_equal(exchange_all(&df.d, &pb), ERR_OK); /* it is fresh */
    reload();
    up = df.d.up;
    df.d.up = NULL;
    assert_int_equal(go_on(), ERR_OK);
    assert_int_equal(out.direction, 0);
    assert_int_equal(m.state, MAIL_STORED);
    df.d.up = up;
    assert_int_equal(exchange_all(&df.d, &pb), ERR_OK);
    assert_int_equal(relay.sends, 2);
}

static void
what_is_sealed_again_keeps_the_link(void **state)
{
    (void)state;
    send_one(false);
    expire();
    assert_int_equal(go_on(), ERR_OK);
    relay.lie = LIE_SLOTS_CHANGED;
    assert_int_equal(outbox_send(&df.d, &out, &pb), ERR_OK);
    reload();
    assert_memory_equal(m.moved_to.b, out.id.b, 16);
    assert_memory_equal(relay.resend_of.b, m.id.b, 16);
}

/* ---- what may not ---- */

static void
what_has_an_end_or_a_successor_stays(void **state)
{
    (void)state;
    send_one(false);
    assert_int_equal(go_on(), ERR_OK);
    assert_int_not_equal(check_to(night), ERR_OK);
    assert_int_equal(pb.id, P_FINAL);
    send_one(false);
    relay_their_receipt(EVENT_HANDED_OVER, &m, OUTCOME_OPENED, true);
    fetch();
    assert_int_not_equal(check_to(night), ERR_OK);
    assert_int_equal(pb.id, P_FINAL);
    send_one(false);
    assert_int_equal(outbox_withdraw(&df.d, &m, 0, &pb), ERR_OK);
    assert_int_not_equal(check_to(night), ERR_OK);
    assert_int_equal(pb.id, P_FINAL);
}

static void
what_is_not_ours_stays(void **state)
{
    (void)state;
    send_one(false);
    m.direction = INDEX_IN;
    assert_int_not_equal(check_to(night), ERR_OK);
    assert_int_equal(pb.id, P_STATE);
    m.direction = INDEX_OWN;
    assert_int_not_equal(check_to(night), ERR_OK);
    assert_int_equal(pb.id, P_STATE);
}

static void
a_closed_or_suspended_desk_gets_nothing(void **state)
{
    unsigned they = 0;

    (void)state;
    send_one(false);
    assert_int_not_equal(check_to(THEY), ERR_OK); /* it waits there */
    assert_int_equal(pb.id, P_USAGE);
    assert_int_equal(check_to(south), ERR_OK); /* a message needs no consent */
    net_suspend(&df.net, df.net.mailboxes[south].agency, 1);
    net_mailbox_update(&df.net, night, "night", MAILBOX_CLOSED, &they, 1);
    desk_catch_up();
    assert_int_not_equal(check_to(south), ERR_OK);
    assert_int_equal(pb.id, P_RECIPIENT_SUSPENDED);
    assert_int_not_equal(check_to(night), ERR_OK);
    assert_int_equal(pb.id, P_RECIPIENT_UNKNOWN);
    reload();
    assert_int_equal(m.state, MAIL_STORED);
}

static void
a_mailbox_without_a_deputy_has_none(void **state)
{
    struct mailbox_id to;

    (void)state;
    send_one(false);
    assert_int_equal(readdress_deputy(&df.d, &m, &to, &pb), ERR_OK);
    assert_memory_equal(to.b, df.net.mailboxes[night].id.b, 16);
    set_first(MAILBOX_OPEN, false);
    desk_catch_up();
    assert_int_equal(readdress_deputy(&df.d, &m, &to, &pb), ERR_NOTFOUND);
    assert_int_equal(pb.id, P_RECIPIENT_UNKNOWN);
}

/* ---- by itself ---- */

static void
an_escalating_packet_goes_on_by_itself(void **state)
{
    (void)state;
    send_one(true);
    wait_for(HOUR_MS);
    assert_int_equal(exchange_all(&df.d, &pb), ERR_OK);
    assert_int_equal(relay.sends, 1); /* nobody warned */
    relay_say(EVENT_WARNED, 0, &m, clock_wall_ms());
    assert_int_equal(exchange_pushed(&df.d, &pb), ERR_OK);
    reload();
    assert_int_equal(m.state, MAIL_WITHDRAWN);
    assert_int_equal(relay.sends, 2);
    assert_memory_equal(relay.resend_of.b, m.id.b, 16);
    assert_int_equal(exchange_all(&df.d, &pb), ERR_OK);
    assert_int_equal(relay.sends, 2); /* once */
}

static void
no_relay_makes_it_go_on_in_the_first_minutes(void **state)
{
    (void)state;
    send_one(true);
    warn();
    assert_int_equal(exchange_all(&df.d, &pb), ERR_OK);
    assert_int_equal(relay.sends, 1);
    wait_for(14 * MINUTE_MS);
    assert_int_equal(exchange_all(&df.d, &pb), ERR_OK);
    assert_int_equal(relay.sends, 1);
    reload();
    wait_for(2 * MINUTE_MS);
    assert_int_equal(exchange_all(&df.d, &pb), ERR_OK);
    assert_int_equal(relay.sends, 2);
}

static void
others_wait_for_a_person(void **state)
{
    (void)state;
    send_one(false);
    wait_for(HOUR_MS);
    warn();
    assert_int_equal(exchange_all(&df.d, &pb), ERR_OK);
    assert_int_equal(relay.sends, 1);
    reload();
    assert_int_equal(m.state, MAIL_STORED);
}

static void
without_a_deputy_it_is_said_once_and_left(void **state)
{
    (void)state;
    send_one(true);
    set_first(MAILBOX_OPEN, false);
    desk_catch_up();
    wait_for(HOUR_MS);
    warn();
    assert_int_equal(exchange_all(&df.d, &pb), ERR_OK);
    reload();
    assert_false(m.is_escalating);
    assert_int_equal(m.state, MAIL_STORED);
    assert_int_equal(relay.sends, 1);
}

/* ---- notices ---- */

static void
only_notice(struct notice *n)
{
    struct notices list = {0};

    assert_int_equal(notices_load(&df.app, &list, &pb), ERR_OK);
    assert_int_equal(list.n, 1);
    *n = list.items[0];
    list.n = 0;
    notices_clear(&list);
}

static void
what_expired_is_a_notice_with_a_certificate(void **state)
{
    struct notice n = {0};
    struct notice found = {0};
    struct receipt r;
    struct buf words = {0};
    char id[9];

    (void)state;
    send_one(false);
    expire();
    only_notice(&n);
    assert_true(n.is_unread);
    assert_int_equal(n.type, EVENT_EXPIRED);
    assert_int_equal(notices_unread(&df.app), 1);
    assert_int_equal(
        receipt_verify(n.proof.data, n.proof.len, &df.delivery_key, &r),
        ERR_OK);
    assert_int_equal(r.event.type, EVENT_EXPIRED);
    assert_memory_equal(r.event.packet.b, m.id.b, 16);
    notice_words(&df.d, &n, &words);
    buf_u8(&words, 0);
    assert_non_null(strstr((char *)words.data, "did NOT arrive"));
    assert_non_null(strstr((char *)words.data, "never confirmed"));
    notice_short(id, &n);
    assert_int_equal(notice_find(&df.app, id, &found, &pb), ERR_OK);
    assert_int_equal(notice_set_read(&df.app, &found, &pb), ERR_OK);
    assert_int_equal(notices_unread(&df.app), 0);
    assert_int_equal(notice_find(&df.app, "ffff0000", &found, &pb),
                     ERR_NOTFOUND);
    fetch(); /* again changes nothing */
    assert_int_equal(notices_unread(&df.app), 0);
    buf_clear(&words);
    notice_clear(&found);
    notice_clear(&n);
}

static void
what_was_refused_is_a_notice_too(void **state)
{
    struct notice n = {0};

    (void)state;
    send_one(false);
    relay_their_receipt(EVENT_REFUSED, &m, OUTCOME_CANNOT_OPEN, true);
    fetch();
    assert_int_equal(m.state, MAIL_REFUSED);
    only_notice(&n);
    assert_int_equal(n.type, EVENT_REFUSED);
    assert_int_equal(n.reason, REASON_UNDECRYPTABLE);
    notice_clear(&n);
}

static void
what_arrived_or_raised_an_alarm_is_none(void **state)
{
    (void)state;
    send_one(false);
    relay_their_receipt(EVENT_HANDED_OVER, &m, OUTCOME_OPENED, true);
    fetch();
    send_one(false);
    relay_say(EVENT_EXPIRED, 0, &m, clock_wall_ms()); /* a week early */
    fetch();
    assert_int_equal(df.d.count.alarms, 1);
    assert_int_equal(m.state, MAIL_STORED);
    assert_int_equal(vault_count(df.app.vault, REC_NOTICE), 0);
}

/* ---- before sealing ---- */

static void
a_sender_learns_when_a_mailbox_was_collected(void **state)
{
    uint64_t now_ms = clock_wall_ms();
    struct collected c;

    (void)state;
    relay.collected_shown = 1;
    relay.collected_s = now_ms / 1000 - 3 * 3600;
    assert_int_equal(collected_ask(&df.d, &df.net.mailboxes[THEY].id, &c, &pb),
                     ERR_OK);
    assert_true(c.is_known && c.is_shown && !c.is_now);
    assert_true(collected_is_late(&c, now_ms));
    c.is_now = true;
    assert_false(collected_is_late(&c, now_ms));
    c.is_now = false;
    c.time_s = now_ms / 1000 - 3600;
    assert_false(collected_is_late(&c, now_ms));
    c.time_s = 0; /* never */
    assert_true(collected_is_late(&c, now_ms));
    c.is_shown = false;
    assert_false(collected_is_late(&c, now_ms));
}

static void
offline_it_is_not_known(void **state)
{
    struct upstream *up = df.d.up;
    struct collected c;
    json_t *j;

    (void)state;
    df.d.up = NULL;
    assert_int_equal(collected_ask(&df.d, &df.net.mailboxes[THEY].id, &c, &pb),
                     ERR_OK);
    assert_false(c.is_known);
    assert_false(collected_is_late(&c, clock_wall_ms()));
    j = collected_json(&c, clock_wall_ms());
    assert_false(json_get_bool(j, "known"));
    assert_true(json_is_null(json_object_get(j, "time_ms")));
    json_decref(j);
    df.d.up = up;
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_warning_makes_a_packet_overdue),
        CASE(a_warning_behind_the_end_is_an_alarm_and_changes_nothing),
        CASE(a_warning_that_we_had_not_fetched_when_it_ended_is_none),
        CASE(a_warning_with_a_reason_is_an_alarm),
        CASE(urgent_comes_before_routine_and_old_before_new),
        CASE(what_to_do_is_said_with_the_deputy),
        CASE(what_waits_is_withdrawn_and_goes_on),
        CASE(what_expired_goes_on_without_a_withdrawal),
        CASE(who_collects_it_in_that_moment_wins),
        CASE(what_expired_in_that_moment_goes_on),
        CASE(an_end_that_the_log_does_not_show_is_not_believed),
        CASE(a_lost_connection_is_mended_by_the_next_sync),
        CASE(a_crash_behind_the_withdrawal_is_mended_too),
        CASE(what_cannot_go_on_any_more_stays_where_it_waits),
        CASE(what_was_taken_back_is_not_given_up),
        CASE(what_never_left_goes_to_the_other_desk_only),
        CASE(trouble_of_the_new_packet_is_not_the_old_ones),
        CASE(offline_nothing_happens_yet),
        CASE(what_is_sealed_again_keeps_the_link),
        CASE(what_has_an_end_or_a_successor_stays),
        CASE(what_is_not_ours_stays),
        CASE(a_closed_or_suspended_desk_gets_nothing),
        CASE(a_mailbox_without_a_deputy_has_none),
        CASE(an_escalating_packet_goes_on_by_itself),
        CASE(no_relay_makes_it_go_on_in_the_first_minutes),
        CASE(others_wait_for_a_person),
        CASE(without_a_deputy_it_is_said_once_and_left),
        CASE(what_expired_is_a_notice_with_a_certificate),
        CASE(what_was_refused_is_a_notice_too),
        CASE(what_arrived_or_raised_an_alarm_is_none),
        CASE(a_sender_learns_when_a_mailbox_was_collected),
        CASE(offline_it_is_not_known),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
