/*
 * prekeys.h - this device's own prekeys: a new one in time, old seeds marked
 * and destroyed, the newest one at the relay (PROTOCOL.md section 11).
 */
#ifndef SEALPOST_CLIENT_PREKEYS_H
#define SEALPOST_CLIENT_PREKEYS_H

#include "client/identity.h"
#include "client/problem.h"
#include "client/upstream.h"

/* Everything that is due now.  Idempotent; cheap when nothing is.  A prekey is
 * in the vault before the relay hears of it. */
enum err prekeys_refresh(struct app *app, const struct identity *id,
                         struct upstream *up, struct problem *pb);

#endif
