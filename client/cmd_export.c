/*
 * cmd_export.c - `sealpost export ID -o DIR`: one packet as plain files.
 */
#include <string.h>

#include "client/args.h"
#include "client/certificate.h"
#include "client/commands.h"
#include "client/export.h"
#include "client/listing.h"
#include "client/table.h"

static void
list_files(struct app *app, const json_t *manifest)
{
    const json_t *files = json_object_get(manifest, "files");
    struct table t = {.columns = 3, .heads = {"FILE", "SIZE", "SHA-256"}};
    const json_t *row;
    size_t i;

    json_array_foreach(files, i, row)
    {
        char size[32];
        const char *cells[] = {json_get_str(row, "path"),
                               show_size(size, json_get_u64(row, "size")),
                               json_get_str(row, "sha256")};

        table_row(&t, cells);
    }
    table_print(app, &t);
}

static bool
has_receipt(const json_t *manifest)
{
    const json_t *files = json_object_get(manifest, "files");
    const json_t *row;
    size_t i;

    json_array_foreach(files, i, row)
    {
        if (strcmp(json_get_str(row, "path"), "receipt.txt") == 0)
            return true;
    }
    return false;
}

static enum err export(struct desk *d, const struct mail *m, const char *dir,
                       struct problem *pb) {
    char peer[256]; char own[256];
    struct export_job job = {.app = d->app,
                             .m = m,
                             .from = m->direction == INDEX_IN ? peer : own,
                             .to = m->direction == INDEX_IN ? own : peer,
                             .now_ms = clock_wall_ms()};
    json_t *manifest = NULL;
    enum err rc;

    listing_peer(d->roster, m, peer, sizeof(peer));
    roster_mailbox_name(d->roster, &m->own_mailbox, own, sizeof(own));
    job.is_verified = roster_is_verified(d->roster, &m->peer_agency);
    rc = export_packet(&job, dir, &manifest, pb);
    if (rc != ERR_OK) return rc;
    (void)json_object_update(d->app->result, manifest);
    json_put_text(d->app->result, "directory", dir, strlen(dir));
    list_files(d->app, manifest);
    if (!has_receipt(manifest))
        out_note(d->app, "There is no receipt of the relay for it here.");
    out_note(d->app, "These files are NOT sealed: keep them where the case "
                     "files are, and delete them when done.");
    if (has_receipt(manifest)) out_next(d->app, "sealpost verify %s", dir);
    else out_next(d->app, "sealpost inbox");
    json_decref(manifest);
    return ERR_OK;
}

int
cmd_export(struct app *app, int argc, char **argv)
{
    const char *dir = NULL;
    const char *id = NULL;
    const struct arg table[] = {{"-o", ARG_TEXT, &dir}};
    struct problem pb = {0};
    struct mail m = {0};
    struct desk d = {0};
    size_t n;
    enum err rc = args_parse(argc, argv, ARGS(table), &id, 1, &n, &pb);

    if (rc == ERR_OK && (n == 0 || dir == NULL || *dir == '\0'))
        rc = args_missing(&pb, "export needs the ID of a packet (or `latest`) "
                               "and -o DIRECTORY");
    if (rc == ERR_OK)
        rc = certificate_export(app, id, dir, &pb);
    if (rc == ERR_NOTFOUND && pb.id == P_NONE) {
        rc = desk_open(app, DESK_OFFLINE, &d, &pb);
        if (rc == ERR_OK)
            rc = pick_mail(app, id, PICK_ANY, &m, &pb);
        if (rc == ERR_OK)
            rc = export(&d, &m, dir, &pb);
    }
    mail_clear(&m);
    desk_close(&d);
    return rc == ERR_OK ? EXIT_CODE_OK : app_fail(app, &pb);
}
