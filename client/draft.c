#include "client/draft.h"

#include <stdio.h>
#include <string.h>

#include "client/app.h"
#include "client/shelf.h"
#include "common/bytes.h"
#include "common/clock.h"
#include "proto/crypto.h"

enum { PREFIX_MIN = 4 };

void
draft_new(struct draft *out, json_t *doc)
{
    memset(out, 0, sizeof(*out));
    crypto_random(out->id, sizeof(out->id));
    out->created_ms = out->changed_ms = clock_wall_ms();
    out->doc = doc;
}

void
draft_clear(struct draft *d)
{
    json_decref(d->doc);
    crypto_wipe(d, sizeof(*d));
}

void
draft_hex(const struct draft *d, char out[DRAFT_HEX_LEN])
{
    hex_encode(out, d->id, sizeof(d->id));
}

/* ---- as a record ---- */

static json_t *
to_record(const struct draft *d)
{
    json_t *record = json_object();

    json_put_u64(record, "v", 1);
    json_put_u64(record, "created_ms", d->created_ms);
    json_put_u64(record, "changed_ms", d->changed_ms);
    json_put_str(record, "cursor", d->cursor);
    json_put(record, "referral", json_incref(d->doc));
    return record;
}

static uint64_t
number(const json_t *record, const char *key)
{
    return (uint64_t)json_integer_value(json_object_get(record, key));
}

static enum err
read_record(struct app *app, const uint8_t id[VAULT_ID_LEN], struct draft *out,
            struct problem *pb)
{
    json_t *record = NULL;
    const char *cursor;
    enum err rc = shelf_get(app, REC_DRAFT, id, &record, pb);

    if (rc != ERR_OK)
        return rc;
    memset(out, 0, sizeof(*out));
    memcpy(out->id, id, sizeof(out->id));
    out->created_ms = number(record, "created_ms");
    out->changed_ms = number(record, "changed_ms");
    cursor = json_string_value(json_object_get(record, "cursor"));
    if (cursor != NULL)
        (void)snprintf(out->cursor, sizeof(out->cursor), "%s", cursor);
    out->doc = json_incref(json_object_get(record, "referral"));
    json_decref(record);
    if (!json_is_object(out->doc)) {
        draft_clear(out);
        return problem_set(pb, P_VAULT_DAMAGED, ERR_VERIFY,
                           "a draft cannot be read",
                           "its record holds no referral");
    }
    return ERR_OK;
}

/* ---- finding ---- */

static bool
starts(const uint8_t id[VAULT_ID_LEN], const char *prefix)
{
    char hex[DRAFT_HEX_LEN];
    size_t len = strlen(prefix);

    hex_encode(hex, id, VAULT_ID_LEN);
    return len < sizeof(hex) && strncmp(hex, prefix, len) == 0;
}

enum err
draft_load(struct app *app, const char *id, struct draft *out,
           struct problem *pb)
{
    struct vault_item item;
    struct vault_item found = {0};
    size_t pos = 0;
    size_t hits = 0;

    while (strlen(id) >= PREFIX_MIN &&
           vault_next(app->vault, REC_DRAFT, &pos, &item)) {
        if (starts(item.id, id)) {
            found = item;
            hits++;
        }
    }
    if (hits == 0) {
        (void)problem_set(pb, P_NOT_FOUND, ERR_NOTFOUND,
                          "there is no such draft",
                          "no draft's id starts with \"%.40s\"", id);
        problem_next(pb, "`sealpost drafts` lists them");
        return ERR_NOTFOUND;
    }
    if (hits > 1)
        return problem_set(pb, P_AMBIGUOUS, ERR_CONFLICT,
                           "more than one draft fits",
                           "%zu ids start with \"%.40s\"", hits, id);
    return read_record(app, found.id, out, pb);
}

enum err
draft_next(struct app *app, size_t *pos, struct draft *out, struct problem *pb)
{
    struct vault_item item;

    if (!vault_next(app->vault, REC_DRAFT, pos, &item))
        return ERR_NOTFOUND;
    return read_record(app, item.id, out, pb);
}

/* ---- writing ---- */

enum err
draft_save(struct app *app, struct draft *d, struct problem *pb)
{
    json_t *record;
    enum err rc;

    d->changed_ms = clock_wall_ms();
    record = to_record(d);
    rc = shelf_begin(app, pb);
    if (rc == ERR_OK) {
        shelf_put(app, REC_DRAFT, d->id, record);
        rc = shelf_end(app, rc, pb);
    }
    json_decref(record);
    return rc;
}

enum err
draft_delete(struct app *app, const uint8_t id[VAULT_ID_LEN],
             struct problem *pb)
{
    enum err rc = shelf_begin(app, pb);

    if (rc == ERR_OK)
        rc = shelf_problem(
            vault_delete(app->vault, REC_DRAFT, id, VAULT_SHRED_NOW), pb);
    return rc == ERR_OK ? shelf_end(app, rc, pb) : rc;
}
