/*
 * prekeys.c - REC_PREKEY: {statement, not_before, not_after, superseded}; the
 * seed is in the keyring, where its destruction is an epoch's work.
 */
#include "client/prekeys.h"

#include <string.h>

#include "client/app.h"
#include "client/shelf.h"
#include "client/vault.h"
#include "common/clock.h"
#include "proto/prekey.h"

static const char what[] = "the keys of this device cannot be renewed";

struct own_prekey {
    struct prekey_id id;
    uint8_t stmt[PREKEY_LEN];
    uint64_t not_before, not_after;
    uint64_t superseded; /* 0: it is the newest */
};

static json_t *
to_json(const struct own_prekey *k)
{
    json_t *j = json_object();

    json_put_hex(j, "statement", k->stmt, sizeof(k->stmt));
    json_put_u64(j, "not_before", k->not_before);
    json_put_u64(j, "not_after", k->not_after);
    json_put_u64(j, "superseded", k->superseded);
    return j;
}

static enum err
next(struct app *app, size_t *pos, struct own_prekey *out, struct problem *pb)
{
    struct vault_item item;
    json_t *j = NULL;
    enum err rc;

    if (!vault_next(app->vault, REC_PREKEY, pos, &item))
        return ERR_NOTFOUND;
    rc = shelf_get(app, REC_PREKEY, item.id, &j, pb);
    if (rc != ERR_OK)
        return rc;
    memcpy(out->id.b, item.id, sizeof(out->id.b));
    (void)json_get_hex(j, "statement", out->stmt, sizeof(out->stmt));
    out->not_before = json_get_u64(j, "not_before");
    out->not_after = json_get_u64(j, "not_after");
    out->superseded = json_get_u64(j, "superseded");
    json_decref(j);
    return ERR_OK;
}

/* (T) */
static void
put(struct app *app, const struct own_prekey *k)
{
    json_t *j = to_json(k);

    shelf_put(app, REC_PREKEY, k->id.b, j);
    json_decref(j);
}

static enum err
newest(struct app *app, struct own_prekey *out, struct problem *pb)
{
    struct own_prekey k;
    bool found = false;
    size_t pos = 0;
    enum err rc;

    while ((rc = next(app, &pos, &k, pb)) == ERR_OK)
        if (k.superseded == 0 && (!found || k.not_before >= out->not_before)) {
            *out = k;
            found = true;
        }
    if (rc != ERR_NOTFOUND)
        return rc;
    return found ? ERR_OK : ERR_NOTFOUND;
}

static enum err
make(struct app *app, const struct identity *id, uint64_t now,
     struct own_prekey *old, bool has_old, struct problem *pb)
{
    struct own_prekey k = {0};
    uint8_t seed[32];
    struct prekey says;
    enum err rc;

    crypto_random(seed, sizeof(seed));
    rc = prekey_make(k.stmt, &says, &id->device, seed, now, &id->sign);
    if (rc == ERR_OK)
        rc = shelf_begin(app, pb);
    if (rc == ERR_OK) {
        k.id = says.id;
        k.not_before = says.not_before;
        k.not_after = says.not_after;
        (void)vault_seed_put(app->vault, &k.id, seed);
        put(app, &k);
        if (has_old) {
            old->superseded = now;
            put(app, old);
        }
        rc = shelf_end(app, ERR_OK, pb);
    }
    crypto_wipe(seed, sizeof(seed));
    return problem_from_err(pb, what, rc);
}

static enum err
destroy(struct app *app, const struct own_prekey *k, struct problem *pb)
{
    enum err rc = shelf_begin(app, pb);

    if (rc != ERR_OK)
        return rc;
    (void)vault_seed_destroy(app->vault, &k->id);
    shelf_drop(app, REC_PREKEY, k->id.b);
    return shelf_end(app, ERR_OK, pb);
}

static enum err
destroy_due(struct app *app, uint64_t now, struct problem *pb)
{
    struct own_prekey k;
    size_t pos = 0;
    enum err rc;

    while ((rc = next(app, &pos, &k, pb)) == ERR_OK)
        if (prekey_destroy_at(k.superseded, k.not_after) <= now &&
            (rc = destroy(app, &k, pb)) != ERR_OK)
            return rc;
    return rc == ERR_NOTFOUND ? ERR_OK : rc;
}

/* ---- at the relay ---- */

/* Those of ours that are valid and that the relay does not have: the newest,
 * just made, or all of them when it was restored from an older copy. */
struct missing {
    struct own_prekey key[LIMIT_DEVICE_PREKEYS];
    size_t n;
};

static enum err
list_valid(struct app *app, uint64_t now, struct missing *out,
           struct problem *pb)
{
    struct own_prekey k;
    size_t pos = 0;
    enum err rc;

    while ((rc = next(app, &pos, &k, pb)) == ERR_OK) {
        if (k.not_after <= now)
            continue;
        if (out->n == LIMIT_DEVICE_PREKEYS) /* the oldest comes first */
            memmove(&out->key[0], &out->key[1], --out->n * sizeof(out->key[0]));
        out->key[out->n++] = k;
    }
    return rc == ERR_NOTFOUND ? ERR_OK : rc;
}

static void
strike(struct missing *out, const struct msg_field *stmt)
{
    for (size_t i = 0; i < out->n; i++)
        if (memcmp(stmt->p, out->key[i].stmt, PREKEY_LEN) == 0) {
            memmove(&out->key[i], &out->key[i + 1],
                    (--out->n - i) * sizeof(out->key[0]));
            return;
        }
}

static enum err
strike_known(struct upstream *up, const struct identity *id,
             struct missing *out, struct problem *pb)
{
    struct msg_field f[] = {
        [PREKEY_GET_MAILBOX] = msg_bin(id->mailbox.b, sizeof(id->mailbox.b)),
    };
    const struct msg_field *list;
    const struct msg *m;
    unsigned wire = PERR_NONE;
    struct problem ask = {0};
    enum err rc =
        upstream_call(up, MSG_PREKEY_GET, f, 1, MSG_PREKEYS, &m, &wire, &ask);

    if (rc != ERR_OK && wire == PERR_MAILBOX)
        return ERR_OK; /* of another mailbox by now: just say it again */
    if (rc != ERR_OK) {
        *pb = ask;
        return rc;
    }
    list = &m->f[PREKEYS_STMTS];
    for (size_t i = 0; i < list->len; i++)
        strike(out, &list->items[i]);
    return ERR_OK;
}

static enum err
upload(struct upstream *up, const struct missing *keys, struct problem *pb)
{
    struct msg_field stmt[LIMIT_DEVICE_PREKEYS];
    struct msg_field f[1];

    if (keys->n == 0)
        return ERR_OK;
    for (size_t i = 0; i < keys->n; i++)
        stmt[i] = msg_bin(keys->key[i].stmt, sizeof(keys->key[i].stmt));
    f[PREKEY_PUT_STMTS] = msg_list(stmt, keys->n);
    return upstream_call(up, MSG_PREKEY_PUT, f, 1, MSG_OK, NULL, NULL, pb);
}

enum err
prekeys_refresh(struct app *app, const struct identity *id, struct upstream *up,
                struct problem *pb)
{
    uint64_t now = clock_wall_ms() / 1000;
    struct own_prekey k = {0};
    struct missing keys = {.n = 0};
    enum err rc = newest(app, &k, pb);
    bool has = rc == ERR_OK;

    if (rc != ERR_OK && rc != ERR_NOTFOUND)
        return rc;
    rc = ERR_OK;
    if (!has || prekey_renew_is_due(k.not_before, now))
        rc = make(app, id, now, &k, has, pb);
    if (rc == ERR_OK)
        rc = destroy_due(app, now, pb);
    if (rc == ERR_OK)
        rc = list_valid(app, now, &keys, pb);
    if (rc == ERR_OK)
        rc = strike_known(up, id, &keys, pb);
    return rc == ERR_OK ? upload(up, &keys, pb) : rc;
}
