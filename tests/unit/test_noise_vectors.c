/* Handshakes and records of three other implementations, byte for byte. */
#include "proto/noise.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/lib/vectors.h"

static const struct {
    const char *name;
    enum noise_pattern pattern;
} names[] = {
    {"Noise_XK_25519_ChaChaPoly_SHA256", NOISE_XK},
    {"Noise_NK_25519_ChaChaPoly_SHA256", NOISE_NK},
    {"Noise_IK_25519_ChaChaPoly_SHA256", NOISE_IK},
    {"Noise_KK_25519_ChaChaPoly_SHA256", NOISE_KK},
    {"Noise_XX_25519_ChaChaPoly_SHA256", NOISE_XX},
};

static enum noise_pattern
pattern_of(const json_t *v)
{
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (vectors_is(v, "protocol_name", names[i].name))
            return names[i].pattern;
    fail_msg("unknown protocol");
    return NOISE_XK;
}

/* KEY of ROLE ("init_static"), or NULL where the vector has none. */
static void *
key_of(const json_t *v, enum noise_role role, const char *what,
       uint8_t room[32])
{
    char key[32];

    snprintf(key, sizeof(key), "%s_%s",
             role == NOISE_INITIATOR ? "init" : "resp", what);
    if (!vectors_has(v, key))
        return NULL;
    vectors_copy(room, 32, v, key);
    return room;
}

static void
start(struct noise *n, const json_t *v, enum noise_role role)
{
    struct bytes prologue = vectors_hex(
        v, role == NOISE_INITIATOR ? "init_prologue" : "resp_prologue");
    struct dh_secret secret, ephemeral;
    struct dh_key remote;
    struct noise_config cfg = {
        .pattern = pattern_of(v),
        .role = role,
        .prologue = prologue.p,
        .prologue_len = prologue.len,
        .secret = key_of(v, role, "static", secret.b),
        .remote = key_of(v, role, "remote_static", remote.b),
        .ephemeral = key_of(v, role, "ephemeral", ephemeral.b),
    };

    assert_non_null(cfg.ephemeral);
    assert_int_equal(noise_init(n, &cfg), ERR_OK);
    bytes_free(&prologue);
}

static void
check_handshake_message(struct noise *from, struct noise *to, const json_t *m)
{
    struct bytes payload = vectors_hex(m, "payload");
    struct bytes want = vectors_hex(m, "ciphertext");
    uint8_t msg[1024], got[1024];
    size_t len;

    assert_int_equal(
        noise_write(from, msg, sizeof(msg), &len, payload.p, payload.len),
        ERR_OK);
    assert_int_equal(len, want.len);
    assert_memory_equal(msg, want.p, len);
    assert_int_equal(noise_read(to, got, sizeof(got), &len, want.p, want.len),
                     ERR_OK);
    assert_int_equal(len, payload.len);
    assert_memory_equal(got, payload.p, len);
    bytes_free(&payload);
    bytes_free(&want);
}

static void
check_record(struct noise_cipher *send, struct noise_cipher *recv,
             const json_t *m)
{
    struct bytes payload = vectors_hex(m, "payload");
    struct bytes want = vectors_hex(m, "ciphertext");
    uint8_t rec[1024];

    assert_int_equal(noise_seal(send, rec, payload.p, payload.len), ERR_OK);
    assert_int_equal(want.len, payload.len + AEAD_TAG_LEN);
    assert_memory_equal(rec, want.p, want.len);
    assert_int_equal(noise_open(recv, rec, want.p, want.len), ERR_OK);
    assert_memory_equal(rec, payload.p, payload.len);
    bytes_free(&payload);
    bytes_free(&want);
}

static void
check_vector(const json_t *v)
{
    struct noise side[2];
    struct noise_cipher send[2], recv[2];
    struct hash h;
    json_t *m;
    size_t i;
    bool split = false;

    start(&side[0], v, NOISE_INITIATOR);
    start(&side[1], v, NOISE_RESPONDER);
    json_array_foreach(vectors_list(v, "messages"), i, m)
    {
        if (!noise_done(&side[0])) {
            check_handshake_message(&side[i % 2], &side[1 - i % 2], m);
            continue;
        }
        if (!split) {
            assert_int_equal(noise_split(&side[0], &send[0], &recv[0]), ERR_OK);
            assert_int_equal(noise_split(&side[1], &send[1], &recv[1]), ERR_OK);
            split = true;
        }
        check_record(&send[i % 2], &recv[1 - i % 2], m);
    }
    assert_true(split);
    assert_true(id_eq(noise_hash(&side[0]), noise_hash(&side[1])));
    if (vectors_has(v, "handshake_hash")) {
        vectors_copy(h.b, sizeof(h.b), v, "handshake_hash");
        assert_true(id_eq(noise_hash(&side[0]), &h));
    }
}

static void
check_file(const char *name)
{
    json_t *root = vectors_load(name);
    json_t *v;
    size_t i, seen = 0;

    json_array_foreach(vectors_list(root, "vectors"), i, v)
    {
        check_vector(v);
        seen++;
    }
    json_decref(root);
    assert_int_equal(seen, 5);
}

static void
handshakes_match_cacophony(void **state)
{
    (void)state;
    check_file("noise/cacophony-25519-ChaChaPoly.json");
}

static void
handshakes_match_snow(void **state)
{
    (void)state;
    check_file("noise/snow-25519-ChaChaPoly.json");
}

static void
handshakes_match_noise_c(void **state)
{
    (void)state;
    check_file("noise/noise-c-25519-ChaChaPoly.json");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(handshakes_match_cacophony),
        cmocka_unit_test(handshakes_match_snow),
        cmocka_unit_test(handshakes_match_noise_c),
    };

    if (crypto_init() != ERR_OK)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
