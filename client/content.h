/*
 * content.h - what a packet says, put together again: a referral from its
 * parts, or a message as text.  For reading, export and search; knows no
 * delivery.
 */
#ifndef SEALPOST_CLIENT_CONTENT_H
#define SEALPOST_CLIENT_CONTENT_H

#include "client/letter.h"
#include "client/referral.h"

/* Zero-initialise; content_clear wipes and frees. */
struct content {
    json_t *doc;             /* the referral, or NULL: a message */
    struct profile *profile; /* of the referral */
    struct buf text;         /* of a message, as it came: show it safely */
    unsigned here;           /* PART_BITs that came */
    unsigned withheld;       /* PART_BITs that the sender keeps back */
};
void content_clear(struct content *c);

enum err content_load(const struct letter *l, struct content *out,
                      struct problem *pb);

/* For a terminal, wrapped at WIDTH; ONLY: PART_BITs to show, 0 all.  Appends
 * lines, the last one with its end. */
enum err content_render(const struct content *c, size_t width, unsigned only,
                        struct buf *out);
/* The names of PARTS: ["case", "needs"]; a new reference. */
json_t *content_parts_json(unsigned parts);
/* Every word in it, for the search index. */
void content_words(const struct content *c, const struct letter *l,
                   struct buf *out);

#endif
