#include "proto/lines.h"

#include <string.h>

#include "proto/crypto.h"

bool
line_next(struct rd *r, struct line *out)
{
    const uint8_t *end;

    if (r->bad || r->left == 0)
        return false;
    end = memchr(r->p, '\n', r->left);
    if (end == NULL)
        return false;
    out->len = (size_t)(end - r->p);
    out->text = (const char *)rd_ref(r, out->len + 1);
    return true;
}

bool
line_is(const struct line *line, const char *text)
{
    return line->len == strlen(text) &&
           memcmp(line->text, text, line->len) == 0;
}

bool
line_skip(struct line *line, const char *prefix)
{
    size_t len = strlen(prefix);

    if (line->len < len || memcmp(line->text, prefix, len) != 0)
        return false;
    line->text += len;
    line->len -= len;
    return true;
}

enum err
line_u64(const struct line *line, uint64_t *out)
{
    uint64_t v = 0;

    if (line->len == 0 || line->len > 20)
        return ERR_MALFORMED;
    if (line->text[0] == '0' && line->len > 1)
        return ERR_MALFORMED;
    for (size_t i = 0; i < line->len; i++) {
        char c = line->text[i];

        if (c < '0' || c > '9')
            return ERR_MALFORMED;
        if (v > (UINT64_MAX - (uint64_t)(c - '0')) / 10)
            return ERR_MALFORMED;
        v = v * 10 + (uint64_t)(c - '0');
    }
    *out = v;
    return ERR_OK;
}

enum err
line_b64(const struct line *line, void *out, size_t len)
{
    uint8_t tmp[128];
    size_t got;

    if (len > sizeof(tmp) ||
        b64_decode(tmp, len, &got, line->text, line->len) != ERR_OK ||
        got != len)
        return ERR_MALFORMED;
    memcpy(out, tmp, len);
    return ERR_OK;
}
