/*
 *   submit -> waiting -> (the writer takes all) -> store_apply -> finished
 *   -> wake -> poll -> done
 *
 * What can go wrong: the store says ERR_FULL or ERR_NOMEM (answered like any
 * result), or something fatal: then the batch is never answered and the thread
 * stops.
 */
#include "server/store_thread.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"

enum { OPS_DEFAULT = 4096, BYTES_DEFAULT = 64 * 1024 * 1024 };

struct queue {
    struct store_job *first;
    struct store_job **end;
    size_t n;
};

struct store_thread {
    struct store *st;
    struct store_thread_options opt;
    pthread_t thread;

    pthread_mutex_t lock; /* for what follows, up to the next blank line */
    pthread_cond_t work;
    struct queue waiting;
    struct queue finished;
    bool stop;
    enum err fatal;
    struct store_thread_stats stats;
    uint64_t busy_since_ms; /* 0: no batch is under way */

    /* The owner's thread only. */
    size_t ops, bytes; /* lent and not answered */
    bool was_full;
    bool told_fatal;
    bool is_closing;

    /* The writer's thread only. */
    struct store_op **batch;
    size_t batch_cap;
};

static void
queue_init(struct queue *q)
{
    q->first = NULL;
    q->end = &q->first;
    q->n = 0;
}

static void
queue_put(struct queue *q, struct store_job *job)
{
    job->next = NULL;
    *q->end = job;
    q->end = &job->next;
    q->n++;
}

/* Moves all of FROM behind TO. */
static void
queue_move(struct queue *to, struct queue *from)
{
    if (from->first == NULL)
        return;
    *to->end = from->first;
    to->end = from->end;
    to->n += from->n;
    queue_init(from);
}

/* ---- the writer ---- */

/* The ops of TAKEN as the store wants them; grows to the largest batch. */
static enum err
fill_batch(struct store_thread *t, const struct queue *taken)
{
    struct store_job *job;
    size_t i = 0;

    if (taken->n > t->batch_cap) {
        struct store_op **more =
            realloc(t->batch, taken->n * sizeof(*t->batch));

        if (more == NULL)
            return ERR_NOMEM;
        t->batch = more;
        t->batch_cap = taken->n;
    }
    for (job = taken->first; job != NULL; job = job->next)
        t->batch[i++] = &job->op;
    return ERR_OK;
}

static void
say_no_memory(struct queue *taken)
{
    struct store_job *job;

    for (job = taken->first; job != NULL; job = job->next)
        job->op.result.why = STORE_WHY_MEMORY;
}

static enum err
write_batch(struct store_thread *t, struct queue *taken)
{
    enum err rc = fill_batch(t, taken);

    if (rc != ERR_OK) {
        say_no_memory(taken);
        return rc;
    }
    return store_apply(t->st, t->batch, taken->n);
}

static bool
is_answer(enum err rc)
{
    return rc == ERR_OK || rc == ERR_FULL || rc == ERR_NOMEM;
}

static void
count(struct store_thread_stats *s, size_t n, enum err rc)
{
    s->batches++;
    s->ops += n;
    if (n > s->largest_batch)
        s->largest_batch = n;
    s->is_disk_full = rc == ERR_FULL;
}

/* Takes all that waits; false: nothing any more, stop. */
static bool
take(struct store_thread *t, struct queue *taken)
{
    queue_init(taken);
    pthread_mutex_lock(&t->lock);
    while (t->waiting.first == NULL && !t->stop)
        pthread_cond_wait(&t->work, &t->lock);
    queue_move(taken, &t->waiting);
    t->busy_since_ms = clock_mono_ms();
    pthread_mutex_unlock(&t->lock);
    return taken->first != NULL;
}

static void
give_back(struct store_thread *t, struct queue *taken, enum err rc)
{
    pthread_mutex_lock(&t->lock);
    count(&t->stats, taken->n, rc);
    t->busy_since_ms = 0;
    if (is_answer(rc))
        queue_move(&t->finished, taken);
    else
        t->fatal = rc;
    pthread_mutex_unlock(&t->lock);
}

static void *
run(void *arg)
{
    struct store_thread *t = arg;
    struct queue taken;
    enum err rc = ERR_OK;

    while (is_answer(rc) && take(t, &taken)) {
        rc = write_batch(t, &taken);
        give_back(t, &taken, rc);
        if (t->opt.wake != NULL)
            t->opt.wake(t->opt.arg);
    }
    return NULL;
}

/* ---- the owner ---- */

enum err
store_thread_open(struct store *st, const struct store_thread_options *options,
                  struct store_thread **out)
{
    struct store_thread *t = calloc(1, sizeof(*t));

    if (t == NULL)
        return ERR_NOMEM;
    t->st = st;
    t->opt = *options;
    if (t->opt.ops_max == 0)
        t->opt.ops_max = OPS_DEFAULT;
    if (t->opt.bytes_max == 0)
        t->opt.bytes_max = BYTES_DEFAULT;
    queue_init(&t->waiting);
    queue_init(&t->finished);
    pthread_mutex_init(&t->lock, NULL);
    pthread_cond_init(&t->work, NULL);
    if (pthread_create(&t->thread, NULL, run, t) != 0) {
        pthread_mutex_destroy(&t->lock);
        pthread_cond_destroy(&t->work);
        free(t);
        return ERR_NOMEM;
    }
    *out = t;
    return ERR_OK;
}

bool
store_thread_is_full(const struct store_thread *t, size_t bytes)
{
    if (t->ops == 0)
        return false;
    return t->ops >= t->opt.ops_max || t->bytes >= t->opt.bytes_max ||
           bytes > t->opt.bytes_max - t->bytes;
}

enum err
store_thread_submit(struct store_thread *t, struct store_job *job)
{
    size_t bytes = store_op_bytes(&job->op);
    bool is_dead;

    if (t->is_closing || t->told_fatal)
        return ERR_STATE;
    if (store_thread_is_full(t, bytes)) {
        t->was_full = true;
        return ERR_FULL;
    }
    job->bytes = bytes;
    pthread_mutex_lock(&t->lock);
    is_dead = t->fatal != ERR_OK;
    if (!is_dead) {
        queue_put(&t->waiting, job);
        pthread_cond_signal(&t->work);
    }
    pthread_mutex_unlock(&t->lock);
    if (is_dead)
        return ERR_STATE;
    t->ops++;
    t->bytes += bytes;
    return ERR_OK;
}

static void
answer(struct store_thread *t, struct queue *finished)
{
    struct store_job *job = finished->first;

    while (job != NULL) {
        struct store_job *next = job->next; /* done() may free JOB */

        t->ops--;
        t->bytes -= job->bytes;
        job->done(job);
        job = next;
    }
}

void
store_thread_poll(struct store_thread *t)
{
    struct queue finished;
    enum err fatal;

    queue_init(&finished);
    pthread_mutex_lock(&t->lock);
    queue_move(&finished, &t->finished);
    fatal = t->fatal;
    pthread_mutex_unlock(&t->lock);
    answer(t, &finished);
    if (fatal != ERR_OK && !t->told_fatal) {
        t->told_fatal = true;
        if (t->opt.fatal != NULL)
            t->opt.fatal(t->opt.arg, fatal);
        return;
    }
    if (t->was_full && !store_thread_is_full(t, 0)) {
        t->was_full = false;
        if (t->opt.drained != NULL)
            t->opt.drained(t->opt.arg);
    }
}

void
store_thread_close(struct store_thread *t)
{
    if (t == NULL)
        return;
    t->is_closing = true;
    t->was_full = false; /* nobody may go on */
    pthread_mutex_lock(&t->lock);
    t->stop = true;
    pthread_cond_signal(&t->work);
    pthread_mutex_unlock(&t->lock);
    pthread_join(t->thread, NULL);
    store_thread_poll(t);
    pthread_mutex_destroy(&t->lock);
    pthread_cond_destroy(&t->work);
    free(t->batch);
    free(t);
}

struct store_thread_stats
store_thread_stats(const struct store_thread *t)
{
    struct store_thread *open = (struct store_thread *)t; /* for its lock */
    struct store_thread_stats s;

    pthread_mutex_lock(&open->lock);
    s = t->stats;
    if (t->busy_since_ms != 0)
        s.busy_ms = clock_mono_ms() - t->busy_since_ms;
    pthread_mutex_unlock(&open->lock);
    s.waiting = t->ops;
    s.waiting_bytes = t->bytes;
    return s;
}
