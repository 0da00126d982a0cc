#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "proto/msg.h"
#include "tests/lib/fail_alloc.h"
#include "tests/lib/msgsample.h"

#define FOR_EACH_SPEC(s)                                                       \
    for (unsigned row = 0; ((s) = msg_spec_at(row)) != NULL; row++)

static void
decode_and_encode(const struct msg_spec *s, const struct buf *b)
{
    struct buf again = {0};
    struct msg m;

    assert_int_equal(msg_decode(&m, s->from, b->data, b->len), ERR_OK);
    assert_int_equal(m.type, s->type);
    assert_int_equal(m.n, s->n);
    assert_int_equal(m.req, sample_req(s));
    assert_ptr_equal(m.spec, s);
    assert_int_equal(
        msg_encode(&again, s->from, (enum msg_type)m.type, m.req, m.f, m.n),
        ERR_OK);
    assert_int_equal(again.len, b->len);
    assert_memory_equal(again.data, b->data, b->len);
    msg_clear(&m);
    buf_clear(&again);
}

static void
every_message_survives_a_round_trip(void **state)
{
    const struct msg_spec *s;

    (void)state;
    FOR_EACH_SPEC(s)
    {
        struct buf b = {0};

        sample_message(&b, s, &sample_plain);
        decode_and_encode(s, &b);
        buf_clear(&b);
    }
}

static void
every_field_at_its_limit_survives_a_round_trip(void **state)
{
    const struct msg_spec *s;

    (void)state;
    FOR_EACH_SPEC(s)
    for (unsigned i = 0; i < s->n; i++) {
        struct sample_change c = {
            .field = (int)i, .kind = s->f[i].kind, .v = s->f[i].max};
        struct buf b = {0};

        sample_message(&b, s, &c);
        decode_and_encode(s, &b);
        if (s->f[i].nil_ok) {
            buf_reset(&b);
            c.kind = MSG_NIL;
            sample_message(&b, s, &c);
            decode_and_encode(s, &b);
        }
        buf_clear(&b);
    }
}

static void
fields_point_into_the_bytes(void **state)
{
    static const char bytes[] = "\x95\x11\x09\x91\x94\x05\xc4\xc0"
                                "0123456789abcdef0123456789abcdef"
                                "0123456789abcdef0123456789abcdef"
                                "0123456789abcdef0123456789abcdef"
                                "0123456789abcdef0123456789abcdef"
                                "0123456789abcdef0123456789abcdef"
                                "0123456789abcdef0123456789abcdef"
                                "\xc4\x01x\xc4\x00\xcd\x01\x02\xc4\x02ok";
    const struct msg_field *row;
    struct msg m;

    (void)state;
    assert_int_equal(msg_decode(&m, MSG_FROM_RELAY, bytes, sizeof(bytes) - 1),
                     ERR_OK);
    assert_int_equal(m.type, MSG_EVENTS);
    assert_int_equal(m.req, 9);
    assert_int_equal(m.f[EVENTS_ROWS].len, 1);
    row = &m.f[EVENTS_ROWS].items[0];
    assert_int_equal(row->kind, MSG_LIST);
    assert_int_equal(row->len, 4);
    assert_int_equal(row->items[EVENTS_ROW_INDEX].u, 5);
    assert_ptr_equal(row->items[EVENTS_ROW_OPENING].p, bytes + 8);
    assert_int_equal(row->items[EVENTS_ROW_OPENING].len, 192);
    assert_int_equal(row->items[EVENTS_ROW_EVIDENCE].len, 1);
    assert_int_equal(row->items[EVENTS_ROW_LEAF_PROOF].len, 0);
    assert_int_equal(m.f[EVENTS_NEXT].u, 0x102);
    assert_memory_equal(m.f[EVENTS_CHECKPOINT].p, "ok", 2);
    msg_clear(&m);
    assert_null(m.mem);
    msg_clear(&m);
}

static void
a_failed_decode_leaves_the_output_alone(void **state)
{
    struct msg m;

    (void)state;
    memset(&m, 0x5a, sizeof(m));
    assert_int_equal(msg_decode(&m, MSG_FROM_RELAY, "\x92\x03", 2),
                     ERR_MALFORMED);
    assert_int_equal(m.type, 0x5a);
    assert_int_equal(m.req, 0x5a5a5a5a);
}

static void
hostile_bytes_reach_no_allocation(void **state)
{
    uint8_t bomb[150];

    (void)state;
    /* Arrays of 65535 in arrays of 65535: what grows msgpack-c to gigabytes. */
    for (size_t i = 0; i < sizeof(bomb); i += 3)
        memcpy(bomb + i, "\xdc\xff\xff", 3);
    fail_alloc_at(0);
    for (size_t cut = 1; cut <= sizeof(bomb); cut++) {
        struct msg m;

        assert_int_equal(msg_decode(&m, MSG_FROM_CLIENT, bomb, cut),
                         ERR_MALFORMED);
        assert_int_equal(msg_decode(&m, MSG_FROM_RELAY, bomb, cut),
                         ERR_MALFORMED);
    }
    assert_false(fail_alloc_off());
}

static void
no_memory_is_told_and_nothing_leaks(void **state)
{
    const struct msg_spec *s = msg_spec_of(MSG_FROM_RELAY, MSG_EVENTS);
    struct sample_change c = {EVENTS_ROWS, MSG_LIST, 3, 0};
    struct buf b = {0};

    (void)state;
    sample_message(&b, s, &c);
    for (unsigned long n = 0;; n++) {
        struct buf out = {0};
        struct msg m = {0};
        enum err rc;

        fail_alloc_at(n);
        rc = msg_decode(&m, MSG_FROM_RELAY, b.data, b.len);
        if (rc == ERR_OK)
            rc = msg_encode(&out, MSG_FROM_RELAY, MSG_EVENTS, 7, m.f, m.n);
        msg_clear(&m);
        buf_clear(&out);
        if (!fail_alloc_off()) {
            assert_int_equal(rc, ERR_OK);
            assert_true(n >= 2);
            break;
        }
        assert_int_equal(rc, ERR_NOMEM);
    }
    buf_clear(&b);
}

static void
a_message_too_big_is_not_written(void **state)
{
    static uint8_t stmt[LIMIT_STMT];
    struct msg_field leaves[LIMIT_EVENTS_PAGE];
    struct msg_field f[] = {
        [DIR_FROM] = msg_u(0),
        [DIR_LEAVES] = msg_list(leaves, 200),
        [DIR_CHECKPOINT] = msg_bin("x", 1),
    };
    struct buf out = {0};

    (void)state;
    for (size_t i = 0; i < LIMIT_EVENTS_PAGE; i++)
        leaves[i] = msg_bin(stmt, sizeof(stmt));
    buf_str(&out, "kept");
    assert_int_equal(msg_encode(&out, MSG_FROM_RELAY, MSG_DIR, 1, f, 3),
                     ERR_TOOBIG);
    assert_int_equal(out.len, 4);
    buf_clear(&out);
}

static void
a_page_within_its_budget_fits(void **state)
{
    static uint8_t bytes[LIMIT_STMT];
    struct msg_field row[] = {
        [EVENTS_ROW_INDEX] = msg_u(UINT64_MAX),
        [EVENTS_ROW_OPENING] = msg_bin(bytes, 192),
        [EVENTS_ROW_EVIDENCE] = msg_bin(bytes, LIMIT_STMT),
        [EVENTS_ROW_LEAF_PROOF] = msg_bin(bytes, LIMIT_PROOF),
    };
    size_t cost = 192 + LIMIT_STMT + LIMIT_PROOF + LIMIT_PAGE_ROW_COST;
    size_t n = LIMIT_PAGE_BYTES / cost + 1;
    struct msg_field rows[LIMIT_EVENTS_PAGE];
    struct msg_field f[] = {
        [EVENTS_ROWS] = msg_list(rows, n),
        [EVENTS_NEXT] = msg_u(UINT64_MAX),
        [EVENTS_CHECKPOINT] = msg_bin(bytes, LIMIT_CHECKPOINT),
    };
    struct buf out = {0};

    (void)state;
    for (size_t i = 0; i < n; i++)
        rows[i] = msg_list(row, 4);
    assert_int_equal(msg_encode(&out, MSG_FROM_RELAY, MSG_EVENTS, 1, f, 3),
                     ERR_OK);
    buf_clear(&out);
}

static enum err
encode(const struct msg_spec *s, uint32_t req, const struct msg_field *f,
       unsigned n)
{
    struct buf out = {0};
    enum err rc = msg_encode(&out, s->from, (enum msg_type)s->type, req, f, n);

    assert_int_equal(out.len > 0, rc == ERR_OK);
    buf_clear(&out);
    return rc;
}

/* Each field of M in turn out of its limits and of another kind. */
static void
spoil_fields(const struct msg_spec *s, struct msg *m)
{
    for (unsigned i = 0; i < m->n; i++) {
        struct msg_field was = m->f[i];

        m->f[i].kind = was.kind == MSG_UINT ? MSG_BIN : MSG_UINT;
        assert_int_equal(encode(s, m->req, m->f, m->n), ERR_MALFORMED);
        m->f[i] = was;
        if (s->f[i].max < UINT64_MAX) {
            m->f[i].u = s->f[i].max + 1;
            m->f[i].len = (size_t)s->f[i].max + 1;
            assert_int_equal(encode(s, m->req, m->f, m->n), ERR_MALFORMED);
        }
        m->f[i] = was;
        if (s->f[i].step > 1) {
            m->f[i].len++;
            assert_int_equal(encode(s, m->req, m->f, m->n), ERR_MALFORMED);
        }
        m->f[i] = was;
        if (!s->f[i].nil_ok) {
            m->f[i] = msg_nil();
            assert_int_equal(encode(s, m->req, m->f, m->n), ERR_MALFORMED);
        }
        m->f[i] = was;
    }
}

static void
what_the_table_does_not_allow_is_not_written(void **state)
{
    const struct msg_spec *s;

    (void)state;
    FOR_EACH_SPEC(s)
    {
        struct buf b = {0};
        struct msg m;

        sample_message(&b, s, &sample_plain);
        assert_int_equal(msg_decode(&m, s->from, b.data, b.len), ERR_OK);
        spoil_fields(s, &m);
        assert_int_equal(encode(s, m.req, m.f, m.n + 1), ERR_MALFORMED);
        assert_int_equal(encode(s, 0x80000000u, m.f, m.n), ERR_MALFORMED);
        assert_int_equal(encode(s, m.req == 0 ? 7 : 0, m.f, m.n),
                         s->turn == MSG_EITHER ? ERR_OK : ERR_MALFORMED);
        msg_clear(&m);
        buf_clear(&b);
    }
    assert_int_equal(
        msg_encode(&(struct buf){0}, MSG_FROM_CLIENT, MSG_OK, 1, NULL, 0),
        ERR_MALFORMED);
}

static void
wrong_rows_are_not_written(void **state)
{
    const struct msg_spec *s = msg_spec_of(MSG_FROM_RELAY, MSG_EVENTS);
    static uint8_t bytes[192];
    struct msg_field cells[] = {msg_u(1), msg_bin(bytes, 192),
                                msg_bin(bytes, 0), msg_bin(bytes, 0)};
    struct msg_field row = msg_list(cells, 4);
    struct msg_field f[] = {msg_list(&row, 1), msg_u(2), msg_bin("x", 1)};
    struct msg_field hash = msg_bin(bytes, 31);
    struct msg_field list = msg_list(&hash, 1);

    (void)state;
    assert_int_equal(encode(s, 1, f, 3), ERR_OK);
    cells[1].len = 191;
    assert_int_equal(encode(s, 1, f, 3), ERR_MALFORMED);
    cells[1].len = 192;
    row.len = 3;
    assert_int_equal(encode(s, 1, f, 3), ERR_MALFORMED);
    row = msg_u(1);
    assert_int_equal(encode(s, 1, f, 3), ERR_MALFORMED);
    s = msg_spec_of(MSG_FROM_RELAY, MSG_PROOF);
    assert_int_equal(encode(s, 1, &list, 1), ERR_MALFORMED);
    hash.len = 32;
    assert_int_equal(encode(s, 1, &list, 1), ERR_OK);
}

static void
the_largest_packet_fits(void **state)
{
    static uint8_t bytes[LIMIT_BODY];
    struct msg_field f[] = {
        [SEND_HDR] = msg_bin(bytes, LIMIT_HDR),
        [SEND_WRAPS] = msg_bin(bytes, LIMIT_WRAP * LIMIT_SLOTS),
        [SEND_BODY] = msg_bin(bytes, LIMIT_BODY),
        [SEND_RESEND_OF] = msg_bin(bytes, 16),
    };
    struct buf out = {0};

    (void)state;
    assert_int_equal(
        msg_encode(&out, MSG_FROM_CLIENT, MSG_SEND, MSG_REQ_MAX, f, 4), ERR_OK);
    buf_clear(&out);
}

static void
decode_error(const struct buf *b, struct msg *m)
{
    assert_int_equal(msg_decode(m, MSG_FROM_RELAY, b->data, b->len), ERR_OK);
    assert_int_equal(m->type, MSG_ERROR);
}

static void
an_error_is_cut_at_a_character(void **state)
{
    char text[LIMIT_DETAIL + 10];
    struct buf out = {0};
    struct msg m;

    (void)state;
    memset(text, 'x', sizeof(text));
    text[sizeof(text) - 1] = '\0';
    memcpy(text + LIMIT_DETAIL - 2, "\xe2\x82\xac", 3); /* torn by the limit */
    assert_int_equal(msg_encode_error(&out, 3, PERR_SLOT, 250, text), ERR_OK);
    decode_error(&out, &m);
    assert_int_equal(m.req, 3);
    assert_int_equal(m.f[ERROR_CODE].u, PERR_SLOT);
    assert_int_equal(m.f[ERROR_RETRY_MS].u, 250);
    assert_int_equal(m.f[ERROR_DETAIL].len, LIMIT_DETAIL - 2);
    msg_clear(&m);
    buf_reset(&out);
    assert_int_equal(msg_encode_error(&out, 3, PERR_BUSY, 0, NULL), ERR_OK);
    decode_error(&out, &m);
    assert_int_equal(m.f[ERROR_DETAIL].len, 0);
    msg_clear(&m);
    buf_reset(&out);
    assert_int_equal(msg_encode_error(&out, 3, PERR_BUSY, 0, "short"), ERR_OK);
    decode_error(&out, &m);
    assert_int_equal(m.f[ERROR_DETAIL].len, 5);
    msg_clear(&m);
    buf_clear(&out);
}

static void
every_error_has_a_row(void **state)
{
    (void)state;
    for (unsigned n = 1; n < PERR_END; n++) {
        const struct perr_row *row = perr_row(n);

        assert_int_equal(row->number, n);
        assert_int_equal(strncmp(row->name, "E-", 2), 0);
        assert_true(row->what[strlen(row->what) - 1] == '.');
        assert_true(row->todo[strlen(row->todo) - 1] == '.');
    }
    assert_int_equal(PERR_END - 1, 24);
    assert_string_equal(perr_row(0)->name, "E-UNKNOWN");
    assert_string_equal(perr_row(9999)->name, "E-UNKNOWN");
}

static void
every_bye_has_words(void **state)
{
    (void)state;
    assert_string_equal(bye_name(BYE_SUPERSEDED), "superseded");
    assert_string_equal(bye_name(BYE_REKEY), "time for a new handshake");
    assert_string_equal(bye_name(0), "unknown");
    assert_string_equal(bye_name(65535), "unknown");
    for (unsigned n = 0; n < BYE_END; n++)
        assert_true(strlen(bye_text(n)) > 0);
}

static void
ids_are_copied_whole(void **state)
{
    struct msg_field f = msg_bin("0123456789abcdef", 16);
    char id[17] = "";

    (void)state;
    msg_copy(id, &f, 16);
    assert_string_equal(id, "0123456789abcdef");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_message_survives_a_round_trip),
        cmocka_unit_test(every_field_at_its_limit_survives_a_round_trip),
        cmocka_unit_test(fields_point_into_the_bytes),
        cmocka_unit_test(a_failed_decode_leaves_the_output_alone),
        cmocka_unit_test(hostile_bytes_reach_no_allocation),
        cmocka_unit_test(no_memory_is_told_and_nothing_leaks),
        cmocka_unit_test(a_message_too_big_is_not_written),
        cmocka_unit_test(a_page_within_its_budget_fits),
        cmocka_unit_test(what_the_table_does_not_allow_is_not_written),
        cmocka_unit_test(wrong_rows_are_not_written),
        cmocka_unit_test(the_largest_packet_fits),
        cmocka_unit_test(an_error_is_cut_at_a_character),
        cmocka_unit_test(every_error_has_a_row),
        cmocka_unit_test(every_bye_has_words),
        cmocka_unit_test(ids_are_copied_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
