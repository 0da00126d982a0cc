/*
 * desk.h - what a command that deals with packets works at: the open vault, who
 * we are, the directory, perhaps a connection, and what the relay has pushed
 * onto it.
 * Life: desk_open() ... desk_connect() ... desk_close().
 */
#ifndef SEALPOST_CLIENT_DESK_H
#define SEALPOST_CLIENT_DESK_H

#include <stdbool.h>
#include <stdint.h>

#include "client/app.h"
#include "client/identity.h"
#include "client/roster.h"
#include "client/upstream.h"

/* One DELIVER, copied from the wire. */
struct delivery {
    struct delivery *next;
    struct agency_id sender;
    unsigned slot;
    struct buf hdr, wrap, wrap_hashes, body, proof;
};

/* What was done, for the command to tell. */
struct desk_count {
    unsigned sent, received, quarantined, receipts, alarms;
    unsigned undelivered; /* packets that ended without arriving */
    unsigned warned;      /* packets that nobody collects */
    unsigned readdressed; /* packets that went on to another mailbox */
};

struct desk {
    struct app *app;
    struct identity id;
    struct roster *roster;
    struct upstream *up; /* NULL: offline */
    struct delivery *first, *last;
    bool events_due;    /* EVENTS was pushed */
    bool directory_due; /* DIR was pushed */
    struct desk_count count;
    unsigned acted_on; /* warnings and losses that were looked at */
    /* May be NULL: something happened that a person or --exec waits for.
     * EVENT is "received", "handed_over", "refused", ... */
    void (*happened)(void *arg, const char *event, const struct packet_id *id);
    void *happened_arg;
};

enum desk_line {
    DESK_OFFLINE, /* for reading what is here */
    DESK_ONLINE   /* finishes a pending join first */
};
/* Unlocks, loads, reads the directory.  P_NOT_ADMITTED and so on. */
enum err desk_open(struct app *app, enum desk_line line, struct desk *d,
                   struct problem *pb);
/* Connects, catches up with directory and heads.  MAIL: as the device's
 * mailbox session, so that packets are pushed. */
enum err desk_connect(struct desk *d, bool mail, struct problem *pb);
void desk_disconnect(struct desk *d);
void desk_close(struct desk *d);
/* The vault changed under another process: reads the directory again. */
enum err desk_reload(struct desk *d, struct problem *pb);

/* The oldest DELIVER, taken off the queue; NULL: none.  Free it. */
struct delivery *desk_next(struct desk *d);
void delivery_free(struct delivery *x);

void desk_tell(struct desk *d, const char *event, const struct packet_id *id);
/* Is this failure one that a later try may not meet: no network, a busy or
 * full relay? */
bool is_passing(enum err e);

#endif
