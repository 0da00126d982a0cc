/* test_thread.c - how a case stands, seen from both sides, in whatever order
 * its packets come. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "client/thread.h"
#include "proto/packet_type.h"

enum { ALL = 8 };

static const struct thread_id thread = {"a thread"};
static const struct agency_id peer = {"the other side"};
static struct mail list[ALL];
static struct mails mails;

static int
setup(void **state)
{
    (void)state;
    memset(list, 0, sizeof(list));
    mails = (struct mails){list, 0};
    return 0;
}

static struct mail *
add(enum index_direction direction, uint8_t type, enum mail_state state,
    uint64_t stored_ms)
{
    struct mail *m = &list[mails.n++];

    m->id.b[0] = (uint8_t)mails.n;
    m->direction = direction;
    m->type = type;
    m->state = state;
    m->thread = thread;
    m->peer_agency = peer;
    m->created_ms = 50;
    m->stored_ms = stored_ms;
    m->final_ms = state > MAIL_STORED ? stored_ms + 5 : 0;
    return m;
}

static struct mail *
add_referral(enum index_direction direction, enum mail_state state)
{
    return add(direction, PACKET_TYPE_REFERRAL, state,
               state == MAIL_QUEUED ? 0 : 100);
}

static bool
redirects_all(void *arg, const struct mail *m)
{
    (void)arg;
    (void)m;
    return true;
}

static enum thread_state
now(void)
{
    return thread_state(&mails, &thread, &peer, NULL, NULL);
}

static void
without_a_referral_there_is_no_case(void **state)
{
    (void)state;
    assert_int_equal(now(), THREAD_NONE);
    add(INDEX_IN, PACKET_TYPE_MESSAGE, MAIL_STORED, 100);
    add(INDEX_IN, PACKET_TYPE_ACKNOWLEDGEMENT, MAIL_STORED, 101);
    add(INDEX_OUT, PACKET_TYPE_TEST, MAIL_STORED, 102);
    assert_int_equal(now(), THREAD_NONE);
}

static void
delivery_moves_the_senders_case(void **state)
{
    static const struct {
        enum mail_state mail;
        enum thread_state expect;
    } rows[] = {
        {MAIL_QUEUED, THREAD_SEALED},         {MAIL_STORED, THREAD_STORED},
        {MAIL_HANDED_OVER, THREAD_DELIVERED}, {MAIL_REFUSED, THREAD_REFUSED},
        {MAIL_WITHDRAWN, THREAD_WITHDRAWN},   {MAIL_EXPIRED, THREAD_EXPIRED},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        mails.n = 0;
        add_referral(INDEX_OUT, rows[i].mail);
        assert_int_equal(now(), rows[i].expect);
    }
}

static void
what_never_left_can_expire_and_be_withdrawn(void **state)
{
    (void)state;
    add(INDEX_OUT, PACKET_TYPE_REFERRAL, MAIL_EXPIRED, 0);
    assert_int_equal(now(), THREAD_EXPIRED);
    list[0].state = MAIL_WITHDRAWN;
    assert_int_equal(now(), THREAD_WITHDRAWN);
}

static void
what_came_counts_as_delivered_before_the_log_says_so(void **state)
{
    (void)state;
    add_referral(INDEX_IN, MAIL_STORED);
    assert_int_equal(now(), THREAD_DELIVERED);
}

static void
both_sides_see_the_same_answer(void **state)
{
    (void)state;
    add_referral(INDEX_OUT, MAIL_HANDED_OVER);
    add(INDEX_IN, PACKET_TYPE_ACKNOWLEDGEMENT, MAIL_STORED, 200);
    assert_int_equal(now(), THREAD_ACKNOWLEDGED);
    mails.n = 0;
    add_referral(INDEX_IN, MAIL_HANDED_OVER);
    add(INDEX_OUT, PACKET_TYPE_ACKNOWLEDGEMENT, MAIL_STORED, 200);
    assert_int_equal(now(), THREAD_ACKNOWLEDGED);
    mails.n = 0; /* a colleague's answer, as copied to this desk */
    add_referral(INDEX_IN, MAIL_HANDED_OVER);
    add(INDEX_OWN, PACKET_TYPE_ACKNOWLEDGEMENT, MAIL_STORED, 200);
    assert_int_equal(now(), THREAD_ACKNOWLEDGED);
}

static void
the_order_of_the_list_does_not_matter(void **state)
{
    (void)state;
    add(INDEX_IN, PACKET_TYPE_ACKNOWLEDGEMENT, MAIL_STORED, 200);
    add_referral(INDEX_OUT, MAIL_HANDED_OVER);
    assert_int_equal(now(), THREAD_ACKNOWLEDGED);
}

static void
an_answer_waiting_to_be_sent_counts_here(void **state)
{
    (void)state;
    add_referral(INDEX_IN, MAIL_HANDED_OVER);
    add(INDEX_OUT, PACKET_TYPE_ACKNOWLEDGEMENT, MAIL_QUEUED, 0);
    assert_int_equal(now(), THREAD_ACKNOWLEDGED);
    list[1].state = MAIL_WITHDRAWN;
    assert_int_equal(now(), THREAD_DELIVERED);
}

static void
only_the_other_side_can_answer(void **state)
{
    static const struct agency_id stranger = {"somebody else"};

    (void)state;
    add_referral(INDEX_OUT, MAIL_HANDED_OVER);
    add(INDEX_OUT, PACKET_TYPE_ACKNOWLEDGEMENT, MAIL_STORED, 200);
    assert_int_equal(now(), THREAD_DELIVERED);
    add(INDEX_IN, PACKET_TYPE_ACKNOWLEDGEMENT, MAIL_STORED, 200)->peer_agency =
        stranger;
    assert_int_equal(now(), THREAD_DELIVERED);
}

static void
late_and_duplicate_packets_change_nothing(void **state)
{
    (void)state;
    add_referral(INDEX_OUT, MAIL_HANDED_OVER);
    add(INDEX_IN, PACKET_TYPE_REJECTION, MAIL_STORED, 200);
    add(INDEX_IN, PACKET_TYPE_REJECTION, MAIL_STORED, 201);
    add(INDEX_IN, PACKET_TYPE_ACKNOWLEDGEMENT, MAIL_STORED, 202);
    assert_int_equal(now(), THREAD_REJECTED);
    mails.n = 0;
    add_referral(INDEX_OUT, MAIL_WITHDRAWN);
    add(INDEX_IN, PACKET_TYPE_ACKNOWLEDGEMENT, MAIL_STORED, 200);
    assert_int_equal(now(), THREAD_WITHDRAWN);
}

static void
an_answer_shows_that_an_expired_packet_was_read(void **state)
{
    (void)state;
    add_referral(INDEX_OUT, MAIL_EXPIRED);
    add(INDEX_IN, PACKET_TYPE_ACKNOWLEDGEMENT, MAIL_STORED, 200);
    assert_int_equal(now(), THREAD_ACKNOWLEDGED);
}

static void
an_answer_before_the_receipt_is_logged_counts(void **state)
{
    (void)state;
    add_referral(INDEX_OUT, MAIL_STORED);
    add(INDEX_IN, PACKET_TYPE_ACKNOWLEDGEMENT, MAIL_STORED, 200);
    assert_int_equal(now(), THREAD_ACKNOWLEDGED);
    list[0].state = MAIL_HANDED_OVER;
    list[0].final_ms = 300;
    assert_int_equal(now(), THREAD_ACKNOWLEDGED);
}

static void
a_rejection_may_send_it_elsewhere(void **state)
{
    (void)state;
    add_referral(INDEX_OUT, MAIL_HANDED_OVER);
    add(INDEX_IN, PACKET_TYPE_REJECTION, MAIL_STORED, 200);
    assert_int_equal(thread_state(&mails, &thread, &peer, redirects_all, NULL),
                     THREAD_REDIRECTED);
}

static void
a_case_that_ended_may_be_sent_again(void **state)
{
    struct mail *again;

    (void)state;
    add_referral(INDEX_OUT, MAIL_HANDED_OVER);
    add(INDEX_IN, PACKET_TYPE_REJECTION, MAIL_STORED, 200);
    again = add(INDEX_OUT, PACKET_TYPE_REFERRAL, MAIL_STORED, 300);
    assert_int_equal(now(), THREAD_STORED);
    again->state = MAIL_HANDED_OVER;
    again->final_ms = 310;
    add(INDEX_IN, PACKET_TYPE_ACKNOWLEDGEMENT, MAIL_STORED, 400);
    assert_int_equal(now(), THREAD_ACKNOWLEDGED);
}

static void
a_second_referral_does_not_reopen_an_open_case(void **state)
{
    (void)state;
    add_referral(INDEX_OUT, MAIL_HANDED_OVER);
    add(INDEX_IN, PACKET_TYPE_ACKNOWLEDGEMENT, MAIL_STORED, 200);
    add(INDEX_OUT, PACKET_TYPE_REFERRAL, MAIL_WITHDRAWN, 300);
    assert_int_equal(now(), THREAD_ACKNOWLEDGED);
}

static void
a_duty_to_notify_is_closed_by_its_acknowledgement(void **state)
{
    (void)state;
    add_referral(INDEX_OUT, MAIL_HANDED_OVER)->type =
        PACKET_TYPE_DUTY_TO_NOTIFY;
    add(INDEX_IN, PACKET_TYPE_ACKNOWLEDGEMENT, MAIL_STORED, 200);
    assert_int_equal(now(), THREAD_CLOSED);
}

static void
each_hub_has_its_own_state_of_a_shared_thread(void **state)
{
    static const struct agency_id other = {"another hub"};

    (void)state;
    add_referral(INDEX_OUT, MAIL_HANDED_OVER);
    add_referral(INDEX_OUT, MAIL_EXPIRED)->peer_agency = other;
    assert_int_equal(now(), THREAD_DELIVERED);
    assert_int_equal(thread_state(&mails, &thread, &other, NULL, NULL),
                     THREAD_EXPIRED);
}

static void
copies_to_colleagues_are_no_packets_of_the_case(void **state)
{
    (void)state;
    add(INDEX_OUT, PACKET_TYPE_OWN_COPY, MAIL_EXPIRED, 100);
    assert_int_equal(now(), THREAD_NONE);
}

static void
every_state_has_a_name_and_a_task_code(void **state)
{
    (void)state;
    for (unsigned s = THREAD_NONE + 1; s < THREAD_STATES; s++) {
        assert_string_not_equal(thread_state_name((enum thread_state)s), "");
        assert_string_not_equal(thread_state_task((enum thread_state)s), "");
    }
    assert_string_equal(thread_state_name(THREAD_NONE), "");
}

#define TEST(f) cmocka_unit_test_setup(f, setup)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(without_a_referral_there_is_no_case),
        TEST(delivery_moves_the_senders_case),
        TEST(what_never_left_can_expire_and_be_withdrawn),
        TEST(what_came_counts_as_delivered_before_the_log_says_so),
        TEST(both_sides_see_the_same_answer),
        TEST(the_order_of_the_list_does_not_matter),
        TEST(an_answer_waiting_to_be_sent_counts_here),
        TEST(only_the_other_side_can_answer),
        TEST(late_and_duplicate_packets_change_nothing),
        TEST(an_answer_shows_that_an_expired_packet_was_read),
        TEST(an_answer_before_the_receipt_is_logged_counts),
        TEST(a_rejection_may_send_it_elsewhere),
        TEST(a_case_that_ended_may_be_sent_again),
        TEST(a_second_referral_does_not_reopen_an_open_case),
        TEST(a_duty_to_notify_is_closed_by_its_acknowledgement),
        TEST(each_hub_has_its_own_state_of_a_shared_thread),
        TEST(copies_to_colleagues_are_no_packets_of_the_case),
        TEST(every_state_has_a_name_and_a_task_code),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
