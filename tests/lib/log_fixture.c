#include "tests/lib/log_fixture.h"

#include <stdlib.h>

uint64_t
log_fill_size(struct store *st)
{
    struct head heads[STORE_LOGS];

    store_heads(st, heads);
    return heads[STORE_DELIVERY].size;
}

static void
make_event(struct store_op *op, uint64_t index)
{
    *op = (struct store_op){
        .kind = STORE_OP_EVENT,
        /* As many a second as a large network has. */
        .now_ms = UINT64_C(1700000000000) + index * 20,
    };
    op->event.type = EVENT_ADMIN;
    op->event.ref = index;
}

enum err
log_fill_batch(struct store *st, uint64_t size, unsigned batch)
{
    uint64_t from = log_fill_size(st);
    size_t n = size - from < batch ? (size_t)(size - from) : batch;
    struct store_op *op = calloc(n + 1, sizeof(*op));
    struct store_op **ops = calloc(n + 1, sizeof(*ops));
    enum err rc = op == NULL || ops == NULL ? ERR_NOMEM : ERR_OK;

    for (size_t i = 0; i < n && rc == ERR_OK; i++) {
        make_event(&op[i], from + i);
        ops[i] = &op[i];
    }
    if (rc == ERR_OK)
        rc = store_apply(st, ops, n);
    for (size_t i = 0; i < n && rc == ERR_OK; i++)
        if (op[i].result.why != STORE_OK)
            rc = ERR_STATE;
    for (size_t i = 0; i < n && op != NULL; i++)
        store_op_clear(&op[i]);
    free(op);
    free(ops);
    return rc;
}

enum err
log_fill(struct store *st, uint64_t size, unsigned batch)
{
    enum err rc = ERR_OK;

    while (rc == ERR_OK && log_fill_size(st) < size)
        rc = log_fill_batch(st, size, batch);
    return rc;
}
