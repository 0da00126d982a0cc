#include "proto/record.h"

#include <assert.h>
#include <string.h>

#include "common/bytes.h"

/* Every plaintext has one of these lengths. */
static const size_t sizes[] = {128, 512, 2048, 8192, 32768, NOISE_PLAIN_MAX};

enum { SIZES = sizeof(sizes) / sizeof(sizes[0]), LEN_LEN = 2 };

static const struct {
    size_t min, max;
} kinds[RECORD_KINDS] = {
    [RECORD_IDLE] = {0, 0},
    [RECORD_LAST] = {1, RECORD_BYTES_MAX},
    [RECORD_PART] = {1, RECORD_BYTES_MAX},
    [RECORD_BLOB] = {RECORD_BLOB_HEAD_LEN + 1, RECORD_BYTES_MAX},
    [RECORD_BYE] = {2, 2},
};

static size_t
plain_len(size_t len)
{
    size_t i = 0;

    while (sizes[i] < RECORD_HEAD_LEN + len)
        i++;
    return sizes[i];
}

size_t
record_wire_len(size_t len)
{
    return LEN_LEN + plain_len(len) + AEAD_TAG_LEN;
}

bool
record_is_len(unsigned len)
{
    for (size_t i = 0; i < SIZES; i++)
        if (len == sizes[i] + AEAD_TAG_LEN)
            return true;
    return false;
}

static size_t
sum_of(const struct span *parts, size_t n)
{
    size_t sum = 0;

    for (size_t i = 0; i < n; i++)
        sum += parts[i].len;
    return sum;
}

static void
write_plain(uint8_t *p, enum record_kind kind, const struct span *parts,
            size_t n, size_t len, size_t plain)
{
    p[0] = (uint8_t)kind;
    put_u24(p + 1, (uint32_t)len);
    memset(p + RECORD_HEAD_LEN + len, 0, plain - RECORD_HEAD_LEN - len);
    p += RECORD_HEAD_LEN;
    for (size_t i = 0; i < n; i++) {
        if (parts[i].len > 0)
            memcpy(p, parts[i].p, parts[i].len);
        p += parts[i].len;
    }
}

enum err
record_seal(struct noise_cipher *c, struct buf *out, enum record_kind kind,
            const struct span *parts, size_t n)
{
    size_t len = sum_of(parts, n);
    size_t plain;
    uint8_t *p;
    enum err rc;

    assert(kind < RECORD_KINDS && len >= kinds[kind].min &&
           len <= kinds[kind].max);
    plain = plain_len(len);
    p = buf_reserve(out, record_wire_len(len));
    if (p == NULL) {
        out->failed = false; /* nothing was lost */
        return ERR_NOMEM;
    }
    write_plain(p + LEN_LEN, kind, parts, n, len, plain);
    rc = noise_seal(c, p + LEN_LEN, p + LEN_LEN, plain);
    if (rc != ERR_OK) {
        crypto_wipe(p + LEN_LEN, plain);
        return rc;
    }
    put_u16(p, (uint16_t)(plain + AEAD_TAG_LEN));
    out->len += record_wire_len(len);
    return ERR_OK;
}

static bool
is_zero(const uint8_t *p, size_t len)
{
    return len == 0 || (p[0] == 0 && memcmp(p, p + 1, len - 1) == 0);
}

static enum err
parse_plain(const uint8_t *p, size_t plain, struct record *out)
{
    struct rd r = rd_from(p, plain);
    unsigned kind = rd_u8(&r);
    size_t len = rd_u24(&r);
    const uint8_t *bytes = rd_ref(&r, len);

    if (r.bad || kind >= RECORD_KINDS || len < kinds[kind].min ||
        len > kinds[kind].max || plain != plain_len(len) ||
        !is_zero(r.p, r.left))
        return ERR_MALFORMED;
    *out = (struct record){(enum record_kind)kind, bytes, len};
    return ERR_OK;
}

enum err
record_open(struct noise_cipher *c, uint8_t *sealed, size_t len,
            struct record *out)
{
    enum err rc;

    if (!record_is_len((unsigned)len))
        return ERR_MALFORMED;
    rc = noise_open(c, sealed, sealed, len);
    if (rc != ERR_OK)
        return rc;
    return parse_plain(sealed, len - AEAD_TAG_LEN, out);
}
