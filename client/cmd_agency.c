/*
 * cmd_agency.c - `sealpost agency card, show, revoke`: what an agency decides
 * about itself.  Enrolling devices is in cmd_agency_sign.c, mailboxes are in
 * cmd_agency_mailbox.c, the root is in cmd_agency_root.c.
 */
#include "client/cmd_agency.h"

#include <stdio.h>
#include <string.h>

#include "client/args.h"
#include "client/contact.h"
#include "client/lookup.h"
#include "client/verbs.h"
#include "common/bytes.h"
#include "common/clock.h"
#include "proto/invite.h"

/* ---- shared ---- */

enum err
agency_own(const struct office *o, const struct dir_agency **out,
           struct problem *pb)
{
    const struct dir_agency *a =
        directory_agency(roster_directory(o->roster), &o->id.agency);

    if (a == NULL) {
        (void)problem_set(
            pb, P_STATE, ERR_STATE, "the directory is not here yet",
            "%s is not in what this vault knows", o->id.agency_name);
        problem_next(pb, "sealpost sync");
        return ERR_STATE;
    }
    *out = a;
    return ERR_OK;
}

enum err
agency_publish(struct office *o, struct statement *st, struct problem *pb)
{
    struct sign_secret root = {0};
    enum err rc = office_root_key(o, &root, pb);

    if (rc == ERR_OK)
        rc = office_publish(o, st, &root, pb);
    crypto_wipe(&root, sizeof(root));
    return rc;
}

void
agency_warn_unread(struct office *o, const struct dir_agency *a)
{
    const struct dir_device *live[LIMIT_MAILBOX_DEVICES];
    uint64_t now_s = clock_wall_ms() / 1000;

    for (size_t i = 0; i < a->n_mailboxes; i++) {
        const struct dir_mailbox *m = a->mailboxes[i];

        if (m->state == MAILBOX_OPEN &&
            directory_live_devices(roster_directory(o->roster), m, now_s,
                                   live) == 0)
            out_note(o->app,
                     "Nobody can read %s/%s now: add a device to it or close "
                     "it.",
                     a->name, m->label);
    }
}

enum err
agency_confirm(struct app *app, const char *question, const char *what,
               struct problem *pb)
{
    bool yes = false;
    enum err rc = app_confirm(app, question, &yes, pb);

    if (rc == ERR_OK && !yes)
        rc = problem_set(pb, P_NEEDS_YES, ERR_CANCELLED, what,
                         "you did not say yes");
    return rc;
}

/* ---- card ---- */

static enum err
make_card(const struct office *o, struct buf *out, struct problem *pb)
{
    const struct dir_agency *a;
    struct agency_card card = {
        .network_id = o->id.network_id,
        .agency = o->id.agency,
        .relay_key = o->id.relay_key,
    };
    enum err rc = agency_own(o, &a, pb);

    if (rc != ERR_OK)
        return rc;
    card.root = *directory_root_now(a, clock_wall_ms() / 1000);
    (void)snprintf(card.name, sizeof(card.name), "%s", a->name);
    (void)snprintf(card.relay_name, sizeof(card.relay_name), "%s",
                   o->id.relay_name);
    (void)snprintf(card.address, sizeof(card.address), "%s",
                   o->id.relay_address);
    return problem_from_err(pb, "the card was not made",
                            agency_card_make(out, &card));
}

static int
agency_card(struct app *app, int argc, char **argv)
{
    const char *out = NULL;
    const struct arg table[] = {{"-o", ARG_TEXT, &out}};
    struct problem pb = {0};
    struct office o = {0};
    struct buf card = {0};
    size_t n;
    enum err rc = args_parse(argc, argv, ARGS(table), NULL, 0, &n, &pb);

    if (rc == ERR_OK)
        rc = office_open(app, OFFICE_OFFLINE, &o, &pb);
    if (rc == ERR_OK)
        rc = make_card(&o, &card, &pb);
    if (rc == ERR_OK && out != NULL)
        rc = office_write_file(out, &card, &pb);
    if (rc == ERR_OK) {
        if (out == NULL)
            out_line(app, "%.*s", (int)card.len, (const char *)card.data);
        json_put_text(app->result, "card", card.data, card.len);
        out_next(app,
                 "on the new machine: sealpost device request %s --label "
                 "\"Second laptop\" -o req.spost",
                 out == NULL ? "CARD" : out);
    }
    buf_clear(&card);
    office_close(&o);
    return rc == ERR_OK ? EXIT_CODE_OK : app_fail(app, &pb);
}

/* ---- show ---- */

static void
show(struct office *o, const struct dir_agency *a)
{
    uint64_t now_ms = clock_wall_ms();
    struct app *app = o->app;
    char hash[65];

    contact_print(app, o->roster, a, now_ms / 1000, CONTACT_FULL);
    json_put(app->result, "agency", contact_json(o->roster, a, now_ms / 1000));
    json_put_hex(app->result, "this_device", o->id.device.b, 16);
    if (a->reroot.pending) {
        hex_encode(hash, a->reroot.statement.b, 32);
        json_put_str(app->result, "new_root_statement", hash);
        out_note(app,
                 "A new root is announced.  If your agency did not ask for "
                 "it: sealpost agency cancel, and phone the registrar.");
    }
    contact_age(app, o->roster, now_ms);
    agency_warn_unread(o, a);
}

static int
agency_show(struct app *app, int argc, char **argv)
{
    const struct dir_agency *a;
    struct problem pb = {0};
    struct office o = {0};
    size_t n;
    enum err rc = args_parse(argc, argv, NULL, 0, NULL, 0, &n, &pb);

    if (rc == ERR_OK)
        rc = office_open(app, OFFICE_OFFLINE, &o, &pb);
    if (rc == ERR_OK)
        rc = agency_own(&o, &a, &pb);
    if (rc == ERR_OK) {
        show(&o, a);
        out_next(app, "sealpost agency card -o agency.card, for another "
                      "machine of yours");
    }
    office_close(&o);
    return rc == ERR_OK ? EXIT_CODE_OK : app_fail(app, &pb);
}

/* ---- revoke ---- */

struct revoke_args {
    const char *device, *reason, *since;
};

static enum err
parse_revoke(int argc, char **argv, struct revoke_args *a,
             struct stmt_revoke *out, struct problem *pb)
{
    const struct arg table[] = {
        {"--reason", ARG_TEXT, &a->reason},
        {"--since", ARG_TEXT, &a->since},
    };
    uint64_t since_ms = clock_wall_ms();
    size_t n;
    enum err rc = args_parse(argc, argv, ARGS(table), &a->device, 1, &n, pb);

    if (rc != ERR_OK)
        return rc;
    for (uint8_t r = REVOKE_LOST; r <= REVOKE_REPLACED; r++)
        if (a->reason != NULL && strcmp(a->reason, revoke_reason_name(r)) == 0)
            out->reason = r;
    if (n != 1 || out->reason == 0)
        return args_missing(pb, "agency revoke needs the DEVICE (label or id) "
                                "and --reason lost, stolen, retired or "
                                "replaced");
    if (a->since != NULL && clock_parse_rfc3339(&since_ms, a->since) != ERR_OK)
        return args_missing(pb, "--since is a day or time such as 2026-11-22 "
                                "or 2026-11-22T18:30:00Z");
    if (since_ms > clock_wall_ms())
        return args_missing(pb, "--since lies in the future");
    out->since_s = since_ms / 1000;
    return ERR_OK;
}

static enum err
ask_revoke(struct office *o, const struct dir_device *d, struct problem *pb)
{
    char question[280];
    char hex[33];

    hex_encode(hex, d->id.b, 16);
    (void)snprintf(question, sizeof(question),
                   id_eq(&d->id, &o->id.device)
                       ? "\"%s\" (%.8s) is THIS VERY DEVICE: it gets and "
                         "sends nothing any more.  Revoke it all the same?"
                       : "\"%s\" (%.8s) gets and sends nothing any more, and "
                         "this cannot be undone.  Revoke it?",
                   d->label, hex);
    return agency_confirm(o->app, question, "nothing was revoked", pb);
}

static void
revoked(struct office *o, const struct dir_agency *a,
        const struct dir_device *d, const char *reason)
{
    out_line(o->app, "\"%s\" is revoked: nothing is handed to it any more.",
             d->label);
    out_note(o->app, "What it had received before stays on it, behind its "
                     "passphrase.");
    json_put_hex(o->app->result, "device_id", d->id.b, 16);
    json_put_str(o->app->result, "state", reason);
    agency_warn_unread(o, a);
    out_next(o->app, "sealpost agency show");
}

static int
agency_revoke(struct app *app, int argc, char **argv)
{
    struct statement st = {.kind = STMT_REVOKE};
    const struct dir_device *d = NULL;
    const struct dir_agency *a = NULL;
    struct revoke_args args = {0};
    struct problem pb = {0};
    struct office o = {0};
    enum err rc = parse_revoke(argc, argv, &args, &st.body.revoke, &pb);

    if (rc == ERR_OK)
        rc = office_open(app, OFFICE_ONLINE, &o, &pb);
    if (rc == ERR_OK)
        rc = agency_own(&o, &a, &pb);
    if (rc == ERR_OK)
        rc = lookup_device(a, args.device, clock_wall_ms() / 1000, &d, &pb);
    if (rc == ERR_OK)
        rc = ask_revoke(&o, d, &pb);
    if (rc == ERR_OK) {
        st.issuer = o.id.agency;
        st.body.revoke.device = d->id;
        rc = agency_publish(&o, &st, &pb);
    }
    if (rc == ERR_OK)
        revoked(&o, a, d, args.reason);
    office_close(&o);
    return rc == ERR_OK ? EXIT_CODE_OK : app_fail(app, &pb);
}

/* ---- the table ---- */

static const struct verb verbs[] = {
    {"card", agency_card},       {"sign", agency_sign},
    {"show", agency_show},       {"revoke", agency_revoke},
    {"mailbox", agency_mailbox}, {"new-root", agency_new_root},
    {"cancel", agency_cancel},
};

int
cmd_agency(struct app *app, int argc, char **argv)
{
    return verbs_run(app, "agency", argc, argv, VERBS(verbs));
}
