#include "proto/header.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/bytes.h"
#include "proto/attachment.h"
#include "proto/crypto.h"
#include "proto/pad.h"

/* A header that passes. */
static void
sound(struct header *h, size_t n_slots, size_t n_atts)
{
    *h = (struct header){.suite = PACKET_SUITE,
                         .class = PACKET_URGENT,
                         .not_after = 3600 * 490000,
                         .body_len = body_len_for(10),
                         .n_slots = n_slots,
                         .n_atts = n_atts};
    h->packet.b[0] = 1;
    h->mailbox.b[0] = 2;
    for (size_t i = 0; i < n_slots; i++) {
        put_u16(h->slots[i].device.b, (uint16_t)(i * 3));
        h->slots[i].prekey.b[0] = (uint8_t)i;
    }
    for (size_t i = 0; i < n_atts; i++) {
        put_u16(h->atts[i].id.b + 14, (uint16_t)i);
        h->atts[i].ct_len = attachment_ct_len(i * 5000);
        h->atts[i].digest.b[5] = (uint8_t)i;
    }
}

static void
expect_bytes(const struct buf *b, enum err rc)
{
    struct header h;

    assert_int_equal(header_parse(&h, b->data, b->len), rc);
}

static void
a_header_reads_back_as_it_was_written(void **state)
{
    static const struct {
        size_t n_slots, n_atts;
    } sizes[] = {{1, 0}, {1, 1}, {3, 2}, {HEADER_SLOTS_MAX, HEADER_ATTS_MAX}};

    (void)state;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct header h, back = {0};
        struct buf b = {0}, again = {0};

        sound(&h, sizes[i].n_slots, sizes[i].n_atts);
        assert_int_equal(header_encode(&b, &h), ERR_OK);
        assert_int_equal(b.len, header_len(h.n_slots, h.n_atts));
        assert_int_equal(header_parse(&back, b.data, b.len), ERR_OK);
        assert_memory_equal(&back.mailbox, &h.mailbox, 16);
        assert_int_equal(back.not_after, h.not_after);
        assert_int_equal(back.class, PACKET_URGENT);
        assert_int_equal(header_encode(&again, &back), ERR_OK);
        assert_int_equal(again.len, b.len);
        assert_memory_equal(again.data, b.data, b.len);
        buf_clear(&b);
        buf_clear(&again);
    }
}

static void
fields_stand_where_the_specification_says(void **state)
{
    struct header h;
    struct buf b = {0};

    (void)state;
    sound(&h, 2, 1);
    assert_int_equal(header_encode(&b, &h), ERR_OK);
    assert_int_equal(b.len, 58 + 2 * 32 + 56);
    assert_memory_equal(b.data, "SPP1\x02\x01\x00\x02", 8);
    assert_memory_equal(b.data + 8, h.packet.b, 16);
    assert_memory_equal(b.data + 24, h.mailbox.b, 16);
    assert_int_equal(get_u64(b.data + 40), h.not_after);
    assert_int_equal(get_u64(b.data + 48), h.body_len);
    assert_int_equal(get_u16(b.data + 56), 1);
    assert_memory_equal(b.data + 58 + 32, h.slots[1].device.b, 16);
    assert_memory_equal(b.data + 58 + 48, h.slots[1].prekey.b, 16);
    assert_memory_equal(b.data + 122, h.atts[0].id.b, 16);
    assert_int_equal(get_u64(b.data + 138), h.atts[0].ct_len);
    assert_memory_equal(b.data + 146, h.atts[0].digest.b, 32);
    buf_clear(&b);
}

static void
every_other_length_is_refused(void **state)
{
    struct header h;
    struct buf b = {0};

    (void)state;
    sound(&h, 3, 2);
    assert_int_equal(header_encode(&b, &h), ERR_OK);
    for (size_t n = 0; n < b.len; n++)
        assert_int_equal(header_parse(&h, b.data, n), ERR_MALFORMED);
    buf_u8(&b, 0);
    expect_bytes(&b, ERR_MALFORMED);
    buf_clear(&b);
}

static void
another_magic_or_suite_is_another_version(void **state)
{
    struct header h;
    struct buf b = {0};

    (void)state;
    sound(&h, 1, 0);
    assert_int_equal(header_encode(&b, &h), ERR_OK);
    for (size_t i = 0; i < 5; i++) {
        b.data[i] ^= 1;
        expect_bytes(&b, ERR_VERSION);
        b.data[i] ^= 1;
    }
    h.suite = 3;
    assert_int_equal(header_encode(&b, &h), ERR_MALFORMED);
    buf_clear(&b);
}

/* Each spoils one thing in encoded bytes of 3 slots and 2 attachments. */
static void
class_two(uint8_t *p)
{
    p[5] = 2;
}
static void
no_slots(uint8_t *p)
{
    put_u16(p + 6, 0);
}
static void
many_slots(uint8_t *p)
{
    put_u16(p + 6, 257);
}
static void
all_slots(uint8_t *p)
{
    put_u16(p + 6, 65535);
}
static void
half_hour(uint8_t *p)
{
    put_u64(p + 40, get_u64(p + 40) + 1800);
}
static void
body_shorter(uint8_t *p)
{
    put_u64(p + 48, get_u64(p + 48) - 1);
}
static void
body_longer(uint8_t *p)
{
    put_u64(p + 48, get_u64(p + 48) + 1);
}
static void
body_endless(uint8_t *p)
{
    put_u64(p + 48, UINT64_MAX);
}
static void
many_atts(uint8_t *p)
{
    put_u16(p + 56, 129);
}
static void
device_twice(uint8_t *p)
{
    memcpy(p + 58 + 32, p + 58, 16);
}
static void
devices_descending(uint8_t *p)
{
    p[58] = 0xff;
}
static void
att_twice(uint8_t *p)
{
    memcpy(p + 58 + 96 + 56, p + 58 + 96, 16);
}
static void
atts_descending(uint8_t *p)
{
    p[58 + 96] = 0xff;
}
static void
blob_unpadded(uint8_t *p)
{
    put_u64(p + 58 + 96 + 16, get_u64(p + 58 + 96 + 16) + 1);
}
static void
blob_too_long(uint8_t *p)
{
    put_u64(p + 58 + 96 + 16, LIMIT_ATT_CT + (UINT64_C(1) << 30));
}

static void
each_rule_of_the_header_is_kept(void **state)
{
    static void (*const spoil[])(uint8_t *) = {
        class_two,       no_slots,      many_slots,         all_slots,
        half_hour,       body_shorter,  body_longer,        body_endless,
        many_atts,       device_twice,  devices_descending, att_twice,
        atts_descending, blob_unpadded, blob_too_long};
    struct header h;

    (void)state;
    for (size_t i = 0; i < sizeof(spoil) / sizeof(spoil[0]); i++) {
        struct buf b = {0};

        sound(&h, 3, 2);
        assert_int_equal(header_encode(&b, &h), ERR_OK);
        expect_bytes(&b, ERR_OK);
        spoil[i](b.data);
        expect_bytes(&b, ERR_MALFORMED);
        buf_clear(&b);
    }
}

static void
one_above_each_count_is_refused(void **state)
{
    size_t most = HEADER_SLOTS_MAX + 1;
    struct header *h = calloc(1, sizeof(*h));
    struct buf b = {0};

    (void)state;
    assert_non_null(h);
    sound(h, HEADER_SLOTS_MAX, HEADER_ATTS_MAX);
    assert_int_equal(header_encode(&b, h), ERR_OK);
    expect_bytes(&b, ERR_OK);
    /* As long as 257 slots or 129 attachments would be. */
    put_u16(b.data + 6, (uint16_t)most);
    buf_zeros(&b, HEADER_SLOT_LEN);
    expect_bytes(&b, ERR_MALFORMED);
    put_u16(b.data + 6, HEADER_SLOTS_MAX);
    put_u16(b.data + 56, HEADER_ATTS_MAX + 1);
    buf_zeros(&b, HEADER_ATT_LEN - HEADER_SLOT_LEN);
    expect_bytes(&b, ERR_MALFORMED);
    buf_reset(&b);
    h->n_slots = most;
    assert_int_equal(header_encode(&b, h), ERR_MALFORMED);
    h->n_slots = 1;
    h->n_atts = HEADER_ATTS_MAX + 1;
    assert_int_equal(header_encode(&b, h), ERR_MALFORMED);
    assert_int_equal(b.len, 0);
    buf_clear(&b);
    free(h);
}

static void
a_refused_header_leaves_the_output_alone(void **state)
{
    struct header h, out = {.n_slots = 77};
    struct buf b = {0};

    (void)state;
    sound(&h, 1, 0);
    assert_int_equal(header_encode(&b, &h), ERR_OK);
    b.data[5] = 9;
    assert_int_equal(header_parse(&out, b.data, b.len), ERR_MALFORMED);
    assert_int_equal(
        packet_check_shape(&out, b.data, b.len, WRAP_LEN, h.body_len),
        ERR_MALFORMED);
    assert_int_equal(out.n_slots, 77);
    buf_clear(&b);
}

static void
the_relay_wants_one_wrap_a_slot_and_the_body_as_long_as_said(void **state)
{
    struct header h, out;
    struct buf b = {0};
    size_t body_len, wraps_len = 3 * WRAP_LEN;

    (void)state;
    sound(&h, 3, 0);
    body_len = (size_t)h.body_len;
    assert_int_equal(header_encode(&b, &h), ERR_OK);
    assert_int_equal(
        packet_check_shape(&out, b.data, b.len, wraps_len, body_len), ERR_OK);
    assert_int_equal(out.n_slots, 3);
    assert_int_equal(
        packet_check_shape(&out, b.data, b.len, wraps_len - 1, body_len),
        ERR_MALFORMED);
    assert_int_equal(
        packet_check_shape(&out, b.data, b.len, wraps_len + WRAP_LEN, body_len),
        ERR_MALFORMED);
    assert_int_equal(
        packet_check_shape(&out, b.data, b.len, wraps_len, body_len + 1),
        ERR_MALFORMED);
    b.data[4] = 1;
    assert_int_equal(
        packet_check_shape(&out, b.data, b.len, wraps_len, body_len),
        ERR_VERSION);
    buf_clear(&b);
}

static void
a_device_finds_its_slot(void **state)
{
    struct device_id id = {{0}};
    struct header h;

    (void)state;
    sound(&h, 3, 0);
    put_u16(id.b, 6);
    assert_int_equal(header_slot_of(&h, &id), 2);
    put_u16(id.b, 7);
    assert_int_equal(header_slot_of(&h, &id), -1);
}

static void
digests_from_wraps_and_from_their_hashes_are_equal(void **state)
{
    uint8_t *wraps = calloc(3, WRAP_LEN);
    struct hash each[3], hh, wh, body, a, b;

    (void)state;
    assert_non_null(wraps);
    wraps[WRAP_LEN] = 1;
    wraps[2 * WRAP_LEN] = 2;
    packet_digest_of(&a, "hdr", 3, wraps, 3, "body", 4);
    wraps_hash_each(each, wraps, 3);
    assert_false(id_eq(&each[0], &each[1]));
    wraps_hash(&wh, each[0].b, 3);
    header_hash(&hh, "hdr", 3);
    bulk_digest(&body, "body", 4);
    packet_digest(&b, &hh, &wh, &body);
    assert_true(id_eq(&a, &b));
    packet_digest_of(&b, "hdr", 3, wraps, 2, "body", 4);
    assert_false(id_eq(&a, &b));
    free(wraps);
}

static void
the_header_hash_has_its_domain_before_it(void **state)
{
    struct hash expect, hh;

    (void)state;
    sha256(&expect, "sealpost/1/hdr\0abc", 18);
    header_hash(&hh, "abc", 3);
    assert_true(id_eq(&expect, &hh));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_header_reads_back_as_it_was_written),
        cmocka_unit_test(fields_stand_where_the_specification_says),
        cmocka_unit_test(every_other_length_is_refused),
        cmocka_unit_test(another_magic_or_suite_is_another_version),
        cmocka_unit_test(each_rule_of_the_header_is_kept),
        cmocka_unit_test(one_above_each_count_is_refused),
        cmocka_unit_test(a_refused_header_leaves_the_output_alone),
        cmocka_unit_test(
            the_relay_wants_one_wrap_a_slot_and_the_body_as_long_as_said),
        cmocka_unit_test(a_device_finds_its_slot),
        cmocka_unit_test(digests_from_wraps_and_from_their_hashes_are_equal),
        cmocka_unit_test(the_header_hash_has_its_domain_before_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
