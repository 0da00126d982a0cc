/*
 * warn_clock.h - when the sender of a packet that nobody collects is warned.
 * Pure: times in, times out.
 *
 *   stored ---- first alert ------------------------ last alert ---- not_after
 *               urgent: after URGENT_MS               a quarter of the life
 *               routine: after ROUTINE_MS of          is left
 *               working time
 *
 * Working time is Monday to Friday, 09:00 to 17:00 at a fixed distance from
 * UTC.  Public holidays and summer time are not known here: an alert may come
 * an hour or a day early, never late.
 */
#ifndef SEALPOST_SERVER_WARN_CLOCK_H
#define SEALPOST_SERVER_WARN_CLOCK_H

#include <stdint.h>

#include "common/err.h"

struct warn_clock {
    uint64_t urgent_ms;     /* 0: one hour */
    uint64_t routine_ms;    /* of working time; 0: four hours */
    int32_t utc_offset_min; /* of the working day, east is positive */
};

/* The earliest alert after AFTER_MS of a packet stored at STORED_MS; AFTER_MS
 * is STORED_MS at first.  0: there is none any more.  What would come in the
 * last quarter of the life is that quarter's alert; none comes at or after
 * NOT_AFTER_S. */
uint64_t warn_next_ms(const struct warn_clock *c, unsigned class,
                      uint64_t stored_ms, uint64_t not_after_s,
                      uint64_t after_ms);
/* FROM_MS plus WORK_MS of working time. */
uint64_t warn_working_ms(const struct warn_clock *c, uint64_t from_ms,
                         uint64_t work_ms);
/* "+01:00", "-05:30", "Z".  At most 14 hours.  ERR_MALFORMED. */
enum err warn_parse_offset(const char *text, int32_t *minutes);

#endif
