#include "proto/invite.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "common/bytes.h"
#include "proto/base32.h"

static const char prefix[] = "sealpost1-";
/* What a later format would look like. */
static const char family[] = "sealpost";

enum {
    PREFIX_LEN = sizeof(prefix) - 1,
    FORMAT = 1,
    CHECK_LEN = 4,
    BYTES_MAX = 1 + 32 + 32 + 16 + 8 + 1 + 255 + 1 + 255 + CHECK_LEN,
};

void
invite_clear(struct invite *inv)
{
    crypto_wipe(inv, sizeof(*inv));
}

void
invite_code_hash(struct hash *out, const uint8_t code[16])
{
    sha256(out, code, 16);
}

/* ---- host:port ---- */

static bool
port_is_valid(const char *p)
{
    unsigned long port = 0;

    if (*p < '1' || *p > '9' || strlen(p) > 5)
        return false;
    for (; *p != '\0'; p++) {
        if (*p < '0' || *p > '9')
            return false;
        port = port * 10 + (unsigned long)(*p - '0');
    }
    return port <= 65535;
}

bool
address_is_valid(const char *address)
{
    const char *colon = strrchr(address, ':');
    size_t host_len = colon == NULL ? 0 : (size_t)(colon - address);
    bool is_v6 = address[0] == '[';
    static const char name_chars[] = "abcdefghijklmnopqrstuvwxyz"
                                     "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                     "0123456789.-_";
    static const char v6_chars[] = "0123456789abcdefABCDEF:.%";

    if (host_len == 0 || strlen(address) > LIMIT_ADDRESS ||
        !port_is_valid(colon + 1))
        return false;
    if (!is_v6)
        return strspn(address, name_chars) == host_len;
    return host_len > 4 && address[host_len - 1] == ']' &&
           strspn(address + 1, v6_chars) == host_len - 2;
}

/* ---- make ---- */

static void
check_of(uint8_t out[CHECK_LEN], const uint8_t *bytes, size_t len)
{
    struct hash h;

    domain_hash(&h, "sealpost/1/invite", &(struct span){bytes, len}, 1);
    memcpy(out, h.b, CHECK_LEN);
}

enum err
invite_make(struct buf *out, const struct invite *inv)
{
    struct buf b = {0};
    uint8_t check[CHECK_LEN];
    uint8_t *text;
    enum err rc;

    if (!text_is_name(text_ref(inv->relay_name), LIMIT_RELAY_NAME) ||
        !address_is_valid(inv->address) || inv->expiry_s > LIMIT_TIME_S)
        return ERR_MALFORMED;
    buf_u8(&b, FORMAT);
    buf_put(&b, inv->network_id.b, 32);
    buf_put(&b, inv->relay_key.b, 32);
    buf_put(&b, inv->code, 16);
    buf_u64(&b, inv->expiry_s);
    buf_u8(&b, (uint8_t)strlen(inv->relay_name));
    buf_str(&b, inv->relay_name);
    buf_u8(&b, (uint8_t)strlen(inv->address));
    buf_str(&b, inv->address);
    rc = buf_status(&b);
    if (rc != ERR_OK)
        goto out;
    check_of(check, b.data, b.len);
    buf_put(&b, check, CHECK_LEN);
    /* base32_encode writes a terminator behind the digits. */
    text = buf_reserve(out, PREFIX_LEN + BASE32_LEN(b.len) + 1);
    if (text == NULL || buf_status(&b) != ERR_OK) {
        rc = ERR_NOMEM;
        goto out;
    }
    memcpy(text, prefix, PREFIX_LEN);
    base32_encode((char *)text + PREFIX_LEN, b.data, b.len);
    out->len += PREFIX_LEN + BASE32_LEN(b.len);
out:
    buf_clear(&b);
    return rc;
}

/* ---- parse ---- */

/* TEXT without white space, terminated.  ERR_TOOBIG. */
static enum err
squeeze(char *out, size_t cap, const char *text)
{
    size_t n = 0;

    for (; *text != '\0'; text++) {
        if (isspace((unsigned char)*text))
            continue;
        if (n + 1 >= cap)
            return ERR_TOOBIG;
        out[n++] = *text;
    }
    out[n] = '\0';
    return ERR_OK;
}

/* "sealpost" digits "-", but not ours: a format that is yet to come. */
static bool
is_of_later_format(const char *text)
{
    size_t n = sizeof(family) - 1, digits;

    if (strncasecmp(text, family, n) != 0)
        return false;
    digits = strspn(text + n, "0123456789");
    return digits > 0 && text[n + digits] == '-';
}

/* A text of the length in front of it, terminated in OUT. */
static void
read_string(struct rd *r, char *out, size_t cap)
{
    size_t len = rd_u8(r);
    const uint8_t *p = rd_ref(r, len);

    if (p == NULL || len >= cap || memchr(p, 0, len) != NULL) {
        r->bad = true;
        return;
    }
    memcpy(out, p, len);
    out[len] = '\0';
}

static enum err
read_fields(struct invite *out, const uint8_t *bytes, size_t len)
{
    struct rd r = rd_from(bytes, len);
    uint8_t format = rd_u8(&r);

    if (format != FORMAT)
        return ERR_VERSION;
    rd_copy(&r, out->network_id.b, 32);
    rd_copy(&r, out->relay_key.b, 32);
    rd_copy(&r, out->code, 16);
    out->expiry_s = rd_u64(&r);
    read_string(&r, out->relay_name, sizeof(out->relay_name));
    read_string(&r, out->address, sizeof(out->address));
    if (rd_end(&r) != ERR_OK ||
        !text_is_name(text_ref(out->relay_name), LIMIT_RELAY_NAME) ||
        !address_is_valid(out->address) || out->expiry_s > LIMIT_TIME_S)
        return ERR_MALFORMED;
    return ERR_OK;
}

/* The bytes behind the prefix, their check removed. */
static enum err
decode_checked(uint8_t bytes[BYTES_MAX], size_t *len, const char *digits)
{
    uint8_t check[CHECK_LEN];

    if (base32_decode(bytes, BYTES_MAX, len, digits, strlen(digits)) !=
            ERR_OK ||
        *len <= CHECK_LEN)
        return ERR_VERIFY;
    *len -= CHECK_LEN;
    check_of(check, bytes, *len);
    return crypto_equal(check, bytes + *len, CHECK_LEN) ? ERR_OK : ERR_VERIFY;
}

enum err
invite_parse(struct invite *out, const char *text, uint64_t now_s)
{
    char line[LIMIT_INVITE_TEXT];
    uint8_t bytes[BYTES_MAX];
    struct invite got = {0};
    size_t len;
    enum err rc = ERR_MALFORMED;

    if (squeeze(line, sizeof(line), text) != ERR_OK)
        goto out;
    if (strncasecmp(line, prefix, PREFIX_LEN) != 0) {
        rc = is_of_later_format(line) ? ERR_VERSION : ERR_MALFORMED;
        goto out;
    }
    rc = decode_checked(bytes, &len, line + PREFIX_LEN);
    if (rc == ERR_OK)
        rc = read_fields(&got, bytes, len);
    if (rc != ERR_OK)
        goto out;
    *out = got;
    if (now_s >= got.expiry_s)
        rc = ERR_EXPIRED;
out:
    crypto_wipe(line, sizeof(line));
    crypto_wipe(bytes, sizeof(bytes));
    invite_clear(&got);
    return rc;
}
