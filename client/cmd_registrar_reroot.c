/*
 * cmd_registrar_reroot.c - `sealpost registrar reroot`: an agency's new root,
 * as `sealpost agency new-root` made it, announced to the network.
 */
#include <stdio.h>
#include <string.h>

#include "client/args.h"
#include "client/cmd_registrar.h"
#include "client/contact.h"
#include "common/clock.h"

struct reroot_args {
    const char *path, *digits, *export;
};

/* The one REROOT in BYTES; ST borrows from them. */
static enum err
parse_file(struct statement *st, const struct buf *in, struct problem *pb)
{
    struct stmt_bundle bundle;
    const uint8_t *bytes;
    size_t len;
    enum err rc = stmt_bundle_open(&bundle, in->data, in->len);

    if (rc == ERR_OK && !stmt_bundle_next(&bundle, &bytes, &len))
        rc = ERR_MALFORMED;
    if (rc == ERR_OK)
        rc = stmt_parse(st, bytes, len);
    if (rc == ERR_OK &&
        (st->kind != STMT_REROOT || stmt_bundle_next(&bundle, &bytes, &len)))
        rc = ERR_MALFORMED;
    if (rc == ERR_OK)
        return rc;
    return problem_set(pb, P_FILE, rc, "the file was not read",
                       "it is not what `sealpost agency new-root` makes");
}

static enum err
compare(struct app *app, const struct dir_agency *a, const char *digits,
        const char *typed, struct problem *pb)
{
    char question[240];
    bool yes = false;
    enum err rc;

    if (typed != NULL)
        return fingerprint_is(digits, typed)
                   ? ERR_OK
                   : problem_set(pb, P_VERIFY, ERR_VERIFY,
                                 "the digits do not agree",
                                 "the file carries %s", digits);
    (void)snprintf(question, sizeof(question),
                   "Did %.120s, on a number that you knew before, read you the "
                   "new digits %s?",
                   a->name, digits);
    rc = app_confirm(app, question, &yes, pb);
    if (rc == ERR_OK && !yes)
        rc = problem_set(pb, P_NEEDS_YES, ERR_CANCELLED, "nothing was issued",
                         "the digits were not compared");
    return rc;
}

static enum err
reroot(struct office *o, const struct reroot_args *a, struct statement *st,
       struct problem *pb)
{
    const struct stmt_reroot *r = &st->body.reroot;
    const struct dir_agency *agency =
        directory_agency(roster_directory(o->roster), &r->agency);
    char digits[FINGERPRINT_LEN + 1];
    char when[CLOCK_TEXT_MAX];
    enum err rc;

    if (agency == NULL)
        return problem_set(pb, P_RECIPIENT_UNKNOWN, ERR_NOTFOUND,
                           "there is no such agency",
                           "the file's agency is not in the directory");
    fingerprint(digits, &o->id.network_id, &r->root, agency->name);
    clock_format_local(when, r->effective_s * 1000);
    out_line(o->app, "A new root for %s, from %s.  Its digits: %s",
             agency->name, when, digits);
    rc = compare(o->app, agency, digits, a->digits, pb);
    return rc == ERR_OK ? registrar_issue(o, st, a->export, pb) : rc;
}

int
registrar_reroot(struct app *app, int argc, char **argv)
{
    struct reroot_args a = {0};
    const struct arg table[] = {
        {"--digits", ARG_TEXT, &a.digits},
        {"--export", ARG_TEXT, &a.export},
    };
    struct problem pb = {0};
    struct office o = {0};
    struct buf in = {0};
    struct statement st;
    size_t n;
    enum err rc = args_parse(argc, argv, ARGS(table), &a.path, 1, &n, &pb);

    if (rc == ERR_OK && n != 1)
        rc = args_missing(&pb, "registrar reroot needs the FILE that the "
                               "agency's new-root made");
    if (rc == ERR_OK)
        rc = office_read_file(a.path, 2 * LIMIT_STMT, &in, &pb);
    if (rc == ERR_OK)
        rc = parse_file(&st, &in, &pb);
    if (rc == ERR_OK)
        rc = office_open(app, OFFICE_ONLINE, &o, &pb);
    if (rc == ERR_OK)
        rc = reroot(&o, &a, &st, &pb);
    buf_clear(&in);
    office_close(&o);
    return registrar_told(app, rc, &pb, a.export,
                          "Announced: every client tells its people.");
}
