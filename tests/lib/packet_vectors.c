#include "tests/lib/packet_vectors.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/bytes.h"
#include "proto/attachment.h"
#include "proto/chunked.h"
#include "proto/packet_type.h"
#include "proto/pad.h"
#include "tests/lib/bundle_vectors.h"
#include "tests/lib/json_out.h"
#include "tests/lib/packet_fixture.h"

/* ---- packets ---- */

/* What makes each case: the draft before sealing, the bytes after. */
struct scene {
    struct pkt_fixture f;
    struct sealed_packet p;
    struct opened o;
    uint8_t ceks[HEADER_SLOTS_MAX][32];
    struct header h;
    struct buf padded;
    size_t reader;
    uint8_t long_part[60000];
};

static void
nothing(struct scene *s)
{
    (void)s;
}
static void
one_slot(struct scene *s)
{
    s->f.draft.n_recipients = 1;
    s->f.draft.n_atts = 0;
    s->f.draft.n_parts = 1;
}
static void
urgent_answer(struct scene *s)
{
    s->f.draft.class = PACKET_URGENT;
    s->f.draft.not_after = PKT_FIXTURE_NOW_S + 7 * PREKEY_DAY_S;
    s->f.draft.type = PACKET_TYPE_ACKNOWLEDGEMENT;
    s->f.draft.dlv.size = 40;
    pkt_fixture_bytes(s->f.draft.dlv.root.b, 32, "dlv root", 0);
    pkt_fixture_bytes(s->f.draft.dlv.sig.b, 64, "dlv sig", 0);
    pkt_fixture_bytes(s->f.draft.in_reply_to.b, 16, "earlier packet", 0);
}
static void
long_part(struct scene *s)
{
    for (size_t i = 0; i < sizeof(s->long_part); i++)
        s->long_part[i] = (uint8_t)(i % 251);
    s->f.parts[1].bytes = s->long_part;
    s->f.parts[1].len = sizeof(s->long_part);
}
static void
partner_refers(struct scene *s)
{
    s->f.facts.agency_class = 3;
}
static void
other_signer(struct scene *s)
{
    s->f.draft.key = &s->f.readers[1].sign;
}
static void
made_in_the_future(struct scene *s)
{
    s->f.draft.created_ms = s->f.opener.now_ms + 48u * 3600 * 1000 + 1;
}
static void
second_key(struct scene *s)
{
    s->ceks[2][0] ^= 1;
}
static void
padding_not_zero(struct scene *s)
{
    s->padded.data[s->padded.len - 1] = 1;
}
static void
part_other_than_committed(struct scene *s)
{
    s->padded.data[4 + INNER_FIXED_LEN + 1 + 3 * 34 + 4 + 32] ^= 1;
}
static void
content_cut(struct scene *s)
{
    put_u32(s->padded.data, get_u32(s->padded.data) - 1);
    memset(s->padded.data + 4 + get_u32(s->padded.data), 0, 1);
}
static void
wraps_swapped(struct scene *s)
{
    uint8_t first[WRAP_LEN];

    memcpy(first, s->p.wraps.data, WRAP_LEN);
    memcpy(s->p.wraps.data, s->p.wraps.data + WRAP_LEN, WRAP_LEN);
    memcpy(s->p.wraps.data + WRAP_LEN, first, WRAP_LEN);
    pkt_fixture_restore(&s->f, &s->p);
}
static void
chunks_swapped(struct scene *s)
{
    uint8_t *a = s->p.body.data + chunked_offset(0);
    uint8_t *b = s->p.body.data + chunked_offset(1);
    uint8_t first[CHUNKED_CHUNK_LEN];

    memcpy(first, a, sizeof(first));
    memcpy(a, b, sizeof(first));
    memcpy(b, first, sizeof(first));
    pkt_fixture_restore(&s->f, &s->p);
}
static void
body_cut_at_a_chunk(struct scene *s)
{
    s->p.body.len = (size_t)chunked_len(49152);
    put_u64(s->p.hdr.data + 48, s->p.body.len);
    pkt_fixture_restore(&s->f, &s->p);
}
static void
suite_lowered(struct scene *s)
{
    s->p.hdr.data[4] = 1;
    pkt_fixture_restore(&s->f, &s->p);
}
static void
body_changed_on_the_way(struct scene *s)
{
    s->p.body.data[100] ^= 1;
}
static void
slot_of_another(struct scene *s)
{
    s->f.arrival.slot = 1;
    s->f.arrival.wrap += WRAP_LEN;
}
static void
stored_for_another_agency(struct scene *s)
{
    s->f.stored.sender = s->f.reader_agency;
    s->f.arrival.sender = s->f.reader_agency;
}

static const struct packet_case {
    const char *name;
    size_t reader;
    void (*draft)(struct scene *s);  /* before anything is sealed */
    void (*sealed)(struct scene *s); /* content keys and padded content */
    void (*moved)(struct scene *s);  /* bytes on their way */
    enum verdict verdict;
    enum packet_cause cause;
} cases[] = {
    {"three slots, two attachments, a part withheld", 2, nothing, nothing,
     nothing, VERDICT_OPENED, CAUSE_NONE},
    {"one slot, meta only", 0, one_slot, nothing, nothing, VERDICT_OPENED,
     CAUSE_NONE},
    {"urgent answer", 1, urgent_answer, nothing, nothing, VERDICT_OPENED,
     CAUSE_NONE},
    {"body of several chunks", 0, long_part, nothing, nothing, VERDICT_OPENED,
     CAUSE_NONE},
    {"body changed on the way", 0, nothing, nothing, body_changed_on_the_way,
     VERDICT_ALARM, CAUSE_OTHER_PACKET},
    {"slot of another device", 0, nothing, nothing, slot_of_another,
     VERDICT_ALARM, CAUSE_SLOT},
    {"suite lowered", 0, nothing, nothing, suite_lowered, VERDICT_ALARM,
     CAUSE_SHAPE},
    {"wraps swapped", 0, nothing, nothing, wraps_swapped, VERDICT_CANNOT_OPEN,
     CAUSE_UNDECRYPTABLE},
    {"another content key in this wrap", 2, nothing, second_key, nothing,
     VERDICT_CANNOT_OPEN, CAUSE_UNDECRYPTABLE},
    {"chunks swapped", 0, long_part, nothing, chunks_swapped,
     VERDICT_CANNOT_OPEN, CAUSE_UNDECRYPTABLE},
    {"body cut at a chunk", 0, long_part, nothing, body_cut_at_a_chunk,
     VERDICT_CANNOT_OPEN, CAUSE_UNDECRYPTABLE},
    {"padding not zero", 0, nothing, padding_not_zero, nothing,
     VERDICT_CANNOT_OPEN, CAUSE_UNDECRYPTABLE},
    {"content one byte short", 0, nothing, content_cut, nothing,
     VERDICT_QUARANTINED, CAUSE_CONTENT},
    {"a part other than committed", 0, nothing, part_other_than_committed,
     nothing, VERDICT_QUARANTINED, CAUSE_COMMITMENT},
    {"stored for another agency", 0, nothing, nothing,
     stored_for_another_agency, VERDICT_QUARANTINED, CAUSE_OTHER_SENDER},
    {"signed by another device", 0, other_signer, nothing, nothing,
     VERDICT_QUARANTINED, CAUSE_SIGNATURE},
    {"a partner may not refer", 0, partner_refers, nothing, nothing,
     VERDICT_QUARANTINED, CAUSE_TYPE},
    {"made too far in the future", 0, made_in_the_future, nothing, nothing,
     VERDICT_QUARANTINED, CAUSE_AHEAD},
};

static void
put_device(struct buf *out, const char *role,
           const struct pkt_fixture_device *d)
{
    buf_printf(out, "\"%s\": {\n", role);
    json_hex(out, "device", d->id.b, 16);
    json_hex(out, "sign_seed", d->sign.seed, 32);
    json_hex(out, "sign_key", d->sign.pub.b, 32);
    json_hex(out, "prekey_seed", d->seed, 32);
    json_hex(out, "prekey_id", d->prekey.id.b, 16);
    json_end(out, "\n},\n");
}

static void
put_arrival(struct buf *out, const struct pkt_fixture *f)
{
    const struct arrival *a = &f->arrival;

    buf_str(out, "\"deliver\": {\n");
    json_hex(out, "sender_agency", a->sender.b, 16);
    json_hex(out, "hdr", a->hdr, a->hdr_len);
    json_number(out, "slot", a->slot);
    json_hex(out, "wrap", a->wrap, a->wrap_len);
    json_hex(out, "wrap_hashes", a->wrap_hashes, a->wrap_hashes_len);
    json_hex(out, "body", a->body, a->body_len);
    json_end(out, "\n},\n\"stored\": {\n");
    json_hex(out, "packet_id", f->stored.packet.b, 16);
    json_hex(out, "pkt_digest", f->stored.pkt_digest.b, 32);
    json_hex(out, "sender_agency", f->stored.sender.b, 16);
    json_hex(out, "recipient_mailbox", f->stored.recipient.b, 16);
    json_number(out, "not_after", f->stored.not_after);
    json_number(out, "class", f->stored.class);
    json_number(out, "time_ms", f->stored.time_ms);
    json_end(out, "\n},\n");
}

static void
put_directory(struct buf *out, const struct pkt_fixture *f)
{
    buf_str(out, "\"directory\": {\n");
    json_hex(out, "sender_agency", f->sender_agency.b, 16);
    json_hex(out, "sender_device", f->sender.id.b, 16);
    json_hex(out, "sender_key", f->facts.key.b, 32);
    json_number(out, "sender_class", f->facts.agency_class);
    json_end(out, "\n},\n");
}

static void
put_head(struct buf *out, const char *which, const struct head *head)
{
    uint8_t bytes[HEAD_LEN];

    head_encode(head, bytes);
    json_hex(out, which, bytes, sizeof(bytes));
}

static void
put_part(struct buf *out, const struct inner_part *p)
{
    buf_str(out, "{\n");
    json_number(out, "part", p->number);
    json_number(out, "here", p->here);
    json_hex(out, "commit", p->commit.b, 32);
    if (p->here) {
        json_hex(out, "blind", p->blind, sizeof(p->blind));
        json_hex(out, "bytes", p->bytes, p->len);
    }
    json_end(out, "\n},\n");
}

static void
put_att(struct buf *out, const struct inner_att *att)
{
    buf_str(out, "{\n");
    json_hex(out, "att_id", att->id.b, 16);
    json_number(out, "part", att->part);
    json_number(out, "plain_len", att->plain_len);
    json_hex(out, "att_key", att->key, 32);
    json_end(out, "\n},\n");
}

static void
put_inner(struct buf *out, const struct inner *in)
{
    buf_str(out, "\"inner\": {\n");
    json_number(out, "type", in->type);
    json_hex(out, "sender_agency", in->sender.b, 16);
    json_hex(out, "sender_device", in->device.b, 16);
    json_number(out, "created_ms", in->created_ms);
    put_head(out, "dir", &in->dir);
    put_head(out, "dlv", &in->dlv);
    json_hex(out, "in_reply_to", in->in_reply_to.b, 16);
    json_hex(out, "sig", in->sig.b, 64);
    buf_str(out, "\"parts\": [\n");
    for (size_t i = 0; i < in->n_parts; i++)
        put_part(out, &in->parts[i]);
    json_end(out, "\n],\n\"atts\": [\n");
    for (size_t i = 0; i < in->n_atts; i++)
        put_att(out, &in->atts[i]);
    json_end(out, "\n]\n},\n");
}

static const char *
verdict_name(enum verdict v)
{
    return v == VERDICT_ALARM ? "alarm" : outcome_name(v);
}

static void
put_expected(struct buf *out, const struct opened *o)
{
    json_text(out, "verdict", verdict_name(o->verdict));
    json_text(out, "why", packet_cause_text(o->cause));
    if (o->verdict == VERDICT_ALARM)
        return;
    json_hex(out, "hh", o->hh.b, 32);
    json_hex(out, "pkt_digest", o->pkt_digest.b, 32);
    json_hex(out, "opened", o->opened.b, 32);
    if (o->inner_is_read)
        put_inner(out, &o->in);
}

static void
seal_case(struct scene *s, const struct packet_case *c)
{
    struct sealed_packet measured = {.hdr = {0}};

    c->draft(s);
    assert_int_equal(packet_seal(&measured, &s->f.draft, NULL), ERR_OK);
    assert_int_equal(header_parse(&s->h, measured.hdr.data, measured.hdr.len),
                     ERR_OK);
    packet_clear(&measured);
    pkt_fixture_content(&s->f, &s->padded, &s->h, s->f.draft.key);
    for (size_t i = 0; i < s->h.n_slots; i++)
        pkt_fixture_bytes(s->ceks[i], 32, c->name, 2);
    c->sealed(s);
    pkt_fixture_seal(&s->f, &s->p, &s->h, s->ceks[0],
                     (const uint8_t(*)[32])s->ceks, s->padded.data,
                     s->padded.len, c->name);
    pkt_fixture_arrive(&s->f, &s->p, c->reader);
    c->moved(s);
}

static void
put_case(struct buf *out, const struct packet_case *c)
{
    struct scene *s = calloc(1, sizeof(*s));

    assert_non_null(s);
    pkt_fixture_init(&s->f, 3, 2);
    seal_case(s, c);
    assert_int_equal(pkt_fixture_open(&s->f, &s->o), c->verdict);
    assert_int_equal(s->o.cause, c->cause);
    buf_str(out, "{\n");
    json_text(out, "name", c->name);
    json_number(out, "now_ms", s->f.opener.now_ms);
    json_hex(out, "mailbox", s->f.opener.mailbox.b, 16);
    put_device(out, "reader", &s->f.readers[c->reader]);
    put_directory(out, &s->f);
    put_arrival(out, &s->f);
    put_expected(out, &s->o);
    json_end(out, "\n},\n");
    opened_clear(&s->o);
    packet_clear(&s->p);
    buf_clear(&s->padded);
    pkt_fixture_clear(&s->f);
    free(s);
}

static void
make_packets(struct buf *out)
{
    json_begin(out, "packets as DELIVER brings them, and what becomes of them");
    buf_str(out, "\"packets\": [\n");
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        put_case(out, &cases[i]);
    json_end(out, "\n]\n}\n");
}

/* ---- receipts and withdrawals ---- */

static struct rcpt
rcpt_of(const struct pkt_fixture *f, uint8_t outcome, uint16_t reason)
{
    struct rcpt r = {.outcome = outcome,
                     .reason = reason,
                     .packet = f->draft.packet,
                     .agency = f->reader_agency,
                     .device = f->readers[0].id,
                     .prekey = f->readers[0].prekey.id,
                     .time_ms = PKT_FIXTURE_NOW_S * 1000 + 2000,
                     .stored_index = 41,
                     .dlv = {.size = 42}};

    pkt_fixture_bytes(r.pkt_digest.b, 32, "pkt digest", 0);
    pkt_fixture_bytes(r.dlv.root.b, 32, "dlv root", 0);
    pkt_fixture_bytes(r.dlv.sig.b, 64, "dlv sig", 0);
    if (outcome <= OUTCOME_QUARANTINED)
        pkt_fixture_bytes(r.opened.b, 32, "opened", 0);
    return r;
}

static void
put_rcpt(struct buf *out, const struct pkt_fixture *f, uint8_t outcome,
         uint16_t reason)
{
    struct rcpt r = rcpt_of(f, outcome, reason);
    uint8_t bytes[RCPT_LEN];
    struct hash evidence;

    assert_int_equal(rcpt_sign(bytes, &r, &f->readers[0].sign), ERR_OK);
    evidence_hash(&evidence, bytes, sizeof(bytes));
    buf_str(out, "{\n");
    json_text(out, "outcome", outcome_name(outcome));
    json_text(out, "reason", delivery_reason_name(reason));
    json_hex(out, "packet_id", r.packet.b, 16);
    json_hex(out, "pkt_digest", r.pkt_digest.b, 32);
    json_hex(out, "agency", r.agency.b, 16);
    json_hex(out, "device", r.device.b, 16);
    json_hex(out, "prekey_id", r.prekey.b, 16);
    json_hex(out, "opened", r.opened.b, 32);
    json_number(out, "time_ms", r.time_ms);
    json_number(out, "stored_index", r.stored_index);
    put_head(out, "dlv", &r.dlv);
    json_hex(out, "sign_key", f->readers[0].sign.pub.b, 32);
    json_hex(out, "rcpt", bytes, sizeof(bytes));
    json_hex(out, "evidence", evidence.b, 32);
    json_end(out, "\n},\n");
}

static void
put_wdrw(struct buf *out, const struct pkt_fixture *f, uint16_t reason)
{
    struct wdrw w = {.reason = reason,
                     .packet = f->draft.packet,
                     .sender = f->sender_agency,
                     .device = f->sender.id,
                     .time_ms = PKT_FIXTURE_NOW_S * 1000 + 3000};
    uint8_t bytes[WDRW_LEN];
    struct hash evidence;

    pkt_fixture_bytes(w.pkt_digest.b, 32, "pkt digest", 0);
    assert_int_equal(wdrw_sign(bytes, &w, &f->sender.sign), ERR_OK);
    evidence_hash(&evidence, bytes, sizeof(bytes));
    buf_str(out, "{\n");
    json_text(out, "reason", delivery_reason_name(reason));
    json_hex(out, "packet_id", w.packet.b, 16);
    json_hex(out, "pkt_digest", w.pkt_digest.b, 32);
    json_hex(out, "sender_agency", w.sender.b, 16);
    json_hex(out, "device", w.device.b, 16);
    json_number(out, "time_ms", w.time_ms);
    json_hex(out, "sign_key", f->sender.sign.pub.b, 32);
    json_hex(out, "wdrw", bytes, sizeof(bytes));
    json_hex(out, "evidence", evidence.b, 32);
    json_end(out, "\n},\n");
}

static void
make_receipts(struct buf *out)
{
    struct pkt_fixture f;

    pkt_fixture_init(&f, 1, 0);
    json_begin(out, "receipts and withdrawals as devices sign them");
    buf_str(out, "\"rcpt\": [\n");
    put_rcpt(out, &f, OUTCOME_OPENED, REASON_NONE);
    put_rcpt(out, &f, OUTCOME_QUARANTINED, REASON_POLICY);
    put_rcpt(out, &f, OUTCOME_CANNOT_OPEN, REASON_UNDECRYPTABLE);
    put_rcpt(out, &f, OUTCOME_GONE, REASON_UNDECRYPTABLE);
    json_end(out, "\n],\n\"wdrw\": [\n");
    put_wdrw(out, &f, REASON_NONE);
    put_wdrw(out, &f, REASON_SENT_IN_ERROR);
    json_end(out, "\n]\n}\n");
    pkt_fixture_clear(&f);
}

/* ---- prekeys ---- */

static void
make_prekeys(struct buf *out)
{
    struct pkt_fixture f;

    pkt_fixture_init(&f, 3, 0);
    json_begin(out, "signed prekey statements and the seeds behind them");
    buf_str(out, "\"prekeys\": [\n");
    for (size_t i = 0; i < f.n_readers; i++) {
        const struct pkt_fixture_device *d = &f.readers[i];

        buf_str(out, "{\n");
        json_hex(out, "device", d->id.b, 16);
        json_hex(out, "sign_key", d->sign.pub.b, 32);
        json_hex(out, "seed", d->seed, 32);
        json_hex(out, "public_key", d->prekey.key.b, sizeof(d->prekey.key.b));
        json_number(out, "not_before", d->prekey.not_before);
        json_number(out, "not_after", d->prekey.not_after);
        json_hex(out, "prekey_id", d->prekey.id.b, 16);
        json_hex(out, "statement", d->stmt, sizeof(d->stmt));
        json_end(out, "\n},\n");
    }
    json_end(out, "\n]\n}\n");
    pkt_fixture_clear(&f);
}

/* ---- attachments ---- */

/* The file is the bytes i mod 251; no need to write it down. */
static void
seal_file(struct buf *blob, const uint8_t key[32], const struct att_id *id,
          size_t len)
{
    uint8_t salt[CHUNKED_SALT_LEN], file[CHUNKED_PLAIN_LEN];
    uint8_t *to = buf_extend(blob, (size_t)attachment_ct_len(len));
    struct attachment a;

    assert_non_null(to);
    pkt_fixture_bytes(salt, sizeof(salt), "att salt", (unsigned)len);
    assert_int_equal(attachment_seal_init(&a, key, id, len, salt, to), ERR_OK);
    for (uint64_t i = 0; i < a.chunks; i++) {
        for (size_t k = 0; k < attachment_plain_in(&a, i); k++)
            file[k] = (uint8_t)((i * CHUNKED_PLAIN_LEN + k) % 251);
        assert_int_equal(
            attachment_seal_chunk(&a, i, file, to + chunked_offset(i)), ERR_OK);
    }
    attachment_clear(&a);
}

static void
put_attachment(struct buf *out, size_t len)
{
    struct buf blob = {0};
    struct att_id id;
    uint8_t key[32];
    struct hash digest;

    pkt_fixture_bytes(id.b, sizeof(id.b), "att", (unsigned)len);
    pkt_fixture_bytes(key, sizeof(key), "att key", (unsigned)len);
    seal_file(&blob, key, &id, len);
    bulk_digest(&digest, blob.data, blob.len);
    buf_str(out, "{\n");
    json_hex(out, "att_id", id.b, sizeof(id.b));
    json_hex(out, "att_key", key, sizeof(key));
    json_number(out, "plain_len", len);
    json_number(out, "ct_len", blob.len);
    json_hex(out, "digest", digest.b, 32);
    json_hex(out, "blob", blob.data, blob.len);
    json_end(out, "\n},\n");
    buf_clear(&blob);
}

static void
make_attachments(struct buf *out)
{
    static const size_t lengths[] = {0, 1, 5000, 16384, 40000};

    assert_int_equal(crypto_init(), ERR_OK);
    json_begin(out, "sealed files; byte i of each file is i mod 251");
    buf_str(out, "\"attachments\": [\n");
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++)
        put_attachment(out, lengths[i]);
    json_end(out, "\n]\n}\n");
}

const struct packet_vectors_file packet_vectors[] = {
    {"packets.json", make_packets},
    {"receipts.json", make_receipts},
    {"prekeys.json", make_prekeys},
    {"attachments.json", make_attachments},
    {"evidence.json", bundle_vectors_make},
    {NULL, NULL},
};
