#include "proto/hpke.h"

#include <assert.h>
#include <string.h>

#include "common/bytes.h"

enum { KDF_HKDF_SHA256 = 0x0001, AEAD_ID_CHACHA20_POLY1305 = 0x0003 };

static const char version[] = "HPKE-v1";
#define VERSION ((struct span){version, sizeof(version) - 1})

struct suite_id {
    uint8_t b[10];
};

static struct suite_id
suite_id(uint16_t kem_id)
{
    struct suite_id sid = {{'H', 'P', 'K', 'E'}};

    put_u16(sid.b + 4, kem_id);
    put_u16(sid.b + 6, KDF_HKDF_SHA256);
    put_u16(sid.b + 8, AEAD_ID_CHACHA20_POLY1305);
    return sid;
}

/* RFC 9180 section 4, LabeledExtract. */
static void
labeled_extract(uint8_t prk[32], const struct suite_id *sid, struct span salt,
                const char *label, struct span ikm)
{
    struct span parts[] = {
        VERSION, {sid->b, sizeof(sid->b)}, {label, strlen(label)}, ikm};

    hkdf256_extract(prk, salt.p, salt.len, parts, 4);
}

/* RFC 9180 section 4, LabeledExpand. */
static void
labeled_expand(uint8_t *out, uint16_t len, const struct suite_id *sid,
               const uint8_t prk[32], const char *label, struct span info)
{
    uint8_t len_bytes[2];
    struct span parts[] = {{len_bytes, sizeof(len_bytes)},
                           VERSION,
                           {sid->b, sizeof(sid->b)},
                           {label, strlen(label)},
                           info};
    enum err rc;

    put_u16(len_bytes, len);
    rc = hkdf256_expand(out, len, prk, parts, 5);
    assert(rc == ERR_OK);
    (void)rc;
}

void
hpke_schedule(struct hpke_keys *out, uint16_t kem_id, const uint8_t ss[32],
              const void *info, size_t info_len)
{
    struct suite_id sid = suite_id(kem_id);
    struct span none = {NULL, 0};
    struct span ctx_span;
    uint8_t ctx[1 + 32 + 32] = {0}; /* mode base = 0 */
    uint8_t secret[32];

    labeled_extract(ctx + 1, &sid, none, "psk_id_hash", none);
    labeled_extract(ctx + 33, &sid, none, "info_hash",
                    (struct span){info, info_len});
    labeled_extract(secret, &sid, (struct span){ss, 32}, "secret", none);
    ctx_span = (struct span){ctx, sizeof(ctx)};
    labeled_expand(out->key, sizeof(out->key), &sid, secret, "key", ctx_span);
    labeled_expand(out->base_nonce, sizeof(out->base_nonce), &sid, secret,
                   "base_nonce", ctx_span);
    crypto_wipe(secret, sizeof(secret));
}

enum err
hpke_wrap(uint8_t *out, const struct kem_key *pub, const void *info,
          size_t info_len, const void *plain, size_t len)
{
    struct hpke_keys keys;
    uint8_t ss[32];
    enum err rc = kem_enc(ss, out, pub);

    if (rc != ERR_OK)
        return rc;
    hpke_schedule(&keys, HPKE_KEM_XWING, ss, info, info_len);
    aead_seal(out + KEM_CT_LEN, keys.key, keys.base_nonce, NULL, 0, plain, len);
    crypto_wipe(&keys, sizeof(keys));
    crypto_wipe(ss, sizeof(ss));
    return ERR_OK;
}

enum err
hpke_unwrap(uint8_t *out, const uint8_t seed[32], const void *info,
            size_t info_len, const uint8_t *wrap, size_t wrap_len)
{
    struct hpke_keys keys;
    uint8_t ss[32];
    enum err rc;

    if (wrap_len < HPKE_WRAP_LEN(0))
        return ERR_VERIFY;
    rc = kem_dec(ss, wrap, seed);
    if (rc != ERR_OK)
        return rc;
    hpke_schedule(&keys, HPKE_KEM_XWING, ss, info, info_len);
    rc = aead_open(out, keys.key, keys.base_nonce, NULL, 0, wrap + KEM_CT_LEN,
                   wrap_len - KEM_CT_LEN);
    crypto_wipe(&keys, sizeof(keys));
    crypto_wipe(ss, sizeof(ss));
    return rc;
}
