/*
 * cmd_drafts.c - `sealpost drafts`, `draft show ID`, `draft delete ID`.
 */
#include <stdio.h>
#include <string.h>

#include "client/args.h"
#include "client/commands.h"
#include "client/draft.h"
#include "client/interview.h"
#include "client/referral_edit.h"
#include "client/table.h"
#include "client/verbs.h"
#include "common/os.h"

/* The profile of DOC, or core when this program does not have it. */
static enum err
profile_of(const json_t *doc, struct profile **out, struct problem *pb)
{
    struct problem none = {0};

    if (profile_load(out, referral_profile_id(doc), &none) == ERR_OK)
        return ERR_OK;
    return profile_load(out, "core", pb);
}

/* ---- the list ---- */

static json_t *
row_json(const struct draft *d, const char *subject, size_t answered,
         size_t total)
{
    json_t *o = json_object();

    json_put_hex(o, "id", d->id, sizeof(d->id));
    json_put_str(o, "type", referral_type(d->doc));
    json_put_str(o, "subject", subject);
    json_put_u64(o, "created_ms", d->created_ms);
    json_put_u64(o, "changed_ms", d->changed_ms);
    json_put_u64(o, "answered", answered);
    json_put_u64(o, "questions", total);
    return o;
}

static enum err
add_row(const struct draft *d, json_t *rows, struct table *t,
        struct problem *pb)
{
    struct buf subject = {0};
    struct profile *p = NULL;
    char hex[DRAFT_HEX_LEN];
    char when[CLOCK_TEXT_MAX];
    char done[48];
    size_t answered = 0;
    size_t total = 0;
    enum err rc = profile_of(d->doc, &p, pb);

    if (rc != ERR_OK)
        return rc;
    question_count(p, d->doc, &answered, &total);
    (void)referral_subject(p, d->doc, NULL, &subject);
    buf_u8(&subject, 0);
    if (buf_status(&subject) != ERR_OK)
        rc = problem_from_err(pb, "cannot list the drafts", ERR_NOMEM);
    if (rc == ERR_OK) {
        const char *text = (const char *)subject.data;

        draft_hex(d, hex);
        hex[8] = '\0';
        (void)snprintf(done, sizeof(done), "%zu of %zu", answered, total);
        table_row(t, (const char *[]){hex, show_time(when, d->changed_ms), done,
                                      text});
        (void)json_array_append_new(rows, row_json(d, text, answered, total));
    }
    buf_clear(&subject);
    profile_free(p);
    return rc;
}

static enum err
list(struct app *app, struct problem *pb)
{
    struct table t = {.columns = 4,
                      .heads = {"draft", "changed", "answered", "what"}};
    json_t *rows = json_array();
    struct draft d = {0};
    char last[DRAFT_HEX_LEN] = "";
    size_t pos = 0;
    enum err rc;

    while ((rc = draft_next(app, &pos, &d, pb)) == ERR_OK) {
        draft_hex(&d, last);
        rc = add_row(&d, rows, &t, pb);
        draft_clear(&d);
        if (rc != ERR_OK)
            break;
    }
    table_print(app, &t);
    json_put(app->result, "drafts", rows);
    if (rc != ERR_NOTFOUND)
        return rc;
    if (last[0] == '\0')
        out_line(app, "There is no draft.");
    if (last[0] != '\0')
        out_next(app, "sealpost new --draft %.8s", last);
    else
        out_next(app, "sealpost new");
    return ERR_OK;
}

int
cmd_drafts(struct app *app, int argc, char **argv)
{
    struct problem pb = {0};
    size_t n = 0;
    enum err rc = args_parse(argc, argv, NULL, 0, NULL, 0, &n, &pb);

    if (rc == ERR_OK)
        rc = app_unlock(app, &pb);
    if (rc == ERR_OK)
        rc = list(app, &pb);
    return rc == ERR_OK ? EXIT_CODE_OK : app_fail(app, &pb);
}

/* ---- one of them ---- */

/* Unlocks and loads the draft that the verb names. */
static enum err
load_named(struct app *app, int argc, char **argv, struct draft *d,
           struct problem *pb)
{
    const char *id = NULL;
    size_t n = 0;
    enum err rc = args_parse(argc, argv, NULL, 0, &id, 1, &n, pb);

    if (rc == ERR_OK && n == 0)
        rc = args_missing(pb, "name the draft; `sealpost drafts` lists them");
    if (rc == ERR_OK)
        rc = app_unlock(app, pb);
    return rc == ERR_OK ? draft_load(app, id, d, pb) : rc;
}

static enum err
show(struct app *app, const struct draft *d, struct problem *pb)
{
    struct referral_view view = {.width = os_term_width(1), .here = PARTS_ALL};
    struct profile *p = NULL;
    struct buf text = {0};
    char hex[DRAFT_HEX_LEN];
    enum err rc = profile_of(d->doc, &p, pb);

    if (rc != ERR_OK)
        return rc;
    view.lang = interview_language(p);
    rc = referral_render(p, d->doc, &view, &text);
    profile_free(p);
    if (rc != ERR_OK) {
        buf_clear(&text);
        return problem_from_err(pb, "cannot show the draft", rc);
    }
    draft_hex(d, hex);
    json_put_str(app->result, "draft", hex);
    json_put(app->result, "referral", json_incref(d->doc));
    while (text.len > 0 && text.data[text.len - 1] == '\n')
        text.len--;
    out_line(app, "%.*s", (int)text.len, (const char *)text.data);
    buf_clear(&text);
    out_next(app, "sealpost check %.8s", hex);
    return ERR_OK;
}

static int
draft_show(struct app *app, int argc, char **argv)
{
    struct problem pb = {0};
    struct draft d = {0};
    enum err rc = load_named(app, argc, argv, &d, &pb);

    if (rc == ERR_OK) {
        rc = show(app, &d, &pb);
        draft_clear(&d);
    }
    return rc == ERR_OK ? EXIT_CODE_OK : app_fail(app, &pb);
}

static int
draft_remove(struct app *app, int argc, char **argv)
{
    struct problem pb = {0};
    struct draft d = {0};
    char hex[DRAFT_HEX_LEN] = "";
    bool yes = false;
    enum err rc = load_named(app, argc, argv, &d, &pb);

    if (rc == ERR_OK) {
        draft_hex(&d, hex);
        rc = app_confirm(app, "Shred this draft?  Nobody can bring it back.",
                         &yes, &pb);
        if (rc == ERR_OK && yes)
            rc = draft_delete(app, d.id, &pb);
        draft_clear(&d);
    }
    if (rc != ERR_OK)
        return app_fail(app, &pb);
    json_put_str(app->result, "draft", hex);
    json_put_bool(app->result, "deleted", yes);
    out_line(app, yes ? "Draft %.8s is shredded." : "Draft %.8s is kept.", hex);
    out_next(app, "sealpost drafts");
    return EXIT_CODE_OK;
}

int
cmd_draft(struct app *app, int argc, char **argv)
{
    static const struct verb verbs[] = {
        {"show", draft_show},
        {"delete", draft_remove},
    };

    return verbs_run(app, "draft", argc, argv, VERBS(verbs));
}
