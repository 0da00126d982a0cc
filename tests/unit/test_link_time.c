#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "proto/msg.h"
#include "tests/lib/linkpair.h"

static void
the_client_idles_and_the_relay_echoes(void **state)
{
    struct pair p;
    uint64_t due;

    (void)state;
    pair_ready(&p, LINK_XK);
    for (int round = 0; round < 20; round++) {
        due = link_next_ms(p.client.link);
        assert_in_range(due - p.now_ms, LINK_IDLE_MIN_MS, LINK_IDLE_MAX_MS);
        assert_int_equal(link_tick(p.client.link, due - 1), ERR_OK);
        assert_int_equal(link_output(p.client.link)->len, 0);
        p.now_ms = due;
        assert_int_equal(link_tick(p.client.link, due), ERR_OK);
        assert_int_equal(link_output(p.client.link)->len, 146);
        assert_int_equal(pair_carry(&p, &p.client, &p.relay, 1), ERR_OK);
        assert_int_equal(link_output(p.relay.link)->len, 146);
        assert_int_equal(pair_carry(&p, &p.relay, &p.client, 1), ERR_OK);
        assert_int_equal(link_output(p.client.link)->len, 0);
        assert_true(link_next_ms(p.relay.link) == due + LINK_SILENCE_MS);
    }
    assert_int_equal(p.relay.message_count + p.client.message_count, 0);
    pair_clear(&p);
}

static void
silence_closes_both_sides(void **state)
{
    struct pair p;
    uint64_t end = PAIR_START_MS + LINK_SILENCE_MS;

    (void)state;
    pair_ready(&p, LINK_XK);
    assert_int_equal(link_tick(p.relay.link, end - 1), ERR_OK);
    /* Half a record is no sign of life. */
    assert_int_equal(link_feed(p.relay.link, "\x00\x90zz", 4, end - 1), ERR_OK);
    assert_int_equal(link_tick(p.relay.link, end), ERR_TIMEOUT);
    assert_int_equal(link_output(p.relay.link)->len, 146);
    assert_int_equal(pair_carry(&p, &p.relay, &p.client, 999), ERR_CLOSED);
    assert_int_equal(p.client.bye_code, BYE_IDLE);
    assert_int_equal(link_tick(p.relay.link, end + 1), ERR_TIMEOUT);
    pair_clear(&p);
    pair_ready(&p, LINK_XK);
    for (uint64_t t = link_next_ms(p.client.link); t < end;
         t = link_next_ms(p.client.link))
        assert_int_equal(link_tick(p.client.link, t), ERR_OK);
    assert_int_equal(link_tick(p.client.link, end), ERR_TIMEOUT);
    pair_clear(&p);
}

static void
a_handshake_has_ten_seconds(void **state)
{
    struct pair p;
    uint64_t end = PAIR_START_MS + LINK_HANDSHAKE_MS;

    (void)state;
    pair_start(&p, LINK_XK);
    assert_int_equal(pair_carry(&p, &p.client, &p.relay, 99), ERR_OK);
    assert_true(link_next_ms(p.relay.link) == end);
    assert_true(link_next_ms(p.client.link) == end);
    assert_int_equal(link_tick(p.relay.link, end - 1), ERR_OK);
    assert_int_equal(link_tick(p.relay.link, end), ERR_TIMEOUT);
    assert_int_equal(link_tick(p.client.link, end), ERR_TIMEOUT);
    pair_clear(&p);
}

static void
a_session_ends_after_twelve_hours(void **state)
{
    struct pair p;
    uint64_t t = PAIR_START_MS, end = PAIR_START_MS + LINK_AGE_MAX_MS;
    enum err rc = ERR_OK;

    (void)state;
    pair_ready(&p, LINK_XK);
    while (rc == ERR_OK) {
        t = link_next_ms(p.client.link);
        p.now_ms = t;
        rc = link_tick(p.client.link, t);
        if (rc == ERR_OK)
            assert_int_equal(pair_pump(&p, 146), ERR_OK);
    }
    assert_int_equal(rc, ERR_EXPIRED);
    assert_in_range(end - t, 0, LINK_AGE_EARLY_MS);
    assert_int_equal(pair_carry(&p, &p.client, &p.relay, 146), ERR_CLOSED);
    assert_int_equal(p.relay.bye_code, BYE_REKEY);
    pair_clear(&p);
}

static void
the_relay_ends_a_session_after_twelve_hours_too(void **state)
{
    struct rogue g;
    uint64_t t = PAIR_START_MS;

    (void)state;
    rogue_ready(&g, LINK_XK);
    for (; t < PAIR_START_MS + LINK_AGE_MAX_MS; t += 60000) {
        struct buf b = {0};

        assert_int_equal(link_tick(g.relay.link, t), ERR_OK);
        assert_int_equal(record_seal(&g.send, &b, RECORD_IDLE, NULL, 0),
                         ERR_OK);
        assert_int_equal(link_feed(g.relay.link, b.data, b.len, t), ERR_OK);
        buf_clear(&b);
    }
    assert_int_equal(link_tick(g.relay.link, t), ERR_EXPIRED);
    rogue_clear(&g);
}

static void
a_stranger_has_a_minute_however_much_it_says(void **state)
{
    struct rogue g;
    uint64_t t = PAIR_START_MS;

    (void)state;
    rogue_ready(&g, LINK_NK);
    for (; t < PAIR_START_MS + 60000; t += 20000) {
        assert_int_equal(link_tick(g.relay.link, t), ERR_OK);
        assert_int_equal(rogue_record(&g, RECORD_IDLE, NULL, 0), ERR_OK);
    }
    assert_true(link_next_ms(g.relay.link) == t);
    assert_int_equal(link_tick(g.relay.link, t - 1), ERR_OK);
    assert_int_equal(link_tick(g.relay.link, t), ERR_EXPIRED);
    rogue_clear(&g);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_client_idles_and_the_relay_echoes),
        cmocka_unit_test(silence_closes_both_sides),
        cmocka_unit_test(a_handshake_has_ten_seconds),
        cmocka_unit_test(a_session_ends_after_twelve_hours),
        cmocka_unit_test(the_relay_ends_a_session_after_twelve_hours_too),
        cmocka_unit_test(a_stranger_has_a_minute_however_much_it_says),
    };

    return crypto_init() != ERR_OK ||
           cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
