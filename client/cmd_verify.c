/*
 * cmd_verify.c - `sealpost verify FILE|DIR [--vkey STRING|FILE | --policy
 * FILE]`: what a receipt or an evidence bundle shows, checked without network,
 * and with --vkey or --policy without a vault.  DIR is what `sealpost export`
 * made.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "client/args.h"
#include "client/certificate.h"
#include "client/commands.h"
#include "client/exported.h"
#include "client/office.h"
#include "client/trust_file.h"
#include "client/vault.h"
#include "client/verify_bundle.h"
#include "client/witnesses.h"
#include "common/bytes.h"
#include "common/clock.h"
#include "common/os.h"
#include "proto/era.h"
#include "proto/proof.h"
#include "proto/receipt.h"

enum { VKEY_FILE_MAX = 1024, RECEIPT_FILE_MAX = NOTE_LEN_MAX };

struct verify {
    struct app *app;
    const char *path;
    struct buf file;      /* empty for a directory */
    struct office office; /* zero with --vkey and --policy */
    struct vkey key;
    struct trust *policy; /* NULL without --policy; owned */
    struct trust *own;    /* the vault's, without --policy; owned */
    struct trusted judged;
    struct receipt receipt;
    struct era era; /* whose key it is, by the vault's directory */
};

/* ---- whose receipt it should be ---- */

static enum err
parse_vkey(struct vkey *out, const char *text, size_t len, struct problem *pb)
{
    enum err rc;

    while (len > 0 && (text[len - 1] == '\n' || text[len - 1] == '\r'))
        len--;
    rc = vkey_parse(out, text, len);
    if (rc == ERR_OK && out->type != NOTE_ED25519)
        rc = ERR_UNSUPPORTED;
    if (rc == ERR_OK)
        return rc;
    return problem_set(pb, P_USAGE, rc, "the relay's key cannot be read",
                       "--vkey takes what `sealpostd vkey` prints, or a file "
                       "that holds it");
}

static enum err
given_vkey(struct vkey *out, const char *text, struct problem *pb)
{
    struct buf b = {0};
    enum err rc;

    if (!os_exists(text))
        return parse_vkey(out, text, strlen(text), pb);
    rc = office_read_file(text, VKEY_FILE_MAX, &b, pb);
    if (rc == ERR_OK)
        rc = parse_vkey(out, (const char *)b.data, b.len, pb);
    buf_clear(&b);
    return rc;
}

/* The vault stays open: it knows the names. */
static enum err
policy_vkey(struct office *o, struct vkey *out, struct problem *pb)
{
    enum err rc = roster_vkey(o->roster, LOG_DELIVERY, out);

    if (rc != ERR_OK)
        (void)problem_set(pb, P_STATE, rc, "the relay's key is not known here",
                          "this vault has no directory yet; name the key with "
                          "--vkey");
    return rc;
}

static enum err
open_vault(struct verify *v, struct problem *pb)
{
    enum err rc = office_open(v->app, OFFICE_OFFLINE, &v->office, pb);

    if (rc == ERR_OK && v->policy == NULL)
        rc = witnesses_alone(v->app, &v->own, pb);
    return rc == ERR_NOTFOUND && pb->id == P_NONE ? ERR_OK : rc;
}

/* ---- what it shows ---- */

static const char *
sentence(uint8_t type)
{
    switch (type) {
    case EVENT_STORED:
        return "The relay stored the packet";
    case EVENT_HANDED_OVER:
        return "The packet was handed over to a device of the mailbox";
    case EVENT_REFUSED:
        return "The recipient's side refused the packet";
    case EVENT_WITHDRAWN:
        return "The sender withdrew the packet";
    case EVENT_EXPIRED:
        return "The packet expired before anybody confirmed it";
    case EVENT_WARNED:
        return "The relay warned that nobody had collected the packet";
    case EVENT_READDRESSED:
        return "Another packet went on for this one, to another mailbox,";
    default:
        return "The relay logged an event of the packet";
    }
}

/* NAME, when this run knows names. */
static void
tell_party(const struct verify *v, const char *what, const uint8_t id[16],
           const char *name)
{
    char hex[33];

    hex_encode(hex, id, 16);
    if (v->office.roster != NULL)
        out_line(v->app, "  %-10s %s (%s)", what, name, hex);
    else
        out_line(v->app, "  %-10s %s", what, hex);
}

static void
tell_parties(const struct verify *v, const struct event *ev)
{
    char agency[LIMIT_AGENCY_NAME + 1] = "";
    char mailbox[LIMIT_AGENCY_NAME + LIMIT_LABEL + 2] = "";

    if (v->office.roster != NULL) {
        roster_agency_name(v->office.roster, &ev->sender, agency,
                           sizeof(agency));
        roster_mailbox_name(v->office.roster, &ev->recipient, mailbox,
                            sizeof(mailbox));
    }
    tell_party(v, "from", ev->sender.b, agency);
    tell_party(v, "to", ev->recipient.b, mailbox);
}

/* What became of the log since: names and keys change, and a relay may have
 * been restored (PROTOCOL.md section 14.9). */
static void
tell_era(const struct verify *v)
{
    if (v->era.key.name[0] == '\0' || v->era.end == ERA_TODAY)
        return;
    if (era_holds(&v->era, v->receipt.index))
        out_line(v->app, "\nThe log goes on under another name since; the "
                         "entry is in it.");
    else
        out_line(v->app,
                 "\nThe relay was restored from an older copy since, and its "
                 "log has lost this entry.\nThe receipt shows that it was "
                 "there.");
}

/* Nobody asked for it: what is missing is told, and is no failure. */
static void
tell_own(const struct verify *v)
{
    out_line(v->app, "\nBy the policy in use in this vault:");
    trust_file_tell(v->app, v->own, &v->judged);
    if (!v->judged.quorum)
        out_line(v->app, "That is not enough for its quorum: the time is the "
                         "relay's word alone.");
    json_put_str(v->app->result, "policy", "vault");
}

static void
tell(const struct verify *v)
{
    const struct event *ev = &v->receipt.event;
    const char *reason = event_reason_name(ev->type, ev->reason);
    char when[CLOCK_TEXT_MAX];
    char hex[33];

    clock_format_utc(when, ev->time_ms);
    hex_encode(hex, ev->packet.b, 16);
    out_line(v->app, "%s\n%s on %s (the relay's clock).\n",
             v->policy == NULL || v->judged.quorum
                 ? "The receipt is genuine."
                 : "The receipt is signed by the relay, and that is not "
                   "enough here.",
             sentence(ev->type), when);
    out_line(v->app, "  packet     %s", hex);
    tell_parties(v, ev);
    out_line(v->app, "  event      %s%s%s", event_name(ev->type),
             ev->reason != 0 && reason != NULL ? ", " : "",
             ev->reason != 0 && reason != NULL ? reason : "");
    out_line(v->app, "  relay      %s", v->key.name);
    out_line(v->app, "  entry      %" PRIu64 " of a log of %" PRIu64,
             v->receipt.index, v->receipt.head.size);
    tell_era(v);
    out_line(v->app,
             "\nIt says nothing of what the packet holds: nobody but the "
             "two agencies knows that.\nIt stays good for whoever holds it: "
             "what the relay erases after the retention is its own copy.");
    if (*certificate_proves(ev) != '\0')
        out_line(v->app, "\n%s", certificate_proves(ev));
    if (v->policy != NULL)
        trust_file_tell(v->app, v->policy, &v->judged);
    if (v->own != NULL)
        tell_own(v);
}

static void
tell_json(const struct verify *v)
{
    const struct receipt *r = &v->receipt;
    json_t *out = v->app->result;
    char when[CLOCK_TEXT_MAX];

    clock_format_rfc3339(when, r->event.time_ms);
    json_put_str(out, "event", event_name(r->event.type));
    json_put_u64(out, "time_ms", r->event.time_ms);
    json_put_str(out, "time", when);
    json_put_hex(out, "packet_id", r->event.packet.b, 16);
    json_put_hex(out, "sender_agency", r->event.sender.b, 16);
    json_put_hex(out, "recipient_mailbox", r->event.recipient.b, 16);
    json_put_hex(out, "pkt_digest", r->event.pkt_digest.b, 32);
    json_put_u64(out, "reason", r->event.reason);
    json_put_u64(out, "index", r->index);
    json_put_u64(out, "size", r->head.size);
    json_put_hex(out, "root", r->head.root.b, 32);
    json_put_str(out, "relay", v->key.name);
    if (v->era.key.name[0] != '\0')
        json_put_bool(out, "lost_in_restore", !era_holds(&v->era, r->index));
}

/* ---- a receipt ---- */

static enum err
check_receipt(struct verify *v, const struct buf *b, struct problem *pb)
{
    enum err rc = ERR_OK;

    if (v->policy != NULL) {
        rc = trust_file_judge(v->policy, b, &v->judged, pb);
        if (rc == ERR_OK)
            v->key = *v->judged.log;
    }
    if (rc == ERR_OK && v->policy == NULL && v->office.roster != NULL)
        rc = era_receipt(roster_directory(v->office.roster), b->data, b->len,
                         &v->receipt, &v->era);
    else if (rc == ERR_OK)
        rc = receipt_verify(b->data, b->len, &v->key, &v->receipt);
    if (rc == ERR_OK && v->era.key.name[0] != '\0')
        v->key = v->era.key;
    if (rc == ERR_MALFORMED)
        (void)problem_set(pb, P_VERIFY, rc, "the receipt does not verify",
                          "the file is cut or changed, or it is no "
                          "receipt");
    else if (rc != ERR_OK)
        (void)problem_set(pb, P_VERIFY, rc, "the receipt does not verify",
                          "it was changed, or %s did not sign it", v->key.name);
    if (rc == ERR_OK && v->own != NULL)
        rc = trust_file_witnesses(v->own, b, &v->key, &v->judged, pb);
    return rc;
}

static enum err
verify_file(struct verify *v, struct problem *pb)
{
    enum err rc = check_receipt(v, &v->file, pb);

    if (rc == ERR_OK) {
        tell(v);
        tell_json(v);
    }
    return rc;
}

/* ---- an export ---- */

static void
tell_files(const struct verify *v, const struct exported *e)
{
    const json_t *name;
    size_t i;

    out_line(v->app, "%zu file%s as manifest.json says.", e->n_files,
             e->n_files == 1 ? " is" : "s are");
    json_array_foreach(e->extra, i, name)
    {
        if (i == 0)
            out_line(v->app, "Not part of the export, and not checked:");
        out_safe(v->app, json_string_value(name), json_string_length(name),
                 false);
        out_line(v->app, "%s", "");
    }
    json_put_u64(v->app->result, "files", e->n_files);
    json_put(v->app->result, "extra", json_incref(e->extra));
}

static enum err
verify_export_receipt(struct verify *v, const char *dir,
                      const struct exported *e, struct problem *pb)
{
    char path[OS_PATH_MAX];
    struct buf b = {0};
    enum err rc = os_path_join(path, sizeof(path), dir, "receipt.txt");

    if (rc == ERR_OK)
        rc = office_read_file(path, RECEIPT_FILE_MAX, &b, pb);
    if (rc == ERR_OK)
        rc = check_receipt(v, &b, pb);
    buf_clear(&b);
    if (rc == ERR_OK && (!id_eq(&v->receipt.event.packet, &e->packet) ||
                         !id_eq(&v->receipt.event.pkt_digest, &e->pkt_digest)))
        rc = problem_set(pb, P_VERIFY, ERR_CONFLICT,
                         "the receipt does not belong to the export",
                         "it is of another packet than manifest.json names");
    return rc == ERR_OK
               ? rc
               : problem_from_err(pb, "the export was not checked", rc);
}

static enum err
verify_dir(struct verify *v, const char *dir, struct problem *pb)
{
    struct exported e = {0};
    enum err rc = exported_check(dir, &e, pb);

    if (rc == ERR_OK && e.has_receipt)
        rc = verify_export_receipt(v, dir, &e, pb);
    if (rc == ERR_OK) {
        tell_files(v, &e);
        json_put_bool(v->app->result, "has_receipt", e.has_receipt);
        if (e.has_receipt) {
            out_line(v->app, "%s", "");
            tell(v);
            tell_json(v);
        } else {
            out_line(v->app, "There is no receipt in it.");
            json_put_hex(v->app->result, "packet_id", e.packet.b, 16);
        }
    }
    exported_clear(&e);
    return rc;
}

/* ---- an evidence bundle ---- */

static enum err
given_network(const char *hex, struct hash *out, struct problem *pb)
{
    if (hex_decode(out->b, sizeof(out->b), hex) == ERR_OK)
        return ERR_OK;
    return problem_set(pb, P_USAGE, ERR_MALFORMED,
                       "the network id cannot be read",
                       "--network takes its 64 hex digits");
}

/* What is trusted, in this order: what was named; the network of the vault that
 * is here; the network that the bundle itself names. */
static enum err
verify_evidence(struct verify *v, const char *vkey, const char *network,
                const char *part, struct problem *pb)
{
    struct bundle_anchor a = {0};
    struct bundle_reader r = {.basis = BASIS_ITSELF, .trust = v->policy};
    struct hash id;
    enum err rc = ERR_OK;

    if (network != NULL) {
        rc = given_network(network, &id, pb);
        a.network_id = &id;
        r.basis = BASIS_NETWORK;
    }
    if (rc == ERR_OK && vkey != NULL) {
        rc = given_vkey(&v->key, vkey, pb);
        a.log = &v->key;
        r.basis = BASIS_KEY;
    }
    if (v->policy != NULL) {
        a.trust = v->policy;
        if (v->policy->n_logs > 0) /* else it names witnesses only */
            r.basis = BASIS_POLICY;
    }
    if (rc == ERR_OK && r.basis == BASIS_ITSELF &&
        vault_exists(v->app->home) == ERR_OK) {
        rc = open_vault(v, pb);
        a.network_id = &v->office.id.network_id;
        r.basis = BASIS_VAULT;
    }
    if (rc != ERR_OK)
        return rc;
    if (v->own != NULL) {
        a.trust = r.trust = v->own;
        r.is_own = true;
    }
    if (v->office.roster != NULL)
        r.dir = roster_directory(v->office.roster);
    return verify_bundle(v->app, &v->file, &a, &r, part, pb);
}

/* ---- any of them ---- */

static bool
is_known(const struct buf *b)
{
    return bundle_is(b->data, b->len) || proof_resembles(b->data, b->len);
}

/* Once: it may be a pipe. */
static enum err
read_file(struct verify *v, struct problem *pb)
{
    enum err rc;

    if (os_is_dir(v->path))
        return ERR_OK;
    rc = office_read_file(v->path, BUNDLE_LEN_MAX, &v->file, pb);
    if (rc == ERR_OK && !bundle_is(v->file.data, v->file.len) &&
        v->file.len > RECEIPT_FILE_MAX)
        rc = problem_set(pb, P_FILE, ERR_TOOBIG, "cannot read the file",
                         "%.200s: %s", v->path, err_text(ERR_TOOBIG));
    if (rc == ERR_OK && !is_known(&v->file)) {
        problem_next(pb, "give it what `sealpost receipt ID -o FILE`, "
                         "`sealpost evidence ID -o FILE` or `sealpost export "
                         "ID -o DIR` wrote");
        rc = problem_set(pb, P_FILE, ERR_MALFORMED,
                         "that is no file that verify knows",
                         "%.200s is no receipt, no evidence bundle and no "
                         "directory of an export",
                         v->path);
    }
    return rc;
}

static enum err
no_key(struct problem *pb)
{
    *pb = (struct problem){0};
    problem_next(pb, "add --vkey KEY, what `sealpostd vkey delivery` prints "
                     "at the relay (ask its operator), or --policy FILE");
    return problem_set(pb, P_USAGE, ERR_NOTFOUND,
                       "the relay's key is not known here",
                       "there is no vault here that knows it, and neither "
                       "--vkey nor --policy was given");
}

/* Whose word counts, when it is not an evidence bundle. */
static enum err
take_key(struct verify *v, const char *vkey, struct problem *pb)
{
    enum err rc;

    if (v->policy != NULL)
        return ERR_OK; /* the policy names the logs */
    if (vkey != NULL)
        return given_vkey(&v->key, vkey, pb);
    rc = open_vault(v, pb);
    if (rc != ERR_OK && pb->id == P_NO_IDENTITY)
        return no_key(pb);
    return rc == ERR_OK ? policy_vkey(&v->office, &v->key, pb) : rc;
}

static enum err
verify_other(struct verify *v, const char *vkey, struct problem *pb)
{
    enum err rc = take_key(v, vkey, pb);

    if (rc == ERR_OK)
        rc = os_is_dir(v->path) ? verify_dir(v, v->path, pb)
                                : verify_file(v, pb);
    if (rc == ERR_OK && v->policy != NULL && v->judged.log != NULL)
        rc = trust_file_quorum(v->policy, &v->judged, pb);
    return rc;
}

int
cmd_verify(struct app *app, int argc, char **argv)
{
    const char *vkey = NULL;
    const char *network = NULL;
    const char *policy = NULL;
    const char *part = NULL;
    struct verify v = {.app = app};
    const struct arg table[] = {{"--vkey", ARG_TEXT, &vkey},
                                {"--network", ARG_TEXT, &network},
                                {"--policy", ARG_TEXT, &policy},
                                {"--part", ARG_TEXT, &part}};
    struct problem pb = {0};
    size_t n;
    enum err rc = args_parse(argc, argv, ARGS(table), &v.path, 1, &n, &pb);

    if (rc == ERR_OK && n != 1)
        rc = args_missing(&pb, "verify needs the FILE that holds a receipt or "
                               "evidence, or the directory of an export");
    if (rc == ERR_OK && policy != NULL && vkey != NULL)
        rc = args_missing(&pb, "--policy names the log's key itself: leave "
                               "--vkey out");
    if (rc == ERR_OK && policy != NULL)
        rc = trust_file_read(policy, &v.policy, &pb);
    if (rc == ERR_OK)
        rc = read_file(&v, &pb);
    if (rc == ERR_OK)
        rc = bundle_is(v.file.data, v.file.len)
                 ? verify_evidence(&v, vkey, network, part, &pb)
                 : verify_other(&v, vkey, &pb);
    office_close(&v.office);
    buf_clear(&v.file);
    trust_free(v.policy);
    trust_free(v.own);
    if (rc != ERR_OK)
        return app_fail(app, &pb);
    if (vault_exists(app->home) == ERR_OK)
        out_next(app, "sealpost audit");
    return EXIT_CODE_OK;
}
