/*
 * ledger.h - the two Merkle logs as they rest: peaks in one row per log, nodes
 * in tiles of height 8.  Knows no database: rows come and go through callbacks.
 *
 * A cache holds tiles with their inner nodes, so that a proof costs a few
 * look-ups; a ledger is a cache and what is being appended in one transaction.
 */
#ifndef SEALPOST_SERVER_LEDGER_H
#define SEALPOST_SERVER_LEDGER_H

#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/err.h"
#include "proto/ids.h"
#include "proto/merkle.h"

enum { LEDGER_LOGS = 2, LEDGER_PEAKS_MAX = 64 * 32 };

/* Where tiles rest.  A tile (log, level, n) is up to 256 hashes of the nodes
 * of level 8 * LEVEL (proto/tile.h). */
struct ledger_io {
    void *arg;
    /* Appends the hashes stored; ERR_NOTFOUND: no such tile. */
    enum err (*load)(void *arg, unsigned log, unsigned level, uint64_t n,
                     struct buf *out);
    enum err (*save)(void *arg, unsigned log, unsigned level, uint64_t n,
                     const uint8_t *bytes, size_t len);
};

struct ledger_cache;

/* Copies IO.  TILES: how many it holds, about 16 KiB each.  NULL: no memory. */
struct ledger_cache *ledger_cache_new(const struct ledger_io *io, size_t tiles);
void ledger_cache_free(struct ledger_cache *c);
/* Forgets everything: after a transaction that was rolled back. */
void ledger_cache_drop(struct ledger_cache *c);
/* One complete subtree.  ERR_NOTFOUND when it is not stored. */
enum err ledger_node(struct ledger_cache *c, unsigned log, unsigned level,
                     uint64_t index, struct hash *out);

struct ledger_entry {
    unsigned log;
    unsigned level;
    uint64_t index;
    struct hash hash;
};

/* Zero-initialise, then set CACHE. */
struct ledger {
    struct ledger_cache *cache;
    struct merkle_peaks peaks[LEDGER_LOGS];
    struct ledger_entry *nodes; /* new in this transaction */
    size_t n, cap;
};
void ledger_clear(struct ledger *l);
/* Starts a transaction at the peaks of the rows. */
void ledger_begin(struct ledger *l,
                  const struct merkle_peaks peaks[LEDGER_LOGS]);
/* Appends a leaf; *INDEX is its place.  ERR_NOMEM, ERR_FULL. */
enum err ledger_append(struct ledger *l, unsigned log, const struct hash *leaf,
                       uint64_t *index);
/* Saves the tiles that changed, each once. */
enum err ledger_flush(struct ledger *l);

/* The meaningful peaks, highest level first, 32 bytes each. */
size_t ledger_peaks_encode(const struct merkle_peaks *peaks,
                           uint8_t out[LEDGER_PEAKS_MAX]);
/* ERR_MALFORMED when LEN is not what SIZE needs. */
enum err ledger_peaks_decode(struct merkle_peaks *out, uint64_t size,
                             const void *bytes, size_t len);

#endif
