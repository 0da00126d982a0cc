#include "client/succession.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "client/app.h"
#include "client/delivery.h"
#include "client/roster_inside.h"
#include "client/shelf.h"
#include "client/succession_keep.h"
#include "client/sync.h"
#include "client/vault.h"
#include "common/bytes.h"
#include "common/clock.h"
#include "proto/merkle.h"

enum { WAIT_MS = 48 * 3600 * 1000 };

void
succession_record_id(uint8_t id[16], uint64_t policy,
                     enum succession_record what, uint64_t index)
{
    put_u64(id, policy);
    put_u64(id + 8, index);
    id[8] = (uint8_t)what;
}

/* ---- is it that log? ---- */

static enum err
not_that_log(struct problem *pb, const char *why)
{
    return problem_set(pb, P_ORIGIN, ERR_VERIFY,
                       "the relay's log is not the one that was continued",
                       "%s", why);
}

/* The POLICY that began today's era. */
static const struct dir_policy *
todays_policy(const struct directory *dir)
{
    const struct dir_policy *p, *found = NULL;

    for (size_t i = 0; (p = directory_policy_nth(dir, i)) != NULL; i++)
        if (p->old_size > 0)
            found = p;
    return found;
}

static enum err
check_old_root(struct upstream *u, const struct dir_policy *p,
               const struct head *theirs, struct problem *pb)
{
    struct hash path[MERKLE_PATH_MAX];
    struct problem ask = {0};
    unsigned wire = PERR_NONE;
    size_t n = 0;
    enum err rc;

    if (theirs->size <= p->old_size)
        return not_that_log(pb, "it is shorter than what the registrars' "
                                "policy says it begins with");
    rc = sync_ask_consistency(u, LOG_DELIVERY, p->old_size, theirs->size, path,
                              &n, &wire, &ask);
    if (rc == ERR_BUSY || (rc != ERR_OK && wire == PERR_NONE)) {
        *pb = ask;
        return rc;
    }
    if (rc == ERR_OK)
        rc = merkle_verify_consistency(p->old_size, theirs->size, &p->old_root,
                                       &theirs->root, path, n);
    return rc == ERR_OK ? rc
                        : not_that_log(pb, "it does not begin with the log "
                                           "that the registrars' policy names");
}

static void
policy_entry(const struct buf *stmt, struct hash *out)
{
    struct buf entry = {0};

    buf_u8(&entry, 1);
    buf_u8(&entry, ENTRY_STATEMENT);
    buf_put(&entry, stmt->data, stmt->len);
    merkle_leaf(entry.data, entry.len, out);
    buf_clear(&entry);
}

static enum err
check_entry(struct upstream *u, const struct roster *r,
            const struct dir_policy *p, const struct head *theirs,
            struct problem *pb)
{
    struct msg_field f[] = {
        [PROOF_GET_LOG] = msg_u(LOG_DELIVERY),
        [PROOF_GET_INDEX] = msg_u(p->old_size),
        [PROOF_GET_SIZE] = msg_u(theirs->size),
    };
    struct hash path[MERKLE_PATH_MAX];
    const struct msg_field *hashes;
    const struct msg *answer;
    struct buf stmt = {0};
    struct hash leaf;
    enum err rc = roster_leaf(r, p->index, &stmt, pb);

    policy_entry(&stmt, &leaf);
    buf_clear(&stmt);
    if (rc == ERR_OK)
        rc =
            upstream_call(u, MSG_PROOF_GET, f, 3, MSG_PROOF, &answer, NULL, pb);
    if (rc != ERR_OK)
        return rc;
    hashes = &answer->f[PROOF_HASHES];
    for (size_t i = 0; i < hashes->len; i++)
        msg_copy(path[i].b, &hashes->items[i], 32);
    rc = merkle_verify_inclusion(&leaf, p->old_size, theirs->size, path,
                                 hashes->len, &theirs->root);
    return rc == ERR_OK ? rc
                        : not_that_log(pb, "the registrars' policy is not its "
                                           "entry where it begins");
}

/* ---- going on ---- */

static void
tell(struct app *app, const struct succession_loss *l, const struct head *ours,
     const char *origin)
{
    char when[CLOCK_TEXT_MAX];

    out_note(app,
             "The relay's log goes on as %s, by the registrars' policy "
             "(entry %" PRIu64 " of the directory).",
             origin, l->policy);
    if (ours->size <= l->from)
        return;
    out_note(app,
             "The relay was restored from an older copy: entries %" PRIu64
             " to %" PRIu64 " of its log, which this machine had seen, are "
             "lost there.  What was signed about them stays valid.",
             l->from, ours->size - 1);
    if (l->again + l->ended + l->events == 0)
        return;
    clock_format_local(when, l->since_ms);
    out_note(app,
             "Of ours, since %s: %u packet%s again by %s; %u had come to an "
             "end already, which our receipts still prove.",
             when, l->again, l->again == 1 ? " goes" : "s go",
             l->again == 1 ? "itself" : "themselves", l->ended);
}

enum err
succession_follow(struct upstream *u, struct roster *r, const struct era *was,
                  const struct head *theirs, struct problem *pb)
{
    struct head ours = *roster_delivery_head(r);
    const struct dir_policy *p = todays_policy(roster_directory(r));
    struct succession_loss loss = {0};
    enum err rc;

    if (p == NULL)
        return not_that_log(pb, "no policy continues a log");
    rc = check_old_root(u, p, theirs, pb);
    if (rc == ERR_OK)
        rc = check_entry(u, r, p, theirs, pb);
    if (rc == ERR_OK && ours.size <= was->end)
        rc = sync_join(u, r, LOG_DELIVERY, &ours, theirs, pb);
    if (rc != ERR_OK)
        return rc;
    loss.policy = p->index;
    loss.from = was->end;
    rc = succession_keep(r, was, &ours, theirs, &loss, pb);
    if (rc == ERR_OK)
        tell(roster_app(r), &loss, &ours, p->delivery_origin);
    return rc;
}

/* ---- the directory ---- */

static enum err
give_up(struct app *app, const uint8_t id[16], struct problem *pb)
{
    enum err rc = shelf_begin(app, pb);

    if (rc != ERR_OK)
        return rc;
    shelf_drop(app, REC_SUCCESSION, id);
    return shelf_end(app, ERR_OK, pb);
}

static enum err
put_leaf(struct upstream *u, struct app *app, const uint8_t id[16],
         struct problem *pb)
{
    struct problem mine = {0};
    struct buf leaf = {0};
    const struct msg *answer;
    unsigned wire = PERR_NONE;
    enum err rc = shelf_get_raw(app, REC_SUCCESSION, id, &leaf, pb);

    if (rc == ERR_OK) {
        struct msg_field f[] = {
            [STMT_PUT_STMT] = msg_bin(leaf.data, leaf.len),
        };
        rc = upstream_call(u, MSG_STMT_PUT, f, 1, MSG_STMT, &answer, &wire,
                           &mine);
    }
    buf_clear(&leaf);
    if (rc != ERR_OK && wire != PERR_STMT) {
        *pb = mine;
        return rc;
    }
    if (rc != ERR_OK)
        out_note(app,
                 "A statement that the restore lost is not taken any more "
                 "(%s); its agency has to make it anew.",
                 mine.why);
    return give_up(app, id, pb);
}

enum err
succession_put_leaves(struct upstream *u, struct roster *r, struct problem *pb)
{
    struct app *app = roster_app(r);
    struct vault_item item;
    size_t pos = 0;
    unsigned n = 0;
    enum err rc = ERR_OK;

    while (rc == ERR_OK &&
           vault_next(app->vault, REC_SUCCESSION, &pos, &item)) {
        if (item.id[8] != SUCCESSION_LEAF)
            continue;
        rc = put_leaf(u, app, item.id, pb);
        n++;
    }
    return rc == ERR_OK && n > 0 ? sync_directory(u, r, pb) : rc;
}

/* ---- afterwards ---- */

bool
succession_waits(const struct roster *r, const struct mail *m,
                 const struct header *hdr)
{
    const struct directory *dir = roster_directory(r);
    const struct dir_mailbox *mb = directory_mailbox(dir, &m->peer_mailbox);
    uint64_t now_ms = clock_wall_ms();

    if (m->again_ms == 0 || now_ms > m->again_ms + WAIT_MS || mb == NULL)
        return false;
    for (size_t i = 0; i < hdr->n_slots; i++) {
        const struct dir_device *d =
            directory_device(dir, &hdr->slots[i].device);

        if (d == NULL || !device_is_live(d, now_ms / 1000) ||
            !mailbox_has_device(mb, &d->id))
            return false; /* no key that may come would help */
    }
    return true;
}

/* The era in which OURS was given: that of the newest head the device knew. */
static enum err
era_of_rcpt(const struct directory *dir, const struct rcpt *ours,
            struct era *out)
{
    enum err rc = ERR_VERIFY;

    if (ours->dlv.size > 0)
        rc = era_of_head(dir, LOG_DELIVERY, &ours->dlv, out);
    for (size_t i = 0; rc != ERR_OK; i++)
        if (era_nth(dir, LOG_DELIVERY, i, out) != ERR_OK)
            return i > 0 ? era_nth(dir, LOG_DELIVERY, i - 1, out) : ERR_VERIFY;
    return rc;
}

bool
succession_calls_for_rcpt(const struct directory *dir, const struct rcpt *ours,
                          const struct receipt *stored)
{
    const struct event *ev = &stored->event;
    struct era e;

    return era_of_rcpt(dir, ours, &e) == ERR_OK && e.end != ERA_TODAY &&
           ours->stored_index >= e.end && stored->index >= e.end &&
           stored->index != ours->stored_index && ev->type == EVENT_STORED &&
           id_eq(&ev->packet, &ours->packet) &&
           id_eq(&ev->pkt_digest, &ours->pkt_digest);
}
