/*
 * cmd_agency.h - shared by the files of `sealpost agency`: whose agency, and
 * the verbs of the other files.
 */
#ifndef SEALPOST_CLIENT_CMD_AGENCY_H
#define SEALPOST_CLIENT_CMD_AGENCY_H

#include "client/commands.h"
#include "client/office.h"

/* Our own agency in the directory.  P_STATE before the first sync. */
enum err agency_own(const struct office *o, const struct dir_agency **out,
                    struct problem *pb);
/* Signs ST with the agency's root and publishes it. */
enum err agency_publish(struct office *o, struct statement *st,
                        struct problem *pb);
/* Says which open mailboxes of A nobody can read any more. */
void agency_warn_unread(struct office *o, const struct dir_agency *a);
/* Asks QUESTION; P_NEEDS_YES with WHAT when the answer is no. */
enum err agency_confirm(struct app *app, const char *question, const char *what,
                        struct problem *pb);

command_fn agency_sign, agency_mailbox, agency_new_root, agency_cancel;

#endif
