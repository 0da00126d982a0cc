/*
 * thread.h - how a case stands: computed from the signed packets of its thread,
 * by both sides alike, and never stored (client/DESIGN.md, Referrals).
 *
 *   sealed > stored > delivered > acknowledged        (duty to notify: closed)
 *                  \           \> rejected | redirected
 *                   \> withdrawn | expired | refused
 *
 * Late and duplicate packets change nothing, with one exception: an answer
 * proves that a desk has read the packet, so it counts even when the log says
 * that nobody collected it in time.
 */
#ifndef SEALPOST_CLIENT_THREAD_H
#define SEALPOST_CLIENT_THREAD_H

#include "client/mail.h"
#include "client/pick.h"

enum thread_state {
    THREAD_NONE, /* no case: only messages */
    THREAD_SEALED,
    THREAD_STORED,
    THREAD_DELIVERED,
    THREAD_ACKNOWLEDGED,
    THREAD_REJECTED,
    THREAD_REDIRECTED,
    THREAD_CLOSED,
    THREAD_WITHDRAWN,
    THREAD_EXPIRED,
    THREAD_REFUSED,
    THREAD_STATES
};
/* "acknowledged"; "" for none. */
const char *thread_state_name(enum thread_state s);
/* The code of an HL7 FHIR Task in the same state: "accepted". */
const char *thread_state_task(enum thread_state s);

/* A packet that opens a case: referral, duty to notify, support request. */
bool thread_opens(const struct mail *m);

/* Does this rejection send the case elsewhere instead of ending it? */
typedef bool thread_redirects_fn(void *arg, const struct mail *rejection);

/* How the case stands between us and PEER in thread ID.  MAILS in any order,
 * also of other threads.  Pure but for REDIRECTS. */
enum thread_state thread_state(const struct mails *mails,
                               const struct thread_id *id,
                               const struct agency_id *peer,
                               thread_redirects_fn *redirects, void *arg);
/* The same for the case that M belongs to, with what the vault knows. */
enum thread_state thread_of(struct app *app, const struct mails *mails,
                            const struct mail *m);

#endif
