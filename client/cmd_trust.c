/*
 * cmd_trust.c - `sealpost trust show | use FILE | none`: which witnesses must
 * have seen the relay's logs before this vault believes them.
 */
#include <string.h>

#include "client/args.h"
#include "client/commands.h"
#include "client/freshness.h"
#include "client/office.h"
#include "client/shelf.h"
#include "client/verbs.h"
#include "client/witnesses.h"
#include "client/witnesses_tell.h"
#include "common/clock.h"

/* "2 of these 3 members", a witness's name, or none. */
static void
tell_quorum(struct app *app, const struct trust *t)
{
    const struct trust_group *g = &t->group[t->quorum_index];

    if (t->quorum == QUORUM_NONE)
        out_line(app, "The policy asks for no witness.");
    else if (t->quorum == QUORUM_WITNESS)
        out_line(app, "One witness must have cosigned: %s.",
                 t->witness[t->quorum_index].name);
    else
        out_line(app, "The group %s must have cosigned: %u of its %u members.",
                 g->name, g->need, g->n_members);
}

static void
put_text(struct app *app, struct problem *pb)
{
    struct buf text = {0};

    if (shelf_get_raw(app, REC_TRUST, shelf_one, &text, pb) == ERR_OK)
        json_put_text(app->result, "policy", text.data, text.len);
    buf_clear(&text);
}

static enum err
tell_policy(struct app *app, const struct roster *r, struct problem *pb)
{
    uint64_t now_ms = clock_wall_ms();
    struct trust *t = NULL;
    struct freshness f;
    char text[512];
    enum err rc = witnesses_policy(app, &t, pb);

    if (rc == ERR_NOTFOUND) {
        out_line(app, "No trust policy is in use: the relay's word stands "
                      "alone.");
        json_put(app->result, "policy", json_null());
        json_put(app->result, "witnesses", json_null());
        out_next(app, "sealpost trust use FILE");
        return ERR_OK;
    }
    if (rc != ERR_OK)
        return rc;
    tell_quorum(app, t);
    witnesses_tell(r, now_ms);
    freshness_of(r, now_ms, &f);
    freshness_sentence(r, &f, text, sizeof(text));
    out_line(app, "%s", text);
    json_put_bool(app->result, "stale", f.is_stale);
    put_text(app, pb);
    out_next(app, f.at_ms == 0 ? "sealpost sync" : "sealpost receipt refresh");
    trust_free(t);
    return ERR_OK;
}

static int
run(struct app *app, enum err rc, struct problem *pb, const char *path,
    enum err (*what)(struct desk *d, const char *path, struct problem *pb))
{
    struct desk d = {0};

    if (rc == ERR_OK)
        rc = desk_open(app, DESK_OFFLINE, &d, pb);
    if (rc == ERR_OK)
        rc = what(&d, path, pb);
    desk_close(&d);
    return rc == ERR_OK ? EXIT_CODE_OK : app_fail(app, pb);
}

static enum err
show(struct desk *d, const char *path, struct problem *pb)
{
    (void)path;
    return tell_policy(d->app, d->roster, pb);
}

static enum err
use(struct desk *d, const char *path, struct problem *pb)
{
    struct buf bytes = {0};
    enum err rc = office_read_file(path, TRUST_FILE_MAX, &bytes, pb);

    if (rc == ERR_OK)
        rc = witnesses_use(d->roster, &bytes, path, pb);
    buf_clear(&bytes);
    if (rc == ERR_OK)
        out_line(d->app, "The policy is in use from now on.");
    return rc == ERR_OK ? tell_policy(d->app, d->roster, pb) : rc;
}

static enum err
none(struct desk *d, const char *path, struct problem *pb)
{
    enum err rc = witnesses_forget(d->app, pb);

    (void)path;
    json_put_bool(d->app->result, "was_in_use", rc == ERR_OK);
    if (rc == ERR_OK)
        out_line(d->app, "No trust policy is in use any more: the relay's word "
                         "stands alone.");
    else if (rc == ERR_NOTFOUND && pb->id == P_NONE)
        out_line(d->app, "No trust policy was in use.");
    else
        return rc;
    out_next(d->app, "sealpost status");
    return ERR_OK;
}

static int
trust_show(struct app *app, int argc, char **argv)
{
    struct problem pb = {0};
    size_t n;

    return run(app, args_parse(argc, argv, NULL, 0, NULL, 0, &n, &pb), &pb,
               NULL, show);
}

static int
trust_use(struct app *app, int argc, char **argv)
{
    struct problem pb = {0};
    const char *path = NULL;
    size_t n;
    enum err rc = args_parse(argc, argv, NULL, 0, &path, 1, &n, &pb);

    if (rc == ERR_OK && n == 0)
        rc = args_missing(&pb, "which file?  Your registrar hands out the "
                               "network's policy");
    return run(app, rc, &pb, path, use);
}

static int
trust_none(struct app *app, int argc, char **argv)
{
    struct problem pb = {0};
    size_t n;

    return run(app, args_parse(argc, argv, NULL, 0, NULL, 0, &n, &pb), &pb,
               NULL, none);
}

int
cmd_trust(struct app *app, int argc, char **argv)
{
    static const struct verb verbs[] = {
        {"show", trust_show},
        {"use", trust_use},
        {"none", trust_none},
    };

    return verbs_run(app, "trust", argc, argv, verbs,
                     sizeof(verbs) / sizeof(verbs[0]));
}
