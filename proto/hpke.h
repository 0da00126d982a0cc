/*
 * hpke.h - HPKE (RFC 9180) base mode, single shot, for one suite: KEM 0x647a
 * (X-Wing), HKDF-SHA256, ChaCha20-Poly1305, additional data empty.  Knows no
 * packets: the caller builds the info.  No state, nothing to clear.
 */
#ifndef SEALPOST_PROTO_HPKE_H
#define SEALPOST_PROTO_HPKE_H

#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "proto/crypto.h"
#include "proto/ids.h"

enum { HPKE_KEM_XWING = 0x647a, HPKE_KEM_X25519 = 0x0020 };

/* Bytes of a wrap of LEN bytes: enc(1120) || ciphertext || tag. */
#define HPKE_WRAP_LEN(len) ((size_t)KEM_CT_LEN + (len) + AEAD_TAG_LEN)

/* OUT has room for HPKE_WRAP_LEN(len).  ERR_VERIFY: PUB is not a valid key
 * ("prekey invalid"). */
enum err hpke_wrap(uint8_t *out, const struct kem_key *pub, const void *info,
                   size_t info_len, const void *plain, size_t len);
/* OUT has room for WRAP_LEN - 1136.  ERR_VERIFY for anything that does not
 * open, a wrap too short included: no difference is told. */
enum err hpke_unwrap(uint8_t *out, const uint8_t seed[32], const void *info,
                     size_t info_len, const uint8_t *wrap, size_t wrap_len);

/* The key schedule (RFC 9180 section 5.1) in base mode without psk, with the
 * KEM's id as parameter.  For hpke.c and its vectors.  Secret: wipe. */
struct hpke_keys {
    uint8_t key[32];
    uint8_t base_nonce[12];
};
void hpke_schedule(struct hpke_keys *out, uint16_t kem_id, const uint8_t ss[32],
                   const void *info, size_t info_len);

#endif
