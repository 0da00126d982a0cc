/*
 * help_mail.h - what `sealpost help` says about the commands that send.
 */
#ifndef SEALPOST_CLIENT_HELP_MAIL_H
#define SEALPOST_CLIENT_HELP_MAIL_H

extern const char help_readdress[];
extern const char help_send[];
extern const char help_watch[];
extern const char help_decline[];

#endif
