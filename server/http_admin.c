#include "server/http_admin.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"

enum {
    ASK_MS = 2000,
    KEEP_MS = 1000,
    STUCK_S = 10, /* a transaction that takes that long */
};

static const struct http_limits limits = {
    .connections_max = 64,
    .connections_per_address_max = 32,
    .requests_per_s = 50,
    .requests_burst = 200,
    .head_max = 8 * 1024,
    .body_max = 1,
    .idle_s = 60, /* a scrape may come every half a minute */
    .request_s = 90,
};

/* --- what the relay says ---------------------------------------------------
 */

static void
on_answer(void *arg, enum err rc, const struct buf *answer)
{
    struct http_view *v = arg;
    unsigned n = v->waiting_count;

    v->asked = NULL;
    v->rc = rc;
    v->at_ms = clock_mono_ms();
    buf_reset(&v->answer);
    buf_put(&v->answer, answer->data, answer->len);
    v->waiting_count = 0;
    for (unsigned i = 0; i < n; i++)
        v->tell(v, v->waiting[i]);
}

static void
show(struct http_view *v, struct http_exchange *x)
{
    if (v->asked == NULL && v->at_ms != 0 &&
        clock_mono_ms() - v->at_ms < KEEP_MS) {
        v->tell(v, x);
        return;
    }
    if (v->asked == NULL)
        v->asked = control_ask_start(v->admin->loop, v->admin->data_dir,
                                     v->question, ASK_MS, on_answer, v);
    if (v->asked == NULL || v->waiting_count == HTTP_ADMIN_WAITING_MAX)
        http_answer_status(x, 503);
    else
        v->waiting[v->waiting_count++] = x;
}

static void
view_close(struct http_view *v)
{
    control_ask_cancel(v->asked);
    v->asked = NULL;
    for (unsigned i = 0; i < v->waiting_count; i++)
        http_answer_status(v->waiting[i], 503);
    v->waiting_count = 0;
    buf_clear(&v->answer);
}

/* --- /readyz ---------------------------------------------------------------
 */

/* The number behind NAME= in the answer; UINT64_MAX: not there. */
static uint64_t
number_of(const struct buf *answer, const char *name)
{
    const char *p = (const char *)answer->data;
    const char *end = p + answer->len;
    size_t n = strlen(name);

    while (p < end) {
        const char *line_end = memchr(p, '\n', (size_t)(end - p));

        if (line_end == NULL)
            break;
        if ((size_t)(line_end - p) > n && memcmp(p, name, n) == 0 &&
            p[n] == '=')
            return strtoull(p + n + 1, NULL, 10);
        p = line_end + 1;
    }
    return UINT64_MAX;
}

static const char *
why_not_ready(const struct http_view *v)
{
    uint64_t full, busy_s;

    if (v->rc != ERR_OK || v->answer.failed || v->answer.len == 0)
        return "the relay does not answer\n";
    full = number_of(&v->answer, "disk_full");
    busy_s = number_of(&v->answer, "writer_busy_s");
    if (full == UINT64_MAX || busy_s == UINT64_MAX)
        return "the relay cannot say how it is\n";
    if (full != 0)
        return "the relay's disk is full\n";
    return busy_s >= STUCK_S ? "the relay's writer is stuck\n" : NULL;
}

static void
tell_ready(const struct http_view *v, struct http_exchange *x)
{
    const char *why = why_not_ready(v);
    const char *text = why == NULL ? "ready\n" : why;

    http_answer(x, &(struct http_answer){.status = why == NULL ? 200 : 503,
                                         .body = text,
                                         .body_len = strlen(text)});
}

/* --- /metrics --------------------------------------------------------------
 */

static void
put_head(struct buf *out, const char *name, const char *type, const char *help)
{
    buf_printf(out, "# HELP sealpost_%s %s\n# TYPE sealpost_%s %s\n", name,
               help, name, type);
}

static void
put_own(struct buf *out, const struct http_admin *a)
{
    struct http_server *const servers[] = {
        a->files->server,
        a->server,
    };
    static const char *const names[] = {"http", "admin"};
    struct http_stats s[2] = {{{0}, 0, 0, 0}};

    for (int i = 0; i < 2; i++)
        if (servers[i] != NULL)
            http_server_stats(servers[i], &s[i]);
    put_head(out, "http_requests_total", "counter",
             "Requests answered, by listener and class of status.");
    for (int i = 0; i < 2; i++)
        for (int class = 2; class <= 5; class ++)
            buf_printf(out,
                       "sealpost_http_requests_total{listener=\"%s\","
                       "class=\"%dxx\"} %" PRIu64 "\n",
                       names[i], class, s[i].answers[class]);
    put_head(out, "http_connections_total", "counter",
             "Connections taken, by listener.");
    for (int i = 0; i < 2; i++)
        buf_printf(out,
                   "sealpost_http_connections_total{listener=\"%s\"} %" PRIu64
                   "\n",
                   names[i], s[i].connections_total);
    put_head(out, "http_turned_away_total", "counter",
             "Connections above a bound, by listener.");
    for (int i = 0; i < 2; i++)
        buf_printf(out,
                   "sealpost_http_turned_away_total{listener=\"%s\"} %" PRIu64
                   "\n",
                   names[i], s[i].turned_away_total);
    put_head(out, "http_connections", "gauge", "Connections now, by listener.");
    for (int i = 0; i < 2; i++)
        buf_printf(out, "sealpost_http_connections{listener=\"%s\"} %u\n",
                   names[i], s[i].connections);
    put_head(out, "http_uptime_seconds", "gauge",
             "Since the HTTP process started.");
    buf_printf(out, "sealpost_http_uptime_seconds %" PRIu64 "\n",
               (clock_mono_ms() - a->started_ms) / 1000);
}

/* An answer of the relay begins with a comment; "error=" does not. */
static void
tell_metrics(const struct http_view *v, struct http_exchange *x)
{
    bool is_up = v->rc == ERR_OK && v->answer.len > 0 && !v->answer.failed &&
                 v->answer.data[0] == '#';
    struct buf out = {0};

    if (is_up)
        buf_put(&out, v->answer.data, v->answer.len);
    put_head(&out, "relay_up", "gauge", "1 when the relay answers.");
    buf_printf(&out, "sealpost_relay_up %d\n", is_up);
    put_own(&out, v->admin);
    if (buf_status(&out) == ERR_OK)
        http_answer(
            x, &(struct http_answer){
                   .status = 200,
                   .content_type = "text/plain; version=0.0.4; charset=utf-8",
                   .body = out.data,
                   .body_len = out.len});
    else
        http_answer_status(x, 503);
    buf_clear(&out);
}

/* --- paths, life -----------------------------------------------------------
 */

static void
get_healthz(struct http_admin *a, struct http_exchange *x)
{
    (void)a;
    http_answer_status(x, 200);
}

static void
get_readyz(struct http_admin *a, struct http_exchange *x)
{
    show(&a->status, x);
}

static void
get_metrics(struct http_admin *a, struct http_exchange *x)
{
    show(&a->metrics, x);
}

static const struct {
    const char *path;
    void (*get)(struct http_admin *a, struct http_exchange *x);
} paths[] = {
    {"/healthz", get_healthz},
    {"/readyz", get_readyz},
    {"/metrics", get_metrics},
};

static void
on_request(void *arg, struct http_exchange *x, const struct http_request *req)
{
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        if (strcmp(req->path, paths[i].path) != 0)
            continue;
        if (req->method == HTTP_GET)
            paths[i].get(arg, x);
        else
            http_answer_not_allowed(x, "GET, HEAD");
        return;
    }
    http_answer_status(x, 404);
}

enum err
http_admin_open(struct http_admin *a, uv_loop_t *loop, const char *host,
                uint16_t port, const char *data_dir,
                const struct http_files *files)
{
    *a = (struct http_admin){
        .loop = loop,
        .files = files,
        .data_dir = data_dir,
        .started_ms = clock_mono_ms(),
        .status = {.admin = a, .question = "status", .tell = tell_ready},
        .metrics = {.admin = a, .question = "metrics", .tell = tell_metrics},
    };
    return http_server_open(&a->server, loop, host, port, &limits, on_request,
                            a);
}

void
http_admin_close(struct http_admin *a)
{
    if (a->server == NULL)
        return;
    http_server_close(a->server);
    a->server = NULL;
    view_close(&a->status);
    view_close(&a->metrics);
}
