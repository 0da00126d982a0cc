#include "common/pool.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

enum { PIECES = 2000 };

struct sum {
    struct pool_piece piece;
    uint64_t n, sum;
};

static void
add_up(struct pool_piece *piece)
{
    struct sum *s = (struct sum *)(void *)piece;

    for (uint64_t i = 1; i <= s->n; i++)
        s->sum += i;
}

static void
run(unsigned helpers)
{
    struct sum *all = calloc(PIECES, sizeof(*all));
    struct pool *p = pool_new(helpers);

    assert_non_null(all);
    assert_non_null(p);
    for (uint64_t round = 0; round < 2; round++) {
        for (uint64_t i = 0; i < PIECES; i++) {
            all[i].piece.work = add_up;
            all[i].n = i;
            pool_put(p, &all[i].piece);
        }
        pool_finish(p);
        for (uint64_t i = 0; i < PIECES; i++) {
            assert_true(atomic_load(&all[i].piece.done));
            assert_int_equal(all[i].sum, (round + 1) * i * (i + 1) / 2);
        }
    }
    pool_free(p);
    free(all);
}

static void
every_piece_is_done_once_whoever_helps(void **state)
{
    (void)state;
    for (unsigned helpers = 0; helpers < 4; helpers++)
        run(helpers);
}

static void
a_pool_may_end_with_work_in_it(void **state)
{
    struct sum all[50] = {0};
    struct pool *p = pool_new(2);

    (void)state;
    assert_non_null(p);
    for (size_t i = 0; i < 50; i++) {
        all[i].piece.work = add_up;
        all[i].n = 10;
        pool_put(p, &all[i].piece);
    }
    pool_free(p);
    for (size_t i = 0; i < 50; i++)
        assert_int_equal(all[i].sum, 55);
    pool_free(NULL);
}

static void
there_is_never_more_help_than_a_pool_takes(void **state)
{
    (void)state;
    assert_true(pool_helpers() <= 15);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_piece_is_done_once_whoever_helps),
        cmocka_unit_test(a_pool_may_end_with_work_in_it),
        cmocka_unit_test(there_is_never_more_help_than_a_pool_takes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
