/*
 * Changing the epoch (client/DESIGN.md, The vault):
 *
 *   [new log, synced] -> new keyring under a new EK, synced -> head renamed
 *
 * The rename is the commit.  What fails before it leaves the old epoch as it
 * was.  After it the old head's bytes are overwritten as far as the disk plays
 * along, since they hold the old EK sealed under VK.
 */
#include "client/vault_impl.h"

#include <stdlib.h>
#include <string.h>

#include "proto/crypto.h"

enum {
    COMPACT_MIN = 64 << 10, /* smaller logs are not worth the syncs */
    COPY_LEN = 16 << 10
};

/* An epoch in the making. */
struct change {
    struct vault_head head;
    int log_fd; /* new log, or -1: the old one stays */
    struct keyring_log log;
    struct log_end end;
    uint64_t *offsets; /* places in the new log, beside ring.records */
};

/* ---- a new log: the living entries, chained anew ---- */

static enum err
copy_stream(int to, uint64_t to_at, int from, uint64_t from_at, uint64_t len)
{
    uint8_t block[COPY_LEN];
    enum err rc = ERR_OK;

    while (len > 0 && rc == ERR_OK) {
        size_t n = len < sizeof(block) ? (size_t)len : sizeof(block);

        rc = os_pread(from, block, n, from_at);
        if (rc == ERR_OK)
            rc = os_pwrite(to, block, n, to_at);
        from_at += n;
        to_at += n;
        len -= n;
    }
    return rc;
}

static enum err
move_record(struct vault *v, struct change *c, size_t i)
{
    const struct keyring_record *r = &v->ring.records[i];
    uint64_t old_end = r->offset + log_entry_len(r->len);
    uint8_t head[ENTRY_HEAD_LEN];
    struct log_entry entry;
    enum err rc = log_read_head(v->log_fd, r->offset, old_end, &entry, head);

    if (rc != ERR_OK)
        return rc;
    if (entry.len != log_entry_len(r->len) || entry.seq != r->seq)
        return ERR_VERIFY;
    entry.more = false;
    entry.prev = c->end.last;
    entry.epoch = c->head.epoch;
    log_rewrap(head, &entry, slab_at(&v->ring.record_keys, i), v->keys->next_ek,
               &c->end.last);
    rc = os_pwrite(c->log_fd, head, sizeof(head), c->end.len);
    if (rc == ERR_OK)
        rc = copy_stream(c->log_fd, c->end.len + sizeof(head), v->log_fd,
                         r->offset + sizeof(head), entry.len - sizeof(head));
    c->offsets[i] = c->end.len;
    c->end.len += entry.len;
    c->end.count++;
    return rc;
}

/* A record and where it lies, to sort. */
struct place {
    uint64_t offset;
    size_t index;
};

static int
compare_places(const void *x, const void *y)
{
    const struct place *a = x, *b = y;

    return a->offset < b->offset ? -1 : a->offset > b->offset;
}

/* Living records in the order of the log.  Gives an array to free(). */
static struct place *
sort_living(const struct keyring *ring)
{
    struct place *places = calloc(ring->live_count + 1, sizeof(*places));
    size_t n = 0;

    if (places == NULL)
        return NULL;
    for (size_t i = 0; i < ring->record_count; i++)
        if (ring->records[i].kind != 0)
            places[n++] = (struct place){ring->records[i].offset, i};
    qsort(places, n, sizeof(*places), compare_places);
    return places;
}

static enum err
write_new_log(struct vault *v, struct change *c)
{
    struct place *places = sort_living(&v->ring);
    char path[OS_PATH_MAX];
    enum err rc = ERR_NOMEM;

    c->offsets = calloc(v->ring.record_count + 1, sizeof(*c->offsets));
    if (places == NULL || c->offsets == NULL)
        goto out;
    c->log.gen = c->head.epoch;
    c->end = (struct log_end){0};
    rc = vault_path(path, v, "log", c->log.gen);
    if (rc == ERR_OK)
        rc = os_remove(path);
    if (rc == ERR_OK)
        rc = os_create_exclusive(&c->log_fd, path, FILE_MODE);
    for (size_t i = 0; i < v->ring.live_count && rc == ERR_OK; i++)
        rc = move_record(v, c, places[i].index);
    if (rc == ERR_OK)
        rc = os_fdatasync(c->log_fd);
out:
    free(places);
    return rc;
}

/* ---- keyring and head ---- */

static enum err
write_keyring(struct vault *v, struct change *c)
{
    char path[OS_PATH_MAX];
    struct buf bytes = {0};
    enum err rc = vault_path(path, v, "keyring", c->head.epoch);

    c->log.len = c->end.len;
    if (rc == ERR_OK)
        rc = keyring_seal(&bytes, &v->ring, &c->log, c->offsets, c->head.epoch,
                          v->keys->next_ek);
    if (rc == ERR_OK) {
        sha256(&c->head.keyring, bytes.data, bytes.len);
        rc = os_write_file_atomic(path, bytes.data, bytes.len, FILE_MODE);
    }
    buf_clear(&bytes);
    return rc;
}

/* The old head's bytes, which hold the old EK, after the new one took its
 * name.  Best effort: the disk may keep copies of its own. */
static void
scribble(int *fd)
{
    uint8_t noise[HEAD_MAX];
    uint64_t size;

    if (*fd < 0)
        return;
    crypto_random(noise, sizeof(noise));
    if (os_fd_size(*fd, &size) == ERR_OK && size <= sizeof(noise) &&
        os_pwrite(*fd, noise, (size_t)size, 0) == ERR_OK)
        (void)os_fdatasync(*fd);
    os_close(fd);
}

/* After a failed write: did the rename happen all the same? */
static enum err
judge_head(struct vault *v, const char *path, enum err why)
{
    struct buf bytes = {0};
    struct hash now;
    enum err rc = os_read_file(path, HEAD_MAX, &bytes);

    if (rc == ERR_OK)
        sha256(&now, bytes.data, bytes.len);
    if (rc == ERR_NOTFOUND && v->head.epoch == 0)
        rc = why;
    else if (rc != ERR_OK || memcmp(now.b, v->head_hash.b, 32) != 0) {
        v->is_broken = true;
        rc = ERR_IO;
    } else
        rc = why;
    buf_clear(&bytes);
    return rc;
}

static enum err
write_head(struct vault *v, struct change *c)
{
    char path[OS_PATH_MAX];
    struct buf bytes = {0};
    int old = -1;
    enum err rc = vault_path(path, v, "head", 0);

    c->head.log_count = c->end.count;
    c->head.log_last = c->end.last;
    if (rc == ERR_OK)
        rc = vault_head_encode(&bytes, &c->head, v->keys->vk, v->keys->next_ek);
    if (rc == ERR_OK && os_exists(path))
        rc = os_open(&old, path, OS_READ_WRITE, FILE_MODE);
    if (rc != ERR_OK)
        goto out;
    rc = os_write_file_atomic(path, bytes.data, bytes.len, FILE_MODE);
    if (rc != ERR_OK) {
        rc = judge_head(v, path, rc);
        goto out;
    }
    sha256(&v->head_hash, bytes.data, bytes.len);
    scribble(&old);
out:
    os_close(&old);
    buf_clear(&bytes);
    return rc;
}

/* ---- all of it ---- */

static void
adopt(struct vault *v, struct change *c)
{
    struct keyring *ring = &v->ring;

    v->head = c->head;
    memcpy(v->keys->ek, v->keys->next_ek, 32);
    if (c->log_fd >= 0) {
        os_close(&v->log_fd);
        v->log_fd = c->log_fd;
        c->log_fd = -1;
        v->log_gen = c->log.gen;
        for (size_t i = 0; i < ring->record_count && c->offsets != NULL; i++)
            ring->records[i].offset = c->offsets[i];
    }
    v->end = c->end;
    keyring_forget(ring);
    v->is_dirty = v->shred_pending = false;
}

/* The files of an epoch that will not be. */
static void
discard(struct vault *v, struct change *c)
{
    char path[OS_PATH_MAX];

    if (c->log_fd >= 0 && vault_path(path, v, "log", c->log.gen) == ERR_OK)
        (void)os_remove(path);
    if (vault_path(path, v, "keyring", c->head.epoch) == ERR_OK)
        (void)os_remove(path);
}

static enum err
change_once(struct vault *v, const struct vault_head *head, bool new_log)
{
    struct change c = {
        .head = *head, .log_fd = -1, .log = {.gen = v->log_gen}, .end = v->end};
    enum err rc = ERR_OK;

    c.head.epoch = v->head.epoch + 1;
    crypto_random(v->keys->next_ek, 32);
    if (new_log)
        rc = write_new_log(v, &c);
    if (rc == ERR_OK)
        rc = write_keyring(v, &c);
    if (rc == ERR_OK)
        rc = write_head(v, &c);
    if (rc == ERR_OK)
        adopt(v, &c);
    else if (!v->is_broken)
        discard(v, &c);
    crypto_wipe(v->keys->next_ek, 32);
    os_close(&c.log_fd);
    free(c.offsets);
    return rc;
}

enum err
vault_change_epoch(struct vault *v, const struct vault_head *head)
{
    uint64_t dead = v->end.len - v->ring.live_len;
    bool new_log = v->end.len >= COMPACT_MIN && dead > v->end.len / 2;
    enum err rc;

    if (v->head.epoch == UINT64_MAX)
        return ERR_TOOBIG;
    rc = change_once(v, head, new_log);
    /* Room for a second log is not needed to forget a key. */
    if (new_log && !v->is_broken && (rc == ERR_FULL || rc == ERR_VERIFY))
        rc = change_once(v, head, false);
    if (rc == ERR_OK)
        (void)vault_sweep(v); /* what stays behind now goes at the next open */
    return rc;
}

enum err
vault_first_epoch(struct vault *v)
{
    return change_once(v, &v->head, true);
}

enum err
vault_epoch(struct vault *v)
{
    enum err rc = vault_usable(v);

    if (rc == ERR_OK && v->txn.is_open)
        rc = ERR_STATE;
    return rc == ERR_OK ? vault_change_epoch(v, &v->head) : rc;
}
