#include "server/control.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <uv.h>

#include "common/clock.h"
#include "common/list.h"
#include "common/os.h"
#include "common/stream.h"
#include "server/control_log.h"
#include "server/cosigning.h"
#include "server/publish.h"
#include "server/relay.h"

enum { BACKLOG = 8, ASK_MS = 5000 };

struct control {
    struct relay *relay;
    struct acceptor *acceptor;
    struct list askers;
};

/* One question.  Whoever may open the socket is trusted to ask it. */
struct asker {
    struct list_node node; /* in control->askers */
    struct relay *relay;
    struct stream *stream;
    char line[CONTROL_LINE_MAX];
    size_t len;
    bool answered;
};

struct fact {
    const char *name;
    uint64_t value;
};

static void
tally(struct fact *f, const struct store_tally *t)
{
    const uint64_t v[] = {t->stored,    t->handed_over, t->refused,
                          t->withdrawn, t->expired,     t->pending};

    for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++)
        f[i].value = v[i];
}

static uint64_t
age_s(uint64_t time_s)
{
    uint64_t now_s = clock_wall_ms() / 1000;

    return now_s > time_s ? now_s - time_s : 0;
}

/* Nothing without a policy; no age where there was never a quorum. */
static void
gather_witnesses(struct relay *r,
                 void (*each)(struct buf *, const struct fact *),
                 struct buf *out)
{
    struct cosigning_stats w;
    static const char *const names[STORE_LOGS] = {
        [STORE_DIRECTORY] = "directory_quorum_age_s",
        [STORE_DELIVERY] = "delivery_quorum_age_s",
    };

    if (!cosigning_stats(r->cosigning, &w))
        return;
    each(out, &(struct fact){"witnesses", w.witnesses});
    each(out, &(struct fact){"witnesses_reachable", w.reachable});
    each(out, &(struct fact){"cosignatures_total", w.cosignatures});
    for (int i = 0; i < STORE_LOGS; i++)
        if (w.quorum_time_s[i] != 0)
            each(out, &(struct fact){names[i], age_s(w.quorum_time_s[i])});
}

/* The facts, in one place for both forms. */
static enum err
gather(struct relay *r, void (*each)(struct buf *, const struct fact *),
       struct buf *out)
{
    struct store_thread_stats w = store_thread_stats(r->writer);
    struct publish_stats pub = publish_stats(r->publish);
    struct store_counts c;
    enum err rc = store_counts(r->reader, &c);
    struct fact packets[] = {{"stored", 0},  {"handed_over", 0},
                             {"refused", 0}, {"withdrawn", 0},
                             {"expired", 0}, {"pending", 0}};
    struct fact own[] = {{"own_stored", 0},  {"own_handed_over", 0},
                         {"own_refused", 0}, {"own_withdrawn", 0},
                         {"own_expired", 0}, {"own_pending", 0}};
    struct fact rest[] = {
        {"delivery_log_size", c.log_size[STORE_DELIVERY]},
        {"directory_log_size", c.log_size[STORE_DIRECTORY]},
        {"sessions", r->session_count},
        {"mailbox_sessions", r->mailrooms.count},
        {"attachments", c.blobs},
        {"attachment_bytes", c.blob_bytes},
        {"pending_bytes", c.packets.pending_bytes},
        {"joins_waiting", c.joins_waiting},
        {"database_bytes", c.database_bytes},
        {"accepted_total", r->stats.accepted},
        {"turned_away_total", r->stats.turned_away},
        {"handshakes_total", r->stats.handshakes},
        {"messages_total", r->stats.messages},
        {"errors_total", r->stats.errors},
        {"delivered_total", r->stats.delivered},
        {"commits_total", w.batches},
        {"operations_total", w.ops},
        {"queue_operations", w.waiting},
        {"queue_bytes", w.waiting_bytes},
        {"disk_full", w.is_disk_full},
        {"publish_behind",
         pub.behind[STORE_DELIVERY] + pub.behind[STORE_DIRECTORY]},
        {"publish_failing", pub.is_failing},
        {"uptime_s", (clock_mono_ms() - r->started_ms) / 1000},
    };

    if (rc != ERR_OK)
        return rc;
    tally(packets, &c.packets);
    tally(own, &c.own_copies);
    for (size_t i = 0; i < sizeof(packets) / sizeof(packets[0]); i++)
        each(out, &packets[i]);
    for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
        each(out, &own[i]);
    for (size_t i = 0; i < sizeof(rest) / sizeof(rest[0]); i++)
        each(out, &rest[i]);
    gather_witnesses(r, each, out);
    return buf_status(out);
}

static void
plain(struct buf *out, const struct fact *f)
{
    buf_printf(out, "%s=%" PRIu64 "\n", f->name, f->value);
}

static void
prometheus(struct buf *out, const struct fact *f)
{
    const char *end = strrchr(f->name, '_');
    bool is_counter = end != NULL && strcmp(end, "_total") == 0;

    buf_printf(out, "# TYPE sealpost_%s %s\nsealpost_%s %" PRIu64 "\n", f->name,
               is_counter ? "counter" : "gauge", f->name, f->value);
}

static void
answer(struct asker *a)
{
    struct buf out = {0};
    enum err rc = ERR_UNSUPPORTED;

    if (strcmp(a->line, "status") == 0)
        rc = gather(a->relay, plain, &out);
    else if (strcmp(a->line, "metrics") == 0)
        rc = gather(a->relay, prometheus, &out);
    else if (strcmp(a->line, "sweep") == 0)
        rc = relay_sweep(a->relay);
    else
        rc = control_log(a->relay, a->line, &out);
    if (rc != ERR_OK)
        buf_printf(&out, "error=%s\n", err_text(rc));
    else if (out.len == 0)
        buf_str(&out, "ok=1\n");
    stream_write(a->stream, out.data, out.len);
    buf_clear(&out);
    a->answered = true;
    stream_finish(a->stream, ERR_OK);
}

static void
on_bytes(void *arg, const uint8_t *bytes, size_t len)
{
    struct asker *a = arg;

    for (size_t i = 0; i < len && !a->answered; i++) {
        if (bytes[i] == '\n') {
            a->line[a->len] = '\0';
            answer(a);
        } else if (a->len + 1 >= sizeof(a->line)) {
            stream_close(a->stream, ERR_TOOBIG);
            return;
        } else {
            a->line[a->len++] = (char)bytes[i];
        }
    }
}

static void
on_closed(void *arg, enum err why)
{
    struct asker *a = arg;

    (void)why;
    list_remove(&a->node);
    free(a);
}

static const struct stream_events asker_events = {
    .bytes = on_bytes,
    .closed = on_closed,
};

static void
on_accepted(void *arg, struct stream *s)
{
    struct control *c = arg;
    struct asker *a = calloc(1, sizeof(*a));

    if (a == NULL) {
        stream_close(s, ERR_NOMEM);
        return;
    }
    a->relay = c->relay;
    a->stream = s;
    list_push_back(&c->askers, &a->node);
    stream_start(s, &asker_events, a);
}

static void
on_acceptor_closed(void *arg)
{
    free(arg);
}

static const struct acceptor_events acceptor_events = {
    .accepted = on_accepted,
    .closed = on_acceptor_closed,
};

static enum err
socket_path(char *out, const char *data_dir)
{
    return os_path_join(out, OS_PATH_MAX, data_dir, "run/control.sock");
}

enum err
control_open(struct relay *r, struct control **out)
{
    char path[OS_PATH_MAX];
    struct control *c = calloc(1, sizeof(*c));
    enum err rc = c == NULL ? ERR_NOMEM : socket_path(path, r->data_dir);

    if (rc == ERR_OK) {
        c->relay = r;
        list_init(&c->askers);
        rc = acceptor_open_unix(&c->acceptor, &r->loop, path, BACKLOG,
                                &acceptor_events, c);
    }
    if (rc != ERR_OK) {
        free(c);
        return rc;
    }
    *out = c;
    return ERR_OK;
}

void
control_close(struct control *c)
{
    struct list_node *n;

    if (c == NULL)
        return;
    while ((n = list_pop_front(&c->askers)) != NULL)
        stream_close(list_entry(n, struct asker, node)->stream, ERR_CANCELLED);
    acceptor_close(c->acceptor);
}

/* ---- the other end ---- */

struct question {
    struct buf *answer;
    struct stream *stream;
    enum err why;
};

static void
on_answer(void *arg, const uint8_t *bytes, size_t len)
{
    struct question *q = arg;

    buf_put(q->answer, bytes, len);
}

static void
on_answered(void *arg, enum err why)
{
    struct question *q = arg;

    q->why = why;
    q->stream = NULL;
}

static const struct stream_events question_events = {
    .bytes = on_answer,
    .closed = on_answered,
};

static void
on_ask_timeout(uv_timer_t *t)
{
    struct question *q = t->data;

    if (q->stream != NULL)
        stream_close(q->stream, ERR_TIMEOUT);
}

enum err
control_ask(const char *data_dir, const char *question, struct buf *answer)
{
    char path[OS_PATH_MAX];
    struct question q = {.answer = answer, .why = ERR_NOMEM};
    enum err rc = socket_path(path, data_dir);
    uv_loop_t loop;
    uv_timer_t timer;

    if (rc != ERR_OK || uv_loop_init(&loop) != 0)
        return ERR_NOMEM;
    (void)uv_timer_init(&loop, &timer);
    timer.data = &q;
    q.stream = stream_connect_unix(&loop, path, &question_events, &q);
    if (q.stream != NULL) {
        stream_write(q.stream, question, strlen(question));
        stream_write(q.stream, "\n", 1);
        (void)uv_timer_start(&timer, on_ask_timeout, ASK_MS, 0);
        uv_unref((uv_handle_t *)&timer);
        (void)uv_run(&loop, UV_RUN_DEFAULT);
    }
    uv_close((uv_handle_t *)&timer, NULL);
    (void)uv_run(&loop, UV_RUN_DEFAULT);
    (void)uv_loop_close(&loop);
    if (answer->len > 0)
        return buf_status(answer);
    return q.why == ERR_CLOSED || q.why == ERR_OK ? ERR_UNREACHABLE : q.why;
}
