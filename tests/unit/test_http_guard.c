#include "common/http_guard.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void
a_path_has_one_spelling(void **state)
{
    static const char *const good[] = {
        "/",
        "/a",
        "/delivery/tile/0/x001/067.p/8",
        "/a.b/..c/...",
        "/add-checkpoint",
        "/~a_b-c!$&'()*+,;=:@",
    };
    static const char *const bad[] = {
        "",     "a",     "*",     "//",        "/a/",        "/a//b", "/.",
        "/..",  "/../a", "/a/.",  "/a/..",     "/a/./b",     "/a?b",  "/a?",
        "/a#b", "/%61",  "/a%2f", "/a%00b",    "/a b",       "/a\\b", "/a\tb",
        "/a\r", "/a\"",  "/<a>",  "/a|b",      "/{a}",       "/a^b",  "/a`b",
        "/[a]", "/\177", "/\200", "/\303\244", "http://a/b", "?a",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        assert_int_equal(http_guard_target(good[i]), 0);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(http_guard_target(bad[i]), 400);
    assert_int_equal(http_guard_target(NULL), 400);
}

/* A head of "name=value" pairs, judged as a request for at most 100 bytes. */
static unsigned
judge(bool is_post, const char *const *pairs)
{
    struct http_head h = {0};

    for (; *pairs != NULL; pairs += 2)
        http_guard_header(&h, pairs[0], pairs[1]);
    return http_guard_head(&h, "HTTP/1.1", is_post, !is_post, 200, 100);
}

#define GET(...) judge(false, (const char *const[]){__VA_ARGS__, NULL})
#define POST(...) judge(true, (const char *const[]){__VA_ARGS__, NULL})

static void
a_head_says_each_thing_once(void **state)
{
    (void)state;
    assert_int_equal(GET("Host", "a"), 0);
    assert_int_equal(GET("Accept", "*"), 400);
    assert_int_equal(GET("Host", "a", "hOST", "a"), 400);
    assert_int_equal(GET("Host", "a", "Content-Length", "0"), 0);
    assert_int_equal(GET("Host", "a", "Content-Length", "1"), 400);
    assert_int_equal(POST("Host", "a", "Content-Length", "100"), 0);
    assert_int_equal(POST("Host", "a", "Content-Length", "101"), 413);
    assert_int_equal(
        POST("Host", "a", "Content-Length", "18446744073709551716"), 413);
    assert_int_equal(POST("Host", "a"), 411);
    assert_int_equal(POST("Host", "a", "Transfer-Encoding", "chunked"), 411);
    assert_int_equal(POST("Host", "a", "Transfer-Encoding", "chunked",
                          "Content-Length", "3"),
                     400);
    assert_int_equal(
        POST("Host", "a", "Content-Length", "3", "Content-Length", "3"), 400);
    assert_int_equal(POST("Host", "a", "Content-Length", ""), 400);
    assert_int_equal(POST("Host", "a", "Content-Length", "0x3"), 400);
    assert_int_equal(POST("Host", "a", "Content-Length", "3 "), 400);
    assert_int_equal(
        POST("Host", "a", "Content-Length", "3", "Expect", "100-Continue"), 0);
    assert_int_equal(
        POST("Host", "a", "Content-Length", "3", "Expect", "200-ok"), 417);
}

static void
names_and_values_have_their_grammar(void **state)
{
    (void)state;
    assert_int_equal(GET("Host", "[::1]:80", "X-y.z_~", "a\tb \303\244"), 0);
    assert_int_equal(GET("Host", "a/b"), 400);
    assert_int_equal(GET("Host", "a@b"), 400);
    assert_int_equal(GET("Host", "a", "", "b"), 400);
    assert_int_equal(GET("Host", "a", "X ", "b"), 400);
    assert_int_equal(GET("Host", "a", "X:", "b"), 400);
    assert_int_equal(GET("Host", "a", "X", "b\n"), 400);
    assert_int_equal(GET("Host", "a", "X", "b\177"), 400);
}

static void
old_and_new_versions_are_told(void **state)
{
    struct http_head h = {0};

    (void)state;
    assert_int_equal(http_guard_head(&h, "HTTP/1.0", false, true, 9, 9), 0);
    assert_int_equal(http_guard_head(&h, "HTTP/1.1", false, true, 9, 9), 400);
    assert_int_equal(http_guard_head(&h, "HTTP/2.0", false, true, 9, 9), 505);
    assert_int_equal(http_guard_head(&h, "", false, true, 9, 9), 505);
    h.bytes = 10;
    assert_int_equal(http_guard_head(&h, "HTTP/1.0", false, true, 9, 9), 431);
}

static void
a_head_is_whole_when_its_bytes_are_counted(void **state)
{
    struct http_head h = {0};
    size_t first = strlen("GET /a HTTP/1.1\r\n");
    size_t all = strlen("GET /a HTTP/1.1\r\nHost: a\r\nX:\r\n\r\n");

    (void)state;
    http_guard_header(&h, "Host", "a");
    http_guard_header(&h, "X", "");
    assert_true(http_guard_is_whole(&h, first, all));
    assert_true(http_guard_is_whole(&h, first, all + 1)); /* "X: " */
    assert_false(http_guard_is_whole(&h, first, all + 2));
    assert_false(http_guard_is_whole(&h, first, all - 1));
}

static void
etags_are_found_in_their_list(void **state)
{
    (void)state;
    assert_true(http_guard_matches("\"abc\"", "abc"));
    assert_true(http_guard_matches("W/\"abc\"", "abc"));
    assert_true(http_guard_matches("\"x\",\"y\" ,\t\"abc\"", "abc"));
    assert_true(http_guard_matches("*", "abc"));
    assert_false(http_guard_matches(NULL, "abc"));
    assert_false(http_guard_matches("", "abc"));
    assert_false(http_guard_matches("abc", "abc"));
    assert_false(http_guard_matches("\"abc", "abc"));
    assert_false(http_guard_matches("\"abcd\"", "abc"));
    assert_false(http_guard_matches("\"ab\"", "abc"));
    assert_false(http_guard_matches("\"x\" abc\"abc\"", "abc"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_path_has_one_spelling),
        cmocka_unit_test(a_head_says_each_thing_once),
        cmocka_unit_test(names_and_values_have_their_grammar),
        cmocka_unit_test(old_and_new_versions_are_told),
        cmocka_unit_test(a_head_is_whole_when_its_bytes_are_counted),
        cmocka_unit_test(etags_are_found_in_their_list),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
