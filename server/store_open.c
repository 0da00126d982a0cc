/*
 *   lock -> database (migrate, sync file and directory) -> identity, eras ->
 *   logs fit their nodes -> sign what a crash left unsigned -> guard -> files
 */
#include "server/store_inside.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    WRITER_TILES = 64,
    READER_TILES = 128, /* 2 MB: level 1 of a log of millions stays */
    PACKETS_DEFAULT = 10000,
};
#define BYTES_DEFAULT (UINT64_C(10) << 30)

const char *
log_name(enum store_log log)
{
    static const char *const names[STORE_LOGS] = {"directory", "delivery"};

    return names[log];
}

enum err
explain(const struct reason *why, enum err rc, const char *fmt, ...)
{
    va_list ap;

    if (why->text != NULL && why->len > 0) {
        va_start(ap, fmt);
        vsnprintf(why->text, why->len, fmt, ap);
        va_end(ap);
    }
    return rc;
}

/* ---- small things others use too ---- */

enum err
head_of_row(struct store *st, enum store_log log, struct q *q, struct head *out)
{
    struct head h = {.size = q_get(q, 0)};
    enum err rc = q_copy_id(q, 1, &h.root);

    if (rc != ERR_OK)
        return rc;
    /* Ed25519 is deterministic: signing again gives the same bytes. */
    if (q_copy_id(q, 2, &h.sig) != ERR_OK)
        rc = h.size <= era_start(st, log)
                 ? ERR_IO /* all were signed before the key changed */
                 : head_sign(&h, st->vkey[log].name, st->log_key);
    if (rc == ERR_OK)
        *out = h;
    return rc;
}

enum err
meta_number(struct db *db, const char *name, uint64_t otherwise, uint64_t *out)
{
    struct q q = db_q(db, SQL_META_GET);
    enum err rc;

    q_text(&q, name);
    rc = q_number(&q, out);
    if (rc != ERR_NOTFOUND)
        return rc;
    *out = otherwise;
    return ERR_OK;
}

enum err
meta_set_number(struct db *db, const char *name, uint64_t value)
{
    struct q q = db_q(db, SQL_META_SET);

    q_text(&q, name);
    q_u64(&q, value);
    return q_run(&q);
}

enum err
view_open(struct view *v, struct store *st, enum db_mode mode, size_t tiles)
{
    struct ledger_io io = view_io(v);
    enum err rc;

    v->st = st;
    v->cache = ledger_cache_new(&io, tiles);
    if (v->cache == NULL)
        return ERR_NOMEM;
    rc = db_open(&v->db, st->db_path, mode);
    if (rc != ERR_OK)
        view_close(v);
    return rc;
}

void
view_close(struct view *v)
{
    if (v->db.handle != NULL)
        db_close(&v->db);
    ledger_cache_free(v->cache);
    v->cache = NULL;
}

enum err
store_reader_open(struct store *st, struct store_reader **out)
{
    struct store_reader *rd = calloc(1, sizeof(*rd));
    enum err rc;

    if (rd == NULL)
        return ERR_NOMEM;
    rc = view_open(&rd->view, st, DB_READ, READER_TILES);
    if (rc != ERR_OK) {
        free(rd);
        return rc;
    }
    *out = rd;
    return ERR_OK;
}

void
store_reader_close(struct store_reader *rd)
{
    if (rd == NULL)
        return;
    view_close(&rd->view);
    free(rd);
}

/* ---- opening ---- */

static enum err
copy_config(struct store *st, const struct store_config *c)
{
    const char *origin[STORE_LOGS] = {c->directory_origin, c->delivery_origin};
    const char *guard = c->guard_path != NULL ? c->guard_path : "guard";
    enum err rc = os_path_join(st->dir, sizeof(st->dir), c->dir, "");
    int i;

    if (rc == ERR_OK)
        rc = os_path_join(st->db_path, sizeof(st->db_path), c->dir, "store.db");
    if (rc == ERR_OK && c->guard_path == NULL)
        rc =
            os_path_join(st->guard_path, sizeof(st->guard_path), c->dir, guard);
    else if (rc == ERR_OK)
        snprintf(st->guard_path, sizeof(st->guard_path), "%s", guard);
    st->log_key = crypto_secret_new(sizeof(*st->log_key));
    if (st->log_key == NULL)
        return ERR_NOMEM;
    *st->log_key = *c->log_key;
    for (i = 0; i < STORE_LOGS && rc == ERR_OK; i++)
        rc = vkey_make(&st->vkey[i], origin[i], NOTE_ED25519, &c->log_key->pub);
    st->warn = c->warn;
    st->pending_packets_max =
        c->pending_packets_max != 0 ? c->pending_packets_max : PACKETS_DEFAULT;
    st->pending_bytes_max =
        c->pending_bytes_max != 0 ? c->pending_bytes_max : BYTES_DEFAULT;
    st->page_count_max = c->page_count_max;
    st->is_past_guard = c->past_guard;
    st->alarm = c->alarm;
    st->alarm_arg = c->alarm_arg;
    return rc;
}

static enum err
take_lock(struct store *st, const struct reason *why)
{
    char path[OS_PATH_MAX];
    long holder = 0;
    enum err rc = os_mkdirs(st->dir, 0700);

    if (rc == ERR_OK)
        rc = os_path_join(path, sizeof(path), st->dir, "lock");
    if (rc == ERR_OK)
        rc = os_lock_file(&st->lock, path, OS_DONT_WAIT, &holder);
    if (rc == ERR_BUSY)
        return explain(why, rc, "%s is in use by process %ld", st->dir, holder);
    if (rc != ERR_OK)
        return explain(why, rc, "cannot lock %s: %s", path,
                       os_last_error_text());
    return ERR_OK;
}

static enum err
open_database(struct store *st, const struct reason *why)
{
    enum err rc = view_open(&st->writer, st, DB_WRITE, WRITER_TILES);

    if (rc == ERR_OK && st->page_count_max != 0)
        rc =
            db_set_pragma(&st->writer.db, "max_page_count", st->page_count_max);
    if (rc == ERR_OK)
        rc = db_migrate(&st->writer.db);
    if (rc == ERR_VERSION)
        return explain(why, rc, "%s was written by a newer sealpostd",
                       st->db_path);
    if (rc != ERR_OK)
        return explain(why, rc, "cannot open %s: %s", st->db_path,
                       db_words(&st->writer.db));
    st->ledger.cache = st->writer.cache;
    return ERR_OK;
}

/* After this the file and its name survive a power cut. */
static enum err
make_durable(struct store *st)
{
    int fd = -1;
    enum err rc = db_checkpoint(&st->writer.db, DB_CHECKPOINT_EMPTY, NULL);

    if (rc == ERR_OK)
        rc = os_open(&fd, st->db_path, OS_READ_WRITE, 0600);
    if (rc != ERR_OK)
        return rc;
    rc = os_fdatasync(fd);
    os_close(&fd);
    return rc == ERR_OK ? os_fsync_dir(st->dir) : rc;
}

static enum err
write_identity(struct store *st)
{
    struct merkle_peaks empty = {0};
    enum err rc = ERR_OK;
    int i;

    for (i = 0; i < STORE_LOGS && rc == ERR_OK; i++) {
        char name[32];
        struct q q = db_q(&st->writer.db, SQL_META_SET);

        snprintf(name, sizeof(name), "%s_origin", log_name((enum store_log)i));
        q_text(&q, name);
        q_text(&q, st->vkey[i].name);
        rc = q_run(&q);
        if (rc == ERR_OK)
            rc = log_save(&st->writer.db, (enum store_log)i, &empty);
    }
    if (rc == ERR_OK) {
        struct q q = db_q(&st->writer.db, SQL_META_SET);

        q_text(&q, "log_key");
        q_id(&q, &st->log_key->pub);
        rc = q_run(&q);
    }
    return rc;
}

/* A new store gets its identity in one transaction. */
static enum err
make_identity(struct store *st)
{
    enum err rc = db_exec(&st->writer.db, "BEGIN IMMEDIATE");

    if (rc == ERR_OK)
        rc = write_identity(st);
    if (rc == ERR_OK)
        rc = db_exec(&st->writer.db, "COMMIT");
    if (rc != ERR_OK && !db_is_idle(&st->writer.db))
        (void)db_exec(&st->writer.db, "ROLLBACK");
    return rc;
}

static enum err
meta_is(struct store *st, const char *name, const void *bytes, size_t len,
        bool *same)
{
    struct q q = db_q(&st->writer.db, SQL_META_GET);
    struct span had;
    enum err rc;

    q_text(&q, name);
    rc = q_next(&q);
    if (rc != ERR_OK)
        return rc;
    had = q_bytes(&q, 0);
    *same = had.p != NULL && had.len == len && memcmp(had.p, bytes, len) == 0;
    q_end(&q);
    return ERR_OK;
}

static enum err
check_identity(struct store *st, const struct reason *why)
{
    bool same = false;
    enum err rc = meta_is(st, "log_key", st->log_key->pub.b, 32, &same);
    int i;

    if (rc == ERR_NOTFOUND)
        return make_identity(st);
    if (rc == ERR_OK && !same)
        return explain(why, ERR_STATE,
                       "%s belongs to another log key; a new key needs a "
                       "POLICY signed by the registrar",
                       st->db_path);
    for (i = 0; i < STORE_LOGS && rc == ERR_OK; i++) {
        char name[32];

        snprintf(name, sizeof(name), "%s_origin", log_name((enum store_log)i));
        rc = meta_is(st, name, st->vkey[i].name, strlen(st->vkey[i].name),
                     &same);
        if (rc == ERR_OK && !same)
            return explain(
                why, ERR_STATE, "the %s log of %s has another origin than %s",
                log_name((enum store_log)i), st->db_path, st->vkey[i].name);
    }
    return rc;
}

/* The row's root, its peaks and the stored nodes say the same. */
static enum err
check_log(struct store *st, enum store_log log, const struct reason *why)
{
    struct view_log at = {&st->writer, log};
    struct merkle_peaks peaks;
    struct hash root, sum, nodes;
    enum err rc = log_load(&st->writer.db, log, &peaks, &root);

    if (rc == ERR_OK)
        rc = merkle_root_at(view_node, &at, peaks.size, &nodes);
    if (rc == ERR_OK)
        merkle_root(&peaks, &sum);
    if (rc == ERR_OK && (!id_eq(&root, &sum) || !id_eq(&root, &nodes)))
        rc = ERR_IO;
    if (rc != ERR_OK)
        return explain(why, rc == ERR_NOMEM ? rc : ERR_IO,
                       "the %s log is damaged: its root does not follow from "
                       "its nodes",
                       log_name(log));
    return ERR_OK;
}

static enum err
sign_one(struct store *st, enum store_log log, bool *more)
{
    struct q q = db_q(&st->writer.db, SQL_HEAD_UNSIGNED);
    struct head h = {0};
    enum err rc;

    *more = false;
    q_u64(&q, log);
    rc = q_next(&q);
    if (rc != ERR_OK)
        return rc == ERR_NOTFOUND ? ERR_OK : rc;
    h.size = q_get(&q, 0);
    rc = q_copy_id(&q, 1, &h.root);
    q_end(&q);
    if (rc == ERR_OK)
        rc = head_sign(&h, st->vkey[log].name, st->log_key);
    if (rc != ERR_OK)
        return rc;
    *more = true;
    q = db_q(&st->writer.db, SQL_HEAD_SIGN);
    q_id(&q, &h.sig);
    q_u64(&q, log);
    q_u64(&q, h.size);
    return q_run(&q);
}

static enum err
newest_head(struct store *st, enum store_log log)
{
    struct q q = db_q(&st->writer.db, SQL_HEAD_LAST);
    enum err rc;

    q_u64(&q, log);
    rc = q_next(&q);
    if (rc == ERR_OK) {
        rc = head_of_row(st, log, &q, &st->heads[log]);
        q_end(&q);
    }
    return rc;
}

static enum err
recover_log(struct store *st, enum store_log log, const struct reason *why)
{
    bool more = true;
    enum err rc = check_log(st, log, why);

    if (rc != ERR_OK)
        return rc;
    while (rc == ERR_OK && more)
        rc = sign_one(st, log, &more);
    if (rc == ERR_OK)
        rc = newest_head(st, log);
    return rc == ERR_OK
               ? ERR_OK
               : explain(why, rc, "cannot sign the head of the %s log: %s",
                         log_name(log), db_words(&st->writer.db));
}

static enum err
open_files(struct store *st, const struct reason *why)
{
    enum err rc = blob_files_prepare(st);

    if (rc == ERR_OK)
        rc = blob_files_tidy(st);
    if (rc == ERR_OK)
        rc = keeper_start(st);
    return rc == ERR_OK ? ERR_OK
                        : explain(why, rc, "cannot prepare %s: %s", st->dir,
                                  os_last_error_text());
}

static enum err
open_all(struct store *st, const struct reason *why)
{
    enum err rc = take_lock(st, why);
    int i;

    if (rc == ERR_OK)
        rc = open_database(st, why);
    if (rc == ERR_OK)
        rc = check_identity(st, why);
    if (rc == ERR_OK)
        rc = eras_load(st);
    if (rc == ERR_OK) {
        rc = make_durable(st);
        if (rc != ERR_OK)
            explain(why, rc, "cannot sync %s: %s", st->db_path,
                    db_words(&st->writer.db));
    }
    for (i = 0; i < STORE_LOGS && rc == ERR_OK; i++)
        rc = recover_log(st, (enum store_log)i, why);
    if (rc == ERR_OK)
        rc = st->is_past_guard ? ERR_OK : guard_check(st, why);
    return rc == ERR_OK ? open_files(st, why) : rc;
}

enum err
store_open(const struct store_config *config, struct store **out, char *why,
           size_t why_len)
{
    struct reason reason = {why, why_len};
    struct store *st = calloc(1, sizeof(*st));
    enum err rc;

    explain(&reason, ERR_OK, "%s", "");
    if (st == NULL)
        return explain(&reason, ERR_NOMEM, "out of memory");
    st->lock.fd = st->guard.fd = -1;
    pthread_mutex_init(&st->heads_lock, NULL);
    rc = copy_config(st, config);
    if (rc == ERR_OK)
        rc = open_all(st, &reason);
    if (rc != ERR_OK) {
        if (why != NULL && why_len > 0 && why[0] == '\0')
            explain(&reason, rc, "cannot open %s: %s", config->dir,
                    err_text(rc));
        st->is_broken = true; /* leave the guard as it is */
        store_close(st);
        return rc;
    }
    *out = st;
    return ERR_OK;
}

void
store_close(struct store *st)
{
    if (st == NULL)
        return;
    keeper_stop(st);
    if (!st->is_broken && st->guard.fd >= 0 && guard_save(st) != ERR_OK)
        store_alarm(st, "cannot write the guard %s: %s", st->guard_path,
                    os_last_error_text());
    guard_close(&st->guard);
    ledger_clear(&st->ledger);
    view_close(&st->writer);
    os_unlock(&st->lock);
    crypto_secret_free(st->log_key);
    free(st->eras);
    pthread_mutex_destroy(&st->heads_lock);
    free(st);
}
