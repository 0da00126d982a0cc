/*
 * json.h - THE jansson door: everything that includes jansson does so here.
 * Strict reading (RFC 8259, UTF-8, no duplicate keys, bounded depth and size)
 * and the one way of printing.
 */
#ifndef SEALPOST_CLIENT_JSON_H
#define SEALPOST_CLIENT_JSON_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/err.h"
#include "client/problem.h"

#define JSON_FILE_MAX (4u << 20) /* bytes of a referral file */
#define JSON_DEPTH_MAX 32u

/* Once, before anything else: JSON memory is wiped when it is freed. */
void json_init(void);

/* Gives a new reference.  On ERR_MALFORMED the problem (P_JSON) names line,
 * column and cause; NAME is what the text is called in it. */
enum err json_read(const void *text, size_t len, const char *name, json_t **out,
                   struct problem *pb);
/* Compact (one line) or indented, keys in insertion order, no terminator. */
enum err json_write(struct buf *out, const json_t *value, int indent);

/* Short setters for results; out of memory aborts nothing and is reported by
 * json_write.  Hex for ids, so that scripts can compare them as text. */
void json_put(json_t *obj, const char *key, json_t *takes);
void json_put_str(json_t *obj, const char *key, const char *text);
void json_put_u64(json_t *obj, const char *key, uint64_t v);
void json_put_bool(json_t *obj, const char *key, int yes);
void json_put_hex(json_t *obj, const char *key, const void *bytes, size_t len);
/* Text of unknown origin: invalid UTF-8 is replaced, never refused. */
void json_put_text(json_t *obj, const char *key, const void *text, size_t len);

/* Short getters for what we wrote ourselves; what is missing or of another
 * kind gives "", 0, false. */
const char *json_get_str(const json_t *obj, const char *key);
uint64_t json_get_u64(const json_t *obj, const char *key);
bool json_get_bool(const json_t *obj, const char *key);
/* Exactly LEN bytes as hex; ERR_NOTFOUND, ERR_MALFORMED: OUT is zeroed. */
enum err json_get_hex(const json_t *obj, const char *key, void *out,
                      size_t len);
/* Copies, cut at MAX - 1 bytes, always terminated. */
void json_get_text(const json_t *obj, const char *key, char *out, size_t max);

#endif
