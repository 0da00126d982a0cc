#include "client/content.h"

#include <string.h>

#include "common/text.h"

void
content_clear(struct content *c)
{
    json_decref(c->doc);
    profile_free(c->profile);
    buf_clear(&c->text);
    *c = (struct content){0};
}

/* ---- a referral ---- */

static enum err
gather(const struct letter *l, const json_t *own, struct referral_parts *parts)
{
    enum err rc = json_write(&parts->bytes[PART_META], own, 0);

    parts->here = PART_BIT(PART_META);
    for (size_t i = 0; i < l->in.n_parts && rc == ERR_OK; i++) {
        const struct inner_part *p = &l->in.parts[i];

        if (p->number == PART_META || p->number >= PART_COUNT || !p->here)
            continue;
        buf_put(&parts->bytes[p->number], p->bytes, p->len);
        rc = buf_status(&parts->bytes[p->number]);
        parts->here |= PART_BIT(p->number);
    }
    return rc;
}

static enum err
load_profile(const json_t *doc, struct profile **out, struct problem *pb)
{
    struct problem unknown = {0};

    if (profile_load(out, referral_profile_id(doc), &unknown) == ERR_OK)
        return ERR_OK;
    return profile_load(out, "core", pb);
}

static enum err
load_referral(const struct letter *l, const json_t *own, struct content *c,
              struct problem *pb)
{
    struct referral_parts parts = {0};
    enum err rc = problem_from_err(pb, "the referral cannot be shown",
                                   gather(l, own, &parts));

    if (rc == ERR_OK)
        rc = referral_join(&parts, &c->doc, pb);
    if (rc == ERR_OK)
        rc = load_profile(c->doc, &c->profile, pb);
    referral_parts_clear(&parts);
    return rc;
}

/* ---- a message, or an answer ---- */

static const struct {
    const char *key, *label;
} answer_lines[] = {
    {"reason", "Reason"},       {"owner", "Who has the case"},
    {"reference", "Reference"}, {"next_date", "Next date"},
    {"note", "Note"},
};

static void
put_answer(const json_t *meta, struct buf *out)
{
    for (size_t i = 0; i < sizeof(answer_lines) / sizeof(answer_lines[0]);
         i++) {
        const char *text = json_get_str(meta, answer_lines[i].key);

        if (*text != '\0')
            buf_printf(out, "%s: %s\n", answer_lines[i].label, text);
    }
}

static enum err
load_message(const struct letter *l, struct content *c)
{
    put_answer(l->meta, &c->text);
    letter_text(l, &c->text);
    if (c->text.len > 0 && c->text.data[c->text.len - 1] != '\n')
        buf_u8(&c->text, '\n');
    return buf_status(&c->text);
}

enum err
content_load(const struct letter *l, struct content *out, struct problem *pb)
{
    const json_t *own = json_object_get(l->meta, "referral");
    struct content c = {0};
    enum err rc;

    for (size_t i = 0; i < l->in.n_parts; i++) {
        const struct inner_part *p = &l->in.parts[i];

        if (p->number < PART_COUNT)
            *(p->here ? &c.here : &c.withheld) |= PART_BIT(p->number);
    }
    if (json_is_object(own))
        rc = load_referral(l, own, &c, pb);
    else
        rc = problem_from_err(pb, "the message cannot be shown",
                              load_message(l, &c));
    if (rc != ERR_OK)
        content_clear(&c);
    else
        *out = c;
    return rc;
}

/* ---- out ---- */

enum err
content_render(const struct content *c, size_t width, unsigned only,
               struct buf *out)
{
    struct referral_view view = {
        .width = width, .here = PARTS_ALL & ~c->withheld, .only = only};
    struct buf safe = {0};
    enum err rc;

    if (c->doc != NULL)
        return referral_render(c->profile, c->doc, &view, out);
    text_show(&safe, (const char *)c->text.data, c->text.len, TEXT_LINES);
    rc = buf_status(&safe);
    while (safe.len > 0 && safe.data[safe.len - 1] == '\n')
        safe.len--;
    if (rc == ERR_OK && safe.len > 0) {
        buf_u8(&safe, 0);
        text_wrap(out, (const char *)safe.data, width, 2);
        buf_u8(out, '\n');
        rc = buf_status(out);
    }
    buf_clear(&safe);
    return rc;
}

json_t *
content_parts_json(unsigned parts)
{
    json_t *list = json_array();

    for (unsigned n = 0; n < PART_COUNT; n++)
        if ((parts & PART_BIT(n)) != 0)
            (void)json_array_append_new(list, json_string(part_name(n)));
    return list;
}

/* ---- for search ---- */

enum { WORDS_DEPTH = 40 };

static void
put_words(const json_t *v, unsigned depth, struct buf *out)
{
    const char *key;
    json_t *child;
    size_t i;

    if (depth > WORDS_DEPTH)
        return;
    if (json_is_string(v)) {
        buf_put(out, json_string_value(v), json_string_length(v));
        buf_u8(out, '\n');
    }
    json_object_foreach((json_t *)(uintptr_t)v, key, child)
        put_words(child, depth + 1, out);
    json_array_foreach(v, i, child) put_words(child, depth + 1, out);
}

void
content_words(const struct content *c, const struct letter *l, struct buf *out)
{
    const json_t *atts = json_object_get(l->meta, "attachments");
    const json_t *row;
    size_t i;

    put_words(c->doc, 0, out);
    buf_put(out, c->text.data, c->text.len);
    json_array_foreach(atts, i, row)
    {
        buf_str(out, json_get_str(row, "name"));
        buf_u8(out, '\n');
    }
}
