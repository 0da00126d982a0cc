/*
 * posting.h - the end of every command that sends: the packet is in the vault;
 * off it goes if it can, and the person is told whether the laptop may be
 * closed.
 */
#ifndef SEALPOST_CLIENT_POSTING_H
#define SEALPOST_CLIENT_POSTING_H

#include "client/compose.h"
#include "client/desk.h"

/* Connects if that is possible.  Offline is a normal state: ERR_OK with d->up
 * NULL; with --wait it tries for a minute and then is P_UNREACHABLE. */
enum err posting_connect(struct desk *d, struct problem *pb);
/* A packet in the vault: to the relay if that can be reached, then told.  A
 * refusal is an error; the packet stays in the outbox. */
enum err posting_deliver(struct desk *d, struct mail *m, const char *next,
                         struct problem *pb);
/* Into the vault, then to the relay, then tells: lines, JSON, exit code.  NEXT
 * (may be NULL) is what to type next when it is stored. */
int posting_send(struct desk *d, const struct compose *c, const char *next);

#endif
