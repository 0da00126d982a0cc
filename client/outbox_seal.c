/*
 * outbox_seal.c - whom a packet is sealed to, and with which keys.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/compose.h"
#include "client/envelope.h"
#include "client/letter.h"
#include "client/outbox_inside.h"
#include "client/quarantine.h"
#include "client/shelf.h"
#include "client/sync.h"
#include "common/bytes.h"
#include "common/clock.h"
#include "proto/packet_type.h"
#include "proto/prekey.h"

enum { HOUR_S = 3600, CLOCKS_APART_S = 2 * 24 * HOUR_S };

static const char what[] = "the packet cannot be sealed";

/* ---- recipients ---- */

struct recipients {
    const struct dir_device *device[LIMIT_MAILBOX_DEVICES];
    size_t n_devices;
    struct prekey *best; /* by device; id zero: none */
    struct packet_recipient *list;
    size_t n;
};

static void
recipients_clear(struct recipients *r)
{
    free(r->best);
    free(r->list);
}

/* The live devices of the mailbox; of our own, those of colleagues. */
static size_t
list_devices(const struct desk *d, const struct mail *m,
             const struct dir_device **out)
{
    const struct directory *dir = roster_directory(d->roster);
    const struct dir_mailbox *mb = directory_mailbox(dir, &m->peer_mailbox);
    size_t kept = 0;
    size_t n;

    if (mb == NULL)
        return 0;
    n = directory_live_devices(dir, mb, clock_wall_ms() / 1000, out);
    if (m->type != PACKET_TYPE_OWN_COPY)
        return n;
    for (size_t i = 0; i < n; i++)
        if (!id_eq(&out[i]->id, &d->id.device))
            out[kept++] = out[i];
    return kept;
}

/* A relay has verified what it gives out: a key whose device we know and whose
 * signature is false is the relay's own. */
static bool
consider(struct recipients *r, const uint8_t stmt[PREKEY_LEN], uint64_t now)
{
    struct prekey pk;

    if (prekey_parse(&pk, stmt, PREKEY_LEN) != ERR_OK)
        return false;
    for (size_t i = 0; i < r->n_devices; i++) {
        if (!id_eq(&r->device[i]->id, &pk.device))
            continue;
        if (prekey_verify(stmt, &r->device[i]->sign_key) != ERR_OK)
            return false;
        if (!prekey_is_usable(pk.not_before, pk.not_after, now))
            continue;
        /* Of two of one second the relay names the newer first. */
        if (pk.not_before > r->best[i].not_before)
            r->best[i] = pk;
    }
    return true;
}

static enum err
false_key(struct desk *d, const struct mail *m, const uint8_t stmt[PREKEY_LEN],
          struct problem *pb)
{
    static const char why[] =
        "the relay gave a key for the recipient that its device never signed";
    struct hash name;

    sha256(&name, stmt, PREKEY_LEN);
    return quarantine_tell(d, &name, &m->id, why, pb);
}

static enum err
fetch_prekeys(struct desk *d, const struct mail *m, struct recipients *r,
              uint64_t *dir_size, struct problem *pb)
{
    struct msg_field f[] = {
        [PREKEY_GET_MAILBOX] =
            msg_bin(m->peer_mailbox.b, sizeof(m->peer_mailbox.b)),
    };
    uint64_t now = clock_wall_ms() / 1000;
    const struct msg_field *list;
    const struct msg *answer;
    enum err rc = upstream_call(d->up, MSG_PREKEY_GET, f, 1, MSG_PREKEYS,
                                &answer, NULL, pb);

    if (rc != ERR_OK)
        return rc;
    list = &answer->f[PREKEYS_STMTS];
    for (size_t i = 0; i < list->len && rc == ERR_OK; i++)
        if (!consider(r, list->items[i].p, now))
            rc = false_key(d, m, list->items[i].p, pb);
    *dir_size = answer->f[PREKEYS_DIR_SIZE].u;
    return rc;
}

static enum err
gather(struct desk *d, const struct mail *m, struct recipients *r,
       struct problem *pb)
{
    uint64_t dir_size = 0;
    enum err rc;

    r->n_devices = list_devices(d, m, r->device);
    r->best = calloc(r->n_devices + 1, sizeof(*r->best));
    r->list = calloc(r->n_devices + 1, sizeof(*r->list));
    if (r->best == NULL || r->list == NULL)
        return problem_from_err(pb, what, ERR_NOMEM);
    rc = fetch_prekeys(d, m, r, &dir_size, pb);
    for (size_t i = 0; rc == ERR_OK && i < r->n_devices; i++) {
        if (r->best[i].not_after == 0)
            continue;
        r->list[r->n].device = r->device[i]->id;
        r->list[r->n].prekey = r->best[i].id;
        r->list[r->n].key = r->best[i].key;
        r->n++;
    }
    if (rc == ERR_OK && dir_size > directory_size(roster_directory(d->roster)))
        d->directory_due = true;
    return rc;
}

static void
warn_old_keys(struct desk *d, const struct recipients *r)
{
    uint64_t now = clock_wall_ms() / 1000;

    for (size_t i = 0; i < r->n_devices; i++) {
        const struct prekey *k = &r->best[i];

        if (k->not_after != 0 &&
            prekey_age(k->not_before, k->not_after, now) == PREKEY_OLD)
            out_note(d->app,
                     "Note: the key of %s is older than two weeks; that "
                     "device has not been online for a while.",
                     r->device[i]->label);
    }
}

static enum err
nobody(struct desk *d, struct mail *m)
{
    char name[80];

    roster_mailbox_name(d->roster, &m->peer_mailbox, name, sizeof(name));
    (void)snprintf(m->waiting, sizeof(m->waiting), "key of %s", name);
    return ERR_NOTFOUND;
}

/* ---- sealing ---- */

static enum err
seal_to(struct recipients *r, struct packet_draft *draft,
        struct sealed_packet *out)
{
    size_t bad = 0;
    enum err rc;

    /* An invalid key takes its device out, not the packet. */
    do {
        draft->recipients = r->list;
        draft->n_recipients = r->n;
        rc = packet_seal(out, draft, &bad);
        if (rc == ERR_VERIFY)
            r->list[bad] = r->list[--r->n];
    } while (rc == ERR_VERIFY && r->n > 0);
    return rc;
}

static void
fill_draft(struct packet_draft *p, const struct desk *d, const struct mail *m,
           const struct letter *l, struct packet_att *atts)
{
    for (size_t i = 0; i < l->in.n_atts; i++) {
        atts[i].att = l->in.atts[i];
        atts[i].digest = m->atts[i].digest;
    }
    *p = (struct packet_draft){
        .packet = m->id,
        .mailbox = m->peer_mailbox,
        .class = m->class,
        .not_after = m->not_after_s,
        .type = m->type,
        .sender = d->id.agency,
        .device = d->id.device,
        .key = &d->id.sign,
        .created_ms = m->created_ms,
        .dir = *roster_directory_head(d->roster),
        .dlv = *roster_delivery_head(d->roster),
        .in_reply_to = m->in_reply_to,
        .parts = l->in.parts,
        .n_parts = l->in.n_parts,
        .atts = atts,
        .n_atts = l->in.n_atts,
    };
}

/* The content as it is inside now: the same fields signed over this header. */
static enum err
sign_again(struct letter *l, const struct packet_draft *p,
           const struct sealed_packet *sealed, struct buf *inner)
{
    struct hash hh;

    header_hash(&hh, sealed->hdr.data, sealed->hdr.len);
    l->in.type = p->type;
    l->in.sender = p->sender;
    l->in.device = p->device;
    l->in.created_ms = p->created_ms;
    l->in.dir = p->dir;
    l->in.dlv = p->dlv;
    return inner_sign(inner, &l->in, &hh, p->key);
}

static void
put_block(struct buf *out, const struct buf *b)
{
    buf_u32(out, (uint32_t)b->len);
    buf_put(out, b->data, b->len);
}

/* (T) What shows later which bytes these were. */
static enum err
keep_envelope(struct desk *d, const struct mail *m,
              const struct sealed_packet *sealed)
{
    size_t n = sealed->wraps.len / WRAP_LEN;
    struct hash *hashes = calloc(n + 1, sizeof(*hashes));
    struct hash body;

    if (hashes == NULL)
        return ERR_NOMEM;
    wraps_hash_each(hashes, sealed->wraps.data, n);
    bulk_digest(&body, sealed->body.data, sealed->body.len);
    envelope_put(d->app, m, (struct span){sealed->hdr.data, sealed->hdr.len},
                 (struct span){hashes, n * sizeof(*hashes)}, &body);
    free(hashes);
    return ERR_OK;
}

static enum err
keep_sealed(struct desk *d, struct mail *m, const struct sealed_packet *sealed,
            const struct buf *inner, struct problem *pb)
{
    struct buf b = {0};
    uint8_t id[16];
    enum err rc = shelf_begin(d->app, pb);

    if (rc != ERR_OK)
        return rc;
    put_block(&b, &sealed->hdr);
    put_block(&b, &sealed->wraps);
    put_block(&b, &sealed->body);
    m->pkt_digest = sealed->pkt_digest;
    m->is_sealed = true;
    mail_record_id(id, &m->id, m->direction);
    shelf_put_raw(d->app, REC_SEALED, m->id.b, b.data, b.len);
    shelf_put_raw(d->app, REC_INNER, id, inner->data, inner->len);
    mail_put(d->app, m);
    rc = keep_envelope(d, m, sealed);
    rc = shelf_end(d->app, rc == ERR_OK ? buf_status(&b) : rc, pb);
    buf_clear(&b);
    return rc;
}

uint64_t
outbox_now_s(const struct desk *d)
{
    uint64_t ours = clock_wall_ms() / 1000;
    uint64_t relays = d->up == NULL ? ours : upstream_relay_ms(d->up) / 1000;
    uint64_t apart = ours > relays ? ours - relays : relays - ours;

    return apart <= CLOCKS_APART_S ? relays : ours;
}

/* What was written at a wrong clock, or is sealed at one, says a time and a
 * last day that relay and recipient take. */
static void
fit_times(const struct desk *d, struct mail *m)
{
    uint64_t ours = clock_wall_ms() / 1000;
    uint64_t now = outbox_now_s(d);
    uint64_t left = m->not_after_s > ours ? m->not_after_s - ours : 0;
    uint64_t max = (uint64_t)COMPOSE_ROUTINE_DAYS * 24 * HOUR_S;

    if (m->created_ms > now * 1000)
        m->created_ms = now * 1000;
    if (left == 0 || (m->not_after_s > now && m->not_after_s <= now + max))
        return;
    m->not_after_s =
        (now + (left < max ? left : max) + HOUR_S - 1) / HOUR_S * HOUR_S;
}

static enum err
seal_letter(struct desk *d, struct mail *m, struct letter *l,
            struct recipients *r, struct problem *pb)
{
    struct packet_att *atts = calloc(l->in.n_atts + 1, sizeof(*atts));
    struct sealed_packet sealed = {0};
    struct buf inner = {0};
    struct packet_draft p;
    enum err rc = ERR_NOMEM;

    if (atts != NULL) {
        fit_times(d, m);
        m->sealed_ms = d->up == NULL ? 0 : upstream_relay_ms(d->up);
        fill_draft(&p, d, m, l, atts);
        rc = seal_to(r, &p, &sealed);
    }
    if (rc == ERR_OK)
        rc = sign_again(l, &p, &sealed, &inner);
    if (rc == ERR_OK)
        rc = keep_sealed(d, m, &sealed, &inner, pb);
    if (atts != NULL)
        crypto_wipe(atts, (l->in.n_atts + 1) * sizeof(*atts));
    free(atts);
    packet_clear(&sealed);
    buf_clear(&inner);
    return rc;
}

enum err
outbox_seal(struct desk *d, struct mail *m, struct problem *pb)
{
    struct recipients r = {0};
    struct letter l = {0};
    enum err rc = gather(d, m, &r, pb);

    if (rc == ERR_OK && d->directory_due) {
        d->directory_due = false;
        recipients_clear(&r);
        r = (struct recipients){0};
        rc = sync_directory(d->up, d->roster, pb);
        if (rc == ERR_OK)
            rc = gather(d, m, &r, pb);
    }
    if (rc == ERR_OK && r.n == 0)
        rc = nobody(d, m);
    else if (rc == ERR_OK)
        rc = letter_load(d->app, m, &l, pb);
    if (rc == ERR_OK) {
        warn_old_keys(d, &r);
        rc = seal_letter(d, m, &l, &r, pb);
        if (rc == ERR_VERIFY && r.n == 0)
            rc = nobody(d, m);
    }
    letter_clear(&l);
    recipients_clear(&r);
    return rc == ERR_NOTFOUND ? rc : problem_from_err(pb, what, rc);
}

/* ---- sealed bytes ---- */

static void
take_block(struct rd *r, struct buf *out)
{
    size_t len = rd_u32(r);
    const uint8_t *p = rd_ref(r, len);

    if (p != NULL)
        buf_put(out, p, len);
}

enum err
outbox_load_sealed(struct desk *d, const struct mail *m,
                   struct sealed_packet *out, struct problem *pb)
{
    struct buf b = {0};
    struct rd r;
    enum err rc = shelf_get_raw(d->app, REC_SEALED, m->id.b, &b, pb);

    if (rc == ERR_OK) {
        r = rd_from(b.data, b.len);
        take_block(&r, &out->hdr);
        take_block(&r, &out->wraps);
        take_block(&r, &out->body);
        rc = rd_end(&r);
    }
    buf_clear(&b);
    if (rc == ERR_NOTFOUND || rc == ERR_MALFORMED)
        rc = shelf_problem(ERR_VERIFY, pb);
    return rc;
}

/* (T) The packet that M goes on for follows its new name. */
static void
relink(struct desk *d, const struct mail *m)
{
    struct problem none = {0};
    struct mail old = {0};

    if (mail_load(d->app, &m->resend_of, INDEX_OUT, &old, &none) == ERR_OK) {
        old.moved_to = m->id;
        mail_put(d->app, &old);
    }
    mail_clear(&old);
}

/* (T) Content, and what was withheld from it, under M's new name. */
static void
move_content(struct desk *d, const struct buf *inner,
             const struct buf *withheld, const struct mail *m)
{
    uint8_t id[16];

    mail_record_id(id, &m->id, m->direction);
    shelf_put_raw(d->app, REC_INNER, id, inner->data, inner->len);
    if (withheld->len > 0)
        shelf_put_raw(d->app, REC_WITHHELD, id, withheld->data, withheld->len);
}

enum err
outbox_unseal(struct desk *d, struct mail *m, struct problem *pb)
{
    struct packet_id old = m->id;
    struct buf inner = {0}, withheld = {0};
    uint8_t id[16];
    enum err rc;

    mail_record_id(id, &m->id, m->direction);
    rc = shelf_get_raw(d->app, REC_INNER, id, &inner, pb);
    if (rc == ERR_OK)
        rc = shelf_get_raw(d->app, REC_WITHHELD, id, &withheld, pb);
    if (rc == ERR_OK || rc == ERR_NOTFOUND)
        rc = inner.len == 0 ? ERR_NOTFOUND : shelf_begin(d->app, pb);
    if (rc == ERR_OK) {
        mail_drop(d->app, m);
        crypto_random(m->id.b, sizeof(m->id.b));
        m->is_sealed = false;
        move_content(d, &inner, &withheld, m);
        mail_put(d->app, m);
        mail_alias(d->app, &old, &m->id);
        relink(d, m);
        rc = shelf_end(d->app, ERR_OK, pb);
    }
    buf_clear(&inner);
    buf_clear(&withheld);
    return rc == ERR_NOTFOUND ? shelf_problem(ERR_VERIFY, pb) : rc;
}

static bool
has_slot(const struct header *h, const struct dir_device *device)
{
    return header_slot_of(h, &device->id) >= 0;
}

json_t *
outbox_skipped(struct desk *d, const struct mail *m)
{
    const struct dir_device *device[LIMIT_MAILBOX_DEVICES];
    struct sealed_packet sealed = {0};
    struct problem none = {0};
    json_t *list = json_array();
    size_t n = list_devices(d, m, device);
    struct header h;

    if (m->is_sealed && outbox_load_sealed(d, m, &sealed, &none) == ERR_OK &&
        header_parse(&h, sealed.hdr.data, sealed.hdr.len) == ERR_OK)
        for (size_t i = 0; i < n; i++)
            if (!has_slot(&h, device[i]))
                (void)json_array_append_new(list,
                                            json_string(device[i]->label));
    packet_clear(&sealed);
    return list;
}
