/*
 * outbox.h - from a queued packet to a receipt of the relay:
 *
 *   queued --seal--> sealed --upload, SEND--> stored (proof kept) -> own copy
 *
 * What can go wrong: no key of the recipient yet (it waits and goes by itself),
 * devices or keys changed meanwhile (sealed again under a new id, one line), no
 * network (it waits), a refusal (it stays, and why is told).  A crash anywhere
 * is mended by the same call again: what was sealed is sent byte for byte.
 */
#ifndef SEALPOST_CLIENT_OUTBOX_H
#define SEALPOST_CLIENT_OUTBOX_H

#include "client/desk.h"
#include "client/mail.h"

/* Everything that waits, oldest first.  Only what ends the connection is an
 * error; a packet's own troubles are in its WAITING. */
enum err outbox_flush(struct desk *d, struct problem *pb);
/* One packet (reloaded into M) and its own copy.  ERR_OK with M->state QUEUED:
 * it waits for a key.  Refusals are problems, the packet stays queued. */
enum err outbox_send(struct desk *d, struct mail *m, struct problem *pb);
/* WITHDRAW: before the hand-over only, else P_FINAL. */
enum err outbox_withdraw(struct desk *d, struct mail *m, uint16_t reason,
                         struct problem *pb);
/* Devices of M's mailbox that got no slot when it was sealed (no valid key);
 * their labels, new reference. */
json_t *outbox_skipped(struct desk *d, const struct mail *m);

#endif
