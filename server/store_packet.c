/*
 * STORE_OP_PACKET, in the order of its checks:
 *   shape -> seen before? -> sender -> expiry -> mailbox -> slots ->
 *   attachments -> quota -> written, all of it.
 */
#include "server/store_inside.h"

#include <string.h>

#include "proto/packet.h"

struct packet_work {
    const struct store_packet_op *in;
    const struct header *h;
    struct packet_row row;
    uint64_t blob[HEADER_ATTS_MAX];
    uint64_t blob_bytes;
};

/* A retry gets the first answer, whatever has changed since. */
static enum err
find_earlier(struct tx *tx, const struct packet_work *w, bool *found)
{
    struct q q = db_q(tx->db, SQL_PACKET_BY_NAME);
    struct packet_row old;
    enum err rc;

    q_id(&q, &w->h->packet);
    q_id(&q, &w->in->sender);
    rc = packet_by(&q, &old);
    if (rc == ERR_NOTFOUND) {
        *found = false;
        return ERR_OK;
    }
    if (rc != ERR_OK)
        return rc;
    if (!id_eq(&old.digest, &tx->prep->digest))
        return refuse(tx, STORE_WHY_CONFLICT);
    tx->res->index = old.id;
    if (old.erased)
        return refuse(tx, STORE_WHY_ERASED);
    tx->res->repeat = true;
    *found = true;
    return ERR_OK;
}

static enum err
check_expiry(struct tx *tx, const struct header *h)
{
    if (h->not_after <= tx->now_s ||
        h->not_after - tx->now_s > PACKET_LIFE_MAX_S)
        return refuse(tx, STORE_WHY_EXPIRY);
    return ERR_OK;
}

static enum err
check_mailbox(struct tx *tx, struct packet_work *w)
{
    struct q q = db_q(tx->db, SQL_MAILBOX_GET);
    bool is_open, is_suspended;
    enum err rc;

    q_id(&q, &w->h->mailbox);
    rc = q_next(&q);
    if (rc == ERR_NOTFOUND)
        return refuse(tx, STORE_WHY_MAILBOX);
    if (rc != ERR_OK)
        return rc;
    rc = q_copy_id(&q, 0, &w->row.recipient);
    is_open = q_get(&q, 1) != 0;
    is_suspended = q_get(&q, 2) != 0;
    q_end(&q);
    if (rc == ERR_OK && !is_open)
        return refuse(tx, STORE_WHY_MAILBOX);
    if (rc == ERR_OK && is_suspended)
        return refuse(tx, STORE_WHY_SUSPENDED);
    return rc;
}

static enum err
check_slots(struct tx *tx, const struct header *h)
{
    size_t i;

    for (i = 0; i < h->n_slots; i++) {
        struct q q = db_q(tx->db, SQL_SLOT_IS_LIVE);
        uint64_t one;
        enum err rc;

        q_id(&q, &h->mailbox);
        q_id(&q, &h->slots[i].device);
        q_id(&q, &h->slots[i].prekey);
        q_u64(&q, tx->now_s);
        q_u64(&q, tx->now_s);
        rc = q_number(&q, &one);
        if (rc == ERR_NOTFOUND)
            return refuse(tx, STORE_WHY_SLOT);
        if (rc != ERR_OK)
            return rc;
    }
    return ERR_OK;
}

static enum err
check_blobs(struct tx *tx, struct packet_work *w)
{
    size_t i;

    for (i = 0; i < w->h->n_atts; i++) {
        const struct header_att *att = &w->h->atts[i];
        struct q q = db_q(tx->db, SQL_BLOB_BY_NAME);
        struct store_blob blob;
        enum err rc;

        q_id(&q, &att->id);
        q_id(&q, &w->in->sender);
        rc = blob_by(&q, &blob, NULL);
        if (rc == ERR_NOTFOUND)
            return refuse(tx, STORE_WHY_BLOB);
        if (rc != ERR_OK)
            return rc;
        if (!blob.complete || blob.ct_len != att->ct_len ||
            !id_eq(&blob.digest, &att->digest))
            return refuse(tx, STORE_WHY_BLOB);
        w->blob[i] = blob.blob;
        w->blob_bytes += blob.ct_len;
    }
    return ERR_OK;
}

static enum err
check_quota(struct tx *tx, const struct packet_work *w)
{
    bool own = id_eq(&w->row.sender, &w->row.recipient);
    uint64_t packets, bytes;
    enum err rc = quota_used(tx, &w->row.sender, own, &packets, &bytes);

    if (rc != ERR_OK)
        return rc;
    if (packets >= tx->st->pending_packets_max ||
        bytes > tx->st->pending_bytes_max ||
        w->row.size > tx->st->pending_bytes_max - bytes)
        return refuse(tx, STORE_WHY_QUOTA);
    return ERR_OK;
}

/* A database with a bound keeps a reserve from packets: what hands them over,
 * ends them and so makes room again must itself find some. */
static enum err
check_room(struct tx *tx, const struct packet_work *w)
{
    enum { RESERVE_PAGES = 16, PAGE_LEN = 4096 };
    uint64_t wanted = RESERVE_PAGES + w->row.size / PAGE_LEN;
    uint64_t most = tx->st->page_count_max;
    uint64_t used = 0, spare = 0;
    enum err rc;

    if (most == 0)
        return ERR_OK;
    rc = db_get_pragma(tx->db, "page_count", &used);
    if (rc == ERR_OK)
        rc = db_get_pragma(tx->db, "freelist_count", &spare);
    if (rc != ERR_OK)
        return rc;
    return most + spare < used + wanted ? ERR_FULL : ERR_OK;
}

static enum err
check(struct tx *tx, struct packet_work *w)
{
    enum err rc = check_sender(tx, &w->in->sender);

    if (rc == ERR_OK)
        rc = check_device(tx, &w->in->device, &w->in->sender);
    if (rc == ERR_OK)
        rc = check_expiry(tx, w->h);
    if (rc == ERR_OK)
        rc = check_mailbox(tx, w);
    if (rc == ERR_OK)
        rc = check_slots(tx, w->h);
    if (rc == ERR_OK)
        rc = check_blobs(tx, w);
    if (rc == ERR_OK)
        rc = check_quota(tx, w);
    return rc == ERR_OK ? check_room(tx, w) : rc;
}

static void
fill_row(struct tx *tx, struct packet_work *w)
{
    const struct store_packet_op *in = w->in;
    struct packet_row *p = &w->row;

    p->packet = w->h->packet;
    p->sender = in->sender;
    p->digest = tx->prep->digest;
    p->mailbox = w->h->mailbox;
    p->class = w->h->class;
    p->not_after = w->h->not_after;
    p->received_ms = tx->now_ms;
    p->size = in->hdr.len + in->wraps.len + in->body.len;
    p->state = PACKET_UNSEEN;
    p->live = w->h->n_slots;
}

static enum err
write_row(struct tx *tx, const struct packet_row *p)
{
    struct q q = db_q(tx->db, SQL_PACKET_ADD);

    q_u64(&q, p->id);
    q_id(&q, &p->packet);
    q_id(&q, &p->sender);
    q_id(&q, &p->digest);
    q_id(&q, &p->mailbox);
    q_id(&q, &p->recipient);
    q_u64(&q, p->class);
    q_u64(&q, p->size_class);
    q_u64(&q, p->not_after);
    q_u64(&q, p->received_ms);
    q_u64(&q, p->size);
    q_u64(&q, p->live);
    q_u64(&q, warn_next_ms(&tx->st->warn, p->class, p->received_ms,
                           p->not_after, p->received_ms));
    return q_run(&q);
}

static enum err
write_slots(struct tx *tx, const struct packet_work *w)
{
    enum err rc = ERR_OK;
    size_t i;

    for (i = 0; i < w->h->n_slots && rc == ERR_OK; i++) {
        struct q q = db_q(tx->db, SQL_SLOT_ADD);

        q_u64(&q, w->row.id);
        q_u64(&q, i);
        q_id(&q, &w->h->slots[i].device);
        q_id(&q, &w->h->slots[i].prekey);
        rc = q_run(&q);
    }
    return rc;
}

static enum err
write_body(struct tx *tx, const struct packet_work *w)
{
    struct q q = db_q(tx->db, SQL_BODY_ADD);

    q_u64(&q, w->row.id);
    q_blob(&q, w->in->hdr.p, w->in->hdr.len);
    q_blob(&q, tx->prep->wrap_hashes, w->h->n_slots * sizeof(struct hash));
    q_blob(&q, w->in->wraps.p, w->in->wraps.len);
    q_blob(&q, w->in->body.p, w->in->body.len);
    return q_run(&q);
}

static enum err
write_blobs(struct tx *tx, const struct packet_work *w)
{
    enum err rc = ERR_OK;
    size_t i;

    for (i = 0; i < w->h->n_atts && rc == ERR_OK; i++) {
        struct q q = db_q(tx->db, SQL_PACKET_BLOB_ADD);

        q_u64(&q, w->row.id);
        q_u64(&q, w->blob[i]);
        rc = q_run(&q);
        if (rc != ERR_OK)
            break;
        q = db_q(tx->db, SQL_BLOB_REF);
        q_u64(&q, w->blob[i]);
        rc = q_run(&q);
    }
    return rc;
}

static enum err
count_stored(struct tx *tx, const struct packet_row *p)
{
    struct q q = db_q(tx->db, SQL_TALLY_STORED);

    q_id(&q, &p->sender);
    q_u64(&q, id_eq(&p->sender, &p->recipient));
    q_u64(&q, p->size);
    return q_run(&q);
}

/* The story of a packet that ended without arriving goes on in this one. */
static enum err
note_readdressed(struct tx *tx, const struct packet_work *w)
{
    struct q q;
    struct packet_row old;
    enum packet_state next;
    struct event ev;
    enum err rc;

    if (!w->in->has_resend_of)
        return ERR_OK;
    q = db_q(tx->db, SQL_PACKET_BY_NAME);
    q_id(&q, &w->in->resend_of);
    q_id(&q, &w->in->sender);
    rc = packet_by(&q, &old);
    if (rc == ERR_NOTFOUND)
        return ERR_OK;
    if (rc != ERR_OK)
        return rc;
    if (old.erased || old.state == PACKET_HANDED_OVER ||
        event_next((enum packet_state)old.state, EVENT_READDRESSED, &next) !=
            ERR_OK)
        return ERR_OK;
    ev = (struct event){.type = EVENT_READDRESSED,
                        .class = old.class,
                        .size_class = old.size_class,
                        .time_ms = tx->now_ms,
                        .packet = old.packet,
                        .sender = old.sender,
                        .recipient = old.mailbox,
                        .actor = w->in->device,
                        .pkt_digest = old.digest,
                        .not_after = old.not_after,
                        .ref = w->row.id};
    return packet_story(tx, &old, &ev, (struct span){NULL, 0}, NULL);
}

static enum err
write_all(struct tx *tx, struct packet_work *w)
{
    enum err rc;

    w->row.size_class = event_size_class(w->row.size + w->blob_bytes);
    rc = packet_event(tx, &w->row, EVENT_STORED, REASON_NONE, &w->in->device,
                      (struct span){NULL, 0}, &w->row.id);
    if (rc == ERR_OK)
        rc = write_row(tx, &w->row);
    if (rc == ERR_OK)
        rc = write_slots(tx, w);
    if (rc == ERR_OK)
        rc = write_body(tx, w);
    if (rc == ERR_OK)
        rc = write_blobs(tx, w);
    if (rc == ERR_OK)
        rc = count_stored(tx, &w->row);
    return rc == ERR_OK ? note_readdressed(tx, w) : rc;
}

enum err
apply_packet(struct tx *tx, struct store_op *op)
{
    struct packet_work w = {.in = &op->packet, .h = &tx->header};
    bool found = false;
    enum err rc;

    if (tx->prep->why != STORE_OK)
        return refuse(tx, tx->prep->why);
    rc = header_parse(&tx->header, w.in->hdr.p, w.in->hdr.len);
    if (rc != ERR_OK)
        return refuse(tx, STORE_WHY_MALFORMED);
    rc = find_earlier(tx, &w, &found);
    if (rc != ERR_OK || found)
        return rc;
    fill_row(tx, &w);
    rc = check(tx, &w);
    if (rc == ERR_OK)
        rc = write_all(tx, &w);
    if (rc == ERR_OK)
        tx->res->index = w.row.id;
    return rc;
}
