/*
 * attachment.h - files sealed beside a packet (PROTOCOL.md section 8.5):
 * chunked(att_key, "sealpost/1/att\0" || att_id, file zero-padded to
 * Padme(max(4096, plain_len))).  One chunk at a time and at any place, so both
 * ways can be resumed.  Knows no files; the digest D of the blob is kept with
 * struct bulk (crypto.h) by whoever reads the blob through.
 */
#ifndef SEALPOST_PROTO_ATTACHMENT_H
#define SEALPOST_PROTO_ATTACHMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "proto/chunked.h"
#include "proto/ids.h"
#include "proto/limits.h"

#define ATTACHMENT_PLAIN_MAX LIMIT_ATT_PLAIN /* 2^36 */

/* Length of the file with its padding; PLAIN_LEN <= ATTACHMENT_PLAIN_MAX. */
uint64_t attachment_padded_len(uint64_t plain_len);
/* Length of the blob. */
uint64_t attachment_ct_len(uint64_t plain_len);
/* CT_LEN is one that some file gives. */
bool attachment_ct_len_is_valid(uint64_t ct_len);

/* Secret: wiped by attachment_clear.  Does not change after init, so chunks
 * may be done in any order and again. */
struct attachment {
    struct chunked stream;
    uint64_t plain_len;
    uint64_t padded_len;
    uint64_t chunks; /* indexes 0 .. chunks - 1 */
};

/* SALT is NULL for a random one; to resume one's own stream give its first 24
 * bytes (the file must be the same).  Writes the blob's first 56 bytes.
 * ERR_TOOBIG. */
enum err attachment_seal_init(struct attachment *a, const uint8_t key[32],
                              const struct att_id *id, uint64_t plain_len,
                              const uint8_t *salt,
                              uint8_t header[CHUNKED_HEADER_LEN]);
/* ERR_VERIFY when HEADER is not of this key and id; ERR_TOOBIG. */
enum err attachment_open_init(struct attachment *a, const uint8_t key[32],
                              const struct att_id *id, uint64_t plain_len,
                              const uint8_t header[CHUNKED_HEADER_LEN]);
void attachment_clear(struct attachment *a);

/* Bytes of the file in chunk INDEX (0 in chunks of padding only), at file
 * offset INDEX * 16384; and bytes of the blob at chunked_offset(INDEX). */
size_t attachment_plain_in(const struct attachment *a, uint64_t index);
size_t attachment_sealed_in(const struct attachment *a, uint64_t index);

/* PLAIN holds attachment_plain_in() bytes; OUT has room for CHUNKED_CHUNK_LEN,
 * attachment_sealed_in() are written.  ERR_MALFORMED: no such chunk. */
enum err attachment_seal_chunk(const struct attachment *a, uint64_t index,
                               const void *plain, uint8_t *out);
/* SEALED holds attachment_sealed_in() bytes; OUT has room for
 * CHUNKED_PLAIN_LEN, and holds attachment_plain_in() bytes of the file after.
 * ERR_VERIFY, also when padding is not zero; ERR_MALFORMED: no such chunk. */
enum err attachment_open_chunk(const struct attachment *a, uint64_t index,
                               const void *sealed, uint8_t *out);

#endif
