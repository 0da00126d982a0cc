#include "tests/lib/publish_scene.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "proto/tile.h"
#include "tests/lib/log_fixture.h"
#include "tests/lib/scratch.h"

/* ---- a store, a loop, a publisher ---- */

struct publish_scene scene;

enum err
scene_try_open(void)
{
    struct publish_options opt = {
        .data_dir = scene.fx.dir,
        .beat_ms = 1,
        .files_of = {[STORE_DELIVERY] = true},
    };

    return publish_open(&scene.loop, scene.fx.st, &opt, &scene.publish,
                        scene.why, sizeof(scene.why));
}

void
scene_start(void)
{
    assert_int_equal(uv_loop_init(&scene.loop), 0);
    assert_int_equal(scene_try_open(), ERR_OK);
}

void
scene_stop(void)
{
    publish_close(scene.publish);
    scene.publish = NULL;
    (void)uv_run(&scene.loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&scene.loop), 0);
}

bool
scene_is_there(void)
{
    struct publish_stats s = publish_stats(scene.publish);
    uint64_t size = log_fill_size(scene.fx.st);
    struct head head;

    return publish_head(scene.publish, STORE_DELIVERY, &head) &&
           head.size == size && s.size[STORE_DELIVERY] == size &&
           !s.is_failing && !s.is_busy;
}

bool
scene_is_failing(void)
{
    return publish_stats(scene.publish).is_failing;
}

void
scene_turn_until(bool (*done)(void))
{
    while (!done())
        assert_true(uv_run(&scene.loop, UV_RUN_ONCE) != 0 || done());
}

void
scene_grow(uint64_t size)
{
    assert_int_equal(log_fill(scene.fx.st, size, LOG_FILL_BATCH), ERR_OK);
}

void
scene_live(void)
{
    scene_start();
    scene_turn_until(scene_is_there);
    scene_stop();
}

int
scene_set_up(void **state)
{
    (void)state;
    memset(&scene.fx, 0, sizeof(scene.fx));
    fx_open_empty(&scene.fx);
    return 0;
}

int
scene_tear_down(void **state)
{
    (void)state;
    fx_close(&scene.fx);
    return 0;
}

/* ---- looking at the files ---- */

void
scene_path_of(const char *name, char out[OS_PATH_MAX])
{
    (void)snprintf(out, OS_PATH_MAX, "%s/public/delivery/%s", scene.fx.dir,
                   name);
}

bool
scene_has(const char *name)
{
    char path[OS_PATH_MAX];

    scene_path_of(name, path);
    return os_exists(path);
}

struct buf
scene_file(const char *name)
{
    char path[OS_PATH_MAX];
    struct buf b = {0};

    scene_path_of(name, path);
    assert_int_equal(os_read_file(path, 1 << 20, &b), ERR_OK);
    return b;
}

void
scene_put(const char *name, const void *bytes, size_t len)
{
    char path[OS_PATH_MAX], dir[OS_PATH_MAX];

    scene_path_of(name, path);
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
    got = scene_file(name);
    assert_int_equal(store_tile(scene.fx.rd, STORE_DELIVERY, name, &want),
                     ERR_OK);
    assert_int_equal(got.len, want.len);
    assert_memory_equal(got.data, want.data, want.len);
    buf_clear(&got);
    buf_clear(&want);
    return ERR_OK;
}

/* All that the checkpoint file needs beyond KNOWN entries is there; its size.
 * Full tiles below were looked at before. */
uint64_t
scene_check_beyond(uint64_t known)
{
    struct buf note = scene_file("checkpoint");
    struct head head, signed_then;

    assert_int_equal(head_from_note(note.data, note.len,
                                    store_vkey(scene.fx.st, STORE_DELIVERY),
                                    NULL, 0, &head, NULL),
                     ERR_OK);
    buf_clear(&note);
    assert_int_equal(
        store_head_at(scene.fx.rd, STORE_DELIVERY, head.size, &signed_then),
        ERR_OK);
    assert_true(id_eq(&head.root, &signed_then.root));
    assert_int_equal(tile_each_new(known, head.size, is_right, NULL), ERR_OK);
    return head.size;
}

uint64_t
scene_check_needed(void)
{
    return scene_check_beyond(0);
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

void
scene_check_exact(uint64_t size)
{
    assert_int_equal(scene_check_needed(), size);
    scratch_each(scene.fx.dir, no_stranger, &size);
}
