#include "client/sending.h"

#include <string.h>

#include "client/letter.h"
#include "common/bytes.h"
#include "common/clock.h"
#include "common/os.h"
#include "common/text.h"
#include "proto/packet_type.h"

enum {
    SUBJECT_COLUMNS = 60,
    SUBJECT_LEN_MAX = 240 /* bytes; marks above a letter take no column */
};

static const char what[] = "the packet was not sent";

void
sending_clear(struct sending *s)
{
    json_decref(s->doc);
    json_decref(s->words);
    json_decref(s->meta);
    profile_free(s->profile);
    referral_parts_clear(&s->parts);
    referral_parts_clear(&s->withheld);
    buf_clear(&s->text);
    buf_clear(&s->subject);
    memset(s, 0, sizeof(*s));
}

/* ---- reading ---- */

enum err
sending_read_bytes(const char *path, struct buf *out, struct problem *pb)
{
    enum err rc = strcmp(path, "-") == 0
                      ? os_read_all(0, JSON_FILE_MAX, out)
                      : os_read_file(path, JSON_FILE_MAX, out);

    if (rc == ERR_TOOBIG)
        return problem_set(pb, P_FILE, rc, what, "%.200s is above 4 MiB", path);
    if (rc != ERR_OK)
        return problem_set(pb, P_FILE, rc, what, "%.200s: %s", path,
                           os_last_error_text());
    return ERR_OK;
}

enum err
sending_read_file(struct sending *s, const char *path, struct problem *pb)
{
    struct buf b = {0};
    enum err rc = sending_read_bytes(path, &b, pb);

    if (rc == ERR_OK)
        rc = referral_read(b.data, b.len, path, &s->doc, &s->profile, pb);
    buf_clear(&b);
    return rc;
}

enum err
sending_read_draft(struct sending *s, const struct draft *d, struct problem *pb)
{
    struct buf b = {0};
    enum err rc = problem_from_err(pb, what, json_write(&b, d->doc, 0));

    if (rc == ERR_OK)
        rc =
            referral_read(b.data, b.len, "the draft", &s->doc, &s->profile, pb);
    buf_clear(&b);
    return rc;
}

/* The first line, as a subject. */
static void
subject_from_text(struct sending *s, const char *text, size_t len)
{
    const char *end = memchr(text, '\n', len);
    size_t n = end == NULL ? len : (size_t)(end - text);

    n = n < SUBJECT_LEN_MAX ? n : SUBJECT_LEN_MAX;
    while (n > 0 && text_width(text, n) > SUBJECT_COLUMNS)
        n--;
    while (n > 0 && !text_is_utf8(text, n))
        n--;
    buf_put(&s->subject, text, n);
    buf_u8(&s->subject, 0);
}

enum err
sending_set_text(struct sending *s, const char *text, size_t len,
                 struct problem *pb)
{
    json_t *j = json_object();
    enum err rc;

    if (!text_is_utf8(text, len)) {
        json_decref(j);
        return problem_set(pb, P_FIELDS, ERR_MALFORMED, what,
                           "the text is not UTF-8; save it as UTF-8 first");
    }
    json_put(j, "text", json_stringn(text, len));
    rc = json_write(&s->text, j, 0);
    json_decref(j);
    subject_from_text(s, text, len);
    return problem_from_err(pb, what, rc);
}

enum err
sending_type(const struct sending *s, uint8_t *type, struct problem *pb)
{
    if (packet_type_by_name(referral_type(s->doc), type) != ERR_OK)
        return problem_set(pb, P_FIELDS, ERR_NOTFOUND, what,
                           "\"%.40s\" is no type of packet",
                           referral_type(s->doc));
    return ERR_OK;
}

/* ---- checking ---- */

static json_t *
findings_json(const struct findings *f)
{
    json_t *list = json_array();

    for (size_t i = 0; i < f->count; i++) {
        const struct finding *x = &f->items[i];
        json_t *j = json_object();

        json_put_str(j, "severity",
                     x->severity == FINDING_ERROR ? "error" : "warning");
        json_put_str(j, "rule", x->rule);
        json_put_str(j, "path", x->path);
        json_put_str(j, "text", x->text);
        (void)json_array_append_new(list, j);
    }
    return list;
}

static void
show_findings(struct app *app, const struct findings *f)
{
    for (size_t i = 0; i < f->count; i++) {
        struct buf b = {0};

        finding_say(&f->items[i], &b);
        out_note(app, "%s: %.*s",
                 f->items[i].severity == FINDING_ERROR ? "error" : "note",
                 (int)b.len, (const char *)b.data);
        buf_clear(&b);
    }
    if (f->count > 0)
        json_put(app->result, "findings", findings_json(f));
}

static enum err
check(struct app *app, const struct sending *s, const char *const *names,
      size_t n, struct problem *pb)
{
    struct findings f = {0};
    enum err rc = referral_check(s->profile, s->doc, clock_wall_ms(), &f);

    if (rc == ERR_OK)
        rc = referral_check_files(s->doc, names, n, &f);
    if (rc == ERR_OK)
        show_findings(app, &f);
    if (rc == ERR_OK && f.errors > 0)
        rc = problem_set(pb, P_FIELDS, ERR_MALFORMED, what,
                         "%zu thing%s must be mended first", f.errors,
                         f.errors == 1 ? "" : "s");
    findings_clear(&f);
    return problem_from_err(pb, what, rc);
}

/* ---- what may go ---- */

void
addressee_of(const struct desk *d, const struct mailbox_id *id,
             struct addressee *out)
{
    const struct dir_mailbox *m =
        directory_mailbox(roster_directory(d->roster), id);

    memset(out, 0, sizeof(*out));
    hex_encode(out->mailbox_id, id->b, sizeof(id->b));
    out->to.mailbox_id = out->mailbox_id;
    out->to.agency = out->to.label = "";
    if (m == NULL)
        return;
    hex_encode(out->agency_id, m->agency->id.b, sizeof(m->agency->id.b));
    out->to.agency_id = out->agency_id;
    out->to.agency = m->agency->name;
    out->to.label = m->label;
}

static enum err
allow(struct app *app, struct sending *s, const struct referral_to *to,
      const char *reason, unsigned *parts, struct problem *pb)
{
    struct problem mine = {0};
    enum err rc = referral_allowed(s->profile, s->doc, to, parts, &mine);

    if (rc == ERR_REFUSED && reason != NULL) {
        *parts = referral_allowed_overriding(s->profile, s->doc);
        json_put_str(s->meta, "consent_overridden", reason);
        out_note(app, "Note: sent against a missing agreement; your reason "
                      "travels with it.");
        return ERR_OK;
    }
    if (rc != ERR_OK)
        *pb = mine;
    return rc;
}

static enum err
show_leaving(struct desk *d, const struct sending *s,
             const struct referral_to *to, const struct compose *c,
             const char *const *names, struct problem *pb)
{
    uint64_t sizes[COMPOSE_FILES_MAX] = {0};
    struct referral_leaving leaving = {
        .parts = &s->parts,
        .to = to,
        .to_count = 1,
        .files = names,
        .file_sizes = sizes,
        .file_count = c->n_files,
    };
    struct buf b = {0};
    enum err rc;

    /* A file that is not there is told about when it is sealed. */
    for (size_t i = 0; i < c->n_files; i++)
        if (os_file_size(c->files[i], &sizes[i]) != ERR_OK)
            return ERR_OK;
    rc = referral_summary(s->profile, s->doc, &leaving, &b);
    if (rc == ERR_OK)
        out_note(d->app, "%.*s", (int)b.len, (const char *)b.data);
    json_put(d->app->result, "leaving",
             referral_summary_json(s->profile, s->doc, &leaving));
    buf_clear(&b);
    return problem_from_err(pb, what, rc);
}

static void
fill_spans(struct span *out, const struct referral_parts *parts)
{
    for (unsigned n = 1; n < PART_COUNT; n++)
        if ((parts->here & PART_BIT(n)) != 0)
            out[n] = (struct span){parts->bytes[n].data, parts->bytes[n].len};
}

static enum err
fill_from_referral(struct sending *s, struct compose *c, struct problem *pb)
{
    const struct buf *share = &s->parts.bytes[PART_META];
    json_t *j = NULL;
    enum err rc = json_read(share->data, share->len, "the referral", &j, pb);

    if (rc != ERR_OK)
        return rc;
    json_put(s->meta, "referral", j);
    fill_spans(c->parts, &s->parts);
    fill_spans(c->withheld, &s->withheld);
    rc = referral_subject(s->profile, s->doc, NULL, &s->subject);
    buf_u8(&s->subject, 0);
    return problem_from_err(pb, what, rc);
}

static enum err
prepare_referral(struct desk *d, struct sending *s, const char *reason,
                 struct compose *c, struct problem *pb)
{
    const char *names[COMPOSE_FILES_MAX] = {0};
    struct addressee a;
    unsigned allowed = 0;
    enum err rc;

    for (size_t i = 0; i < c->n_files; i++) {
        names[i] = os_path_base(c->files[i]);
        c->file_parts[i] = (uint8_t)referral_file_part(s->doc, names[i]);
    }
    addressee_of(d, &c->to, &a);
    rc = check(d->app, s, names, c->n_files, pb);
    if (rc == ERR_OK)
        rc = allow(d->app, s, &a.to, reason, &allowed, pb);
    if (rc == ERR_OK)
        rc = referral_files_allowed(s->doc, names, c->n_files, allowed, pb);
    if (rc == ERR_OK)
        rc = problem_from_err(
            pb, what, referral_split(s->profile, s->doc, allowed, &s->parts));
    if (rc == ERR_OK)
        rc = problem_from_err(pb, what,
                              referral_split(s->profile, s->doc,
                                             PARTS_ALL & ~allowed,
                                             &s->withheld));
    if (rc == ERR_OK)
        rc = show_leaving(d, s, &a.to, c, names, pb);
    return rc == ERR_OK ? fill_from_referral(s, c, pb) : rc;
}

enum err
sending_prepare(struct desk *d, struct sending *s, const char *reason,
                struct compose *c, struct problem *pb)
{
    enum err rc = ERR_OK;

    s->meta = json_object();
    if (s->words != NULL)
        (void)json_object_update(s->meta, s->words);
    if (s->doc != NULL)
        rc = prepare_referral(d, s, reason, c, pb);
    else if (s->text.len > 0)
        c->parts[LETTER_TEXT_PART] = (struct span){s->text.data, s->text.len};
    if (rc == ERR_OK)
        rc = problem_from_err(pb, what, buf_status(&s->subject));
    c->meta = s->meta;
    if (s->subject.len > 0)
        c->subject = (const char *)s->subject.data;
    return rc;
}
