/*
 * http_server.h - a small HTTP/1.1 server as guest of a libuv loop.  THE
 * libmicrohttpd door.  Knows no paths: one handler is asked for everything.
 *
 * What reaches the handler is narrow: method GET (HEAD comes as GET, its body
 * is left out here) or POST or something else; a path of visible ASCII that
 * begins with '/' and has no query, no percent sign, no empty, "." or ".."
 * part; one Host; a body of exactly Content-Length bytes.  Everything else is
 * answered here: 400 (also what libmicrohttpd would let pass: two Hosts, two
 * Content-Lengths, Content-Length beside Transfer-Encoding, an absolute URI,
 * control bytes), 411, 413, 414, 417, 429 with Retry-After, 431, 505.  An
 * answer with an ETag that If-None-Match names becomes 304.
 *
 * Life: http_server_open() ... http_server_close(); the memory goes with the
 * loop's next turns.  All on the loop's thread.
 */
#ifndef SEALPOST_COMMON_HTTP_SERVER_H
#define SEALPOST_COMMON_HTTP_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <uv.h>

#include "common/buf.h"
#include "common/err.h"

/* Every bound is at least 1; requests_per_s 0 means no such bound. */
struct http_limits {
    unsigned connections_max;
    unsigned connections_per_address_max; /* an IPv6 customer is a /64 */
    unsigned requests_per_s;              /* of an address, lasting */
    unsigned requests_burst;              /* of an address, at once */
    size_t head_max;                      /* bytes, request line + headers */
    size_t body_max;                      /* bytes */
    unsigned idle_s;                      /* without a byte */
    unsigned request_s; /* from one answer's end to that of the next */
};

/* Enough for a server of small files, less than anybody needs to hurt it. */
extern const struct http_limits http_limits_default;

enum http_method { HTTP_GET, HTTP_POST, HTTP_OTHER };

/* Borrowed until the exchange is answered. */
struct http_request {
    enum http_method method;
    const char *path;
    const char *content_type; /* "": none, or more than 127 bytes */
    const uint8_t *body;
    size_t body_len;
};

/* Zeroed but for what is said.  Texts are borrowed during http_answer(). */
struct http_answer {
    unsigned status;           /* 200, 404, ... */
    const char *content_type;  /* NULL: text/plain; charset=utf-8 */
    const char *cache_control; /* NULL: no-store */
    const char *etag;          /* without quotes; NULL: none */
    const char *allow;         /* for 405: "GET, HEAD" */
    unsigned retry_after_s;    /* 0: none */
    const void *body;          /* copied; may be NULL */
    size_t body_len;
    bool has_file; /* FILE_LEN bytes of FD instead of BODY */
    int fd;        /* taken, also when the answer is never sent */
    uint64_t file_len;
};

struct http_server;
/* One request that waits for its answer. */
struct http_exchange;

/* Answer X by http_answer() or http_answer_status(), exactly once, now or
 * later; also when the server is closed in between (then nobody hears it).
 * REQ is borrowed until then. */
typedef void http_handler_fn(void *arg, struct http_exchange *x,
                             const struct http_request *req);

/* Listen on HOST (resolved at once) and PORT (0: any free one).  LIMITS is
 * copied; ARG is borrowed until http_server_close().  Errors of
 * acceptor_open(), ERR_NOMEM, ERR_IO. */
enum err http_server_open(struct http_server **out, uv_loop_t *loop,
                          const char *host, uint16_t port,
                          const struct http_limits *limits,
                          http_handler_fn *handle, void *arg);
/* The bound port. */
uint16_t http_server_port(const struct http_server *s);
/* Ends every connection at once.  Any time, also inside the handler; NULL is
 * fine.  The handler is not called any more. */
void http_server_close(struct http_server *s);

/* Gone after this call: X and its request. */
void http_answer(struct http_exchange *x, const struct http_answer *a);
/* A line of text says the same: "404 not found". */
void http_answer_status(struct http_exchange *x, unsigned status);
/* 405, and what is ALLOWed: "GET, HEAD". */
void http_answer_not_allowed(struct http_exchange *x, const char *allow);
/* The standard's words for a status, "not found"; never NULL. */
const char *http_status_text(unsigned status);

struct http_stats {
    uint64_t answers[6]; /* by class: [2] is 200-299; [0] unused */
    uint64_t connections_total;
    uint64_t turned_away_total; /* connections above a bound */
    unsigned connections;       /* now */
};

void http_server_stats(const struct http_server *s, struct http_stats *out);

#endif
