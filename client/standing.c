#include "client/standing.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "client/freshness.h"
#include "client/alert.h"
#include "client/listing.h"
#include "client/notice.h"
#include "client/shelf.h"
#include "client/table.h"
#include "client/vault.h"
#include "client/witnesses_tell.h"
#include "common/text.h"

#define DAY_MS UINT64_C(86400000)
enum {
    DEVICE_DAYS = 30, /* time for a visit to whoever holds the root */
    PREKEY_DAYS = 10, /* several renewals have been missed */
    LOST_DAYS = 30,   /* what did not arrive is a matter for so long */
};

/* ---- what waits ---- */

static void
count(struct standing *s, const struct mail *m, enum thread_state state,
      uint64_t now_ms)
{
    static const struct packet_id none;
    bool is_lost = mail_is_lost(m) && id_eq(&m->moved_to, &none);

    if (m->direction == INDEX_IN) {
        s->n_unread += m->is_unread;
        if (m->is_unread && s->unread == NULL)
            s->unread = m;
        if (listing_is_to_answer(m, state) && s->n_to_answer++ == 0)
            s->to_answer = m;
        return;
    }
    if (mail_is_overdue(m) && !mail_is_own_copy(m))
        s->n_overdue++;
    if (m->direction != INDEX_OUT || mail_is_own_copy(m))
        return;
    s->n_queued += m->state == MAIL_QUEUED ||
                   (m->state == MAIL_WITHDRAWN && mail_is_going_on(m));
    s->n_under_way += m->state == MAIL_STORED;
    if (is_lost && m->final_ms + LOST_DAYS * DAY_MS > now_ms &&
        m->answer[0] == '\0' && s->n_lost++ == 0)
        s->lost = m;
}

void
standing_count(struct desk *d, const struct mails *mails, uint64_t now_ms,
               struct standing *out)
{
    struct standing s = {0};

    for (size_t i = 0; i < mails->n; i++)
        count(&s, &mails->items[i], thread_of(d->app, mails, &mails->items[i]),
              now_ms);
    s.overdue = alert_first(mails);
    s.n_notices = notices_unread(d->app);
    s.n_quarantined = vault_count(d->app->vault, REC_QUARANTINE);
    s.n_drafts = vault_count(d->app->vault, REC_DRAFT);
    *out = s;
}

/* ---- warnings: one function each, true when there is something to say ---- */

struct sight {
    struct desk *d;
    const struct mails *mails;
    uint64_t now_ms;
    const struct directory *dir;
    const struct dir_device *device; /* ours, or NULL */
};

struct remark {
    char text[STANDING_TEXT];
    char next[STANDING_TEXT];
};

static void say(struct remark *r, const char *next, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static void
say(struct remark *r, const char *next, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(r->text, sizeof(r->text), fmt, ap);
    va_end(ap);
    (void)snprintf(r->next, sizeof(r->next), "%s", next);
}

static bool
newer_needed(const struct sight *s, struct remark *r)
{
    if (!directory_needs_newer(s->dir))
        return false;
    say(r, "install the newest sealpost",
        "The network uses something that this version does not know; nothing "
        "can be sent.");
    return true;
}

static bool
suspended(const struct sight *s, struct remark *r)
{
    const struct dir_agency *us = directory_agency(s->dir, &s->d->id.agency);

    if (us == NULL || !us->suspended)
        return false;
    say(r, "phone your registrar", "Your agency is suspended.");
    return true;
}

static bool
device_ends(const struct sight *s, struct remark *r)
{
    static const char next[] = "ask whoever holds your agency's root to enrol "
                               "this device anew";
    char when[CLOCK_TEXT_MAX];
    uint64_t end_ms;

    if (s->device == NULL)
        return false;
    end_ms = s->device->not_after_s * 1000;
    if (s->device->revoked_index != DIR_NEVER) {
        say(r, next,
            "This device was revoked; it can read what is here, no "
            "more.");
        return true;
    }
    if (end_ms > s->now_ms + DEVICE_DAYS * DAY_MS)
        return false;
    say(r, next,
        end_ms <= s->now_ms ? "This device's enrolment ended on %s."
                            : "This device's enrolment ends on %s.",
        show_time(when, end_ms));
    return true;
}

static const char *
stale_next(const struct freshness *f)
{
    if (f->is_policy_foreign)
        return "sealpost trust use FILE, with your registrar's newest policy";
    if (f->is_clock_behind)
        return "set this machine's clock";
    if (f->by_witnesses)
        return "sealpost sync; if it stays so, phone your registrar: the "
               "directory may be kept back";
    return "sealpost sync";
}

/* By witnesses it ages a day before anything is said: a head that does not
 * change is cosigned again every few minutes. */
static bool
stale(const struct sight *s, struct remark *r)
{
    char sentence[STANDING_TEXT - 100];
    struct freshness f;

    freshness_of(s->d->roster, s->now_ms, &f);
    if (!f.is_stale && (!f.by_witnesses || f.age_ms <= DAY_MS))
        return false;
    if (f.at_ms == 0 && !f.by_witnesses) {
        say(r, "sealpost sync", "There was no complete sync yet.");
        return true;
    }
    freshness_sentence(s->d->roster, &f, sentence, sizeof(sentence));
    if (f.at_ms == 0)
        say(r, stale_next(&f), "%s", sentence);
    else
        say(r, stale_next(&f), "%s After %d days nothing is sent.", sentence,
            FRESHNESS_DAYS);
    return true;
}

/* Auditors have no mail, so no keys to be written to. */
static bool
has_mail(const struct sight *s)
{
    const struct dir_agency *us = directory_agency(s->dir, &s->d->id.agency);

    return us != NULL && us->class != CLASS_AUDITOR;
}

/* The newest own prekey decides: others can write to us until it ends. */
static bool
prekeys_end(const struct sight *s, struct remark *r)
{
    struct vault_item item;
    struct problem none = {0};
    uint64_t newest = 0;
    size_t pos = 0;

    while (vault_next(s->d->app->vault, REC_PREKEY, &pos, &item)) {
        json_t *j = NULL;

        if (shelf_get(s->d->app, REC_PREKEY, item.id, &j, &none) == ERR_OK &&
            json_get_u64(j, "not_after") > newest)
            newest = json_get_u64(j, "not_after");
        json_decref(j);
    }
    if (!has_mail(s) || newest * 1000 > s->now_ms + PREKEY_DAYS * DAY_MS)
        return false;
    say(r, "sealpost sync",
        newest == 0 ? "This device has published no key; nobody can write to "
                      "it yet."
                    : "The keys that others seal to this device with run out "
                      "soon.");
    return true;
}

static bool
no_mailbox(const struct sight *s, struct remark *r)
{
    if (s->device == NULL ||
        roster_own_mailbox(s->d->roster, &s->d->id) != NULL)
        return false;
    say(r, "sealpost agency mailbox set LABEL --device THIS, with the root",
        "This device belongs to no open mailbox; nothing comes to it.");
    return true;
}

static bool
quarantined(const struct sight *s, struct remark *r)
{
    size_t n = vault_count(s->d->app->vault, REC_QUARANTINE);

    if (n == 0)
        return false;
    say(r, "sealpost quarantine",
        n == 1 ? "Something came or happened that cannot be trusted."
               : "%zu things came or happened that cannot be trusted.",
        n);
    return true;
}

/* An agency's name as one safe line. */
static void
agency_name(const struct roster *r, const struct agency_id *id, char *out,
            size_t max)
{
    struct buf safe = {0};
    char name[256];

    roster_agency_name(r, id, name, sizeof(name));
    show_line(&safe, name, 60);
    (void)snprintf(out, max, "%.*s", (int)safe.len,
                   safe.len == 0 ? "" : (const char *)safe.data);
    buf_clear(&safe);
}

static void
verify_next(char next[STANDING_TEXT], const char *name)
{
    (void)snprintf(next, STANDING_TEXT, "sealpost contacts verify \"%.120s\"",
                   name);
}

static bool
held(const struct sight *s, struct remark *r)
{
    const struct dir_agency *a;
    char name[256];
    char next[STANDING_TEXT];

    for (size_t i = 0; (a = directory_agency_nth(s->dir, i)) != NULL; i++) {
        if (!roster_is_held(s->d->roster, &a->id))
            continue;
        agency_name(s->d->roster, &a->id, name, sizeof(name));
        verify_next(next, name);
        say(r, next,
            "The key of %s changes; nothing is sent there until you compare "
            "its digits by phone.",
            name);
        return true;
    }
    return false;
}

/* Agencies that we exchange packets with, each once. */
static bool
unverified(const struct sight *s, struct remark *r)
{
    const struct agency_id *first = NULL;
    char name[256];
    char next[STANDING_TEXT];
    size_t n = 0;

    for (size_t i = 0; i < s->mails->n; i++) {
        const struct agency_id *id = &s->mails->items[i].peer_agency;
        bool is_known =
            roster_is_verified(s->d->roster, id) || id_eq(id, &s->d->id.agency);

        for (size_t k = 0; k < i && !is_known; k++)
            is_known = id_eq(id, &s->mails->items[k].peer_agency);
        n += !is_known;
        if (!is_known && first == NULL)
            first = id;
    }
    if (first == NULL)
        return false;
    agency_name(s->d->roster, first, name, sizeof(name));
    verify_next(next, name);
    if (n == 1)
        say(r, next, "The digits of %s were never compared.", name);
    else
        say(r, next, "The digits of %s and %zu more were never compared.", name,
            n - 1);
    return true;
}

static bool
no_paper(const struct sight *s, struct remark *r)
{
    if (vault_count(s->d->app->vault, REC_KEY_BACKUP) > 0)
        return false;
    say(r, "sealpost key backup",
        "This vault has no paper key of its own (the agency's root is "
        "another): a forgotten passphrase loses it.");
    return true;
}

static bool
no_witness(const struct sight *s, struct remark *r)
{
    struct freshness f;

    freshness_of(s->d->roster, s->now_ms, &f);
    if (f.by_witnesses)
        return false;
    say(r, "",
        "No witness is set up (`sealpost help trust`): a directory frozen for "
        "everybody at once would not be noticed.");
    return true;
}

static const struct {
    const char *code;
    bool (*look)(const struct sight *s, struct remark *r);
} warnings[] = {
    {"newer_needed", newer_needed}, {"suspended", suspended},
    {"quarantine", quarantined},    {"device", device_ends},
    {"mailbox", no_mailbox},        {"stale_directory", stale},
    {"prekeys", prekeys_end},       {"key_change", held},
    {"unverified", unverified},     {"no_paper_key", no_paper},
    {"no_witness", no_witness},
};

void
standing_warnings(struct desk *d, const struct mails *mails, uint64_t now_ms,
                  standing_warning_fn *fn, void *arg)
{
    struct sight s = {.d = d,
                      .mails = mails,
                      .now_ms = now_ms,
                      .dir = roster_directory(d->roster)};

    s.device = directory_device(s.dir, &d->id.device);
    for (size_t i = 0; i < sizeof(warnings) / sizeof(warnings[0]); i++) {
        struct remark r = {.text = ""};

        if (warnings[i].look(&s, &r))
            fn(arg, warnings[i].code, r.text, r.next);
    }
}

/* ---- telling ---- */

struct telling {
    struct app *app;
    json_t *list;
    char next[STANDING_TEXT]; /* of the first warning that has one */
};

static void
tell_warning(void *arg, const char *code, const char *text, const char *next)
{
    struct telling *t = arg;
    json_t *row = json_object();

    json_put_str(row, "code", code);
    json_put_str(row, "text", text);
    json_put_str(row, "next", next);
    (void)json_array_append_new(t->list, row);
    if (json_array_size(t->list) == 1)
        out_line(t->app, "%s", "");
    out_line(t->app, "! %s%s%s", text, *next == '\0' ? "" : "  -> ", next);
    if (t->next[0] == '\0')
        (void)snprintf(t->next, sizeof(t->next), "%s", next);
}

static void
tell_count(struct app *app, const char *key, size_t n, const char *one,
           const char *many)
{
    json_put_u64(app->result, key, n);
    if (n > 0)
        out_line(app, "  %3zu %s", n, n == 1 ? one : many);
}

static void
tell_counts(struct app *app, const struct standing *s)
{
    tell_count(app, "unread", s->n_unread, "packet unread", "packets unread");
    tell_count(app, "to_answer", s->n_to_answer, "referral to answer",
               "referrals to answer");
    tell_count(app, "queued", s->n_queued, "packet waits to be sent",
               "packets wait to be sent");
    tell_count(app, "under_way", s->n_under_way,
               "packet stored by the relay, not yet collected",
               "packets stored by the relay, not yet collected");
    tell_count(app, "not_collected", s->n_overdue,
               "of them has been waiting too long: NOT COLLECTED",
               "of them have been waiting too long: NOT COLLECTED");
    tell_count(app, "undelivered", s->n_lost, "packet did NOT arrive",
               "packets did NOT arrive");
    tell_count(app, "notices", s->n_notices, "notice of non-delivery unread",
               "notices of non-delivery unread");
    tell_count(app, "drafts", s->n_drafts, "draft", "drafts");
    tell_count(app, "quarantined", s->n_quarantined, "thing in quarantine",
               "things in quarantine");
    if (s->n_unread + s->n_to_answer + s->n_queued + s->n_under_way +
            s->n_lost + s->n_notices + s->n_drafts + s->n_quarantined ==
        0)
        out_line(app, "  Nothing waits.");
}

static void
say_next(struct app *app, const struct standing *s, const char *of_warning)
{
    char id[9];

    if (s->overdue != NULL) {
        mail_short(id, &s->overdue->id);
        out_next(app, "sealpost status %s", id);
    } else if (s->n_notices > 0) {
        out_next(app, "sealpost inbox");
    } else if (s->lost != NULL) {
        mail_short(id, &s->lost->id);
        out_next(app, "sealpost status %s", id);
    } else if (s->unread != NULL) {
        mail_short(id, &s->unread->id);
        out_next(app, "sealpost read %s", id);
    } else if (s->to_answer != NULL) {
        mail_short(id, &s->to_answer->id);
        out_next(app,
                 "sealpost accept %s, or sealpost decline %s --reason "
                 "WHY",
                 id, id);
    } else if (s->n_queued > 0) {
        out_next(app, "sealpost sync");
    } else if (of_warning[0] != '\0') {
        out_next(app, "%s", of_warning);
    } else if (s->n_drafts > 0) {
        out_next(app, "sealpost drafts");
    } else {
        out_next(app, "sealpost sync, or sealpost new");
    }
}

void
standing_tell(struct desk *d, const struct mails *mails, uint64_t now_ms)
{
    struct telling t = {.app = d->app, .list = json_array()};
    struct standing s;

    standing_count(d, mails, now_ms, &s);
    tell_counts(d->app, &s);
    if (s.overdue != NULL)
        alert_tell(d, s.overdue, now_ms);
    standing_warnings(d, mails, now_ms, tell_warning, &t);
    json_put(d->app->result, "warnings", t.list);
    say_next(d->app, &s, t.next);
}
