/*
 * joining.h - from an invite to a device that may speak: the request, the wait,
 * the end of it.  States in identity.h.
 */
#ifndef SEALPOST_CLIENT_JOINING_H
#define SEALPOST_CLIENT_JOINING_H

#include "client/app.h"
#include "client/identity.h"
#include "proto/fingerprint.h"

/* Ids of REC_STATEMENT; SENT marks that the relay has our request, ours. */
enum { JOINING_REQUEST, JOINING_ANSWER, JOINING_SENT };

/*
 * While WAITING: sends the request until the relay has it (it is the same one,
 * so nothing happens twice) and asks how it stands.  A code that somebody else
 * has used is P_INVITE_EXPIRED.  Admitted: the identity becomes READY
 * and is saved.  Refused: P_POLICY with the registrar's reason.  STATE gets
 * enum join_state.  P_UNREACHABLE leaves everything as it is.  A later device
 * publishes the answer to its request when nobody else has.
 */
enum err joining_advance(struct app *app, struct identity *id, unsigned *state,
                         struct problem *pb);
/* WAITING by an invite; false: as a later device of its agency. */
bool joining_by_invite(const struct identity *id);
/* Advances, tells how it stands and gives the exit code. */
int joining_report(struct app *app, struct identity *id, struct problem *pb);
/* The digits that the registrar will ask for. */
enum err joining_digits(struct app *app, const struct identity *id,
                        char out[FINGERPRINT_LEN + 1], struct problem *pb);

#endif
