/*
 * cmd_contacts.c - `sealpost contacts` and `sealpost contacts verify`: who is
 * in the network, from the vault alone, and whose digits were compared.
 */
#include <stdio.h>
#include <string.h>

#include "client/args.h"
#include "client/commands.h"
#include "client/contact.h"
#include "client/lookup.h"
#include "client/office.h"
#include "common/clock.h"

static void
list(struct app *app, const struct roster *r, const struct dir_agency *only)
{
    const struct directory *dir = roster_directory(r);
    uint64_t now_s = clock_wall_ms() / 1000;
    json_t *all = json_array();
    const struct dir_agency *a;

    for (size_t i = 0; (a = directory_agency_nth(dir, i)) != NULL; i++) {
        if (only != NULL && a != only)
            continue;
        contact_print(app, r, a, now_s,
                      only == NULL ? CONTACT_SHORT : CONTACT_FULL);
        (void)json_array_append_new(all, contact_json(r, a, now_s));
    }
    json_put(app->result, "contacts", all);
}

/* The first agency that is not ours and not compared; NULL: none. */
static const struct dir_agency *
first_unverified(const struct office *o)
{
    const struct directory *dir = roster_directory(o->roster);
    const struct dir_agency *a;

    for (size_t i = 0; (a = directory_agency_nth(dir, i)) != NULL; i++)
        if (!id_eq(&a->id, &o->id.agency) && !a->suspended &&
            !roster_is_verified(o->roster, &a->id))
            return a;
    return NULL;
}

static void
say_next(struct app *app, const struct office *o)
{
    const struct dir_agency *a = first_unverified(o);

    if (directory_size(roster_directory(o->roster)) == 0)
        out_next(app, "sealpost sync");
    else if (a != NULL)
        out_next(app,
                 "phone an agency on a number you know, then `sealpost "
                 "contacts verify \"%s\"`",
                 a->name);
    else
        out_next(app, "sealpost new");
}

static int
contacts_list(struct app *app, int argc, char **argv)
{
    const char *agency = NULL;
    const struct arg table[] = {{"--agency", ARG_TEXT, &agency}};
    const struct dir_agency *only = NULL;
    struct problem pb = {0};
    struct office o = {0};
    size_t n;
    enum err rc = args_parse(argc, argv, ARGS(table), NULL, 0, &n, &pb);

    if (rc == ERR_OK)
        rc = office_open(app, OFFICE_OFFLINE, &o, &pb);
    if (rc == ERR_OK && agency != NULL)
        rc = lookup_agency(roster_directory(o.roster), agency, &only, &pb);
    if (rc == ERR_OK) {
        list(app, o.roster, only);
        contact_age(app, o.roster, clock_wall_ms());
        say_next(app, &o);
    }
    office_close(&o);
    return rc == ERR_OK ? EXIT_CODE_OK : app_fail(app, &pb);
}

/* ---- verify ---- */

static enum err
compare(struct app *app, const struct dir_agency *a, const char *digits,
        const char *typed, struct problem *pb)
{
    char question[240];
    bool yes = false;
    enum err rc;

    if (typed != NULL && fingerprint_is(digits, typed))
        return ERR_OK;
    if (typed != NULL) {
        (void)problem_set(pb, P_VERIFY, ERR_VERIFY, "the digits do not agree",
                          "the directory says %s", digits);
        problem_next(pb, "do not send anything to %.100s; tell your registrar",
                     a->name);
        return ERR_VERIFY;
    }
    (void)snprintf(question, sizeof(question),
                   "Did %.120s read you %s, on a number that you knew before?",
                   a->name, digits);
    rc = app_confirm(app, question, &yes, pb);
    if (rc == ERR_OK && !yes)
        rc = problem_set(pb, P_NEEDS_YES, ERR_CANCELLED, "nothing was changed",
                         "the digits were not compared");
    return rc;
}

static enum err
verify(struct office *o, const char *agency, const char *typed,
       struct problem *pb)
{
    char digits[FINGERPRINT_LEN + 1];
    uint64_t now_ms = clock_wall_ms();
    const struct dir_agency *a;
    enum err rc = lookup_agency(roster_directory(o->roster), agency, &a, pb);

    if (rc != ERR_OK)
        return rc;
    contact_digits(o->roster, a, now_ms / 1000, digits);
    rc = compare(o->app, a, digits, typed, pb);
    if (rc == ERR_OK)
        rc = roster_set_verified(o->roster, &a->id, now_ms, pb);
    if (rc != ERR_OK)
        return rc;
    out_line(o->app, "%s is marked as compared: %s", a->name, digits);
    json_put(o->app->result, "contact",
             contact_json(o->roster, a, now_ms / 1000));
    return ERR_OK;
}

static int
contacts_verify(struct app *app, int argc, char **argv)
{
    const char *digits = NULL;
    const char *agency = NULL;
    const struct arg table[] = {{"--digits", ARG_TEXT, &digits}};
    struct problem pb = {0};
    struct office o = {0};
    size_t n;
    enum err rc = args_parse(argc, argv, ARGS(table), &agency, 1, &n, &pb);

    if (rc == ERR_OK && n != 1)
        rc = args_missing(&pb, "contacts verify needs the AGENCY's name");
    if (rc == ERR_OK)
        rc = office_open(app, OFFICE_OFFLINE, &o, &pb);
    if (rc == ERR_OK)
        rc = verify(&o, agency, digits, &pb);
    if (rc == ERR_OK)
        say_next(app, &o);
    office_close(&o);
    return rc == ERR_OK ? EXIT_CODE_OK : app_fail(app, &pb);
}

int
cmd_contacts(struct app *app, int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "verify") == 0)
        return contacts_verify(app, argc - 1, argv + 1);
    return contacts_list(app, argc, argv);
}
