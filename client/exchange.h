/*
 * exchange.h - one round with the relay on a desk that is connected as the
 * mailbox session: keys renewed, outbox sent, inbox emptied, events fetched and
 * checked.
 */
#ifndef SEALPOST_CLIENT_EXCHANGE_H
#define SEALPOST_CLIENT_EXCHANGE_H

#include "client/desk.h"

/* Everything.  ERR_VERIFY with P_VERIFY when something about the relay raised
 * an alarm (all the rest is done all the same). */
enum err exchange_all(struct desk *d, struct problem *pb);
/* What has been pushed since, and what that brings. */
enum err exchange_pushed(struct desk *d, struct problem *pb);

#endif
