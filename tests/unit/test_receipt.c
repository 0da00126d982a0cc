#include "proto/receipt.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/bytes.h"

static struct sign_secret key;

static int
make_key(void **state)
{
    uint8_t seed[32] = {3};

    (void)state;
    assert_int_equal(crypto_init(), ERR_OK);
    sign_keypair_from_seed(&key, seed);
    return 0;
}

static struct rcpt
sound_rcpt(void)
{
    struct rcpt r = {.outcome = OUTCOME_OPENED,
                     .packet = {{1}},
                     .pkt_digest = {{2}},
                     .agency = {{3}},
                     .device = {{4}},
                     .prekey = {{5}},
                     .opened = {{6}},
                     .time_ms = 7,
                     .stored_index = 8,
                     .dlv = {.size = 9, .root = {{10}}, .sig = {{11}}}};

    return r;
}

static struct wdrw
sound_wdrw(void)
{
    struct wdrw w = {.reason = REASON_SENT_IN_ERROR,
                     .packet = {{1}},
                     .pkt_digest = {{2}},
                     .sender = {{3}},
                     .device = {{4}},
                     .time_ms = 5};

    return w;
}

static void
a_receipt_reads_back_and_verifies(void **state)
{
    struct rcpt r = sound_rcpt(), back;
    uint8_t b[RCPT_LEN], again[RCPT_LEN];

    (void)state;
    assert_int_equal(rcpt_sign(b, &r, &key), ERR_OK);
    assert_int_equal(rcpt_parse(&back, b, sizeof(b)), ERR_OK);
    assert_int_equal(rcpt_verify(b, &key.pub), ERR_OK);
    assert_int_equal(back.outcome, OUTCOME_OPENED);
    assert_int_equal(back.time_ms, 7);
    assert_int_equal(back.stored_index, 8);
    assert_int_equal(back.dlv.size, 9);
    assert_true(id_eq(&back.opened, &r.opened));
    assert_int_equal(rcpt_sign(again, &back, &key), ERR_OK);
    assert_memory_equal(again, b, sizeof(b));
}

static void
the_fields_of_a_receipt_stand_where_the_specification_says(void **state)
{
    static const size_t at[] = {20, 36, 68, 84, 100, 116};
    struct rcpt r = sound_rcpt();
    uint8_t b[RCPT_LEN];

    (void)state;
    r.outcome = OUTCOME_QUARANTINED;
    r.reason = REASON_POLICY;
    assert_int_equal(rcpt_sign(b, &r, &key), ERR_OK);
    assert_memory_equal(b, "sealpost/1/rcpt\0\x02\0\0\x05", 20);
    for (size_t i = 0; i < 6; i++)
        assert_int_equal(b[at[i]], i + 1);
    assert_int_equal(get_u64(b + 148), 7);
    assert_int_equal(get_u64(b + 156), 8);
    assert_int_equal(get_u64(b + 164), 9);
    assert_int_equal(b[172], 10);
    assert_int_equal(b[204], 11);
}

static void
the_fields_of_a_withdrawal_stand_where_the_specification_says(void **state)
{
    static const size_t at[] = {18, 34, 66, 82};
    struct wdrw w = sound_wdrw();
    uint8_t b[WDRW_LEN];

    (void)state;
    assert_int_equal(wdrw_sign(b, &w, &key), ERR_OK);
    assert_memory_equal(b, "sealpost/1/wdrw\0\0\x07", 18);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(b[at[i]], i + 1);
    assert_int_equal(get_u64(b + 98), 5);
}

static void
any_changed_byte_of_a_receipt_is_noticed(void **state)
{
    struct rcpt r = sound_rcpt(), out;
    uint8_t b[RCPT_LEN];

    (void)state;
    assert_int_equal(rcpt_sign(b, &r, &key), ERR_OK);
    for (size_t at = 0; at < sizeof(b); at++) {
        b[at] ^= 4;
        assert_true(rcpt_parse(&out, b, sizeof(b)) != ERR_OK ||
                    rcpt_verify(b, &key.pub) == ERR_VERIFY);
        b[at] ^= 4;
    }
}

static void
any_changed_byte_of_a_withdrawal_is_noticed(void **state)
{
    struct wdrw w = sound_wdrw(), out;
    uint8_t b[WDRW_LEN];

    (void)state;
    assert_int_equal(wdrw_sign(b, &w, &key), ERR_OK);
    assert_int_equal(wdrw_parse(&out, b, sizeof(b)), ERR_OK);
    assert_int_equal(wdrw_verify(b, &key.pub), ERR_OK);
    for (size_t at = 0; at < sizeof(b); at++) {
        b[at] ^= 4;
        assert_true(wdrw_parse(&out, b, sizeof(b)) != ERR_OK ||
                    wdrw_verify(b, &key.pub) == ERR_VERIFY);
        b[at] ^= 4;
    }
}

static void
every_other_length_is_refused(void **state)
{
    struct rcpt r = sound_rcpt(), r_out = {.outcome = 99};
    struct wdrw w = sound_wdrw(), w_out = {.reason = 99};
    uint8_t b[RCPT_LEN + 1] = {0};

    (void)state;
    assert_int_equal(rcpt_sign(b, &r, &key), ERR_OK);
    for (size_t n = 0; n <= RCPT_LEN + 1; n++)
        if (n != RCPT_LEN)
            assert_int_equal(rcpt_parse(&r_out, b, n), ERR_MALFORMED);
    assert_int_equal(wdrw_sign(b, &w, &key), ERR_OK);
    for (size_t n = 0; n <= WDRW_LEN + 1; n++)
        if (n != WDRW_LEN)
            assert_int_equal(wdrw_parse(&w_out, b, n), ERR_MALFORMED);
    assert_int_equal(r_out.outcome, 99);
    assert_int_equal(w_out.reason, 99);
}

static void
outcome_reason_and_proof_of_reading_go_together(void **state)
{
    /* outcome, reason, read; and whether that may be said. */
    static const struct {
        uint8_t outcome;
        uint16_t reason;
        bool read, good;
    } rows[] = {
        {OUTCOME_OPENED, REASON_NONE, true, true},
        {OUTCOME_OPENED, REASON_NONE, false, false},
        {OUTCOME_OPENED, REASON_POLICY, true, false},
        {OUTCOME_QUARANTINED, REASON_POLICY, true, true},
        {OUTCOME_QUARANTINED, REASON_MALFORMED, false, true},
        {OUTCOME_QUARANTINED, REASON_NONE, true, false},
        {OUTCOME_CANNOT_OPEN, REASON_UNDECRYPTABLE, false, true},
        {OUTCOME_CANNOT_OPEN, REASON_UNDECRYPTABLE, true, false},
        {OUTCOME_CANNOT_OPEN, REASON_SENT_IN_ERROR, false, false},
        {OUTCOME_CANNOT_OPEN, REASON_NO_LIVE_DEVICE, false, false},
        {OUTCOME_CANNOT_OPEN, 8, false, false},
        {OUTCOME_GONE, REASON_UNDECRYPTABLE, false, true},
        {OUTCOME_GONE, REASON_UNDECRYPTABLE, true, false},
        {0, REASON_POLICY, false, false},
        {5, REASON_POLICY, false, false},
    };
    uint8_t b[RCPT_LEN];

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct rcpt r = sound_rcpt();

        r.outcome = rows[i].outcome;
        r.reason = rows[i].reason;
        r.opened.b[0] = rows[i].read ? 1 : 0;
        assert_int_equal(rcpt_sign(b, &r, &key),
                         rows[i].good ? ERR_OK : ERR_MALFORMED);
    }
}

static void
the_reader_keeps_the_same_rules_as_the_writer(void **state)
{
    struct rcpt r = sound_rcpt();
    struct wdrw w = sound_wdrw();
    uint8_t b[RCPT_LEN];

    (void)state;
    assert_int_equal(rcpt_sign(b, &r, &key), ERR_OK);
    b[16] = 5;
    assert_int_equal(rcpt_parse(&r, b, RCPT_LEN), ERR_MALFORMED);
    b[16] = 1;
    b[17] = 1; /* reserved */
    assert_int_equal(rcpt_parse(&r, b, RCPT_LEN), ERR_MALFORMED);
    b[17] = 0;
    b[19] = REASON_POLICY;
    assert_int_equal(rcpt_parse(&r, b, RCPT_LEN), ERR_MALFORMED);
    assert_int_equal(wdrw_sign(b, &w, &key), ERR_OK);
    b[17] = REASON_UNDECRYPTABLE;
    assert_int_equal(wdrw_parse(&w, b, WDRW_LEN), ERR_MALFORMED);
    w.reason = REASON_UNDECRYPTABLE;
    assert_int_equal(wdrw_sign(b, &w, &key), ERR_MALFORMED);
}

static void
one_object_does_not_pass_for_the_other(void **state)
{
    struct rcpt r = sound_rcpt();
    struct wdrw out;
    uint8_t b[RCPT_LEN];

    (void)state;
    assert_int_equal(rcpt_sign(b, &r, &key), ERR_OK);
    assert_int_equal(wdrw_parse(&out, b, WDRW_LEN), ERR_MALFORMED);
    assert_int_equal(wdrw_verify(b, &key.pub), ERR_VERIFY);
}

static void
names_lead_back_to_numbers(void **state)
{
    uint16_t reason = 99;

    (void)state;
    for (unsigned i = 0; i < 20; i++) {
        const char *name = delivery_reason_name(i);

        if (name == NULL)
            continue;
        assert_int_equal(delivery_reason_by_name(name, &reason), ERR_OK);
        assert_int_equal(reason, i);
    }
    assert_int_equal(delivery_reason_by_name("because", &reason), ERR_NOTFOUND);
    assert_null(delivery_reason_name(8));
    assert_string_equal(outcome_name(OUTCOME_GONE), "gone");
    assert_null(outcome_name(0));
    assert_null(outcome_name(5));
}

static void
evidence_is_the_digest_of_all_bytes(void **state)
{
    struct hash a, b;

    (void)state;
    evidence_hash(&a, "abc", 3);
    sha256(&b, "abc", 3);
    assert_true(id_eq(&a, &b));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_receipt_reads_back_and_verifies),
        cmocka_unit_test(
            the_fields_of_a_receipt_stand_where_the_specification_says),
        cmocka_unit_test(
            the_fields_of_a_withdrawal_stand_where_the_specification_says),
        cmocka_unit_test(any_changed_byte_of_a_receipt_is_noticed),
        cmocka_unit_test(any_changed_byte_of_a_withdrawal_is_noticed),
        cmocka_unit_test(every_other_length_is_refused),
        cmocka_unit_test(outcome_reason_and_proof_of_reading_go_together),
        cmocka_unit_test(the_reader_keeps_the_same_rules_as_the_writer),
        cmocka_unit_test(one_object_does_not_pass_for_the_other),
        cmocka_unit_test(names_lead_back_to_numbers),
        cmocka_unit_test(evidence_is_the_digest_of_all_bytes),
    };

    return cmocka_run_group_tests(tests, make_key, NULL);
}
