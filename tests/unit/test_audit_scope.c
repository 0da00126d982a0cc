/* The auditor's scope at its borders: whose packets, on which days. */
#include "client/audit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/bytes.h"
#include "common/clock.h"
#include "tests/lib/audit_world.h"

/* "scope agencies=<that of desk N> from=DAY to=DAY"; DAY of MS. */
static void
scope_to(struct world *w, unsigned desk, uint64_t from_ms, uint64_t to_ms)
{
    char id[33], from[CLOCK_TEXT_MAX], to[CLOCK_TEXT_MAX], line[128];

    hex_encode(id, w->net.agencies[desk].id.b, 16);
    clock_format_rfc3339(from, from_ms);
    clock_format_rfc3339(to, to_ms);
    (void)snprintf(line, sizeof(line), "scope agencies=%s from=%.10s to=%.10s",
                   id, from, to);
    world_scope(w, line);
}

/* Seconds of the first moment of the day of S. */
static uint64_t
day_start(uint64_t s)
{
    return s / DAY_S * DAY_S;
}

static void
the_first_and_the_last_moment_of_its_days_are_in_it(void **state)
{
    struct world *w = *state;
    uint64_t start = day_start(NET_TIME) + 10 * DAY_S;

    scope_to(w, NGO, start * 1000, (start + DAY_S) * 1000);
    w->now_s = start;
    (void)store(w, 1);
    w->now_s = start + 2 * DAY_S - 1;
    (void)store(w, 2);
    check_none(w);
}

static void
what_is_shown_from_the_days_beside_is_found(void **state)
{
    struct world *w = *state;
    uint64_t start = day_start(NET_TIME) + 10 * DAY_S;
    struct audit *a;

    scope_to(w, NGO, start * 1000, (start + DAY_S) * 1000);
    w->now_s = start - 1;
    (void)store(w, 1);
    w->now_s = start;
    (void)store(w, 2);
    w->now_s = start + 2 * DAY_S;
    (void)store(w, 3);
    a = audit(w);
    assert_int_equal(audit_finding_count(a), 2);
    assert_string_equal(audit_finding_at(a, 0)->code, "out_of_scope");
    assert_int_equal(audit_finding_at(a, 0)->index, 0);
    assert_string_equal(audit_finding_at(a, 1)->code, "out_of_scope");
    assert_int_equal(audit_finding_at(a, 1)->index, 2);
    audit_free(a);
}

static void
an_agency_is_in_it_as_sender_and_as_recipient(void **state)
{
    struct world *w = *state;
    uint64_t start = day_start(NET_TIME);
    unsigned third = net_desk(&w->net, "Third", CLASS_PARTNER);
    unsigned other;
    struct audit *a;

    scope_to(w, NGO, start * 1000, (start + DAY_S) * 1000);
    w->now_s = start + 3600;
    (void)store_from(w, 1, NGO, HUB);
    (void)store_from(w, 2, third, NGO);
    other = store_from(w, 3, third, HUB);
    a = audit(w);
    assert_one(a, "out_of_scope", other);
    audit_free(a);
    w->e[other].is_shown = false;
    check_none(w);
}

/* Who may not see all cannot know what is missing. */
static void
a_sealed_entry_is_no_finding_in_a_part_of_the_network(void **state)
{
    struct world *w = *state;
    uint64_t start = day_start(NET_TIME);
    struct audit_sum s;
    struct audit *a;

    scope_to(w, NGO, start * 1000, (start + 30 * DAY_S) * 1000);
    w->now_s = start + 3600;
    (void)store(w, 1);
    w->e[store(w, 2)].is_shown = false;
    (void)store(w, 3);
    a = audit(w);
    assert_none(a);
    audit_result(a, &s);
    assert_int_equal(s.unseen, 1);
    audit_free(a);
}

static void
a_wider_scope_by_a_second_admit_is_held_to_the_whole(void **state)
{
    struct world *w = *state;
    uint64_t start = day_start(NET_TIME);
    unsigned hidden;

    scope_to(w, NGO, start * 1000, (start + 30 * DAY_S) * 1000);
    w->now_s = start + 3600;
    (void)store(w, 1);
    hidden = store(w, 2);
    w->e[hidden].is_shown = false;
    (void)store(w, 3);
    check_none(w);
    world_scope(w, "scope agencies=* from=* to=*");
    check_one(w, "unopened", hidden);
}

static void
a_scope_that_cannot_be_read_grants_nothing(void **state)
{
    struct world *w = *state;
    struct dir_agency broken = *w->auditor;
    struct audit *a;
    char services[] = "scope agencies=* from=* to=*\nscope agencies=all";

    (void)store(w, 1);
    broken.services = services;
    a = audit_as(w, &broken);
    assert_one(a, "out_of_scope", 0);
    audit_free(a);
}

/* A packet from before the first day ends inside of it. */
static void
what_began_before_the_scope_is_carried(void **state)
{
    struct world *w = *state;
    uint64_t start = day_start(NET_TIME) + 5 * DAY_S;
    struct audit_sum s;
    struct audit *a;
    unsigned i;

    scope_to(w, NGO, start * 1000, (start + 30 * DAY_S) * 1000);
    w->now_s = start - 60;
    i = store(w, 1);
    w->e[i].is_shown = false;
    w->now_s = start + 60;
    (void)hand_over(w, i);
    a = audit(w);
    assert_none(a);
    audit_result(a, &s);
    assert_int_equal(s.total.packets.carried, 1);
    assert_int_equal(s.total.packets.handed_over, 1);
    audit_free(a);
}

int
main(void)
{
#define T(name)                                                                \
    cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
    const struct CMUnitTest tests[] = {
        T(the_first_and_the_last_moment_of_its_days_are_in_it),
        T(what_is_shown_from_the_days_beside_is_found),
        T(an_agency_is_in_it_as_sender_and_as_recipient),
        T(a_sealed_entry_is_no_finding_in_a_part_of_the_network),
        T(a_wider_scope_by_a_second_admit_is_held_to_the_whole),
        T(a_scope_that_cannot_be_read_grants_nothing),
        T(what_began_before_the_scope_is_carried),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
