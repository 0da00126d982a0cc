/*
 * cmd_withdraw.c - `sealpost withdraw ID [--reason ...]`: take a packet back
 * that nobody has read yet.
 */
#include <string.h>

#include "client/args.h"
#include "client/commands.h"
#include "client/outbox.h"
#include "client/pick.h"
#include "proto/receipt.h"

static enum err
read_reason(const char *text, uint16_t *out, struct problem *pb)
{
    *out = REASON_NONE;
    if (text == NULL)
        return ERR_OK;
    if (delivery_reason_by_name(text, out) != ERR_OK)
        return problem_set(pb, P_USAGE, ERR_NOTFOUND,
                           "that is no reason the log knows",
                           "--reason is sent_in_error, replaced, "
                           "wrong_mailbox or policy");
    return ERR_OK;
}

static enum err
withdraw(struct desk *d, struct mail *m, uint16_t reason, struct problem *pb)
{
    enum err rc = ERR_OK;

    /* Taken back is taken back: it does not go on elsewhere. */
    if (mail_is_going_on(m)) {
        memset(&m->moving_to, 0, sizeof(m->moving_to));
        rc = mail_save(d->app, m, pb);
    }
    if (rc == ERR_OK && m->is_sealed)
        rc = desk_connect(d, false, pb);
    return rc == ERR_OK ? outbox_withdraw(d, m, reason, pb) : rc;
}

int
cmd_withdraw(struct app *app, int argc, char **argv)
{
    const char *reason_text = NULL;
    const char *id = NULL;
    const struct arg table[] = {{"--reason", ARG_TEXT, &reason_text}};
    struct problem pb = {0};
    struct desk d = {0};
    struct mail m = {0};
    uint16_t reason;
    char hex[9];
    size_t n;
    enum err rc = args_parse(argc, argv, ARGS(table), &id, 1, &n, &pb);

    if (rc == ERR_OK && n == 0)
        return app_usage(app, "withdraw needs the packet's ID");
    if (rc == ERR_OK)
        rc = read_reason(reason_text, &reason, &pb);
    if (rc == ERR_OK)
        rc = desk_open(app, DESK_OFFLINE, &d, &pb);
    if (rc == ERR_OK)
        rc = pick_mail(app, id, INDEX_BIT(INDEX_OUT), &m, &pb);
    if (rc == ERR_OK)
        rc = withdraw(&d, &m, reason, &pb);
    if (rc == ERR_OK) {
        mail_short(hex, &m.id);
        out_line(app, "Packet %s is withdrawn.", hex);
        json_put_hex(app->result, "packet_id", m.id.b, sizeof(m.id.b));
        json_put_str(app->result, "state", mail_state_name(m.state));
        out_next(app, "sealpost status %s", hex);
    }
    mail_clear(&m);
    desk_close(&d);
    return rc == ERR_OK ? EXIT_CODE_OK : app_fail(app, &pb);
}
