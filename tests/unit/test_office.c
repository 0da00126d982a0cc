/* The office of administration, without a relay. */
#include "client/office.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "client/mailbox_edit.h"
#include "client/records.h"
#include "client/vault.h"
#include "common/clock.h"
#include "common/os.h"
#include "proto/paper.h"
#include "tests/lib/office_fixture.h"

static struct app app;
static struct office office;
static struct problem pb;

static int
setup(void **state)
{
    (void)state;
    memset(&pb, 0, sizeof(pb));
    office_app(&app, of.home);
    assert_int_equal(office_open(&app, OFFICE_OFFLINE, &office, &pb), ERR_OK);
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    office_close(&office);
    office_app_clear(&app);
    return 0;
}

/* A line of text to be read from a descriptor. */
static int
line_fd(const char *text)
{
    int fds[2];

    assert_int_equal(pipe(fds), 0);
    assert_int_equal(write(fds[1], text, strlen(text)), strlen(text));
    assert_int_equal(close(fds[1]), 0);
    return fds[0];
}

static enum err
ask_paper(const char *line, uint8_t seed[32])
{
    enum err rc;

    memset(&pb, 0, sizeof(pb));
    app.paper_fd = line_fd(line);
    rc = office_ask_paper(&app, "", seed, &pb);
    assert_int_equal(close(app.paper_fd), 0);
    app.paper_fd = -1;
    return rc;
}

static void
nobody_answers_means_offline_where_that_will_do(void **state)
{
    struct app other;
    struct office o;

    (void)state;
    teardown(NULL);
    office_app(&other, of.home);
    assert_int_equal(office_open(&other, OFFICE_EITHER, &o, &pb), ERR_OK);
    assert_null(o.up);
    assert_int_equal(directory_size(roster_directory(o.roster)), 4);
    office_close(&o);
    assert_int_equal(office_open(&other, OFFICE_ONLINE, &o, &pb),
                     ERR_UNREACHABLE);
    assert_int_equal(pb.id, P_UNREACHABLE);
    office_app_clear(&other);
    setup(NULL);
}

static void
a_statement_made_here_passes_the_relays_door(void **state)
{
    struct mailbox_edit e;
    struct buf b = {0};
    struct dir_finding f;

    (void)state;
    mailbox_edit_new(&e, &office.id.agency, "Night desk");
    assert_int_equal(mailbox_edit_add(&e, &office.id.device, &pb), ERR_OK);
    assert_int_equal(office_make(&office, &e.st, &of.key, &b, &pb), ERR_OK);
    assert_int_equal(directory_check(roster_directory(office.roster), b.data,
                                     b.len, clock_wall_ms() / 1000, &f),
                     ERR_OK);
    buf_clear(&b);
}

static void
what_the_directory_would_refuse_is_not_made(void **state)
{
    struct mailbox_edit e;
    struct buf b = {0};

    (void)state;
    mailbox_edit_new(&e, &office.id.agency, "registry");
    assert_int_equal(office_make(&office, &e.st, &of.key, &b, &pb),
                     ERR_REFUSED);
    assert_int_equal(pb.id, P_POLICY);
    assert_string_equal(pb.why, dir_code_text(DIR_NAME_TAKEN));
    buf_reset(&b);
    memset(&pb, 0, sizeof(pb));
    mailbox_edit_new(&e, &office.id.agency, "two\nlines");
    assert_int_equal(office_make(&office, &e.st, &of.key, &b, &pb),
                     ERR_MALFORMED);
    assert_int_equal(pb.id, P_USAGE);
    buf_clear(&b);
}

static void
two_statements_made_offline_follow_each_other(void **state)
{
    struct mailbox_edit e;
    struct statement first, second;
    struct buf a = {0}, b = {0};
    struct hash h;

    (void)state;
    mailbox_edit_new(&e, &office.id.agency, "One");
    assert_int_equal(office_make(&office, &e.st, &of.key, &a, &pb), ERR_OK);
    mailbox_edit_new(&e, &office.id.agency, "Two");
    assert_int_equal(office_make(&office, &e.st, &of.key, &b, &pb), ERR_OK);
    assert_int_equal(stmt_parse(&first, a.data, a.len), ERR_OK);
    assert_int_equal(stmt_parse(&second, b.data, b.len), ERR_OK);
    stmt_hash(&h, &first);
    assert_true(second.seq == first.seq + 1);
    assert_memory_equal(&second.prev, &h, 32);
    buf_clear(&a);
    buf_clear(&b);
}

static void
the_root_comes_from_the_vault(void **state)
{
    struct sign_secret key;

    (void)state;
    assert_int_equal(office_root_key(&office, &key, &pb), ERR_OK);
    assert_memory_equal(&key.pub, &of.key.pub, 32);
    assert_int_equal(office_registrar_key(&app, &key, &pb), ERR_OK);
    assert_memory_equal(&key.pub, &of.key.pub, 32);
}

static void
a_paper_key_is_taken_as_people_type_it(void **state)
{
    char text[PAPER_TEXT_LEN + 2];
    uint8_t seed[32], got[32];

    (void)state;
    memset(seed, 0xa5, sizeof(seed));
    paper_encode(text, seed);
    assert_int_equal(ask_paper(text, got), ERR_OK);
    assert_memory_equal(got, seed, 32);
    text[0] = text[0] == 'A' ? 'B' : 'A';
    assert_int_equal(ask_paper(text, got), ERR_VERIFY);
    assert_int_equal(pb.id, P_PAPER_KEY);
    assert_int_equal(ask_paper("not a key\n", got), ERR_MALFORMED);
    assert_int_equal(pb.id, P_PAPER_KEY);
    assert_int_not_equal(ask_paper("", got), ERR_OK);
    assert_int_equal(pb.id, P_PAPER_KEY);
}

static void
another_agencys_paper_is_not_the_root(void **state)
{
    static const uint8_t one[VAULT_ID_LEN];
    char text[PAPER_TEXT_LEN + 1];
    struct sign_secret key;
    uint8_t seed[32];

    (void)state;
    memset(seed, 0x5a, sizeof(seed));
    paper_encode(text, seed);
    assert_int_equal(vault_begin(app.vault), ERR_OK);
    assert_int_equal(vault_delete(app.vault, REC_ROOT, one, VAULT_DROP_LATER),
                     ERR_OK);
    assert_int_equal(vault_commit(app.vault), ERR_OK);
    app.paper_fd = line_fd(text);
    assert_int_equal(office_root_key(&office, &key, &pb), ERR_VERIFY);
    assert_int_equal(pb.id, P_PAPER_KEY);
    (void)close(app.paper_fd);
    paper_encode(text, of.key.seed);
    memset(&pb, 0, sizeof(pb));
    app.paper_fd = line_fd(text);
    assert_int_equal(office_root_key(&office, &key, &pb), ERR_OK);
    assert_memory_equal(&key.pub, &of.key.pub, 32);
    (void)close(app.paper_fd);
    app.paper_fd = -1;
    assert_int_equal(office_keep_seed(&app, REC_ROOT, of.key.seed, &pb),
                     ERR_OK);
}

static void
a_vault_with_somebody_in_it_is_not_made_again(void **state)
{
    (void)state;
    assert_int_equal(office_new_vault(&app, &pb), ERR_EXISTS);
    assert_int_equal(pb.id, P_VAULT_EXISTS);
}

static void
files_are_written_once_and_for_us_alone(void **state)
{
    const char *path = office_path("once");
    struct buf b = {0};
    struct buf back = {0};
    unsigned mode = 0;

    (void)state;
    buf_str(&b, "bytes");
    assert_int_equal(office_write_file(path, &b, &pb), ERR_OK);
    assert_int_equal(os_mode(path, &mode), ERR_OK);
    assert_int_equal(mode, 0600);
    assert_int_equal(office_write_file(path, &b, &pb), ERR_EXISTS);
    assert_int_equal(pb.id, P_FILE_EXISTS);
    memset(&pb, 0, sizeof(pb));
    assert_int_equal(office_read_file(path, 5, &back, &pb), ERR_OK);
    assert_memory_equal(back.data, "bytes", 5);
    assert_int_equal(office_read_file(path, 4, &back, &pb), ERR_TOOBIG);
    assert_int_equal(pb.id, P_FILE);
    buf_clear(&b);
    buf_clear(&back);
}

#define T(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        T(nobody_answers_means_offline_where_that_will_do),
        T(a_statement_made_here_passes_the_relays_door),
        T(what_the_directory_would_refuse_is_not_made),
        T(two_statements_made_offline_follow_each_other),
        T(the_root_comes_from_the_vault),
        T(a_paper_key_is_taken_as_people_type_it),
        T(another_agencys_paper_is_not_the_root),
        T(a_vault_with_somebody_in_it_is_not_made_again),
        T(files_are_written_once_and_for_us_alone),
    };

    return crypto_init() != ERR_OK ||
           cmocka_run_group_tests(tests, office_fixture_setup,
                                  office_fixture_teardown) != 0;
}
