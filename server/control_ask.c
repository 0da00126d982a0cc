#include "server/control_ask.h"

#include <stdlib.h>
#include <string.h>

#include "common/os.h"
#include "common/stream.h"

enum { ASK_MS = 5000 };

struct control_question {
    struct stream *stream; /* NULL: it has closed */
    uv_timer_t timer;
    struct buf answer;
    enum err why;
    control_answer_fn *done; /* NULL: nobody waits any more */
    void *arg;
};

enum err
control_path(char *out, size_t cap, const char *data_dir)
{
    return os_path_join(out, cap, data_dir, "run/control.sock");
}

static void
on_timer_closed(uv_handle_t *handle)
{
    struct control_question *q = handle->data;

    buf_clear(&q->answer);
    free(q);
}

static void
on_bytes(void *arg, const uint8_t *bytes, size_t len)
{
    struct control_question *q = arg;

    if (len > CONTROL_ANSWER_MAX - q->answer.len)
        stream_close(q->stream, ERR_TOOBIG);
    else
        buf_put(&q->answer, bytes, len);
}

/* The relay ends the connection when it has said all. */
static enum err
outcome(const struct control_question *q, enum err why)
{
    if (why != ERR_CLOSED)
        return why;
    if (q->answer.len == 0)
        return ERR_UNREACHABLE;
    return buf_status(&q->answer);
}

static void
on_closed(void *arg, enum err why)
{
    struct control_question *q = arg;
    enum err rc = outcome(q, why);

    q->stream = NULL;
    if (rc != ERR_OK)
        buf_reset(&q->answer);
    if (q->done != NULL)
        q->done(q->arg, rc, &q->answer);
    uv_close((uv_handle_t *)&q->timer, on_timer_closed);
}

static const struct stream_events events = {
    .bytes = on_bytes,
    .closed = on_closed,
};

static void
on_deadline(uv_timer_t *timer)
{
    struct control_question *q = timer->data;

    if (q->stream != NULL)
        stream_close(q->stream, ERR_TIMEOUT);
}

struct control_question *
control_ask_start(uv_loop_t *loop, const char *data_dir, const char *question,
                  uint64_t deadline_ms, control_answer_fn *done, void *arg)
{
    struct control_question *q = calloc(1, sizeof(*q));
    char path[OS_PATH_MAX];

    if (q == NULL)
        return NULL;
    q->done = done;
    q->arg = arg;
    if (control_path(path, sizeof(path), data_dir) == ERR_OK)
        q->stream = stream_connect_unix(loop, path, &events, q);
    if (q->stream == NULL) {
        free(q);
        return NULL;
    }
    (void)uv_timer_init(loop, &q->timer);
    q->timer.data = q;
    (void)uv_timer_start(&q->timer, on_deadline, deadline_ms, 0);
    stream_write(q->stream, question, strlen(question));
    stream_write(q->stream, "\n", 1);
    return q;
}

void
control_ask_cancel(struct control_question *q)
{
    if (q == NULL)
        return;
    q->done = NULL;
    if (q->stream != NULL)
        stream_close(q->stream, ERR_CANCELLED);
}

struct waiting {
    struct buf *answer;
    enum err rc;
};

static void
on_answer(void *arg, enum err rc, const struct buf *answer)
{
    struct waiting *w = arg;

    w->rc = rc;
    if (rc != ERR_OK)
        return;
    buf_put(w->answer, answer->data, answer->len);
    w->rc = buf_status(w->answer);
}

enum err
control_ask(const char *data_dir, const char *question, struct buf *answer)
{
    struct waiting w = {.answer = answer, .rc = ERR_NOMEM};
    uv_loop_t loop;

    if (uv_loop_init(&loop) != 0)
        return ERR_NOMEM;
    (void)control_ask_start(&loop, data_dir, question, ASK_MS, on_answer, &w);
    (void)uv_run(&loop, UV_RUN_DEFAULT);
    (void)uv_loop_close(&loop);
    return w.rc;
}
