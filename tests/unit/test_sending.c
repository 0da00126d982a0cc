/* What `send` makes of a text before anything is sealed. */
#include "client/sending.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/text.h"

static void
expect_subject(const char *text, size_t len, const char *subject)
{
    struct sending s = {0};
    struct problem pb = {0};

    assert_int_equal(sending_set_text(&s, text, len, &pb), ERR_OK);
    assert_string_equal((const char *)s.subject.data, subject);
    sending_clear(&s);
}

static void
the_first_line_is_the_subject(void **state)
{
    static const char text[] = "Bed free tonight\nAsk for Ben.";

    (void)state;
    expect_subject(text, sizeof(text) - 1, "Bed free tonight");
    expect_subject("", 0, "");
    expect_subject("0123456789012345678901234567890123456789"
                   "0123456789012345678901234567890123456789",
                   80,
                   "012345678901234567890123456789012345678901234567890123456"
                   "789");
}

/* Marks take no column, so columns alone bound nothing. */
static void
a_first_line_of_any_length_gives_a_short_subject(void **state)
{
    enum { LEN = 1 << 20 };
    struct sending s = {0};
    struct problem pb = {0};
    char *text = malloc(LEN);

    (void)state;
    assert_non_null(text);
    for (size_t i = 0; i < LEN; i += 2)
        memcpy(text + i, "\xcc\x81", 2);
    assert_int_equal(sending_set_text(&s, text, LEN, &pb), ERR_OK);
    assert_true(s.subject.len <= 241);
    assert_true(text_is_utf8((const char *)s.subject.data, s.subject.len - 1));
    sending_clear(&s);
    free(text);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_line_is_the_subject),
        cmocka_unit_test(a_first_line_of_any_length_gives_a_short_subject),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
