#include "server/keys.h"

#include <stdio.h>
#include <string.h>

#include "common/buf.h"
#include "common/bytes.h"
#include "common/os.h"

/* "SPRELAY1" has no origins: NAME/delivery and NAME/directory. */
static const char magic[8] = "SPRELAY2";
static const char magic_1[8] = "SPRELAY1";
enum { FILE_MAX = 8 + 32 + 32 + 1 + LIMIT_RELAY_NAME + 2 * (1 + LIMIT_ORIGIN) };

static enum err
keys_path(char *out, const char *dir, const char *name)
{
    return os_path_join(out, OS_PATH_MAX, dir, name);
}

static void
put_text(struct buf *b, const char *text)
{
    buf_u8(b, (uint8_t)strlen(text));
    buf_str(b, text);
}

static enum err
save(const char *path, const struct relay_keys *k)
{
    struct buf b = {0};
    enum err rc;

    buf_put(&b, magic, sizeof(magic));
    buf_put(&b, k->transport.b, sizeof(k->transport.b));
    buf_put(&b, k->log.seed, 32);
    put_text(&b, k->name);
    put_text(&b, k->delivery_origin);
    put_text(&b, k->directory_origin);
    rc = buf_status(&b);
    if (rc == ERR_OK)
        rc = os_write_file_atomic(path, b.data, b.len, 0600);
    buf_clear(&b);
    return rc;
}

static void
default_origins(struct relay_keys *k)
{
    (void)snprintf(k->delivery_origin, sizeof(k->delivery_origin),
                   "%s/delivery", k->name);
    (void)snprintf(k->directory_origin, sizeof(k->directory_origin),
                   "%s/directory", k->name);
}

enum err
keys_create(const char *dir, const char *name)
{
    char path[OS_PATH_MAX];
    struct relay_keys *k;
    uint8_t seed[32];
    enum err rc;

    if (!text_is_name(text_ref(name), LIMIT_RELAY_NAME))
        return ERR_MALFORMED;
    rc = keys_path(path, dir, "keys");
    if (rc == ERR_OK && os_exists(path))
        rc = ERR_EXISTS;
    if (rc != ERR_OK)
        return rc;
    k = crypto_secret_new(sizeof(*k));
    if (k == NULL)
        return ERR_NOMEM;
    crypto_random(k->transport.b, sizeof(k->transport.b));
    crypto_random(seed, sizeof(seed));
    sign_keypair_from_seed(&k->log, seed);
    crypto_wipe(seed, sizeof(seed));
    (void)snprintf(k->name, sizeof(k->name), "%s", name);
    default_origins(k);
    rc = save(path, k);
    keys_free(k);
    return rc;
}

static void
take_text(struct rd *r, char *out, size_t max)
{
    size_t len = rd_u8(r);

    if (len > max) {
        r->bad = true;
        return;
    }
    rd_copy(r, out, len);
    out[len] = '\0';
}

static enum err
parse(struct relay_keys *k, const struct buf *b)
{
    bool is_first = b->len >= 8 && memcmp(b->data, magic_1, 8) == 0;
    struct rd r = rd_from(b->data, b->len);
    uint8_t seed[32];

    rd_expect(&r, is_first ? magic_1 : magic, sizeof(magic));
    rd_copy(&r, k->transport.b, sizeof(k->transport.b));
    rd_copy(&r, seed, sizeof(seed));
    take_text(&r, k->name, LIMIT_RELAY_NAME);
    sign_keypair_from_seed(&k->log, seed);
    crypto_wipe(seed, sizeof(seed));
    if (is_first) {
        default_origins(k);
    } else {
        take_text(&r, k->delivery_origin, LIMIT_ORIGIN);
        take_text(&r, k->directory_origin, LIMIT_ORIGIN);
    }
    return rd_end(&r);
}

static enum err
load(const char *dir, const char *name, struct relay_keys **out)
{
    char path[OS_PATH_MAX];
    struct buf b = {0};
    struct relay_keys *k = NULL;
    unsigned mode = 0;
    enum err rc = keys_path(path, dir, name);

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

enum err
keys_load(const char *dir, struct relay_keys **out)
{
    return load(dir, "keys", out);
}

enum err
keys_load_next(const char *dir, struct relay_keys **out)
{
    return load(dir, "keys.next", out);
}

enum err
keys_save_next(const char *dir, const struct relay_keys *k)
{
    char path[OS_PATH_MAX];
    enum err rc = keys_path(path, dir, "keys.next");

    if (!text_is_name(text_ref(k->delivery_origin), LIMIT_ORIGIN) ||
        !text_is_name(text_ref(k->directory_origin), LIMIT_ORIGIN) ||
        strcmp(k->delivery_origin, k->directory_origin) == 0)
        return ERR_MALFORMED;
    return rc == ERR_OK ? save(path, k) : rc;
}

enum err
keys_take_next(const char *dir)
{
    char from[OS_PATH_MAX], to[OS_PATH_MAX];
    enum err rc = keys_path(from, dir, "keys.next");

    if (rc == ERR_OK)
        rc = keys_path(to, dir, "keys");
    if (rc == ERR_OK)
        rc = os_rename(from, to);
    return rc == ERR_OK ? os_fsync_dir(dir) : rc;
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
