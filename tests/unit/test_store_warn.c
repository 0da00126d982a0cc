/* What the store does before and after a packet is lost: warnings, what goes
 * on in another packet, attachments that stay for it, who collected when. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/bytes.h"
#include "server/blob_file.h"
#include "tests/lib/store_fixture.h"

#define MINUTE_MS UINT64_C(60000)
#define HOUR_MS (60 * MINUTE_MS)
#define DAY_MS (24 * HOUR_MS)
enum { CT_LEN = 56 + 65536 + 16 * 5, URGENT_H = 7 * 24, ROUTINE_H = 30 * 24 };

/* The fixture's clock begins on a Friday, 15 January 2027, at 08:00 UTC. */
static struct fixture fx;

static int
set_up(void **state)
{
    (void)state;
    memset(&fx.config, 0, sizeof(fx.config));
    fx_open(&fx);
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    fx_check(&fx);
    fx_close(&fx);
    return 0;
}

static void
store(struct fx_packet *p, unsigned n, unsigned class, unsigned life_h)
{
    fx_packet_init(&fx, p, n, life_h);
    p->h.class = (uint8_t) class;
    fx_packet_encode(p, n);
    fx_store(&fx, p);
}

static unsigned
warnings_at(uint64_t now_ms)
{
    fx.now_ms = now_ms;
    return fx_sweep(&fx, EVENT_WARNED);
}

/* ---- warnings ---- */

static void
an_urgent_packet_warns_after_an_hour_and_in_its_last_quarter(void **state)
{
    uint64_t at = fx.now_ms;
    uint64_t last;
    struct fx_packet p;

    (void)state;
    store(&p, 1, PACKET_URGENT, URGENT_H);
    last = p.h.not_after * 1000 - (p.h.not_after * 1000 - at) / 4;
    assert_int_equal(warnings_at(at + HOUR_MS - 1), 0);
    assert_int_equal(warnings_at(at + HOUR_MS), 1);
    assert_int_equal(warnings_at(at + HOUR_MS), 0);
    assert_int_equal(warnings_at(last - 1), 0);
    assert_int_equal(warnings_at(last), 1);
    assert_int_equal(warnings_at(p.h.not_after * 1000), 0);
    fx_packet_clear(&p);
}

static void
a_routine_packet_warns_after_four_hours_of_work(void **state)
{
    uint64_t at = fx.now_ms;
    struct fx_packet early, late;

    (void)state;
    store(&early, 1, PACKET_ROUTINE, ROUTINE_H); /* Friday at 8: 13:00 */
    fx.now_ms = at + 8 * HOUR_MS;
    store(&late, 2, PACKET_ROUTINE, ROUTINE_H); /* Friday at 16: Monday noon */
    fx.now_ms = at;
    assert_int_equal(warnings_at(at + 5 * HOUR_MS - 1), 0);
    assert_int_equal(warnings_at(at + 5 * HOUR_MS), 1);
    assert_int_equal(warnings_at(at + 3 * DAY_MS + 4 * HOUR_MS - 1), 0);
    assert_int_equal(warnings_at(at + 3 * DAY_MS + 4 * HOUR_MS), 1);
    fx_packet_clear(&early);
    fx_packet_clear(&late);
}

static void
what_is_overdue_warns_once(void **state)
{
    struct fx_packet p;

    (void)state;
    store(&p, 1, PACKET_URGENT, URGENT_H);
    fx_reopen(&fx); /* the relay was away */
    assert_int_equal(warnings_at(p.h.not_after * 1000 - 1000), 1);
    assert_int_equal(warnings_at(p.h.not_after * 1000 - 1000), 0);
    fx_packet_clear(&p);
}

static void
nothing_warns_from_its_last_moment_on(void **state)
{
    struct fx_packet p;

    (void)state;
    store(&p, 1, PACKET_URGENT, URGENT_H);
    assert_int_equal(warnings_at(p.h.not_after * 1000), 0);
    assert_int_equal(warnings_at((p.h.not_after + EVENT_SWEEP_S) * 1000 - 1000),
                     0);
    fx.now_ms += 1000;
    assert_int_equal(fx_sweep(&fx, EVENT_EXPIRED), 1);
    fx_packet_clear(&p);
}

static void
what_ended_warns_no_more(void **state)
{
    uint64_t at = fx.now_ms;
    struct fx_packet here, gone;

    (void)state;
    store(&here, 1, PACKET_URGENT, URGENT_H);
    store(&gone, 2, PACKET_URGENT, URGENT_H);
    fx_receipt(&fx, &here, 21, OUTCOME_OPENED, STORE_OK);
    fx_withdraw(&fx, &gone, STORE_OK);
    assert_int_equal(warnings_at(at + HOUR_MS), 0);
    assert_int_equal(warnings_at(here.h.not_after * 1000 - 1000), 0);
    fx_packet_clear(&here);
    fx_packet_clear(&gone);
}

static void
one_device_that_cannot_open_it_is_no_collection(void **state)
{
    uint64_t at = fx.now_ms;
    struct fx_packet p;

    (void)state;
    store(&p, 1, PACKET_URGENT, URGENT_H);
    assert_int_equal(fx_receipt(&fx, &p, 21, OUTCOME_CANNOT_OPEN, STORE_OK),
                     EVENT_DEVICE_REFUSED);
    assert_int_equal(warnings_at(at + HOUR_MS), 1);
    fx_packet_clear(&p);
}

static void
the_operators_clocks_count(void **state)
{
    uint64_t at = fx.now_ms;
    struct fx_packet urgent, routine;

    (void)state;
    fx.config.warn = (struct warn_clock){.urgent_ms = 10 * MINUTE_MS,
                                         .routine_ms = HOUR_MS,
                                         .utc_offset_min = 60};
    fx_reopen(&fx);
    store(&urgent, 1, PACKET_URGENT, URGENT_H);
    store(&routine, 2, PACKET_ROUTINE, ROUTINE_H); /* it is nine there */
    assert_int_equal(warnings_at(at + 10 * MINUTE_MS), 1);
    assert_int_equal(warnings_at(at + HOUR_MS - 1), 0);
    assert_int_equal(warnings_at(at + HOUR_MS), 1);
    fx_packet_clear(&urgent);
    fx_packet_clear(&routine);
}

/* ---- going on in another packet ---- */

static void
resend(const struct fx_packet *old, unsigned n, unsigned events)
{
    struct store_op op;
    struct fx_packet p;
    struct event ev;

    fx_packet_init(&fx, &p, n, 24);
    fx_packet_op(&p, &op);
    op.packet.has_resend_of = true;
    op.packet.resend_of = old->h.packet;
    fx_want(&fx, &op, STORE_OK);
    assert_int_equal(op.result.n_events, events);
    if (events > 1) {
        assert_int_equal(
            opening_decode(op.result.events[1].opening, OPENING_LEN, &ev),
            ERR_OK);
        assert_int_equal(ev.type, EVENT_READDRESSED);
        assert_int_equal(ev.ref, op.result.index);
        assert_memory_equal(ev.packet.b, old->h.packet.b, 16);
    }
    store_op_clear(&op);
    fx_packet_clear(&p);
}

static void
what_ended_without_arriving_is_readdressed(void **state)
{
    struct fx_packet expired, refused, withdrawn;

    (void)state;
    store(&refused, 1, PACKET_ROUTINE, 24);
    store(&withdrawn, 2, PACKET_ROUTINE, 24);
    store(&expired, 3, PACKET_ROUTINE, 1);
    fx_receipt(&fx, &refused, 21, OUTCOME_CANNOT_OPEN, STORE_OK);
    fx_receipt(&fx, &refused, 22, OUTCOME_CANNOT_OPEN, STORE_OK);
    fx_withdraw(&fx, &withdrawn, STORE_OK);
    fx.now_ms += 2 * HOUR_MS;
    assert_int_equal(fx_sweep(&fx, EVENT_EXPIRED), 1);
    resend(&refused, 11, 2);
    resend(&withdrawn, 12, 2);
    resend(&expired, 13, 2);
    fx_packet_clear(&expired);
    fx_packet_clear(&refused);
    fx_packet_clear(&withdrawn);
}

static void
what_waits_or_arrived_or_is_unknown_is_not(void **state)
{
    struct fx_packet waits, here, never;

    (void)state;
    store(&waits, 1, PACKET_ROUTINE, 24);
    store(&here, 2, PACKET_ROUTINE, 24);
    fx_receipt(&fx, &here, 21, OUTCOME_OPENED, STORE_OK);
    fx_packet_init(&fx, &never, 3, 24);
    resend(&waits, 11, 1);
    resend(&here, 12, 1);
    resend(&never, 13, 1);
    fx_packet_clear(&waits);
    fx_packet_clear(&here);
    fx_packet_clear(&never);
}

/* ---- its attachments ---- */

static uint8_t bytes[CT_LEN];

static void
put_attachment(struct hash *digest)
{
    struct store_op begin = {.kind = STORE_OP_BLOB_BEGIN};
    struct store_op done = {.kind = STORE_OP_BLOB_COMPLETE};
    struct agency_id owner = fx_agency(1);
    struct att_id att = fx_att(1);
    struct blob_upload *up;
    struct store_blob b;
    uint64_t have;

    bulk_digest(digest, bytes, sizeof(bytes));
    begin.blob_begin.owner = owner;
    begin.blob_begin.att = att;
    begin.blob_begin.ct_len = sizeof(bytes);
    begin.blob_begin.digest = *digest;
    fx_want(&fx, &begin, STORE_OK);
    assert_int_equal(store_blob_info(fx.rd, &owner, &att, &b), ERR_OK);
    assert_int_equal(blob_upload_open(fx.st, &b, &up), ERR_OK);
    assert_int_equal(blob_upload_write(up, 0, bytes, sizeof(bytes)), ERR_OK);
    assert_int_equal(blob_upload_sync(up, &have), ERR_OK);
    blob_upload_close(up);
    done.blob_complete.blob = b.blob;
    done.blob_complete.digest = *digest;
    fx_want(&fx, &done, STORE_OK);
}

static void
attach(struct fx_packet *p, const struct hash *digest, unsigned n)
{
    p->h.n_atts = 1;
    p->h.atts[0].id = fx_att(1);
    p->h.atts[0].ct_len = sizeof(bytes);
    p->h.atts[0].digest = *digest;
    fx_packet_encode(p, n);
}

static void
withdraw_as(const struct fx_packet *p, uint16_t reason)
{
    struct store_op op = {.kind = STORE_OP_WITHDRAW};
    struct wdrw w = {.reason = reason,
                     .packet = p->h.packet,
                     .pkt_digest = p->digest,
                     .sender = p->sender,
                     .device = p->device};
    uint8_t out[WDRW_LEN];

    assert_int_equal(wdrw_sign(out, &w, &fx.log_key), ERR_OK);
    op.withdraw.wdrw = (struct span){out, sizeof(out)};
    fx_want(&fx, &op, STORE_OK);
    store_op_clear(&op);
}

static bool
is_there(void)
{
    struct agency_id owner = fx_agency(1);
    struct att_id att = fx_att(1);
    struct store_blob b;

    fx_sweep(&fx, 0);
    return store_blob_info(fx.rd, &owner, &att, &b) == ERR_OK;
}

static void
attachments_of_what_was_replaced_wait_a_week(void **state)
{
    struct fx_packet p;
    struct hash digest;

    (void)state;
    put_attachment(&digest);
    fx_packet_init(&fx, &p, 1, 24);
    attach(&p, &digest, 1);
    fx_store(&fx, &p);
    withdraw_as(&p, REASON_REPLACED);
    fx.now_ms += 7 * DAY_MS - 1000;
    assert_true(is_there());
    fx.now_ms += 1000;
    assert_false(is_there());
    fx_packet_clear(&p);
}

static void
attachments_of_what_was_sent_in_error_go_at_once(void **state)
{
    struct fx_packet p;
    struct hash digest;

    (void)state;
    put_attachment(&digest);
    fx_packet_init(&fx, &p, 1, 24);
    attach(&p, &digest, 1);
    fx_store(&fx, &p);
    withdraw_as(&p, REASON_SENT_IN_ERROR);
    assert_false(is_there());
    fx_packet_clear(&p);
}

static void
a_packet_sent_again_uses_what_is_there(void **state)
{
    struct fx_packet p, again;
    struct hash digest;

    (void)state;
    put_attachment(&digest);
    fx_packet_init(&fx, &p, 1, 24);
    attach(&p, &digest, 1);
    fx_store(&fx, &p);
    fx.now_ms += 25 * HOUR_MS;
    assert_int_equal(fx_sweep(&fx, EVENT_EXPIRED), 1);
    fx.now_ms += 6 * DAY_MS;
    fx_packet_init(&fx, &again, 2, 24 * 20);
    attach(&again, &digest, 2);
    fx_store(&fx, &again); /* no upload */
    fx.now_ms += 10 * DAY_MS;
    assert_true(is_there());
    fx_packet_clear(&p);
    fx_packet_clear(&again);
}

/* ---- who collected when ---- */

static uint64_t
collected(unsigned mailbox)
{
    struct mailbox_id id = fx_mailbox(mailbox);
    uint64_t time_s = 1;

    assert_int_equal(store_collected(fx.rd, &id, &time_s), ERR_OK);
    return time_s;
}

static void
collects(unsigned device)
{
    struct store_op op = {.kind = STORE_OP_COLLECTED};

    op.collected.device = fx_device(device);
    fx_want(&fx, &op, STORE_OK);
    assert_int_equal(op.result.n_events, 0);
    store_op_clear(&op);
}

static void
a_mailbox_remembers_when_it_was_collected(void **state)
{
    uint64_t at = fx.now_ms / 1000;

    (void)state;
    assert_int_equal(collected(102), 0);
    fx.now_ms += 14 * MINUTE_MS;
    collects(21);
    assert_int_equal(collected(102), at);
    assert_int_equal(collected(101), 0);
    fx.now_ms += 2 * MINUTE_MS;
    collects(22);
    assert_int_equal(collected(102), at + COLLECTED_STEP_S);
    fx.now_ms -= 10 * MINUTE_MS; /* a clock that was set back */
    collects(21);
    assert_int_equal(collected(102), at + COLLECTED_STEP_S);
    fx_reopen(&fx);
    assert_int_equal(collected(102), at + COLLECTED_STEP_S);
}

static void
who_is_no_live_member_collects_nothing(void **state)
{
    struct store_effect ended = {.kind = STORE_EFFECT_DEVICE_ENDED,
                                 .device = fx_device(21)};
    struct store_effect off = {
        .kind = STORE_EFFECT_SUSPENDED, .on = true, .agency = fx_agency(2)};

    (void)state;
    collects(11); /* of the other agency */
    assert_int_equal(collected(102), 0);
    fx_statement(&fx, "revoke", &ended, 1);
    collects(21);
    assert_int_equal(collected(102), 0);
    fx_statement(&fx, "suspend", &off, 1);
    collects(22);
    assert_int_equal(collected(102), 0);
    off.on = false;
    fx_statement(&fx, "lift", &off, 1);
    collects(22);
    assert_true(collected(102) > 0);
    fx.now_ms += 401 * DAY_MS; /* its enrolment ended */
    collects(23);
    assert_true(collected(102) < fx.now_ms / 1000 - 400 * 86400);
}

static void
a_change_of_the_team_forgets_nothing(void **state)
{
    struct device_id members[] = {fx_device(21)};
    struct mailbox_id unknown = fx_mailbox(177);
    struct mailbox_id id = fx_mailbox(102);
    struct store_effect e = {.kind = STORE_EFFECT_MAILBOX,
                             .on = true,
                             .agency = fx_agency(2),
                             .mailbox = id,
                             .members = members,
                             .n_members = 1};
    uint64_t time_s;

    (void)state;
    collects(22);
    fx_statement(&fx, "mailbox", &e, 1);
    assert_true(collected(102) > 0);
    fx.now_ms += HOUR_MS;
    collects(22); /* who has left */
    assert_true(collected(102) < fx.now_ms / 1000 - 1800);
    e.on = false;
    fx_statement(&fx, "closed", &e, 1);
    assert_int_equal(store_collected(fx.rd, &id, &time_s), ERR_NOTFOUND);
    assert_int_equal(store_collected(fx.rd, &unknown, &time_s), ERR_NOTFOUND);
}

/* ---- reasons ---- */

static void
a_reason_of_the_case_gets_nowhere_into_the_store(void **state)
{
    struct store_op op = {.kind = STORE_OP_EVENT};
    struct fx_packet p;
    uint8_t rcpt[RCPT_LEN], wdrw[WDRW_LEN];
    uint16_t reason;

    (void)state;
    store(&p, 1, PACKET_ROUTINE, 24);
    fx_rcpt(&p, 21, OUTCOME_QUARANTINED, rcpt);
    fx_wdrw(&p, wdrw);
    for (unsigned n = 8; n < 200; n += 8) {
        struct store_op r = {.kind = STORE_OP_RECEIPT};
        struct store_op w = {.kind = STORE_OP_WITHDRAW};

        reason = (uint16_t)n;
        put_u16(rcpt + sizeof("sealpost/1/rcpt") + 2, reason);
        put_u16(wdrw + sizeof("sealpost/1/wdrw"), reason);
        r.receipt.rcpt = (struct span){rcpt, sizeof(rcpt)};
        w.withdraw.wdrw = (struct span){wdrw, sizeof(wdrw)};
        fx_want(&fx, &r, STORE_WHY_EVIDENCE);
        fx_want(&fx, &w, STORE_WHY_EVIDENCE);
    }
    op.event.type = EVENT_ADMIN;
    op.event.reason = 3;
    op.event.agency = fx_agency(1);
    fx_want(&fx, &op, STORE_WHY_MALFORMED);
    assert_int_equal(fx_counts(&fx).packets.pending, 1);
    fx_packet_clear(&p);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(an_urgent_packet_warns_after_an_hour_and_in_its_last_quarter),
        CASE(a_routine_packet_warns_after_four_hours_of_work),
        CASE(what_is_overdue_warns_once),
        CASE(nothing_warns_from_its_last_moment_on),
        CASE(what_ended_warns_no_more),
        CASE(one_device_that_cannot_open_it_is_no_collection),
        CASE(the_operators_clocks_count),
        CASE(what_ended_without_arriving_is_readdressed),
        CASE(what_waits_or_arrived_or_is_unknown_is_not),
        CASE(attachments_of_what_was_replaced_wait_a_week),
        CASE(attachments_of_what_was_sent_in_error_go_at_once),
        CASE(a_packet_sent_again_uses_what_is_there),
        CASE(a_mailbox_remembers_when_it_was_collected),
        CASE(who_is_no_live_member_collects_nothing),
        CASE(a_change_of_the_team_forgets_nothing),
        CASE(a_reason_of_the_case_gets_nowhere_into_the_store),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
