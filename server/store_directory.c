/* The mirror of the directory: what the checks of a packet need, kept by the
 * same transaction that appends the statement. */
#include "server/store_inside.h"

#include <string.h>

static enum err
effect_agency(struct tx *tx, const struct store_effect *e)
{
    struct q q = db_q(tx->db, SQL_AGENCY_ADD);
    enum err rc;

    q_id(&q, &e->agency);
    rc = q_run(&q);
    if (rc != ERR_OK)
        return rc;
    q = db_q(tx->db, SQL_JOIN_ADMIT);
    q_id(&q, &e->agency);
    return q_run(&q);
}

static enum err
effect_suspended(struct tx *tx, const struct store_effect *e)
{
    struct q q = db_q(tx->db, SQL_AGENCY_SUSPEND);

    q_u64(&q, e->on);
    q_id(&q, &e->agency);
    return q_run(&q);
}

static enum err
effect_device(struct tx *tx, const struct store_effect *e)
{
    struct q q = db_q(tx->db, SQL_DEVICE_ADD);

    q_id(&q, &e->device);
    q_id(&q, &e->agency);
    q_peer(&q, e->time_s);
    q_u64(&q, tx->op->statement.index);
    return q_run(&q);
}

static enum err
effect_device_ended(struct tx *tx, const struct store_effect *e)
{
    struct q q = db_q(tx->db, SQL_DEVICE_END);
    enum err rc;

    q_id(&q, &e->device);
    rc = q_run(&q);
    if (rc != ERR_OK)
        return rc;
    return device_slots_gone(tx, &e->device, NULL, tx->op->statement.stmt);
}

static bool
is_member(const struct store_effect *e, const struct device_id *device)
{
    size_t i;

    for (i = 0; i < e->n_members; i++)
        if (id_eq(&e->members[i], device))
            return true;
    return false;
}

/* The first old member that is not among the new ones. */
static enum err
next_to_leave(struct tx *tx, const struct store_effect *e,
              struct device_id *out)
{
    struct q q = db_q(tx->db, SQL_MEMBER_LIST);
    struct device_id device;
    enum err rc;

    q_id(&q, &e->mailbox);
    while ((rc = q_next(&q)) == ERR_OK) {
        rc = q_copy_id(&q, 0, &device);
        if (rc == ERR_OK && is_member(e, &device))
            continue;
        q_end(&q);
        if (rc == ERR_OK)
            *out = device;
        return rc;
    }
    return rc;
}

/* Who leaves the team is served nothing more of its mail. */
static enum err
leave_mailbox(struct tx *tx, const struct store_effect *e,
              const struct device_id *device)
{
    struct q q = db_q(tx->db, SQL_MEMBER_DROP);
    enum err rc;

    q_id(&q, &e->mailbox);
    q_id(&q, device);
    rc = q_run(&q);
    if (rc != ERR_OK)
        return rc;
    return device_slots_gone(tx, device, &e->mailbox, tx->op->statement.stmt);
}

static enum err
effect_mailbox(struct tx *tx, const struct store_effect *e)
{
    struct q q = db_q(tx->db, SQL_MAILBOX_SET);
    struct device_id gone;
    enum err rc;
    size_t i;

    q_id(&q, &e->mailbox);
    q_id(&q, &e->agency);
    q_u64(&q, e->on);
    rc = q_run(&q);
    if (rc != ERR_OK)
        return rc;
    while ((rc = next_to_leave(tx, e, &gone)) == ERR_OK) {
        rc = leave_mailbox(tx, e, &gone);
        if (rc != ERR_OK)
            return rc;
    }
    if (rc != ERR_NOTFOUND)
        return rc;
    rc = ERR_OK;
    for (i = 0; i < e->n_members && rc == ERR_OK; i++) {
        q = db_q(tx->db, SQL_MEMBER_ADD);
        q_id(&q, &e->mailbox);
        q_id(&q, &e->members[i]);
        rc = q_run(&q);
    }
    return rc;
}

static enum err
effect_retention(struct tx *tx, const struct store_effect *e)
{
    return meta_set_number(tx->db, "retention_days", e->days);
}

static enum err (*const effects[])(struct tx *, const struct store_effect *) = {
    [STORE_EFFECT_AGENCY] = effect_agency,
    [STORE_EFFECT_SUSPENDED] = effect_suspended,
    [STORE_EFFECT_DEVICE] = effect_device,
    [STORE_EFFECT_DEVICE_ENDED] = effect_device_ended,
    [STORE_EFFECT_MAILBOX] = effect_mailbox,
    [STORE_EFFECT_RETENTION] = effect_retention,
};

/* POLICY stands in the delivery log too: 01 03 || statement. */
enum err
publish_statement(struct tx *tx, struct span stmt)
{
    struct buf entry = {0};
    uint64_t index;
    enum err rc;

    buf_u8(&entry, 1);
    buf_u8(&entry, ENTRY_STATEMENT);
    buf_put(&entry, stmt.p, stmt.len);
    rc = buf_status(&entry);
    if (rc == ERR_OK)
        rc = log_append(tx, STORE_DELIVERY, entry.data, entry.len, &index);
    buf_clear(&entry);
    return rc;
}

enum err
apply_statement(struct tx *tx, struct store_op *op)
{
    const struct store_statement_op *in = &op->statement;
    enum err rc;
    size_t i;

    if (tx->st->ledger.peaks[STORE_DIRECTORY].size != in->index)
        return refuse(tx, STORE_WHY_STALE);
    rc = log_append(tx, STORE_DIRECTORY, in->stmt.p, in->stmt.len,
                    &tx->res->index);
    if (rc == ERR_OK && in->in_delivery_log)
        rc = publish_statement(tx, in->stmt);
    for (i = 0; i < in->n_effects && rc == ERR_OK; i++)
        rc = effects[in->effects[i].kind](tx, &in->effects[i]);
    return rc;
}

enum err
check_sender(struct tx *tx, const struct agency_id *agency)
{
    struct q q = db_q(tx->db, SQL_AGENCY_GET);
    uint64_t suspended;
    enum err rc;

    q_id(&q, agency);
    rc = q_number(&q, &suspended);
    if (rc == ERR_NOTFOUND || (rc == ERR_OK && suspended != 0))
        return refuse(tx, STORE_WHY_SENDER);
    return rc;
}

enum err
check_device(struct tx *tx, const struct device_id *device,
             const struct agency_id *agency)
{
    struct q q = db_q(tx->db, SQL_DEVICE_LIVE);
    struct agency_id of;
    enum err rc;

    q_id(&q, device);
    q_u64(&q, tx->now_s);
    rc = q_next(&q);
    if (rc == ERR_NOTFOUND)
        return refuse(tx, STORE_WHY_SENDER);
    if (rc != ERR_OK)
        return rc;
    rc = q_copy_id(&q, 0, &of);
    q_end(&q);
    if (rc == ERR_OK && agency != NULL && !id_eq(&of, agency))
        return refuse(tx, STORE_WHY_SENDER);
    return rc;
}

static enum err
add_prekey(struct tx *tx, const struct device_id *device,
           const struct store_prekey *k)
{
    struct q q;

    if (k->not_after_s <= tx->now_s)
        return ERR_OK;
    q = db_q(tx->db, SQL_PREKEY_ADD);
    q_id(&q, &k->id);
    q_id(&q, device);
    q_peer(&q, k->not_before_s);
    q_peer(&q, k->not_after_s);
    q_blob(&q, k->stmt.p, k->stmt.len);
    return q_run(&q);
}

enum err
apply_prekeys(struct tx *tx, struct store_op *op)
{
    const struct store_prekeys_op *in = &op->prekeys;
    enum err rc = check_device(tx, &in->device, NULL);
    struct q q;
    size_t i;

    for (i = 0; i < in->n && rc == ERR_OK; i++)
        rc = add_prekey(tx, &in->device, &in->prekeys[i]);
    if (rc != ERR_OK)
        return rc;
    q = db_q(tx->db, SQL_PREKEY_TRIM);
    q_id(&q, &in->device);
    q_u64(&q, STORE_PREKEYS_MAX);
    return q_run(&q);
}
