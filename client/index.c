#include "client/index_impl.h"

#include <stdlib.h>
#include <string.h>

/* Nothing of this may reach a disk: the database, its temporary tables and its
 * sorting stay in memory, and what is deleted is overwritten. */
static const char schema[] =
    "PRAGMA temp_store = MEMORY;"
    "PRAGMA journal_mode = MEMORY;"
    "PRAGMA secure_delete = ON;"
    "PRAGMA trusted_schema = OFF;"
    "CREATE TABLE packet ("
    "  n INTEGER PRIMARY KEY AUTOINCREMENT,"
    "  id BLOB NOT NULL, direction INTEGER NOT NULL, thread BLOB NOT NULL,"
    "  in_reply_to BLOB NOT NULL, agency BLOB NOT NULL,"
    "  mailbox BLOB NOT NULL, own_mailbox BLOB NOT NULL,"
    "  created_ms INTEGER NOT NULL, stored_ms INTEGER NOT NULL,"
    "  handed_ms INTEGER NOT NULL, not_after_s INTEGER NOT NULL,"
    "  type INTEGER NOT NULL, state INTEGER NOT NULL,"
    "  unread INTEGER NOT NULL, subject TEXT NOT NULL,"
    "  UNIQUE (id, direction)) STRICT;"
    "CREATE INDEX packet_time ON packet (created_ms, n);"
    "CREATE INDEX packet_thread ON packet (thread, created_ms, n);"
    "CREATE TABLE thread ("
    "  n INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, label TEXT NOT NULL,"
    "  status INTEGER NOT NULL, due_s INTEGER NOT NULL) STRICT;"
    /* Without content: numbers of packets replaced since match no row. */
    "CREATE VIRTUAL TABLE words USING fts5 (subject, body, content = '',"
    "  tokenize = 'unicode61 remove_diacritics 2');"
    "CREATE VIRTUAL TABLE labels USING fts5 (label,"
    "  tokenize = 'unicode61 remove_diacritics 2');";

#define PACKET_COLUMNS                                                         \
    "id, direction, thread, in_reply_to, agency, mailbox, own_mailbox, "       \
    "created_ms, stored_ms, handed_ms, not_after_s, type, state, unread, "     \
    "subject"

#define PACKET_FILTER                                                          \
    " FROM packet WHERE (?1 = 0 OR (?1 >> direction) & 1)"                     \
    " AND (?2 = 0 OR (state < 32 AND (?2 >> state) & 1))"                      \
    " AND (?3 = 0 OR (type < 32 AND (?3 >> type) & 1))"                        \
    " AND (?4 = 0 OR unread)"                                                  \
    " AND (?5 IS NULL OR thread = ?5) AND (?6 IS NULL OR agency = ?6)"         \
    " AND (?7 IS NULL OR mailbox = ?7 OR own_mailbox = ?7)"                    \
    " AND (?8 IS NULL OR in_reply_to = ?8)"                                    \
    " AND id BETWEEN ?9 AND ?10"                                               \
    " AND (?11 IS NULL OR n IN (SELECT rowid FROM words WHERE words MATCH "    \
    "?11))"                                                                    \
    " AND created_ms >= ?12 AND (?13 = 0 OR created_ms < ?13)"

/* A thread is there when it has packets or a row of its own. */
#define THREAD_IDS                                                             \
    "(SELECT id FROM thread UNION SELECT thread FROM packet "                  \
    "WHERE thread <> zeroblob(16))"

#define THREADS                                                                \
    "SELECT ids.id, coalesce(t.label, ''), coalesce(t.status, 0) AS st, "      \
    "coalesce(t.due_s, 0) AS due, "                                            \
    "(SELECT count(*) FROM packet p WHERE p.thread = ids.id), "                \
    "(SELECT count(*) FROM packet p WHERE p.thread = ids.id AND p.unread) "    \
    "AS unread, "                                                              \
    "coalesce((SELECT max(created_ms) FROM packet p WHERE p.thread = "         \
    "ids.id), 0) AS last_ms, "                                                 \
    "(SELECT agency FROM packet p WHERE p.thread = ids.id "                    \
    "ORDER BY created_ms DESC, p.n DESC LIMIT 1), "                            \
    "coalesce((SELECT subject FROM packet p WHERE p.thread = ids.id AND "      \
    "subject <> '' ORDER BY created_ms DESC, p.n DESC LIMIT 1), '') "          \
    "FROM " THREAD_IDS " ids LEFT JOIN thread t ON t.id = ids.id "             \
    "WHERE (?1 = 0 OR (st < 32 AND (?1 >> st) & 1)) "                          \
    "AND (?2 = 0 OR unread > 0) "                                              \
    "AND (?3 = 0 OR (due > 0 AND due < ?3)) "                                  \
    "AND ids.id BETWEEN ?4 AND ?5 "                                            \
    "AND (?6 IS NULL OR t.n IN (SELECT rowid FROM labels WHERE labels MATCH "  \
    "?6) OR ids.id IN (SELECT thread FROM packet WHERE n IN "                  \
    "(SELECT rowid FROM words WHERE words MATCH ?6))) "

static const char *const sql[SQL_COUNT] = {
    [SQL_BEGIN] = "BEGIN",
    [SQL_COMMIT] = "COMMIT",
    [SQL_PACKET_FIND] =
        "SELECT agency FROM packet WHERE id = ?1 AND direction = ?2",
    [SQL_PACKET_DELETE] = "DELETE FROM packet WHERE id = ?1 AND direction = ?2",
    [SQL_PACKET_INSERT] = "INSERT INTO packet (" PACKET_COLUMNS ") VALUES "
                          "(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, "
                          "?12, ?13, ?14, ?15)",
    [SQL_WORDS_INSERT] =
        "INSERT INTO words (rowid, subject, body) VALUES (?1, ?2, ?3)",
    [SQL_PACKET_STATE] =
        "UPDATE packet SET state = ?3 WHERE id = ?1 AND direction = ?2",
    [SQL_PACKET_TIMES] =
        "UPDATE packet SET stored_ms = iif(?3 = 0, stored_ms, ?3), "
        "handed_ms = iif(?4 = 0, handed_ms, ?4) "
        "WHERE id = ?1 AND direction = ?2",
    [SQL_PACKET_UNREAD] =
        "UPDATE packet SET unread = ?3 WHERE id = ?1 AND direction = ?2",
    [SQL_PACKET_GET] = "SELECT " PACKET_COLUMNS " FROM packet WHERE id = ?1 "
                       "AND (?2 = 0 OR (?2 >> direction) & 1) "
                       "ORDER BY direction LIMIT 1",
    [SQL_PACKETS_NEWEST] = "SELECT " PACKET_COLUMNS PACKET_FILTER
                           " ORDER BY created_ms DESC, n DESC "
                           "LIMIT ?14 OFFSET ?15",
    [SQL_PACKETS_OLDEST] = "SELECT " PACKET_COLUMNS PACKET_FILTER
                           " ORDER BY created_ms, n LIMIT ?14 OFFSET ?15",
    [SQL_PACKETS_COUNT] = "SELECT count(*)" PACKET_FILTER,
    [SQL_PACKET_RESOLVE] =
        "SELECT count(DISTINCT id), min(id) FROM packet WHERE id BETWEEN ?1 "
        "AND ?2 AND (?3 = 0 OR (?3 >> direction) & 1)",
    [SQL_THREAD_PUT] =
        "INSERT INTO thread (id, label, status, due_s) VALUES (?1, ?2, ?3, ?4) "
        "ON CONFLICT (id) DO UPDATE SET label = excluded.label, "
        "status = excluded.status, due_s = excluded.due_s",
    [SQL_LABEL_DELETE] = "DELETE FROM labels WHERE rowid = "
                         "(SELECT n FROM thread WHERE id = ?1)",
    [SQL_LABEL_INSERT] = "INSERT INTO labels (rowid, label) "
                         "SELECT n, label FROM thread WHERE id = ?1",
    [SQL_THREADS_NEWEST] = THREADS "ORDER BY last_ms DESC, ids.id LIMIT ?7",
    [SQL_THREADS_OLDEST] = THREADS "ORDER BY last_ms, ids.id LIMIT ?7",
    [SQL_THREAD_RESOLVE] = "SELECT count(*), min(id) FROM " THREAD_IDS
                           " WHERE id BETWEEN ?1 AND ?2",
};

/* ---- life ---- */

enum err
index_err(int code)
{
    switch (code & 0xff) {
    case SQLITE_OK:
    case SQLITE_ROW:
    case SQLITE_DONE:
        return ERR_OK;
    case SQLITE_NOMEM:
        return ERR_NOMEM;
    case SQLITE_TOOBIG:
        return ERR_TOOBIG;
    default:
        return ERR_IO;
    }
}

static enum err
open_database(struct index *ix)
{
    int rc = sqlite3_open_v2(":memory:", &ix->db,
                             SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE |
                                 SQLITE_OPEN_MEMORY | SQLITE_OPEN_NOMUTEX |
                                 SQLITE_OPEN_PRIVATECACHE,
                             NULL);

    if (rc == SQLITE_OK)
        rc = sqlite3_db_config(ix->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_exec(ix->db, schema, NULL, NULL, NULL);
    for (size_t i = 0; i < SQL_COUNT && rc == SQLITE_OK; i++)
        rc = sqlite3_prepare_v3(ix->db, sql[i], -1, SQLITE_PREPARE_PERSISTENT,
                                &ix->stmts[i], NULL);
    return index_err(rc);
}

enum err
index_new(struct index **out)
{
    struct index *ix = calloc(1, sizeof(*ix));
    enum err rc;

    if (ix == NULL)
        return ERR_NOMEM;
    rc = open_database(ix);
    if (rc != ERR_OK) {
        index_free(ix);
        return rc;
    }
    *out = ix;
    return ERR_OK;
}

void
index_free(struct index *ix)
{
    if (ix == NULL)
        return;
    for (size_t i = 0; i < SQL_COUNT; i++)
        sqlite3_finalize(ix->stmts[i]);
    sqlite3_close(ix->db);
    free(ix);
}

/* ---- small helpers ---- */

void
index_bind_blob(sqlite3_stmt *s, int at, const void *bytes, size_t len)
{
    sqlite3_bind_blob64(s, at, bytes, len, SQLITE_STATIC);
}

void
index_bind_u64(sqlite3_stmt *s, int at, uint64_t v)
{
    sqlite3_bind_int64(s, at, v > INT64_MAX ? INT64_MAX : (sqlite3_int64)v);
}

enum err
index_run(struct index *ix, sqlite3_stmt *s, int *changed)
{
    int rc = sqlite3_step(s);

    if (rc == SQLITE_DONE && changed != NULL)
        *changed = sqlite3_changes(ix->db);
    sqlite3_reset(s);
    sqlite3_clear_bindings(s);
    return index_err(rc);
}

enum err
index_begin(struct index *ix)
{
    return index_run(ix, ix->stmts[SQL_BEGIN], NULL);
}

enum err
index_commit(struct index *ix)
{
    return index_run(ix, ix->stmts[SQL_COMMIT], NULL);
}

/* ---- packets ---- */

static sqlite3_stmt *
named(struct index *ix, enum index_sql which, const struct packet_id *id,
      enum index_direction direction)
{
    sqlite3_stmt *s = ix->stmts[which];

    index_bind_blob(s, 1, id->b, sizeof(id->b));
    index_bind_u64(s, 2, direction);
    return s;
}

/* ERR_CONFLICT when the name belongs to another agency's packet. */
static enum err
check_name(struct index *ix, const struct index_packet *p)
{
    sqlite3_stmt *s = named(ix, SQL_PACKET_FIND, &p->id, p->direction);
    int code = sqlite3_step(s);
    enum err rc = index_err(code);

    if (code == SQLITE_ROW &&
        memcmp(sqlite3_column_blob(s, 0), p->peer_agency.b, 16) != 0)
        rc = ERR_CONFLICT;
    sqlite3_reset(s);
    return rc;
}

static enum err
insert_packet(struct index *ix, const struct index_packet *p)
{
    sqlite3_stmt *s = named(ix, SQL_PACKET_INSERT, &p->id, p->direction);
    const char *subject = p->subject != NULL ? p->subject : "";

    index_bind_blob(s, 3, p->thread.b, 16);
    index_bind_blob(s, 4, p->in_reply_to.b, 16);
    index_bind_blob(s, 5, p->peer_agency.b, 16);
    index_bind_blob(s, 6, p->peer_mailbox.b, 16);
    index_bind_blob(s, 7, p->own_mailbox.b, 16);
    index_bind_u64(s, 8, p->created_ms);
    index_bind_u64(s, 9, p->stored_ms);
    index_bind_u64(s, 10, p->handed_ms);
    index_bind_u64(s, 11, p->not_after_s);
    index_bind_u64(s, 12, p->type);
    index_bind_u64(s, 13, p->state);
    index_bind_u64(s, 14, p->is_unread);
    sqlite3_bind_text(s, 15, subject, -1, SQLITE_STATIC);
    return index_run(ix, s, NULL);
}

static enum err
insert_words(struct index *ix, const char *subject, const char *text)
{
    sqlite3_stmt *s = ix->stmts[SQL_WORDS_INSERT];

    sqlite3_bind_int64(s, 1, sqlite3_last_insert_rowid(ix->db));
    sqlite3_bind_text(s, 2, subject, -1, SQLITE_STATIC);
    sqlite3_bind_text(s, 3, text, -1, SQLITE_STATIC);
    return index_run(ix, s, NULL);
}

enum err
index_put_packet(struct index *ix, const struct index_packet *packet,
                 const char *text)
{
    enum err rc = check_name(ix, packet);

    if (rc == ERR_OK)
        rc = index_delete_packet(ix, &packet->id, packet->direction);
    if (rc == ERR_OK)
        rc = insert_packet(ix, packet);
    if (rc == ERR_OK)
        rc = insert_words(ix, packet->subject, text);
    return rc;
}

/* Runs an UPDATE of one packet. */
static enum err
update(struct index *ix, sqlite3_stmt *s)
{
    int changed = 0;
    enum err rc = index_run(ix, s, &changed);

    return rc == ERR_OK && changed == 0 ? ERR_NOTFOUND : rc;
}

enum err
index_set_state(struct index *ix, const struct packet_id *id,
                enum index_direction direction, uint32_t state)
{
    sqlite3_stmt *s = named(ix, SQL_PACKET_STATE, id, direction);

    index_bind_u64(s, 3, state);
    return update(ix, s);
}

enum err
index_set_times(struct index *ix, const struct packet_id *id,
                enum index_direction direction, uint64_t stored_ms,
                uint64_t handed_ms)
{
    sqlite3_stmt *s = named(ix, SQL_PACKET_TIMES, id, direction);

    index_bind_u64(s, 3, stored_ms);
    index_bind_u64(s, 4, handed_ms);
    return update(ix, s);
}

enum err
index_set_unread(struct index *ix, const struct packet_id *id,
                 enum index_direction direction, bool is_unread)
{
    sqlite3_stmt *s = named(ix, SQL_PACKET_UNREAD, id, direction);

    index_bind_u64(s, 3, is_unread);
    return update(ix, s);
}

enum err
index_delete_packet(struct index *ix, const struct packet_id *id,
                    enum index_direction direction)
{
    return index_run(ix, named(ix, SQL_PACKET_DELETE, id, direction), NULL);
}

static void
read_id(sqlite3_stmt *s, int column, uint8_t id[16])
{
    const void *blob = sqlite3_column_blob(s, column);

    if (blob != NULL && sqlite3_column_bytes(s, column) == 16)
        memcpy(id, blob, 16);
}

void
index_read_packet(sqlite3_stmt *s, struct index_packet *out)
{
    *out = (struct index_packet){
        .direction = (enum index_direction)sqlite3_column_int(s, 1),
        .created_ms = (uint64_t)sqlite3_column_int64(s, 7),
        .stored_ms = (uint64_t)sqlite3_column_int64(s, 8),
        .handed_ms = (uint64_t)sqlite3_column_int64(s, 9),
        .not_after_s = (uint64_t)sqlite3_column_int64(s, 10),
        .type = (uint32_t)sqlite3_column_int64(s, 11),
        .state = (uint32_t)sqlite3_column_int64(s, 12),
        .is_unread = sqlite3_column_int(s, 13) != 0,
        .subject = (const char *)sqlite3_column_text(s, 14),
    };
    read_id(s, 0, out->id.b);
    read_id(s, 2, out->thread.b);
    read_id(s, 3, out->in_reply_to.b);
    read_id(s, 4, out->peer_agency.b);
    read_id(s, 5, out->peer_mailbox.b);
    read_id(s, 6, out->own_mailbox.b);
}

enum err
index_get(struct index *ix, const struct packet_id *id, uint32_t directions,
          struct index_packet *out)
{
    sqlite3_stmt *s = ix->stmts[SQL_PACKET_GET];
    struct index_packet row;
    enum err rc;
    int code;

    index_bind_blob(s, 1, id->b, sizeof(id->b));
    index_bind_u64(s, 2, directions);
    code = sqlite3_step(s);
    rc = code == SQLITE_DONE ? ERR_NOTFOUND : index_err(code);
    if (rc == ERR_OK) {
        index_read_packet(s, &row);
        row.subject = row.subject != NULL ? strdup(row.subject) : NULL;
        if (row.subject != NULL)
            *out = row;
        else
            rc = ERR_NOMEM;
    }
    sqlite3_reset(s);
    return rc;
}

void
index_packet_clear(struct index_packet *packet)
{
    free((void *)(uintptr_t)packet->subject);
    *packet = (struct index_packet){0};
}
