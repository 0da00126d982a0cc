/*
 * identity.h - who this vault belongs to: agency, device, keys, network.
 * Life: identity_load() after app_unlock() ... identity_clear(), which wipes.
 */
#ifndef SEALPOST_CLIENT_IDENTITY_H
#define SEALPOST_CLIENT_IDENTITY_H

#include <stdbool.h>
#include <stdint.h>

#include "client/problem.h"
#include "proto/crypto.h"
#include "proto/ids.h"

struct app;

enum identity_state {
    IDENTITY_NONE,    /* an empty vault (drafting only, or before join) */
    IDENTITY_WAITING, /* join or device request made, not yet admitted */
    IDENTITY_READY,
};

struct identity {
    enum identity_state state;
    struct hash network_id;
    struct agency_id agency;
    struct device_id device;
    struct mailbox_id mailbox; /* the mailbox this device joined with */
    char agency_name[121];
    char device_label[81];
    char relay_name[65];
    char relay_address[260];     /* host:port */
    struct dh_key relay_key;     /* pinned transport key */
    uint8_t invite_code[16];     /* while WAITING by invite; zeros otherwise */
    char registrar_contact[256]; /* who to phone while waiting */
    uint64_t joined_ms;
    struct sign_secret sign;    /* secret */
    struct dh_secret transport; /* secret */
};

/* ERR_NOTFOUND with P_NO_IDENTITY when the vault has none. */
enum err identity_load(struct app *app, struct identity *out,
                       struct problem *pb);
/* load, and P_NOT_ADMITTED unless READY. */
enum err identity_require(struct app *app, struct identity *out,
                          struct problem *pb);
/* Writes REC_IDENTITY and REC_SECRETS in one vault transaction. */
enum err identity_save(struct app *app, const struct identity *id,
                       struct problem *pb);
void identity_clear(struct identity *id);

#endif
