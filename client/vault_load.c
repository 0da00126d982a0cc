/*
 * From the disk into memory: head, keyring, then the log.  Entries the head
 * counts are walked by their heads only (their keys are in the keyring); those
 * behind, written since the epoch began, are opened one by one.
 */
#include "client/vault_impl.h"

#include <string.h>

#include "proto/crypto.h"

enum { KEYRING_MAX = 1 << 30 };

enum err
vault_read_head(struct vault *v)
{
    char path[OS_PATH_MAX];
    struct buf bytes = {0};
    struct vault_head head;
    enum err rc = vault_path(path, v, "head", 0);

    if (rc == ERR_OK)
        rc = os_read_file(path, HEAD_MAX, &bytes);
    if (rc == ERR_TOOBIG)
        rc = ERR_VERIFY;
    if (rc == ERR_OK)
        rc = vault_head_decode(&head, bytes.data, bytes.len);
    if (rc == ERR_OK) {
        v->head = head;
        sha256(&v->head_hash, bytes.data, bytes.len);
    }
    buf_clear(&bytes);
    return rc;
}

static enum err
load_keyring(struct vault *v, struct keyring_log *log)
{
    char path[OS_PATH_MAX];
    struct buf bytes = {0};
    struct hash digest;
    enum err rc = vault_path(path, v, "keyring", v->head.epoch);

    if (rc == ERR_OK)
        rc = os_read_file(path, KEYRING_MAX, &bytes);
    if (rc == ERR_NOTFOUND || rc == ERR_TOOBIG)
        rc = ERR_VERIFY; /* an old head put back finds its keyring gone */
    if (rc != ERR_OK)
        goto out;
    sha256(&digest, bytes.data, bytes.len);
    rc = ERR_VERIFY;
    if (memcmp(digest.b, v->head.keyring.b, 32) == 0)
        rc = keyring_open(&v->ring, log, bytes.data, bytes.len, v->head.epoch,
                          v->keys->ek);
out:
    buf_clear(&bytes);
    return rc;
}

/* Walks the entries that the head counts. */
static enum err
walk_counted(struct vault *v, uint64_t log_len)
{
    uint8_t head[ENTRY_HEAD_LEN];
    struct log_entry entry;
    struct log_end end = {0};

    while (end.count < v->head.log_count) {
        enum err rc = log_read_head(v->log_fd, end.len, log_len, &entry, head);

        if (rc != ERR_OK)
            return rc == ERR_CLOSED ? ERR_VERIFY : rc;
        if (memcmp(entry.prev.b, end.last.b, 32) != 0 ||
            entry.len > log_len - end.len)
            return ERR_VERIFY;
        log_hash(head, &end.last);
        end.len += entry.len;
        end.count++;
    }
    if (end.len != log_len || memcmp(end.last.b, v->head.log_last.b, 32) != 0)
        return ERR_VERIFY;
    v->end = end;
    return ERR_OK;
}

enum err
vault_load(struct vault *v)
{
    char path[OS_PATH_MAX];
    struct keyring_log log;
    uint64_t size;
    bool changed;
    enum err rc = load_keyring(v, &log);

    if (rc == ERR_OK)
        rc = vault_path(path, v, "log", log.gen);
    if (rc == ERR_OK)
        rc = os_open(&v->log_fd, path, OS_READ_WRITE, FILE_MODE);
    if (rc == ERR_OK)
        rc = os_fd_size(v->log_fd, &size);
    if (rc == ERR_OK && size < log.len)
        rc = ERR_VERIFY;
    if (rc == ERR_OK)
        rc = walk_counted(v, log.len);
    if (rc != ERR_OK)
        return rc == ERR_NOTFOUND ? ERR_VERIFY : rc;
    v->log_gen = log.gen;
    return vault_read_tail(v, &changed);
}

void
vault_unload(struct vault *v)
{
    keyring_clear(&v->ring);
    keyring_init(&v->ring);
    os_close(&v->log_fd);
    v->end = (struct log_end){0};
    v->is_dirty = v->shred_pending = false;
}

/* ---- the tail ---- */

struct tail {
    struct log_end end; /* behind the entry being read */
    uint64_t size;
    uint64_t next_seq;
    struct run run;
    struct buf bytes;
};

/* Turns an opened entry into an operation. */
static enum err
take_entry(struct vault *v, struct tail *t, const struct log_entry *entry,
           const struct log_inner *inner)
{
    static const size_t want[] = {[LOG_DELETE] = 0,
                                  [LOG_SEED_PUT] = 32,
                                  [LOG_SEED_DESTROY] = 0,
                                  [LOG_MARK] = 16};
    struct run_op op = {.inner = *inner};
    const uint8_t *secret = v->keys->rk;

    if (inner->op != LOG_PUT && t->bytes.len != want[inner->op])
        return ERR_VERIFY;
    if (inner->op == LOG_SEED_PUT)
        secret = t->bytes.data;
    if (inner->op == LOG_MARK)
        memcpy(op.mark, t->bytes.data, 16);
    op.record = (struct keyring_record){
        .kind = inner->kind,
        .seq = entry->seq,
        .offset = t->end.len,
        .len = (uint32_t)t->bytes.len,
    };
    memcpy(op.record.id, inner->id, 16);
    memcpy(op.record.record_id, entry->record_id, 16);
    return run_add(&t->run, &op, secret);
}

/* What an entry that does not verify is: a page that never reached the disk
 * before the power went (cut it, nobody was promised anything), or damage. */
static enum err
judge(struct vault *v, const struct tail *t, enum err rc, uint64_t len)
{
    uint64_t left = t->size - t->end.len;

    if (rc == ERR_VERIFY &&
        log_is_unwritten(v->log_fd, t->end.len, len < left ? len : left))
        return ERR_CLOSED;
    return rc;
}

static enum err
read_tail_entry(struct vault *v, struct tail *t, struct log_entry *entry)
{
    uint8_t head[ENTRY_HEAD_LEN];
    struct log_inner inner;
    enum err rc;

    rc = log_read_head(v->log_fd, t->end.len, t->size, entry, head);
    if (rc == ERR_OK)
        rc = log_unwrap(head, v->keys->ek, v->keys->rk);
    if (rc != ERR_OK)
        return judge(v, t, rc, ENTRY_HEAD_LEN);
    if (entry->epoch != v->head.epoch || entry->seq != t->next_seq ||
        memcmp(entry->prev.b, t->end.last.b, 32) != 0)
        return ERR_VERIFY;
    if (entry->len > t->size - t->end.len)
        return ERR_CLOSED;
    buf_reset(&t->bytes);
    rc = log_read_body(v->log_fd, t->end.len, entry, v->keys->rk, &inner,
                       &t->bytes);
    if (rc != ERR_OK)
        return judge(v, t, rc, entry->len);
    rc = take_entry(v, t, entry, &inner);
    if (rc != ERR_OK)
        return rc;
    log_hash(head, &t->end.last);
    t->end.len += entry->len;
    t->end.count++;
    t->next_seq++;
    return ERR_OK;
}

/* ERR_OK at the end of the file, ERR_CLOSED where an unfinished transaction
 * starts behind V's end. */
static enum err
read_entries(struct vault *v, struct tail *t)
{
    struct log_entry entry;

    while (t->end.len < t->size) {
        enum err rc = read_tail_entry(v, t, &entry);

        if (rc != ERR_OK)
            return rc;
        if (entry.more)
            continue;
        rc = run_apply(&t->run, v);
        if (rc != ERR_OK)
            return rc;
        v->end = t->end;
        v->ring.next_seq = t->next_seq;
    }
    return v->end.len < t->size ? ERR_CLOSED : ERR_OK;
}

enum err
vault_read_tail(struct vault *v, bool *changed)
{
    struct tail t = {.end = v->end, .next_seq = v->ring.next_seq};
    uint64_t start = v->end.len;
    enum err rc = os_fd_size(v->log_fd, &t.size);

    if (rc == ERR_OK && t.size < start)
        rc = ERR_VERIFY;
    if (rc == ERR_OK)
        rc = read_entries(v, &t);
    run_clear(&t.run);
    buf_clear(&t.bytes);
    if (rc == ERR_CLOSED) {
        rc = os_truncate(v->log_fd, v->end.len);
        if (rc == ERR_OK)
            rc = os_fdatasync(v->log_fd);
    }
    if (rc != ERR_OK)
        return rc;
    *changed = v->end.len > start;
    v->is_dirty = v->is_dirty || *changed;
    return ERR_OK;
}

/* ---- files of other epochs ---- */

static bool
starts_with(const char *name, const char *prefix)
{
    return strncmp(name, prefix, strlen(prefix)) == 0;
}

static enum err
sweep_one(void *arg, const char *name)
{
    const struct vault *v = arg;
    char path[OS_PATH_MAX];
    enum err rc;

    if (!starts_with(name, "keyring.") && !starts_with(name, "log.") &&
        !starts_with(name, "head."))
        return ERR_OK;
    rc = vault_path(path, v, "keyring", v->head.epoch);
    if (rc != ERR_OK || strcmp(os_path_base(path), name) == 0)
        return rc;
    rc = vault_path(path, v, "log", v->log_gen);
    if (rc != ERR_OK || strcmp(os_path_base(path), name) == 0)
        return rc;
    rc = vault_path(path, v, name, 0);
    return rc == ERR_OK ? os_remove(path) : rc;
}

enum err
vault_sweep(struct vault *v)
{
    return os_list_dir(v->dir, sweep_one, v);
}
