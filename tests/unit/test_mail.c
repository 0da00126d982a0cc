#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "client/mail.h"
#include "client/shelf.h"
#include "common/bytes.h"
#include "tests/lib/desk_fixture.h"

static struct problem pb;

static int
setup(void **state)
{
    memset(&pb, 0, sizeof(pb));
    return desk_fixture_setup(state);
}

static struct packet_id
id_of(const char *hex)
{
    struct packet_id id;

    assert_int_equal(hex_decode(id.b, sizeof(id.b), hex), ERR_OK);
    return id;
}

static void
keep(const char *hex, enum index_direction direction)
{
    struct mail m = {.id = id_of(hex),
                     .direction = direction,
                     .type = 4,
                     .state = MAIL_STORED};

    assert_int_equal(mail_save(&df.app, &m, &pb), ERR_OK);
}

#define A "a1b2c3d4000000000000000000000001"
#define A2 "a1b2c3d4000000000000000000000002"
#define B "b0000000000000000000000000000000"
enum {
    ANY = INDEX_BIT(INDEX_IN) | INDEX_BIT(INDEX_OUT) | INDEX_BIT(INDEX_OWN)
};

static void
everything_in_a_packet_comes_back(void **state)
{
    struct mail m = {.id = id_of(A),
                     .direction = INDEX_OUT,
                     .type = 1,
                     .class = 1,
                     .state = MAIL_HANDED_OVER,
                     .created_ms = 1,
                     .stored_ms = 2,
                     .final_ms = 3,
                     .not_after_s = 4,
                     .stored_index = 5,
                     .is_sealed = true,
                     .reason = 7,
                     .subject = "Ärger",
                     .waiting = "network",
                     .answer = "accepted"};
    struct mail back = {0};

    (void)state;
    assert_int_equal(mail_atts(&m, 1), ERR_OK);
    memset(m.atts[0].owner.b, 5, 16);
    m.atts[0].size = UINT64_C(1) << 36;
    m.atts[0].part = 3;
    (void)strcpy(m.atts[0].name, "a\nb.pdf");
    memset(m.pkt_digest.b, 3, 32);
    memset(m.peer_mailbox.b, 4, 16);
    assert_int_equal(mail_save(&df.app, &m, &pb), ERR_OK);
    assert_int_equal(mail_load(&df.app, &m.id, INDEX_OUT, &back, &pb), ERR_OK);
    assert_int_equal(back.n_atts, 1);
    assert_memory_equal(back.atts, m.atts, sizeof(*m.atts));
    mail_clear(&m);
    assert_int_equal(back.state, MAIL_HANDED_OVER);
    assert_int_equal(back.stored_index, 5);
    assert_int_equal(back.final_ms, 3);
    assert_string_equal(back.subject, "Ärger");
    assert_string_equal(back.waiting, "network");
    assert_true(back.is_sealed);
    assert_false(back.is_unread);
    assert_int_equal(back.pkt_digest.b[31], 3);
    assert_int_equal(back.peer_mailbox.b[15], 4);
    mail_clear(&back);
}

static void
the_same_packet_can_be_there_in_two_directions(void **state)
{
    struct mail m = {0};

    (void)state;
    keep(A, INDEX_IN);
    keep(A, INDEX_OUT);
    assert_int_equal(mail_find(&df.app, "a1b2c3d4", ANY, &m, &pb), ERR_OK);
    assert_int_equal(m.direction, INDEX_IN);
    mail_clear(&m);
    assert_int_equal(mail_find(&df.app, A, INDEX_BIT(INDEX_OUT), &m, &pb),
                     ERR_OK);
    assert_int_equal(m.direction, INDEX_OUT);
    mail_clear(&m);
}

static void
a_beginning_is_enough_unless_two_share_it(void **state)
{
    struct mail m = {0};

    (void)state;
    keep(A, INDEX_IN);
    keep(A2, INDEX_IN);
    keep(B, INDEX_IN);
    assert_int_equal(mail_find(&df.app, "B000", ANY, &m, &pb), ERR_OK);
    mail_clear(&m);
    assert_int_equal(mail_find(&df.app, "a1b2", ANY, &m, &pb), ERR_CONFLICT);
    assert_int_equal(pb.id, P_AMBIGUOUS);
    pb = (struct problem){0};
    assert_int_equal(mail_find(&df.app, A2, ANY, &m, &pb), ERR_OK);
    assert_memory_equal(m.id.b, id_of(A2).b, 16);
    mail_clear(&m);
}

static void
what_is_no_id_is_not_found(void **state)
{
    static const char *const wrong[] = {
        "",          "a1b",     "zzzz",
        "a1b2c3d4x", "../a1b2", "a1b2c3d4000000000000000000000001a"};
    struct mail m = {0};

    (void)state;
    keep(A, INDEX_IN);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        pb = (struct problem){0};
        assert_int_not_equal(mail_find(&df.app, wrong[i], ANY, &m, &pb),
                             ERR_OK);
        assert_int_equal(pb.id, P_NOT_FOUND);
    }
}

static void
an_id_that_was_given_up_finds_the_packet(void **state)
{
    struct packet_id old = id_of(B);
    struct packet_id now = id_of(A);
    struct mail m = {0};

    (void)state;
    keep(A, INDEX_OUT);
    assert_int_equal(shelf_begin(&df.app, &pb), ERR_OK);
    mail_alias(&df.app, &old, &now);
    assert_int_equal(shelf_end(&df.app, ERR_OK, &pb), ERR_OK);
    assert_int_equal(mail_find(&df.app, "b000", ANY, &m, &pb), ERR_OK);
    assert_memory_equal(m.id.b, now.b, 16);
    mail_clear(&m);
}

static void
a_dropped_packet_is_gone(void **state)
{
    struct mail m = {0};

    (void)state;
    keep(A, INDEX_OUT);
    assert_int_equal(mail_find(&df.app, A, ANY, &m, &pb), ERR_OK);
    assert_int_equal(shelf_begin(&df.app, &pb), ERR_OK);
    mail_drop(&df.app, &m);
    assert_int_equal(shelf_end(&df.app, ERR_OK, &pb), ERR_OK);
    assert_int_equal(mail_load(&df.app, &m.id, INDEX_OUT, &m, &pb),
                     ERR_NOTFOUND);
    mail_clear(&m);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, desk_fixture_teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(everything_in_a_packet_comes_back),
        TEST(the_same_packet_can_be_there_in_two_directions),
        TEST(a_beginning_is_enough_unless_two_share_it),
        TEST(what_is_no_id_is_not_found),
        TEST(an_id_that_was_given_up_finds_the_packet),
        TEST(a_dropped_packet_is_gone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
