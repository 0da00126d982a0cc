/*
 * mailroom.h - handing packets to one device over its mailbox session: the
 * oldest waiting first, at most LIMIT_UNACKED_DELIVER without a receipt.
 * Embedded in a session; knows the store's cursor and nothing of content.
 */
#ifndef SEALPOST_SERVER_MAILROOM_H
#define SEALPOST_SERVER_MAILROOM_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/ids.h"
#include "proto/limits.h"

struct dir_mailbox;
struct relay;
struct session;

struct mailroom {
    uint64_t cursor; /* of the last packet handed out in this session */
    unsigned n;      /* handed out and not receipted yet */
    struct packet_id unacked[LIMIT_UNACKED_DELIVER];
};

/* S becomes the device's mailbox session; an older one ends, superseded. */
void mailroom_open(struct session *s);
/* S, the device's mailbox session, ends. */
void mailroom_close(struct session *s);
/* Has any live member of MB its mailbox session now? */
bool mailroom_is_attended(struct relay *r, const struct dir_mailbox *mb);
/* Hands out what waits, as far as window and unsent bytes allow. */
void mailroom_pump(struct session *s);
/* A receipt for PACKET (16 bytes) came; whatever it said, the window moves. */
void mailroom_receipted(struct session *s, const uint8_t *packet);
/* A packet was stored for MAILBOX: pump the sessions of its devices. */
void mailroom_wake(struct relay *r, const struct mailbox_id *mailbox);

#endif
