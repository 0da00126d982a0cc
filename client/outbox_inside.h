/*
 * outbox_inside.h - shared by outbox.c and outbox_seal.c only.
 */
#ifndef SEALPOST_CLIENT_OUTBOX_INSIDE_H
#define SEALPOST_CLIENT_OUTBOX_INSIDE_H

#include "client/outbox.h"
#include "proto/packet.h"

/* Seals M to the live devices of its mailbox, as the directory and the relay's
 * prekeys are now; keeps the bytes.  ERR_NOTFOUND without a problem: nobody
 * there has a valid key; M->waiting says whose. */
enum err outbox_seal(struct desk *d, struct mail *m, struct problem *pb);
/* The time that counts for expiry, in seconds: the relay's, because it judges;
 * but ours when the two are days apart, so that no relay can date our packets
 * as it likes. */
uint64_t outbox_now_s(const struct desk *d);
/* Gives the sealed bytes up and takes a new id (E-SLOT). */
enum err outbox_unseal(struct desk *d, struct mail *m, struct problem *pb);
/* REC_SEALED.  Clear OUT. */
enum err outbox_load_sealed(struct desk *d, const struct mail *m,
                            struct sealed_packet *out, struct problem *pb);

#endif
