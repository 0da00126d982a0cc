#include "proto/balance.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/lib/fail_alloc.h"

#define HOUR UINT64_C(3600)

/* One balance, fed with a log that counts its own indexes. */
struct world {
    struct balance_options options;
    struct balance *b;
    uint64_t index;
    struct finding last;
};

static void
remember(void *arg, const struct finding *finding)
{
    struct world *w = arg;

    w->last = *finding;
}

/* Mailboxes belong to the agency of the same first byte. */
static bool
is_own(void *arg, const struct mailbox_id *to, const struct agency_id *sender)
{
    (void)arg;
    return to->b[0] == sender->b[0];
}

static void
world_open(struct world *w)
{
    if (w->options.erasable_end == 0)
        w->options.erasable_end = UINT64_MAX;
    w->options.is_own = is_own;
    w->options.found = remember;
    w->options.arg = w;
    w->b = balance_new(&w->options);
    assert_non_null(w->b);
}

static struct event
event_of(uint8_t type, uint8_t sender, uint8_t to, uint32_t packet)
{
    struct event ev = {
        .type = type, .time_ms = HOUR * 1000, .not_after = 10 * HOUR};

    ev.sender.b[0] = sender;
    ev.recipient.b[0] = to;
    memcpy(ev.packet.b, &packet, sizeof(packet));
    memcpy(ev.pkt_digest.b, &packet, sizeof(packet));
    ev.evidence.b[0] = 1;
    if (type == EVENT_EXPIRED)
        ev.time_ms = (10 * HOUR + EVENT_SWEEP_S) * 1000;
    return ev;
}

static uint64_t
fold(struct world *w, const struct event *ev)
{
    assert_int_equal(balance_event(w->b, w->index, ev), ERR_OK);
    return w->index++;
}

static uint64_t
add(struct world *w, uint8_t type, uint8_t sender, uint8_t to, uint32_t packet,
    uint64_t ref)
{
    struct event ev = event_of(type, sender, to, packet);

    ev.ref = ref;
    return fold(w, &ev);
}

static uint64_t
findings(const struct world *w)
{
    uint64_t n = 0;

    for (unsigned i = 0; i < FINDING_KINDS; i++)
        n += balance_findings(w->b, (enum finding_kind)i);
    return n;
}

static void
assert_found_once(const struct world *w, enum finding_kind kind)
{
    for (unsigned i = 0; i < FINDING_KINDS; i++)
        assert_int_equal(balance_findings(w->b, (enum finding_kind)i),
                         i == kind);
    assert_int_equal(w->last.kind, kind);
}

static void
an_honest_log_balances_without_findings(void **state)
{
    struct world w = {0};
    struct balance_counts c;
    uint64_t at[5];

    (void)state;
    world_open(&w);
    for (uint32_t i = 0; i < 5; i++)
        at[i] = add(&w, EVENT_STORED, 'a', 'b', i, 0);
    add(&w, EVENT_DEVICE_REFUSED, 'a', 'b', 0, at[0]);
    add(&w, EVENT_HANDED_OVER, 'a', 'b', 0, at[0]);
    add(&w, EVENT_DEVICE_RECEIPT, 'a', 'b', 0, at[0]);
    add(&w, EVENT_REFUSED, 'a', 'b', 1, at[1]);
    add(&w, EVENT_WITHDRAWN, 'a', 'b', 2, at[2]);
    add(&w, EVENT_WARNED, 'a', 'b', 3, at[3]);
    add(&w, EVENT_EXPIRED, 'a', 'b', 3, at[3]);
    add(&w, EVENT_LATE_RECEIPT, 'a', 'b', 3, at[3]);
    add(&w, EVENT_READDRESSED, 'a', 'b', 3, 77);
    add(&w, EVENT_QUOTA_REFUSED, 'a', 0, 0, 12);
    balance_finish(w.b, 2 * HOUR * 1000);
    assert_int_equal(findings(&w), 0);
    assert_true(balance_conserved(w.b));
    c = balance_total(w.b);
    assert_int_equal(c.packets.stored, 5);
    assert_int_equal(c.packets.handed_over, 1);
    assert_int_equal(c.packets.refused, 1);
    assert_int_equal(c.packets.withdrawn, 1);
    assert_int_equal(c.packets.expired, 1);
    assert_int_equal(c.packets.pending, 1);
    assert_int_equal(c.own_copies.stored, 0);
    balance_free(w.b);
}

static void
counts_stand_by_sender_and_by_mailbox_and_own_copies_apart(void **state)
{
    struct agency_id a = {{'a'}}, c = {{'c'}}, none = {{'z'}};
    struct mailbox_id to_b = {{'b'}}, to_a = {{'a'}};
    struct world w = {0};
    uint64_t own;

    (void)state;
    world_open(&w);
    add(&w, EVENT_STORED, 'a', 'b', 1, 0);
    own = add(&w, EVENT_STORED, 'a', 'a', 2, 0);
    add(&w, EVENT_STORED, 'c', 'b', 1, 0);
    add(&w, EVENT_STORED, 'c', 'a', 3, 0);
    add(&w, EVENT_HANDED_OVER, 'a', 'a', 2, own);
    assert_int_equal(findings(&w), 0);
    assert_int_equal(balance_total(w.b).packets.stored, 3);
    assert_int_equal(balance_total(w.b).own_copies.handed_over, 1);
    assert_int_equal(balance_of_sender(w.b, &a).packets.pending, 1);
    assert_int_equal(balance_of_sender(w.b, &a).own_copies.stored, 1);
    assert_int_equal(balance_of_sender(w.b, &a).own_copies.pending, 0);
    assert_int_equal(balance_of_sender(w.b, &c).packets.stored, 2);
    assert_int_equal(balance_of_sender(w.b, &none).packets.stored, 0);
    assert_int_equal(balance_of_mailbox(w.b, &to_b).packets.stored, 2);
    assert_int_equal(balance_of_mailbox(w.b, &to_a).packets.stored, 1);
    assert_int_equal(balance_of_mailbox(w.b, &to_a).own_copies.stored, 1);
    assert_true(balance_conserved(w.b));
    balance_free(w.b);
}

static void
an_illegal_event_is_found_and_changes_nothing(void **state)
{
    /* stored, FIRST, then SECOND must be found. */
    static const struct {
        uint8_t first, second;
        enum finding_kind kind;
    } rows[] = {
        {EVENT_HANDED_OVER, EVENT_EXPIRED, FINDING_SEQUENCE},
        {EVENT_EXPIRED, EVENT_HANDED_OVER, FINDING_SEQUENCE},
        {EVENT_WITHDRAWN, EVENT_REFUSED, FINDING_SEQUENCE},
        {EVENT_HANDED_OVER, EVENT_HANDED_OVER, FINDING_SEQUENCE},
        {EVENT_REFUSED, EVENT_WARNED, FINDING_SEQUENCE},
        {EVENT_WARNED, EVENT_DEVICE_RECEIPT, FINDING_SEQUENCE},
        {EVENT_WARNED, EVENT_STORED, FINDING_STORED_TWICE},
        {EVENT_REFUSED, EVENT_STORED, FINDING_STORED_TWICE},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct balance_packet before, after;
        struct packet_id id = {{0}};
        struct agency_id a = {{'a'}};
        struct world w = {.index = 7};

        world_open(&w);
        add(&w, EVENT_STORED, 'a', 'b', 0, 0);
        add(&w, rows[i].first, 'a', 'b', 0, 7);
        balance_packet(w.b, &a, &id, &before);
        add(&w, rows[i].second, 'a', 'b', 0, 7);
        assert_found_once(&w, rows[i].kind);
        assert_int_equal(w.last.index, 9);
        assert_int_equal(w.last.type, rows[i].second);
        assert_int_equal(w.last.state, before.state);
        balance_packet(w.b, &a, &id, &after);
        assert_int_equal(after.state, before.state);
        assert_int_equal(after.stored_index, before.stored_index);
        assert_true(balance_conserved(w.b));
        balance_free(w.b);
    }
}

static void
an_end_without_a_beginning_is_found(void **state)
{
    struct agency_id a = {{'a'}};
    struct packet_id id = {{5}};
    struct balance_packet p;
    struct world w = {0};

    (void)state;
    world_open(&w);
    add(&w, EVENT_HANDED_OVER, 'a', 'b', 5, 0);
    assert_found_once(&w, FINDING_SEQUENCE);
    assert_int_equal(balance_packet(w.b, &a, &id, &p), ERR_NOTFOUND);
    add(&w, EVENT_READDRESSED, 'a', 'b', 5, 0);
    assert_int_equal(balance_findings(w.b, FINDING_SEQUENCE), 2);
    balance_free(w.b);
}

static void
one_name_for_two_packets_is_a_conflict(void **state)
{
    (void)state;
    for (int field = 0; field < 3; field++) {
        struct event ev = event_of(EVENT_STORED, 'a', 'b', 1);
        struct world w = {0};

        world_open(&w);
        fold(&w, &ev);
        if (field == 0)
            ev.pkt_digest.b[9] ^= 1;
        if (field == 1)
            ev.recipient.b[9] ^= 1;
        if (field == 2)
            ev.not_after += HOUR;
        fold(&w, &ev);
        assert_found_once(&w, FINDING_CONFLICT);
        balance_free(w.b);
    }
}

static void
ends_need_foreign_evidence_and_a_true_reference(void **state)
{
    struct event ev = event_of(EVENT_HANDED_OVER, 'a', 'b', 1);
    struct world w = {.index = 3};

    (void)state;
    world_open(&w);
    add(&w, EVENT_STORED, 'a', 'b', 1, 0);
    ev.ref = 3;
    ev.evidence.b[0] = 0;
    fold(&w, &ev);
    assert_found_once(&w, FINDING_NO_EVIDENCE);
    assert_int_equal(balance_total(w.b).packets.handed_over, 1);
    balance_free(w.b);

    w = (struct world){.index = 3};
    world_open(&w);
    add(&w, EVENT_STORED, 'a', 'b', 1, 0);
    add(&w, EVENT_HANDED_OVER, 'a', 'b', 1, 2);
    assert_found_once(&w, FINDING_BAD_REF);
    balance_free(w.b);

    /* The relay alone may say `expired`. */
    w = (struct world){.index = 3};
    world_open(&w);
    add(&w, EVENT_STORED, 'a', 'b', 1, 0);
    ev = event_of(EVENT_EXPIRED, 'a', 'b', 1);
    ev.ref = 3;
    ev.evidence.b[0] = 0;
    fold(&w, &ev);
    assert_int_equal(findings(&w), 0);
    balance_free(w.b);
}

static void
ends_are_held_to_their_time(void **state)
{
    const uint64_t due_ms = (10 * HOUR + EVENT_SWEEP_S) * 1000;
    const struct {
        uint8_t type;
        uint64_t time_ms;
        bool is_found;
        enum finding_kind kind;
    } rows[] = {
        {EVENT_EXPIRED, due_ms - 1, true, FINDING_EARLY},
        {EVENT_EXPIRED, due_ms, false, 0},
        {EVENT_EXPIRED, due_ms + 60 * 1000 + 999, false, 0},
        {EVENT_EXPIRED, due_ms + 61 * 1000, true, FINDING_OVERDUE},
        {EVENT_HANDED_OVER, due_ms, false, 0},
        {EVENT_HANDED_OVER, due_ms + 61 * 1000, true, FINDING_OVERDUE},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct event ev = event_of(rows[i].type, 'a', 'b', 1);
        struct world w = {.options.grace_s = 60};

        world_open(&w);
        add(&w, EVENT_STORED, 'a', 'b', 1, 0);
        ev.time_ms = rows[i].time_ms;
        fold(&w, &ev);
        if (rows[i].is_found)
            assert_found_once(&w, rows[i].kind);
        else
            assert_int_equal(findings(&w), 0);
        balance_free(w.b);
    }
}

static void
pending_packets_become_overdue(void **state)
{
    const uint64_t due_ms = (10 * HOUR + EVENT_SWEEP_S) * 1000;
    struct event forever = event_of(EVENT_STORED, 'a', 'b', 2);
    struct world w = {0};

    (void)state;
    world_open(&w);
    add(&w, EVENT_STORED, 'a', 'b', 1, 0);
    forever.not_after = UINT64_MAX;
    fold(&w, &forever);
    balance_finish(w.b, due_ms + 999);
    assert_int_equal(findings(&w), 0);
    balance_finish(w.b, due_ms + 1000);
    assert_found_once(&w, FINDING_OVERDUE);
    assert_int_equal(w.last.index, 0);
    assert_int_equal(w.last.packet.b[0], 1);
    balance_finish(w.b, UINT64_MAX);
    assert_int_equal(findings(&w), 2);
    balance_free(w.b);
}

static void
indexes_must_ascend(void **state)
{
    struct event ev = event_of(EVENT_STORED, 'a', 'b', 1);
    struct world w = {.index = 4};

    (void)state;
    world_open(&w);
    fold(&w, &ev);
    w.index = 4;
    ev = event_of(EVENT_STORED, 'a', 'b', 2);
    fold(&w, &ev);
    assert_found_once(&w, FINDING_ORDER);
    assert_int_equal(balance_total(w.b).packets.stored, 1);
    assert_int_equal(balance_unopened(w.b, 4), ERR_OK);
    assert_int_equal(balance_findings(w.b, FINDING_ORDER), 2);
    balance_finish(w.b, 0);
    assert_int_equal(balance_findings(w.b, FINDING_UNOPENED), 0);
    balance_free(w.b);
}

static void
packets_from_before_the_range_are_carried(void **state)
{
    struct world w = {.options.first_index = 100, .index = 100};
    struct balance_counts c;

    (void)state;
    world_open(&w);
    /* 1 ends in the range; 2 and 3 had ended before; 4 goes on. */
    add(&w, EVENT_WARNED, 'a', 'b', 1, 11);
    add(&w, EVENT_HANDED_OVER, 'a', 'b', 1, 11);
    add(&w, EVENT_DEVICE_RECEIPT, 'a', 'b', 1, 11);
    add(&w, EVENT_LATE_RECEIPT, 'a', 'b', 2, 12);
    add(&w, EVENT_READDRESSED, 'a', 'b', 3, 150);
    add(&w, EVENT_LATE_RECEIPT, 'a', 'b', 3, 13);
    add(&w, EVENT_DEVICE_REFUSED, 'a', 'b', 4, 14);
    assert_int_equal(findings(&w), 0);
    c = balance_total(w.b);
    assert_int_equal(c.packets.carried, 1);
    assert_int_equal(c.packets.handed_over, 1);
    assert_int_equal(c.packets.stored, 0);
    assert_int_equal(c.packets.pending, 0);
    assert_true(balance_conserved(w.b));

    /* What had ended cannot end again, nor begin. */
    add(&w, EVENT_EXPIRED, 'a', 'b', 2, 12);
    assert_found_once(&w, FINDING_SEQUENCE);
    add(&w, EVENT_EXPIRED, 'a', 'b', 1, 11);
    assert_int_equal(balance_findings(w.b, FINDING_SEQUENCE), 2);
    add(&w, EVENT_STORED, 'a', 'b', 4, 0);
    assert_int_equal(balance_findings(w.b, FINDING_STORED_TWICE), 1);
    /* Not from before the range: its stored event should be known. */
    add(&w, EVENT_WARNED, 'a', 'b', 5, 101);
    assert_int_equal(balance_findings(w.b, FINDING_SEQUENCE), 3);
    balance_free(w.b);
}

static void
add_erased(struct world *w, uint64_t ref)
{
    struct event ev = {.type = EVENT_ERASED, .ref = ref};

    fold(w, &ev);
}

static void
every_leaf_opens_or_is_named_by_an_erased_event(void **state)
{
    struct world w = {.options.erasable_end = 64};

    (void)state;
    world_open(&w);
    for (; w.index < 100; w.index++)
        assert_int_equal(balance_unopened(w.b, w.index), ERR_OK);
    for (uint64_t i = 0; i < 64; i++)
        if (i != 31)
            add_erased(&w, i);
    assert_int_equal(findings(&w), 0);
    balance_finish(w.b, 0);
    assert_int_equal(balance_findings(w.b, FINDING_UNOPENED), 100 - 63);
    assert_int_equal(w.last.index, 99);
    add_erased(&w, 64);
    assert_int_equal(balance_findings(w.b, FINDING_ERASED_EARLY), 1);
    add_erased(&w, w.index);
    assert_int_equal(balance_findings(w.b, FINDING_BAD_REF), 1);
    balance_free(w.b);
}

static void
a_late_receipt_of_an_erased_packet_is_no_finding(void **state)
{
    struct world w = {0};

    (void)state;
    world_open(&w);
    assert_int_equal(balance_unopened(w.b, w.index++), ERR_OK);
    assert_int_equal(balance_unopened(w.b, w.index++), ERR_OK);
    add_erased(&w, 0);
    add_erased(&w, 1);
    add(&w, EVENT_LATE_RECEIPT, 'a', 'b', 1, 0);
    balance_finish(w.b, 0);
    assert_int_equal(findings(&w), 0);
    balance_free(w.b);
}

static bool
count_two(void *arg, const struct balance_packet *p)
{
    uint64_t *n = arg;

    assert_int_equal(p->stored_index, *n);
    return ++*n < 2;
}

static void
packets_are_walked_in_log_order(void **state)
{
    struct world w = {0};
    uint64_t n = 0;

    (void)state;
    world_open(&w);
    for (uint32_t i = 0; i < 5; i++)
        add(&w, EVENT_STORED, 'a', 'b', 100 - i, 0);
    balance_each(w.b, count_two, &n);
    assert_int_equal(n, 2);
    balance_free(w.b);
}

/* A seeded walk over legal and illegal events; a second count by hand. */
static void
many_packets_balance_after_every_event(void **state)
{
    enum { PACKETS = 50000 };
    static uint8_t state_of[PACKETS];
    uint64_t want[PACKET_STATES] = {0}, x = 88172645463325252;
    struct world w = {0};
    struct tally t;

    (void)state;
    world_open(&w);
    for (uint32_t i = 0; i < PACKETS; i++)
        add(&w, EVENT_STORED, (uint8_t)('a' + i % 7), (uint8_t)('k' + i % 5), i,
            0);
    for (uint32_t i = 0; i < 2 * PACKETS; i++) {
        uint32_t p;
        uint8_t type;

        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        p = (uint32_t)(x % PACKETS);
        type = (uint8_t)(EVENT_HANDED_OVER + x / PACKETS % 4);
        add(&w, type, (uint8_t)('a' + p % 7), (uint8_t)('k' + p % 5), p, p);
        if (state_of[p] == 0)
            state_of[p] = type;
    }
    for (uint32_t i = 0; i < PACKETS; i++)
        want[state_of[i]]++;
    t = balance_total(w.b).packets;
    assert_int_equal(t.stored, PACKETS);
    assert_int_equal(t.pending, want[0]);
    assert_int_equal(t.handed_over, want[PACKET_HANDED_OVER]);
    assert_int_equal(t.refused, want[PACKET_REFUSED]);
    assert_int_equal(t.withdrawn, want[PACKET_WITHDRAWN]);
    assert_int_equal(t.expired, want[PACKET_EXPIRED]);
    assert_int_equal(balance_findings(w.b, FINDING_SEQUENCE),
                     2 * PACKETS - (PACKETS - want[0]));
    assert_true(balance_conserved(w.b));
    balance_free(w.b);
}

static void
a_tally_that_lost_one_is_not_conserved(void **state)
{
    struct tally t = {.stored = 9,
                      .carried = 1,
                      .handed_over = 4,
                      .refused = 1,
                      .expired = 2,
                      .withdrawn = 1,
                      .pending = 2};

    (void)state;
    assert_true(tally_conserved(&t));
    t.pending--;
    assert_false(tally_conserved(&t));
    t.stored--;
    assert_true(tally_conserved(&t));
}

static enum err
small_story(struct balance *b)
{
    struct event ev = event_of(EVENT_STORED, 'a', 'b', 1);
    enum err rc = balance_event(b, 0, &ev);

    if (rc == ERR_OK)
        rc = balance_unopened(b, 1);
    ev.type = EVENT_HANDED_OVER;
    if (rc == ERR_OK)
        rc = balance_event(b, 2, &ev);
    return rc;
}

static void
running_out_of_memory_is_told_and_leaks_nothing(void **state)
{
    struct balance_options options = {0};

    (void)state;
    for (unsigned long n = 0;; n++) {
        struct balance *b;
        enum err rc = ERR_NOMEM;

        fail_alloc_at(n);
        b = balance_new(&options);
        if (b != NULL)
            rc = small_story(b);
        balance_free(b);
        if (!fail_alloc_off()) {
            assert_int_equal(rc, ERR_OK);
            break;
        }
        assert_int_equal(rc, ERR_NOMEM);
    }
}

static void
findings_have_names(void **state)
{
    (void)state;
    for (unsigned i = 0; i < FINDING_KINDS; i++)
        assert_string_not_equal(finding_name((enum finding_kind)i), "unknown");
    assert_string_equal(finding_name(FINDING_KINDS), "unknown");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_honest_log_balances_without_findings),
        cmocka_unit_test(
            counts_stand_by_sender_and_by_mailbox_and_own_copies_apart),
        cmocka_unit_test(an_illegal_event_is_found_and_changes_nothing),
        cmocka_unit_test(an_end_without_a_beginning_is_found),
        cmocka_unit_test(one_name_for_two_packets_is_a_conflict),
        cmocka_unit_test(ends_need_foreign_evidence_and_a_true_reference),
        cmocka_unit_test(ends_are_held_to_their_time),
        cmocka_unit_test(pending_packets_become_overdue),
        cmocka_unit_test(indexes_must_ascend),
        cmocka_unit_test(packets_from_before_the_range_are_carried),
        cmocka_unit_test(every_leaf_opens_or_is_named_by_an_erased_event),
        cmocka_unit_test(a_late_receipt_of_an_erased_packet_is_no_finding),
        cmocka_unit_test(packets_are_walked_in_log_order),
        cmocka_unit_test(many_packets_balance_after_every_event),
        cmocka_unit_test(a_tally_that_lost_one_is_not_conserved),
        cmocka_unit_test(running_out_of_memory_is_told_and_leaks_nothing),
        cmocka_unit_test(findings_have_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
