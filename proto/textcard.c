#include "proto/textcard.h"

#include <string.h>

#include "proto/base32.h"
#include "proto/crypto.h"
#include "proto/statement.h"

enum { BYTES_MAX = 32 };

void
textcard_check(const struct textcard *kind, const void *lines, size_t len,
               char out[TEXTCARD_CHECK_LEN + 1])
{
    char digits[9];
    struct hash h;

    domain_hash(&h, kind->domain, &(struct span){lines, len}, 1);
    crockford_encode(digits, 8, h.b, sizeof(h.b));
    memcpy(out, digits, 4);
    out[4] = '-';
    memcpy(out + 5, digits + 4, 5);
}

enum err
textcard_put(const struct textcard *kind, const struct buf *lines,
             struct buf *out)
{
    char check[TEXTCARD_CHECK_LEN + 1];

    textcard_check(kind, lines->data, lines->len, check);
    buf_printf(out, "%s\n%.*scheck: %s\n%s\n", kind->begin, (int)lines->len,
               (const char *)lines->data, check, kind->end);
    return buf_status(out);
}

/* The next line, white space at both ends cut off.  False at the end. */
static bool
next_line(struct rd *r, struct text_ref *line)
{
    const uint8_t *p = r->p, *lf;
    size_t len;

    if (r->left == 0)
        return false;
    lf = memchr(p, '\n', r->left);
    len = lf == NULL ? r->left : (size_t)(lf - p);
    rd_ref(r, lf == NULL ? len : len + 1);
    while (len > 0 && strchr(" \t\r", p[0]) != NULL && p[0] != '\0') {
        p++;
        len--;
    }
    while (len > 0 && strchr(" \t\r", p[len - 1]) != NULL && p[len - 1] != '\0')
        len--;
    *line = (struct text_ref){(const char *)p, len};
    return true;
}

static bool
line_equals(struct text_ref line, const char *text)
{
    return line.len == strlen(text) && memcmp(line.p, text, line.len) == 0;
}

bool
textcard_find(const struct textcard *kind, struct rd *r)
{
    struct text_ref line;

    do {
        if (!next_line(r, &line))
            return false;
    } while (!line_equals(line, kind->begin));
    return true;
}

bool
textcard_field(struct rd *r, const char *field, char *out, size_t cap)
{
    struct text_ref line;
    size_t n = strlen(field);

    if (!next_line(r, &line) || line.len <= n + 2 ||
        memcmp(line.p, field, n) != 0 || memcmp(line.p + n, ": ", 2) != 0)
        return false;
    line.p += n + 2;
    line.len -= n + 2;
    if (line.len >= cap || memchr(line.p, 0, line.len) != NULL)
        return false;
    memcpy(out, line.p, line.len);
    out[line.len] = '\0';
    return true;
}

bool
textcard_bytes(struct rd *r, const char *field, uint8_t *out, size_t len)
{
    char digits[BASE32_LEN(BYTES_MAX) + 1];
    uint8_t bytes[BYTES_MAX];
    size_t got;

    if (!textcard_field(r, field, digits, sizeof(digits)) ||
        base32_decode(bytes, sizeof(bytes), &got, digits, strlen(digits)) !=
            ERR_OK ||
        got != len)
        return false;
    memcpy(out, bytes, len);
    return true;
}

bool
textcard_end(const struct textcard *kind, struct rd *r,
             char check[TEXTCARD_CHECK_LEN + 1])
{
    struct text_ref line;

    return textcard_field(r, "check", check, TEXTCARD_CHECK_LEN + 1) &&
           next_line(r, &line) && line_equals(line, kind->end);
}
