#include "common/bytes.h"

#include <string.h>

struct rd
rd_from(const void *bytes, size_t len)
{
    return (struct rd){.p = bytes, .left = len, .bad = false};
}

const uint8_t *
rd_ref(struct rd *r, size_t len)
{
    const uint8_t *p = r->p;

    if (r->bad || len > r->left) {
        r->bad = true;
        return NULL;
    }
    if (len == 0)
        return p != NULL ? p : (const uint8_t *)"";
    r->p += len;
    r->left -= len;
    return p;
}

uint8_t
rd_u8(struct rd *r)
{
    const uint8_t *p = rd_ref(r, 1);

    return p != NULL ? p[0] : 0;
}

uint16_t
rd_u16(struct rd *r)
{
    const uint8_t *p = rd_ref(r, 2);

    return p != NULL ? get_u16(p) : 0;
}

uint32_t
rd_u24(struct rd *r)
{
    const uint8_t *p = rd_ref(r, 3);

    return p != NULL ? get_u24(p) : 0;
}

uint32_t
rd_u32(struct rd *r)
{
    const uint8_t *p = rd_ref(r, 4);

    return p != NULL ? get_u32(p) : 0;
}

uint64_t
rd_u64(struct rd *r)
{
    const uint8_t *p = rd_ref(r, 8);

    return p != NULL ? get_u64(p) : 0;
}

void
rd_copy(struct rd *r, void *dst, size_t len)
{
    const uint8_t *p = rd_ref(r, len);

    if (len == 0)
        return;
    if (p != NULL)
        memcpy(dst, p, len);
    else
        memset(dst, 0, len);
}

void
rd_expect(struct rd *r, const void *expect, size_t len)
{
    const uint8_t *p = rd_ref(r, len);

    if (p != NULL && len > 0 && memcmp(p, expect, len) != 0)
        r->bad = true;
}

enum err
rd_end(const struct rd *r)
{
    return r->bad || r->left != 0 ? ERR_MALFORMED : ERR_OK;
}

void
put_u16(uint8_t *p, uint16_t v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

void
put_u24(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)(v >> 16);
    put_u16(p + 1, (uint16_t)v);
}

void
put_u32(uint8_t *p, uint32_t v)
{
    put_u16(p, (uint16_t)(v >> 16));
    put_u16(p + 2, (uint16_t)v);
}

void
put_u64(uint8_t *p, uint64_t v)
{
    put_u32(p, (uint32_t)(v >> 32));
    put_u32(p + 4, (uint32_t)v);
}

uint16_t
get_u16(const uint8_t *p)
{
    return (uint16_t)(p[0] << 8 | p[1]);
}

uint32_t
get_u24(const uint8_t *p)
{
    return (uint32_t)p[0] << 16 | get_u16(p + 1);
}

uint32_t
get_u32(const uint8_t *p)
{
    return (uint32_t)get_u16(p) << 16 | get_u16(p + 2);
}

uint64_t
get_u64(const uint8_t *p)
{
    return (uint64_t)get_u32(p) << 32 | get_u32(p + 4);
}

void
hex_encode(char *out, const void *bytes, size_t len)
{
    const uint8_t *p = bytes;

    for (size_t i = 0; i < len; i++) {
        out[2 * i] = "0123456789abcdef"[p[i] >> 4];
        out[2 * i + 1] = "0123456789abcdef"[p[i] & 15];
    }
    out[2 * len] = '\0';
}

static int
digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

enum err
hex_decode(void *out, size_t len, const char *hex)
{
    uint8_t *p = out;

    for (size_t i = 0; i < 2 * len; i++) /* stops at an early terminator */
        if (digit(hex[i]) < 0)
            return ERR_MALFORMED;
    if (hex[2 * len] != '\0')
        return ERR_MALFORMED;
    for (size_t i = 0; i < len; i++)
        p[i] = (uint8_t)(digit(hex[2 * i]) << 4 | digit(hex[2 * i + 1]));
    return ERR_OK;
}
