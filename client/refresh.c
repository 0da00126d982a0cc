#include "client/refresh.h"

#include <string.h>

#include "client/shelf.h"
#include "client/story.h"
#include "client/sync.h"
#include "client/witnesses.h"
#include "proto/era.h"
#include "proto/proof.h"

static const char cannot[] = "the receipt cannot be refreshed";

struct job {
    struct desk *d;
    const struct mail *m;
    struct trust *policy; /* NULL: none in use */
    struct vkey key;
    struct buf receipt;
    struct receipt was;
    struct buf note; /* the cosigned head */
    struct head head;
    uint64_t quorum_time_s;
};

/* ---- the receipt ---- */

static enum err
load(struct job *j, struct problem *pb)
{
    enum err rc = witnesses_policy(j->d->app, &j->policy, pb);

    if (rc == ERR_OK || (rc == ERR_NOTFOUND && pb->id == P_NONE))
        rc = story_proof(j->d->app, j->m, &j->receipt, pb);
    if (rc == ERR_OK &&
        (roster_vkey(j->d->roster, LOG_DELIVERY, &j->key) != ERR_OK ||
         era_receipt_held(roster_directory(j->d->roster), j->receipt.data,
                          j->receipt.len, &j->was) != ERR_OK))
        rc = problem_set(pb, P_VERIFY, ERR_VERIFY, cannot,
                         "it does not verify, or today's log does not hold "
                         "its entry any more");
    return rc;
}

/* ---- a cosigned head ---- */

/* ERR_EXPIRED without a problem: none there. */
static enum err
ask_head(struct job *j, uint64_t size, struct problem *pb)
{
    struct msg_field f[] = {
        [COSIGNED_GET_LOG] = msg_u(LOG_DELIVERY),
        [COSIGNED_GET_SIZE] = msg_u(size),
    };
    struct problem ask = {0};
    unsigned wire = PERR_NONE;
    const struct msg *m;
    enum err rc = upstream_call(j->d->up, MSG_COSIGNED_GET, f, 2, MSG_COSIGNED,
                                &m, &wire, &ask);

    if (wire == PERR_NOTFOUND)
        return ERR_EXPIRED;
    if (rc != ERR_OK) {
        *pb = ask;
        return rc;
    }
    buf_reset(&j->note);
    buf_put(&j->note, m->f[COSIGNED_CHECKPOINT].p,
            m->f[COSIGNED_CHECKPOINT].len);
    return problem_from_err(pb, cannot, buf_status(&j->note));
}

/* Does the note count?  Without a policy every cosigned one does. */
static bool
is_enough(struct job *j)
{
    struct span note = {j->note.data, j->note.len};
    struct trusted judged;

    if (head_from_note(note.p, note.len, &j->key, NULL, 0, &j->head, NULL) !=
            ERR_OK ||
        j->head.size <= j->was.index)
        return false;
    if (j->policy == NULL)
        return true;
    if (witnesses_judge(j->d->roster, j->policy, LOG_DELIVERY, note, &judged) !=
        ERR_OK)
        return false;
    j->quorum_time_s = judged.quorum_time_s;
    return true;
}

/* The first one at or after the entry; when the relay's witnesses were enough
 * for the relay and not for us, the newest. */
static enum err
find_head(struct job *j, struct problem *pb)
{
    enum err rc = ask_head(j, j->was.index + 1, pb);

    if (rc == ERR_OK && !is_enough(j)) {
        rc = ask_head(j, 0, pb);
        if (rc == ERR_OK && !is_enough(j))
            rc = ERR_EXPIRED;
    }
    if (rc == ERR_OK)
        rc = sync_delivery_head(j->d->up, j->d->roster,
                                (struct span){j->note.data, j->note.len}, pb);
    return rc;
}

/* ---- the proof ---- */

static enum err
ask_path(struct job *j, struct proof *p, struct problem *pb)
{
    struct msg_field f[] = {
        [PROOF_GET_LOG] = msg_u(LOG_DELIVERY),
        [PROOF_GET_INDEX] = msg_u(j->was.index),
        [PROOF_GET_SIZE] = msg_u(j->head.size),
    };
    const struct msg_field *hashes;
    const struct msg *m;
    enum err rc =
        upstream_call(j->d->up, MSG_PROOF_GET, f, 3, MSG_PROOF, &m, NULL, pb);

    if (rc != ERR_OK)
        return rc;
    hashes = &m->f[PROOF_HASHES];
    for (p->n = 0; p->n < hashes->len; p->n++)
        msg_copy(p->path[p->n].b, &hashes->items[p->n], 32);
    return ERR_OK;
}

static enum err
make_proof(struct job *j, struct buf *out, struct problem *pb)
{
    struct proof p = {.has_extra = true,
                      .extra_len = OPENING_LEN,
                      .index = j->was.index,
                      .note = j->note.data,
                      .note_len = j->note.len};
    struct receipt now;
    enum err rc = ask_path(j, &p, pb);

    if (rc != ERR_OK)
        return rc;
    memcpy(p.extra, j->was.opening, OPENING_LEN);
    rc = problem_from_err(pb, cannot, proof_format(&p, out));
    if (rc == ERR_OK &&
        receipt_verify(out->data, out->len, &j->key, &now) != ERR_OK)
        rc = problem_set(pb, P_VERIFY, ERR_VERIFY, cannot,
                         "the relay's proof does not lead from the entry of "
                         "the receipt to the cosigned head");
    return rc;
}

static enum err
keep(struct job *j, const struct buf *proof, struct problem *pb)
{
    uint8_t id[16];
    enum err rc = shelf_begin(j->d->app, pb);

    if (rc != ERR_OK)
        return rc;
    mail_record_id(id, &j->m->id, j->m->direction);
    shelf_put_raw(j->d->app, REC_REFRESHED, id, proof->data, proof->len);
    return shelf_end(j->d->app, ERR_OK, pb);
}

static void
job_clear(struct job *j)
{
    trust_free(j->policy);
    buf_clear(&j->receipt);
    buf_clear(&j->note);
}

enum err
refresh_receipt(struct desk *d, const struct mail *m, struct refreshed *out,
                struct problem *pb)
{
    struct job j = {.d = d, .m = m};
    struct buf proof = {0};
    enum err rc = load(&j, pb);

    if (rc == ERR_OK)
        rc = find_head(&j, pb);
    if (rc == ERR_OK)
        rc = make_proof(&j, &proof, pb);
    if (rc == ERR_OK)
        rc = keep(&j, &proof, pb);
    if (rc == ERR_OK)
        *out = (struct refreshed){.index = j.was.index,
                                  .size = j.head.size,
                                  .by_policy = j.policy != NULL,
                                  .quorum_time_s = j.quorum_time_s};
    buf_clear(&proof);
    job_clear(&j);
    return rc;
}

enum err
refresh_proof(struct app *app, const struct mail *m, struct buf *out,
              struct problem *pb)
{
    uint8_t id[16];

    mail_record_id(id, &m->id, m->direction);
    return shelf_get_raw(app, REC_REFRESHED, id, out, pb);
}
