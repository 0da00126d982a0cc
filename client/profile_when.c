/*
 * profile_when.c - conditions of a profile: "a.b=x|y & c.d!=z".
 */
#include <string.h>

#include "client/profile_inside.h"

static bool
is_name_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '.';
}

enum when_got
when_next(const char **pos, struct when_term *out)
{
    const char *p = *pos + strspn(*pos, " ");
    size_t n = 0;

    if (*p == '\0')
        return WHEN_END;
    if (*p == '&')
        p += 1 + strspn(p + 1, " ");
    while (is_name_char(p[n]))
        n++;
    if (n == 0 || n >= sizeof(out->name))
        return WHEN_BROKEN;
    memcpy(out->name, p, n);
    out->name[n] = '\0';
    p += n;
    out->is_not = *p == '!';
    p += out->is_not ? 1 : 0;
    if (*p++ != '=')
        return WHEN_BROKEN;
    out->words = p;
    out->words_len = strcspn(p, " &");
    p += out->words_len;
    p += strspn(p, " ");
    if (out->words_len == 0 || (*p != '\0' && *p != '&'))
        return WHEN_BROKEN;
    *pos = p;
    return WHEN_TERM;
}

bool
when_word(const char **words, size_t *len, const char **word, size_t *word_len)
{
    const char *bar;

    if (*len == 0)
        return false;
    bar = memchr(*words, '|', *len);
    *word = *words;
    *word_len = bar != NULL ? (size_t)(bar - *words) : *len;
    *len -= *word_len;
    *words += *word_len;
    if (bar != NULL) {
        (*words)++;
        (*len)--;
    }
    return true;
}

const json_t *
profile_get(const json_t *doc, const char *name)
{
    char key[96];

    while (doc != NULL && *name != '\0') {
        size_t n = strcspn(name, ".");

        if (n >= sizeof(key))
            return NULL;
        memcpy(key, name, n);
        key[n] = '\0';
        doc = json_object_get(doc, key);
        name += n;
        name += *name == '.' ? 1 : 0;
    }
    return doc;
}

static bool
is_word(const json_t *v, const char *word, size_t len)
{
    return json_is_string(v) && json_string_length(v) == len &&
           memcmp(json_string_value(v), word, len) == 0;
}

/* A list equals a word that is in it. */
static bool
has_word(const json_t *v, const char *word, size_t len)
{
    const json_t *item;
    size_t i;

    if (is_word(v, word, len))
        return true;
    json_array_foreach(v, i, item)
    {
        if (is_word(item, word, len))
            return true;
    }
    return false;
}

static bool
term_holds(const struct when_term *t, const json_t *doc, const json_t *item)
{
    const json_t *v = t->name[0] == '.' ? profile_get(item, t->name + 1)
                                        : profile_get(doc, t->name);
    const char *words = t->words;
    size_t len = t->words_len;
    const char *word;
    size_t word_len;

    while (when_word(&words, &len, &word, &word_len))
        if (has_word(v, word, word_len))
            return !t->is_not;
    return t->is_not;
}

static bool
clause_holds(const char *text, const json_t *doc, const json_t *item)
{
    struct when_term t;
    enum when_got got;

    while ((got = when_next(&text, &t)) == WHEN_TERM)
        if (!term_holds(&t, doc, item))
            return false;
    return got == WHEN_END;
}

bool
profile_when(const json_t *when, const json_t *doc, const json_t *item)
{
    const json_t *clause;
    size_t i;

    json_array_foreach(when, i, clause)
    {
        if (clause_holds(json_string_value(clause), doc, item))
            return true;
    }
    return false;
}
