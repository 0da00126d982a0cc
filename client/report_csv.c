/*
 * report_csv.c - an audit as one long table: what a figure is of, then the
 * figure.  Columns that do not apply are empty.
 */
#include "client/report.h"

#include <inttypes.h>
#include <string.h>

#include "common/bytes.h"
#include "proto/statement.h"

/* What a row is of; NULL: nothing. */
struct row {
    const char *part; /* total, class, agency, day, agency_day, reason ... */
    const struct view_agency *agency;
    const char *side; /* sent, received */
    const char *day;
    const char *class;
    const char *event;
    const char *text;
};

/* A cell in quotes.  A leading = + - @ would be a formula to a spreadsheet. */
static void
cell(struct buf *out, const char *text)
{
    buf_u8(out, '"');
    if (text != NULL && text[0] != '\0' && strchr("=+-@\t\r", text[0]) != NULL)
        buf_u8(out, '\'');
    for (const char *p = text == NULL ? "" : text; *p != '\0'; p++) {
        if (*p == '"')
            buf_u8(out, '"');
        buf_u8(out, (uint8_t)*p);
    }
    buf_str(out, "\",");
}

static void
put(struct buf *out, const struct row *r, const char *measure, uint64_t value)
{
    char id[33] = "";

    if (r->agency != NULL)
        hex_encode(id, r->agency->id.b, sizeof(r->agency->id.b));
    cell(out, r->part);
    cell(out, id);
    cell(out, r->agency == NULL ? NULL : r->agency->name);
    cell(out, r->agency == NULL ? NULL : agency_class_name(r->agency->class));
    cell(out, r->side);
    cell(out, r->day);
    cell(out, r->class);
    cell(out, r->event);
    cell(out, r->text);
    cell(out, measure);
    buf_printf(out, "%" PRIu64 "\r\n", value);
}

static void
put_tally(struct buf *out, const struct row *r, const struct tally *t,
          const char *const names[7])
{
    const uint64_t v[7] = {t->stored,  t->carried,   t->handed_over, t->refused,
                           t->expired, t->withdrawn, t->pending};

    for (size_t i = 0; i < 7; i++)
        put(out, r, names[i], v[i]);
}

static void
put_counts(struct buf *out, const struct row *r,
           const struct balance_counts *counts)
{
    static const char *const packets[7] = {"stored",  "carried", "handed_over",
                                           "refused", "expired", "withdrawn",
                                           "pending"};
    static const char *const own[7] = {
        "own_stored",  "own_carried",   "own_handed_over", "own_refused",
        "own_expired", "own_withdrawn", "own_pending"};

    put_tally(out, r, &counts->packets, packets);
    put_tally(out, r, &counts->own_copies, own);
}

static void
put_times(struct buf *out, struct row r, const char *class,
          const struct view_times *t)
{
    r.class = class;
    put(out, &r, "collected", t->n);
    if (t->n == 0)
        return;
    put(out, &r, "median_ms", t->median_ms);
    put(out, &r, "p90_ms", t->p90_ms);
    put(out, &r, "max_ms", t->max_ms);
}

static void
put_group(struct buf *out, const struct row *r, const struct view_group *g)
{
    const struct view_deadlines *d = &g->deadlines;

    put_counts(out, r, &g->counts);
    put_times(out, *r, r->class, &g->times_all);
    for (unsigned c = 0; c < VIEW_CLASSES && r->class == NULL; c++)
        put_times(out, *r, view_class_name(c), &g->times[c]);
    put(out, r, "warned", d->warned);
    put(out, r, "rescued", d->rescued);
    put(out, r, "unserved", d->unserved);
    put(out, r, "overdue", d->overdue);
    put(out, r, "late", d->late);
}

static void
put_agency(struct buf *out, const struct view_agency *a)
{
    struct row r = {.part = "agency", .agency = a};

    r.side = "sent";
    put_group(out, &r, &a->sent);
    r.side = "received";
    put_group(out, &r, &a->received);
}

static void
put_days(struct buf *out, const struct audit_view *v)
{
    for (size_t i = 0; i < v->n_days; i++) {
        struct row r = {.part = "day", .day = v->days[i].text};

        put_counts(out, &r, &v->days[i].counts);
    }
    for (size_t i = 0; i < v->n_agency_days; i++) {
        const struct view_agency_day *d = &v->agency_days[i];
        struct row r = {.part = "agency_day",
                        .agency = &v->agencies[d->agency],
                        .side = "sent",
                        .day = d->text};

        put_counts(out, &r, &d->counts);
    }
}

static void
put_checked(struct buf *out, const struct audit_view *v)
{
    const struct view_checked *c = &v->checked;
    const struct row r = {.part = "checked"};

    put(out, &r, "entries", c->entries);
    put(out, &r, "opened", c->opened);
    put(out, &r, "unseen", c->unseen);
    put(out, &r, "erased", c->erased);
    put(out, &r, "evidence", c->evidence);
    put(out, &r, "heads", c->heads);
    put(out, &r, "receipts", c->receipts);
    put(out, &r, "reads", c->reads);
    put(out, &r, "quota_refused", c->quota);
}

static void
put_exceptions(struct buf *out, const struct audit_view *v)
{
    const struct row all = {.part = "exceptions"};

    put(out, &all, "count", v->exceptions_total);
    for (size_t i = 0; i < v->n_exceptions; i++) {
        const struct view_exception *e = &v->exceptions[i];
        struct row r = {.part = "exception", .event = e->code, .text = e->text};

        if (e->sender != SIZE_MAX)
            r.agency = &v->agencies[e->sender];
        put(out, &r, "index", e->index == UINT64_MAX ? 0 : e->index);
    }
}

enum err
report_csv(const struct audit_view *v, struct buf *out)
{
    const struct row total = {.part = "total"};

    buf_str(out, "part,agency_id,agency,agency_class,side,day,class,event,"
                 "text,measure,value\r\n");
    put_group(out, &total, &v->total);
    for (unsigned c = 0; c < VIEW_CLASSES; c++) {
        struct row r = {.part = "class", .class = view_class_name(c)};

        put_group(out, &r, &v->by_class[c]);
    }
    for (size_t i = 0; i < v->n_agencies; i++)
        put_agency(out, &v->agencies[i]);
    put_days(out, v);
    for (size_t i = 0; i < v->n_reasons; i++) {
        struct row r = {.part = "reason",
                        .event = v->reasons[i].event,
                        .text = v->reasons[i].name};

        put(out, &r, "times", v->reasons[i].n);
    }
    put_checked(out, v);
    put_exceptions(out, v);
    return buf_status(out);
}
