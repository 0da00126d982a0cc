/*
 * kept_event.c - events as the vault keeps them (delivery.h).
 */
#include "client/delivery.h"
#include "client/shelf.h"
#include "client/vault.h"
#include "common/bytes.h"

void
kept_event_clear(struct kept_event *e)
{
    buf_clear(&e->evidence);
    buf_clear(&e->proof);
}

enum err
kept_event_decode(struct kept_event *e, const struct buf *b)
{
    struct rd r = rd_from(b->data, b->len);
    size_t len;
    const uint8_t *p;

    rd_copy(&r, e->opening, sizeof(e->opening));
    len = rd_u16(&r);
    p = rd_ref(&r, len);
    if (p == NULL)
        return ERR_VERIFY;
    buf_put(&e->evidence, p, len);
    buf_put(&e->proof, r.p, r.left);
    if (opening_decode(e->opening, OPENING_LEN, &e->event) != ERR_OK)
        return ERR_VERIFY;
    return buf_status(&e->proof);
}

enum err
delivery_next(struct app *app, size_t *pos, struct kept_event *out,
              struct problem *pb)
{
    struct kept_event e = {0};
    struct vault_item item;
    struct buf b = {0};
    enum err rc;

    if (!vault_next(app->vault, REC_EVENT, pos, &item))
        return ERR_NOTFOUND;
    e.index = shelf_number_of(item.id);
    rc = shelf_get_raw(app, REC_EVENT, item.id, &b, pb);
    if (rc == ERR_OK)
        rc = shelf_problem(kept_event_decode(&e, &b), pb);
    buf_clear(&b);
    if (rc == ERR_OK)
        *out = e;
    else
        kept_event_clear(&e);
    return rc;
}
