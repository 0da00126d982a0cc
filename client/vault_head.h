/*
 * vault_head.h - the one file that says which epoch a vault is in, and the
 * slots that open it (client/DESIGN.md, The vault).  Bytes only: knows no
 * files.
 *
 *   "SPV1" | u32 1 | u64 epoch | keyring digest(32) | u64 count | log hash(32)
 *   | u8 n | n x slot(133) | nonce(24) | XChaCha(VK, all before nonce, EK)(48)
 *
 * VK is the vault's key, the same for life; EK is the epoch's.
 */
#ifndef SEALPOST_CLIENT_VAULT_HEAD_H
#define SEALPOST_CLIENT_VAULT_HEAD_H

#include <stddef.h>
#include <stdint.h>

#include "client/vault.h"
#include "common/buf.h"
#include "common/err.h"
#include "proto/ids.h"

enum { SLOT_LEN = 133, HEAD_MAX = 89 + VAULT_SLOTS_MAX * SLOT_LEN + 72 };

struct slot {
    uint8_t b[SLOT_LEN];
};

struct vault_head {
    uint64_t epoch;
    struct hash keyring;  /* SHA-256 of the keyring file */
    uint64_t log_count;   /* entries in the log when this was written */
    struct hash log_last; /* hash of the last of them */
    size_t slot_count;
    struct slot slots[VAULT_SLOTS_MAX];
    uint8_t sealed_ek[72]; /* nonce || ciphertext || tag */
};

/* Seals EK into HEAD, whose other fields are set, and appends it to OUT. */
enum err vault_head_encode(struct buf *out, struct vault_head *head,
                           const uint8_t vk[32], const uint8_t ek[32]);
/* ERR_VERSION for a newer one, ERR_VERIFY for what is none. */
enum err vault_head_decode(struct vault_head *out, const void *bytes,
                           size_t len);
/* ERR_VERIFY when anything in the head was changed. */
enum err head_open(const struct vault_head *head, const uint8_t vk[32],
                   uint8_t ek[32]);

/* ERR_REFUSED for a cost outside the limits, ERR_MALFORMED for a secret of a
 * length that cannot be, ERR_NOMEM.  Takes as long as COST says. */
enum err slot_seal(struct slot *out, const struct vault_secret *secret,
                   const struct vault_cost *cost, const uint8_t vk[32]);
/* ERR_LOCKED: another secret, or another kind; ERR_REFUSED: the cost in the
 * slot is outside the limits; ERR_VERIFY: right secret, damaged slot. */
enum err slot_open(const struct slot *slot, const struct vault_secret *secret,
                   uint8_t vk[32]);
void slot_describe(const struct slot *slot, struct vault_slot_info *out);

#endif
