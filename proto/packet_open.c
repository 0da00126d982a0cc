#include "proto/packet.h"

#include <string.h>

#include "proto/chunked.h"
#include "proto/hpke.h"
#include "proto/packet_type.h"
#include "proto/pad.h"

enum { CEK_LEN = 32 };

static const struct {
    const char *text;
    enum delivery_reason reason;
} causes[] = {
#define CAUSE_ROW(symbol, step, reason, text)                                  \
    [CAUSE_##symbol] = {text, REASON_##reason},
    PACKET_CAUSES(CAUSE_ROW)
#undef CAUSE_ROW
};

const char *
packet_cause_text(enum packet_cause cause)
{
    return causes[cause].text;
}

enum delivery_reason
packet_cause_reason(enum packet_cause cause)
{
    return causes[cause].reason;
}

void
opened_clear(struct opened *o)
{
    buf_clear(&o->text);
    crypto_wipe(o, sizeof(*o));
}

static void
decide(struct opened *o, enum verdict verdict, enum packet_cause cause)
{
    o->verdict = verdict;
    o->cause = cause;
}

/* ---- step 1: is this what the relay promised? ---- */

static bool
has_promised_form(struct header *h, const struct arrival *a)
{
    return header_parse(h, a->hdr, a->hdr_len) == ERR_OK &&
           a->body_len == h->body_len && a->wrap_len == WRAP_LEN &&
           a->wrap_hashes_len == h->n_slots * sizeof(struct hash);
}

/* The wrap stands in the slot of DEVICE and is the one the list names. */
static bool
is_in_own_slot(const struct header *h, const struct arrival *a,
               const struct device_id *device)
{
    struct hash wrap;

    if (a->slot >= h->n_slots || !id_eq(&h->slots[a->slot].device, device))
        return false;
    sha256(&wrap, a->wrap, a->wrap_len);
    return memcmp(wrap.b, a->wrap_hashes + a->slot * sizeof(wrap.b),
                  sizeof(wrap.b)) == 0;
}

static void
digest_arrival(struct opened *o, const struct arrival *a)
{
    struct hash wh, body;

    header_hash(&o->hh, a->hdr, a->hdr_len);
    wraps_hash(&wh, a->wrap_hashes, o->hdr.n_slots);
    bulk_digest(&body, a->body, a->body_len);
    packet_digest(&o->pkt_digest, &o->hh, &wh, &body);
}

static bool
is_what_was_stored(const struct opened *o, const struct arrival *a)
{
    const struct event *ev = a->stored;

    return ev->type == EVENT_STORED && id_eq(&ev->packet, &o->hdr.packet) &&
           id_eq(&ev->pkt_digest, &o->pkt_digest) &&
           id_eq(&ev->sender, &a->sender) && ev->class == o->hdr.class &&
           ev->not_after == o->hdr.not_after;
}

static enum packet_cause
check_arrival(struct opened *o, const struct arrival *a,
              const struct device_id *device, const struct mailbox_id *mailbox)
{
    if (!has_promised_form(&o->hdr, a))
        return CAUSE_SHAPE;
    if (!is_in_own_slot(&o->hdr, a, device))
        return CAUSE_SLOT;
    digest_arrival(o, a);
    o->prekey = o->hdr.slots[a->slot].prekey;
    if (a->stored == NULL)
        return CAUSE_PROOF;
    if (!is_what_was_stored(o, a))
        return CAUSE_OTHER_PACKET;
    if (!id_eq(&o->hdr.mailbox, mailbox) ||
        !id_eq(&a->stored->recipient, mailbox))
        return CAUSE_OTHER_MAILBOX;
    return CAUSE_NONE;
}

enum verdict
packet_check_arrival(struct opened *out, const struct arrival *a,
                     const struct device_id *device,
                     const struct mailbox_id *mailbox)
{
    enum packet_cause cause = check_arrival(out, a, device, mailbox);

    decide(out, cause == CAUSE_NONE ? VERDICT_OPENED : VERDICT_ALARM, cause);
    return out->verdict;
}

/* ---- steps 2-4: own wrap, commitment, chunks and padding ---- */

static enum err
unwrap(uint8_t cek[CEK_LEN], const struct opened *o, const struct arrival *a,
       const struct packet_opener *reader)
{
    uint8_t info[WRAP_INFO_LEN];
    uint8_t seed[KEM_SEED_LEN];
    enum err rc = reader->seed(reader->arg, &o->prekey, seed);

    if (rc != ERR_OK)
        return rc;
    packet_wrap_info(info, &o->hh, (uint16_t)a->slot);
    rc = hpke_unwrap(cek, seed, info, sizeof(info), a->wrap, a->wrap_len);
    crypto_wipe(seed, sizeof(seed));
    return rc;
}

static enum err
decrypt(struct opened *o, const struct arrival *a,
        const struct packet_opener *reader)
{
    uint8_t context[BODY_CONTEXT_LEN];
    uint8_t cek[CEK_LEN];
    const uint8_t *inner;
    enum err rc = unwrap(cek, o, a, reader);

    if (rc != ERR_OK)
        return rc;
    packet_body_context(context, &o->hh);
    rc = chunked_open(&o->text, cek, context, sizeof(context), a->body,
                      a->body_len);
    crypto_wipe(cek, sizeof(cek));
    if (rc != ERR_OK)
        return rc;
    rc = unpad(o->text.data, o->text.len, &inner, &o->inner_len);
    if (rc == ERR_OK)
        o->inner_at = (size_t)(inner - o->text.data);
    return rc;
}

/* Which step failed is not told, not even to the reader. */
static enum err
judge_decryption(struct opened *o, enum err rc)
{
    switch (rc) {
    case ERR_NOTFOUND:
    case ERR_VERIFY:
    case ERR_MALFORMED:
        buf_clear(&o->text);
        decide(o, VERDICT_CANNOT_OPEN, CAUSE_UNDECRYPTABLE);
        return ERR_OK;
    case ERR_EXPIRED:
        decide(o, VERDICT_GONE, CAUSE_UNDECRYPTABLE);
        return ERR_OK;
    default:
        return rc;
    }
}

/* ---- steps 5-7: the content, its sender, its signature, the rules ---- */

static enum packet_cause
read_inner(struct opened *o)
{
    switch (inner_parse(&o->in, o->text.data + o->inner_at, o->inner_len)) {
    case ERR_OK:
        break;
    case ERR_VERSION:
        return CAUSE_VERSION;
    case ERR_VERIFY:
        return CAUSE_COMMITMENT;
    default:
        return CAUSE_CONTENT;
    }
    o->inner_is_read = true;
    inner_opened(&o->opened, &o->in.sig);
    return inner_matches_header(&o->in, &o->hdr) ? CAUSE_NONE : CAUSE_CONTENT;
}

static bool
is_before(uint64_t ms, uint64_t s)
{
    return ms / 1000 < s;
}

static enum packet_cause
judge_sender(const struct opened *o, const struct event *stored)
{
    const struct sender_facts *f = &o->facts;

    if (!f->head_is_good)
        return CAUSE_HEAD;
    if (!f->was_live)
        return CAUSE_SENDER;
    if (f->was_suspended)
        return CAUSE_SUSPENDED;
    if (!id_eq(&stored->sender, &o->in.sender))
        return CAUSE_OTHER_SENDER;
    /* The sender's word and the relay's must both lie before. */
    if (f->is_revoked && (!is_before(o->in.created_ms, f->revoked_since) ||
                          !is_before(stored->time_ms, f->revoked_since)))
        return CAUSE_REVOKED;
    return CAUSE_NONE;
}

static enum packet_cause
judge_rules(const struct opened *o, uint64_t now_ms)
{
    uint64_t created_s = o->in.created_ms / 1000;

    if (!packet_type_may_send(o->in.type, o->facts.agency_class))
        return CAUSE_TYPE;
    if (o->in.created_ms > now_ms &&
        o->in.created_ms - now_ms > (uint64_t)PACKET_AHEAD_MAX_S * 1000)
        return CAUSE_AHEAD;
    if (o->hdr.not_after > created_s &&
        o->hdr.not_after - created_s > PACKET_LIFE_MAX_S)
        return CAUSE_LIFE;
    return CAUSE_NONE;
}

/* *CAUSE is the first thing wrong; an error only when memory ran out. */
static enum err
judge_content(const struct opened *o, const struct arrival *a, uint64_t now_ms,
              enum packet_cause *cause)
{
    enum err rc;

    *cause = judge_sender(o, a->stored);
    if (*cause != CAUSE_NONE)
        return ERR_OK;
    rc = inner_verify(o->text.data + o->inner_at, o->inner_len, &o->hh,
                      &o->facts.key);
    if (rc == ERR_NOMEM)
        return rc;
    *cause = rc == ERR_OK ? judge_rules(o, now_ms) : CAUSE_SIGNATURE;
    return ERR_OK;
}

static enum err
open_content(struct opened *o, const struct arrival *a,
             const struct packet_opener *reader)
{
    enum packet_cause cause = read_inner(o);

    if (cause == CAUSE_NONE) {
        enum err rc = reader->sender(reader->arg, &o->in, &o->facts);

        if (rc == ERR_OK)
            rc = judge_content(o, a, reader->now_ms, &cause);
        if (rc != ERR_OK)
            return rc;
    }
    decide(o, cause == CAUSE_NONE ? VERDICT_OPENED : VERDICT_QUARANTINED,
           cause);
    return ERR_OK;
}

enum err
packet_open(struct opened *out, const struct arrival *a,
            const struct packet_opener *reader)
{
    enum err rc;

    if (packet_check_arrival(out, a, &reader->device, &reader->mailbox) ==
        VERDICT_ALARM)
        return ERR_OK;
    rc = decrypt(out, a, reader);
    if (rc != ERR_OK)
        return judge_decryption(out, rc);
    return open_content(out, a, reader);
}

enum err
opened_to_rcpt(const struct opened *o, struct rcpt *out)
{
    if (o->verdict == VERDICT_ALARM)
        return ERR_STATE;
    out->outcome = (uint8_t)o->verdict;
    out->reason = (uint16_t)packet_cause_reason(o->cause);
    out->packet = o->hdr.packet;
    out->pkt_digest = o->pkt_digest;
    out->prekey = o->prekey;
    out->opened = o->opened;
    return ERR_OK;
}
