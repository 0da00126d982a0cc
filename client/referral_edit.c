/*
 * referral_edit.c - text into values, values into their place.
 */
#include "client/referral_edit.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/referral_inside.h"
#include "common/text.h"

static const char what[] = "that does not fit the field";

/* ---- paths ---- */

/* One step of a path: a key, and the number behind it (0: none). */
struct step {
    char key[64];
    size_t number;
};

/* Reads the step at *PATH and moves on.  False: the path is broken. */
static bool
next_step(const char **path, struct step *out)
{
    const char *p = *path;
    size_t n = strcspn(p, ".[");
    char *end;

    if (n == 0 || n >= sizeof(out->key))
        return false;
    memcpy(out->key, p, n);
    out->key[n] = '\0';
    out->number = 0;
    p += n;
    if (*p == '[') {
        if (p[1] < '1' || p[1] > '9')
            return false;
        out->number = strtoul(p + 1, &end, 10);
        if (*end != ']' || out->number > 1000)
            return false;
        p = end + 1;
    }
    if (*p != '\0' && (*p != '.' || p[1] == '\0'))
        return false;
    *path = p + (*p == '.' ? 1 : 0);
    return true;
}

/* Does the path give a number to every list of groups, and to nothing that is
 * no list? */
static bool
numbers_fit(const struct profile *p, const char *path)
{
    const struct field *f = profile_root(p);
    struct step s;

    while (*path != '\0') {
        if (!next_step(&path, &s))
            return false;
        f = profile_child(f, s.key);
        if (f == NULL || (s.number != 0 && !f->is_list) ||
            (*path != '\0' && f->is_list && s.number == 0))
            return false;
    }
    return true;
}

enum err
edit_field(const struct profile *p, const char *path, const struct field **out,
           struct problem *pb)
{
    const struct field *f = profile_field(p, path);
    const char *near;

    if (f == NULL) {
        near = text_nearest(path, profile_names(p), profile_count(p));
        (void)problem_set(pb, P_USAGE, ERR_NOTFOUND, "there is no such field",
                          "\"%.80s\" is no field of the profile %s", path,
                          profile_id(p));
        if (near != NULL)
            problem_next(pb, "did you mean \"%s\"?", near);
        else
            problem_next(pb, "`sealpost check --fields` lists them");
        return ERR_NOTFOUND;
    }
    if (!numbers_fit(p, path))
        return problem_set(pb, P_USAGE, ERR_MALFORMED, what,
                           "\"%.80s\": say which one, as in "
                           "episode[1].places[2].country",
                           path);
    *out = f;
    return ERR_OK;
}

json_t *
edit_get(const json_t *doc, const char *path)
{
    json_t *v = (json_t *)doc;
    struct step s;

    while (v != NULL && *path != '\0') {
        if (!next_step(&path, &s))
            return NULL;
        v = json_object_get(v, s.key);
        if (s.number != 0)
            v = json_array_get(v, s.number - 1);
    }
    return v;
}

/* ---- putting ---- */

/* The container that OBJ.KEY is or becomes. */
static json_t *
open_container(json_t *obj, const char *key, bool is_list)
{
    json_t *v = json_object_get(obj, key);

    if (is_list ? json_is_array(v) : json_is_object(v) && !is_reason(v))
        return v;
    v = is_list ? json_array() : json_object();
    return json_object_set_new(obj, key, v) == 0 ? v : NULL;
}

static enum err
too_far(const struct step *s, size_t have, struct problem *pb)
{
    return problem_set(pb, P_USAGE, ERR_MALFORMED, what,
                       "%s[%zu]: there are %zu; write the next one first",
                       s->key, s->number, have);
}

/* Entry NUMBER of LIST, made when it is the next. */
static enum err
open_entry(json_t *list, const struct step *s, json_t **out, struct problem *pb)
{
    size_t have = json_array_size(list);

    if (s->number > have + 1)
        return too_far(s, have, pb);
    if (s->number == have + 1 &&
        json_array_append_new(list, json_object()) != 0)
        return problem_from_err(pb, what, ERR_NOMEM);
    *out = json_array_get(list, s->number - 1);
    return json_is_object(*out)
               ? ERR_OK
               : problem_set(pb, P_USAGE, ERR_MALFORMED, what,
                             "%s[%zu] is no group", s->key, s->number);
}

static enum err
put_last(json_t *obj, const struct step *s, json_t *value, struct problem *pb)
{
    json_t *list;
    size_t have;
    int failed;

    if (s->number == 0) {
        failed = json_object_set(obj, s->key, value);
        return failed ? problem_from_err(pb, what, ERR_NOMEM) : ERR_OK;
    }
    list = open_container(obj, s->key, true);
    have = json_array_size(list);
    if (s->number > have + 1)
        return too_far(s, have, pb);
    failed = s->number == have + 1 ? json_array_append(list, value)
                                   : json_array_set(list, s->number - 1, value);
    return failed ? problem_from_err(pb, what, ERR_NOMEM) : ERR_OK;
}

static enum err
put_at(json_t *doc, const char *path, json_t *value, struct problem *pb)
{
    json_t *obj = doc;
    struct step s;

    for (;;) {
        enum err rc = ERR_OK;

        if (!next_step(&path, &s))
            return problem_set(pb, P_USAGE, ERR_MALFORMED, what,
                               "the path is not well-formed");
        if (*path == '\0')
            return put_last(obj, &s, value, pb);
        obj = open_container(obj, s.key, s.number != 0);
        if (obj != NULL && s.number != 0)
            rc = open_entry(obj, &s, &obj, pb);
        if (obj == NULL)
            return problem_from_err(pb, what, ERR_NOMEM);
        if (rc != ERR_OK)
            return rc;
    }
}

enum err
edit_put(const struct profile *p, json_t *doc, const char *path, json_t *value,
         struct problem *pb)
{
    const struct field *f = NULL;
    enum err rc = value == NULL ? problem_from_err(pb, what, ERR_NOMEM)
                                : edit_field(p, path, &f, pb);

    if (rc == ERR_OK)
        rc = put_at(doc, path, value, pb);
    json_decref(value);
    return rc;
}

/* ---- parsing ---- */

static bool
is_plural(const struct field *f)
{
    return f->type == VALUE_CODES || (f->is_list && f->type != VALUE_GROUP);
}

static json_t *
parse_int(const char *text)
{
    char *end;
    long long n = strtoll(text, &end, 10);

    if (end == text || *end != '\0')
        return json_string(text);
    return json_integer(n);
}

static json_t *
parse_date(const char *text)
{
    json_t *o;

    if (text[0] != '~')
        return json_string(text);
    o = json_object();
    json_put_str(o, "date", text + 1);
    json_put_bool(o, "approx", 1);
    return o;
}

/* People write telephone numbers with spaces, countries in small letters. */
static json_t *
parse_tidied(const char *text, const char *drop, bool upper)
{
    struct buf b = {0};
    json_t *v;

    for (; *text != '\0'; text++) {
        if (strchr(drop, *text) == NULL)
            buf_u8(&b, upper ? (uint8_t)toupper((unsigned char)*text)
                             : (uint8_t)*text);
    }
    v = b.len == 0 ? json_string("")
                   : json_stringn((const char *)b.data, b.len);
    buf_clear(&b);
    return v;
}

static json_t *
parse_one(const struct field *f, const char *text)
{
    if (f->type == VALUE_INT)
        return parse_int(text);
    if (f->type == VALUE_DATE)
        return parse_date(text);
    if (f->type == VALUE_PHONE)
        return parse_tidied(text, " -()", false);
    if (f->type == VALUE_COUNTRY && strlen(text) == 2)
        return parse_tidied(text, "", true);
    return json_string(text);
}

/* Cuts the next value off a list with commas; spaces around it go. */
static char *
next_value(char **rest)
{
    char *start = *rest + strspn(*rest, " ");
    char *comma = strchr(start, ',');
    char *end = comma != NULL ? comma : start + strlen(start);

    *rest = comma != NULL ? comma + 1 : end;
    while (end > start && end[-1] == ' ')
        end--;
    *end = '\0';
    return start;
}

static json_t *
parse_many(const struct field *f, const char *text)
{
    char *copy = strdup(text);
    char *rest = copy;
    json_t *list = json_array();
    int failed = copy == NULL;

    while (!failed && *rest != '\0') {
        const char *one = next_value(&rest);

        if (*one != '\0')
            failed = json_array_append_new(list, parse_one(f, one));
    }
    free(copy);
    return list;
}

/* Does NAME mean one entry of its list, "id.nationality[2]"? */
static bool
is_entry(const char *name)
{
    size_t len = strlen(name);

    return len > 0 && name[len - 1] == ']';
}

static json_t *
parse_text(const struct field *f, const char *name, const char *text)
{
    static const char reason[] = "reason:";
    json_t *o;

    if (strncmp(text, reason, sizeof(reason) - 1) == 0) {
        o = json_object();
        json_put_str(o, "reason", text + sizeof(reason) - 1);
        return o;
    }
    return is_plural(f) && !is_entry(name) ? parse_many(f, text)
                                           : parse_one(f, text);
}

enum err
edit_parse(const struct profile *p, const struct field *f, const char *name,
           const char *text, json_t **out, struct problem *pb)
{
    struct findings found = {0};
    json_t *v =
        text_is_utf8(text, strlen(text)) ? parse_text(f, name, text) : NULL;
    enum err rc;

    if (v == NULL)
        return problem_set(pb, P_USAGE, ERR_MALFORMED, what,
                           "%.80s: it is not UTF-8", name);
    if (f->type == VALUE_GROUP && !is_reason(v))
        rc = problem_set(pb, P_USAGE, ERR_MALFORMED, what,
                         "%.80s is a group; write to the fields in it", name);
    else
        rc = referral_check_value(p, f, v, name, &found);
    if (rc == ERR_OK && found.errors > 0)
        rc = problem_set(pb, P_USAGE, ERR_MALFORMED, what, "%.80s: %.380s",
                         found.items[0].path, found.items[0].text);
    else if (rc != ERR_OK)
        (void)problem_from_err(pb, what, rc);
    findings_clear(&found);
    if (rc == ERR_OK)
        *out = v;
    else
        json_decref(v);
    return rc;
}
