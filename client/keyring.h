/*
 * keyring.h - the keys of all living records, prekey seeds and their marks: in
 * memory while the vault is open, and as the sealed bytes of the keyring file.
 * Knows no files.  What is not in the keyring of an epoch is gone with it.
 *
 *   "SPK1" | u64 epoch | chunked(EK, "sealpost/1/keyring\0" || u64 epoch, ...)
 *   inside: u64 log_gen | u64 log_len | u64 next_seq
 *   | u32 n | n x (u8 kind | id(16) | u64 seq | record_id(16) | u64 offset
 *                  | u32 len | key(32))
 *   | u32 n | n x (u8 state | prekey_id(16) | seed(32))
 *   | u32 n | n x (mark(16) | u32 index of its seed)
 *
 * Life: keyring_init ... keyring_clear.
 */
#ifndef SEALPOST_CLIENT_KEYRING_H
#define SEALPOST_CLIENT_KEYRING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client/slab.h"
#include "common/buf.h"
#include "common/err.h"
#include "common/map.h"
#include "proto/ids.h"

struct keyring_record {
    uint8_t kind; /* 0: deleted since the vault was opened */
    uint8_t id[16];
    uint64_t seq;
    uint8_t record_id[16];
    uint64_t offset; /* of the entry in the log */
    uint32_t len;    /* of the record's bytes */
};

enum seed_state { SEED_LIVE = 1, SEED_MARKED = 2, SEED_GONE = 3 };

struct keyring_seed {
    struct prekey_id id;
    enum seed_state state;
};

struct keyring_mark {
    uint8_t b[16];
    uint32_t seed; /* index */
};

struct keyring {
    uint64_t next_seq;
    struct keyring_record *records;
    size_t record_count, record_cap; /* deleted ones included */
    struct slab record_keys;         /* beside records */
    struct map names;                /* kind || id -> index + 1 */
    size_t live_count;
    uint64_t live_len; /* log bytes of the living */
    struct keyring_seed *seeds;
    size_t seed_count, seed_cap;
    struct slab seed_keys; /* beside seeds */
    struct keyring_mark *marks;
    size_t mark_count, mark_cap;
    struct map marked; /* mark -> seed index + 1 */
};

/* Where the log of the sealed keyring lies. */
struct keyring_log {
    uint64_t gen; /* the file is log.GEN */
    uint64_t len;
};

void keyring_init(struct keyring *k);
void keyring_clear(struct keyring *k);

/* Inserts, or replaces in place.  ERR_NOMEM. */
enum err keyring_put(struct keyring *k, const struct keyring_record *record,
                     const uint8_t key[32]);
/* Wipes the key; what is not there is no error. */
void keyring_drop(struct keyring *k, uint8_t kind, const uint8_t id[16]);
/* The index of a living record, or SIZE_MAX. */
size_t keyring_find(const struct keyring *k, uint8_t kind,
                    const uint8_t id[16]);

/* The index, or SIZE_MAX. */
size_t keyring_seed_find(const struct keyring *k, const struct prekey_id *id);
/* ERR_EXISTS, ERR_NOMEM. */
enum err keyring_seed_put(struct keyring *k, const struct prekey_id *id,
                          const uint8_t seed[32]);
void keyring_seed_mark(struct keyring *k, const struct prekey_id *id);
/* ERR_NOTFOUND without a living seed; ERR_NOMEM. */
enum err keyring_mark_put(struct keyring *k, const struct prekey_id *id,
                          const uint8_t mark[16]);
bool keyring_mark_has(const struct keyring *k, const uint8_t mark[16]);

/* Wipes marked seeds and their marks: after the epoch that left them out. */
void keyring_forget(struct keyring *k);

/* Appends the sealed bytes.  Leaves out what is deleted or marked.  OFFSETS
 * (may be NULL: as they are) has the place of every record in the new log. */
enum err keyring_seal(struct buf *out, const struct keyring *k,
                      const struct keyring_log *log, const uint64_t *offsets,
                      uint64_t epoch, const uint8_t ek[32]);
/* Fills K, which is empty.  ERR_VERIFY for everything that is not right. */
enum err keyring_open(struct keyring *k, struct keyring_log *log,
                      const void *bytes, size_t len, uint64_t epoch,
                      const uint8_t ek[32]);

#endif
