#include "proto/inner.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/bytes.h"
#include "proto/attachment.h"

enum {
    PARTS_AT = INNER_FIXED_LEN,
    ROWS_AT = PARTS_AT + 1,
    ROW_LEN = 34,
    ATT_LEN = 57,
};

/* Meta and a second part here, a third withheld, two attachments. */
struct scene {
    struct inner in;
    struct sign_secret key;
    struct hash hh;
    struct buf b;
    size_t atts_at; /* of the count */
};

static int
setup(void **state)
{
    struct scene *s = calloc(1, sizeof(*s));
    uint8_t seed[32] = {7};

    assert_non_null(s);
    assert_int_equal(crypto_init(), ERR_OK);
    sign_keypair_from_seed(&s->key, seed);
    s->hh.b[0] = 9;
    s->in.type = 4;
    s->in.sender.b[0] = 1;
    s->in.device.b[0] = 2;
    s->in.created_ms = 1234567;
    s->in.dir.size = 3;
    s->in.dlv.size = 4;
    s->in.in_reply_to.b[0] = 5;
    s->in.n_parts = 3;
    s->in.parts[0] = (struct inner_part){
        .here = true, .bytes = (const uint8_t *)"meta", .len = 4};
    s->in.parts[1] = (struct inner_part){.number = 3, .here = true};
    s->in.parts[2] = (struct inner_part){.number = 7};
    s->in.n_atts = 2;
    s->in.atts[0] = (struct inner_att){.part = 3, .plain_len = 10};
    s->in.atts[1] = (struct inner_att){.part = 0, .plain_len = 20};
    s->in.atts[1].id.b[0] = 1;
    s->in.atts[1].key[0] = 0x99;
    assert_int_equal(inner_sign(&s->b, &s->in, &s->hh, &s->key), ERR_OK);
    s->atts_at = s->b.len - 64 - 2 * ATT_LEN - 2;
    *state = s;
    return 0;
}

static int
teardown(void **state)
{
    struct scene *s = *state;

    buf_clear(&s->b);
    free(s);
    return 0;
}

static void
expect(struct scene *s, enum err rc)
{
    struct inner out = {.type = 99};

    assert_int_equal(inner_parse(&out, s->b.data, s->b.len), rc);
    assert_int_equal(out.type, rc == ERR_OK ? s->b.data[1] : 99);
}

static enum err
verify(const struct scene *s)
{
    return inner_verify(s->b.data, s->b.len, &s->hh, &s->key.pub);
}

static void
what_was_signed_reads_back(void **state)
{
    struct scene *s = *state;
    struct inner out;
    size_t len;

    assert_int_equal(inner_measure(&s->in, &len), ERR_OK);
    assert_int_equal(len, s->b.len);
    assert_int_equal(inner_parse(&out, s->b.data, s->b.len), ERR_OK);
    assert_int_equal(verify(s), ERR_OK);
    assert_int_equal(out.type, 4);
    assert_int_equal(out.created_ms, 1234567);
    assert_int_equal(out.dir.size, 3);
    assert_int_equal(out.dlv.size, 4);
    assert_true(id_eq(&out.in_reply_to, &s->in.in_reply_to));
    assert_memory_equal(out.parts[0].bytes, "meta", 4);
    assert_true(id_eq(&out.parts[1].commit, &s->in.parts[1].commit));
    assert_int_equal(out.parts[1].len, 0);
    assert_false(out.parts[2].here);
    assert_int_equal(out.atts[1].key[0], 0x99);
    assert_true(id_eq(&out.sig, &s->in.sig));
    inner_clear(&out);
    assert_int_equal(out.n_parts, 0);
}

static void
fields_stand_where_the_specification_says(void **state)
{
    struct scene *s = *state;
    const uint8_t *p = s->b.data;

    assert_int_equal(p[0], 1);
    assert_int_equal(p[1], 4);
    assert_int_equal(p[2], 1);
    assert_int_equal(p[18], 2);
    assert_int_equal(get_u64(p + 34), 1234567);
    assert_int_equal(get_u64(p + 42), 3);
    assert_int_equal(get_u64(p + 146), 4);
    assert_int_equal(p[250], 5);
    assert_int_equal(p[266], 3);
    assert_memory_equal(p + 267, "\x00\x01", 2);
    assert_memory_equal(p + 267 + 34, "\x03\x01", 2);
    assert_memory_equal(p + 267 + 68, "\x07\x00", 2);
    assert_int_equal(get_u32(p + 267 + 102), 4);
    assert_memory_equal(p + 267 + 102 + 36, "meta", 4);
    assert_int_equal(get_u16(p + s->atts_at), 2);
    assert_int_equal(p[s->atts_at + 2 + 16], 3);
    assert_int_equal(get_u64(p + s->atts_at + 2 + 17), 10);
}

static void
every_other_length_is_refused(void **state)
{
    struct scene *s = *state;
    struct inner out;

    for (size_t n = 0; n < s->b.len; n++)
        assert_int_equal(inner_parse(&out, s->b.data, n), ERR_MALFORMED);
    buf_u8(&s->b, 0);
    expect(s, ERR_MALFORMED);
    assert_int_equal(verify(s), ERR_VERIFY);
}

static void
any_changed_byte_is_noticed_but_in_keys_that_are_not_signed(void **state)
{
    struct scene *s = *state;
    struct inner out;

    for (size_t at = 0; at < s->b.len; at++) {
        size_t in_att = (at - s->atts_at - 2) % ATT_LEN;
        bool is_key = at >= s->atts_at + 2 && at < s->b.len - 64 &&
                      in_att >= ATT_LEN - 32;
        bool good;

        s->b.data[at] ^= 0x20;
        good = inner_parse(&out, s->b.data, s->b.len) == ERR_OK &&
               verify(s) == ERR_OK;
        assert_int_equal(good, is_key);
        s->b.data[at] ^= 0x20;
    }
}

static void
the_signature_is_of_this_header_and_this_key(void **state)
{
    struct scene *s = *state;
    struct sign_key other = s->key.pub;

    s->hh.b[31] ^= 1;
    assert_int_equal(verify(s), ERR_VERIFY);
    s->hh.b[31] ^= 1;
    other.b[0] ^= 1;
    assert_int_equal(inner_verify(s->b.data, s->b.len, &s->hh, &other),
                     ERR_VERIFY);
}

static void
another_version_is_told_apart(void **state)
{
    struct scene *s = *state;

    s->b.data[0] = 2;
    expect(s, ERR_VERSION);
    s->b.data[0] = 0;
    expect(s, ERR_VERSION);
}

static void
a_part_must_be_what_its_commitment_says(void **state)
{
    struct scene *s = *state;
    size_t blind_at = ROWS_AT + 3 * ROW_LEN + 4;

    s->b.data[ROWS_AT + 2] ^= 1;
    expect(s, ERR_VERIFY);
    s->b.data[ROWS_AT + 2] ^= 1;
    s->b.data[blind_at] ^= 1;
    expect(s, ERR_VERIFY);
    s->b.data[blind_at] ^= 1;
    s->b.data[ROWS_AT + 2 * ROW_LEN + 2] ^= 1; /* withheld: cannot be seen */
    expect(s, ERR_OK);
    assert_int_equal(verify(s), ERR_VERIFY);
}

/* Each spoils one rule of the lists. */
static void
no_parts(struct scene *s)
{
    s->b.data[PARTS_AT] = 0;
}
static void
many_parts(struct scene *s)
{
    s->b.data[PARTS_AT] = 17;
}
static void
here_is_two(struct scene *s)
{
    s->b.data[ROWS_AT + 1] = 2;
}
static void
meta_is_another(struct scene *s)
{
    s->b.data[ROWS_AT] = 1;
}
static void
part_twice(struct scene *s)
{
    s->b.data[ROWS_AT + ROW_LEN] = 7;
}
static void
parts_descending(struct scene *s)
{
    s->b.data[ROWS_AT + ROW_LEN] = 9;
}
static void
part_longer(struct scene *s)
{
    put_u32(s->b.data + ROWS_AT + 3 * ROW_LEN, 5);
}
static void
part_endless(struct scene *s)
{
    put_u32(s->b.data + ROWS_AT + 3 * ROW_LEN, 0xffffffff);
}
static void
att_count(struct scene *s)
{
    put_u16(s->b.data + s->atts_at, 3);
}
static void
att_twice(struct scene *s)
{
    s->b.data[s->atts_at + 2 + ATT_LEN] = 0;
}
static void
atts_descending(struct scene *s)
{
    s->b.data[s->atts_at + 2] = 2;
}
static void
att_of_a_withheld_part(struct scene *s)
{
    s->b.data[s->atts_at + 2 + 16] = 7;
}
static void
att_of_no_part(struct scene *s)
{
    s->b.data[s->atts_at + 2 + 16] = 4;
}
static void
att_too_long(struct scene *s)
{
    put_u64(s->b.data + s->atts_at + 2 + 17, ATTACHMENT_PLAIN_MAX + 1);
}

static void
each_rule_of_the_lists_is_kept(void **state)
{
    static void (*const spoil[])(struct scene *) = {
        no_parts,        many_parts,      here_is_two,
        meta_is_another, part_twice,      parts_descending,
        part_longer,     part_endless,    att_count,
        att_twice,       atts_descending, att_of_a_withheld_part,
        att_of_no_part,  att_too_long};
    struct scene *s = *state;
    uint8_t *good = malloc(s->b.len);

    assert_non_null(good);
    memcpy(good, s->b.data, s->b.len);
    for (size_t i = 0; i < sizeof(spoil) / sizeof(spoil[0]); i++) {
        spoil[i](s);
        expect(s, ERR_MALFORMED);
        memcpy(s->b.data, good, s->b.len);
    }
    expect(s, ERR_OK);
    free(good);
}

static void
counts_go_to_their_limits_and_not_above(void **state)
{
    struct scene *s = *state;

    s->in.n_parts = INNER_PARTS_MAX;
    for (size_t i = 0; i < INNER_PARTS_MAX; i++)
        s->in.parts[i] =
            (struct inner_part){.number = (uint8_t)i, .here = i != 5};
    s->in.n_atts = HEADER_ATTS_MAX;
    for (size_t i = 0; i < HEADER_ATTS_MAX; i++) {
        s->in.atts[i] = (struct inner_att){.plain_len = ATTACHMENT_PLAIN_MAX};
        s->in.atts[i].id.b[3] = (uint8_t)i;
    }
    buf_reset(&s->b);
    assert_int_equal(inner_sign(&s->b, &s->in, &s->hh, &s->key), ERR_OK);
    expect(s, ERR_OK);
    assert_int_equal(verify(s), ERR_OK);
    /* 129 rows, complete: the count alone is wrong. */
    s->atts_at = s->b.len - 64 - HEADER_ATTS_MAX * ATT_LEN - 2;
    put_u16(s->b.data + s->atts_at, HEADER_ATTS_MAX + 1);
    buf_zeros(&s->b, ATT_LEN);
    expect(s, ERR_MALFORMED);
    s->in.n_atts = HEADER_ATTS_MAX + 1;
    assert_int_equal(inner_sign(&s->b, &s->in, &s->hh, &s->key), ERR_MALFORMED);
    s->in.n_atts = 0;
    s->in.n_parts = INNER_PARTS_MAX + 1;
    assert_int_equal(inner_sign(&s->b, &s->in, &s->hh, &s->key), ERR_MALFORMED);
}

static void
the_whole_goes_to_its_limit_and_not_above(void **state)
{
    struct scene *s = *state;
    uint8_t *bytes = calloc(1, INNER_LEN_MAX);
    size_t before;

    assert_non_null(bytes);
    s->in.parts[1].bytes = bytes;
    s->in.parts[1].len = INNER_LEN_MAX - s->b.len + 1;
    before = s->b.len;
    assert_int_equal(inner_sign(&s->b, &s->in, &s->hh, &s->key), ERR_TOOBIG);
    assert_int_equal(s->b.len, before);
    s->in.parts[1].len--;
    buf_reset(&s->b);
    assert_int_equal(inner_sign(&s->b, &s->in, &s->hh, &s->key), ERR_OK);
    assert_int_equal(s->b.len, INNER_LEN_MAX);
    expect(s, ERR_OK);
    buf_u8(&s->b, 0);
    expect(s, ERR_TOOBIG);
    s->in.parts[1].len = SIZE_MAX;
    assert_int_equal(inner_sign(&s->b, &s->in, &s->hh, &s->key), ERR_TOOBIG);
    free(bytes);
}

static void
attachments_match_a_header_by_id_order_and_length(void **state)
{
    struct scene *s = *state;
    struct header *h = calloc(1, sizeof(*h));

    assert_non_null(h);
    h->n_atts = 2;
    for (size_t i = 0; i < 2; i++) {
        h->atts[i].id = s->in.atts[i].id;
        h->atts[i].ct_len = attachment_ct_len(s->in.atts[i].plain_len);
    }
    assert_true(inner_matches_header(&s->in, h));
    h->n_atts = 1;
    assert_false(inner_matches_header(&s->in, h));
    h->n_atts = 2;
    h->atts[1].ct_len = attachment_ct_len(100000);
    assert_false(inner_matches_header(&s->in, h));
    h->atts[1] = h->atts[0];
    assert_false(inner_matches_header(&s->in, h));
    free(h);
}

static void
a_commitment_hides_and_binds_number_blind_and_bytes(void **state)
{
    uint8_t blind[PART_BLIND_LEN] = {1}, joined[15 + 1 + 1 + 32 + 2];
    struct hash a, b;

    (void)state;
    inner_part_commit(&a, 2, blind, "xy", 2);
    memcpy(joined, "sealpost/1/part\0\x02", 17);
    memcpy(joined + 17, blind, 32);
    memcpy(joined + 49, "xy", 2);
    sha256(&b, joined, sizeof(joined));
    assert_true(id_eq(&a, &b));
    inner_part_commit(&b, 3, blind, "xy", 2);
    assert_false(id_eq(&a, &b));
    blind[0] = 2;
    inner_part_commit(&b, 2, blind, "xy", 2);
    assert_false(id_eq(&a, &b));
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        T(what_was_signed_reads_back),
        T(fields_stand_where_the_specification_says),
        T(every_other_length_is_refused),
        T(any_changed_byte_is_noticed_but_in_keys_that_are_not_signed),
        T(the_signature_is_of_this_header_and_this_key),
        T(another_version_is_told_apart),
        T(a_part_must_be_what_its_commitment_says),
        T(each_rule_of_the_lists_is_kept),
        T(counts_go_to_their_limits_and_not_above),
        T(the_whole_goes_to_its_limit_and_not_above),
        T(attachments_match_a_header_by_id_order_and_length),
        T(a_commitment_hides_and_binds_number_blind_and_bytes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
