#include "client/export.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "client/blobs.h"
#include "client/content.h"
#include "client/listing.h"
#include "client/story.h"
#include "common/bytes.h"
#include "common/clock.h"
#include "common/os.h"
#include "common/os_dir.h"
#include "common/text.h"

enum { PIECE = 64 * 1024, NAME_TRIES = 1000, NAME_MAX_LEN = 240 };

static const char failed[] = "the packet was not exported";
static const char atts_dir[] = "attachments";

struct export
{
    const struct export_job *job;
    const char *path; /* the directory, as typed */
    struct os_dir root, atts;
    bool made_root, made_atts;
    json_t *files; /* {path, size, sha256, ...} of each that we made; owned */
    struct letter l;
    struct content c;
    struct problem *pb;
};

/* ---- files that we make ---- */

static enum err
file_problem(struct export *x, const char *name, enum err e)
{
    enum problem_id id = e == ERR_EXISTS ? P_FILE_EXISTS
                         : e == ERR_FULL ? P_DISK
                                         : P_FILE;

    return problem_set(x->pb, id, e, failed, "%.200s/%.200s: %s", x->path, name,
                       e == ERR_EXISTS ? "something is there already"
                                       : os_last_error_text());
}

/* From now on it is ours to remove. */
static enum err
remember(struct export *x, const char *path, json_t **row)
{
    json_t *j = json_object();

    json_put_str(j, "path", path);
    if (j == NULL || json_array_append_new(x->files, j) != 0)
        return problem_from_err(x->pb, failed, ERR_NOMEM);
    *row = j; /* borrowed from the list */
    return ERR_OK;
}

static enum err
create(struct export *x, const char *name, int *fd, json_t **row)
{
    enum err rc = os_dir_create(&x->root, name, fd);

    if (rc != ERR_OK)
        return file_problem(x, name, rc);
    rc = remember(x, name, row);
    if (rc != ERR_OK)
        (void)os_dir_remove_file(&x->root, name);
    return rc;
}

/* Size and digest of what is really in the file, and it is on the disk. */
static enum err
seal_row(struct export *x, json_t *row, int fd)
{
    static uint8_t piece[PIECE];
    struct sha256 s;
    struct hash digest;
    uint64_t size = 0;
    enum err rc = os_fd_size(fd, &size);

    sha256_init(&s);
    for (uint64_t at = 0; at < size && rc == ERR_OK;) {
        size_t n = size - at < PIECE ? (size_t)(size - at) : PIECE;

        rc = os_pread(fd, piece, n, at);
        sha256_update(&s, piece, n);
        at += n;
    }
    sha256_final(&s, &digest);
    crypto_wipe(piece, sizeof(piece));
    if (rc == ERR_OK)
        rc = os_fdatasync(fd);
    if (rc != ERR_OK)
        return file_problem(x, json_get_str(row, "path"), rc);
    json_put_u64(row, "size", size);
    json_put_hex(row, "sha256", digest.b, sizeof(digest.b));
    return ERR_OK;
}

static enum err
write_whole(struct export *x, const char *name, const struct buf *b)
{
    json_t *row = NULL;
    int fd = -1;
    enum err rc = problem_from_err(x->pb, failed, buf_status(b));

    if (rc == ERR_OK)
        rc = create(x, name, &fd, &row);
    if (rc == ERR_OK) {
        rc = os_write_all(fd, b->data, b->len);
        rc = rc == ERR_OK ? seal_row(x, row, fd) : file_problem(x, name, rc);
    }
    os_close(&fd);
    return rc;
}

/* ---- what the packet says ---- */

static void
put_line(struct buf *out, const char *label, const char *text)
{
    if (*text == '\0')
        return;
    buf_printf(out, "%s: ", label);
    text_show(out, text, strlen(text), TEXT_ONE_LINE);
    buf_u8(out, '\n');
}

/* For people, so nothing in it that a terminal would obey. */
static void
message(const struct export *x, struct buf *out)
{
    const struct mail *m = x->job->m;
    char when[CLOCK_TEXT_MAX];

    clock_format_local(when, m->created_ms);
    put_line(out, "From", x->job->from);
    put_line(out, "To", x->job->to);
    put_line(out, "Written", when);
    put_line(out, "Type", listing_type(m));
    put_line(out, "Subject", m->subject);
    buf_u8(out, '\n');
    text_show(out, (const char *)x->c.text.data, x->c.text.len, TEXT_LINES);
}

static enum err
write_content(struct export *x)
{
    struct buf b = {0};
    enum err rc = ERR_OK;

    if (x->c.doc != NULL) {
        rc = problem_from_err(x->pb, failed, json_write(&b, x->c.doc, 2));
        buf_u8(&b, '\n');
    } else {
        message(x, &b);
    }
    if (rc == ERR_OK)
        rc = write_whole(x, x->c.doc != NULL ? "referral.json" : "message.txt",
                         &b);
    buf_clear(&b);
    return rc;
}

static enum err
write_receipt(struct export *x)
{
    struct problem none = {0};
    struct buf b = {0};
    enum err rc = story_proof(x->job->app, x->job->m, &b, &none);

    if (rc == ERR_OK)
        rc = write_whole(x, "receipt.txt", &b);
    else if (rc == ERR_NOTFOUND)
        rc = ERR_OK; /* the manifest does not list it */
    else
        *x->pb = none;
    buf_clear(&b);
    return rc;
}

/* ---- attachments ---- */

/* Also where capital letters are the same, as on other systems' disks. */
static bool
is_taken(const struct export *x, const char *path)
{
    const json_t *row;
    size_t i;

    json_array_foreach(x->files, i, row)
    {
        if (strcasecmp(json_get_str(row, "path"), path) == 0)
            return true;
    }
    return false;
}

/* "report.pdf", "report-2.pdf", ... */
static void
numbered(char out[NAME_MAX_LEN], const char *safe, unsigned n)
{
    const char *dot = strrchr(safe, '.');
    size_t stem = dot == NULL ? strlen(safe) : (size_t)(dot - safe);

    if (n == 1)
        (void)snprintf(out, NAME_MAX_LEN, "%s", safe);
    else
        (void)snprintf(out, NAME_MAX_LEN, "%.*s-%u%s", (int)stem, safe, n,
                       safe + stem);
}

static enum err
create_att(struct export *x, const struct mail_att *att, int *fd, json_t **row)
{
    char name[NAME_MAX_LEN];
    char path[NAME_MAX_LEN + sizeof(atts_dir)];
    char *safe = NULL;
    enum err rc = text_safe_filename(&safe, att->name);

    if (rc != ERR_OK)
        return problem_from_err(x->pb, failed, rc);
    rc = ERR_EXISTS;
    for (unsigned n = 1; rc == ERR_EXISTS && n < NAME_TRIES; n++) {
        numbered(name, safe, n);
        (void)snprintf(path, sizeof(path), "%s/%s", atts_dir, name);
        if (!is_taken(x, path))
            rc = os_dir_create(&x->atts, name, fd);
    }
    free(safe);
    if (rc != ERR_OK)
        return file_problem(x, path, rc);
    rc = remember(x, path, row);
    if (rc != ERR_OK)
        (void)os_dir_remove_file(&x->atts, name);
    return rc;
}

static enum err
write_att(struct export *x, const struct mail_att *att)
{
    const struct inner_att *key = inner_att(&x->l.in, &att->id);
    json_t *row = NULL;
    int fd = -1;
    enum err rc;

    if (key == NULL)
        return problem_set(x->pb, P_VAULT_DAMAGED, ERR_VERIFY, failed,
                           "the packet has no key for one of its attachments");
    rc = create_att(x, att, &fd, &row);
    if (rc == ERR_OK)
        rc = blob_open_to(x->job->app, att, key->key, fd, x->pb);
    if (rc == ERR_OK)
        rc = seal_row(x, row, fd);
    if (rc == ERR_OK) {
        const char *part = part_name(att->part);

        json_put_hex(row, "att_id", att->id.b, sizeof(att->id.b));
        json_put_text(row, "name", att->name, strlen(att->name));
        json_put_str(row, "part", part == NULL ? "" : part);
    }
    os_close(&fd);
    return rc;
}

static enum err
write_atts(struct export *x)
{
    const struct mail *m = x->job->m;
    enum err rc;

    if (m->n_atts == 0)
        return ERR_OK;
    rc = os_dir_make(&x->root, atts_dir, &x->atts);
    if (rc != ERR_OK)
        return file_problem(x, atts_dir, rc);
    x->made_atts = true;
    for (size_t i = 0; i < m->n_atts && rc == ERR_OK; i++)
        rc = write_att(x, &m->atts[i]);
    if (rc == ERR_OK && (rc = os_dir_sync(&x->atts)) != ERR_OK)
        rc = file_problem(x, atts_dir, rc);
    return rc;
}

/* ---- the manifest, last ---- */

static json_t *
manifest_json(const struct export *x)
{
    const struct mail *m = x->job->m;
    char when[CLOCK_TEXT_MAX];
    json_t *j = json_object();

    json_put_hex(j, "packet_id", m->id.b, sizeof(m->id.b));
    json_put_str(j, "type", listing_type(m));
    json_put_str(j, "from", x->job->from);
    json_put_str(j, "to", x->job->to);
    json_put_bool(j, "verified", x->job->is_verified);
    json_put_hex(j, "thread", m->thread.b, sizeof(m->thread.b));
    json_put_hex(j, "pkt_digest", m->pkt_digest.b, sizeof(m->pkt_digest.b));
    json_put_u64(j, "created_ms", m->created_ms);
    json_put_u64(j, "stored_ms", m->stored_ms);
    clock_format_rfc3339(when, x->job->now_ms);
    json_put_str(j, "exported", when);
    json_put(j, "meta", json_incref(x->l.meta));
    json_put(j, "withheld", content_parts_json(x->c.withheld));
    json_put(j, "files", json_deep_copy(x->files));
    return j;
}

static enum err
write_manifest(struct export *x, json_t **manifest)
{
    json_t *j = manifest_json(x);
    struct buf b = {0};
    enum err rc = problem_from_err(x->pb, failed, json_write(&b, j, 2));

    buf_u8(&b, '\n');
    if (rc == ERR_OK)
        rc = write_whole(x, "manifest.json", &b);
    if (rc == ERR_OK && (rc = os_dir_sync(&x->root)) != ERR_OK)
        rc = file_problem(x, "", rc);
    buf_clear(&b);
    if (rc == ERR_OK)
        *manifest = j;
    else
        json_decref(j);
    return rc;
}

/* ---- all of it, or nothing ---- */

static void
undo(struct export *x)
{
    const json_t *row;
    size_t i;

    json_array_foreach(x->files, i, row)
    {
        const char *path = json_get_str(row, "path");
        const char *slash = strchr(path, '/');

        if (slash == NULL)
            (void)os_dir_remove_file(&x->root, path);
        else
            (void)os_dir_remove_file(&x->atts, slash + 1);
    }
    if (x->made_atts)
        (void)os_dir_remove_dir(&x->root, atts_dir);
    if (x->made_root)
        (void)os_remove(x->path);
}

static enum err
open_root(struct export *x)
{
    enum err rc = os_dir_open(&x->root, x->path, &x->made_root);

    if (rc == ERR_OK)
        return rc;
    return problem_set(x->pb, P_FILE, rc, failed, "%.300s: %s", x->path,
                       rc == ERR_REFUSED
                           ? "is a link, no directory, or not yours to write"
                           : os_last_error_text());
}

static enum err
load(struct export *x)
{
    enum err rc = letter_load(x->job->app, x->job->m, &x->l, x->pb);

    return rc == ERR_OK ? content_load(&x->l, &x->c, x->pb) : rc;
}

enum err
export_packet(const struct export_job *job, const char *dir, json_t **manifest,
              struct problem *pb)
{
    struct export x = {.job = job,
                       .path = dir,
                       .root = OS_DIR_NONE,
                       .atts = OS_DIR_NONE,
                       .files = json_array(),
                       .pb = pb};
    enum err rc = load(&x);

    if (rc == ERR_OK)
        rc = open_root(&x);
    if (rc == ERR_OK)
        rc = write_content(&x);
    if (rc == ERR_OK)
        rc = write_atts(&x);
    if (rc == ERR_OK)
        rc = write_receipt(&x);
    if (rc == ERR_OK)
        rc = write_manifest(&x, manifest);
    if (rc != ERR_OK)
        undo(&x);
    os_dir_close(&x.atts);
    os_dir_close(&x.root);
    json_decref(x.files);
    content_clear(&x.c);
    letter_clear(&x.l);
    return rc;
}
