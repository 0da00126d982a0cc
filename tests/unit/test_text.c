#include "common/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/lib/fail_alloc.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void
only_well_formed_utf_8_passes(void **state)
{
    static const char *const good[] = {"", "plain", "Zo\xc3\xab",
                                       "\xf0\x9f\x98\x80", "\xef\xbf\xbf"};
    static const char *const bad[] = {
        "\xc0\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80",
        "abc\xc3",  "\x80",         "\xff"};

    (void)state;
    for (size_t i = 0; i < COUNT(good); i++)
        assert_true(text_is_utf8(good[i], strlen(good[i])));
    for (size_t i = 0; i < COUNT(bad); i++)
        assert_false(text_is_utf8(bad[i], strlen(bad[i])));
    assert_true(text_is_utf8("a\0b", 3));
}

static void
text_is_composed(void **state)
{
    char *out = NULL;

    (void)state;
    assert_int_equal(text_nfc(&out, "Zoe\xcc\x88", 5), ERR_OK);
    assert_string_equal(out, "Zo\xc3\xab");
    free(out);
    out = NULL;
    assert_int_equal(text_nfc(&out, "\xff", 1), ERR_MALFORMED);
    assert_int_equal(text_nfc(&out, "a\0b", 3), ERR_MALFORMED);
    assert_null(out);
}

static void
names_are_what_people_can_read(void **state)
{
    static const char *const good[] = {
        "Ana", "Zo\xc3\xab", "Safe House 12", "\xd8\xb9\xd9\x84\xdb\x8c",
        "\xd9\x85\xdb\x8c\xe2\x80\x8c\xd8\xae\xd9\x88\xd8\xa7\xd9\x87\xd9\x85"};
    static const char *const bad[] = {"",
                                      " Ana",
                                      "Ana ",
                                      "A\nB",
                                      "A\tB",
                                      "A\x1b[2JB",
                                      "A\xc2\x9bm",
                                      "A\x7f",
                                      "A\xe2\x80\xae"
                                      "B",
                                      "A\xe2\x81\xa6"
                                      "B",
                                      "A\xd8\x9c"
                                      "B",
                                      "A\xe2\x80\x8f"
                                      "B",
                                      "A\xe2\x80\xa8"
                                      "B",
                                      "A\xe2\x80\x8b"
                                      "B",
                                      "A\xef\xbb\xbf",
                                      "Zoe\xcc\x88",
                                      "A\xff",
                                      "\xc2\xa0"
                                      "A"};

    (void)state;
    for (size_t i = 0; i < COUNT(good); i++) {
        assert_int_equal(text_name_check(good[i], 40), ERR_OK);
        assert_null(text_name_problem(good[i], 40));
    }
    for (size_t i = 0; i < COUNT(bad); i++) {
        assert_int_equal(text_name_check(bad[i], 40), ERR_MALFORMED);
        assert_non_null(text_name_problem(bad[i], 40));
    }
    assert_int_equal(text_name_check("123456", 5), ERR_TOOBIG);
    assert_string_equal(text_name_problem("123456", 5), "is too long");
}

static void
assert_shown(const char *text, size_t len, enum text_lines lines,
             const char *expect)
{
    struct buf b = {0};

    text_show(&b, text, len, lines);
    buf_u8(&b, 0);
    assert_string_equal((char *)b.data, expect);
    buf_clear(&b);
}

static void
a_terminal_obeys_nothing_that_is_shown(void **state)
{
    (void)state;
    assert_shown("\x1b]0;owned\x07", 10, TEXT_LINES, "\\u{1b}]0;owned\\u{7}");
    assert_shown("a\xc2\x9b"
                 "31m",
                 6, TEXT_LINES, "a\\u{9b}31m");
    assert_shown("gpj.\xe2\x80\xae", 7, TEXT_LINES, "gpj.\\u{202e}");
    assert_shown("a\0b", 3, TEXT_LINES, "a\\u{0}b");
    assert_shown("a\xff\xc3", 3, TEXT_LINES, "a\\x{ff}\\x{c3}");
    assert_shown("1\r\n2\t3\n", 7, TEXT_LINES, "1\n2\t3\n");
    assert_shown("1\r2", 3, TEXT_LINES, "1\\u{d}2");
    assert_shown("1\n2\t", 4, TEXT_ONE_LINE, "1\\u{a}2\\u{9}");
    assert_shown("Zo\xc3\xab \xe2\x82\xac", 8, TEXT_ONE_LINE,
                 "Zo\xc3\xab \xe2\x82\xac");
}

static void
no_byte_below_space_survives_whatever_comes(void **state)
{
    (void)state;
    for (unsigned a = 0; a < 256; a++) {
        for (unsigned b = 0; b < 256; b++) {
            const char in[2] = {(char)a, (char)b};
            struct buf out = {0};
            text_show(&out, in, 2, TEXT_ONE_LINE);
            assert_true(out.len >= 1);
            assert_true(text_is_utf8((char *)out.data, out.len));
            for (size_t i = 0; i < out.len; i++)
                assert_true(out.data[i] >= 0x20 && out.data[i] != 0x7f);
            buf_clear(&out);
        }
    }
}

static void
width_counts_columns(void **state)
{
    (void)state;
    assert_int_equal(text_width("abc", 3), 3);
    assert_int_equal(text_width("Zoe\xcc\x88", 5), 3);
    assert_int_equal(text_width("\xe6\xbc\xa2", 3), 2);
    assert_int_equal(text_width("a\x1b"
                                "b",
                                3),
                     2);
}

static void
file_names_cannot_hurt(void **state)
{
    static const char *const rows[][2] = {
        {"report.pdf", "report.pdf"},
        {"../../etc/passwd", "_.._etc_passwd"},
        {"/", "_"},
        {"", "file"},
        {"...", "file"},
        {".bashrc", "bashrc"},
        {"a\\b:c*d?e\"f<g>h|i", "a_b_c_d_e_f_g_h_i"},
        {"trailing. . ", "trailing"},
        {"NUL", "_NUL"},
        {"com1.txt", "_com1.txt"},
        {"nulls.txt", "nulls.txt"},
        {"com", "com"},
        {"fdp.\xe2\x80\xaegpj", "fdp._gpj"},
        {"a\nb\x1b.txt", "a_b_.txt"},
        {"bad\xff.txt", "bad_.txt"},
        {"Zo\xc3\xab.txt", "Zo\xc3\xab.txt"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        char *out = NULL;
        assert_int_equal(text_safe_filename(&out, rows[i][0]), ERR_OK);
        assert_string_equal(out, rows[i][1]);
        free(out);
    }
}

static void
long_file_names_keep_their_extension_and_their_characters(void **state)
{
    (void)state;
    for (size_t len = 150; len < 300; len++) {
        struct buf name = {0};
        char *out = NULL;
        while (name.len < len)
            buf_str(&name, "\xc3\xab");
        buf_str(&name, ".docx");
        buf_u8(&name, 0);
        assert_int_equal(text_safe_filename(&out, (char *)name.data), ERR_OK);
        assert_true(strlen(out) <= TEXT_FILENAME_MAX);
        assert_true(strlen(out) >= 150);
        assert_string_equal(out + strlen(out) - 5, ".docx");
        assert_true(text_is_utf8(out, strlen(out)));
        free(out);
        buf_clear(&name);
    }
}

static void
a_file_name_without_memory_is_an_error(void **state)
{
    char *out = NULL;
    bool failed = true;

    (void)state;
    for (unsigned long at = 0; failed; at++) {
        enum err rc;
        fail_alloc_at(at);
        rc = text_safe_filename(&out, "report.pdf");
        failed = fail_alloc_off();
        assert_int_equal(rc, failed ? ERR_NOMEM : ERR_OK);
    }
    free(out);
}

static void
typing_errors_are_near(void **state)
{
    static const char *const commands[] = {"send", "inbox", "status", "listen"};

    (void)state;
    assert_int_equal(text_distance("lisen", "listen"), 1);
    assert_int_equal(text_distance("lsiten", "listen"), 1);
    assert_int_equal(text_distance("", "abc"), 3);
    assert_int_equal(text_distance("kitten", "sitting"), 3);
    assert_string_equal(text_nearest("lisen", commands, 4), "listen");
    assert_string_equal(text_nearest("sned", commands, 4), "send");
    assert_null(text_nearest("export", commands, 4));
}

static void
assert_wrapped(const char *text, size_t width, size_t indent,
               const char *expect)
{
    struct buf b = {0};

    text_wrap(&b, text, width, indent);
    buf_u8(&b, 0);
    assert_string_equal((char *)b.data, expect);
    buf_clear(&b);
}

static void
lines_are_broken_at_spaces(void **state)
{
    (void)state;
    assert_wrapped("", 10, 2, "");
    assert_wrapped("one two three", 20, 0, "one two three");
    assert_wrapped("one two three", 9, 0, "one two\nthree");
    assert_wrapped("one two three", 7, 0, "one two\nthree");
    assert_wrapped("one two three", 9, 2, "  one two\n  three");
    assert_wrapped("one\n\ntwo three", 5, 1, " one\n\n two\n three");
    assert_wrapped("unbreakable yes", 4, 0, "unbreakable\nyes");
    assert_wrapped("so unbreakable", 4, 0, "so\nunbreakable");
    assert_wrapped("\xe6\xbc\xa2\xe6\xbc\xa2 \xe6\xbc\xa2", 5, 0,
                   "\xe6\xbc\xa2\xe6\xbc\xa2\n\xe6\xbc\xa2");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_well_formed_utf_8_passes),
        cmocka_unit_test(text_is_composed),
        cmocka_unit_test(names_are_what_people_can_read),
        cmocka_unit_test(a_terminal_obeys_nothing_that_is_shown),
        cmocka_unit_test(no_byte_below_space_survives_whatever_comes),
        cmocka_unit_test(width_counts_columns),
        cmocka_unit_test(file_names_cannot_hurt),
        cmocka_unit_test(
            long_file_names_keep_their_extension_and_their_characters),
        cmocka_unit_test(a_file_name_without_memory_is_an_error),
        cmocka_unit_test(typing_errors_are_near),
        cmocka_unit_test(lines_are_broken_at_spaces),
    };

    return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
