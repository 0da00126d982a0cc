#include "client/outbox.h"

#include <stdio.h>
#include <string.h>

#include "client/blobs.h"
#include "client/compose.h"
#include "client/delivery.h"
#include "client/notice.h"
#include "client/outbox_inside.h"
#include "client/quarantine.h"
#include "client/relaytime.h"
#include "client/pick.h"
#include "client/shelf.h"
#include "client/succession.h"
#include "client/sync.h"
#include "common/clock.h"
#include "proto/packet_type.h"
#include "proto/proof.h"

enum { TRIES = 3 };

static const struct packet_id no_packet;

/* ---- the relay's receipt ---- */

static enum err
bad_receipt(const char *why, struct problem *pb)
{
    return problem_set(pb, P_VERIFY, ERR_VERIFY,
                       "the relay's receipt is not right",
                       "%s; the packet stays in the outbox", why);
}

static enum err
check_receipt(struct desk *d, const struct mail *m, const struct msg *answer,
              struct receipt *out, struct problem *pb)
{
    const struct msg_field *proof = &answer->f[LOGGED_PROOF];
    const struct event *e = &out->event;

    if (era_receipt_held(roster_directory(d->roster), proof->p, proof->len,
                         out) != ERR_OK)
        return bad_receipt("its signature or proof does not verify", pb);
    if (e->type != EVENT_STORED || !id_eq(&e->packet, &m->id) ||
        !id_eq(&e->pkt_digest, &m->pkt_digest) ||
        !id_eq(&e->sender, &d->id.agency) ||
        !id_eq(&e->recipient, &m->peer_mailbox) ||
        e->not_after != m->not_after_s)
        return bad_receipt("it is about another packet", pb);
    return ERR_OK;
}

static enum err
keep_receipt(struct desk *d, struct mail *m, const struct receipt *r,
             const struct buf *proof, struct problem *pb)
{
    uint8_t id[16];
    enum err rc = shelf_begin(d->app, pb);

    if (rc != ERR_OK)
        return rc;
    m->state = MAIL_STORED;
    m->stored_ms = r->event.time_ms;
    m->stored_index = r->index;
    m->lost_policy = m->again_ms = 0;
    m->waiting[0] = '\0';
    rc = compose_own_copy(d, m, pb);
    mail_record_id(id, &m->id, m->direction);
    shelf_put_raw(d->app, REC_PROOF, id, proof->data, proof->len);
    mail_put(d->app, m);
    return shelf_end(d->app, rc, pb);
}

/* Its time is false by the relay's own words; the rest of it is proven. */
static enum err
check_time(struct desk *d, const struct mail *m, const struct receipt *r,
           struct problem *pb)
{
    const char *why = relaytime_problem(d, r->event.time_ms, m->sealed_ms);

    return why == NULL ? ERR_OK
                       : quarantine_tell(d, &m->pkt_digest, &m->id, why, pb);
}

static enum err
take_receipt(struct desk *d, struct mail *m, const struct msg *answer,
             struct problem *pb)
{
    struct buf proof = {0};
    struct receipt r;
    enum err rc = check_receipt(d, m, answer, &r, pb);

    buf_put(&proof, answer->f[LOGGED_PROOF].p, answer->f[LOGGED_PROOF].len);
    if (rc == ERR_OK)
        rc = problem_from_err(pb, "the receipt does not fit",
                              buf_status(&proof));
    if (rc == ERR_OK)
        rc = keep_receipt(d, m, &r, &proof, pb);
    if (rc == ERR_OK)
        rc = check_time(d, m, &r, pb);
    if (rc == ERR_OK && m->type != PACKET_TYPE_OWN_COPY)
        d->count.sent++;
    if (rc == ERR_OK)
        rc = sync_proof_head(d->up, d->roster, proof.data, proof.len, pb);
    buf_clear(&proof);
    return rc;
}

/* ---- one try ---- */

static enum err
upload(struct desk *d, const struct mail *m, struct problem *pb)
{
    enum err rc = ERR_OK;

    for (size_t i = 0; i < m->n_atts && rc == ERR_OK; i++)
        rc = blob_upload(d, &m->atts[i], pb);
    return rc;
}

static enum err
send(struct desk *d, struct mail *m, unsigned *wire, struct problem *pb)
{
    struct sealed_packet s = {0};
    const struct msg *answer;
    enum err rc = outbox_load_sealed(d, m, &s, pb);

    if (rc == ERR_OK) {
        struct msg_field f[] = {
            [SEND_HDR] = msg_bin(s.hdr.data, s.hdr.len),
            [SEND_WRAPS] = msg_bin(s.wraps.data, s.wraps.len),
            [SEND_BODY] = msg_bin(s.body.data, s.body.len),
            [SEND_RESEND_OF] =
                id_eq(&m->resend_of, &no_packet)
                    ? msg_nil()
                    : msg_bin(m->resend_of.b, sizeof(m->resend_of.b)),
        };
        rc =
            upstream_call(d->up, MSG_SEND, f, 4, MSG_LOGGED, &answer, wire, pb);
    }
    packet_clear(&s);
    return rc == ERR_OK ? take_receipt(d, m, answer, pb) : rc;
}

static enum err
try_once(struct desk *d, struct mail *m, unsigned *wire, struct problem *pb)
{
    enum err rc = ERR_OK;

    *wire = PERR_NONE;
    if (!m->is_sealed)
        rc = outbox_seal(d, m, pb);
    if (rc == ERR_OK)
        rc = upload(d, m, pb);
    return rc == ERR_OK ? send(d, m, wire, pb) : rc;
}

/* Is it to be sealed again?  E-SLOT: the recipient's devices or keys changed.
 * E-EXPIRY: it was sealed at a wrong clock, an earlier time. */
static bool
is_outdated(unsigned wire, bool was_sealed)
{
    return wire == PERR_SLOT || (wire == PERR_EXPIRY && was_sealed);
}

static enum err
seal_anew(struct desk *d, struct mail *m, unsigned wire, struct problem *pb)
{
    enum err rc = sync_directory(d->up, d->roster, pb);

    if (rc == ERR_OK)
        rc = outbox_unseal(d, m, pb);
    if (rc == ERR_OK)
        out_note(d->app, "%s; the packet was sealed again.",
                 wire == PERR_SLOT
                     ? "The recipient's devices or keys have changed"
                     : "It was sealed when the clock was wrong");
    return rc;
}

static enum err
expire_here(struct desk *d, struct mail *m, struct problem *pb)
{
    char id[9];
    enum err rc = shelf_begin(d->app, pb);

    if (rc != ERR_OK)
        return rc;
    m->state = MAIL_EXPIRED;
    m->final_ms = clock_wall_ms();
    m->waiting[0] = '\0';
    mail_put(d->app, m);
    if (!mail_is_own_copy(m))
        notice_put_unsent(d->app, m);
    rc = shelf_end(d->app, ERR_OK, pb);
    if (rc != ERR_OK)
        return rc;
    mail_short(id, &m->id);
    out_note(d->app, "Packet %s has passed its last day without being sent.",
             id);
    d->count.undelivered++;
    desk_tell(d, "expired", &m->id);
    return ERR_OK;
}

static enum err
note_waiting(struct desk *d, struct mail *m, const struct problem *why)
{
    struct problem none = {0};

    if (why->id == P_UNREACHABLE)
        (void)snprintf(m->waiting, sizeof(m->waiting), "network");
    else
        (void)snprintf(m->waiting, sizeof(m->waiting), "the relay (%s)",
                       problem_code(why->id));
    return mail_save(d->app, m, &none);
}

/* By both clocks: neither a wrong one nor a false one ends a packet. */
static bool
is_over(const struct desk *d, const struct mail *m)
{
    return m->not_after_s <= clock_wall_ms() / 1000 &&
           m->not_after_s <= outbox_now_s(d);
}

/* The restored relay lacks prekeys that were put since: their devices put them
 * again.  Sealed anew it would come twice to who has read it already. */
static bool
waits_for_keys(struct desk *d, struct mail *m)
{
    struct sealed_packet s = {0};
    struct problem none = {0};
    struct header h;
    bool yes = m->again_ms != 0 &&
               outbox_load_sealed(d, m, &s, &none) == ERR_OK &&
               header_parse(&h, s.hdr.data, s.hdr.len) == ERR_OK &&
               succession_waits(d->roster, m, &h);

    packet_clear(&s);
    if (yes)
        (void)snprintf(m->waiting, sizeof(m->waiting),
                       "keys of the recipient (the relay was restored)");
    return yes;
}

static enum err
send_one(struct desk *d, struct mail *m, struct problem *pb)
{
    unsigned wire = PERR_NONE;
    struct problem mine = {0};
    enum err rc = ERR_OK;

    if (is_over(d, m) && !m->is_sealed)
        return expire_here(d, m, pb);
    for (int i = 0; i < TRIES; i++) {
        bool was_sealed = m->is_sealed;

        mine = (struct problem){0};
        rc = try_once(d, m, &wire, &mine);
        if (wire == PERR_EXPIRY && is_over(d, m))
            return expire_here(d, m, pb);
        if (wire == PERR_SLOT && waits_for_keys(d, m))
            return mail_save(d->app, m, pb);
        if (is_outdated(wire, was_sealed))
            rc = seal_anew(d, m, wire, pb);
        else if (wire != PERR_BLOB)
            break;
        if (pb->id != P_NONE)
            break;
    }
    if (rc == ERR_NOTFOUND && mine.id == P_NONE)
        return mail_save(d->app, m, pb); /* waits for a key */
    if (rc != ERR_OK && m->state == MAIL_QUEUED)
        (void)note_waiting(d, m, &mine);
    if (rc != ERR_OK && pb->id == P_NONE)
        *pb = mine;
    return rc;
}

enum err
outbox_send(struct desk *d, struct mail *m, struct problem *pb)
{
    struct mail copy = {0};
    struct problem ignored = {0};
    enum err rc = send_one(d, m, pb);

    if (rc != ERR_OK || id_eq(&m->own_copy, &no_packet))
        return rc;
    /* The copy is for colleagues; its troubles are not the packet's. */
    if (mail_load(d->app, &m->own_copy, INDEX_OUT, &copy, &ignored) == ERR_OK &&
        copy.state == MAIL_QUEUED)
        (void)send_one(d, &copy, &ignored);
    mail_clear(&copy);
    return ERR_OK;
}

/* ---- taking back ---- */

/* The same bytes at every try: a relay that has them already answers so. */
static enum err
make_withdrawal(struct desk *d, const struct mail *m, uint16_t reason,
                struct buf *out, struct problem *pb)
{
    struct wdrw w = {
        .reason = reason,
        .packet = m->id,
        .pkt_digest = m->pkt_digest,
        .sender = d->id.agency,
        .device = d->id.device,
        .time_ms = clock_wall_ms(),
    };
    uint8_t bytes[WDRW_LEN];
    enum err rc = shelf_get_raw(d->app, REC_WDRW, m->id.b, out, pb);

    if (rc != ERR_NOTFOUND)
        return rc;
    rc = wdrw_sign(bytes, &w, &d->id.sign);
    if (rc == ERR_OK)
        rc = shelf_begin(d->app, pb);
    if (rc != ERR_OK)
        return problem_from_err(pb, "the packet cannot be withdrawn", rc);
    shelf_put_raw(d->app, REC_WDRW, m->id.b, bytes, sizeof(bytes));
    rc = shelf_end(d->app, ERR_OK, pb);
    buf_put(out, bytes, sizeof(bytes));
    return rc;
}

static enum err
forget_here(struct desk *d, struct mail *m, struct problem *pb)
{
    enum err rc = shelf_begin(d->app, pb);

    if (rc != ERR_OK)
        return rc;
    m->state = MAIL_WITHDRAWN;
    m->final_ms = clock_wall_ms();
    m->waiting[0] = '\0';
    m->is_sealed = false;
    shelf_drop(d->app, REC_SEALED, m->id.b);
    mail_put(d->app, m);
    rc = shelf_end(d->app, ERR_OK, pb);
    return rc == ERR_OK ? blobs_sweep(d->app, pb) : rc;
}

static enum err
ask_withdraw(struct desk *d, const struct mail *m, const struct buf *wdrw,
             struct receipt *out, unsigned *wire, struct problem *pb)
{
    struct msg_field f[] = {[WITHDRAW_WDRW] = msg_bin(wdrw->data, wdrw->len)};
    const struct msg_field *proof;
    const struct msg *answer;
    enum err rc =
        upstream_call(d->up, MSG_WITHDRAW, f, 1, MSG_LOGGED, &answer, wire, pb);

    if (rc != ERR_OK)
        return rc;
    proof = &answer->f[LOGGED_PROOF];
    if (era_receipt_held(roster_directory(d->roster), proof->p, proof->len,
                         out) != ERR_OK ||
        out->event.type != EVENT_WITHDRAWN ||
        !id_eq(&out->event.packet, &m->id) ||
        !id_eq(&out->event.pkt_digest, &m->pkt_digest))
        return bad_receipt("it does not say that the packet was withdrawn", pb);
    return ERR_OK;
}

enum err
outbox_withdraw(struct desk *d, struct mail *m, uint16_t reason,
                struct problem *pb)
{
    char id[9];
    unsigned wire = PERR_NONE;
    struct problem mine = {0};
    struct buf wdrw = {0};
    struct receipt r;
    enum err rc;

    if (m->state > MAIL_STORED) {
        mail_short(id, &m->id);
        problem_next(pb, "`sealpost status %s` shows it", id);
        return problem_set(pb, P_FINAL, ERR_STATE,
                           "the packet cannot be withdrawn any more",
                           m->state == MAIL_HANDED_OVER
                               ? "the other desk has it already; write to it"
                               : "it has come to its end already");
    }
    if (!m->is_sealed)
        return forget_here(d, m, pb); /* the relay never saw it */
    rc = make_withdrawal(d, m, reason, &wdrw, pb);
    if (rc == ERR_OK)
        rc = ask_withdraw(d, m, &wdrw, &r, &wire, &mine);
    buf_clear(&wdrw);
    if (rc == ERR_OK || (wire == PERR_NOTFOUND && m->state == MAIL_QUEUED))
        return forget_here(d, m, pb);
    if (pb->id == P_NONE)
        *pb = mine;
    return rc;
}

/* ---- all of it ---- */

/* The relay lost our withdrawal: it is said again, in the same bytes.  Who
 * collected the packet meanwhile has it: then the log's word counts. */
static enum err
withdraw_again(struct desk *d, struct mail *m, struct problem *pb)
{
    unsigned wire = PERR_NONE;
    struct problem mine = {0};
    struct buf wdrw = {0};
    struct receipt r;
    enum err rc = shelf_get_raw(d->app, REC_WDRW, m->id.b, &wdrw, &mine);

    if (rc == ERR_OK)
        rc = ask_withdraw(d, m, &wdrw, &r, &wire, &mine);
    buf_clear(&wdrw);
    /* NOTFOUND without a question: a colleague's machine withdrew it. */
    if (rc != ERR_OK && rc != ERR_NOTFOUND && wire != PERR_FINAL &&
        wire != PERR_NOTFOUND) {
        *pb = mine;
        return rc;
    }
    m->again_ms = 0;
    if (wire == PERR_FINAL) {
        m->state = MAIL_STORED;
        rc = delivery_fold_known(d, m, pb);
        if (rc != ERR_OK)
            return rc;
    }
    return mail_save(d->app, m, pb);
}

static void
say_stays(struct desk *d, const struct mail *m, const struct problem *why)
{
    char id[9];

    mail_short(id, &m->id);
    out_note(d->app, "Packet %s stays in the outbox: %s (%s).", id, why->what,
             why->why);
}

enum err
outbox_flush(struct desk *d, struct problem *pb)
{
    size_t pos = 0;
    enum err rc = ERR_OK;

    for (;;) {
        struct problem mine = {0};
        struct mail m = {0};

        rc = mail_next(d->app, &pos, &m, pb);
        if (rc != ERR_OK)
            break;
        /* What is to go on elsewhere is not wanted there any more. */
        if (m.direction == INDEX_OUT && m.state == MAIL_QUEUED &&
            !mail_is_going_on(&m))
            rc = send_one(d, &m, &mine);
        else if (m.direction == INDEX_OUT && m.state == MAIL_WITHDRAWN &&
                 m.again_ms != 0)
            rc = withdraw_again(d, &m, &mine);
        if (rc != ERR_OK)
            say_stays(d, &m, &mine);
        mail_clear(&m);
        /* A split view or a lost connection concerns all that follow. */
        if (rc != ERR_OK &&
            (!upstream_is_alive(d->up) || mine.id == P_SPLIT_VIEW)) {
            *pb = mine;
            return rc;
        }
    }
    return rc == ERR_NOTFOUND ? ERR_OK : rc;
}
