#include "client/referral.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "client/referral_edit.h"
#include "common/os.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const uint64_t now_ms = 1779235200000u; /* 2026-05-20 */

static const char *const samples[] = {"adult-consents", "child",
                                      "notification-only", "support-request",
                                      "duty-to-notify"};

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

static void
unload(struct sample *s)
{
    json_decref(s->doc);
    profile_free(s->p);
}

/* All findings, one a line, warnings with "warning: " before them. */
static char *
findings_of(const struct sample *s)
{
    struct findings f = {0};
    struct buf b = {0};
    char *text;

    assert_int_equal(referral_check(s->p, s->doc, now_ms, &f), ERR_OK);
    for (size_t i = 0; i < f.count; i++) {
        buf_str(&b, i == 0 ? "" : "\n");
        if (f.items[i].severity == FINDING_WARNING)
            buf_str(&b, "warning: ");
        finding_say(&f.items[i], &b);
    }
    findings_clear(&f);
    buf_u8(&b, 0);
    assert_int_equal(buf_status(&b), ERR_OK);
    text = strdup((const char *)b.data);
    buf_clear(&b);
    return text;
}

/* Puts JSON text at PATH, whatever stands there; "" removes it. */
static void
put(json_t *doc, const char *path, const char *json)
{
    char parent[128];
    const char *dot = strrchr(path, '.');
    const char *key = dot != NULL ? dot + 1 : path;
    char word[64];
    json_t *obj;

    snprintf(parent, sizeof(parent), "%.*s",
             dot != NULL ? (int)(dot - path) : 0, path);
    obj = edit_get(doc, parent);
    assert_non_null(obj);
    snprintf(word, sizeof(word), "%s", key);
    word[strcspn(word, "[")] = '\0';
    if (*json == '\0') {
        assert_int_equal(json_object_del(obj, word), 0);
        return;
    }
    if (strchr(key, '[') == NULL)
        assert_int_equal(
            json_object_set_new(obj, word,
                                json_loads(json, JSON_DECODE_ANY, NULL)),
            0);
    else
        assert_int_equal(
            json_array_set_new(json_object_get(obj, word),
                               strtoul(strchr(key, '[') + 1, NULL, 10) - 1,
                               json_loads(json, JSON_DECODE_ANY, NULL)),
            0);
}

static void
every_sample_is_without_a_finding(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(samples); i++) {
        struct sample s = load(samples[i]);
        char *found = findings_of(&s);

        assert_string_equal(found, "");
        free(found);
        unload(&s);
    }
}

/* ---- one thing wrong, one message ---- */

static const struct {
    const char *path;
    const char *json; /* put there in adult-consents */
    const char *said;
} one_wrong[] = {
    {"episode[2].from", "\"2026-13\"",
     "episode[2].from: \"2026-13\" is not a date; write YYYY, YYYY-MM or "
     "YYYY-MM-DD"},
    {"episode[2].from", "\"2025-02-29\"",
     "episode[2].from: \"2025-02-29\" is not a date; write YYYY, YYYY-MM or "
     "YYYY-MM-DD"},
    {"episode[2].from", "{\"date\":\"2025\",\"about\":true}",
     "episode[2].from: \"2025\" is not a date; write YYYY, YYYY-MM or "
     "YYYY-MM-DD"},
    {"episode[2].from", "2025",
     "episode[2].from: is a number; write YYYY, YYYY-MM or YYYY-MM-DD"},
    {"episode[2].to", "\"2024\"",
     "episode[2].to: is before \"from\"; one of the two is wrong"},
    {"episode[2].to", "",
     "episode[2].to: is missing; write YYYY, YYYY-MM or YYYY-MM-DD, or "
     "{\"reason\": \"not_asked\"}"},
    {"episode", "[]",
     "episode: is missing; write a list with at least 1, or {\"reason\": "
     "\"not_asked\"}"},
    {"episode", "\"long\"", "episode: is a text; write a list, [...]"},
    {"episode[1]", "7", "episode[1]: is a number; write an object, {...}"},
    {"id", "[1]", "id: is a list; write an object, {...}"},
    {"id.givn", "\"Amal\"",
     "id.givn: is no field of the profile core; did you mean \"id.given\"?"},
    {"episode[1].places[2].coutnry", "\"EG\"",
     "episode[1].places[2].coutnry: is no field of the profile core; did you "
     "mean \"episode[].places[].country\"?"},
    {"horoscope", "\"lion\"",
     "horoscope: is no field of the profile core; `sealpost check --fields` "
     "lists them"},
    {"id.gender", "\"femal\"",
     "id.gender: \"femal\" is not allowed here; did you mean \"female\"?  use "
     "one of: female, male, other, unknown"},
    {"age.evidence", "[\"declared\",\"guess\"]",
     "age.evidence: \"guess\" is not allowed here; use one of: none, document, "
     "declared, assessed, disputed"},
    {"age.evidence", "[\"declared\",\"declared\"]",
     "age.evidence: \"declared\" is there twice; write a list of: none, "
     "document, declared, assessed, disputed"},
    {"risk.still_exploited", "\"perhaps\"",
     "risk.still_exploited: \"perhaps\" is not allowed here; write yes, no or "
     "not_sure"},
    {"risk.still_exploited", "true",
     "risk.still_exploited: is true or false; write yes, no or not_sure"},
    {"id.nationality", "[\"SD\",\"ZZ\"]",
     "id.nationality[2]: \"ZZ\" is no country; write a country's two letters, "
     "XX or stateless"},
    {"id.nationality", "[\"SD\",\"GB\",\"FR\",\"NL\",\"BE\",\"IE\"]",
     "id.nationality: has 6 entries; 1 to 5 are allowed"},
    {"id.children_count", "-1",
     "id.children_count: -1 is out of range; write 0 to 30"},
    {"comms.languages", "[\"Arabic\"]",
     "comms.languages[1]: \"Arabic\" is no code of a language; write a "
     "language's code (ISO 639), as en, ar or rmn"},
    {"referrer.phone", "\"01632 960123\"",
     "referrer.phone: \"01632 960123\" is no international phone number; write "
     "it with the country, as +441632960123"},
    {"referrer.email", "\"anna at example\"",
     "referrer.email: \"anna at example\" is no e-mail address; write it as "
     "name@example.org"},
    {"referral.place", "\"Wales\"",
     "referral.place: \"Wales\" is no part of a country; write country and "
     "part (ISO 3166-2), as GB-WLS"},
    {"id.given", "\"Amal\\u202egnp.exe\"",
     "id.given: \"Amal\\u{202e}gnp.exe\" has a control character, or one that "
     "hides or turns text; write one line of text"},
    {"id.given", "\"Amal\\u001b[2J\"",
     "id.given: \"Amal\\u{1b}[2J\" has a control character, or one that hides "
     "or turns text; write one line of text"},
    {"id.given", "\" Amal\"",
     "id.given: \" Amal\" starts or ends with a space; write one line of text"},
    {"id.given", "{\"reason\":\"lazy\"}",
     "id.given: has no reason that is known; write {\"reason\": ...} with "
     "not_asked declined unknown not_safe_to_ask not_applicable, and a "
     "\"note\" if you like"},
    {"age.class_now", "{\"reason\":\"unknown\"}",
     "age.class_now: needs a value, other questions depend on it; use one of: "
     "adult, child, unsure"},
    {"attach[2].file", "\"../photograph.jpg\"",
     "attach[2].file: \"../photograph.jpg\" cannot be the name of a file; "
     "write the file's name without its directory"},
    {"attach[2].file", "\"statement.pdf\"",
     "attach: describes the file \"statement.pdf\" twice"},
    {"attach[2].description", "",
     "attach[2].description: is missing; write one line of text, or "
     "{\"reason\": \"not_asked\"}"},
    {"consent.recipients", "",
     "consent.recipients: is missing; write a list with at least 1, or "
     "{\"reason\": \"not_asked\"}"},
    {"contact.channels", "{\"reason\":\"not_safe_to_ask\"}", ""},
    {"id.dob", "{\"reason\":\"declined\",\"note\":\"later\"}", ""},
    {"id.dob", "\"2031\"", "id.dob: is in the future"},
    {"profile", "\"gb-eng\"",
     "warning: profile: this program does not have the profile it names; "
     "checked by core only"},
};

static void
each_mistake_is_named_with_what_is_expected(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(one_wrong); i++) {
        struct sample s = load("adult-consents");
        char *found;

        put(s.doc, one_wrong[i].path, one_wrong[i].json);
        found = findings_of(&s);
        assert_string_equal(found, one_wrong[i].said);
        free(found);
        unload(&s);
    }
}

/* ---- consent ---- */

static const struct {
    const char *sample;
    const char *puts[4]; /* path=json */
    const char *said;    /* is among the findings */
} consent[] = {
    {"adult-consents",
     {"consent.referral=\"no\""},
     "consent.referral: an adult who does not agree is not referred; set "
     "referral.mode to notification_only, or send nothing"},
    {"adult-consents",
     {"consent.referral=\"not_sure\""},
     "consent.referral: an adult is referred only after saying yes; ask again, "
     "or set referral.mode to notification_only"},
    {"adult-consents",
     {"consent.referral={\"reason\":\"not_asked\"}"},
     "consent.referral: an adult is referred only after saying yes; ask again, "
     "or set referral.mode to notification_only"},
    {"adult-consents",
     {"consent.points.research="},
     "consent.points.research: is missing; write yes, no or not_sure, or "
     "{\"reason\": \"not_asked\"}"},
    {"adult-consents",
     {"consent.points.withdrawal=\"no\""},
     "warning: consent.points.withdrawal: explain this point before you send, "
     "then note it here"},
    {"adult-consents",
     {"consent.read_back=\"no\""},
     "warning: consent.read_back: show or read the final text to the person "
     "before you send it"},
    {"adult-consents",
     {"privileged={\"text\":\"Advice\"}"},
     "warning: privileged: stays on this machine: no recipient's parts name "
     "it"},
    {"adult-consents",
     {"privileged={\"text\":\"Advice\"}",
      "consent.recipients[1].parts=[\"case\",\"privileged\"]"},
     ""},
    {"adult-consents",
     {"meta.legal_basis=\"duty_s52\"", "meta.legal_basis_note=\"x\""},
     "meta.legal_basis: that duty is only for listed public bodies in England "
     "and Wales"},
    {"adult-consents",
     {"meta.legal_basis=\"child\"", "meta.legal_basis_note=\"x\""},
     "meta.legal_basis: age.class_now says that the person is an adult"},
    {"adult-consents",
     {"meta.legal_basis=\"vital_interests\""},
     "warning: meta.legal_basis: say in meta.legal_basis_note why it holds; it "
     "is stored and counted"},
    {"adult-consents",
     {"meta.legal_basis=\"vital_interests\"",
      "meta.legal_basis_note=\"She is in danger now.\"", "consent.recipients="},
     ""},
    {"adult-consents",
     {"id.dob=\"2010-01-01\""},
     "warning: age.class_now: says adult, but id.dob makes the person a child"},
    {"child",
     {"child.authority_told_first=\"no\""},
     "warning: child.authority_told_first: tell the local authority for "
     "children first"},
    {"child",
     {"consent.explained_to_child=\"no\""},
     "warning: consent.explained_to_child: explain it in words that fit the "
     "age"},
    {"child",
     {"child.guardian_ref="},
     "child.guardian_ref: is missing; write one line of text, or {\"reason\": "
     "\"not_asked\"}"},
    {"child", {"child.guardian_ref=", "referral.place=\"GB-SCT\""}, ""},
    {"child",
     {"id.dob=\"2008-06-20\""},
     "warning: id.dob: turns 18 on 2026-06-20: ask now whether to stay in the "
     "procedure and whether support is wanted"},
    {"child", {"id.dob=\"2008-09-20\""}, ""},
    {"child",
     {"id.dob=\"2007\""},
     "warning: age.class_now: says child, but by id.dob the person is 18 "
     "already"},
    {"child",
     {"referral.mode=\"notification_only\""},
     "warning: referral.mode: a child, or who may be one, is referred rather "
     "than notified: consent is not a condition"},
    {"notification-only",
     {"consent.referral=\"yes\""},
     "warning: referral.mode: the person agreed to be referred; a notification "
     "alone brings no decision and no support"},
    {"notification-only",
     {"type=\"duty_to_notify\""},
     "referrer.class: only a statutory body sends this type"},
    {"notification-only",
     {"justice.cooperation=\"yes\""},
     "id.given: is missing; write one line of text, or {\"reason\": "
     "\"not_asked\"}"},
    {"duty-to-notify",
     {"referral.mode=\"identification\""},
     "referral.mode: a duty to notify has the mode notification_only"},
    {"duty-to-notify",
     {"referral.place=\"GB-SCT\""},
     "meta.legal_basis: that duty is only for listed public bodies in England "
     "and Wales"},
    {"support-request",
     {"consent.support=\"no\""},
     "consent.support: support is asked for only when the person says yes"},
    {"support-request",
     {"referral.mode=\"identification\""},
     "referral.mode: a support request has the mode support_only or "
     "placement"},
    {"support-request",
     {"need=[]"},
     "need: is missing; write a list with at least 1, or {\"reason\": "
     "\"not_asked\"}"},
    {"support-request",
     {"referral.mode=\"placement\""},
     "risk.interim_safety_plan: is missing; write a text, or {\"reason\": "
     "\"not_asked\"}"},
};

static void
put_pair(json_t *doc, const char *pair)
{
    char path[128];
    const char *eq = strchr(pair, '=');

    snprintf(path, sizeof(path), "%.*s", (int)(eq - pair), pair);
    put(doc, path, eq + 1);
}

static void
the_rules_of_consent_are_kept(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(consent); i++) {
        struct sample s = load(consent[i].sample);
        char *found;

        for (size_t n = 0; n < 4 && consent[i].puts[n] != NULL; n++)
            put_pair(s.doc, consent[i].puts[n]);
        found = findings_of(&s);
        if (*consent[i].said == '\0' || strstr(found, consent[i].said) == NULL)
            assert_string_equal(found, consent[i].said);
        free(found);
        unload(&s);
    }
}

/* ---- limits ---- */

static json_t *
long_text(size_t n)
{
    /* Two bytes each: characters are counted, not bytes. */
    char *text = malloc(2 * n + 1);
    json_t *v;

    for (size_t i = 0; i < n; i++)
        memcpy(text + 2 * i, "\xc3\xa9", 2);
    text[2 * n] = '\0';
    v = json_string(text);
    free(text);
    return v;
}

static void
a_long_text_is_counted_in_characters(void **state)
{
    struct sample s = load("adult-consents");
    json_t *account = json_object_get(s.doc, "account");
    char *found;

    (void)state;
    json_object_set_new(account, "text", long_text(15000));
    found = findings_of(&s);
    assert_string_equal(found, "");
    free(found);
    json_object_set_new(account, "text", long_text(16000));
    found = findings_of(&s);
    assert_string_equal(found, "account.text: has 16000 characters; at most "
                               "15000 are allowed");
    free(found);
    unload(&s);
}

static void
a_million_mistakes_are_cut_short(void **state)
{
    struct sample s = load("child");
    struct findings f = {0};
    char key[32];

    (void)state;
    for (int i = 0; i < 100000; i++) {
        snprintf(key, sizeof(key), "unknown%d", i);
        json_object_set_new(s.doc, key, json_true());
    }
    assert_int_equal(referral_check(s.p, s.doc, 0, &f), ERR_OK);
    assert_true(findings_full(&f));
    assert_int_equal(f.count, FINDINGS_MAX);
    findings_clear(&f);
    unload(&s);
}

static void
what_is_no_referral_is_told_so(void **state)
{
    struct profile *p = NULL;
    struct problem pb = {0};
    json_t *doc = NULL;

    (void)state;
    assert_int_equal(referral_read("[1]", 3, "x.json", &doc, &p, &pb),
                     ERR_MALFORMED);
    assert_string_equal(pb.why, "x.json holds no JSON object, {...}");
    memset(&pb, 0, sizeof(pb));
    assert_int_equal(referral_read("{\"a\":}", 6, "x.json", &doc, &p, &pb),
                     ERR_MALFORMED);
    assert_non_null(strstr(pb.why, "x.json line 1 column 6"));
    assert_null(doc);
}

static void
files_and_their_descriptions_are_compared(void **state)
{
    static const char *const names[] = {"statement.pdf", "map.png"};
    struct sample s = load("adult-consents");
    struct findings f = {0};

    (void)state;
    assert_int_equal(referral_check_files(s.doc, names, 2, &f), ERR_OK);
    assert_int_equal(f.count, 2);
    assert_int_equal(f.errors, 0);
    assert_string_equal(f.items[0].text,
                        "the file \"map.png\" travels without a description; "
                        "it is taken as part of the account");
    assert_string_equal(f.items[1].text, "the file \"photograph.jpg\" is "
                                         "described but does not travel; add "
                                         "--attach");
    findings_clear(&f);
    put(s.doc, "attach[1].part", "\"justice\"");
    assert_int_equal(referral_file_part(s.doc, "statement.pdf"), PART_JUSTICE);
    assert_int_equal(referral_file_part(s.doc, "map.png"), PART_ACCOUNT);
    unload(&s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_sample_is_without_a_finding),
        cmocka_unit_test(each_mistake_is_named_with_what_is_expected),
        cmocka_unit_test(the_rules_of_consent_are_kept),
        cmocka_unit_test(a_long_text_is_counted_in_characters),
        cmocka_unit_test(a_million_mistakes_are_cut_short),
        cmocka_unit_test(what_is_no_referral_is_told_so),
        cmocka_unit_test(files_and_their_descriptions_are_compared),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
