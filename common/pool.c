#include "common/pool.h"

#include <pthread.h>
#include <stdlib.h>
#include <uv.h>

enum { HELPERS_MAX = 15, WAITING_PER_HELPER = 4 };

struct pool {
    pthread_mutex_t lock; /* for what follows, up to the next blank line */
    pthread_cond_t work;  /* something waits, or it is over */
    pthread_cond_t idle;  /* a helper has done a piece */
    struct pool_piece *first, **end;
    unsigned waiting, running;
    bool is_over;

    unsigned n;
    pthread_t helpers[HELPERS_MAX];
};

unsigned
pool_helpers(void)
{
    unsigned n = uv_available_parallelism();

    return n > HELPERS_MAX ? HELPERS_MAX : n - (n > 0);
}

static struct pool_piece *
take(struct pool *p)
{
    struct pool_piece *piece = p->first;

    p->first = piece->next;
    if (p->first == NULL)
        p->end = &p->first;
    p->waiting--;
    p->running++;
    return piece;
}

/* With the lock held, which is let go meanwhile. */
static void
do_one(struct pool *p)
{
    struct pool_piece *piece = take(p);

    pthread_mutex_unlock(&p->lock);
    piece->work(piece);
    atomic_store_explicit(&piece->done, true, memory_order_release);
    pthread_mutex_lock(&p->lock);
    p->running--;
    if (p->running == 0)
        pthread_cond_signal(&p->idle);
}

static void *
help(void *arg)
{
    struct pool *p = arg;

    pthread_mutex_lock(&p->lock);
    for (;;) {
        while (p->first == NULL && !p->is_over)
            pthread_cond_wait(&p->work, &p->lock);
        if (p->first == NULL)
            break;
        do_one(p);
    }
    pthread_mutex_unlock(&p->lock);
    return NULL;
}

struct pool *
pool_new(unsigned helpers)
{
    struct pool *p = calloc(1, sizeof(*p));

    if (p == NULL)
        return NULL;
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->work, NULL);
    pthread_cond_init(&p->idle, NULL);
    p->end = &p->first;
    while (p->n < helpers && p->n < HELPERS_MAX &&
           pthread_create(&p->helpers[p->n], NULL, help, p) == 0)
        p->n++;
    return p;
}

void
pool_put(struct pool *p, struct pool_piece *piece)
{
    atomic_store_explicit(&piece->done, false, memory_order_relaxed);
    piece->next = NULL;
    pthread_mutex_lock(&p->lock);
    *p->end = piece;
    p->end = &piece->next;
    p->waiting++;
    pthread_cond_signal(&p->work);
    while (p->waiting > p->n * WAITING_PER_HELPER)
        do_one(p);
    pthread_mutex_unlock(&p->lock);
}

void
pool_finish(struct pool *p)
{
    pthread_mutex_lock(&p->lock);
    while (p->first != NULL)
        do_one(p);
    while (p->running > 0)
        pthread_cond_wait(&p->idle, &p->lock);
    pthread_mutex_unlock(&p->lock);
}

void
pool_free(struct pool *p)
{
    if (p == NULL)
        return;
    pool_finish(p);
    pthread_mutex_lock(&p->lock);
    p->is_over = true;
    pthread_cond_broadcast(&p->work);
    pthread_mutex_unlock(&p->lock);
    for (unsigned i = 0; i < p->n; i++)
        pthread_join(p->helpers[i], NULL);
    pthread_cond_destroy(&p->work);
    pthread_cond_destroy(&p->idle);
    pthread_mutex_destroy(&p->lock);
    free(p);
}
