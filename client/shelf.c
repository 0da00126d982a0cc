#include "client/shelf.h"

#include <string.h>

#include "client/app.h"
#include "client/vault.h"
#include "common/bytes.h"

const uint8_t shelf_one[16];

void
shelf_number(uint8_t id[16], uint64_t n)
{
    memset(id, 0, 16);
    put_u64(id, n);
}

uint64_t
shelf_number_of(const uint8_t id[16])
{
    return get_u64(id);
}

enum err
shelf_problem(enum err e, struct problem *pb)
{
    static const char what[] = "the vault could not be used";

    switch (e) {
    case ERR_OK:
        return e;
    case ERR_FULL:
        return problem_set(pb, P_DISK, e, "the vault cannot grow",
                           "the disk is full; nothing in it was changed");
    case ERR_VERIFY:
        return problem_set(pb, P_VAULT_DAMAGED, e, what,
                           "a record in it is damaged");
    case ERR_IO:
        return problem_set(pb, P_FILE, e, what,
                           "the disk gave an error; run the command again");
    default:
        return problem_from_err(pb, what, e);
    }
}

enum err
shelf_get_raw(struct app *app, enum record_kind kind, const uint8_t id[16],
              struct buf *out, struct problem *pb)
{
    enum err rc = vault_get(app->vault, (uint8_t)kind, id, out);

    return rc == ERR_OK || rc == ERR_NOTFOUND ? rc : shelf_problem(rc, pb);
}

enum err
shelf_get(struct app *app, enum record_kind kind, const uint8_t id[16],
          json_t **out, struct problem *pb)
{
    struct buf b = {0};
    enum err rc = shelf_get_raw(app, kind, id, &b, pb);

    if (rc == ERR_OK)
        rc = json_read(b.data, b.len, "a record of the vault", out, pb);
    buf_clear(&b);
    return rc;
}

enum err
shelf_begin(struct app *app, struct problem *pb)
{
    return shelf_problem(vault_begin(app->vault), pb);
}

void
shelf_put_raw(struct app *app, enum record_kind kind, const uint8_t id[16],
              const void *bytes, size_t len)
{
    /* A failure stays in the transaction and is told by its commit. */
    (void)vault_put(app->vault, (uint8_t)kind, id, bytes, len);
}

void
shelf_put(struct app *app, enum record_kind kind, const uint8_t id[16],
          const json_t *value)
{
    struct buf b = {0};

    if (json_write(&b, value, 0) == ERR_OK)
        shelf_put_raw(app, kind, id, b.data, b.len);
    else
        vault_abort(app->vault); /* then the commit gives ERR_STATE */
    buf_clear(&b);
}

void
shelf_drop(struct app *app, enum record_kind kind, const uint8_t id[16])
{
    (void)vault_delete(app->vault, (uint8_t)kind, id, VAULT_DROP_LATER);
}

enum err
shelf_end(struct app *app, enum err rc, struct problem *pb)
{
    if (rc != ERR_OK) {
        vault_abort(app->vault);
        return rc;
    }
    return shelf_problem(vault_commit(app->vault), pb);
}
