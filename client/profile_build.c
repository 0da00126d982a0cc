/*
 * profile_build.c - from a profile's JSON to its tree, refusing what makes no
 * sense: a profile with a typing error must not silently ask less.
 */
#include <stdlib.h>
#include <string.h>

#include "client/profile_inside.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

enum {
    STR_MAX = 200,
    TEXT_MAX = 15000, /* as the forms of today allow */
    INT_VALUE_MAX = 1000000,
    LIST_MAX = 1000,
    FIELDS_MAX = 2000,
};

static const char *const attributes[] = {
    "name",     "type",      "part", "list",  "codes",  "max",
    "required", "reason",    "ask",  "shape", "one_of", "not_before",
    "labels",   "part_from", "help", "htcds",
};

static bool
is_attribute(const char *key)
{
    for (size_t i = 0; i < COUNT(attributes); i++)
        if (strcmp(attributes[i], key) == 0)
            return true;
    return false;
}

static const char *
text_of(const json_t *def, const char *key)
{
    return json_string_value(json_object_get(def, key));
}

static enum err
wrong(struct profile *p, const struct field *f, struct problem *pb,
      const char *why)
{
    return profile_wrong(p->doc, f->name, ERR_MALFORMED, pb, "%s", why);
}

/* ---- one field ---- */

static bool
is_key(const char *key)
{
    size_t n = strspn(key, "abcdefghijklmnopqrstuvwxyz0123456789_");

    return n > 0 && n < 40 && key[n] == '\0';
}

/* Finds the group that NAME stands in, and where its own key starts. */
static struct field *
parent_of(struct profile *p, const char *name, const char **key)
{
    const char *dot = strrchr(name, '.');
    bool in_list = dot != NULL && dot - name > 2 && dot[-1] == ']';
    size_t len;

    *key = dot != NULL ? dot + 1 : name;
    if (dot == NULL)
        return &p->root;
    len = (size_t)(dot - name) - (in_list ? 2 : 0);
    for (size_t i = 0; i < p->count; i++) {
        struct field *f = p->all[i];

        if (strlen(f->name) == len && memcmp(f->name, name, len) == 0)
            return f->type == VALUE_GROUP && f->is_list == in_list ? f : NULL;
    }
    return NULL;
}

static enum err
read_type(struct profile *p, struct field *f, struct problem *pb)
{
    const char *type = text_of(f->def, "type");
    const char *part = text_of(f->def, "part");
    unsigned t = 0;

    while (type != NULL && t < VALUE_TYPES &&
           strcmp(value_type_name((enum value_type)t), type) != 0)
        t++;
    if (type == NULL || t == VALUE_TYPES)
        return wrong(p, f, pb, "has no type that is known");
    f->type = (enum value_type)t;
    f->part = part != NULL ? part_by_name(part) : PART_COUNT;
    if (f->part == PART_COUNT)
        return wrong(p, f, pb, "names no part that is known");
    return ERR_OK;
}

static enum err
read_codes(struct profile *p, struct field *f, struct problem *pb)
{
    const char *list = text_of(f->def, "codes");
    bool wants = f->type == VALUE_CODE || f->type == VALUE_CODES;

    if (wants != (list != NULL))
        return wrong(p, f, pb, "needs codes exactly when its type is code");
    if (f->type == VALUE_YNS)
        f->codes = profile_table(p, "yns");
    if (list != NULL)
        f->codes = json_object_get(profile_table(p, "codes"), list);
    if (f->codes != NULL ? json_object_size(f->codes) == 0
                         : list != NULL || f->type == VALUE_YNS)
        return wrong(p, f, pb, "names a list of codes that is not there");
    return ERR_OK;
}

static bool
read_size(const json_t *v, size_t max, size_t *out)
{
    json_int_t n = json_integer_value(v);

    if (!json_is_integer(v) || n < 1 || (size_t)n > max)
        return false;
    *out = (size_t)n;
    return true;
}

static enum err
read_limits(struct profile *p, struct field *f, struct problem *pb)
{
    const json_t *list = json_object_get(f->def, "list");
    const json_t *max = json_object_get(f->def, "max");
    size_t most = f->type == VALUE_TEXT  ? TEXT_MAX
                  : f->type == VALUE_INT ? INT_VALUE_MAX
                                         : STR_MAX;

    f->max = most;
    if (max != NULL &&
        !read_size(max, f->type == VALUE_INT ? INT_VALUE_MAX : TEXT_MAX,
                   &f->max))
        return wrong(p, f, pb, "has a max that is not from 1 to the limit");
    f->is_list = list != NULL;
    if (list != NULL &&
        (json_array_size(list) != 2 || f->type == VALUE_CODES ||
         !read_size(json_array_get(list, 0), LIST_MAX, &f->list_min) ||
         !read_size(json_array_get(list, 1), LIST_MAX, &f->list_max) ||
         f->list_min > f->list_max))
        return wrong(p, f, pb, "has a list that is not [least, most]");
    return ERR_OK;
}

static enum err
read_rules(struct profile *p, struct field *f, struct problem *pb)
{
    const json_t *required = json_object_get(f->def, "required");
    const json_t *reason = json_object_get(f->def, "reason");
    const char *key;
    json_t *v;

    f->required = json_is_true(required);
    f->when = json_is_array(required) ? required : NULL;
    f->takes_reason =
        (f->type != VALUE_GROUP || f->is_list) && !json_is_false(reason);
    f->asked = json_is_true(json_object_get(f->def, "ask")) || f->required ||
               f->when != NULL;
    if (required != NULL && !json_is_boolean(required) && f->when == NULL)
        return wrong(p, f, pb, "has a required that is no rule");
    if (f->asked && f->type == VALUE_GROUP && !f->is_list)
        return wrong(p, f, pb, "is a group: its fields are asked, not itself");
    if (text_of(json_object_get(f->def, "labels"), "en") == NULL)
        return wrong(p, f, pb, "has no English label");
    json_object_foreach((json_t *)f->def, key, v)
    {
        if (!is_attribute(key))
            return profile_wrong(p->doc, f->name, ERR_MALFORMED, pb,
                                 "has the attribute \"%.40s\", which means "
                                 "nothing",
                                 key);
    }
    return ERR_OK;
}

/* ---- into the tree ---- */

static bool
in_list_of_other_part(const struct field *f)
{
    for (const struct field *up = f->parent; up != NULL; up = up->parent)
        if (up->is_list && up->part != f->part)
            return true;
    return false;
}

static enum err
adopt(struct profile *p, struct field *f, struct field *parent,
      struct problem *pb)
{
    struct field **bigger;

    f->parent = parent;
    if (!is_key(f->key) || profile_child(parent, f->key) != NULL)
        return wrong(p, f, pb, "has a name that is wrong or there twice");
    if (in_list_of_other_part(f))
        return wrong(p, f, pb, "is in another part than its list");
    if (parent->is_list && strcmp(f->key, "reason") == 0)
        return wrong(p, f, pb, "would look like a reason in its list");
    bigger =
        realloc(parent->children, (parent->child_count + 1) * sizeof(*bigger));
    if (bigger == NULL)
        return problem_from_err(pb, "cannot load the profile", ERR_NOMEM);
    parent->children = bigger;
    parent->children[parent->child_count++] = f;
    f->parts = json_object_get(f->def, "part_from") != NULL ? PARTS_ALL
                                                            : PART_BIT(f->part);
    for (struct field *up = parent; up != NULL; up = (struct field *)up->parent)
        up->parts |= f->parts;
    return ERR_OK;
}

static enum err
add_field(struct profile *p, const json_t *def, struct problem *pb)
{
    const char *name = text_of(def, "name");
    struct field *f = calloc(1, sizeof(*f));
    struct field *parent;
    enum err rc;

    if (f == NULL || (f->name = strdup(name != NULL ? name : "")) == NULL) {
        free(f);
        return problem_from_err(pb, "cannot load the profile", ERR_NOMEM);
    }
    f->def = def;
    parent = parent_of(p, f->name, &f->key);
    p->names[p->count] = f->name;
    p->all[p->count++] = f;
    if (parent == NULL)
        return wrong(p, f, pb, "stands in no group that came before it");
    rc = read_type(p, f, pb);
    if (rc == ERR_OK)
        rc = read_codes(p, f, pb);
    if (rc == ERR_OK)
        rc = read_limits(p, f, pb);
    if (rc == ERR_OK)
        rc = read_rules(p, f, pb);
    if (rc == ERR_OK)
        rc = adopt(p, f, parent, pb);
    return rc;
}

/* ---- the file ---- */

static const char *const tables[] = {"reasons", "yns", "parts", "countries",
                                     "codes"};
static const char *const others[] = {
    "id",       "version", "extends",   "sources",       "languages", "fields",
    "narrowed", "clocks",  "calendars", "consent_texts", "hubs",
};

static bool
is_top_key(const char *key)
{
    for (size_t i = 0; i < COUNT(tables); i++)
        if (strcmp(tables[i], key) == 0)
            return true;
    for (size_t i = 0; i < COUNT(others); i++)
        if (strcmp(others[i], key) == 0)
            return true;
    return false;
}

static enum err
check_top(struct profile *p, struct problem *pb)
{
    const char *key;
    json_t *v;

    if (text_of(p->doc, "id") == NULL || profile_version(p) == 0)
        return profile_wrong(p->doc, "id", ERR_MALFORMED, pb,
                             "and version must be there");
    for (size_t i = 0; i < COUNT(tables); i++)
        if (json_object_size(profile_table(p, tables[i])) == 0)
            return profile_wrong(p->doc, tables[i], ERR_MALFORMED, pb,
                                 "is missing");
    json_object_foreach(p->doc, key, v)
    {
        if (!is_top_key(key))
            return profile_wrong(p->doc, key, ERR_MALFORMED, pb,
                                 "is no table that is known");
    }
    return ERR_OK;
}

enum err
profile_build(struct profile *p, struct problem *pb)
{
    const json_t *fields = profile_table(p, "fields");
    size_t count = json_array_size(fields);
    enum err rc = check_top(p, pb);
    const json_t *def;
    size_t i;

    p->root.type = VALUE_GROUP;
    p->root.key = p->root.name = "";
    if (rc == ERR_OK && (count == 0 || count > FIELDS_MAX))
        rc = profile_wrong(p->doc, "fields", ERR_MALFORMED, pb,
                           "must be a list of 1 to %d", FIELDS_MAX);
    if (rc != ERR_OK)
        return rc;
    p->all = calloc(count, sizeof(struct field *));
    p->names = calloc(count, sizeof(char *));
    if (p->all == NULL || p->names == NULL)
        return problem_from_err(pb, "cannot load the profile", ERR_NOMEM);
    json_array_foreach(fields, i, def)
    {
        rc = add_field(p, def, pb);
        if (rc != ERR_OK)
            return rc;
    }
    return ERR_OK;
}
