#include "proto/header.h"

#include <assert.h>
#include <string.h>

#include "common/bytes.h"
#include "proto/attachment.h"
#include "proto/crypto.h"
#include "proto/pad.h"

static const uint8_t magic[4] = {'S', 'P', 'P', '1'};

_Static_assert((int)HEADER_LEN_MAX == HEADER_FIXED_LEN +
                                          HEADER_SLOT_LEN * HEADER_SLOTS_MAX +
                                          HEADER_ATT_LEN * HEADER_ATTS_MAX,
               "limits.h says what the layout gives");
_Static_assert((int)WRAP_LEN == (int)KEM_CT_LEN + 32 + (int)AEAD_TAG_LEN,
               "a wrap is an HPKE ciphertext of one content key");

size_t
header_len(size_t n_slots, size_t n_atts)
{
    return HEADER_FIXED_LEN + HEADER_SLOT_LEN * n_slots +
           HEADER_ATT_LEN * n_atts;
}

static bool
slots_are_valid(const struct header *h)
{
    if (h->n_slots < 1 || h->n_slots > HEADER_SLOTS_MAX)
        return false;
    for (size_t i = 1; i < h->n_slots; i++)
        if (id_cmp(&h->slots[i - 1].device, &h->slots[i].device) >= 0)
            return false;
    return true;
}

static bool
atts_are_valid(const struct header *h)
{
    if (h->n_atts > HEADER_ATTS_MAX)
        return false;
    for (size_t i = 0; i < h->n_atts; i++) {
        if (!attachment_ct_len_is_valid(h->atts[i].ct_len))
            return false;
        if (i > 0 && id_cmp(&h->atts[i - 1].id, &h->atts[i].id) >= 0)
            return false;
    }
    return true;
}

static enum err
check(const struct header *h)
{
    if (h->suite != PACKET_SUITE)
        return ERR_VERSION;
    if (h->class > PACKET_URGENT || h->not_after % HEADER_NOT_AFTER_STEP_S != 0)
        return ERR_MALFORMED;
    if (!body_len_is_valid(h->body_len))
        return ERR_MALFORMED;
    return slots_are_valid(h) && atts_are_valid(h) ? ERR_OK : ERR_MALFORMED;
}

static void
read_fixed(struct rd *r, struct header *h)
{
    h->suite = rd_u8(r);
    h->class = rd_u8(r);
    h->n_slots = rd_u16(r);
    rd_copy(r, h->packet.b, sizeof(h->packet.b));
    rd_copy(r, h->mailbox.b, sizeof(h->mailbox.b));
    h->not_after = rd_u64(r);
    h->body_len = rd_u64(r);
    h->n_atts = rd_u16(r);
}

static void
read_lists(struct rd *r, struct header *h)
{
    for (size_t i = 0; i < h->n_slots; i++) {
        rd_copy(r, h->slots[i].device.b, sizeof(h->slots[i].device.b));
        rd_copy(r, h->slots[i].prekey.b, sizeof(h->slots[i].prekey.b));
    }
    for (size_t i = 0; i < h->n_atts; i++) {
        rd_copy(r, h->atts[i].id.b, sizeof(h->atts[i].id.b));
        h->atts[i].ct_len = rd_u64(r);
        rd_copy(r, h->atts[i].digest.b, sizeof(h->atts[i].digest.b));
    }
}

enum err
header_parse(struct header *out, const void *bytes, size_t len)
{
    const uint8_t *p = bytes;
    struct rd r = rd_from(bytes, len);
    struct header h = {0};
    enum err rc;

    if (len < HEADER_LEN_MIN)
        return ERR_MALFORMED;
    rd_ref(&r, sizeof(magic));
    if (memcmp(p, magic, sizeof(magic)) != 0 || p[4] != PACKET_SUITE)
        return ERR_VERSION;
    read_fixed(&r, &h);
    if (h.n_slots > HEADER_SLOTS_MAX || h.n_atts > HEADER_ATTS_MAX)
        return ERR_MALFORMED;
    read_lists(&r, &h);
    rc = rd_end(&r);
    if (rc == ERR_OK)
        rc = check(&h);
    if (rc == ERR_OK)
        *out = h;
    return rc;
}

enum err
header_encode(struct buf *out, const struct header *h)
{
    if (check(h) != ERR_OK)
        return ERR_MALFORMED;
    buf_put(out, magic, sizeof(magic));
    buf_u8(out, h->suite);
    buf_u8(out, h->class);
    buf_u16(out, (uint16_t)h->n_slots);
    buf_put(out, h->packet.b, sizeof(h->packet.b));
    buf_put(out, h->mailbox.b, sizeof(h->mailbox.b));
    buf_u64(out, h->not_after);
    buf_u64(out, h->body_len);
    buf_u16(out, (uint16_t)h->n_atts);
    for (size_t i = 0; i < h->n_slots; i++) {
        buf_put(out, h->slots[i].device.b, sizeof(h->slots[i].device.b));
        buf_put(out, h->slots[i].prekey.b, sizeof(h->slots[i].prekey.b));
    }
    for (size_t i = 0; i < h->n_atts; i++) {
        buf_put(out, h->atts[i].id.b, sizeof(h->atts[i].id.b));
        buf_u64(out, h->atts[i].ct_len);
        buf_put(out, h->atts[i].digest.b, sizeof(h->atts[i].digest.b));
    }
    return buf_status(out);
}

int
header_slot_of(const struct header *h, const struct device_id *device)
{
    for (size_t i = 0; i < h->n_slots; i++)
        if (id_eq(&h->slots[i].device, device))
            return (int)i;
    return -1;
}

enum err
packet_check_shape(struct header *out, const void *hdr, size_t hdr_len,
                   size_t wraps_len, size_t body_len)
{
    struct header h;
    enum err rc = header_parse(&h, hdr, hdr_len);

    if (rc != ERR_OK)
        return rc;
    if (wraps_len != h.n_slots * WRAP_LEN || body_len != h.body_len)
        return ERR_MALFORMED;
    *out = h;
    return ERR_OK;
}

void
header_hash(struct hash *hh, const void *hdr, size_t len)
{
    domain_hash(hh, "sealpost/1/hdr", &(struct span){hdr, len}, 1);
}

void
wraps_hash_each(struct hash *out, const uint8_t *wraps, size_t n)
{
    for (size_t i = 0; i < n; i++)
        sha256(&out[i], wraps + i * WRAP_LEN, WRAP_LEN);
}

void
wraps_hash(struct hash *wh, const uint8_t *hashes, size_t n)
{
    domain_hash(wh, "sealpost/1/wraps",
                &(struct span){hashes, n * sizeof(struct hash)}, 1);
}

void
packet_digest(struct hash *out, const struct hash *hh, const struct hash *wh,
              const struct hash *body_digest)
{
    const struct span parts[] = {{hh->b, sizeof(hh->b)},
                                 {wh->b, sizeof(wh->b)},
                                 {body_digest->b, sizeof(body_digest->b)}};

    domain_hash(out, "sealpost/1/pkt", parts, 3);
}

void
packet_digest_of(struct hash *out, const void *hdr, size_t hdr_len,
                 const uint8_t *wraps, size_t n, const void *body,
                 size_t body_len)
{
    struct hash each[HEADER_SLOTS_MAX];
    struct hash hh, wh, d;

    assert(n <= HEADER_SLOTS_MAX);
    header_hash(&hh, hdr, hdr_len);
    wraps_hash_each(each, wraps, n);
    wraps_hash(&wh, (const uint8_t *)each, n);
    bulk_digest(&d, body, body_len);
    packet_digest(out, &hh, &wh, &d);
}
