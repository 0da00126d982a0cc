#include "client/relaytime.h"

#include "client/upstream.h"

enum { SLACK_MS = 15 * 60 * 1000 };

const char *
relaytime_problem(const struct desk *d, uint64_t time_ms, uint64_t since_ms)
{
    uint64_t now_ms = d->up == NULL ? 0 : upstream_relay_ms(d->up);

    if (now_ms > 0 && time_ms > now_ms + SLACK_MS)
        return "the relay dates an event later than its own clock";
    if (time_ms + SLACK_MS < since_ms)
        return "the relay dates an event back, before what came earlier";
    return NULL;
}
