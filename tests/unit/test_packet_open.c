#include "proto/packet.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/bytes.h"
#include "proto/chunked.h"
#include "proto/packet_type.h"
#include "proto/pad.h"
#include "proto/statement.h"
#include "tests/lib/packet_fixture.h"

/* A fixture with a packet of several chunks, arrived at reader 0. */
struct scene {
    struct pkt_fixture f;
    struct sealed_packet p;
    struct opened o;
    uint8_t bytes[60000];
};

static int
setup(void **state)
{
    struct scene *s = calloc(1, sizeof(*s));

    assert_non_null(s);
    pkt_fixture_init(&s->f, 3, 2);
    for (size_t i = 0; i < sizeof(s->bytes); i++)
        s->bytes[i] = (uint8_t)i;
    s->f.parts[1].bytes = s->bytes;
    s->f.parts[1].len = sizeof(s->bytes);
    pkt_fixture_seal_draft(&s->f, &s->p, "scene");
    pkt_fixture_arrive(&s->f, &s->p, 0);
    *state = s;
    return 0;
}

static int
teardown(void **state)
{
    struct scene *s = *state;

    opened_clear(&s->o);
    packet_clear(&s->p);
    pkt_fixture_clear(&s->f);
    free(s);
    return 0;
}

static void
expect(struct scene *s, enum verdict verdict, enum packet_cause cause)
{
    assert_int_equal(pkt_fixture_open(&s->f, &s->o), verdict);
    assert_int_equal(s->o.cause, cause);
}

/* Seals anew after the draft or the facts changed. */
static void
reseal(struct scene *s)
{
    packet_clear(&s->p);
    pkt_fixture_seal_draft(&s->f, &s->p, "scene");
    pkt_fixture_arrive(&s->f, &s->p, s->f.reading);
}

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
    expect(*state, VERDICT_OPENED, CAUSE_NONE);
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
        expect(s, VERDICT_ALARM, CAUSE_SHAPE);
        *lengths[i] += 2;
        expect(s, VERDICT_ALARM, CAUSE_SHAPE);
        --*lengths[i];
    }
    expect(s, VERDICT_OPENED, CAUSE_NONE);
}

static void
another_devices_slot_is_an_alarm(void **state)
{
    struct scene *s = *state;

    s->f.arrival.slot = 1;
    expect(s, VERDICT_ALARM, CAUSE_SLOT);
    s->f.arrival.slot = 3;
    expect(s, VERDICT_ALARM, CAUSE_SLOT);
    s->f.arrival.slot = 0;
    s->f.arrival.wrap += WRAP_LEN;
    expect(s, VERDICT_ALARM, CAUSE_SLOT);
}

static void
a_device_that_is_not_listed_gets_an_alarm(void **state)
{
    struct scene *s = *state;

    s->f.opener.device = s->f.sender.id;
    expect(s, VERDICT_ALARM, CAUSE_SLOT);
}

static void
a_proof_that_does_not_verify_is_an_alarm(void **state)
{
    struct scene *s = *state;

    s->f.arrival.stored = NULL;
    expect(s, VERDICT_ALARM, CAUSE_PROOF);
}

static void
a_proof_about_anything_else_is_an_alarm(void **state)
{
    struct scene *s = *state;
    const struct event good = s->f.stored;
    struct event *ev = &s->f.stored;

    ev->type = EVENT_WARNED;
    expect(s, VERDICT_ALARM, CAUSE_OTHER_PACKET);
    *ev = good;
    ev->packet.b[0] ^= 1;
    expect(s, VERDICT_ALARM, CAUSE_OTHER_PACKET);
    *ev = good;
    ev->pkt_digest.b[31] ^= 1;
    expect(s, VERDICT_ALARM, CAUSE_OTHER_PACKET);
    *ev = good;
    ev->not_after += 3600;
    expect(s, VERDICT_ALARM, CAUSE_OTHER_PACKET);
    *ev = good;
    ev->class ^= 1;
    expect(s, VERDICT_ALARM, CAUSE_OTHER_PACKET);
    *ev = good;
    ev->recipient.b[0] ^= 1;
    expect(s, VERDICT_ALARM, CAUSE_OTHER_MAILBOX);
    *ev = good;
    s->f.arrival.sender.b[0] ^= 1;
    expect(s, VERDICT_ALARM, CAUSE_OTHER_PACKET);
}

static void
a_packet_for_another_mailbox_is_an_alarm(void **state)
{
    struct scene *s = *state;

    s->f.opener.mailbox.b[15] ^= 1;
    expect(s, VERDICT_ALARM, CAUSE_OTHER_MAILBOX);
}

static void
a_lowered_suite_is_an_alarm_even_if_stored_so(void **state)
{
    struct scene *s = *state;

    for (unsigned suite = 0; suite < 256; suite++) {
        s->p.hdr.data[4] = (uint8_t)suite;
        pkt_fixture_restore(&s->f, &s->p);
        if (suite == PACKET_SUITE)
            expect(s, VERDICT_OPENED, CAUSE_NONE);
        else
            expect(s, VERDICT_ALARM, CAUSE_SHAPE);
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
    expect(s, VERDICT_ALARM, CAUSE_OTHER_PACKET);
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
    expect(s, VERDICT_CANNOT_OPEN, CAUSE_UNDECRYPTABLE);
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
    expect(s, VERDICT_OPENED, CAUSE_NONE);
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
    expect(s, VERDICT_ALARM, CAUSE_OTHER_PACKET);
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
    expect(s, VERDICT_OPENED, CAUSE_NONE);
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
    expect(s, VERDICT_ALARM, CAUSE_SHAPE);
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

/* A sender that pads in its own way. */
static void
seal_padded(struct scene *s, const struct buf *padded)
{
    uint8_t ceks[3][32] = {{0}};
    struct header h;

    assert_int_equal(header_parse(&h, s->p.hdr.data, s->p.hdr.len), ERR_OK);
    h.body_len = chunked_len(padded->len);
    packet_clear(&s->p);
    pkt_fixture_seal(&s->f, &s->p, &h, ceks[0], (const uint8_t(*)[32])ceks,
                     padded->data, padded->len, "padded");
    pkt_fixture_arrive(&s->f, &s->p, 0);
}

static void
padding_that_says_anything_cannot_be_opened(void **state)
{
    struct scene *s = *state;
    struct buf padded = {0};
    struct header h;

    assert_int_equal(header_parse(&h, s->p.hdr.data, s->p.hdr.len), ERR_OK);
    pkt_fixture_content(&s->f, &padded, &h, s->f.draft.key);
    seal_padded(s, &padded);
    expect(s, VERDICT_OPENED, CAUSE_NONE);
    padded.data[padded.len - 1] = 1;
    seal_padded(s, &padded);
    expect_shut(s);
    padded.data[padded.len - 1] = 0;
    put_u32(padded.data, 0xffffffff);
    seal_padded(s, &padded);
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
    seal_padded(s, &padded);
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
    expect(s, VERDICT_GONE, CAUSE_UNDECRYPTABLE);
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

/* ---- step 5 on: it opens, and is kept apart ---- */

static void
expect_apart(struct scene *s, enum packet_cause cause)
{
    expect(s, VERDICT_QUARANTINED, cause);
    assert_non_null(s->o.text.data);
}

/* Content of LEN bytes at INNER that no honest sender makes. */
static void
seal_inner(struct scene *s, const void *inner, size_t len)
{
    struct buf padded = {0};

    assert_int_equal(pad(&padded, inner, len), ERR_OK);
    seal_padded(s, &padded);
    buf_clear(&padded);
}

static void
content_that_is_no_inner_is_kept_apart(void **state)
{
    struct scene *s = *state;
    static const struct hash unread = {{0}};
    uint8_t inner[400] = {1};

    seal_inner(s, inner, sizeof(inner));
    expect_apart(s, CAUSE_CONTENT);
    assert_false(s->o.inner_is_read);
    assert_true(id_eq(&s->o.opened, &unread));
    seal_inner(s, inner, 0);
    expect_apart(s, CAUSE_CONTENT);
    inner[0] = 2;
    seal_inner(s, inner, sizeof(inner));
    expect_apart(s, CAUSE_VERSION);
}

static void
a_part_that_breaks_its_commitment_is_kept_apart(void **state)
{
    struct scene *s = *state;
    struct buf padded = {0};
    struct header h;
    uint8_t *meta;

    assert_int_equal(header_parse(&h, s->p.hdr.data, s->p.hdr.len), ERR_OK);
    pkt_fixture_content(&s->f, &padded, &h, s->f.draft.key);
    meta = padded.data + 4 + INNER_FIXED_LEN + 1 + 3 * 34 + 4 + 32;
    assert_memory_equal(meta, s->f.parts[0].bytes, s->f.parts[0].len);
    meta[0] ^= 1;
    seal_padded(s, &padded);
    expect_apart(s, CAUSE_COMMITMENT);
    buf_clear(&padded);
}

static void
attachments_must_be_those_of_the_header(void **state)
{
    struct scene *s = *state;
    struct buf padded = {0};
    struct header h;

    /* One the header does not list; then another length; then another id. */
    assert_int_equal(header_parse(&h, s->p.hdr.data, s->p.hdr.len), ERR_OK);
    pkt_fixture_content(&s->f, &padded, &h, s->f.draft.key);
    s->f.draft.n_atts = 1;
    reseal(s);
    seal_padded(s, &padded);
    expect_apart(s, CAUSE_CONTENT);
    s->f.draft.n_atts = 2;
    s->f.atts[0].att.plain_len = 100000;
    reseal(s);
    seal_padded(s, &padded);
    expect_apart(s, CAUSE_CONTENT);
    s->f.atts[0].att.plain_len = 1000;
    s->f.atts[0].att.id.b[15] ^= 1;
    reseal(s);
    seal_padded(s, &padded);
    expect_apart(s, CAUSE_CONTENT);
    s->f.atts[0].att.id.b[15] ^= 1;
    reseal(s);
    seal_padded(s, &padded);
    expect(s, VERDICT_OPENED, CAUSE_NONE);
    buf_clear(&padded);
}

static void
a_swapped_blob_breaks_the_signature(void **state)
{
    struct scene *s = *state;
    struct buf padded = {0};
    struct header h;

    assert_int_equal(header_parse(&h, s->p.hdr.data, s->p.hdr.len), ERR_OK);
    pkt_fixture_content(&s->f, &padded, &h, s->f.draft.key);
    s->f.atts[0].digest.b[0] ^= 1; /* as long, other bytes */
    reseal(s);
    seal_padded(s, &padded);
    expect_apart(s, CAUSE_SIGNATURE);
    buf_clear(&padded);
}

static void
a_reader_cannot_seal_it_again_as_if_from_the_sender(void **state)
{
    struct scene *s = *state;
    struct buf padded = {0};
    struct header h;

    assert_int_equal(header_parse(&h, s->p.hdr.data, s->p.hdr.len), ERR_OK);
    pkt_fixture_content(&s->f, &padded, &h, s->f.draft.key);
    /* Content signed for the old header, under a header with other slots. */
    s->f.draft.n_recipients = 2;
    reseal(s);
    seal_padded(s, &padded);
    expect_apart(s, CAUSE_SIGNATURE);
    assert_true(s->o.inner_is_read);
    buf_clear(&padded);
}

static void
a_signature_by_another_device_is_kept_apart(void **state)
{
    struct scene *s = *state;
    static const struct hash unread = {{0}};

    s->f.draft.key = &s->f.readers[1].sign;
    reseal(s);
    expect_apart(s, CAUSE_SIGNATURE);
    assert_false(id_eq(&s->o.opened, &unread));
}

static void
a_forged_head_is_the_senders_fault(void **state)
{
    struct scene *s = *state;

    s->f.facts.head_is_good = false;
    expect_apart(s, CAUSE_HEAD);
}

static void
the_device_must_have_been_live_in_its_agency(void **state)
{
    struct scene *s = *state;

    s->f.facts.was_live = false;
    expect_apart(s, CAUSE_SENDER);
    s->f.facts.was_live = true;
    s->f.facts.was_suspended = true;
    expect_apart(s, CAUSE_SUSPENDED);
}

static void
the_relay_must_have_stored_it_for_the_agency_it_claims(void **state)
{
    struct scene *s = *state;

    s->f.stored.sender = s->f.reader_agency;
    s->f.arrival.sender = s->f.reader_agency;
    expect_apart(s, CAUSE_OTHER_SENDER);
}

static void
a_revoked_device_counts_only_before_and_by_both_clocks(void **state)
{
    struct scene *s = *state;

    s->f.facts.is_revoked = true;
    s->f.facts.revoked_since = PKT_FIXTURE_NOW_S + 2; /* stored at + 1 */
    expect(s, VERDICT_OPENED, CAUSE_NONE);
    s->f.facts.revoked_since = PKT_FIXTURE_NOW_S + 1;
    expect_apart(s, CAUSE_REVOKED);
    s->f.stored.time_ms = PKT_FIXTURE_NOW_S * 1000; /* a relay that backdates */
    expect(s, VERDICT_OPENED, CAUSE_NONE);
    s->f.facts.revoked_since = PKT_FIXTURE_NOW_S;
    s->f.stored.time_ms = 0;
    expect_apart(s, CAUSE_REVOKED);
    s->f.facts.revoked_since = 0;
    expect_apart(s, CAUSE_REVOKED);
}

static void
the_class_of_the_agency_limits_the_types(void **state)
{
    struct scene *s = *state;

    s->f.facts.agency_class = CLASS_PARTNER;
    expect_apart(s, CAUSE_TYPE);
    s->f.draft.type = PACKET_TYPE_MESSAGE;
    reseal(s);
    expect(s, VERDICT_OPENED, CAUSE_NONE);
    s->f.facts.agency_class = CLASS_AUDITOR;
    expect_apart(s, CAUSE_TYPE);
    s->f.facts.agency_class = CLASS_STATUTORY;
    s->f.draft.type = 0;
    reseal(s);
    expect_apart(s, CAUSE_TYPE);
    s->f.draft.type = 9;
    reseal(s);
    expect_apart(s, CAUSE_TYPE);
}

static void
it_may_be_made_two_days_ahead_and_any_time_ago(void **state)
{
    struct scene *s = *state;
    uint64_t created_ms = s->f.draft.created_ms;

    s->f.opener.now_ms = created_ms - 48u * 3600 * 1000;
    expect(s, VERDICT_OPENED, CAUSE_NONE);
    s->f.opener.now_ms--;
    expect_apart(s, CAUSE_AHEAD);
    s->f.opener.now_ms = UINT64_MAX;
    expect(s, VERDICT_OPENED, CAUSE_NONE);
    s->f.opener.now_ms = 0;
    expect_apart(s, CAUSE_AHEAD);
}

static void
it_may_live_thirty_days_and_an_hour(void **state)
{
    struct scene *s = *state;

    s->f.draft.not_after = PKT_FIXTURE_NOW_S + PACKET_LIFE_MAX_S;
    reseal(s);
    expect(s, VERDICT_OPENED, CAUSE_NONE);
    s->f.draft.created_ms -= 1;
    reseal(s);
    expect_apart(s, CAUSE_LIFE);
    s->f.draft.not_after = UINT64_MAX - UINT64_MAX % 3600;
    reseal(s);
    expect_apart(s, CAUSE_LIFE);
    s->f.draft.not_after = 0; /* over before it began: the relay's matter */
    reseal(s);
    expect(s, VERDICT_OPENED, CAUSE_NONE);
}

/* ---- what the receipt will say ---- */

static void
each_verdict_makes_a_receipt_that_signs_but_an_alarm(void **state)
{
    struct scene *s = *state;
    struct rcpt r = {.time_ms = 1};
    uint8_t bytes[RCPT_LEN];

    expect(s, VERDICT_OPENED, CAUSE_NONE);
    assert_int_equal(opened_to_rcpt(&s->o, &r), ERR_OK);
    assert_int_equal(r.outcome, OUTCOME_OPENED);
    assert_true(id_eq(&r.pkt_digest, &s->p.pkt_digest));
    assert_true(id_eq(&r.prekey, &s->f.readers[0].prekey.id));
    assert_int_equal(rcpt_sign(bytes, &r, &s->f.readers[0].sign), ERR_OK);
    s->f.facts.was_live = false;
    expect_apart(s, CAUSE_SENDER);
    assert_int_equal(opened_to_rcpt(&s->o, &r), ERR_OK);
    assert_int_equal(r.reason, REASON_POLICY);
    assert_int_equal(rcpt_sign(bytes, &r, &s->f.readers[0].sign), ERR_OK);
    s->f.seed_err = ERR_EXPIRED;
    expect(s, VERDICT_GONE, CAUSE_UNDECRYPTABLE);
    assert_int_equal(opened_to_rcpt(&s->o, &r), ERR_OK);
    assert_int_equal(rcpt_sign(bytes, &r, &s->f.readers[0].sign), ERR_OK);
    s->f.arrival.stored = NULL;
    expect(s, VERDICT_ALARM, CAUSE_PROOF);
    assert_int_equal(opened_to_rcpt(&s->o, &r), ERR_STATE);
    assert_int_equal(r.outcome, OUTCOME_GONE);
}

static void
every_cause_has_a_sentence(void **state)
{
    (void)state;
    for (unsigned i = 0; i < CAUSE_COUNT; i++)
        assert_true(strlen(packet_cause_text((enum packet_cause)i)) > 5);
    assert_int_equal(packet_cause_reason(CAUSE_UNDECRYPTABLE),
                     REASON_UNDECRYPTABLE);
    assert_int_equal(packet_cause_reason(CAUSE_CONTENT), REASON_MALFORMED);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

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
        T(content_that_is_no_inner_is_kept_apart),
        T(a_part_that_breaks_its_commitment_is_kept_apart),
        T(attachments_must_be_those_of_the_header),
        T(a_swapped_blob_breaks_the_signature),
        T(a_reader_cannot_seal_it_again_as_if_from_the_sender),
        T(a_signature_by_another_device_is_kept_apart),
        T(a_forged_head_is_the_senders_fault),
        T(the_device_must_have_been_live_in_its_agency),
        T(the_relay_must_have_stored_it_for_the_agency_it_claims),
        T(a_revoked_device_counts_only_before_and_by_both_clocks),
        T(the_class_of_the_agency_limits_the_types),
        T(it_may_be_made_two_days_ahead_and_any_time_ago),
        T(it_may_live_thirty_days_and_an_hour),
        T(each_verdict_makes_a_receipt_that_signs_but_an_alarm),
        T(every_cause_has_a_sentence),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
