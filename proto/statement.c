#include "proto/statement.h"

#include <assert.h>
#include <string.h>

#include "common/bytes.h"
#include "proto/limits.h"

/* The terminators are part of them. */
static const char domain[] = "sealpost/1/stmt";
static const char pop_domain[] = "sealpost/1/pop";
static const char bundle_domain[] = "sealpost/1/bundle";

enum {
    SIG_LEN = 16 + 64,
    POP_LEN = 64,
};

/* ---- ids ---- */

void
key_id(uint8_t id[16], const struct sign_key *key)
{
    struct hash h;

    domain_hash(&h, "sealpost/1/id", &(struct span){key->b, 32}, 1);
    memcpy(id, h.b, 16);
}

void
agency_id_of(struct agency_id *id, const struct sign_key *root)
{
    key_id(id->b, root);
}

void
device_id_of(struct device_id *id, const struct sign_key *key)
{
    key_id(id->b, key);
}

/* ---- parse ---- */

static bool
signers_ascend(const uint8_t *sigs, unsigned n)
{
    for (unsigned i = 1; i < n; i++)
        if (memcmp(sigs + (i - 1) * SIG_LEN, sigs + i * SIG_LEN, 16) >= 0)
            return false;
    return true;
}

enum err
stmt_parse(struct statement *st, const void *bytes, size_t len)
{
    struct statement got = {.signed_part = bytes};
    struct rd r = rd_from(bytes, len);

    if (len > LIMIT_STMT)
        return ERR_TOOBIG;
    rd_expect(&r, domain, sizeof(domain));
    got.kind = rd_u8(&r);
    got.seq = rd_u64(&r);
    rd_copy(&r, got.prev.b, 32);
    got.time_s = rd_u64(&r);
    rd_copy(&r, got.issuer.b, 16);
    got.body_len = rd_u16(&r);
    got.body_bytes = rd_ref(&r, got.body_len);
    got.signed_len = len - r.left;
    got.n_sig = rd_u8(&r);
    got.sigs = rd_ref(&r, (size_t)got.n_sig * SIG_LEN);
    if (rd_end(&r) != ERR_OK || got.kind == 0 || got.time_s > LIMIT_TIME_S ||
        got.n_sig > LIMIT_SIGNATURES || !signers_ascend(got.sigs, got.n_sig))
        return ERR_MALFORMED;
    if (stmt_kind_info(got.kind) != NULL &&
        stmt_body_parse(&got, got.kind, got.body_bytes, got.body_len) != ERR_OK)
        return ERR_MALFORMED;
    *st = got;
    return ERR_OK;
}

/* ---- build, sign ---- */

enum err
stmt_build(struct buf *out, const struct statement *st)
{
    size_t start = out->len, body;
    enum err rc;

    if (st->time_s > LIMIT_TIME_S)
        return ERR_MALFORMED;
    buf_put(out, domain, sizeof(domain));
    buf_u8(out, st->kind);
    buf_u64(out, st->seq);
    buf_put(out, st->prev.b, 32);
    buf_u64(out, st->time_s);
    buf_put(out, st->issuer.b, 16);
    buf_u16(out, 0); /* filled below */
    body = out->len;
    rc = stmt_body_build(out, st);
    if (rc != ERR_OK)
        goto fail;
    buf_u8(out, 0);
    rc = buf_status(out);
    if (rc == ERR_OK && out->len - start > LIMIT_STMT)
        rc = ERR_TOOBIG;
    if (rc != ERR_OK)
        goto fail;
    put_u16(out->data + body - 2, (uint16_t)(out->len - 1 - body));
    return ERR_OK;
fail:
    out->len = start;
    return rc;
}

/* Where SIGNER stands or would stand among the signatures. */
static unsigned
sig_place(const struct statement *st, const uint8_t signer[16])
{
    unsigned i = 0;

    while (i < st->n_sig && memcmp(st->sigs + i * SIG_LEN, signer, 16) < 0)
        i++;
    return i;
}

enum err
stmt_sign(struct buf *b, const struct sign_secret *key)
{
    struct statement st;
    struct sig sig;
    uint8_t id[16];
    unsigned at;
    size_t count_at, sig_at;
    enum err rc = stmt_parse(&st, b->data, b->len);

    if (rc != ERR_OK)
        return rc;
    key_id(id, &key->pub);
    at = sig_place(&st, id);
    if (at < st.n_sig && memcmp(st.sigs + at * SIG_LEN, id, 16) == 0)
        return ERR_EXISTS;
    if (st.n_sig == LIMIT_SIGNATURES)
        return ERR_FULL;
    if (b->len > LIMIT_STMT - SIG_LEN)
        return ERR_TOOBIG;
    sign_raw(&sig, key, b->data, st.signed_len);
    count_at = st.signed_len;
    sig_at = count_at + 1 + at * SIG_LEN;
    if (buf_reserve(b, SIG_LEN) == NULL)
        return ERR_NOMEM;
    memmove(b->data + sig_at + SIG_LEN, b->data + sig_at, b->len - sig_at);
    memcpy(b->data + sig_at, id, 16);
    memcpy(b->data + sig_at + 16, sig.b, 64);
    b->data[count_at]++;
    b->len += SIG_LEN;
    return ERR_OK;
}

void
stmt_hash(struct hash *out, const struct statement *st)
{
    sha256(out, st->signed_part, st->signed_len);
}

struct stmt_sig
stmt_sig_at(const struct statement *st, unsigned i)
{
    struct stmt_sig s;

    assert(i < st->n_sig);
    memcpy(s.signer, st->sigs + i * SIG_LEN, 16);
    memcpy(s.sig.b, st->sigs + i * SIG_LEN + 16, 64);
    return s;
}

enum err
stmt_sig_check(const struct statement *st, unsigned i,
               const struct sign_key *key)
{
    struct stmt_sig s = stmt_sig_at(st, i);
    uint8_t id[16];

    key_id(id, key);
    if (memcmp(id, s.signer, 16) != 0)
        return ERR_VERIFY;
    return verify_raw(&s.sig, key, st->signed_part, st->signed_len);
}

/* ---- proof of possession ---- */

/* What a pop signs, whole: short enough for the stack, so that checking one
 * cannot run out of memory. */
struct pop_text {
    uint8_t bytes[sizeof(pop_domain) + 32 + 16 + 32 + 32 + 8 + 1 + LIMIT_LABEL];
    size_t len;
};

/* The pop of ST, its new key, its agency, and how many bytes of the body it
 * signs (0: all before pop).  NULL: a kind without. */
static struct sig *
pop_of(struct statement *st, const struct sign_key **key,
       struct agency_id *agency, size_t *covered)
{
    *covered = 0;
    switch (st->kind) {
    case STMT_ADMIT:
        *key = &st->body.admit.root;
        agency_id_of(agency, *key);
        *covered = 32;
        return &st->body.admit.pop;
    case STMT_REROOT:
        *key = &st->body.reroot.root;
        *agency = st->body.reroot.agency;
        return &st->body.reroot.pop;
    case STMT_DEVICE:
        *key = &st->body.device.sign_key;
        *agency = st->issuer;
        return &st->body.device.pop;
    default:
        return NULL;
    }
}

/* BODY is well formed, so its part before pop fits. */
static struct pop_text
pop_text(const struct hash *network_id, const struct agency_id *agency,
         const uint8_t *body, size_t body_len, size_t covered)
{
    struct pop_text t;
    uint8_t *p = t.bytes;
    size_t len = covered != 0 ? covered : body_len - POP_LEN;

    memcpy(p, pop_domain, sizeof(pop_domain));
    memcpy(p += sizeof(pop_domain), network_id->b, 32);
    memcpy(p += 32, agency->b, 16);
    p += 16;
    assert(len <= (size_t)(t.bytes + sizeof(t.bytes) - p));
    memcpy(p, body, len);
    t.len = (size_t)(p - t.bytes) + len;
    return t;
}

enum err
stmt_pop_make(struct statement *st, const struct sign_secret *key,
              const struct hash *network_id)
{
    const struct sign_key *pub;
    struct agency_id agency;
    struct buf body = {0};
    size_t covered;
    struct sig *pop = pop_of(st, &pub, &agency, &covered);
    enum err rc;

    if (pop == NULL || !id_eq(pub, &key->pub))
        return ERR_STATE;
    rc = stmt_body_build(&body, st);
    if (rc == ERR_OK) {
        struct pop_text t =
            pop_text(network_id, &agency, body.data, body.len, covered);

        sign_raw(pop, key, t.bytes, t.len);
    }
    buf_clear(&body);
    return rc;
}

enum err
stmt_pop_check(const struct statement *st, const struct hash *network_id)
{
    struct statement copy = *st;
    const struct sign_key *pub;
    struct agency_id agency;
    size_t covered;
    const struct sig *pop = pop_of(&copy, &pub, &agency, &covered);
    struct pop_text t;

    if (pop == NULL)
        return ERR_OK;
    t = pop_text(network_id, &agency, st->body_bytes, st->body_len, covered);
    return verify_raw(pop, pub, t.bytes, t.len);
}

/* ---- bundles ---- */

void
stmt_bundle_start(struct buf *out)
{
    buf_put(out, bundle_domain, sizeof(bundle_domain));
}

enum err
stmt_bundle_add(struct buf *out, const void *bytes, size_t len)
{
    if (len > LIMIT_STMT)
        return ERR_TOOBIG;
    buf_u16(out, (uint16_t)len);
    buf_put(out, bytes, len);
    return buf_status(out);
}

enum err
stmt_bundle_open(struct stmt_bundle *b, const void *bytes, size_t len)
{
    struct rd r = rd_from(bytes, len);
    struct stmt_bundle got;
    struct statement st;

    rd_expect(&r, bundle_domain, sizeof(bundle_domain));
    got = (struct stmt_bundle){r.p, r.left};
    while (!r.bad && r.left > 0) {
        size_t n = rd_u16(&r);
        const uint8_t *p = rd_ref(&r, n);

        if (p == NULL || stmt_parse(&st, p, n) != ERR_OK)
            return ERR_MALFORMED;
    }
    if (r.bad)
        return ERR_MALFORMED;
    *b = got;
    return ERR_OK;
}

bool
stmt_bundle_next(struct stmt_bundle *b, const uint8_t **bytes, size_t *len)
{
    struct rd r = rd_from(b->p, b->left);
    size_t n = rd_u16(&r);
    const uint8_t *p = rd_ref(&r, n);

    if (p == NULL || n == 0)
        return false;
    *bytes = p;
    *len = n;
    *b = (struct stmt_bundle){r.p, r.left};
    return true;
}
