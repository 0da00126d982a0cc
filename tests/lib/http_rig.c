#include "tests/lib/http_rig.h"

#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/os.h"
#include "tests/lib/scratch.h"

/* The server has a thread, the test talks to it through blocking sockets. */
struct rig {
    uv_loop_t loop;
    uv_thread_t thread;
    uv_async_t stop, answer;
    struct http_server *server;
    uint16_t port;
    struct http_exchange *later; /* "/later" waits for ANSWER */
    uv_sem_t asked;              /* "/later" was asked for */
    char file[300];              /* "/file" is this one */
};

static struct rig rig;

const struct http_limits http_rig_limits = {
    .connections_max = 64,
    .connections_per_address_max = 8,
    .head_max = 2048,
    .body_max = 1000,
    .idle_s = 30,
    .request_s = 30,
};

static void
answer_file(struct http_exchange *x)
{
    struct http_answer a = {.status = 200,
                            .content_type = "application/octet-stream",
                            .cache_control = "public, max-age=60",
                            .etag = "abc",
                            .has_file = true};

    assert_int_equal(os_open(&a.fd, rig.file, OS_READ, 0), ERR_OK);
    assert_int_equal(os_fd_size(a.fd, &a.file_len), ERR_OK);
    http_answer(x, &a);
}

static void
take_later(struct http_exchange *x)
{
    rig.later = x;
    uv_sem_post(&rig.asked);
}

static void
on_request(void *arg, struct http_exchange *x, const struct http_request *req)
{
    assert_ptr_equal(arg, &rig);
    if (req->method == HTTP_OTHER)
        http_answer_not_allowed(x, "GET, HEAD, POST");
    else if (req->method == HTTP_POST)
        http_answer(x, &(struct http_answer){.status = 200,
                                             .content_type = "text/echo",
                                             .body = req->body,
                                             .body_len = req->body_len});
    else if (strcmp(req->path, "/file") == 0)
        answer_file(x);
    else if (strcmp(req->path, "/later") == 0)
        take_later(x);
    else if (strcmp(req->path, "/close") == 0)
        http_server_close(rig.server);
    else if (strcmp(req->path, "/hello") == 0)
        http_answer(x, &(struct http_answer){
                           .status = 200, .body = "hello\n", .body_len = 6});
    else
        http_answer_status(x, 404);
    if (strcmp(req->path, "/close") == 0) {
        http_answer_status(x, 200);
        rig.server = NULL;
    }
}

static void
on_stop(uv_async_t *async)
{
    struct rig *r = async->data;

    http_server_close(r->server);
    r->server = NULL;
    if (r->later != NULL)
        http_answer_status(r->later, 200); /* nobody hears it */
    r->later = NULL;
    uv_close((uv_handle_t *)&r->stop, NULL);
    uv_close((uv_handle_t *)&r->answer, NULL);
}

static void
on_answer(uv_async_t *async)
{
    struct rig *r = async->data;

    if (r->later != NULL)
        http_answer(r->later, &(struct http_answer){.status = 200,
                                                    .body = "at last\n",
                                                    .body_len = 8});
    r->later = NULL;
}

static void
run_loop(void *arg)
{
    (void)uv_run(arg, UV_RUN_DEFAULT);
}

static void
rig_open(const struct http_limits *with)
{
    memset(&rig, 0, sizeof(rig));
    assert_int_equal(uv_loop_init(&rig.loop), 0);
    assert_int_equal(uv_sem_init(&rig.asked, 0), 0);
    assert_int_equal(uv_async_init(&rig.loop, &rig.stop, on_stop), 0);
    assert_int_equal(uv_async_init(&rig.loop, &rig.answer, on_answer), 0);
    rig.stop.data = rig.answer.data = &rig;
    assert_int_equal(http_server_open(&rig.server, &rig.loop, "127.0.0.1", 0,
                                      with, on_request, &rig),
                     ERR_OK);
    rig.port = http_server_port(rig.server);
}

void
http_rig_start(const struct http_limits *with)
{
    rig_open(with);
    assert_int_equal(uv_thread_create(&rig.thread, run_loop, &rig.loop), 0);
}

void
http_rig_stop(void)
{
    assert_int_equal(uv_async_send(&rig.stop), 0);
    assert_int_equal(uv_thread_join(&rig.thread), 0);
    assert_int_equal(uv_loop_close(&rig.loop), 0);
    uv_sem_destroy(&rig.asked);
}

int
http_rig_setup(void **state)
{
    http_rig_start(&http_rig_limits);
    *state = scratch_new();
    assert_int_equal(os_path_join(rig.file, sizeof(rig.file), *state, "file"),
                     ERR_OK);
    assert_int_equal(os_write_file_atomic(rig.file, "the file\n", 9, 0600),
                     ERR_OK);
    return 0;
}

int
http_rig_teardown(void **state)
{
    http_rig_stop();
    scratch_free(*state);
    return 0;
}

/* --- the client ------------------------------------------------------------
 */

int
http_dial(void)
{
    const struct sockaddr_in to = {.sin_family = AF_INET,
                                   .sin_port = htons(rig.port),
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const struct timeval patience = {.tv_sec = 20};
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    assert_true(fd >= 0);
    assert_int_equal(
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)),
        0);
    assert_int_equal(connect(fd, (const void *)&to, sizeof(to)), 0);
    return fd;
}

void
http_say(int fd, const char *text, size_t len)
{
    while (len > 0) {
        ssize_t n = send(fd, text, len, MSG_NOSIGNAL);

        if (n <= 0) /* it was answered and closed already */
            return;
        text += n;
        len -= (size_t)n;
    }
}

/* Everything until the server closes. */
const char *
http_hear(int fd)
{
    static char got[65536];
    size_t len = 0;
    ssize_t n;

    while ((n = recv(fd, got + len, sizeof(got) - 1 - len, 0)) > 0)
        len += (size_t)n;
    /* A reset comes when bytes were left unread; silence would be EAGAIN. */
    assert_true(n == 0 || errno == ECONNRESET);
    got[len] = '\0';
    return got;
}

const char *
http_ask_len(const char *request, size_t len)
{
    const char *got;
    int fd = http_dial();

    http_say(fd, request, len);
    (void)shutdown(fd, SHUT_WR);
    got = http_hear(fd);
    close(fd);
    return got;
}

const char *
http_ask(const char *request)
{
    return http_ask_len(request, strlen(request));
}

unsigned
http_status_of(const char *answer)
{
    unsigned status = 0;

    if (sscanf(answer, "HTTP/1.1 %u ", &status) != 1)
        (void)sscanf(answer, "HTTP/1.0 %u ", &status);
    return status;
}

uint16_t
http_rig_port(void)
{
    return rig.port;
}

void
http_rig_stats(struct http_stats *out)
{
    http_server_stats(rig.server, out);
}

void
http_rig_await_later(void)
{
    uv_sem_wait(&rig.asked);
}

void
http_rig_answer(void)
{
    assert_int_equal(uv_async_send(&rig.answer), 0);
}
