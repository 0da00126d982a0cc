/*
 * cmd_send.c - `sealpost send`: a referral, a message, a test, to one mailbox.
 */
#include <string.h>

#include "client/args.h"
#include "client/commands.h"
#include "client/duty.h"
#include "client/pick.h"
#include "client/posting.h"
#include "client/sending.h"
#include "common/clock.h"
#include "common/os.h"
#include "proto/packet_type.h"

struct send_args {
    const char *to, *file, *draft, *text, *text_file, *type, *expires;
    const char *in_reply_to, *consent;
    struct arg_list files;
    bool urgent, stale, escalate;
};

static enum err
parse(int argc, char **argv, struct send_args *a, struct problem *pb)
{
    const struct arg table[] = {
        {"--to", ARG_TEXT, &a->to},
        {"--draft", ARG_TEXT, &a->draft},
        {"--text", ARG_TEXT, &a->text},
        {"--text-file", ARG_TEXT, &a->text_file},
        {"--type", ARG_TEXT, &a->type},
        {"--attach", ARG_LIST, &a->files},
        {"--urgent", ARG_FLAG, &a->urgent},
        {"--expires", ARG_TEXT, &a->expires},
        {"--in-reply-to", ARG_TEXT, &a->in_reply_to},
        {"--escalate", ARG_FLAG, &a->escalate},
        {"--override-stale", ARG_FLAG, &a->stale},
        {"--override-consent", ARG_TEXT, &a->consent},
    };
    size_t n = 0;
    enum err rc = args_parse(argc, argv, ARGS(table), &a->file, 1, &n, pb);
    int contents = (n == 1) + (a->draft != NULL) + (a->text != NULL) +
                   (a->text_file != NULL);

    if (rc != ERR_OK)
        return rc;
    if (a->to == NULL)
        return problem_set(pb, P_USAGE, ERR_MALFORMED,
                           "the command is not complete",
                           "send needs --to \"Agency/mailbox\"");
    if (contents > 1 || (contents == 0 && a->files.n == 0))
        return problem_set(pb, P_USAGE, ERR_MALFORMED,
                           "the command is not complete",
                           "send takes one of FILE.json, --draft ID, --text "
                           "TEXT and --text-file FILE");
    if (a->escalate && !a->urgent)
        return problem_set(pb, P_USAGE, ERR_MALFORMED,
                           "the command is not complete",
                           "--escalate is for urgent packets: add --urgent");
    if (a->consent != NULL && args_is_blank(a->consent))
        return problem_set(pb, P_USAGE, ERR_MALFORMED,
                           "the command is not complete",
                           "--override-consent needs a reason; it travels "
                           "with the packet and is stored");
    return ERR_OK;
}

static enum err
read_text_file(struct sending *s, const char *path, struct problem *pb)
{
    struct buf b = {0};
    enum err rc = sending_read_bytes(path, &b, pb);

    if (rc == ERR_OK)
        rc = sending_set_text(s, (const char *)b.data, b.len, pb);
    buf_clear(&b);
    return rc;
}

static enum err
read_content(struct app *app, const struct send_args *a, struct sending *s,
             struct draft *draft, struct problem *pb)
{
    enum err rc;

    if (a->file != NULL)
        return sending_read_file(s, a->file, pb);
    if (a->text != NULL)
        return sending_set_text(s, a->text, strlen(a->text), pb);
    if (a->text_file != NULL)
        return read_text_file(s, a->text_file, pb);
    if (a->draft == NULL)
        return ERR_OK;
    rc = draft_load(app, a->draft, draft, pb);
    return rc == ERR_OK ? sending_read_draft(s, draft, pb) : rc;
}

static enum err
read_type(const struct send_args *a, const struct sending *s, uint8_t *out,
          struct problem *pb)
{
    *out = PACKET_TYPE_MESSAGE;
    if (a->type == NULL)
        return s->doc != NULL ? sending_type(s, out, pb) : ERR_OK;
    if (packet_type_by_name(a->type, out) != ERR_OK ||
        *out == PACKET_TYPE_OWN_COPY)
        return problem_set(pb, P_USAGE, ERR_NOTFOUND,
                           "there is no such type of packet",
                           "--type is referral, message, test, "
                           "duty_to_notify or support_request");
    return ERR_OK;
}

static enum err
read_options(struct desk *d, const struct send_args *a, struct compose *c,
             struct problem *pb)
{
    unsigned long days = 0;
    struct mail m = {0};
    enum err rc = ERR_OK;

    if (a->expires != NULL)
        rc = args_number(a->expires, "--expires", 1, COMPOSE_ROUTINE_DAYS,
                         &days, pb);
    if (rc == ERR_OK && a->in_reply_to != NULL)
        rc = pick_mail(d->app, a->in_reply_to, PICK_ANY, &m, pb);
    if (rc == ERR_OK && a->in_reply_to != NULL) {
        c->in_reply_to = m.id;
        c->thread = m.thread;
    }
    mail_clear(&m);
    c->days = (unsigned)days;
    c->urgent = a->urgent;
    c->escalate = a->escalate;
    c->override_stale = a->stale;
    for (size_t i = 0; i < a->files.n; i++)
        c->files[i] = a->files.item[i];
    c->n_files = a->files.n;
    return rc;
}

/* What the people of the case call urgent goes as routine all the same, unless
 * it is said here: the relay cannot read it. */
static void
hint_urgent(struct app *app, const struct sending *s, const struct compose *c)
{
    const char *urgency = json_string_value(
        json_object_get(json_object_get(s->doc, "referral"), "urgency"));

    if (c->urgent || urgency == NULL || strcmp(urgency, "routine") == 0)
        return;
    out_note(app, "Note: the referral is called urgent, and goes as routine; "
                  "with --urgent you would be warned within the hour if "
                  "nobody collects it.");
}

/* Everything that can be refused is refused before anything is sealed. */
static enum err
prepare(struct desk *d, const struct send_args *a, struct sending *s,
        struct draft *draft, struct compose *c, struct problem *pb)
{
    enum err rc = posting_connect(d, pb);

    if (rc == ERR_OK)
        rc = roster_find_mailbox(d->roster, a->to, &c->to, pb);
    if (rc == ERR_OK)
        rc = read_content(d->app, a, s, draft, pb);
    if (rc == ERR_OK)
        rc = read_type(a, s, &c->type, pb);
    if (rc == ERR_OK)
        rc = read_options(d, a, c, pb);
    if (rc == ERR_OK)
        rc = compose_check(d, c, pb);
    if (rc == ERR_OK)
        hint_urgent(d->app, s, c);
    return rc == ERR_OK ? sending_prepare(d, s, a->consent, c, pb) : rc;
}

/* Who sends something urgent sees first whether anybody is there. */
static enum err
look_there(struct desk *d, const struct compose *c, struct collected *there,
           struct problem *pb)
{
    uint64_t now_ms = clock_wall_ms();
    struct mailbox_id deputy;
    json_t *j;
    enum err rc;

    if (!c->urgent)
        return ERR_OK;
    rc = collected_ask(d, &c->to, there, pb);
    if (rc != ERR_OK)
        return rc;
    duty_tell_collected(d, &c->to, there, now_ms);
    if (c->escalate && !duty_deputy(d->roster, &c->to, &deputy))
        out_note(d->app, "Note: that mailbox names no deputy; --escalate can "
                         "do nothing until it does.");
    j = duty_json(d->roster, &c->to);
    json_put(j, "collected", collected_json(there, now_ms));
    json_put(d->app->result, "recipient", j);
    return ERR_OK;
}

/* Sent is sent: a person who has just been shown what leaves, or that nobody
 * is there for something urgent, is asked once.  Scripts (no terminal, --json)
 * and --yes are not. */
static enum err
agree(struct app *app, const struct sending *s, const struct collected *there,
      bool *go, struct problem *pb)
{
    *go = true;
    if ((s->doc == NULL && !collected_is_late(there, clock_wall_ms())) ||
        app->json || !os_is_tty(0))
        return ERR_OK;
    return app_confirm(app, "Send it?  Sent is sent.", go, pb);
}

/* Sent (or in the outbox): the draft is not needed any more. */
static void
drop_draft(struct app *app, const struct draft *draft)
{
    struct problem none = {0};

    if (draft->doc != NULL)
        (void)draft_delete(app, draft->id, &none);
}

int
cmd_send(struct app *app, int argc, char **argv)
{
    struct send_args a = {0};
    struct problem pb = {0};
    struct desk d = {0};
    struct sending s = {0};
    struct draft draft = {0};
    struct compose c = {0};
    struct collected there = {0};
    int code = EXIT_CODE_OK;
    bool go = false;
    enum err rc = parse(argc, argv, &a, &pb);

    if (rc == ERR_OK)
        rc = desk_open(app, DESK_ONLINE, &d, &pb);
    if (rc == ERR_OK)
        rc = prepare(&d, &a, &s, &draft, &c, &pb);
    if (rc == ERR_OK)
        rc = look_there(&d, &c, &there, &pb);
    if (rc == ERR_OK)
        rc = agree(app, &s, &there, &go, &pb);
    if (rc == ERR_OK && go)
        code = posting_send(&d, &c, NULL);
    else if (rc == ERR_OK)
        out_note(app, "Nothing was sent.");
    if (rc != ERR_OK && pb.id == P_FIELDS && a.draft != NULL)
        problem_next(&pb, "`sealpost new --draft %.32s` asks what is open",
                     a.draft);
    if (rc == ERR_OK && go && code == EXIT_CODE_OK)
        drop_draft(app, &draft);
    draft_clear(&draft);
    sending_clear(&s);
    desk_close(&d);
    return rc == ERR_OK ? code : app_fail(app, &pb);
}
