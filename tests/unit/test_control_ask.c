#include "server/control_ask.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/os.h"
#include "common/stream.h"
#include "tests/lib/scratch.h"

/* Somebody at the relay's end of the socket, on the same loop. */
struct rig {
    uv_loop_t loop;
    char *dir;
    struct acceptor *acceptor;
    struct stream *asker;
    struct buf heard;
    const char *says; /* NULL: nothing, ever */
    size_t says_len;
    unsigned done;
    enum err rc;
    struct buf answer;
};

static void
on_bytes(void *arg, const uint8_t *bytes, size_t len)
{
    struct rig *r = arg;

    buf_put(&r->heard, bytes, len);
    if (r->says == NULL || memchr(bytes, '\n', len) == NULL)
        return;
    stream_write(r->asker, r->says, r->says_len);
    stream_finish(r->asker, ERR_OK);
}

static void
on_closed(void *arg, enum err why)
{
    struct rig *r = arg;

    (void)why;
    r->asker = NULL;
}

static const struct stream_events stream_events = {
    .bytes = on_bytes,
    .closed = on_closed,
};

static void
on_accepted(void *arg, struct stream *s)
{
    struct rig *r = arg;

    r->asker = s;
    stream_start(s, &stream_events, r);
}

static const struct acceptor_events acceptor_events = {
    .accepted = on_accepted,
};

static void
rig_open(struct rig *r, const char *says, size_t len)
{
    char path[OS_PATH_MAX];

    memset(r, 0, sizeof(*r));
    r->says = says;
    r->says_len = len;
    r->dir = scratch_new();
    assert_int_equal(uv_loop_init(&r->loop), 0);
    assert_int_equal(os_path_join(path, sizeof(path), r->dir, "run"), ERR_OK);
    assert_int_equal(os_mkdirs(path, 0700), ERR_OK);
    assert_int_equal(control_path(path, sizeof(path), r->dir), ERR_OK);
    assert_int_equal(acceptor_open_unix(&r->acceptor, &r->loop, path, 8,
                                        &acceptor_events, r),
                     ERR_OK);
}

static void
rig_close(struct rig *r)
{
    if (r->asker != NULL)
        stream_close(r->asker, ERR_CANCELLED);
    acceptor_close(r->acceptor);
    (void)uv_run(&r->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&r->loop), 0);
    buf_clear(&r->heard);
    buf_clear(&r->answer);
    scratch_free(r->dir);
}

static void
on_answer(void *arg, enum err rc, const struct buf *answer)
{
    struct rig *r = arg;

    r->done++;
    r->rc = rc;
    buf_put(&r->answer, answer->data, answer->len);
}

static struct control_question *
ask(struct rig *r, uint64_t deadline_ms)
{
    struct control_question *q = control_ask_start(&r->loop, r->dir, "status",
                                                   deadline_ms, on_answer, r);

    assert_non_null(q);
    return q;
}

static enum err
outcome(struct rig *r, uint64_t deadline_ms)
{
    (void)ask(r, deadline_ms);
    while (r->done == 0)
        (void)uv_run(&r->loop, UV_RUN_ONCE);
    assert_int_equal(r->done, 1);
    return r->rc;
}

static void
a_question_is_a_line_and_its_answer_ends_with_the_connection(void **state)
{
    struct rig r;

    (void)state;
    rig_open(&r, "sessions=1\n", 11);
    assert_int_equal(outcome(&r, 20000), ERR_OK);
    assert_int_equal(r.heard.len, 7);
    assert_memory_equal(r.heard.data, "status\n", 7);
    assert_int_equal(r.answer.len, 11);
    assert_memory_equal(r.answer.data, "sessions=1\n", 11);
    rig_close(&r);
}

static void
an_empty_answer_is_none(void **state)
{
    struct rig r;

    (void)state;
    rig_open(&r, "", 0);
    assert_int_equal(outcome(&r, 20000), ERR_UNREACHABLE);
    rig_close(&r);
}

static void
who_never_answers_is_left(void **state)
{
    struct rig r;

    (void)state;
    rig_open(&r, NULL, 0);
    assert_int_equal(outcome(&r, 1), ERR_TIMEOUT);
    assert_int_equal(r.answer.len, 0);
    rig_close(&r);
}

static void
an_answer_has_a_bound(void **state)
{
    char *much = calloc(1, CONTROL_ANSWER_MAX + 1);
    struct rig r;

    (void)state;
    assert_non_null(much);
    rig_open(&r, much, CONTROL_ANSWER_MAX);
    assert_int_equal(outcome(&r, 20000), ERR_OK);
    rig_close(&r);
    rig_open(&r, much, CONTROL_ANSWER_MAX + 1);
    assert_int_equal(outcome(&r, 20000), ERR_TOOBIG);
    assert_int_equal(r.answer.len, 0);
    rig_close(&r);
    free(much);
}

static void
a_question_may_be_cancelled_at_any_turn(void **state)
{
    (void)state;
    for (unsigned turns = 0; turns < 4; turns++) {
        struct control_question *q;
        struct rig r;

        rig_open(&r, NULL, 0);
        q = ask(&r, 20000);
        for (unsigned i = 0; i < turns; i++)
            (void)uv_run(&r.loop, UV_RUN_NOWAIT);
        control_ask_cancel(q);
        rig_close(&r);
        assert_int_equal(r.done, 0);
    }
}

static void
without_a_relay_nobody_is_reached(void **state)
{
    char *dir = scratch_new();
    struct buf answer = {0};

    (void)state;
    assert_int_equal(control_ask(dir, "status", &answer), ERR_UNREACHABLE);
    assert_int_equal(answer.len, 0);
    buf_clear(&answer);
    scratch_free(dir);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            a_question_is_a_line_and_its_answer_ends_with_the_connection),
        cmocka_unit_test(an_empty_answer_is_none),
        cmocka_unit_test(who_never_answers_is_left),
        cmocka_unit_test(an_answer_has_a_bound),
        cmocka_unit_test(a_question_may_be_cancelled_at_any_turn),
        cmocka_unit_test(without_a_relay_nobody_is_reached),
    };

    os_ignore_signals();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
