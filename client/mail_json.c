/*
 * mail_json.c - a packet as scripts see it.
 */
#include <string.h>

#include "client/mail.h"
#include "client/roster.h"
#include "proto/packet_type.h"
#include "proto/receipt.h"

static bool
is_zero(const uint8_t id[16])
{
    static const uint8_t zero[16];

    return memcmp(id, zero, 16) == 0;
}

static json_t *
side_json(const struct roster *r, const struct agency_id *agency,
          const struct mailbox_id *mailbox)
{
    json_t *j = json_object();
    char name[256];

    roster_agency_name(r, agency, name, sizeof(name));
    json_put_hex(j, "agency_id", agency->b, sizeof(agency->b));
    json_put_str(j, "agency", name);
    json_put_bool(j, "verified", roster_is_verified(r, agency));
    if (!is_zero(mailbox->b)) {
        roster_mailbox_name(r, mailbox, name, sizeof(name));
        json_put_hex(j, "mailbox_id", mailbox->b, sizeof(mailbox->b));
        json_put_str(j, "mailbox", name);
    }
    return j;
}

static json_t *
atts_json(const struct mail *m)
{
    json_t *list = json_array();

    for (size_t i = 0; i < m->n_atts; i++) {
        const struct mail_att *a = &m->atts[i];
        json_t *j = json_object();

        json_put_hex(j, "att_id", a->id.b, sizeof(a->id.b));
        json_put_text(j, "name", a->name, strlen(a->name));
        json_put_u64(j, "size", a->size);
        json_put_u64(j, "part", a->part);
        (void)json_array_append_new(list, j);
    }
    return list;
}

static const char *
direction_name(enum index_direction d)
{
    return d == INDEX_IN ? "in" : d == INDEX_OUT ? "out" : "own";
}

static void
put_id(json_t *j, const char *key, const uint8_t id[16])
{
    if (is_zero(id))
        json_put(j, key, json_null());
    else
        json_put_hex(j, key, id, 16);
}

json_t *
mail_json(const struct roster *r, const struct mail *m)
{
    const char *type = packet_type_name(m->type);
    json_t *j = json_object();

    json_put_hex(j, "packet_id", m->id.b, sizeof(m->id.b));
    json_put_str(j, "direction", direction_name(m->direction));
    json_put_str(j, "type", type == NULL ? "unknown" : type);
    json_put(j, m->direction == INDEX_IN ? "from" : "to",
             side_json(r, &m->peer_agency, &m->peer_mailbox));
    if (m->direction == INDEX_IN) {
        char name[256];

        roster_mailbox_name(r, &m->own_mailbox, name, sizeof(name));
        json_put_str(j, "to", name);
        json_put_u64(j, "received_ms", m->stored_ms);
    }
    json_put_hex(j, "thread", m->thread.b, sizeof(m->thread.b));
    put_id(j, "in_reply_to", m->in_reply_to.b);
    json_put_str(j, "state", mail_state_name(m->state));
    json_put_str(j, "case_state", m->answer);
    json_put_bool(j, "urgent", m->class != 0);
    json_put_u64(j, "created_ms", m->created_ms);
    json_put_u64(j, "stored_ms", m->stored_ms);
    json_put_u64(j, "expires_ms", m->not_after_s * 1000);
    if (m->lost_policy != 0)
        json_put_bool(j, "lost_in_restore", true);
    if (m->stale_ms != 0)
        json_put_u64(j, "directory_age_ms", m->stale_ms);
    json_put_text(j, "subject", m->subject, strlen(m->subject));
    json_put_bool(j, "unread", m->is_unread);
    json_put(j, "attachments", atts_json(m));
    put_id(j, "resend_of", m->resend_of.b);
    put_id(j, "readdressed_to", m->moved_to.b);
    if (m->warned_ms != 0)
        json_put_u64(j, "warned_ms", m->warned_ms);
    else
        json_put(j, "warned_ms", json_null());
    json_put_bool(j, "escalates", m->is_escalating);
    if (m->waiting[0] != '\0')
        json_put_str(j, "waiting_for", m->waiting);
    else
        json_put(j, "waiting_for", json_null());
    return j;
}
