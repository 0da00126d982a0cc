#include "client/exported.h"

#include <stdint.h>
#include <string.h>

#include "common/buf.h"
#include "common/os.h"
#include "common/text.h"
#include "proto/crypto.h"

enum { PIECE = 64 * 1024 };

static const char manifest_name[] = "manifest.json";
static const char receipt_name[] = "receipt.txt";
static const char atts_name[] = "attachments";
static const char failed[] = "the export is not as it was made";

void
exported_clear(struct exported *e)
{
    json_decref(e->extra);
    memset(e, 0, sizeof(*e));
}

static enum err
changed(struct problem *pb, const char *path, const char *how)
{
    return problem_set(pb, P_VERIFY, ERR_VERIFY, failed, "%.200s %s", path,
                       how);
}

static enum err
unreadable(struct problem *pb, const char *path, enum err rc)
{
    return problem_set(pb, P_FILE, rc, "cannot read the file", "%.300s: %s",
                       path, os_last_error_text());
}

/* ---- one file ---- */

/* ERR_CONFLICT when it is not SIZE bytes long: then nothing of it is read. */
static enum err
digest_of(const char *path, uint64_t size, struct hash *out)
{
    uint8_t piece[PIECE];
    struct sha256 s;
    uint64_t len = 0;
    int fd = -1;
    enum err rc = os_open(&fd, path, OS_READ, 0);

    if (rc == ERR_OK)
        rc = os_fd_size(fd, &len);
    if (rc == ERR_OK && len != size)
        rc = ERR_CONFLICT;
    sha256_init(&s);
    for (uint64_t at = 0; rc == ERR_OK && at < size;) {
        size_t n = size - at < PIECE ? (size_t)(size - at) : PIECE;

        rc = os_pread(fd, piece, n, at);
        sha256_update(&s, piece, n);
        at += n;
    }
    sha256_final(&s, out);
    os_close(&fd);
    return rc;
}

/* What an export makes: NAME, or attachments/NAME. */
static bool
is_inside(const char *path)
{
    size_t prefix = sizeof(atts_name);

    if (strncmp(path, atts_name, prefix - 1) == 0 && path[prefix - 1] == '/')
        path += prefix;
    return *path != '\0' && *path != '.' && strpbrk(path, "/\\:") == NULL;
}

static enum err
check_file(const char *dir, const json_t *row, struct problem *pb)
{
    const char *path = json_get_str(row, "path");
    char full[OS_PATH_MAX];
    struct hash want, is;
    enum err rc;

    if (!is_inside(path) ||
        os_path_join(full, sizeof(full), dir, path) != ERR_OK)
        return changed(pb, manifest_name, "names a file outside of it");
    if (json_get_hex(row, "sha256", want.b, sizeof(want.b)) != ERR_OK)
        return changed(pb, path, "has no SHA-256 in manifest.json");
    if (os_exists(full) && !os_is_file(full)) /* a pipe would never end */
        return changed(pb, path, "is no file any more");
    rc = digest_of(full, json_get_u64(row, "size"), &is);
    if (rc == ERR_NOTFOUND)
        return changed(pb, path, "is missing");
    if (rc == ERR_CONFLICT || (rc == ERR_OK && !id_eq(&want, &is)))
        return changed(pb, path, "was changed");
    return rc == ERR_OK ? rc : unreadable(pb, full, rc);
}

/* ---- what else lies there ---- */

struct listing {
    const json_t *files;
    json_t *extra;
    const char *prefix; /* "attachments/" or "" */
};

static bool
is_listed(const json_t *files, const char *path)
{
    const json_t *row;
    size_t i;

    json_array_foreach(files, i, row)
    {
        if (strcmp(json_get_str(row, "path"), path) == 0)
            return true;
    }
    return false;
}

/* Whatever bytes the name has, what is told of it is text. */
static void
add_name(json_t *list, const char *name, size_t len)
{
    struct buf b = {0};

    text_show(&b, name, len, TEXT_ONE_LINE);
    (void)json_array_append_new(list,
                                json_stringn((const char *)b.data, b.len));
    buf_clear(&b);
}

static enum err
on_name(void *arg, const char *name)
{
    struct listing *l = arg;
    struct buf b = {0};
    bool is_known;
    enum err rc;

    buf_printf(&b, "%s%s", l->prefix, name);
    rc = buf_status(&b);
    if (rc == ERR_OK) {
        const char *path = (const char *)b.data;

        is_known = is_listed(l->files, path) ||
                   strcmp(path, manifest_name) == 0 ||
                   strcmp(path, atts_name) == 0;
        if (!is_known)
            add_name(l->extra, path, b.len);
    }
    buf_clear(&b);
    return rc;
}

static enum err
list_extra(const char *dir, const json_t *files, struct exported *out,
           struct problem *pb)
{
    struct listing l = {.files = files, .prefix = ""};
    char atts[OS_PATH_MAX];
    enum err rc;

    l.extra = out->extra = json_array();
    rc = os_list_dir(dir, on_name, &l);
    if (rc == ERR_OK)
        rc = os_path_join(atts, sizeof(atts), dir, atts_name);
    if (rc == ERR_OK && os_is_dir(atts)) {
        l.prefix = "attachments/";
        rc = os_list_dir(atts, on_name, &l);
    }
    return rc == ERR_OK ? rc : unreadable(pb, dir, rc);
}

/* ---- all of it ---- */

static enum err
read_manifest(const char *dir, json_t **out, struct problem *pb)
{
    char path[OS_PATH_MAX];
    struct buf b = {0};
    enum err rc = os_path_join(path, sizeof(path), dir, manifest_name);

    if (rc == ERR_OK)
        rc = os_read_file(path, JSON_FILE_MAX, &b);
    rc = rc == ERR_OK ? json_read(b.data, b.len, manifest_name, out, pb)
                      : unreadable(pb, path, rc);
    buf_clear(&b);
    return rc;
}

enum err
exported_check(const char *dir, struct exported *out, struct problem *pb)
{
    struct exported e = {0};
    json_t *manifest = NULL;
    const json_t *files = NULL;
    const json_t *row;
    size_t i;
    enum err rc = read_manifest(dir, &manifest, pb);

    if (rc == ERR_OK) {
        files = json_object_get(manifest, "files");
        if (!json_is_array(files) || json_array_size(files) == 0 ||
            json_get_hex(manifest, "packet_id", e.packet.b,
                         sizeof(e.packet.b)) != ERR_OK)
            rc = changed(pb, manifest_name, "is not one of an export");
    }
    (void)json_get_hex(manifest, "pkt_digest", e.pkt_digest.b,
                       sizeof(e.pkt_digest.b));
    json_array_foreach(files, i, row)
    {
        if (rc == ERR_OK)
            rc = check_file(dir, row, pb);
        e.n_files += rc == ERR_OK;
        e.has_receipt |= strcmp(json_get_str(row, "path"), receipt_name) == 0;
    }
    if (rc == ERR_OK)
        rc = list_extra(dir, files, &e, pb);
    json_decref(manifest);
    if (rc == ERR_OK)
        *out = e;
    else
        exported_clear(&e);
    return rc;
}
