/*
 * What devices say about packets: receipts, withdrawals, "seen".
 *
 *   packet pending:      opened  -> handed_over
 *                        failed  -> device_refused, or refused when nobody
 *                                   else is left
 *   packet handed over:  opened  -> device_receipt    failed -> device_refused
 *   packet ended else:   late_receipt
 */
#include "server/store_inside.h"

#include <string.h>

struct receipt_work {
    struct rcpt r;
    struct span bytes;
    struct packet_row p;
    uint64_t pos;
    enum slot_state slot;
};

/* The packet that Q finds, if it is of these bytes.  Who got a packet for one
 * device alone can store it again under its own name: id and digest are then
 * those of two packets. */
static enum err
find_packet(struct tx *tx, struct q *q, const struct packet_id *id,
            const struct hash *digest, struct packet_row *out)
{
    struct packet_row p;
    uint64_t one;
    enum err rc = packet_by(q, &p);
    struct q named;

    if (rc == ERR_OK && id_eq(&p.packet, id) && id_eq(&p.digest, digest)) {
        *out = p;
        return ERR_OK;
    }
    if (rc != ERR_OK && rc != ERR_NOTFOUND)
        return rc;
    named = db_q(tx->db, SQL_PACKET_NAMED);
    q_id(&named, id);
    rc = q_number(&named, &one);
    if (rc == ERR_OK)
        return refuse(tx, STORE_WHY_EVIDENCE);
    return rc == ERR_NOTFOUND ? refuse(tx, STORE_WHY_NOTFOUND) : rc;
}

static enum err
find_received(struct tx *tx, struct receipt_work *w)
{
    struct q q = db_q(tx->db, SQL_PACKET_BY_ID);

    q_peer(&q, w->r.stored_index);
    return find_packet(tx, &q, &w->r.packet, &w->r.pkt_digest, &w->p);
}

static enum err
find_sent(struct tx *tx, const struct wdrw *w, struct packet_row *out)
{
    struct q q = db_q(tx->db, SQL_PACKET_BY_NAME);

    q_id(&q, &w->packet);
    q_id(&q, &w->sender);
    return find_packet(tx, &q, &w->packet, &w->pkt_digest, out);
}

/* Said before, in the same bytes: the first answer again. */
static enum err
find_repeat(struct tx *tx, const struct packet_row *p, struct span bytes,
            bool *found)
{
    enum err rc;

    tx->res->index = p->id;
    if (p->erased)
        return refuse(tx, STORE_WHY_ERASED);
    rc = packet_event_by_evidence(tx->db, p->id, bytes, &tx->res->index);
    *found = rc == ERR_OK;
    tx->res->repeat = *found;
    return rc == ERR_NOTFOUND ? ERR_OK : rc;
}

static enum err
find_slot(struct tx *tx, struct receipt_work *w)
{
    struct q q = db_q(tx->db, SQL_SLOT_OF);
    struct prekey_id prekey;
    enum err rc;

    q_u64(&q, w->p.id);
    q_id(&q, &w->r.device);
    rc = q_next(&q);
    if (rc == ERR_NOTFOUND)
        return refuse(tx, STORE_WHY_EVIDENCE);
    if (rc != ERR_OK)
        return rc;
    w->pos = q_get(&q, 0);
    rc = q_copy_id(&q, 1, &prekey);
    w->slot = (enum slot_state)q_get(&q, 2);
    q_end(&q);
    if (rc == ERR_OK && !id_eq(&prekey, &w->r.prekey))
        return refuse(tx, STORE_WHY_EVIDENCE);
    return rc;
}

static enum err
check_receipt(struct tx *tx, const struct receipt_work *w)
{
    bool opened = w->r.outcome == OUTCOME_OPENED;

    if (!id_eq(&w->r.agency, &w->p.recipient))
        return refuse(tx, STORE_WHY_EVIDENCE);
    if (w->slot == SLOT_OPENED || (w->slot == SLOT_FAILED && !opened))
        return refuse(tx, STORE_WHY_CONFLICT);
    return ERR_OK;
}

static enum err
settle(struct tx *tx, struct receipt_work *w)
{
    enum slot_state to =
        w->r.outcome == OUTCOME_OPENED ? SLOT_OPENED : SLOT_FAILED;
    struct q q;

    if (w->slot == SLOT_WAITS)
        return slot_settle(tx, &w->p, w->pos, to);
    q = db_q(tx->db, SQL_SLOT_SET);
    q_u64(&q, to);
    q_u64(&q, w->p.id);
    q_u64(&q, w->pos);
    return q_run(&q);
}

static uint8_t
event_for(const struct receipt_work *w)
{
    bool opened = w->r.outcome == OUTCOME_OPENED;

    if (w->p.state == PACKET_PENDING && opened)
        return EVENT_HANDED_OVER;
    if (w->p.state == PACKET_PENDING)
        return w->p.live == 0 ? EVENT_REFUSED : EVENT_DEVICE_REFUSED;
    if (w->p.state == PACKET_HANDED_OVER)
        return opened ? EVENT_DEVICE_RECEIPT : EVENT_DEVICE_REFUSED;
    return EVENT_LATE_RECEIPT;
}

static enum err
write_receipt(struct tx *tx, struct receipt_work *w)
{
    uint64_t *index = &tx->res->index;
    uint8_t type;
    enum err rc = settle(tx, w);

    if (rc != ERR_OK)
        return rc;
    type = event_for(w);
    if (event_info(type)->is_final)
        return packet_end(tx, &w->p, type, w->r.reason, &w->r.device, w->bytes,
                          index);
    rc = packet_event(tx, &w->p, type, w->r.reason, &w->r.device, w->bytes,
                      index);
    return rc == ERR_OK ? packet_release(tx, &w->p) : rc;
}

enum err
apply_receipt(struct tx *tx, struct store_op *op)
{
    struct receipt_work w = {.bytes = op->receipt.rcpt};
    bool found = false;
    enum err rc;

    if (rcpt_parse(&w.r, w.bytes.p, w.bytes.len) != ERR_OK)
        return refuse(tx, STORE_WHY_EVIDENCE);
    rc = find_received(tx, &w);
    if (rc == ERR_OK)
        rc = find_repeat(tx, &w.p, w.bytes, &found);
    if (rc != ERR_OK || found)
        return rc;
    rc = find_slot(tx, &w);
    if (rc == ERR_OK)
        rc = check_receipt(tx, &w);
    return rc == ERR_OK ? write_receipt(tx, &w) : rc;
}

enum err
apply_withdraw(struct tx *tx, struct store_op *op)
{
    struct span bytes = op->withdraw.wdrw;
    struct packet_row p;
    struct wdrw w;
    bool found = false;
    enum err rc;

    if (wdrw_parse(&w, bytes.p, bytes.len) != ERR_OK)
        return refuse(tx, STORE_WHY_EVIDENCE);
    rc = find_sent(tx, &w, &p);
    if (rc == ERR_OK)
        rc = find_repeat(tx, &p, bytes, &found);
    if (rc != ERR_OK || found)
        return rc;
    if (p.state != PACKET_PENDING)
        return refuse(tx, STORE_WHY_FINAL);
    return packet_end(tx, &p, EVENT_WITHDRAWN, w.reason, &w.device, bytes,
                      &tx->res->index);
}

enum err
apply_collected(struct tx *tx, struct store_op *op)
{
    struct q q = db_q(tx->db, SQL_MAILBOX_COLLECTED);

    q_id(&q, &op->collected.device);
    q_u64(&q, tx->now_s - tx->now_s % COLLECTED_STEP_S);
    q_u64(&q, tx->now_s);
    return q_run(&q);
}

enum err
apply_seen(struct tx *tx, struct store_op *op)
{
    struct q q = db_q(tx->db, SQL_PACKET_SEEN);

    if (op->seen.cursor == 0)
        return refuse(tx, STORE_WHY_NOTFOUND);
    q_id(&q, &op->seen.device);
    q_peer(&q, op->seen.cursor - 1);
    return q_run(&q);
}
