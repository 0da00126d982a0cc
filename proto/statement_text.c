#include "proto/statement.h"

#include <string.h>

/* Code points that must not stand in a text people decide by: controls, line
 * separators, marks that turn the direction of writing, invisible ones.  Zero
 * width joiner and non-joiner (200C, 200D) stay: some scripts need them. */
static const struct {
    uint32_t first, last;
} refused[] = {
    {0x0000, 0x001f},   {0x007f, 0x009f}, {0x00ad, 0x00ad}, {0x061c, 0x061c},
    {0x180e, 0x180e},   {0x200b, 0x200b}, {0x200e, 0x200f}, {0x2028, 0x202e},
    {0x2060, 0x206f},   {0xfeff, 0xfeff}, {0xfff9, 0xfffb}, {0xfffe, 0xffff},
    {0xe0000, 0xe007f},
};

struct text_ref
text_ref(const char *s)
{
    return (struct text_ref){s, s == NULL ? 0 : strlen(s)};
}

static bool
is_refused(uint32_t c)
{
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
        if (c >= refused[i].first && c <= refused[i].last)
            return true;
    return false;
}

/* Bytes of the character at P, or 0 when it is not well-formed UTF-8 (RFC 3629:
 * no overlong forms, surrogates, nothing above 10FFFF). */
static size_t
utf8_next(const uint8_t *p, size_t left, uint32_t *out)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t n = p[0] < 0x80             ? 1
               : (p[0] & 0xe0) == 0xc0 ? 2
               : (p[0] & 0xf0) == 0xe0 ? 3
               : (p[0] & 0xf8) == 0xf0 ? 4
                                       : 0;
    uint32_t c;

    if (n == 0 || n > left)
        return 0;
    c = n == 1 ? p[0] : p[0] & (0x7fU >> n);
    for (size_t i = 1; i < n; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 0;
        c = c << 6 | (p[i] & 0x3f);
    }
    if (c < least[n] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
        return 0;
    *out = c;
    return n;
}

static bool
is_clean(struct text_ref t, bool may_break)
{
    const uint8_t *p = (const uint8_t *)t.p;
    uint32_t c;

    for (size_t at = 0, n; at < t.len; at += n) {
        n = utf8_next(p + at, t.len - at, &c);
        if (n == 0 || (is_refused(c) && !(may_break && c == '\n')))
            return false;
    }
    return true;
}

bool
text_is_line(struct text_ref t, size_t max)
{
    return t.len >= 1 && t.len <= max && t.p[0] != ' ' &&
           t.p[t.len - 1] != ' ' && is_clean(t, false);
}

bool
text_is_lines(struct text_ref t, size_t max)
{
    return t.len <= max && is_clean(t, true);
}

bool
text_is_name(struct text_ref t, size_t max)
{
    if (t.len < 1 || t.len > max)
        return false;
    for (size_t i = 0; i < t.len; i++)
        if (t.p[i] <= ' ' || t.p[i] > '~' || t.p[i] == '+')
            return false;
    return true;
}

static const char *const class_names[] = {
    NULL, "statutory", "non_statutory", "partner", "auditor", "registrar"};

const char *
agency_class_name(uint8_t class)
{
    if (class >= sizeof(class_names) / sizeof(class_names[0]))
        return NULL;
    return class_names[class];
}

enum err
agency_class_from_name(uint8_t *class, const char *name)
{
    for (uint8_t c = CLASS_STATUTORY; agency_class_name(c) != NULL; c++) {
        if (strcmp(class_names[c], name) == 0) {
            *class = c;
            return ERR_OK;
        }
    }
    return ERR_NOTFOUND;
}

const char *
revoke_reason_name(uint8_t reason)
{
    static const char *const names[] = {NULL, "lost", "stolen", "retired",
                                        "replaced"};

    return reason < sizeof(names) / sizeof(names[0]) ? names[reason] : NULL;
}
