#include "server/public.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/log.h"

enum { FILE_MODE = 0644, DIR_MODE = 0755 };

static const char *const names[STORE_LOGS] = {"directory", "delivery"};

static bool
is_stopped(const struct public *pub)
{
    return pub->stop != NULL && atomic_load(pub->stop);
}

static enum err
explain(struct public *pub, enum err rc, const char *what, const char *path)
{
    if (rc != ERR_OK && rc != ERR_CANCELLED)
        (void)snprintf(pub->why, sizeof(pub->why), "%s %.140s: %s", what, path,
                       os_last_error_text());
    return rc;
}

enum err
public_init(struct public *pub, const char *data_dir, enum store_log log,
            const atomic_bool *stop)
{
    char base[OS_PATH_MAX];
    enum err rc = os_path_join(base, sizeof(base), data_dir, "public");

    memset(pub, 0, sizeof(*pub));
    pub->stop = stop;
    return rc == ERR_OK
               ? os_path_join(pub->dir, sizeof(pub->dir), base, names[log])
               : rc;
}

enum err
public_checkpoint(struct public *pub, struct buf *out)
{
    char path[OS_PATH_MAX];
    enum err rc = os_path_join(path, sizeof(path), pub->dir, "checkpoint");

    return rc == ERR_OK ? os_read_file(path, NOTE_LEN_MAX, out) : rc;
}

/* ---- growing ---- */

/* Names in the directory last written to become durable. */
static enum err
settle(struct public *pub)
{
    enum err rc = ERR_OK;

    if (pub->dirty[0] != '\0')
        rc = explain(pub, os_fsync_dir(pub->dirty), "cannot sync", pub->dirty);
    pub->dirty[0] = '\0';
    return rc;
}

/* Tiles come in order, so the directory changes seldom. */
static enum err
enter(struct public *pub, const char *path)
{
    char dir[OS_PATH_MAX];
    size_t len = (size_t)(os_path_base(path) - path) - 1;
    enum err rc;

    memcpy(dir, path, len);
    dir[len] = '\0';
    if (strcmp(dir, pub->dirty) == 0)
        return ERR_OK;
    rc = settle(pub);
    if (rc == ERR_OK && !os_is_dir(dir))
        rc = explain(pub, os_mkdirs_exactly(dir, DIR_MODE), "cannot make", dir);
    if (rc == ERR_OK)
        memcpy(pub->dirty, dir, len + 1);
    return rc;
}

struct growing {
    struct public *pub;
    struct store_reader *rd;
    enum store_log log;
    uint64_t mended;
};

static enum err
put_tile(void *arg, const struct tile *tile)
{
    struct growing *g = arg;
    char name[TILE_PATH_MAX], path[OS_PATH_MAX];
    struct buf bytes = {0};
    enum err rc;

    if (is_stopped(g->pub))
        return ERR_CANCELLED;
    tile_path(tile, name);
    rc = os_path_join(path, sizeof(path), g->pub->dir, name);
    if (rc == ERR_OK) {
        rc = store_tile(g->rd, g->log, name, &bytes);
        if (rc != ERR_OK)
            (void)snprintf(g->pub->why, sizeof(g->pub->why),
                           "cannot read %s from the store: %s", name,
                           err_text(rc));
    }
    if (rc == ERR_OK)
        rc = enter(g->pub, path);
    if (rc == ERR_OK)
        rc =
            explain(g->pub, os_put_file(path, bytes.data, bytes.len, FILE_MODE),
                    "cannot write", path);
    buf_clear(&bytes);
    return rc;
}

/* All of it is put again after a failure: nothing is left to be settled. */
static enum err
put_each(struct growing *g, uint64_t old, uint64_t size, tile_each_fn *each)
{
    enum err rc;

    g->pub->dirty[0] = '\0';
    rc = tile_each_new(old, size, each, g);
    return rc == ERR_OK ? settle(g->pub) : rc;
}

enum err
public_grow(struct public *pub, struct store_reader *rd, enum store_log log,
            uint64_t old, uint64_t size)
{
    struct growing g = {pub, rd, log, 0};

    return put_each(&g, old, size, put_tile);
}

/* ---- mending ---- */

/* A bundle's length is known only when it is read. */
static bool
has_its_length(const struct tile *tile, uint64_t len)
{
    return tile->level == TILE_ENTRIES ? len > 0 : len == tile->width * 32;
}

static enum err
mend_tile(void *arg, const struct tile *tile)
{
    struct growing *g = arg;
    char name[TILE_PATH_MAX], path[OS_PATH_MAX];
    uint64_t len = 0;
    enum err rc;

    if (is_stopped(g->pub))
        return ERR_CANCELLED;
    tile_path(tile, name);
    rc = os_path_join(path, sizeof(path), g->pub->dir, name);
    if (rc != ERR_OK)
        return rc;
    rc = os_file_size(path, &len);
    if (rc == ERR_OK && has_its_length(tile, len))
        return ERR_OK;
    if (rc == ERR_OK || rc == ERR_NOTFOUND) {
        g->mended++;
        return put_tile(g, tile);
    }
    return explain(g->pub, rc, "cannot mend", path);
}

enum err
public_mend(struct public *pub, struct store_reader *rd, enum store_log log,
            uint64_t size)
{
    struct growing g = {pub, rd, log, 0};
    enum err rc = put_each(&g, 0, size, mend_tile);

    if (g.mended > 0)
        log_warn("publish: %s: %" PRIu64 " files that were missing or cut are "
                 "made again",
                 pub->dir, g.mended);
    return rc;
}

enum err
public_show(struct public *pub, const void *note, size_t len)
{
    char path[OS_PATH_MAX];
    enum err rc = os_path_join(path, sizeof(path), pub->dir, "checkpoint");

    if (rc == ERR_OK)
        rc = explain(pub, os_write_file_atomic(path, note, len, FILE_MODE),
                     "cannot write", path);
    return rc;
}

/* ---- removing ---- */

enum { ALL, NOT_NEEDED };

/* One directory below the log's, by its name there ("tile/0/x001"). */
struct broom {
    struct public *pub;
    int what;
    uint64_t size;
    const char *name;
};

static enum err sweep_dir(struct public *pub, int what, uint64_t size,
                          const char *name);

/* A reader at SIZE may ask for this: a tile as wide as the tree has it, or a
 * narrower one of a tile that is still partial. */
static bool
is_needed(const char *name, uint64_t size)
{
    struct tile tile;
    unsigned width;

    if (tile_parse(name, &tile) != ERR_OK)
        return false;
    width = tile_width(tile.level, tile.index, size);
    return tile.width == width ||
           (tile.width < width && width < (unsigned)TILE_WIDTH);
}

static enum err
sweep_one(void *arg, const char *entry)
{
    struct broom *b = arg;
    char name[256], path[OS_PATH_MAX];
    enum err rc;

    if (is_stopped(b->pub))
        return ERR_CANCELLED;
    /* A longer name is not one of ours. */
    if ((size_t)snprintf(name, sizeof(name), "%s/%s", b->name, entry) >=
        sizeof(name))
        return ERR_OK;
    rc = os_path_join(path, sizeof(path), b->pub->dir, name);
    if (rc != ERR_OK)
        return rc;
    if (os_is_dir(path))
        return sweep_dir(b->pub, b->what, b->size, name);
    if (b->what == NOT_NEEDED && is_needed(name, b->size))
        return ERR_OK;
    return explain(b->pub, os_remove(path), "cannot remove", path);
}

/* The directory goes too when nothing is left in it. */
static enum err
sweep_dir(struct public *pub, int what, uint64_t size, const char *name)
{
    struct broom b = {pub, what, size, name};
    char path[OS_PATH_MAX];
    enum err rc = os_path_join(path, sizeof(path), pub->dir, name);

    if (rc == ERR_OK && os_is_link(path))
        return ERR_OK;
    if (rc == ERR_OK)
        rc = os_list_dir(path, sweep_one, &b);
    if (rc == ERR_NOTFOUND)
        return ERR_OK;
    if (rc == ERR_OK)
        rc = os_remove(path);
    return rc == ERR_EXISTS ? ERR_OK : explain(pub, rc, "cannot remove", path);
}

/* Half-written checkpoints. */
static enum err
remove_temporary(void *arg, const char *entry)
{
    struct public *pub = arg;
    size_t len = strlen(entry);
    char path[OS_PATH_MAX];
    enum err rc;

    if (len < 4 || strcmp(entry + len - 4, ".tmp") != 0)
        return ERR_OK;
    rc = os_path_join(path, sizeof(path), pub->dir, entry);
    return rc == ERR_OK ? explain(pub, os_remove(path), "cannot remove", path)
                        : rc;
}

static enum err
prepare(struct public *pub)
{
    enum err rc = explain(pub, os_mkdirs_exactly(pub->dir, DIR_MODE),
                          "cannot make", pub->dir);

    return rc == ERR_OK ? os_list_dir(pub->dir, remove_temporary, pub) : rc;
}

enum err
public_tidy(struct public *pub, uint64_t size)
{
    enum err rc = prepare(pub);

    return rc == ERR_OK ? sweep_dir(pub, NOT_NEEDED, size, "tile") : rc;
}

enum err
public_wipe(struct public *pub)
{
    char path[OS_PATH_MAX];
    enum err rc = prepare(pub);

    if (rc == ERR_OK)
        rc = os_path_join(path, sizeof(path), pub->dir, "checkpoint");
    if (rc == ERR_OK)
        rc = explain(pub, os_remove(path), "cannot remove", path);
    if (rc == ERR_OK)
        rc = os_fsync_dir(pub->dir);
    return rc == ERR_OK ? sweep_dir(pub, ALL, 0, "tile") : rc;
}

/* The last tile of this level at OLD was partial and is full at SIZE. */
static enum err
trim_level(struct public *pub, int level, uint64_t old, uint64_t size)
{
    uint64_t nodes = level == TILE_ENTRIES ? old : old >> (8 * level);
    struct tile tile = {level, nodes / TILE_WIDTH, TILE_WIDTH};
    char name[TILE_PATH_MAX], partial[TILE_PATH_MAX + 2];

    if (nodes % TILE_WIDTH == 0 ||
        tile_width(level, tile.index, size) < (unsigned)TILE_WIDTH)
        return ERR_OK;
    tile_path(&tile, name);
    (void)snprintf(partial, sizeof(partial), "%s.p", name);
    return sweep_dir(pub, ALL, 0, partial);
}

enum err
public_trim(struct public *pub, uint64_t old, uint64_t size)
{
    enum err rc = ERR_OK;

    for (int level = TILE_ENTRIES; level < 8 && rc == ERR_OK; level++)
        rc = trim_level(pub, level, old, size);
    return rc;
}
