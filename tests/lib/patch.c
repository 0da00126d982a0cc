#include "tests/lib/patch.h"

#include <stdlib.h>
#include <string.h>

enum { XOR, OVER, INSERT, REMOVE, CUT, AGAIN, KINDS };

void
must(bool truth)
{
    if (!truth)
        abort();
}

/* BYTES with LEN bytes at AT replaced by N bytes of P. */
static void
splice(struct buf *bytes, size_t at, size_t len, const void *p, size_t n)
{
    struct buf out = {0};

    if (len > bytes->len - at)
        len = bytes->len - at;
    buf_put(&out, bytes->data, at);
    buf_put(&out, p, n);
    buf_put(&out, bytes->data + at + len, bytes->len - at - len);
    must(buf_status(&out) == ERR_OK);
    buf_clear(bytes);
    *bytes = out;
}

static void
mix(struct buf *bytes, size_t at, const uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n && at + i < bytes->len; i++)
        bytes->data[at + i] ^= p[i];
}

static void
repeat(struct rd *input, struct buf *bytes, size_t at, size_t n)
{
    size_t from = rd_u16(input) % (bytes->len + 1);
    uint8_t piece[256];

    if (n > bytes->len - from)
        n = bytes->len - from;
    if (n == 0)
        return;
    memcpy(piece, bytes->data + from, n);
    splice(bytes, at, 0, piece, n);
}

bool
patch_step(struct rd *input, struct buf *bytes, size_t max)
{
    unsigned what = rd_u8(input) % KINDS;
    size_t at = rd_u16(input) % (bytes->len + 1);
    size_t n = rd_u8(input);
    size_t room = what == OVER ? bytes->len - at : max - bytes->len;
    const uint8_t *p;

    if (input->bad)
        return false;
    if ((what == INSERT || what == AGAIN || what == OVER) && n > room)
        n = room;
    if (what == XOR || what == OVER || what == INSERT) {
        n = n < input->left ? n : input->left;
        p = rd_ref(input, n);
        if (what == XOR)
            mix(bytes, at, p, n);
        else
            splice(bytes, at, what == OVER ? n : 0, p, n);
    } else if (what == AGAIN) {
        repeat(input, bytes, at, n);
    } else {
        splice(bytes, at, what == CUT ? bytes->len : n, "", 0);
    }
    return true;
}

bool
patch_apply(struct rd *input, struct buf *bytes, size_t max)
{
    struct buf was = {0};
    bool is_changed;

    buf_put(&was, bytes->data, bytes->len);
    must(buf_status(&was) == ERR_OK);
    while (patch_step(input, bytes, max))
        ;
    is_changed = was.len != bytes->len ||
                 (was.len > 0 && memcmp(was.data, bytes->data, was.len) != 0);
    buf_clear(&was);
    return is_changed;
}
