/*
 * period.h - --from DAY and --to DAY, as several commands take them.
 */
#ifndef SEALPOST_CLIENT_PERIOD_H
#define SEALPOST_CLIENT_PERIOD_H

#include <stdint.h>

#include "client/problem.h"

/* FROM and TO may be NULL: from the beginning, without end (0, UINT64_MAX).  A
 * day given to --to is counted whole; the end itself is not.  P_USAGE. */
enum err period_parse(const char *from, const char *to, uint64_t *from_ms,
                      uint64_t *to_ms, struct problem *pb);

#endif
