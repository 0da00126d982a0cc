#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "server/store_thread.h"
#include "tests/lib/store_fixture.h"

enum { JOBS = 200 };

/* The owner: a loop whose only event is the pipe that wake() writes to. */
struct owner {
    struct fixture fx;
    struct store_thread *t;
    int pipe[2];
    unsigned done, drained, fatal;
    unsigned last; /* number of the job answered last */
};

struct job {
    struct store_job job; /* first: done() gets this address */
    struct owner *owner;
    struct fx_packet packet;
    unsigned n;
    enum store_why why;
    bool is_done;
};

static struct owner o;
static struct job jobs[JOBS];

static void
on_wake(void *arg)
{
    struct owner *me = arg;

    assert_int_equal(write(me->pipe[1], "w", 1), 1);
}

static void
on_drained(void *arg)
{
    ((struct owner *)arg)->drained++;
}

static void
on_fatal(void *arg, enum err why)
{
    (void)why;
    ((struct owner *)arg)->fatal++;
}

static void
on_done(struct store_job *job)
{
    struct job *j = (struct job *)job;

    assert_false(j->is_done);
    j->is_done = true;
    j->why = job->op.result.why;
    j->owner->done++;
    assert_true(j->n >= j->owner->last); /* in order of submission */
    j->owner->last = j->n;
    store_op_clear(&job->op);
    fx_packet_clear(&j->packet);
}

static void
open_thread(size_t ops_max, size_t bytes_max)
{
    struct store_thread_options options = {.ops_max = ops_max,
                                           .bytes_max = bytes_max,
                                           .wake = on_wake,
                                           .drained = on_drained,
                                           .fatal = on_fatal,
                                           .arg = &o};

    assert_int_equal(store_thread_open(o.fx.st, &options, &o.t), ERR_OK);
}

static int
set_up(void **state)
{
    (void)state;
    memset(&o, 0, sizeof(o));
    memset(jobs, 0, sizeof(jobs));
    fx_open(&o.fx);
    return pipe(o.pipe);
}

static int
tear_down(void **state)
{
    (void)state;
    fx_check(&o.fx);
    fx_close(&o.fx);
    close(o.pipe[0]);
    close(o.pipe[1]);
    return 0;
}

static enum err
submit(unsigned n)
{
    struct job *j = &jobs[n];

    if (j->packet.hdr.len == 0)
        fx_packet_init(&o.fx, &j->packet, n, 24);
    fx_packet_op(&j->packet, &j->job.op);
    j->job.op.now_ms = o.fx.now_ms;
    j->job.done = on_done;
    j->owner = &o;
    j->n = n;
    return store_thread_submit(o.t, &j->job);
}

/* One turn of the loop: waits for a wake, then polls. */
static void
turn(void)
{
    char c;

    assert_int_equal(read(o.pipe[0], &c, 1), 1);
    store_thread_poll(o.t);
}

static void
all_jobs_are_answered_once_and_in_order(void **state)
{
    unsigned i;

    (void)state;
    open_thread(0, 0);
    for (i = 0; i < JOBS; i++)
        assert_int_equal(submit(i), ERR_OK);
    while (o.done < JOBS)
        turn();
    for (i = 0; i < JOBS; i++)
        assert_int_equal(jobs[i].why, STORE_OK);
    assert_int_equal(store_thread_stats(o.t).ops, JOBS);
    assert_true(store_thread_stats(o.t).batches <= JOBS);
    assert_int_equal(store_thread_stats(o.t).waiting, 0);
    store_thread_close(o.t);
}

static void
a_full_queue_takes_nothing_and_says_when_to_go_on(void **state)
{
    unsigned next = 0;

    (void)state;
    open_thread(4, 0);
    while (next < 20) {
        enum err rc = submit(next);

        if (rc == ERR_OK) {
            next++;
            continue;
        }
        assert_int_equal(rc, ERR_FULL);
        assert_true(store_thread_is_full(o.t, 0));
        o.drained = 0;
        while (o.drained == 0)
            turn();
        assert_false(store_thread_is_full(o.t, 0));
    }
    while (o.done < 20)
        turn();
    store_thread_close(o.t);
}

static void
the_bound_in_bytes_lets_one_large_job_through(void **state)
{
    (void)state;
    open_thread(0, 100); /* less than any packet */
    assert_int_equal(submit(0), ERR_OK);
    assert_int_equal(submit(1), ERR_FULL);
    while (o.done < 1)
        turn();
    assert_int_equal(o.drained, 1);
    assert_int_equal(submit(1), ERR_OK);
    while (o.done < 2)
        turn();
    store_thread_close(o.t);
}

static void
closing_answers_what_was_taken(void **state)
{
    unsigned i;

    (void)state;
    open_thread(0, 0);
    for (i = 0; i < 30; i++)
        assert_int_equal(submit(i), ERR_OK);
    store_thread_close(o.t);
    assert_int_equal(o.done, 30);
    assert_int_equal(fx_counts(&o.fx).packets.stored, 30);
}

static void
readers_do_not_wait_for_the_writer(void **state)
{
    unsigned i, waiting = 0;
    struct device_id device = fx_device(21);

    (void)state;
    open_thread(0, 0);
    for (i = 0; i < 50; i++)
        assert_int_equal(submit(i), ERR_OK);
    /* Whatever the writer is doing: an answer, never "busy". */
    for (i = 0; i < 50; i++)
        assert_int_equal(store_waiting(o.fx.rd, &device, 1000, &waiting),
                         ERR_OK);
    store_thread_close(o.t);
    assert_int_equal(store_waiting(o.fx.rd, &device, 1000, &waiting), ERR_OK);
    assert_int_equal(waiting, 50);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(all_jobs_are_answered_once_and_in_order),
        CASE(a_full_queue_takes_nothing_and_says_when_to_go_on),
        CASE(the_bound_in_bytes_lets_one_large_job_through),
        CASE(closing_answers_what_was_taken),
        CASE(readers_do_not_wait_for_the_writer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
