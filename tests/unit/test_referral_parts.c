#define _GNU_SOURCE
#include "client/referral.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/os.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const char canary[] = "The lamp above the third door was always green.";
static const char *const samples[] = {"adult-consents", "child",
                                      "notification-only", "support-request",
                                      "duty-to-notify"};
static const struct referral_to hub = {"Northgate Hub", "First contact", NULL,
                                       NULL};

struct sample {
    struct profile *p;
    json_t *doc;
};

static struct sample
load(const char *name)
{
    struct sample s = {0};
    struct problem pb = {0};
    struct buf b = {0};
    char path[128];

    snprintf(path, sizeof(path), "tests/samples/%s.json", name);
    assert_int_equal(os_read_file(path, JSON_FILE_MAX, &b), ERR_OK);
    assert_int_equal(referral_read(b.data, b.len, path, &s.doc, &s.p, &pb),
                     ERR_OK);
    buf_clear(&b);
    return s;
}

static struct sample
parse(const char *json)
{
    struct sample s = {0};
    struct problem pb = {0};

    assert_int_equal(
        referral_read(json, strlen(json), "test", &s.doc, &s.p, &pb), ERR_OK);
    return s;
}

static void
unload(struct sample *s)
{
    json_decref(s->doc);
    profile_free(s->p);
}

static bool
has(const struct buf *b, const char *text)
{
    return b->len > 0 && memmem(b->data, b->len, text, strlen(text)) != NULL;
}

static void
expect_text(const struct buf *b, const char *text)
{
    assert_int_equal(b->len, strlen(text));
    assert_memory_equal(b->data, text, b->len);
}

/* ---- cutting and joining ---- */

static void
what_is_cut_joins_to_the_same_and_cuts_to_the_same_bytes(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(samples); i++) {
        struct sample s = load(samples[i]);
        struct referral_parts once = {0};
        struct referral_parts again = {0};
        struct problem pb = {0};
        json_t *joined = NULL;

        assert_int_equal(referral_split(s.p, s.doc, PARTS_ALL, &once), ERR_OK);
        assert_int_equal(referral_join(&once, &joined, &pb), ERR_OK);
        assert_true(json_equal(joined, s.doc));
        assert_int_equal(referral_split(s.p, joined, PARTS_ALL, &again),
                         ERR_OK);
        assert_int_equal(once.here, again.here);
        for (size_t n = 0; n < PART_COUNT; n++) {
            assert_int_equal(once.bytes[n].len, again.bytes[n].len);
            if (once.bytes[n].len > 0)
                assert_memory_equal(once.bytes[n].data, again.bytes[n].data,
                                    once.bytes[n].len);
        }
        json_decref(joined);
        referral_parts_clear(&once);
        referral_parts_clear(&again);
        unload(&s);
    }
}

static void
each_part_holds_its_own_fields_in_the_profiles_order(void **state)
{
    struct sample s =
        parse("{\"id\":{\"family\":\"B\",\"given\":\"A\"},"
              "\"asylum\":{\"status\":\"none\"},"
              "\"need\":[{\"note\":\"n\",\"category\":\"material\"}],"
              "\"justice\":{\"cooperation\":{\"reason\":\"not_asked\"}},"
              "\"contact\":{\"channels\":{\"reason\":\"declined\"}},"
              "\"age\":{\"class_now\":\"adult\"},\"closure\":{},"
              "\"survivor_comment\":\"c\",\"privileged\":{\"text\":\"p\"},"
              "\"type\":\"referral\",\"indicators\":[],\"episode\":null}");
    static const char *const expected[PART_COUNT] = {
        "{\"type\":\"referral\"}",
        "{\"id\":{\"given\":\"A\",\"family\":\"B\"}}",
        "{\"contact\":{\"channels\":{\"reason\":\"declined\"}}}",
        "{\"age\":{\"class_now\":\"adult\"},\"indicators\":[]}",
        "{\"need\":[{\"category\":\"material\",\"note\":\"n\"}]}",
        "{\"asylum\":{\"status\":\"none\"}}",
        "{\"justice\":{\"cooperation\":{\"reason\":\"not_asked\"}}}",
        "{\"survivor_comment\":\"c\"}",
        "{\"privileged\":{\"text\":\"p\"}}",
    };
    struct referral_parts parts = {0};

    (void)state;
    assert_int_equal(referral_split(s.p, s.doc, PARTS_ALL, &parts), ERR_OK);
    assert_int_equal(parts.here, PARTS_ALL);
    for (size_t n = 0; n < PART_COUNT; n++)
        expect_text(&parts.bytes[n], expected[n]);
    referral_parts_clear(&parts);
    assert_int_equal(referral_split(s.p, s.doc, PART_BIT(PART_NEEDS), &parts),
                     ERR_OK);
    assert_int_equal(parts.here, PART_BIT(PART_META) | PART_BIT(PART_NEEDS));
    assert_int_equal(parts.bytes[PART_IDENTITY].len, 0);
    referral_parts_clear(&parts);
    unload(&s);
}

static void
an_empty_referral_still_has_its_cover(void **state)
{
    struct sample s = parse("{}");
    struct referral_parts parts = {0};

    (void)state;
    assert_int_equal(referral_split(s.p, s.doc, PARTS_ALL, &parts), ERR_OK);
    assert_int_equal(parts.here, PART_BIT(PART_META));
    expect_text(&parts.bytes[PART_META], "{}");
    referral_parts_clear(&parts);
    unload(&s);
}

static void
a_file_is_described_in_the_part_it_belongs_to(void **state)
{
    struct sample s =
        parse("{\"attach\":[{\"file\":\"a\",\"part\":\"privileged\"},"
              "{\"file\":\"b\"},{\"part\":\"justice\",\"file\":\"c\"},"
              "{\"file\":\"d\",\"part\":\"privileged\"}]}");
    struct referral_parts parts = {0};
    struct problem pb = {0};
    json_t *joined = NULL;

    (void)state;
    assert_int_equal(referral_split(s.p, s.doc, PARTS_ALL, &parts), ERR_OK);
    expect_text(&parts.bytes[PART_JUSTICE],
                "{\"attach\":[{\"file\":\"c\",\"part\":\"justice\"}]}");
    expect_text(&parts.bytes[PART_ACCOUNT], "{\"attach\":[{\"file\":\"b\"}]}");
    expect_text(&parts.bytes[PART_PRIVILEGED],
                "{\"attach\":[{\"file\":\"a\",\"part\":\"privileged\"},"
                "{\"file\":\"d\",\"part\":\"privileged\"}]}");
    assert_int_equal(referral_join(&parts, &joined, &pb), ERR_OK);
    assert_int_equal(json_array_size(json_object_get(joined, "attach")), 4);
    json_decref(joined);
    referral_parts_clear(&parts);
    unload(&s);
}

static void
fields_of_an_unknown_overlay_are_kept_beside_their_neighbours(void **state)
{
    struct sample s = parse(
        "{\"profile\":\"be\",\"id\":{\"z\":1,\"rrn\":\"x\",\"given\":\"A\"},"
        "\"centre\":{\"b\":[{\"d\":1,\"c\":2}],\"a\":null},"
        "\"justice\":{\"tribunal\":\"y\"}}");
    struct referral_parts parts = {0};

    (void)state;
    assert_string_equal(profile_id(s.p), "core");
    assert_int_equal(referral_split(s.p, s.doc, PARTS_ALL, &parts), ERR_OK);
    expect_text(&parts.bytes[PART_IDENTITY],
                "{\"id\":{\"given\":\"A\",\"rrn\":\"x\",\"z\":1},"
                "\"centre\":{\"a\":null,\"b\":[{\"c\":2,\"d\":1}]}}");
    expect_text(&parts.bytes[PART_JUSTICE],
                "{\"justice\":{\"tribunal\":\"y\"}}");
    referral_parts_clear(&parts);
    unload(&s);
}

static const struct {
    const char *identity;
    const char *contact;
    const char *why;
} ill_joined[] = {
    {"{\"id\":1", "{}", NULL},
    {"[]", "{}", "its part identity does not agree with the others"},
    {"{\"id\":1}", "{\"id\":2}",
     "its part contact does not agree with the others"},
    {"{\"id\":{\"given\":\"A\"}}", "{\"id\":{\"given\":\"B\"}}",
     "its part contact does not agree with the others"},
};

static void
parts_that_disagree_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(ill_joined); i++) {
        struct referral_parts parts = {0};
        struct problem pb = {0};
        json_t *joined = NULL;

        buf_str(&parts.bytes[PART_IDENTITY], ill_joined[i].identity);
        buf_str(&parts.bytes[PART_CONTACT], ill_joined[i].contact);
        parts.here = PART_BIT(PART_IDENTITY) | PART_BIT(PART_CONTACT);
        assert_int_equal(referral_join(&parts, &joined, &pb), ERR_MALFORMED);
        assert_null(joined);
        assert_int_equal(pb.id, P_JSON);
        if (ill_joined[i].why != NULL)
            assert_string_equal(pb.why, ill_joined[i].why);
        referral_parts_clear(&parts);
    }
}

/* ---- who may have what ---- */

static void
the_story_is_in_the_account_and_nowhere_else(void **state)
{
    struct sample s = load("adult-consents");
    struct referral_parts parts = {0};
    struct problem pb = {0};
    unsigned allowed = 0;

    (void)state;
    assert_int_equal(referral_allowed(s.p, s.doc, &hub, &allowed, &pb), ERR_OK);
    assert_int_equal(allowed, PARTS_ALL & ~PART_BIT(PART_PRIVILEGED));
    assert_int_equal(referral_split(s.p, s.doc, allowed, &parts), ERR_OK);
    for (unsigned n = 0; n < PART_COUNT; n++)
        assert_int_equal(has(&parts.bytes[n], canary), n == PART_ACCOUNT);
    assert_true(has(&parts.bytes[PART_IDENTITY], "Amal"));
    assert_false(has(&parts.bytes[PART_META], "Amal"));
    referral_parts_clear(&parts);
    unload(&s);
}

static const struct {
    const char *json;
    const char *agency;
    unsigned parts; /* 0: refused */
} allowances[] = {
    {"{\"consent\":{\"recipients\":[{\"to\":\"Northgate Hub\"}]}}",
     "Northgate Hub", PARTS_ALL & ~PART_BIT(PART_PRIVILEGED)},
    {"{\"consent\":{\"recipients\":[{\"to\":\"Northgate Hub/First contact\","
     "\"parts\":[\"needs\"]}]}}",
     "Northgate Hub", PART_BIT(PART_NEEDS) | PART_BIT(PART_META)},
    {"{\"consent\":{\"recipients\":[{\"to\":\"Northgate Hub/Other desk\"}]}}",
     "Northgate Hub", 0},
    {"{\"consent\":{\"recipients\":[{\"to\":\"northgate hub\"}]}}",
     "Northgate Hub", 0},
    {"{\"consent\":{\"recipients\":[{\"to\":\"a0a0\",\"parts\":[\"case\"]},"
     "{\"to\":\"b1b1\",\"parts\":[\"privileged\"]}]}}",
     "Northgate Hub",
     PART_BIT(PART_CASE) | PART_BIT(PART_PRIVILEGED) | PART_BIT(PART_META)},
    {"{\"consent\":{\"recipients\":{\"reason\":\"not_asked\"}}}",
     "Northgate Hub", 0},
    {"{}", "Northgate Hub", 0},
    {"{\"meta\":{\"legal_basis\":\"consent\"}}", "Northgate Hub", 0},
    {"{\"meta\":{\"legal_basis\":\"vital_interests\"}}", "Northgate Hub",
     PARTS_ALL & ~PART_BIT(PART_PRIVILEGED)},
    {"{\"meta\":{\"legal_basis\":\"vital_interests\"},\"referral\":{\"mode\":"
     "\"notification_only\"}}",
     "Northgate Hub",
     PARTS_ALL & ~PART_BIT(PART_PRIVILEGED) & ~PART_BIT(PART_IDENTITY) &
         ~PART_BIT(PART_CONTACT)},
    {"{\"meta\":{\"legal_basis\":\"child\"},\"referral\":{\"mode\":"
     "\"notification_only\"},\"age\":{\"class_now\":\"child\"}}",
     "Northgate Hub", PARTS_ALL & ~PART_BIT(PART_PRIVILEGED)},
    {"{\"meta\":{\"legal_basis\":\"duty_s52\"},\"referral\":{\"mode\":"
     "\"notification_only\"},\"justice\":{\"cooperation\":\"yes\"}}",
     "Northgate Hub", PARTS_ALL & ~PART_BIT(PART_PRIVILEGED)},
    {"{\"consent\":{\"recipients\":[{\"to\":\"Northgate Hub\"}]},"
     "\"referral\":{\"mode\":\"advice\"}}",
     "Northgate Hub",
     PARTS_ALL & ~PART_BIT(PART_PRIVILEGED) & ~PART_BIT(PART_IDENTITY) &
         ~PART_BIT(PART_CONTACT)},
};

static void
only_what_was_agreed_or_has_a_legal_basis_may_go(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(allowances); i++) {
        struct sample s = parse(allowances[i].json);
        struct referral_to to = {allowances[i].agency, "First contact", "a0a0",
                                 "b1b1"};
        struct problem pb = {0};
        unsigned parts = 0;
        enum err rc = referral_allowed(s.p, s.doc, &to, &parts, &pb);

        assert_int_equal(rc, allowances[i].parts == 0 ? ERR_REFUSED : ERR_OK);
        assert_int_equal(parts, allowances[i].parts);
        assert_int_equal(pb.id, allowances[i].parts == 0 ? P_POLICY : P_NONE);
        unload(&s);
    }
}

static void
overriding_opens_neither_privilege_nor_what_the_mode_holds_back(void **state)
{
    struct sample s = parse("{\"referral\":{\"mode\":\"notification_only\"}}");

    (void)state;
    assert_int_equal(referral_allowed_overriding(s.p, s.doc),
                     PARTS_ALL & ~PART_BIT(PART_PRIVILEGED) &
                         ~PART_BIT(PART_IDENTITY) & ~PART_BIT(PART_CONTACT));
    unload(&s);
}

static void
a_file_never_goes_where_its_part_does_not(void **state)
{
    static const char *const names[] = {"map.png", "advice.pdf"};
    struct sample s = parse("{\"attach\":[{\"file\":\"advice.pdf\",\"part\":"
                            "\"privileged\"}]}");
    const unsigned usual = PARTS_ALL & ~PART_BIT(PART_PRIVILEGED);
    struct problem pb = {0};

    (void)state;
    assert_int_equal(referral_files_allowed(s.doc, names, 1, usual, &pb),
                     ERR_OK);
    assert_int_equal(referral_files_allowed(s.doc, names, 2, PARTS_ALL, &pb),
                     ERR_OK);
    assert_int_equal(referral_files_allowed(s.doc, names, 2, usual, &pb),
                     ERR_REFUSED);
    assert_int_equal(pb.id, P_POLICY);
    assert_string_equal(pb.why, "\"advice.pdf\" belongs to the part "
                                "privileged, which this recipient does not "
                                "get");
    unload(&s);
}

static void
a_file_keeps_its_part_whatever_form_its_name_has(void **state)
{
    struct sample s = parse("{\"attach\":[{\"file\":\"a_b.pdf\",\"part\":"
                            "\"privileged\"},{\"file\":\"\xc3\xa9.pdf\","
                            "\"part\":\"justice\"},{\"file\":"
                            "\"e\xcc\x81.pdf.txt\",\"part\":\"asylum\"},"
                            "{\"file\":\"\xc3\xa9.pdf.txt\"},"
                            "{\"part\":\"case\"}]}");

    (void)state;
    assert_int_equal(referral_file_part(s.doc, "\xc3\xa9.pdf.txt"),
                     PART_ACCOUNT);
    assert_int_equal(referral_file_part(s.doc, "a:b.pdf"), PART_PRIVILEGED);
    assert_int_equal(referral_file_part(s.doc, "e\xcc\x81.pdf"), PART_JUSTICE);
    assert_int_equal(referral_file_part(s.doc, "file"), PART_ACCOUNT);
    assert_int_equal(referral_file_part(s.doc, "\xff"), PART_ACCOUNT);
    unload(&s);
}

/* ---- for people ---- */

static void
the_subject_says_what_it_is_and_no_name(void **state)
{
    static const char *const subjects[COUNT(samples)] = {
        "Referral - Identification - Urgent, 24 hours - Adult",
        "Referral - Identification - Routine - Child",
        "Referral - Notification only - Routine - Adult",
        "Support request - Support only - Urgent, 24 hours - Adult",
        "Duty to notify - Notification only - Routine - Adult",
    };
    struct sample odd = parse("{\"type\":\"Amal \\u001b[2J\",\"referral\":"
                              "{\"mode\":\"Amal\",\"urgency\":[1]}}");
    struct buf b = {0};

    (void)state;
    for (size_t i = 0; i < COUNT(samples); i++) {
        struct sample s = load(samples[i]);

        assert_int_equal(referral_subject(s.p, s.doc, NULL, &b), ERR_OK);
        expect_text(&b, subjects[i]);
        buf_reset(&b);
        unload(&s);
    }
    assert_int_equal(referral_subject(odd.p, odd.doc, "fr", &b), ERR_OK);
    expect_text(&b, "");
    buf_clear(&b);
    unload(&odd);
}

static void
reading_is_grouped_labelled_and_wrapped(void **state)
{
    struct sample s = parse(
        "{\"id\":{\"given\":\"Amal\",\"dob\":{\"date\":\"1991\",\"approx\":"
        "true},\"nationality\":[\"SD\",\"stateless\"]},\"account\":{\"text\":"
        "\"One two three four five six seven eight nine ten.\\nEleven.\"},"
        "\"episode\":[{\"type\":\"sexual\",\"act\":[\"transport\",\"receipt\"]"
        "}],\"justice\":{\"cooperation\":{\"reason\":\"declined\",\"note\":"
        "\"Later\"}}}");
    struct referral_view view = {NULL, 40, PARTS_ALL, 0};
    struct buf b = {0};

    (void)state;
    assert_int_equal(referral_render(s.p, s.doc, &view, &b), ERR_OK);
    expect_text(&b, "== Identity ==\n"
                    "  Identity\n"
                    "    Given name: Amal\n"
                    "    Date of birth: about 1991\n"
                    "    Nationality: Sudan (SD), stateless\n"
                    "\n"
                    "== Case ==\n"
                    "  What happened: episodes (1/1)\n"
                    "    Kind of exploitation: Sexual\n"
                    "    exploitation\n"
                    "    Act: Transport, Receipt\n"
                    "\n"
                    "== Police and courts ==\n"
                    "  Police and courts\n"
                    "    Wishes to cooperate with\n"
                    "    authorities: (Declined to say) Later\n"
                    "\n"
                    "== Account ==\n"
                    "  The account\n"
                    "    What the person told:\n"
                    "      One two three four five six seven\n"
                    "      eight nine ten.\n"
                    "      Eleven.\n"
                    "\n");
    buf_reset(&b);
    view.lang = "cy";
    view.width = 80;
    view.only = PART_BIT(PART_JUSTICE);
    assert_int_equal(referral_render(s.p, s.doc, &view, &b), ERR_OK);
    assert_true(has(&b, "Gwrthododd ddweud"));
    assert_false(has(&b, "Amal"));
    buf_clear(&b);
    unload(&s);
}

static void
withheld_parts_are_said_to_be(void **state)
{
    struct sample s = parse("{\"age\":{\"class_now\":\"adult\"}}");
    struct referral_view view = {NULL, 80, PARTS_ALL, 0};
    struct buf b = {0};

    (void)state;
    view.here &= ~PART_BIT(PART_IDENTITY);
    assert_int_equal(referral_render(s.p, s.doc, &view, &b), ERR_OK);
    assert_true(has(&b, "== Identity == not in this copy\n"));
    assert_false(has(&b, "Contact"));
    buf_clear(&b);
    unload(&s);
}

static void
nothing_in_a_referral_is_obeyed_by_a_terminal(void **state)
{
    struct sample s = parse(
        "{\"id\":{\"given\":\"A\\u001b]0;x\\u0007\",\"dob\":\"\\u001b[2J\","
        "\"gender\":\"\\u009b1m\",\"nationality\":[[\"\\u001b\"],\"\\u001b\"],"
        "\"\\u001bkey\":\"\\u001b\",\"refs\":\"\\u001b\"},\"age\":\"\\u001b\","
        "\"account\":{\"text\":\"a\\r\\u001b[31m\\nb\\u202ec\"},"
        "\"need\":[\"\\u001b\"],\"\\u001b[1m\":{\"\\u001b\":1}}");
    struct referral_view view = {NULL, 60, PARTS_ALL, 0};
    struct buf b = {0};

    (void)state;
    assert_int_equal(referral_render(s.p, s.doc, &view, &b), ERR_OK);
    for (size_t i = 0; i < b.len; i++)
        assert_true(b.data[i] >= 0x20 || b.data[i] == '\n');
    assert_false(has(&b, "\xc2\x9b"));
    assert_false(has(&b, "\xe2\x80\xae"));
    assert_true(has(&b, "\\u{1b}[31m"));
    buf_clear(&b);
    unload(&s);
}

static void
the_summary_tells_what_leaves_and_what_stays(void **state)
{
    static const char *const files[] = {"plan\x1b.pdf"};
    static const uint64_t sizes[] = {1234};
    struct sample s = parse("{\"id\":{\"given\":\"Amal\"},\"age\":"
                            "{\"class_now\":\"adult\"},\"privileged\":"
                            "{\"text\":\"p\"}}");
    struct referral_parts parts = {0};
    struct referral_leaving leaving = {&parts, &hub, 1, files, sizes, 1};
    struct buf b = {0};
    json_t *o;

    (void)state;
    assert_int_equal(referral_split(s.p, s.doc, PART_BIT(PART_CASE), &parts),
                     ERR_OK);
    assert_int_equal(referral_summary(s.p, s.doc, &leaving, &b), ERR_OK);
    expect_text(&b, "What leaves this machine, sealed:\n"
                    "  to        Northgate Hub/First contact\n"
                    "  part      meta, 2 bytes\n"
                    "  part      case, 29 bytes\n"
                    "  file      plan\\u{1b}.pdf, 1234 bytes, with the part "
                    "account\n"
                    "  stays     identity, privileged\n");
    buf_reset(&b);
    o = referral_summary_json(s.p, s.doc, &leaving);
    assert_int_equal(json_write(&b, o, 0), ERR_OK);
    expect_text(&b, "{\"to\":[{\"agency\":\"Northgate Hub\",\"label\":\"First "
                    "contact\"}],\"parts\":[{\"part\":\"meta\",\"bytes\":2},"
                    "{\"part\":\"case\",\"bytes\":29}],\"stays\":["
                    "\"identity\",\"privileged\"],\"files\":[{\"name\":\"plan"
                    "\\u001B.pdf\",\"size\":1234,\"part\":\"account\"}]}");
    json_decref(o);
    buf_clear(&b);
    referral_parts_clear(&parts);
    unload(&s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            what_is_cut_joins_to_the_same_and_cuts_to_the_same_bytes),
        cmocka_unit_test(each_part_holds_its_own_fields_in_the_profiles_order),
        cmocka_unit_test(an_empty_referral_still_has_its_cover),
        cmocka_unit_test(a_file_is_described_in_the_part_it_belongs_to),
        cmocka_unit_test(
            fields_of_an_unknown_overlay_are_kept_beside_their_neighbours),
        cmocka_unit_test(parts_that_disagree_are_refused),
        cmocka_unit_test(the_story_is_in_the_account_and_nowhere_else),
        cmocka_unit_test(only_what_was_agreed_or_has_a_legal_basis_may_go),
        cmocka_unit_test(
            overriding_opens_neither_privilege_nor_what_the_mode_holds_back),
        cmocka_unit_test(a_file_never_goes_where_its_part_does_not),
        cmocka_unit_test(a_file_keeps_its_part_whatever_form_its_name_has),
        cmocka_unit_test(the_subject_says_what_it_is_and_no_name),
        cmocka_unit_test(reading_is_grouped_labelled_and_wrapped),
        cmocka_unit_test(withheld_parts_are_said_to_be),
        cmocka_unit_test(nothing_in_a_referral_is_obeyed_by_a_terminal),
        cmocka_unit_test(the_summary_tells_what_leaves_and_what_stays),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
