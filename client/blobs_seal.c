/*
 * blobs_seal.c - a file from outside, sealed into the vault.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/blobs_inside.h"
#include "common/os.h"
#include "proto/attachment.h"

struct sealing {
    struct app *app;
    const char *path; /* as typed */
    const char *name;
    int in, out;
    uint64_t plain_len;
    struct attachment stream;
    struct bulk digest;
};

static enum err
file_changed(const struct sealing *s, const char *how, struct problem *pb)
{
    return problem_set(pb, P_ATTACHMENT, ERR_MALFORMED,
                       "an attachment changed while it was read",
                       "%.200s %s; nothing was sent", s->path, how);
}

static enum err
open_source(struct sealing *s, struct problem *pb)
{
    /* A pipe would keep us waiting, and has no size that can be promised. */
    bool is_other = os_exists(s->path) && !os_is_file(s->path);
    enum err rc = is_other ? ERR_REFUSED : os_open(&s->in, s->path, OS_READ, 0);

    if (rc == ERR_OK)
        rc = os_fd_size(s->in, &s->plain_len);
    if (rc != ERR_OK)
        return problem_set(pb, P_ATTACHMENT, rc, "an attachment cannot be read",
                           "%.200s: %s", s->path,
                           is_other ? "is a directory or a device, no file"
                                    : os_last_error_text());
    if (s->plain_len > ATTACHMENT_PLAIN_MAX)
        return problem_set(pb, P_ATTACHMENT, ERR_TOOBIG,
                           "an attachment is too large",
                           "%.200s is above the limit of 64 GiB", s->path);
    return ERR_OK;
}

static enum err
put(struct sealing *s, uint64_t at, const uint8_t *bytes, size_t len,
    struct problem *pb)
{
    enum err rc = os_pwrite(s->out, bytes, len, at);

    bulk_update(&s->digest, bytes, len);
    return rc == ERR_OK ? rc : blob_disk_problem(rc, pb);
}

static enum err
seal_chunk(struct sealing *s, uint64_t index, struct problem *pb)
{
    uint8_t plain[CHUNKED_PLAIN_LEN];
    uint8_t sealed[CHUNKED_CHUNK_LEN];
    size_t n = attachment_plain_in(&s->stream, index);
    enum err rc = ERR_OK;

    if (n > 0)
        rc = os_pread(s->in, plain, n, index * CHUNKED_PLAIN_LEN);
    if (rc == ERR_MALFORMED)
        rc = file_changed(s, "became shorter", pb);
    else if (rc != ERR_OK)
        rc = problem_set(pb, P_ATTACHMENT, rc, "an attachment cannot be read",
                         "%.200s: %s", s->path, os_last_error_text());
    if (rc == ERR_OK)
        rc = attachment_seal_chunk(&s->stream, index, plain, sealed);
    if (rc == ERR_OK)
        rc = put(s, chunked_offset(index), sealed,
                 attachment_sealed_in(&s->stream, index), pb);
    crypto_wipe(plain, sizeof(plain));
    return rc;
}

static enum err
seal_all(struct sealing *s, const uint8_t *header, struct problem *pb)
{
    enum err rc = put(s, 0, header, CHUNKED_HEADER_LEN, pb);
    uint64_t now_len = 0;

    for (uint64_t i = 0; i < s->stream.chunks && rc == ERR_OK; i++) {
        rc = seal_chunk(s, i, pb);
        if (i % 64 == 0 || i + 1 == s->stream.chunks)
            out_progress(s->app, s->name,
                         i + 1 == s->stream.chunks ? s->plain_len
                                                   : i * CHUNKED_PLAIN_LEN,
                         s->plain_len);
    }
    if (rc == ERR_OK &&
        (os_fd_size(s->in, &now_len) != ERR_OK || now_len != s->plain_len))
        rc = file_changed(s, "became longer", pb);
    if (rc == ERR_OK && (rc = os_fdatasync(s->out)) != ERR_OK)
        rc = blob_disk_problem(rc, pb);
    return rc;
}

static enum err
seal_into(struct sealing *s, const struct blob *b, struct packet_att *att,
          struct problem *pb)
{
    uint8_t header[CHUNKED_HEADER_LEN];
    uint64_t ct_len = attachment_ct_len(s->plain_len);
    enum err rc = os_open(&s->out, b->path, OS_CREATE, 0600);

    if (rc != ERR_OK)
        return blob_disk_problem(rc, pb);
    rc = attachment_seal_init(&s->stream, att->att.key, &att->att.id,
                              s->plain_len, NULL, header);
    bulk_init(&s->digest, ct_len);
    if (rc == ERR_OK)
        rc = seal_all(s, header, pb);
    if (rc == ERR_OK)
        rc = bulk_final(&s->digest, &att->digest);
    attachment_clear(&s->stream);
    att->att.plain_len = s->plain_len;
    return problem_from_err(pb, "the attachment cannot be sealed", rc);
}

enum err
blob_seal(struct app *app, const struct agency_id *owner, const char *path,
          struct packet_att *att, char name[256], struct problem *pb)
{
    struct sealing s = {.app = app, .path = path, .in = -1, .out = -1};
    struct packet_att a = {0};
    struct blob_id id;
    struct blob b = {0};
    enum err rc = open_source(&s, pb);

    s.name = os_path_base(path);
    crypto_random(a.att.id.b, sizeof(a.att.id.b));
    crypto_random(a.att.key, sizeof(a.att.key));
    blob_id_of(&id, owner, &a.att.id);
    if (rc == ERR_OK)
        rc = blob_make(app, &id, &b, pb);
    if (rc == ERR_OK) {
        rc = seal_into(&s, &b, &a, pb);
        b.is_complete = true;
        if (rc == ERR_OK)
            rc = blob_save(app, &id, &b, pb);
        if (rc != ERR_OK)
            blob_forget(app, owner, &a.att.id);
    }
    os_close(&s.in);
    os_close(&s.out);
    free(b.path);
    if (rc == ERR_OK) {
        *att = a;
        (void)snprintf(name, 256, "%s", s.name);
    }
    crypto_wipe(&a, sizeof(a));
    return rc;
}
