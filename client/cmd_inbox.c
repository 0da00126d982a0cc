/*
 * cmd_inbox.c - `sealpost inbox`: what came, newest first.
 */
#include "client/args.h"
#include "client/commands.h"
#include "client/listing.h"
#include "client/notice.h"
#include "client/records.h"
#include "client/table.h"
#include "client/vault.h"

#define DAY_MS UINT64_C(86400000)

struct inbox {
    struct desk *d;
    struct mails mails;
    const struct mail *unread, *to_answer; /* newest of each, or NULL */
    struct notices notices;
    const struct notice *notice; /* newest unread, or NULL */
    size_t n_unread, n_hidden;
};

/* Rows so far. */
struct listed {
    struct table t;
    json_t *notices;
    size_t next; /* of the notices */
    uint64_t now_ms;
    bool all;
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

/* Newer than UNTIL_MS, those not listed yet. */
static void
list_notices(struct inbox *in, struct listed *l, uint64_t until_ms)
{
    for (; l->next < in->notices.n; l->next++) {
        const struct notice *n = &in->notices.items[l->next];

        if (n->time_ms < until_ms)
            return;
        if (n->is_unread) {
            in->n_unread++;
            if (in->notice == NULL)
                in->notice = n;
        }
        if (!l->all && !n->is_unread &&
            n->time_ms + LISTING_RECENT_DAYS * DAY_MS <= l->now_ms) {
            in->n_hidden++;
            continue;
        }
        (void)json_array_append_new(l->notices, notice_json(in->d, n));
        notice_row(&l->t, in->d, n);
    }
}

static void
list(struct app *app, struct inbox *in, bool all)
{
    struct listed l = {
        .now_ms = clock_wall_ms(), .notices = json_array(), .all = all};
    json_t *rows = json_array();

    for (size_t i = 0; i < in->mails.n; i++) {
        const struct mail *m = &in->mails.items[i];
        enum thread_state s = thread_of(app, &in->mails, m);

        /* A colleague's packet is only looked up here; it came to others. */
        if (m->direction == INDEX_OUT || (m->direction == INDEX_OWN && !all))
            continue;
        list_notices(in, &l, mail_when_ms(m));
        if (m->direction == INDEX_IN)
            note(in, m, s);
        if (!all && !listing_is_current(m, s, l.now_ms)) {
            in->n_hidden++;
            continue;
        }
        (void)json_array_append_new(rows, listing_json(in->d, m, s));
        listing_row(&l.t, in->d, m, s);
    }
    list_notices(in, &l, 0);
    if (json_array_size(rows) + json_array_size(l.notices) == 0)
        out_line(app, "Nothing has come%s.", all ? "" : " lately");
    table_print(app, &l.t);
    json_put(app->result, "inbox", rows);
    json_put(app->result, "notices", l.notices);
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
    if (in->notice != NULL) {
        notice_short(id, in->notice);
        out_next(app, "sealpost read %s", id);
    } else if (in->unread != NULL) {
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
    if (rc == ERR_OK)
        rc = notices_load(app, &in.notices, &pb);
    if (rc == ERR_OK) {
        list(app, &in, all);
        say_next(app, &in);
    }
    notices_clear(&in.notices);
    mails_clear(&in.mails);
    desk_close(&d);
    return rc == ERR_OK ? EXIT_CODE_OK : app_fail(app, &pb);
}
