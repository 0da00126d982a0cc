/* What the server refuses, and its bounds. */
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
        const char *got = http_ask(refused[i].request);

        if (http_status_of(got) != refused[i].status)
            fail_msg("%s\nwanted %u, got: %s", refused[i].request,
                     refused[i].status, got);
    }
}

static void
after_a_refusal_the_connection_ends(void **state)
{
    const char *got = http_ask("GET /hello?x HTTP/1.1\r\n" HOST "\r\n"
                               "GET /hello HTTP/1.1\r\n" HOST "\r\n");

    (void)state;
    assert_int_equal(http_status_of(got), 400);
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
        if (http_status_of(http_ask_len(hiding[i].request, hiding[i].len)) !=
            400)
            fail_msg("line %zu is not refused", i);
    assert_int_equal(http_status_of(http_ask("GET /hello HTTP/1.1\r\n" HOST
                                             "X:\r\nY: \r\n" END)),
                     200);
}

static void
bytes_that_are_no_request_harm_nobody(void **state)
{
    static const char zeros[300];
    struct http_limits quick = http_rig_limits;

    (void)state;
    quick.idle_s = 1;
    http_rig_start(&quick);
    assert_string_equal(http_ask_len(zeros, sizeof(zeros)), "");
    assert_string_equal(http_ask("\r\n\r\n\r\n"), "");
    assert_string_equal(http_ask("\026\003\001\002"), "");
    assert_int_equal(
        http_status_of(http_ask("GET /hello HTTP/1.1\r\n" HOST END)), 200);
    http_rig_stop();
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
    got = http_ask_len(request, (size_t)n + 1000);
    assert_int_equal(http_status_of(got), 200);
    has(got, "Content-Length: 1000\r\n");
    n = snprintf(request, sizeof(request),
                 "POST /x HTTP/1.1\r\n" HOST "Content-Length: 1001\r\n" END);
    memset(request + n, 'b', 1001);
    got = http_ask_len(request, (size_t)n + 1001);
    assert_int_equal(http_status_of(got), 413);
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
        got = http_ask(request);
        status = http_status_of(got);
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
    assert_int_equal(http_status_of(http_ask(request)), 404);
    path[511] = 'p';
    path[512] = '\0';
    snprintf(request, sizeof(request), "GET /%s HTTP/1.1\r\n" HOST END, path);
    assert_int_equal(http_status_of(http_ask(request)), 414);
}

/* --- bounds per address, time ----------------------------------------------
 */

static void
above_its_bound_an_address_hears_429(void **state)
{
    struct http_limits few = http_rig_limits;
    const char *got;
    int held[4];

    (void)state;
    few.connections_per_address_max = 2;
    http_rig_start(&few);
    for (size_t i = 0; i < 2; i++)
        held[i] = http_dial();
    got = http_ask("GET /hello HTTP/1.1\r\n" HOST END);
    assert_int_equal(http_status_of(got), 429);
    has(got, "Retry-After: 1\r\n");
    for (size_t i = 2; i < 4; i++)
        held[i] = http_dial();
    assert_string_equal(http_ask("GET /hello HTTP/1.1\r\n" HOST END), "");
    for (size_t i = 0; i < 4; i++)
        close(held[i]);
    /* Room again as soon as the server has seen them go. */
    while (http_status_of(http_ask("GET /hello HTTP/1.1\r\n" HOST END)) != 200)
        ;
    http_rig_stop();
}

static void
above_the_bound_of_all_nobody_comes_in(void **state)
{
    struct http_limits few = http_rig_limits;
    struct http_stats stats;
    int first;

    (void)state;
    few.connections_max = 1;
    http_rig_start(&few);
    first = http_dial();
    assert_string_equal(http_ask("GET /hello HTTP/1.1\r\n" HOST END), "");
    http_say(first, "GET /hello HTTP/1.1\r\n" HOST END, 21 + 17 + 21);
    has(http_hear(first), "hello\n");
    close(first);
    http_rig_stats(&stats);
    assert_int_equal(stats.turned_away_total, 1);
    assert_int_equal(stats.connections_total, 1);
    assert_int_equal(stats.answers[2], 1);
    http_rig_stop();
}

static void
an_address_that_asks_too_fast_hears_429(void **state)
{
    struct http_limits slow = http_rig_limits;
    unsigned served = 0, status;

    (void)state;
    slow.requests_per_s = 1;
    slow.requests_burst = 3;
    http_rig_start(&slow);
    while ((status = http_status_of(
                http_ask("GET /hello HTTP/1.1\r\n" HOST END))) == 200)
        served++;
    assert_int_equal(status, 429);
    assert_true(served >= 3);
    http_rig_stop();
}

static void
a_request_that_never_ends_is_ended(void **state)
{
    struct http_limits quick = http_rig_limits;
    int fd, silent;

    (void)state;
    quick.request_s = 1;
    http_rig_start(&quick);
    fd = http_dial();
    silent = http_dial();
    http_say(fd, "GET /hello HTTP/1.1\r\nHost: a", 28);
    assert_string_equal(http_hear(fd), "");
    assert_string_equal(http_hear(silent), "");
    close(fd);
    close(silent);
    http_rig_stop();
}

static void
silence_is_ended(void **state)
{
    struct http_limits quick = http_rig_limits;
    int fd;

    (void)state;
    quick.idle_s = 1;
    http_rig_start(&quick);
    fd = http_dial();
    http_say(fd, "GET /hello HTTP/1.1\r\n" HOST "\r\n", 21 + 17 + 2);
    has(http_hear(fd), "hello\n"); /* kept alive, and then no more */
    close(fd);
    http_rig_stop();
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define SERVED(test)                                                           \
    cmocka_unit_test_setup_teardown(test, http_rig_setup, http_rig_teardown)
        SERVED(what_could_be_read_two_ways_is_refused),
        SERVED(after_a_refusal_the_connection_ends),
        SERVED(what_a_parser_passes_over_is_refused),
        cmocka_unit_test(bytes_that_are_no_request_harm_nobody),
        SERVED(bodies_end_at_their_bound),
        SERVED(heads_end_at_their_bound),
        SERVED(a_path_ends_at_its_bound),
        cmocka_unit_test(above_its_bound_an_address_hears_429),
        cmocka_unit_test(above_the_bound_of_all_nobody_comes_in),
        cmocka_unit_test(an_address_that_asks_too_fast_hears_429),
        cmocka_unit_test(a_request_that_never_ends_is_ended),
        cmocka_unit_test(silence_is_ended),
    };

    os_ignore_signals();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
