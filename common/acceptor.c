/*
 * LISTENING <-> WAITING (the system cannot accept; try again soon) -> CLOSING
 *
 * When accepting fails for lack of descriptors or memory, libuv would offer the
 * same connection again at once, for ever.  So the socket is closed, which also
 * gives a descriptor back, and bound again a little later.
 */
#include <stdlib.h>
#include <string.h>

#include "common/stream_inside.h"

#define RETRY_MS 200
/* sun_path of Linux and the BSDs; libuv would cut a longer one silently. */
#define UNIX_PATH_MAX 103

struct acceptor {
    union {
        uv_handle_t handle;
        uv_stream_t stream;
        uv_tcp_t tcp;
        uv_pipe_t pipe;
    } h;
    uv_timer_t retry;
    uv_loop_t *loop;
    const struct acceptor_events *ev;
    void *arg;
    struct sockaddr_storage address;
    char path[UNIX_PATH_MAX + 1]; /* "": TCP */
    uint16_t port;
    int backlog;
    bool has_handle;
    bool closing;
    unsigned users;
};

static void on_connection(uv_stream_t *listening, int status);

static enum err
meaning(int status)
{
    switch (status) {
    case UV_EADDRINUSE:
        return ERR_BUSY;
    case UV_EACCES:
    case UV_EPERM:
        return ERR_REFUSED;
    case UV_EADDRNOTAVAIL:
    case UV_ENOENT:
        return ERR_NOTFOUND;
    case UV_ENOMEM:
    case UV_ENOBUFS:
        return ERR_NOMEM;
    case UV_EMFILE:
    case UV_ENFILE:
        return ERR_FULL;
    default:
        return ERR_IO;
    }
}

static void
release(struct acceptor *a)
{
    if (--a->users > 0 || !a->closing)
        return;
    if (a->ev != NULL && a->ev->closed != NULL)
        a->ev->closed(a->arg);
    free(a);
}

static void
on_handle_closed(uv_handle_t *handle)
{
    struct acceptor *a = handle->data;

    a->has_handle = false;
    release(a);
}

static void
close_handle(struct acceptor *a)
{
    if (a->has_handle && !uv_is_closing(&a->h.handle))
        uv_close(&a->h.handle, on_handle_closed);
}

static void
on_retry_closed(uv_handle_t *handle)
{
    release(handle->data);
}

void
acceptor_close(struct acceptor *a)
{
    if (a->closing)
        return;
    a->closing = true;
    close_handle(a);
    uv_close((uv_handle_t *)&a->retry, on_retry_closed);
}

/* --- listening ---------------------------------------------------------------
 */

static int
init_handle(struct acceptor *a)
{
    int rc = a->path[0] != '\0' ? uv_pipe_init(a->loop, &a->h.pipe, 0)
                                : uv_tcp_init(a->loop, &a->h.tcp);

    if (rc == 0) {
        a->h.handle.data = a;
        a->has_handle = true;
        a->users++;
    }
    return rc;
}

static int
bind_unix(struct acceptor *a)
{
    uv_fs_t req;
    int rc;

    uv_fs_unlink(a->loop, &req, a->path, NULL);
    uv_fs_req_cleanup(&req);
    rc = uv_pipe_bind(&a->h.pipe, a->path);
    if (rc != 0)
        return rc;
    rc = uv_fs_chmod(a->loop, &req, a->path, 0600, NULL);
    uv_fs_req_cleanup(&req);
    return rc;
}

/* A port that was any becomes this one, for listening again. */
static void
learn_port(struct acceptor *a)
{
    int len = sizeof(a->address);

    uv_tcp_getsockname(&a->h.tcp, (struct sockaddr *)&a->address, &len);
    /* The port stands at the same place for IPv4 and IPv6. */
    a->port = ntohs(((struct sockaddr_in *)&a->address)->sin_port);
}

static int
start_listening(struct acceptor *a)
{
    int rc = init_handle(a);

    if (rc != 0)
        return rc;
    if (a->path[0] != '\0')
        rc = bind_unix(a);
    else
        rc = uv_tcp_bind(&a->h.tcp, (struct sockaddr *)&a->address, 0);
    if (rc == 0)
        rc = uv_listen(&a->h.stream, a->backlog, on_connection);
    if (rc == 0 && a->path[0] == '\0')
        learn_port(a);
    return rc;
}

static void
on_retry(uv_timer_t *timer)
{
    struct acceptor *a = timer->data;

    if (!a->has_handle && start_listening(a) != 0)
        close_handle(a);
    if (!a->has_handle || uv_is_closing(&a->h.handle))
        uv_timer_start(&a->retry, on_retry, RETRY_MS, 0);
}

static void
back_off(struct acceptor *a, enum err why)
{
    close_handle(a);
    uv_timer_start(&a->retry, on_retry, RETRY_MS, 0);
    if (a->ev->failed != NULL)
        a->ev->failed(a->arg, why);
}

/* --- accepting ---------------------------------------------------------------
 */

static int
init_like(struct stream *s, const struct acceptor *a)
{
    int rc = a->path[0] != '\0' ? uv_pipe_init(a->loop, &s->h.pipe, 0)
                                : uv_tcp_init(a->loop, &s->h.tcp);

    if (rc == 0)
        stream_has_handle(s);
    return rc;
}

static void
on_connection(uv_stream_t *listening, int status)
{
    struct acceptor *a = listening->data;
    struct stream *s;

    if (a->closing || uv_is_closing(&a->h.handle))
        return;
    if (status != 0) {
        back_off(a, meaning(status));
        return;
    }
    s = stream_new(a->loop, STREAM_HELD, NULL, NULL);
    if (s == NULL || init_like(s, a) != 0) {
        free(s);
        back_off(a, ERR_NOMEM);
        return;
    }
    if (uv_accept(listening, &s->h.stream) != 0)
        stream_close(s, ERR_IO);
    else
        a->ev->accepted(a->arg, s);
}

/* --- opening -----------------------------------------------------------------
 */

static enum err
find_address(struct acceptor *a, const char *host, uint16_t port)
{
    const struct addrinfo hints = {.ai_family = AF_UNSPEC,
                                   .ai_socktype = SOCK_STREAM};
    uv_getaddrinfo_t req;

    if (uv_ip4_addr(host, port, (struct sockaddr_in *)&a->address) == 0 ||
        uv_ip6_addr(host, port, (struct sockaddr_in6 *)&a->address) == 0)
        return ERR_OK;
    if (uv_getaddrinfo(a->loop, &req, NULL, host, NULL, &hints) != 0)
        return ERR_NOTFOUND;
    memcpy(&a->address, req.addrinfo->ai_addr, req.addrinfo->ai_addrlen);
    ((struct sockaddr_in *)&a->address)->sin_port = htons(port);
    uv_freeaddrinfo(req.addrinfo);
    return ERR_OK;
}

static enum err
listen_or_free(struct acceptor *a, struct acceptor **out,
               const struct acceptor_events *ev, void *arg)
{
    int rc = uv_timer_init(a->loop, &a->retry);

    if (rc != 0) {
        free(a);
        return ERR_NOMEM;
    }
    a->retry.data = a;
    a->users++;
    rc = start_listening(a);
    if (rc != 0) {
        acceptor_close(a); /* untold: EV is not set */
        return meaning(rc);
    }
    a->ev = ev;
    a->arg = arg;
    *out = a;
    return ERR_OK;
}

static struct acceptor *
acceptor_new(uv_loop_t *loop, int backlog)
{
    struct acceptor *a = calloc(1, sizeof(*a));

    if (a != NULL) {
        a->loop = loop;
        a->backlog = backlog;
    }
    return a;
}

enum err
acceptor_open(struct acceptor **out, uv_loop_t *loop, const char *host,
              uint16_t port, int backlog, const struct acceptor_events *ev,
              void *arg)
{
    struct acceptor *a = acceptor_new(loop, backlog);
    enum err rc;

    if (a == NULL)
        return ERR_NOMEM;
    rc = find_address(a, host, port);
    if (rc != ERR_OK) {
        free(a);
        return rc;
    }
    return listen_or_free(a, out, ev, arg);
}

enum err
acceptor_open_unix(struct acceptor **out, uv_loop_t *loop, const char *path,
                   int backlog, const struct acceptor_events *ev, void *arg)
{
    struct acceptor *a;

    if (strlen(path) > UNIX_PATH_MAX || path[0] == '\0')
        return ERR_TOOBIG;
    a = acceptor_new(loop, backlog);
    if (a == NULL)
        return ERR_NOMEM;
    strcpy(a->path, path);
    return listen_or_free(a, out, ev, arg);
}

uint16_t
acceptor_port(const struct acceptor *a)
{
    return a->port;
}
