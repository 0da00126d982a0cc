/*
 * handle_send.c - SEND: a packet comes in.  The session's device is its
 * sender; everything else is checked by the store inside the transaction that
 * stores it, and the answer leaves after its commit.
 */
#include <string.h>

#include "common/clock.h"
#include "server/handlers.h"
#include "server/relay.h"
#include "server/task.h"

/* Refusals by quota are themselves counted, once for every one. */
static void
on_quota_counted(struct task *t)
{
    (void)t;
}

static void
count_quota(struct relay *r, const struct dir_device *d)
{
    struct task *t =
        task_new(r, NULL, 0, STORE_OP_QUOTA_REFUSED, NULL, 0, on_quota_counted);

    if (t == NULL)
        return;
    t->job.op.quota_refused.agency = d->agency->id;
    t->job.op.quota_refused.device = d->id;
    relay_submit(r, t);
}

static void
on_stored(struct task *t)
{
    const struct store_result *res = &t->job.op.result;
    const struct msg_field *hdr = &t->msg.f[SEND_HDR];

    if (res->why == STORE_OK && !res->repeat)
        t->relay->stats.stored++;
    if (t->session == NULL)
        return;
    if (res->why == STORE_OK) {
        struct msg_field f[] = {
            [LOGGED_PACKET_ID] = msg_bin(hdr->p + 8, 16),
            [LOGGED_PROOF] = msg_bin(res->proof.data, res->proof.len),
        };
        session_send(t->session, MSG_LOGGED, t->req, f, 2);
        return;
    }
    if (res->why == STORE_WHY_QUOTA)
        count_quota(t->relay, session_device(t->session));
    session_store_error(t->session, t->req, res->why);
}

static struct span
span_of(const struct msg_field *f)
{
    return (struct span){f->p, f->len};
}

void
handle_send(struct session *s, const struct msg *m, const uint8_t *bytes,
            size_t len)
{
    struct relay *r = session_relay(s);
    const struct dir_device *d = session_device(s);
    struct task *t =
        task_new(r, s, m->req, STORE_OP_PACKET, bytes, len, on_stored);
    struct store_packet_op *op;

    if (t == NULL) {
        session_error(s, m->req, PERR_BUSY, "no memory");
        return;
    }
    op = &t->job.op.packet;
    op->sender = d->agency->id;
    op->device = d->id;
    op->hdr = span_of(&t->msg.f[SEND_HDR]);
    op->wraps = span_of(&t->msg.f[SEND_WRAPS]);
    op->body = span_of(&t->msg.f[SEND_BODY]);
    op->has_resend_of = t->msg.f[SEND_RESEND_OF].kind != MSG_NIL;
    if (op->has_resend_of)
        msg_copy(op->resend_of.b, &t->msg.f[SEND_RESEND_OF], 16);
    relay_submit(r, t);
}
