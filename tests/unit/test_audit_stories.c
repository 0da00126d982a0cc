/* Stories that cannot be, and many findings. */
#include "client/audit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/lib/audit_world.h"
#include "tests/lib/fail_alloc.h"

static void
a_packet_left_waiting_past_its_end_is_overdue(void **state)
{
    struct world *w = *state;
    unsigned i = store(w, 1);

    w->now_s = w->e[i].ev.not_after + EVENT_SWEEP_S + AUDIT_GRACE_S;
    check_none(w);
    w->now_s++;
    check_one(w, "overdue", i);
}

static void
a_second_end_is_found(void **state)
{
    struct world *w = *state;
    unsigned i = store(w, 1);

    (void)hand_over(w, i);
    check_one(w, "sequence", withdraw(w, i));
}

static void
a_packet_stored_twice_is_found(void **state)
{
    struct world *w = *state;

    (void)store(w, 1);
    check_one(w, "stored_twice", store(w, 1));
}

static void
an_early_expiry_is_found(void **state)
{
    struct world *w = *state;
    unsigned i = store(w, 1);
    struct event ev = later(w, i, EVENT_EXPIRED, NULL);

    check_one(w, "expired_early", log_event(w, &ev, NULL, 0));
}

static void
an_unlisted_actor_is_found(void **state)
{
    struct world *w = *state;
    struct event ev;

    (void)store(w, 1);
    ev = w->e[0].ev;
    ev.packet.b[0] = 99;
    ev.actor.b[0] ^= 1;
    check_one(w, "wrong_device", log_event(w, &ev, NULL, 0));
}

static void
findings_beyond_the_list_are_still_counted(void **state)
{
    struct world *w = *state;
    struct audit_sum s;
    struct audit *a;

    for (unsigned i = 0; i < 600; i++)
        w->e[store(w, i)].opening[0] ^= 1;
    a = audit(w);
    audit_result(a, &s);
    assert_int_equal(s.findings, 1200);
    assert_int_equal(audit_finding_count(a), AUDIT_FINDINGS_MAX);
    assert_null(audit_finding_at(a, AUDIT_FINDINGS_MAX));
    audit_free(a);
}

/* Of one page. */
static enum err
whole_audit(struct world *w, const struct buf *bundle, const struct head *h)
{
    struct audit_row rows[TILE_WIDTH];
    struct audit *a = start(w, w->auditor);
    enum err rc = ERR_NOMEM;

    if (a != NULL)
        rc = audit_page(a, bundle->data, bundle->len, w->n, rows,
                        rows_of(w, 0, w->n, rows));
    if (rc == ERR_OK)
        rc = audit_close(a, h);
    if (rc == ERR_OK)
        rc = audit_finish(a);
    audit_free(a);
    return rc;
}

static void
no_memory_is_an_error_wherever_it_strikes(void **state)
{
    struct world *w = *state;
    struct buf b = {0};
    struct head h;
    enum err rc = ERR_NOMEM;

    all_ends(w);
    w->e[2].is_shown = false;
    h = head_at(w, w->n);
    bundle_of(w, 0, w->n, &b);
    for (unsigned long n = 0; rc == ERR_NOMEM; n++) {
        fail_alloc_at(n);
        rc = whole_audit(w, &b, &h);
        assert_int_equal(fail_alloc_off(), rc == ERR_NOMEM);
    }
    assert_int_equal(rc, ERR_OK);
    buf_clear(&b);
}

int
main(void)
{
#define T(name)                                                                \
    cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
    const struct CMUnitTest tests[] = {
        T(a_packet_left_waiting_past_its_end_is_overdue),
        T(a_second_end_is_found),
        T(a_packet_stored_twice_is_found),
        T(an_early_expiry_is_found),
        T(an_unlisted_actor_is_found),
        T(findings_beyond_the_list_are_still_counted),
        T(no_memory_is_an_error_wherever_it_strikes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
