#include "client/joining.h"

#include <string.h>

#include "client/shelf.h"
#include "client/upstream.h"
#include "client/vault.h"
#include "proto/invite.h"

enum { DEADLINE_MS = 20 * 1000 };

bool
joining_by_invite(const struct identity *id)
{
    static const uint8_t none[16];

    return !crypto_equal(id->invite_code, none, sizeof(none));
}

static enum err
send_request(struct app *app, struct upstream *up, const struct identity *id,
             unsigned *wire, struct problem *pb)
{
    const struct msg *answer;
    struct buf req = {0};
    enum err rc = vault_get(app->vault, REC_STATEMENT, shelf_one, &req);

    if (rc != ERR_OK)
        return problem_from_err(pb, "the request to join is not in the vault",
                                rc);
    struct msg_field f[] = {
        [JOIN_CODE] = msg_bin(id->invite_code, 16),
        [JOIN_REQUEST] = msg_bin(req.data, req.len),
    };
    rc = upstream_call(up, MSG_JOIN, f, 2, MSG_JOIN_STATE, &answer, wire, pb);
    buf_clear(&req);
    return rc;
}

static enum err
ask_state(struct upstream *up, const struct identity *id, unsigned *state,
          struct problem *pb)
{
    struct msg_field f[] = {
        [JOIN_STATUS_CODE] = msg_bin(id->invite_code, 16),
    };
    const struct msg *answer;
    enum err rc = upstream_call(up, MSG_JOIN_STATUS, f, 1, MSG_JOIN_STATE,
                                &answer, NULL, pb);

    if (rc != ERR_OK)
        return rc;
    *state = (unsigned)answer->f[JOIN_STATE_STATE].u;
    if (*state == JOIN_REFUSED)
        return problem_set(pb, P_POLICY, ERR_REFUSED,
                           "the registrar refused the request", "%.*s",
                           (int)answer->f[JOIN_STATE_DETAIL].len,
                           (const char *)answer->f[JOIN_STATE_DETAIL].p);
    return ERR_OK;
}

static enum err
invite_problem(struct problem *pb)
{
    memset(pb, 0, sizeof(*pb));
    return problem_set(pb, P_INVITE_EXPIRED, ERR_EXPIRED,
                       "the invite is not valid any more",
                       "it is unknown to the relay, expired, or somebody else "
                       "has used it");
}

/* Does the relay let this device in? */
static enum err
knock(const struct identity *id, unsigned *state, struct problem *pb)
{
    struct upstream_options opt = {.deadline_ms = DEADLINE_MS};
    struct upstream *up = NULL;
    struct problem mine = {0};
    enum err rc = upstream_open(id, &opt, &up, &mine);

    upstream_close(up);
    *state = rc == ERR_OK ? JOIN_ADMITTED : JOIN_WAITING;
    if (rc == ERR_OK || mine.id == P_DEVICE)
        return ERR_OK;
    *pb = mine;
    return rc;
}

static enum err
put_answer(struct upstream *up, const struct buf *answer, struct problem *pb)
{
    struct stmt_bundle bundle;
    const uint8_t *bytes;
    size_t len;
    enum err rc = stmt_bundle_open(&bundle, answer->data, answer->len);

    while (rc == ERR_OK && stmt_bundle_next(&bundle, &bytes, &len)) {
        struct msg_field f[] = {[STMT_PUT_STMT] = msg_bin(bytes, len)};
        const struct msg *m;
        unsigned wire = 0;

        rc = upstream_call(up, MSG_STMT_PUT, f, 1, MSG_STMT, &m, &wire, pb);
        if (rc != ERR_OK && wire != 0)
            problem_next(pb, "ask your agency to sign this device's request "
                             "once more, then `sealpost device install`");
    }
    return problem_from_err(pb, "the signed file cannot be used", rc);
}

/* A later device has no code: it is admitted when its relay lets it in.  The
 * agency may have signed without a connection; then we publish. */
static enum err
try_device(struct app *app, const struct identity *id, unsigned *state,
           struct problem *pb)
{
    struct upstream *up = NULL;
    struct buf answer = {0};
    uint8_t record[16];
    enum err rc = knock(id, state, pb);

    if (rc != ERR_OK || *state == JOIN_ADMITTED)
        return rc;
    shelf_number(record, JOINING_ANSWER);
    rc = shelf_get_raw(app, REC_STATEMENT, record, &answer, pb);
    if (rc == ERR_NOTFOUND)
        return ERR_OK;
    if (rc == ERR_OK)
        rc = upstream_open_stranger(id->relay_address, id->relay_name,
                                    &id->relay_key, DEADLINE_MS, &up, pb);
    if (rc == ERR_OK)
        rc = put_answer(up, &answer, pb);
    upstream_close(up);
    buf_clear(&answer);
    return rc == ERR_OK ? knock(id, state, pb) : rc;
}

/* Asked first in a vault that does not know it: a code that somebody else has
 * used would otherwise report how THEIR request stands. */
static enum err
put_request(struct app *app, struct upstream *up, const struct identity *id,
            struct problem *pb)
{
    uint8_t sent[16];
    unsigned wire = 0;
    enum err rc = send_request(app, up, id, &wire, pb);

    if (wire == PERR_INVITE)
        return invite_problem(pb);
    if (rc == ERR_OK)
        rc = shelf_begin(app, pb);
    if (rc != ERR_OK)
        return rc;
    shelf_number(sent, JOINING_SENT);
    shelf_put_raw(app, REC_STATEMENT, sent, "", 1);
    return shelf_end(app, ERR_OK, pb);
}

static bool
is_sent(struct app *app)
{
    uint8_t sent[16];

    shelf_number(sent, JOINING_SENT);
    return vault_has(app->vault, REC_STATEMENT, sent);
}

static enum err
try_invite(struct app *app, const struct identity *id, unsigned *state,
           struct problem *pb)
{
    struct upstream *up = NULL;
    enum err rc = upstream_open_stranger(id->relay_address, id->relay_name,
                                         &id->relay_key, DEADLINE_MS, &up, pb);

    if (rc == ERR_OK && !is_sent(app))
        rc = put_request(app, up, id, pb);
    if (rc == ERR_OK)
        rc = ask_state(up, id, state, pb);
    /* Unknown again: the relay has lost it. */
    if (rc == ERR_OK && *state == JOIN_UNKNOWN) {
        rc = put_request(app, up, id, pb);
        *state = JOIN_WAITING;
    }
    upstream_close(up);
    return rc;
}

static enum err
forget_request(struct app *app, struct problem *pb)
{
    uint8_t id[16];
    enum err rc = shelf_begin(app, pb);

    if (rc != ERR_OK)
        return rc;
    for (unsigned n = JOINING_REQUEST; n <= JOINING_SENT; n++) {
        shelf_number(id, n);
        shelf_drop(app, REC_STATEMENT, id);
    }
    shelf_drop(app, REC_CARD, shelf_one);
    return shelf_end(app, ERR_OK, pb);
}

enum err
joining_advance(struct app *app, struct identity *id, unsigned *state,
                struct problem *pb)
{
    enum err rc;

    *state = JOIN_UNKNOWN;
    if (id->state != IDENTITY_WAITING) {
        *state = JOIN_ADMITTED;
        return ERR_OK;
    }
    rc = joining_by_invite(id) ? try_invite(app, id, state, pb)
                               : try_device(app, id, state, pb);
    if (rc == ERR_OK && *state == JOIN_ADMITTED) {
        id->state = IDENTITY_READY;
        crypto_wipe(id->invite_code, sizeof(id->invite_code));
        rc = identity_save(app, id, pb);
        if (rc == ERR_OK)
            rc = forget_request(app, pb);
    }
    return rc;
}

enum err
joining_digits(struct app *app, const struct identity *id,
               char out[FINGERPRINT_LEN + 1], struct problem *pb)
{
    struct join_request req;
    struct buf b = {0};
    enum err rc = vault_get(app->vault, REC_STATEMENT, shelf_one, &b);

    if (rc == ERR_OK)
        rc = join_request_parse(&req, b.data, b.len);
    if (rc == ERR_OK)
        fingerprint(out, &id->network_id, &req.root, id->agency_name);
    else
        (void)problem_from_err(pb, "the request to join is not in the vault",
                               rc);
    buf_clear(&b);
    return rc;
}
