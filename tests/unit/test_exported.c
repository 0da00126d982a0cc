/* An exported directory against its manifest. */
#include "client/exported.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "common/os.h"
#include "proto/crypto.h"
#include "tests/lib/scratch.h"

static void
put(const char *dir, const char *name, const char *text)
{
    char path[OS_PATH_MAX];

    assert_int_equal(os_path_join(path, sizeof(path), dir, name), ERR_OK);
    assert_int_equal(os_write_file_atomic(path, text, strlen(text), 0600),
                     ERR_OK);
}

static json_t *
row(const char *path, const char *text)
{
    json_t *j = json_object();
    struct hash h;

    sha256(&h, text, strlen(text));
    json_put_str(j, "path", path);
    json_put_u64(j, "size", strlen(text));
    json_put_hex(j, "sha256", h.b, sizeof(h.b));
    return j;
}

/* message.txt, attachments/a.pdf and receipt.txt; EXTRA (may be NULL) is one
 * more row, taken. */
static void
put_manifest(const char *dir, json_t *extra)
{
    json_t *j = json_object();
    json_t *files = json_array();
    struct buf b = {0};
    static const uint8_t id[32] = {7};

    (void)json_array_append_new(files, row("message.txt", "hello"));
    (void)json_array_append_new(files, row("attachments/a.pdf", "pdf"));
    (void)json_array_append_new(files, row("receipt.txt", "proof"));
    if (extra != NULL)
        (void)json_array_append_new(files, extra);
    json_put_hex(j, "packet_id", id, 16);
    json_put_hex(j, "pkt_digest", id, 32);
    json_put(j, "files", files);
    assert_int_equal(json_write(&b, j, 2), ERR_OK);
    buf_u8(&b, 0);
    put(dir, "manifest.json", (const char *)b.data);
    buf_clear(&b);
    json_decref(j);
}

static int
setup(void **state)
{
    char *dir = scratch_new();
    char atts[OS_PATH_MAX];

    assert_int_equal(os_path_join(atts, sizeof(atts), dir, "attachments"),
                     ERR_OK);
    assert_int_equal(os_mkdirs(atts, 0700), ERR_OK);
    put(dir, "message.txt", "hello");
    put(dir, "attachments/a.pdf", "pdf");
    put(dir, "receipt.txt", "proof");
    put_manifest(dir, NULL);
    *state = dir;
    return 0;
}

static int
teardown(void **state)
{
    scratch_free(*state);
    return 0;
}

static void
check_fails(const char *dir, enum problem_id id, const char *words)
{
    struct exported e = {0};
    struct problem pb = {0};

    assert_int_not_equal(exported_check(dir, &e, &pb), ERR_OK);
    assert_string_equal(problem_code(pb.id), problem_code(id));
    assert_non_null(strstr(pb.why, words));
    assert_null(e.extra);
}

static void
an_export_as_it_was_made_is_right(void **state)
{
    struct exported e = {0};
    struct problem pb = {0};

    assert_int_equal(exported_check(*state, &e, &pb), ERR_OK);
    assert_int_equal(e.n_files, 3);
    assert_true(e.has_receipt);
    assert_int_equal(e.packet.b[0], 7);
    assert_int_equal(e.pkt_digest.b[0], 7);
    assert_int_equal(json_array_size(e.extra), 0);
    exported_clear(&e);
}

static void
what_was_put_beside_it_is_named(void **state)
{
    struct exported e = {0};
    struct problem pb = {0};

    put(*state, "attachments/b.pdf", "more");
    assert_int_equal(exported_check(*state, &e, &pb), ERR_OK);
    assert_int_equal(json_array_size(e.extra), 1);
    assert_string_equal(json_string_value(json_array_get(e.extra, 0)),
                        "attachments/b.pdf");
    exported_clear(&e);
}

static void
a_changed_file_is_found(void **state)
{
    put(*state, "attachments/a.pdf", "PDF");
    check_fails(*state, P_VERIFY, "attachments/a.pdf was changed");
}

static void
a_longer_file_is_found(void **state)
{
    put(*state, "message.txt", "hello!");
    check_fails(*state, P_VERIFY, "message.txt was changed");
}

static void
a_missing_file_is_found(void **state)
{
    put_manifest(*state, row("attachments/gone.pdf", "x"));
    check_fails(*state, P_VERIFY, "attachments/gone.pdf is missing");
}

static void
a_manifest_may_not_point_outside(void **state)
{
    static const char *const paths[] = {
        "/etc/hostname",
        "../x",
        "attachments/../message.txt",
        "attachments/",
        "",
        "a/b",
        "..",
    };

    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        put_manifest(*state, row(paths[i], "x"));
        check_fails(*state, P_VERIFY, "outside");
    }
}

static void
what_is_no_manifest_is_refused(void **state)
{
    put(*state, "manifest.json", "{\"files\": 3}");
    check_fails(*state, P_VERIFY, "not one of an export");
    put(*state, "manifest.json", "{");
    check_fails(*state, P_JSON, "");
}

static void
a_name_that_is_no_text_is_told_as_text(void **state)
{
    struct exported e = {0};
    struct problem pb = {0};
    struct buf b = {0};

    put(*state, "x\xff.pdf", "more");
    assert_int_equal(exported_check(*state, &e, &pb), ERR_OK);
    assert_int_equal(json_write(&b, e.extra, 0), ERR_OK);
    assert_int_equal(b.len, strlen("[\"x\\\\x{ff}.pdf\"]"));
    assert_memory_equal(b.data, "[\"x\\\\x{ff}.pdf\"]", b.len);
    buf_clear(&b);
    exported_clear(&e);
}

static void
a_pipe_in_a_files_place_keeps_nobody_waiting(void **state)
{
    char path[OS_PATH_MAX];

    assert_int_equal(os_path_join(path, sizeof(path), *state, "message.txt"),
                     ERR_OK);
    assert_int_equal(os_remove(path), ERR_OK);
    assert_int_equal(mkfifo(path, 0600), 0);
    check_fails(*state, P_VERIFY, "message.txt is no file");
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(an_export_as_it_was_made_is_right),
        T(what_was_put_beside_it_is_named),
        T(a_changed_file_is_found),
        T(a_longer_file_is_found),
        T(a_missing_file_is_found),
        T(a_manifest_may_not_point_outside),
        T(what_is_no_manifest_is_refused),
        T(a_name_that_is_no_text_is_told_as_text),
        T(a_pipe_in_a_files_place_keeps_nobody_waiting),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
