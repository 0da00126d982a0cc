/*
 * crypto_many.c - verify_many.h.
 *
 *   for each i:  s_i B = R_i + h_i A_i,  h_i = SHA-512(R_i || A_i || M_i)
 *   with random z_i:  sum z_i R_i + sum_k (sum z_i h_i) A_k = (sum z_i s_i) B
 *
 * where k runs over the keys and not over the signatures.
 */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "proto/crypto.h"
#include "proto/edwards.h"
#include "proto/verify_many.h"

enum {
    AT_LEAST = 24,   /* below that one by one is as fast */
    ONE_IN = 64,     /* of a batch that holds is checked again */
    FACTOR_LEN = 16, /* bytes of a z */
    ROUNDS = 20,     /* an impure point is overlooked once in 2^20 times */
};

struct known_key {
    const struct sign_key *key;
    bool is_fine; /* has its one right form, and is not of small order */
    struct point p;
    uint8_t sum[32]; /* of z_i h_i */
};

struct many {
    struct signed_bytes *items[VERIFY_MANY_BEST]; /* in the equation */
    size_t n;
    struct edwards_term terms[2 * VERIFY_MANY_BEST + 1]; /* n of R first */
    struct known_key keys[VERIFY_MANY_BEST];
    size_t n_keys;
    uint8_t factors[VERIFY_MANY_BEST][FACTOR_LEN];
    uint8_t coins[ROUNDS * 2 * VERIFY_MANY_BEST / 8];
    uint8_t base_sum[32]; /* of z_i s_i */
};

static bool
holds_alone(const struct signed_bytes *item)
{
    struct sig sig;

    memcpy(sig.b, item->sig, sizeof(sig.b));
    return verify_raw(&sig, item->key, item->bytes, item->len) == ERR_OK;
}

static bool
decode_fine(struct point *out, const uint8_t bytes[32])
{
    return edwards_decode(out, bytes) == ERR_OK && !edwards_is_small(out);
}

static struct known_key *
known_key(struct many *m, const struct sign_key *key)
{
    struct known_key *k;

    for (size_t i = 0; i < m->n_keys; i++)
        if (id_eq(m->keys[i].key, key))
            return &m->keys[i];
    k = &m->keys[m->n_keys++];
    memset(k, 0, sizeof(*k));
    k->key = key;
    k->is_fine = decode_fine(&k->p, key->b);
    return k;
}

/* Below the order of the group, little-endian. */
static bool
is_scalar(const uint8_t s[32])
{
    static const uint8_t order[32] = {
        0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7,
        0xa2, 0xde, 0xf9, 0xde, 0x14, 0,    0,    0,    0,    0,    0,
        0,    0,    0,    0,    0,    0,    0,    0,    0,    0x10};

    for (unsigned i = 32; i-- > 0;)
        if (s[i] != order[i])
            return s[i] < order[i];
    return false;
}

static void
challenge(uint8_t h[32], const struct signed_bytes *item)
{
    crypto_hash_sha512_state state;
    uint8_t full[64];

    crypto_hash_sha512_init(&state);
    crypto_hash_sha512_update(&state, item->sig, 32);
    crypto_hash_sha512_update(&state, item->key->b, 32);
    crypto_hash_sha512_update(&state, item->bytes, item->len);
    crypto_hash_sha512_final(&state, full);
    crypto_core_ed25519_scalar_reduce(h, full);
}

static void
add_product(uint8_t sum[32], const uint8_t a[32], const uint8_t b[32])
{
    uint8_t product[32];

    crypto_core_ed25519_scalar_mul(product, a, b);
    crypto_core_ed25519_scalar_add(sum, sum, product);
}

/* False: it cannot be in the equation. */
static bool
enter(struct many *m, struct signed_bytes *item)
{
    struct known_key *k = known_key(m, item->key);
    struct edwards_term *r = &m->terms[m->n];
    uint8_t h[32];

    if (!k->is_fine || !is_scalar(item->sig + 32) ||
        !decode_fine(&r->p, item->sig))
        return false;
    memset(r->scalar, 0, sizeof(r->scalar));
    memcpy(r->scalar, m->factors[m->n], FACTOR_LEN);
    r->scalar[0] |= 1; /* never zero */
    challenge(h, item);
    add_product(k->sum, r->scalar, h);
    add_product(m->base_sum, r->scalar, item->sig + 32);
    m->items[m->n++] = item;
    return true;
}

static bool
equation_holds(struct many *m)
{
    size_t n = m->n;
    struct point sum;

    for (size_t i = 0; i < m->n_keys; i++) {
        if (!m->keys[i].is_fine)
            continue;
        m->terms[n].p = m->keys[i].p;
        memcpy(m->terms[n++].scalar, m->keys[i].sum, 32);
    }
    crypto_random(m->coins, sizeof(m->coins));
    if (edwards_are_pure(m->terms, n, m->coins, ROUNDS) != ERR_OK ||
        edwards_decode(&m->terms[n].p, edwards_base) != ERR_OK)
        return false;
    crypto_core_ed25519_scalar_negate(m->terms[n++].scalar, m->base_sum);
    return edwards_sum(m->terms, n, &sum) == ERR_OK && edwards_is_neutral(&sum);
}

/* Some of a batch that holds, drawn anew each time. */
static bool
sample_holds(const struct many *m)
{
    for (size_t i = m->factors[0][1] % ONE_IN; i < m->n; i += ONE_IN)
        if (!holds_alone(m->items[i]))
            return false;
    return true;
}

/* At most VERIFY_MANY_BEST items. */
static void
verify_batch(struct many *m, struct signed_bytes *items, size_t n)
{
    bool all;

    m->n = m->n_keys = 0;
    memset(m->base_sum, 0, sizeof(m->base_sum));
    crypto_random(m->factors, sizeof(m->factors));
    for (size_t i = 0; i < n; i++)
        if (!enter(m, &items[i]))
            items[i].holds = holds_alone(&items[i]);
    all = m->n > 0 && equation_holds(m) && sample_holds(m);
    for (size_t i = 0; i < m->n; i++)
        m->items[i]->holds = all || holds_alone(m->items[i]);
}

void
verify_many(struct signed_bytes *items, size_t n)
{
    struct many *m = n < AT_LEAST ? NULL : malloc(sizeof(*m));

    for (size_t at = 0; at < n; at += VERIFY_MANY_BEST) {
        size_t left = n - at;
        size_t count = left < VERIFY_MANY_BEST ? left : VERIFY_MANY_BEST;

        if (m != NULL && count >= AT_LEAST)
            verify_batch(m, items + at, count);
        else
            for (size_t i = 0; i < count; i++)
                items[at + i].holds = holds_alone(&items[at + i]);
    }
    free(m);
}
