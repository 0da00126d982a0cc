/*
 * compose_copy.c - a packet that we sent, once more for our mailbox's other
 * devices.
 */
#include <stdio.h>
#include <string.h>

#include "client/compose_inside.h"
#include "client/letter.h"
#include "common/clock.h"
#include "proto/packet_type.h"

static const char what[] = "the copy for colleagues was not made";

static bool
has_colleagues(const struct desk *d, const struct mail *m)
{
    const struct directory *dir = roster_directory(d->roster);
    const struct dir_mailbox *own = directory_mailbox(dir, &m->own_mailbox);
    const struct dir_device *live[LIMIT_MAILBOX_DEVICES];
    size_t n;

    if (own == NULL || id_eq(&m->own_mailbox, &m->peer_mailbox) ||
        m->type == PACKET_TYPE_OWN_COPY)
        return false;
    n = directory_live_devices(dir, own, clock_wall_ms() / 1000, live);
    for (size_t i = 0; i < n; i++)
        if (!id_eq(&live[i]->id, &d->id.device))
            return true;
    return false;
}

static enum err
copy_mail(const struct mail *m, struct mail *copy)
{
    struct mail x = *m;
    enum err rc;

    x.atts = NULL;
    rc = mail_atts(&x, m->n_atts);
    if (rc != ERR_OK)
        return rc;
    memcpy(x.atts, m->atts, m->n_atts * sizeof(*m->atts));
    crypto_random(x.id.b, sizeof(x.id.b));
    x.original = m->id;
    x.type = PACKET_TYPE_OWN_COPY;
    x.state = MAIL_QUEUED;
    x.peer_mailbox = m->own_mailbox;
    x.stored_ms = x.stored_index = 0;
    x.is_sealed = x.is_escalating = false;
    memset(&x.resend_of, 0, sizeof(x.resend_of));
    memset(&x.pkt_digest, 0, sizeof(x.pkt_digest));
    (void)snprintf(x.waiting, sizeof(x.waiting), "network");
    *copy = x;
    return ERR_OK;
}

static void
put_original(json_t *meta, const struct mail *m)
{
    json_t *j = json_object();

    json_put_hex(j, "packet_id", m->id.b, sizeof(m->id.b));
    json_put_hex(j, "mailbox", m->peer_mailbox.b, sizeof(m->peer_mailbox.b));
    json_put_u64(j, "type", m->type);
    json_put(meta, "original", j);
}

/* All parts but meta keep their blinds, hence their commitments: everybody can
 * see that it is the same original. */
static enum err
copy_inner(const struct desk *d, const struct letter *l, const struct mail *m,
           struct packing *x)
{
    enum err rc;

    put_original(l->meta, m);
    rc = json_write(&x->meta, l->meta, 0);
    if (rc != ERR_OK)
        return rc;
    x->in = l->in;
    packing_fill(d, x);
    x->in.n_parts = 0;
    packing_add_part(&x->in, INNER_PART_META, x->meta.data, x->meta.len);
    for (size_t i = 1; i < l->in.n_parts; i++)
        x->in.parts[x->in.n_parts++] = l->in.parts[i];
    return ERR_OK;
}

enum err
compose_own_copy(struct desk *d, struct mail *m, struct problem *pb)
{
    static const struct packet_id none;
    struct letter l = {0};
    struct packing x = {0};
    enum err rc;

    /* One that is stored again has its copy. */
    if (!id_eq(&m->own_copy, &none) || !has_colleagues(d, m))
        return ERR_OK;
    rc = letter_load(d->app, m, &l, pb);
    if (rc == ERR_OK)
        rc = problem_from_err(pb, what, copy_mail(m, &x.m));
    if (rc == ERR_OK) {
        x.m.peer_agency = d->id.agency;
        rc = problem_from_err(pb, what, copy_inner(d, &l, m, &x));
    }
    if (rc == ERR_OK)
        rc = packing_sign(&x, &d->id, pb);
    if (rc == ERR_OK) {
        packing_put(d->app, &x);
        m->own_copy = x.m.id;
    }
    packing_clear(&x);
    letter_clear(&l);
    return rc;
}
