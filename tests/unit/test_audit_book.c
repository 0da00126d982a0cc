/* An audit kept and taken up again says what a full one says; a book that does
 * not fit is not used. */
#include "client/audit_book.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "client/audit_view_make.h"
#include "tests/lib/audit_world.h"
#include "tests/lib/fail_alloc.h"

/* ---- a book in memory ---- */

static enum err
put(void *arg, const void *bytes, size_t len)
{
    buf_put(arg, bytes, len);
    return buf_status(arg);
}

struct reading {
    const struct buf *b;
    size_t at;
};

static enum err
get(void *arg, void *bytes, size_t len)
{
    struct reading *r = arg;

    if (len > r->b->len - r->at)
        return ERR_MALFORMED;
    memcpy(bytes, r->b->data + r->at, len);
    r->at += len;
    return ERR_OK;
}

static void
write_book(struct world *w, const struct audit *a, struct buf *out)
{
    const struct book_sink sink = {put, out};
    struct head h = head_at(w, audit_size(a));

    assert_int_equal(audit_book_write(a, &h, &sink), ERR_OK);
}

static enum err
open_book(struct world *w, const struct buf *book, struct audit **out,
          enum book_fit *fit)
{
    struct reading r = {.b = book};
    const struct book_source source = {get, &r};
    struct audit_options o = world_options(w, w->auditor);
    struct head h;

    return audit_book_open(&o, &source, out, &h, fit);
}

/* All of the log so far, as a book. */
static void
book_of(struct world *w, struct buf *out)
{
    struct audit *a = start(w, w->auditor);
    struct head h = head_at(w, w->n);

    assert_int_equal(feed(w, a), ERR_OK);
    assert_int_equal(audit_close(a, &h), ERR_OK);
    write_book(w, a, out);
    audit_free(a);
}

static enum book_fit
fit_of(struct world *w, const struct buf *book)
{
    struct audit *a = NULL;
    enum book_fit fit = BOOK_NONE;
    enum err rc = open_book(w, book, &a, &fit);

    assert_int_equal(rc, fit == BOOK_FITS ? ERR_OK : ERR_STATE);
    audit_free(a);
    return fit;
}

/* The book goes on to the end of the log and becomes the book of that. */
static struct audit *
go_on(struct world *w, struct buf *book)
{
    struct head h = head_at(w, w->n);
    struct audit *a = NULL;
    enum book_fit fit;

    assert_int_equal(open_book(w, book, &a, &fit), ERR_OK);
    assert_int_equal(feed(w, a), ERR_OK);
    assert_int_equal(audit_close(a, &h), ERR_OK);
    buf_reset(book);
    write_book(w, a, book);
    assert_int_equal(audit_finish(a), ERR_OK);
    return a;
}

/* ---- the same as a full audit ---- */

static void
assert_same_findings(const struct audit *a, const struct audit *b)
{
    assert_int_equal(audit_finding_count(a), audit_finding_count(b));
    for (size_t i = 0; i < audit_finding_count(a); i++) {
        const struct audit_finding *x = audit_finding_at(a, i);
        const struct audit_finding *y = audit_finding_at(b, i);

        assert_string_equal(x->code, y->code);
        assert_string_equal(x->text, y->text);
        assert_int_equal(x->index, y->index);
        assert_int_equal(x->time_ms, y->time_ms);
        assert_memory_equal(&x->packet, &y->packet, 16);
    }
}

static void
assert_same_sums(const struct audit *a, const struct audit *b)
{
    struct audit_sum x, y;

    audit_result(a, &x);
    audit_result(b, &y);
    x.before = y.before = 0;
    assert_memory_equal(&x, &y, sizeof(x));
}

static void
assert_same_view(struct world *w, const struct audit *a, const struct audit *b)
{
    const struct audit_choice all = {.to_ms = UINT64_MAX};
    struct head h = head_at(w, w->n);
    struct audit_view x, y;

    assert_int_equal(audit_view_make(a, &all, "r", &h, &x), ERR_OK);
    assert_int_equal(audit_view_make(b, &all, "r", &h, &y), ERR_OK);
    assert_memory_equal(&x.total, &y.total, sizeof(x.total));
    assert_memory_equal(x.by_class, y.by_class, sizeof(x.by_class));
    assert_int_equal(x.n_agencies, y.n_agencies);
    assert_int_equal(x.n_agency_days, y.n_agency_days);
    for (size_t i = 0; i < x.n_agency_days; i++)
        assert_memory_equal(&x.agency_days[i].counts, &y.agency_days[i].counts,
                            sizeof(struct balance_counts));
    assert_int_equal(x.n_reasons, y.n_reasons);
    for (size_t i = 0; i < x.n_reasons; i++)
        assert_int_equal(x.reasons[i].n, y.reasons[i].n);
    assert_int_equal(x.n_readers, y.n_readers);
    assert_int_equal(x.n_reads, y.n_reads);
    audit_view_clear(&x);
    audit_view_clear(&y);
}

static unsigned
roll(uint64_t *x, unsigned sides)
{
    *x ^= *x << 13;
    *x ^= *x >> 7;
    *x ^= *x << 17;
    return (unsigned)(*x >> 33) % sides;
}

struct life {
    uint64_t random;
    unsigned stored[WORLD_MAX];
    unsigned n, packets;
};

/* Half of it honest, half a lie. */
static void
step(struct world *w, struct life *l)
{
    unsigned i = l->n == 0 ? 0 : l->stored[roll(&l->random, l->n)];

    w->now_s += roll(&l->random, 3 * 3600);
    switch (l->n < 3 ? 0 : roll(&l->random, 14)) {
    case 0:
    case 1:
    case 2:
        l->stored[l->n++] = store(w, l->packets++);
        break;
    case 3:
    case 4:
        (void)hand_over(w, i);
        break;
    case 5:
        (void)refuse(w, i);
        break;
    case 6:
        (void)withdraw(w, i);
        break;
    case 7:
        (void)log_read(w, i);
        break;
    case 8:
        w->e[hand_over(w, i)].evidence[300] ^= 1;
        break;
    case 9:
        w->e[store(w, l->packets++)].opening[40] ^= 1;
        break;
    case 10:
        w->e[store(w, l->packets++)].is_shown = false;
        break;
    case 11:
        (void)store(w, roll(&l->random, l->packets));
        break;
    default:
        break;
    }
}

static void
live_and_compare(struct world *w, struct life *l)
{
    struct buf book = {0};

    book_of(w, &book);
    while (w->n < WORLD_MAX - 100) {
        unsigned steps = 1 + roll(&l->random, 40);
        struct audit *full, *a;

        for (unsigned i = 0; i < steps && w->n < WORLD_MAX - 60; i++)
            step(w, l);
        full = audit(w);
        a = go_on(w, &book);
        assert_same_sums(a, full);
        assert_same_view(w, a, full);
        assert_same_findings(a, full);
        audit_free(a);
        audit_free(full);
    }
    buf_clear(&book);
}

static void
taken_up_at_any_place_it_says_what_a_full_audit_says(void **state)
{
    struct world *w = *state;
    struct life l = {.random = 88172645463325252u};

    w->helpers = 2;
    live_and_compare(w, &l);
}

static void
two_helpers_find_what_one_finds(void **state)
{
    struct world *w = *state;
    struct life l = {.random = 1181783497276652981u};
    struct audit *one, *three;

    while (w->n < WORLD_MAX - 10)
        step(w, &l);
    one = audit(w);
    w->helpers = 2;
    three = audit(w);
    assert_true(audit_finding_count(one) > 0);
    assert_same_findings(one, three);
    assert_same_sums(one, three);
    audit_free(one);
    audit_free(three);
}

/* Honest packets with all their entries erased at once. */
static void
what_was_erased_since_is_forgotten(void **state)
{
    struct world *w = *state;
    struct buf book = {0};
    struct audit *a, *full;
    unsigned ends[20], starts[20];

    for (unsigned i = 0; i < 20; i++) {
        starts[i] = store(w, i);
        w->now_s += 60;
        ends[i] = i % 2 == 0 ? hand_over(w, starts[i]) : refuse(w, starts[i]);
        (void)log_read(w, i);
    }
    book_of(w, &book);
    w->now_s += 401 * DAY_S;
    for (unsigned i = 0; i < 10; i++) {
        erase(w, starts[i]);
        erase(w, ends[i]);
        erase(w, ends[i] + 1);
    }
    full = audit(w);
    a = go_on(w, &book);
    assert_none(full);
    assert_none(a);
    assert_same_sums(a, full);
    assert_same_view(w, a, full);
    audit_free(a);
    audit_free(full);
    buf_clear(&book);
}

static void
an_opening_shown_after_its_erasure_is_found(void **state)
{
    struct world *w = *state;
    unsigned i = store(w, 1);
    unsigned end = hand_over(w, i);

    w->now_s += 401 * DAY_S;
    erase(w, i);
    erase(w, end);
    w->e[end].is_shown = true;
    check_one(w, "not_erased", end + 2);
}

/* ---- books that do not fit ---- */

static void
a_scope_that_changed_needs_a_full_audit(void **state)
{
    struct world *w = *state;
    struct buf book = {0};

    all_ends(w);
    book_of(w, &book);
    assert_int_equal(fit_of(w, &book), BOOK_FITS);
    world_scope(w, "scope agencies=* from=2026-01-01 to=*");
    assert_int_equal(fit_of(w, &book), BOOK_SCOPE);
    world_scope(w, "scope agencies=* from=* to=*");
    assert_int_equal(fit_of(w, &book), BOOK_FITS);
    buf_clear(&book);
}

static void
a_revocation_as_of_an_audited_time_needs_a_full_audit(void **state)
{
    struct world *w = *state;
    struct buf book = {0};
    struct audit *a;

    w->net.now_s = w->now_s;
    w->now_s += DAY_S;
    (void)hand_over(w, store(w, 1));
    check_none(w);
    book_of(w, &book);
    net_revoke(&w->net, HUB, REVOKE_STOLEN, w->net.now_s);
    assert_int_equal(fit_of(w, &book), BOOK_REVOKED);
    a = audit(w);
    assert_one(a, "revoked_device", 1);
    audit_free(a);
    buf_clear(&book);
}

static void
a_revocation_after_all_that_was_audited_changes_nothing(void **state)
{
    struct world *w = *state;
    struct buf book = {0};
    struct audit *a;

    (void)hand_over(w, store(w, 1));
    book_of(w, &book);
    w->now_s += DAY_S;
    w->net.now_s = w->now_s;
    net_revoke(&w->net, HUB, REVOKE_STOLEN, w->net.now_s);
    assert_int_equal(fit_of(w, &book), BOOK_FITS);
    (void)store(w, 2);
    a = go_on(w, &book);
    assert_none(a);
    audit_free(a);
    buf_clear(&book);
}

static void
names_missing_then_and_there_now_need_a_full_audit(void **state)
{
    struct world *w = *state;
    struct buf book = {0};
    struct event ev;

    (void)store(w, 1);
    ev = w->e[0].ev;
    ev.packet.b[0] = 99;
    ev.recipient.b[0] ^= 1;
    (void)log_event(w, &ev, NULL, 0);
    book_of(w, &book);
    assert_int_equal(fit_of(w, &book), BOOK_FITS);
    (void)net_desk(&w->net, "Third", CLASS_PARTNER);
    assert_int_equal(fit_of(w, &book), BOOK_DIRECTORY);
    buf_clear(&book);
}

static void
another_auditor_or_log_needs_a_full_audit(void **state)
{
    struct world *w = *state;
    const struct dir_agency *auditor = w->auditor;
    struct buf book = {0};

    all_ends(w);
    book_of(w, &book);
    w->auditor = net_dir_agency(&w->net, NGO);
    assert_int_equal(fit_of(w, &book), BOOK_OTHER);
    w->auditor = auditor;
    w->key.name[0] ^= 1;
    assert_int_equal(fit_of(w, &book), BOOK_OTHER);
    buf_clear(&book);
}

static void
another_version_is_not_read(void **state)
{
    struct world *w = *state;
    struct buf book = {0};

    all_ends(w);
    book_of(w, &book);
    book.data[5]++;
    assert_int_equal(fit_of(w, &book), BOOK_VERSION);
    buf_clear(&book);
}

static void
a_book_that_is_cut_is_not_used(void **state)
{
    struct world *w = *state;
    struct buf book = {0};
    size_t whole;

    all_ends(w);
    w->e[2].evidence[3] ^= 1;
    book_of(w, &book);
    whole = book.len;
    for (book.len = 0; book.len < whole; book.len++)
        assert_int_equal(fit_of(w, &book), BOOK_DAMAGED);
    buf_clear(&book);
}

/* It was sealed; whatever it says, nothing breaks. */
static void
a_book_with_any_byte_changed_breaks_nothing(void **state)
{
    struct world *w = *state;
    struct buf book = {0};

    all_ends(w);
    w->e[2].evidence[3] ^= 1;
    w->e[store(w, 30)].is_shown = false;
    book_of(w, &book);
    for (size_t i = 0; i < book.len; i++)
        for (unsigned flip = 1; flip < 256; flip *= 15) {
            struct audit *a = NULL;
            enum book_fit fit = BOOK_NONE;

            book.data[i] ^= (uint8_t)flip;
            if (open_book(w, &book, &a, &fit) == ERR_OK) {
                assert_int_equal(feed(w, a), ERR_OK);
                assert_int_equal(audit_finish(a), ERR_OK);
            } else {
                assert_int_not_equal(fit, BOOK_FITS);
            }
            audit_free(a);
            book.data[i] ^= (uint8_t)flip;
        }
    buf_clear(&book);
}

static void
a_fork_is_not_kept(void **state)
{
    struct world *w = *state;
    unsigned i = store(w, 1);
    struct rcpt r = rcpt_of(w, i, OUTCOME_OPENED, REASON_NONE);
    struct buf book = {0};
    const struct book_sink sink = {put, &book};
    struct audit *a;
    struct head h;

    r.dlv.root.b[0] ^= 1;
    assert_int_equal(head_sign(&r.dlv, w->key.name, &w->net.log_key), ERR_OK);
    (void)log_rcpt(w, i, EVENT_HANDED_OVER, &r, &w->net.devices[HUB].sign);
    a = start(w, w->auditor);
    h = head_at(w, w->n);
    assert_int_equal(feed(w, a), ERR_OK);
    assert_int_equal(audit_close(a, &h), ERR_OK);
    assert_int_equal(audit_book_write(a, &h, &sink), ERR_REFUSED);
    audit_free(a);
    buf_clear(&book);
}

static void
no_memory_is_an_error_wherever_it_strikes(void **state)
{
    struct world *w = *state;
    struct buf book = {0};
    enum err rc = ERR_NOMEM;

    all_ends(w);
    (void)log_read(w, 0);
    w->e[store(w, 30)].is_shown = false;
    book_of(w, &book);
    for (unsigned long n = 0; rc == ERR_NOMEM; n++) {
        struct audit *a = NULL;
        enum book_fit fit;

        fail_alloc_at(n);
        rc = open_book(w, &book, &a, &fit);
        assert_int_equal(fail_alloc_off(), rc == ERR_NOMEM);
        audit_free(a);
    }
    assert_int_equal(rc, ERR_OK);
    buf_clear(&book);
}

int
main(void)
{
#define T(name)                                                                \
    cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
    const struct CMUnitTest tests[] = {
        T(taken_up_at_any_place_it_says_what_a_full_audit_says),
        T(two_helpers_find_what_one_finds),
        T(what_was_erased_since_is_forgotten),
        T(an_opening_shown_after_its_erasure_is_found),
        T(a_scope_that_changed_needs_a_full_audit),
        T(a_revocation_as_of_an_audited_time_needs_a_full_audit),
        T(a_revocation_after_all_that_was_audited_changes_nothing),
        T(names_missing_then_and_there_now_need_a_full_audit),
        T(another_auditor_or_log_needs_a_full_audit),
        T(another_version_is_not_read),
        T(a_book_that_is_cut_is_not_used),
        T(a_book_with_any_byte_changed_breaks_nothing),
        T(a_fork_is_not_kept),
        T(no_memory_is_an_error_wherever_it_strikes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
