#include "proto/cosigned.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "proto/merkle.h"

enum { NOW_S = 1790000000, HOUR_S = 3600, WITNESSES = 3 };

/* A log, three witnesses of which two are needed, and a stranger. */
static struct sign_secret log_key, keys[WITNESSES + 1];
static struct vkey log_vkey, vkeys[WITNESSES + 1];
static struct trust *policy;

static void
make_key(struct sign_secret *secret, struct vkey *key, uint8_t seed_byte,
         enum note_type type, const char *name)
{
    uint8_t seed[32];

    memset(seed, seed_byte, sizeof(seed));
    sign_keypair_from_seed(secret, seed);
    assert_int_equal(vkey_make(key, name, type, &secret->pub), ERR_OK);
}

static struct trust *
parsed(const struct buf *text)
{
    struct trust *t = NULL;
    struct trust_error error;

    assert_int_equal(trust_parse(text->data, text->len, &t, &error), ERR_OK);
    return t;
}

static int
set_up(void **state)
{
    struct buf b = {0};
    char name[32];

    (void)state;
    make_key(&log_key, &log_vkey, 1, NOTE_ED25519, "relay.example/delivery");
    buf_str(&b, "log ");
    vkey_format(&log_vkey, &b);
    for (int i = 0; i <= WITNESSES; i++) {
        (void)snprintf(name, sizeof(name), "w%d.example", i);
        make_key(&keys[i], &vkeys[i], (uint8_t)(10 + i), NOTE_COSIGNATURE,
                 name);
        if (i == WITNESSES)
            break;
        buf_printf(&b, "\nwitness w%d ", i);
        vkey_format(&vkeys[i], &b);
    }
    buf_str(&b, "\ngroup two 2 w0 w1 w2\nquorum two\n");
    policy = parsed(&b);
    buf_clear(&b);
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    trust_free(policy);
    return 0;
}

static void
put_text(struct buf *text, uint64_t size)
{
    struct checkpoint cp = {.size = size};

    (void)snprintf(cp.origin, sizeof(cp.origin), "%s", log_vkey.name);
    merkle_leaf(&size, sizeof(size), &cp.root);
    assert_int_equal(checkpoint_text(&cp, text), ERR_OK);
}

static void
put_head(struct buf *note, uint64_t size)
{
    struct buf text = {0};

    put_text(&text, size);
    assert_int_equal(
        note_sign((const char *)text.data, text.len, &log_vkey, &log_key, note),
        ERR_OK);
    buf_clear(&text);
}

/* Witness I's line below NOTE, for the head of SIZE. */
static void
put_line(struct buf *note, int i, uint64_t size, uint64_t time_s)
{
    struct cosignature cosig;
    struct buf text = {0};

    put_text(&text, size);
    assert_int_equal(cosignature_sign((const char *)text.data, text.len, time_s,
                                      &keys[i], &cosig),
                     ERR_OK);
    cosignature_line(&vkeys[i], &cosig, note);
    buf_clear(&text);
}

static struct span
span_of(const struct buf *b)
{
    return (struct span){b->data, b->len};
}

static struct cosigned
merged(const struct buf *fresh, const struct buf *held, struct buf *out)
{
    struct cosigned c = {0};

    buf_reset(out);
    assert_int_equal(cosigned_merge(policy, &log_vkey, span_of(fresh),
                                    span_of(held), NOW_S, out, &c),
                     ERR_OK);
    return c;
}

static void
lines_gather_until_they_make_the_quorum(void **state)
{
    struct buf first = {0}, second = {0}, a = {0}, b = {0};
    static const struct buf none;
    struct trusted judged;
    struct cosigned c;

    (void)state;
    put_head(&first, 7);
    put_line(&first, 1, 7, NOW_S - 10);
    c = merged(&first, &none, &a);
    assert_int_equal(c.taken, 1);
    assert_int_equal(c.verified, 2);
    assert_false(c.has_quorum);
    assert_int_equal(c.time_s_best, NOW_S - 10);
    assert_int_equal(c.head.size, 7);

    put_head(&second, 7);
    put_line(&second, 0, 7, NOW_S - 5);
    c = merged(&second, &a, &b);
    assert_int_equal(c.taken, 1);
    assert_int_equal(c.verified, 3);
    assert_true(c.has_quorum);
    assert_int_equal(c.time_s_best, NOW_S - 10);
    assert_int_equal(trust_checkpoint(policy, b.data, b.len, &judged), ERR_OK);
    assert_true(judged.quorum);
    assert_memory_equal(b.data + c.lines_at, "\xe2\x80\x94 w0.example ", 15);
    buf_clear(&first);
    buf_clear(&second);
    buf_clear(&a);
    buf_clear(&b);
}

static void
the_newer_time_wins_whichever_side_has_it(void **state)
{
    struct buf old = {0}, new = {0}, a = {0};
    struct cosigned c;

    (void)state;
    put_head(&old, 7);
    put_line(&old, 0, 7, NOW_S - 600);
    put_line(&old, 2, 7, NOW_S - 600);
    put_head(&new, 7);
    put_line(&new, 0, 7, NOW_S);
    put_line(&new, 2, 7, NOW_S);
    c = merged(&new, &old, &a);
    assert_int_equal(c.taken, 2);
    assert_int_equal(c.time_s_best, NOW_S);
    assert_int_equal(a.len, new.len);
    c = merged(&old, &new, &a);
    assert_int_equal(c.taken, 0);
    assert_int_equal(c.time_s_best, NOW_S);
    assert_int_equal(c.time_s[2], NOW_S);
    buf_clear(&old);
    buf_clear(&new);
    buf_clear(&a);
}

static void
a_stranger_and_a_liar_are_passed_over_and_the_others_stand(void **state)
{
    static const struct buf none;
    struct buf fresh = {0}, alone = {0}, a = {0};
    struct cosigned c;

    (void)state;
    put_head(&fresh, 7);
    put_line(&fresh, WITNESSES, 7, NOW_S); /* of no policy */
    put_line(&fresh, 0, 8, NOW_S);         /* of another head */
    put_line(&fresh, 1, 7, NOW_S);
    c = merged(&fresh, &none, &a);
    assert_int_equal(c.taken, 1);
    assert_int_equal(c.verified, 2);
    put_head(&alone, 7);
    put_line(&alone, 1, 7, NOW_S);
    assert_int_equal(a.len, alone.len);
    assert_memory_equal(a.data, alone.data, a.len);
    buf_clear(&fresh);
    buf_clear(&alone);
    buf_clear(&a);
}

static void
a_clock_that_runs_ahead_says_nothing_about_now(void **state)
{
    static const struct buf none;
    struct buf fresh = {0}, a = {0};
    struct cosigned c;

    (void)state;
    put_head(&fresh, 7);
    put_line(&fresh, 0, 7, NOW_S + COSIGNED_AHEAD_S);
    put_line(&fresh, 1, 7, NOW_S + COSIGNED_AHEAD_S + 1);
    c = merged(&fresh, &none, &a);
    assert_int_equal(c.verified, 1);
    assert_int_equal(c.time_s[0], NOW_S + HOUR_S);
    buf_clear(&fresh);
    buf_clear(&a);
}

static void
what_is_no_head_of_ours_is_refused(void **state)
{
    struct buf fresh = {0}, other = {0}, out = {0};
    struct sign_secret thief;
    struct vkey stranger;
    struct cosigned c;

    (void)state;
    put_head(&fresh, 7);
    put_head(&other, 8);
    assert_int_equal(cosigned_merge(policy, &log_vkey, span_of(&fresh),
                                    span_of(&other), NOW_S, &out, &c),
                     ERR_CONFLICT);
    make_key(&thief, &stranger, 99, NOTE_ED25519, log_vkey.name);
    assert_int_equal(cosigned_merge(policy, &stranger, span_of(&fresh),
                                    (struct span){NULL, 0}, NOW_S, &out, &c),
                     ERR_VERIFY);
    fresh.len--;
    assert_int_equal(cosigned_merge(policy, &log_vkey, span_of(&fresh),
                                    (struct span){NULL, 0}, NOW_S, &out, &c),
                     ERR_MALFORMED);
    assert_int_equal(out.len, 0);
    buf_clear(&fresh);
    buf_clear(&other);
    buf_clear(&out);
}

static void
a_policy_fits_when_it_names_the_log_and_its_lines_have_room(void **state)
{
    struct sign_secret key;
    struct vkey vkey;
    struct buf b = {0};
    struct trust *t;

    (void)state;
    assert_int_equal(cosigned_check_policy(policy, &log_vkey), ERR_OK);
    make_key(&key, &vkey, 2, NOTE_ED25519, log_vkey.name);
    assert_int_equal(cosigned_check_policy(policy, &vkey), ERR_NOTFOUND);
    make_key(&key, &vkey, 1, NOTE_ED25519, "relay.example/directory");
    assert_int_equal(cosigned_check_policy(policy, &vkey), ERR_NOTFOUND);

    buf_str(&b, "log ");
    vkey_format(&log_vkey, &b);
    for (int i = 0; i < TRUST_WITNESSES_MAX; i++) {
        make_key(&key, &vkey, (uint8_t)(100 + i), NOTE_COSIGNATURE, "w");
        buf_printf(&b, "\nwitness w%d ", i);
        vkey_format(&vkey, &b);
    }
    buf_str(&b, "\nquorum none\n");
    t = parsed(&b);
    assert_int_equal(cosigned_check_policy(t, &log_vkey), ERR_TOOBIG);
    trust_free(t);
    buf_clear(&b);
}

int
main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(lines_gather_until_they_make_the_quorum),
        CASE(the_newer_time_wins_whichever_side_has_it),
        CASE(a_stranger_and_a_liar_are_passed_over_and_the_others_stand),
        CASE(a_clock_that_runs_ahead_says_nothing_about_now),
        CASE(what_is_no_head_of_ours_is_refused),
        CASE(a_policy_fits_when_it_names_the_log_and_its_lines_have_room),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
