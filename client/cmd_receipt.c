/*
 * cmd_receipt.c - `sealpost receipt ID [-o FILE]`: the relay's proof file, as
 * it came.
 */
#include <stdio.h>

#include "client/args.h"
#include "client/commands.h"
#include "client/office.h"
#include "client/pick.h"
#include "client/story.h"

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

static enum err
give(struct app *app, const struct desk *d, const struct mail *m,
     const char *file, struct problem *pb)
{
    struct buf proof = {0};
    char id[9];
    enum err rc = story_proof(app, m, &proof, pb);

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
            out_line(app, "The relay's receipt is in %s.", file);
            out_next(app, "sealpost verify %s", file);
        }
    }
    buf_clear(&proof);
    return rc;
}

int
cmd_receipt(struct app *app, int argc, char **argv)
{
    const char *file = NULL;
    const char *id = NULL;
    const struct arg table[] = {{"-o", ARG_TEXT, &file}};
    struct problem pb = {0};
    struct mail m = {0};
    struct desk d = {0};
    size_t n;
    enum err rc = args_parse(argc, argv, ARGS(table), &id, 1, &n, &pb);

    if (rc == ERR_OK && n == 0)
        rc = args_missing(&pb, "of which packet?  `sealpost outbox` lists the "
                               "ids; `latest` is the newest that was sent");
    if (rc == ERR_OK)
        rc = desk_open(app, DESK_OFFLINE, &d, &pb);
    if (rc == ERR_OK)
        rc = pick_sent_first(app, id, &m, &pb);
    if (rc == ERR_OK)
        rc = give(app, &d, &m, file, &pb);
    mail_clear(&m);
    desk_close(&d);
    return rc == ERR_OK ? EXIT_CODE_OK : app_fail(app, &pb);
}
