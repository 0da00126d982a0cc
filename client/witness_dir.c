#include "client/witness_dir.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/witness_dir_inside.h"
#include "common/bytes.h"
#include "common/os.h"
#include "proto/lines.h"

static const char magic[8] = "SPWITNS1";
enum {
    KEY_FILE_MAX = 8 + 32 + 1 + NOTE_NAME_MAX,
    KEYS_FILE_MAX = WITNESS_KEYS_MAX * 512,
};

/* ---- the key ---- */

static enum err
key_problem(struct problem *pb, enum err rc)
{
    const char *what = "the witness's key cannot be read";

    if (rc == ERR_NOTFOUND)
        return problem_set(pb, P_WITNESS, rc, what,
                           "there is no witness in that directory; `sealpost "
                           "witness init` makes one");
    if (rc == ERR_REFUSED)
        return problem_set(pb, P_WITNESS, rc, what,
                           "its file must belong to you alone: chmod 600 "
                           "DIR/key");
    if (rc == ERR_MALFORMED)
        return problem_set(pb, P_WITNESS_DAMAGED, rc, what,
                           "the file DIR/key is cut or changed");
    return problem_from_err(pb, what, rc);
}

static enum err
write_key(const char *path, const char *name)
{
    struct buf b = {0};
    uint8_t *seed;
    enum err rc;

    buf_put(&b, magic, sizeof(magic));
    seed = buf_extend(&b, 32);
    if (seed != NULL)
        crypto_random(seed, 32);
    buf_u8(&b, (uint8_t)strlen(name));
    buf_str(&b, name);
    rc = buf_status(&b);
    if (rc == ERR_OK)
        rc = os_write_file_atomic(path, b.data, b.len, 0600);
    buf_clear(&b);
    return rc;
}

enum err
witness_dir_create(const char *dir, const char *name, struct problem *pb)
{
    static const struct sign_key any;
    char path[OS_PATH_MAX];
    struct vkey key;
    enum err rc = vkey_make(&key, name, NOTE_COSIGNATURE, &any);

    if (rc != ERR_OK)
        return problem_set(pb, P_USAGE, rc, "no witness was made",
                           "its name is a line of visible ASCII without "
                           "blanks and +, as witness.example.org/w1");
    rc = os_path_join(path, sizeof(path), dir, "key");
    if (rc == ERR_OK && os_exists(path))
        return problem_set(pb, P_WITNESS_EXISTS, ERR_EXISTS,
                           "no witness was made",
                           "there is one in that directory already");
    if (rc == ERR_OK)
        rc = os_mkdirs(dir, 0700);
    if (rc == ERR_OK)
        rc = write_key(path, name);
    return rc == ERR_OK ? rc : problem_from_err(pb, "no witness was made", rc);
}

static enum err
parse_key(struct witness_dir *d, const struct buf *b)
{
    char name[NOTE_NAME_MAX + 1] = "";
    struct rd r = rd_from(b->data, b->len);
    uint8_t seed[32];
    size_t len;

    rd_expect(&r, magic, sizeof(magic));
    rd_copy(&r, seed, sizeof(seed));
    len = rd_u8(&r);
    rd_copy(&r, name, len);
    sign_keypair_from_seed(d->secret, seed);
    crypto_wipe(seed, sizeof(seed));
    if (rd_end(&r) != ERR_OK || strlen(name) != len)
        return ERR_MALFORMED;
    return vkey_make(&d->key, name, NOTE_COSIGNATURE, &d->secret->pub);
}

static enum err
read_key(struct witness_dir *d, struct problem *pb)
{
    char path[OS_PATH_MAX];
    struct buf b = {0};
    unsigned mode = 0;
    enum err rc = os_path_join(path, sizeof(path), d->path, "key");

    if (rc == ERR_OK)
        rc = os_mode(path, &mode);
    if (rc == ERR_OK && (mode & 077) != 0)
        rc = ERR_REFUSED;
    if (rc == ERR_OK)
        rc = os_read_file(path, KEY_FILE_MAX, &b);
    if (rc == ERR_TOOBIG)
        rc = ERR_MALFORMED;
    if (rc == ERR_OK &&
        (d->secret = crypto_secret_new(sizeof(*d->secret))) == NULL)
        rc = ERR_NOMEM;
    if (rc == ERR_OK)
        rc = parse_key(d, &b);
    buf_clear(&b);
    return rc == ERR_OK ? rc : key_problem(pb, rc);
}

/* ---- the logs ---- */

void
witness_log_hex(const struct witness_log *log, char hex[WITNESS_HASH_HEX + 1])
{
    const char *origin = log->keys[0].name;
    struct hash h;

    sha256(&h, origin, strlen(origin));
    hex_encode(hex, h.b, sizeof(h.b));
}

enum err
witness_log_path(const struct witness_dir *d, const struct witness_log *log,
                 const char *name, char out[OS_PATH_MAX])
{
    char relative[256];
    char hex[WITNESS_HASH_HEX + 1];

    witness_log_hex(log, hex);
    (void)snprintf(relative, sizeof(relative), "logs/%s%s%s", hex,
                   name[0] == '\0' ? "" : "/", name);
    return os_path_join(out, OS_PATH_MAX, d->path, relative);
}

static enum err
damaged(struct problem *pb, enum err rc, const char *hex, const char *file)
{
    if (rc == ERR_NOMEM || rc == ERR_IO)
        return problem_from_err(pb, "the witness's logs cannot be read", rc);
    return problem_set(pb, P_WITNESS_DAMAGED, ERR_VERIFY,
                       "the witness's logs cannot be read",
                       "logs/%.64s/%s is missing, cut or changed", hex, file);
}

static enum err
parse_keys(struct witness_log *log, const struct buf *b)
{
    struct rd r = rd_from(b->data, b->len);
    struct line line;

    while (line_next(&r, &line)) {
        struct vkey *key = &log->keys[log->n_keys];

        if (log->n_keys == WITNESS_KEYS_MAX ||
            vkey_parse(key, line.text, line.len) != ERR_OK ||
            key->type != NOTE_ED25519 ||
            strcmp(key->name, log->keys[0].name) != 0)
            return ERR_MALFORMED;
        log->n_keys++;
    }
    return r.left == 0 && log->n_keys > 0 ? ERR_OK : ERR_MALFORMED;
}

/* The state is what we cosigned last; our own signature is checked, so that
 * nobody's editor moves it. */
static enum err
parse_checkpoint(const struct witness_dir *d, struct witness_log *log,
                 const struct buf *b)
{
    struct checkpoint cp;
    struct note note;

    if (note_open(b->data, b->len, &d->key, 1, &note) != ERR_OK ||
        note.verified == 0 || note.time_s[0] == 0 ||
        checkpoint_parse(note.text, note.text_len, &cp) != ERR_OK ||
        strcmp(cp.origin, log->keys[0].name) != 0)
        return ERR_VERIFY;
    log->state.size = cp.size;
    log->state.root = cp.root;
    log->state.time_s = note.time_s[0];
    return ERR_OK;
}

static enum err
read_state(const struct witness_dir *d, struct witness_log *log)
{
    char path[OS_PATH_MAX];
    struct buf b = {0};
    enum err rc = witness_log_path(d, log, "checkpoint", path);

    if (rc == ERR_OK)
        rc = os_read_file(path, NOTE_LEN_MAX, &b);
    if (rc == ERR_NOTFOUND)
        return ERR_OK; /* never cosigned */
    if (rc == ERR_OK)
        rc = parse_checkpoint(d, log, &b);
    buf_clear(&b);
    return rc;
}

/* Killed between making a log's directory and writing its keys. */
static bool
is_unborn(const struct witness_dir *d, const char *name)
{
    char relative[128], path[OS_PATH_MAX];

    (void)snprintf(relative, sizeof(relative), "logs/%.64s/checkpoint", name);
    return os_path_join(path, sizeof(path), d->path, relative) == ERR_OK &&
           !os_exists(path);
}

struct reading {
    struct witness_dir *d;
    struct problem *pb;
};

/* One directory below DIR/logs. */
static enum err
read_log(void *arg, const char *name)
{
    const struct reading *reading = arg;
    struct witness_dir *d = reading->d;
    struct witness_log *log = &d->logs[d->n_logs];
    char relative[128], path[OS_PATH_MAX], hex[WITNESS_HASH_HEX + 1];
    struct buf b = {0};
    enum err rc;

    if (d->n_logs == WITNESS_LOGS_MAX || strlen(name) != WITNESS_HASH_HEX)
        return damaged(reading->pb, ERR_VERIFY, name, "keys");
    (void)snprintf(relative, sizeof(relative), "logs/%s/keys", name);
    rc = os_path_join(path, sizeof(path), d->path, relative);
    if (rc == ERR_OK)
        rc = os_read_file(path, KEYS_FILE_MAX, &b);
    if (rc == ERR_NOTFOUND && is_unborn(d, name))
        return ERR_OK;
    if (rc == ERR_OK)
        rc = parse_keys(log, &b);
    buf_clear(&b);
    if (rc == ERR_OK)
        witness_log_hex(log, hex);
    if (rc != ERR_OK || strcmp(hex, name) != 0)
        return damaged(reading->pb, rc, name, "keys");
    rc = read_state(d, log);
    if (rc != ERR_OK)
        return damaged(reading->pb, rc, name, "checkpoint");
    d->n_logs++;
    return ERR_OK;
}

static enum err
read_logs(struct witness_dir *d, struct problem *pb)
{
    struct reading reading = {d, pb};
    char path[OS_PATH_MAX];
    enum err rc = os_path_join(path, sizeof(path), d->path, "logs");

    if (rc == ERR_OK)
        rc = os_list_dir(path, read_log, &reading);
    if (rc == ERR_NOTFOUND && pb->id == P_NONE)
        return ERR_OK; /* no log yet */
    return rc == ERR_OK
               ? rc
               : problem_from_err(pb, "the witness's logs cannot be read", rc);
}

/* ---- opening ---- */

static enum err
take_lock(struct witness_dir *d, struct problem *pb)
{
    char path[OS_PATH_MAX];
    long holder = 0;
    enum err rc = os_path_join(path, sizeof(path), d->path, "lock");

    if (rc == ERR_OK)
        rc = os_lock_file(&d->lock, path, OS_DONT_WAIT, &holder);
    if (rc == ERR_BUSY)
        return problem_set(pb, P_WITNESS_BUSY, rc,
                           "another process signs for this witness",
                           "process %ld holds DIR/lock", holder);
    return rc == ERR_OK
               ? rc
               : problem_from_err(pb, "the witness cannot be locked", rc);
}

enum err
witness_dir_open(const char *dir, enum witness_use use,
                 struct witness_dir **out, struct problem *pb)
{
    struct witness_dir *d = calloc(1, sizeof(*d));
    enum err rc;

    if (d == NULL)
        return problem_from_err(pb, "the witness was not opened", ERR_NOMEM);
    d->lock.fd = -1;
    rc = os_path_join(d->path, sizeof(d->path), dir, "");
    if (rc == ERR_OK)
        rc = read_key(d, pb);
    if (rc == ERR_OK && use == WITNESS_SIGN)
        rc = take_lock(d, pb);
    if (rc == ERR_OK)
        rc = read_logs(d, pb);
    if (rc != ERR_OK) {
        witness_dir_close(d);
        return problem_from_err(pb, "the witness was not opened", rc);
    }
    *out = d;
    return ERR_OK;
}

void
witness_dir_close(struct witness_dir *d)
{
    if (d == NULL)
        return;
    crypto_secret_free(d->secret);
    os_unlock(&d->lock);
    free(d);
}

const struct vkey *
witness_dir_key(const struct witness_dir *d)
{
    return &d->key;
}

const struct witness_log *
witness_dir_logs(const struct witness_dir *d, size_t *n)
{
    *n = d->n_logs;
    return d->logs;
}
