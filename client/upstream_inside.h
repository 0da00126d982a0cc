/*
 * upstream_inside.h - shared by the upstream files only: upstream.c (the
 * connection), upstream_open.c (how it begins), upstream_call.c (questions and
 * blobs).
 */
#ifndef SEALPOST_CLIENT_UPSTREAM_INSIDE_H
#define SEALPOST_CLIENT_UPSTREAM_INSIDE_H

#include "client/upstream.h"
#include "common/stream.h"
#include "proto/link.h"

enum upstream_state { UP_CONNECTING, UP_SHAKING, UP_GREETING, UP_READY };

/* A BLOB_GET under way; WRITE is NULL when there is none. */
struct download {
    upstream_write_fn write;
    void *arg;
    uint32_t handle;
    uint64_t at, end;
    enum err rc; /* of WRITE */
};

/* A question asked ahead. */
struct ahead {
    uint32_t req; /* 0: free */
    bool is_here, is_forgotten;
    struct buf bytes; /* of its answer */
};

struct upstream {
    uv_loop_t loop;
    uv_timer_t link_timer, deadline;
    struct stream *stream; /* NULL: gone */
    struct link *link;
    enum upstream_state state;
    bool stranger;
    bool late; /* the deadline of what is waited for has passed */
    unsigned deadline_ms;
    const struct upstream_events *events;
    void *arg;
    struct buf dir_note, dlv_note;
    uint64_t relay_ms, relay_told_ms; /* its clock, at what time of ours */
    uint32_t req;
    bool asking, answered;
    struct buf answer_bytes;
    struct msg answer;
    struct ahead ahead[UPSTREAM_AHEAD];
    unsigned stray_error; /* wire code, 0: none */
    struct download down;
    unsigned pushes;
    enum err why; /* first reason of the end */
    unsigned bye_code;
    char detail[120]; /* the system's words for the end */
};

extern const struct stream_events upstream_stream_events;

struct upstream *upstream_new(const struct link_client_config *cfg,
                              unsigned deadline_ms);
/* From now on MS until upstream_turn gives up. */
void upstream_deadline(struct upstream *u, uint64_t ms);
/* One turn of the loop.  False: gone, or late. */
bool upstream_turn(struct upstream *u);
/* Sends what the link has queued. */
void upstream_flush(struct upstream *u);
/* Sends WELCOME or a question. */
enum err upstream_say(struct upstream *u, uint8_t type, uint32_t req,
                      const struct msg_field *f, unsigned n);
/* Decodes BYTES as the answer that is waited for. */
enum err upstream_take_answer(struct upstream *u, const uint8_t *bytes,
                              size_t len);
/* The answer REQ, when it was asked ahead.  ERR_NOTFOUND: it was not. */
enum err upstream_take_ahead(struct upstream *u, uint32_t req,
                             const uint8_t *bytes, size_t len);
/* What an answer says to who wanted WANT (upstream_call). */
enum err upstream_judge(struct upstream *u, uint8_t want,
                        const struct msg **answer, unsigned *wire_code,
                        struct problem *pb);
/* Waits until *DONE.  P_UNREACHABLE and so on; the connection is closed. */
enum err upstream_await(struct upstream *u, const bool *done,
                        struct problem *pb);
/* Why the connection is no more, in words; gives the error. */
enum err upstream_end_problem(const struct upstream *u, struct problem *pb);

#endif
