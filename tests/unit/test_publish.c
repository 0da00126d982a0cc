/* The public files of a log: what is there after growth, crashes, full disks
 * and restarts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <unistd.h>

#include "proto/tile.h"
#include "tests/lib/fail_disk.h"
#include "tests/lib/publish_scene.h"

static void
each_size_has_exactly_its_files(void **state)
{
    static const uint64_t sizes[] = {0, 1, 2, 255, 256, 257, 511, 512, 1000};

    (void)state;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        scene_grow(sizes[i]);
        scene_live();
        scene_check_exact(sizes[i]);
    }
}

static void
it_follows_a_growing_log_beat_by_beat(void **state)
{
    (void)state;
    scene_start();
    for (uint64_t size = 0; size < 600; size += 37) {
        scene_grow(size);
        scene_turn_until(scene_is_there);
        scene_check_exact(size);
    }
    scene_stop();
}

static void
narrower_partial_tiles_stay_until_the_full_one_stands(void **state)
{
    (void)state;
    scene_grow(10);
    scene_live();
    scene_grow(20);
    scene_live();
    assert_true(scene_has("tile/0/000.p/10") &&
                scene_has("tile/entries/000.p/10"));
    scene_grow(300);
    scene_live();
    assert_true(scene_has("tile/0/000") && scene_has("tile/0/001.p/44"));
    assert_false(scene_has("tile/0/000.p") || scene_has("tile/entries/000.p"));
}

static void
all_of_it_can_be_read_by_others(void **state)
{
    char path[OS_PATH_MAX];
    unsigned mode;

    (void)state;
    os_private_files();
    scene_grow(3);
    scene_live();
    scene_path_of("checkpoint", path);
    assert_int_equal(os_mode(path, &mode), ERR_OK);
    assert_int_equal(mode, 0644);
    scene_path_of("tile/0/000.p/3", path);
    assert_int_equal(os_mode(path, &mode), ERR_OK);
    assert_int_equal(mode, 0644);
    scene_path_of("tile/0/000.p", path);
    assert_int_equal(os_mode(path, &mode), ERR_OK);
    assert_int_equal(mode, 0755);
    assert_int_equal(os_mode(scene.fx.dir, &mode), ERR_OK);
    assert_int_equal(mode, 0700);
}

/* Gives false when the life ended before the crash was due. */
static bool
crash_after(int steps)
{
    bool crashed = true;

    scene_start();
    fail_disk_after(steps, EIO);
    while (!scene_is_failing() && !scene_is_there())
        (void)uv_run(&scene.loop, UV_RUN_ONCE);
    crashed = scene_is_failing();
    scene_stop();
    fail_disk_never();
    return crashed;
}

static void
a_crash_at_any_step_leaves_what_the_checkpoint_needs(void **state)
{
    uint64_t size = 200;
    int steps = 0, quiet = 0;

    (void)state;
    scene_grow(size);
    scene_live();
    /* 129 more: every second time a tile becomes full. */
    while (quiet < 4) {
        scene_grow(size += 129);
        quiet = crash_after(steps) ? 0 : quiet + 1;
        (void)scene_check_beyond(size - 200);
        scene_live();
        assert_int_equal(scene_check_beyond(size - 200), size);
        steps += quiet == 0 && size % 2 == 0;
    }
    scene_check_exact(size);
    assert_true(steps > 25);
}

static void
a_crash_while_all_is_made_anew_shows_nothing_false(void **state)
{
    int steps = 0;

    (void)state;
    scene_grow(300);
    for (;;) {
        scene_put("checkpoint", "not ours\n", 9);
        if (!crash_after(steps++))
            break;
        if (scene_has("checkpoint")) {
            struct buf b = scene_file("checkpoint");

            if (b.len != 9) /* the stranger's stands beside nothing of ours */
                (void)scene_check_needed();
            buf_clear(&b);
        }
        scene_live();
        scene_check_exact(300);
    }
    assert_true(steps > 25);
}

static void
a_full_disk_is_told_and_harms_nothing(void **state)
{
    (void)state;
    scene_grow(100);
    scene_start();
    scene_turn_until(scene_is_there);
    fail_disk_after(0, ENOSPC);
    scene_grow(300);
    scene_turn_until(scene_is_failing);
    assert_int_equal(publish_stats(scene.publish).behind[STORE_DELIVERY], 200);
    assert_int_equal(scene_check_needed(), 100);
    scene_grow(301);
    fail_disk_never();
    scene_turn_until(scene_is_there);
    assert_int_equal(publish_stats(scene.publish).behind[STORE_DELIVERY], 0);
    scene_stop();
    scene_live();
    scene_check_exact(301);
}

static void
leftovers_of_a_crash_go_at_the_next_start(void **state)
{
    (void)state;
    scene_grow(300);
    scene_live();
    scene_put("checkpoint.AbCdEf.tmp", "x", 1);
    scene_put("tile/0/001.p/45", "wider", 5);
    scene_put("tile/0/000.p/17", "narrower", 8);
    scene_put("tile/0/001", "full", 4);
    scene_put("tile/0/007.p/1", "far", 3);
    scene_put("tile/3/000.p/1", "high", 4);
    scene_put("tile/entries/001.AbCdEf.tmp", "x", 1);
    scene_live();
    scene_check_exact(300);
    assert_false(scene_has("checkpoint.AbCdEf.tmp"));
}

static void
what_is_not_ours_is_made_anew(void **state)
{
    static const char foreign[] =
        "other.example/delivery\n3\n"
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n\n"
        "\xe2\x80\x94 other.example/delivery AAAAAAAA\n";

    (void)state;
    scene_grow(5);
    scene_put("checkpoint", foreign, sizeof(foreign) - 1);
    scene_put("tile/0/000.p/5", "not a hash", 10);
    scene_put("tile/0/123", "stale", 5);
    scene_live();
    scene_check_exact(5);
}

static void
remove_file(const char *name)
{
    char path[OS_PATH_MAX];

    scene_path_of(name, path);
    assert_int_equal(unlink(path), 0);
}

/* Immutable files are never written twice: they must not stay lost. */
static void
what_somebody_removed_or_cut_is_there_after_a_restart(void **state)
{
    (void)state;
    scene_grow(600);
    scene_live();
    remove_file("tile/0/000");
    remove_file("tile/entries/001");
    remove_file("tile/1/000.p/2");
    scene_put("tile/0/001", "cut", 3);
    scene_put("tile/entries/000", "", 0);
    scene_live();
    scene_check_exact(600);
}

/* A link to DIR/elsewhere, which holds a file. */
static void
put_link(const char *name, char kept[OS_PATH_MAX])
{
    char path[OS_PATH_MAX], target[OS_PATH_MAX];

    (void)snprintf(target, sizeof(target), "%s/elsewhere", scene.fx.dir);
    assert_int_equal(os_mkdirs(target, 0700), ERR_OK);
    (void)snprintf(kept, OS_PATH_MAX, "%.4000s/kept", target);
    assert_int_equal(os_write_file_atomic(kept, "x", 1, 0600), ERR_OK);
    scene_path_of(name, path);
    assert_int_equal(symlink(target, path), 0);
}

static void
what_a_link_leads_to_is_not_swept(void **state)
{
    char kept[OS_PATH_MAX];

    (void)state;
    scene_grow(5);
    scene_live();
    put_link("tile/0/x001", kept);
    scene_live();
    assert_true(os_exists(kept));
    scene_put("checkpoint", "not ours\n", 9);
    scene_live();
    assert_true(os_exists(kept));
}

static void
closing_at_any_turn_leaves_no_handle_and_no_half(void **state)
{
    (void)state;
    for (int turns = 0; turns < 12; turns++) {
        scene_grow((uint64_t)turns * 300 + 1);
        scene_start();
        for (int i = 0; i < turns; i++)
            (void)uv_run(&scene.loop, UV_RUN_NOWAIT);
        scene_stop();
        if (scene_has("checkpoint"))
            (void)scene_check_needed();
    }
    scene_live();
    scene_check_exact(11 * 300 + 1);
}

#define TEST(name)                                                             \
    cmocka_unit_test_setup_teardown(name, scene_set_up, scene_tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_size_has_exactly_its_files),
        TEST(it_follows_a_growing_log_beat_by_beat),
        TEST(narrower_partial_tiles_stay_until_the_full_one_stands),
        TEST(all_of_it_can_be_read_by_others),
        TEST(a_crash_at_any_step_leaves_what_the_checkpoint_needs),
        TEST(a_crash_while_all_is_made_anew_shows_nothing_false),
        TEST(a_full_disk_is_told_and_harms_nothing),
        TEST(leftovers_of_a_crash_go_at_the_next_start),
        TEST(what_is_not_ours_is_made_anew),
        TEST(what_somebody_removed_or_cut_is_there_after_a_restart),
        TEST(what_a_link_leads_to_is_not_swept),
        TEST(closing_at_any_turn_leaves_no_handle_and_no_half),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
