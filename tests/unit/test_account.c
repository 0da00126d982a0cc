/* An agency's own balance: what adds up, and each thing that does not. */
#include "client/account.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/lib/audit_world.h"
#include "tests/lib/fail_alloc.h"

static struct account_options
options(const struct world *w)
{
    return (struct account_options){
        .dir = w->net.dir,
        .self = w->net.agencies[NGO].id,
        .to_ms = UINT64_MAX,
        .now_ms = w->now_s * 1000,
        .reach = UINT64_MAX,
        .seed = {1},
    };
}

/* All events that are shown. */
static struct account *
events_of(const struct world *w, const struct account_options *o)
{
    struct account *a = account_new(o);

    assert_non_null(a);
    for (unsigned i = 0; i < w->n; i++)
        if (w->e[i].is_shown)
            assert_int_equal(account_event(a, i, w->e[i].opening, &w->e[i].ev),
                             ERR_OK);
    return a;
}

static struct account *
account_of(const struct world *w)
{
    struct account_options o = options(w);
    struct account *a = events_of(w, &o);

    assert_int_equal(account_close(a), ERR_OK);
    return a;
}

static void
assert_one_mismatch(const struct account *a, const char *code, uint64_t index)
{
    assert_int_equal(account_mismatches(a), 1);
    assert_string_equal(account_mismatch_at(a, 0)->code, code);
    assert_int_equal(account_mismatch_at(a, 0)->index, index);
    assert_null(account_mismatch_at(a, 1));
}

static void
sent_and_received_stand_by_day_and_add_up(void **state)
{
    struct world *w = *state;
    const struct account_day *days;
    struct account_day total, sum = {0};
    struct account *a;
    size_t n;

    all_ends(w);
    (void)store_from(w, 7, HUB, NGO);
    a = account_of(w);
    assert_int_equal(account_mismatches(a), 0);
    assert_int_equal(account_events(a), w->n);
    days = account_days(a, &n);
    total = account_total(a);
    assert_int_equal(n, 2);
    assert_true(days[0].day < days[1].day);
    assert_int_equal(total.sent.packets.stored, 5);
    assert_int_equal(total.sent.own_copies.stored, 1);
    assert_int_equal(total.received.packets.stored, 1);
    for (size_t i = 0; i < n; i++) {
        assert_true(tally_conserved(&days[i].sent.packets));
        assert_true(tally_conserved(&days[i].received.packets));
        sum.sent.packets.stored += days[i].sent.packets.stored;
        sum.sent.packets.pending += days[i].sent.packets.pending;
    }
    assert_int_equal(sum.sent.packets.stored, 5);
    assert_int_equal(sum.sent.packets.pending, total.sent.packets.pending);
    account_free(a);
}

static void
a_period_carries_what_was_pending_before(void **state)
{
    struct world *w = *state;
    struct account_options o;
    struct account_day total;
    struct account *a;
    unsigned i = store(w, 1);

    (void)hand_over(w, store(w, 2));
    w->now_s += 2 * DAY_S;
    o = options(w);
    o.from_ms = w->now_s * 1000;
    (void)hand_over(w, i);
    a = events_of(w, &o);
    assert_int_equal(account_close(a), ERR_OK);
    total = account_total(a);
    assert_int_equal(total.sent.packets.carried, 1);
    assert_int_equal(total.sent.packets.stored, 0);
    assert_int_equal(total.sent.packets.handed_over, 1);
    account_free(a);
}

static void
a_receipt_that_agrees_is_counted(void **state)
{
    struct world *w = *state;
    struct account_options o;
    struct account *a;
    unsigned i = store(w, 1);

    o = options(w);
    a = events_of(w, &o);
    account_receipt(a, i, w->e[i].opening, &w->e[i].ev);
    assert_int_equal(account_close(a), ERR_OK);
    assert_int_equal(account_receipts(a), 1);
    assert_int_equal(account_mismatches(a), 0);
    account_free(a);
}

static void
a_receipt_without_a_leaf_names_its_packet(void **state)
{
    struct world *w = *state;
    struct account_options o;
    struct account *a;
    unsigned i = store(w, 1);

    (void)store(w, 2);
    w->e[i].is_shown = false;
    o = options(w);
    a = events_of(w, &o);
    account_receipt(a, i, w->e[i].opening, &w->e[i].ev);
    assert_int_equal(account_close(a), ERR_OK);
    assert_one_mismatch(a, "receipt_without_leaf", i);
    assert_memory_equal(&account_mismatch_at(a, 0)->packet, &w->e[i].ev.packet,
                        16);
    account_free(a);
}

static void
a_receipt_beyond_what_was_fetched_is_news(void **state)
{
    struct world *w = *state;
    struct account_options o;
    struct account *a;
    unsigned i;

    (void)store(w, 1);
    i = store(w, 2);
    w->e[i].is_shown = false;
    o = options(w);
    o.reach = i;
    a = events_of(w, &o);
    account_receipt(a, i, w->e[i].opening, &w->e[i].ev);
    assert_int_equal(account_close(a), ERR_OK);
    assert_int_equal(account_mismatches(a), 0);
    account_free(a);
}

static void
events_that_say_something_else_than_a_receipt_are_found(void **state)
{
    struct world *w = *state;
    struct account_options o;
    struct account *a;
    unsigned i = store(w, 1);
    unsigned j = store(w, 2);

    o = options(w);
    a = events_of(w, &o);
    account_receipt(a, i, w->e[j].opening, &w->e[j].ev);
    assert_int_equal(account_close(a), ERR_OK);
    assert_one_mismatch(a, "other_event", i);
    account_free(a);
}

static void
an_end_whose_beginning_is_not_shown_is_found(void **state)
{
    struct world *w = *state;
    unsigned i = store(w, 1);
    unsigned end = hand_over(w, i);
    struct account *a;

    w->e[i].is_shown = false;
    a = account_of(w);
    assert_one_mismatch(a, "opening_missing", end);
    account_free(a);
}

static void
a_second_end_is_found(void **state)
{
    struct world *w = *state;
    unsigned i = store(w, 1);
    struct account *a;
    unsigned second;

    (void)hand_over(w, i);
    second = withdraw(w, i);
    a = account_of(w);
    assert_one_mismatch(a, "ended_twice", second);
    account_free(a);
}

static void
a_packet_past_its_end_is_found(void **state)
{
    struct world *w = *state;
    unsigned i = store(w, 1);
    struct account *a;

    w->now_s = w->e[i].ev.not_after + EVENT_SWEEP_S + ACCOUNT_GRACE_S;
    a = account_of(w);
    assert_int_equal(account_mismatches(a), 0);
    account_free(a);
    w->now_s++;
    a = account_of(w);
    assert_one_mismatch(a, "not_ended", i);
    account_free(a);
}

static void
nothing_at_all_adds_up(void **state)
{
    struct account *a = account_of(*state);
    size_t n;

    (void)account_days(a, &n);
    assert_int_equal(n, 0);
    assert_int_equal(account_mismatches(a), 0);
    account_free(a);
}

static enum err
whole(const struct world *w, const struct account_options *o)
{
    struct account *a = account_new(o);
    enum err rc = a == NULL ? ERR_NOMEM : ERR_OK;

    for (unsigned i = 0; i < w->n && rc == ERR_OK; i++)
        rc = account_event(a, i, w->e[i].opening, &w->e[i].ev);
    if (rc == ERR_OK)
        rc = account_close(a);
    account_free(a);
    return rc;
}

static void
no_memory_is_an_error_wherever_it_strikes(void **state)
{
    struct world *w = *state;
    struct account_options o;
    enum err rc = ERR_NOMEM;

    all_ends(w);
    o = options(w);
    for (unsigned long n = 0; rc == ERR_NOMEM; n++) {
        fail_alloc_at(n);
        rc = whole(w, &o);
        assert_int_equal(fail_alloc_off(), rc == ERR_NOMEM);
    }
    assert_int_equal(rc, ERR_OK);
}

int
main(void)
{
#define T(name)                                                                \
    cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
    const struct CMUnitTest tests[] = {
        T(sent_and_received_stand_by_day_and_add_up),
        T(a_period_carries_what_was_pending_before),
        T(a_receipt_that_agrees_is_counted),
        T(a_receipt_without_a_leaf_names_its_packet),
        T(a_receipt_beyond_what_was_fetched_is_news),
        T(events_that_say_something_else_than_a_receipt_are_found),
        T(an_end_whose_beginning_is_not_shown_is_found),
        T(a_second_end_is_found),
        T(a_packet_past_its_end_is_found),
        T(nothing_at_all_adds_up),
        T(no_memory_is_an_error_wherever_it_strikes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
