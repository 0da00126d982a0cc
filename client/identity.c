#include "client/identity.h"

#include <stdio.h>
#include <string.h>

#include "client/app.h"
#include "client/shelf.h"

enum { SECRETS_LEN = 64 };

static const char *const states[] = {
    [IDENTITY_NONE] = "none",
    [IDENTITY_WAITING] = "waiting",
    [IDENTITY_READY] = "ready",
};

static json_t *
to_json(const struct identity *id)
{
    json_t *j = json_object();

    json_put_str(j, "state", states[id->state]);
    json_put_hex(j, "network_id", id->network_id.b, 32);
    json_put_hex(j, "agency", id->agency.b, 16);
    json_put_hex(j, "device", id->device.b, 16);
    json_put_hex(j, "mailbox", id->mailbox.b, 16);
    json_put_str(j, "agency_name", id->agency_name);
    json_put_str(j, "device_label", id->device_label);
    json_put_str(j, "relay_name", id->relay_name);
    json_put_str(j, "relay_address", id->relay_address);
    json_put_hex(j, "relay_key", id->relay_key.b, 32);
    json_put_hex(j, "invite_code", id->invite_code, 16);
    json_put_str(j, "registrar_contact", id->registrar_contact);
    json_put_u64(j, "joined_ms", id->joined_ms);
    return j;
}

static void
from_json(struct identity *id, const json_t *j)
{
    for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++)
        if (strcmp(json_get_str(j, "state"), states[i]) == 0)
            id->state = (enum identity_state)i;
    (void)json_get_hex(j, "network_id", id->network_id.b, 32);
    (void)json_get_hex(j, "agency", id->agency.b, 16);
    (void)json_get_hex(j, "device", id->device.b, 16);
    (void)json_get_hex(j, "mailbox", id->mailbox.b, 16);
    json_get_text(j, "agency_name", id->agency_name, sizeof(id->agency_name));
    json_get_text(j, "device_label", id->device_label,
                  sizeof(id->device_label));
    json_get_text(j, "relay_name", id->relay_name, sizeof(id->relay_name));
    json_get_text(j, "relay_address", id->relay_address,
                  sizeof(id->relay_address));
    (void)json_get_hex(j, "relay_key", id->relay_key.b, 32);
    (void)json_get_hex(j, "invite_code", id->invite_code, 16);
    json_get_text(j, "registrar_contact", id->registrar_contact,
                  sizeof(id->registrar_contact));
    id->joined_ms = json_get_u64(j, "joined_ms");
}

static enum err
load_secrets(struct app *app, struct identity *id, struct problem *pb)
{
    struct buf b = {0};
    enum err rc = shelf_get_raw(app, REC_SECRETS, shelf_one, &b, pb);

    if (rc == ERR_OK && b.len != SECRETS_LEN)
        rc = ERR_VERIFY;
    if (rc == ERR_OK) {
        sign_keypair_from_seed(&id->sign, b.data);
        memcpy(id->transport.b, b.data + 32, 32);
    }
    buf_clear(&b);
    /* A vault in which nobody has joined yet has no keys. */
    if (rc == ERR_NOTFOUND && id->state == IDENTITY_NONE)
        rc = ERR_OK;
    return rc == ERR_NOTFOUND ? shelf_problem(ERR_VERIFY, pb)
                              : shelf_problem(rc, pb);
}

enum err
identity_load(struct app *app, struct identity *out, struct problem *pb)
{
    struct identity id = {0};
    json_t *j = NULL;
    enum err rc = shelf_get(app, REC_IDENTITY, shelf_one, &j, pb);

    if (rc == ERR_NOTFOUND)
        return problem_set(pb, P_NO_IDENTITY, rc,
                           "nobody has joined a network here",
                           "the vault at %s has no identity yet", app->home);
    if (rc != ERR_OK)
        return rc;
    from_json(&id, j);
    json_decref(j);
    rc = load_secrets(app, &id, pb);
    if (rc == ERR_OK)
        *out = id;
    identity_clear(&id);
    return rc;
}

enum err
identity_require(struct app *app, struct identity *out, struct problem *pb)
{
    enum err rc = identity_load(app, out, pb);

    if (rc != ERR_OK || out->state == IDENTITY_READY)
        return rc;
    if (out->state == IDENTITY_NONE)
        rc = problem_set(pb, P_NO_IDENTITY, ERR_NOTFOUND,
                         "nobody has joined a network here",
                         "the vault at %s has no identity yet", app->home);
    else
        rc = problem_set(pb, P_NOT_ADMITTED, ERR_STATE,
                         "this device is not admitted yet", "%s",
                         out->registrar_contact[0] != '\0'
                             ? out->registrar_contact
                             : "the registrar has not answered the request");
    if (rc == ERR_STATE && out->registrar_contact[0] != '\0')
        problem_next(pb, "`sealpost join --status` says what is missing");
    identity_clear(out);
    return rc;
}

enum err
identity_save(struct app *app, const struct identity *id, struct problem *pb)
{
    uint8_t secrets[SECRETS_LEN];
    json_t *j;
    enum err rc = shelf_begin(app, pb);

    if (rc != ERR_OK)
        return rc;
    memcpy(secrets, id->sign.seed, 32);
    memcpy(secrets + 32, id->transport.b, 32);
    j = to_json(id);
    shelf_put(app, REC_IDENTITY, shelf_one, j);
    shelf_put_raw(app, REC_SECRETS, shelf_one, secrets, sizeof(secrets));
    json_decref(j);
    crypto_wipe(secrets, sizeof(secrets));
    return shelf_end(app, ERR_OK, pb);
}

void
identity_clear(struct identity *id)
{
    crypto_wipe(id, sizeof(*id));
}
