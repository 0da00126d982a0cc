/*
 * story.h - what the relay's log says of one packet, from the vault alone: its
 * events, opened and verified when they were fetched, and our receipt for it.
 */
#ifndef SEALPOST_CLIENT_STORY_H
#define SEALPOST_CLIENT_STORY_H

#include "client/delivery.h"
#include "client/desk.h"
#include "client/mail.h"
#include "proto/event.h"
#include "proto/proof.h"

struct story_event {
    uint64_t index; /* in the delivery log */
    struct event ev;
};

/* Zero-initialise; story_clear frees. */
struct story {
    struct story_event *items; /* in log order; owned */
    size_t n;
};
void story_clear(struct story *s);

/* The events of M.  What the log has not told us yet but M knows (stored, and
 * how it ended) stands in as an event without actor or evidence. */
enum err story_load(const struct desk *d, const struct mail *m,
                    struct story *out, struct problem *pb);
/* The event that ended it, or NULL. */
const struct story_event *story_end(const struct story *s);

/* "Front desk", or the first digits of the device's id; terminated. */
void story_device(const struct roster *r, const struct device_id *id, char *out,
                  size_t max);

/* The relay's receipt as it came: the bytes of its proof file onto OUT.
 * ERR_NOTFOUND (P_NOT_FOUND) while there is none. */
enum err story_proof(struct app *app, const struct mail *m, struct buf *out,
                     struct problem *pb);
/* A kept event in receipt form: its opening, its place in the log and the
 * relay's signature, in one file. */
enum err event_receipt(const struct kept_event *e, struct buf *out);
/* The same for the newest event of TYPE in the story of M.  ERR_NOTFOUND
 * (P_NOT_FOUND). */
enum err story_event_proof(const struct desk *d, const struct mail *m,
                           unsigned type, struct buf *out, struct problem *pb);
/* {index, size, time_ms, type, verified}, a new reference; JSON null while
 * there is none. */
json_t *story_receipt_json(const struct desk *d, const struct mail *m);
/* [{type, time_ms, index, device}] */
json_t *story_json(const struct story *s);

#endif
