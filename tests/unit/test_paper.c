#include "proto/paper.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "proto/crypto.h"

/* Both from an independent computation (Python hashlib). */
static const char ascending[] =
    "000G-40R4-0M30-E209-185G-R38E-1W81-24GK-2GAH-C5RR-34D1-P70X-3RFG-MTYD";
static const char all_ones[] =
    "ZZZZ-ZZZZ-ZZZZ-ZZZZ-ZZZZ-ZZZZ-ZZZZ-ZZZZ-ZZZZ-ZZZZ-ZZZZ-ZZZZ-ZZZG-B5VF";

static uint8_t seed[32];

static int
setup(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 32; i++)
        seed[i] = (uint8_t)i;
    return crypto_init() == ERR_OK ? 0 : -1;
}

static void
known_seeds_give_known_groups(void **state)
{
    char text[PAPER_TEXT_LEN + 1];
    uint8_t ones[32];

    (void)state;
    paper_encode(text, seed);
    assert_string_equal(text, ascending);
    memset(ones, 0xff, sizeof(ones));
    paper_encode(text, ones);
    assert_string_equal(text, all_ones);
}

static void
what_is_printed_can_be_typed_back(void **state)
{
    static const char sloppy[] =
        " ooog-4or4 oM30 E209-185g\nR38E1w8l24GK-2GAH-C5RR-34Di-P70X-3RFG MTYD";
    uint8_t got[32] = {0};

    (void)state;
    assert_int_equal(paper_decode(got, ascending), ERR_OK);
    assert_memory_equal(got, seed, 32);
    memset(got, 0, sizeof(got));
    assert_int_equal(paper_decode(got, sloppy), ERR_OK);
    assert_memory_equal(got, seed, 32);
}

static void
any_wrong_digit_is_noticed(void **state)
{
    uint8_t got[32] = {0}, none[32] = {0};

    (void)state;
    for (size_t i = 0; i < PAPER_TEXT_LEN; i++) {
        char text[PAPER_TEXT_LEN + 1];

        memcpy(text, ascending, sizeof(text));
        if (text[i] == '-')
            continue;
        text[i] = text[i] == 'K' ? 'M' : 'K';
        assert_int_equal(paper_decode(got, text), ERR_VERIFY);
        assert_memory_equal(got, none, 32);
    }
}

static void
another_length_or_alphabet_is_not_a_paper_key(void **state)
{
    char text[PAPER_TEXT_LEN + 3];
    uint8_t got[32];

    (void)state;
    assert_int_equal(paper_decode(got, ""), ERR_MALFORMED);
    snprintf(text, sizeof(text), "%.*s", PAPER_TEXT_LEN - 1, ascending);
    assert_int_equal(paper_decode(got, text), ERR_MALFORMED);
    snprintf(text, sizeof(text), "%s0", ascending);
    assert_int_equal(paper_decode(got, text), ERR_MALFORMED);
    snprintf(text, sizeof(text), "U%s", ascending + 1);
    assert_int_equal(paper_decode(got, text), ERR_MALFORMED);
}

static void
one_group_is_asked_back(void **state)
{
    (void)state;
    assert_true(paper_group_is(seed, 1, "000G"));
    assert_true(paper_group_is(seed, 2, " 4or4 "));
    assert_true(paper_group_is(seed, 14, "mtyd"));
    assert_false(paper_group_is(seed, 3, "000G"));
    assert_false(paper_group_is(seed, 1, "000"));
    assert_false(paper_group_is(seed, 1, "000G4"));
    assert_false(paper_group_is(seed, 0, "000G"));
    assert_false(paper_group_is(seed, 15, "000G"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_seeds_give_known_groups),
        cmocka_unit_test(what_is_printed_can_be_typed_back),
        cmocka_unit_test(any_wrong_digit_is_noticed),
        cmocka_unit_test(another_length_or_alphabet_is_not_a_paper_key),
        cmocka_unit_test(one_group_is_asked_back),
    };

    return cmocka_run_group_tests(tests, setup, NULL);
}
