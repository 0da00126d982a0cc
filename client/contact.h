/*
 * contact.h - an agency of the directory as people and scripts see it: who it
 * is, whether its digits were compared, its mailboxes and devices.
 */
#ifndef SEALPOST_CLIENT_CONTACT_H
#define SEALPOST_CLIENT_CONTACT_H

#include "client/app.h"
#include "client/roster.h"
#include "proto/fingerprint.h"

/* The digits that people compare now: of the root in force, or while the
 * agency is held (roster.h) of the one that is to come. */
void contact_digits(const struct roster *r, const struct dir_agency *a,
                    uint64_t now_s, char out[FINGERPRINT_LEN + 1]);
/* A new reference: agency_id, name, class, country, state, verified, digits,
 * services, devices[], mailboxes[]. */
json_t *contact_json(const struct roster *r, const struct dir_agency *a,
                     uint64_t now_s);

enum contact_detail {
    CONTACT_SHORT, /* the agency and its open mailboxes */
    CONTACT_FULL,  /* every device and mailbox too */
};
void contact_print(struct app *app, const struct roster *r,
                   const struct dir_agency *a, uint64_t now_s,
                   enum contact_detail detail);

/* How old the directory is: a line for people, directory_size, synced_ms,
 * fresh_ms, freshness for scripts. */
void contact_age(struct app *app, const struct roster *r, uint64_t now_ms);

#endif
