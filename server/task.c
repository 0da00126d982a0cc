#include "server/task.h"

#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "server/relay.h"
#include "server/session.h"

static void
on_done(struct store_job *job)
{
    struct task *t = job->arg;

    relay_announce(t->relay, &job->op.result);
    t->answer(t);
    task_free(t);
}

struct task *
task_new(struct relay *r, struct session *s, uint32_t req,
         enum store_op_kind kind, const uint8_t *bytes, size_t len,
         void (*answer)(struct task *t))
{
    struct task *t = calloc(1, sizeof(*t));

    if (t == NULL)
        return NULL;
    t->relay = r;
    t->req = req;
    t->answer = answer;
    t->job.op.kind = kind;
    t->job.op.now_ms = clock_wall_ms();
    t->job.done = on_done;
    t->job.arg = t;
    if (bytes != NULL) {
        t->bytes = malloc(len);
        if (t->bytes == NULL)
            goto fail;
        memcpy(t->bytes, bytes, len);
        if (msg_decode(&t->msg, MSG_FROM_CLIENT, t->bytes, len) != ERR_OK)
            goto fail;
    }
    t->session = s;
    if (s != NULL)
        list_push_back(session_tasks(s), &t->node);
    return t;
fail:
    task_free(t);
    return NULL;
}

void
task_free(struct task *t)
{
    if (t == NULL)
        return;
    list_remove(&t->node);
    list_remove(&t->waiting);
    if (t->session != NULL)
        session_task_done(t->session);
    store_op_clear(&t->job.op);
    msg_clear(&t->msg);
    free(t->bytes);
    free(t->extra);
    free(t);
}

void
task_orphan(struct task *t)
{
    list_remove(&t->node);
    t->session = NULL;
}
