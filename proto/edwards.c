#include "proto/edwards.h"

#include <stdlib.h>
#include <string.h>

#include "proto/edwards_field.h"

const uint8_t edwards_base[32] = {
    0x58, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66,
    0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66,
    0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66};

static const struct fe zero;
static const struct fe one = {{1}};
/* d = -121665/121666, 2d, and a square root of -1. */
static const struct fe d = {{0x34dca135978a3, 0x1a8283b156ebd, 0x5e7a26001c029,
                             0x739c663a03cbb, 0x52036cee2b6ff}};
static const struct fe d2 = {{0x69b9426b2f159, 0x35050762add7a, 0x3cf44c0038052,
                              0x6738cc7407977, 0x2406d9dc56dff}};
static const struct fe root_of_minus_one = {{0x61b274a0ea0b0, 0xd5a5fc8f189d,
                                             0x7ef5e9cbd0c60, 0x78595a6804c9e,
                                             0x2b8324804fc1d}};

/* ---- encoding ---- */

static bool
is_odd(const struct fe *a)
{
    uint8_t b[32];

    fe_store(b, a);
    return (b[0] & 1) != 0;
}

/* x^2 = (y^2 - 1) / (d y^2 + 1); false when that is no square. */
static bool
find_x(struct fe *x, const struct fe *y)
{
    struct fe u, v, v3, t, check, minus_u;

    fe_square(&t, y);
    fe_sub(&u, &t, &one);
    fe_mul(&v, &t, &d);
    fe_add(&v, &v, &one);
    fe_square(&v3, &v);
    fe_mul(&v3, &v3, &v);
    fe_square(&t, &v3);
    fe_mul(&t, &t, &v);
    fe_mul(&t, &t, &u);
    fe_root(&t, &t); /* (u v^7)^((p-5)/8) */
    fe_mul(&t, &t, &v3);
    fe_mul(x, &t, &u);
    fe_square(&check, x);
    fe_mul(&check, &check, &v);
    if (fe_equal(&check, &u))
        return true;
    fe_sub(&minus_u, &zero, &u);
    if (!fe_equal(&check, &minus_u))
        return false;
    fe_mul(x, x, &root_of_minus_one);
    return true;
}

enum err
edwards_decode(struct point *out, const uint8_t bytes[32])
{
    bool is_negative = (bytes[31] & 0x80) != 0;
    uint8_t again[32];
    struct point p;

    if (!EDWARDS_IS_SUPPORTED)
        return ERR_UNSUPPORTED;
    fe_load(&p.y, bytes);
    fe_store(again, &p.y);
    again[31] |= (uint8_t)(is_negative ? 0x80 : 0);
    if (memcmp(again, bytes, sizeof(again)) != 0 || !find_x(&p.x, &p.y) ||
        (is_negative && fe_is_zero(&p.x)))
        return ERR_MALFORMED;
    if (is_odd(&p.x) != is_negative)
        fe_sub(&p.x, &zero, &p.x);
    p.z = one;
    fe_mul(&p.t, &p.x, &p.y);
    *out = p;
    return ERR_OK;
}

void
edwards_encode(uint8_t out[32], const struct point *p)
{
    struct fe x, y, inverse;

    fe_invert(&inverse, &p->z);
    fe_mul(&x, &p->x, &inverse);
    fe_mul(&y, &p->y, &inverse);
    fe_store(out, &y);
    out[31] |= (uint8_t)(is_odd(&x) ? 0x80 : 0);
}

/* ---- adding ---- */

/* A point with z = 1, made ready to be added often. */
struct niels {
    struct fe plus, minus, t2d; /* y + x, y - x, 2 d x y */
};

static void
make_niels(struct niels *out, const struct point *p)
{
    fe_add(&out->plus, &p->y, &p->x);
    fe_sub(&out->minus, &p->y, &p->x);
    fe_mul(&out->t2d, &p->t, &d2);
}

/* The common end of all additions. */
static void
combine(struct point *out, const struct fe *e, const struct fe *f,
        const struct fe *g, const struct fe *h)
{
    fe_mul(&out->x, e, f);
    fe_mul(&out->y, g, h);
    fe_mul(&out->t, e, h);
    fe_mul(&out->z, f, g);
}

static void
add_products(struct point *out, const struct fe *a, const struct fe *b,
             const struct fe *c, const struct fe *dd)
{
    struct fe e, f, g, h;

    fe_sub(&e, b, a);
    fe_sub(&f, dd, c);
    fe_add(&g, dd, c);
    fe_carry(&g);
    fe_add(&h, b, a);
    combine(out, &e, &f, &g, &h);
}

/* P += N, or P -= N. */
static void
add_niels(struct point *p, const struct niels *n, bool is_minus)
{
    struct fe a, b, c, dd;

    fe_sub(&a, &p->y, &p->x);
    fe_add(&b, &p->y, &p->x);
    fe_mul(&a, &a, is_minus ? &n->plus : &n->minus);
    fe_mul(&b, &b, is_minus ? &n->minus : &n->plus);
    fe_mul(&c, &p->t, &n->t2d);
    if (is_minus)
        fe_sub(&c, &zero, &c);
    fe_add(&dd, &p->z, &p->z);
    add_products(p, &a, &b, &c, &dd);
}

/* P += Q */
static void
add_point(struct point *p, const struct point *q)
{
    struct fe a, b, c, dd, t;

    fe_sub(&a, &p->y, &p->x);
    fe_sub(&t, &q->y, &q->x);
    fe_mul(&a, &a, &t);
    fe_add(&b, &p->y, &p->x);
    fe_add(&t, &q->y, &q->x);
    fe_mul(&b, &b, &t);
    fe_mul(&c, &p->t, &q->t);
    fe_mul(&c, &c, &d2);
    fe_mul(&dd, &p->z, &q->z);
    fe_add(&dd, &dd, &dd);
    add_products(p, &a, &b, &c, &dd);
}

static void
twice(struct point *p)
{
    struct fe a, b, c, e, f, g, h;

    fe_square(&a, &p->x);
    fe_square(&b, &p->y);
    fe_square(&c, &p->z);
    fe_add(&c, &c, &c);
    fe_add(&e, &p->x, &p->y);
    fe_square(&e, &e);
    fe_add(&h, &a, &b);
    fe_sub(&e, &e, &h);
    fe_sub(&g, &b, &a);
    fe_sub(&f, &g, &c);
    fe_sub(&h, &zero, &h);
    combine(p, &e, &f, &g, &h);
}

static const struct point neutral = {.y = {{1}}, .z = {{1}}};

bool
edwards_is_neutral(const struct point *p)
{
    return fe_is_zero(&p->x) && fe_equal(&p->y, &p->z);
}

bool
edwards_is_small(const struct point *p)
{
    struct point q = *p;

    for (unsigned i = 0; i < 3; i++)
        twice(&q);
    return edwards_is_neutral(&q);
}

/* ---- small-order parts ---- */

/* 2^252 + this, little-endian, is the order of the group. */
static const uint8_t order_tail[16] = {0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63,
                                       0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2,
                                       0xde, 0xf9, 0xde, 0x14};

static bool
vanishes(const struct point *p)
{
    struct point q = *p;

    for (unsigned bit = 252; bit-- > 0;) {
        twice(&q);
        if (bit < 128 && (order_tail[bit / 8] >> bit % 8 & 1) != 0)
            add_point(&q, p);
    }
    return edwards_is_neutral(&q);
}

enum err
edwards_are_pure(const struct edwards_term *terms, size_t n,
                 const uint8_t *coins, unsigned rounds)
{
    struct niels *ready = calloc(n + 1, sizeof(*ready));
    bool is_pure = true;
    size_t coin = 0;

    if (ready == NULL)
        return ERR_NOMEM;
    for (size_t i = 0; i < n; i++)
        make_niels(&ready[i], &terms[i].p);
    for (unsigned r = 0; r < rounds && is_pure; r++) {
        struct point sum = neutral;

        for (size_t i = 0; i < n; i++, coin++)
            if ((coins[coin / 8] >> coin % 8 & 1) != 0)
                add_niels(&sum, &ready[i], false);
        is_pure = vanishes(&sum);
    }
    free(ready);
    return is_pure ? ERR_OK : ERR_VERIFY;
}

/* ---- many multiples ---- */

/* Scalars in WINDOWS signed digits of WIDTH bits, -64 .. 64. */
enum { WIDTH = 7, BUCKETS = 1 << (WIDTH - 1), WINDOWS = 256 / WIDTH + 1 };

struct ready {
    struct niels n;
    int8_t digit[WINDOWS];
};

static unsigned
bits_at(const uint8_t scalar[32], unsigned at)
{
    unsigned v = 0;

    for (unsigned i = 0; i < WIDTH && at + i < 256; i++)
        v |= (unsigned)(scalar[(at + i) / 8] >> (at + i) % 8 & 1) << i;
    return v;
}

static void
make_ready(struct ready *out, const struct edwards_term *term)
{
    int carry = 0;

    make_niels(&out->n, &term->p);
    for (unsigned i = 0; i < WINDOWS; i++) {
        int digit = (int)bits_at(term->scalar, i * WIDTH) + carry;

        carry = digit > BUCKETS;
        out->digit[i] = (int8_t)(digit - carry * 2 * BUCKETS);
    }
}

/* The terms of one window: each goes into the bucket of its digit, and bucket K
 * counts K times, by adding up what was added up so far. */
static void
add_window(const struct ready *r, size_t n, unsigned window, struct point *sum)
{
    struct point buckets[BUCKETS], running = neutral;
    unsigned most = 0;

    for (unsigned i = 0; i < BUCKETS; i++)
        buckets[i] = neutral;
    for (size_t i = 0; i < n; i++) {
        int digit = r[i].digit[window];
        unsigned size = (unsigned)(digit < 0 ? -digit : digit);

        if (size == 0)
            continue;
        add_niels(&buckets[size - 1], &r[i].n, digit < 0);
        most = size > most ? size : most;
    }
    while (most-- > 0) {
        add_point(&running, &buckets[most]);
        add_point(sum, &running);
    }
}

enum err
edwards_sum(const struct edwards_term *terms, size_t n, struct point *out)
{
    struct ready *r = calloc(n + 1, sizeof(*r));

    if (r == NULL)
        return ERR_NOMEM;
    for (size_t i = 0; i < n; i++)
        make_ready(&r[i], &terms[i]);
    *out = neutral;
    for (unsigned w = WINDOWS; w-- > 0;) {
        for (unsigned i = 0; i < WIDTH; i++)
            twice(out);
        add_window(r, n, w, out);
    }
    free(r);
    return ERR_OK;
}
