#include "common/http_guard.h"

#include <string.h>
#include <strings.h>

enum { BAD = 400 };

static bool
is_alnum(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c >= '0' && c <= '9');
}

static bool
is_one_of(char c, const char *set)
{
    return c != '\0' && strchr(set, c) != NULL;
}

/* --- the target ------------------------------------------------------------
 */

static bool
is_dots(const char *part, size_t len)
{
    return (len == 1 && part[0] == '.') ||
           (len == 2 && part[0] == '.' && part[1] == '.');
}

unsigned
http_guard_target(const char *target)
{
    const char *part;

    if (target == NULL || target[0] != '/')
        return BAD;
    if (strnlen(target, HTTP_TARGET_MAX + 1) > HTTP_TARGET_MAX)
        return 414;
    part = target + 1;
    if (*part == '\0')
        return 0;
    for (;;) {
        size_t len = 0;

        while (is_alnum(part[len]) || is_one_of(part[len], "-._~!$&'()*+,;=:@"))
            len++;
        if (len == 0 || is_dots(part, len))
            return BAD;
        if (part[len] == '\0')
            return 0;
        if (part[len] != '/')
            return BAD;
        part += len + 1;
    }
}

/* --- the headers -----------------------------------------------------------
 */

/* RFC 9110 5.6.2: so a blank before the colon is not part of a name. */
static bool
is_token(const char *s)
{
    if (*s == '\0')
        return false;
    for (; *s != '\0'; s++)
        if (!is_alnum(*s) && !is_one_of(*s, "!#$%&'*+-.^_`|~"))
            return false;
    return true;
}

static bool
has_control(const char *s)
{
    for (; *s != '\0'; s++)
        if (((unsigned char)*s < ' ' && *s != '\t') || *s == 0x7f)
            return true;
    return false;
}

/* A length that no body of ours has counts as the largest. */
static bool
parse_length(const char *s, uint64_t *len)
{
    uint64_t n = 0;

    if (*s == '\0')
        return false;
    for (; *s != '\0'; s++) {
        if (*s < '0' || *s > '9')
            return false;
        n = n > UINT64_MAX / 10 - 1 ? UINT64_MAX / 10
                                    : n * 10 + (uint64_t)(*s - '0');
    }
    *len = n;
    return true;
}

static bool
is_host(const char *s)
{
    for (; *s != '\0'; s++)
        if (!is_alnum(*s) && !is_one_of(*s, "-._~:[]"))
            return false;
    return true;
}

static void
take_host(struct http_head *h, const char *value)
{
    h->hosts++;
    h->is_malformed |= !is_host(value);
}

static void
take_length(struct http_head *h, const char *value)
{
    h->lengths++;
    h->is_malformed |= !parse_length(value, &h->body_len);
}

static void
take_coding(struct http_head *h, const char *value)
{
    (void)value;
    h->codings++;
}

static void
take_expect(struct http_head *h, const char *value)
{
    h->expectations++;
    h->expects_strange |= strcasecmp(value, "100-continue") != 0;
}

static void
take_type(struct http_head *h, const char *value)
{
    h->content_type = h->types++ == 0 ? value : NULL;
}

static void
take_etags(struct http_head *h, const char *value)
{
    h->if_none_match = h->etag_lines++ == 0 ? value : NULL;
}

static const struct {
    const char *name;
    void (*take)(struct http_head *h, const char *value);
} fields[] = {
    {"host", take_host},
    {"content-length", take_length},
    {"transfer-encoding", take_coding},
    {"expect", take_expect},
    {"content-type", take_type},
    {"if-none-match", take_etags},
};

void
http_guard_header(struct http_head *h, const char *name, const char *value)
{
    /* "name: value\r\n" */
    h->bytes += strlen(name) + strlen(value) + 4;
    h->no_values += *value == '\0';
    h->is_malformed |= !is_token(name) || has_control(value);
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
        if (strcasecmp(name, fields[i].name) == 0)
            fields[i].take(h, value);
}

bool
http_guard_is_whole(const struct http_head *h, size_t first_len, size_t raw_len)
{
    size_t made = first_len + h->bytes + 2;

    return raw_len <= made && made - raw_len <= h->no_values;
}

unsigned
http_guard_head(const struct http_head *h, const char *version, bool is_post,
                bool is_get, size_t head_max, size_t body_max)
{
    bool is_1_1 = strcmp(version, "HTTP/1.1") == 0;

    if (!is_1_1 && strcmp(version, "HTTP/1.0") != 0)
        return 505;
    if (h->bytes > head_max)
        return 431;
    if (h->is_malformed || h->hosts > 1 || (is_1_1 && h->hosts == 0) ||
        h->lengths > 1 || (h->codings > 0 && h->lengths > 0) ||
        (is_get && h->body_len > 0))
        return BAD;
    if (h->codings > 0 || (is_post && h->lengths == 0))
        return 411;
    if (h->expects_strange || h->expectations > 1)
        return 417;
    return h->body_len > body_max ? 413 : 0;
}

/* --- If-None-Match ---------------------------------------------------------
 */

bool
http_guard_matches(const char *list, const char *etag)
{
    size_t n = strlen(etag);

    if (list == NULL)
        return false;
    if (strcmp(list, "*") == 0)
        return true;
    for (;;) {
        list += strspn(list, " \t,");
        if (strncmp(list, "W/", 2) == 0)
            list += 2;
        if (*list++ != '"')
            return false;
        if (strncmp(list, etag, n) == 0 && list[n] == '"')
            return true;
        list = strchr(list, '"');
        if (list == NULL)
            return false;
        list++;
    }
}
