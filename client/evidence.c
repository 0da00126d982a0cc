#include "client/evidence.h"

#include "proto/merkle.h"
#include "proto/receipt.h"

enum evidence_kind { NONE, RCPT_OPENED, RCPT_FAILED, RCPT_ANY, WITHDRAWAL };

/* By what each event must stand: a relay that could choose would show a
 * failure, a withdrawal or any statement for a hand-over. */
static const uint8_t kinds[] = {
    [EVENT_HANDED_OVER] = RCPT_OPENED,    [EVENT_REFUSED] = RCPT_FAILED,
    [EVENT_WITHDRAWN] = WITHDRAWAL,       [EVENT_DEVICE_RECEIPT] = RCPT_OPENED,
    [EVENT_DEVICE_REFUSED] = RCPT_FAILED, [EVENT_LATE_RECEIPT] = RCPT_ANY,
};

static const struct dir_device *
device_of(const struct directory *dir, const struct device_id *id,
          const struct agency_id *agency)
{
    const struct dir_device *d = directory_device(dir, id);

    return d != NULL && id_eq(&d->agency->id, agency) ? d : NULL;
}

static bool
says(const struct rcpt *r, enum evidence_kind kind)
{
    bool is_opened = r->outcome == OUTCOME_OPENED;

    return kind == RCPT_ANY || is_opened == (kind == RCPT_OPENED);
}

static bool
rcpt_is_good(const struct directory *dir, const struct event *ev,
             enum evidence_kind kind, struct span bytes)
{
    const struct dir_mailbox *mb = directory_mailbox(dir, &ev->recipient);
    const struct dir_device *d;
    struct rcpt r;

    if (mb == NULL || rcpt_parse(&r, bytes.p, bytes.len) != ERR_OK)
        return false;
    d = device_of(dir, &r.device, &mb->agency->id);
    return d != NULL && id_eq(&r.device, &ev->actor) &&
           id_eq(&r.agency, &mb->agency->id) && id_eq(&r.packet, &ev->packet) &&
           id_eq(&r.pkt_digest, &ev->pkt_digest) && r.stored_index == ev->ref &&
           r.reason == ev->reason && says(&r, kind) &&
           rcpt_verify(bytes.p, &d->sign_key) == ERR_OK;
}

static bool
wdrw_is_good(const struct directory *dir, const struct event *ev,
             struct span bytes)
{
    const struct dir_device *d;
    struct wdrw w;

    if (wdrw_parse(&w, bytes.p, bytes.len) != ERR_OK)
        return false;
    d = device_of(dir, &w.device, &ev->sender);
    return d != NULL && id_eq(&w.sender, &ev->sender) &&
           id_eq(&w.packet, &ev->packet) &&
           id_eq(&w.pkt_digest, &ev->pkt_digest) && w.reason == ev->reason &&
           wdrw_verify(bytes.p, &d->sign_key) == ERR_OK;
}

bool
evidence_ends_device(const struct directory *dir, const struct event *ev,
                     struct span statement)
{
    static const struct device_id nobody;
    const struct dir_mailbox *mb = directory_mailbox(dir, &ev->recipient);
    struct device_id id;

    return mb != NULL &&
           statement_ends_device(statement, &ev->recipient, ev->time_ms, &id) &&
           (id_eq(&id, &nobody) ||
            device_of(dir, &id, &mb->agency->id) != NULL);
}

/* The registrar or the agency ended the last device: the statement itself is
 * in the directory, where it was checked. */
static bool
statement_is_logged(const struct directory *dir, const struct event *ev,
                    struct span bytes)
{
    struct hash leaf;

    if (!evidence_ends_device(dir, ev, bytes))
        return false;
    merkle_leaf(bytes.p, bytes.len, &leaf);
    for (uint64_t i = 0; i < directory_size(dir); i++)
        if (id_eq(directory_leaf_hash(dir, i), &leaf))
            return true;
    return false;
}

static bool
is_good(const struct directory *dir, const struct event *ev,
        enum evidence_kind kind, struct span bytes)
{
    if (ev->type == EVENT_REFUSED && ev->reason == REASON_NO_LIVE_DEVICE)
        return statement_is_logged(dir, ev, bytes);
    if (kind == WITHDRAWAL)
        return wdrw_is_good(dir, ev, bytes);
    return rcpt_is_good(dir, ev, kind, bytes);
}

/* `expired` stands on the relay's word alone: at least not too early. */
static bool
is_too_early(const struct event *ev)
{
    uint64_t time_s = ev->time_ms / 1000;

    return ev->type == EVENT_EXPIRED &&
           (time_s < EVENT_SWEEP_S || time_s - EVENT_SWEEP_S < ev->not_after);
}

const char *
evidence_problem(const struct directory *dir, const struct event *ev,
                 struct span evidence)
{
    enum evidence_kind kind = ev->type < sizeof(kinds) ? kinds[ev->type] : NONE;
    static const struct hash none;
    struct hash h;

    if (!event_reason_is_legal(ev->type, ev->reason))
        return "an event gives a reason that is none of delivery";
    if (is_too_early(ev))
        return "a packet was ended as expired before its last day";
    if (id_eq(&ev->evidence, &none))
        return kind == NONE ? NULL : "an event names no evidence where it must";
    evidence_hash(&h, evidence.p, evidence.len);
    if (!id_eq(&h, &ev->evidence))
        return "an event came without the evidence that it names";
    if (kind != NONE && !is_good(dir, ev, kind, evidence))
        return "the evidence of an event does not say what the event says";
    return NULL;
}
