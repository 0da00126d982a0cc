/*
 * json_out.h - JSON for vector files, one field a line, keys and texts plain
 * ASCII without quotes.  Each field ends with a comma; json_end takes the last
 * one back.  What goes wrong fails the running test.
 */
#ifndef SEALPOST_TESTS_JSON_OUT_H
#define SEALPOST_TESTS_JSON_OUT_H

#include "common/buf.h"

/* "{" and what every file says about itself. */
void json_begin(struct buf *out, const char *what);
/* BRACKET closes what is open, with its line ends. */
void json_end(struct buf *out, const char *bracket);
void json_hex(struct buf *out, const char *key, const void *bytes, size_t len);
void json_number(struct buf *out, const char *key, uint64_t v);
void json_text(struct buf *out, const char *key, const char *v);

#endif
