#include "client/problem.h"

#include <stdarg.h>
#include <stdio.h>

static const struct {
    const char *code;
    int exit_code;
    const char *next;
} problems[] = {[P_NONE] = {"E-NONE", EXIT_CODE_OK, ""},
#define PROBLEM_ROW(id, code, exit_code, next) [id] = {code, exit_code, next},
                PROBLEM_TABLE(PROBLEM_ROW)
#undef PROBLEM_ROW
};

/* What an unexplained error of a lower layer means to a person. */
static const enum problem_id from_err[ERR_COUNT] = {
    [ERR_NOMEM] = P_MEMORY,        [ERR_MALFORMED] = P_VERIFY,
    [ERR_VERIFY] = P_VERIFY,       [ERR_IO] = P_FILE,
    [ERR_FULL] = P_DISK,           [ERR_EXISTS] = P_FILE_EXISTS,
    [ERR_NOTFOUND] = P_NOT_FOUND,  [ERR_STATE] = P_STATE,
    [ERR_TIMEOUT] = P_UNREACHABLE, [ERR_CLOSED] = P_UNREACHABLE,
    [ERR_REFUSED] = P_POLICY,      [ERR_UNREACHABLE] = P_UNREACHABLE,
    [ERR_AUTH] = P_RELAY_KEY,      [ERR_VERSION] = P_NEWER_NEEDED,
    [ERR_EXPIRED] = P_POLICY,      [ERR_CONFLICT] = P_VERIFY,
    [ERR_BUSY] = P_VAULT_BUSY,     [ERR_LOCKED] = P_PASSPHRASE,
};

enum err
problem_set(struct problem *pb, enum problem_id id, enum err e,
            const char *what, const char *why_fmt, ...)
{
    va_list ap;

    if (pb->id != P_NONE)
        return e;
    pb->id = id;
    (void)snprintf(pb->what, sizeof(pb->what), "%s", what);
    va_start(ap, why_fmt);
    (void)vsnprintf(pb->why, sizeof(pb->why), why_fmt, ap);
    va_end(ap);
    return e;
}

void
problem_next(struct problem *pb, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(pb->next, sizeof(pb->next), fmt, ap);
    va_end(ap);
}

enum err
problem_from_err(struct problem *pb, const char *what, enum err e)
{
    enum problem_id id = (unsigned)e < ERR_COUNT ? from_err[e] : P_INTERNAL;

    if (e == ERR_OK)
        return e;
    if (id == P_NONE)
        id = P_INTERNAL;
    return problem_set(pb, id, e, what, "%s", err_text(e));
}

const char *
problem_code(enum problem_id id)
{
    return (unsigned)id < P_COUNT ? problems[id].code : "E-?";
}

int
problem_exit(enum problem_id id)
{
    return (unsigned)id < P_COUNT ? problems[id].exit_code : EXIT_CODE_FAILED;
}

const char *
problem_next_text(const struct problem *pb)
{
    return pb->next[0] != '\0' ? pb->next : problems[pb->id].next;
}
