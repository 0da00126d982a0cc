#include "proto/fingerprint.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "proto/crypto.h"

static struct hash network;
static struct sign_key key;

static int
setup(void **state)
{
    (void)state;
    memset(network.b, 0xaa, sizeof(network.b));
    for (unsigned i = 0; i < 32; i++)
        key.b[i] = (uint8_t)i;
    return crypto_init() == ERR_OK ? 0 : -1;
}

/* Expected digits from an independent computation (Python hashlib). */
static void
digits_agree_with_an_independent_computation(void **state)
{
    char digits[FINGERPRINT_LEN + 1];

    (void)state;
    fingerprint(digits, &network, &key, "Shelter Nord e.V.");
    assert_string_equal(digits, "66188 32481 19895 46878 97463 06861");
    fingerprint(digits, &network, &key, "Zuflucht K\xc3\xb6ln");
    assert_string_equal(digits, "35085 70445 53381 19833 75333 16341");
}

static void
network_key_and_name_each_change_the_digits(void **state)
{
    char a[FINGERPRINT_LEN + 1], b[FINGERPRINT_LEN + 1];
    struct hash other_network = network;
    struct sign_key other_key = key;

    (void)state;
    other_network.b[31] ^= 1;
    other_key.b[31] ^= 1;
    fingerprint(a, &network, &key, "Hub");
    fingerprint(b, &other_network, &key, "Hub");
    assert_string_not_equal(a, b);
    fingerprint(b, &network, &other_key, "Hub");
    assert_string_not_equal(a, b);
    fingerprint(b, &network, &key, "Hut");
    assert_string_not_equal(a, b);
}

static void
gaps_in_what_was_typed_do_not_matter(void **state)
{
    static const char digits[] = "66188 32481 19895 46878 97463 06861";

    (void)state;
    assert_true(fingerprint_is(digits, digits));
    assert_true(fingerprint_is(digits, "661883248119895468789746306861"));
    assert_true(fingerprint_is(digits, " 66188-32481 19895\n468789746306861 "));
    assert_false(fingerprint_is(digits, "66188 32481 19895 46878 97463 06862"));
    assert_false(fingerprint_is(digits, "66188 32481 19895 46878 97463 0686"));
    assert_false(
        fingerprint_is(digits, "66188 32481 19895 46878 97463 068611"));
    assert_false(fingerprint_is(digits, ""));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(digits_agree_with_an_independent_computation),
        cmocka_unit_test(network_key_and_name_each_change_the_digits),
        cmocka_unit_test(gaps_in_what_was_typed_do_not_matter),
    };

    return cmocka_run_group_tests(tests, setup, NULL);
}
