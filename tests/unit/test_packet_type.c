#include "proto/packet_type.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "proto/statement.h"

static void
every_type_has_a_name_that_leads_back(void **state)
{
    (void)state;
    for (unsigned type = 1; type <= PACKET_TYPE_SUPPORT_REQUEST; type++) {
        uint8_t back = 0;

        assert_non_null(packet_type_name(type));
        assert_int_equal(packet_type_by_name(packet_type_name(type), &back),
                         ERR_OK);
        assert_int_equal(back, type);
    }
    assert_null(packet_type_name(0));
    assert_null(packet_type_name(9));
    assert_null(packet_type_name(300));
}

static void
an_unknown_name_leaves_the_output_alone(void **state)
{
    uint8_t type = 77;

    (void)state;
    assert_int_equal(packet_type_by_name("gossip", &type), ERR_NOTFOUND);
    assert_int_equal(type, 77);
}

static void
the_table_says_who_may_send_what(void **state)
{
    /* Rows: types 1-8; columns: classes 0-6. */
    static const char *const may[] = {".YY....", ".YYY...", ".YYY...",
                                      ".YYY.Y.", ".YYY.Y.", ".YYY.Y.",
                                      ".Y.....", ".Y....."};

    (void)state;
    for (unsigned type = 1; type <= 8; type++)
        for (unsigned class = 0; class <= 6; class ++)
            assert_int_equal(packet_type_may_send(type, class),
                             may[type - 1][class] == 'Y');
    assert_int_equal(CLASS_AUDITOR, 4);
    assert_false(packet_type_may_send(0, CLASS_STATUTORY));
    assert_false(packet_type_may_send(9, CLASS_STATUTORY));
    assert_false(packet_type_may_send(1, 33));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_type_has_a_name_that_leads_back),
        cmocka_unit_test(an_unknown_name_leaves_the_output_alone),
        cmocka_unit_test(the_table_says_who_may_send_what),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
