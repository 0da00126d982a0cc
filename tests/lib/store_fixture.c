#include "tests/lib/store_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/bytes.h"
#include "proto/pad.h"
#include "tests/lib/scratch.h"

enum { HOUR_S = 3600, DAY_S = 24 * HOUR_S };

static void
spread(uint8_t out[16], const char *kind, unsigned n)
{
    struct span parts[2];
    struct hash h;
    uint8_t number[4];

    put_u32(number, n);
    parts[0] = (struct span){kind, strlen(kind)};
    parts[1] = (struct span){number, sizeof(number)};
    domain_hash(&h, "test/id", parts, 2);
    memcpy(out, h.b, 16);
}

#define FX_ID(name, type)                                                      \
    struct type name(unsigned n)                                               \
    {                                                                          \
        struct type id;                                                        \
                                                                               \
        spread(id.b, #type, n);                                                \
        return id;                                                             \
    }
FX_ID(fx_agency, agency_id)
FX_ID(fx_device, device_id)
FX_ID(fx_mailbox, mailbox_id)
FX_ID(fx_prekey, prekey_id)
FX_ID(fx_packet_id, packet_id)
FX_ID(fx_att, att_id)

static void
on_alarm(void *arg, const char *what)
{
    struct fixture *fx = arg;

    fx->alarms++;
    snprintf(fx->alarm, sizeof(fx->alarm), "%s", what);
}

enum err
fx_try_open(struct fixture *fx, char why[512])
{
    return store_open(&fx->config, &fx->st, why, 512);
}

void
fx_stop(struct fixture *fx)
{
    store_reader_close(fx->rd);
    store_close(fx->st);
    fx->rd = NULL;
    fx->st = NULL;
}

void
fx_reopen(struct fixture *fx)
{
    char why[512];

    fx_stop(fx);
    if (fx_try_open(fx, why) != ERR_OK)
        fail_msg("%s", why);
    assert_int_equal(store_reader_open(fx->st, &fx->rd), ERR_OK);
}

void
fx_config(struct fixture *fx, const char *dir)
{
    static const uint8_t seed[32] = "the test log key";
    struct store_config config = fx->config; /* what the test has set */

    assert_int_equal(crypto_init(), ERR_OK);
    memset(fx, 0, sizeof(*fx));
    fx->config = config;
    sign_keypair_from_seed(&fx->log_key, seed);
    fx->now_ms = UINT64_C(1800000000000);
    fx->config.dir = dir;
    fx->config.log_key = &fx->log_key;
    fx->config.directory_origin = "test.example/directory";
    fx->config.delivery_origin = "test.example/delivery";
    fx->config.alarm = on_alarm;
    fx->config.alarm_arg = fx;
}

void
fx_open_empty(struct fixture *fx)
{
    char *dir = scratch_new();

    fx_config(fx, dir);
    fx->dir = dir;
    fx_reopen(fx);
}

void
fx_open(struct fixture *fx)
{
    fx_open_empty(fx);
    fx_network(fx);
}

void
fx_close(struct fixture *fx)
{
    fx_stop(fx);
    scratch_free(fx->dir);
}

enum err
fx_apply(struct fixture *fx, struct store_op *op)
{
    op->now_ms = fx->now_ms;
    return store_apply(fx->st, &op, 1);
}

void
fx_want(struct fixture *fx, struct store_op *op, enum store_why why)
{
    assert_int_equal(fx_apply(fx, op), ERR_OK);
    if (op->result.why != why)
        fail_msg("\"%s\" instead of \"%s\"", store_why_text(op->result.why),
                 store_why_text(why));
}

void
fx_statement(struct fixture *fx, const char *tag,
             const struct store_effect *effects, size_t n)
{
    struct store_op op = {.kind = STORE_OP_STATEMENT};

    op.statement.stmt = (struct span){tag, strlen(tag)};
    op.statement.index = fx->dir_size;
    op.statement.effects = effects;
    op.statement.n_effects = n;
    fx_want(fx, &op, STORE_OK);
    assert_int_equal(op.result.index, fx->dir_size);
    fx->dir_size++;
    store_op_clear(&op);
}

static void
add_agency(struct fixture *fx, unsigned n)
{
    struct store_effect e = {.kind = STORE_EFFECT_AGENCY,
                             .agency = fx_agency(n)};

    fx_statement(fx, "admit", &e, 1);
}

static void
add_device(struct fixture *fx, unsigned agency, unsigned n)
{
    struct store_effect e = {.kind = STORE_EFFECT_DEVICE,
                             .agency = fx_agency(agency),
                             .device = fx_device(n),
                             .time_s = fx->now_ms / 1000 + 400 * DAY_S};
    struct store_prekey k = {.stmt = {"prekey", 6},
                             .id = fx_prekey(n),
                             .not_before_s = fx->now_ms / 1000,
                             .not_after_s = fx->now_ms / 1000 + 45 * DAY_S};
    struct store_op op = {.kind = STORE_OP_PREKEYS};
    char tag[32];

    snprintf(tag, sizeof(tag), "device %u", n);
    fx_statement(fx, tag, &e, 1);
    op.prekeys.device = e.device;
    op.prekeys.prekeys = &k;
    op.prekeys.n = 1;
    fx_want(fx, &op, STORE_OK);
    store_op_clear(&op);
}

static void
add_mailbox(struct fixture *fx, unsigned agency, unsigned n,
            const struct device_id *members, size_t n_members)
{
    struct store_effect e = {.kind = STORE_EFFECT_MAILBOX,
                             .on = true,
                             .agency = fx_agency(agency),
                             .mailbox = fx_mailbox(n),
                             .members = members,
                             .n_members = n_members};

    fx_statement(fx, "mailbox", &e, 1);
}

void
fx_network(struct fixture *fx)
{
    struct device_id ours[] = {fx_device(11), fx_device(12)};
    struct device_id theirs[] = {fx_device(21), fx_device(22), fx_device(23)};

    add_agency(fx, 1);
    add_agency(fx, 2);
    add_device(fx, 1, 11);
    add_device(fx, 1, 12);
    add_device(fx, 2, 21);
    add_device(fx, 2, 22);
    add_device(fx, 2, 23);
    add_mailbox(fx, 1, 101, ours, 2);
    add_mailbox(fx, 2, 102, theirs, 3);
}

/* ---- packets ---- */

static void
set_slots(struct header *h, unsigned a, unsigned b)
{
    struct device_id x = fx_device(a);
    struct device_id y = fx_device(b);
    bool swap = id_cmp(&x, &y) > 0;

    h->n_slots = 2;
    h->slots[swap].device = x;
    h->slots[swap].prekey = fx_prekey(a);
    h->slots[!swap].device = y;
    h->slots[!swap].prekey = fx_prekey(b);
}

static void
fill(struct buf *b, size_t len, unsigned seed)
{
    size_t i;

    buf_reset(b);
    for (i = 0; i < len; i++)
        buf_u8(b, (uint8_t)(seed * 31 + i * 7 + (i >> 8)));
    assert_int_equal(buf_status(b), ERR_OK);
}

void
fx_packet_encode(struct fx_packet *p, unsigned seed)
{
    buf_reset(&p->hdr);
    assert_int_equal(header_encode(&p->hdr, &p->h), ERR_OK);
    fill(&p->wraps, p->h.n_slots * WRAP_LEN, seed + 1);
    fill(&p->body, (size_t)p->h.body_len, seed);
    packet_digest_of(&p->digest, p->hdr.data, p->hdr.len, p->wraps.data,
                     p->h.n_slots, p->body.data, p->body.len);
}

void
fx_packet_init(struct fixture *fx, struct fx_packet *p, unsigned n,
               unsigned life_h)
{
    memset(p, 0, sizeof(*p));
    p->sender = fx_agency(1);
    p->device = fx_device(11);
    p->h.suite = PACKET_SUITE;
    p->h.packet = fx_packet_id(n);
    p->h.mailbox = fx_mailbox(102);
    p->h.not_after = (fx->now_ms / 1000 / HOUR_S + life_h) * HOUR_S;
    p->h.body_len = body_len_for(100);
    set_slots(&p->h, 21, 22);
    fx_packet_encode(p, n);
}

void
fx_packet_clear(struct fx_packet *p)
{
    buf_clear(&p->hdr);
    buf_clear(&p->wraps);
    buf_clear(&p->body);
}

void
fx_packet_op(const struct fx_packet *p, struct store_op *op)
{
    memset(op, 0, sizeof(*op));
    op->kind = STORE_OP_PACKET;
    op->packet.sender = p->sender;
    op->packet.device = p->device;
    op->packet.hdr = (struct span){p->hdr.data, p->hdr.len};
    op->packet.wraps = (struct span){p->wraps.data, p->wraps.len};
    op->packet.body = (struct span){p->body.data, p->body.len};
}

void
fx_store(struct fixture *fx, struct fx_packet *p)
{
    struct store_op op;

    fx_packet_op(p, &op);
    fx_want(fx, &op, STORE_OK);
    p->index = op.result.index;
    store_op_clear(&op);
}

/* ---- what devices say ---- */

static void
device_key(struct sign_secret *key)
{
    static const uint8_t seed[32] = "any device: nobody verifies here";

    sign_keypair_from_seed(key, seed);
}

void
fx_rcpt(const struct fx_packet *p, unsigned device, enum rcpt_outcome outcome,
        uint8_t out[RCPT_LEN])
{
    struct sign_secret key;
    struct rcpt r = {.outcome = (uint8_t)outcome,
                     .packet = p->h.packet,
                     .pkt_digest = p->digest,
                     .agency = fx_agency(2),
                     .device = fx_device(device),
                     .prekey = fx_prekey(device),
                     .stored_index = p->index};

    if (outcome == OUTCOME_OPENED)
        memset(r.opened.b, 7, sizeof(r.opened.b));
    else
        r.reason = REASON_UNDECRYPTABLE;
    device_key(&key);
    assert_int_equal(rcpt_sign(out, &r, &key), ERR_OK);
}

void
fx_wdrw(const struct fx_packet *p, uint8_t out[WDRW_LEN])
{
    struct sign_secret key;
    struct wdrw w = {.reason = REASON_SENT_IN_ERROR,
                     .packet = p->h.packet,
                     .pkt_digest = p->digest,
                     .sender = p->sender,
                     .device = p->device};

    device_key(&key);
    assert_int_equal(wdrw_sign(out, &w, &key), ERR_OK);
}

static unsigned
type_of(const struct store_op *op)
{
    struct event ev;
    size_t i;

    for (i = 0; i < op->result.n_events; i++)
        if (op->result.events[i].index == op->result.index) {
            assert_int_equal(
                opening_decode(op->result.events[i].opening, OPENING_LEN, &ev),
                ERR_OK);
            return ev.type;
        }
    return 0;
}

unsigned
fx_receipt(struct fixture *fx, const struct fx_packet *p, unsigned device,
           enum rcpt_outcome outcome, enum store_why why)
{
    struct store_op op = {.kind = STORE_OP_RECEIPT};
    uint8_t rcpt[RCPT_LEN];
    unsigned type;

    fx_rcpt(p, device, outcome, rcpt);
    op.receipt.rcpt = (struct span){rcpt, sizeof(rcpt)};
    fx_want(fx, &op, why);
    type = type_of(&op);
    store_op_clear(&op);
    return type;
}

unsigned
fx_withdraw(struct fixture *fx, const struct fx_packet *p, enum store_why why)
{
    struct store_op op = {.kind = STORE_OP_WITHDRAW};
    uint8_t wdrw[WDRW_LEN];
    unsigned type;

    fx_wdrw(p, wdrw);
    op.withdraw.wdrw = (struct span){wdrw, sizeof(wdrw)};
    fx_want(fx, &op, why);
    type = type_of(&op);
    store_op_clear(&op);
    return type;
}

unsigned
fx_sweep(struct fixture *fx, unsigned type)
{
    unsigned count = 0;
    bool more = true;

    while (more) {
        struct store_op op = {.kind = STORE_OP_SWEEP};
        size_t i;

        op.sweep.max = 2; /* many portions */
        fx_want(fx, &op, STORE_OK);
        for (i = 0; i < op.result.n_events; i++) {
            struct event ev;

            assert_int_equal(
                opening_decode(op.result.events[i].opening, OPENING_LEN, &ev),
                ERR_OK);
            count += ev.type == type;
        }
        more = op.result.more;
        store_op_clear(&op);
    }
    return count;
}

struct store_counts
fx_counts(struct fixture *fx)
{
    struct agency_id a = fx_agency(1);
    struct store_counts c;

    assert_int_equal(store_counts_of(fx->rd, &a, &c), ERR_OK);
    return c;
}

static void
say(void *arg, const char *what)
{
    (void)arg;
    print_error("finding: %s\n", what);
}

static void
assert_conserved(const struct store_tally *t)
{
    assert_int_equal(t->stored, t->handed_over + t->refused + t->withdrawn +
                                    t->expired + t->pending);
}

void
fx_check(struct fixture *fx)
{
    struct store_counts c;
    unsigned findings = 1;

    assert_int_equal(store_check(fx->st, say, NULL, &findings), ERR_OK);
    assert_int_equal(findings, 0);
    assert_int_equal(store_counts(fx->rd, &c), ERR_OK);
    assert_conserved(&c.packets);
    assert_conserved(&c.own_copies);
}
