/*
 * export.h - one packet as plain files in a directory: what is wanted of it by
 * other programs, printers and case files.
 *
 *   referral.json | message.txt    attachments/NAME...
 *   receipt.txt                    manifest.json with SHA-256 of each
 *
 * Never over a file or through a link, only inside the directory, 0600.  Memory
 * is one chunk, whatever the size.  When it fails, what it made is gone again.
 * Knows no directory of agencies: names are passed in.
 */
#ifndef SEALPOST_CLIENT_EXPORT_H
#define SEALPOST_CLIENT_EXPORT_H

#include "client/app.h"
#include "client/mail.h"

/* Everything is borrowed. */
struct export_job {
    struct app *app; /* unlocked */
    const struct mail *m;
    const char *from, *to; /* as people read them */
    bool is_verified;      /* the other side's digits were compared */
    uint64_t now_ms;
};

/* Makes DIR (0700) when it is not there.  MANIFEST gets a new reference to what
 * stands in manifest.json.  P_FILE_EXISTS, P_FILE, P_DISK, P_VERIFY (an
 * attachment does not open), P_NOT_FOUND (it is not here any more). */
enum err export_packet(const struct export_job *job, const char *dir,
                       json_t **manifest, struct problem *pb);

#endif
