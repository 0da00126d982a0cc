#include "tests/lib/vectors.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/bytes.h"

json_t *
vectors_load(const char *name)
{
    char path[256];
    json_error_t error;
    json_t *root;

    snprintf(path, sizeof(path), "tests/vectors/%s", name);
    root = json_load_file(path, JSON_ALLOW_NUL, &error);
    if (root == NULL)
        fail_msg("%s:%d: %s", path, error.line, error.text);
    return root;
}

static json_t *
field(const json_t *object, const char *key)
{
    json_t *value = json_object_get(object, key);

    if (value == NULL)
        fail_msg("no field %s", key);
    return value;
}

json_t *
vectors_list(const json_t *object, const char *key)
{
    json_t *list = field(object, key);

    assert_true(json_array_size(list) > 0);
    return list;
}

bool
vectors_has(const json_t *object, const char *key)
{
    return json_object_get(object, key) != NULL;
}

const char *
vectors_text(const json_t *object, const char *key)
{
    const char *text = json_string_value(field(object, key));

    assert_non_null(text);
    return text;
}

bool
vectors_is(const json_t *object, const char *key, const char *text)
{
    return strcmp(vectors_text(object, key), text) == 0;
}

long
vectors_int(const json_t *object, const char *key)
{
    json_t *value = field(object, key);

    assert_true(json_is_integer(value));
    return (long)json_integer_value(value);
}

/* One step through the text: a pair of digits or "(n)".  OUT may be NULL. */
static const char *
next(const char *text, uint8_t *out, size_t *len)
{
    char pair[3] = {0};
    char *end;

    if (*text == '(') {
        *len = strtoul(text + 1, &end, 10);
        assert_int_equal(*end, ')');
        if (out != NULL)
            memset(out, 0, *len);
        return end + 1;
    }
    memcpy(pair, text, 2);
    assert_int_equal(hex_decode(out != NULL ? out : (uint8_t[1]){0}, 1, pair),
                     ERR_OK);
    *len = 1;
    return text + 2;
}

struct bytes
vectors_hex(const json_t *object, const char *key)
{
    const char *text = vectors_text(object, key);
    struct bytes b = {0};
    size_t step, at = 0;

    for (const char *p = text; *p != '\0'; b.len += step)
        p = next(p, NULL, &step);
    b.p = malloc(b.len + 1);
    assert_non_null(b.p);
    for (const char *p = text; *p != '\0'; at += step)
        p = next(p, b.p + at, &step);
    return b;
}

void
vectors_copy(void *out, size_t len, const json_t *object, const char *key)
{
    struct bytes b = vectors_hex(object, key);

    assert_int_equal(b.len, len);
    memcpy(out, b.p, len);
    bytes_free(&b);
}

void
bytes_free(struct bytes *b)
{
    free(b->p);
    *b = (struct bytes){0};
}
