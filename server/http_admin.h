/*
 * http_admin.h - for those who watch the relay, on a listener of its own:
 *   /healthz  200: this process lives
 *   /readyz   200: the relay answers, its writer is not stuck, its disk not
 *             full; else 503 and which of these
 *   /metrics  Prometheus text: the relay's facts and this process's own; with
 *             sealpost_relay_up 0 when the relay does not answer
 * What the relay says is kept for a second; while it is being asked, whoever
 * comes waits for the same answer.
 *
 * Life: http_admin_open() ... http_admin_close(); freed when the loop has run
 * out.
 */
#ifndef SEALPOST_SERVER_HTTP_ADMIN_H
#define SEALPOST_SERVER_HTTP_ADMIN_H

#include <stdbool.h>
#include <stdint.h>

#include <uv.h>

#include "common/err.h"
#include "common/http_server.h"
#include "server/control_ask.h"
#include "server/http_files.h"

enum { HTTP_ADMIN_WAITING_MAX = 64 };

/* One question to the relay, its newest answer, and who waits for it. */
struct http_view {
    struct http_admin *admin;
    const char *question;
    void (*tell)(const struct http_view *v, struct http_exchange *x);
    struct control_question *asked; /* NULL: nothing is under way */
    struct buf answer;
    enum err rc;
    uint64_t at_ms; /* 0: never */
    struct http_exchange *waiting[HTTP_ADMIN_WAITING_MAX];
    unsigned waiting_count;
};

struct http_admin {
    uv_loop_t *loop;
    struct http_server *server;
    const struct http_files *files; /* for its counters */
    const char *data_dir;
    uint64_t started_ms;
    struct http_view status, metrics;
};

/* Borrows DATA_DIR and FILES until http_admin_close(). */
enum err http_admin_open(struct http_admin *a, uv_loop_t *loop,
                         const char *host, uint16_t port, const char *data_dir,
                         const struct http_files *files);
/* Again too. */
void http_admin_close(struct http_admin *a);

#endif
