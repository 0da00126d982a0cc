/*
 * handle_events.c - EVENTS_GET (an agency's own events), AUDIT_GET (an
 * auditor's scope; the reading itself is logged first), RECEIPT_GET.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/bytes.h"
#include "common/clock.h"
#include "server/handlers.h"
#include "server/page.h"
#include "server/relay.h"
#include "server/task.h"

struct gather {
    struct page page;
    struct session *session;
    const struct dir_agency *auditor; /* NULL: own events, with leaf proofs */
    uint64_t next;
};

/* An auditor sees an event when its scope covers the sender or recipient. */
static bool
is_in_scope(const struct gather *g, const struct store_event_row *row)
{
    uint64_t time_s = get_u64(row->opening + 32 + 8) / 1000;

    return g->auditor == NULL ||
           directory_auditor_may_see(g->auditor, &row->sender, time_s) ||
           directory_auditor_may_see(g->auditor, &row->recipient, time_s);
}

static enum err
on_row(void *arg, const struct store_event_row *row)
{
    struct gather *g = arg;
    struct relay *r = session_relay(g->session);
    struct buf proof = {0};
    enum err rc = ERR_OK;
    struct msg_field f[4];

    if (!is_in_scope(g, row)) {
        g->next = row->index + 1;
        return ERR_OK;
    }
    if (g->auditor == NULL)
        rc = store_leaf_proof(r->reader, STORE_DELIVERY, row->index, &proof);
    f[EVENTS_ROW_INDEX] = msg_u(row->index);
    f[EVENTS_ROW_OPENING] = msg_bin(row->opening, OPENING_LEN);
    f[EVENTS_ROW_EVIDENCE] = msg_bin(row->evidence.p, row->evidence.len);
    f[EVENTS_ROW_LEAF_PROOF] = msg_bin(proof.data, proof.len);
    if (rc == ERR_OK &&
        page_is_full(&g->page, OPENING_LEN + row->evidence.len + proof.len))
        rc = ERR_CANCELLED; /* the rest comes with the next question */
    if (rc == ERR_OK)
        rc = page_add(&g->page, f, 4);
    if (rc == ERR_OK)
        g->next = row->index + 1;
    buf_clear(&proof);
    return rc;
}

static void
answer_events(struct gather *g, uint32_t req)
{
    struct relay *r = session_relay(g->session);
    struct msg_field *items = calloc(g->page.n + 1, sizeof(*items));
    struct buf note = {0};
    struct head h;

    if (items == NULL || store_head(r->reader, STORE_DELIVERY, &h) != ERR_OK ||
        head_to_note(&h, store_vkey(r->store, STORE_DELIVERY), &note) !=
            ERR_OK) {
        session_error(g->session, req, PERR_INTERNAL, NULL);
    } else {
        struct msg_field f[] = {
            [EVENTS_ROWS] = page_list(&g->page, items, 4),
            [EVENTS_NEXT] = msg_u(g->next),
            [EVENTS_CHECKPOINT] = msg_bin(note.data, note.len),
        };
        session_send(g->session, MSG_EVENTS, req, f, 3);
    }
    buf_clear(&note);
    free(items);
}

void
handle_events_get(struct session *s, const struct msg *m, const uint8_t *bytes,
                  size_t len)
{
    struct gather g = {.session = s, .next = m->f[EVENTS_GET_CURSOR].u};
    uint64_t next = g.next;
    enum err rc;

    (void)bytes;
    (void)len;
    rc = store_events(session_relay(s)->reader, &session_device(s)->agency->id,
                      g.next, (unsigned)m->f[EVENTS_GET_MAX].u, on_row, &g,
                      &next);
    if (rc == ERR_OK && next > g.next)
        g.next = next;
    if (rc != ERR_OK && rc != ERR_CANCELLED)
        session_error(s, m->req, PERR_INTERNAL, err_text(rc));
    else
        answer_events(&g, m->req);
    page_clear(&g.page);
}

/* Taken before the rows are: nothing that is logged meanwhile is skipped. */
static enum err
log_size(struct relay *r, uint64_t *size)
{
    struct head h;
    enum err rc = store_head(r->reader, STORE_DELIVERY, &h);

    if (rc == ERR_OK)
        *size = h.size;
    return rc;
}

static uint64_t
smaller(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* The reading is in the log; now the reader may read. */
static void
on_read_logged(struct task *t)
{
    const struct msg *m = &t->msg;
    struct gather g = {.session = t->session};
    struct store_scope all = {.to_ms = UINT64_MAX};
    uint64_t from = m->f[AUDIT_GET_FROM].u;
    uint64_t to = m->f[AUDIT_GET_TO].u;
    uint64_t size = 0;
    enum err rc;

    if (t->session == NULL)
        return;
    if (t->job.op.result.why != STORE_OK) {
        session_store_error(t->session, t->req, t->job.op.result.why);
        return;
    }
    g.auditor = session_device(t->session)->agency;
    rc = log_size(t->relay, &size);
    g.next = smaller(from, size);
    if (rc == ERR_OK)
        rc = store_audit(t->relay->reader, &all, from, to, on_row, &g);
    if (rc == ERR_OK && g.next < smaller(to, size))
        g.next = smaller(to, size);
    if (rc != ERR_OK && rc != ERR_CANCELLED)
        session_error(t->session, t->req, PERR_INTERNAL, err_text(rc));
    else
        answer_events(&g, t->req);
    page_clear(&g.page);
}

void
handle_audit_get(struct session *s, const struct msg *m, const uint8_t *bytes,
                 size_t len)
{
    const struct dir_device *d = session_device(s);
    uint64_t from = m->f[AUDIT_GET_FROM].u;
    uint64_t to = m->f[AUDIT_GET_TO].u;
    struct task *t;

    if (d->agency->class != CLASS_AUDITOR) {
        session_error(s, m->req, PERR_DENIED, "only auditors may ask");
        return;
    }
    if (to <= from || to - from > LIMIT_EVENTS_PAGE) {
        session_error(s, m->req, PERR_TOOBIG, "at most 512 events a question");
        return;
    }
    t = task_new(session_relay(s), s, m->req, STORE_OP_EVENT, bytes, len,
                 on_read_logged);
    if (t == NULL) {
        session_error(s, m->req, PERR_BUSY, "no memory");
        return;
    }
    t->job.op.event.type = EVENT_AUDITOR_READ;
    t->job.op.event.agency = d->agency->id;
    t->job.op.event.actor = d->id;
    t->job.op.event.ref = from;
    relay_submit(session_relay(s), t);
}

void
handle_receipt_get(struct session *s, const struct msg *m, const uint8_t *bytes,
                   size_t len)
{
    const struct msg_field *id = &m->f[RECEIPT_GET_PACKET_ID];
    struct packet_id packet;
    struct buf proof = {0};
    uint64_t index = 0;
    enum err rc;

    (void)bytes;
    (void)len;
    msg_copy(packet.b, id, sizeof(packet.b));
    rc = store_stored_receipt(session_relay(s)->reader,
                              &session_device(s)->agency->id, &packet, &proof,
                              &index);
    if (rc == ERR_OK) {
        struct msg_field f[] = {
            [LOGGED_PACKET_ID] = *id,
            [LOGGED_PROOF] = msg_bin(proof.data, proof.len),
        };
        session_send(s, MSG_LOGGED, m->req, f, 2);
    } else if (rc == ERR_EXPIRED) {
        char detail[160];

        (void)snprintf(detail, sizeof(detail),
                       "entry %" PRIu64 " of the log stays, its opening was "
                       "erased after the retention; a receipt that you kept "
                       "is still good",
                       index);
        session_error(s, m->req, PERR_ERASED, detail);
    } else {
        session_error(s, m->req,
                      rc == ERR_NOTFOUND ? PERR_NOTFOUND : PERR_INTERNAL, NULL);
    }
    buf_clear(&proof);
}
