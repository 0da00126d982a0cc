#include "common/http_client.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>

#include "common/list.h"

/* Bytes of an answer's status lines, headers and trailers: libcurl keeps all of
 * them, however many come. */
enum { HEAD_MAX = 32 * 1024 };

struct http_client {
    CURLM *multi;
    struct list asked; /* struct question, under way */
    size_t busy;
};

struct question {
    struct list_node node;
    CURL *easy;
    struct curl_slist *headers;
    struct buf answer;
    size_t answer_max;
    size_t head_len;
    bool is_too_big;
    http_done_fn *done;
    void *arg;
};

static pthread_once_t once = PTHREAD_ONCE_INIT;

static void
init_library(void)
{
    (void)curl_global_init(CURL_GLOBAL_DEFAULT);
}

enum err
http_client_open(struct http_client **out)
{
    struct http_client *c = calloc(1, sizeof(*c));

    (void)pthread_once(&once, init_library);
    if (c != NULL)
        c->multi = curl_multi_init();
    if (c == NULL || c->multi == NULL) {
        free(c);
        return ERR_NOMEM;
    }
    list_init(&c->asked);
    *out = c;
    return ERR_OK;
}

/* ---- one question ---- */

static void
question_free(struct question *q)
{
    if (q == NULL)
        return;
    curl_easy_cleanup(q->easy);
    curl_slist_free_all(q->headers);
    buf_clear(&q->answer);
    free(q);
}

static size_t
on_body(char *bytes, size_t one, size_t len, void *arg)
{
    struct question *q = arg;

    len *= one;
    q->is_too_big = len > q->answer_max - q->answer.len;
    if (q->is_too_big)
        return 0;
    buf_put(&q->answer, bytes, len);
    return buf_status(&q->answer) == ERR_OK ? len : 0;
}

static size_t
on_head(char *bytes, size_t one, size_t len, void *arg)
{
    struct question *q = arg;

    (void)bytes;
    len *= one;
    q->is_too_big = len > HEAD_MAX - q->head_len;
    if (q->is_too_big)
        return 0;
    q->head_len += len;
    return len;
}

static bool
add_header(struct question *q, const char *text)
{
    struct curl_slist *more = curl_slist_append(q->headers, text);

    if (more != NULL)
        q->headers = more;
    return more != NULL;
}

static bool
add_headers(struct question *q, const char *content_type)
{
    struct buf line = {0};
    bool is_done;

    buf_printf(&line, "Content-Type: %s",
               content_type != NULL ? content_type
                                    : "text/plain; charset=utf-8");
    is_done = buf_status(&line) == ERR_OK &&
              add_header(q, (const char *)line.data) &&
              add_header(q, "Expect:"); /* no question before the question */
    buf_clear(&line);
    return is_done;
}

/* What is sent, and what it may cost. */
static bool
set_options(struct question *q, const struct http_post *p)
{
    CURL *e = q->easy;

    return curl_easy_setopt(e, CURLOPT_URL, p->url) == CURLE_OK &&
           curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE, (long)p->body_len) ==
               CURLE_OK &&
           curl_easy_setopt(e, CURLOPT_COPYPOSTFIELDS, p->body) == CURLE_OK &&
           curl_easy_setopt(e, CURLOPT_HTTPHEADER, q->headers) == CURLE_OK &&
           curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, (long)p->deadline_ms) ==
               CURLE_OK &&
           curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_body) == CURLE_OK &&
           curl_easy_setopt(e, CURLOPT_WRITEDATA, q) == CURLE_OK &&
           curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, on_head) == CURLE_OK &&
           curl_easy_setopt(e, CURLOPT_HEADERDATA, q) == CURLE_OK &&
           curl_easy_setopt(e, CURLOPT_PRIVATE, q) == CURLE_OK;
}

/* What a witness, or whoever answers in its place, cannot make us do. */
static bool
set_limits(CURL *e)
{
    return curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https") ==
               CURLE_OK &&
           curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK &&
           curl_easy_setopt(e, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED) ==
               CURLE_OK &&
           curl_easy_setopt(e, CURLOPT_PROXY, "") == CURLE_OK &&
           curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
           curl_easy_setopt(e, CURLOPT_QUICK_EXIT, 1L) == CURLE_OK &&
           curl_easy_setopt(e, CURLOPT_HTTP_VERSION,
                            (long)CURL_HTTP_VERSION_1_1) == CURLE_OK;
}

enum err
http_client_post(struct http_client *c, const struct http_post *post)
{
    struct question *q = calloc(1, sizeof(*q));

    if (q == NULL)
        return ERR_NOMEM;
    q->answer_max = post->answer_max;
    q->done = post->done;
    q->arg = post->arg;
    q->easy = curl_easy_init();
    if (q->easy == NULL || !add_headers(q, post->content_type) ||
        !set_options(q, post) || !set_limits(q->easy) ||
        curl_multi_add_handle(c->multi, q->easy) != CURLM_OK) {
        question_free(q);
        return ERR_NOMEM;
    }
    list_push_back(&c->asked, &q->node);
    c->busy++;
    return ERR_OK;
}

/* ---- answers ---- */

static enum err
what_happened(const struct question *q, CURLcode code)
{
    static const struct {
        CURLcode code;
        enum err err;
    } known[] = {
        {CURLE_OK, ERR_OK},
        {CURLE_OPERATION_TIMEDOUT, ERR_TIMEOUT},
        {CURLE_PEER_FAILED_VERIFICATION, ERR_AUTH},
        {CURLE_SSL_CONNECT_ERROR, ERR_AUTH},
        {CURLE_SSL_CACERT_BADFILE, ERR_AUTH},
        {CURLE_URL_MALFORMAT, ERR_MALFORMED},
        {CURLE_UNSUPPORTED_PROTOCOL, ERR_MALFORMED},
        {CURLE_WEIRD_SERVER_REPLY, ERR_MALFORMED},
        {CURLE_OUT_OF_MEMORY, ERR_NOMEM},
    };

    if (q->is_too_big)
        return ERR_TOOBIG;
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (known[i].code == code)
            return known[i].err;
    return ERR_UNREACHABLE;
}

static void
finish(struct http_client *c, struct question *q, enum err rc)
{
    static const struct buf nothing;
    long status = 0;

    (void)curl_easy_getinfo(q->easy, CURLINFO_RESPONSE_CODE, &status);
    (void)curl_multi_remove_handle(c->multi, q->easy);
    list_remove(&q->node);
    c->busy--;
    q->done(q->arg, rc, rc == ERR_OK ? (unsigned)status : 0,
            rc == ERR_OK ? &q->answer : &nothing);
    question_free(q);
}

static bool
take_finished(struct http_client *c)
{
    int left;
    CURLMsg *m = curl_multi_info_read(c->multi, &left);
    char *private = NULL;
    struct question *q;
    enum err rc;

    if (m == NULL)
        return false;
    if (m->msg != CURLMSG_DONE)
        return true;
    (void)curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &private);
    q = (struct question *)(void *)private;
    rc = what_happened(q, m->data.result);
    finish(c, q, rc);
    return true;
}

static bool
move_on(struct http_client *c)
{
    bool has_news = false;
    int running;

    (void)curl_multi_perform(c->multi, &running);
    while (take_finished(c))
        has_news = true;
    return has_news;
}

void
http_client_poll(struct http_client *c, unsigned wait_ms)
{
    if (move_on(c))
        return;
    (void)curl_multi_poll(c->multi, NULL, 0, (int)wait_ms, NULL);
    (void)move_on(c);
}

size_t
http_client_busy(const struct http_client *c)
{
    return c->busy;
}

void
http_client_wake(struct http_client *c)
{
    (void)curl_multi_wakeup(c->multi);
}

void
http_client_close(struct http_client *c)
{
    struct list_node *n;

    if (c == NULL)
        return;
    while ((n = list_first(&c->asked)) != NULL)
        finish(c, list_entry(n, struct question, node), ERR_CANCELLED);
    (void)curl_multi_cleanup(c->multi);
    free(c);
}
