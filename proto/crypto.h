/*
 * crypto.h - the only door to libsodium (>= 1.0.22).  Knows primitives and the
 * house's two framings (domain-separated hash and signature, bulk digest D);
 * knows no packets, statements or sessions.
 *
 * Call crypto_init() once before anything else here.  Everything else may be
 * called from any thread.  Pointers are borrowed for the call.  A span with
 * length 0 may have any pointer, NULL too.  Where a function gives void it
 * cannot fail.
 */
#ifndef SEALPOST_PROTO_CRYPTO_H
#define SEALPOST_PROTO_CRYPTO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "proto/ids.h"

/* Bytes somewhere else, borrowed. */
struct span {
    const void *p;
    size_t len;
};

/* ---- housekeeping ---- */

/* May be called again.  ERR_UNSUPPORTED when the library cannot start. */
enum err crypto_init(void);
void crypto_random(void *out, size_t len);
/* Zeros that the compiler may not leave out. */
void crypto_wipe(void *p, size_t len);
/* Constant time in the bytes (not in LEN). */
bool crypto_equal(const void *a, const void *b, size_t len);
/* Guarded memory, out of core dumps and swap where the system allows, zeroed.
 * NULL: no memory.  Freeing wipes; NULL is fine. */
void *crypto_secret_new(size_t len);
void crypto_secret_free(void *p);

/* ---- digests ---- */

/* Streaming SHA-256; embed anywhere, copy to fork. */
struct sha256 {
    _Alignas(8) uint8_t opaque[104];
};
void sha256_init(struct sha256 *s);
void sha256_update(struct sha256 *s, const void *bytes, size_t len);
/* Wipes S. */
void sha256_final(struct sha256 *s, struct hash *out);
void sha256(struct hash *out, const void *bytes, size_t len);
void sha512(uint8_t out[64], const void *bytes, size_t len);
void blake2b256(struct hash *out, const void *bytes, size_t len);

/* SHA-256(DOMAIN || 0x00 || parts...).  DOMAIN is a C string without the zero
 * byte ("sealpost/1/hdr"); the zero is hashed. */
void domain_hash(struct hash *out, const char *domain, const struct span *parts,
                 size_t n);

/*
 * D(x), PROTOCOL.md section 2: BLAKE2b-256 over the length and the digests of
 * each MiB.  The length stands first, so it is told at the start; updates may
 * be cut anywhere.  Not for secrets.  Embed anywhere, copy to fork.
 */
struct bulk {
    uint64_t len_left;   /* bytes still to come */
    uint32_t piece_left; /* bytes until this MiB is full */
    bool overrun;
    uint8_t outer[384];
    uint8_t piece[384];
};
void bulk_init(struct bulk *b, uint64_t total_len);
void bulk_update(struct bulk *b, const void *bytes, size_t len);
/* ERR_MALFORMED unless exactly the promised length came. */
enum err bulk_final(struct bulk *b, struct hash *out);
void bulk_digest(struct hash *out, const void *bytes, size_t len);

/* ---- keyed: HMAC (RFC 2104), HKDF (RFC 5869), Argon2id (RFC 9106) ---- */

void hmac256(struct hash *out, const void *key, size_t key_len,
             const struct span *parts, size_t n);
void hkdf256_extract(uint8_t prk[32], const void *salt, size_t salt_len,
                     const struct span *ikm, size_t n);
/* ERR_TOOBIG above 255 * 32 (64) bytes.  The info is the parts joined. */
enum err hkdf256_expand(void *out, size_t len, const uint8_t prk[32],
                        const struct span *info, size_t n);
enum err hkdf512_expand(void *out, size_t len, const uint8_t prk[32],
                        const struct span *info, size_t n);
/* MEM in bytes, one lane.  ERR_NOMEM when MEM cannot be had, ERR_TOOBIG when
 * parameters lie outside what the library accepts. */
enum err argon2id(void *out, size_t len, const void *pass, size_t pass_len,
                  const uint8_t salt[16], uint32_t ops, uint64_t mem);

/* ---- Ed25519 (RFC 8032) ---- */

/* The seed, and the public key kept beside it.  Secret: wipe after use. */
struct sign_secret {
    uint8_t seed[32];
    struct sign_key pub;
};
void sign_keypair_from_seed(struct sign_secret *out, const uint8_t seed[32]);
void sign_raw(struct sig *out, const struct sign_secret *key, const void *bytes,
              size_t len);
/* Strict: ERR_VERIFY also for small-order or non-canonical points and S >= L,
 * whatever the equation says. */
enum err verify_raw(const struct sig *sig, const struct sign_key *key,
                    const void *bytes, size_t len);
/* Over DOMAIN || 0x00 || parts..., not hashed before.  ERR_NOMEM possible. */
enum err sign_make(struct sig *out, const struct sign_secret *key,
                   const char *domain, const struct span *parts, size_t n);
enum err sign_check(const struct sig *sig, const struct sign_key *key,
                    const char *domain, const struct span *parts, size_t n);

/* ---- X25519 (RFC 7748) ---- */

struct dh_secret {
    uint8_t b[32];
};
void dh_public(struct dh_key *out, const struct dh_secret *secret);
/* ERR_VERIFY when the result is all zero (low-order PEER). */
enum err dh_shared(uint8_t out[32], const struct dh_secret *secret,
                   const struct dh_key *peer);

/* ---- AEADs; the tag of 16 bytes stands behind the ciphertext ---- */

enum { AEAD_TAG_LEN = 16 };

/* Seal gives LEN + 16 bytes, open LEN - 16.  OUT may be the input itself.
 * Open gives ERR_VERIFY when the tag is wrong or LEN < 16; OUT then never
 * holds plaintext (it may have been zeroed). */
void aead_seal(uint8_t *out, const uint8_t key[32], const uint8_t nonce[12],
               const void *ad, size_t ad_len, const void *plain, size_t len);
enum err aead_open(uint8_t *out, const uint8_t key[32], const uint8_t nonce[12],
                   const void *ad, size_t ad_len, const void *sealed,
                   size_t len);
void xaead_seal(uint8_t *out, const uint8_t key[32], const uint8_t nonce[24],
                const void *ad, size_t ad_len, const void *plain, size_t len);
enum err xaead_open(uint8_t *out, const uint8_t key[32],
                    const uint8_t nonce[24], const void *ad, size_t ad_len,
                    const void *sealed, size_t len);

/* An AEAD as a parameter (RFC 5116 names), for chunked.c: 32-byte key,
 * 12-byte nonce, no additional data.  The contract is that of aead_seal and
 * aead_open. */
struct aead {
    const char *name;
    bool (*is_available)(void);
    void (*seal)(uint8_t *out, const uint8_t key[32], const uint8_t nonce[12],
                 const void *plain, size_t len);
    enum err (*open)(uint8_t *out, const uint8_t key[32],
                     const uint8_t nonce[12], const void *sealed, size_t len);
};
extern const struct aead aead_chacha20_poly1305; /* in use */
/* Only on processors that have it; lets public vectors run on chunked.c. */
extern const struct aead aead_aes_256_gcm;

/* ---- X-Wing (draft-connolly-cfrg-xwing-kem): X25519 + ML-KEM-768 ---- */

enum { KEM_CT_LEN = 1120, KEM_SEED_LEN = 32 };

/* The private key is the seed itself. */
void kem_keypair(struct kem_key *pub, const uint8_t seed[32]);
/* ERR_VERIFY: PUB is not a valid key. */
enum err kem_enc(uint8_t ss[32], uint8_t ct[1120], const struct kem_key *pub);
/* With the randomness given: for test vectors only. */
enum err kem_enc_fixed(uint8_t ss[32], uint8_t ct[1120],
                       const struct kem_key *pub, const uint8_t eseed[64]);
/* ERR_VERIFY: the ciphertext cannot be for any key.  A ciphertext for another
 * key or a damaged one mostly gives ERR_OK and a useless SS. */
enum err kem_dec(uint8_t ss[32], const uint8_t ct[1120],
                 const uint8_t seed[32]);

/* ---- base64 (RFC 4648 section 4, padded, strict) ---- */

#define B64_LEN(n) (((n) + 2) / 3 * 4)
/* OUT has room for B64_LEN(len) + 1; a terminator is written. */
void b64_encode(char *out, const void *bytes, size_t len);
/* Exactly the text of TEXT_LEN characters: no spaces, no missing padding, no
 * stray bits, else ERR_MALFORMED (and OUT may hold a part); ERR_TOOBIG above
 * CAP bytes. */
enum err b64_decode(void *out, size_t cap, size_t *out_len, const char *text,
                    size_t text_len);

#endif
