#include "server/http_files.h"

#include <stdio.h>

#include "common/buf.h"
#include "common/log.h"
#include "common/os.h"
#include "proto/crypto.h"
#include "server/http_path.h"

/* Its own lines and those of 64 witnesses, with names of 255 bytes, fit. */
enum { CHECKPOINT_MAX = 32 * 1024 };

/* A full tile never changes.  A partial one neither, but it goes when the full
 * one is there. */
static const struct {
    const char *type;
    const char *cache;
} kinds[] = {
    [HTTP_PATH_CHECKPOINT] = {"text/plain; charset=utf-8", "no-store"},
    [HTTP_PATH_TILE] = {"application/octet-stream",
                        "public, max-age=31536000, immutable"},
    [HTTP_PATH_PARTIAL] = {"application/octet-stream", "public, max-age=60"},
};

static unsigned
status_of(enum err rc, const char *file)
{
    if (rc == ERR_NOTFOUND)
        return 404;
    log_error("%s: %s", file,
              rc == ERR_TOOBIG ? "too large" : os_last_error_text());
    return rc == ERR_FULL || rc == ERR_NOMEM ? 503 : 500;
}

static enum err
find(const struct http_files *f, const struct http_path *p, int *fd,
     uint64_t *len)
{
    char path[OS_PATH_MAX];
    enum err rc = os_path_join(path, sizeof(path), f->data_dir, "public");

    if (rc == ERR_OK)
        rc = os_path_join(path, sizeof(path), path, p->file);
    return rc == ERR_OK ? os_open_file(fd, path, len) : rc;
}

static void
answer_tile(struct http_exchange *x, const struct http_path *p, int fd,
            uint64_t len)
{
    http_answer(x, &(struct http_answer){.status = 200,
                                         .content_type = kinds[p->kind].type,
                                         .cache_control = kinds[p->kind].cache,
                                         .has_file = true,
                                         .fd = fd,
                                         .file_len = len});
}

/* The ETag is a digest: the file is read whole, so that both are of one. */
static void
answer_checkpoint(struct http_exchange *x, const struct http_path *p, int fd)
{
    struct buf note = {0};
    enum err rc = os_read_all(fd, CHECKPOINT_MAX, &note);
    struct hash digest;
    char etag[33];

    os_close(&fd);
    if (rc == ERR_OK) {
        sha256(&digest, note.data, note.len);
        for (size_t i = 0; i < 16; i++)
            (void)snprintf(etag + 2 * i, 3, "%02x", digest.b[i]);
        http_answer(x,
                    &(struct http_answer){.status = 200,
                                          .content_type = kinds[p->kind].type,
                                          .cache_control = kinds[p->kind].cache,
                                          .etag = etag,
                                          .body = note.data,
                                          .body_len = note.len});
    } else {
        http_answer_status(x, status_of(rc, p->file));
    }
    buf_clear(&note);
}

static void
on_request(void *arg, struct http_exchange *x, const struct http_request *req)
{
    const struct http_files *f = arg;
    struct http_path p;
    uint64_t len;
    enum err rc;
    int fd;

    if (http_path_parse(req->path, &p) != ERR_OK ||
        (p.log == HTTP_PATH_DIRECTORY && !f->directory)) {
        http_answer_status(x, 404);
        return;
    }
    if (req->method != HTTP_GET) {
        http_answer_not_allowed(x, "GET, HEAD");
        return;
    }
    rc = find(f, &p, &fd, &len);
    if (rc != ERR_OK)
        http_answer_status(x, status_of(rc, p.file));
    else if (p.kind == HTTP_PATH_CHECKPOINT)
        answer_checkpoint(x, &p, fd);
    else
        answer_tile(x, &p, fd, len);
}

enum err
http_files_open(struct http_files *f, uv_loop_t *loop, const char *host,
                uint16_t port, const struct http_limits *limits)
{
    return http_server_open(&f->server, loop, host, port, limits, on_request,
                            f);
}

void
http_files_close(struct http_files *f)
{
    http_server_close(f->server);
    f->server = NULL;
}
