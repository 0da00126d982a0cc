#include "proto/directory.h"

#include <string.h>

#include "common/bytes.h"

enum { DAY_S = 86400, HEX_ID_LEN = 32 };

static const char word[] = "scope ";

struct scope {
    struct text_ref agencies; /* "*" or ids and commas */
    uint64_t from_s, end_s;   /* from_s <= t < end_s */
};

/* ---- days ---- */

static bool
is_leap(unsigned y)
{
    return (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
}

static unsigned
days_in(unsigned y, unsigned m)
{
    static const uint8_t days[] = {31, 28, 31, 30, 31, 30,
                                   31, 31, 30, 31, 30, 31};

    return m == 2 && is_leap(y) ? 29 : days[m - 1];
}

static bool
read_digits(const char *p, unsigned n, unsigned *out)
{
    *out = 0;
    for (unsigned i = 0; i < n; i++) {
        if (p[i] < '0' || p[i] > '9')
            return false;
        *out = *out * 10 + (unsigned)(p[i] - '0');
    }
    return true;
}

/* Midnight UTC of YYYY-MM-DD, 1970 or later. */
static bool
read_day(struct text_ref t, uint64_t *out_s)
{
    unsigned y, m, d;
    uint64_t days = 0;

    if (t.len != 10 || t.p[4] != '-' || t.p[7] != '-' ||
        !read_digits(t.p, 4, &y) || !read_digits(t.p + 5, 2, &m) ||
        !read_digits(t.p + 8, 2, &d) || y < 1970 || m < 1 || m > 12 || d < 1 ||
        d > days_in(y, m))
        return false;
    for (unsigned i = 1970; i < y; i++)
        days += is_leap(i) ? 366 : 365;
    for (unsigned i = 1; i < m; i++)
        days += days_in(y, i);
    *out_s = (days + d - 1) * DAY_S;
    return true;
}

/* ---- lines ---- */

static bool
is_star(struct text_ref t)
{
    return t.len == 1 && t.p[0] == '*';
}

static bool
is_lower_hex(const char *p)
{
    for (unsigned i = 0; i < HEX_ID_LEN; i++)
        if (memchr("0123456789abcdef", p[i], 16) == NULL)
            return false;
    return true;
}

static bool
agencies_are_fine(struct text_ref t)
{
    if (is_star(t))
        return true;
    /* n ids and n - 1 commas */
    if ((t.len + 1) % (HEX_ID_LEN + 1) != 0)
        return false;
    for (size_t at = 0; at < t.len; at += HEX_ID_LEN + 1)
        if (!is_lower_hex(t.p + at) ||
            (at + HEX_ID_LEN < t.len && t.p[at + HEX_ID_LEN] != ','))
            return false;
    return true;
}

/* Takes "KEY=value" off the front of LINE, and the space behind it. */
static bool
take_word(struct text_ref *line, const char *key, struct text_ref *value)
{
    size_t n = strlen(key), end;
    const char *space;

    if (line->len <= n || memcmp(line->p, key, n) != 0)
        return false;
    space = memchr(line->p, ' ', line->len);
    end = space == NULL ? line->len : (size_t)(space - line->p);
    *value = (struct text_ref){line->p + n, end - n};
    if (space != NULL)
        end++;
    line->p += end;
    line->len -= end;
    return value->len > 0;
}

/* LINE behind the word "scope ". */
static bool
read_scope(struct text_ref line, struct scope *out)
{
    struct text_ref from, to;

    if (line.len == 0 || line.p[line.len - 1] == ' ' ||
        !take_word(&line, "agencies=", &out->agencies) ||
        !take_word(&line, "from=", &from) || !take_word(&line, "to=", &to) ||
        line.len != 0 || !agencies_are_fine(out->agencies))
        return false;
    out->from_s = 0;
    out->end_s = UINT64_MAX;
    if (!is_star(from) && !read_day(from, &out->from_s))
        return false;
    if (!is_star(to)) {
        if (!read_day(to, &out->end_s))
            return false;
        out->end_s += DAY_S;
    }
    return out->from_s < out->end_s;
}

/* The next scope line of *TEXT: 1, none left: 0, a bad one: -1. */
static int
next_scope(const char **text, struct scope *out)
{
    while (**text != '\0') {
        const char *line = *text;
        size_t len = strcspn(line, "\n");

        *text = line + len + (line[len] == '\n' ? 1 : 0);
        if (strncmp(line, word, sizeof(word) - 1) != 0)
            continue;
        line += sizeof(word) - 1;
        len -= sizeof(word) - 1;
        return read_scope((struct text_ref){line, len}, out) ? 1 : -1;
    }
    return 0;
}

enum err
audit_scope_check(const char *services)
{
    struct scope s;
    int got;

    while ((got = next_scope(&services, &s)) == 1)
        continue;
    return got == 0 ? ERR_OK : ERR_MALFORMED;
}

static bool
covers(const struct scope *s, const struct agency_id *agency, uint64_t time_s)
{
    char hex[HEX_ID_LEN + 1];

    if (time_s < s->from_s || time_s >= s->end_s)
        return false;
    if (is_star(s->agencies))
        return true;
    hex_encode(hex, agency->b, sizeof(agency->b));
    for (size_t at = 0; at < s->agencies.len; at += HEX_ID_LEN + 1)
        if (memcmp(s->agencies.p + at, hex, HEX_ID_LEN) == 0)
            return true;
    return false;
}

bool
audit_scope_covers(const char *services, const struct agency_id *agency,
                   uint64_t time_s)
{
    struct scope s;

    if (audit_scope_check(services) != ERR_OK)
        return false;
    while (next_scope(&services, &s) == 1)
        if (covers(&s, agency, time_s))
            return true;
    return false;
}

bool
directory_auditor_may_see(const struct dir_agency *auditor,
                          const struct agency_id *agency, uint64_t time_s)
{
    return auditor->class == CLASS_AUDITOR && !auditor->suspended &&
           audit_scope_covers(auditor->services, agency, time_s);
}
