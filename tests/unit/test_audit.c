/* An audit over logs in memory: honest ones, and entries and openings that are
 * not what was signed. */
#include "client/audit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/lib/audit_world.h"

static void
an_honest_log_audits_clean(void **state)
{
    struct world *w = *state;
    struct audit_sum s;
    struct audit *a;

    all_ends(w);
    w->now_s = NET_TIME + DAY_S * 14; /* the copy is not overdue yet */
    a = audit(w);
    assert_none(a);
    audit_result(a, &s);
    assert_int_equal(s.entries, w->n);
    assert_int_equal(s.opened, w->n);
    assert_int_equal(s.evidence, 3);
    assert_int_equal(s.heads, 2);
    assert_int_equal(s.unseen, 0);
    assert_int_equal(s.total.packets.stored, 5);
    assert_int_equal(s.total.packets.handed_over, 1);
    assert_int_equal(s.total.packets.refused, 1);
    assert_int_equal(s.total.packets.withdrawn, 1);
    assert_int_equal(s.total.packets.expired, 1);
    assert_int_equal(s.total.packets.pending, 1);
    assert_int_equal(s.total.own_copies.stored, 1);
    audit_free(a);
}

static void
an_empty_log_audits_clean(void **state)
{
    check_none(*state);
}

static void
pages_of_a_long_log_join(void **state)
{
    struct world *w = *state;
    struct audit_sum s;
    struct audit *a;

    for (unsigned i = 0; i < 300; i++)
        (void)hand_over(w, store(w, i));
    a = audit(w);
    assert_none(a);
    audit_result(a, &s);
    assert_int_equal(s.entries, 600);
    assert_int_equal(s.total.packets.handed_over, 300);
    audit_free(a);
}

static void
a_member_sees_its_own_and_no_more(void **state)
{
    struct world *w = *state;
    struct audit_sum s;
    struct audit *a;
    unsigned third = net_desk(&w->net, "Third", CLASS_NON_STATUTORY);
    unsigned theirs;

    (void)hand_over(w, store(w, 1));
    theirs = store_from(w, 2, third, HUB);
    w->e[theirs].is_shown = false;
    a = audit_as(w, net_dir_agency(&w->net, NGO));
    assert_none(a);
    audit_result(a, &s);
    assert_int_equal(s.unseen, 1);
    assert_int_equal(s.total.packets.stored, 1);
    audit_free(a);
    w->e[theirs].is_shown = true;
    a = audit_as(w, net_dir_agency(&w->net, NGO));
    assert_string_equal(audit_finding_at(a, 0)->code, "out_of_scope");
    audit_free(a);
}

static void
a_bundle_that_is_cut_or_too_long_stops_the_audit(void **state)
{
    struct world *w = *state;
    struct audit_row rows[TILE_WIDTH];
    struct buf b = {0};

    all_ends(w);
    bundle_of(w, 0, w->n, &b);
    for (size_t len = 0; len < b.len; len++) {
        struct audit *a = start(w, w->auditor);

        assert_int_equal(
            audit_page(a, b.data, len, w->n, rows, rows_of(w, 0, w->n, rows)),
            ERR_VERIFY);
        audit_free(a);
    }
    for (unsigned n = 0; n < w->n; n++) {
        struct audit *a = start(w, w->auditor);

        assert_int_equal(
            audit_page(a, b.data, b.len, n, rows, rows_of(w, 0, n, rows)),
            ERR_VERIFY);
        audit_free(a);
    }
    buf_clear(&b);
}

static void
entries_without_the_signed_root_stop_the_audit(void **state)
{
    struct world *w = *state;
    struct head h;
    struct audit *a;

    all_ends(w);
    h = head_at(w, w->n);
    w->e[2].entry[10] ^= 1;
    w->e[2].is_shown = false;
    a = start(w, w->auditor);
    assert_int_equal(feed(w, a), ERR_OK);
    assert_int_equal(audit_close(a, &h), ERR_VERIFY);
    audit_free(a);
}

static void
a_log_shorter_than_its_head_stops_the_audit(void **state)
{
    struct world *w = *state;
    struct head h;
    struct audit *a;

    all_ends(w);
    h = head_at(w, w->n);
    w->n--;
    a = start(w, w->auditor);
    assert_int_equal(feed(w, a), ERR_OK);
    assert_int_equal(audit_close(a, &h), ERR_VERIFY);
    audit_free(a);
}

static void
an_entry_of_unknown_form_is_found(void **state)
{
    static const uint8_t odd[] = {1, 9, 0};
    struct world *w = *state;

    (void)hand_over(w, store(w, 1));
    check_one(w, "bad_entry", log_bytes(w, odd, sizeof(odd)));
}

static void
a_statement_in_the_log_must_be_one_of_the_directory(void **state)
{
    struct world *w = *state;
    uint8_t entry[ENTRY_MAX] = {1, 3};
    size_t len = w->net.leaves[0].len;

    assert_true(len + 2 <= sizeof(entry));
    memcpy(entry + 2, w->net.leaves[0].data, len);
    (void)log_bytes(w, entry, len + 2);
    check_none(w);
    entry[40] ^= 1;
    check_one(w, "bad_entry", log_bytes(w, entry, len + 2));
}

static void
a_forged_opening_is_found(void **state)
{
    struct world *w = *state;
    unsigned i = store(w, 1);
    struct audit *a;

    (void)store(w, 2);
    w->e[i].opening[32 + 8 + 7] ^= 1; /* its time */
    a = audit(w);
    assert_int_equal(audit_finding_count(a), 2);
    assert_string_equal(audit_finding_at(a, 0)->code, "forged_opening");
    assert_string_equal(audit_finding_at(a, 1)->code, "unopened");
    assert_int_equal(audit_finding_at(a, 1)->index, i);
    audit_free(a);
}

static void
an_opening_of_no_entry_is_found(void **state)
{
    struct world *w = *state;
    struct audit_row rows[3];
    struct buf b = {0};
    struct audit *a;
    struct head h;

    (void)store(w, 1);
    (void)store(w, 2);
    h = head_at(w, w->n);
    assert_int_equal(rows_of(w, 0, 2, rows), 2);
    rows[2] = rows[1];
    rows[2].index = 9;
    bundle_of(w, 0, 2, &b);
    a = start(w, w->auditor);
    assert_int_equal(audit_page(a, b.data, b.len, 2, rows, 3), ERR_OK);
    assert_int_equal(audit_close(a, &h), ERR_OK);
    assert_int_equal(audit_finish(a), ERR_OK);
    assert_one(a, "forged_opening", 9);
    audit_free(a);
    buf_clear(&b);
}

static void
an_entry_that_nobody_opens_for_the_auditor_is_found(void **state)
{
    struct world *w = *state;
    unsigned i;

    (void)store(w, 1);
    i = store(w, 2);
    (void)store(w, 3);
    w->e[i].is_shown = false;
    check_one(w, "unopened", i);
}

static void
entries_hidden_at_either_edge_are_found(void **state)
{
    struct world *w = *state;
    struct audit *a;
    unsigned first = store(w, 1);
    unsigned last;

    (void)store(w, 2);
    last = store(w, 3);
    w->e[first].is_shown = false;
    w->e[last].is_shown = false;
    a = audit(w);
    assert_int_equal(audit_finding_count(a), 2);
    assert_int_equal(audit_finding_at(a, 0)->index, first);
    assert_int_equal(audit_finding_at(a, 1)->index, last);
    audit_free(a);
}

static void
a_hidden_beginning_leaves_an_end_without_one(void **state)
{
    struct world *w = *state;
    unsigned i = store(w, 1);
    unsigned end = hand_over(w, i);
    struct audit *a;

    w->e[i].is_shown = false;
    a = audit_as(w, net_dir_agency(&w->net, NGO));
    assert_one(a, "sequence", end);
    audit_free(a);
}

static void
erased_entries_are_understood(void **state)
{
    struct world *w = *state;
    struct audit_sum s;
    struct audit *a;
    unsigned i = store(w, 1);
    unsigned end = hand_over(w, i);
    unsigned third;

    w->now_s += 401 * DAY_S;
    w->net.now_s = w->now_s;
    third = net_desk(&w->net, "Third", CLASS_NON_STATUTORY);
    erase(w, i);
    erase(w, end);
    (void)store_from(w, 2, third, HUB);
    a = audit(w);
    assert_none(a);
    audit_result(a, &s);
    assert_int_equal(s.erased, 2);
    assert_int_equal(s.unseen, 2);
    assert_int_equal(s.total.packets.stored, 1);
    audit_free(a);
}

static void
what_is_erased_before_its_retention_is_found(void **state)
{
    struct world *w = *state;
    struct audit *a;
    unsigned i;

    (void)hand_over(w, store(w, 1)); /* tells when that was */
    i = store(w, 2);
    (void)hand_over(w, i);
    w->now_s += 399 * DAY_S;
    erase(w, i);
    erase(w, i + 1);
    a = audit(w);
    assert_int_equal(audit_finding_count(a), 2);
    for (size_t k = 0; k < 2; k++) {
        assert_string_equal(audit_finding_at(a, k)->code, "erased_early");
        assert_int_equal(audit_finding_at(a, k)->index, i + 2 + k);
    }
    audit_free(a);
}

int
main(void)
{
#define T(name)                                                                \
    cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
    const struct CMUnitTest tests[] = {
        T(an_honest_log_audits_clean),
        T(an_empty_log_audits_clean),
        T(pages_of_a_long_log_join),
        T(a_member_sees_its_own_and_no_more),
        T(a_bundle_that_is_cut_or_too_long_stops_the_audit),
        T(entries_without_the_signed_root_stop_the_audit),
        T(a_log_shorter_than_its_head_stops_the_audit),
        T(an_entry_of_unknown_form_is_found),
        T(a_statement_in_the_log_must_be_one_of_the_directory),
        T(a_forged_opening_is_found),
        T(an_opening_of_no_entry_is_found),
        T(an_entry_that_nobody_opens_for_the_auditor_is_found),
        T(entries_hidden_at_either_edge_are_found),
        T(a_hidden_beginning_leaves_an_end_without_one),
        T(erased_entries_are_understood),
        T(what_is_erased_before_its_retention_is_found),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
