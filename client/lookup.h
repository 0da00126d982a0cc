/*
 * lookup.h - what people type, found in the directory: an agency by name or
 * id; a device or mailbox of one agency by label or id.  Ids are hex, 8 digits
 * of them are enough when they tell it apart.
 */
#ifndef SEALPOST_CLIENT_LOOKUP_H
#define SEALPOST_CLIENT_LOOKUP_H

#include "client/problem.h"
#include "proto/directory.h"

/* P_RECIPIENT_UNKNOWN with a "did you mean"; P_AMBIGUOUS. */
enum err lookup_agency(const struct directory *dir, const char *text,
                       const struct dir_agency **out, struct problem *pb);
/* By label live devices go before the others.  P_NOT_FOUND, P_AMBIGUOUS. */
enum err lookup_device(const struct dir_agency *a, const char *text,
                       uint64_t now_s, const struct dir_device **out,
                       struct problem *pb);
/* Open mailboxes only.  TEXT NULL: the only one that there is (P_USAGE lists
 * them when there are several).  P_NOT_FOUND, P_AMBIGUOUS. */
enum err lookup_mailbox(const struct dir_agency *a, const char *text,
                        const struct dir_mailbox **out, struct problem *pb);

#endif
