/*
 * delivery.h - what became of our packets: our agency's events, each opening
 * verified against its leaf and the relay's head, kept, and folded into the
 * state of its packet.
 */
#ifndef SEALPOST_CLIENT_DELIVERY_H
#define SEALPOST_CLIENT_DELIVERY_H

#include "client/desk.h"
#include "client/mail.h"
#include "proto/event.h"

/* All events since the last time.  What does not verify is an alarm, kept and
 * counted; the rest goes on.  Packets that ended are told to the person. */
enum err delivery_fetch(struct desk *d, struct problem *pb);
/* Receipts that we hold and whose leaf our agency's events lack, packets that
 * were answered and never handed over: counted as alarms and told.  After
 * delivery_fetch. */
enum err delivery_check_receipts(struct desk *d, struct problem *pb);
/* Brings M to where the events say that it is: a copy that came after them. */
enum err delivery_fold_known(struct desk *d, struct mail *m,
                             struct problem *pb);

/* One kept event (REC_EVENT). */
struct kept_event {
    uint64_t index;
    uint8_t opening[OPENING_LEN];
    struct event event;
    struct buf evidence;
    struct buf proof; /* without its extra */
};
void kept_event_clear(struct kept_event *e);
/* The record's bytes; INDEX is not in them.  ERR_VERIFY, ERR_NOMEM: clear E. */
enum err kept_event_decode(struct kept_event *e, const struct buf *b);
/* In the order of the log; *POS is 0 at the start.  ERR_NOTFOUND at the end. */
enum err delivery_next(struct app *app, size_t *pos, struct kept_event *out,
                       struct problem *pb);

#endif
