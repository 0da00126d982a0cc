/* The housekeeper's thread: what is slow and nobody waits for. */
#include "server/store_inside.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    CHECKPOINT_FRAMES = 1000, /* about 4 MiB */
    EMPTY_FRAMES = 32 * 1024, /* the log may not grow for ever */
    /* Emptying waits for readers and holds up the writer meanwhile: not long,
     * but again and again, because erased openings lie in what it empties. */
    BUSY_MS = 100,
    REST_MS = 300,
};

struct chores {
    bool checkpoint;
    bool empty;
    uint64_t *dead;
    size_t n_dead;
};

static void
on_commit(void *arg, unsigned frames)
{
    struct store *st = arg;
    struct keeper *k = &st->keeper;

    pthread_mutex_lock(&k->lock);
    if (frames < k->frames) /* the log began again */
        k->next_at = CHECKPOINT_FRAMES;
    k->frames = frames;
    if (frames >= k->next_at) {
        k->next_at = frames + CHECKPOINT_FRAMES;
        k->want_checkpoint = true;
        pthread_cond_signal(&k->work);
    }
    pthread_mutex_unlock(&k->lock);
}

/* False: readers or the writer were in the way of emptying.  A failed sync must
 * not be tried again: the store is done for. */
static bool
checkpoint(struct store *st, bool empty)
{
    uint64_t left = 0;
    enum err rc = db_checkpoint(&st->keeper.db, DB_CHECKPOINT_PASSIVE, &left);

    if (rc == ERR_OK && (empty || left > EMPTY_FRAMES))
        rc = db_checkpoint(&st->keeper.db, DB_CHECKPOINT_EMPTY, NULL);
    if (rc == ERR_OK || rc == ERR_BUSY || rc == ERR_FULL || rc == ERR_NOMEM)
        return rc == ERR_OK || !empty;
    store_alarm(st, "checkpoint: %s: %s", st->db_path,
                db_words(&st->keeper.db));
    st->is_broken = true;
    return true;
}

/* Then it is tried again; stopping does not wait. */
static void
rest(struct keeper *k)
{
    struct timespec until;

    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += REST_MS * 1000L * 1000;
    if (until.tv_nsec >= 1000L * 1000 * 1000) {
        until.tv_sec++;
        until.tv_nsec -= 1000L * 1000 * 1000;
    }
    pthread_mutex_lock(&k->lock);
    while (!k->stop && pthread_cond_timedwait(&k->work, &k->lock, &until) == 0)
        ;
    k->want_empty = true;
    pthread_mutex_unlock(&k->lock);
}

static void
remove_files(struct store *st, const struct chores *todo)
{
    char path[OS_PATH_MAX];
    size_t i;

    for (i = 0; i < todo->n_dead; i++) {
        if (blob_path(st, todo->dead[i], path, sizeof(path)) != ERR_OK ||
            os_remove(path) != ERR_OK)
            store_alarm(st, "cannot remove attachment %s: %s", path,
                        os_last_error_text());
    }
}

/* False: stop, with nothing left to do; emptying is not tried for ever then. */
static bool
take_chores(struct keeper *k, struct chores *out)
{
    pthread_mutex_lock(&k->lock);
    while (!k->stop && !k->want_checkpoint && !k->want_empty && k->n_dead == 0)
        pthread_cond_wait(&k->work, &k->lock);
    *out = (struct chores){
        .checkpoint = k->want_checkpoint,
        .empty = k->want_empty || k->frames > EMPTY_FRAMES,
        .dead = k->dead,
        .n_dead = k->n_dead,
    };
    k->want_checkpoint = k->want_empty = false;
    k->dead = NULL;
    k->n_dead = k->cap_dead = 0;
    pthread_mutex_unlock(&k->lock);
    return out->checkpoint || out->empty || out->n_dead > 0;
}

static bool
is_stopping(struct keeper *k)
{
    bool stop;

    pthread_mutex_lock(&k->lock);
    stop = k->stop;
    pthread_mutex_unlock(&k->lock);
    return stop;
}

static void *
run(void *arg)
{
    struct store *st = arg;
    struct chores todo;

    while (take_chores(&st->keeper, &todo)) {
        remove_files(st, &todo);
        free(todo.dead);
        if ((todo.checkpoint || todo.empty) && !checkpoint(st, todo.empty) &&
            !is_stopping(&st->keeper))
            rest(&st->keeper);
    }
    return NULL;
}

enum err
keeper_start(struct store *st)
{
    struct keeper *k = &st->keeper;
    pthread_condattr_t attr;
    enum err rc = db_open(&k->db, st->db_path, DB_WRITE);

    if (rc == ERR_OK)
        rc = db_set_pragma(&k->db, "busy_timeout", BUSY_MS);
    if (rc != ERR_OK)
        return rc;
    pthread_mutex_init(&k->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&k->work, &attr);
    pthread_condattr_destroy(&attr);
    k->next_at = CHECKPOINT_FRAMES;
    if (pthread_create(&k->thread, NULL, run, st) != 0) {
        pthread_mutex_destroy(&k->lock);
        pthread_cond_destroy(&k->work);
        db_close(&k->db);
        return ERR_NOMEM;
    }
    k->is_running = true;
    db_on_commit(&st->writer.db, on_commit, st);
    return ERR_OK;
}

void
keeper_stop(struct store *st)
{
    struct keeper *k = &st->keeper;

    if (!k->is_running)
        return;
    pthread_mutex_lock(&k->lock);
    k->stop = true;
    pthread_cond_signal(&k->work);
    pthread_mutex_unlock(&k->lock);
    pthread_join(k->thread, NULL);
    pthread_mutex_destroy(&k->lock);
    pthread_cond_destroy(&k->work);
    db_close(&k->db);
    k->is_running = false;
}

void
keeper_bury(struct store *st, const uint64_t *dead, size_t n)
{
    struct keeper *k = &st->keeper;
    uint64_t *more;

    pthread_mutex_lock(&k->lock);
    more = realloc(k->dead, (k->n_dead + n) * sizeof(*more));
    if (more != NULL) { /* else the next start finds the files */
        memcpy(more + k->n_dead, dead, n * sizeof(*more));
        k->dead = more;
        k->n_dead += n;
    }
    pthread_cond_signal(&k->work);
    pthread_mutex_unlock(&k->lock);
}

void
keeper_wants_empty(struct store *st)
{
    pthread_mutex_lock(&st->keeper.lock);
    st->keeper.want_empty = true;
    pthread_cond_signal(&st->keeper.work);
    pthread_mutex_unlock(&st->keeper.lock);
}
