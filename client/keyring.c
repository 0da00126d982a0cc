#include "client/keyring.h"

#include <stdlib.h>
#include <string.h>

#include "client/vault_log.h"
#include "proto/crypto.h"

enum { NAME_LEN = 1 + 16 };

void
keyring_init(struct keyring *k)
{
    uint8_t seed[32];

    *k = (struct keyring){.next_seq = 1};
    crypto_random(seed, sizeof(seed));
    map_init(&k->names, NAME_LEN, seed);
    map_init(&k->marked, 16, seed + 16);
}

void
keyring_clear(struct keyring *k)
{
    map_clear(&k->names);
    map_clear(&k->marked);
    slab_clear(&k->record_keys);
    slab_clear(&k->seed_keys);
    free(k->records);
    free(k->seeds);
    free(k->marks);
    *k = (struct keyring){0};
}

/* Room for one more of ITEM_LEN bytes in *ARRAY. */
static enum err
reserve(void *array, size_t count, size_t *cap, size_t item_len)
{
    size_t more = *cap == 0 ? 32 : *cap * 2;
    void *old, *p;

    if (count < *cap)
        return ERR_OK;
    memcpy(&old, array, sizeof(old));
    if (more > UINT32_MAX / 2 || more > SIZE_MAX / item_len)
        return ERR_NOMEM;
    p = realloc(old, more * item_len);
    if (p == NULL)
        return ERR_NOMEM;
    memcpy(array, &p, sizeof(p));
    *cap = more;
    return ERR_OK;
}

/* Maps hold pointers; ours are numbers from 1. */
static void *
from_index(size_t index)
{
    return (void *)(uintptr_t)(index + 1);
}

static size_t
to_index(const void *value)
{
    return value == NULL ? SIZE_MAX : (size_t)(uintptr_t)value - 1;
}

/* ---- records ---- */

static void
make_name(uint8_t name[NAME_LEN], uint8_t kind, const uint8_t id[16])
{
    name[0] = kind;
    memcpy(name + 1, id, 16);
}

size_t
keyring_find(const struct keyring *k, uint8_t kind, const uint8_t id[16])
{
    uint8_t name[NAME_LEN];

    make_name(name, kind, id);
    return to_index(map_find(&k->names, name));
}

static enum err
add_record(struct keyring *k, const struct keyring_record *record,
           const uint8_t key[32])
{
    uint8_t name[NAME_LEN];

    make_name(name, record->kind, record->id);
    if (reserve(&k->records, k->record_count, &k->record_cap,
                sizeof(*record)) != ERR_OK ||
        slab_push(&k->record_keys, key) != ERR_OK)
        return ERR_NOMEM;
    if (map_insert(&k->names, name, from_index(k->record_count)) != ERR_OK) {
        k->record_keys.count--;
        return ERR_NOMEM;
    }
    k->records[k->record_count++] = *record;
    k->live_count++;
    return ERR_OK;
}

enum err
keyring_put(struct keyring *k, const struct keyring_record *record,
            const uint8_t key[32])
{
    size_t i = keyring_find(k, record->kind, record->id);

    if (i == SIZE_MAX) {
        if (add_record(k, record, key) != ERR_OK)
            return ERR_NOMEM;
    } else {
        k->live_len -= log_entry_len(k->records[i].len);
        k->records[i] = *record;
        memcpy(slab_at(&k->record_keys, i), key, 32);
    }
    k->live_len += log_entry_len(record->len);
    return ERR_OK;
}

void
keyring_drop(struct keyring *k, uint8_t kind, const uint8_t id[16])
{
    size_t i = keyring_find(k, kind, id);
    uint8_t name[NAME_LEN];

    if (i == SIZE_MAX)
        return;
    make_name(name, kind, id);
    map_remove(&k->names, name);
    k->live_count--;
    k->live_len -= log_entry_len(k->records[i].len);
    k->records[i] = (struct keyring_record){0};
    crypto_wipe(slab_at(&k->record_keys, i), 32);
}

/* ---- seeds: one a week, so a walk is quick enough ---- */

size_t
keyring_seed_find(const struct keyring *k, const struct prekey_id *id)
{
    for (size_t i = k->seed_count; i > 0; i--)
        if (id_eq(&k->seeds[i - 1].id, id))
            return i - 1;
    return SIZE_MAX;
}

enum err
keyring_seed_put(struct keyring *k, const struct prekey_id *id,
                 const uint8_t seed[32])
{
    if (keyring_seed_find(k, id) != SIZE_MAX)
        return ERR_EXISTS;
    if (reserve(&k->seeds, k->seed_count, &k->seed_cap, sizeof(*k->seeds)) !=
            ERR_OK ||
        slab_push(&k->seed_keys, seed) != ERR_OK)
        return ERR_NOMEM;
    k->seeds[k->seed_count++] =
        (struct keyring_seed){.id = *id, .state = SEED_LIVE};
    return ERR_OK;
}

void
keyring_seed_mark(struct keyring *k, const struct prekey_id *id)
{
    size_t i = keyring_seed_find(k, id);

    if (i != SIZE_MAX && k->seeds[i].state == SEED_LIVE)
        k->seeds[i].state = SEED_MARKED;
}

enum err
keyring_mark_put(struct keyring *k, const struct prekey_id *id,
                 const uint8_t mark[16])
{
    size_t seed = keyring_seed_find(k, id);

    if (seed == SIZE_MAX || k->seeds[seed].state != SEED_LIVE)
        return ERR_NOTFOUND;
    if (keyring_mark_has(k, mark))
        return ERR_OK;
    if (reserve(&k->marks, k->mark_count, &k->mark_cap, sizeof(*k->marks)) !=
            ERR_OK ||
        map_insert(&k->marked, mark, from_index(seed)) != ERR_OK)
        return ERR_NOMEM;
    memcpy(k->marks[k->mark_count].b, mark, 16);
    k->marks[k->mark_count++].seed = (uint32_t)seed;
    return ERR_OK;
}

bool
keyring_mark_has(const struct keyring *k, const uint8_t mark[16])
{
    return map_find(&k->marked, mark) != NULL;
}

void
keyring_forget(struct keyring *k)
{
    size_t kept = 0;

    for (size_t i = 0; i < k->seed_count; i++) {
        if (k->seeds[i].state != SEED_MARKED)
            continue;
        k->seeds[i].state = SEED_GONE;
        crypto_wipe(slab_at(&k->seed_keys, i), 32);
    }
    for (size_t i = 0; i < k->mark_count; i++) {
        if (k->seeds[k->marks[i].seed].state == SEED_GONE)
            map_remove(&k->marked, k->marks[i].b);
        else
            k->marks[kept++] = k->marks[i];
    }
    k->mark_count = kept;
}
