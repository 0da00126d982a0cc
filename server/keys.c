#include "server/keys.h"

#include <stdio.h>
#include <string.h>

#include "common/buf.h"
#include "common/bytes.h"
#include "common/os.h"

static const char magic[8] = "SPRELAY1";
enum { FILE_MAX = 8 + 32 + 32 + 1 + LIMIT_RELAY_NAME };

static enum err
keys_path(char *out, const char *dir)
{
    return os_path_join(out, OS_PATH_MAX, dir, "keys");
}

enum err
keys_create(const char *dir, const char *name)
{
    char path[OS_PATH_MAX];
    struct buf b = {0};
    uint8_t *secrets;
    enum err rc;

    if (!text_is_name(text_ref(name), LIMIT_RELAY_NAME))
        return ERR_MALFORMED;
    rc = keys_path(path, dir);
    if (rc == ERR_OK && os_exists(path))
        rc = ERR_EXISTS;
    if (rc != ERR_OK)
        return rc;
    buf_put(&b, magic, sizeof(magic));
    secrets = buf_extend(&b, 64);
    if (secrets != NULL)
        crypto_random(secrets, 64);
    buf_u8(&b, (uint8_t)strlen(name));
    buf_str(&b, name);
    rc = buf_status(&b);
    if (rc == ERR_OK)
        rc = os_write_file_atomic(path, b.data, b.len, 0600);
    buf_clear(&b);
    return rc;
}

static enum err
parse(struct relay_keys *k, const struct buf *b)
{
    struct rd r = rd_from(b->data, b->len);
    uint8_t seed[32];
    size_t name_len;

    rd_expect(&r, magic, sizeof(magic));
    rd_copy(&r, k->transport.b, sizeof(k->transport.b));
    rd_copy(&r, seed, sizeof(seed));
    name_len = rd_u8(&r);
    if (name_len > LIMIT_RELAY_NAME)
        name_len = LIMIT_RELAY_NAME;
    rd_copy(&r, k->name, name_len);
    k->name[name_len] = '\0';
    sign_keypair_from_seed(&k->log, seed);
    crypto_wipe(seed, sizeof(seed));
    (void)snprintf(k->delivery_origin, sizeof(k->delivery_origin),
                   "%s/delivery", k->name);
    (void)snprintf(k->directory_origin, sizeof(k->directory_origin),
                   "%s/directory", k->name);
    return rd_end(&r);
}

enum err
keys_load(const char *dir, struct relay_keys **out)
{
    char path[OS_PATH_MAX];
    struct buf b = {0};
    struct relay_keys *k = NULL;
    unsigned mode = 0;
    enum err rc = keys_path(path, dir);

    if (rc == ERR_OK)
        rc = os_mode(path, &mode);
    if (rc == ERR_OK && (mode & 077) != 0)
        rc = ERR_REFUSED;
    if (rc == ERR_OK)
        rc = os_read_file(path, FILE_MAX, &b);
    if (rc == ERR_OK && (k = crypto_secret_new(sizeof(*k))) == NULL)
        rc = ERR_NOMEM;
    if (rc == ERR_OK)
        rc = parse(k, &b);
    buf_clear(&b);
    if (rc != ERR_OK) {
        crypto_secret_free(k);
        return rc;
    }
    *out = k;
    return ERR_OK;
}

void
keys_free(struct relay_keys *keys)
{
    crypto_secret_free(keys);
}

void
keys_card(const struct relay_keys *keys, const char *address,
          struct relay_card *out)
{
    memset(out, 0, sizeof(*out));
    memcpy(out->name, keys->name, sizeof(out->name));
    dh_public(&out->transport_key, &keys->transport);
    out->log_key = keys->log.pub;
    memcpy(out->delivery_origin, keys->delivery_origin,
           sizeof(out->delivery_origin));
    memcpy(out->directory_origin, keys->directory_origin,
           sizeof(out->directory_origin));
    (void)snprintf(out->address, sizeof(out->address), "%s", address);
}
