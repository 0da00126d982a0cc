/*
 * certificate.h - the relay's signed word on one event of a packet, as a file
 * of its own: of a notice of non-delivery, or of any event by its name.
 */
#ifndef SEALPOST_CLIENT_CERTIFICATE_H
#define SEALPOST_CLIENT_CERTIFICATE_H

#include "client/app.h"
#include "proto/event.h"

/* `receipt ID [--event NAME] [-o FILE]`, for the cases that are not the
 * packet's own receipt: ID names a notice, or EVENT is given.  FILE NULL:
 * printed. ERR_NOTFOUND without a problem: neither. */
enum err certificate_give(struct app *app, const char *id, const char *event,
                          const char *file, struct problem *pb);
/* `export ID -o DIR` of a notice: certificate.txt and notice.txt.
 * ERR_NOTFOUND without a problem: ID names none. */
enum err certificate_export(struct app *app, const char *id, const char *dir,
                            struct problem *pb);

/* What a verified event proves and what not, for people; "" when there is
 * nothing to add. */
const char *certificate_proves(const struct event *ev);

#endif
