/*
 * cmd_receipt.c - `sealpost receipt ID [-o FILE]`: the relay's proof file, the
 * refreshed one when there is one, or with --first as it came; and
 * `sealpost receipt refresh [ID|--all]`.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "client/args.h"
#include "client/certificate.h"
#include "client/commands.h"
#include "client/office.h"
#include "client/pick.h"
#include "client/refresh.h"
#include "client/story.h"
#include "client/table.h"

static void
tell_json(struct app *app, const struct desk *d, const struct mail *m,
          const struct buf *proof, const char *file)
{
    json_put_hex(app->result, "packet_id", m->id.b, sizeof(m->id.b));
    json_put(app->result, "receipt", story_receipt_json(d, m));
    if (file != NULL)
        json_put_str(app->result, "file", file);
    else
        json_put_text(app->result, "proof", proof->data, proof->len);
}

/* ---- giving it ---- */

enum which { NEWEST_PROOF, FIRST_PROOF };

/* *IS_REFRESHED says which it was. */
static enum err
find_proof(struct app *app, const struct mail *m, enum which which,
           struct buf *out, bool *is_refreshed, struct problem *pb)
{
    enum err rc =
        which == FIRST_PROOF ? ERR_NOTFOUND : refresh_proof(app, m, out, pb);

    *is_refreshed = rc == ERR_OK;
    return rc == ERR_NOTFOUND && pb->id == P_NONE ? story_proof(app, m, out, pb)
                                                  : rc;
}

static enum err
give(struct app *app, const struct desk *d, const struct mail *m,
     const char *file, enum which which, struct problem *pb)
{
    struct buf proof = {0};
    bool is_refreshed = false;
    char id[9];
    enum err rc = find_proof(app, m, which, &proof, &is_refreshed, pb);

    json_put_bool(app->result, "refreshed", is_refreshed);
    if (rc == ERR_OK && file != NULL)
        rc = office_write_file(file, &proof, pb);
    if (rc == ERR_OK) {
        tell_json(app, d, m, &proof, file);
        mail_short(id, &m->id);
        if (file == NULL) {
            out_line(app, "%.*s", (int)(proof.len - 1),
                     (const char *)proof.data);
            out_next(app, "sealpost receipt %s -o FILE", id);
        } else {
            out_line(app,
                     is_refreshed
                         ? "The relay's receipt, with a newer proof to a head "
                           "that witnesses cosigned, is in %s."
                         : "The relay's receipt is in %s.",
                     file);
            out_note(app, "It stays good for whoever holds it, also when the "
                          "relay has erased what it keeps of the packet.");
            out_next(app, "sealpost verify %s", file);
        }
    }
    buf_clear(&proof);
    return rc;
}

static int
receipt(struct app *app, int argc, char **argv)
{
    const char *file = NULL;
    const char *id = NULL;
    const char *event = NULL;
    bool first = false;
    const struct arg table[] = {{"-o", ARG_TEXT, &file},
                                {"--event", ARG_TEXT, &event},
                                {"--first", ARG_FLAG, &first}};
    struct problem pb = {0};
    struct mail m = {0};
    struct desk d = {0};
    size_t n;
    enum err rc = args_parse(argc, argv, ARGS(table), &id, 1, &n, &pb);

    if (rc == ERR_OK && n == 0)
        rc = args_missing(&pb, "of which packet?  `sealpost outbox` lists the "
                               "ids; `latest` is the newest that was sent");
    if (rc == ERR_OK)
        rc = certificate_give(app, id, event, file, &pb);
    if (rc != ERR_NOTFOUND || pb.id != P_NONE)
        return rc == ERR_OK ? EXIT_CODE_OK : app_fail(app, &pb);
    rc = desk_open(app, DESK_OFFLINE, &d, &pb);
    if (rc == ERR_OK)
        rc = pick_sent_first(app, id, &m, &pb);
    if (rc == ERR_OK)
        rc = give(app, &d, &m, file, first ? FIRST_PROOF : NEWEST_PROOF, &pb);
    mail_clear(&m);
    desk_close(&d);
    return rc == ERR_OK ? EXIT_CODE_OK : app_fail(app, &pb);
}

/* ---- refreshing ---- */

struct round {
    struct desk d;
    json_t *list;
    unsigned done, not_yet;
    char last[9]; /* the id of the last one that was refreshed */
};

static void
tell_refreshed(struct round *r, const struct mail *m,
               const struct refreshed *what)
{
    char when[CLOCK_TEXT_MAX] = "";
    json_t *row = json_object();

    json_put_hex(row, "packet_id", m->id.b, sizeof(m->id.b));
    json_put_u64(row, "index", what->index);
    json_put_u64(row, "size", what->size);
    json_put_bool(row, "by_policy", what->by_policy);
    json_put_u64(row, "quorum_ms", what->quorum_time_s * 1000);
    (void)json_array_append_new(r->list, row);
    mail_short(r->last, &m->id);
    if (what->quorum_time_s == 0)
        out_line(r->d.app,
                 "%s: entry %" PRIu64 ", in a cosigned log of %" PRIu64
                 " entries; no policy is in use that says whose word counts.",
                 r->last, what->index, what->size);
    else
        out_line(r->d.app,
                 "%s: entry %" PRIu64 ", in a log of %" PRIu64
                 " entries that enough witnesses had cosigned by %s.",
                 r->last, what->index, what->size,
                 show_time(when, what->quorum_time_s * 1000));
}

static enum err
refresh_one(struct round *r, const struct mail *m, struct problem *pb)
{
    struct refreshed what;
    enum err rc = refresh_receipt(&r->d, m, &what, pb);

    if (rc == ERR_OK) {
        r->done++;
        tell_refreshed(r, m, &what);
    } else if (rc == ERR_EXPIRED && pb->id == P_NONE) {
        r->not_yet++;
        rc = ERR_OK;
    }
    return rc;
}

/* Every receipt that has no second proof yet. */
static enum err
refresh_all(struct round *r, struct problem *pb)
{
    struct mails all = {0};
    enum err rc = mails_load(r->d.app, PICK_ANY, &all, pb);

    for (size_t i = 0; i < all.n && rc == ERR_OK; i++) {
        struct problem none = {0};
        struct buf proof = {0};
        bool is_done =
            refresh_proof(r->d.app, &all.items[i], &proof, &none) == ERR_OK;

        buf_reset(&proof);
        if (!is_done &&
            story_proof(r->d.app, &all.items[i], &proof, &none) == ERR_OK)
            rc = refresh_one(r, &all.items[i], pb);
        buf_clear(&proof);
    }
    mails_clear(&all);
    return rc;
}

static enum err
refresh_named(struct round *r, const char *id, struct problem *pb)
{
    struct mail m = {0};
    enum err rc = pick_sent_first(r->d.app, id, &m, pb);

    if (rc == ERR_OK)
        rc = refresh_one(r, &m, pb);
    mail_clear(&m);
    return rc;
}

static void
tell_round(struct round *r)
{
    struct app *app = r->d.app;

    json_put_u64(app->result, "refreshed", r->done);
    json_put_u64(app->result, "not_yet", r->not_yet);
    if (r->not_yet > 0)
        out_line(app,
                 "%u wait%s: no head with them is cosigned by enough "
                 "witnesses yet.",
                 r->not_yet, r->not_yet == 1 ? "s" : "");
    if (r->done + r->not_yet == 0)
        out_line(app, "There is nothing to refresh.");
    if (r->done > 0)
        out_next(app, "sealpost receipt %s -o FILE", r->last);
    else
        out_next(app, r->not_yet > 0
                          ? "sealpost receipt refresh, a minute later"
                          : "sealpost outbox");
}

static int
refresh(struct app *app, int argc, char **argv)
{
    const char *id = NULL;
    bool all = false;
    const struct arg table[] = {{"--all", ARG_FLAG, &all}};
    struct round r = {.list = json_array()};
    struct problem pb = {0};
    size_t n;
    enum err rc = args_parse(argc, argv, ARGS(table), &id, 1, &n, &pb);

    if (rc == ERR_OK && all && n > 0)
        rc = args_missing(&pb, "--all or one packet, not both");
    if (rc == ERR_OK)
        rc = desk_open(app, DESK_ONLINE, &r.d, &pb);
    if (rc == ERR_OK)
        rc = desk_connect(&r.d, false, &pb);
    if (rc == ERR_OK)
        rc = n > 0 ? refresh_named(&r, id, &pb) : refresh_all(&r, &pb);
    json_put(app->result, "receipts", r.list);
    if (rc == ERR_OK)
        tell_round(&r);
    desk_close(&r.d);
    return rc == ERR_OK ? EXIT_CODE_OK : app_fail(app, &pb);
}

int
cmd_receipt(struct app *app, int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "refresh") == 0)
        return refresh(app, argc - 1, argv + 1);
    return receipt(app, argc, argv);
}
