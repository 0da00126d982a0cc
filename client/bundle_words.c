/*
 * bundle_words.c - a bundle's proof as sentences.  Every case that
 * bundle_judge.h can name has its words here.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "client/bundle_tell.h"
#include "client/profile.h"
#include "common/bytes.h"
#include "common/clock.h"
#include "proto/receipt.h"

/* ---- pieces of sentences ---- */

static void say(json_t *list, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static void
say(json_t *list, const char *fmt, ...)
{
    char text[1024];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    (void)json_array_append_new(list, json_string(text));
}

/* "2026-11-22 06:30 UTC" */
struct when {
    char text[CLOCK_TEXT_MAX];
};
static struct when
at_ms(uint64_t ms)
{
    struct when w;

    clock_format_utc(w.text, ms);
    return w;
}
static struct when
at_s(uint64_t s)
{
    return at_ms(s <= LIMIT_TIME_S ? s * 1000 : LIMIT_TIME_S * 1000);
}

/* "\"Front desk\" of Northgate Hub", or what is known instead. */
struct name {
    char text[300];
};
static struct name
name_of_device(const struct bundle_proven *p, const struct device_id *id)
{
    const struct who_device *d = bundle_who_device(&p->who, id);
    struct name n;
    char hex[33];

    hex_encode(hex, id->b, sizeof(id->b));
    if (d != NULL) {
        char label[sizeof(d->label)];

        /* A label cannot end its own quotation and go on in our words. */
        memcpy(label, d->label, sizeof(label));
        for (char *q = label; (q = strchr(q, '"')) != NULL;)
            *q = '\'';
        (void)snprintf(n.text, sizeof(n.text), "\"%s\" of %s", label,
                       d->agency->name);
    } else
        (void)snprintf(n.text, sizeof(n.text), "the device %s", hex);
    return n;
}
static struct name
name_of_part(uint8_t number)
{
    const char *word = number < PART_COUNT ? part_name(number) : NULL;
    struct name n;

    (void)snprintf(n.text, sizeof(n.text), "%u%s%s%s", number,
                   word == NULL ? "" : " (", word == NULL ? "" : word,
                   word == NULL ? "" : ")");
    return n;
}

static const char *
reason_of(const struct event *ev)
{
    const char *reason =
        ev->reason == 0 ? NULL : event_reason_name(ev->type, ev->reason);

    return reason == NULL ? "" : reason;
}

/* ---- what is proven ---- */

static void
say_sender(json_t *list, const struct bundle_proven *p)
{
    if (!p->is_signed)
        return;
    say(list, "%s signed the packet; the device says that it did so on %s.",
        name_of_device(p, &p->lists.device).text,
        at_ms(p->lists.created_ms).text);
}

static void
say_stored(json_t *list, const struct bundle_fate *f)
{
    say(list,
        "The relay stored it on %s (the relay's clock), as entry %" PRIu64
        " of its log.",
        at_ms(f->event.time_ms).text, f->index);
}

static void
say_by_device(json_t *list, const struct bundle_proven *p,
              const struct bundle_fate *f, const char *what)
{
    const char *reason = reason_of(&f->event);

    say(list,
        "%s on %s (the relay's clock)%s%s: %s signed that on %s (its "
        "own clock).",
        what, at_ms(f->event.time_ms).text, *reason == '\0' ? "" : ", ", reason,
        name_of_device(p, &f->event.actor).text, at_ms(f->signed_ms).text);
}

/* What the relay says happened. */
static const char *
happening(uint8_t type)
{
    switch (type) {
    case EVENT_HANDED_OVER:
        return "It was handed over";
    case EVENT_REFUSED:
        return "It ended refused: no device of the mailbox could take it";
    case EVENT_WITHDRAWN:
        return "The sender withdrew it";
    case EVENT_EXPIRED:
        return "It expired";
    case EVENT_DEVICE_RECEIPT:
        return "A further device opened it";
    case EVENT_DEVICE_REFUSED:
        return "A device could not take it";
    case EVENT_LATE_RECEIPT:
        return "A device's word came after the end";
    case EVENT_WARNED:
        return "The relay warned that nobody had collected it";
    case EVENT_READDRESSED:
        return "Another packet took its place";
    default:
        return "The relay logged an event";
    }
}

static void
say_event(json_t *list, const struct bundle_proven *p,
          const struct bundle_fate *f)
{
    const char *what = happening(f->event.type);
    const char *reason = reason_of(&f->event);

    if (f->event.type == EVENT_STORED)
        say_stored(list, f);
    else if (f->backing == BACKING_DEVICE)
        say_by_device(list, p, f, what);
    else
        say(list, "%s on %s (the relay's clock)%s%s%s.", what,
            at_ms(f->event.time_ms).text, *reason == '\0' ? "" : ", ", reason,
            f->backing == BACKING_STATEMENT
                ? ", because of a statement that stands in the directory"
                : ", says the relay");
    if (f->opening == OPENING_SHOWN)
        say(list, "That device decrypted it: its receipt names a hash that "
                  "only the decrypted content gives.");
}

static void
say_witnessed(json_t *list, const struct bundle_proven *p,
              const struct bundle_reader *r)
{
    for (size_t i = 0; i < p->n_fates; i++) {
        const struct bundle_fate *f = &p->fates[i];

        if (f->witnessed.quorum && f->witnessed.quorum_time_s != 0)
            say(list,
                "\"%s\" stood in the log by %s, say the witnesses that %s "
                "policy trusts.",
                event_name(f->event.type),
                at_s(f->witnessed.quorum_time_s).text,
                r->is_own ? "this vault's" : "the");
    }
    if (p->directory_witnessed.quorum &&
        p->directory_witnessed.quorum_time_s != 0)
        say(list, "The statements stood in the directory by %s, say they too.",
            at_s(p->directory_witnessed.quorum_time_s).text);
}

/* Who they are, of the newest head. */
static void
say_witnesses(json_t *list, const struct bundle_proven *p,
              const struct trust *t)
{
    const struct bundle_witnessed *newest = NULL;

    for (size_t i = 0; i < p->n_fates; i++)
        if (p->fates[i].witnessed.verified != 0 &&
            (newest == NULL || p->fates[i].witnessed.size >= newest->size))
            newest = &p->fates[i].witnessed;
    for (size_t i = 0; newest != NULL && t != NULL && i < t->n_witnesses; i++)
        if ((newest->verified >> i & 1) != 0)
            say(list,
                "The witness %s cosigned a log of %" PRIu64 " entries on %s.",
                t->keys[i].name, newest->size, at_s(newest->time_s[i]).text);
}

/* Of what nobody signed only that it is there can be said. */
static void
say_parts(json_t *list, const struct bundle_proven *p)
{
    for (uint8_t n = 0; n < 32; n++)
        if ((p->disclosed & UINT32_C(1) << n) != 0)
            say(list,
                p->is_signed
                    ? "Part %s stands in this file, and is what the sender "
                      "signed."
                    : "That part %s, which stands in this file, is the "
                      "packet's: no signature over it can be checked, and "
                      "anybody may have written it.",
                name_of_part(n).text);
}

json_t *
bundle_proves(const struct bundle_proven *p, const struct bundle_reader *r)
{
    json_t *list = json_array();

    say_sender(list, p);
    for (size_t i = 0; i < p->n_fates; i++)
        say_event(list, p, &p->fates[i]);
    say_witnessed(list, p, r);
    say_witnesses(list, p, r->trust);
    if (p->is_signed)
        say_parts(list, p);
    return list;
}

/* ---- what makes it doubtful ---- */

static const char *
revoked_as(const struct who_device *d)
{
    const char *reason = revoke_reason_name(d->reason);

    return d->reason == 0   ? "stopped by the registrar"
           : reason == NULL ? "revoked"
                            : reason;
}

static void
say_standing(json_t *list, const struct bundle_proven *p,
             const struct device_id *id, enum bundle_standing standing,
             const char *act)
{
    const struct who_device *d = bundle_who_device(&p->who, id);
    struct name n = name_of_device(p, id);

    if (standing == STANDING_REVOKED_LATER)
        say(list,
            "%s was revoked later (%s, said on %s) as of %s. %s before that, "
            "by "
            "the device's clock and the relay's: the revocation does not touch "
            "it.",
            n.text, revoked_as(d), at_s(d->revoked_s).text,
            at_s(d->since_s).text, act);
    else if (standing == STANDING_REVOKED)
        say(list,
            "BEWARE: %s was revoked (%s, said on %s) as of %s. %s NOT before "
            "that: whoever held the device then may have done it.",
            n.text, revoked_as(d), at_s(d->revoked_s).text,
            at_s(d->since_s).text, act);
    else if (standing == STANDING_UNDATED)
        say(list,
            "BEWARE: %s was revoked (%s, said on %s) as of %s. %s before that, "
            "and no receipt in the file shows that the relay had it by then: "
            "whoever held the device later may have done it.",
            n.text, revoked_as(d), at_s(d->revoked_s).text,
            at_s(d->since_s).text, act);
    else if (standing == STANDING_EXPIRED)
        say(list, "BEWARE: the time of %s was over on %s. %s after that.",
            n.text, at_s(d->not_after_s).text, act);
}

static void
say_sender_standing(json_t *list, const struct bundle_proven *p)
{
    const struct bundle_fate *stored = bundle_fate_of(p, EVENT_STORED);

    if (p->is_signed)
        say_standing(list, p, &p->lists.device, p->standing,
                     stored != NULL ? "The packet was written and stored"
                                    : "The packet says that it was written");
    else if (stored != NULL)
        say_standing(list, p, &stored->event.actor, stored->standing,
                     "The packet was stored");
}

static void
say_lost(json_t *list, const struct bundle_proven *p)
{
    for (size_t i = 0; i < p->n_fates; i++)
        if (p->fates[i].is_lost)
            say(list,
                "The relay was restored from an older copy since, and its log "
                "has lost \"%s\" (entry %" PRIu64
                "). The receipt shows that it was there.",
                event_name(p->fates[i].event.type), p->fates[i].index);
}

static void
say_suspended(json_t *list, const struct bundle_proven *p)
{
    for (size_t i = 0; i < p->who.n_agencies; i++)
        if (p->who.agencies[i].suspended)
            say(list, "%s was suspended by the registrar on %s.",
                p->who.agencies[i].name,
                at_s(p->who.agencies[i].suspended_s).text);
}

/* What the file leaves out, and the reader's own directory knows. */
static void
say_left_out(json_t *list, const struct bundle_proven *p,
             const struct directory *dir)
{
    for (size_t i = 0; i < p->who.n_devices; i++) {
        const struct who_device *d = &p->who.devices[i];
        const struct dir_device *known = directory_device(dir, &d->id);

        if (known == NULL || known->revoked_index == DIR_NEVER ||
            (d->revoked_index != DIR_NEVER &&
             d->since_s <= known->revoked_since_s))
            continue;
        say(list,
            "BEWARE: %s was revoked as of %s, says your directory; the file "
            "leaves that out.",
            name_of_device(p, &d->id).text, at_s(known->revoked_since_s).text);
    }
}

/* Whoever has a key that the relay gave up may have made all of it. */
static void
say_old_relay(json_t *list, const struct bundle_proven *p,
              const struct directory *dir)
{
    const struct who_policy *shown = bundle_who_policy(&p->who);
    const struct dir_policy *known = directory_policy(dir);

    if (shown == NULL || known == NULL || known->index <= shown->index ||
        (id_eq(&known->log_key, &shown->delivery.pub) &&
         strcmp(known->delivery_origin, shown->delivery.name) == 0))
        return;
    say(list,
        "BEWARE: the relay's log has another key or name now, says your "
        "directory (entry %" PRIu64 "); the file leaves that out, and whoever "
        "has the old key could have made it since.",
        known->index);
}

json_t *
bundle_warnings(const struct bundle_proven *p, const struct bundle_reader *r)
{
    json_t *list = json_array();

    say_sender_standing(list, p);
    for (size_t i = 0; i < p->n_fates; i++) {
        const struct bundle_fate *f = &p->fates[i];

        if (f->event.type != EVENT_STORED && f->backing == BACKING_DEVICE)
            say_standing(list, p, &f->event.actor, f->standing,
                         "Its word was signed and logged");
        if (f->opening == OPENING_FALSE)
            say(list,
                "BEWARE: %s claims to have opened the packet, but names "
                "another signature than the sender's: it did not decrypt it.",
                name_of_device(p, &f->event.actor).text);
    }
    say_lost(list, p);
    say_suspended(list, p);
    if (r->dir != NULL) {
        say_left_out(list, p, r->dir);
        say_old_relay(list, p, r->dir);
    }
    return list;
}

/* ---- what is not ---- */

static void
say_missing(json_t *list, const struct bundle_proven *p)
{
    if (!p->has_directory)
        say(list, "Who the parties are: the file holds no statements of the "
                  "directory.");
    else if (bundle_who_mailbox(&p->who, &p->mailbox) == NULL)
        say(list, "Whose the mailbox is: no statement here says.");
    if (!p->has_header)
        say(list, "Which bytes the packet was: the file does not hold its "
                  "header, so the digest in the receipts stands for itself.");
    else if (!p->digest_is_computed)
        say(list, "That the receipts are of exactly this header: the hashes "
                  "of wraps and body are missing.");
    if (!p->has_lists)
        say(list, "Who signed the packet: the sender's lists and signature "
                  "are not in the file.");
    else if (!p->is_signed)
        say(list, "Who signed the packet: the statement of the device that "
                  "should have is not in the file.");
    if (bundle_fate_of(p, EVENT_STORED) == NULL)
        say(list, "That the relay stored it, and when: that receipt is not in "
                  "the file.");
    if (bundle_end(p) == NULL)
        say(list, "What became of it in the end: no receipt here says.");
}

static void
say_unbacked(json_t *list, const struct bundle_proven *p)
{
    for (size_t i = 0; i < p->n_fates; i++) {
        const struct bundle_fate *f = &p->fates[i];
        const char *name = event_name(f->event.type);

        if (f->backing == BACKING_NONE)
            say(list,
                "\"%s\" by anybody's word but the relay's: the signed bytes "
                "behind it are not in the file.",
                name);
        else if (f->backing == BACKING_UNCHECKED)
            say(list,
                "\"%s\" by anybody's word but the relay's: the statement of "
                "who signed it is not in the file.",
                name);
        else if (f->opening == OPENING_UNCHECKED)
            say(list,
                "That the device of \"%s\" decrypted it: the sender's "
                "signature is not here to compare.",
                name);
    }
}

static bool
is_dated(const struct bundle_proven *p)
{
    for (size_t i = 0; i < p->n_fates; i++)
        if (p->fates[i].witnessed.quorum &&
            p->fates[i].witnessed.quorum_time_s != 0)
            return true;
    return false;
}

static bool
has_lines(const struct bundle_proven *p)
{
    for (size_t i = 0; i < p->n_fates; i++)
        if (p->fates[i].witnessed.is_here)
            return true;
    return false;
}

static void
say_times(json_t *list, const struct bundle_proven *p,
          const struct bundle_reader *r)
{
    if (p->n_fates == 0)
        return;
    if (is_dated(p))
        say(list, "Earlier times than the witnesses': they are the relay's "
                  "and the devices' own clocks.");
    else if (!has_lines(p))
        say(list, "The times: they are the relay's own clock; no witness has "
                  "signed a head of this log in the file.");
    else
        say(list, "The times: they are the relay's own clock; %s.",
            r->trust == NULL ? "there are witnesses' lines, and no policy was "
                               "given that says whom to believe (--policy)"
            : r->is_own      ? "the witnesses' lines are not enough for the "
                               "policy in use in this vault"
                             : "the witnesses' lines are not enough for the "
                               "policy");
}

json_t *
bundle_proves_not(const struct bundle_proven *p, const struct bundle_reader *r)
{
    json_t *list = json_array();
    uint64_t newest = 0;

    say_missing(list, p);
    say_unbacked(list, p);
    if (!p->is_signed)
        say_parts(list, p);
    say(list, p->disclosed == 0
                  ? "What the packet says: nothing of its content is in the "
                    "file."
                  : "What else the packet says: only the parts that are named "
                    "are in the file.");
    if (p->has_lists && p->lists.n_atts > 0)
        say(list,
            "What its %zu attachment%s hold%s: only size and digest of "
            "the sealed form are here.",
            p->lists.n_atts, p->lists.n_atts == 1 ? "" : "s",
            p->lists.n_atts == 1 ? "s" : "");
    say(list, "That a person has read it: what signs is a machine.");
    say_times(list, p, r);
    for (size_t i = 0; i < p->n_fates; i++)
        if (p->fates[i].head_size > newest)
            newest = p->fates[i].head_size;
    if (newest > 0)
        say(list,
            "That nothing was left out, and what came after entry %" PRIu64
            " of the log.",
            newest - 1);
    if (p->has_directory && r->dir == NULL)
        say(list,
            "That no other revocation exists: the statements are a selection "
            "out of the directory's first %" PRIu64 ".",
            p->directory.size);
    return list;
}
