/*
 * referral_summary.c - one line about a referral, and what leaves the machine
 * with it.  No name in the one, all that matters for consent in the other.
 */
#include <stdlib.h>
#include <string.h>

#include "client/referral_inside.h"
#include "common/text.h"

/* ---- subject ---- */

enum err
referral_subject(const struct profile *p, const json_t *doc, const char *lang,
                 struct buf *out)
{
    static const char *const fields[] = {"referral.mode", "referral.urgency",
                                         "age.class_now"};
    const struct field *type = profile_field(p, "type");
    size_t start = out->len;

    if (type != NULL && type->codes != NULL &&
        json_object_get(type->codes, referral_type(doc)) != NULL)
        buf_str(out, profile_code_label(type, referral_type(doc), lang));
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        const struct field *f = profile_field(p, fields[i]);
        const char *code = referral_word(doc, fields[i]);

        /* Only words of the profile: a stranger's text says nothing here. */
        if (f == NULL || json_object_get(f->codes, code) == NULL)
            continue;
        buf_str(out, out->len > start ? " - " : "");
        buf_str(out, profile_code_label(f, code, lang));
    }
    return buf_status(out);
}

/* ---- what leaves ---- */

/* Parts that DOC fills, though they do not travel. */
static enum err
staying(const struct profile *p, const json_t *doc,
        const struct referral_parts *leaving, unsigned *bits)
{
    struct referral_parts all = {0};
    enum err rc = referral_split(p, doc, PARTS_ALL, &all);

    *bits = all.here & ~leaving->here;
    referral_parts_clear(&all);
    return rc;
}

static void
say_recipients(const struct referral_leaving *l, struct buf *out)
{
    for (size_t i = 0; i < l->to_count; i++) {
        buf_str(out, i == 0 ? "  to        " : ", ");
        text_show(out, l->to[i].agency, strlen(l->to[i].agency), TEXT_ONE_LINE);
        buf_str(out, "/");
        text_show(out, l->to[i].label, strlen(l->to[i].label), TEXT_ONE_LINE);
    }
    buf_str(out, l->to_count > 0 ? "\n" : "");
}

static void
say_files(const json_t *doc, const struct referral_leaving *l, struct buf *out)
{
    for (size_t i = 0; i < l->file_count; i++) {
        buf_str(out, "  file      ");
        text_show(out, l->files[i], strlen(l->files[i]), TEXT_ONE_LINE);
        buf_printf(out, ", %llu bytes, with the part %s\n",
                   (unsigned long long)l->file_sizes[i],
                   part_name(referral_file_part(doc, l->files[i])));
    }
}

enum err
referral_summary(const struct profile *p, const json_t *doc,
                 const struct referral_leaving *leaving, struct buf *out)
{
    unsigned stays = 0;
    bool first = true;
    enum err rc = staying(p, doc, leaving->parts, &stays);

    if (rc != ERR_OK)
        return rc;
    buf_str(out, "What leaves this machine, sealed:\n");
    say_recipients(leaving, out);
    for (unsigned n = 0; n < PART_COUNT; n++)
        if ((leaving->parts->here & PART_BIT(n)) != 0)
            buf_printf(out, "  part      %s, %zu bytes\n", part_name(n),
                       leaving->parts->bytes[n].len);
    say_files(doc, leaving, out);
    for (unsigned n = 0; n < PART_COUNT; n++) {
        if ((stays & PART_BIT(n)) == 0)
            continue;
        buf_printf(out, "%s%s", first ? "  stays     " : ", ", part_name(n));
        first = false;
    }
    buf_str(out, first ? "" : "\n");
    return buf_status(out);
}

static json_t *
json_part(unsigned n, size_t len)
{
    json_t *o = json_object();

    json_put_str(o, "part", part_name(n));
    json_put_u64(o, "bytes", len);
    return o;
}

static json_t *
json_file(const json_t *doc, const char *name, uint64_t size)
{
    json_t *o = json_object();

    json_put_text(o, "name", name, strlen(name));
    json_put_u64(o, "size", size);
    json_put_str(o, "part", part_name(referral_file_part(doc, name)));
    return o;
}

json_t *
referral_summary_json(const struct profile *p, const json_t *doc,
                      const struct referral_leaving *leaving)
{
    json_t *o = json_object();
    json_t *to = json_array();
    json_t *parts = json_array();
    json_t *stays = json_array();
    json_t *files = json_array();
    unsigned stay = 0;

    for (size_t i = 0; i < leaving->to_count; i++) {
        json_t *one = json_object();

        json_put_str(one, "agency", leaving->to[i].agency);
        json_put_str(one, "label", leaving->to[i].label);
        (void)json_array_append_new(to, one);
    }
    if (staying(p, doc, leaving->parts, &stay) != ERR_OK)
        stay = 0;
    for (unsigned n = 0; n < PART_COUNT; n++) {
        if ((leaving->parts->here & PART_BIT(n)) != 0)
            (void)json_array_append_new(
                parts, json_part(n, leaving->parts->bytes[n].len));
        if ((stay & PART_BIT(n)) != 0)
            (void)json_array_append_new(stays, json_string(part_name(n)));
    }
    for (size_t i = 0; i < leaving->file_count; i++)
        (void)json_array_append_new(
            files, json_file(doc, leaving->files[i], leaving->file_sizes[i]));
    json_put(o, "to", to);
    json_put(o, "parts", parts);
    json_put(o, "stays", stays);
    json_put(o, "files", files);
    return o;
}
