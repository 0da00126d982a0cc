/*
 * edwards.h - points of the curve of Ed25519 (RFC 8032, 5.1) and sums of many
 * multiples of them, for checking many signatures at once (verify_many.h).
 *
 * For public data only: times depend on the values.  Nothing here ever touches
 * a secret; signing, and checking one signature, is libsodium's (crypto.h).
 * Numbers modulo 2^255 - 19 are five limbs of 51 bits; formulas are those of
 * Hisil, Wong, Carter and Dawson (2008) in extended coordinates, which are
 * complete on this curve.
 */
#ifndef SEALPOST_PROTO_EDWARDS_H
#define SEALPOST_PROTO_EDWARDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"

struct fe {
    uint64_t v[5];
};
/* x = X/Z, y = Y/Z, xy = T/Z. */
struct point {
    struct fe x, y, z, t;
};

/* The base point, encoded. */
extern const uint8_t edwards_base[32];

/* Only the one right encoding (RFC 8032, 5.1.3); ERR_MALFORMED for all others
 * and for what is no point.  ERR_UNSUPPORTED where the compiler has no integers
 * of 128 bits. */
enum err edwards_decode(struct point *out, const uint8_t bytes[32]);
void edwards_encode(uint8_t out[32], const struct point *p);
bool edwards_is_neutral(const struct point *p);
/* Eight times P is the neutral element. */
bool edwards_is_small(const struct point *p);

/* A point, decoded, times SCALAR (little-endian, below 2^253). */
struct edwards_term {
    struct point p;
    uint8_t scalar[32];
};
/* No point of TERMS (their scalars do not count) has a small-order part: sums
 * of random halves of them vanish when multiplied by the order of the group.  A
 * point that has one is overlooked with probability 2^-ROUNDS.  COINS: ROUNDS
 * times N random bits.  ERR_OK, ERR_VERIFY, ERR_NOMEM. */
enum err edwards_are_pure(const struct edwards_term *terms, size_t n,
                          const uint8_t *coins, unsigned rounds);
/* The sum of N terms (Pippenger's buckets).  ERR_NOMEM. */
enum err edwards_sum(const struct edwards_term *terms, size_t n,
                     struct point *out);

#endif
