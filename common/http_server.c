/*
 * libuv accepts, libmicrohttpd reads and writes: it has an epoll descriptor of
 * its own, which the loop polls, and a timeout, which is asked for again after
 * every run.
 *
 * on_accepted -> bounds -> MHD_add_connection -> on_connection (a visit)
 *   -> requests (http_server_answer.c), each within the visit's deadline
 *   -> on_connection again, closed
 *
 * libmicrohttpd ends connections that are silent.  One that is merely slow is
 * ended by us: its socket is shut down, and libmicrohttpd finds it so.
 */
#include "common/http_server_inside.h"

#include <stdlib.h>
#include <string.h>

#include "common/clock.h"

enum { BACKLOG = 511 };

const struct http_limits http_limits_default = {
    .connections_max = 512,
    .connections_per_address_max = 32,
    .requests_per_s = 100,
    .requests_burst = 400,
    .head_max = 8 * 1024,
    .body_max = 64 * 1024,
    .idle_s = 15,
    .request_s = 60,
};

/* --- running ---------------------------------------------------------------
 */

static void shut(struct http_server *s);
static void on_timer(uv_timer_t *timer);

static void
arm(struct http_server *s)
{
    struct list_node *first = list_first(&s->visits);
    uint64_t now = clock_mono_ms();
    uint64_t wait = UINT64_MAX;
    MHD_UNSIGNED_LONG_LONG ms;

    if (s->resumed)
        wait = 0;
    else if (MHD_get_timeout(s->mhd, &ms) == MHD_YES)
        wait = ms;
    if (first != NULL) {
        uint64_t at = list_entry(first, struct visit, node)->deadline_ms;
        uint64_t left = at > now ? at - now : 0;

        wait = left < wait ? left : wait;
    }
    if (wait == UINT64_MAX)
        (void)uv_timer_stop(&s->timer);
    else /* a millisecond late is better than many turns too early */
        (void)uv_timer_start(&s->timer, on_timer, wait == 0 ? 0 : wait + 1, 0);
}

static void
run(struct http_server *s)
{
    s->inside = true;
    s->resumed = false;
    (void)MHD_run(s->mhd);
    s->inside = false;
    if (s->closing)
        shut(s);
    else
        arm(s);
}

static void
on_poll(uv_poll_t *poll, int status, int events)
{
    (void)status;
    (void)events;
    run(poll->data);
}

static void
end_slow_visits(struct http_server *s)
{
    uint64_t now = clock_mono_ms();
    struct list_node *n;

    while ((n = list_first(&s->visits)) != NULL) {
        struct visit *v = list_entry(n, struct visit, node);

        if (v->deadline_ms > now)
            return;
        list_remove(n);
        (void)shutdown(v->fd, SHUT_RDWR);
    }
}

static void
on_timer(uv_timer_t *timer)
{
    struct http_server *s = timer->data;

    end_slow_visits(s);
    run(s);
}

void
http_server_wake(struct http_server *s)
{
    s->resumed = true;
    (void)uv_timer_start(&s->timer, on_timer, 0, 0);
}

/* --- connections -----------------------------------------------------------
 */

struct visit *
http_visit_of(struct MHD_Connection *conn)
{
    return MHD_get_connection_info(conn, MHD_CONNECTION_INFO_SOCKET_CONTEXT)
        ->socket_context;
}

void
http_visit_again(struct visit *v)
{
    list_remove(&v->node);
    v->deadline_ms =
        clock_mono_ms() + (uint64_t)v->server->limits.request_s * 1000;
    list_push_back(&v->server->visits, &v->node);
}

static void
visit_end(struct visit *v)
{
    list_remove(&v->node);
    v->server->stats.connections--;
    http_visitors_leave(&v->server->visitors, v->visitor);
    free(v);
}

static void
on_connection(void *arg, struct MHD_Connection *conn, void **context,
              enum MHD_ConnectionNotificationCode code)
{
    struct http_server *s = arg;

    (void)conn;
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        *context = s->arriving;
        s->arriving = NULL;
    } else if (*context != NULL) {
        visit_end(*context);
        *context = NULL;
    }
}

/* NULL: above a bound, or no memory.  Up to twice an address's bound a
 * connection is taken, so that the client can be told. */
static struct visit *
visit_begin(struct http_server *s, const struct stream *st)
{
    unsigned max = s->limits.connections_per_address_max;
    uint8_t address[16];
    struct http_visitor *visitor;
    struct visit *v;

    if (s->stats.connections >= s->limits.connections_max)
        return NULL;
    stream_peer_address(st, address);
    visitor = http_visitors_enter(&s->visitors, address);
    if (visitor == NULL)
        return NULL;
    v = visitor->connections > 2 * max ? NULL : calloc(1, sizeof(*v));
    if (v == NULL) {
        http_visitors_leave(&s->visitors, visitor);
        return NULL;
    }
    v->server = s;
    v->visitor = visitor;
    v->is_over = visitor->connections > max;
    s->stats.connections++;
    http_visit_again(v);
    return v;
}

/* libmicrohttpd wants an address and is not asked about it again. */
static void
add_connection(struct http_server *s, int fd)
{
    static const struct sockaddr_in nobody = {.sin_family = AF_INET};

    (void)MHD_add_connection(s->mhd, fd,
                             (const struct sockaddr *)(const void *)&nobody,
                             sizeof(nobody));
    if (s->arriving != NULL)
        visit_end(s->arriving);
    s->arriving = NULL;
}

static void
on_accepted(void *arg, struct stream *st)
{
    struct http_server *s = arg;
    struct visit *v = s->closing ? NULL : visit_begin(s, st);

    if (v == NULL) {
        s->stats.turned_away_total++;
        stream_reset(st, ERR_REFUSED);
        return;
    }
    v->fd = stream_into_socket(st);
    if (v->fd < 0) {
        s->stats.turned_away_total++;
        visit_end(v);
        return;
    }
    s->stats.connections_total++;
    s->arriving = v;
    add_connection(s, v->fd);
    arm(s);
}

/* --- life ------------------------------------------------------------------
 */

static void
release(struct http_server *s)
{
    if (--s->users > 0)
        return;
    http_visitors_clear(&s->visitors);
    free(s);
}

static void
on_handle_closed(uv_handle_t *handle)
{
    release(handle->data);
}

static void
on_acceptor_closed(void *arg)
{
    release(arg);
}

static const struct acceptor_events acceptor_events = {
    .accepted = on_accepted,
    .closed = on_acceptor_closed,
};

static void
shut(struct http_server *s)
{
    if (s->acceptor != NULL)
        acceptor_close(s->acceptor);
    (void)uv_poll_stop(&s->poll);
    http_exchanges_orphan(s);
    MHD_stop_daemon(s->mhd);
    s->mhd = NULL;
    uv_close((uv_handle_t *)&s->poll, on_handle_closed);
    uv_close((uv_handle_t *)&s->timer, on_handle_closed);
}

void
http_server_close(struct http_server *s)
{
    if (s == NULL || s->closing)
        return;
    s->closing = true;
    if (!s->inside)
        shut(s);
}

/* What stands in a path is left as it came. */
static size_t
leave_escaped(void *arg, struct MHD_Connection *conn, char *text)
{
    (void)arg;
    (void)conn;
    return strlen(text);
}

/* The memory of a connection holds the head, what is made of it, and the head
 * of the answer. */
static struct MHD_Daemon *
start_mhd(struct http_server *s)
{
    return MHD_start_daemon(
        MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET | MHD_ALLOW_SUSPEND_RESUME, 0,
        NULL, NULL, http_on_request, s, MHD_OPTION_URI_LOG_CALLBACK,
        http_on_uri, s, MHD_OPTION_NOTIFY_COMPLETED, http_on_completed, s,
        MHD_OPTION_NOTIFY_CONNECTION, on_connection, s,
        MHD_OPTION_UNESCAPE_CALLBACK, leave_escaped, s,
        MHD_OPTION_CONNECTION_LIMIT, s->limits.connections_max,
        MHD_OPTION_CONNECTION_TIMEOUT, s->limits.idle_s,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        (size_t)(2 * s->limits.head_max + 4096), MHD_OPTION_END);
}

static enum err
start_polling(struct http_server *s)
{
    const union MHD_DaemonInfo *info =
        MHD_get_daemon_info(s->mhd, MHD_DAEMON_INFO_EPOLL_FD);

    if (info == NULL || uv_poll_init(s->loop, &s->poll, info->epoll_fd) != 0)
        return ERR_NOMEM;
    s->poll.data = s;
    if (uv_poll_start(&s->poll, UV_READABLE, on_poll) == 0 &&
        uv_timer_init(s->loop, &s->timer) == 0) {
        s->timer.data = s;
        s->users = 3; /* with the acceptor */
        return ERR_OK;
    }
    s->users = 1;
    uv_close((uv_handle_t *)&s->poll, on_handle_closed);
    return ERR_NOMEM;
}

static struct http_server *
server_new(uv_loop_t *loop, const struct http_limits *limits,
           http_handler_fn *handle, void *arg)
{
    struct http_server *s = calloc(1, sizeof(*s));
    uint8_t seed[16];

    if (s == NULL || uv_random(NULL, NULL, seed, sizeof(seed), 0, NULL) != 0) {
        free(s);
        return NULL;
    }
    s->loop = loop;
    s->limits = *limits;
    s->handle = handle;
    s->arg = arg;
    list_init(&s->visits);
    list_init(&s->waiting);
    http_visitors_init(&s->visitors, limits->requests_per_s,
                       limits->requests_burst, seed);
    return s;
}

enum err
http_server_open(struct http_server **out, uv_loop_t *loop, const char *host,
                 uint16_t port, const struct http_limits *limits,
                 http_handler_fn *handle, void *arg)
{
    struct http_server *s = server_new(loop, limits, handle, arg);
    enum err rc;

    if (s == NULL)
        return ERR_NOMEM;
    s->mhd = start_mhd(s);
    rc = s->mhd == NULL ? ERR_NOMEM : start_polling(s);
    if (rc != ERR_OK) {
        if (s->mhd != NULL)
            MHD_stop_daemon(s->mhd);
        if (s->users == 0)
            free(s);
        return rc;
    }
    rc = acceptor_open(&s->acceptor, loop, host, port, BACKLOG,
                       &acceptor_events, s);
    if (rc != ERR_OK) {
        s->users--;
        http_server_close(s);
        return rc;
    }
    *out = s;
    return ERR_OK;
}

uint16_t
http_server_port(const struct http_server *s)
{
    return acceptor_port(s->acceptor);
}

void
http_server_stats(const struct http_server *s, struct http_stats *out)
{
    *out = s->stats;
}
