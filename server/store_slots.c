#include "server/store_inside.h"

static enum err
unref_blob(struct tx *tx, uint64_t blob, uint64_t keep_until)
{
    struct q q = db_q(tx->db, SQL_BLOB_UNREF);

    q_u64(&q, keep_until);
    q_u64(&q, blob);
    return q_run(&q);
}

static enum err
unlink_blob(struct tx *tx, uint64_t packet, uint64_t blob)
{
    struct q q = db_q(tx->db, SQL_PACKET_BLOB_DROP);

    q_u64(&q, packet);
    q_u64(&q, blob);
    return q_run(&q);
}

/* Readdressing needs the attachments of what did not arrive (PROTOCOL.md
 * section 7, Attachments). */
static uint64_t
blobs_keep_until(const struct tx *tx, const struct packet_row *p)
{
    return p->may_go_again ? tx->now_s + STORE_BLOB_KEEP_S : tx->now_s;
}

static enum err
release_blobs(struct tx *tx, const struct packet_row *p)
{
    uint64_t blob;
    enum err rc;

    for (;;) {
        struct q q = db_q(tx->db, SQL_PACKET_BLOB_NEXT);

        q_u64(&q, p->id);
        rc = q_number(&q, &blob);
        if (rc != ERR_OK)
            return rc == ERR_NOTFOUND ? ERR_OK : rc;
        rc = unlink_blob(tx, p->id, blob);
        if (rc == ERR_OK)
            rc = unref_blob(tx, blob, blobs_keep_until(tx, p));
        if (rc != ERR_OK)
            return rc;
    }
}

/* Nobody is served any more. */
static enum err
close_slots(struct tx *tx, struct packet_row *p)
{
    struct q q;
    enum err rc;

    if (p->live == 0)
        return ERR_OK;
    q = db_q(tx->db, SQL_SLOTS_GONE);
    q_u64(&q, p->id);
    rc = q_run(&q);
    if (rc != ERR_OK)
        return rc;
    q = db_q(tx->db, SQL_PACKET_LIVE);
    q_u64(&q, 0);
    q_u64(&q, p->id);
    rc = q_run(&q);
    if (rc == ERR_OK)
        p->live = 0;
    return rc;
}

enum err
packet_drop_body(struct tx *tx, struct packet_row *p)
{
    struct q q;
    enum err rc;

    if (!p->has_body)
        return ERR_OK;
    rc = close_slots(tx, p);
    if (rc == ERR_OK) {
        q = db_q(tx->db, SQL_BODY_DROP);
        q_u64(&q, p->id);
        rc = q_run(&q);
    }
    if (rc == ERR_OK) {
        q = db_q(tx->db, SQL_PACKET_BODY_GONE);
        q_u64(&q, p->id);
        rc = q_run(&q);
    }
    if (rc == ERR_OK)
        rc = release_blobs(tx, p);
    if (rc == ERR_OK)
        p->has_body = false;
    return rc;
}

enum err
packet_release(struct tx *tx, struct packet_row *p)
{
    if (p->state == PACKET_PENDING || p->live > 0)
        return ERR_OK;
    return packet_drop_body(tx, p);
}

static enum err
tally_end(struct tx *tx, const struct packet_row *p)
{
    struct q q = db_q(tx->db, SQL_TALLY_END);

    q_u64(&q, p->size);
    q_u64(&q, p->state);
    q_id(&q, &p->sender);
    q_u64(&q, id_eq(&p->sender, &p->recipient));
    return q_run(&q);
}

enum err
packet_end(struct tx *tx, struct packet_row *p, uint8_t type, uint16_t reason,
           const struct device_id *actor, struct span evidence, uint64_t *index)
{
    struct q q;
    enum err rc = packet_event(tx, p, type, reason, actor, evidence, index);

    if (rc != ERR_OK)
        return rc;
    p->may_go_again = type == EVENT_EXPIRED || type == EVENT_REFUSED ||
                      (type == EVENT_WITHDRAWN && reason == REASON_REPLACED);
    q = db_q(tx->db, SQL_PACKET_END);
    q_u64(&q, p->state);
    q_u64(&q, tx->now_s + tx->retention_s);
    q_u64(&q, p->id);
    rc = q_run(&q);
    if (rc == ERR_OK)
        rc = tally_end(tx, p);
    if (rc != ERR_OK)
        return rc;
    /* After a hand-over the colleagues still get theirs. */
    if (p->state == PACKET_HANDED_OVER)
        return packet_release(tx, p);
    return packet_drop_body(tx, p);
}

enum err
slot_settle(struct tx *tx, struct packet_row *p, uint64_t pos,
            enum slot_state state)
{
    struct q q = db_q(tx->db, SQL_SLOT_SET);
    enum err rc;

    q_u64(&q, state);
    q_u64(&q, p->id);
    q_u64(&q, pos);
    rc = q_run(&q);
    if (rc != ERR_OK)
        return rc;
    if (p->live > 0)
        p->live--;
    q = db_q(tx->db, SQL_PACKET_LIVE);
    q_u64(&q, p->live);
    q_u64(&q, p->id);
    return q_run(&q);
}

static enum err
next_waiting(struct tx *tx, const struct device_id *device,
             const struct mailbox_id *mailbox, uint64_t *packet, uint64_t *pos)
{
    struct q q =
        db_q(tx->db, mailbox != NULL ? SQL_SLOT_WAITING_IN : SQL_SLOT_WAITING);
    enum err rc;

    q_id(&q, device);
    if (mailbox != NULL)
        q_id(&q, mailbox);
    rc = q_next(&q);
    if (rc == ERR_OK) {
        *packet = q_get(&q, 0);
        *pos = q_get(&q, 1);
        q_end(&q);
    }
    return rc;
}

static enum err
lose_slot(struct tx *tx, uint64_t packet, uint64_t pos, struct span evidence)
{
    struct packet_row p;
    enum err rc = packet_by_id(tx->db, packet, &p);

    if (rc == ERR_NOTFOUND)
        return ERR_IO; /* a slot without a packet */
    if (rc == ERR_OK)
        rc = slot_settle(tx, &p, pos, SLOT_GONE);
    if (rc != ERR_OK)
        return rc;
    if (p.state == PACKET_PENDING && p.live == 0)
        return packet_end(tx, &p, EVENT_REFUSED, REASON_NO_LIVE_DEVICE, NULL,
                          evidence, NULL);
    return packet_release(tx, &p);
}

enum err
device_slots_gone(struct tx *tx, const struct device_id *device,
                  const struct mailbox_id *mailbox, struct span evidence)
{
    uint64_t packet, pos;
    enum err rc;

    while ((rc = next_waiting(tx, device, mailbox, &packet, &pos)) == ERR_OK) {
        rc = lose_slot(tx, packet, pos, evidence);
        if (rc != ERR_OK)
            return rc;
    }
    return rc == ERR_NOTFOUND ? ERR_OK : rc;
}
