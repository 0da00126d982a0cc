/*
 * What a client makes of cosigned heads, against a relay that gives it
 * whatever a test wants: which count, which are lies, how old the directory is,
 * and the second proof of a receipt.
 */
#include "client/witnesses.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "client/compose.h"
#include "client/freshness.h"
#include "client/outbox.h"
#include "client/refresh.h"
#include "client/shelf.h"
#include "client/story.h"
#include "common/clock.h"
#include "tests/lib/desk_fixture.h"
#include "tests/lib/lying_relay.h"

enum { WITNESSES = 3, DAY_S = 24 * 3600 };

static struct problem pb;
static struct mail m;
static struct sign_secret keys[WITNESSES];
static struct vkey vkeys[WITNESSES];
static struct buf policy;

/* ---- the scene ---- */

static void
make_policy(const struct vkey *directory, const struct vkey *delivery)
{
    buf_reset(&policy);
    buf_str(&policy, "log ");
    vkey_format(directory, &policy);
    buf_str(&policy, "\nlog ");
    vkey_format(delivery, &policy);
    for (int i = 0; i < WITNESSES; i++) {
        uint8_t seed[32];
        char name[32];

        memset(seed, 80 + i, sizeof(seed));
        sign_keypair_from_seed(&keys[i], seed);
        (void)snprintf(name, sizeof(name), "w%d.example", i);
        assert_int_equal(
            vkey_make(&vkeys[i], name, NOTE_COSIGNATURE, &keys[i].pub), ERR_OK);
        buf_printf(&policy, "\nwitness w%d ", i);
        vkey_format(&vkeys[i], &policy);
    }
    buf_str(&policy, "\ngroup two 2 w0 w1 w2\nquorum two\n");
}

static int
setup(void **state)
{
    memset(&pb, 0, sizeof(pb));
    if (desk_fixture_setup(state) != 0)
        return -1;
    relay_begin();
    make_policy(&df.directory_key, &df.delivery_key);
    return 0;
}

static int
teardown(void **state)
{
    mail_clear(&m);
    buf_clear(&policy);
    relay_end();
    return desk_fixture_teardown(state);
}

static void
trusting(void)
{
    assert_int_equal(witnesses_use(df.d.roster, &policy, "policy", &pb),
                     ERR_OK);
}

static uint64_t
now_s(void)
{
    return clock_wall_ms() / 1000;
}

/* The relay gives HEAD of LOG from now on, cosigned by the witnesses of MASK
 * at TIME_S. */
static void
relay_gives(unsigned log, const struct head *head, unsigned mask,
            uint64_t time_s)
{
    const struct vkey *key =
        log == LOG_DIRECTORY ? &df.directory_key : &df.delivery_key;
    struct buf *note = &relay.cosigned[log];
    struct note parts;

    buf_reset(note);
    assert_int_equal(head_to_note(head, key, note), ERR_OK);
    for (int i = 0; i < WITNESSES; i++) {
        struct cosignature cosig;

        if ((mask >> i & 1) == 0)
            continue;
        assert_int_equal(note_open(note->data, note->len, NULL, 0, &parts),
                         ERR_OK);
        assert_int_equal(cosignature_sign(parts.text, parts.text_len, time_s,
                                          &keys[i], &cosig),
                         ERR_OK);
        cosignature_line(&vkeys[i], &cosig, note);
    }
}

/* A head of LOG, as the relay has it now. */
static struct head
head_of(unsigned log)
{
    struct head h = {.size = relay.n};

    if (log == LOG_DIRECTORY)
        return desk_head(&df.net.log_key);
    assert_int_equal(merkle_root_at(memtree_read, &relay.log, relay.n, &h.root),
                     ERR_OK);
    assert_int_equal(head_sign(&h, df.delivery_key.name, &df.net.log_key),
                     ERR_OK);
    return h;
}

static void
relay_gives_directory(unsigned mask, uint64_t time_s)
{
    struct head h = head_of(LOG_DIRECTORY);

    relay_gives(LOG_DIRECTORY, &h, mask, time_s);
}

static struct freshness
fresh(void)
{
    struct freshness f;

    freshness_of(df.d.roster, clock_wall_ms(), &f);
    return f;
}

static void
fetch_fails_with(enum problem_id id)
{
    assert_int_not_equal(witnesses_fetch(&df.d, &pb), ERR_OK);
    assert_int_equal(pb.id, id);
    assert_true(fresh().is_stale);
}

/* ---- heads ---- */

static void
without_a_policy_nobody_is_asked(void **state)
{
    unsigned calls = relay.calls;

    (void)state;
    assert_int_equal(witnesses_fetch(&df.d, &pb), ERR_OK);
    assert_int_equal(relay.calls, calls);
    assert_false(fresh().by_witnesses);
}

static void
a_relay_without_witnesses_is_no_fault_and_not_fresh(void **state)
{
    (void)state;
    trusting();
    assert_int_equal(witnesses_fetch(&df.d, &pb), ERR_OK);
    assert_true(fresh().by_witnesses);
    assert_true(fresh().is_stale);
}

static void
a_head_that_enough_have_cosigned_makes_it_fresh(void **state)
{
    uint64_t then = now_s() - DAY_S;

    (void)state;
    trusting();
    relay_gives_directory(5, then);
    assert_int_equal(witnesses_fetch(&df.d, &pb), ERR_OK);
    assert_int_equal(fresh().at_ms, then * 1000);
    assert_false(fresh().is_stale);
}

static void
too_few_do_not_count(void **state)
{
    (void)state;
    trusting();
    relay_gives_directory(2, now_s());
    assert_int_equal(witnesses_fetch(&df.d, &pb), ERR_OK);
    assert_true(fresh().is_stale);
}

/* Of base64; what is none would make the whole note unreadable. */
static void
other_digit(uint8_t *digit)
{
    *digit = *digit == 'A' ? 'B' : 'A';
}

static void
a_line_that_does_not_verify_spoils_what_it_stands_in(void **state)
{
    struct buf *note = &relay.cosigned[LOG_DIRECTORY];

    (void)state;
    trusting();
    relay_gives_directory(7, now_s());
    other_digit(&note->data[note->len - 8]);
    assert_int_equal(witnesses_fetch(&df.d, &pb), ERR_OK);
    assert_true(fresh().is_stale);
}

static void
an_older_word_does_not_replace_a_newer_one(void **state)
{
    uint64_t then = now_s() - 100;

    (void)state;
    trusting();
    relay_gives_directory(3, then);
    assert_int_equal(witnesses_fetch(&df.d, &pb), ERR_OK);
    relay_gives_directory(7, then - DAY_S);
    assert_int_equal(witnesses_fetch(&df.d, &pb), ERR_OK);
    assert_int_equal(fresh().at_ms, then * 1000);
    relay_gives_directory(3, then + 50);
    assert_int_equal(witnesses_fetch(&df.d, &pb), ERR_OK);
    assert_int_equal(fresh().at_ms, (then + 50) * 1000);
}

static void
words_from_the_future_neither_count_nor_stay(void **state)
{
    uint64_t then = now_s() - 100;

    (void)state;
    trusting();
    relay_gives_directory(3, then + 365 * (uint64_t)DAY_S);
    assert_int_equal(witnesses_fetch(&df.d, &pb), ERR_OK);
    assert_true(fresh().is_stale);
    assert_true(fresh().is_clock_behind);
    relay_gives_directory(3, then);
    assert_int_equal(witnesses_fetch(&df.d, &pb), ERR_OK);
    assert_int_equal(fresh().at_ms, then * 1000);
    relay_gives_directory(3, then + 365 * (uint64_t)DAY_S);
    assert_int_equal(witnesses_fetch(&df.d, &pb), ERR_OK);
    assert_int_equal(fresh().at_ms, then * 1000);
}

/* ---- lies ---- */

static void
leaves_that_witnesses_saw_and_we_not_are_hidden_from_us(void **state)
{
    struct head h = head_of(LOG_DIRECTORY);

    (void)state;
    trusting();
    h.size++;
    h.root.b[0] ^= 1;
    assert_int_equal(head_sign(&h, df.directory_key.name, &df.net.log_key),
                     ERR_OK);
    relay_gives(LOG_DIRECTORY, &h, 7, now_s());
    fetch_fails_with(P_HIDDEN);
}

static void
a_cosigned_directory_that_is_not_ours_is_a_split_view(void **state)
{
    struct head h = head_of(LOG_DIRECTORY);

    (void)state;
    trusting();
    h.root.b[0] ^= 1;
    assert_int_equal(head_sign(&h, df.directory_key.name, &df.net.log_key),
                     ERR_OK);
    relay_gives(LOG_DIRECTORY, &h, 7, now_s());
    fetch_fails_with(P_SPLIT_VIEW);
}

static void
so_is_an_older_one_that_no_proof_joins(void **state)
{
    struct head h = head_of(LOG_DIRECTORY);

    (void)state;
    trusting();
    h.size--;
    assert_int_equal(head_sign(&h, df.directory_key.name, &df.net.log_key),
                     ERR_OK);
    relay_gives(LOG_DIRECTORY, &h, 7, now_s());
    fetch_fails_with(P_SPLIT_VIEW);
}

static void
so_is_a_cosigned_delivery_log_of_others(void **state)
{
    struct head h = head_of(LOG_DELIVERY);

    (void)state;
    trusting();
    h.root.b[0] ^= 1;
    assert_int_equal(head_sign(&h, df.delivery_key.name, &df.net.log_key),
                     ERR_OK);
    relay_gives(LOG_DELIVERY, &h, 7, now_s());
    fetch_fails_with(P_SPLIT_VIEW);
}

static void
a_head_under_another_key_is_told(void **state)
{
    struct head h = head_of(LOG_DIRECTORY);

    (void)state;
    trusting();
    h.sig.b[3] ^= 1;
    relay_gives(LOG_DIRECTORY, &h, 7, now_s());
    fetch_fails_with(P_ORIGIN);
}

/* ---- policies ---- */

static void
a_policy_of_another_network_is_refused(void **state)
{
    struct vkey other;

    (void)state;
    assert_int_equal(vkey_make(&other, "elsewhere/delivery", NOTE_ED25519,
                               &df.net.log_key.pub),
                     ERR_OK);
    make_policy(&df.directory_key, &other);
    assert_int_equal(witnesses_use(df.d.roster, &policy, "policy", &pb),
                     ERR_NOTFOUND);
    assert_int_equal(pb.id, P_TRUST);
    assert_non_null(strstr(pb.why, "this network's delivery log"));
    assert_false(fresh().by_witnesses);
}

static void
a_policy_that_is_forgotten_takes_its_heads_along(void **state)
{
    struct trust *t = NULL;
    struct trusted newest;

    (void)state;
    trusting();
    relay_gives_directory(7, now_s());
    assert_int_equal(witnesses_fetch(&df.d, &pb), ERR_OK);
    assert_int_equal(witnesses_forget(&df.app, &pb), ERR_OK);
    assert_false(fresh().by_witnesses);
    assert_int_equal(witnesses_forget(&df.app, &pb), ERR_NOTFOUND);
    trusting();
    assert_int_equal(witnesses_policy(&df.app, &t, &pb), ERR_OK);
    assert_int_equal(
        witnesses_newest(df.d.roster, t, LOG_DIRECTORY, &newest, &pb),
        ERR_NOTFOUND);
    trust_free(t);
    assert_int_equal(pb.id, P_NONE);
}

/* ---- sealing ---- */

static enum err
write_one(bool override)
{
    static const char text[] = "{\"text\":\"Good evening.\"}";
    struct compose c = {.to = df.net.mailboxes[THEY].id,
                        .type = 4,
                        .subject = "A word",
                        .override_stale = override};

    c.parts[3] = (struct span){text, sizeof(text) - 1};
    mail_clear(&m);
    return compose_packet(&df.d, &c, &m, &pb);
}

static void
a_connection_alone_does_not_make_it_fresh(void **state)
{
    (void)state;
    assert_int_equal(write_one(false), ERR_OK);
    assert_int_equal(m.stale_ms, 0);
    trusting();
    relay_gives_directory(7, now_s() - 8 * DAY_S);
    assert_int_equal(witnesses_fetch(&df.d, &pb), ERR_OK);
    assert_int_not_equal(write_one(false), ERR_OK);
    assert_int_equal(pb.id, P_STALE);
    memset(&pb, 0, sizeof(pb));
    assert_int_equal(write_one(true), ERR_OK);
    assert_true(m.stale_ms >= 8 * (uint64_t)DAY_S * 1000);
    relay_gives_directory(7, now_s());
    assert_int_equal(witnesses_fetch(&df.d, &pb), ERR_OK);
    assert_int_equal(write_one(true), ERR_OK);
    assert_int_equal(m.stale_ms, 0);
}

/* ---- receipts ---- */

static void
send_one(void)
{
    assert_int_equal(write_one(true), ERR_OK);
    assert_int_equal(outbox_send(&df.d, &m, &pb), ERR_OK);
    assert_int_equal(m.state, MAIL_STORED);
}

static void
a_receipt_gets_a_second_proof_and_stays_as_it_was(void **state)
{
    struct buf first = {0}, again = {0}, proof = {0};
    struct trust *t = NULL;
    struct trusted judged;
    struct refreshed what;
    struct receipt r;
    struct proof p;
    struct head h;

    (void)state;
    trusting();
    send_one();
    relay_say(EVENT_WARNED, 0, &m, clock_wall_ms());
    h = head_of(LOG_DELIVERY);
    relay_gives(LOG_DELIVERY, &h, 6, now_s());
    assert_int_equal(story_proof(&df.app, &m, &first, &pb), ERR_OK);
    assert_int_equal(refresh_proof(&df.app, &m, &proof, &pb), ERR_NOTFOUND);
    assert_int_equal(refresh_receipt(&df.d, &m, &what, &pb), ERR_OK);
    assert_int_equal(what.index, m.stored_index);
    assert_int_equal(what.size, relay.n);
    assert_true(what.by_policy);
    assert_int_equal(refresh_proof(&df.app, &m, &proof, &pb), ERR_OK);
    assert_int_equal(
        receipt_verify(proof.data, proof.len, &df.delivery_key, &r), ERR_OK);
    assert_true(id_eq(&r.event.packet, &m.id));
    assert_int_equal(r.head.size, relay.n);
    assert_int_equal(proof_parse(proof.data, proof.len, &p), ERR_OK);
    assert_int_equal(witnesses_policy(&df.app, &t, &pb), ERR_OK);
    assert_int_equal(trust_checkpoint(t, p.note, p.note_len, &judged), ERR_OK);
    assert_true(judged.quorum);
    trust_free(t);
    assert_int_equal(story_proof(&df.app, &m, &again, &pb), ERR_OK);
    assert_int_equal(first.len, again.len);
    assert_memory_equal(first.data, again.data, first.len);
    buf_clear(&first);
    buf_clear(&again);
    buf_clear(&proof);
}

static void
it_waits_while_no_cosigned_head_holds_the_entry(void **state)
{
    struct head before = head_of(LOG_DELIVERY);
    struct refreshed what;
    struct head h;

    (void)state;
    trusting();
    send_one();
    assert_int_equal(refresh_receipt(&df.d, &m, &what, &pb), ERR_EXPIRED);
    relay_gives(LOG_DELIVERY, &before, 7, now_s());
    assert_int_equal(refresh_receipt(&df.d, &m, &what, &pb), ERR_EXPIRED);
    h = head_of(LOG_DELIVERY);
    relay_gives(LOG_DELIVERY, &h, 1, now_s());
    assert_int_equal(refresh_receipt(&df.d, &m, &what, &pb), ERR_EXPIRED);
    assert_int_equal(pb.id, P_NONE);
    assert_int_equal(witnesses_forget(&df.app, &pb), ERR_OK);
    assert_int_equal(refresh_receipt(&df.d, &m, &what, &pb), ERR_OK);
    assert_false(what.by_policy);
}

static void
a_proof_that_leads_elsewhere_is_not_kept(void **state)
{
    struct refreshed what;
    struct buf proof = {0};
    struct head h;

    (void)state;
    trusting();
    send_one();
    h = head_of(LOG_DELIVERY);
    relay_gives(LOG_DELIVERY, &h, 7, now_s());
    relay.lie = LIE_NO_PROOF;
    assert_int_equal(refresh_receipt(&df.d, &m, &what, &pb), ERR_VERIFY);
    assert_int_equal(pb.id, P_VERIFY);
    memset(&pb, 0, sizeof(pb));
    assert_int_equal(refresh_proof(&df.app, &m, &proof, &pb), ERR_NOTFOUND);
}

int
main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(without_a_policy_nobody_is_asked),
        CASE(a_relay_without_witnesses_is_no_fault_and_not_fresh),
        CASE(a_head_that_enough_have_cosigned_makes_it_fresh),
        CASE(too_few_do_not_count),
        CASE(a_line_that_does_not_verify_spoils_what_it_stands_in),
        CASE(an_older_word_does_not_replace_a_newer_one),
        CASE(words_from_the_future_neither_count_nor_stay),
        CASE(leaves_that_witnesses_saw_and_we_not_are_hidden_from_us),
        CASE(a_cosigned_directory_that_is_not_ours_is_a_split_view),
        CASE(so_is_an_older_one_that_no_proof_joins),
        CASE(so_is_a_cosigned_delivery_log_of_others),
        CASE(a_head_under_another_key_is_told),
        CASE(a_policy_of_another_network_is_refused),
        CASE(a_policy_that_is_forgotten_takes_its_heads_along),
        CASE(a_connection_alone_does_not_make_it_fresh),
        CASE(a_receipt_gets_a_second_proof_and_stays_as_it_was),
        CASE(it_waits_while_no_cosigned_head_holds_the_entry),
        CASE(a_proof_that_leads_elsewhere_is_not_kept),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
