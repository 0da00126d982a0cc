#include "client/readdress.h"

#include <stdio.h>
#include <string.h>

#include "client/blobs.h"
#include "client/compose.h"
#include "client/delivery.h"
#include "client/outbox.h"
#include "client/pick.h"
#include "common/clock.h"
#include "proto/receipt.h"

#define MINUTE_MS UINT64_C(60000)
#define DAY_MS (24 * 60 * MINUTE_MS)
enum {
    /* No relay makes a packet escalate faster than that. */
    ESCALATE_MINUTES = 15,
    RELAY_KEEPS_DAYS = 7, /* attachments of what did not arrive */
};

static const char what[] = "the packet cannot be sent on";
static const struct packet_id no_packet;
static const struct mailbox_id nowhere;

enum err
readdress_deputy(const struct desk *d, const struct mail *m,
                 struct mailbox_id *out, struct problem *pb)
{
    const struct dir_mailbox *mb =
        directory_mailbox(roster_directory(d->roster), &m->peer_mailbox);

    if (mb != NULL && !id_eq(&mb->deputy, &nowhere)) {
        *out = mb->deputy;
        return ERR_OK;
    }
    (void)problem_set(pb, P_RECIPIENT_UNKNOWN, ERR_NOTFOUND, what,
                      "the mailbox that it went to names no deputy");
    problem_next(pb, "phone them, or name another mailbox with --to");
    return ERR_NOTFOUND;
}

/* ---- may it? ---- */

static enum err
is_over(const char *why, const struct packet_id *show, struct problem *pb)
{
    char id[9];

    mail_short(id, show);
    problem_next(pb, "`sealpost status %s` shows it", id);
    return problem_set(pb, P_FINAL, ERR_STATE, what, "%s", why);
}

enum err
readdress_check_state(const struct mail *m, struct problem *pb)
{
    char id[9];
    char why[80];

    if (m->direction != INDEX_OUT || mail_is_own_copy(m)) {
        problem_next(pb, m->direction == INDEX_IN
                             ? "`sealpost decline` tells its sender"
                             : "ask the colleague who sent it, or send it "
                               "anew with `sealpost send`");
        return problem_set(pb, P_STATE, ERR_REFUSED, what,
                           m->direction == INDEX_IN
                               ? "it came to you; only its sender can"
                               : "another machine of your agency sent it");
    }
    if (!id_eq(&m->moved_to, &no_packet)) {
        mail_short(id, &m->moved_to);
        (void)snprintf(why, sizeof(why), "it was sent on already, as packet %s",
                       id);
        return is_over(why, &m->moved_to, pb);
    }
    if (m->state == MAIL_HANDED_OVER)
        return is_over("the other desk has it already; write to it", &m->id,
                       pb);
    if (m->state == MAIL_WITHDRAWN && !mail_is_going_on(m)) {
        problem_next(pb, "send it anew with `sealpost send`");
        return problem_set(pb, P_FINAL, ERR_STATE, what, "it was withdrawn");
    }
    return ERR_OK;
}

static bool
is_waiting(const struct mail *m)
{
    return m->state == MAIL_QUEUED || m->state == MAIL_STORED;
}

static enum err
check_mailbox(struct desk *d, const struct mail *m, const struct mailbox_id *to,
              struct problem *pb)
{
    struct compose c = {.to = *to,
                        .type = m->type,
                        .urgent = m->class != 0,
                        .override_stale = mail_is_going_on(m)};

    if (is_waiting(m) && id_eq(to, &m->peer_mailbox)) {
        problem_next(pb, "name another mailbox with --to");
        return problem_set(pb, P_USAGE, ERR_REFUSED, what,
                           "it waits at that mailbox already");
    }
    return compose_check(d, &c, pb);
}

/* In the vault, or else with the relay for a week. */
static enum err
check_files(struct desk *d, const struct mail *m, struct problem *pb)
{
    bool relay_has = mail_is_lost(m) &&
                     m->final_ms + RELAY_KEEPS_DAYS * DAY_MS > clock_wall_ms();

    for (size_t i = 0; i < m->n_atts && !relay_has; i++) {
        if (blob_is_here(d->app, &m->atts[i]))
            continue;
        problem_next(pb, "send it anew with `sealpost send --attach FILE`");
        return problem_set(pb, P_ATTACHMENT, ERR_NOTFOUND, what,
                           "its attachments are kept %d days after it was "
                           "lost, and are gone",
                           BLOBS_LOST_DAYS);
    }
    return ERR_OK;
}

enum err
readdress_check(struct desk *d, const struct mail *m,
                struct readdress_plan *plan, struct problem *pb)
{
    enum err rc = readdress_check_state(m, pb);

    if (rc == ERR_OK)
        rc = check_mailbox(d, m, &plan->to, pb);
    if (rc == ERR_OK)
        rc = readdress_parts(d, m, plan, pb);
    return rc == ERR_OK ? check_files(d, m, pb) : rc;
}

/* ---- one packet ---- */

enum err
readdress_begin(struct desk *d, struct mail *m,
                const struct readdress_plan *plan, struct problem *pb)
{
    m->moving_to = plan->to;
    (void)snprintf(m->moving_consent, sizeof(m->moving_consent), "%s",
                   plan->consent == NULL ? "" : plan->consent);
    return mail_save(d->app, m, pb);
}

static enum err
give_up(struct desk *d, struct mail *m, struct problem *pb)
{
    m->moving_to = nowhere;
    m->moving_consent[0] = '\0';
    m->is_escalating = false;
    return mail_save(d->app, m, pb);
}

/* Its newest state, by the relay's log. */
static enum err
look_again(struct desk *d, struct mail *m, struct problem *pb)
{
    struct mail now = {0};
    enum err rc = delivery_fetch(d, pb);

    if (rc == ERR_OK)
        rc = mail_load(d->app, &m->id, INDEX_OUT, &now, pb);
    if (rc != ERR_OK)
        return problem_from_err(pb, what, rc);
    mail_clear(m);
    *m = now;
    return ERR_OK;
}

/* The relay decides who was first.  Its log says what happened. */
static enum err
take_back(struct desk *d, struct mail *m, struct problem *pb)
{
    struct problem mine = {0};
    enum err rc = outbox_withdraw(d, m, REASON_REPLACED, &mine);

    if (rc != ERR_OK && mine.id == P_FINAL) {
        rc = look_again(d, m, pb);
        if (rc == ERR_OK && is_waiting(m)) {
            (void)give_up(d, m, pb);
            rc = problem_set(pb, P_RELAY_ERROR, ERR_STATE, what,
                             "the relay says that it has ended, and its log "
                             "does not show how");
        }
    } else if (rc != ERR_OK) {
        *pb = mine;
    }
    return rc;
}

/* As it was decided, by what is known now. */
static enum err
plan_again(struct desk *d, const struct mail *m, struct readdress_plan *plan,
           struct problem *pb)
{
    *plan = (struct readdress_plan){.to = m->moving_to};
    if (m->moving_consent[0] != '\0')
        plan->consent = m->moving_consent;
    return readdress_check(d, m, plan, pb);
}

static enum err
compose_on(struct desk *d, struct mail *m, struct mail *out, struct problem *pb)
{
    struct readdress_plan plan;
    struct again a = {.old = m, .to = m->moving_to};
    enum err rc = plan_again(d, m, &plan, pb);

    if (rc != ERR_OK)
        return rc;
    a.parts = plan.parts;
    a.consent = plan.consent;
    a.is_asked_anew = plan.is_asked_anew;
    rc = compose_again(d, &a, out, pb);
    if (rc == ERR_OK) {
        m->moved_to = out->id;
        m->moving_to = nowhere;
    }
    return rc;
}

enum err
readdress_go_on(struct desk *d, struct mail *m, struct mail *out,
                struct problem *pb)
{
    struct readdress_plan plan;
    enum err rc = ERR_OK;

    if (is_waiting(m) && m->is_sealed && d->up == NULL)
        return ERR_OK;
    /* Much may have changed since; what cannot go on stays where it is. */
    if (is_waiting(m))
        rc = plan_again(d, m, &plan, pb);
    if (rc == ERR_OK && is_waiting(m))
        rc = take_back(d, m, pb);
    if (rc != ERR_OK)
        return rc;
    if (m->state == MAIL_HANDED_OVER) {
        rc = give_up(d, m, pb);
        return rc == ERR_OK ? is_over("somebody has collected it in the "
                                      "meantime; nothing was sent on",
                                      &m->id, pb)
                            : rc;
    }
    return compose_on(d, m, out, pb);
}

/* ---- all of them ---- */

/* Urgent, warned, and the sender wished it so. */
static bool
is_due(const struct mail *m)
{
    if (m->direction != INDEX_OUT || !m->is_escalating || mail_is_going_on(m) ||
        !id_eq(&m->moved_to, &no_packet))
        return false;
    return mail_is_lost(m) ||
           (mail_is_overdue(m) &&
            clock_wall_ms() >= m->stored_ms + ESCALATE_MINUTES * MINUTE_MS);
}

static enum err
escalate(struct desk *d, struct mail *m, struct problem *pb)
{
    struct readdress_plan plan = {0};
    enum err rc = readdress_deputy(d, m, &plan.to, pb);

    if (rc == ERR_OK)
        rc = readdress_check(d, m, &plan, pb);
    return rc == ERR_OK ? readdress_begin(d, m, &plan, pb) : rc;
}

static void
tell_gone_on(struct desk *d, const struct mail *m, const struct mail *out)
{
    char old[9], new[9];
    char name[256];

    mail_short(old, &m->id);
    mail_short(new, &out->id);
    roster_mailbox_name(d->roster, &out->peer_mailbox, name, sizeof(name));
    d->count.readdressed++;
    out_note(d->app, "Packet %s goes on to %s as packet %s.", old, name, new);
    desk_tell(d, "readdressed", &m->id);
}

static enum err
one(struct desk *d, struct mail *m, struct problem *pb)
{
    struct mail out = {0};
    enum err rc = ERR_OK;

    if (is_due(m))
        rc = escalate(d, m, pb);
    if (rc == ERR_OK && mail_is_going_on(m))
        rc = readdress_go_on(d, m, &out, pb);
    if (rc == ERR_OK && out.direction == INDEX_OUT) {
        tell_gone_on(d, m, &out);
        rc = outbox_send(d, &out, pb);
    }
    mail_clear(&out);
    return rc;
}

/* Told once: a person decides then.  But one that was taken back already waits
 * nowhere else: it is tried, and told, until it has gone on. */
static void
tell_not(struct desk *d, struct mail *m, const struct problem *why)
{
    struct problem none = {0};
    char id[9];

    mail_short(id, &m->id);
    out_note(d->app, "Packet %s was not sent on: %s (%s).", id, why->what,
             why->why);
    if (m->state != MAIL_WITHDRAWN) {
        (void)give_up(d, m, &none);
        return;
    }
    out_note(d->app,
             "It is withdrawn and waits here: `sealpost readdress %s --to "
             "MAILBOX` names another desk.",
             id);
}

enum err
readdress_all(struct desk *d, struct problem *pb)
{
    size_t pos = 0;
    enum err rc;

    for (;;) {
        struct problem mine = {0};
        struct mail m = {0};

        rc = mail_next(d->app, &pos, &m, pb);
        if (rc != ERR_OK)
            break;
        if (is_due(&m) || mail_is_going_on(&m))
            rc = one(d, &m, &mine);
        /* What has a new name is the outbox's to tell about. */
        if (rc != ERR_OK && id_eq(&m.moved_to, &no_packet) && !is_passing(rc) &&
            upstream_is_alive(d->up))
            tell_not(d, &m, &mine);
        mail_clear(&m);
        if (rc != ERR_OK &&
            (!upstream_is_alive(d->up) || mine.id == P_SPLIT_VIEW)) {
            *pb = mine;
            return rc;
        }
    }
    return rc == ERR_NOTFOUND ? ERR_OK : rc;
}
