/* Published vectors of the primitives; see tests/vectors/SOURCES-crypto.md.
 * ML-KEM-768 alone is not in crypto.h (only X-Wing is), so this file asks the
 * library itself. */
#include "proto/crypto.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "tests/lib/vectors.h"

/* Calls RUN for each test of each group and holds it to COUNT calls. */
static void
each_test(const char *file, size_t count,
          void (*run)(const json_t *group, const json_t *test))
{
    json_t *root = vectors_load(file);
    json_t *group, *test;
    size_t g, t, seen = 0;

    json_array_foreach(vectors_list(root, "testGroups"), g, group)
    {
        json_array_foreach(vectors_list(group, "tests"), t, test)
        {
            run(group, test);
            seen++;
        }
    }
    json_decref(root);
    assert_int_equal(seen, count);
}

#define assert_outcome(test, good)                                             \
    do {                                                                       \
        if ((good) != vectors_is(test, "result", "valid"))                     \
            fail_msg("tcId %ld: %s", vectors_int(test, "tcId"),                \
                     vectors_text(test, "result"));                            \
    } while (0)

static void
x25519_case(const json_t *group, const json_t *test)
{
    static const uint8_t zeros[32];
    struct dh_secret secret;
    struct dh_key pub;
    uint8_t want[32], got[32];
    enum err rc;

    (void)group;
    vectors_copy(secret.b, 32, test, "private");
    vectors_copy(pub.b, 32, test, "public");
    vectors_copy(want, 32, test, "shared");
    rc = dh_shared(got, &secret, &pub);
    if (memcmp(want, zeros, 32) == 0) {
        assert_int_equal(rc, ERR_VERIFY);
        return;
    }
    assert_int_equal(rc, ERR_OK);
    assert_memory_equal(got, want, 32);
}

static void
x25519_matches_wycheproof(void **state)
{
    (void)state;
    each_test("wycheproof/x25519_test.json", 518, x25519_case);
}

static void
ed25519_case(const json_t *group, const json_t *test)
{
    struct bytes msg = vectors_hex(test, "msg");
    struct bytes sig_bytes = vectors_hex(test, "sig");
    struct sign_key key;
    struct sig sig;
    bool good = false;

    vectors_copy(key.b, 32, json_object_get(group, "publicKey"), "pk");
    if (sig_bytes.len == sizeof(sig.b)) {
        memcpy(sig.b, sig_bytes.p, sizeof(sig.b));
        good = verify_raw(&sig, &key, msg.p, msg.len) == ERR_OK;
    }
    assert_outcome(test, good);
    bytes_free(&msg);
    bytes_free(&sig_bytes);
}

static void
ed25519_matches_wycheproof(void **state)
{
    (void)state;
    each_test("wycheproof/ed25519_test.json", 151, ed25519_case);
}

static void
aead_case(const json_t *group, const json_t *test)
{
    struct bytes key = vectors_hex(test, "key"), iv = vectors_hex(test, "iv");
    struct bytes aad = vectors_hex(test, "aad"), msg = vectors_hex(test, "msg");
    struct bytes ct = vectors_hex(test, "ct"), tag = vectors_hex(test, "tag");
    uint8_t *sealed = malloc(msg.len + 16), *out = malloc(msg.len + 16);
    bool good;

    (void)group;
    assert_non_null(sealed);
    assert_non_null(out);
    if (iv.len != 12) { /* cannot be passed to aead_open at all */
        assert_outcome(test, false);
        goto out;
    }
    memcpy(sealed, ct.p, ct.len);
    memcpy(sealed + ct.len, tag.p, tag.len);
    good = aead_open(out, key.p, iv.p, aad.p, aad.len, sealed,
                     ct.len + tag.len) == ERR_OK;
    assert_outcome(test, good);
    if (good) {
        assert_memory_equal(out, msg.p, msg.len);
        aead_seal(out, key.p, iv.p, aad.p, aad.len, msg.p, msg.len);
        assert_memory_equal(out, sealed, msg.len + 16);
    }
out:
    free(sealed);
    free(out);
    bytes_free(&key);
    bytes_free(&iv);
    bytes_free(&aad);
    bytes_free(&msg);
    bytes_free(&ct);
    bytes_free(&tag);
}

static void
chacha20_poly1305_matches_wycheproof(void **state)
{
    (void)state;
    each_test("wycheproof/chacha20_poly1305_test.json", 325, aead_case);
}

static void
hkdf_case(const json_t *group, const json_t *test)
{
    struct bytes ikm = vectors_hex(test, "ikm"),
                 salt = vectors_hex(test, "salt");
    struct bytes info = vectors_hex(test, "info"),
                 okm = vectors_hex(test, "okm");
    struct span ikm_span = {ikm.p, ikm.len}, info_span = {info.p, info.len};
    size_t size = (size_t)vectors_int(test, "size");
    uint8_t prk[32], *out = malloc(size + 1);
    bool good;

    (void)group;
    assert_non_null(out);
    hkdf256_extract(prk, salt.p, salt.len, &ikm_span, 1);
    good = hkdf256_expand(out, size, prk, &info_span, 1) == ERR_OK;
    assert_outcome(test, good);
    if (good)
        assert_memory_equal(out, okm.p, size);
    free(out);
    bytes_free(&ikm);
    bytes_free(&salt);
    bytes_free(&info);
    bytes_free(&okm);
}

static void
hkdf256_matches_wycheproof(void **state)
{
    (void)state;
    each_test("wycheproof/hkdf_sha256_test.json", 86, hkdf_case);
}

static void
hmac_case(const json_t *group, const json_t *test)
{
    struct bytes key = vectors_hex(test, "key"), msg = vectors_hex(test, "msg");
    struct bytes tag = vectors_hex(test, "tag");
    struct span half[] = {{msg.p, msg.len / 2},
                          {msg.p + msg.len / 2, msg.len - msg.len / 2}};
    struct hash got;

    (void)group;
    hmac256(&got, key.p, key.len, half, 2);
    assert_outcome(test, crypto_equal(got.b, tag.p, tag.len));
    bytes_free(&key);
    bytes_free(&msg);
    bytes_free(&tag);
}

static void
hmac256_matches_wycheproof(void **state)
{
    (void)state;
    each_test("wycheproof/hmac_sha256_test.json", 174, hmac_case);
}

static void
xwing_matches_the_draft(void **state)
{
    json_t *root = vectors_load("xwing/xwing-draft-connolly.json");
    json_t *v;
    size_t i, seen = 0;

    (void)state;
    json_array_foreach(vectors_list(root, "vectors"), i, v)
    {
        uint8_t seed[32], eseed[64], ss[32], ct[1120], got_ss[32], got_ct[1120];
        struct kem_key pk, got_pk;

        vectors_copy(seed, sizeof(seed), v, "seed");
        vectors_copy(eseed, sizeof(eseed), v, "eseed");
        vectors_copy(ss, sizeof(ss), v, "ss");
        vectors_copy(ct, sizeof(ct), v, "ct");
        vectors_copy(pk.b, sizeof(pk.b), v, "pk");
        kem_keypair(&got_pk, seed);
        assert_true(id_eq(&got_pk, &pk));
        assert_int_equal(kem_enc_fixed(got_ss, got_ct, &pk, eseed), ERR_OK);
        assert_memory_equal(got_ss, ss, sizeof(ss));
        assert_memory_equal(got_ct, ct, sizeof(ct));
        memset(got_ss, 0, sizeof(got_ss));
        assert_int_equal(kem_dec(got_ss, ct, seed), ERR_OK);
        assert_memory_equal(got_ss, ss, sizeof(ss));
        seen++;
    }
    json_decref(root);
    assert_int_equal(seen, 3);
}

static void
keygen_case(const json_t *group, const json_t *test)
{
    uint8_t seed[64], ek[1184], dk[2400], want_ek[1184], want_dk[2400];

    (void)group;
    vectors_copy(seed, 32, test, "d");
    vectors_copy(seed + 32, 32, test, "z");
    vectors_copy(want_ek, sizeof(want_ek), test, "ek");
    vectors_copy(want_dk, sizeof(want_dk), test, "dk");
    assert_int_equal(crypto_kem_mlkem768_seed_keypair(ek, dk, seed), 0);
    assert_memory_equal(ek, want_ek, sizeof(ek));
    assert_memory_equal(dk, want_dk, sizeof(dk));
}

static void
mlkem_key_generation_matches_acvp(void **state)
{
    (void)state;
    each_test("mlkem768/acvp-mlkem768-keygen.json", 25, keygen_case);
}

static void
encap_case(const json_t *test)
{
    uint8_t ek[1184], m[32], c[1088], k[32], got_c[1088], got_k[32];

    vectors_copy(ek, sizeof(ek), test, "ek");
    vectors_copy(m, sizeof(m), test, "m");
    vectors_copy(c, sizeof(c), test, "c");
    vectors_copy(k, sizeof(k), test, "k");
    assert_int_equal(crypto_kem_mlkem768_enc_deterministic(got_c, got_k, ek, m),
                     0);
    assert_memory_equal(got_c, c, sizeof(c));
    assert_memory_equal(got_k, k, sizeof(k));
}

static void
kem_case(const json_t *group, const json_t *test)
{
    const json_t *has_dk = vectors_has(test, "dk") ? test : group;
    uint8_t dk[2400], c[1088], k[32], got[32];

    if (vectors_is(group, "function", "encapsulation"))
        encap_case(test);
    vectors_copy(dk, sizeof(dk), has_dk, "dk");
    vectors_copy(c, sizeof(c), test, "c");
    vectors_copy(k, sizeof(k), test, "k");
    assert_int_equal(crypto_kem_mlkem768_dec(got, c, dk), 0);
    assert_memory_equal(got, k, sizeof(k));
}

static void
mlkem_matches_acvp(void **state)
{
    (void)state;
    each_test("mlkem768/acvp-mlkem768-encapdecap.json", 35, kem_case);
}

static void
special_case(const json_t *group, const json_t *test)
{
    struct bytes seed = vectors_hex(test, "seed"), c = vectors_hex(test, "c");
    uint8_t ek[1184], want_ek[1184], dk[2400], k[32], got[32];
    bool fits = seed.len == 64 && c.len == 1088;

    (void)group;
    /* A wrong length cannot be passed to kem_dec at all. */
    assert_outcome(test, fits);
    if (fits) {
        vectors_copy(want_ek, sizeof(want_ek), test, "ek");
        vectors_copy(k, sizeof(k), test, "K");
        assert_int_equal(crypto_kem_mlkem768_seed_keypair(ek, dk, seed.p), 0);
        assert_memory_equal(ek, want_ek, sizeof(ek));
        assert_int_equal(crypto_kem_mlkem768_dec(got, c.p, dk), 0);
        assert_memory_equal(got, k, sizeof(k));
    }
    bytes_free(&seed);
    bytes_free(&c);
}

static void
mlkem_matches_wycheproof(void **state)
{
    (void)state;
    each_test("mlkem768/wycheproof-mlkem_768_test-subset.json", 93,
              special_case);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(x25519_matches_wycheproof),
        cmocka_unit_test(ed25519_matches_wycheproof),
        cmocka_unit_test(chacha20_poly1305_matches_wycheproof),
        cmocka_unit_test(hkdf256_matches_wycheproof),
        cmocka_unit_test(hmac256_matches_wycheproof),
        cmocka_unit_test(xwing_matches_the_draft),
        cmocka_unit_test(mlkem_key_generation_matches_acvp),
        cmocka_unit_test(mlkem_matches_acvp),
        cmocka_unit_test(mlkem_matches_wycheproof),
    };

    if (crypto_init() != ERR_OK)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
