/*
 * cmd_status.c - `sealpost status [ID]`: what became of a packet, from the
 * relay's log; without ID, where everything stands.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "client/args.h"
#include "client/commands.h"
#include "client/contact.h"
#include "client/duty.h"
#include "client/listing.h"
#include "client/standing.h"
#include "client/story.h"
#include "client/table.h"
#include "client/witnesses_tell.h"
#include "proto/receipt.h"

/* ---- one packet ---- */

static const struct packet_id no_packet;

struct one {
    struct desk d;
    struct mail m;
    struct story story;
    enum thread_state state;
};

/* What each event means to people. */
static const struct {
    uint8_t type;
    const char *text;
} meanings[] = {
    {EVENT_STORED, "stored by the relay"},
    {EVENT_HANDED_OVER, "collected and opened"},
    {EVENT_REFUSED, "could not be opened by any device"},
    {EVENT_WITHDRAWN, "withdrawn by the sender"},
    {EVENT_EXPIRED, "expired: nobody collected it in time"},
    {EVENT_DEVICE_RECEIPT, "collected by another device too"},
    {EVENT_DEVICE_REFUSED, "could not be opened by a device"},
    {EVENT_LATE_RECEIPT, "a receipt came after the end"},
    {EVENT_WARNED, "the relay warned: not collected yet"},
    {EVENT_READDRESSED, "sent again to another mailbox"},
};

static const char *
meaning(uint8_t type)
{
    for (size_t i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++)
        if (meanings[i].type == type)
            return meanings[i].text;
    return event_name(type);
}

static void
who(const struct one *o, const struct event *ev, char *out, size_t max)
{
    static const struct device_id nobody;
    const char *reason =
        ev->reason == 0 ? NULL : event_reason_name(ev->type, ev->reason);
    char device[96] = "";
    char words[32] = "";

    if (!id_eq(&ev->actor, &nobody))
        story_device(o->d.roster, &ev->actor, device, sizeof(device));
    if (reason != NULL)
        (void)show_words(words, reason);
    (void)snprintf(out, max, "%s%s%s", device,
                   device[0] != '\0' && reason != NULL ? ", " : "", words);
}

static void
show_story(struct app *app, const struct one *o)
{
    struct table t = {.columns = 4,
                      .heads = {"WHEN", "WHAT", "ENTRY", "DEVICE"}};

    for (size_t i = 0; i < o->story.n; i++) {
        const struct story_event *e = &o->story.items[i];
        char when[CLOCK_TEXT_MAX];
        char index[24] = "";
        char device[160];
        const char *cells[] = {show_time(when, e->ev.time_ms),
                               meaning(e->ev.type), index, device};

        if (e->index != UINT64_MAX)
            (void)snprintf(index, sizeof(index), "%" PRIu64, e->index);
        who(o, &e->ev, device, sizeof(device));
        table_row(&t, cells);
    }
    if (o->story.n > 0)
        out_line(app, "%s", "");
    table_print(app, &t);
}

static void
show_receipt(struct app *app, const json_t *receipt)
{
    if (!json_is_object(receipt))
        out_line(app, "\nThere is no receipt of the relay yet.");
    else if (json_get_bool(receipt, "verified"))
        out_line(app,
                 "\nReceipt: entry %" PRIu64 " of a log of %" PRIu64
                 ", verified.",
                 json_get_u64(receipt, "index"), json_get_u64(receipt, "size"));
    else
        out_line(app, "\nReceipt: does NOT verify under the relay's key.");
}

/* What this packet goes on for, and what goes on for it. */
static void
show_chain(struct app *app, const struct one *o)
{
    char id[9];
    char name[256];

    if (!id_eq(&o->m.resend_of, &no_packet)) {
        mail_short(id, &o->m.resend_of);
        out_line(app,
                 "Before:   packet %s, which was sent to another desk and "
                 "did not arrive",
                 id);
    }
    if (!id_eq(&o->m.moved_to, &no_packet)) {
        mail_short(id, &o->m.moved_to);
        out_line(app, "Goes on:  as packet %s", id);
    } else if (mail_is_going_on(&o->m)) {
        roster_mailbox_name(o->d.roster, &o->m.moving_to, name, sizeof(name));
        out_line(app, "Goes on:  to %s, with the next sync", name);
    } else if (o->m.is_escalating && o->m.state <= MAIL_STORED) {
        out_line(app, "Goes on:  to the deputy by itself, when nobody collects "
                      "it");
    }
}

static void
show_one(struct app *app, const struct one *o)
{
    struct buf safe = {0};
    char peer[256];
    char words[32];
    char state[64];
    char until[CLOCK_TEXT_MAX];
    char id[9];

    mail_short(id, &o->m.id);
    listing_peer(o->d.roster, &o->m, peer, sizeof(peer));
    show_line(&safe, peer, SIZE_MAX);
    out_line(app, "%s %s %s %.*s", show_words(words, listing_type(&o->m)), id,
             o->m.direction == INDEX_IN ? "from" : "to", (int)safe.len,
             safe.len == 0 ? "" : (const char *)safe.data);
    buf_clear(&safe);
    out_line(app, "Delivery: %s",
             show_words(words, mail_state_name(o->m.state)));
    if (o->state != THREAD_NONE)
        out_line(app, "Case:     %s",
                 listing_is_to_answer(&o->m, o->state)
                     ? listing_state(&o->m, o->state, state)
                     : thread_state_name(o->state));
    if (o->m.state == MAIL_QUEUED && o->m.waiting[0] != '\0')
        out_line(app, "Waits for the %s.", o->m.waiting);
    if (o->m.lost_policy != 0)
        out_line(app, "Restored: the relay's log has lost this packet; the "
                      "receipt kept here still proves it");
    if (o->m.stale_ms != 0) {
        clock_format_span(until, o->m.stale_ms);
        out_line(app, "Sealed with a directory that was %s old.", until);
    }
    if (o->m.state <= MAIL_STORED)
        out_line(app, "Expires:  %s",
                 show_time(until, o->m.not_after_s * 1000));
    show_chain(app, o);
    if (mail_is_overdue(&o->m))
        out_line(app, "Warned:   %s: nobody has collected it",
                 show_time(until, o->m.warned_ms));
}

static bool
may_go_on(const struct mail *m)
{
    return (mail_is_overdue(m) || mail_is_lost(m)) && !mail_is_own_copy(m) &&
           !mail_is_going_on(m) && id_eq(&m->moved_to, &no_packet);
}

static void
next_to_go_on(struct app *app, const struct one *o)
{
    struct mailbox_id deputy;
    char id[9];

    mail_short(id, &o->m.id);
    if (duty_deputy(o->d.roster, &o->m.peer_mailbox, &deputy))
        out_next(app, "phone them, or sealpost readdress %s --deputy", id);
    else
        out_next(app, "phone them, or sealpost readdress %s --to MAILBOX", id);
}

static void
next_of_one(struct app *app, const struct one *o)
{
    char id[9];

    mail_short(id, &o->m.id);
    if (!id_eq(&o->m.moved_to, &no_packet)) {
        mail_short(id, &o->m.moved_to);
        out_next(app, "sealpost status %s", id);
    } else if (listing_is_to_answer(&o->m, o->state))
        out_next(app,
                 "sealpost accept %s, or sealpost decline %s --reason "
                 "WHY",
                 id, id);
    else if (o->m.direction == INDEX_IN)
        out_next(app, "sealpost read %s", id);
    else if (o->m.direction == INDEX_OUT && may_go_on(&o->m))
        next_to_go_on(app, o);
    else if (o->m.state <= MAIL_STORED)
        out_next(app, "sealpost sync");
    else if (mail_is_lost(&o->m))
        out_next(app, "phone them, then send it again");
    else
        out_next(app, "sealpost slip %s", id);
}

static enum err
load_one(struct app *app, const char *id, struct one *o, struct problem *pb)
{
    struct mails all = {0};
    enum err rc = desk_open(app, DESK_OFFLINE, &o->d, pb);

    if (rc == ERR_OK)
        rc = pick_sent_first(app, id, &o->m, pb);
    if (rc == ERR_OK)
        rc = story_load(&o->d, &o->m, &o->story, pb);
    if (rc == ERR_OK)
        rc = mails_load(app, PICK_ANY, &all, pb);
    if (rc == ERR_OK)
        o->state = thread_of(app, &all, &o->m);
    mails_clear(&all);
    return rc;
}

static void
tell_one(struct app *app, struct one *o)
{
    json_t *j = listing_json(&o->d, &o->m, o->state);
    json_t *receipt = story_receipt_json(&o->d, &o->m);

    (void)json_object_update(app->result, j);
    json_decref(j);
    json_put(app->result, "events", story_json(&o->story));
    show_one(app, o);
    show_story(app, o);
    if (o->m.direction == INDEX_OUT && may_go_on(&o->m))
        duty_tell(&o->d, &o->m.peer_mailbox);
    if (o->m.direction != INDEX_IN)
        json_put(app->result, "duty",
                 duty_json(o->d.roster, &o->m.peer_mailbox));
    show_receipt(app, receipt);
    json_put(app->result, "receipt", receipt);
    next_of_one(app, o);
}

static enum err
status_one(struct app *app, const char *id, struct problem *pb)
{
    struct one o = {.state = THREAD_NONE};
    enum err rc = load_one(app, id, &o, pb);

    if (rc == ERR_OK)
        tell_one(app, &o);
    story_clear(&o.story);
    mail_clear(&o.m);
    desk_close(&o.d);
    return rc;
}

/* ---- everything ---- */

/* What is still on its way, or ended without arriving. */
static bool
is_open(const struct mail *m)
{
    return m->direction == INDEX_OUT && !mail_is_own_copy(m) &&
           m->state != MAIL_HANDED_OVER &&
           (m->state != MAIL_WITHDRAWN || mail_is_going_on(m)) &&
           id_eq(&m->moved_to, &no_packet);
}

static void
tell_logs(struct app *app, const struct desk *d)
{
    const struct head *dlv = roster_delivery_head(d->roster);

    out_line(app,
             "Relay %s at %s; its delivery log has %" PRIu64
             " entries, the directory %" PRIu64 ".",
             d->id.relay_name, d->id.relay_address, dlv->size,
             directory_size(roster_directory(d->roster)));
    json_put_str(app->result, "relay", d->id.relay_name);
    json_put_u64(app->result, "delivery_size", dlv->size);
}

static enum err
status_all(struct app *app, struct problem *pb)
{
    struct mails all = {0};
    struct table t = {0};
    struct desk d = {0};
    json_t *rows = json_array();
    enum err rc = desk_open(app, DESK_OFFLINE, &d, pb);

    if (rc == ERR_OK)
        rc = mails_load(app, PICK_ANY, &all, pb);
    for (size_t i = 0; rc == ERR_OK && i < all.n; i++) {
        enum thread_state s;

        if (!is_open(&all.items[i]))
            continue;
        s = thread_of(app, &all, &all.items[i]);
        listing_row(&t, &d, &all.items[i], s);
        (void)json_array_append_new(rows, listing_json(&d, &all.items[i], s));
    }
    table_print(app, &t);
    json_put(app->result, "packets", rows);
    if (rc == ERR_OK) {
        tell_logs(app, &d);
        contact_age(app, d.roster, clock_wall_ms());
        witnesses_tell(d.roster, clock_wall_ms());
        standing_tell(&d, &all, clock_wall_ms());
    }
    mails_clear(&all);
    desk_close(&d);
    return rc;
}

int
cmd_status(struct app *app, int argc, char **argv)
{
    struct problem pb = {0};
    const char *id = NULL;
    size_t n;
    enum err rc = args_parse(argc, argv, NULL, 0, &id, 1, &n, &pb);

    if (rc == ERR_OK)
        rc = n == 0 ? status_all(app, &pb) : status_one(app, id, &pb);
    return rc == ERR_OK ? EXIT_CODE_OK : app_fail(app, &pb);
}
