/*
 * referral_check.c - one walk through a document along the profile's tree:
 * unknown fields, missing ones, reasons, lists; values are referral_value.c's.
 */
#include <stdio.h>
#include <string.h>

#include "client/referral_inside.h"
#include "common/text.h"

/* Names are short and depth is bounded, so a path always fits; one that does
 * not is cut and still says where. */
struct path {
    char text[320];
};

static struct path
below(const char *path, const char *key)
{
    struct path p;

    (void)snprintf(p.text, sizeof(p.text), "%s%s%s", path,
                   *path != '\0' ? "." : "", key);
    return p;
}

static struct path
nth(const char *path, size_t index)
{
    struct path p;

    (void)snprintf(p.text, sizeof(p.text), "%.280s[%u]", path,
                   (unsigned)index + 1);
    return p;
}

static void check_group(const struct checking *c, const struct field *g,
                        const json_t *obj, const char *path);

/* ---- what should not be there ---- */

/* "episode[2].form" -> "episode[].form", as fields are named. */
static void
without_numbers(const char *path, char *out, size_t max)
{
    size_t n = 0;

    for (; *path != '\0' && n + 1 < max; path++) {
        out[n++] = *path;
        if (*path == '[')
            path += strspn(path + 1, "0123456789");
    }
    out[n] = '\0';
}

static void
unknown_field(const struct checking *c, const char *path)
{
    char plain[96];
    const char *near;
    struct buf b = {0};
    struct buf shown = {0};

    if (findings_full(c->out))
        return;
    without_numbers(path, plain, sizeof(plain));
    near = text_nearest(plain, profile_names(c->p), profile_count(c->p));
    text_show(&shown, path, strlen(path), TEXT_ONE_LINE);
    buf_u8(&shown, 0);
    buf_printf(&b, "is no field of the profile %s", profile_id(c->p));
    if (c->is_foreign)
        buf_str(&b, "; it is kept, and not checked");
    else if (near != NULL)
        buf_printf(&b, "; did you mean \"%s\"?", near);
    else
        buf_str(&b, "; `sealpost check --fields` lists them");
    if (buf_status(&shown) == ERR_OK)
        findings_take(c->out, c->is_foreign ? FINDING_WARNING : FINDING_ERROR,
                      "unknown", (const char *)shown.data, &b);
    else
        c->out->failed = true;
    buf_clear(&shown);
    buf_clear(&b);
}

static void
check_keys(const struct checking *c, const struct field *g, const json_t *obj,
           const char *path)
{
    const char *key;
    json_t *v;

    json_object_foreach((json_t *)obj, key, v)
    {
        if (profile_child(g, key) == NULL)
            unknown_field(c, below(path, key).text);
    }
}

/* ---- what should ---- */

static void
missing(const struct checking *c, const struct field *f, const char *path)
{
    struct buf b = {0};

    buf_str(&b, "is missing; ");
    if (f->is_list && f->type == VALUE_GROUP)
        buf_printf(&b, "write a list with at least %zu", f->list_min);
    else
        say_expected(f, &b);
    if (f->takes_reason)
        buf_str(&b, ", or {\"reason\": \"not_asked\"}");
    findings_take(c->out, FINDING_ERROR, "missing", path, &b);
}

static void
check_reason(const struct checking *c, const struct field *f, const json_t *v,
             const char *path)
{
    const char *reason = json_string_value(json_object_get(v, "reason"));
    const json_t *note = json_object_get(v, "note");
    struct buf b = {0};
    const char *code;
    json_t *row;

    if (!f->takes_reason) {
        buf_str(&b, "needs a value, other questions depend on it; ");
        say_expected(f, &b);
        findings_take(c->out, FINDING_ERROR, "reason", path, &b);
        return;
    }
    if (reason != NULL &&
        json_object_get(profile_reasons(c->p), reason) != NULL &&
        (note == NULL || json_is_string(note)) &&
        json_object_size(v) == (note != NULL ? 2u : 1u))
        return;
    buf_str(&b, "has no reason that is known; write {\"reason\": ...} with");
    json_object_foreach((json_t *)profile_reasons(c->p), code, row)
    {
        buf_printf(&b, " %s", code);
    }
    buf_str(&b, ", and a \"note\" if you like");
    findings_take(c->out, FINDING_ERROR, "reason", path, &b);
}

static void
check_list(const struct checking *c, const struct field *f, const json_t *v,
           const char *path)
{
    const json_t *item;
    size_t i;

    if (!json_is_array(v)) {
        findings_add(c->out, FINDING_ERROR, "type", path,
                     "is %s; write a list, [...]", json_kind(v));
        return;
    }
    if (json_array_size(v) < f->list_min || json_array_size(v) > f->list_max)
        findings_add(c->out, FINDING_ERROR, "count", path,
                     "has %zu entries; %zu to %zu are allowed",
                     json_array_size(v), f->list_min, f->list_max);
    json_array_foreach(v, i, item)
    {
        struct path at = nth(path, i);

        if (i >= f->list_max)
            return;
        if (f->type == VALUE_GROUP)
            check_group(c, f, item, at.text);
        else
            check_value(c, f, item, at.text);
    }
}

static void
check_field(const struct checking *c, const struct field *f, const json_t *v,
            const json_t *item, const char *path)
{
    bool is_plain_group = f->type == VALUE_GROUP && !f->is_list;

    if (is_plain_group)
        check_group(c, f, v, path);
    else if (is_blank(v)) {
        if (f->required || profile_when(f->when, c->doc, item))
            missing(c, f, path);
    } else if (is_reason(v))
        check_reason(c, f, v, path);
    else if (f->is_list)
        check_list(c, f, v, path);
    else
        check_value(c, f, v, path);
}

/* ---- groups ---- */

static void
check_one_of(const struct checking *c, const struct field *g, const json_t *obj,
             const char *path)
{
    const json_t *keys = json_object_get(g->def, "one_of");
    struct buf b = {0};
    const json_t *key;
    size_t i;

    json_array_foreach(keys, i, key)
    {
        if (!is_blank(json_object_get(obj, json_string_value(key))))
            return;
    }
    if (json_array_size(keys) == 0)
        return;
    buf_str(&b, "needs at least one of:");
    json_array_foreach(keys, i, key)
    {
        buf_printf(&b, "%s %s", i == 0 ? "" : ",", json_string_value(key));
    }
    findings_take(c->out, FINDING_ERROR, "missing", path, &b);
}

static void
check_order(const struct checking *c, const struct field *f, const json_t *obj,
            const char *path)
{
    struct partial_date first;
    struct partial_date second;

    if (f->not_before == NULL ||
        !date_read(json_object_get(obj, f->not_before->key), &first) ||
        !date_read(json_object_get(obj, f->key), &second))
        return;
    if (date_compare(&second, &first) < 0)
        findings_add(c->out, FINDING_ERROR, "order", path,
                     "is before \"%s\"; one of the two is wrong",
                     f->not_before->key);
}

static void
check_group(const struct checking *c, const struct field *g, const json_t *obj,
            const char *path)
{
    if (!is_blank(obj) && !json_is_object(obj)) {
        findings_add(c->out, FINDING_ERROR, "type", path,
                     "is %s; write an object, {...}", json_kind(obj));
        return;
    }
    check_keys(c, g, obj, path);
    for (size_t i = 0; i < g->child_count; i++) {
        const struct field *f = g->children[i];
        struct path at = below(path, f->key);

        check_field(c, f, json_object_get(obj, f->key), obj, at.text);
        check_order(c, f, obj, at.text);
    }
    check_one_of(c, g, obj, path);
}

enum err
referral_check(const struct profile *p, const json_t *doc, uint64_t now_ms,
               struct findings *out)
{
    struct checking c = {p, doc, now_ms, out, false};
    const char *id = referral_profile_id(doc);

    c.is_foreign = strcmp(id, profile_id(p)) != 0;
    if (c.is_foreign)
        findings_add(out, FINDING_WARNING, "profile", "profile",
                     "this program does not have the profile it names; "
                     "checked by %s only",
                     profile_id(p));
    check_group(&c, profile_root(p), doc, "");
    check_consent(&c);
    return out->failed ? ERR_NOMEM : ERR_OK;
}

enum err
referral_check_value(const struct profile *p, const struct field *f,
                     const json_t *value, const char *name,
                     struct findings *out)
{
    struct checking c = {p, NULL, 0, out, false};

    if (is_reason(value))
        check_reason(&c, f, value, name);
    else if (f->is_list && json_is_array(value))
        check_list(&c, f, value, name);
    else
        check_value(&c, f, value, name);
    return out->failed ? ERR_NOMEM : ERR_OK;
}
