#include "client/inbox.h"

#include <string.h>

#include "client/blobs.h"
#include "client/inbox_inside.h"
#include "client/quarantine.h"
#include "client/shelf.h"
#include "client/succession.h"
#include "client/sync.h"
#include "client/vault.h"
#include "common/clock.h"

static const char what[] = "a packet cannot be kept";

/* ---- step 0 ---- */

/* (packet_id, pkt_digest) of what came, whatever its proof is worth. */
static enum err
digest_of(struct arriving *a)
{
    const struct delivery *x = a->x;
    struct hash hh, wh, bd;
    enum err rc = header_parse(&a->o.hdr, x->hdr.data, x->hdr.len);

    if (rc != ERR_OK)
        return rc;
    if (x->wrap_hashes.len != a->o.hdr.n_slots * 32)
        return ERR_MALFORMED;
    header_hash(&hh, x->hdr.data, x->hdr.len);
    wraps_hash(&wh, x->wrap_hashes.data, a->o.hdr.n_slots);
    bulk_digest(&bd, x->body.data, x->body.len);
    packet_digest(&a->digest, &hh, &wh, &bd);
    return ERR_OK;
}

static bool
known_receipt(struct arriving *a, struct buf *rcpt)
{
    struct problem none = {0};
    struct rcpt r;

    if (digest_of(a) != ERR_OK ||
        shelf_get_raw(a->d->app, REC_RCPT, a->digest.b, rcpt, &none) != ERR_OK)
        return false;
    return rcpt_parse(&r, rcpt->data, rcpt->len) == ERR_OK &&
           id_eq(&r.packet, &a->o.hdr.packet) &&
           id_eq(&r.pkt_digest, &a->digest);
}

/* ---- step 10 ---- */

static bool
is_about(const struct receipt *r, const struct rcpt *ours,
         const struct buf *rcpt)
{
    struct hash evidence;

    evidence_hash(&evidence, rcpt->data, rcpt->len);
    return id_eq(&r->event.packet, &ours->packet) &&
           id_eq(&r->event.pkt_digest, &ours->pkt_digest) &&
           id_eq(&r->event.evidence, &evidence);
}

/* (T)-less: the relay's proof that it logged our receipt. */
static enum err
keep_logged(struct desk *d, const struct rcpt *ours, const struct buf *proof,
            const struct receipt *r, struct problem *pb)
{
    struct problem none = {0};
    struct mail m = {0};
    uint8_t id[16];
    enum err rc;

    d->count.receipts++;
    if (mail_load(d->app, &ours->packet, INDEX_IN, &m, &none) != ERR_OK)
        return ERR_OK; /* quarantined, or a colleague's copy */
    rc = shelf_begin(d->app, pb);
    if (rc == ERR_OK) {
        m.state = MAIL_HANDED_OVER;
        m.final_ms = r->event.time_ms;
        mail_record_id(id, &m.id, m.direction);
        shelf_put_raw(d->app, REC_PROOF, id, proof->data, proof->len);
        mail_put(d->app, &m);
        rc = shelf_end(d->app, ERR_OK, pb);
    }
    if (r->event.type == EVENT_LATE_RECEIPT)
        out_note(d->app, "A packet was read after it had ended; its sender is "
                         "told.");
    mail_clear(&m);
    return rc;
}

static enum err
take_logged(struct desk *d, const struct buf *rcpt, const struct msg *answer,
            struct problem *pb)
{
    const struct msg_field *f = &answer->f[LOGGED_PROOF];
    struct buf proof = {0};
    struct receipt r;
    struct rcpt ours;
    enum err rc = ERR_OK;

    if (rcpt_parse(&ours, rcpt->data, rcpt->len) != ERR_OK)
        return problem_from_err(pb, what, ERR_VERIFY);
    buf_put(&proof, f->p, f->len);
    if (era_receipt_held(roster_directory(d->roster), proof.data, proof.len,
                         &r) != ERR_OK ||
        !is_about(&r, &ours, rcpt)) {
        d->count.alarms++;
        rc = quarantine_alarm(d->app, &ours.pkt_digest, &ours.packet,
                              "the relay's proof for our receipt is not right",
                              pb);
    } else {
        rc = keep_logged(d, &ours, &proof, &r, pb);
        if (rc == ERR_OK)
            rc = sync_proof_head(d->up, d->roster, proof.data, proof.len, pb);
    }
    buf_clear(&proof);
    return rc;
}

/* A refusal by the relay concerns this receipt alone. */
static enum err
send_receipt(struct desk *d, const struct buf *rcpt, struct problem *pb)
{
    struct msg_field f[] = {[RECEIPT_RCPT] = msg_bin(rcpt->data, rcpt->len)};
    struct problem mine = {0};
    const struct msg *answer;
    unsigned wire = PERR_NONE;
    enum err rc = upstream_call(d->up, MSG_RECEIPT, f, 1, MSG_LOGGED, &answer,
                                &wire, &mine);

    if (rc == ERR_OK)
        return take_logged(d, rcpt, answer, pb);
    if (wire != PERR_NONE) {
        out_note(d->app, "The relay did not take a receipt: %s.", mine.why);
        return ERR_OK;
    }
    *pb = mine;
    return rc;
}

/* ---- step 9 ---- */

static enum err
make_receipt(struct arriving *a, struct buf *out)
{
    uint8_t bytes[RCPT_LEN];
    struct rcpt r = {0};
    enum err rc = opened_to_rcpt(&a->o, &r);

    if (rc != ERR_OK)
        return rc;
    r.agency = a->d->id.agency;
    r.device = a->d->id.device;
    r.time_ms = clock_wall_ms();
    r.stored_index = a->stored.index;
    r.dlv = *roster_delivery_head(a->d->roster);
    rc = rcpt_sign(bytes, &r, &a->d->id.sign);
    if (rc == ERR_OK)
        buf_put(out, bytes, sizeof(bytes));
    return rc == ERR_OK ? buf_status(out) : rc;
}

static enum err
keep(struct arriving *a, const struct buf *rcpt)
{
    struct app *app = a->d->app;
    uint8_t mark[16];
    enum err rc = shelf_begin(app, a->pb);

    if (rc != ERR_OK)
        return rc;
    if (a->o.verdict == VERDICT_OPENED)
        rc = inbox_put_mail(a);
    else
        quarantine_put(app, a->x, &a->o, &a->stored.event);
    if (a->o.inner_is_read) {
        inbox_mark(mark, &a->o.in, &a->o.hdr.packet);
        (void)vault_mark_put(app->vault, &a->o.prekey, mark);
    }
    shelf_put_raw(app, REC_RCPT, a->o.pkt_digest.b, rcpt->data, rcpt->len);
    return shelf_end(app, rc, a->pb);
}

/* Every file is here and opens, or there is no receipt. */
static enum err
fetch_atts(struct arriving *a)
{
    enum err rc = ERR_OK;

    for (size_t i = 0; i < a->m.n_atts && rc == ERR_OK; i++)
        rc = blob_download(a->d, &a->m.atts[i], a->o.in.atts[i].key, a->pb);
    if (rc == ERR_VERIFY && a->pb->id == P_NONE) {
        a->o.verdict = VERDICT_QUARANTINED;
        a->o.cause = CAUSE_CONTENT;
        return ERR_OK;
    }
    return rc;
}

static void
tell(struct arriving *a)
{
    struct desk *d = a->d;
    char id[9];
    char name[130];

    if (a->o.verdict == VERDICT_OPENED) {
        d->count.received++;
        desk_tell(d, "received", &a->m.id);
        return;
    }
    d->count.quarantined++;
    mail_short(id, &a->o.hdr.packet);
    roster_agency_name(d->roster, &a->x->sender, name, sizeof(name));
    out_note(d->app, "Packet %s from %s is kept apart: %s.", id, name,
             packet_cause_text(a->o.cause));
    desk_tell(d, outcome_name((unsigned)a->o.verdict), &a->o.hdr.packet);
}

static enum err
accept_packet(struct arriving *a)
{
    struct buf rcpt = {0};
    enum err rc = ERR_OK;

    if (a->o.verdict == VERDICT_OPENED) {
        rc = inbox_fill_mail(a);
        if (rc == ERR_OK)
            rc = fetch_atts(a);
    }
    if (rc == ERR_OK)
        rc = problem_from_err(a->pb, what, make_receipt(a, &rcpt));
    if (rc == ERR_OK)
        rc = keep(a, &rcpt);
    if (rc == ERR_OK) {
        tell(a);
        rc = send_receipt(a->d, &rcpt, a->pb);
    }
    buf_clear(&rcpt);
    return rc;
}

static enum err
raise_alarm(struct arriving *a)
{
    enum err rc = shelf_begin(a->d->app, a->pb);

    if (rc != ERR_OK)
        return rc;
    a->d->count.alarms++;
    quarantine_put(a->d->app, a->x, &a->o, NULL);
    out_note(a->d->app, "ALARM about the relay: %s.  No receipt was given.",
             packet_cause_text(a->o.cause));
    desk_tell(a->d, "alarm", &a->o.hdr.packet);
    return shelf_end(a->d->app, ERR_OK, a->pb);
}

/* ---- step 0, after a restore ---- */

/* The relay stored it again, at another place, because the first was lost. */
static bool
is_stored_again(struct arriving *a, const struct rcpt *ours)
{
    const struct directory *dir = roster_directory(a->d->roster);
    const struct event *ev = &a->stored.event;

    return era_receipt_held(dir, a->x->proof.data, a->x->proof.len,
                            &a->stored) == ERR_OK &&
           id_eq(&ev->sender, &a->x->sender) &&
           id_eq(&ev->recipient, &a->o.hdr.mailbox) &&
           succession_calls_for_rcpt(dir, ours, &a->stored);
}

/* (T) */
static void
keep_again(struct arriving *a, const struct rcpt *first, const struct buf *old,
           const struct buf *rcpt)
{
    struct app *app = a->d->app;
    struct problem none = {0};
    struct mail m = {0};
    struct era e = {0};
    uint8_t id[16];

    (void)era_nth(roster_directory(a->d->roster), LOG_DELIVERY, 0, &e);
    succession_record_id(id, e.policy, SUCCESSION_RCPT, first->stored_index);
    shelf_put_raw(app, REC_SUCCESSION, id, old->data, old->len);
    shelf_put_raw(app, REC_RCPT, a->digest.b, rcpt->data, rcpt->len);
    if (mail_load(app, &first->packet, INDEX_IN, &m, &none) == ERR_OK &&
        id_eq(&m.pkt_digest, &a->digest)) {
        m.stored_index = a->stored.index;
        m.stored_ms = a->stored.event.time_ms;
        mail_put(app, &m);
    }
    mail_clear(&m);
}

static enum err
sign_for_place(struct arriving *a, const struct rcpt *first, struct buf *out)
{
    struct rcpt r = *first;
    uint8_t bytes[RCPT_LEN];
    enum err rc;

    r.time_ms = clock_wall_ms();
    r.stored_index = a->stored.index;
    r.dlv = *roster_delivery_head(a->d->roster);
    rc = rcpt_sign(bytes, &r, &a->d->id.sign);
    buf_put(out, bytes, sizeof(bytes));
    return rc == ERR_OK ? buf_status(out) : rc;
}

/* Nothing is opened twice: what the first receipt said, for the new place. */
static enum err
sign_again(struct arriving *a, struct buf *rcpt)
{
    struct rcpt first;
    struct buf again = {0};
    enum err rc = rcpt_parse(&first, rcpt->data, rcpt->len);

    if (rc != ERR_OK || !is_stored_again(a, &first))
        return ERR_OK; /* the same receipt is the right answer */
    rc = sync_proof_head(a->d->up, a->d->roster, a->x->proof.data,
                         a->x->proof.len, a->pb);
    if (rc == ERR_OK)
        rc = sign_for_place(a, &first, &again);
    if (rc == ERR_OK)
        rc = shelf_begin(a->d->app, a->pb);
    if (rc == ERR_OK) {
        keep_again(a, &first, rcpt, &again);
        rc = shelf_end(a->d->app, ERR_OK, a->pb);
    }
    if (rc == ERR_OK) {
        buf_reset(rcpt);
        buf_put(rcpt, again.data, again.len);
    }
    buf_clear(&again);
    return problem_from_err(a->pb, what, rc);
}

/* ---- one packet, all packets ---- */

static enum err
take_new(struct arriving *a)
{
    enum err rc = inbox_judge(a);

    if (rc != ERR_OK)
        return rc;
    if (a->o.verdict == VERDICT_ALARM)
        return raise_alarm(a);
    return accept_packet(a);
}

/* Trouble with this packet alone: it comes again with the next session. */
static bool
is_of_packet_only(const struct desk *d, const struct problem *pb)
{
    return upstream_is_alive(d->up) &&
           (pb->id == P_RELAY_ERROR || pb->id == P_NOT_FOUND ||
            pb->id == P_POLICY);
}

enum err
inbox_take(struct desk *d, struct delivery *x, struct problem *pb)
{
    struct problem mine = {0};
    struct arriving a = {.d = d, .x = x, .pb = &mine};
    struct buf rcpt = {0};
    enum err rc;

    if (known_receipt(&a, &rcpt)) {
        rc = sign_again(&a, &rcpt);
        if (rc == ERR_OK)
            rc = send_receipt(d, &rcpt, &mine);
    } else {
        memset(&a.o, 0, sizeof(a.o));
        rc = take_new(&a);
    }
    if (rc != ERR_OK && is_of_packet_only(d, &mine)) {
        out_note(d->app, "A packet waits at the relay: %s (%s).", mine.what,
                 mine.why);
        rc = ERR_OK;
    } else if (rc != ERR_OK) {
        *pb = mine;
    }
    buf_clear(&rcpt);
    opened_clear(&a.o);
    mail_clear(&a.m);
    delivery_free(x);
    return rc;
}

enum err
inbox_take_all(struct desk *d, struct problem *pb)
{
    struct delivery *x;
    enum err rc = ERR_OK;

    while (rc == ERR_OK && (x = desk_next(d)) != NULL)
        rc = inbox_take(d, x, pb);
    return rc;
}
