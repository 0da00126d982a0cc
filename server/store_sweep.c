/*
 * What is due, in bounded portions.  Each chore finds its next row by an index
 * and deals with it, until there is none or the portion is used up.
 */
#include "server/store_inside.h"

#include <string.h>

enum { PORTION = 256 };

/* One row of a chore; ERR_NOTFOUND: nothing is due. */
typedef enum err chore_fn(struct tx *tx);

static enum err
next_packet(struct tx *tx, enum sql which, uint64_t due, struct packet_row *p)
{
    struct q q = db_q(tx->db, which);
    uint64_t id;
    enum err rc;

    q_u64(&q, due);
    rc = q_number(&q, &id);
    if (rc != ERR_OK)
        return rc;
    rc = packet_by_id(tx->db, id, p);
    return rc == ERR_NOTFOUND ? ERR_IO : rc;
}

static uint64_t
seconds_ago(const struct tx *tx, uint64_t s)
{
    return tx->now_s > s ? tx->now_s - s : 0;
}

static enum err
expire_one(struct tx *tx)
{
    static const struct span none;
    struct packet_row p;
    enum err rc =
        next_packet(tx, SQL_DUE_EXPIRE, seconds_ago(tx, EVENT_SWEEP_S), &p);

    if (rc != ERR_OK)
        return rc;
    /* 0: never served; 1: served to the actor, who sent no receipt. */
    return packet_end(tx, &p, EVENT_EXPIRED, p.has_seen ? 1 : 0,
                      p.has_seen ? &p.seen : NULL, none, NULL);
}

/* One alert, however many are overdue; none once the life is over. */
static enum err
warn_one(struct tx *tx)
{
    static const struct span none;
    struct packet_row p;
    struct q q;
    enum err rc = next_packet(tx, SQL_DUE_WARN, tx->now_ms, &p);

    if (rc == ERR_OK && p.not_after > tx->now_s)
        rc = packet_event(tx, &p, EVENT_WARNED, REASON_NONE, NULL, none, NULL);
    if (rc != ERR_OK)
        return rc;
    q = db_q(tx->db, SQL_PACKET_WARNED);
    q_u64(&q, warn_next_ms(&tx->st->warn, p.class, p.received_ms, p.not_after,
                           tx->now_ms));
    q_u64(&q, p.id);
    return q_run(&q);
}

/* Handed over to one, not fetched by all colleagues in time. */
static enum err
drop_one_body(struct tx *tx)
{
    struct packet_row p;
    enum err rc = next_packet(tx, SQL_DUE_BODY, tx->now_s, &p);

    return rc == ERR_OK ? packet_drop_body(tx, &p) : rc;
}

/* The device's own statement said how long it lives: that is the evidence. */
static enum err
device_stmt(struct tx *tx, uint64_t leaf, struct buf *out)
{
    struct q q = db_q(tx->db, SQL_LEAF_GET);
    enum err rc;

    q_u64(&q, leaf_row(STORE_DIRECTORY, leaf));
    rc = q_next(&q);
    if (rc == ERR_OK) {
        rc = q_append(&q, 0, out);
        q_end(&q);
    }
    return rc == ERR_NOTFOUND ? ERR_IO : rc;
}

static enum err
end_device(struct tx *tx, const struct device_id *device, uint64_t leaf)
{
    struct buf stmt = {0};
    struct q q = db_q(tx->db, SQL_DEVICE_END);
    enum err rc;

    q_id(&q, device);
    rc = q_run(&q);
    if (rc == ERR_OK)
        rc = device_stmt(tx, leaf, &stmt);
    if (rc == ERR_OK)
        rc = device_slots_gone(tx, device, NULL,
                               (struct span){stmt.data, stmt.len});
    buf_clear(&stmt);
    return rc;
}

static enum err
end_one_device(struct tx *tx)
{
    struct q q = db_q(tx->db, SQL_DEVICE_DUE);
    struct device_id device;
    uint64_t leaf;
    enum err rc;

    q_u64(&q, tx->now_s);
    rc = q_next(&q);
    if (rc != ERR_OK)
        return rc;
    rc = q_copy_id(&q, 0, &device);
    leaf = q_get(&q, 1);
    q_end(&q);
    return rc == ERR_OK ? end_device(tx, &device, leaf) : rc;
}

static enum err
drop_one_blob(struct tx *tx)
{
    struct q q = db_q(tx->db, SQL_BLOB_DUE);
    struct store_blob blob;
    enum err rc;

    q_u64(&q, tx->now_s);
    rc = blob_by(&q, &blob, NULL);
    return rc == ERR_OK ? blob_drop(tx, &blob) : rc;
}

static enum err
quota_event(struct tx *tx, const struct agency_id *agency, uint64_t count)
{
    struct event ev = {.type = EVENT_QUOTA_REFUSED,
                       .time_ms = tx->now_ms,
                       .sender = *agency,
                       .ref = count};
    struct filing where = {NO_PACKET, agency, NULL, {NULL, 0}};

    return event_append(tx, &ev, &where, NULL);
}

static enum err
settle_one_quota(struct tx *tx)
{
    struct q q = db_q(tx->db, SQL_QUOTA_DUE);
    struct agency_id agency;
    uint64_t hour, count;
    enum err rc;

    q_u64(&q, tx->now_s / 3600);
    rc = q_next(&q);
    if (rc != ERR_OK)
        return rc;
    hour = q_get(&q, 0);
    count = q_get(&q, 2);
    rc = q_copy_id(&q, 1, &agency);
    q_end(&q);
    if (rc == ERR_OK)
        rc = quota_event(tx, &agency, count);
    if (rc != ERR_OK)
        return rc;
    q = db_q(tx->db, SQL_QUOTA_DROP);
    q_u64(&q, hour);
    q_id(&q, &agency);
    return q_run(&q);
}

static chore_fn *const chores[] = {
    expire_one,    warn_one,         drop_one_body,  end_one_device,
    drop_one_blob, settle_one_quota, sweep_cosigned,
};

static enum err
portion(struct tx *tx, chore_fn *chore, uint32_t max)
{
    enum err rc = ERR_OK;
    uint32_t i;

    for (i = 0; i < max && rc == ERR_OK; i++)
        rc = chore(tx);
    if (rc == ERR_OK)
        tx->res->more = true;
    return rc == ERR_NOTFOUND ? ERR_OK : rc;
}

static enum err
purge(struct tx *tx, enum sql which, uint64_t due, uint32_t max)
{
    struct q q = db_q(tx->db, which);
    enum err rc;

    q_u64(&q, due);
    q_u64(&q, max);
    rc = q_run(&q);
    if (rc == ERR_OK && db_changes(tx->db) == max)
        tx->res->more = true;
    return rc;
}

enum err
apply_sweep(struct tx *tx, struct store_op *op)
{
    uint32_t max = op->sweep.max != 0 ? op->sweep.max : PORTION;
    enum err rc = ERR_OK;
    size_t i;

    for (i = 0; i < sizeof(chores) / sizeof(chores[0]) && rc == ERR_OK; i++)
        rc = portion(tx, chores[i], max);
    if (rc == ERR_OK)
        rc = purge(tx, SQL_PREKEY_PURGE, tx->now_s, max);
    if (rc == ERR_OK)
        rc = purge(tx, SQL_JOIN_PURGE, seconds_ago(tx, STORE_JOIN_KEEP_S), max);
    return rc == ERR_OK ? sweep_erase(tx, max) : rc;
}
