#include "proto/statement.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/bytes.h"
#include "proto/limits.h"
#include "tests/lib/fail_alloc.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const uint8_t kinds[] = {
    STMT_POLICY, STMT_ADMIT,  STMT_SUSPEND, STMT_REROOT,  STMT_STOP_DEVICE,
    STMT_DEVICE, STMT_REVOKE, STMT_CANCEL,  STMT_MAILBOX,
};

/* Where the body's length stands. */
enum { BODY_AT = 16 + 1 + 8 + 32 + 8 + 16 };

static struct sign_key sample_keys[3];
static struct device_id sample_devices[3];
static struct sign_secret root, other;
static struct hash network;

static int
setup(void **state)
{
    uint8_t seed[32] = {1};

    (void)state;
    assert_int_equal(crypto_init(), ERR_OK);
    sign_keypair_from_seed(&root, seed);
    seed[0] = 2;
    sign_keypair_from_seed(&other, seed);
    memset(network.b, 0xaa, sizeof(network.b));
    for (unsigned i = 0; i < 3; i++) {
        memset(sample_keys[i].b, (int)(i + 1), 32);
        memset(sample_devices[i].b, (int)(3 - i), 16); /* descending */
    }
    return 0;
}

static struct statement
sample(uint8_t kind)
{
    struct statement st = {.kind = kind, .seq = 7, .time_s = 1790000000};

    memset(st.prev.b, 5, sizeof(st.prev.b));
    memset(st.issuer.b, 6, sizeof(st.issuer.b));
    switch (kind) {
    case STMT_POLICY:
        st.body.policy = (struct stmt_policy){
            .min_suite = 2,
            .k = 2,
            .n = 3,
            .keys = sample_keys,
            .relay_name = text_ref("relay.test"),
            .delivery_origin = text_ref("relay.test/delivery"),
            .directory_origin = text_ref("relay.test/directory"),
            .old_size = 9,
            .retention_days = 400,
        };
        break;
    case STMT_ADMIT:
        st.body.admit = (struct stmt_admit){
            .root = root.pub,
            .class = CLASS_PARTNER,
            .country = {'A', 'T'},
            .capabilities = 3,
            .name = text_ref("Zuflucht e.V."),
            .services = text_ref("shelter\nlegal advice\n"),
        };
        break;
    case STMT_SUSPEND:
        st.body.suspend.state = 1;
        break;
    case STMT_REROOT:
        st.body.reroot.root = root.pub;
        st.body.reroot.effective_s = 1790500000;
        break;
    case STMT_STOP_DEVICE:
        st.body.stop_device.since_s = 1789000000;
        break;
    case STMT_DEVICE:
        st.body.device = (struct stmt_device){.sign_key = root.pub,
                                              .not_after_s = 1800000000,
                                              .label = text_ref("desk 1")};
        break;
    case STMT_REVOKE:
        st.body.revoke.reason = REVOKE_STOLEN;
        st.body.revoke.since_s = 1789000000;
        break;
    case STMT_CANCEL:
        st.body.cancel.statement = network;
        break;
    case STMT_MAILBOX:
        st.body.mailbox = (struct stmt_mailbox){
            .mailbox = {{1}},
            .state = MAILBOX_OPEN,
            .label = text_ref("intake"),
            .purposes = 5,
            .contact = text_ref("+43 1 000\nnights"),
            .n = 3,
            .devices = sample_devices,
        };
        break;
    default:
        break;
    }
    return st;
}

static void
build(struct buf *b, uint8_t kind)
{
    struct statement st = sample(kind);

    assert_int_equal(stmt_build(b, &st), ERR_OK);
}

static void
every_kind_survives_building_and_parsing(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(kinds); i++) {
        struct buf b = {0}, again = {0};
        struct statement st;

        build(&b, kinds[i]);
        assert_int_equal(stmt_parse(&st, b.data, b.len), ERR_OK);
        assert_int_equal(st.kind, kinds[i]);
        assert_true(st.seq == 7 && st.time_s == 1790000000);
        assert_int_equal(st.n_sig, 0);
        assert_int_equal(st.signed_len, b.len - 1);
        assert_int_equal(stmt_build(&again, &st), ERR_OK);
        assert_int_equal(again.len, b.len);
        assert_memory_equal(again.data, b.data, b.len);
        assert_non_null(stmt_kind_info(kinds[i]));
        buf_clear(&b);
        buf_clear(&again);
    }
}

static void
mailbox_devices_are_sorted_when_built(void **state)
{
    struct buf b = {0};
    struct statement st;

    (void)state;
    build(&b, STMT_MAILBOX);
    assert_int_equal(stmt_parse(&st, b.data, b.len), ERR_OK);
    assert_int_equal(st.body.mailbox.n, 3);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(st.body.mailbox.devices[i].b[0], i + 1);
    buf_clear(&b);
}

static void
a_statement_cut_or_continued_anywhere_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(kinds); i++) {
        struct buf b = {0};
        struct statement st;

        build(&b, kinds[i]);
        assert_int_equal(stmt_sign(&b, &root), ERR_OK);
        for (size_t len = 0; len < b.len; len++) {
            uint8_t *exact = malloc(len + 1); /* over-reads show here */

            assert_non_null(exact);
            memcpy(exact, b.data, len);
            assert_int_equal(stmt_parse(&st, exact, len), ERR_MALFORMED);
            free(exact);
        }
        buf_u8(&b, 0);
        assert_int_equal(stmt_parse(&st, b.data, b.len), ERR_MALFORMED);
        buf_clear(&b);
    }
}

/* The statement of KIND with its body CHANGE bytes longer (zeros) or one
 * shorter, lengths made to fit. */
static void
with_body_length(struct buf *out, uint8_t kind, int change)
{
    struct buf b = {0};
    size_t body_len;

    build(&b, kind);
    body_len = b.len - 1 - (BODY_AT + 2);
    buf_put(out, b.data, BODY_AT);
    buf_u16(out, (uint16_t)((int)body_len + change));
    if (change < 0) {
        buf_put(out, b.data + BODY_AT + 2, body_len - 1);
    } else {
        buf_put(out, b.data + BODY_AT + 2, body_len);
        buf_zeros(out, (size_t)change);
    }
    buf_u8(out, 0);
    buf_clear(&b);
}

static void
a_body_one_short_or_one_long_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(kinds); i++) {
        for (int change = -1; change <= 1; change++) {
            struct buf b = {0};
            struct statement st;

            with_body_length(&b, kinds[i], change);
            assert_int_equal(stmt_parse(&st, b.data, b.len),
                             change == 0 ? ERR_OK : ERR_MALFORMED);
            buf_clear(&b);
        }
    }
}

static void
an_unknown_kind_parses_with_its_body_unread(void **state)
{
    struct buf b = {0};
    struct statement st;

    (void)state;
    build(&b, STMT_CANCEL);
    b.data[16] = 99;
    assert_int_equal(stmt_parse(&st, b.data, b.len), ERR_OK);
    assert_int_equal(st.body_len, 32);
    assert_null(stmt_kind_info(99));
    b.data[16] = 0;
    assert_int_equal(stmt_parse(&st, b.data, b.len), ERR_MALFORMED);
    buf_clear(&b);
}

static void
signatures_stand_ascending_whatever_their_order(void **state)
{
    struct buf b = {0}, c = {0};
    struct statement st;

    (void)state;
    build(&b, STMT_SUSPEND);
    build(&c, STMT_SUSPEND);
    assert_int_equal(stmt_sign(&b, &root), ERR_OK);
    assert_int_equal(stmt_sign(&b, &other), ERR_OK);
    assert_int_equal(stmt_sign(&c, &other), ERR_OK);
    assert_int_equal(stmt_sign(&c, &root), ERR_OK);
    assert_int_equal(b.len, c.len);
    assert_memory_equal(b.data, c.data, b.len);
    assert_int_equal(stmt_sign(&b, &root), ERR_EXISTS);
    assert_int_equal(stmt_parse(&st, b.data, b.len), ERR_OK);
    assert_int_equal(st.n_sig, 2);
    for (unsigned i = 0; i < 2; i++) {
        bool by_root = stmt_sig_check(&st, i, &root.pub) == ERR_OK;
        bool by_other = stmt_sig_check(&st, i, &other.pub) == ERR_OK;

        assert_true(by_root != by_other);
    }
    buf_clear(&b);
    buf_clear(&c);
}

static void
unordered_or_double_signatures_are_refused(void **state)
{
    struct buf b = {0};
    struct statement st;
    uint8_t first[80], second[80];
    size_t at;

    (void)state;
    build(&b, STMT_SUSPEND);
    at = b.len;
    assert_int_equal(stmt_sign(&b, &root), ERR_OK);
    assert_int_equal(stmt_sign(&b, &other), ERR_OK);
    memcpy(first, b.data + at, 80);
    memcpy(second, b.data + at + 80, 80);
    memcpy(b.data + at, second, 80);
    memcpy(b.data + at + 80, first, 80);
    assert_int_equal(stmt_parse(&st, b.data, b.len), ERR_MALFORMED);
    memcpy(b.data + at, first, 80);
    assert_int_equal(stmt_parse(&st, b.data, b.len), ERR_MALFORMED);
    buf_clear(&b);
}

static void
no_more_signatures_than_the_limit(void **state)
{
    struct buf b = {0};
    struct sign_secret key;
    uint8_t seed[32] = {9};

    (void)state;
    build(&b, STMT_SUSPEND);
    for (unsigned i = 0; i <= LIMIT_SIGNATURES; i++) {
        seed[1] = (uint8_t)i;
        sign_keypair_from_seed(&key, seed);
        assert_int_equal(stmt_sign(&b, &key),
                         i < LIMIT_SIGNATURES ? ERR_OK : ERR_FULL);
    }
    buf_clear(&b);
}

static void
any_flipped_bit_breaks_the_signature_or_the_form(void **state)
{
    struct buf b = {0};
    struct statement st;

    (void)state;
    build(&b, STMT_REVOKE);
    assert_int_equal(stmt_sign(&b, &root), ERR_OK);
    for (size_t i = 0; i < b.len; i++) {
        b.data[i] ^= 0x10;
        if (stmt_parse(&st, b.data, b.len) == ERR_OK && st.n_sig == 1)
            assert_int_equal(stmt_sig_check(&st, 0, &root.pub), ERR_VERIFY);
        b.data[i] ^= 0x10;
    }
    assert_int_equal(stmt_parse(&st, b.data, b.len), ERR_OK);
    assert_int_equal(stmt_sig_check(&st, 0, &root.pub), ERR_OK);
    buf_clear(&b);
}

static void
text_fields_fit_at_their_limit_and_not_above(void **state)
{
    static char long_text[LIMIT_SERVICES + 2];
    static const struct {
        uint8_t kind;
        size_t max;
    } fields[] = {
        {STMT_ADMIT, LIMIT_AGENCY_NAME}, {STMT_ADMIT, LIMIT_SERVICES},
        {STMT_DEVICE, LIMIT_LABEL},      {STMT_MAILBOX, LIMIT_LABEL},
        {STMT_MAILBOX, LIMIT_CONTACT},   {STMT_POLICY, LIMIT_RELAY_NAME},
        {STMT_POLICY, LIMIT_ORIGIN},     {STMT_POLICY, LIMIT_ORIGIN},
    };

    (void)state;
    memset(long_text, 'x', sizeof(long_text));
    for (size_t i = 0; i < COUNT(fields); i++) {
        struct statement st = sample(fields[i].kind);
        struct text_ref *where[] = {
            &st.body.admit.name,
            &st.body.admit.services,
            &st.body.device.label,
            &st.body.mailbox.label,
            &st.body.mailbox.contact,
            &st.body.policy.relay_name,
            &st.body.policy.delivery_origin,
            &st.body.policy.directory_origin,
        };
        struct buf b = {0};

        *where[i] = (struct text_ref){long_text, fields[i].max};
        assert_int_equal(stmt_build(&b, &st), ERR_OK);
        where[i]->len++;
        buf_reset(&b);
        assert_int_equal(stmt_build(&b, &st), ERR_MALFORMED);
        assert_int_equal(b.len, 0);
        buf_clear(&b);
    }
}

struct wrong {
    uint8_t kind;
    void (*spoil)(struct statement *st);
};

static void
k_is_zero(struct statement *st)
{
    st->body.policy.k = 0;
}
static void
k_above_n(struct statement *st)
{
    st->body.policy.k = 4;
}
static void
no_retention(struct statement *st)
{
    st->body.policy.retention_days = 0;
}
static void
same_origins(struct statement *st)
{
    st->body.policy.directory_origin = st->body.policy.delivery_origin;
}
static void
origin_with_plus(struct statement *st)
{
    st->body.policy.delivery_origin = text_ref("a+b");
}
static void
class_zero(struct statement *st)
{
    st->body.admit.class = 0;
}
static void
class_six(struct statement *st)
{
    st->body.admit.class = 6;
}
static void
small_country(struct statement *st)
{
    st->body.admit.country[1] = 't';
}
static void
name_empty(struct statement *st)
{
    st->body.admit.name = text_ref("");
}
static void
name_bidi(struct statement *st)
{
    st->body.admit.name = text_ref("Polizei \xe2\x80\xae"
                                   "xyz");
}
static void
state_two(struct statement *st)
{
    st->body.suspend.state = 2;
}
static void
reason_zero(struct statement *st)
{
    st->body.revoke.reason = 0;
}
static void
reason_five(struct statement *st)
{
    st->body.revoke.reason = 5;
}
static void
time_far(struct statement *st)
{
    st->body.device.not_after_s = LIMIT_TIME_S + 1;
}
static void
mailbox_zero(struct statement *st)
{
    memset(&st->body.mailbox.mailbox, 0, 16);
}
static void
own_deputy(struct statement *st)
{
    st->body.mailbox.deputy = st->body.mailbox.mailbox;
}
static void
open_twice(struct statement *st)
{
    st->body.mailbox.state = 2;
}
static void
device_twice(struct statement *st)
{
    static struct device_id twice[2] = {{{4}}, {{4}}};

    st->body.mailbox.n = 2;
    st->body.mailbox.devices = twice;
}
static void
key_twice(struct statement *st)
{
    static struct sign_key twice[3] = {{{4}}, {{5}}, {{4}}};

    st->body.policy.keys = twice;
}

static void
values_outside_their_range_are_refused(void **state)
{
    static const struct wrong wrongs[] = {
        {STMT_POLICY, k_is_zero},     {STMT_POLICY, k_above_n},
        {STMT_POLICY, no_retention},  {STMT_POLICY, same_origins},
        {STMT_POLICY, key_twice},     {STMT_POLICY, origin_with_plus},
        {STMT_ADMIT, class_zero},     {STMT_ADMIT, class_six},
        {STMT_ADMIT, small_country},  {STMT_ADMIT, name_empty},
        {STMT_ADMIT, name_bidi},      {STMT_SUSPEND, state_two},
        {STMT_REVOKE, reason_zero},   {STMT_REVOKE, reason_five},
        {STMT_DEVICE, time_far},      {STMT_MAILBOX, mailbox_zero},
        {STMT_MAILBOX, own_deputy},   {STMT_MAILBOX, open_twice},
        {STMT_MAILBOX, device_twice},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(wrongs); i++) {
        struct statement st = sample(wrongs[i].kind);
        struct buf b = {0};

        wrongs[i].spoil(&st);
        assert_int_equal(stmt_build(&b, &st), ERR_MALFORMED);
        buf_clear(&b);
    }
}

static void
possession_is_of_one_key_agency_and_network(void **state)
{
    static const uint8_t with_pop[] = {STMT_ADMIT, STMT_REROOT, STMT_DEVICE};

    (void)state;
    for (size_t i = 0; i < COUNT(with_pop); i++) {
        struct statement st = sample(with_pop[i]), got;
        struct hash elsewhere = network;
        struct buf b = {0};

        elsewhere.b[0] ^= 1;
        assert_int_equal(stmt_pop_make(&st, &other, &network), ERR_STATE);
        assert_int_equal(stmt_pop_make(&st, &root, &network), ERR_OK);
        assert_int_equal(stmt_build(&b, &st), ERR_OK);
        assert_int_equal(stmt_parse(&got, b.data, b.len), ERR_OK);
        assert_int_equal(stmt_pop_check(&got, &network), ERR_OK);
        assert_int_equal(stmt_pop_check(&got, &elsewhere), ERR_VERIFY);
        got.issuer.b[0] ^= 1;
        got.body.reroot.agency.b[0] ^= (uint8_t)(got.kind == STMT_REROOT);
        assert_int_equal(stmt_pop_check(&got, &network),
                         got.kind == STMT_ADMIT ? ERR_OK : ERR_VERIFY);
        buf_clear(&b);
    }
}

static void
a_registrar_may_change_class_and_name_without_the_root(void **state)
{
    struct statement st = sample(STMT_ADMIT), got;
    struct buf b = {0};

    (void)state;
    assert_int_equal(stmt_pop_make(&st, &root, &network), ERR_OK);
    st.body.admit.class = CLASS_STATUTORY;
    st.body.admit.name = text_ref("Another name");
    assert_int_equal(stmt_build(&b, &st), ERR_OK);
    assert_int_equal(stmt_parse(&got, b.data, b.len), ERR_OK);
    assert_int_equal(stmt_pop_check(&got, &network), ERR_OK);
    buf_clear(&b);
}

static void
ids_agree_with_an_independent_computation(void **state)
{
    struct sign_key key;
    uint8_t id[16];
    char hex[33];

    (void)state;
    for (unsigned i = 0; i < 32; i++)
        key.b[i] = (uint8_t)i;
    key_id(id, &key);
    hex_encode(hex, id, 16);
    assert_string_equal(
        hex, "0c8324f5c083b2821b6f6aca4655c647"); /* Python hashlib */
}

static void
lines_for_people_hide_nothing(void **state)
{
    static const char *const good[] = {
        "a", "Zuflucht K\xc3\xb6ln",
        "\xd8\xaf\xd8\xb1 \xd9\x85\xdb\x8c\xe2\x80\x8c",
        "\xf0\x9f\x8f\xa0 home", "a/b (c)"};
    static const char *const bad[] = {"",
                                      " a",
                                      "a ",
                                      "a\nb",
                                      "a\x7f",
                                      "\xc3",
                                      "\xc0\xaf",
                                      "\xed\xa0\x80",
                                      "\xf4\x90\x80\x80",
                                      "a\xe2\x80\x8e"
                                      "b",
                                      "\xef\xbb\xbf"
                                      "a",
                                      "a\xe2\x80\xa8"
                                      "b",
                                      "a\xc2\x85"
                                      "b",
                                      "a\xe2\x81\xa6"
                                      "b"};

    (void)state;
    for (size_t i = 0; i < COUNT(good); i++)
        assert_true(text_is_line(text_ref(good[i]), 80));
    for (size_t i = 0; i < COUNT(bad); i++)
        assert_false(text_is_line(text_ref(bad[i]), 80));
    assert_true(text_is_lines(text_ref("a\nb\n"), 80));
    assert_true(text_is_lines(text_ref(""), 80));
    assert_false(text_is_lines(text_ref("a\rb"), 80));
    assert_false(text_is_line(text_ref("abc"), 2));
}

static void
a_bundle_gives_its_statements_in_order(void **state)
{
    struct buf b = {0};
    struct stmt_bundle bundle;
    struct statement st;
    const uint8_t *bytes;
    size_t len, n = 0;

    (void)state;
    stmt_bundle_start(&b);
    for (size_t i = 0; i < COUNT(kinds); i++) {
        struct buf one = {0};

        build(&one, kinds[i]);
        assert_int_equal(stmt_bundle_add(&b, one.data, one.len), ERR_OK);
        buf_clear(&one);
    }
    assert_int_equal(stmt_bundle_open(&bundle, b.data, b.len), ERR_OK);
    while (stmt_bundle_next(&bundle, &bytes, &len)) {
        assert_int_equal(stmt_parse(&st, bytes, len), ERR_OK);
        assert_int_equal(st.kind, kinds[n++]);
    }
    assert_int_equal(n, COUNT(kinds));
    assert_int_equal(stmt_bundle_open(&bundle, b.data, b.len - 1),
                     ERR_MALFORMED);
    buf_u8(&b, 0);
    assert_int_equal(stmt_bundle_open(&bundle, b.data, b.len), ERR_MALFORMED);
    buf_clear(&b);
}

static void
out_of_memory_leaves_the_buffer_as_it_was(void **state)
{
    (void)state;
    for (unsigned long n = 0;; n++) {
        struct statement st = sample(STMT_ADMIT);
        struct buf b = {0};
        enum err rc;

        fail_alloc_at(n);
        rc = stmt_pop_make(&st, &root, &network);
        if (rc == ERR_OK)
            rc = stmt_build(&b, &st);
        if (rc == ERR_OK)
            rc = stmt_sign(&b, &root);
        if (!fail_alloc_off()) {
            assert_int_equal(rc, ERR_OK);
            buf_clear(&b);
            break;
        }
        assert_int_equal(rc, ERR_NOMEM);
        buf_clear(&b);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_survives_building_and_parsing),
        cmocka_unit_test(mailbox_devices_are_sorted_when_built),
        cmocka_unit_test(a_statement_cut_or_continued_anywhere_is_refused),
        cmocka_unit_test(a_body_one_short_or_one_long_is_refused),
        cmocka_unit_test(an_unknown_kind_parses_with_its_body_unread),
        cmocka_unit_test(signatures_stand_ascending_whatever_their_order),
        cmocka_unit_test(unordered_or_double_signatures_are_refused),
        cmocka_unit_test(no_more_signatures_than_the_limit),
        cmocka_unit_test(any_flipped_bit_breaks_the_signature_or_the_form),
        cmocka_unit_test(text_fields_fit_at_their_limit_and_not_above),
        cmocka_unit_test(values_outside_their_range_are_refused),
        cmocka_unit_test(possession_is_of_one_key_agency_and_network),
        cmocka_unit_test(
            a_registrar_may_change_class_and_name_without_the_root),
        cmocka_unit_test(ids_agree_with_an_independent_computation),
        cmocka_unit_test(lines_for_people_hide_nothing),
        cmocka_unit_test(a_bundle_gives_its_statements_in_order),
        cmocka_unit_test(out_of_memory_leaves_the_buffer_as_it_was),
    };

    return cmocka_run_group_tests(tests, setup, NULL);
}
