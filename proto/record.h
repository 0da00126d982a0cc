/*
 * record.h - one record of the channel: kind, length, bytes, zero padding to
 * one of six sizes, sealed by the session's cipher behind a u16 length.
 * Knows no order, parts or handshake.  PROTOCOL.md section 4.
 */
#ifndef SEALPOST_PROTO_RECORD_H
#define SEALPOST_PROTO_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/err.h"
#include "proto/crypto.h"
#include "proto/noise.h"

enum record_kind {
    RECORD_IDLE = 0, /* empty */
    RECORD_LAST = 1, /* the last or only part of a message */
    RECORD_PART = 2, /* more parts follow */
    RECORD_BLOB = 3, /* u32 handle, u64 offset, bytes */
    RECORD_BYE = 4,  /* u16 code */
    RECORD_KINDS
};

enum {
    RECORD_HEAD_LEN = 4, /* u8 kind, u24 length */
    RECORD_BYTES_MAX = NOISE_PLAIN_MAX - RECORD_HEAD_LEN,
    RECORD_BLOB_HEAD_LEN = 12,
    RECORD_BLOB_MAX = RECORD_BYTES_MAX - RECORD_BLOB_HEAD_LEN
};

/* Bytes on the wire of a record with LEN bytes in it, the u16 included. */
size_t record_wire_len(size_t len);
/* Can the u16 before a record have this value? */
bool record_is_len(unsigned len);

/* Appends one whole record; LEN <= RECORD_BYTES_MAX over the parts.  ERR_NOMEM
 * leaves OUT and C as they were; ERR_STATE: the nonces are used up. */
enum err record_seal(struct noise_cipher *c, struct buf *out,
                     enum record_kind kind, const struct span *parts, size_t n);

struct record {
    enum record_kind kind;
    const uint8_t *bytes; /* inside what was opened */
    size_t len;
};

/* Opens LEN bytes (those behind the u16) in place.  ERR_VERIFY: the tag.
 * ERR_MALFORMED: unknown kind, a length that the kind cannot have, padding
 * that is not the smallest or not zero. */
enum err record_open(struct noise_cipher *c, uint8_t *sealed, size_t len,
                     struct record *out);

#endif
