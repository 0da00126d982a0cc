#include "proto/base32.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void
rfc_4648_examples_hold(void **state)
{
    static const char *const want[] = {
        "", "my", "mzxq", "mzxw6", "mzxw6yq", "mzxw6ytb", "mzxw6ytboi"};
    char text[17];
    uint8_t back[6];
    size_t len;

    (void)state;
    for (size_t n = 0; n <= 6; n++) {
        base32_encode(text, "foobar", n);
        assert_string_equal(text, want[n]);
        assert_int_equal(base32_decode(back, 6, &len, text, strlen(text)),
                         ERR_OK);
        assert_int_equal(len, n);
        assert_memory_equal(back, "foobar", n);
    }
    assert_int_equal(base32_decode(back, 6, &len, "MZxW6", 5), ERR_OK);
    assert_memory_equal(back, "foo", 3);
}

static void
base32_has_one_form_only(void **state)
{
    static const char *const bad[] = {"m",      "mzx",      "mzxw6y",
                                      "mz",     "mzxw7",    "mzxw1",
                                      "mzxw 6", "my======", "mzxw8"};
    uint8_t back[8] = {9};
    size_t len = 77;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(base32_decode(back, 8, &len, bad[i], strlen(bad[i])),
                         ERR_MALFORMED);
    assert_int_equal(base32_decode(back, 2, &len, "mzxw6", 5), ERR_TOOBIG);
    assert_int_equal(back[0], 9);
    assert_int_equal(len, 77);
}

static void
a_paper_key_survives_a_person(void **state)
{
    uint8_t key[32], back[32];
    char text[53], typed[128];
    size_t at = 0;

    (void)state;
    for (size_t i = 0; i < sizeof(key); i++)
        key[i] = (uint8_t)(i * 73 + 5);
    crockford_encode(text, 52, key, sizeof(key));
    assert_int_equal(strlen(text), 52);
    for (size_t i = 0; i < 52; i++) {
        char ch = text[i];

        if (i > 0 && i % 4 == 0)
            typed[at++] = i % 8 == 0 ? '-' : ' ';
        if (ch == '0')
            ch = 'o';
        if (ch == '1')
            ch = i % 2 == 0 ? 'L' : 'i';
        if (ch >= 'A' && ch <= 'Z' && i % 3 == 0)
            ch = (char)(ch - 'A' + 'a');
        typed[at++] = ch;
    }
    typed[at] = '\0';
    assert_int_equal(crockford_decode(back, sizeof(back), typed), ERR_OK);
    assert_memory_equal(back, key, sizeof(key));
}

static void
crockford_uses_its_own_alphabet(void **state)
{
    /* 0, 1, ... 31 in five bits each. */
    static const uint8_t all[20] = {0x00, 0x44, 0x32, 0x14, 0xc7, 0x42, 0x54,
                                    0xb6, 0x35, 0xcf, 0x84, 0x65, 0x3a, 0x56,
                                    0xd7, 0xc6, 0x75, 0xbe, 0x77, 0xdf};
    uint8_t back[20];
    char text[33];

    (void)state;
    crockford_encode(text, 32, all, sizeof(all));
    assert_string_equal(text, "0123456789ABCDEFGHJKMNPQRSTVWXYZ");
    assert_int_equal(crockford_decode(back, 20, text), ERR_OK);
    assert_memory_equal(back, all, 20);
    crockford_encode(text, 4, all + 17, 3);
    assert_string_equal(text, "QSVX");
}

static void
crockford_refuses_what_it_does_not_know(void **state)
{
    static const char *const bad[] = {"",   "0",  "000", "0U",
                                      "0*", "0=", "01",  "\xc3\xa4"};
    uint8_t out[1] = {9};
    char clean[4];

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(crockford_decode(out, 1, bad[i]), ERR_MALFORMED);
    assert_int_equal(out[0], 9);
    assert_int_equal(crockford_decode(out, 1, "ZW"), ERR_OK);
    assert_int_equal(out[0], 0xff);
    assert_int_equal(crockford_clean(clean, 4, "o-i\tl\n"), ERR_OK);
    assert_string_equal(clean, "011");
    assert_int_equal(crockford_clean(clean, 4, "0123"), ERR_TOOBIG);
    assert_string_equal(clean, "011");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rfc_4648_examples_hold),
        cmocka_unit_test(base32_has_one_form_only),
        cmocka_unit_test(a_paper_key_survives_a_person),
        cmocka_unit_test(crockford_uses_its_own_alphabet),
        cmocka_unit_test(crockford_refuses_what_it_does_not_know),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
