#include "tests/lib/packet_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/bytes.h"
#include "proto/attachment.h"
#include "proto/chunked.h"
#include "proto/hpke.h"
#include "proto/packet_type.h"
#include "proto/pad.h"
#include "proto/statement.h"

void
pkt_fixture_bytes(void *out, size_t n, const char *word, unsigned i)
{
    char text[80];
    uint8_t bytes[64];

    snprintf(text, sizeof(text), "%s %u", word, i);
    sha512(bytes, text, strlen(text));
    memcpy(out, bytes, n);
}

static void
device_init(struct pkt_fixture_device *d, const char *word, unsigned i)
{
    uint8_t seed[32];

    pkt_fixture_bytes(d->id.b, sizeof(d->id.b), word, i);
    put_u16(d->id.b, (uint16_t)i); /* ascending */
    pkt_fixture_bytes(seed, sizeof(seed), "sign", get_u32(d->id.b + 2));
    sign_keypair_from_seed(&d->sign, seed);
    pkt_fixture_bytes(d->seed, sizeof(d->seed), "prekey", get_u32(d->id.b + 2));
    assert_int_equal(prekey_make(d->stmt, &d->prekey, &d->id, d->seed,
                                 PKT_FIXTURE_NOW_S - PREKEY_DAY_S, &d->sign),
                     ERR_OK);
}

static void
parts_init(struct pkt_fixture *f)
{
    static const uint8_t meta[] = "meta: thread 1";
    static const uint8_t body[] = "What was told, and by whom.";

    for (unsigned i = 0; i < 3; i++) {
        f->parts[i].number = (uint8_t)(i * 2);
        f->parts[i].here = i < 2;
        pkt_fixture_bytes(f->parts[i].blind, PART_BLIND_LEN, "blind", i);
    }
    f->parts[0].bytes = meta;
    f->parts[0].len = sizeof(meta) - 1;
    f->parts[1].bytes = body;
    f->parts[1].len = sizeof(body) - 1;
    inner_part_commit(&f->parts[2].commit, 4, f->parts[2].blind, "withheld", 8);
}

static void
atts_init(struct pkt_fixture *f, size_t n)
{
    f->atts = calloc(n + 1, sizeof(*f->atts));
    assert_non_null(f->atts);
    for (unsigned i = 0; i < n; i++) {
        struct inner_att *att = &f->atts[i].att;

        pkt_fixture_bytes(att->id.b, sizeof(att->id.b), "att", i);
        pkt_fixture_bytes(att->key, sizeof(att->key), "att key", i);
        pkt_fixture_bytes(f->atts[i].digest.b, 32, "att digest", i);
        att->part = 2;
        att->plain_len = 1000 * (i + 1);
    }
}

static void
readers_init(struct pkt_fixture *f, size_t n)
{
    f->n_readers = n;
    f->readers = calloc(n, sizeof(*f->readers));
    f->recipients = calloc(n, sizeof(*f->recipients));
    assert_non_null(f->readers);
    assert_non_null(f->recipients);
    for (unsigned i = 0; i < n; i++) {
        device_init(&f->readers[i], "reader", i);
        f->recipients[i].device = f->readers[i].id;
        f->recipients[i].prekey = f->readers[i].prekey.id;
        f->recipients[i].key = f->readers[i].prekey.key;
    }
}

static void
draft_init(struct pkt_fixture *f, size_t n_atts)
{
    struct packet_draft *d = &f->draft;

    pkt_fixture_bytes(d->packet.b, sizeof(d->packet.b), "packet", 0);
    d->mailbox = f->mailbox;
    d->not_after = PKT_FIXTURE_NOW_S + 30 * PREKEY_DAY_S;
    d->type = PACKET_TYPE_REFERRAL;
    d->sender = f->sender_agency;
    d->device = f->sender.id;
    d->key = &f->sender.sign;
    d->created_ms = PKT_FIXTURE_NOW_S * 1000;
    d->dir.size = 12;
    pkt_fixture_bytes(d->dir.root.b, 32, "dir root", 0);
    pkt_fixture_bytes(d->dir.sig.b, 64, "dir sig", 0);
    d->parts = f->parts;
    d->n_parts = 3;
    d->atts = f->atts;
    d->n_atts = n_atts;
    d->recipients = f->recipients;
    d->n_recipients = f->n_readers;
}

static enum err
answer_seed(void *arg, const struct prekey_id *id, uint8_t seed[32])
{
    struct pkt_fixture *f = arg;

    if (f->seed_err != ERR_OK)
        return f->seed_err;
    if (!id_eq(id, &f->readers[f->reading].prekey.id))
        return ERR_NOTFOUND;
    memcpy(seed, f->readers[f->reading].seed, 32);
    return ERR_OK;
}

static enum err
answer_sender(void *arg, const struct inner *in, struct sender_facts *out)
{
    struct pkt_fixture *f = arg;

    assert_non_null(in);
    if (f->sender_err == ERR_OK)
        *out = f->facts;
    return f->sender_err;
}

void
pkt_fixture_init(struct pkt_fixture *f, size_t n_readers, size_t n_atts)
{
    *f = (struct pkt_fixture){.reading = 0};
    assert_int_equal(crypto_init(), ERR_OK);
    pkt_fixture_bytes(f->sender_agency.b, 16, "agency", 0);
    pkt_fixture_bytes(f->reader_agency.b, 16, "agency", 1);
    pkt_fixture_bytes(f->mailbox.b, 16, "mailbox", 0);
    device_init(&f->sender, "sender", 0);
    parts_init(f);
    atts_init(f, n_atts);
    readers_init(f, n_readers);
    draft_init(f, n_atts);
    f->facts = (struct sender_facts){.head_is_good = true,
                                     .was_live = true,
                                     .agency_class = CLASS_STATUTORY,
                                     .key = f->sender.sign.pub};
    f->opener =
        (struct packet_opener){.mailbox = f->mailbox,
                               .now_ms = PKT_FIXTURE_NOW_S * 1000 + 60000,
                               .arg = f,
                               .seed = answer_seed,
                               .sender = answer_sender};
}

void
pkt_fixture_clear(struct pkt_fixture *f)
{
    free(f->readers);
    free(f->recipients);
    free(f->atts);
    *f = (struct pkt_fixture){.reading = 0};
}

void
pkt_fixture_restore(struct pkt_fixture *f, const struct sealed_packet *p)
{
    size_t n = p->wraps.len / WRAP_LEN;
    struct hash hh, wh, d;

    wraps_hash_each(f->wrap_hashes, p->wraps.data, n);
    header_hash(&hh, p->hdr.data, p->hdr.len);
    wraps_hash(&wh, f->wrap_hashes[0].b, n);
    bulk_digest(&d, p->body.data, p->body.len);
    packet_digest(&f->stored.pkt_digest, &hh, &wh, &d);
    f->arrival.hdr = p->hdr.data;
    f->arrival.hdr_len = p->hdr.len;
    f->arrival.wrap = p->wraps.data + f->arrival.slot * WRAP_LEN;
    f->arrival.wrap_hashes = f->wrap_hashes[0].b;
    f->arrival.wrap_hashes_len = n * sizeof(struct hash);
    f->arrival.body = p->body.data;
    f->arrival.body_len = p->body.len;
}

void
pkt_fixture_arrive(struct pkt_fixture *f, const struct sealed_packet *p,
                   size_t reader)
{
    const struct packet_draft *d = &f->draft;

    f->reading = reader;
    f->opener.device = f->readers[reader].id;
    f->stored = (struct event){.type = EVENT_STORED,
                               .class = d->class,
                               .time_ms = PKT_FIXTURE_NOW_S * 1000 + 1000,
                               .packet = d->packet,
                               .sender = d->sender,
                               .recipient = d->mailbox,
                               .actor = d->device,
                               .not_after = d->not_after};
    f->arrival = (struct arrival){.sender = d->sender,
                                  .slot = (unsigned)reader,
                                  .wrap_len = WRAP_LEN,
                                  .stored = &f->stored};
    pkt_fixture_restore(f, p);
}

enum verdict
pkt_fixture_open(struct pkt_fixture *f, struct opened *o)
{
    opened_clear(o);
    assert_int_equal(packet_open(o, &f->arrival, &f->opener), ERR_OK);
    return o->verdict;
}

void
pkt_fixture_header(const struct pkt_fixture *f, struct header *h,
                   size_t inner_len)
{
    const struct packet_draft *d = &f->draft;
    struct sealed_packet p = {.hdr = {0}};

    /* Sorting is packet_seal's work; only the length is ours. */
    assert_int_equal(packet_seal(&p, d, NULL), ERR_OK);
    assert_int_equal(header_parse(h, p.hdr.data, p.hdr.len), ERR_OK);
    h->body_len = body_len_for(inner_len);
    packet_clear(&p);
}

/* HPKE as in hpke.c, with the KEM's randomness given. */
static void
wrap_fixed(uint8_t out[WRAP_LEN], const struct kem_key *pub,
           const struct hash *hh, uint16_t slot, const uint8_t cek[32],
           const char *word)
{
    uint8_t info[WRAP_INFO_LEN], eseed[64], ss[32];
    struct hpke_keys keys;

    pkt_fixture_bytes(eseed, sizeof(eseed), word, slot + 1000u);
    assert_int_equal(kem_enc_fixed(ss, out, pub, eseed), ERR_OK);
    packet_wrap_info(info, hh, slot);
    hpke_schedule(&keys, HPKE_KEM_XWING, ss, info, sizeof(info));
    aead_seal(out + KEM_CT_LEN, keys.key, keys.base_nonce, NULL, 0, cek, 32);
}

static void
body_fixed(struct buf *out, const struct hash *hh, const uint8_t cek[32],
           const uint8_t *padded, size_t len, const char *word)
{
    uint8_t context[BODY_CONTEXT_LEN], salt[CHUNKED_SALT_LEN];
    uint64_t count = chunked_count(len);
    uint8_t *to = buf_extend(out, (size_t)chunked_len(len));
    struct chunked c;

    assert_non_null(to);
    pkt_fixture_bytes(salt, sizeof(salt), word, 1);
    packet_body_context(context, hh);
    chunked_seal_init(&c, cek, context, sizeof(context), salt, to);
    for (uint64_t i = 0; i < count; i++) {
        size_t at = (size_t)i * CHUNKED_PLAIN_LEN;
        bool last = i + 1 == count;

        assert_int_equal(chunked_seal_chunk(&c, i, padded + at,
                                            last ? len - at : CHUNKED_PLAIN_LEN,
                                            last, to + chunked_offset(i)),
                         ERR_OK);
    }
}

void
pkt_fixture_seal(const struct pkt_fixture *f, struct sealed_packet *out,
                 const struct header *h, const uint8_t body_cek[32],
                 const uint8_t (*ceks)[32], const uint8_t *padded,
                 size_t padded_len, const char *word)
{
    struct hash hh;

    *out = (struct sealed_packet){.hdr = {0}};
    assert_int_equal(header_encode(&out->hdr, h), ERR_OK);
    header_hash(&hh, out->hdr.data, out->hdr.len);
    body_fixed(&out->body, &hh, body_cek, padded, padded_len, word);
    for (size_t i = 0; i < h->n_slots; i++) {
        uint8_t *wrap = buf_extend(&out->wraps, WRAP_LEN);

        assert_non_null(wrap);
        wrap_fixed(wrap, &f->readers[i].prekey.key, &hh, (uint16_t)i, ceks[i],
                   word);
    }
    packet_digest_of(&out->pkt_digest, out->hdr.data, out->hdr.len,
                     out->wraps.data, h->n_slots, out->body.data,
                     out->body.len);
}

/* The draft as a struct inner; lists must be in order already. */
static void
content_of(const struct pkt_fixture *f, struct inner *in)
{
    const struct packet_draft *d = &f->draft;

    *in = (struct inner){.type = d->type,
                         .sender = d->sender,
                         .device = d->device,
                         .created_ms = d->created_ms,
                         .dir = d->dir,
                         .dlv = d->dlv,
                         .in_reply_to = d->in_reply_to,
                         .n_parts = d->n_parts};
    memcpy(in->parts, d->parts, d->n_parts * sizeof(d->parts[0]));
}

/* Attachments of the draft in the order of H. */
static void
add_atts(const struct pkt_fixture *f, struct inner *in, const struct header *h)
{
    in->n_atts = h->n_atts;
    for (size_t i = 0; i < h->n_atts; i++)
        for (size_t k = 0; k < f->draft.n_atts; k++)
            if (id_eq(&h->atts[i].id, &f->draft.atts[k].att.id))
                in->atts[i] = f->draft.atts[k].att;
}

void
pkt_fixture_content(const struct pkt_fixture *f, struct buf *out,
                    const struct header *h, const struct sign_secret *key)
{
    struct buf hdr = {0}, inner = {0};
    struct inner in;
    struct hash hh;

    content_of(f, &in);
    add_atts(f, &in, h);
    assert_int_equal(header_encode(&hdr, h), ERR_OK);
    header_hash(&hh, hdr.data, hdr.len);
    assert_int_equal(inner_sign(&inner, &in, &hh, key), ERR_OK);
    assert_int_equal(pad(out, inner.data, inner.len), ERR_OK);
    buf_clear(&hdr);
    buf_clear(&inner);
}

void
pkt_fixture_seal_draft(const struct pkt_fixture *f, struct sealed_packet *out,
                       const char *word)
{
    struct sealed_packet measured = {.hdr = {0}};
    struct buf padded = {0};
    uint8_t ceks[HEADER_SLOTS_MAX][32];
    struct header h;

    assert_int_equal(packet_seal(&measured, &f->draft, NULL), ERR_OK);
    assert_int_equal(header_parse(&h, measured.hdr.data, measured.hdr.len),
                     ERR_OK);
    packet_clear(&measured);
    for (size_t i = 0; i < h.n_slots; i++)
        pkt_fixture_bytes(ceks[i], 32, word, 2);
    pkt_fixture_content(f, &padded, &h, f->draft.key);
    pkt_fixture_seal(f, out, &h, ceks[0], (const uint8_t(*)[32])ceks,
                     padded.data, padded.len, word);
    buf_clear(&padded);
}
