/*
 * report_svg.c - the two drawings of a report.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "client/report_inside.h"

static uint64_t
handed_over(const struct tally *t)
{
    return t->handed_over;
}
static uint64_t
refused(const struct tally *t)
{
    return t->refused;
}
static uint64_t
expired(const struct tally *t)
{
    return t->expired;
}
static uint64_t
withdrawn(const struct tally *t)
{
    return t->withdrawn;
}
static uint64_t
pending(const struct tally *t)
{
    return t->pending;
}

const struct report_state report_states[REPORT_STATES] = {
    {"handed over", "#2a7f62", handed_over},
    {"refused", "#b3541e", refused},
    {"expired", "#a4243b", expired},
    {"withdrawn", "#6b6b83", withdrawn},
    {"pending", "#d8b04c", pending},
};

/* A drawing's parts in hundredths, so that no fraction is ever printed. */
static void
coordinate(struct buf *out, const char *name, uint64_t hundredths)
{
    buf_printf(out, " %s=\"%" PRIu64 ".%02" PRIu64 "\"", name, hundredths / 100,
               hundredths % 100);
}

static void
rect(struct buf *out, uint64_t x, uint64_t y, uint64_t w, uint64_t h,
     const char *colour)
{
    buf_str(out, "<rect");
    coordinate(out, "x", x);
    coordinate(out, "y", y);
    coordinate(out, "width", w);
    coordinate(out, "height", h);
    buf_printf(out, " fill=\"%s\"/>", colour);
}

static void
open_svg(struct buf *out, unsigned width, unsigned height, const char *title)
{
    buf_printf(out,
               "<svg viewBox=\"0 0 %u %u\" role=\"img\" "
               "aria-label=\"%s\" xmlns=\"http://www.w3.org/2000/svg\">",
               width, height, title);
}

/* ---- what became of all ---- */

static uint64_t
sum(const struct tally *t)
{
    uint64_t n = 0;

    for (size_t i = 0; i < REPORT_STATES; i++)
        n += report_states[i].of(t);
    return n;
}

static void
legend(struct buf *out, const struct tally *t)
{
    buf_str(out, "<ul class=\"legend\">");
    for (size_t i = 0; i < REPORT_STATES; i++)
        buf_printf(out,
                   "<li><span style=\"background:%s\"></span>%s: %" PRIu64
                   "</li>",
                   report_states[i].colour, report_states[i].name,
                   report_states[i].of(t));
    buf_str(out, "</ul>\n");
}

void
report_bar(struct buf *out, const struct tally *t)
{
    enum { WIDTH = 700, HEIGHT = 34 };
    uint64_t all = sum(t);
    uint64_t before = 0;

    if (all == 0)
        return;
    open_svg(out, WIDTH, HEIGHT, "What became of the packets");
    for (size_t i = 0; i < REPORT_STATES; i++) {
        uint64_t n = report_states[i].of(t);
        uint64_t from = before * WIDTH * 100 / all;
        uint64_t to = (before + n) * WIDTH * 100 / all;

        if (n > 0)
            rect(out, from, 0, to - from, (uint64_t)HEIGHT * 100,
                 report_states[i].colour);
        before += n;
    }
    buf_str(out, "</svg>\n");
    legend(out, t);
}

/* ---- day by day ---- */

enum { CHART_W = 700, CHART_H = 170, BARS_MAX = 100, WEEK = 7 };

struct bar {
    char text[11];
    uint32_t day;
    struct tally t;
};

static void
add(struct tally *sum_of, const struct tally *t)
{
    sum_of->stored += t->stored;
    sum_of->handed_over += t->handed_over;
    sum_of->refused += t->refused;
    sum_of->expired += t->expired;
    sum_of->withdrawn += t->withdrawn;
    sum_of->pending += t->pending;
}

/* Days or weeks or runs of weeks, whatever fits. */
static size_t
gather(const struct audit_view *v, uint32_t step, struct bar *bars)
{
    size_t n = 0;

    for (size_t i = 0; i < v->n_days; i++) {
        const struct view_day *d = &v->days[i];

        if (d->day == 0)
            continue;
        if (n == 0 || d->day / step != bars[n - 1].day / step) {
            if (n == BARS_MAX)
                return BARS_MAX + 1;
            bars[n] = (struct bar){.day = d->day};
            memcpy(bars[n++].text, d->text, sizeof(d->text));
        }
        add(&bars[n - 1].t, &d->counts.packets);
    }
    return n;
}

static void
draw(struct buf *out, const struct bar *bars, size_t n)
{
    enum { BASE = CHART_H - 20, TOP = 10, GAP = 2 };
    uint64_t step = CHART_W * 100 / n;
    uint64_t high = 1;

    for (size_t i = 0; i < n; i++)
        high = sum(&bars[i].t) > high ? sum(&bars[i].t) : high;
    open_svg(out, CHART_W, CHART_H, "Packets by the day they were stored");
    for (size_t i = 0; i < n; i++) {
        uint64_t below = 0;
        uint64_t w = step > GAP * 100 * 2 ? step - GAP * 100 : step;

        w = w > 6000 ? 6000 : w;
        for (size_t k = 0; k < REPORT_STATES; k++) {
            uint64_t count = report_states[k].of(&bars[i].t);
            uint64_t h = count * (BASE - TOP) * 100 / high;

            if (count > 0)
                rect(out, i * step, (uint64_t)BASE * 100 - below - h, w, h,
                     report_states[k].colour);
            below += h;
        }
    }
    buf_printf(out,
               "<text x=\"0\" y=\"%d\">%s</text><text x=\"%d\" y=\"%d\" "
               "text-anchor=\"end\">%s</text><text x=\"%d\" y=\"9\" "
               "text-anchor=\"end\">highest: %" PRIu64 "</text></svg>\n",
               CHART_H - 4, bars[0].text, CHART_W, CHART_H - 4,
               bars[n - 1].text, CHART_W, high);
}

void
report_days(struct buf *out, const struct audit_view *v)
{
    struct bar bars[BARS_MAX + 1];
    uint32_t step = 1;
    size_t n = gather(v, step, bars);

    for (step = WEEK; n > BARS_MAX; step *= 2)
        n = gather(v, step, bars);
    if (n < 2)
        return;
    buf_str(out, "<h3>Day by day</h3>\n<p>By the day on which they were "
                 "stored; the colours say what became of them.</p>\n");
    draw(out, bars, n);
}
