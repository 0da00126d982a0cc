/*
 * interview.c - one question, one answer, one save.
 *
 * An answer is a value, nothing (the question stays open), "<" (back), "<<"
 * (stop), or the one key of a reason instead of a value.  Those keys are no
 * letters, so no value is ever taken for one.
 */
#include "client/interview.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/referral_edit.h"
#include "common/text.h"
#include "proto/crypto.h"

enum {
    LINE_MAX_LEN = 4096, /* a terminal gives no longer ones */
    SHOWN_VALUE = 200,   /* bytes of an earlier answer that are repeated */
};

enum answer {
    ANSWER_SKIP,
    ANSWER_BACK,
    ANSWER_STOP,
    ANSWER_VALUE,
    ANSWER_AGAIN, /* it did not fit, and that was said */
};

struct talk {
    struct app *app;
    const struct profile *p;
    struct draft *d;
    const char *lang;
    char line[LINE_MAX_LEN];
};

const char *
interview_language(const struct profile *p)
{
    const char *wanted = getenv("SEALPOST_LANG");
    const json_t *lang;
    size_t i;

    json_array_foreach(profile_table(p, "languages"), i, lang)
    {
        const char *code = json_string_value(lang);

        if (wanted != NULL && code != NULL &&
            strncmp(wanted, code, strlen(code)) == 0)
            return code;
    }
    return NULL;
}

/* ---- what is shown ---- */

static void
say(struct buf *b, const char *text)
{
    text_show(b, text, strlen(text), TEXT_ONE_LINE);
}

/* "The referral > Urgency", from the outside in. */
static void
say_where(const struct talk *t, const struct field *f, struct buf *b)
{
    if (f->parent != NULL && f->parent->parent != NULL) {
        say_where(t, f->parent, b);
        buf_str(b, " > ");
    }
    say(b, profile_label(f, t->lang));
}

static void
say_choices(const struct talk *t, const struct field *f, struct buf *b)
{
    unsigned n = 0;
    const char *code;
    json_t *labels;

    json_object_foreach((json_t *)f->codes, code, labels)
    {
        buf_printf(b, "\n  %2u ", ++n);
        say(b, profile_code_label(f, code, t->lang));
    }
    if (f->type == VALUE_CODES)
        buf_str(b, "\n  (several: with commas)");
}

static const char *const hints[VALUE_TYPES] = {
    [VALUE_TEXT] = "paragraphs; an empty line ends",
    [VALUE_DATE] = "YYYY, YYYY-MM or YYYY-MM-DD; ~ before it for \"about\"",
    [VALUE_COUNTRY] = "two letters or the name; XX unknown, or stateless",
    [VALUE_LANG] = "code, as en, ar, cy",
    [VALUE_PHONE] = "with the country, as +44 1632 960123",
    [VALUE_INT] = "a number",
};

static void
say_earlier(const struct talk *t, const struct question *q, struct buf *b)
{
    const json_t *v = edit_get(t->d->doc, q->path);
    struct buf json = {0};

    if (q->is_open || v == NULL || q->kind == QUESTION_MORE)
        return;
    if (json_write(&json, v, 0) == ERR_OK) {
        buf_str(b, "\n  so far: ");
        text_show(b, (const char *)json.data,
                  json.len < SHOWN_VALUE ? json.len : SHOWN_VALUE,
                  TEXT_ONE_LINE);
    }
    buf_clear(&json);
}

static void
say_question(const struct talk *t, const struct question *q, struct buf *b)
{
    const struct field *f = q->field;
    const char *help = profile_help(f, t->lang);
    bool is_list = f->is_list && f->type != VALUE_GROUP;
    size_t answered = 0;
    size_t total = 0;

    question_count(t->p, t->d->doc, &answered, &total);
    buf_str(b, "\n");
    say_where(t, f, b);
    buf_printf(b, "  [%zu/%zu]", answered, total);
    if (help != NULL)
        buf_printf(b, "\n  %s", help);
    if (q->kind == QUESTION_MORE)
        buf_printf(b, "\n  %zu so far; add %s? y or n", q->count,
                   q->count == 0 ? "one" : "another");
    else if (f->codes != NULL)
        say_choices(t, f, b);
    else if (hints[f->type] != NULL || is_list)
        buf_printf(b, "\n  (%s%s)",
                   hints[f->type] != NULL ? hints[f->type] : "",
                   is_list ? "; several: with commas" : "");
    say_earlier(t, q, b);
    buf_str(b, "\n> ");
    buf_u8(b, 0);
}

static void
say_legend(const struct talk *t)
{
    struct buf b = {0};
    const char *code;
    json_t *row;

    buf_str(&b, "Enter leaves a question open, < goes back, << stops; all of "
                "it is kept, sealed.\n[3/24]: 3 of 24 questions have an "
                "answer.\nInstead of an answer:");
    json_object_foreach((json_t *)profile_reasons(t->p), code, row)
    {
        const char *key = json_string_value(json_object_get(row, "key"));

        buf_printf(&b, "  %s ", key != NULL ? key : "");
        say(&b, profile_reason_label(t->p, code, t->lang));
    }
    buf_u8(&b, 0);
    if (buf_status(&b) == ERR_OK)
        out_note(t->app, "%s", (const char *)b.data);
    buf_clear(&b);
}

/* ---- what is typed ---- */

/* Reads a line into t->line.  False: the input ended. */
static bool
read_line(struct talk *t, const char *prompt)
{
    struct problem pb = {0};
    enum err rc = app_ask(t->app, prompt, t->line, sizeof(t->line), &pb);

    if (rc != ERR_OK)
        t->line[0] = '\0';
    if (rc == ERR_TOOBIG)
        out_note(t->app, "  that line is too long; press Enter in between");
    return rc == ERR_OK || rc == ERR_TOOBIG;
}

/* The reason whose key was typed, or NULL. */
static const char *
reason_of(const struct talk *t)
{
    const char *code;
    json_t *row;

    json_object_foreach((json_t *)profile_reasons(t->p), code, row)
    {
        const char *key = json_string_value(json_object_get(row, "key"));

        if (key != NULL && strcmp(t->line, key) == 0)
            return code;
    }
    return NULL;
}

/* The first line is in t->line; more follow until an empty one. */
static void
read_paragraphs(struct talk *t, struct buf *text)
{
    do {
        buf_str(text, text->len == 0 ? "" : "\n");
        buf_str(text, t->line);
    } while (read_line(t, "| ") && t->line[0] != '\0');
}

/* "3" is the third code; "y" and "n" are yes and no. */
static void
add_choice(const struct field *f, const char *word, size_t len, struct buf *out)
{
    unsigned long nth = 0;
    const char *code;
    json_t *labels;

    for (size_t i = 0; i < len && isdigit((unsigned char)word[i]); i++)
        nth = i + 1 == len ? strtoul(word, NULL, 10) : 0;
    json_object_foreach((json_t *)f->codes, code, labels)
    {
        bool is_short = f->type == VALUE_YNS && len == 1 && *word == code[0] &&
                        strcmp(code, "not_sure") != 0;

        if (--nth == 0 || is_short) {
            buf_str(out, code);
            return;
        }
    }
    buf_put(out, word, len);
}

static void
read_choices(const struct field *f, const char *line, struct buf *text)
{
    while (*line != '\0') {
        size_t len;

        line += strspn(line, " ,");
        len = strcspn(line, " ,");
        if (len > 0) {
            buf_str(text, text->len == 0 ? "" : ",");
            add_choice(f, line, len, text);
        }
        line += len;
    }
}

static bool
is_same_name(const char *a, const char *b, size_t b_len)
{
    size_t i = 0;

    while (i < b_len && a[i] != '\0' &&
           tolower((unsigned char)a[i]) == tolower((unsigned char)b[i]))
        i++;
    return i == b_len && a[i] == '\0';
}

/* A country's name becomes its letters. */
static void
add_country(const struct talk *t, const char *word, size_t len, struct buf *out)
{
    const char *code;
    json_t *name;

    json_object_foreach((json_t *)profile_table(t->p, "countries"), code, name)
    {
        if (is_same_name(json_string_value(name), word, len)) {
            buf_str(out, code);
            return;
        }
    }
    buf_put(out, word, len);
}

static void
read_countries(const struct talk *t, const char *line, struct buf *text)
{
    while (*line != '\0') {
        size_t len;

        line += strspn(line, " ,");
        len = strcspn(line, ",");
        buf_str(text, len == 0 || text->len == 0 ? "" : ",");
        add_country(t, line, len, text);
        line += len;
    }
}

static void
read_value(struct talk *t, const struct field *f, struct buf *text)
{
    const char *reason = f->takes_reason ? reason_of(t) : NULL;

    if (reason != NULL)
        buf_printf(text, "reason:%s", reason);
    else if (f->type == VALUE_TEXT)
        read_paragraphs(t, text);
    else if (f->codes != NULL)
        read_choices(f, t->line, text);
    else if (f->type == VALUE_COUNTRY)
        read_countries(t, t->line, text);
    else
        buf_str(text, t->line);
    buf_u8(text, 0);
}

/* ---- what becomes of it ---- */

static enum answer
put_value(struct talk *t, const struct question *q, const char *text)
{
    struct problem pb = {0};
    json_t *v = NULL;
    enum err rc = edit_parse(t->p, q->field, q->path, text, &v, &pb);

    if (rc == ERR_OK)
        rc = edit_put(t->p, t->d->doc, q->path, v, &pb);
    if (rc != ERR_OK && q->field->codes != NULL)
        out_note(t->app,
                 "  That is none of the choices: type a number from 1 "
                 "to %zu, or Enter to leave it open.",
                 json_object_size(q->field->codes));
    else if (rc != ERR_OK)
        out_note(t->app, "  %s", pb.why);
    return rc == ERR_OK ? ANSWER_VALUE : ANSWER_AGAIN;
}

static enum answer
answer_more(struct talk *t, const struct question *q)
{
    const char *reason = q->count == 0 ? reason_of(t) : NULL;
    struct problem pb = {0};
    char path[224];
    char text[64];

    if (reason != NULL && q->field->takes_reason) {
        (void)snprintf(text, sizeof(text), "reason:%s", reason);
        return put_value(t, q, text);
    }
    if (t->line[0] == 'n' || t->line[0] == 'N')
        return ANSWER_SKIP;
    if (t->line[0] != 'y' && t->line[0] != 'Y') {
        out_note(t->app, "  y or n, please");
        return ANSWER_AGAIN;
    }
    (void)snprintf(path, sizeof(path), "%s[%zu]", q->path, q->count + 1);
    /* The cursor stays: the new entry's questions come before this one. */
    if (edit_put(t->p, t->d->doc, path, json_object(), &pb) != ERR_OK)
        out_note(t->app, "  %s", pb.why);
    return ANSWER_AGAIN;
}

static enum answer
answer_value(struct talk *t, const struct question *q)
{
    struct buf text = {0};
    enum answer a = ANSWER_AGAIN;

    read_value(t, q->field, &text);
    if (buf_status(&text) == ERR_OK)
        a = put_value(t, q, (const char *)text.data);
    buf_clear(&text);
    return a;
}

static enum answer
ask(struct talk *t, const struct question *q)
{
    struct buf b = {0};
    bool has_line = false;

    say_question(t, q, &b);
    if (buf_status(&b) == ERR_OK)
        has_line = read_line(t, (const char *)b.data);
    buf_clear(&b);
    if (!has_line || strcmp(t->line, "<<") == 0)
        return ANSWER_STOP;
    if (strcmp(t->line, "<") == 0)
        return ANSWER_BACK;
    if (t->line[0] == '\0')
        return ANSWER_SKIP;
    return q->kind == QUESTION_MORE ? answer_more(t, q) : answer_value(t, q);
}

static void
set_cursor(struct draft *d, const char *path)
{
    (void)snprintf(d->cursor, sizeof(d->cursor), "%s", path);
}

/* Asks until the end; *Q is the question at hand. */
static enum err
go_on(struct talk *t, struct question *q, struct problem *pb)
{
    enum err rc = ERR_OK;
    bool has = question_after(t->p, t->d->doc, t->d->cursor, q);

    while (has && rc == ERR_OK) {
        enum answer a = ask(t, q);

        if (a == ANSWER_STOP)
            break;
        if (a == ANSWER_BACK) {
            if (!question_before(t->p, t->d->doc, q->path, q))
                out_note(t->app, "  this is the first question");
            continue;
        }
        if (a == ANSWER_AGAIN && q->kind == QUESTION_VALUE)
            continue;
        if (a != ANSWER_AGAIN)
            set_cursor(t->d, q->path);
        rc = draft_save(t->app, t->d, pb);
        has = question_after(t->p, t->d->doc, t->d->cursor, q);
    }
    return rc;
}

enum err
interview_run(struct app *app, const struct profile *p, struct draft *d,
              struct problem *pb)
{
    struct talk *t = calloc(1, sizeof(*t));
    struct question q = {0};
    enum err rc;

    if (t == NULL)
        return problem_from_err(pb, "cannot ask", ERR_NOMEM);
    t->app = app;
    t->p = p;
    t->d = d;
    t->lang = interview_language(p);
    say_legend(t);
    rc = go_on(t, &q, pb);
    crypto_wipe(t, sizeof(*t));
    free(t);
    return rc;
}
