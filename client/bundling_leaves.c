/*
 * bundling_leaves.c - the statements that a bundle needs, out of the whole
 * directory: every policy, and what was said of the parties.
 */
#include <stdlib.h>
#include <string.h>

#include "client/bundling_inside.h"
#include "client/shelf.h"
#include "common/bytes.h"
#include "proto/merkle.h"

static const char what[] = "the statements do not fit";

struct picking {
    struct desk *d;
    const struct bundling_cast *cast;
    struct bundling *x;
    struct directory *dir; /* grows with the leaves, to tell their effect */
    struct problem *pb;
};

/* ---- which ---- */

static bool
is_party(const struct picking *k, const struct agency_id *id)
{
    return id_eq(id, &k->cast->agencies[0]) || id_eq(id, &k->cast->agencies[1]);
}

static bool
is_actor(const struct picking *k, const struct device_id *id)
{
    for (size_t i = 0; i < k->cast->n_devices; i++)
        if (id_eq(id, &k->cast->devices[i]))
            return true;
    return false;
}

static bool
is_evidence(const struct picking *k, struct span leaf)
{
    for (size_t i = 0; i < k->cast->n_events; i++) {
        struct span e = k->cast->events[i].evidence;

        if (e.len == leaf.len && memcmp(e.p, leaf.p, leaf.len) == 0)
            return true;
    }
    return false;
}

static bool
is_wanted(const struct picking *k, const struct dir_finding *f,
          struct span leaf)
{
    if (f->effect != DIR_APPLIED)
        return false;
    switch (f->kind) {
    case STMT_POLICY:
        return true;
    case STMT_ADMIT:
    case STMT_SUSPEND:
    case STMT_REROOT:
    case STMT_CANCEL:
        return is_party(k, &f->agency);
    case STMT_DEVICE:
    case STMT_REVOKE:
    case STMT_STOP_DEVICE:
        return is_actor(k, &f->device) || is_evidence(k, leaf);
    case STMT_MAILBOX:
        return id_eq(&f->mailbox, &k->cast->mailbox) || is_evidence(k, leaf);
    default:
        return false;
    }
}

/* ---- taking them ---- */

static enum err
put_leaf(struct picking *k, uint64_t index, struct span leaf)
{
    struct bundle *b = &k->x->b;
    const struct directory *all = roster_directory(k->d->roster);
    uint64_t size = roster_directory_head(k->d->roster)->size;
    struct hash path[MERKLE_PATH_MAX];
    struct bundle_leaf *rows;
    struct bundle_leaf *l;
    struct buf bytes = {0};
    struct span kept;
    size_t n;
    enum err rc;

    if (b->n_leaves >= BUNDLE_ROWS_MAX)
        return problem_set(k->pb, P_STATE, ERR_FULL,
                           "the bundle cannot be made",
                           "more was said of its parties than one file holds");
    rc = merkle_inclusion(directory_node, (void *)(uintptr_t)all, index, size,
                          path, &n);
    if (rc != ERR_OK)
        return problem_from_err(k->pb, what, rc);
    rows = realloc(b->leaves, (b->n_leaves + 1) * sizeof(*rows));
    if (rows == NULL)
        return problem_from_err(k->pb, what, ERR_NOMEM);
    b->leaves = rows;
    buf_put(&bytes, leaf.p, leaf.len);
    buf_put(&bytes, path, n * sizeof(path[0]));
    rc = bundling_keep(k->x, &bytes, &kept);
    if (rc != ERR_OK)
        return problem_from_err(k->pb, what, rc);
    l = &b->leaves[b->n_leaves++];
    l->index = index;
    l->statement = (struct span){kept.p, leaf.len};
    l->path = (const uint8_t *)kept.p + leaf.len;
    l->n = (uint8_t)n;
    return ERR_OK;
}

static enum err
look_at(struct picking *k, struct span leaf)
{
    uint64_t index = directory_size(k->dir);
    struct dir_finding f;
    enum err rc = directory_apply(k->dir, leaf.p, leaf.len, &f);

    if (rc != ERR_OK)
        return problem_from_err(k->pb, what, rc);
    if (!is_wanted(k, &f, leaf) ||
        index >= roster_directory_head(k->d->roster)->size)
        return ERR_OK;
    return put_leaf(k, index, leaf);
}

static enum err
look_at_record(struct picking *k, const struct buf *b)
{
    struct rd r = rd_from(b->data, b->len);
    enum err rc = ERR_OK;

    while (rc == ERR_OK && r.left > 0) {
        size_t len = rd_u16(&r);
        const uint8_t *p = rd_ref(&r, len);

        rc = p == NULL ? shelf_problem(ERR_VERIFY, k->pb)
                       : look_at(k, (struct span){p, len});
    }
    return rc;
}

static enum err
look_at_all(struct picking *k)
{
    uint8_t id[16];
    enum err rc = ERR_OK;

    while (rc == ERR_OK) {
        struct buf b = {0};

        shelf_number(id, directory_size(k->dir));
        rc = shelf_get_raw(k->d->app, REC_LEAVES, id, &b, k->pb);
        if (rc == ERR_OK)
            rc = look_at_record(k, &b);
        buf_clear(&b);
    }
    return rc == ERR_NOTFOUND ? ERR_OK : rc;
}

static enum err
put_checkpoint(struct picking *k)
{
    const struct head *head = roster_directory_head(k->d->roster);
    struct buf note = {0};
    struct vkey key;
    enum err rc = roster_vkey(k->d->roster, LOG_DIRECTORY, &key);

    if (rc == ERR_OK)
        rc = head_to_note(head, &key, &note);
    if (rc == ERR_OK)
        return problem_from_err(
            k->pb, what, bundling_keep(k->x, &note, &k->x->b.checkpoint));
    buf_clear(&note);
    return problem_from_err(k->pb, "the directory's head is not known", rc);
}

enum err
bundling_leaves(struct desk *d, const struct bundling_cast *cast,
                struct bundling *x, struct problem *pb)
{
    struct picking k = {.d = d, .cast = cast, .x = x, .pb = pb};
    enum err rc;

    if (roster_directory_head(d->roster)->size == 0)
        return ERR_OK;
    k.dir = directory_new(&d->id.network_id);
    if (k.dir == NULL)
        return problem_from_err(pb, what, ERR_NOMEM);
    rc = look_at_all(&k);
    if (rc == ERR_OK && x->b.n_leaves > 0)
        rc = put_checkpoint(&k);
    directory_free(k.dir);
    return rc;
}
