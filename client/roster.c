/*
 * roster.c - the directory of this client: leaves in the vault, state in
 * memory, the newest heads of both logs.
 */
#include "client/roster.h"

#include <stdlib.h>
#include <string.h>

#include "client/app.h"
#include "client/identity.h"
#include "client/roster_inside.h"
#include "client/shelf.h"
#include "client/splitview.h"
#include "client/vault.h"
#include "common/bytes.h"
#include "common/clock.h"
#include "proto/era.h"
#include "proto/merkle.h"
#include "proto/msg.h"

/* A record of the vault holds 16 MiB; half of it is enough for one. */
enum { LEAVES_RECORD_MAX = 8 << 20 };

/* ---- from the vault ---- */

static enum err
apply_record(struct directory *dir, const struct buf *b, struct problem *pb)
{
    struct rd r = rd_from(b->data, b->len);

    while (r.left > 0) {
        size_t len = rd_u16(&r);
        const uint8_t *leaf = rd_ref(&r, len);

        if (leaf == NULL)
            return shelf_problem(ERR_VERIFY, pb);
        if (directory_apply(dir, leaf, len, NULL) != ERR_OK)
            return problem_from_err(pb, "the directory does not fit",
                                    ERR_NOMEM);
    }
    return ERR_OK;
}

static enum err
load_leaves(struct app *app, const struct hash *network_id,
            struct directory **out, struct problem *pb)
{
    struct directory *dir = directory_new(network_id);
    uint8_t id[16];
    enum err rc = ERR_OK;

    if (dir == NULL)
        return problem_from_err(pb, "the directory does not fit", ERR_NOMEM);
    while (rc == ERR_OK) {
        struct buf b = {0};

        shelf_number(id, directory_size(dir));
        rc = shelf_get_raw(app, REC_LEAVES, id, &b, pb);
        if (rc == ERR_OK)
            rc = apply_record(dir, &b, pb);
        buf_clear(&b);
    }
    if (rc != ERR_NOTFOUND) {
        directory_free(dir);
        return rc;
    }
    *out = dir;
    return ERR_OK;
}

static void
head_from_json(struct head *out, const json_t *j, const char *key)
{
    uint8_t bytes[HEAD_LEN];

    if (json_get_hex(j, key, bytes, sizeof(bytes)) == ERR_OK)
        head_decode(bytes, out);
}

static void
head_to_json(json_t *j, const char *key, const struct head *head)
{
    uint8_t bytes[HEAD_LEN];

    head_encode(head, bytes);
    json_put_hex(j, key, bytes, sizeof(bytes));
}

static enum err
load_heads(struct roster *r, struct problem *pb)
{
    json_t *j = NULL;
    enum err rc = shelf_get(r->app, REC_HEADS, shelf_one, &j, pb);

    if (rc != ERR_OK)
        return rc == ERR_NOTFOUND ? ERR_OK : rc;
    head_from_json(&r->heads[LOG_DIRECTORY], j, "directory");
    head_from_json(&r->heads[LOG_DELIVERY], j, "delivery");
    r->synced_ms = json_get_u64(j, "synced_ms");
    r->grown_ms = json_get_u64(j, "grown_ms");
    json_decref(j);
    return ERR_OK;
}

/* What we hold must be what the relay signed when we took it. */
static enum err
check_loaded(const struct roster *r, struct problem *pb)
{
    const struct head *h = &r->heads[LOG_DIRECTORY];
    struct hash root;

    if (h->size == 0)
        return ERR_OK;
    if (directory_root_at(r->dir, h->size, &root) != ERR_OK ||
        !id_eq(&root, &h->root))
        return shelf_problem(ERR_VERIFY, pb);
    return ERR_OK;
}

enum err
roster_open(struct app *app, const struct identity *id, struct roster **out,
            struct problem *pb)
{
    struct roster *r = calloc(1, sizeof(*r));
    enum err rc;

    if (r == NULL)
        return problem_from_err(pb, "the directory does not fit", ERR_NOMEM);
    r->app = app;
    r->network_id = id->network_id;
    rc = load_leaves(app, &id->network_id, &r->dir, pb);
    if (rc == ERR_OK)
        rc = load_heads(r, pb);
    if (rc == ERR_OK)
        rc = check_loaded(r, pb);
    if (rc == ERR_OK)
        *out = r;
    else
        roster_close(r);
    return rc;
}

void
roster_close(struct roster *r)
{
    if (r == NULL)
        return;
    directory_free(r->dir);
    free(r);
}

/* After a failure half-way: back to what the vault holds. */
static enum err
reload(struct roster *r, enum err why, struct problem *pb)
{
    struct directory *dir;

    if (load_leaves(r->app, &r->network_id, &dir, pb) == ERR_OK) {
        directory_free(r->dir);
        r->dir = dir;
    }
    return why;
}

/* ---- heads ---- */

struct app *
roster_app(const struct roster *r)
{
    return r->app;
}

const struct directory *
roster_directory(const struct roster *r)
{
    return r->dir;
}

const struct head *
roster_directory_head(const struct roster *r)
{
    return &r->heads[LOG_DIRECTORY];
}

const struct head *
roster_delivery_head(const struct roster *r)
{
    return &r->heads[LOG_DELIVERY];
}

void
roster_note(const struct roster *r, unsigned log, struct buf *out)
{
    const struct head *h = &r->heads[log];
    struct era e;

    if (h->size > 0 && era_of_head(r->dir, log, h, &e) == ERR_OK &&
        head_to_note(h, &e.key, out) != ERR_OK)
        buf_reset(out);
}

uint64_t
roster_synced_ms(const struct roster *r)
{
    return r->synced_ms;
}

uint64_t
roster_grown_ms(const struct roster *r)
{
    return r->grown_ms;
}

enum err
roster_vkey(const struct roster *r, unsigned log, struct vkey *out)
{
    const struct dir_policy *p = directory_policy(r->dir);

    if (p == NULL)
        return ERR_STATE;
    return vkey_make(
        out, log == LOG_DIRECTORY ? p->directory_origin : p->delivery_origin,
        NOTE_ED25519, &p->log_key);
}

void
roster_heads_put(struct roster *r, const struct head heads[2],
                 uint64_t synced_ms)
{
    json_t *j = json_object();

    if (heads[LOG_DIRECTORY].size != r->heads[LOG_DIRECTORY].size)
        r->grown_ms = clock_wall_ms();
    head_to_json(j, "directory", &heads[LOG_DIRECTORY]);
    head_to_json(j, "delivery", &heads[LOG_DELIVERY]);
    json_put_u64(j, "grown_ms", r->grown_ms);
    json_put_u64(j, "synced_ms", synced_ms);
    shelf_put(r->app, REC_HEADS, shelf_one, j);
    json_decref(j);
}

static enum err
save_heads(struct roster *r, const struct head heads[2], uint64_t synced_ms,
           struct problem *pb)
{
    enum err rc = shelf_begin(r->app, pb);

    if (rc != ERR_OK)
        return rc;
    roster_heads_put(r, heads, synced_ms);
    rc = shelf_end(r->app, ERR_OK, pb);
    if (rc == ERR_OK) {
        memcpy(r->heads, heads, sizeof(r->heads));
        r->synced_ms = synced_ms;
    }
    return rc;
}

enum err
roster_set_delivery_head(struct roster *r, const struct head *h,
                         struct problem *pb)
{
    struct head heads[2] = {r->heads[0], r->heads[1]};

    heads[LOG_DELIVERY] = *h;
    return save_heads(r, heads, r->synced_ms, pb);
}

enum err
roster_set_synced(struct roster *r, uint64_t now_ms, struct problem *pb)
{
    return save_heads(r, r->heads, now_ms, pb);
}

/* ---- new leaves ---- */

static enum err
bad_leaves(struct problem *pb, const char *why)
{
    return problem_set(pb, P_VERIFY, ERR_VERIFY,
                       "the relay's directory cannot be right", "%s", why);
}

/* Who must have signed the head: the log key of the policy in force, which may
 * be among the new leaves.  Whether that policy is genuine is asked again once
 * the leaves are applied. */
static enum err
key_of_head(const struct roster *r, const struct buf *leaves, size_t n,
            struct vkey *out)
{
    enum err rc = roster_vkey(r, LOG_DIRECTORY, out);

    for (size_t i = 0; i < n; i++) {
        char origin[LIMIT_ORIGIN + 1] = "";
        struct statement st;

        if (stmt_parse(&st, leaves[i].data, leaves[i].len) != ERR_OK ||
            st.kind != STMT_POLICY)
            continue;
        memcpy(origin, st.body.policy.directory_origin.p,
               st.body.policy.directory_origin.len);
        rc = vkey_make(out, origin, NOTE_ED25519, &st.body.policy.log_key);
    }
    return rc;
}

static enum err
root_with(const struct roster *r, const struct buf *leaves, size_t n,
          struct hash *root)
{
    struct merkle_peaks peaks = {0};
    enum err rc =
        merkle_load(directory_node, r->dir, directory_size(r->dir), &peaks);

    for (size_t i = 0; i < n && rc == ERR_OK; i++) {
        struct hash leaf;

        merkle_leaf(leaves[i].data, leaves[i].len, &leaf);
        rc = merkle_append(&peaks, &leaf, NULL, NULL);
    }
    if (rc == ERR_OK)
        merkle_root(&peaks, root);
    return rc;
}

/* HEAD is under KEY and has exactly our leaves and the new ones. */
static enum err
check_head(struct roster *r, const struct vkey *key, const struct head *head,
           const struct buf *leaves, size_t n, struct problem *pb)
{
    const struct head *old = &r->heads[LOG_DIRECTORY];
    struct hash root;

    if (root_with(r, leaves, n, &root) != ERR_OK)
        return bad_leaves(pb, "the leaves cannot be counted");
    if (head->size == directory_size(r->dir) + n && id_eq(&root, &head->root))
        return ERR_OK;
    if (old->size == head->size && !id_eq(&old->root, &head->root) &&
        head_verify(old, key) == ERR_OK)
        return splitview_raise(r->app, key, old, head, pb);
    return bad_leaves(pb, "its entries do not have the root that it signed");
}

void
roster_leaves_put(struct roster *r, uint64_t from, const struct buf *leaves,
                  size_t n)
{
    struct buf b = {0};
    uint8_t id[16];

    for (size_t i = 0; i < n; i++) {
        if (b.len == 0)
            shelf_number(id, from + i);
        buf_u16(&b, (uint16_t)leaves[i].len);
        buf_put(&b, leaves[i].data, leaves[i].len);
        if (i + 1 < n && b.len < LEAVES_RECORD_MAX)
            continue;
        shelf_put_raw(r->app, REC_LEAVES, id, b.data, b.len);
        buf_reset(&b);
    }
    if (buf_status(&b) != ERR_OK)
        vault_abort(r->app->vault);
    buf_clear(&b);
}

static enum err
keep(struct roster *r, uint64_t from, const struct buf *leaves, size_t n,
     const struct head *head, struct problem *pb)
{
    struct head heads[2] = {*head, r->heads[LOG_DELIVERY]};
    enum err rc = shelf_begin(r->app, pb);

    if (rc != ERR_OK)
        return rc;
    roster_leaves_put(r, from, leaves, n);
    roster_heads_put(r, heads, r->synced_ms);
    contacts_hold_rerooted(r, from, clock_wall_ms() / 1000);
    rc = shelf_end(r->app, ERR_OK, pb);
    if (rc == ERR_OK)
        r->heads[LOG_DIRECTORY] = *head;
    return rc;
}

static enum err
apply_and_keep(struct roster *r, const struct vkey *key,
               const struct head *head, const struct buf *leaves, size_t n,
               struct problem *pb)
{
    uint64_t from = directory_size(r->dir);
    struct vkey now;

    for (size_t i = 0; i < n; i++)
        if (directory_apply(r->dir, leaves[i].data, leaves[i].len, NULL) !=
            ERR_OK)
            return problem_from_err(pb, "the directory does not fit",
                                    ERR_NOMEM);
    if (roster_vkey(r, LOG_DIRECTORY, &now) != ERR_OK)
        return bad_leaves(pb, "it does not begin with this network's policy");
    if (!id_eq(&now.pub, &key->pub) || strcmp(now.name, key->name) != 0)
        return bad_leaves(pb, "its head is under a key of no valid policy");
    return keep(r, from, leaves, n, head, pb);
}

enum err
roster_extend(struct roster *r, uint64_t from, const struct buf *leaves,
              size_t n, const uint8_t *checkpoint, size_t checkpoint_len,
              struct problem *pb)
{
    uint64_t have = directory_size(r->dir);
    struct head head;
    struct vkey key;
    enum err rc;

    if (from > have || have - from > n)
        return problem_set(pb, P_VERIFY, ERR_STATE,
                           "the relay's directory cannot be right",
                           "its answer leaves a gap");
    leaves += have - from;
    n -= (size_t)(have - from);
    if (key_of_head(r, leaves, n, &key) != ERR_OK ||
        head_from_note(checkpoint, checkpoint_len, &key, NULL, 0, &head,
                       NULL) != ERR_OK)
        return problem_set(pb, P_ORIGIN, ERR_VERIFY,
                           "the relay's directory head does not verify",
                           "it is not signed by the key of the policy");
    rc = check_head(r, &key, &head, leaves, n, pb);
    if (rc != ERR_OK || (n == 0 && r->heads[LOG_DIRECTORY].size == head.size))
        return rc;
    rc = apply_and_keep(r, &key, &head, leaves, n, pb);
    return rc == ERR_OK ? rc : reload(r, rc, pb);
}
