/*
 * cmd_audit.c - `sealpost audit [--from DAY] [--to DAY]`: the whole delivery
 * log checked, and the balance of what this agency may see of it.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "client/args.h"
#include "client/audit.h"
#include "client/commands.h"
#include "common/clock.h"

struct audit_args {
    uint64_t from_ms, to_ms; /* TO is the end of its day */
};

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

static enum err
parse(int argc, char **argv, struct audit_args *a, struct problem *pb)
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
        rc = parse_day(from, "--from", &a->from_ms, pb);
    if (rc == ERR_OK && to != NULL) {
        rc = parse_day(to, "--to", &a->to_ms, pb);
        if (rc == ERR_OK && strlen(to) == sizeof("2026-11-22") - 1)
            a->to_ms += DAY_MS;
    }
    if (rc == ERR_OK && a->from_ms >= a->to_ms)
        rc = problem_set(pb, P_USAGE, ERR_MALFORMED, "that is not a range",
                         "--from must lie before --to");
    return rc;
}

int
cmd_audit(struct app *app, int argc, char **argv)
{
    struct audit_args a = {.to_ms = UINT64_MAX};
    struct problem pb = {0};
    enum err rc = parse(argc, argv, &a, &pb);

    return rc == ERR_OK ? EXIT_CODE_OK : app_fail(app, &pb);
}
