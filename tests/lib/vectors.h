/*
 * vectors.h - test vectors in JSON, from tests/vectors.  What is missing or
 * malformed in a file fails the running test.
 */
#ifndef SEALPOST_TESTS_VECTORS_H
#define SEALPOST_TESTS_VECTORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

/* Bytes of one field, with an address even when there are none.  Free with
 * bytes_free. */
struct bytes {
    uint8_t *p;
    size_t len;
};

/* NAME below tests/vectors.  The caller frees with json_decref. */
json_t *vectors_load(const char *name);
json_t *vectors_list(const json_t *object, const char *key);
bool vectors_has(const json_t *object, const char *key);
bool vectors_is(const json_t *object, const char *key, const char *text);
long vectors_int(const json_t *object, const char *key);
const char *vectors_text(const json_t *object, const char *key);
/* Hex of either case; "(n)" stands for n zero bytes. */
struct bytes vectors_hex(const json_t *object, const char *key);
/* Hex of exactly LEN bytes, to OUT. */
void vectors_copy(void *out, size_t len, const json_t *object, const char *key);
void bytes_free(struct bytes *b);

#endif
