#include "server/guard.h"

#include <string.h>

#include "common/bytes.h"
#include "common/os.h"
#include "proto/crypto.h"

enum {
    SLOT_APART = 4096, /* one sector cannot tear both */
    ERA_AT = 4,
    HEADS_AT = 16,
    HEAD_BYTES = 8 + 32,
    SUM_AT = HEADS_AT + GUARD_LOGS * HEAD_BYTES,
    SLOT_LEN = SUM_AT + 32,
};

static const uint8_t magic[4] = {'S', 'P', 'G', '1'};

static void
encode(const struct guard *g, uint8_t out[SLOT_LEN])
{
    struct hash sum;
    unsigned i;

    memcpy(out, magic, sizeof(magic));
    put_u32(out + ERA_AT, g->era);
    put_u64(out + 8, g->turn);
    for (i = 0; i < GUARD_LOGS; i++) {
        uint8_t *p = out + HEADS_AT + i * HEAD_BYTES;

        put_u64(p, g->head[i].size);
        memcpy(p + 8, g->head[i].root.b, 32);
    }
    sha256(&sum, out, SUM_AT);
    memcpy(out + SUM_AT, sum.b, 32);
}

static bool
decode(struct guard *g, const uint8_t bytes[SLOT_LEN])
{
    struct hash sum;
    unsigned i;

    sha256(&sum, bytes, SUM_AT);
    if (memcmp(bytes, magic, sizeof(magic)) != 0 ||
        memcmp(bytes + SUM_AT, sum.b, 32) != 0)
        return false;
    g->era = get_u32(bytes + ERA_AT);
    g->turn = get_u64(bytes + 8);
    for (i = 0; i < GUARD_LOGS; i++) {
        const uint8_t *p = bytes + HEADS_AT + i * HEAD_BYTES;

        g->head[i].size = get_u64(p);
        memcpy(g->head[i].root.b, p + 8, 32);
    }
    return true;
}

static enum err
read_newest(struct guard *g)
{
    bool found = false;
    unsigned i;

    for (i = 0; i < 2; i++) {
        uint8_t bytes[SLOT_LEN];
        struct guard one = {.fd = g->fd};
        enum err rc =
            os_pread(g->fd, bytes, sizeof(bytes), (uint64_t)i * SLOT_APART);

        if (rc == ERR_IO)
            return rc;
        if (rc != ERR_OK || !decode(&one, bytes))
            continue;
        if (!found || one.turn > g->turn)
            *g = one;
        found = true;
    }
    return found ? ERR_OK : ERR_MALFORMED;
}

static enum err
sync_parent(const char *path)
{
    char dir[OS_PATH_MAX];
    size_t len = (size_t)(os_path_base(path) - path);

    if (len == 0)
        return os_fsync_dir(".");
    if (len >= sizeof(dir))
        return ERR_TOOBIG;
    memcpy(dir, path, len);
    dir[len] = '\0';
    return os_fsync_dir(dir);
}

static enum err
make(struct guard *g, const char *path)
{
    const struct guard_head empty[GUARD_LOGS] = {0};
    enum err rc = os_create_exclusive(&g->fd, path, 0600);

    if (rc != ERR_OK)
        return rc;
    rc = os_preallocate(g->fd, 2 * SLOT_APART);
    if (rc == ERR_OK)
        rc = guard_write(g, empty);
    if (rc == ERR_OK)
        rc = guard_sync(g);
    if (rc == ERR_OK)
        rc = sync_parent(path);
    if (rc != ERR_OK)
        (void)os_remove(path);
    return rc;
}

enum err
guard_open(struct guard *g, const char *path, bool *fresh)
{
    struct guard made = {.fd = -1};
    enum err rc = os_open(&made.fd, path, OS_READ_WRITE, 0600);
    bool is_new = rc == ERR_NOTFOUND;

    rc = is_new ? make(&made, path) : rc == ERR_OK ? read_newest(&made) : rc;
    if (rc != ERR_OK) {
        guard_close(&made);
        return rc;
    }
    *g = made;
    *fresh = is_new;
    return ERR_OK;
}

enum err
guard_write(struct guard *g, const struct guard_head head[GUARD_LOGS])
{
    uint8_t bytes[SLOT_LEN];

    memcpy(g->head, head, sizeof(g->head));
    g->turn++;
    encode(g, bytes);
    return os_pwrite(g->fd, bytes, sizeof(bytes), (g->turn & 1) * SLOT_APART);
}

enum err
guard_sync(struct guard *g)
{
    return os_fdatasync(g->fd);
}

void
guard_close(struct guard *g)
{
    os_close(&g->fd);
}
