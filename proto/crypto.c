#include "proto/crypto.h"

#include <string.h>

#include <sodium.h>

#include "common/buf.h"

_Static_assert(sizeof(struct sign_secret) == crypto_sign_ed25519_SECRETKEYBYTES,
               "seed || public key is the library's secret key");
_Static_assert((unsigned)KEM_CT_LEN == crypto_kem_xwing_CIPHERTEXTBYTES,
               "X-Wing ciphertext");
_Static_assert(sizeof(struct kem_key) == crypto_kem_xwing_PUBLICKEYBYTES,
               "X-Wing public key");

/* ---- housekeeping ---- */

enum err
crypto_init(void)
{
    return sodium_init() < 0 ? ERR_UNSUPPORTED : ERR_OK;
}

void
crypto_random(void *out, size_t len)
{
    randombytes_buf(out, len);
}

void
crypto_wipe(void *p, size_t len)
{
    sodium_memzero(p, len);
}

bool
crypto_equal(const void *a, const void *b, size_t len)
{
    return sodium_memcmp(a, b, len) == 0;
}

void *
crypto_secret_new(size_t len)
{
    /* The library puts the block against a guard page, so only a multiple of
     * 16 is aligned for any struct. */
    size_t rounded = (len + 15) & ~(size_t)15;
    void *p;

    if (rounded < len)
        return NULL;
    p = sodium_malloc(rounded);
    if (p != NULL)
        memset(p, 0, rounded);
    return p;
}

void
crypto_secret_free(void *p)
{
    sodium_free(p);
}

/* ---- keyed ---- */

void
hmac256(struct hash *out, const void *key, size_t key_len,
        const struct span *parts, size_t n)
{
    crypto_auth_hmacsha256_state st;

    crypto_auth_hmacsha256_init(&st, key_len > 0 ? key : out->b, key_len);
    for (size_t i = 0; i < n; i++)
        if (parts[i].len > 0)
            crypto_auth_hmacsha256_update(&st, parts[i].p, parts[i].len);
    crypto_auth_hmacsha256_final(&st, out->b);
    sodium_memzero(&st, sizeof(st));
}

void
hkdf256_extract(uint8_t prk[32], const void *salt, size_t salt_len,
                const struct span *ikm, size_t n)
{
    struct hash out;

    hmac256(&out, salt, salt_len, ikm, n);
    memcpy(prk, out.b, sizeof(out.b));
    sodium_memzero(&out, sizeof(out));
}

/* One block of RFC 5869 section 2.3: HMAC(prk, before || info || counter). */
typedef void expand_block(uint8_t *block, const uint8_t prk[32],
                          const uint8_t *before, size_t before_len,
                          const struct span *info, size_t n, uint8_t counter);

static void
expand_block256(uint8_t *block, const uint8_t prk[32], const uint8_t *before,
                size_t before_len, const struct span *info, size_t n,
                uint8_t counter)
{
    crypto_auth_hmacsha256_state st;

    crypto_auth_hmacsha256_init(&st, prk, 32);
    crypto_auth_hmacsha256_update(&st, before, before_len);
    for (size_t i = 0; i < n; i++)
        if (info[i].len > 0)
            crypto_auth_hmacsha256_update(&st, info[i].p, info[i].len);
    crypto_auth_hmacsha256_update(&st, &counter, 1);
    crypto_auth_hmacsha256_final(&st, block);
    sodium_memzero(&st, sizeof(st));
}

/* HMAC pads its key with zeros, so the 32-byte key is its own 64-byte PRK. */
static void
expand_block512(uint8_t *block, const uint8_t prk[32], const uint8_t *before,
                size_t before_len, const struct span *info, size_t n,
                uint8_t counter)
{
    crypto_auth_hmacsha512_state st;

    crypto_auth_hmacsha512_init(&st, prk, 32);
    crypto_auth_hmacsha512_update(&st, before, before_len);
    for (size_t i = 0; i < n; i++)
        if (info[i].len > 0)
            crypto_auth_hmacsha512_update(&st, info[i].p, info[i].len);
    crypto_auth_hmacsha512_update(&st, &counter, 1);
    crypto_auth_hmacsha512_final(&st, block);
    sodium_memzero(&st, sizeof(st));
}

static enum err
hkdf_expand(void *out, size_t len, expand_block *block, size_t block_len,
            const uint8_t prk[32], const struct span *info, size_t n)
{
    uint8_t t[64];
    uint8_t *p = out;
    uint8_t counter = 1;

    if (len > 255 * block_len)
        return ERR_TOOBIG;
    for (; len > 0; counter++) {
        size_t take = len < block_len ? len : block_len;

        block(t, prk, t, counter == 1 ? 0 : block_len, info, n, counter);
        memcpy(p, t, take);
        p += take;
        len -= take;
    }
    sodium_memzero(t, sizeof(t));
    return ERR_OK;
}

enum err
hkdf256_expand(void *out, size_t len, const uint8_t prk[32],
               const struct span *info, size_t n)
{
    return hkdf_expand(out, len, expand_block256, 32, prk, info, n);
}

enum err
hkdf512_expand(void *out, size_t len, const uint8_t prk[32],
               const struct span *info, size_t n)
{
    return hkdf_expand(out, len, expand_block512, 64, prk, info, n);
}

enum err
argon2id(void *out, size_t len, const void *pass, size_t pass_len,
         const uint8_t salt[16], uint32_t ops, uint64_t mem)
{
    if (mem < crypto_pwhash_argon2id_MEMLIMIT_MIN ||
        mem > crypto_pwhash_argon2id_MEMLIMIT_MAX || mem > SIZE_MAX ||
        ops < crypto_pwhash_argon2id_OPSLIMIT_MIN ||
        len < crypto_pwhash_argon2id_BYTES_MIN ||
        len > crypto_pwhash_argon2id_BYTES_MAX ||
        pass_len > crypto_pwhash_argon2id_PASSWD_MAX)
        return ERR_TOOBIG;
    if (crypto_pwhash_argon2id(out, len, pass_len > 0 ? pass : "", pass_len,
                               salt, ops, (size_t)mem,
                               crypto_pwhash_argon2id_ALG_ARGON2ID13) != 0)
        return ERR_NOMEM;
    return ERR_OK;
}

/* ---- Ed25519 ---- */

void
sign_keypair_from_seed(struct sign_secret *out, const uint8_t seed[32])
{
    uint8_t sk[crypto_sign_ed25519_SECRETKEYBYTES];

    crypto_sign_ed25519_seed_keypair(out->pub.b, sk, seed);
    memcpy(out->seed, sk, sizeof(out->seed));
    sodium_memzero(sk, sizeof(sk));
}

void
sign_raw(struct sig *out, const struct sign_secret *key, const void *bytes,
         size_t len)
{
    crypto_sign_ed25519_detached(out->b, NULL, len > 0 ? bytes : "", len,
                                 (const uint8_t *)key);
}

enum err
verify_raw(const struct sig *sig, const struct sign_key *key, const void *bytes,
           size_t len)
{
    /* The library refuses small order, non-canonical points and S >= L by
     * itself unless built with ED25519_COMPAT; test_crypto.c holds it to it. */
    if (crypto_sign_ed25519_verify_detached(sig->b, len > 0 ? bytes : "", len,
                                            key->b) != 0)
        return ERR_VERIFY;
    return ERR_OK;
}

static enum err
join(struct buf *out, const char *domain, const struct span *parts, size_t n)
{
    buf_put(out, domain, strlen(domain) + 1);
    for (size_t i = 0; i < n; i++)
        buf_put(out, parts[i].p, parts[i].len);
    return buf_status(out);
}

enum err
sign_make(struct sig *out, const struct sign_secret *key, const char *domain,
          const struct span *parts, size_t n)
{
    struct buf all = {0};
    enum err rc = join(&all, domain, parts, n);

    if (rc == ERR_OK)
        sign_raw(out, key, all.data, all.len);
    buf_clear(&all);
    return rc;
}

enum err
sign_check(const struct sig *sig, const struct sign_key *key,
           const char *domain, const struct span *parts, size_t n)
{
    struct buf all = {0};
    enum err rc = join(&all, domain, parts, n);

    if (rc == ERR_OK)
        rc = verify_raw(sig, key, all.data, all.len);
    buf_clear(&all);
    return rc;
}

/* ---- X25519 ---- */

void
dh_public(struct dh_key *out, const struct dh_secret *secret)
{
    crypto_scalarmult_curve25519_base(out->b, secret->b);
}

enum err
dh_shared(uint8_t out[32], const struct dh_secret *secret,
          const struct dh_key *peer)
{
    uint8_t q[32];

    if (crypto_scalarmult_curve25519(q, secret->b, peer->b) != 0)
        return ERR_VERIFY;
    memcpy(out, q, sizeof(q));
    sodium_memzero(q, sizeof(q));
    return ERR_OK;
}

/* ---- AEADs ---- */

void
aead_seal(uint8_t *out, const uint8_t key[32], const uint8_t nonce[12],
          const void *ad, size_t ad_len, const void *plain, size_t len)
{
    crypto_aead_chacha20poly1305_ietf_encrypt(out, NULL, plain, len, ad, ad_len,
                                              NULL, nonce, key);
}

enum err
aead_open(uint8_t *out, const uint8_t key[32], const uint8_t nonce[12],
          const void *ad, size_t ad_len, const void *sealed, size_t len)
{
    if (crypto_aead_chacha20poly1305_ietf_decrypt(out, NULL, NULL, sealed, len,
                                                  ad, ad_len, nonce, key) != 0)
        return ERR_VERIFY;
    return ERR_OK;
}

void
xaead_seal(uint8_t *out, const uint8_t key[32], const uint8_t nonce[24],
           const void *ad, size_t ad_len, const void *plain, size_t len)
{
    crypto_aead_xchacha20poly1305_ietf_encrypt(out, NULL, plain, len, ad,
                                               ad_len, NULL, nonce, key);
}

enum err
xaead_open(uint8_t *out, const uint8_t key[32], const uint8_t nonce[24],
           const void *ad, size_t ad_len, const void *sealed, size_t len)
{
    if (crypto_aead_xchacha20poly1305_ietf_decrypt(out, NULL, NULL, sealed, len,
                                                   ad, ad_len, nonce, key) != 0)
        return ERR_VERIFY;
    return ERR_OK;
}

static bool
always(void)
{
    return true;
}

static void
seal_chacha(uint8_t *out, const uint8_t key[32], const uint8_t nonce[12],
            const void *plain, size_t len)
{
    aead_seal(out, key, nonce, NULL, 0, plain, len);
}

static enum err
open_chacha(uint8_t *out, const uint8_t key[32], const uint8_t nonce[12],
            const void *sealed, size_t len)
{
    return aead_open(out, key, nonce, NULL, 0, sealed, len);
}

static bool
has_aes(void)
{
    return crypto_aead_aes256gcm_is_available() == 1;
}

static void
seal_aes(uint8_t *out, const uint8_t key[32], const uint8_t nonce[12],
         const void *plain, size_t len)
{
    crypto_aead_aes256gcm_encrypt(out, NULL, plain, len, NULL, 0, NULL, nonce,
                                  key);
}

static enum err
open_aes(uint8_t *out, const uint8_t key[32], const uint8_t nonce[12],
         const void *sealed, size_t len)
{
    if (crypto_aead_aes256gcm_decrypt(out, NULL, NULL, sealed, len, NULL, 0,
                                      nonce, key) != 0)
        return ERR_VERIFY;
    return ERR_OK;
}

const struct aead aead_chacha20_poly1305 = {"AEAD_CHACHA20_POLY1305", always,
                                            seal_chacha, open_chacha};
const struct aead aead_aes_256_gcm = {"AEAD_AES_256_GCM", has_aes, seal_aes,
                                      open_aes};

/* ---- X-Wing ---- */

void
kem_keypair(struct kem_key *pub, const uint8_t seed[32])
{
    uint8_t sk[crypto_kem_xwing_SECRETKEYBYTES];

    crypto_kem_xwing_seed_keypair(pub->b, sk, seed);
    sodium_memzero(sk, sizeof(sk));
}

enum err
kem_enc(uint8_t ss[32], uint8_t ct[1120], const struct kem_key *pub)
{
    return crypto_kem_xwing_enc(ct, ss, pub->b) == 0 ? ERR_OK : ERR_VERIFY;
}

enum err
kem_enc_fixed(uint8_t ss[32], uint8_t ct[1120], const struct kem_key *pub,
              const uint8_t eseed[64])
{
    if (crypto_kem_xwing_enc_deterministic(ct, ss, pub->b, eseed) != 0)
        return ERR_VERIFY;
    return ERR_OK;
}

enum err
kem_dec(uint8_t ss[32], const uint8_t ct[1120], const uint8_t seed[32])
{
    return crypto_kem_xwing_dec(ss, ct, seed) == 0 ? ERR_OK : ERR_VERIFY;
}

/* ---- base64 ---- */

void
b64_encode(char *out, const void *bytes, size_t len)
{
    sodium_bin2base64(out, B64_LEN(len) + 1, bytes, len,
                      sodium_base64_VARIANT_ORIGINAL);
}

enum err
b64_decode(void *out, size_t cap, size_t *out_len, const char *text,
           size_t text_len)
{
    size_t pad = 0;

    if (text_len % 4 != 0)
        return ERR_MALFORMED;
    while (pad < 2 && pad < text_len && text[text_len - 1 - pad] == '=')
        pad++;
    if (text_len / 4 * 3 - pad > cap)
        return ERR_TOOBIG;
    if (sodium_base642bin(out, cap, text, text_len, NULL, out_len, NULL,
                          sodium_base64_VARIANT_ORIGINAL) != 0)
        return ERR_MALFORMED;
    return ERR_OK;
}
