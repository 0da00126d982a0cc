/*
 * The lights go out at every so-many-th write of the database; what was not
 * synced is lost, torn or out of order.  Whatever had been answered is there
 * again, byte for byte, and every signed head is a prefix of the log.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/lib/powercut.h"
#include "tests/lib/store_fixture.h"

enum { BATCH = 4, ANSWERS_MAX = 2000, CUTS = 24 };

struct answer {
    unsigned n;
    struct hash proof;
    struct head head;
};

static struct fixture fx;
static struct answer answers[ANSWERS_MAX];
static unsigned count, next_n;

static void
remember(const struct store_op *op, unsigned n)
{
    struct head heads[STORE_LOGS];
    struct answer *a = &answers[count++];

    assert_true(count < ANSWERS_MAX);
    a->n = n;
    sha256(&a->proof, op->result.proof.data, op->result.proof.len);
    store_heads(fx.st, heads);
    a->head = heads[STORE_DELIVERY];
}

static enum err
store_batch(void)
{
    struct fx_packet p[BATCH];
    struct store_op op[BATCH];
    struct store_op *ops[BATCH];
    enum err rc;
    unsigned i;

    for (i = 0; i < BATCH; i++) {
        fx_packet_init(&fx, &p[i], next_n + i, 24);
        fx_packet_op(&p[i], &op[i]);
        op[i].now_ms = fx.now_ms;
        ops[i] = &op[i];
    }
    rc = store_apply(fx.st, ops, BATCH);
    for (i = 0; i < BATCH; i++) {
        if (rc == ERR_OK)
            remember(&op[i], next_n + i);
        store_op_clear(&op[i]);
        fx_packet_clear(&p[i]);
    }
    next_n += BATCH;
    return rc;
}

static void
is_there(const struct answer *a)
{
    struct hash path[MERKLE_PATH_MAX], proof;
    struct fx_packet p;
    struct store_op op;
    struct head now;
    size_t n;

    fx_packet_init(&fx, &p, a->n, 24);
    fx_packet_op(&p, &op);
    fx_want(&fx, &op, STORE_OK);
    assert_true(op.result.repeat);
    sha256(&proof, op.result.proof.data, op.result.proof.len);
    assert_memory_equal(proof.b, a->proof.b, 32);
    assert_int_equal(store_head(fx.rd, STORE_DELIVERY, &now), ERR_OK);
    assert_int_equal(store_consistency(fx.rd, STORE_DELIVERY, a->head.size,
                                       now.size, path, &n),
                     ERR_OK);
    assert_int_equal(merkle_verify_consistency(a->head.size, now.size,
                                               &a->head.root, &now.root, path,
                                               n),
                     ERR_OK);
    store_op_clear(&op);
    fx_packet_clear(&p);
}

/* Works until the lights go out: also while opening. */
static void
work_until_dark(uint64_t seed, unsigned writes)
{
    char why[512];
    enum err rc;

    powercut_arm(seed, writes);
    rc = fx_try_open(&fx, why);
    while (rc == ERR_OK)
        rc = store_batch();
    assert_true(powercut_is_out());
    store_close(fx.st);
    fx.st = NULL;
    powercut_restore();
}

static void
what_was_answered_survives_a_power_cut(void **state)
{
    uint64_t seed;
    unsigned i, from;
    char why[512];

    (void)state;
    powercut_install();
    fx_open(&fx);
    fx_stop(&fx);
    for (seed = 1; seed <= CUTS; seed++) {
        from = count;
        work_until_dark(seed * UINT64_C(0x9e3779b97f4a7c15),
                        (unsigned)(seed * seed * 5));
        if (fx_try_open(&fx, why) != ERR_OK)
            fail_msg("cut %u: %s", (unsigned)seed, why);
        assert_int_equal(store_reader_open(fx.st, &fx.rd), ERR_OK);
        for (i = from; i < count; i++)
            is_there(&answers[i]);
        fx_check(&fx);
        fx_stop(&fx);
    }
    assert_true(count > 100);
    fx_reopen(&fx);
    for (i = 0; i < count; i++)
        is_there(&answers[i]);
    fx_close(&fx);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_answered_survives_a_power_cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
