#include "client/blobs_inside.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/audit_keep.h"
#include "client/shelf.h"
#include "client/vault.h"
#include "common/clock.h"
#include "common/map.h"
#include "common/os.h"
#include "proto/attachment.h"

enum { COPY_LEN = 64 * 1024, RESUME_DAYS = 40, DAY_MS = 24 * 3600 * 1000 };

/* ---- records and files ---- */

void
blob_id_of(struct blob_id *out, const struct agency_id *owner,
           const struct att_id *att)
{
    const struct span parts[] = {{owner->b, sizeof(owner->b)},
                                 {att->b, sizeof(att->b)}};
    struct hash h;

    domain_hash(&h, "sealpost/1/blob-record", parts, 2);
    memcpy(out->b, h.b, sizeof(out->b));
}

static enum err
load_of(struct app *app, const struct mail_att *att, struct blob *out,
        struct problem *pb)
{
    struct blob_id id;

    blob_id_of(&id, &att->owner, &att->id);
    return blob_load(app, &id, out, pb);
}

bool
blob_is_here(struct app *app, const struct mail_att *att)
{
    struct problem none = {0};
    struct blob b = {0};
    bool yes = load_of(app, att, &b, &none) == ERR_OK && b.is_complete &&
               os_is_file(b.path);

    free(b.path);
    return yes;
}

enum err
blob_load(struct app *app, const struct blob_id *id, struct blob *out,
          struct problem *pb)
{
    json_t *j = NULL;
    enum err rc = shelf_get(app, REC_BLOB, id->b, &j, pb);

    if (rc != ERR_OK)
        return rc;
    (void)json_get_hex(j, "file", out->file.b, sizeof(out->file.b));
    out->is_complete = json_get_bool(j, "complete");
    out->coming_ms = json_get_u64(j, "coming_ms");
    json_decref(j);
    out->path = vault_file_path(app->vault, &out->file);
    return out->path == NULL ? problem_from_err(pb, "no file", ERR_NOMEM)
                             : ERR_OK;
}

enum err
blob_save(struct app *app, const struct blob_id *id, const struct blob *b,
          struct problem *pb)
{
    json_t *j = json_object();
    enum err rc = shelf_begin(app, pb);

    json_put_hex(j, "file", b->file.b, sizeof(b->file.b));
    json_put_bool(j, "complete", b->is_complete);
    json_put_u64(j, "coming_ms", b->coming_ms);
    if (rc == ERR_OK) {
        shelf_put(app, REC_BLOB, id->b, j);
        rc = shelf_end(app, ERR_OK, pb);
    }
    json_decref(j);
    return rc;
}

/* A name, its record, and only then the file: see vault.h. */
enum err
blob_make(struct app *app, const struct blob_id *id, struct blob *b,
          struct problem *pb)
{

    vault_file_draw(&b->file);
    b->path = vault_file_path(app->vault, &b->file);
    if (b->path == NULL)
        return problem_from_err(pb, "no file", ERR_NOMEM);
    return blob_save(app, id, b, pb);
}

enum err
blob_disk_problem(enum err e, struct problem *pb)
{
    if (e == ERR_FULL)
        return problem_set(pb, P_DISK, e, "the attachment does not fit",
                           "the disk is full");
    return problem_set(pb, P_FILE, e, "the attachment cannot be kept", "%s",
                       os_last_error_text());
}

static void
forget(struct app *app, const struct blob_id *id)
{
    struct problem none = {0};
    struct blob b = {0};

    if (blob_load(app, id, &b, &none) == ERR_OK &&
        shelf_begin(app, &none) == ERR_OK) {
        shelf_drop(app, REC_BLOB, id->b);
        if (shelf_end(app, ERR_OK, &none) == ERR_OK)
            (void)vault_file_delete(app->vault, &b.file);
    }
    free(b.path);
}

void
blob_forget(struct app *app, const struct agency_id *owner,
            const struct att_id *att)
{
    struct blob_id id;

    blob_id_of(&id, owner, att);
    forget(app, &id);
}

/* ---- up ---- */

struct reading {
    struct app *app;
    const char *name;
    int fd;
    uint64_t total;
};

static enum err
read_for_upload(void *arg, uint64_t offset, uint8_t *out, size_t len)
{
    struct reading *r = arg;

    out_progress(r->app, r->name, offset + len, r->total);
    return os_pread(r->fd, out, len, offset);
}

static enum err
open_sealed(struct desk *d, const struct mail_att *att, int *fd,
            struct problem *pb)
{
    struct blob b = {0};
    enum err rc = load_of(d->app, att, &b, pb);

    if (rc == ERR_OK)
        rc = os_open(fd, b.path, OS_READ, 0);
    free(b.path);
    if (rc == ERR_OK)
        return rc;
    return problem_set(pb, P_VAULT_DAMAGED, rc,
                       "an attachment is not in the vault any more",
                       "its sealed file cannot be read");
}

static enum err
send_rest(struct desk *d, const struct mail_att *att, uint32_t handle,
          uint64_t have, struct problem *pb)
{
    struct msg_field end[] = {[BLOB_END_HANDLE] = msg_u(handle)};
    struct reading r = {d->app, att->name, -1, att->ct_len};
    enum err rc = open_sealed(d, att, &r.fd, pb);

    if (rc == ERR_OK)
        rc = upstream_upload(d->up, handle, have, att->ct_len - have,
                             read_for_upload, &r, pb);
    os_close(&r.fd);
    if (rc != ERR_OK)
        return rc;
    return upstream_call(d->up, MSG_BLOB_END, end, 1, MSG_BLOB_AT, NULL, NULL,
                         pb);
}

/* What the relay has already, of a packet before, is not even opened. */
enum err
blob_upload(struct desk *d, const struct mail_att *att, struct problem *pb)
{
    struct msg_field put_fields[] = {
        [BLOB_PUT_ATT_ID] = msg_bin(att->id.b, sizeof(att->id.b)),
        [BLOB_PUT_CT_LEN] = msg_u(att->ct_len),
        [BLOB_PUT_DIGEST] = msg_bin(att->digest.b, sizeof(att->digest.b)),
    };
    const struct msg *at;
    uint64_t have;
    uint32_t handle;
    enum err rc = upstream_call(d->up, MSG_BLOB_PUT, put_fields, 3, MSG_BLOB_AT,
                                &at, NULL, pb);

    if (rc != ERR_OK)
        return rc;
    handle = (uint32_t)at->f[BLOB_AT_HANDLE].u;
    have = at->f[BLOB_AT_HAVE].u;
    if (have == att->ct_len)
        return ERR_OK; /* complete there already */
    if (have > att->ct_len)
        return problem_set(pb, P_RELAY_ERROR, ERR_MALFORMED,
                           "the relay's words make no sense",
                           "it has more of an attachment than there is");
    return send_rest(d, att, handle, have, pb);
}

/* ---- down ---- */

struct writing {
    struct app *app;
    const char *name;
    int fd;
    uint64_t total;
};

static enum err
write_download(void *arg, uint64_t offset, const uint8_t *bytes, size_t len)
{
    struct writing *w = arg;

    out_progress(w->app, w->name, offset + len, w->total);
    return os_pwrite(w->fd, bytes, len, offset);
}

static enum err
fetch_missing(struct desk *d, const struct mail_att *att, int fd,
              struct problem *pb)
{
    struct writing w = {d->app, "an attachment", fd, att->ct_len};
    uint64_t have = 0;
    enum err rc = os_fd_size(fd, &have);

    if (rc == ERR_OK && have > att->ct_len)
        rc = os_truncate(fd, have = 0);
    if (rc != ERR_OK)
        return blob_disk_problem(rc, pb);
    rc = upstream_download(d->up, &att->owner, &att->id, have,
                           att->ct_len - have, write_download, &w, pb);
    if (rc == ERR_OK && (rc = os_fdatasync(fd)) != ERR_OK)
        rc = blob_disk_problem(rc, pb);
    return rc;
}

/* The blob's digest, as HDR has it.  ERR_CONFLICT: other bytes. */
static enum err
check_digest(const struct mail_att *att, int fd)
{
    static uint8_t bytes[COPY_LEN];
    struct bulk bulk;
    struct hash digest;
    enum err rc = ERR_OK;

    bulk_init(&bulk, att->ct_len);
    for (uint64_t at = 0; at < att->ct_len && rc == ERR_OK;) {
        uint64_t left = att->ct_len - at;
        size_t n = left < COPY_LEN ? (size_t)left : COPY_LEN;

        rc = os_pread(fd, bytes, n, at);
        bulk_update(&bulk, bytes, n);
        at += n;
    }
    if (rc == ERR_OK)
        rc = bulk_final(&bulk, &digest);
    if (rc == ERR_OK && !id_eq(&digest, &att->digest))
        rc = ERR_CONFLICT;
    return rc;
}

/* Opens chunk by chunk; OUT -1 throws the text away. */
static enum err
open_chunks(const struct mail_att *att, const uint8_t key[32], int fd, int out)
{
    uint8_t sealed[CHUNKED_CHUNK_LEN];
    uint8_t header[CHUNKED_HEADER_LEN];
    struct attachment a;
    enum err rc = os_pread(fd, header, sizeof(header), 0);

    if (rc == ERR_OK)
        rc = attachment_open_init(&a, key, &att->id, att->size, header);
    if (rc != ERR_OK)
        return rc;
    for (uint64_t i = 0; i < a.chunks && rc == ERR_OK; i++) {
        uint8_t plain[CHUNKED_PLAIN_LEN];
        size_t n = attachment_plain_in(&a, i);

        rc = os_pread(fd, sealed, attachment_sealed_in(&a, i),
                      chunked_offset(i));
        if (rc == ERR_OK)
            rc = attachment_open_chunk(&a, i, sealed, plain);
        if (rc == ERR_OK && out >= 0 && n > 0)
            rc = os_write_all(out, plain, n);
        crypto_wipe(plain, sizeof(plain));
    }
    attachment_clear(&a);
    return rc;
}

static enum err
take_down(struct desk *d, const struct mail_att *att, const struct blob *b,
          const uint8_t key[32], struct problem *pb)
{
    int fd = -1;
    enum err rc = os_open(&fd, b->path, OS_CREATE, 0600);

    if (rc != ERR_OK)
        return blob_disk_problem(rc, pb);
    rc = fetch_missing(d, att, fd, pb);
    if (rc == ERR_OK && (rc = check_digest(att, fd)) != ERR_OK) {
        (void)os_truncate(fd, 0); /* from the start, next time */
        rc = problem_set(pb, P_RELAY_ERROR, rc, "an attachment came damaged",
                         "the relay's bytes are not those of the packet; they "
                         "are fetched again next time");
    } else if (rc == ERR_OK) {
        rc = open_chunks(att, key, fd, -1);
    }
    os_close(&fd);
    return rc;
}

/* Another packet brought it already: it must be the same. */
static enum err
check_here(const struct mail_att *att, const struct blob *b,
           const uint8_t key[32])
{
    int fd = -1;
    enum err rc = os_open(&fd, b->path, OS_READ, 0);

    if (rc == ERR_OK)
        rc = check_digest(att, fd);
    if (rc == ERR_OK)
        rc = open_chunks(att, key, fd, -1);
    os_close(&fd);
    return rc == ERR_OK ? rc : ERR_VERIFY;
}

enum err
blob_download(struct desk *d, const struct mail_att *att, const uint8_t key[32],
              struct problem *pb)
{
    struct blob b = {0};
    struct blob_id id;
    enum err rc;

    blob_id_of(&id, &att->owner, &att->id);
    rc = blob_load(d->app, &id, &b, pb);
    if (rc == ERR_NOTFOUND) {
        b.coming_ms = clock_wall_ms();
        rc = blob_make(d->app, &id, &b, pb);
    }
    if (rc == ERR_OK && b.is_complete) {
        rc = check_here(att, &b, key);
    } else if (rc == ERR_OK) {
        rc = take_down(d, att, &b, key, pb);
        b.is_complete = true;
        if (rc == ERR_OK)
            rc = blob_save(d->app, &id, &b, pb);
    }
    free(b.path);
    return rc;
}

/* ---- out: to a file outside ---- */

enum err
blob_open_to(struct app *app, const struct mail_att *att, const uint8_t key[32],
             int fd, struct problem *pb)
{
    struct blob b = {0};
    int in = -1;
    enum err rc = load_of(app, att, &b, pb);

    if (rc == ERR_OK)
        rc = os_open(&in, b.path, OS_READ, 0);
    free(b.path);
    if (rc == ERR_NOTFOUND) {
        problem_next(pb, "the desk that it was sent to has it; `sealpost "
                         "read ID` shows the rest");
        return problem_set(pb, P_NOT_FOUND, rc,
                           "the attachment is not here any more",
                           "its sealed file was deleted after the hand-over");
    }
    if (rc == ERR_OK)
        rc = open_chunks(att, key, in, fd);
    os_close(&in);
    if (rc == ERR_VERIFY || rc == ERR_MALFORMED)
        return problem_set(pb, P_VERIFY, rc, "the attachment does not open",
                           "it is damaged, or was never well sealed");
    return rc == ERR_OK ? rc : blob_disk_problem(rc, pb);
}

/* ---- what is needed no more ---- */

/* Names that are in use: of records, and of files. */
struct used {
    struct map blobs, files;
};

static void
used_init(struct used *u)
{
    uint8_t seed[16];

    crypto_random(seed, sizeof(seed));
    map_init(&u->blobs, sizeof(struct blob_id), seed);
    map_init(&u->files, sizeof(struct vault_file), seed);
}

static enum err
use(struct map *m, const void *name)
{
    static uint8_t something;
    enum err rc = map_insert(m, name, &something);

    return rc == ERR_EXISTS ? ERR_OK : rc;
}

static enum err
use_atts(struct used *u, const struct mail *m)
{
    enum err rc = ERR_OK;

    for (size_t i = 0; rc == ERR_OK && i < m->n_atts; i++) {
        struct blob_id id;

        blob_id_of(&id, &m->atts[i].owner, &m->atts[i].id);
        rc = use(&u->blobs, id.b);
    }
    return rc;
}

/* What did not arrive may be sent on, also when the relay has dropped it. */
static bool
may_go_again(const struct mail *m)
{
    static const struct packet_id none;

    if (!id_eq(&m->moved_to, &none))
        return false; /* the other packet needs them now */
    return mail_is_going_on(m) ||
           (mail_is_lost(m) &&
            m->final_ms + (uint64_t)BLOBS_LOST_DAYS * DAY_MS > clock_wall_ms());
}

static bool
needs_files(const struct mail *m)
{
    return m->direction != INDEX_OUT || m->state <= MAIL_STORED ||
           may_go_again(m);
}

static enum err
find_used(struct app *app, struct used *u, struct problem *pb)
{
    size_t pos = 0;
    enum err rc;

    do {
        struct mail m = {0};

        rc = mail_next(app, &pos, &m, pb);
        if (rc == ERR_OK && needs_files(&m))
            rc = problem_from_err(pb, "attachments cannot be counted",
                                  use_atts(u, &m));
        mail_clear(&m);
    } while (rc == ERR_OK);
    return rc == ERR_NOTFOUND ? ERR_OK : rc;
}

/* A download may be resumed as long as its packet can live. */
static bool
may_resume(const struct blob *b)
{
    return b->coming_ms != 0 &&
           clock_wall_ms() < b->coming_ms + (uint64_t)RESUME_DAYS * DAY_MS;
}

static enum err
judge(struct app *app, const struct blob_id *id, struct used *u,
      struct problem *pb)
{
    struct blob b = {0};
    enum err rc = blob_load(app, id, &b, pb);

    if (rc == ERR_OK && (map_find(&u->blobs, id->b) != NULL || may_resume(&b)))
        rc = problem_from_err(pb, "attachments cannot be counted",
                              use(&u->files, b.file.b));
    else if (rc == ERR_OK)
        forget(app, id);
    free(b.path);
    return rc;
}

/* Files beside the attachments. */
static enum err
use_audit(struct app *app, struct used *u, struct problem *pb)
{
    struct vault_file files[AUDIT_KEEP_FILES];
    size_t n;
    enum err rc = audit_keep_files(app, files, &n, pb);

    for (size_t i = 0; rc == ERR_OK && i < n; i++)
        rc = problem_from_err(pb, "attachments cannot be counted",
                              use(&u->files, files[i].b));
    return rc;
}

static bool
is_used(void *arg, const struct vault_file *file)
{
    const struct used *u = arg;

    return map_find(&u->files, file->b) != NULL;
}

enum err
blobs_sweep(struct app *app, struct problem *pb)
{
    struct vault_item item;
    struct used u;
    size_t pos = 0;
    enum err rc = ERR_OK;

    if (vault_count(app->vault, REC_BLOB) == 0)
        return ERR_OK;
    used_init(&u);
    rc = find_used(app, &u, pb);
    if (rc == ERR_OK)
        rc = use_audit(app, &u, pb);
    while (rc == ERR_OK && vault_next(app->vault, REC_BLOB, &pos, &item)) {
        struct blob_id id;

        memcpy(id.b, item.id, sizeof(id.b));
        rc = judge(app, &id, &u, pb);
    }
    /* Also what a crash left behind without a record. */
    if (rc == ERR_OK)
        rc = shelf_problem(vault_file_sweep(app->vault, is_used, &u, NULL), pb);
    map_clear(&u.blobs);
    map_clear(&u.files);
    return rc;
}
