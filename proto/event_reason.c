/*
 * What an event may give as its reason: of delivery only, never of the case
 * (PROTOCOL.md sections 10 and 14.4).
 */
#include "proto/event.h"
#include "proto/receipt.h"

/* Who says the reason: nobody; the device in its RCPT, when it opened nothing,
 * or in any; the sender in its WDRW; the relay of what it has served. */
enum source { NOBODY, FAILURE, RECEIPT, WITHDRAWAL, SERVED };

static const struct {
    uint8_t type;
    enum source source;
} sources[] = {
    {EVENT_REFUSED, FAILURE},      {EVENT_DEVICE_REFUSED, FAILURE},
    {EVENT_LATE_RECEIPT, RECEIPT}, {EVENT_WITHDRAWN, WITHDRAWAL},
    {EVENT_EXPIRED, SERVED},
};

static const char *const served[] = {"never_served", "served_without_receipt"};
enum { SERVED_COUNT = sizeof(served) / sizeof(served[0]) };

static enum source
source_of(unsigned type)
{
    for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]); i++)
        if (sources[i].type == type)
            return sources[i].source;
    return NOBODY;
}

bool
event_reason_is_legal(unsigned type, unsigned reason)
{
    switch (source_of(type)) {
    case FAILURE:
        return reason != REASON_NONE &&
               (delivery_reason_in_rcpt(reason) ||
                (type == EVENT_REFUSED && reason == REASON_NO_LIVE_DEVICE));
    case RECEIPT:
        return delivery_reason_in_rcpt(reason);
    case WITHDRAWAL:
        return delivery_reason_in_wdrw(reason);
    case SERVED:
        return reason < SERVED_COUNT;
    default:
        return reason == REASON_NONE;
    }
}

const char *
event_reason_name(unsigned type, unsigned reason)
{
    if (!event_reason_is_legal(type, reason))
        return NULL;
    return source_of(type) == SERVED ? served[reason]
                                     : delivery_reason_name(reason);
}
