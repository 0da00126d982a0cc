#include "client/audit_tell.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/bytes.h"
#include "common/clock.h"
#include "common/text.h"

enum { NAME_COLUMNS = 26, FINDINGS_SHOWN = 40, ROOT_SHOWN = 16 };
#define DAY_MS UINT64_C(86400000)

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
tell_row(const struct audit_report *r, const char *name, const struct tally *t)
{
    struct buf b = {0};

    put_name(&b, name);
    buf_printf(&b,
               " %7" PRIu64 " = %11" PRIu64 " + %7" PRIu64 " + %7" PRIu64
               " + %9" PRIu64 " + %7" PRIu64,
               t->stored + t->carried, t->handed_over, t->refused, t->expired,
               t->withdrawn, t->pending);
    buf_u8(&b, 0);
    if (buf_status(&b) == ERR_OK)
        out_line(r->o->app, "%s", (const char *)b.data);
    buf_clear(&b);
}

static bool
is_nothing(const struct tally *t)
{
    static const struct tally nothing;

    return memcmp(t, &nothing, sizeof(nothing)) == 0;
}

static void
tell_table(const struct audit_report *r)
{
    const struct tally *own = &r->sum.total.own_copies;
    char name[LIMIT_AGENCY_NAME + 1];

    out_line(r->o->app, "\n%-*s %7s = %11s + %7s + %7s + %9s + %7s",
             NAME_COLUMNS, "Sent by", "stored", "handed over", "refused",
             "expired", "withdrawn", "pending");
    for (size_t i = 0; i < r->n_lines; i++) {
        const struct audit_line *l = &r->lines[i];

        roster_agency_name(r->o->roster, &l->agency, name, sizeof(name));
        tell_row(r, name, &l->counts.packets);
        if (!is_nothing(&l->counts.own_copies))
            tell_row(r, "  copies to colleagues", &l->counts.own_copies);
    }
    tell_row(r, "All", &r->sum.total.packets);
    if (!is_nothing(own))
        tell_row(r, "  copies to colleagues", own);
    if (r->sum.total.packets.carried + own->carried > 0)
        out_line(r->o->app,
                 "%" PRIu64 " of them were stored before the time that was "
                 "looked at.",
                 r->sum.total.packets.carried + own->carried);
}

/* ---- the rest, for people ---- */

static void
tell_head(const struct audit_report *r, const char *name,
          const struct head *head)
{
    char hex[65];

    hex_encode(hex, head->root.b, 32);
    out_line(r->o->app, "  %-13s %" PRIu64 " entries, root %.*s...", name,
             head->size, ROOT_SHOWN, hex);
}

static void
tell_checked(const struct audit_report *r)
{
    const struct audit_sum *s = &r->sum;
    const struct {
        uint64_t n;
        const char *what;
    } rows[] = {
        {s->entries, "entries, all of them under the signed head"},
        {s->opened, "opened to us, each as its entry says"},
        {s->unseen, "sealed: of other agencies, or erased"},
        {s->erased, "erasures, each of them named in the log"},
        {s->evidence, "signatures and statements behind these events"},
        {s->heads, "heads that others had seen, all part of this log"},
        {s->quota, "packets refused by quota, never stored"},
    };

    out_line(r->o->app, "Heads, both in line with all that was seen before:");
    tell_head(r, "delivery log", r->head);
    tell_head(r, "directory", roster_directory_head(r->o->roster));
    out_line(r->o->app, "Checked:");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (i == 0 || rows[i].n > 0)
            out_line(r->o->app, "  %9" PRIu64 "  %s", rows[i].n, rows[i].what);
}

static void
tell_findings(const struct audit_report *r)
{
    size_t n = audit_finding_count(r->audit);

    if (n == 0)
        out_line(r->o->app, "\nNothing was found: every packet is accounted "
                            "for, and every end has its evidence.");
    else
        out_line(r->o->app, "\nFindings:");
    for (size_t i = 0; i < n && i < FINDINGS_SHOWN; i++) {
        const struct audit_finding *f = audit_finding_at(r->audit, i);
        char hex[33] = "        ";
        char at[24] = "-";

        if (f->has_packet)
            hex_encode(hex, f->packet.b, 16);
        if (f->index != UINT64_MAX)
            (void)snprintf(at, sizeof(at), "%" PRIu64, f->index);
        out_line(r->o->app, "  %-17s packet %.8s  entry %s: %s", f->code, hex,
                 at, f->text);
    }
    if (r->sum.findings > FINDINGS_SHOWN)
        out_line(r->o->app, "  ... %" PRIu64 " more; --json lists %d",
                 r->sum.findings - FINDINGS_SHOWN, AUDIT_FINDINGS_MAX);
}

/* Lines of an auditor's services that grant something. */
static void
tell_scope(const struct audit_report *r, const struct dir_agency *a)
{
    for (const char *line = a->services; *line != '\0';) {
        int len = (int)strcspn(line, "\n");

        if (strncmp(line, "scope ", 6) == 0)
            out_line(r->o->app, "    %.*s", len, line);
        line += len;
        line += *line == '\n';
    }
}

static void
tell_readers(const struct audit_report *r)
{
    const struct directory *dir = roster_directory(r->o->roster);
    const struct dir_agency *self = directory_agency(dir, &r->o->id.agency);
    const struct dir_agency *a;

    out_line(r->o->app, "\nWho may see what: an agency, the events of what it "
                        "sent and got; nobody, what a\npacket says.");
    for (size_t i = 0; (a = directory_agency_nth(dir, i)) != NULL; i++) {
        if (a->class != CLASS_AUDITOR || a->suspended)
            continue;
        out_line(r->o->app, "  %s, an auditor, in its scope%s:", a->name,
                 a == self ? " (that is you)" : "");
        tell_scope(r, a);
    }
    if (self != NULL && self->class == CLASS_AUDITOR)
        out_line(r->o->app,
                 "Each page of openings that an auditor reads is in "
                 "the log: %" PRIu64 " so far.",
                 r->sum.reads);
}

void
audit_tell(const struct audit_report *r)
{
    char when[CLOCK_TEXT_MAX];

    clock_format_local(when, clock_wall_ms());
    out_line(r->o->app, "Audit of %s on %s\n", r->o->id.relay_name, when);
    tell_checked(r);
    tell_table(r);
    tell_findings(r);
    tell_readers(r);
}

/* ---- for scripts ---- */

static void
put_tally(json_t *to, const struct tally *t)
{
    json_put_u64(to, "stored", t->stored);
    json_put_u64(to, "carried", t->carried);
    json_put_u64(to, "handed_over", t->handed_over);
    json_put_u64(to, "refused", t->refused);
    json_put_u64(to, "expired", t->expired);
    json_put_u64(to, "withdrawn", t->withdrawn);
    json_put_u64(to, "pending", t->pending);
}

static void
put_counts(json_t *to, const struct balance_counts *c)
{
    json_t *own = json_object();

    put_tally(to, &c->packets);
    put_tally(own, &c->own_copies);
    json_put(to, "own", own);
}

static json_t *
lines_json(const struct audit_report *r, const struct audit_line *lines,
           size_t n)
{
    json_t *list = json_array();

    for (size_t i = 0; i < n; i++) {
        json_t *row = json_object();
        char name[LIMIT_AGENCY_NAME + 1];
        char day[CLOCK_TEXT_MAX];

        roster_agency_name(r->o->roster, &lines[i].agency, name, sizeof(name));
        json_put_hex(row, "agency_id", lines[i].agency.b, 16);
        json_put_text(row, "agency", name, strlen(name));
        if (lines[i].day != 0) {
            clock_format_rfc3339(day, lines[i].day * DAY_MS);
            day[sizeof("2026-11-22") - 1] = '\0';
            json_put_str(row, "day", day);
        }
        put_counts(row, &lines[i].counts);
        (void)json_array_append_new(list, row);
    }
    return list;
}

/* CODE NULL: all of them. */
static json_t *
findings_json(const struct audit_report *r, const char *code)
{
    json_t *list = json_array();

    for (size_t i = 0; i < audit_finding_count(r->audit); i++) {
        const struct audit_finding *f = audit_finding_at(r->audit, i);
        json_t *row;

        if (code != NULL && strcmp(f->code, code) != 0)
            continue;
        row = json_object();
        json_put_str(row, "code", f->code);
        json_put_str(row, "text", f->text);
        if (f->has_packet)
            json_put_hex(row, "packet_id", f->packet.b, 16);
        if (f->index != UINT64_MAX)
            json_put_u64(row, "index", f->index);
        (void)json_array_append_new(list, row);
    }
    return list;
}

void
audit_tell_json(const struct audit_report *r)
{
    const struct head *dir = roster_directory_head(r->o->roster);
    json_t *out = r->o->app->result;
    json_t *total = json_object();

    json_put_str(out, "relay", r->o->id.relay_name);
    json_put(out, "balance", lines_json(r, r->lines, r->n_lines));
    json_put(out, "balance_by_day", lines_json(r, r->days, r->n_days));
    put_counts(total, &r->sum.total);
    json_put(out, "total", total);
    json_put(out, "findings", findings_json(r, NULL));
    json_put_u64(out, "findings_total", r->sum.findings);
    json_put(out, "overdue", findings_json(r, "overdue"));
    json_put_u64(out, "delivery_size", r->head->size);
    json_put_hex(out, "delivery_root", r->head->root.b, 32);
    json_put_u64(out, "directory_size", dir->size);
    json_put_hex(out, "directory_root", dir->root.b, 32);
    json_put_u64(out, "verified_leaves", r->sum.entries);
    json_put_u64(out, "opened", r->sum.opened);
    json_put_u64(out, "erased", r->sum.erased);
    json_put_u64(out, "unseen", r->sum.unseen);
    json_put_u64(out, "evidence", r->sum.evidence);
    json_put_u64(out, "heads", r->sum.heads);
    json_put_u64(out, "auditor_reads", r->sum.reads);
    json_put_u64(out, "quota_refused", r->sum.quota);
}
