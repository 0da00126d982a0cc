#include "proto/hpke.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/lib/vectors.h"

static const uint8_t seed[32] = {3};
static const uint8_t cek[32] = {4};

static void
a_wrap_opens_with_its_seed_and_info(void **state)
{
    uint8_t wrap[HPKE_WRAP_LEN(32)], out[32];
    uint8_t other[32] = {5};
    struct kem_key pub;

    (void)state;
    assert_int_equal(sizeof(wrap), 1168);
    kem_keypair(&pub, seed);
    assert_int_equal(hpke_wrap(wrap, &pub, "info", 4, cek, 32), ERR_OK);
    assert_int_equal(hpke_unwrap(out, seed, "info", 4, wrap, sizeof(wrap)),
                     ERR_OK);
    assert_memory_equal(out, cek, 32);
    assert_int_equal(hpke_unwrap(out, seed, "inf", 3, wrap, sizeof(wrap)),
                     ERR_VERIFY);
    assert_int_equal(hpke_unwrap(out, other, "info", 4, wrap, sizeof(wrap)),
                     ERR_VERIFY);
}

static void
every_byte_of_a_wrap_counts(void **state)
{
    uint8_t wrap[HPKE_WRAP_LEN(32)], out[32];
    struct kem_key pub;

    (void)state;
    kem_keypair(&pub, seed);
    assert_int_equal(hpke_wrap(wrap, &pub, "i", 1, cek, 32), ERR_OK);
    for (size_t i = 0; i < sizeof(wrap); i++) {
        wrap[i] ^= (uint8_t)(1 << i % 8);
        if (hpke_unwrap(out, seed, "i", 1, wrap, sizeof(wrap)) != ERR_VERIFY)
            fail_msg("byte %zu may be changed", i);
        wrap[i] ^= (uint8_t)(1 << i % 8);
    }
    assert_int_equal(hpke_unwrap(out, seed, "i", 1, wrap, sizeof(wrap)),
                     ERR_OK);
}

static void
a_wrap_of_another_length_does_not_open(void **state)
{
    uint8_t wrap[HPKE_WRAP_LEN(32) + 1] = {0}, out[33];
    struct kem_key pub;

    (void)state;
    kem_keypair(&pub, seed);
    assert_int_equal(hpke_wrap(wrap, &pub, "i", 1, cek, 32), ERR_OK);
    for (size_t len = 0; len <= sizeof(wrap); len++) {
        enum err want = len == HPKE_WRAP_LEN(32) ? ERR_OK : ERR_VERIFY;

        /* Each unwrap is a decapsulation: the ends and the middle will do. */
        if (len > 3 && len < 1119)
            continue;
        assert_int_equal(hpke_unwrap(out, seed, "i", 1, wrap, len), want);
    }
}

static void
a_wrap_with_a_low_order_point_is_refused(void **state)
{
    uint8_t wrap[HPKE_WRAP_LEN(32)], out[32];
    struct kem_key pub;

    (void)state;
    kem_keypair(&pub, seed);
    assert_int_equal(hpke_wrap(wrap, &pub, "i", 1, cek, 32), ERR_OK);
    memset(wrap + 1088, 0, 32);
    assert_int_equal(hpke_unwrap(out, seed, "i", 1, wrap, sizeof(wrap)),
                     ERR_VERIFY);
    memset(pub.b + 1184, 0, 32);
    assert_int_equal(hpke_wrap(wrap, &pub, "i", 1, cek, 32), ERR_VERIFY);
}

static void
check_encryptions(const json_t *v, const struct hpke_keys *keys)
{
    json_t *e;
    size_t i;

    json_array_foreach(vectors_list(v, "encryptions"), i, e)
    {
        struct bytes aad = vectors_hex(e, "aad"), pt = vectors_hex(e, "pt");
        struct bytes ct = vectors_hex(e, "ct");
        uint8_t nonce[12], *out = malloc(pt.len + 16);

        assert_non_null(out);
        vectors_copy(nonce, sizeof(nonce), e, "nonce");
        if (i == 0)
            assert_memory_equal(nonce, keys->base_nonce, 12);
        assert_int_equal(ct.len, pt.len + 16);
        aead_seal(out, keys->key, nonce, aad.p, aad.len, pt.p, pt.len);
        assert_memory_equal(out, ct.p, ct.len);
        free(out);
        bytes_free(&aad);
        bytes_free(&pt);
        bytes_free(&ct);
    }
}

static void
check_schedule(const json_t *v)
{
    struct bytes info = vectors_hex(v, "info");
    struct hpke_keys keys;
    uint8_t ss[32], key[32], base_nonce[12];

    vectors_copy(ss, sizeof(ss), v, "shared_secret");
    vectors_copy(key, sizeof(key), v, "key");
    vectors_copy(base_nonce, sizeof(base_nonce), v, "base_nonce");
    hpke_schedule(&keys, (uint16_t)vectors_int(v, "kem_id"), ss, info.p,
                  info.len);
    assert_memory_equal(keys.key, key, sizeof(key));
    assert_memory_equal(keys.base_nonce, base_nonce, sizeof(base_nonce));
    check_encryptions(v, &keys);
    bytes_free(&info);
}

static void
the_key_schedule_matches_rfc_9180(void **state)
{
    json_t *root =
        vectors_load("hpke/rfc9180-x25519-hkdfsha256-chacha20poly1305.json");
    json_t *v;
    size_t i, seen = 0;

    (void)state;
    json_array_foreach(vectors_list(root, "vectors"), i, v)
    {
        if (vectors_int(v, "mode") != 0)
            continue;
        assert_int_equal(vectors_int(v, "kem_id"), HPKE_KEM_X25519);
        check_schedule(v);
        seen++;
    }
    json_decref(root);
    assert_int_equal(seen, 1);
}

static void
check_kem(const json_t *v)
{
    uint8_t sk[32], ikm[64], enc[1120], ss[32], got_enc[1120], got_ss[32];
    struct kem_key pk, got_pk;

    vectors_copy(sk, sizeof(sk), v, "skRm");
    vectors_copy(ikm, sizeof(ikm), v, "ikmE");
    vectors_copy(enc, sizeof(enc), v, "enc");
    vectors_copy(ss, sizeof(ss), v, "shared_secret");
    vectors_copy(pk.b, sizeof(pk.b), v, "pkRm");
    kem_keypair(&got_pk, sk);
    assert_true(id_eq(&got_pk, &pk));
    assert_int_equal(kem_enc_fixed(got_ss, got_enc, &pk, ikm), ERR_OK);
    assert_memory_equal(got_enc, enc, sizeof(enc));
    assert_memory_equal(got_ss, ss, sizeof(ss));
    assert_int_equal(kem_dec(got_ss, enc, sk), ERR_OK);
    assert_memory_equal(got_ss, ss, sizeof(ss));
}

static void
our_suite_matches_hpke_pq(void **state)
{
    json_t *root = vectors_load("hpke/hpke-pq-mlkem768x25519.json");
    json_t *v;
    size_t i, schedules = 0;

    (void)state;
    json_array_foreach(vectors_list(root, "vectors"), i, v)
    {
        assert_int_equal(vectors_int(v, "kem_id"), HPKE_KEM_XWING);
        check_kem(v);
        if (vectors_int(v, "kdf_id") != 1)
            continue;
        check_schedule(v);
        schedules++;
    }
    json_decref(root);
    assert_int_equal(schedules, 1);
}

/* hpke_unwrap on a wrap made by hand from the vector-tested pieces. */
static void
unwrap_opens_what_the_pieces_make(void **state)
{
    static const uint8_t eseed[64] = {8};
    uint8_t wrap[HPKE_WRAP_LEN(32)], ss[32], out[32];
    struct hpke_keys keys;
    struct kem_key pub;

    (void)state;
    kem_keypair(&pub, seed);
    assert_int_equal(kem_enc_fixed(ss, wrap, &pub, eseed), ERR_OK);
    hpke_schedule(&keys, HPKE_KEM_XWING, ss, "info", 4);
    aead_seal(wrap + KEM_CT_LEN, keys.key, keys.base_nonce, NULL, 0, cek, 32);
    assert_int_equal(hpke_unwrap(out, seed, "info", 4, wrap, sizeof(wrap)),
                     ERR_OK);
    assert_memory_equal(out, cek, 32);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_wrap_opens_with_its_seed_and_info),
        cmocka_unit_test(every_byte_of_a_wrap_counts),
        cmocka_unit_test(a_wrap_of_another_length_does_not_open),
        cmocka_unit_test(a_wrap_with_a_low_order_point_is_refused),
        cmocka_unit_test(the_key_schedule_matches_rfc_9180),
        cmocka_unit_test(our_suite_matches_hpke_pq),
        cmocka_unit_test(unwrap_opens_what_the_pieces_make),
    };

    if (crypto_init() != ERR_OK)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
