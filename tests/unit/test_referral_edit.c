#include "client/referral_edit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static struct profile *core;

static int
load_core(void **state)
{
    struct problem pb = {0};

    (void)state;
    return profile_load(&core, "core", &pb) == ERR_OK ? 0 : -1;
}

static int
free_core(void **state)
{
    (void)state;
    profile_free(core);
    return 0;
}

/* NAME=TEXT as `sealpost new --field` takes it. */
static enum err
write_field(json_t *doc, const char *name, const char *text, struct problem *pb)
{
    const struct field *f = NULL;
    json_t *v = NULL;
    enum err rc = edit_field(core, name, &f, pb);

    if (rc == ERR_OK)
        rc = edit_parse(core, f, name, text, &v, pb);
    return rc == ERR_OK ? edit_put(core, doc, name, v, pb) : rc;
}

static void
must_write(json_t *doc, const char *name, const char *text)
{
    struct problem pb = {0};

    assert_int_equal(write_field(doc, name, text, &pb), ERR_OK);
}

static void
expect_json(const json_t *v, const char *json)
{
    struct buf b = {0};

    assert_int_equal(json_write(&b, v, 0), ERR_OK);
    buf_u8(&b, 0);
    assert_string_equal((const char *)b.data, json);
    buf_clear(&b);
}

static const struct {
    const char *name;
    const char *text;
    const char *json;
} good[] = {
    {"id.given", "Amal", "\"Amal\""},
    {"id.given", "reason:declined", "{\"reason\":\"declined\"}"},
    {"id.dob", "1991-05", "\"1991-05\""},
    {"id.dob", "~1991", "{\"date\":\"1991\",\"approx\":true}"},
    {"id.nationality", "gb, AL ,stateless", "[\"GB\",\"AL\",\"stateless\"]"},
    {"id.children_count", "2", "2"},
    {"referrer.phone", "+44 (1632) 960-123", "\"+441632960123\""},
    {"age.evidence", "document,declared", "[\"document\",\"declared\"]"},
    {"risk.still_exploited", "not_sure", "\"not_sure\""},
    {"comms.languages", "ar", "[\"ar\"]"},
    {"episode", "reason:not_asked", "{\"reason\":\"not_asked\"}"},
    {"account.text", "One.\nTwo.", "\"One.\\nTwo.\""},
};

static void
typed_values_become_json(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(good); i++) {
        json_t *doc = json_object();

        must_write(doc, good[i].name, good[i].text);
        expect_json(edit_get(doc, good[i].name), good[i].json);
        json_decref(doc);
    }
}

static const struct {
    const char *name;
    const char *text;
    const char *why;
} bad[] = {
    {"id.givn", "x", "\"id.givn\" is no field of the profile core"},
    {"episode.from", "2024",
     "\"episode.from\": say which one, as in episode[1].places[2].country"},
    {"id[1].given", "x",
     "\"id[1].given\": say which one, as in episode[1].places[2].country"},
    {"episode[0].from", "2024",
     "\"episode[0].from\": say which one, as in episode[1].places[2].country"},
    {"episode[2].from", "2024",
     "episode[2]: there are 0; write the next one first"},
    {"id.children_count", "two",
     "id.children_count: is a text; write a whole number, 0 or more"},
    {"id.gender", "femal",
     "id.gender: \"femal\" is not allowed here; did you mean \"female\"?  use "
     "one of: female, male, other, unknown"},
    {"id", "x", "id is a group; write to the fields in it"},
    {"episode", "x", "episode is a group; write to the fields in it"},
    {"id.given", "\xff", "id.given: it is not UTF-8"},
    {"referral.mode", "reason:unknown",
     "referral.mode: needs a value, other questions depend on it; use one of: "
     "identification, notification_only, support_only, placement, "
     "cross_border, advice"},
};

static void
what_does_not_fit_is_refused_and_leaves_the_document_alone(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(bad); i++) {
        json_t *doc = json_object();
        struct problem pb = {0};

        assert_int_not_equal(write_field(doc, bad[i].name, bad[i].text, &pb),
                             ERR_OK);
        assert_int_equal(pb.id, P_USAGE);
        assert_string_equal(pb.why, bad[i].why);
        assert_true(json_object_get(doc, "id") == NULL);
        json_decref(doc);
    }
}

static void
lists_grow_one_by_one(void **state)
{
    json_t *doc = json_object();
    struct problem pb = {0};

    (void)state;
    must_write(doc, "episode", "reason:not_asked");
    must_write(doc, "episode[1].type", "sexual");
    must_write(doc, "episode[1].places[1].country", "gb");
    must_write(doc, "episode[1].places[2].country", "FR");
    must_write(doc, "episode[1].places[1].country", "BE");
    must_write(doc, "episode[2].from", "2024");
    must_write(doc, "id.nationality[1]", "SD");
    must_write(doc, "id.nationality[2]", "GB");
    assert_int_equal(write_field(doc, "id.nationality[4]", "FR", &pb),
                     ERR_MALFORMED);
    assert_string_equal(
        pb.why, "nationality[4]: there are 2; write the next one first");
    expect_json(doc, "{\"episode\":[{\"type\":\"sexual\",\"places\":["
                     "{\"country\":\"BE\"},{\"country\":\"FR\"}]},{\"from\":"
                     "\"2024\"}],\"id\":{\"nationality\":[\"SD\",\"GB\"]}}");
    assert_null(edit_get(doc, "episode[3].from"));
    assert_null(edit_get(doc, "episode["));
    json_decref(doc);
}

/* ---- questions ---- */

static void
expect_next(const json_t *doc, const char *from, const char *path)
{
    struct question q = {0};

    assert_true(question_after(core, doc, from, &q));
    assert_string_equal(q.path, path);
}

static void
questions_come_in_order_and_skip_what_is_known(void **state)
{
    json_t *doc = json_object();

    (void)state;
    expect_next(doc, "", "referrer.org");
    must_write(doc, "referrer.org", "Harbour Light");
    expect_next(doc, "", "referrer.class");
    expect_next(doc, "referrer.org", "referrer.class");
    must_write(doc, "referrer.class", "reason:not_asked");
    expect_next(doc, "referrer.class", "referrer.person");
    expect_next(doc, "referrer.email", "referral.mode");
    expect_next(doc, "no.such.question", "referrer.person");
    json_decref(doc);
}

static void
answers_bring_questions_and_take_them_away(void **state)
{
    json_t *doc = json_object();
    struct question q = {0};

    (void)state;
    must_write(doc, "referral.mode", "identification");
    must_write(doc, "age.class_now", "adult");
    expect_next(doc, "age.class_now", "age.child_at_time");
    expect_next(doc, "age.child_at_time", "id.given");
    must_write(doc, "age.class_now", "child");
    expect_next(doc, "age.class_now", "child.authority");
    must_write(doc, "referral.mode", "advice");
    expect_next(doc, "age.class_now", "id.dob");
    must_write(doc, "id.dob", "reason:not_asked");
    expect_next(doc, "age.class_now", "consent.recipients");
    must_write(doc, "consent.recipients", "reason:not_applicable");
    assert_false(question_after(core, doc, "age.class_now", &q));
    json_decref(doc);
}

static void
entries_of_a_list_are_asked_before_another_one_is_offered(void **state)
{
    json_t *doc = json_object();
    struct question q = {0};

    (void)state;
    must_write(doc, "referral.mode", "notification_only");
    must_write(doc, "age.class_now", "adult");
    assert_true(question_after(core, doc, "id.dob", &q));
    assert_string_equal(q.path, "episode");
    assert_int_equal(q.kind, QUESTION_MORE);
    assert_int_equal(q.count, 0);
    must_write(doc, "episode[1].type", "other");
    expect_next(doc, "id.dob", "episode[1].type_text");
    must_write(doc, "episode[1].type", "sexual");
    expect_next(doc, "id.dob", "episode[1].from");
    must_write(doc, "episode[1].places[1].phase", "transit");
    expect_next(doc, "episode[1].to", "episode[1].places[1].country");
    assert_true(question_after(core, doc, "episode[1].places[1].country", &q));
    assert_string_equal(q.path, "episode[1].places");
    assert_int_equal(q.kind, QUESTION_MORE);
    assert_int_equal(q.count, 1);
    expect_next(doc, "episode[1].places", "episode[1].start");
    expect_next(doc, "episode[1].treatment", "episode");
    expect_next(doc, "episode", "risk.still_exploited");
    json_decref(doc);
}

static void
one_can_go_back(void **state)
{
    json_t *doc = json_object();
    struct question q = {0};

    (void)state;
    must_write(doc, "referrer.org", "Harbour Light");
    assert_true(question_before(core, doc, "referrer.class", &q));
    assert_string_equal(q.path, "referrer.org");
    assert_false(q.is_open);
    assert_false(question_before(core, doc, "referrer.org", &q));
    json_decref(doc);
}

static void
completeness_counts_what_applies(void **state)
{
    json_t *doc = json_object();
    size_t answered = 9;
    size_t total = 0;

    (void)state;
    must_write(doc, "referral.mode", "advice");
    question_count(core, doc, &answered, &total);
    assert_int_equal(answered, 1);
    assert_int_equal(total, 12);
    must_write(doc, "referral.mode", "identification");
    question_count(core, doc, &answered, &total);
    assert_int_equal(answered, 1);
    assert_true(total > 12);
    json_decref(doc);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(typed_values_become_json),
        cmocka_unit_test(
            what_does_not_fit_is_refused_and_leaves_the_document_alone),
        cmocka_unit_test(lists_grow_one_by_one),
        cmocka_unit_test(questions_come_in_order_and_skip_what_is_known),
        cmocka_unit_test(answers_bring_questions_and_take_them_away),
        cmocka_unit_test(
            entries_of_a_list_are_asked_before_another_one_is_offered),
        cmocka_unit_test(one_can_go_back),
        cmocka_unit_test(completeness_counts_what_applies),
    };

    return cmocka_run_group_tests(tests, load_core, free_core);
}
