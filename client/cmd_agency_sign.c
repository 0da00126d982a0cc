/*
 * cmd_agency_sign.c - `sealpost agency sign`: a later device is enrolled and
 * put into a mailbox.  Without a connection the new machine publishes by
 * itself.
 */
#include <stdio.h>
#include <string.h>

#include "client/args.h"
#include "client/cmd_agency.h"
#include "client/lookup.h"
#include "client/mailbox_edit.h"
#include "common/bytes.h"
#include "common/clock.h"
#include "common/os.h"
#include "proto/invite.h"

struct sign_args {
    const char *request, *mailbox, *check, *out;
};

/* What is to be signed, and for whom. */
struct enrolment {
    struct buf bytes; /* the request */
    char check[DEVICE_CHECK_LEN + 1];
    struct device_request request; /* points into BYTES */
    struct device_id device;
    const struct dir_agency *agency;
    const struct dir_mailbox *mailbox;
};

static enum err
parse(int argc, char **argv, struct sign_args *a, struct problem *pb)
{
    const struct arg table[] = {
        {"--mailbox", ARG_TEXT, &a->mailbox},
        {"--check", ARG_TEXT, &a->check},
        {"-o", ARG_TEXT, &a->out},
    };
    size_t n;
    enum err rc = args_parse(argc, argv, ARGS(table), &a->request, 1, &n, pb);

    if (rc == ERR_OK && (n != 1 || a->out == NULL))
        rc = args_missing(pb, "agency sign needs the REQUEST's file and -o "
                              "FILE for the answer");
    if (rc == ERR_OK && os_exists(a->out))
        rc = problem_set(pb, P_FILE_EXISTS, ERR_EXISTS, "nothing was signed",
                         "%.200s is there already", a->out);
    return rc;
}

static enum err
read_request(const char *path, struct enrolment *e, struct problem *pb)
{
    enum err rc = office_read_file(path, LIMIT_STMT, &e->bytes, pb);

    if (rc != ERR_OK)
        return rc;
    rc = device_request_parse(&e->request, e->bytes.data, e->bytes.len);
    if (rc != ERR_OK)
        return problem_set(pb, P_VERIFY, rc, "the request was not read",
                           rc == ERR_VERIFY
                               ? "it does not prove that the device has its key"
                               : "%.200s holds no device's request",
                           path);
    device_request_check(e->check, e->bytes.data, e->bytes.len);
    device_id_of(&e->device, &e->request.device.body.device.sign_key);
    return ERR_OK;
}

static enum err
judge(const struct office *o, const char *mailbox, struct enrolment *e,
      struct problem *pb)
{
    enum err rc = agency_own(o, &e->agency, pb);

    if (rc != ERR_OK)
        return rc;
    if (!id_eq(&e->request.network_id, &o->id.network_id) ||
        !id_eq(&e->request.agency, &o->id.agency)) {
        (void)problem_set(pb, P_POLICY, ERR_REFUSED,
                          "that device does not ask your agency",
                          "the request is for another agency or network");
        problem_next(pb, "give the new machine your own `sealpost agency "
                         "card`");
        return ERR_REFUSED;
    }
    rc = lookup_mailbox(e->agency, mailbox, &e->mailbox, pb);
    if (rc == ERR_OK && mailbox_has_device(e->mailbox, &e->device)) {
        (void)problem_set(pb, P_STATE, ERR_EXISTS, "it is enrolled already",
                          "the device is in %s/%s", e->agency->name,
                          e->mailbox->label);
        problem_next(pb, "on the new machine: sealpost join --status");
        rc = ERR_EXISTS;
    }
    return rc;
}

/* What the paper will say, before it is signed. */
static void
show(struct app *app, const struct enrolment *e)
{
    const struct stmt_device *d = &e->request.device.body.device;
    char until[CLOCK_TEXT_MAX];
    char hex[33];

    clock_format_local(until, d->not_after_s * 1000);
    hex_encode(hex, e->device.b, 16);
    out_line(app,
             "A new device of %s\n  label    %.*s\n  id       %s\n"
             "  until    %s\n  mailbox  %s: it will read what comes there\n"
             "  check    %s",
             e->agency->name, (int)d->label.len, d->label.p, hex, until,
             e->mailbox->label, e->check);
    json_put_text(app->result, "label", d->label.p, d->label.len);
    json_put_str(app->result, "device_id", hex);
    json_put_str(app->result, "check", e->check);
}

static enum err
compare(struct app *app, const struct enrolment *e, const char *typed,
        struct problem *pb)
{
    char question[120];

    (void)snprintf(question, sizeof(question), "Does the new machine show %s?",
                   e->check);
    if (typed == NULL)
        return agency_confirm(app, question, "nothing was signed", pb);
    if (device_check_is(e->check, typed))
        return ERR_OK;
    (void)problem_set(pb, P_VERIFY, ERR_VERIFY, "the checks do not agree",
                      "this request has %s", e->check);
    problem_next(pb, "fetch the request from the new machine yourself");
    return ERR_VERIFY;
}

/* Makes ST and adds it to BUNDLE. */
static enum err
add(struct office *o, struct statement *st, const struct sign_secret *root,
    struct buf *bundle, struct problem *pb)
{
    struct buf b = {0};
    enum err rc = office_make(o, st, root, &b, pb);

    if (rc == ERR_OK)
        rc = office_bundle_add(bundle, &b, pb);
    buf_clear(&b);
    return rc;
}

/* DEVICE, unless an earlier try got that far, and MAILBOX. */
static enum err
make(struct office *o, const struct enrolment *e, struct buf *bundle,
     struct problem *pb)
{
    const struct directory *dir = roster_directory(o->roster);
    struct statement device = e->request.device;
    struct sign_secret root = {0};
    struct mailbox_edit edit;
    enum err rc = office_root_key(o, &root, pb);

    stmt_bundle_start(bundle);
    if (rc == ERR_OK && directory_device(dir, &e->device) == NULL)
        rc = add(o, &device, &root, bundle, pb);
    mailbox_edit_from(&edit, dir, e->mailbox);
    if (rc == ERR_OK)
        rc = mailbox_edit_add(&edit, &e->device, pb);
    if (rc == ERR_OK)
        rc = add(o, &edit.st, &root, bundle, pb);
    crypto_wipe(&root, sizeof(root));
    return rc;
}

/* The file is written first: with it the new machine can finish alone. */
static enum err
hand_out(struct office *o, const struct buf *bundle, const char *path,
         bool *published, struct problem *pb)
{
    struct problem mine = {0};
    size_t count = 0;
    enum err rc = office_write_file(path, bundle, pb);

    if (rc != ERR_OK || o->up == NULL)
        return rc;
    rc = office_put_bundle(o, bundle, &count, &mine);
    *published = rc == ERR_OK;
    if (rc == ERR_OK || mine.id == P_UNREACHABLE)
        return ERR_OK;
    (void)os_remove(path);
    *pb = mine;
    return rc;
}

int
agency_sign(struct app *app, int argc, char **argv)
{
    struct problem pb = {0};
    struct sign_args a = {0};
    struct enrolment e = {0};
    struct office o = {0};
    struct buf bundle = {0};
    bool published = false;
    enum err rc = parse(argc, argv, &a, &pb);

    if (rc == ERR_OK)
        rc = read_request(a.request, &e, &pb);
    if (rc == ERR_OK)
        rc = office_open(app, OFFICE_EITHER, &o, &pb);
    if (rc == ERR_OK)
        rc = judge(&o, a.mailbox, &e, &pb);
    if (rc == ERR_OK) {
        show(app, &e);
        rc = compare(app, &e, a.check, &pb);
    }
    if (rc == ERR_OK)
        rc = make(&o, &e, &bundle, &pb);
    if (rc == ERR_OK)
        rc = hand_out(&o, &bundle, a.out, &published, &pb);
    buf_clear(&bundle);
    buf_clear(&e.bytes);
    office_close(&o);
    if (rc != ERR_OK)
        return app_fail(app, &pb);
    out_line(app, published ? "Signed and published."
                            : "Signed.  The relay cannot be reached now: the "
                              "new machine will publish it.");
    json_put_str(app->result, "state", published ? "published" : "signed");
    json_put_str(app->result, "file", a.out);
    out_next(app, "on the new machine: sealpost device install %s", a.out);
    return EXIT_CODE_OK;
}
