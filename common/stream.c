/*
 * HELD or CONNECTING -> OPEN -> (FINISHING ->) CLOSING -> gone
 *
 * Reading gives the owner what libuv gives us.  Writing keeps one uv_write
 * under way and collects everything else meanwhile, so that many small frames
 * of one turn leave in one system call.  Any failure leads to CLOSING with the
 * first reason; every handle and request counts as a user, and the last to go
 * tells the owner.
 */
#include "common/stream.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "common/stream_inside.h"

/* What a peer may still send to a stream that finishes. */
#define DISCARD_MAX ((size_t)1024 * 1024)

struct stream *
stream_new(uv_loop_t *loop, enum stream_state state,
           const struct stream_events *ev, void *arg)
{
    struct stream *s = calloc(1, sizeof(*s));

    if (s == NULL)
        return NULL;
    s->loop = loop;
    s->state = state;
    s->ev = ev;
    s->arg = arg;
    return s;
}

void
stream_has_handle(struct stream *s)
{
    s->h.handle.data = s;
    s->has_handle = true;
    s->users++;
}

void
stream_release(struct stream *s)
{
    if (--s->users > 0 || s->state != STREAM_CLOSING)
        return;
    if (s->ev != NULL)
        s->ev->closed(s->arg, s->why);
    buf_clear(&s->now);
    buf_clear(&s->next);
    free(s);
}

static void
on_closed(uv_handle_t *handle)
{
    struct stream *s = handle->data;

    s->has_handle = false;
    stream_release(s);
}

void
stream_close(struct stream *s, enum err why)
{
    if (s->state == STREAM_CLOSING)
        return;
    if (s->state != STREAM_FINISHING)
        s->why = why;
    s->state = STREAM_CLOSING;
    if (s->connecting != NULL)
        stream_connecting_stop(s);
    if (s->has_handle && !uv_is_closing(&s->h.handle))
        uv_close(&s->h.handle, on_closed);
}

void
stream_reset(struct stream *s, enum err why)
{
    bool is_tcp = s->has_handle && s->h.handle.type == UV_TCP &&
                  !uv_is_closing(&s->h.handle);

    if (s->state != STREAM_CLOSING && is_tcp && !s->shut)
        (void)uv_tcp_close_reset(&s->h.tcp, on_closed);
    stream_close(s, why);
}

/* The peer or the system ended it. */
static void
fail(struct stream *s, int status)
{
    if (s->state == STREAM_CLOSING)
        return;
    if (status != UV_EOF)
        s->detail = status;
    stream_close(s, status == UV_ENOMEM || status == UV_ENOBUFS ? ERR_NOMEM
                                                                : ERR_CLOSED);
}

/* --- reading ---------------------------------------------------------------
 */

/* Memory only while there is something to read: an idle stream has none. */
static void
on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    (void)handle;
    (void)suggested;
    buf->base = malloc(STREAM_READ_MAX);
    buf->len = buf->base != NULL ? STREAM_READ_MAX : 0;
}

static void
discard(struct stream *s, size_t len)
{
    s->discarded += len;
    if (s->discarded > DISCARD_MAX)
        stream_close(s, ERR_CLOSED);
}

static void
on_read(uv_stream_t *stream, ssize_t nread, const uv_buf_t *buf)
{
    struct stream *s = stream->data;

    if (nread < 0)
        fail(s, (int)nread);
    else if (nread > 0 && s->state == STREAM_FINISHING)
        discard(s, (size_t)nread);
    else if (nread > 0 && s->state == STREAM_OPEN)
        s->ev->bytes(s->arg, (const uint8_t *)buf->base, (size_t)nread);
    free(buf->base);
}

static void
read_or_not(struct stream *s)
{
    int rc = 0;

    if (s->state == STREAM_FINISHING || (s->state == STREAM_OPEN && !s->paused))
        rc = uv_read_start(&s->h.stream, on_alloc, on_read);
    else if (s->state == STREAM_OPEN)
        uv_read_stop(&s->h.stream);
    if (rc != 0 && rc != UV_EALREADY)
        fail(s, rc);
}

void
stream_pause(struct stream *s)
{
    s->paused = true;
    read_or_not(s);
}

void
stream_resume(struct stream *s)
{
    s->paused = false;
    read_or_not(s);
}

/* --- writing ---------------------------------------------------------------
 */

static void write_next(struct stream *s);

static void
on_shutdown(uv_shutdown_t *req, int status)
{
    if (status < 0)
        fail(req->handle->data, status);
}

static void
shut(struct stream *s)
{
    int rc;

    s->shut = true;
    rc = uv_shutdown(&s->shutdown, &s->h.stream, on_shutdown);
    if (rc != 0)
        fail(s, rc);
}

static void
on_written(uv_write_t *req, int status)
{
    struct stream *s = req->handle->data;

    s->writing = false;
    buf_clear(&s->now);
    if (status < 0)
        fail(s, status);
    write_next(s);
    if (s->state == STREAM_OPEN && s->ev->drained != NULL &&
        stream_unsent(s) <= STREAM_LOW_BYTES)
        s->ev->drained(s->arg);
}

static void
write_next(struct stream *s)
{
    uv_buf_t buf;
    int rc;

    if (s->writing || (s->state != STREAM_OPEN && s->state != STREAM_FINISHING))
        return;
    if (s->next.len == 0) {
        if (s->state == STREAM_FINISHING && !s->shut)
            shut(s);
        return;
    }
    s->now = s->next;
    s->next = (struct buf){0};
    buf = uv_buf_init((char *)s->now.data, (unsigned)s->now.len);
    s->writing = true;
    rc = uv_write(&s->write, &s->h.stream, &buf, 1, on_written);
    if (rc != 0) {
        s->writing = false;
        fail(s, rc);
    }
}

void
stream_write(struct stream *s, const void *bytes, size_t len)
{
    if (s->state == STREAM_FINISHING || s->state == STREAM_CLOSING || len == 0)
        return;
    /* libuv counts the bytes of one request in an unsigned int. */
    if (len > UINT32_MAX - s->next.len) {
        stream_close(s, ERR_TOOBIG);
        return;
    }
    buf_put(&s->next, bytes, len);
    if (buf_status(&s->next) != ERR_OK)
        stream_close(s, ERR_NOMEM);
    else
        write_next(s);
}

size_t
stream_unsent(const struct stream *s)
{
    size_t sending =
        s->writing ? uv_stream_get_write_queue_size(&s->h.stream) : 0;

    return sending + s->next.len;
}

void
stream_finish(struct stream *s, enum err why)
{
    if (s->state != STREAM_OPEN) {
        stream_close(s, why);
        return;
    }
    s->state = STREAM_FINISHING;
    s->why = why;
    write_next(s);
    read_or_not(s);
}

/* --- beginning -------------------------------------------------------------
 */

void
stream_begin(struct stream *s)
{
    s->state = STREAM_OPEN;
    if (s->h.handle.type == UV_TCP)
        uv_tcp_nodelay(&s->h.tcp, 1);
    read_or_not(s);
    write_next(s);
}

void
stream_start(struct stream *s, const struct stream_events *ev, void *arg)
{
    s->ev = ev;
    s->arg = arg;
    if (s->state == STREAM_HELD)
        stream_begin(s);
}

/* The handle owns FD when this gives 0. */
static int
adopt(struct stream *s, int fd)
{
    uv_handle_type type = uv_guess_handle(fd);
    int rc = UV_EINVAL;

    if (type == UV_TCP)
        rc = uv_tcp_init(s->loop, &s->h.tcp);
    else if (type == UV_NAMED_PIPE)
        rc = uv_pipe_init(s->loop, &s->h.pipe, 0);
    if (rc != 0)
        return rc;
    stream_has_handle(s);
    return type == UV_TCP ? uv_tcp_open(&s->h.tcp, fd)
                          : uv_pipe_open(&s->h.pipe, fd);
}

static void
close_fd(uv_loop_t *loop, int fd)
{
    uv_fs_t req;

    uv_fs_close(loop, &req, fd, NULL);
    uv_fs_req_cleanup(&req);
}

struct stream *
stream_open(uv_loop_t *loop, int fd, const struct stream_events *ev, void *arg)
{
    struct stream *s = stream_new(loop, STREAM_HELD, NULL, NULL);

    if (s == NULL || adopt(s, fd) != 0) {
        close_fd(loop, fd);
        if (s != NULL && s->has_handle)
            stream_close(s, ERR_IO); /* untold: nobody owns it */
        else
            free(s);
        return NULL;
    }
    stream_start(s, ev, arg);
    return s;
}

/* libuv gives no socket back, so the caller gets a second name of it. */
int
stream_into_socket(struct stream *s)
{
    uv_os_fd_t fd;
    int own = -1;

    if (s->has_handle && uv_fileno(&s->h.handle, &fd) == 0)
        own = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    stream_close(s, ERR_OK);
    return own;
}

/* --- who is there ----------------------------------------------------------
 */

static int
peer_of(const struct stream *s, struct sockaddr_storage *peer)
{
    int len = sizeof(*peer);

    memset(peer, 0, sizeof(*peer));
    if (!s->has_handle || s->h.handle.type != UV_TCP)
        return UV_ENOTCONN;
    return uv_tcp_getpeername(&s->h.tcp, (struct sockaddr *)peer, &len);
}

void
stream_peer_text(const struct stream *s, char *out)
{
    struct sockaddr_storage peer;
    char host[64] = "";
    unsigned port = 0;

    if (s->has_handle && s->h.handle.type == UV_NAMED_PIPE) {
        strcpy(out, "unix");
        return;
    }
    if (peer_of(s, &peer) != 0) {
        strcpy(out, "?");
        return;
    }
    if (peer.ss_family == AF_INET6) {
        const struct sockaddr_in6 *in6 = (const void *)&peer;
        uv_ip6_name(in6, host, sizeof(host));
        port = ntohs(in6->sin6_port);
        snprintf(out, STREAM_PEER_MAX, "[%s]:%u", host, port);
    } else {
        const struct sockaddr_in *in = (const void *)&peer;
        uv_ip4_name(in, host, sizeof(host));
        port = ntohs(in->sin_port);
        snprintf(out, STREAM_PEER_MAX, "%s:%u", host, port);
    }
}

void
stream_peer_address(const struct stream *s, uint8_t out[16])
{
    struct sockaddr_storage peer;

    memset(out, 0, 16);
    if (peer_of(s, &peer) != 0)
        return;
    if (peer.ss_family == AF_INET6) {
        memcpy(out,
               &((const struct sockaddr_in6 *)(const void *)&peer)->sin6_addr,
               16);
    } else {
        out[10] = out[11] = 0xff;
        memcpy(out + 12,
               &((const struct sockaddr_in *)(const void *)&peer)->sin_addr, 4);
    }
}

const char *
stream_detail(const struct stream *s)
{
    return s->detail != 0 ? uv_strerror(s->detail) : "";
}
