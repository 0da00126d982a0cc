/*
 * A log gets another name or key:
 *
 *   BEGIN -> POLICY at old_size of the delivery log -> the directory leaves
 *   that were missing, the POLICY last -> who signed what until now, and who
 *   will -> COMMIT
 *
 * Nothing is signed here: the next store_open() does it, with the new key.
 */
#include "server/store_inside.h"

#include <stdlib.h>
#include <string.h>

/* ---- eras ---- */

static enum err
add_era(struct store *st, struct q *q)
{
    struct store_era *more =
        realloc(st->eras, (st->n_eras + 1) * sizeof(*more));
    struct span origin = q_bytes(q, 2);
    struct store_era *e;
    char name[NOTE_NAME_MAX + 1] = "";
    struct sign_key key;
    enum err rc;

    if (more == NULL)
        return ERR_NOMEM;
    st->eras = more;
    e = &more[st->n_eras];
    if (q_get(q, 0) >= STORE_LOGS || origin.len > NOTE_NAME_MAX)
        return ERR_IO;
    memcpy(name, origin.p, origin.len);
    e->log = (enum store_log)q_get(q, 0);
    e->size = q_get(q, 1);
    rc = q_copy_id(q, 3, &key);
    if (rc == ERR_OK)
        rc = vkey_make(&e->key, name, NOTE_ED25519, &key);
    if (rc == ERR_OK)
        st->n_eras++;
    return rc == ERR_MALFORMED ? ERR_IO : rc;
}

enum err
eras_load(struct store *st)
{
    struct q q = db_q(&st->writer.db, SQL_ERA_ALL);
    enum err rc;

    while ((rc = q_next(&q)) == ERR_OK) {
        rc = add_era(st, &q);
        if (rc != ERR_OK) {
            q_end(&q);
            return rc;
        }
    }
    return rc == ERR_NOTFOUND ? ERR_OK : rc;
}

const struct vkey *
era_vkey(const struct store *st, enum store_log log, uint64_t size)
{
    for (size_t i = 0; i < st->n_eras; i++)
        if (st->eras[i].log == log && size <= st->eras[i].size)
            return &st->eras[i].key;
    return &st->vkey[log];
}

uint64_t
era_start(const struct store *st, enum store_log log)
{
    uint64_t start = 0;

    for (size_t i = 0; i < st->n_eras; i++)
        if (st->eras[i].log == log)
            start = st->eras[i].size;
    return start;
}

/* ---- identity ---- */

static enum err
text_of(struct db *db, const char *name, char *out, size_t cap)
{
    struct q q = db_q(db, SQL_META_GET);
    struct span s;
    enum err rc;

    q_text(&q, name);
    rc = q_next(&q);
    if (rc != ERR_OK)
        return rc;
    s = q_bytes(&q, 0);
    if (s.p == NULL || s.len >= cap) {
        rc = ERR_IO;
    } else {
        memcpy(out, s.p, s.len);
        out[s.len] = '\0';
    }
    q_end(&q);
    return rc;
}

static enum err
read_identity(struct db *db, struct store_identity *out)
{
    struct q q = db_q(db, SQL_META_GET);
    enum err rc;

    q_text(&q, "log_key");
    rc = q_next(&q);
    if (rc != ERR_OK)
        return rc;
    rc = q_copy_id(&q, 0, &out->log_key);
    q_end(&q);
    for (int i = 0; i < STORE_LOGS && rc == ERR_OK; i++)
        rc = text_of(
            db, i == STORE_DIRECTORY ? "directory_origin" : "delivery_origin",
            out->origin[i], sizeof(out->origin[i]));
    return rc;
}

enum err
store_identity(const char *dir, struct store_identity *out)
{
    struct store_identity got = {0};
    char path[OS_PATH_MAX];
    struct db db;
    enum err rc = os_path_join(path, sizeof(path), dir, "store.db");

    if (rc == ERR_OK && !os_exists(path))
        rc = ERR_NOTFOUND;
    if (rc == ERR_OK)
        rc = db_open(&db, path, DB_READ);
    if (rc != ERR_OK)
        return rc;
    rc = read_identity(&db, &got);
    db_close(&db);
    if (rc == ERR_OK)
        *out = got;
    return rc;
}

/* ---- succession ---- */

static enum err
set_text(struct tx *tx, const char *name, const char *value)
{
    struct q q = db_q(tx->db, SQL_META_SET);

    q_text(&q, name);
    q_text(&q, value);
    return q_run(&q);
}

static enum err
end_era(struct tx *tx, enum store_log log)
{
    const struct vkey *was = &tx->st->vkey[log];
    struct q q = db_q(tx->db, SQL_ERA_ADD);

    q_u64(&q, log);
    q_u64(&q, tx->st->heads[log].size);
    q_text(&q, was->name);
    q_id(&q, &was->pub);
    return q_run(&q);
}

/* Cosigned heads of the old name are no use to anybody any more: the proofs
 * that receipts want lead to heads of the new one. */
static enum err
begin_era(struct tx *tx, const struct store_identity *next)
{
    struct q q = db_q(tx->db, SQL_META_SET);
    /* The POLICY's leaf: larger than that of any succession before, also of
     * those that a restored copy has forgotten. */
    uint64_t era = tx->st->ledger.peaks[STORE_DIRECTORY].size - 1;
    enum err rc;

    q_text(&q, "log_key");
    q_id(&q, &next->log_key);
    rc = q_run(&q);
    if (rc == ERR_OK)
        rc = set_text(tx, "directory_origin", next->origin[STORE_DIRECTORY]);
    if (rc == ERR_OK)
        rc = set_text(tx, "delivery_origin", next->origin[STORE_DELIVERY]);
    if (rc == ERR_OK)
        rc = meta_set_number(tx->db, "era", era);
    if (rc != ERR_OK)
        return rc;
    q = db_q(tx->db, SQL_COSIGNED_CLEAR);
    return q_run(&q);
}

static enum err
apply_leaves(struct tx *tx, const struct store_succession *s)
{
    const struct prepared none = {0};
    enum err rc = ERR_OK;

    for (size_t i = 0; i < s->n && rc == ERR_OK; i++) {
        rc = tx_apply(tx, s->ops[i], &none);
        if (rc == ERR_OK && s->ops[i]->result.why != STORE_OK)
            rc = ERR_CONFLICT;
    }
    return rc;
}

static enum err
write_all(struct tx *tx, const struct store_succession *s)
{
    enum err rc = tx_begin(tx);

    if (rc == ERR_OK)
        rc = publish_statement(tx, s->policy);
    if (rc == ERR_OK)
        rc = apply_leaves(tx, s);
    for (int i = 0; i < STORE_LOGS && rc == ERR_OK; i++)
        rc = end_era(tx, (enum store_log)i);
    if (rc == ERR_OK)
        rc = begin_era(tx, &s->next);
    return rc == ERR_OK ? tx_commit(tx) : rc;
}

enum err
store_succeed(struct store *st, const struct store_succession *s)
{
    const struct head *now = &st->heads[STORE_DELIVERY];
    struct tx *tx;
    enum err rc;

    if (!st->is_past_guard || st->is_broken)
        return ERR_STATE;
    if (now->size != s->old_size || !id_eq(&now->root, &s->old_root))
        return ERR_CONFLICT;
    tx = calloc(1, sizeof(*tx));
    if (tx == NULL)
        return ERR_NOMEM;
    tx->st = st;
    tx->db = &st->writer.db;
    rc = write_all(tx, s);
    st->is_broken = true; /* its key and names are not the database's now */
    if (rc == ERR_OK && tx->n_dead > 0)
        keeper_bury(st, tx->dead, tx->n_dead);
    free(tx->dead);
    free(tx);
    return rc;
}

enum err
store_newest_event(struct store_reader *rd, uint64_t *time_ms)
{
    struct q q = db_q(&rd->view.db, SQL_OPENING_NEWEST);

    return q_number(&q, time_ms);
}
