/*
 * commands.h - the commands: parse, call one function, print.  cmd_x() lives in
 * cmd_x.c (a family of small ones in cmd_family.c), its row in commands.c.
 * ARGV[0] is the command's own name.  Gives the exit code.
 */
#ifndef SEALPOST_CLIENT_COMMANDS_H
#define SEALPOST_CLIENT_COMMANDS_H

#include "client/app.h"

typedef int command_fn(struct app *app, int argc, char **argv);

command_fn cmd_home; /* `sealpost` alone */
command_fn cmd_help, cmd_version;
/* There is no command NAME: says so, and which is nearest. */
int command_unknown(struct app *app, const char *name);

/* joining and administration */
command_fn cmd_registrar, cmd_join, cmd_device, cmd_agency, cmd_key,
    cmd_contacts;

/* writing */
command_fn cmd_new, cmd_drafts, cmd_draft, cmd_check, cmd_send, cmd_outbox,
    cmd_withdraw, cmd_readdress;

/* the connection */
command_fn cmd_sync, cmd_watch;

/* reading and answering */
command_fn cmd_inbox, cmd_read, cmd_accept, cmd_decline, cmd_reply, cmd_export,
    cmd_quarantine, cmd_search;

/* evidence */
command_fn cmd_status, cmd_receipt, cmd_trust, cmd_slip, cmd_evidence,
    cmd_verify, cmd_audit, cmd_balance;

/* for others' logs */
command_fn cmd_witness;

#endif
