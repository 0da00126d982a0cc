#include "client/story.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/pick.h"
#include "client/shelf.h"
#include "client/vault.h"
#include "common/bytes.h"
#include "proto/era.h"
#include "proto/receipt.h"

void
story_clear(struct story *s)
{
    free(s->items);
    *s = (struct story){0};
}

static enum err
append(struct story *s, uint64_t index, const struct event *ev)
{
    struct story_event *items = realloc(s->items, (s->n + 1) * sizeof(*items));

    if (items == NULL)
        return ERR_NOMEM;
    s->items = items;
    items[s->n].index = index;
    items[s->n++].ev = *ev;
    return ERR_OK;
}

/* ---- from the log ---- */

static bool
is_about(const struct event *ev, const struct mail *m,
         const struct agency_id *self)
{
    return id_eq(&ev->packet, &m->id) &&
           id_eq(&ev->sender, mail_sender(m, self));
}

static enum err
read_event(const struct desk *d, const struct vault_item *item,
           const struct mail *m, struct story *s, struct problem *pb)
{
    struct buf b = {0};
    struct event ev;
    enum err rc = shelf_get_raw(d->app, REC_EVENT, item->id, &b, pb);

    if (rc != ERR_OK)
        return rc;
    if (b.len < OPENING_LEN ||
        opening_decode(b.data, OPENING_LEN, &ev) != ERR_OK)
        rc = shelf_problem(ERR_VERIFY, pb);
    else if (is_about(&ev, m, &d->id.agency))
        rc = problem_from_err(pb, "the events were not listed",
                              append(s, shelf_number_of(item->id), &ev));
    buf_clear(&b);
    return rc;
}

static enum err
read_events(const struct desk *d, const struct mail *m, struct story *s,
            struct problem *pb)
{
    struct vault_item item;
    size_t pos = 0;
    enum err rc = ERR_OK;

    while (rc == ERR_OK && vault_next(d->app->vault, REC_EVENT, &pos, &item))
        /* Nothing about a packet stands before its stored event.  A colleague's
         * knows the place of its copy only. */
        if (m->direction == INDEX_OWN ||
            shelf_number_of(item.id) >= m->stored_index)
            rc = read_event(d, &item, m, s, pb);
    return rc;
}

/* ---- from the packet ---- */

static const uint8_t end_events[MAIL_STATES] = {
    [MAIL_HANDED_OVER] = EVENT_HANDED_OVER,
    [MAIL_REFUSED] = EVENT_REFUSED,
    [MAIL_WITHDRAWN] = EVENT_WITHDRAWN,
    [MAIL_EXPIRED] = EVENT_EXPIRED,
};

static bool
has_event(const struct story *s, unsigned type)
{
    for (size_t i = 0; i < s->n; i++)
        if (s->items[i].ev.type == type)
            return true;
    return false;
}

static enum err
fill_in(const struct mail *m, struct story *s)
{
    struct event ev = {.packet = m->id, .type = EVENT_STORED};
    enum err rc = ERR_OK;

    ev.time_ms = m->stored_ms;
    if (m->stored_ms != 0 && m->direction != INDEX_OWN &&
        !has_event(s, EVENT_STORED))
        rc = append(s, m->stored_index, &ev);
    if (rc != ERR_OK || story_end(s) != NULL ||
        (unsigned)m->state >= MAIL_STATES || end_events[m->state] == 0)
        return rc;
    ev.type = end_events[m->state];
    ev.time_ms = m->final_ms;
    ev.reason = m->reason;
    return append(s, UINT64_MAX, &ev);
}

static int
by_index(const void *a, const void *b)
{
    const struct story_event *x = a, *y = b;

    return x->index < y->index ? -1 : x->index > y->index;
}

enum err
story_load(const struct desk *d, const struct mail *m, struct story *out,
           struct problem *pb)
{
    struct story s = {0};
    enum err rc = ERR_OK;

    if (m->state != MAIL_QUEUED)
        rc = read_events(d, m, &s, pb);
    if (rc == ERR_OK)
        rc = problem_from_err(pb, "the events were not listed", fill_in(m, &s));
    if (rc != ERR_OK) {
        story_clear(&s);
        return rc;
    }
    if (s.n > 1)
        qsort(s.items, s.n, sizeof(*s.items), by_index);
    *out = s;
    return ERR_OK;
}

const struct story_event *
story_end(const struct story *s)
{
    for (size_t i = 0; i < s->n; i++) {
        const struct event_info *info = event_info(s->items[i].ev.type);

        if (info != NULL && info->is_final)
            return &s->items[i];
    }
    return NULL;
}

void
story_device(const struct roster *r, const struct device_id *id, char *out,
             size_t max)
{
    const struct dir_device *d =
        r == NULL ? NULL : directory_device(roster_directory(r), id);
    char hex[9];

    hex_encode(hex, id->b, 4);
    (void)snprintf(out, max, "%s", d == NULL ? hex : d->label);
}

/* ---- the receipt ---- */

enum err
story_proof(struct app *app, const struct mail *m, struct buf *out,
            struct problem *pb)
{
    uint8_t id[16];
    enum err rc;

    mail_record_id(id, &m->id, m->direction);
    rc = shelf_get_raw(app, REC_PROOF, id, out, pb);
    if (rc != ERR_NOTFOUND)
        return rc;
    (void)problem_set(pb, P_NOT_FOUND, rc, "there is no receipt yet",
                      m->state == MAIL_QUEUED
                          ? "the packet has not reached the relay"
                          : "the relay's proof is not in this vault");
    problem_next(pb, m->state == MAIL_QUEUED ? "run `sealpost sync`"
                                             : "`sealpost status` shows what "
                                               "is known of it");
    return rc;
}

enum err
event_receipt(const struct kept_event *e, struct buf *out)
{
    struct proof p;
    enum err rc = proof_parse(e->proof.data, e->proof.len, &p);

    if (rc != ERR_OK)
        return rc;
    p.has_extra = true;
    p.extra_len = OPENING_LEN;
    memcpy(p.extra, e->opening, OPENING_LEN);
    return proof_format(&p, out);
}

enum err
story_event_proof(const struct desk *d, const struct mail *m, unsigned type,
                  struct buf *out, struct problem *pb)
{
    bool found = false;
    size_t pos = 0;
    enum err rc;

    do {
        struct kept_event e = {0};

        rc = delivery_next(d->app, &pos, &e, pb);
        if (rc == ERR_OK && e.event.type == type &&
            is_about(&e.event, m, &d->id.agency)) {
            found = true;
            buf_reset(out);
            rc = problem_from_err(pb, "the event cannot be shown",
                                  event_receipt(&e, out));
        }
        kept_event_clear(&e);
    } while (rc == ERR_OK);
    if (rc != ERR_NOTFOUND || found)
        return rc == ERR_NOTFOUND ? ERR_OK : rc;
    (void)problem_set(pb, P_NOT_FOUND, rc, "there is no such event",
                      "the relay's log, as this vault knows it, holds no %s "
                      "of that packet",
                      event_name(type));
    problem_next(pb, "`sealpost status ID` lists what it holds");
    return rc;
}

json_t *
story_receipt_json(const struct desk *d, const struct mail *m)
{
    struct problem none = {0};
    struct buf b = {0};
    struct receipt r;
    struct era era;
    json_t *j;

    if (story_proof(d->app, m, &b, &none) != ERR_OK) {
        buf_clear(&b);
        return json_null();
    }
    j = json_object();
    if (era_receipt(roster_directory(d->roster), b.data, b.len, &r, &era) ==
        ERR_OK) {
        json_put_u64(j, "index", r.index);
        json_put_u64(j, "size", r.head.size);
        json_put_u64(j, "time_ms", r.event.time_ms);
        json_put_str(j, "type", event_name(r.event.type));
        json_put_str(j, "relay", era.key.name);
        json_put_bool(j, "lost_in_restore", !era_holds(&era, r.index));
        json_put_bool(j, "verified",
                      id_eq(&r.event.packet, &m->id) &&
                          id_eq(&r.event.pkt_digest, &m->pkt_digest));
    } else {
        json_put_bool(j, "verified", false);
    }
    buf_clear(&b);
    return j;
}

/* ---- for scripts ---- */

json_t *
story_json(const struct story *s)
{
    json_t *list = json_array();

    for (size_t i = 0; i < s->n; i++) {
        static const struct device_id nobody;
        const struct event *ev = &s->items[i].ev;
        json_t *j = json_object();

        json_put_str(j, "type", event_name(ev->type));
        json_put_u64(j, "time_ms", ev->time_ms);
        if (s->items[i].index == UINT64_MAX)
            json_put(j, "index", json_null());
        else
            json_put_u64(j, "index", s->items[i].index);
        if (!id_eq(&ev->actor, &nobody))
            json_put_hex(j, "device", ev->actor.b, sizeof(ev->actor.b));
        if (ev->reason != 0) {
            const char *reason = event_reason_name(ev->type, ev->reason);

            json_put_str(j, "reason", reason == NULL ? "unknown" : reason);
        }
        (void)json_array_append_new(list, j);
    }
    return list;
}
