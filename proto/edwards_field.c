#include "proto/edwards_field.h"

#include <string.h>

static uint64_t
load64(const uint8_t *p)
{
    uint64_t v = 0;

    for (unsigned i = 8; i-- > 0;)
        v = v << 8 | p[i];
    return v;
}

/* Limb I begins at bit 51 I. */
void
fe_load(struct fe *out, const uint8_t bytes[32])
{
    out->v[0] = load64(bytes) & FE_MASK;
    out->v[1] = load64(bytes + 6) >> 3 & FE_MASK;
    out->v[2] = load64(bytes + 12) >> 6 & FE_MASK;
    out->v[3] = load64(bytes + 19) >> 1 & FE_MASK;
    out->v[4] = load64(bytes + 24) >> 12 & FE_MASK;
}

/* The one representative below p: q is 1 when a is p or more. */
static void
reduce(struct fe *a)
{
    uint64_t q = 19;

    fe_carry(a);
    fe_carry(a);
    for (unsigned i = 0; i < 5; i++)
        q = (a->v[i] + q) >> FE_BITS;
    a->v[0] += 19 * q;
    for (unsigned i = 0; i < 4; i++) {
        a->v[i + 1] += a->v[i] >> FE_BITS;
        a->v[i] &= FE_MASK;
    }
    a->v[4] &= FE_MASK;
}

void
fe_store(uint8_t out[32], const struct fe *a)
{
    struct fe r = *a;
    uint64_t words[4];

    reduce(&r);
    words[0] = r.v[0] | r.v[1] << 51;
    words[1] = r.v[1] >> 13 | r.v[2] << 38;
    words[2] = r.v[2] >> 26 | r.v[3] << 25;
    words[3] = r.v[3] >> 39 | r.v[4] << 12;
    for (unsigned i = 0; i < 32; i++)
        out[i] = (uint8_t)(words[i / 8] >> 8 * (i % 8));
}

bool
fe_equal(const struct fe *a, const struct fe *b)
{
    uint8_t x[32], y[32];

    fe_store(x, a);
    fe_store(y, b);
    return memcmp(x, y, sizeof(x)) == 0;
}

bool
fe_is_zero(const struct fe *a)
{
    static const struct fe zero;

    return fe_equal(a, &zero);
}

/* Columns of a product, brought back to limbs. */
static inline __attribute__((always_inline)) void
fold(struct fe *out, const wide r[5])
{
    wide r1 = r[1] + (uint64_t)(r[0] >> FE_BITS);
    wide r2 = r[2] + (uint64_t)(r1 >> FE_BITS);
    wide r3 = r[3] + (uint64_t)(r2 >> FE_BITS);
    wide r4 = r[4] + (uint64_t)(r3 >> FE_BITS);
    uint64_t v0 = ((uint64_t)r[0] & FE_MASK) + 19 * (uint64_t)(r4 >> FE_BITS);

    out->v[0] = v0 & FE_MASK;
    out->v[1] = ((uint64_t)r1 & FE_MASK) + (v0 >> FE_BITS);
    out->v[2] = (uint64_t)r2 & FE_MASK;
    out->v[3] = (uint64_t)r3 & FE_MASK;
    out->v[4] = (uint64_t)r4 & FE_MASK;
}

/* 2^255 is 19: what lies above comes back nineteenfold. */
void
fe_mul(struct fe *out, const struct fe *a, const struct fe *b)
{
    const uint64_t *x = a->v, *y = b->v;
    uint64_t y1 = 19 * y[1], y2 = 19 * y[2], y3 = 19 * y[3], y4 = 19 * y[4];
    wide r[5];

    r[0] = (wide)x[0] * y[0] + (wide)x[1] * y4 + (wide)x[2] * y3 +
           (wide)x[3] * y2 + (wide)x[4] * y1;
    r[1] = (wide)x[0] * y[1] + (wide)x[1] * y[0] + (wide)x[2] * y4 +
           (wide)x[3] * y3 + (wide)x[4] * y2;
    r[2] = (wide)x[0] * y[2] + (wide)x[1] * y[1] + (wide)x[2] * y[0] +
           (wide)x[3] * y4 + (wide)x[4] * y3;
    r[3] = (wide)x[0] * y[3] + (wide)x[1] * y[2] + (wide)x[2] * y[1] +
           (wide)x[3] * y[0] + (wide)x[4] * y4;
    r[4] = (wide)x[0] * y[4] + (wide)x[1] * y[3] + (wide)x[2] * y[2] +
           (wide)x[3] * y[1] + (wide)x[4] * y[0];
    fold(out, r);
}

void
fe_square(struct fe *out, const struct fe *a)
{
    const uint64_t *x = a->v;
    uint64_t d0 = 2 * x[0], d1 = 2 * x[1], d2 = 2 * x[2];
    uint64_t x3 = 19 * x[3], x4 = 19 * x[4];
    wide r[5];

    r[0] = (wide)x[0] * x[0] + (wide)d1 * x4 + (wide)d2 * x3;
    r[1] = (wide)d0 * x[1] + (wide)d2 * x4 + (wide)x[3] * x3;
    r[2] = (wide)d0 * x[2] + (wide)x[1] * x[1] + (wide)(2 * x[3]) * x4;
    r[3] = (wide)d0 * x[3] + (wide)d1 * x[2] + (wide)x[4] * x4;
    r[4] = (wide)d0 * x[4] + (wide)d1 * x[3] + (wide)x[2] * x[2];
    fold(out, r);
}

/* OUT = a^(2^n) */
static void
square_times(struct fe *out, const struct fe *a, unsigned n)
{
    *out = *a;
    while (n-- > 0)
        fe_square(out, out);
}

/* a^(2^250 - 1), and a^11 beside it; both powers below begin with these. */
static void
long_power(struct fe *out, struct fe *eleven, const struct fe *a)
{
    struct fe t, ones5, ones10, ones20, ones50, ones100;

    square_times(&t, a, 1);      /* 2 */
    square_times(eleven, &t, 2); /* 8 */
    fe_mul(eleven, eleven, a);   /* 9 */
    fe_mul(eleven, eleven, &t);  /* 11 */
    fe_square(&t, eleven);       /* 22 */
    square_times(&ones5, a, 3);  /* 8 */
    fe_mul(&ones5, &ones5, a);   /* 9 */
    fe_mul(&ones5, &ones5, &t);  /* 31 = 2^5 - 1 */
    square_times(&t, &ones5, 5);
    fe_mul(&ones10, &t, &ones5);
    square_times(&t, &ones10, 10);
    fe_mul(&ones20, &t, &ones10);
    square_times(&t, &ones20, 20);
    fe_mul(&t, &t, &ones20); /* 2^40 - 1 */
    square_times(&t, &t, 10);
    fe_mul(&ones50, &t, &ones10);
    square_times(&t, &ones50, 50);
    fe_mul(&ones100, &t, &ones50);
    square_times(&t, &ones100, 100);
    fe_mul(&t, &t, &ones100); /* 2^200 - 1 */
    square_times(&t, &t, 50);
    fe_mul(out, &t, &ones50);
}

/* (p - 5) / 8 = 2^252 - 3 = 4 (2^250 - 1) + 1 */
void
fe_root(struct fe *out, const struct fe *a)
{
    struct fe t, eleven, x = *a;

    long_power(&t, &eleven, &x);
    square_times(&t, &t, 2);
    fe_mul(out, &t, &x);
}

/* p - 2 = 2^255 - 21 = 32 (2^250 - 1) + 11 */
void
fe_invert(struct fe *out, const struct fe *a)
{
    struct fe t, eleven;

    long_power(&t, &eleven, a);
    square_times(&t, &t, 5);
    fe_mul(out, &t, &eleven);
}
