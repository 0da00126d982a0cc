/*
 * evidence.h - what stands behind an event of our packets but the relay's own
 * word: somebody else's signature, about this packet, that says what the event
 * says.  Pure: the directory and bytes in, a judgement out.
 */
#ifndef SEALPOST_CLIENT_EVIDENCE_H
#define SEALPOST_CLIENT_EVIDENCE_H

#include "common/bytes.h"
#include "proto/directory.h"
#include "proto/event.h"

/* NULL: all is well; else what is wrong, a constant for people.  EVIDENCE is
 * what came with the event, maybe nothing.  A device that DIR does not know
 * yet counts as wrong: sync and ask again. */
const char *evidence_problem(const struct directory *dir,
                             const struct event *ev, struct span evidence);
/* Part of it: does STATEMENT end a device of the agency that EV's packet went
 * to, or change its mailbox?  (Any other would do for a relay that wants to be
 * rid of a packet.) */
bool evidence_ends_device(const struct directory *dir, const struct event *ev,
                          struct span statement);

#endif
