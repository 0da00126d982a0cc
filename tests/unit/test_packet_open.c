#include "proto/packet.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/bytes.h"
#include "proto/chunked.h"
#include "proto/pad.h"
#include "tests/lib/packet_scene.h"

static void
swap(uint8_t *a, uint8_t *b, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        uint8_t t = a[i];

        a[i] = b[i];
        b[i] = t;
    }
}

static void
a_sound_packet_opens(void **state)
{
    scene_expect(*state, VERDICT_OPENED, CAUSE_NONE);
}

/* ---- step 1: the relay delivers what it must not ---- */

static void
every_field_one_byte_short_or_long_is_an_alarm(void **state)
{
    struct scene *s = *state;
    struct arrival *a = &s->f.arrival;
    size_t *lengths[] = {&a->hdr_len, &a->wrap_len, &a->wrap_hashes_len,
                         &a->body_len};

    for (size_t i = 0; i < 4; i++) {
        --*lengths[i];
        scene_expect(s, VERDICT_ALARM, CAUSE_SHAPE);
        *lengths[i] += 2;
        scene_expect(s, VERDICT_ALARM, CAUSE_SHAPE);
        --*lengths[i];
    }
    scene_expect(s, VERDICT_OPENED, CAUSE_NONE);
}

static void
another_devices_slot_is_an_alarm(void **state)
{
    struct scene *s = *state;

    s->f.arrival.slot = 1;
    scene_expect(s, VERDICT_ALARM, CAUSE_SLOT);
    s->f.arrival.slot = 3;
    scene_expect(s, VERDICT_ALARM, CAUSE_SLOT);
    s->f.arrival.slot = 0;
    s->f.arrival.wrap += WRAP_LEN;
    scene_expect(s, VERDICT_ALARM, CAUSE_SLOT);
}

static void
a_device_that_is_not_listed_gets_an_alarm(void **state)
{
    struct scene *s = *state;

    s->f.opener.device = s->f.sender.id;
    scene_expect(s, VERDICT_ALARM, CAUSE_SLOT);
}

static void
a_proof_that_does_not_verify_is_an_alarm(void **state)
{
    struct scene *s = *state;

    s->f.arrival.stored = NULL;
    scene_expect(s, VERDICT_ALARM, CAUSE_PROOF);
}

static void
a_proof_about_anything_else_is_an_alarm(void **state)
{
    struct scene *s = *state;
    const struct event good = s->f.stored;
    struct event *ev = &s->f.stored;

    ev->type = EVENT_WARNED;
    scene_expect(s, VERDICT_ALARM, CAUSE_OTHER_PACKET);
    *ev = good;
    ev->packet.b[0] ^= 1;
    scene_expect(s, VERDICT_ALARM, CAUSE_OTHER_PACKET);
    *ev = good;
    ev->pkt_digest.b[31] ^= 1;
    scene_expect(s, VERDICT_ALARM, CAUSE_OTHER_PACKET);
    *ev = good;
    ev->not_after += 3600;
    scene_expect(s, VERDICT_ALARM, CAUSE_OTHER_PACKET);
    *ev = good;
    ev->class ^= 1;
    scene_expect(s, VERDICT_ALARM, CAUSE_OTHER_PACKET);
    *ev = good;
    ev->recipient.b[0] ^= 1;
    scene_expect(s, VERDICT_ALARM, CAUSE_OTHER_MAILBOX);
    *ev = good;
    s->f.arrival.sender.b[0] ^= 1;
    scene_expect(s, VERDICT_ALARM, CAUSE_OTHER_PACKET);
}

static void
a_packet_for_another_mailbox_is_an_alarm(void **state)
{
    struct scene *s = *state;

    s->f.opener.mailbox.b[15] ^= 1;
    scene_expect(s, VERDICT_ALARM, CAUSE_OTHER_MAILBOX);
}

static void
a_lowered_suite_is_an_alarm_even_if_stored_so(void **state)
{
    struct scene *s = *state;

    for (unsigned suite = 0; suite < 256; suite++) {
        s->p.hdr.data[4] = (uint8_t)suite;
        pkt_fixture_restore(&s->f, &s->p);
        if (suite == PACKET_SUITE)
            scene_expect(s, VERDICT_OPENED, CAUSE_NONE);
        else
            scene_expect(s, VERDICT_ALARM, CAUSE_SHAPE);
    }
}

static void
any_changed_byte_on_the_way_is_an_alarm(void **state)
{
    struct scene *s = *state;
    struct {
        struct buf *b;
        size_t len;
    } fields[] = {{&s->p.hdr, s->p.hdr.len},
                  {&s->p.wraps, WRAP_LEN},
                  {&s->p.body, s->p.body.len}};

    for (size_t i = 0; i < 3; i++) {
        for (size_t at = 0; at < fields[i].len; at += 1 + at / 64) {
            fields[i].b->data[at] ^= 0x10;
            assert_int_equal(pkt_fixture_open(&s->f, &s->o), VERDICT_ALARM);
            fields[i].b->data[at] ^= 0x10;
        }
    }
    s->f.wrap_hashes[1].b[0] ^= 1;
    scene_expect(s, VERDICT_ALARM, CAUSE_OTHER_PACKET);
}

static void
step_one_alone_needs_no_keys(void **state)
{
    struct scene *s = *state;
    struct opened o = {.text = {0}};

    assert_int_equal(packet_check_arrival(&o, &s->f.arrival,
                                          &s->f.readers[0].id, &s->f.mailbox),
                     VERDICT_OPENED);
    assert_true(id_eq(&o.pkt_digest, &s->p.pkt_digest));
    assert_true(id_eq(&o.hdr.packet, &s->f.draft.packet));
    assert_int_equal(packet_check_arrival(&o, &s->f.arrival,
                                          &s->f.readers[1].id, &s->f.mailbox),
                     VERDICT_ALARM);
    opened_clear(&o);
}

/* ---- steps 2-4: stored so by somebody, and does not open ---- */

static void
expect_shut(struct scene *s)
{
    scene_expect(s, VERDICT_CANNOT_OPEN, CAUSE_UNDECRYPTABLE);
    assert_false(s->o.inner_is_read);
    assert_null(s->o.text.data);
}

static void
a_header_changed_before_storing_never_opens(void **state)
{
    struct scene *s = *state;

    for (size_t at = 0; at < s->p.hdr.len; at++) {
        s->p.hdr.data[at] ^= 0x10;
        pkt_fixture_restore(&s->f, &s->p);
        assert_int_not_equal(pkt_fixture_open(&s->f, &s->o), VERDICT_OPENED);
        s->p.hdr.data[at] ^= 0x10;
    }
    pkt_fixture_restore(&s->f, &s->p);
    scene_expect(s, VERDICT_OPENED, CAUSE_NONE);
}

static void
a_wrap_moved_to_another_slot_cannot_be_opened(void **state)
{
    struct scene *s = *state;

    swap(s->p.wraps.data, s->p.wraps.data + WRAP_LEN, WRAP_LEN);
    pkt_fixture_restore(&s->f, &s->p);
    expect_shut(s);
    /* Not even with the key it was made for: it names its slot. */
    memcpy(s->f.readers[0].seed, s->f.readers[1].seed, 32);
    expect_shut(s);
}

static void
a_changed_wrap_cannot_be_opened(void **state)
{
    struct scene *s = *state;

    for (size_t at = 0; at < WRAP_LEN; at += 31) {
        s->p.wraps.data[at] ^= 0x80;
        pkt_fixture_restore(&s->f, &s->p);
        expect_shut(s);
        s->p.wraps.data[at] ^= 0x80;
    }
}

static void
the_header_of_one_packet_does_not_go_with_the_body_of_another(void **state)
{
    struct scene *s = *state;
    struct sealed_packet other;

    s->f.draft.packet.b[0] ^= 1;
    pkt_fixture_seal_draft(&s->f, &other, "scene"); /* the same content key */
    s->f.draft.packet.b[0] ^= 1;
    assert_int_equal(other.body.len, s->p.body.len);
    memcpy(s->p.body.data, other.body.data, other.body.len);
    scene_expect(s, VERDICT_ALARM, CAUSE_OTHER_PACKET);
    pkt_fixture_restore(&s->f, &s->p);
    expect_shut(s);
    packet_clear(&other);
}

static void
two_content_keys_for_one_body_do_not_both_open(void **state)
{
    struct scene *s = *state;
    uint8_t ceks[3][32] = {{0}};
    struct buf padded = {0};
    struct header h;

    assert_int_equal(header_parse(&h, s->p.hdr.data, s->p.hdr.len), ERR_OK);
    pkt_fixture_content(&s->f, &padded, &h, s->f.draft.key);
    ceks[1][0] = 1;
    packet_clear(&s->p);
    pkt_fixture_seal(&s->f, &s->p, &h, ceks[0], (const uint8_t(*)[32])ceks,
                     padded.data, padded.len, "two keys");
    pkt_fixture_arrive(&s->f, &s->p, 0);
    scene_expect(s, VERDICT_OPENED, CAUSE_NONE);
    pkt_fixture_arrive(&s->f, &s->p, 1);
    expect_shut(s);
    buf_clear(&padded);
}

static uint8_t *
chunk(struct scene *s, uint64_t index)
{
    return s->p.body.data + chunked_offset(index);
}

static void
chunks_swapped_or_repeated_cannot_be_opened(void **state)
{
    struct scene *s = *state;

    assert_true(s->p.body.len > chunked_offset(3));
    swap(chunk(s, 0), chunk(s, 1), CHUNKED_CHUNK_LEN);
    pkt_fixture_restore(&s->f, &s->p);
    expect_shut(s);
    swap(chunk(s, 0), chunk(s, 1), CHUNKED_CHUNK_LEN);
    memcpy(chunk(s, 2), chunk(s, 1), CHUNKED_CHUNK_LEN);
    pkt_fixture_restore(&s->f, &s->p);
    expect_shut(s);
}

/* The body is cut or made longer and the header says so too. */
static void
with_other_length(struct scene *s, uint64_t padded_len)
{
    size_t len = (size_t)chunked_len(padded_len);
    size_t had = s->p.body.len;

    if (len > had)
        buf_zeros(&s->p.body, len - had);
    assert_int_equal(buf_status(&s->p.body), ERR_OK);
    s->p.body.len = len;
    put_u64(s->p.hdr.data + 48, len);
    pkt_fixture_restore(&s->f, &s->p);
}

static void
chunks_dropped_or_added_cannot_be_opened(void **state)
{
    struct scene *s = *state;

    with_other_length(s, 49152); /* truncated at a chunk's end */
    expect_shut(s);
    with_other_length(s, 4096);
    expect_shut(s);
    with_other_length(s, 131072);
    expect_shut(s);
    with_other_length(s, 49153); /* not a padded length at all */
    scene_expect(s, VERDICT_ALARM, CAUSE_SHAPE);
}

static void
any_byte_of_a_stored_body_counts(void **state)
{
    struct scene *s = *state;

    for (size_t at = 0; at < s->p.body.len; at += 997) {
        s->p.body.data[at] ^= 1;
        pkt_fixture_restore(&s->f, &s->p);
        expect_shut(s);
        s->p.body.data[at] ^= 1;
    }
}

static void
padding_that_says_anything_cannot_be_opened(void **state)
{
    struct scene *s = *state;
    struct buf padded = {0};
    struct header h;

    assert_int_equal(header_parse(&h, s->p.hdr.data, s->p.hdr.len), ERR_OK);
    pkt_fixture_content(&s->f, &padded, &h, s->f.draft.key);
    scene_seal_padded(s, &padded);
    scene_expect(s, VERDICT_OPENED, CAUSE_NONE);
    padded.data[padded.len - 1] = 1;
    scene_seal_padded(s, &padded);
    expect_shut(s);
    padded.data[padded.len - 1] = 0;
    put_u32(padded.data, 0xffffffff);
    scene_seal_padded(s, &padded);
    expect_shut(s);
    buf_clear(&padded);
}

static void
padding_to_another_step_cannot_be_opened(void **state)
{
    struct scene *s = *state;
    struct buf padded = {0};
    struct header h;

    assert_int_equal(header_parse(&h, s->p.hdr.data, s->p.hdr.len), ERR_OK);
    pkt_fixture_content(&s->f, &padded, &h, s->f.draft.key);
    buf_zeros(&padded, 131072 - padded.len);
    scene_seal_padded(s, &padded);
    expect_shut(s);
    buf_clear(&padded);
}

static void
without_the_seed_it_cannot_be_opened_and_destroyed_is_gone(void **state)
{
    struct scene *s = *state;

    s->f.seed_err = ERR_NOTFOUND;
    expect_shut(s);
    s->f.seed_err = ERR_EXPIRED;
    scene_expect(s, VERDICT_GONE, CAUSE_UNDECRYPTABLE);
}

static void
the_readers_own_failures_are_no_verdict(void **state)
{
    struct scene *s = *state;

    s->f.seed_err = ERR_LOCKED;
    assert_int_equal(packet_open(&s->o, &s->f.arrival, &s->f.opener),
                     ERR_LOCKED);
    s->f.seed_err = ERR_OK;
    s->f.sender_err = ERR_STATE;
    opened_clear(&s->o);
    assert_int_equal(packet_open(&s->o, &s->f.arrival, &s->f.opener),
                     ERR_STATE);
}

#define T(name)                                                                \
    cmocka_unit_test_setup_teardown(name, scene_setup, scene_teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_sound_packet_opens),
        T(every_field_one_byte_short_or_long_is_an_alarm),
        T(another_devices_slot_is_an_alarm),
        T(a_device_that_is_not_listed_gets_an_alarm),
        T(a_proof_that_does_not_verify_is_an_alarm),
        T(a_proof_about_anything_else_is_an_alarm),
        T(a_packet_for_another_mailbox_is_an_alarm),
        T(a_lowered_suite_is_an_alarm_even_if_stored_so),
        T(any_changed_byte_on_the_way_is_an_alarm),
        T(step_one_alone_needs_no_keys),
        T(a_header_changed_before_storing_never_opens),
        T(a_wrap_moved_to_another_slot_cannot_be_opened),
        T(a_changed_wrap_cannot_be_opened),
        T(the_header_of_one_packet_does_not_go_with_the_body_of_another),
        T(two_content_keys_for_one_body_do_not_both_open),
        T(chunks_swapped_or_repeated_cannot_be_opened),
        T(chunks_dropped_or_added_cannot_be_opened),
        T(any_byte_of_a_stored_body_counts),
        T(padding_that_says_anything_cannot_be_opened),
        T(padding_to_another_step_cannot_be_opened),
        T(without_the_seed_it_cannot_be_opened_and_destroyed_is_gone),
        T(the_readers_own_failures_are_no_verdict),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
