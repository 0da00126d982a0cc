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

#endif
