/*
 * help_reading.h - what `sealpost help COMMAND` says about the commands that
 * show what is here.
 */
#ifndef SEALPOST_CLIENT_HELP_READING_H
#define SEALPOST_CLIENT_HELP_READING_H

extern const char help_home[], help_inbox[], help_outbox[], help_read[],
    help_status[], help_export[], help_search[], help_quarantine[],
    help_receipt[], help_slip[];

#endif
