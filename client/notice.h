/*
 * notice.h - a packet of ours that did not arrive, as an item of the inbox:
 * what happened in plain words, and the relay's signed word for it (a receipt
 * of the final event), to show to others.
 *
 * Kept from the moment the event is (REC_NOTICE), under an id of its own, made
 * of the event.  Unread until somebody reads it.
 */
#ifndef SEALPOST_CLIENT_NOTICE_H
#define SEALPOST_CLIENT_NOTICE_H

#include "client/delivery.h"
#include "client/desk.h"
#include "client/mail.h"

struct notice_id {
    uint8_t b[16];
};

/* Zero-initialise; notice_clear frees. */
struct notice {
    struct notice_id id;
    struct packet_id packet;
    uint8_t type; /* EVENT_EXPIRED or EVENT_REFUSED */
    uint16_t reason;
    uint64_t time_ms;
    uint64_t index; /* in the delivery log; UINT64_MAX: it never got there */
    bool is_unread;
    struct buf proof; /* the certificate: a receipt file; empty: none */
    struct mail m;    /* the packet; direction 0: not here any more */
};
void notice_clear(struct notice *n);

/* (T) The event that ended M without arriving, verified. */
void notice_put(struct app *app, const struct kept_event *e);
/* (T) M passed its last day without leaving this machine. */
void notice_put_unsent(struct app *app, const struct mail *m);

struct notices {
    struct notice *items; /* newest first; owned */
    size_t n;
};
void notices_clear(struct notices *list);
enum err notices_load(struct app *app, struct notices *out, struct problem *pb);
/* How many are unread. */
size_t notices_unread(struct app *app);
/* By id or its beginning, 4 digits at least; text that names a packet as well
 * is the packet's.  ERR_NOTFOUND without a problem.  P_AMBIGUOUS. */
enum err notice_find(struct app *app, const char *text, struct notice *out,
                     struct problem *pb);
enum err notice_set_read(struct app *app, struct notice *n, struct problem *pb);

/* "a1b2c3d4" */
void notice_short(char out[9], const struct notice *n);
/* For scripts; a new object. */
json_t *notice_json(const struct desk *d, const struct notice *n);
/* In a table of packets (listing.h). */
struct table;
void notice_row(struct table *t, const struct desk *d, const struct notice *n);
/* What happened, as lines safe for a terminal. */
void notice_words(const struct desk *d, const struct notice *n,
                  struct buf *out);

#endif
