/*
 * audit_view_notes.c - beside the counts: reasons, exceptions, who read what,
 * and who may.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/audit_view_inside.h"
#include "common/clock.h"
#include "proto/receipt.h"

/* ---- reasons ---- */

struct reasons {
    struct view_maker *m;
    size_t cap;
};

static const char *
reason_name(uint8_t type, uint16_t reason)
{
    const char *name = delivery_reason_name(reason);

    if (type == EVENT_EXPIRED)
        return reason == 0 ? "never_served" : "no_receipt";
    return name == NULL ? "unknown" : name;
}

static void
add_reason(struct reasons *r, uint8_t type, uint16_t reason)
{
    struct audit_view *v = &r->m->v;
    struct view_reason *row = NULL;

    for (size_t i = 0; i < v->n_reasons && row == NULL; i++)
        if (v->reasons[i].type == type && v->reasons[i].reason == reason)
            row = &v->reasons[i];
    if (row == NULL)
        row =
            view_more(r->m, &v->reasons, &v->n_reasons, &r->cap, sizeof(*row));
    if (row == NULL)
        return;
    row->type = type;
    row->reason = reason;
    row->event = event_name(type);
    row->name = reason_name(type, reason);
    row->n++;
}

static bool
is_reasoned(enum packet_state state)
{
    return state == PACKET_REFUSED || state == PACKET_WITHDRAWN ||
           state == PACKET_EXPIRED;
}

static bool
on_end(void *arg, const struct balance_packet *p)
{
    struct reasons *r = arg;
    struct agency_id to = view_agency_of(r->m, &p->recipient);

    if (is_reasoned(p->state) && view_is_in_period(r->m, p->end_ms) &&
        view_is_chosen(r->m, &p->sender, &to, p->class))
        add_reason(r, (uint8_t)p->state, p->reason);
    return r->m->rc == ERR_OK;
}

static int
by_type_and_number(const void *x, const void *y)
{
    const struct view_reason *a = x;
    const struct view_reason *b = y;

    if (a->type != b->type)
        return a->type < b->type ? -1 : 1;
    return a->reason < b->reason ? -1 : a->reason > b->reason;
}

void
view_add_reasons(struct view_maker *m)
{
    struct reasons r = {.m = m};
    const struct audit_note *n;

    if (m->rc == ERR_OK && audit_balance(m->a) != NULL)
        balance_each(audit_balance(m->a), on_end, &r);
    for (size_t i = 0; (n = audit_note_at(m->a, i)) != NULL; i++) {
        struct agency_id to = view_agency_of(m, &n->recipient);

        if (n->type == EVENT_DEVICE_REFUSED &&
            view_is_in_period(m, n->time_ms) &&
            view_is_chosen(m, &n->sender, &to, n->class))
            add_reason(&r, n->type, n->reason);
    }
    if (m->rc == ERR_OK && m->v.n_reasons > 0)
        qsort(m->v.reasons, m->v.n_reasons, sizeof(*m->v.reasons),
              by_type_and_number);
}

/* ---- exceptions ---- */

static bool
is_chosen(const struct view_maker *m, const struct audit_finding *f)
{
    struct agency_id to = view_agency_of(m, &f->recipient);

    if (f->time_ms != 0 && !view_is_in_period(m, f->time_ms))
        return false;
    return !f->has_packet || view_is_chosen(m, &f->sender, &to, f->class);
}

static const char *
agency_name(const struct view_maker *m, const struct agency_id *id)
{
    const struct dir_agency *d = directory_agency(m->dir, id);

    return d == NULL ? "an unknown agency" : d->name;
}

/* The sentence: which packet, then what is wrong with it. */
static void
put_text(const struct view_maker *m, const struct audit_finding *f, char *out,
         size_t cap)
{
    struct agency_id to = view_agency_of(m, &f->recipient);
    char when[CLOCK_TEXT_MAX] = "";
    char entry[40] = "";

    if (f->index != UINT64_MAX)
        (void)snprintf(entry, sizeof(entry), "Entry %llu",
                       (unsigned long long)f->index);
    if (f->time_ms != 0)
        clock_format_utc(when, f->time_ms);
    if (f->has_packet)
        (void)snprintf(out, cap, "%s of %s, a packet from %.60s to %.60s: %s.",
                       entry[0] == '\0' ? "An event" : entry,
                       when[0] == '\0' ? "an unknown time" : when,
                       agency_name(m, &f->sender), agency_name(m, &to),
                       f->text);
    else
        (void)snprintf(out, cap, "%s%s%s.", entry, entry[0] ? ": " : "",
                       f->text);
}

static void
note_day(struct view_maker *m, const struct audit_finding *f)
{
    uint32_t day = view_day_of(f->time_ms);

    for (size_t i = 0; f->time_ms != 0 && i < m->v.n_days; i++)
        m->v.days[i].findings += m->v.days[i].day == day;
}

static void
add_exception(struct view_maker *m, const struct audit_finding *f, size_t *cap)
{
    struct agency_id to = view_agency_of(m, &f->recipient);
    struct view_exception *e =
        view_more(m, &m->v.exceptions, &m->v.n_exceptions, cap, sizeof(*e));

    if (e == NULL)
        return;
    memcpy(e->code, f->code, sizeof(e->code));
    put_text(m, f, e->text, sizeof(e->text));
    e->has_packet = f->has_packet;
    e->packet = f->packet;
    e->index = f->index;
    e->time_ms = f->time_ms;
    e->sender = view_place(m, &f->sender);
    e->recipient = view_place(m, &to);
    note_day(m, f);
}

/* Findings beyond the list were not kept: they count as chosen. */
void
view_add_exceptions(struct view_maker *m)
{
    size_t cap = 0, n = audit_finding_count(m->a);
    struct audit_sum s;

    audit_result(m->a, &s);
    for (size_t i = 0; i < n && m->rc == ERR_OK; i++) {
        const struct audit_finding *f = audit_finding_at(m->a, i);

        if (is_chosen(m, f))
            add_exception(m, f, &cap);
        else
            m->v.exceptions_others++;
    }
    m->v.exceptions_total = m->v.n_exceptions + (s.findings - n);
}

/* ---- who read what ---- */

static void
name_device(const struct view_maker *m, const struct device_id *id,
            char out[LIMIT_LABEL + 1])
{
    const struct dir_device *d = directory_device(m->dir, id);

    if (d != NULL)
        memcpy(out, d->label, LIMIT_LABEL + 1);
}

static void
name_agency(const struct view_maker *m, const struct agency_id *id,
            char out[LIMIT_AGENCY_NAME + 1])
{
    const struct dir_agency *d = directory_agency(m->dir, id);

    if (d != NULL)
        memcpy(out, d->name, LIMIT_AGENCY_NAME + 1);
}

static struct view_reader *
reader(struct view_maker *m, const struct view_reader *who, size_t *cap)
{
    struct view_reader *r;

    for (size_t i = 0; i < m->v.n_readers; i++) {
        r = &m->v.readers[i];
        if (r->day == who->day && strcmp(r->auditor, who->auditor) == 0 &&
            strcmp(r->device, who->device) == 0)
            return r;
    }
    r = view_more(m, &m->v.readers, &m->v.n_readers, cap, sizeof(*r));
    if (r != NULL)
        *r = *who;
    return r;
}

static void
add_to_reader(struct view_maker *m, const struct audit_note *n, size_t *cap)
{
    struct view_reader who = {.day = view_day_of(n->time_ms),
                              .first = UINT64_MAX};
    struct view_reader *r;

    name_agency(m, &n->sender, who.auditor);
    name_device(m, &n->actor, who.device);
    view_day_text(who.text, who.day);
    r = reader(m, &who, cap);
    if (r == NULL)
        return;
    r->questions++;
    r->first = n->ref < r->first ? n->ref : r->first;
    r->last = n->ref > r->last ? n->ref : r->last;
}

static void
add_read(struct view_maker *m, const struct audit_note *n, size_t *cap)
{
    struct view_read *r;

    if (m->v.n_reads == VIEW_READS_MAX)
        return;
    r = view_more(m, &m->v.reads, &m->v.n_reads, cap, sizeof(*r));
    if (r == NULL)
        return;
    r->index = n->index;
    r->time_ms = n->time_ms;
    r->first = n->ref;
    name_agency(m, &n->sender, r->auditor);
    name_device(m, &n->actor, r->device);
}

static int
by_reader(const void *x, const void *y)
{
    const struct view_reader *a = x;
    const struct view_reader *b = y;
    int c = strcmp(a->auditor, b->auditor);

    if (c == 0)
        c = strcmp(a->device, b->device);
    return c != 0 ? c : a->day < b->day ? -1 : a->day > b->day;
}

void
view_add_readers(struct view_maker *m)
{
    size_t cap_readers = 0, cap_reads = 0, n = 0;

    while (audit_note_at(m->a, n) != NULL)
        n++;
    while (n-- > 0 && m->rc == ERR_OK) {
        const struct audit_note *note = audit_note_at(m->a, n);

        if (note->type != EVENT_AUDITOR_READ ||
            !view_is_in_period(m, note->time_ms))
            continue;
        add_to_reader(m, note, &cap_readers);
        add_read(m, note, &cap_reads);
    }
    if (m->rc == ERR_OK && m->v.n_readers > 0)
        qsort(m->v.readers, m->v.n_readers, sizeof(*m->v.readers), by_reader);
}

/* ---- who may read ---- */

static void
add_scope_line(struct view_maker *m, const struct dir_agency *d,
               const char *line, int len, size_t *cap)
{
    struct view_scope *s =
        view_more(m, &m->v.scopes, &m->v.n_scopes, cap, sizeof(*s));

    if (s == NULL)
        return;
    memcpy(s->auditor, d->name, sizeof(s->auditor));
    s->is_self = d == audit_options(m->a)->self;
    (void)snprintf(s->line, sizeof(s->line), "%.*s", len, line);
}

void
view_add_scopes(struct view_maker *m)
{
    const struct dir_agency *d;
    size_t cap = 0;

    for (size_t i = 0; (d = directory_agency_nth(m->dir, i)) != NULL; i++) {
        if (d->class != CLASS_AUDITOR || d->suspended)
            continue;
        for (const char *line = d->services; *line != '\0';) {
            int len = (int)strcspn(line, "\n");

            if (strncmp(line, "scope ", 6) == 0)
                add_scope_line(m, d, line, len, &cap);
            line += len;
            line += *line == '\n';
        }
    }
}
