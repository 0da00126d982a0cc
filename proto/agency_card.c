#include "proto/invite.h"

#include <string.h>

#include "proto/base32.h"
#include "proto/textcard.h"

static const struct textcard kind = {
    .begin = "-----BEGIN SEALPOST AGENCY CARD-----",
    .end = "-----END SEALPOST AGENCY CARD-----",
    .domain = "sealpost/1/agency-card",
};

enum { KEY_DIGITS = BASE32_LEN(32), ID_DIGITS = BASE32_LEN(16) };

static bool
card_is_fine(const struct agency_card *c)
{
    return text_is_line(text_ref(c->name), LIMIT_AGENCY_NAME) &&
           text_is_name(text_ref(c->relay_name), LIMIT_RELAY_NAME) &&
           address_is_valid(c->address);
}

/* The lines that the check covers. */
static enum err
put_lines(struct buf *b, const struct agency_card *c)
{
    char id[ID_DIGITS + 1], root[KEY_DIGITS + 1];
    char network[KEY_DIGITS + 1], relay[KEY_DIGITS + 1];

    if (!card_is_fine(c))
        return ERR_MALFORMED;
    base32_encode(id, c->agency.b, 16);
    base32_encode(root, c->root.b, 32);
    base32_encode(network, c->network_id.b, 32);
    base32_encode(relay, c->relay_key.b, 32);
    buf_printf(b,
               "agency: %s\n"
               "agency-id: %s\n"
               "root: %s\n"
               "network: %s\n"
               "relay: %s\n"
               "relay-key: %s\n"
               "address: %s\n",
               c->name, id, root, network, c->relay_name, relay, c->address);
    return buf_status(b);
}

enum err
agency_card_make(struct buf *out, const struct agency_card *card)
{
    struct buf b = {0};
    enum err rc = put_lines(&b, card);

    if (rc == ERR_OK)
        rc = textcard_put(&kind, &b, out);
    buf_clear(&b);
    return rc;
}

static bool
read_lines(struct rd *r, struct agency_card *c,
           char check[TEXTCARD_CHECK_LEN + 1])
{
    return textcard_field(r, "agency", c->name, sizeof(c->name)) &&
           textcard_bytes(r, "agency-id", c->agency.b, 16) &&
           textcard_bytes(r, "root", c->root.b, 32) &&
           textcard_bytes(r, "network", c->network_id.b, 32) &&
           textcard_field(r, "relay", c->relay_name, sizeof(c->relay_name)) &&
           textcard_bytes(r, "relay-key", c->relay_key.b, 32) &&
           textcard_field(r, "address", c->address, sizeof(c->address)) &&
           textcard_end(&kind, r, check);
}

enum err
agency_card_parse(struct agency_card *out, const char *text, size_t len)
{
    struct rd r = rd_from(text, len);
    struct agency_card got = {0};
    char said[TEXTCARD_CHECK_LEN + 1], right[TEXTCARD_CHECK_LEN + 1];
    struct buf lines = {0};
    enum err rc;

    if (len > LIMIT_RELAY_CARD || !textcard_find(&kind, &r))
        return ERR_MALFORMED;
    if (!read_lines(&r, &got, said))
        return ERR_VERIFY;
    rc = put_lines(&lines, &got);
    if (rc == ERR_OK) {
        textcard_check(&kind, lines.data, lines.len, right);
        if (strcmp(said, right) != 0)
            rc = ERR_VERIFY;
    } else if (rc == ERR_MALFORMED) {
        rc = ERR_VERIFY;
    }
    buf_clear(&lines);
    if (rc == ERR_OK)
        *out = got;
    return rc;
}
