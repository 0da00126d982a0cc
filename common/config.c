#include "common/config.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ini.h>

#include "common/os.h"
#include "common/text.h"

#define FILE_MAX_BYTES ((size_t)1024 * 1024)
#define WORDS_MAX 64

/* One reading of one file. */
struct reading {
    const char *name; /* the file, for messages */
    const char *rest; /* text not yet read */
    unsigned line;
    const struct config_key *keys;
    size_t count;
    unsigned *seen; /* per key: the line it stood on, 0 if not yet */
    uint8_t *out;
    struct buf *errors;
    bool bad;
    bool no_memory;
};

/* --- numbers with units
 * --------------------------------------------------------- */

struct unit {
    const char *name;
    uint64_t factor;
};

static const struct unit sizes[] = {
    {"", 1},
    {"B", 1},
    {"k", 1024},
    {"K", 1024},
    {"KiB", 1024},
    {"M", 1024 * 1024},
    {"MiB", 1024 * 1024},
    {"G", 1024 * 1024 * 1024},
    {"GiB", 1024 * 1024 * 1024},
    {"T", 1024ull * 1024 * 1024 * 1024},
    {"TiB", 1024ull * 1024 * 1024 * 1024},
    {NULL, 0},
};
static const struct unit durations[] = {
    {"ms", 1},      {"s", 1000},     {"m", 60000},       {"min", 60000},
    {"h", 3600000}, {"d", 86400000}, {"days", 86400000}, {NULL, 0},
};
static const struct unit plain[] = {{"", 1}, {NULL, 0}};

static enum err
parse_with_unit(uint64_t *out, const char *text, const struct unit *units)
{
    uint64_t n = 0;
    const char *p = text;

    for (; *p >= '0' && *p <= '9'; p++) {
        uint64_t digit = (uint64_t)(*p - '0');
        if (n > (UINT64_MAX - digit) / 10)
            return ERR_MALFORMED;
        n = n * 10 + digit;
    }
    if (p == text)
        return ERR_MALFORMED;
    while (*p == ' ')
        p++;
    for (; units->name != NULL; units++) {
        if (strcmp(p, units->name) != 0)
            continue;
        if (n > UINT64_MAX / units->factor)
            return ERR_MALFORMED;
        *out = n * units->factor;
        return ERR_OK;
    }
    return ERR_MALFORMED;
}

enum err
config_parse_size(uint64_t *bytes, const char *text)
{
    return parse_with_unit(bytes, text, sizes);
}

enum err
config_parse_duration(uint64_t *ms, const char *text)
{
    return parse_with_unit(ms, text, durations);
}

/* --- messages
 * --------------------------------------------------------------------- */

static void __attribute__((format(printf, 2, 3)))
complain(struct reading *r, const char *fmt, ...)
{
    char message[512];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(message, sizeof(message), fmt, ap);
    va_end(ap);
    buf_printf(r->errors, "%s:%u: ", r->name, r->line);
    text_show(r->errors, message, strlen(message), TEXT_ONE_LINE);
    buf_u8(r->errors, '\n');
    r->bad = true;
}

/* The nearest key of SECTION, or with NULL the nearest section. */
static const char *
nearest(const struct reading *r, const char *section, const char *word)
{
    const char *words[WORDS_MAX];
    size_t count = 0;

    for (size_t i = 0; i < r->count && count < WORDS_MAX; i++) {
        if (section == NULL)
            words[count++] = r->keys[i].section;
        else if (strcmp(section, r->keys[i].section) == 0)
            words[count++] = r->keys[i].key;
    }
    return text_nearest(word, words, count);
}

static bool
has_section(const struct reading *r, const char *section)
{
    for (size_t i = 0; i < r->count; i++)
        if (strcmp(section, r->keys[i].section) == 0)
            return true;
    return false;
}

static void
complain_unknown(struct reading *r, const char *section, const char *key)
{
    const char *meant;

    if (!has_section(r, section)) {
        meant = nearest(r, NULL, section);
        complain(r, "unknown section [%s]%s%s%s", section,
                 meant != NULL ? "; did you mean [" : "",
                 meant != NULL ? meant : "", meant != NULL ? "]?" : "");
        return;
    }
    meant = nearest(r, section, key);
    complain(r, "unknown key \"%s\" in [%s]%s%s%s", key, section,
             meant != NULL ? "; did you mean \"" : "",
             meant != NULL ? meant : "", meant != NULL ? "\"?" : "");
}

/* --- values
 * ------------------------------------------------------------------------- */

static const struct {
    const struct unit *units; /* NULL: not a number */
    const char *form;
} types[] = {
    [CONFIG_STR] = {NULL, "text"},
    [CONFIG_U64] = {plain, "a whole number such as 12"},
    [CONFIG_BOOL] = {NULL, "yes or no"},
    [CONFIG_SIZE] = {sizes, "a size such as 500, 64k, 10M or 2G"},
    [CONFIG_DURATION] = {durations, "a time such as 500ms, 30s, 15m or 7d"},
};

static void
complain_form(struct reading *r, const struct config_key *k, const char *value)
{
    complain(r, "%s: \"%s\" is not %s", k->key, value, types[k->type].form);
}

/* In the notation of its type, as far as it comes out even. */
static void
format_value(char *out, size_t cap, const struct config_key *k, uint64_t n)
{
    const struct unit *best = NULL;

    for (const struct unit *u = types[k->type].units; u && u->name; u++)
        if (n > 0 && n % u->factor == 0 &&
            (best == NULL || u->factor > best->factor))
            best = u;
    snprintf(out, cap, "%llu%s",
             (unsigned long long)(best != NULL ? n / best->factor : n),
             best != NULL ? best->name : "");
}

static bool
in_range(struct reading *r, const struct config_key *k, uint64_t n)
{
    const char *what = k->type == CONFIG_STR ? " bytes" : "";
    char bound[40];

    if (n >= k->min && (k->max == 0 || n <= k->max))
        return true;
    format_value(bound, sizeof(bound), k, n < k->min ? k->min : k->max);
    complain(r, "%s: must be at %s %s%s", k->key, n < k->min ? "least" : "most",
             bound, what);
    return false;
}

static void
set_text(struct reading *r, const struct config_key *k, const char *value)
{
    char **field = (char **)(void *)(r->out + k->offset);
    char *copy;

    if (!text_is_utf8(value, strlen(value))) {
        complain_form(r, k, value);
        return;
    }
    if (!in_range(r, k, strlen(value)))
        return;
    copy = strdup(value);
    if (copy == NULL) {
        r->no_memory = true;
        return;
    }
    free(*field);
    *field = copy;
}

static void
set_bool(struct reading *r, const struct config_key *k, const char *value)
{
    static const char *const words[] = {"no",   "yes", "false",
                                        "true", "off", "on"};
    bool *field = (bool *)(r->out + k->offset);

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcmp(value, words[i]) == 0) {
            *field = i % 2 == 1;
            return;
        }
    }
    complain_form(r, k, value);
}

static void
set_number(struct reading *r, const struct config_key *k, const char *value)
{
    uint64_t *field = (uint64_t *)(void *)(r->out + k->offset);
    uint64_t n;

    if (parse_with_unit(&n, value, types[k->type].units) != ERR_OK)
        complain_form(r, k, value);
    else if (in_range(r, k, n))
        *field = n;
}

/* --- reading
 * -------------------------------------------------------------------------- */

static int
on_value(void *arg, const char *section, const char *key, const char *value)
{
    struct reading *r = arg;
    size_t i = 0;

    while (i < r->count && (strcmp(r->keys[i].section, section) != 0 ||
                            strcmp(r->keys[i].key, key) != 0))
        i++;
    if (i == r->count) {
        complain_unknown(r, section, key);
        return 1;
    }
    if (r->seen[i] != 0) {
        complain(r, "%s: stands twice, first in line %u", key, r->seen[i]);
        return 1;
    }
    r->seen[i] = r->line;
    if (r->keys[i].type == CONFIG_STR)
        set_text(r, &r->keys[i], value);
    else if (r->keys[i].type == CONFIG_BOOL)
        set_bool(r, &r->keys[i], value);
    else
        set_number(r, &r->keys[i], value);
    return 1;
}

/* Like fgets(), but a line that does not fit is an error and not two lines. */
static char *
on_line(char *line, int cap, void *arg)
{
    struct reading *r = arg;
    size_t len = strcspn(r->rest, "\n");

    if (*r->rest == '\0')
        return NULL;
    r->line++;
    if (len + 2 > (size_t)cap) {
        complain(r, "this line is longer than %d bytes", cap - 2);
        line[0] = '\0';
    } else {
        memcpy(line, r->rest, len);
        memcpy(line + len, "\n", 2);
    }
    r->rest += len + (r->rest[len] == '\n');
    return line;
}

enum err
config_parse(const char *text, const char *name, const struct config_key *keys,
             size_t count, void *out, struct buf *errors)
{
    struct reading r = {
        .name = name,
        .rest = text,
        .keys = keys,
        .count = count,
        .out = out,
        .errors = errors,
    };
    int line;

    r.seen = calloc(count + 1, sizeof(*r.seen));
    if (r.seen == NULL)
        return ERR_NOMEM;
    line = ini_parse_stream(on_line, &r, on_value, &r);
    if (line > 0) {
        r.line = (unsigned)line;
        complain(&r, "this is neither [section], key = value nor # comment");
    }
    free(r.seen);
    if (r.no_memory || line < 0 || buf_status(errors) != ERR_OK)
        return ERR_NOMEM;
    return r.bad ? ERR_MALFORMED : ERR_OK;
}

enum err
config_load(const char *path, const struct config_key *keys, size_t count,
            void *out, struct buf *errors)
{
    struct buf text = {0};
    enum err rc = os_read_file(path, FILE_MAX_BYTES, &text);

    buf_u8(&text, '\0');
    if (rc == ERR_OK)
        rc = buf_status(&text);
    if (rc == ERR_OK && strlen((const char *)text.data) != text.len - 1) {
        buf_printf(errors, "%s:1: this is not a text file\n", path);
        rc = ERR_MALFORMED;
    }
    if (rc == ERR_OK)
        rc = config_parse((const char *)text.data, path, keys, count, out,
                          errors);
    buf_clear(&text);
    return rc;
}

void
config_clear(const struct config_key *keys, size_t count, void *out)
{
    for (size_t i = 0; i < count; i++) {
        char **field = (char **)(void *)((uint8_t *)out + keys[i].offset);
        if (keys[i].type != CONFIG_STR)
            continue;
        free(*field);
        *field = NULL;
    }
}
