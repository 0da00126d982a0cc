/*
 * cmd_new.c - `sealpost new`: a draft, from questions or from --field.  Works
 * before joining: a vault is made for it if need be.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/args.h"
#include "client/commands.h"
#include "client/draft.h"
#include "client/identity.h"
#include "client/interview.h"
#include "client/office.h"
#include "client/referral_edit.h"
#include "client/vault.h"
#include "common/clock.h"
#include "common/os.h"

struct options {
    const char *type;
    const char *profile;
    const char *draft;
    struct arg_list fields;
    bool ask;
};

static enum err
read_options(int argc, char **argv, struct options *o, struct problem *pb)
{
    const struct arg table[] = {
        {"--type", ARG_TEXT, &o->type},   {"--profile", ARG_TEXT, &o->profile},
        {"--draft", ARG_TEXT, &o->draft}, {"--field", ARG_LIST, &o->fields},
        {"--ask", ARG_FLAG, &o->ask},
    };
    size_t n = 0;
    enum err rc = args_parse(argc, argv, ARGS(table), NULL, 0, &n, pb);

    if (rc == ERR_OK && o->draft != NULL &&
        (o->type != NULL || o->profile != NULL))
        rc = args_missing(pb, "--draft goes on with a draft that has its type "
                              "already");
    return rc;
}

static enum err
open_vault(struct app *app, struct problem *pb)
{
    if (vault_exists(app->home) == ERR_NOTFOUND)
        return office_new_vault(app, pb);
    return app_unlock(app, pb);
}

/* ---- what is known before the first question ---- */

/* The mode that a type has anyway. */
static const struct {
    const char *type;
    const char *mode;
} modes[] = {
    {"duty_to_notify", "notification_only"},
    {"support_request", "support_only"},
};

static enum err
set(const struct profile *p, json_t *doc, const char *path, const char *text,
    struct problem *pb)
{
    const struct field *f = NULL;
    json_t *v = NULL;
    enum err rc = edit_field(p, path, &f, pb);

    if (rc == ERR_OK)
        rc = edit_parse(p, f, path, text, &v, pb);
    return rc == ERR_OK ? edit_put(p, doc, path, v, pb) : rc;
}

/* Who writes stands in the draft written last, or in our admission. */
static void
fill_referrer(struct app *app, const struct profile *p, json_t *doc)
{
    struct problem none = {0};
    struct identity id = {0};
    struct draft d = {0};
    size_t pos = 0;

    while (draft_next(app, &pos, &d, &none) == ERR_OK) {
        json_t *referrer = json_object_get(d.doc, "referrer");

        if (json_is_object(referrer))
            json_put(doc, "referrer", json_deep_copy(referrer));
        draft_clear(&d);
    }
    if (json_object_get(doc, "referrer") == NULL &&
        identity_load(app, &id, &none) == ERR_OK) {
        (void)set(p, doc, "referrer.org", id.agency_name, &none);
        identity_clear(&id);
    }
}

static enum err
start_document(struct app *app, const struct options *o, json_t **out,
               struct problem *pb)
{
    const char *id = o->profile != NULL ? o->profile : "core";
    const char *type = o->type != NULL ? o->type : "referral";
    struct profile *p = NULL;
    json_t *doc = json_object();
    enum err rc = profile_load(&p, id, pb);

    if (rc == ERR_OK)
        rc = set(p, doc, "type", type, pb);
    if (rc == ERR_OK) {
        json_put_str(doc, "profile", id);
        json_put_u64(doc, "profile_version", profile_version(p));
        fill_referrer(app, p, doc);
    }
    for (size_t i = 0; rc == ERR_OK && i < sizeof(modes) / sizeof(*modes); i++)
        if (strcmp(modes[i].type, type) == 0)
            rc = set(p, doc, "referral.mode", modes[i].mode, pb);
    profile_free(p);
    if (rc == ERR_OK)
        *out = doc;
    else
        json_decref(doc);
    return rc;
}

/* ---- which draft ---- */

/* On a terminal: the newest one that was begun, if the person wants it. */
static enum err
offer_unfinished(struct app *app, struct draft *out, struct problem *pb)
{
    char answer[8] = "";
    char when[CLOCK_TEXT_MAX];
    char question[160];
    struct draft d = {0};
    size_t pos = 0;
    enum err rc;

    while ((rc = draft_next(app, &pos, &d, pb)) == ERR_OK) {
        if (out->doc != NULL)
            draft_clear(out);
        *out = d;
    }
    if (rc != ERR_NOTFOUND || out->doc == NULL)
        return rc == ERR_NOTFOUND ? ERR_OK : rc;
    clock_format_local(when, out->changed_ms);
    (void)snprintf(question, sizeof(question),
                   "There is a draft from %s.  Go on with it? [Y/n] ", when);
    rc = app_ask(app, question, answer, sizeof(answer), pb);
    if (rc != ERR_OK || answer[0] == 'n' || answer[0] == 'N')
        draft_clear(out);
    return rc;
}

static enum err
find_draft(struct app *app, const struct options *o, bool asks,
           struct draft *out, struct problem *pb)
{
    json_t *doc = NULL;
    enum err rc = ERR_OK;

    if (o->draft != NULL)
        return draft_load(app, o->draft, out, pb);
    if (asks && o->type == NULL && o->profile == NULL && os_is_tty(0))
        rc = offer_unfinished(app, out, pb);
    if (rc != ERR_OK || out->doc != NULL)
        return rc;
    rc = start_document(app, o, &doc, pb);
    if (rc == ERR_OK)
        draft_new(out, doc);
    return rc;
}

/* ---- the command ---- */

static enum err
apply_fields(const struct profile *p, json_t *doc, const struct arg_list *list,
             struct problem *pb)
{
    for (size_t i = 0; i < list->n; i++) {
        const char *eq = strchr(list->item[i], '=');
        char path[192];
        enum err rc;

        if (eq == NULL || (size_t)(eq - list->item[i]) >= sizeof(path))
            return args_missing(pb, "--field takes NAME=VALUE, as "
                                    "--field referral.urgency=routine");
        (void)snprintf(path, sizeof(path), "%.*s", (int)(eq - list->item[i]),
                       list->item[i]);
        rc = set(p, doc, path, eq + 1, pb);
        if (rc != ERR_OK)
            return rc;
    }
    return ERR_OK;
}

static enum err
report(struct app *app, const struct profile *p, const struct draft *d,
       struct problem *pb)
{
    struct findings found = {0};
    size_t answered = 0;
    size_t total = 0;
    char hex[DRAFT_HEX_LEN];
    enum err rc = referral_check(p, d->doc, clock_wall_ms(), &found);

    if (rc != ERR_OK)
        (void)problem_from_err(pb, "the draft was not checked", rc);
    question_count(p, d->doc, &answered, &total);
    draft_hex(d, hex);
    json_put_str(app->result, "draft", hex);
    json_put_u64(app->result, "answered", answered);
    json_put_u64(app->result, "questions", total);
    json_put_u64(app->result, "errors", found.errors);
    out_line(app, "Draft %.8s: %zu of %zu questions have an answer.", hex,
             answered, total);
    if (rc == ERR_OK && found.errors > 0)
        out_next(app, "sealpost new --draft %.8s, or sealpost check %.8s", hex,
                 hex);
    else if (rc == ERR_OK)
        out_next(app, "sealpost send --to MAILBOX --draft %.8s", hex);
    findings_clear(&found);
    return rc;
}

static enum err
write_draft(struct app *app, const struct options *o, struct draft *d,
            struct problem *pb)
{
    bool asks = o->fields.n == 0 || o->ask;
    struct profile *p = NULL;
    enum err rc = find_draft(app, o, asks, d, pb);

    if (rc == ERR_OK)
        rc = profile_load(&p, referral_profile_id(d->doc), pb);
    if (rc == ERR_OK)
        rc = apply_fields(p, d->doc, &o->fields, pb);
    if (rc == ERR_OK)
        rc = draft_save(app, d, pb);
    if (rc == ERR_OK && asks)
        rc = interview_run(app, p, d, pb);
    if (rc == ERR_OK)
        rc = report(app, p, d, pb);
    profile_free(p);
    return rc;
}

int
cmd_new(struct app *app, int argc, char **argv)
{
    struct problem pb = {0};
    struct options o = {0};
    struct draft d = {0};
    enum err rc = read_options(argc, argv, &o, &pb);

    if (rc == ERR_OK)
        rc = open_vault(app, &pb);
    if (rc == ERR_OK)
        rc = write_draft(app, &o, &d, &pb);
    if (d.doc != NULL)
        draft_clear(&d);
    return rc == ERR_OK ? EXIT_CODE_OK : app_fail(app, &pb);
}
