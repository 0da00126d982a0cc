/*
 * cmd_device.c - `sealpost device request` and `device install`: a later
 * machine of an agency that is in the network already.
 *
 *   new machine: device request CARD  ->  req.spost
 *   the root:    agency sign req.spost  ->  signed.spost
 *   new machine: device install signed.spost  ->  READY
 */
#include <stdio.h>
#include <string.h>

#include "client/args.h"
#include "client/commands.h"
#include "client/joining.h"
#include "client/office.h"
#include "client/shelf.h"
#include "client/vault.h"
#include "client/verbs.h"
#include "common/clock.h"
#include "common/os.h"
#include "common/text.h"
#include "proto/invite.h"

enum { ANSWER_MAX = 64 * 1024 };

/* ---- request ---- */

struct request_args {
    const char *card, *label, *address, *out;
};

static enum err
parse(int argc, char **argv, struct request_args *a, struct problem *pb)
{
    const struct arg table[] = {
        {"--label", ARG_TEXT, &a->label},
        {"--address", ARG_TEXT, &a->address},
        {"-o", ARG_TEXT, &a->out},
    };
    const char *why;
    size_t n;
    enum err rc = args_parse(argc, argv, ARGS(table), &a->card, 1, &n, pb);

    if (rc != ERR_OK)
        return rc;
    if (a->out == NULL || (n == 1) != (a->label != NULL))
        return args_missing(pb, "device request needs the agency's CARD, "
                                "--label \"Second laptop\" and -o FILE (-o "
                                "alone writes the same request once more)");
    why = a->label == NULL ? NULL : text_name_problem(a->label, LIMIT_LABEL);
    if (why != NULL)
        return problem_set(pb, P_USAGE, ERR_MALFORMED,
                           "the device cannot have that label", "it %s", why);
    if (a->address != NULL && !address_is_valid(a->address))
        return args_missing(pb, "--address is HOST:PORT");
    if (os_exists(a->out))
        return problem_set(pb, P_FILE_EXISTS, ERR_EXISTS,
                           "the request was not made",
                           "%.200s is there already", a->out);
    return ERR_OK;
}

/* TEXT gets the card as it came, to check the answer against. */
static enum err
read_card(const char *path, struct agency_card *card, struct buf *text,
          struct problem *pb)
{
    enum err rc = office_read_file(path, LIMIT_RELAY_CARD, text, pb);

    if (rc != ERR_OK)
        return rc;
    rc = agency_card_parse(card, (const char *)text->data, text->len);
    if (rc == ERR_OK)
        return rc;
    (void)problem_set(pb, P_FILE, rc, "the agency's card was not read",
                      rc == ERR_VERIFY
                          ? "its check does not fit: it was changed or cut on "
                            "the way"
                          : "there is no agency card in %.200s",
                      path);
    problem_next(pb, "make it on a machine of your agency: sealpost agency "
                     "card -o agency.card");
    return rc;
}

static void
fill_identity(struct identity *id, const struct request_args *a,
              const struct agency_card *card)
{
    id->state = IDENTITY_WAITING;
    id->network_id = card->network_id;
    id->agency = card->agency;
    (void)snprintf(id->agency_name, sizeof(id->agency_name), "%s", card->name);
    (void)snprintf(id->device_label, sizeof(id->device_label), "%s", a->label);
    (void)snprintf(id->registrar_contact, sizeof(id->registrar_contact),
                   "whoever has the root of %s has to sign its request",
                   card->name);
    office_set_relay(id, card->relay_name,
                     a->address != NULL ? a->address : card->address,
                     &card->relay_key);
    office_new_device(id);
}

static enum err
make_request(const struct identity *id, struct buf *out, struct problem *pb)
{
    struct statement st = {.kind = STMT_DEVICE, .issuer = id->agency};
    struct stmt_device *d = &st.body.device;
    enum err rc;

    d->sign_key = id->sign.pub;
    dh_public(&d->transport_key, &id->transport);
    d->not_after_s = office_device_until_s();
    d->label = text_ref(id->device_label);
    rc = device_request_make(out, &id->network_id, &st, &id->sign);
    return problem_from_err(pb, "the request was not made", rc);
}

static enum err
keep(struct app *app, const struct identity *id, const struct buf *request,
     const struct buf *card, struct problem *pb)
{
    enum err rc = shelf_begin(app, pb);

    if (rc != ERR_OK)
        return rc;
    shelf_put_raw(app, REC_STATEMENT, shelf_one, request->data, request->len);
    shelf_put_raw(app, REC_CARD, shelf_one, card->data, card->len);
    rc = shelf_end(app, ERR_OK, pb);
    return rc == ERR_OK ? identity_save(app, id, pb) : rc;
}

static enum err
new_request(struct app *app, const struct request_args *a, struct buf *request,
            struct problem *pb)
{
    char digits[FINGERPRINT_LEN + 1];
    struct agency_card card;
    struct identity id = {0};
    struct buf text = {0};
    enum err rc = read_card(a->card, &card, &text, pb);

    if (rc == ERR_OK) {
        fill_identity(&id, a, &card);
        rc = make_request(&id, request, pb);
    }
    if (rc == ERR_OK)
        rc = office_new_vault(app, pb);
    if (rc == ERR_OK)
        rc = keep(app, &id, request, &text, pb);
    if (rc == ERR_OK) {
        fingerprint(digits, &card.network_id, &card.root, card.name);
        out_line(app,
                 "This will be a device of %s.  Its digits, which "
                 "`sealpost agency show` must show there too:\n    %s",
                 card.name, digits);
        json_put_str(app->result, "agency", card.name);
        json_put_str(app->result, "digits", digits);
        json_put_hex(app->result, "device_id", id.device.b, 16);
    }
    buf_clear(&text);
    identity_clear(&id);
    return rc;
}

/* A later device that waits for its signature, or a problem. */
static enum err
load_waiting(struct app *app, struct identity *id, struct problem *pb)
{
    enum err rc = app_unlock(app, pb);

    if (rc == ERR_OK)
        rc = identity_load(app, id, pb);
    if (rc == ERR_OK && id->state == IDENTITY_WAITING && joining_by_invite(id))
        return problem_set(pb, P_STATE, ERR_STATE,
                           "this machine joins by an invite",
                           "it waits for the registrar, not for its agency");
    return rc;
}

static enum err
old_request(struct app *app, struct buf *request, struct problem *pb)
{
    struct identity id = {0};
    enum err rc = load_waiting(app, &id, pb);

    if (rc == ERR_OK)
        rc = shelf_get_raw(app, REC_STATEMENT, shelf_one, request, pb);
    if (rc == ERR_NOTFOUND)
        (void)problem_set(pb, P_STATE, rc, "no request waits here",
                          "this machine has not asked for anything, or is "
                          "admitted already");
    identity_clear(&id);
    return rc;
}

static int
device_request(struct app *app, int argc, char **argv)
{
    char check[DEVICE_CHECK_LEN + 1];
    struct request_args a = {0};
    struct problem pb = {0};
    struct buf request = {0};
    enum err rc = parse(argc, argv, &a, &pb);

    if (rc == ERR_OK)
        rc = a.card != NULL ? new_request(app, &a, &request, &pb)
                            : old_request(app, &request, &pb);
    if (rc == ERR_OK)
        rc = office_write_file(a.out, &request, &pb);
    if (rc != ERR_OK) {
        buf_clear(&request);
        return app_fail(app, &pb);
    }
    device_request_check(check, request.data, request.len);
    buf_clear(&request);
    out_line(app,
             "The request is in %s.  Its check, to read out when it is "
             "signed:\n    %s",
             a.out, check);
    json_put_str(app->result, "state", "waiting");
    json_put_str(app->result, "check", check);
    json_put_str(app->result, "file", a.out);
    out_next(app,
             "take it to a machine of your agency: sealpost agency sign %s -o "
             "signed.spost",
             a.out);
    return EXIT_CODE_OK;
}

/* ---- install ---- */

static enum err
stored_card(struct app *app, struct agency_card *card, struct problem *pb)
{
    struct buf text = {0};
    enum err rc = shelf_get_raw(app, REC_CARD, shelf_one, &text, pb);

    if (rc == ERR_OK)
        rc = agency_card_parse(card, (const char *)text.data, text.len);
    buf_clear(&text);
    return problem_from_err(pb, "the agency's card is not in the vault", rc);
}

/* One statement of the answer.  A MAILBOX that has this device names our
 * mailbox; a DEVICE must be ours. */
static enum err
check_statement(struct identity *id, const struct agency_card *card,
                const struct statement *st, bool *found)
{
    const struct stmt_mailbox *m = &st->body.mailbox;

    if (!id_eq(&st->issuer, &card->agency) || st->n_sig != 1 ||
        stmt_sig_check(st, 0, &card->root) != ERR_OK)
        return ERR_VERIFY;
    if (st->kind == STMT_DEVICE)
        return id_eq(&st->body.device.sign_key, &id->sign.pub) ? ERR_OK
                                                               : ERR_CONFLICT;
    for (unsigned i = 0; st->kind == STMT_MAILBOX && i < m->n; i++)
        if (id_eq(&m->devices[i], &id->device)) {
            id->mailbox = m->mailbox;
            *found = true;
        }
    return ERR_OK;
}

static enum err
check_answer(struct identity *id, const struct agency_card *card,
             const struct buf *answer, struct problem *pb)
{
    struct stmt_bundle bundle;
    const uint8_t *bytes;
    bool found = false;
    size_t len;
    enum err rc = stmt_bundle_open(&bundle, answer->data, answer->len);

    while (rc == ERR_OK && stmt_bundle_next(&bundle, &bytes, &len)) {
        struct statement st;

        rc = stmt_parse(&st, bytes, len);
        if (rc == ERR_OK)
            rc = check_statement(id, card, &st, &found);
    }
    if (rc == ERR_OK && !found)
        rc = ERR_CONFLICT;
    if (rc == ERR_OK)
        return rc;
    (void)problem_set(pb, P_VERIFY, rc, "the signed file cannot be used", "%s",
                      rc == ERR_CONFLICT ? "it is for another device"
                      : rc == ERR_VERIFY
                          ? "it is not signed by the root on your agency's card"
                          : "it holds no signed statements");
    problem_next(pb, "ask for the file that `sealpost agency sign` made from "
                     "this machine's own request");
    return rc;
}

static enum err
keep_answer(struct app *app, const struct identity *id,
            const struct buf *answer, struct problem *pb)
{
    uint8_t record[16];
    enum err rc = shelf_begin(app, pb);

    if (rc != ERR_OK)
        return rc;
    shelf_number(record, JOINING_ANSWER);
    shelf_put_raw(app, REC_STATEMENT, record, answer->data, answer->len);
    rc = shelf_end(app, ERR_OK, pb);
    return rc == ERR_OK ? identity_save(app, id, pb) : rc;
}

static enum err
install(struct app *app, const char *path, struct identity *id,
        struct problem *pb)
{
    struct agency_card card;
    struct buf answer = {0};
    enum err rc = office_read_file(path, ANSWER_MAX, &answer, pb);

    if (rc == ERR_OK)
        rc = stored_card(app, &card, pb);
    if (rc == ERR_OK)
        rc = check_answer(id, &card, &answer, pb);
    if (rc == ERR_OK)
        rc = keep_answer(app, id, &answer, pb);
    buf_clear(&answer);
    return rc;
}

static int
device_install(struct app *app, int argc, char **argv)
{
    const char *path = NULL;
    struct problem pb = {0};
    struct identity id = {0};
    size_t n;
    int code;
    enum err rc = args_parse(argc, argv, NULL, 0, &path, 1, &n, &pb);

    if (rc == ERR_OK && n != 1)
        rc = args_missing(&pb, "device install needs the FILE that your "
                               "agency signed");
    if (rc == ERR_OK)
        rc = load_waiting(app, &id, &pb);
    if (rc == ERR_OK && id.state == IDENTITY_WAITING)
        rc = install(app, path, &id, &pb);
    code = rc == ERR_OK ? joining_report(app, &id, &pb) : app_fail(app, &pb);
    identity_clear(&id);
    return code;
}

static const struct verb verbs[] = {
    {"request", device_request},
    {"install", device_install},
};

int
cmd_device(struct app *app, int argc, char **argv)
{
    return verbs_run(app, "device", argc, argv, VERBS(verbs));
}
