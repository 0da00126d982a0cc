/*
 * chunked.h - c2sp.org/chunked-encryption: one key and one context give a
 * stream of 16 KiB chunks that can be read from any place (PROTOCOL.md
 * section 8.3).  Knows no padding and no files.
 *
 *   salt(24) || commitment(32) || chunk 0 || chunk 1 ...
 *
 * Each chunk is 16384 bytes and a tag, but the last: it always holds less than
 * 16384 (maybe none), and that is the end mark.  Chunk k starts at byte
 * 56 + 16400 k.  A key may be used for many streams (each has its salt); a
 * chunk of one stream must never be sealed twice with other bytes.
 */
#ifndef SEALPOST_PROTO_CHUNKED_H
#define SEALPOST_PROTO_CHUNKED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/err.h"
#include "proto/crypto.h"

enum {
    CHUNKED_PLAIN_LEN = 16384,
    CHUNKED_CHUNK_LEN = CHUNKED_PLAIN_LEN + AEAD_TAG_LEN,
    CHUNKED_SALT_LEN = 24,
    CHUNKED_HEADER_LEN = CHUNKED_SALT_LEN + 32
};

/* Secret: wiped by chunked_clear.  Chunks do not change it, so one struct may
 * serve several threads. */
struct chunked {
    const struct aead *aead;
    uint8_t key[32];
    uint8_t base_nonce[12];
};

/* Start sealing with ChaCha20-Poly1305.  SALT is NULL for a random one (fixed
 * salts are for vectors and for resuming one's own stream).  Writes HEADER. */
void chunked_seal_init(struct chunked *c, const uint8_t key[32],
                       const void *context, size_t context_len,
                       const uint8_t *salt, uint8_t header[56]);
/* ERR_VERIFY when the commitment is not of this key and context. */
enum err chunked_open_init(struct chunked *c, const uint8_t key[32],
                           const void *context, size_t context_len,
                           const uint8_t header[56]);
/* The same with another AEAD, which must be available. */
void chunked_seal_init_with(struct chunked *c, const struct aead *aead,
                            const uint8_t key[32], const void *context,
                            size_t context_len, const uint8_t *salt,
                            uint8_t header[56]);
enum err chunked_open_init_with(struct chunked *c, const struct aead *aead,
                                const uint8_t key[32], const void *context,
                                size_t context_len, const uint8_t header[56]);
void chunked_clear(struct chunked *c);

/* Chunk INDEX from 0.  OUT has room for LEN + 16 and may be PLAIN.
 * ERR_MALFORMED unless LEN is 16384, or less in the last chunk. */
enum err chunked_seal_chunk(const struct chunked *c, uint64_t index,
                            const void *plain, size_t len, bool last,
                            uint8_t *out);
/* SEALED_LEN - 16 bytes of plaintext; OUT may be SEALED.  LAST says that the
 * stream ends here: the caller knows from the stream's length.  ERR_MALFORMED
 * for a length that cannot be at this place, ERR_VERIFY. */
enum err chunked_open_chunk(const struct chunked *c, uint64_t index,
                            const void *sealed, size_t sealed_len, bool last,
                            uint8_t *out);

/* Arithmetic.  Whole stream for PLAIN_LEN bytes, header included. */
uint64_t chunked_len(uint64_t plain_len);
/* ERR_MALFORMED when no stream has that length. */
enum err chunked_plain_len(uint64_t stream_len, uint64_t *plain_len);
uint64_t chunked_count(uint64_t plain_len);
/* Where chunk INDEX starts in the stream. */
uint64_t chunked_offset(uint64_t index);

/* Whole buffers, appended to OUT; OUT is as before on failure (ERR_NOMEM; open
 * also ERR_MALFORMED, ERR_VERIFY). */
enum err chunked_seal(struct buf *out, const uint8_t key[32],
                      const void *context, size_t context_len,
                      const void *plain, size_t len);
enum err chunked_open(struct buf *out, const uint8_t key[32],
                      const void *context, size_t context_len,
                      const void *stream, size_t stream_len);
enum err chunked_open_with(struct buf *out, const struct aead *aead,
                           const uint8_t key[32], const void *context,
                           size_t context_len, const void *stream,
                           size_t stream_len);

#endif
