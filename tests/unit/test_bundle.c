/* The bytes of an evidence bundle: one form, and nothing but it. */
#include "proto/bundle.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/bytes.h"
#include "tests/lib/bundle_fixture.h"
#include "tests/lib/fail_alloc.h"

static struct bundle_fixture f;
static struct buf bytes;

static int
set_up(void **state)
{
    (void)state;
    bundle_fixture_init(&f);
    bundle_fixture_story(&f);
    f.cosigned_s = NET_TIME + 9000;
    bundle_fixture_make(&f);
    assert_int_equal(bundle_format(&f.b, &bytes), ERR_OK);
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    buf_clear(&bytes);
    bundle_fixture_clear(&f);
    return 0;
}

static enum err
parse(const struct buf *b)
{
    struct bundle read = {0};
    enum err rc = bundle_parse(&read, b->data, b->len, NULL);

    bundle_clear(&read);
    return rc;
}

/* Where section KIND begins in BYTES, with its length. */
static size_t
section_at(const struct buf *b, unsigned kind, size_t *len)
{
    size_t at = sizeof("sealpost/1/evidence");

    while (at < b->len) {
        *len = 5 + get_u32(b->data + at + 1);
        if (b->data[at] == kind)
            return at;
        at += *len;
    }
    fail_msg("no section %u", kind);
    return 0;
}

static void
put_section(struct buf *out, unsigned kind)
{
    size_t len = 0;
    size_t at = section_at(&bytes, kind, &len);

    buf_put(out, bytes.data + at, len);
}

static void
start(struct buf *out)
{
    buf_put(out, "sealpost/1/evidence", sizeof("sealpost/1/evidence"));
}

static void
what_is_read_is_written_alike(void **state)
{
    struct bundle read = {0};
    struct buf again = {0};

    (void)state;
    assert_true(bundle_is(bytes.data, bytes.len));
    assert_int_equal(bundle_parse(&read, bytes.data, bytes.len, NULL), ERR_OK);
    assert_int_equal(read.n_parts, 2);
    assert_int_equal(read.n_leaves, f.net.n_leaves);
    assert_int_equal(read.n_events, 2);
    assert_int_equal(read.n_cosigned, 2);
    assert_int_equal(bundle_format(&read, &again), ERR_OK);
    assert_int_equal(again.len, bytes.len);
    assert_memory_equal(again.data, bytes.data, bytes.len);
    buf_clear(&again);
    bundle_clear(&read);
}

static void
cut_anywhere_it_is_none(void **state)
{
    size_t whole[BUNDLE_KINDS] = {0};
    size_t at = sizeof("sealpost/1/evidence");

    (void)state;
    /* Between two sections it may end: then the rest is missing. */
    for (unsigned k = 1; k < BUNDLE_KINDS; k++) {
        at += 5 + get_u32(bytes.data + at + 1);
        whole[k] = at;
    }
    assert_int_equal(at, bytes.len);
    for (size_t len = 0; len < bytes.len; len++) {
        struct buf cut = {.data = bytes.data, .len = len};
        bool is_whole = false;

        for (unsigned k = 1; k < BUNDLE_KINDS; k++)
            if (len == whole[k])
                is_whole = true;
        assert_int_equal(parse(&cut), is_whole ? ERR_OK : ERR_MALFORMED);
    }
    buf_u8(&bytes, 0);
    assert_int_equal(parse(&bytes), ERR_MALFORMED);
}

static void
a_section_comes_once(void **state)
{
    (void)state;
    for (unsigned k = 1; k < BUNDLE_KINDS; k++) {
        struct buf b = {0};

        start(&b);
        for (unsigned i = 1; i < BUNDLE_KINDS; i++) {
            put_section(&b, i);
            if (i == k)
                put_section(&b, i);
        }
        assert_int_equal(parse(&b), ERR_MALFORMED);
        buf_clear(&b);
    }
}

static void
sections_come_in_order(void **state)
{
    (void)state;
    for (unsigned k = 1; k + 1 < BUNDLE_KINDS; k++) {
        struct buf b = {0};

        start(&b);
        for (unsigned i = 1; i < BUNDLE_KINDS; i++)
            put_section(&b, i == k ? k + 1 : i == k + 1 ? k : i);
        assert_int_equal(parse(&b), ERR_MALFORMED);
        buf_clear(&b);
    }
}

static void
other_sections_are_refused(void **state)
{
    static const uint8_t kinds[] = {0, BUNDLE_KINDS, 255};
    unsigned where = 99;

    (void)state;
    for (size_t i = 0; i < sizeof(kinds); i++) {
        struct bundle read = {0};
        struct buf b = {0};

        buf_put(&b, bytes.data, bytes.len);
        buf_u8(&b, kinds[i]);
        buf_u32(&b, 1);
        buf_u8(&b, 0);
        assert_int_equal(bundle_parse(&read, b.data, b.len, &where),
                         ERR_MALFORMED);
        assert_int_equal(where, BUNDLE_COSIGNED);
        buf_clear(&b);
    }
}

static void
any_section_may_be_missing_but_what_another_needs(void **state)
{
    static const enum err expected[BUNDLE_KINDS] = {
        [BUNDLE_HEADER] = ERR_MALFORMED, /* seal and lists need it */
        [BUNDLE_LISTS] = ERR_MALFORMED,  /* parts need them */
        [BUNDLE_EVENTS] = ERR_MALFORMED, /* cosigned needs them */
    };

    (void)state;
    for (unsigned k = 1; k < BUNDLE_KINDS; k++) {
        struct buf b = {0};

        start(&b);
        for (unsigned i = 1; i < BUNDLE_KINDS; i++)
            if (i != k)
                put_section(&b, i);
        assert_int_equal(parse(&b), expected[k]);
        buf_clear(&b);
    }
}

static void
it_is_about_a_packet(void **state)
{
    struct buf b = {0};

    (void)state;
    start(&b);
    assert_int_equal(parse(&b), ERR_MALFORMED);
    put_section(&b, BUNDLE_DIRECTORY);
    assert_int_equal(parse(&b), ERR_MALFORMED);
    put_section(&b, BUNDLE_EVENTS);
    assert_int_equal(parse(&b), ERR_OK);
    buf_reset(&b);
    start(&b);
    put_section(&b, BUNDLE_HEADER);
    assert_int_equal(parse(&b), ERR_OK);
    buf_clear(&b);
}

/* BODY as section KIND of a file that has the ones before it. */
static enum err
parse_with(unsigned kind, const void *body, size_t len)
{
    struct buf b = {0};
    enum err rc;

    start(&b);
    for (unsigned i = 1; i < kind; i++)
        put_section(&b, i);
    buf_u8(&b, (uint8_t)kind);
    buf_u32(&b, (uint32_t)len);
    buf_put(&b, body, len);
    rc = parse(&b);
    buf_clear(&b);
    return rc;
}

static void
no_section_is_empty_or_larger_than_its_limit(void **state)
{
    static uint8_t zeros[LIMIT_HDR + 1];

    (void)state;
    for (unsigned k = 1; k < BUNDLE_KINDS; k++)
        assert_int_equal(parse_with(k, zeros, 0), ERR_MALFORMED);
    assert_int_equal(parse_with(BUNDLE_HEADER, zeros, LIMIT_HDR_MIN - 1),
                     ERR_MALFORMED);
    assert_int_equal(parse_with(BUNDLE_HEADER, zeros, LIMIT_HDR), ERR_OK);
    assert_int_equal(parse_with(BUNDLE_HEADER, zeros, LIMIT_HDR + 1),
                     ERR_MALFORMED);
    assert_int_equal(parse_with(BUNDLE_SEAL, zeros, 32), ERR_MALFORMED);
    assert_int_equal(parse_with(BUNDLE_SEAL, zeros, 65), ERR_MALFORMED);
    assert_int_equal(parse_with(BUNDLE_SEAL, zeros, 32 * 257), ERR_OK);
    assert_int_equal(parse_with(BUNDLE_SEAL, zeros, 32 * 258), ERR_MALFORMED);
    assert_int_equal(parse_with(BUNDLE_LISTS, zeros, INNER_LISTS_MAX), ERR_OK);
    assert_int_equal(parse_with(BUNDLE_LISTS, zeros, INNER_LISTS_MAX + 1),
                     ERR_MALFORMED);
}

static void
lists_have_rows_in_order(void **state)
{
    struct bundle b = f.b;
    struct buf out = {0};
    struct bundle_part first = b.parts[0];
    struct bundle_leaf leaf = b.leaves[0];

    (void)state;
    b.parts[0] = b.parts[1];
    assert_int_equal(bundle_format(&b, &out), ERR_MALFORMED);
    b.parts[0] = first;
    b.leaves[0] = b.leaves[1];
    assert_int_equal(bundle_format(&b, &out), ERR_MALFORMED);
    b.leaves[0] = leaf;
    assert_int_equal(out.len, 0);
    assert_int_equal(bundle_format(&b, &out), ERR_OK);
    buf_clear(&out);
}

static void
without_memory_it_says_so(void **state)
{
    static const struct bundle_anchor nothing;

    (void)state;
    for (unsigned long n = 0;; n++) {
        struct bundle_proven p = {0};
        struct bundle_fault fault;
        struct bundle read = {0};
        struct buf again = {0};
        enum err rc;

        fail_alloc_at(n);
        rc = bundle_parse(&read, bytes.data, bytes.len, NULL);
        if (rc == ERR_OK)
            rc = bundle_judge(&read, &nothing, &p, &fault);
        if (rc == ERR_OK)
            rc = bundle_format(&read, &again);
        bundle_proven_clear(&p);
        bundle_clear(&read);
        buf_clear(&again);
        if (!fail_alloc_off()) {
            assert_int_equal(rc, ERR_OK);
            return;
        }
        assert_int_equal(rc, ERR_NOMEM);
    }
}

static void
a_file_above_the_limit_is_not_read(void **state)
{
    struct buf b = {0};

    (void)state;
    buf_put(&b, bytes.data, bytes.len);
    buf_zeros(&b, BUNDLE_LEN_MAX + 1 - b.len);
    assert_int_equal(parse(&b), ERR_TOOBIG);
    buf_clear(&b);
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        T(what_is_read_is_written_alike),
        T(cut_anywhere_it_is_none),
        T(a_section_comes_once),
        T(sections_come_in_order),
        T(other_sections_are_refused),
        T(any_section_may_be_missing_but_what_another_needs),
        T(it_is_about_a_packet),
        T(no_section_is_empty_or_larger_than_its_limit),
        T(lists_have_rows_in_order),
        T(without_memory_it_says_so),
        T(a_file_above_the_limit_is_not_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
