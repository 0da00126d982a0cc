/*
 * letter.h - what a packet says: its INNER as the vault keeps it, the meta part
 * read.  The same for packets sent and received.
 *
 * Part 0 (meta), a JSON object: thread, subject, from_mailbox, attachments
 * [{att_id, name}], referral {type, profile, meta}; in answers owner,
 * reference, next_date, note, reason; in an own copy original {packet_id,
 * mailbox, type}; in one that goes on for a packet that did not arrive
 * readdressed {packet_id, mailbox} of that one.  What is unknown is shown and
 * kept.
 */
#ifndef SEALPOST_CLIENT_LETTER_H
#define SEALPOST_CLIENT_LETTER_H

#include "client/json.h"
#include "client/mail.h"
#include "client/problem.h"
#include "proto/inner.h"

enum { LETTER_TEXT_PART = 3 /* messages: {"text": ...} */ };

/* Zero-initialise; letter_clear wipes and frees.  IN borrows BYTES. */
struct letter {
    struct buf bytes;
    struct inner in;
    json_t *meta; /* an object, empty when part 0 is none */
};
void letter_clear(struct letter *l);

/* Reads BYTES (taken).  ERR_VERIFY with P_VAULT_DAMAGED when it is no INNER. */
enum err letter_read(struct letter *l, struct buf *bytes, struct problem *pb);
enum err letter_load(struct app *app, const struct mail *m, struct letter *l,
                     struct problem *pb);
/* Part N as JSON, a new reference; NULL when it is not here or no JSON. */
json_t *letter_part(const struct letter *l, uint8_t n);
/* The plain text of a message onto OUT; nothing when there is none. */
void letter_text(const struct letter *l, struct buf *out);
/* The name that the sender gives an attachment, or NULL; borrowed. */
const char *letter_att_name(const struct letter *l, const struct att_id *id);

#endif
