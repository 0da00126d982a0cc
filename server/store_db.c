#include "server/store_db.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <sqlite3.h>

/* The only long wait is the writer's while EMPTY cuts the log. */
enum { DB_BUSY_MS = 60 * 1000 };

static const char *const texts[SQL_COUNT] = {
#define SQL_TEXT(name, text) [SQL_##name] = text,
    STORE_SQL(SQL_TEXT)
#undef SQL_TEXT
};

/* A commit does not keep the system's reason; its log file does. */
static int
log_errno(struct sqlite3 *h)
{
    struct sqlite3_file *file = NULL;
    int e = 0;

    if (sqlite3_file_control(h, "main", SQLITE_FCNTL_JOURNAL_POINTER, &file) ==
            SQLITE_OK &&
        file != NULL && file->pMethods != NULL)
        (void)file->pMethods->xFileControl(file, SQLITE_FCNTL_LAST_ERRNO, &e);
    return e;
}

/* No room on disk, in the quota or in a file that shows as an I/O error of a
 * write.  After a failed sync nothing is certain, whatever the reason. */
static bool
is_full(struct sqlite3 *h, int code)
{
    int e;

    if (h == NULL || code == SQLITE_IOERR_FSYNC ||
        code == SQLITE_IOERR_DIR_FSYNC)
        return false;
    e = code == SQLITE_IOERR_WRITE ? log_errno(h) : sqlite3_system_errno(h);
    return e == ENOSPC || e == EDQUOT || e == EFBIG;
}

static enum err
translate(struct sqlite3 *h, int code)
{
    switch (code & 0xff) {
    case SQLITE_OK:
    case SQLITE_DONE:
    case SQLITE_ROW:
        return ERR_OK;
    case SQLITE_FULL:
        return ERR_FULL;
    case SQLITE_NOMEM:
        return ERR_NOMEM;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return ERR_BUSY;
    case SQLITE_CONSTRAINT:
        return ERR_EXISTS;
    case SQLITE_IOERR:
        if (code == SQLITE_IOERR_NOMEM)
            return ERR_NOMEM;
        return is_full(h, code) ? ERR_FULL : ERR_IO;
    default:
        return ERR_IO;
    }
}

static enum err
configure(struct db *db, enum db_mode mode)
{
    static const char writer[] = "PRAGMA journal_mode = WAL;"
                                 "PRAGMA synchronous = FULL;"
                                 "PRAGMA secure_delete = ON;"
                                 "PRAGMA wal_autocheckpoint = 0;"
                                 "PRAGMA temp_store = MEMORY;"
                                 "PRAGMA foreign_keys = OFF;"
                                 "PRAGMA cache_size = -65536;"
                                 "PRAGMA trusted_schema = OFF";
    static const char reader[] = "PRAGMA query_only = ON;"
                                 "PRAGMA wal_autocheckpoint = 0;"
                                 "PRAGMA temp_store = MEMORY;"
                                 "PRAGMA cache_size = -8192;"
                                 "PRAGMA trusted_schema = OFF";

    sqlite3_extended_result_codes(db->handle, 1);
    sqlite3_busy_timeout(db->handle, DB_BUSY_MS);
    return db_exec(db, mode == DB_WRITE ? writer : reader);
}

enum err
db_open(struct db *db, const char *path, enum db_mode mode)
{
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX;
    int code;
    enum err rc;

    memset(db, 0, sizeof(*db));
    if (mode == DB_WRITE)
        flags |= SQLITE_OPEN_CREATE;
    code = sqlite3_open_v2(path, &db->handle, flags, NULL);
    rc = translate(db->handle, code);
    if (rc == ERR_OK)
        rc = configure(db, mode);
    if (rc != ERR_OK)
        db_close(db);
    return rc;
}

void
db_close(struct db *db)
{
    size_t i;

    for (i = 0; i < SQL_COUNT; i++)
        sqlite3_finalize(db->stmt[i]);
    sqlite3_close(db->handle);
    memset(db, 0, sizeof(*db));
}

enum err
db_exec(struct db *db, const char *sql)
{
    return translate(db->handle,
                     sqlite3_exec(db->handle, sql, NULL, NULL, NULL));
}

enum err
db_set_pragma(struct db *db, const char *name, uint64_t value)
{
    char sql[128];

    snprintf(sql, sizeof(sql), "PRAGMA %s = %llu", name,
             (unsigned long long)value);
    return db_exec(db, sql);
}

enum err
db_get_pragma(struct db *db, const char *name, uint64_t *value)
{
    sqlite3_stmt *s = NULL;
    char sql[128];
    int code;

    snprintf(sql, sizeof(sql), "PRAGMA %s", name);
    code = sqlite3_prepare_v2(db->handle, sql, -1, &s, NULL);
    if (code == SQLITE_OK) {
        code = sqlite3_step(s);
        if (code == SQLITE_ROW)
            *value = (uint64_t)sqlite3_column_int64(s, 0);
    }
    sqlite3_finalize(s);
    return code == SQLITE_DONE ? ERR_NOTFOUND : translate(db->handle, code);
}

bool
db_is_idle(const struct db *db)
{
    return sqlite3_get_autocommit(db->handle) != 0;
}

const char *
db_words(const struct db *db)
{
    return db->handle != NULL ? sqlite3_errmsg(db->handle) : "not open";
}

enum err
db_checkpoint(struct db *db, enum db_checkpoint how, uint64_t *left)
{
    int mode = how == DB_CHECKPOINT_PASSIVE ? SQLITE_CHECKPOINT_PASSIVE
                                            : SQLITE_CHECKPOINT_TRUNCATE;
    int frames = 0;
    int moved = 0;
    int code =
        sqlite3_wal_checkpoint_v2(db->handle, NULL, mode, &frames, &moved);

    if (code == SQLITE_OK && left != NULL)
        *left = frames > moved ? (uint64_t)(frames - moved) : 0;
    return translate(db->handle, code);
}

static int
on_wal(void *arg, sqlite3 *h, const char *name, int frames)
{
    const struct db *db = arg;

    (void)h;
    (void)name;
    db->seen(db->seen_arg, (unsigned)frames);
    return SQLITE_OK;
}

void
db_on_commit(struct db *db, void (*seen)(void *arg, unsigned frames), void *arg)
{
    db->seen = seen;
    db->seen_arg = arg;
    sqlite3_wal_hook(db->handle, on_wal, db);
}

struct q
db_q(struct db *db, enum sql id)
{
    struct q q = {NULL, db, 0, ERR_OK};

    if (db->stmt[id] == NULL)
        q.rc =
            translate(db->handle, sqlite3_prepare_v3(db->handle, texts[id], -1,
                                                     SQLITE_PREPARE_PERSISTENT,
                                                     &db->stmt[id], NULL));
    q.s = db->stmt[id];
    assert(q.s == NULL || !sqlite3_stmt_busy(q.s));
    return q;
}

static void
bound(struct q *q, int code)
{
    if (q->rc == ERR_OK)
        q->rc = translate(q->db->handle, code);
}

void
q_u64(struct q *q, uint64_t v)
{
    if (q->rc == ERR_OK)
        bound(q, sqlite3_bind_int64(q->s, ++q->at, (sqlite3_int64)v));
}

void
q_peer(struct q *q, uint64_t v)
{
    q_u64(q, v < INT64_MAX ? v : INT64_MAX);
}

void
q_blob(struct q *q, const void *bytes, size_t len)
{
    if (q->rc != ERR_OK)
        return;
    if (len == 0) /* a NULL pointer would bind NULL */
        bound(q, sqlite3_bind_zeroblob(q->s, ++q->at, 0));
    else
        bound(q, sqlite3_bind_blob64(q->s, ++q->at, bytes, len, SQLITE_STATIC));
}

void
q_text(struct q *q, const char *text)
{
    if (q->rc == ERR_OK)
        bound(q, sqlite3_bind_text(q->s, ++q->at, text, -1, SQLITE_STATIC));
}

void
q_end(struct q *q)
{
    if (q->s == NULL)
        return;
    sqlite3_reset(q->s);
    sqlite3_clear_bindings(q->s);
    q->s = NULL;
}

enum err
q_next(struct q *q)
{
    int code;

    if (q->rc == ERR_OK) {
        code = sqlite3_step(q->s);
        if (code == SQLITE_ROW)
            return ERR_OK;
        q->rc =
            code == SQLITE_DONE ? ERR_NOTFOUND : translate(q->db->handle, code);
    }
    q_end(q);
    return q->rc;
}

enum err
q_run(struct q *q)
{
    enum err rc = q_next(q);

    if (rc == ERR_OK)
        q_end(q);
    return rc == ERR_NOTFOUND ? ERR_OK : rc;
}

uint64_t
q_get(struct q *q, int column)
{
    return (uint64_t)sqlite3_column_int64(q->s, column);
}

struct span
q_bytes(struct q *q, int column)
{
    struct span s = {sqlite3_column_blob(q->s, column), 0};

    s.len = (size_t)sqlite3_column_bytes(q->s, column);
    return s;
}

enum err
q_copy(struct q *q, int column, void *out, size_t len)
{
    struct span s = q_bytes(q, column);

    if (s.p == NULL || s.len != len)
        return ERR_IO;
    memcpy(out, s.p, len);
    return ERR_OK;
}

enum err
q_append(struct q *q, int column, struct buf *out)
{
    struct span s = q_bytes(q, column);

    if (s.p != NULL)
        buf_put(out, s.p, s.len);
    return buf_status(out);
}

enum err
q_number(struct q *q, uint64_t *out)
{
    enum err rc = q_next(q);

    if (rc != ERR_OK)
        return rc;
    *out = q_get(q, 0);
    q_end(q);
    return ERR_OK;
}

uint64_t
db_changes(const struct db *db)
{
    return (uint64_t)sqlite3_changes(db->handle);
}

uint64_t
db_changes_ever(const struct db *db)
{
    return (uint64_t)sqlite3_total_changes(db->handle);
}

uint64_t
db_last_row(const struct db *db)
{
    return (uint64_t)sqlite3_last_insert_rowid(db->handle);
}
