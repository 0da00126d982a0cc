/* What may be published: nothing small, and nothing from which it follows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/publication.h"
#include "common/clock.h"

enum { N = 4, DAY = 86400 };
#define DAY_MS UINT64_C(86400000)

/* ---- hiding ---- */

/* How many values figure AT can have, by trying all rows up to MOST. */
static unsigned
possible(const uint64_t *figures, uint64_t sum, const bool *hidden, size_t at,
         uint64_t most)
{
    bool seen[64] = {false};
    unsigned count = 0;
    uint64_t x[N];

    for (x[0] = 0; x[0] <= most; x[0]++)
        for (x[1] = 0; x[1] <= most; x[1]++)
            for (x[2] = 0; x[2] <= most; x[2]++)
                for (x[3] = 0; x[3] <= most; x[3]++) {
                    bool fits = hidden[N] || x[0] + x[1] + x[2] + x[3] == sum;

                    for (size_t i = 0; i < N && fits; i++)
                        fits = hidden[i] || x[i] == figures[i];
                    if (fits)
                        seen[x[at]] = true;
                }
    for (size_t i = 0; i <= most; i++)
        count += seen[i];
    return count;
}

static uint64_t seed = 42;
static uint64_t
any(uint64_t below)
{
    seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407;
    return (seed >> 33) % below;
}

static void
a_small_figure_keeps_as_many_values_as_the_threshold_says(void **state)
{
    enum { ROWS = 150, THRESHOLD = 4, MOST = 13 };

    (void)state;
    for (unsigned r = 0; r < ROWS; r++) {
        uint64_t f[N], sum = 0;
        bool hidden[N + 1];

        for (size_t i = 0; i < N; i++)
            sum += f[i] = any(3) == 0 ? any(10) : any(THRESHOLD);
        publication_hide(f, N, sum, THRESHOLD, hidden);
        for (size_t i = 0; i < N; i++)
            if (f[i] > 0 && f[i] < THRESHOLD) {
                assert_true(hidden[i]);
                assert_true(possible(f, sum, hidden, i, MOST) >= THRESHOLD);
            }
    }
}

static void
large_figures_and_zeros_are_shown(void **state)
{
    const uint64_t f[N] = {120, 0, 44, 10};
    bool hidden[N + 1];

    (void)state;
    publication_hide(f, N, 174, 10, hidden);
    for (size_t i = 0; i <= N; i++)
        assert_false(hidden[i]);
}

static void
one_small_figure_hides_another_one_beside_it(void **state)
{
    const uint64_t f[N] = {120, 0, 44, 3};
    bool hidden[N + 1];

    (void)state;
    publication_hide(f, N, 167, 10, hidden);
    assert_true(hidden[3]);
    assert_true(hidden[1]); /* costs least, and is not enough */
    assert_true(hidden[2]);
    assert_false(hidden[0]);
    assert_false(hidden[N]);
}

static void
a_small_sum_hides_the_whole_row(void **state)
{
    const uint64_t f[N] = {5, 0, 0, 0};
    bool hidden[N + 1];

    (void)state;
    publication_hide(f, N, 5, 10, hidden);
    for (size_t i = 0; i <= N; i++)
        assert_true(hidden[i]);
}

/* ---- months ---- */

struct log {
    struct audit_view v;
    struct view_day days[200];
};

static void
add_day(struct log *l, const char *text, uint64_t handed_over, uint64_t expired)
{
    struct view_day *d = &l->days[l->v.n_days++];
    uint64_t ms;

    assert_int_equal(clock_parse_rfc3339(&ms, text), ERR_OK);
    memset(d, 0, sizeof(*d));
    d->day = (uint32_t)(ms / DAY_MS);
    memcpy(d->text, text, sizeof(d->text));
    d->counts.packets.stored = handed_over + expired;
    d->counts.packets.handed_over = handed_over;
    d->counts.packets.expired = expired;
}

static void
scope(struct log *l, const char *line)
{
    (void)snprintf(l->v.services, sizeof(l->v.services), "%s", line);
}

static void
a_log(struct log *l, const char *made)
{
    memset(l, 0, sizeof(*l));
    l->v.days = l->days;
    l->v.to_ms = UINT64_MAX;
    l->v.is_auditor = true;
    scope(l, "scope agencies=* from=* to=*");
    memcpy(l->v.relay, "relay.demo", 11);
    assert_int_equal(clock_parse_rfc3339(&l->v.made_ms, made), ERR_OK);
    add_day(l, "2026-01-15", 70, 12);
    add_day(l, "2026-01-31", 30, 0);
    add_day(l, "2026-02-01", 20, 3);
    add_day(l, "2026-03-01", 15, 0);
}

static void
expect(struct log *l, const char *rows)
{
    struct buf out = {0};
    const char *table;

    assert_int_equal(publication(&l->v, &out), ERR_OK);
    buf_u8(&out, 0);
    table = strstr((const char *)out.data, "month,");
    assert_non_null(table);
    assert_string_equal(strchr(table, '\n') + 1, rows);
    buf_clear(&out);
}

static void
months_appear_when_nothing_in_them_can_change(void **state)
{
    static struct log l;
    struct buf out = {0};

    (void)state;
    a_log(&l, "2026-02-20");
    assert_int_equal(publication(&l.v, &out), ERR_NOTFOUND);
    a_log(&l, "2026-03-20");
    expect(&l, "2026-01,100,0,12,0,112\r\n");
    a_log(&l, "2026-04-20");
    expect(&l, "2026-01,100,0,12,0,112\r\n2026-02,*,*,*,*,23\r\n");
    buf_clear(&out);
}

static void
a_month_that_the_period_cuts_is_left_out(void **state)
{
    static struct log l;

    (void)state;
    a_log(&l, "2026-12-20");
    assert_int_equal(clock_parse_rfc3339(&l.v.from_ms, "2026-01-02"), ERR_OK);
    expect(&l, "2026-02,*,*,*,*,23\r\n2026-03,15,0,0,0,15\r\n");
}

static void
a_part_of_the_log_is_not_published(void **state)
{
    static struct log l;
    struct buf out = {0};

    (void)state;
    a_log(&l, "2026-12-20");
    l.v.has_agency = true;
    assert_int_equal(publication(&l.v, &out), ERR_REFUSED);
    l.v.has_agency = false;
    l.v.has_class = true;
    assert_int_equal(publication(&l.v, &out), ERR_REFUSED);
    /* An agency sees its own packets only. */
    l.v.has_class = false;
    l.v.is_auditor = false;
    assert_int_equal(publication(&l.v, &out), ERR_REFUSED);
    assert_int_equal(out.len, 0);
}

static void
a_month_that_the_scope_cuts_is_left_out(void **state)
{
    static struct log l;
    struct buf out = {0};

    (void)state;
    a_log(&l, "2026-12-20");
    scope(&l, "scope agencies=* from=2026-01-02 to=*");
    expect(&l, "2026-02,*,*,*,*,23\r\n2026-03,15,0,0,0,15\r\n");
    scope(&l, "scope agencies=* from=* to=2026-02-15\n"
              "scope agencies=0123456789abcdef0123456789abcdef from=* to=*");
    assert_int_equal(publication(&l.v, &out), ERR_NOTFOUND);
    assert_int_equal(out.len, 0);
}

/* What is erased is in no figure any more: less each day, to be subtracted. */
static void
a_month_that_is_being_erased_is_left_out(void **state)
{
    static struct log l;

    (void)state;
    a_log(&l, "2026-12-20");
    l.v.retention_s = UINT64_C(300) * 86400;
    expect(&l, "2026-03,15,0,0,0,15\r\n");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            a_small_figure_keeps_as_many_values_as_the_threshold_says),
        cmocka_unit_test(large_figures_and_zeros_are_shown),
        cmocka_unit_test(one_small_figure_hides_another_one_beside_it),
        cmocka_unit_test(a_small_sum_hides_the_whole_row),
        cmocka_unit_test(months_appear_when_nothing_in_them_can_change),
        cmocka_unit_test(a_month_that_the_period_cuts_is_left_out),
        cmocka_unit_test(a_part_of_the_log_is_not_published),
        cmocka_unit_test(a_month_that_the_scope_cuts_is_left_out),
        cmocka_unit_test(a_month_that_is_being_erased_is_left_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
