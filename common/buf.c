#include "common/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/bytes.h"

static void
wipe(void *p, size_t len)
{
    if (len > 0)
        explicit_bzero(p, len);
}

void
buf_clear(struct buf *b)
{
    wipe(b->data, b->cap);
    free(b->data);
    *b = (struct buf){0};
}

void
buf_reset(struct buf *b)
{
    wipe(b->data, b->len);
    b->len = 0;
    b->failed = false;
}

enum err
buf_status(const struct buf *b)
{
    return b->failed ? ERR_NOMEM : ERR_OK;
}

/* realloc() could leave a copy of the old bytes behind. */
static bool
move_to(struct buf *b, size_t cap)
{
    uint8_t *data = malloc(cap);

    if (data == NULL)
        return false;
    if (b->len > 0)
        memcpy(data, b->data, b->len);
    wipe(b->data, b->cap);
    free(b->data);
    b->data = data;
    b->cap = cap;
    return true;
}

uint8_t *
buf_reserve(struct buf *b, size_t len)
{
    size_t cap = b->cap < 64 ? 64 : b->cap;

    if (b->failed)
        return NULL;
    if (b->data == NULL || len > b->cap - b->len) {
        while (len > cap - b->len && cap <= SIZE_MAX / 2)
            cap *= 2;
        if (len > cap - b->len || !move_to(b, cap)) {
            b->failed = true;
            return NULL;
        }
    }
    return b->data + b->len;
}

uint8_t *
buf_extend(struct buf *b, size_t len)
{
    uint8_t *p = buf_reserve(b, len);

    if (p != NULL)
        b->len += len;
    return p;
}

void
buf_put(struct buf *b, const void *bytes, size_t len)
{
    uint8_t *p = buf_extend(b, len);

    if (p != NULL && len > 0)
        memcpy(p, bytes, len);
}

void
buf_str(struct buf *b, const char *text)
{
    buf_put(b, text, strlen(text));
}

void
buf_zeros(struct buf *b, size_t len)
{
    uint8_t *p = buf_extend(b, len);

    if (p != NULL)
        memset(p, 0, len);
}

void
buf_u8(struct buf *b, uint8_t v)
{
    buf_put(b, &v, 1);
}

void
buf_u16(struct buf *b, uint16_t v)
{
    uint8_t *p = buf_extend(b, 2);

    if (p != NULL)
        put_u16(p, v);
}

void
buf_u24(struct buf *b, uint32_t v)
{
    uint8_t *p = buf_extend(b, 3);

    if (p != NULL)
        put_u24(p, v);
}

void
buf_u32(struct buf *b, uint32_t v)
{
    uint8_t *p = buf_extend(b, 4);

    if (p != NULL)
        put_u32(p, v);
}

void
buf_u64(struct buf *b, uint64_t v)
{
    uint8_t *p = buf_extend(b, 8);

    if (p != NULL)
        put_u64(p, v);
}

void
buf_printf(struct buf *b, const char *fmt, ...)
{
    va_list ap;
    uint8_t *p;
    int n;

    va_start(ap, fmt);
    n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    if (n < 0) {
        b->failed = true;
        return;
    }
    p = buf_reserve(b, (size_t)n + 1);
    if (p == NULL)
        return;
    va_start(ap, fmt);
    vsnprintf((char *)p, (size_t)n + 1, fmt, ap);
    va_end(ap);
    b->len += (size_t)n;
}

void
buf_drop(struct buf *b, size_t n)
{
    if (n >= b->len) {
        wipe(b->data, b->len);
        b->len = 0;
        return;
    }
    memmove(b->data, b->data + n, b->len - n);
    wipe(b->data + b->len - n, n);
    b->len -= n;
}
