#include "tests/lib/msgsample.h"

#include <assert.h>
#include <string.h>

const struct sample_change sample_plain = {.field = -1};

static void
uint_head(struct buf *b, uint64_t v)
{
    if (v <= 0x7f) {
        buf_u8(b, (uint8_t)v);
    } else if (v <= 0xff) {
        buf_u8(b, 0xcc);
        buf_u8(b, (uint8_t)v);
    } else if (v <= 0xffff) {
        buf_u8(b, 0xcd);
        buf_u16(b, (uint16_t)v);
    } else if (v <= 0xffffffff) {
        buf_u8(b, 0xce);
        buf_u32(b, (uint32_t)v);
    } else {
        buf_u8(b, 0xcf);
        buf_u64(b, v);
    }
}

/* FIX: first byte of the short form, below FIX_END; W8: 0 where there is no
 * form with 8 bits. */
static void
counted_head(struct buf *b, uint64_t v, uint8_t fix, uint64_t fix_end,
             uint8_t w8, uint8_t w16, uint8_t w32)
{
    if (v < fix_end) {
        buf_u8(b, (uint8_t)(fix | v));
    } else if (w8 != 0 && v <= 0xff) {
        buf_u8(b, w8);
        buf_u8(b, (uint8_t)v);
    } else if (v <= 0xffff) {
        buf_u8(b, w16);
        buf_u16(b, (uint16_t)v);
    } else {
        buf_u8(b, w32);
        buf_u32(b, (uint32_t)v);
    }
}

void
sample_head(struct buf *b, enum msg_kind kind, uint64_t v)
{
    switch (kind) {
    case MSG_NIL:
        buf_u8(b, 0xc0);
        break;
    case MSG_UINT:
        uint_head(b, v);
        break;
    case MSG_BIN:
        counted_head(b, v, 0, 0, 0xc4, 0xc5, 0xc6);
        break;
    case MSG_STR:
        counted_head(b, v, 0xa0, 32, 0xd9, 0xda, 0xdb);
        break;
    case MSG_LIST:
        counted_head(b, v, 0x90, 16, 0, 0xdc, 0xdd);
        break;
    }
}

void
sample_value(struct buf *b, enum msg_kind kind, uint64_t v)
{
    uint8_t *p;

    sample_head(b, kind, v);
    if (kind != MSG_BIN && kind != MSG_STR)
        return;
    p = buf_extend(b, (size_t)v);
    assert(p != NULL);
    memset(p, 'a', (size_t)v);
}

void
sample_field(struct buf *b, const struct msg_field_spec *s, uint64_t v)
{
    sample_value(b, s->kind, v);
    if (s->kind != MSG_LIST)
        return;
    for (uint64_t i = 0; i < v; i++) {
        if (s->item_n == 0) {
            sample_field(b, s->item, s->item->min);
            continue;
        }
        sample_head(b, MSG_LIST, s->item_n);
        for (unsigned k = 0; k < s->item_n; k++)
            sample_field(b, &s->item[k], s->item[k].min);
    }
}

uint32_t
sample_req(const struct msg_spec *spec)
{
    return spec->turn == MSG_PUSHES ? 0 : 7;
}

void
sample_message(struct buf *b, const struct msg_spec *spec,
               const struct sample_change *c)
{
    unsigned n = (unsigned)((int)spec->n + c->more_fields);

    sample_head(b, MSG_LIST, 2 + n);
    sample_head(b, MSG_UINT, spec->type);
    sample_head(b, MSG_UINT, sample_req(spec));
    for (unsigned i = 0; i < n; i++) {
        if (i >= spec->n)
            sample_head(b, MSG_NIL, 0);
        else if ((int)i != c->field)
            sample_field(b, &spec->f[i], spec->f[i].min);
        else if (c->kind == spec->f[i].kind)
            sample_field(b, &spec->f[i], c->v);
        else
            sample_value(b, c->kind, c->v);
    }
}
