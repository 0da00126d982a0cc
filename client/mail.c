#include "client/mail.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/app.h"
#include "client/roster.h"
#include "client/shelf.h"
#include "client/vault.h"
#include "common/bytes.h"
#include "common/clock.h"
#include "proto/event.h"
#include "proto/packet_type.h"

enum { PREFIX_MIN = 4 };

static const char *const state_names[MAIL_STATES] = {
    "", "queued", "stored", "handed_over", "refused", "withdrawn", "expired",
};

const char *
mail_state_name(enum mail_state state)
{
    return (unsigned)state < MAIL_STATES ? state_names[state] : "";
}

void
mail_clear(struct mail *m)
{
    free(m->atts);
    memset(m, 0, sizeof(*m));
}

enum err
mail_atts(struct mail *m, size_t n)
{
    struct mail_att *atts = calloc(n + 1, sizeof(*atts));

    if (atts == NULL)
        return ERR_NOMEM;
    free(m->atts);
    m->atts = atts;
    m->n_atts = n;
    return ERR_OK;
}

bool
mail_is_lost(const struct mail *m)
{
    return m->state == MAIL_REFUSED || m->state == MAIL_EXPIRED;
}

bool
mail_is_overdue(const struct mail *m)
{
    return m->state == MAIL_STORED && m->warned_ms != 0 &&
           m->direction != INDEX_IN;
}

bool
mail_is_going_on(const struct mail *m)
{
    static const struct mailbox_id nowhere;

    return m->direction == INDEX_OUT && !id_eq(&m->moving_to, &nowhere);
}

const char *
mail_reason(const struct mail *m)
{
    static const uint8_t events[MAIL_STATES] = {
        [MAIL_HANDED_OVER] = EVENT_HANDED_OVER,
        [MAIL_REFUSED] = EVENT_REFUSED,
        [MAIL_WITHDRAWN] = EVENT_WITHDRAWN,
        [MAIL_EXPIRED] = EVENT_EXPIRED,
    };
    const char *name = NULL;

    if (m->reason != 0 && (unsigned)m->state < MAIL_STATES)
        name = event_reason_name(events[m->state], m->reason);
    return name == NULL ? "" : name;
}

void
mail_short(char out[9], const struct packet_id *id)
{
    hex_encode(out, id->b, 4);
}

/* ---- as JSON ---- */

/* Ids and numbers by name: one table for both ways. */
static const struct {
    const char *key;
    size_t at, len;
} hex_fields[] = {
#define HEX(key, field)                                                        \
    {                                                                          \
        key, offsetof(struct mail, field), sizeof(((struct mail *)0)->field)   \
    }
    HEX("packet_id", id),
    HEX("thread", thread),
    HEX("in_reply_to", in_reply_to),
    HEX("peer_agency", peer_agency),
    HEX("peer_mailbox", peer_mailbox),
    HEX("own_mailbox", own_mailbox),
    HEX("device", device),
    HEX("pkt_digest", pkt_digest),
    HEX("own_copy", own_copy),
    HEX("original", original),
    HEX("resend_of", resend_of),
    HEX("moved_to", moved_to),
    HEX("moving_to", moving_to),
#undef HEX
};
static const struct {
    const char *key;
    size_t at;
} u64_fields[] = {
    {"created_ms", offsetof(struct mail, created_ms)},
    {"stale_ms", offsetof(struct mail, stale_ms)},
    {"sealed_ms", offsetof(struct mail, sealed_ms)},
    {"stored_ms", offsetof(struct mail, stored_ms)},
    {"final_ms", offsetof(struct mail, final_ms)},
    {"not_after_s", offsetof(struct mail, not_after_s)},
    {"stored_index", offsetof(struct mail, stored_index)},
    {"lost_policy", offsetof(struct mail, lost_policy)},
    {"again_ms", offsetof(struct mail, again_ms)},
    {"warned_ms", offsetof(struct mail, warned_ms)},
};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static json_t *
att_to_json(const struct mail_att *a)
{
    json_t *j = json_object();

    json_put_hex(j, "owner", a->owner.b, sizeof(a->owner.b));
    json_put_hex(j, "att_id", a->id.b, sizeof(a->id.b));
    json_put_text(j, "name", a->name, strlen(a->name));
    json_put_u64(j, "size", a->size);
    json_put_u64(j, "part", a->part);
    json_put_u64(j, "ct_len", a->ct_len);
    json_put_hex(j, "digest", a->digest.b, sizeof(a->digest.b));
    return j;
}

static json_t *
to_json(const struct mail *m)
{
    json_t *j = json_object();
    json_t *atts = json_array();

    for (size_t i = 0; i < COUNT(hex_fields); i++)
        json_put_hex(j, hex_fields[i].key,
                     (const uint8_t *)m + hex_fields[i].at, hex_fields[i].len);
    for (size_t i = 0; i < COUNT(u64_fields); i++) {
        uint64_t v;

        memcpy(&v, (const uint8_t *)m + u64_fields[i].at, sizeof(v));
        json_put_u64(j, u64_fields[i].key, v);
    }
    json_put_u64(j, "direction", (uint64_t)m->direction);
    json_put_u64(j, "type", m->type);
    json_put_u64(j, "class", m->class);
    json_put_u64(j, "state", (uint64_t)m->state);
    json_put_u64(j, "reason", m->reason);
    json_put_bool(j, "unread", m->is_unread);
    json_put_bool(j, "sealed", m->is_sealed);
    json_put_str(j, "subject", m->subject);
    json_put_str(j, "waiting", m->waiting);
    json_put_str(j, "answer", m->answer);
    json_put_str(j, "moving_consent", m->moving_consent);
    json_put_bool(j, "escalating", m->is_escalating);
    for (size_t i = 0; i < m->n_atts; i++)
        (void)json_array_append_new(atts, att_to_json(&m->atts[i]));
    json_put(j, "attachments", atts);
    return j;
}

static void
att_from_json(struct mail_att *a, const json_t *j)
{
    (void)json_get_hex(j, "owner", a->owner.b, sizeof(a->owner.b));
    (void)json_get_hex(j, "att_id", a->id.b, sizeof(a->id.b));
    json_get_text(j, "name", a->name, sizeof(a->name));
    a->size = json_get_u64(j, "size");
    a->part = (uint8_t)json_get_u64(j, "part");
    a->ct_len = json_get_u64(j, "ct_len");
    (void)json_get_hex(j, "digest", a->digest.b, sizeof(a->digest.b));
}

static enum err
from_json(struct mail *m, const json_t *j)
{
    const json_t *atts = json_object_get(j, "attachments");
    enum err rc = mail_atts(m, json_array_size(atts));

    if (rc != ERR_OK)
        return rc;
    for (size_t i = 0; i < COUNT(hex_fields); i++)
        (void)json_get_hex(j, hex_fields[i].key,
                           (uint8_t *)m + hex_fields[i].at, hex_fields[i].len);
    for (size_t i = 0; i < COUNT(u64_fields); i++) {
        uint64_t v = json_get_u64(j, u64_fields[i].key);

        memcpy((uint8_t *)m + u64_fields[i].at, &v, sizeof(v));
    }
    m->direction = (enum index_direction)json_get_u64(j, "direction");
    m->type = (uint8_t)json_get_u64(j, "type");
    m->class = (uint8_t)json_get_u64(j, "class");
    m->state = (enum mail_state)json_get_u64(j, "state");
    m->reason = (uint16_t)json_get_u64(j, "reason");
    m->is_unread = json_get_bool(j, "unread");
    m->is_sealed = json_get_bool(j, "sealed");
    json_get_text(j, "subject", m->subject, sizeof(m->subject));
    json_get_text(j, "waiting", m->waiting, sizeof(m->waiting));
    json_get_text(j, "answer", m->answer, sizeof(m->answer));
    json_get_text(j, "moving_consent", m->moving_consent,
                  sizeof(m->moving_consent));
    m->is_escalating = json_get_bool(j, "escalating");
    for (size_t i = 0; i < m->n_atts; i++)
        att_from_json(&m->atts[i], json_array_get(atts, i));
    return ERR_OK;
}

/* ---- in the vault ---- */

void
mail_record_id(uint8_t out[16], const struct packet_id *id,
               enum index_direction direction)
{
    memcpy(out, id->b, 16);
    out[15] ^= (uint8_t)direction;
}

void
mail_put(struct app *app, const struct mail *m)
{
    json_t *j = to_json(m);
    uint8_t id[16];

    mail_record_id(id, &m->id, m->direction);
    shelf_put(app, REC_PACKET, id, j);
    json_decref(j);
}

void
mail_drop(struct app *app, const struct mail *m)
{
    uint8_t id[16];

    mail_record_id(id, &m->id, m->direction);
    shelf_drop(app, REC_PACKET, id);
    shelf_drop(app, REC_INNER, id);
    shelf_drop(app, REC_WITHHELD, id);
    shelf_drop(app, REC_PROOF, id);
    shelf_drop(app, REC_REFRESHED, id);
    shelf_drop(app, REC_ENVELOPE, id);
    if (m->direction == INDEX_OUT)
        shelf_drop(app, REC_SEALED, m->id.b);
}

enum err
mail_save(struct app *app, const struct mail *m, struct problem *pb)
{
    enum err rc = shelf_begin(app, pb);

    if (rc != ERR_OK)
        return rc;
    mail_put(app, m);
    return shelf_end(app, ERR_OK, pb);
}

static enum err
load_record(struct app *app, const uint8_t id[16], struct mail *out,
            struct problem *pb)
{
    struct mail m = {0};
    json_t *j = NULL;
    enum err rc = shelf_get(app, REC_PACKET, id, &j, pb);

    if (rc != ERR_OK)
        return rc;
    rc = problem_from_err(pb, "the packet cannot be shown", from_json(&m, j));
    json_decref(j);
    if (rc == ERR_OK)
        *out = m;
    return rc;
}

enum err
mail_load(struct app *app, const struct packet_id *id,
          enum index_direction direction, struct mail *out, struct problem *pb)
{
    uint8_t rec[16];

    mail_record_id(rec, id, direction);
    return load_record(app, rec, out, pb);
}

enum err
mail_next(struct app *app, size_t *pos, struct mail *out, struct problem *pb)
{
    struct vault_item item;

    if (!vault_next(app->vault, REC_PACKET, pos, &item))
        return ERR_NOTFOUND;
    return load_record(app, item.id, out, pb);
}

/* ---- by what a person typed ---- */

struct search {
    uint8_t prefix[16];
    size_t digits;
    struct mail found;
    size_t matches;
    bool has_more; /* several packets, not one in several directions */
};

static enum err
search_from(struct search *s, const char *text, struct problem *pb)
{
    char hex[33];
    size_t n = 0;

    for (; *text != '\0'; text++) {
        if (*text == '-' && n > 0)
            continue;
        if (n == 32 || strchr("0123456789abcdefABCDEF", *text) == NULL)
            break;
        hex[n++] = *text;
    }
    if (*text != '\0' || n < PREFIX_MIN)
        return problem_set(pb, P_NOT_FOUND, ERR_MALFORMED,
                           "that is no packet's id",
                           "an id is at least %d digits 0-9, a-f", PREFIX_MIN);
    s->digits = n;
    while (n < 32)
        hex[n++] = '0';
    hex[32] = '\0';
    return hex_decode(s->prefix, sizeof(s->prefix), hex);
}

static bool
starts_so(const struct search *s, const uint8_t id[16], size_t digits)
{
    for (size_t i = 0; i < digits && i < s->digits; i++) {
        unsigned shift = i % 2 == 0 ? 4 : 0;

        if (((id[i / 2] ^ s->prefix[i / 2]) >> shift & 15) != 0)
            return false;
    }
    return true;
}

static void
offer(struct search *s, struct mail *m, unsigned directions)
{
    if ((directions & INDEX_BIT((unsigned)m->direction)) == 0 ||
        !starts_so(s, m->id.b, 32)) {
        mail_clear(m);
        return;
    }
    if (s->matches++ > 0 && !id_eq(&m->id, &s->found.id))
        s->has_more = true;
    if (s->matches == 1 || m->direction < s->found.direction) {
        mail_clear(&s->found);
        s->found = *m;
    } else {
        mail_clear(m);
    }
}

static enum err
search_packets(struct app *app, struct search *s, unsigned directions,
               struct problem *pb)
{
    struct vault_item item;
    size_t pos = 0;

    while (vault_next(app->vault, REC_PACKET, &pos, &item)) {
        struct mail m = {0};
        enum err rc;

        /* The last byte is mixed with the direction. */
        if (!starts_so(s, item.id, 30))
            continue;
        rc = load_record(app, item.id, &m, pb);
        if (rc != ERR_OK)
            return rc;
        offer(s, &m, directions);
    }
    return ERR_OK;
}

static enum err
search_aliases(struct app *app, struct search *s, struct problem *pb)
{
    struct vault_item item;
    size_t pos = 0;

    while (vault_next(app->vault, REC_ALIAS, &pos, &item)) {
        struct packet_id now;
        struct mail m = {0};
        json_t *j = NULL;
        enum err rc;

        if (!starts_so(s, item.id, 32))
            continue;
        rc = shelf_get(app, REC_ALIAS, item.id, &j, pb);
        if (rc != ERR_OK)
            return rc;
        (void)json_get_hex(j, "packet_id", now.b, sizeof(now.b));
        json_decref(j);
        memcpy(s->prefix, now.b, 16);
        s->digits = 32;
        rc = mail_load(app, &now, INDEX_OUT, &m, pb);
        if (rc == ERR_OK)
            offer(s, &m, INDEX_BIT(INDEX_OUT));
        return rc == ERR_NOTFOUND ? ERR_OK : rc;
    }
    return ERR_OK;
}

enum err
mail_find(struct app *app, const char *text, unsigned directions,
          struct mail *out, struct problem *pb)
{
    struct search s = {0};
    enum err rc = search_from(&s, text, pb);

    if (rc == ERR_OK)
        rc = search_packets(app, &s, directions, pb);
    if (rc == ERR_OK && s.matches == 0 &&
        (directions & INDEX_BIT(INDEX_OUT)) != 0)
        rc = search_aliases(app, &s, pb);
    if (rc == ERR_OK && s.matches == 0)
        rc = problem_set(pb, P_NOT_FOUND, ERR_NOTFOUND,
                         "there is no such packet here",
                         "no packet's id starts with %.40s", text);
    if (rc == ERR_OK && s.has_more)
        rc = problem_set(pb, P_AMBIGUOUS, ERR_CONFLICT,
                         "that can be several packets",
                         "more than one id starts with %.40s", text);
    if (rc == ERR_OK)
        *out = s.found;
    else
        mail_clear(&s.found);
    return rc;
}

void
mail_alias(struct app *app, const struct packet_id *old,
           const struct packet_id *new)
{
    json_t *j = json_object();

    json_put_hex(j, "packet_id", new->b, sizeof(new->b));
    shelf_put(app, REC_ALIAS, old->b, j);
    json_decref(j);
}
