/*
 * help_admin.h - what `sealpost help COMMAND` says about the commands of
 * joining and administration.
 */
#ifndef SEALPOST_CLIENT_HELP_ADMIN_H
#define SEALPOST_CLIENT_HELP_ADMIN_H

extern const char help_registrar[], help_join[], help_device[], help_agency[],
    help_key[], help_contacts[];

#endif
