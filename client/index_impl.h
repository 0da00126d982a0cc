/*
 * index_impl.h - what index.c and index_list.c share; nobody else includes it.
 * With them it is the SQLite door.
 */
#ifndef SEALPOST_CLIENT_INDEX_IMPL_H
#define SEALPOST_CLIENT_INDEX_IMPL_H

#include <sqlite3.h>

#include "client/index.h"
#include "common/buf.h"

enum index_sql {
    SQL_BEGIN,
    SQL_COMMIT,
    SQL_PACKET_FIND,
    SQL_PACKET_DELETE,
    SQL_PACKET_INSERT,
    SQL_WORDS_INSERT,
    SQL_PACKET_STATE,
    SQL_PACKET_TIMES,
    SQL_PACKET_UNREAD,
    SQL_PACKET_GET,
    SQL_PACKETS_NEWEST,
    SQL_PACKETS_OLDEST,
    SQL_PACKETS_COUNT,
    SQL_PACKET_RESOLVE,
    SQL_THREAD_PUT,
    SQL_LABEL_DELETE,
    SQL_LABEL_INSERT,
    SQL_THREADS_NEWEST,
    SQL_THREADS_OLDEST,
    SQL_THREAD_RESOLVE,
    SQL_COUNT
};

struct index {
    sqlite3 *db;
    sqlite3_stmt *stmts[SQL_COUNT];
};

/* Two ends of the ids that start with some hex digits. */
struct id_range {
    uint8_t low[16], high[16];
};

/* All as one ERR_ from SQLite's code; ERR_OK for ROW and DONE. */
enum err index_err(int code);
void index_bind_blob(sqlite3_stmt *s, int at, const void *bytes, size_t len);
void index_bind_u64(sqlite3_stmt *s, int at, uint64_t v);
/* Runs a statement that gives no rows, and resets it.  *CHANGED (may be NULL)
 * is the number of rows it touched. */
enum err index_run(struct index *ix, sqlite3_stmt *s, int *changed);
/* The columns that all packet statements give.  Borrows from the row. */
void index_read_packet(sqlite3_stmt *s, struct index_packet *out);

/* What a person typed as an FTS5 query; empty when no word is in it. */
enum err index_make_query(struct buf *out, const char *typed);
/* NULL gives all ids.  ERR_MALFORMED. */
enum err index_make_range(struct id_range *out, const char *hex);

#endif
