/* The public files of a log: what is there after growth, crashes, full disks
 * and restarts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <unistd.h>

#include "common/os.h"
#include "proto/tile.h"
#include "server/publish.h"
#include "tests/lib/fail_disk.h"
#include "tests/lib/log_fixture.h"
#include "tests/lib/scratch.h"
#include "tests/lib/store_fixture.h"

/* ---- a store, a loop, a publisher ---- */

static struct fixture fx;
static uv_loop_t loop;
static struct publish *publish;
static char why[512];

static enum err
try_open(void)
{
    struct publish_options opt = {
        .data_dir = fx.dir,
        .beat_ms = 1,
        .files_of = {[STORE_DELIVERY] = true},
    };

    return publish_open(&loop, fx.st, &opt, &publish, why, sizeof(why));
}

static void
start(void)
{
    assert_int_equal(uv_loop_init(&loop), 0);
    assert_int_equal(try_open(), ERR_OK);
}

static void
stop(void)
{
    publish_close(publish);
    publish = NULL;
    (void)uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&loop), 0);
}

static bool
is_there(void)
{
    struct publish_stats s = publish_stats(publish);
    uint64_t size = log_fill_size(fx.st);
    struct head head;

    return publish_head(publish, STORE_DELIVERY, &head) && head.size == size &&
           s.size[STORE_DELIVERY] == size && !s.is_failing && !s.is_busy;
}

static bool
is_failing(void)
{
    return publish_stats(publish).is_failing;
}

static void
turn_until(bool (*done)(void))
{
    while (!done())
        assert_true(uv_run(&loop, UV_RUN_ONCE) != 0 || done());
}

static void
grow(uint64_t size)
{
    assert_int_equal(log_fill(fx.st, size, LOG_FILL_BATCH), ERR_OK);
}

/* One life of the relay, until the files are at the newest head. */
static void
live(void)
{
    start();
    turn_until(is_there);
    stop();
}

static int
set_up(void **state)
{
    (void)state;
    memset(&fx, 0, sizeof(fx));
    fx_open_empty(&fx);
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    fx_close(&fx);
    return 0;
}

/* ---- looking at the files ---- */

static void
path_of(const char *name, char out[OS_PATH_MAX])
{
    (void)snprintf(out, OS_PATH_MAX, "%s/public/delivery/%s", fx.dir, name);
}

static bool
has(const char *name)
{
    char path[OS_PATH_MAX];

    path_of(name, path);
    return os_exists(path);
}

static struct buf
file(const char *name)
{
    char path[OS_PATH_MAX];
    struct buf b = {0};

    path_of(name, path);
    assert_int_equal(os_read_file(path, 1 << 20, &b), ERR_OK);
    return b;
}

static void
put(const char *name, const void *bytes, size_t len)
{
    char path[OS_PATH_MAX], dir[OS_PATH_MAX];

    path_of(name, path);
    (void)snprintf(dir, sizeof(dir), "%.*s", (int)(os_path_base(path) - path),
                   path);
    assert_int_equal(os_mkdirs(dir, 0700), ERR_OK);
    assert_int_equal(os_write_file_atomic(path, bytes, len, 0600), ERR_OK);
}

static enum err
is_right(void *arg, const struct tile *tile)
{
    char name[TILE_PATH_MAX];
    struct buf want = {0}, got;

    (void)arg;
    tile_path(tile, name);
    got = file(name);
    assert_int_equal(store_tile(fx.rd, STORE_DELIVERY, name, &want), ERR_OK);
    assert_int_equal(got.len, want.len);
    assert_memory_equal(got.data, want.data, want.len);
    buf_clear(&got);
    buf_clear(&want);
    return ERR_OK;
}

/* All that the checkpoint file needs beyond KNOWN entries is there; its size.
 * Full tiles below were looked at before. */
static uint64_t
check_beyond(uint64_t known)
{
    struct buf note = file("checkpoint");
    struct head head, signed_then;

    assert_int_equal(head_from_note(note.data, note.len,
                                    store_vkey(fx.st, STORE_DELIVERY), NULL, 0,
                                    &head, NULL),
                     ERR_OK);
    buf_clear(&note);
    assert_int_equal(
        store_head_at(fx.rd, STORE_DELIVERY, head.size, &signed_then), ERR_OK);
    assert_true(id_eq(&head.root, &signed_then.root));
    assert_int_equal(tile_each_new(known, head.size, is_right, NULL), ERR_OK);
    return head.size;
}

static uint64_t
check_needed(void)
{
    return check_beyond(0);
}

/* And nothing but that, and narrower ones of tiles that are still partial. */
static void
no_stranger(void *arg, const char *path)
{
    uint64_t size = *(uint64_t *)arg;
    const char *name = strstr(path, "/public/delivery/");
    struct tile tile;
    unsigned width;

    if (name == NULL)
        return;
    name += strlen("/public/delivery/");
    if (strcmp(name, "checkpoint") == 0)
        return;
    if (tile_parse(name, &tile) != ERR_OK)
        fail_msg("a stranger: %s", name);
    width = tile_width(tile.level, tile.index, size);
    if (tile.width > width || (width == TILE_WIDTH && tile.width < width))
        fail_msg("%s in a log of %u entries", name, (unsigned)size);
}

static void
check_exact(uint64_t size)
{
    assert_int_equal(check_needed(), size);
    scratch_each(fx.dir, no_stranger, &size);
}

/* ---- the tests ---- */

static void
each_size_has_exactly_its_files(void **state)
{
    static const uint64_t sizes[] = {0, 1, 2, 255, 256, 257, 511, 512, 1000};

    (void)state;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        grow(sizes[i]);
        live();
        check_exact(sizes[i]);
    }
}

static void
it_follows_a_growing_log_beat_by_beat(void **state)
{
    (void)state;
    start();
    for (uint64_t size = 0; size < 600; size += 37) {
        grow(size);
        turn_until(is_there);
        check_exact(size);
    }
    stop();
}

static void
narrower_partial_tiles_stay_until_the_full_one_stands(void **state)
{
    (void)state;
    grow(10);
    live();
    grow(20);
    live();
    assert_true(has("tile/0/000.p/10") && has("tile/entries/000.p/10"));
    grow(300);
    live();
    assert_true(has("tile/0/000") && has("tile/0/001.p/44"));
    assert_false(has("tile/0/000.p") || has("tile/entries/000.p"));
}

static void
all_of_it_can_be_read_by_others(void **state)
{
    char path[OS_PATH_MAX];
    unsigned mode;

    (void)state;
    os_private_files();
    grow(3);
    live();
    path_of("checkpoint", path);
    assert_int_equal(os_mode(path, &mode), ERR_OK);
    assert_int_equal(mode, 0644);
    path_of("tile/0/000.p/3", path);
    assert_int_equal(os_mode(path, &mode), ERR_OK);
    assert_int_equal(mode, 0644);
    path_of("tile/0/000.p", path);
    assert_int_equal(os_mode(path, &mode), ERR_OK);
    assert_int_equal(mode, 0755);
    assert_int_equal(os_mode(fx.dir, &mode), ERR_OK);
    assert_int_equal(mode, 0700);
}

/* Gives false when the life ended before the crash was due. */
static bool
crash_after(int steps)
{
    bool crashed = true;

    start();
    fail_disk_after(steps, EIO);
    while (!is_failing() && !is_there())
        (void)uv_run(&loop, UV_RUN_ONCE);
    crashed = is_failing();
    stop();
    fail_disk_never();
    return crashed;
}

static void
a_crash_at_any_step_leaves_what_the_checkpoint_needs(void **state)
{
    uint64_t size = 200;
    int steps = 0, quiet = 0;

    (void)state;
    grow(size);
    live();
    /* 129 more: every second time a tile becomes full. */
    while (quiet < 4) {
        grow(size += 129);
        quiet = crash_after(steps) ? 0 : quiet + 1;
        (void)check_beyond(size - 200);
        live();
        assert_int_equal(check_beyond(size - 200), size);
        steps += quiet == 0 && size % 2 == 0;
    }
    check_exact(size);
    assert_true(steps > 25);
}

static void
a_crash_while_all_is_made_anew_shows_nothing_false(void **state)
{
    int steps = 0;

    (void)state;
    grow(300);
    for (;;) {
        put("checkpoint", "not ours\n", 9);
        if (!crash_after(steps++))
            break;
        if (has("checkpoint")) {
            struct buf b = file("checkpoint");

            if (b.len != 9) /* the stranger's stands beside nothing of ours */
                (void)check_needed();
            buf_clear(&b);
        }
        live();
        check_exact(300);
    }
    assert_true(steps > 25);
}

static void
a_full_disk_is_told_and_harms_nothing(void **state)
{
    (void)state;
    grow(100);
    start();
    turn_until(is_there);
    fail_disk_after(0, ENOSPC);
    grow(300);
    turn_until(is_failing);
    assert_int_equal(publish_stats(publish).behind[STORE_DELIVERY], 200);
    assert_int_equal(check_needed(), 100);
    grow(301);
    fail_disk_never();
    turn_until(is_there);
    assert_int_equal(publish_stats(publish).behind[STORE_DELIVERY], 0);
    stop();
    live();
    check_exact(301);
}

static void
leftovers_of_a_crash_go_at_the_next_start(void **state)
{
    (void)state;
    grow(300);
    live();
    put("checkpoint.AbCdEf.tmp", "x", 1);
    put("tile/0/001.p/45", "wider", 5);
    put("tile/0/000.p/17", "narrower", 8);
    put("tile/0/001", "full", 4);
    put("tile/0/007.p/1", "far", 3);
    put("tile/3/000.p/1", "high", 4);
    put("tile/entries/001.AbCdEf.tmp", "x", 1);
    live();
    check_exact(300);
    assert_false(has("checkpoint.AbCdEf.tmp"));
}

static void
what_is_not_ours_is_made_anew(void **state)
{
    static const char foreign[] =
        "other.example/delivery\n3\n"
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n\n"
        "\xe2\x80\x94 other.example/delivery AAAAAAAA\n";

    (void)state;
    grow(5);
    put("checkpoint", foreign, sizeof(foreign) - 1);
    put("tile/0/000.p/5", "not a hash", 10);
    put("tile/0/123", "stale", 5);
    live();
    check_exact(5);
}

static void
remove_file(const char *name)
{
    char path[OS_PATH_MAX];

    path_of(name, path);
    assert_int_equal(unlink(path), 0);
}

/* Immutable files are never written twice: they must not stay lost. */
static void
what_somebody_removed_or_cut_is_there_after_a_restart(void **state)
{
    (void)state;
    grow(600);
    live();
    remove_file("tile/0/000");
    remove_file("tile/entries/001");
    remove_file("tile/1/000.p/2");
    put("tile/0/001", "cut", 3);
    put("tile/entries/000", "", 0);
    live();
    check_exact(600);
}

/* A link to DIR/elsewhere, which holds a file. */
static void
put_link(const char *name, char kept[OS_PATH_MAX])
{
    char path[OS_PATH_MAX], target[OS_PATH_MAX];

    (void)snprintf(target, sizeof(target), "%s/elsewhere", fx.dir);
    assert_int_equal(os_mkdirs(target, 0700), ERR_OK);
    (void)snprintf(kept, OS_PATH_MAX, "%.4000s/kept", target);
    assert_int_equal(os_write_file_atomic(kept, "x", 1, 0600), ERR_OK);
    path_of(name, path);
    assert_int_equal(symlink(target, path), 0);
}

static void
what_a_link_leads_to_is_not_swept(void **state)
{
    char kept[OS_PATH_MAX];

    (void)state;
    grow(5);
    live();
    put_link("tile/0/x001", kept);
    live();
    assert_true(os_exists(kept));
    put("checkpoint", "not ours\n", 9);
    live();
    assert_true(os_exists(kept));
}

static void
put_checkpoint(uint64_t size, uint8_t change)
{
    struct checkpoint cp = {.size = size};
    struct head head;
    struct buf note = {0};

    assert_int_equal(store_head(fx.rd, STORE_DELIVERY, &head), ERR_OK);
    (void)snprintf(cp.origin, sizeof(cp.origin), "test.example/delivery");
    cp.root = head.root;
    cp.root.b[0] ^= change;
    assert_int_equal(checkpoint_sign(&cp, store_vkey(fx.st, STORE_DELIVERY),
                                     &fx.log_key, &note),
                     ERR_OK);
    put("checkpoint", note.data, note.len);
    buf_clear(&note);
}

static void
a_published_head_that_is_not_ours_to_continue_stops_us(void **state)
{
    (void)state;
    grow(5);
    assert_int_equal(uv_loop_init(&loop), 0);
    put_checkpoint(6, 0);
    assert_int_equal(try_open(), ERR_CONFLICT);
    assert_non_null(strstr(why, "has 6 entries, the database has 5"));
    put_checkpoint(5, 1);
    assert_int_equal(try_open(), ERR_CONFLICT);
    assert_non_null(strstr(why, "another history"));
    assert_int_equal(uv_loop_close(&loop), 0);
    put_checkpoint(5, 0);
    live();
}

static const char lines[] = "\xe2\x80\x94 witness.example AAAAAAAA\n";

static bool
has_lines(void)
{
    struct buf b = file("checkpoint");
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
    grow(7);
    start();
    turn_until(is_there);
    assert_true(publish_head(publish, STORE_DELIVERY, &head));
    assert_int_equal(publish_cosigned(publish, STORE_DELIVERY, &head, lines,
                                      sizeof(lines) - 1),
                     ERR_OK);
    turn_until(has_lines);
    (void)check_needed();
    grow(8);
    turn_until(is_there);
    assert_false(has_lines());
    assert_int_equal(publish_cosigned(publish, STORE_DELIVERY, &head, lines,
                                      sizeof(lines) - 1),
                     ERR_STATE);
    stop();
}

static void
cosignatures_outlive_a_restart(void **state)
{
    struct head head;

    (void)state;
    grow(7);
    start();
    turn_until(is_there);
    assert_true(publish_head(publish, STORE_DELIVERY, &head));
    assert_int_equal(publish_cosigned(publish, STORE_DELIVERY, &head, lines,
                                      sizeof(lines) - 1),
                     ERR_OK);
    turn_until(has_lines);
    stop();
    live();
    assert_true(has_lines());
}

static void
too_many_cosignatures_change_nothing(void **state)
{
    static const char many[PUBLISH_LINES_MAX + 1];
    struct head head;

    (void)state;
    start();
    turn_until(is_there);
    assert_true(publish_head(publish, STORE_DELIVERY, &head));
    assert_int_equal(
        publish_cosigned(publish, STORE_DELIVERY, &head, many, sizeof(many)),
        ERR_TOOBIG);
    stop();
}

static void
a_log_without_files_has_a_head_of_the_beat(void **state)
{
    struct head head;
    char path[OS_PATH_MAX];

    (void)state;
    fx_network(&fx);
    start();
    assert_false(publish_head(publish, STORE_DIRECTORY, &head));
    turn_until(is_there);
    assert_true(publish_head(publish, STORE_DIRECTORY, &head));
    assert_int_equal(head.size, fx.dir_size);
    assert_int_equal(publish_cosigned(publish, STORE_DIRECTORY, &head, lines,
                                      sizeof(lines) - 1),
                     ERR_OK);
    stop();
    (void)snprintf(path, sizeof(path), "%s/public/directory", fx.dir);
    assert_false(os_exists(path));
}

static void
closing_at_any_turn_leaves_no_handle_and_no_half(void **state)
{
    (void)state;
    for (int turns = 0; turns < 12; turns++) {
        grow((uint64_t)turns * 300 + 1);
        start();
        for (int i = 0; i < turns; i++)
            (void)uv_run(&loop, UV_RUN_NOWAIT);
        stop();
        if (has("checkpoint"))
            (void)check_needed();
    }
    live();
    check_exact(11 * 300 + 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

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
        TEST(a_published_head_that_is_not_ours_to_continue_stops_us),
        TEST(cosignatures_stand_below_the_head_they_are_for),
        TEST(cosignatures_outlive_a_restart),
        TEST(too_many_cosignatures_change_nothing),
        TEST(a_log_without_files_has_a_head_of_the_beat),
        TEST(closing_at_any_turn_leaves_no_handle_and_no_half),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
