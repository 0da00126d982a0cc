/*
 * cmd_check.c - `sealpost check FILE|DRAFT`: is it fit to be sent?  With
 * --fields: what a referral may hold, straight from the profile.
 */
#include <stdio.h>
#include <string.h>

#include "client/args.h"
#include "client/commands.h"
#include "client/draft.h"
#include "client/interview.h"
#include "client/office.h"
#include "client/referral.h"
#include "client/table.h"
#include "common/clock.h"
#include "common/os.h"

/* ---- the table of fields ---- */

static const char *
when_asked(const struct field *f)
{
    return f->required ? "always" : f->when != NULL ? "if" : "";
}

static json_t *
field_json(const struct field *f, const char *lang)
{
    json_t *o = json_object();
    json_t *codes;
    const char *code;
    json_t *labels;

    json_put_str(o, "name", f->name);
    json_put_str(o, "type", value_type_name(f->type));
    json_put_bool(o, "list", f->is_list);
    json_put_str(o, "part", part_name(f->part));
    json_put_bool(o, "required", f->required);
    if (f->when != NULL)
        json_put(o, "required_if", json_deep_copy(f->when));
    if (f->type == VALUE_STR || f->type == VALUE_TEXT)
        json_put_u64(o, "max", f->max);
    if (f->codes != NULL) {
        codes = json_array();
        json_object_foreach((json_t *)f->codes, code, labels)
        {
            (void)json_array_append_new(codes, json_string(code));
        }
        json_put(o, "codes", codes);
    }
    json_put_str(o, "label", profile_label(f, lang));
    return o;
}

/* Everything about one field, below its row. */
static void
say_more(struct app *app, const struct field *f, const char *lang)
{
    const char *help = profile_help(f, lang);
    const json_t *clause;
    const char *code;
    json_t *labels;
    size_t i;

    if (help != NULL)
        out_line(app, "  %s", help);
    json_array_foreach(f->when, i, clause)
    {
        out_line(app, "  asked if %s", json_string_value(clause));
    }
    json_object_foreach((json_t *)f->codes, code, labels)
    {
        out_line(app, "  %-24s %s", code, profile_code_label(f, code, lang));
    }
}

static bool
is_wanted(const struct field *f, const char *start)
{
    return start == NULL || strncmp(f->name, start, strlen(start)) == 0;
}

static enum err
show_fields(struct app *app, const char *profile, const char *start,
            struct problem *pb)
{
    struct table t = {.columns = 5,
                      .heads = {"field", "type", "part", "asked", "label"}};
    struct profile *p = NULL;
    const struct field *only;
    json_t *rows = json_array();
    const char *lang;
    enum err rc = profile_load(&p, profile != NULL ? profile : "core", pb);

    if (rc != ERR_OK) {
        json_decref(rows);
        return rc;
    }
    lang = interview_language(p);
    for (size_t i = 0; i < profile_count(p); i++) {
        const struct field *f = profile_at(p, i);
        char type[32];

        if (!is_wanted(f, start))
            continue;
        (void)snprintf(type, sizeof(type), "%s%s", value_type_name(f->type),
                       f->is_list ? "[]" : "");
        table_row(&t, (const char *[]){f->name, type, part_name(f->part),
                                       when_asked(f), profile_label(f, lang)});
        (void)json_array_append_new(rows, field_json(f, lang));
    }
    table_print(app, &t);
    only = start != NULL ? profile_field(p, start) : NULL;
    if (only != NULL)
        say_more(app, only, lang);
    json_put(app->result, "profile", json_string(profile_id(p)));
    json_put(app->result, "fields", rows);
    profile_free(p);
    out_next(app, start == NULL ? "sealpost check --fields referral.mode"
                                : "sealpost new");
    return ERR_OK;
}

/* ---- findings ---- */

static void
show_finding(struct app *app, const struct finding *f, bool aloud, json_t *rows)
{
    const char *severity = f->severity == FINDING_ERROR ? "error" : "warning";
    json_t *o = json_object();
    struct buf b = {0};

    json_put_str(o, "severity", severity);
    json_put_str(o, "rule", f->rule);
    json_put_str(o, "path", f->path);
    json_put_str(o, "text", f->text);
    (void)json_array_append_new(rows, o);
    finding_say(f, &b);
    if (aloud && buf_status(&b) == ERR_OK)
        out_line(app, "%-8s %.*s", severity, (int)b.len, (const char *)b.data);
    buf_clear(&b);
}

/* "Who refers > Name", from the outside in. */
static void
say_label(const struct field *f, const char *lang, struct buf *b)
{
    if (f->parent != NULL && f->parent->parent != NULL) {
        say_label(f->parent, lang, b);
        buf_str(b, " > ");
    }
    buf_str(b, profile_label(f, lang));
}

static bool
is_open_question(const struct profile *p, const struct finding *f)
{
    return strcmp(f->rule, "missing") == 0 && profile_field(p, f->path) != NULL;
}

/* A draft's open questions, in the words in which `new` asks them; who writes
 * a file gets the fields' names instead. */
static void
show_open(struct app *app, const struct profile *p,
          const struct findings *found)
{
    const char *lang = interview_language(p);
    size_t n = 0;

    for (size_t i = 0; i < found->count; i++) {
        const struct finding *f = &found->items[i];
        const struct field *field = profile_field(p, f->path);
        struct buf b = {0};

        if (!is_open_question(p, f))
            continue;
        if (n++ == 0)
            out_line(app, "Still open, and needed:");
        say_label(field, lang, &b);
        if (buf_status(&b) == ERR_OK)
            out_line(app, "  %.*s", (int)b.len, (const char *)b.data);
        buf_clear(&b);
    }
}

static enum err
check_document(struct app *app, const struct profile *p, const json_t *doc,
               bool is_draft, struct problem *pb)
{
    struct findings found = {0};
    json_t *rows = json_array();
    size_t warnings;
    enum err rc = referral_check(p, doc, clock_wall_ms(), &found);

    for (size_t i = 0; i < found.count; i++)
        show_finding(app, &found.items[i],
                     !is_draft || !is_open_question(p, &found.items[i]), rows);
    if (is_draft)
        show_open(app, p, &found);
    warnings = found.count - found.errors;
    json_put(app->result, "findings", rows);
    json_put_u64(app->result, "errors", found.errors);
    json_put_u64(app->result, "warnings", warnings);
    if (rc != ERR_OK)
        (void)problem_from_err(pb, "the referral was not checked", rc);
    else if (found.errors > 0)
        rc = problem_set(pb, P_FIELDS, ERR_MALFORMED,
                         "the referral is not ready to be sent",
                         "%zu field%s must be mended%s", found.errors,
                         found.errors == 1 ? "" : "s",
                         findings_full(&found) ? ", and perhaps more" : "");
    else
        out_line(app, warnings > 0 ? "It can be sent; look at the warnings "
                                     "first."
                                   : "Complete and well-formed.");
    findings_clear(&found);
    return rc;
}

static enum err
check_file(struct app *app, const char *path, struct problem *pb)
{
    struct buf text = {0};
    struct profile *p = NULL;
    json_t *doc = NULL;
    enum err rc = office_read_file(path, JSON_FILE_MAX, &text, pb);

    if (rc == ERR_OK)
        rc = referral_read(text.data, text.len, path, &doc, &p, pb);
    if (rc == ERR_OK)
        rc = check_document(app, p, doc, false, pb);
    if (rc == ERR_OK)
        out_next(app, "sealpost send --to MAILBOX %s", path);
    json_decref(doc);
    profile_free(p);
    buf_clear(&text);
    return rc;
}

static enum err
check_draft(struct app *app, const char *id, struct problem *pb)
{
    struct problem none = {0};
    struct profile *p = NULL;
    struct draft d = {0};
    enum err rc = app_unlock(app, pb);

    if (rc == ERR_OK)
        rc = draft_load(app, id, &d, pb);
    if (rc != ERR_OK)
        return rc;
    if (profile_load(&p, referral_profile_id(d.doc), &none) != ERR_OK)
        rc = profile_load(&p, "core", pb);
    if (rc == ERR_OK)
        rc = check_document(app, p, d.doc, true, pb);
    if (rc == ERR_OK)
        out_next(app, "sealpost send --to MAILBOX --draft %s", id);
    else if (pb->id == P_FIELDS)
        problem_next(pb, "`sealpost new --draft %s` asks what is open", id);
    draft_clear(&d);
    profile_free(p);
    return rc;
}

/* A name of four hex digits or more that is no file is a draft's. */
static bool
is_draft(const char *name)
{
    size_t n = strspn(name, "0123456789abcdef");

    return n >= 4 && name[n] == '\0' && !os_exists(name);
}

int
cmd_check(struct app *app, int argc, char **argv)
{
    const char *name = NULL;
    const char *profile = NULL;
    bool fields = false;
    const struct arg table[] = {
        {"--fields", ARG_FLAG, &fields},
        {"--profile", ARG_TEXT, &profile},
    };
    struct problem pb = {0};
    size_t n = 0;
    enum err rc = args_parse(argc, argv, ARGS(table), &name, 1, &n, &pb);

    if (rc == ERR_OK && fields)
        rc = show_fields(app, profile, name, &pb);
    else if (rc == ERR_OK && n == 0)
        rc = args_missing(&pb, "name a file or a draft");
    else if (rc == ERR_OK && is_draft(name))
        rc = check_draft(app, name, &pb);
    else if (rc == ERR_OK)
        rc = check_file(app, name, &pb);
    return rc == ERR_OK ? EXIT_CODE_OK : app_fail(app, &pb);
}
