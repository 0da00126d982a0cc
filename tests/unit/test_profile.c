#include "client/profile.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "client/profiles.h"
#include "tests/lib/fail_alloc.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static struct profile *core;

static int
load_core(void **state)
{
    struct problem pb = {0};

    (void)state;
    if (profile_load(&core, "core", &pb) == ERR_OK)
        return 0;
    fprintf(stderr, "%s: %s\n", pb.what, pb.why);
    return -1;
}

static int
free_core(void **state)
{
    (void)state;
    profile_free(core);
    core = NULL;
    return 0;
}

static const char *const languages[] = {"en", "fr", "cy", "nl", "ar"};

static void
core_speaks_five_languages(void **state)
{
    const struct field *mode = profile_field(core, "referral.mode");

    (void)state;
    assert_string_equal(profile_id(core), "core");
    assert_int_equal(profile_version(core), 1);
    for (size_t i = 0; i < profile_count(core); i++)
        for (size_t l = 0; l < COUNT(languages); l++)
            assert_non_null(json_object_get(
                json_object_get(profile_at(core, i)->def, "labels"),
                languages[l]));
    assert_string_equal(profile_label(mode, "cy"), "Beth a geisir");
    assert_string_equal(profile_label(mode, "xx"), "What is asked for");
    assert_string_equal(profile_label(mode, NULL), "What is asked for");
    assert_string_equal(profile_code_label(mode, "advice", "nl"), "Advies");
    assert_string_equal(profile_code_label(mode, "nonsense", "nl"), "nonsense");
    assert_string_equal(profile_part_label(core, PART_NEEDS, "fr"), "Besoins");
    assert_string_equal(profile_reason_label(core, "declined", "en"),
                        "Declined to say");
    assert_string_equal(profile_country(core, "GB"), "United Kingdom");
    assert_null(profile_country(core, "ZZ"));
}

static void
fields_are_found_by_name_with_and_without_numbers(void **state)
{
    const struct field *f = profile_field(core, "episode[2].places[13].phase");

    (void)state;
    assert_non_null(f);
    assert_string_equal(f->name, "episode[].places[].phase");
    assert_ptr_equal(profile_field(core, "episode.places.phase"), f);
    assert_int_equal(f->type, VALUE_CODE);
    assert_int_equal(f->part, PART_CASE);
    assert_true(f->required);
    assert_null(profile_field(core, "episode[2].nothing"));
    assert_null(profile_field(core, ""));
    assert_null(profile_field(core, "episode[2"));
    assert_int_equal(profile_field(core, "id")->parts, PART_BIT(PART_IDENTITY));
    assert_int_equal(profile_field(core, "attach")->parts, PARTS_ALL);
}

static void
every_part_has_its_name(void **state)
{
    (void)state;
    for (unsigned n = 0; n < PART_COUNT; n++)
        assert_int_equal(part_by_name(part_name(n)), n);
    assert_int_equal(part_by_name("nothing"), PART_COUNT);
    assert_string_equal(part_name(PART_COUNT), "?");
}

/* ---- conditions ---- */

static const char document[] = "{\"a\":{\"b\":\"x\"},\"c\":[\"p\",\"q\"],"
                               "\"r\":{\"reason\":\"declined\"}}";

static const struct {
    const char *when;
    bool holds;
} conditions[] = {
    {"[\"a.b=x\"]", true},        {"[\"a.b=y\"]", false},
    {"[\"a.b=y|x|z\"]", true},    {"[\"a.b!=y|z\"]", true},
    {"[\"a.b!=y|x\"]", false},    {"[\"a.b=x & c=q\"]", true},
    {"[\"a.b=x & c=z\"]", false}, {"[\"a.b=y\",\"c=p\"]", true},
    {"[\"nothing=x\"]", false},   {"[\"nothing!=x\"]", true},
    {"[\"r=declined\"]", false},  {"[\".k=7\"]", true},
    {"[\".k=8\"]", false},        {"[\"a.b\"]", false},
    {"[\"a.b=x &\"]", false},     {"[]", false},
};

static void
conditions_mean_what_they_say(void **state)
{
    json_t *doc = json_loads(document, 0, NULL);
    json_t *item = json_loads("{\"k\":\"7\"}", 0, NULL);

    (void)state;
    for (size_t i = 0; i < COUNT(conditions); i++) {
        json_t *when = json_loads(conditions[i].when, 0, NULL);

        assert_non_null(when);
        assert_int_equal(profile_when(when, doc, item), conditions[i].holds);
        json_decref(when);
    }
    json_decref(item);
    json_decref(doc);
}

/* ---- profiles that are wrong ---- */

#define HEAD                                                                   \
    "{\"id\":\"p\",\"version\":1,\"reasons\":{\"no\":{\"key\":\"-\"}},"        \
    "\"yns\":{\"yes\":{}},\"countries\":{\"GB\":\"x\"},\"codes\":"             \
    "{\"ab\":{\"a\":{},\"b\":{}},\"none\":{}},\"parts\":{\"meta\":{},"         \
    "\"identity\":{},\"contact\":{},\"case\":{},\"needs\":{},\"asylum\":{},"   \
    "\"justice\":{},\"account\":{},\"privileged\":{}},\"fields\":["
#define FIELD(name, rest)                                                      \
    "{\"name\":\"" name "\",\"part\":\"case\",\"labels\":{\"en\":\"x\"}," rest \
    "}"
#define STR(name) FIELD(name, "\"type\":\"str\"")
#define TAIL "]}"

static const struct {
    const char *json;
    const char *why;
} wrong[] = {
    {HEAD STR("x") TAIL, NULL},
    {"{\"id\":\"p\"}", "p: \"id\" and version must be there"},
    {HEAD TAIL, "p: \"fields\" must be a list of 1 to 2000"},
    {HEAD STR("x") "," STR("x") TAIL,
     "p: \"x\" has a name that is wrong or there twice"},
    {HEAD STR("X") TAIL, "p: \"X\" has a name that is wrong or there twice"},
    {HEAD STR("g.x") TAIL, "p: \"g.x\" stands in no group that came before it"},
    {HEAD STR("g") "," STR("g.x") TAIL,
     "p: \"g.x\" stands in no group that came before it"},
    {HEAD FIELD("x", "\"type\":\"blob\"") TAIL,
     "p: \"x\" has no type that is known"},
    {HEAD "{\"name\":\"x\",\"type\":\"str\",\"part\":\"soul\"}" TAIL,
     "p: \"x\" names no part that is known"},
    {HEAD FIELD("x", "\"type\":\"code\"") TAIL,
     "p: \"x\" needs codes exactly when its type is code"},
    {HEAD FIELD("x", "\"type\":\"str\",\"codes\":\"ab\"") TAIL,
     "p: \"x\" needs codes exactly when its type is code"},
    {HEAD FIELD("x", "\"type\":\"code\",\"codes\":\"none\"") TAIL,
     "p: \"x\" names a list of codes that is not there"},
    {HEAD FIELD("x", "\"type\":\"text\",\"max\":15001") TAIL,
     "p: \"x\" has a max that is not from 1 to the limit"},
    {HEAD FIELD("x", "\"type\":\"str\",\"list\":[2,1]") TAIL,
     "p: \"x\" has a list that is not [least, most]"},
    {HEAD FIELD("x", "\"type\":\"str\",\"required\":\"yes\"") TAIL,
     "p: \"x\" has a required that is no rule"},
    {HEAD FIELD("x", "\"type\":\"group\",\"required\":true") TAIL,
     "p: \"x\" is a group: its fields are asked, not itself"},
    {HEAD "{\"name\":\"x\",\"type\":\"str\",\"part\":\"case\"}" TAIL,
     "p: \"x\" has no English label"},
    {HEAD FIELD("x", "\"type\":\"str\",\"requierd\":true") TAIL,
     "p: \"x\" has the attribute \"requierd\", which means nothing"},
    {HEAD FIELD("x", "\"type\":\"str\",\"required\":[\"y=a\"]") TAIL,
     "p: \"x\" has the rule \"y=a\", which does not work"},
    {HEAD FIELD("y", "\"type\":\"code\",\"codes\":\"ab\"") "," FIELD(
         "x", "\"type\":\"str\",\"required\":[\"y=c\"]") TAIL,
     "p: \"x\" has the rule \"y=c\", which does not work"},
    {HEAD FIELD("y", "\"type\":\"code\",\"codes\":\"ab\"") "," FIELD(
         "x", "\"type\":\"str\",\"required\":[\"y=a\"]") TAIL,
     NULL},
    {HEAD FIELD("x", "\"type\":\"date\",\"not_before\":\"y\"") TAIL,
     "p: \"x\" has the rule \"not_before\", which does not work"},
    {HEAD FIELD("x", "\"type\":\"group\",\"one_of\":[\"y\"]") TAIL,
     "p: \"x\" has the rule \"one_of\", which does not work"},
    {HEAD FIELD("g", "\"type\":\"group\",\"list\":[1,2]") "," STR("g[].reason")
         TAIL,
     "p: \"g[].reason\" would look like a reason in its list"},
    {HEAD FIELD(
         "g",
         "\"type\":\"group\",\"list\":[1,2]") ","
                                              "{\"name\":\"g[].x\",\"type\":"
                                              "\"str\",\"part\":\"needs\","
                                              "\"labels\":{\"en\":\"x\"}}" TAIL,
     "p: \"g[].x\" is in another part than its list"},
    {HEAD STR("x") "],\"wishes\":{}}", "p: \"wishes\" is no table that is "
                                       "known"},
};

static void
a_profile_that_makes_no_sense_is_refused_with_the_place(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(wrong); i++) {
        struct profile *p = NULL;
        struct problem pb = {0};
        enum err rc =
            profile_parse(&p, wrong[i].json, strlen(wrong[i].json), NULL, &pb);

        assert_string_equal(pb.why, wrong[i].why != NULL ? wrong[i].why : "");
        assert_int_equal(rc, wrong[i].why != NULL ? ERR_MALFORMED : ERR_OK);
        profile_free(p);
    }
}

static void
a_profile_that_is_not_there_names_those_that_are(void **state)
{
    struct profile *p = NULL;
    struct problem pb = {0};

    (void)state;
    assert_int_equal(profile_load(&p, "atlantis", &pb), ERR_NOTFOUND);
    assert_null(p);
    assert_non_null(strstr(pb.why, "it is called \"atlantis\"; there are: "));
    assert_non_null(strstr(pb.why, "core"));
}

/* ---- overlays ---- */

#define OVER "{\"id\":\"over\",\"version\":3,\"extends\":\"core\","
#define CHANGE(name, rest) OVER "\"fields\":[{\"name\":\"" name "\"," rest "}]}"
#define LOOSE(where, what)                                                     \
    "over: \"" where "\" would loosen a rule of the profile below: " what

static const struct {
    const char *json;
    const char *why; /* NULL: fine */
} overlays[] = {
    {CHANGE("id.dob", "\"required\":true"), NULL},
    {CHANGE("id.dob", "\"required\":[\"age.class_now=child\"]"), NULL},
    {CHANGE("id.given", "\"required\":true"), NULL},
    {CHANGE("id.given", "\"required\":[\"age.class_now=adult\"]"), NULL},
    {CHANGE("id.given", "\"max\":40"), NULL},
    {CHANGE("id.given", "\"labels\":{\"de\":\"Vorname\"}"), NULL},
    {CHANGE("episode", "\"list\":[1,5]"), NULL},
    {CHANGE("id.hat_size", "\"type\":\"int\",\"part\":\"identity\","
                           "\"labels\":{\"en\":\"Hat size\"}"),
     NULL},
    {OVER "\"codes\":{\"gender\":{\"female\":{},\"male\":{}}}}", NULL},
    {OVER "\"codes\":{\"mode\":{\"identification\":{},\"advice\":{}}}}", NULL},
    {OVER "\"codes\":{\"hats\":{\"top\":{\"en\":\"Top hat\"}}}}", NULL},
    {OVER "\"parts\":{\"needs\":{\"withheld\":[\"referral.mode=advice\"]}}}",
     NULL},
    {OVER "\"clocks\":{\"recovery\":{\"days\":30}}}", NULL},
    {CHANGE("referrer.org", "\"required\":false"),
     LOOSE("referrer.org", "it is required there")},
    {CHANGE("referrer.org", "\"required\":[\"age.class_now=adult\"]"),
     LOOSE("referrer.org", "it is required there")},
    {CHANGE("id.given", "\"required\":false"),
     LOOSE("id.given", "it is required there")},
    {CHANGE("id.given", "\"max\":400"), LOOSE("id.given", "max is greater")},
    {CHANGE("id.given", "\"part\":\"case\""), LOOSE("id.given", "part")},
    {CHANGE("id.given", "\"type\":\"text\""), LOOSE("id.given", "type")},
    {CHANGE("id.given", "\"reason\":false"), LOOSE("id.given", "reason")},
    {CHANGE("referral.mode", "\"reason\":true"),
     LOOSE("referral.mode", "reason")},
    {CHANGE("episode", "\"list\":[1,50]"), LOOSE("episode", "list is wider")},
    {CHANGE("episode", "\"one_of\":[\"start\"]"), LOOSE("episode", "one_of")},
    {CHANGE("id.gender", "\"codes\":\"mode\""),
     LOOSE("id.gender", "its codes are not among those below")},
    {OVER "\"codes\":{\"gender\":{\"female\":{},\"robot\":{}}}}",
     LOOSE("gender", "it has codes that are not in the list there")},
    {OVER "\"reasons\":{\"lazy\":{}}}",
     LOOSE("reasons", "that table is the same for all")},
    {CHANGE("id.given", "\"wishes\":true"),
     "over: \"id.given\" has an attribute that means nothing"},
    {"{\"id\":\"over\",\"version\":1,\"extends\":\"other\"}",
     "over: \"extends\" does not name the profile below"},
};

static void
an_overlay_may_tighten_and_never_loosen(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(overlays); i++) {
        struct profile *p = NULL;
        struct problem pb = {0};
        enum err rc = profile_parse(&p, overlays[i].json,
                                    strlen(overlays[i].json), core, &pb);

        assert_string_equal(pb.why,
                            overlays[i].why != NULL ? overlays[i].why : "");
        assert_int_equal(rc == ERR_OK, overlays[i].why == NULL);
        profile_free(p);
    }
}

static struct profile *
overlay(const char *json)
{
    struct profile *p = NULL;
    struct problem pb = {0};

    assert_int_equal(profile_parse(&p, json, strlen(json), core, &pb), ERR_OK);
    return p;
}

static void
an_overlay_keeps_everything_below_it(void **state)
{
    struct profile *p = overlay(CHANGE("id.given", "\"max\":40"));

    (void)state;
    assert_string_equal(profile_id(p), "over");
    assert_int_equal(profile_version(p), 3);
    assert_int_equal(profile_count(p), profile_count(core));
    assert_int_equal(profile_field(p, "id.given")->max, 40);
    assert_int_equal(profile_field(core, "id.given")->max, 120);
    assert_string_equal(profile_label(profile_field(p, "id.given"), "fr"),
                        "Prénom");
    profile_free(p);
}

static void
overlays_stand_on_overlays(void **state)
{
    static const char upper[] =
        "{\"id\":\"top\",\"version\":1,\"extends\":\"over\",\"fields\":"
        "[{\"name\":\"id.given\",\"max\":50}]}";
    struct profile *p = overlay(CHANGE("id.given", "\"max\":40"));
    struct profile *q = NULL;
    struct problem pb = {0};

    (void)state;
    assert_int_equal(profile_parse(&q, upper, strlen(upper), p, &pb),
                     ERR_REFUSED);
    assert_string_equal(pb.why, "top: \"id.given\" would loosen a rule of the "
                                "profile below: max is greater");
    profile_free(p);
}

static void
no_memory_is_said_and_nothing_leaks(void **state)
{
    static const char over[] = CHANGE("id.given", "\"max\":40");
    unsigned long tries = 0;

    (void)state;
    for (unsigned long n = 0;; n += 1 + n / 40) {
        struct profile *p = NULL;
        struct profile *base = NULL;
        struct problem pb = {0};
        enum err rc;

        fail_alloc_at(n);
        rc = profile_load(&base, "core", &pb);
        if (rc == ERR_OK)
            rc = profile_parse(&p, over, strlen(over), base, &pb);
        profile_free(p);
        profile_free(base);
        if (!fail_alloc_off())
            break;
        assert_int_not_equal(rc, ERR_OK);
        tries++;
    }
    assert_true(tries > 100);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(core_speaks_five_languages),
        cmocka_unit_test(fields_are_found_by_name_with_and_without_numbers),
        cmocka_unit_test(every_part_has_its_name),
        cmocka_unit_test(conditions_mean_what_they_say),
        cmocka_unit_test(
            a_profile_that_makes_no_sense_is_refused_with_the_place),
        cmocka_unit_test(a_profile_that_is_not_there_names_those_that_are),
        cmocka_unit_test(an_overlay_may_tighten_and_never_loosen),
        cmocka_unit_test(an_overlay_keeps_everything_below_it),
        cmocka_unit_test(overlays_stand_on_overlays),
        cmocka_unit_test(no_memory_is_said_and_nothing_leaks),
    };

    return cmocka_run_group_tests(tests, load_core, free_core);
}
