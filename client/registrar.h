/*
 * registrar.h - founding a network and deciding who is in it.
 */
#ifndef SEALPOST_CLIENT_REGISTRAR_H
#define SEALPOST_CLIENT_REGISTRAR_H

#include "client/identity.h"
#include "client/problem.h"
#include "common/buf.h"
#include "proto/invite.h"

struct founding {
    const struct relay_card *card;
    const char *address; /* host:port of the relay */
    const char *name;    /* of the registrar */
    const char *country;
    const char *mailbox_label;
    const char *device_label;
    const char *contact;
    uint32_t retention_days;
};

/* Makes the founding statements (POLICY, the registrar's ADMIT, DEVICE and
 * MAILBOX; registrar 1 of 1) into GENESIS, and ID, ready to be saved.  KEY is
 * the new registrar key, which is also the root of the registrar's agency. */
enum err registrar_found(const struct founding *f,
                         const struct sign_secret *key, struct identity *id,
                         struct buf *genesis, struct problem *pb);

#endif
