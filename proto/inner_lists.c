/*
 * inner_lists.c - the signed lists of an INNER without its content: who signed
 * what, for people who may not read it (PROTOCOL.md sections 8.4, 14.10).
 */
#include <string.h>

#include "common/bytes.h"
#include "proto/inner_inside.h"

enum { SIG_LEN = sizeof(struct sig) };

/* Where the lists stand; each with its count. */
struct lists {
    struct span fixed, parts, atts;
    const uint8_t *sig;
};

static void
locate(struct rd *r, struct lists *l)
{
    const uint8_t *n_parts, *n_atts;

    l->fixed = (struct span){rd_ref(r, INNER_FIXED_LEN), INNER_FIXED_LEN};
    n_parts = rd_ref(r, 1);
    l->parts.p = n_parts;
    l->parts.len = 1 + (n_parts == NULL ? 0u : *n_parts) * INNER_PART_ROW_LEN;
    rd_ref(r, l->parts.len - 1);
    n_atts = rd_ref(r, 2);
    l->atts.p = n_atts;
    l->atts.len =
        2 + (n_atts == NULL ? 0u : get_u16(n_atts)) * INNER_ATT_SIGNED_LEN;
    rd_ref(r, l->atts.len - 2);
    l->sig = rd_ref(r, SIG_LEN);
}

static enum err
read_parts(struct inner *in, const struct lists *l)
{
    struct rd r = rd_from(l->parts.p, l->parts.len);

    in->n_parts = rd_u8(&r);
    if (in->n_parts > INNER_PARTS_MAX)
        return ERR_MALFORMED;
    for (size_t i = 0; i < in->n_parts; i++) {
        uint8_t here;

        in->parts[i].number = rd_u8(&r);
        here = rd_u8(&r);
        if (here > 1)
            return ERR_MALFORMED;
        in->parts[i].here = here == 1;
        rd_copy(&r, in->parts[i].commit.b, sizeof(in->parts[i].commit.b));
    }
    return rd_end(&r);
}

static enum err
read_atts(struct inner *in, const struct lists *l)
{
    struct rd r = rd_from(l->atts.p, l->atts.len);

    in->n_atts = rd_u16(&r);
    if (in->n_atts > HEADER_ATTS_MAX)
        return ERR_MALFORMED;
    for (size_t i = 0; i < in->n_atts; i++) {
        rd_copy(&r, in->atts[i].id.b, sizeof(in->atts[i].id.b));
        in->atts[i].part = rd_u8(&r);
        in->atts[i].plain_len = rd_u64(&r);
    }
    return rd_end(&r);
}

enum err
inner_lists_parse(struct inner *out, const void *bytes, size_t len)
{
    struct rd r = rd_from(bytes, len);
    struct inner in = {0};
    struct lists l = {0};
    enum err rc;

    if (len > 0 && *(const uint8_t *)bytes != INNER_VERSION)
        return ERR_VERSION;
    locate(&r, &l);
    rc = rd_end(&r);
    if (rc == ERR_OK)
        rc = read_parts(&in, &l);
    if (rc == ERR_OK)
        rc = read_atts(&in, &l);
    if (rc != ERR_OK)
        return rc;
    inner_read_fixed(&in, l.fixed.p);
    memcpy(in.sig.b, l.sig, SIG_LEN);
    if (!inner_lists_are_valid(&in))
        return ERR_MALFORMED;
    *out = in;
    return ERR_OK;
}

enum err
inner_lists_verify(const void *lists, size_t len, const struct hash *hh,
                   const struct sign_key *key)
{
    struct rd r = rd_from(lists, len);
    struct lists l = {0};
    struct hash i0, i1, i2;
    struct sig sig;

    locate(&r, &l);
    if (rd_end(&r) != ERR_OK)
        return ERR_VERIFY;
    domain_hash(&i0, "sealpost/1/i0", &l.fixed, 1);
    domain_hash(&i1, "sealpost/1/i1", &l.parts, 1);
    domain_hash(&i2, "sealpost/1/i2", &l.atts, 1);
    memcpy(sig.b, l.sig, SIG_LEN);
    return sign_check(&sig, key, "sealpost/1/sig",
                      (const struct span[]){{hh->b, sizeof(hh->b)},
                                            {i0.b, sizeof(i0.b)},
                                            {i1.b, sizeof(i1.b)},
                                            {i2.b, sizeof(i2.b)}},
                      4);
}

enum err
inner_lists(struct buf *out, const uint8_t *bytes, size_t len)
{
    struct inner in = {0};
    enum err rc = inner_parse(&in, bytes, len);

    if (rc != ERR_OK)
        return rc == ERR_NOMEM ? rc : ERR_MALFORMED;
    buf_put(out, bytes, INNER_FIXED_LEN + 1 + in.n_parts * INNER_PART_ROW_LEN);
    buf_u16(out, (uint16_t)in.n_atts);
    for (size_t i = 0; i < in.n_atts; i++) {
        buf_put(out, in.atts[i].id.b, sizeof(in.atts[i].id.b));
        buf_u8(out, in.atts[i].part);
        buf_u64(out, in.atts[i].plain_len);
    }
    buf_put(out, in.sig.b, SIG_LEN);
    inner_clear(&in);
    return buf_status(out);
}
