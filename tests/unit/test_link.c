#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/bytes.h"
#include "proto/msg.h"
#include "tests/lib/fail_alloc.h"
#include "tests/lib/linkpair.h"

static void
expect_heard(struct end *e, const void *bytes, size_t len)
{
    assert_int_equal(e->heard.len, 4 + len);
    assert_int_equal(get_u32(e->heard.data), len);
    assert_memory_equal(e->heard.data + 4, bytes, len);
    buf_reset(&e->heard);
}

static void
both_suites_carry_messages_both_ways(void **state)
{
    static const enum link_suite suites[] = {LINK_XK, LINK_NK};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct pair p;

        pair_ready(&p, suites[i]);
        assert_int_equal(link_send_msg(p.client.link, "ping", 4, 0), ERR_OK);
        assert_int_equal(link_send_msg(p.relay.link, "pong", 4, 0), ERR_OK);
        assert_int_equal(pair_pump(&p, 1000), ERR_OK);
        expect_heard(&p.relay, "ping", 4);
        expect_heard(&p.client, "pong", 4);
        assert_int_equal(link_suite_of(p.relay.link), suites[i]);
        assert_int_equal(link_version(p.client.link), 1);
        assert_int_equal(link_version(p.relay.link), 1);
        assert_true(link_relay_unix_ms(p.client.link) == PAIR_UNIX_MS);
        assert_memory_equal(link_session_hash(p.client.link),
                            link_session_hash(p.relay.link), 32);
        pair_clear(&p);
    }
}

/* A conversation with every kind of record, from client to relay. */
static void
talk(struct pair *p)
{
    static uint8_t big[70000];

    memset(big, 'B', sizeof(big));
    assert_int_equal(link_send_msg(p->client.link, "one", 3, 0), ERR_OK);
    assert_int_equal(link_idle(p->client.link, 0), ERR_OK);
    assert_int_equal(link_send_blob(p->client.link, 9, 5, "blob", 4, 0),
                     ERR_OK);
    assert_int_equal(link_send_msg(p->client.link, big, sizeof(big), 0),
                     ERR_OK);
    assert_int_equal(link_send_msg(p->client.link, "two", 3, 0), ERR_OK);
    link_bye(p->client.link, BYE_STOPPING);
}

static void
a_stream_cut_at_every_offset_says_the_same(void **state)
{
    struct pair p;
    struct buf want = {0};
    size_t total;

    (void)state;
    pair_ready(&p, LINK_XK);
    talk(&p);
    total = link_output(p.client.link)->len;
    assert_int_equal(pair_pump(&p, SIZE_MAX / 2), ERR_CLOSED);
    assert_int_equal(p.relay.message_count, 3);
    want = p.relay.heard;
    p.relay.heard = (struct buf){0};
    pair_clear(&p);

    /* Two pieces, torn at each of the first and last bytes, and in between in
     * steps that hit every phase of a record. */
    for (size_t at = 1; at < total; at += at < 800 ? 1 : 131) {
        struct buf out;

        pair_ready(&p, LINK_XK);
        talk(&p);
        out = *link_output(p.client.link);
        *link_output(p.client.link) = (struct buf){0};
        assert_int_equal(link_feed(p.relay.link, out.data, at, 0), ERR_OK);
        assert_int_equal(
            link_feed(p.relay.link, out.data + at, out.len - at, 0),
            ERR_CLOSED);
        assert_int_equal(p.relay.bye_code, BYE_STOPPING);
        assert_int_equal(p.relay.heard.len, want.len);
        assert_memory_equal(p.relay.heard.data, want.data, want.len);
        buf_clear(&out);
        pair_clear(&p);
    }
    buf_clear(&want);
}

static void
a_stream_in_pieces_of_any_size_says_the_same(void **state)
{
    static const size_t cuts[] = {1, 2, 3, 5, 7, 48, 50, 58, 100, 146, 65537};

    (void)state;
    for (size_t i = 0; i < sizeof(cuts) / sizeof(cuts[0]); i++) {
        struct pair p;

        pair_start(&p, LINK_XK);
        assert_int_equal(pair_pump(&p, cuts[i]), ERR_OK);
        talk(&p);
        assert_int_equal(pair_pump(&p, cuts[i]), ERR_CLOSED);
        assert_int_equal(p.relay.message_count, 3);
        assert_int_equal(p.relay.blob_count, 1);
        assert_int_equal(p.relay.bye_count, 1);
        pair_clear(&p);
    }
}

/* One message of the client as bytes on the wire. */
static struct buf
wire_message(struct pair *p, const char *text)
{
    struct buf out;

    assert_int_equal(link_send_msg(p->client.link, text, strlen(text), 0),
                     ERR_OK);
    out = *link_output(p->client.link);
    *link_output(p->client.link) = (struct buf){0};
    return out;
}

static void
replayed_and_swapped_records_close(void **state)
{
    for (int swap = 0; swap < 2; swap++) {
        struct pair p;
        struct buf a, b;

        (void)state;
        pair_ready(&p, LINK_XK);
        a = wire_message(&p, "a");
        b = wire_message(&p, "b");
        if (swap == 0)
            assert_int_equal(link_feed(p.relay.link, a.data, a.len, 0), ERR_OK);
        assert_int_equal(
            link_feed(p.relay.link, swap ? b.data : a.data, a.len, 0),
            ERR_VERIFY);
        assert_int_equal(p.relay.message_count, swap ? 0 : 1);
        assert_int_equal(link_output(p.relay.link)->len, 0);
        buf_clear(&a);
        buf_clear(&b);
        pair_clear(&p);
    }
}

static void
a_record_length_that_none_has_closes_at_once(void **state)
{
    struct pair p;

    (void)state;
    pair_ready(&p, LINK_XK);
    assert_int_equal(link_feed(p.relay.link, "\xff\xfe", 2, 0), ERR_MALFORMED);
    pair_clear(&p);
}

static void
a_message_of_the_largest_size_passes(void **state)
{
    static uint8_t big[LINK_MSG_MAX + 1];
    struct pair p;

    (void)state;
    for (size_t i = 0; i < sizeof(big); i++)
        big[i] = (uint8_t)(i * 31 >> 3);
    pair_ready(&p, LINK_XK);
    assert_int_equal(link_send_msg(p.client.link, big, LINK_MSG_MAX, 0),
                     ERR_OK);
    assert_int_equal(pair_pump(&p, 65536), ERR_OK);
    expect_heard(&p.relay, big, LINK_MSG_MAX);
    assert_true(link_memory(p.relay.link) < 4096);
    assert_int_equal(link_send_msg(p.client.link, big, LINK_MSG_MAX + 1, 0),
                     ERR_TOOBIG);
    assert_int_equal(link_output(p.client.link)->len, 0);
    pair_clear(&p);
}

static void
a_strangers_message_is_at_most_16_kib(void **state)
{
    static uint8_t big[LINK_NK_MSG_MAX + 1];
    struct pair p;

    (void)state;
    pair_ready(&p, LINK_NK);
    assert_int_equal(link_send_msg(p.client.link, big, LINK_NK_MSG_MAX, 0),
                     ERR_OK);
    assert_int_equal(pair_pump(&p, 65536), ERR_OK);
    expect_heard(&p.relay, big, LINK_NK_MSG_MAX);
    assert_int_equal(link_send_msg(p.client.link, big, sizeof(big), 0),
                     ERR_TOOBIG);
    assert_int_equal(link_send_blob(p.client.link, 1, 0, big, 1, 0), ERR_STATE);
    pair_clear(&p);
}

static void
idle_and_blob_come_between_parts(void **state)
{
    struct rogue g;

    (void)state;
    rogue_ready(&g, LINK_XK);
    assert_int_equal(rogue_record(&g, RECORD_PART, "ab", 2), ERR_OK);
    assert_int_equal(rogue_record(&g, RECORD_IDLE, NULL, 0), ERR_OK);
    assert_int_equal(rogue_record(&g, RECORD_PART, "c", 1), ERR_OK);
    assert_int_equal(rogue_record(&g, RECORD_BLOB, "hhhhooooooooB", 13),
                     ERR_OK);
    assert_int_equal(rogue_record(&g, RECORD_LAST, "de", 2), ERR_OK);
    assert_int_equal(g.relay.message_count, 1);
    assert_int_equal(g.relay.blob_count, 1);
    assert_int_equal(g.relay.heard.len, 4 + 13 + 4 + 5);
    assert_memory_equal(g.relay.heard.data, "blobhhhhooooooooB", 17);
    assert_memory_equal(g.relay.heard.data + 21, "abcde", 5);
    rogue_clear(&g);
}

static void
parts_above_the_limit_close(void **state)
{
    static uint8_t part[RECORD_BYTES_MAX];
    static const struct {
        enum link_suite suite;
        size_t max;
    } cases[] = {{LINK_XK, LINK_MSG_MAX}, {LINK_NK, LINK_NK_MSG_MAX}};

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        size_t left = cases[i / 2].max;
        size_t over = i % 2;
        struct rogue g;

        rogue_ready(&g, cases[i / 2].suite);
        while (left > sizeof(part)) {
            assert_int_equal(rogue_record(&g, RECORD_PART, part, sizeof(part)),
                             ERR_OK);
            left -= sizeof(part);
        }
        assert_int_equal(rogue_record(&g, RECORD_PART, part, left - 1), ERR_OK);
        assert_int_equal(rogue_record(&g, RECORD_LAST, part, 1 + over),
                         over ? ERR_TOOBIG : ERR_OK);
        assert_int_equal(g.relay.message_count, over ? 0 : 1);
        rogue_clear(&g);
    }
}

static void
one_record_above_a_strangers_limit_closes(void **state)
{
    static uint8_t part[LINK_NK_MSG_MAX + 1];
    struct rogue g;

    (void)state;
    rogue_ready(&g, LINK_NK);
    assert_int_equal(rogue_record(&g, RECORD_LAST, part, sizeof(part)),
                     ERR_TOOBIG);
    assert_int_equal(g.relay.message_count, 0);
    rogue_clear(&g);
}

static void
a_strangers_blob_closes(void **state)
{
    struct rogue g;

    (void)state;
    rogue_ready(&g, LINK_NK);
    assert_int_equal(rogue_record(&g, RECORD_BLOB, "hhhhooooooooB", 13),
                     ERR_MALFORMED);
    assert_int_equal(g.relay.blob_count, 0);
    rogue_clear(&g);
}

static void
keys_change_after_65536_records_and_nobody_notices(void **state)
{
    enum { RECORDS = 131072 + 3 };
    struct pair p;

    (void)state;
    pair_ready(&p, LINK_XK);
    for (unsigned i = 0; i < RECORDS; i++) {
        uint8_t text[4];

        put_u32(text, i);
        assert_int_equal(link_send_msg(p.client.link, text, 4, 0), ERR_OK);
        assert_int_equal(pair_carry(&p, &p.client, &p.relay, 65537), ERR_OK);
        assert_int_equal(get_u32(p.relay.heard.data + 4), i);
        buf_reset(&p.relay.heard);
    }
    assert_int_equal(p.relay.message_count, RECORDS);
    pair_clear(&p);
}

/* The old key must be gone: a cipher that never changed it cannot go on. */
static void
the_key_after_65536_records_is_another(void **state)
{
    struct rogue g;
    uint8_t key[32];

    (void)state;
    rogue_ready(&g, LINK_XK);
    memcpy(key, g.send.k, 32);
    for (unsigned i = 0; i < 65536; i++)
        assert_int_equal(rogue_record(&g, RECORD_LAST, "x", 1), ERR_OK);
    assert_memory_not_equal(key, g.send.k, 32);
    memcpy(g.send.k, key, 32);
    assert_int_equal(rogue_record(&g, RECORD_LAST, "x", 1), ERR_VERIFY);
    rogue_clear(&g);
}

static void
a_blob_is_cut_into_records(void **state)
{
    static uint8_t bytes[2 * RECORD_BLOB_MAX + 10];
    struct pair p;
    struct rd r;

    (void)state;
    memset(bytes, 'f', sizeof(bytes));
    pair_ready(&p, LINK_XK);
    assert_int_equal(link_send_blob(p.relay.link, 77, UINT64_C(1) << 33, bytes,
                                    sizeof(bytes), 0),
                     ERR_OK);
    assert_int_equal(pair_pump(&p, 5000), ERR_OK);
    assert_int_equal(p.client.blob_count, 3);
    r = rd_from(p.client.heard.data, p.client.heard.len);
    for (uint64_t i = 0; i < 3; i++) {
        rd_expect(&r, "blob", 4);
        assert_int_equal(rd_u32(&r), 77);
        assert_true(rd_u64(&r) == (UINT64_C(1) << 33) + i * RECORD_BLOB_MAX);
        assert_non_null(rd_ref(&r, i < 2 ? RECORD_BLOB_MAX : 10));
    }
    assert_int_equal(rd_end(&r), ERR_OK);
    pair_clear(&p);
}

static void
bye_is_the_last_word(void **state)
{
    struct pair p;

    (void)state;
    pair_ready(&p, LINK_XK);
    assert_int_equal(link_send_msg(p.client.link, "late", 4, 0), ERR_OK);
    link_bye(p.relay.link, BYE_SUPERSEDED);
    link_bye(p.relay.link, BYE_IDLE);
    assert_int_equal(link_output(p.relay.link)->len, 146);
    assert_int_equal(pair_carry(&p, &p.relay, &p.client, 50), ERR_CLOSED);
    assert_int_equal(p.client.bye_count, 1);
    assert_int_equal(p.client.bye_code, BYE_SUPERSEDED);
    assert_int_equal(pair_carry(&p, &p.client, &p.relay, 50), ERR_CLOSED);
    assert_int_equal(p.relay.message_count, 0);
    assert_int_equal(link_send_msg(p.relay.link, "x", 1, 0), ERR_STATE);
    assert_int_equal(link_idle(p.relay.link, 0), ERR_STATE);
    assert_int_equal(link_send_blob(p.relay.link, 1, 0, "x", 1, 0), ERR_STATE);
    assert_false(link_is_ready(p.relay.link));
    pair_clear(&p);
}

static void
stop_inside_an_event_ends_the_feed(void **state)
{
    struct pair p;

    (void)state;
    pair_ready(&p, LINK_XK);
    p.relay.stop_after = 2;
    for (int i = 0; i < 4; i++)
        assert_int_equal(link_send_msg(p.client.link, "m", 1, 0), ERR_OK);
    assert_int_equal(pair_carry(&p, &p.client, &p.relay, 9999), ERR_CLOSED);
    assert_int_equal(p.relay.message_count, 2);
    pair_clear(&p);
}

static void
memory_is_small_before_authentication_and_when_idle(void **state)
{
    static uint8_t big[40000];
    struct pair p;

    (void)state;
    pair_start(&p, LINK_XK);
    assert_true(link_memory(p.relay.link) < 2048);
    assert_int_equal(pair_carry(&p, &p.client, &p.relay, 9), ERR_OK);
    assert_true(link_memory(p.relay.link) < 2048);
    assert_int_equal(pair_pump(&p, 9), ERR_OK);
    assert_int_equal(link_send_msg(p.client.link, big, sizeof(big), 0), ERR_OK);
    assert_int_equal(pair_pump(&p, 9), ERR_OK);
    assert_int_equal(p.relay.message_count, 1);
    assert_true(link_memory(p.relay.link) < 2048);
    pair_clear(&p);
}

/* Handshake and conversation with the N-th allocation failing: the link that
 * met it says so, or its constructor gave nothing. */
static enum err
converse(struct pair *p)
{
    static uint8_t big[100000];
    struct dh_key key;
    struct link_client_config c = pair_client_config(LINK_XK, &key);
    struct link_relay_config r = pair_relay_config();
    enum err rc;

    memset(p, 0, sizeof(*p));
    p->client.link = link_new_client(&c, &pair_events, &p->client, 0);
    p->relay.link = link_new_relay(&r, &pair_events, &p->relay, 0);
    if (p->client.link == NULL || p->relay.link == NULL)
        return ERR_NOMEM;
    rc = pair_pump(p, 64);
    if (rc == ERR_OK)
        rc = link_send_msg(p->client.link, big, sizeof(big), 0);
    if (rc == ERR_OK)
        rc = link_send_blob(p->client.link, 1, 2, big, sizeof(big), 0);
    if (rc == ERR_OK)
        rc = link_idle(p->client.link, 0);
    return rc == ERR_OK ? pair_pump(p, 64) : rc;
}

static void
no_memory_is_told_and_nothing_leaks(void **state)
{
    (void)state;
    for (unsigned long n = 0;; n++) {
        struct pair p;
        enum err rc;
        bool failed;

        fail_alloc_at(n);
        rc = converse(&p);
        failed = fail_alloc_off();
        /* What the test's own buffers did not get is not the link's fault. */
        if (failed && !p.client.heard.failed && !p.relay.heard.failed)
            assert_int_equal(rc, ERR_NOMEM);
        pair_clear(&p);
        if (!failed) {
            assert_int_equal(rc, ERR_OK);
            break;
        }
    }
}

static void
sending_goes_on_after_memory_came_back(void **state)
{
    static uint8_t big[100000];
    struct pair p;

    (void)state;
    pair_ready(&p, LINK_XK);
    fail_alloc_at(0);
    assert_int_equal(link_send_msg(p.client.link, big, sizeof(big), 0),
                     ERR_NOMEM);
    assert_true(fail_alloc_off());
    assert_int_equal(link_send_msg(p.client.link, big, sizeof(big), 0), ERR_OK);
    assert_int_equal(pair_pump(&p, 10000), ERR_OK);
    expect_heard(&p.relay, big, sizeof(big));
    pair_clear(&p);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_suites_carry_messages_both_ways),
        cmocka_unit_test(a_stream_cut_at_every_offset_says_the_same),
        cmocka_unit_test(a_stream_in_pieces_of_any_size_says_the_same),
        cmocka_unit_test(replayed_and_swapped_records_close),
        cmocka_unit_test(a_record_length_that_none_has_closes_at_once),
        cmocka_unit_test(a_message_of_the_largest_size_passes),
        cmocka_unit_test(a_strangers_message_is_at_most_16_kib),
        cmocka_unit_test(idle_and_blob_come_between_parts),
        cmocka_unit_test(parts_above_the_limit_close),
        cmocka_unit_test(one_record_above_a_strangers_limit_closes),
        cmocka_unit_test(a_strangers_blob_closes),
        cmocka_unit_test(keys_change_after_65536_records_and_nobody_notices),
        cmocka_unit_test(the_key_after_65536_records_is_another),
        cmocka_unit_test(a_blob_is_cut_into_records),
        cmocka_unit_test(bye_is_the_last_word),
        cmocka_unit_test(stop_inside_an_event_ends_the_feed),
        cmocka_unit_test(memory_is_small_before_authentication_and_when_idle),
        cmocka_unit_test(no_memory_is_told_and_nothing_leaks),
        cmocka_unit_test(sending_goes_on_after_memory_came_back),
    };

    return crypto_init() != ERR_OK ||
           cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
