/*
 * Many signatures at once get the answers that libsodium gives to each: for
 * honest ones, for every way to spoil one, and for points that are not what
 * they should be.
 */
#include "proto/verify_many.h"

#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proto/crypto.h"
#include "proto/edwards.h"
#include "tests/lib/fail_alloc.h"

enum { MANY = 600, KEYS = 7, LEN = 80 };

struct world {
    struct sign_secret secret[KEYS];
    struct sign_key key[MANY];
    uint8_t bytes[MANY][LEN];
    struct sig sig[MANY];
    struct signed_bytes items[MANY];
    size_t n;
};

static void
refer(struct world *w, size_t i)
{
    w->items[i] = (struct signed_bytes){.sig = w->sig[i].b,
                                        .key = &w->key[i],
                                        .bytes = w->bytes[i],
                                        .len = LEN};
}

static int
setup(void **state)
{
    struct world *w = calloc(1, sizeof(*w));

    assert_non_null(w);
    assert_int_equal(crypto_init(), ERR_OK);
    for (uint8_t i = 0; i < KEYS; i++) {
        const uint8_t seed[32] = {1, i};

        sign_keypair_from_seed(&w->secret[i], seed);
    }
    for (size_t i = 0; i < MANY; i++) {
        memset(w->bytes[i], (int)i, LEN);
        w->bytes[i][0] = (uint8_t)(i >> 8);
        w->key[i] = w->secret[i % KEYS].pub;
        sign_raw(&w->sig[i], &w->secret[i % KEYS], w->bytes[i], LEN);
        refer(w, i);
    }
    w->n = MANY;
    *state = w;
    return 0;
}

static int
teardown(void **state)
{
    free(*state);
    return 0;
}

/* How many hold; each as libsodium says. */
static size_t
compare(struct world *w)
{
    size_t held = 0;

    for (size_t i = 0; i < w->n; i++)
        w->items[i].holds = i % 2 == 0;
    verify_many(w->items, w->n);
    for (size_t i = 0; i < w->n; i++) {
        bool want =
            verify_raw(&w->sig[i], &w->key[i], w->bytes[i], LEN) == ERR_OK;

        assert_int_equal(w->items[i].holds, want);
        held += want;
    }
    return held;
}

static void
honest_signatures_hold_in_any_number(void **state)
{
    static const size_t numbers[] = {0,  1,  2,   23,  24,  25,
                                     64, 65, 511, 512, 513, MANY};
    struct world *w = *state;

    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        w->n = numbers[i];
        assert_int_equal(compare(w), w->n);
    }
}

static void
a_false_one_is_told_from_the_others_wherever_it_stands(void **state)
{
    struct world *w = *state;

    w->n = 40;
    for (size_t i = 0; i < w->n; i++) {
        w->bytes[i][17] ^= 1;
        assert_int_equal(compare(w), w->n - 1);
        w->bytes[i][17] ^= 1;
    }
}

static void
bits_of_signature_and_key_count(void **state)
{
    struct world *w = *state;

    w->n = 30;
    for (size_t bit = 0; bit < 8 * sizeof(struct sig); bit += 3) {
        w->sig[11].b[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_equal(compare(w), w->n - 1);
        w->sig[11].b[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    for (size_t bit = 0; bit < 256; bit += 3) {
        w->key[12].b[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_equal(compare(w), w->n - 1);
        w->key[12].b[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
}

static void
two_false_ones_do_not_make_up_for_each_other(void **state)
{
    struct world *w = *state;
    struct sig swap;

    w->n = 50;
    swap = w->sig[3];
    w->sig[3] = w->sig[3 + KEYS];
    w->sig[3 + KEYS] = swap;
    assert_int_equal(compare(w), w->n - 2);
    /* s + 1 and s - 1: the sum of the plain equations would still hold. */
    swap = w->sig[20];
    w->sig[20].b[32]++;
    w->sig[20 + KEYS].b[32]--;
    assert_int_equal(compare(w), w->n - 4);
}

static void
random_damage_is_judged_alike(void **state)
{
    struct world *w = *state;
    uint64_t x = 88172645463325252u;

    for (unsigned round = 0; round < 24; round += 2) {
        struct world *v = malloc(sizeof(*v));

        assert_non_null(v);
        *v = *w;
        for (size_t i = 0; i < MANY; i++)
            refer(v, i);
        for (unsigned k = 0; k < round; k++) {
            x ^= x << 13;
            x ^= x >> 7;
            x ^= x << 17;
            v->sig[x % MANY].b[x / MANY % sizeof(struct sig)] ^=
                (uint8_t)(1 + x % 255);
        }
        v->n = MANY;
        (void)compare(v);
        free(v);
    }
}

/* ---- points that are not what they should be ---- */

/* The eight points of small order, and forms that are not the right one. */
static const char *const odd_points[] = {
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0000000000000000000000000000000000000000000000000000000000000080",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000080",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "f0ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "0200000000000000000000000000000000000000000000000000000000000000",
};
enum { ODD = sizeof(odd_points) / sizeof(odd_points[0]), SMALL = 10 };

static void
odd_point(uint8_t out[32], size_t i)
{
    assert_int_equal(
        sodium_hex2bin(out, 32, odd_points[i], 64, NULL, NULL, NULL), 0);
}

static void
odd_keys_and_points_are_judged_alike(void **state)
{
    struct world *w = *state;

    w->n = 60;
    for (size_t i = 0; i < ODD; i++) {
        odd_point(w->key[i].b, i);
        odd_point(w->sig[i + ODD].b, i);
        odd_point(w->key[i + 2 * ODD].b, i);
        odd_point(w->sig[i + 2 * ODD].b, ODD - 1 - i);
        memset(w->sig[i + 2 * ODD].b + 32, 0, 32);
    }
    (void)compare(w);
}

static void
challenge(uint8_t h[32], const struct world *w, size_t i)
{
    crypto_hash_sha512_state s;
    uint8_t full[64];

    crypto_hash_sha512_init(&s);
    crypto_hash_sha512_update(&s, w->sig[i].b, 32);
    crypto_hash_sha512_update(&s, w->key[i].b, 32);
    crypto_hash_sha512_update(&s, w->bytes[i], LEN);
    crypto_hash_sha512_final(&s, full);
    crypto_core_ed25519_scalar_reduce(h, full);
}

/* A signer may add a point of small order to R or to its key: the equation then
 * holds only when both sides are multiplied by the cofactor. */
static void
sign_mixed(struct world *w, size_t i, size_t odd, bool in_key)
{
    const uint8_t base[32] = {9};
    uint8_t a[64], r[64] = {0}, torsion[32], h[32], t[32], plain[32];

    odd_point(torsion, odd);
    crypto_hash_sha512(a, w->secret[i % KEYS].seed, 32);
    a[0] &= 248;
    a[31] = (uint8_t)((a[31] & 127) | 64);
    memset(a + 32, 0, 32);
    crypto_core_ed25519_scalar_reduce(t, a);
    memcpy(a, t, 32);
    r[0] = (uint8_t)(i + 1);
    memcpy(r + 1, base, 20);
    crypto_core_ed25519_scalar_reduce(t, r);
    memcpy(r, t, 32);
    assert_int_equal(crypto_scalarmult_ed25519_base_noclamp(plain, r), 0);
    if (in_key) {
        memcpy(w->sig[i].b, plain, 32);
        (void)crypto_core_ed25519_add(w->key[i].b, w->secret[i % KEYS].pub.b,
                                      torsion);
    } else {
        (void)crypto_core_ed25519_add(w->sig[i].b, plain, torsion);
    }
    challenge(h, w, i);
    crypto_core_ed25519_scalar_mul(t, h, a);
    crypto_core_ed25519_scalar_add(w->sig[i].b + 32, r, t);
}

static void
small_order_parts_are_judged_alike(void **state)
{
    struct world *w = *state;

    w->n = 64;
    for (size_t i = 0; i < SMALL; i++) {
        sign_mixed(w, i, i, false);
        sign_mixed(w, i + 20, i, true);
    }
    (void)compare(w);
    /* Alone, so that one refused does not send all others to libsodium. */
    for (size_t i = 0; i < SMALL; i++) {
        struct world *v = malloc(sizeof(*v));

        assert_non_null(v);
        *v = *w;
        for (size_t k = 0; k < MANY; k++) {
            if (k % 20 < SMALL && k < 40 && k % 20 != i) {
                v->key[k] = w->secret[k % KEYS].pub;
                sign_raw(&v->sig[k], &w->secret[k % KEYS], v->bytes[k], LEN);
            }
            refer(v, k);
        }
        (void)compare(v);
        free(v);
    }
}

static void
numbers_of_the_order_and_above_are_refused(void **state)
{
    static const uint8_t order[32] = {
        0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7,
        0xa2, 0xde, 0xf9, 0xde, 0x14, 0,    0,    0,    0,    0,    0,
        0,    0,    0,    0,    0,    0,    0,    0,    0,    0x10};
    struct world *w = *state;
    unsigned carry = 0;

    w->n = 40;
    for (size_t i = 0; i < 32; i++) { /* the same number, above the order */
        carry += (unsigned)w->sig[5].b[32 + i] + order[i];
        w->sig[5].b[32 + i] = (uint8_t)carry;
        carry >>= 8;
    }
    assert_int_equal(compare(w), w->n - 1);
    memcpy(w->sig[6].b + 32, order, 32);
    assert_int_equal(compare(w), w->n - 2);
}

/* ---- the points themselves ---- */

static void
decoding_accepts_what_libsodium_calls_a_point(void **state)
{
    uint64_t x = 1181783497276652981u;
    unsigned points = 0;

    (void)state;
    for (unsigned i = 0; i < 3000; i++) {
        uint8_t b[32], again[32];
        struct point p;
        enum err rc;

        for (unsigned k = 0; k < 32; k++) {
            x ^= x << 13;
            x ^= x >> 7;
            x ^= x << 17;
            b[k] = (uint8_t)(x >> 24);
        }
        rc = edwards_decode(&p, b);
        if (rc == ERR_OK) {
            edwards_encode(again, &p);
            assert_memory_equal(again, b, 32);
            assert_false(edwards_is_small(&p));
            points++;
        }
        /* It wants a point of the main subgroup: those are some of ours. */
        if (crypto_core_ed25519_is_valid_point(b) == 1)
            assert_int_equal(rc, ERR_OK);
    }
    assert_in_range(points, 1200, 1800); /* half of all are */
}

static void
points_of_small_order_are_known(void **state)
{
    unsigned small = 0;

    (void)state;
    for (size_t i = 0; i < ODD; i++) {
        uint8_t b[32];
        struct point p;

        odd_point(b, i);
        if (edwards_decode(&p, b) == ERR_OK && edwards_is_small(&p))
            small++;
    }
    assert_int_equal(small, 8);
}

static void
sums_are_those_of_libsodium(void **state)
{
    enum { TERMS = 5 };
    struct edwards_term terms[TERMS];
    uint8_t want[32], part[32], got[32];
    struct point sum;

    (void)state;
    for (uint8_t round = 0; round < 20; round++) {
        for (uint8_t i = 0; i < TERMS; i++) {
            uint8_t wide[64], seed[2] = {round, i}, point[32];

            sha512(wide, seed, sizeof(seed));
            crypto_core_ed25519_scalar_reduce(terms[i].scalar, wide);
            assert_int_equal(
                crypto_scalarmult_ed25519_base_noclamp(point, terms[i].scalar),
                0);
            assert_int_equal(edwards_decode(&terms[i].p, point), ERR_OK);
            assert_int_equal(
                crypto_scalarmult_ed25519_noclamp(part, terms[i].scalar, point),
                0);
            if (i == 0)
                memcpy(want, part, 32);
            else
                assert_int_equal(crypto_core_ed25519_add(want, want, part), 0);
        }
        assert_int_equal(edwards_sum(terms, TERMS, &sum), ERR_OK);
        edwards_encode(got, &sum);
        assert_memory_equal(got, want, 32);
    }
    assert_int_equal(edwards_sum(terms, 0, &sum), ERR_OK);
    assert_true(edwards_is_small(&sum));
}

static void
without_memory_the_answers_are_the_same(void **state)
{
    struct world *w = *state;
    bool went_through = false;

    w->n = 40;
    w->bytes[9][3] ^= 1;
    for (unsigned long n = 0; !went_through; n++) {
        fail_alloc_at(n);
        verify_many(w->items, w->n);
        went_through = !fail_alloc_off();
        for (size_t i = 0; i < w->n; i++)
            assert_int_equal(w->items[i].holds, i != 9);
    }
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(honest_signatures_hold_in_any_number),
        T(a_false_one_is_told_from_the_others_wherever_it_stands),
        T(bits_of_signature_and_key_count),
        T(two_false_ones_do_not_make_up_for_each_other),
        T(random_damage_is_judged_alike),
        T(odd_keys_and_points_are_judged_alike),
        T(small_order_parts_are_judged_alike),
        T(numbers_of_the_order_and_above_are_refused),
        T(decoding_accepts_what_libsodium_calls_a_point),
        T(points_of_small_order_are_known),
        T(sums_are_those_of_libsodium),
        T(without_memory_the_answers_are_the_same),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
