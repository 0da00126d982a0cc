/*
 * sending.h - the content of a packet from what `send` was given: a referral
 * (file or draft), or text.  Checked, cut to what the recipient may have, shown
 * before it leaves.
 */
#ifndef SEALPOST_CLIENT_SENDING_H
#define SEALPOST_CLIENT_SENDING_H

#include "client/compose.h"
#include "client/draft.h"
#include "client/referral.h"

struct sending {
    json_t *doc; /* NULL: text */
    struct profile *profile;
    struct referral_parts parts;
    struct referral_parts withheld; /* not for this recipient */
    struct buf text;                /* {"text": ...} of a message */
    struct buf subject;             /* terminated */
    json_t *words; /* of an answer, for part 0; owned, may be NULL */
    json_t *meta;  /* our share of part 0 */
};
void sending_clear(struct sending *s);

/* Of a file, "-" is standard input; at most 4 MiB. */
enum err sending_read_bytes(const char *path, struct buf *out,
                            struct problem *pb);
/* Reads FILE ("-" is standard input) or takes the draft's document. */
enum err sending_read_file(struct sending *s, const char *path,
                           struct problem *pb);
enum err sending_read_draft(struct sending *s, const struct draft *d,
                            struct problem *pb);
/* A message of LEN bytes of UTF-8. */
enum err sending_set_text(struct sending *s, const char *text, size_t len,
                          struct problem *pb);
/* The referral's own packet type. */
enum err sending_type(const struct sending *s, uint8_t *type,
                      struct problem *pb);

/* A mailbox in the words of a referral's agreement. */
struct addressee {
    char agency_id[33], mailbox_id[33];
    struct referral_to to; /* borrows from it and the directory */
};
void addressee_of(const struct desk *d, const struct mailbox_id *id,
                  struct addressee *out);

/* Checks the referral (P_FIELDS tells all findings), cuts it for TO, and shows
 * what leaves the machine.  REASON overrides a missing agreement.  Fills parts,
 * subject, meta and the files' parts of C. */
enum err sending_prepare(struct desk *d, struct sending *s, const char *reason,
                         struct compose *c, struct problem *pb);

#endif
