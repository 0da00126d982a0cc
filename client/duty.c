#include "client/duty.h"

#include <stdio.h>

#include "client/table.h"
#include "common/clock.h"

#define HOUR_MS UINT64_C(3600000)
enum { LATE_HOURS = 2, CONTACT_COLUMNS = 200 };

static const struct mailbox_id nowhere;

/* ---- when it was collected ---- */

enum err
collected_ask(struct desk *d, const struct mailbox_id *mailbox,
              struct collected *out, struct problem *pb)
{
    struct msg_field f[] = {
        [COLLECTED_GET_MAILBOX] = msg_bin(mailbox->b, sizeof(mailbox->b)),
    };
    const struct msg *m;
    enum err rc;

    *out = (struct collected){0};
    if (d->up == NULL)
        return ERR_OK;
    rc = upstream_call(d->up, MSG_COLLECTED_GET, f, 1, MSG_COLLECTED, &m, NULL,
                       pb);
    if (rc != ERR_OK)
        return rc;
    out->is_known = true;
    out->is_shown = m->f[COLLECTED_SHOWN].u != 0;
    out->is_now = m->f[COLLECTED_NOW].u != 0;
    out->time_s = m->f[COLLECTED_TIME_S].u;
    return ERR_OK;
}

bool
collected_is_late(const struct collected *c, uint64_t now_ms)
{
    return c->is_known && c->is_shown && !c->is_now &&
           now_ms > c->time_s * 1000 + LATE_HOURS * HOUR_MS;
}

json_t *
collected_json(const struct collected *c, uint64_t now_ms)
{
    json_t *j = json_object();

    json_put_bool(j, "known", c->is_known);
    json_put_bool(j, "shown", c->is_shown);
    json_put_bool(j, "now", c->is_now);
    if (c->time_s != 0)
        json_put_u64(j, "time_ms", c->time_s * 1000);
    else
        json_put(j, "time_ms", json_null());
    json_put_bool(j, "late", collected_is_late(c, now_ms));
    return j;
}

/* ---- whom to reach ---- */

static const struct dir_mailbox *
find(const struct roster *r, const struct mailbox_id *id)
{
    return directory_mailbox(roster_directory(r), id);
}

bool
duty_deputy(const struct roster *r, const struct mailbox_id *mailbox,
            struct mailbox_id *out)
{
    const struct dir_mailbox *mb = find(r, mailbox);
    const struct dir_mailbox *deputy =
        mb == NULL || id_eq(&mb->deputy, &nowhere) ? NULL
                                                   : find(r, &mb->deputy);

    if (deputy == NULL || deputy->state != MAILBOX_OPEN ||
        deputy->agency->suspended)
        return false;
    *out = deputy->id;
    return true;
}

static void
put_contact(const struct roster *r, const struct mailbox_id *id,
            struct buf *out)
{
    const struct dir_mailbox *mb = find(r, id);

    if (mb != NULL && mb->contact[0] != '\0')
        show_line(out, mb->contact, CONTACT_COLUMNS);
}

static void
put_name(const struct roster *r, const struct mailbox_id *id, struct buf *out)
{
    char name[256];

    roster_mailbox_name(r, id, name, sizeof(name));
    show_line(out, name, CONTACT_COLUMNS);
}

static void
note(struct app *app, const char *label, struct buf *text)
{
    if (buf_status(text) == ERR_OK && text->len > 0)
        out_note(app, "  %-9s %.*s", label, (int)text->len,
                 (const char *)text->data);
    buf_clear(text);
}

void
duty_tell(struct desk *d, const struct mailbox_id *mailbox)
{
    struct buf text = {0};
    struct mailbox_id deputy;

    put_contact(d->roster, mailbox, &text);
    if (text.len == 0)
        buf_str(&text, "no duty contact is named");
    note(d->app, "Phone:", &text);
    if (!duty_deputy(d->roster, mailbox, &deputy))
        return;
    put_name(d->roster, &deputy, &text);
    buf_str(&text, "  ");
    put_contact(d->roster, &deputy, &text);
    note(d->app, "Deputy:", &text);
}

static void
put_id(json_t *j, const struct roster *r, const struct mailbox_id *id)
{
    const struct dir_mailbox *mb = find(r, id);
    char name[256];

    roster_mailbox_name(r, id, name, sizeof(name));
    json_put_hex(j, "mailbox_id", id->b, sizeof(id->b));
    json_put_str(j, "mailbox", name);
    json_put_str(j, "contact", mb == NULL ? "" : mb->contact);
}

json_t *
duty_json(const struct roster *r, const struct mailbox_id *mailbox)
{
    json_t *j = json_object();
    json_t *other = json_null();
    struct mailbox_id deputy;

    put_id(j, r, mailbox);
    if (duty_deputy(r, mailbox, &deputy)) {
        other = json_object();
        put_id(other, r, &deputy);
    }
    json_put(j, "deputy", other);
    return j;
}

/* ---- before something urgent is sealed ---- */

static void
say_when(struct desk *d, const char *name, const struct collected *c,
         uint64_t now_ms)
{
    char at[CLOCK_TEXT_MAX];
    char span[CLOCK_TEXT_MAX];

    if (!c->is_known) {
        out_note(d->app,
                 "It is not known when %s was last collected: there is "
                 "no connection.",
                 name);
    } else if (!c->is_shown) {
        out_note(d->app, "This relay does not tell when %s was last collected.",
                 name);
    } else if (c->is_now) {
        out_note(d->app, "%s is connected now, says the relay.", name);
    } else if (c->time_s == 0) {
        out_note(d->app, "NOBODY has ever collected from %s, says the relay.",
                 name);
    } else {
        uint64_t ms = c->time_s * 1000;

        clock_format_span(span, now_ms > ms ? now_ms - ms : 0);
        out_note(
            d->app,
            "%s was last collected at %s (about %s ago; the relay tells it "
            "to a quarter of an hour).",
            name, show_time(at, ms), span);
    }
}

void
duty_tell_collected(struct desk *d, const struct mailbox_id *mailbox,
                    const struct collected *c, uint64_t now_ms)
{
    struct buf name = {0};
    struct mailbox_id deputy;

    put_name(d->roster, mailbox, &name);
    buf_u8(&name, 0);
    if (buf_status(&name) == ERR_OK)
        say_when(d, (const char *)name.data, c, now_ms);
    buf_clear(&name);
    if (collected_is_late(c, now_ms))
        out_note(d->app,
                 "Nobody has collected there for hours: phone them now%s.",
                 duty_deputy(d->roster, mailbox, &deputy)
                     ? ", or send it to the deputy"
                     : "");
    duty_tell(d, mailbox);
}
