#include "proto/msg.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <msgpack.h>

#include "proto/msgcheck.h"

/* ---- decoding ---- */

/* What LIST fields point into, handed out from the front. */
struct cells {
    struct msg_field *next;
    size_t left;
};

static enum err convert(const msgpack_object *o, struct msg_field *f,
                        struct cells *cells);

static enum err
convert_list(const msgpack_object_array *a, struct msg_field *f,
             struct cells *cells)
{
    struct msg_field *items = cells->next;

    if (a->size > cells->left)
        return ERR_MALFORMED;
    *f = msg_list(items, a->size);
    if (a->size == 0)
        return ERR_OK;
    cells->next += a->size;
    cells->left -= a->size;
    for (uint32_t i = 0; i < a->size; i++) {
        enum err rc = convert(&a->ptr[i], &items[i], cells);

        if (rc != ERR_OK)
            return rc;
    }
    return ERR_OK;
}

static enum err
convert(const msgpack_object *o, struct msg_field *f, struct cells *cells)
{
    switch (o->type) {
    case MSGPACK_OBJECT_NIL:
        *f = msg_nil();
        return ERR_OK;
    case MSGPACK_OBJECT_POSITIVE_INTEGER:
        *f = msg_u(o->via.u64);
        return ERR_OK;
    case MSGPACK_OBJECT_BIN:
        *f = msg_bin(o->via.bin.ptr, o->via.bin.size);
        return ERR_OK;
    case MSGPACK_OBJECT_STR:
        *f = msg_bin(o->via.str.ptr, o->via.str.size);
        f->kind = MSG_STR;
        return ERR_OK;
    case MSGPACK_OBJECT_ARRAY:
        return convert_list(&o->via.array, f, cells);
    default:
        return ERR_MALFORMED;
    }
}

/* The validator has seen the whole message: what fails here is memory, or a
 * disagreement between it and the library, which is no message either. */
static enum err
convert_message(const msgpack_object *o, const struct msgcheck *shape,
                struct msg *m)
{
    struct cells cells = {m->mem, shape->cells};

    if (o->type != MSGPACK_OBJECT_ARRAY ||
        o->via.array.size != 2 + shape->spec->n)
        return ERR_MALFORMED;
    m->spec = shape->spec;
    m->type = shape->spec->type;
    m->req = (uint32_t)o->via.array.ptr[1].via.u64;
    m->n = shape->spec->n;
    for (unsigned i = 0; i < m->n; i++) {
        enum err rc = convert(&o->via.array.ptr[2 + i], &m->f[i], &cells);

        if (rc != ERR_OK)
            return rc;
    }
    return ERR_OK;
}

static enum err
unpack(const void *bytes, size_t len, const struct msgcheck *shape,
       struct msg *m)
{
    msgpack_unpacked un;
    size_t at = 0;
    msgpack_unpack_return rc;
    enum err err = ERR_MALFORMED;

    msgpack_unpacked_init(&un);
    rc = msgpack_unpack_next(&un, bytes, len, &at);
    if (rc == MSGPACK_UNPACK_NOMEM_ERROR)
        err = ERR_NOMEM;
    else if (rc == MSGPACK_UNPACK_SUCCESS && at == len)
        err = convert_message(&un.data, shape, m);
    msgpack_unpacked_destroy(&un);
    return err;
}

enum err
msg_decode(struct msg *out, enum msg_from from, const void *bytes, size_t len)
{
    struct msgcheck shape;
    struct msg m = {0};
    enum err rc = msgcheck(bytes, len, from, &shape);

    if (rc != ERR_OK)
        return rc;
    if (shape.cells > 0) {
        m.mem = calloc(shape.cells, sizeof(struct msg_field));
        if (m.mem == NULL)
            return ERR_NOMEM;
    }
    rc = unpack(bytes, len, &shape, &m);
    if (rc == ERR_OK)
        *out = m;
    else
        free(m.mem);
    return rc;
}

void
msg_clear(struct msg *m)
{
    free(m->mem);
    memset(m, 0, sizeof(*m));
}

void
msg_copy(void *dst, const struct msg_field *f, size_t len)
{
    assert(f->kind == MSG_BIN && f->len == len);
    memcpy(dst, f->p, len);
}

/* ---- encoding ---- */

struct msg_field
msg_nil(void)
{
    return (struct msg_field){.kind = MSG_NIL};
}

struct msg_field
msg_u(uint64_t v)
{
    return (struct msg_field){.kind = MSG_UINT, .u = v};
}

struct msg_field
msg_bin(const void *p, size_t len)
{
    return (struct msg_field){.kind = MSG_BIN, .p = p, .len = len};
}

struct msg_field
msg_str(const char *text)
{
    return (struct msg_field){
        .kind = MSG_STR, .p = (const uint8_t *)text, .len = strlen(text)};
}

struct msg_field
msg_list(const struct msg_field *items, size_t n)
{
    return (struct msg_field){.kind = MSG_LIST, .items = items, .len = n};
}

static bool fits(const struct msg_field *f, const struct msg_field_spec *s);

static bool
items_fit(const struct msg_field *f, const struct msg_field_spec *s)
{
    for (size_t i = 0; i < f->len; i++) {
        const struct msg_field *row = &f->items[i];

        if (s->item_n == 0 && !fits(row, s->item))
            return false;
        if (s->item_n == 0)
            continue;
        if (row->kind != MSG_LIST || row->len != s->item_n)
            return false;
        for (unsigned k = 0; k < s->item_n; k++)
            if (!fits(&row->items[k], &s->item[k]))
                return false;
    }
    return true;
}

static bool
fits(const struct msg_field *f, const struct msg_field_spec *s)
{
    uint64_t v = f->kind == MSG_UINT ? f->u : f->len;

    if (f->kind == MSG_NIL)
        return s->nil_ok;
    if (f->kind != s->kind || v < s->min || v > s->max ||
        (s->step > 1 && v % s->step != 0))
        return false;
    return f->kind != MSG_LIST || items_fit(f, s);
}

static bool
is_valid(const struct msg_spec *spec, uint32_t req, const struct msg_field *f,
         unsigned n)
{
    bool push = spec->turn == MSG_PUSHES;

    if (n != spec->n || req > MSG_REQ_MAX ||
        (req == 0 ? !push && spec->turn != MSG_EITHER : push))
        return false;
    for (unsigned i = 0; i < n; i++)
        if (!fits(&f[i], &spec->f[i]))
            return false;
    return true;
}

/* No head of a value is longer than 9 bytes. */
static size_t
size_bound(const struct msg_field *f, size_t n)
{
    size_t sum = 0;

    for (size_t i = 0; i < n; i++) {
        sum += 9;
        if (f[i].kind == MSG_LIST)
            sum += size_bound(f[i].items, f[i].len);
        else
            sum += f[i].len;
    }
    return sum;
}

static int
write_to_buf(void *arg, const char *bytes, size_t len)
{
    buf_put(arg, bytes, len);
    return 0; /* the buffer remembers its failure */
}

static void
pack(msgpack_packer *pk, const struct msg_field *f)
{
    switch (f->kind) {
    case MSG_NIL:
        msgpack_pack_nil(pk);
        break;
    case MSG_UINT:
        msgpack_pack_uint64(pk, f->u);
        break;
    case MSG_BIN:
        msgpack_pack_bin_with_body(pk, f->p, f->len);
        break;
    case MSG_STR:
        msgpack_pack_str_with_body(pk, f->p, f->len);
        break;
    case MSG_LIST:
        msgpack_pack_array(pk, f->len);
        for (size_t i = 0; i < f->len; i++)
            pack(pk, &f->items[i]);
        break;
    }
}

enum err
msg_encode(struct buf *out, enum msg_from from, enum msg_type type,
           uint32_t req, const struct msg_field *f, unsigned n)
{
    const struct msg_spec *spec = msg_spec_of(from, type);
    size_t start = out->len;
    msgpack_packer pk;

    if (spec == NULL || !is_valid(spec, req, f, n))
        return ERR_MALFORMED;
    if (buf_reserve(out, 16 + size_bound(f, n)) == NULL)
        return ERR_NOMEM;
    msgpack_packer_init(&pk, out, write_to_buf);
    msgpack_pack_array(&pk, 2 + n);
    msgpack_pack_uint8(&pk, (uint8_t)type);
    msgpack_pack_uint32(&pk, req);
    for (unsigned i = 0; i < n; i++)
        pack(&pk, &f[i]);
    if (out->len - start <= LIMIT_MSG_LEN)
        return buf_status(out);
    out->len = start;
    return ERR_TOOBIG;
}

/* At most MAX bytes, without the torn rest of a character (UTF-8). */
static size_t
cut_at_character(const char *text, size_t max)
{
    size_t len = strlen(text);

    if (len <= max)
        return len;
    for (len = max; len > 0 && ((uint8_t)text[len] & 0xc0) == 0x80;)
        len--;
    return len;
}

enum err
msg_encode_error(struct buf *out, uint32_t req, uint16_t perr,
                 uint32_t retry_ms, const char *detail)
{
    struct msg_field f[] = {
        [ERROR_CODE] = msg_u(perr),
        [ERROR_RETRY_MS] = msg_u(retry_ms),
        [ERROR_DETAIL] = msg_str(detail != NULL ? detail : ""),
    };

    if (detail != NULL)
        f[ERROR_DETAIL].len = cut_at_character(detail, LIMIT_DETAIL);
    return msg_encode(out, MSG_FROM_RELAY, MSG_ERROR, req, f, 3);
}
