#include "common/http_client.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/http_server.h"

enum { LONG_MS = 20000, MANY = 20, BIG = 5000 };

static uv_loop_t loop;
static struct http_server *server;
static struct http_client *client;
static struct http_exchange *held; /* /never: nobody answers it */
static char heard[256];            /* what came to the server last */

static void
on_request(void *arg, struct http_exchange *x, const struct http_request *req)
{
    static char big[BIG];
    struct http_answer a = {.status = 200, .body = heard};

    (void)arg;
    (void)snprintf(heard, sizeof(heard), "%s %s %.*s",
                   req->method == HTTP_POST ? "POST" : "?", req->path,
                   (int)req->body_len, (const char *)req->body);
    a.body_len = strlen(heard);
    if (strcmp(req->path, "/never") == 0) {
        held = x;
        return;
    }
    if (strcmp(req->path, "/elsewhere") == 0)
        a.status = 302;
    if (strcmp(req->path, "/big") == 0) {
        memset(big, 'x', sizeof(big));
        a.body = big;
        a.body_len = sizeof(big);
    }
    http_answer(x, &a);
}

static int
set_up(void **state)
{
    (void)state;
    held = NULL;
    assert_int_equal(uv_loop_init(&loop), 0);
    assert_int_equal(http_server_open(&server, &loop, "127.0.0.1", 0,
                                      &http_limits_default, on_request, NULL),
                     ERR_OK);
    assert_int_equal(http_client_open(&client), ERR_OK);
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    http_client_close(client);
    client = NULL;
    http_server_close(server);
    if (held != NULL)
        http_answer_status(held, 503);
    (void)uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&loop), 0);
    return 0;
}

struct outcome {
    unsigned count;
    enum err rc;
    unsigned status;
    char body[BIG + 1];
};

static void
on_done(void *arg, enum err rc, unsigned status, const struct buf *body)
{
    struct outcome *o = arg;

    o->count++;
    o->rc = rc;
    o->status = status;
    (void)snprintf(o->body, sizeof(o->body), "%.*s", (int)body->len,
                   body->len == 0 ? "" : (const char *)body->data);
}

static void
post_to(const char *url, const char *text, uint64_t deadline_ms,
        struct outcome *o)
{
    struct http_post p = {
        .url = url,
        .body = text,
        .body_len = strlen(text),
        .answer_max = 1000,
        .deadline_ms = deadline_ms,
        .done = on_done,
        .arg = o,
    };

    assert_int_equal(http_client_post(client, &p), ERR_OK);
}

static void
post(const char *path, const char *text, uint64_t deadline_ms,
     struct outcome *o)
{
    char url[128];

    (void)snprintf(url, sizeof(url), "http://127.0.0.1:%u%s",
                   http_server_port(server), path);
    post_to(url, text, deadline_ms, o);
}

static void
until(const struct outcome *o)
{
    while (o->count == 0) {
        (void)uv_run(&loop, UV_RUN_NOWAIT);
        http_client_poll(client, 1);
    }
    assert_int_equal(o->count, 1);
}

static void
an_answer_comes_whole_with_its_status(void **state)
{
    struct outcome o = {0};

    (void)state;
    post("/add-checkpoint", "old 0\n", LONG_MS, &o);
    until(&o);
    assert_int_equal(o.rc, ERR_OK);
    assert_int_equal(o.status, 200);
    assert_string_equal(o.body, "POST /add-checkpoint old 0\n");
    assert_int_equal(http_client_busy(client), 0);
}

static void
a_redirect_is_an_answer_and_not_followed(void **state)
{
    struct outcome o = {0};

    (void)state;
    post("/elsewhere", "x", LONG_MS, &o);
    until(&o);
    assert_int_equal(o.rc, ERR_OK);
    assert_int_equal(o.status, 302);
}

static void
an_answer_above_its_bound_is_refused(void **state)
{
    struct outcome o = {0};

    (void)state;
    post("/big", "x", LONG_MS, &o);
    until(&o);
    assert_int_equal(o.rc, ERR_TOOBIG);
    assert_string_equal(o.body, "");
}

static void
who_never_answers_costs_a_deadline_and_holds_up_nobody(void **state)
{
    struct outcome slow = {0}, quick[MANY];

    (void)state;
    memset(quick, 0, sizeof(quick));
    post("/never", "x", 300, &slow);
    for (int i = 0; i < MANY; i++)
        post("/quick", "x", LONG_MS, &quick[i]);
    for (int i = 0; i < MANY; i++) {
        until(&quick[i]);
        assert_int_equal(quick[i].status, 200);
    }
    until(&slow);
    assert_int_equal(slow.rc, ERR_TIMEOUT);
}

static void
nobody_there_is_unreachable(void **state)
{
    struct outcome o = {0};

    (void)state;
    post_to("http://127.0.0.1:1/", "x", LONG_MS, &o);
    until(&o);
    assert_int_equal(o.rc, ERR_UNREACHABLE);
}

static void
only_http_is_spoken(void **state)
{
    static const char *const urls[] = {"file:///etc/hostname", "gopher://x/",
                                       "not a url", "http://"};

    (void)state;
    for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
        struct outcome o = {0};

        post_to(urls[i], "x", LONG_MS, &o);
        until(&o);
        assert_int_equal(o.rc, ERR_MALFORMED);
    }
}

/* Says ONCE and then AGAIN, AGAIN... to the first who comes, until that one has
 * enough. */
struct babbler {
    int fd;
    const char *once, *again;
};

static void *
babble(void *arg)
{
    const struct babbler *b = arg;
    int fd = accept(b->fd, NULL, NULL);
    ssize_t n = send(fd, b->once, strlen(b->once), MSG_NOSIGNAL);

    while (n >= 0)
        n = send(fd, b->again, strlen(b->again), MSG_NOSIGNAL);
    (void)close(fd);
    return NULL;
}

static uint16_t
listen_anywhere(int *fd)
{
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(a);

    *fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(*fd, (struct sockaddr *)&a, len), 0);
    assert_int_equal(listen(*fd, 1), 0);
    assert_int_equal(getsockname(*fd, (struct sockaddr *)&a, &len), 0);
    return ntohs(a.sin_port);
}

/* libcurl has a bound on one line and none on their number. */
static void
headers_and_trailers_without_end_are_refused(void **state)
{
    static const char *const says[][2] = {
        {"HTTP/1.1 200 OK\r\n", "X-More: and more\r\n"},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n",
         "X-More: and more\r\n"},
        {"", "HTTP/1.1 100 Continue\r\n\r\n"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(says) / sizeof(says[0]); i++) {
        struct babbler b = {-1, says[i][0], says[i][1]};
        struct outcome o = {0};
        pthread_t thread;
        char url[64];

        (void)snprintf(url, sizeof(url), "http://127.0.0.1:%u/",
                       listen_anywhere(&b.fd));
        assert_int_equal(pthread_create(&thread, NULL, babble, &b), 0);
        post_to(url, "x", LONG_MS, &o);
        until(&o);
        assert_int_equal(o.rc, ERR_TOOBIG);
        assert_int_equal(pthread_join(thread, NULL), 0);
        (void)close(b.fd);
    }
}

static void
closing_tells_all_that_are_under_way(void **state)
{
    struct outcome o[3];

    (void)state;
    memset(o, 0, sizeof(o));
    for (int i = 0; i < 3; i++)
        post("/never", "x", LONG_MS, &o[i]);
    assert_int_equal(http_client_busy(client), 3);
    http_client_close(client);
    client = NULL;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(o[i].count, 1);
        assert_int_equal(o[i].rc, ERR_CANCELLED);
    }
}

static void
a_wake_ends_the_wait(void **state)
{
    (void)state;
    http_client_wake(client);
    http_client_poll(client, LONG_MS);
    assert_int_equal(http_client_busy(client), 0);
}

int
main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(an_answer_comes_whole_with_its_status),
        CASE(a_redirect_is_an_answer_and_not_followed),
        CASE(an_answer_above_its_bound_is_refused),
        CASE(who_never_answers_costs_a_deadline_and_holds_up_nobody),
        CASE(nobody_there_is_unreachable),
        CASE(only_http_is_spoken),
        CASE(headers_and_trailers_without_end_are_refused),
        CASE(closing_tells_all_that_are_under_way),
        CASE(a_wake_ends_the_wait),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
