/*
 * stream.h - bytes in and out of one libuv stream (TCP or a Unix socket), and
 * the sockets that strangers connect to.  Knows no frames, no keys.
 *
 * Life: stream_open() / stream_connect() / accepted + stream_start()
 *       ... stream_close() or stream_finish() ... closed(), after which it is
 *       gone.  Events come from the loop only, never from inside a call.
 *
 * Deadlines after the connection is made are the owner's: one timer per object.
 */
#ifndef SEALPOST_COMMON_STREAM_H
#define SEALPOST_COMMON_STREAM_H

#include <stddef.h>
#include <stdint.h>

#include <uv.h>

#include "common/buf.h"
#include "common/err.h"

/* Enough to keep a socket busy while its owner makes more. */
#define STREAM_LOW_BYTES ((size_t)64 * 1024)
/* What one event can carry at most. */
#define STREAM_READ_MAX ((size_t)64 * 1024)
/* "[IPv6 address%scope]:port" and the terminator. */
#define STREAM_PEER_MAX 80

struct stream;

struct stream_events {
    /* stream_connect() only: the connection is made.  May be NULL. */
    void (*connected)(void *arg);
    /* BYTES are borrowed until the call returns; LEN is 1..STREAM_READ_MAX. */
    void (*bytes)(void *arg, const uint8_t *bytes, size_t len);
    /* Bytes were sent, and at most STREAM_LOW_BYTES wait.  May be NULL. */
    void (*drained)(void *arg);
    /* Exactly once, last.  WHY is the first reason given: that of
     * stream_close(), or ERR_CLOSED when the peer ended or broke the
     * connection, ERR_UNREACHABLE or ERR_TIMEOUT when it was never made,
     * ERR_NOMEM.  Here stream_detail() is still allowed. */
    void (*closed)(void *arg, enum err why);
};

/* Start reading.  Takes FD, a connected socket; borrows EV and ARG until
 * closed().  Gives NULL when out of memory or FD is no socket; FD is closed
 * then. */
struct stream *stream_open(uv_loop_t *loop, int fd,
                           const struct stream_events *ev, void *arg);

/* Connect to HOST (a name or a numeric address) and start reading, all within
 * DEADLINE_MS.  Every address that HOST has is tried in turn.  Borrows EV and
 * ARG until closed().  NULL when out of memory; any other failure is told by
 * closed(). */
struct stream *stream_connect(uv_loop_t *loop, const char *host, uint16_t port,
                              uint64_t deadline_ms,
                              const struct stream_events *ev, void *arg);
/* The same for the Unix socket at PATH. */
struct stream *stream_connect_unix(uv_loop_t *loop, const char *path,
                                   const struct stream_events *ev, void *arg);

/* Sends a copy of the bytes, in order.  Writing before connected() is fine;
 * writing to a stream that is closing is silently dropped.  Out of memory
 * closes the stream.  Nothing bounds the queue but its owner: see
 * stream_unsent(). */
void stream_write(struct stream *s, const void *bytes, size_t len);
/* Bytes written and not yet given to the kernel. */
size_t stream_unsent(const struct stream *s);

/* Back-pressure: no bytes event between pause and resume.  Idempotent. */
void stream_pause(struct stream *s);
void stream_resume(struct stream *s);

/* At once; what is unsent is lost.  Any time, again too. */
void stream_close(struct stream *s, enum err why);
/* The same, and the peer sees "connection reset" instead of an end. */
void stream_reset(struct stream *s, enum err why);
/* Sends what is queued, tells the peer that no more follows, drops what still
 * comes in (1 MiB at most, then it is rude) and closes when the peer has.
 * stream_close() cuts it short, so the owner's deadline goes on counting. */
void stream_finish(struct stream *s, enum err why);

/* The peer as people and logs see it: "192.0.2.7:4431", "[2001:db8::1]:4431",
 * "unix", or "?" when there is none.  OUT has STREAM_PEER_MAX bytes. */
void stream_peer_text(const struct stream *s, char *out);
/* For counting per address: IPv6, or IPv4 mapped into it (RFC 4291 2.5.5.2);
 * all zeros when there is none. */
void stream_peer_address(const struct stream *s, uint8_t out[16]);
/* The system's words for what went wrong ("connection refused"), or "".
 * Static text. */
const char *stream_detail(const struct stream *s);

/*
 * An acceptor listens.  Life: acceptor_open() ... acceptor_close() ...
 * closed().  When the system cannot accept (descriptors, memory) it stops
 * listening for a moment and tries again; it never spins.
 */
struct acceptor;

struct acceptor_events {
    /* Gives S, which reads nothing yet: call stream_start(), or stream_close()
     * to turn it away (no closed() follows then). */
    void (*accepted)(void *arg, struct stream *s);
    /* A connection could not be accepted; for metrics and log.  May be NULL. */
    void (*failed)(void *arg, enum err why);
    /* Exactly once, last.  May be NULL. */
    void (*closed)(void *arg);
};

/* Listen on HOST ("127.0.0.1", "::", a name; resolved at once) and PORT (0: any
 * free one).  Borrows EV and ARG until closed().  ERR_NOTFOUND: no such host;
 * ERR_BUSY: the port is taken; ERR_REFUSED: not allowed; ERR_IO; ERR_NOMEM. */
enum err acceptor_open(struct acceptor **out, uv_loop_t *loop, const char *host,
                       uint16_t port, int backlog,
                       const struct acceptor_events *ev, void *arg);
/* Listen on a Unix socket at PATH, mode 0600.  What is left there by a process
 * that died is replaced: the caller holds the directory's lock.  ERR_TOOBIG:
 * PATH does not fit a socket address. */
enum err acceptor_open_unix(struct acceptor **out, uv_loop_t *loop,
                            const char *path, int backlog,
                            const struct acceptor_events *ev, void *arg);
/* The bound TCP port; 0 for a Unix socket. */
uint16_t acceptor_port(const struct acceptor *a);
/* Any time, again too.  Accepted streams live on. */
void acceptor_close(struct acceptor *a);

/* Starts an accepted stream.  Borrows EV and ARG until closed(). */
void stream_start(struct stream *s, const struct stream_events *ev, void *arg);
/* Takes S, accepted and not started; gives its socket to a library that reads
 * and writes by itself, -1 when there is no descriptor left. */
int stream_into_socket(struct stream *s);

#endif
