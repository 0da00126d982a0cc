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
#include "client/period.h"

struct wanted {
    struct audit_choice choice;
    const char *agency;
    bool is_full;
};

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
        {"--from", ARG_TEXT, &from},        {"--to", ARG_TEXT, &to},
        {"--agency", ARG_TEXT, &w->agency}, {"--class", ARG_TEXT, &class},
        {"--full", ARG_FLAG, &w->is_full},
    };
    size_t n;
    enum err rc = args_parse(argc, argv, ARGS(table), NULL, 0, &n, pb);

    if (rc == ERR_OK)
        rc = period_parse(from, to, &w->choice.from_ms, &w->choice.to_ms, pb);
    if (rc == ERR_OK && class != NULL)
        rc = parse_class(class, &w->choice, pb);
    return rc;
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
tell(struct office *o, const struct wanted *w, const struct audit_outcome *got,
     uint64_t *findings, struct problem *pb)
{
    struct audit_view v = {0};
    enum err rc = audit_view_make(got->audit, &w->choice, o->id.relay_name,
                                  &got->head, &v);

    if (rc == ERR_OK) {
        audit_tell(o->app, &v, got->fit);
        audit_tell_json(o->app, &v, got->fit);
        *findings = v.exceptions_total;
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
