/*
 * cmd_audit.c - `sealpost audit`: the delivery log checked, what is new of it
 * since the last time, and the balance of what this agency may see of it.
 */
#include <inttypes.h>
#include <string.h>

#include "client/args.h"
#include "client/audit_fetch.h"
#include "client/audit_tell.h"
#include "client/audit_view_make.h"
#include "client/commands.h"
#include "client/freshness.h"
#include "client/period.h"
#include "client/publication.h"
#include "client/report.h"
#include "common/clock.h"
#include "common/os.h"

/* What an audit can be written into. */
typedef enum err write_fn(const struct audit_view *v, struct buf *out);
enum { REPORT, CSV, PUBLICATION, FILES };
static const struct {
    const char *name; /* in the result */
    write_fn *write;
} files[FILES] = {
    [REPORT] = {"report", report_html},
    [CSV] = {"csv", report_csv},
    [PUBLICATION] = {"publication", publication},
};

struct wanted {
    struct audit_choice choice;
    const char *agency;
    bool is_full;
    const char *file[FILES]; /* NULL: not wanted */
};

static enum err
explain(enum err rc, struct problem *pb)
{
    if (rc == ERR_REFUSED)
        return problem_set(pb, P_USAGE, rc, "that is not for publication",
                           "one agency or class beside the whole would tell "
                           "what is hidden: an auditor publishes, without "
                           "--agency and --class");
    if (rc == ERR_NOTFOUND) {
        problem_next(pb, "try again next month, or with a longer period");
        return problem_set(pb, P_STATE, rc, "there is nothing to publish yet",
                           "a month is published when all of it lies in your "
                           "scope and all of its packets have ended (34 days "
                           "after it), and before any of them can be erased");
    }
    return problem_from_err(pb, "the audit cannot be written", rc);
}

/* Before the long work, not after it. */
static enum err
check_files(const struct wanted *w, struct problem *pb)
{
    if (w->file[PUBLICATION] != NULL &&
        (w->agency != NULL || w->choice.has_class))
        return explain(ERR_REFUSED, pb);
    for (size_t i = 0; i < FILES; i++)
        if (w->file[i] != NULL && os_exists(w->file[i]))
            return problem_set(pb, P_FILE_EXISTS, ERR_EXISTS,
                               "the audit was not begun",
                               "%s is there already, and nothing is written "
                               "over",
                               w->file[i]);
    return ERR_OK;
}

static enum err
parse_class(const char *text, struct audit_choice *c, struct problem *pb)
{
    for (unsigned i = 0; i < VIEW_CLASSES; i++)
        if (strcmp(text, view_class_name(i)) == 0) {
            c->has_class = true;
            c->class = (uint8_t)i;
            return ERR_OK;
        }
    return problem_set(pb, P_USAGE, ERR_MALFORMED, "that is not a class",
                       "--class is routine or urgent, not \"%.40s\"", text);
}

static enum err
parse(int argc, char **argv, struct wanted *w, struct problem *pb)
{
    const char *from = NULL;
    const char *to = NULL;
    const char *class = NULL;
    const struct arg table[] = {
        {"--from", ARG_TEXT, &from},
        {"--to", ARG_TEXT, &to},
        {"--agency", ARG_TEXT, &w->agency},
        {"--class", ARG_TEXT, &class},
        {"--full", ARG_FLAG, &w->is_full},
        {"--report", ARG_TEXT, &w->file[REPORT]},
        {"--csv", ARG_TEXT, &w->file[CSV]},
        {"--publish", ARG_TEXT, &w->file[PUBLICATION]},
    };
    size_t n;
    enum err rc = args_parse(argc, argv, ARGS(table), NULL, 0, &n, pb);

    if (rc == ERR_OK)
        rc = period_parse(from, to, &w->choice.from_ms, &w->choice.to_ms, pb);
    if (rc == ERR_OK && class != NULL)
        rc = parse_class(class, &w->choice, pb);
    return rc == ERR_OK ? check_files(w, pb) : rc;
}

/* Once the directory is fresh. */
static enum err
find_agency(const struct office *o, struct wanted *w, struct problem *pb)
{
    const struct dir_agency *found = NULL;
    enum err rc = ERR_OK;

    if (w->agency != NULL)
        rc = directory_find_agency(roster_directory(o->roster), w->agency,
                                   &found);
    if (rc != ERR_OK)
        return problem_set(pb, P_RECIPIENT_UNKNOWN, rc, "no such agency",
                           "the directory has no agency named \"%.120s\"",
                           w->agency);
    w->choice.agency = found == NULL ? NULL : &found->id;
    return ERR_OK;
}

static enum err
write_files(struct office *o, const struct wanted *w,
            const struct audit_view *v, struct problem *pb)
{
    enum err rc = ERR_OK;

    for (size_t i = 0; i < FILES && rc == ERR_OK; i++) {
        struct buf b = {0};

        if (w->file[i] == NULL)
            continue;
        rc = explain(files[i].write(v, &b), pb);
        if (rc == ERR_OK)
            rc = office_write_file(w->file[i], &b, pb);
        if (rc == ERR_OK) {
            json_put_text(o->app->result, files[i].name, w->file[i],
                          strlen(w->file[i]));
            out_note(o->app, "Written: %s", w->file[i]);
        }
        buf_clear(&b);
    }
    return rc;
}

/* 0: no policy asks for witnesses, or they have not cosigned. */
static uint64_t
witnessed_s(const struct office *o)
{
    struct freshness f;

    freshness_of(o->roster, clock_wall_ms(), &f);
    return f.by_witnesses ? f.at_ms / 1000 : 0;
}

static enum err
tell(struct office *o, const struct wanted *w, const struct audit_outcome *got,
     uint64_t *findings, struct problem *pb)
{
    struct audit_view v = {0};
    enum err rc = audit_view_make(got->audit, &w->choice, o->id.relay_name,
                                  &got->head, &v);

    if (rc == ERR_OK) {
        v.witnessed_s = witnessed_s(o);
        audit_tell(o->app, &v, got->fit);
        audit_tell_json(o->app, &v, got->fit);
        *findings = v.exceptions_total;
        rc = write_files(o, w, &v, pb);
    }
    audit_view_clear(&v);
    return problem_from_err(pb, "the audit cannot be shown", rc);
}

int
cmd_audit(struct app *app, int argc, char **argv)
{
    struct wanted w = {.agency = NULL};
    struct audit_outcome got = {.audit = NULL};
    struct problem pb = {0};
    struct office o = {0};
    uint64_t findings = 0;
    enum err rc = parse(argc, argv, &w, &pb);

    if (rc == ERR_OK)
        rc = office_open(app, OFFICE_ONLINE, &o, &pb);
    if (rc == ERR_OK)
        rc = find_agency(&o, &w, &pb);
    if (rc == ERR_OK)
        rc = audit_run(&o, w.is_full, &got, &pb);
    if (rc == ERR_OK)
        rc = tell(&o, &w, &got, &findings, &pb);
    if (rc == ERR_OK && findings > 0)
        rc = problem_set(&pb, P_AUDIT, ERR_VERIFY, "the audit found something",
                         "%" PRIu64 " finding%s, listed above", findings,
                         findings == 1 ? "" : "s");
    audit_free(got.audit);
    office_close(&o);
    if (rc != ERR_OK)
        return app_fail(app, &pb);
    out_next(app, "sealpost status");
    return EXIT_CODE_OK;
}
