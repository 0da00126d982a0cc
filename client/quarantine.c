#include "client/quarantine.h"

#include <string.h>

#include "client/shelf.h"
#include "client/vault.h"
#include "common/clock.h"

static const char *
outcome(enum verdict v)
{
    return v == VERDICT_ALARM ? "alarm" : outcome_name((unsigned)v);
}

void
quarantine_put(struct app *app, const struct delivery *x,
               const struct opened *o, const struct event *stored)
{
    json_t *j = json_object();
    struct hash digest;

    /* What failed in step 1 may have no digest of its own. */
    sha256(&digest, x->hdr.data, x->hdr.len);
    if (o->verdict != VERDICT_ALARM)
        digest = o->pkt_digest;
    json_put_str(j, "outcome", outcome(o->verdict));
    json_put_str(j, "why", packet_cause_text(o->cause));
    json_put_hex(j, "packet_id", o->hdr.packet.b, 16);
    json_put_hex(j, "sender", x->sender.b, 16);
    json_put_u64(j, "received_ms", clock_wall_ms());
    if (stored != NULL)
        json_put_u64(j, "stored_ms", stored->time_ms);
    if (o->inner_is_read) {
        json_put_hex(j, "device", o->in.device.b, 16);
        json_put_u64(j, "type", o->in.type);
        json_put_u64(j, "created_ms", o->in.created_ms);
        shelf_put_raw(app, REC_INNER, digest.b, o->text.data + o->inner_at,
                      o->inner_len);
    }
    shelf_put(app, REC_QUARANTINE, digest.b, j);
    json_decref(j);
}

enum err
quarantine_alarm(struct app *app, const struct hash *name,
                 const struct packet_id *packet, const char *why,
                 struct problem *pb)
{
    json_t *j;
    enum err rc;

    if (vault_has(app->vault, REC_QUARANTINE, name->b))
        return ERR_OK;
    rc = shelf_begin(app, pb);
    if (rc != ERR_OK)
        return rc;
    j = json_object();
    json_put_str(j, "outcome", "alarm");
    json_put_str(j, "why", why);
    if (packet != NULL)
        json_put_hex(j, "packet_id", packet->b, sizeof(packet->b));
    json_put_u64(j, "received_ms", clock_wall_ms());
    shelf_put(app, REC_QUARANTINE, name->b, j);
    json_decref(j);
    return shelf_end(app, ERR_OK, pb);
}

enum err
quarantine_tell(struct desk *d, const struct hash *name,
                const struct packet_id *packet, const char *why,
                struct problem *pb)
{
    d->count.alarms++;
    out_note(d->app, "ALARM about the relay: %s.", why);
    desk_tell(d, "alarm", packet);
    return quarantine_alarm(d->app, name, packet, why, pb);
}

enum err
quarantine_next(struct app *app, size_t *pos, uint8_t id[16], json_t **out,
                struct problem *pb)
{
    struct vault_item item;

    if (!vault_next(app->vault, REC_QUARANTINE, pos, &item))
        return ERR_NOTFOUND;
    memcpy(id, item.id, 16);
    return shelf_get(app, REC_QUARANTINE, item.id, out, pb);
}
