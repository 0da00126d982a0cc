/* What the clients of relay_rig.h say: prekeys, packets, receipts, requests. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/clock.h"
#include "proto/invite.h"
#include "proto/prekey.h"
#include "proto/proof.h"
#include "tests/lib/relay_rig.h"

void
client_put_prekey(struct client *c, unsigned device)
{
    const struct net_device *d = &c->rig->net.devices[device];
    uint8_t seed[32] = {(uint8_t)device, (uint8_t)c->next_req};
    uint8_t stmt[PREKEY_LEN];
    struct prekey pk;
    struct msg_field item, f[1];

    assert_int_equal(prekey_make(stmt, &pk, &d->id, seed,
                                 clock_wall_ms() / 1000 - 60, &d->sign),
                     ERR_OK);
    item = msg_bin(stmt, sizeof(stmt));
    f[PREKEY_PUT_STMTS] = msg_list(&item, 1);
    (void)client_ask(c, MSG_PREKEY_PUT, f, 1);
    c->rig->prekeys[device] = pk.id;
}

static int
by_device(const void *a, const void *b)
{
    const struct header_slot *x = a, *y = b;

    return id_cmp(&x->device, &y->device);
}

void
parcel_make(struct rig *rig, struct parcel *p, unsigned n, unsigned mailbox,
            const unsigned *devices, size_t n_devices)
{
    uint64_t now = clock_wall_ms() / 1000;

    memset(p, 0, sizeof(*p));
    p->h.suite = PACKET_SUITE;
    p->h.packet.b[0] = (uint8_t)(n >> 8);
    p->h.packet.b[1] = (uint8_t)n;
    p->h.packet.b[15] = 0x50;
    p->h.mailbox = rig->net.mailboxes[mailbox].id;
    p->h.not_after = (now / 3600 + 48) * 3600;
    p->h.body_len = LIMIT_BODY_MIN;
    p->h.n_slots = n_devices;
    for (size_t i = 0; i < n_devices; i++)
        p->h.slots[i] = (struct header_slot){rig->net.devices[devices[i]].id,
                                             rig->prekeys[devices[i]]};
    qsort(p->h.slots, n_devices, sizeof(p->h.slots[0]), by_device);
    parcel_encode(p, n);
}

static void
fill(struct buf *b, size_t len, unsigned seed)
{
    buf_clear(b);
    for (size_t i = 0; i < len; i++)
        buf_u8(b, (uint8_t)(seed * 7 + i * 13 + (i >> 8)));
}

void
parcel_encode(struct parcel *p, unsigned seed)
{
    buf_clear(&p->hdr);
    assert_int_equal(header_encode(&p->hdr, &p->h), ERR_OK);
    fill(&p->wraps, p->h.n_slots * WRAP_LEN, seed + 1);
    fill(&p->body, p->h.body_len, seed);
    assert_int_equal(buf_status(&p->body), ERR_OK);
    packet_digest_of(&p->digest, p->hdr.data, p->hdr.len, p->wraps.data,
                     p->h.n_slots, p->body.data, p->body.len);
}

void
parcel_clear(struct parcel *p)
{
    buf_clear(&p->hdr);
    buf_clear(&p->wraps);
    buf_clear(&p->body);
}

uint32_t
client_say_send(struct client *c, const struct parcel *p)
{
    struct msg_field f[] = {
        [SEND_HDR] = msg_bin(p->hdr.data, p->hdr.len),
        [SEND_WRAPS] = msg_bin(p->wraps.data, p->wraps.len),
        [SEND_BODY] = msg_bin(p->body.data, p->body.len),
        [SEND_RESEND_OF] = msg_nil(),
    };

    return client_say(c, MSG_SEND, f, 4);
}

const struct msg *
client_send(struct client *c, const struct parcel *p)
{
    return client_hear(c, MSG_LOGGED, client_say_send(c, p));
}

void
rcpt_for(struct rig *rig, unsigned device, const struct msg *deliver,
         enum rcpt_outcome outcome, uint8_t out[RCPT_LEN])
{
    const struct net_device *d = &rig->net.devices[device];
    const struct msg_field *proof = &deliver->f[DELIVER_STORED_PROOF];
    struct receipt stored;
    struct rcpt r = {.outcome = (uint8_t)outcome,
                     .reason = outcome == OUTCOME_OPENED ? REASON_NONE
                                                         : REASON_UNDECRYPTABLE,
                     .agency = rig->net.agencies[d->agency].id,
                     .device = d->id,
                     .prekey = rig->prekeys[device],
                     .time_ms = clock_wall_ms()};

    assert_int_equal(
        receipt_verify(proof->p, proof->len,
                       store_vkey(rig->relay.store, STORE_DELIVERY), &stored),
        ERR_OK);
    if (outcome == OUTCOME_OPENED)
        r.opened.b[0] = 1;
    r.packet = stored.event.packet;
    r.pkt_digest = stored.event.pkt_digest;
    r.stored_index = stored.index;
    r.dlv = stored.head;
    assert_int_equal(rcpt_sign(out, &r, &d->sign), ERR_OK);
}

const struct msg *
client_receipt(struct client *c, unsigned device, const struct msg *deliver,
               enum rcpt_outcome outcome)
{
    uint8_t bytes[RCPT_LEN] = {0};
    struct msg_field f[] = {[RECEIPT_RCPT] = msg_bin(bytes, sizeof(bytes))};

    rcpt_for(c->rig, device, deliver, outcome, bytes);
    return client_ask(c, MSG_RECEIPT, f, 1);
}

void
rig_join_request(struct rig *rig, struct buf *out, const char *name,
                 struct net_device *device)
{
    struct sign_secret root;
    struct mailbox_id mailbox = {{0x77}};
    struct join_form form = {
        .network_id = &rig->net.network_id,
        .root = &root,
        .time_s = rig->net.now_s,
        .country = "DE",
        .wished_class = CLASS_NON_STATUTORY,
        .name = name,
        .device_key = &device->sign,
        .device_transport_key = &device->dh_pub,
        .device_not_after_s = rig->net.now_s + 86400,
        .device_label = "desk 1",
        .mailbox = &mailbox,
        .mailbox_label = "intake",
        .purposes = 1,
        .contact = "+49 30 0000 000",
    };

    net_sign_key(&rig->net, &root);
    net_sign_key(&rig->net, &device->sign);
    net_dh_key(&rig->net, &device->dh, &device->dh_pub);
    device_id_of(&device->id, &device->sign.pub);
    rig->net.agencies[NET_MAX - 1].root = root;
    agency_id_of(&rig->net.agencies[NET_MAX - 1].id, &root.pub);
    device->agency = NET_MAX - 1;
    assert_int_equal(join_request_make(out, &form), ERR_OK);
}
