/*
 * interview.h - asks for a referral question by question on the terminal, and
 * saves the draft after each answer.  Knows no packets and no network.
 */
#ifndef SEALPOST_CLIENT_INTERVIEW_H
#define SEALPOST_CLIENT_INTERVIEW_H

#include "client/app.h"
#include "client/draft.h"
#include "client/profile.h"

/* Goes on behind D's cursor until no open question is left, the person stops,
 * or the input ends; all three are ERR_OK.  Errors are the vault's. */
enum err interview_run(struct app *app, const struct profile *p,
                       struct draft *d, struct problem *pb);

/* SEALPOST_LANG when P speaks it ("cy"), else NULL: English. */
const char *interview_language(const struct profile *p);

#endif
