/*
 * handle_join.c - invitations and requests to join: by the registrar over XK,
 * by strangers with a code over NK.
 */
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "proto/invite.h"
#include "server/handlers.h"
#include "server/page.h"
#include "server/relay.h"
#include "server/task.h"

static bool
is_registrar(struct session *s, uint32_t req)
{
    if (session_device(s)->agency->class == CLASS_REGISTRAR)
        return true;
    session_error(s, req, PERR_DENIED, "only the registrar may do that");
    return false;
}

static void
answer_ok(struct task *t)
{
    if (t->session == NULL)
        return;
    if (t->job.op.result.why == STORE_OK)
        session_send(t->session, MSG_OK, t->req, NULL, 0);
    else
        session_store_error(t->session, t->req, t->job.op.result.why);
}

static struct task *
join_task(struct session *s, const struct msg *m, enum store_op_kind kind,
          const uint8_t *bytes, size_t len, void (*answer)(struct task *t))
{
    struct task *t =
        task_new(session_relay(s), s, m->req, kind, bytes, len, answer);

    if (t == NULL)
        session_error(s, m->req, PERR_BUSY, "no memory");
    return t;
}

void
handle_invite_new(struct session *s, const struct msg *m, const uint8_t *bytes,
                  size_t len)
{
    uint64_t now = clock_wall_ms() / 1000;
    uint64_t expiry = m->f[INVITE_NEW_EXPIRY].u;
    struct task *t;

    if (!is_registrar(s, m->req))
        return;
    /* An hour for clocks that differ. */
    if (expiry <= now || expiry > now + LIMIT_INVITE_DAYS * 86400 + 3600) {
        session_error(s, m->req, PERR_INVITE, "at most 14 days");
        return;
    }
    t = join_task(s, m, STORE_OP_INVITE, bytes, len, answer_ok);
    if (t == NULL)
        return;
    msg_copy(t->job.op.invite.code_hash.b, &m->f[INVITE_NEW_CODE_HASH], 32);
    t->job.op.invite.expiry_s = expiry;
    relay_submit(session_relay(s), t);
}

static void
send_state(struct session *s, uint32_t req, unsigned state, const char *detail)
{
    struct msg_field f[] = {
        [JOIN_STATE_STATE] = msg_u(state),
        [JOIN_STATE_DETAIL] = msg_str(detail),
    };

    session_send(s, MSG_JOIN_STATE, req, f, 2);
}

static void
on_joined(struct task *t)
{
    if (t->session == NULL)
        return;
    if (t->job.op.result.why == STORE_OK)
        send_state(t->session, t->req, JOIN_WAITING, "");
    else
        session_store_error(t->session, t->req, t->job.op.result.why);
}

static enum err
is_known(void *arg, const struct store_join *j)
{
    (void)arg;
    (void)j;
    return ERR_OK;
}

void
handle_join(struct session *s, const struct msg *m, const uint8_t *bytes,
            size_t len)
{
    struct relay *r = session_relay(s);
    const struct msg_field *req = &m->f[JOIN_REQUEST];
    struct join_request jr;
    struct hash network, code;
    struct task *t;

    /* A stranger who has no code costs one look-up. */
    invite_code_hash(&code, m->f[JOIN_CODE].p);
    if (store_join_by_code(r->reader, &code, is_known, NULL) == ERR_NOTFOUND) {
        session_error(s, m->req, PERR_INVITE, "the code is not known");
        return;
    }
    if (!directory_network_id(r->directory, &network) ||
        join_request_parse(&jr, req->p, req->len) != ERR_OK ||
        join_request_check(&jr, &network) != ERR_OK) {
        session_error(s, m->req, PERR_STMT, "the request does not verify");
        return;
    }
    t = join_task(s, m, STORE_OP_JOIN, bytes, len, on_joined);
    if (t == NULL)
        return;
    t->job.op.join.code_hash = code;
    agency_id_of(&t->job.op.join.agency, &jr.root);
    t->job.op.join.request =
        (struct span){t->msg.f[JOIN_REQUEST].p, t->msg.f[JOIN_REQUEST].len};
    relay_submit(r, t);
}

struct state_answer {
    struct session *session;
    uint32_t req;
};

static enum err
on_state(void *arg, const struct store_join *j)
{
    struct state_answer *a = arg;
    char detail[201] = "";
    const struct dir_agency *agency =
        directory_agency(session_relay(a->session)->directory, &j->agency);
    unsigned state = j->state;

    if (j->detail.len > 0 && j->detail.len < sizeof(detail))
        memcpy(detail, j->detail.p, j->detail.len);
    /* Admitted is told once the device can really connect. */
    if (state == STORE_JOIN_ADMITTED &&
        (agency == NULL || agency->n_devices == 0))
        state = JOIN_WAITING;
    send_state(a->session, a->req, state, detail);
    return ERR_OK;
}

void
handle_join_status(struct session *s, const struct msg *m, const uint8_t *bytes,
                   size_t len)
{
    struct state_answer a = {s, m->req};
    struct hash code;
    enum err rc;

    (void)bytes;
    (void)len;
    invite_code_hash(&code, m->f[JOIN_STATUS_CODE].p);
    rc = store_join_by_code(session_relay(s)->reader, &code, on_state, &a);
    if (rc == ERR_NOTFOUND)
        send_state(s, m->req, JOIN_UNKNOWN, "");
    else if (rc != ERR_OK)
        session_error(s, m->req, PERR_INTERNAL, err_text(rc));
}

static enum err
on_waiting(void *arg, const struct store_join *j)
{
    struct page *p = arg;
    struct msg_field f[] = {
        [JOINS_ROW_CODE_HASH] = msg_bin(j->code_hash.b, 32),
        [JOINS_ROW_REQUEST] = msg_bin(j->request.p, j->request.len),
        [JOINS_ROW_RECEIVED_S] = msg_u(j->received_s),
    };

    if (page_is_full(p, j->request.len + 32))
        return ERR_CANCELLED;
    return page_add(p, f, 3);
}

void
handle_join_list(struct session *s, const struct msg *m, const uint8_t *bytes,
                 size_t len)
{
    struct msg_field items[LIMIT_JOINS_PAGE];
    struct page p = {0};
    enum err rc;

    (void)bytes;
    (void)len;
    if (!is_registrar(s, m->req))
        return;
    rc =
        store_joins(session_relay(s)->reader, LIMIT_JOINS_PAGE, on_waiting, &p);
    if (rc == ERR_OK || rc == ERR_CANCELLED) {
        struct msg_field f[] = {[JOINS_ROWS] = page_list(&p, items, 3)};
        session_send(s, MSG_JOINS, m->req, f, 1);
    } else {
        session_error(s, m->req, PERR_INTERNAL, err_text(rc));
    }
    page_clear(&p);
}

void
handle_join_refuse(struct session *s, const struct msg *m, const uint8_t *bytes,
                   size_t len)
{
    const struct msg_field *why;
    struct task *t;

    if (!is_registrar(s, m->req))
        return;
    t = join_task(s, m, STORE_OP_JOIN_REFUSE, bytes, len, answer_ok);
    if (t == NULL)
        return;
    why = &t->msg.f[JOIN_REFUSE_REASON];
    msg_copy(t->job.op.join_refuse.code_hash.b, &m->f[JOIN_REFUSE_CODE_HASH],
             32);
    t->job.op.join_refuse.reason = (struct span){why->p, why->len};
    relay_submit(session_relay(s), t);
}
