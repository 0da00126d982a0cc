/*
 * publish_scene.h - a store, a loop and a publisher of its delivery log, for
 * tests of the public files; and looks at those files.  Asserts instead of
 * returning errors.
 */
#ifndef SEALPOST_TESTS_PUBLISH_SCENE_H
#define SEALPOST_TESTS_PUBLISH_SCENE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <uv.h>

#include "common/buf.h"
#include "common/os.h"
#include "server/publish.h"
#include "tests/lib/store_fixture.h"

struct publish_scene {
    struct fixture fx;
    uv_loop_t loop;
    struct publish *publish; /* between start and stop */
    char why[512];           /* of scene_try_open */
};
/* One a program. */
extern struct publish_scene scene;

/* For cmocka: an empty store. */
int scene_set_up(void **state);
int scene_tear_down(void **state);

/* Needs scene.loop. */
enum err scene_try_open(void);
void scene_start(void);
void scene_stop(void);
/* The files are at the log's newest head, nothing failed, nobody works. */
bool scene_is_there(void);
bool scene_is_failing(void);
void scene_turn_until(bool (*done)(void));
/* One life of the relay, until it is there. */
void scene_live(void);
/* The log gets SIZE entries. */
void scene_grow(uint64_t size);

/* Files by their names below public/delivery/. */
void scene_path_of(const char *name, char out[OS_PATH_MAX]);
bool scene_has(const char *name);
struct buf scene_file(const char *name);
void scene_put(const char *name, const void *bytes, size_t len);

/* The checkpoint file is ours, and all that it needs (beyond KNOWN entries) is
 * there with the right bytes; its size. */
uint64_t scene_check_needed(void);
uint64_t scene_check_beyond(uint64_t known);
/* And nothing but that, and narrower ones of tiles that are still partial. */
void scene_check_exact(uint64_t size);

#endif
