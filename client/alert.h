/*
 * alert.h - packets of ours that nobody collects: what the sender is told, the
 * urgent ones first.
 */
#ifndef SEALPOST_CLIENT_ALERT_H
#define SEALPOST_CLIENT_ALERT_H

#include "client/desk.h"
#include "client/mail.h"
#include "client/pick.h"

/* Orders overdue packets: urgent before routine, then the longest waiting. */
bool alert_comes_before(const struct mail *a, const struct mail *b);
/* The one that comes first; NULL: none is overdue. */
const struct mail *alert_first(const struct mails *mails);

/* One of them, as notes: who it is for, since when, whom to reach, and the
 * next command. */
void alert_tell(struct desk *d, const struct mail *m, uint64_t now_ms);
/* All that are overdue now, in order; "warned" in the result. */
enum err alert_tell_all(struct desk *d, struct problem *pb);
/* {packet_id, urgent, since_ms, warned_ms, to: duty_json, next}; new. */
json_t *alert_json(const struct desk *d, const struct mail *m);

#endif
