#include "server/store_inside.h"

#include <stdlib.h>
#include <string.h>

/* Never fill a disk to the last byte: commits need room too. */
enum { DISK_RESERVE = 64 * 1024 * 1024 };

enum err
blob_row_get(struct q *q, struct store_blob *out, uint64_t *refs)
{
    struct store_blob b = {0};
    enum err rc = q_copy_id(q, 1, &b.owner);

    if (rc == ERR_OK)
        rc = q_copy_id(q, 2, &b.att);
    if (rc == ERR_OK)
        rc = q_copy_id(q, 5, &b.digest);
    if (rc != ERR_OK)
        return rc;
    b.blob = q_get(q, 0);
    b.ct_len = q_get(q, 3);
    b.have = q_get(q, 4);
    b.complete = q_get(q, 6) != 0;
    if (refs != NULL)
        *refs = q_get(q, 7);
    *out = b;
    return ERR_OK;
}

enum err
blob_by(struct q *q, struct store_blob *out, uint64_t *refs)
{
    enum err rc = q_next(q);

    if (rc == ERR_OK) {
        rc = blob_row_get(q, out, refs);
        q_end(q);
    }
    return rc;
}

static enum err
pending_of(struct tx *tx, const struct agency_id *agency, bool own,
           uint64_t *packets, uint64_t *bytes)
{
    struct q q = db_q(tx->db, SQL_TALLY_PENDING);
    enum err rc;

    *packets = *bytes = 0;
    q_id(&q, agency);
    q_u64(&q, own);
    rc = q_next(&q);
    if (rc == ERR_NOTFOUND)
        return ERR_OK;
    if (rc == ERR_OK) {
        *packets = q_get(&q, 0);
        *bytes = q_get(&q, 1);
        q_end(&q);
    }
    return rc;
}

enum err
quota_used(struct tx *tx, const struct agency_id *agency, bool own,
           uint64_t *packets, uint64_t *bytes)
{
    struct q q;
    enum err rc = pending_of(tx, agency, own, packets, bytes);

    if (rc != ERR_OK || own)
        return rc;
    q = db_q(tx->db, SQL_AGENCY_GET);
    q_id(&q, agency);
    rc = q_next(&q);
    if (rc == ERR_OK) {
        *bytes += q_get(&q, 1);
        q_end(&q);
    }
    return rc == ERR_NOTFOUND ? ERR_OK : rc;
}

static enum err
check_room(struct tx *tx, const struct store_blob_begin_op *in)
{
    uint64_t packets, bytes, free_bytes;
    enum err rc = quota_used(tx, &in->owner, false, &packets, &bytes);

    if (rc != ERR_OK)
        return rc;
    if (bytes > tx->st->pending_bytes_max ||
        in->ct_len > tx->st->pending_bytes_max - bytes)
        return refuse(tx, STORE_WHY_QUOTA);
    rc = os_free_disk(tx->st->dir, &free_bytes);
    if (rc != ERR_OK)
        return rc;
    if (free_bytes < DISK_RESERVE || in->ct_len > free_bytes - DISK_RESERVE)
        return refuse(tx, STORE_WHY_DISK);
    return ERR_OK;
}

static enum err
count_blob(struct tx *tx, const struct agency_id *owner, uint64_t n,
           uint64_t len)
{
    struct q q = db_q(tx->db, SQL_AGENCY_BLOBS);

    q_u64(&q, n); /* two's complement goes through as it is */
    q_u64(&q, len);
    q_id(&q, owner);
    return q_run(&q);
}

static enum err
begin_again(struct tx *tx, const struct store_blob_begin_op *in,
            const struct store_blob *had)
{
    if (had->ct_len != in->ct_len || !id_eq(&had->digest, &in->digest))
        return refuse(tx, STORE_WHY_CONFLICT);
    tx->res->repeat = true;
    tx->res->blob = had->blob;
    tx->res->have = had->have;
    return ERR_OK;
}

enum err
apply_blob_begin(struct tx *tx, struct store_op *op)
{
    const struct store_blob_begin_op *in = &op->blob_begin;
    struct q q = db_q(tx->db, SQL_BLOB_BY_NAME);
    struct store_blob had;
    enum err rc;

    q_id(&q, &in->att);
    q_id(&q, &in->owner);
    rc = blob_by(&q, &had, NULL);
    if (rc == ERR_OK)
        return begin_again(tx, in, &had);
    if (rc == ERR_NOTFOUND)
        rc = check_sender(tx, &in->owner);
    if (rc == ERR_OK)
        rc = check_room(tx, in);
    if (rc != ERR_OK)
        return rc;
    q = db_q(tx->db, SQL_BLOB_ADD);
    q_id(&q, &in->owner);
    q_id(&q, &in->att);
    q_u64(&q, in->ct_len);
    q_id(&q, &in->digest);
    q_u64(&q, tx->now_s + STORE_BLOB_ORPHAN_S);
    rc = q_run(&q);
    if (rc == ERR_OK) {
        tx->res->blob = db_last_row(tx->db);
        rc = count_blob(tx, &in->owner, 1, in->ct_len);
    }
    return rc;
}

static enum err
get_blob(struct tx *tx, uint64_t blob, struct store_blob *out)
{
    struct q q = db_q(tx->db, SQL_BLOB_BY_ID);
    enum err rc;

    q_u64(&q, blob);
    rc = blob_by(&q, out, NULL);
    return rc == ERR_NOTFOUND ? refuse(tx, STORE_WHY_NOTFOUND) : rc;
}

enum err
apply_blob_progress(struct tx *tx, struct store_op *op)
{
    const struct store_blob_progress_op *in = &op->blob_progress;
    struct store_blob blob;
    struct q q;
    enum err rc = get_blob(tx, in->blob, &blob);

    if (rc != ERR_OK)
        return rc;
    if (in->have > blob.ct_len)
        return refuse(tx, STORE_WHY_BLOB);
    tx->res->blob = blob.blob;
    tx->res->have = in->have > blob.have ? in->have : blob.have;
    if (in->have <= blob.have)
        return ERR_OK;
    q = db_q(tx->db, SQL_BLOB_HAVE);
    q_u64(&q, in->have);
    q_u64(&q, tx->now_s + STORE_BLOB_ORPHAN_S);
    q_u64(&q, blob.blob);
    return q_run(&q);
}

enum err
apply_blob_complete(struct tx *tx, struct store_op *op)
{
    const struct store_blob_complete_op *in = &op->blob_complete;
    struct store_blob blob;
    struct q q;
    enum err rc = get_blob(tx, in->blob, &blob);

    if (rc != ERR_OK)
        return rc;
    tx->res->blob = blob.blob;
    tx->res->repeat = blob.complete;
    if (!id_eq(&in->digest, &blob.digest)) {
        /* The one refusal that writes: these bytes are worth nothing. */
        tx->res->why = STORE_WHY_BLOB;
        return blob.complete ? ERR_OK : blob_drop(tx, &blob);
    }
    tx->res->have = blob.ct_len;
    if (blob.complete)
        return ERR_OK;
    q = db_q(tx->db, SQL_BLOB_DONE);
    q_u64(&q, tx->now_s + STORE_BLOB_ORPHAN_S);
    q_u64(&q, blob.blob);
    return q_run(&q);
}

enum err
blob_drop(struct tx *tx, const struct store_blob *blob)
{
    struct q q;
    enum err rc;

    if (tx->n_dead == tx->cap_dead) {
        size_t cap = tx->cap_dead == 0 ? 16 : 2 * tx->cap_dead;
        uint64_t *more = realloc(tx->dead, cap * sizeof(*more));

        if (more == NULL)
            return ERR_NOMEM;
        tx->dead = more;
        tx->cap_dead = cap;
    }
    q = db_q(tx->db, SQL_BLOB_DROP);
    q_u64(&q, blob->blob);
    rc = q_run(&q);
    if (rc == ERR_OK)
        rc = count_blob(tx, &blob->owner, UINT64_MAX,
                        UINT64_C(0) - blob->ct_len);
    if (rc == ERR_OK)
        tx->dead[tx->n_dead++] = blob->blob;
    return rc;
}
