/*
 * A child stores packets in batches and says on a pipe what it was answered;
 * it is killed after some answers, in the middle of the next batch.  Then the
 * store is opened again: everything that was answered is there, byte for byte,
 * and every head that was signed is a prefix of the log.
 * SEALPOST_KILLS=N: so many rounds instead of a few.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/lib/store_fixture.h"

enum { BATCH = 5, KILLS = 6, ANSWERS_MAX = 400 };

struct answer {
    unsigned n; /* of the packet */
    uint64_t index;
    struct hash proof;
    struct head head;
};

struct history {
    struct fixture fx;
    struct answer answer[ANSWERS_MAX];
    unsigned count;
    unsigned next; /* number of the next packet */
};

static void
store_batch(struct fixture *fx, unsigned from, int out)
{
    struct fx_packet p[BATCH];
    struct store_op op[BATCH];
    struct store_op *ops[BATCH];
    struct head heads[STORE_LOGS];
    unsigned i;

    for (i = 0; i < BATCH; i++) {
        fx_packet_init(fx, &p[i], from + i, 24);
        fx_packet_op(&p[i], &op[i]);
        op[i].now_ms = fx->now_ms;
        ops[i] = &op[i];
    }
    if (store_apply(fx->st, ops, BATCH) != ERR_OK)
        _exit(2);
    store_heads(fx->st, heads);
    for (i = 0; i < BATCH; i++) {
        struct answer a = {.n = from + i, .index = op[i].result.index};

        if (op[i].result.why != STORE_OK)
            _exit(3);
        sha256(&a.proof, op[i].result.proof.data, op[i].result.proof.len);
        a.head = heads[STORE_DELIVERY];
        if (write(out, &a, sizeof(a)) != sizeof(a))
            _exit(4);
        store_op_clear(&op[i]);
        fx_packet_clear(&p[i]);
    }
}

static void
child(struct history *h, int out)
{
    char why[512];
    unsigned n = h->next;

    if (fx_try_open(&h->fx, why) != ERR_OK)
        _exit(1);
    for (;; n += BATCH)
        store_batch(&h->fx, n, out);
}

/* Takes WANTED answers, then kills; takes what was still under way. */
static void
kill_after(struct history *h, unsigned wanted)
{
    int ends[2];
    struct answer a;
    int status;
    pid_t pid;

    assert_int_equal(pipe(ends), 0);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        close(ends[0]);
        child(h, ends[1]);
    }
    close(ends[1]);
    while (read(ends[0], &a, sizeof(a)) == (ssize_t)sizeof(a)) {
        assert_true(h->count < ANSWERS_MAX);
        h->answer[h->count++] = a;
        if (a.n >= h->next)
            h->next = a.n + 1;
        if (wanted > 0 && --wanted == 0)
            assert_int_equal(kill(pid, SIGKILL), 0);
    }
    close(ends[0]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status));
}

static void
is_there(struct history *h, const struct answer *a)
{
    struct fx_packet p;
    struct store_op op;
    struct hash proof;

    fx_packet_init(&h->fx, &p, a->n, 24);
    fx_packet_op(&p, &op);
    fx_want(&h->fx, &op, STORE_OK);
    assert_true(op.result.repeat);
    assert_int_equal(op.result.index, a->index);
    sha256(&proof, op.result.proof.data, op.result.proof.len);
    assert_memory_equal(proof.b, a->proof.b, 32);
    store_op_clear(&op);
    fx_packet_clear(&p);
}

static void
is_prefix(struct history *h, const struct head *old)
{
    struct hash path[MERKLE_PATH_MAX];
    struct head now;
    size_t n;

    assert_int_equal(head_verify(old, store_vkey(h->fx.st, STORE_DELIVERY)),
                     ERR_OK);
    assert_int_equal(store_head(h->fx.rd, STORE_DELIVERY, &now), ERR_OK);
    assert_int_equal(store_consistency(h->fx.rd, STORE_DELIVERY, old->size,
                                       now.size, path, &n),
                     ERR_OK);
    assert_int_equal(merkle_verify_consistency(old->size, now.size, &old->root,
                                               &now.root, path, n),
                     ERR_OK);
}

/* Packets that were committed and not answered are stored all the same: the
 * next names come after them. */
static void
look(struct history *h)
{
    char why[512];
    unsigned i;

    if (fx_try_open(&h->fx, why) != ERR_OK)
        fail_msg("%s", why);
    assert_int_equal(store_reader_open(h->fx.st, &h->fx.rd), ERR_OK);
    for (i = 0; i < h->count; i++) {
        is_there(h, &h->answer[i]);
        is_prefix(h, &h->answer[i].head);
    }
    fx_check(&h->fx);
    assert_int_equal(h->fx.alarms, 0);
    fx_stop(&h->fx);
}

static void
what_was_answered_survives_kill_9(void **state)
{
    const char *wish = getenv("SEALPOST_KILLS");
    unsigned kills = wish != NULL ? (unsigned)atoi(wish) : KILLS;
    struct history *h = calloc(1, sizeof(*h));
    unsigned i;

    (void)state;
    assert_non_null(h);
    fx_open(&h->fx);
    fx_stop(&h->fx);
    for (i = 0; i < kills; i++) {
        if (h->count > ANSWERS_MAX / 2)
            h->count = 0; /* the old ones were looked at often enough */
        kill_after(h, 1 + i * 7 % 23);
        look(h);
        h->next += BATCH;
    }
    fx_reopen(&h->fx);
    fx_close(&h->fx);
    free(h);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_answered_survives_kill_9),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
