#include "client/period.h"

#include <string.h>

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

enum err
period_parse(const char *from, const char *to, uint64_t *from_ms,
             uint64_t *to_ms, struct problem *pb)
{
    uint64_t start = 0, end = UINT64_MAX;
    enum err rc = ERR_OK;

    if (from != NULL)
        rc = parse_day(from, "--from", &start, pb);
    if (rc == ERR_OK && to != NULL) {
        rc = parse_day(to, "--to", &end, pb);
        if (rc == ERR_OK && strlen(to) == sizeof("2026-11-22") - 1)
            end += DAY_MS;
    }
    if (rc == ERR_OK && start >= end)
        rc = problem_set(pb, P_USAGE, ERR_MALFORMED, "that is not a range",
                         "--from must lie before --to");
    if (rc != ERR_OK)
        return rc;
    *from_ms = start;
    *to_ms = end;
    return ERR_OK;
}
