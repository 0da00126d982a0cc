#include "proto/noise.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct dh_secret client_key = {{8}}, relay_key = {{16}};

static void
start(struct noise *n, enum noise_pattern pattern, enum noise_role role)
{
    struct noise_config cfg = {.pattern = pattern,
                               .role = role,
                               .prologue = "prologue",
                               .prologue_len = 8};
    struct dh_key relay, client;

    dh_public(&relay, &relay_key);
    dh_public(&client, &client_key);
    cfg.secret = role == NOISE_INITIATOR ? &client_key : &relay_key;
    cfg.remote = role == NOISE_INITIATOR ? &relay : &client;
    assert_int_equal(noise_init(n, &cfg), ERR_OK);
}

static void
start_both(struct noise side[2], enum noise_pattern pattern)
{
    start(&side[0], pattern, NOISE_INITIATOR);
    start(&side[1], pattern, NOISE_RESPONDER);
}

/* One message between the two, with a small payload. */
static void
pass(struct noise side[2])
{
    struct noise *from = noise_is_my_turn(&side[0]) ? &side[0] : &side[1];
    struct noise *to = from == &side[0] ? &side[1] : &side[0];
    uint8_t msg[256], payload[16];
    size_t len, payload_len, overhead = noise_overhead(from);

    assert_int_equal(noise_overhead(to), overhead);
    assert_int_equal(noise_write(from, msg, sizeof(msg), &len, "hi", 2),
                     ERR_OK);
    assert_int_equal(len, overhead + 2);
    assert_int_equal(
        noise_read(to, payload, sizeof(payload), &payload_len, msg, len),
        ERR_OK);
    assert_int_equal(payload_len, 2);
    assert_memory_equal(payload, "hi", 2);
}

static void
run(struct noise side[2], enum noise_pattern pattern)
{
    start_both(side, pattern);
    while (!noise_done(&side[0]))
        pass(side);
    assert_true(noise_done(&side[1]));
}

/* Side 0's sending cipher and side 1's receiving one. */
static void
one_way(struct noise_cipher *send, struct noise_cipher *recv)
{
    struct noise_cipher other[2];
    struct noise side[2];

    run(side, NOISE_XK);
    assert_int_equal(noise_split(&side[0], send, &other[0]), ERR_OK);
    assert_int_equal(noise_split(&side[1], &other[1], recv), ERR_OK);
    noise_clear(&side[0]);
    noise_clear(&side[1]);
}

static void
every_pattern_ends_in_the_same_keys(void **state)
{
    (void)state;
    for (int p = 0; p < NOISE_PATTERN_COUNT; p++) {
        struct noise_cipher a_out, a_in, b_out, b_in;
        struct noise side[2];
        uint8_t rec[21];

        run(side, (enum noise_pattern)p);
        assert_true(id_eq(noise_hash(&side[0]), noise_hash(&side[1])));
        assert_int_equal(noise_split(&side[0], &a_out, &a_in), ERR_OK);
        assert_int_equal(noise_split(&side[1], &b_out, &b_in), ERR_OK);
        assert_int_equal(noise_seal(&a_out, rec, "hello", 5), ERR_OK);
        assert_int_equal(noise_open(&b_in, rec, rec, 21), ERR_OK);
        assert_memory_equal(rec, "hello", 5);
        assert_int_equal(noise_seal(&b_out, rec, "world", 5), ERR_OK);
        assert_int_equal(noise_open(&a_in, rec, rec, 21), ERR_OK);
        assert_memory_equal(rec, "world", 5);
    }
}

static void
message_sizes_are_those_of_crypto_md(void **state)
{
    struct noise side[2];

    (void)state;
    start_both(side, NOISE_XK);
    assert_int_equal(noise_overhead(&side[0]), 48);
    pass(side);
    assert_int_equal(noise_overhead(&side[0]) + 2 + 8, 58);
    pass(side);
    assert_int_equal(noise_overhead(&side[0]) + 2 + 16 + 16, 98);
    pass(side);
    assert_int_equal(noise_overhead(&side[0]), 0);
    start_both(side, NOISE_NK);
    assert_int_equal(noise_overhead(&side[0]), 48);
    pass(side);
    assert_int_equal(noise_overhead(&side[0]) + 2 + 8, 58);
}

static void
the_relay_learns_the_client_only_from_message_three(void **state)
{
    struct noise side[2];
    struct dh_key client;

    (void)state;
    dh_public(&client, &client_key);
    start_both(side, NOISE_XK);
    pass(side);
    pass(side);
    assert_null(noise_remote(&side[1]));
    pass(side);
    assert_true(id_eq(noise_remote(&side[1]), &client));
    run(side, NOISE_NK);
    assert_null(noise_remote(&side[1]));
}

static void
missing_keys_are_refused(void **state)
{
    struct noise_config cfg = {.pattern = NOISE_XK, .role = NOISE_INITIATOR};
    struct dh_key relay;
    struct noise n;

    (void)state;
    dh_public(&relay, &relay_key);
    cfg.secret = &client_key;
    assert_int_equal(noise_init(&n, &cfg), ERR_STATE);
    cfg.remote = &relay;
    assert_int_equal(noise_init(&n, &cfg), ERR_OK);
    cfg.secret = NULL;
    assert_int_equal(noise_init(&n, &cfg), ERR_STATE);
    cfg.pattern = NOISE_NK;
    assert_int_equal(noise_init(&n, &cfg), ERR_OK);
    cfg.role = NOISE_RESPONDER;
    assert_int_equal(noise_init(&n, &cfg), ERR_STATE);
}

static void
turns_are_kept(void **state)
{
    struct noise_cipher a, b;
    struct noise side[2];
    uint8_t msg[256];
    size_t len;

    (void)state;
    start_both(side, NOISE_XK);
    assert_int_equal(noise_split(&side[0], &a, &b), ERR_STATE);
    assert_int_equal(noise_write(&side[1], msg, sizeof(msg), &len, NULL, 0),
                     ERR_STATE);
    assert_int_equal(noise_read(&side[0], msg, sizeof(msg), &len, msg, 48),
                     ERR_STATE);
    run(side, NOISE_XK);
    assert_int_equal(noise_write(&side[0], msg, sizeof(msg), &len, NULL, 0),
                     ERR_STATE);
    assert_int_equal(noise_split(&side[0], &a, &b), ERR_OK);
    assert_int_equal(noise_split(&side[0], &a, &b), ERR_STATE);
    noise_clear(&side[0]);
    noise_clear(&side[0]);
    assert_int_equal(noise_write(&side[0], msg, sizeof(msg), &len, NULL, 0),
                     ERR_STATE);
}

static void
what_does_not_fit_is_refused_before_anything_happens(void **state)
{
    struct noise side[2];
    uint8_t *big = calloc(1, 70000), *msg = calloc(1, 70000);
    size_t len;

    (void)state;
    assert_non_null(big);
    assert_non_null(msg);
    start_both(side, NOISE_XK);
    assert_int_equal(noise_write(&side[0], msg, 47, &len, NULL, 0), ERR_TOOBIG);
    assert_int_equal(noise_write(&side[0], msg, 49, &len, "hi", 2), ERR_TOOBIG);
    assert_int_equal(noise_write(&side[0], msg, 70000, &len, big, 65535 - 47),
                     ERR_TOOBIG);
    assert_int_equal(noise_write(&side[0], msg, 70000, &len, big, 65535 - 48),
                     ERR_OK);
    assert_int_equal(len, 65535);
    assert_int_equal(noise_read(&side[1], big, 70000, &len, msg, 65535),
                     ERR_OK);
    assert_int_equal(len, 65535 - 48);
    free(big);
    free(msg);
}

/* Message number STEP, changed by CHANGE, must kill the reader. */
static void
assert_dies(enum noise_pattern pattern, unsigned step,
            size_t (*change)(uint8_t *msg, size_t len, size_t at), size_t at)
{
    struct noise side[2];
    uint8_t msg[256], payload[64];
    struct noise *from, *to;
    size_t len;
    enum err rc;

    start_both(side, pattern);
    for (unsigned i = 0; i < step; i++)
        pass(side);
    from = &side[step % 2];
    to = &side[1 - step % 2];
    assert_int_equal(noise_write(from, msg, sizeof(msg), &len, "hi", 2),
                     ERR_OK);
    len = change(msg, len, at);
    rc = noise_read(to, payload, sizeof(payload), &len, msg, len);
    assert_true(rc == ERR_VERIFY || rc == ERR_MALFORMED);
    assert_false(noise_done(to));
    assert_false(noise_is_my_turn(to));
    assert_int_equal(noise_read(to, payload, sizeof(payload), &len, msg, len),
                     ERR_STATE);
}

static size_t
flip(uint8_t *msg, size_t len, size_t at)
{
    /* The last bit of an X25519 key is ignored by the curve, not by h. */
    msg[at] ^= 0x80;
    return len;
}

static size_t
cut(uint8_t *msg, size_t len, size_t at)
{
    (void)msg;
    (void)len;
    return at;
}

static void
every_changed_byte_kills_the_handshake(void **state)
{
    static const size_t len[] = {50, 50, 66};

    (void)state;
    for (unsigned step = 0; step < 3; step++) {
        for (size_t at = 0; at < len[step]; at++) {
            assert_dies(NOISE_XK, step, flip, at);
            assert_dies(NOISE_XK, step, cut, at);
        }
    }
}

static size_t
low_order_e(uint8_t *msg, size_t len, size_t at)
{
    memset(msg, 0, 32);
    msg[0] = (uint8_t)at;
    return len;
}

static void
an_all_zero_dh_kills_the_handshake(void **state)
{
    (void)state;
    for (size_t point = 0; point < 2; point++) {
        assert_dies(NOISE_XK, 0, low_order_e, point);
        assert_dies(NOISE_XK, 1, low_order_e, point);
        assert_dies(NOISE_NK, 0, low_order_e, point);
    }
}

static void
another_prologue_or_relay_key_fails_at_message_one(void **state)
{
    struct dh_key other;
    struct noise_config cfg = {
        .pattern = NOISE_NK, .prologue = "prologuE", .prologue_len = 8};
    struct noise n, relay;
    uint8_t msg[64], payload[8];
    size_t len;

    (void)state;
    dh_public(&other, &relay_key);
    cfg.remote = &other;
    for (int i = 0; i < 2; i++) {
        start(&relay, NOISE_NK, NOISE_RESPONDER);
        assert_int_equal(noise_init(&n, &cfg), ERR_OK);
        assert_int_equal(noise_write(&n, msg, sizeof(msg), &len, NULL, 0),
                         ERR_OK);
        assert_int_equal(
            noise_read(&relay, payload, sizeof(payload), &len, msg, len),
            ERR_VERIFY);
        cfg.prologue = "prologue";
        dh_public(&other, &client_key);
    }
}

static void
records_open_in_order_and_once(void **state)
{
    struct noise_cipher send, recv;
    uint8_t first[17], second[17], out[1];

    (void)state;
    one_way(&send, &recv);
    assert_int_equal(noise_seal(&send, first, "a", 1), ERR_OK);
    assert_int_equal(noise_seal(&send, second, "b", 1), ERR_OK);
    assert_int_equal(noise_open(&recv, out, second, 17), ERR_VERIFY);
    assert_int_equal(noise_open(&recv, out, first, 16), ERR_VERIFY);
    assert_int_equal(noise_open(&recv, out, first, 17), ERR_OK);
    assert_int_equal(noise_open(&recv, out, first, 17), ERR_VERIFY);
    assert_int_equal(noise_open(&recv, out, second, 17), ERR_OK);
    assert_int_equal(out[0], 'b');
}

/* REKEY(k), Noise section 4.2, from the AEAD alone. */
static void
rekeyed(uint8_t out[32], const uint8_t k[32])
{
    static const uint8_t nonce[12] = {0,    0,    0,    0,    0xff, 0xff,
                                      0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    static const uint8_t zeros[32];
    uint8_t sealed[48];

    aead_seal(sealed, k, nonce, NULL, 0, zeros, 32);
    memcpy(out, sealed, 32);
}

static void
the_key_changes_after_nonces_65535_and_131071(void **state)
{
    struct noise_cipher send, recv;
    uint8_t k0[32], k1[32], k2[32], rec[17], out[1];

    (void)state;
    one_way(&send, &recv);
    memcpy(k0, send.k, 32);
    rekeyed(k1, k0);
    rekeyed(k2, k1);
    for (uint64_t n = 0; n < 131074; n++) {
        const uint8_t *key = n < 65536 ? k0 : n < 131072 ? k1 : k2;

        assert_true(send.n == n);
        assert_memory_equal(send.k, key, 32);
        assert_int_equal(noise_seal(&send, rec, "x", 1), ERR_OK);
        assert_int_equal(noise_open(&recv, out, rec, 17), ERR_OK);
    }
}

static void
a_cipher_ends_before_its_nonces_do(void **state)
{
    struct noise_cipher send, recv, none = {0};
    uint8_t rec[17];

    (void)state;
    one_way(&send, &recv);
    send.n = recv.n = UINT64_MAX - 1;
    assert_int_equal(noise_seal(&send, rec, "x", 1), ERR_OK);
    assert_int_equal(noise_open(&recv, rec, rec, 17), ERR_OK);
    assert_int_equal(noise_seal(&send, rec, "x", 1), ERR_STATE);
    assert_int_equal(noise_open(&recv, rec, rec, 17), ERR_STATE);
    assert_int_equal(noise_seal(&none, rec, "x", 1), ERR_STATE);
    noise_cipher_clear(&send);
    assert_int_equal(noise_seal(&send, rec, "x", 1), ERR_STATE);
}

static void
a_record_has_at_most_65519_bytes(void **state)
{
    struct noise_cipher send, recv;
    uint8_t *rec = calloc(1, 65536 + 16);

    (void)state;
    assert_non_null(rec);
    one_way(&send, &recv);
    assert_int_equal(noise_seal(&send, rec, rec, 65520), ERR_TOOBIG);
    assert_int_equal(noise_seal(&send, rec, rec, 65519), ERR_OK);
    assert_int_equal(noise_open(&recv, rec, rec, 65536), ERR_TOOBIG);
    assert_int_equal(noise_open(&recv, rec, rec, 65535), ERR_OK);
    free(rec);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_pattern_ends_in_the_same_keys),
        cmocka_unit_test(message_sizes_are_those_of_crypto_md),
        cmocka_unit_test(the_relay_learns_the_client_only_from_message_three),
        cmocka_unit_test(missing_keys_are_refused),
        cmocka_unit_test(turns_are_kept),
        cmocka_unit_test(what_does_not_fit_is_refused_before_anything_happens),
        cmocka_unit_test(every_changed_byte_kills_the_handshake),
        cmocka_unit_test(an_all_zero_dh_kills_the_handshake),
        cmocka_unit_test(another_prologue_or_relay_key_fails_at_message_one),
        cmocka_unit_test(records_open_in_order_and_once),
        cmocka_unit_test(the_key_changes_after_nonces_65535_and_131071),
        cmocka_unit_test(a_cipher_ends_before_its_nonces_do),
        cmocka_unit_test(a_record_has_at_most_65519_bytes),
    };

    if (crypto_init() != ERR_OK)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
