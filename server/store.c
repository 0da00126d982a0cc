/*
 * One batch:  prepare (hash) -> BEGIN -> each operation -> nodes, log rows ->
 * COMMIT -> sign -> guard -> receipts.  What can go wrong: refused operations
 * (only theirs), no room or memory (the batch, rolled back for certain),
 * anything else (is_broken: nothing is answered any more).
 */
#include "server/store_inside.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/bytes.h"
#include "common/clock.h"
#include "proto/pad.h"

enum { GUARD_SYNC_MS = 1000, HDR_BODY_LEN_AT = 48, DAY_S = 24 * 3600 };

const char *
store_why_text(enum store_why why)
{
    static const char *const texts[] = {
#define STORE_WHY_TEXT(name, text) text,
        STORE_WHYS(STORE_WHY_TEXT)
#undef STORE_WHY_TEXT
    };

    return (size_t)why < sizeof(texts) / sizeof(texts[0]) ? texts[why] : "?";
}

static enum err (*const appliers[STORE_OP_KINDS])(struct tx *,
                                                  struct store_op *) = {
    [STORE_OP_PACKET] = apply_packet,
    [STORE_OP_RECEIPT] = apply_receipt,
    [STORE_OP_WITHDRAW] = apply_withdraw,
    [STORE_OP_SEEN] = apply_seen,
    [STORE_OP_COLLECTED] = apply_collected,
    [STORE_OP_SWEEP] = apply_sweep,
    [STORE_OP_STATEMENT] = apply_statement,
    [STORE_OP_PREKEYS] = apply_prekeys,
    [STORE_OP_INVITE] = apply_invite,
    [STORE_OP_JOIN] = apply_join,
    [STORE_OP_JOIN_REFUSE] = apply_join_refuse,
    [STORE_OP_BLOB_BEGIN] = apply_blob_begin,
    [STORE_OP_BLOB_PROGRESS] = apply_blob_progress,
    [STORE_OP_BLOB_COMPLETE] = apply_blob_complete,
    [STORE_OP_EVENT] = apply_event,
    [STORE_OP_QUOTA_REFUSED] = apply_quota_refused,
    [STORE_OP_COSIGNED] = apply_cosigned,
};

enum err
refuse(struct tx *tx, enum store_why why)
{
    tx->res->why = why;
    return ERR_REFUSED;
}

void
store_alarm(struct store *st, const char *fmt, ...)
{
    char text[512];
    va_list ap;

    if (st->alarm == NULL)
        return;
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    st->alarm(st->alarm_arg, text);
}

static void
result_clear(struct store_result *res)
{
    size_t i;

    for (i = 0; i < res->n_events; i++) {
        buf_clear(&res->events[i].evidence);
        buf_clear(&res->events[i].leaf_proof);
    }
    free(res->events);
    buf_clear(&res->proof);
    memset(res, 0, sizeof(*res));
}

void
store_op_clear(struct store_op *op)
{
    result_clear(&op->result);
}

size_t
store_op_bytes(const struct store_op *op)
{
    switch (op->kind) {
    case STORE_OP_PACKET:
        return op->packet.hdr.len + op->packet.wraps.len + op->packet.body.len;
    case STORE_OP_STATEMENT:
        return op->statement.stmt.len;
    case STORE_OP_JOIN:
        return op->join.request.len;
    case STORE_OP_COSIGNED:
        return op->cosigned.note.len;
    default:
        return sizeof(*op);
    }
}

/* ---- before the transaction ---- */

/* Says more than "malformed" where the sender can do something about it. */
static enum store_why
why_shape(const struct store_packet_op *in)
{
    const uint8_t *hdr = in->hdr.p;

    if (in->hdr.len >= HEADER_FIXED_LEN &&
        !body_len_is_valid(get_u64(hdr + HDR_BODY_LEN_AT)))
        return STORE_WHY_SIZE;
    return STORE_WHY_MALFORMED;
}

static enum err
prepare_packet(const struct store_packet_op *in, struct prepared *out)
{
    struct header h;
    struct hash hh, wh, d;

    if (packet_check_shape(&h, in->hdr.p, in->hdr.len, in->wraps.len,
                           in->body.len) != ERR_OK) {
        out->why = why_shape(in);
        return ERR_OK;
    }
    out->wrap_hashes = malloc(h.n_slots * sizeof(struct hash));
    if (out->wrap_hashes == NULL)
        return ERR_NOMEM;
    header_hash(&hh, in->hdr.p, in->hdr.len);
    wraps_hash_each(out->wrap_hashes, in->wraps.p, h.n_slots);
    wraps_hash(&wh, out->wrap_hashes[0].b, h.n_slots);
    bulk_digest(&d, in->body.p, in->body.len);
    packet_digest(&out->digest, &hh, &wh, &d);
    return ERR_OK;
}

static enum err
prepare(struct store_op *const *ops, size_t n, struct prepared *prep)
{
    enum err rc = ERR_OK;
    size_t i;

    for (i = 0; i < n && rc == ERR_OK; i++) {
        result_clear(&ops[i]->result);
        if (ops[i]->kind == STORE_OP_PACKET)
            rc = prepare_packet(&ops[i]->packet, &prep[i]);
    }
    return rc;
}

static void
unprepare(struct prepared *prep, size_t n)
{
    size_t i;

    for (i = 0; prep != NULL && i < n; i++)
        free(prep[i].wrap_hashes);
    free(prep);
}

/* ---- the transaction ---- */

static enum err
load_logs(struct store *st)
{
    struct merkle_peaks peaks[STORE_LOGS];
    struct hash root;
    enum err rc = ERR_OK;
    int i;

    for (i = 0; i < STORE_LOGS && rc == ERR_OK; i++)
        rc = log_load(&st->writer.db, (enum store_log)i, &peaks[i], &root);
    if (rc == ERR_OK)
        ledger_begin(&st->ledger, peaks);
    return rc == ERR_NOTFOUND ? ERR_IO : rc;
}

/* Signatures of the batch before: the rows were committed without them. */
static enum err
save_signatures(struct store *st)
{
    enum err rc = ERR_OK;
    int i;

    for (i = 0; i < STORE_LOGS && rc == ERR_OK; i++) {
        struct q q;

        if (!st->unsaved_sig[i])
            continue;
        q = db_q(&st->writer.db, SQL_HEAD_SIGN);
        q_id(&q, &st->heads[i].sig);
        q_u64(&q, (uint64_t)i);
        q_u64(&q, st->heads[i].size);
        rc = q_run(&q);
    }
    return rc;
}

enum err
tx_apply(struct tx *tx, struct store_op *op, const struct prepared *prep)
{
    uint64_t before = db_changes_ever(tx->db);
    enum err rc;

    tx->op = op;
    tx->res = &op->result;
    tx->prep = prep;
    tx->now_ms = op->now_ms;
    tx->now_s = op->now_ms / 1000;
    rc = appliers[op->kind](tx, op);
    if (rc != ERR_REFUSED)
        return rc;
    /* A refusal after a write would be half an operation: our mistake. */
    return db_changes_ever(tx->db) == before ? ERR_OK : ERR_STATE;
}

static enum err
save_logs(struct store *st)
{
    enum err rc = ledger_flush(&st->ledger);
    int i;

    for (i = 0; i < STORE_LOGS && rc == ERR_OK; i++)
        if (st->ledger.peaks[i].size != st->heads[i].size)
            rc = log_save(&st->writer.db, (enum store_log)i,
                          &st->ledger.peaks[i]);
    return rc;
}

static enum err
run_sql(struct store *st, enum sql which)
{
    struct q q = db_q(&st->writer.db, which);

    return q_run(&q);
}

enum err
tx_begin(struct tx *tx)
{
    struct store *st = tx->st;
    uint64_t days = STORE_RETENTION_DAYS;
    enum err rc = run_sql(st, SQL_BEGIN);

    if (rc == ERR_OK)
        rc = load_logs(st);
    if (rc == ERR_OK)
        rc = save_signatures(st);
    if (rc == ERR_OK)
        rc = meta_number(tx->db, "retention_days", days, &days);
    tx->retention_s = (uint32_t)days * DAY_S;
    return rc;
}

enum err
tx_commit(struct tx *tx)
{
    enum err rc = save_logs(tx->st);

    return rc == ERR_OK ? run_sql(tx->st, SQL_COMMIT) : rc;
}

static enum err
transact(struct tx *tx, struct store_op *const *ops, size_t n,
         const struct prepared *prep)
{
    enum err rc = tx_begin(tx);
    size_t i;

    for (i = 0; i < n && rc == ERR_OK; i++)
        rc = tx_apply(tx, ops[i], &prep[i]);
    return rc == ERR_OK ? tx_commit(tx) : rc;
}

/* Only when the old state is certain may the batch be called "not done". */
static enum err
roll_back(struct store *st, enum err why)
{
    struct hash root;
    struct merkle_peaks peaks;
    int i;

    ledger_cache_drop(st->writer.cache);
    if (!db_is_idle(&st->writer.db) && run_sql(st, SQL_ROLLBACK) != ERR_OK)
        return ERR_IO;
    if (why != ERR_FULL && why != ERR_NOMEM)
        return why;
    for (i = 0; i < STORE_LOGS; i++)
        if (log_load(&st->writer.db, (enum store_log)i, &peaks, &root) !=
                ERR_OK ||
            peaks.size != st->heads[i].size)
            return ERR_IO;
    return why;
}

/* ---- after the commit ---- */

static enum err
sign_heads(struct store *st)
{
    struct head heads[STORE_LOGS];
    enum err rc = ERR_OK;
    int i;

    for (i = 0; i < STORE_LOGS; i++) {
        heads[i] = st->heads[i];
        st->unsaved_sig[i] = false; /* this transaction saved it */
        if (st->ledger.peaks[i].size == heads[i].size)
            continue;
        heads[i].size = st->ledger.peaks[i].size;
        merkle_root(&st->ledger.peaks[i], &heads[i].root);
        rc = head_sign(&heads[i], st->vkey[i].name, st->log_key);
        if (rc != ERR_OK)
            return rc;
        st->unsaved_sig[i] = true;
    }
    pthread_mutex_lock(&st->heads_lock);
    memcpy(st->heads, heads, sizeof(st->heads));
    pthread_mutex_unlock(&st->heads_lock);
    return ERR_OK;
}

static enum err
keep_guard(struct store *st)
{
    struct guard_head head[GUARD_LOGS];
    uint64_t now = clock_mono_ms();
    enum err rc;
    int i;

    for (i = 0; i < GUARD_LOGS; i++) {
        head[i].size = st->heads[i].size;
        head[i].root = st->heads[i].root;
    }
    rc = guard_write(&st->guard, head);
    if (rc == ERR_OK && now - st->guard_synced_ms >= GUARD_SYNC_MS) {
        rc = guard_sync(&st->guard);
        st->guard_synced_ms = now;
    }
    return rc;
}

static bool
wants_receipt(const struct store_op *op)
{
    return op->kind == STORE_OP_PACKET || op->kind == STORE_OP_RECEIPT ||
           op->kind == STORE_OP_WITHDRAW;
}

static enum err
prove(struct store *st, struct store_op *op)
{
    const struct head *head = &st->heads[STORE_DELIVERY];
    struct store_result *res = &op->result;
    enum err rc = ERR_OK;
    size_t i;

    for (i = 0; i < res->n_events && rc == ERR_OK; i++) {
        struct store_event *e = &res->events[i];

        rc = view_proof(&st->writer, STORE_DELIVERY, e->index, head, NULL,
                        &e->leaf_proof);
        if (rc == ERR_OK && wants_receipt(op) && e->index == res->index)
            rc = view_proof(&st->writer, STORE_DELIVERY, e->index, head,
                            e->opening, &res->proof);
    }
    if (rc == ERR_OK && wants_receipt(op) && res->repeat)
        rc = view_receipt(&st->writer, res->index, &res->proof);
    return rc;
}

/* No memory for a receipt: the operation is done, a retry will tell. */
static enum err
prove_all(struct store *st, struct store_op *const *ops, size_t n)
{
    enum err rc = ERR_OK;
    size_t i;

    for (i = 0; i < n && rc == ERR_OK; i++) {
        if (ops[i]->result.why != STORE_OK)
            continue;
        rc = prove(st, ops[i]);
        if (rc == ERR_NOMEM) {
            result_clear(&ops[i]->result);
            ops[i]->result.why = STORE_WHY_MEMORY;
            rc = ERR_OK;
        }
    }
    return rc;
}

static enum err
finish(struct tx *tx, struct store_op *const *ops, size_t n)
{
    struct store *st = tx->st;
    enum err rc = sign_heads(st);

    if (rc == ERR_OK)
        rc = keep_guard(st);
    if (rc == ERR_OK)
        rc = prove_all(st, ops, n);
    if (tx->n_dead > 0)
        keeper_bury(st, tx->dead, tx->n_dead);
    if (tx->erased)
        keeper_wants_empty(st);
    /* Committed: "no room" would say that it was not. */
    return rc == ERR_FULL || rc == ERR_NOMEM ? ERR_IO : rc;
}

static void
not_done(struct store_op *const *ops, size_t n, enum store_why why)
{
    size_t i;

    for (i = 0; i < n; i++) {
        result_clear(&ops[i]->result);
        ops[i]->result.why = why;
    }
}

enum err
store_apply(struct store *st, struct store_op *const *ops, size_t n)
{
    struct prepared *prep = calloc(n > 0 ? n : 1, sizeof(*prep));
    struct tx *tx = calloc(1, sizeof(*tx));
    enum err rc = prep != NULL && tx != NULL ? ERR_OK : ERR_NOMEM;

    if (st->is_broken || st->is_past_guard)
        rc = ERR_STATE;
    if (rc == ERR_OK)
        rc = prepare(ops, n, prep);
    if (rc == ERR_OK) {
        tx->st = st;
        tx->db = &st->writer.db;
        rc = transact(tx, ops, n, prep);
        rc = rc == ERR_OK ? finish(tx, ops, n) : roll_back(st, rc);
    }
    if (rc == ERR_FULL || rc == ERR_NOMEM)
        not_done(ops, n, rc == ERR_FULL ? STORE_WHY_DISK : STORE_WHY_MEMORY);
    else if (rc != ERR_OK)
        st->is_broken = true;
    unprepare(prep, n);
    if (tx != NULL)
        free(tx->dead);
    free(tx);
    return rc;
}

void
store_heads(struct store *st, struct head heads[STORE_LOGS])
{
    pthread_mutex_lock(&st->heads_lock);
    memcpy(heads, st->heads, sizeof(st->heads));
    pthread_mutex_unlock(&st->heads_lock);
}

const struct vkey *
store_vkey(const struct store *st, enum store_log log)
{
    return &st->vkey[log];
}
