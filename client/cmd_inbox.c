/*
 * cmd_inbox.c - `sealpost inbox`: what came, newest first.
 */
#include "client/args.h"
#include "client/commands.h"
#include "client/listing.h"
#include "client/records.h"
#include "client/table.h"
#include "client/vault.h"

struct inbox {
    struct desk *d;
    struct mails mails;
    const struct mail *unread, *to_answer; /* newest of each, or NULL */
    size_t n_unread, n_hidden;
};

static void
note(struct inbox *in, const struct mail *m, enum thread_state s)
{
    if (m->is_unread) {
        in->n_unread++;
        if (in->unread == NULL)
            in->unread = m;
    }
    if (in->to_answer == NULL && listing_is_to_answer(m, s))
        in->to_answer = m;
}

static void
list(struct app *app, struct inbox *in, bool all)
{
    uint64_t now_ms = clock_wall_ms();
    json_t *rows = json_array();
    struct table t = {0};

    for (size_t i = 0; i < in->mails.n; i++) {
        const struct mail *m = &in->mails.items[i];
        enum thread_state s = thread_of(app, &in->mails, m);

        /* A colleague's packet is only looked up here; it came to others. */
        if (m->direction == INDEX_OUT || (m->direction == INDEX_OWN && !all))
            continue;
        if (m->direction == INDEX_IN)
            note(in, m, s);
        if (!all && !listing_is_current(m, s, now_ms)) {
            in->n_hidden++;
            continue;
        }
        (void)json_array_append_new(rows, listing_json(in->d, m, s));
        listing_row(&t, in->d, m, s);
    }
    if (json_array_size(rows) == 0)
        out_line(app, "Nothing has come%s.", all ? "" : " lately");
    table_print(app, &t);
    json_put(app->result, "inbox", rows);
    json_put_u64(app->result, "unread", in->n_unread);
}

static void
say_next(struct app *app, const struct inbox *in)
{
    char id[9];

    if (in->n_hidden > 0)
        out_note(app, "%zu older ones are shown by `sealpost inbox --all`.",
                 in->n_hidden);
    if (vault_count(app->vault, REC_QUARANTINE) > 0)
        out_note(app, "Something came that cannot be trusted: `sealpost "
                      "quarantine`.");
    if (in->unread != NULL) {
        mail_short(id, &in->unread->id);
        out_next(app, "sealpost read %s", id);
    } else if (in->to_answer != NULL) {
        mail_short(id, &in->to_answer->id);
        out_next(app,
                 "sealpost accept %s, or sealpost decline %s --reason "
                 "WHY",
                 id, id);
    } else {
        out_next(app, "sealpost sync");
    }
}

int
cmd_inbox(struct app *app, int argc, char **argv)
{
    bool all = false;
    const struct arg table[] = {{"--all", ARG_FLAG, &all}};
    struct problem pb = {0};
    struct desk d = {0};
    struct inbox in = {.d = &d};
    size_t n;
    enum err rc = args_parse(argc, argv, ARGS(table), NULL, 0, &n, &pb);

    if (rc == ERR_OK)
        rc = desk_open(app, DESK_OFFLINE, &d, &pb);
    if (rc == ERR_OK)
        rc = mails_load(app, PICK_ANY, &in.mails, &pb);
    if (rc == ERR_OK) {
        list(app, &in, all);
        say_next(app, &in);
    }
    mails_clear(&in.mails);
    desk_close(&d);
    return rc == ERR_OK ? EXIT_CODE_OK : app_fail(app, &pb);
}
