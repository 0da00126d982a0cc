/*
 * One request and its answer.
 *
 * HEAD -> BODY -> ASKED -> ANSWERED -> gone (http_on_completed)
 *
 * HEAD and BODY end with ANSWERED too when the request is refused.  While the
 * handler takes its time in ASKED, the connection is suspended.  When the
 * server closes meanwhile, the exchange lives on without a connection until
 * its owner answers.
 */
#include "common/http_server_inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/os.h"

/* A body that is refused is still read when it is short: a client that is busy
 * sending would not see the answer. */
#define DROP_MAX ((uint64_t)256 * 1024)

enum stage { HEAD, BODY, ASKED, ANSWERED };

struct http_exchange {
    struct list_node node; /* in server->waiting */
    struct http_server *server;
    struct MHD_Connection *conn; /* NULL: nobody hears the answer */
    struct MHD_Response *response;
    struct http_request request;
    struct buf body;
    const char *if_none_match; /* the connection's */
    enum stage stage;
    unsigned status;  /* of the answer */
    unsigned refused; /* 0, or the status to refuse with after the body */
    unsigned wait_s;  /* for 429 */
    char path[HTTP_TARGET_MAX + 1];
    char content_type[128];
};

static const struct {
    unsigned status;
    const char *text;
} texts[] = {
    {200, "ok"},
    {304, "not modified"},
    {400, "bad request"},
    {403, "forbidden"},
    {404, "not found"},
    {405, "method not allowed"},
    {409, "conflict"},
    {411, "length required"},
    {413, "content too large"},
    {414, "path too long"},
    {417, "expectation failed"},
    {422, "unprocessable content"},
    {429, "too many requests"},
    {431, "header fields too large"},
    {500, "internal error"},
    {502, "bad gateway"},
    {503, "service unavailable"},
    {505, "HTTP version not supported"},
};

const char *
http_status_text(unsigned status)
{
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        if (texts[i].status == status)
            return texts[i].text;
    return "unknown status";
}

/* --- the answer ------------------------------------------------------------
 */

static void
exchange_free(struct http_exchange *x)
{
    if (x->response != NULL)
        MHD_destroy_response(x->response);
    buf_clear(&x->body);
    free(x);
}

static struct MHD_Response *
response_of(const struct http_answer *a)
{
    struct MHD_Response *r;
    int fd = a->fd;

    if (!a->has_file)
        return MHD_create_response_from_buffer(
            a->body_len, (void *)(uintptr_t)a->body, MHD_RESPMEM_MUST_COPY);
    r = MHD_create_response_from_fd64(a->file_len, fd);
    if (r == NULL)
        os_close(&fd);
    return r;
}

static bool
add(struct MHD_Response *r, const char *name, const char *value)
{
    return value == NULL || MHD_add_response_header(r, name, value) == MHD_YES;
}

static bool
add_headers(struct MHD_Response *r, const struct http_answer *a, bool closes)
{
    char etag[128], wait[16];

    (void)snprintf(etag, sizeof(etag), "\"%s\"", a->etag ? a->etag : "");
    (void)snprintf(wait, sizeof(wait), "%u", a->retry_after_s);
    return add(r, MHD_HTTP_HEADER_CONTENT_TYPE,
               a->status == 304          ? NULL
               : a->content_type != NULL ? a->content_type
                                         : "text/plain; charset=utf-8") &&
           add(r, MHD_HTTP_HEADER_CACHE_CONTROL,
               a->cache_control ? a->cache_control : "no-store") &&
           add(r, MHD_HTTP_HEADER_ETAG, a->etag ? etag : NULL) &&
           add(r, MHD_HTTP_HEADER_ALLOW, a->allow) &&
           add(r, MHD_HTTP_HEADER_RETRY_AFTER,
               a->retry_after_s ? wait : NULL) &&
           add(r, "X-Content-Type-Options", "nosniff") &&
           add(r, MHD_HTTP_HEADER_CONNECTION, closes ? "close" : NULL);
}

/* Out of memory leaves no response: the connection is closed then. */
static void
make_response(struct http_exchange *x, const struct http_answer *a, bool closes)
{
    struct http_answer own = *a;

    if (a->status == 200 && a->etag != NULL &&
        http_guard_matches(x->if_none_match, a->etag)) {
        if (own.has_file)
            os_close(&own.fd);
        own.status = 304;
        own.has_file = false;
        own.body_len = 0;
    }
    x->status = own.status;
    x->response = response_of(&own);
    if (x->response != NULL && !add_headers(x->response, &own, closes)) {
        MHD_destroy_response(x->response);
        x->response = NULL;
    }
}

void
http_answer(struct http_exchange *x, const struct http_answer *a)
{
    int fd = a->fd;

    if (x->conn == NULL) {
        if (a->has_file)
            os_close(&fd);
        exchange_free(x);
        return;
    }
    make_response(x, a, x->refused != 0);
    x->stage = ANSWERED;
    if (list_is_linked(&x->node)) {
        list_remove(&x->node);
        MHD_resume_connection(x->conn);
        http_server_wake(x->server);
    }
}

static void
answer_text(struct http_exchange *x, unsigned status, const char *allow,
            unsigned wait_s)
{
    char line[80];
    int n = snprintf(line, sizeof(line), "%u %s\n", status,
                     http_status_text(status));

    http_answer(x, &(struct http_answer){.status = status,
                                         .allow = allow,
                                         .retry_after_s = wait_s,
                                         .body = line,
                                         .body_len = (size_t)n});
}

void
http_answer_status(struct http_exchange *x, unsigned status)
{
    answer_text(x, status, NULL, 0);
}

void
http_answer_not_allowed(struct http_exchange *x, const char *allow)
{
    answer_text(x, 405, allow, 0);
}

static enum MHD_Result
send_answer(struct http_exchange *x)
{
    enum MHD_Result rc = MHD_NO;

    if (x->response != NULL)
        rc = MHD_queue_response(x->conn, x->status, x->response);
    if (rc == MHD_YES && x->status / 100 < 6)
        x->server->stats.answers[x->status / 100]++;
    return rc;
}

static enum MHD_Result
refuse(struct http_exchange *x)
{
    answer_text(x, x->refused, NULL, x->refused == 429 ? x->wait_s : 0);
    return send_answer(x);
}

/* --- the request -----------------------------------------------------------
 */

void *
http_on_uri(void *server, const char *uri, struct MHD_Connection *conn)
{
    struct http_exchange *x = calloc(1, sizeof(*x));

    if (x == NULL)
        return NULL;
    x->server = server;
    x->conn = conn;
    x->refused = http_guard_target(uri);
    if (x->refused == 0)
        memcpy(x->path, uri, strlen(uri));
    return x;
}

static enum MHD_Result
on_header(void *arg, enum MHD_ValueKind kind, const char *name,
          const char *value)
{
    (void)kind;
    http_guard_header(arg, name, value == NULL ? "" : value);
    return MHD_YES;
}

static enum http_method
method_of(const char *name)
{
    if (strcmp(name, "GET") == 0 || strcmp(name, "HEAD") == 0)
        return HTTP_GET;
    return strcmp(name, "POST") == 0 ? HTTP_POST : HTTP_OTHER;
}

static bool
is_too_fast(struct http_exchange *x)
{
    struct visit *v = http_visit_of(x->conn);

    x->wait_s = 1;
    return v->is_over || !http_visitors_ask(&x->server->visitors, v->visitor,
                                            clock_mono_ms(), &x->wait_s);
}

/* The request line is written with one blank between its parts. */
static bool
is_whole(const struct http_exchange *x, const struct http_head *head,
         const char *method, const char *version)
{
    size_t first = strlen(method) + 1 + strlen(x->path) + 1 + strlen(version);

    return http_guard_is_whole(
        head, first + 2,
        MHD_get_connection_info(x->conn,
                                MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE)
            ->header_size);
}

static enum MHD_Result
take_head(struct http_exchange *x, const char *method, const char *version)
{
    const struct http_limits *max = &x->server->limits;
    struct http_head head = {0};
    unsigned verdict;

    x->stage = BODY;
    x->request.method = method_of(method);
    (void)MHD_get_connection_values(x->conn, MHD_HEADER_KIND, on_header, &head);
    verdict = http_guard_head(&head, version, x->request.method == HTTP_POST,
                              x->request.method == HTTP_GET, max->head_max,
                              max->body_max);
    if (x->refused == 0)
        x->refused = is_whole(x, &head, method, version) ? verdict : 400;
    if ((x->refused == 0 || x->refused == 413) && is_too_fast(x))
        x->refused = 429;
    if (head.content_type != NULL &&
        strlen(head.content_type) < sizeof(x->content_type))
        strcpy(x->content_type, head.content_type);
    x->if_none_match = head.if_none_match;
    if (x->refused == 0 ||
        ((x->refused == 413 || x->refused == 429) && head.expectations == 0 &&
         head.body_len <= DROP_MAX))
        return MHD_YES;
    return refuse(x);
}

static enum MHD_Result
take_body(struct http_exchange *x, const char *bytes, size_t *len)
{
    if (x->refused == 0)
        buf_put(&x->body, bytes, *len);
    *len = 0;
    return buf_status(&x->body) == ERR_OK ? MHD_YES : MHD_NO;
}

static enum MHD_Result
ask_handler(struct http_exchange *x)
{
    struct http_server *s = x->server;

    if (x->refused != 0)
        return refuse(x);
    if (s->closing)
        return MHD_NO;
    x->stage = ASKED;
    x->request.path = x->path;
    x->request.content_type = x->content_type;
    x->request.body = x->body.data;
    x->request.body_len = x->body.len;
    s->handle(s->arg, x, &x->request);
    if (x->stage == ANSWERED)
        return send_answer(x);
    list_push_back(&s->waiting, &x->node);
    MHD_suspend_connection(x->conn);
    return MHD_YES;
}

enum MHD_Result
http_on_request(void *server, struct MHD_Connection *conn, const char *url,
                const char *method, const char *version, const char *bytes,
                size_t *len, void **exchange)
{
    struct http_exchange *x = *exchange;

    (void)server;
    (void)conn;
    (void)url;
    if (x == NULL)
        return MHD_NO;
    if (x->stage == HEAD)
        return take_head(x, method, version);
    if (*len > 0)
        return take_body(x, bytes, len);
    return x->stage == BODY ? ask_handler(x) : send_answer(x);
}

void
http_on_completed(void *server, struct MHD_Connection *conn, void **exchange,
                  enum MHD_RequestTerminationCode why)
{
    struct http_exchange *x = *exchange;
    struct visit *v = http_visit_of(conn);

    (void)server;
    *exchange = NULL;
    if (v != NULL && why == MHD_REQUEST_TERMINATED_COMPLETED_OK)
        http_visit_again(v);
    if (x == NULL)
        return;
    x->conn = NULL;
    if (x->stage != ASKED)
        exchange_free(x);
}

void
http_exchanges_orphan(struct http_server *s)
{
    struct list_node *n;

    while ((n = list_pop_front(&s->waiting)) != NULL)
        MHD_resume_connection(list_entry(n, struct http_exchange, node)->conn);
}
