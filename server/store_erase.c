/*
 * Erasing (PROTOCOL.md section 14.3): all openings of a packet together, a
 * retention after its final event; a public entry for each.  The tombstone
 * answers ERASED for a second retention, then goes too.
 */
#include "server/store_inside.h"

#include <string.h>

static enum err
unlist(struct tx *tx, const struct agency_id *agency, uint64_t index)
{
    struct q q = db_q(tx->db, SQL_EVENT_OF_DROP);

    q_id(&q, agency);
    q_u64(&q, index);
    return q_run(&q);
}

static enum err
drop_rows(struct tx *tx, uint64_t index)
{
    struct agency_id sender, recipient;
    struct q q = db_q(tx->db, SQL_OPENING_PARTIES);
    enum err rc;

    q_u64(&q, index);
    rc = q_next(&q);
    if (rc != ERR_OK)
        return rc == ERR_NOTFOUND ? ERR_IO : rc;
    rc = q_copy_id(&q, 0, &sender);
    if (rc == ERR_OK)
        rc = q_copy_id(&q, 1, &recipient);
    q_end(&q);
    if (rc == ERR_OK)
        rc = unlist(tx, &sender, index);
    if (rc == ERR_OK)
        rc = unlist(tx, &recipient, index);
    if (rc != ERR_OK)
        return rc;
    q = db_q(tx->db, SQL_OPENING_DROP);
    q_u64(&q, index);
    return q_run(&q);
}

static enum err
erase_opening(struct tx *tx, uint64_t index)
{
    uint8_t entry[PUBLIC_EVENT_LEN];
    uint64_t at;
    enum err rc = drop_rows(tx, index);

    if (rc != ERR_OK)
        return rc;
    erased_entry(tx->now_ms, index, entry);
    tx->erased = true;
    return log_append(tx, STORE_DELIVERY, entry, sizeof(entry), &at);
}

static enum err
erase_openings_of(struct tx *tx, uint64_t packet)
{
    uint64_t index;
    enum err rc;

    for (;;) {
        struct q q = db_q(tx->db, SQL_OPENING_OF_PACKET);

        q_u64(&q, packet);
        rc = q_number(&q, &index);
        if (rc == ERR_OK)
            rc = erase_opening(tx, index);
        if (rc != ERR_OK)
            return rc == ERR_NOTFOUND ? ERR_OK : rc;
    }
}

static enum err
drop_row(struct tx *tx, enum sql which, uint64_t id)
{
    struct q q = db_q(tx->db, which);

    q_u64(&q, id);
    return q_run(&q);
}

static enum err
erase_packet(struct tx *tx, uint64_t id)
{
    struct packet_row p;
    struct q q;
    enum err rc = packet_by_id(tx->db, id, &p);

    if (rc == ERR_OK) /* only left when the retention is very short */
        rc = packet_drop_body(tx, &p);
    if (rc == ERR_OK)
        rc = erase_openings_of(tx, id);
    if (rc == ERR_OK)
        rc = drop_row(tx, SQL_SLOTS_DROP, id);
    if (rc != ERR_OK)
        return rc;
    q = db_q(tx->db, SQL_PACKET_ERASED);
    q_u64(&q, tx->now_s + tx->retention_s);
    q_u64(&q, id);
    return q_run(&q);
}

static enum err
erase_one_packet(struct tx *tx)
{
    struct q q = db_q(tx->db, SQL_DUE_ERASE);
    uint64_t id;
    bool is_erased;
    enum err rc;

    q_u64(&q, tx->now_s);
    rc = q_next(&q);
    if (rc != ERR_OK)
        return rc;
    id = q_get(&q, 0);
    is_erased = q_get(&q, 1) != 0;
    q_end(&q);
    return is_erased ? drop_row(tx, SQL_PACKET_DROP, id) : erase_packet(tx, id);
}

static enum err
erase_one_opening(struct tx *tx)
{
    struct q q = db_q(tx->db, SQL_OPENING_DUE);
    uint64_t index;
    enum err rc;

    q_u64(&q, tx->now_s);
    rc = q_number(&q, &index);
    return rc == ERR_OK ? erase_opening(tx, index) : rc;
}

/* Receipts are rebuilt from heads; those below the oldest opening that is left
 * are of no use any more. */
static enum err
purge_heads(struct tx *tx)
{
    struct q q = db_q(tx->db, SQL_OPENING_FIRST);
    uint64_t first;
    enum err rc = q_number(&q, &first);

    if (rc != ERR_OK)
        return rc == ERR_NOTFOUND ? ERR_OK : rc;
    q = db_q(tx->db, SQL_HEAD_PURGE);
    q_u64(&q, STORE_DELIVERY);
    q_u64(&q, first);
    return q_run(&q);
}

enum err
sweep_erase(struct tx *tx, uint32_t max)
{
    enum err rc = ERR_OK;
    uint32_t i;

    for (i = 0; i < max && rc == ERR_OK; i++)
        rc = erase_one_packet(tx);
    tx->res->more |= rc == ERR_OK;
    rc = rc == ERR_NOTFOUND ? ERR_OK : rc;
    for (i = 0; i < max && rc == ERR_OK; i++)
        rc = erase_one_opening(tx);
    tx->res->more |= rc == ERR_OK;
    rc = rc == ERR_NOTFOUND ? ERR_OK : rc;
    return rc == ERR_OK && tx->erased ? purge_heads(tx) : rc;
}
