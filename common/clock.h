/*
 * clock.h - the time, and how people read it.  The one door to it, so that a
 * simulation can replace it.  proto/ never asks: times are passed in.
 */
#ifndef SEALPOST_COMMON_CLOCK_H
#define SEALPOST_COMMON_CLOCK_H

#include <stdint.h>

#include "common/err.h"

/* "2026-11-22 06:30 UTC", "2026-11-22 06:30 +01:00" and the terminator fit. */
#define CLOCK_TEXT_MAX 40

/* Milliseconds since 1970-01-01 00:00 UTC; may jump. */
uint64_t clock_wall_ms(void);
/* Milliseconds since some moment in the past; never goes back. */
uint64_t clock_mono_ms(void);

/* "2026-11-22 06:30 UTC".  OUT has CLOCK_TEXT_MAX bytes. */
void clock_format_utc(char *out, uint64_t wall_ms);
/* In the machine's own zone: "2026-11-22 07:30 +01:00". */
void clock_format_local(char *out, uint64_t wall_ms);
/* For logs and JSON, RFC 3339: "2026-11-22T06:30:15.123Z". */
void clock_format_rfc3339(char *out, uint64_t wall_ms);
/* "2026-11-22T06:30:15Z", "2026-11-22T06:30:15.123+01:00" or "2026-11-22"
 * (midnight UTC).  ERR_MALFORMED also for days that do not exist. */
enum err clock_parse_rfc3339(uint64_t *wall_ms, const char *text);

/* "45 s", "3 min", "5 h", "12 days": how long, for people.  OUT has
 * CLOCK_TEXT_MAX bytes. */
void clock_format_span(char *out, uint64_t span_ms);

#endif
