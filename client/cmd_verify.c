/*
 * cmd_verify.c - `sealpost verify FILE [--vkey STRING|FILE]`: what a receipt
 * shows, checked without network, and with --vkey without a vault.  FILE may be
 * a directory that `sealpost export` made.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "client/args.h"
#include "client/commands.h"
#include "client/office.h"
#include "common/bytes.h"
#include "common/clock.h"
#include "common/os.h"
#include "proto/proof.h"
#include "proto/receipt.h"

enum { VKEY_FILE_MAX = 1024, RECEIPT_FILE_MAX = NOTE_LEN_MAX };

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

static enum err
policy_vkey(struct app *app, struct vkey *out, struct problem *pb)
{
    struct office o;
    enum err rc = office_open(app, OFFICE_OFFLINE, &o, pb);

    if (rc != ERR_OK)
        return rc;
    rc = roster_vkey(o.roster, LOG_DELIVERY, out);
    if (rc != ERR_OK)
        (void)problem_set(pb, P_STATE, rc, "the relay's key is not known here",
                          "this vault has no directory yet; name the key with "
                          "--vkey");
    office_close(&o);
    return rc;
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
        return "The packet expired before anybody collected it";
    default:
        return "The relay logged an event of the packet";
    }
}

static void
tell_ids(struct app *app, const struct event *ev)
{
    char hex[33];

    hex_encode(hex, ev->packet.b, 16);
    out_line(app, "  packet     %s", hex);
    hex_encode(hex, ev->sender.b, 16);
    out_line(app, "  sender     %s", hex);
    hex_encode(hex, ev->recipient.b, 16);
    out_line(app, "  mailbox    %s", hex);
}

static void
tell(struct app *app, const struct receipt *r, const struct vkey *key)
{
    const struct event *ev = &r->event;
    const char *reason = delivery_reason_name(ev->reason);
    char when[CLOCK_TEXT_MAX];

    clock_format_utc(when, ev->time_ms);
    out_line(app, "The receipt is genuine.\n%s on %s (the relay's clock).\n",
             sentence(ev->type), when);
    tell_ids(app, ev);
    out_line(app, "  event      %s%s%s", event_name(ev->type),
             ev->reason != 0 ? ", " : "",
             ev->reason != 0 && reason != NULL ? reason : "");
    out_line(app, "  relay      %s", key->name);
    out_line(app, "  entry      %" PRIu64 " of a log of %" PRIu64, r->index,
             r->head.size);
    out_line(app, "\nIt says nothing of what the packet holds: nobody but the "
                  "two agencies knows that.");
}

static void
tell_json(struct app *app, const struct receipt *r, const struct vkey *key)
{
    const struct event *ev = &r->event;
    char when[CLOCK_TEXT_MAX];

    clock_format_rfc3339(when, ev->time_ms);
    json_put_str(app->result, "event", event_name(ev->type));
    json_put_u64(app->result, "time_ms", ev->time_ms);
    json_put_str(app->result, "time", when);
    json_put_hex(app->result, "packet_id", ev->packet.b, 16);
    json_put_hex(app->result, "sender_agency", ev->sender.b, 16);
    json_put_hex(app->result, "recipient_mailbox", ev->recipient.b, 16);
    json_put_hex(app->result, "pkt_digest", ev->pkt_digest.b, 32);
    json_put_u64(app->result, "reason", ev->reason);
    json_put_u64(app->result, "index", r->index);
    json_put_u64(app->result, "size", r->head.size);
    json_put_hex(app->result, "root", r->head.root.b, 32);
    json_put_str(app->result, "relay", key->name);
}

static enum err
check(struct app *app, const char *path, const struct vkey *key,
      struct receipt *out, struct problem *pb)
{
    struct buf b = {0};
    enum err rc = office_read_file(path, RECEIPT_FILE_MAX, &b, pb);

    (void)app;
    if (rc == ERR_OK) {
        rc = receipt_verify(b.data, b.len, key, out);
        if (rc != ERR_OK)
            (void)problem_set(
                pb, P_VERIFY, rc, "the receipt does not verify",
                rc == ERR_MALFORMED
                    ? "the file is cut or changed, or it is no receipt"
                    : "it was changed, or %s did not sign it",
                key->name);
    }
    buf_clear(&b);
    return rc;
}

int
cmd_verify(struct app *app, int argc, char **argv)
{
    const char *path = NULL;
    const char *vkey = NULL;
    const struct arg table[] = {{"--vkey", ARG_TEXT, &vkey}};
    struct problem pb = {0};
    struct receipt r;
    struct vkey key;
    size_t n;
    enum err rc = args_parse(argc, argv, ARGS(table), &path, 1, &n, &pb);

    if (rc == ERR_OK && n != 1)
        return app_usage(app, "verify needs the FILE that holds a receipt");
    if (rc == ERR_OK)
        rc = vkey != NULL ? given_vkey(&key, vkey, &pb)
                          : policy_vkey(app, &key, &pb);
    if (rc == ERR_OK)
        rc = check(app, path, &key, &r, &pb);
    if (rc != ERR_OK)
        return app_fail(app, &pb);
    tell(app, &r, &key);
    tell_json(app, &r, &key);
    out_next(app, "sealpost audit");
    return EXIT_CODE_OK;
}
