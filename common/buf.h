/*
 * buf.h - a growing byte buffer that owns its bytes, big-endian writers.
 *
 * Out of memory is sticky: buf_failed() tells, and everything written after
 * the failure is dropped.  Zero-initialise ({0}) before use; buf_clear() frees
 * and may be called again.  Growing and clearing wipe the old bytes, so a
 * buffer may hold plaintext (not long-lived keys: those live in
 * crypto_secret memory).
 */
#ifndef SEALPOST_COMMON_BUF_H
#define SEALPOST_COMMON_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"

struct buf {
    uint8_t *data;
    size_t len;
    size_t cap;
    bool failed;
};

void buf_clear(struct buf *b);
/* Keeps the memory, forgets (and wipes) the bytes. */
void buf_reset(struct buf *b);
/* ERR_OK, or ERR_NOMEM when any write failed. */
enum err buf_status(const struct buf *b);
/* Room for LEN more bytes at data + len; len is not moved. NULL: no memory. */
uint8_t *buf_reserve(struct buf *b, size_t len);
/* Appends LEN uninitialised bytes and gives where they start, or NULL. */
uint8_t *buf_extend(struct buf *b, size_t len);
void buf_put(struct buf *b, const void *bytes, size_t len);
void buf_str(struct buf *b, const char *text); /* without terminator */
void buf_zeros(struct buf *b, size_t len);
void buf_u8(struct buf *b, uint8_t v);
void buf_u16(struct buf *b, uint16_t v);
void buf_u24(struct buf *b, uint32_t v);
void buf_u32(struct buf *b, uint32_t v);
void buf_u64(struct buf *b, uint64_t v);
/* printf into the buffer; no terminator is counted in len (one is kept
 * behind the bytes, so data can be used as a string after it). */
void buf_printf(struct buf *b, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* Drops the first N bytes. */
void buf_drop(struct buf *b, size_t n);

#endif
