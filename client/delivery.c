#include "client/delivery.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/evidence.h"
#include "client/letter.h"
#include "client/notice.h"
#include "client/quarantine.h"
#include "client/relaytime.h"
#include "client/shelf.h"
#include "client/sync.h"
#include "client/table.h"
#include "client/vault.h"
#include "proto/era.h"
#include "proto/packet_type.h"
#include "proto/proof.h"
#include "proto/receipt.h"

/* ---- keeping ---- */

/* (T) */
static void
put_event(struct app *app, const struct kept_event *e)
{
    struct buf b = {0};
    uint8_t id[16];

    shelf_number(id, e->index);
    buf_put(&b, e->opening, sizeof(e->opening));
    buf_u16(&b, (uint16_t)e->evidence.len);
    buf_put(&b, e->evidence.data, e->evidence.len);
    buf_put(&b, e->proof.data, e->proof.len);
    if (buf_status(&b) == ERR_OK)
        shelf_put_raw(app, REC_EVENT, id, b.data, b.len);
    else
        vault_abort(app->vault);
    buf_clear(&b);
}

/* How far we have read: behind the newest event, and when it was. */
struct place {
    uint64_t next;
    uint64_t time_ms;
};

static enum err
find_place(struct app *app, struct place *out, struct problem *pb)
{
    struct kept_event newest = {0};
    struct vault_item item;
    size_t at = 0;
    size_t pos = 0;
    enum err rc;

    *out = (struct place){0};
    for (size_t here = 0; vault_next(app->vault, REC_EVENT, &pos, &item);
         here = pos)
        if (shelf_number_of(item.id) >= out->next) {
            out->next = shelf_number_of(item.id) + 1;
            at = here;
        }
    if (out->next == 0)
        return ERR_OK;
    rc = delivery_next(app, &at, &newest, pb);
    out->time_ms = newest.event.time_ms;
    kept_event_clear(&newest);
    return rc;
}

/* ---- is it true? ---- */

/* NULL: all is well; else what is wrong, for people. */
static const char *
check_leaf(struct desk *d, const struct kept_event *e, struct proof *p)
{
    struct hash leaf;

    if (proof_parse(e->proof.data, e->proof.len, p) != ERR_OK ||
        p->index != e->index)
        return "an event came without a proof of its place in the log";
    opening_leaf(e->opening, &leaf);
    if (era_proof_held(roster_directory(d->roster), p, &leaf) != ERR_OK)
        return "an event is not what the log holds at its place";
    return NULL;
}

static const char *
check_evidence(struct desk *d, const struct kept_event *e)
{
    return evidence_problem(roster_directory(d->roster), &e->event,
                            (struct span){e->evidence.data, e->evidence.len});
}

/* ---- what it means ---- */

/* A packet that waits at the relay, by the one table of what may follow. */
static enum mail_state
state_after(enum mail_state now, uint8_t type)
{
    static const enum mail_state ends[PACKET_STATES] = {
        [PACKET_HANDED_OVER] = MAIL_HANDED_OVER,
        [PACKET_REFUSED] = MAIL_REFUSED,
        [PACKET_WITHDRAWN] = MAIL_WITHDRAWN,
        [PACKET_EXPIRED] = MAIL_EXPIRED,
    };
    enum packet_state next;

    if (now > MAIL_STORED ||
        event_next(PACKET_PENDING, type, &next) != ERR_OK ||
        next == PACKET_PENDING)
        return now;
    return ends[next];
}

static bool
fold_warning(struct mail *m, const struct event *e)
{
    if (m->state != MAIL_STORED || e->time_ms <= m->warned_ms)
        return false;
    m->warned_ms = e->time_ms;
    return true;
}

static bool
fold(struct mail *m, const struct event *e)
{
    enum mail_state next = state_after(m->state, e->type);

    if (e->type == EVENT_WARNED)
        return fold_warning(m, e);
    if (next == m->state)
        return false;
    m->state = next;
    m->final_ms = e->time_ms;
    m->reason = e->reason;
    m->waiting[0] = '\0';
    return true;
}

enum err
delivery_fold_known(struct desk *d, struct mail *m, struct problem *pb)
{
    size_t pos = 0;
    enum err rc;

    do {
        struct kept_event e = {0};

        rc = delivery_next(d->app, &pos, &e, pb);
        if (rc == ERR_OK && id_eq(&e.event.packet, &m->id) &&
            id_eq(&e.event.sender, &d->id.agency) &&
            check_evidence(d, &e) == NULL)
            (void)fold(m, &e.event);
        kept_event_clear(&e);
    } while (rc == ERR_OK);
    return rc == ERR_NOTFOUND ? ERR_OK : rc;
}

static void
tell_end(struct desk *d, const struct mail *m)
{
    const char *reason = mail_reason(m);
    char id[9];
    char name[256];
    char words[32];

    if (m->type == PACKET_TYPE_OWN_COPY)
        return;
    mail_short(id, &m->id);
    roster_mailbox_name(d->roster, &m->peer_mailbox, name, sizeof(name));
    desk_tell(d, mail_state_name(m->state), &m->id);
    if (m->state == MAIL_HANDED_OVER) {
        out_note(d->app, "Packet %s was handed over to %s.", id, name);
        return;
    }
    d->count.undelivered++;
    out_note(d->app, "Packet %s to %s did NOT arrive: %s%s%s.", id, name,
             mail_state_name(m->state), *reason != '\0' ? ", " : "",
             show_words(words, reason));
}

/* What is to be done about it is told by whoever called (alert.h). */
static void
tell_warned(struct desk *d, const struct mail *m)
{
    if (m->type == PACKET_TYPE_OWN_COPY)
        return;
    d->count.warned++;
    desk_tell(d, "warned", &m->id);
}

/* Who opened it signed a hash that only the content gives. */
static bool
was_really_read(struct desk *d, const struct mail *m,
                const struct kept_event *e)
{
    struct problem none = {0};
    struct letter l = {0};
    struct hash expected;
    struct rcpt r;
    bool yes;

    if (m->direction != INDEX_OUT ||
        rcpt_parse(&r, e->evidence.data, e->evidence.len) != ERR_OK ||
        letter_load(d->app, m, &l, &none) != ERR_OK)
        return true;
    inner_opened(&expected, &l.in.sig);
    yes = r.outcome != OUTCOME_OPENED || id_eq(&r.opened, &expected);
    letter_clear(&l);
    return yes;
}

/* A packet that has ended needs no warning: who is warned all the same would
 * send it elsewhere, and be told nothing of the desk that has it. */
static bool
ended_before(struct desk *d, const struct kept_event *e)
{
    struct problem none = {0};
    bool found = false;
    size_t pos = 0;
    enum err rc;

    do {
        struct kept_event x = {0};

        rc = delivery_next(d->app, &pos, &x, &none);
        found = rc == ERR_OK && x.index < e->index &&
                event_info(x.event.type)->is_final &&
                event_same_packet(&x.event, &e->event);
        kept_event_clear(&x);
    } while (rc == ERR_OK && !found);
    return found;
}

/* What only the sender can tell: the event is about the bytes that we sealed,
 * and who claims to have opened them has. */
static const char *
check_ours(struct desk *d, const struct kept_event *e)
{
    static const struct hash unsealed;
    struct problem none = {0};
    struct mail m = {0};
    const char *why = NULL;

    if (!id_eq(&e->event.sender, &d->id.agency) ||
        mail_load(d->app, &e->event.packet, INDEX_OUT, &m, &none) != ERR_OK)
        return NULL;
    if (!id_eq(&m.pkt_digest, &unsealed) &&
        !id_eq(&m.pkt_digest, &e->event.pkt_digest))
        why = "an event names a packet of ours with other content";
    else if (e->event.type == EVENT_HANDED_OVER && !was_really_read(d, &m, e))
        why = "a receipt claims an opening that did not happen";
    else if (e->event.type == EVENT_WARNED && m.state > MAIL_STORED &&
             ended_before(d, e))
        why = "a warning came for a packet that had reached its end";
    mail_clear(&m);
    return why;
}

/* (T) for one direction of the packet. */
static void
fold_into(struct desk *d, const struct kept_event *e,
          enum index_direction direction, struct mail *m, bool *changed)
{
    struct problem none = {0};

    if (mail_load(d->app, &e->event.packet, direction, m, &none) != ERR_OK)
        return;
    if (direction == INDEX_OUT && !id_eq(&m->pkt_digest, &e->event.pkt_digest))
        return;
    *changed = fold(m, &e->event);
    if (!*changed)
        return;
    /* Until here a restored relay could be given the bytes again. */
    if (direction == INDEX_OUT && m->state > MAIL_STORED) {
        shelf_drop(d->app, REC_SEALED, m->id.b);
        m->is_sealed = false;
    }
    mail_put(d->app, m);
}

static bool
needs_notice(const struct mail *m)
{
    return mail_is_lost(m) && m->type != PACKET_TYPE_OWN_COPY;
}

/* Colleagues hear of what did not go well, too. */
static void
tell_change(struct desk *d, const struct kept_event *e, const struct mail *m)
{
    if (e->event.type == EVENT_WARNED)
        tell_warned(d, m);
    else if (m->direction == INDEX_OUT || mail_is_lost(m))
        tell_end(d, m);
}

/* What raised an alarm is kept, and changes nothing: the sealed bytes stay. */
static enum err
keep(struct desk *d, const struct kept_event *e, bool is_good,
     struct problem *pb)
{
    struct mail out = {0};
    struct mail own = {0};
    bool out_changed = false;
    bool own_changed = false;
    enum err rc = shelf_begin(d->app, pb);

    if (rc != ERR_OK)
        return rc;
    put_event(d->app, e);
    if (is_good && id_eq(&e->event.sender, &d->id.agency)) {
        fold_into(d, e, INDEX_OUT, &out, &out_changed);
        fold_into(d, e, INDEX_OWN, &own, &own_changed);
    }
    if ((out_changed && needs_notice(&out)) ||
        (own_changed && needs_notice(&own)))
        notice_put(d->app, e);
    rc = shelf_end(d->app, ERR_OK, pb);
    if (rc == ERR_OK && (out_changed || own_changed))
        tell_change(d, e, out_changed ? &out : &own);
    mail_clear(&out);
    mail_clear(&own);
    return rc;
}

static enum err
alarm_about(struct desk *d, const struct kept_event *e, const char *why,
            struct problem *pb)
{
    struct hash name;

    sha256(&name, e->opening, sizeof(e->opening));
    d->count.alarms++;
    out_note(d->app, "ALARM about the relay's log, entry %" PRIu64 ": %s.",
             e->index, why);
    desk_tell(d, "alarm", &e->event.packet);
    return quarantine_alarm(d->app, &name, &e->event.packet, why, pb);
}

/* A device that we do not know yet may have been enrolled just now. */
static enum err
check_signed(struct desk *d, const struct kept_event *e, const char **why,
             struct problem *pb)
{
    enum err rc;

    *why = check_evidence(d, e);
    if (*why == NULL)
        return ERR_OK;
    rc = sync_directory(d->up, d->roster, pb);
    if (rc == ERR_OK)
        *why = check_evidence(d, e);
    return rc;
}

/* A false date is told; what the event says is proven by others all the same.
 */
static enum err
check_time(struct desk *d, const struct kept_event *e, struct place *at,
           struct problem *pb)
{
    const char *why = relaytime_problem(d, e->event.time_ms, at->time_ms);

    at->time_ms = e->event.time_ms;
    return why == NULL ? ERR_OK : alarm_about(d, e, why, pb);
}

static enum err
take_event(struct desk *d, const struct kept_event *e, struct place *at,
           struct problem *pb)
{
    struct proof p;
    const char *why = check_leaf(d, e, &p);
    enum err rc;

    if (why != NULL)
        return alarm_about(d, e, why, pb);
    rc = sync_delivery_head(d->up, d->roster, (struct span){p.note, p.note_len},
                            pb);
    if (rc == ERR_OK)
        rc = check_signed(d, e, &why, pb);
    if (rc == ERR_OK && why == NULL)
        why = check_ours(d, e);
    if (rc == ERR_OK)
        rc = check_time(d, e, at, pb);
    if (rc == ERR_OK && why != NULL)
        rc = alarm_about(d, e, why, pb);
    return rc == ERR_OK ? keep(d, e, why == NULL, pb) : rc;
}

/* ---- fetching ---- */

struct page {
    struct kept_event *rows;
    size_t n;
    uint64_t next;
};

static void
page_clear(struct page *p)
{
    for (size_t i = 0; i < p->n; i++)
        kept_event_clear(&p->rows[i]);
    free(p->rows);
    *p = (struct page){0};
}

static enum err
copy_row(struct kept_event *e, const struct msg_field *row)
{
    e->index = row->items[EVENTS_ROW_INDEX].u;
    msg_copy(e->opening, &row->items[EVENTS_ROW_OPENING], OPENING_LEN);
    buf_put(&e->evidence, row->items[EVENTS_ROW_EVIDENCE].p,
            row->items[EVENTS_ROW_EVIDENCE].len);
    buf_put(&e->proof, row->items[EVENTS_ROW_LEAF_PROOF].p,
            row->items[EVENTS_ROW_LEAF_PROOF].len);
    if (buf_status(&e->evidence) != ERR_OK || buf_status(&e->proof) != ERR_OK)
        return ERR_NOMEM;
    return opening_decode(e->opening, OPENING_LEN, &e->event);
}

static enum err
fetch_page(struct desk *d, uint64_t cursor, struct page *out,
           struct problem *pb)
{
    struct msg_field f[] = {
        [EVENTS_GET_CURSOR] = msg_u(cursor),
        [EVENTS_GET_MAX] = msg_u(LIMIT_EVENTS_PAGE),
    };
    const struct msg_field *list;
    const struct msg *m;
    enum err rc =
        upstream_call(d->up, MSG_EVENTS_GET, f, 2, MSG_EVENTS, &m, NULL, pb);

    if (rc != ERR_OK)
        return rc;
    list = &m->f[EVENTS_ROWS];
    out->rows = calloc(list->len + 1, sizeof(*out->rows));
    if (out->rows == NULL)
        return problem_from_err(pb, "the events do not fit", ERR_NOMEM);
    out->next = m->f[EVENTS_NEXT].u;
    for (size_t i = 0; i < list->len; i++) {
        struct kept_event *e = &out->rows[out->n];

        /* What a newer relay says and we cannot read is passed over. */
        if (copy_row(e, &list->items[i]) == ERR_OK && e->index >= cursor)
            out->n++;
        else
            kept_event_clear(e);
    }
    return ERR_OK;
}

static enum err
take_page(struct desk *d, const struct page *p, struct place *at,
          struct problem *pb)
{
    enum err rc = ERR_OK;

    for (size_t i = 0; i < p->n && rc == ERR_OK; i++) {
        uint8_t id[16];

        shelf_number(id, p->rows[i].index);
        if (!vault_has(d->app->vault, REC_EVENT, id))
            rc = take_event(d, &p->rows[i], at, pb);
    }
    return rc;
}

enum err
delivery_fetch(struct desk *d, struct problem *pb)
{
    struct place at;
    uint64_t cursor;
    bool more = true;
    enum err rc = find_place(d->app, &at, pb);

    cursor = at.next;
    d->events_due = false;
    while (rc == ERR_OK && more) {
        struct page p = {0};

        rc = fetch_page(d, cursor, &p, pb);
        if (rc == ERR_OK)
            rc = take_page(d, &p, &at, pb);
        more = p.next > cursor && p.n > 0;
        cursor = p.next;
        page_clear(&p);
    }
    return rc;
}

/* ---- receipts without a leaf ---- */

static enum err
check_one(struct desk *d, const struct mail *m, struct problem *pb)
{
    char why[160];
    char id[9];
    uint8_t rec[16];

    shelf_number(rec, m->stored_index);
    if (m->direction != INDEX_OUT || m->state == MAIL_QUEUED ||
        m->stored_ms == 0 || m->lost_policy != 0 ||
        vault_has(d->app->vault, REC_EVENT, rec))
        return ERR_OK;
    mail_short(id, &m->id);
    (void)snprintf(why, sizeof(why),
                   "packet %s has a receipt of the relay, but its entry "
                   "%" PRIu64 " is not among our events",
                   id, m->stored_index);
    return quarantine_tell(d, &m->pkt_digest, &m->id, why, pb);
}

/* Who answers a packet has it: a relay that still calls it waiting keeps its
 * end from us. */
static enum err
check_answered(struct desk *d, const struct mail *answer, struct problem *pb)
{
    static const struct packet_id none;
    struct problem ignored = {0};
    struct mail m = {0};
    char why[160];
    char id[9];
    struct hash name;
    enum err rc = ERR_OK;

    if (answer->direction != INDEX_IN || id_eq(&answer->in_reply_to, &none) ||
        mail_load(d->app, &answer->in_reply_to, INDEX_OUT, &m, &ignored) !=
            ERR_OK)
        return ERR_OK;
    if (m.state == MAIL_STORED) {
        mail_short(id, &m.id);
        (void)snprintf(why, sizeof(why),
                       "packet %s was answered, but the relay does not show "
                       "that it was handed over",
                       id);
        sha256(&name, why, strlen(why));
        rc = quarantine_tell(d, &name, &m.id, why, pb);
    }
    mail_clear(&m);
    return rc;
}

enum err
delivery_check_receipts(struct desk *d, struct problem *pb)
{
    size_t pos = 0;
    enum err rc;

    do {
        struct mail m = {0};

        rc = mail_next(d->app, &pos, &m, pb);
        if (rc == ERR_OK)
            rc = check_one(d, &m, pb);
        if (rc == ERR_OK)
            rc = check_answered(d, &m, pb);
        mail_clear(&m);
    } while (rc == ERR_OK);
    return rc == ERR_NOTFOUND ? ERR_OK : rc;
}
