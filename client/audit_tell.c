#include "client/audit_tell.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/bytes.h"
#include "common/clock.h"
#include "common/text.h"

enum { NAME_COLUMNS = 26, FINDINGS_SHOWN = 40, ROOT_SHOWN = 16 };
enum { READERS_SHOWN = 20 };

/* ---- the table ---- */

/* NAME cut and filled to NAME_COLUMNS. */
static void
put_name(struct buf *b, const char *name)
{
    struct buf shown = {0};
    size_t len, width;

    text_show(&shown, name, strlen(name), TEXT_ONE_LINE);
    len = shown.len;
    while (len > 0 &&
           (text_width((const char *)shown.data, len) > NAME_COLUMNS ||
            !text_is_utf8((const char *)shown.data, len)))
        len--;
    buf_put(b, shown.data, len);
    width = text_width((const char *)shown.data, len);
    buf_printf(b, "%*s", (int)(NAME_COLUMNS - width), "");
    buf_clear(&shown);
}

static void
tell_buf(struct app *app, struct buf *b)
{
    buf_u8(b, 0);
    if (buf_status(b) == ERR_OK)
        out_line(app, "%s", (const char *)b->data);
    buf_clear(b);
}

void
tell_header(struct app *app, const char *first_column)
{
    out_line(app, "\n%-*s %7s = %11s + %7s + %7s + %9s + %7s", NAME_COLUMNS,
             first_column, "stored", "handed over", "refused", "expired",
             "withdrawn", "pending");
}

void
tell_row(struct app *app, const char *name, const struct tally *t)
{
    struct buf b = {0};

    put_name(&b, name);
    buf_printf(&b,
               " %7" PRIu64 " = %11" PRIu64 " + %7" PRIu64 " + %7" PRIu64
               " + %9" PRIu64 " + %7" PRIu64,
               t->stored + t->carried, t->handed_over, t->refused, t->expired,
               t->withdrawn, t->pending);
    tell_buf(app, &b);
}

void
tell_rows(struct app *app, const char *name, const struct balance_counts *c)
{
    static const struct tally nothing;

    tell_row(app, name, &c->packets);
    if (memcmp(&c->own_copies, &nothing, sizeof(nothing)) != 0)
        tell_row(app, "  copies to colleagues", &c->own_copies);
}

static const char *
name_of(const struct view_agency *a)
{
    return a->name[0] == '\0' ? "(not in the directory)" : a->name;
}

static void
tell_table(struct app *app, const struct audit_view *v)
{
    const struct balance_counts *all = &v->total.counts;
    uint64_t carried = all->packets.carried + all->own_copies.carried;

    tell_header(app, "Sent by");
    for (size_t i = 0; i < v->n_agencies; i++)
        if (!view_counts_empty(&v->agencies[i].sent.counts))
            tell_rows(app, name_of(&v->agencies[i]),
                      &v->agencies[i].sent.counts);
    tell_rows(app, "All", all);
    if (carried > 0)
        out_line(app,
                 "%" PRIu64 " of them were stored before the time that was "
                 "looked at.",
                 carried);
}

/* ---- how long it took, and why not ---- */

static void
tell_time(struct app *app, const char *name, const struct view_times *t)
{
    char median[CLOCK_TEXT_MAX], p90[CLOCK_TEXT_MAX], most[CLOCK_TEXT_MAX];
    struct buf b = {0};

    if (t->n == 0)
        return;
    clock_format_span(median, t->median_ms);
    clock_format_span(p90, t->p90_ms);
    clock_format_span(most, t->max_ms);
    put_name(&b, name);
    buf_printf(&b, " %7" PRIu64 "   %10s   %13s   %10s", t->n, median, p90,
               most);
    tell_buf(app, &b);
}

static void
tell_times(struct app *app, const struct audit_view *v)
{
    if (v->total.times_all.n == 0)
        return;
    out_line(app, "\n%-*s %7s   %10s   %13s   %10s", NAME_COLUMNS,
             "From stored to handed over", "packets", "half within",
             "nine of ten in", "the longest");
    for (unsigned i = 0; i < VIEW_CLASSES; i++)
        tell_time(app, view_class_name(i), &v->total.times[i]);
    for (size_t i = 0; i < v->n_agencies; i++) {
        char name[LIMIT_AGENCY_NAME + 8];

        (void)snprintf(name, sizeof(name), "to %s", name_of(&v->agencies[i]));
        tell_time(app, name, &v->agencies[i].received.times_all);
    }
}

static void
tell_reasons(struct app *app, const struct audit_view *v)
{
    const struct view_deadlines *d = &v->total.deadlines;

    if (v->n_reasons > 0)
        out_line(app, "\nWhy packets were not handed over:");
    for (size_t i = 0; i < v->n_reasons; i++)
        out_line(app, "  %9" PRIu64 "  %s: %s", v->reasons[i].n,
                 v->reasons[i].event, v->reasons[i].name);
    if (d->warned + d->expired + d->overdue + d->late == 0)
        return;
    out_line(app, "\nDeadlines:");
    out_line(app,
             "  %9" PRIu64 "  warned before their end, %" PRIu64
             " of them handed over after all",
             d->warned, d->rescued);
    out_line(app,
             "  %9" PRIu64 "  expired, %" PRIu64
             " of them never offered to a device",
             d->expired, d->unserved);
    out_line(app, "  %9" PRIu64 "  not settled in time by the relay",
             d->overdue);
    out_line(app, "  %9" PRIu64 "  read after their end", d->late);
}

/* ---- what was looked at ---- */

static void
tell_head(struct app *app, const char *name, const struct view_head *head)
{
    char hex[65];

    hex_encode(hex, head->root.b, 32);
    out_line(app, "  %-13s %" PRIu64 " entries, root %.*s...", name, head->size,
             ROOT_SHOWN, hex);
}

static void
tell_checked(struct app *app, const struct audit_view *v)
{
    const struct view_checked *c = &v->checked;
    const struct {
        uint64_t n;
        const char *what;
    } rows[] = {
        {c->entries, "entries, all of them under the signed head"},
        {c->known_before, "of these checked by the last audit of this device"},
        {c->opened, "opened to us, each as its entry says"},
        {c->unseen, "sealed: of other agencies, or erased"},
        {c->erased, "erasures, each of them named in the log"},
        {c->evidence, "signatures and statements behind these events"},
        {c->heads, "heads that others had seen, all part of this log"},
        {c->receipts, "receipts and events kept here, looked up in the log"},
        {c->quota, "packets refused by quota, never stored"},
    };

    out_line(app, "Heads, both in line with all that was seen before:");
    tell_head(app, "delivery log", &v->delivery);
    tell_head(app, "directory", &v->directory);
    if (v->witnessed_s > 0) {
        char when[CLOCK_TEXT_MAX];

        clock_format_utc(when, v->witnessed_s * 1000);
        out_line(app, "  witnesses     cosigned the directory last at %s",
                 when);
    }
    out_line(app, "Checked:");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (i == 0 || rows[i].n > 0)
            out_line(app, "  %9" PRIu64 "  %s", rows[i].n, rows[i].what);
}

static void
tell_choice(struct app *app, const struct audit_view *v)
{
    if (v->from[0] != '\0' || v->to[0] != '\0')
        out_line(app, "Counted: what was under way from %s to %s (UTC).",
                 v->from[0] == '\0' ? "the beginning" : v->from,
                 v->to[0] == '\0' ? "now" : v->to);
    if (v->has_agency)
        out_line(app, "Counted: what %s sent or got.", v->agency);
    if (v->has_class)
        out_line(app, "Counted: %s packets.", view_class_name(v->class));
}

/* ---- what is wrong ---- */

static void
tell_exception(struct app *app, const struct view_exception *e)
{
    char hex[33] = "        ";
    char at[24] = "-";

    if (e->has_packet)
        hex_encode(hex, e->packet.b, 16);
    if (e->index != UINT64_MAX)
        (void)snprintf(at, sizeof(at), "%" PRIu64, e->index);
    out_line(app, "  %-17s packet %.8s  entry %s\n    %s", e->code, hex, at,
             e->text);
}

static void
tell_exceptions(struct app *app, const struct audit_view *v)
{
    size_t shown =
        v->n_exceptions < FINDINGS_SHOWN ? v->n_exceptions : FINDINGS_SHOWN;

    if (v->exceptions_total == 0)
        out_line(app, "\nNothing was found: every packet is accounted for, and "
                      "every end has its evidence.");
    else
        out_line(app, "\nFindings:");
    for (size_t i = 0; i < shown; i++)
        tell_exception(app, &v->exceptions[i]);
    if (v->exceptions_total > shown)
        out_line(app, "  ... %" PRIu64 " more; --json lists up to 1000",
                 v->exceptions_total - shown);
    if (v->exceptions_others > 0)
        out_line(app,
                 "%" PRIu64 " more lie outside of what was chosen; "
                 "`sealpost audit` shows them.",
                 v->exceptions_others);
}

/* ---- who may see what, and who did ---- */

static void
tell_readers(struct app *app, const struct audit_view *v)
{
    const char *last = "";

    out_line(app, "\nWho may see what: an agency, the events of what it "
                  "sent and got; nobody, what a\npacket says.");
    for (size_t i = 0; i < v->n_scopes; i++) {
        const struct view_scope *s = &v->scopes[i];

        if (strcmp(last, s->auditor) != 0)
            out_line(app, "  %s, an auditor, in its scope%s:", s->auditor,
                     s->is_self ? " (that is you)" : "");
        out_line(app, "    %s", s->line);
        last = s->auditor;
    }
    if (v->n_readers == 0)
        return;
    out_line(app, "Who did: each question of an auditor for openings is "
                  "itself in the log.");
    for (size_t i = 0; i < v->n_readers && i < READERS_SHOWN; i++) {
        const struct view_reader *r = &v->readers[i];

        out_line(app,
                 "  %s  %s, \"%s\": %" PRIu64
                 " questions, about entries from %" PRIu64 " to %" PRIu64,
                 r->text, r->auditor, r->device, r->questions, r->first,
                 r->last);
    }
}

static void
tell_start(struct app *app, enum book_fit fit)
{
    if (fit != BOOK_FITS && fit != BOOK_NONE)
        out_line(app, "Read from the beginning: %s.\n", book_fit_text(fit));
}

void
audit_tell(struct app *app, const struct audit_view *v, enum book_fit fit)
{
    char when[CLOCK_TEXT_MAX];

    clock_format_local(when, v->made_ms);
    out_line(app, "Audit of %s on %s\n", v->relay, when);
    tell_start(app, fit);
    tell_checked(app, v);
    tell_choice(app, v);
    tell_table(app, v);
    tell_times(app, v);
    tell_reasons(app, v);
    tell_exceptions(app, v);
    tell_readers(app, v);
}
