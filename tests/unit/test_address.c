#include "common/address.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void
names_and_addresses_are_split_and_joined(void **state)
{
    static const struct {
        const char *text, *host;
        uint16_t port;
    } cases[] = {
        {"127.0.0.1:7420", "127.0.0.1", 7420},
        {"relay.example.org:65535", "relay.example.org", 65535},
        {"[::1]:0", "::1", 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char host[64], text[ADDRESS_MAX];
        uint16_t port = 1;

        assert_int_equal(
            address_split(cases[i].text, host, sizeof(host), &port), ERR_OK);
        assert_string_equal(host, cases[i].host);
        assert_int_equal(port, cases[i].port);
        address_join(text, sizeof(text), host, port);
        assert_string_equal(text, cases[i].text);
    }
}

static void
what_is_no_address_is_refused(void **state)
{
    static const char *const bad[] = {"",
                                      ":",
                                      "host",
                                      ":80",
                                      "host:",
                                      "host:x",
                                      "[]:80",
                                      "host:-1",
                                      "host:8x0",
                                      "h:65536",
                                      "h: 80",
                                      "h:+80",
                                      "h:99999999999999999999",
                                      "12345678:1"};
    char host[8] = "same";
    uint16_t port = 7;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(address_split(bad[i], host, sizeof(host), &port),
                         ERR_MALFORMED);
    assert_string_equal(host, "same");
    assert_int_equal(port, 7);
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_and_addresses_are_split_and_joined),
        cmocka_unit_test(what_is_no_address_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
