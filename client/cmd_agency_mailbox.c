/*
 * cmd_agency_mailbox.c - `sealpost agency mailbox add, set, close`.
 */
#include <stdio.h>
#include <string.h>

#include "client/args.h"
#include "client/cmd_agency.h"
#include "client/lookup.h"
#include "client/mailbox_edit.h"
#include "client/verbs.h"
#include "common/clock.h"

struct mailbox_args {
    const char *mailbox, *label, *contact, *deputy;
    struct arg_list add, remove;
};

/* What is done to a mailbox: E comes as the mailbox is (or as a new one). */
typedef enum err change_fn(struct office *o, const struct dir_agency *a,
                           const struct mailbox_args *args,
                           struct mailbox_edit *e, struct problem *pb);

/* ---- changes ---- */

static enum err
change_members(const struct dir_agency *a, const struct mailbox_args *args,
               struct mailbox_edit *e, struct problem *pb)
{
    uint64_t now_s = clock_wall_ms() / 1000;
    const struct dir_device *d;
    enum err rc = ERR_OK;

    for (size_t i = 0; rc == ERR_OK && i < args->add.n; i++) {
        rc = lookup_device(a, args->add.item[i], now_s, &d, pb);
        if (rc == ERR_OK)
            rc = mailbox_edit_add(e, &d->id, pb);
    }
    for (size_t i = 0; rc == ERR_OK && i < args->remove.n; i++) {
        rc = lookup_device(a, args->remove.item[i], now_s, &d, pb);
        if (rc == ERR_OK)
            rc = mailbox_edit_remove(e, &d->id, pb);
    }
    return rc;
}

static enum err
change_deputy(const struct office *o, const char *deputy,
              struct stmt_mailbox *m, struct problem *pb)
{
    if (strcmp(deputy, "none") == 0) {
        memset(&m->deputy, 0, sizeof(m->deputy));
        return ERR_OK;
    }
    return roster_find_mailbox(o->roster, deputy, &m->deputy, pb);
}

static enum err
change(struct office *o, const struct dir_agency *a,
       const struct mailbox_args *args, struct mailbox_edit *e,
       struct problem *pb)
{
    struct stmt_mailbox *m = &e->st.body.mailbox;
    enum err rc = change_members(a, args, e, pb);

    if (args->label != NULL)
        m->label = text_ref(args->label);
    if (args->contact != NULL)
        m->contact = text_ref(args->contact);
    if (rc == ERR_OK && args->deputy != NULL)
        rc = change_deputy(o, args->deputy, m, pb);
    return rc;
}

static enum err
fill_new(struct office *o, const struct dir_agency *a,
         const struct mailbox_args *args, struct mailbox_edit *e,
         struct problem *pb)
{
    mailbox_edit_new(e, &a->id, args->mailbox);
    if (args->add.n == 0 && mailbox_edit_add(e, &o->id.device, pb) != ERR_OK)
        return ERR_FULL;
    return change(o, a, args, e, pb);
}

static enum err
fill_old(struct office *o, const struct dir_agency *a,
         const struct mailbox_args *args, struct mailbox_edit *e,
         struct problem *pb)
{
    const struct dir_mailbox *m;
    enum err rc = lookup_mailbox(a, args->mailbox, &m, pb);

    if (rc == ERR_OK)
        mailbox_edit_from(e, roster_directory(o->roster), m);
    return rc == ERR_OK ? change(o, a, args, e, pb) : rc;
}

static enum err
fill_closed(struct office *o, const struct dir_agency *a,
            const struct mailbox_args *args, struct mailbox_edit *e,
            struct problem *pb)
{
    char question[200];
    enum err rc = fill_old(o, a, args, e, pb);

    if (rc != ERR_OK)
        return rc;
    e->st.body.mailbox.state = MAILBOX_CLOSED;
    (void)snprintf(question, sizeof(question),
                   "Nobody can write to %.80s any more.  Close it?",
                   args->mailbox);
    return agency_confirm(o->app, question, "nothing was closed", pb);
}

/* ---- one way for all three ---- */

static int
run(struct app *app, const struct mailbox_args *args, change_fn *fill,
    const char *done, struct problem *pb)
{
    const struct dir_agency *a = NULL;
    struct mailbox_edit e;
    struct office o = {0};
    enum err rc = office_open(app, OFFICE_ONLINE, &o, pb);

    if (rc == ERR_OK)
        rc = agency_own(&o, &a, pb);
    if (rc == ERR_OK)
        rc = fill(&o, a, args, &e, pb);
    if (rc == ERR_OK)
        rc = agency_publish(&o, &e.st, pb);
    if (rc == ERR_OK) {
        out_line(app, "%s", done);
        json_put_hex(app->result, "mailbox_id", e.st.body.mailbox.mailbox.b,
                     16);
        json_put_u64(app->result, "devices", e.st.body.mailbox.n);
        agency_warn_unread(&o, a);
        out_next(app, "sealpost agency show");
    }
    office_close(&o);
    return rc == ERR_OK ? EXIT_CODE_OK : app_fail(app, pb);
}

static enum err
parse(int argc, char **argv, const struct arg *table, size_t table_len,
      struct mailbox_args *args, struct problem *pb)
{
    size_t n;
    enum err rc =
        args_parse(argc, argv, table, table_len, &args->mailbox, 1, &n, pb);

    if (rc == ERR_OK && n != 1)
        rc = args_missing(pb, "agency mailbox %s needs the mailbox's LABEL",
                          argv[0]);
    return rc;
}

static int
mailbox_add(struct app *app, int argc, char **argv)
{
    struct mailbox_args args = {0};
    const struct arg table[] = {
        {"--device", ARG_LIST, &args.add},
        {"--contact", ARG_TEXT, &args.contact},
        {"--deputy", ARG_TEXT, &args.deputy},
    };
    struct problem pb = {0};

    if (parse(argc, argv, ARGS(table), &args, &pb) != ERR_OK)
        return app_fail(app, &pb);
    return run(app, &args, fill_new, "The mailbox is open.", &pb);
}

static int
mailbox_set(struct app *app, int argc, char **argv)
{
    struct mailbox_args args = {0};
    const struct arg table[] = {
        {"--add-device", ARG_LIST, &args.add},
        {"--remove-device", ARG_LIST, &args.remove},
        {"--contact", ARG_TEXT, &args.contact},
        {"--deputy", ARG_TEXT, &args.deputy},
        {"--label", ARG_TEXT, &args.label},
    };
    struct problem pb = {0};

    if (parse(argc, argv, ARGS(table), &args, &pb) != ERR_OK)
        return app_fail(app, &pb);
    return run(app, &args, fill_old, "The mailbox is changed.", &pb);
}

static int
mailbox_close(struct app *app, int argc, char **argv)
{
    struct mailbox_args args = {0};
    struct problem pb = {0};

    if (parse(argc, argv, NULL, 0, &args, &pb) != ERR_OK)
        return app_fail(app, &pb);
    return run(app, &args, fill_closed, "The mailbox is closed.", &pb);
}

static const struct verb verbs[] = {
    {"add", mailbox_add},
    {"set", mailbox_set},
    {"close", mailbox_close},
};

int
agency_mailbox(struct app *app, int argc, char **argv)
{
    return verbs_run(app, "agency mailbox", argc, argv, VERBS(verbs));
}
