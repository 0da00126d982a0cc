#include "server/warn_clock.h"

#include <stdio.h>
#include <string.h>

#include "proto/header.h"

#define MINUTE_MS UINT64_C(60000)
#define HOUR_MS (60 * MINUTE_MS)
#define DAY_MS (24 * HOUR_MS)
#define OPENS_MS (9 * HOUR_MS)
#define CLOSES_MS (17 * HOUR_MS)
#define URGENT_MS HOUR_MS
#define ROUTINE_MS (4 * HOUR_MS)

enum {
    LIFE_PARTS = 4,    /* the last alert comes when one of them is left */
    EPOCH_WEEKDAY = 3, /* 1 January 1970 was a Thursday; Monday is 0 */
    SATURDAY = 5,
    OFFSET_MAX_MIN = 14 * 60,
};

/* ---- working time ---- */

static bool
is_working_day(uint64_t day)
{
    return (day + EPOCH_WEEKDAY) % 7 < SATURDAY;
}

/* On the local clock, day by day; a week holds 40 hours, so this ends. */
static uint64_t
add_work(uint64_t at, uint64_t work_ms)
{
    for (;;) {
        uint64_t day = at / DAY_MS;
        uint64_t opens = day * DAY_MS + OPENS_MS;
        uint64_t closes = day * DAY_MS + CLOSES_MS;

        if (at < opens)
            at = opens;
        if (is_working_day(day) && at < closes) {
            if (work_ms <= closes - at)
                return at + work_ms;
            work_ms -= closes - at;
        }
        at = (day + 1) * DAY_MS;
    }
}

uint64_t
warn_working_ms(const struct warn_clock *c, uint64_t from_ms, uint64_t work_ms)
{
    uint64_t week_ms = 7 * DAY_MS;
    uint64_t offset = (uint64_t)(c->utc_offset_min + OFFSET_MAX_MIN) *
                      MINUTE_MS; /* never below zero */
    uint64_t shift = week_ms - (uint64_t)OFFSET_MAX_MIN * MINUTE_MS;

    return add_work(from_ms + offset + shift, work_ms) - offset - shift;
}

enum err
warn_parse_offset(const char *text, int32_t *minutes)
{
    unsigned hours, mins;
    char sign, end;

    if (strcmp(text, "Z") == 0) {
        *minutes = 0;
        return ERR_OK;
    }
    if (strlen(text) != 6 || strspn(text + 1, "0123456789:") != 5 ||
        sscanf(text, "%c%2u:%2u%c", &sign, &hours, &mins, &end) != 3 ||
        (sign != '+' && sign != '-') || mins > 59 ||
        hours * 60 + mins > OFFSET_MAX_MIN)
        return ERR_MALFORMED;
    *minutes = (int32_t)(hours * 60 + mins) * (sign == '-' ? -1 : 1);
    return ERR_OK;
}

/* ---- alerts ---- */

static uint64_t
first_ms(const struct warn_clock *c, unsigned class, uint64_t stored_ms)
{
    if (class == PACKET_URGENT)
        return stored_ms + (c->urgent_ms != 0 ? c->urgent_ms : URGENT_MS);
    return warn_working_ms(c, stored_ms,
                           c->routine_ms != 0 ? c->routine_ms : ROUTINE_MS);
}

uint64_t
warn_next_ms(const struct warn_clock *c, unsigned class, uint64_t stored_ms,
             uint64_t not_after_s, uint64_t after_ms)
{
    uint64_t end_ms = not_after_s * 1000;
    uint64_t first = first_ms(c, class, stored_ms);
    uint64_t last;

    if (end_ms <= stored_ms)
        return 0;
    last = end_ms - (end_ms - stored_ms) / LIFE_PARTS;
    if (first < last && first > after_ms)
        return first;
    return last > after_ms && last < end_ms ? last : 0;
}
