#include "client/bundling.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "client/bundling_inside.h"
#include "client/delivery.h"
#include "client/envelope.h"
#include "client/letter.h"
#include "client/office.h"
#include "client/pick.h"
#include "client/shelf.h"
#include "client/story.h"
#include "client/succession.h"
#include "client/vault.h"
#include "common/bytes.h"
#include "proto/era.h"
#include "proto/proof.h"
#include "proto/receipt.h"

static const char what[] = "the bundle cannot be made";

void
bundling_clear(struct bundling *x)
{
    for (size_t i = 0; i < x->n_pieces; i++)
        buf_clear(&x->pieces[i]);
    free(x->pieces);
    bundle_clear(&x->b);
    *x = (struct bundling){0};
}

enum err
bundling_keep(struct bundling *x, struct buf *b, struct span *out)
{
    struct buf *more =
        realloc(x->pieces, (x->n_pieces + 1) * sizeof(*x->pieces));

    if (more != NULL)
        x->pieces = more;
    if (more == NULL || buf_status(b) != ERR_OK) {
        buf_clear(b);
        return ERR_NOMEM;
    }
    x->pieces[x->n_pieces++] = *b;
    *out = (struct span){b->data, b->len};
    *b = (struct buf){0};
    return ERR_OK;
}

/* ---- header and lists ---- */

static enum err
put_envelope(struct app *app, const struct mail *m, struct bundling *x,
             struct problem *pb)
{
    struct buf hdr = {0}, seal = {0};
    enum err rc = envelope_load(app, m, &hdr, &seal, pb);

    if (rc == ERR_OK)
        rc = bundling_keep(x, &hdr, &x->b.header);
    if (rc == ERR_OK)
        rc = bundling_keep(x, &seal, &x->b.seal);
    buf_clear(&hdr);
    buf_clear(&seal);
    if (rc == ERR_NOTFOUND)
        return ERR_OK; /* proves less, and says so */
    return problem_from_err(pb, what, rc);
}

static enum err
put_lists(struct app *app, const struct mail *m, struct bundling *x,
          struct problem *pb)
{
    struct buf inner = {0}, lists = {0};
    uint8_t id[16];
    enum err rc;

    if (x->b.header.len == 0)
        return ERR_OK;
    mail_record_id(id, &m->id, m->direction);
    rc = shelf_get_raw(app, REC_INNER, id, &inner, pb);
    if (rc == ERR_OK)
        rc = inner_lists(&lists, inner.data, inner.len);
    if (rc == ERR_OK)
        rc = bundling_keep(x, &lists, &x->b.lists);
    buf_clear(&inner);
    buf_clear(&lists);
    return rc == ERR_NOTFOUND ? ERR_OK : problem_from_err(pb, what, rc);
}

/* ---- events ---- */

struct event_row {
    uint64_t index;
    struct event event;
    struct bundle_receipt receipt;
};
struct event_rows {
    struct event_row rows[BUNDLE_ROWS_MAX];
    size_t n;
};

/* PROOF with the opening in it, as a receipt has it. */
static enum err
with_opening(const struct kept_event *e, struct buf *out)
{
    struct proof p;
    enum err rc = proof_parse(e->proof.data, e->proof.len, &p);

    if (rc != ERR_OK)
        return rc;
    p.has_extra = true;
    memcpy(p.extra, e->opening, OPENING_LEN);
    p.extra_len = OPENING_LEN;
    return proof_format(&p, out);
}

static enum err
add_row(struct bundling *x, struct event_rows *rows, uint64_t index,
        const struct event *ev, struct buf *proof, struct buf *evidence)
{
    struct event_row *r = &rows->rows[rows->n];
    enum err rc;

    if (rows->n == BUNDLE_ROWS_MAX)
        return ERR_FULL;
    r->index = index;
    r->event = *ev;
    rc = bundling_keep(x, proof, &r->receipt.proof);
    if (rc == ERR_OK)
        rc = bundling_keep(x, evidence, &r->receipt.evidence);
    if (rc == ERR_OK)
        rows->n++;
    return rc;
}

static enum err
take_event(struct bundling *x, struct event_rows *rows, struct kept_event *e)
{
    struct buf proof = {0};
    enum err rc = with_opening(e, &proof);

    /* One whose proof cannot be read was an alarm when it came. */
    if (rc == ERR_OK)
        rc = add_row(x, rows, e->index, &e->event, &proof, &e->evidence);
    buf_clear(&proof);
    return rc == ERR_MALFORMED ? ERR_OK : rc;
}

static enum err
take_events(struct desk *d, const struct mail *m, struct bundling *x,
            struct event_rows *rows, struct problem *pb)
{
    const struct agency_id *sender = mail_sender(m, &d->id.agency);
    size_t pos = 0;
    enum err rc;

    do {
        struct kept_event e = {0};

        rc = delivery_next(d->app, &pos, &e, pb);
        if (rc == ERR_OK && id_eq(&e.event.packet, &m->id) &&
            id_eq(&e.event.sender, sender))
            rc = problem_from_err(pb, what, take_event(x, rows, &e));
        kept_event_clear(&e);
    } while (rc == ERR_OK);
    return rc == ERR_NOTFOUND ? ERR_OK : rc;
}

/* A restored relay's log has lost them; what it had signed stays evidence. */
static enum err
take_lost_record(struct desk *d, const struct mail *m, const uint8_t id[16],
                 struct bundling *x, struct event_rows *rows,
                 struct problem *pb)
{
    struct kept_event e = {.index = get_u64(id + 8) & 0xffffffffffffff};
    struct buf b = {0};
    enum err rc = shelf_get_raw(d->app, REC_SUCCESSION, id, &b, pb);

    if (rc == ERR_OK)
        rc = shelf_problem(kept_event_decode(&e, &b), pb);
    if (rc == ERR_OK && id_eq(&e.event.packet, &m->id) &&
        id_eq(&e.event.sender, mail_sender(m, &d->id.agency)))
        rc = problem_from_err(pb, what, take_event(x, rows, &e));
    kept_event_clear(&e);
    buf_clear(&b);
    return rc;
}

static enum err
take_lost(struct desk *d, const struct mail *m, struct bundling *x,
          struct event_rows *rows, struct problem *pb)
{
    struct vault_item item;
    size_t pos = 0;
    enum err rc = ERR_OK;

    while (rc == ERR_OK &&
           vault_next(d->app->vault, REC_SUCCESSION, &pos, &item))
        if (item.id[8] == SUCCESSION_EVENT)
            rc = take_lost_record(d, m, item.id, x, rows, pb);
    return rc;
}

static bool
has_row(const struct event_rows *rows, uint64_t index)
{
    for (size_t i = 0; i < rows->n; i++)
        if (rows->rows[i].index == index)
            return true;
    return false;
}

/* What the relay gave us at once, when its log has not been read so far. */
static enum err
take_receipt(struct desk *d, const struct mail *m, struct bundling *x,
             struct event_rows *rows, struct problem *pb)
{
    struct problem none = {0};
    struct buf proof = {0}, evidence = {0};
    struct receipt r;
    enum err rc = story_proof(d->app, m, &proof, &none);

    if (rc == ERR_OK)
        rc = era_receipt(roster_directory(d->roster), proof.data, proof.len, &r,
                         NULL);
    if (rc == ERR_OK && !has_row(rows, r.index)) {
        if (m->direction == INDEX_IN)
            (void)shelf_get_raw(d->app, REC_RCPT, m->pkt_digest.b, &evidence,
                                &none);
        rc = add_row(x, rows, r.index, &r.event, &proof, &evidence);
    }
    buf_clear(&proof);
    buf_clear(&evidence);
    return rc == ERR_NOMEM ? problem_from_err(pb, what, rc) : ERR_OK;
}

static int
by_index(const void *a, const void *b)
{
    const struct event_row *x = a, *y = b;

    return x->index < y->index ? -1 : x->index > y->index;
}

static enum err
put_events(struct bundling *x, struct event_rows *rows)
{
    if (rows->n == 0)
        return ERR_OK;
    qsort(rows->rows, rows->n, sizeof(rows->rows[0]), by_index);
    x->b.events = calloc(rows->n, sizeof(*x->b.events));
    if (x->b.events == NULL)
        return ERR_NOMEM;
    x->b.n_events = rows->n;
    for (size_t i = 0; i < rows->n; i++)
        x->b.events[i] = rows->rows[i].receipt;
    return ERR_OK;
}

/* ---- who ---- */

static void
add_device(struct device_id *devices, size_t *n, const struct device_id *id)
{
    static const struct device_id nobody;

    if (id_eq(id, &nobody))
        return;
    for (size_t i = 0; i < *n; i++)
        if (id_eq(&devices[i], id))
            return;
    devices[(*n)++] = *id;
}

static void
add_signer(struct device_id *devices, size_t *n, struct span evidence)
{
    struct wdrw w;

    if (wdrw_parse(&w, evidence.p, evidence.len) == ERR_OK)
        add_device(devices, n, &w.device);
}

/* A statement's own device: whom a revocation revokes. */
static void
add_revoked(struct device_id *devices, size_t *n, struct span evidence)
{
    struct statement st;

    if (stmt_parse(&st, evidence.p, evidence.len) != ERR_OK)
        return;
    if (st.kind == STMT_REVOKE)
        add_device(devices, n, &st.body.revoke.device);
    else if (st.kind == STMT_STOP_DEVICE)
        add_device(devices, n, &st.body.stop_device.device);
}

static enum err
put_directory(struct desk *d, const struct mail *m, struct bundling *x,
              const struct event_rows *rows, struct problem *pb)
{
    struct device_id *devices = calloc(2 * rows->n + 1, sizeof(*devices));
    struct bundling_cast cast = {
        .agencies = {*mail_sender(m, &d->id.agency)},
        .mailbox = m->direction == INDEX_IN ? m->own_mailbox : m->peer_mailbox,
        .devices = devices,
        .events = x->b.events,
        .n_events = x->b.n_events};
    enum err rc;

    if (devices == NULL)
        return problem_from_err(pb, what, ERR_NOMEM);
    add_device(devices, &cast.n_devices, &m->device);
    for (size_t i = 0; i < rows->n; i++) {
        struct span evidence = rows->rows[i].receipt.evidence;

        add_device(devices, &cast.n_devices, &rows->rows[i].event.actor);
        add_signer(devices, &cast.n_devices, evidence);
        add_revoked(devices, &cast.n_devices, evidence);
    }
    (void)roster_mailbox_agency(d->roster, &cast.mailbox, &cast.agencies[1]);
    rc = bundling_leaves(d, &cast, x, pb);
    free(devices);
    return rc;
}

/* ---- what verifies ---- */

static void
drop_event(struct bundle *b, uint64_t index)
{
    size_t n = 0;

    for (size_t i = 0; i < b->n_events; i++) {
        struct proof p;

        if (proof_parse(b->events[i].proof.p, b->events[i].proof.len, &p) ==
                ERR_OK &&
            p.index == index)
            continue;
        b->events[n++] = b->events[i];
    }
    b->n_events = n;
}

/* An event that raised an alarm when it came would spoil the file. */
static enum err
leave_out_wrong(struct desk *d, struct bundling *x, struct problem *pb)
{
    struct bundle_anchor a = {.network_id = &d->id.network_id};
    struct bundle_fault f;
    enum err rc;

    for (;;) {
        struct bundle_proven p = {0};

        rc = bundle_judge(&x->b, &a, &p, &f);
        bundle_proven_clear(&p);
        if (rc != ERR_VERIFY || f.kind != BUNDLE_EVENTS || !f.has_row)
            break;
        out_note(d->app, "Entry %" PRIu64 " of the log is left out: %s.", f.row,
                 f.why);
        drop_event(&x->b, f.row);
    }
    if (rc == ERR_VERIFY)
        return problem_set(pb, P_VERIFY, rc, what, "%s: %s",
                           bundle_kind_name(f.kind), f.why);
    return problem_from_err(pb, what, rc);
}

static enum err
gather(struct desk *d, const struct mail *m, struct bundling *x,
       struct event_rows *rows, struct problem *pb)
{
    enum err rc = put_envelope(d->app, m, x, pb);

    if (rc == ERR_OK)
        rc = put_lists(d->app, m, x, pb);
    if (rc == ERR_OK)
        rc = take_events(d, m, x, rows, pb);
    if (rc == ERR_OK && rows->n == 0)
        rc = take_lost(d, m, x, rows, pb);
    if (rc == ERR_OK)
        rc = take_receipt(d, m, x, rows, pb);
    if (rc == ERR_OK)
        rc = problem_from_err(pb, what, put_events(x, rows));
    if (rc == ERR_OK && x->b.header.len == 0 && x->b.n_events == 0)
        rc = problem_set(pb, P_NOT_FOUND, ERR_NOTFOUND,
                         "there is no evidence of it yet",
                         "the packet has not reached the relay");
    if (rc == ERR_OK)
        rc = put_directory(d, m, x, rows, pb);
    if (rc == ERR_OK)
        rc = bundling_refreshed(d, m, x, pb);
    return rc == ERR_OK ? leave_out_wrong(d, x, pb) : rc;
}

enum err
bundling_gather(struct desk *d, const struct mail *m, struct bundling *x,
                struct problem *pb)
{
    struct event_rows *rows = calloc(1, sizeof(*rows));
    enum err rc;

    if (rows == NULL)
        return problem_from_err(pb, what, ERR_NOMEM);
    rc = gather(d, m, x, rows, pb);
    free(rows);
    return rc;
}
