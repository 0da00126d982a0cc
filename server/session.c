#include "server/session.h"

#include <stdlib.h>
#include <string.h>

#include <uv.h>

#include "common/bytes.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/stream.h"
#include "proto/link.h"
#include "server/handlers.h"
#include "server/listener.h"
#include "server/mailroom.h"
#include "server/relay.h"
#include "server/statements.h"
#include "server/task.h"
#include "server/transfer.h"

enum {
    /* A client that asks and does not read is read no more above this. */
    UNSENT_MAX = 1024 * 1024,
    PUSHED_MAX = 4 * 1024 * 1024, /* unread pushes end the session above it */
    CLOSE_MS = 3000,              /* for the last bytes to leave */
    TASKS_MAX = 64,               /* writes of one session under way */
};

enum session_state { HANDSHAKE, GREETING, READY, CLOSING };

struct session {
    struct list_node node;  /* in relay->sessions */
    struct list_node guest; /* in relay->guests until a device is known */
    struct relay *relay;
    struct stream *stream;
    struct link *link;
    uv_timer_t timer; /* the link's deadline, or that of closing */
    /* Whole messages that one read brought after a pause: u32 length, bytes.
     * Bounded by that read and the message it completes. */
    struct buf backlog;
    enum session_state state;
    bool mail;
    bool crowded; /* too many tasks or unsent bytes: one pause is held */
    bool stream_gone, timer_gone;
    unsigned pauses;
    size_t task_count;
    const struct dir_device *device;
    struct list tasks;
    struct mailroom mailroom;
    struct transfers *transfers;
    struct address address;
};

/* ---- sending ---- */

static void
flush(struct session *s)
{
    struct buf *out = link_output(s->link);

    if (out->len == 0 || s->stream_gone)
        return;
    stream_write(s->stream, out->data, out->len);
    buf_clear(out);
}

static void
check_crowded(struct session *s)
{
    bool crowded = session_unsent(s) > UNSENT_MAX || s->task_count >= TASKS_MAX;

    if (crowded == s->crowded)
        return;
    s->crowded = crowded;
    if (crowded)
        session_pause(s);
    else
        session_resume(s);
}

void
session_send(struct session *s, enum msg_type type, uint32_t req,
             const struct msg_field *f, unsigned n)
{
    struct buf b = {0};
    enum err rc;

    if (s->state == CLOSING)
        return;
    rc = msg_encode(&b, MSG_FROM_RELAY, type, req, f, n);
    if (rc == ERR_OK)
        rc = link_send_msg(s->link, b.data, b.len, clock_mono_ms());
    buf_clear(&b);
    if (rc != ERR_OK)
        session_close(s, BYE_PROTOCOL, rc);
    flush(s);
    check_crowded(s);
}

void
session_push(struct session *s, enum msg_type type, const struct msg_field *f,
             unsigned n)
{
    if (session_unsent(s) > PUSHED_MAX)
        session_close(s, BYE_IDLE, ERR_TIMEOUT);
    else
        session_send(s, type, 0, f, n);
}

void
session_blob(struct session *s, uint32_t handle, uint64_t offset,
             const uint8_t *bytes, size_t len)
{
    if (s->state == CLOSING)
        return;
    if (link_send_blob(s->link, handle, offset, bytes, len, clock_mono_ms()) !=
        ERR_OK)
        session_close(s, BYE_PROTOCOL, ERR_NOMEM);
    flush(s);
}

size_t
session_unsent(const struct session *s)
{
    return s->stream_gone ? 0 : stream_unsent(s->stream);
}

void
session_pause(struct session *s)
{
    if (s->pauses++ == 0 && !s->stream_gone)
        stream_pause(s->stream);
}

static void on_deadline(uv_timer_t *t);

/* What waits goes first, and not from inside whoever calls this. */
void
session_resume(struct session *s)
{
    if (--s->pauses > 0 || s->stream_gone || s->state == CLOSING)
        return;
    if (s->backlog.len > 0)
        (void)uv_timer_start(&s->timer, on_deadline, 0, 0);
    else
        stream_resume(s->stream);
}

/* ---- ending ---- */

static void
free_when_gone(struct session *s)
{
    if (!s->stream_gone || !s->timer_gone)
        return;
    link_free(s->link);
    buf_clear(&s->backlog);
    free(s);
}

static void
on_timer_closed(uv_handle_t *h)
{
    struct session *s = h->data;

    s->timer_gone = true;
    free_when_gone(s);
}

static void
leave_guests(struct session *s)
{
    if (!list_is_linked(&s->guest))
        return;
    list_remove(&s->guest);
    s->relay->guest_count--;
}

/* Everything that others know of this session is taken back here. */
static void
leave(struct session *s)
{
    struct list_node *n;

    s->state = CLOSING;
    if (s->device != NULL)
        listener_leave_device(s->relay, &s->device->id);
    while ((n = list_first(&s->tasks)) != NULL)
        task_orphan(list_entry(n, struct task, node));
    if (s->mail && map_find(&s->relay->mailrooms, s->device->id.b) == s)
        mailroom_close(s);
    statements_forget(s->relay->statements, s);
    transfers_close(s->transfers);
    s->transfers = NULL;
}

static void
on_closed(void *arg, enum err why)
{
    struct session *s = arg;

    (void)why;
    if (s->state != CLOSING)
        leave(s);
    s->stream_gone = true;
    listener_forget(s->relay, &s->address);
    leave_guests(s);
    list_remove(&s->node);
    s->relay->session_count--;
    uv_close((uv_handle_t *)&s->timer, on_timer_closed);
    free_when_gone(s);
}

static void
on_close_timeout(uv_timer_t *t)
{
    struct session *s = t->data;

    if (!s->stream_gone)
        stream_close(s->stream, ERR_TIMEOUT);
}

void
session_close(struct session *s, uint16_t bye, enum err why)
{
    if (s->state == CLOSING)
        return;
    if (bye != 0 && link_is_ready(s->link))
        link_bye(s->link, bye);
    else
        link_stop(s->link);
    leave(s);
    flush(s);
    stream_finish(s->stream, why);
    (void)uv_timer_start(&s->timer, on_close_timeout, CLOSE_MS, 0);
}

void
session_drop(struct session *s, enum err why)
{
    if (s->state != CLOSING) {
        link_stop(s->link);
        leave(s);
    }
    leave_guests(s);
    if (!s->stream_gone)
        stream_reset(s->stream, why);
}

/* ---- time ---- */

static void arm(struct session *s);
static void take_backlog(struct session *s);

static void
on_deadline(uv_timer_t *t)
{
    struct session *s = t->data;
    enum err rc = link_tick(s->link, clock_mono_ms());

    if (rc != ERR_OK)
        session_close(s, 0, rc); /* the link queued its own bye */
    else
        take_backlog(s);
    if (s->state == CLOSING)
        return;
    arm(s);
    flush(s);
}

static void
arm(struct session *s)
{
    uint64_t now = clock_mono_ms();
    uint64_t next = link_next_ms(s->link);

    (void)uv_timer_start(&s->timer, on_deadline, next > now ? next - now : 1,
                         0);
}

/* ---- the link's events ---- */

static bool
on_who(void *arg, const struct link_peer *peer)
{
    struct session *s = arg;
    const struct dir_device *d =
        directory_device(s->relay->directory, &peer->device);

    if (d == NULL || !id_eq(&d->agency->id, &peer->agency) ||
        !crypto_equal(d->transport_key.b, peer->key.b, sizeof(peer->key.b)) ||
        !device_is_live(d, clock_wall_ms() / 1000) ||
        !listener_take_device(s->relay, &d->id))
        return false;
    s->device = d;
    leave_guests(s);
    return true;
}

static void
on_ready(void *arg)
{
    struct session *s = arg;

    s->relay->stats.handshakes++;
    if (s->device == NULL) {
        s->state = READY;
        return;
    }
    s->state = GREETING;
    welcome_send(s);
}

static unsigned
caller_bit(const struct session *s)
{
    return s->device == NULL ? MAY_STRANGER : 1u << s->device->agency->class;
}

/* A suspended agency may learn that it is, and nothing else. */
static bool
is_allowed_suspended(unsigned type)
{
    return type == MSG_DIR_GET || type == MSG_CONSISTENCY_GET ||
           type == MSG_PROOF_GET || type == MSG_COSIGNED_GET;
}

static void
dispatch(struct session *s, const struct msg *m, const uint8_t *bytes,
         size_t len)
{
    handler_fn *handle = handler_of(m->type);

    if (handle == NULL || (m->spec->may & caller_bit(s)) == 0)
        session_error(s, m->req, PERR_DENIED, m->spec->name);
    else if (s->device != NULL && s->device->agency->suspended &&
             !is_allowed_suspended(m->type))
        session_error(s, m->req, PERR_SENDER, "the agency is suspended");
    else
        handle(s, m, bytes, len);
}

static void
become_ready(struct session *s, const struct msg *m)
{
    if (m->type != MSG_WELCOME || !welcome_take(s, m)) {
        session_close(s,
                      s->relay->fatal != ERR_OK ? BYE_STOPPING : BYE_PROTOCOL,
                      ERR_MALFORMED);
        return;
    }
    s->state = READY;
    s->mail = m->f[WELCOME_MAIL].u == 1;
    if (s->mail)
        mailroom_open(s);
}

static void
take_message(struct session *s, const uint8_t *bytes, size_t len)
{
    struct msg m;
    enum err rc = msg_decode(&m, MSG_FROM_CLIENT, bytes, len);

    if (rc != ERR_OK) {
        session_close(s, BYE_PROTOCOL, rc);
        return;
    }
    s->relay->stats.messages++;
    if (s->state == GREETING)
        become_ready(s, &m);
    else if (m.type == MSG_WELCOME)
        session_close(s, BYE_PROTOCOL, ERR_MALFORMED);
    else
        dispatch(s, &m, bytes, len);
    msg_clear(&m);
}

/* One read may bring hundreds of questions with large answers: they are
 * answered as fast as the client reads. */
static void
on_message(void *arg, const uint8_t *bytes, size_t len)
{
    struct session *s = arg;

    if (s->pauses == 0 && s->backlog.len == 0) {
        take_message(s, bytes, len);
        return;
    }
    buf_u32(&s->backlog, (uint32_t)len);
    buf_put(&s->backlog, bytes, len);
    if (buf_status(&s->backlog) != ERR_OK)
        session_close(s, BYE_STOPPING, ERR_NOMEM);
}

static void
take_backlog(struct session *s)
{
    if (s->backlog.len == 0)
        return;
    while (s->pauses == 0 && s->backlog.len > 0 && s->state != CLOSING) {
        size_t len = get_u32(s->backlog.data);

        take_message(s, s->backlog.data + 4, len);
        buf_drop(&s->backlog, 4 + len);
    }
    if (s->backlog.len > 0 || s->state == CLOSING)
        return;
    buf_clear(&s->backlog);
    if (s->pauses == 0)
        stream_resume(s->stream);
}

static void
on_blob(void *arg, uint32_t handle, uint64_t offset, const uint8_t *bytes,
        size_t len)
{
    struct session *s = arg;

    if (s->state != READY || !transfer_bytes(s, handle, offset, bytes, len))
        session_close(s, BYE_PROTOCOL, ERR_MALFORMED);
}

static const struct link_events link_events = {
    .who = on_who,
    .ready = on_ready,
    .message = on_message,
    .blob = on_blob,
};

/* ---- the stream's events ---- */

static void
on_bytes(void *arg, const uint8_t *bytes, size_t len)
{
    struct session *s = arg;
    enum err rc;

    if (s->state == CLOSING)
        return;
    rc = link_feed(s->link, bytes, len, clock_mono_ms());
    if (s->state == CLOSING)
        return;
    flush(s);
    if (rc != ERR_OK)
        session_close(s, 0, rc);
    else if (s->state == READY)
        check_crowded(s);
}

static void
on_drained(void *arg)
{
    struct session *s = arg;

    if (s->state != READY)
        return;
    check_crowded(s);
    transfers_pump(s->transfers);
    if (s->mail)
        mailroom_pump(s);
}

static const struct stream_events stream_events = {
    .bytes = on_bytes,
    .drained = on_drained,
    .closed = on_closed,
};

struct session *
session_open(struct relay *r, struct stream *stream)
{
    struct session *s = calloc(1, sizeof(*s));
    struct link_relay_config cfg = {
        .secret = &r->keys->transport,
        .relay_name = r->keys->name,
        .unix_ms = clock_wall_ms(),
    };

    if (s == NULL)
        goto fail;
    s->relay = r;
    s->stream = stream;
    list_init(&s->tasks);
    s->link = link_new_relay(&cfg, &link_events, s, clock_mono_ms());
    if (s->link == NULL)
        goto fail;
    stream_peer_address(stream, s->address.b);
    address_of_customer(&s->address);
    (void)uv_timer_init(&r->loop, &s->timer);
    s->timer.data = s;
    list_push_back(&r->sessions, &s->node);
    r->session_count++;
    list_push_back(&r->guests, &s->guest);
    r->guest_count++;
    arm(s);
    stream_start(stream, &stream_events, s);
    return s;
fail:
    free(s);
    stream_close(stream, ERR_NOMEM);
    return NULL;
}

void
session_recheck(struct session *s)
{
    if (s->device == NULL || s->state == CLOSING)
        return;
    if (!device_is_live(s->device, clock_wall_ms() / 1000))
        session_close(s, BYE_AUTHORITY, ERR_REFUSED);
    else if (s->mail && s->state == READY)
        mailroom_pump(s); /* lifted suspension, new mailboxes */
}

/* ---- small ones ---- */

struct relay *
session_relay(struct session *s)
{
    return s->relay;
}

const struct dir_device *
session_device(const struct session *s)
{
    return s->device;
}

bool
session_is_mail(const struct session *s)
{
    return s->mail && s->state == READY;
}

bool
session_may_write(const struct session *s)
{
    return listener_may_write(s->relay, &s->address);
}

struct list *
session_tasks(struct session *s)
{
    s->task_count++;
    return &s->tasks;
}

void
session_task_done(struct session *s)
{
    s->task_count--;
    if (s->state == READY)
        check_crowded(s);
}

struct session *
session_from_node(struct list_node *n)
{
    return list_entry(n, struct session, node);
}

struct session *
session_from_guest(struct list_node *n)
{
    return list_entry(n, struct session, guest);
}

struct mailroom *
session_mailroom(struct session *s)
{
    return &s->mailroom;
}

struct transfers *
session_transfers(struct session *s)
{
    if (s->transfers == NULL && s->state == READY)
        s->transfers = transfers_new(s);
    return s->transfers;
}
