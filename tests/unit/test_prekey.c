#include "proto/prekey.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "common/bytes.h"

#define NOW UINT64_C(1767225600)
#define DAYS(n) ((uint64_t)(n)*PREKEY_DAY_S)

static struct sign_secret key;
static const struct device_id device = {{1, 2, 3}};
static const uint8_t seed[32] = {4};

static int
make_key(void **state)
{
    uint8_t sign_seed[32] = {3};

    (void)state;
    assert_int_equal(crypto_init(), ERR_OK);
    sign_keypair_from_seed(&key, sign_seed);
    return 0;
}

static void
a_prekey_reads_back_and_verifies(void **state)
{
    uint8_t b[PREKEY_LEN];
    struct prekey says, back;
    struct kem_key pub;

    (void)state;
    assert_int_equal(prekey_make(b, &says, &device, seed, NOW, &key), ERR_OK);
    assert_int_equal(prekey_parse(&back, b, sizeof(b)), ERR_OK);
    assert_int_equal(prekey_verify(b, &key.pub), ERR_OK);
    assert_int_equal(back.kind, PREKEY_MEDIUM);
    assert_true(id_eq(&back.device, &device));
    assert_int_equal(back.not_before, NOW);
    assert_int_equal(back.not_after, NOW + DAYS(45));
    assert_true(id_eq(&back.id, &says.id));
    kem_keypair(&pub, seed);
    assert_true(id_eq(&back.key, &pub));
    assert_int_equal(prekey_make(b, NULL, &device, seed, NOW, &key), ERR_OK);
}

static void
fields_stand_where_the_specification_says(void **state)
{
    uint8_t b[PREKEY_LEN];
    struct prekey pk;
    struct hash h;

    (void)state;
    assert_int_equal(prekey_make(b, &pk, &device, seed, NOW, &key), ERR_OK);
    assert_memory_equal(b, "sealpost/1/prekey\0\x02\0", 20);
    assert_memory_equal(b + 20, device.b, 16);
    assert_int_equal(get_u64(b + 36), NOW);
    assert_int_equal(get_u64(b + 44), NOW + DAYS(45));
    assert_int_equal(get_u16(b + 52), 1216);
    assert_memory_equal(b + 54, pk.key.b, 1216);
    sha256(&h, b, sizeof(b));
    assert_memory_equal(pk.id.b, h.b, 16);
}

static void
any_changed_byte_is_noticed(void **state)
{
    uint8_t b[PREKEY_LEN];
    struct prekey out;

    (void)state;
    assert_int_equal(prekey_make(b, NULL, &device, seed, NOW, &key), ERR_OK);
    for (size_t at = 0; at < sizeof(b); at++) {
        b[at] ^= 8;
        assert_true(prekey_parse(&out, b, sizeof(b)) != ERR_OK ||
                    prekey_verify(b, &key.pub) == ERR_VERIFY);
        b[at] ^= 8;
    }
}

static void
every_other_length_is_refused(void **state)
{
    uint8_t b[PREKEY_LEN + 1] = {0};
    struct prekey out = {.kind = 99};

    (void)state;
    assert_int_equal(prekey_make(b, NULL, &device, seed, NOW, &key), ERR_OK);
    for (size_t n = 0; n <= PREKEY_LEN + 1; n++)
        if (n != PREKEY_LEN)
            assert_int_equal(prekey_parse(&out, b, n), ERR_MALFORMED);
    assert_int_equal(out.kind, 99);
}

static void
kind_suite_and_length_are_checked(void **state)
{
    uint8_t b[PREKEY_LEN];
    struct prekey out;

    (void)state;
    assert_int_equal(prekey_make(b, NULL, &device, seed, NOW, &key), ERR_OK);
    b[18] = 1;
    assert_int_equal(prekey_parse(&out, b, sizeof(b)), ERR_VERSION);
    b[18] = 2;
    b[19] = PREKEY_ONE_TIME;
    assert_int_equal(prekey_parse(&out, b, sizeof(b)), ERR_OK);
    b[19] = 2;
    assert_int_equal(prekey_parse(&out, b, sizeof(b)), ERR_MALFORMED);
    b[19] = 0;
    put_u16(b + 52, 1215);
    assert_int_equal(prekey_parse(&out, b, sizeof(b)), ERR_MALFORMED);
}

static void
it_is_valid_for_45_days_at_most(void **state)
{
    struct prekey pk = {.not_before = NOW, .not_after = NOW + DAYS(45) + 1};
    uint8_t b[PREKEY_LEN];

    (void)state;
    assert_int_equal(prekey_sign(b, &pk, &key), ERR_MALFORMED);
    pk.not_after = NOW;
    assert_int_equal(prekey_sign(b, &pk, &key), ERR_MALFORMED);
    pk.not_after = NOW - 1;
    assert_int_equal(prekey_sign(b, &pk, &key), ERR_MALFORMED);
    pk.not_after = NOW + DAYS(45);
    assert_int_equal(prekey_sign(b, &pk, &key), ERR_OK);
    put_u64(b + 44, NOW + DAYS(45) + 1);
    assert_int_equal(prekey_parse(&pk, b, sizeof(b)), ERR_MALFORMED);
    put_u64(b + 44, 0);
    assert_int_equal(prekey_parse(&pk, b, sizeof(b)), ERR_MALFORMED);
    put_u64(b + 44, UINT64_MAX);
    assert_int_equal(prekey_parse(&pk, b, sizeof(b)), ERR_MALFORMED);
}

static void
another_device_cannot_speak_for_it(void **state)
{
    struct sign_secret other;
    uint8_t other_seed[32] = {77}, b[PREKEY_LEN];

    (void)state;
    sign_keypair_from_seed(&other, other_seed);
    assert_int_equal(prekey_make(b, NULL, &device, seed, NOW, &other), ERR_OK);
    assert_int_equal(prekey_verify(b, &key.pub), ERR_VERIFY);
}

static void
a_sender_warns_above_14_days_and_refuses_after_the_end(void **state)
{
    static const struct {
        uint64_t from, to, now;
        enum prekey_age age;
    } rows[] = {
        {NOW, NOW + DAYS(45), NOW, PREKEY_FRESH},
        {NOW, NOW + DAYS(45), NOW + DAYS(14), PREKEY_FRESH},
        {NOW, NOW + DAYS(45), NOW + DAYS(14) + 1, PREKEY_OLD},
        {NOW, NOW + DAYS(45), NOW + DAYS(45) - 1, PREKEY_OLD},
        {NOW, NOW + DAYS(45), NOW + DAYS(45), PREKEY_EXPIRED},
        {NOW, NOW + DAYS(1), NOW + DAYS(2), PREKEY_EXPIRED},
        {NOW, NOW + DAYS(45), NOW - DAYS(2), PREKEY_FRESH},
        {NOW, NOW + DAYS(45), NOW - DAYS(2) - 1, PREKEY_NOT_YET},
        {NOW, NOW + DAYS(45), 0, PREKEY_NOT_YET},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        enum prekey_age age = prekey_age(rows[i].from, rows[i].to, rows[i].now);

        assert_int_equal(age, rows[i].age);
        assert_int_equal(
            prekey_is_usable(rows[i].from, rows[i].to, rows[i].now),
            age == PREKEY_FRESH || age == PREKEY_OLD);
    }
}

static void
a_new_one_is_due_every_seven_days(void **state)
{
    (void)state;
    assert_true(prekey_renew_is_due(0, NOW));
    assert_false(prekey_renew_is_due(NOW, NOW));
    assert_false(prekey_renew_is_due(NOW, NOW + DAYS(7) - 1));
    assert_true(prekey_renew_is_due(NOW, NOW + DAYS(7)));
    assert_false(prekey_renew_is_due(NOW + 5, NOW)); /* clock set back */
}

static void
a_seed_is_destroyed_at_the_earlier_of_both_dates(void **state)
{
    uint64_t end = NOW + DAYS(45);

    (void)state;
    assert_int_equal(prekey_destroy_at(0, end), end + DAYS(32));
    assert_int_equal(prekey_destroy_at(NOW + DAYS(7), end), NOW + DAYS(46));
    assert_int_equal(prekey_destroy_at(NOW + DAYS(38), end), NOW + DAYS(77));
    assert_int_equal(prekey_destroy_at(NOW + DAYS(60), end), end + DAYS(32));
    assert_int_equal(prekey_destroy_at(UINT64_MAX, UINT64_MAX), UINT64_MAX);
}

static void
a_superseded_seed_outlives_every_packet_sealed_to_it(void **state)
{
    /* Sealed on the last day before a client sees the successor: it lives 30
     * days and an hour at most, the seed 39 days. */
    uint64_t superseded = NOW + DAYS(7);

    (void)state;
    assert_true(prekey_destroy_at(superseded, NOW + DAYS(45)) >
                superseded + DAYS(7) + DAYS(30) + 3600);
    assert_true(prekey_destroy_at(0, NOW + DAYS(45)) >
                NOW + DAYS(45) + DAYS(30) + 3600);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_prekey_reads_back_and_verifies),
        cmocka_unit_test(fields_stand_where_the_specification_says),
        cmocka_unit_test(any_changed_byte_is_noticed),
        cmocka_unit_test(every_other_length_is_refused),
        cmocka_unit_test(kind_suite_and_length_are_checked),
        cmocka_unit_test(it_is_valid_for_45_days_at_most),
        cmocka_unit_test(another_device_cannot_speak_for_it),
        cmocka_unit_test(
            a_sender_warns_above_14_days_and_refuses_after_the_end),
        cmocka_unit_test(a_new_one_is_due_every_seven_days),
        cmocka_unit_test(a_seed_is_destroyed_at_the_earlier_of_both_dates),
        cmocka_unit_test(a_superseded_seed_outlives_every_packet_sealed_to_it),
    };

    return cmocka_run_group_tests(tests, make_key, NULL);
}
