#include "client/audit_keep.h"

#include <stdlib.h>
#include <string.h>

#include "client/shelf.h"
#include "common/bytes.h"
#include "common/os.h"
#include "proto/chunked.h"

static const char context[] = "sealpost/1/audit-book";

/* REC_AUDIT_BOOK: one or two of these, the newest last.  LEN 0: its file is
 * being made. */
struct place {
    struct vault_file file;
    uint8_t key[32];
    uint64_t len; /* of the file */
};
enum { PLACE_LEN = VAULT_ID_LEN + 32 + 8 };

struct places {
    struct place at[AUDIT_KEEP_FILES];
    size_t n;
};

/* ---- the record ---- */

/* None when there is no record, or one that nobody can read. */
static enum err
load_places(struct app *app, struct places *out, struct problem *pb)
{
    struct buf b = {0};
    enum err rc = shelf_get_raw(app, REC_AUDIT_BOOK, shelf_one, &b, pb);
    struct rd r = rd_from(b.data, b.len);

    memset(out, 0, sizeof(*out));
    while (rc == ERR_OK && r.left >= PLACE_LEN && out->n < AUDIT_KEEP_FILES) {
        struct place *p = &out->at[out->n++];

        rd_copy(&r, p->file.b, sizeof(p->file.b));
        rd_copy(&r, p->key, sizeof(p->key));
        p->len = rd_u64(&r);
    }
    crypto_wipe(b.data, b.len);
    buf_clear(&b);
    return rc == ERR_NOTFOUND ? ERR_OK : rc;
}

static enum err
save_places(struct app *app, const struct places *p, struct problem *pb)
{
    uint8_t bytes[AUDIT_KEEP_FILES * PLACE_LEN];
    enum err rc;

    for (size_t i = 0; i < p->n; i++) {
        uint8_t *b = bytes + i * PLACE_LEN;

        memcpy(b, p->at[i].file.b, VAULT_ID_LEN);
        memcpy(b + VAULT_ID_LEN, p->at[i].key, 32);
        put_u64(b + VAULT_ID_LEN + 32, p->at[i].len);
    }
    rc = shelf_begin(app, pb);
    if (rc == ERR_OK && p->n > 0)
        shelf_put_raw(app, REC_AUDIT_BOOK, shelf_one, bytes, p->n * PLACE_LEN);
    else if (rc == ERR_OK)
        shelf_drop(app, REC_AUDIT_BOOK, shelf_one);
    if (rc == ERR_OK)
        rc = shelf_end(app, rc, pb);
    crypto_wipe(bytes, sizeof(bytes));
    return rc;
}

enum err
audit_keep_files(struct app *app, struct vault_file out[AUDIT_KEEP_FILES],
                 size_t *n, struct problem *pb)
{
    struct places p;
    enum err rc = load_places(app, &p, pb);

    *n = p.n;
    for (size_t i = 0; i < p.n; i++)
        out[i] = p.at[i].file;
    crypto_wipe(&p, sizeof(p));
    return rc;
}

/* ---- its file: a chunked stream ---- */

struct stream {
    int fd;
    struct chunked c;
    uint64_t chunk; /* the next one */
    uint64_t len;   /* of the file; reading */
    uint8_t plain[CHUNKED_PLAIN_LEN];
    size_t n, at; /* bytes in PLAIN, and read of them */
};

static void
close_stream(struct stream *s)
{
    os_close(&s->fd);
    chunked_clear(&s->c);
    crypto_wipe(s->plain, sizeof(s->plain));
}

static enum err
write_chunk(struct stream *s, bool is_last)
{
    uint8_t sealed[CHUNKED_CHUNK_LEN];
    enum err rc =
        chunked_seal_chunk(&s->c, s->chunk, s->plain, s->n, is_last, sealed);

    if (rc == ERR_OK)
        rc = os_pwrite(s->fd, sealed, s->n + AEAD_TAG_LEN,
                       chunked_offset(s->chunk));
    s->chunk++;
    s->n = 0;
    return rc;
}

static enum err
put(void *arg, const void *bytes, size_t len)
{
    struct stream *s = arg;
    const uint8_t *p = bytes;
    enum err rc = ERR_OK;

    while (len > 0 && rc == ERR_OK) {
        size_t room = sizeof(s->plain) - s->n;
        size_t n = len < room ? len : room;

        memcpy(s->plain + s->n, p, n);
        s->n += n;
        p += n;
        len -= n;
        if (s->n == sizeof(s->plain))
            rc = write_chunk(s, false);
    }
    return rc;
}

static enum err
write_file(const char *path, struct place *place, const struct audit *a,
           const struct head *head)
{
    struct stream s = {.fd = -1};
    const struct book_sink sink = {put, &s};
    uint8_t header[CHUNKED_HEADER_LEN];
    enum err rc = os_open(&s.fd, path, OS_CREATE, 0600);

    if (rc != ERR_OK)
        return rc;
    chunked_seal_init(&s.c, place->key, context, sizeof(context) - 1, NULL,
                      header);
    rc = os_pwrite(s.fd, header, sizeof(header), 0);
    if (rc == ERR_OK)
        rc = audit_book_write(a, head, &sink);
    if (rc == ERR_OK) {
        place->len = chunked_offset(s.chunk) + s.n + AEAD_TAG_LEN;
        rc = write_chunk(&s, true);
    }
    if (rc == ERR_OK)
        rc = os_fdatasync(s.fd);
    close_stream(&s);
    return rc;
}

static enum err
read_chunk(struct stream *s)
{
    uint8_t sealed[CHUNKED_CHUNK_LEN];
    uint64_t at = chunked_offset(s->chunk);
    uint64_t left = at < s->len ? s->len - at : 0;
    size_t n = left < sizeof(sealed) ? (size_t)left : sizeof(sealed);
    enum err rc =
        n < AEAD_TAG_LEN ? ERR_MALFORMED : os_pread(s->fd, sealed, n, at);

    if (rc == ERR_OK)
        rc =
            chunked_open_chunk(&s->c, s->chunk, sealed, n, n == left, s->plain);
    if (rc != ERR_OK)
        return rc;
    s->chunk++;
    s->n = n - AEAD_TAG_LEN;
    s->at = 0;
    return ERR_OK;
}

static enum err
get(void *arg, void *bytes, size_t len)
{
    struct stream *s = arg;
    uint8_t *p = bytes;

    while (len > 0) {
        size_t n = s->n - s->at < len ? s->n - s->at : len;
        enum err rc = n == 0 ? read_chunk(s) : ERR_OK;

        if (rc != ERR_OK)
            return rc;
        memcpy(p, s->plain + s->at, n);
        s->at += n;
        p += n;
        len -= n;
    }
    return ERR_OK;
}

static enum err
read_file(const char *path, const struct place *place,
          const struct audit_options *options, struct audit **out,
          struct head *head, enum book_fit *fit)
{
    struct stream s = {.fd = -1, .len = place->len};
    const struct book_source source = {get, &s};
    uint8_t header[CHUNKED_HEADER_LEN];
    enum err rc = os_open(&s.fd, path, OS_READ, 0);

    if (rc == ERR_OK)
        rc = os_pread(s.fd, header, sizeof(header), 0);
    if (rc == ERR_OK)
        rc = chunked_open_init(&s.c, place->key, context, sizeof(context) - 1,
                               header);
    if (rc != ERR_OK) {
        *fit = BOOK_DAMAGED;
        rc = ERR_STATE;
    } else {
        rc = audit_book_open(options, &source, out, head, fit);
    }
    close_stream(&s);
    return rc;
}

/* ---- opening and saving ---- */

enum err
audit_keep_open(struct app *app, const struct audit_options *options,
                struct audit **out, struct head *head, enum book_fit *fit,
                struct problem *pb)
{
    struct places p;
    const struct place *newest = NULL;
    char *path;
    enum err rc = load_places(app, &p, pb);

    *fit = BOOK_NONE;
    for (size_t i = 0; i < p.n; i++)
        if (p.at[i].len > 0)
            newest = &p.at[i];
    if (rc == ERR_OK && newest == NULL)
        rc = ERR_NOTFOUND;
    if (rc == ERR_OK) {
        path = vault_file_path(app->vault, &newest->file);
        rc = path == NULL ? ERR_NOMEM
                          : read_file(path, newest, options, out, head, fit);
        free(path);
        if (rc == ERR_NOMEM)
            (void)problem_from_err(pb, "the audit does not fit", rc);
    }
    crypto_wipe(&p, sizeof(p));
    return rc == ERR_STATE ? ERR_NOTFOUND : rc;
}

static enum err
delete_place(struct app *app, const struct place *p, struct problem *pb)
{
    return shelf_problem(vault_file_delete(app->vault, &p->file), pb);
}

/* Leaves only KEPT of the places; -1: none. */
static enum err
leave_only(struct app *app, struct places *p, int kept, struct problem *pb)
{
    struct places now = {0};
    enum err rc;

    if (kept >= 0)
        now.at[now.n++] = p->at[kept];
    rc = save_places(app, &now, pb);
    for (int i = 0; i < (int)p->n && rc == ERR_OK; i++)
        if (i != kept)
            rc = delete_place(app, &p->at[i], pb);
    crypto_wipe(&now, sizeof(now));
    return rc;
}

/* Room for a second place: what a crash left half made goes. */
static enum err
make_room(struct app *app, struct places *p, struct problem *pb)
{
    enum err rc = ERR_OK;

    if (p->n == 2) {
        int kept = p->at[1].len > 0 ? 1 : 0;

        rc = leave_only(app, p, kept, pb);
        p->at[0] = p->at[kept];
        p->n = 1;
    }
    return rc;
}

static enum err
save_into(struct app *app, struct places *p, const struct audit *a,
          const struct head *head, struct problem *pb)
{
    struct place *new = &p->at[p->n];
    char *path;
    enum err rc;

    *new = (struct place){.len = 0};
    vault_file_draw(&new->file);
    crypto_random(new->key, sizeof(new->key));
    p->n++;
    rc = save_places(app, p, pb);
    if (rc != ERR_OK)
        return rc;
    path = vault_file_path(app->vault, &new->file);
    rc = path == NULL ? ERR_NOMEM : write_file(path, new, a, head);
    free(path);
    if (rc == ERR_OK)
        return leave_only(app, p, (int)p->n - 1, pb);
    if (rc == ERR_REFUSED)
        return leave_only(app, p, -1, pb);
    (void)shelf_problem(rc, pb);
    return rc;
}

enum err
audit_keep_save(struct app *app, const struct audit *a, const struct head *head,
                struct problem *pb)
{
    struct places p;
    enum err rc = load_places(app, &p, pb);

    if (rc == ERR_OK)
        rc = make_room(app, &p, pb);
    if (rc == ERR_OK)
        rc = save_into(app, &p, a, head, pb);
    crypto_wipe(&p, sizeof(p));
    return rc;
}
