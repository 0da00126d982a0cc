/* test_pick.c - which packet a person means. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "client/app.h"
#include "client/pick.h"
#include "client/shelf.h"
#include "common/bytes.h"
#include "proto/packet_type.h"
#include "tests/lib/vault_fixture.h"

static struct app app;
static struct problem pb;
static struct mail got;

static int
setup(void **state)
{
    if (fixture_setup(state) != 0)
        return -1;
    app = (struct app){.json = true, .vault = fx.v};
    memset(&pb, 0, sizeof(pb));
    return 0;
}

static int
teardown(void **state)
{
    mail_clear(&got);
    return fixture_teardown(state);
}

static struct mail
keep(const char *hex, enum index_direction direction, uint8_t type,
     uint64_t created_ms)
{
    struct mail m = {.direction = direction,
                     .type = type,
                     .created_ms = created_ms,
                     .state = MAIL_STORED};

    assert_int_equal(hex_decode(m.id.b, 2, hex), ERR_OK);
    assert_int_equal(mail_save(&app, &m, &pb), ERR_OK);
    return m;
}

static enum err
pick(const char *text, unsigned directions)
{
    mail_clear(&got);
    memset(&pb, 0, sizeof(pb));
    return pick_mail(&app, text, directions, &got, &pb);
}

static void
latest_is_the_newest_of_its_kind(void **state)
{
    (void)state;
    keep("aa01", INDEX_IN, PACKET_TYPE_MESSAGE, 300);
    keep("aa02", INDEX_OUT, PACKET_TYPE_REFERRAL, 200);
    keep("aa03", INDEX_OUT, PACKET_TYPE_REFERRAL, 100);
    assert_int_equal(pick("latest", PICK_ANY), ERR_OK);
    assert_int_equal(got.id.b[1], 1);
    assert_int_equal(pick("latest", PICK_SENT), ERR_OK);
    assert_int_equal(got.id.b[1], 2);
}

static void
what_came_is_as_new_as_its_arrival(void **state)
{
    struct mail m;

    (void)state;
    keep("aa01", INDEX_IN, PACKET_TYPE_MESSAGE, 300);
    m = keep("aa02", INDEX_IN, PACKET_TYPE_MESSAGE, 200);
    m.stored_ms = 400; /* by a clock that both share */
    assert_int_equal(mail_save(&app, &m, &pb), ERR_OK);
    assert_int_equal(pick("latest", INDEX_BIT(INDEX_IN)), ERR_OK);
    assert_int_equal(got.id.b[1], 2);
}

static void
of_two_at_the_same_moment_the_later_kept_is_newer(void **state)
{
    (void)state;
    keep("aa01", INDEX_OUT, PACKET_TYPE_MESSAGE, 100);
    keep("aa02", INDEX_OUT, PACKET_TYPE_MESSAGE, 100);
    assert_int_equal(pick("latest", PICK_SENT), ERR_OK);
    assert_int_equal(got.id.b[1], 2);
}

static void
copies_to_colleagues_are_never_latest(void **state)
{
    (void)state;
    keep("aa01", INDEX_OUT, PACKET_TYPE_MESSAGE, 100);
    keep("aa02", INDEX_OUT, PACKET_TYPE_OWN_COPY, 101);
    assert_int_equal(pick("latest", PICK_SENT), ERR_OK);
    assert_int_equal(got.id.b[1], 1);
}

static void
unknown_and_ambiguous_ids_are_told_apart(void **state)
{
    (void)state;
    assert_int_not_equal(pick("latest", PICK_ANY), ERR_OK);
    assert_int_equal(pb.id, P_NOT_FOUND);
    keep("aa01", INDEX_OUT, PACKET_TYPE_MESSAGE, 100);
    assert_int_equal(pick("aa01", PICK_ANY), ERR_OK);
    assert_int_equal(pick("AA01-00", PICK_ANY), ERR_OK);
    assert_int_not_equal(pick("aa02", PICK_ANY), ERR_OK);
    assert_int_equal(pb.id, P_NOT_FOUND);
    assert_int_not_equal(pick("aa", PICK_ANY), ERR_OK);
    assert_int_equal(pb.id, P_NOT_FOUND);
    assert_int_not_equal(pick("aa01", INDEX_BIT(INDEX_IN)), ERR_OK);
    assert_int_equal(pb.id, P_NOT_FOUND);
    {
        struct mail m = keep("aa01", INDEX_OUT, PACKET_TYPE_MESSAGE, 100);

        m.id.b[15] = 0xff;
        assert_int_equal(mail_save(&app, &m, &pb), ERR_OK);
    }
    assert_int_not_equal(pick("aa01", PICK_ANY), ERR_OK);
    assert_int_equal(pb.id, P_AMBIGUOUS);
}

static void
a_list_runs_from_the_newest_to_the_oldest(void **state)
{
    struct mails all = {0};

    (void)state;
    for (unsigned i = 0; i < 20; i++) {
        char hex[5];

        snprintf(hex, sizeof(hex), "bb%02x", i);
        keep(hex, INDEX_OUT, PACKET_TYPE_MESSAGE, 1000 + i * 7 % 20);
    }
    keep("cc00", INDEX_IN, PACKET_TYPE_MESSAGE, 5000);
    assert_int_equal(mails_load(&app, PICK_SENT, &all, &pb), ERR_OK);
    assert_int_equal(all.n, 20);
    for (size_t i = 1; i < all.n; i++)
        assert_true(mail_when_ms(&all.items[i - 1]) >=
                    mail_when_ms(&all.items[i]));
    mails_clear(&all);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(latest_is_the_newest_of_its_kind),
        TEST(what_came_is_as_new_as_its_arrival),
        TEST(of_two_at_the_same_moment_the_later_kept_is_newer),
        TEST(copies_to_colleagues_are_never_latest),
        TEST(unknown_and_ambiguous_ids_are_told_apart),
        TEST(a_list_runs_from_the_newest_to_the_oldest),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
