/*
 * cmd_outbox.c - `sealpost outbox`: what was sent or waits, newest first.
 */
#include "client/alert.h"
#include "client/args.h"
#include "client/commands.h"
#include "client/listing.h"
#include "client/table.h"

struct outbox {
    struct desk *d;
    struct mails mails;
    const struct mail *queued, *lost, *newest; /* newest of each, or NULL */
    const struct mail *overdue;                /* that comes first */
    size_t n_hidden;
};

static void
note(struct outbox *out, const struct mail *m)
{
    static const struct packet_id none;

    if (out->newest == NULL)
        out->newest = m;
    if (out->queued == NULL && m->state == MAIL_QUEUED)
        out->queued = m;
    if (out->lost == NULL && mail_is_lost(m) && id_eq(&m->moved_to, &none))
        out->lost = m;
    if (mail_is_overdue(m) &&
        (out->overdue == NULL || alert_comes_before(m, out->overdue)))
        out->overdue = m;
}

static void
list(struct app *app, struct outbox *out, bool all)
{
    uint64_t now_ms = clock_wall_ms();
    json_t *rows = json_array();
    struct table t = {0};

    for (size_t i = 0; i < out->mails.n; i++) {
        const struct mail *m = &out->mails.items[i];
        enum thread_state s;

        /* What colleagues sent is there as their copies. */
        if (m->direction == INDEX_IN || mail_is_own_copy(m))
            continue;
        s = thread_of(app, &out->mails, m);
        if (!all && !listing_is_current(m, s, now_ms)) {
            out->n_hidden++;
            continue;
        }
        note(out, m);
        (void)json_array_append_new(rows, listing_json(out->d, m, s));
        listing_row(&t, out->d, m, s);
    }
    if (json_array_size(rows) == 0)
        out_line(app, "Nothing was sent%s.", all ? "" : " lately");
    table_print(app, &t);
    json_put(app->result, "outbox", rows);
}

static void
say_next(struct app *app, const struct outbox *out)
{
    char id[9];

    if (out->n_hidden > 0)
        out_note(app, "%zu older ones are shown by `sealpost outbox --all`.",
                 out->n_hidden);
    if (out->newest == NULL) {
        out_next(app, "sealpost new");
    } else if (out->overdue != NULL) {
        mail_short(id, &out->overdue->id);
        out_next(app, "sealpost status %s", id);
    } else if (out->queued != NULL) {
        out_next(app, "sealpost sync");
    } else {
        mail_short(id, out->lost != NULL ? &out->lost->id : &out->newest->id);
        out_next(app, "sealpost status %s", id);
    }
}

int
cmd_outbox(struct app *app, int argc, char **argv)
{
    bool all = false;
    const struct arg table[] = {{"--all", ARG_FLAG, &all}};
    struct problem pb = {0};
    struct desk d = {0};
    struct outbox out = {.d = &d};
    size_t n;
    enum err rc = args_parse(argc, argv, ARGS(table), NULL, 0, &n, &pb);

    if (rc == ERR_OK)
        rc = desk_open(app, DESK_OFFLINE, &d, &pb);
    if (rc == ERR_OK)
        rc = mails_load(app, PICK_ANY, &out.mails, &pb);
    if (rc == ERR_OK) {
        list(app, &out, all);
        say_next(app, &out);
    }
    mails_clear(&out.mails);
    desk_close(&d);
    return rc == ERR_OK ? EXIT_CODE_OK : app_fail(app, &pb);
}
