/*
 * The one table of legal sequences, as the relay asks it (event_next), as a
 * reader does (event_check_sequence) and as the auditor folds it (balance.h),
 * against an independent model: every short sequence, and long random ones.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proto/balance.h"
#include "tests/lib/sequence_model.h"

/* All types there are, and two that are none. */
static const uint8_t types[] = {1,  2,  3,  4,  5,  16, 17, 18,
                                19, 20, 32, 33, 34, 48, 0,  99};
enum { TYPES = sizeof(types), ALL_LEN = 6, BALANCE_LEN = 4, LONG_LEN = 40 };

static struct event
event_of(uint8_t type, uint64_t index)
{
    struct event ev = {.type = type,
                       .time_ms = (EVENT_SWEEP_S + 1 + index) * 1000,
                       .packet = {{1}},
                       .sender = {{2}},
                       .recipient = {{3}},
                       .pkt_digest = {{4}},
                       .evidence = {{type != EVENT_STORED}}};

    return ev;
}

/* The state that event_next() comes to; PACKET_STATES when it refuses one. */
static unsigned
by_next(const uint8_t *seq, size_t n)
{
    enum packet_state state = PACKET_UNSEEN;

    for (size_t i = 0; i < n; i++)
        if (event_next(state, seq[i], &state) != ERR_OK)
            return PACKET_STATES;
    return state;
}

static unsigned
by_sequence(const uint8_t *seq, size_t n)
{
    struct event events[LONG_LEN];
    enum packet_state end = PACKET_STATES;

    for (size_t i = 0; i < n; i++)
        events[i] = event_of(seq[i], i);
    if (event_check_sequence(events, n, &end) != ERR_OK)
        return PACKET_STATES;
    return end;
}

static unsigned
by_balance(const uint8_t *seq, size_t n)
{
    const struct balance_options options = {.erasable_end = UINT64_MAX,
                                            .grace_s = 1 << 20};
    struct balance *b = balance_new(&options);
    struct balance_packet p = {.state = PACKET_UNSEEN};
    struct event ev = event_of(1, 0);
    uint64_t wrong;

    assert_non_null(b);
    for (size_t i = 0; i < n; i++) {
        ev = event_of(seq[i], i);
        assert_int_equal(balance_event(b, i, &ev), ERR_OK);
    }
    (void)balance_packet(b, &ev.sender, &ev.packet, &p);
    wrong = balance_findings(b, FINDING_SEQUENCE) +
            balance_findings(b, FINDING_STORED_TWICE);
    assert_true(balance_conserved(b));
    balance_free(b);
    return wrong > 0 ? PACKET_STATES : p.state;
}

static unsigned
by_model(const uint8_t *seq, size_t n)
{
    unsigned end;

    return model_is_legal(seq, n, &end) ? end : PACKET_STATES;
}

/* A balance passes over events that belong to no packet. */
static bool
is_story(const uint8_t *seq, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const struct event_info *info = event_info(seq[i]);

        if (info != NULL && !info->is_packet)
            return false;
    }
    return true;
}

static void
compare(const uint8_t *seq, size_t n, bool with_balance)
{
    unsigned want = by_model(seq, n);

    assert_int_equal(by_next(seq, n), want);
    assert_int_equal(by_sequence(seq, n), want);
    if (with_balance && is_story(seq, n))
        assert_int_equal(by_balance(seq, n), want);
}

static uint64_t
enumerate(uint8_t *seq, size_t at, size_t len, bool with_balance)
{
    uint64_t count = 0;

    if (at == len) {
        compare(seq, len, with_balance);
        return 1;
    }
    for (size_t i = 0; i < TYPES; i++) {
        seq[at] = types[i];
        /* Behind an illegal beginning one more event tells as much as all. */
        if (at + 2 < len && !model_is_legal(seq, at, NULL))
            continue;
        count += enumerate(seq, at + 1, len, with_balance);
    }
    return count;
}

static void
every_short_sequence_is_judged_as_the_design_says(void **state)
{
    uint8_t seq[ALL_LEN];
    uint64_t count = 0;

    (void)state;
    for (size_t len = 0; len <= ALL_LEN; len++)
        count += enumerate(seq, 0, len, len <= BALANCE_LEN);
    assert_true(count > 100000);
}

static uint64_t
next_random(uint64_t *x)
{
    *x ^= *x << 13;
    *x ^= *x >> 7;
    *x ^= *x << 17;
    return *x >> 11;
}

/* Mostly legal ones: a type is drawn again while it would be illegal, but for
 * one time in thirty. */
static void
long_random_sequences_are_judged_as_the_design_says(void **state)
{
    uint64_t random = 88172645463325252u, legal = 0;

    (void)state;
    for (unsigned round = 0; round < 20000; round++) {
        uint8_t seq[LONG_LEN];
        size_t len = 1 + next_random(&random) % LONG_LEN;

        for (size_t i = 0; i < len; i++)
            do
                seq[i] = types[next_random(&random) % TYPES];
            while (next_random(&random) % 30 != 0 &&
                   model_is_legal(seq, i, NULL) &&
                   !model_is_legal(seq, i + 1, NULL));
        compare(seq, len, true);
        legal += model_is_legal(seq, len, NULL);
    }
    assert_in_range(legal, 2000, 18000);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_short_sequence_is_judged_as_the_design_says),
        cmocka_unit_test(long_random_sequences_are_judged_as_the_design_says),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
