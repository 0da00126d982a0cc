/*
 * audit_evidence.c - what stands behind an event but the relay's word: who
 * acted, what they signed, which head of the log they had seen.
 */
#include "client/audit_inside.h"

#include <string.h>

#include "client/evidence.h"
#include "proto/era.h"
#include "proto/msg.h"

/* Whose device the actor is, and what it must have signed. */
enum side { SIDE_NONE, SIDE_SENDER, SIDE_RECIPIENT };
enum proof_kind {
    SAYS_NOTHING,
    SAYS_OPENED,
    SAYS_FAILED,
    SAYS_RCPT,
    SAYS_WDRW
};

static const struct {
    uint8_t type;
    enum side actor;
    enum proof_kind says;
} rules[] = {
    {EVENT_STORED, SIDE_SENDER, SAYS_NOTHING},
    {EVENT_HANDED_OVER, SIDE_RECIPIENT, SAYS_OPENED},
    {EVENT_REFUSED, SIDE_RECIPIENT, SAYS_FAILED},
    {EVENT_WITHDRAWN, SIDE_SENDER, SAYS_WDRW},
    {EVENT_DEVICE_RECEIPT, SIDE_RECIPIENT, SAYS_OPENED},
    {EVENT_DEVICE_REFUSED, SIDE_RECIPIENT, SAYS_FAILED},
    {EVENT_LATE_RECEIPT, SIDE_RECIPIENT, SAYS_RCPT},
    {EVENT_READDRESSED, SIDE_SENDER, SAYS_NOTHING},
};
enum { RULES = sizeof(rules) / sizeof(rules[0]) };

/* ---- heads ---- */

/* Heads of before a succession count under the key of their time, as far as the
 * log goes on from them: of what a restore lost nothing can be said. */
static enum err
judge_signature(const struct audit *a, const struct head *head, bool *is_lost)
{
    struct era e;
    enum err rc = era_of_head(a->o.dir, LOG_DELIVERY, head, &e);

    *is_lost = rc == ERR_OK && head->size > e.end;
    return rc;
}

static bool
is_prefix(struct audit *a, const struct head *head)
{
    struct audit_root *known = &a->roots[head->size % ROOTS_KNOWN];
    struct hash root;

    if (known->size != head->size) {
        if (logtree_root_at(&a->tree, head->size, &root) != ERR_OK)
            return false;
        *known = (struct audit_root){head->size, root};
    }
    return id_eq(&known->root, &head->root);
}

bool
audit_head(struct audit *a, uint64_t index, const struct event *ev,
           const struct head *head)
{
    bool is_lost = false;

    if (head->size == 0)
        return true;
    if (head->size <= index && is_prefix(a, head)) {
        a->sum.heads++;
        return true;
    }
    if (judge_signature(a, head, &is_lost) != ERR_OK) {
        audit_find(a, "bad_head", index, ev,
                   "it names a head that the relay never signed");
        return false;
    }
    if (is_lost)
        return false;
    a->is_forked = true;
    a->fork = *head;
    audit_find(a, "fork", index, ev,
               "the relay has signed a head of %llu entries that is not a "
               "part of this log",
               (unsigned long long)head->size);
    return false;
}

/* ---- who acted ---- */

static const struct agency_id *
agency_of(const struct audit *a, const struct event *ev, enum side side)
{
    const struct dir_mailbox *m;

    if (side == SIDE_SENDER)
        return &ev->sender;
    m = directory_mailbox(a->o.dir, &ev->recipient);
    return m == NULL ? NULL : &m->agency->id;
}

/* A statement's own time may lie before the relay had it; the grace is for
 * clocks, the rest is worth a question. */
static void
check_live(struct audit *a, uint64_t index, const struct event *ev,
           const struct dir_device *d)
{
    uint64_t time_s = ev->time_ms / 1000;

    if (time_s >= d->not_after_s + AUDIT_GRACE_S)
        audit_find(a, "expired_device", index, ev,
                   "\"%s\" is by a device whose time was over",
                   event_name(ev->type));
    else if (d->revoked_index != DIR_NEVER && a->o.leaf_time_s != NULL &&
             time_s > a->o.leaf_time_s[d->revoked_index] + AUDIT_GRACE_S)
        audit_find(a, "revoked_device", index, ev,
                   "\"%s\" is by a device that was revoked before",
                   event_name(ev->type));
}

/* NULL, and a finding, when it is not one of that side. */
static const struct dir_device *
check_actor(struct audit *a, uint64_t index, const struct event *ev,
            enum side side)
{
    const struct dir_device *d = directory_device(a->o.dir, &ev->actor);
    const struct agency_id *agency = agency_of(a, ev, side);

    if (d == NULL || agency == NULL || !id_eq(&d->agency->id, agency)) {
        a->has_strangers = true;
        audit_find(a, "wrong_device", index, ev,
                   "\"%s\" is by a device that the %s does not have",
                   event_name(ev->type),
                   side == SIDE_SENDER ? "sender" : "recipient");
        return NULL;
    }
    check_live(a, index, ev, d);
    return d;
}

/* ---- what they signed ---- */

static enum err
check_rcpt(struct audit *a, uint64_t index, const struct event *ev,
           const struct dir_device *d, enum proof_kind says, struct span bytes)
{
    struct rcpt r;
    bool is_opened;

    if (rcpt_parse(&r, bytes.p, bytes.len) != ERR_OK)
        return ERR_MALFORMED;
    is_opened = r.outcome == OUTCOME_OPENED;
    if (!id_eq(&r.packet, &ev->packet) ||
        !id_eq(&r.pkt_digest, &ev->pkt_digest) ||
        !id_eq(&r.agency, &d->agency->id) || !id_eq(&r.device, &d->id) ||
        r.stored_index != ev->ref || r.reason != ev->reason ||
        (says == SAYS_OPENED && !is_opened) ||
        (says == SAYS_FAILED && is_opened))
        return ERR_CONFLICT;
    return audit_verify(a, index, ev, bytes, &d->sign_key, &r.dlv);
}

static enum err
check_wdrw(struct audit *a, uint64_t index, const struct event *ev,
           const struct dir_device *d, struct span bytes)
{
    struct wdrw w;

    if (wdrw_parse(&w, bytes.p, bytes.len) != ERR_OK)
        return ERR_MALFORMED;
    if (!id_eq(&w.packet, &ev->packet) ||
        !id_eq(&w.pkt_digest, &ev->pkt_digest) ||
        !id_eq(&w.sender, &ev->sender) || !id_eq(&w.device, &d->id) ||
        w.reason != ev->reason)
        return ERR_CONFLICT;
    return audit_verify(a, index, ev, bytes, &d->sign_key, NULL);
}

/* The last device went: the statement that says so is in the directory. */
static enum err
check_no_live_device(struct audit *a, uint64_t index, const struct event *ev,
                     struct span bytes)
{
    enum err rc = audit_statement(a, bytes);

    if (rc == ERR_OK && evidence_ends_device(a->o.dir, ev, bytes)) {
        a->sum.evidence++;
        return audit_mark(a, MARK_PROVEN, index);
    }
    if (rc != ERR_OK && rc != ERR_NOTFOUND)
        return rc;
    audit_find(a, "bad_evidence", index, ev,
               rc == ERR_OK
                   ? "it names a statement that ended no device there"
                   : "it names a statement that the directory does not have");
    return ERR_OK;
}

static enum err
check_signed(struct audit *a, uint64_t index, const struct event *ev,
             const struct dir_device *d, enum proof_kind says,
             struct span bytes)
{
    enum err rc = says == SAYS_WDRW ? check_wdrw(a, index, ev, d, bytes)
                                    : check_rcpt(a, index, ev, d, says, bytes);

    if (rc != ERR_MALFORMED && rc != ERR_CONFLICT)
        return rc;
    audit_find(a, "bad_evidence", index, ev, "the %s behind \"%s\" %s",
               says == SAYS_WDRW ? "withdrawal" : "receipt",
               event_name(ev->type),
               rc == ERR_MALFORMED ? "cannot be read" : "says something else");
    return ERR_OK;
}

/* The bytes are those that the event names.  False, and a finding. */
static bool
check_hash(struct audit *a, uint64_t index, const struct event *ev,
           struct span bytes)
{
    static const struct hash none;
    struct hash h = none;

    if (bytes.len > 0)
        evidence_hash(&h, bytes.p, bytes.len);
    if (id_eq(&h, &ev->evidence))
        return bytes.len > 0;
    audit_find(a, bytes.len == 0 ? "evidence_missing" : "evidence_mismatch",
               index, ev, "the relay %s for \"%s\"",
               bytes.len == 0 ? "does not show the evidence that it names"
                              : "shows other evidence than it logged",
               event_name(ev->type));
    return false;
}

enum err
audit_evidence(struct audit *a, uint64_t index, const struct event *ev,
               struct span evidence)
{
    bool has = check_hash(a, index, ev, evidence);
    const struct dir_device *d;
    size_t i = 0;

    if (ev->type == EVENT_REFUSED && ev->reason == REASON_NO_LIVE_DEVICE)
        return has ? check_no_live_device(a, index, ev, evidence) : ERR_OK;
    while (i < RULES && rules[i].type != ev->type)
        i++;
    d = i == RULES ? NULL : check_actor(a, index, ev, rules[i].actor);
    if ((i < RULES && d == NULL) || !has)
        return ERR_OK;
    if (i < RULES && rules[i].says != SAYS_NOTHING)
        return check_signed(a, index, ev, d, rules[i].says, evidence);
    audit_find(a, "bad_evidence", index, ev,
               "\"%s\" names evidence, and needs none", event_name(ev->type));
    return ERR_OK;
}
