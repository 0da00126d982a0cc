/* Commands of administration as people run them, without a relay. */
#include "client/commands.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/os.h"
#include "tests/lib/office_fixture.h"

static const char *
result(const char *key)
{
    return json_get_str(office_result, key);
}

static void
write_file(const char *path, const char *text)
{
    assert_int_equal(os_write_file_atomic(path, text, strlen(text), 0600),
                     ERR_OK);
}

static json_t *
only_contact(void)
{
    assert_int_equal(office_run(of.home, cmd_contacts, "contacts", NULL), 0);
    return json_array_get(json_object_get(office_result, "contacts"), 0);
}

/* ---- a later device ---- */

static void
a_device_is_signed_offline_and_waits_to_publish(void **state)
{
    char second[512], card[512], req[512], answer[512], check[32];

    (void)state;
    (void)snprintf(second, sizeof(second), "%s", office_path("second"));
    (void)snprintf(card, sizeof(card), "%s", office_path("card"));
    (void)snprintf(req, sizeof(req), "%s", office_path("req"));
    (void)snprintf(answer, sizeof(answer), "%s", office_path("answer"));
    assert_int_equal(
        office_run(of.home, cmd_agency, "agency", "card", "-o", card, NULL), 0);
    assert_int_equal(office_run(second, cmd_device, "device", "request", card,
                                "--label", "Second", "-o", req, NULL),
                     0);
    assert_string_equal(result("state"), "waiting");
    (void)snprintf(check, sizeof(check), "%s", result("check"));
    assert_int_equal(office_run(of.home, cmd_agency, "agency", "sign", req,
                                "--check", check, "-o", answer, NULL),
                     0);
    assert_string_equal(result("check"), check);
    assert_string_equal(result("state"), "signed");
    assert_int_equal(
        office_run(second, cmd_device, "device", "install", req, NULL), 14);
    assert_int_equal(
        office_run(second, cmd_device, "device", "install", answer, NULL), 0);
    assert_string_equal(result("state"), "queued");
    assert_int_equal(office_run(second, cmd_join, "join", "--status", NULL), 0);
    assert_string_equal(result("state"), "queued");
    assert_int_equal(office_run(second, cmd_contacts, "contacts", NULL), 10);
    assert_string_equal(office_error(), "E-NOT-ADMITTED");
}

static void
another_devices_answer_is_not_installed(void **state)
{
    char third[512], card[512], req[512];

    (void)state;
    (void)snprintf(third, sizeof(third), "%s", office_path("third"));
    (void)snprintf(card, sizeof(card), "%s", office_path("card"));
    (void)snprintf(req, sizeof(req), "%s", office_path("req3"));
    assert_int_equal(office_run(third, cmd_device, "device", "request", card,
                                "--label", "Third", "-o", req, NULL),
                     0);
    assert_int_equal(office_run(third, cmd_device, "device", "install",
                                office_path("answer"), NULL),
                     14);
    assert_string_equal(office_error(), "E-VERIFY");
    /* And a machine that has joined asks for nothing. */
    assert_int_equal(office_run(of.home, cmd_device, "device", "request", card,
                                "--label", "X", "-o", office_path("x"), NULL),
                     2);
    assert_string_equal(office_error(), "E-VAULT-EXISTS");
}

static void
the_same_request_can_be_written_once_more(void **state)
{
    struct buf a = {0}, b = {0};

    (void)state;
    assert_int_equal(office_run(office_path("third"), cmd_device, "device",
                                "request", "-o", office_path("again"), NULL),
                     0);
    assert_int_equal(os_read_file(office_path("req3"), 9999, &a), ERR_OK);
    assert_int_equal(os_read_file(office_path("again"), 9999, &b), ERR_OK);
    assert_int_equal(a.len, b.len);
    assert_memory_equal(a.data, b.data, a.len);
    buf_clear(&a);
    buf_clear(&b);
}

static void
a_wrong_check_signs_nothing(void **state)
{
    (void)state;
    assert_int_equal(
        office_run(of.home, cmd_agency, "agency", "sign", office_path("req3"),
                   "--check", "0000-0000-0000", "-o", office_path("no"), NULL),
        14);
    assert_string_equal(office_error(), "E-VERIFY");
    assert_false(os_exists(office_path("no")));
}

static void
a_damaged_card_makes_no_vault(void **state)
{
    struct buf b = {0};

    (void)state;
    assert_int_equal(os_read_file(office_path("card"), 9999, &b), ERR_OK);
    b.data[100] ^= 1;
    assert_int_equal(
        os_write_file_atomic(office_path("bent"), b.data, b.len, 0600), ERR_OK);
    buf_clear(&b);
    assert_int_equal(office_run(office_path("fourth"), cmd_device, "device",
                                "request", office_path("bent"), "--label", "X",
                                "-o", office_path("x"), NULL),
                     1);
    assert_string_equal(office_error(), "E-FILE");
    assert_false(os_exists(office_path("fourth")));
}

static void
what_must_be_published_needs_the_relay(void **state)
{
    (void)state;
    assert_int_equal(office_run(of.home, cmd_agency, "agency", "revoke", "Desk",
                                "--reason", "lost", NULL),
                     12);
    assert_int_equal(
        office_run(of.home, cmd_agency, "agency", "mailbox", "add", "X", NULL),
        12);
    assert_int_equal(office_run(of.home, cmd_agency, "agency", "revoke", "Desk",
                                "--reason", "tired", NULL),
                     2);
    assert_int_equal(office_run(of.home, cmd_agency, "agency", "revoke", "Desk",
                                "--reason", "lost", "--since", "2199-01-01",
                                NULL),
                     2);
}

static void
a_new_root_is_a_file_for_the_registrar(void **state)
{
    const char *path = office_path("root");

    (void)state;
    assert_int_equal(
        office_run(of.home, cmd_agency, "agency", "new-root", "-o", path, NULL),
        0);
    assert_int_equal(strlen(result("digits")), 35);
    assert_int_equal(strlen(result("paper_key")), 69);
    assert_true(os_exists(office_path("root")));
    assert_int_equal(office_run(of.home, cmd_agency, "agency", "cancel", NULL),
                     12);
}

/* ---- contacts ---- */

static void
contacts_come_from_the_vault(void **state)
{
    json_t *c = only_contact();
    json_t *m = json_array_get(json_object_get(c, "mailboxes"), 0);

    (void)state;
    assert_string_equal(json_get_str(c, "name"), "Test Registrar");
    assert_string_equal(json_get_str(c, "class"), "registrar");
    assert_string_equal(json_get_str(c, "country"), "GB");
    assert_string_equal(json_get_str(c, "state"), "active");
    assert_string_equal(json_get_str(m, "name"), "Test Registrar/Registry");
    assert_int_equal(json_array_size(json_object_get(m, "devices")), 1);
    assert_true(json_is_null(json_object_get(m, "deputy")));
    assert_int_equal(json_get_u64(office_result, "directory_size"), 4);
    assert_int_equal(json_get_u64(office_result, "synced_ms"), 0);
}

static void
digits_are_compared_before_the_mark(void **state)
{
    char digits[64];

    (void)state;
    assert_int_equal(office_run(of.home, cmd_contacts, "contacts", "verify",
                                "test registrar", "--digits", "12345", NULL),
                     14);
    assert_false(json_get_bool(only_contact(), "verified"));
    (void)snprintf(digits, sizeof(digits), "%s",
                   json_get_str(only_contact(), "digits"));
    assert_int_equal(office_run(of.home, cmd_contacts, "contacts", "verify",
                                "test registrar", "--digits", digits, NULL),
                     0);
    assert_true(json_get_bool(only_contact(), "verified"));
    assert_int_equal(
        office_run(of.home, cmd_contacts, "contacts", "verify", "Nobody", NULL),
        2);
    assert_string_equal(office_error(), "E-RECIPIENT");
}

/* ---- keys of the vault ---- */

static size_t
key_count(void)
{
    assert_int_equal(office_run(of.home, cmd_key, "key", "list", NULL), 0);
    return json_array_size(json_object_get(office_result, "keys"));
}

/* `key recover` with the paper key in TEXT. */
static int
recover(const char *text)
{
    struct app app;
    char *argv[] = {"key", "recover", NULL};
    int code, fd = -1;

    write_file(office_path("paper"), text);
    assert_int_equal(os_open(&fd, office_path("paper"), OS_READ, 0), ERR_OK);
    office_app(&app, of.home);
    app.paper_fd = fd;
    code = cmd_key(&app, 2, argv);
    office_app_clear(&app);
    os_close(&fd);
    return code;
}

static void
a_paper_key_brings_a_forgotten_passphrase_back(void **state)
{
    char paper[80];

    (void)state;
    assert_int_equal(key_count(), 1);
    assert_int_equal(office_run(of.home, cmd_key, "key", "backup", NULL), 0);
    (void)snprintf(paper, sizeof(paper), "%s", result("paper_key"));
    assert_int_equal(key_count(), 2);
    write_file(of.passphrase, "another passphrase\n"); /* forgotten */
    assert_int_equal(office_run(of.home, cmd_key, "key", "list", NULL), 11);
    assert_int_equal(recover(paper), 0);
    assert_int_equal(key_count(), 2);
    paper[0] = paper[0] == 'A' ? 'B' : 'A';
    assert_int_equal(recover(paper), 2);
    assert_int_equal(office_run(of.home, cmd_key, "key", "remove", "2", NULL),
                     0);
    assert_int_equal(key_count(), 1);
    assert_int_equal(office_run(of.home, cmd_key, "key", "remove", "1", NULL),
                     13);
}

static void
the_passphrase_changes(void **state)
{
    (void)state;
    write_file(office_path("new"), "a third passphrase\n");
    assert_int_equal(office_run(of.home, cmd_key, "key", "passphrase",
                                "--new-passphrase-file", office_path("new"),
                                NULL),
                     0);
    assert_int_equal(office_run(of.home, cmd_key, "key", "list", NULL), 11);
    write_file(of.passphrase, "a third passphrase\n");
    assert_int_equal(key_count(), 1);
    write_file(office_path("new"), "short\n");
    assert_int_equal(office_run(of.home, cmd_key, "key", "passphrase",
                                "--new-passphrase-file", office_path("new"),
                                NULL),
                     11);
    assert_int_equal(key_count(), 1);
}

/* ---- words ---- */

static void
a_mistyped_verb_gets_a_did_you_mean(void **state)
{
    const char *next;

    (void)state;
    assert_int_equal(
        office_run(of.home, cmd_agency, "agency", "mailbox", "sett", "X", NULL),
        2);
    next = json_get_str(json_object_get(office_result, "error"), "next");
    assert_string_equal(next, "did you mean `sealpost agency mailbox set`?");
    assert_int_equal(office_run(of.home, cmd_key, "key", NULL), 2);
    next = json_get_str(json_object_get(office_result, "error"), "next");
    assert_string_equal(next, "see `sealpost help key`");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_device_is_signed_offline_and_waits_to_publish),
        cmocka_unit_test(another_devices_answer_is_not_installed),
        cmocka_unit_test(the_same_request_can_be_written_once_more),
        cmocka_unit_test(a_wrong_check_signs_nothing),
        cmocka_unit_test(a_damaged_card_makes_no_vault),
        cmocka_unit_test(what_must_be_published_needs_the_relay),
        cmocka_unit_test(a_new_root_is_a_file_for_the_registrar),
        cmocka_unit_test(contacts_come_from_the_vault),
        cmocka_unit_test(digits_are_compared_before_the_mark),
        cmocka_unit_test(a_paper_key_brings_a_forgotten_passphrase_back),
        cmocka_unit_test(the_passphrase_changes),
        cmocka_unit_test(a_mistyped_verb_gets_a_did_you_mean),
    };

    return crypto_init() != ERR_OK ||
           cmocka_run_group_tests(tests, office_fixture_setup,
                                  office_fixture_teardown) != 0;
}
