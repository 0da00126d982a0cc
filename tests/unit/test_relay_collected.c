/* COLLECTED_GET over a whole relay. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/clock.h"
#include "tests/lib/relay_rig.h"

static struct rig rig;

static int
set_up(void **state)
{
    (void)state;
    rig_init(&rig);
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    rig_stop_and_check(&rig);
    return 0;
}

struct answer {
    uint64_t shown, time_s, now;
};

static struct answer
ask(struct client *c, unsigned mailbox)
{
    struct msg_field f[] = {
        [COLLECTED_GET_MAILBOX] = msg_bin(rig.net.mailboxes[mailbox].id.b, 16),
    };
    const struct msg *m = client_ask(c, MSG_COLLECTED_GET, f, 1);

    assert_int_equal(m->type, MSG_COLLECTED);
    return (struct answer){m->f[COLLECTED_SHOWN].u, m->f[COLLECTED_TIME_S].u,
                           m->f[COLLECTED_NOW].u};
}

static uint64_t
now_s(void)
{
    return clock_wall_ms() / 1000;
}

static void
a_mailbox_that_nobody_has_collected_says_never(void **state)
{
    struct client *c;
    struct answer a;

    (void)state;
    rig_start(&rig, NULL);
    c = client_greet(&rig, 0, 0);
    a = ask(c, 1);
    assert_int_equal(a.shown, 1);
    assert_int_equal(a.time_s, 0);
    assert_int_equal(a.now, 0);
}

static void
a_member_that_is_there_is_told_and_remembered(void **state)
{
    struct client *c, *hub;
    struct answer a;

    (void)state;
    rig_start(&rig, NULL);
    c = client_greet(&rig, 0, 0);
    hub = client_greet(&rig, 1, 1);
    client_settle(hub);
    a = ask(c, 1);
    assert_int_equal(a.now, 1);
    client_close(hub);
    do
        a = ask(c, 1);
    while (a.now != 0 || a.time_s == 0);
    assert_int_equal(a.shown, 1);
    assert_int_equal(a.time_s % COLLECTED_STEP_S, 0);
    assert_true(a.time_s + 2 * COLLECTED_STEP_S > now_s());
    /* Survives the relay. */
    rig_halt(&rig);
    rig_start(&rig, NULL);
    c = client_greet(&rig, 0, 0);
    assert_int_equal(ask(c, 1).time_s, a.time_s);
}

static void
a_session_without_mail_collects_nothing(void **state)
{
    struct client *c, *hub;
    struct answer a;

    (void)state;
    rig_start(&rig, NULL);
    c = client_greet(&rig, 0, 0);
    hub = client_greet(&rig, 1, 0);
    client_settle(hub);
    client_close(hub);
    client_settle(c);
    a = ask(c, 1);
    assert_int_equal(a.now, 0);
    assert_int_equal(a.time_s, 0);
}

static void
the_operator_may_keep_it_to_himself(void **state)
{
    struct client *c, *hub;
    struct answer a;

    (void)state;
    rig_start(&rig, "[mailbox]\nshow_collected = no\n");
    c = client_greet(&rig, 0, 0);
    hub = client_greet(&rig, 1, 1);
    client_settle(hub);
    a = ask(c, 1);
    assert_int_equal(a.shown, 0);
    assert_int_equal(a.time_s, 0);
    assert_int_equal(a.now, 0);
}

static void
unknown_mailboxes_and_those_who_may_not_send_get_an_error(void **state)
{
    struct mailbox_id nowhere = {{9}};
    struct msg_field f[] = {
        [COLLECTED_GET_MAILBOX] = msg_bin(nowhere.b, 16),
    };
    struct client *c, *auditor;

    (void)state;
    rig_start(&rig, NULL);
    c = client_greet(&rig, 0, 0);
    assert_int_equal(client_ask_error(c, MSG_COLLECTED_GET, f, 1),
                     PERR_MAILBOX);
    auditor = client_greet(&rig, 3, 0);
    f[0] = msg_bin(rig.net.mailboxes[1].id.b, 16);
    assert_int_equal(client_ask_error(auditor, MSG_COLLECTED_GET, f, 1),
                     PERR_DENIED);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_mailbox_that_nobody_has_collected_says_never),
        CASE(a_member_that_is_there_is_told_and_remembered),
        CASE(a_session_without_mail_collects_nothing),
        CASE(the_operator_may_keep_it_to_himself),
        CASE(unknown_mailboxes_and_those_who_may_not_send_get_an_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
