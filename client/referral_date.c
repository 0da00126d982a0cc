/*
 * referral_date.c - dates that may end after the year or the month.
 */
#include <string.h>

#include "client/referral_inside.h"

/* Reads N digits, or gives -1. */
static int
digits(const char *text, size_t n)
{
    int value = 0;

    for (size_t i = 0; i < n; i++) {
        if (text[i] < '0' || text[i] > '9')
            return -1;
        value = value * 10 + (text[i] - '0');
    }
    return value;
}

static int
days_in(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

    return days[month - 1] + (month == 2 && leap ? 1 : 0);
}

static bool
read_text(const char *text, struct partial_date *out)
{
    size_t len = strlen(text);

    if (len != 4 && len != 7 && len != 10)
        return false;
    if ((len >= 7 && text[4] != '-') || (len == 10 && text[7] != '-'))
        return false;
    out->year = digits(text, 4);
    out->month = len >= 7 ? digits(text + 5, 2) : 0;
    out->day = len == 10 ? digits(text + 8, 2) : 0;
    if (out->year < 1850 || out->year > 2200)
        return false;
    if (len >= 7 && (out->month < 1 || out->month > 12))
        return false;
    return len < 10 ||
           (out->day >= 1 && out->day <= days_in(out->year, out->month));
}

bool
date_read(const json_t *v, struct partial_date *out)
{
    struct partial_date d = {0};
    const json_t *text = json_is_object(v) ? json_object_get(v, "date") : v;
    const json_t *approx = json_object_get(v, "approx");

    if (!json_is_string(text) || (approx != NULL && !json_is_boolean(approx)))
        return false;
    if (json_is_object(v) && json_object_size(v) != (approx != NULL ? 2u : 1u))
        return false;
    if (!read_text(json_string_value(text), &d))
        return false;
    d.is_approx = json_is_true(approx);
    *out = d;
    return true;
}

int
date_compare(const struct partial_date *a, const struct partial_date *b)
{
    if (a->year != b->year)
        return a->year - b->year;
    if (a->month == 0 || b->month == 0 || a->month != b->month)
        return a->month == 0 || b->month == 0 ? 0 : a->month - b->month;
    return a->day == 0 || b->day == 0 ? 0 : a->day - b->day;
}

struct partial_date
date_of_ms(uint64_t now_ms)
{
    struct partial_date d = {1970, 1, 1, false};
    uint64_t left = now_ms / (24u * 3600u * 1000u);

    while (left >= (uint64_t)days_in(d.year, d.month)) {
        left -= (uint64_t)days_in(d.year, d.month);
        d.month = d.month % 12 + 1;
        d.year += d.month == 1 ? 1 : 0;
        if (d.year > 9999)
            break;
    }
    d.day = (int)left + 1;
    return d;
}
