/*
 * packet_type.h - the table of packet types: number in INNER, name, and which
 * classes of agency may send it.  The relay never sees a type; the opening
 * client enforces the table (CRYPTO.md section 2, opening, step 7).
 */
#ifndef SEALPOST_PROTO_PACKET_TYPE_H
#define SEALPOST_PROTO_PACKET_TYPE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"

/* number, symbol, name.  Numbers are in sealed packets for ever. */
#define PACKET_TYPES(X)                                                        \
    X(1, REFERRAL, "referral")                                                 \
    X(2, ACKNOWLEDGEMENT, "acknowledgement")                                   \
    X(3, REJECTION, "rejection")                                               \
    X(4, MESSAGE, "message")                                                   \
    X(5, OWN_COPY, "own_copy")                                                 \
    X(6, TEST, "test")                                                         \
    X(7, DUTY_TO_NOTIFY, "duty_to_notify")                                     \
    X(8, SUPPORT_REQUEST, "support_request")

enum packet_type {
#define PACKET_TYPE_ENUM(number, symbol, name) PACKET_TYPE_##symbol = number,
    PACKET_TYPES(PACKET_TYPE_ENUM)
#undef PACKET_TYPE_ENUM
};

/* "referral"; NULL for a number that is not a type. */
const char *packet_type_name(unsigned type);
/* ERR_NOTFOUND when no type has this name. */
enum err packet_type_by_name(const char *name, uint8_t *out);
/* May an agency of AGENCY_CLASS (its number in ADMIT: 1 statutory, 2
 * non_statutory, 3 partner, 4 auditor, 5 registrar) send TYPE?  False for
 * unknown numbers of either. */
bool packet_type_may_send(unsigned type, unsigned agency_class);

#endif
