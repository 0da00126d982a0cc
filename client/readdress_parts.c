/*
 * readdress_parts.c - is another mailbox entitled to what the first was sent?
 * The same questions as in `send`, asked of the packet in the vault.
 */
#include <string.h>

#include "client/letter.h"
#include "client/readdress.h"
#include "client/referral.h"
#include "client/sending.h"
#include "client/shelf.h"
#include "common/bytes.h"

static const char what[] = "the packet may not be sent on to there";

/* What the first was not entitled to stands in the vault; who agreed to what
 * may be among it. */
static enum err
add_withheld(struct desk *d, const struct mail *m, struct referral_parts *parts,
             struct problem *pb)
{
    struct buf b = {0};
    struct rd r;
    uint8_t id[16];
    enum err rc;

    mail_record_id(id, &m->id, m->direction);
    rc = shelf_get_raw(d->app, REC_WITHHELD, id, &b, pb);
    if (rc == ERR_NOTFOUND)
        return ERR_OK;
    r = rd_from(b.data, b.len);
    while (rc == ERR_OK && r.left > 0) {
        uint8_t number = rd_u8(&r);
        size_t len;
        const uint8_t *p;

        (void)rd_ref(&r, PART_BLIND_LEN);
        len = rd_u32(&r);
        p = rd_ref(&r, len);
        if (p == NULL || number >= PART_COUNT)
            break;
        buf_put(&parts->bytes[number], p, len);
        parts->here |= PART_BIT(number);
        rc = buf_status(&parts->bytes[number]);
    }
    buf_clear(&b);
    return problem_from_err(pb, what, rc);
}

static enum err
gather(struct desk *d, const struct mail *m, const struct letter *l,
       struct referral_parts *parts, struct problem *pb)
{
    const json_t *own = json_object_get(l->meta, "referral");
    enum err rc = json_write(&parts->bytes[PART_META], own, 0);

    parts->here = PART_BIT(PART_META);
    for (size_t i = 0; i < l->in.n_parts && rc == ERR_OK; i++) {
        const struct inner_part *p = &l->in.parts[i];

        if (p->number == PART_META || p->number >= PART_COUNT || !p->here)
            continue;
        buf_put(&parts->bytes[p->number], p->bytes, p->len);
        parts->here |= PART_BIT(p->number);
        rc = buf_status(&parts->bytes[p->number]);
    }
    if (rc != ERR_OK)
        return problem_from_err(pb, what, rc);
    return add_withheld(d, m, parts, pb);
}

static enum err
judge(struct desk *d, const json_t *doc, struct readdress_plan *plan,
      struct problem *pb)
{
    struct problem mine = {0};
    struct addressee a;
    struct profile *p = NULL;
    enum err rc = profile_load(&p, referral_profile_id(doc), &mine);

    if (rc != ERR_OK)
        rc = profile_load(&p, "core", pb);
    if (rc != ERR_OK)
        return rc;
    mine = (struct problem){0};
    addressee_of(d, &plan->to, &a);
    rc = referral_allowed(p, doc, &a.to, &plan->parts, &mine);
    if (rc == ERR_REFUSED && plan->consent != NULL) {
        plan->parts = referral_allowed_overriding(p, doc);
        rc = ERR_OK;
    }
    profile_free(p);
    if (rc != ERR_OK)
        *pb = mine;
    return rc;
}

static enum err
judge_referral(struct desk *d, const struct mail *m, const struct letter *l,
               struct readdress_plan *plan, struct problem *pb)
{
    struct referral_parts parts = {0};
    json_t *doc = NULL;
    enum err rc = gather(d, m, l, &parts, pb);

    if (rc == ERR_OK)
        rc = referral_join(&parts, &doc, pb);
    if (rc == ERR_OK)
        rc = judge(d, doc, plan, pb);
    json_decref(doc);
    referral_parts_clear(&parts);
    return rc;
}

/* A file goes with its part, or not at all. */
static enum err
check_files(const struct mail *m, const struct readdress_plan *plan,
            struct problem *pb)
{
    for (size_t i = 0; i < m->n_atts; i++) {
        const struct mail_att *a = &m->atts[i];

        if (a->part >= PART_COUNT || (plan->parts & PART_BIT(a->part)) != 0)
            continue;
        (void)problem_set(pb, P_POLICY, ERR_REFUSED, what,
                          "a file belongs to the part %s, which that mailbox "
                          "does not get",
                          part_name(a->part));
        problem_next(pb, "ask the person about that part, and send it anew "
                         "with `sealpost send`");
        return ERR_REFUSED;
    }
    return ERR_OK;
}

static void
find_cut(const struct letter *l, struct readdress_plan *plan)
{
    for (size_t i = 0; i < l->in.n_parts; i++) {
        const struct inner_part *p = &l->in.parts[i];

        if (p->here && p->number < PART_COUNT &&
            (plan->parts & PART_BIT(p->number)) == 0)
            plan->cut |= PART_BIT(p->number);
    }
}

enum err
readdress_parts(struct desk *d, const struct mail *m,
                struct readdress_plan *plan, struct problem *pb)
{
    struct agency_id agency = {{0}};
    struct letter l = {0};
    enum err rc;

    plan->parts = ~0u;
    plan->cut = 0;
    (void)roster_mailbox_agency(d->roster, &plan->to, &agency);
    plan->is_asked_anew = !id_eq(&agency, &m->peer_agency);
    if (!plan->is_asked_anew)
        return ERR_OK;
    rc = letter_load(d->app, m, &l, pb);
    if (rc == ERR_OK && json_is_object(json_object_get(l.meta, "referral")))
        rc = judge_referral(d, m, &l, plan, pb);
    if (rc == ERR_OK)
        rc = check_files(m, plan, pb);
    if (rc == ERR_OK)
        find_cut(&l, plan);
    letter_clear(&l);
    return rc;
}
