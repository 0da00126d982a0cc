/*
 * Transactions: entries are sealed as they come, with "more follows"; commit
 * seals the last one's head again with "that was all", appends everything in
 * one write and syncs once.  Only then the keyring in memory learns of it.
 */
#include "client/vault_impl.h"

#include <stdlib.h>
#include <string.h>

#include "proto/crypto.h"

/* ---- runs ---- */

enum err
run_add(struct run *run, const struct run_op *op, const uint8_t secret[32])
{
    if (run->count == run->cap) {
        size_t cap = run->cap == 0 ? 16 : run->cap * 2;
        struct run_op *ops = realloc(run->ops, cap * sizeof(*ops));

        if (ops == NULL)
            return ERR_NOMEM;
        run->ops = ops;
        run->cap = cap;
    }
    if (slab_push(&run->secrets, secret) != ERR_OK)
        return ERR_NOMEM;
    run->ops[run->count++] = *op;
    return ERR_OK;
}

static enum err
apply_one(const struct run_op *op, const uint8_t *secret, struct keyring *ring)
{
    struct prekey_id prekey;
    enum err rc = ERR_OK;

    memcpy(prekey.b, op->inner.id, 16);
    switch (op->inner.op) {
    case LOG_PUT:
        return keyring_put(ring, &op->record, secret);
    case LOG_DELETE:
        keyring_drop(ring, op->inner.kind, op->inner.id);
        return ERR_OK;
    case LOG_SEED_PUT:
        rc = keyring_seed_put(ring, &prekey, secret);
        break;
    case LOG_SEED_DESTROY:
        keyring_seed_mark(ring, &prekey);
        return ERR_OK;
    case LOG_MARK:
        rc = keyring_mark_put(ring, &prekey, op->mark);
        break;
    }
    return rc == ERR_NOMEM ? ERR_NOMEM : rc == ERR_OK ? ERR_OK : ERR_VERIFY;
}

enum err
run_apply(struct run *run, struct vault *v)
{
    enum err rc = ERR_OK;

    for (size_t i = 0; i < run->count && rc == ERR_OK; i++)
        rc = apply_one(&run->ops[i], slab_at(&run->secrets, i), &v->ring);
    run_reset(run);
    return rc;
}

void
run_reset(struct run *run)
{
    slab_reset(&run->secrets);
    run->count = 0;
}

void
run_clear(struct run *run)
{
    slab_clear(&run->secrets);
    free(run->ops);
    *run = (struct run){0};
}

/* ---- the transaction ---- */

enum err
vault_begin(struct vault *v)
{
    enum err rc = vault_usable(v);

    if (rc == ERR_OK && v->txn.is_open)
        rc = ERR_STATE;
    if (rc != ERR_OK)
        return rc;
    v->txn.is_open = true;
    v->txn.next_seq = v->ring.next_seq;
    v->txn.chain = v->end.last;
    return ERR_OK;
}

void
vault_abort(struct vault *v)
{
    struct txn *t = &v->txn;

    run_clear(&t->run);
    buf_clear(&t->bytes);
    *t = (struct txn){0};
}

static enum err
seal_entry(struct vault *v, const struct log_inner *inner, const void *bytes,
           size_t len)
{
    struct txn *t = &v->txn;
    struct log_entry entry = {.more = true,
                              .seq = t->next_seq,
                              .prev = t->chain,
                              .epoch = v->head.epoch};
    size_t at = t->bytes.len;
    enum err rc;

    crypto_random(entry.record_id, sizeof(entry.record_id));
    crypto_random(v->keys->rk, sizeof(v->keys->rk));
    rc = log_seal(&t->bytes, &entry, inner, bytes, len, v->keys->rk,
                  v->keys->ek, &t->chain);
    if (rc != ERR_OK)
        return rc;
    t->last = entry;
    t->last_at = at;
    t->next_seq++;
    return ERR_OK;
}

/* Seals one entry and notes what it will do.  Failures stick. */
static enum err
add(struct vault *v, const struct log_inner *inner, const void *bytes,
    size_t len)
{
    struct txn *t = &v->txn;
    struct run_op op = {.inner = *inner};
    const uint8_t *secret = v->keys->rk;
    enum err rc = seal_entry(v, inner, bytes, len);

    if (rc == ERR_OK) {
        op.record = (struct keyring_record){
            .kind = inner->kind,
            .seq = t->last.seq,
            .offset = v->end.len + t->last_at,
            .len = (uint32_t)len,
        };
        memcpy(op.record.id, inner->id, 16);
        memcpy(op.record.record_id, t->last.record_id, 16);
        if (inner->op == LOG_SEED_PUT)
            secret = bytes;
        if (inner->op == LOG_MARK)
            memcpy(op.mark, bytes, 16);
        rc = run_add(&t->run, &op, secret);
    }
    if (rc != ERR_OK)
        t->failed = rc;
    return rc;
}

static enum err
ready(const struct vault *v)
{
    enum err rc = vault_usable(v);

    if (rc == ERR_OK && !v->txn.is_open)
        rc = ERR_STATE;
    return rc == ERR_OK ? v->txn.failed : rc;
}

static enum err
refuse(struct vault *v, enum err rc)
{
    v->txn.failed = rc;
    return rc;
}

enum err
vault_put(struct vault *v, uint8_t kind, const uint8_t id[VAULT_ID_LEN],
          const void *bytes, size_t len)
{
    struct log_inner inner = {.op = LOG_PUT, .kind = kind};
    enum err rc = ready(v);

    if (rc != ERR_OK)
        return rc;
    if (kind == 0 || len > VAULT_RECORD_MAX)
        return refuse(v, kind == 0 ? ERR_MALFORMED : ERR_TOOBIG);
    memcpy(inner.id, id, 16);
    return add(v, &inner, bytes, len);
}

/* Whether the open transaction has OP for this name. */
static bool
is_in_txn(const struct vault *v, enum log_op op, uint8_t kind,
          const uint8_t id[16])
{
    const struct run *run = &v->txn.run;

    for (size_t i = run->count; i > 0; i--) {
        const struct log_inner *in = &run->ops[i - 1].inner;

        if (in->op == op && in->kind == kind && memcmp(in->id, id, 16) == 0)
            return true;
    }
    return false;
}

enum err
vault_delete(struct vault *v, uint8_t kind, const uint8_t id[VAULT_ID_LEN],
             enum vault_delete_how how)
{
    struct log_inner inner = {.op = LOG_DELETE, .kind = kind};
    enum err rc = ready(v);

    if (rc != ERR_OK)
        return rc;
    if (keyring_find(&v->ring, kind, id) == SIZE_MAX &&
        !is_in_txn(v, LOG_PUT, kind, id))
        return ERR_OK;
    memcpy(inner.id, id, 16);
    rc = add(v, &inner, NULL, 0);
    if (rc == ERR_OK && how == VAULT_SHRED_NOW)
        v->txn.shred = true;
    return rc;
}

enum err
vault_seed_put(struct vault *v, const struct prekey_id *id,
               const uint8_t seed[32])
{
    struct log_inner inner = {.op = LOG_SEED_PUT};
    enum err rc = ready(v);

    if (rc != ERR_OK)
        return rc;
    if (keyring_seed_find(&v->ring, id) != SIZE_MAX ||
        is_in_txn(v, LOG_SEED_PUT, 0, id->b))
        return refuse(v, ERR_EXISTS);
    memcpy(inner.id, id->b, 16);
    return add(v, &inner, seed, 32);
}

/* Alive as the transaction stands. */
static bool
is_seed_alive(const struct vault *v, const struct prekey_id *id)
{
    size_t i = keyring_seed_find(&v->ring, id);

    if (is_in_txn(v, LOG_SEED_DESTROY, 0, id->b))
        return false;
    if (i == SIZE_MAX)
        return is_in_txn(v, LOG_SEED_PUT, 0, id->b);
    return v->ring.seeds[i].state == SEED_LIVE;
}

enum err
vault_seed_destroy(struct vault *v, const struct prekey_id *id)
{
    struct log_inner inner = {.op = LOG_SEED_DESTROY};
    enum err rc = ready(v);

    if (rc != ERR_OK || !is_seed_alive(v, id))
        return rc;
    memcpy(inner.id, id->b, 16);
    return add(v, &inner, NULL, 0);
}

enum err
vault_mark_put(struct vault *v, const struct prekey_id *id,
               const uint8_t mark[VAULT_ID_LEN])
{
    struct log_inner inner = {.op = LOG_MARK};
    enum err rc = ready(v);

    if (rc != ERR_OK)
        return rc;
    if (!is_seed_alive(v, id))
        return refuse(v, ERR_NOTFOUND);
    if (keyring_mark_has(&v->ring, mark))
        return ERR_OK;
    memcpy(inner.id, id->b, 16);
    return add(v, &inner, mark, 16);
}

/* ---- commit ---- */

/* Undoes a write that failed.  If even that fails, or the reason was not a full
 * disk, nobody knows what the file holds. */
static enum err
undo_append(struct vault *v, enum err why)
{
    if (os_truncate(v->log_fd, v->end.len) == ERR_OK && why == ERR_FULL)
        return ERR_FULL;
    v->is_broken = true;
    return ERR_IO;
}

static enum err
append(struct vault *v)
{
    struct txn *t = &v->txn;
    enum err rc;

    t->last.more = false;
    log_rewrap(t->bytes.data + t->last_at, &t->last, v->keys->rk, v->keys->ek,
               &t->chain);
    rc = os_pwrite(v->log_fd, t->bytes.data, t->bytes.len, v->end.len);
    if (rc != ERR_OK)
        return undo_append(v, rc);
    if (os_fdatasync(v->log_fd) != ERR_OK) {
        v->is_broken = true;
        return ERR_IO;
    }
    return ERR_OK;
}

static enum err
take_effect(struct vault *v)
{
    struct txn *t = &v->txn;

    v->end.count += t->run.count;
    v->end.len += t->bytes.len;
    v->end.last = t->chain;
    v->ring.next_seq = t->next_seq;
    v->is_dirty = true;
    v->shred_pending = v->shred_pending || t->shred;
    if (run_apply(&t->run, v) == ERR_OK)
        return ERR_OK;
    v->is_broken = true; /* on the disk, but no memory to know of it */
    return ERR_IO;
}

enum err
vault_commit(struct vault *v)
{
    bool shred = v->txn.shred;
    enum err rc = vault_usable(v);

    if (rc == ERR_OK && !v->txn.is_open)
        rc = ERR_STATE;
    if (rc == ERR_OK)
        rc = v->txn.failed;
    if (rc == ERR_OK && v->txn.run.count > 0) {
        rc = append(v);
        if (rc == ERR_OK)
            rc = take_effect(v);
    }
    vault_abort(v);
    /* A failed shred shows in shred_pending and is tried again at close. */
    if (rc == ERR_OK && shred)
        (void)vault_epoch(v);
    return rc;
}
