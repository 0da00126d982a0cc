/*
 * cmd_answer.c - what a desk says to a packet that came: accept, decline,
 * reply.  All three go to the mailbox it came from, in its thread.
 */
#include <stdio.h>
#include <string.h>

#include "client/args.h"
#include "client/commands.h"
#include "client/pick.h"
#include "client/posting.h"
#include "client/sending.h"
#include "proto/packet_type.h"

struct answer {
    struct desk d;
    struct mail m; /* that is answered */
    struct sending s;
    struct compose c;
    struct problem pb;
};

/* ---- to whom ---- */

/* A packet that names no mailbox of its sender goes to the only one there. */
static enum err
only_mailbox(struct answer *a)
{
    const struct dir_agency *agency =
        directory_agency(roster_directory(a->d.roster), &a->m.peer_agency);
    const struct dir_mailbox *found = NULL;
    size_t open = 0;

    for (size_t i = 0; agency != NULL && i < agency->n_mailboxes; i++)
        if (agency->mailboxes[i]->state == MAILBOX_OPEN) {
            found = agency->mailboxes[i];
            open++;
        }
    if (open != 1)
        return problem_set(&a->pb, P_RECIPIENT_UNKNOWN, ERR_NOTFOUND,
                           "it is not known where to answer",
                           "the packet names no open mailbox of its sender; "
                           "use send --to ... --in-reply-to");
    a->c.to = found->id;
    return ERR_OK;
}

static enum err
address(struct answer *a)
{
    static const struct mailbox_id none;
    const struct dir_mailbox *m =
        directory_mailbox(roster_directory(a->d.roster), &a->m.peer_mailbox);

    a->c.in_reply_to = a->m.id;
    a->c.thread = a->m.thread;
    if (id_eq(&a->m.peer_mailbox, &none) || m == NULL ||
        m->state != MAILBOX_OPEN)
        return only_mailbox(a);
    a->c.to = m->id;
    return ERR_OK;
}

/* ---- all three ---- */

static enum err
begin(struct app *app, struct answer *a, const char *id, unsigned directions)
{
    enum err rc = desk_open(app, DESK_ONLINE, &a->d, &a->pb);

    /* One answers others: the latest is the latest that came. */
    if (strcmp(id, "latest") == 0)
        directions = INDEX_BIT(INDEX_IN);
    if (rc == ERR_OK)
        rc = pick_mail(app, id, directions, &a->m, &a->pb);
    if (rc == ERR_OK)
        rc = posting_connect(&a->d, &a->pb);
    return rc == ERR_OK ? address(a) : rc;
}

static int
end(struct app *app, struct answer *a, enum err rc, const char *state)
{
    struct problem none = {0};
    char next[64];
    char id[9];
    int code;

    mail_short(id, &a->m.id);
    (void)snprintf(next, sizeof(next), "sealpost status %s", id);
    if (rc == ERR_OK)
        rc = sending_prepare(&a->d, &a->s, NULL, &a->c, &a->pb);
    if (rc == ERR_OK)
        code = posting_send(&a->d, &a->c, next);
    else
        code = app_fail(app, &a->pb);
    if (code == EXIT_CODE_OK && state != NULL) {
        (void)snprintf(a->m.answer, sizeof(a->m.answer), "%s", state);
        a->m.is_unread = false;
        (void)mail_save(app, &a->m, &none);
        json_put_str(app->result, "case_state", state);
    }
    sending_clear(&a->s);
    mail_clear(&a->m);
    desk_close(&a->d);
    return code;
}

static void
put_if(json_t *meta, const char *key, const char *text)
{
    if (text != NULL)
        json_put_str(meta, key, text);
}

/* Acknowledgements and rejections say what they say in part 0. */
static int
send_words(struct app *app, struct answer *a, enum err rc, json_t *words,
           const char *state)
{
    if (rc == ERR_OK) {
        a->s.words = words;
        rc = problem_from_err(&a->pb, "the answer was not sent",
                              words == NULL ? ERR_NOMEM : ERR_OK);
    } else {
        json_decref(words);
    }
    return end(app, a, rc, state);
}

/* ---- accept ---- */

int
cmd_accept(struct app *app, int argc, char **argv)
{
    const char *id = NULL, *reference = NULL, *owner = NULL;
    const char *next_date = NULL, *note = NULL;
    const struct arg table[] = {
        {"--reference", ARG_TEXT, &reference},
        {"--owner", ARG_TEXT, &owner},
        {"--next-date", ARG_TEXT, &next_date},
        {"--note", ARG_TEXT, &note},
    };
    struct answer a = {.c.type = PACKET_TYPE_ACKNOWLEDGEMENT,
                       .c.subject = "Accepted"};
    json_t *words = json_object();
    size_t n;
    enum err rc = args_parse(argc, argv, ARGS(table), &id, 1, &n, &a.pb);

    if (rc == ERR_OK && n == 0)
        rc = problem_set(&a.pb, P_USAGE, ERR_MALFORMED,
                         "the command is not complete",
                         "accept needs the packet's ID (or: latest)");
    if (rc == ERR_OK)
        rc = begin(app, &a, id, INDEX_BIT(INDEX_IN));
    put_if(words, "owner", owner);
    put_if(words, "reference", reference);
    put_if(words, "next_date", next_date);
    put_if(words, "note", note);
    return send_words(app, &a, rc, words, "accepted");
}

/* ---- decline ---- */

static const char *const reasons[] = {
    "undecryptable", "invalid",    "wrong_hub",
    "duplicate",     "no_consent", "not_trafficking_redirected",
};

static enum err
check_reason(const char *reason, struct problem *pb)
{
    for (size_t i = 0; reason != NULL && i < sizeof(reasons) / sizeof(*reasons);
         i++)
        if (strcmp(reasons[i], reason) == 0)
            return ERR_OK;
    return problem_set(pb, P_USAGE, ERR_MALFORMED,
                       "the command is not complete",
                       "decline needs --reason undecryptable, invalid, "
                       "wrong_hub, duplicate, no_consent or "
                       "not_trafficking_redirected");
}

int
cmd_decline(struct app *app, int argc, char **argv)
{
    const char *id = NULL, *reason = NULL, *note = NULL;
    const struct arg table[] = {
        {"--reason", ARG_TEXT, &reason},
        {"--note", ARG_TEXT, &note},
    };
    struct answer a = {.c.type = PACKET_TYPE_REJECTION,
                       .c.subject = "Declined"};
    json_t *words = json_object();
    size_t n;
    enum err rc = args_parse(argc, argv, ARGS(table), &id, 1, &n, &a.pb);

    if (rc == ERR_OK && n == 0)
        rc = problem_set(&a.pb, P_USAGE, ERR_MALFORMED,
                         "the command is not complete",
                         "decline needs the packet's ID (or: latest)");
    if (rc == ERR_OK)
        rc = check_reason(reason, &a.pb);
    if (rc == ERR_OK)
        rc = begin(app, &a, id, INDEX_BIT(INDEX_IN));
    put_if(words, "reason", reason);
    put_if(words, "note", note);
    return send_words(app, &a, rc, words, "declined");
}

/* ---- reply ---- */

static enum err
read_text(struct answer *a, const char *text, const char *path)
{
    struct buf b = {0};
    enum err rc;

    if (text != NULL)
        return sending_set_text(&a->s, text, strlen(text), &a->pb);
    if (path == NULL)
        return ERR_OK;
    rc = sending_read_bytes(path, &b, &a->pb);
    if (rc == ERR_OK)
        rc = sending_set_text(&a->s, (const char *)b.data, b.len, &a->pb);
    buf_clear(&b);
    return rc;
}

int
cmd_reply(struct app *app, int argc, char **argv)
{
    const char *id = NULL, *text = NULL, *text_file = NULL;
    struct arg_list files = {.n = 0};
    const struct arg table[] = {
        {"--text", ARG_TEXT, &text},
        {"--text-file", ARG_TEXT, &text_file},
        {"--attach", ARG_LIST, &files},
    };
    struct answer a = {.c.type = PACKET_TYPE_MESSAGE};
    size_t n;
    enum err rc = args_parse(argc, argv, ARGS(table), &id, 1, &n, &a.pb);

    if (rc == ERR_OK &&
        (n == 0 || (text == NULL && text_file == NULL && files.n == 0)))
        rc = problem_set(&a.pb, P_USAGE, ERR_MALFORMED,
                         "the command is not complete",
                         "reply needs the packet's ID (or: latest), and "
                         "--text, --text-file or --attach");
    if (rc == ERR_OK)
        rc = begin(app, &a, id, PICK_ANY);
    if (rc == ERR_OK)
        rc = read_text(&a, text, text_file);
    for (size_t i = 0; i < files.n; i++)
        a.c.files[i] = files.item[i];
    a.c.n_files = files.n;
    return end(app, &a, rc, NULL);
}
