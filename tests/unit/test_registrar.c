/* Founding a network: what the registrar makes, the directory takes. */
#include "client/registrar.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "common/clock.h"
#include "proto/directory.h"

static struct relay_card card;
static struct founding form;
static struct sign_secret key;
static struct identity id;
static struct buf genesis;
static struct problem pb;

static int
setup(void **state)
{
    uint8_t seed[32];

    (void)state;
    memset(seed, 1, sizeof(seed));
    sign_keypair_from_seed(&key, seed);
    memset(&card, 0, sizeof(card));
    strcpy(card.name, "relay.test");
    strcpy(card.delivery_origin, "relay.test/delivery");
    strcpy(card.directory_origin, "relay.test/directory");
    memset(card.transport_key.b, 2, 32);
    memset(card.log_key.b, 3, 32);
    form = (struct founding){
        .card = &card,
        .address = "127.0.0.1:4160",
        .name = "Test Registrar",
        .country = "GB",
        .mailbox_label = "Registry",
        .device_label = "Desk",
        .contact = "",
        .retention_days = 30,
    };
    memset(&id, 0, sizeof(id));
    memset(&pb, 0, sizeof(pb));
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    buf_clear(&genesis);
    identity_clear(&id);
    return 0;
}

/* Each statement must pass the relay's door before it is applied. */
static size_t
apply_all(struct directory *dir)
{
    uint64_t now_s = clock_wall_ms() / 1000;
    struct stmt_bundle bundle;
    const uint8_t *bytes;
    size_t n = 0, len;

    assert_int_equal(stmt_bundle_open(&bundle, genesis.data, genesis.len),
                     ERR_OK);
    while (stmt_bundle_next(&bundle, &bytes, &len)) {
        struct dir_finding f;

        assert_int_equal(directory_check(dir, bytes, len, now_s, &f), ERR_OK);
        assert_int_equal(directory_apply(dir, bytes, len, &f), ERR_OK);
        assert_string_equal(dir_code_name(f.code), "fine");
        n++;
    }
    return n;
}

static void
the_founding_statements_are_accepted_one_by_one(void **state)
{
    struct directory *dir = directory_new(NULL);
    const struct dir_mailbox *m;
    const struct dir_agency *a;
    struct hash network;

    (void)state;
    assert_int_equal(registrar_found(&form, &key, &id, &genesis, &pb), ERR_OK);
    assert_int_equal(apply_all(dir), 4);
    assert_true(directory_network_id(dir, &network));
    assert_memory_equal(&network, &id.network_id, 32);
    a = directory_agency(dir, &id.agency);
    assert_non_null(a);
    assert_int_equal(a->class, CLASS_REGISTRAR);
    assert_string_equal(a->name, "Test Registrar");
    m = directory_mailbox(dir, &id.mailbox);
    assert_non_null(m);
    assert_true(mailbox_has_device(m, &id.device));
    assert_true(device_is_live(directory_device(dir, &id.device),
                               clock_wall_ms() / 1000));
    directory_free(dir);
}

static void
the_identity_is_ready_and_fits_the_statements(void **state)
{
    struct directory *dir = directory_new(NULL);
    const struct dir_device *d;
    struct dh_key transport;

    (void)state;
    assert_int_equal(registrar_found(&form, &key, &id, &genesis, &pb), ERR_OK);
    (void)apply_all(dir);
    d = directory_device(dir, &id.device);
    assert_non_null(d);
    dh_public(&transport, &id.transport);
    assert_int_equal(id.state, IDENTITY_READY);
    assert_memory_equal(&d->sign_key, &id.sign.pub, 32);
    assert_memory_equal(&d->transport_key, &transport, 32);
    assert_string_equal(id.relay_name, "relay.test");
    assert_string_equal(id.relay_address, "127.0.0.1:4160");
    assert_memory_equal(&id.relay_key, &card.transport_key, 32);
    assert_string_equal(directory_policy(dir)->relay_name, "relay.test");
    assert_memory_equal(&directory_policy(dir)->log_key, &card.log_key, 32);
    directory_free(dir);
}

static void
a_name_that_cannot_be_founds_nothing(void **state)
{
    (void)state;
    form.name = "two\nlines";
    assert_int_not_equal(registrar_found(&form, &key, &id, &genesis, &pb),
                         ERR_OK);
    assert_int_equal(pb.id, P_USAGE);
}

static void
a_country_in_small_letters_founds_nothing(void **state)
{
    (void)state;
    form.country = "gb";
    assert_int_not_equal(registrar_found(&form, &key, &id, &genesis, &pb),
                         ERR_OK);
    assert_int_equal(pb.id, P_USAGE);
}

#define T(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        T(the_founding_statements_are_accepted_one_by_one),
        T(the_identity_is_ready_and_fits_the_statements),
        T(a_name_that_cannot_be_founds_nothing),
        T(a_country_in_small_letters_founds_nothing),
    };

    return crypto_init() != ERR_OK ||
           cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
