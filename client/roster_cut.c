/*
 * roster_cut.c - a succession whose registrar did not know all of the
 * directory: the POLICY stands where we hold other leaves.  The relay's
 * directory takes the place of ours, and what it lacks is put again.
 */
#include <stdlib.h>
#include <string.h>

#include "client/app.h"
#include "client/roster.h"
#include "client/roster_inside.h"
#include "client/shelf.h"
#include "client/succession.h"
#include "client/vault.h"
#include "proto/era.h"
#include "proto/merkle.h"
#include "proto/msg.h"

static enum err
not_ours(struct problem *pb)
{
    return problem_set(pb, P_ORIGIN, ERR_VERIFY,
                       "the relay's directory head does not verify",
                       "it is not signed by the key of the policy");
}

/* The first leaf that is not ours; N or our size when all are. */
static uint64_t
first_other(const struct roster *r, const struct buf *leaves, size_t n)
{
    uint64_t size = directory_size(r->dir);
    uint64_t i;

    for (i = 0; i < n && i < size; i++) {
        struct hash leaf;

        merkle_leaf(leaves[i].data, leaves[i].len, &leaf);
        if (!id_eq(&leaf, directory_leaf_hash(r->dir, i)))
            break;
    }
    return i;
}

/* A POLICY that began an era stands at leaf AT. */
static bool
begins_era(const struct directory *dir, uint64_t at)
{
    const struct dir_policy *p;

    for (size_t i = 0; (p = directory_policy_nth(dir, i)) != NULL; i++)
        if (p->index == at)
            return p->old_size > 0;
    return false;
}

static enum err
build(const struct roster *r, const struct buf *leaves, size_t n,
      struct directory **out, struct problem *pb)
{
    struct directory *dir = directory_new(&r->network_id);
    enum err rc = dir == NULL ? ERR_NOMEM : ERR_OK;

    for (size_t i = 0; i < n && rc == ERR_OK; i++)
        rc = directory_apply(dir, leaves[i].data, leaves[i].len, NULL);
    if (rc != ERR_OK) {
        directory_free(dir);
        return problem_from_err(pb, "the directory does not fit", rc);
    }
    *out = dir;
    return ERR_OK;
}

/* The checkpoint is under the key of DIR's own policy and covers all of it. */
static enum err
check_head(const struct directory *dir, const void *note, size_t len,
           struct head *head, struct problem *pb)
{
    struct hash root;
    struct era e;

    if (era_nth(dir, LOG_DIRECTORY, 0, &e) != ERR_OK ||
        head_from_note(note, len, &e.key, NULL, 0, head, NULL) != ERR_OK ||
        head->size != directory_size(dir) ||
        directory_root_at(dir, head->size, &root) != ERR_OK ||
        !id_eq(&root, &head->root))
        return not_ours(pb);
    return ERR_OK;
}

/* (T) Ours from AT on, to be put again. */
static enum err
keep_lost(struct roster *r, uint64_t at, struct problem *pb)
{
    uint64_t size = directory_size(r->dir);
    enum err rc = ERR_OK;

    for (uint64_t i = at; i < size && rc == ERR_OK; i++) {
        struct buf leaf = {0};
        uint8_t id[16];

        rc = roster_leaf(r, i, &leaf, pb);
        succession_record_id(id, at, SUCCESSION_LEAF, i);
        if (rc == ERR_OK)
            shelf_put_raw(r->app, REC_SUCCESSION, id, leaf.data, leaf.len);
        buf_clear(&leaf);
    }
    return rc;
}

static enum err
drop_leaves(struct roster *r)
{
    struct vault_item item;
    uint8_t(*ids)[16] = calloc(vault_count(r->app->vault, REC_LEAVES) + 1, 16);
    size_t pos = 0, n = 0;

    if (ids == NULL)
        return ERR_NOMEM;
    while (vault_next(r->app->vault, REC_LEAVES, &pos, &item))
        memcpy(ids[n++], item.id, 16);
    for (size_t i = 0; i < n; i++)
        shelf_drop(r->app, REC_LEAVES, ids[i]);
    free(ids);
    return ERR_OK;
}

static enum err
keep(struct roster *r, uint64_t at, const struct buf *leaves, size_t n,
     const struct head *head, struct problem *pb)
{
    struct head heads[2] = {*head, r->heads[LOG_DELIVERY]};
    enum err rc = shelf_begin(r->app, pb);

    if (rc != ERR_OK)
        return rc;
    rc = keep_lost(r, at, pb);
    if (rc == ERR_OK)
        rc = drop_leaves(r);
    roster_leaves_put(r, 0, leaves, n);
    roster_heads_put(r, heads, r->synced_ms);
    return shelf_end(r->app, rc, pb);
}

enum err
roster_recut(struct roster *r, const struct buf *leaves, size_t n,
             const void *checkpoint, size_t len, uint64_t *cut,
             struct problem *pb)
{
    uint64_t at = first_other(r, leaves, n);
    uint64_t had = directory_size(r->dir);
    struct directory *dir = NULL;
    struct head head;
    enum err rc;

    if (at >= had || at >= n)
        return not_ours(pb);
    rc = build(r, leaves, n, &dir, pb);
    if (rc != ERR_OK)
        return rc;
    rc = begins_era(dir, at) ? check_head(dir, checkpoint, len, &head, pb)
                             : not_ours(pb);
    if (rc == ERR_OK)
        rc = keep(r, at, leaves, n, &head, pb);
    if (rc != ERR_OK) {
        directory_free(dir);
        return rc;
    }
    directory_free(r->dir);
    r->dir = dir;
    r->heads[LOG_DIRECTORY] = head;
    *cut = had - at;
    return ERR_OK;
}
