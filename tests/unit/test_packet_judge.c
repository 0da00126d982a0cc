/* What packet_open makes of a packet that decrypts: steps 5 to 7. */
#include "proto/packet.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/bytes.h"
#include "proto/packet_type.h"
#include "proto/pad.h"
#include "proto/statement.h"
#include "tests/lib/packet_scene.h"

/* ---- step 5 on: it opens, and is kept apart ---- */

static void
expect_apart(struct scene *s, enum packet_cause cause)
{
    scene_expect(s, VERDICT_QUARANTINED, cause);
    assert_non_null(s->o.text.data);
}

/* Content of LEN bytes at INNER that no honest sender makes. */
static void
seal_inner(struct scene *s, const void *inner, size_t len)
{
    struct buf padded = {0};

    assert_int_equal(pad(&padded, inner, len), ERR_OK);
    scene_seal_padded(s, &padded);
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
    scene_seal_padded(s, &padded);
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
    scene_reseal(s);
    scene_seal_padded(s, &padded);
    expect_apart(s, CAUSE_CONTENT);
    s->f.draft.n_atts = 2;
    s->f.atts[0].att.plain_len = 100000;
    scene_reseal(s);
    scene_seal_padded(s, &padded);
    expect_apart(s, CAUSE_CONTENT);
    s->f.atts[0].att.plain_len = 1000;
    s->f.atts[0].att.id.b[15] ^= 1;
    scene_reseal(s);
    scene_seal_padded(s, &padded);
    expect_apart(s, CAUSE_CONTENT);
    s->f.atts[0].att.id.b[15] ^= 1;
    scene_reseal(s);
    scene_seal_padded(s, &padded);
    scene_expect(s, VERDICT_OPENED, CAUSE_NONE);
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
    scene_reseal(s);
    scene_seal_padded(s, &padded);
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
    scene_reseal(s);
    scene_seal_padded(s, &padded);
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
    scene_reseal(s);
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
    scene_expect(s, VERDICT_OPENED, CAUSE_NONE);
    s->f.facts.revoked_since = PKT_FIXTURE_NOW_S + 1;
    expect_apart(s, CAUSE_REVOKED);
    s->f.stored.time_ms = PKT_FIXTURE_NOW_S * 1000; /* a relay that backdates */
    scene_expect(s, VERDICT_OPENED, CAUSE_NONE);
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
    scene_reseal(s);
    scene_expect(s, VERDICT_OPENED, CAUSE_NONE);
    s->f.facts.agency_class = CLASS_AUDITOR;
    expect_apart(s, CAUSE_TYPE);
    s->f.facts.agency_class = CLASS_STATUTORY;
    s->f.draft.type = 0;
    scene_reseal(s);
    expect_apart(s, CAUSE_TYPE);
    s->f.draft.type = 9;
    scene_reseal(s);
    expect_apart(s, CAUSE_TYPE);
}

static void
it_may_be_made_two_days_ahead_and_any_time_ago(void **state)
{
    struct scene *s = *state;
    uint64_t created_ms = s->f.draft.created_ms;

    s->f.opener.now_ms = created_ms - 48u * 3600 * 1000;
    scene_expect(s, VERDICT_OPENED, CAUSE_NONE);
    s->f.opener.now_ms--;
    expect_apart(s, CAUSE_AHEAD);
    s->f.opener.now_ms = UINT64_MAX;
    scene_expect(s, VERDICT_OPENED, CAUSE_NONE);
    s->f.opener.now_ms = 0;
    expect_apart(s, CAUSE_AHEAD);
}

static void
it_may_live_thirty_days_and_an_hour(void **state)
{
    struct scene *s = *state;

    s->f.draft.not_after = PKT_FIXTURE_NOW_S + PACKET_LIFE_MAX_S;
    scene_reseal(s);
    scene_expect(s, VERDICT_OPENED, CAUSE_NONE);
    s->f.draft.created_ms -= 1;
    scene_reseal(s);
    expect_apart(s, CAUSE_LIFE);
    s->f.draft.not_after = UINT64_MAX - UINT64_MAX % 3600;
    scene_reseal(s);
    expect_apart(s, CAUSE_LIFE);
    s->f.draft.not_after = 0; /* over before it began: the relay's matter */
    scene_reseal(s);
    scene_expect(s, VERDICT_OPENED, CAUSE_NONE);
}

/* ---- what the receipt will say ---- */

static void
each_verdict_makes_a_receipt_that_signs_but_an_alarm(void **state)
{
    struct scene *s = *state;
    struct rcpt r = {.time_ms = 1};
    uint8_t bytes[RCPT_LEN];

    scene_expect(s, VERDICT_OPENED, CAUSE_NONE);
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
    scene_expect(s, VERDICT_GONE, CAUSE_UNDECRYPTABLE);
    assert_int_equal(opened_to_rcpt(&s->o, &r), ERR_OK);
    assert_int_equal(rcpt_sign(bytes, &r, &s->f.readers[0].sign), ERR_OK);
    s->f.arrival.stored = NULL;
    scene_expect(s, VERDICT_ALARM, CAUSE_PROOF);
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

#define T(name)                                                                \
    cmocka_unit_test_setup_teardown(name, scene_setup, scene_teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
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
