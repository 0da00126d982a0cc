/*
 * cmd_readdress.c - `sealpost readdress ID [--to MAILBOX | --deputy]`: a packet
 * that nobody collects, for another desk.
 */
#include "client/args.h"
#include "client/commands.h"
#include "client/content.h"
#include "client/delivery.h"
#include "client/outbox.h"
#include "client/pick.h"
#include "client/posting.h"
#include "client/readdress.h"
#include "client/table.h"
#include "common/os.h"

struct job {
    struct desk d;
    struct mail m, out;
    struct readdress_plan plan;
    bool was_waiting;
};

static enum err
parse(int argc, char **argv, const char **id, const char **to,
      const char **consent, struct problem *pb)
{
    bool deputy = false;
    const struct arg table[] = {{"--to", ARG_TEXT, to},
                                {"--deputy", ARG_FLAG, &deputy},
                                {"--override-consent", ARG_TEXT, consent}};
    size_t n;
    enum err rc = args_parse(argc, argv, ARGS(table), id, 1, &n, pb);

    if (rc == ERR_OK && n == 0)
        rc = args_missing(pb, "which packet?  `sealpost outbox` lists the ids");
    if (rc == ERR_OK && deputy && *to != NULL)
        rc = args_missing(pb, "readdress takes one of --to MAILBOX and "
                              "--deputy");
    if (rc == ERR_OK && *consent != NULL && args_is_blank(*consent))
        rc = args_missing(pb, "--override-consent needs a reason; it travels "
                              "with the packet and is stored");
    return rc;
}

/* What the log says now decides, when it can be asked. */
static enum err
find(struct app *app, struct job *j, const char *id, struct problem *pb)
{
    enum err rc = desk_open(app, DESK_ONLINE, &j->d, pb);

    if (rc == ERR_OK)
        rc = posting_connect(&j->d, pb);
    if (rc == ERR_OK && j->d.up != NULL)
        rc = delivery_fetch(&j->d, pb);
    return rc == ERR_OK ? pick_sent_first(app, id, &j->m, pb) : rc;
}

/* As named; as decided before; else the deputy. */
static enum err
find_target(struct job *j, const char *to, struct problem *pb)
{
    if (to != NULL)
        return roster_find_mailbox(j->d.roster, to, &j->plan.to, pb);
    if (!mail_is_going_on(&j->m))
        return readdress_deputy(&j->d, &j->m, &j->plan.to, pb);
    j->plan.to = j->m.moving_to;
    return ERR_OK;
}

static enum err
check(struct job *j, const char *to, const char *consent, struct problem *pb)
{
    enum err rc = readdress_check_state(&j->m, pb);

    if (rc == ERR_OK)
        rc = find_target(j, to, pb);
    if (rc != ERR_OK)
        return rc;
    /* A reason was given for one desk and no other. */
    if (consent == NULL && j->m.moving_consent[0] != '\0' &&
        id_eq(&j->plan.to, &j->m.moving_to))
        consent = j->m.moving_consent;
    j->plan.consent = consent;
    j->was_waiting = j->m.state == MAIL_QUEUED || j->m.state == MAIL_STORED;
    return readdress_check(&j->d, &j->m, &j->plan, pb);
}

/* ---- what is going to happen ---- */

static void
tell_cut(struct app *app, unsigned cut)
{
    json_t *names = content_parts_json(cut);
    json_t *name;
    size_t i;

    json_array_foreach(names, i, name)
    {
        out_note(app, "The part \"%s\" does not go there: nobody agreed to it.",
                 json_string_value(name));
    }
    json_put(app->result, "cut", names);
}

static void
tell_plan(struct app *app, const struct job *j)
{
    char name[256], first[256];
    char at[CLOCK_TEXT_MAX];
    char id[9];

    mail_short(id, &j->m.id);
    roster_mailbox_name(j->d.roster, &j->plan.to, name, sizeof(name));
    roster_mailbox_name(j->d.roster, &j->m.peer_mailbox, first, sizeof(first));
    if (j->was_waiting && j->m.stored_ms == 0)
        out_note(app, "Packet %s has not reached %s yet.", id, first);
    else if (j->was_waiting)
        out_note(app,
                 "Packet %s waits at %s since %s.  It is withdrawn there "
                 "first; if somebody collects it in this moment, nothing else "
                 "happens.",
                 id, first, show_time(at, j->m.stored_ms));
    else
        out_note(app, "Packet %s did not arrive at %s (%s).", id, first,
                 mail_state_name(j->m.state));
    out_note(app, "%s sealed anew to %s: same thread, same content%s.",
             j->was_waiting ? "Then it is" : "It is", name,
             j->m.n_atts > 0 ? ", same files (what the relay still has is not "
                               "uploaded again)"
                             : "");
    tell_cut(app, j->plan.cut);
}

static enum err
agree(struct app *app, bool *go, struct problem *pb)
{
    *go = true;
    if (app->json || !os_is_tty(0))
        return ERR_OK;
    return app_confirm(app, "Send it on?  Sent is sent.", go, pb);
}

/* ---- what has happened ---- */

static void
tell_not_yet(struct app *app, const struct job *j)
{
    char id[9];

    mail_short(id, &j->m.id);
    out_line(app, "Packet %s is to go on, and waits for the network.", id);
    out_note(app, "Not yet: it still waits where it was.  The next sync "
                  "withdraws it there and sends it on.");
    json_put(app->result, "packet_id", json_null());
    json_put_hex(app->result, "resend_of", j->m.id.b, sizeof(j->m.id.b));
    json_put_str(app->result, "state", "waiting");
    out_next(app, "sealpost sync");
}

static enum err
send_on(struct app *app, struct job *j, struct problem *pb)
{
    enum err rc = readdress_begin(&j->d, &j->m, &j->plan, pb);

    if (rc == ERR_OK)
        rc = readdress_go_on(&j->d, &j->m, &j->out, pb);
    if (rc != ERR_OK)
        return rc;
    if (j->out.direction != INDEX_OUT) {
        tell_not_yet(app, j);
        return ERR_OK;
    }
    json_put_hex(app->result, "resend_of", j->m.id.b, sizeof(j->m.id.b));
    json_put_bool(app->result, "withdrawn", j->was_waiting);
    return posting_deliver(&j->d, &j->out, NULL, pb);
}

int
cmd_readdress(struct app *app, int argc, char **argv)
{
    const char *id = NULL;
    const char *to = NULL;
    const char *consent = NULL;
    struct problem pb = {0};
    struct job j = {.was_waiting = false};
    bool go = false;
    enum err rc = parse(argc, argv, &id, &to, &consent, &pb);

    if (rc == ERR_OK)
        rc = find(app, &j, id, &pb);
    if (rc == ERR_OK)
        rc = check(&j, to, consent, &pb);
    if (rc == ERR_OK) {
        tell_plan(app, &j);
        rc = agree(app, &go, &pb);
    }
    if (rc == ERR_OK && go)
        rc = send_on(app, &j, &pb);
    else if (rc == ERR_OK)
        out_note(app, "Nothing was changed.");
    mail_clear(&j.out);
    mail_clear(&j.m);
    desk_close(&j.d);
    return rc == ERR_OK ? EXIT_CODE_OK : app_fail(app, &pb);
}
