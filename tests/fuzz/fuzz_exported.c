/*
 * manifest.json of an exported directory: the real one with changes (first byte
 * even; tests/lib/patch.h), or the input as it is.  What is accepted names only
 * files of this directory, each with its very size and hash.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/exported.h"
#include "common/os.h"
#include "proto/crypto.h"
#include "tests/lib/patch.h"
#include "tests/lib/scratch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MANIFEST_MAX = 8 * 1024 };

static const struct {
    const char *path;
    const char *text;
} files[] = {
    {"message.txt", "hello"},
    {"attachments/a.pdf", "pdf"},
    {"receipt.txt", "proof"},
    {"secret", "beside the directory"}, /* in the one above */
};
enum { FILES = sizeof(files) / sizeof(files[0]), OUTSIDE = FILES - 1 };

static char *above;
static char dir[OS_PATH_MAX], manifest_path[OS_PATH_MAX];
static struct buf real;

static void
clean_up(void)
{
    scratch_free(above);
}

static void
put(const char *under, const char *name, const void *bytes, size_t len)
{
    char path[OS_PATH_MAX];

    must(os_path_join(path, sizeof(path), under, name) == ERR_OK);
    must(os_write_file_atomic(path, bytes, len, 0600) == ERR_OK);
}

static void
make_export(void)
{
    static const uint8_t id[32] = {7};
    char atts[OS_PATH_MAX];
    json_t *j = json_object(), *rows = json_array();

    must(crypto_init() == ERR_OK);
    above = scratch_new();
    (void)atexit(clean_up);
    must(os_path_join(dir, sizeof(dir), above, "export") == ERR_OK);
    must(os_path_join(atts, sizeof(atts), dir, "attachments") == ERR_OK);
    must(os_mkdirs(atts, 0700) == ERR_OK);
    for (size_t i = 0; i < FILES; i++) {
        json_t *row = json_object();
        struct hash h;

        put(i == OUTSIDE ? above : dir, files[i].path, files[i].text,
            strlen(files[i].text));
        sha256(&h, files[i].text, strlen(files[i].text));
        json_put_str(row, "path", files[i].path);
        json_put_u64(row, "size", strlen(files[i].text));
        json_put_hex(row, "sha256", h.b, sizeof(h.b));
        if (i != OUTSIDE)
            (void)json_array_append(rows, row);
        json_decref(row);
    }
    json_put_hex(j, "packet_id", id, 16);
    json_put_hex(j, "pkt_digest", id, 32);
    json_put(j, "files", rows);
    must(json_write(&real, j, 0) == ERR_OK);
    json_decref(j);
    must(os_path_join(manifest_path, sizeof(manifest_path), dir,
                      "manifest.json") == ERR_OK);
}

/* In place: no rename, no sync. */
static void
write_manifest(const struct buf *b)
{
    FILE *f = fopen(manifest_path, "wb");

    must(f != NULL);
    must(b->len == 0 || fwrite(b->data, b->len, 1, f) == 1);
    must(fclose(f) == 0);
}

static void
check_row(const json_t *row)
{
    const char *path = json_get_str(row, "path");
    struct hash h, want;

    for (size_t i = 0; i < OUTSIDE; i++) {
        if (strcmp(path, files[i].path) != 0)
            continue;
        sha256(&h, files[i].text, strlen(files[i].text));
        must(json_get_hex(row, "sha256", want.b, sizeof(want.b)) == ERR_OK);
        must(id_eq(&h, &want));
        must(json_get_u64(row, "size") == strlen(files[i].text));
        return;
    }
    must(false); /* manifest.json neither: no file has its own hash */
}

static void
check(const struct buf *manifest, const struct exported *e)
{
    struct problem pb = {0};
    json_t *j = NULL;
    const json_t *rows, *row;
    size_t i;

    must(json_read(manifest->data, manifest->len, "m", &j, &pb) == ERR_OK);
    rows = json_object_get(j, "files");
    must(json_array_size(rows) == e->n_files && e->n_files > 0);
    json_array_foreach(rows, i, row)
    {
        check_row(row);
    }
    json_decref(j);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rd input = rd_from(data, size);
    struct exported e = {0};
    struct problem pb = {0};
    struct buf manifest = {0};
    bool is_changed = true;
    enum err rc;

    if (above == NULL)
        make_export();
    if (rd_u8(&input) % 2 == 0) {
        buf_put(&manifest, real.data, real.len);
        is_changed = patch_apply(&input, &manifest, MANIFEST_MAX);
    } else {
        buf_put(&manifest, data + 1, size - 1);
    }
    write_manifest(&manifest);
    rc = exported_check(dir, &e, &pb);
    must(is_changed || rc == ERR_OK);
    if (rc == ERR_OK)
        check(&manifest, &e);
    else
        must(pb.id != P_NONE && pb.why[0] != '\0' && e.extra == NULL);
    exported_clear(&e);
    buf_clear(&manifest);
    return 0;
}
