/*
 *   beat -> heads of the beat -> worker: a portion of files, the checkpoint
 *        -> loop: next portion, until the files are at the head of the beat
 *
 * One job on a worker at a time, for one log.  A portion ends at a head that
 * was signed when the log had that size, so a long catch-up shows itself in
 * steps, goes on after a restart where it was, and can be stopped at any file.
 * What fails is tried again at the next beat.
 */
#include "server/publish.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/log.h"
#include "server/public.h"

enum { PORTION = 64 * 1024 }; /* entries: about 512 files, a second or so */

/* What the files of one log are and should be; the loop's. */
struct track {
    bool has_files;
    bool is_tidy; /* what lay there has been looked through */
    bool has_beat;
    bool is_shown; /* SHOWN stands in the checkpoint file */
    bool is_failing;
    bool want_lines; /* LINES, of the head of the beat, are not in the file */
    struct head beat, shown;
    struct buf lines;
};

/* What the worker is given and gives back. */
struct run {
    enum store_log log;
    bool is_tidy, is_shown;
    struct head shown; /* then the one that stands there */
    struct head goal;
    struct buf lines; /* for the goal */
    bool has_lines, put_lines;
    enum err rc;
};

struct publish {
    uv_timer_t timer;
    uv_work_t work;
    struct store *st;
    struct store_reader *rd; /* the worker's */
    struct track log[STORE_LOGS];
    struct public files[STORE_LOGS]; /* the worker's */
    struct run run;
    unsigned next; /* the log whose turn it is */
    bool is_busy;
    bool is_closing, is_timer_gone;
    atomic_bool stop;
};

static const char *const log_names[STORE_LOGS] = {"directory", "delivery"};

static void next_run(struct publish *p);

/* ---- on the worker ---- */

/* Where this portion ends: at the goal or at a head before it. */
static enum err
end_of_portion(struct publish *p, const struct run *r, struct head *out)
{
    uint64_t from = r->is_shown ? r->shown.size : 0;
    enum err rc = ERR_NOTFOUND;

    if (r->goal.size - from > PORTION)
        rc = store_head_above(p->rd, r->log, from + PORTION - 1, out);
    if (rc == ERR_NOTFOUND || (rc == ERR_OK && out->size > r->goal.size)) {
        *out = r->goal;
        rc = ERR_OK;
    }
    return rc;
}

static enum err
show(struct publish *p, struct run *r, const struct head *head)
{
    struct buf note = {0};
    bool with_lines = r->has_lines && head->size == r->goal.size;
    enum err rc = head_to_note(head, store_vkey(p->st, r->log), &note);

    if (rc == ERR_OK && with_lines) {
        buf_put(&note, r->lines.data, r->lines.len);
        rc = buf_status(&note);
    }
    if (rc == ERR_OK)
        rc = public_show(&p->files[r->log], note.data, note.len);
    if (rc == ERR_OK)
        r->put_lines = with_lines;
    buf_clear(&note);
    return rc;
}

static enum err
advance(struct publish *p, struct run *r)
{
    struct public *files = &p->files[r->log];
    uint64_t old = r->is_shown ? r->shown.size : 0;
    struct head head;
    enum err rc = end_of_portion(p, r, &head);

    if (rc == ERR_OK)
        rc = public_grow(files, p->rd, r->log, old, head.size);
    if (rc == ERR_OK)
        rc = show(p, r, &head);
    if (rc != ERR_OK)
        return rc;
    r->shown = head;
    r->is_shown = true;
    return public_trim(files, old, head.size);
}

static enum err
run(struct publish *p, struct run *r)
{
    struct public *files = &p->files[r->log];
    enum err rc = ERR_OK;

    if (!r->is_tidy)
        rc = r->is_shown ? public_tidy(files, r->shown.size)
                         : public_wipe(files);
    if (!r->is_tidy && r->is_shown && rc == ERR_OK)
        rc = public_mend(files, p->rd, r->log, r->shown.size);
    if (rc != ERR_OK)
        return rc;
    r->is_tidy = true;
    if (r->is_shown && r->shown.size == r->goal.size)
        return r->has_lines ? show(p, r, &r->goal) : ERR_OK;
    return advance(p, r);
}

static void
on_work(uv_work_t *w)
{
    struct publish *p = w->data;

    p->run.rc = run(p, &p->run);
}

/* ---- on the loop ---- */

static void
free_when_idle(struct publish *p)
{
    if (!p->is_timer_gone || p->is_busy)
        return;
    store_reader_close(p->rd);
    for (int i = 0; i < STORE_LOGS; i++)
        buf_clear(&p->log[i].lines);
    buf_clear(&p->run.lines);
    free(p);
}

/* What was done stands, also when a later step failed. */
static void
take_over(struct publish *p, const struct run *r)
{
    struct track *t = &p->log[r->log];

    t->is_tidy = r->is_tidy;
    t->is_shown = r->is_shown;
    t->shown = r->shown;
    /* Newer lines, or those of a newer head, may have come meanwhile. */
    if (r->put_lines && t->beat.size == r->goal.size &&
        t->lines.len == r->lines.len &&
        (r->lines.len == 0 ||
         memcmp(t->lines.data, r->lines.data, r->lines.len) == 0))
        t->want_lines = false;
}

static void
tell(struct publish *p, const struct run *r)
{
    struct track *t = &p->log[r->log];
    bool failed = r->rc != ERR_OK && r->rc != ERR_CANCELLED;

    if (failed && !t->is_failing)
        log_warn("publish: %s log: %s; deliveries go on, this is tried again",
                 log_names[r->log],
                 p->files[r->log].why[0] != '\0' ? p->files[r->log].why
                                                 : err_text(r->rc));
    if (!failed && t->is_failing)
        log_info("publish: %s log: the files are written again",
                 log_names[r->log]);
    t->is_failing = failed;
}

static void
on_worked(uv_work_t *w, int status)
{
    struct publish *p = w->data;
    struct run *r = &p->run;

    if (status != 0) /* taken back before it began */
        r->rc = ERR_CANCELLED;
    p->is_busy = false;
    take_over(p, r);
    if (!p->is_closing) {
        tell(p, r);
        if (r->rc == ERR_OK)
            next_run(p);
    }
    free_when_idle(p);
}

static bool
has_work(const struct track *t)
{
    return t->has_files && t->has_beat &&
           (!t->is_tidy || !t->is_shown || t->want_lines ||
            t->shown.size < t->beat.size);
}

static bool
prepare_run(struct publish *p, enum store_log log)
{
    const struct track *t = &p->log[log];
    struct run *r = &p->run;

    buf_reset(&r->lines);
    r->log = log;
    r->is_tidy = t->is_tidy;
    r->is_shown = t->is_shown;
    r->shown = t->shown;
    r->goal = t->beat;
    r->has_lines = t->want_lines;
    r->put_lines = false;
    r->rc = ERR_OK;
    if (t->want_lines)
        buf_put(&r->lines, t->lines.data, t->lines.len);
    return buf_status(&r->lines) == ERR_OK;
}

/* The logs take turns, so that a long catch-up of one holds up no other. */
static void
next_run(struct publish *p)
{
    for (unsigned i = 0; i < STORE_LOGS && !p->is_busy; i++) {
        enum store_log log = (enum store_log)((p->next + i) % STORE_LOGS);

        if (!has_work(&p->log[log]) || !prepare_run(p, log))
            continue;
        p->next = (unsigned)log + 1;
        p->is_busy =
            uv_queue_work(p->timer.loop, &p->work, on_work, on_worked) == 0;
    }
}

static void
on_beat(uv_timer_t *timer)
{
    struct publish *p = timer->data;
    struct head heads[STORE_LOGS];

    store_heads(p->st, heads);
    for (int i = 0; i < STORE_LOGS; i++) {
        struct track *t = &p->log[i];

        if (t->has_beat && heads[i].size == t->beat.size)
            continue;
        t->beat = heads[i];
        t->has_beat = true;
        t->want_lines = false;
        buf_reset(&t->lines);
    }
    next_run(p);
}

/* ---- life ---- */

/* A head under our key is a promise: what it covers must be what we have. */
static enum err
check_promise(struct publish *p, enum store_log log, const struct head *now,
              const struct head *shown, char *why, size_t why_len)
{
    struct store_nodes nodes = {p->rd, log};
    struct hash root;
    enum err rc = ERR_CONFLICT;

    if (shown->size <= now->size) {
        rc = merkle_root_at(store_node, &nodes, shown->size, &root);
        if (rc == ERR_OK && !id_eq(&root, &shown->root))
            rc = ERR_CONFLICT;
    }
    if (rc == ERR_CONFLICT)
        (void)snprintf(
            why, why_len,
            "the published checkpoint of the %s log has %" PRIu64
            " entries, the database has %" PRIu64
            "%s; it was restored from a backup and must not sign again",
            log_names[log], shown->size, now->size,
            shown->size <= now->size ? " of another history" : "");
    return rc;
}

/* Goes on from a checkpoint of ours; anything else there is begun anew. */
static enum err
look(struct publish *p, enum store_log log, const char *data_dir, char *why,
     size_t why_len)
{
    struct track *t = &p->log[log];
    struct head heads[STORE_LOGS], shown;
    struct buf note = {0};
    enum err rc = public_init(&p->files[log], data_dir, log, &p->stop);

    if (rc == ERR_OK)
        rc = public_checkpoint(&p->files[log], &note);
    if (rc == ERR_OK &&
        head_from_note(note.data, note.len, store_vkey(p->st, log), NULL, 0,
                       &shown, NULL) != ERR_OK) {
        log_warn("publish: the checkpoint of the %s log is not ours: all its "
                 "files are made anew",
                 log_names[log]);
        rc = ERR_NOTFOUND;
    }
    buf_clear(&note);
    if (rc != ERR_OK)
        return rc == ERR_NOTFOUND || rc == ERR_TOOBIG ? ERR_OK : rc;
    store_heads(p->st, heads);
    rc = check_promise(p, log, &heads[log], &shown, why, why_len);
    t->is_shown = rc == ERR_OK;
    t->shown = shown;
    return rc;
}

static enum err
set_up(struct publish *p, const struct publish_options *opt, char *why,
       size_t why_len)
{
    enum err rc = store_reader_open(p->st, &p->rd);

    for (int i = 0; i < STORE_LOGS && rc == ERR_OK; i++) {
        p->log[i].has_files = opt->files_of[i];
        if (opt->files_of[i])
            rc = look(p, (enum store_log)i, opt->data_dir, why, why_len);
    }
    if (rc != ERR_OK && why[0] == '\0')
        (void)snprintf(why, why_len, "cannot read %s/public: %s", opt->data_dir,
                       os_last_error_text());
    return rc;
}

enum err
publish_open(uv_loop_t *loop, struct store *st,
             const struct publish_options *opt, struct publish **out, char *why,
             size_t why_len)
{
    struct publish *p = calloc(1, sizeof(*p));
    enum err rc;

    if (p == NULL)
        return ERR_NOMEM;
    why[0] = '\0';
    p->st = st;
    p->timer.data = p->work.data = p;
    rc = set_up(p, opt, why, why_len);
    if (rc != ERR_OK) {
        store_reader_close(p->rd);
        free(p);
        return rc;
    }
    (void)uv_timer_init(loop, &p->timer);
    (void)uv_timer_start(&p->timer, on_beat, 0, opt->beat_ms);
    *out = p;
    return ERR_OK;
}

static void
on_timer_closed(uv_handle_t *h)
{
    struct publish *p = h->data;

    p->is_timer_gone = true;
    free_when_idle(p);
}

void
publish_close(struct publish *p)
{
    if (p == NULL)
        return;
    p->is_closing = true;
    atomic_store(&p->stop, true);
    if (p->is_busy)
        (void)uv_cancel((uv_req_t *)&p->work); /* runs on if it has begun */
    uv_close((uv_handle_t *)&p->timer, on_timer_closed);
}

/* ---- asking ---- */

bool
publish_head(const struct publish *p, enum store_log log, struct head *out)
{
    if (!p->log[log].has_beat)
        return false;
    *out = p->log[log].beat;
    return true;
}

enum err
publish_cosigned(struct publish *p, enum store_log log, const struct head *head,
                 const void *lines, size_t len)
{
    struct track *t = &p->log[log];
    enum err rc;

    if (!t->has_beat || head->size != t->beat.size ||
        !id_eq(&head->root, &t->beat.root))
        return ERR_STATE;
    if (len > PUBLISH_LINES_MAX)
        return ERR_TOOBIG;
    buf_reset(&t->lines);
    buf_put(&t->lines, lines, len);
    rc = buf_status(&t->lines);
    t->want_lines = rc == ERR_OK;
    if (rc == ERR_OK && !p->is_closing)
        next_run(p);
    return rc;
}

struct publish_stats
publish_stats(const struct publish *p)
{
    struct publish_stats s = {.is_busy = p->is_busy};

    for (int i = 0; i < STORE_LOGS; i++) {
        const struct track *t = &p->log[i];

        s.is_failing = s.is_failing || t->is_failing;
        s.size[i] = t->is_shown ? t->shown.size : 0;
        if (t->has_files && t->has_beat && t->beat.size > s.size[i])
            s.behind[i] = t->beat.size - s.size[i];
    }
    return s;
}
