/*
 * upstream_call.c - questions and their answers, attachments up and down.
 */
#include <string.h>

#include "client/upstream_inside.h"
#include "common/clock.h"

enum {
    UP_CHUNK = 64 * 1024,
    UNSENT_MAX = 4 * UP_CHUNK, /* then wait until some of it has left */
};

enum err
upstream_say(struct upstream *u, uint8_t type, uint32_t req,
             const struct msg_field *f, unsigned n)
{
    struct buf b = {0};
    enum err rc = msg_encode(&b, MSG_FROM_CLIENT, type, req, f, n);

    if (rc == ERR_OK)
        rc = link_send_msg(u->link, b.data, b.len, clock_mono_ms());
    buf_clear(&b);
    upstream_flush(u);
    return rc;
}

/* ---- errors of the relay ---- */

/* What a wire error means for the person; the rest is P_RELAY_ERROR. */
static const struct {
    unsigned code;
    enum problem_id id;
    enum err err;
} meanings[] = {
    {PERR_DENIED, P_POLICY, ERR_REFUSED},
    {PERR_SUSPENDED, P_RECIPIENT_SUSPENDED, ERR_REFUSED},
    {PERR_SENDER, P_POLICY, ERR_REFUSED},
    {PERR_MAILBOX, P_RECIPIENT_UNKNOWN, ERR_NOTFOUND},
    {PERR_QUOTA, P_QUOTA, ERR_REFUSED},
    {PERR_FINAL, P_FINAL, ERR_STATE},
    {PERR_INVITE, P_INVITE, ERR_REFUSED},
    {PERR_ORIGIN, P_ORIGIN, ERR_VERIFY},
    {PERR_NOTFOUND, P_NOT_FOUND, ERR_NOTFOUND},
    {PERR_VERSION, P_NEWER_NEEDED, ERR_VERSION},
    {PERR_CONFLICT, P_VERIFY, ERR_CONFLICT},
    {PERR_ERASED, P_RELAY_ERROR, ERR_EXPIRED},
    {PERR_STMT, P_POLICY, ERR_REFUSED},
};

static enum err
wire_problem(unsigned code, const struct msg_field *detail, struct problem *pb)
{
    const struct perr_row *row = perr_row(code);
    enum problem_id id = P_RELAY_ERROR;
    enum err e = row->is_retryable ? ERR_BUSY : ERR_REFUSED;
    int len = detail == NULL ? 0 : (int)detail->len;

    for (size_t i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++)
        if (meanings[i].code == code) {
            id = meanings[i].id;
            e = meanings[i].err;
        }
    (void)problem_set(pb, id, e, "the relay refused", "%s (relay: %s%s%.*s)",
                      row->what, row->name, len > 0 ? ", " : "", len,
                      len > 0 ? (const char *)detail->p : "");
    if (id == P_RELAY_ERROR)
        problem_next(pb, "%s", row->todo);
    return e;
}

/* ---- one question ---- */

enum err
upstream_await(struct upstream *u, const bool *done, struct problem *pb)
{
    upstream_deadline(u, u->deadline_ms);
    while (!*done && upstream_turn(u))
        ;
    u->asking = false;
    if (*done)
        return ERR_OK;
    (void)upstream_end_problem(u, pb);
    /* An answer that comes too late would be taken for that of the next. */
    if (u->stream != NULL)
        stream_close(u->stream, ERR_TIMEOUT);
    return ERR_CLOSED;
}

enum err
upstream_judge(struct upstream *u, uint8_t want, const struct msg **answer,
               unsigned *wire_code, struct problem *pb)
{
    if (u->answer.type == MSG_ERROR) {
        unsigned code = (unsigned)u->answer.f[ERROR_CODE].u;

        if (wire_code != NULL)
            *wire_code = code;
        return wire_problem(code, &u->answer.f[ERROR_DETAIL], pb);
    }
    if (u->answer.type != want)
        return problem_set(pb, P_RELAY_ERROR, ERR_MALFORMED,
                           "the relay's words make no sense",
                           "its answer is of another kind than asked for");
    if (answer != NULL)
        *answer = &u->answer;
    return ERR_OK;
}

enum err
upstream_call(struct upstream *u, uint8_t type, const struct msg_field *fields,
              unsigned n, uint8_t want, const struct msg **answer,
              unsigned *wire_code, struct problem *pb)
{
    enum err rc;

    if (wire_code != NULL)
        *wire_code = PERR_NONE;
    u->req = u->req % MSG_REQ_MAX + 1;
    u->asking = true;
    u->answered = false;
    rc = upstream_say(u, type, u->req, fields, n);
    if (rc != ERR_OK && u->stream != NULL)
        return problem_from_err(pb, "the question cannot be sent", rc);
    rc = upstream_await(u, &u->answered, pb);
    return rc == ERR_OK ? upstream_judge(u, want, answer, wire_code, pb) : rc;
}

/* ---- attachments ---- */

static enum err
wait_room(struct upstream *u, struct problem *pb)
{
    upstream_deadline(u, u->deadline_ms);
    while (u->stream != NULL && stream_unsent(u->stream) > UNSENT_MAX &&
           u->stray_error == 0)
        if (!upstream_turn(u))
            break;
    if (u->stray_error != 0)
        return wire_problem(u->stray_error, NULL, pb);
    return u->stream != NULL && !u->late ? ERR_OK : upstream_end_problem(u, pb);
}

enum err
upstream_upload(struct upstream *u, uint32_t handle, uint64_t offset,
                uint64_t len, upstream_read_fn read, void *arg,
                struct problem *pb)
{
    uint8_t chunk[UP_CHUNK];
    enum err rc = ERR_OK;

    u->stray_error = 0;
    while (len > 0 && rc == ERR_OK) {
        size_t n = len < UP_CHUNK ? (size_t)len : UP_CHUNK;

        rc = wait_room(u, pb);
        if (rc == ERR_OK && (rc = read(arg, offset, chunk, n)) != ERR_OK)
            return problem_from_err(pb, "an attachment cannot be read", rc);
        if (rc == ERR_OK)
            rc = problem_from_err(pb, "an attachment cannot be sent",
                                  link_send_blob(u->link, handle, offset, chunk,
                                                 n, clock_mono_ms()));
        upstream_flush(u);
        offset += n;
        len -= n;
    }
    return rc;
}

static enum err
receive(struct upstream *u, struct problem *pb)
{
    struct download *d = &u->down;

    upstream_deadline(u, u->deadline_ms);
    while (d->at < d->end && d->rc == ERR_OK && u->stray_error == 0)
        if (!upstream_turn(u))
            break;
    if (d->rc != ERR_OK)
        return problem_from_err(pb, "an attachment cannot be kept", d->rc);
    if (u->stray_error != 0)
        return wire_problem(u->stray_error, NULL, pb);
    return d->at == d->end ? ERR_OK : upstream_end_problem(u, pb);
}

enum err
upstream_download(struct upstream *u, const struct agency_id *owner,
                  const struct att_id *id, uint64_t offset, uint64_t len,
                  upstream_write_fn write, void *arg, struct problem *pb)
{
    struct msg_field f[] = {
        [BLOB_GET_OWNER] = msg_bin(owner->b, sizeof(owner->b)),
        [BLOB_GET_ATT_ID] = msg_bin(id->b, sizeof(id->b)),
        [BLOB_GET_OFFSET] = msg_u(offset),
        [BLOB_GET_LEN] = msg_u(len),
    };
    enum err rc;

    if (len == 0)
        return ERR_OK;
    u->stray_error = 0;
    u->down = (struct download){
        .write = write, .arg = arg, .at = offset, .end = offset + len};
    rc = upstream_call(u, MSG_BLOB_GET, f, 4, MSG_BLOB_AT, NULL, NULL, pb);
    if (rc == ERR_OK)
        rc = receive(u, pb);
    u->down.write = NULL;
    return rc;
}
