/*
 * verify_many.h - the answer of verify_raw() (crypto.h) for many Ed25519
 * signatures at once, for who must check hundreds of thousands: an audit.
 *
 * Signatures hold together when a random combination of their equations does
 * (Bernstein, Duif, Lange, Schwabe, Yang, "High-speed high-security
 * signatures", section 5), which a false one survives with probability 2^-128;
 * then each is told to hold.  Wherever that fails, or where a key, a point or a
 * number has not its one right form, libsodium judges each by itself.  So a
 * false batch equation can only cost time, and a sample of each batch that
 * holds is put before libsodium as well.
 *
 * libsodium refuses points with a small-order part, which only the holder of a
 * key can make; here such a one is overlooked once in 2^20 times.
 * test_verify_many.c holds one to the other.
 */
#ifndef SEALPOST_PROTO_VERIFY_MANY_H
#define SEALPOST_PROTO_VERIFY_MANY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/ids.h"

struct signed_bytes {
    const uint8_t *sig; /* 64 bytes */
    const struct sign_key *key;
    const void *bytes; /* what was signed */
    size_t len;
    bool holds; /* out */
};

enum { VERIFY_MANY_BEST = 1024 }; /* so many at once cost least */

/* Sets HOLDS of each.  Any thread may. */
void verify_many(struct signed_bytes *items, size_t n);

#endif
