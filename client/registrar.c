#include "client/registrar.h"

#include <stdio.h>
#include <string.h>

#include "client/office.h"
#include "common/clock.h"
#include "proto/statement.h"

struct chain {
    struct agency_id issuer;
    uint64_t seq;
    struct hash prev;
};

/* Next statement of CHAIN: sign, remember, append to the bundle. */
static enum err
add(struct statement *st, struct chain *chain, const struct sign_secret *key,
    struct buf *bundle)
{
    struct buf b = {0};
    struct statement parsed;
    enum err rc;

    st->issuer = chain->issuer;
    st->seq = chain->seq;
    st->prev = chain->prev;
    st->time_s = clock_wall_ms() / 1000;
    rc = stmt_build(&b, st);
    if (rc == ERR_OK)
        rc = stmt_sign(&b, key);
    if (rc == ERR_OK)
        rc = stmt_parse(&parsed, b.data, b.len);
    if (rc == ERR_OK)
        rc = stmt_bundle_add(bundle, b.data, b.len);
    if (rc == ERR_OK) {
        chain->seq++;
        stmt_hash(&chain->prev, &parsed);
    }
    buf_clear(&b);
    return rc;
}

static enum err
add_policy(const struct founding *f, const struct sign_secret *key,
           struct chain *chain, struct buf *bundle)
{
    struct statement st = {.kind = STMT_POLICY};
    struct stmt_policy *p = &st.body.policy;

    p->min_suite = 2;
    p->k = 1;
    p->n = 1;
    p->keys = &key->pub;
    p->relay_name = text_ref(f->card->name);
    p->relay_key = f->card->transport_key;
    p->log_key = f->card->log_key;
    p->delivery_origin = text_ref(f->card->delivery_origin);
    p->directory_origin = text_ref(f->card->directory_origin);
    p->retention_days = f->retention_days;
    return add(&st, chain, key, bundle);
}

static enum err
add_admit(const struct founding *f, const struct sign_secret *key,
          struct identity *id, struct chain *chain, struct buf *bundle)
{
    struct statement st = {.kind = STMT_ADMIT, .issuer = chain->issuer};
    struct stmt_admit *a = &st.body.admit;
    enum err rc;

    a->root = key->pub;
    a->class = CLASS_REGISTRAR;
    memcpy(a->country, f->country, 2);
    a->name = text_ref(f->name);
    a->services = text_ref("");
    rc = stmt_pop_make(&st, key, &id->network_id);
    return rc == ERR_OK ? add(&st, chain, key, bundle) : rc;
}

static enum err
add_device(const struct founding *f, const struct sign_secret *key,
           struct identity *id, struct chain *chain, struct buf *bundle)
{
    struct statement st = {.kind = STMT_DEVICE, .issuer = chain->issuer};
    struct stmt_device *d = &st.body.device;
    enum err rc;

    d->sign_key = id->sign.pub;
    dh_public(&d->transport_key, &id->transport);
    d->not_after_s = office_device_until_s();
    d->label = text_ref(f->device_label);
    rc = stmt_pop_make(&st, &id->sign, &id->network_id);
    return rc == ERR_OK ? add(&st, chain, key, bundle) : rc;
}

static enum err
add_mailbox(const struct founding *f, const struct sign_secret *key,
            struct identity *id, struct chain *chain, struct buf *bundle)
{
    struct statement st = {.kind = STMT_MAILBOX, .issuer = chain->issuer};
    struct stmt_mailbox *m = &st.body.mailbox;

    crypto_random(id->mailbox.b, sizeof(id->mailbox.b));
    m->mailbox = id->mailbox;
    m->state = MAILBOX_OPEN;
    m->label = text_ref(f->mailbox_label);
    m->contact = text_ref(f->contact);
    m->n = 1;
    m->devices = &id->device;
    return add(&st, chain, key, bundle);
}

static void
fill_identity(const struct founding *f, const struct sign_secret *key,
              struct identity *id)
{
    id->state = IDENTITY_READY;
    agency_id_of(&id->agency, &key->pub);
    (void)snprintf(id->agency_name, sizeof(id->agency_name), "%s", f->name);
    (void)snprintf(id->device_label, sizeof(id->device_label), "%s",
                   f->device_label);
    office_set_relay(id, f->card->name, f->address, &f->card->transport_key);
    id->joined_ms = clock_wall_ms();
    office_new_device(id);
}

enum err
registrar_found(const struct founding *f, const struct sign_secret *key,
                struct identity *id, struct buf *genesis, struct problem *pb)
{
    struct chain registrars = {0};
    struct chain agency = {0};
    enum err rc;

    fill_identity(f, key, id);
    stmt_bundle_start(genesis);
    rc = add_policy(f, key, &registrars, genesis);
    if (rc == ERR_OK) {
        /* The genesis statement's hash names the network; registrars go on
         * under its first half, an agency's first statement hangs on it. */
        id->network_id = registrars.prev;
        memcpy(registrars.issuer.b, id->network_id.b, 16);
        agency.issuer = id->agency;
        agency.prev = id->network_id;
        rc = add_admit(f, key, id, &registrars, genesis);
    }
    if (rc == ERR_OK)
        rc = add_device(f, key, id, &agency, genesis);
    if (rc == ERR_OK)
        rc = add_mailbox(f, key, id, &agency, genesis);
    if (rc == ERR_OK)
        return rc;
    return problem_set(pb, P_USAGE, rc, "the network was not founded",
                       "the name, country (two capital letters) or a label "
                       "has characters that names may not have, or is too "
                       "long");
}
