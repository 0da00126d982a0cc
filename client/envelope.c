#include "client/envelope.h"

#include "client/app.h"
#include "client/shelf.h"
#include "client/vault.h"
#include "common/bytes.h"
#include "proto/header.h"

void
envelope_put(struct app *app, const struct mail *m, struct span hdr,
             struct span hashes, const struct hash *body)
{
    struct buf b = {0};
    uint8_t id[16];

    mail_record_id(id, &m->id, m->direction);
    buf_u16(&b, (uint16_t)hdr.len);
    buf_put(&b, hdr.p, hdr.len);
    buf_put(&b, hashes.p, hashes.len);
    buf_put(&b, body->b, sizeof(body->b));
    if (buf_status(&b) == ERR_OK)
        shelf_put_raw(app, REC_ENVELOPE, id, b.data, b.len);
    else
        vault_abort(app->vault);
    buf_clear(&b);
}

static enum err
read_kept(const struct buf *b, struct buf *hdr, struct buf *seal)
{
    struct rd r = rd_from(b->data, b->len);
    size_t len = rd_u16(&r);
    const uint8_t *p = rd_ref(&r, len);

    if (p == NULL)
        return ERR_VERIFY;
    buf_put(hdr, p, len);
    buf_put(seal, r.p, r.left);
    return buf_status(hdr) == ERR_OK ? buf_status(seal) : ERR_NOMEM;
}

static struct span
block(struct rd *r)
{
    size_t len = rd_u32(r);
    const uint8_t *p = rd_ref(r, len);

    return p == NULL ? (struct span){0} : (struct span){p, len};
}

static enum err
make_from_sealed(const struct buf *b, struct buf *hdr, struct buf *seal)
{
    struct rd r = rd_from(b->data, b->len);
    struct span head = block(&r);
    struct span wraps = block(&r);
    struct span body = block(&r);
    struct hash digest;

    if (rd_end(&r) != ERR_OK)
        return ERR_VERIFY;
    for (size_t at = 0; at < wraps.len; at += WRAP_LEN) {
        struct hash h;

        wraps_hash_each(&h, (const uint8_t *)wraps.p + at, 1);
        buf_put(seal, h.b, sizeof(h.b));
    }
    bulk_digest(&digest, body.p, body.len);
    buf_put(seal, digest.b, sizeof(digest.b));
    buf_put(hdr, head.p, head.len);
    return buf_status(hdr) == ERR_OK ? buf_status(seal) : ERR_NOMEM;
}

enum err
envelope_load(struct app *app, const struct mail *m, struct buf *hdr,
              struct buf *seal, struct problem *pb)
{
    struct buf b = {0};
    uint8_t id[16];
    enum err rc;

    mail_record_id(id, &m->id, m->direction);
    rc = shelf_get_raw(app, REC_ENVELOPE, id, &b, pb);
    if (rc == ERR_OK)
        rc = shelf_problem(read_kept(&b, hdr, seal), pb);
    else if (rc == ERR_NOTFOUND && m->direction == INDEX_OUT) {
        rc = shelf_get_raw(app, REC_SEALED, m->id.b, &b, pb);
        if (rc == ERR_OK)
            rc = shelf_problem(make_from_sealed(&b, hdr, seal), pb);
    }
    buf_clear(&b);
    return rc;
}
