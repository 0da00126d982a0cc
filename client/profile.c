/*
 * profile.c - loading, and what others ask a profile.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/profile_inside.h"
#include "client/profiles.h"

enum { EXTENDS_MAX = 4 }; /* core, country, nation: three are in use */

static const char *const part_names[PART_COUNT] = {
    [PART_META] = "meta",
    [PART_IDENTITY] = "identity",
    [PART_CONTACT] = "contact",
    [PART_CASE] = "case",
    [PART_NEEDS] = "needs",
    [PART_ASYLUM] = "asylum",
    [PART_JUSTICE] = "justice",
    [PART_ACCOUNT] = "account",
    [PART_PRIVILEGED] = "privileged",
};

static const char *const type_names[VALUE_TYPES] = {
    [VALUE_GROUP] = "group",     [VALUE_STR] = "str",
    [VALUE_TEXT] = "text",       [VALUE_CODE] = "code",
    [VALUE_CODES] = "codes",     [VALUE_DATE] = "date",
    [VALUE_YNS] = "yns",         [VALUE_INT] = "int",
    [VALUE_COUNTRY] = "country", [VALUE_LANG] = "lang",
    [VALUE_PHONE] = "phone",     [VALUE_EMAIL] = "email",
    [VALUE_ATTACH] = "attach",
};

const char *
part_name(unsigned part)
{
    return part < PART_COUNT ? part_names[part] : "?";
}

enum part
part_by_name(const char *name)
{
    unsigned n = 0;

    while (n < PART_COUNT && strcmp(part_names[n], name) != 0)
        n++;
    return (enum part)n;
}

const char *
value_type_name(enum value_type type)
{
    return (unsigned)type < VALUE_TYPES ? type_names[type] : "?";
}

/* ---- life ---- */

enum err
profile_wrong(const json_t *doc, const char *where, enum err e,
              struct problem *pb, const char *fmt, ...)
{
    const char *id = json_string_value(json_object_get(doc, "id"));
    char text[320];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    return problem_set(pb, P_JSON, e, "the profile cannot be used",
                       "%.60s: \"%.80s\" %s", id != NULL ? id : "?", where,
                       text);
}

static void
free_field(struct field *f)
{
    if (f == NULL)
        return;
    free((char *)f->name);
    free(f->children);
    free(f);
}

void
profile_free(struct profile *p)
{
    if (p == NULL)
        return;
    for (size_t i = 0; i < p->count; i++)
        free_field(p->all[i]);
    free(p->all);
    free(p->names);
    free(p->root.children);
    json_decref(p->doc);
    free(p);
}

enum err
profile_parse(struct profile **out, const void *json, size_t len,
              const struct profile *base, struct problem *pb)
{
    struct profile *p = calloc(1, sizeof(*p));
    json_t *doc = NULL;
    enum err rc = ERR_NOMEM;

    if (p == NULL)
        return problem_from_err(pb, "cannot load the profile", ERR_NOMEM);
    rc = json_read(json, len, "the profile", &doc, pb);
    if (rc == ERR_OK && base != NULL)
        rc = profile_lay_over(base->doc, doc, &p->doc, pb);
    else if (rc == ERR_OK)
        p->doc = json_incref(doc);
    if (rc == ERR_OK)
        rc = profile_build(p, pb);
    if (rc == ERR_OK)
        rc = profile_check_rules(p, pb);
    json_decref(doc);
    if (rc == ERR_OK)
        *out = p;
    else
        profile_free(p);
    return rc;
}

static const struct profile_file *
find_file(const char *id)
{
    for (size_t i = 0; i < profile_files_count; i++)
        if (strcmp(profile_files[i].name, id) == 0)
            return &profile_files[i];
    return NULL;
}

static enum err
not_built_in(const char *id, struct problem *pb)
{
    char names[240] = "";
    size_t used = 0;

    for (size_t i = 0; i < profile_files_count && used < sizeof(names); i++)
        used += (size_t)snprintf(names + used, sizeof(names) - used, "%s%s",
                                 i == 0 ? "" : ", ", profile_files[i].name);
    return problem_set(pb, P_NOT_FOUND, ERR_NOTFOUND,
                       "this program does not have that profile",
                       "it is called \"%.40s\"; there are: %s", id, names);
}

static enum err
load_at(struct profile **out, const char *id, unsigned depth,
        struct problem *pb)
{
    const struct profile_file *file = find_file(id);
    struct profile *base = NULL;
    json_t *doc = NULL;
    const char *extends;
    enum err rc;

    if (file == NULL)
        return not_built_in(id, pb);
    rc = json_read(file->json, file->len, id, &doc, pb);
    if (rc != ERR_OK)
        return rc;
    extends = json_string_value(json_object_get(doc, "extends"));
    if (extends != NULL && depth >= EXTENDS_MAX)
        rc = profile_wrong(doc, "extends", ERR_MALFORMED, pb,
                           "goes around in a circle");
    else if (extends != NULL)
        rc = load_at(&base, extends, depth + 1, pb);
    if (rc == ERR_OK)
        rc = profile_parse(out, file->json, file->len, base, pb);
    profile_free(base);
    json_decref(doc);
    return rc;
}

enum err
profile_load(struct profile **out, const char *id, struct problem *pb)
{
    return load_at(out, id, 0, pb);
}

/* ---- looking things up ---- */

const char *
profile_id(const struct profile *p)
{
    return json_string_value(json_object_get(p->doc, "id"));
}

unsigned
profile_version(const struct profile *p)
{
    return (unsigned)json_integer_value(json_object_get(p->doc, "version"));
}

const struct field *
profile_root(const struct profile *p)
{
    return &p->root;
}

size_t
profile_count(const struct profile *p)
{
    return p->count;
}

const struct field *
profile_at(const struct profile *p, size_t i)
{
    return i < p->count ? p->all[i] : NULL;
}

const char *const *
profile_names(const struct profile *p)
{
    return p->names;
}

const struct field *
profile_child(const struct field *group, const char *key)
{
    for (size_t i = 0; i < group->child_count; i++)
        if (strcmp(group->children[i]->key, key) == 0)
            return group->children[i];
    return NULL;
}

const struct field *
profile_field(const struct profile *p, const char *name)
{
    const struct field *f = &p->root;
    char key[96];

    while (f != NULL && *name != '\0') {
        size_t n = strcspn(name, ".[");

        if (n >= sizeof(key))
            return NULL;
        memcpy(key, name, n);
        key[n] = '\0';
        f = profile_child(f, key);
        name += n;
        if (*name == '[' && (name = strchr(name, ']')) == NULL)
            return NULL;
        name += *name == ']' ? 1 : 0;
        name += *name == '.' ? 1 : 0;
    }
    return f == &p->root ? NULL : f;
}

/* ---- words for people ---- */

static const char *
in_language(const json_t *labels, const char *lang, const char *otherwise)
{
    const char *text = NULL;

    if (lang != NULL)
        text = json_string_value(json_object_get(labels, lang));
    if (text == NULL)
        text = json_string_value(json_object_get(labels, "en"));
    return text != NULL ? text : otherwise;
}

const char *
profile_label(const struct field *f, const char *lang)
{
    return in_language(json_object_get(f->def, "labels"), lang, f->key);
}

const char *
profile_help(const struct field *f, const char *lang)
{
    return in_language(json_object_get(f->def, "help"), lang, NULL);
}

const char *
profile_code_label(const struct field *f, const char *code, const char *lang)
{
    return in_language(json_object_get(f->codes, code), lang, code);
}

const char *
profile_part_label(const struct profile *p, enum part part, const char *lang)
{
    const json_t *row =
        json_object_get(profile_table(p, "parts"), part_name(part));

    return in_language(json_object_get(row, "labels"), lang, part_name(part));
}

const char *
profile_country(const struct profile *p, const char *code)
{
    return json_string_value(
        json_object_get(profile_table(p, "countries"), code));
}

const json_t *
profile_reasons(const struct profile *p)
{
    return profile_table(p, "reasons");
}

const char *
profile_reason_label(const struct profile *p, const char *reason,
                     const char *lang)
{
    const json_t *row = json_object_get(profile_reasons(p), reason);

    return in_language(json_object_get(row, "labels"), lang, reason);
}

const json_t *
profile_table(const struct profile *p, const char *name)
{
    return json_object_get(p->doc, name);
}
