#include "client/index_impl.h"

#include <string.h>

#include "common/bytes.h"

/* ---- what people type ---- */

enum err
index_make_range(struct id_range *out, const char *hex)
{
    char low[33], high[33];
    size_t n = 0;

    memset(low, '0', 32);
    memset(high, 'f', 32);
    low[32] = high[32] = '\0';
    for (; hex != NULL && *hex != '\0'; hex++) {
        if (*hex == '-')
            continue;
        if (n == 32)
            return ERR_MALFORMED;
        low[n] = high[n] = *hex;
        n++;
    }
    if (hex_decode(out->low, 16, low) != ERR_OK)
        return ERR_MALFORMED;
    return hex_decode(out->high, 16, high);
}

/* In quotes nothing means anything to FTS5; punctuation alone is no word and
 * does not count. */
static void
put_phrase(struct buf *out, const char *p, size_t len, bool is_beginning)
{
    if (len == 0)
        return;
    if (out->len > 0)
        buf_u8(out, ' ');
    buf_u8(out, '"');
    for (size_t i = 0; i < len; i++)
        buf_u8(out, p[i] == '"' ? ' ' : (uint8_t)p[i]);
    buf_u8(out, '"');
    if (is_beginning)
        buf_u8(out, '*');
}

enum err
index_make_query(struct buf *out, const char *typed)
{
    static const char blanks[] = " \t\r\n";

    for (;;) {
        bool is_quoted;
        size_t len;

        typed += strspn(typed, blanks);
        if (*typed == '\0')
            break;
        is_quoted = *typed == '"';
        typed += is_quoted;
        len = strcspn(typed, is_quoted ? "\"" : " \t\r\n\"");
        put_phrase(out, typed, len, !is_quoted && typed[len] == '\0');
        typed += len;
        typed += is_quoted && *typed == '"';
    }
    return buf_status(out);
}

/* Binds the query of SEARCH at AT; nothing for NULL.  *FINDS is false when no
 * row can match.  QUERY lives until the statement is reset. */
static enum err
bind_search(sqlite3_stmt *s, int at, const char *search, struct buf *query,
            bool *finds)
{
    enum err rc;

    *finds = true;
    if (search == NULL)
        return ERR_OK;
    rc = index_make_query(query, search);
    if (rc != ERR_OK)
        return rc;
    *finds = query->len > 0;
    sqlite3_bind_text(s, at, (const char *)query->data, (int)query->len,
                      SQLITE_STATIC);
    return ERR_OK;
}

static void
bind_id(sqlite3_stmt *s, int at, const uint8_t *id)
{
    if (id != NULL)
        index_bind_blob(s, at, id, 16);
}

static void
bind_limit(sqlite3_stmt *s, int at, size_t limit)
{
    if (limit == 0)
        sqlite3_bind_int64(s, at, -1);
    else
        index_bind_u64(s, at, limit);
}

/* ---- packets ---- */

/* What lives as long as a statement is bound. */
struct bound {
    struct id_range range;
    struct buf query;
    bool finds;
};

static enum err
bind_filter(sqlite3_stmt *s, const struct index_filter *f, struct bound *bound)
{
    enum err rc = index_make_range(&bound->range, f->id_prefix);

    if (rc != ERR_OK)
        return rc;
    index_bind_u64(s, 1, f->directions);
    index_bind_u64(s, 2, f->states);
    index_bind_u64(s, 3, f->types);
    index_bind_u64(s, 4, f->only_unread);
    bind_id(s, 5, f->thread != NULL ? f->thread->b : NULL);
    bind_id(s, 6, f->agency != NULL ? f->agency->b : NULL);
    bind_id(s, 7, f->mailbox != NULL ? f->mailbox->b : NULL);
    bind_id(s, 8, f->in_reply_to != NULL ? f->in_reply_to->b : NULL);
    bind_id(s, 9, bound->range.low);
    bind_id(s, 10, bound->range.high);
    index_bind_u64(s, 12, f->created_from_ms);
    index_bind_u64(s, 13, f->created_to_ms);
    return bind_search(s, 11, f->search, &bound->query, &bound->finds);
}

static void
unbind(sqlite3_stmt *s, struct bound *bound)
{
    sqlite3_reset(s);
    sqlite3_clear_bindings(s);
    buf_clear(&bound->query);
}

enum err
index_list(struct index *ix, const struct index_filter *filter,
           index_packet_fn *fn, void *arg)
{
    sqlite3_stmt *s =
        ix->stmts[filter->order == INDEX_OLDEST_FIRST ? SQL_PACKETS_OLDEST
                                                      : SQL_PACKETS_NEWEST];
    struct bound bound = {0};
    struct index_packet row;
    enum err rc = bind_filter(s, filter, &bound);
    int code = SQLITE_DONE;

    bind_limit(s, 14, filter->limit);
    index_bind_u64(s, 15, filter->skip);
    while (rc == ERR_OK && bound.finds &&
           (code = sqlite3_step(s)) == SQLITE_ROW) {
        index_read_packet(s, &row);
        if (row.subject == NULL)
            rc = ERR_NOMEM;
        else if (!fn(arg, &row))
            break;
    }
    if (rc == ERR_OK)
        rc = index_err(code);
    unbind(s, &bound);
    return rc;
}

enum err
index_count(struct index *ix, const struct index_filter *filter, size_t *count)
{
    sqlite3_stmt *s = ix->stmts[SQL_PACKETS_COUNT];
    struct bound bound = {0};
    enum err rc = bind_filter(s, filter, &bound);
    size_t n = 0;

    if (rc == ERR_OK && bound.finds) {
        rc = index_err(sqlite3_step(s));
        n = (size_t)sqlite3_column_int64(s, 0);
    }
    unbind(s, &bound);
    if (rc == ERR_OK)
        *count = n;
    return rc;
}

/* ---- threads ---- */

enum err
index_put_thread(struct index *ix, const struct thread_id *id,
                 const char *label, uint32_t status, uint64_t due_s)
{
    sqlite3_stmt *s = ix->stmts[SQL_THREAD_PUT];
    enum err rc;

    index_bind_blob(s, 1, id->b, sizeof(id->b));
    sqlite3_bind_text(s, 2, label != NULL ? label : "", -1, SQLITE_STATIC);
    index_bind_u64(s, 3, status);
    index_bind_u64(s, 4, due_s);
    rc = index_run(ix, s, NULL);
    for (int which = SQL_LABEL_DELETE;
         which <= SQL_LABEL_INSERT && rc == ERR_OK; which++) {
        s = ix->stmts[which];
        index_bind_blob(s, 1, id->b, sizeof(id->b));
        rc = index_run(ix, s, NULL);
    }
    return rc;
}

static void
read_thread(sqlite3_stmt *s, struct index_thread *out)
{
    const void *agency = sqlite3_column_blob(s, 7);

    *out = (struct index_thread){
        .label = (const char *)sqlite3_column_text(s, 1),
        .status = (uint32_t)sqlite3_column_int64(s, 2),
        .due_s = (uint64_t)sqlite3_column_int64(s, 3),
        .packet_count = (size_t)sqlite3_column_int64(s, 4),
        .unread_count = (size_t)sqlite3_column_int64(s, 5),
        .last_ms = (uint64_t)sqlite3_column_int64(s, 6),
        .subject = (const char *)sqlite3_column_text(s, 8),
    };
    memcpy(out->id.b, sqlite3_column_blob(s, 0), sizeof(out->id.b));
    if (agency != NULL)
        memcpy(out->peer_agency.b, agency, sizeof(out->peer_agency.b));
}

enum err
index_list_threads(struct index *ix, const struct index_thread_filter *filter,
                   index_thread_fn *fn, void *arg)
{
    sqlite3_stmt *s =
        ix->stmts[filter->order == INDEX_OLDEST_FIRST ? SQL_THREADS_OLDEST
                                                      : SQL_THREADS_NEWEST];
    struct bound bound = {0};
    struct index_thread row;
    enum err rc = index_make_range(&bound.range, filter->id_prefix);
    int code = SQLITE_DONE;

    index_bind_u64(s, 1, filter->statuses);
    index_bind_u64(s, 2, filter->only_unread);
    index_bind_u64(s, 3, filter->due_before_s);
    bind_id(s, 4, bound.range.low);
    bind_id(s, 5, bound.range.high);
    bind_limit(s, 7, filter->limit);
    if (rc == ERR_OK)
        rc = bind_search(s, 6, filter->search, &bound.query, &bound.finds);
    while (rc == ERR_OK && bound.finds &&
           (code = sqlite3_step(s)) == SQLITE_ROW) {
        read_thread(s, &row);
        if (row.label == NULL || row.subject == NULL)
            rc = ERR_NOMEM;
        else if (!fn(arg, &row))
            break;
    }
    if (rc == ERR_OK)
        rc = index_err(code);
    unbind(s, &bound);
    return rc;
}

/* ---- names that people type ---- */

/* One row of (count, an id) for the ids that start with HEX. */
static enum err
resolve(sqlite3_stmt *s, const char *hex, uint8_t id[16], size_t *matches)
{
    struct bound bound = {0};
    size_t n = 0;
    enum err rc;

    if (hex[strspn(hex, "-")] == '\0')
        return ERR_MALFORMED;
    rc = index_make_range(&bound.range, hex);
    if (rc != ERR_OK)
        return rc;
    bind_id(s, 1, bound.range.low);
    bind_id(s, 2, bound.range.high);
    rc = index_err(sqlite3_step(s));
    if (rc == ERR_OK) {
        n = (size_t)sqlite3_column_int64(s, 0);
        rc = n == 0 ? ERR_NOTFOUND : n > 1 ? ERR_CONFLICT : ERR_OK;
    }
    if (rc == ERR_OK)
        memcpy(id, sqlite3_column_blob(s, 1), 16);
    if (matches != NULL && (rc == ERR_OK || rc == ERR_CONFLICT))
        *matches = n;
    unbind(s, &bound);
    return rc;
}

enum err
index_find_packet(struct index *ix, const char *hex, uint32_t directions,
                  struct packet_id *out, size_t *matches)
{
    sqlite3_stmt *s = ix->stmts[SQL_PACKET_RESOLVE];

    index_bind_u64(s, 3, directions);
    return resolve(s, hex, out->b, matches);
}

enum err
index_find_thread(struct index *ix, const char *hex, struct thread_id *out,
                  size_t *matches)
{
    return resolve(ix->stmts[SQL_THREAD_RESOLVE], hex, out->b, matches);
}
