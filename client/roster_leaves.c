/*
 * roster_leaves.c - the directory's leaves as files carry them: the same bytes
 * that the vault keeps, in log order.
 */
#include <stdlib.h>

#include "client/app.h"
#include "client/roster.h"
#include "client/roster_inside.h"
#include "client/shelf.h"
#include "common/bytes.h"
#include "proto/statement.h"

static enum err
add_record(struct buf *bundle, const struct buf *record, uint64_t *n)
{
    struct rd r = rd_from(record->data, record->len);
    enum err rc = ERR_OK;

    while (r.left > 0 && rc == ERR_OK) {
        size_t len = rd_u16(&r);
        const uint8_t *leaf = rd_ref(&r, len);

        if (leaf == NULL)
            return ERR_VERIFY;
        rc = stmt_bundle_add(bundle, leaf, len);
        *n += rc == ERR_OK;
    }
    return rc;
}

enum err
roster_put_leaves(const struct roster *r, struct buf *bundle,
                  struct problem *pb)
{
    uint64_t size = directory_size(r->dir);
    uint64_t n = 0;
    enum err rc = ERR_OK;

    while (rc == ERR_OK && n < size) {
        struct buf b = {0};
        uint8_t id[16];

        shelf_number(id, n);
        rc = shelf_get_raw(r->app, REC_LEAVES, id, &b, pb);
        if (rc == ERR_OK)
            rc = add_record(bundle, &b, &n);
        buf_clear(&b);
    }
    return rc == ERR_OK
               ? rc
               : problem_from_err(pb, "the directory was not written", rc);
}
