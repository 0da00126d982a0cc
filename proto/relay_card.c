#include "proto/invite.h"

#include <string.h>

#include "common/bytes.h"
#include "proto/base32.h"

static const char begin_line[] = "-----BEGIN SEALPOST RELAY CARD-----";
static const char end_line[] = "-----END SEALPOST RELAY CARD-----";

enum { KEY_DIGITS = BASE32_LEN(32), CHECK_TEXT_LEN = 9 };

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

/* XXXX-XXXX of the covered lines. */
static void
check_text(char out[CHECK_TEXT_LEN + 1], const void *lines, size_t len)
{
    char digits[9];
    struct hash h;

    domain_hash(&h, "sealpost/1/card", &(struct span){lines, len}, 1);
    crockford_encode(digits, 8, h.b, sizeof(h.b));
    memcpy(out, digits, 4);
    out[4] = '-';
    memcpy(out + 5, digits + 4, 5);
}

enum err
relay_card_check(char out[10], const struct relay_card *card)
{
    struct buf b = {0};
    enum err rc = put_lines(&b, card);

    if (rc == ERR_OK)
        check_text(out, b.data, b.len);
    buf_clear(&b);
    return rc;
}

enum err
relay_card_make(struct buf *out, const struct relay_card *card)
{
    char check[CHECK_TEXT_LEN + 1];
    struct buf b = {0};
    enum err rc = put_lines(&b, card);

    if (rc != ERR_OK)
        goto out;
    check_text(check, b.data, b.len);
    buf_printf(out, "%s\n%.*scheck: %s\n%s\n", begin_line, (int)b.len,
               (const char *)b.data, check, end_line);
    rc = buf_status(out);
out:
    buf_clear(&b);
    return rc;
}

/* ---- parse ---- */

/* The next line, white space at both ends cut off.  False at the end. */
static bool
next_line(struct rd *r, struct text_ref *line)
{
    const uint8_t *p = r->p, *lf;
    size_t len;

    if (r->left == 0)
        return false;
    lf = memchr(p, '\n', r->left);
    len = lf == NULL ? r->left : (size_t)(lf - p);
    rd_ref(r, lf == NULL ? len : len + 1);
    while (len > 0 && strchr(" \t\r", p[0]) != NULL && p[0] != '\0') {
        p++;
        len--;
    }
    while (len > 0 && strchr(" \t\r", p[len - 1]) != NULL && p[len - 1] != '\0')
        len--;
    *line = (struct text_ref){(const char *)p, len};
    return true;
}

static bool
line_equals(struct text_ref line, const char *text)
{
    return line.len == strlen(text) && memcmp(line.p, text, line.len) == 0;
}

/* The value of "FIELD: value" on the next line, terminated in OUT. */
static bool
read_field(struct rd *r, const char *field, char *out, size_t cap)
{
    struct text_ref line;
    size_t n = strlen(field);

    if (!next_line(r, &line) || line.len <= n + 2 ||
        memcmp(line.p, field, n) != 0 || memcmp(line.p + n, ": ", 2) != 0)
        return false;
    line.p += n + 2;
    line.len -= n + 2;
    if (line.len >= cap || memchr(line.p, 0, line.len) != NULL)
        return false;
    memcpy(out, line.p, line.len);
    out[line.len] = '\0';
    return true;
}

static bool
read_key(struct rd *r, const char *field, uint8_t key[32])
{
    char digits[KEY_DIGITS + 1];
    size_t len;

    return read_field(r, field, digits, sizeof(digits)) &&
           base32_decode(key, 32, &len, digits, strlen(digits)) == ERR_OK &&
           len == 32;
}

static bool
read_lines(struct rd *r, struct relay_card *c, char check[CHECK_TEXT_LEN + 1])
{
    struct text_ref line;

    if (!read_field(r, "name", c->name, sizeof(c->name)) ||
        !read_key(r, "transport-key", c->transport_key.b) ||
        !read_key(r, "log-key", c->log_key.b) ||
        !read_field(r, "delivery-origin", c->delivery_origin,
                    sizeof(c->delivery_origin)) ||
        !read_field(r, "directory-origin", c->directory_origin,
                    sizeof(c->directory_origin)) ||
        !read_field(r, "address", c->address, sizeof(c->address)) ||
        !read_field(r, "check", check, CHECK_TEXT_LEN + 1))
        return false;
    if (strcmp(c->address, "-") == 0)
        c->address[0] = '\0';
    return next_line(r, &line) && line_equals(line, end_line);
}

enum err
relay_card_parse(struct relay_card *out, const char *text, size_t len)
{
    struct rd r = rd_from(text, len);
    struct relay_card got = {0};
    struct text_ref line;
    char said[CHECK_TEXT_LEN + 1], right[CHECK_TEXT_LEN + 1];
    enum err rc;

    if (len > LIMIT_RELAY_CARD)
        return ERR_MALFORMED;
    do {
        if (!next_line(&r, &line))
            return ERR_MALFORMED;
    } while (!line_equals(line, begin_line));
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
