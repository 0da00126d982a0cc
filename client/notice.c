#include "client/notice.h"

#include <stdlib.h>
#include <string.h>

#include "client/roster.h"
#include "client/shelf.h"
#include "client/story.h"
#include "client/vault.h"
#include "common/bytes.h"

enum { PREFIX_MIN = 4 };

void
notice_clear(struct notice *n)
{
    mail_clear(&n->m);
    buf_clear(&n->proof);
    *n = (struct notice){0};
}

void
notice_short(char out[9], const struct notice *n)
{
    hex_encode(out, n->id.b, 4);
}

/* ---- kept ---- */

/* (T) */
static void
put(struct app *app, const struct notice *n)
{
    json_t *j = json_object();

    json_put_hex(j, "packet_id", n->packet.b, sizeof(n->packet.b));
    json_put_u64(j, "type", n->type);
    json_put_u64(j, "reason", n->reason);
    json_put_u64(j, "time_ms", n->time_ms);
    json_put_bool(j, "unread", n->is_unread);
    if (n->proof.len > 0) {
        json_put_u64(j, "index", n->index);
        json_put_text(j, "proof", n->proof.data, n->proof.len);
    }
    shelf_put(app, REC_NOTICE, n->id.b, j);
    json_decref(j);
}

static void
name_it(struct notice *n, const void *bytes, size_t len)
{
    struct hash h;

    sha256(&h, bytes, len);
    memcpy(n->id.b, h.b, sizeof(n->id.b));
}

void
notice_put(struct app *app, const struct kept_event *e)
{
    struct notice n = {.packet = e->event.packet,
                       .type = e->event.type,
                       .reason = e->event.reason,
                       .time_ms = e->event.time_ms,
                       .index = e->index,
                       .is_unread = true};

    name_it(&n, e->opening, sizeof(e->opening));
    if (event_receipt(e, &n.proof) == ERR_OK)
        put(app, &n);
    else
        vault_abort(app->vault);
    notice_clear(&n);
}

void
notice_put_unsent(struct app *app, const struct mail *m)
{
    struct notice n = {.packet = m->id,
                       .type = EVENT_EXPIRED,
                       .time_ms = m->final_ms,
                       .index = UINT64_MAX,
                       .is_unread = true};

    name_it(&n, m->id.b, sizeof(m->id.b));
    put(app, &n);
}

static enum err
load(struct app *app, const uint8_t id[16], struct notice *out,
     struct problem *pb)
{
    struct notice n = {.index = UINT64_MAX};
    json_t *j = NULL;
    const json_t *proof;
    enum err rc = shelf_get(app, REC_NOTICE, id, &j, pb);

    if (rc != ERR_OK)
        return rc;
    memcpy(n.id.b, id, sizeof(n.id.b));
    (void)json_get_hex(j, "packet_id", n.packet.b, sizeof(n.packet.b));
    n.type = (uint8_t)json_get_u64(j, "type");
    n.reason = (uint16_t)json_get_u64(j, "reason");
    n.time_ms = json_get_u64(j, "time_ms");
    n.is_unread = json_get_bool(j, "unread");
    proof = json_object_get(j, "proof");
    if (json_is_string(proof)) {
        n.index = json_get_u64(j, "index");
        buf_put(&n.proof, json_string_value(proof), json_string_length(proof));
    }
    rc = problem_from_err(pb, "a notice cannot be shown", buf_status(&n.proof));
    json_decref(j);
    if (rc == ERR_OK)
        rc = mail_load(app, &n.packet, INDEX_OUT, &n.m, pb);
    if (rc == ERR_NOTFOUND)
        rc = mail_load(app, &n.packet, INDEX_OWN, &n.m, pb);
    if (rc != ERR_OK && rc != ERR_NOTFOUND) {
        notice_clear(&n);
        return rc;
    }
    *out = n;
    return ERR_OK;
}

enum err
notice_set_read(struct app *app, struct notice *n, struct problem *pb)
{
    enum err rc;

    if (!n->is_unread)
        return ERR_OK;
    rc = shelf_begin(app, pb);
    if (rc != ERR_OK)
        return rc;
    n->is_unread = false;
    put(app, n);
    return shelf_end(app, ERR_OK, pb);
}

/* ---- many ---- */

void
notices_clear(struct notices *list)
{
    for (size_t i = 0; i < list->n; i++)
        notice_clear(&list->items[i]);
    free(list->items);
    *list = (struct notices){0};
}

static int
by_time(const void *a, const void *b)
{
    const struct notice *x = a, *y = b;

    return x->time_ms > y->time_ms ? -1 : x->time_ms < y->time_ms;
}

enum err
notices_load(struct app *app, struct notices *out, struct problem *pb)
{
    struct notices list = {0};
    struct vault_item item;
    size_t pos = 0;
    enum err rc = ERR_OK;

    list.items =
        calloc(vault_count(app->vault, REC_NOTICE) + 1, sizeof(*list.items));
    if (list.items == NULL)
        return problem_from_err(pb, "the notices were not listed", ERR_NOMEM);
    while (rc == ERR_OK && vault_next(app->vault, REC_NOTICE, &pos, &item)) {
        rc = load(app, item.id, &list.items[list.n], pb);
        list.n += rc == ERR_OK;
    }
    if (rc != ERR_OK) {
        notices_clear(&list);
        return rc;
    }
    qsort(list.items, list.n, sizeof(*list.items), by_time);
    *out = list;
    return ERR_OK;
}

size_t
notices_unread(struct app *app)
{
    struct problem none = {0};
    struct vault_item item;
    size_t pos = 0;
    size_t n = 0;

    while (vault_next(app->vault, REC_NOTICE, &pos, &item)) {
        json_t *j = NULL;

        if (shelf_get(app, REC_NOTICE, item.id, &j, &none) == ERR_OK)
            n += json_get_bool(j, "unread");
        json_decref(j);
    }
    return n;
}

/* ---- by what a person typed ---- */

static bool
starts_so(const uint8_t id[16], const char *text)
{
    char hex[33];
    size_t n = strlen(text);

    hex_encode(hex, id, 16);
    return n >= PREFIX_MIN && n <= 32 && strncmp(hex, text, n) == 0;
}

enum err
notice_find(struct app *app, const char *text, struct notice *out,
            struct problem *pb)
{
    uint8_t found[16];
    struct problem none = {0};
    struct mail m = {0};
    struct vault_item item;
    size_t matches = 0;
    size_t pos = 0;

    while (vault_next(app->vault, REC_NOTICE, &pos, &item))
        if (starts_so(item.id, text) && matches++ == 0)
            memcpy(found, item.id, sizeof(found));
    if (matches > 0 && mail_find(app, text, UINT32_MAX, &m, &none) == ERR_OK)
        matches++;
    mail_clear(&m);
    if (matches == 0)
        return ERR_NOTFOUND;
    if (matches > 1)
        return problem_set(pb, P_AMBIGUOUS, ERR_CONFLICT,
                           "that could be several things",
                           "\"%.40s\" begins the ids of %zu", text, matches);
    return load(app, found, out, pb);
}
