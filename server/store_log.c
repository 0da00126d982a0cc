#include "server/store_inside.h"

#include <string.h>

#include "proto/proof.h"
#include "proto/tile.h"

uint64_t
leaf_row(enum store_log log, uint64_t index)
{
    return (uint64_t)log << 62 | index;
}

static uint64_t
tile_row(unsigned log, unsigned level, uint64_t n)
{
    return (uint64_t)log << 57 | (uint64_t)level << 54 | n;
}

static enum err
on_load(void *arg, unsigned log, unsigned level, uint64_t n, struct buf *out)
{
    struct view *v = arg;
    struct q q = db_q(&v->db, SQL_TILE_GET);
    enum err rc;

    q_u64(&q, tile_row(log, level, n));
    rc = q_next(&q);
    if (rc == ERR_OK) {
        rc = q_append(&q, 0, out);
        q_end(&q);
    }
    return rc;
}

static enum err
on_save(void *arg, unsigned log, unsigned level, uint64_t n,
        const uint8_t *bytes, size_t len)
{
    struct view *v = arg;
    struct q q = db_q(&v->db, SQL_TILE_SET);

    q_u64(&q, tile_row(log, level, n));
    q_blob(&q, bytes, len);
    return q_run(&q);
}

struct ledger_io
view_io(struct view *v)
{
    return (struct ledger_io){v, on_load, on_save};
}

enum err
view_node(void *view_and_log, unsigned level, uint64_t index, struct hash *out)
{
    struct view_log *at = view_and_log;

    return ledger_node(at->view->cache, (unsigned)at->log, level, index, out);
}

enum err
log_load(struct db *db, enum store_log log, struct merkle_peaks *peaks,
         struct hash *root)
{
    struct q q = db_q(db, SQL_LOG_GET);
    struct span bytes;
    enum err rc;

    q_u64(&q, log);
    rc = q_next(&q);
    if (rc != ERR_OK)
        return rc;
    rc = q_copy_id(&q, 1, root);
    bytes = q_bytes(&q, 2);
    if (rc == ERR_OK &&
        ledger_peaks_decode(peaks, q_get(&q, 0), bytes.p, bytes.len) != ERR_OK)
        rc = ERR_IO;
    q_end(&q);
    return rc;
}

enum err
log_save(struct db *db, enum store_log log, const struct merkle_peaks *peaks)
{
    uint8_t bytes[LEDGER_PEAKS_MAX];
    size_t len = ledger_peaks_encode(peaks, bytes);
    struct hash root;
    struct q q;
    enum err rc;

    merkle_root(peaks, &root);
    q = db_q(db, SQL_LOG_SET);
    q_u64(&q, log);
    q_u64(&q, peaks->size);
    q_id(&q, &root);
    q_blob(&q, bytes, len);
    rc = q_run(&q);
    if (rc != ERR_OK)
        return rc;
    q = db_q(db, SQL_HEAD_ADD);
    q_u64(&q, log);
    q_u64(&q, peaks->size);
    q_id(&q, &root);
    return q_run(&q);
}

enum err
log_append(struct tx *tx, enum store_log log, const void *entry, size_t len,
           uint64_t *index)
{
    struct hash leaf;
    uint64_t at;
    struct q q;
    enum err rc;

    merkle_leaf(entry, len, &leaf);
    rc = ledger_append(&tx->st->ledger, (unsigned)log, &leaf, &at);
    if (rc != ERR_OK)
        return rc;
    q = db_q(tx->db, SQL_LEAF_ADD);
    q_u64(&q, leaf_row(log, at));
    q_blob(&q, entry, len);
    rc = q_run(&q);
    if (rc == ERR_OK)
        *index = at;
    return rc;
}

enum err
view_first_head(struct view *v, enum store_log log, uint64_t index,
                struct head *out)
{
    struct q q = db_q(&v->db, SQL_HEAD_ABOVE);
    enum err rc;

    q_u64(&q, log);
    q_peer(&q, index);
    rc = q_next(&q);
    if (rc == ERR_OK) {
        rc = head_of_row(v->st, log, &q, out);
        q_end(&q);
    }
    return rc;
}

/* As receipt_format, without the opening. */
static enum err
bare_proof(uint64_t index, const struct hash *path, size_t n,
           const struct head *head, const struct vkey *vkey, struct buf *out)
{
    struct proof proof = {.index = index, .n = n};
    struct buf note = {0};
    enum err rc = head_to_note(head, vkey, &note);

    if (rc == ERR_OK) {
        memcpy(proof.path, path, n * sizeof(path[0]));
        proof.note = note.data;
        proof.note_len = note.len;
        rc = proof_format(&proof, out);
    }
    buf_clear(&note);
    return rc;
}

enum err
view_proof(struct view *v, enum store_log log, uint64_t index,
           const struct head *head, const uint8_t *opening, struct buf *out)
{
    const struct vkey *vkey = era_vkey(v->st, log, head->size);
    struct view_log at = {v, log};
    struct hash path[MERKLE_PATH_MAX];
    size_t n;
    enum err rc = merkle_inclusion(view_node, &at, index, head->size, path, &n);

    if (rc != ERR_OK)
        return rc;
    if (opening == NULL)
        return bare_proof(index, path, n, head, vkey, out);
    return receipt_format(opening, index, path, n, head, vkey, out);
}

enum err
view_receipt(struct view *v, uint64_t index, struct buf *out)
{
    struct q q = db_q(&v->db, SQL_OPENING_GET);
    uint8_t opening[OPENING_LEN];
    struct head head;
    enum err rc;

    q_u64(&q, index);
    rc = q_next(&q);
    if (rc != ERR_OK)
        return rc;
    rc = q_copy(&q, 1, opening, sizeof(opening));
    q_end(&q);
    if (rc == ERR_OK)
        rc = view_first_head(v, STORE_DELIVERY, index, &head);
    if (rc == ERR_NOTFOUND)
        return ERR_IO; /* an opening without a head */
    if (rc == ERR_OK)
        rc = view_proof(v, STORE_DELIVERY, index, &head, opening, out);
    return rc;
}
