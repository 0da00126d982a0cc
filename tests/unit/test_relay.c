/* Packets through a whole relay: sent, logged, delivered, receipted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/os.h"
#include "proto/proof.h"
#include "server/session.h"
#include "server/listener.h"
#include "tests/lib/relay_rig.h"

static struct rig rig;
static const unsigned hub_devices[] = {1, 2};

static int
set_up(void **state)
{
    (void)state;
    rig_init(&rig);
    rig_start(&rig, NULL);
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    rig_stop_and_check(&rig);
    return 0;
}

/* The hub's two devices can be sealed to; nobody stays connected. */
static void
put_prekeys(void)
{
    for (int i = 1; i <= 2; i++) {
        struct client *c = client_greet(&rig, i, 0);

        client_put_prekey(c, (unsigned)i);
        client_close(c);
    }
}

static void
make(struct parcel *p, unsigned n)
{
    parcel_make(&rig, p, n, 1, hub_devices, 2);
}

static struct event
event_of(const struct msg_field *proof)
{
    struct receipt r;

    assert_int_equal(receipt_verify(proof->p, proof->len,
                                    store_vkey(rig.relay.store, STORE_DELIVERY),
                                    &r),
                     ERR_OK);
    return r.event;
}

static void
assert_same_field(const struct msg_field *a, const struct msg_field *b)
{
    assert_int_equal(a->len, b->len);
    assert_memory_equal(a->p, b->p, a->len);
}

/* ---- SEND ---- */

static void
a_packet_gets_a_receipt_that_verifies(void **state)
{
    struct client *c = client_greet(&rig, 0, 0);
    struct parcel p;
    const struct msg *m;
    struct event e;

    (void)state;
    put_prekeys();
    make(&p, 1);
    m = client_send(c, &p);
    assert_memory_equal(m->f[LOGGED_PACKET_ID].p, p.h.packet.b, 16);
    e = event_of(&m->f[LOGGED_PROOF]);
    assert_int_equal(e.type, EVENT_STORED);
    assert_memory_equal(e.pkt_digest.b, p.digest.b, 32);
    assert_memory_equal(e.actor.b, rig.net.devices[0].id.b, 16);
    parcel_clear(&p);
}

static void
the_same_packet_again_gets_the_same_receipt(void **state)
{
    struct client *c = client_greet(&rig, 0, 0);
    struct parcel p, other;
    const struct msg *first, *again;
    struct msg_field f[1];

    (void)state;
    put_prekeys();
    make(&p, 1);
    make(&other, 2);
    first = client_send(c, &p);
    (void)client_send(c, &other);
    again = client_send(c, &p);
    assert_same_field(&first->f[LOGGED_PROOF], &again->f[LOGGED_PROOF]);
    f[RECEIPT_GET_PACKET_ID] = msg_bin(p.h.packet.b, 16);
    again = client_ask(c, MSG_RECEIPT_GET, f, 1);
    assert_same_field(&first->f[LOGGED_PROOF], &again->f[LOGGED_PROOF]);
    parcel_clear(&p);
    parcel_clear(&other);
}

static unsigned
send_error(struct client *c, const struct parcel *p)
{
    const struct msg *m = client_hear(c, MSG_ERROR, client_say_send(c, p));

    return (unsigned)m->f[ERROR_CODE].u;
}

static void
other_bytes_under_the_same_name_are_a_conflict(void **state)
{
    struct client *c = client_greet(&rig, 0, 0);
    struct parcel p;

    (void)state;
    put_prekeys();
    make(&p, 1);
    (void)client_send(c, &p);
    parcel_encode(&p, 99);
    assert_int_equal(send_error(c, &p), PERR_CONFLICT);
    parcel_clear(&p);
}

static void
packets_that_do_not_fit_are_refused_with_the_reason(void **state)
{
    struct client *c = client_greet(&rig, 0, 0);
    struct parcel p;

    (void)state;
    put_prekeys();
    make(&p, 1);
    p.h.slots[0].prekey.b[0] ^= 1;
    parcel_encode(&p, 1);
    assert_int_equal(send_error(c, &p), PERR_SLOT);
    parcel_clear(&p);
    make(&p, 2);
    p.h.mailbox.b[0] ^= 1;
    parcel_encode(&p, 2);
    assert_int_equal(send_error(c, &p), PERR_MAILBOX);
    parcel_clear(&p);
    make(&p, 3);
    p.h.not_after = 3600;
    parcel_encode(&p, 3);
    assert_int_equal(send_error(c, &p), PERR_EXPIRY);
    parcel_clear(&p);
    make(&p, 4);
    p.h.n_atts = 1;
    p.h.atts[0] = (struct header_att){.id = {{1}}, .ct_len = LIMIT_ATT_CT_MIN};
    parcel_encode(&p, 4);
    assert_int_equal(send_error(c, &p), PERR_BLOB);
    parcel_clear(&p);
    make(&p, 5);
    p.hdr.data[0] ^= 1;
    assert_int_equal(send_error(c, &p), PERR_MALFORMED);
    parcel_clear(&p);
}

static void
a_quota_refuses_and_lets_go_when_packets_are_fetched(void **state)
{
    struct client *c, *hub;
    struct parcel p, q;

    (void)state;
    put_prekeys();
    rig_halt(&rig);
    rig_start(&rig, "[quota]\npending_packets = 1\n");
    c = client_greet(&rig, 0, 0);
    make(&p, 1);
    make(&q, 2);
    (void)client_send(c, &p);
    assert_int_equal(send_error(c, &q), PERR_QUOTA);
    hub = client_greet(&rig, 1, 1);
    (void)client_receipt(hub, 1, client_hear(hub, MSG_DELIVER, 0),
                         OUTCOME_OPENED);
    (void)client_send(c, &q);
    parcel_clear(&p);
    parcel_clear(&q);
}

/* ---- DELIVER, RECEIPT, EVENTS ---- */

static void
assert_delivered(const struct msg *m, const struct parcel *p, unsigned device)
{
    int slot = header_slot_of(&p->h, &rig.net.devices[device].id);
    struct hash hashes[2];

    wraps_hash_each(hashes, p->wraps.data, 2);
    assert_memory_equal(m->f[DELIVER_SENDER].p, rig.net.agencies[SHELTER].id.b,
                        16);
    assert_int_equal(m->f[DELIVER_HDR].len, p->hdr.len);
    assert_memory_equal(m->f[DELIVER_HDR].p, p->hdr.data, p->hdr.len);
    assert_int_equal(m->f[DELIVER_SLOT].u, slot);
    assert_memory_equal(m->f[DELIVER_WRAP].p,
                        p->wraps.data + (size_t)slot * WRAP_LEN, WRAP_LEN);
    assert_int_equal(m->f[DELIVER_WRAP_HASHES].len, sizeof(hashes));
    assert_memory_equal(m->f[DELIVER_WRAP_HASHES].p, hashes, sizeof(hashes));
    assert_int_equal(m->f[DELIVER_BODY].len, p->body.len);
    assert_memory_equal(m->f[DELIVER_BODY].p, p->body.data, p->body.len);
    assert_int_equal(event_of(&m->f[DELIVER_STORED_PROOF]).type, EVENT_STORED);
}

static void
a_packet_reaches_both_devices_and_all_are_told(void **state)
{
    struct client *from = client_greet(&rig, 0, 1);
    struct client *one = client_greet(&rig, 1, 1);
    struct client *two = client_greet(&rig, 2, 1);
    const struct msg *m, *row;
    struct parcel p;
    struct event e;

    (void)state;
    client_put_prekey(one, 1);
    client_put_prekey(two, 2);
    make(&p, 1);
    m = client_send(from, &p);
    row = client_hear(from, MSG_EVENTS, 0);
    assert_memory_equal(row->f[EVENTS_ROWS].items[0].items[1].p + 32 + 80,
                        p.digest.b, 32);
    m = client_hear(one, MSG_DELIVER, 0);
    assert_delivered(m, &p, 1);
    assert_delivered(client_hear(two, MSG_DELIVER, 0), &p, 2);
    m = client_receipt(one, 1, m, OUTCOME_OPENED);
    e = event_of(&m->f[LOGGED_PROOF]);
    assert_int_equal(e.type, EVENT_HANDED_OVER);
    (void)client_hear(two, MSG_EVENTS, 0); /* stored */
    m = client_hear(from, MSG_EVENTS, 0);
    assert_int_equal(m->f[EVENTS_ROWS].len, 1);
    row = client_hear(two, MSG_EVENTS, 0);
    assert_same_field(&m->f[EVENTS_ROWS].items[0].items[1],
                      &row->f[EVENTS_ROWS].items[0].items[1]);
    assert_int_equal(m->f[EVENTS_ROWS].items[0].items[2].len, RCPT_LEN);
    parcel_clear(&p);
}

static void
the_same_receipt_again_gets_the_same_answer_and_a_foreign_one_none(void **state)
{
    struct client *from, *one, *two;
    const struct msg *d, *first, *again;
    uint8_t rcpt[RCPT_LEN] = {0};
    struct msg_field f[] = {[RECEIPT_RCPT] = msg_bin(rcpt, sizeof(rcpt))};
    struct parcel p;

    (void)state;
    put_prekeys();
    from = client_greet(&rig, 0, 0);
    make(&p, 1);
    (void)client_send(from, &p);
    one = client_greet(&rig, 1, 1);
    two = client_greet(&rig, 2, 1);
    d = client_hear(one, MSG_DELIVER, 0);
    rcpt_for(&rig, 1, d, OUTCOME_OPENED, rcpt);
    first = client_ask(one, MSG_RECEIPT, f, 1);
    again = client_ask(one, MSG_RECEIPT, f, 1);
    assert_same_field(&first->f[LOGGED_PROOF], &again->f[LOGGED_PROOF]);
    assert_int_equal(client_ask_error(two, MSG_RECEIPT, f, 1), PERR_EVIDENCE);
    rcpt[RCPT_LEN - 1] ^= 1;
    assert_int_equal(client_ask_error(one, MSG_RECEIPT, f, 1), PERR_EVIDENCE);
    parcel_clear(&p);
}

static void
a_withdrawal_ends_a_packet_once(void **state)
{
    struct client *from;
    struct parcel p;
    uint8_t bytes[WDRW_LEN] = {0};
    struct msg_field f[] = {[WITHDRAW_WDRW] = msg_bin(bytes, sizeof(bytes))};
    struct wdrw w = {.reason = REASON_SENT_IN_ERROR,
                     .sender = rig.net.agencies[SHELTER].id,
                     .device = rig.net.devices[0].id,
                     .time_ms = 1};
    const struct msg *first, *again;

    (void)state;
    put_prekeys();
    from = client_greet(&rig, 0, 0);
    make(&p, 1);
    w.packet = p.h.packet;
    w.pkt_digest = p.digest;
    assert_int_equal(wdrw_sign(bytes, &w, &rig.net.devices[0].sign), ERR_OK);
    assert_int_equal(client_ask_error(from, MSG_WITHDRAW, f, 1), PERR_NOTFOUND);
    (void)client_send(from, &p);
    first = client_ask(from, MSG_WITHDRAW, f, 1);
    assert_int_equal(event_of(&first->f[LOGGED_PROOF]).type, EVENT_WITHDRAWN);
    again = client_ask(from, MSG_WITHDRAW, f, 1);
    assert_same_field(&first->f[LOGGED_PROOF], &again->f[LOGGED_PROOF]);
    w.time_ms = 2;
    assert_int_equal(wdrw_sign(bytes, &w, &rig.net.devices[0].sign), ERR_OK);
    assert_int_equal(client_ask_error(from, MSG_WITHDRAW, f, 1), PERR_FINAL);
    client_close(client_greet(&rig, 1, 1)); /* nothing waits for it */
    parcel_clear(&p);
}

static void
sixteen_packets_wait_for_receipts_and_no_more(void **state)
{
    struct client *from, *one;
    struct parcel p;

    (void)state;
    put_prekeys();
    from = client_greet(&rig, 0, 0);
    for (unsigned i = 0; i < 20; i++) {
        make(&p, i);
        (void)client_send(from, &p);
        parcel_clear(&p);
    }
    one = client_greet(&rig, 1, 1);
    client_settle(one);
    assert_int_equal(client_count(one, MSG_DELIVER), 16);
    for (unsigned i = 0; i < 20; i++) {
        const struct msg *d = client_hear(one, MSG_DELIVER, 0);

        assert_int_equal(d->f[DELIVER_HDR].p[9], i); /* oldest first */
        (void)client_receipt(one, 1, d, OUTCOME_OPENED);
        client_settle(one);
        assert_true(client_count(one, MSG_DELIVER) <= 16);
    }
    client_close(one);
    one = client_greet(&rig, 1, 1);
    assert_int_equal(client_count(one, MSG_DELIVER), 0);
}

static void
a_broken_connection_delivers_what_has_no_receipt_again(void **state)
{
    struct client *from, *one;
    struct parcel p;

    (void)state;
    put_prekeys();
    from = client_greet(&rig, 0, 0);
    make(&p, 1);
    (void)client_send(from, &p);
    one = client_greet(&rig, 1, 1);
    assert_delivered(client_hear(one, MSG_DELIVER, 0), &p, 1);
    client_close(one);
    rig_halt(&rig);
    rig_start(&rig, NULL);
    one = client_greet(&rig, 1, 1);
    assert_delivered(client_hear(one, MSG_DELIVER, 0), &p, 1);
    parcel_clear(&p);
}

static void
events_are_paged_and_only_the_agencys_own(void **state)
{
    struct msg_field f[] = {msg_u(0), msg_u(2)};
    struct client *from, *church;
    const struct msg *m;
    struct parcel p;
    size_t n = 0;

    (void)state;
    put_prekeys();
    from = client_greet(&rig, 0, 0);
    for (unsigned i = 0; i < 5; i++) {
        make(&p, i);
        (void)client_send(from, &p);
        parcel_clear(&p);
    }
    do {
        m = client_ask(from, MSG_EVENTS_GET, f, 2);
        n += m->f[EVENTS_ROWS].len;
        assert_true(m->f[EVENTS_ROWS].len <= 2);
        assert_true(m->f[EVENTS_NEXT].u >= f[0].u);
        f[0].u = m->f[EVENTS_NEXT].u;
    } while (m->f[EVENTS_ROWS].len > 0);
    assert_int_equal(n, 5);
    church = client_greet(&rig, 5, 0);
    f[0].u = 0;
    m = client_ask(church, MSG_EVENTS_GET, f, 2);
    assert_int_equal(m->f[EVENTS_ROWS].len, 0);
}

/* ---- PREKEYS ---- */

static void
prekeys_of_a_mailbox_are_given_and_foreign_ones_not_taken(void **state)
{
    struct client *c = client_greet(&rig, 0, 0);
    struct msg_field f[1], item;
    const struct msg *m;
    uint8_t other[16] = {1};

    (void)state;
    put_prekeys();
    f[PREKEY_GET_MAILBOX] = msg_bin(rig.net.mailboxes[1].id.b, 16);
    m = client_ask(c, MSG_PREKEY_GET, f, 1);
    assert_int_equal(m->f[PREKEYS_STMTS].len, 2);
    assert_int_equal(m->f[PREKEYS_DIR_SIZE].u, rig.net.n_leaves);
    item = m->f[PREKEYS_STMTS].items[0];
    f[PREKEY_PUT_STMTS] = msg_list(&item, 1);
    assert_int_equal(client_ask_error(c, MSG_PREKEY_PUT, f, 1), PERR_EVIDENCE);
    f[PREKEY_GET_MAILBOX] = msg_bin(other, 16);
    assert_int_equal(client_ask_error(c, MSG_PREKEY_GET, f, 1), PERR_MAILBOX);
}

/* ---- no room ---- */

static void
a_full_disk_refuses_packets_serves_the_rest_and_clears_by_itself(void **state)
{
    struct client *from, *one, *two;
    struct parcel p;
    unsigned stored = 0;
    const struct msg *m;
    uint32_t req;

    (void)state;
    put_prekeys();
    rig_halt(&rig);
    rig_start(&rig, "[store]\npage_count_max = 300\n");
    from = client_greet(&rig, 0, 0);
    for (;;) {
        make(&p, stored);
        req = client_say_send(from, &p);
        RIG_UNTIL(&rig, (m = client_take(from, MSG_LOGGED, req)) != NULL ||
                            client_count(from, MSG_ERROR) > 0);
        if (m == NULL)
            break;
        parcel_clear(&p);
        assert_true(++stored < 1000);
    }
    assert_true(stored > 10);
    m = client_hear(from, MSG_ERROR, req);
    assert_int_equal(m->f[ERROR_CODE].u, PERR_DISK);
    assert_true(m->f[ERROR_RETRY_MS].u > 0);
    client_settle(from); /* reads go on */
    one = client_greet(&rig, 1, 1);
    two = client_greet(&rig, 2, 1);
    for (unsigned i = 0; i < stored; i++) {
        m = client_hear(one, MSG_DELIVER, 0);
        (void)client_receipt(one, 1, m, OUTCOME_OPENED);
        m = client_hear(two, MSG_DELIVER, 0);
        (void)client_receipt(two, 2, m, OUTCOME_OPENED);
    }
    (void)client_send(from, &p);
    parcel_clear(&p);
}

/* ---- stopping ---- */

static void
a_stop_answers_what_was_taken_and_says_goodbye(void **state)
{
    struct client *from;
    struct parcel p;
    uint32_t req;
    uint64_t before;

    (void)state;
    put_prekeys();
    from = client_greet(&rig, 0, 0);
    make(&p, 1);
    before = rig.relay.stats.messages;
    req = client_say_send(from, &p);
    RIG_UNTIL(&rig, rig.relay.stats.messages > before);
    relay_stop(&rig.relay);
    RIG_UNTIL(&rig, from->fd < 0);
    assert_non_null(client_take(from, MSG_LOGGED, req));
    assert_int_equal(from->bye, BYE_STOPPING);
    parcel_clear(&p);
}

static void
one_customer_of_ipv6_counts_once(void **state)
{
    struct address a = {{0x20, 1, 0xd, 0xb8, 1, 2, 3, 4, 5, 6, 7, 8}};
    struct address b = {{0x20, 1, 0xd, 0xb8, 1, 2, 3, 4, 9, 9, 9, 9}};
    struct address c = {{[10] = 0xff, [11] = 0xff, [12] = 192, [15] = 1}};
    struct address d = c;

    (void)state;
    address_of_customer(&a);
    address_of_customer(&b);
    assert_memory_equal(a.b, b.b, sizeof(a.b));
    assert_int_equal(a.b[7], 4);
    address_of_customer(&d);
    assert_memory_equal(c.b, d.b, sizeof(c.b));
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        T(one_customer_of_ipv6_counts_once),
        T(a_packet_gets_a_receipt_that_verifies),
        T(the_same_packet_again_gets_the_same_receipt),
        T(other_bytes_under_the_same_name_are_a_conflict),
        T(packets_that_do_not_fit_are_refused_with_the_reason),
        T(a_quota_refuses_and_lets_go_when_packets_are_fetched),
        T(a_packet_reaches_both_devices_and_all_are_told),
        T(the_same_receipt_again_gets_the_same_answer_and_a_foreign_one_none),
        T(a_withdrawal_ends_a_packet_once),
        T(sixteen_packets_wait_for_receipts_and_no_more),
        T(a_broken_connection_delivers_what_has_no_receipt_again),
        T(events_are_paged_and_only_the_agencys_own),
        T(prekeys_of_a_mailbox_are_given_and_foreign_ones_not_taken),
        T(a_full_disk_refuses_packets_serves_the_rest_and_clears_by_itself),
        T(a_stop_answers_what_was_taken_and_says_goodbye),
    };

    os_ignore_signals();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
