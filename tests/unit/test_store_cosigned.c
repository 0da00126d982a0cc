/* Cosigned heads in the store: which one is given, what replaces what, and how
 * long they stay. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/lib/store_fixture.h"

enum { HOUR = 3600, DAY = 24 * HOUR, NEVER_QUORUM = 0, QUORUM = 1 };

static struct fixture fx;

static int
set_up(void **state)
{
    (void)state;
    memset(&fx.config, 0, sizeof(fx.config));
    fx_open(&fx);
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    fx_check(&fx);
    fx_close(&fx);
    return 0;
}

static uint64_t
now_s(void)
{
    return fx.now_ms / 1000;
}

static void
cosigned(enum store_log log, uint64_t size, uint64_t time_s, bool has_quorum,
         const char *note)
{
    struct store_op op = {.kind = STORE_OP_COSIGNED};

    op.cosigned = (struct store_cosigned_op){
        .log = log,
        .size = size,
        .time_s = time_s,
        .has_quorum = has_quorum,
        .note = {(const uint8_t *)note, strlen(note)},
    };
    fx_want(&fx, &op, STORE_OK);
    store_op_clear(&op);
}

typedef enum err read_fn(struct store_reader *, enum store_log, uint64_t,
                         struct buf *);

static void
gives(read_fn *read, enum store_log log, uint64_t size, const char *note)
{
    struct buf b = {0};
    enum err rc = read(fx.rd, log, size, &b);

    if (note == NULL) {
        assert_int_equal(rc, ERR_NOTFOUND);
        assert_int_equal(b.len, 0);
    } else {
        assert_int_equal(rc, ERR_OK);
        assert_int_equal(b.len, strlen(note));
        assert_memory_equal(b.data, note, b.len);
    }
    buf_clear(&b);
}

static void
without_any_there_is_none(void **state)
{
    (void)state;
    gives(store_cosigned, STORE_DELIVERY, 0, NULL);
    gives(store_cosigned, STORE_DELIVERY, 1, NULL);
    gives(store_cosigned_at, STORE_DELIVERY, 1, NULL);
}

static void
the_first_at_or_after_a_size_is_given_and_zero_is_the_newest(void **state)
{
    (void)state;
    cosigned(STORE_DELIVERY, 10, now_s(), QUORUM, "ten");
    cosigned(STORE_DELIVERY, 20, now_s(), QUORUM, "twenty");
    cosigned(STORE_DIRECTORY, 30, now_s(), QUORUM, "directory");
    gives(store_cosigned, STORE_DELIVERY, 1, "ten");
    gives(store_cosigned, STORE_DELIVERY, 10, "ten");
    gives(store_cosigned, STORE_DELIVERY, 11, "twenty");
    gives(store_cosigned, STORE_DELIVERY, 21, NULL);
    gives(store_cosigned, STORE_DELIVERY, 0, "twenty");
    gives(store_cosigned, STORE_DIRECTORY, 0, "directory");
    gives(store_cosigned, STORE_DELIVERY, UINT64_MAX, NULL);
}

static void
a_head_without_its_quorum_is_held_but_not_given(void **state)
{
    (void)state;
    cosigned(STORE_DELIVERY, 10, now_s(), NEVER_QUORUM, "one line");
    gives(store_cosigned, STORE_DELIVERY, 10, NULL);
    gives(store_cosigned, STORE_DELIVERY, 0, NULL);
    gives(store_cosigned_at, STORE_DELIVERY, 10, "one line");
    cosigned(STORE_DELIVERY, 10, now_s(), QUORUM, "two lines");
    gives(store_cosigned, STORE_DELIVERY, 10, "two lines");
    gives(store_cosigned_at, STORE_DELIVERY, 10, "two lines");
}

static void
they_outlive_a_restart(void **state)
{
    (void)state;
    cosigned(STORE_DIRECTORY, 4, now_s(), QUORUM, "kept");
    fx_reopen(&fx);
    gives(store_cosigned, STORE_DIRECTORY, 0, "kept");
}

static void
after_a_week_the_last_one_of_an_hour_stays(void **state)
{
    uint64_t hour_s = now_s() / HOUR * HOUR + HOUR;

    (void)state;
    cosigned(STORE_DELIVERY, 10, hour_s, QUORUM, "first");
    cosigned(STORE_DELIVERY, 11, hour_s + 1, QUORUM, "last");
    cosigned(STORE_DELIVERY, 12, hour_s + HOUR - 1, NEVER_QUORUM, "too few");
    cosigned(STORE_DELIVERY, 13, hour_s + HOUR, QUORUM, "next hour");
    cosigned(STORE_DIRECTORY, 12, hour_s + 2, QUORUM, "other log");
    fx.now_ms = (hour_s + 7 * DAY - 1) * 1000;
    (void)fx_sweep(&fx, 0);
    gives(store_cosigned_at, STORE_DELIVERY, 10, "first");
    fx.now_ms = (hour_s + HOUR + 7 * DAY) * 1000;
    (void)fx_sweep(&fx, 0);
    gives(store_cosigned_at, STORE_DELIVERY, 10, NULL);
    gives(store_cosigned_at, STORE_DELIVERY, 11, "last");
    gives(store_cosigned_at, STORE_DELIVERY, 12, NULL);
    gives(store_cosigned_at, STORE_DELIVERY, 13, "next hour");
    gives(store_cosigned_at, STORE_DIRECTORY, 12, "other log");
    gives(store_cosigned, STORE_DELIVERY, 5, "last");
}

static void
a_head_cosigned_again_counts_from_its_newest_time(void **state)
{
    uint64_t start_s = now_s();

    (void)state;
    cosigned(STORE_DIRECTORY, 4, start_s, QUORUM, "old time");
    cosigned(STORE_DIRECTORY, 4, start_s + 2 * DAY, QUORUM, "new time");
    cosigned(STORE_DIRECTORY, 5, start_s + 1, QUORUM, "beside");
    fx.now_ms = (start_s + 8 * DAY) * 1000;
    (void)fx_sweep(&fx, 0);
    gives(store_cosigned_at, STORE_DIRECTORY, 4, "new time");
}

static void
none_outlives_the_receipts_that_could_want_it(void **state)
{
    uint64_t start_s = now_s();
    uint64_t retention_s = (uint64_t)STORE_RETENTION_DAYS * DAY;

    (void)state;
    cosigned(STORE_DELIVERY, 10, start_s, QUORUM, "note");
    fx.now_ms = (start_s + 31 * DAY + retention_s) * 1000;
    (void)fx_sweep(&fx, 0);
    gives(store_cosigned, STORE_DELIVERY, 1, "note");
    fx.now_ms = (start_s + 38 * DAY + retention_s) * 1000;
    (void)fx_sweep(&fx, 0);
    gives(store_cosigned, STORE_DELIVERY, 1, NULL);
}

int
main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(without_any_there_is_none),
        CASE(the_first_at_or_after_a_size_is_given_and_zero_is_the_newest),
        CASE(a_head_without_its_quorum_is_held_but_not_given),
        CASE(they_outlive_a_restart),
        CASE(after_a_week_the_last_one_of_an_hour_stays),
        CASE(a_head_cosigned_again_counts_from_its_newest_time),
        CASE(none_outlives_the_receipts_that_could_want_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
