#include "server/blob_file.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/store_inside.h"

/* DIR/blobs/<last byte of the row, hex>/<row, hex> */
enum { CHUNK = 256 * 1024, SHARDS = 256 };

struct blob_upload {
    int fd;
    uint64_t len, at, synced;
    struct bulk digest;
};

struct blob_download {
    int fd;
    uint64_t len;
};

static enum err
shard_path(const struct store *st, unsigned shard, char *out, size_t cap)
{
    char name[16];
    char blobs[OS_PATH_MAX];
    enum err rc = os_path_join(blobs, sizeof(blobs), st->dir, "blobs");

    snprintf(name, sizeof(name), "%02x", shard);
    return rc == ERR_OK ? os_path_join(out, cap, blobs, name) : rc;
}

enum err
blob_path(const struct store *st, uint64_t blob, char *out, size_t cap)
{
    char dir[OS_PATH_MAX];
    char name[20];
    enum err rc = shard_path(st, blob % SHARDS, dir, sizeof(dir));

    snprintf(name, sizeof(name), "%016" PRIx64, blob);
    return rc == ERR_OK ? os_path_join(out, cap, dir, name) : rc;
}

enum err
blob_files_prepare(struct store *st)
{
    char path[OS_PATH_MAX];
    enum err rc = ERR_OK;
    unsigned i;

    for (i = 0; i < SHARDS && rc == ERR_OK; i++) {
        rc = shard_path(st, i, path, sizeof(path));
        if (rc == ERR_OK)
            rc = os_mkdirs(path, 0700);
    }
    if (rc == ERR_OK)
        rc = os_path_join(path, sizeof(path), st->dir, "blobs");
    return rc == ERR_OK ? os_fsync_dir(path) : rc;
}

static enum err
tidy_one(void *arg, const char *name)
{
    struct store *st = arg;
    struct store_blob blob;
    struct q q;
    char path[OS_PATH_MAX];
    char *end;
    uint64_t row = strtoull(name, &end, 16);
    enum err rc;

    if (*end != '\0' || strlen(name) != 16)
        return ERR_OK; /* not ours */
    q = db_q(&st->writer.db, SQL_BLOB_BY_ID);
    q_u64(&q, row);
    rc = blob_by(&q, &blob, NULL);
    if (rc != ERR_NOTFOUND)
        return rc;
    rc = blob_path(st, row, path, sizeof(path));
    return rc == ERR_OK ? os_remove(path) : rc;
}

enum err
blob_files_tidy(struct store *st)
{
    char path[OS_PATH_MAX];
    enum err rc = ERR_OK;
    unsigned i;

    for (i = 0; i < SHARDS && rc == ERR_OK; i++) {
        rc = shard_path(st, i, path, sizeof(path));
        if (rc == ERR_OK)
            rc = os_list_dir(path, tidy_one, st);
    }
    return rc;
}

/* ---- digest of what is there ---- */

static enum err
digest_range(struct store *st, int fd, uint64_t len, struct bulk *into)
{
    uint8_t *chunk = malloc(CHUNK);
    uint64_t at = 0;
    enum err rc = chunk == NULL ? ERR_NOMEM : ERR_OK;

    while (rc == ERR_OK && at < len) {
        size_t n = len - at < CHUNK ? (size_t)(len - at) : CHUNK;

        rc = atomic_load(&st->is_ending) ? ERR_CANCELLED
                                         : os_pread(fd, chunk, n, at);
        if (rc == ERR_OK)
            bulk_update(into, chunk, n);
        at += n;
    }
    free(chunk);
    return rc == ERR_MALFORMED ? ERR_IO : rc; /* shorter than its row says */
}

enum err
blob_file_digest(struct store *st, const struct store_blob *info,
                 struct hash *out)
{
    struct bulk b;
    char path[OS_PATH_MAX];
    int fd = -1;
    enum err rc = blob_path(st, info->blob, path, sizeof(path));

    if (rc == ERR_OK)
        rc = os_open(&fd, path, OS_READ, 0);
    if (rc != ERR_OK)
        return rc;
    bulk_init(&b, info->ct_len);
    rc = digest_range(st, fd, info->ct_len, &b);
    os_close(&fd);
    return rc == ERR_OK ? bulk_final(&b, out) : rc;
}

/* ---- upload ---- */

/* Nothing of it counts yet: whatever lies there is cut, then the room for all
 * of it is taken, and its name made durable. */
static enum err
start_file(struct store *st, struct blob_upload *up, uint64_t blob,
           const char *path)
{
    char dir[OS_PATH_MAX];
    enum err rc = os_open(&up->fd, path, OS_CREATE, 0600);

    if (rc == ERR_OK)
        rc = os_truncate(up->fd, 0);
    if (rc == ERR_OK)
        rc = os_preallocate(up->fd, up->len);
    if (rc == ERR_OK)
        rc = shard_path(st, blob % SHARDS, dir, sizeof(dir));
    return rc == ERR_OK ? os_fsync_dir(dir) : rc;
}

static enum err
open_file(struct store *st, struct blob_upload *up,
          const struct store_blob *info)
{
    char path[OS_PATH_MAX];
    enum err rc = blob_path(st, info->blob, path, sizeof(path));

    if (rc != ERR_OK)
        return rc;
    if (info->have == 0)
        return start_file(st, up, info->blob, path);
    rc = os_open(&up->fd, path, OS_READ_WRITE, 0);
    if (rc == ERR_OK)
        rc = digest_range(st, up->fd, info->have, &up->digest);
    return rc;
}

enum err
blob_upload_open(struct store *st, const struct store_blob *info,
                 struct blob_upload **out)
{
    struct blob_upload *up = calloc(1, sizeof(*up));
    enum err rc;

    if (up == NULL)
        return ERR_NOMEM;
    up->fd = -1;
    up->len = info->ct_len;
    up->at = up->synced = info->have;
    bulk_init(&up->digest, info->ct_len);
    rc = open_file(st, up, info);
    if (rc != ERR_OK) {
        blob_upload_close(up);
        return rc;
    }
    *out = up;
    return ERR_OK;
}

uint64_t
blob_upload_at(const struct blob_upload *up)
{
    return up->at;
}

enum err
blob_upload_write(struct blob_upload *up, uint64_t offset, const void *bytes,
                  size_t len)
{
    enum err rc;

    if (offset != up->at)
        return ERR_STATE;
    if (len > up->len - up->at)
        return ERR_TOOBIG;
    rc = os_pwrite(up->fd, bytes, len, offset);
    if (rc != ERR_OK)
        return rc;
    bulk_update(&up->digest, bytes, len);
    up->at += len;
    return ERR_OK;
}

enum err
blob_upload_sync(struct blob_upload *up, uint64_t *have)
{
    enum err rc = os_fdatasync(up->fd);

    if (rc != ERR_OK)
        return rc;
    up->synced = up->at;
    *have = up->synced;
    return ERR_OK;
}

enum err
blob_upload_digest(struct blob_upload *up, struct hash *out)
{
    struct bulk copy = up->digest;

    if (up->synced != up->len)
        return ERR_STATE;
    return bulk_final(&copy, out);
}

void
blob_files_stop(struct store *st)
{
    atomic_store(&st->is_ending, true);
}

void
blob_upload_close(struct blob_upload *up)
{
    if (up == NULL)
        return;
    os_close(&up->fd);
    free(up);
}

/* ---- download ---- */

enum err
blob_download_open(struct store *st, const struct store_blob *info,
                   struct blob_download **out)
{
    struct blob_download *down = calloc(1, sizeof(*down));
    char path[OS_PATH_MAX];
    enum err rc;

    if (down == NULL)
        return ERR_NOMEM;
    down->fd = -1;
    down->len = info->ct_len;
    rc = blob_path(st, info->blob, path, sizeof(path));
    if (rc == ERR_OK)
        rc = os_open(&down->fd, path, OS_READ, 0);
    if (rc != ERR_OK) {
        blob_download_close(down);
        return rc;
    }
    *out = down;
    return ERR_OK;
}

enum err
blob_download_read(struct blob_download *down, uint64_t offset, void *out,
                   size_t len)
{
    if (offset > down->len || len > down->len - offset)
        return ERR_TOOBIG;
    return os_pread(down->fd, out, len, offset);
}

void
blob_download_close(struct blob_download *down)
{
    if (down == NULL)
        return;
    os_close(&down->fd);
    free(down);
}
