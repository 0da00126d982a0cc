#include "client/bundle_tell.h"

#include <stdio.h>
#include <string.h>

#include "common/bytes.h"
#include "common/text.h"
#include "proto/packet_type.h"
#include "proto/receipt.h"

/* ---- for people ---- */

static void
tell_id(struct app *app, const char *what, const uint8_t id[16],
        const char *name)
{
    char hex[33];
    char line[400];

    hex_encode(hex, id, 16);
    if (*name == '\0')
        (void)snprintf(line, sizeof(line), "  %-10s %s", what, hex);
    else
        (void)snprintf(line, sizeof(line), "  %-10s %s (%s)", what, name, hex);
    out_safe(app, line, strlen(line), false);
    out_line(app, "%s", "");
}

static void
tell_parties(struct app *app, const struct bundle_proven *p)
{
    const struct who_agency *from = bundle_who_agency(&p->who, &p->sender);
    const struct who_mailbox *to = bundle_who_mailbox(&p->who, &p->mailbox);
    char name[LIMIT_AGENCY_NAME + LIMIT_LABEL + 4] = "";

    tell_id(app, "packet", p->packet.b, "");
    if (p->has_sender)
        tell_id(app, "from", p->sender.b, from == NULL ? "" : from->name);
    if (to != NULL)
        (void)snprintf(name, sizeof(name), "%s/%s", to->agency->name,
                       to->label);
    tell_id(app, "to", p->mailbox.b, name);
}

/* "  - " and the sentence, broken into lines. */
static void
tell_sentence(struct app *app, const char *text, size_t len)
{
    struct buf shown = {0}, lines = {0};

    text_show(&shown, text, len, TEXT_ONE_LINE);
    buf_u8(&shown, 0);
    if (buf_status(&shown) == ERR_OK)
        text_wrap(&lines, (const char *)shown.data, 78, 4);
    buf_u8(&lines, 0);
    if (buf_status(&shown) == ERR_OK && buf_status(&lines) == ERR_OK)
        out_line(app, "  - %s", (const char *)lines.data + 4);
    buf_clear(&shown);
    buf_clear(&lines);
}

static void
tell_list(struct app *app, const char *title, const json_t *list)
{
    const json_t *row;
    size_t i;

    if (json_array_size(list) == 0)
        return;
    out_line(app, "\n%s", title);
    json_array_foreach(list, i, row)
    {
        tell_sentence(app, json_string_value(row), json_string_length(row));
    }
}

static void
tell_basis(struct app *app, const struct bundle_proven *p,
           const struct bundle_reader *r)
{
    enum bundle_basis basis = r->basis;
    char hex[65];

    hex_encode(hex, p->who.network_id.b, sizeof(p->who.network_id.b));
    switch (basis) {
    case BASIS_KEY:
        out_line(app, "The evidence is genuine, by the relay's key that you "
                      "named.");
        break;
    case BASIS_POLICY:
        out_line(app, "The relay that your policy names signed this.");
        break;
    case BASIS_NETWORK:
    case BASIS_VAULT:
        out_line(app, "The evidence is genuine, of %s.",
                 basis == BASIS_VAULT ? "the network that you belong to"
                                      : "the network that you named");
        break;
    case BASIS_ITSELF:
        out_line(app,
                 "The evidence is genuine IF its network is the one you "
                 "mean.  Compare, from a source you trust:\n  network id  %s",
                 hex);
        break;
    }
    if (p->log.type != 0)
        out_line(app, "  relay log   %s", p->log.name);
    if (r->trust != NULL && r->is_own)
        out_line(app, "  witnesses   by the policy in use in this vault");
    out_line(app, "%s", "");
}

/* ---- for scripts ---- */

static json_t *
device_json(const struct bundle_proven *p, const struct device_id *id)
{
    const struct who_device *d = bundle_who_device(&p->who, id);
    json_t *j = json_object();

    json_put_hex(j, "device", id->b, sizeof(id->b));
    if (d == NULL)
        return j;
    json_put_text(j, "label", d->label, strlen(d->label));
    json_put_hex(j, "agency", d->agency->id.b, sizeof(d->agency->id.b));
    json_put_text(j, "agency_name", d->agency->name, strlen(d->agency->name));
    if (d->revoked_index != DIR_NEVER) {
        json_put_u64(j, "revoked_since_s", d->since_s);
        json_put_u64(j, "revoked_said_s", d->revoked_s);
    }
    return j;
}

static const char *
standing_name(enum bundle_standing s)
{
    static const char *const names[] = {
        [STANDING_UNKNOWN] = "unknown",
        [STANDING_LIVE] = "live",
        [STANDING_EXPIRED] = "expired",
        [STANDING_REVOKED_LATER] = "revoked_later",
        [STANDING_REVOKED] = "revoked",
        [STANDING_UNDATED] = "revoked_undated",
    };

    return names[s];
}

static const char *
backing_name(enum bundle_backing b)
{
    static const char *const names[] = {
        [BACKING_RELAY] = "relay",         [BACKING_NONE] = "missing",
        [BACKING_UNCHECKED] = "unchecked", [BACKING_DEVICE] = "device",
        [BACKING_STATEMENT] = "statement",
    };

    return names[b];
}

static const char *
opening_name(enum bundle_opening o)
{
    static const char *const names[] = {
        [OPENING_NOT_SAID] = "not_said",
        [OPENING_UNCHECKED] = "unchecked",
        [OPENING_SHOWN] = "shown",
        [OPENING_FALSE] = "false",
    };

    return names[o];
}

static json_t *
witnesses_json(const struct bundle_witnessed *w, const struct trust *t)
{
    json_t *list = json_array();

    for (size_t i = 0; t != NULL && i < t->n_witnesses; i++) {
        json_t *j;

        if ((w->verified >> i & 1) == 0)
            continue;
        j = json_object();
        json_put_text(j, "name", t->keys[i].name, strlen(t->keys[i].name));
        json_put_u64(j, "time_s", w->time_s[i]);
        (void)json_array_append_new(list, j);
    }
    return list;
}

static json_t *
event_json(const struct bundle_proven *p, const struct bundle_fate *f,
           const struct trust *t)
{
    static const struct device_id nobody;
    json_t *j = json_object();

    json_put_str(j, "type", event_name(f->event.type));
    json_put_u64(j, "index", f->index);
    json_put_u64(j, "time_ms", f->event.time_ms);
    if (f->event.reason != 0) {
        const char *reason = event_reason_name(f->event.type, f->event.reason);

        json_put_str(j, "reason", reason == NULL ? "unknown" : reason);
    }
    if (!id_eq(&f->event.actor, &nobody))
        json_put(j, "by", device_json(p, &f->event.actor));
    json_put_str(j, "behind_it", backing_name(f->backing));
    if (f->signed_ms != 0)
        json_put_u64(j, "signed_ms", f->signed_ms);
    json_put_str(j, "decrypted", opening_name(f->opening));
    json_put_str(j, "device_was", standing_name(f->standing));
    json_put_bool(j, "lost_in_restore", f->is_lost);
    json_put_u64(j, "log_size", f->head_size);
    json_put_bool(j, "quorum", f->witnessed.quorum);
    json_put(j, "witnesses", witnesses_json(&f->witnessed, t));
    if (f->witnessed.quorum_time_s != 0)
        json_put_u64(j, "witnessed_by_s", f->witnessed.quorum_time_s);
    return j;
}

static void
put_parties(json_t *out, const struct bundle_proven *p)
{
    const struct who_agency *from = bundle_who_agency(&p->who, &p->sender);
    const struct who_mailbox *to = bundle_who_mailbox(&p->who, &p->mailbox);

    if (p->has_sender)
        json_put_hex(out, "sender_agency", p->sender.b, sizeof(p->sender.b));
    if (from != NULL)
        json_put_text(out, "sender_name", from->name, strlen(from->name));
    json_put_hex(out, "recipient_mailbox", p->mailbox.b, sizeof(p->mailbox.b));
    if (to == NULL)
        return;
    json_put_text(out, "recipient_label", to->label, strlen(to->label));
    json_put_hex(out, "recipient_agency", to->agency->id.b,
                 sizeof(to->agency->id.b));
    json_put_text(out, "recipient_name", to->agency->name,
                  strlen(to->agency->name));
}

static void
put_packet(json_t *out, const struct bundle_proven *p)
{
    json_t *parts = json_array();

    json_put_hex(out, "packet_id", p->packet.b, sizeof(p->packet.b));
    if (p->has_digest)
        json_put_hex(out, "pkt_digest", p->digest.b, sizeof(p->digest.b));
    put_parties(out, p);
    json_put_bool(out, "signed", p->is_signed);
    if (p->is_signed) {
        json_put(out, "signed_by", device_json(p, &p->lists.device));
        json_put_u64(out, "created_ms", p->lists.created_ms);
        json_put_str(out, "device_was", standing_name(p->standing));
    }
    for (unsigned n = 0; n < 32; n++)
        if ((p->disclosed & UINT32_C(1) << n) != 0)
            (void)json_array_append_new(parts, json_integer(n));
    json_put(out, "disclosed", parts);
}

static void
put_network(json_t *out, const struct bundle_proven *p, enum bundle_basis basis)
{
    static const char *const names[] = {
        [BASIS_ITSELF] = "itself", [BASIS_NETWORK] = "network",
        [BASIS_VAULT] = "vault",   [BASIS_KEY] = "key",
        [BASIS_POLICY] = "policy",
    };

    json_put_str(out, "kind", "evidence");
    json_put_str(out, "basis", names[basis]);
    if (p->has_directory) {
        json_put_hex(out, "network_id", p->who.network_id.b,
                     sizeof(p->who.network_id.b));
        json_put_u64(out, "directory_size", p->directory.size);
    }
    if (p->log.type != 0)
        json_put_str(out, "relay", p->log.name);
}

/* ---- both ---- */

void
bundle_tell(struct app *app, const struct bundle_proven *p,
            const struct bundle_reader *r)
{
    json_t *out = app->result;
    json_t *events = json_array();
    json_t *proves = bundle_proves(p, r);
    json_t *warnings = bundle_warnings(p, r);
    json_t *rest = bundle_proves_not(p, r);

    tell_basis(app, p, r);
    tell_parties(app, p);
    tell_list(app, "What it proves:", proves);
    tell_list(app, "What was said later:", warnings);
    tell_list(app, "What it does not prove:", rest);
    put_network(out, p, r->basis);
    if (r->trust != NULL)
        json_put_str(out, "policy", r->is_own ? "vault" : "named");
    put_packet(out, p);
    for (size_t i = 0; i < p->n_fates; i++)
        (void)json_array_append_new(events,
                                    event_json(p, &p->fates[i], r->trust));
    json_put(out, "events", events);
    json_put(out, "proves", proves);
    json_put(out, "warnings", warnings);
    json_put(out, "proves_not", rest);
}
