/* The server's three loops: closed at any turn, without memory at any
 * allocation, a request cut anywhere.  One thread does both sides. */
#include "common/http_server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/os.h"
#include "tests/lib/fail_alloc.h"

struct rig {
    uv_loop_t loop;
    struct http_server *server;
    int fd; /* the client's; -1: closed */
    char got[4096];
    size_t len;
    bool is_over; /* the server has ended the connection */
};

static const struct http_limits limits = {
    .connections_max = 4,
    .connections_per_address_max = 4,
    .requests_per_s = 1000,
    .requests_burst = 1000,
    .head_max = 1024,
    .body_max = 64,
    .idle_s = 30,
    .request_s = 30,
};

static const char request[] = "POST /a/b HTTP/1.1\r\n"
                              "Host: a.example\r\n"
                              "Content-Length: 5\r\n"
                              "Connection: close\r\n"
                              "\r\n"
                              "hello";

static void
on_request(void *arg, struct http_exchange *x, const struct http_request *req)
{
    (void)arg;
    http_answer(x, &(struct http_answer){.status = 200,
                                         .etag = "e",
                                         .body = req->body,
                                         .body_len = req->body_len});
}

static enum err
rig_open(struct rig *r)
{
    memset(r, 0, sizeof(*r));
    r->fd = -1;
    assert_int_equal(uv_loop_init(&r->loop), 0);
    return http_server_open(&r->server, &r->loop, "127.0.0.1", 0, &limits,
                            on_request, NULL);
}

static void
rig_close(struct rig *r)
{
    http_server_close(r->server);
    assert_int_equal(uv_run(&r->loop, UV_RUN_DEFAULT), 0);
    assert_int_equal(uv_loop_close(&r->loop), 0);
    os_close(&r->fd);
}

static void
dial(struct rig *r)
{
    const struct sockaddr_in to = {.sin_family = AF_INET,
                                   .sin_port =
                                       htons(http_server_port(r->server)),
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

    r->fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(r->fd >= 0);
    /* It stops listening for a moment when it could not accept. */
    while (connect(r->fd, (const void *)&to, sizeof(to)) != 0)
        (void)uv_run(&r->loop, UV_RUN_ONCE);
}

static void
say(struct rig *r, const char *bytes, size_t len)
{
    if (len > 0)
        (void)send(r->fd, bytes, len, MSG_NOSIGNAL);
}

static void
hear(struct rig *r)
{
    ssize_t n =
        recv(r->fd, r->got + r->len, sizeof(r->got) - 1 - r->len, MSG_DONTWAIT);

    if (n > 0)
        r->len += (size_t)n;
    else if (n == 0 || errno != EAGAIN)
        r->is_over = true;
}

/* What is under way on the loop's side is done. */
static void
settle(struct rig *r)
{
    for (int i = 0; i < 4; i++)
        (void)uv_run(&r->loop, UV_RUN_NOWAIT);
}

static const char *
answer(struct rig *r)
{
    while (!r->is_over) {
        (void)uv_run(&r->loop, UV_RUN_NOWAIT);
        hear(r);
    }
    return r->got;
}

static void
a_request_may_come_in_two_pieces_cut_anywhere(void **state)
{
    size_t len = strlen(request);

    (void)state;
    for (size_t cut = 0; cut <= len; cut++) {
        struct rig r;

        assert_int_equal(rig_open(&r), ERR_OK);
        dial(&r);
        say(&r, request, cut);
        settle(&r);
        say(&r, request + cut, len - cut);
        assert_memory_equal(answer(&r), "HTTP/1.1 200 ", 13);
        assert_string_equal(r.got + r.len - 9, "\r\n\r\nhello");
        rig_close(&r);
    }
}

static void
a_request_that_ends_anywhere_too_soon_is_no_request(void **state)
{
    (void)state;
    for (size_t cut = 0; cut < strlen(request); cut++) {
        struct http_stats stats;
        struct rig r;

        assert_int_equal(rig_open(&r), ERR_OK);
        dial(&r);
        say(&r, request, cut);
        settle(&r);
        os_close(&r.fd);
        settle(&r);
        http_server_stats(r.server, &stats);
        assert_int_equal(stats.answers[2], 0);
        rig_close(&r);
    }
}

static void
a_server_closes_at_any_turn(void **state)
{
    (void)state;
    for (unsigned turns = 0; turns < 8; turns++) {
        struct rig r;

        assert_int_equal(rig_open(&r), ERR_OK);
        dial(&r);
        say(&r, request, turns % 2 == 0 ? strlen(request) : 30);
        for (unsigned i = 0; i < turns; i++)
            (void)uv_run(&r.loop, UV_RUN_NOWAIT);
        rig_close(&r);
    }
}

static void
without_memory_a_server_does_not_open(void **state)
{
    (void)state;
    for (unsigned long at = 0;; at++) {
        struct rig r;
        enum err rc;
        bool failed;

        fail_alloc_at(at);
        rc = rig_open(&r);
        failed = fail_alloc_off();
        rig_close(&r);
        if (!failed)
            break;
        assert_int_equal(rc, ERR_NOMEM);
    }
}

static void
without_memory_a_request_is_lost_and_the_next_is_not(void **state)
{
    (void)state;
    for (unsigned long at = 0;; at++) {
        struct rig r;
        bool failed;

        assert_int_equal(rig_open(&r), ERR_OK);
        dial(&r);
        say(&r, request, strlen(request));
        fail_alloc_at(at);
        (void)answer(&r);
        failed = fail_alloc_off();
        if (!failed)
            assert_memory_equal(r.got, "HTTP/1.1 200 ", 13);
        os_close(&r.fd);
        r.is_over = false;
        r.len = 0;
        dial(&r);
        say(&r, request, strlen(request));
        assert_memory_equal(answer(&r), "HTTP/1.1 200 ", 13);
        rig_close(&r);
        if (!failed)
            break;
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_may_come_in_two_pieces_cut_anywhere),
        cmocka_unit_test(a_request_that_ends_anywhere_too_soon_is_no_request),
        cmocka_unit_test(a_server_closes_at_any_turn),
        cmocka_unit_test(without_memory_a_server_does_not_open),
        cmocka_unit_test(without_memory_a_request_is_lost_and_the_next_is_not),
    };

    os_ignore_signals();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
