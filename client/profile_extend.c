/*
 * profile_extend.c - one profile laid over another.  It may add fields, code
 * lists and labels, shorten lists, ask for more; whatever would let something
 * through that the profile below stops is refused.
 */
#include <string.h>

#include "client/profile_inside.h"

/* What is being laid over what; the field or table at hand, for messages. */
struct laying {
    json_t *doc; /* the result so far */
    const json_t *overlay;
    const char *where;
    struct problem *pb;
};

static enum err
loosens(const struct laying *l, const char *what)
{
    return profile_wrong(l->overlay, l->where, ERR_REFUSED, l->pb,
                         "would loosen a rule of the profile below: %s", what);
}

static enum err
broken(const struct laying *l, const char *what)
{
    return profile_wrong(l->overlay, l->where, ERR_MALFORMED, l->pb, "%s",
                         what);
}

static enum err
memory(const struct laying *l, int failed)
{
    return failed == 0
               ? ERR_OK
               : problem_from_err(l->pb, "cannot load the profile", ERR_NOMEM);
}

/* ---- attributes of a field that is there below ---- */

typedef enum err lay_fn(const struct laying *l, json_t *field, const char *key,
                        json_t *v);

static enum err
lay_same(const struct laying *l, json_t *field, const char *key, json_t *v)
{
    return json_equal(json_object_get(field, key), v) ? ERR_OK
                                                      : loosens(l, key);
}

/* May be added, not changed. */
static enum err
lay_new(const struct laying *l, json_t *field, const char *key, json_t *v)
{
    if (json_object_get(field, key) != NULL)
        return lay_same(l, field, key, v);
    return memory(l, json_object_set(field, key, v));
}

static enum err
lay_free(const struct laying *l, json_t *field, const char *key, json_t *v)
{
    return memory(l, json_object_set(field, key, v));
}

static enum err
lay_labels(const struct laying *l, json_t *field, const char *key, json_t *v)
{
    json_t *there = json_object_get(field, key);

    if (there == NULL)
        return lay_free(l, field, key, v);
    return memory(l, json_object_update(there, v));
}

static enum err
lay_max(const struct laying *l, json_t *field, const char *key, json_t *v)
{
    json_t *there = json_object_get(field, key);

    if (there != NULL && json_integer_value(v) > json_integer_value(there))
        return loosens(l, "max is greater");
    return lay_free(l, field, key, v);
}

static enum err
lay_list(const struct laying *l, json_t *field, const char *key, json_t *v)
{
    json_t *there = json_object_get(field, key);

    if (there == NULL || json_array_size(v) != 2 ||
        json_integer_value(json_array_get(v, 0)) <
            json_integer_value(json_array_get(there, 0)) ||
        json_integer_value(json_array_get(v, 1)) >
            json_integer_value(json_array_get(there, 1)))
        return loosens(l, "list is wider");
    return lay_free(l, field, key, v);
}

static bool
is_subset(const json_t *few, const json_t *many)
{
    const char *code;
    json_t *v;

    json_object_foreach((json_t *)few, code, v)
    {
        if (json_object_get(many, code) == NULL)
            return false;
    }
    return json_object_size(few) > 0;
}

/* Rules of the profile below may speak of codes that a list loses here. */
static int
remember(const struct laying *l, json_t *codes)
{
    json_t *table = json_object_get(l->doc, "narrowed");

    if (table == NULL) {
        table = json_object();
        if (json_object_set_new(l->doc, "narrowed", table) != 0)
            return -1;
    }
    return json_object_update_missing(table, codes);
}

static enum err
lay_codes(const struct laying *l, json_t *field, const char *key, json_t *v)
{
    json_t *lists = json_object_get(l->doc, "codes");
    const char *before = json_string_value(json_object_get(field, key));
    const char *after = json_string_value(v);

    if (before == NULL || after == NULL)
        return broken(l, "gives codes to a field that has none");
    if (!is_subset(json_object_get(lists, after),
                   json_object_get(lists, before)))
        return loosens(l, "its codes are not among those below");
    if (remember(l, json_object_get(lists, before)) != 0)
        return memory(l, -1);
    return lay_free(l, field, key, v);
}

static enum err
lay_required(const struct laying *l, json_t *field, const char *key, json_t *v)
{
    json_t *there = json_object_get(field, key);

    if (there == NULL || json_is_false(there) || json_is_true(v))
        return lay_free(l, field, key, v);
    if (json_is_true(there) || !json_is_array(v))
        return loosens(l, "it is required there");
    return memory(l, json_array_extend(there, v));
}

static const struct {
    const char *key;
    lay_fn *lay;
} rows[] = {
    {"type", lay_same},      {"part", lay_same},   {"part_from", lay_same},
    {"reason", lay_same},    {"shape", lay_new},   {"one_of", lay_new},
    {"not_before", lay_new}, {"ask", lay_free},    {"htcds", lay_free},
    {"labels", lay_labels},  {"help", lay_labels}, {"max", lay_max},
    {"list", lay_list},      {"codes", lay_codes}, {"required", lay_required},
};
enum { ROWS = sizeof(rows) / sizeof(rows[0]) };

static enum err
lay_attribute(const struct laying *l, json_t *field, const char *key, json_t *v)
{
    for (size_t i = 0; i < ROWS; i++)
        if (strcmp(rows[i].key, key) == 0)
            return rows[i].lay(l, field, key, v);
    return strcmp(key, "name") == 0
               ? ERR_OK
               : broken(l, "has an attribute that means nothing");
}

/* ---- fields ---- */

static json_t *
find_field(const json_t *fields, const char *name)
{
    json_t *f;
    size_t i;

    json_array_foreach(fields, i, f)
    {
        const char *other = json_string_value(json_object_get(f, "name"));

        if (other != NULL && strcmp(other, name) == 0)
            return f;
    }
    return NULL;
}

static enum err
lay_field(struct laying *l, json_t *over)
{
    json_t *fields = json_object_get(l->doc, "fields");
    json_t *below;
    const char *key;
    json_t *v;
    enum err rc = ERR_OK;

    l->where = json_string_value(json_object_get(over, "name"));
    if (l->where == NULL) {
        l->where = "fields";
        return broken(l, "has a field without a name");
    }
    below = find_field(fields, l->where);
    if (below == NULL)
        return memory(l, json_array_append(fields, over));
    json_object_foreach(over, key, v)
    {
        rc = lay_attribute(l, below, key, v);
        if (rc != ERR_OK)
            return rc;
    }
    return ERR_OK;
}

static enum err
lay_fields(struct laying *l)
{
    json_t *over;
    size_t i;

    json_array_foreach(json_object_get(l->overlay, "fields"), i, over)
    {
        enum err rc = lay_field(l, over);

        if (rc != ERR_OK)
            return rc;
    }
    return ERR_OK;
}

/* ---- tables ---- */

/* A list that is there may get shorter and get labels. */
static enum err
lay_code_lists(struct laying *l)
{
    json_t *lists = json_object_get(l->doc, "codes");
    const char *name;
    json_t *over;

    json_object_foreach(json_object_get(l->overlay, "codes"), name, over)
    {
        json_t *below = json_object_get(lists, name);
        const char *code;
        json_t *labels;

        l->where = name;
        if (below != NULL && !is_subset(over, below))
            return loosens(l, "it has codes that are not in the list there");
        json_object_foreach(over, code, labels)
        {
            json_t *all = json_deep_copy(json_object_get(below, code));

            if (all == NULL)
                continue;
            if (json_object_update(all, labels) != 0 ||
                json_object_set_new(over, code, all) != 0)
                return memory(l, -1);
        }
        if ((below != NULL && remember(l, below) != 0) ||
            json_object_set(lists, name, over) != 0)
            return memory(l, -1);
    }
    return ERR_OK;
}

/* Labels may be added, and reasons to hold a part back. */
static enum err
lay_parts(struct laying *l)
{
    const char *name;
    json_t *over;

    json_object_foreach(json_object_get(l->overlay, "parts"), name, over)
    {
        json_t *below = json_object_get(json_object_get(l->doc, "parts"), name);
        json_t *labels = json_object_get(over, "labels");
        json_t *more = json_object_get(over, "withheld");
        json_t *there = json_object_get(below, "withheld");
        enum err rc = ERR_OK;

        l->where = name;
        if (below == NULL)
            return broken(l, "is no part of a packet");
        if (labels != NULL)
            rc = lay_labels(l, below, "labels", labels);
        if (rc == ERR_OK && more != NULL)
            rc = there != NULL ? memory(l, json_array_extend(there, more))
                               : lay_free(l, below, "withheld", more);
        if (rc != ERR_OK)
            return rc;
    }
    return ERR_OK;
}

static enum err
lay_tables(struct laying *l)
{
    static const char *const closed[] = {"reasons", "yns", "countries"};
    static const char *const open[] = {
        "id",     "version",   "extends",       "languages",
        "clocks", "calendars", "consent_texts", "hubs"};
    json_t *v;

    for (size_t i = 0; i < sizeof(closed) / sizeof(closed[0]); i++) {
        l->where = closed[i];
        if (json_object_get(l->overlay, closed[i]) != NULL)
            return loosens(l, "that table is the same for all");
    }
    for (size_t i = 0; i < sizeof(open) / sizeof(open[0]); i++) {
        v = json_object_get(l->overlay, open[i]);
        if (v != NULL && json_object_set(l->doc, open[i], v) != 0)
            return memory(l, -1);
    }
    return ERR_OK;
}

enum err
profile_lay_over(const json_t *base, const json_t *overlay, json_t **out,
                 struct problem *pb)
{
    struct laying l = {json_deep_copy(base), json_deep_copy(overlay), "", pb};
    const char *extends =
        json_string_value(json_object_get(overlay, "extends"));
    const char *below = json_string_value(json_object_get(base, "id"));
    enum err rc = memory(&l, l.doc == NULL || l.overlay == NULL);

    l.where = "extends";
    if (rc == ERR_OK &&
        (extends == NULL || below == NULL || strcmp(extends, below) != 0))
        rc = broken(&l, "does not name the profile below");
    if (rc == ERR_OK)
        rc = lay_tables(&l);
    if (rc == ERR_OK)
        rc = lay_code_lists(&l);
    if (rc == ERR_OK)
        rc = lay_fields(&l);
    if (rc == ERR_OK)
        rc = lay_parts(&l);
    json_decref((json_t *)l.overlay);
    if (rc == ERR_OK)
        *out = l.doc;
    else
        json_decref(l.doc);
    return rc;
}
