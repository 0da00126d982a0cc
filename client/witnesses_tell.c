#include "client/witnesses_tell.h"

#include <stdio.h>
#include <string.h>

#include "client/app.h"
#include "client/table.h"
#include "client/witnesses.h"
#include "common/clock.h"

enum { NAMES_SHOWN = 3, NAME_COLUMNS = 40 };

/* A policy's names are text of others. */
static void
safe_name(const char *name, char *out, size_t max)
{
    struct buf safe = {0};

    show_line(&safe, name, NAME_COLUMNS);
    (void)snprintf(out, max, "%.*s", (int)safe.len,
                   safe.len == 0 ? "" : (const char *)safe.data);
    buf_clear(&safe);
}

static void
list_names(const struct trust *t, uint64_t verified, char *out, size_t max)
{
    size_t shown = 0, more = 0, at = 0;
    char name[4 * NAME_COLUMNS + 1];

    out[0] = '\0';
    for (size_t i = 0; i < t->n_witnesses; i++) {
        if ((verified >> i & 1) == 0)
            continue;
        if (shown == NAMES_SHOWN) {
            more++;
            continue;
        }
        safe_name(t->witness[i].name, name, sizeof(name));
        (void)snprintf(out + at, max - at, "%s%s", shown++ == 0 ? "" : ", ",
                       name);
        at = strlen(out);
    }
    if (more > 0)
        (void)snprintf(out + at, max - at, " and %zu more", more);
}

void
witnesses_names(const struct roster *r, char *out, size_t max)
{
    struct problem none = {0};
    struct trusted newest;
    struct trust *t = NULL;

    out[0] = '\0';
    if (witnesses_policy(roster_app(r), &t, &none) == ERR_OK &&
        witnesses_newest(r, t, LOG_DIRECTORY, &newest, &none) == ERR_OK)
        list_names(t, newest.verified, out, max);
    trust_free(t);
}

void
freshness_sentence(const struct roster *r, const struct freshness *f, char *out,
                   size_t max)
{
    char span[CLOCK_TEXT_MAX];
    char names[256];

    clock_format_span(span, f->age_ms);
    if (f->at_ms != 0 && f->by_witnesses) {
        witnesses_names(r, names, sizeof(names));
        (void)snprintf(out, max, "The directory is %s old (cosigned by %s).",
                       span, names);
    } else if (f->at_ms != 0) {
        (void)snprintf(out, max,
                       "The directory is %s old (the last complete sync).",
                       span);
    } else if (f->is_clock_behind) {
        (void)snprintf(out, max,
                       "This machine's clock is hours behind that of "
                       "the witnesses: how old the directory is "
                       "cannot be said.");
    } else if (f->is_policy_foreign) {
        (void)snprintf(out, max,
                       "The trust policy in use does not know this "
                       "network's directory.");
    } else if (f->by_witnesses) {
        (void)snprintf(out, max,
                       "No head of the directory that enough "
                       "witnesses cosigned has come yet.");
    } else {
        (void)snprintf(out, max,
                       "This directory has never been through a "
                       "complete `sealpost sync`.");
    }
}

/* ---- status ---- */

static void
put_times(json_t *row, const struct trusted *newest, size_t i)
{
    static const char *const keys[] = {
        [LOG_DIRECTORY] = "directory_ms",
        [LOG_DELIVERY] = "delivery_ms",
    };

    for (unsigned log = LOG_DIRECTORY; log <= LOG_DELIVERY; log++) {
        if ((newest[log].verified >> i & 1) != 0)
            json_put_u64(row, keys[log], newest[log].time_s[i] * 1000);
        else
            json_put(row, keys[log], json_null());
    }
}

static void
add_row(struct table *table, const struct trust *t,
        const struct trusted *newest, size_t i)
{
    char dir[CLOCK_TEXT_MAX] = "", dlv[CLOCK_TEXT_MAX] = "";
    const char *cells[] = {t->witness[i].name, "-", "-"};

    if ((newest[LOG_DIRECTORY].verified >> i & 1) != 0)
        cells[1] = show_time(dir, newest[LOG_DIRECTORY].time_s[i] * 1000);
    if ((newest[LOG_DELIVERY].verified >> i & 1) != 0)
        cells[2] = show_time(dlv, newest[LOG_DELIVERY].time_s[i] * 1000);
    table_row(table, cells);
}

static json_t *
tell_each(struct app *app, const struct trust *t, const struct trusted *newest)
{
    struct table table = {
        .columns = 3,
        .heads = {"WITNESS", "COSIGNED DIRECTORY", "DELIVERY LOG"}};
    json_t *list = json_array();

    for (size_t i = 0; i < t->n_witnesses; i++) {
        json_t *row = json_object();

        json_put_text(row, "name", t->witness[i].name,
                      strlen(t->witness[i].name));
        put_times(row, newest, i);
        (void)json_array_append_new(list, row);
        add_row(&table, t, newest, i);
    }
    table_print(app, &table);
    return list;
}

static json_t *
quorum_json(const struct trusted *newest)
{
    return newest->quorum_time_s == 0
               ? json_null()
               : json_integer((json_int_t)(newest->quorum_time_s * 1000));
}

void
witnesses_tell(const struct roster *r, uint64_t now_ms)
{
    struct app *app = roster_app(r);
    struct trusted newest[2] = {{0}};
    struct problem none = {0};
    struct trust *t = NULL;
    struct freshness f;
    json_t *j;

    if (witnesses_policy(app, &t, &none) != ERR_OK) {
        json_put(app->result, "witnesses", json_null());
        return;
    }
    for (unsigned log = LOG_DIRECTORY; log <= LOG_DELIVERY; log++)
        (void)witnesses_newest(r, t, log, &newest[log], &none);
    freshness_of(r, now_ms, &f);
    j = json_object();
    json_put_bool(j, "asks_for_none", t->quorum == QUORUM_NONE);
    json_put(j, "directory_quorum_ms", quorum_json(&newest[LOG_DIRECTORY]));
    json_put(j, "delivery_quorum_ms", quorum_json(&newest[LOG_DELIVERY]));
    json_put_bool(j, "clock_behind", f.is_clock_behind);
    json_put_bool(j, "policy_foreign", f.is_policy_foreign);
    json_put(j, "list", tell_each(app, t, newest));
    json_put(app->result, "witnesses", j);
    trust_free(t);
}
