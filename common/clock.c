#define _GNU_SOURCE /* timegm, tm_gmtoff */
#include "common/clock.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static uint64_t
read_clock(clockid_t id)
{
    struct timespec now;

    clock_gettime(id, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

uint64_t
clock_wall_ms(void)
{
    return read_clock(CLOCK_REALTIME);
}

uint64_t
clock_mono_ms(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

/* --- for people --------------------------------------------------------------
 */

/* Beyond the year 9999 nothing is formatted: no time of ours is there. */
static time_t
seconds_of(uint64_t wall_ms)
{
    const uint64_t last = 253402300799;

    return (time_t)(wall_ms / 1000 > last ? last : wall_ms / 1000);
}

void
clock_format_utc(char *out, uint64_t wall_ms)
{
    time_t seconds = seconds_of(wall_ms);
    struct tm t;

    gmtime_r(&seconds, &t);
    strftime(out, CLOCK_TEXT_MAX, "%Y-%m-%d %H:%M UTC", &t);
}

void
clock_format_local(char *out, uint64_t wall_ms)
{
    time_t seconds = seconds_of(wall_ms);
    struct tm t;
    size_t len;
    long minutes;

    localtime_r(&seconds, &t);
    len = strftime(out, CLOCK_TEXT_MAX, "%Y-%m-%d %H:%M ", &t);
    minutes = t.tm_gmtoff / 60;
    snprintf(out + len, CLOCK_TEXT_MAX - len, "%c%02u:%02u",
             minutes < 0 ? '-' : '+',
             (unsigned)(minutes < 0 ? -minutes : minutes) / 60 % 100,
             (unsigned)(minutes < 0 ? -minutes : minutes) % 60);
}

void
clock_format_rfc3339(char *out, uint64_t wall_ms)
{
    time_t seconds = seconds_of(wall_ms);
    struct tm t;
    size_t len;

    gmtime_r(&seconds, &t);
    len = strftime(out, CLOCK_TEXT_MAX, "%Y-%m-%dT%H:%M:%S", &t);
    snprintf(out + len, CLOCK_TEXT_MAX - len, ".%03uZ",
             (unsigned)(wall_ms % 1000));
}

void
clock_format_span(char *out, uint64_t span_ms)
{
    static const struct {
        uint64_t ms;
        const char *one, *many;
    } units[] = {
        {86400000, "day", "days"},
        {3600000, "h", "h"},
        {60000, "min", "min"},
        {1000, "s", "s"},
    };
    size_t i = 0;
    uint64_t n;

    /* "36 h" says more than "1 day". */
    while (i < 3 && span_ms < 2 * units[i].ms)
        i++;
    n = span_ms / units[i].ms;
    snprintf(out, CLOCK_TEXT_MAX, "%llu %s", (unsigned long long)n,
             n == 1 ? units[i].one : units[i].many);
}

/* --- from text ---------------------------------------------------------------
 */

/* COUNT digits at *TEXT, which moves on; false leaves it unusable. */
static bool
digits(const char **text, int count, int *value)
{
    *value = 0;
    for (int i = 0; i < count; i++, ++*text) {
        if (**text < '0' || **text > '9')
            return false;
        *value = *value * 10 + (**text - '0');
    }
    return true;
}

static bool
literal(const char **text, char c)
{
    return **text == c && ++*text;
}

static bool
parse_date(const char **p, struct tm *t)
{
    bool ok = digits(p, 4, &t->tm_year) && literal(p, '-') &&
              digits(p, 2, &t->tm_mon) && literal(p, '-') &&
              digits(p, 2, &t->tm_mday);

    t->tm_year -= 1900;
    t->tm_mon -= 1;
    return ok;
}

static bool
parse_time(const char **p, struct tm *t, unsigned *ms)
{
    unsigned scale = 100;

    if (!digits(p, 2, &t->tm_hour) || !literal(p, ':') ||
        !digits(p, 2, &t->tm_min) || !literal(p, ':') ||
        !digits(p, 2, &t->tm_sec))
        return false;
    if (!literal(p, '.'))
        return true;
    if (**p < '0' || **p > '9')
        return false;
    for (; **p >= '0' && **p <= '9'; ++*p, scale /= 10)
        *ms += (unsigned)(**p - '0') * scale;
    return true;
}

static bool
parse_zone(const char **p, int *offset_min)
{
    int hours, minutes, sign = **p == '-' ? -1 : 1;

    if (literal(p, 'Z'))
        return true;
    if ((!literal(p, '+') && !literal(p, '-')) || !digits(p, 2, &hours) ||
        !literal(p, ':') || !digits(p, 2, &minutes) || hours > 23 ||
        minutes > 59)
        return false;
    *offset_min = sign * (hours * 60 + minutes);
    return true;
}

/* timegm() turns the 31st of April into the 1st of May; that is an error. */
static bool
to_seconds(struct tm *t, int64_t *seconds)
{
    struct tm made = *t;
    time_t s = timegm(&made);

    *seconds = s;
    return made.tm_year == t->tm_year && made.tm_mon == t->tm_mon &&
           made.tm_mday == t->tm_mday && made.tm_hour == t->tm_hour &&
           made.tm_min == t->tm_min && made.tm_sec == t->tm_sec;
}

enum err
clock_parse_rfc3339(uint64_t *wall_ms, const char *text)
{
    const char *p = text;
    struct tm t;
    unsigned ms = 0;
    int offset_min = 0;
    int64_t seconds;

    memset(&t, 0, sizeof(t));
    if (!parse_date(&p, &t))
        return ERR_MALFORMED;
    if (*p != '\0' && (!literal(&p, 'T') || !parse_time(&p, &t, &ms) ||
                       !parse_zone(&p, &offset_min)))
        return ERR_MALFORMED;
    if (*p != '\0' || !to_seconds(&t, &seconds))
        return ERR_MALFORMED;
    seconds -= (int64_t)offset_min * 60;
    if (seconds < 0)
        return ERR_MALFORMED;
    *wall_ms = (uint64_t)seconds * 1000 + ms;
    return ERR_OK;
}
