#include "proto/msgcheck.h"

#include "common/bytes.h"

struct walk {
    struct rd r;
    size_t cells;
};

/* One value's head: its kind, and its number (UINT), length or count. */
struct head {
    enum msg_kind kind;
    uint64_t v;
};

/* The forms with a number behind the first byte; FLOOR is the least number
 * that no shorter form holds. */
static const struct form {
    uint8_t first;
    uint8_t width;
    enum msg_kind kind;
    uint64_t floor;
} forms[] = {
    {0xc4, 1, MSG_BIN, 0},
    {0xc5, 2, MSG_BIN, 0x100},
    {0xc6, 4, MSG_BIN, 0x10000},
    {0xcc, 1, MSG_UINT, 0x80},
    {0xcd, 2, MSG_UINT, 0x100},
    {0xce, 4, MSG_UINT, 0x10000},
    {0xcf, 8, MSG_UINT, UINT64_C(0x100000000)},
    {0xd9, 1, MSG_STR, 32},
    {0xda, 2, MSG_STR, 0x100},
    {0xdb, 4, MSG_STR, 0x10000},
    {0xdc, 2, MSG_LIST, 16},
    {0xdd, 4, MSG_LIST, 0x10000},
};

static uint64_t
read_number(struct rd *r, unsigned width)
{
    uint64_t v = 0;

    for (unsigned i = 0; i < width; i++)
        v = v << 8 | rd_u8(r);
    return v;
}

static bool
read_wide(struct rd *r, uint8_t first, struct head *h)
{
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        if (forms[i].first != first)
            continue;
        h->kind = forms[i].kind;
        h->v = read_number(r, forms[i].width);
        return h->v >= forms[i].floor;
    }
    return false; /* maps, extensions, floats, signed numbers, true, false */
}

static bool
read_form(struct rd *r, struct head *h)
{
    uint8_t first = rd_u8(r);

    if (first <= 0x7f)
        *h = (struct head){MSG_UINT, first};
    else if (first >= 0x90 && first <= 0x9f)
        *h = (struct head){MSG_LIST, first & 0x0f};
    else if (first >= 0xa0 && first <= 0xbf)
        *h = (struct head){MSG_STR, first & 0x1f};
    else if (first == 0xc0)
        *h = (struct head){MSG_NIL, 0};
    else
        return read_wide(r, first, h);
    return true;
}

/* A head whose length or count the remaining bytes can hold at all. */
static bool
read_head(struct walk *w, struct head *h)
{
    if (!read_form(&w->r, h) || w->r.bad)
        return false;
    return h->kind == MSG_UINT || h->kind == MSG_NIL || h->v <= w->r.left;
}

/* Bytes that follow a first byte of UTF-8, and the least code point that may
 * need so many (Unicode 15, table 3-7); -1: not a first byte. */
static int
utf8_tail(uint8_t first, uint32_t *bits, uint32_t *floor)
{
    static const struct {
        uint8_t mask, is;
        uint32_t floor;
    } kinds[] = {{0x80, 0x00, 0},
                 {0xe0, 0xc0, 0x80},
                 {0xf0, 0xe0, 0x800},
                 {0xf8, 0xf0, 0x10000}};

    for (int i = 0; i < 4; i++)
        if ((first & kinds[i].mask) == kinds[i].is) {
            *bits = first & (uint8_t)~kinds[i].mask;
            *floor = kinds[i].floor;
            return i;
        }
    return -1;
}

static bool
is_utf8(const uint8_t *p, size_t len)
{
    struct rd r = rd_from(p, len);

    while (r.left > 0) {
        uint32_t c = 0, floor = 0;
        int tail = utf8_tail(rd_u8(&r), &c, &floor);

        for (int i = 0; i < tail; i++) {
            uint8_t b = rd_u8(&r);

            if ((b & 0xc0) != 0x80)
                return false;
            c = c << 6 | (b & 0x3f);
        }
        if (tail < 0 || r.bad || c < floor || c > 0x10ffff ||
            (c >= 0xd800 && c <= 0xdfff))
            return false;
    }
    return true;
}

static bool
in_range(const struct msg_field_spec *s, uint64_t v)
{
    return v >= s->min && v <= s->max && (s->step <= 1 || v % s->step == 0);
}

static bool check_list(struct walk *w, const struct msg_field_spec *s,
                       uint64_t count);

static bool
check_value(struct walk *w, const struct msg_field_spec *s)
{
    struct head h;
    const uint8_t *p;

    if (!read_head(w, &h))
        return false;
    if (h.kind == MSG_NIL)
        return s->nil_ok;
    if (h.kind != s->kind || !in_range(s, h.v))
        return false;
    if (h.kind == MSG_LIST)
        return check_list(w, s, h.v);
    if (h.kind == MSG_UINT)
        return true;
    p = rd_ref(&w->r, (size_t)h.v);
    return h.kind == MSG_BIN || is_utf8(p, (size_t)h.v);
}

/* One item: a plain value, or a row with its fields in order. */
static bool
check_item(struct walk *w, const struct msg_field_spec *s)
{
    struct head h;

    w->cells += 1 + s->item_n;
    if (s->item_n == 0)
        return check_value(w, s->item);
    if (!read_head(w, &h) || h.kind != MSG_LIST || h.v != s->item_n)
        return false;
    for (unsigned i = 0; i < s->item_n; i++)
        if (!check_value(w, &s->item[i]))
            return false;
    return true;
}

/* The table has no list in a list's row, so this goes three deep at most. */
static bool
check_list(struct walk *w, const struct msg_field_spec *s, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++)
        if (!check_item(w, s))
            return false;
    return true;
}

static bool
check_req(enum msg_turn turn, uint64_t req)
{
    if (req == 0)
        return turn == MSG_PUSHES || turn == MSG_EITHER;
    return turn != MSG_PUSHES && req <= MSG_REQ_MAX;
}

/* The array, the type and the request number. */
static const struct msg_spec *
check_start(struct walk *w, enum msg_from from)
{
    struct head array, type, req;
    const struct msg_spec *spec;

    if (!read_head(w, &array) || array.kind != MSG_LIST || array.v < 2 ||
        !read_head(w, &type) || type.kind != MSG_UINT || type.v > 255 ||
        !read_head(w, &req) || req.kind != MSG_UINT)
        return NULL;
    spec = msg_spec_of(from, (unsigned)type.v);
    if (spec == NULL || array.v != 2 + spec->n || !check_req(spec->turn, req.v))
        return NULL;
    return spec;
}

enum err
msgcheck(const void *bytes, size_t len, enum msg_from from,
         struct msgcheck *out)
{
    struct walk w = {.r = rd_from(bytes, len)};
    const struct msg_spec *spec;

    if (len > LIMIT_MSG_LEN)
        return ERR_MALFORMED;
    spec = check_start(&w, from);
    if (spec == NULL)
        return ERR_MALFORMED;
    for (unsigned i = 0; i < spec->n; i++)
        if (!check_value(&w, &spec->f[i]))
            return ERR_MALFORMED;
    if (rd_end(&w.r) != ERR_OK)
        return ERR_MALFORMED;
    *out = (struct msgcheck){spec, w.cells};
    return ERR_OK;
}
