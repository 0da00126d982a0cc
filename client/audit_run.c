/*
 * audit_run.c - an audit from the beginning to the end, and what this vault
 * puts into it.
 */
#include "client/audit_fetch_inside.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "client/delivery.h"
#include "client/shelf.h"
#include "client/sync.h"
#include "client/vault.h"
#include "common/bytes.h"
#include "common/clock.h"
#include "common/pool.h"
#include "proto/era.h"
#include "proto/tile.h"

/* ---- what this vault holds ---- */

/* Claimed times of the directory's leaves, and the shortest retention that a
 * policy in force ever named. */
struct leaf_facts {
    uint64_t *time_s;
    uint64_t n, max;
    uint64_t retention_s;
};

static void
note_leaf(struct leaf_facts *facts, struct directory *replay,
          const uint8_t *leaf, size_t len, enum err *rc)
{
    enum { DAY_S = 86400 };
    struct dir_finding what;
    struct statement st;
    uint64_t keep_s;

    if (facts->n == facts->max)
        return;
    *rc = directory_apply(replay, leaf, len, &what);
    facts->time_s[facts->n] = 0;
    if (*rc == ERR_OK && stmt_parse(&st, leaf, len) == ERR_OK) {
        facts->time_s[facts->n] = st.time_s;
        keep_s = (uint64_t)st.body.policy.retention_days * DAY_S;
        if (st.kind == STMT_POLICY && what.effect == DIR_APPLIED &&
            (facts->retention_s == 0 || keep_s < facts->retention_s))
            facts->retention_s = keep_s;
    }
    facts->n++;
}

static enum err
read_leaves(struct office *o, struct leaf_facts *facts, struct problem *pb)
{
    struct directory *replay = directory_new(&o->id.network_id);
    uint8_t id[16];
    enum err rc = ERR_OK;

    facts->max = directory_size(roster_directory(o->roster));
    facts->time_s = calloc(facts->max + 1, sizeof(*facts->time_s));
    if (replay == NULL || facts->time_s == NULL)
        rc = audit_no_memory(pb);
    while (rc == ERR_OK && facts->n < facts->max) {
        struct buf b = {0};
        struct rd r;

        shelf_number(id, facts->n);
        rc = shelf_get_raw(o->app, REC_LEAVES, id, &b, pb);
        if (rc == ERR_NOTFOUND || (rc == ERR_OK && b.len == 0))
            rc = shelf_problem(ERR_VERIFY, pb);
        r = rd_from(b.data, b.len);
        while (rc == ERR_OK && r.left > 0) {
            size_t len = rd_u16(&r);
            const uint8_t *leaf = rd_ref(&r, len);

            if (leaf == NULL)
                rc = shelf_problem(ERR_VERIFY, pb);
            else
                note_leaf(facts, replay, leaf, len, &rc);
        }
        buf_clear(&b);
    }
    directory_free(replay);
    return rc == ERR_OK ? rc : problem_from_err(pb, "the audit stopped", rc);
}

/* Receipts that came with what we sent: the relay cannot take them back. */
static enum err
own_receipts(struct fetch *f, struct problem *pb)
{
    struct vault_item item;
    size_t pos = 0;
    enum err rc = ERR_OK;

    while (rc == ERR_OK &&
           vault_next(f->o->app->vault, REC_PROOF, &pos, &item)) {
        struct buf b = {0};
        struct receipt r;

        rc = shelf_get_raw(f->o->app, REC_PROOF, item.id, &b, pb);
        if (rc == ERR_OK && era_receipt_held(roster_directory(f->o->roster),
                                             b.data, b.len, &r) == ERR_OK)
            audit_receipt(f->audit, &r);
        buf_clear(&b);
    }
    return rc;
}

/* Nor the events that it proved to us.  Of some we kept the proof. */
static void
own_event(struct fetch *f, const struct kept_event *e)
{
    struct receipt r = {.event = e->event, .index = e->index};
    struct proof p;
    struct hash leaf;

    memcpy(r.opening, e->opening, sizeof(r.opening));
    opening_leaf(e->opening, &leaf);
    if (proof_parse(e->proof.data, e->proof.len, &p) == ERR_OK &&
        p.index == e->index &&
        proof_verify(&p, &leaf, &f->key, NULL, 0, &r.head, NULL) == ERR_OK)
        audit_receipt(f->audit, &r);
    else
        audit_known(f->audit, e->index, e->opening, &e->event);
}

static enum err
own_events(struct fetch *f, struct problem *pb)
{
    struct kept_event e = {0};
    size_t pos = 0;
    enum err rc;

    while ((rc = delivery_next(f->o->app, &pos, &e, pb)) == ERR_OK) {
        own_event(f, &e);
        kept_event_clear(&e);
        e = (struct kept_event){0};
    }
    return rc == ERR_NOTFOUND ? ERR_OK : rc;
}

/* ---- all of it ---- */

static enum err
options_of(struct fetch *f, const struct leaf_facts *facts,
           struct audit_options *out, struct problem *pb)
{
    const struct directory *dir = roster_directory(f->o->roster);

    *out = (struct audit_options){
        .dir = dir,
        .leaf_time_s = facts->time_s,
        .retention_s = facts->retention_s,
        .log = &f->key,
        .self = directory_agency(dir, &f->o->id.agency),
        .now_ms = clock_wall_ms(),
        .helpers = pool_helpers(),
    };
    if (out->self == NULL)
        return problem_set(pb, P_NOT_ADMITTED, ERR_REFUSED,
                           "there is nothing to audit yet",
                           "the directory does not have this agency");
    crypto_random(out->seed, sizeof(out->seed));
    f->is_auditor = out->self->class == CLASS_AUDITOR;
    return ERR_OK;
}

/* The last audit, to go on from, or a new one. */
static enum err
start(struct fetch *f, const struct leaf_facts *facts, enum book_fit *fit,
      struct problem *pb)
{
    struct audit_options opt;
    enum err rc = options_of(f, facts, &opt, pb);

    if (rc != ERR_OK)
        return rc;
    if (*fit == BOOK_FITS) {
        rc = audit_keep_open(f->o->app, &opt, &f->audit, &f->kept, fit, pb);
        if (rc != ERR_OK && rc != ERR_NOTFOUND)
            return rc;
    }
    if (f->audit != NULL && f->kept.size > f->head.size) {
        audit_free(f->audit);
        f->audit = NULL;
        *fit = BOOK_NOT_PREFIX;
    }
    if (f->audit == NULL)
        f->audit = audit_new(&opt);
    f->page = calloc(TILE_WIDTH, sizeof(*f->page));
    return f->audit != NULL && f->page != NULL ? ERR_OK : audit_no_memory(pb);
}

/* A full disk does not spoil the audit itself. */
static void
keep(struct fetch *f)
{
    struct problem pb = {0};

    if (f->kept.size == f->head.size || f->head.size == 0)
        return;
    if (audit_keep_save(f->o->app, f->audit, &f->head, &pb) != ERR_OK)
        out_line(f->o->app,
                 "This audit could not be kept for the next one: "
                 "%s (%s).",
                 pb.what, pb.why);
}

static enum err
read_log(struct fetch *f, struct problem *pb)
{
    enum err rc = audit_fetch_all(f, pb);

    if (rc == ERR_OK) {
        rc = audit_close(f->audit, &f->head);
        rc = rc == ERR_VERIFY ? audit_false_log(f, 0, "have another root", pb)
                              : problem_from_err(pb, "the audit stopped", rc);
    }
    return rc;
}

/* What is not in the log itself. */
static enum err
compare(struct fetch *f, const struct head *earlier, struct problem *pb)
{
    struct span newest = {f->newest.data, f->newest.len};
    struct head fork;
    enum err rc;

    keep(f);
    rc = problem_from_err(pb, "the audit stopped", audit_finish(f->audit));
    audit_shown(f->audit, earlier);
    if (rc == ERR_OK)
        rc = own_receipts(f, pb);
    if (rc == ERR_OK)
        rc = own_events(f, pb);
    if (audit_fork(f->audit, &fork))
        return sync_raise(f->o->roster, LOG_DELIVERY, &f->head, &fork, pb);
    if (rc == ERR_OK && newest.len > 0)
        rc = sync_delivery_head(f->o->up, f->o->roster, newest, pb);
    return rc;
}

static void
clear(struct fetch *f)
{
    free(f->page);
    free(f->have.rows);
    buf_clear(&f->have.bytes);
    buf_clear(&f->newest);
    audit_free(f->audit);
}

/* EARLIER: the head of an audit that this log did not continue; it is set by
 * the attempt that finds so (ERR_STATE). */
static enum err
attempt(struct office *o, const struct leaf_facts *facts, struct head *earlier,
        struct audit_outcome *out, struct problem *pb)
{
    struct fetch f = {.o = o, .head = *roster_delivery_head(o->roster)};
    enum err rc = roster_vkey(o->roster, LOG_DELIVERY, &f.key);

    if (rc != ERR_OK)
        return problem_from_err(pb, "there is no network yet", rc);
    rc = start(&f, facts, &out->fit, pb);
    if (rc == ERR_OK)
        rc = read_log(&f, pb);
    if (rc == ERR_VERIFY && f.kept.size > 0) {
        *earlier = f.kept;
        rc = ERR_STATE;
    }
    if (rc == ERR_OK)
        rc = compare(&f, earlier, pb);
    if (rc == ERR_OK) {
        out->audit = f.audit;
        out->head = f.head;
        f.audit = NULL;
    }
    clear(&f);
    return rc;
}

/* What was kept of the last audit may be what is wrong: the log itself decides,
 * read from its beginning. */
static enum err
attempt_either(struct office *o, const struct leaf_facts *facts,
               struct audit_outcome *out, struct problem *pb)
{
    struct head earlier = {0};
    enum err rc = attempt(o, facts, &earlier, out, pb);

    if (rc != ERR_STATE || earlier.size == 0)
        return rc;
    *pb = (struct problem){0};
    out->fit = BOOK_NOT_PREFIX;
    return attempt(o, facts, &earlier, out, pb);
}

static bool
has_unopened(const struct audit *a)
{
    for (size_t i = 0; i < audit_finding_count(a); i++)
        if (strcmp(audit_finding_at(a, i)->code, "unopened") == 0)
            return true;
    return false;
}

enum err
audit_run(struct office *o, bool is_full, struct audit_outcome *out,
          struct problem *pb)
{
    struct leaf_facts facts = {0};
    struct audit_outcome got = {.fit = is_full ? BOOK_UNWANTED : BOOK_FITS};
    enum err rc = read_leaves(o, &facts, pb);

    if (rc == ERR_OK)
        rc = attempt_either(o, &facts, &got, pb);
    /* What was erased while we read is named behind the head that we fixed:
     * once more, up to the head of now. */
    if (rc == ERR_OK && has_unopened(got.audit)) {
        enum book_fit fit = got.fit;

        audit_free(got.audit);
        got.fit = BOOK_FITS;
        rc = attempt_either(o, &facts, &got, pb);
        got.fit = fit;
    }
    free(facts.time_s);
    if (rc == ERR_OK)
        *out = got;
    return rc;
}
