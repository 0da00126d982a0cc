/*
 * upstream.c - one connection to the relay, as calls that block.
 *
 *   CONNECTING -> SHAKING -> GREETING --WELCOME--> READY -> GONE
 *   (a stranger over NK is READY after the handshake)
 *
 * What can go wrong: no way there, somebody else answers, the relay turns the
 * device away after message 3, silence, garbage, bye.  All of it ends in GONE
 * with the first reason; every later call gives ERR_CLOSED.
 */
#include "client/upstream.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/identity.h"
#include "client/upstream_inside.h"
#include "common/clock.h"

/* ---- the loop ---- */

static void
flush(struct upstream *u)
{
    struct buf *out = link_output(u->link);

    if (out->len == 0 || u->stream == NULL)
        return;
    stream_write(u->stream, out->data, out->len);
    buf_clear(out);
}

static void
give_up(struct upstream *u, enum err why)
{
    if (u->why == ERR_OK)
        u->why = why;
    if (u->stream != NULL)
        stream_close(u->stream, why);
}

static void on_link_timer(uv_timer_t *t);

static void
arm(struct upstream *u)
{
    uint64_t now = clock_mono_ms();
    uint64_t next = link_next_ms(u->link);

    (void)uv_timer_start(&u->link_timer, on_link_timer,
                         next > now ? next - now : 1, 0);
}

static void
on_link_timer(uv_timer_t *t)
{
    struct upstream *u = t->data;
    enum err rc = link_tick(u->link, clock_mono_ms());

    flush(u);
    if (rc != ERR_OK)
        give_up(u, rc);
    else
        arm(u);
}

static void
on_deadline(uv_timer_t *t)
{
    struct upstream *u = t->data;

    u->late = true;
}

void
upstream_deadline(struct upstream *u, uint64_t ms)
{
    u->late = false;
    (void)uv_timer_start(&u->deadline, on_deadline, ms, 0);
}

bool
upstream_turn(struct upstream *u)
{
    if (u->stream == NULL || u->late)
        return false;
    (void)uv_run(&u->loop, UV_RUN_ONCE);
    return u->stream != NULL && !u->late;
}

void
upstream_flush(struct upstream *u)
{
    flush(u);
    if (u->stream != NULL)
        arm(u);
}

/* ---- what the link tells ---- */

static void
on_ready(void *arg)
{
    struct upstream *u = arg;

    u->state = u->stranger ? UP_READY : UP_GREETING;
    u->relay_ms = link_relay_unix_ms(u->link);
    u->relay_told_ms = clock_mono_ms();
}

static void
take_welcome(struct upstream *u, const struct msg *m)
{
    u->state = UP_READY;
    buf_put(&u->dir_note, m->f[WELCOME_DIR].p, m->f[WELCOME_DIR].len);
    buf_put(&u->dlv_note, m->f[WELCOME_DLV].p, m->f[WELCOME_DLV].len);
}

/* The answer outlives the event that brought it: its bytes are copied. */
enum err
upstream_take_answer(struct upstream *u, const uint8_t *bytes, size_t len)
{
    enum err rc;

    msg_clear(&u->answer);
    buf_reset(&u->answer_bytes);
    buf_put(&u->answer_bytes, bytes, len);
    rc = buf_status(&u->answer_bytes);
    if (rc == ERR_OK)
        rc = msg_decode(&u->answer, MSG_FROM_RELAY, u->answer_bytes.data, len);
    u->answered = rc == ERR_OK;
    return rc;
}

static void
take_push(struct upstream *u, const struct msg *m)
{
    u->pushes++;
    if (u->events != NULL && u->events->push != NULL)
        u->events->push(u->arg, m);
}

static void
sort_out(struct upstream *u, const struct msg *m, const uint8_t *bytes,
         size_t len)
{
    enum err rc;

    if (u->state == UP_GREETING) {
        if (m->type == MSG_WELCOME)
            take_welcome(u, m);
        else
            give_up(u, ERR_MALFORMED);
    } else if (m->req == 0) {
        take_push(u, m);
    } else if (m->req == u->req && u->asking) {
        if (m->type == MSG_BLOB_AT)
            u->down.handle = (uint32_t)m->f[BLOB_AT_HANDLE].u;
        if (upstream_take_answer(u, bytes, len) != ERR_OK)
            give_up(u, ERR_NOMEM);
    } else if ((rc = upstream_take_ahead(u, m->req, bytes, len)) !=
               ERR_NOTFOUND) {
        if (rc != ERR_OK)
            give_up(u, rc);
    } else if (m->type == MSG_ERROR) {
        /* About an upload whose opening was answered long ago. */
        u->stray_error = (unsigned)m->f[ERROR_CODE].u;
    } else {
        give_up(u, ERR_MALFORMED);
    }
}

static void
on_message(void *arg, const uint8_t *bytes, size_t len)
{
    struct upstream *u = arg;
    struct msg m = {0};

    if (msg_decode(&m, MSG_FROM_RELAY, bytes, len) != ERR_OK) {
        give_up(u, ERR_MALFORMED);
        return;
    }
    sort_out(u, &m, bytes, len);
    msg_clear(&m);
}

static void
on_blob(void *arg, uint32_t handle, uint64_t offset, const uint8_t *bytes,
        size_t len)
{
    struct upstream *u = arg;
    struct download *d = &u->down;

    if (d->write == NULL || handle != d->handle || offset != d->at ||
        len > d->end - d->at) {
        give_up(u, ERR_MALFORMED);
        return;
    }
    if (d->rc == ERR_OK)
        d->rc = d->write(d->arg, offset, bytes, len);
    d->at += len;
}

static void
on_bye(void *arg, uint16_t code)
{
    struct upstream *u = arg;

    u->bye_code = code;
}

static const struct link_events link_events = {
    .ready = on_ready,
    .message = on_message,
    .blob = on_blob,
    .bye = on_bye,
};

/* ---- what the stream tells ---- */

static void
on_connected(void *arg)
{
    struct upstream *u = arg;

    u->state = UP_SHAKING;
    upstream_flush(u);
}

static void
on_bytes(void *arg, const uint8_t *bytes, size_t len)
{
    struct upstream *u = arg;
    enum err rc = link_feed(u->link, bytes, len, clock_mono_ms());

    upstream_flush(u);
    if (rc != ERR_OK)
        give_up(u, rc);
    else
        upstream_deadline(u, u->deadline_ms); /* it moves */
}

static void
on_drained(void *arg)
{
    struct upstream *u = arg;

    upstream_deadline(u, u->deadline_ms);
}

static void
on_closed(void *arg, enum err why)
{
    struct upstream *u = arg;

    if (u->why == ERR_OK)
        u->why = why;
    (void)snprintf(u->detail, sizeof(u->detail), "%s",
                   stream_detail(u->stream));
    u->stream = NULL;
}

const struct stream_events upstream_stream_events = {
    .connected = on_connected,
    .bytes = on_bytes,
    .drained = on_drained,
    .closed = on_closed,
};

/* ---- life ---- */

struct upstream *
upstream_new(const struct link_client_config *cfg, unsigned deadline_ms)
{
    struct upstream *u = calloc(1, sizeof(*u));

    if (u == NULL)
        return NULL;
    u->deadline_ms = deadline_ms;
    u->stranger = cfg->suite == LINK_NK;
    u->link = link_new_client(cfg, &link_events, u, clock_mono_ms());
    if (u->link == NULL || uv_loop_init(&u->loop) != 0) {
        link_free(u->link);
        free(u);
        return NULL;
    }
    (void)uv_timer_init(&u->loop, &u->link_timer);
    (void)uv_timer_init(&u->loop, &u->deadline);
    u->link_timer.data = u;
    u->deadline.data = u;
    return u;
}

void
upstream_close(struct upstream *u)
{
    if (u == NULL)
        return;
    if (u->stream != NULL)
        stream_close(u->stream, ERR_CANCELLED);
    uv_close((uv_handle_t *)&u->link_timer, NULL);
    uv_close((uv_handle_t *)&u->deadline, NULL);
    while (uv_run(&u->loop, UV_RUN_DEFAULT) != 0)
        ;
    (void)uv_loop_close(&u->loop);
    link_free(u->link);
    msg_clear(&u->answer);
    buf_clear(&u->answer_bytes);
    for (size_t i = 0; i < UPSTREAM_AHEAD; i++)
        buf_clear(&u->ahead[i].bytes);
    buf_clear(&u->dir_note);
    buf_clear(&u->dlv_note);
    free(u);
}

struct span
upstream_directory_checkpoint(const struct upstream *u)
{
    return (struct span){u->dir_note.data, u->dir_note.len};
}

struct span
upstream_delivery_checkpoint(const struct upstream *u)
{
    return (struct span){u->dlv_note.data, u->dlv_note.len};
}

uint64_t
upstream_relay_ms(const struct upstream *u)
{
    return u->relay_ms + (clock_mono_ms() - u->relay_told_ms);
}

bool
upstream_is_alive(const struct upstream *u)
{
    return u->stream != NULL;
}

enum err
upstream_wait(struct upstream *u, uint64_t max_ms, unsigned *bye_code)
{
    unsigned before = u->pushes;
    uint64_t end = clock_mono_ms() + max_ms;
    uint64_t now;

    while (u->stream != NULL && u->pushes == before &&
           (now = clock_mono_ms()) < end) {
        u->late = false;
        (void)uv_timer_start(&u->deadline, on_deadline, end - now, 0);
        (void)uv_run(&u->loop, UV_RUN_ONCE);
    }
    if (u->pushes != before)
        return ERR_OK;
    if (u->stream != NULL)
        return ERR_TIMEOUT;
    *bye_code = u->bye_code;
    return ERR_CLOSED;
}
