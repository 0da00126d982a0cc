/* What is said of an evidence bundle: everything that it proves, everything
 * that it does not, and nothing in between. */
#include "client/bundle_tell.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "client/verify_bundle.h"
#include "tests/lib/bundle_fixture.h"

static struct bundle_fixture f;
static struct bundle_proven p;
static struct bundle_reader reader;
static json_t *proves, *warnings, *rest;

static int
set_up(void **state)
{
    (void)state;
    bundle_fixture_init(&f);
    reader = (struct bundle_reader){.basis = BASIS_ITSELF};
    return 0;
}

static void
forget(void)
{
    json_decref(proves);
    json_decref(warnings);
    json_decref(rest);
    proves = warnings = rest = NULL;
    bundle_proven_clear(&p);
}

static int
tear_down(void **state)
{
    (void)state;
    forget();
    bundle_fixture_clear(&f);
    return 0;
}

static void
are_sentences(const json_t *list)
{
    const json_t *row;
    size_t i;

    json_array_foreach(list, i, row)
    {
        size_t len = json_string_length(row);

        assert_true(len > 10);
        assert_int_equal(json_string_value(row)[len - 1], '.');
    }
}

static void
speak(void)
{
    struct bundle_anchor a = {.trust = reader.trust};
    struct bundle_fault fault;

    forget();
    assert_int_equal(bundle_fixture_judge(&f, &a, &p, &fault), ERR_OK);
    proves = bundle_proves(&p, &reader);
    warnings = bundle_warnings(&p, &reader);
    rest = bundle_proves_not(&p, &reader);
    are_sentences(proves);
    are_sentences(warnings);
    are_sentences(rest);
}

static bool
says(const json_t *list, const char *text)
{
    const json_t *row;
    size_t i;

    json_array_foreach(list, i, row)
    {
        if (strstr(json_string_value(row), text) != NULL)
            return true;
    }
    return false;
}

static void
who_when_and_what_became_of_it(void **state)
{
    (void)state;
    bundle_fixture_story(&f);
    bundle_fixture_make(&f);
    speak();
    assert_true(says(proves, "\"desk 1\" of shelter signed the packet"));
    assert_true(says(proves, "The relay stored it on 2026-09-"));
    assert_true(says(proves, "It was handed over on"));
    assert_true(says(proves, "\"desk 1\" of hub signed that"));
    assert_true(says(proves, "That device decrypted it"));
    assert_true(says(proves, "Part 0 (meta) stands in this file"));
    assert_int_equal(json_array_size(warnings), 0);
    memcpy(p.who.devices[0].label, "desk\" of hub", sizeof("desk\" of hub"));
    json_decref(proves);
    proves = bundle_proves(&p, &reader);
    assert_true(says(proves, "\"desk' of hub\" of shelter signed"));
    assert_true(says(rest, "What its 2 attachments hold"));
    assert_true(says(rest, "That a person has read it"));
    assert_true(says(rest, "no witness has signed a head"));
}

/* Receipts, header and seal are genuine; lists and parts somebody made up, in
 * the name of a device that nobody enrolled. */
static void
a_part_that_nobody_signed_is_not_the_senders(void **state)
{
    struct bundle_anchor none = {0};
    struct app app = {.json = true, .result = json_object()};
    struct buf bytes = {0};
    struct problem pb = {0};

    (void)state;
    bundle_fixture_story(&f);
    bundle_fixture_make(&f);
    f.lists.data[20] ^= 1;
    speak();
    assert_false(says(proves, "Part 0"));
    assert_true(says(rest, "That part 0 (meta), which stands in this file"));
    assert_int_equal(bundle_format(&f.b, &bytes), ERR_OK);
    assert_int_equal(verify_bundle(&app, &bytes, &none, &reader, "0", &pb),
                     ERR_OK);
    assert_true(json_is_false(
        json_object_get(json_object_get(app.result, "shown"), "signed")));
    buf_clear(&bytes);
    json_decref(app.result);
}

static void
every_end_has_words(void **state)
{
    static const struct {
        unsigned type, device;
        const char *says;
    } ends[] = {
        {EVENT_REFUSED, 1, "It ended refused"},
        {EVENT_WITHDRAWN, 0, "The sender withdrew it"},
        {EVENT_EXPIRED, 0, "It expired"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        if (i > 0)
            set_up(NULL);
        (void)bundle_fixture_log(&f, EVENT_STORED, 0, BF_STORED_MS);
        (void)bundle_fixture_log(&f, EVENT_WARNED, 0, BF_STORED_MS + 1);
        (void)bundle_fixture_log(&f, ends[i].type, ends[i].device,
                                 (f.h.not_after + EVENT_SWEEP_S) * 1000);
        bundle_fixture_make(&f);
        speak();
        assert_true(says(proves, ends[i].says));
        assert_true(says(proves, "The relay warned that nobody"));
        assert_false(says(rest, "What became of it in the end"));
        if (i + 1 < sizeof(ends) / sizeof(ends[0]))
            tear_down(NULL);
    }
}

static void
what_is_missing_is_named(void **state)
{
    struct span evidence;

    (void)state;
    bundle_fixture_story(&f);
    bundle_fixture_make(&f);
    evidence = f.b.events[1].evidence;
    f.b.events[1].evidence.len = 0;
    speak();
    assert_true(
        says(rest, "\"handed_over\" by anybody's word but the relay's"));
    f.b.events[1].evidence = evidence;
    f.b.n_events = 1;
    speak();
    assert_true(says(rest, "What became of it in the end"));
    f.b.n_parts = 0;
    f.b.lists.len = 0;
    speak();
    assert_true(says(rest, "Who signed the packet"));
    assert_true(says(rest, "nothing of its content is in the file"));
    f.b.seal.len = 0;
    speak();
    assert_true(says(rest, "That the receipts are of exactly this header"));
    f.b.header.len = 0;
    speak();
    assert_true(says(rest, "Which bytes the packet was"));
}

static void
a_revocation_is_said_with_its_since(void **state)
{
    (void)state;
    bundle_fixture_story(&f);
    f.net.now_s = NET_TIME + 86400;
    net_revoke(&f.net, 0, REVOKE_STOLEN, NET_TIME + 43200);
    bundle_fixture_make(&f);
    speak();
    assert_true(says(warnings, "was revoked later (stolen"));
    assert_true(says(warnings, "the revocation does not touch it"));
    net_revoke(&f.net, 0, REVOKE_STOLEN, NET_TIME);
    bundle_fixture_make(&f);
    speak();
    assert_true(says(warnings, "BEWARE: \"desk 1\" of shelter was revoked"));
    assert_true(says(warnings, "NOT before that"));
}

static void
a_readers_own_directory_knows_what_was_left_out(void **state)
{
    size_t before;

    (void)state;
    bundle_fixture_story(&f);
    before = f.net.n_leaves;
    f.net.now_s = NET_TIME + 86400;
    net_revoke(&f.net, 1, REVOKE_LOST, NET_TIME + 43200);
    bundle_fixture_make(&f);
    f.b.n_leaves = before;
    speak();
    assert_int_equal(json_array_size(warnings), 0);
    assert_true(says(rest, "That no other revocation exists"));
    reader.dir = f.net.dir;
    speak();
    assert_true(says(warnings, "BEWARE: \"desk 1\" of hub was revoked"));
    assert_true(says(warnings, "the file leaves that out"));
    assert_false(says(rest, "That no other revocation exists"));
}

static void
a_key_that_the_relay_gave_up_is_told(void **state)
{
    static const struct hash root = {{1}};
    struct statement st;

    (void)state;
    bundle_fixture_story(&f);
    bundle_fixture_make(&f);
    reader.dir = f.net.dir;
    speak();
    assert_int_equal(json_array_size(warnings), 0);
    net_sign_key(&f.net, &f.net.log_key);
    net_head_registrar(&f.net, &st, STMT_POLICY);
    st.body.policy = (struct stmt_policy){
        .min_suite = 2,
        .k = 1,
        .n = 1,
        .keys = &f.net.registrars[0].pub,
        .relay_name = text_ref("relay.test"),
        .relay_key = f.net.relay_key,
        .log_key = f.net.log_key.pub,
        .delivery_origin = text_ref("relay.test/delivery2"),
        .directory_origin = text_ref("relay.test/directory"),
        .old_size = 2,
        .old_root = root,
        .retention_days = 400,
    };
    assert_int_equal(net_log_registrar(&f.net, &st).effect, DIR_APPLIED);
    speak();
    assert_true(says(warnings, "the relay's log has another key or name now"));
}

/* Whoever has the stolen key dates the packet back, and leaves out when the
 * relay got it. */
static void
a_date_before_the_revocation_is_no_alibi(void **state)
{
    (void)state;
    bundle_fixture_story(&f);
    f.net.now_s = NET_TIME + 86400;
    net_revoke(&f.net, 0, REVOKE_STOLEN, BF_STORED_MS / 1000 + 1);
    bundle_fixture_make(&f);
    f.b.n_events = 0;
    speak();
    assert_true(says(warnings, "BEWARE: \"desk 1\" of shelter was revoked"));
    assert_false(says(warnings, "does not touch it"));
}

static void
an_opening_that_did_not_happen_is_said(void **state)
{
    struct bf_event *e;
    uint8_t bytes[RCPT_LEN];
    struct rcpt r;

    (void)state;
    (void)bundle_fixture_log(&f, EVENT_STORED, 0, BF_STORED_MS);
    e = bundle_fixture_log(&f, EVENT_HANDED_OVER, 1, BF_STORED_MS + 1000);
    r = bundle_fixture_rcpt(&f, e, 1);
    r.opened.b[0] ^= 1;
    assert_int_equal(rcpt_sign(bytes, &r, &f.net.devices[1].sign), ERR_OK);
    bundle_fixture_back(&f, e, bytes, sizeof(bytes));
    bundle_fixture_make(&f);
    speak();
    assert_true(says(warnings, "it did not decrypt it"));
    assert_false(says(proves, "That device decrypted it"));
}

static void
witnesses_count_when_a_policy_says_so(void **state)
{
    (void)state;
    bundle_fixture_story(&f);
    f.cosigned_s = NET_TIME + 9000;
    bundle_fixture_make(&f);
    speak();
    assert_true(says(rest, "no policy was given"));
    reader.trust = f.trust;
    speak();
    assert_true(says(proves, "\"handed_over\" stood in the log by"));
    assert_true(says(proves, "The witness witness.test cosigned a log of"));
    assert_true(says(proves, "The statements stood in the directory by"));
    assert_true(says(rest, "Earlier times than the witnesses'"));
    reader.is_own = true;
    speak();
    assert_true(says(proves, "witnesses that this vault's policy trusts"));
}

static void
a_relay_that_showed_another_directory_is_found(void **state)
{
    static const struct bundle_anchor nothing;
    struct app app = {.json = true, .result = json_object()};
    struct problem pb = {0};
    struct buf bytes = {0};
    struct net other;

    (void)state;
    bundle_fixture_story(&f);
    bundle_fixture_make(&f);
    assert_int_equal(bundle_format(&f.b, &bytes), ERR_OK);
    reader.dir = f.net.dir;
    assert_int_equal(verify_bundle(&app, &bytes, &nothing, &reader, NULL, &pb),
                     ERR_OK);
    net_init_k_of_n(&other, 2, 3);
    reader.dir = other.dir;
    assert_int_equal(verify_bundle(&app, &bytes, &nothing, &reader, NULL, &pb),
                     ERR_VERIFY);
    assert_int_equal(pb.id, P_VERIFY);
    assert_non_null(strstr(pb.why, "two histories"));
    net_clear(&other);
    buf_clear(&bytes);
    json_decref(app.result);
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        T(who_when_and_what_became_of_it),
        T(a_part_that_nobody_signed_is_not_the_senders),
        T(every_end_has_words),
        T(what_is_missing_is_named),
        T(a_revocation_is_said_with_its_since),
        T(a_key_that_the_relay_gave_up_is_told),
        T(a_date_before_the_revocation_is_no_alibi),
        T(a_readers_own_directory_knows_what_was_left_out),
        T(an_opening_that_did_not_happen_is_said),
        T(a_relay_that_showed_another_directory_is_found),
        T(witnesses_count_when_a_policy_says_so),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
