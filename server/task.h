/*
 * task.h - one write under way: the message it came from, the session that
 * waits for the answer (which may go away meanwhile), the operation.
 * Life: task_new() ... relay_submit() ... answer() once, then it is freed.
 */
#ifndef SEALPOST_SERVER_TASK_H
#define SEALPOST_SERVER_TASK_H

#include <stdbool.h>
#include <stdint.h>

#include "common/list.h"
#include "proto/msg.h"
#include "server/store_thread.h"

struct relay;
struct session;

struct task {
    struct store_job job;
    struct list_node node;    /* in session->tasks; unlinked without one */
    struct list_node waiting; /* in relay->waiting */
    struct relay *relay;
    struct session *session; /* NULL: nobody waits, or not any more */
    uint32_t req;
    bool is_holding; /* the session is paused until this is submitted */
    /* The result stands in job.op.result; SESSION may be NULL. */
    void (*answer)(struct task *t);
    void *arg;      /* the handler's */
    uint8_t *bytes; /* own copy of the message; the operation borrows it */
    struct msg msg;
    void *extra; /* heap, freed with the task */
};

/* With a copy of BYTES decoded again into task->msg (NULL: none).  The
 * operation's time is now.  NULL: no memory. */
struct task *task_new(struct relay *r, struct session *s, uint32_t req,
                      enum store_op_kind kind, const uint8_t *bytes, size_t len,
                      void (*answer)(struct task *t));
void task_free(struct task *t);
/* The session is gone. */
void task_orphan(struct task *t);

#endif
