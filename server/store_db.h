/*
 * store_db.h - one SQLite connection and its prepared statements; inside the
 * store only (store*.c).  Statements are named by enum sql (store_sql.h) and
 * prepared at first use, once; parameters are bound in order, never pasted.
 *
 *   struct q q = db_q(db, SQL_X);
 *   q_u64(&q, 7);
 *   rc = q_next(&q);        ERR_OK: a row, q_get() ...; ERR_NOTFOUND: no more
 *   q_end(&q);              not needed after anything but ERR_OK
 *
 * Errors while binding are kept and come out of q_next.  One statement is in
 * use once at a time: end it before it is asked again.
 */
#ifndef SEALPOST_SERVER_STORE_DB_H
#define SEALPOST_SERVER_STORE_DB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/err.h"
#include "proto/crypto.h"
#include "server/store_sql.h"

struct sqlite3;
struct sqlite3_stmt;

struct db {
    struct sqlite3 *handle;
    struct sqlite3_stmt *stmt[SQL_COUNT];
    void (*seen)(void *arg, unsigned frames); /* db_on_commit */
    void *seen_arg;
};

enum db_mode { DB_WRITE, DB_READ };

/* Without waiting checkpoints; DB_WRITE makes the file when missing. */
enum err db_open(struct db *db, const char *path, enum db_mode mode);
void db_close(struct db *db);
enum err db_exec(struct db *db, const char *sql);
/* `PRAGMA NAME = VALUE` and `PRAGMA NAME`, for NAMEs of ours. */
enum err db_set_pragma(struct db *db, const char *name, uint64_t value);
enum err db_get_pragma(struct db *db, const char *name, uint64_t *value);
/* In no transaction (also after an error rolled it back by itself). */
bool db_is_idle(const struct db *db);
/* The library's words for the last error.  Borrowed until the next call. */
const char *db_words(const struct db *db);

/* Moves the write-ahead log into the database.  PASSIVE waits for nobody;
 * EMPTY waits and cuts the file to nothing.  *LEFT: frames still there. */
enum db_checkpoint { DB_CHECKPOINT_PASSIVE, DB_CHECKPOINT_EMPTY };
enum err db_checkpoint(struct db *db, enum db_checkpoint how, uint64_t *left);
/* SEEN is called after each commit of this connection with the frames that
 * wait for a checkpoint.  DB may not move from now on. */
void db_on_commit(struct db *db, void (*seen)(void *arg, unsigned frames),
                  void *arg);

struct q {
    struct sqlite3_stmt *s;
    struct db *db;
    int at;
    enum err rc;
};

struct q db_q(struct db *db, enum sql id);
/* Two's complement from 2^63 on; q_peer, for numbers that a peer names, stops
 * at 2^63 - 1. */
void q_u64(struct q *q, uint64_t v);
void q_peer(struct q *q, uint64_t v);
void q_blob(struct q *q, const void *bytes, size_t len); /* borrowed till end */
void q_text(struct q *q, const char *text);
#define q_id(q, id) q_blob(q, (id)->b, sizeof((id)->b))
enum err q_next(struct q *q);
/* A statement without rows, from first to last.  ERR_EXISTS: a constraint. */
enum err q_run(struct q *q);
void q_end(struct q *q);

uint64_t q_get(struct q *q, int column);
/* Borrowed until the next q_next or q_end; {NULL, 0} for NULL. */
struct span q_bytes(struct q *q, int column);
/* Exactly LEN bytes, else ERR_IO: the database is damaged. */
enum err q_copy(struct q *q, int column, void *out, size_t len);
#define q_copy_id(q, column, id) q_copy(q, column, (id)->b, sizeof((id)->b))
enum err q_append(struct q *q, int column, struct buf *out);

/* Ends Q and gives the first number of its first row: ERR_NOTFOUND: none. */
enum err q_number(struct q *q, uint64_t *out);
/* Rows changed by the last q_run, and since the connection was opened. */
uint64_t db_changes(const struct db *db);
uint64_t db_changes_ever(const struct db *db);
uint64_t db_last_row(const struct db *db);

/* Brings the schema to this program's version.  ERR_VERSION: it is newer. */
enum err db_migrate(struct db *db);

#endif
