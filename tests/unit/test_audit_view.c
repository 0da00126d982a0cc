/* What an audit came to, for a period, an agency, a class: it adds up. */
#include "client/audit_view_make.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/lib/audit_world.h"
#include "tests/lib/fail_alloc.h"

static const struct audit_choice everything = {.to_ms = UINT64_MAX};

static struct audit_view
view_of(struct world *w, const struct audit *a, const struct audit_choice *c)
{
    struct head h = head_at(w, w->n);
    struct audit_view v;

    assert_int_equal(audit_view_make(a, c, "relay.test", &h, &v), ERR_OK);
    return v;
}

static struct audit_view
view(struct world *w, const struct audit_choice *c)
{
    struct audit *a = audit(w);
    struct audit_view v = view_of(w, a, c);

    audit_free(a);
    return v;
}

/* ---- everything adds up ---- */

static void
add(struct balance_counts *to, const struct balance_counts *c)
{
    uint64_t *sum = (uint64_t *)to;

    for (size_t i = 0; i < sizeof(*to) / sizeof(*sum); i++)
        sum[i] += ((const uint64_t *)c)[i];
}

static void
assert_same(const struct balance_counts *a, const struct balance_counts *b)
{
    assert_memory_equal(a, b, sizeof(*a));
    assert_true(tally_conserved(&a->packets));
    assert_true(tally_conserved(&a->own_copies));
}

static void
assert_adds_up(const struct audit_view *v)
{
    struct balance_counts sent = {0}, got = {0}, days = {0}, cells = {0},
                          classes = {0};

    for (size_t i = 0; i < v->n_agencies; i++) {
        add(&sent, &v->agencies[i].sent.counts);
        add(&got, &v->agencies[i].received.counts);
    }
    for (size_t i = 0; i < v->n_days; i++)
        add(&days, &v->days[i].counts);
    for (size_t i = 0; i < v->n_agency_days; i++)
        add(&cells, &v->agency_days[i].counts);
    for (size_t i = 0; i < VIEW_CLASSES; i++)
        add(&classes, &v->by_class[i].counts);
    assert_same(&sent, &v->total.counts);
    assert_same(&got, &v->total.counts);
    assert_same(&days, &v->total.counts);
    assert_same(&cells, &v->total.counts);
    assert_same(&classes, &v->total.counts);
}

static unsigned
roll(uint64_t *x, unsigned sides)
{
    *x ^= *x << 13;
    *x ^= *x >> 7;
    *x ^= *x << 17;
    return (unsigned)(*x >> 33) % sides;
}

/* Packets of both classes and directions over some days. */
static void
live(struct world *w, uint64_t *random, unsigned packets)
{
    unsigned waiting[8], n = 0;

    for (unsigned i = 0; i < packets; i++) {
        unsigned s = store_from(w, i, NGO, roll(random, 4) == 0 ? NGO : HUB);

        w->now_s += roll(random, 20000);
        if (roll(random, 3) == 0 && n < 8) {
            waiting[n++] = s;
            continue;
        }
        if (id_eq(&w->e[s].ev.recipient, &w->net.mailboxes[NGO].id))
            continue;
        if (roll(random, 5) == 0)
            (void)refuse(w, s);
        else if (roll(random, 5) == 0)
            (void)withdraw(w, s);
        else
            (void)hand_over(w, s);
    }
    while (n > 0)
        if (id_eq(&w->e[waiting[--n]].ev.recipient, &w->net.mailboxes[HUB].id))
            (void)hand_over(w, waiting[n]);
}

static void
lines_add_up_whatever_is_chosen(void **state)
{
    struct world *w = *state;
    uint64_t random = 88172645463325252u, first = w->now_s;
    struct audit *a;

    live(w, &random, 60);
    a = audit(w);
    assert_none(a);
    for (unsigned i = 0; i < 200; i++) {
        uint64_t span_s = w->now_s - first;
        uint64_t from = first + roll(&random, (unsigned)span_s);
        struct audit_choice c = {
            .from_ms = i % 3 == 0 ? 0 : from * 1000,
            .to_ms = i % 4 == 0
                         ? UINT64_MAX
                         : (from + 1 + roll(&random, (unsigned)span_s)) * 1000,
            .agency = i % 5 != 0 ? NULL : &w->net.agencies[i % 2].id,
            .has_class = i % 7 == 0,
            .class = i % 2,
        };
        struct audit_view v = view_of(w, a, &c);

        assert_adds_up(&v);
        audit_view_clear(&v);
    }
    audit_free(a);
}

static void
lines_stand_by_agency_and_by_day(void **state)
{
    struct world *w = *state;
    struct audit_view v;

    all_ends(w);
    (void)store_from(w, 7, HUB, NGO);
    v = view(w, &everything);
    assert_adds_up(&v);
    assert_int_equal(v.n_agencies, 2);
    assert_string_equal(v.agencies[0].name, "Harbour Light");
    assert_int_equal(v.agencies[0].sent.counts.packets.stored, 5);
    assert_int_equal(v.agencies[0].sent.counts.own_copies.stored, 1);
    assert_int_equal(v.agencies[0].received.counts.packets.stored, 1);
    assert_string_equal(v.agencies[1].name, "Central Hub");
    assert_int_equal(v.agencies[1].sent.counts.packets.pending, 1);
    assert_int_equal(v.n_days, 2);
    assert_int_equal(v.n_agency_days, 3);
    assert_string_equal(v.first_day, v.days[0].text);
    assert_string_equal(v.last_day, v.days[1].text);
    assert_string_equal(v.relay, "relay.test");
    assert_string_equal(v.auditor, "Auditors");
    audit_view_clear(&v);
}

static void
a_period_counts_what_was_pending_when_it_began_as_carried(void **state)
{
    struct world *w = *state;
    struct audit_choice c = everything;
    struct audit_view v;
    unsigned before = store(w, 1);

    (void)hand_over(w, store(w, 2));
    w->now_s += 2 * DAY_S;
    c.from_ms = w->now_s * 1000;
    (void)hand_over(w, before);
    (void)store(w, 3);
    w->now_s += DAY_S;
    c.to_ms = w->now_s * 1000;
    (void)hand_over(w, store(w, 4));
    v = view(w, &c);
    assert_int_equal(v.total.counts.packets.stored, 1);
    assert_int_equal(v.total.counts.packets.carried, 1);
    assert_int_equal(v.total.counts.packets.handed_over, 1);
    assert_int_equal(v.total.counts.packets.pending, 1);
    assert_int_equal(v.days[0].day, 0);
    assert_string_equal(v.days[0].text, "before");
    assert_adds_up(&v);
    audit_view_clear(&v);
}

static void
an_end_after_the_period_is_pending_in_it(void **state)
{
    struct world *w = *state;
    struct audit_choice c = everything;
    struct audit_view v;
    unsigned i = store(w, 1);

    w->now_s += 3600;
    c.to_ms = w->now_s * 1000;
    (void)hand_over(w, i);
    v = view(w, &c);
    assert_int_equal(v.total.counts.packets.pending, 1);
    assert_int_equal(v.total.times_all.n, 0);
    audit_view_clear(&v);
    c.to_ms++;
    v = view(w, &c);
    assert_int_equal(v.total.counts.packets.handed_over, 1);
    assert_int_equal(v.total.times_all.n, 1);
    audit_view_clear(&v);
}

/* ---- choices ---- */

static void
an_agency_may_be_chosen(void **state)
{
    struct world *w = *state;
    struct audit_choice c = everything;
    struct audit_view v;
    unsigned third = net_desk(&w->net, "Third", CLASS_PARTNER);

    all_ends(w);
    (void)store_from(w, 9, third, HUB);
    c.agency = &w->net.agencies[third].id;
    v = view(w, &c);
    assert_true(v.has_agency);
    assert_string_equal(v.agency, "Third");
    assert_int_equal(v.total.counts.packets.stored, 1);
    assert_int_equal(v.checked.entries, w->n);
    assert_adds_up(&v);
    audit_view_clear(&v);
}

static void
a_class_may_be_chosen(void **state)
{
    struct world *w = *state;
    struct audit_choice c = everything;
    struct audit_view v;
    struct event ev;

    all_ends(w);
    ev = w->e[0].ev;
    ev.packet.b[0] = 77;
    ev.class = 1;
    ev.time_ms = w->now_s * 1000;
    ev.not_after = w->now_s + DAY_S;
    (void)log_event(w, &ev, NULL, 0);
    c.has_class = true;
    c.class = VIEW_URGENT;
    v = view(w, &c);
    assert_int_equal(v.total.counts.packets.stored, 1);
    assert_int_equal(v.by_class[VIEW_ROUTINE].counts.packets.stored, 0);
    audit_view_clear(&v);
}

/* ---- how long it took ---- */

static void
medians_are_by_nearest_rank(void **state)
{
    struct world *w = *state;
    uint64_t start = w->now_s;
    struct audit_view v;
    const struct view_times *t;

    /* 1 to 20 hours, in no order. */
    for (unsigned i = 0; i < 20; i++) {
        unsigned s;

        w->now_s = start + i * 86400;
        s = store(w, i);
        w->now_s += (1 + i * 7 % 20) * 3600;
        (void)hand_over(w, s);
    }
    v = view(w, &everything);
    t = &v.total.times_all;
    assert_int_equal(t->n, 20);
    assert_int_equal(t->median_ms, 10 * 3600 * 1000);
    assert_int_equal(t->p90_ms, 18 * 3600 * 1000);
    assert_int_equal(t->max_ms, 20 * 3600 * 1000);
    assert_memory_equal(t, &v.total.times[VIEW_ROUTINE], sizeof(*t));
    assert_memory_equal(t, &v.by_class[VIEW_ROUTINE].times_all, sizeof(*t));
    assert_memory_equal(t, &v.agencies[0].sent.times_all, sizeof(*t));
    assert_memory_equal(t, &v.agencies[1].received.times_all, sizeof(*t));
    assert_int_equal(v.agencies[1].sent.times_all.n, 0);
    assert_int_equal(v.total.times[VIEW_URGENT].n, 0);
    audit_view_clear(&v);
}

static void
one_packet_is_its_own_median(void **state)
{
    struct world *w = *state;
    unsigned i = store(w, 1);
    struct audit_view v;

    w->now_s += 60;
    (void)hand_over(w, i);
    v = view(w, &everything);
    assert_int_equal(v.total.times_all.median_ms, 60000);
    assert_int_equal(v.total.times_all.p90_ms, 60000);
    audit_view_clear(&v);
}

/* ---- reasons, deadlines, exceptions ---- */

static void
reasons_are_counted_by_event(void **state)
{
    struct world *w = *state;
    struct audit_view v;

    all_ends(w);
    (void)refuse(w, store(w, 20));
    v = view(w, &everything);
    assert_int_equal(v.n_reasons, 3);
    assert_string_equal(v.reasons[0].event, "refused");
    assert_string_equal(v.reasons[0].name, "undecryptable");
    assert_int_equal(v.reasons[0].n, 2);
    assert_string_equal(v.reasons[1].event, "withdrawn");
    assert_string_equal(v.reasons[1].name, "sent_in_error");
    assert_string_equal(v.reasons[2].event, "expired");
    assert_string_equal(v.reasons[2].name, "never_served");
    audit_view_clear(&v);
}

static void
deadlines_are_counted(void **state)
{
    struct world *w = *state;
    struct audit_view v;
    struct event ev;
    unsigned i = store(w, 1);
    unsigned j = store(w, 2);
    unsigned k = store(w, 3);

    w->now_s += 10 * DAY_S;
    ev = later(w, i, EVENT_WARNED, NULL);
    (void)log_event(w, &ev, NULL, 0);
    ev = later(w, j, EVENT_WARNED, NULL);
    (void)log_event(w, &ev, NULL, 0);
    (void)hand_over(w, i);
    (void)expire(w, j);
    w->now_s = w->e[k].ev.not_after + EVENT_SWEEP_S + AUDIT_GRACE_S + 1;
    v = view(w, &everything);
    assert_int_equal(v.total.deadlines.warned, 2);
    assert_int_equal(v.total.deadlines.rescued, 1);
    assert_int_equal(v.total.deadlines.expired, 1);
    assert_int_equal(v.total.deadlines.unserved, 1);
    assert_int_equal(v.total.deadlines.overdue, 1);
    assert_int_equal(v.n_exceptions, 1);
    assert_string_equal(v.exceptions[0].code, "overdue");
    assert_int_equal(v.exceptions[0].index, k);
    assert_int_equal(v.exceptions[0].sender, 0);
    assert_int_equal(v.exceptions[0].recipient, 1);
    assert_non_null(strstr(v.exceptions[0].text,
                           "a packet from Harbour Light to Central Hub"));
    assert_int_equal(v.days[0].findings, 1);
    audit_view_clear(&v);
}

static void
exceptions_outside_of_the_choice_are_only_counted(void **state)
{
    struct world *w = *state;
    struct audit_choice c = everything;
    struct audit_view v;
    unsigned i = store(w, 1);

    (void)hand_over(w, i);
    (void)withdraw(w, i); /* a second end */
    w->now_s += DAY_S;
    c.from_ms = w->now_s * 1000;
    v = view(w, &c);
    assert_int_equal(v.n_exceptions, 0);
    assert_int_equal(v.exceptions_total, 0);
    assert_int_equal(v.exceptions_others, 1);
    audit_view_clear(&v);
    v = view(w, &everything);
    assert_int_equal(v.exceptions_total, 1);
    assert_int_equal(v.exceptions_others, 0);
    audit_view_clear(&v);
}

/* ---- who may read, who did ---- */

static void
readings_by_auditors_are_shown(void **state)
{
    struct world *w = *state;
    struct audit_view v;

    (void)store(w, 1);
    (void)log_read(w, 0);
    (void)log_read(w, 512);
    w->now_s += DAY_S;
    (void)log_read(w, 1024);
    v = view(w, &everything);
    assert_int_equal(v.checked.reads, 3);
    assert_int_equal(v.n_reads, 3);
    assert_int_equal(v.reads[0].first, 1024);
    assert_string_equal(v.reads[0].auditor, "Auditors");
    assert_int_equal(v.n_readers, 2);
    assert_int_equal(v.readers[0].questions, 2);
    assert_int_equal(v.readers[0].first, 0);
    assert_int_equal(v.readers[0].last, 512);
    assert_int_equal(v.readers[1].questions, 1);
    assert_int_equal(v.n_scopes, 1);
    assert_string_equal(v.scopes[0].line, "scope agencies=* from=* to=*");
    assert_true(v.scopes[0].is_self);
    audit_view_clear(&v);
}

static void
an_empty_log_has_a_view(void **state)
{
    struct world *w = *state;
    struct audit_view v = view(w, &everything);

    assert_int_equal(v.n_agencies, 0);
    assert_int_equal(v.n_days, 0);
    assert_int_equal(v.exceptions_total, 0);
    assert_true(view_counts_empty(&v.total.counts));
    audit_view_clear(&v);
}

static void
no_memory_is_an_error_wherever_it_strikes(void **state)
{
    struct world *w = *state;
    struct head h;
    struct audit *a;
    enum err rc = ERR_NOMEM;

    all_ends(w);
    (void)log_read(w, 0);
    (void)store(w, 1); /* a finding */
    h = head_at(w, w->n);
    a = audit(w);
    for (unsigned long n = 0; rc == ERR_NOMEM; n++) {
        struct audit_view v = {0};

        fail_alloc_at(n);
        rc = audit_view_make(a, &everything, "relay.test", &h, &v);
        assert_int_equal(fail_alloc_off(), rc == ERR_NOMEM);
        audit_view_clear(&v);
    }
    assert_int_equal(rc, ERR_OK);
    audit_free(a);
}

int
main(void)
{
#define T(name)                                                                \
    cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
    const struct CMUnitTest tests[] = {
        T(lines_add_up_whatever_is_chosen),
        T(lines_stand_by_agency_and_by_day),
        T(a_period_counts_what_was_pending_when_it_began_as_carried),
        T(an_end_after_the_period_is_pending_in_it),
        T(an_agency_may_be_chosen),
        T(a_class_may_be_chosen),
        T(medians_are_by_nearest_rank),
        T(one_packet_is_its_own_median),
        T(reasons_are_counted_by_event),
        T(deadlines_are_counted),
        T(exceptions_outside_of_the_choice_are_only_counted),
        T(readings_by_auditors_are_shown),
        T(an_empty_log_has_a_view),
        T(no_memory_is_an_error_wherever_it_strikes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
