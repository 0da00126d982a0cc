/*
 * slab.h - a growing array of 32-byte secrets in guarded memory.
 *
 * Zero-initialise ({0}) before use; slab_clear() wipes, frees and may be called
 * again.  Pointers into it hold until the next push.
 */
#ifndef SEALPOST_CLIENT_SLAB_H
#define SEALPOST_CLIENT_SLAB_H

#include <stddef.h>
#include <stdint.h>

#include "common/err.h"

enum { SLAB_ITEM_LEN = 32 };

struct slab {
    uint8_t *items;
    size_t count;
    size_t cap;
};

/* SECRET is copied; NULL pushes zeros.  ERR_NOMEM. */
enum err slab_push(struct slab *s, const uint8_t secret[SLAB_ITEM_LEN]);
uint8_t *slab_at(const struct slab *s, size_t index);
/* Forgets (and wipes) the items, keeps the memory. */
void slab_reset(struct slab *s);
void slab_clear(struct slab *s);

#endif
