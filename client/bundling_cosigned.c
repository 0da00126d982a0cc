/*
 * bundling_cosigned.c - the receipts of a bundle once more, to heads that
 * witnesses have cosigned: what the vault has of them, and on demand all of
 * them from the relay.
 */
#include <stdlib.h>
#include <string.h>

#include "client/bundling_inside.h"
#include "client/refresh.h"
#include "client/shelf.h"
#include "client/sync.h"
#include "proto/proof.h"

static const char what[] = "the cosigned heads cannot be had";

static enum err
add_row(struct bundling *x, struct buf *proof)
{
    struct bundle *b = &x->b;
    struct bundle_receipt *rows =
        realloc(b->cosigned, (b->n_cosigned + 1) * sizeof(*rows));
    struct bundle_receipt row = {0};
    enum err rc;

    if (rows == NULL)
        return ERR_NOMEM;
    b->cosigned = rows;
    rc = bundling_keep(x, proof, &row.proof);
    if (rc == ERR_OK)
        rows[b->n_cosigned++] = row;
    return rc;
}

/* ---- what is here ---- */

static bool
is_of_an_event(const struct bundle *b, const struct proof *p)
{
    for (size_t i = 0; i < b->n_events; i++) {
        struct proof e;

        if (proof_parse(b->events[i].proof.p, b->events[i].proof.len, &e) ==
                ERR_OK &&
            e.index == p->index && e.extra_len == p->extra_len &&
            memcmp(e.extra, p->extra, p->extra_len) == 0)
            return true;
    }
    return false;
}

enum err
bundling_refreshed(struct desk *d, const struct mail *m, struct bundling *x,
                   struct problem *pb)
{
    struct buf proof = {0};
    struct proof p;
    enum err rc = refresh_proof(d->app, m, &proof, pb);

    if (rc == ERR_OK && proof_parse(proof.data, proof.len, &p) == ERR_OK &&
        is_of_an_event(&x->b, &p))
        rc = problem_from_err(pb, what, add_row(x, &proof));
    buf_clear(&proof);
    return rc == ERR_NOTFOUND ? ERR_OK : rc;
}

/* ---- from the relay ---- */

static enum err
ask_head(struct desk *d, unsigned log, uint64_t size, struct buf *note,
         struct problem *pb)
{
    struct msg_field f[] = {
        [COSIGNED_GET_LOG] = msg_u(log),
        [COSIGNED_GET_SIZE] = msg_u(size),
    };
    struct problem ask = {0};
    unsigned wire = PERR_NONE;
    const struct msg *m;
    enum err rc = upstream_call(d->up, MSG_COSIGNED_GET, f, 2, MSG_COSIGNED, &m,
                                &wire, &ask);

    if (wire == PERR_NOTFOUND) {
        problem_next(pb, "try again a minute later, or leave --cosigned out");
        return problem_set(pb, P_NOT_FOUND, ERR_NOTFOUND, what,
                           "no head with these entries is cosigned by enough "
                           "of the relay's witnesses yet");
    }
    if (rc != ERR_OK) {
        *pb = ask;
        return rc;
    }
    buf_put(note, m->f[COSIGNED_CHECKPOINT].p, m->f[COSIGNED_CHECKPOINT].len);
    return problem_from_err(pb, what, buf_status(note));
}

static enum err
ask_path(struct desk *d, struct proof *p, uint64_t size, struct problem *pb)
{
    struct msg_field f[] = {
        [PROOF_GET_LOG] = msg_u(LOG_DELIVERY),
        [PROOF_GET_INDEX] = msg_u(p->index),
        [PROOF_GET_SIZE] = msg_u(size),
    };
    const struct msg_field *hashes;
    const struct msg *m;
    enum err rc =
        upstream_call(d->up, MSG_PROOF_GET, f, 3, MSG_PROOF, &m, NULL, pb);

    if (rc != ERR_OK)
        return rc;
    hashes = &m->f[PROOF_HASHES];
    for (p->n = 0; p->n < hashes->len; p->n++)
        msg_copy(p->path[p->n].b, &hashes->items[p->n], 32);
    return ERR_OK;
}

static enum err
refresh_row(struct desk *d, struct bundling *x, const struct bundle_receipt *e,
            const struct buf *note, const struct head *head, struct problem *pb)
{
    struct buf out = {0};
    struct proof p;
    enum err rc = proof_parse(e->proof.p, e->proof.len, &p);

    if (rc != ERR_OK)
        return problem_from_err(pb, what, rc);
    p.note = note->data;
    p.note_len = note->len;
    rc = ask_path(d, &p, head->size, pb);
    if (rc == ERR_OK)
        rc = problem_from_err(pb, what, proof_format(&p, &out));
    if (rc == ERR_OK)
        rc = problem_from_err(pb, what, add_row(x, &out));
    buf_clear(&out);
    return rc;
}

/* The first one that has all of them, joined to what was seen before. */
static enum err
find_head(struct desk *d, const struct bundle *b, struct buf *note,
          struct head *head, struct problem *pb)
{
    const struct bundle_receipt *last = &b->events[b->n_events - 1];
    struct vkey key;
    struct proof p;
    enum err rc = proof_parse(last->proof.p, last->proof.len, &p);

    if (rc == ERR_OK)
        rc = roster_vkey(d->roster, LOG_DELIVERY, &key);
    if (rc != ERR_OK)
        return problem_from_err(pb, what, rc);
    rc = ask_head(d, LOG_DELIVERY, p.index + 1, note, pb);
    if (rc == ERR_OK)
        rc = sync_delivery_head(d->up, d->roster,
                                (struct span){note->data, note->len}, pb);
    if (rc == ERR_OK)
        rc = problem_from_err(
            pb, what,
            head_from_note(note->data, note->len, &key, NULL, 0, head, NULL));
    return rc;
}

static bool
is_head(const struct desk *d, const void *note, size_t len,
        const struct head *expected)
{
    struct head head;
    struct vkey key;

    return roster_vkey(d->roster, LOG_DIRECTORY, &key) == ERR_OK &&
           head_from_note(note, len, &key, NULL, 0, &head, NULL) == ERR_OK &&
           head.size == expected->size && id_eq(&head.root, &expected->root);
}

/* Its note with cosignatures, when they are over the head that is here. */
static enum err
refresh_directory(struct desk *d, struct bundling *x, struct problem *pb)
{
    const struct head *ours = roster_directory_head(d->roster);
    struct problem none = {0};
    struct buf note = {0};
    enum err rc = ask_head(d, LOG_DIRECTORY, ours->size, &note, &none);

    if (rc == ERR_OK && is_head(d, note.data, note.len, ours) &&
        is_head(d, x->b.checkpoint.p, x->b.checkpoint.len, ours))
        rc = problem_from_err(pb, what,
                              bundling_keep(x, &note, &x->b.checkpoint));
    else
        rc = ERR_OK; /* the relay's own signature stands alone */
    buf_clear(&note);
    return rc;
}

enum err
bundling_cosigned(struct desk *d, struct bundling *x, struct problem *pb)
{
    struct buf note = {0};
    struct head head = {0};
    enum err rc;

    if (x->b.n_events == 0)
        return ERR_OK;
    x->b.n_cosigned = 0;
    rc = find_head(d, &x->b, &note, &head, pb);
    for (size_t i = 0; i < x->b.n_events && rc == ERR_OK; i++)
        rc = refresh_row(d, x, &x->b.events[i], &note, &head, pb);
    buf_clear(&note);
    if (rc == ERR_OK && x->b.n_leaves > 0)
        rc = refresh_directory(d, x, pb);
    return rc;
}
