#include "proto/pad.h"

#include <assert.h>

#include "common/bytes.h"
#include "proto/chunked.h"

static unsigned
floor_log2(uint64_t v)
{
    return 63 - (unsigned)__builtin_clzll(v);
}

uint64_t
padme(uint64_t len)
{
    unsigned e, s;
    uint64_t mask;

    assert(len >= 2 && len <= (uint64_t)1 << 62);
    e = floor_log2(len);
    s = floor_log2(e) + 1;
    if (e < s) /* 2 and 3 are too short to be rounded */
        return len;
    mask = ((uint64_t)1 << (e - s)) - 1;
    return (len + mask) & ~mask;
}

bool
padme_is_fixed(uint64_t len)
{
    return len >= PAD_LEN_MIN && len <= (uint64_t)1 << 62 && padme(len) == len;
}

uint64_t
pad_len(uint64_t len)
{
    return padme(len + 4 > PAD_LEN_MIN ? len + 4 : PAD_LEN_MIN);
}

enum err
pad(struct buf *out, const void *bytes, size_t len)
{
    if (len > PAD_INNER_MAX)
        return ERR_TOOBIG;
    buf_u32(out, (uint32_t)len);
    buf_put(out, bytes, len);
    buf_zeros(out, (size_t)pad_len(len) - 4 - len);
    return buf_status(out);
}

enum err
unpad(const uint8_t *padded, size_t len, const uint8_t **out, size_t *out_len)
{
    struct rd r = rd_from(padded, len);
    size_t inner_len = rd_u32(&r);
    const uint8_t *inner = rd_ref(&r, inner_len);
    uint8_t any = 0;

    if (inner == NULL || inner_len > PAD_INNER_MAX || pad_len(inner_len) != len)
        return ERR_MALFORMED;
    for (size_t i = 0; i < r.left; i++)
        any |= r.p[i];
    if (any != 0)
        return ERR_MALFORMED;
    *out = inner;
    *out_len = inner_len;
    return ERR_OK;
}

uint64_t
body_len_for(uint64_t inner_len)
{
    return chunked_len(pad_len(inner_len));
}

bool
body_len_is_valid(uint64_t body_len)
{
    uint64_t padded;

    return chunked_plain_len(body_len, &padded) == ERR_OK &&
           padded <= PAD_LEN_MAX && padme_is_fixed(padded);
}
