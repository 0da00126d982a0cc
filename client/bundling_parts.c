/*
 * bundling_parts.c - what a bundle shows of a packet's content: parts go in and
 * out one by one, each behind its own commitment.
 */
#include <stdlib.h>
#include <string.h>

#include "client/bundling_inside.h"
#include "client/letter.h"
#include "client/office.h"
#include "client/profile.h"
#include "client/shelf.h"
#include "common/bytes.h"

static const char what[] = "the part cannot be disclosed";

/* ---- where the content is ---- */

/* Blind and bytes of part NUMBER as one piece. */
static enum err
find_here(const struct letter *l, uint8_t number, struct buf *out)
{
    const struct inner_part *p = inner_part(&l->in, number);

    if (p == NULL || !p->here)
        return ERR_NOTFOUND;
    buf_put(out, p->blind, PART_BLIND_LEN);
    buf_put(out, p->bytes, p->len);
    return buf_status(out);
}

/* What did not travel is kept beside it (REC_WITHHELD). */
static enum err
find_withheld(const struct buf *kept, uint8_t number, struct buf *out)
{
    struct rd r = rd_from(kept->data, kept->len);

    while (r.left > 0) {
        uint8_t part = rd_u8(&r);
        const uint8_t *blind = rd_ref(&r, PART_BLIND_LEN);
        size_t len = rd_u32(&r);
        const uint8_t *bytes = rd_ref(&r, len);

        if (blind == NULL || bytes == NULL)
            return ERR_NOTFOUND;
        if (part != number)
            continue;
        buf_put(out, blind, PART_BLIND_LEN);
        buf_put(out, bytes, len);
        return buf_status(out);
    }
    return ERR_NOTFOUND;
}

static enum err
find_part(struct app *app, const struct mail *m, const struct letter *l,
          uint8_t number, struct buf *out, struct problem *pb)
{
    struct problem none = {0};
    struct buf kept = {0};
    uint8_t id[16];
    enum err rc = find_here(l, number, out);

    if (rc == ERR_NOTFOUND) {
        mail_record_id(id, &m->id, m->direction);
        rc = shelf_get_raw(app, REC_WITHHELD, id, &kept, &none);
        if (rc == ERR_OK)
            rc = find_withheld(&kept, number, out);
    }
    buf_clear(&kept);
    if (rc == ERR_NOTFOUND)
        return problem_set(pb, P_NOT_FOUND, rc, what,
                           "part %u is not in this packet, or not here",
                           number);
    return problem_from_err(pb, what, rc);
}

/* ---- in and out ---- */

static struct bundle_part *
place_for(struct bundle *b, uint8_t number)
{
    size_t i = 0;

    while (i < b->n_parts && b->parts[i].number < number)
        i++;
    if (i < b->n_parts && b->parts[i].number == number)
        return &b->parts[i];
    memmove(&b->parts[i + 1], &b->parts[i],
            (b->n_parts - i) * sizeof(b->parts[0]));
    b->n_parts++;
    return &b->parts[i];
}

static enum err
put_part(struct bundling *x, uint8_t number, struct buf *bytes)
{
    struct bundle_part *p;
    struct span kept;
    enum err rc = bundling_keep(x, bytes, &kept);

    if (rc != ERR_OK)
        return rc;
    p = place_for(&x->b, number);
    p->number = number;
    p->blind = kept.p;
    p->bytes.p = p->blind + PART_BLIND_LEN;
    p->bytes.len = kept.len - PART_BLIND_LEN;
    return ERR_OK;
}

/* What the sender committed to, says the bundle; a part of another packet would
 * only spoil it. */
static enum err
check_part(const struct bundling *x, uint8_t number, const struct buf *bytes,
           struct problem *pb)
{
    struct inner lists;
    const struct inner_part *row;
    struct hash commit;

    inner_part_commit(&commit, number, bytes->data,
                      bytes->data + PART_BLIND_LEN,
                      bytes->len - PART_BLIND_LEN);
    if (x->b.lists.len > 0 &&
        inner_lists_parse(&lists, x->b.lists.p, x->b.lists.len) == ERR_OK) {
        row = inner_part(&lists, number);
        if (row != NULL && id_eq(&row->commit, &commit))
            return ERR_OK;
    }
    return problem_set(pb, P_VERIFY, ERR_VERIFY, what,
                       "the file does not hold the sender's list in which "
                       "part %u stands",
                       number);
}

enum err
bundling_disclose(struct app *app, const struct mail *m, struct bundling *x,
                  uint32_t parts, struct problem *pb)
{
    struct letter l = {0};
    enum err rc = ERR_OK;

    if (parts != 0)
        rc = letter_load(app, m, &l, pb);
    for (uint8_t n = 0; n < 32 && rc == ERR_OK; n++) {
        struct buf bytes = {0};

        if ((parts & UINT32_C(1) << n) == 0)
            continue;
        rc = find_part(app, m, &l, n, &bytes, pb);
        if (rc == ERR_OK)
            rc = check_part(x, n, &bytes, pb);
        if (rc == ERR_OK)
            rc = problem_from_err(pb, what, put_part(x, n, &bytes));
        buf_clear(&bytes);
    }
    letter_clear(&l);
    return rc;
}

enum err
bundling_trim(struct bundling *x, uint32_t parts, struct problem *pb)
{
    struct bundle *b = &x->b;
    uint32_t found = 0;
    size_t n = 0;

    for (size_t i = 0; i < b->n_parts; i++) {
        uint32_t bit = UINT32_C(1) << (b->parts[i].number & 31);

        if ((parts & bit) != 0 && b->parts[i].number < 32)
            found |= bit;
        else
            b->parts[n++] = b->parts[i];
    }
    if (found != parts)
        return problem_set(pb, P_NOT_FOUND, ERR_NOTFOUND,
                           "the part cannot be taken out",
                           "the file does not show it");
    b->n_parts = n;
    return ERR_OK;
}

enum err
bundling_read(const char *path, struct bundling *x, struct problem *pb)
{
    struct buf b = {0};
    struct span kept;
    unsigned where = 0;
    enum err rc = office_read_file(path, BUNDLE_LEN_MAX, &b, pb);

    if (rc != ERR_OK) {
        buf_clear(&b);
        return rc;
    }
    if (!bundle_is(b.data, b.len)) {
        buf_clear(&b);
        return problem_set(pb, P_FILE, ERR_MALFORMED,
                           "the bundle cannot be read",
                           "%.200s is no evidence bundle", path);
    }
    rc = bundling_keep(x, &b, &kept);
    if (rc == ERR_OK)
        rc = bundle_parse(&x->b, kept.p, kept.len, &where);
    if (rc == ERR_MALFORMED)
        return problem_set(pb, P_VERIFY, rc, "the bundle cannot be read",
                           "its %s is cut, changed or out of order",
                           where == 0 ? "beginning" : bundle_kind_name(where));
    return problem_from_err(pb, "the bundle cannot be read", rc);
}
