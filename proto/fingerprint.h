/*
 * fingerprint.h - the 30 digits by which people check an agency once, over the
 * phone or by QR (PROTOCOL.md section 13.4): SHA-512("sealpost/1/fpr\0" ||
 * network_id || root key || name), six groups of 5 bytes big-endian mod
 * 100000.
 */
#ifndef SEALPOST_PROTO_FINGERPRINT_H
#define SEALPOST_PROTO_FINGERPRINT_H

#include <stdbool.h>

#include "proto/ids.h"

enum { FINGERPRINT_LEN = 35 }; /* "12345 12345 ..." without terminator */

/* ROOT is the agency's root in force (directory_root_now), NAME its name. */
void fingerprint(char out[FINGERPRINT_LEN + 1], const struct hash *network_id,
                 const struct sign_key *root, const char *name);
/* Are these the digits, whatever spaces or hyphens were typed between? */
bool fingerprint_is(const char *digits, const char *typed);

#endif
