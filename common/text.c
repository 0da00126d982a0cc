#include "common/text.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <utf8proc.h>

/* One character of TEXT and how many bytes it took; -1 and 1 for a byte that is
 * not UTF-8. */
static size_t
next_char(const char *text, size_t len, int32_t *c)
{
    utf8proc_ssize_t n = utf8proc_iterate((const utf8proc_uint8_t *)text,
                                          (utf8proc_ssize_t)len, c);

    if (n > 0)
        return (size_t)n;
    *c = -1;
    return 1;
}

bool
text_is_utf8(const char *text, size_t len)
{
    int32_t c;

    for (size_t i = 0; i < len; i += next_char(text + i, len - i, &c))
        if (next_char(text + i, len - i, &c) == 1 && c < 0)
            return false;
    return true;
}

/* Controls, marks that turn or hide text, line and paragraph separators,
 * surrogates, unassigned: what a terminal or a reader could be fooled by. */
static bool
is_treacherous(int32_t c)
{
    switch (utf8proc_category(c)) {
    case UTF8PROC_CATEGORY_CC:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_CS:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP:
        /* Joiners make words of Persian and of the Indic scripts. */
        return c != 0x200c && c != 0x200d;
    case UTF8PROC_CATEGORY_CN:
        return (c & 0xfffe) == 0xfffe; /* never a character */
    default:
        return false;
    }
}

/* --- names
 * -------------------------------------------------------------------- */

enum err
text_nfc(char **out, const char *text, size_t len)
{
    utf8proc_uint8_t *made = NULL;
    utf8proc_ssize_t n;

    if (memchr(text, '\0', len) != NULL)
        return ERR_MALFORMED;
    n = utf8proc_map((const utf8proc_uint8_t *)text, (utf8proc_ssize_t)len,
                     &made, UTF8PROC_STABLE | UTF8PROC_COMPOSE);
    if (n < 0)
        return n == UTF8PROC_ERROR_NOMEM ? ERR_NOMEM : ERR_MALFORMED;
    *out = (char *)made;
    return ERR_OK;
}

static bool
has_treacherous(const char *text)
{
    size_t len = strlen(text);
    int32_t c;

    for (size_t i = 0; i < len;) {
        i += next_char(text + i, len - i, &c);
        if (is_treacherous(c))
            return true;
    }
    return false;
}

static bool
has_outer_space(const char *text)
{
    size_t len = strlen(text);
    int32_t c;
    bool first = true, space = false;

    for (size_t i = 0; i < len; first = false) {
        i += next_char(text + i, len - i, &c);
        space = utf8proc_category(c) == UTF8PROC_CATEGORY_ZS;
        if (space && first)
            return true;
    }
    return space;
}

static enum err
check(const char *name, size_t max_bytes, const char **problem)
{
    size_t len = strlen(name);
    char *nfc = NULL;
    enum err rc;

    *problem = "is too long";
    if (len > max_bytes)
        return ERR_TOOBIG;
    *problem = len == 0 ? "is empty" : "is not UTF-8";
    if (len == 0 || !text_is_utf8(name, len))
        return ERR_MALFORMED;
    *problem = "has a control character, or one that hides or turns text";
    if (has_treacherous(name))
        return ERR_MALFORMED;
    *problem = "starts or ends with a space";
    if (has_outer_space(name))
        return ERR_MALFORMED;
    *problem = "cannot be checked: out of memory";
    rc = text_nfc(&nfc, name, len);
    if (rc != ERR_OK)
        return rc;
    *problem = "is not in Unicode's composed form (NFC)";
    rc = strcmp(nfc, name) == 0 ? ERR_OK : ERR_MALFORMED;
    free(nfc);
    return rc;
}

enum err
text_name_check(const char *name, size_t max_bytes)
{
    const char *problem;

    return check(name, max_bytes, &problem);
}

const char *
text_name_problem(const char *name, size_t max_bytes)
{
    const char *problem;

    return check(name, max_bytes, &problem) == ERR_OK ? NULL : problem;
}

/* --- on a terminal
 * ------------------------------------------------------------- */

size_t
text_width(const char *text, size_t len)
{
    size_t width = 0;
    int32_t c;

    for (size_t i = 0; i < len;) {
        i += next_char(text + i, len - i, &c);
        if (c >= 0 && !is_treacherous(c))
            width += (size_t)utf8proc_charwidth(c);
    }
    return width;
}

static bool
is_kept_line(const char *at, size_t left, int32_t c, struct buf *b)
{
    if (c == '\r' && left > 1 && at[1] == '\n')
        return true; /* dropped: the newline does it */
    if (c != '\n' && c != '\t')
        return false;
    buf_u8(b, (uint8_t)c);
    return true;
}

void
text_show(struct buf *b, const char *text, size_t len, enum text_lines lines)
{
    size_t n;
    int32_t c;

    for (size_t i = 0; i < len; i += n) {
        n = next_char(text + i, len - i, &c);
        if (c < 0)
            buf_printf(b, "\\x{%02x}", (unsigned)(unsigned char)text[i]);
        else if (lines == TEXT_LINES && is_kept_line(text + i, len - i, c, b))
            continue;
        else if (is_treacherous(c))
            buf_printf(b, "\\u{%x}", (unsigned)c);
        else
            buf_put(b, text + i, n);
    }
}

/* The end of the line that starts at TEXT: WIDTH columns at most, at a space if
 * there is one.  *NEXT is where the following line starts. */
static size_t
line_end(const char *text, size_t len, size_t width, size_t *next)
{
    size_t columns = 0, end = 0, i = 0, n;
    int32_t c;

    for (; i < len && text[i] != '\n'; i += n) {
        n = next_char(text + i, len - i, &c);
        if (text[i] == ' ') {
            end = i;
            *next = i + 1;
        }
        columns += text_width(text + i, n);
        if (columns > width && end > 0)
            return end;
    }
    *next = i < len ? i + 1 : len;
    return i;
}

/* A word that fits no line: up to the next space. */
static size_t
word_end(const char *text, size_t len, size_t *next)
{
    size_t i = 0;

    while (i < len && text[i] != ' ' && text[i] != '\n')
        i++;
    *next = i < len ? i + 1 : len;
    return i;
}

void
text_wrap(struct buf *b, const char *text, size_t width, size_t indent)
{
    size_t len = strlen(text), columns = width > indent ? width - indent : 1;
    const char *line_break = "";

    while (len > 0) {
        size_t next = 0, end = line_end(text, len, columns, &next);
        if (text_width(text, end) > columns)
            end = word_end(text, len, &next);
        buf_str(b, line_break);
        for (size_t i = 0; i < indent && end > 0; i++)
            buf_u8(b, ' ');
        buf_put(b, text, end);
        line_break = "\n";
        text += next;
        len -= next;
    }
}

/* --- file names
 * ---------------------------------------------------------------- */

/* Windows gives these names to devices, whatever the extension. */
static bool
is_device_name(const char *name)
{
    static const char *const devices[] = {"con", "prn", "aux",
                                          "nul", "com", "lpt"};
    size_t stem = strcspn(name, ".");
    char low[5] = "";

    if (stem != 3 && stem != 4)
        return false;
    for (size_t i = 0; i < stem; i++)
        low[i] =
            (char)(name[i] >= 'A' && name[i] <= 'Z' ? name[i] + 32 : name[i]);
    for (size_t i = 0; i < 6; i++)
        if (strncmp(low, devices[i], 3) == 0)
            return i < 4 ? stem == 3
                         : stem == 4 && low[3] >= '0' && low[3] <= '9';
    return false;
}

/* The name with every harmful character replaced, without leading dots. */
static void
put_harmless(struct buf *b, const char *name, size_t len)
{
    size_t n;
    int32_t c;

    for (size_t i = 0; i < len; i += n) {
        n = next_char(name + i, len - i, &c);
        if (b->len == 0 && (c == '.' || c == ' '))
            continue;
        if (c < 0 || is_treacherous(c) || (c < 128 && strchr("/\\:*?\"<>|", c)))
            buf_u8(b, '_');
        else
            buf_put(b, name + i, n);
    }
    while (b->len > 0 &&
           (b->data[b->len - 1] == '.' || b->data[b->len - 1] == ' '))
        b->len--;
}

/* Cuts the stem to make everything fit, never inside a character. */
static void
shorten(struct buf *b, size_t max)
{
    size_t dot = b->len, keep;

    if (b->len <= max)
        return;
    while (dot > 0 && b->data[dot - 1] != '.')
        dot--;
    if (dot <= 1 || b->len - dot > 15)
        dot = b->len + 1; /* no extension worth keeping */
    keep = max - (b->len - (dot - 1));
    while (keep > 0 && (b->data[keep] & 0xc0) == 0x80)
        keep--;
    memmove(b->data + keep, b->data + dot - 1, b->len - (dot - 1));
    b->len = keep + (b->len - (dot - 1));
}

enum err
text_safe_filename(char **out, const char *name)
{
    struct buf b = {0}, safe = {0};
    enum err rc = ERR_NOMEM;

    put_harmless(&b, name, strlen(name));
    if (buf_status(&b) == ERR_OK && b.len == 0)
        buf_str(&b, "file");
    if (buf_status(&b) != ERR_OK)
        goto out;
    shorten(&b, TEXT_FILENAME_MAX - 1); /* one for the device names */
    buf_u8(&b, '\0');
    if (buf_status(&b) != ERR_OK)
        goto out;
    if (is_device_name((const char *)b.data))
        buf_u8(&safe, '_');
    buf_put(&safe, b.data, b.len);
    if (buf_status(&safe) != ERR_OK)
        goto out;
    *out = (char *)safe.data;
    safe = (struct buf){0};
    rc = ERR_OK;
out:
    buf_clear(&b);
    buf_clear(&safe);
    return rc;
}

/* --- did you mean
 * --------------------------------------------------------------- */

#define WORD_MAX 64

static size_t
smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Optimal string alignment; three rows of the table are enough. */
size_t
text_distance(const char *a, const char *b)
{
    size_t rows[3][WORD_MAX + 1] = {{0}};
    size_t *before = rows[0], *last = rows[1], *row = rows[2], *spare;
    size_t alen = strlen(a), blen = strlen(b);

    if (alen > WORD_MAX || blen > WORD_MAX)
        return SIZE_MAX;
    for (size_t j = 0; j <= blen; j++)
        last[j] = j;
    for (size_t i = 1; i <= alen; i++) {
        row[0] = i;
        for (size_t j = 1; j <= blen; j++) {
            row[j] = last[j - 1] + (a[i - 1] != b[j - 1]);
            row[j] = smaller(row[j], smaller(last[j], row[j - 1]) + 1);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                row[j] = smaller(row[j], before[j - 2] + 1);
        }
        spare = before;
        before = last;
        last = row;
        row = spare;
    }
    return last[blen];
}

const char *
text_nearest(const char *word, const char *const *words, size_t count)
{
    size_t best = strlen(word) / 3 + 1; /* more edits are another word */
    const char *nearest = NULL;

    for (size_t i = 0; i < count; i++) {
        size_t distance = text_distance(word, words[i]);
        if (distance < best || (distance == best && nearest == NULL)) {
            best = distance;
            nearest = words[i];
        }
    }
    return nearest;
}
