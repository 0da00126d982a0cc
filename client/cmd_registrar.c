/*
 * cmd_registrar.c - `sealpost registrar ...`: found the network, invite, admit,
 * suspend; with --export and sign/import the key may stay on another machine.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/args.h"
#include "client/commands.h"
#include "client/joins.h"
#include "client/office.h"
#include "client/records.h"
#include "client/registrar.h"
#include "common/bytes.h"
#include "common/clock.h"
#include "common/text.h"

enum { RETENTION_DAYS = 400 };

/* ---- init ---- */

struct init_args {
    const char *card, *name, *country, *mailbox, *device, *contact, *address;
    const char *out;
};

static enum err
parse_init(int argc, char **argv, struct init_args *a, struct problem *pb)
{
    const struct arg table[] = {
        {"--relay-card", ARG_TEXT, &a->card},
        {"--name", ARG_TEXT, &a->name},
        {"--country", ARG_TEXT, &a->country},
        {"--mailbox", ARG_TEXT, &a->mailbox},
        {"--device", ARG_TEXT, &a->device},
        {"--contact", ARG_TEXT, &a->contact},
        {"--address", ARG_TEXT, &a->address},
        {"-o", ARG_TEXT, &a->out},
    };
    size_t n;
    enum err rc = args_parse(argc, argv, ARGS(table), NULL, 0, &n, pb);

    if (rc == ERR_OK && (a->card == NULL || a->name == NULL ||
                         a->country == NULL || strlen(a->country) != 2))
        rc = problem_set(pb, P_USAGE, ERR_MALFORMED,
                         "the command is not complete",
                         "registrar init needs --relay-card FILE, --name NAME "
                         "and --country CC (two letters)");
    return rc;
}

static enum err
read_card(const char *path, struct relay_card *card, struct problem *pb)
{
    struct buf b = {0};
    enum err rc = office_read_file(path, LIMIT_RELAY_CARD, &b, pb);

    if (rc == ERR_OK) {
        rc = relay_card_parse(card, (const char *)b.data, b.len);
        if (rc != ERR_OK)
            (void)problem_set(pb, P_FILE, rc, "the relay card was not read",
                              rc == ERR_VERIFY
                                  ? "its check does not fit: it was changed "
                                    "or cut on the way"
                                  : "there is no relay card in %.200s",
                              path);
    }
    buf_clear(&b);
    return rc;
}

static enum err
found(struct app *app, const struct init_args *a, const struct relay_card *card,
      struct buf *genesis, struct problem *pb)
{
    struct founding f = {
        .card = card,
        .address = a->address != NULL ? a->address : card->address,
        .name = a->name,
        .country = a->country,
        .mailbox_label = a->mailbox != NULL ? a->mailbox : "Registry",
        .device_label = a->device != NULL ? a->device : "Registrar's desk",
        .contact = a->contact != NULL ? a->contact : "",
        .retention_days = RETENTION_DAYS,
    };
    struct identity id = {0};
    struct sign_secret key;
    uint8_t seed[32];
    enum err rc;

    crypto_random(seed, sizeof(seed));
    sign_keypair_from_seed(&key, seed);
    rc = registrar_found(&f, &key, &id, genesis, pb);
    if (rc == ERR_OK)
        rc = office_new_vault(app, pb);
    if (rc == ERR_OK)
        rc = office_keep_seed(app, REC_REGISTRAR, seed, pb);
    if (rc == ERR_OK)
        rc = office_keep_seed(app, REC_ROOT, seed, pb);
    if (rc == ERR_OK)
        rc = identity_save(app, &id, pb);
    if (rc == ERR_OK)
        rc = office_show_paper(app, "The registrar's key.", seed, pb);
    json_put_hex(app->result, "network_id", id.network_id.b, 32);
    crypto_wipe(seed, sizeof(seed));
    crypto_wipe(&key, sizeof(key));
    identity_clear(&id);
    return rc;
}

static int
registrar_init(struct app *app, int argc, char **argv)
{
    struct problem pb = {0};
    struct init_args a = {.out = "genesis.spost"};
    struct relay_card card;
    struct buf genesis = {0};
    enum err rc = parse_init(argc, argv, &a, &pb);

    if (rc == ERR_OK)
        rc = read_card(a.card, &card, &pb);
    if (rc == ERR_OK && a.address == NULL && card.address[0] == '\0')
        rc = problem_set(&pb, P_USAGE, ERR_MALFORMED,
                         "the network was not founded",
                         "the card names no address: give --address HOST:PORT");
    if (rc == ERR_OK)
        rc = found(app, &a, &card, &genesis, &pb);
    if (rc == ERR_OK)
        rc = office_write_file(a.out, &genesis, &pb);
    buf_clear(&genesis);
    if (rc != ERR_OK)
        return app_fail(app, &pb);
    out_line(app, "The network is founded; its first statements are in %s.",
             a.out);
    json_put_str(app->result, "genesis", a.out);
    out_next(app,
             "give %s to the relay's operator: sealpostd genesis %s "
             "--data DIR",
             a.out, a.out);
    return EXIT_CODE_OK;
}

/* ---- invite ---- */

static enum err
new_invite(struct office *o, unsigned long days, struct buf *text,
           struct problem *pb)
{
    struct invite inv = {0};
    struct hash code_hash;
    const struct msg *answer;
    enum err rc;

    inv.network_id = o->id.network_id;
    inv.relay_key = o->id.relay_key;
    crypto_random(inv.code, sizeof(inv.code));
    inv.expiry_s = clock_wall_ms() / 1000 + days * 86400;
    (void)snprintf(inv.relay_name, sizeof(inv.relay_name), "%.64s",
                   o->id.relay_name);
    (void)snprintf(inv.address, sizeof(inv.address), "%s", o->id.relay_address);
    invite_code_hash(&code_hash, inv.code);
    rc = invite_make(text, &inv);
    if (rc != ERR_OK)
        (void)problem_from_err(pb, "the invite was not made", rc);
    if (rc == ERR_OK) {
        struct msg_field f[] = {
            [INVITE_NEW_CODE_HASH] = msg_bin(code_hash.b, 32),
            [INVITE_NEW_EXPIRY] = msg_u(inv.expiry_s),
        };
        rc = upstream_call(o->up, MSG_INVITE_NEW, f, 2, MSG_OK, &answer, NULL,
                           pb);
    }
    invite_clear(&inv);
    return rc;
}

static int
registrar_invite(struct app *app, int argc, char **argv)
{
    const char *days_text = "14";
    const char *out = NULL;
    const struct arg table[] = {{"--days", ARG_TEXT, &days_text},
                                {"-o", ARG_TEXT, &out}};
    struct problem pb = {0};
    struct office o = {0};
    struct buf text = {0};
    unsigned long days = 0;
    size_t n;
    enum err rc = args_parse(argc, argv, ARGS(table), NULL, 0, &n, &pb);

    if (rc == ERR_OK)
        rc = args_number(days_text, "--days", 1, LIMIT_INVITE_DAYS, &days, &pb);
    if (rc == ERR_OK)
        rc = office_open(app, OFFICE_ONLINE, &o, &pb);
    if (rc == ERR_OK)
        rc = new_invite(&o, days, &text, &pb);
    if (rc == ERR_OK && out != NULL)
        rc = office_write_file(out, &text, &pb);
    if (rc == ERR_OK) {
        if (out == NULL)
            out_line(app, "%.*s", (int)text.len, (const char *)text.data);
        json_put_text(app->result, "invite", text.data, text.len);
        out_note(app,
                 "One agency may use it, within %lu days. Hand it over in "
                 "person or by a channel you trust.",
                 days);
        out_next(app, "they run `sealpost join INVITE`, then you run `sealpost "
                      "registrar requests`");
    }
    buf_clear(&text);
    office_close(&o);
    return rc == ERR_OK ? EXIT_CODE_OK : app_fail(app, &pb);
}

/* ---- requests ---- */

static void
show_request(struct app *app, const struct join_entry *e, json_t *list)
{
    json_t *row = json_object();
    char when[CLOCK_TEXT_MAX];

    clock_format_local(when, e->received_s * 1000);
    json_put_hex(row, "request", e->code_hash.b, 8);
    json_put_text(row, "name", e->name, strlen(e->name));
    json_put_str(row, "country", e->country);
    json_put_str(row, "wished_class", agency_class_name(e->wished_class));
    json_put_str(row, "digits", e->digits);
    json_put_str(row, "received", when);
    (void)json_array_append_new(list, row);
    if (app->json)
        return;
    printf("  %02x%02x%02x%02x  ", e->code_hash.b[0], e->code_hash.b[1],
           e->code_hash.b[2], e->code_hash.b[3]);
    out_safe(app, e->name, strlen(e->name), false);
    printf(" (%s), wishes to be %s, since %s\n            digits %s\n",
           e->country, agency_class_name(e->wished_class), when, e->digits);
}

static int
registrar_requests(struct app *app, int argc, char **argv)
{
    struct problem pb = {0};
    struct office o = {0};
    struct joins joins = {0};
    json_t *list = json_array();
    size_t n;
    enum err rc = args_parse(argc, argv, NULL, 0, NULL, 0, &n, &pb);

    if (rc == ERR_OK)
        rc = office_open(app, OFFICE_ONLINE, &o, &pb);
    if (rc == ERR_OK)
        rc = joins_fetch(&o, &joins, &pb);
    for (size_t i = 0; rc == ERR_OK && i < joins.n; i++)
        show_request(app, &joins.list[i], list);
    json_put(app->result, "requests", list);
    if (rc == ERR_OK && joins.n == 0)
        out_line(app, "Nobody is waiting to be admitted.");
    if (rc == ERR_OK && joins.n > 0)
        out_next(app, "phone them, compare all 30 digits, then `sealpost "
                      "registrar admit ID --class CLASS`");
    joins_clear(&joins);
    office_close(&o);
    return rc == ERR_OK ? EXIT_CODE_OK : app_fail(app, &pb);
}

/* ---- statements of the registrar ---- */

/* Signs and publishes ST, or with EXPORT leaves it unsigned in that file. */
static enum err
issue(struct office *o, struct statement *st, const char *export,
      struct problem *pb)
{
    struct sign_secret key;
    struct buf bundle = {0};
    struct buf b = {0};
    enum err rc;

    if (!directory_registrar_id(roster_directory(o->roster), &st->issuer))
        return problem_set(pb, P_STATE, ERR_STATE, "nothing was issued",
                           "this vault has no directory yet");
    if (export == NULL) {
        rc = office_registrar_key(o->app, &key, pb);
        if (rc == ERR_OK)
            rc = office_publish(o, st, &key, pb);
        crypto_wipe(&key, sizeof(key));
        return rc;
    }
    rc = office_make(o, st, NULL, &b, pb);
    stmt_bundle_start(&bundle);
    if (rc == ERR_OK)
        rc = stmt_bundle_add(&bundle, b.data, b.len);
    if (rc == ERR_OK)
        rc = office_write_file(export, &bundle, pb);
    buf_clear(&b);
    buf_clear(&bundle);
    return rc;
}

static int
told(struct app *app, enum err rc, struct problem *pb, const char *export,
     const char *done)
{
    if (rc != ERR_OK)
        return app_fail(app, pb);
    if (export == NULL) {
        out_line(app, "%s", done);
        out_next(app, "sealpost contacts");
        return EXIT_CODE_OK;
    }
    out_line(app, "Written unsigned to %s.", export);
    out_next(app,
             "where the registrar's key is: sealpost registrar sign %s -o "
             "signed.spost; here: sealpost registrar import signed.spost",
             export);
    return EXIT_CODE_OK;
}

struct admit_args {
    const char *request, *class, *digits, *services, *scope, *export;
};

static enum err
parse_admit(int argc, char **argv, struct admit_args *a, struct problem *pb)
{
    const struct arg table[] = {
        {"--class", ARG_TEXT, &a->class},
        {"--digits", ARG_TEXT, &a->digits},
        {"--services", ARG_TEXT, &a->services},
        {"--scope", ARG_TEXT, &a->scope},
        {"--export", ARG_TEXT, &a->export},
    };
    size_t n;
    uint8_t class;
    enum err rc = args_parse(argc, argv, ARGS(table), &a->request, 1, &n, pb);

    if (rc == ERR_OK && (n != 1 || a->class == NULL ||
                         agency_class_from_name(&class, a->class) != ERR_OK))
        rc = problem_set(pb, P_USAGE, ERR_MALFORMED,
                         "the command is not complete",
                         "registrar admit needs the request's ID and --class "
                         "statutory, non_statutory, partner or auditor");
    return rc;
}

/* The phone call: what admits an agency is that somebody compared digits. */
static enum err
compare_digits(struct app *app, const struct join_entry *e, const char *digits,
               struct problem *pb)
{
    char question[200];
    bool yes = false;
    enum err rc;

    if (digits != NULL)
        return fingerprint_is(e->digits, digits)
                   ? ERR_OK
                   : problem_set(pb, P_VERIFY, ERR_VERIFY,
                                 "the digits do not agree",
                                 "the request carries %s", e->digits);
    (void)snprintf(question, sizeof(question),
                   "Did %.60s read you the digits %s over the phone?", e->name,
                   e->digits);
    rc = app_confirm(app, question, &yes, pb);
    if (rc == ERR_OK && !yes)
        rc = problem_set(pb, P_NEEDS_YES, ERR_CANCELLED, "nobody was admitted",
                         "the digits were not compared");
    return rc;
}

static enum err
admit(struct office *o, const struct admit_args *a, const struct join_entry *e,
      struct problem *pb)
{
    struct statement st = {0};
    char services[LIMIT_SERVICES + 1];

    (void)snprintf(services, sizeof(services), "%s%s%s%s",
                   a->services != NULL ? a->services : "",
                   a->services != NULL && a->scope != NULL ? "\n" : "",
                   a->scope != NULL ? "scope " : "",
                   a->scope != NULL ? a->scope : "");
    join_request_admit(&st, &e->request);
    (void)agency_class_from_name(&st.body.admit.class, a->class);
    if (st.body.admit.class == CLASS_AUDITOR && a->scope == NULL)
        (void)snprintf(services, sizeof(services),
                       "scope agencies=* from=* to=*");
    st.body.admit.services = text_ref(services);
    return issue(o, &st, a->export, pb);
}

static int
registrar_admit(struct app *app, int argc, char **argv)
{
    struct problem pb = {0};
    struct admit_args a = {0};
    struct office o = {0};
    struct joins joins = {0};
    const struct join_entry *e = NULL;
    enum err rc = parse_admit(argc, argv, &a, &pb);

    if (rc == ERR_OK)
        rc = office_open(app, OFFICE_ONLINE, &o, &pb);
    if (rc == ERR_OK)
        rc = joins_fetch(&o, &joins, &pb);
    if (rc == ERR_OK)
        rc = joins_find(&joins, a.request, &e, &pb);
    if (rc == ERR_OK)
        rc = compare_digits(app, e, a.digits, &pb);
    if (rc == ERR_OK)
        rc = admit(&o, &a, e, &pb);
    joins_clear(&joins);
    office_close(&o);
    return told(app, rc, &pb, a.export, "Admitted.");
}

static int
registrar_refuse(struct app *app, int argc, char **argv)
{
    const char *reason = NULL;
    const char *request = NULL;
    const struct arg table[] = {{"--reason", ARG_TEXT, &reason}};
    struct problem pb = {0};
    struct office o = {0};
    struct joins joins = {0};
    const struct join_entry *e = NULL;
    const struct msg *answer;
    size_t n;
    enum err rc = args_parse(argc, argv, ARGS(table), &request, 1, &n, &pb);

    if (rc == ERR_OK && (n != 1 || reason == NULL || strlen(reason) > 200))
        rc = problem_set(&pb, P_USAGE, ERR_MALFORMED,
                         "the command is not complete",
                         "registrar refuse needs the request's ID and --reason "
                         "TEXT (one sentence)");
    if (rc == ERR_OK)
        rc = office_open(app, OFFICE_ONLINE, &o, &pb);
    if (rc == ERR_OK)
        rc = joins_fetch(&o, &joins, &pb);
    if (rc == ERR_OK)
        rc = joins_find(&joins, request, &e, &pb);
    if (rc == ERR_OK) {
        struct msg_field f[] = {
            [JOIN_REFUSE_CODE_HASH] = msg_bin(e->code_hash.b, 32),
            [JOIN_REFUSE_REASON] = msg_str(reason),
        };
        rc = upstream_call(o.up, MSG_JOIN_REFUSE, f, 2, MSG_OK, &answer, NULL,
                           &pb);
    }
    joins_clear(&joins);
    office_close(&o);
    return told(app, rc, &pb, NULL, "Refused; they are told why.");
}

static enum err
find_agency(struct office *o, const char *name, struct agency_id *out,
            struct problem *pb)
{
    const struct dir_agency *a = NULL;

    if (directory_find_agency(roster_directory(o->roster), name, &a) !=
            ERR_OK &&
        (strlen(name) != 32 || hex_decode(out->b, 16, name) != ERR_OK ||
         (a = directory_agency(roster_directory(o->roster), out)) == NULL))
        return problem_set(pb, P_RECIPIENT_UNKNOWN, ERR_NOTFOUND,
                           "there is no such agency",
                           "\"%.80s\" is not in "
                           "the directory",
                           name);
    *out = a->id;
    return ERR_OK;
}

static enum err
fill_target(struct office *o, struct statement *st, const char *target,
            struct problem *pb)
{
    if (st->kind == STMT_SUSPEND)
        return find_agency(o, target, &st->body.suspend.agency, pb);
    st->body.stop_device.since_s = clock_wall_ms() / 1000;
    if (hex_decode(st->body.stop_device.device.b, 16, target) == ERR_OK)
        return ERR_OK;
    return problem_set(pb, P_NOT_FOUND, ERR_NOTFOUND,
                       "that is not a device's id",
                       "it has 32 hexadecimal digits; `sealpost contacts "
                       "--json` lists them");
}

static int
registrar_issue(struct app *app, int argc, char **argv, struct statement *st,
                const char *done)
{
    const char *export = NULL;
    const char *target = NULL;
    const struct arg table[] = {{"--export", ARG_TEXT, &export}};
    struct problem pb = {0};
    struct office o = {0};
    size_t n;
    enum err rc = args_parse(argc, argv, ARGS(table), &target, 1, &n, &pb);

    if (rc == ERR_OK && n != 1)
        rc = problem_set(&pb, P_USAGE, ERR_MALFORMED,
                         "the command is not complete", "%s needs %s", argv[0],
                         st->kind == STMT_SUSPEND ? "an agency"
                                                  : "a device's id");
    if (rc == ERR_OK)
        rc = office_open(app, OFFICE_ONLINE, &o, &pb);
    if (rc == ERR_OK)
        rc = fill_target(&o, st, target, &pb);
    if (rc == ERR_OK)
        rc = issue(&o, st, export, &pb);
    office_close(&o);
    return told(app, rc, &pb, export, done);
}

static int
registrar_suspend(struct app *app, int argc, char **argv)
{
    struct statement st = {.kind = STMT_SUSPEND};

    st.body.suspend.state = 1;
    return registrar_issue(app, argc, argv, &st,
                           "Suspended: nothing is handed to them any more.");
}

static int
registrar_resume(struct app *app, int argc, char **argv)
{
    struct statement st = {.kind = STMT_SUSPEND};

    return registrar_issue(app, argc, argv, &st, "The suspension is lifted.");
}

static int
registrar_stop(struct app *app, int argc, char **argv)
{
    struct statement st = {.kind = STMT_STOP_DEVICE};

    return registrar_issue(app, argc, argv, &st,
                           "Stopped: the device gets nothing any more.");
}

/* ---- the key on another machine ---- */

static enum err
sign_bundle(struct app *app, const struct buf *in, struct buf *out,
            struct problem *pb)
{
    struct sign_secret key;
    struct stmt_bundle bundle;
    const uint8_t *bytes;
    size_t len;
    enum err rc = office_registrar_key(app, &key, pb);

    if (rc == ERR_OK &&
        (rc = stmt_bundle_open(&bundle, in->data, in->len)) != ERR_OK)
        (void)problem_set(pb, P_FILE, rc, "nothing was signed",
                          "the file holds no statements");
    stmt_bundle_start(out);
    while (rc == ERR_OK && stmt_bundle_next(&bundle, &bytes, &len)) {
        struct statement st;
        struct buf b = {0};

        rc = stmt_parse(&st, bytes, len);
        if (rc == ERR_OK)
            out_line(app, "  signing: %s",
                     stmt_kind_info(st.kind) == NULL
                         ? "unknown kind"
                         : stmt_kind_info(st.kind)->what);
        buf_put(&b, bytes, len);
        if (rc == ERR_OK)
            rc = stmt_sign(&b, &key);
        if (rc == ERR_OK)
            rc = stmt_bundle_add(out, b.data, b.len);
        buf_clear(&b);
        if (rc != ERR_OK)
            (void)problem_set(pb, P_FILE, rc, "nothing was signed",
                              rc == ERR_EXISTS ? "this key has signed already"
                                               : "a statement in the file is "
                                                 "not well formed");
    }
    crypto_wipe(&key, sizeof(key));
    return rc;
}

static int
registrar_sign(struct app *app, int argc, char **argv)
{
    const char *out = NULL;
    const char *path = NULL;
    const struct arg table[] = {{"-o", ARG_TEXT, &out}};
    struct problem pb = {0};
    struct buf in = {0};
    struct buf signed_ = {0};
    size_t n;
    enum err rc = args_parse(argc, argv, ARGS(table), &path, 1, &n, &pb);

    if (rc == ERR_OK && (n != 1 || out == NULL))
        rc = problem_set(&pb, P_USAGE, ERR_MALFORMED,
                         "the command is not complete",
                         "registrar sign needs FILE and -o FILE");
    if (rc == ERR_OK)
        rc = office_read_file(path, 1 << 20, &in, &pb);
    if (rc == ERR_OK)
        rc = app_unlock(app, &pb);
    if (rc == ERR_OK)
        rc = sign_bundle(app, &in, &signed_, &pb);
    if (rc == ERR_OK)
        rc = office_write_file(out, &signed_, &pb);
    buf_clear(&in);
    buf_clear(&signed_);
    if (rc != ERR_OK)
        return app_fail(app, &pb);
    out_next(app,
             "on a machine with a connection: sealpost registrar import "
             "%s",
             out);
    return EXIT_CODE_OK;
}

static enum err
put_bundle(struct office *o, const struct buf *in, size_t *count,
           struct problem *pb)
{
    struct stmt_bundle bundle;
    const uint8_t *bytes;
    size_t len;
    enum err rc = stmt_bundle_open(&bundle, in->data, in->len);

    if (rc != ERR_OK)
        return problem_set(pb, P_FILE, rc, "nothing was imported",
                           "the file holds no statements");
    while (rc == ERR_OK && stmt_bundle_next(&bundle, &bytes, &len)) {
        struct buf b = {0};

        buf_put(&b, bytes, len);
        rc = buf_status(&b);
        if (rc == ERR_OK)
            rc = office_put(o, &b, pb);
        buf_clear(&b);
        *count += rc == ERR_OK;
    }
    return rc;
}

static int
registrar_import(struct app *app, int argc, char **argv)
{
    const char *path = NULL;
    struct problem pb = {0};
    struct office o = {0};
    struct buf in = {0};
    size_t count = 0;
    size_t n;
    enum err rc = args_parse(argc, argv, NULL, 0, &path, 1, &n, &pb);

    if (rc == ERR_OK && n != 1)
        rc = problem_set(&pb, P_USAGE, ERR_MALFORMED,
                         "the command is not complete",
                         "registrar import needs a FILE");
    if (rc == ERR_OK)
        rc = office_read_file(path, 1 << 20, &in, &pb);
    if (rc == ERR_OK)
        rc = office_open(app, OFFICE_ONLINE, &o, &pb);
    if (rc == ERR_OK)
        rc = put_bundle(&o, &in, &count, &pb);
    buf_clear(&in);
    office_close(&o);
    json_put_u64(app->result, "published", count);
    return told(app, rc, &pb, NULL, "Published.");
}

/* ---- the table ---- */

static const struct {
    const char *name;
    command_fn *run;
} verbs[] = {
    {"init", registrar_init},         {"invite", registrar_invite},
    {"requests", registrar_requests}, {"admit", registrar_admit},
    {"refuse", registrar_refuse},     {"suspend", registrar_suspend},
    {"resume", registrar_resume},     {"stop-device", registrar_stop},
    {"sign", registrar_sign},         {"import", registrar_import},
};

int
cmd_registrar(struct app *app, int argc, char **argv)
{
    for (size_t i = 0; argc > 1 && i < sizeof(verbs) / sizeof(verbs[0]); i++)
        if (strcmp(argv[1], verbs[i].name) == 0)
            return verbs[i].run(app, argc - 1, argv + 1);
    return app_usage(app, "registrar needs one of: init invite requests admit "
                          "refuse suspend resume stop-device sign import");
}
