/*
 * inbox_keep.c - an opened packet as it is kept: whose it is, which thread,
 * what it answers.
 */
#include <stdio.h>
#include <string.h>

#include "client/delivery.h"
#include "client/envelope.h"
#include "client/inbox_inside.h"
#include "client/letter.h"
#include "client/shelf.h"
#include "client/vault.h"
#include "proto/packet_type.h"

static const struct packet_id no_packet;

/* Looked at here only; the vault keeps the bytes. */
static enum err
read_letter(struct arriving *a, struct letter *l)
{
    struct buf b = {0};
    enum err rc;

    buf_put(&b, a->o.text.data + a->o.inner_at, a->o.inner_len);
    rc = buf_status(&b);
    if (rc == ERR_OK)
        return letter_read(l, &b, a->pb);
    buf_clear(&b);
    return problem_from_err(a->pb, "a packet cannot be kept", rc);
}

/* A colleague's packet stands under the name of the original. */
static void
take_original(struct mail *m, const json_t *meta)
{
    const json_t *o = json_object_get(meta, "original");

    if (json_get_hex(o, "packet_id", m->id.b, sizeof(m->id.b)) != ERR_OK)
        return;
    m->direction = INDEX_OWN;
    m->type = (uint8_t)json_get_u64(o, "type");
    (void)json_get_hex(o, "mailbox", m->peer_mailbox.b,
                       sizeof(m->peer_mailbox.b));
}

static void
fill_peer(struct arriving *a, const json_t *meta)
{
    struct mail *m = &a->m;
    struct agency_id agency;
    bool is_own = m->direction == INDEX_OWN;

    if (is_own) {
        if (roster_mailbox_agency(a->d->roster, &m->peer_mailbox, &agency))
            m->peer_agency = agency;
        return;
    }
    m->peer_agency = a->o.in.sender;
    (void)json_get_hex(meta, "from_mailbox", m->peer_mailbox.b,
                       sizeof(m->peer_mailbox.b));
    /* Only a mailbox of the sender's own agency is an address to answer to. */
    if (!roster_mailbox_agency(a->d->roster, &m->peer_mailbox, &agency) ||
        !id_eq(&agency, &m->peer_agency))
        memset(&m->peer_mailbox, 0, sizeof(m->peer_mailbox));
}

/* It goes on for a packet that did not arrive elsewhere: the sender's word. */
static void
take_readdressed(struct mail *m, const json_t *meta)
{
    (void)json_get_hex(json_object_get(meta, "readdressed"), "packet_id",
                       m->resend_of.b, sizeof(m->resend_of.b));
}

/* (T) Colleagues see where the first one went. */
static void
link_first(struct arriving *a)
{
    struct problem none = {0};
    struct mail first = {0};

    if (!id_eq(&a->m.resend_of, &no_packet) &&
        mail_load(a->d->app, &a->m.resend_of, INDEX_OWN, &first, &none) ==
            ERR_OK) {
        first.moved_to = a->m.id;
        mail_put(a->d->app, &first);
    }
    mail_clear(&first);
}

/* The thread that meta names; else that of what it answers; else its own. */
static void
fill_thread(struct arriving *a, const json_t *meta)
{
    struct problem none = {0};
    struct mail before = {0};
    struct mail *m = &a->m;

    if (json_get_hex(meta, "thread", m->thread.b, sizeof(m->thread.b)) ==
        ERR_OK)
        return;
    memcpy(m->thread.b, m->id.b, sizeof(m->thread.b));
    if (!id_eq(&m->in_reply_to, &no_packet) &&
        mail_load(a->d->app, &m->in_reply_to, INDEX_OUT, &before, &none) ==
            ERR_OK)
        m->thread = before.thread;
    mail_clear(&before);
}

static enum err
fill_atts(struct arriving *a, const struct letter *l)
{
    const struct inner *in = &a->o.in;
    enum err rc = mail_atts(&a->m, in->n_atts);

    for (size_t i = 0; rc == ERR_OK && i < in->n_atts; i++) {
        struct mail_att *t = &a->m.atts[i];
        const char *name = letter_att_name(l, &in->atts[i].id);

        t->owner = in->sender;
        t->id = in->atts[i].id;
        t->part = in->atts[i].part;
        t->size = in->atts[i].plain_len;
        t->ct_len = a->o.hdr.atts[i].ct_len;
        t->digest = a->o.hdr.atts[i].digest;
        (void)snprintf(t->name, sizeof(t->name), "%s",
                       name == NULL ? "attachment" : name);
    }
    return problem_from_err(a->pb, "a packet cannot be kept", rc);
}

static void
fill_plain(struct arriving *a, const json_t *meta)
{
    const struct inner *in = &a->o.in;
    struct mail *m = &a->m;

    m->id = a->o.hdr.packet;
    m->direction = INDEX_IN;
    m->type = in->type;
    m->class = a->o.hdr.class;
    m->state = MAIL_STORED;
    m->in_reply_to = in->in_reply_to;
    m->own_mailbox = a->o.hdr.mailbox;
    m->device = in->device;
    m->created_ms = in->created_ms;
    m->stored_ms = a->stored.event.time_ms;
    m->stored_index = a->stored.index;
    m->not_after_s = a->o.hdr.not_after;
    m->pkt_digest = a->o.pkt_digest;
    m->is_unread = true;
    json_get_text(meta, "subject", m->subject, sizeof(m->subject));
}

enum err
inbox_fill_mail(struct arriving *a)
{
    struct letter l = {0};
    enum err rc = read_letter(a, &l);

    if (rc != ERR_OK)
        return rc;
    fill_plain(a, l.meta);
    if (a->m.type == PACKET_TYPE_OWN_COPY &&
        id_eq(&a->o.in.sender, &a->d->id.agency))
        take_original(&a->m, l.meta);
    take_readdressed(&a->m, l.meta);
    fill_peer(a, l.meta);
    fill_thread(a, l.meta);
    rc = fill_atts(a, &l);
    letter_clear(&l);
    return rc;
}

/* ---- what it answers ---- */

static const char *
answer_of(uint8_t type)
{
    return type == PACKET_TYPE_ACKNOWLEDGEMENT ? "accepted"
           : type == PACKET_TYPE_REJECTION     ? "declined"
                                               : NULL;
}

/* (T) Only whom we wrote to can answer us, and only who wrote to us is
 * answered by a colleague. */
static void
note_answer(struct arriving *a, enum index_direction direction)
{
    const char *answer = answer_of(a->m.type);
    struct problem none = {0};
    struct mail first = {0};

    if (answer == NULL || mail_load(a->d->app, &a->m.in_reply_to, direction,
                                    &first, &none) != ERR_OK)
        return;
    if (id_eq(&first.peer_agency, &a->m.peer_agency)) {
        (void)snprintf(first.answer, sizeof(first.answer), "%s", answer);
        mail_put(a->d->app, &first);
    }
    mail_clear(&first);
}

/* (T) */
static void
note_answers(struct arriving *a)
{
    if (a->m.direction == INDEX_OWN) {
        note_answer(a, INDEX_IN);
        return;
    }
    note_answer(a, INDEX_OUT);
    note_answer(a, INDEX_OWN);
}

/* (T) Of a colleague's copy only the original counts, which is not here. */
static void
put_envelope(struct arriving *a)
{
    const struct delivery *x = a->x;
    struct hash body;

    if (a->m.direction != INDEX_IN)
        return;
    bulk_digest(&body, x->body.data, x->body.len);
    envelope_put(a->d->app, &a->m, (struct span){x->hdr.data, x->hdr.len},
                 (struct span){x->wrap_hashes.data, x->wrap_hashes.len}, &body);
}

enum err
inbox_put_mail(struct arriving *a)
{
    uint8_t id[16];

    if (a->m.direction == INDEX_OWN) {
        enum err rc = delivery_fold_known(a->d, &a->m, a->pb);

        if (rc != ERR_OK)
            return rc;
        link_first(a);
    }
    mail_record_id(id, &a->m.id, a->m.direction);
    shelf_put_raw(a->d->app, REC_INNER, id, a->o.text.data + a->o.inner_at,
                  a->o.inner_len);
    put_envelope(a);
    mail_put(a->d->app, &a->m);
    note_answers(a);
    return ERR_OK;
}
