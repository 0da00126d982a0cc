/* crypto_digest.c - the digests of crypto.h. */
#include "proto/crypto.h"

#include <assert.h>
#include <string.h>

#include <sodium.h>

#include "common/bytes.h"

_Static_assert(sizeof(((struct sha256 *)0)->opaque) ==
                   sizeof(crypto_hash_sha256_state),
               "struct sha256 holds the library's state");
_Static_assert(sizeof(((struct bulk *)0)->outer) ==
                   sizeof(crypto_generichash_blake2b_state),
               "struct bulk holds the library's state");

/* ---- digests ---- */

static crypto_hash_sha256_state *
sha256_state(struct sha256 *s)
{
    return (crypto_hash_sha256_state *)(void *)s->opaque;
}

void
sha256_init(struct sha256 *s)
{
    crypto_hash_sha256_init(sha256_state(s));
}

void
sha256_update(struct sha256 *s, const void *bytes, size_t len)
{
    if (len > 0)
        crypto_hash_sha256_update(sha256_state(s), bytes, len);
}

void
sha256_final(struct sha256 *s, struct hash *out)
{
    crypto_hash_sha256_final(sha256_state(s), out->b);
    sodium_memzero(s, sizeof(*s));
}

void
sha256(struct hash *out, const void *bytes, size_t len)
{
    struct sha256 s;

    sha256_init(&s);
    sha256_update(&s, bytes, len);
    sha256_final(&s, out);
}

void
sha512(uint8_t out[64], const void *bytes, size_t len)
{
    crypto_hash_sha512(out, len > 0 ? bytes : out, len);
}

void
blake2b256(struct hash *out, const void *bytes, size_t len)
{
    crypto_generichash_blake2b(out->b, sizeof(out->b), bytes, len, NULL, 0);
}

void
domain_hash(struct hash *out, const char *domain, const struct span *parts,
            size_t n)
{
    struct sha256 s;

    sha256_init(&s);
    sha256_update(&s, domain, strlen(domain) + 1);
    for (size_t i = 0; i < n; i++)
        sha256_update(&s, parts[i].p, parts[i].len);
    sha256_final(&s, out);
}

/* ---- D(x) ---- */

static const char bulk_domain[] = "sealpost/1/bulk";
enum { BULK_PIECE_LEN = 1 << 20 };

/* The library wants its state on 64 bytes; a struct bulk lies anywhere, so
 * each step works on an aligned copy. */
static void
blake_init(uint8_t state[384])
{
    crypto_generichash_blake2b_state st;

    crypto_generichash_blake2b_init(&st, NULL, 0, sizeof(struct hash));
    memcpy(state, &st, sizeof(st));
}

static void
blake_update(uint8_t state[384], const void *bytes, size_t len)
{
    crypto_generichash_blake2b_state st;

    memcpy(&st, state, sizeof(st));
    crypto_generichash_blake2b_update(&st, bytes, len);
    memcpy(state, &st, sizeof(st));
}

static void
blake_final(uint8_t state[384], struct hash *out)
{
    crypto_generichash_blake2b_state st;

    memcpy(&st, state, sizeof(st));
    crypto_generichash_blake2b_final(&st, out->b, sizeof(out->b));
}

static void
start_piece(struct bulk *b)
{
    blake_init(b->piece);
    b->piece_left =
        b->len_left < BULK_PIECE_LEN ? (uint32_t)b->len_left : BULK_PIECE_LEN;
}

void
bulk_init(struct bulk *b, uint64_t total_len)
{
    uint8_t len[8];

    memset(b, 0, sizeof(*b));
    b->len_left = total_len;
    blake_init(b->outer);
    blake_update(b->outer, bulk_domain, sizeof(bulk_domain));
    put_u64(len, total_len);
    blake_update(b->outer, len, sizeof(len));
    start_piece(b);
}

void
bulk_update(struct bulk *b, const void *bytes, size_t len)
{
    const uint8_t *p = bytes;

    if (len > b->len_left) {
        b->overrun = true;
        return;
    }
    while (len > 0) {
        size_t take = len < b->piece_left ? len : b->piece_left;
        struct hash d;

        blake_update(b->piece, p, take);
        p += take;
        len -= take;
        b->len_left -= take;
        b->piece_left -= (uint32_t)take;
        if (b->piece_left > 0)
            continue;
        blake_final(b->piece, &d);
        blake_update(b->outer, d.b, sizeof(d.b));
        start_piece(b);
    }
}

enum err
bulk_final(struct bulk *b, struct hash *out)
{
    if (b->overrun || b->len_left > 0)
        return ERR_MALFORMED;
    blake_final(b->outer, out);
    return ERR_OK;
}

void
bulk_digest(struct hash *out, const void *bytes, size_t len)
{
    struct bulk b;
    enum err rc;

    bulk_init(&b, len);
    bulk_update(&b, bytes, len);
    rc = bulk_final(&b, out);
    assert(rc == ERR_OK);
    (void)rc;
}
