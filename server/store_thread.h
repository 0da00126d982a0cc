/*
 * store_thread.h - the one thread that writes: takes all jobs waiting, applies
 * them in one transaction (store.h), hands them back together: group commit.
 * Knows no loop: it calls wake(), from its own thread, when store_thread_poll()
 * has something to hand back (the loop's uv_async_send() fits).
 *
 * Life: store_thread_open() ... store_thread_close().  All calls but wake() are
 * made and answered on one thread, the owner's.
 */
#ifndef SEALPOST_SERVER_STORE_THREAD_H
#define SEALPOST_SERVER_STORE_THREAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "server/store.h"

struct store_thread;

/* One operation under way; embed it in whatever waits for the answer.  Lent to
 * the thread from submit until done() is called, exactly once.  After done()
 * the owner clears (store_op_clear) and frees it. */
struct store_job {
    struct store_op op;
    void (*done)(struct store_job *job);
    void *arg;              /* the owner's */
    struct store_job *next; /* the thread's */
    size_t bytes;           /* the thread's */
};

struct store_thread_options {
    size_t ops_max;   /* jobs waiting or under way; 0: 4096 */
    size_t bytes_max; /* their bytes; 0: 64 MiB */
    /* On the writer's thread: let the owner call store_thread_poll() soon. */
    void (*wake)(void *arg);
    /* From poll(): there is room again after a submit was told ERR_FULL. */
    void (*drained)(void *arg);
    /* From poll(): the outcome of a batch is unknown or the disk is damaged.
     * Its jobs are never answered.  Exit the process. */
    void (*fatal)(void *arg, enum err why);
    void *arg;
};

/* Borrows ST until close.  ERR_NOMEM. */
enum err store_thread_open(struct store *st,
                           const struct store_thread_options *options,
                           struct store_thread **out);

/* Lends JOB.  ERR_FULL: the queue is full, JOB was not taken; stop reading
 * from whoever brought it until drained().  One job is always taken when the
 * queue is empty, whatever its size.  ERR_STATE: closing or after fatal(). */
enum err store_thread_submit(struct store_thread *t, struct store_job *job);
/* True when the next submit of BYTES would be told ERR_FULL. */
bool store_thread_is_full(const struct store_thread *t, size_t bytes);

/* Calls done() of every job that was answered, in order of submission; then
 * drained() or fatal() when due.  done() may submit; it may not close. */
void store_thread_poll(struct store_thread *t);

/* Applies what is waiting, answers it through done() (from inside this call),
 * joins the thread, frees T.  NULL is fine. */
void store_thread_close(struct store_thread *t);

struct store_thread_stats {
    uint64_t batches, ops;
    uint64_t largest_batch;
    size_t waiting, waiting_bytes;
    uint64_t busy_ms;  /* of the batch under way; 0: none is */
    bool is_disk_full; /* the last batch was told ERR_FULL */
};
struct store_thread_stats store_thread_stats(const struct store_thread *t);

#endif
