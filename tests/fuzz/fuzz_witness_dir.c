/*
 * What a witness keeps, with changes (tests/lib/patch.h) in one of its files:
 * first byte 0 its key, 1 the log's keys, 2 the state.  What opens has the very
 * state that was kept, under the key that signed it: nobody's editor moves it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/witness_dir.h"
#include "tests/lib/patch.h"
#include "tests/lib/scratch.h"
#include "tests/lib/witness_world.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { KEY, KEYS, STATE, FILES, FILE_MAX_LEN = 32 * 1024 };

static char *dir;
static char paths[FILES][OS_PATH_MAX];
static struct buf real[FILES];
static struct vkey key;
static struct witness_state kept;

static void
clean_up(void)
{
    scratch_free(dir);
}

static void
find_file(unsigned which, const char *name, const char *hex)
{
    char relative[128];

    (void)snprintf(relative, sizeof(relative), "logs/%s/%s", hex, name);
    must(os_path_join(paths[which], OS_PATH_MAX, dir,
                      which == KEY ? name : relative) == ERR_OK);
    must(os_read_file(paths[which], FILE_MAX_LEN, &real[which]) == ERR_OK);
}

static void
make_dir(void)
{
    struct witness_world *w;
    struct witness_dir *d = NULL;
    struct problem pb = {0};
    struct buf line = {0};
    struct hash h;
    char hex[WITNESS_HASH_HEX + 1];
    void *state;
    size_t n;

    must(crypto_init() == ERR_OK);
    (void)witness_world_setup(&state);
    w = state;
    dir = scratch_new();
    (void)atexit(clean_up);
    must(witness_dir_create(dir, "witness.example/w", &pb) == ERR_OK);
    must(witness_dir_open(dir, WITNESS_SIGN, &d, &pb) == ERR_OK);
    must(witness_dir_add(d, &w->log.keys[0], &pb) == ERR_OK);
    witness_request_for(w, &w->tree, 0, 5);
    witness_judge(w->body.data, w->body.len, witness_dir_logs(d, &n), 1,
                  WITNESS_NOW, &w->j);
    must(w->j.why == WITNESS_OK);
    must(witness_dir_keep(d, &w->j, &line) == ERR_OK);
    kept = witness_dir_logs(d, &n)->state;
    key = *witness_dir_key(d);
    must(kept.size == 5 && kept.time_s == WITNESS_NOW);
    sha256(&h, WITNESS_ORIGIN, strlen(WITNESS_ORIGIN));
    hex_encode(hex, h.b, sizeof(h.b));
    witness_dir_close(d);
    buf_clear(&line);
    (void)witness_world_teardown(&state);
    find_file(KEY, "key", hex);
    find_file(KEYS, "keys", hex);
    find_file(STATE, "checkpoint", hex);
}

/* In place: no rename, no sync. */
static void
put(unsigned which, const struct buf *b)
{
    FILE *f = fopen(paths[which], "wb");

    must(f != NULL);
    must(b->len == 0 || fwrite(b->data, b->len, 1, f) == 1);
    must(fclose(f) == 0);
}

static void
check(const struct witness_dir *d)
{
    const struct witness_log *log;
    size_t n;

    log = witness_dir_logs(d, &n);
    must(n == 1 && log->n_keys >= 1);
    must(strcmp(log->keys[0].name, WITNESS_ORIGIN) == 0);
    must(id_eq(&witness_dir_key(d)->pub, &key.pub));
    must(strcmp(witness_dir_key(d)->name, key.name) == 0);
    must(log->state.size == kept.size && log->state.time_s == kept.time_s);
    must(id_eq(&log->state.root, &kept.root));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rd input = rd_from(data, size);
    struct witness_dir *d = NULL;
    struct problem pb = {0};
    struct buf file = {0};
    unsigned which = rd_u8(&input) % FILES;
    bool is_changed;
    enum err rc;

    if (dir == NULL)
        make_dir();
    buf_put(&file, real[which].data, real[which].len);
    is_changed = patch_apply(&input, &file, FILE_MAX_LEN);
    put(which, &file);
    rc = witness_dir_open(dir, WITNESS_LOOK, &d, &pb);
    must(is_changed || rc == ERR_OK);
    if (rc == ERR_OK)
        check(d);
    else
        must(pb.id == P_WITNESS_DAMAGED && pb.why[0] != '\0');
    witness_dir_close(d);
    put(which, &real[which]);
    buf_clear(&file);
    return 0;
}
