#include "common/http_server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/os.h"
#include "tests/lib/http_rig.h"

#define has(text, part) assert_non_null(strstr(text, part))
#define has_not(text, part) assert_null(strstr(text, part))

/* --- what is served --------------------------------------------------------
 */

static void
a_request_is_answered(void **state)
{
    const char *got = http_ask("GET /hello HTTP/1.1\r\n" HOST END);

    (void)state;
    assert_int_equal(http_status_of(got), 200);
    has(got, "Content-Length: 6\r\n");
    has(got, "Content-Type: text/plain; charset=utf-8\r\n");
    has(got, "Cache-Control: no-store\r\n");
    has(got, "X-Content-Type-Options: nosniff\r\n");
    has(got, "\r\n\r\nhello\n");
    assert_int_equal(http_status_of(http_ask("GET /hello HTTP/1.0\r\n\r\n")),
                     200);
    assert_int_equal(http_status_of(http_ask("GET / HTTP/1.1\r\n" HOST END)),
                     404);
}

static void
pipelined_requests_are_answered_in_order(void **state)
{
    const char *got =
        http_ask("GET /hello HTTP/1.1\r\n" HOST "\r\n"
                 "GET /nothing HTTP/1.1\r\n" HOST "\r\n"
                 "POST /x HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\nabc"
                 "HEAD /hello HTTP/1.1\r\n" HOST END);
    const char *second, *third, *fourth;

    (void)state;
    assert_int_equal(http_status_of(got), 200);
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
    const char *got = http_ask("HEAD /file HTTP/1.1\r\n" HOST END);

    (void)state;
    assert_int_equal(http_status_of(got), 200);
    has(got, "Content-Length: 9\r\n");
    has(got, "ETag: \"abc\"\r\n");
    assert_string_equal(got + strlen(got) - 4, "\r\n\r\n");
}

static void
a_file_is_sent_with_its_headers(void **state)
{
    const char *got = http_ask("GET /file HTTP/1.1\r\n" HOST END);

    (void)state;
    assert_int_equal(http_status_of(got), 200);
    has(got, "Content-Type: application/octet-stream\r\n");
    has(got, "Cache-Control: public, max-age=60\r\n");
    has(got, "\r\n\r\nthe file\n");
}

static void
what_the_client_has_is_not_sent_again(void **state)
{
    const char *got = http_ask("GET /file HTTP/1.1\r\n" HOST
                               "If-None-Match: \"x\", W/\"abc\"\r\n" END);

    (void)state;
    assert_int_equal(http_status_of(got), 304);
    has(got, "ETag: \"abc\"\r\n");
    has(got, "Cache-Control: public, max-age=60\r\n");
    has_not(got, "the file");
    got =
        http_ask("GET /file HTTP/1.1\r\n" HOST "If-None-Match: \"ab\"\r\n" END);
    assert_int_equal(http_status_of(got), 200);
}

static void
other_methods_are_not_allowed(void **state)
{
    const char *got = http_ask("DELETE /hello HTTP/1.1\r\n" HOST END);

    (void)state;
    assert_int_equal(http_status_of(got), 405);
    has(got, "Allow: GET, HEAD, POST\r\n");
}

static void
an_answer_may_come_later(void **state)
{
    int fd = http_dial();
    const char request[] = "GET /later HTTP/1.1\r\n" HOST END;
    const char *got;

    (void)state;
    http_say(fd, request, strlen(request));
    http_rig_await_later();
    /* Others are served meanwhile. */
    assert_int_equal(
        http_status_of(http_ask("GET /hello HTTP/1.1\r\n" HOST END)), 200);
    http_rig_answer();
    got = http_hear(fd);
    assert_int_equal(http_status_of(got), 200);
    has(got, "at last\n");
    close(fd);
}

static void
a_server_that_closes_leaves_the_exchange_to_its_owner(void **state)
{
    const char request[] = "GET /later HTTP/1.1\r\n" HOST END;
    int fd;

    (void)state;
    http_rig_start(&http_rig_limits);
    fd = http_dial();
    http_say(fd, request, strlen(request));
    http_rig_await_later();
    http_rig_stop();
    assert_string_equal(http_hear(fd), "");
    close(fd);
}

static void
the_handler_may_close_the_server(void **state)
{
    (void)state;
    http_rig_start(&http_rig_limits);
    (void)http_ask("GET /close HTTP/1.1\r\n" HOST END);
    http_rig_stop();
}

static void
on_request(void *arg, struct http_exchange *x, const struct http_request *req)
{
    (void)arg;
    (void)req;
    http_answer_status(x, 500);
}

static void
a_port_that_is_taken_is_told(void **state)
{
    struct http_server *second = NULL;
    uv_loop_t loop;

    (void)state;
    assert_int_equal(uv_loop_init(&loop), 0);
    assert_int_equal(http_server_open(&second, &loop, "127.0.0.1",
                                      http_rig_port(), &http_rig_limits,
                                      on_request, NULL),
                     ERR_BUSY);
    assert_null(second);
    (void)uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&loop), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define SERVED(test)                                                           \
    cmocka_unit_test_setup_teardown(test, http_rig_setup, http_rig_teardown)
        SERVED(a_request_is_answered),
        SERVED(pipelined_requests_are_answered_in_order),
        SERVED(head_is_get_without_the_body),
        SERVED(a_file_is_sent_with_its_headers),
        SERVED(what_the_client_has_is_not_sent_again),
        SERVED(other_methods_are_not_allowed),
        SERVED(an_answer_may_come_later),
        cmocka_unit_test(a_server_that_closes_leaves_the_exchange_to_its_owner),
        cmocka_unit_test(the_handler_may_close_the_server),
        SERVED(a_port_that_is_taken_is_told),
    };

    os_ignore_signals();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
