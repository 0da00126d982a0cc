/*
 * handle_blob.c - BLOB_PUT, BLOB_GET, BLOB_END: who may move which attachment.
 * The moving itself is in transfer.c.
 */
#include <string.h>

#include "common/clock.h"
#include "server/handlers.h"
#include "server/relay.h"
#include "server/task.h"
#include "server/transfer.h"

static void
on_reserved(struct task *t)
{
    const struct store_blob_begin_op *op = &t->job.op.blob_begin;
    const struct store_result *res = &t->job.op.result;
    struct store_blob info = {
        .blob = res->blob,
        .owner = op->owner,
        .att = op->att,
        .ct_len = op->ct_len,
        .have = res->have,
        .digest = op->digest,
    };

    if (t->session == NULL)
        return;
    if (res->why != STORE_OK)
        session_store_error(t->session, t->req, res->why);
    else if (!transfer_upload(t->session, t->req, &info))
        session_error(t->session, t->req, PERR_BUSY, "too many transfers");
}

void
handle_blob_put(struct session *s, const struct msg *m, const uint8_t *bytes,
                size_t len)
{
    struct task *t = task_new(session_relay(s), s, m->req, STORE_OP_BLOB_BEGIN,
                              bytes, len, on_reserved);
    struct store_blob_begin_op *op;

    if (t == NULL) {
        session_error(s, m->req, PERR_BUSY, "no memory");
        return;
    }
    op = &t->job.op.blob_begin;
    op->owner = session_device(s)->agency->id;
    msg_copy(op->att.b, &m->f[BLOB_PUT_ATT_ID], sizeof(op->att.b));
    op->ct_len = m->f[BLOB_PUT_CT_LEN].u;
    msg_copy(op->digest.b, &m->f[BLOB_PUT_DIGEST], sizeof(op->digest.b));
    relay_submit(session_relay(s), t);
}

void
handle_blob_end(struct session *s, const struct msg *m, const uint8_t *bytes,
                size_t len)
{
    (void)bytes;
    (void)len;
    if (!transfer_end(s, m->req, (uint32_t)m->f[BLOB_END_HANDLE].u))
        session_error(s, m->req, PERR_BLOB, "no such upload");
}

void
handle_blob_get(struct session *s, const struct msg *m, const uint8_t *bytes,
                size_t len)
{
    const struct dir_device *d = session_device(s);
    uint64_t offset = m->f[BLOB_GET_OFFSET].u;
    uint64_t want = m->f[BLOB_GET_LEN].u;
    struct store_blob info;
    struct agency_id owner;
    struct att_id att;
    enum err rc;

    (void)bytes;
    (void)len;
    msg_copy(owner.b, &m->f[BLOB_GET_OWNER], sizeof(owner.b));
    msg_copy(att.b, &m->f[BLOB_GET_ATT_ID], sizeof(att.b));
    rc = store_blob_readable(session_relay(s)->reader, &d->id, &d->agency->id,
                             &owner, &att, clock_wall_ms() / 1000, &info);
    if (rc == ERR_NOTFOUND || (rc == ERR_OK && !info.complete))
        session_error(s, m->req, PERR_BLOB, "not here");
    else if (rc != ERR_OK)
        session_error(s, m->req, PERR_INTERNAL, err_text(rc));
    else if (offset > info.ct_len || want > info.ct_len - offset)
        session_error(s, m->req, PERR_BLOB, "beyond its end");
    else if (!transfer_download(s, m->req, &info, offset, want))
        session_error(s, m->req, PERR_BUSY, "too many transfers");
}
