/* test_os_dir.c - a directory held open stays that directory, and names that
 * lead elsewhere are refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/os.h"
#include "common/os_dir.h"
#include "tests/lib/scratch.h"

static char *scratch;
static char path[512];
static char moved[512];

static int
setup(void **state)
{
    (void)state;
    scratch = scratch_new();
    snprintf(path, sizeof(path), "%s/dir", scratch);
    snprintf(moved, sizeof(moved), "%s/moved", scratch);
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    scratch_free(scratch);
    return 0;
}

static void
a_missing_directory_is_made_for_this_user_alone(void **state)
{
    struct os_dir d = OS_DIR_NONE;
    struct stat st;
    bool made = false;

    (void)state;
    assert_int_equal(os_dir_open(&d, path, &made), ERR_OK);
    assert_true(made);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0700);
    os_dir_close(&d);
    assert_int_equal(os_dir_open(&d, path, &made), ERR_OK);
    assert_false(made);
    os_dir_close(&d);
    os_dir_close(&d);
}

static void
names_that_lead_elsewhere_are_refused(void **state)
{
    static const char *const names[] = {"", ".", "..", "/x", "a/b", "../x"};
    struct os_dir d = OS_DIR_NONE;
    struct os_dir sub = OS_DIR_NONE;
    bool made;
    int fd = -1;

    (void)state;
    assert_int_equal(os_dir_open(&d, path, &made), ERR_OK);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        assert_int_equal(os_dir_create(&d, names[i], &fd), ERR_REFUSED);
        assert_int_equal(os_dir_make(&d, names[i], &sub), ERR_REFUSED);
        assert_int_equal(os_dir_remove_file(&d, names[i]), ERR_REFUSED);
        assert_int_equal(os_dir_remove_dir(&d, names[i]), ERR_REFUSED);
    }
    assert_int_equal(fd, -1);
    assert_int_equal(sub.fd, -1);
    os_dir_close(&d);
}

static void
a_name_is_taken_once_also_by_a_dangling_link(void **state)
{
    struct os_dir d = OS_DIR_NONE;
    struct os_dir sub = OS_DIR_NONE;
    char link[600];
    bool made;
    int fd = -1;

    (void)state;
    assert_int_equal(os_dir_open(&d, path, &made), ERR_OK);
    assert_int_equal(os_dir_create(&d, "a", &fd), ERR_OK);
    os_close(&fd);
    snprintf(link, sizeof(link), "%s/b", path);
    assert_int_equal(symlink(moved, link), 0);
    assert_int_equal(os_dir_create(&d, "a", &fd), ERR_EXISTS);
    assert_int_equal(os_dir_create(&d, "b", &fd), ERR_EXISTS);
    assert_int_equal(os_dir_make(&d, "b", &sub), ERR_EXISTS);
    assert_int_not_equal(access(moved, F_OK), 0);
    os_dir_close(&d);
}

static void
what_happens_to_its_path_does_not_matter(void **state)
{
    struct os_dir d = OS_DIR_NONE;
    char file[600];
    bool made;
    int fd = -1;

    (void)state;
    assert_int_equal(os_dir_open(&d, path, &made), ERR_OK);
    assert_int_equal(rename(path, moved), 0);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(os_dir_create(&d, "a", &fd), ERR_OK);
    os_close(&fd);
    snprintf(file, sizeof(file), "%s/a", moved);
    assert_int_equal(access(file, F_OK), 0);
    assert_int_equal(os_dir_sync(&d), ERR_OK);
    assert_int_equal(os_dir_remove_file(&d, "a"), ERR_OK);
    assert_int_equal(os_dir_remove_file(&d, "a"), ERR_OK);
    assert_int_not_equal(access(file, F_OK), 0);
    os_dir_close(&d);
}

static void
a_link_or_a_file_is_no_directory(void **state)
{
    struct os_dir d = OS_DIR_NONE;
    char slash[600];
    bool made;

    (void)state;
    assert_int_equal(mkdir(moved, 0700), 0);
    assert_int_equal(symlink(moved, path), 0);
    assert_int_equal(os_dir_open(&d, path, &made), ERR_REFUSED);
    snprintf(slash, sizeof(slash), "%s///", path);
    assert_int_equal(os_dir_open(&d, slash, &made), ERR_REFUSED);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(os_write_file_atomic(path, "x", 1, 0600), ERR_OK);
    assert_int_equal(os_dir_open(&d, path, &made), ERR_REFUSED);
    assert_int_equal(d.fd, -1);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_missing_directory_is_made_for_this_user_alone),
        TEST(names_that_lead_elsewhere_are_refused),
        TEST(a_name_is_taken_once_also_by_a_dangling_link),
        TEST(what_happens_to_its_path_does_not_matter),
        TEST(a_link_or_a_file_is_no_directory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
