/*
 * test_qr.c - the codes on the terminal: shape, quiet zone, limits.  That a
 * scanner reads them is libqrencode's promise; that we draw each module where
 * it belongs is checked by its three finder patterns.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "client/qr.h"

enum { QUIET = 4, SIDE_MAX = 120 };

/* The drawing back into modules: 1 is dark.  Gives the side with its zone. */
static int
modules(const struct buf *b, uint8_t out[SIDE_MAX][SIDE_MAX])
{
    int x = 0;
    int y = 0;
    int side = 0;

    for (size_t i = 0; i < b->len; i++) {
        const uint8_t *p = b->data + i;
        bool upper = false;
        bool lower = false;

        if (*p == '\n') {
            side = x > side ? x : side;
            x = 0;
            y += 2;
            i += i + 3 < b->len ? 2 : 0; /* indent of the next line */
            continue;
        }
        if (i < 2 && *p == ' ')
            continue; /* indent of the first */
        if (*p == ' ') {
            upper = lower = true;
        } else {
            assert_memory_equal(p, "\xe2\x96", 2);
            upper = p[2] == 0x84;
            lower = p[2] == 0x80;
            i += 2;
        }
        out[y][x] = upper;
        out[y + 1][x] = lower;
        x++;
    }
    return side;
}

static void
assert_finder(uint8_t m[SIDE_MAX][SIDE_MAX], int x0, int y0)
{
    static const char *const rows[] = {"1111111", "1000001", "1011101",
                                       "1011101", "1011101", "1000001",
                                       "1111111"};

    for (int y = 0; y < 7; y++)
        for (int x = 0; x < 7; x++)
            assert_int_equal(m[y0 + y][x0 + x], rows[y][x] - '0');
}

static void
a_code_has_its_finders_and_quiet_zone(void **state)
{
    static uint8_t m[SIDE_MAX][SIDE_MAX];
    struct buf b = {0};
    int side;

    (void)state;
    assert_int_equal(qr_draw(&b, "9RFQ-NKWB-EB14-9ZE3-2PS9-DY3B"), ERR_OK);
    side = modules(&b, m);
    assert_true(side >= 21 + 2 * QUIET);
    for (int i = 0; i < side; i++)
        for (int z = 0; z < QUIET; z++) {
            assert_int_equal(m[z][i], 0);
            assert_int_equal(m[i][z], 0);
            assert_int_equal(m[i][side - 1 - z], 0);
        }
    assert_finder(m, QUIET, QUIET);
    assert_finder(m, side - QUIET - 7, QUIET);
    assert_finder(m, QUIET, side - QUIET - 7);
    buf_clear(&b);
}

static void
a_text_that_fits_no_code_is_refused(void **state)
{
    char text[4000];
    struct buf b = {0};

    (void)state;
    memset(text, 'a', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    assert_int_equal(qr_draw(&b, text), ERR_TOOBIG);
    assert_int_equal(b.len, 0);
    buf_clear(&b);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_code_has_its_finders_and_quiet_zone),
        cmocka_unit_test(a_text_that_fits_no_code_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
