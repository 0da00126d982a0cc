/*
 * ids.h - names and digests as types of their own, so that one cannot pass for
 * another.  Plain values, copied freely; none of them is secret.
 */
#ifndef SEALPOST_PROTO_IDS_H
#define SEALPOST_PROTO_IDS_H

#include <stdint.h>
#include <string.h>

struct agency_id {
    uint8_t b[16];
};
struct device_id {
    uint8_t b[16];
};
struct mailbox_id {
    uint8_t b[16];
};
struct packet_id {
    uint8_t b[16];
};
struct prekey_id {
    uint8_t b[16];
};
struct att_id {
    uint8_t b[16];
};
struct thread_id {
    uint8_t b[16];
};
/* Any 32-byte digest: SHA-256 or BLAKE2b-256 as the field says. */
struct hash {
    uint8_t b[32];
};
/* Ed25519 public key (RFC 8032) and signature. */
struct sign_key {
    uint8_t b[32];
};
struct sig {
    uint8_t b[64];
};
/* X25519 public key (RFC 7748). */
struct dh_key {
    uint8_t b[32];
};
/* X-Wing public key: ML-KEM-768 then X25519. */
struct kem_key {
    uint8_t b[1216];
};

/* Compare, copy, test for zero: IDs are structs, so these take pointers to any
 * of them.  id_eq is for public values; secrets use crypto_equal(). */
#define id_eq(x, y) (memcmp((x)->b, (y)->b, sizeof((x)->b)) == 0)
#define id_cmp(x, y) memcmp((x)->b, (y)->b, sizeof((x)->b))

#endif
