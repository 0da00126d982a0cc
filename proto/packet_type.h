/*
 * packet_type.h - the table of packet types: number in INNER, name, and which
 * classes of agency may send it.  The relay never sees a type; the opening
 * client enforces the table (PROTOCOL.md section 9, opening, step 7).
 */
#ifndef SEALPOST_PROTO_PACKET_TYPE_H
#define SEALPOST_PROTO_PACKET_TYPE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"

/* Numbers are in sealed packets for ever. */
enum packet_type {
    PACKET_TYPE_REFERRAL = 1,
    PACKET_TYPE_ACKNOWLEDGEMENT = 2,
    PACKET_TYPE_REJECTION = 3,
    PACKET_TYPE_MESSAGE = 4,
    PACKET_TYPE_OWN_COPY = 5,
    PACKET_TYPE_TEST = 6,
    PACKET_TYPE_DUTY_TO_NOTIFY = 7,
    PACKET_TYPE_SUPPORT_REQUEST = 8,
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
