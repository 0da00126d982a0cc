/*
 * Random histories with fixed seeds: whatever happens in whatever order, what
 * the store counts, what its events say and what it kept agree.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proto/balance.h"
#include "tests/lib/sequence_model.h"
#include "tests/lib/store_fixture.h"

enum { PACKETS = 40, STEPS = 250, HOUR_MS = 3600 * 1000, STORY_MAX = 64 };

/* The types of one packet's events, in the order of the log. */
struct story {
    uint8_t types[STORY_MAX];
    size_t n;
};

struct world {
    struct fixture fx;
    struct fx_packet packet[PACKETS];
    bool is_stored[PACKETS];
    struct buf proof[PACKETS]; /* the first receipt */
    unsigned n;
    unsigned again[PACKETS]; /* sent in place of packet AGAIN - 1 */
    struct story story[PACKETS];
    struct balance *balance;
    uint64_t random;
};

/* xorshift64: the same history for the same seed, everywhere. */
static unsigned
roll(struct world *w, unsigned sides)
{
    w->random ^= w->random << 13;
    w->random ^= w->random >> 7;
    w->random ^= w->random << 17;
    return (unsigned)(w->random >> 33) % sides;
}

static void
send(struct world *w, unsigned i)
{
    struct fx_packet *p = &w->packet[i];
    struct store_op op;

    fx_packet_op(p, &op);
    if (w->again[i] > 0) {
        op.packet.has_resend_of = true;
        op.packet.resend_of = w->packet[w->again[i] - 1].h.packet;
    }
    assert_int_equal(fx_apply(&w->fx, &op), ERR_OK);
    assert_int_equal(op.result.repeat, w->is_stored[i]);
    if (op.result.why == STORE_OK && !w->is_stored[i]) {
        p->index = op.result.index;
        w->is_stored[i] = true;
        buf_put(&w->proof[i], op.result.proof.data, op.result.proof.len);
    }
    if (w->is_stored[i]) {
        assert_int_equal(op.result.why, STORE_OK);
        assert_int_equal(op.result.proof.len, w->proof[i].len);
        assert_memory_equal(op.result.proof.data, w->proof[i].data,
                            w->proof[i].len);
    }
    store_op_clear(&op);
}

static void
send_new(struct world *w)
{
    struct fx_packet *p = &w->packet[w->n];

    if (w->n == PACKETS)
        return;
    fx_packet_init(&w->fx, p, w->n, 1 + roll(w, 48));
    if (roll(w, 5) == 0) { /* an own copy */
        p->h.mailbox = fx_mailbox(101);
        p->h.n_slots = 1;
        p->h.slots[0].device = fx_device(12);
        p->h.slots[0].prekey = fx_prekey(12);
        fx_packet_encode(p, w->n);
    }
    if (w->n > 0 && roll(w, 3) == 0)
        w->again[w->n] = 1 + roll(w, w->n);
    send(w, w->n++);
}

static void
send_again(struct world *w)
{
    if (w->n > 0)
        send(w, roll(w, w->n));
}

static void
receipt(struct world *w)
{
    static const unsigned devices[] = {21, 22, 23, 12};
    struct store_op op = {.kind = STORE_OP_RECEIPT};
    uint8_t rcpt[RCPT_LEN];

    if (w->n == 0)
        return;
    fx_rcpt(&w->packet[roll(w, w->n)], devices[roll(w, 4)],
            (enum rcpt_outcome)(1 + roll(w, 4)), rcpt);
    op.receipt.rcpt = (struct span){rcpt, sizeof(rcpt)};
    assert_int_equal(fx_apply(&w->fx, &op), ERR_OK);
    store_op_clear(&op);
}

static void
withdraw(struct world *w)
{
    struct store_op op = {.kind = STORE_OP_WITHDRAW};
    uint8_t wdrw[WDRW_LEN];

    if (w->n == 0)
        return;
    fx_wdrw(&w->packet[roll(w, w->n)], wdrw);
    op.withdraw.wdrw = (struct span){wdrw, sizeof(wdrw)};
    assert_int_equal(fx_apply(&w->fx, &op), ERR_OK);
    store_op_clear(&op);
}

static void
seen(struct world *w)
{
    struct store_op op = {.kind = STORE_OP_SEEN};

    op.seen.device = fx_device(21);
    op.seen.cursor = 1 + roll(w, 60);
    assert_int_equal(fx_apply(&w->fx, &op), ERR_OK);
    store_op_clear(&op);
}

static void
pass_time(struct world *w)
{
    w->fx.now_ms += roll(w, 4 * HOUR_MS);
    fx_sweep(&w->fx, 0);
}

static void
lose_device(struct world *w)
{
    struct store_effect e = {.kind = STORE_EFFECT_DEVICE_ENDED};

    if (roll(w, 12) != 0)
        return;
    e.device = fx_device(21 + roll(w, 3));
    fx_statement(&w->fx, "lost", &e, 1);
}

static void
restart(struct world *w)
{
    if (roll(w, 6) == 0)
        fx_reopen(&w->fx);
}

/* ---- what must hold in the end ---- */

static void
add_to_story(struct world *w, const struct event *ev)
{
    struct story *s = NULL;

    for (unsigned i = 0; i < w->n && s == NULL; i++)
        if (id_eq(&w->packet[i].h.packet, &ev->packet))
            s = &w->story[i];
    if (s == NULL) {
        assert_false(event_info(ev->type)->is_packet);
        return;
    }
    assert_true(s->n < STORY_MAX);
    s->types[s->n++] = ev->type;
}

static enum err
fold(void *arg, const struct store_event_row *row)
{
    struct world *w = arg;
    struct event ev;

    assert_int_equal(opening_decode(row->opening, OPENING_LEN, &ev), ERR_OK);
    if (ev.evidence.b[0] != 0 || row->evidence.len > 0) {
        struct hash h;

        evidence_hash(&h, row->evidence.p, row->evidence.len);
        assert_memory_equal(h.b, ev.evidence.b, 32);
    }
    add_to_story(w, &ev);
    return balance_event(w->balance, row->index, &ev);
}

/* Whatever was asked of the store, only legal stories are in its log. */
static unsigned
stories_are_legal(const struct world *w)
{
    unsigned readdressed = 0;

    for (unsigned i = 0; i < w->n; i++) {
        const struct story *s = &w->story[i];

        assert_int_equal(s->n > 0, w->is_stored[i]);
        assert_true(model_is_legal(s->types, s->n, NULL));
        for (size_t k = 0; k < s->n; k++)
            readdressed += s->types[k] == EVENT_READDRESSED;
    }
    return readdressed;
}

static bool
is_own(void *arg, const struct mailbox_id *to, const struct agency_id *sender)
{
    struct mailbox_id ours = fx_mailbox(101);

    (void)arg;
    (void)sender;
    return id_eq(to, &ours);
}

static void
same(const struct tally *a, const struct store_tally *b)
{
    assert_int_equal(a->stored, b->stored);
    assert_int_equal(a->handed_over, b->handed_over);
    assert_int_equal(a->refused, b->refused);
    assert_int_equal(a->withdrawn, b->withdrawn);
    assert_int_equal(a->expired, b->expired);
    assert_int_equal(a->pending, b->pending);
}

static void
events_and_counts_agree(struct world *w)
{
    const struct store_scope all = {.to_ms = INT64_MAX};
    struct balance_options options = {
        .erasable_end = UINT64_MAX, .grace_s = 5 * 3600, .is_own = is_own};
    struct balance *b = balance_new(&options);
    struct agency_id a = fx_agency(1);
    struct balance_counts told;
    struct store_counts kept = fx_counts(&w->fx);
    unsigned kind;

    assert_non_null(b);
    w->balance = b;
    assert_int_equal(store_audit(w->fx.rd, &all, 0, 1 << 20, fold, w), ERR_OK);
    balance_finish(b, w->fx.now_ms);
    for (kind = 0; kind < FINDING_KINDS; kind++)
        assert_int_equal(balance_findings(b, (enum finding_kind)kind), 0);
    told = balance_of_sender(b, &a);
    same(&told.packets, &kept.packets);
    same(&told.own_copies, &kept.own_copies);
    assert_true(kept.packets.stored > 0);
    balance_free(b);
}

/* Gives how many packets were sent in place of another. */
static unsigned
live(uint64_t seed)
{
    static void (*const steps[])(struct world *) = {
        send_new, send_new, send_again, receipt,     receipt, receipt,
        withdraw, seen,     pass_time,  lose_device, restart,
    };
    struct world *w = calloc(1, sizeof(*w));
    unsigned i, readdressed;

    assert_non_null(w);
    w->random = seed;
    fx_open(&w->fx);
    for (i = 0; i < STEPS; i++)
        steps[roll(w, sizeof(steps) / sizeof(steps[0]))](w);
    fx_sweep(&w->fx, 0);
    fx_check(&w->fx);
    events_and_counts_agree(w);
    readdressed = stories_are_legal(w);
    for (i = 0; i < w->n; i++) {
        fx_packet_clear(&w->packet[i]);
        buf_clear(&w->proof[i]);
    }
    fx_close(&w->fx);
    free(w);
    return readdressed;
}

static void
every_history_is_conserved(void **state)
{
    uint64_t seed;
    unsigned readdressed = 0;

    (void)state;
    for (seed = 1; seed <= 6; seed++)
        readdressed += live(seed * UINT64_C(0x9e3779b97f4a7c15));
    assert_true(readdressed > 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_history_is_conserved),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
