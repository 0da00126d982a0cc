#include "client/audit_fetch_inside.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "proto/tile.h"

enum err
audit_no_memory(struct problem *pb)
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

/* One more question, about what begins at A->next, which moves to END. */
static enum err
ask_ahead(struct fetch *f, struct asked *a, uint8_t type,
          const struct msg_field *fields, uint64_t end, struct problem *pb)
{
    enum err rc =
        upstream_ask(f->o->up, type, fields, 2, &a->q[a->n].ticket, pb);

    if (rc != ERR_OK)
        return rc;
    a->q[a->n++].from = a->next;
    a->next = end;
    return ERR_OK;
}

static uint32_t
first_asked(struct asked *a)
{
    uint32_t ticket = a->q[0].ticket;

    a->n--;
    for (size_t i = 0; i < a->n; i++)
        a->q[i] = a->q[i + 1];
    return ticket;
}

/* Whatever is under way is asked again, from NEXT on. */
static void
start_asking(struct fetch *f, struct asked *a, uint64_t next)
{
    for (size_t i = 0; i < a->n; i++)
        upstream_forget(f->o->up, a->q[i].ticket);
    *a = (struct asked){.next = next};
}

/* An auditor names ranges, so that several may be under way. */
static enum err
scope_openings(struct fetch *f, const struct msg **m, struct problem *pb)
{
    struct asked *a = &f->openings;
    enum err rc = ERR_OK;

    while (rc == ERR_OK && a->n < OPENINGS_AHEAD && a->next < f->head.size) {
        uint64_t left = f->head.size - a->next;
        uint64_t end =
            a->next + (left < LIMIT_EVENTS_PAGE ? left : LIMIT_EVENTS_PAGE);
        const struct msg_field q[] = {
            [AUDIT_GET_FROM] = msg_u(a->next),
            [AUDIT_GET_TO] = msg_u(end),
        };

        rc = ask_ahead(f, a, MSG_AUDIT_GET, q, end, pb);
    }
    return rc != ERR_OK ? rc
                        : upstream_answer(f->o->up, first_asked(a), MSG_EVENTS,
                                          m, NULL, pb);
}

/* The next question of a member follows from the last answer. */
static enum err
own_openings(struct fetch *f, const struct msg **m, struct problem *pb)
{
    const struct msg_field q[] = {
        [EVENTS_GET_CURSOR] = msg_u(f->have.covered),
        [EVENTS_GET_MAX] = msg_u(LIMIT_EVENTS_PAGE),
    };

    return upstream_call(f->o->up, MSG_EVENTS_GET, q, 2, MSG_EVENTS, m, NULL,
                         pb);
}

/* A page that ends before what was asked for: the questions that went on from
 * there have left a gap. */
static void
ask_again(struct fetch *f)
{
    struct asked *a = &f->openings;
    uint64_t next = a->n > 0 ? a->q[0].from : a->next;

    if (!f->is_auditor || f->have.covered == next)
        return;
    start_asking(f, a, f->have.covered);
}

/* Rows are of entries that the answer covers, and (one answer apart, so that an
 * opening shown twice is a finding) no more than there are entries: what waits
 * here stays small whatever the relay sends. */
static bool
rows_fit(const struct fetch *f)
{
    const struct openings *h = &f->have;
    uint64_t entries = h->covered - audit_size(f->audit);

    for (size_t i = h->fed; i < h->n; i++)
        if (h->rows[i].index >= h->covered)
            return false;
    return h->n - h->fed <= LIMIT_EVENTS_PAGE ||
           h->n - h->fed - LIMIT_EVENTS_PAGE <= entries;
}

static enum err
more_openings(struct fetch *f, struct problem *pb)
{
    struct openings *h = &f->have;
    const struct msg_field *list, *cp;
    const struct msg *m;
    enum err rc;

    drop_fed(h);
    rc = f->is_auditor ? scope_openings(f, &m, pb) : own_openings(f, &m, pb);
    if (rc != ERR_OK)
        return rc;
    list = &m->f[EVENTS_ROWS];
    for (size_t i = 0; i < list->len; i++)
        if (add_row(h, &list->items[i]) != ERR_OK)
            return audit_no_memory(pb);
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
    if (!rows_fit(f))
        return nonsense(pb);
    ask_again(f);
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

enum err
audit_false_log(const struct fetch *f, uint64_t from, const char *how,
                struct problem *pb)
{
    (void)problem_set(pb, P_VERIFY, ERR_VERIFY,
                      "the relay's delivery log is not what it signed",
                      "its entries from %" PRIu64 " on %s; it signed a head of "
                      "%" PRIu64,
                      from, how, f->head.size);
    problem_next(pb, "tell your registrar; nothing that this relay counts can "
                     "be relied on");
    return ERR_VERIFY;
}

static enum err
cut(const struct fetch *f, uint64_t from, struct problem *pb)
{
    return audit_false_log(f, from, "are missing or cut", pb);
}

/* Entries that we have stand there as we have them; R moves behind them. */
static enum err
skip_known(const struct fetch *f, uint64_t from, uint64_t size, struct rd *r)
{
    for (; from < size; from++) {
        const uint8_t *entry;
        size_t len;
        struct hash is, was;

        if (bundle_next(r, &entry, &len) != ERR_OK ||
            audit_leaf(f->audit, from, &was) != ERR_OK)
            return ERR_VERIFY;
        merkle_leaf(entry, len, &is);
        if (!id_eq(&is, &was))
            return ERR_VERIFY;
    }
    return ERR_OK;
}

/* The entries of one tile, but for those that the audit has. */
static enum err
feed_tile(struct fetch *f, const struct tile *tile, struct span bytes)
{
    uint64_t from = tile->index * TILE_WIDTH;
    uint64_t size = audit_size(f->audit);
    struct rd r = rd_from(bytes.p, bytes.len);
    enum err rc = skip_known(f, from, size, &r);
    size_t n = take_rows(f, from + tile->width);

    if (rc != ERR_OK)
        return rc;
    return audit_page(f->audit, rd_ref(&r, 0), r.left,
                      tile->width - (unsigned)(size - from), f->page, n);
}

/* Tiles go on from the one that holds the entry A->next. */
static enum err
ask_tiles(struct fetch *f, struct problem *pb)
{
    struct asked *a = &f->tiles;
    enum err rc = ERR_OK;

    while (rc == ERR_OK && a->n < TILES_AHEAD && a->next < f->head.size) {
        struct tile tile = {.level = TILE_ENTRIES,
                            .index = a->next / TILE_WIDTH};
        char path[TILE_PATH_MAX];
        struct msg_field q[2];

        tile.width = tile_width(TILE_ENTRIES, tile.index, f->head.size);
        tile_path(&tile, path);
        q[TILE_GET_LOG] = msg_u(LOG_DELIVERY);
        q[TILE_GET_PATH] = msg_str(path);
        rc =
            ask_ahead(f, a, MSG_TILE_GET, q, (tile.index + 1) * TILE_WIDTH, pb);
    }
    return rc;
}

static enum err
one_bundle(struct fetch *f, struct problem *pb)
{
    uint64_t from = audit_size(f->audit);
    struct tile tile = {.level = TILE_ENTRIES, .index = from / TILE_WIDTH};
    const struct msg *m;
    unsigned wire = PERR_NONE;
    struct problem ask = {0};
    enum err rc = ask_tiles(f, &ask);

    tile.width = tile_width(TILE_ENTRIES, tile.index, f->head.size);
    if (rc == ERR_OK)
        rc = upstream_answer(f->o->up, first_asked(&f->tiles), MSG_TILE, &m,
                             &wire, &ask);
    if (rc != ERR_OK && wire == PERR_NOTFOUND)
        return cut(f, from, pb);
    if (rc != ERR_OK) {
        *pb = ask;
        return rc;
    }
    rc = feed_tile(f, &tile,
                   (struct span){m->f[TILE_BYTES].p, m->f[TILE_BYTES].len});
    return rc == ERR_VERIFY ? cut(f, from, pb)
                            : problem_from_err(pb, "the audit stopped", rc);
}

enum err
audit_fetch_all(struct fetch *f, struct problem *pb)
{
    enum { ENTRY_BYTES = SEALED_ENTRY_LEN + OPENING_LEN };
    enum err rc = ERR_OK;

    f->have.covered = audit_size(f->audit);
    start_asking(f, &f->openings, f->have.covered);
    start_asking(f, &f->tiles, f->have.covered);
    while (rc == ERR_OK && audit_size(f->audit) < f->head.size) {
        uint64_t end = (audit_size(f->audit) / TILE_WIDTH + 1) * TILE_WIDTH;

        end = end < f->head.size ? end : f->head.size;
        while (rc == ERR_OK && f->have.covered < end)
            rc = more_openings(f, pb);
        if (rc == ERR_OK)
            rc = one_bundle(f, pb);
        if (rc == ERR_OK)
            out_progress(f->o->app, "Reading the log", end * ENTRY_BYTES,
                         f->head.size * ENTRY_BYTES);
    }
    start_asking(f, &f->openings, 0);
    start_asking(f, &f->tiles, 0);
    return rc;
}
