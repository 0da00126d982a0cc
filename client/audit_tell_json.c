/*
 * audit_tell_json.c - the same for scripts.
 */
#include <string.h>

#include "client/audit_tell.h"
#include "common/clock.h"

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

void
tell_put_counts(json_t *to, const struct balance_counts *c)
{
    json_t *own = json_object();

    put_tally(to, &c->packets);
    put_tally(own, &c->own_copies);
    json_put(to, "own", own);
}

static void
put_text(json_t *to, const char *name, const char *text)
{
    json_put_text(to, name, text, strlen(text));
}

static json_t *
times_json(const struct view_times *t)
{
    json_t *out = json_object();

    json_put_u64(out, "packets", t->n);
    json_put_u64(out, "median_ms", t->median_ms);
    json_put_u64(out, "p90_ms", t->p90_ms);
    json_put_u64(out, "max_ms", t->max_ms);
    return out;
}

static void
put_group(json_t *to, const struct view_group *g)
{
    json_t *times = times_json(&g->times_all);
    json_t *ends = json_object();

    tell_put_counts(to, &g->counts);
    for (unsigned i = 0; i < VIEW_CLASSES; i++)
        json_put(times, view_class_name(i), times_json(&g->times[i]));
    json_put(to, "to_hand_over", times);
    json_put_u64(ends, "warned", g->deadlines.warned);
    json_put_u64(ends, "rescued", g->deadlines.rescued);
    json_put_u64(ends, "expired", g->deadlines.expired);
    json_put_u64(ends, "unserved", g->deadlines.unserved);
    json_put_u64(ends, "overdue", g->deadlines.overdue);
    json_put_u64(ends, "late", g->deadlines.late);
    json_put(to, "deadlines", ends);
}

static json_t *
agencies_json(const struct audit_view *v)
{
    json_t *list = json_array();

    for (size_t i = 0; i < v->n_agencies; i++) {
        const struct view_agency *a = &v->agencies[i];
        json_t *row = json_object();
        json_t *got = json_object();

        json_put_hex(row, "agency_id", a->id.b, 16);
        put_text(row, "agency", a->name);
        put_group(row, &a->sent);
        put_group(got, &a->received);
        json_put(row, "received", got);
        (void)json_array_append_new(list, row);
    }
    return list;
}

static json_t *
classes_json(const struct audit_view *v)
{
    json_t *out = json_object();

    for (unsigned i = 0; i < VIEW_CLASSES; i++) {
        json_t *row = json_object();

        put_group(row, &v->by_class[i]);
        json_put(out, view_class_name(i), row);
    }
    return out;
}

static json_t *
days_json(const struct audit_view *v)
{
    json_t *list = json_array();

    for (size_t i = 0; i < v->n_agency_days; i++) {
        const struct view_agency_day *d = &v->agency_days[i];
        json_t *row = json_object();

        json_put_hex(row, "agency_id", v->agencies[d->agency].id.b, 16);
        put_text(row, "agency", v->agencies[d->agency].name);
        json_put_str(row, "day", d->text);
        tell_put_counts(row, &d->counts);
        (void)json_array_append_new(list, row);
    }
    return list;
}

/* CODE NULL: all of them. */
static json_t *
findings_json(const struct audit_view *v, const char *code)
{
    json_t *list = json_array();

    for (size_t i = 0; i < v->n_exceptions; i++) {
        const struct view_exception *e = &v->exceptions[i];
        json_t *row;

        if (code != NULL && strcmp(e->code, code) != 0)
            continue;
        row = json_object();
        json_put_str(row, "code", e->code);
        put_text(row, "text", e->text);
        if (e->has_packet)
            json_put_hex(row, "packet_id", e->packet.b, 16);
        if (e->index != UINT64_MAX)
            json_put_u64(row, "index", e->index);
        if (e->time_ms != 0)
            json_put_u64(row, "time_ms", e->time_ms);
        (void)json_array_append_new(list, row);
    }
    return list;
}

static json_t *
reasons_json(const struct audit_view *v)
{
    json_t *list = json_array();

    for (size_t i = 0; i < v->n_reasons; i++) {
        json_t *row = json_object();

        json_put_str(row, "event", v->reasons[i].event);
        json_put_str(row, "reason", v->reasons[i].name);
        json_put_u64(row, "packets", v->reasons[i].n);
        (void)json_array_append_new(list, row);
    }
    return list;
}

static json_t *
readers_json(const struct audit_view *v)
{
    json_t *list = json_array();

    for (size_t i = 0; i < v->n_readers; i++) {
        const struct view_reader *r = &v->readers[i];
        json_t *row = json_object();

        put_text(row, "auditor", r->auditor);
        put_text(row, "device", r->device);
        json_put_str(row, "day", r->text);
        json_put_u64(row, "questions", r->questions);
        json_put_u64(row, "first", r->first);
        json_put_u64(row, "last", r->last);
        (void)json_array_append_new(list, row);
    }
    return list;
}

static json_t *
choice_json(const struct audit_view *v)
{
    json_t *out = json_object();

    json_put_str(out, "from", v->from);
    json_put_str(out, "to", v->to);
    put_text(out, "agency", v->agency);
    json_put_str(out, "class", v->has_class ? view_class_name(v->class) : "");
    return out;
}

static void
put_checked(json_t *out, const struct audit_view *v)
{
    const struct view_checked *c = &v->checked;

    json_put_u64(out, "delivery_size", v->delivery.size);
    json_put_hex(out, "delivery_root", v->delivery.root.b, 32);
    json_put_u64(out, "directory_size", v->directory.size);
    json_put_hex(out, "directory_root", v->directory.root.b, 32);
    json_put_u64(out, "verified_leaves", c->entries);
    json_put_u64(out, "known_before", c->known_before);
    json_put_u64(out, "opened", c->opened);
    json_put_u64(out, "erased", c->erased);
    json_put_u64(out, "unseen", c->unseen);
    json_put_u64(out, "evidence", c->evidence);
    json_put_u64(out, "heads", c->heads);
    json_put_u64(out, "own_receipts", c->receipts);
    json_put_u64(out, "auditor_reads", c->reads);
    json_put_u64(out, "quota_refused", c->quota);
}

void
audit_tell_json(struct app *app, const struct audit_view *v, enum book_fit fit)
{
    json_t *out = app->result;
    json_t *total = json_object();

    put_text(out, "relay", v->relay);
    json_put(out, "choice", choice_json(v));
    json_put(out, "balance", agencies_json(v));
    json_put(out, "balance_by_class", classes_json(v));
    json_put(out, "balance_by_day", days_json(v));
    put_group(total, &v->total);
    json_put(out, "total", total);
    json_put(out, "reasons", reasons_json(v));
    json_put(out, "findings", findings_json(v, NULL));
    json_put_u64(out, "findings_total", v->exceptions_total);
    json_put_u64(out, "findings_elsewhere", v->exceptions_others);
    json_put(out, "overdue", findings_json(v, "overdue"));
    json_put(out, "readers", readers_json(v));
    json_put_str(out, "started_anew", book_fit_text(fit));
    put_checked(out, v);
}
