/*
 * witness_keep.c - what witness_dir.h writes: logs, states, evidence.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "client/witness_dir_inside.h"
#include "common/bytes.h"

/* ---- following a log ---- */

static struct witness_log *
find_log(struct witness_dir *d, const char *origin)
{
    for (size_t i = 0; i < d->n_logs; i++)
        if (strcmp(d->logs[i].keys[0].name, origin) == 0)
            return &d->logs[i];
    return NULL;
}

static enum err
write_keys(const struct witness_dir *d, const struct witness_log *log)
{
    char path[OS_PATH_MAX];
    struct buf b = {0};
    enum err rc = witness_log_path(d, log, "", path);

    if (rc == ERR_OK)
        rc = os_mkdirs(path, 0700);
    if (rc == ERR_OK)
        rc = witness_log_path(d, log, "keys", path);
    for (size_t i = 0; i < log->n_keys; i++) {
        vkey_format(&log->keys[i], &b);
        buf_str(&b, "\n");
    }
    if (rc == ERR_OK)
        rc = buf_status(&b);
    if (rc == ERR_OK)
        rc = os_write_file_atomic(path, b.data, b.len, 0600);
    buf_clear(&b);
    return rc;
}

static enum err
refused(struct problem *pb, enum err rc, const char *why)
{
    return problem_set(pb, P_WITNESS, rc, "the log was not added", "%s", why);
}

enum err
witness_dir_add(struct witness_dir *d, const struct vkey *key,
                struct problem *pb)
{
    struct witness_log *log = find_log(d, key->name);
    struct witness_log with = {0};
    enum err rc;

    if (log != NULL)
        with = *log;
    for (size_t i = 0; i < with.n_keys; i++)
        if (id_eq(&with.keys[i].pub, &key->pub))
            return refused(pb, ERR_EXISTS, "this key is followed already");
    if (log == NULL && d->n_logs == WITNESS_LOGS_MAX)
        return refused(pb, ERR_FULL, "this witness follows 64 logs already");
    if (with.n_keys == WITNESS_KEYS_MAX)
        return refused(pb, ERR_FULL, "four keys of this log are known already");
    with.keys[with.n_keys++] = *key;
    rc = write_keys(d, &with);
    if (rc != ERR_OK)
        return problem_from_err(pb, "the log was not added", rc);
    if (log == NULL)
        log = &d->logs[d->n_logs++];
    *log = with;
    return ERR_OK;
}

/* ---- the state ---- */

enum err
witness_dir_keep(struct witness_dir *d, const struct witness_judgement *j,
                 struct buf *line)
{
    struct witness_log *log = &d->logs[j->log];
    char path[OS_PATH_MAX];
    struct buf cosig = {0}, note = {0};
    enum err rc = witness_cosign(j, &d->key, d->secret, &cosig);

    if (rc == ERR_OK)
        rc = head_to_note(&j->head, &log->keys[j->key], &note);
    buf_put(&note, cosig.data, cosig.len);
    if (rc == ERR_OK)
        rc = buf_status(&note);
    if (rc == ERR_OK)
        rc = witness_log_path(d, log, "checkpoint", path);
    if (rc == ERR_OK) {
        rc = os_write_file_atomic(path, note.data, note.len, 0600);
        d->is_uncertain[j->log] = rc != ERR_OK;
    }
    if (rc == ERR_OK) {
        log->state = j->next;
        buf_put(line, cosig.data, cosig.len);
        rc = buf_status(line);
    }
    buf_clear(&cosig);
    buf_clear(&note);
    return rc;
}

enum err
witness_dir_checkpoint(const struct witness_dir *d, const char *hex,
                       struct buf *out)
{
    char path[OS_PATH_MAX], own[WITNESS_HASH_HEX + 1];
    enum err rc;

    for (size_t i = 0; i < d->n_logs; i++) {
        witness_log_hex(&d->logs[i], own);
        if (strcmp(own, hex) != 0)
            continue;
        if (d->is_uncertain[i])
            return ERR_STATE;
        rc = witness_log_path(d, &d->logs[i], "checkpoint", path);
        return rc == ERR_OK ? os_read_file(path, NOTE_LEN_MAX, out) : rc;
    }
    return ERR_NOTFOUND;
}

/* ---- evidence ---- */

static const struct {
    const char *prefix;
    const char *says;
} kinds[] = {
    [WITNESS_EVIDENCE_SUSPECT] =
        {"suspect-",
         "The second checkpoint was shown without a proof that joins it to the "
         "first.\nAlone this proves nothing: a proof may still exist, and "
         "anybody can send a\nwrong one.  Ask the log for the right one.\n\n"},
    [WITNESS_EVIDENCE_FORK] =
        {"fork-", "Two checkpoints of one log under one key; no tree holds "
                  "both.\n\n"},
};

struct counting {
    const char *prefix;
    unsigned count;
};

static enum err
count_file(void *arg, const char *name)
{
    struct counting *c = arg;

    if (strncmp(name, c->prefix, strlen(c->prefix)) == 0)
        c->count++;
    return ERR_OK;
}

/* Room for one more of this kind? */
static enum err
check_room(const struct witness_dir *d, const struct witness_log *log,
           const char *prefix)
{
    struct counting c = {prefix, 0};
    char path[OS_PATH_MAX];
    enum err rc = witness_log_path(d, log, "", path);

    if (rc == ERR_OK)
        rc = os_list_dir(path, count_file, &c);
    if (rc == ERR_OK && c.count >= WITNESS_EVIDENCE_MAX)
        rc = ERR_FULL;
    return rc;
}

/* What we have (when there is anything), then what was shown. */
static enum err
write_evidence(const struct witness_dir *d, const struct witness_judgement *j,
               const char *path)
{
    const struct witness_log *log = &d->logs[j->log];
    char own[OS_PATH_MAX];
    struct buf b = {0};
    enum err rc = witness_log_path(d, log, "checkpoint", own);

    buf_str(&b, kinds[j->evidence].says);
    if (rc == ERR_OK && log->state.time_s != 0) {
        rc = os_read_file(own, NOTE_LEN_MAX, &b);
        buf_str(&b, "\n");
    }
    if (rc == ERR_OK)
        rc = head_to_note(&j->head, &log->keys[j->key], &b);
    if (rc == ERR_OK)
        rc = os_write_file_atomic(path, b.data, b.len, 0600);
    buf_clear(&b);
    return rc;
}

enum err
witness_dir_save_evidence(const struct witness_dir *d,
                          const struct witness_judgement *j,
                          char path[OS_PATH_MAX])
{
    const struct witness_log *log = &d->logs[j->log];
    const char *prefix = kinds[j->evidence].prefix;
    char name[96], root[17];
    enum err rc;

    hex_encode(root, j->cp.root.b, 8);
    (void)snprintf(name, sizeof(name), "%s%" PRIu64 "-%s.txt", prefix,
                   j->cp.size, root);
    rc = witness_log_path(d, log, name, path);
    if (rc == ERR_OK && os_exists(path))
        return ERR_EXISTS;
    if (rc == ERR_OK)
        rc = check_room(d, log, prefix);
    return rc == ERR_OK ? write_evidence(d, j, path) : rc;
}
