/* Eras of the logs: which key signed, and how much of it today's log holds. */
#include "proto/era.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "proto/msg.h"
#include "proto/succession.h"
#include "tests/lib/net.h"

static struct net net;
static struct sign_secret next_key;

static int
set_up(void **state)
{
    (void)state;
    net_init(&net);
    net_desk(&net, "Shelter", CLASS_NON_STATUTORY);
    net_sign_key(&net, &next_key);
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    net_clear(&net);
    return 0;
}

/* A POLICY with both names ending in SUFFIX. */
static struct dir_finding
succeed(const struct sign_key *key, const char *suffix, uint64_t old_size)
{
    char dlv[64] = "relay.test/delivery", dir[64] = "relay.test/directory";
    struct statement st;

    strcat(dlv, suffix);
    strcat(dir, suffix);
    net_fill_policy(&net, &st);
    st.body.policy.log_key = *key;
    st.body.policy.delivery_origin = text_ref(dlv);
    st.body.policy.directory_origin = text_ref(dir);
    st.body.policy.old_size = old_size;
    memset(st.body.policy.old_root.b, old_size != 0, 32);
    return net_log_registrar(&net, &st);
}

static void
applied(struct dir_finding f)
{
    assert_string_equal(dir_code_name(f.code), dir_code_name(DIR_FINE));
    assert_int_equal(f.effect, DIR_APPLIED);
}

static void
refused(struct dir_finding f, enum dir_code code)
{
    assert_string_equal(dir_code_name(f.code), dir_code_name(code));
    assert_int_equal(f.effect, DIR_VOID);
}

static struct head
signed_head(const char *origin, uint64_t size, const struct sign_secret *key)
{
    struct head h = {.size = size};

    memset(h.root.b, (int)size, 32);
    assert_int_equal(head_sign(&h, origin, key), ERR_OK);
    return h;
}

static void
a_policy_that_changes_a_log_names_what_it_succeeds(void **state)
{
    struct statement st;

    (void)state;
    refused(succeed(&net.log_key.pub, "/2", 0), DIR_BAD_SUCCESSION);
    refused(succeed(&next_key.pub, "", 0), DIR_BAD_SUCCESSION);
    refused(succeed(&net.log_key.pub, "", 7), DIR_BAD_SUCCESSION);
    net_fill_policy(&net, &st);
    memset(st.body.policy.old_root.b, 1, 32);
    refused(net_log_registrar(&net, &st), DIR_BAD_SUCCESSION);
    applied(succeed(&next_key.pub, "", 7));
    applied(succeed(&next_key.pub, "/2", 9));
}

static void
what_was_given_up_never_comes_back(void **state)
{
    struct sign_key first = net.log_key.pub;

    (void)state;
    applied(succeed(&net.log_key.pub, "/2", 5));
    refused(succeed(&first, "", 9), DIR_BAD_SUCCESSION);
    applied(succeed(&next_key.pub, "", 9)); /* the name, with another key */
    refused(succeed(&first, "/2", 12), DIR_BAD_SUCCESSION);
    refused(succeed(&first, "", 12), DIR_BAD_SUCCESSION);
    applied(succeed(&first, "/3", 12));
}

static void
an_ordinary_policy_begins_no_era(void **state)
{
    struct statement st;
    struct era e;

    (void)state;
    net_fill_policy(&net, &st);
    st.body.policy.retention_days = 30;
    applied(net_log_registrar(&net, &st));
    assert_int_equal(era_nth(net.dir, LOG_DELIVERY, 0, &e), ERR_OK);
    assert_int_equal(e.policy, 0);
    assert_true(e.end == ERA_TODAY);
    assert_int_equal(era_nth(net.dir, LOG_DELIVERY, 1, &e), ERR_NOTFOUND);
    assert_non_null(directory_policy_nth(net.dir, 1));
    assert_null(directory_policy_nth(net.dir, 2));
}

static void
each_head_belongs_to_the_era_that_signed_it(void **state)
{
    struct head first = signed_head("relay.test/delivery", 9, &net.log_key);
    struct head second = signed_head("relay.test/delivery/2", 9, &next_key);
    struct head mixed = signed_head("relay.test/delivery/2", 9, &net.log_key);
    struct head dir = signed_head("relay.test/directory", 2, &net.log_key);
    uint64_t at;
    struct era e;

    (void)state;
    assert_int_equal(era_of_head(net.dir, LOG_DELIVERY, &second, &e),
                     ERR_VERIFY);
    at = directory_size(net.dir);
    applied(succeed(&next_key.pub, "/2", 7));
    assert_int_equal(era_of_head(net.dir, LOG_DELIVERY, &first, &e), ERR_OK);
    assert_int_equal(e.end, 7);
    assert_int_equal(e.policy, 0);
    assert_true(era_holds(&e, 6));
    assert_false(era_holds(&e, 7));
    assert_int_equal(era_of_head(net.dir, LOG_DELIVERY, &second, &e), ERR_OK);
    assert_true(e.end == ERA_TODAY);
    assert_int_equal(e.policy, at);
    assert_int_equal(era_of_head(net.dir, LOG_DELIVERY, &mixed, &e),
                     ERR_VERIFY);
    assert_int_equal(era_of_head(net.dir, LOG_DIRECTORY, &dir, &e), ERR_OK);
    assert_int_equal(e.end, at);
}

/* The second restore came from a copy older than the first. */
static void
the_smallest_later_size_is_what_is_left(void **state)
{
    struct era e;

    (void)state;
    applied(succeed(&net.log_key.pub, "/2", 70));
    applied(succeed(&net.log_key.pub, "/3", 50));
    applied(succeed(&net.log_key.pub, "/4", 60));
    assert_int_equal(era_nth(net.dir, LOG_DELIVERY, 3, &e), ERR_OK);
    assert_string_equal(e.key.name, "relay.test/delivery");
    assert_int_equal(e.end, 50);
    assert_int_equal(era_nth(net.dir, LOG_DELIVERY, 1, &e), ERR_OK);
    assert_string_equal(e.key.name, "relay.test/delivery/3");
    assert_int_equal(e.end, 60);
}

static void
notes_are_opened_under_the_key_of_their_time(void **state)
{
    struct head h = signed_head("relay.test/delivery", 9, &net.log_key), got;
    struct buf note = {0};
    struct era e;
    struct vkey key;

    (void)state;
    assert_int_equal(
        vkey_make(&key, "relay.test/delivery", NOTE_ED25519, &net.log_key.pub),
        ERR_OK);
    assert_int_equal(head_to_note(&h, &key, &note), ERR_OK);
    applied(succeed(&next_key.pub, "/2", 7));
    assert_int_equal(
        era_of_note(net.dir, LOG_DELIVERY, note.data, note.len, &got, &e),
        ERR_OK);
    assert_memory_equal(&got, &h, sizeof(h));
    assert_int_equal(e.end, 7);
    note.data[note.len - 5] ^= 1;
    assert_int_equal(
        era_of_note(net.dir, LOG_DELIVERY, note.data, note.len, &got, &e),
        ERR_VERIFY);
    buf_clear(&note);
}

/* ---- the card ---- */

static struct succession_card
sample(void)
{
    struct succession_card c = {.delivery_size = 1204, .directory_size = 31};

    strcpy(c.name, "relay.test");
    strcpy(c.delivery_origin, "relay.test/delivery/2");
    strcpy(c.directory_origin, "relay.test/directory/2");
    memset(c.log_key.b, 0x11, 32);
    memset(c.delivery_root.b, 0x22, 32);
    memset(c.directory_root.b, 0x33, 32);
    return c;
}

static void
a_card_reads_back_from_a_mail(void **state)
{
    struct succession_card c = sample(), got = {0};
    struct buf card = {0}, mail = {0};

    (void)state;
    assert_int_equal(succession_card_make(&card, &c), ERR_OK);
    buf_str(&mail, "Please sign:\r\n");
    for (size_t i = 0; i < card.len; i++) {
        if (card.data[i] == '\n')
            buf_str(&mail, " \r");
        buf_u8(&mail, card.data[i]);
    }
    assert_int_equal(
        succession_card_parse(&got, (const char *)mail.data, mail.len), ERR_OK);
    assert_memory_equal(&got, &c, sizeof(c));
    buf_clear(&card);
    buf_clear(&mail);
}

static void
a_card_changed_or_cut_anywhere_is_refused(void **state)
{
    struct succession_card c = sample(), got;
    struct buf card = {0};

    (void)state;
    assert_int_equal(succession_card_make(&card, &c), ERR_OK);
    for (size_t i = 0; i < card.len - 1; i++) {
        assert_int_not_equal(
            succession_card_parse(&got, (const char *)card.data, i), ERR_OK);
        card.data[i] ^= 0x03;
        assert_int_not_equal(
            succession_card_parse(&got, (const char *)card.data, card.len),
            ERR_OK);
        card.data[i] ^= 0x03;
    }
    c.delivery_size = 0; /* a log begins with its genesis */
    buf_reset(&card);
    assert_int_equal(succession_card_make(&card, &c), ERR_MALFORMED);
    buf_clear(&card);
}

static void
names_are_counted_on(void **state)
{
    char out[LIMIT_ORIGIN + 1];
    char edge[LIMIT_ORIGIN];

    (void)state;
    assert_int_equal(succession_origin("a/delivery", out), ERR_OK);
    assert_string_equal(out, "a/delivery/2");
    assert_int_equal(succession_origin(out, out), ERR_OK);
    assert_string_equal(out, "a/delivery/3");
    assert_int_equal(succession_origin("a/delivery/9", out), ERR_OK);
    assert_string_equal(out, "a/delivery/10");
    assert_int_equal(succession_origin("a", out), ERR_OK);
    assert_string_equal(out, "a/2");
    memset(edge, 'x', sizeof(edge) - 1);
    edge[sizeof(edge) - 1] = '\0';
    assert_int_equal(succession_origin(edge, out), ERR_TOOBIG);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_policy_that_changes_a_log_names_what_it_succeeds),
        CASE(what_was_given_up_never_comes_back),
        CASE(an_ordinary_policy_begins_no_era),
        CASE(each_head_belongs_to_the_era_that_signed_it),
        CASE(the_smallest_later_size_is_what_is_left),
        CASE(notes_are_opened_under_the_key_of_their_time),
        CASE(a_card_reads_back_from_a_mail),
        CASE(a_card_changed_or_cut_anywhere_is_refused),
        CASE(names_are_counted_on),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
