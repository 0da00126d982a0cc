/*
 * upstream_open.c - how a connection begins, and what it means when it does
 * not.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/identity.h"
#include "client/upstream_inside.h"
#include "common/address.h"

enum { DEADLINE_MS = 20 * 1000 };

static const char *
reason(const struct upstream *u)
{
    if (u->bye_code != 0)
        return bye_text(u->bye_code);
    return u->detail[0] != '\0' ? u->detail : err_text(u->why);
}

static const char unreachable[] = "the relay cannot be reached";

/* An end without a word, after our first message and within the time: what a
 * relay gives to who greets another key.  One that is full resets. */
static bool
is_wordless(const struct upstream *u)
{
    return u->why == ERR_CLOSED && u->detail[0] == '\0' && !u->late;
}

static enum err
never_ready(const struct upstream *u, struct problem *pb)
{
    switch (u->state) {
    case UP_CONNECTING:
        return problem_set(pb, P_UNREACHABLE, ERR_UNREACHABLE, unreachable,
                           "%s", u->late ? "it does not answer" : reason(u));
    case UP_SHAKING:
        if (u->why == ERR_VERIFY || u->why == ERR_MALFORMED || is_wordless(u))
            return problem_set(pb, P_RELAY_KEY, ERR_AUTH,
                               "somebody else answers at the relay's address",
                               "it does not hold the key that this network "
                               "names");
        if (u->why == ERR_VERSION)
            return problem_set(pb, P_NEWER_NEEDED, ERR_VERSION,
                               "the relay speaks another version",
                               "the two programs have none in common");
        (void)problem_set(pb, P_UNREACHABLE, ERR_UNREACHABLE, unreachable,
                          "it ended the connection before it showed its key: "
                          "it is busy or starting");
        return ERR_UNREACHABLE;
    default:
        return problem_set(pb, P_DEVICE, ERR_REFUSED,
                           "the relay turned this device away",
                           "it may have been revoked, or this machine's "
                           "clock is wrong");
    }
}

enum err
upstream_end_problem(const struct upstream *u, struct problem *pb)
{
    if (u->state != UP_READY)
        return never_ready(u, pb);
    if (u->bye_code == BYE_AUTHORITY)
        return problem_set(pb, P_DEVICE, ERR_REFUSED,
                           "the relay turned this device away", "%s",
                           bye_text(u->bye_code));
    if (u->why == ERR_MALFORMED || u->why == ERR_VERIFY)
        return problem_set(pb, P_RELAY_ERROR, ERR_CLOSED,
                           "the relay's words make no sense",
                           "%s; the connection was ended", err_text(u->why));
    return problem_set(
        pb, P_UNREACHABLE, ERR_CLOSED, "the connection to the relay ended",
        "%s", u->stream != NULL ? "it does not answer any more" : reason(u));
}

static enum err
until(struct upstream *u, enum upstream_state state, struct problem *pb)
{
    upstream_deadline(u, u->deadline_ms);
    while (u->state != state && upstream_turn(u))
        ;
    return u->state == state && u->stream != NULL ? ERR_OK
                                                  : upstream_end_problem(u, pb);
}

static enum err
connect_to(struct upstream *u, const char *address, struct problem *pb)
{
    char host[256];
    uint16_t port = 0;

    if (address_split(address, host, sizeof(host), &port) != ERR_OK ||
        port == 0)
        return problem_set(pb, P_UNREACHABLE, ERR_MALFORMED, unreachable,
                           "\"%.120s\" is not HOST:PORT", address);
    u->stream = stream_connect(&u->loop, host, port, u->deadline_ms,
                               &upstream_stream_events, u);
    return u->stream == NULL ? problem_from_err(pb, unreachable, ERR_NOMEM)
                             : ERR_OK;
}

static struct msg_field
note_or_nil(struct span note)
{
    return note.len == 0 ? msg_nil() : msg_bin(note.p, note.len);
}

static enum err
greet(struct upstream *u, const struct upstream_options *opt,
      struct problem *pb)
{
    struct msg_field f[] = {
        [WELCOME_DIR] = note_or_nil(opt->directory_checkpoint),
        [WELCOME_DLV] = note_or_nil(opt->delivery_checkpoint),
        [WELCOME_MAIL] = msg_u(opt->mail),
    };
    enum err rc = until(u, UP_READY, pb);

    if (rc != ERR_OK)
        return rc;
    rc = upstream_say(u, MSG_WELCOME, 0, f, 3);
    return problem_from_err(pb, unreachable, rc);
}

static enum err
open_once(const struct link_client_config *cfg, const char *address,
          const struct upstream_options *opt, struct upstream **out,
          struct problem *pb)
{
    struct upstream *u = upstream_new(
        cfg, opt->deadline_ms != 0 ? opt->deadline_ms : DEADLINE_MS);
    enum err rc;

    if (u == NULL)
        return problem_from_err(pb, unreachable, ERR_NOMEM);
    u->events = opt->events;
    u->arg = opt->arg;
    rc = connect_to(u, address, pb);
    if (rc == ERR_OK)
        rc = u->stranger ? until(u, UP_READY, pb) : greet(u, opt, pb);
    if (rc == ERR_OK)
        *out = u;
    else
        upstream_close(u);
    return rc;
}

/* A relay that dies just now ends a connection as a stranger would: only who
 * does it twice is one. */
static enum err
open_surely(const struct link_client_config *cfg, const char *address,
            const struct upstream_options *opt, struct upstream **out,
            struct problem *pb)
{
    struct problem first = {0};
    enum err rc = open_once(cfg, address, opt, out, &first);

    if (rc == ERR_OK)
        return rc;
    if (first.id == P_RELAY_KEY)
        return open_once(cfg, address, opt, out, pb);
    *pb = first;
    return rc;
}

enum err
upstream_open(const struct identity *id, const struct upstream_options *opt,
              struct upstream **out, struct problem *pb)
{
    struct link_client_config cfg = {
        .suite = LINK_XK,
        .relay_key = &id->relay_key,
        .relay_name = id->relay_name,
        .agency = id->agency,
        .device = id->device,
        .secret = &id->transport,
    };

    return open_surely(&cfg, id->relay_address, opt, out, pb);
}

enum err
upstream_open_stranger(const char *address, const char *relay_name,
                       const struct dh_key *relay_key, unsigned deadline_ms,
                       struct upstream **out, struct problem *pb)
{
    struct upstream_options opt = {.deadline_ms = deadline_ms};
    struct link_client_config cfg = {
        .suite = LINK_NK,
        .relay_key = relay_key,
        .relay_name = relay_name,
    };

    return open_surely(&cfg, address, &opt, out, pb);
}
