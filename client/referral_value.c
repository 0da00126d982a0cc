/*
 * referral_value.c - is one value what its field takes?  A table of types.
 */
#include <stdlib.h>
#include <string.h>

#include "client/referral_inside.h"
#include "common/text.h"

enum { SHOWN_MAX = 60 }; /* bytes of a wrong value that are repeated */

/* ---- saying it ---- */

const char *
json_kind(const json_t *v)
{
    switch (json_typeof(v)) {
    case JSON_OBJECT:
        return "an object";
    case JSON_ARRAY:
        return "a list";
    case JSON_STRING:
        return "a text";
    case JSON_INTEGER:
    case JSON_REAL:
        return "a number";
    case JSON_TRUE:
    case JSON_FALSE:
        return "true or false";
    case JSON_NULL:
        break;
    }
    return "nothing";
}

static void
say_codes(const struct field *f, struct buf *out)
{
    const char *code;
    json_t *labels;
    bool first = true;

    json_object_foreach((json_t *)f->codes, code, labels)
    {
        buf_printf(out, "%s%s", first ? "" : ", ", code);
        first = false;
    }
}

static const char *const expected[VALUE_TYPES] = {
    [VALUE_GROUP] = "write an object, {...}",
    [VALUE_STR] = "write one line of text",
    [VALUE_TEXT] = "write a text",
    [VALUE_CODE] = "use one of: ",
    [VALUE_CODES] = "write a list of: ",
    [VALUE_DATE] = "write YYYY, YYYY-MM or YYYY-MM-DD",
    [VALUE_YNS] = "write yes, no or not_sure",
    [VALUE_INT] = "write a whole number, 0 or more",
    [VALUE_COUNTRY] = "write a country's two letters, XX or stateless",
    [VALUE_LANG] = "write a language's code (ISO 639), as en, ar or rmn",
    [VALUE_PHONE] = "write it with the country, as +441632960123",
    [VALUE_EMAIL] = "write it as name@example.org",
    [VALUE_ATTACH] = "write the file's name without its directory",
};

void
say_expected(const struct field *f, struct buf *out)
{
    if (json_object_get(f->def, "shape") != NULL) {
        buf_str(out, "write country and part (ISO 3166-2), as GB-WLS");
        return;
    }
    buf_str(out, expected[f->type]);
    if (f->type == VALUE_CODE || f->type == VALUE_CODES)
        say_codes(f, out);
}

/* The value in quotes, harmless and short. */
static void
say_value(const json_t *v, struct buf *out)
{
    const char *text = json_string_value(v);
    size_t len = json_string_length(v);
    bool is_long = len > SHOWN_MAX;

    if (text == NULL) {
        buf_str(out, json_kind(v));
        return;
    }
    len = is_long ? SHOWN_MAX : len;
    while (is_long && len > 0 && ((unsigned char)text[len] & 0xc0) == 0x80)
        len--;
    buf_str(out, "\"");
    text_show(out, text, len, TEXT_ONE_LINE);
    buf_str(out, is_long ? "...\"" : "\"");
}

static void
refuse(const struct checking *c, const struct field *f, const json_t *v,
       const char *path, const char *rule, const char *is)
{
    struct buf b = {0};

    say_value(v, &b);
    buf_printf(&b, " %s; ", is);
    say_expected(f, &b);
    findings_take(c->out, FINDING_ERROR, rule, path, &b);
}

/* ---- texts ---- */

static size_t
characters(const char *text)
{
    size_t n = 0;

    for (; *text != '\0'; text++)
        n += ((unsigned char)*text & 0xc0) != 0x80 ? 1 : 0;
    return n;
}

static bool
fits(const struct checking *c, const struct field *f, const json_t *v,
     const char *path)
{
    size_t n = characters(json_string_value(v));

    if (n <= f->max)
        return true;
    findings_add(c->out, FINDING_ERROR, "length", path,
                 "has %zu characters; at most %zu are allowed", n, f->max);
    return false;
}

static bool
is_subdivision(const char *s)
{
    size_t n = strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-");

    return n >= 4 && n <= 6 && s[n] == '\0' && s[2] == '-' &&
           strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == 2 &&
           strchr(s + 3, '-') == NULL;
}

static void
check_str(const struct checking *c, const struct field *f, const json_t *v,
          const char *path)
{
    const char *s = json_string_value(v);
    const char *why;
    char *composed = NULL;

    if (!fits(c, f, v, path))
        return;
    if (text_nfc(&composed, s, strlen(s)) != ERR_OK) {
        c->out->failed = true;
        return;
    }
    why = text_name_problem(composed, SIZE_MAX);
    if (why != NULL)
        refuse(c, f, v, path, "characters", why);
    else if (json_object_get(f->def, "shape") != NULL && !is_subdivision(s))
        refuse(c, f, v, path, "shape", "is no part of a country");
    free(composed);
}

static void
check_text(const struct checking *c, const struct field *f, const json_t *v,
           const char *path)
{
    (void)fits(c, f, v, path);
}

static void
check_attach(const struct checking *c, const struct field *f, const json_t *v,
             const char *path)
{
    const char *s = json_string_value(v);
    char *safe = NULL;

    if (text_safe_filename(&safe, s) != ERR_OK)
        c->out->failed = true;
    else if (strcmp(safe, s) != 0)
        refuse(c, f, v, path, "file", "cannot be the name of a file");
    free(safe);
}

/* ---- codes ---- */

static void
refuse_code(const struct checking *c, const struct field *f, const json_t *v,
            const char *path)
{
    const char *near[200];
    size_t count = 0;
    struct buf b = {0};
    const char *code;
    json_t *labels;

    json_object_foreach((json_t *)f->codes, code, labels)
    {
        if (count < sizeof(near) / sizeof(near[0]))
            near[count++] = code;
    }
    say_value(v, &b);
    buf_str(&b, " is not allowed here; ");
    code = json_is_string(v) ? text_nearest(json_string_value(v), near, count)
                             : NULL;
    if (code != NULL)
        buf_printf(&b, "did you mean \"%s\"?  ", code);
    buf_str(&b, f->type == VALUE_YNS ? "write yes, no or not_sure"
                                     : "use one of: ");
    if (f->type != VALUE_YNS)
        say_codes(f, &b);
    findings_take(c->out, FINDING_ERROR, "code", path, &b);
}

static void
check_code(const struct checking *c, const struct field *f, const json_t *v,
           const char *path)
{
    if (json_object_get(f->codes, json_string_value(v)) == NULL)
        refuse_code(c, f, v, path);
}

static bool
comes_before(const json_t *list, size_t index)
{
    for (size_t i = 0; i < index; i++)
        if (json_equal(json_array_get(list, i), json_array_get(list, index)))
            return true;
    return false;
}

static void
check_codes(const struct checking *c, const struct field *f, const json_t *v,
            const char *path)
{
    const json_t *item;
    size_t i;

    json_array_foreach(v, i, item)
    {
        if (!json_is_string(item) ||
            json_object_get(f->codes, json_string_value(item)) == NULL)
            refuse_code(c, f, item, path);
        else if (i < 200 && comes_before(v, i))
            refuse(c, f, item, path, "code", "is there twice");
    }
}

/* ---- the rest ---- */

static void
check_date(const struct checking *c, const struct field *f, const json_t *v,
           const char *path)
{
    const json_t *text = json_object_get(v, "date");
    struct partial_date d;

    if (!date_read(v, &d))
        refuse(c, f, text != NULL ? text : v, path, "date", "is not a date");
}

static void
check_int(const struct checking *c, const struct field *f, const json_t *v,
          const char *path)
{
    json_int_t n = json_integer_value(v);

    if (n < 0 || (uint64_t)n > f->max)
        findings_add(c->out, FINDING_ERROR, "range", path,
                     "%lld is out of range; write 0 to %zu", (long long)n,
                     f->max);
}

static void
check_country(const struct checking *c, const struct field *f, const json_t *v,
              const char *path)
{
    if (profile_country(c->p, json_string_value(v)) == NULL)
        refuse(c, f, v, path, "country", "is no country");
}

static void
check_lang(const struct checking *c, const struct field *f, const json_t *v,
           const char *path)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz";
    static const char tail[] = "abcdefghijklmnopqrstuvwxyz"
                               "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-";
    const char *s = json_string_value(v);
    size_t n = strspn(s, letters);
    size_t rest = strspn(s + n, tail);

    if (n < 2 || n > 3 || s[n + rest] != '\0' || rest > 30 ||
        (rest > 0 && (s[n] != '-' || rest < 3)))
        refuse(c, f, v, path, "language", "is no code of a language");
}

static void
check_phone(const struct checking *c, const struct field *f, const json_t *v,
            const char *path)
{
    const char *s = json_string_value(v);
    size_t n = 0;

    if (*s == '+')
        n = strspn(s + 1, "0123456789");
    if (n < 6 || n > 15 || s[1] == '0' || s[1 + n] != '\0')
        refuse(c, f, v, path, "phone", "is no international phone number");
}

static void
check_email(const struct checking *c, const struct field *f, const json_t *v,
            const char *path)
{
    const char *s = json_string_value(v);
    const char *at = strchr(s, '@');
    const char *dot = at != NULL ? strrchr(at, '.') : NULL;

    if (at == NULL || at == s || strchr(at + 1, '@') != NULL || dot == NULL ||
        dot == at + 1 || dot[1] == '\0' || strchr(s, ' ') != NULL ||
        text_name_problem(s, 254) != NULL)
        refuse(c, f, v, path, "email", "is no e-mail address");
}

typedef void check_fn(const struct checking *c, const struct field *f,
                      const json_t *v, const char *path);

static const struct {
    json_type kind;
    check_fn *check;
} types[VALUE_TYPES] = {
    [VALUE_STR] = {JSON_STRING, check_str},
    [VALUE_TEXT] = {JSON_STRING, check_text},
    [VALUE_CODE] = {JSON_STRING, check_code},
    [VALUE_CODES] = {JSON_ARRAY, check_codes},
    [VALUE_DATE] = {JSON_STRING, check_date},
    [VALUE_YNS] = {JSON_STRING, check_code},
    [VALUE_INT] = {JSON_INTEGER, check_int},
    [VALUE_COUNTRY] = {JSON_STRING, check_country},
    [VALUE_LANG] = {JSON_STRING, check_lang},
    [VALUE_PHONE] = {JSON_STRING, check_phone},
    [VALUE_EMAIL] = {JSON_STRING, check_email},
    [VALUE_ATTACH] = {JSON_STRING, check_attach},
};

void
check_value(const struct checking *c, const struct field *f, const json_t *v,
            const char *path)
{
    struct buf b = {0};
    bool is_approx_date = f->type == VALUE_DATE && json_is_object(v);

    if (types[f->type].check == NULL)
        return;
    if (json_typeof(v) == types[f->type].kind || is_approx_date) {
        types[f->type].check(c, f, v, path);
        return;
    }
    buf_printf(&b, "is %s; ", json_kind(v));
    say_expected(f, &b);
    findings_take(c->out, FINDING_ERROR, "type", path, &b);
}
