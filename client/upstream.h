/*
 * upstream.h - the client's end of one connection to the relay: Noise link,
 * WELCOME, questions and answers, pushes, blobs.  Blocking calls on a libuv
 * loop of its own, so that a command reads top to bottom.
 *
 * upstream_open (XK) -> call, call, ... -> upstream_close
 * Pushes (DELIVER, EVENTS, DIR) arrive during any call and in upstream_wait().
 */
#ifndef SEALPOST_CLIENT_UPSTREAM_H
#define SEALPOST_CLIENT_UPSTREAM_H

#include <stdbool.h>
#include <stdint.h>

#include "client/problem.h"
#include "common/buf.h"
#include "proto/crypto.h"
#include "proto/ids.h"
#include "proto/msg.h"

struct upstream;
struct identity;

struct upstream_events {
    /* A push; M is borrowed until the call returns.  Must not call the
     * upstream: queue it and answer from the command's own flow. */
    void (*push)(void *arg, const struct msg *m);
};

struct upstream_options {
    bool mail;            /* be the device's mailbox session */
    unsigned deadline_ms; /* for connecting and for each answer */
    const struct upstream_events *events;
    void *arg;
    /* Our newest checkpoints as notes, for WELCOME; empty when none. */
    struct span directory_checkpoint;
    struct span delivery_checkpoint;
};

/* Connects as an admitted device (Noise XK) and exchanges WELCOME.
 * P_UNREACHABLE, or P_RELAY_KEY when somebody else answers there. */
enum err upstream_open(const struct identity *id,
                       const struct upstream_options *opt,
                       struct upstream **out, struct problem *pb);
/* Connects without identity (Noise NK): JOIN, JOIN_STATUS, STMT_PUT only. */
enum err upstream_open_stranger(const char *address, const char *relay_name,
                                const struct dh_key *relay_key,
                                unsigned deadline_ms, struct upstream **out,
                                struct problem *pb);
void upstream_close(struct upstream *u);

bool upstream_is_alive(const struct upstream *u);

/* The relay's WELCOME: its two checkpoints (notes, borrowed); its clock, as it
 * told it at the beginning and has gone on since. */
struct span upstream_directory_checkpoint(const struct upstream *u);
struct span upstream_delivery_checkpoint(const struct upstream *u);
uint64_t upstream_relay_ms(const struct upstream *u);

/* Sends one question and waits for its answer.  ANSWER is borrowed until the
 * next call.  A wire ERROR becomes ERR_REFUSED (or what fits) with PB telling
 * the relay's code; *wire_code, when given, gets its number (0: none). */
enum err upstream_call(struct upstream *u, uint8_t type,
                       const struct msg_field *fields, unsigned n, uint8_t want,
                       const struct msg **answer, unsigned *wire_code,
                       struct problem *pb);
/* Questions ahead of their time, so that the relay works while the last answer
 * is worked on.  upstream_ask() sends one and does not wait; *TICKET is for
 * upstream_answer(), once, in any order, which otherwise is upstream_call().
 * ERR_FULL above UPSTREAM_AHEAD at a time. */
enum { UPSTREAM_AHEAD = 8 };
enum err upstream_ask(struct upstream *u, uint8_t type,
                      const struct msg_field *fields, unsigned n,
                      uint32_t *ticket, struct problem *pb);
enum err upstream_answer(struct upstream *u, uint32_t ticket, uint8_t want,
                         const struct msg **answer, unsigned *wire_code,
                         struct problem *pb);
/* Nobody will ask for the answer of TICKET, whenever it comes. */
void upstream_forget(struct upstream *u, uint32_t ticket);
/* Uploads LEN bytes from READ (pread-like) at OFFSET on HANDLE; back-pressure
 * keeps the memory O(chunk). */
typedef enum err (*upstream_read_fn)(void *arg, uint64_t offset, uint8_t *out,
                                     size_t len);
typedef enum err (*upstream_write_fn)(void *arg, uint64_t offset,
                                      const uint8_t *bytes, size_t len);
enum err upstream_upload(struct upstream *u, uint32_t handle, uint64_t offset,
                         uint64_t len, upstream_read_fn read, void *arg,
                         struct problem *pb);
/* BLOB_GET of what OWNER calls ID, and its records, in order, to WRITE. */
enum err upstream_download(struct upstream *u, const struct agency_id *owner,
                           const struct att_id *id, uint64_t offset,
                           uint64_t len, upstream_write_fn write, void *arg,
                           struct problem *pb);
/* Runs the loop until a push came, the connection ended (ERR_CLOSED,
 * *bye_code) or MAX_MS passed (ERR_TIMEOUT); keeps it alive with idles. */
enum err upstream_wait(struct upstream *u, uint64_t max_ms, unsigned *bye_code);

#endif
