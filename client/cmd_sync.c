/*
 * cmd_sync.c - `sealpost sync`: send, fetch, receipts; once.
 */
#include "client/alert.h"
#include "client/args.h"
#include "client/commands.h"
#include "client/exchange.h"

static void
tell_json(const struct desk *d, json_t *out)
{
    const struct desk_count *c = &d->count;

    json_put_u64(out, "sent", c->sent);
    json_put_u64(out, "received", c->received);
    json_put_u64(out, "quarantined", c->quarantined);
    json_put_u64(out, "receipts", c->receipts);
    json_put_u64(out, "undelivered", c->undelivered);
    json_put_u64(out, "readdressed", c->readdressed);
    json_put_u64(out, "alarms", c->alarms);
    json_put_u64(out, "directory_size", roster_directory_head(d->roster)->size);
    json_put_u64(out, "delivery_size", roster_delivery_head(d->roster)->size);
}

static void
tell(struct app *app, const struct desk *d)
{
    const struct desk_count *c = &d->count;
    const char *overdue = json_get_str(
        json_array_get(json_object_get(app->result, "warned"), 0), "next");

    out_line(app, "Sent %u, received %u%s.", c->sent, c->received,
             c->quarantined > 0 ? ", some kept apart" : "");
    tell_json(d, app->result);
    out_next(app, "%s",
             *overdue != '\0'     ? overdue
             : c->received > 0    ? "sealpost inbox"
             : c->quarantined > 0 ? "sealpost quarantine"
             : c->undelivered > 0 ? "sealpost inbox"
                                  : "sealpost");
}

int
cmd_sync(struct app *app, int argc, char **argv)
{
    struct problem pb = {0};
    struct desk d = {0};
    size_t n;
    enum err rc = args_parse(argc, argv, NULL, 0, NULL, 0, &n, &pb);

    if (rc == ERR_OK)
        rc = desk_open(app, DESK_ONLINE, &d, &pb);
    if (rc == ERR_OK)
        rc = desk_connect(&d, true, &pb);
    if (rc == ERR_OK) {
        rc = exchange_all(&d, &pb);
        if (rc == ERR_OK || d.count.alarms > 0) {
            struct problem none = {0};

            (void)alert_tell_all(&d, &none);
            tell(app, &d);
        }
    }
    desk_close(&d);
    return rc == ERR_OK ? EXIT_CODE_OK : app_fail(app, &pb);
}
