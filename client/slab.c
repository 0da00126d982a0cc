#include "client/slab.h"

#include <string.h>

#include "proto/crypto.h"

enum { FIRST_CAP = 64 }; /* half a page */

static enum err
grow(struct slab *s)
{
    size_t cap = s->cap == 0 ? FIRST_CAP : s->cap * 2;
    uint8_t *items;

    if (cap > SIZE_MAX / 2 / SLAB_ITEM_LEN)
        return ERR_NOMEM;
    items = crypto_secret_new(cap * SLAB_ITEM_LEN);
    if (items == NULL)
        return ERR_NOMEM;
    if (s->count > 0)
        memcpy(items, s->items, s->count * SLAB_ITEM_LEN);
    crypto_secret_free(s->items);
    s->items = items;
    s->cap = cap;
    return ERR_OK;
}

enum err
slab_push(struct slab *s, const uint8_t secret[SLAB_ITEM_LEN])
{
    if (s->count == s->cap && grow(s) != ERR_OK)
        return ERR_NOMEM;
    s->count++;
    if (secret != NULL)
        memcpy(slab_at(s, s->count - 1), secret, SLAB_ITEM_LEN);
    else
        memset(slab_at(s, s->count - 1), 0, SLAB_ITEM_LEN);
    return ERR_OK;
}

uint8_t *
slab_at(const struct slab *s, size_t index)
{
    return s->items + index * SLAB_ITEM_LEN;
}

void
slab_reset(struct slab *s)
{
    if (s->count > 0)
        crypto_wipe(s->items, s->count * SLAB_ITEM_LEN);
    s->count = 0;
}

void
slab_clear(struct slab *s)
{
    crypto_secret_free(s->items);
    *s = (struct slab){0};
}
