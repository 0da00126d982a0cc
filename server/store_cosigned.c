/*
 * Heads that witnesses have cosigned, as whole notes: one row a head.  After a
 * week the last one of each hour is enough: a proof that wanted another goes
 * to the next.
 */
#include "server/store_inside.h"

#include "proto/limits.h"

enum { THIN_S = 7 * 24 * 3600, HOUR_S = 3600 };

enum err
apply_cosigned(struct tx *tx, struct store_op *op)
{
    const struct store_cosigned_op *in = &op->cosigned;
    struct q q = db_q(tx->db, SQL_COSIGNED_SET);

    q_u64(&q, in->log);
    q_u64(&q, in->size);
    q_u64(&q, in->time_s);
    q_u64(&q, in->has_quorum);
    q_u64(&q, in->time_s + THIN_S);
    q_blob(&q, in->note.p, in->note.len);
    return q_run(&q);
}

/* ---- thinning ---- */

struct due {
    uint64_t log, size, time_s;
    bool is_thinned, has_quorum;
};

static enum err
next_due(struct tx *tx, struct due *out)
{
    struct q q = db_q(tx->db, SQL_COSIGNED_DUE);
    enum err rc;

    q_u64(&q, tx->now_s);
    rc = q_next(&q);
    if (rc != ERR_OK)
        return rc;
    out->log = q_get(&q, 0);
    out->size = q_get(&q, 1);
    out->time_s = q_get(&q, 2);
    out->has_quorum = q_get(&q, 3) != 0;
    out->is_thinned = q_get(&q, 4) != 0;
    q_end(&q);
    return ERR_OK;
}

/* Another one of the same hour, later and with its quorum. */
static enum err
is_last_of_hour(struct tx *tx, const struct due *d, bool *out)
{
    struct q q = db_q(tx->db, SQL_COSIGNED_LATER);
    uint64_t hour_s = d->time_s / HOUR_S * HOUR_S;
    uint64_t found;
    enum err rc;

    q_u64(&q, d->log);
    q_u64(&q, d->size);
    q_u64(&q, hour_s);
    q_u64(&q, hour_s + HOUR_S);
    rc = q_number(&q, &found);
    *out = rc == ERR_NOTFOUND;
    return rc == ERR_NOTFOUND ? ERR_OK : rc;
}

static enum err
drop(struct tx *tx, const struct due *d)
{
    struct q q = db_q(tx->db, SQL_COSIGNED_DROP);

    q_u64(&q, d->log);
    q_u64(&q, d->size);
    return q_run(&q);
}

/* Until the last receipt that could want it is erased. */
static enum err
keep(struct tx *tx, const struct due *d)
{
    struct q q = db_q(tx->db, SQL_COSIGNED_KEEP);

    q_u64(&q, d->time_s + THIN_S + LIMIT_PACKET_LIFE_S + tx->retention_s);
    q_u64(&q, d->log);
    q_u64(&q, d->size);
    return q_run(&q);
}

enum err
sweep_cosigned(struct tx *tx)
{
    struct due d;
    bool is_last = false;
    enum err rc = next_due(tx, &d);

    if (rc == ERR_OK && !d.is_thinned && d.has_quorum)
        rc = is_last_of_hour(tx, &d, &is_last);
    if (rc != ERR_OK)
        return rc;
    return is_last ? keep(tx, &d) : drop(tx, &d);
}

/* ---- reads ---- */

static enum err
read_note(struct q *q, struct buf *out)
{
    enum err rc = q_next(q);

    if (rc == ERR_OK) {
        rc = q_append(q, 0, out);
        q_end(q);
    }
    return rc;
}

enum err
store_cosigned(struct store_reader *rd, enum store_log log, uint64_t size,
               struct buf *out)
{
    struct q q =
        db_q(&rd->view.db, size == 0 ? SQL_COSIGNED_NEWEST : SQL_COSIGNED_FROM);

    q_u64(&q, log);
    if (size != 0)
        q_peer(&q, size);
    return read_note(&q, out);
}

enum err
store_cosigned_at(struct store_reader *rd, enum store_log log, uint64_t size,
                  struct buf *out)
{
    struct q q = db_q(&rd->view.db, SQL_COSIGNED_AT);

    q_u64(&q, log);
    q_peer(&q, size);
    return read_note(&q, out);
}
