#include "proto/invite.h"

#include <string.h>

#include "proto/base32.h"
#include "proto/textcard.h"

static const struct textcard kind = {
    .begin = "-----BEGIN SEALPOST RELAY CARD-----",
    .end = "-----END SEALPOST RELAY CARD-----",
    .domain = "sealpost/1/card",
};

enum { KEY_DIGITS = BASE32_LEN(32) };

static bool
card_is_fine(const struct relay_card *c)
{
    return text_is_name(text_ref(c->name), LIMIT_RELAY_NAME) &&
           text_is_name(text_ref(c->delivery_origin), LIMIT_ORIGIN) &&
           text_is_name(text_ref(c->directory_origin), LIMIT_ORIGIN) &&
           (c->address[0] == '\0' || address_is_valid(c->address));
}

/* The lines that the check covers. */
static enum err
put_lines(struct buf *b, const struct relay_card *c)
{
    char transport[KEY_DIGITS + 1], log[KEY_DIGITS + 1];

    if (!card_is_fine(c))
        return ERR_MALFORMED;
    base32_encode(transport, c->transport_key.b, 32);
    base32_encode(log, c->log_key.b, 32);
    buf_printf(b,
               "name: %s\n"
               "transport-key: %s\n"
               "log-key: %s\n"
               "delivery-origin: %s\n"
               "directory-origin: %s\n"
               "address: %s\n",
               c->name, transport, log, c->delivery_origin, c->directory_origin,
               c->address[0] == '\0' ? "-" : c->address);
    return buf_status(b);
}

enum err
relay_card_check(char out[10], const struct relay_card *card)
{
    struct buf b = {0};
    enum err rc = put_lines(&b, card);

    if (rc == ERR_OK)
        textcard_check(&kind, b.data, b.len, out);
    buf_clear(&b);
    return rc;
}

enum err
relay_card_make(struct buf *out, const struct relay_card *card)
{
    struct buf b = {0};
    enum err rc = put_lines(&b, card);

    if (rc == ERR_OK)
        rc = textcard_put(&kind, &b, out);
    buf_clear(&b);
    return rc;
}

static bool
read_lines(struct rd *r, struct relay_card *c,
           char check[TEXTCARD_CHECK_LEN + 1])
{
    if (!textcard_field(r, "name", c->name, sizeof(c->name)) ||
        !textcard_bytes(r, "transport-key", c->transport_key.b, 32) ||
        !textcard_bytes(r, "log-key", c->log_key.b, 32) ||
        !textcard_field(r, "delivery-origin", c->delivery_origin,
                        sizeof(c->delivery_origin)) ||
        !textcard_field(r, "directory-origin", c->directory_origin,
                        sizeof(c->directory_origin)) ||
        !textcard_field(r, "address", c->address, sizeof(c->address)))
        return false;
    if (strcmp(c->address, "-") == 0)
        c->address[0] = '\0';
    return textcard_end(&kind, r, check);
}

enum err
relay_card_parse(struct relay_card *out, const char *text, size_t len)
{
    struct rd r = rd_from(text, len);
    struct relay_card got = {0};
    char said[TEXTCARD_CHECK_LEN + 1], right[TEXTCARD_CHECK_LEN + 1];
    enum err rc;

    if (len > LIMIT_RELAY_CARD || !textcard_find(&kind, &r))
        return ERR_MALFORMED;
    if (!read_lines(&r, &got, said))
        return ERR_VERIFY;
    rc = relay_card_check(right, &got);
    if (rc == ERR_NOMEM)
        return rc;
    if (rc != ERR_OK || strcmp(said, right) != 0)
        return ERR_VERIFY;
    *out = got;
    return ERR_OK;
}
