/* The card for a later device, and the check of its request. */
#include "proto/invite.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static const char address[] = "relay.test:443";

static struct agency_card
sample(void)
{
    struct agency_card c = {0};

    memset(c.network_id.b, 0x11, 32);
    memset(c.agency.b, 0x22, 16);
    memset(c.root.b, 0x33, 32);
    memset(c.relay_key.b, 0x44, 32);
    strcpy(c.name, "Maison d'Été");
    strcpy(c.relay_name, "relay.test");
    strcpy(c.address, address);
    return c;
}

static void
make(struct buf *b)
{
    struct agency_card c = sample();

    assert_int_equal(agency_card_make(b, &c), ERR_OK);
}

static void
a_card_reads_back_from_a_mail(void **state)
{
    struct agency_card c = sample(), got = {0};
    struct buf card = {0}, mail = {0};

    (void)state;
    make(&card);
    buf_str(&mail, "Dear Ben,\r\n\r\n");
    for (size_t i = 0; i < card.len; i++) {
        if (card.data[i] == '\n')
            buf_str(&mail, " \r");
        buf_u8(&mail, card.data[i]);
    }
    buf_str(&mail, "-- \r\nAnna\r\n");
    assert_int_equal(agency_card_parse(&got, (const char *)mail.data, mail.len),
                     ERR_OK);
    assert_memory_equal(&got, &c, sizeof(c));
    buf_clear(&card);
    buf_clear(&mail);
}

static void
a_card_changed_or_cut_anywhere_is_refused(void **state)
{
    struct agency_card got;
    struct buf b = {0};
    size_t first;

    (void)state;
    make(&b);
    first = strcspn((const char *)b.data, "\n") + 1;
    assert_int_equal(agency_card_parse(&got, (const char *)b.data, first - 1),
                     ERR_VERIFY);
    for (size_t i = first; i + 1 < b.len; i++) {
        assert_int_equal(agency_card_parse(&got, (const char *)b.data, i),
                         ERR_VERIFY);
        b.data[i] ^= 1;
        assert_int_equal(agency_card_parse(&got, (const char *)b.data, b.len),
                         ERR_VERIFY);
        b.data[i] ^= 1;
    }
    assert_int_equal(agency_card_parse(&got, "", 0), ERR_MALFORMED);
    assert_int_equal(agency_card_parse(&got,
                                       "-----BEGIN SEALPOST RELAY "
                                       "CARD-----\n",
                                       36),
                     ERR_MALFORMED);
    buf_clear(&b);
}

static void
a_card_that_cannot_be_is_not_made(void **state)
{
    struct agency_card c = sample();
    struct buf b = {0};

    (void)state;
    strcpy(c.name, "two\nlines");
    assert_int_equal(agency_card_make(&b, &c), ERR_MALFORMED);
    c = sample();
    strcpy(c.address, "nowhere");
    assert_int_equal(agency_card_make(&b, &c), ERR_MALFORMED);
    c = sample();
    strcpy(c.relay_name, "two words");
    assert_int_equal(agency_card_make(&b, &c), ERR_MALFORMED);
    assert_int_equal(b.len, 0);
}

static void
the_check_of_a_request_is_read_as_people_type_it(void **state)
{
    char check[DEVICE_CHECK_LEN + 1], other[DEVICE_CHECK_LEN + 1];

    (void)state;
    device_request_check(check, "request", 7);
    device_request_check(other, "requesu", 7);
    assert_int_equal(strlen(check), DEVICE_CHECK_LEN);
    /* From an independent computation (Python hashlib). */
    assert_string_equal(check, "4DWA-2BEK-AN2C");
    assert_string_not_equal(check, other);
    assert_true(device_check_is(check, check));
    assert_true(device_check_is("0123-4567-89AB", " o1l2 ") == false);
    assert_true(device_check_is("0123-4567-89AB", "oi23 4567 89ab"));
    assert_false(device_check_is("0123-4567-89AB", "0123-4567-89AC"));
    assert_false(device_check_is("0123-4567-89AB", "0123-4567-89"));
    assert_false(device_check_is("0123-4567-89AB", ""));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_card_reads_back_from_a_mail),
        cmocka_unit_test(a_card_changed_or_cut_anywhere_is_refused),
        cmocka_unit_test(a_card_that_cannot_be_is_not_made),
        cmocka_unit_test(the_check_of_a_request_is_read_as_people_type_it),
    };

    return crypto_init() != ERR_OK ||
           cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
