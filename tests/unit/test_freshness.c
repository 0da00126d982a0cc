#include "client/freshness.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "proto/cosigned.h"

enum { NOW_S = 1790000000, DAY_S = 24 * 3600, WITNESSES = 3 };

#define MS(s) ((uint64_t)(s)*1000)

static struct trust *
policy(const char *quorum)
{
    struct trust_error error = {0};
    struct trust *t = NULL;
    struct buf b = {0};

    for (int i = 0; i < WITNESSES; i++) {
        struct sign_secret key;
        struct vkey vkey;
        uint8_t seed[32];
        char name[32];

        memset(seed, i + 1, sizeof(seed));
        sign_keypair_from_seed(&key, seed);
        (void)snprintf(name, sizeof(name), "w%d.example", i);
        assert_int_equal(vkey_make(&vkey, name, NOTE_COSIGNATURE, &key.pub),
                         ERR_OK);
        buf_printf(&b, "witness w%d ", i);
        vkey_format(&vkey, &b);
        buf_str(&b, "\n");
    }
    buf_printf(&b, "group two 2 w0 w1 w2\nquorum %s\n", quorum);
    if (trust_parse(b.data, b.len, &t, &error) != ERR_OK)
        fail_msg("line %u: %s", error.line, error.message);
    buf_clear(&b);
    return t;
}

/* A head that these witnesses cosigned then; 0: not. */
static struct trusted
cosigned(const struct trust *t, uint64_t a, uint64_t b, uint64_t c)
{
    struct trusted x = {.time_s = {a, b, c}};

    for (int i = 0; i < WITNESSES; i++)
        if (x.time_s[i] != 0)
            x.verified |= UINT64_C(1) << i;
    x.quorum = trust_satisfied(t, x.verified);
    (void)trust_quorum_time(t, x.verified, x.time_s, &x.quorum_time_s);
    return x;
}

static struct freshness
judged(const struct trust *t, const struct trusted *newest, uint64_t synced_s)
{
    struct freshness f;

    freshness_judge(t, newest, MS(synced_s), MS(NOW_S), &f);
    return f;
}

static void
without_witnesses_the_last_sync_counts(void **state)
{
    struct freshness f = judged(NULL, NULL, NOW_S - 60);

    (void)state;
    assert_false(f.by_witnesses);
    assert_false(f.is_stale);
    assert_int_equal(f.age_ms, 60000);
    assert_true(judged(NULL, NULL, 0).is_stale);
    assert_false(judged(NULL, NULL, NOW_S - 7 * DAY_S).is_stale);
    assert_true(judged(NULL, NULL, NOW_S - 7 * DAY_S - 1).is_stale);
    /* A clock that was set back since: not younger than now. */
    assert_int_equal(judged(NULL, NULL, NOW_S + DAY_S).age_ms, 0);
}

static void
a_policy_without_a_quorum_asks_for_none(void **state)
{
    struct trust *t = policy("none");
    struct trusted old = cosigned(t, NOW_S - 30 * DAY_S, 0, 0);

    (void)state;
    assert_false(judged(t, NULL, NOW_S).is_stale);
    assert_false(judged(t, &old, NOW_S).is_stale);
    assert_false(judged(t, &old, NOW_S).by_witnesses);
    trust_free(t);
}

static void
with_witnesses_a_sync_of_just_now_is_not_enough(void **state)
{
    struct trust *t = policy("two");
    struct freshness f = judged(t, NULL, NOW_S);

    (void)state;
    assert_true(f.by_witnesses);
    assert_true(f.is_stale);
    assert_int_equal(f.at_ms, 0);
    assert_false(f.is_clock_behind);
    trust_free(t);
}

static void
the_directory_is_as_old_as_its_quorum(void **state)
{
    struct trust *t = policy("two");
    struct trusted x = cosigned(t, NOW_S, NOW_S - DAY_S, NOW_S - 9 * DAY_S);
    struct freshness f = judged(t, &x, 0);

    (void)state;
    assert_int_equal(f.at_ms, MS(NOW_S - DAY_S));
    assert_int_equal(f.age_ms, MS(DAY_S));
    assert_false(f.is_stale);
    trust_free(t);
}

static void
after_seven_days_it_is_stale_to_the_second(void **state)
{
    struct trust *t = policy("two");
    uint64_t week = NOW_S - 7 * DAY_S;
    struct trusted at = cosigned(t, week, week, 0);
    struct trusted before = cosigned(t, week, week - 1, 0);

    (void)state;
    assert_false(judged(t, &at, NOW_S).is_stale);
    assert_true(judged(t, &before, NOW_S).is_stale);
    trust_free(t);
}

static void
one_witness_whose_clock_is_ahead_cannot_keep_it_fresh(void **state)
{
    struct trust *one = policy("w0");
    struct trust *two = policy("two");
    uint64_t ahead = NOW_S + 365 * (uint64_t)DAY_S;
    struct trusted alone = cosigned(one, ahead, 0, 0);
    struct trusted with = cosigned(two, ahead, NOW_S - 8 * DAY_S, 0);
    struct trusted beside =
        cosigned(two, ahead, NOW_S - 8 * DAY_S, NOW_S - DAY_S);
    struct freshness f = judged(one, &alone, NOW_S);

    (void)state;
    assert_true(f.is_stale);
    assert_true(f.is_clock_behind);
    assert_true(judged(two, &with, NOW_S).is_stale);
    assert_int_equal(judged(two, &beside, NOW_S).at_ms, MS(NOW_S - 8 * DAY_S));
    trust_free(one);
    trust_free(two);
}

static void
clocks_an_hour_apart_do_no_harm(void **state)
{
    struct trust *t = policy("two");
    uint64_t edge = NOW_S + COSIGNED_AHEAD_S;
    struct trusted at = cosigned(t, edge, edge, 0);
    struct trusted past = cosigned(t, edge + 1, edge + 1, 0);

    (void)state;
    assert_false(judged(t, &at, NOW_S).is_stale);
    assert_int_equal(judged(t, &at, NOW_S).age_ms, 0);
    assert_true(judged(t, &past, NOW_S).is_stale);
    assert_true(judged(t, &past, NOW_S).is_clock_behind);
    trust_free(t);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_witnesses_the_last_sync_counts),
        cmocka_unit_test(a_policy_without_a_quorum_asks_for_none),
        cmocka_unit_test(with_witnesses_a_sync_of_just_now_is_not_enough),
        cmocka_unit_test(the_directory_is_as_old_as_its_quorum),
        cmocka_unit_test(after_seven_days_it_is_stale_to_the_second),
        cmocka_unit_test(one_witness_whose_clock_is_ahead_cannot_keep_it_fresh),
        cmocka_unit_test(clocks_an_hour_apart_do_no_harm),
    };

    if (crypto_init() != ERR_OK)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
