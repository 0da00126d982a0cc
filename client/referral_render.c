/*
 * referral_render.c - a referral as text for people: part by part, with
 * labels, wrapped, and nothing in it that a terminal would obey.
 */
#include <string.h>

#include "client/referral_inside.h"
#include "common/text.h"

enum { INDENT = 2, WIDTH_MIN = 40 };

/* Where and how it is being written. */
struct writing {
    const struct profile *p;
    const struct referral_view *view;
    struct buf *out;
};

static size_t
width_of(const struct writing *w)
{
    return w->view->width < WIDTH_MIN ? WIDTH_MIN : w->view->width;
}

/* Wraps the LEN bytes at TEXT (safe already) and ends the line. */
static void
paragraph(const struct writing *w, const struct buf *safe, size_t indent)
{
    struct buf line = {0};

    buf_put(&line, safe->data, safe->len);
    buf_u8(&line, 0);
    if (buf_status(&line) == ERR_OK)
        text_wrap(w->out, (const char *)line.data, width_of(w), indent);
    else
        w->out->failed = true;
    buf_str(w->out, "\n");
    buf_clear(&line);
}

static void
heading(const struct writing *w, const char *text, size_t indent)
{
    struct buf b = {0};

    text_show(&b, text, strlen(text), TEXT_ONE_LINE);
    paragraph(w, &b, indent);
    buf_clear(&b);
}

/* ---- values ---- */

static void
show(struct buf *b, const char *text)
{
    text_show(b, text, strlen(text), TEXT_LINES);
}

static void
say_reason(const struct writing *w, const json_t *v, struct buf *b)
{
    const char *note = json_string_value(json_object_get(v, "note"));

    buf_str(b, "(");
    show(b,
         profile_reason_label(w->p, referral_word(v, "reason"), w->view->lang));
    buf_str(b, ")");
    if (note != NULL) {
        buf_str(b, " ");
        show(b, note);
    }
}

static void
say_country(const struct writing *w, const char *code, struct buf *b)
{
    const char *name = profile_country(w->p, code);

    show(b, name != NULL ? name : code);
    if (name != NULL && strlen(code) == 2) {
        buf_str(b, " (");
        show(b, code);
        buf_str(b, ")");
    }
}

static void
say_json(const json_t *v, struct buf *b)
{
    struct buf json = {0};

    if (json_write(&json, v, 0) == ERR_OK)
        text_show(b, (const char *)json.data, json.len, TEXT_ONE_LINE);
    else
        b->failed = true;
    buf_clear(&json);
}

static void
say_string(const struct writing *w, const struct field *f, const char *text,
           struct buf *b)
{
    if (f->codes != NULL)
        show(b, profile_code_label(f, text, w->view->lang));
    else if (f->type == VALUE_COUNTRY)
        say_country(w, text, b);
    else
        show(b, text);
}

static void
say_value(const struct writing *w, const struct field *f, const json_t *v,
          struct buf *b)
{
    struct partial_date d;
    const json_t *item;
    size_t i;

    if (json_is_string(v))
        say_string(w, f, json_string_value(v), b);
    else if (f->type == VALUE_DATE && date_read(v, &d)) {
        buf_str(b, d.is_approx ? "about " : "");
        show(b, referral_word(v, "date"));
    } else if (json_is_object(v) && is_reason(v))
        say_reason(w, v, b);
    else if (json_is_array(v)) {
        json_array_foreach(v, i, item)
        {
            buf_str(b, i == 0 ? "" : ", ");
            if (json_is_array(item))
                say_json(item, b);
            else
                say_value(w, f, item, b);
        }
    } else
        say_json(v, b);
}

/* "Label: value", or the label and paragraphs below it. */
static void
write_leaf(const struct writing *w, const struct field *f, const json_t *v,
           size_t indent)
{
    bool is_long = f->type == VALUE_TEXT && json_is_string(v);
    struct buf b = {0};

    show(&b, profile_label(f, w->view->lang));
    buf_str(&b, is_long ? ":" : ": ");
    if (is_long) {
        paragraph(w, &b, indent);
        buf_reset(&b);
    }
    say_value(w, f, v, &b);
    paragraph(w, &b, indent + (is_long ? INDENT : 0));
    buf_clear(&b);
}

/* ---- groups ---- */

static void write_group(const struct writing *w, const struct field *g,
                        const json_t *obj, size_t indent);

static void
write_items(const struct writing *w, const struct field *f, const json_t *v,
            size_t indent)
{
    const json_t *item;
    size_t i;

    json_array_foreach(v, i, item)
    {
        struct buf b = {0};

        show(&b, profile_label(f, w->view->lang));
        buf_printf(&b, " (%zu/%zu)", i + 1, json_array_size(v));
        paragraph(w, &b, indent);
        buf_reset(&b);
        if (json_is_object(item))
            write_group(w, f, item, indent + INDENT);
        else {
            say_json(item, &b);
            paragraph(w, &b, indent + INDENT);
        }
        buf_clear(&b);
    }
}

static void
write_field(const struct writing *w, const struct field *f, const json_t *v,
            size_t indent)
{
    bool is_group = f->type == VALUE_GROUP;

    if (v == NULL)
        return;
    if (is_group && f->is_list && json_is_array(v))
        write_items(w, f, v, indent);
    else if (is_group && !f->is_list && json_is_object(v)) {
        heading(w, profile_label(f, w->view->lang), indent);
        write_group(w, f, v, indent + INDENT);
    } else
        write_leaf(w, f, v, indent);
}

/* Kept from a profile that this program does not have. */
static void
write_unknown(const struct writing *w, const char *key, const json_t *v,
              size_t indent)
{
    struct buf b = {0};

    text_show(&b, key, strlen(key), TEXT_ONE_LINE);
    buf_str(&b, ": ");
    say_json(v, &b);
    paragraph(w, &b, indent);
    buf_clear(&b);
}

static void
write_group(const struct writing *w, const struct field *g, const json_t *obj,
            size_t indent)
{
    const char *key;
    json_t *v;

    for (size_t i = 0; i < g->child_count; i++)
        write_field(w, g->children[i],
                    json_object_get(obj, g->children[i]->key), indent);
    json_object_foreach((json_t *)obj, key, v)
    {
        if (profile_child(g, key) == NULL)
            write_unknown(w, key, v, indent);
    }
}

/* ---- parts ---- */

static enum err
write_part(const struct writing *w, const json_t *doc, enum part part)
{
    json_t *obj = referral_pick(profile_root(w->p), doc, part);
    bool is_withheld = (w->view->here & PART_BIT(part)) == 0;
    struct buf b = {0};

    if (obj == NULL)
        return ERR_NOMEM;
    if (json_object_size(obj) != 0 || is_withheld) {
        buf_printf(&b,
                   "== %s ==", profile_part_label(w->p, part, w->view->lang));
        if (is_withheld)
            buf_str(&b, " not in this copy");
        paragraph(w, &b, 0);
        write_group(w, profile_root(w->p), obj, INDENT);
        buf_str(w->out, "\n");
    }
    buf_clear(&b);
    json_decref(obj);
    return buf_status(w->out);
}

enum err
referral_render(const struct profile *p, const json_t *doc,
                const struct referral_view *view, struct buf *out)
{
    struct writing w = {p, view, out};
    enum err rc = ERR_OK;

    for (unsigned n = 0; n < PART_COUNT && rc == ERR_OK; n++)
        if (view->only == 0 || (view->only & PART_BIT(n)) != 0)
            rc = write_part(&w, doc, (enum part)n);
    return rc;
}
