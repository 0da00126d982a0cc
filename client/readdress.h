/*
 * readdress.h - a packet that one mailbox does not collect goes on to another,
 * mostly to the deputy that the recipient has named.
 *
 *   waiting --WITHDRAW (replaced)--> withdrawn --+
 *   expired, refused ----------------------------+--> a new packet, resend_of
 *
 * The intention stands in the vault first (mail.moving_to): a lost connection
 * or a crash anywhere is mended by the next sync.  What can go wrong: somebody
 * collects it in this moment (E-FINAL: then nothing goes on), the other mailbox
 * is closed, suspended or may not have it (refused before anything changes).
 */
#ifndef SEALPOST_CLIENT_READDRESS_H
#define SEALPOST_CLIENT_READDRESS_H

#include "client/desk.h"
#include "client/mail.h"

/* The deputy of the mailbox that M went to.  P_RECIPIENT_UNKNOWN: it names
 * none. */
enum err readdress_deputy(const struct desk *d, const struct mail *m,
                          struct mailbox_id *out, struct problem *pb);

struct readdress_plan {
    struct mailbox_id to;
    unsigned parts;      /* PART_BITs that may go there */
    unsigned cut;        /* PART_BITs that went to the first and may not */
    bool is_asked_anew;  /* of another agency: its agreement was asked */
    const char *consent; /* reason against a missing agreement, or NULL */
};
/* Is M one that can still go on: ours, and not yet collected or sent on? */
enum err readdress_check_state(const struct mail *m, struct problem *pb);
/* Everything that can be refused, before anything changes.  TO and CONSENT
 * (NULL: none) are in PLAN; the rest is filled in.  P_FINAL, P_POLICY,
 * P_RECIPIENT_*, P_ATTACHMENT, P_USAGE. */
enum err readdress_check(struct desk *d, const struct mail *m,
                         struct readdress_plan *plan, struct problem *pb);
/* Which parts of M may go to PLAN->to (consent rules C5, C6; an agency that
 * was written to already is not asked about again).  Part of the check. */
enum err readdress_parts(struct desk *d, const struct mail *m,
                         struct readdress_plan *plan, struct problem *pb);

/* Notes the intention. */
enum err readdress_begin(struct desk *d, struct mail *m,
                         const struct readdress_plan *plan, struct problem *pb);
/* As far as it goes now.  OUT (zeroed before) is the new packet, queued, or
 * stays zero while M must be withdrawn and there is no connection.  P_FINAL:
 * somebody has collected it; the intention is gone. */
enum err readdress_go_on(struct desk *d, struct mail *m, struct mail *out,
                         struct problem *pb);
/* All intentions, and what escalates by itself.  Only what ends the connection
 * is an error; the rest is told. */
enum err readdress_all(struct desk *d, struct problem *pb);

#endif
