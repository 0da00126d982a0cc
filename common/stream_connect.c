/*
 * name -> addresses -> one attempt after another -> connected, or closed
 *
 * The deadline's timer, the name that is being resolved (which cannot always be
 * stopped) and the attempt each are a user of this memory and of the stream.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/stream_inside.h"

struct stream_connecting {
    struct stream *s;
    uv_timer_t deadline;
    uv_getaddrinfo_t resolve;
    uv_connect_t attempt;
    struct sockaddr_storage numeric;
    struct addrinfo one;         /* points to numeric */
    struct addrinfo *found;      /* from the resolver, or NULL */
    const struct addrinfo *next; /* to be tried */
    unsigned users;              /* the timer, the resolver, the attempt */
};

static void
connecting_release(struct stream_connecting *c)
{
    struct stream *s = c->s;

    if (--c->users == 0) {
        uv_freeaddrinfo(c->found);
        free(c);
    }
    stream_release(s);
}

static void
on_timer_closed(uv_handle_t *handle)
{
    connecting_release(handle->data);
}

void
stream_connecting_stop(struct stream *s)
{
    struct stream_connecting *c = s->connecting;

    s->connecting = NULL;
    uv_cancel((uv_req_t *)&c->resolve); /* harmless when it is not running */
    uv_close((uv_handle_t *)&c->deadline, on_timer_closed);
}

static void
on_deadline(uv_timer_t *timer)
{
    struct stream_connecting *c = timer->data;

    stream_close(c->s, ERR_TIMEOUT);
}

/* --- attempts ----------------------------------------------------------------
 */

static void try_next(struct stream *s);

static void
on_attempt_closed(uv_handle_t *handle)
{
    struct stream *s = handle->data;

    s->has_handle = false;
    if (s->state == STREAM_CONNECTING)
        try_next(s);
    stream_release(s);
}

static void
give_up_attempt(struct stream *s, int status)
{
    s->detail = status;
    uv_close(&s->h.handle, on_attempt_closed);
}

static void
on_attempt(uv_connect_t *req, int status)
{
    struct stream_connecting *c = req->data;
    struct stream *s = c->s;

    if (s->state == STREAM_CONNECTING && status != 0) {
        give_up_attempt(s, status);
    } else if (s->state == STREAM_CONNECTING) {
        s->detail = 0;
        stream_connecting_stop(s);
        stream_begin(s);
        if (s->state == STREAM_OPEN && s->ev->connected != NULL)
            s->ev->connected(s->arg);
    }
    connecting_release(c);
}

/* An attempt is under way and will call on_attempt(), closed or not. */
static void
hold_attempt(struct stream_connecting *c)
{
    c->attempt.data = c;
    c->users++;
    c->s->users++;
}

static void
try_next(struct stream *s)
{
    struct stream_connecting *c = s->connecting;
    const struct addrinfo *address = c->next;
    int rc;

    if (address == NULL) {
        stream_close(s, ERR_UNREACHABLE);
        return;
    }
    c->next = address->ai_next;
    rc = uv_tcp_init(s->loop, &s->h.tcp);
    if (rc != 0) {
        s->detail = rc;
        stream_close(s, ERR_UNREACHABLE);
        return;
    }
    stream_has_handle(s);
    rc = uv_tcp_connect(&c->attempt, &s->h.tcp, address->ai_addr, on_attempt);
    if (rc == 0)
        hold_attempt(c);
    else
        give_up_attempt(s, rc);
}

/* --- names -------------------------------------------------------------------
 */

static void
on_resolved(uv_getaddrinfo_t *req, int status, struct addrinfo *found)
{
    struct stream_connecting *c = req->data;
    struct stream *s = c->s;

    c->found = found;
    if (s->state == STREAM_CONNECTING) {
        c->next = found;
        s->detail = status;
        if (status == 0)
            try_next(s);
        else
            stream_close(s, ERR_UNREACHABLE);
    }
    connecting_release(c);
}

static bool
is_numeric(struct stream_connecting *c, const char *host, uint16_t port)
{
    return uv_ip4_addr(host, port, (struct sockaddr_in *)&c->numeric) == 0 ||
           uv_ip6_addr(host, port, (struct sockaddr_in6 *)&c->numeric) == 0;
}

static int
find_addresses(struct stream_connecting *c, const char *host, uint16_t port)
{
    const struct addrinfo hints = {.ai_family = AF_UNSPEC,
                                   .ai_socktype = SOCK_STREAM};
    char service[8];
    int rc;

    if (is_numeric(c, host, port)) {
        c->one.ai_addr = (struct sockaddr *)&c->numeric;
        c->next = &c->one;
        try_next(c->s);
        return 0;
    }
    snprintf(service, sizeof(service), "%u", (unsigned)port);
    c->resolve.data = c;
    rc = uv_getaddrinfo(c->s->loop, &c->resolve, on_resolved, host, service,
                        &hints);
    if (rc == 0) {
        c->users++;
        c->s->users++;
    }
    return rc;
}

/* A stream that connects and has its deadline running.  NULL: no memory. */
static struct stream *
connecting_new(uv_loop_t *loop, uint64_t deadline_ms,
               const struct stream_events *ev, void *arg)
{
    struct stream *s = stream_new(loop, STREAM_CONNECTING, ev, arg);
    struct stream_connecting *c = calloc(1, sizeof(*c));

    if (s == NULL || c == NULL || uv_timer_init(loop, &c->deadline) != 0) {
        free(s);
        free(c);
        return NULL;
    }
    c->s = s;
    c->deadline.data = c;
    c->users = 1;
    s->users = 1;
    s->connecting = c;
    uv_update_time(loop);
    uv_timer_start(&c->deadline, on_deadline, deadline_ms, 0);
    return s;
}

struct stream *
stream_connect(uv_loop_t *loop, const char *host, uint16_t port,
               uint64_t deadline_ms, const struct stream_events *ev, void *arg)
{
    struct stream *s = connecting_new(loop, deadline_ms, ev, arg);
    int rc;

    if (s == NULL)
        return NULL;
    rc = find_addresses(s->connecting, host, port);
    if (rc != 0) {
        s->detail = rc;
        stream_close(s, rc == UV_ENOMEM ? ERR_NOMEM : ERR_UNREACHABLE);
    }
    return s;
}

struct stream *
stream_connect_unix(uv_loop_t *loop, const char *path,
                    const struct stream_events *ev, void *arg)
{
    /* The kernel answers at once, or never: a short deadline will do. */
    struct stream *s = connecting_new(loop, 10 * 1000, ev, arg);
    int rc;

    if (s == NULL)
        return NULL;
    rc = uv_pipe_init(loop, &s->h.pipe, 0);
    if (rc != 0) {
        s->detail = rc;
        stream_close(s, ERR_UNREACHABLE);
        return s;
    }
    stream_has_handle(s);
    hold_attempt(s->connecting);
    uv_pipe_connect(&s->connecting->attempt, &s->h.pipe, path, on_attempt);
    return s;
}
