#include "proto/packet.h"

#include <stdlib.h>
#include <string.h>

#include "common/bytes.h"
#include "proto/attachment.h"
#include "proto/chunked.h"
#include "proto/hpke.h"
#include "proto/pad.h"

static const char wrap_domain[] = "sealpost/1/wrap"; /* zero byte counts */
static const char body_domain[] = "sealpost/1/body";
enum { CEK_LEN = 32 };

_Static_assert(sizeof(wrap_domain) + 32 + 2 == WRAP_INFO_LEN,
               "PROTOCOL.md section 8");
_Static_assert(sizeof(body_domain) + 32 == BODY_CONTEXT_LEN,
               "PROTOCOL.md section 8");

void
packet_wrap_info(uint8_t out[WRAP_INFO_LEN], const struct hash *hh,
                 uint16_t slot)
{
    memcpy(out, wrap_domain, sizeof(wrap_domain));
    memcpy(out + sizeof(wrap_domain), hh->b, sizeof(hh->b));
    put_u16(out + sizeof(wrap_domain) + sizeof(hh->b), slot);
}

void
packet_body_context(uint8_t out[BODY_CONTEXT_LEN], const struct hash *hh)
{
    memcpy(out, body_domain, sizeof(body_domain));
    memcpy(out + sizeof(body_domain), hh->b, sizeof(hh->b));
}

void
packet_clear(struct sealed_packet *p)
{
    buf_clear(&p->hdr);
    buf_clear(&p->wraps);
    buf_clear(&p->body);
    *p = (struct sealed_packet){0};
}

/* What one call of packet_seal needs; holds the content key and plaintext. */
struct work {
    const struct packet_draft *draft;
    const struct packet_recipient *recipients[HEADER_SLOTS_MAX]; /* sorted */
    const struct packet_att *atts[HEADER_ATTS_MAX];              /* sorted */
    struct header hdr;
    struct inner in;
    struct hash hh;
    struct buf inner;
    struct buf padded;
    uint8_t cek[CEK_LEN];
};

static int
by_device(const void *a, const void *b)
{
    const struct packet_recipient *const *x = a, *const *y = b;

    return id_cmp(&(*x)->device, &(*y)->device);
}

static int
by_att_id(const void *a, const void *b)
{
    const struct packet_att *const *x = a, *const *y = b;

    return id_cmp(&(*x)->att.id, &(*y)->att.id);
}

static int
by_number(const void *a, const void *b)
{
    const struct inner_part *x = a, *y = b;

    return (int)x->number - (int)y->number;
}

static enum err
sort_lists(struct work *w)
{
    const struct packet_draft *d = w->draft;

    if (d->n_recipients < 1 || d->n_recipients > HEADER_SLOTS_MAX ||
        d->n_atts > HEADER_ATTS_MAX || d->n_parts < 1 ||
        d->n_parts > INNER_PARTS_MAX)
        return ERR_MALFORMED;
    for (size_t i = 0; i < d->n_recipients; i++)
        w->recipients[i] = &d->recipients[i];
    for (size_t i = 0; i < d->n_atts; i++)
        w->atts[i] = &d->atts[i];
    qsort(w->recipients, d->n_recipients, sizeof(w->recipients[0]), by_device);
    qsort(w->atts, d->n_atts, sizeof(w->atts[0]), by_att_id);
    return ERR_OK;
}

static void
fill_inner(struct work *w)
{
    const struct packet_draft *d = w->draft;
    struct inner *in = &w->in;

    in->type = d->type;
    in->sender = d->sender;
    in->device = d->device;
    in->created_ms = d->created_ms;
    in->dir = d->dir;
    in->dlv = d->dlv;
    in->in_reply_to = d->in_reply_to;
    in->n_parts = d->n_parts;
    memcpy(in->parts, d->parts, d->n_parts * sizeof(d->parts[0]));
    qsort(in->parts, in->n_parts, sizeof(in->parts[0]), by_number);
    in->n_atts = d->n_atts;
    for (size_t i = 0; i < d->n_atts; i++)
        in->atts[i] = w->atts[i]->att;
}

static void
fill_header(struct work *w, size_t inner_length)
{
    const struct packet_draft *d = w->draft;
    struct header *h = &w->hdr;

    h->suite = PACKET_SUITE;
    h->class = d->class;
    h->packet = d->packet;
    h->mailbox = d->mailbox;
    h->not_after = d->not_after;
    h->body_len = body_len_for(inner_length);
    h->n_slots = d->n_recipients;
    for (size_t i = 0; i < h->n_slots; i++) {
        h->slots[i].device = w->recipients[i]->device;
        h->slots[i].prekey = w->recipients[i]->prekey;
    }
    h->n_atts = d->n_atts;
    for (size_t i = 0; i < h->n_atts; i++) {
        h->atts[i].id = w->atts[i]->att.id;
        h->atts[i].ct_len = attachment_ct_len(w->atts[i]->att.plain_len);
        h->atts[i].digest = w->atts[i]->digest;
    }
}

/* The header names the body's length and the content's signature covers the
 * header, so the content is measured before it is signed. */
static enum err
make_header(struct work *w, struct sealed_packet *p)
{
    size_t inner_length;
    enum err rc;

    fill_inner(w);
    rc = inner_measure(&w->in, &inner_length);
    if (rc != ERR_OK)
        return rc;
    fill_header(w, inner_length);
    rc = header_encode(&p->hdr, &w->hdr);
    if (rc != ERR_OK)
        return rc;
    header_hash(&w->hh, p->hdr.data, p->hdr.len);
    return ERR_OK;
}

static enum err
seal_body(struct work *w, struct sealed_packet *p)
{
    uint8_t context[BODY_CONTEXT_LEN];
    enum err rc = inner_sign(&w->inner, &w->in, &w->hh, w->draft->key);

    if (rc != ERR_OK)
        return rc;
    rc = pad(&w->padded, w->inner.data, w->inner.len);
    if (rc != ERR_OK)
        return rc;
    packet_body_context(context, &w->hh);
    inner_opened(&p->opened, &w->in.sig);
    return chunked_seal(&p->body, w->cek, context, sizeof(context),
                        w->padded.data, w->padded.len);
}

static enum err
seal_wraps(struct work *w, struct sealed_packet *p, size_t *bad)
{
    uint8_t info[WRAP_INFO_LEN];

    for (size_t i = 0; i < w->hdr.n_slots; i++) {
        const struct packet_recipient *to = w->recipients[i];
        uint8_t *out = buf_extend(&p->wraps, WRAP_LEN);
        enum err rc;

        if (out == NULL)
            return ERR_NOMEM;
        packet_wrap_info(info, &w->hh, (uint16_t)i);
        rc = hpke_wrap(out, &to->key, info, sizeof(info), w->cek, CEK_LEN);
        if (rc == ERR_OK)
            continue;
        if (bad != NULL)
            *bad = (size_t)(to - w->draft->recipients);
        return rc;
    }
    return ERR_OK;
}

static enum err
seal(struct work *w, struct sealed_packet *p, size_t *bad)
{
    enum err rc = sort_lists(w);

    if (rc == ERR_OK)
        rc = make_header(w, p);
    if (rc != ERR_OK)
        return rc;
    crypto_random(w->cek, CEK_LEN);
    rc = seal_body(w, p);
    if (rc == ERR_OK)
        rc = seal_wraps(w, p, bad);
    if (rc != ERR_OK)
        return rc;
    packet_digest_of(&p->pkt_digest, p->hdr.data, p->hdr.len, p->wraps.data,
                     w->hdr.n_slots, p->body.data, p->body.len);
    return ERR_OK;
}

enum err
packet_seal(struct sealed_packet *out, const struct packet_draft *d,
            size_t *bad)
{
    struct sealed_packet made = {.hdr = {0}};
    struct work *w = calloc(1, sizeof(*w));
    enum err rc;

    if (w == NULL)
        return ERR_NOMEM;
    w->draft = d;
    rc = seal(w, &made, bad);
    buf_clear(&w->inner);
    buf_clear(&w->padded);
    crypto_wipe(w, sizeof(*w));
    free(w);
    if (rc == ERR_OK)
        *out = made;
    else
        packet_clear(&made);
    return rc;
}
