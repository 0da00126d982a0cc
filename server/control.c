#include "server/control.h"

#include <stdlib.h>
#include <string.h>

#include <uv.h>

#include "common/list.h"
#include "common/os.h"
#include "common/stream.h"
#include "server/control_ask.h"
#include "server/control_facts.h"
#include "server/control_log.h"
#include "server/relay.h"

enum { BACKLOG = 8 };

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

static void
answer(struct asker *a)
{
    struct buf out = {0};
    enum err rc = ERR_UNSUPPORTED;

    if (strcmp(a->line, "status") == 0)
        rc = control_status(a->relay, &out);
    else if (strcmp(a->line, "metrics") == 0)
        rc = control_metrics(a->relay, &out);
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

enum err
control_open(struct relay *r, struct control **out)
{
    char path[OS_PATH_MAX];
    struct control *c = calloc(1, sizeof(*c));
    enum err rc =
        c == NULL ? ERR_NOMEM : control_path(path, sizeof(path), r->data_dir);

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
