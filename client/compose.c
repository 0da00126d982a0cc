#include "client/compose.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/blobs.h"
#include "client/freshness.h"
#include "client/compose_inside.h"
#include "client/letter.h"
#include "client/shelf.h"
#include "common/clock.h"
#include "proto/attachment.h"
#include "proto/packet.h"
#include "proto/packet_type.h"

enum { HOUR_S = 3600, DAY_S = 24 * HOUR_S };

static const char refused[] = "this packet may not be sent";

/* ---- the rules ---- */

static enum err
check_type(const struct desk *d, uint8_t type, struct problem *pb)
{
    const struct dir_agency *us =
        directory_agency(roster_directory(d->roster), &d->id.agency);
    const char *class = us == NULL ? NULL : agency_class_name(us->class);

    if (us != NULL && us->suspended) {
        (void)problem_set(pb, P_POLICY, ERR_REFUSED, refused,
                          "your agency is suspended");
        problem_next(pb, "phone your registrar");
        return ERR_REFUSED;
    }
    if (us != NULL && packet_type_may_send(type, us->class))
        return ERR_OK;
    return problem_set(pb, P_CLASS, ERR_REFUSED, refused,
                       "your agency's class (%s) does not send packets of "
                       "type %s",
                       class == NULL ? "unknown" : class,
                       packet_type_name(type));
}

static enum err
check_recipient(const struct desk *d, const struct compose *c,
                struct problem *pb)
{
    const struct dir_mailbox *m =
        directory_mailbox(roster_directory(d->roster), &c->to);

    if (m == NULL || m->state != MAILBOX_OPEN)
        return problem_set(pb, P_RECIPIENT_UNKNOWN, ERR_NOTFOUND, refused,
                           "the recipient's mailbox is closed or unknown");
    /* An auditor publishes no keys: a packet to it would wait in vain. */
    if (m->agency->class == CLASS_AUDITOR) {
        problem_next(pb, "write to a hub or partner; `sealpost contacts` "
                         "shows what each agency is");
        return problem_set(pb, P_RECIPIENT_UNKNOWN, ERR_REFUSED, refused,
                           "%s is an auditor, and auditors get no packets",
                           m->agency->name);
    }
    if (m->agency->suspended)
        return problem_set(pb, P_RECIPIENT_SUSPENDED, ERR_REFUSED, refused,
                           "%s is suspended", m->agency->name);
    if (roster_is_held(d->roster, &m->agency->id)) {
        (void)problem_set(pb, P_POLICY, ERR_REFUSED, refused,
                          "the root key of %s changes at short notice",
                          m->agency->name);
        problem_next(pb, "phone them, then `sealpost contacts verify`");
        return ERR_REFUSED;
    }
    return ERR_OK;
}

/* A connection brings the directory up to date; that it is the one everybody
 * sees only witnesses can say. */
static bool
is_stale(const struct desk *d, const struct compose *c, struct freshness *f)
{
    freshness_of(d->roster, clock_wall_ms(), f);
    if (!f->by_witnesses && (d->up != NULL || c->was_online))
        return false;
    return f->is_stale;
}

static enum err
not_cosigned(const struct freshness *f, struct problem *pb)
{
    char span[CLOCK_TEXT_MAX];

    if (f->at_ms != 0) {
        clock_format_span(span, f->age_ms);
        return problem_set(pb, P_STALE, ERR_EXPIRED, refused,
                           "enough witnesses last cosigned the directory %s "
                           "ago: it may be kept back from you",
                           span);
    }
    return problem_set(pb, P_STALE, ERR_EXPIRED, refused, "%s",
                       f->is_clock_behind
                           ? "this machine's clock is hours behind that of "
                             "the witnesses"
                       : f->is_policy_foreign
                           ? "the trust policy in use does not know this "
                             "network's directory"
                           : "no head of the directory that enough witnesses "
                             "cosigned has come yet");
}

static enum err
check_fresh(const struct desk *d, const struct compose *c, struct problem *pb)
{
    struct freshness f;
    char span[CLOCK_TEXT_MAX];

    if (!is_stale(d, c, &f) || c->override_stale)
        return ERR_OK;
    if (f.by_witnesses)
        return not_cosigned(&f, pb);
    clock_format_span(span, f.age_ms);
    return problem_set(pb, P_STALE, ERR_EXPIRED, refused,
                       "the directory was last brought up to date %s%s",
                       f.at_ms == 0 ? "never" : span,
                       f.at_ms == 0 ? "" : " ago");
}

enum err
compose_check(struct desk *d, const struct compose *c, struct problem *pb)
{
    enum err rc;

    if (directory_needs_newer(roster_directory(d->roster)))
        return problem_set(pb, P_NEWER_NEEDED, ERR_VERSION, refused,
                           "the registrar uses rules that this version does "
                           "not know");
    rc = check_type(d, c->type, pb);
    if (rc == ERR_OK)
        rc = check_recipient(d, c, pb);
    return rc == ERR_OK ? check_fresh(d, c, pb) : rc;
}

/* ---- content ---- */

void
packing_clear(struct packing *x)
{
    mail_clear(&x->m);
    inner_clear(&x->in);
    buf_clear(&x->meta);
    buf_clear(&x->text);
    buf_clear(&x->withheld);
}

/* Names of attachments travel in meta, never in the clear. */
static json_t *
meta_json(const struct packing *x, const struct compose *c)
{
    json_t *j = c->meta == NULL ? json_object() : json_deep_copy(c->meta);
    json_t *list = json_array();

    json_put_hex(j, "thread", x->m.thread.b, sizeof(x->m.thread.b));
    json_put_str(j, "subject", x->m.subject);
    json_put_hex(j, "from_mailbox", x->m.own_mailbox.b,
                 sizeof(x->m.own_mailbox.b));
    for (size_t i = 0; i < x->m.n_atts; i++) {
        const struct mail_att *a = &x->m.atts[i];
        json_t *row = json_object();

        json_put_hex(row, "att_id", a->id.b, sizeof(a->id.b));
        json_put_text(row, "name", a->name, strlen(a->name));
        (void)json_array_append_new(list, row);
    }
    if (json_array_size(list) > 0)
        json_put(j, "attachments", list);
    else
        json_decref(list);
    return j;
}

void
packing_add_part(struct inner *in, uint8_t number, const void *bytes,
                 size_t len)
{
    struct inner_part *p = &in->parts[in->n_parts++];

    p->number = number;
    p->here = true;
    p->bytes = bytes;
    p->len = len;
    crypto_random(p->blind, sizeof(p->blind));
}

/* The commitment alone travels; what it stands for stays in the vault. */
static void
withhold_part(struct packing *x, uint8_t number, struct span bytes)
{
    struct inner_part *p = &x->in.parts[x->in.n_parts++];

    p->number = number;
    p->here = false;
    crypto_random(p->blind, sizeof(p->blind));
    inner_part_commit(&p->commit, number, p->blind, bytes.p, bytes.len);
    buf_u8(&x->withheld, number);
    buf_put(&x->withheld, p->blind, sizeof(p->blind));
    buf_u32(&x->withheld, (uint32_t)bytes.len);
    buf_put(&x->withheld, bytes.p, bytes.len);
}

static enum err
fill_parts(struct packing *x, const struct compose *c, struct problem *pb)
{
    json_t *meta = meta_json(x, c);
    enum err rc = json_write(&x->meta, meta, 0);

    json_decref(meta);
    if (rc != ERR_OK)
        return problem_from_err(pb, refused, rc);
    packing_add_part(&x->in, INNER_PART_META, x->meta.data, x->meta.len);
    for (uint8_t n = 1; n < INNER_PARTS_MAX; n++)
        if (c->parts[n].len > 0)
            packing_add_part(&x->in, n, c->parts[n].p, c->parts[n].len);
        else if (c->withheld[n].len > 0)
            withhold_part(x, n, c->withheld[n]);
    return problem_from_err(pb, refused, buf_status(&x->withheld));
}

/* The signature is over a header that is not known yet: the outbox signs again
 * when it seals.  Here it only makes the bytes whole. */
enum err
packing_sign(struct packing *x, const struct identity *id, struct problem *pb)
{
    static const struct hash no_header;
    enum err rc = inner_sign(&x->text, &x->in, &no_header, &id->sign);

    if (rc == ERR_TOOBIG) {
        (void)problem_set(pb, P_ATTACHMENT, rc, "the packet is too large",
                          "its text is above the limit of 1 MiB");
        problem_next(pb, "put the longest text into a file and attach it");
    }
    return problem_from_err(pb, refused, rc);
}

static int
by_id(const void *a, const void *b)
{
    const struct packet_att *x = a;
    const struct packet_att *y = b;

    return id_cmp(&x->att.id, &y->att.id);
}

struct named_att {
    struct packet_att att; /* first: sorted by it */
    char name[256];
};

static void
take_atts(struct packing *x, const struct agency_id *owner,
          const struct named_att *list, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct mail_att *a = &x->m.atts[i];

        x->in.atts[i] = list[i].att.att;
        a->owner = *owner;
        a->id = list[i].att.att.id;
        a->size = list[i].att.att.plain_len;
        a->part = list[i].att.att.part;
        a->ct_len = attachment_ct_len(a->size);
        a->digest = list[i].att.digest;
        memcpy(a->name, list[i].name, sizeof(a->name));
    }
    x->in.n_atts = n;
}

/* A file whose part does not travel goes with the meta part. */
static uint8_t
part_of(const struct compose *c, size_t i)
{
    uint8_t n = c->file_parts[i];

    return n < INNER_PARTS_MAX && c->parts[n].len > 0 ? n : INNER_PART_META;
}

static enum err
seal_files(struct desk *d, const struct compose *c, struct packing *x,
           struct problem *pb)
{
    struct named_att *list = calloc(c->n_files + 1, sizeof(*list));
    enum err rc = list == NULL ? ERR_NOMEM : mail_atts(&x->m, c->n_files);
    size_t done = 0;

    rc = problem_from_err(pb, refused, rc);
    while (rc == ERR_OK && done < c->n_files) {
        struct named_att *a = &list[done];

        rc = blob_seal(d->app, &d->id.agency, c->files[done], &a->att, a->name,
                       pb);
        a->att.att.part = part_of(c, done);
        done += rc == ERR_OK;
    }
    if (rc == ERR_OK) {
        qsort(list, done, sizeof(*list), by_id);
        take_atts(x, &d->id.agency, list, done);
    }
    for (size_t i = 0; rc != ERR_OK && i < done; i++)
        blob_forget(d->app, &d->id.agency, &list[i].att.att.id);
    if (list != NULL)
        crypto_wipe(list, (c->n_files + 1) * sizeof(*list));
    free(list);
    return rc;
}

/* ---- the packet ---- */

static uint64_t
not_after(const struct compose *c, uint64_t now_ms)
{
    unsigned days = c->days != 0 ? c->days
                    : c->urgent  ? COMPOSE_URGENT_DAYS
                                 : COMPOSE_ROUTINE_DAYS;
    uint64_t end = now_ms / 1000 + (uint64_t)days * DAY_S;

    return (end + HOUR_S - 1) / HOUR_S * HOUR_S;
}

static void
fill_mail(const struct desk *d, const struct compose *c, struct mail *m)
{
    const struct dir_mailbox *own = roster_own_mailbox(d->roster, &d->id);
    static const struct thread_id none;
    struct freshness f;

    crypto_random(m->id.b, sizeof(m->id.b));
    m->stale_ms = is_stale(d, c, &f) ? f.age_ms : 0;
    m->direction = INDEX_OUT;
    m->type = c->type;
    m->class = c->urgent ? PACKET_URGENT : PACKET_ROUTINE;
    m->state = MAIL_QUEUED;
    m->thread = c->thread;
    if (id_eq(&m->thread, &none))
        crypto_random(m->thread.b, sizeof(m->thread.b));
    m->in_reply_to = c->in_reply_to;
    m->peer_mailbox = c->to;
    (void)roster_mailbox_agency(d->roster, &c->to, &m->peer_agency);
    if (own != NULL)
        m->own_mailbox = own->id;
    m->is_escalating = c->escalate;
    m->device = d->id.device;
    m->created_ms = clock_wall_ms();
    m->not_after_s = not_after(c, m->created_ms);
    (void)snprintf(m->subject, sizeof(m->subject), "%s",
                   c->subject == NULL ? "" : c->subject);
    (void)snprintf(m->waiting, sizeof(m->waiting), "network");
}

void
packing_fill(const struct desk *d, struct packing *x)
{
    x->in.type = x->m.type;
    x->in.sender = d->id.agency;
    x->in.device = d->id.device;
    x->in.created_ms = x->m.created_ms;
    x->in.in_reply_to = x->m.in_reply_to;
}

/* (T) */
void
packing_put(struct app *app, const struct packing *x)
{
    uint8_t id[16];

    mail_record_id(id, &x->m.id, x->m.direction);
    shelf_put_raw(app, REC_INNER, id, x->text.data, x->text.len);
    if (x->withheld.len > 0)
        shelf_put_raw(app, REC_WITHHELD, id, x->withheld.data, x->withheld.len);
    mail_put(app, &x->m);
}

static enum err
keep(struct app *app, const struct packing *x, struct problem *pb)
{
    enum err rc = shelf_begin(app, pb);

    if (rc != ERR_OK)
        return rc;
    packing_put(app, x);
    return shelf_end(app, ERR_OK, pb);
}

enum err
compose_packet(struct desk *d, const struct compose *c, struct mail *out,
               struct problem *pb)
{
    struct packing x = {0};
    enum err rc = compose_check(d, c, pb);

    if (rc != ERR_OK)
        return rc;
    fill_mail(d, c, &x.m);
    packing_fill(d, &x);
    rc = seal_files(d, c, &x, pb);
    if (rc == ERR_OK) {
        rc = fill_parts(&x, c, pb);
        if (rc == ERR_OK)
            rc = packing_sign(&x, &d->id, pb);
        if (rc == ERR_OK)
            rc = keep(d->app, &x, pb);
        for (size_t i = 0; rc != ERR_OK && i < x.m.n_atts; i++)
            blob_forget(d->app, &d->id.agency, &x.m.atts[i].id);
    }
    if (rc == ERR_OK) {
        *out = x.m;
        x.m = (struct mail){0};
    }
    packing_clear(&x);
    return rc;
}
