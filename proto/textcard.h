/*
 * textcard.h - cards: small blocks of "field: value" lines that survive mail
 * and chat, with a check that people can read out.
 *
 *   -----BEGIN SEALPOST NAME-----
 *   field: value
 *   check: XXXX-XXXX     40 bits of SHA-256(domain || 0x00 || the lines above)
 *   -----END SEALPOST NAME-----
 *
 * What stands around the block, CR and white space at either end of a line are
 * forgiven.  Knows no particular card.
 */
#ifndef SEALPOST_PROTO_TEXTCARD_H
#define SEALPOST_PROTO_TEXTCARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/bytes.h"
#include "common/err.h"

enum { TEXTCARD_CHECK_LEN = 9 };

struct textcard {
    const char *begin; /* first and last line of the block */
    const char *end;
    const char *domain; /* of the check */
};

/* The check of LINES (each with its "\n"). */
void textcard_check(const struct textcard *kind, const void *lines, size_t len,
                    char out[TEXTCARD_CHECK_LEN + 1]);
/* Appends the block around LINES.  ERR_NOMEM. */
enum err textcard_put(const struct textcard *kind, const struct buf *lines,
                      struct buf *out);

/* Moves R behind the first line of the block; false: there is none. */
bool textcard_find(const struct textcard *kind, struct rd *r);
/* The value of "FIELD: value" on the next line, terminated in OUT. */
bool textcard_field(struct rd *r, const char *field, char *out, size_t cap);
/* The same, base32 of exactly LEN bytes, at most 32. */
bool textcard_bytes(struct rd *r, const char *field, uint8_t *out, size_t len);
/* The check and the last line follow. */
bool textcard_end(const struct textcard *kind, struct rd *r,
                  char check[TEXTCARD_CHECK_LEN + 1]);

#endif
