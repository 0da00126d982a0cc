#include "client/report.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "client/report_inside.h"
#include "common/bytes.h"
#include "common/clock.h"
#include "proto/statement.h"

enum { DAY_LEN = 10 };

/* ---- writing ---- */

void
html_text(struct buf *out, const char *text)
{
    for (const char *p = text; *p != '\0'; p++) {
        if (*p == '&')
            buf_str(out, "&amp;");
        else if (*p == '<')
            buf_str(out, "&lt;");
        else if (*p == '>')
            buf_str(out, "&gt;");
        else if (*p == '"')
            buf_str(out, "&quot;");
        else if (*p == '\'')
            buf_str(out, "&#39;");
        else
            buf_u8(out, (unsigned char)*p < 0x20 ? ' ' : (uint8_t)*p);
    }
}

void
html_count(struct buf *out, uint64_t n, const char *one, const char *many)
{
    buf_printf(out, "%" PRIu64 " %s", n, n == 1 ? one : many);
}

static void
cell(struct buf *out, uint64_t n)
{
    buf_printf(out, "<td>%" PRIu64 "</td>", n);
}

static void
heading(struct buf *out, const char *text)
{
    buf_str(out, "<th scope=\"row\">");
    html_text(out, text);
    buf_str(out, "</th>");
}

static void
day_of(char out[DAY_LEN + 1], uint64_t wall_ms)
{
    char text[CLOCK_TEXT_MAX];

    clock_format_utc(text, wall_ms);
    (void)snprintf(out, DAY_LEN + 1, "%.10s", text);
}

/* ---- the top ---- */

static const char style[] =
    "body{font:16px/1.5 sans-serif;max-width:46rem;margin:2rem auto;padding:0 "
    "1rem;color:#222;background:#fff}\n"
    "h1{font-size:1.6rem;margin-bottom:0}h2{font-size:1.25rem;margin-top:2rem;"
    "border-top:1px solid #ccc;padding-top:1rem}h3{font-size:1rem}\n"
    "table{border-collapse:collapse;width:100%;font-size:.9rem}"
    "caption{text-align:left;font-weight:bold;padding:.3rem 0}"
    "th,td{padding:.25rem .5rem;border-bottom:1px solid #ddd;text-align:right}"
    "th[scope=row],thead th:first-child{text-align:left}\n"
    ".verdict{border-left:.4rem solid #2a7f62;padding:.6rem 1rem;background:"
    "#f2f7f5;font-size:1.1rem}.bad{border-color:#a4243b;background:#fbf2f3}\n"
    ".legend{list-style:none;padding:0;display:flex;flex-wrap:wrap;gap:1rem}"
    ".legend span{display:inline-block;width:.8em;height:.8em;margin-right:"
    ".4em}\n"
    "svg{width:100%;height:auto}svg text{font-size:11px;fill:#555}"
    "code{overflow-wrap:anywhere}.small{font-size:.85rem;color:#555}\n"
    "@media print{body{margin:0;max-width:none}h2{break-after:avoid}"
    "tr,li{break-inside:avoid}}\n";

static void
head(struct buf *out, const struct audit_view *v)
{
    buf_str(out, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta "
                 "charset=\"utf-8\">\n<meta http-equiv=\"Content-Security-"
                 "Policy\" content=\"default-src 'none'; style-src "
                 "'unsafe-inline'\">\n<meta name=\"viewport\" content=\""
                 "width=device-width, initial-scale=1\">\n<title>Delivery "
                 "audit of ");
    html_text(out, v->relay);
    buf_printf(out, "</title>\n<style>\n%s</style>\n</head>\n<body>\n", style);
}

static void
period(struct buf *out, const struct audit_view *v)
{
    if (v->from[0] != '\0' && v->to[0] != '\0')
        buf_printf(out, "from %s to %s", v->from, v->to);
    else if (v->from[0] != '\0')
        buf_printf(out, "from %s on", v->from);
    else if (v->to[0] != '\0')
        buf_printf(out, "up to %s", v->to);
    else
        buf_str(out, "from the beginning on");
}

static void
title(struct buf *out, const struct audit_view *v)
{
    char day[DAY_LEN + 1];

    day_of(day, v->made_ms);
    buf_str(out, "<h1>Delivery audit of ");
    html_text(out, v->relay);
    buf_str(out, "</h1>\n<p class=\"small\">By ");
    html_text(out, v->auditor);
    buf_printf(out, ", on %s. Packets ", day);
    period(out, v);
    if (v->has_agency) {
        buf_str(out, "; only those that ");
        html_text(out, v->agency);
        buf_str(out, " sent or received");
    }
    if (v->has_class)
        buf_printf(out, "; only %s ones", view_class_name(v->class));
    buf_str(out, ". Days are counted in UTC.</p>\n");
}

/* ---- the verdict ---- */

static bool
adds_up(const struct audit_view *v)
{
    return tally_conserved(&v->total.counts.packets) &&
           tally_conserved(&v->total.counts.own_copies);
}

static void
verdict(struct buf *out, const struct audit_view *v)
{
    const struct tally *t = &v->total.counts.packets;
    bool good = adds_up(v) && v->exceptions_total == 0;

    buf_printf(out, "<p class=\"verdict%s\">", good ? "" : " bad");
    html_count(out, t->stored + t->carried, "packet", "packets");
    buf_str(out, adds_up(v)
                     ? ", and each is accounted for: every one has exactly one "
                       "end, or is still waiting within its time. "
                     : ", and the counts do NOT add up. ");
    if (v->exceptions_total == 0)
        buf_str(out, "Nothing was found that should not be.");
    else {
        html_count(out, v->exceptions_total, "thing needs", "things need");
        buf_str(out, " an explanation; see below.");
    }
    buf_str(out, "</p>\n");
    if (v->exceptions_others > 0) {
        buf_str(out, "<p class=\"small\">Outside of what was chosen here, ");
        html_count(out, v->exceptions_others, "more was", "more were");
        buf_str(out, " found: run the audit without that choice.</p>\n");
    }
}

/* ---- the balance ---- */

static const char tally_columns[] =
    "<th scope=\"col\">stored</th><th scope=\"col\">from before</th><th "
    "scope=\"col\">handed over</th><th scope=\"col\">refused</th><th "
    "scope=\"col\">expired</th><th scope=\"col\">withdrawn</th><th "
    "scope=\"col\">pending</th></tr></thead>\n<tbody>\n";

static void
tally_cells(struct buf *out, const struct tally *t)
{
    cell(out, t->stored);
    cell(out, t->carried);
    for (size_t i = 0; i < REPORT_STATES; i++)
        cell(out, report_states[i].of(t));
    buf_str(out, "</tr>\n");
}

static void
open_table(struct buf *out, const char *caption, const char *first)
{
    buf_printf(out,
               "<table><caption>%s</caption>\n<thead><tr><th "
               "scope=\"col\">%s</th>",
               caption, first);
}

static void
tally_row(struct buf *out, const char *name, const struct tally *t)
{
    buf_str(out, "<tr>");
    heading(out, name);
    tally_cells(out, t);
}

static void
balance(struct buf *out, const struct audit_view *v)
{
    const struct tally *own = &v->total.counts.own_copies;

    buf_str(out, "<h2>The balance</h2>\n<p>Every packet that the relay stored "
                 "must end in exactly one way: <b>handed over</b> to the desk "
                 "it was for, <b>refused</b> by that desk's machines, "
                 "<b>expired</b> because nobody collected it in time, or "
                 "<b>withdrawn</b> by its sender. Until then it is "
                 "<b>pending</b>. Stored, and left over from before, must "
                 "equal the sum of these.</p>\n");
    report_bar(out, &v->total.counts.packets);
    open_table(out, "All packets", "");
    buf_str(out, tally_columns);
    tally_row(out, "all", &v->total.counts.packets);
    for (unsigned c = 0; c < VIEW_CLASSES; c++)
        tally_row(out, view_class_name(c), &v->by_class[c].counts.packets);
    buf_str(out, "</tbody></table>\n");
    if (own->stored + own->carried > 0)
        buf_printf(out,
                   "<p class=\"small\">Besides, agencies sent %" PRIu64
                   " copies to their own colleagues; %" PRIu64
                   " of them were collected.</p>\n",
                   own->stored + own->carried, own->handed_over);
    report_days(out, v);
}

static void
agencies(struct buf *out, const struct audit_view *v)
{
    if (v->n_agencies == 0)
        return;
    buf_str(out, "<h2>By agency</h2>\n");
    open_table(out, "What each agency sent", "sender");
    buf_str(out, tally_columns);
    for (size_t i = 0; i < v->n_agencies; i++)
        tally_row(out, v->agencies[i].name,
                  &v->agencies[i].sent.counts.packets);
    buf_str(out, "</tbody></table>\n");
    open_table(out, "What each agency was sent", "recipient");
    buf_str(out, tally_columns);
    for (size_t i = 0; i < v->n_agencies; i++)
        tally_row(out, v->agencies[i].name,
                  &v->agencies[i].received.counts.packets);
    buf_str(out, "</tbody></table>\n");
}

/* ---- exceptions ---- */

static void
exceptions(struct buf *out, const struct audit_view *v)
{
    buf_str(out, "<h2>Exceptions</h2>\n");
    if (v->exceptions_total == 0) {
        buf_str(out, "<p>None.</p>\n");
        return;
    }
    buf_str(out, "<ol>\n");
    for (size_t i = 0; i < v->n_exceptions; i++) {
        const struct view_exception *e = &v->exceptions[i];
        char hex[33];

        buf_str(out, "<li>");
        html_text(out, e->text);
        if (e->has_packet) {
            hex_encode(hex, e->packet.b, 16);
            buf_printf(out, " <span class=\"small\">Packet %.8s.</span>", hex);
        }
        buf_str(out, "</li>\n");
    }
    buf_str(out, "</ol>\n");
    if (v->exceptions_total > v->n_exceptions)
        buf_printf(out, "<p>And %" PRIu64 " more.</p>\n",
                   v->exceptions_total - v->n_exceptions);
}

/* ---- how fast, and why not ---- */

static void
span_cell(struct buf *out, const struct view_times *t, uint64_t ms)
{
    char text[CLOCK_TEXT_MAX];

    clock_format_span(text, ms);
    buf_printf(out, "<td>%s</td>", t->n == 0 ? "-" : text);
}

static void
times_row(struct buf *out, const char *name, const struct view_times *t)
{
    buf_str(out, "<tr>");
    heading(out, name);
    cell(out, t->n);
    span_cell(out, t, t->median_ms);
    span_cell(out, t, t->p90_ms);
    span_cell(out, t, t->max_ms);
    buf_str(out, "</tr>\n");
}

static void
times(struct buf *out, const struct audit_view *v)
{
    buf_str(out, "<h2>How long it took</h2>\n<p>From the moment the relay had "
                 "a packet to the moment the desk signed for it. Half were "
                 "quicker than the median; nine of ten were quicker than the "
                 "next figure.</p>\n");
    open_table(out, "From stored to handed over", "");
    buf_str(out, "<th scope=\"col\">packets</th><th scope=\"col\">median</th>"
                 "<th scope=\"col\">nine of ten</th><th scope=\"col\">longest"
                 "</th></tr></thead>\n<tbody>\n");
    times_row(out, "all", &v->total.times_all);
    for (unsigned c = 0; c < VIEW_CLASSES; c++)
        times_row(out, view_class_name(c), &v->total.times[c]);
    for (size_t i = 0; i < v->n_agencies; i++)
        if (v->agencies[i].received.times_all.n > 0)
            times_row(out, v->agencies[i].name,
                      &v->agencies[i].received.times_all);
    buf_str(out, "</tbody></table>\n<p class=\"small\">A line with an agency's "
                 "name: what that agency was sent.</p>\n");
}

static void
deadlines(struct buf *out, const struct audit_view *v)
{
    const struct view_deadlines *d = &v->total.deadlines;

    buf_str(out, "<h3>Deadlines</h3>\n<ul>\n<li>");
    html_count(out, d->warned, "packet was", "packets were");
    buf_printf(out,
               " not collected for so long that the sender was warned; %" PRIu64
               " of these were collected after all.</li>\n<li>",
               d->rescued);
    html_count(out, d->expired, "packet", "packets");
    buf_printf(out,
               " expired because nobody collected them; %" PRIu64
               " of these were never offered to a machine of the desk, says "
               "the relay.</li>\n",
               d->unserved);
    if (d->late > 0) {
        buf_str(out, "<li>");
        html_count(out, d->late, "packet was", "packets were");
        buf_str(out, " read after their end.</li>\n");
    }
    if (d->overdue > 0) {
        buf_str(out, "<li><b>");
        html_count(out, d->overdue, "packet was", "packets were");
        buf_str(out, " not settled in time by the relay.</b></li>\n");
    }
    buf_str(out, "</ul>\n");
}

static void
reasons(struct buf *out, const struct audit_view *v)
{
    if (v->n_reasons == 0)
        return;
    open_table(out, "Reasons given for delivery (never about a case)", "event");
    buf_str(out, "<th scope=\"col\">reason</th><th scope=\"col\">times</th>"
                 "</tr></thead>\n<tbody>\n");
    for (size_t i = 0; i < v->n_reasons; i++) {
        buf_str(out, "<tr>");
        heading(out, v->reasons[i].event);
        buf_str(out, "<td>");
        html_text(out, v->reasons[i].name);
        buf_str(out, "</td>");
        cell(out, v->reasons[i].n);
        buf_str(out, "</tr>\n");
    }
    buf_str(out, "</tbody></table>\n");
}

/* ---- who looked, and what it rests on ---- */

static void
readers(struct buf *out, const struct audit_view *v)
{
    buf_str(out, "<h2>Who read the log</h2>\n<p>An auditor's reading is itself "
                 "an entry of the log.</p>\n");
    if (v->n_readers == 0) {
        buf_str(out, "<p>No auditor's reading is in it.</p>\n");
        return;
    }
    open_table(out, "Questions of auditors", "auditor");
    buf_str(out, "<th scope=\"col\">device</th><th scope=\"col\">day</th><th "
                 "scope=\"col\">questions</th></tr></thead>\n<tbody>\n");
    for (size_t i = 0; i < v->n_readers; i++) {
        const struct view_reader *r = &v->readers[i];

        buf_str(out, "<tr>");
        heading(out, r->auditor);
        buf_str(out, "<td>");
        html_text(out, r->device);
        buf_printf(out, "</td><td>%s</td>", r->text);
        cell(out, r->questions);
        buf_str(out, "</tr>\n");
    }
    buf_str(out, "</tbody></table>\n");
}

static void
head_line(struct buf *out, const char *name, const struct view_head *h)
{
    char hex[65];

    hex_encode(hex, h->root.b, 32);
    buf_printf(out,
               "<li>%s log: %" PRIu64 " entries, root <code>%s</code></li>\n",
               name, h->size, hex);
}

static void
basis(struct buf *out, const struct audit_view *v)
{
    char when[CLOCK_TEXT_MAX];

    buf_str(out, "<h2>For those who check this page</h2>\n<ul>\n");
    head_line(out, "Delivery", &v->delivery);
    head_line(out, "Directory", &v->directory);
    for (size_t i = 0; i < v->n_scopes; i++) {
        buf_str(out, "<li>Scope of ");
        html_text(out, v->scopes[i].auditor);
        buf_str(out, ": <code>");
        html_text(out, v->scopes[i].line);
        buf_str(out, "</code></li>\n");
    }
    if (v->witnessed_s > 0) {
        clock_format_utc(when, v->witnessed_s * 1000);
        buf_printf(out,
                   "<li>Independent witnesses signed the directory last "
                   "at %s.</li>\n",
                   when);
    }
    buf_str(out, "</ul>\n<p class=\"small\">Anybody with the same scope who "
                 "runs <code>sealpost audit</code> up to these sizes gets "
                 "these figures.</p>\n</body>\n</html>\n");
}

enum err
report_html(const struct audit_view *v, struct buf *out)
{
    head(out, v);
    title(out, v);
    verdict(out, v);
    balance(out, v);
    exceptions(out, v);
    agencies(out, v);
    times(out, v);
    deadlines(out, v);
    reasons(out, v);
    report_meaning(out, v);
    readers(out, v);
    basis(out, v);
    return buf_status(out);
}
