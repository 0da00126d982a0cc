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
#include "client/splitview.h"
#include "client/sync.h"
#include "client/vault.h"
#include "common/bytes.h"
#include "common/clock.h"
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
        if (rc == ERR_OK &&
            receipt_verify(b.data, b.len, &f->key, &r) == ERR_OK)
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
new_audit(struct fetch *f, const struct audit_range *range,
          const struct leaf_facts *facts, struct problem *pb)
{
    struct audit_options opt = {
        .dir = roster_directory(f->o->roster),
        .leaf_time_s = facts->time_s,
        .retention_s = facts->retention_s,
        .log = &f->key,
        .self =
            directory_agency(roster_directory(f->o->roster), &f->o->id.agency),
        .from_ms = range->from_ms,
        .to_ms = range->to_ms,
        .now_ms = clock_wall_ms(),
    };

    if (opt.self == NULL)
        return problem_set(pb, P_NOT_ADMITTED, ERR_REFUSED,
                           "there is nothing to audit yet",
                           "the directory does not have this agency");
    crypto_random(opt.seed, sizeof(opt.seed));
    f->is_auditor = opt.self->class == CLASS_AUDITOR;
    f->audit = audit_new(&opt);
    f->page = calloc(TILE_WIDTH, sizeof(*f->page));
    return f->audit != NULL && f->page != NULL ? ERR_OK : audit_no_memory(pb);
}

static enum err
run(struct fetch *f, struct problem *pb)
{
    struct span newest;
    struct head fork;
    enum err rc = audit_fetch_all(f, pb);

    if (rc == ERR_OK) {
        rc = audit_close(f->audit, &f->head);
        rc = rc == ERR_VERIFY ? audit_false_log(f, 0, "have another root", pb)
                              : problem_from_err(pb, "the audit stopped", rc);
    }
    if (rc == ERR_OK)
        rc = own_receipts(f, pb);
    if (rc == ERR_OK)
        rc = own_events(f, pb);
    if (audit_fork(f->audit, &fork))
        return splitview_raise(f->o->app, &f->key, &f->head, &fork, pb);
    newest = (struct span){f->newest.data, f->newest.len};
    if (rc == ERR_OK && newest.len > 0)
        rc = sync_delivery_head(f->o->up, f->o->roster, newest, pb);
    return rc;
}

static enum err
attempt(struct office *o, const struct audit_range *range,
        const struct leaf_facts *facts, struct audit **out, struct head *head,
        struct problem *pb)
{
    struct fetch f = {.o = o, .head = *roster_delivery_head(o->roster)};
    enum err rc = roster_vkey(o->roster, LOG_DELIVERY, &f.key);

    if (rc != ERR_OK)
        return problem_from_err(pb, "there is no network yet", rc);
    rc = new_audit(&f, range, facts, pb);
    if (rc == ERR_OK)
        rc = run(&f, pb);
    free(f.page);
    free(f.have.rows);
    buf_clear(&f.have.bytes);
    buf_clear(&f.newest);
    if (rc != ERR_OK) {
        audit_free(f.audit);
        return rc;
    }
    *out = f.audit;
    *head = f.head;
    return ERR_OK;
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
audit_run(struct office *o, const struct audit_range *range, struct audit **out,
          struct head *head, struct problem *pb)
{
    struct leaf_facts facts = {0};
    struct audit *a = NULL;
    enum err rc = read_leaves(o, &facts, pb);

    if (rc == ERR_OK)
        rc = attempt(o, range, &facts, &a, head, pb);
    /* What was erased while we read is named behind the head that we fixed:
     * once more, up to the head of now. */
    if (rc == ERR_OK && has_unopened(a)) {
        audit_free(a);
        a = NULL;
        rc = attempt(o, range, &facts, &a, head, pb);
    }
    free(facts.time_s);
    if (rc == ERR_OK)
        *out = a;
    return rc;
}
