#include "proto/crypto.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/bytes.h"
#include "tests/lib/fail_alloc.h"

#define SPAN(text)                                                             \
    (struct span)                                                              \
    {                                                                          \
        text, sizeof(text) - 1                                                 \
    }

static void
assert_hash(const struct hash *h, const char *hex)
{
    char got[65];

    hex_encode(got, h->b, sizeof(h->b));
    assert_string_equal(got, hex);
}

static void
digests_are_the_published_ones(void **state)
{
    struct hash h;
    uint8_t long_hash[64];
    char hex[129];

    (void)state;
    sha256(&h, "abc", 3);
    assert_hash(&h, "ba7816bf8f01cfea414140de5dae2223"
                    "b00361a396177a9cb410ff61f20015ad");
    sha256(&h, NULL, 0);
    assert_hash(&h, "e3b0c44298fc1c149afbf4c8996fb924"
                    "27ae41e4649b934ca495991b7852b855");
    blake2b256(&h, "abc", 3);
    assert_hash(&h, "bddd813c634239723171ef3fee98579b"
                    "94964e3bb1cb3e427262c8c068d52319");
    sha512(long_hash, NULL, 0);
    hex_encode(hex, long_hash, sizeof(long_hash));
    assert_memory_equal(hex, "cf83e1357eefb8bdf1542850d66d8007", 32);
}

static void
a_domain_ends_with_a_zero_byte(void **state)
{
    struct span parts[] = {SPAN("ab"), {NULL, 0}, SPAN("c")};
    struct hash h, want;

    (void)state;
    domain_hash(&h, "sealpost/1/test", parts, 3);
    sha256(&want, "sealpost/1/test\0abc", 19);
    assert_true(id_eq(&h, &want));
    domain_hash(&h, "sealpost/1/testa", parts, 3);
    assert_false(id_eq(&h, &want));
}

/* D(x) once more, straight from PROTOCOL.md. */
static void
slow_bulk(struct hash *out, const uint8_t *x, size_t len)
{
    size_t pieces = (len + (1 << 20) - 1) >> 20;
    size_t all_len = 16 + 8 + 32 * pieces;
    uint8_t *all = malloc(all_len);

    assert_non_null(all);
    memcpy(all, "sealpost/1/bulk", 16);
    put_u64(all + 16, len);
    for (size_t i = 0; i < pieces; i++) {
        size_t at = i << 20;
        struct hash d;

        blake2b256(&d, x + at, len - at < 1 << 20 ? len - at : 1 << 20);
        memcpy(all + 24 + 32 * i, d.b, 32);
    }
    blake2b256(out, all, all_len);
    free(all);
}

static void
bulk_digest_does_not_depend_on_the_cuts(void **state)
{
    static const size_t lens[] = {0,       1,       (1 << 20) - 1, 1 << 20,
                                  1048577, 2 << 20, 2097152 + 7};
    static const size_t steps[] = {1 << 20, 65537, 1 << 21, 4095};
    uint8_t *x = malloc(3 << 20);

    (void)state;
    assert_non_null(x);
    for (size_t i = 0; i < 3 << 20; i++)
        x[i] = (uint8_t)(i * 31 + (i >> 11));
    for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
        struct hash want, got;

        slow_bulk(&want, x, lens[i]);
        bulk_digest(&got, x, lens[i]);
        assert_true(id_eq(&got, &want));
        for (size_t s = 0; s < sizeof(steps) / sizeof(steps[0]); s++) {
            struct bulk b;

            bulk_init(&b, lens[i]);
            for (size_t at = 0; at < lens[i]; at += steps[s])
                bulk_update(&b, x + at,
                            lens[i] - at < steps[s] ? lens[i] - at : steps[s]);
            assert_int_equal(bulk_final(&b, &got), ERR_OK);
            assert_true(id_eq(&got, &want));
        }
    }
    free(x);
}

static void
bulk_digest_wants_the_promised_length(void **state)
{
    struct hash h = {{7}};
    struct bulk b;

    (void)state;
    bulk_init(&b, 4);
    bulk_update(&b, "abc", 3);
    assert_int_equal(bulk_final(&b, &h), ERR_MALFORMED);
    bulk_update(&b, "de", 2);
    bulk_update(&b, "d", 1);
    assert_int_equal(bulk_final(&b, &h), ERR_MALFORMED);
    assert_int_equal(h.b[0], 7);
}

static void
a_bulk_state_may_lie_anywhere_and_be_copied(void **state)
{
    uint8_t *room = malloc(sizeof(struct bulk) + 8);
    struct bulk *b = (struct bulk *)(void *)(room + 8);
    struct bulk fork;
    struct hash h, want;

    (void)state;
    assert_non_null(room);
    bulk_init(b, 6);
    bulk_update(b, "abc", 3);
    fork = *b;
    bulk_update(b, "def", 3);
    bulk_update(&fork, "def", 3);
    bulk_digest(&want, "abcdef", 6);
    assert_int_equal(bulk_final(b, &h), ERR_OK);
    assert_true(id_eq(&h, &want));
    assert_int_equal(bulk_final(&fork, &h), ERR_OK);
    assert_true(id_eq(&h, &want));
    free(room);
}

static void
hkdf512_is_the_library_s_with_a_padded_key(void **state)
{
    /* Python: HKDFExpand(SHA512, 76, b"info") of bytes(range(32)). */
    static const char want[] =
        "d40d67a9d7c34ec3c2c3eca41e6f25e08441c93422575b091a5d9f9c"
        "b9bd6da3f7145c42fae0a63d0c73fedacaaa63edbdd80d92f11aeaa7"
        "d8deac5ccef5e4ae89eaeee743c853e23658c065";
    struct span info[] = {SPAN("in"), SPAN("fo")};
    uint8_t prk[32], out[76];
    char hex[153];

    (void)state;
    for (unsigned i = 0; i < 32; i++)
        prk[i] = (uint8_t)i;
    assert_int_equal(hkdf512_expand(out, sizeof(out), prk, info, 2), ERR_OK);
    hex_encode(hex, out, sizeof(out));
    assert_string_equal(hex, want);
}

static void
hkdf_gives_no_more_than_255_blocks(void **state)
{
    uint8_t prk[32] = {1};
    uint8_t *out = malloc(255 * 64 + 1);

    (void)state;
    assert_non_null(out);
    assert_int_equal(hkdf256_expand(out, 255 * 32, prk, NULL, 0), ERR_OK);
    assert_int_equal(hkdf256_expand(out, 255 * 32 + 1, prk, NULL, 0),
                     ERR_TOOBIG);
    assert_int_equal(hkdf512_expand(out, 255 * 64, prk, NULL, 0), ERR_OK);
    assert_int_equal(hkdf512_expand(out, 255 * 64 + 1, prk, NULL, 0),
                     ERR_TOOBIG);
    free(out);
}

static void
argon2id_is_the_reference_program_s(void **state)
{
    /* printf password | argon2 somesaltSOMESALT -id -t 2 -k 64 -p 1 -r */
    static const char want[] = "eff939e4a988564c02ed7f3a6a3a3bc8"
                               "69a79d4b785d4ceb04d18a946ff2d817";
    const uint8_t *salt = (const uint8_t *)"somesaltSOMESALT";
    uint8_t out[32];
    char hex[65];

    (void)state;
    assert_int_equal(argon2id(out, 32, "password", 8, salt, 2, 65536), ERR_OK);
    assert_int_equal(argon2id(out, 32, "password", 8, salt, 2, 4096),
                     ERR_TOOBIG);
    assert_int_equal(argon2id(out, 32, "password", 8, salt, 0, 65536),
                     ERR_TOOBIG);
    hex_encode(hex, out, sizeof(out));
    assert_string_equal(hex, want);
}

static const uint8_t seed1[32] = {1};

static void
a_signature_binds_its_domain_and_every_part(void **state)
{
    struct span parts[] = {SPAN("ab"), SPAN("c")};
    struct sign_secret key;
    struct sig sig, raw;

    (void)state;
    sign_keypair_from_seed(&key, seed1);
    assert_int_equal(sign_make(&sig, &key, "sealpost/1/t", parts, 2), ERR_OK);
    sign_raw(&raw, &key, "sealpost/1/t\0abc", 16);
    assert_true(id_eq(&sig, &raw));
    assert_int_equal(sign_check(&sig, &key.pub, "sealpost/1/t", parts, 2),
                     ERR_OK);
    assert_int_equal(sign_check(&sig, &key.pub, "sealpost/1/u", parts, 2),
                     ERR_VERIFY);
    assert_int_equal(sign_check(&sig, &key.pub, "sealpost/1/t", parts, 1),
                     ERR_VERIFY);
    for (size_t i = 0; i < sizeof(sig.b); i++) {
        struct sig bad = sig;

        bad.b[i] ^= 1;
        assert_int_equal(sign_check(&bad, &key.pub, "sealpost/1/t", parts, 2),
                         ERR_VERIFY);
    }
}

static void
signing_survives_missing_memory(void **state)
{
    struct span parts[] = {SPAN("ab"), SPAN("c")};
    struct sign_secret key;
    struct sig sig = {{9}}, before = {{9}};

    (void)state;
    sign_keypair_from_seed(&key, seed1);
    for (unsigned long n = 0;; n++) {
        enum err rc;

        fail_alloc_at(n);
        rc = sign_make(&sig, &key, "sealpost/1/t", parts, 2);
        if (!fail_alloc_off())
            break;
        assert_int_equal(rc, ERR_NOMEM);
        assert_true(id_eq(&sig, &before));
    }
    assert_int_equal(sign_check(&sig, &key.pub, "sealpost/1/t", parts, 2),
                     ERR_OK);
}

/* Encodings of the eight points of small order, and of y = 0, 1 and -1 with
 * p added or a stray sign bit. */
static const char *const bad_points[] = {
    "0100000000000000000000000000000000000000000000000000000000000000",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "0000000000000000000000000000000000000000000000000000000000000080",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
    "0100000000000000000000000000000000000000000000000000000000000080",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
};

static void
small_order_and_non_canonical_keys_verify_nothing(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(bad_points) / sizeof(bad_points[0]); i++) {
        struct sign_key key;
        struct sig sig = {{0}};

        assert_int_equal(hex_decode(key.b, 32, bad_points[i]), ERR_OK);
        /* R = A or the neutral element, S = 0: the equation of a lax verifier
         * holds for one message in eight or for all. */
        for (unsigned m = 0; m < 32; m++) {
            uint8_t msg = (uint8_t)m;

            memcpy(sig.b, key.b, 32);
            assert_int_equal(verify_raw(&sig, &key, &msg, 1), ERR_VERIFY);
            hex_decode(sig.b, 32, bad_points[0]);
            assert_int_equal(verify_raw(&sig, &key, &msg, 1), ERR_VERIFY);
        }
    }
}

static void
a_signature_with_s_plus_l_does_not_verify(void **state)
{
    static const uint8_t l[32] = {0xed, 0xd3, 0xf5, 0x5c, 0x1a,       0x63,
                                  0x12, 0x58, 0xd6, 0x9c, 0xf7,       0xa2,
                                  0xde, 0xf9, 0xde, 0x14, [31] = 0x10};
    struct sign_secret key;
    struct sig sig;
    unsigned carry = 0;

    (void)state;
    sign_keypair_from_seed(&key, seed1);
    sign_raw(&sig, &key, "x", 1);
    assert_int_equal(verify_raw(&sig, &key.pub, "x", 1), ERR_OK);
    for (unsigned i = 0; i < 32; i++) {
        carry += (unsigned)sig.b[32 + i] + l[i];
        sig.b[32 + i] = (uint8_t)carry;
        carry >>= 8;
    }
    assert_int_equal(verify_raw(&sig, &key.pub, "x", 1), ERR_VERIFY);
}

static void
x25519_agrees_and_refuses_an_all_zero_result(void **state)
{
    struct dh_secret a = {{8}}, b = {{16}};
    struct dh_key pa, pb, zero = {{0}}, one = {{1}};
    uint8_t ab[32], ba[32], before[32];

    (void)state;
    dh_public(&pa, &a);
    dh_public(&pb, &b);
    assert_int_equal(dh_shared(ab, &a, &pb), ERR_OK);
    assert_int_equal(dh_shared(ba, &b, &pa), ERR_OK);
    assert_memory_equal(ab, ba, 32);
    memcpy(before, ab, 32);
    assert_int_equal(dh_shared(ab, &a, &zero), ERR_VERIFY);
    assert_int_equal(dh_shared(ab, &a, &one), ERR_VERIFY);
    assert_memory_equal(ab, before, 32);
}

static void
aeads_open_what_they_sealed_and_nothing_else(void **state)
{
    uint8_t key[32] = {1}, nonce[24] = {2}, sealed[5 + 16], out[5];

    (void)state;
    aead_seal(sealed, key, nonce, "ad", 2, "hello", 5);
    assert_int_equal(aead_open(out, key, nonce, "ad", 2, sealed, 21), ERR_OK);
    assert_memory_equal(out, "hello", 5);
    for (size_t i = 0; i < sizeof(sealed); i++) {
        sealed[i] ^= 1;
        assert_int_equal(aead_open(out, key, nonce, "ad", 2, sealed, 21),
                         ERR_VERIFY);
        sealed[i] ^= 1;
    }
    assert_int_equal(aead_open(out, key, nonce, "da", 2, sealed, 21),
                     ERR_VERIFY);
    assert_int_equal(aead_open(out, key, nonce, "ad", 2, sealed, 15),
                     ERR_VERIFY);
    xaead_seal(sealed, key, nonce, "ad", 2, "world", 5);
    assert_int_equal(xaead_open(out, key, nonce, "ad", 2, sealed, 21), ERR_OK);
    assert_memory_equal(out, "world", 5);
    nonce[23] ^= 1;
    assert_int_equal(xaead_open(out, key, nonce, "ad", 2, sealed, 21),
                     ERR_VERIFY);
}

static void
a_kem_key_with_an_out_of_range_coefficient_is_refused(void **state)
{
    struct kem_key pub;
    uint8_t seed[32] = {5}, ss[32] = {6}, ct[KEM_CT_LEN];

    (void)state;
    kem_keypair(&pub, seed);
    assert_int_equal(kem_enc(ss, ct, &pub), ERR_OK);
    for (size_t i = 0; i < 768; i++) {
        struct kem_key bad = pub;
        uint8_t *p = bad.b + i / 2 * 3;

        /* Two coefficients of 12 bits in three bytes; 3329 is one too big. */
        if (i % 2 == 0) {
            p[0] = 3329 & 0xff;
            p[1] = (uint8_t)((p[1] & 0xf0) | 3329 >> 8);
        } else {
            p[1] = (uint8_t)((p[1] & 0x0f) | (3329 & 0x0f) << 4);
            p[2] = 3329 >> 4;
        }
        assert_int_equal(kem_enc(ss, ct, &bad), ERR_VERIFY);
    }
}

static void
a_kem_key_with_a_low_order_point_is_refused(void **state)
{
    struct kem_key pub;
    uint8_t seed[32] = {5}, ss[32], ct[KEM_CT_LEN];

    (void)state;
    kem_keypair(&pub, seed);
    assert_int_equal(kem_enc(ss, ct, &pub), ERR_OK);
    memset(ct + 1088, 0, 32);
    assert_int_equal(kem_dec(ss, ct, seed), ERR_VERIFY);
    memset(pub.b + 1184, 0, 32);
    assert_int_equal(kem_enc(ss, ct, &pub), ERR_VERIFY);
}

static void
secret_memory_is_zeroed_aligned_and_wiped(void **state)
{
    static const uint8_t zeros[33];
    uint8_t *p = crypto_secret_new(33);

    (void)state;
    assert_non_null(p);
    assert_memory_equal(p, zeros, 33);
    assert_int_equal((size_t)p % 16, 0);
    crypto_random(p, 33);
    assert_false(crypto_equal(p, zeros, 33));
    crypto_wipe(p, 33);
    assert_true(crypto_equal(p, zeros, 33));
    crypto_secret_free(p);
    crypto_secret_free(NULL);
    assert_null(crypto_secret_new(SIZE_MAX));
}

static void
base64_has_one_form_only(void **state)
{
    static const char *const bad[] = {
        "Zm9vYg=", "Zm9vYg", "Zm9vYh==", "Zm9v\nYg==", "Zm9vY===",
        "====",    "Zm9-",   "Zm9vYmF=", "Zm8=Zm8="};
    uint8_t out[8];
    size_t len;
    char text[B64_LEN(4) + 1];

    (void)state;
    b64_encode(text, "foob", 4);
    assert_string_equal(text, "Zm9vYg==");
    assert_int_equal(b64_decode(out, 8, &len, text, 8), ERR_OK);
    assert_int_equal(len, 4);
    assert_memory_equal(out, "foob", 4);
    assert_int_equal(b64_decode(out, 8, &len, "", 0), ERR_OK);
    assert_int_equal(len, 0);
    assert_int_equal(b64_decode(out, 3, &len, text, 8), ERR_TOOBIG);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(b64_decode(out, 8, &len, bad[i], strlen(bad[i])),
                         ERR_MALFORMED);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(digests_are_the_published_ones),
        cmocka_unit_test(a_domain_ends_with_a_zero_byte),
        cmocka_unit_test(bulk_digest_does_not_depend_on_the_cuts),
        cmocka_unit_test(bulk_digest_wants_the_promised_length),
        cmocka_unit_test(a_bulk_state_may_lie_anywhere_and_be_copied),
        cmocka_unit_test(hkdf512_is_the_library_s_with_a_padded_key),
        cmocka_unit_test(hkdf_gives_no_more_than_255_blocks),
        cmocka_unit_test(argon2id_is_the_reference_program_s),
        cmocka_unit_test(a_signature_binds_its_domain_and_every_part),
        cmocka_unit_test(signing_survives_missing_memory),
        cmocka_unit_test(small_order_and_non_canonical_keys_verify_nothing),
        cmocka_unit_test(a_signature_with_s_plus_l_does_not_verify),
        cmocka_unit_test(x25519_agrees_and_refuses_an_all_zero_result),
        cmocka_unit_test(aeads_open_what_they_sealed_and_nothing_else),
        cmocka_unit_test(a_kem_key_with_an_out_of_range_coefficient_is_refused),
        cmocka_unit_test(a_kem_key_with_a_low_order_point_is_refused),
        cmocka_unit_test(secret_memory_is_zeroed_aligned_and_wiped),
        cmocka_unit_test(base64_has_one_form_only),
    };

    if (crypto_init() != ERR_OK)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
