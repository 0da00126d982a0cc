/*
 * lines.h - strict text: lines that end in a line feed, numbers in one form
 * only.  What the C2SP formats (notes, proofs, tile paths) share.
 */
#ifndef SEALPOST_PROTO_LINES_H
#define SEALPOST_PROTO_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/bytes.h"
#include "common/err.h"

struct line {
    const char *text; /* borrowed from the cursor's bytes; not terminated */
    size_t len;       /* without the line feed */
};

/* Takes the next line; false, and the cursor where it was, when no line feed
 * is left. */
bool line_next(struct rd *r, struct line *out);
bool line_is(const struct line *line, const char *text);
/* Drops PREFIX from the front; false when it is not there. */
bool line_skip(struct line *line, const char *prefix);
/* All of the line as decimal without sign or leading zeros, or
 * ERR_MALFORMED. */
enum err line_u64(const struct line *line, uint64_t *out);
/* All of the line as base64 of exactly LEN bytes, or ERR_MALFORMED. */
enum err line_b64(const struct line *line, void *out, size_t len);

#endif
