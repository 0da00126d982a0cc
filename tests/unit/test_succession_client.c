/* The relay's log goes on under another name: what a client accepts, what it
 * keeps, and what goes again. */
#include "client/succession.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "client/compose.h"
#include "client/delivery.h"
#include "client/exchange.h"
#include "client/inbox.h"
#include "client/outbox.h"
#include "client/shelf.h"
#include "client/sync.h"
#include "client/vault.h"
#include "common/clock.h"
#include "tests/lib/desk_fixture.h"
#include "tests/lib/lying_succession.h"

static struct problem pb;
static struct mail first, second; /* sent; FIRST is kept by the copy */

static void
send_one(struct mail *m)
{
    static const char text[] = "{\"text\":\"Good evening.\"}";
    struct compose c = {
        .to = df.net.mailboxes[THEY].id, .type = 4, .subject = "A word"};

    c.parts[3] = (struct span){text, sizeof(text) - 1};
    mail_clear(m);
    assert_int_equal(compose_packet(&df.d, &c, m, &pb), ERR_OK);
    assert_int_equal(outbox_send(&df.d, m, &pb), ERR_OK);
    assert_int_equal(m->state, MAIL_STORED);
}

static void
reload(struct mail *m)
{
    struct packet_id id = m->id;

    mail_clear(m);
    assert_int_equal(mail_load(&df.app, &id, INDEX_OUT, m, &pb), ERR_OK);
}

static int
setup(void **state)
{
    memset(&pb, 0, sizeof(pb));
    if (desk_fixture_setup(state) != 0)
        return -1;
    relay_begin();
    send_one(&first);
    send_one(&second);
    return exchange_all(&df.d, &pb) == ERR_OK ? 0 : -1;
}

static int
teardown(void **state)
{
    mail_clear(&first);
    mail_clear(&second);
    relay_end();
    return desk_fixture_teardown(state);
}

static enum err
connect(void)
{
    desk_disconnect(&df.d);
    memset(&pb, 0, sizeof(pb));
    return desk_connect(&df.d, true, &pb);
}

/* What was kept under it, or false. */
static bool
kept(enum succession_record what, uint64_t index, struct buf *out)
{
    struct problem none = {0};
    uint8_t id[16];

    buf_reset(out);
    succession_record_id(id, df.net.n_leaves - 1, what, index);
    return shelf_get_raw(&df.app, REC_SUCCESSION, id, out, &none) == ERR_OK;
}

/* ---- an honest succession ---- */

static void
what_the_copy_has_stays_and_the_rest_goes_again(void **state)
{
    struct hash digest = second.pkt_digest;
    struct buf b = {0};
    uint8_t id[16];
    uint64_t lost = second.stored_index;

    (void)state;
    assert_int_equal(relay.sends, 2);
    relay_succeed(lost, "/2", SUCCESSION_HONEST);
    assert_int_equal(connect(), ERR_OK);
    reload(&first);
    reload(&second);
    assert_int_equal(first.state, MAIL_STORED);
    assert_int_equal(second.state, MAIL_QUEUED);
    assert_true(second.is_sealed);
    shelf_number(id, lost);
    assert_false(vault_has(df.app.vault, REC_EVENT, id));
    assert_true(kept(SUCCESSION_NOTE, 0, &b));
    assert_true(kept(SUCCESSION_EVENT, lost, &b));
    assert_true(kept(SUCCESSION_PROOF, lost, &b));
    assert_int_equal(exchange_all(&df.d, &pb), ERR_OK);
    assert_int_equal(relay.sends, 3);
    assert_memory_equal(&relay.sent[2], &digest, sizeof(digest));
    reload(&second);
    assert_int_equal(second.state, MAIL_STORED);
    assert_int_equal(second.stored_index, lost + 1); /* behind the POLICY */
    assert_int_equal(df.d.count.alarms, 0);
    /* Once. */
    assert_int_equal(connect(), ERR_OK);
    assert_int_equal(exchange_all(&df.d, &pb), ERR_OK);
    assert_int_equal(relay.sends, 3);
    buf_clear(&b);
}

static void
nothing_is_lost_when_only_the_name_changes(void **state)
{
    struct buf b = {0};

    (void)state;
    relay_succeed(relay.n, "/2", SUCCESSION_HONEST);
    assert_int_equal(connect(), ERR_OK);
    assert_int_equal(exchange_all(&df.d, &pb), ERR_OK);
    reload(&second);
    assert_int_equal(second.state, MAIL_STORED);
    assert_int_equal(relay.sends, 2);
    assert_true(kept(SUCCESSION_NOTE, 0, &b));
    assert_int_equal(roster_delivery_head(df.d.roster)->size, relay.n);
    buf_clear(&b);
}

static void
what_had_come_to_an_end_stays_so(void **state)
{
    (void)state;
    relay_their_receipt(EVENT_HANDED_OVER, &second, OUTCOME_OPENED, true);
    assert_int_equal(exchange_all(&df.d, &pb), ERR_OK);
    relay_succeed(second.stored_index, "/2", SUCCESSION_HONEST);
    assert_int_equal(connect(), ERR_OK);
    assert_int_equal(exchange_all(&df.d, &pb), ERR_OK);
    reload(&second);
    assert_int_equal(second.state, MAIL_HANDED_OVER);
    assert_int_equal(second.lost_policy, df.net.n_leaves - 1);
    assert_int_equal(relay.sends, 2);
    assert_int_equal(df.d.count.alarms, 0);
}

static void
two_restores_in_a_row_lose_once_each(void **state)
{
    uint64_t lost = second.stored_index;

    (void)state;
    relay_succeed(lost, "/2", SUCCESSION_HONEST);
    assert_int_equal(connect(), ERR_OK);
    assert_int_equal(exchange_all(&df.d, &pb), ERR_OK);
    relay_succeed(first.stored_index, "/3", SUCCESSION_HONEST);
    assert_int_equal(connect(), ERR_OK);
    assert_int_equal(exchange_all(&df.d, &pb), ERR_OK);
    reload(&first);
    reload(&second);
    assert_int_equal(first.state, MAIL_STORED);
    assert_int_equal(second.state, MAIL_STORED);
    assert_int_equal(relay.sends, 5);
    assert_int_equal(df.d.count.alarms, 0);
}

/* Sealed anew it would come twice to who has read it. */
static void
a_packet_waits_for_keys_under_its_old_name(void **state)
{
    struct packet_id id = second.id;

    (void)state;
    relay_succeed(second.stored_index, "/2", SUCCESSION_HONEST);
    assert_int_equal(connect(), ERR_OK);
    relay.lie = LIE_SLOTS_CHANGED;
    assert_int_equal(exchange_all(&df.d, &pb), ERR_OK);
    reload(&second);
    assert_int_equal(second.state, MAIL_QUEUED);
    assert_memory_equal(&second.id, &id, sizeof(id));
    assert_non_null(strstr(second.waiting, "restored"));
    /* Two days are enough. */
    second.again_ms -= UINT64_C(49) * 3600 * 1000;
    assert_int_equal(mail_save(&df.app, &second, &pb), ERR_OK);
    relay.lie = LIE_SLOTS_CHANGED;
    assert_int_equal(exchange_all(&df.d, &pb), ERR_OK);
    assert_int_equal(mail_load(&df.app, &id, INDEX_OUT, &second, &pb),
                     ERR_NOTFOUND);
}

/* ---- a relay that lies about it ---- */

static void
refused(enum succession_lie lie, uint64_t keep, enum problem_id id)
{
    struct head before = *roster_delivery_head(df.d.roster);

    relay_succeed(keep, "/2", lie);
    assert_int_not_equal(connect(), ERR_OK);
    assert_int_equal(pb.id, id);
    assert_memory_equal(roster_delivery_head(df.d.roster), &before,
                        sizeof(before));
    reload(&second);
    assert_int_equal(second.state, MAIL_STORED);
}

static void
without_the_policy_it_is_no_log_of_ours(void **state)
{
    (void)state;
    refused(SUCCESSION_WITHOUT_POLICY, second.stored_index, P_ORIGIN);
}

static void
a_log_that_does_not_begin_with_the_old_root_is_refused(void **state)
{
    (void)state;
    refused(SUCCESSION_OTHER_ROOT, second.stored_index, P_ORIGIN);
}

static void
the_policy_must_stand_where_the_log_begins(void **state)
{
    (void)state;
    refused(SUCCESSION_NO_ENTRY, second.stored_index, P_ORIGIN);
}

static void
a_past_that_is_not_ours_is_a_split_view(void **state)
{
    (void)state;
    refused(SUCCESSION_OTHER_PAST, relay.n, P_SPLIT_VIEW);
}

/* Two eras of one relay may not be told apart by who shows a head. */
static void
heads_of_what_was_lost_raise_nothing(void **state)
{
    struct head lost = *roster_delivery_head(df.d.roster);
    struct head earlier = {.size = 1};

    (void)state;
    assert_int_equal(merkle_root_at(memtree_read, &relay.log, 1, &earlier.root),
                     ERR_OK);
    assert_int_equal(head_sign(&earlier, df.delivery_key.name, &df.net.log_key),
                     ERR_OK);
    relay_succeed(second.stored_index, "/2", SUCCESSION_HONEST);
    assert_int_equal(connect(), ERR_OK);
    assert_int_equal(
        sync_foreign_head(df.d.up, df.d.roster, LOG_DELIVERY, &lost, &pb),
        ERR_OK);
    assert_int_equal(
        sync_foreign_head(df.d.up, df.d.roster, LOG_DELIVERY, &earlier, &pb),
        ERR_OK);
    /* But one that today's log took over has to fit. */
    earlier.root.b[0] ^= 1;
    assert_int_equal(
        head_sign(&earlier, "relay.test/delivery", &df.net.log_key), ERR_OK);
    assert_int_not_equal(
        sync_foreign_head(df.d.up, df.d.roster, LOG_DELIVERY, &earlier, &pb),
        ERR_OK);
    assert_int_equal(pb.id, P_SPLIT_VIEW);
}

/* ---- who has read it already ---- */

static struct relay_packet packet;

/* Reads a packet of theirs; X stays as it came. */
static void
read_one(struct delivery **x)
{
    struct delivery *taken;

    relay_packet(&packet);
    *x = relay_deliver(&packet);
    taken = relay_deliver_again(NULL, *x);
    assert_int_equal(inbox_take(&df.d, taken, &pb), ERR_OK);
    assert_int_equal(relay.receipts, 1);
    assert_int_equal(df.d.count.received, 1);
}

static uint64_t
signed_for(void)
{
    struct problem none = {0};
    struct buf b = {0};
    struct rcpt r;
    struct mail in = {0};
    uint64_t index;

    assert_int_equal(
        mail_load(&df.app, &packet.draft.packet, INDEX_IN, &in, &none), ERR_OK);
    assert_int_equal(
        shelf_get_raw(&df.app, REC_RCPT, in.pkt_digest.b, &b, &none), ERR_OK);
    assert_int_equal(rcpt_parse(&r, b.data, b.len), ERR_OK);
    assert_int_equal(rcpt_verify(b.data, &df.d.id.sign.pub), ERR_OK);
    assert_int_equal(r.stored_index, in.stored_index);
    index = r.stored_index;
    mail_clear(&in);
    buf_clear(&b);
    return index;
}

static void
who_has_read_it_signs_for_the_new_place_once(void **state)
{
    struct delivery *x, *again;
    struct buf b = {0};
    uint64_t lost, place;

    (void)state;
    read_one(&x);
    lost = signed_for();
    relay_succeed(first.stored_index, "/2", SUCCESSION_HONEST);
    assert_int_equal(connect(), ERR_OK);
    again = relay_deliver_again(&packet, x);
    place = relay.n - 1;
    assert_int_not_equal(place, lost);
    assert_int_equal(inbox_take(&df.d, again, &pb), ERR_OK);
    assert_int_equal(relay.receipts, 2);
    assert_int_equal(df.d.count.received, 1); /* nothing was opened twice */
    assert_int_equal(signed_for(), place);
    assert_true(kept(SUCCESSION_RCPT, lost, &b));
    /* A second place under today's name is the relay's own trouble. */
    again = relay_deliver_again(&packet, x);
    assert_int_equal(inbox_take(&df.d, again, &pb), ERR_OK);
    assert_int_equal(signed_for(), place);
    delivery_free(x);
    buf_clear(&b);
}

static void
without_a_succession_nothing_is_signed_twice(void **state)
{
    struct delivery *x, *again;
    uint64_t place;

    (void)state;
    read_one(&x);
    place = signed_for();
    again = relay_deliver_again(&packet, x);
    assert_int_equal(inbox_take(&df.d, again, &pb), ERR_OK);
    assert_int_equal(signed_for(), place);
    /* Nor when its place was not lost. */
    relay_succeed(relay.n, "/2", SUCCESSION_HONEST);
    assert_int_equal(connect(), ERR_OK);
    again = relay_deliver_again(&packet, x);
    assert_int_equal(inbox_take(&df.d, again, &pb), ERR_OK);
    assert_int_equal(signed_for(), place);
    delivery_free(x);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(what_the_copy_has_stays_and_the_rest_goes_again),
        CASE(nothing_is_lost_when_only_the_name_changes),
        CASE(what_had_come_to_an_end_stays_so),
        CASE(two_restores_in_a_row_lose_once_each),
        CASE(a_packet_waits_for_keys_under_its_old_name),
        CASE(without_the_policy_it_is_no_log_of_ours),
        CASE(a_log_that_does_not_begin_with_the_old_root_is_refused),
        CASE(the_policy_must_stand_where_the_log_begins),
        CASE(a_past_that_is_not_ours_is_a_split_view),
        CASE(heads_of_what_was_lost_raise_nothing),
        CASE(who_has_read_it_signs_for_the_new_place_once),
        CASE(without_a_succession_nothing_is_signed_twice),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
