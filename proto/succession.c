#include "proto/succession.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/base32.h"
#include "proto/textcard.h"

static const struct textcard kind = {
    .begin = "-----BEGIN SEALPOST SUCCESSION CARD-----",
    .end = "-----END SEALPOST SUCCESSION CARD-----",
    .domain = "sealpost/1/succession-card",
};

enum { KEY_DIGITS = BASE32_LEN(32), SIZE_DIGITS = 20 };

static bool
card_is_fine(const struct succession_card *c)
{
    return text_is_name(text_ref(c->name), LIMIT_RELAY_NAME) &&
           text_is_name(text_ref(c->delivery_origin), LIMIT_ORIGIN) &&
           text_is_name(text_ref(c->directory_origin), LIMIT_ORIGIN) &&
           strcmp(c->delivery_origin, c->directory_origin) != 0 &&
           c->delivery_size > 0 && c->directory_size > 0;
}

/* The lines that the check covers. */
static enum err
put_lines(struct buf *b, const struct succession_card *c)
{
    char key[KEY_DIGITS + 1], dlv[KEY_DIGITS + 1], dir[KEY_DIGITS + 1];

    if (!card_is_fine(c))
        return ERR_MALFORMED;
    base32_encode(key, c->log_key.b, 32);
    base32_encode(dlv, c->delivery_root.b, 32);
    base32_encode(dir, c->directory_root.b, 32);
    buf_printf(b,
               "name: %s\n"
               "log-key: %s\n"
               "delivery-origin: %s\n"
               "directory-origin: %s\n"
               "delivery-size: %" PRIu64 "\n"
               "delivery-root: %s\n"
               "directory-size: %" PRIu64 "\n"
               "directory-root: %s\n",
               c->name, key, c->delivery_origin, c->directory_origin,
               c->delivery_size, dlv, c->directory_size, dir);
    return buf_status(b);
}

enum err
succession_card_check(char out[10], const struct succession_card *card)
{
    struct buf b = {0};
    enum err rc = put_lines(&b, card);

    if (rc == ERR_OK)
        textcard_check(&kind, b.data, b.len, out);
    buf_clear(&b);
    return rc;
}

enum err
succession_card_make(struct buf *out, const struct succession_card *card)
{
    struct buf b = {0};
    enum err rc = put_lines(&b, card);

    if (rc == ERR_OK)
        rc = textcard_put(&kind, &b, out);
    buf_clear(&b);
    return rc;
}

/* Another way to write the same number would give another check. */
static bool
read_size(struct rd *r, const char *field, uint64_t *out)
{
    char text[SIZE_DIGITS + 1];
    size_t n;

    if (!textcard_field(r, field, text, sizeof(text)))
        return false;
    n = strlen(text);
    if (n == 0 || n >= SIZE_DIGITS || strspn(text, "0123456789") != n)
        return false;
    *out = strtoull(text, NULL, 10);
    return true;
}

static bool
read_lines(struct rd *r, struct succession_card *c,
           char check[TEXTCARD_CHECK_LEN + 1])
{
    return textcard_field(r, "name", c->name, sizeof(c->name)) &&
           textcard_bytes(r, "log-key", c->log_key.b, 32) &&
           textcard_field(r, "delivery-origin", c->delivery_origin,
                          sizeof(c->delivery_origin)) &&
           textcard_field(r, "directory-origin", c->directory_origin,
                          sizeof(c->directory_origin)) &&
           read_size(r, "delivery-size", &c->delivery_size) &&
           textcard_bytes(r, "delivery-root", c->delivery_root.b, 32) &&
           read_size(r, "directory-size", &c->directory_size) &&
           textcard_bytes(r, "directory-root", c->directory_root.b, 32) &&
           textcard_end(&kind, r, check);
}

enum err
succession_card_parse(struct succession_card *out, const char *text, size_t len)
{
    struct rd r = rd_from(text, len);
    struct succession_card got = {0};
    char said[TEXTCARD_CHECK_LEN + 1], right[TEXTCARD_CHECK_LEN + 1];
    enum err rc;

    if (len > LIMIT_RELAY_CARD || !textcard_find(&kind, &r))
        return ERR_MALFORMED;
    if (!read_lines(&r, &got, said))
        return ERR_VERIFY;
    rc = succession_card_check(right, &got);
    if (rc == ERR_NOMEM)
        return rc;
    if (rc != ERR_OK || strcmp(said, right) != 0)
        return ERR_VERIFY;
    *out = got;
    return ERR_OK;
}

enum err
succession_origin(const char *origin, char out[LIMIT_ORIGIN + 1])
{
    const char *slash = strrchr(origin, '/');
    char next[LIMIT_ORIGIN + 1];
    size_t stem = strlen(origin);
    unsigned long number = 1;
    int n;

    if (slash != NULL && slash[1] != '\0' && strlen(slash + 1) <= 6 &&
        strspn(slash + 1, "0123456789") == strlen(slash + 1)) {
        stem = (size_t)(slash - origin);
        number = strtoul(slash + 1, NULL, 10);
    }
    n = snprintf(next, sizeof(next), "%.*s/%lu", (int)stem, origin, number + 1);
    if (n > LIMIT_ORIGIN)
        return ERR_TOOBIG;
    memcpy(out, next, (size_t)n + 1);
    return ERR_OK;
}
