/*
 * cmd_registrar.c - `sealpost registrar ...`: found the network, invite, see
 * who asks, admit or refuse.  The rest is in cmd_registrar_issue.c.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/args.h"
#include "client/cmd_registrar.h"
#include "client/joins.h"
#include "client/office.h"
#include "client/records.h"
#include "client/registrar.h"
#include "client/verbs.h"
#include "common/clock.h"
#include "common/os.h"

enum { RETENTION_DAYS = 400, RETENTION_DAYS_MAX = 36500 };

/* ---- init ---- */

struct init_args {
    const char *card, *name, *country, *mailbox, *device, *contact, *address;
    const char *out, *retention;
    unsigned long retention_days;
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
        {"--retention", ARG_TEXT, &a->retention},
        {"-o", ARG_TEXT, &a->out},
    };
    size_t n;
    enum err rc = args_parse(argc, argv, ARGS(table), NULL, 0, &n, pb);

    if (rc == ERR_OK && (a->card == NULL || a->name == NULL ||
                         a->country == NULL || strlen(a->country) != 2))
        rc = args_missing(pb,
                          "registrar init needs --relay-card FILE, --name NAME "
                          "and --country CC (two letters)");
    a->retention_days = RETENTION_DAYS;
    if (rc == ERR_OK && a->retention != NULL)
        rc = args_number(a->retention, "--retention", 1, RETENTION_DAYS_MAX,
                         &a->retention_days, pb);
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
        .retention_days = (uint32_t)a->retention_days,
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
    if (rc == ERR_OK && os_exists(a.out)) /* before there is a vault */
        rc = problem_set(&pb, P_FILE_EXISTS, ERR_EXISTS,
                         "the network was not founded",
                         "%.200s is there already", a.out);
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
        if (out == NULL) {
            out_line(app, "%.*s", (int)text.len, (const char *)text.data);
            buf_u8(&text, 0);
            if (buf_status(&text) == ERR_OK) {
                office_show_qr(app, (const char *)text.data);
                text.len--;
            }
        }
        json_put_text(app->result, "invite", text.data, text.len);
        out_note(app,
                 "One agency may use it, within %lu days. Hand it over in "
                 "person or by a channel you trust.",
                 days);
        out_next(app, "they run `sealpost join INVITE --name NAME --country "
                      "CC`, then you run `sealpost registrar requests`");
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
    if (rc == ERR_OK && joins.n == 0) {
        out_line(app, "Nobody is waiting to be admitted.");
        out_next(app, "sealpost registrar invite");
    } else if (rc == ERR_OK)
        out_next(app, "phone them, compare all 30 digits, then `sealpost "
                      "registrar admit ID --class CLASS`");
    joins_clear(&joins);
    office_close(&o);
    return rc == ERR_OK ? EXIT_CODE_OK : app_fail(app, &pb);
}

/* ---- admit, refuse ---- */

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
        rc = args_missing(pb,
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
    if (st.body.admit.class == CLASS_AUDITOR && a->scope == NULL) {
        (void)snprintf(services, sizeof(services),
                       "scope agencies=* from=* to=*");
        out_note(o->app, "It may read the deliveries of every agency, at any "
                         "time; --scope narrows that.");
    }
    st.body.admit.services = text_ref(services);
    return registrar_issue(o, &st, a->export, pb);
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
    return registrar_told(app, rc, &pb, a.export, "Admitted.");
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
        rc = args_missing(
            &pb, "registrar refuse needs the request's ID and --reason "
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
    return registrar_told(app, rc, &pb, NULL, "Refused; they are told why.");
}

/* ---- the table ---- */

static const struct verb verbs[] = {
    {"init", registrar_init},         {"invite", registrar_invite},
    {"requests", registrar_requests}, {"admit", registrar_admit},
    {"refuse", registrar_refuse},     {"suspend", registrar_suspend},
    {"resume", registrar_resume},     {"stop-device", registrar_stop},
    {"reroot", registrar_reroot},     {"sign", registrar_sign},
    {"import", registrar_import},     {"succeed", registrar_succeed},
};

int
cmd_registrar(struct app *app, int argc, char **argv)
{
    return verbs_run(app, "registrar", argc, argv, VERBS(verbs));
}
