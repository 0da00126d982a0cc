#include "proto/packet_type.h"

#include <stddef.h>
#include <string.h>

#include "proto/statement.h"

/* Bits of enum agency_class. */
#define BIT(n) (1u << (n))
enum {
    STATUTORY = BIT(CLASS_STATUTORY),
    NON_STATUTORY = BIT(CLASS_NON_STATUTORY),
    PARTNER = BIT(CLASS_PARTNER),
    REGISTRAR = BIT(CLASS_REGISTRAR),
    FIRST_RESPONDERS = STATUTORY | NON_STATUTORY,
    ANY_BUT_AUDITOR = STATUTORY | NON_STATUTORY | PARTNER | REGISTRAR,
};

static const struct {
    const char *name;
    unsigned senders;
} types[] = {
    [PACKET_TYPE_REFERRAL] = {"referral", FIRST_RESPONDERS},
    [PACKET_TYPE_ACKNOWLEDGEMENT] = {"acknowledgement",
                                     FIRST_RESPONDERS | PARTNER},
    [PACKET_TYPE_REJECTION] = {"rejection", FIRST_RESPONDERS | PARTNER},
    [PACKET_TYPE_MESSAGE] = {"message", ANY_BUT_AUDITOR},
    [PACKET_TYPE_OWN_COPY] = {"own_copy", ANY_BUT_AUDITOR},
    [PACKET_TYPE_TEST] = {"test", ANY_BUT_AUDITOR},
    [PACKET_TYPE_DUTY_TO_NOTIFY] = {"duty_to_notify", STATUTORY},
    [PACKET_TYPE_SUPPORT_REQUEST] = {"support_request", STATUTORY},
};
enum {
    TYPE_COUNT = sizeof(types) / sizeof(types[0]),
    CLASS_COUNT = CLASS_REGISTRAR + 1
};

const char *
packet_type_name(unsigned type)
{
    return type < TYPE_COUNT ? types[type].name : NULL;
}

enum err
packet_type_by_name(const char *name, uint8_t *out)
{
    for (unsigned i = 1; i < TYPE_COUNT; i++) {
        if (strcmp(types[i].name, name) == 0) {
            *out = (uint8_t)i;
            return ERR_OK;
        }
    }
    return ERR_NOTFOUND;
}

bool
packet_type_may_send(unsigned type, unsigned agency_class)
{
    return type < TYPE_COUNT && agency_class < CLASS_COUNT &&
           (types[type].senders & BIT(agency_class)) != 0;
}
