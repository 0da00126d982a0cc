#include "tests/lib/json_out.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/bytes.h"

void
json_hex(struct buf *out, const char *key, const void *bytes, size_t len)
{
    char *digits = malloc(2 * len + 1);

    assert_non_null(digits);
    hex_encode(digits, bytes, len);
    buf_printf(out, "\"%s\": \"", key);
    buf_str(out, digits);
    buf_str(out, "\",\n");
    free(digits);
}

void
json_number(struct buf *out, const char *key, uint64_t v)
{
    buf_printf(out, "\"%s\": %" PRIu64 ",\n", key, v);
}

void
json_text(struct buf *out, const char *key, const char *v)
{
    buf_printf(out, "\"%s\": \"%s\",\n", key, v);
}

void
json_begin(struct buf *out, const char *what)
{
    buf_str(out, "{\n");
    json_text(out, "what", what);
    json_text(out, "made_by", "tests/lib/packet_vectors.c");
}

/* Replaces the comma behind the last field or row. */
void
json_end(struct buf *out, const char *bracket)
{
    assert_int_equal(buf_status(out), ERR_OK);
    if (out->len >= 2 && memcmp(out->data + out->len - 2, ",\n", 2) == 0)
        out->len -= 2;
    buf_str(out, bracket);
}
