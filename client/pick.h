/*
 * pick.h - packets of this vault: all of them, or the one that a person means.
 */
#ifndef SEALPOST_CLIENT_PICK_H
#define SEALPOST_CLIENT_PICK_H

#include "client/mail.h"

/* Zero-initialise; mails_clear frees. */
struct mails {
    struct mail *items; /* owned */
    size_t n;
};

/* Of DIRECTIONS (INDEX_BITs), newest first; of those equally new the one kept
 * last comes first. */
enum err mails_load(struct app *app, unsigned directions, struct mails *out,
                    struct problem *pb);
void mails_clear(struct mails *mails);

/* When it came to us (the relay's clock) or was written. */
uint64_t mail_when_ms(const struct mail *m);
/* Ours to colleagues, so that they see what was sent: follows its original and
 * is nothing of its own in a list. */
bool mail_is_own_copy(const struct mail *m);
/* The agency that sent it; SELF is ours. */
const struct agency_id *mail_sender(const struct mail *m,
                                    const struct agency_id *self);

/* The word `latest` is the newest of DIRECTIONS, anything else goes to
 * mail_find.  P_NOT_FOUND, P_AMBIGUOUS. */
enum err pick_mail(struct app *app, const char *text, unsigned directions,
                   struct mail *out, struct problem *pb);

/* The same for evidence: `latest` is the newest that was sent, an id may be any
 * packet's. */
enum err pick_sent_first(struct app *app, const char *text, struct mail *out,
                         struct problem *pb);

#define PICK_ANY                                                               \
    (INDEX_BIT(INDEX_IN) | INDEX_BIT(INDEX_OUT) | INDEX_BIT(INDEX_OWN))
#define PICK_SENT (INDEX_BIT(INDEX_OUT) | INDEX_BIT(INDEX_OWN))

#endif
