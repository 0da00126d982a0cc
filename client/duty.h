/*
 * duty.h - whom to reach when a mailbox does not collect: its duty contact, its
 * deputy, when it was last collected.
 */
#ifndef SEALPOST_CLIENT_DUTY_H
#define SEALPOST_CLIENT_DUTY_H

#include "client/desk.h"

/* What the relay says of a mailbox (COLLECTED).  It is its word alone. */
struct collected {
    bool is_known;   /* the relay was asked */
    bool is_shown;   /* it tells */
    bool is_now;     /* a machine of it is connected */
    uint64_t time_s; /* 0: never */
};
/* Without a connection nothing is known, which is no error. */
enum err collected_ask(struct desk *d, const struct mailbox_id *mailbox,
                       struct collected *out, struct problem *pb);
/* Nobody has collected for hours. */
bool collected_is_late(const struct collected *c, uint64_t now_ms);

/* The deputy of MAILBOX; false: none is named, or it cannot be written to. */
bool duty_deputy(const struct roster *r, const struct mailbox_id *mailbox,
                 struct mailbox_id *out);
/* Notes for a person: "Phone:    ...", "Deputy:   ...". */
void duty_tell(struct desk *d, const struct mailbox_id *mailbox);
/* What a sender is told before sealing something urgent. */
void duty_tell_collected(struct desk *d, const struct mailbox_id *mailbox,
                         const struct collected *c, uint64_t now_ms);
/* {mailbox_id, mailbox, contact, deputy: {mailbox_id, mailbox, contact}|null};
 * a new object. */
json_t *duty_json(const struct roster *r, const struct mailbox_id *mailbox);
/* {known, shown, now, time_ms|null, late}; a new object. */
json_t *collected_json(const struct collected *c, uint64_t now_ms);

#endif
