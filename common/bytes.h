/*
 * bytes.h - a checked cursor over bytes somebody else owns, big-endian.
 *
 * Errors are sticky: after the first read past the end every read gives zeros
 * (or NULL) and rd_end() gives ERR_MALFORMED.  So a decoder reads all its
 * fields in order and asks once.  The cursor borrows the bytes.
 */
#ifndef SEALPOST_COMMON_BYTES_H
#define SEALPOST_COMMON_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"

struct rd {
    const uint8_t *p;
    size_t left;
    bool bad;
};

struct rd rd_from(const void *bytes, size_t len);
uint8_t rd_u8(struct rd *r);
uint16_t rd_u16(struct rd *r);
uint32_t rd_u24(struct rd *r);
uint32_t rd_u32(struct rd *r);
uint64_t rd_u64(struct rd *r);
/* LEN bytes inside the source, or NULL (and bad) if there are fewer.
 * rd_ref(r, 0) gives a pointer that must not be read. */
const uint8_t *rd_ref(struct rd *r, size_t len);
/* Copies LEN bytes to DST, or fills DST with zeros when there are fewer. */
void rd_copy(struct rd *r, void *dst, size_t len);
/* The next LEN bytes must equal EXPECT (public constants only). */
void rd_expect(struct rd *r, const void *expect, size_t len);
/* ERR_OK only when nothing went wrong and nothing is left over. */
enum err rd_end(const struct rd *r);

void put_u16(uint8_t *p, uint16_t v);
void put_u24(uint8_t *p, uint32_t v);
void put_u32(uint8_t *p, uint32_t v);
void put_u64(uint8_t *p, uint64_t v);
uint16_t get_u16(const uint8_t *p);
uint32_t get_u24(const uint8_t *p);
uint32_t get_u32(const uint8_t *p);
uint64_t get_u64(const uint8_t *p);

/* Lower-case hex.  OUT has room for 2 * LEN + 1; a terminator is written. */
void hex_encode(char *out, const void *bytes, size_t len);
/* Exactly 2 * LEN hex digits (either case) and then the end of the string. */
enum err hex_decode(void *out, size_t len, const char *hex);

#endif
