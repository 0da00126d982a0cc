/*
 * compose_again.c - what one mailbox did not collect, for another: new ids and
 * times, the content as it was.
 */
#include <stdio.h>
#include <string.h>

#include "client/compose_inside.h"
#include "client/letter.h"
#include "client/referral.h"
#include "client/shelf.h"
#include "common/clock.h"

enum { HOUR_S = 3600, DAY_S = 24 * HOUR_S };

static const char what[] = "the packet cannot be sent on";

/* As many days as it was given at first. */
static uint64_t
not_after(const struct mail *old, uint64_t now_ms)
{
    uint64_t life = old->not_after_s - old->created_ms / 1000;
    uint64_t days = life / DAY_S;

    if (days > COMPOSE_ROUTINE_DAYS)
        days = COMPOSE_ROUTINE_DAYS;
    if (days == 0)
        days = 1;
    return (now_ms / 1000 + days * DAY_S + HOUR_S - 1) / HOUR_S * HOUR_S;
}

static enum err
fill_mail(const struct desk *d, const struct again *a, struct mail *out)
{
    const struct mail *old = a->old;
    struct mail m = {
        .direction = INDEX_OUT,
        .type = old->type,
        .class = old->class,
        .state = MAIL_QUEUED,
        .thread = old->thread,
        .in_reply_to = old->in_reply_to,
        .peer_mailbox = a->to,
        .own_mailbox = old->own_mailbox,
        .device = d->id.device,
        .created_ms = clock_wall_ms(),
        .resend_of = old->id,
    };
    enum err rc = mail_atts(&m, old->n_atts);

    if (rc != ERR_OK)
        return rc;
    memcpy(m.atts, old->atts, old->n_atts * sizeof(*old->atts));
    crypto_random(m.id.b, sizeof(m.id.b));
    m.not_after_s = not_after(old, m.created_ms);
    (void)roster_mailbox_agency(d->roster, &a->to, &m.peer_agency);
    memcpy(m.subject, old->subject, sizeof(m.subject));
    (void)snprintf(m.waiting, sizeof(m.waiting), "network");
    *out = m;
    return ERR_OK;
}

/* Where it went first; another agency's agreement is not this one's. */
static void
change_meta(json_t *meta, const struct again *a)
{
    json_t *j = json_object();

    json_put_hex(j, "packet_id", a->old->id.b, sizeof(a->old->id.b));
    json_put_hex(j, "mailbox", a->old->peer_mailbox.b,
                 sizeof(a->old->peer_mailbox.b));
    json_put(meta, "readdressed", j);
    if (a->is_asked_anew)
        (void)json_object_del(meta, "consent_overridden");
    if (a->consent != NULL)
        json_put_str(meta, "consent_overridden", a->consent);
}

static void
keep_withheld(struct packing *x, const struct inner_part *p)
{
    buf_u8(&x->withheld, p->number);
    buf_put(&x->withheld, p->blind, sizeof(p->blind));
    buf_u32(&x->withheld, (uint32_t)p->len);
    buf_put(&x->withheld, p->bytes, p->len);
}

/* Parts keep their blinds, hence their commitments: everybody can see that it
 * is the same original.  Nothing travels that did not travel before. */
static void
take_parts(struct packing *x, const struct inner *old, unsigned allowed)
{
    for (size_t i = 0; i < old->n_parts; i++) {
        struct inner_part p = old->parts[i];

        if (p.number == INNER_PART_META)
            continue;
        if (p.here && (allowed & PART_BIT(p.number)) == 0) {
            inner_part_commit(&p.commit, p.number, p.blind, p.bytes, p.len);
            keep_withheld(x, &p);
            p.here = false;
        }
        x->in.parts[x->in.n_parts++] = p;
    }
}

static enum err
fill_content(struct desk *d, const struct again *a, struct letter *l,
             struct packing *x, struct problem *pb)
{
    uint8_t id[16];
    enum err rc;

    mail_record_id(id, &a->old->id, a->old->direction);
    rc = shelf_get_raw(d->app, REC_WITHHELD, id, &x->withheld, pb);
    if (rc != ERR_OK && rc != ERR_NOTFOUND)
        return rc;
    change_meta(l->meta, a);
    rc = json_write(&x->meta, l->meta, 0);
    if (rc != ERR_OK)
        return problem_from_err(pb, what, rc);
    packing_fill(d, x);
    packing_add_part(&x->in, INNER_PART_META, x->meta.data, x->meta.len);
    take_parts(x, &l->in, a->parts);
    memcpy(x->in.atts, l->in.atts, l->in.n_atts * sizeof(l->in.atts[0]));
    x->in.n_atts = l->in.n_atts;
    rc = problem_from_err(pb, what, buf_status(&x->withheld));
    return rc == ERR_OK ? packing_sign(x, &d->id, pb) : rc;
}

static enum err
keep(struct desk *d, const struct again *a, const struct packing *x,
     struct problem *pb)
{
    struct mail old = *a->old;
    enum err rc = shelf_begin(d->app, pb);

    if (rc != ERR_OK)
        return rc;
    packing_put(d->app, x);
    old.moved_to = x->m.id;
    memset(&old.moving_to, 0, sizeof(old.moving_to));
    old.moving_consent[0] = '\0';
    old.is_escalating = false;
    mail_put(d->app, &old);
    return shelf_end(d->app, ERR_OK, pb);
}

enum err
compose_again(struct desk *d, const struct again *a, struct mail *out,
              struct problem *pb)
{
    struct packing x = {0};
    struct letter l = {0};
    enum err rc = letter_load(d->app, a->old, &l, pb);

    if (rc == ERR_OK)
        rc = problem_from_err(pb, what, fill_mail(d, a, &x.m));
    if (rc == ERR_OK)
        rc = fill_content(d, a, &l, &x, pb);
    if (rc == ERR_OK)
        rc = keep(d, a, &x, pb);
    if (rc == ERR_OK) {
        *out = x.m;
        x.m = (struct mail){0};
    }
    packing_clear(&x);
    letter_clear(&l);
    return rc;
}
