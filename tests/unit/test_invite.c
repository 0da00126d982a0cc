#include "proto/invite.h"

#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/lib/fail_alloc.h"
#include "tests/lib/net.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* From an independent computation (Python hashlib, base64). */
static const char known_invite[] =
    "sealpost1-aeirceirceirceirceirceirceirceirceirceirceirceirceircirceirc"
    "eirceirceirceirceirceirceirceirceirceirceircgmztgmztgmztgmztgmztgmztgm"
    "aaaaaankytxaakojswyylzfz2gk43ubzzgk3dbpexhizltoq5dinbtiyfsm5a";
static const char known_card[] =
    "-----BEGIN SEALPOST RELAY CARD-----\n"
    "name: relay.test\n"
    "transport-key: eirceirceirceirceirceirceirceirceirceirceirceirceira\n"
    "log-key: irceirceirceirceirceirceirceirceirceirceirceirceirca\n"
    "delivery-origin: relay.test/delivery\n"
    "directory-origin: relay.test/directory\n"
    "address: relay.test:443\n"
    "check: BJZ7-570W\n"
    "-----END SEALPOST RELAY CARD-----\n";

static struct invite invite;
static struct relay_card card;
static struct net net;

static int
setup(void **state)
{
    (void)state;
    net_init(&net);
    memset(invite.network_id.b, 0x11, 32);
    memset(invite.relay_key.b, 0x22, 32);
    memset(invite.code, 0x33, 16);
    invite.expiry_s = NET_TIME;
    strcpy(invite.relay_name, "relay.test");
    strcpy(invite.address, "relay.test:443");
    strcpy(card.name, "relay.test");
    memset(card.transport_key.b, 0x22, 32);
    memset(card.log_key.b, 0x44, 32);
    strcpy(card.delivery_origin, "relay.test/delivery");
    strcpy(card.directory_origin, "relay.test/directory");
    strcpy(card.address, "relay.test:443");
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    net_clear(&net);
    return 0;
}

/* ---- invite ---- */

static char *
invite_text(const struct invite *inv)
{
    struct buf b = {0};
    char *text;

    assert_int_equal(invite_make(&b, inv), ERR_OK);
    buf_u8(&b, 0);
    assert_int_equal(buf_status(&b), ERR_OK);
    text = strdup((const char *)b.data);
    assert_non_null(text);
    buf_clear(&b);
    return text;
}

static void
an_invite_agrees_with_an_independent_computation(void **state)
{
    char *text = invite_text(&invite);

    (void)state;
    assert_string_equal(text, known_invite);
    free(text);
}

static void
an_invite_comes_back_as_it_was(void **state)
{
    struct invite got;

    (void)state;
    assert_int_equal(invite_parse(&got, known_invite, NET_TIME - 1), ERR_OK);
    assert_memory_equal(got.network_id.b, invite.network_id.b, 32);
    assert_memory_equal(got.relay_key.b, invite.relay_key.b, 32);
    assert_memory_equal(got.code, invite.code, 16);
    assert_true(got.expiry_s == NET_TIME);
    assert_string_equal(got.relay_name, "relay.test");
    assert_string_equal(got.address, "relay.test:443");
}

static void
folded_lines_and_capitals_are_forgiven(void **state)
{
    char text[1024];
    size_t n = 0;
    struct invite got;

    (void)state;
    for (const char *p = known_invite; *p != '\0'; p++) {
        text[n++] = (char)toupper((unsigned char)*p);
        if (n % 40 == 0) {
            text[n++] = '\r';
            text[n++] = '\n';
        }
    }
    text[n] = '\0';
    assert_int_equal(invite_parse(&got, text, 0), ERR_OK);
    assert_string_equal(got.address, "relay.test:443");
}

static void
each_thing_wrong_with_an_invite_has_its_own_error(void **state)
{
    struct invite got;
    char text[sizeof(known_invite)];

    (void)state;
    assert_int_equal(invite_parse(&got, "hello", 0), ERR_MALFORMED);
    assert_int_equal(invite_parse(&got, "", 0), ERR_MALFORMED);
    assert_int_equal(invite_parse(&got, "sealpost2-abc", 0), ERR_VERSION);
    assert_int_equal(invite_parse(&got, "sealpost1-", 0), ERR_VERIFY);
    assert_int_equal(invite_parse(&got, known_invite, NET_TIME), ERR_EXPIRED);
    assert_string_equal(got.relay_name, "relay.test");
    for (size_t i = 10; i < sizeof(text) - 1; i++) {
        memcpy(text, known_invite, sizeof(text));
        text[i] = text[i] == 'k' ? 'm' : 'k';
        assert_int_equal(invite_parse(&got, text, 0), ERR_VERIFY);
        text[i] = '!';
        assert_int_equal(invite_parse(&got, text, 0), ERR_VERIFY);
        text[i] = '\0';
        assert_int_equal(invite_parse(&got, text, 0), ERR_VERIFY);
    }
}

static void
an_invite_at_its_limits_fits(void **state)
{
    struct invite big = invite, got;
    char *text, longer[LIMIT_INVITE_TEXT + 16];

    (void)state;
    memset(big.relay_name, 'r', LIMIT_RELAY_NAME);
    memset(big.address, 'a', 249);
    strcpy(big.address + 249, ":65535");
    text = invite_text(&big);
    assert_int_equal(invite_parse(&got, text, 0), ERR_OK);
    assert_string_equal(got.address, big.address);
    free(text);
    memset(longer, 'a', sizeof(longer) - 1);
    longer[sizeof(longer) - 1] = '\0';
    assert_int_equal(invite_parse(&got, longer, 0), ERR_MALFORMED);
}

static void
addresses_have_a_host_and_a_port(void **state)
{
    static const char *const good[] = {"a:1", "relay.example.org:443",
                                       "127.0.0.1:65535", "[::1]:7001",
                                       "[fe80::1%1]:7001"};
    static const char *const bad[] = {
        "",       "a",       "a:",     ":1",        "a:0",    "a:65536",
        "a:01",   "a b:1",   "a:1x",   "::1:7001",  "[]:1",   "[::1]",
        "[::1:1", "a/b:443", "a:1\n1", "[::g]:443", "a:-443", "a:99999999"};
    struct invite inv = invite;
    struct buf b = {0};

    (void)state;
    for (size_t i = 0; i < COUNT(good); i++)
        assert_true(address_is_valid(good[i]));
    for (size_t i = 0; i < COUNT(bad); i++) {
        assert_false(address_is_valid(bad[i]));
        strcpy(inv.address, bad[i]);
        assert_int_equal(invite_make(&b, &inv), ERR_MALFORMED);
    }
    assert_int_equal(b.len, 0);
    buf_clear(&b);
}

static void
the_relay_keeps_a_hash_of_the_code(void **state)
{
    struct hash a, b;

    (void)state;
    invite_code_hash(&a, invite.code);
    sha256(&b, invite.code, sizeof(invite.code));
    assert_memory_equal(a.b, b.b, 32);
}

/* ---- relay card ---- */

static void
a_card_agrees_with_an_independent_computation(void **state)
{
    struct buf b = {0};
    char check[10];

    (void)state;
    assert_int_equal(relay_card_make(&b, &card), ERR_OK);
    assert_int_equal(b.len, sizeof(known_card) - 1);
    assert_memory_equal(b.data, known_card, b.len);
    assert_int_equal(relay_card_check(check, &card), ERR_OK);
    assert_string_equal(check, "BJZ7-570W");
    buf_clear(&b);
}

static void
a_card_is_found_in_a_mail(void **state)
{
    struct buf b = {0};
    struct relay_card got;

    (void)state;
    buf_str(&b, "Dear registrar,\r\n\r\n");
    for (const char *p = known_card; *p != '\0'; p++) {
        if (*p == '\n')
            buf_str(&b, " \r");
        buf_u8(&b, (uint8_t)*p);
    }
    buf_str(&b, "Regards");
    assert_int_equal(relay_card_parse(&got, (const char *)b.data, b.len),
                     ERR_OK);
    assert_string_equal(got.name, card.name);
    assert_memory_equal(got.transport_key.b, card.transport_key.b, 32);
    assert_memory_equal(got.log_key.b, card.log_key.b, 32);
    assert_string_equal(got.delivery_origin, card.delivery_origin);
    assert_string_equal(got.directory_origin, card.directory_origin);
    assert_string_equal(got.address, card.address);
    buf_clear(&b);
}

static void
a_card_without_address_says_so(void **state)
{
    struct relay_card bare = card, got;
    struct buf b = {0};

    (void)state;
    bare.address[0] = '\0';
    assert_int_equal(relay_card_make(&b, &bare), ERR_OK);
    assert_int_equal(relay_card_parse(&got, (const char *)b.data, b.len),
                     ERR_OK);
    assert_string_equal(got.address, "");
    buf_clear(&b);
}

static void
a_card_changed_or_cut_anywhere_is_refused(void **state)
{
    const size_t first = sizeof("-----BEGIN SEALPOST RELAY CARD-----") - 1;
    const size_t len = sizeof(known_card) - 1;
    struct relay_card got;

    (void)state;
    for (size_t i = first + 1; i < len - 1; i++) {
        char text[sizeof(known_card)];

        memcpy(text, known_card, sizeof(text));
        text[i] = text[i] == 'k' ? 'm' : 'k';
        assert_int_equal(relay_card_parse(&got, text, len), ERR_VERIFY);
        assert_int_equal(relay_card_parse(&got, text, i), ERR_VERIFY);
    }
    assert_int_equal(relay_card_parse(&got, known_card, first - 1),
                     ERR_MALFORMED);
    assert_int_equal(relay_card_parse(&got, "", 0), ERR_MALFORMED);
}

/* ---- join request ---- */

struct applicant {
    struct sign_secret root, device;
    struct dh_secret dh;
    struct dh_key dh_pub;
    struct mailbox_id mailbox;
    struct join_form form;
};

static void
applicant_init(struct applicant *a)
{
    net_sign_key(&net, &a->root);
    net_sign_key(&net, &a->device);
    net_dh_key(&net, &a->dh, &a->dh_pub);
    memset(a->mailbox.b, 0x77, 16);
    a->form = (struct join_form){
        .network_id = &net.network_id,
        .root = &a->root,
        .time_s = NET_TIME,
        .country = "RO",
        .wished_class = CLASS_NON_STATUTORY,
        .name = "Casa Speran\xc8\x9b"
                "ei",
        .device_key = &a->device,
        .device_transport_key = &a->dh_pub,
        .device_not_after_s = NET_TIME + 86400 * 365,
        .device_label = "laptop 1",
        .mailbox = &a->mailbox,
        .mailbox_label = "intake",
        .purposes = 3,
        .contact = "+40 21 000 0000",
    };
}

static void
a_join_request_passes_its_checks_and_joins(void **state)
{
    struct applicant a;
    struct join_request req;
    struct statement st;
    struct buf b = {0};
    const struct dir_mailbox *found;

    (void)state;
    applicant_init(&a);
    assert_int_equal(join_request_make(&b, &a.form), ERR_OK);
    assert_int_equal(join_request_parse(&req, b.data, b.len), ERR_OK);
    assert_int_equal(join_request_check(&req, &net.network_id), ERR_OK);
    net_head_registrar(&net, &st, STMT_ADMIT);
    join_request_admit(&st, &req);
    st.body.admit.class = CLASS_PARTNER;
    assert_int_equal(net_log_registrar(&net, &st).effect, DIR_APPLIED);
    assert_int_equal(net_log_bytes(&net, req.device.p, req.device.len).effect,
                     DIR_APPLIED);
    assert_int_equal(net_log_bytes(&net, req.mailbox.p, req.mailbox.len).effect,
                     DIR_APPLIED);
    assert_int_equal(directory_find_mailbox(net.dir,
                                            "casa speran\xc8\x9b"
                                            "ei/INTAKE",
                                            &found),
                     ERR_OK);
    assert_int_equal(found->agency->class, CLASS_PARTNER);
    buf_clear(&b);
}

static void
a_join_request_for_another_network_is_refused(void **state)
{
    struct applicant a;
    struct join_request req;
    struct hash elsewhere = net.network_id;
    struct buf b = {0};

    (void)state;
    applicant_init(&a);
    elsewhere.b[5] ^= 1;
    assert_int_equal(join_request_make(&b, &a.form), ERR_OK);
    assert_int_equal(join_request_parse(&req, b.data, b.len), ERR_OK);
    assert_int_equal(join_request_check(&req, &elsewhere), ERR_VERIFY);
    buf_clear(&b);
}

/* Class, country and name are wishes, and the form says nothing of them; all
 * else is bound by a signature or by the layout. */
static void
a_join_request_changed_cut_or_continued_is_refused(void **state)
{
    struct applicant a;
    struct join_request req;
    struct buf b = {0};
    size_t wishes = 16 + 32, wishes_end;

    (void)state;
    applicant_init(&a);
    assert_int_equal(join_request_make(&b, &a.form), ERR_OK);
    wishes_end = wishes + 2 + 1 + 1 + strlen(a.form.name);
    for (size_t i = 0; i < b.len; i++) {
        enum err rc;

        assert_int_equal(join_request_parse(&req, b.data, i), ERR_MALFORMED);
        b.data[i] ^= 1;
        rc = join_request_parse(&req, b.data, b.len);
        if (rc == ERR_OK)
            rc = join_request_check(&req, &net.network_id);
        if (i < wishes || i >= wishes_end)
            assert_int_not_equal(rc, ERR_OK);
        b.data[i] ^= 1;
    }
    buf_u8(&b, 0);
    assert_int_equal(join_request_parse(&req, b.data, b.len), ERR_MALFORMED);
    buf_clear(&b);
}

static void
a_form_that_cannot_be_is_refused_and_leaves_nothing(void **state)
{
    struct applicant a;
    struct buf b = {0};
    char long_name[LIMIT_AGENCY_NAME + 2];

    (void)state;
    memset(long_name, 'n', sizeof(long_name) - 1);
    long_name[sizeof(long_name) - 1] = '\0';
    applicant_init(&a);
    a.form.name = long_name;
    assert_int_equal(join_request_make(&b, &a.form), ERR_MALFORMED);
    applicant_init(&a);
    a.form.country = "ROU";
    assert_int_equal(join_request_make(&b, &a.form), ERR_MALFORMED);
    applicant_init(&a);
    a.form.mailbox_label = " ";
    assert_int_equal(join_request_make(&b, &a.form), ERR_MALFORMED);
    assert_int_equal(b.len, 0);
    buf_clear(&b);
}

static void
a_join_request_without_memory_fails_cleanly(void **state)
{
    struct applicant a;

    (void)state;
    applicant_init(&a);
    for (unsigned long n = 0;; n++) {
        struct buf b = {0};
        enum err rc;

        fail_alloc_at(n);
        rc = join_request_make(&b, &a.form);
        buf_clear(&b);
        if (!fail_alloc_off())
            break;
        assert_int_equal(rc, ERR_NOMEM);
    }
}

/* ---- device request ---- */

static void
a_device_request_proves_possession(void **state)
{
    struct statement st = {.kind = STMT_DEVICE};
    struct device_request got;
    struct sign_secret key;
    struct buf b = {0};

    (void)state;
    net_sign_key(&net, &key);
    memset(st.issuer.b, 3, 16);
    st.body.device = (struct stmt_device){.sign_key = key.pub,
                                          .not_after_s = NET_TIME,
                                          .label = text_ref("desk 2")};
    assert_int_equal(device_request_make(&b, &net.network_id, &st, &key),
                     ERR_OK);
    assert_int_equal(device_request_parse(&got, b.data, b.len), ERR_OK);
    assert_memory_equal(got.agency.b, st.issuer.b, 16);
    assert_memory_equal(got.device.body.device.sign_key.b, key.pub.b, 32);
    for (size_t i = 0; i < b.len; i++) {
        assert_int_equal(device_request_parse(&got, b.data, i), ERR_MALFORMED);
        b.data[i] ^= 1;
        assert_int_not_equal(device_request_parse(&got, b.data, b.len), ERR_OK);
        b.data[i] ^= 1;
    }
    buf_clear(&b);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_invite_agrees_with_an_independent_computation),
        cmocka_unit_test(an_invite_comes_back_as_it_was),
        cmocka_unit_test(folded_lines_and_capitals_are_forgiven),
        cmocka_unit_test(each_thing_wrong_with_an_invite_has_its_own_error),
        cmocka_unit_test(an_invite_at_its_limits_fits),
        cmocka_unit_test(addresses_have_a_host_and_a_port),
        cmocka_unit_test(the_relay_keeps_a_hash_of_the_code),
        cmocka_unit_test(a_card_agrees_with_an_independent_computation),
        cmocka_unit_test(a_card_is_found_in_a_mail),
        cmocka_unit_test(a_card_without_address_says_so),
        cmocka_unit_test(a_card_changed_or_cut_anywhere_is_refused),
        cmocka_unit_test(a_join_request_passes_its_checks_and_joins),
        cmocka_unit_test(a_join_request_for_another_network_is_refused),
        cmocka_unit_test(a_join_request_changed_cut_or_continued_is_refused),
        cmocka_unit_test(a_form_that_cannot_be_is_refused_and_leaves_nothing),
        cmocka_unit_test(a_join_request_without_memory_fails_cleanly),
        cmocka_unit_test(a_device_request_proves_possession),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
