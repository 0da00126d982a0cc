#include "client/vault.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/vault_impl.h"
#include "common/clock.h"
#include "proto/crypto.h"

enum { LOCK_RETRY_MS = 20 };

enum err
vault_usable(const struct vault *v)
{
    if (!v->is_held)
        return ERR_STATE;
    return v->is_broken ? ERR_IO : ERR_OK;
}

static enum err
path_in(char out[OS_PATH_MAX], const char *dir, const char *name, uint64_t n)
{
    char numbered[64];

    if (n == 0)
        return os_path_join(out, OS_PATH_MAX, dir, name);
    snprintf(numbered, sizeof(numbered), "%.16s.%llu", name,
             (unsigned long long)n);
    return os_path_join(out, OS_PATH_MAX, dir, numbered);
}

enum err
vault_path(char out[OS_PATH_MAX], const struct vault *v, const char *name,
           uint64_t n)
{
    return path_in(out, v->dir, name, n);
}

/* ---- life ---- */

static void
free_vault(struct vault *v)
{
    if (v == NULL)
        return;
    vault_abort(v);
    keyring_clear(&v->ring);
    os_close(&v->log_fd);
    os_unlock(&v->lock);
    crypto_secret_free(v->keys);
    free(v->dir);
    free(v);
}

static struct vault *
new_vault(const char *dir)
{
    struct vault *v = calloc(1, sizeof(*v));

    if (v == NULL)
        return NULL;
    v->lock.fd = v->log_fd = -1;
    keyring_init(&v->ring);
    v->dir = strdup(dir);
    v->keys = crypto_secret_new(sizeof(*v->keys));
    if (v->dir == NULL || v->keys == NULL) {
        free_vault(v);
        return NULL;
    }
    return v;
}

static enum err
take_lock(struct vault *v, uint32_t wait_ms)
{
    uint64_t until_ms = clock_mono_ms() + wait_ms;
    char path[OS_PATH_MAX];
    enum err rc = vault_path(path, v, "lock", 0);

    if (rc != ERR_OK)
        return rc;
    for (;;) {
        rc = os_lock_file(&v->lock, path, OS_DONT_WAIT, NULL);
        if (rc != ERR_BUSY || clock_mono_ms() >= until_ms)
            break;
        os_sleep_ms(LOCK_RETRY_MS);
    }
    v->is_held = rc == ERR_OK;
    return rc;
}

enum err
vault_exists(const char *dir)
{
    char path[OS_PATH_MAX];
    uint64_t size;
    enum err rc = path_in(path, dir, "head", 0);

    return rc == ERR_OK ? os_file_size(path, &size) : rc;
}

static enum err
make_blobs_dir(const struct vault *v)
{
    char path[OS_PATH_MAX];
    enum err rc = vault_path(path, v, "blobs", 0);

    return rc == ERR_OK ? os_mkdirs(path, DIR_MODE) : rc;
}

/* The directory's own name must survive a power cut too. */
static enum err
sync_parent(const struct vault *v)
{
    char path[OS_PATH_MAX];
    enum err rc = vault_path(path, v, "..", 0);

    return rc == ERR_OK ? os_fsync_dir(path) : rc;
}

enum err
vault_create(struct vault **out, const char *dir,
             const struct vault_secret *secret, const struct vault_cost *cost)
{
    struct vault *v = new_vault(dir);
    enum err rc = ERR_NOMEM;

    if (v == NULL)
        return rc;
    rc = os_mkdirs(dir, DIR_MODE);
    if (rc == ERR_OK)
        rc = take_lock(v, 0);
    if (rc == ERR_OK && vault_exists(dir) != ERR_NOTFOUND)
        rc = ERR_EXISTS;
    if (rc == ERR_OK)
        rc = make_blobs_dir(v);
    if (rc != ERR_OK)
        goto fail;
    crypto_random(v->keys->vk, sizeof(v->keys->vk));
    v->head.slot_count = 1;
    rc = slot_seal(&v->head.slots[0], secret, cost, v->keys->vk);
    if (rc == ERR_OK)
        rc = vault_first_epoch(v);
    if (rc == ERR_OK)
        rc = sync_parent(v);
    if (rc != ERR_OK)
        goto fail;
    (void)vault_sweep(v);
    *out = v;
    return ERR_OK;
fail:
    free_vault(v);
    return rc;
}

/* Tries every slot of the secret's kind. */
static enum err
unlock(struct vault *v, const struct vault_secret *secret)
{
    enum err rc = ERR_LOCKED;

    for (size_t i = 0; i < v->head.slot_count && rc == ERR_LOCKED; i++)
        rc = slot_open(&v->head.slots[i], secret, v->keys->vk);
    return rc == ERR_OK ? head_open(&v->head, v->keys->vk, v->keys->ek) : rc;
}

enum err
vault_open(struct vault **out, const char *dir,
           const struct vault_secret *secret, uint32_t wait_ms)
{
    struct vault *v;
    enum err rc = vault_exists(dir);

    if (rc != ERR_OK)
        return rc;
    v = new_vault(dir);
    if (v == NULL)
        return ERR_NOMEM;
    rc = take_lock(v, wait_ms);
    if (rc == ERR_OK)
        rc = vault_read_head(v);
    if (rc == ERR_OK)
        rc = unlock(v, secret);
    if (rc == ERR_OK)
        rc = vault_load(v);
    if (rc == ERR_OK)
        rc = make_blobs_dir(v);
    if (rc != ERR_OK) {
        free_vault(v);
        return rc;
    }
    (void)vault_sweep(v); /* leftovers do no harm until the next open */
    *out = v;
    return ERR_OK;
}

enum err
vault_close(struct vault *v)
{
    enum err rc = ERR_OK;

    if (v == NULL)
        return ERR_OK;
    vault_abort(v);
    if (v->is_held && v->is_dirty)
        rc = vault_epoch(v);
    free_vault(v);
    return rc;
}

/* ---- taking turns ---- */

bool
vault_is_held(const struct vault *v)
{
    return v->is_held;
}

enum err
vault_release(struct vault *v)
{
    enum err rc = vault_usable(v);

    if (rc == ERR_OK && v->txn.is_open)
        rc = ERR_STATE;
    if (rc != ERR_OK)
        return rc;
    os_unlock(&v->lock);
    v->is_held = false;
    return ERR_OK;
}

/* With the lock in hand: what is there that we have not seen? */
static enum err
catch_up(struct vault *v, bool *changed)
{
    struct hash seen = v->head_hash;
    uint64_t epoch = v->head.epoch;
    enum err rc = vault_read_head(v);

    if (rc != ERR_OK)
        return rc == ERR_NOTFOUND ? ERR_VERIFY : rc;
    if (memcmp(v->head_hash.b, seen.b, sizeof(seen.b)) == 0)
        return vault_read_tail(v, changed);
    if (v->head.epoch <= epoch)
        return ERR_VERIFY;
    *changed = true;
    vault_unload(v);
    rc = head_open(&v->head, v->keys->vk, v->keys->ek);
    return rc == ERR_OK ? vault_load(v) : rc;
}

enum err
vault_reacquire(struct vault *v, uint32_t wait_ms, bool *changed)
{
    bool any = false;
    enum err rc;

    if (v->is_held)
        return ERR_STATE;
    if (v->is_broken)
        return ERR_IO;
    rc = take_lock(v, wait_ms);
    if (rc != ERR_OK)
        return rc;
    rc = catch_up(v, &any);
    if (rc != ERR_OK) {
        v->is_broken = true;
        v->is_held = false;
        os_unlock(&v->lock);
        return rc;
    }
    if (changed != NULL)
        *changed = any;
    return ERR_OK;
}

/* ---- reading ---- */

bool
vault_has(const struct vault *v, uint8_t kind, const uint8_t id[VAULT_ID_LEN])
{
    return keyring_find(&v->ring, kind, id) != SIZE_MAX;
}

size_t
vault_count(const struct vault *v, uint8_t kind)
{
    struct vault_item item;
    size_t pos = 0, n = 0;

    if (kind == 0)
        return v->ring.live_count;
    while (vault_next(v, kind, &pos, &item))
        n++;
    return n;
}

bool
vault_next(const struct vault *v, uint8_t kind, size_t *pos,
           struct vault_item *out)
{
    for (; *pos < v->ring.record_count; (*pos)++) {
        const struct keyring_record *r = &v->ring.records[*pos];

        if (r->kind == 0 || (kind != 0 && r->kind != kind))
            continue;
        out->kind = r->kind;
        out->seq = r->seq;
        out->len = r->len;
        memcpy(out->id, r->id, sizeof(out->id));
        (*pos)++;
        return true;
    }
    return false;
}

static bool
is_record(const struct log_inner *inner, const struct keyring_record *r)
{
    return inner->op == LOG_PUT && inner->kind == r->kind &&
           memcmp(inner->id, r->id, sizeof(r->id)) == 0;
}

enum err
vault_get(struct vault *v, uint8_t kind, const uint8_t id[VAULT_ID_LEN],
          struct buf *out)
{
    size_t i = keyring_find(&v->ring, kind, id);
    const struct keyring_record *r;
    struct log_inner inner;
    struct buf bytes = {0};
    enum err rc = vault_usable(v);

    if (rc != ERR_OK)
        return rc;
    if (i == SIZE_MAX)
        return ERR_NOTFOUND;
    r = &v->ring.records[i];
    rc = log_read_record(v->log_fd, r->offset, r->len, r->record_id, r->seq,
                         slab_at(&v->ring.record_keys, i), &inner, &bytes);
    if (rc == ERR_CLOSED || (rc == ERR_OK && !is_record(&inner, r)))
        rc = ERR_VERIFY;
    if (rc == ERR_OK && bytes.len > 0)
        buf_put(out, bytes.data, bytes.len);
    buf_clear(&bytes);
    return rc == ERR_OK ? buf_status(out) : rc;
}

enum err
vault_check(struct vault *v, struct vault_item *bad)
{
    struct vault_item item;
    struct buf bytes = {0};
    size_t pos = 0;
    enum err rc = ERR_OK;

    while (rc == ERR_OK && vault_next(v, 0, &pos, &item)) {
        rc = vault_get(v, item.kind, item.id, &bytes);
        if (rc == ERR_VERIFY && bad != NULL)
            *bad = item;
        buf_reset(&bytes);
    }
    buf_clear(&bytes);
    return rc;
}

void
vault_stat(const struct vault *v, struct vault_info *out)
{
    out->epoch = v->head.epoch;
    out->record_count = v->ring.live_count;
    out->log_len = v->end.len;
    out->dead_len = v->end.len - v->ring.live_len;
    out->shred_pending = v->shred_pending;
}

/* ---- seeds and marks ---- */

enum err
vault_seed_get(const struct vault *v, const struct prekey_id *id,
               uint8_t seed[32])
{
    size_t i = keyring_seed_find(&v->ring, id);
    enum err rc = vault_usable(v);

    if (rc != ERR_OK)
        return rc;
    if (i == SIZE_MAX)
        return ERR_NOTFOUND;
    if (v->ring.seeds[i].state != SEED_LIVE)
        return ERR_EXPIRED;
    memcpy(seed, slab_at(&v->ring.seed_keys, i), 32);
    return ERR_OK;
}

bool
vault_seed_next(const struct vault *v, size_t *pos, struct prekey_id *id,
                bool *is_destroyed)
{
    if (*pos >= v->ring.seed_count)
        return false;
    *id = v->ring.seeds[*pos].id;
    *is_destroyed = v->ring.seeds[*pos].state != SEED_LIVE;
    (*pos)++;
    return true;
}

bool
vault_mark_has(const struct vault *v, const uint8_t mark[VAULT_ID_LEN])
{
    return keyring_mark_has(&v->ring, mark);
}
