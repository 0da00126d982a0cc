/*
 * referral.c - reading a referral, and the list of findings.
 */
#include "client/referral.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "client/referral_inside.h"
#include "common/text.h"

/* ---- findings ---- */

void
findings_clear(struct findings *f)
{
    for (size_t i = 0; i < f->count; i++) {
        free(f->items[i].path);
        free(f->items[i].text);
    }
    free(f->items);
    memset(f, 0, sizeof(*f));
}

bool
findings_full(const struct findings *f)
{
    return f->count >= FINDINGS_MAX;
}

static bool
grow(struct findings *f)
{
    struct finding *bigger =
        realloc(f->items, (f->count + 1) * sizeof(*bigger));

    if (bigger != NULL)
        f->items = bigger;
    return bigger != NULL;
}

void
findings_take(struct findings *f, enum severity severity, const char *rule,
              const char *path, struct buf *text)
{
    struct finding one = {severity, rule, NULL, NULL};

    if (findings_full(f)) {
        buf_clear(text);
        return;
    }
    one.path = strdup(path);
    buf_u8(text, 0);
    if (buf_status(text) == ERR_OK)
        one.text = strdup((const char *)text->data);
    buf_clear(text);
    if (one.path == NULL || one.text == NULL || !grow(f)) {
        free(one.path);
        free(one.text);
        f->failed = true;
        return;
    }
    f->items[f->count++] = one;
    if (severity == FINDING_ERROR)
        f->errors++;
}

void
findings_add(struct findings *f, enum severity severity, const char *rule,
             const char *path, const char *fmt, ...)
{
    struct buf b = {0};
    char text[512];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    buf_str(&b, text);
    findings_take(f, severity, rule, path, &b);
}

void
finding_say(const struct finding *f, struct buf *out)
{
    if (f->path[0] != '\0')
        buf_printf(out, "%s: ", f->path);
    buf_str(out, f->text);
}

/* ---- small questions ---- */

bool
is_reason(const json_t *v)
{
    return json_object_get(v, "reason") != NULL;
}

bool
is_blank(const json_t *v)
{
    return v == NULL || json_is_null(v) ||
           (json_is_string(v) && json_string_length(v) == 0) ||
           (json_is_array(v) && json_array_size(v) == 0);
}

const char *
referral_word(const json_t *doc, const char *name)
{
    const char *word = json_string_value(profile_get(doc, name));

    return word != NULL ? word : "";
}

const char *
referral_profile_id(const json_t *doc)
{
    const char *id = referral_word(doc, "profile");

    return *id != '\0' ? id : "core";
}

const char *
referral_type(const json_t *doc)
{
    const char *type = referral_word(doc, "type");

    return *type != '\0' ? type : "referral";
}

enum err
referral_read(const void *text, size_t len, const char *name, json_t **doc,
              struct profile **p, struct problem *pb)
{
    struct problem unknown = {0};
    json_t *v = NULL;
    enum err rc = json_read(text, len, name, &v, pb);

    if (rc != ERR_OK)
        return rc;
    if (!json_is_object(v))
        rc = problem_set(pb, P_JSON, ERR_MALFORMED, "this is not a referral",
                         "%s holds no JSON object, {...}", name);
    if (rc == ERR_OK &&
        profile_load(p, referral_profile_id(v), &unknown) == ERR_NOTFOUND)
        rc = profile_load(p, "core", pb);
    else if (rc == ERR_OK && unknown.id != P_NONE)
        rc = problem_set(pb, unknown.id, ERR_MALFORMED, unknown.what, "%s",
                         unknown.why);
    if (rc == ERR_OK)
        *doc = v;
    else
        json_decref(v);
    return rc;
}

/* ---- files ---- */

/* NAME as a description can have it: composed, and harmless everywhere.  Gives
 * a string to free(), or NULL. */
static char *
describable(const char *name)
{
    char *nfc = NULL;
    char *safe = NULL;

    if (text_nfc(&nfc, name, strlen(name)) != ERR_OK)
        nfc = NULL;
    if (text_safe_filename(&safe, nfc != NULL ? nfc : name) != ERR_OK)
        safe = NULL;
    free(nfc);
    return safe;
}

/* A file whose name a description cannot have, as "a:b.pdf", or has in another
 * form of Unicode, must not lose its part for that. */
static bool
is_alike(const char *described, const char *name)
{
    char *a = describable(described);
    char *b = describable(name);
    bool is = a != NULL && b != NULL && strcmp(a, b) == 0;

    free(a);
    free(b);
    return is && *described != '\0';
}

/* The very name first. */
static const json_t *
describes(const json_t *doc, const char *name)
{
    const json_t *list = json_object_get(doc, "attach");
    const json_t *item;
    size_t i;

    json_array_foreach(list, i, item)
    {
        if (strcmp(referral_word(item, "file"), name) == 0)
            return item;
    }
    json_array_foreach(list, i, item)
    {
        if (is_alike(referral_word(item, "file"), name))
            return item;
    }
    return NULL;
}

enum part
referral_file_part(const json_t *doc, const char *name)
{
    enum part part = part_by_name(referral_word(describes(doc, name), "part"));

    return part != PART_COUNT ? part : PART_ACCOUNT;
}

enum err
referral_check_files(const json_t *doc, const char *const *names, size_t count,
                     struct findings *out)
{
    const json_t *item;
    size_t i;

    for (size_t n = 0; n < count; n++)
        if (describes(doc, names[n]) == NULL)
            findings_add(out, FINDING_WARNING, "files", "attach",
                         "the file \"%.100s\" travels without a description; "
                         "it is taken as part of the account",
                         names[n]);
    json_array_foreach(json_object_get(doc, "attach"), i, item)
    {
        const char *file = referral_word(item, "file");
        size_t n = 0;

        while (n < count && !is_alike(file, names[n]))
            n++;
        if (n == count)
            findings_add(out, FINDING_WARNING, "files", "attach",
                         "the file \"%.100s\" is described but does not "
                         "travel; add --attach",
                         file);
    }
    return out->failed ? ERR_NOMEM : ERR_OK;
}
