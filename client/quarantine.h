/*
 * quarantine.h - what came and was not taken: kept apart, visible, with the
 * reason.  "alarm" is about the relay, the other outcomes about the packet.
 */
#ifndef SEALPOST_CLIENT_QUARANTINE_H
#define SEALPOST_CLIENT_QUARANTINE_H

#include "client/desk.h"
#include "client/json.h"
#include "proto/packet.h"

/* (T) X was judged as O.  Its content is kept beside when it could be read. */
void quarantine_put(struct app *app, const struct delivery *x,
                    const struct opened *o, const struct event *stored);
/* Something else about the relay (a bad leaf, a missing one), by a name that
 * the same thing has next time; in a transaction of its own. */
enum err quarantine_alarm(struct app *app, const struct hash *name,
                          const struct packet_id *packet, const char *why,
                          struct problem *pb);
/* The same, counted and told at once. */
enum err quarantine_tell(struct desk *d, const struct hash *name,
                         const struct packet_id *packet, const char *why,
                         struct problem *pb);
/* In order; *POS is 0 at the start.  Gives a new reference; ERR_NOTFOUND at the
 * end. */
enum err quarantine_next(struct app *app, size_t *pos, uint8_t id[16],
                         json_t **out, struct problem *pb);

#endif
