#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proto/proof.h"
#include "tests/lib/store_fixture.h"

enum { HOUR_MS = 3600 * 1000 };

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

static unsigned
next_packet(unsigned device, uint64_t after, struct store_delivery *out)
{
    struct device_id id = fx_device(device);

    memset(out, 0, sizeof(*out));
    return store_next_packet(fx.rd, &id, after, fx.now_ms / 1000, out);
}

static bool
is_waiting(unsigned device)
{
    struct store_delivery d;
    bool is = next_packet(device, 0, &d) == ERR_OK;

    store_delivery_clear(&d);
    return is;
}

/* ---- storing ---- */

static void
a_packet_is_stored_with_a_receipt_that_verifies(void **state)
{
    struct fx_packet p;
    struct store_op op;
    struct receipt r;
    struct head heads[STORE_LOGS];

    (void)state;
    fx_packet_init(&fx, &p, 1, 24);
    fx_packet_op(&p, &op);
    fx_want(&fx, &op, STORE_OK);
    assert_int_equal(receipt_verify(op.result.proof.data, op.result.proof.len,
                                    store_vkey(fx.st, STORE_DELIVERY), &r),
                     ERR_OK);
    assert_int_equal(r.event.type, EVENT_STORED);
    assert_memory_equal(r.event.pkt_digest.b, p.digest.b, 32);
    assert_memory_equal(r.event.sender.b, p.sender.b, 16);
    assert_int_equal(r.index, op.result.index);
    store_heads(fx.st, heads);
    assert_int_equal(heads[STORE_DELIVERY].size, r.head.size);
    assert_int_equal(op.result.n_events, 1);
    assert_true(op.result.events[0].leaf_proof.len > 0);
    store_op_clear(&op);
    fx_packet_clear(&p);
}

static void
a_retry_gets_the_same_receipt_byte_for_byte(void **state)
{
    struct fx_packet p, other;
    struct store_op first, again;

    (void)state;
    fx_packet_init(&fx, &p, 1, 24);
    fx_packet_op(&p, &first);
    fx_want(&fx, &first, STORE_OK);
    fx_packet_init(&fx, &other, 2, 24);
    fx_store(&fx, &other);
    fx_reopen(&fx);
    fx_packet_op(&p, &again);
    fx_want(&fx, &again, STORE_OK);
    assert_true(again.result.repeat);
    assert_int_equal(again.result.n_events, 0);
    assert_int_equal(again.result.proof.len, first.result.proof.len);
    assert_memory_equal(again.result.proof.data, first.result.proof.data,
                        first.result.proof.len);
    assert_int_equal(fx_counts(&fx).packets.stored, 2);
    store_op_clear(&first);
    store_op_clear(&again);
    fx_packet_clear(&p);
    fx_packet_clear(&other);
}

static void
a_retry_in_the_same_batch_is_a_retry(void **state)
{
    struct fx_packet p;
    struct store_op a, b;
    struct store_op *ops[] = {&a, &b};

    (void)state;
    fx_packet_init(&fx, &p, 1, 24);
    fx_packet_op(&p, &a);
    fx_packet_op(&p, &b);
    a.now_ms = b.now_ms = fx.now_ms;
    assert_int_equal(store_apply(fx.st, ops, 2), ERR_OK);
    assert_false(a.result.repeat);
    assert_true(b.result.repeat);
    assert_int_equal(a.result.proof.len, b.result.proof.len);
    assert_memory_equal(a.result.proof.data, b.result.proof.data,
                        a.result.proof.len);
    store_op_clear(&a);
    store_op_clear(&b);
    fx_packet_clear(&p);
}

static void
the_same_name_with_other_bytes_is_a_conflict(void **state)
{
    struct fx_packet p;
    struct store_op op;

    (void)state;
    fx_packet_init(&fx, &p, 1, 24);
    fx_store(&fx, &p);
    fx_packet_encode(&p, 99);
    fx_packet_op(&p, &op);
    fx_want(&fx, &op, STORE_WHY_CONFLICT);
    store_op_clear(&op);
    fx_packet_clear(&p);
}

static void
a_refused_operation_leaves_the_others_alone(void **state)
{
    struct fx_packet good, bad, last;
    struct store_op op[3];
    struct store_op *ops[] = {&op[0], &op[1], &op[2]};
    size_t i;

    (void)state;
    fx_packet_init(&fx, &good, 1, 24);
    fx_packet_init(&fx, &bad, 2, 24);
    fx_packet_init(&fx, &last, 3, 24);
    bad.h.mailbox = fx_mailbox(999);
    fx_packet_encode(&bad, 2);
    fx_packet_op(&good, &op[0]);
    fx_packet_op(&bad, &op[1]);
    fx_packet_op(&last, &op[2]);
    for (i = 0; i < 3; i++)
        op[i].now_ms = fx.now_ms;
    assert_int_equal(store_apply(fx.st, ops, 3), ERR_OK);
    assert_int_equal(op[0].result.why, STORE_OK);
    assert_int_equal(op[1].result.why, STORE_WHY_MAILBOX);
    assert_int_equal(op[2].result.why, STORE_OK);
    assert_int_equal(op[2].result.index, op[0].result.index + 1);
    for (i = 0; i < 3; i++)
        store_op_clear(&op[i]);
    fx_packet_clear(&good);
    fx_packet_clear(&bad);
    fx_packet_clear(&last);
}

static void
want_packet(struct fx_packet *p, enum store_why why)
{
    struct store_op op;

    fx_packet_encode(p, 1);
    fx_packet_op(p, &op);
    fx_want(&fx, &op, why);
    store_op_clear(&op);
}

static void
packets_that_do_not_fit_are_refused_by_name(void **state)
{
    struct store_effect e = {
        .kind = STORE_EFFECT_SUSPENDED, .on = true, .agency = fx_agency(2)};
    struct fx_packet p;
    struct store_op op;

    (void)state;
    fx_packet_init(&fx, &p, 1, 24);
    p.h.slots[0].prekey = fx_prekey(77);
    want_packet(&p, STORE_WHY_SLOT);
    fx_packet_clear(&p);
    fx_packet_init(&fx, &p, 1, 24);
    p.device = fx_device(21); /* of another agency */
    want_packet(&p, STORE_WHY_SENDER);
    p.device = fx_device(11);
    p.h.not_after = fx.now_ms / 1000 / 3600 * 3600 - 3600;
    want_packet(&p, STORE_WHY_EXPIRY);
    p.h.not_after += 30 * 24 * 3600 + 3600;
    want_packet(&p, STORE_WHY_OK);
    p.h.packet = fx_packet_id(2);
    p.h.not_after += 24 * 3600;
    want_packet(&p, STORE_WHY_EXPIRY);
    fx_packet_op(&p, &op);
    op.packet.body.len--;
    fx_want(&fx, &op, STORE_WHY_MALFORMED);
    p.hdr.data[55]++; /* body_len, no padded size any more */
    fx_packet_op(&p, &op);
    fx_want(&fx, &op, STORE_WHY_SIZE);
    fx_statement(&fx, "suspend", &e, 1);
    p.h.not_after -= 24 * 3600;
    want_packet(&p, STORE_WHY_SUSPENDED);
    e.agency = fx_agency(1);
    fx_statement(&fx, "suspend", &e, 1);
    want_packet(&p, STORE_WHY_SENDER);
    fx_packet_clear(&p);
}

static void
quota_counts_packets_and_bytes_and_own_copies_apart(void **state)
{
    struct fx_packet p[3], own;
    struct store_op op;
    unsigned i;

    (void)state;
    fx.config.pending_packets_max = 2;
    fx_reopen(&fx);
    for (i = 0; i < 3; i++) {
        fx_packet_init(&fx, &p[i], i, 24);
        want_packet(&p[i], i < 2 ? STORE_OK : STORE_WHY_QUOTA);
    }
    fx_packet_init(&fx, &own, 9, 24);
    own.h.mailbox = fx_mailbox(101);
    own.h.n_slots = 1;
    own.h.slots[0].device = fx_device(12);
    own.h.slots[0].prekey = fx_prekey(12);
    want_packet(&own, STORE_OK);
    assert_int_equal(fx_counts(&fx).packets.pending, 2);
    assert_int_equal(fx_counts(&fx).own_copies.pending, 1);
    fx_withdraw(&fx, &p[0], STORE_OK);
    want_packet(&p[2], STORE_OK);
    memset(&op, 0, sizeof(op));
    op.kind = STORE_OP_QUOTA_REFUSED;
    op.quota_refused.agency = fx_agency(1);
    fx_want(&fx, &op, STORE_OK);
    fx_want(&fx, &op, STORE_OK);
    assert_int_equal(fx_sweep(&fx, EVENT_QUOTA_REFUSED), 0);
    fx.now_ms += HOUR_MS;
    assert_int_equal(fx_sweep(&fx, EVENT_QUOTA_REFUSED), 1);
    for (i = 0; i < 3; i++)
        fx_packet_clear(&p[i]);
    fx_packet_clear(&own);
}

/* ---- delivering ---- */

static void
each_device_gets_its_own_wrap_in_order(void **state)
{
    struct fx_packet p[2];
    struct store_delivery d;
    uint64_t after = 0;
    unsigned i;

    (void)state;
    for (i = 0; i < 2; i++) {
        fx_packet_init(&fx, &p[i], i, 24);
        fx_store(&fx, &p[i]);
    }
    for (i = 0; i < 2; i++) {
        struct device_id id = fx_device(22);
        int slot = header_slot_of(&p[i].h, &id);

        assert_int_equal(next_packet(22, after, &d), ERR_OK);
        assert_int_equal(d.slot, slot);
        assert_memory_equal(d.digest.b, p[i].digest.b, 32);
        assert_memory_equal(d.wrap.data, p[i].wraps.data + slot * WRAP_LEN,
                            WRAP_LEN);
        assert_int_equal(d.body.len, p[i].body.len);
        assert_memory_equal(d.body.data, p[i].body.data, d.body.len);
        assert_int_equal(d.wrap_hashes.len, 64);
        assert_true(d.stored_proof.len > 0);
        after = d.cursor;
        store_delivery_clear(&d);
    }
    assert_int_equal(next_packet(22, after, &d), ERR_NOTFOUND);
    assert_int_equal(next_packet(23, 0, &d), ERR_NOTFOUND); /* no slot */
    fx.now_ms += 25 * (uint64_t)HOUR_MS;
    assert_int_equal(next_packet(22, 0, &d), ERR_NOTFOUND); /* too late */
    fx_packet_clear(&p[0]);
    fx_packet_clear(&p[1]);
}

static void
the_first_receipt_hands_over_and_the_last_frees_the_body(void **state)
{
    struct fx_packet p;

    (void)state;
    fx_packet_init(&fx, &p, 1, 24);
    fx_store(&fx, &p);
    assert_int_equal(fx_receipt(&fx, &p, 21, OUTCOME_OPENED, STORE_OK),
                     EVENT_HANDED_OVER);
    assert_false(is_waiting(21));
    assert_true(is_waiting(22));
    assert_int_equal(fx_receipt(&fx, &p, 22, OUTCOME_OPENED, STORE_OK),
                     EVENT_DEVICE_RECEIPT);
    assert_false(is_waiting(22));
    assert_int_equal(fx_counts(&fx).packets.handed_over, 1);
    assert_int_equal(fx_counts(&fx).packets.pending_bytes, 0);
    fx_packet_clear(&p);
}

static void
a_repeated_receipt_gets_the_same_answer(void **state)
{
    struct fx_packet p;
    struct store_op a = {.kind = STORE_OP_RECEIPT};
    struct store_op b = {.kind = STORE_OP_RECEIPT};
    uint8_t rcpt[RCPT_LEN];

    (void)state;
    fx_packet_init(&fx, &p, 1, 24);
    fx_store(&fx, &p);
    fx_rcpt(&p, 21, OUTCOME_OPENED, rcpt);
    a.receipt.rcpt = b.receipt.rcpt = (struct span){rcpt, sizeof(rcpt)};
    fx_want(&fx, &a, STORE_OK);
    fx_receipt(&fx, &p, 22, OUTCOME_OPENED, STORE_OK);
    fx_want(&fx, &b, STORE_OK);
    assert_true(b.result.repeat);
    assert_int_equal(a.result.index, b.result.index);
    assert_int_equal(a.result.proof.len, b.result.proof.len);
    assert_memory_equal(a.result.proof.data, b.result.proof.data,
                        a.result.proof.len);
    /* Another story from the same device. */
    fx_receipt(&fx, &p, 21, OUTCOME_GONE, STORE_WHY_CONFLICT);
    store_op_clear(&a);
    store_op_clear(&b);
    fx_packet_clear(&p);
}

static void
failures_refuse_only_when_nobody_is_left(void **state)
{
    struct fx_packet p;

    (void)state;
    fx_packet_init(&fx, &p, 1, 24);
    fx_store(&fx, &p);
    assert_int_equal(fx_receipt(&fx, &p, 21, OUTCOME_CANNOT_OPEN, STORE_OK),
                     EVENT_DEVICE_REFUSED);
    assert_int_equal(fx_receipt(&fx, &p, 22, OUTCOME_GONE, STORE_OK),
                     EVENT_REFUSED);
    assert_int_equal(fx_counts(&fx).packets.refused, 1);
    assert_int_equal(fx_receipt(&fx, &p, 21, OUTCOME_OPENED, STORE_OK),
                     EVENT_LATE_RECEIPT);
    fx_packet_clear(&p);
}

static void
a_receipt_that_does_not_fit_is_no_evidence(void **state)
{
    struct fx_packet p;
    uint64_t index;

    (void)state;
    fx_packet_init(&fx, &p, 1, 24);
    fx_receipt(&fx, &p, 21, OUTCOME_OPENED, STORE_WHY_NOTFOUND);
    fx_store(&fx, &p);
    fx_receipt(&fx, &p, 23, OUTCOME_OPENED, STORE_WHY_EVIDENCE);
    index = p.index++;
    fx_receipt(&fx, &p, 21, OUTCOME_OPENED, STORE_WHY_EVIDENCE);
    p.index = index;
    p.digest.b[0] ^= 1;
    fx_receipt(&fx, &p, 21, OUTCOME_OPENED, STORE_WHY_EVIDENCE);
    fx_packet_clear(&p);
}

static void
a_withdrawal_ends_a_pending_packet_only(void **state)
{
    struct fx_packet p, q;

    (void)state;
    fx_packet_init(&fx, &p, 1, 24);
    fx_packet_init(&fx, &q, 2, 24);
    fx_store(&fx, &p);
    fx_store(&fx, &q);
    assert_int_equal(fx_withdraw(&fx, &p, STORE_OK), EVENT_WITHDRAWN);
    assert_int_equal(fx_withdraw(&fx, &p, STORE_OK), 0); /* a repeat */
    fx_receipt(&fx, &q, 21, OUTCOME_OPENED, STORE_OK);
    fx_withdraw(&fx, &q, STORE_WHY_FINAL);
    assert_int_equal(fx_receipt(&fx, &p, 22, OUTCOME_OPENED, STORE_OK),
                     EVENT_LATE_RECEIPT);
    assert_false(is_waiting(21));
    fx_packet_clear(&p);
    fx_packet_clear(&q);
}

/* Who receives a packet can store it again as its own. */
static void
the_same_bytes_by_another_sender_are_another_packet(void **state)
{
    struct fx_packet p, q;

    (void)state;
    fx_packet_init(&fx, &p, 1, 24);
    fx_packet_init(&fx, &q, 1, 24);
    q.sender = fx_agency(2);
    q.device = fx_device(21);
    fx_store(&fx, &p);
    fx_store(&fx, &q);
    assert_memory_equal(p.digest.b, q.digest.b, sizeof(p.digest.b));
    assert_int_equal(fx_receipt(&fx, &p, 21, OUTCOME_OPENED, STORE_OK),
                     EVENT_HANDED_OVER);
    assert_int_equal(fx_receipt(&fx, &q, 21, OUTCOME_OPENED, STORE_OK),
                     EVENT_HANDED_OVER);
    fx_packet_clear(&p);
    fx_packet_clear(&q);
    fx_packet_init(&fx, &p, 2, 24);
    fx_packet_init(&fx, &q, 2, 24);
    q.sender = fx_agency(2);
    q.device = fx_device(21);
    fx_store(&fx, &p);
    fx_store(&fx, &q);
    assert_int_equal(fx_withdraw(&fx, &p, STORE_OK), EVENT_WITHDRAWN);
    assert_int_equal(fx_withdraw(&fx, &q, STORE_OK), EVENT_WITHDRAWN);
    fx_packet_clear(&p);
    fx_packet_clear(&q);
}

/* ---- time ---- */

static void
what_nobody_collects_warns_then_expires(void **state)
{
    struct fx_packet p, resent;
    struct store_op seen = {.kind = STORE_OP_SEEN};
    struct store_op op;

    (void)state;
    fx_packet_init(&fx, &p, 1, 24);
    fx_store(&fx, &p);
    assert_int_equal(fx_sweep(&fx, EVENT_WARNED), 0);
    fx.now_ms += 12 * (uint64_t)HOUR_MS;
    assert_int_equal(fx_sweep(&fx, EVENT_WARNED), 1);
    assert_int_equal(fx_sweep(&fx, EVENT_WARNED), 0);
    seen.seen.device = fx_device(21);
    seen.seen.cursor = p.index + 1;
    fx_want(&fx, &seen, STORE_OK);
    fx.now_ms = (p.h.not_after + EVENT_SWEEP_S) * 1000 - 1;
    assert_int_equal(fx_sweep(&fx, EVENT_EXPIRED), 0);
    fx.now_ms += 1;
    assert_int_equal(fx_sweep(&fx, EVENT_EXPIRED), 1);
    assert_int_equal(fx_counts(&fx).packets.expired, 1);
    assert_int_equal(fx_receipt(&fx, &p, 21, OUTCOME_OPENED, STORE_OK),
                     EVENT_LATE_RECEIPT);
    /* The same once more, to be tried again. */
    fx_packet_init(&fx, &resent, 2, 24);
    fx_packet_op(&resent, &op);
    op.packet.has_resend_of = true;
    op.packet.resend_of = p.h.packet;
    fx_want(&fx, &op, STORE_OK);
    assert_int_equal(op.result.n_events, 2);
    store_op_clear(&op);
    fx_packet_clear(&p);
    fx_packet_clear(&resent);
}

struct seen_events {
    unsigned n;
    struct event last;
    size_t evidence_len;
};

static enum err
on_event(void *arg, const struct store_event_row *row)
{
    struct seen_events *s = arg;

    s->n++;
    s->evidence_len = row->evidence.len;
    return opening_decode(row->opening, OPENING_LEN, &s->last);
}

static void
revocation_takes_slots_and_ends_what_nobody_can_open(void **state)
{
    struct store_effect e = {.kind = STORE_EFFECT_DEVICE_ENDED,
                             .device = fx_device(21)};
    struct agency_id a = fx_agency(1);
    struct seen_events seen = {0};
    struct fx_packet p;
    uint64_t next;

    (void)state;
    fx_packet_init(&fx, &p, 1, 24);
    fx_store(&fx, &p);
    fx_statement(&fx, "revoke 21", &e, 1);
    assert_false(is_waiting(21));
    assert_true(is_waiting(22));
    assert_int_equal(fx_counts(&fx).packets.pending, 1);
    e.device = fx_device(22);
    fx_statement(&fx, "revoke 22", &e, 1);
    assert_int_equal(fx_counts(&fx).packets.refused, 1);
    assert_int_equal(store_events(fx.rd, &a, 0, 100, on_event, &seen, &next),
                     ERR_OK);
    assert_int_equal(seen.n, 2);
    assert_int_equal(seen.last.type, EVENT_REFUSED);
    assert_int_equal(seen.last.reason, REASON_NO_LIVE_DEVICE);
    assert_int_equal(seen.evidence_len, strlen("revoke 22"));
    fx_packet_clear(&p);
}

static void
who_leaves_the_mailbox_gets_nothing_more(void **state)
{
    struct device_id left[] = {fx_device(22)};
    struct store_effect e = {.kind = STORE_EFFECT_MAILBOX,
                             .on = true,
                             .agency = fx_agency(2),
                             .mailbox = fx_mailbox(102),
                             .members = left,
                             .n_members = 1};
    struct fx_packet p;

    (void)state;
    fx_packet_init(&fx, &p, 1, 24);
    fx_store(&fx, &p);
    fx_statement(&fx, "smaller mailbox", &e, 1);
    assert_false(is_waiting(21));
    assert_true(is_waiting(22));
    p.h.packet = fx_packet_id(2);
    want_packet(&p, STORE_WHY_SLOT);
    e.on = false;
    fx_statement(&fx, "closed mailbox", &e, 1);
    want_packet(&p, STORE_WHY_MAILBOX);
    fx_packet_clear(&p);
}

static void
a_device_that_runs_out_ends_its_packets_too(void **state)
{
    struct store_effect e = {.kind = STORE_EFFECT_DEVICE,
                             .agency = fx_agency(2),
                             .time_s = fx.now_ms / 1000 + 3600};
    struct fx_packet p;

    (void)state;
    e.device = fx_device(21);
    fx_statement(&fx, "device 21 for an hour", &e, 1);
    e.device = fx_device(22);
    fx_statement(&fx, "device 22 for an hour", &e, 1);
    fx_packet_init(&fx, &p, 1, 24);
    fx_store(&fx, &p);
    fx.now_ms += HOUR_MS;
    assert_int_equal(fx_sweep(&fx, EVENT_REFUSED), 1);
    fx_packet_clear(&p);
}

static void
after_the_retention_openings_are_erased_and_named(void **state)
{
    struct fx_packet p;
    struct buf out = {0};
    struct store_op op;
    struct agency_id a = fx_agency(1);
    struct seen_events seen = {0};
    uint64_t index = 99, next = 0, size;
    struct head head;

    (void)state;
    fx_packet_init(&fx, &p, 1, 24);
    fx_store(&fx, &p);
    fx_receipt(&fx, &p, 21, OUTCOME_OPENED, STORE_OK);
    assert_int_equal(store_stored_receipt(fx.rd, &a, &p.h.packet, &out, &index),
                     ERR_OK);
    assert_int_equal(index, p.index);
    assert_int_equal(store_head(fx.rd, STORE_DELIVERY, &head), ERR_OK);
    size = head.size;
    fx.now_ms += (STORE_RETENTION_DAYS + 1) * UINT64_C(24) * HOUR_MS;
    fx_sweep(&fx, 0);
    assert_int_equal(store_stored_receipt(fx.rd, &a, &p.h.packet, &out, &index),
                     ERR_EXPIRED);
    assert_int_equal(store_events(fx.rd, &a, 0, 100, on_event, &seen, &next),
                     ERR_OK);
    assert_int_equal(seen.n, 0);
    assert_int_equal(store_head(fx.rd, STORE_DELIVERY, &head), ERR_OK);
    assert_int_equal(head.size, size + 2); /* an erased entry for each */
    fx_packet_op(&p, &op);
    fx_want(&fx, &op, STORE_WHY_ERASED);
    fx_receipt(&fx, &p, 22, OUTCOME_OPENED, STORE_WHY_ERASED);
    buf_clear(&out);
    fx_packet_clear(&p);
}

/* ---- directory, joins, reads ---- */

static void
a_statement_for_an_older_directory_is_stale(void **state)
{
    struct store_op op = {.kind = STORE_OP_STATEMENT};

    (void)state;
    op.statement.stmt = (struct span){"x", 1};
    op.statement.index = fx.dir_size - 1;
    fx_want(&fx, &op, STORE_WHY_STALE);
    op.statement.index = fx.dir_size + 1;
    fx_want(&fx, &op, STORE_WHY_STALE);
    store_op_clear(&op);
}

static enum err
count_bytes(void *arg, uint64_t index, struct span bytes)
{
    (void)index;
    (void)bytes;
    ++*(unsigned *)arg;
    return ERR_OK;
}

static void
the_newest_eight_prekeys_of_a_device_are_kept(void **state)
{
    struct store_prekey keys[10] = {0};
    struct store_op op = {.kind = STORE_OP_PREKEYS};
    struct mailbox_id mailbox = fx_mailbox(102);
    uint64_t now_s = fx.now_ms / 1000;
    unsigned n = 0;
    unsigned i;

    (void)state;
    for (i = 0; i < 10; i++) {
        keys[i].stmt = (struct span){"prekey", 6};
        keys[i].id = fx_prekey(1000 + i);
        keys[i].not_before_s = now_s + i;
        keys[i].not_after_s = now_s + 1000 + i;
    }
    op.prekeys.device = fx_device(21);
    op.prekeys.prekeys = keys;
    op.prekeys.n = 10;
    fx_want(&fx, &op, STORE_OK);
    assert_int_equal(store_prekeys(fx.rd, &mailbox, now_s, count_bytes, &n),
                     ERR_OK);
    assert_int_equal(n, STORE_PREKEYS_MAX + 2); /* one each of 22 and 23 */
    op.prekeys.device = fx_device(999);
    fx_want(&fx, &op, STORE_WHY_SENDER);
    store_op_clear(&op);
}

static enum err
take_state(void *arg, const struct store_join *join)
{
    *(enum store_join_state *)arg = join->state;
    return ERR_OK;
}

static enum store_join_state
join_state(unsigned char code)
{
    struct hash h = {{code}};
    enum store_join_state s = STORE_JOIN_UNKNOWN;

    assert_int_equal(store_join_by_code(fx.rd, &h, take_state, &s), ERR_OK);
    return s;
}

static void
invite(unsigned char code)
{
    struct store_op op = {.kind = STORE_OP_INVITE};

    op.invite.code_hash.b[0] = code;
    op.invite.expiry_s = fx.now_ms / 1000 + 3600;
    fx_want(&fx, &op, STORE_OK);
}

static void
join(unsigned char code, const char *request, enum store_why why)
{
    struct store_op op = {.kind = STORE_OP_JOIN};

    op.join.code_hash.b[0] = code;
    op.join.agency = fx_agency(50u + code);
    op.join.request = (struct span){request, strlen(request)};
    fx_want(&fx, &op, why);
}

static void
an_invitation_serves_one_request(void **state)
{
    struct store_effect e = {.kind = STORE_EFFECT_AGENCY,
                             .agency = fx_agency(51)};
    struct store_op op = {.kind = STORE_OP_JOIN_REFUSE};

    (void)state;
    join(1, "request", STORE_WHY_INVITE);
    invite(1);
    invite(1);
    invite(2);
    join(1, "request", STORE_OK);
    join(1, "request", STORE_OK); /* a retry */
    join(1, "another", STORE_WHY_INVITE);
    assert_int_equal(join_state(1), STORE_JOIN_WAITING);
    fx_statement(&fx, "admit 51", &e, 1);
    assert_int_equal(join_state(1), STORE_JOIN_ADMITTED);
    op.join_refuse.code_hash.b[0] = 1;
    op.join_refuse.reason = (struct span){"no", 2};
    fx_want(&fx, &op, STORE_WHY_FINAL);
    op.join_refuse.code_hash.b[0] = 2;
    fx_want(&fx, &op, STORE_WHY_NOTFOUND);
    join(2, "request", STORE_OK);
    fx_want(&fx, &op, STORE_OK);
    assert_int_equal(join_state(2), STORE_JOIN_REFUSED);
    invite(3);
    fx.now_ms += HOUR_MS;
    join(3, "request", STORE_WHY_INVITE);
}

static void
an_auditor_sees_its_scope_and_is_seen(void **state)
{
    struct agency_id two = fx_agency(2), nobody = fx_agency(9);
    struct store_scope scope = {&two, 1, 0, UINT64_MAX};
    struct store_op op = {.kind = STORE_OP_EVENT};
    struct seen_events seen = {0};
    struct fx_packet p;

    (void)state;
    fx_packet_init(&fx, &p, 1, 24);
    fx_store(&fx, &p);
    assert_int_equal(store_audit(fx.rd, &scope, 0, 100, on_event, &seen),
                     ERR_OK);
    assert_int_equal(seen.n, 1);
    scope.agencies = &nobody;
    assert_int_equal(store_audit(fx.rd, &scope, 0, 100, on_event, &seen),
                     ERR_OK);
    assert_int_equal(seen.n, 1);
    op.event.type = EVENT_AUDITOR_READ;
    op.event.agency = nobody;
    fx_want(&fx, &op, STORE_OK);
    assert_int_equal(store_audit(fx.rd, &scope, 0, 100, on_event, &seen),
                     ERR_OK);
    assert_int_equal(seen.n, 2);
    op.event.type = EVENT_STORED;
    fx_want(&fx, &op, STORE_WHY_MALFORMED);
    store_op_clear(&op);
    fx_packet_clear(&p);
}

static void
tiles_leaves_and_proofs_agree(void **state)
{
    struct buf tile = {0}, bundle = {0}, proof = {0};
    struct hash path[MERKLE_PATH_MAX];
    struct head old, head;
    struct fx_packet p;
    unsigned leaves = 0, i;
    size_t n;

    (void)state;
    assert_int_equal(store_head(fx.rd, STORE_DELIVERY, &old), ERR_OK);
    for (i = 0; i < 5; i++) {
        fx_packet_init(&fx, &p, i, 24);
        fx_store(&fx, &p);
        fx_packet_clear(&p);
    }
    assert_int_equal(store_head(fx.rd, STORE_DELIVERY, &head), ERR_OK);
    assert_int_equal(head.size, old.size + 5);
    assert_int_equal(store_consistency(fx.rd, STORE_DELIVERY, 3, 5, path, &n),
                     ERR_OK);
    assert_int_equal(store_consistency(fx.rd, STORE_DELIVERY, 3, 6, path, &n),
                     ERR_STATE);
    assert_int_equal(store_tile(fx.rd, STORE_DELIVERY, "tile/0/000.p/5", &tile),
                     ERR_OK);
    assert_int_equal(tile.len, 5 * 32);
    assert_int_equal(
        store_tile(fx.rd, STORE_DELIVERY, "tile/entries/000.p/5", &bundle),
        ERR_OK);
    assert_int_equal(bundle.len, 5 * (2 + SEALED_ENTRY_LEN));
    assert_int_equal(store_tile(fx.rd, STORE_DELIVERY, "tile/0/000.p/6", &tile),
                     ERR_NOTFOUND);
    assert_int_equal(store_tile(fx.rd, STORE_DELIVERY, "tile/0/00", &tile),
                     ERR_MALFORMED);
    assert_int_equal(
        store_leaves(fx.rd, STORE_DELIVERY, 2, 100, count_bytes, &leaves),
        ERR_OK);
    assert_int_equal(leaves, 3);
    assert_int_equal(store_leaf_proof(fx.rd, STORE_DIRECTORY, 0, &proof),
                     ERR_OK);
    assert_int_equal(store_leaf_proof(fx.rd, STORE_DIRECTORY, 999, &proof),
                     ERR_NOTFOUND);
    assert_int_equal(
        store_leaf_proof(fx.rd, STORE_DIRECTORY, UINT64_MAX, &proof),
        ERR_NOTFOUND);
    buf_clear(&tile);
    buf_clear(&bundle);
    buf_clear(&proof);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_packet_is_stored_with_a_receipt_that_verifies),
        CASE(a_retry_gets_the_same_receipt_byte_for_byte),
        CASE(a_retry_in_the_same_batch_is_a_retry),
        CASE(the_same_name_with_other_bytes_is_a_conflict),
        CASE(a_refused_operation_leaves_the_others_alone),
        CASE(packets_that_do_not_fit_are_refused_by_name),
        CASE(quota_counts_packets_and_bytes_and_own_copies_apart),
        CASE(each_device_gets_its_own_wrap_in_order),
        CASE(the_first_receipt_hands_over_and_the_last_frees_the_body),
        CASE(a_repeated_receipt_gets_the_same_answer),
        CASE(failures_refuse_only_when_nobody_is_left),
        CASE(a_receipt_that_does_not_fit_is_no_evidence),
        CASE(a_withdrawal_ends_a_pending_packet_only),
        CASE(the_same_bytes_by_another_sender_are_another_packet),
        CASE(what_nobody_collects_warns_then_expires),
        CASE(revocation_takes_slots_and_ends_what_nobody_can_open),
        CASE(who_leaves_the_mailbox_gets_nothing_more),
        CASE(a_device_that_runs_out_ends_its_packets_too),
        CASE(after_the_retention_openings_are_erased_and_named),
        CASE(a_statement_for_an_older_directory_is_stale),
        CASE(the_newest_eight_prekeys_of_a_device_are_kept),
        CASE(an_invitation_serves_one_request),
        CASE(an_auditor_sees_its_scope_and_is_seen),
        CASE(tiles_leaves_and_proofs_agree),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
