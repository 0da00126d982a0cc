/*
 * bundle_judge_events.c - the relay's receipts in a bundle: under whose key, of
 * this packet, in a possible order, and who stands behind each.
 */
#include <stdlib.h>
#include <string.h>

#include "proto/bundle_judge_inside.h"
#include "proto/proof.h"
#include "proto/receipt.h"

/* ---- under whose key ---- */

static bool
same_key(const struct vkey *a, const struct vkey *b)
{
    return id_eq(&a->pub, &b->pub) && strcmp(a->name, b->name) == 0;
}

/* The reader's own keys; NULL behind the last. */
static const struct vkey *
trusted_key(const struct bundle_anchor *a, size_t i)
{
    if (a->log != NULL)
        return i == 0 ? a->log : NULL;
    return a->trust != NULL && i < a->trust->n_logs ? &a->trust->logs[i] : NULL;
}

/* Does the reader trust the relay as it is now?  It has signed the directory
 * that is here, and so the policies in it. */
static bool
trusts_the_newest(const struct judging *j)
{
    const struct who_policy *p = bundle_who_policy(&j->p.who);
    const struct vkey *key;

    for (size_t i = 0; (key = trusted_key(j->a, i)) != NULL; i++)
        if (p != NULL && same_key(key, &p->delivery))
            return true;
    return false;
}

/* Key I of those that may have signed a receipt; NULL behind the last.  What
 * the reader named comes first; then what the bundle names, newest policy
 * first, when the reader named none or that policy's. */
static const struct vkey *
candidate(const struct judging *j, size_t i)
{
    const struct vkey *key = trusted_key(j->a, i);
    size_t n = 0;

    if (key != NULL)
        return key;
    while (trusted_key(j->a, n) != NULL)
        n++;
    if (n > 0 && !trusts_the_newest(j))
        return NULL;
    i -= n;
    return i < j->p.who.n_policies
               ? &j->p.who.policies[j->p.who.n_policies - 1 - i].delivery
               : NULL;
}

/* Today's log, by the policies that are here, begins with what the log of KEY
 * held up to here. */
static bool
is_lost(const struct judging *j, const struct vkey *key, uint64_t index)
{
    const struct bundle_who *w = &j->p.who;

    for (size_t i = w->n_policies; i-- > 0;) {
        if (same_key(&w->policies[i].delivery, key))
            return false;
        if (w->policies[i].old_size != 0 && index >= w->policies[i].old_size)
            return true;
    }
    return false;
}

/* Are the statements those of the relay that signed under KEY?  Anybody can
 * found a network whose policy names that relay: so either the reader named the
 * network, or the relay that he trusts has signed this directory. */
static bool
directory_is_of(const struct judging *j, const struct vkey *key)
{
    if (!j->p.has_directory)
        return true;
    if (j->a->network_id == NULL && trusted_key(j->a, 0) != NULL)
        return trusts_the_newest(j);
    for (size_t i = 0; i < j->p.who.n_policies; i++)
        if (same_key(&j->p.who.policies[i].delivery, key))
            return true;
    return false;
}

/* LEAF under the first key that fits.  NULL when there is none. */
static const struct vkey *
verify_under(struct judging *j, const struct proof *proof,
             const struct hash *leaf, struct bundle_witnessed *w)
{
    const struct vkey *key;
    struct head head;

    for (size_t i = 0; (key = candidate(j, i)) != NULL; i++)
        if (judge_fits(j, judge_note(j, proof->note, proof->note_len, key,
                                     &head, w)) &&
            merkle_verify_inclusion(leaf, proof->index, head.size, proof->path,
                                    proof->n, &head.root) == ERR_OK)
            return key;
    return NULL;
}

static enum err
check_key(struct judging *j, unsigned kind, const struct proof *proof,
          const struct hash *leaf, struct bundle_witnessed *w)
{
    const struct vkey *key = verify_under(j, proof, leaf, w);

    if (key == NULL && candidate(j, 0) == NULL)
        return judge_fault(j, BUNDLE_ANCHOR,
                           "no key is known that could have signed its "
                           "receipts: it names no network");
    if (key == NULL)
        return judge_fault_at(j, kind, proof->index,
                              j->a->log != NULL || j->a->trust != NULL
                                  ? "it was changed, or the relay that you "
                                    "trust did not sign it"
                                  : "it was changed, or the relay of its "
                                    "network did not sign it");
    if (!directory_is_of(j, key))
        return judge_fault(j, BUNDLE_ANCHOR,
                           "its statements are not signed by the relay that "
                           "you trust: name its network too, or the relay's "
                           "newest key");
    j->p.log = *key;
    return ERR_OK;
}

/* ---- one receipt ---- */

static enum err
read_receipt(struct judging *j, unsigned kind, const struct span *bytes,
             struct proof *proof, struct event *ev)
{
    if (proof_parse(bytes->p, bytes->len, proof) != ERR_OK ||
        !proof->has_extra ||
        opening_decode(proof->extra, proof->extra_len, ev) != ERR_OK ||
        !event_info(ev->type)->is_packet)
        return judge_fault(j, kind, "one of them is no receipt of a packet");
    return ERR_OK;
}

/* Of this packet, as all else in the bundle says. */
static enum err
check_packet(struct judging *j, uint64_t index, const struct event *ev)
{
    struct bundle_proven *p = &j->p;

    if (!p->has_header && p->n_fates == 0) {
        p->packet = ev->packet;
        p->mailbox = ev->recipient;
    }
    if (!p->has_sender) {
        p->sender = ev->sender;
        p->has_sender = true;
    }
    if (!p->has_digest) {
        p->digest = ev->pkt_digest;
        p->has_digest = true;
    }
    if (!id_eq(&ev->packet, &p->packet) || !id_eq(&ev->sender, &p->sender) ||
        !id_eq(&ev->recipient, &p->mailbox) ||
        !id_eq(&ev->pkt_digest, &p->digest) ||
        (p->has_header && (ev->not_after != p->header.not_after ||
                           ev->class != p->header.class)))
        return judge_fault_at(j, BUNDLE_EVENTS, index,
                              "it is a receipt of another packet");
    return ERR_OK;
}

/* ---- who stands behind it ---- */

enum word { NOBODYS, RCPT_OPENED, RCPT_FAILED, RCPT_ANY, WITHDRAWAL };

/* A relay that could choose would show a failure for a hand-over. */
static const uint8_t words[] = {
    [EVENT_HANDED_OVER] = RCPT_OPENED,    [EVENT_REFUSED] = RCPT_FAILED,
    [EVENT_WITHDRAWN] = WITHDRAWAL,       [EVENT_DEVICE_RECEIPT] = RCPT_OPENED,
    [EVENT_DEVICE_REFUSED] = RCPT_FAILED, [EVENT_LATE_RECEIPT] = RCPT_ANY,
};

static enum word
word_behind(const struct event *ev)
{
    return ev->type < sizeof(words) ? words[ev->type] : NOBODYS;
}

static bool
outcome_fits(const struct rcpt *r, enum word word)
{
    bool is_opened = r->outcome == OUTCOME_OPENED;

    return word == RCPT_ANY || is_opened == (word == RCPT_OPENED);
}

static enum bundle_opening
opening_of(const struct judging *j, const struct rcpt *r)
{
    struct hash expected;

    if (r->outcome != OUTCOME_OPENED)
        return OPENING_NOT_SAID;
    if (!j->p.is_signed)
        return OPENING_UNCHECKED;
    inner_opened(&expected, &j->p.lists.sig);
    return id_eq(&expected, &r->opened) ? OPENING_SHOWN : OPENING_FALSE;
}

/* The packet was sealed to this device and key. */
static bool
has_slot(const struct judging *j, const struct rcpt *r)
{
    int slot = header_slot_of(&j->p.header, &r->device);

    return slot >= 0 && id_eq(&j->p.header.slots[slot].prekey, &r->prekey);
}

static const char *
back_by_rcpt(struct judging *j, struct bundle_fate *f, struct span bytes)
{
    const struct event *ev = &f->event;
    const struct who_device *d = bundle_who_device(&j->p.who, &ev->actor);
    const struct who_mailbox *m = bundle_who_mailbox(&j->p.who, &ev->recipient);
    struct rcpt r;

    if (rcpt_parse(&r, bytes.p, bytes.len) != ERR_OK)
        return "what stands behind it is no receipt of a device";
    if (!id_eq(&r.device, &ev->actor) || !id_eq(&r.packet, &ev->packet) ||
        !id_eq(&r.pkt_digest, &ev->pkt_digest) || r.stored_index != ev->ref ||
        r.reason != ev->reason || !outcome_fits(&r, word_behind(ev)))
        return "the device's receipt does not say what the event says";
    if (j->p.has_header && !has_slot(j, &r))
        return "it is by a device that the packet was not sealed to";
    if ((m != NULL && !id_eq(&m->agency->id, &r.agency)) ||
        (d != NULL && !id_eq(&d->agency->id, &r.agency)))
        return "it is by a device that the mailbox's agency does not have";
    if (d != NULL && !judge_fits(j, rcpt_verify(bytes.p, &d->key)))
        return "the receiving device's signature is wrong";
    f->backing = d == NULL ? BACKING_UNCHECKED : BACKING_DEVICE;
    f->signed_ms = r.time_ms;
    f->outcome = r.outcome;
    f->opening = opening_of(j, &r);
    f->standing = judge_standing(d, r.time_ms, ev->time_ms);
    return NULL;
}

static const char *
back_by_wdrw(struct judging *j, struct bundle_fate *f, struct span bytes)
{
    const struct event *ev = &f->event;
    const struct who_device *d;
    struct wdrw w;

    if (wdrw_parse(&w, bytes.p, bytes.len) != ERR_OK)
        return "what stands behind it is no withdrawal";
    d = bundle_who_device(&j->p.who, &w.device);
    if (!id_eq(&w.sender, &ev->sender) || !id_eq(&w.packet, &ev->packet) ||
        !id_eq(&w.pkt_digest, &ev->pkt_digest) || w.reason != ev->reason)
        return "the withdrawal does not say what the event says";
    if (d != NULL && !id_eq(&d->agency->id, &ev->sender))
        return "it is by a device that the sender does not have";
    if (d != NULL && !judge_fits(j, wdrw_verify(bytes.p, &d->key)))
        return "the withdrawing device's signature is wrong";
    f->backing = d == NULL ? BACKING_UNCHECKED : BACKING_DEVICE;
    f->signed_ms = w.time_ms;
    f->standing = judge_standing(d, w.time_ms, ev->time_ms);
    return NULL;
}

static const char *
back_by_statement(struct judging *j, struct bundle_fate *f, struct span bytes)
{
    static const struct device_id nobody;
    const struct event *ev = &f->event;
    struct device_id id;

    if (!statement_ends_device(bytes, &ev->recipient, ev->time_ms, &id) ||
        (j->p.has_header && !id_eq(&id, &nobody) &&
         header_slot_of(&j->p.header, &id) < 0))
        return "the statement behind it ended no device of this packet";
    f->backing = bundle_who_has(&j->p.who, bytes) ? BACKING_STATEMENT
                                                  : BACKING_UNCHECKED;
    return NULL;
}

/* `expired` stands on the relay's word alone: at least not too early. */
static bool
is_too_early(const struct event *ev)
{
    uint64_t time_s = ev->time_ms / 1000;

    return ev->type == EVENT_EXPIRED &&
           (time_s < EVENT_SWEEP_S || time_s - EVENT_SWEEP_S < ev->not_after);
}

static const char *
check_backing(struct judging *j, struct bundle_fate *f, struct span bytes)
{
    static const struct hash none;
    const struct event *ev = &f->event;
    enum word word = word_behind(ev);
    struct hash h;

    if (is_too_early(ev))
        return "it ends the packet as expired before its last day";
    if (id_eq(&ev->evidence, &none) && (word != NOBODYS || bytes.len > 0))
        return "it does not name what stands behind it";
    f->backing = word == NOBODYS ? BACKING_RELAY : BACKING_NONE;
    if (bytes.len == 0)
        return NULL;
    evidence_hash(&h, bytes.p, bytes.len);
    if (!id_eq(&h, &ev->evidence))
        return "what stands beside it is not what it names";
    if (word == NOBODYS)
        return NULL;
    if (ev->type == EVENT_REFUSED && ev->reason == REASON_NO_LIVE_DEVICE)
        return back_by_statement(j, f, bytes);
    return word == WITHDRAWAL ? back_by_wdrw(j, f, bytes)
                              : back_by_rcpt(j, f, bytes);
}

static const char *
check_sending_device(struct judging *j, struct bundle_fate *f)
{
    const struct event *ev = &f->event;
    const struct who_device *d = bundle_who_device(&j->p.who, &ev->actor);

    if (ev->type != EVENT_STORED)
        return NULL;
    if (d != NULL && !id_eq(&d->agency->id, &ev->sender))
        return "it was sent by a device that the sender does not have";
    f->standing = judge_standing(d, ev->time_ms, 0);
    return NULL;
}

/* ---- all of them ---- */

static enum err
judge_event(struct judging *j, const struct bundle_receipt *e)
{
    struct bundle_fate *f = &j->p.fates[j->p.n_fates];
    struct bundle_witnessed w = {0};
    struct proof proof;
    struct hash leaf;
    const char *why;
    enum err rc = read_receipt(j, BUNDLE_EVENTS, &e->proof, &proof, &f->event);

    if (rc != ERR_OK)
        return rc;
    f->index = proof.index;
    opening_leaf(proof.extra, &leaf);
    rc = check_key(j, BUNDLE_EVENTS, &proof, &leaf, &w);
    if (rc == ERR_OK)
        rc = check_packet(j, f->index, &f->event);
    if (rc != ERR_OK)
        return rc;
    f->head_size = w.size;
    f->is_lost = is_lost(j, &j->p.log, f->index);
    why = check_backing(j, f, e->evidence);
    if (why == NULL)
        why = check_sending_device(j, f);
    if (why != NULL)
        return judge_fault_at(j, BUNDLE_EVENTS, f->index, why);
    if (w.verified != 0)
        f->witnessed = w;
    j->p.n_fates++;
    return ERR_OK;
}

/* Some may have been left out; those that are here must have been possible in
 * this order (section 14.4). */
static const char *
check_place(const struct bundle_proven *p, size_t i)
{
    const struct bundle_fate *f = &p->fates[i];
    const struct event_info *info = event_info(f->event.type);
    const struct bundle_fate *end = bundle_end(p);
    uint64_t stored = UINT64_MAX;

    if (i > 0 && p->fates[i - 1].index >= f->index)
        return "it is not in the order of the log";
    if (f->event.type == EVENT_STORED)
        return i == 0 ? NULL : "the packet was stored before";
    for (size_t k = 0; k < i; k++) {
        if (p->fates[k].event.type == EVENT_STORED)
            stored = p->fates[k].index;
        else if (event_info(p->fates[k].event.type)->refs_stored)
            stored = p->fates[k].event.ref;
        if (stored != UINT64_MAX)
            break;
    }
    if (info->refs_stored && stored != UINT64_MAX && f->event.ref != stored)
        return "it is of a packet stored at another place";
    if (info->refs_stored && f->event.ref >= f->index)
        return "it stands before the packet was stored";
    if (info->is_final)
        return f == end ? NULL : "the packet had ended before";
    if (end == NULL || f->event.type == EVENT_DEVICE_REFUSED)
        return NULL;
    if ((f->event.type == EVENT_WARNED) != (f->index < end->index))
        return "it cannot stand on this side of the packet's end";
    return NULL;
}

static enum err
judge_order(struct judging *j)
{
    for (size_t i = 0; i < j->p.n_fates; i++) {
        const char *why = check_place(&j->p, i);

        if (why != NULL)
            return judge_fault_at(j, BUNDLE_EVENTS, j->p.fates[i].index, why);
    }
    return ERR_OK;
}

/* ---- under cosigned heads ---- */

static struct bundle_fate *
fate_at(struct judging *j, uint64_t index)
{
    for (size_t i = 0; i < j->p.n_fates; i++)
        if (j->p.fates[i].index == index)
            return &j->p.fates[i];
    return NULL;
}

static enum err
judge_cosigned(struct judging *j, const struct bundle_receipt *e)
{
    struct bundle_witnessed w = {0};
    struct bundle_fate *f;
    struct proof proof;
    struct event ev;
    struct hash leaf;
    enum err rc = read_receipt(j, BUNDLE_COSIGNED, &e->proof, &proof, &ev);

    if (rc != ERR_OK)
        return rc;
    opening_leaf(proof.extra, &leaf);
    rc = check_key(j, BUNDLE_COSIGNED, &proof, &leaf, &w);
    if (rc != ERR_OK)
        return rc;
    f = fate_at(j, proof.index);
    if (f == NULL || f->event.type != ev.type ||
        !event_same_packet(&f->event, &ev) || f->event.time_ms != ev.time_ms)
        return judge_fault_at(j, BUNDLE_COSIGNED, proof.index,
                              "it is of no receipt that is here");
    if (proof.index < j->next_cosigned)
        return judge_fault_at(j, BUNDLE_COSIGNED, proof.index,
                              "it is not in the order of the log");
    j->next_cosigned = proof.index + 1;
    f->witnessed = w;
    return ERR_OK;
}

enum err
judge_events(struct judging *j)
{
    const struct bundle *b = j->b;
    enum err rc = ERR_OK;

    j->p.fates = calloc(b->n_events + 1, sizeof(*j->p.fates));
    if (j->p.fates == NULL)
        return ERR_NOMEM;
    for (size_t i = 0; i < b->n_events && rc == ERR_OK; i++)
        rc = judge_event(j, &b->events[i]);
    if (rc == ERR_OK)
        rc = judge_order(j);
    for (size_t i = 0; i < b->n_cosigned && rc == ERR_OK; i++)
        rc = judge_cosigned(j, &b->cosigned[i]);
    return rc;
}
