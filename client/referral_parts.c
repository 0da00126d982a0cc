/*
 * referral_parts.c - a document cut into the parts of a packet and put
 * together again, and which of them may go to whom.
 */
#include <stdlib.h>
#include <string.h>

#include "client/referral_inside.h"

/* ---- cutting ---- */

/* Which part an item of a list with "part_from" names. */
static enum part
item_part(const struct field *list, const json_t *item)
{
    const char *key =
        json_string_value(json_object_get(list->def, "part_from"));
    enum part part = part_by_name(referral_word(item, key));

    return part != PART_COUNT ? part : list->part;
}

static int
by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The keys of OBJ that G (or nobody, NULL) does not know, sorted; *COUNT of
 * them.  NULL: none, or no memory (*COUNT is not 0 then). */
static const char **
unknown_keys(const struct field *g, const json_t *obj, size_t *count)
{
    const char **keys = NULL;
    const char *key;
    json_t *v;
    size_t n = 0;

    *count = json_object_size(obj);
    if (*count == 0 || (keys = malloc(*count * sizeof(*keys))) == NULL)
        return NULL;
    json_object_foreach((json_t *)obj, key, v)
    {
        if (g == NULL || profile_child(g, key) == NULL)
            keys[n++] = key;
    }
    qsort(keys, n, sizeof(*keys), by_text);
    *count = n;
    return keys;
}

/* A copy whose objects have their keys in one order, whatever they are. */
static json_t *
sorted_copy(const json_t *v)
{
    json_t *copy = json_is_object(v)  ? json_object()
                   : json_is_array(v) ? json_array()
                                      : json_deep_copy(v);
    const json_t *item;
    const char **keys;
    size_t count = 0;
    size_t i;
    int bad = copy == NULL;

    json_array_foreach(v, i, item)
    {
        bad |= json_array_append_new(copy, sorted_copy(item));
    }
    keys = unknown_keys(NULL, v, &count);
    bad |= keys == NULL && count != 0;
    for (i = 0; keys != NULL && i < count; i++)
        bad |= json_object_set_new(copy, keys[i],
                                   sorted_copy(json_object_get(v, keys[i])));
    free(keys);
    if (bad) {
        json_decref(copy);
        return NULL;
    }
    return copy;
}

static json_t *pick_items(const struct field *list, const json_t *v,
                          enum part part);

/* The value V of F as far as it travels in PART.  NULL with *BAD 0: none. */
static json_t *
pick_value(const struct field *f, const json_t *v, enum part part, int *bad)
{
    bool is_group = f->type == VALUE_GROUP;
    json_t *out = NULL;

    if (v == NULL || json_is_null(v) || (f->parts & PART_BIT(part)) == 0)
        return NULL;
    if (is_group && !f->is_list && json_is_object(v))
        out = referral_pick(f, v, part);
    else if (is_group && f->is_list && json_is_array(v))
        out = pick_items(f, v, part);
    else if (f->part == part)
        out = sorted_copy(v);
    else
        return NULL;
    *bad |= out == NULL;
    if ((json_is_object(out) && json_object_size(out) == 0) ||
        (json_is_array(out) && json_array_size(out) == 0 &&
         (json_array_size(v) != 0 || f->part != part))) {
        json_decref(out);
        return NULL;
    }
    return out;
}

static json_t *
pick_items(const struct field *list, const json_t *v, enum part part)
{
    bool is_mixed = json_object_get(list->def, "part_from") != NULL;
    json_t *out = json_array();
    const json_t *item;
    size_t i;
    int bad = out == NULL;

    json_array_foreach(v, i, item)
    {
        if (is_mixed && item_part(list, item) != part)
            continue;
        bad |= json_array_append_new(
            out, json_is_object(item) ? referral_pick(list, item, list->part)
                                      : sorted_copy(item));
    }
    if (bad) {
        json_decref(out);
        return NULL;
    }
    return out;
}

/* What nobody knows is treated like what stands beside it; in a group that
 * nobody knows, like the identity, which is held closest. */
static enum part
unknown_part(const struct field *g)
{
    return g->parent == NULL ? PART_IDENTITY : g->part;
}

json_t *
referral_pick(const struct field *g, const json_t *obj, enum part part)
{
    json_t *out = json_object();
    const char **keys = NULL;
    size_t count = 0;
    int bad = out == NULL;

    for (size_t i = 0; i < g->child_count; i++) {
        const struct field *f = g->children[i];
        json_t *v = pick_value(f, json_object_get(obj, f->key), part, &bad);

        if (v != NULL)
            bad |= json_object_set_new(out, f->key, v);
    }
    if (unknown_part(g) == part) {
        keys = unknown_keys(g, obj, &count);
        bad |= keys == NULL && count != 0;
    }
    for (size_t i = 0; keys != NULL && i < count; i++)
        bad |= json_object_set_new(out, keys[i],
                                   sorted_copy(json_object_get(obj, keys[i])));
    free(keys);
    if (bad) {
        json_decref(out);
        return NULL;
    }
    return out;
}

void
referral_parts_clear(struct referral_parts *parts)
{
    for (size_t n = 0; n < PART_COUNT; n++)
        buf_clear(&parts->bytes[n]);
    parts->here = 0;
}

enum err
referral_split(const struct profile *p, const json_t *doc, unsigned allowed,
               struct referral_parts *out)
{
    enum err rc = ERR_OK;

    referral_parts_clear(out);
    allowed |= PART_BIT(PART_META);
    for (unsigned n = 0; n < PART_COUNT && rc == ERR_OK; n++) {
        json_t *part;

        if ((allowed & PART_BIT(n)) == 0)
            continue;
        part = referral_pick(profile_root(p), doc, (enum part)n);
        rc = part == NULL ? ERR_NOMEM : ERR_OK;
        if (rc == ERR_OK && (json_object_size(part) != 0 || n == PART_META)) {
            rc = json_write(&out->bytes[n], part, 0);
            out->here |= PART_BIT(n);
        }
        json_decref(part);
    }
    if (rc != ERR_OK)
        referral_parts_clear(out);
    return rc;
}

/* ---- joining ---- */

/* Lays FROM into INTO: objects merge, lists follow each other. */
static enum err
merge(json_t *into, json_t *from)
{
    const char *key;
    json_t *v;

    json_object_foreach(from, key, v)
    {
        json_t *there = json_object_get(into, key);
        enum err rc = ERR_OK;

        if (there == NULL)
            rc = json_object_set(into, key, v) == 0 ? ERR_OK : ERR_NOMEM;
        else if (json_is_object(there) && json_is_object(v))
            rc = merge(there, v);
        else if (json_is_array(there) && json_is_array(v))
            rc = json_array_extend(there, v) == 0 ? ERR_OK : ERR_NOMEM;
        else
            rc = ERR_MALFORMED;
        if (rc != ERR_OK)
            return rc;
    }
    return ERR_OK;
}

static enum err
join_one(json_t *doc, const struct buf *bytes, unsigned n, struct problem *pb)
{
    json_t *part = NULL;
    enum err rc = json_read(bytes->data, bytes->len, part_name(n), &part, pb);

    if (rc != ERR_OK)
        return rc;
    rc = json_is_object(part) ? merge(doc, part) : ERR_MALFORMED;
    json_decref(part);
    if (rc == ERR_MALFORMED)
        return problem_set(pb, P_JSON, rc, "the referral does not fit together",
                           "its part %s does not agree with the others",
                           part_name(n));
    return rc;
}

enum err
referral_join(const struct referral_parts *parts, json_t **out,
              struct problem *pb)
{
    json_t *doc = json_object();
    enum err rc = doc == NULL ? ERR_NOMEM : ERR_OK;

    for (unsigned n = 0; n < PART_COUNT && rc == ERR_OK; n++)
        if ((parts->here & PART_BIT(n)) != 0)
            rc = join_one(doc, &parts->bytes[n], n, pb);
    if (rc == ERR_OK)
        *out = doc;
    else
        json_decref(doc);
    return rc;
}
