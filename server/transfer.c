#include "server/transfer.h"

#include <stdlib.h>
#include <string.h>

#include <uv.h>

#include "common/log.h"
#include "proto/msg.h"
#include "server/blob_file.h"
#include "server/relay.h"
#include "server/session.h"
#include "server/task.h"

enum {
    GATHER_MAX = 4 * TRANSFER_CHUNK, /* then the session is read no more */
    UNSENT_LOW = 2 * TRANSFER_CHUNK, /* read ahead while less is unsent */
};

enum direction { UP, DOWN };

struct transfer {
    struct transfers *owner; /* NULL: the session is gone */
    struct relay *relay;
    enum direction dir;
    uint32_t handle;
    uint32_t req; /* to be answered: opening, or END */
    struct store_blob info;
    struct blob_upload *up;
    struct blob_download *down;
    /* up: who waits until we have let go of the file, and whom we wait for */
    struct transfer *successor, *predecessor;
    /* up: bytes gathered and being written; down: the chunk being read */
    struct buf gathered, busy_bytes;
    uint64_t at, end; /* next byte expected or to be sent; down: its end */
    uint64_t synced;  /* last progress mark */
    uint64_t have;    /* what the worker synced */
    struct hash digest;
    uv_work_t work;
    enum err work_rc;
    bool busy, opened, ending, want_sync, digested, paused, tasked;
    bool failed; /* the client was told; only a worker or the store holds it */
};

struct transfers {
    struct session *session;
    uint32_t next_handle;
    struct transfer *slot[TRANSFERS_MAX];
};

static void step(struct transfer *t);
static void start_upload(struct transfer *t);

struct transfers *
transfers_new(struct session *s)
{
    struct transfers *ts = calloc(1, sizeof(*ts));

    if (ts != NULL) {
        ts->session = s;
        ts->next_handle = 1;
    }
    return ts;
}

static void
detach(struct transfer *t)
{
    struct transfers *ts = t->owner;

    if (ts == NULL)
        return;
    for (int i = 0; i < TRANSFERS_MAX; i++)
        if (ts->slot[i] == t)
            ts->slot[i] = NULL;
    if (t->paused)
        session_resume(ts->session);
    t->paused = false;
    t->owner = NULL;
}

void
transfers_close(struct transfers *ts)
{
    if (ts == NULL)
        return;
    for (int i = 0; i < TRANSFERS_MAX; i++) {
        struct transfer *t = ts->slot[i];

        if (t == NULL)
            continue;
        detach(t);
        step(t);
    }
    free(ts);
}

/* Whoever waits for the file goes on with what was saved of it. */
static void
let_go(struct transfer *t)
{
    struct map *uploads = &t->relay->uploads;
    struct transfer *next = t->successor;

    if (t->predecessor != NULL)
        t->predecessor->successor = NULL;
    if (t->dir == UP && map_find(uploads, &t->info.blob) == t)
        (void)map_remove(uploads, &t->info.blob);
    if (next == NULL)
        return;
    next->predecessor = NULL;
    start_upload(next);
}

static void
transfer_free(struct transfer *t)
{
    detach(t);
    let_go(t);
    blob_upload_close(t->up);
    blob_download_close(t->down);
    buf_clear(&t->gathered);
    buf_clear(&t->busy_bytes);
    free(t);
}

/* Detached first: an answer may end the session, which closes its transfers. */
static void
fail(struct transfer *t, enum perr code, const char *detail)
{
    struct session *s = t->owner != NULL ? t->owner->session : NULL;

    detach(t);
    t->failed = true;
    if (s != NULL)
        session_error(s, t->req, code, detail);
    if (!t->busy && !t->tasked)
        transfer_free(t);
}

static void
answer_at(struct transfer *t, uint64_t have)
{
    struct msg_field f[] = {
        [BLOB_AT_HANDLE] = msg_u(t->handle),
        [BLOB_AT_HAVE] = msg_u(have),
        [BLOB_AT_TOTAL] = msg_u(t->info.ct_len),
    };

    if (t->owner != NULL)
        session_send(t->owner->session, MSG_BLOB_AT, t->req, f, 3);
}

/* ---- on a worker thread ---- */

static enum err
work_up(struct transfer *t)
{
    enum err rc = ERR_OK;

    if (t->up == NULL)
        return blob_upload_open(t->relay->store, &t->info, &t->up);
    if (t->busy_bytes.len > 0)
        rc = blob_upload_write(t->up, blob_upload_at(t->up), t->busy_bytes.data,
                               t->busy_bytes.len);
    if (rc == ERR_OK && t->want_sync)
        rc = blob_upload_sync(t->up, &t->have);
    if (rc == ERR_OK && t->ending && t->have == t->info.ct_len) {
        rc = blob_upload_digest(t->up, &t->digest);
        t->digested = rc == ERR_OK;
    }
    return rc;
}

static enum err
work_down(struct transfer *t)
{
    uint64_t left = t->end - t->at;
    size_t n = left < TRANSFER_CHUNK ? (size_t)left : TRANSFER_CHUNK;
    enum err rc = ERR_OK;
    uint8_t *p;

    if (t->down == NULL)
        return blob_download_open(t->relay->store, &t->info, &t->down);
    buf_reset(&t->busy_bytes);
    p = buf_extend(&t->busy_bytes, n);
    if (p == NULL)
        return ERR_NOMEM;
    rc = blob_download_read(t->down, t->at, p, n);
    return rc;
}

static void
on_work(uv_work_t *w)
{
    struct transfer *t = w->data;

    t->work_rc = t->dir == UP ? work_up(t) : work_down(t);
}

/* ---- back on the loop ---- */

static void
send_chunk(struct transfer *t)
{
    if (t->owner != NULL)
        session_blob(t->owner->session, t->handle, t->at, t->busy_bytes.data,
                     t->busy_bytes.len);
    t->at += t->busy_bytes.len;
}

static void
on_worked(uv_work_t *w, int status)
{
    struct transfer *t = w->data;

    if (t->failed) {
        transfer_free(t);
        return;
    }
    if (status != 0 || t->work_rc != ERR_OK) {
        t->busy = false;
        log_warn("attachment: %s: %s", t->dir == UP ? "write" : "read",
                 err_text(t->work_rc));
        fail(t, t->work_rc == ERR_FULL ? PERR_DISK : PERR_INTERNAL,
             err_text(t->work_rc));
        return;
    }
    if (!t->opened) {
        t->opened = true;
        if (t->dir == UP)
            t->at = t->synced = t->have = blob_upload_at(t->up);
        /* All of it is here, but a connection broke before its END. */
        if (t->dir == UP && t->at == t->info.ct_len)
            t->ending = true;
        else
            answer_at(t, t->at);
    } else if (t->dir == DOWN) {
        send_chunk(t);
    }
    t->busy = false; /* until here: an answer may end the session */
    step(t);
}

static void
start_work(struct transfer *t)
{
    t->busy = true;
    t->work.data = t;
    if (uv_queue_work(&t->relay->loop, &t->work, on_work, on_worked) == 0)
        return;
    t->busy = false;
    fail(t, PERR_BUSY, "no worker");
}

/* ---- marks in the store ---- */

static void
on_progress(struct task *task)
{
    struct transfer *t = task->arg;

    t->tasked = false;
    step(t);
}

static void
on_complete(struct task *task)
{
    struct transfer *t = task->arg;
    unsigned why = task->job.op.result.why;

    if (why != STORE_OK && !t->failed) {
        t->tasked = false;
        fail(t, why == STORE_WHY_DISK ? PERR_DISK : PERR_BLOB,
             store_why_text(why));
        return;
    }
    answer_at(t, t->info.ct_len);
    transfer_free(t);
}

static void
submit_mark(struct transfer *t, bool complete)
{
    struct task *task =
        task_new(t->relay, NULL, 0,
                 complete ? STORE_OP_BLOB_COMPLETE : STORE_OP_BLOB_PROGRESS,
                 NULL, 0, complete ? on_complete : on_progress);

    if (task == NULL) {
        fail(t, PERR_BUSY, "no memory");
        return;
    }
    task->arg = t;
    if (complete) {
        task->job.op.blob_complete.blob = t->info.blob;
        task->job.op.blob_complete.digest = t->digest;
    } else {
        task->job.op.blob_progress.blob = t->info.blob;
        task->job.op.blob_progress.have = t->have;
    }
    t->synced = t->have;
    t->tasked = true;
    t->want_sync = false;
    relay_submit(t->relay, task);
}

/* ---- what next ---- */

static void
step_up(struct transfer *t)
{
    bool gone = t->owner == NULL;

    if (t->digested || t->have > t->synced) {
        submit_mark(t, t->digested);
        return;
    }
    if (t->gathered.len == 0 && gone && t->at == t->have) {
        transfer_free(t);
        return;
    }
    if (t->gathered.len == 0 && !t->ending && !gone)
        return; /* wait for more */
    buf_clear(&t->busy_bytes);
    t->busy_bytes = t->gathered;
    t->gathered = (struct buf){0};
    if (t->paused) {
        t->paused = false;
        session_resume(t->owner->session);
    }
    t->want_sync = gone || t->ending || t->at - t->synced >= TRANSFER_SYNC;
    start_work(t);
}

static void
step_down(struct transfer *t)
{
    if (t->owner == NULL || t->at == t->end)
        transfer_free(t);
    else if (session_unsent(t->owner->session) < UNSENT_LOW)
        start_work(t);
}

static void
step(struct transfer *t)
{
    if (t->busy || t->tasked)
        return;
    if (t->failed) {
        transfer_free(t);
        return;
    }
    if (t->predecessor != NULL && t->owner != NULL)
        return;
    /* Its session went before it began, or nothing is written any more. */
    if (!t->opened || t->relay->stopping) {
        transfer_free(t);
        return;
    }
    if (t->dir == UP)
        step_up(t);
    else
        step_down(t);
}

/* ---- from the session ---- */

static struct transfer *
begin(struct session *s, uint32_t req, const struct store_blob *info,
      enum direction dir, uint64_t at, uint64_t end)
{
    struct transfers *ts = session_transfers(s);
    struct transfer *t;
    int i = 0;

    if (ts == NULL)
        return NULL;
    while (i < TRANSFERS_MAX && ts->slot[i] != NULL)
        i++;
    if (i == TRANSFERS_MAX || (t = calloc(1, sizeof(*t))) == NULL)
        return NULL;
    t->owner = ts;
    t->relay = session_relay(s);
    t->dir = dir;
    t->handle = ts->next_handle++;
    t->req = req;
    t->info = *info;
    t->at = at;
    t->end = end;
    ts->slot[i] = t;
    return t;
}

static void
start_upload(struct transfer *t)
{
    const struct store_blob was = t->info;
    enum err rc =
        t->relay->stopping
            ? ERR_CANCELLED
            : store_blob_info(t->relay->reader, &was.owner, &was.att, &t->info);

    if (rc == ERR_OK && t->info.complete) {
        t->busy = true; /* an answer may end the session */
        answer_at(t, t->info.ct_len);
        transfer_free(t);
    } else if (rc != ERR_OK || t->info.blob != was.blob) {
        fail(t, PERR_BLOB, "the upload before did not end well: again");
    } else if (map_insert(&t->relay->uploads, &t->info.blob, t) != ERR_OK) {
        fail(t, PERR_BUSY, "no memory");
    } else {
        start_work(t);
    }
}

/* The newest connection wins: OLD may be of one that nobody knows is dead.  It
 * saves how far it got; two never write to one file. */
static void
succeed(struct transfer *old, struct transfer *t)
{
    struct session *waits = NULL;

    if (old->successor != NULL)
        fail(old->successor, PERR_BUSY, "it goes on in another session");
    old->successor = t;
    t->predecessor = old;
    if (old->owner != NULL && (old->ending || !old->opened))
        waits = old->owner->session;
    detach(old);
    if (waits != NULL)
        session_error(waits, old->req, PERR_BUSY,
                      "it goes on in another session");
    step(old);
}

bool
transfer_upload(struct session *s, uint32_t req, const struct store_blob *info)
{
    struct transfer *old = map_find(&session_relay(s)->uploads, &info->blob);
    struct transfer *t = begin(s, req, info, UP, info->have, info->ct_len);

    if (t == NULL)
        return false;
    if (old != NULL)
        succeed(old, t);
    else
        start_upload(t);
    return true;
}

bool
transfer_download(struct session *s, uint32_t req,
                  const struct store_blob *info, uint64_t offset, uint64_t len)
{
    struct transfer *t = begin(s, req, info, DOWN, offset, offset + len);

    if (t != NULL)
        start_work(t);
    return t != NULL;
}

static struct transfer *
find_upload(struct session *s, uint32_t handle)
{
    struct transfers *ts = session_transfers(s);

    for (int i = 0; ts != NULL && i < TRANSFERS_MAX; i++)
        if (ts->slot[i] != NULL && ts->slot[i]->dir == UP &&
            ts->slot[i]->handle == handle && ts->slot[i]->opened)
            return ts->slot[i];
    return NULL;
}

bool
transfer_bytes(struct session *s, uint32_t handle, uint64_t offset,
               const uint8_t *bytes, size_t len)
{
    struct transfer *t = find_upload(s, handle);
    const struct transfers *ts = session_transfers(s);

    /* Records of an upload that has just failed are still on their way. */
    if (t == NULL)
        return ts != NULL && handle > 0 && handle < ts->next_handle;
    if (t->ending || offset != t->at || len > t->info.ct_len - t->at)
        return false;
    buf_put(&t->gathered, bytes, len);
    if (buf_status(&t->gathered) != ERR_OK) {
        fail(t, PERR_BUSY, "no memory");
        return true;
    }
    t->at += len;
    if (t->gathered.len >= GATHER_MAX && !t->paused) {
        t->paused = true;
        session_pause(s);
    }
    if (t->gathered.len >= TRANSFER_CHUNK || t->at == t->info.ct_len)
        step(t);
    return true;
}

bool
transfer_end(struct session *s, uint32_t req, uint32_t handle)
{
    struct transfer *t = find_upload(s, handle);

    if (t == NULL || t->ending)
        return false;
    t->req = req;
    if (t->at != t->info.ct_len) {
        fail(t, PERR_BLOB, "bytes are missing at the end");
        return true;
    }
    t->ending = true;
    step(t);
    return true;
}

void
transfers_pump(struct transfers *ts)
{
    for (int i = 0; ts != NULL && i < TRANSFERS_MAX; i++)
        if (ts->slot[i] != NULL && ts->slot[i]->dir == DOWN)
            step(ts->slot[i]);
}
