/*
 * witness_serve.c - one request at a time: judged, kept on the disk, answered.
 * The loop waits for the disk meanwhile, which makes the state's one writer.
 */
#include "client/witness_serve.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include <uv.h>

#include "common/address.h"
#include "common/clock.h"
#include "common/http_server.h"
#include "common/log.h"

struct serve {
    struct witness_dir *dir;
    uv_loop_t loop;
    uv_signal_t sigterm, sigint;
    struct http_server *http;
};

/* ---- answers ---- */

static void
answer(struct http_exchange *x, unsigned status, const char *type,
       const struct buf *body)
{
    const struct http_answer a = {
        .status = status,
        .content_type = type,
        .body = body->data,
        .body_len = body->len,
    };

    http_answer(x, &a);
}

static void
answer_text(struct http_exchange *x, unsigned status, const char *text)
{
    struct buf body = {0};

    buf_printf(&body, "%s\n", text);
    answer(x, status, NULL, &body);
    buf_clear(&body);
}

/* ---- add-checkpoint ---- */

static const char *
origin_of(const struct serve *s, const struct witness_judgement *j)
{
    size_t n;

    return witness_dir_logs(s->dir, &n)[j->log].keys[0].name;
}

/* Whoever runs the witness must hear of it, once for each head. */
static void
tell_evidence(const struct serve *s, const struct witness_judgement *j)
{
    bool is_fork = j->evidence == WITNESS_EVIDENCE_FORK;
    char path[OS_PATH_MAX] = "";
    enum err rc;

    if (j->evidence == WITNESS_EVIDENCE_NONE)
        return;
    rc = witness_dir_save_evidence(s->dir, j, path);
    if (rc == ERR_EXISTS || (rc == ERR_FULL && !is_fork))
        return;
    if (is_fork)
        log_error("E-WITNESS-FORK: %s has signed two histories, seen at size "
                  "%" PRIu64 "; the proof %s %s; tell everybody who relies on "
                  "this log",
                  origin_of(s, j), j->cp.size,
                  rc == ERR_OK ? "lies in" : "could not be saved in", path);
    else
        log_warn("%s has signed a head of size %" PRIu64 " and somebody sent "
                 "it with a wrong proof; it %s %s; if the log shows no right "
                 "one, it has forked",
                 origin_of(s, j), j->cp.size,
                 rc == ERR_OK ? "lies in" : "could not be saved in", path);
}

static void
cosign(struct serve *s, struct http_exchange *x,
       const struct witness_judgement *j)
{
    struct buf line = {0};
    enum err rc = witness_dir_keep(s->dir, j, &line);

    if (rc == ERR_OK) {
        log_debug("%s: cosigned size %" PRIu64, origin_of(s, j), j->cp.size);
        answer(x, witness_status(j->why), NULL, &line);
    } else {
        log_error("%s: the state cannot be stored, so nothing is signed: %s",
                  origin_of(s, j), os_last_error_text());
        answer_text(x, 503, "this witness cannot store its state now");
    }
    buf_clear(&line);
}

static void
add_checkpoint(struct serve *s, struct http_exchange *x,
               const struct http_request *req)
{
    const struct witness_log *logs;
    struct witness_judgement j;
    struct buf body = {0};
    size_t n;

    logs = witness_dir_logs(s->dir, &n);
    witness_judge(req->body, req->body_len, logs, n, clock_wall_ms() / 1000,
                  &j);
    tell_evidence(s, &j);
    if (j.why == WITNESS_OK) {
        cosign(s, x, &j);
        return;
    }
    if (j.why == WITNESS_CLOCK)
        log_error("this machine's clock has gone back: nothing is signed "
                  "until it is right");
    else
        log_info("%u: %s", witness_status(j.why), witness_text(j.why));
    if (j.why == WITNESS_CONFLICT) {
        witness_size_format(j.size, &body);
        answer(x, witness_status(j.why), WITNESS_SIZE_TYPE, &body);
        buf_clear(&body);
    } else {
        answer_text(x, witness_status(j.why), witness_text(j.why));
    }
}

/* ---- for monitors ---- */

/* "/HASH/checkpoint": HASH into HEX. */
static bool
is_checkpoint_path(const char *path, char hex[WITNESS_HASH_HEX + 1])
{
    if (strlen(path) != 1 + WITNESS_HASH_HEX + strlen("/checkpoint") ||
        strcmp(path + 1 + WITNESS_HASH_HEX, "/checkpoint") != 0)
        return false;
    memcpy(hex, path + 1, WITNESS_HASH_HEX);
    hex[WITNESS_HASH_HEX] = '\0';
    return true;
}

static void
give_checkpoint(struct serve *s, struct http_exchange *x, const char *hex)
{
    struct buf note = {0};
    enum err rc = witness_dir_checkpoint(s->dir, hex, &note);

    if (rc == ERR_OK)
        answer(x, 200, NULL, &note);
    else
        http_answer_status(x, rc == ERR_NOTFOUND ? 404 : 503);
    buf_clear(&note);
}

static void
on_request(void *arg, struct http_exchange *x, const struct http_request *req)
{
    struct serve *s = arg;
    char hex[WITNESS_HASH_HEX + 1];

    if (strcmp(req->path, "/add-checkpoint") == 0) {
        if (req->method == HTTP_POST)
            add_checkpoint(s, x, req);
        else
            http_answer_not_allowed(x, "POST");
    } else if (is_checkpoint_path(req->path, hex)) {
        if (req->method == HTTP_GET)
            give_checkpoint(s, x, hex);
        else
            http_answer_not_allowed(x, "GET, HEAD");
    } else {
        http_answer_status(x, 404);
    }
}

/* ---- running ---- */

static void
on_signal(uv_signal_t *h, int number)
{
    struct serve *s = h->data;

    (void)number;
    http_server_close(s->http);
    s->http = NULL;
    (void)uv_signal_stop(&s->sigterm);
    (void)uv_signal_stop(&s->sigint);
}

static enum err
start_http(struct serve *s, const char *address, char *bound, size_t cap,
           struct problem *pb)
{
    struct http_limits limits = http_limits_default;
    char host[ADDRESS_MAX];
    uint16_t port = 0;
    enum err rc = address_split(address, host, sizeof(host), &port);

    if (rc != ERR_OK)
        return problem_set(pb, P_USAGE, rc, "the witness does not listen",
                           "\"%.120s\" is not HOST:PORT", address);
    limits.body_max = WITNESS_REQUEST_MAX;
    rc = http_server_open(&s->http, &s->loop, host, port, &limits, on_request,
                          s);
    if (rc != ERR_OK)
        return problem_set(pb, P_WITNESS, rc, "the witness does not listen",
                           "%.120s: %s", address,
                           rc == ERR_BUSY ? "another program uses that port"
                                          : err_text(rc));
    address_join(bound, cap, host, http_server_port(s->http));
    return ERR_OK;
}

static enum err
tell_ready(const struct witness_serve_options *opt, const char *bound,
           struct problem *pb)
{
    char line[ADDRESS_MAX + 16];
    enum err rc = ERR_OK;

    if (opt->serving != NULL)
        opt->serving(opt->arg, bound);
    if (opt->ready_fd >= 0) {
        (void)snprintf(line, sizeof(line), "ready %s\n", bound);
        rc = os_write_all(opt->ready_fd, line, strlen(line));
    }
    return rc == ERR_OK
               ? rc
               : problem_set(pb, P_WITNESS, rc, "nobody hears that it is ready",
                             "the descriptor of --ready-fd cannot be written");
}

static void
watch_signals(struct serve *s)
{
    s->sigterm.data = s;
    s->sigint.data = s;
    (void)uv_signal_init(&s->loop, &s->sigterm);
    (void)uv_signal_init(&s->loop, &s->sigint);
    (void)uv_signal_start(&s->sigterm, on_signal, SIGTERM);
    (void)uv_signal_start(&s->sigint, on_signal, SIGINT);
}

enum err
witness_serve(struct witness_dir *dir, const struct witness_serve_options *opt,
              struct problem *pb)
{
    struct serve s = {.dir = dir};
    char bound[ADDRESS_MAX];
    enum err rc;

    if (uv_loop_init(&s.loop) != 0)
        return problem_from_err(pb, "the witness does not start", ERR_NOMEM);
    watch_signals(&s);
    rc = start_http(&s, opt->listen, bound, sizeof(bound), pb);
    if (rc == ERR_OK)
        rc = tell_ready(opt, bound, pb);
    if (rc == ERR_OK)
        (void)uv_run(&s.loop, UV_RUN_DEFAULT);
    http_server_close(s.http);
    uv_close((uv_handle_t *)&s.sigterm, NULL);
    uv_close((uv_handle_t *)&s.sigint, NULL);
    while (uv_run(&s.loop, UV_RUN_DEFAULT) != 0)
        ;
    (void)uv_loop_close(&s.loop);
    return rc;
}
