/*
 * mailbox_edit.h - the next MAILBOX statement of a mailbox: a new one, or the
 * one in the directory with something changed.  A statement says everything
 * about its mailbox, so what is not changed is repeated.
 */
#ifndef SEALPOST_CLIENT_MAILBOX_EDIT_H
#define SEALPOST_CLIENT_MAILBOX_EDIT_H

#include "client/problem.h"
#include "proto/directory.h"
#include "proto/statement.h"

/* Do not copy: ST points into it.  Texts are borrowed, also from the
 * directory, so it lives no longer than that stands still. */
struct mailbox_edit {
    struct statement st;
    struct device_id devices[LIMIT_MAILBOX_DEVICES];
};

/* Open, without members, under a new random id. */
void mailbox_edit_new(struct mailbox_edit *e, const struct agency_id *agency,
                      const char *label);
/* As M is now, but without its revoked devices. */
void mailbox_edit_from(struct mailbox_edit *e, const struct directory *dir,
                       const struct dir_mailbox *m);
/* Adding a member twice is no error.  P_POLICY when it is full. */
enum err mailbox_edit_add(struct mailbox_edit *e, const struct device_id *d,
                          struct problem *pb);
/* P_NOT_FOUND when it is no member. */
enum err mailbox_edit_remove(struct mailbox_edit *e, const struct device_id *d,
                             struct problem *pb);

#endif
