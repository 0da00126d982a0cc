/*
 * inbox_judge.c - is it what it claims to be?  Steps 1 to 8.
 */
#include <inttypes.h>
#include <string.h>

#include "client/inbox_inside.h"
#include "client/records.h"
#include "client/sync.h"
#include "client/vault.h"
#include "common/clock.h"
#include "proto/era.h"

/* ---- step 1: the relay's word ---- */

static void
read_proof(struct arriving *a)
{
    const struct buf *p = &a->x->proof;

    a->stored_is_good = era_receipt_held(roster_directory(a->d->roster),
                                         p->data, p->len, &a->stored) == ERR_OK;
}

/* The mailbox it came to, if that is one of ours; zeros otherwise. */
static struct mailbox_id
own_mailbox(const struct arriving *a)
{
    const struct directory *dir = roster_directory(a->d->roster);
    const struct mailbox_id none = {{0}};
    const struct dir_mailbox *m;
    struct header h;

    if (header_parse(&h, a->x->hdr.data, a->x->hdr.len) != ERR_OK)
        return none;
    m = directory_mailbox(dir, &h.mailbox);
    return m != NULL && id_eq(&m->agency->id, &a->d->id.agency) ? m->id : none;
}

/* A mailbox that we do not know yet may have been made just now. */
static enum err
know_mailbox(struct arriving *a, struct mailbox_id *out)
{
    static const struct mailbox_id none;
    enum err rc;

    *out = own_mailbox(a);
    if (!id_eq(out, &none))
        return ERR_OK;
    rc = sync_directory(a->d->up, a->d->roster, a->pb);
    if (rc == ERR_OK)
        *out = own_mailbox(a);
    return rc;
}

/* ---- steps 2 to 7: what packet_open asks ---- */

static enum err
on_seed(void *arg, const struct prekey_id *id, uint8_t seed[32])
{
    struct arriving *a = arg;

    return vault_seed_get(a->d->app->vault, id, seed);
}

/* Our directory up to the head that the sender saw. */
static enum err
catch_up(struct arriving *a, const struct head *seen)
{
    struct roster *r = a->d->roster;

    if (seen->size <= directory_size(roster_directory(r)))
        return ERR_OK;
    return sync_directory(a->d->up, r, a->pb);
}

/* The relay has signed a head that it keeps from us. */
static enum err
hidden(struct arriving *a, const struct head *seen)
{
    struct roster *r = a->d->roster;
    enum err rc = sync_foreign_head(a->d->up, r, LOG_DIRECTORY, seen, a->pb);

    if (rc != ERR_OK)
        return rc;
    return problem_set(a->pb, P_HIDDEN, ERR_VERIFY,
                       "the relay hides a part of the directory",
                       "a packet shows that it has signed %" PRIu64
                       " entries; it gives us %" PRIu64,
                       seen->size, directory_size(roster_directory(r)));
}

/* IN's directory head is under the relay's key.  That ours does not hold it is
 * then not the sender's fault: the relay has shown two histories. */
static enum err
judge_head(struct arriving *a, const struct head *seen, bool *good)
{
    struct roster *r = a->d->roster;
    struct hash root;
    struct era e;
    enum err rc;

    *good = false;
    if (seen->size == 0 ||
        era_of_head(roster_directory(r), LOG_DIRECTORY, seen, &e) != ERR_OK)
        return ERR_OK;
    if (seen->size > e.end) { /* of leaves that a succession cut off */
        *good = true;
        return ERR_OK;
    }
    rc = catch_up(a, seen);
    if (rc != ERR_OK)
        return rc;
    if (seen->size > directory_size(roster_directory(r)))
        return hidden(a, seen);
    if (directory_root_at(roster_directory(r), seen->size, &root) != ERR_OK ||
        !id_eq(&root, &seen->root))
        return sync_raise(r, LOG_DIRECTORY, seen, roster_directory_head(r),
                          a->pb);
    *good = true;
    return ERR_OK;
}

static bool
delivery_head_is_signed(const struct arriving *a, const struct head *seen)
{
    struct era e;

    return seen->size == 0 || era_of_head(roster_directory(a->d->roster),
                                          LOG_DELIVERY, seen, &e) == ERR_OK;
}

static void
fill_facts(const struct directory *dir, const struct inner *in,
           struct sender_facts *f)
{
    const struct dir_device *dev = directory_device(dir, &in->device);
    const struct dir_standing *st =
        directory_standing_at(dir, &in->sender, in->dir.size);

    if (dev == NULL || st == NULL)
        return;
    f->was_live =
        directory_device_live_at(dir, &in->device, &in->sender, in->dir.size) &&
        in->created_ms / 1000 < dev->not_after_s;
    f->was_suspended = st->suspended;
    f->agency_class = st->class;
    f->is_revoked = dev->revoked_index != DIR_NEVER;
    f->revoked_since = dev->revoked_since_s;
    f->key = dev->sign_key;
}

static enum err
on_sender(void *arg, const struct inner *in, struct sender_facts *out)
{
    struct arriving *a = arg;
    enum err rc = judge_head(a, &in->dir, &out->head_is_good);

    if (rc != ERR_OK || !out->head_is_good)
        return rc;
    if (!delivery_head_is_signed(a, &in->dlv))
        out->head_is_good = false;
    fill_facts(roster_directory(a->d->roster), in, out);
    return ERR_OK;
}

/* ---- step 8 ---- */

void
inbox_mark(uint8_t out[16], const struct inner *in,
           const struct packet_id *packet)
{
    const struct span parts[] = {{in->device.b, 16}, {packet->b, 16}};
    struct hash h;

    domain_hash(&h, "sealpost/1/seen", parts, 2);
    memcpy(out, h.b, 16);
}

static void
judge_replay(struct arriving *a)
{
    uint8_t mark[16];
    uint8_t rec[16];

    inbox_mark(mark, &a->o.in, &a->o.hdr.packet);
    mail_record_id(rec, &a->o.hdr.packet, INDEX_IN);
    if (!vault_mark_has(a->d->app->vault, mark) &&
        !vault_has(a->d->app->vault, REC_PACKET, rec))
        return;
    a->o.verdict = VERDICT_QUARANTINED;
    a->o.cause = CAUSE_REPLAY;
}

/* ---- all of it ---- */

enum err
inbox_judge(struct arriving *a)
{
    struct delivery *x = a->x;
    struct arrival arrival = {
        .sender = x->sender,
        .hdr = x->hdr.data,
        .hdr_len = x->hdr.len,
        .slot = x->slot,
        .wrap = x->wrap.data,
        .wrap_len = x->wrap.len,
        .wrap_hashes = x->wrap_hashes.data,
        .wrap_hashes_len = x->wrap_hashes.len,
        .body = x->body.data,
        .body_len = x->body.len,
    };
    struct packet_opener reader = {
        .device = a->d->id.device,
        .now_ms = clock_wall_ms(),
        .arg = a,
        .seed = on_seed,
        .sender = on_sender,
    };
    enum err rc;

    read_proof(a);
    if (a->stored_is_good)
        arrival.stored = &a->stored.event;
    rc = know_mailbox(a, &reader.mailbox);
    if (rc == ERR_OK && a->stored_is_good)
        rc = sync_proof_head(a->d->up, a->d->roster, x->proof.data,
                             x->proof.len, a->pb);
    if (rc == ERR_OK)
        rc = packet_open(&a->o, &arrival, &reader);
    if (rc != ERR_OK)
        return problem_from_err(a->pb, "a packet cannot be opened", rc);
    if (a->o.verdict == VERDICT_OPENED)
        judge_replay(a);
    if (a->o.verdict == VERDICT_OPENED && a->o.in.dlv.size > 0)
        rc = sync_foreign_head(a->d->up, a->d->roster, LOG_DELIVERY,
                               &a->o.in.dlv, a->pb);
    return rc;
}
