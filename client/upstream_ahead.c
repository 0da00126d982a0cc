/*
 * upstream_ahead.c - several questions under way at a time.  Answers that come
 * before they are asked for are kept as bytes.
 */
#include "client/upstream_inside.h"

static struct ahead *
find(struct upstream *u, uint32_t req)
{
    for (size_t i = 0; i < UPSTREAM_AHEAD; i++)
        if (u->ahead[i].req == req)
            return &u->ahead[i];
    return NULL;
}

static void
release(struct ahead *a)
{
    a->req = 0;
    a->is_here = a->is_forgotten = false;
    buf_reset(&a->bytes);
}

enum err
upstream_take_ahead(struct upstream *u, uint32_t req, const uint8_t *bytes,
                    size_t len)
{
    struct ahead *a = find(u, req);

    if (a == NULL)
        return ERR_NOTFOUND;
    if (a->is_here)
        return ERR_MALFORMED; /* a second answer */
    if (a->is_forgotten) {
        release(a);
        return ERR_OK;
    }
    buf_put(&a->bytes, bytes, len);
    a->is_here = true;
    return buf_status(&a->bytes);
}

enum err
upstream_ask(struct upstream *u, uint8_t type, const struct msg_field *fields,
             unsigned n, uint32_t *ticket, struct problem *pb)
{
    struct ahead *a = find(u, 0);
    enum err rc;

    if (a == NULL)
        return problem_from_err(pb, "too much was asked at a time", ERR_FULL);
    u->req = u->req % MSG_REQ_MAX + 1;
    rc = upstream_say(u, type, u->req, fields, n);
    if (rc != ERR_OK && u->stream != NULL)
        return problem_from_err(pb, "the question cannot be sent", rc);
    a->req = u->req;
    *ticket = u->req;
    return ERR_OK;
}

enum err
upstream_answer(struct upstream *u, uint32_t ticket, uint8_t want,
                const struct msg **answer, unsigned *wire_code,
                struct problem *pb)
{
    struct ahead *a = find(u, ticket);
    enum err rc;

    if (wire_code != NULL)
        *wire_code = PERR_NONE;
    if (a == NULL)
        return problem_from_err(pb, "nothing was asked", ERR_STATE);
    rc = upstream_await(u, &a->is_here, pb);
    if (rc == ERR_OK)
        rc = problem_from_err(
            pb, "the relay's words cannot be read",
            upstream_take_answer(u, a->bytes.data, a->bytes.len));
    release(a);
    return rc == ERR_OK ? upstream_judge(u, want, answer, wire_code, pb) : rc;
}

void
upstream_forget(struct upstream *u, uint32_t ticket)
{
    struct ahead *a = find(u, ticket);

    if (a == NULL)
        return;
    if (a->is_here)
        release(a);
    else
        a->is_forgotten = true;
}
