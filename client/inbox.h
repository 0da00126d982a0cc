/*
 * inbox.h - from DELIVER to a receipt, in the order of PROTOCOL.md section 9:
 *
 *   0 seen before: the same receipt again      1 the relay's own word
 *   2-4 opening   5-7 sender, signature, rules   8 replay
 *   attachments   9 one transaction of the vault   10 the receipt
 *
 * What goes wrong with one packet stays with that packet.
 */
#ifndef SEALPOST_CLIENT_INBOX_H
#define SEALPOST_CLIENT_INBOX_H

#include "client/desk.h"
#include "client/mail.h"
#include "proto/packet.h"

/* Everything that waits on the desk.  Errors are those of vault, network and
 * split views only. */
enum err inbox_take_all(struct desk *d, struct problem *pb);
/* Takes X whatever happens. */
enum err inbox_take(struct desk *d, struct delivery *x, struct problem *pb);

#endif
