/*
 * cmd_search.c - `sealpost search WORDS`: in every packet that is here.  The
 * index is made in memory for this run and gone with it.
 */
#include <stdlib.h>
#include <string.h>

#include "client/args.h"
#include "client/commands.h"
#include "client/content.h"
#include "client/index.h"
#include "client/listing.h"
#include "client/table.h"

enum { WORDS_MAX = 32 };

/* ---- filling the index ---- */

static enum err
put_one(struct app *app, struct index *ix, const struct mail *m,
        struct problem *pb)
{
    struct index_packet row = {
        .id = m->id,
        .thread = m->thread,
        .in_reply_to = m->in_reply_to,
        .peer_agency = m->peer_agency,
        .peer_mailbox = m->peer_mailbox,
        .own_mailbox = m->own_mailbox,
        .created_ms = mail_when_ms(m),
        .stored_ms = m->stored_ms,
        .not_after_s = m->not_after_s,
        .direction = m->direction,
        .type = m->type,
        .state = (uint32_t)m->state,
        .is_unread = m->is_unread,
        .subject = m->subject,
    };
    struct letter l = {0};
    struct content c = {0};
    struct buf words = {0};
    enum err rc = letter_load(app, m, &l, pb);

    if (rc == ERR_OK)
        rc = content_load(&l, &c, pb);
    if (rc == ERR_OK) {
        content_words(&c, &l, &words);
        buf_u8(&words, 0);
        rc = buf_status(&words);
    }
    if (rc == ERR_OK)
        rc = index_put_packet(ix, &row, (const char *)words.data);
    buf_clear(&words);
    content_clear(&c);
    letter_clear(&l);
    return problem_from_err(pb, "a packet cannot be searched", rc);
}

/* What cannot be read is damaged, which `read` says; the rest is searched. */
static enum err
fill(struct app *app, struct index *ix, const struct mails *mails,
     size_t *skipped, struct problem *pb)
{
    enum err rc = index_begin(ix);

    for (size_t i = 0; i < mails->n && rc == ERR_OK; i++) {
        struct problem bad = {0};

        if (mail_is_own_copy(&mails->items[i]))
            continue;
        rc = put_one(app, ix, &mails->items[i], &bad);
        if (rc == ERR_VERIFY || rc == ERR_MALFORMED) {
            (*skipped)++;
            rc = ERR_OK;
        }
    }
    if (rc == ERR_OK)
        rc = index_commit(ix);
    return problem_from_err(pb, "the packets cannot be searched", rc);
}

/* ---- what was found ---- */

struct finding_rows {
    struct app *app;
    const struct desk *d;
    const struct mails *mails;
    struct table t;
    json_t *rows;
    const struct mail *first;
};

static bool
on_row(void *arg, const struct index_packet *row)
{
    struct finding_rows *f = arg;

    for (size_t i = 0; i < f->mails->n; i++) {
        const struct mail *m = &f->mails->items[i];
        enum thread_state s;

        if (!id_eq(&m->id, &row->id) || m->direction != row->direction)
            continue;
        s = thread_of(f->app, f->mails, m);
        listing_row(&f->t, f->d, m, s);
        (void)json_array_append_new(f->rows, listing_json(f->d, m, s));
        if (f->first == NULL)
            f->first = m;
    }
    return true;
}

static void
tell(struct finding_rows *f, size_t skipped)
{
    char id[9];

    if (f->first == NULL)
        out_line(f->app, "Nothing here has these words.");
    table_print(f->app, &f->t);
    if (skipped > 0)
        out_note(f->app, "%zu packets could not be read.", skipped);
    json_put(f->app->result, "found", f->rows);
    json_put_u64(f->app->result, "unreadable", skipped);
    if (f->first != NULL) {
        mail_short(id, &f->first->id);
        out_next(f->app, "sealpost read %s", id);
    } else {
        out_next(f->app, "sealpost inbox --all");
    }
}

static enum err
search(struct desk *d, const char *words, struct problem *pb)
{
    struct index_filter filter = {.search = words};
    struct finding_rows f = {.app = d->app, .d = d};
    struct mails mails = {0};
    struct index *ix = NULL;
    size_t skipped = 0;
    enum err rc = mails_load(d->app, PICK_ANY, &mails, pb);

    if (rc == ERR_OK)
        rc = problem_from_err(pb, "the packets cannot be searched",
                              index_new(&ix));
    if (rc == ERR_OK)
        rc = fill(d->app, ix, &mails, &skipped, pb);
    if (rc == ERR_OK) {
        f.mails = &mails;
        f.rows = json_array();
        rc = problem_from_err(pb, "the packets cannot be searched",
                              index_list(ix, &filter, on_row, &f));
        tell(&f, skipped);
    }
    index_free(ix);
    mails_clear(&mails);
    return rc;
}

/* Words of several arguments as they would be typed in one. */
static enum err
join_words(const char *const *words, size_t n, struct buf *out,
           struct problem *pb)
{
    for (size_t i = 0; i < n; i++) {
        buf_str(out, i == 0 ? "" : " ");
        buf_str(out, words[i]);
    }
    buf_u8(out, 0);
    if (n == 0)
        return args_missing(pb, "search for which words?");
    return problem_from_err(pb, "the packets cannot be searched",
                            buf_status(out));
}

int
cmd_search(struct app *app, int argc, char **argv)
{
    const char *words[WORDS_MAX];
    struct problem pb = {0};
    struct buf typed = {0};
    struct desk d = {0};
    size_t n = 0;
    enum err rc = args_parse(argc, argv, NULL, 0, words, WORDS_MAX, &n, &pb);

    if (rc == ERR_OK)
        rc = join_words(words, n, &typed, &pb);
    if (rc == ERR_OK)
        rc = desk_open(app, DESK_OFFLINE, &d, &pb);
    if (rc == ERR_OK)
        rc = search(&d, (const char *)typed.data, &pb);
    buf_clear(&typed);
    desk_close(&d);
    return rc == ERR_OK ? EXIT_CODE_OK : app_fail(app, &pb);
}
