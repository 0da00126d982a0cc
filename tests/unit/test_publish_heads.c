/* Heads in public: those of the beat, their cosignatures, and those that a
 * restored store must not go on from. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/lib/publish_scene.h"

static void
put_checkpoint(uint64_t size, uint8_t change)
{
    struct checkpoint cp = {.size = size};
    struct head head;
    struct buf note = {0};

    assert_int_equal(store_head(scene.fx.rd, STORE_DELIVERY, &head), ERR_OK);
    (void)snprintf(cp.origin, sizeof(cp.origin), "test.example/delivery");
    cp.root = head.root;
    cp.root.b[0] ^= change;
    assert_int_equal(checkpoint_sign(&cp,
                                     store_vkey(scene.fx.st, STORE_DELIVERY),
                                     &scene.fx.log_key, &note),
                     ERR_OK);
    scene_put("checkpoint", note.data, note.len);
    buf_clear(&note);
}

static void
a_published_head_that_is_not_ours_to_continue_stops_us(void **state)
{
    (void)state;
    scene_grow(5);
    assert_int_equal(uv_loop_init(&scene.loop), 0);
    put_checkpoint(6, 0);
    assert_int_equal(scene_try_open(), ERR_CONFLICT);
    assert_non_null(strstr(scene.why, "has 6 entries, the database has 5"));
    put_checkpoint(5, 1);
    assert_int_equal(scene_try_open(), ERR_CONFLICT);
    assert_non_null(strstr(scene.why, "another history"));
    assert_int_equal(uv_loop_close(&scene.loop), 0);
    put_checkpoint(5, 0);
    scene_live();
}

static const char lines[] = "\xe2\x80\x94 witness.example AAAAAAAA\n";

static bool
has_lines(void)
{
    struct buf b = scene_file("checkpoint");
    size_t n = sizeof(lines) - 1;
    bool yes = b.len > n && memcmp(b.data + b.len - n, lines, n) == 0;

    buf_clear(&b);
    return yes;
}

static void
cosignatures_stand_below_the_head_they_are_for(void **state)
{
    struct head head;

    (void)state;
    scene_grow(7);
    scene_start();
    scene_turn_until(scene_is_there);
    assert_true(publish_head(scene.publish, STORE_DELIVERY, &head));
    assert_int_equal(publish_cosigned(scene.publish, STORE_DELIVERY, &head,
                                      lines, sizeof(lines) - 1),
                     ERR_OK);
    scene_turn_until(has_lines);
    (void)scene_check_needed();
    scene_grow(8);
    scene_turn_until(scene_is_there);
    assert_false(has_lines());
    assert_int_equal(publish_cosigned(scene.publish, STORE_DELIVERY, &head,
                                      lines, sizeof(lines) - 1),
                     ERR_STATE);
    scene_stop();
}

static void
cosignatures_outlive_a_restart(void **state)
{
    struct head head;

    (void)state;
    scene_grow(7);
    scene_start();
    scene_turn_until(scene_is_there);
    assert_true(publish_head(scene.publish, STORE_DELIVERY, &head));
    assert_int_equal(publish_cosigned(scene.publish, STORE_DELIVERY, &head,
                                      lines, sizeof(lines) - 1),
                     ERR_OK);
    scene_turn_until(has_lines);
    scene_stop();
    scene_live();
    assert_true(has_lines());
}

static void
too_many_cosignatures_change_nothing(void **state)
{
    static const char many[PUBLISH_LINES_MAX + 1];
    struct head head;

    (void)state;
    scene_start();
    scene_turn_until(scene_is_there);
    assert_true(publish_head(scene.publish, STORE_DELIVERY, &head));
    assert_int_equal(publish_cosigned(scene.publish, STORE_DELIVERY, &head,
                                      many, sizeof(many)),
                     ERR_TOOBIG);
    scene_stop();
}

static void
a_log_without_files_has_a_head_of_the_beat(void **state)
{
    struct head head;
    char path[OS_PATH_MAX];

    (void)state;
    fx_network(&scene.fx);
    scene_start();
    assert_false(publish_head(scene.publish, STORE_DIRECTORY, &head));
    scene_turn_until(scene_is_there);
    assert_true(publish_head(scene.publish, STORE_DIRECTORY, &head));
    assert_int_equal(head.size, scene.fx.dir_size);
    assert_int_equal(publish_cosigned(scene.publish, STORE_DIRECTORY, &head,
                                      lines, sizeof(lines) - 1),
                     ERR_OK);
    scene_stop();
    (void)snprintf(path, sizeof(path), "%s/public/directory", scene.fx.dir);
    assert_false(os_exists(path));
}

#define TEST(name)                                                             \
    cmocka_unit_test_setup_teardown(name, scene_set_up, scene_tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_published_head_that_is_not_ours_to_continue_stops_us),
        TEST(cosignatures_stand_below_the_head_they_are_for),
        TEST(cosignatures_outlive_a_restart),
        TEST(too_many_cosignatures_change_nothing),
        TEST(a_log_without_files_has_a_head_of_the_beat),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
