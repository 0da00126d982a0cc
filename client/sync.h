/*
 * sync.h - catching up with the relay: what is new in the two logs, checked
 * against everything this client has seen before.
 */
#ifndef SEALPOST_CLIENT_SYNC_H
#define SEALPOST_CLIENT_SYNC_H

#include "client/problem.h"
#include "client/roster.h"
#include "client/upstream.h"
#include "proto/merkle.h"

/* The first thing on every connection: the relay's WELCOME heads against ours,
 * the directory (works from nothing: genesis is pinned by the network id), the
 * newest delivery head, through a succession when there was one
 * (client/succession.h).  ERR_VERIFY with P_SPLIT_VIEW, P_ROLLED_BACK, P_ORIGIN
 * or P_VERIFY when the relay's heads do not fit what was seen before. */
enum err sync_welcome(struct upstream *u, struct roster *r, struct problem *pb);
/* Later on the same connection: what the directory has grown by since. */
enum err sync_directory(struct upstream *u, struct roster *r,
                        struct problem *pb);
/* A pushed or answered checkpoint of the delivery log: verified, joined to the
 * newest head known by a proof that is asked for, and kept when it is newer. */
enum err sync_delivery_head(struct upstream *u, struct roster *r,
                            struct span checkpoint, struct problem *pb);
/* The same for the checkpoint inside a proof file, verified already. */
enum err sync_proof_head(struct upstream *u, struct roster *r,
                         const void *proof, size_t len, struct problem *pb);
/* A head that somebody else has seen (in a packet): HEAD verified under the
 * relay's key already.  Asks for the proof that joins it with ours; raises
 * P_SPLIT_VIEW when there is none. */
enum err sync_foreign_head(struct upstream *u, struct roster *r, unsigned log,
                           const struct head *head, struct problem *pb);

/* CONSISTENCY_GET.  *WIRE: what the relay answered instead (enum perr). */
enum err sync_ask_consistency(struct upstream *u, unsigned log, uint64_t m,
                              uint64_t n, struct hash path[MERKLE_PATH_MAX],
                              size_t *count, unsigned *wire,
                              struct problem *pb);
/* OLD is a prefix of NEW (OLD->size <= NEW->size), by a proof that is asked
 * for; else P_SPLIT_VIEW.  Both verified under the keys of their eras. */
enum err sync_join(struct upstream *u, struct roster *r, unsigned log,
                   const struct head *old, const struct head *new,
                   struct problem *pb);

/* A and B, each verified under the key of its era, cannot both be true:
 * splitview_raise_between(). */
enum err sync_raise(struct roster *r, unsigned log, const struct head *a,
                    const struct head *b, struct problem *pb);

#endif
