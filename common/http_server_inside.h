/*
 * http_server_inside.h - what http_server.c (loop, connections) and
 * http_server_answer.c (requests, answers) share.  Nobody else includes it.
 */
#ifndef SEALPOST_COMMON_HTTP_SERVER_INSIDE_H
#define SEALPOST_COMMON_HTTP_SERVER_INSIDE_H

#include <microhttpd.h>

#include "common/http_guard.h"
#include "common/http_server.h"
#include "common/http_visitors.h"
#include "common/list.h"
#include "common/stream.h"

struct http_server {
    uv_loop_t *loop;
    uv_poll_t poll; /* libmicrohttpd's epoll descriptor */
    uv_timer_t timer;
    struct acceptor *acceptor;
    struct MHD_Daemon *mhd;
    struct http_limits limits;
    http_handler_fn *handle;
    void *arg;
    struct http_visitors visitors;
    struct list visits;     /* whose deadline comes first, first */
    struct list waiting;    /* exchanges whose answer comes later */
    struct visit *arriving; /* while libmicrohttpd is being given it */
    struct http_stats stats;
    bool inside;  /* libmicrohttpd is running */
    bool resumed; /* a connection is to go on in the next run */
    bool closing;
    unsigned users; /* open handles */
};

/* One connection; libmicrohttpd's socket_context. */
struct visit {
    struct list_node node; /* in server->visits until its time is up */
    struct http_server *server;
    struct http_visitor *visitor;
    uint64_t deadline_ms; /* of the next answer's end */
    int fd;
    bool is_over; /* above its address's bound: hears 429 and no more */
};

/* The callbacks of a request, in the order of their coming. */
void *http_on_uri(void *server, const char *uri, struct MHD_Connection *conn);
enum MHD_Result http_on_request(void *server, struct MHD_Connection *conn,
                                const char *url, const char *method,
                                const char *version, const char *bytes,
                                size_t *len, void **exchange);
void http_on_completed(void *server, struct MHD_Connection *conn,
                       void **exchange, enum MHD_RequestTerminationCode why);

/* The server closes: nobody waits for these answers any more. */
void http_exchanges_orphan(struct http_server *s);

/* A connection was resumed: run soon. */
void http_server_wake(struct http_server *s);

struct visit *http_visit_of(struct MHD_Connection *conn);
/* The next answer's time begins. */
void http_visit_again(struct visit *v);

#endif
