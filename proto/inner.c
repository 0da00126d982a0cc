#include "proto/inner.h"

#include <string.h>

#include "common/bytes.h"
#include "proto/attachment.h"
#include "proto/inner_inside.h"

enum {
    PART_ROW_LEN = INNER_PART_ROW_LEN,
    ATT_SIGNED_LEN = INNER_ATT_SIGNED_LEN,
    ATT_ROW_LEN = ATT_SIGNED_LEN + 32,
    SIG_LEN = sizeof(struct sig),
};

/* Where everything stands in INNER bytes.  Lists are signed as received, so
 * signing and verifying both work on this. */
struct map {
    const uint8_t *fixed;
    size_t n_parts;
    const uint8_t *parts; /* the count, then the rows */
    struct {
        const uint8_t *blind;
        const uint8_t *bytes;
        size_t len;
    } here[INNER_PARTS_MAX]; /* NULL where the part is withheld */
    size_t n_atts;
    const uint8_t *atts; /* the count, then the rows */
    const uint8_t *sig;
};

void
inner_clear(struct inner *in)
{
    crypto_wipe(in, sizeof(*in));
}

void
inner_part_commit(struct hash *out, uint8_t number,
                  const uint8_t blind[PART_BLIND_LEN], const void *bytes,
                  size_t len)
{
    const struct span parts[] = {
        {&number, 1}, {blind, PART_BLIND_LEN}, {bytes, len}};

    domain_hash(out, "sealpost/1/part", parts, 3);
}

static const uint8_t *
part_row(const struct map *m, size_t i)
{
    return m->parts + 1 + i * PART_ROW_LEN;
}

static const uint8_t *
att_row(const struct map *m, size_t i)
{
    return m->atts + 2 + i * ATT_ROW_LEN;
}

static void
locate_parts(struct map *m, struct rd *r)
{
    const uint8_t *count = rd_ref(r, 1);

    m->parts = count;
    m->n_parts = count != NULL ? *count : 0;
    if (m->n_parts > INNER_PARTS_MAX)
        r->bad = true;
    rd_ref(r, m->n_parts * PART_ROW_LEN);
    for (size_t i = 0; i < m->n_parts && !r->bad; i++) {
        if (part_row(m, i)[1] == 0)
            continue;
        m->here[i].len = rd_u32(r);
        m->here[i].blind = rd_ref(r, PART_BLIND_LEN);
        m->here[i].bytes = rd_ref(r, m->here[i].len);
    }
}

/* Lengths only; values are for check(). */
static enum err
locate(struct map *m, const uint8_t *bytes, size_t len)
{
    struct rd r = rd_from(bytes, len);
    const uint8_t *count;

    *m = (struct map){0};
    m->fixed = rd_ref(&r, INNER_FIXED_LEN);
    locate_parts(m, &r);
    count = rd_ref(&r, 2);
    m->atts = count;
    m->n_atts = count != NULL ? get_u16(count) : 0;
    rd_ref(&r, m->n_atts * ATT_ROW_LEN);
    m->sig = rd_ref(&r, SIG_LEN);
    return rd_end(&r);
}

static bool
parts_are_valid(const struct inner *in)
{
    if (in->n_parts < 1 || in->n_parts > INNER_PARTS_MAX)
        return false;
    if (in->parts[0].number != INNER_PART_META || !in->parts[0].here)
        return false;
    for (size_t i = 1; i < in->n_parts; i++)
        if (in->parts[i - 1].number >= in->parts[i].number)
            return false;
    return true;
}

static bool
atts_are_valid(const struct inner *in)
{
    if (in->n_atts > HEADER_ATTS_MAX)
        return false;
    for (size_t i = 0; i < in->n_atts; i++) {
        const struct inner_att *att = &in->atts[i];
        const struct inner_part *part = inner_part(in, att->part);

        if (part == NULL || !part->here)
            return false;
        if (att->plain_len > ATTACHMENT_PLAIN_MAX)
            return false;
        if (i > 0 && id_cmp(&in->atts[i - 1].id, &att->id) >= 0)
            return false;
    }
    return true;
}

bool
inner_lists_are_valid(const struct inner *in)
{
    return parts_are_valid(in) && atts_are_valid(in);
}

/* The message of the signature: the header's hash and one a list. */
struct digests {
    struct hash i0, i1, i2;
};

static void
digest_lists(struct digests *d, const struct map *m)
{
    static const char domain[] = "sealpost/1/i2"; /* zero byte counts */
    struct sha256 s;

    domain_hash(&d->i0, "sealpost/1/i0",
                &(struct span){m->fixed, INNER_FIXED_LEN}, 1);
    domain_hash(&d->i1, "sealpost/1/i1",
                &(struct span){m->parts, 1 + m->n_parts * PART_ROW_LEN}, 1);
    sha256_init(&s);
    sha256_update(&s, domain, sizeof(domain));
    sha256_update(&s, m->atts, 2);
    for (size_t i = 0; i < m->n_atts; i++)
        sha256_update(&s, att_row(m, i), ATT_SIGNED_LEN);
    sha256_final(&s, &d->i2);
}

static void
signed_spans(struct span out[4], const struct hash *hh, const struct digests *d)
{
    out[0] = (struct span){hh->b, sizeof(hh->b)};
    out[1] = (struct span){d->i0.b, sizeof(d->i0.b)};
    out[2] = (struct span){d->i1.b, sizeof(d->i1.b)};
    out[3] = (struct span){d->i2.b, sizeof(d->i2.b)};
}

/* ---- making ---- */

static void
put_fixed(struct buf *b, const struct inner *in)
{
    uint8_t head[HEAD_LEN];

    buf_u8(b, INNER_VERSION);
    buf_u8(b, in->type);
    buf_put(b, in->sender.b, sizeof(in->sender.b));
    buf_put(b, in->device.b, sizeof(in->device.b));
    buf_u64(b, in->created_ms);
    head_encode(&in->dir, head);
    buf_put(b, head, sizeof(head));
    head_encode(&in->dlv, head);
    buf_put(b, head, sizeof(head));
    buf_put(b, in->in_reply_to.b, sizeof(in->in_reply_to.b));
}

static void
put_parts(struct buf *b, struct inner *in)
{
    buf_u8(b, (uint8_t)in->n_parts);
    for (size_t i = 0; i < in->n_parts; i++) {
        struct inner_part *p = &in->parts[i];

        if (p->here)
            inner_part_commit(&p->commit, p->number, p->blind, p->bytes,
                              p->len);
        buf_u8(b, p->number);
        buf_u8(b, p->here ? 1 : 0);
        buf_put(b, p->commit.b, sizeof(p->commit.b));
    }
    for (size_t i = 0; i < in->n_parts; i++) {
        const struct inner_part *p = &in->parts[i];

        if (!p->here)
            continue;
        buf_u32(b, (uint32_t)p->len);
        buf_put(b, p->blind, sizeof(p->blind));
        buf_put(b, p->bytes, p->len);
    }
}

static void
put_atts(struct buf *b, const struct inner *in)
{
    buf_u16(b, (uint16_t)in->n_atts);
    for (size_t i = 0; i < in->n_atts; i++) {
        const struct inner_att *att = &in->atts[i];

        buf_put(b, att->id.b, sizeof(att->id.b));
        buf_u8(b, att->part);
        buf_u64(b, att->plain_len);
        buf_put(b, att->key, sizeof(att->key));
    }
}

enum err
inner_measure(const struct inner *in, size_t *out)
{
    size_t len;

    if (!inner_lists_are_valid(in))
        return ERR_MALFORMED;
    len = INNER_FIXED_LEN + 1 + in->n_parts * PART_ROW_LEN + 2 +
          in->n_atts * ATT_ROW_LEN + SIG_LEN;

    for (size_t i = 0; i < in->n_parts; i++) {
        if (!in->parts[i].here)
            continue;
        if (in->parts[i].len > INNER_LEN_MAX)
            return ERR_TOOBIG;
        len += 4 + PART_BLIND_LEN + in->parts[i].len;
    }
    if (len > INNER_LEN_MAX)
        return ERR_TOOBIG;
    *out = len;
    return ERR_OK;
}

/* Signs the INNER that ends B and puts the signature behind it. */
static enum err
sign_tail(struct buf *b, size_t start, struct inner *in, const struct hash *hh,
          const struct sign_secret *key)
{
    struct digests d;
    struct span spans[4];
    struct map m;
    struct sig sig;
    enum err rc;

    buf_zeros(b, SIG_LEN);
    rc = buf_status(b);
    if (rc != ERR_OK)
        return rc;
    rc = locate(&m, b->data + start, b->len - start);
    if (rc != ERR_OK)
        return rc;
    digest_lists(&d, &m);
    signed_spans(spans, hh, &d);
    rc = sign_make(&sig, key, "sealpost/1/sig", spans, 4);
    if (rc != ERR_OK)
        return rc;
    memcpy(b->data + b->len - SIG_LEN, sig.b, SIG_LEN);
    in->sig = sig;
    return ERR_OK;
}

enum err
inner_sign(struct buf *out, struct inner *in, const struct hash *hh,
           const struct sign_secret *key)
{
    size_t start = out->len;
    size_t len;
    enum err rc = inner_measure(in, &len);

    if (rc != ERR_OK)
        return rc;
    put_fixed(out, in);
    put_parts(out, in);
    put_atts(out, in);
    rc = sign_tail(out, start, in, hh, key);
    if (rc != ERR_OK)
        out->len = start;
    return rc;
}

/* ---- reading ---- */

void
inner_read_fixed(struct inner *in, const uint8_t *fixed)
{
    struct rd r = rd_from(fixed, INNER_FIXED_LEN);

    rd_u8(&r); /* version */
    in->type = rd_u8(&r);
    rd_copy(&r, in->sender.b, sizeof(in->sender.b));
    rd_copy(&r, in->device.b, sizeof(in->device.b));
    in->created_ms = rd_u64(&r);
    head_decode(rd_ref(&r, HEAD_LEN), &in->dir);
    head_decode(rd_ref(&r, HEAD_LEN), &in->dlv);
    rd_copy(&r, in->in_reply_to.b, sizeof(in->in_reply_to.b));
}

static enum err
read_parts(struct inner *in, const struct map *m)
{
    in->n_parts = m->n_parts;
    for (size_t i = 0; i < m->n_parts; i++) {
        struct inner_part *p = &in->parts[i];
        const uint8_t *row = part_row(m, i);

        if (row[1] > 1)
            return ERR_MALFORMED;
        p->number = row[0];
        p->here = row[1] == 1;
        memcpy(p->commit.b, row + 2, sizeof(p->commit.b));
        if (!p->here)
            continue;
        memcpy(p->blind, m->here[i].blind, sizeof(p->blind));
        p->bytes = m->here[i].bytes;
        p->len = m->here[i].len;
    }
    return ERR_OK;
}

static enum err
read_atts(struct inner *in, const struct map *m)
{
    if (m->n_atts > HEADER_ATTS_MAX)
        return ERR_MALFORMED;
    in->n_atts = m->n_atts;
    for (size_t i = 0; i < m->n_atts; i++) {
        struct rd r = rd_from(att_row(m, i), ATT_ROW_LEN);
        struct inner_att *att = &in->atts[i];

        rd_copy(&r, att->id.b, sizeof(att->id.b));
        att->part = rd_u8(&r);
        att->plain_len = rd_u64(&r);
        rd_copy(&r, att->key, sizeof(att->key));
    }
    return ERR_OK;
}

static enum err
check_commitments(const struct inner *in)
{
    for (size_t i = 0; i < in->n_parts; i++) {
        const struct inner_part *p = &in->parts[i];
        struct hash commit;

        if (!p->here)
            continue;
        inner_part_commit(&commit, p->number, p->blind, p->bytes, p->len);
        if (!id_eq(&commit, &p->commit))
            return ERR_VERIFY;
    }
    return ERR_OK;
}

static enum err
read_all(struct inner *in, const struct map *m)
{
    enum err rc = read_parts(in, m);

    if (rc != ERR_OK)
        return rc;
    rc = read_atts(in, m);
    if (rc != ERR_OK)
        return rc;
    inner_read_fixed(in, m->fixed);
    memcpy(in->sig.b, m->sig, SIG_LEN);
    if (!inner_lists_are_valid(in))
        return ERR_MALFORMED;
    return check_commitments(in);
}

enum err
inner_parse(struct inner *out, const uint8_t *bytes, size_t len)
{
    struct inner in = {0};
    struct map m;
    enum err rc;

    if (len > INNER_LEN_MAX)
        return ERR_TOOBIG;
    if (len > 0 && bytes[0] != INNER_VERSION)
        return ERR_VERSION;
    rc = locate(&m, bytes, len);
    if (rc == ERR_OK)
        rc = read_all(&in, &m);
    if (rc == ERR_OK)
        *out = in;
    inner_clear(&in);
    return rc;
}

enum err
inner_verify(const uint8_t *bytes, size_t len, const struct hash *hh,
             const struct sign_key *key)
{
    struct digests d;
    struct span spans[4];
    struct map m;
    struct sig sig;

    if (locate(&m, bytes, len) != ERR_OK)
        return ERR_VERIFY;
    digest_lists(&d, &m);
    signed_spans(spans, hh, &d);
    memcpy(sig.b, m.sig, SIG_LEN);
    return sign_check(&sig, key, "sealpost/1/sig", spans, 4);
}

bool
inner_matches_header(const struct inner *in, const struct header *h)
{
    if (in->n_atts != h->n_atts)
        return false;
    for (size_t i = 0; i < in->n_atts; i++) {
        if (!id_eq(&in->atts[i].id, &h->atts[i].id))
            return false;
        if (attachment_ct_len(in->atts[i].plain_len) != h->atts[i].ct_len)
            return false;
    }
    return true;
}

void
inner_opened(struct hash *out, const struct sig *sig)
{
    domain_hash(out, "sealpost/1/opened",
                &(struct span){sig->b, sizeof(sig->b)}, 1);
}

const struct inner_part *
inner_part(const struct inner *in, uint8_t number)
{
    for (size_t i = 0; i < in->n_parts; i++)
        if (in->parts[i].number == number)
            return &in->parts[i];
    return NULL;
}

const struct inner_att *
inner_att(const struct inner *in, const struct att_id *id)
{
    for (size_t i = 0; i < in->n_atts; i++)
        if (id_eq(&in->atts[i].id, id))
            return &in->atts[i];
    return NULL;
}
