/*
 * Attachment files under DIR/blobs: names and orphans.  Their bytes are the
 * caller's.
 */
#include "client/vault_impl.h"

#include <stdlib.h>
#include <string.h>

#include "common/bytes.h"
#include "proto/crypto.h"

void
vault_file_draw(struct vault_file *out)
{
    crypto_random(out->b, sizeof(out->b));
}

static enum err
make_path(char path[OS_PATH_MAX], const struct vault *v, const char *name)
{
    char blobs[OS_PATH_MAX];
    enum err rc = vault_path(blobs, v, "blobs", 0);

    return rc == ERR_OK ? os_path_join(path, OS_PATH_MAX, blobs, name) : rc;
}

char *
vault_file_path(const struct vault *v, const struct vault_file *file)
{
    char name[2 * VAULT_ID_LEN + 1];
    char path[OS_PATH_MAX];

    hex_encode(name, file->b, sizeof(file->b));
    return make_path(path, v, name) == ERR_OK ? strdup(path) : NULL;
}

enum err
vault_file_delete(struct vault *v, const struct vault_file *file)
{
    char name[2 * VAULT_ID_LEN + 1];
    char path[OS_PATH_MAX];
    enum err rc = vault_usable(v);

    hex_encode(name, file->b, sizeof(file->b));
    if (rc == ERR_OK)
        rc = make_path(path, v, name);
    return rc == ERR_OK ? os_remove(path) : rc;
}

struct file_sweep {
    const struct vault *v;
    bool (*is_used)(void *arg, const struct vault_file *file);
    void *arg;
    size_t deleted;
};

static enum err
sweep_one(void *arg, const char *name)
{
    struct file_sweep *s = arg;
    char path[OS_PATH_MAX];
    struct vault_file file;
    enum err rc;

    if (hex_decode(file.b, sizeof(file.b), name) == ERR_OK &&
        s->is_used(s->arg, &file))
        return ERR_OK;
    rc = make_path(path, s->v, name);
    if (rc == ERR_OK)
        rc = os_remove(path);
    if (rc == ERR_OK)
        s->deleted++;
    return rc;
}

enum err
vault_file_sweep(struct vault *v,
                 bool (*is_used)(void *arg, const struct vault_file *file),
                 void *arg, size_t *deleted)
{
    struct file_sweep s = {.v = v, .is_used = is_used, .arg = arg};
    char blobs[OS_PATH_MAX];
    enum err rc = vault_usable(v);

    if (rc == ERR_OK)
        rc = vault_path(blobs, v, "blobs", 0);
    if (rc == ERR_OK)
        rc = os_list_dir(blobs, sweep_one, &s);
    if (rc == ERR_OK && deleted != NULL)
        *deleted = s.deleted;
    return rc;
}
