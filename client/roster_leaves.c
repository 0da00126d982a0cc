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
walk_record(const struct buf *record, uint64_t *n, roster_leaf_fn *each,
            void *arg)
{
    struct rd r = rd_from(record->data, record->len);
    enum err rc = ERR_OK;

    while (r.left > 0 && rc == ERR_OK) {
        size_t len = rd_u16(&r);
        const uint8_t *leaf = rd_ref(&r, len);

        if (leaf == NULL)
            return ERR_VERIFY;
        rc = each(arg, *n, leaf, len);
        *n += rc == ERR_OK;
    }
    return rc;
}

enum err
roster_each_leaf(const struct roster *r, roster_leaf_fn *each, void *arg,
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
        if (rc == ERR_NOTFOUND)
            rc = ERR_VERIFY;
        if (rc == ERR_OK)
            rc = walk_record(&b, &n, each, arg);
        buf_clear(&b);
    }
    return rc == ERR_OK || rc == ERR_EXISTS ? rc : shelf_problem(rc, pb);
}

struct wanted {
    uint64_t index;
    struct buf *out;
};

static enum err
take_leaf(void *arg, uint64_t index, const uint8_t *leaf, size_t len)
{
    struct wanted *w = arg;

    if (index != w->index)
        return ERR_OK;
    buf_put(w->out, leaf, len);
    return buf_status(w->out) == ERR_OK ? ERR_EXISTS : ERR_NOMEM;
}

enum err
roster_leaf(const struct roster *r, uint64_t index, struct buf *out,
            struct problem *pb)
{
    struct wanted w = {index, out};
    enum err rc = roster_each_leaf(r, take_leaf, &w, pb);

    if (rc == ERR_EXISTS)
        return ERR_OK;
    return rc == ERR_OK ? shelf_problem(ERR_VERIFY, pb) : rc;
}
