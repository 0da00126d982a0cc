/*
 * cmd_join.c - `sealpost join INVITE ...` and `sealpost join --status`.
 */
#include <stdio.h>
#include <string.h>

#include "client/args.h"
#include "client/commands.h"
#include "client/joining.h"
#include "client/office.h"
#include "client/records.h"
#include "client/vault.h"
#include "common/clock.h"
#include "common/os.h"
#include "common/text.h"
#include "proto/invite.h"

struct join_args {
    const char *invite, *name, *country, *class, *mailbox, *device, *contact;
    bool keep_root, status;
};

static enum err
parse(int argc, char **argv, struct join_args *a, struct problem *pb)
{
    const struct arg table[] = {
        {"--name", ARG_TEXT, &a->name},
        {"--country", ARG_TEXT, &a->country},
        {"--class", ARG_TEXT, &a->class},
        {"--mailbox", ARG_TEXT, &a->mailbox},
        {"--device", ARG_TEXT, &a->device},
        {"--contact", ARG_TEXT, &a->contact},
        {"--keep-root", ARG_FLAG, &a->keep_root},
        {"--status", ARG_FLAG, &a->status},
    };
    uint8_t class;
    const char *why;
    size_t n;
    enum err rc = args_parse(argc, argv, ARGS(table), &a->invite, 1, &n, pb);

    if (rc != ERR_OK || a->status)
        return rc;
    if (n != 1 || a->name == NULL || a->country == NULL)
        return problem_set(pb, P_USAGE, ERR_MALFORMED,
                           "the command is not complete",
                           "join needs the INVITE, --name NAME and --country "
                           "CC");
    why = text_name_problem(a->name, LIMIT_AGENCY_NAME);
    if (why != NULL)
        return problem_set(pb, P_USAGE, ERR_MALFORMED,
                           "the agency cannot have that name", "it %s", why);
    if (strlen(a->country) != 2 || a->country[0] < 'A' || a->country[0] > 'Z' ||
        a->country[1] < 'A' || a->country[1] > 'Z')
        return problem_set(pb, P_USAGE, ERR_MALFORMED,
                           "that is not a country's code",
                           "--country takes two capital letters, such as GB, "
                           "BE or FR");
    if (agency_class_from_name(&class, a->class) != ERR_OK)
        return problem_set(pb, P_USAGE, ERR_MALFORMED,
                           "there is no such class of agency",
                           "--class is statutory, non_statutory, partner or "
                           "auditor");
    return ERR_OK;
}

static enum err
read_invite(const char *text, struct invite *inv, struct problem *pb)
{
    char until[CLOCK_TEXT_MAX];
    enum err rc = invite_parse(inv, text, clock_wall_ms() / 1000);

    switch (rc) {
    case ERR_OK:
        return rc;
    case ERR_EXPIRED:
        clock_format_local(until, inv->expiry_s * 1000);
        return problem_set(pb, P_INVITE_EXPIRED, rc, "the invite has expired",
                           "it was valid until %s", until);
    case ERR_VERIFY:
        return problem_set(pb, P_INVITE, rc, "the invite is mistyped or cut",
                           "its check does not fit");
    case ERR_VERSION:
        return problem_set(pb, P_NEWER_NEEDED, rc, "the invite cannot be read",
                           "a newer version of sealpost made it");
    default:
        return problem_set(pb, P_INVITE, rc, "that is not an invite",
                           "an invite starts with sealpost1-");
    }
}

static void
fill_identity(struct identity *id, const struct join_args *a,
              const struct invite *inv, const struct sign_secret *root)
{
    id->state = IDENTITY_WAITING;
    id->network_id = inv->network_id;
    memcpy(id->invite_code, inv->code, sizeof(id->invite_code));
    (void)snprintf(id->agency_name, sizeof(id->agency_name), "%s", a->name);
    (void)snprintf(id->device_label, sizeof(id->device_label), "%s", a->device);
    office_set_relay(id, inv->relay_name, inv->address, &inv->relay_key);
    agency_id_of(&id->agency, &root->pub);
    crypto_random(id->mailbox.b, sizeof(id->mailbox.b));
    office_new_device(id);
}

static enum err
make_request(const struct join_args *a, const struct identity *id,
             const struct sign_secret *root, struct buf *out,
             struct problem *pb)
{
    struct dh_key transport;
    struct join_form form = {
        .network_id = &id->network_id,
        .root = root,
        .time_s = clock_wall_ms() / 1000,
        .country = a->country,
        .name = a->name,
        .device_key = &id->sign,
        .device_transport_key = &transport,
        .device_label = id->device_label,
        .mailbox = &id->mailbox,
        .mailbox_label = a->mailbox,
        .contact = a->contact,
    };
    enum err rc;

    form.device_not_after_s = office_device_until_s();
    (void)agency_class_from_name(&form.wished_class, a->class);
    dh_public(&transport, &id->transport);
    rc = join_request_make(out, &form);
    if (rc == ERR_OK)
        return rc;
    return problem_set(pb, P_USAGE, rc, "the request was not made",
                       "a name, label or contact is too long or has "
                       "characters that it may not have");
}

/* All of it in one transaction: there is no half-joined vault. */
static enum err
keep(struct app *app, const struct identity *id, const struct buf *request,
     const uint8_t root_seed[32], struct problem *pb)
{
    static const uint8_t zero[VAULT_ID_LEN];
    enum err rc = vault_begin(app->vault);

    if (rc == ERR_OK)
        rc = vault_put(app->vault, REC_ROOT, zero, root_seed, 32);
    if (rc == ERR_OK)
        rc = vault_put(app->vault, REC_STATEMENT, zero, request->data,
                       request->len);
    if (rc == ERR_OK)
        rc = vault_commit(app->vault);
    else
        vault_abort(app->vault);
    if (rc != ERR_OK)
        return problem_from_err(pb, "the vault was not written", rc);
    return identity_save(app, id, pb);
}

static enum err
erase_root(struct app *app, struct problem *pb)
{
    static const uint8_t zero[VAULT_ID_LEN];
    enum err rc = vault_begin(app->vault);

    if (rc == ERR_OK)
        rc = vault_delete(app->vault, REC_ROOT, zero, VAULT_SHRED_NOW);
    if (rc == ERR_OK)
        rc = vault_commit(app->vault);
    else
        vault_abort(app->vault);
    return problem_from_err(pb, "the root was not erased", rc);
}

static enum err
settle_root(struct app *app, const struct join_args *a, const uint8_t seed[32],
            struct problem *pb)
{
    enum err rc;

    if (a->keep_root) {
        out_note(app, "The agency's root stays in this vault (--keep-root): "
                      "fine for a trial, not for casework.");
        return ERR_OK;
    }
    rc = office_show_paper(app,
                           "The root of your agency: whoever has it decides "
                           "which devices are yours.",
                           seed, pb);
    if (rc == ERR_OK)
        rc = erase_root(app, pb);
    if (rc == ERR_OK)
        out_note(app, "The root is on your paper only: it is erased from "
                      "this machine.");
    return rc;
}

/* ---- how it stands ---- */

static int
join_status(struct app *app)
{
    struct problem pb = {0};
    struct identity id = {0};
    enum err rc = app_unlock(app, &pb);
    int code;

    if (rc == ERR_OK)
        rc = identity_load(app, &id, &pb);
    code = rc == ERR_OK ? joining_report(app, &id, &pb) : app_fail(app, &pb);
    identity_clear(&id);
    return code;
}

int
cmd_join(struct app *app, int argc, char **argv)
{
    struct join_args a = {.class = "non_statutory",
                          .mailbox = "Referrals",
                          .device = "First desk",
                          .contact = ""};
    struct problem pb = {0};
    struct invite inv = {0};
    struct identity id = {0};
    struct sign_secret root = {0};
    struct buf request = {0};
    uint8_t seed[32];
    int code = EXIT_CODE_OK;
    enum err rc = parse(argc, argv, &a, &pb);

    if (rc == ERR_OK && a.status)
        return join_status(app);
    crypto_random(seed, sizeof(seed));
    sign_keypair_from_seed(&root, seed);
    if (rc == ERR_OK)
        rc = read_invite(a.invite, &inv, &pb);
    if (rc == ERR_OK) {
        fill_identity(&id, &a, &inv, &root);
        rc = make_request(&a, &id, &root, &request, &pb);
    }
    if (rc == ERR_OK)
        rc = office_new_vault(app, &pb);
    if (rc == ERR_OK)
        rc = keep(app, &id, &request, seed, &pb);
    if (rc == ERR_OK)
        rc = settle_root(app, &a, seed, &pb);
    code = rc == ERR_OK ? joining_report(app, &id, &pb) : app_fail(app, &pb);
    crypto_wipe(seed, sizeof(seed));
    crypto_wipe(&root, sizeof(root));
    invite_clear(&inv);
    identity_clear(&id);
    buf_clear(&request);
    return code;
}
