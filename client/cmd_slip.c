/*
 * cmd_slip.c - `sealpost slip ID [-o FILE]`: the page of slip.h.
 */
#include "client/args.h"
#include "client/commands.h"
#include "client/listing.h"
#include "client/office.h"
#include "client/slip.h"
#include "client/story.h"
#include "common/clock.h"
#include "proto/era.h"

/* Of the receipt, which may be older than the log's name and key of today. */
static void
vkey_text(const struct desk *d, const struct mail *m, struct buf *out)
{
    const struct directory *dir = roster_directory(d->roster);
    struct problem none = {0};
    struct buf proof = {0};
    struct receipt r;
    struct era e;

    if ((story_proof(d->app, m, &proof, &none) == ERR_OK &&
         era_receipt(dir, proof.data, proof.len, &r, &e) == ERR_OK) ||
        era_nth(dir, LOG_DELIVERY, 0, &e) == ERR_OK)
        vkey_format(&e.key, out);
    buf_u8(out, 0);
    buf_clear(&proof);
}

/* The page, from what the vault and the log's events tell. */
static enum err
make(const struct desk *d, const struct mail *m, struct buf *out,
     struct problem *pb)
{
    const struct story_event *end;
    struct story story = {0};
    struct buf vkey = {0};
    char to[256];
    enum err rc = story_load(d, m, &story, pb);

    vkey_text(d, m, &vkey);
    listing_peer(d->roster, m, to, sizeof(to));
    if (rc == ERR_OK && (rc = buf_status(&vkey)) == ERR_OK) {
        json_t *receipt = story_receipt_json(d, m);
        struct slip s = {
            .m = m,
            .from_agency = d->id.agency_name,
            .to = to,
            .relay = d->id.relay_name,
            .vkey = (const char *)vkey.data,
            .stored_ms = m->stored_ms,
            .stored_index = m->stored_index,
            .log_size = json_get_u64(receipt, "size"),
            .is_verified = json_get_bool(receipt, "verified"),
            .collected_index = UINT64_MAX,
            .made_ms = clock_wall_ms(),
        };

        /* A colleague's packet knows its copy's place only; the log knows
         * better. */
        if (story.n > 0 && story.items[0].ev.type == EVENT_STORED) {
            s.stored_ms = story.items[0].ev.time_ms;
            s.stored_index = story.items[0].index;
        }
        end = story_end(&story);
        if (end != NULL)
            s.collected_index = end->index;
        rc = slip_page(&s, out);
        json_decref(receipt);
    }
    buf_clear(&vkey);
    story_clear(&story);
    return problem_from_err(pb, "the slip was not made", rc);
}

static enum err
give(struct app *app, const struct desk *d, const struct mail *m,
     const char *file, struct problem *pb)
{
    struct buf page = {0};
    char id[9];
    enum err rc = make(d, m, &page, pb);

    if (rc == ERR_OK && file != NULL)
        rc = office_write_file(file, &page, pb);
    if (rc == ERR_OK) {
        mail_short(id, &m->id);
        json_put_hex(app->result, "packet_id", m->id.b, sizeof(m->id.b));
        if (file != NULL)
            json_put_str(app->result, "file", file);
        else
            json_put_text(app->result, "slip", page.data, page.len);
        if (file == NULL)
            out_line(app, "%.*s", (int)(page.len - 1), (const char *)page.data);
        if (m->stored_ms == 0)
            out_next(app, "sealpost sync");
        else
            out_next(app, "sealpost receipt %s -o receipt.txt", id);
    }
    buf_clear(&page);
    return rc;
}

int
cmd_slip(struct app *app, int argc, char **argv)
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
        rc = pick_mail(app, id, PICK_SENT, &m, &pb);
    if (rc == ERR_OK)
        rc = give(app, &d, &m, file, &pb);
    mail_clear(&m);
    desk_close(&d);
    return rc == ERR_OK ? EXIT_CODE_OK : app_fail(app, &pb);
}
