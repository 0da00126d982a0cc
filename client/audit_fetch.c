#include "client/audit_fetch.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "client/shelf.h"
#include "client/splitview.h"
#include "client/sync.h"
#include "client/vault.h"
#include "common/bytes.h"
#include "common/clock.h"
#include "proto/receipt.h"
#include "proto/tile.h"

/* Openings as they come: those below COVERED are here, or we cannot see them.
 * Rows that were fed are dropped when the next ones are asked for. */
struct openings {
    struct buf bytes;
    struct row_at {
        uint64_t index;
        size_t at, evidence_len; /* opening at AT, its evidence behind it */
    } * rows;
    size_t n, cap, fed;
    uint64_t covered;
};

struct fetch {
    struct office *o;
    struct audit *audit;
    struct head head; /* the fixed one */
    struct vkey key;
    bool is_auditor;
    struct openings have;
    struct audit_row *page; /* room for TILE_WIDTH */
    struct buf newest;      /* checkpoint of the last answer */
};

static enum err
no_memory(struct problem *pb)
{
    return problem_from_err(pb, "the audit does not fit", ERR_NOMEM);
}

static enum err
nonsense(struct problem *pb)
{
    return problem_set(pb, P_RELAY_ERROR, ERR_MALFORMED,
                       "the relay's words make no sense",
                       "the events it sends have no order or no end");
}

/* ---- openings ---- */

static void
drop_fed(struct openings *h)
{
    size_t gone = h->fed < h->n ? h->rows[h->fed].at : h->bytes.len;

    for (size_t i = h->fed; i < h->n; i++) {
        h->rows[i - h->fed] = h->rows[i];
        h->rows[i - h->fed].at -= gone;
    }
    buf_drop(&h->bytes, gone);
    h->n -= h->fed;
    h->fed = 0;
}

static enum err
add_row(struct openings *h, const struct msg_field *row)
{
    const struct msg_field *opening = &row->items[EVENTS_ROW_OPENING];
    const struct msg_field *evidence = &row->items[EVENTS_ROW_EVIDENCE];

    if (h->n == h->cap) {
        size_t cap = h->cap == 0 ? 512 : 2 * h->cap;
        struct row_at *more = realloc(h->rows, cap * sizeof(*more));

        if (more == NULL)
            return ERR_NOMEM;
        h->rows = more;
        h->cap = cap;
    }
    h->rows[h->n++] = (struct row_at){
        .index = row->items[EVENTS_ROW_INDEX].u,
        .at = h->bytes.len,
        .evidence_len = evidence->len,
    };
    buf_put(&h->bytes, opening->p, opening->len);
    buf_put(&h->bytes, evidence->p, evidence->len);
    return buf_status(&h->bytes);
}

static enum err
ask_openings(struct fetch *f, const struct msg **m, struct problem *pb)
{
    uint64_t from = f->have.covered;
    uint64_t to = from + LIMIT_EVENTS_PAGE;
    struct msg_field own[] = {
        [EVENTS_GET_CURSOR] = msg_u(from),
        [EVENTS_GET_MAX] = msg_u(LIMIT_EVENTS_PAGE),
    };
    struct msg_field scope[] = {
        [AUDIT_GET_FROM] = msg_u(from),
        [AUDIT_GET_TO] = msg_u(to < f->head.size ? to : f->head.size),
    };

    return upstream_call(
        f->o->up, f->is_auditor ? MSG_AUDIT_GET : MSG_EVENTS_GET,
        f->is_auditor ? scope : own, 2, MSG_EVENTS, m, NULL, pb);
}

static enum err
more_openings(struct fetch *f, struct problem *pb)
{
    struct openings *h = &f->have;
    const struct msg_field *list, *cp;
    const struct msg *m;
    enum err rc;

    drop_fed(h);
    rc = ask_openings(f, &m, pb);
    if (rc != ERR_OK)
        return rc;
    list = &m->f[EVENTS_ROWS];
    for (size_t i = 0; i < list->len; i++)
        if (add_row(h, &list->items[i]) != ERR_OK)
            return no_memory(pb);
    cp = &m->f[EVENTS_CHECKPOINT];
    buf_reset(&f->newest);
    buf_put(&f->newest, cp->p, cp->len);
    if (!f->is_auditor && list->len == 0) {
        h->covered = UINT64_MAX; /* there are no more of ours */
        return ERR_OK;
    }
    if (m->f[EVENTS_NEXT].u <= h->covered)
        return nonsense(pb);
    h->covered = m->f[EVENTS_NEXT].u;
    return ERR_OK;
}

/* Rows of entries below END into PAGE. */
static size_t
take_rows(struct fetch *f, uint64_t end)
{
    struct openings *h = &f->have;
    size_t n = 0;

    for (; h->fed < h->n && n < TILE_WIDTH && h->rows[h->fed].index < end;
         h->fed++) {
        const struct row_at *r = &h->rows[h->fed];

        f->page[n++] = (struct audit_row){
            .index = r->index,
            .opening = h->bytes.data + r->at,
            .evidence = {h->bytes.data + r->at + OPENING_LEN, r->evidence_len},
        };
    }
    return n;
}

/* ---- entries ---- */

static enum err
wrong_entries(const struct fetch *f, uint64_t from, struct problem *pb)
{
    return problem_set(pb, P_VERIFY, ERR_VERIFY,
                       "the relay's delivery log is not what it signed",
                       "its entries from %" PRIu64 " on are cut or others; it "
                       "signed a head of %" PRIu64,
                       from, f->head.size);
}

static enum err
one_bundle(struct fetch *f, uint64_t from, struct problem *pb)
{
    struct tile tile = {.level = TILE_ENTRIES, .index = from / TILE_WIDTH};
    char path[TILE_PATH_MAX];
    struct msg_field q[2];
    const struct msg *m;
    unsigned wire = PERR_NONE;
    struct problem ask = {0};
    size_t n;
    enum err rc;

    tile.width = tile_width(TILE_ENTRIES, tile.index, f->head.size);
    tile_path(&tile, path);
    q[TILE_GET_LOG] = msg_u(LOG_DELIVERY);
    q[TILE_GET_PATH] = msg_str(path);
    n = take_rows(f, from + tile.width);
    rc = upstream_call(f->o->up, MSG_TILE_GET, q, 2, MSG_TILE, &m, &wire, &ask);
    if (rc != ERR_OK && wire == PERR_NOTFOUND)
        return wrong_entries(f, from, pb);
    if (rc != ERR_OK) {
        *pb = ask;
        return rc;
    }
    rc = audit_page(f->audit, m->f[TILE_BYTES].p, m->f[TILE_BYTES].len,
                    tile.width, f->page, n);
    return rc == ERR_VERIFY ? wrong_entries(f, from, pb)
                            : problem_from_err(pb, "the audit stopped", rc);
}

static enum err
all_entries(struct fetch *f, struct problem *pb)
{
    enum { ENTRY_BYTES = SEALED_ENTRY_LEN + OPENING_LEN };
    enum err rc = ERR_OK;

    for (uint64_t at = 0; at < f->head.size && rc == ERR_OK; at += TILE_WIDTH) {
        uint64_t left = f->head.size - at;
        uint64_t end = at + (left < TILE_WIDTH ? left : TILE_WIDTH);

        while (rc == ERR_OK && f->have.covered < end)
            rc = more_openings(f, pb);
        if (rc == ERR_OK)
            rc = one_bundle(f, at, pb);
        if (rc == ERR_OK)
            out_progress(f->o->app, "Reading the log", end * ENTRY_BYTES,
                         f->head.size * ENTRY_BYTES);
    }
    return rc;
}

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
        rc = no_memory(pb);
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
    return f->audit != NULL && f->page != NULL ? ERR_OK : no_memory(pb);
}

static enum err
run(struct fetch *f, struct problem *pb)
{
    struct span newest;
    struct head fork;
    enum err rc = all_entries(f, pb);

    if (rc == ERR_OK) {
        rc = audit_close(f->audit, &f->head);
        rc = rc == ERR_VERIFY ? wrong_entries(f, 0, pb)
                              : problem_from_err(pb, "the audit stopped", rc);
    }
    if (rc == ERR_OK)
        rc = own_receipts(f, pb);
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
