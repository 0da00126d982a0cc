/* Invitations and what came of them: unknown (not used) -> waiting -> admitted
 * (by the ADMIT statement, store_directory.c) or refused. */
#include "server/store_inside.h"

#include <string.h>

struct join_row {
    enum store_join_state state;
    uint64_t expiry_s;
    bool same_request;
};

static enum err
join_get(struct tx *tx, const struct hash *code, struct span request,
         struct join_row *out)
{
    struct q q = db_q(tx->db, SQL_JOIN_GET);
    struct span had;
    enum err rc;

    q_id(&q, code);
    rc = q_next(&q);
    if (rc != ERR_OK)
        return rc;
    had = q_bytes(&q, 4);
    out->state = (enum store_join_state)q_get(&q, 2);
    out->expiry_s = q_get(&q, 6);
    out->same_request = had.p != NULL && had.len == request.len &&
                        memcmp(had.p, request.p, had.len) == 0;
    q_end(&q);
    return ERR_OK;
}

static const struct span none = {NULL, 0};

enum err
apply_invite(struct tx *tx, struct store_op *op)
{
    const struct store_invite_op *in = &op->invite;
    struct join_row row;
    enum err rc = join_get(tx, &in->code_hash, none, &row);
    struct q q;

    if (rc == ERR_OK) {
        if (row.expiry_s != in->expiry_s)
            return refuse(tx, STORE_WHY_CONFLICT);
        tx->res->repeat = true;
        return ERR_OK;
    }
    if (rc != ERR_NOTFOUND)
        return rc;
    q = db_q(tx->db, SQL_JOIN_INVITE);
    q_id(&q, &in->code_hash);
    q_peer(&q, in->expiry_s);
    return q_run(&q);
}

enum err
apply_join(struct tx *tx, struct store_op *op)
{
    const struct store_join_op *in = &op->join;
    struct join_row row;
    enum err rc = join_get(tx, &in->code_hash, in->request, &row);
    struct q q;

    if (rc == ERR_NOTFOUND)
        return refuse(tx, STORE_WHY_INVITE);
    if (rc != ERR_OK)
        return rc;
    if (row.state != STORE_JOIN_UNKNOWN) {
        if (!row.same_request)
            return refuse(tx, STORE_WHY_INVITE);
        tx->res->repeat = true;
        return ERR_OK;
    }
    if (row.expiry_s <= tx->now_s)
        return refuse(tx, STORE_WHY_INVITE);
    q = db_q(tx->db, SQL_JOIN_BIND);
    q_id(&q, &in->agency);
    q_blob(&q, in->request.p, in->request.len);
    q_u64(&q, tx->now_s);
    q_id(&q, &in->code_hash);
    return q_run(&q);
}

enum err
apply_join_refuse(struct tx *tx, struct store_op *op)
{
    const struct store_join_refuse_op *in = &op->join_refuse;
    struct join_row row;
    enum err rc = join_get(tx, &in->code_hash, none, &row);
    struct q q;

    if (rc == ERR_NOTFOUND || (rc == ERR_OK && row.state == STORE_JOIN_UNKNOWN))
        return refuse(tx, STORE_WHY_NOTFOUND);
    if (rc != ERR_OK)
        return rc;
    if (row.state == STORE_JOIN_ADMITTED)
        return refuse(tx, STORE_WHY_FINAL);
    if (row.state == STORE_JOIN_REFUSED) {
        tx->res->repeat = true;
        return ERR_OK;
    }
    q = db_q(tx->db, SQL_JOIN_REFUSE);
    q_blob(&q, in->reason.p, in->reason.len);
    q_id(&q, &in->code_hash);
    return q_run(&q);
}
