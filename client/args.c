#include "client/args.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/text.h"

static const char what[] = "the command is not complete";

static const struct arg *
find(const struct arg *table, size_t n, const char *typed, size_t len)
{
    for (size_t i = 0; i < n; i++)
        if (strlen(table[i].name) == len &&
            memcmp(table[i].name, typed, len) == 0)
            return &table[i];
    return NULL;
}

static enum err
unknown(const struct arg *table, size_t n, const char *typed,
        struct problem *pb)
{
    const char *best = NULL;
    size_t distance = 4;

    (void)problem_set(pb, P_USAGE, ERR_MALFORMED, what,
                      "%.60s is not an option of this command", typed);
    for (size_t i = 0; i < n; i++) {
        size_t d = text_distance(typed, table[i].name);

        if (d < distance) {
            distance = d;
            best = table[i].name;
        }
    }
    if (best != NULL)
        problem_next(pb, "did you mean %s?", best);
    return ERR_MALFORMED;
}

static enum err
put(const struct arg *a, const char *value, struct problem *pb)
{
    struct arg_list *list = a->to;

    if (a->kind == ARG_FLAG) {
        *(bool *)a->to = true;
        return ERR_OK;
    }
    if (value == NULL)
        return problem_set(pb, P_USAGE, ERR_MALFORMED, what,
                           "%s needs a value behind it", a->name);
    if (a->kind == ARG_TEXT) {
        *(const char **)a->to = value;
        return ERR_OK;
    }
    if (list->n == ARG_LIST_MAX)
        return problem_set(pb, P_USAGE, ERR_TOOBIG, what,
                           "%s stands there more than %d times", a->name,
                           ARG_LIST_MAX);
    list->item[list->n++] = value;
    return ERR_OK;
}

/* One option at ARGV[*I]; moves *I behind it. */
static enum err
take_option(int argc, char **argv, int *i, const struct arg *table, size_t n,
            struct problem *pb)
{
    const char *typed = argv[*i];
    size_t len = strcspn(typed, "=");
    const char *value = typed[len] == '=' ? typed + len + 1 : NULL;
    const struct arg *a = find(table, n, typed, len);

    if (a == NULL || (a->kind == ARG_FLAG && value != NULL))
        return unknown(table, n, typed, pb);
    if (a->kind != ARG_FLAG && value == NULL && *i + 1 < argc)
        value = argv[++*i];
    ++*i;
    return put(a, value, pb);
}

enum err
args_parse(int argc, char **argv, const struct arg *table, size_t table_len,
           const char **rest, size_t max, size_t *n, struct problem *pb)
{
    bool options = true;
    enum err rc = ERR_OK;
    int i = 1;

    *n = 0;
    while (rc == ERR_OK && i < argc) {
        if (options && strcmp(argv[i], "--") == 0) {
            options = false;
            i++;
        } else if (options && argv[i][0] == '-' && argv[i][1] != '\0') {
            rc = take_option(argc, argv, &i, table, table_len, pb);
        } else if (*n == max) {
            rc = problem_set(pb, P_USAGE, ERR_MALFORMED, what,
                             "\"%.80s\" is one word too many", argv[i]);
        } else {
            rest[(*n)++] = argv[i++];
        }
    }
    return rc;
}

enum err
args_number(const char *text, const char *name, unsigned long min,
            unsigned long max, unsigned long *out, struct problem *pb)
{
    char *end;
    unsigned long v = strtoul(text, &end, 10);

    if (*text < '0' || *text > '9' || *end != '\0' || v < min || v > max)
        return problem_set(pb, P_USAGE, ERR_MALFORMED, what,
                           "%s is a whole number from %lu to %lu, not "
                           "\"%.20s\"",
                           name, min, max, text);
    *out = v;
    return ERR_OK;
}

enum err
args_missing(struct problem *pb, const char *why_fmt, ...)
{
    char why[240];
    va_list ap;

    va_start(ap, why_fmt);
    (void)vsnprintf(why, sizeof(why), why_fmt, ap);
    va_end(ap);
    return problem_set(pb, P_USAGE, ERR_MALFORMED, what, "%s", why);
}

bool
args_is_blank(const char *text)
{
    return text[strspn(text, " \t")] == '\0';
}
