/*
 * witnesses.h - who outside the relay must have seen its heads: the trust
 * policy in use, and the newest head of each log that enough of its witnesses
 * have cosigned (PROTOCOL.md sections 12.5 and 14.8).
 */
#ifndef SEALPOST_CLIENT_WITNESSES_H
#define SEALPOST_CLIENT_WITNESSES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client/desk.h"
#include "client/roster.h"
#include "proto/trust.h"

/* ---- the policy in use ---- */

/* Gives *OUT, to be freed with trust_free().  ERR_NOTFOUND without a problem
 * when none is in use. */
enum err witnesses_policy(struct app *app, struct trust **out,
                          struct problem *pb);
/* The same without its logs: for a file whose relay the directory here knows,
 * by today's name or by an earlier one. */
enum err witnesses_alone(struct app *app, struct trust **out,
                         struct problem *pb);
/* The policy of BYTES (called NAME in problems) is in use from now on.  P_TRUST
 * when it cannot be read or does not name both logs of this network with the
 * key that is in force. */
enum err witnesses_use(struct roster *r, const struct buf *bytes,
                       const char *name, struct problem *pb);
/* None is in use from now on.  ERR_NOTFOUND without a problem: none was. */
enum err witnesses_forget(struct app *app, struct problem *pb);
/* Does T know LOG under the network's own name and key? */
bool witnesses_know_log(const struct trust *t, const struct roster *r,
                        unsigned log);

/* ---- what they have said ---- */

/* The newest head of LOG kept here that T accepts. ERR_NOTFOUND without a
 * problem: none. */
enum err witnesses_newest(const struct roster *r, const struct trust *t,
                          unsigned log, struct trusted *out,
                          struct problem *pb);
/* Asks the relay for the newest cosigned heads of both logs, joins them to what
 * was seen before, keeps what the policy accepts; nothing without a policy.
 * ERR_VERIFY with P_SPLIT_VIEW, P_ORIGIN, or P_HIDDEN when witnesses have seen
 * more of the directory than the relay shows. */
enum err witnesses_fetch(struct desk *d, struct problem *pb);

/* One head with its cosignatures against POLICY and the network's own key;
 * ERR_VERIFY when it does not count. */
enum err witnesses_judge(const struct roster *r, const struct trust *t,
                         unsigned log, struct span note, struct trusted *out);

#endif
