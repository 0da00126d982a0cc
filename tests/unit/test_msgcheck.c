#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "proto/msgcheck.h"
#include "tests/lib/msgsample.h"

static enum err
check(const struct msg_spec *spec, const struct sample_change *c)
{
    struct buf b = {0};
    struct msgcheck got;
    enum err rc;

    sample_message(&b, spec, c);
    rc = msgcheck(b.data, b.len, spec->from, &got);
    if (rc == ERR_OK)
        assert_ptr_equal(got.spec, spec);
    buf_clear(&b);
    return rc;
}

static enum err
check_bytes(enum msg_from from, const void *bytes, size_t len)
{
    struct msgcheck got;

    return msgcheck(bytes, len, from, &got);
}

#define FOR_EACH_SPEC(s)                                                       \
    for (unsigned row = 0; ((s) = msg_spec_at(row)) != NULL; row++)

static void
every_message_at_its_smallest_is_accepted(void **state)
{
    const struct msg_spec *s;
    unsigned n = 0;

    (void)state;
    FOR_EACH_SPEC(s)
    {
        assert_int_equal(check(s, &sample_plain), ERR_OK);
        n++;
    }
    assert_int_equal(n, 40);
}

static void
every_field_at_its_limit_is_accepted(void **state)
{
    const struct msg_spec *s;

    (void)state;
    FOR_EACH_SPEC(s)
    for (unsigned i = 0; i < s->n; i++)
        assert_int_equal(check(s, &(struct sample_change){.field = (int)i,
                                                          .kind = s->f[i].kind,
                                                          .v = s->f[i].max}),
                         ERR_OK);
}

static void
every_field_one_short_or_one_long_is_refused(void **state)
{
    const struct msg_spec *s;
    unsigned tried = 0;

    (void)state;
    FOR_EACH_SPEC(s)
    for (unsigned i = 0; i < s->n; i++) {
        struct sample_change c = {.field = (int)i, .kind = s->f[i].kind};

        if (s->f[i].min > 0) {
            c.v = s->f[i].min - 1;
            assert_int_equal(check(s, &c), ERR_MALFORMED);
            tried++;
        }
        if (s->f[i].max < UINT64_MAX) {
            c.v = s->f[i].max + 1;
            assert_int_equal(check(s, &c), ERR_MALFORMED);
            tried++;
        }
    }
    assert_true(tried > 80);
}

static void
every_field_of_a_row_one_short_or_one_long_is_refused(void **state)
{
    static const struct {
        enum msg_type type;
        unsigned fields;
        uint64_t v[4];
        enum err want;
    } cases[] = {
        {MSG_EVENTS, 4, {1, 192, 0, 0}, ERR_OK},
        {MSG_EVENTS, 4, {UINT64_MAX, 192, 8192, 4096}, ERR_OK},
        {MSG_EVENTS, 4, {1, 191, 0, 0}, ERR_MALFORMED},
        {MSG_EVENTS, 4, {1, 193, 0, 0}, ERR_MALFORMED},
        {MSG_EVENTS, 4, {1, 192, 8193, 0}, ERR_MALFORMED},
        {MSG_EVENTS, 4, {1, 192, 0, 4097}, ERR_MALFORMED},
        {MSG_EVENTS, 3, {1, 192, 0, 0}, ERR_MALFORMED},
        {MSG_JOINS, 3, {32, 1, 0, 0}, ERR_OK},
        {MSG_JOINS, 3, {32, 16000, 0, 0}, ERR_OK},
        {MSG_JOINS, 3, {31, 1, 0, 0}, ERR_MALFORMED},
        {MSG_JOINS, 3, {32, 0, 0, 0}, ERR_MALFORMED},
        {MSG_JOINS, 3, {32, 16001, 0, 0}, ERR_MALFORMED},
        {MSG_JOINS, 2, {32, 1, 0, 0}, ERR_MALFORMED},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct msg_spec *s = msg_spec_of(MSG_FROM_RELAY, cases[i].type);
        struct buf b = {0};

        sample_head(&b, MSG_LIST, 2 + s->n);
        sample_head(&b, MSG_UINT, s->type);
        sample_head(&b, MSG_UINT, 7);
        sample_head(&b, MSG_LIST, 1);
        sample_head(&b, MSG_LIST, cases[i].fields);
        for (unsigned k = 0; k < cases[i].fields; k++)
            sample_value(&b, s->f[0].item[k].kind, cases[i].v[k]);
        for (unsigned k = 1; k < s->n; k++)
            sample_field(&b, &s->f[k], s->f[k].min);
        assert_int_equal(check_bytes(MSG_FROM_RELAY, b.data, b.len),
                         cases[i].want);
        buf_clear(&b);
    }
}

static void
a_length_off_its_step_is_refused(void **state)
{
    const struct msg_spec *s = msg_spec_of(MSG_FROM_CLIENT, MSG_SEND);
    struct sample_change c = {SEND_WRAPS, MSG_BIN, 2 * LIMIT_WRAP, 0};

    (void)state;
    assert_int_equal(check(s, &c), ERR_OK);
    c.v++;
    assert_int_equal(check(s, &c), ERR_MALFORMED);
}

static void
every_field_of_another_kind_is_refused(void **state)
{
    const struct msg_spec *s;

    (void)state;
    FOR_EACH_SPEC(s)
    for (unsigned i = 0; i < s->n; i++)
        for (int kind = MSG_NIL; kind <= MSG_LIST; kind++) {
            struct sample_change c = {
                .field = (int)i, .kind = (enum msg_kind)kind, .v = s->f[i].min};
            bool fine =
                c.kind == s->f[i].kind || (c.kind == MSG_NIL && s->f[i].nil_ok);

            if (c.v > 65536) /* need not pack megabytes to be wrong */
                c.v = c.kind == s->f[i].kind ? c.v : 16;
            assert_int_equal(check(s, &c), fine ? ERR_OK : ERR_MALFORMED);
        }
}

static void
one_field_missing_or_too_many_is_refused(void **state)
{
    const struct msg_spec *s;

    (void)state;
    FOR_EACH_SPEC(s)
    {
        struct sample_change c = {.field = -1, .more_fields = 1};

        assert_int_equal(check(s, &c), ERR_MALFORMED);
        c.more_fields = -1;
        if (s->n > 0)
            assert_int_equal(check(s, &c), ERR_MALFORMED);
    }
}

static void
a_message_cut_anywhere_or_with_a_tail_is_refused(void **state)
{
    const struct msg_spec *s;

    (void)state;
    FOR_EACH_SPEC(s)
    {
        struct buf b = {0};

        sample_message(&b, s, &sample_plain);
        for (size_t n = 0; n < b.len; n++)
            assert_int_equal(check_bytes(s->from, b.data, n), ERR_MALFORMED);
        buf_u8(&b, 0);
        assert_int_equal(check_bytes(s->from, b.data, b.len), ERR_MALFORMED);
        buf_clear(&b);
    }
}

static void
the_other_side_may_not_send_it(void **state)
{
    const struct msg_spec *s;

    (void)state;
    FOR_EACH_SPEC(s)
    {
        struct buf b = {0};
        enum msg_from other =
            s->from == MSG_FROM_CLIENT ? MSG_FROM_RELAY : MSG_FROM_CLIENT;

        if (s->type == MSG_WELCOME)
            continue;
        sample_message(&b, s, &sample_plain);
        assert_int_equal(check_bytes(other, b.data, b.len), ERR_MALFORMED);
        buf_clear(&b);
    }
}

static enum err
check_start(enum msg_from from, uint64_t type, uint64_t req)
{
    const struct msg_spec *s = msg_spec_of(from, (unsigned)type);
    struct buf b = {0};
    enum err rc;

    sample_head(&b, MSG_LIST, 2 + (s != NULL ? s->n : 0));
    sample_head(&b, MSG_UINT, type);
    sample_head(&b, MSG_UINT, req);
    for (unsigned i = 0; s != NULL && i < s->n; i++)
        sample_field(&b, &s->f[i], s->f[i].min);
    rc = check_bytes(from, b.data, b.len);
    buf_clear(&b);
    return rc;
}

static void
unknown_types_are_refused(void **state)
{
    (void)state;
    for (uint64_t type = 0; type < 70000; type++)
        if (type > 255 || msg_spec_of(MSG_FROM_CLIENT, (unsigned)type) == NULL)
            assert_int_equal(check_start(MSG_FROM_CLIENT, type, 1),
                             ERR_MALFORMED);
}

static void
the_request_number_suits_the_turn(void **state)
{
    static const struct {
        enum msg_from from;
        enum msg_type type;
        uint64_t req;
        enum err want;
    } cases[] = {
        {MSG_FROM_CLIENT, MSG_DIR_GET, 0, ERR_MALFORMED},
        {MSG_FROM_CLIENT, MSG_DIR_GET, 1, ERR_OK},
        {MSG_FROM_CLIENT, MSG_DIR_GET, MSG_REQ_MAX, ERR_OK},
        {MSG_FROM_CLIENT, MSG_DIR_GET, 1 + (uint64_t)MSG_REQ_MAX,
         ERR_MALFORMED},
        {MSG_FROM_CLIENT, MSG_WELCOME, 0, ERR_OK},
        {MSG_FROM_CLIENT, MSG_WELCOME, 1, ERR_MALFORMED},
        {MSG_FROM_RELAY, MSG_OK, 0, ERR_MALFORMED},
        {MSG_FROM_RELAY, MSG_OK, 5, ERR_OK},
        {MSG_FROM_RELAY, MSG_DELIVER, 0, ERR_OK},
        {MSG_FROM_RELAY, MSG_DELIVER, 5, ERR_MALFORMED},
        {MSG_FROM_RELAY, MSG_EVENTS, 0, ERR_OK},
        {MSG_FROM_RELAY, MSG_EVENTS, 5, ERR_OK},
        {MSG_FROM_RELAY, MSG_DIR, 0, ERR_OK},
        {MSG_FROM_RELAY, MSG_ERROR, 0, ERR_MALFORMED},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_int_equal(
            check_start(cases[i].from, cases[i].type, cases[i].req),
            cases[i].want);
}

#define BYTES(s) (s), sizeof(s) - 1

static void
forms_longer_than_needed_are_refused(void **state)
{
    static const struct {
        const char *bytes;
        size_t len;
        enum err want;
    } cases[] = {
        /* DIR_GET from max, first as it should be */
        {BYTES("\x94\x1e\x01\x05\x10"), ERR_OK},
        {BYTES("\x94\xcc\x1e\x01\x05\x10"), ERR_MALFORMED},
        {BYTES("\x94\x1e\xcc\x01\x05\x10"), ERR_MALFORMED},
        {BYTES("\x94\x1e\x01\xcc\x7f\x10"), ERR_MALFORMED},
        {BYTES("\x94\x1e\x01\xcc\x80\x10"), ERR_OK},
        {BYTES("\x94\x1e\x01\xcd\x00\xff\x10"), ERR_MALFORMED},
        {BYTES("\x94\x1e\x01\xcd\x01\x00\x10"), ERR_OK},
        {BYTES("\x94\x1e\x01\xce\x00\x00\xff\xff\x10"), ERR_MALFORMED},
        {BYTES("\x94\x1e\x01\xce\x00\x01\x00\x00\x10"), ERR_OK},
        {BYTES("\x94\x1e\x01\xcf\x00\x00\x00\x00\xff\xff\xff\xff\x10"),
         ERR_MALFORMED},
        {BYTES("\x94\x1e\x01\xcf\x00\x00\x00\x01\x00\x00\x00\x00\x10"), ERR_OK},
        {BYTES("\xdc\x00\x04\x1e\x01\x05\x10"), ERR_MALFORMED},
        {BYTES("\xdd\x00\x00\x00\x04\x1e\x01\x05\x10"), ERR_MALFORMED},
        /* signed, float, bool, map, extension */
        {BYTES("\x94\x1e\x01\xd0\x05\x10"), ERR_MALFORMED},
        {BYTES("\x94\x1e\x01\xff\x10"), ERR_MALFORMED},
        {BYTES("\x94\x1e\x01\xca\x00\x00\x00\x00\x10"), ERR_MALFORMED},
        {BYTES("\x94\x1e\x01\xc3\x10"), ERR_MALFORMED},
        {BYTES("\x94\x1e\x01\x80\x10"), ERR_MALFORMED},
        {BYTES("\x94\x1e\x01\xd4\x01\x05\x10"), ERR_MALFORMED},
        {BYTES("\x94\x1e\x01\xc1\x10"), ERR_MALFORMED},
        /* BLOB_END behind an array that is none, or too short */
        {BYTES("\x93\x17\x01\x05"), ERR_OK},
        {BYTES("\x83\x17\x01\x05"), ERR_MALFORMED},
        {BYTES("\x91\x17"), ERR_MALFORMED},
        {BYTES("\x90"), ERR_MALFORMED},
        {BYTES("\x93\xa1\x17\x01\x05"), ERR_MALFORMED},
        {BYTES("\x93\x17\xa1\x01\x05"), ERR_MALFORMED},
        /* TILE_GET: the path "a" as fixstr, str 8, str 16, str 32 */
        {BYTES("\x94\x24\x01\x00\xa1"
               "a"),
         ERR_OK},
        {BYTES("\x94\x24\x01\x00\xd9\x01"
               "a"),
         ERR_MALFORMED},
        {BYTES("\x94\x24\x01\x00\xda\x00\x01"
               "a"),
         ERR_MALFORMED},
        {BYTES("\x94\x24\x01\x00\xdb\x00\x00\x00\x01"
               "a"),
         ERR_MALFORMED},
        /* RECEIPT_GET: bin 8, bin 16, bin 32 */
        {BYTES("\x93\x33\x01\xc4\x10"
               "aaaaaaaaaaaaaaaa"),
         ERR_OK},
        {BYTES("\x93\x33\x01\xc5\x00\x10"
               "aaaaaaaaaaaaaaaa"),
         ERR_MALFORMED},
        {BYTES("\x93\x33\x01\xc6\x00\x00\x00\x10"
               "aaaaaaaaaaaaaaaa"),
         ERR_MALFORMED},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_int_equal(
            check_bytes(MSG_FROM_CLIENT, cases[i].bytes, cases[i].len),
            cases[i].want);
}

static void
counts_above_the_bytes_left_are_refused(void **state)
{
    static const struct {
        const char *bytes;
        size_t len;
    } cases[] = {
        {BYTES("\xdd\xff\xff\xff\xff")},
        {BYTES("\x93\x18\x01\xdd\xff\xff\xff\xff")},
        {BYTES("\x93\x18\x01\xdc\xff\xff")},
        {BYTES("\x93\x18\x01\x91\xc6\xff\xff\xff\xff")},
        {BYTES("\x93\x18\x01\x91\xdb\xff\xff\xff\xff")},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_int_equal(
            check_bytes(MSG_FROM_CLIENT, cases[i].bytes, cases[i].len),
            ERR_MALFORMED);
}

static void
deep_nesting_is_refused(void **state)
{
    uint8_t deep[100000];

    (void)state;
    memset(deep, 0x91, sizeof(deep));
    assert_int_equal(check_bytes(MSG_FROM_CLIENT, deep, sizeof(deep)),
                     ERR_MALFORMED);
    memcpy(deep, "\x93\x18\x01", 3);
    assert_int_equal(check_bytes(MSG_FROM_CLIENT, deep, sizeof(deep)),
                     ERR_MALFORMED);
    memcpy(deep, "\x95\x11\x01\x91\x94", 5);
    assert_int_equal(check_bytes(MSG_FROM_RELAY, deep, sizeof(deep)),
                     ERR_MALFORMED);
}

static enum err
check_text(const char *text)
{
    struct buf b = {0};
    enum err rc;

    buf_put(&b, "\x94\x24\x01\x00", 4);
    sample_head(&b, MSG_STR, strlen(text));
    buf_str(&b, text);
    rc = check_bytes(MSG_FROM_CLIENT, b.data, b.len);
    buf_clear(&b);
    return rc;
}

static void
text_is_utf8(void **state)
{
    static const char *const good[] = {
        "a",
        "\x7f",
        "\xc2\x80",
        "\xdf\xbf",
        "\xe0\xa0\x80",
        "\xed\x9f\xbf",
        "\xee\x80\x80",
        "\xef\xbf\xbf",
        "\xf0\x90\x80\x80",
        "\xf4\x8f\xbf\xbf",
    };
    static const char *const bad[] = {
        "\x80",
        "\xbf",
        "\xc0\x80",
        "\xc1\xbf",
        "\xc2",
        "\xc2"
        "a",
        "\xe0\x80\x80",
        "\xe0\x9f\xbf",
        "\xed\xa0\x80",
        "\xed\xbf\xbf",
        "\xe1\x80",
        "\xe1\x80"
        "a",
        "\xf0\x80\x80\x80",
        "\xf0\x8f\xbf\xbf",
        "\xf4\x90\x80\x80",
        "\xf7\xbf\xbf\xbf",
        "\xf8\x88\x80\x80\x80",
        "\xff",
        "\xfe",
        "a\xc2",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        assert_int_equal(check_text(good[i]), ERR_OK);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(check_text(bad[i]), ERR_MALFORMED);
}

static size_t
values_of(const struct msg_field_spec *s)
{
    size_t n = 0;

    if (s->kind != MSG_LIST)
        return 1;
    for (unsigned k = 0; k < s->item_n; k++)
        n += values_of(&s->item[k]);
    return 1 + s->max * (1 + n);
}

static void
the_table_bounds_the_number_of_values(void **state)
{
    const struct msg_spec *s;

    (void)state;
    FOR_EACH_SPEC(s)
    {
        size_t n = 3;

        for (unsigned i = 0; i < s->n; i++)
            n += values_of(&s->f[i]);
        assert_true(n <= LIMIT_MSG_NODES);
    }
}

static void
the_table_is_sound(void **state)
{
    const struct msg_spec *s;

    (void)state;
    FOR_EACH_SPEC(s)
    {
        assert_ptr_equal(msg_spec_of(s->from, s->type), s);
        assert_true(s->n <= MSG_FIELDS_MAX);
        if (s->answer != 0) {
            const struct msg_spec *a = msg_spec_of(MSG_FROM_RELAY, s->answer);

            assert_non_null(a);
            assert_true(a->turn == MSG_ANSWERS || a->turn == MSG_EITHER);
        }
        assert_int_equal(s->turn == MSG_ASKS, s->answer != 0);
        assert_int_equal(s->from == MSG_FROM_CLIENT, s->may != 0);
    }
}

static void
a_message_above_the_limit_is_refused(void **state)
{
    /* Everything right except the size: rows of the largest kind. */
    const struct msg_spec *s = msg_spec_of(MSG_FROM_RELAY, MSG_DIR);
    struct buf b = {0};

    (void)state;
    for (unsigned rows = 191; rows <= 192; rows++) {
        buf_reset(&b);
        sample_head(&b, MSG_LIST, 2 + s->n);
        sample_head(&b, MSG_UINT, s->type);
        sample_head(&b, MSG_UINT, 7);
        sample_head(&b, MSG_UINT, 0);
        sample_head(&b, MSG_LIST, rows);
        for (unsigned i = 0; i < rows; i++)
            sample_value(&b, MSG_BIN, LIMIT_STMT);
        sample_value(&b, MSG_BIN, 100);
        assert_int_equal(check_bytes(MSG_FROM_RELAY, b.data, b.len),
                         b.len <= LIMIT_MSG_LEN ? ERR_OK : ERR_MALFORMED);
        assert_int_equal(b.len <= LIMIT_MSG_LEN, rows == 191);
    }
    buf_clear(&b);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_message_at_its_smallest_is_accepted),
        cmocka_unit_test(every_field_at_its_limit_is_accepted),
        cmocka_unit_test(every_field_one_short_or_one_long_is_refused),
        cmocka_unit_test(every_field_of_a_row_one_short_or_one_long_is_refused),
        cmocka_unit_test(a_length_off_its_step_is_refused),
        cmocka_unit_test(every_field_of_another_kind_is_refused),
        cmocka_unit_test(one_field_missing_or_too_many_is_refused),
        cmocka_unit_test(a_message_cut_anywhere_or_with_a_tail_is_refused),
        cmocka_unit_test(the_other_side_may_not_send_it),
        cmocka_unit_test(unknown_types_are_refused),
        cmocka_unit_test(the_request_number_suits_the_turn),
        cmocka_unit_test(forms_longer_than_needed_are_refused),
        cmocka_unit_test(counts_above_the_bytes_left_are_refused),
        cmocka_unit_test(deep_nesting_is_refused),
        cmocka_unit_test(text_is_utf8),
        cmocka_unit_test(the_table_bounds_the_number_of_values),
        cmocka_unit_test(the_table_is_sound),
        cmocka_unit_test(a_message_above_the_limit_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
