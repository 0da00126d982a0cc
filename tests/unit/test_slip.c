/* test_slip.c - the page that leaves the house: what stands in it, and what
 * must not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "client/slip.h"
#include "common/text.h"

static const char vkey[] =
    "relay.example/delivery+30d3a674+AVObQOBmIN3LUQlMfmQ41lygx1eeHyeYYivaoF1C";
static struct mail m;
static struct slip s;
static struct buf page;

static int
setup(void **state)
{
    (void)state;
    m = (struct mail){.direction = INDEX_OUT,
                      .state = MAIL_HANDED_OVER,
                      .created_ms = 1795333007934,
                      .stored_ms = 1795333007954,
                      .final_ms = 1795333107954,
                      .not_after_s = 1797926400,
                      .subject = "Amal, who fled from the blue house",
                      .answer = "accepted"};
    memset(m.id.b, 0xab, sizeof(m.id.b));
    s = (struct slip){.m = &m,
                      .from_agency = "Harbour Light",
                      .to = "Northgate Hub/First contact",
                      .relay = "relay.example",
                      .vkey = vkey,
                      .stored_ms = m.stored_ms,
                      .stored_index = 1,
                      .log_size = 2,
                      .is_verified = true,
                      .collected_index = 3,
                      .made_ms = 1795333207954};
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    buf_clear(&page);
    return 0;
}

static const char *
made(void)
{
    buf_reset(&page);
    assert_int_equal(slip_page(&s, &page), ERR_OK);
    buf_u8(&page, 0);
    assert_int_equal(buf_status(&page), ERR_OK);
    return (const char *)page.data;
}

#define HAS(word) assert_non_null(strstr(made(), word))
#define HAS_NOT(word) assert_null(strstr(made(), word))

static void
it_says_when_it_was_stored_and_which_desk_collected_it(void **state)
{
    (void)state;
    HAS("2026-11-22 07:36 UTC");
    HAS("2026-11-22 07:38 UTC");
    HAS("by the desk   Northgate Hub/First contact");
    HAS("Harbour Light");
    HAS("abababababababababababababababab");
    HAS("1 of the relay's log");
    HAS("3 of the relay's log");
    HAS("it holds");
}

static void
it_says_how_to_check_with_the_relays_key(void **state)
{
    const char *at;

    (void)state;
    HAS("sealpost verify receipt.txt --vkey relay.vkey");
    /* The key is a line of its own, to be copied as it stands. */
    at = strstr(made(), vkey);
    assert_non_null(at);
    assert_int_equal(at[-1], '\n');
    assert_int_equal(at[strlen(vkey)], '\n');
}

static void
nothing_of_the_case_stands_in_it(void **state)
{
    (void)state;
    HAS_NOT("Amal");
    HAS_NOT("blue house");
    HAS_NOT("accepted");
    HAS_NOT("referral");
}

static void
every_end_is_said_plainly(void **state)
{
    static const struct {
        enum mail_state state;
        const char *words;
    } rows[] = {
        {MAIL_STORED, "not been collected yet"},
        {MAIL_WITHDRAWN, "withdrawn by the sender"},
        {MAIL_EXPIRED, "NOT collected in time"},
        {MAIL_REFUSED, "could NOT open it"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        m.state = rows[i].state;
        HAS(rows[i].words);
        HAS_NOT("It was collected");
    }
    s.stored_ms = 0;
    HAS("NEVER sent");
    m.state = MAIL_QUEUED;
    HAS("NOT been sent yet");
    HAS_NOT("stored at");
}

static void
it_never_claims_a_receipt_that_it_has_not(void **state)
{
    (void)state;
    s.is_verified = false;
    HAS("does NOT verify");
    s.log_size = 0;
    HAS("not in this vault");
    HAS_NOT("it holds");
}

static void
it_fits_one_page_of_plain_lines(void **state)
{
    const char *p = made();
    size_t lines = 0;

    (void)state;
    while (*p != '\0') {
        size_t len = strcspn(p, "\n");

        assert_int_equal(p[len], '\n');
        assert_true(text_width(p, len) <= SLIP_WIDTH);
        p += len + 1;
        lines++;
    }
    assert_true(lines <= SLIP_LINES_MAX);
}

static void
hostile_names_are_shown_and_not_obeyed(void **state)
{
    (void)state;
    s.to = "Hub\x1b[2J\xe2\x80\xae/desk";
    HAS_NOT("\x1b");
    HAS_NOT("\xe2\x80\xae");
    HAS("\\u{1b}");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(it_says_when_it_was_stored_and_which_desk_collected_it),
        TEST(it_says_how_to_check_with_the_relays_key),
        TEST(nothing_of_the_case_stands_in_it),
        TEST(every_end_is_said_plainly),
        TEST(it_never_claims_a_receipt_that_it_has_not),
        TEST(it_fits_one_page_of_plain_lines),
        TEST(hostile_names_are_shown_and_not_obeyed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
