#include "server/store_inside.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { HOUR_MS = 3600 * 1000 };

static const struct agency_id nobody;

/* Notes the event in the result of the operation, for pushes. */
static enum err
note_event(struct tx *tx, uint64_t index, const uint8_t opening[OPENING_LEN],
           const struct filing *where)
{
    struct store_result *res = tx->res;
    struct store_event *more;
    struct store_event *e;

    more = realloc(res->events, (res->n_events + 1) * sizeof(*more));
    if (more == NULL)
        return ERR_NOMEM;
    res->events = more;
    e = &more[res->n_events++];
    memset(e, 0, sizeof(*e));
    e->index = index;
    memcpy(e->opening, opening, OPENING_LEN);
    e->sender = *where->sender;
    e->recipient = where->recipient != NULL ? *where->recipient : nobody;
    buf_put(&e->evidence, where->evidence.p, where->evidence.len);
    return buf_status(&e->evidence);
}

static enum err
list_for(struct tx *tx, const struct agency_id *agency, uint64_t index)
{
    struct q q = db_q(tx->db, SQL_EVENT_OF_ADD);

    q_id(&q, agency);
    q_u64(&q, index);
    return q_run(&q);
}

static enum err
keep_opening(struct tx *tx, uint64_t index, uint64_t time_ms,
             const uint8_t opening[OPENING_LEN], const struct filing *where)
{
    bool is_alone = where->packet == NO_PACKET;
    const struct agency_id *to =
        where->recipient != NULL ? where->recipient : &nobody;
    struct q q = db_q(tx->db, SQL_OPENING_ADD);
    enum err rc;

    q_u64(&q, index);
    q_u64(&q, where->packet);
    q_id(&q, where->sender);
    q_id(&q, to);
    q_u64(&q, time_ms);
    q_blob(&q, opening, OPENING_LEN);
    q_blob(&q, where->evidence.p, where->evidence.len);
    q_u64(&q, is_alone ? tx->now_s + tx->retention_s : 0);
    rc = q_run(&q);
    if (rc == ERR_OK)
        rc = list_for(tx, where->sender, index);
    if (rc == ERR_OK && where->recipient != NULL)
        rc = list_for(tx, where->recipient, index);
    return rc;
}

enum err
event_append(struct tx *tx, const struct event *ev, const struct filing *where,
             uint64_t *index)
{
    uint8_t salt[32];
    uint8_t opening[OPENING_LEN];
    uint8_t entry[SEALED_ENTRY_LEN];
    struct filing filed = *where;
    uint64_t at;
    enum err rc;

    /* Reasons come from receipts and withdrawals, which were parsed. */
    assert(event_reason_is_legal(ev->type, ev->reason));
    crypto_random(salt, sizeof(salt));
    opening_make(salt, ev, opening);
    sealed_entry(opening, entry);
    rc = log_append(tx, STORE_DELIVERY, entry, sizeof(entry), &at);
    if (rc != ERR_OK)
        return rc;
    if (ev->type == EVENT_STORED)
        filed.packet = at;
    rc = keep_opening(tx, at, ev->time_ms, opening, &filed);
    if (rc == ERR_OK)
        rc = note_event(tx, at, opening, &filed);
    if (rc == ERR_OK && index != NULL)
        *index = at;
    return rc;
}

/* The one table of what may follow what (proto/event.h); nothing else enters
 * the log, whatever the code above believes. */
enum err
packet_story(struct tx *tx, struct packet_row *p, const struct event *ev,
             struct span evidence, uint64_t *index)
{
    struct filing where = {p->id, &p->sender, &p->recipient, evidence};
    enum packet_state next;
    enum err rc;

    if (event_next((enum packet_state)p->state, ev->type, &next) != ERR_OK)
        return refuse(tx, STORE_WHY_FINAL);
    rc = event_append(tx, ev, &where, index);
    if (rc == ERR_OK)
        p->state = next;
    return rc;
}

enum err
packet_event(struct tx *tx, struct packet_row *p, uint8_t type, uint16_t reason,
             const struct device_id *actor, struct span evidence,
             uint64_t *index)
{
    struct event ev = {
        .type = type,
        .class = p->class,
        .size_class = p->size_class,
        .reason = reason,
        .time_ms = tx->now_ms,
        .packet = p->packet,
        .sender = p->sender,
        .recipient = p->mailbox,
        .pkt_digest = p->digest,
        .not_after = p->not_after,
        .ref = type == EVENT_STORED ? 0 : p->id,
    };

    if (actor != NULL)
        ev.actor = *actor;
    if (evidence.len > 0)
        evidence_hash(&ev.evidence, evidence.p, evidence.len);
    return packet_story(tx, p, &ev, evidence, index);
}

enum err
packet_row_get(struct q *q, struct packet_row *out)
{
    struct packet_row p = {0};
    enum err rc = q_copy_id(q, 1, &p.packet);

    if (rc == ERR_OK)
        rc = q_copy_id(q, 2, &p.sender);
    if (rc == ERR_OK)
        rc = q_copy_id(q, 3, &p.digest);
    if (rc == ERR_OK)
        rc = q_copy_id(q, 4, &p.mailbox);
    if (rc == ERR_OK)
        rc = q_copy_id(q, 5, &p.recipient);
    if (rc != ERR_OK)
        return rc;
    p.id = q_get(q, 0);
    p.class = (uint8_t)q_get(q, 6);
    p.size_class = (uint8_t)q_get(q, 7);
    p.not_after = q_get(q, 8);
    p.received_ms = q_get(q, 9);
    p.size = q_get(q, 10);
    p.state = (unsigned)q_get(q, 11);
    p.live = q_get(q, 12);
    p.has_body = q_get(q, 13) != 0;
    p.erased = q_get(q, 14) != 0;
    p.has_seen = q_copy_id(q, 15, &p.seen) == ERR_OK;
    *out = p;
    return ERR_OK;
}

enum err
packet_by(struct q *q, struct packet_row *out)
{
    enum err rc = q_next(q);

    if (rc == ERR_OK) {
        rc = packet_row_get(q, out);
        q_end(q);
    }
    return rc;
}

enum err
packet_by_id(struct db *db, uint64_t id, struct packet_row *out)
{
    struct q q = db_q(db, SQL_PACKET_BY_ID);

    q_u64(&q, id);
    return packet_by(&q, out);
}

enum err
packet_event_by_evidence(struct db *db, uint64_t packet, struct span evidence,
                         uint64_t *index)
{
    struct q q = db_q(db, SQL_OPENING_BY_EVIDENCE);

    q_u64(&q, packet);
    q_blob(&q, evidence.p, evidence.len);
    return q_number(&q, index);
}

enum err
apply_event(struct tx *tx, struct store_op *op)
{
    const struct store_event_op *in = &op->event;
    struct event ev = {
        .type = in->type,
        .reason = in->reason,
        .time_ms = tx->now_ms,
        .sender = in->agency,
        .actor = in->actor,
        .ref = in->ref,
    };
    struct filing where = {NO_PACKET, &in->agency, NULL, {NULL, 0}};

    if ((in->type != EVENT_AUDITOR_READ && in->type != EVENT_ADMIN) ||
        !event_reason_is_legal(in->type, in->reason))
        return refuse(tx, STORE_WHY_MALFORMED);
    return event_append(tx, &ev, &where, &tx->res->index);
}

/* The hour stands in the row, so that the sweep finds what is over. */
enum err
apply_quota_refused(struct tx *tx, struct store_op *op)
{
    struct q q = db_q(tx->db, SQL_QUOTA_COUNT);

    q_u64(&q, tx->now_ms / HOUR_MS);
    q_id(&q, &op->quota_refused.agency);
    return q_run(&q);
}
