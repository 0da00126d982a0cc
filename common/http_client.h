/*
 * http_client.h - questions by HTTP POST, many at a time on one thread.  THE
 * libcurl door.  Knows no meaning of what it carries.
 *
 * Narrow on purpose: http and https only, certificates checked, no redirects,
 * no cookies, no proxies of the environment, no credentials, one bound on the
 * answer and one on its headers and trailers, one deadline over everything from
 * the name's look-up to the last byte.
 *
 * Life: http_client_open() ... http_client_close().  All calls but
 * http_client_wake() are made on one thread.
 */
#ifndef SEALPOST_COMMON_HTTP_CLIENT_H
#define SEALPOST_COMMON_HTTP_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/err.h"

struct http_client;

/* ERR_OK: a whole answer came, whatever its STATUS.  ERR_TIMEOUT,
 * ERR_UNREACHABLE (no such name, refused, reset), ERR_AUTH (the certificate),
 * ERR_TOOBIG, ERR_CANCELLED (closed), ERR_MALFORMED (the URL, or no HTTP),
 * ERR_NOMEM.  BODY is borrowed for the call and empty unless ERR_OK. */
typedef void http_done_fn(void *arg, enum err rc, unsigned status,
                          const struct buf *body);

struct http_post {
    const char *url;
    const char *content_type; /* NULL: text/plain; charset=utf-8 */
    const void *body;
    size_t body_len;
    size_t answer_max; /* bytes */
    uint64_t deadline_ms;
    http_done_fn *done;
    void *arg;
};

/* ERR_NOMEM. */
enum err http_client_open(struct http_client **out);
/* Every question under way is told ERR_CANCELLED.  NULL is fine. */
void http_client_close(struct http_client *c);

/* Copies POST.  done() comes from a later call, exactly once.  ERR_NOMEM: it
 * never comes. */
enum err http_client_post(struct http_client *c, const struct http_post *post);
/* Moves everything on and calls done() of what is finished; waits for at most
 * WAIT_MS when nothing happens.  done() may post. */
void http_client_poll(struct http_client *c, unsigned wait_ms);
/* Questions under way. */
size_t http_client_busy(const struct http_client *c);
/* From any thread: the poll under way, or the next one, waits no longer. */
void http_client_wake(struct http_client *c);

#endif
