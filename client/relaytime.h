/*
 * relaytime.h - do the relay's own words about time fit together?  What this
 * machine's clock says plays no part: laptops' clocks are often wrong, and a
 * relay that backdates must contradict itself.
 */
#ifndef SEALPOST_CLIENT_RELAYTIME_H
#define SEALPOST_CLIENT_RELAYTIME_H

#include "client/desk.h"

/* Of an event that the relay logged at TIME_MS, shown on the connection of now:
 * not ahead of the clock that it told us, and not before SINCE_MS (0: not
 * known), which was earlier by the same clock.  Steps below 15 minutes are the
 * business of whoever sets clocks.  NULL, or what is wrong, for people. */
const char *relaytime_problem(const struct desk *d, uint64_t time_ms,
                              uint64_t since_ms);

#endif
