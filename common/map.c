/*
 * Linear probing; a slot is a value and its key, free when the value is NULL.
 * Removal moves the following entries back, so there are no tombstones.
 */
#include "common/map.h"

#include <stdlib.h>
#include <string.h>

#define CAP_MIN 16

/* --- SipHash-1-3 (Aumasson, Bernstein 2012) ---------------------------------
 */

static uint64_t
rotate(uint64_t x, unsigned bits)
{
    return x << bits | x >> (64 - bits);
}

static void
sip_round(uint64_t v[4])
{
    v[0] += v[1];
    v[2] += v[3];
    v[1] = rotate(v[1], 13) ^ v[0];
    v[3] = rotate(v[3], 16) ^ v[2];
    v[0] = rotate(v[0], 32);
    v[2] += v[1];
    v[0] += v[3];
    v[1] = rotate(v[1], 17) ^ v[2];
    v[3] = rotate(v[3], 21) ^ v[0];
    v[2] = rotate(v[2], 32);
}

static uint64_t
sip_hash(const uint64_t seed[2], const uint8_t *key, size_t len)
{
    uint64_t v[4] = {
        seed[0] ^ 0x736f6d6570736575u, seed[1] ^ 0x646f72616e646f6du,
        seed[0] ^ 0x6c7967656e657261u, seed[1] ^ 0x7465646279746573u};
    uint64_t word;

    for (size_t at = 0;; at += 8) {
        size_t n = len - at < 8 ? len - at : 8;
        word = n < 8 ? (uint64_t)len << 56 : 0;
        for (size_t i = 0; i < n; i++)
            word |= (uint64_t)key[at + i] << (8 * i);
        v[3] ^= word;
        sip_round(v);
        v[0] ^= word;
        if (n < 8)
            break;
    }
    v[2] ^= 0xff;
    sip_round(v);
    sip_round(v);
    sip_round(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

uint64_t
map_hash(const uint8_t seed[16], const void *key, size_t len)
{
    uint64_t words[2];

    memcpy(words, seed, sizeof(words));
    return sip_hash(words, key, len);
}

/* --- slots
 * -------------------------------------------------------------------- */

/* Keeps values aligned. */
static size_t
slot_len(const struct map *m)
{
    return sizeof(void *) +
           (m->key_len + sizeof(void *) - 1) / sizeof(void *) * sizeof(void *);
}

static uint8_t *
slot_at(const struct map *m, size_t i)
{
    return m->slots + i * slot_len(m);
}

static void *
value_of(const uint8_t *slot)
{
    void *value;

    memcpy(&value, slot, sizeof(value));
    return value;
}

static size_t
home_of(const struct map *m, const void *key)
{
    return (size_t)sip_hash(m->seed, key, m->key_len) & (m->cap - 1);
}

/* Where KEY is, or the free slot where it would go. */
static size_t
find_slot(const struct map *m, const void *key)
{
    size_t i = home_of(m, key);

    while (value_of(slot_at(m, i)) != NULL &&
           memcmp(slot_at(m, i) + sizeof(void *), key, m->key_len) != 0)
        i = (i + 1) & (m->cap - 1);
    return i;
}

static void
fill_slot(struct map *m, size_t i, const void *key, void *value)
{
    memcpy(slot_at(m, i), &value, sizeof(value));
    memcpy(slot_at(m, i) + sizeof(void *), key, m->key_len);
}

static enum err
grow(struct map *m)
{
    struct map bigger = *m;
    const void *key;
    void *value;
    size_t pos = 0;

    bigger.cap = m->cap == 0 ? CAP_MIN : 2 * m->cap;
    bigger.slots = calloc(bigger.cap, slot_len(m));
    if (bigger.slots == NULL)
        return ERR_NOMEM;
    while ((value = map_next(m, &pos, &key)) != NULL)
        fill_slot(&bigger, find_slot(&bigger, key), key, value);
    free(m->slots);
    *m = bigger;
    return ERR_OK;
}

/* --- the map
 * -------------------------------------------------------------------- */

void
map_init(struct map *m, size_t key_len, const uint8_t seed[16])
{
    *m = (struct map){.key_len = key_len};
    memcpy(m->seed, seed, sizeof(m->seed));
}

void
map_clear(struct map *m)
{
    free(m->slots);
    m->slots = NULL;
    m->cap = m->count = 0;
}

enum err
map_insert(struct map *m, const void *key, void *value)
{
    size_t i;

    if (m->cap > 0 && value_of(slot_at(m, find_slot(m, key))) != NULL)
        return ERR_EXISTS;
    /* Three quarters full at most. */
    if (m->count >= m->cap - m->cap / 4) {
        enum err rc = grow(m);
        if (rc != ERR_OK)
            return rc;
    }
    i = find_slot(m, key);
    fill_slot(m, i, key, value);
    m->count++;
    return ERR_OK;
}

void *
map_find(const struct map *m, const void *key)
{
    return m->cap > 0 ? value_of(slot_at(m, find_slot(m, key))) : NULL;
}

void *
map_remove(struct map *m, const void *key)
{
    size_t mask = m->cap - 1, hole, i;
    void *value;

    if (m->cap == 0)
        return NULL;
    hole = find_slot(m, key);
    value = value_of(slot_at(m, hole));
    if (value == NULL)
        return NULL;
    for (i = (hole + 1) & mask; value_of(slot_at(m, i)) != NULL;
         i = (i + 1) & mask) {
        size_t home = home_of(m, slot_at(m, i) + sizeof(void *));
        /* It may stay when its home lies behind the hole. */
        if (((i - home) & mask) < ((i - hole) & mask))
            continue;
        memcpy(slot_at(m, hole), slot_at(m, i), slot_len(m));
        hole = i;
    }
    memset(slot_at(m, hole), 0, slot_len(m));
    m->count--;
    return value;
}

void *
map_next(const struct map *m, size_t *pos, const void **key)
{
    while (*pos < m->cap) {
        const uint8_t *slot = slot_at(m, (*pos)++);
        void *value = value_of(slot);
        if (value == NULL)
            continue;
        if (key != NULL)
            *key = slot + sizeof(void *);
        return value;
    }
    return NULL;
}
