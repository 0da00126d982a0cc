/*
 * stream_inside.h - what stream.c, stream_connect.c and acceptor.c share.
 * Nobody else includes it.
 */
#ifndef SEALPOST_COMMON_STREAM_INSIDE_H
#define SEALPOST_COMMON_STREAM_INSIDE_H

#include <stdbool.h>

#include "common/stream.h"

enum stream_state {
    STREAM_HELD,       /* accepted, not started */
    STREAM_CONNECTING, /* writes are queued */
    STREAM_OPEN,
    STREAM_FINISHING, /* sends the rest, then waits for the peer's end */
    STREAM_CLOSING,   /* waits for its handles */
};

struct stream_connecting;

struct stream {
    union {
        uv_handle_t handle;
        uv_stream_t stream;
        uv_tcp_t tcp;
        uv_pipe_t pipe;
    } h;
    uv_loop_t *loop;
    const struct stream_events *ev;
    void *arg;
    struct stream_connecting *connecting; /* NULL once connected */
    enum stream_state state;
    enum err why;
    int detail;      /* libuv's code of what went wrong, or 0 */
    unsigned users;  /* open handles and running requests that hold memory */
    bool has_handle; /* h is initialised and not closed */
    bool paused;
    bool writing; /* one uv_write at a time: NOW is libuv's, NEXT collects */
    bool shut;    /* uv_shutdown was asked for */
    size_t discarded; /* bytes dropped while finishing */
    struct buf now, next;
    uv_write_t write;
    uv_shutdown_t shutdown;
};

/* A stream in STATE with no handle yet.  NULL: no memory. */
struct stream *stream_new(uv_loop_t *loop, enum stream_state state,
                          const struct stream_events *ev, void *arg);
/* A handle was initialised in h: count it. */
void stream_has_handle(struct stream *s);
/* One user less; the last one frees the stream and tells its owner. */
void stream_release(struct stream *s);
/* The connection is there: read, and write what has waited. */
void stream_begin(struct stream *s);

/* Stops connecting; its handles and requests release the stream later. */
void stream_connecting_stop(struct stream *s);

#endif
