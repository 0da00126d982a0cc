/*
 * pad.h - Padme padding (PROTOCOL.md section 8.3): what a packet or a file
 * weighs tells at most 12 % about its length.  Knows sizes only.
 */
#ifndef SEALPOST_PROTO_PAD_H
#define SEALPOST_PROTO_PAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/err.h"

enum {
    PAD_LEN_MIN = 4096,
    PAD_LEN_MAX = 1 << 20, /* of a body; attachments may be longer */
    PAD_INNER_MAX = PAD_LEN_MAX - 4
};

/* Padme(L) for 2 <= L <= 2^62, at least L. */
uint64_t padme(uint64_t len);
/* LEN is what padme() gives for something of 4096 bytes or more. */
bool padme_is_fixed(uint64_t len);

/* Length of pad(x) for LEN bytes of x: Padme(max(4096, 4 + LEN)). */
uint64_t pad_len(uint64_t len);
/* Appends u32 LEN || BYTES || zeros.  ERR_TOOBIG above PAD_INNER_MAX,
 * ERR_NOMEM. */
enum err pad(struct buf *out, const void *bytes, size_t len);
/* The bytes inside; *OUT is borrowed from PADDED.  ERR_MALFORMED unless every
 * padding byte is zero and LEN is exactly what pad() would have made. */
enum err unpad(const uint8_t *padded, size_t len, const uint8_t **out,
               size_t *out_len);

/* Length of a BODY that holds INNER_LEN bytes (<= PAD_INNER_MAX). */
uint64_t body_len_for(uint64_t inner_len);
/* BODY_LEN is one that some INNER gives.  The relay refuses others. */
bool body_len_is_valid(uint64_t body_len);

#endif
