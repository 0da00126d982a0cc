/*
 * cmd_audit.c - `sealpost audit [--from DAY] [--to DAY]`: the whole delivery
 * log checked, and the balance of what this agency may see of it.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "client/args.h"
#include "client/audit_fetch.h"
#include "client/audit_tell.h"
#include "client/commands.h"
#include "common/clock.h"

enum { DAY_MS = 86400 * 1000 };

static enum err
parse_day(const char *text, const char *name, uint64_t *out_ms,
          struct problem *pb)
{
    if (clock_parse_rfc3339(out_ms, text) == ERR_OK)
        return ERR_OK;
    return problem_set(pb, P_USAGE, ERR_MALFORMED, "that is not a day",
                       "%s takes a day such as 2026-11-22, not \"%.40s\"", name,
                       text);
}

/* A day given to --to is counted whole. */
static enum err
parse(int argc, char **argv, struct audit_range *range, struct problem *pb)
{
    const char *from = NULL;
    const char *to = NULL;
    const struct arg table[] = {
        {"--from", ARG_TEXT, &from},
        {"--to", ARG_TEXT, &to},
    };
    size_t n;
    enum err rc = args_parse(argc, argv, ARGS(table), NULL, 0, &n, pb);

    if (rc == ERR_OK && from != NULL)
        rc = parse_day(from, "--from", &range->from_ms, pb);
    if (rc == ERR_OK && to != NULL) {
        rc = parse_day(to, "--to", &range->to_ms, pb);
        if (rc == ERR_OK && strlen(to) == sizeof("2026-11-22") - 1)
            range->to_ms += DAY_MS;
    }
    if (rc == ERR_OK && range->from_ms >= range->to_ms)
        rc = problem_set(pb, P_USAGE, ERR_MALFORMED, "that is not a range",
                         "--from must lie before --to");
    return rc;
}

static enum err
tell(struct office *o, const struct audit *a, const struct head *head,
     uint64_t *findings, struct problem *pb)
{
    struct audit_report r = {.o = o, .audit = a, .head = head};
    enum err rc;

    audit_result(a, &r.sum);
    *findings = r.sum.findings;
    rc = audit_lines(a, false, &r.lines, &r.n_lines);
    if (rc == ERR_OK)
        rc = audit_lines(a, true, &r.days, &r.n_days);
    if (rc == ERR_OK) {
        audit_tell(&r);
        audit_tell_json(&r);
    }
    free(r.lines);
    free(r.days);
    return problem_from_err(pb, "the audit cannot be shown", rc);
}

int
cmd_audit(struct app *app, int argc, char **argv)
{
    struct audit_range range = {.to_ms = UINT64_MAX};
    struct problem pb = {0};
    struct office o = {0};
    struct audit *a = NULL;
    struct head head;
    uint64_t findings = 0;
    enum err rc = parse(argc, argv, &range, &pb);

    if (rc == ERR_OK)
        rc = office_open(app, OFFICE_ONLINE, &o, &pb);
    if (rc == ERR_OK)
        rc = audit_run(&o, &range, &a, &head, &pb);
    if (rc == ERR_OK)
        rc = tell(&o, a, &head, &findings, &pb);
    if (rc == ERR_OK && findings > 0)
        rc = problem_set(&pb, P_AUDIT, ERR_VERIFY, "the audit found something",
                         "%" PRIu64 " finding%s, listed above", findings,
                         findings == 1 ? "" : "s");
    audit_free(a);
    office_close(&o);
    if (rc != ERR_OK)
        return app_fail(app, &pb);
    out_next(app, "sealpost status");
    return EXIT_CODE_OK;
}
