#include "client/desk.h"

#include <stdlib.h>
#include <string.h>

#include "client/joining.h"
#include "client/sync.h"
#include "client/witnesses.h"

bool
is_passing(enum err e)
{
    return e == ERR_UNREACHABLE || e == ERR_CLOSED || e == ERR_TIMEOUT ||
           e == ERR_BUSY;
}

/* ---- pushes ---- */

static void
copy(struct buf *out, const struct msg_field *f)
{
    buf_put(out, f->p, f->len);
}

static void
queue_delivery(struct desk *d, const struct msg *m)
{
    struct delivery *x = calloc(1, sizeof(*x));

    /* Without memory it is not taken; it comes again with the next session. */
    if (x == NULL)
        return;
    msg_copy(x->sender.b, &m->f[DELIVER_SENDER], sizeof(x->sender.b));
    x->slot = (unsigned)m->f[DELIVER_SLOT].u;
    copy(&x->hdr, &m->f[DELIVER_HDR]);
    copy(&x->wrap, &m->f[DELIVER_WRAP]);
    copy(&x->wrap_hashes, &m->f[DELIVER_WRAP_HASHES]);
    copy(&x->body, &m->f[DELIVER_BODY]);
    copy(&x->proof, &m->f[DELIVER_STORED_PROOF]);
    if (buf_status(&x->hdr) != ERR_OK || buf_status(&x->wrap) != ERR_OK ||
        buf_status(&x->wrap_hashes) != ERR_OK ||
        buf_status(&x->body) != ERR_OK || buf_status(&x->proof) != ERR_OK) {
        delivery_free(x);
        return;
    }
    if (d->last == NULL)
        d->first = x;
    else
        d->last->next = x;
    d->last = x;
}

static void
on_push(void *arg, const struct msg *m)
{
    struct desk *d = arg;

    if (m->type == MSG_DELIVER)
        queue_delivery(d, m);
    else if (m->type == MSG_EVENTS)
        d->events_due = true;
    else if (m->type == MSG_DIR)
        d->directory_due = true;
}

struct delivery *
desk_next(struct desk *d)
{
    struct delivery *x = d->first;

    if (x == NULL)
        return NULL;
    d->first = x->next;
    if (d->first == NULL)
        d->last = NULL;
    x->next = NULL;
    return x;
}

void
delivery_free(struct delivery *x)
{
    if (x == NULL)
        return;
    buf_clear(&x->hdr);
    buf_clear(&x->wrap);
    buf_clear(&x->wrap_hashes);
    buf_clear(&x->body);
    buf_clear(&x->proof);
    free(x);
}

void
desk_tell(struct desk *d, const char *event, const struct packet_id *id)
{
    if (d->happened != NULL)
        d->happened(d->happened_arg, event, id);
}

/* ---- life ---- */

static enum err
finish_join(struct app *app, struct problem *pb)
{
    struct identity id;
    unsigned state = 0;
    enum err rc = identity_load(app, &id, pb);

    if (rc != ERR_OK)
        return rc;
    if (id.state == IDENTITY_WAITING)
        rc = joining_advance(app, &id, &state, pb);
    identity_clear(&id);
    return rc;
}

enum err
desk_open(struct app *app, enum desk_line line, struct desk *d,
          struct problem *pb)
{
    enum err rc = app_unlock(app, pb);

    memset(d, 0, sizeof(*d));
    d->app = app;
    if (rc == ERR_OK && line == DESK_ONLINE)
        rc = finish_join(app, pb);
    if (rc == ERR_OK)
        rc = identity_require(app, &d->id, pb);
    if (rc == ERR_OK)
        rc = roster_open(app, &d->id, &d->roster, pb);
    if (rc != ERR_OK)
        desk_close(d);
    return rc;
}

enum err
desk_connect(struct desk *d, bool mail, struct problem *pb)
{
    static const struct upstream_events events = {.push = on_push};
    struct buf dir = {0};
    struct buf dlv = {0};
    struct upstream_options opt = {.mail = mail, .events = &events, .arg = d};
    enum err rc;

    roster_note(d->roster, LOG_DIRECTORY, &dir);
    roster_note(d->roster, LOG_DELIVERY, &dlv);
    opt.directory_checkpoint = (struct span){dir.data, dir.len};
    opt.delivery_checkpoint = (struct span){dlv.data, dlv.len};
    rc = upstream_open(&d->id, &opt, &d->up, pb);
    if (rc == ERR_OK)
        rc = sync_welcome(d->up, d->roster, pb);
    if (rc == ERR_OK)
        rc = witnesses_fetch(d, pb);
    if (rc != ERR_OK)
        desk_disconnect(d);
    buf_clear(&dir);
    buf_clear(&dlv);
    return rc;
}

void
desk_disconnect(struct desk *d)
{
    struct delivery *x;

    upstream_close(d->up);
    d->up = NULL;
    /* What was not receipted comes again. */
    while ((x = desk_next(d)) != NULL)
        delivery_free(x);
    d->events_due = false;
    d->directory_due = false;
}

void
desk_close(struct desk *d)
{
    desk_disconnect(d);
    roster_close(d->roster);
    d->roster = NULL;
    identity_clear(&d->id);
}

enum err
desk_reload(struct desk *d, struct problem *pb)
{
    struct roster *fresh;
    enum err rc = roster_open(d->app, &d->id, &fresh, pb);

    if (rc != ERR_OK)
        return rc;
    roster_close(d->roster);
    d->roster = fresh;
    return ERR_OK;
}
