/*
 * referral_consent.c - the rules that look at several fields: what kind of
 * packet this is, and consent (client/DESIGN.md, Referrals: C1 to C9).  That a
 * field must be there at all stands in the profile.
 */
#include <string.h>

#include "client/referral_inside.h"

/* The answers that the rules turn on. */
struct facts {
    const char *type;
    const char *mode;
    const char *sender; /* class */
    const char *age;
    const char *agreed; /* consent.referral */
    const char *basis;
    bool is_adult;
};

static bool
is(const char *a, const char *b)
{
    return strcmp(a, b) == 0;
}

static void
error_at(const struct checking *c, const char *rule, const char *path,
         const char *text)
{
    findings_add(c->out, FINDING_ERROR, rule, path, "%s", text);
}

static void
warn_at(const struct checking *c, const char *rule, const char *path,
        const char *text)
{
    findings_add(c->out, FINDING_WARNING, rule, path, "%s", text);
}

/* Warns when the answer at PATH is WORD. */
static void
warn_if(const struct checking *c, const char *path, const char *word,
        const char *rule, const char *text)
{
    if (is(referral_word(c->doc, path), word))
        warn_at(c, rule, path, text);
}

/* ---- what kind of packet ---- */

static void
check_type(const struct checking *c, const struct facts *f)
{
    if (is(f->type, "duty_to_notify") && !is(f->mode, "notification_only"))
        error_at(c, "type", "referral.mode",
                 "a duty to notify has the mode notification_only");
    if (is(f->type, "support_request") && !is(f->mode, "support_only") &&
        !is(f->mode, "placement"))
        error_at(c, "type", "referral.mode",
                 "a support request has the mode support_only or placement");
    if (!is(f->type, "referral") && !is(f->sender, "statutory"))
        error_at(c, "type", "referrer.class",
                 "only a statutory body sends this type");
}

/* ---- agreement ---- */

static void
check_agreed(const struct checking *c, const struct facts *f)
{
    bool asks = is(f->mode, "identification") || is(f->mode, "cross_border");
    const json_t *v = profile_get(c->doc, "consent.referral");

    if (f->is_adult && asks && is(f->agreed, "no"))
        error_at(c, "C2", "consent.referral",
                 "an adult who does not agree is not referred; set "
                 "referral.mode to notification_only, or send nothing");
    else if (f->is_adult && asks && !is_blank(v) && !is(f->agreed, "yes"))
        error_at(c, "C1", "consent.referral",
                 "an adult is referred only after saying yes; ask again, or "
                 "set referral.mode to notification_only");
    if (!is(f->mode, "notification_only"))
        return;
    if (f->is_adult && is(f->agreed, "yes"))
        warn_at(c, "C2", "referral.mode",
                "the person agreed to be referred; a notification alone "
                "brings no decision and no support");
    if (!f->is_adult && *f->age != '\0')
        warn_at(c, "C3", "referral.mode",
                "a child, or who may be one, is referred rather than notified: "
                "consent is not a condition");
}

static void
check_points(const struct checking *c)
{
    static const char *const points[] = {
        "consent.points.interview", "consent.points.purpose",
        "consent.points.uses",      "consent.points.research",
        "consent.points.own_data",  "consent.points.retention",
        "consent.points.withdrawal"};

    for (size_t i = 0; i < sizeof(points) / sizeof(points[0]); i++)
        warn_if(c, points[i], "no", "C1",
                "explain this point before you send, then note it here");
}

static void
check_support(const struct checking *c, const struct facts *f)
{
    const char *support = referral_word(c->doc, "consent.support");

    if (f->is_adult && *support != '\0' && !is(support, "yes") &&
        (is(f->mode, "support_only") || is(f->mode, "placement")))
        error_at(c, "C5", "consent.support",
                 "support is asked for only when the person says yes");
    if (is(referral_word(c->doc, "consent.police"), "no") &&
        is(referral_word(c->doc, "justice.cooperation"), "yes"))
        warn_at(c, "C5", "consent.police",
                "says no, while justice.cooperation says yes");
}

/* ---- a legal basis instead of agreement ---- */

static void
check_basis(const struct checking *c, const struct facts *f)
{
    const char *place = referral_word(c->doc, "referral.place");
    bool has_duty = is(f->sender, "statutory") &&
                    (is(place, "GB-ENG") || is(place, "GB-WLS"));

    if (is(f->basis, "duty_s52") && !has_duty)
        error_at(c, "C2", "meta.legal_basis",
                 "that duty is only for listed public bodies in England and "
                 "Wales");
    if (is(f->basis, "child") && f->is_adult)
        error_at(c, "C3", "meta.legal_basis",
                 "age.class_now says that the person is an adult");
    if (*f->basis != '\0' && !is(f->basis, "consent") &&
        is_blank(profile_get(c->doc, "meta.legal_basis_note")))
        warn_at(c, "C6", "meta.legal_basis",
                "say in meta.legal_basis_note why it holds; it is stored and "
                "counted");
}

/* ---- children ---- */

static void
check_child(const struct checking *c, const struct facts *f)
{
    if (f->is_adult)
        return;
    warn_if(c, "child.authority_told_first", "no", "C3",
            "tell the local authority for children first");
    warn_if(c, "consent.explained_to_child", "no", "C3",
            "explain it in words that fit the age");
}

static void
check_birthday(const struct checking *c, const struct facts *f)
{
    const uint64_t day_ms = 24u * 3600u * 1000u;
    const json_t *ahead =
        profile_get(profile_table(c->p, "clocks"), "transition_18.days_ahead");
    struct partial_date today = date_of_ms(c->now_ms);
    struct partial_date soon =
        date_of_ms(c->now_ms + (uint64_t)json_integer_value(ahead) * day_ms);
    struct partial_date born;

    if (c->now_ms == 0 || !date_read(profile_get(c->doc, "id.dob"), &born))
        return;
    if (date_compare(&born, &today) > 0) {
        error_at(c, "date", "id.dob", "is in the future");
        return;
    }
    born.year += 18;
    if (f->is_adult && date_compare(&born, &today) > 0)
        warn_at(c, "C3", "age.class_now",
                "says adult, but id.dob makes the person a child");
    else if (is(f->age, "child") && date_compare(&born, &today) < 0)
        warn_at(c, "C4", "age.class_now",
                "says child, but by id.dob the person is 18 already");
    else if (is(f->age, "child") && date_compare(&born, &soon) <= 0 &&
             born.day != 0)
        findings_add(c->out, FINDING_WARNING, "C4", "id.dob",
                     "turns 18 on %04d-%02d-%02d: ask now whether to stay in "
                     "the procedure and whether support is wanted",
                     born.year, born.month, born.day);
}

/* ---- privilege ---- */

static bool
recipient_gets_privileged(const json_t *doc)
{
    const json_t *list = profile_get(doc, "consent.recipients");
    const json_t *item;
    const json_t *part;
    size_t i;
    size_t j;

    json_array_foreach(list, i, item)
    {
        json_array_foreach(json_object_get(item, "parts"), j, part)
        {
            if (json_is_string(part) &&
                is(json_string_value(part), "privileged"))
                return true;
        }
    }
    return false;
}

static void
check_privileged(const struct checking *c)
{
    if (json_object_size(json_object_get(c->doc, "privileged")) != 0 &&
        !recipient_gets_privileged(c->doc))
        warn_at(c, "C9", "privileged",
                "stays on this machine: no recipient's parts name it");
}

static void
check_file_names(const struct checking *c)
{
    const json_t *list = json_object_get(c->doc, "attach");

    for (size_t i = 1; i < json_array_size(list) && i < 100; i++) {
        const char *name = referral_word(json_array_get(list, i), "file");

        for (size_t j = 0; j < i; j++)
            if (*name != '\0' &&
                is(name, referral_word(json_array_get(list, j), "file")))
                findings_add(c->out, FINDING_ERROR, "file", "attach",
                             "describes the file \"%.100s\" twice", name);
    }
}

void
check_consent(const struct checking *c)
{
    struct facts f = {
        .type = referral_type(c->doc),
        .mode = referral_word(c->doc, "referral.mode"),
        .sender = referral_word(c->doc, "referrer.class"),
        .age = referral_word(c->doc, "age.class_now"),
        .agreed = referral_word(c->doc, "consent.referral"),
        .basis = referral_word(c->doc, "meta.legal_basis"),
    };

    f.is_adult = is(f.age, "adult");
    check_type(c, &f);
    check_agreed(c, &f);
    check_points(c);
    check_support(c, &f);
    check_basis(c, &f);
    check_child(c, &f);
    check_birthday(c, &f);
    warn_if(c, "consent.read_back", "no", "C8",
            "show or read the final text to the person before you send it");
    check_privileged(c);
    check_file_names(c);
}
