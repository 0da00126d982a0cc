#include "server/http_path.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void
what_the_tile_grammar_allows_is_a_file(void **state)
{
    static const struct {
        const char *path, *file;
        enum http_path_log log;
        enum http_path_kind kind;
    } rows[] = {
        {"/delivery/checkpoint", "delivery/checkpoint", HTTP_PATH_DELIVERY,
         HTTP_PATH_CHECKPOINT},
        {"/directory/checkpoint", "directory/checkpoint", HTTP_PATH_DIRECTORY,
         HTTP_PATH_CHECKPOINT},
        {"/delivery/tile/0/000", "delivery/tile/0/000", HTTP_PATH_DELIVERY,
         HTTP_PATH_TILE},
        {"/delivery/tile/7/x001/x234/067.p/255",
         "delivery/tile/7/x001/x234/067.p/255", HTTP_PATH_DELIVERY,
         HTTP_PATH_PARTIAL},
        {"/directory/tile/entries/x001/002", "directory/tile/entries/x001/002",
         HTTP_PATH_DIRECTORY, HTTP_PATH_TILE},
        {"/directory/tile/entries/002.p/1", "directory/tile/entries/002.p/1",
         HTTP_PATH_DIRECTORY, HTTP_PATH_PARTIAL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct http_path p;

        assert_int_equal(http_path_parse(rows[i].path, &p), ERR_OK);
        assert_string_equal(p.file, rows[i].file);
        assert_int_equal(p.log, rows[i].log);
        assert_int_equal(p.kind, rows[i].kind);
    }
}

static void
everything_else_is_not_there(void **state)
{
    static const char *const paths[] = {
        "",
        "/",
        "checkpoint",
        "/checkpoint",
        "/delivery",
        "/delivery/",
        "/delivery//checkpoint",
        "/delivery/checkpoint/",
        "/delivery/Checkpoint",
        "/Delivery/checkpoint",
        "/delivery/tile",
        "/delivery/tile/0",
        "/delivery/tile/0/0",
        "/delivery/tile/0/0000",
        "/delivery/tile/0/x000/000",
        "/delivery/tile/0/001.p/0",
        "/delivery/tile/0/001.p/256",
        "/delivery/tile/0/001.p/01",
        "/delivery/tile/00/001",
        "/delivery/tile/64/000",
        "/delivery/tile/-1/000",
        "/delivery/tile/entries",
        "/delivery/../keys",
        "/delivery/tile/0/../../../keys",
        "/keys",
        "/directoryx/checkpoint",
        "/delivery/checkpoint?x",
        "/delivery/tile/0/000.p",
        "/delivery/tile/0/000/p/1",
    };
    struct http_path p = {.file = "untouched"};

    (void)state;
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
        assert_int_equal(http_path_parse(paths[i], &p), ERR_NOTFOUND);
    assert_string_equal(p.file, "untouched");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_the_tile_grammar_allows_is_a_file),
        cmocka_unit_test(everything_else_is_not_there),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
