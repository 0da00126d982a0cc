/* One connection to a whole relay: its order, its limits, its ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/clock.h"
#include "common/os.h"
#include "common/stream.h"
#include "server/session.h"
#include "tests/lib/msgsample.h"
#include "tests/lib/relay_rig.h"

static struct rig rig;

static int
set_up(void **state)
{
    (void)state;
    rig_init(&rig);
    rig_start(&rig, NULL);
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    rig_stop_and_check(&rig);
    return 0;
}

/* The relay serves others as before. */
static void
assert_serves(void)
{
    client_close(client_greet(&rig, 0, 0));
}

/* ---- order ---- */

static void
the_relay_welcomes_with_both_heads(void **state)
{
    struct client *c = client_open(&rig, 0);
    const struct msg *m = client_hear(c, MSG_WELCOME, 0);
    struct head h;

    (void)state;
    assert_int_equal(
        head_from_note(m->f[WELCOME_DIR].p, m->f[WELCOME_DIR].len,
                       store_vkey(rig.relay.store, STORE_DIRECTORY), NULL, 0,
                       &h, NULL),
        ERR_OK);
    assert_int_equal(h.size, rig.net.n_leaves);
    assert_int_equal(head_from_note(m->f[WELCOME_DLV].p, m->f[WELCOME_DLV].len,
                                    store_vkey(rig.relay.store, STORE_DELIVERY),
                                    NULL, 0, &h, NULL),
                     ERR_OK);
    assert_int_equal(h.size, 1); /* the POLICY */
}

static void
a_question_before_welcome_ends_the_session(void **state)
{
    struct client *c = client_open(&rig, 0);
    struct msg_field f[] = {msg_u(0), msg_u(0), msg_u(1)};

    (void)state;
    (void)client_say(c, MSG_PROOF_GET, f, 3);
    RIG_UNTIL(&rig, c->fd < 0);
    assert_int_equal(client_count(c, MSG_PROOF), 0);
    assert_int_equal(client_end(c), BYE_PROTOCOL);
    assert_serves();
}

static void
a_second_welcome_ends_the_session(void **state)
{
    struct client *c = client_greet(&rig, 0, 0);
    struct msg_field f[] = {msg_nil(), msg_nil(), msg_u(0)};

    (void)state;
    (void)client_say(c, MSG_WELCOME, f, 3);
    assert_int_equal(client_end(c), BYE_PROTOCOL);
    c = client_open(&rig, RIG_STRANGER);
    (void)client_say(c, MSG_WELCOME, f, 3);
    assert_int_equal(client_end(c), BYE_PROTOCOL);
}

/* ---- garbage ---- */

static void
garbage_before_authentication_is_answered_with_nothing(void **state)
{
    static const struct {
        const char *bytes;
        size_t len, zeros;
    } openings[] = {
        {"GET / HTTP/1.1\r\nHost: x\r\n\r\n", 27, 0},
        {"SPT2\1", 5, 0},
        {"SPT1\0", 5, 0},
        {"SPT1\3", 5, 0},
        {"SPT1\1\0\57", 7, 47}, /* 47 bytes are too few */
        {"SPT1\1\0\61", 7, 49},
        {"SPT1\1\377\377", 7, 65535},
        {"SPT1\1\0\60", 7, 48}, /* an all-zero ephemeral key */
        {"SPT1\2\0\60", 7, 48},
    };
    uint8_t *bytes = calloc(1, 70000);

    (void)state;
    for (size_t i = 0; i < sizeof(openings) / sizeof(openings[0]); i++) {
        struct client *c = client_raw(&rig);

        memcpy(bytes, openings[i].bytes, openings[i].len);
        client_raw_send(c, bytes, openings[i].len + openings[i].zeros);
        RIG_UNTIL(&rig, c->fd < 0);
        assert_int_equal(c->raw_bytes, 0);
        client_close(c);
        memset(bytes, 0, 128);
    }
    free(bytes);
    assert_int_equal(rig.relay.stats.handshakes, 0);
    assert_serves();
}

static void
a_device_that_is_not_in_the_directory_hears_message_two_only(void **state)
{
    struct client *c;

    (void)state;
    net_dh_key(&rig.net, &rig.net.devices[0].dh, &rig.net.devices[0].dh_pub);
    c = client_open(&rig, 0); /* ready() fires as message 3 is queued */
    RIG_UNTIL(&rig, c->fd < 0);
    assert_int_equal(c->raw_bytes, 2 + 58);
    client_close(c);
}

static void
garbage_after_the_handshake_ends_the_session_without_an_answer(void **state)
{
    const uint8_t frame[2 + 144] = {0, 144, 1, 2, 3};
    struct client *c = client_greet(&rig, 0, 0);

    (void)state;
    client_raw_send(c, frame, sizeof(frame));
    assert_int_equal(client_end(c), -1);
    c = client_open(&rig, RIG_STRANGER);
    client_raw_send(c, frame, sizeof(frame));
    assert_int_equal(client_end(c), -1);
    assert_serves();
}

static void
what_is_no_message_ends_the_session(void **state)
{
    static const char *const texts[] = {
        "\xc1",
        "\x93\x01\x00\xc0",
        "\xdd\xff\xff\xff\xff",
        "\x92\xcc\x63\x01",
        "\x93\x1e\x01",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct client *c = client_greet(&rig, 0, 0);

        client_say_bytes(c, texts[i], strlen(texts[i]));
        assert_int_equal(client_end(c), BYE_PROTOCOL);
        c = client_open(&rig, 0);
        client_say_bytes(c, texts[i], strlen(texts[i]));
        assert_int_equal(client_end(c), BYE_PROTOCOL);
    }
}

static void
a_blob_record_that_nobody_expects_ends_the_session(void **state)
{
    (void)state;
    for (uint32_t handle = 0; handle < 2; handle++) {
        struct client *c = client_greet(&rig, 0, 0);

        assert_int_equal(
            link_send_blob(c->link, handle, 0, "x", 1, clock_mono_ms()),
            ERR_OK);
        assert_int_equal(client_end(c), BYE_PROTOCOL);
    }
}

/* ---- who may ask what ---- */

static bool
is_allowed(const struct msg_spec *spec, int device)
{
    static const uint8_t bit[] = {1 << CLASS_NON_STATUTORY,
                                  1 << CLASS_STATUTORY,
                                  1 << CLASS_STATUTORY,
                                  MAY_AUDITOR,
                                  MAY_REGISTRAR,
                                  1 << CLASS_PARTNER};

    return (spec->may &
            (device == RIG_STRANGER ? MAY_STRANGER : bit[device])) != 0;
}

/* The smallest valid message of that row; gives the ERROR's code, 0 for the
 * proper answer. */
static unsigned
ask_sample(struct client *c, const struct msg_spec *spec)
{
    const struct msg *m = NULL;
    struct buf b = {0};

    sample_message(&b, spec, &sample_plain);
    client_say_bytes(c, b.data, b.len);
    buf_clear(&b);
    for (;;) {
        unsigned code;

        m = client_take(c, MSG_ERROR, sample_req(spec));
        code = m == NULL ? 0 : (unsigned)m->f[ERROR_CODE].u;
        if (m != NULL || client_take(c, spec->answer, sample_req(spec)) != NULL)
            return code;
        assert_true(c->fd >= 0);
        rig_turn(&rig);
    }
}

static void
ask_everything(int device)
{
    struct client *c = device == RIG_STRANGER ? client_open(&rig, device)
                                              : client_greet(&rig, device, 0);
    const struct msg_spec *spec;

    for (unsigned i = 0; (spec = msg_spec_at(i)) != NULL; i++) {
        unsigned code;

        if (spec->from != MSG_FROM_CLIENT || spec->turn != MSG_ASKS)
            continue;
        code = ask_sample(c, spec);
        if ((code == PERR_DENIED) == is_allowed(spec, device))
            fail_msg("%s from device %d: %s", spec->name, device,
                     perr_row(code)->name);
    }
    /* Every question got exactly one answer. */
    assert_int_equal(client_count(c, MSG_ERROR), 0);
    client_close(c);
}

static void
every_class_may_ask_exactly_what_the_table_says(void **state)
{
    static const int devices[] = {0, 1, 3, 4, 5, RIG_STRANGER};

    (void)state;
    for (size_t i = 0; i < sizeof(devices) / sizeof(devices[0]); i++)
        ask_everything(devices[i]);
}

/* ---- how many ---- */

static void
the_newest_mailbox_session_wins(void **state)
{
    struct client *old = client_greet(&rig, 1, 1);
    struct client *plain = client_greet(&rig, 1, 0);
    struct client *newer = client_greet(&rig, 1, 1);

    (void)state;
    assert_int_equal(client_end(old), BYE_SUPERSEDED);
    client_settle(plain);
    client_settle(newer);
    assert_int_equal(rig.relay.mailrooms.count, 1);
    client_close(newer);
    RIG_UNTIL(&rig, rig.relay.mailrooms.count == 0);
}

static void
a_fifth_session_of_one_device_is_refused_in_the_handshake(void **state)
{
    struct client *c[4], *fifth;

    (void)state;
    for (int i = 0; i < 4; i++)
        c[i] = client_greet(&rig, 0, 0);
    fifth = client_open(&rig, 0);
    assert_int_equal(client_end(fifth), -1);
    client_close(client_greet(&rig, 1, 0));
    client_close(c[0]);
    RIG_UNTIL(&rig, rig.relay.session_count == 3);
    client_close(client_greet(&rig, 0, 0));
}

static void
one_address_has_so_many_sessions_and_the_rest_wait_outside(void **state)
{
    struct client *a, *b, *c;

    (void)state;
    rig_halt(&rig);
    rig_start(&rig, "[network]\nsessions_per_address = 2\n");
    a = client_greet(&rig, 0, 0);
    b = client_raw(&rig);
    RIG_UNTIL(&rig, rig.relay.session_count == 2);
    c = client_raw(&rig);
    RIG_UNTIL(&rig, c->fd < 0);
    assert_int_equal(c->raw_bytes, 0);
    assert_int_equal(rig.relay.stats.turned_away, 1);
    client_close(b);
    RIG_UNTIL(&rig, rig.relay.session_count == 1);
    client_close(client_greet(&rig, 1, 0));
    client_settle(a);
}

static void
guests_make_room_for_devices_and_never_the_other_way(void **state)
{
    struct client *raw[9], *stranger, *device;

    (void)state;
    rig_halt(&rig);
    rig_start(&rig, "[network]\nsessions = 10\n");
    stranger = client_open(&rig, RIG_STRANGER);
    for (int i = 0; i < 9; i++)
        raw[i] = client_raw(&rig);
    RIG_UNTIL(&rig, stranger->fd < 0); /* the oldest of ten guests */
    assert_int_equal(rig.relay.guest_count, 9);
    device = client_greet(&rig, 0, 0);
    assert_true(raw[0]->fd < 0);
    assert_int_equal(rig.relay.guest_count, 8);
    for (unsigned d = 1; d < 3; d++)
        client_settle(client_greet(&rig, (int)d, 0));
    assert_int_equal(rig.relay.session_count, 10);
    assert_int_equal(rig.relay.guest_count, 7);
    assert_true(raw[1]->fd < 0);
    assert_true(raw[2]->fd >= 0);
    client_settle(device);
}

static void
a_relay_full_of_devices_takes_no_more(void **state)
{
    struct client *device, *late;

    (void)state;
    rig_halt(&rig);
    rig_start(&rig, "[network]\nsessions = 1\n");
    device = client_greet(&rig, 0, 0);
    late = client_raw(&rig);
    RIG_UNTIL(&rig, late->fd < 0);
    assert_int_equal(rig.relay.stats.turned_away, 1);
    client_settle(device);
}

static void
handshakes_have_a_budget(void **state)
{
    struct client *first, *second;

    (void)state;
    rig_halt(&rig);
    rig_start(&rig, "[network]\nhandshakes_per_second = 1\n");
    first = client_begin(&rig, 0);
    second = client_begin(&rig, 1);
    RIG_UNTIL(&rig, first->ready);
    assert_int_equal(client_end(second), -1);
    assert_int_equal(rig.relay.stats.turned_away, 1);
    (void)client_hear(first, MSG_WELCOME, 0);
}

/* ---- a client that does not read ---- */

static struct session *
only_session(void)
{
    assert_int_equal(rig.relay.session_count, 1);
    return session_from_node(list_first(&rig.relay.sessions));
}

static void
questions_without_reading_are_held_back_and_answered_later(void **state)
{
    enum { QUESTIONS = 1200, BOUND = 1280 * 1024 };
    struct client *c = client_greet(&rig, 0, 0);
    struct msg_field f[] = {msg_u(0), msg_u(512)};
    struct session *s = only_session();
    size_t n = 0;

    (void)state;
    c->is_deaf = true;
    for (int i = 0; i < QUESTIONS; i++)
        (void)client_say(c, MSG_DIR_GET, f, 2);
    while (session_unsent(s) <= STREAM_LOW_BYTES)
        rig_turn(&rig);
    assert_true(session_unsent(s) <= BOUND);
    assert_true(rig.relay.stats.messages < QUESTIONS);
    c->is_deaf = false;
    while ((n = client_count(c, MSG_DIR)) < QUESTIONS) {
        assert_true(session_unsent(s) <= BOUND);
        rig_turn(&rig);
    }
    for (uint32_t req = 1; req < QUESTIONS; req++)
        assert_true(c->heard[req].m.req < c->heard[req + 1].m.req);
}

static void
pushes_without_reading_end_the_session(void **state)
{
    struct client *c = client_greet(&rig, 0, 1);
    uint8_t *leaf = calloc(1, 8192);
    struct msg_field leaves[100], f[3];
    struct session *s = only_session();
    unsigned n = 0;

    (void)state;
    for (int i = 0; i < 100; i++)
        leaves[i] = msg_bin(leaf, 8192);
    f[DIR_FROM] = msg_u(0);
    f[DIR_LEAVES] = msg_list(leaves, 100);
    f[DIR_CHECKPOINT] = msg_bin(leaf, 100);
    c->is_deaf = true;
    while (rig.relay.mailrooms.count > 0) {
        session_push(s, MSG_DIR, f, 3);
        assert_true(session_unsent(s) < 5 * 1024 * 1024);
        assert_true(++n < 100);
    }
    c->is_deaf = false;
    assert_int_equal(client_end(c), BYE_IDLE);
    free(leaf);
}

/* ---- heads ---- */

static void
welcome_with(struct client *c, const struct head *dlv, const struct vkey *key)
{
    struct buf note = {0};
    struct msg_field f[3];

    assert_int_equal(head_to_note(dlv, key, &note), ERR_OK);
    f[WELCOME_DIR] = msg_nil();
    f[WELCOME_DLV] = msg_bin(note.data, note.len);
    f[WELCOME_MAIL] = msg_u(0);
    (void)client_hear(c, MSG_WELCOME, 0);
    (void)client_say(c, MSG_WELCOME, f, 3);
    buf_clear(&note);
}

static void
a_head_under_another_key_is_the_clients_own_affair(void **state)
{
    struct client *c = client_open(&rig, 0);
    struct head h = {.size = 1000};
    struct vkey other;

    (void)state;
    assert_int_equal(vkey_make(&other, "relay.test/delivery", NOTE_ED25519,
                               &rig.net.devices[0].sign.pub),
                     ERR_OK);
    assert_int_equal(head_sign(&h, other.name, &rig.net.devices[0].sign),
                     ERR_OK);
    welcome_with(c, &h, &other);
    client_settle(c);
}

static void
a_head_of_ours_that_we_do_not_have_stops_the_relay(void **state)
{
    uint64_t sizes[] = {1000, 1};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct client *c = client_open(&rig, 0);
        const struct vkey *key = store_vkey(rig.relay.store, STORE_DELIVERY);
        struct head h = {.size = sizes[i], .root = {{0x66}}};

        assert_int_equal(head_sign(&h, key->name, &rig.net.log_key), ERR_OK);
        welcome_with(c, &h, key);
        RIG_UNTIL(&rig, rig.relay.fatal != ERR_OK);
        assert_int_equal(rig.relay.fatal, ERR_CONFLICT);
        rig.relay.fatal = ERR_OK; /* to go on with this one */
        client_close(c);
    }
}

/* ---- close at turn 0, 1, 2... ---- */

struct story {
    struct client *c;
    struct parcel p;
    bool greeted, done;
};

/* Greets, then asks several things at once; true when all are answered. */
static void
go_on(struct story *st)
{
    struct client *c = st->c;
    struct msg_field f[3] = {msg_nil(), msg_nil(), msg_u(1)};
    uint8_t digest[32] = {0};

    if (!st->greeted && client_count(c, MSG_WELCOME) > 0) {
        st->greeted = true;
        (void)client_say(c, MSG_WELCOME, f, 3);
        (void)client_say_send(c, &st->p);
        f[BLOB_PUT_ATT_ID] = msg_bin(digest, 16);
        f[BLOB_PUT_CT_LEN] = msg_u(LIMIT_ATT_CT_MIN);
        f[BLOB_PUT_DIGEST] = msg_bin(digest, 32);
        (void)client_say(c, MSG_BLOB_PUT, f, 3);
        f[DIR_GET_FROM] = msg_u(0);
        f[DIR_GET_MAX] = msg_u(512);
        (void)client_say(c, MSG_DIR_GET, f, 2);
    }
    st->done = client_count(c, MSG_LOGGED) == 1 &&
               client_count(c, MSG_BLOB_AT) == 1 &&
               client_count(c, MSG_DIR) == 1;
}

static bool
run_story(struct story *st, unsigned turns)
{
    st->c = client_begin(&rig, 0);
    st->greeted = st->done = false;
    for (unsigned i = 0; i < turns && !st->done; i++) {
        rig_turn(&rig);
        go_on(st);
    }
    return st->done;
}

static void
story_init(struct story *st)
{
    static const unsigned device = 1;
    struct client *hub = client_greet(&rig, 1, 0);

    client_put_prekey(hub, 1);
    client_close(hub);
    RIG_UNTIL(&rig, rig.relay.session_count == 0);
    parcel_make(&rig, &st->p, 1, 1, &device, 1);
}

static void
a_client_may_leave_at_any_turn(void **state)
{
    struct story st;
    bool done = false;

    (void)state;
    story_init(&st);
    for (unsigned turns = 0; !done; turns++) {
        done = run_story(&st, turns);
        client_close(st.c);
        RIG_UNTIL(&rig, rig.relay.session_count == 0);
        assert_true(turns < 500);
    }
    parcel_clear(&st.p);
}

static void
the_relay_may_stop_at_any_turn(void **state)
{
    struct story st;
    bool done = false;

    (void)state;
    story_init(&st);
    for (unsigned turns = 0; !done; turns++) {
        done = run_story(&st, turns);
        rig_halt(&rig); /* asserts that nothing is left */
        rig_start(&rig, NULL);
        assert_true(turns < 500);
    }
    parcel_clear(&st.p);
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        T(the_relay_welcomes_with_both_heads),
        T(a_question_before_welcome_ends_the_session),
        T(a_second_welcome_ends_the_session),
        T(garbage_before_authentication_is_answered_with_nothing),
        T(a_device_that_is_not_in_the_directory_hears_message_two_only),
        T(garbage_after_the_handshake_ends_the_session_without_an_answer),
        T(what_is_no_message_ends_the_session),
        T(a_blob_record_that_nobody_expects_ends_the_session),
        T(every_class_may_ask_exactly_what_the_table_says),
        T(the_newest_mailbox_session_wins),
        T(a_fifth_session_of_one_device_is_refused_in_the_handshake),
        T(one_address_has_so_many_sessions_and_the_rest_wait_outside),
        T(guests_make_room_for_devices_and_never_the_other_way),
        T(a_relay_full_of_devices_takes_no_more),
        T(handshakes_have_a_budget),
        T(questions_without_reading_are_held_back_and_answered_later),
        T(pushes_without_reading_end_the_session),
        T(a_head_under_another_key_is_the_clients_own_affair),
        T(a_head_of_ours_that_we_do_not_have_stops_the_relay),
        T(a_client_may_leave_at_any_turn),
        T(the_relay_may_stop_at_any_turn),
    };

    os_ignore_signals();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
