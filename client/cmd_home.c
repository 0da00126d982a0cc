/*
 * cmd_home.c - `sealpost` alone: where you stand, and what to type next.
 */
#include "client/commands.h"
#include "client/contact.h"
#include "client/standing.h"
#include "client/vault.h"
#include "common/clock.h"

static int
no_vault(struct app *app)
{
    out_line(app, "Sealpost is not set up here: there is no vault in %s.",
             app->home);
    out_line(app, "Ask your registrar for an invite.");
    json_put_str(app->result, "state", "none");
    out_next(app, "sealpost join INVITE --name NAME --country CC");
    return EXIT_CODE_OK;
}

static int
no_identity(struct app *app)
{
    out_line(app, "This vault belongs to no agency yet; drafting works.");
    json_put_str(app->result, "state", "empty");
    out_next(app, "sealpost join INVITE --name NAME --country CC");
    return EXIT_CODE_OK;
}

static int
waiting(struct app *app, const struct identity *id)
{
    out_line(app, "%s waits to be admitted.  Drafting works meanwhile.",
             id->agency_name);
    json_put_str(app->result, "state", "waiting");
    json_put_str(app->result, "agency", id->agency_name);
    out_next(app, "sealpost join --status");
    return EXIT_CODE_OK;
}

static void
tell_who(struct app *app, const struct desk *d)
{
    const struct dir_mailbox *m = roster_own_mailbox(d->roster, &d->id);

    out_line(app, "%s%s%s, on %s", d->id.agency_name, m == NULL ? "" : "/",
             m == NULL ? "" : m->label, d->id.device_label);
    json_put_str(app->result, "state", "ready");
    json_put_str(app->result, "agency", d->id.agency_name);
    json_put_hex(app->result, "agency_id", d->id.agency.b, 16);
    json_put_str(app->result, "device", d->id.device_label);
    json_put_hex(app->result, "device_id", d->id.device.b, 16);
    json_put_str(app->result, "mailbox", m == NULL ? "" : m->label);
}

static enum err
ready(struct app *app, struct problem *pb)
{
    uint64_t now_ms = clock_wall_ms();
    struct mails all = {0};
    struct desk d;
    enum err rc = desk_open(app, DESK_OFFLINE, &d, pb);

    if (rc == ERR_OK)
        rc = mails_load(app, PICK_ANY, &all, pb);
    if (rc == ERR_OK) {
        tell_who(app, &d);
        contact_age(app, d.roster, now_ms);
        standing_tell(&d, &all, now_ms);
    }
    mails_clear(&all);
    desk_close(&d);
    return rc;
}

int
cmd_home(struct app *app, int argc, char **argv)
{
    struct problem pb = {0};
    struct identity id = {0};
    int code = EXIT_CODE_OK;
    enum err rc = vault_exists(app->home);

    (void)argc;
    (void)argv;
    if (rc == ERR_NOTFOUND)
        return no_vault(app);
    rc = app_unlock(app, &pb);
    if (rc == ERR_OK)
        rc = identity_load(app, &id, &pb);
    if (rc == ERR_NOTFOUND && pb.id == P_NO_IDENTITY)
        return no_identity(app);
    if (rc == ERR_OK && id.state == IDENTITY_WAITING)
        code = waiting(app, &id);
    else if (rc == ERR_OK)
        rc = ready(app, &pb);
    identity_clear(&id);
    return rc == ERR_OK ? code : app_fail(app, &pb);
}
