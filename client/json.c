#include "client/json.h"

#include <stdio.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "common/bytes.h"
#include "proto/crypto.h"

/* Freed JSON may have held case content.  A failed allocation is remembered:
 * jansson 2.14 loses a character of the text instead of saying so. */
static bool out_of_memory;

static void *
json_alloc(size_t n)
{
    size_t *p = malloc(n + sizeof(max_align_t));

    if (p == NULL) {
        out_of_memory = true;
        return NULL;
    }
    *p = n;
    return (char *)p + sizeof(max_align_t);
}

static void
json_release(void *p)
{
    char *start;

    if (p == NULL)
        return;
    start = (char *)p - sizeof(max_align_t);
    crypto_wipe(p, *(size_t *)(void *)start);
    free(start);
}

void
json_init(void)
{
    json_set_alloc_funcs(json_alloc, json_release);
}

static size_t
depth_of(const json_t *v, size_t at)
{
    size_t deepest = at;
    const char *key;
    json_t *item;
    size_t i;

    if (at > JSON_DEPTH_MAX)
        return at;
    if (json_is_object(v)) {
        json_object_foreach((json_t *)v, key, item)
        {
            size_t d = depth_of(item, at + 1);
            deepest = d > deepest ? d : deepest;
        }
    }
    json_array_foreach(v, i, item)
    {
        size_t d = depth_of(item, at + 1);
        deepest = d > deepest ? d : deepest;
    }
    return deepest;
}

enum err
json_read(const void *text, size_t len, const char *name, json_t **out,
          struct problem *pb)
{
    json_error_t je;
    json_t *v;

    if (len > JSON_FILE_MAX)
        return problem_set(pb, P_JSON, ERR_TOOBIG, "cannot read the referral",
                           "%s is %zu bytes long; the limit is %u", name, len,
                           JSON_FILE_MAX);
    out_of_memory = false;
    v = json_loadb(text, len, JSON_REJECT_DUPLICATES, &je);
    if (out_of_memory) {
        json_decref(v);
        return problem_from_err(pb, "cannot read the JSON", ERR_NOMEM);
    }
    if (v == NULL)
        return problem_set(pb, P_JSON, ERR_MALFORMED, "this is not valid JSON",
                           "%s line %d column %d: %s", name, je.line, je.column,
                           je.text);
    if (depth_of(v, 0) > JSON_DEPTH_MAX) {
        json_decref(v);
        return problem_set(pb, P_JSON, ERR_MALFORMED, "cannot read the JSON",
                           "%s: nested deeper than %u levels", name,
                           JSON_DEPTH_MAX);
    }
    *out = v;
    return ERR_OK;
}

static int
append(const char *bytes, size_t len, void *arg)
{
    buf_put(arg, bytes, len);
    return 0;
}

enum err
json_write(struct buf *out, const json_t *value, int indent)
{
    size_t flags = JSON_ENCODE_ANY | JSON_INDENT((size_t)indent) |
                   (indent == 0 ? JSON_COMPACT : 0);

    if (json_dump_callback(value, append, out, flags) != 0)
        return ERR_NOMEM;
    return buf_status(out);
}

void
json_put(json_t *obj, const char *key, json_t *takes)
{
    (void)json_object_set_new(obj, key, takes);
}

void
json_put_str(json_t *obj, const char *key, const char *text)
{
    json_put_text(obj, key, text, strlen(text));
}

void
json_put_u64(json_t *obj, const char *key, uint64_t v)
{
    json_put(obj, key, json_integer((json_int_t)v));
}

void
json_put_bool(json_t *obj, const char *key, int yes)
{
    json_put(obj, key, json_boolean(yes));
}

void
json_put_hex(json_t *obj, const char *key, const void *bytes, size_t len)
{
    char *hex = malloc(2 * len + 1);

    if (hex == NULL)
        return;
    hex_encode(hex, bytes, len);
    json_put(obj, key, json_string(hex));
    free(hex);
}

void
json_put_text(json_t *obj, const char *key, const void *text, size_t len)
{
    json_t *v = json_stringn(text, len);
    char *ascii;

    if (v == NULL && (ascii = malloc(len + 1)) != NULL) {
        for (size_t i = 0; i < len; i++) {
            char c = ((const char *)text)[i];
            ascii[i] = (c & 0x80) != 0 ? '?' : c;
        }
        v = json_stringn(ascii, len);
        free(ascii);
    }
    json_put(obj, key, v);
}

const char *
json_get_str(const json_t *obj, const char *key)
{
    const char *s = json_string_value(json_object_get(obj, key));

    return s != NULL ? s : "";
}

uint64_t
json_get_u64(const json_t *obj, const char *key)
{
    json_int_t v = json_integer_value(json_object_get(obj, key));

    return v > 0 ? (uint64_t)v : 0;
}

bool
json_get_bool(const json_t *obj, const char *key)
{
    return json_is_true(json_object_get(obj, key));
}

enum err
json_get_hex(const json_t *obj, const char *key, void *out, size_t len)
{
    const char *s = json_string_value(json_object_get(obj, key));

    memset(out, 0, len);
    if (s == NULL)
        return ERR_NOTFOUND;
    return hex_decode(out, len, s);
}

void
json_get_text(const json_t *obj, const char *key, char *out, size_t max)
{
    (void)snprintf(out, max, "%s", json_get_str(obj, key));
}
