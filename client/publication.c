#include "client/publication.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "proto/directory.h"
#include "proto/limits.h"

enum {
    MONTH_LEN = 7,    /* "2026-11" */
    SETTLED_DAYS = 3, /* beyond the longest life: sweep, and to spare */
    ENDS = 4
};
#define DAY_MS UINT64_C(86400000)

struct month {
    char text[MONTH_LEN + 1];
    uint64_t ended[ENDS];
};

/* ---- which months ---- */

/* Midnight after the last day of MONTH; 0 when it is no month. */
static uint64_t
end_of(const char *month)
{
    unsigned year, number;
    char next[24];
    uint64_t ms;

    if (sscanf(month, "%4u-%2u", &year, &number) != 2)
        return 0;
    year += number == 12;
    number = number == 12 ? 1 : number + 1;
    (void)snprintf(next, sizeof(next), "%04u-%02u-01", year, number);
    return clock_parse_rfc3339(&ms, next) == ERR_OK ? ms : 0;
}

static uint64_t
start_of(const char *month)
{
    char first[24];
    uint64_t ms;

    (void)snprintf(first, sizeof(first), "%.7s-01", month);
    return clock_parse_rfc3339(&ms, first) == ERR_OK ? ms : UINT64_MAX;
}

/* Every agency's events, on each of these days. */
static bool
is_in_scope(const struct audit_view *v, uint64_t from_ms, uint64_t to_ms)
{
    static const struct agency_id any; /* that no line names */

    for (uint64_t ms = from_ms; ms < to_ms; ms += DAY_MS)
        if (!audit_scope_covers(v->services, &any, ms / 1000))
            return false;
    return true;
}

/* What is erased leaves the figures, packet by packet. */
static bool
is_kept(const struct audit_view *v, uint64_t from_ms)
{
    return v->retention_s == 0 ||
           from_ms + v->retention_s * UINT64_C(1000) > v->made_ms;
}

static bool
is_complete(const struct audit_view *v, const char *month)
{
    uint64_t start = start_of(month);
    uint64_t end = end_of(month);
    uint64_t settled =
        end + LIMIT_PACKET_LIFE_S * UINT64_C(1000) + SETTLED_DAYS * DAY_MS;

    return end > 0 && start >= v->from_ms && settled <= v->made_ms &&
           settled <= v->to_ms && is_kept(v, start) &&
           is_in_scope(v, start, settled);
}

/* The days are ascending. */
static enum err
gather(const struct audit_view *v, struct month *months, size_t *n)
{
    *n = 0;
    for (size_t i = 0; i < v->n_days; i++) {
        const struct view_day *d = &v->days[i];
        const struct tally *t = &d->counts.packets;
        struct month *m;

        if (d->day == 0 || !is_complete(v, d->text))
            continue;
        if (*n == 0 || strncmp(months[*n - 1].text, d->text, MONTH_LEN) != 0) {
            if (*n == PUBLICATION_MONTHS_MAX)
                return ERR_FULL;
            months[*n] = (struct month){0};
            memcpy(months[(*n)++].text, d->text, MONTH_LEN);
        }
        m = &months[*n - 1];
        m->ended[0] += t->handed_over;
        m->ended[1] += t->refused;
        m->ended[2] += t->expired;
        m->ended[3] += t->withdrawn;
    }
    return *n == 0 ? ERR_NOTFOUND : ERR_OK;
}

/* ---- what is hidden ---- */

static bool
is_small(uint64_t figure, uint64_t threshold)
{
    return figure > 0 && figure < threshold;
}

/* The one equation says: the figures add up to the sum.  While the sum is
 * shown, hidden figures share what is left of it; when it is hidden too, they
 * may be anything. */
static bool
is_safe(const uint64_t *figures, size_t n, const bool *hidden,
        uint64_t threshold)
{
    uint64_t shared = 0;
    size_t count = 0;

    for (size_t i = 0; i < n; i++)
        if (hidden[i]) {
            shared += figures[i];
            count++;
        }
    if (count == 0)
        return true;
    return hidden[n] || (count > 1 && shared + 1 >= threshold);
}

/* The smallest that is shown; the sum when no other is left. */
static size_t
next_to_hide(const uint64_t *figures, size_t n, const bool *hidden)
{
    size_t best = n;

    for (size_t i = 0; i < n; i++)
        if (!hidden[i] && (best == n || figures[i] < figures[best]))
            best = i;
    return best;
}

void
publication_hide(const uint64_t *figures, size_t n, uint64_t sum,
                 uint64_t threshold, bool *hidden)
{
    for (size_t i = 0; i < n; i++)
        hidden[i] = is_small(figures[i], threshold);
    hidden[n] = is_small(sum, threshold);
    while (!is_safe(figures, n, hidden, threshold))
        hidden[next_to_hide(figures, n, hidden)] = true;
    /* A small sum is at least any figure shown beside it, and is their sum if
     * all are. */
    if (hidden[n])
        for (size_t i = 0; i < n; i++)
            hidden[i] = true;
}

/* ---- the table ---- */

static void
row(struct buf *out, const struct month *m)
{
    bool hidden[ENDS + 1];
    uint64_t sum = 0;

    for (size_t i = 0; i < ENDS; i++)
        sum += m->ended[i];
    publication_hide(m->ended, ENDS, sum, PUBLICATION_THRESHOLD, hidden);
    buf_str(out, m->text);
    for (size_t i = 0; i <= ENDS; i++) {
        if (hidden[i])
            buf_str(out, ",*");
        else
            buf_printf(out, ",%" PRIu64, i == ENDS ? sum : m->ended[i]);
    }
    buf_str(out, "\r\n");
}

static void
write_out(const struct audit_view *v, const struct month *months, size_t n,
          struct buf *out)
{
    buf_printf(out,
               "# Packets stored by %s, by month (UTC) and by how they ended."
               "\r\n"
               "# * hides figures from 1 to %d, and as many others as it takes "
               "that nobody can compute them.\r\n"
               "# A month appears when all of its packets must have ended. "
               "Copies to own colleagues are not counted.\r\n"
               "# There are no sums over months: a sum that grows tells what "
               "the newest month hides.\r\n"
               "month,handed_over,refused,expired,withdrawn,stored\r\n",
               v->relay, PUBLICATION_THRESHOLD - 1);
    for (size_t i = 0; i < n; i++)
        row(out, &months[i]);
}

enum err
publication(const struct audit_view *v, struct buf *out)
{
    struct month *months;
    size_t n;
    enum err rc;

    if (!v->is_auditor || v->has_agency || v->has_class)
        return ERR_REFUSED;
    months = calloc(PUBLICATION_MONTHS_MAX, sizeof(*months));
    if (months == NULL)
        return ERR_NOMEM;
    rc = gather(v, months, &n);
    if (rc == ERR_OK) {
        write_out(v, months, n, out);
        rc = buf_status(out);
    }
    free(months);
    return rc;
}
