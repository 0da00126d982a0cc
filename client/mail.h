/*
 * mail.h - one packet as this vault keeps it: what a list shows and what its
 * delivery has come to.  What it says is letter.h's affair.
 *
 * Kept as JSON under (packet id xor direction), so that a packet which an
 * agency sends to itself can be there twice.
 */
#ifndef SEALPOST_CLIENT_MAIL_H
#define SEALPOST_CLIENT_MAIL_H

#include <stdbool.h>
#include <stdint.h>

#include "client/index.h"
#include "client/json.h"
#include "client/problem.h"
#include "proto/ids.h"

struct app;
struct roster;

/* QUEUED is only here; the others are what the relay's log says.  IN: STORED
 * until the relay has logged our receipt, then HANDED_OVER. */
enum mail_state {
    MAIL_QUEUED = 1,
    MAIL_STORED,
    MAIL_HANDED_OVER,
    MAIL_REFUSED,
    MAIL_WITHDRAWN,
    MAIL_EXPIRED,
    MAIL_STATES
};
const char *mail_state_name(enum mail_state state);

/* OWNER, the packet's sender, and ID name it together. */
struct mail_att {
    struct agency_id owner;
    struct att_id id;
    char name[256]; /* as the sender calls it: show it safely */
    uint64_t size;
    uint8_t part;
    uint64_t ct_len;
    struct hash digest; /* D(blob) */
};

/* Zero-initialise; mail_clear frees. */
struct mail {
    struct packet_id id;
    enum index_direction direction; /* IN, OUT, OWN */
    uint8_t type;                   /* enum packet_type; OWN: the original's */
    uint8_t class;
    enum mail_state state;
    struct thread_id thread;
    struct packet_id in_reply_to;
    struct agency_id peer_agency;   /* IN: sender; else recipient */
    struct mailbox_id peer_mailbox; /* zero: not told */
    struct mailbox_id own_mailbox;
    struct device_id device; /* that sealed it */
    uint64_t created_ms, stored_ms, final_ms;
    uint64_t sealed_ms; /* OUT: by the relay's clock; 0: not known */
    uint64_t stale_ms;  /* OUT: how old the directory was when it was sealed
                           all the same (--override-stale); 0: fresh */
    uint64_t not_after_s;
    uint64_t stored_index;
    /* A succession (client/succession.h): OUT, the leaf of the POLICY that
     * left its stored event out, 0 none; and when it was queued or its
     * withdrawal was to be said again, 0 not. */
    uint64_t lost_policy, again_ms;
    struct hash pkt_digest;
    char subject[256];
    bool is_unread;
    bool is_sealed;   /* OUT: REC_SEALED is there */
    uint16_t reason;  /* of the final event */
    char waiting[96]; /* OUT, queued: for what */
    char answer[16];  /* what the hub made of it: "accepted", "declined", "" */
    struct packet_id own_copy;  /* OUT: the copy for colleagues; zero none */
    struct packet_id original;  /* OUT of type own_copy: what it copies */
    uint64_t warned_ms;         /* newest warning that nobody collects it */
    struct packet_id resend_of; /* it goes on for this one; zero: none */
    struct packet_id moved_to;  /* this one goes on for it; zero: none */
    /* OUT: it is to go on to this mailbox as soon as it has ended, with this
     * reason against a missing agreement ("": none); zero: it is not. */
    struct mailbox_id moving_to;
    char moving_consent[200];
    bool is_escalating; /* OUT: goes to the deputy by itself when warned */
    size_t n_atts;
    struct mail_att *atts; /* owned */
};

void mail_clear(struct mail *m);
/* Room for N zeroed attachments.  ERR_NOMEM. */
enum err mail_atts(struct mail *m, size_t n);

/* The id of its records (REC_PACKET, REC_INNER). */
void mail_record_id(uint8_t out[16], const struct packet_id *id,
                    enum index_direction direction);
/* (T) */
void mail_put(struct app *app, const struct mail *m);
/* (T) Forgets it and its content; sealed bytes and proof too when OUT. */
void mail_drop(struct app *app, const struct mail *m);
/* mail_put in a transaction of its own. */
enum err mail_save(struct app *app, const struct mail *m, struct problem *pb);
/* ERR_NOTFOUND without a problem. */
enum err mail_load(struct app *app, const struct packet_id *id,
                   enum index_direction direction, struct mail *out,
                   struct problem *pb);
/* In the order they were first kept; *POS is 0 at the start.  ERR_NOTFOUND
 * (without a problem) at the end. */
enum err mail_next(struct app *app, size_t *pos, struct mail *out,
                   struct problem *pb);
/* By id or its beginning (4 digits at least), among DIRECTIONS (INDEX_BITs;
 * the lowest wins when one id has several).  Ids that a packet had before it
 * was sealed again are known too.  P_NOT_FOUND, P_AMBIGUOUS. */
enum err mail_find(struct app *app, const char *text, unsigned directions,
                   struct mail *out, struct problem *pb);
/* (T) From now on OLD is found as NEW. */
void mail_alias(struct app *app, const struct packet_id *old,
                const struct packet_id *new);

/* Ended without arriving: expired or refused. */
bool mail_is_lost(const struct mail *m);
/* Stored, and the relay has warned that nobody collects it. */
bool mail_is_overdue(const struct mail *m);
/* Waits to be withdrawn, and then to be sent on to another mailbox. */
bool mail_is_going_on(const struct mail *m);
/* Why it ended, "no_live_device"; "" when there is nothing to say. */
const char *mail_reason(const struct mail *m);

/* What every list and command tells of it; gives a new object. */
json_t *mail_json(const struct roster *r, const struct mail *m);
/* "a1b2c3d4" for people; OUT has 9 bytes. */
void mail_short(char out[9], const struct packet_id *id);

#endif
