/*
 * map.h - a hash map from byte strings of one length (an id of 16 bytes, a
 * digest of 32) to pointers.  Knows nothing of what they point to.  Open
 * addressing; the hash is SipHash-1-3 under a seed, so a stranger who picks ids
 * cannot pick collisions.
 */
#ifndef SEALPOST_COMMON_MAP_H
#define SEALPOST_COMMON_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"

struct map {
    uint8_t *slots; /* cap entries of key and value */
    size_t cap;     /* zero or a power of two */
    size_t count;
    size_t key_len;
    uint64_t seed[2];
};

/* KEY_LEN is 1..64.  SEED: 16 random bytes.  Takes no memory yet. */
void map_init(struct map *m, size_t key_len, const uint8_t seed[16]);
/* The values are the caller's. */
void map_clear(struct map *m);

/* KEY is copied; VALUE is not NULL.  ERR_EXISTS: the old value stays. */
enum err map_insert(struct map *m, const void *key, void *value);
/* NULL: not there. */
void *map_find(const struct map *m, const void *key);
/* Gives the value, or NULL. */
void *map_remove(struct map *m, const void *key);

/* SipHash-1-3 of KEY, for who keeps a table of another shape. */
uint64_t map_hash(const uint8_t seed[16], const void *key, size_t len);

/* Walks in no order: start with *POS = 0 until it gives NULL.  *KEY (may be
 * NULL) is borrowed until the map changes.  No changes during a walk. */
void *map_next(const struct map *m, size_t *pos, const void **key);

#endif
