/* Reads about packets, events, prekeys, joins and counts. */
#include "server/store_inside.h"

#include <string.h>

/* Several statements of one read see one state. */
static enum err
begin(struct store_reader *rd)
{
    struct q q = db_q(&rd->view.db, SQL_BEGIN_READ);

    return q_run(&q);
}

static void
end(struct store_reader *rd)
{
    struct q q = db_q(&rd->view.db, SQL_COMMIT);

    (void)q_run(&q); /* nothing was written */
}

void
store_delivery_clear(struct store_delivery *d)
{
    buf_clear(&d->hdr);
    buf_clear(&d->wrap);
    buf_clear(&d->wrap_hashes);
    buf_clear(&d->body);
    buf_clear(&d->stored_proof);
}

static enum err
next_waiting(struct store_reader *rd, const struct device_id *device,
             uint64_t after, uint64_t now_s, uint64_t *packet, uint64_t *pos)
{
    struct q q = db_q(&rd->view.db, SQL_NEXT_WAITING);
    enum err rc;

    q_id(&q, device);
    q_peer(&q, after); /* a cursor is the packet's row plus one */
    q_u64(&q, now_s);
    rc = q_next(&q);
    if (rc == ERR_OK) {
        *packet = q_get(&q, 0);
        *pos = q_get(&q, 1);
        q_end(&q);
    }
    return rc;
}

static enum err
read_body(struct store_reader *rd, uint64_t packet, uint64_t pos,
          struct store_delivery *out)
{
    struct q q = db_q(&rd->view.db, SQL_BODY_GET);
    struct span wraps;
    enum err rc;

    q_u64(&q, packet);
    rc = q_next(&q);
    if (rc != ERR_OK)
        return rc == ERR_NOTFOUND ? ERR_VERIFY : rc;
    rc = q_append(&q, 0, &out->hdr);
    if (rc == ERR_OK)
        rc = q_append(&q, 1, &out->wrap_hashes);
    wraps = q_bytes(&q, 2);
    if (rc == ERR_OK && (pos + 1) * WRAP_LEN > wraps.len)
        rc = ERR_VERIFY;
    if (rc == ERR_OK) {
        buf_put(&out->wrap, (const uint8_t *)wraps.p + pos * WRAP_LEN,
                WRAP_LEN);
        rc = q_append(&q, 3, &out->body);
    }
    q_end(&q);
    return rc == ERR_OK ? buf_status(&out->wrap) : rc;
}

/* Bits that turned on the disk must not become somebody's referral. */
static enum err
check_bytes(const struct store_delivery *d)
{
    size_t n = d->wrap_hashes.len / sizeof(struct hash);
    struct hash hh, wh, body, digest, wrap;

    if (d->slot >= n)
        return ERR_VERIFY;
    header_hash(&hh, d->hdr.data, d->hdr.len);
    wraps_hash(&wh, d->wrap_hashes.data, n);
    bulk_digest(&body, d->body.data, d->body.len);
    packet_digest(&digest, &hh, &wh, &body);
    sha256(&wrap, d->wrap.data, d->wrap.len);
    if (!id_eq(&digest, &d->digest) ||
        memcmp(wrap.b, d->wrap_hashes.data + d->slot * sizeof(wrap),
               sizeof(wrap)) != 0)
        return ERR_VERIFY;
    return ERR_OK;
}

static enum err
fill_delivery(struct store_reader *rd, uint64_t packet, uint64_t pos,
              struct store_delivery *d)
{
    struct packet_row p;
    enum err rc = packet_by_id(&rd->view.db, packet, &p);

    if (rc != ERR_OK)
        return rc == ERR_NOTFOUND ? ERR_IO : rc;
    d->cursor = p.id + 1;
    d->sender = p.sender;
    d->packet = p.packet;
    d->digest = p.digest;
    d->not_after_s = p.not_after;
    d->slot = (uint16_t)pos;
    rc = read_body(rd, packet, pos, d);
    if (rc == ERR_OK)
        rc = check_bytes(d);
    return rc == ERR_OK ? view_receipt(&rd->view, p.id, &d->stored_proof) : rc;
}

enum err
store_next_packet(struct store_reader *rd, const struct device_id *device,
                  uint64_t after, uint64_t now_s, struct store_delivery *out)
{
    struct store_delivery d = {0};
    uint64_t packet = 0, pos = 0;
    enum err rc = begin(rd);

    if (rc != ERR_OK)
        return rc;
    rc = next_waiting(rd, device, after, now_s, &packet, &pos);
    if (rc == ERR_OK)
        rc = fill_delivery(rd, packet, pos, &d);
    end(rd);
    if (rc == ERR_OK) {
        *out = d;
        return ERR_OK;
    }
    store_delivery_clear(&d);
    if (rc == ERR_VERIFY) {
        store_alarm(rd->view.st, "the stored bytes of packet %llu are damaged",
                    (unsigned long long)packet);
        out->cursor = packet + 1;
    }
    return rc;
}

enum err
store_waiting(struct store_reader *rd, const struct device_id *device,
              unsigned max, unsigned *out)
{
    struct q q = db_q(&rd->view.db, SQL_COUNT_WAITING);
    uint64_t n;
    enum err rc;

    q_id(&q, device);
    q_u64(&q, max);
    rc = q_number(&q, &n);
    if (rc == ERR_OK)
        *out = (unsigned)n;
    return rc;
}

/* ---- events ---- */

/* Rows of SQL_OPENING_COLUMNS. */
static enum err
event_row_get(struct q *q, struct store_event_row *row)
{
    struct span opening = q_bytes(q, 1);
    enum err rc = q_copy_id(q, 2, &row->sender);

    if (rc == ERR_OK)
        rc = q_copy_id(q, 3, &row->recipient);
    if (rc == ERR_OK && opening.len != OPENING_LEN)
        rc = ERR_IO;
    row->index = q_get(q, 0);
    row->opening = opening.p;
    row->evidence = q_bytes(q, 4);
    return rc;
}

enum err
store_events(struct store_reader *rd, const struct agency_id *agency,
             uint64_t cursor, unsigned max, store_event_fn *each, void *arg,
             uint64_t *next)
{
    struct q q = db_q(&rd->view.db, SQL_EVENT_OF_LIST);
    struct store_event_row row;
    uint64_t at = cursor;
    enum err rc;

    q_id(&q, agency);
    q_peer(&q, cursor);
    q_u64(&q, max);
    while ((rc = q_next(&q)) == ERR_OK) {
        rc = event_row_get(&q, &row);
        if (rc == ERR_OK)
            rc = each(arg, &row);
        if (rc != ERR_OK) {
            q_end(&q);
            return rc;
        }
        at = row.index + 1;
    }
    if (rc != ERR_NOTFOUND)
        return rc;
    *next = at;
    return ERR_OK;
}

static bool
in_scope(const struct store_scope *scope, const struct store_event_row *row,
         uint64_t time_ms)
{
    size_t i;

    if (time_ms < scope->from_ms || time_ms >= scope->to_ms)
        return false;
    for (i = 0; i < scope->n_agencies; i++)
        if (id_eq(&scope->agencies[i], &row->sender) ||
            id_eq(&scope->agencies[i], &row->recipient))
            return true;
    return scope->n_agencies == 0;
}

enum err
store_audit(struct store_reader *rd, const struct store_scope *scope,
            uint64_t from, uint64_t to, store_event_fn *each, void *arg)
{
    struct q q = db_q(&rd->view.db, SQL_OPENING_RANGE);
    struct store_event_row row;
    enum err rc;

    q_peer(&q, from);
    q_peer(&q, to);
    while ((rc = q_next(&q)) == ERR_OK) {
        rc = event_row_get(&q, &row);
        if (rc == ERR_OK && in_scope(scope, &row, q_get(&q, 5)))
            rc = each(arg, &row);
        if (rc != ERR_OK) {
            q_end(&q);
            return rc;
        }
    }
    return rc == ERR_NOTFOUND ? ERR_OK : rc;
}

enum err
store_stored_receipt(struct store_reader *rd, const struct agency_id *sender,
                     const struct packet_id *packet, struct buf *out,
                     uint64_t *index)
{
    struct packet_row p;
    struct q q;
    enum err rc = begin(rd);

    if (rc != ERR_OK)
        return rc;
    q = db_q(&rd->view.db, SQL_PACKET_BY_NAME);
    q_id(&q, packet);
    q_id(&q, sender);
    rc = packet_by(&q, &p);
    if (rc == ERR_OK)
        rc = p.erased ? ERR_EXPIRED : view_receipt(&rd->view, p.id, out);
    if ((rc == ERR_OK || rc == ERR_EXPIRED) && index != NULL)
        *index = p.id;
    end(rd);
    return rc;
}

/* ---- directory, joins, attachments ---- */

enum err
store_collected(struct store_reader *rd, const struct mailbox_id *mailbox,
                uint64_t *time_s)
{
    struct q q = db_q(&rd->view.db, SQL_COLLECTED_GET);

    q_id(&q, mailbox);
    return q_number(&q, time_s);
}

enum err
store_prekeys(struct store_reader *rd, const struct mailbox_id *mailbox,
              uint64_t now_s, store_bytes_fn *each, void *arg)
{
    struct q q = db_q(&rd->view.db, SQL_MAILBOX_GET);
    enum err rc;
    bool is_open;

    q_id(&q, mailbox);
    rc = q_next(&q);
    if (rc != ERR_OK)
        return rc;
    is_open = q_get(&q, 1) != 0;
    q_end(&q);
    if (!is_open)
        return ERR_NOTFOUND;
    q = db_q(&rd->view.db, SQL_PREKEY_LIST);
    q_id(&q, mailbox);
    q_u64(&q, now_s);
    while ((rc = q_next(&q)) == ERR_OK) {
        rc = each(arg, 0, q_bytes(&q, 0));
        if (rc != ERR_OK) {
            q_end(&q);
            return rc;
        }
    }
    return rc == ERR_NOTFOUND ? ERR_OK : rc;
}

/* Rows of SQL_JOIN_COLUMNS. */
static enum err
join_row_get(struct q *q, struct store_join *out)
{
    enum err rc = q_copy_id(q, 0, &out->code_hash);

    /* No agency before the invitation is used. */
    if (q_copy_id(q, 1, &out->agency) != ERR_OK)
        memset(&out->agency, 0, sizeof(out->agency));
    out->state = (enum store_join_state)q_get(q, 2);
    out->received_s = q_get(q, 3);
    out->request = q_bytes(q, 4);
    out->detail = q_bytes(q, 5);
    return rc;
}

/* Ends Q.  *N: how many there were. */
static enum err
each_join(struct q *q, store_join_fn *each, void *arg, unsigned *n)
{
    struct store_join join;
    enum err rc;

    *n = 0;
    while ((rc = q_next(q)) == ERR_OK) {
        rc = join_row_get(q, &join);
        if (rc == ERR_OK)
            rc = each(arg, &join);
        if (rc != ERR_OK) {
            q_end(q);
            return rc;
        }
        ++*n;
    }
    return rc == ERR_NOTFOUND ? ERR_OK : rc;
}

enum err
store_joins(struct store_reader *rd, unsigned max, store_join_fn *each,
            void *arg)
{
    struct q q = db_q(&rd->view.db, SQL_JOIN_WAITING);
    unsigned n;

    q_u64(&q, max);
    return each_join(&q, each, arg, &n);
}

enum err
store_join_by_code(struct store_reader *rd, const struct hash *code,
                   store_join_fn *each, void *arg)
{
    struct q q = db_q(&rd->view.db, SQL_JOIN_GET);
    unsigned n;
    enum err rc;

    q_id(&q, code);
    rc = each_join(&q, each, arg, &n);
    return rc == ERR_OK && n == 0 ? ERR_NOTFOUND : rc;
}

enum err
store_join_by_agency(struct store_reader *rd, const struct agency_id *agency,
                     store_join_fn *each, void *arg)
{
    struct q q = db_q(&rd->view.db, SQL_JOIN_OF_AGENCY);
    unsigned n;
    enum err rc;

    q_id(&q, agency);
    rc = each_join(&q, each, arg, &n);
    return rc == ERR_OK && n == 0 ? ERR_NOTFOUND : rc;
}

enum err
store_blob_info(struct store_reader *rd, const struct agency_id *owner,
                const struct att_id *att, struct store_blob *out)
{
    struct q q = db_q(&rd->view.db, SQL_BLOB_BY_NAME);

    q_id(&q, att);
    q_id(&q, owner);
    return blob_by(&q, out, NULL);
}

enum err
store_blob_readable(struct store_reader *rd, const struct device_id *device,
                    const struct agency_id *agency,
                    const struct agency_id *owner, const struct att_id *att,
                    uint64_t now_s, struct store_blob *out)
{
    struct q q;

    if (id_eq(agency, owner))
        return store_blob_info(rd, owner, att, out);
    q = db_q(&rd->view.db, SQL_BLOB_FOR_DEVICE);
    q_id(&q, att);
    q_id(&q, device);
    q_u64(&q, now_s);
    q_id(&q, owner);
    return blob_by(&q, out, NULL);
}

/* ---- counts ---- */

/* Rows: own, stored, handed_over, refused, withdrawn, expired, pending,
 * pending_bytes; ends Q. */
static enum err
read_tallies(struct q *q, struct store_counts *out)
{
    enum err rc;

    while ((rc = q_next(q)) == ERR_OK) {
        struct store_tally *t =
            q_get(q, 0) != 0 ? &out->own_copies : &out->packets;

        t->stored = q_get(q, 1);
        t->handed_over = q_get(q, 2);
        t->refused = q_get(q, 3);
        t->withdrawn = q_get(q, 4);
        t->expired = q_get(q, 5);
        t->pending = q_get(q, 6);
        t->pending_bytes = q_get(q, 7);
    }
    return rc == ERR_NOTFOUND ? ERR_OK : rc;
}

enum err
store_counts_of(struct store_reader *rd, const struct agency_id *sender,
                struct store_counts *out)
{
    struct store_counts c = {0};
    struct q q = db_q(&rd->view.db, SQL_TALLY_OF);
    enum err rc;

    q_id(&q, sender);
    rc = read_tallies(&q, &c);
    if (rc == ERR_OK)
        *out = c;
    return rc;
}

static enum err
read_number(struct store_reader *rd, enum sql which, uint64_t *out)
{
    struct q q = db_q(&rd->view.db, which);
    enum err rc = q_number(&q, out);

    return rc == ERR_NOTFOUND ? ERR_OK : rc;
}

static enum err
read_blob_sum(struct store_reader *rd, struct store_counts *out)
{
    struct q q = db_q(&rd->view.db, SQL_BLOB_SUM);
    enum err rc = q_next(&q);

    if (rc == ERR_OK) {
        out->blobs = q_get(&q, 0);
        out->blob_bytes = q_get(&q, 1);
        q_end(&q);
    }
    return rc;
}

static enum err
read_sizes(struct store_reader *rd, struct store_counts *out)
{
    struct merkle_peaks peaks;
    struct hash root;
    uint64_t pages = 0, page_len = 0;
    enum err rc = ERR_OK;
    int i;

    for (i = 0; i < STORE_LOGS && rc == ERR_OK; i++) {
        rc = log_load(&rd->view.db, (enum store_log)i, &peaks, &root);
        if (rc == ERR_OK)
            out->log_size[i] = peaks.size;
    }
    if (rc == ERR_OK)
        rc = db_get_pragma(&rd->view.db, "page_count", &pages);
    if (rc == ERR_OK)
        rc = db_get_pragma(&rd->view.db, "page_size", &page_len);
    out->database_bytes = pages * page_len;
    return rc;
}

enum err
store_counts(struct store_reader *rd, struct store_counts *out)
{
    struct store_counts c = {0};
    struct q q;
    enum err rc = begin(rd);

    if (rc != ERR_OK)
        return rc;
    q = db_q(&rd->view.db, SQL_TALLY_SUM);
    rc = read_tallies(&q, &c);
    if (rc == ERR_OK)
        rc = read_number(rd, SQL_JOIN_COUNT, &c.joins_waiting);
    if (rc == ERR_OK)
        rc = read_number(rd, SQL_PACKET_OLDEST, &c.oldest_pending_ms);
    if (rc == ERR_OK)
        rc = read_blob_sum(rd, &c);
    if (rc == ERR_OK)
        rc = read_sizes(rd, &c);
    end(rd);
    if (rc == ERR_OK)
        *out = c;
    return rc;
}
