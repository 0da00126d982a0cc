#include "tests/lib/powercut.h"

#include <assert.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sqlite3.h>

#include "common/buf.h"
#include "common/os.h"

enum { FILES_MAX = 4, SECTOR = 512, FILE_LEN_MAX = 1 << 30 };

/* A change that no sync has made durable yet; LEN 0 cuts the file at AT. */
struct change {
    uint64_t at;
    size_t len;
    uint8_t *bytes;
};

/* A file by its path; outlives the handles on it. */
struct track {
    char path[OS_PATH_MAX];
    struct buf durable;
    struct change *changes;
    size_t n, cap;
};

struct file {
    sqlite3_file base;
    struct track *track; /* NULL: only passed through */
    sqlite3_file *real;  /* behind this struct */
};

static struct {
    pthread_mutex_t lock;
    sqlite3_vfs vfs;
    sqlite3_vfs *real;
    struct track track[FILES_MAX];
    size_t n;
    uint64_t random;
    unsigned writes_left;
    bool is_armed;
    bool is_out;
} pc = {.lock = PTHREAD_MUTEX_INITIALIZER};

static sqlite3_file *
real_of(sqlite3_file *f)
{
    return ((struct file *)f)->real;
}

static unsigned
roll(unsigned sides)
{
    pc.random ^= pc.random << 13;
    pc.random ^= pc.random >> 7;
    pc.random ^= pc.random << 17;
    return (unsigned)(pc.random >> 33) % sides;
}

/* ---- what is on the disk, what is under way ---- */

static void
put_at(struct buf *b, uint64_t at, const uint8_t *bytes, size_t len)
{
    if (b->len < at + len)
        buf_zeros(b, (size_t)(at + len - b->len));
    memcpy(b->data + at, bytes, len);
}

static void
do_change(struct buf *b, const struct change *c)
{
    if (c->len > 0)
        put_at(b, c->at, c->bytes, c->len);
    else if (b->len > c->at)
        b->len = (size_t)c->at;
}

static void
add_change(struct track *t, uint64_t at, const void *bytes, size_t len)
{
    struct change *c;

    if (t->n == t->cap) {
        t->cap = t->cap == 0 ? 64 : 2 * t->cap;
        t->changes = realloc(t->changes, t->cap * sizeof(*t->changes));
    }
    c = &t->changes[t->n++];
    *c = (struct change){at, len, NULL};
    if (len > 0) {
        c->bytes = malloc(len);
        memcpy(c->bytes, bytes, len);
    }
}

static void
forget_changes(struct track *t)
{
    while (t->n > 0)
        free(t->changes[--t->n].bytes);
}

static void
make_durable(struct track *t)
{
    size_t i;

    for (i = 0; i < t->n; i++)
        do_change(&t->durable, &t->changes[i]);
    forget_changes(t);
}

/* Each change came through, was lost, or stopped after some sectors. */
static void
lose_some(struct track *t)
{
    size_t i;

    for (i = 0; i < t->n; i++) {
        struct change c = t->changes[i];
        unsigned fate = roll(4);

        if (fate == 0)
            continue;
        if (fate == 1 && c.len > SECTOR)
            c.len = SECTOR * (1 + roll((unsigned)(c.len / SECTOR)));
        do_change(&t->durable, &c);
    }
    forget_changes(t);
}

static struct track *
track_of(const char *path)
{
    struct track *t;
    size_t i;

    for (i = 0; i < pc.n; i++)
        if (strcmp(pc.track[i].path, path) == 0)
            return &pc.track[i];
    assert(pc.n < FILES_MAX);
    t = &pc.track[pc.n++];
    snprintf(t->path, sizeof(t->path), "%s", path);
    (void)os_read_file(path, FILE_LEN_MAX, &t->durable); /* may not be there */
    return t;
}

/* ---- the calls that change something ---- */

static int
on_write(sqlite3_file *f, const void *bytes, int len, sqlite3_int64 at)
{
    struct track *t = ((struct file *)f)->track;
    int rc = SQLITE_IOERR_WRITE;

    pthread_mutex_lock(&pc.lock);
    if (t != NULL && pc.is_armed && !pc.is_out && --pc.writes_left == 0)
        pc.is_out = true;
    if (t != NULL && pc.is_armed)
        add_change(t, (uint64_t)at, bytes, (size_t)len);
    if (!pc.is_out)
        rc = real_of(f)->pMethods->xWrite(real_of(f), bytes, len, at);
    pthread_mutex_unlock(&pc.lock);
    return rc;
}

static int
on_truncate(sqlite3_file *f, sqlite3_int64 len)
{
    struct track *t = ((struct file *)f)->track;
    int rc = SQLITE_IOERR_TRUNCATE;

    pthread_mutex_lock(&pc.lock);
    if (!pc.is_out) {
        if (t != NULL && pc.is_armed)
            add_change(t, (uint64_t)len, NULL, 0);
        rc = real_of(f)->pMethods->xTruncate(real_of(f), len);
    }
    pthread_mutex_unlock(&pc.lock);
    return rc;
}

/* The real sync is left out: the test would wait for a disk it does not
 * believe anyway. */
static int
on_sync(sqlite3_file *f, int flags)
{
    struct track *t = ((struct file *)f)->track;
    int rc = SQLITE_OK;

    (void)flags;
    pthread_mutex_lock(&pc.lock);
    if (pc.is_out)
        rc = SQLITE_IOERR_FSYNC;
    else if (t != NULL && pc.is_armed)
        make_durable(t);
    pthread_mutex_unlock(&pc.lock);
    return rc;
}

static int
on_delete(sqlite3_vfs *vfs, const char *path, int sync_dir)
{
    int rc = SQLITE_IOERR_DELETE;
    size_t i;

    (void)vfs;
    pthread_mutex_lock(&pc.lock);
    if (!pc.is_out) {
        rc = pc.real->xDelete(pc.real, path, sync_dir);
        for (i = 0; i < pc.n; i++)
            if (strcmp(pc.track[i].path, path) == 0) {
                forget_changes(&pc.track[i]);
                pc.track[i].durable.len = 0;
            }
    }
    pthread_mutex_unlock(&pc.lock);
    return rc;
}

/* ---- the calls that are passed on ---- */

static int
on_close(sqlite3_file *f)
{
    return real_of(f)->pMethods->xClose(real_of(f));
}

static int
on_read(sqlite3_file *f, void *out, int len, sqlite3_int64 at)
{
    return real_of(f)->pMethods->xRead(real_of(f), out, len, at);
}

static int
on_size(sqlite3_file *f, sqlite3_int64 *len)
{
    return real_of(f)->pMethods->xFileSize(real_of(f), len);
}

static int
on_lock(sqlite3_file *f, int level)
{
    return real_of(f)->pMethods->xLock(real_of(f), level);
}

static int
on_unlock(sqlite3_file *f, int level)
{
    return real_of(f)->pMethods->xUnlock(real_of(f), level);
}

static int
on_reserved(sqlite3_file *f, int *out)
{
    return real_of(f)->pMethods->xCheckReservedLock(real_of(f), out);
}

static int
on_control(sqlite3_file *f, int op, void *arg)
{
    return real_of(f)->pMethods->xFileControl(real_of(f), op, arg);
}

static int
on_sector(sqlite3_file *f)
{
    return real_of(f)->pMethods->xSectorSize(real_of(f));
}

static int
on_traits(sqlite3_file *f)
{
    return real_of(f)->pMethods->xDeviceCharacteristics(real_of(f));
}

static int
on_shm_map(sqlite3_file *f, int page, int len, int extend, void volatile **out)
{
    return real_of(f)->pMethods->xShmMap(real_of(f), page, len, extend, out);
}

static int
on_shm_lock(sqlite3_file *f, int at, int n, int flags)
{
    return real_of(f)->pMethods->xShmLock(real_of(f), at, n, flags);
}

static void
on_shm_barrier(sqlite3_file *f)
{
    real_of(f)->pMethods->xShmBarrier(real_of(f));
}

static int
on_shm_unmap(sqlite3_file *f, int remove)
{
    return real_of(f)->pMethods->xShmUnmap(real_of(f), remove);
}

static const sqlite3_io_methods methods = {
    .iVersion = 2,
    .xClose = on_close,
    .xRead = on_read,
    .xWrite = on_write,
    .xTruncate = on_truncate,
    .xSync = on_sync,
    .xFileSize = on_size,
    .xLock = on_lock,
    .xUnlock = on_unlock,
    .xCheckReservedLock = on_reserved,
    .xFileControl = on_control,
    .xSectorSize = on_sector,
    .xDeviceCharacteristics = on_traits,
    .xShmMap = on_shm_map,
    .xShmLock = on_shm_lock,
    .xShmBarrier = on_shm_barrier,
    .xShmUnmap = on_shm_unmap,
};

static int
on_open(sqlite3_vfs *vfs, const char *path, sqlite3_file *f, int flags,
        int *out_flags)
{
    struct file *file = (struct file *)f;
    int rc;

    (void)vfs;
    memset(file, 0, sizeof(*file));
    file->real = (sqlite3_file *)(file + 1);
    pthread_mutex_lock(&pc.lock);
    if (pc.is_armed && (flags & (SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_WAL)) != 0)
        file->track = track_of(path);
    pthread_mutex_unlock(&pc.lock);
    rc = pc.real->xOpen(pc.real, path, file->real, flags, out_flags);
    if (rc == SQLITE_OK)
        file->base.pMethods = &methods;
    return rc;
}

/* ---- for the test ---- */

void
powercut_install(void)
{
    pc.real = sqlite3_vfs_find(NULL);
    pc.vfs = *pc.real;
    pc.vfs.zName = "powercut";
    pc.vfs.szOsFile = (int)sizeof(struct file) + pc.real->szOsFile;
    pc.vfs.xOpen = on_open;
    pc.vfs.xDelete = on_delete;
    sqlite3_vfs_register(&pc.vfs, 1);
}

void
powercut_arm(uint64_t seed, unsigned writes)
{
    pc.random = seed;
    pc.writes_left = writes;
    pc.is_out = false;
    pc.is_armed = true;
}

bool
powercut_is_out(void)
{
    bool is;

    pthread_mutex_lock(&pc.lock);
    is = pc.is_out;
    pthread_mutex_unlock(&pc.lock);
    return is;
}

void
powercut_restore(void)
{
    pc.is_armed = pc.is_out = false;
    while (pc.n > 0) {
        struct track *t = &pc.track[--pc.n];
        char shm[OS_PATH_MAX + 8];

        lose_some(t);
        if (os_write_file_atomic(t->path, t->durable.data, t->durable.len,
                                 0600) != ERR_OK)
            abort();
        snprintf(shm, sizeof(shm), "%s-shm", t->path);
        (void)unlink(shm); /* memory does not survive either */
        buf_clear(&t->durable);
        free(t->changes);
        memset(t, 0, sizeof(*t));
    }
}
