/*
 * profile_rules.c - do the rules of a profile speak of fields and codes that
 * there are?  A rule about a misspelt code would never apply.
 */
#include <stdio.h>
#include <string.h>

#include "client/profile_inside.h"

static enum err
wrong(const struct profile *p, const char *where, struct problem *pb,
      const char *rule)
{
    return profile_wrong(p->doc, where, ERR_MALFORMED, pb,
                         "has the rule \"%.120s\", which does not work", rule);
}

/* The field that a term speaks of; F is the field that has the rule. */
static const struct field *
subject(const struct profile *p, const struct field *f, const char *name)
{
    const struct field *found;

    if (name[0] != '.')
        return profile_field(p, name);
    found = f != NULL && f->parent->is_list ? profile_child(f->parent, name + 1)
                                            : NULL;
    return found;
}

static bool
term_makes_sense(const struct profile *p, const struct field *f,
                 const struct when_term *t)
{
    const struct field *of = subject(p, f, t->name);
    const char *words = t->words;
    size_t len = t->words_len;
    const char *word;
    size_t word_len;
    char code[96];

    if (of == NULL || of->codes == NULL)
        return of != NULL &&
               (of->type == VALUE_STR || of->type == VALUE_COUNTRY);
    while (when_word(&words, &len, &word, &word_len)) {
        (void)snprintf(code, sizeof(code), "%.*s", (int)word_len, word);
        if (json_object_get(of->codes, code) == NULL &&
            json_object_get(profile_table(p, "narrowed"), code) == NULL)
            return false;
    }
    return true;
}

static enum err
check_when(const struct profile *p, const struct field *f, const char *where,
           const json_t *when, struct problem *pb)
{
    const json_t *clause;
    size_t i;

    json_array_foreach(when, i, clause)
    {
        const char *text = json_string_value(clause);
        const char *pos = text;
        struct when_term t;
        enum when_got got;

        if (text == NULL || *text == '\0')
            return wrong(p, where, pb, "");
        while ((got = when_next(&pos, &t)) == WHEN_TERM)
            if (!term_makes_sense(p, f, &t))
                return wrong(p, where, pb, text);
        if (got == WHEN_BROKEN)
            return wrong(p, where, pb, text);
    }
    return ERR_OK;
}

static enum err
check_one_of(const struct profile *p, const struct field *f, struct problem *pb)
{
    const json_t *one_of = json_object_get(f->def, "one_of");
    const json_t *key;
    size_t i;

    json_array_foreach(one_of, i, key)
    {
        const char *text = json_string_value(key);

        if (text == NULL || profile_child(f, text) == NULL)
            return wrong(p, f->name, pb, "one_of");
    }
    return ERR_OK;
}

static enum err
check_field(const struct profile *p, struct field *f, struct problem *pb)
{
    const char *before =
        json_string_value(json_object_get(f->def, "not_before"));
    const char *from = json_string_value(json_object_get(f->def, "part_from"));
    enum err rc = check_when(p, f, f->name, f->when, pb);

    if (rc == ERR_OK)
        rc = check_one_of(p, f, pb);
    if (rc == ERR_OK && before != NULL) {
        f->not_before = profile_child(f->parent, before);
        if (f->not_before == NULL || f->not_before->type != VALUE_DATE ||
            f->type != VALUE_DATE)
            rc = wrong(p, f->name, pb, "not_before");
    }
    if (rc == ERR_OK && from != NULL &&
        (!f->is_list || f->type != VALUE_GROUP ||
         profile_child(f, from) == NULL ||
         profile_child(f, from)->type != VALUE_CODE))
        rc = wrong(p, f->name, pb, "part_from");
    return rc;
}

/* What each part is held back for. */
static enum err
check_parts(const struct profile *p, struct problem *pb)
{
    enum err rc = ERR_OK;

    for (unsigned n = 0; n < PART_COUNT && rc == ERR_OK; n++) {
        const json_t *row =
            json_object_get(profile_table(p, "parts"), part_name(n));

        if (row == NULL)
            return profile_wrong(p->doc, part_name(n), ERR_MALFORMED, pb,
                                 "is a part without a row in parts");
        rc = check_when(p, NULL, part_name(n), json_object_get(row, "withheld"),
                        pb);
    }
    return rc;
}

enum err
profile_check_rules(struct profile *p, struct problem *pb)
{
    enum err rc = check_parts(p, pb);

    for (size_t i = 0; i < p->count && rc == ERR_OK; i++)
        rc = check_field(p, p->all[i], pb);
    return rc;
}
