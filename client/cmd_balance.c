/*
 * cmd_balance.c - `sealpost balance`: our agency's packets by day, recomputed
 * on this device from the relay's openings and the receipts that we hold.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/account.h"
#include "client/args.h"
#include "client/audit_tell.h"
#include "client/commands.h"
#include "client/delivery.h"
#include "client/desk.h"
#include "client/mail.h"
#include "client/period.h"
#include "client/shelf.h"
#include "client/vault.h"
#include "common/clock.h"
#include "proto/era.h"

#define DAY_MS UINT64_C(86400000)

struct wanted {
    uint64_t from_ms, to_ms;
    bool is_offline;
};

/* ---- what is here ---- */

struct kept {
    uint64_t index;
    uint8_t opening[OPENING_LEN];
    struct event ev;
};
struct shelf_of_events {
    struct kept *v;
    size_t n;
};

static int
by_index(const void *x, const void *y)
{
    const struct kept *a = x;
    const struct kept *b = y;

    return a->index < b->index ? -1 : a->index > b->index;
}

static enum err
load_events(struct desk *d, struct shelf_of_events *out, struct problem *pb)
{
    size_t pos = 0, room = vault_count(d->app->vault, REC_EVENT);
    enum err rc = ERR_OK;

    out->v = calloc(room + 1, sizeof(*out->v));
    if (out->v == NULL)
        return problem_from_err(pb, "the events do not fit", ERR_NOMEM);
    while (rc == ERR_OK && out->n < room) {
        struct kept_event e = {0};

        rc = delivery_next(d->app, &pos, &e, pb);
        if (rc == ERR_OK) {
            struct kept *k = &out->v[out->n++];

            k->index = e.index;
            memcpy(k->opening, e.opening, sizeof(k->opening));
            k->ev = e.event;
        }
        kept_event_clear(&e);
    }
    qsort(out->v, out->n, sizeof(*out->v), by_index);
    return rc == ERR_NOTFOUND ? ERR_OK : rc;
}

/* Receipts that verify, of entries that today's log holds. */
static enum err
add_receipts(struct desk *d, struct account *a, struct problem *pb)
{
    struct vault_item item;
    size_t pos = 0;
    enum err rc = ERR_OK;

    while (rc == ERR_OK && vault_next(d->app->vault, REC_PROOF, &pos, &item)) {
        struct buf b = {0};
        struct receipt r;

        rc = shelf_get_raw(d->app, REC_PROOF, item.id, &b, pb);
        if (rc == ERR_OK && era_receipt_held(roster_directory(d->roster),
                                             b.data, b.len, &r) == ERR_OK)
            account_receipt(a, r.index, r.opening, &r.event);
        buf_clear(&b);
    }
    return rc;
}

static enum err
fill(struct desk *d, struct account *a, const struct shelf_of_events *events,
     struct problem *pb)
{
    enum err rc = ERR_OK;

    for (size_t i = 0; i < events->n && rc == ERR_OK; i++)
        rc = account_event(a, events->v[i].index, events->v[i].opening,
                           &events->v[i].ev);
    if (rc == ERR_OK)
        rc = add_receipts(d, a, pb);
    if (rc == ERR_OK)
        rc = account_close(a);
    return problem_from_err(pb, "the balance does not fit", rc);
}

static enum err
make(struct desk *d, const struct wanted *w, struct account **out,
     uint64_t *reach, struct problem *pb)
{
    struct shelf_of_events events = {0};
    struct account_options o = {
        .dir = roster_directory(d->roster),
        .self = d->id.agency,
        .from_ms = w->from_ms,
        .to_ms = w->to_ms,
        .now_ms = clock_wall_ms(),
    };
    enum err rc = load_events(d, &events, pb);

    crypto_random(o.seed, sizeof(o.seed));
    if (rc == ERR_OK) {
        o.reach = events.n == 0 ? 0 : events.v[events.n - 1].index + 1;
        /* All of them were just fetched: nothing else can be news. */
        if (d->up != NULL)
            o.reach = UINT64_MAX;
        *reach = events.n == 0 ? 0 : events.v[events.n - 1].index;
        *out = account_new(&o);
        rc = *out == NULL
                 ? problem_from_err(pb, "the balance does not fit", ERR_NOMEM)
                 : fill(d, *out, &events, pb);
    }
    free(events.v);
    return rc;
}

/* Events since the last time, when the relay can be reached. */
static enum err
fetch(struct desk *d, const struct wanted *w, struct problem *pb)
{
    struct problem away = {0};
    enum err rc;

    if (w->is_offline)
        return ERR_OK;
    rc = desk_connect(d, false, &away);
    if (rc != ERR_OK && (is_passing(rc) || away.id == P_UNREACHABLE)) {
        desk_disconnect(d);
        return ERR_OK;
    }
    if (rc != ERR_OK) {
        *pb = away;
        return rc;
    }
    return delivery_fetch(d, pb);
}

/* ---- for people ---- */

static void
day_text(char out[CLOCK_TEXT_MAX], uint32_t day)
{
    if (day == 0) {
        (void)snprintf(out, CLOCK_TEXT_MAX, "before");
        return;
    }
    clock_format_rfc3339(out, day * DAY_MS);
    out[sizeof("2026-11-22") - 1] = '\0';
}

static void
tell_side(struct app *app, const struct account *a, bool is_sent)
{
    struct account_day total = account_total(a);
    size_t n;
    const struct account_day *days = account_days(a, &n);

    tell_header(app, is_sent ? "Sent, by day" : "Received, by day");
    for (size_t i = 0; i < n; i++) {
        const struct balance_counts *c =
            is_sent ? &days[i].sent : &days[i].received;
        char day[CLOCK_TEXT_MAX];

        day_text(day, days[i].day);
        if (!view_counts_empty(c))
            tell_rows(app, day, c);
    }
    tell_rows(app, "All", is_sent ? &total.sent : &total.received);
}

static void
tell_mismatches(struct app *app, const struct account *a)
{
    const struct account_mismatch *m;

    if (account_mismatches(a) == 0) {
        out_line(app,
                 "\nIt adds up: %" PRIu64 " events of the relay and %" PRIu64
                 " of its receipts agree.",
                 account_events(a), account_receipts(a));
        return;
    }
    out_line(app, "\nWhat does not fit:");
    for (size_t i = 0; (m = account_mismatch_at(a, i)) != NULL; i++) {
        char id[9];

        mail_short(id, &m->packet);
        out_line(app, "  packet %s  entry %" PRIu64 "  %s: %s.", id, m->index,
                 m->code, m->text);
    }
}

static void
tell(struct desk *d, const struct account *a, uint64_t newest)
{
    if (d->up == NULL)
        out_line(d->app,
                 "From what is kept here, up to entry %" PRIu64
                 " of the log; the relay was not asked.",
                 newest);
    tell_side(d->app, a, true);
    tell_side(d->app, a, false);
    tell_mismatches(d->app, a);
}

/* ---- for scripts ---- */

static json_t *
sides_json(const struct account_day *day)
{
    json_t *out = json_object();
    json_t *sent = json_object();
    json_t *received = json_object();

    tell_put_counts(sent, &day->sent);
    tell_put_counts(received, &day->received);
    json_put(out, "sent", sent);
    json_put(out, "received", received);
    return out;
}

static json_t *
days_json(const struct account *a)
{
    json_t *list = json_array();
    size_t n;
    const struct account_day *days = account_days(a, &n);

    for (size_t i = 0; i < n; i++) {
        json_t *row = sides_json(&days[i]);
        char day[CLOCK_TEXT_MAX];

        day_text(day, days[i].day);
        json_put_str(row, "day", day);
        (void)json_array_append_new(list, row);
    }
    return list;
}

static json_t *
mismatches_json(const struct account *a)
{
    json_t *list = json_array();
    const struct account_mismatch *m;

    for (size_t i = 0; (m = account_mismatch_at(a, i)) != NULL; i++) {
        json_t *row = json_object();

        json_put_str(row, "code", m->code);
        json_put_str(row, "text", m->text);
        json_put_hex(row, "packet_id", m->packet.b, sizeof(m->packet.b));
        json_put_u64(row, "index", m->index);
        (void)json_array_append_new(list, row);
    }
    return list;
}

static void
tell_json(struct desk *d, const struct account *a, uint64_t newest)
{
    struct account_day total = account_total(a);
    json_t *out = d->app->result;

    json_put(out, "days", days_json(a));
    json_put(out, "total", sides_json(&total));
    json_put(out, "mismatches", mismatches_json(a));
    json_put_u64(out, "mismatches_total", account_mismatches(a));
    json_put_u64(out, "events", account_events(a));
    json_put_u64(out, "receipts", account_receipts(a));
    json_put_u64(out, "newest_index", newest);
    json_put_bool(out, "online", d->up != NULL);
}

/* ---- the command ---- */

static enum err
parse(int argc, char **argv, struct wanted *w, struct problem *pb)
{
    const char *from = NULL;
    const char *to = NULL;
    const char *day = NULL;
    const struct arg table[] = {
        {"--from", ARG_TEXT, &from},
        {"--to", ARG_TEXT, &to},
        {"--day", ARG_TEXT, &day},
        {"--offline", ARG_FLAG, &w->is_offline},
    };
    size_t n;
    enum err rc = args_parse(argc, argv, ARGS(table), NULL, 0, &n, pb);

    if (rc == ERR_OK && day != NULL && (from != NULL || to != NULL))
        return problem_set(pb, P_USAGE, ERR_MALFORMED, "that is not a range",
                           "--day is one day; --from and --to are several");
    if (rc != ERR_OK)
        return rc;
    return period_parse(day != NULL ? day : from, day != NULL ? day : to,
                        &w->from_ms, &w->to_ms, pb);
}

int
cmd_balance(struct app *app, int argc, char **argv)
{
    struct wanted w = {0};
    struct problem pb = {0};
    struct desk d = {0};
    struct account *a = NULL;
    uint64_t newest = 0, wrong = 0;
    enum err rc = parse(argc, argv, &w, &pb);

    if (rc == ERR_OK)
        rc = desk_open(app, DESK_OFFLINE, &d, &pb);
    if (rc == ERR_OK)
        rc = fetch(&d, &w, &pb);
    if (rc == ERR_OK)
        rc = make(&d, &w, &a, &newest, &pb);
    if (rc == ERR_OK) {
        tell(&d, a, newest);
        tell_json(&d, a, newest);
        wrong = account_mismatches(a);
    }
    if (wrong > 0)
        rc = problem_set(&pb, P_AUDIT, ERR_VERIFY, "the balance does not hold",
                         "%" PRIu64 " mismatch%s, listed above", wrong,
                         wrong == 1 ? "" : "es");
    account_free(a);
    desk_close(&d);
    if (rc != ERR_OK)
        return app_fail(app, &pb);
    out_next(app, "sealpost status");
    return EXIT_CODE_OK;
}
