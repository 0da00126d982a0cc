/*
 * pool.h - pieces of work spread over all processors.  One owner puts pieces
 * in; helpers and, whenever too many wait, the owner itself do them.  Knows
 * nothing of what the work is.
 *
 * Life: pool_new() ... pool_put()* ... pool_finish() any number of times ...
 * pool_free().  Only the owner's thread calls these.
 */
#ifndef SEALPOST_COMMON_POOL_H
#define SEALPOST_COMMON_POOL_H

#include <stdatomic.h>
#include <stdbool.h>

/* One piece; embed it.  WORK runs once, on any thread; then DONE is set, after
 * which the owner may touch it again. */
struct pool_piece {
    void (*work)(struct pool_piece *piece);
    atomic_bool done;
    struct pool_piece *next; /* the pool's */
};

struct pool;

/* One helper less than there are processors, at most 15. */
unsigned pool_helpers(void);
/* HELPERS threads; fewer when the system has no more, and with none the owner
 * does everything in pool_put().  NULL: no memory. */
struct pool *pool_new(unsigned helpers);
/* Borrows PIECE until it is done. */
void pool_put(struct pool *p, struct pool_piece *piece);
/* Returns when all is done; helps. */
void pool_finish(struct pool *p);
/* Finishes first.  NULL is fine. */
void pool_free(struct pool *p);

#endif
