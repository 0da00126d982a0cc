/*
 * cmd_registrar.h - shared by cmd_registrar*.c: how a registrar's statement
 * goes out, and the verbs of the other files.
 */
#ifndef SEALPOST_CLIENT_CMD_REGISTRAR_H
#define SEALPOST_CLIENT_CMD_REGISTRAR_H

#include "client/commands.h"
#include "client/office.h"

/* Signs and publishes ST, or with EXPORT leaves it unsigned in that file. */
enum err registrar_issue(struct office *o, struct statement *st,
                         const char *export, struct problem *pb);
/* Tells how that went (DONE, when it is published) and gives the exit code. */
int registrar_told(struct app *app, enum err rc, struct problem *pb,
                   const char *export, const char *done);

command_fn registrar_suspend, registrar_resume, registrar_stop, registrar_sign,
    registrar_import, registrar_reroot, registrar_succeed;

#endif
