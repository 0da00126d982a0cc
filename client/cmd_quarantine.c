/*
 * cmd_quarantine.c - `sealpost quarantine [ID]`: what came and was not taken,
 * and why.  Nothing leaves it: a sender who is honest sends again.
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "client/args.h"
#include "client/commands.h"
#include "client/content.h"
#include "client/quarantine.h"
#include "client/shelf.h"
#include "client/table.h"
#include "common/bytes.h"
#include "proto/packet_type.h"

enum { ID_DIGITS_MIN = 4, WIDTH = 78 };

/* One record with the name that people type for it. */
struct kept {
    uint8_t id[16];
    char hex[33];
    json_t *j; /* owned */
};

/* ---- as it is told ---- */

static void
sender_name(const struct desk *d, const json_t *j, char *out, size_t max)
{
    struct agency_id sender;

    out[0] = '\0';
    if (json_get_hex(j, "sender", sender.b, sizeof(sender.b)) == ERR_OK)
        roster_agency_name(d->roster, &sender, out, max);
}

static json_t *
row_json(const struct desk *d, const struct kept *k)
{
    const char *type = packet_type_name((unsigned)json_get_u64(k->j, "type"));
    json_t *row = json_object();
    char name[256];

    sender_name(d, k->j, name, sizeof(name));
    json_put_str(row, "packet_id", json_get_str(k->j, "packet_id"));
    json_put_str(row, "quarantine_id", k->hex);
    json_put_str(row, "outcome", json_get_str(k->j, "outcome"));
    json_put_str(row, "why", json_get_str(k->j, "why"));
    json_put_str(row, "sender", json_get_str(k->j, "sender"));
    json_put_str(row, "agency", name);
    json_put_str(row, "type", type == NULL ? "" : type);
    json_put_u64(row, "received_ms", json_get_u64(k->j, "received_ms"));
    json_put_u64(row, "created_ms", json_get_u64(k->j, "created_ms"));
    return row;
}

static void
add_row(struct table *t, const struct desk *d, const struct kept *k)
{
    char when[CLOCK_TEXT_MAX];
    char words[32];
    char name[256];
    char id[9];
    const char *cells[] = {id,
                           show_time(when, json_get_u64(k->j, "received_ms")),
                           show_words(words, json_get_str(k->j, "outcome")),
                           name, json_get_str(k->j, "why")};

    (void)snprintf(id, sizeof(id), "%.8s", k->hex);
    sender_name(d, k->j, name, sizeof(name));
    table_row(t, cells);
}

/* ---- all of it ---- */

static enum err
next(struct app *app, size_t *pos, struct kept *k, struct problem *pb)
{
    enum err rc = quarantine_next(app, pos, k->id, &k->j, pb);

    if (rc == ERR_OK)
        hex_encode(k->hex, k->id, sizeof(k->id));
    return rc;
}

static enum err
list(struct app *app, const struct desk *d, struct problem *pb)
{
    struct table t = {.columns = 5,
                      .heads = {"ID", "WHEN", "WHAT", "FROM", "WHY"}};
    json_t *rows = json_array();
    size_t pos = 0;
    enum err rc;

    do {
        struct kept k = {.j = NULL};

        rc = next(app, &pos, &k, pb);
        if (rc == ERR_OK) {
            add_row(&t, d, &k);
            (void)json_array_append_new(rows, row_json(d, &k));
        }
        json_decref(k.j);
    } while (rc == ERR_OK);
    table_print(app, &t);
    if (rc == ERR_NOTFOUND && json_array_size(rows) == 0) {
        out_line(app, "Nothing is in quarantine.");
        out_next(app, "sealpost inbox");
    } else {
        out_next(app, "sealpost quarantine ID");
    }
    json_put(app->result, "quarantine", rows);
    return rc == ERR_NOTFOUND ? ERR_OK : rc;
}

/* ---- one ---- */

/* By its own id or that of the packet. */
static bool
is_meant(const struct kept *k, const char *typed)
{
    size_t n = strlen(typed);

    return n >= ID_DIGITS_MIN &&
           (strncasecmp(k->hex, typed, n) == 0 ||
            strncasecmp(json_get_str(k->j, "packet_id"), typed, n) == 0);
}

static enum err
find(struct app *app, const char *typed, struct kept *out, struct problem *pb)
{
    size_t matches = 0;
    size_t pos = 0;
    enum err rc;

    do {
        struct kept k = {.j = NULL};

        rc = next(app, &pos, &k, pb);
        if (rc == ERR_OK && is_meant(&k, typed) && matches++ == 0)
            *out = k;
        else
            json_decref(k.j);
    } while (rc == ERR_OK);
    if (rc == ERR_NOTFOUND && matches == 1)
        return ERR_OK;
    json_decref(out->j);
    out->j = NULL;
    if (rc != ERR_NOTFOUND)
        return rc;
    if (matches == 0)
        rc = problem_set(pb, P_NOT_FOUND, ERR_NOTFOUND,
                         "there is no such thing in quarantine",
                         "no id there starts with %.40s", typed);
    else
        rc = problem_set(pb, P_AMBIGUOUS, ERR_CONFLICT,
                         "that can be several things",
                         "%zu ids there start with %.40s", matches, typed);
    problem_next(pb, "`sealpost quarantine` lists the ids");
    return rc;
}

/* Its content when it could be read: under a warning, never without. */
static enum err
load_content(struct app *app, const struct kept *k, struct content *c,
             struct problem *pb)
{
    struct letter l = {0};
    struct buf b = {0};
    enum err rc = shelf_get_raw(app, REC_INNER, k->id, &b, pb);

    if (rc == ERR_OK)
        rc = letter_read(&l, &b, pb);
    if (rc == ERR_OK)
        rc = content_load(&l, c, pb);
    letter_clear(&l);
    buf_clear(&b);
    return rc;
}

static void
show_content(struct app *app, const struct content *c)
{
    struct buf out = {0};

    out_line(app, "\nWhat it says cannot be trusted; the sender it names may "
                  "never have written it:\n");
    if (content_render(c, WIDTH, 0, &out) == ERR_OK && out.len > 0)
        out_line(app, "%.*s", (int)(out.len - 1), (const char *)out.data);
    buf_clear(&out);
    if (c->doc != NULL)
        json_put(app->result, "referral", json_incref(c->doc));
    else if (c->text.len > 0)
        json_put_text(app->result, "text", c->text.data, c->text.len);
}

static void
show_head(struct app *app, const struct desk *d, const struct kept *k)
{
    json_t *row = row_json(d, k);
    char when[CLOCK_TEXT_MAX];
    char words[32];
    char name[256];
    struct buf safe = {0};

    (void)json_object_update(app->result, row);
    json_decref(row);
    sender_name(d, k->j, name, sizeof(name));
    show_line(&safe, name, SIZE_MAX);
    out_line(app, "%s  %s", k->hex,
             show_words(words, json_get_str(k->j, "outcome")));
    out_line(app, "Came:    %s",
             show_time(when, json_get_u64(k->j, "received_ms")));
    if (safe.len > 0)
        out_line(app, "From:    %.*s, says the relay", (int)safe.len,
                 (const char *)safe.data);
    out_line(app, "Why:     %s", json_get_str(k->j, "why"));
    buf_clear(&safe);
}

static enum err
show(struct app *app, const struct desk *d, const char *typed,
     struct problem *pb)
{
    struct problem unreadable = {0};
    struct content c = {0};
    struct kept k = {.j = NULL};
    enum err rc = find(app, typed, &k, pb);

    if (rc != ERR_OK)
        return rc;
    show_head(app, d, &k);
    if (load_content(app, &k, &c, &unreadable) == ERR_OK)
        show_content(app, &c);
    else
        out_line(app, "Its content could not be read.");
    out_next(app, strcmp(json_get_str(k.j, "outcome"), "alarm") == 0
                      ? "show this to the relay's operator and to your "
                        "registrar"
                      : "phone the agency on a number you know and ask it to "
                        "send again");
    content_clear(&c);
    json_decref(k.j);
    return ERR_OK;
}

int
cmd_quarantine(struct app *app, int argc, char **argv)
{
    struct problem pb = {0};
    struct desk d = {0};
    const char *id = NULL;
    size_t n;
    enum err rc = args_parse(argc, argv, NULL, 0, &id, 1, &n, &pb);

    if (rc == ERR_OK)
        rc = desk_open(app, DESK_OFFLINE, &d, &pb);
    if (rc == ERR_OK)
        rc = n == 0 ? list(app, &d, &pb) : show(app, &d, id, &pb);
    desk_close(&d);
    return rc == ERR_OK ? EXIT_CODE_OK : app_fail(app, &pb);
}
