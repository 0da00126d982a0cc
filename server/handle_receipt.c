/*
 * handle_receipt.c - RECEIPT and WITHDRAW: what devices sign about packets.
 * Signatures are verified here, before they may become evidence.
 */
#include <stdlib.h>
#include <string.h>

#include "proto/receipt.h"
#include "server/handlers.h"
#include "server/mailroom.h"
#include "server/relay.h"
#include "server/task.h"

static void
on_logged(struct task *t)
{
    const struct store_result *res = &t->job.op.result;

    if (t->session == NULL)
        return;
    if (res->why == STORE_OK) {
        struct msg_field f[] = {
            [LOGGED_PACKET_ID] = msg_bin(t->extra, 16),
            [LOGGED_PROOF] = msg_bin(res->proof.data, res->proof.len),
        };
        session_send(t->session, MSG_LOGGED, t->req, f, 2);
    } else {
        session_store_error(t->session, t->req, res->why);
    }
    if (t->job.op.kind == STORE_OP_RECEIPT && session_is_mail(t->session))
        mailroom_receipted(t->session, t->extra);
}

static struct task *
signed_task(struct session *s, const struct msg *m, enum store_op_kind kind,
            const uint8_t *bytes, size_t len, const struct packet_id *packet)
{
    struct task *t =
        task_new(session_relay(s), s, m->req, kind, bytes, len, on_logged);

    if (t != NULL && (t->extra = malloc(sizeof(*packet))) == NULL) {
        task_free(t);
        t = NULL;
    }
    if (t == NULL)
        session_error(s, m->req, PERR_BUSY, "no memory");
    else
        memcpy(t->extra, packet, sizeof(*packet));
    return t;
}

void
handle_receipt(struct session *s, const struct msg *m, const uint8_t *bytes,
               size_t len)
{
    const struct dir_device *d = session_device(s);
    const struct msg_field *f = &m->f[RECEIPT_RCPT];
    struct rcpt rc;
    struct task *t;

    if (rcpt_parse(&rc, f->p, f->len) != ERR_OK || !id_eq(&rc.device, &d->id) ||
        !id_eq(&rc.agency, &d->agency->id) ||
        rcpt_verify(f->p, &d->sign_key) != ERR_OK) {
        session_error(s, m->req, PERR_EVIDENCE, NULL);
        return;
    }
    t = signed_task(s, m, STORE_OP_RECEIPT, bytes, len, &rc.packet);
    if (t == NULL)
        return;
    t->job.op.receipt.rcpt = (struct span){t->msg.f[RECEIPT_RCPT].p, RCPT_LEN};
    relay_submit(session_relay(s), t);
}

void
handle_withdraw(struct session *s, const struct msg *m, const uint8_t *bytes,
                size_t len)
{
    const struct dir_device *d = session_device(s);
    const struct msg_field *f = &m->f[WITHDRAW_WDRW];
    struct wdrw w;
    struct task *t;

    if (wdrw_parse(&w, f->p, f->len) != ERR_OK || !id_eq(&w.device, &d->id) ||
        !id_eq(&w.sender, &d->agency->id) ||
        wdrw_verify(f->p, &d->sign_key) != ERR_OK) {
        session_error(s, m->req, PERR_EVIDENCE, NULL);
        return;
    }
    t = signed_task(s, m, STORE_OP_WITHDRAW, bytes, len, &w.packet);
    if (t == NULL)
        return;
    t->job.op.withdraw.wdrw =
        (struct span){t->msg.f[WITHDRAW_WDRW].p, WDRW_LEN};
    relay_submit(session_relay(s), t);
}
