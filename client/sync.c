/*
 * sync.c - directory and heads.  A head counts when it is under the relay's
 * key and a proof joins it with the newest one seen before.
 */
#include "client/sync.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "client/app.h"
#include "client/shelf.h"
#include "client/splitview.h"
#include "client/succession.h"
#include "proto/era.h"
#include "proto/merkle.h"
#include "proto/proof.h"

/* ---- joining two heads ---- */

enum err
sync_ask_consistency(struct upstream *u, unsigned log, uint64_t m, uint64_t n,
                     struct hash path[MERKLE_PATH_MAX], size_t *count,
                     unsigned *wire, struct problem *pb)
{
    struct msg_field f[] = {
        [CONSISTENCY_GET_LOG] = msg_u(log),
        [CONSISTENCY_GET_M] = msg_u(m),
        [CONSISTENCY_GET_N] = msg_u(n),
    };
    const struct msg_field *hashes;
    const struct msg *answer;
    enum err rc = upstream_call(u, MSG_CONSISTENCY_GET, f, 3, MSG_PROOF,
                                &answer, wire, pb);

    if (rc != ERR_OK)
        return rc;
    hashes = &answer->f[PROOF_HASHES];
    for (size_t i = 0; i < hashes->len; i++)
        msg_copy(path[i].b, &hashes->items[i], 32);
    *count = hashes->len;
    return ERR_OK;
}

/* Both verified, each under the key of its era. */
enum err
sync_raise(struct roster *r, unsigned log, const struct head *a,
           const struct head *b, struct problem *pb)
{
    const struct directory *dir = roster_directory(r);
    struct era of_a, of_b;

    if (era_of_head(dir, log, a, &of_a) != ERR_OK ||
        era_of_head(dir, log, b, &of_b) != ERR_OK)
        return shelf_problem(ERR_VERIFY, pb);
    return splitview_raise_between(roster_app(r), &of_a.key, a, &of_b.key, b,
                                   pb);
}

enum err
sync_join(struct upstream *u, struct roster *r, unsigned log,
          const struct head *old, const struct head *new, struct problem *pb)
{
    struct hash path[MERKLE_PATH_MAX];
    struct problem ask = {0};
    unsigned wire = PERR_NONE;
    size_t n = 0;
    enum err rc;

    if (old->size == 0)
        return ERR_OK;
    if (old->size == new->size)
        return id_eq(&old->root, &new->root) ? ERR_OK
                                             : sync_raise(r, log, old, new, pb);
    rc = sync_ask_consistency(u, log, old->size, new->size, path, &n, &wire,
                              &ask);
    /* No answer at all, or "ask again": that proves nothing. */
    if (rc == ERR_BUSY || (rc != ERR_OK && wire == PERR_NONE)) {
        *pb = ask;
        return rc;
    }
    if (rc == ERR_OK)
        rc = merkle_verify_consistency(old->size, new->size, &old->root,
                                       &new->root, path, n);
    return rc == ERR_OK ? ERR_OK : sync_raise(r, log, old, new, pb);
}

static enum err
rolled_back(const struct head *ours, const struct head *theirs,
            struct problem *pb)
{
    return problem_set(pb, P_ROLLED_BACK, ERR_VERIFY,
                       "the relay has forgotten a part of its log",
                       "it shows %" PRIu64 " entries and has shown %" PRIu64
                       " before: it may run from an old copy",
                       theirs->size, ours->size);
}

static enum err
read_note(const struct roster *r, unsigned log, struct span note,
          struct vkey *key, struct head *head, struct problem *pb)
{
    enum err rc = roster_vkey(r, log, key);

    if (rc == ERR_OK)
        rc = head_from_note(note.p, note.len, key, NULL, 0, head, NULL);
    if (rc != ERR_OK)
        return problem_set(pb, P_ORIGIN, rc,
                           "a head of the relay's log does not verify",
                           "it is not signed by the key of the policy");
    return ERR_OK;
}

/* ---- the directory ---- */

struct leaves {
    struct buf *items;
    size_t n, cap;
};

static void
leaves_clear(struct leaves *l)
{
    for (size_t i = 0; i < l->n; i++)
        buf_clear(&l->items[i]);
    free(l->items);
}

static enum err
leaves_add(struct leaves *l, const struct msg_field *f)
{
    if (l->n == l->cap) {
        size_t cap = l->cap == 0 ? 64 : 2 * l->cap;
        struct buf *more = realloc(l->items, cap * sizeof(*more));

        if (more == NULL)
            return ERR_NOMEM;
        l->items = more;
        l->cap = cap;
    }
    l->items[l->n] = (struct buf){0};
    buf_put(&l->items[l->n], f->p, f->len);
    return buf_status(&l->items[l->n++]);
}

/* One page; *HEAD_SIZE is that of the checkpoint that came with it, read
 * without trust: roster_extend verifies it. */
static enum err
fetch_page(struct upstream *u, uint64_t from, struct leaves *l,
           struct buf *checkpoint, size_t *got, struct problem *pb)
{
    struct msg_field f[] = {
        [DIR_GET_FROM] = msg_u(from),
        [DIR_GET_MAX] = msg_u(LIMIT_EVENTS_PAGE),
    };
    const struct msg_field *list;
    const struct msg *m;
    enum err rc = upstream_call(u, MSG_DIR_GET, f, 2, MSG_DIR, &m, NULL, pb);

    if (rc != ERR_OK)
        return rc;
    list = &m->f[DIR_LEAVES];
    if (m->f[DIR_FROM].u != from || l->n + list->len > LIMIT_DIRECTORY_LEAVES)
        return problem_set(pb, P_RELAY_ERROR, ERR_MALFORMED,
                           "the relay's words make no sense",
                           "the directory it sends has gaps or no end");
    for (size_t i = 0; i < list->len && rc == ERR_OK; i++)
        rc = leaves_add(l, &list->items[i]);
    buf_reset(checkpoint);
    buf_put(checkpoint, m->f[DIR_CHECKPOINT].p, m->f[DIR_CHECKPOINT].len);
    *got = list->len;
    return problem_from_err(pb, "the directory does not fit", rc);
}

static uint64_t
claimed_size(const struct buf *note)
{
    struct checkpoint cp;
    struct note parts;

    if (note_open(note->data, note->len, NULL, 0, &parts) != ERR_OK ||
        checkpoint_parse(parts.text, parts.text_len, &cp) != ERR_OK)
        return 0;
    return cp.size;
}

static enum err
fetch(struct upstream *u, uint64_t from, struct leaves *l,
      struct buf *checkpoint, struct problem *pb)
{
    size_t got = 0;
    enum err rc;

    do
        rc = fetch_page(u, from + l->n, l, checkpoint, &got, pb);
    while (rc == ERR_OK && got > 0 && from + l->n < claimed_size(checkpoint));
    return rc;
}

/* Its head is under no key that we know.  Perhaps a succession cut off leaves
 * that the registrar had not seen: then all of it is looked at anew. */
static enum err
recut(struct upstream *u, struct roster *r, struct problem *pb)
{
    struct buf checkpoint = {0};
    struct leaves l = {0};
    uint64_t cut = 0;
    enum err rc = fetch(u, 0, &l, &checkpoint, pb);

    if (rc == ERR_OK)
        rc = roster_recut(r, l.items, l.n, checkpoint.data, checkpoint.len,
                          &cut, pb);
    if (rc == ERR_OK)
        out_note(roster_app(r),
                 "The restore lost %" PRIu64 " entr%s of the directory that "
                 "this machine has; %s put again.",
                 cut, cut == 1 ? "y" : "ies", cut == 1 ? "it is" : "they are");
    leaves_clear(&l);
    buf_clear(&checkpoint);
    return rc;
}

enum err
sync_directory(struct upstream *u, struct roster *r, struct problem *pb)
{
    uint64_t from = directory_size(roster_directory(r));
    struct problem mine = {0};
    struct buf checkpoint = {0};
    struct leaves l = {0};
    enum err rc = fetch(u, from, &l, &checkpoint, &mine);

    if (rc == ERR_OK)
        rc = roster_extend(r, from, l.items, l.n, checkpoint.data,
                           checkpoint.len, &mine);
    leaves_clear(&l);
    buf_clear(&checkpoint);
    if (rc != ERR_OK && mine.id == P_ORIGIN && from > 0 && upstream_is_alive(u))
        return recut(u, r, pb);
    if (rc != ERR_OK)
        *pb = mine;
    return rc;
}

/* The head of WELCOME against ours, before anything is fetched. */
static enum err
check_directory_head(struct upstream *u, struct roster *r, struct problem *pb)
{
    const struct head *ours = roster_directory_head(r);
    struct span note = upstream_directory_checkpoint(u);
    struct head theirs;
    struct vkey key;
    struct hash root;

    /* From nothing, or under a key that new leaves may announce: the leaves
     * themselves are the proof. */
    if (ours->size == 0 || roster_vkey(r, LOG_DIRECTORY, &key) != ERR_OK ||
        head_from_note(note.p, note.len, &key, NULL, 0, &theirs, NULL) !=
            ERR_OK)
        return ERR_OK;
    if (theirs.size >= ours->size)
        return sync_join(u, r, LOG_DIRECTORY, ours, &theirs, pb);
    if (directory_root_at(roster_directory(r), theirs.size, &root) == ERR_OK &&
        id_eq(&root, &theirs.root))
        return rolled_back(ours, &theirs, pb);
    return splitview_raise(roster_app(r), &key, ours, &theirs, pb);
}

/* ---- the delivery log ---- */

/* A checkpoint of this era, or one of an earlier era that today's log holds. */
static enum err
read_held(const struct roster *r, struct span note, struct head *head,
          struct problem *pb)
{
    struct era e;
    enum err rc = era_of_note(roster_directory(r), LOG_DELIVERY, note.p,
                              note.len, head, &e);

    if (rc == ERR_OK && head->size > e.end)
        rc = ERR_VERIFY;
    if (rc != ERR_OK)
        return problem_set(pb, P_ORIGIN, rc,
                           "a head of the relay's log does not verify",
                           "it is not signed by the key of the policy");
    return ERR_OK;
}

enum err
sync_delivery_head(struct upstream *u, struct roster *r, struct span checkpoint,
                   struct problem *pb)
{
    const struct head *ours = roster_delivery_head(r);
    struct head theirs;
    enum err rc = read_held(r, checkpoint, &theirs, pb);

    if (rc != ERR_OK)
        return rc;
    if (theirs.size < ours->size)
        return sync_join(u, r, LOG_DELIVERY, &theirs, ours, pb);
    if (theirs.size == ours->size && id_eq(&theirs.root, &ours->root))
        return ERR_OK;
    rc = sync_join(u, r, LOG_DELIVERY, ours, &theirs, pb);
    return rc == ERR_OK ? roster_set_delivery_head(r, &theirs, pb) : rc;
}

/* The relay's newest head, verified under today's key, against ours. */
static enum err
follow(struct upstream *u, struct roster *r, struct span note,
       const struct head *theirs, struct problem *pb)
{
    const struct head *ours = roster_delivery_head(r);
    struct era era;

    if (ours->size > 0 &&
        era_of_head(roster_directory(r), LOG_DELIVERY, ours, &era) == ERR_OK &&
        era.end != ERA_TODAY)
        return succession_follow(u, r, &era, theirs, pb);
    if (theirs->size < ours->size)
        return rolled_back(ours, theirs, pb);
    return sync_delivery_head(u, r, note, pb);
}

enum err
sync_welcome(struct upstream *u, struct roster *r, struct problem *pb)
{
    struct span note = upstream_delivery_checkpoint(u);
    struct head theirs;
    struct vkey key;
    enum err rc = check_directory_head(u, r, pb);

    if (rc == ERR_OK)
        rc = sync_directory(u, r, pb);
    if (rc == ERR_OK)
        rc = succession_put_leaves(u, r, pb);
    if (rc == ERR_OK)
        rc = read_note(r, LOG_DELIVERY, note, &key, &theirs, pb);
    return rc == ERR_OK ? follow(u, r, note, &theirs, pb) : rc;
}

enum err
sync_proof_head(struct upstream *u, struct roster *r, const void *proof,
                size_t len, struct problem *pb)
{
    struct proof p;

    if (proof_parse(proof, len, &p) != ERR_OK)
        return ERR_OK;
    return sync_delivery_head(u, r, (struct span){p.note, p.note_len}, pb);
}

enum err
sync_foreign_head(struct upstream *u, struct roster *r, unsigned log,
                  const struct head *head, struct problem *pb)
{
    const struct head *ours = log == LOG_DIRECTORY ? roster_directory_head(r)
                                                   : roster_delivery_head(r);
    bool is_older = head->size < ours->size;
    struct era e;

    /* Beyond what today's log took over nothing can join it, and need not. */
    if (head->size == 0 ||
        era_of_head(roster_directory(r), log, head, &e) != ERR_OK ||
        head->size > e.end)
        return ERR_OK;
    return sync_join(u, r, log, is_older ? head : ours, is_older ? ours : head,
                     pb);
}
