/*
 * prekey.h - signed prekeys (PROTOCOL.md section 11) and the rules about their
 * age, as pure functions.
 *
 *   "sealpost/1/prekey\0" | u8 suite | u8 kind | device_id | u64 not_before
 *   | u64 not_after | u16 n | pk(1216) | sig(64, device key)      1334 bytes
 *
 * Times are seconds and are passed in.  The private half is a 32-byte seed,
 * kept by the vault; here it is only used to make the public one.
 */
#ifndef SEALPOST_PROTO_PREKEY_H
#define SEALPOST_PROTO_PREKEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "proto/crypto.h"
#include "proto/ids.h"

enum {
    PREKEY_LEN = 1334,
    PREKEY_DAY_S = 24 * 3600,
    PREKEY_RENEW_S = 7 * PREKEY_DAY_S,  /* a new one this often */
    PREKEY_WARN_S = 14 * PREKEY_DAY_S,  /* older: the sender is warned */
    PREKEY_VALID_S = 45 * PREKEY_DAY_S, /* not_after - not_before at most */
    PREKEY_KEEP_SUPERSEDED_S = 39 * PREKEY_DAY_S,
    PREKEY_KEEP_EXPIRED_S = 32 * PREKEY_DAY_S,
    PREKEY_SKEW_S = 2 * PREKEY_DAY_S, /* clocks of others may run ahead */
};

enum prekey_kind { PREKEY_MEDIUM = 0, PREKEY_ONE_TIME = 1 };

struct prekey {
    uint8_t kind;
    struct device_id device;
    uint64_t not_before;
    uint64_t not_after;
    struct kem_key key;
    struct prekey_id id; /* set by parsing and signing */
};

/* A medium-term prekey from NOW for 45 days.  Writes the statement and, where
 * not NULL, what it says. */
enum err prekey_make(uint8_t out[PREKEY_LEN], struct prekey *says,
                     const struct device_id *device, const uint8_t seed[32],
                     uint64_t now, const struct sign_secret *key);
/* The fields as they are given (id is set).  ERR_MALFORMED for what
 * prekey_parse would refuse. */
enum err prekey_sign(uint8_t out[PREKEY_LEN], struct prekey *pk,
                     const struct sign_secret *key);
/* Exact; ERR_VERSION for another suite, ERR_MALFORMED, also when not_after is
 * not after not_before or more than 45 days later. */
enum err prekey_parse(struct prekey *out, const void *bytes, size_t len);
/* BYTES that parsed, against the key of the device they name; ERR_VERIFY. */
enum err prekey_verify(const uint8_t bytes[PREKEY_LEN],
                       const struct sign_key *key);
/* First 16 bytes of SHA-256(statement). */
void prekey_id_of(struct prekey_id *out, const uint8_t bytes[PREKEY_LEN]);

enum prekey_age {
    PREKEY_FRESH,
    PREKEY_OLD,     /* above 14 days: usable with a warning */
    PREKEY_EXPIRED, /* refused */
    PREKEY_NOT_YET, /* not_before more than two days ahead: refused */
};
/* What a sender makes of it at NOW. */
enum prekey_age prekey_age(uint64_t not_before, uint64_t not_after,
                           uint64_t now);
bool prekey_is_usable(uint64_t not_before, uint64_t not_after, uint64_t now);
/* Time for the owner to make a new one; NEWEST_NOT_BEFORE 0: has none. */
bool prekey_renew_is_due(uint64_t newest_not_before, uint64_t now);
/* When the seed is to be destroyed: the earlier of superseded + 39 days and
 * not_after + 32 days.  SUPERSEDED 0: not yet. */
uint64_t prekey_destroy_at(uint64_t superseded, uint64_t not_after);

#endif
