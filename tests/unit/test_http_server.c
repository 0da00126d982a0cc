#include "common/http_server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
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

static const struct http_limits limits = {
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

static void
rig_start(const struct http_limits *with)
{
    rig_open(with);
    assert_int_equal(uv_thread_create(&rig.thread, run_loop, &rig.loop), 0);
}

static void
rig_stop(void)
{
    assert_int_equal(uv_async_send(&rig.stop), 0);
    assert_int_equal(uv_thread_join(&rig.thread), 0);
    assert_int_equal(uv_loop_close(&rig.loop), 0);
    uv_sem_destroy(&rig.asked);
}

static int
setup(void **state)
{
    rig_start(&limits);
    *state = scratch_new();
    assert_int_equal(os_path_join(rig.file, sizeof(rig.file), *state, "file"),
                     ERR_OK);
    assert_int_equal(os_write_file_atomic(rig.file, "the file\n", 9, 0600),
                     ERR_OK);
    return 0;
}

static int
teardown(void **state)
{
    rig_stop();
    scratch_free(*state);
    return 0;
}

/* --- the client ------------------------------------------------------------
 */

static int
dial(void)
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

static void
say(int fd, const char *text, size_t len)
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
static const char *
hear(int fd)
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

static const char *
ask_len(const char *request, size_t len)
{
    const char *got;
    int fd = dial();

    say(fd, request, len);
    (void)shutdown(fd, SHUT_WR);
    got = hear(fd);
    close(fd);
    return got;
}

static const char *
ask(const char *request)
{
    return ask_len(request, strlen(request));
}

static unsigned
status_of(const char *answer)
{
    unsigned status = 0;

    if (sscanf(answer, "HTTP/1.1 %u ", &status) != 1)
        (void)sscanf(answer, "HTTP/1.0 %u ", &status);
    return status;
}

#define has(text, part) assert_non_null(strstr(text, part))
#define has_not(text, part) assert_null(strstr(text, part))
#define HOST "Host: a.example\r\n"
#define END "Connection: close\r\n\r\n"

/* --- what is served --------------------------------------------------------
 */

static void
a_request_is_answered(void **state)
{
    const char *got = ask("GET /hello HTTP/1.1\r\n" HOST END);

    (void)state;
    assert_int_equal(status_of(got), 200);
    has(got, "Content-Length: 6\r\n");
    has(got, "Content-Type: text/plain; charset=utf-8\r\n");
    has(got, "Cache-Control: no-store\r\n");
    has(got, "X-Content-Type-Options: nosniff\r\n");
    has(got, "\r\n\r\nhello\n");
    assert_int_equal(status_of(ask("GET /hello HTTP/1.0\r\n\r\n")), 200);
    assert_int_equal(status_of(ask("GET / HTTP/1.1\r\n" HOST END)), 404);
}

static void
pipelined_requests_are_answered_in_order(void **state)
{
    const char *got =
        ask("GET /hello HTTP/1.1\r\n" HOST "\r\n"
            "GET /nothing HTTP/1.1\r\n" HOST "\r\n"
            "POST /x HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\nabc"
            "HEAD /hello HTTP/1.1\r\n" HOST END);
    const char *second, *third, *fourth;

    (void)state;
    assert_int_equal(status_of(got), 200);
    second = strstr(got, "hello\nHTTP/1.1 404");
    assert_non_null(second);
    third = strstr(second, "404 not found\nHTTP/1.1 200");
    assert_non_null(third);
    fourth = strstr(third, "abcHTTP/1.1 200");
    assert_non_null(fourth);
    has(fourth, "Content-Length: 6\r\n");
    has_not(fourth, "hello");
}

static void
head_is_get_without_the_body(void **state)
{
    const char *got = ask("HEAD /file HTTP/1.1\r\n" HOST END);

    (void)state;
    assert_int_equal(status_of(got), 200);
    has(got, "Content-Length: 9\r\n");
    has(got, "ETag: \"abc\"\r\n");
    assert_string_equal(got + strlen(got) - 4, "\r\n\r\n");
}

static void
a_file_is_sent_with_its_headers(void **state)
{
    const char *got = ask("GET /file HTTP/1.1\r\n" HOST END);

    (void)state;
    assert_int_equal(status_of(got), 200);
    has(got, "Content-Type: application/octet-stream\r\n");
    has(got, "Cache-Control: public, max-age=60\r\n");
    has(got, "\r\n\r\nthe file\n");
}

static void
what_the_client_has_is_not_sent_again(void **state)
{
    const char *got = ask("GET /file HTTP/1.1\r\n" HOST
                          "If-None-Match: \"x\", W/\"abc\"\r\n" END);

    (void)state;
    assert_int_equal(status_of(got), 304);
    has(got, "ETag: \"abc\"\r\n");
    has(got, "Cache-Control: public, max-age=60\r\n");
    has_not(got, "the file");
    got = ask("GET /file HTTP/1.1\r\n" HOST "If-None-Match: \"ab\"\r\n" END);
    assert_int_equal(status_of(got), 200);
}

static void
other_methods_are_not_allowed(void **state)
{
    const char *got = ask("DELETE /hello HTTP/1.1\r\n" HOST END);

    (void)state;
    assert_int_equal(status_of(got), 405);
    has(got, "Allow: GET, HEAD, POST\r\n");
}

static void
an_answer_may_come_later(void **state)
{
    int fd = dial();
    const char request[] = "GET /later HTTP/1.1\r\n" HOST END;
    const char *got;

    (void)state;
    say(fd, request, strlen(request));
    uv_sem_wait(&rig.asked);
    /* Others are served meanwhile. */
    assert_int_equal(status_of(ask("GET /hello HTTP/1.1\r\n" HOST END)), 200);
    assert_int_equal(uv_async_send(&rig.answer), 0);
    got = hear(fd);
    assert_int_equal(status_of(got), 200);
    has(got, "at last\n");
    close(fd);
}

static void
a_server_that_closes_leaves_the_exchange_to_its_owner(void **state)
{
    const char request[] = "GET /later HTTP/1.1\r\n" HOST END;
    int fd;

    (void)state;
    rig_start(&limits);
    fd = dial();
    say(fd, request, strlen(request));
    uv_sem_wait(&rig.asked);
    rig_stop();
    assert_string_equal(hear(fd), "");
    close(fd);
}

static void
the_handler_may_close_the_server(void **state)
{
    (void)state;
    rig_start(&limits);
    (void)ask("GET /close HTTP/1.1\r\n" HOST END);
    rig_stop();
}

static void
a_server_closes_at_any_turn(void **state)
{
    (void)state;
    for (unsigned turns = 0; turns < 6; turns++) {
        int fd;

        rig_open(&limits);
        fd = dial();
        say(fd, "GET /hello HTTP/1.1\r\n", 21);
        for (unsigned i = 0; i < turns; i++)
            (void)uv_run(&rig.loop, UV_RUN_NOWAIT);
        on_stop(&rig.stop);
        assert_int_equal(uv_run(&rig.loop, UV_RUN_DEFAULT), 0);
        assert_int_equal(uv_loop_close(&rig.loop), 0);
        close(fd);
    }
}

static void
a_port_that_is_taken_is_told(void **state)
{
    struct http_server *second = NULL;
    uv_loop_t loop;

    (void)state;
    assert_int_equal(uv_loop_init(&loop), 0);
    assert_int_equal(http_server_open(&second, &loop, "127.0.0.1", rig.port,
                                      &limits, on_request, &rig),
                     ERR_BUSY);
    assert_null(second);
    (void)uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&loop), 0);
}

/* --- what is refused -------------------------------------------------------
 */

static const struct {
    const char *request;
    unsigned status;
} refused[] = {
    {"GET /hello HTTP/1.1\r\n" END, 400},
    {"GET /hello HTTP/1.1\r\n" HOST "Host: b.example\r\n" END, 400},
    {"GET /hello HTTP/1.1\r\nHost: a b\r\n" END, 400},
    {"GET http://a.example/hello HTTP/1.1\r\n" HOST END, 400},
    {"GET hello HTTP/1.1\r\n" HOST END, 400},
    {"GET * HTTP/1.1\r\n" HOST END, 400},
    {"GET /hel lo HTTP/1.1\r\n" HOST END, 400},
    {"GET /hello?x=1 HTTP/1.1\r\n" HOST END, 400},
    {"GET /hello#x HTTP/1.1\r\n" HOST END, 400},
    {"GET /a/../hello HTTP/1.1\r\n" HOST END, 400},
    {"GET /a/..;/hello HTTP/1.1\r\n" HOST END, 404},
    {"GET /./hello HTTP/1.1\r\n" HOST END, 400},
    {"GET //hello HTTP/1.1\r\n" HOST END, 400},
    {"GET /%2e%2e/hello HTTP/1.1\r\n" HOST END, 400},
    {"GET /hell%6f HTTP/1.1\r\n" HOST END, 400},
    {"GET /hello\\x HTTP/1.1\r\n" HOST END, 400},
    {"GET /hel\001lo HTTP/1.1\r\n" HOST END, 400},
    {"GET /hell\303\266 HTTP/1.1\r\n" HOST END, 400},
    {"GET /hello HTTP/1.1\r\n" HOST "X: a\001b\r\n" END, 400},
    {"GET /hello HTTP/1.1\r\n" HOST "X: a\rb\r\n" END, 400},
    {"GET /hello HTTP/1.1\r\n" HOST "X : a\r\n" END, 400},
    {"GET /hello HTTP/1.1\r\n" HOST "X\001: a\r\n" END, 400},
    {"GET /hello HTTP/1.1\r\n" HOST ": a\r\n" END, 400},
    {"GET /hello HTTP/1.1\r\n" HOST "Content-Length: 3\r\n" END "abc", 400},
    {"POST /x HTTP/1.1\r\n" HOST
     "Content-Length: 3\r\nContent-Length: 3\r\n" END "abc",
     400},
    {"POST /x HTTP/1.1\r\n" HOST
     "Content-Length: 3\r\nContent-Length: 4\r\n" END "abcd",
     400},
    {"POST /x HTTP/1.1\r\n" HOST
     "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n" END
     "3\r\nabc\r\n0\r\n\r\n",
     400},
    {"POST /x HTTP/1.1\r\n" HOST "Content-Length: +3\r\n" END "abc", 400},
    {"POST /x HTTP/1.1\r\n" HOST "Content-Length: 3, 3\r\n" END "abc", 400},
    {"POST /x HTTP/1.1\r\n" HOST "Content-Length: -1\r\n" END, 400},
    {"POST /x HTTP/1.1\r\n" HOST "Content-Length : 3\r\n" END "abc", 400},
    {"POST /x HTTP/1.1\r\n" HOST END, 411},
    {"POST /x HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n" END
     "3\r\nabc\r\n0\r\n\r\n",
     411},
    {"POST /x HTTP/1.1\r\n" HOST "Transfer-Encoding: gzip\r\n" END, 411},
    {"POST /x HTTP/1.1\r\n" HOST "Content-Length: 1000000000000\r\n" END, 413},
    {"POST /x HTTP/1.1\r\n" HOST
     "Content-Length: 99999999999999999999999\r\n" END,
     413},
    {"POST /x HTTP/1.1\r\n" HOST "Content-Length: 3\r\nExpect: a pony\r\n" END
     "abc",
     417},
    {"GET /hello HTTP/2.0\r\n" HOST END, 505},
    {"GET /hello HTTP/1.7\r\n" HOST END, 505},
};

static void
what_could_be_read_two_ways_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        const char *got = ask(refused[i].request);

        if (status_of(got) != refused[i].status)
            fail_msg("%s\nwanted %u, got: %s", refused[i].request,
                     refused[i].status, got);
    }
}

static void
after_a_refusal_the_connection_ends(void **state)
{
    const char *got = ask("GET /hello?x HTTP/1.1\r\n" HOST "\r\n"
                          "GET /hello HTTP/1.1\r\n" HOST "\r\n");

    (void)state;
    assert_int_equal(status_of(got), 400);
    has(got, "Connection: close\r\n");
    has_not(got, "hello");
}

#define HIDING(line)                                                           \
    {                                                                          \
        "GET /hello HTTP/1.1\r\n" HOST line "\r\n" END,                        \
            sizeof("GET /hello HTTP/1.1\r\n" HOST line "\r\n" END) - 1         \
    }

static void
what_a_parser_passes_over_is_refused(void **state)
{
    static const struct {
        const char *request;
        size_t len;
    } hiding[] = {
        HIDING("X: a\0Content-Length: 3"),
        HIDING("X: a\r\n b"),
        HIDING("X: a\nY: b"),
        HIDING("\0X: a"),
        HIDING("\0"),
        HIDING(":"),
        HIDING("X:  a"),
        HIDING("X:a"),
        HIDING("X:\0a"),
        HIDING("X: \0"),
    };

    (void)state;
    for (size_t i = 0; i < sizeof(hiding) / sizeof(hiding[0]); i++)
        if (status_of(ask_len(hiding[i].request, hiding[i].len)) != 400)
            fail_msg("line %zu is not refused", i);
    assert_int_equal(
        status_of(ask("GET /hello HTTP/1.1\r\n" HOST "X:\r\nY: \r\n" END)),
        200);
}

static void
bytes_that_are_no_request_harm_nobody(void **state)
{
    static const char zeros[300];
    struct http_limits quick = limits;

    (void)state;
    quick.idle_s = 1;
    rig_start(&quick);
    assert_string_equal(ask_len(zeros, sizeof(zeros)), "");
    assert_string_equal(ask("\r\n\r\n\r\n"), "");
    assert_string_equal(ask("\026\003\001\002"), "");
    assert_int_equal(status_of(ask("GET /hello HTTP/1.1\r\n" HOST END)), 200);
    rig_stop();
}

static void
bodies_end_at_their_bound(void **state)
{
    char request[4096];
    int n =
        snprintf(request, sizeof(request),
                 "POST /x HTTP/1.1\r\n" HOST "Content-Length: 1000\r\n" END);
    const char *got;

    (void)state;
    memset(request + n, 'b', 1001);
    got = ask_len(request, (size_t)n + 1000);
    assert_int_equal(status_of(got), 200);
    has(got, "Content-Length: 1000\r\n");
    n = snprintf(request, sizeof(request),
                 "POST /x HTTP/1.1\r\n" HOST "Content-Length: 1001\r\n" END);
    memset(request + n, 'b', 1001);
    got = ask_len(request, (size_t)n + 1001);
    assert_int_equal(status_of(got), 413);
    has(got, "413 content too large\n");
}

static void
heads_end_at_their_bound(void **state)
{
    static const unsigned many[] = {1500, 2100, 5000, 50000, 5000000};
    char *request = malloc(6000000);

    (void)state;
    assert_non_null(request);
    for (size_t i = 0; i < sizeof(many) / sizeof(many[0]); i++) {
        int n = sprintf(request, "GET /hello HTTP/1.1\r\n" HOST "X: ");
        const char *got;
        unsigned status;

        memset(request + n, 'x', many[i]);
        strcpy(request + n + many[i], "\r\n" END);
        got = ask(request);
        status = status_of(got);
        /* Far above it the reset may overtake the words. */
        if (many[i] < 2000)
            assert_int_equal(status, 200);
        else if (many[i] <= 5000)
            assert_int_equal(status, 431);
        else
            assert_true(status == 431 || status == 0);
    }
    free(request);
}

static void
a_path_ends_at_its_bound(void **state)
{
    char request[1024], path[600];

    (void)state;
    memset(path, 'p', sizeof(path));
    path[511] = '\0';
    snprintf(request, sizeof(request), "GET /%s HTTP/1.1\r\n" HOST END, path);
    assert_int_equal(status_of(ask(request)), 404);
    path[511] = 'p';
    path[512] = '\0';
    snprintf(request, sizeof(request), "GET /%s HTTP/1.1\r\n" HOST END, path);
    assert_int_equal(status_of(ask(request)), 414);
}

/* --- bounds per address, time ----------------------------------------------
 */

static void
above_its_bound_an_address_hears_429(void **state)
{
    struct http_limits few = limits;
    const char *got;
    int held[4];

    (void)state;
    few.connections_per_address_max = 2;
    rig_start(&few);
    for (size_t i = 0; i < 2; i++)
        held[i] = dial();
    got = ask("GET /hello HTTP/1.1\r\n" HOST END);
    assert_int_equal(status_of(got), 429);
    has(got, "Retry-After: 1\r\n");
    for (size_t i = 2; i < 4; i++)
        held[i] = dial();
    assert_string_equal(ask("GET /hello HTTP/1.1\r\n" HOST END), "");
    for (size_t i = 0; i < 4; i++)
        close(held[i]);
    /* Room again as soon as the server has seen them go. */
    while (status_of(ask("GET /hello HTTP/1.1\r\n" HOST END)) != 200)
        ;
    rig_stop();
}

static void
above_the_bound_of_all_nobody_comes_in(void **state)
{
    struct http_limits few = limits;
    struct http_stats stats;
    int first;

    (void)state;
    few.connections_max = 1;
    rig_start(&few);
    first = dial();
    assert_string_equal(ask("GET /hello HTTP/1.1\r\n" HOST END), "");
    say(first, "GET /hello HTTP/1.1\r\n" HOST END, 21 + 17 + 21);
    has(hear(first), "hello\n");
    close(first);
    http_server_stats(rig.server, &stats);
    assert_int_equal(stats.turned_away_total, 1);
    assert_int_equal(stats.connections_total, 1);
    assert_int_equal(stats.answers[2], 1);
    rig_stop();
}

static void
an_address_that_asks_too_fast_hears_429(void **state)
{
    struct http_limits slow = limits;
    unsigned served = 0, status;

    (void)state;
    slow.requests_per_s = 1;
    slow.requests_burst = 3;
    rig_start(&slow);
    while ((status = status_of(ask("GET /hello HTTP/1.1\r\n" HOST END))) == 200)
        served++;
    assert_int_equal(status, 429);
    assert_true(served >= 3);
    rig_stop();
}

static void
a_request_that_never_ends_is_ended(void **state)
{
    struct http_limits quick = limits;
    int fd, silent;

    (void)state;
    quick.request_s = 1;
    rig_start(&quick);
    fd = dial();
    silent = dial();
    say(fd, "GET /hello HTTP/1.1\r\nHost: a", 28);
    assert_string_equal(hear(fd), "");
    assert_string_equal(hear(silent), "");
    close(fd);
    close(silent);
    rig_stop();
}

static void
silence_is_ended(void **state)
{
    struct http_limits quick = limits;
    int fd;

    (void)state;
    quick.idle_s = 1;
    rig_start(&quick);
    fd = dial();
    say(fd, "GET /hello HTTP/1.1\r\n" HOST "\r\n", 21 + 17 + 2);
    has(hear(fd), "hello\n"); /* kept alive, and then no more */
    close(fd);
    rig_stop();
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define SERVED(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
        SERVED(a_request_is_answered),
        SERVED(pipelined_requests_are_answered_in_order),
        SERVED(head_is_get_without_the_body),
        SERVED(a_file_is_sent_with_its_headers),
        SERVED(what_the_client_has_is_not_sent_again),
        SERVED(other_methods_are_not_allowed),
        SERVED(an_answer_may_come_later),
        SERVED(a_port_that_is_taken_is_told),
        SERVED(what_could_be_read_two_ways_is_refused),
        SERVED(after_a_refusal_the_connection_ends),
        SERVED(what_a_parser_passes_over_is_refused),
        cmocka_unit_test(bytes_that_are_no_request_harm_nobody),
        SERVED(bodies_end_at_their_bound),
        SERVED(heads_end_at_their_bound),
        SERVED(a_path_ends_at_its_bound),
        cmocka_unit_test(a_server_that_closes_leaves_the_exchange_to_its_owner),
        cmocka_unit_test(the_handler_may_close_the_server),
        cmocka_unit_test(a_server_closes_at_any_turn),
        cmocka_unit_test(above_its_bound_an_address_hears_429),
        cmocka_unit_test(above_the_bound_of_all_nobody_comes_in),
        cmocka_unit_test(an_address_that_asks_too_fast_hears_429),
        cmocka_unit_test(a_request_that_never_ends_is_ended),
        cmocka_unit_test(silence_is_ended),
    };

    os_ignore_signals();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
