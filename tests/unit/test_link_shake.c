#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/bytes.h"
#include "proto/msg.h"
#include "tests/lib/linkpair.h"

static void
the_relay_learns_who_came(void **state)
{
    struct pair p;
    struct dh_key key;

    (void)state;
    pair_ready(&p, LINK_XK);
    dh_public(&key, &pair_device_secret);
    assert_true(p.relay.was_asked);
    assert_memory_equal(&p.relay.peer.agency, &pair_agency, 16);
    assert_memory_equal(&p.relay.peer.device, &pair_device, 16);
    assert_memory_equal(&p.relay.peer.key, &key, 32);
    assert_memory_equal(link_peer(p.relay.link), &p.relay.peer,
                        sizeof(p.relay.peer));
    assert_null(link_peer(p.client.link));
    pair_clear(&p);
}

static void
a_stranger_is_nobody(void **state)
{
    struct pair p;

    (void)state;
    pair_ready(&p, LINK_NK);
    assert_false(p.relay.was_asked);
    assert_null(link_peer(p.relay.link));
    pair_clear(&p);
}

static void
who_the_relay_does_not_know_gets_no_answer(void **state)
{
    struct pair p;

    (void)state;
    pair_start(&p, LINK_XK);
    p.relay.says_no = true;
    assert_int_equal(pair_pump(&p, 7), ERR_AUTH);
    assert_true(p.relay.was_asked);
    assert_false(p.relay.is_ready);
    assert_int_equal(link_output(p.relay.link)->len, 0);
    assert_int_equal(link_feed(p.relay.link, "x", 1, 0), ERR_AUTH);
    assert_int_equal(link_send_msg(p.relay.link, "x", 1, 0), ERR_STATE);
    pair_clear(&p);
}

static void
any_changed_byte_of_the_handshake_ends_it(void **state)
{
    (void)state;
    for (int message = 1; message <= 3; message++)
        for (size_t at = 0; at < 105; at++) {
            struct pair p;
            struct end *to;
            struct buf *out;

            pair_start(&p, LINK_XK);
            if (message > 1)
                assert_int_equal(pair_carry(&p, &p.client, &p.relay, 999),
                                 ERR_OK);
            if (message > 2)
                assert_int_equal(pair_carry(&p, &p.relay, &p.client, 999),
                                 ERR_OK);
            out = link_output(message == 2 ? p.relay.link : p.client.link);
            to = message == 2 ? &p.client : &p.relay;
            if (at < out->len) {
                out->data[at] ^= 0x40;
                assert_int_not_equal(
                    pair_carry(&p, message == 2 ? &p.relay : &p.client, to,
                               999),
                    ERR_OK);
                assert_false(to->is_ready);
                assert_int_equal(link_output(to->link)->len, 0);
            }
            pair_clear(&p);
        }
}

static void
what_is_no_preamble_is_refused(void **state)
{
    static const struct {
        const char *bytes;
        enum err want;
    } cases[] = {
        {"SPT0\x01", ERR_MALFORMED}, {"GET /", ERR_MALFORMED},
        {"SPT1\x04", ERR_VERSION},   {"SPT1\x03", ERR_VERSION},
        {"SPT1\xff", ERR_VERSION},   {"\x16\x03\x01\x02\x01", ERR_MALFORMED},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct pair p;

        pair_start(&p, LINK_XK);
        assert_int_equal(link_feed(p.relay.link, cases[i].bytes, 5, 0),
                         cases[i].want);
        assert_int_equal(link_output(p.relay.link)->len, 0);
        assert_int_equal(link_feed(p.relay.link, "more", 4, 0), cases[i].want);
        pair_clear(&p);
    }
}

static void
handshake_lengths_are_exact(void **state)
{
    static const unsigned wrong[] = {0, 1, 47, 49, 58, 98, 144, 65535};

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct pair p;
        uint8_t bytes[] = "SPT1\x01..";

        pair_start(&p, LINK_XK);
        put_u16(bytes + 5, (uint16_t)wrong[i]);
        assert_int_equal(link_feed(p.relay.link, bytes, 7, 0), ERR_MALFORMED);
        assert_true(link_memory(p.relay.link) < 2048);
        pair_clear(&p);
    }
}

static void
another_suite_than_the_one_offered_fails(void **state)
{
    struct pair p;

    (void)state;
    /* The suite byte is part of the prologue: a lowered one cannot agree. */
    pair_start(&p, LINK_XK);
    link_output(p.client.link)->data[4] = LINK_NK;
    assert_int_equal(pair_pump(&p, 999), ERR_VERIFY);
    pair_clear(&p);
    pair_start(&p, LINK_NK);
    link_output(p.client.link)->data[4] = LINK_XK;
    assert_int_equal(pair_pump(&p, 999), ERR_VERIFY);
    pair_clear(&p);
}

static enum err
meet(const struct link_client_config *c, const struct link_relay_config *r)
{
    struct pair p = {.now_ms = PAIR_START_MS};
    enum err rc;

    p.client.link = link_new_client(c, &pair_events, &p.client, p.now_ms);
    p.relay.link = link_new_relay(r, &pair_events, &p.relay, p.now_ms);
    rc = pair_pump(&p, 999);
    if (rc == ERR_OK && !p.client.is_ready)
        rc = link_tick(p.client.link, p.now_ms);
    assert_int_equal(rc == ERR_OK, p.client.is_ready && p.relay.is_ready);
    pair_clear(&p);
    return rc;
}

static void
a_wrong_name_or_key_ends_the_handshake(void **state)
{
    struct dh_key key, other_key, zero = {{0}};
    struct link_client_config c = pair_client_config(LINK_XK, &key);
    struct link_relay_config r = pair_relay_config();
    struct dh_secret other = {{9}};

    (void)state;
    dh_public(&other_key, &other);
    assert_int_equal(meet(&c, &r), ERR_OK);
    c.relay_name = "relay.tesu";
    assert_int_equal(meet(&c, &r), ERR_VERIFY);
    c.relay_name = PAIR_NAME "x";
    assert_int_equal(meet(&c, &r), ERR_VERIFY);
    c.relay_name = PAIR_NAME;
    c.relay_key = &other_key;
    assert_int_equal(meet(&c, &r), ERR_VERIFY);
    c.relay_key = &zero;
    assert_int_equal(meet(&c, &r), ERR_VERIFY);
}

static void
garbage_never_opens(void **state)
{
    (void)state;
    for (unsigned seed = 0; seed < 2000; seed++) {
        struct pair p;
        uint8_t noise[200];

        pair_start(&p, LINK_XK);
        for (size_t i = 0; i < sizeof(noise); i++)
            noise[i] = (uint8_t)(seed * 2654435761u >> (i % 24));
        memcpy(noise, "SPT1\x01\x00\x30", seed % 2 ? 7 : 5);
        assert_int_not_equal(
            link_feed(p.relay.link, noise, sizeof(noise), p.now_ms), ERR_OK);
        assert_int_equal(link_output(p.relay.link)->len, 0);
        assert_true(link_memory(p.relay.link) < 2048);
        pair_clear(&p);
    }
}

static void
a_version_nobody_offered_is_refused(void **state)
{
    static const unsigned wrong[] = {0, LINK_VERSION + 1, 65535};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct rogue g;

        rogue_start(&g, LINK_XK);
        assert_int_equal(rogue_m3(&g, wrong[i]), ERR_VERSION);
        assert_false(g.relay.was_asked);
        rogue_clear(&g);
    }
}

static void
bye_before_ready_says_nothing(void **state)
{
    struct pair p;

    (void)state;
    pair_start(&p, LINK_XK);
    link_bye(p.relay.link, BYE_STOPPING);
    assert_int_equal(link_output(p.relay.link)->len, 0);
    assert_int_equal(pair_carry(&p, &p.client, &p.relay, 9), ERR_CLOSED);
    pair_clear(&p);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_relay_learns_who_came),
        cmocka_unit_test(a_stranger_is_nobody),
        cmocka_unit_test(who_the_relay_does_not_know_gets_no_answer),
        cmocka_unit_test(any_changed_byte_of_the_handshake_ends_it),
        cmocka_unit_test(what_is_no_preamble_is_refused),
        cmocka_unit_test(handshake_lengths_are_exact),
        cmocka_unit_test(another_suite_than_the_one_offered_fails),
        cmocka_unit_test(a_wrong_name_or_key_ends_the_handshake),
        cmocka_unit_test(garbage_never_opens),
        cmocka_unit_test(a_version_nobody_offered_is_refused),
        cmocka_unit_test(bye_before_ready_says_nothing),
    };

    return crypto_init() != ERR_OK ||
           cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
