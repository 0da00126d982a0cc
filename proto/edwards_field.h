/*
 * edwards_field.h - arithmetic modulo p = 2^255 - 19, for edwards.c only.
 *
 * Limbs of a product or of a difference are below 2^52; a sum of two such is
 * below 2^53, and may go into a product or be subtracted, but not added again.
 */
#ifndef SEALPOST_PROTO_EDWARDS_FIELD_H
#define SEALPOST_PROTO_EDWARDS_FIELD_H

#include "proto/edwards.h"

#ifdef __SIZEOF_INT128__
#define EDWARDS_IS_SUPPORTED 1
__extension__ typedef unsigned __int128 wide;
#else
#define EDWARDS_IS_SUPPORTED 0
typedef uint64_t wide; /* never used: edwards_decode() refuses */
#endif

void fe_load(struct fe *out, const uint8_t bytes[32]); /* drops the top bit */
void fe_store(uint8_t out[32], const struct fe *a);    /* fully reduced */
bool fe_equal(const struct fe *a, const struct fe *b);
bool fe_is_zero(const struct fe *a);
void fe_mul(struct fe *out, const struct fe *a, const struct fe *b);
void fe_square(struct fe *out, const struct fe *a);
/* a^((p - 5) / 8), of which square roots are made. */
void fe_root(struct fe *out, const struct fe *a);
/* a^(p - 2), that is 1/a. */
void fe_invert(struct fe *out, const struct fe *a);

/* Written out limb by limb: compilers leave short loops as they are at -O2, and
 * all the time of verify_many() is spent here. */
static inline void
fe_add(struct fe *out, const struct fe *a, const struct fe *b)
{
    out->v[0] = a->v[0] + b->v[0];
    out->v[1] = a->v[1] + b->v[1];
    out->v[2] = a->v[2] + b->v[2];
    out->v[3] = a->v[3] + b->v[3];
    out->v[4] = a->v[4] + b->v[4];
}

enum { FE_BITS = 51 };
#define FE_MASK ((UINT64_C(1) << FE_BITS) - 1)

static inline void
fe_carry(struct fe *a)
{
    uint64_t v0 = a->v[0], v1 = a->v[1], v2 = a->v[2], v3 = a->v[3],
             v4 = a->v[4];

    v1 += v0 >> FE_BITS;
    v2 += v1 >> FE_BITS;
    v3 += v2 >> FE_BITS;
    v4 += v3 >> FE_BITS;
    a->v[0] = (v0 & FE_MASK) + 19 * (v4 >> FE_BITS);
    a->v[1] = v1 & FE_MASK;
    a->v[2] = v2 & FE_MASK;
    a->v[3] = v3 & FE_MASK;
    a->v[4] = v4 & FE_MASK;
}

/* Eight times p is added, so that no limb goes below zero. */
static inline void
fe_sub(struct fe *out, const struct fe *a, const struct fe *b)
{
    out->v[0] = a->v[0] + 8 * (FE_MASK - 18) - b->v[0];
    out->v[1] = a->v[1] + 8 * FE_MASK - b->v[1];
    out->v[2] = a->v[2] + 8 * FE_MASK - b->v[2];
    out->v[3] = a->v[3] + 8 * FE_MASK - b->v[3];
    out->v[4] = a->v[4] + 8 * FE_MASK - b->v[4];
    fe_carry(out);
}

#endif
