#include "proto/bundle.h"

#include <stdlib.h>
#include <string.h>

#include "common/bytes.h"

static const char magic[] = "sealpost/1/evidence"; /* zero byte counts */

enum { SECTION_HEAD_LEN = 1 + 4, HASH_LEN = sizeof(struct hash) };

void
bundle_clear(struct bundle *b)
{
    free(b->leaves);
    free(b->events);
    free(b->cosigned);
    *b = (struct bundle){0};
}

bool
bundle_is(const void *bytes, size_t len)
{
    return len >= sizeof(magic) && memcmp(bytes, magic, sizeof(magic)) == 0;
}

static struct span
take(struct rd *r, size_t len)
{
    const uint8_t *p = rd_ref(r, len);

    return p == NULL ? (struct span){0} : (struct span){p, len};
}

/* ---- reading sections ---- */

static enum err
read_header(struct bundle *b, struct rd *r)
{
    if (r->left < LIMIT_HDR_MIN || r->left > LIMIT_HDR)
        return ERR_MALFORMED;
    b->header = take(r, r->left);
    return ERR_OK;
}

static enum err
read_seal(struct bundle *b, struct rd *r)
{
    if (r->left < 2 * HASH_LEN || r->left > (LIMIT_SLOTS + 1) * HASH_LEN ||
        r->left % HASH_LEN != 0)
        return ERR_MALFORMED;
    b->seal = take(r, r->left);
    return ERR_OK;
}

static enum err
read_lists(struct bundle *b, struct rd *r)
{
    if (r->left == 0 || r->left > INNER_LISTS_MAX)
        return ERR_MALFORMED;
    b->lists = take(r, r->left);
    return ERR_OK;
}

static enum err
read_parts(struct bundle *b, struct rd *r)
{
    size_t n = rd_u8(r);

    if (n < 1 || n > INNER_PARTS_MAX)
        return ERR_MALFORMED;
    for (size_t i = 0; i < n; i++) {
        struct bundle_part *p = &b->parts[i];
        size_t len;

        p->number = rd_u8(r);
        p->blind = rd_ref(r, PART_BLIND_LEN);
        len = rd_u32(r);
        if (len > INNER_LEN_MAX || (i > 0 && p[-1].number >= p->number))
            return ERR_MALFORMED;
        p->bytes = take(r, len);
    }
    b->n_parts = n;
    return ERR_OK;
}

static enum err
read_leaf(struct bundle_leaf *l, struct rd *r)
{
    size_t len;

    l->index = rd_u64(r);
    len = rd_u16(r);
    if (len == 0 || len > LIMIT_STMT)
        return ERR_MALFORMED;
    l->statement = take(r, len);
    l->n = rd_u8(r);
    if (l->n > MERKLE_PATH_MAX)
        return ERR_MALFORMED;
    l->path = rd_ref(r, (size_t)l->n * HASH_LEN);
    return r->bad ? ERR_MALFORMED : ERR_OK;
}

static enum err
read_rows(struct rd *r, size_t *n)
{
    *n = rd_u16(r);
    return r->bad || *n < 1 || *n > BUNDLE_ROWS_MAX ? ERR_MALFORMED : ERR_OK;
}

static enum err
read_directory(struct bundle *b, struct rd *r)
{
    size_t len = rd_u16(r);
    size_t n;
    enum err rc;

    if (len == 0 || len > BUNDLE_PROOF_MAX)
        return ERR_MALFORMED;
    b->checkpoint = take(r, len);
    rc = read_rows(r, &n);
    if (rc != ERR_OK)
        return rc;
    b->leaves = calloc(n, sizeof(*b->leaves));
    if (b->leaves == NULL)
        return ERR_NOMEM;
    b->n_leaves = n;
    for (size_t i = 0; i < n && rc == ERR_OK; i++) {
        rc = read_leaf(&b->leaves[i], r);
        if (i > 0 && b->leaves[i - 1].index >= b->leaves[i].index)
            rc = ERR_MALFORMED;
    }
    return rc;
}

static enum err
read_receipt(struct bundle_receipt *e, struct rd *r, bool has_evidence)
{
    size_t len = rd_u16(r);

    if (len == 0 || len > BUNDLE_PROOF_MAX)
        return ERR_MALFORMED;
    e->proof = take(r, len);
    if (has_evidence) {
        len = rd_u16(r);
        if (len > BUNDLE_EVIDENCE_MAX)
            return ERR_MALFORMED;
        e->evidence = take(r, len);
    }
    return r->bad ? ERR_MALFORMED : ERR_OK;
}

static enum err
read_receipts(struct bundle_receipt **list, size_t *count, struct rd *r,
              bool has_evidence)
{
    size_t n;
    enum err rc = read_rows(r, &n);

    if (rc != ERR_OK)
        return rc;
    *list = calloc(n, sizeof(**list));
    if (*list == NULL)
        return ERR_NOMEM;
    *count = n;
    for (size_t i = 0; i < n && rc == ERR_OK; i++)
        rc = read_receipt(&(*list)[i], r, has_evidence);
    return rc;
}

static enum err
read_events(struct bundle *b, struct rd *r)
{
    return read_receipts(&b->events, &b->n_events, r, true);
}

static enum err
read_cosigned(struct bundle *b, struct rd *r)
{
    return read_receipts(&b->cosigned, &b->n_cosigned, r, false);
}

/* ---- writing sections ---- */

static void
write_header(const struct bundle *b, struct buf *out)
{
    buf_put(out, b->header.p, b->header.len);
}

static void
write_seal(const struct bundle *b, struct buf *out)
{
    buf_put(out, b->seal.p, b->seal.len);
}

static void
write_lists(const struct bundle *b, struct buf *out)
{
    buf_put(out, b->lists.p, b->lists.len);
}

static void
write_parts(const struct bundle *b, struct buf *out)
{
    buf_u8(out, (uint8_t)b->n_parts);
    for (size_t i = 0; i < b->n_parts; i++) {
        const struct bundle_part *p = &b->parts[i];

        buf_u8(out, p->number);
        buf_put(out, p->blind, PART_BLIND_LEN);
        buf_u32(out, (uint32_t)p->bytes.len);
        buf_put(out, p->bytes.p, p->bytes.len);
    }
}

static void
write_directory(const struct bundle *b, struct buf *out)
{
    buf_u16(out, (uint16_t)b->checkpoint.len);
    buf_put(out, b->checkpoint.p, b->checkpoint.len);
    buf_u16(out, (uint16_t)b->n_leaves);
    for (size_t i = 0; i < b->n_leaves; i++) {
        const struct bundle_leaf *l = &b->leaves[i];

        buf_u64(out, l->index);
        buf_u16(out, (uint16_t)l->statement.len);
        buf_put(out, l->statement.p, l->statement.len);
        buf_u8(out, l->n);
        buf_put(out, l->path, (size_t)l->n * HASH_LEN);
    }
}

static void
write_events(const struct bundle *b, struct buf *out)
{
    buf_u16(out, (uint16_t)b->n_events);
    for (size_t i = 0; i < b->n_events; i++) {
        const struct bundle_receipt *e = &b->events[i];

        buf_u16(out, (uint16_t)e->proof.len);
        buf_put(out, e->proof.p, e->proof.len);
        buf_u16(out, (uint16_t)e->evidence.len);
        buf_put(out, e->evidence.p, e->evidence.len);
    }
}

static void
write_cosigned(const struct bundle *b, struct buf *out)
{
    buf_u16(out, (uint16_t)b->n_cosigned);
    for (size_t i = 0; i < b->n_cosigned; i++) {
        buf_u16(out, (uint16_t)b->cosigned[i].proof.len);
        buf_put(out, b->cosigned[i].proof.p, b->cosigned[i].proof.len);
    }
}

/* ---- what is there ---- */

static bool
has_header(const struct bundle *b)
{
    return b->header.len > 0;
}

static bool
has_seal(const struct bundle *b)
{
    return b->seal.len > 0;
}

static bool
has_lists(const struct bundle *b)
{
    return b->lists.len > 0;
}

static bool
has_parts(const struct bundle *b)
{
    return b->n_parts > 0;
}

static bool
has_directory(const struct bundle *b)
{
    return b->n_leaves > 0;
}

static bool
has_events(const struct bundle *b)
{
    return b->n_events > 0;
}

static bool
has_cosigned(const struct bundle *b)
{
    return b->n_cosigned > 0;
}

/* Lists without the header, or parts without the lists, could be of any
 * packet. */
static const struct section {
    const char *name;
    unsigned needs; /* kind; 0: nothing */
    bool (*has)(const struct bundle *b);
    enum err (*read)(struct bundle *b, struct rd *r);
    void (*write)(const struct bundle *b, struct buf *out);
} sections[BUNDLE_KINDS] = {
    [BUNDLE_HEADER] = {"header", 0, has_header, read_header, write_header},
    [BUNDLE_SEAL] = {"seal", BUNDLE_HEADER, has_seal, read_seal, write_seal},
    [BUNDLE_LISTS] = {"lists", BUNDLE_HEADER, has_lists, read_lists,
                      write_lists},
    [BUNDLE_PARTS] = {"parts", BUNDLE_LISTS, has_parts, read_parts,
                      write_parts},
    [BUNDLE_DIRECTORY] = {"directory", 0, has_directory, read_directory,
                          write_directory},
    [BUNDLE_EVENTS] = {"events", 0, has_events, read_events, write_events},
    [BUNDLE_COSIGNED] = {"cosigned", BUNDLE_EVENTS, has_cosigned, read_cosigned,
                         write_cosigned},
};

const char *
bundle_kind_name(unsigned kind)
{
    return kind == 0 || kind >= BUNDLE_KINDS ? "file" : sections[kind].name;
}

/* ---- the file ---- */

static enum err
read_section(struct bundle *b, struct rd *r, unsigned *last)
{
    unsigned kind = rd_u8(r);
    size_t len = rd_u32(r);
    const uint8_t *p = rd_ref(r, len);
    struct rd inside;
    enum err rc;

    if (p == NULL || kind <= *last || kind >= BUNDLE_KINDS)
        return ERR_MALFORMED;
    *last = kind;
    if (sections[kind].needs != 0 && !sections[sections[kind].needs].has(b))
        return ERR_MALFORMED;
    inside = rd_from(p, len);
    rc = sections[kind].read(b, &inside);
    return rc == ERR_OK ? rd_end(&inside) : rc;
}

enum err
bundle_parse(struct bundle *out, const void *bytes, size_t len, unsigned *where)
{
    struct bundle b = {0};
    struct rd r = rd_from(bytes, len);
    unsigned last = 0;
    enum err rc = ERR_OK;

    if (len > BUNDLE_LEN_MAX)
        return ERR_TOOBIG;
    rd_expect(&r, magic, sizeof(magic));
    if (r.bad)
        rc = ERR_MALFORMED;
    while (rc == ERR_OK && r.left > 0)
        rc = read_section(&b, &r, &last);
    if (rc == ERR_OK && !has_header(&b) && !has_events(&b))
        rc = ERR_MALFORMED; /* about no packet */
    if (rc == ERR_OK) {
        *out = b;
        return ERR_OK;
    }
    if (where != NULL)
        *where = last;
    bundle_clear(&b);
    return rc;
}

static enum err
write_all(const struct bundle *b, struct buf *out)
{
    buf_put(out, magic, sizeof(magic));
    for (unsigned k = 1; k < BUNDLE_KINDS; k++) {
        size_t at = out->len;

        if (!sections[k].has(b))
            continue;
        buf_u8(out, (uint8_t)k);
        buf_u32(out, 0);
        sections[k].write(b, out);
        if (buf_status(out) != ERR_OK)
            return ERR_NOMEM;
        put_u32(out->data + at + 1,
                (uint32_t)(out->len - at - SECTION_HEAD_LEN));
    }
    return buf_status(out);
}

enum err
bundle_format(const struct bundle *b, struct buf *out)
{
    struct bundle again = {0};
    size_t start = out->len;
    enum err rc = write_all(b, out);

    if (rc == ERR_OK)
        rc = bundle_parse(&again, out->data + start, out->len - start, NULL);
    bundle_clear(&again);
    if (rc == ERR_OK)
        return rc;
    out->len = start;
    return rc == ERR_TOOBIG || rc == ERR_NOMEM ? rc : ERR_MALFORMED;
}
