/* Statements, joining, auditing and proofs through a whole relay. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/clock.h"
#include "common/os.h"
#include "proto/invite.h"
#include "proto/merkle.h"
#include "proto/proof.h"
#include "server/session.h"
#include "tests/lib/relay_rig.h"

static struct rig rig;
static struct client *office; /* the registrar's, with mail */

static int
set_up(void **state)
{
    (void)state;
    rig_init(&rig);
    rig_start(&rig, NULL);
    office = client_greet(&rig, 4, 1);
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    rig_stop_and_check(&rig);
    return 0;
}

/* Every push that the office got is dropped. */
static void
forget_pushes(void)
{
    client_settle(office);
    while (client_take(office, MSG_DIR, 0) != NULL ||
           client_take(office, MSG_EVENTS, 0) != NULL)
        ;
}

static struct parcel
waiting_packet(struct client *from)
{
    static const unsigned device = 1;
    struct client *hub = client_greet(&rig, 1, 0);
    struct parcel p;

    client_put_prekey(hub, 1);
    client_close(hub);
    parcel_make(&rig, &p, 1, 1, &device, 1);
    (void)client_send(from, &p);
    return p;
}

/* ---- reading ---- */

static void
the_directory_comes_in_pages_with_a_checkpoint(void **state)
{
    struct msg_field f[] = {msg_u(0), msg_u(4)};
    const struct msg *m;
    struct head h;

    (void)state;
    do {
        m = client_ask(office, MSG_DIR_GET, f, 2);
        assert_int_equal(m->f[DIR_FROM].u, f[0].u);
        assert_true(m->f[DIR_LEAVES].len <= 4);
        for (size_t i = 0; i < m->f[DIR_LEAVES].len; i++) {
            const struct buf *leaf = &rig.net.leaves[f[0].u + i];

            assert_int_equal(m->f[DIR_LEAVES].items[i].len, leaf->len);
            assert_memory_equal(m->f[DIR_LEAVES].items[i].p, leaf->data,
                                leaf->len);
        }
        f[0].u += m->f[DIR_LEAVES].len;
    } while (m->f[DIR_LEAVES].len > 0);
    assert_int_equal(f[0].u, rig.net.n_leaves);
    assert_int_equal(
        head_from_note(m->f[DIR_CHECKPOINT].p, m->f[DIR_CHECKPOINT].len,
                       store_vkey(rig.relay.store, STORE_DIRECTORY), NULL, 0,
                       &h, NULL),
        ERR_OK);
    assert_int_equal(h.size, rig.net.n_leaves);
}

static void
take_path(const struct msg *m, struct hash path[MERKLE_PATH_MAX], size_t *n)
{
    *n = m->f[PROOF_HASHES].len;
    for (size_t i = 0; i < *n; i++)
        msg_copy(path[i].b, &m->f[PROOF_HASHES].items[i], 32);
}

static void
proofs_verify_and_do_not_go_beyond_the_log(void **state)
{
    uint64_t size = rig.net.n_leaves;
    struct msg_field f[] = {msg_u(LOG_DIRECTORY), msg_u(3), msg_u(size)};
    struct hash path[MERKLE_PATH_MAX], root, old, leaf;
    size_t n;

    (void)state;
    assert_int_equal(directory_root_at(rig.net.dir, size, &root), ERR_OK);
    assert_int_equal(directory_root_at(rig.net.dir, 3, &old), ERR_OK);
    merkle_leaf(rig.net.leaves[3].data, rig.net.leaves[3].len, &leaf);
    take_path(client_ask(office, MSG_PROOF_GET, f, 3), path, &n);
    assert_int_equal(merkle_verify_inclusion(&leaf, 3, size, path, n, &root),
                     ERR_OK);
    take_path(client_ask(office, MSG_CONSISTENCY_GET, f, 3), path, &n);
    assert_int_equal(merkle_verify_consistency(3, size, &old, &root, path, n),
                     ERR_OK);
    f[2].u = size + 1;
    assert_int_equal(client_ask_error(office, MSG_PROOF_GET, f, 3),
                     PERR_NOTFOUND);
    assert_int_equal(client_ask_error(office, MSG_CONSISTENCY_GET, f, 3),
                     PERR_NOTFOUND);
    f[2].u = UINT64_MAX;
    f[1].u = UINT64_MAX - 1;
    assert_int_equal(client_ask_error(office, MSG_PROOF_GET, f, 3),
                     PERR_NOTFOUND);
}

static void
tiles_are_asked_for_by_their_path(void **state)
{
    struct msg_field f[] = {msg_u(LOG_DIRECTORY), msg_str("tile/0/000.p/2")};
    const struct msg *m = client_ask(office, MSG_TILE_GET, f, 2);

    (void)state;
    assert_int_equal(m->f[TILE_BYTES].len, 64);
    assert_memory_equal(m->f[TILE_BYTES].p,
                        directory_leaf_hash(rig.net.dir, 0)->b, 32);
    f[1] = msg_str("tile/../keys");
    assert_int_equal(client_ask_error(office, MSG_TILE_GET, f, 2),
                     PERR_MALFORMED);
    f[1] = msg_str("tile/0/000");
    assert_int_equal(client_ask_error(office, MSG_TILE_GET, f, 2),
                     PERR_NOTFOUND);
}

/* ---- STMT_PUT ---- */

static void
a_statement_is_logged_told_and_answered_again(void **state)
{
    struct client *shelter = client_greet(&rig, 0, 1);
    const struct msg *m;

    (void)state;
    net_agency(&rig.net, "New Agency", CLASS_PARTNER);
    rig_log_newest(&rig, office);
    m = client_hear(shelter, MSG_DIR, 0);
    assert_int_equal(m->f[DIR_FROM].u, rig.net.n_leaves - 1);
    assert_int_equal(m->f[DIR_LEAVES].len, 1);
    (void)client_hear(office, MSG_DIR, 0);
    rig_log_newest(&rig, office); /* the same index again */
    client_settle(office);
    assert_int_equal(rig.relay.stats.errors, 0);
}

static void
a_statement_that_does_not_fit_is_refused(void **state)
{
    const struct buf *leaf;
    struct msg_field f[1];
    struct buf spoilt = {0};

    (void)state;
    net_agency(&rig.net, "First", CLASS_PARTNER);
    net_agency(&rig.net, "Second", CLASS_PARTNER);
    leaf = &rig.net.leaves[rig.net.n_leaves - 1]; /* not yet its turn */
    f[STMT_PUT_STMT] = msg_bin(leaf->data, leaf->len);
    assert_int_equal(client_ask_error(office, MSG_STMT_PUT, f, 1), PERR_STMT);
    leaf = &rig.net.leaves[rig.net.n_leaves - 2];
    buf_put(&spoilt, leaf->data, leaf->len);
    spoilt.data[spoilt.len - 1] ^= 1;
    f[STMT_PUT_STMT] = msg_bin(spoilt.data, spoilt.len);
    assert_int_equal(client_ask_error(office, MSG_STMT_PUT, f, 1), PERR_STMT);
    f[STMT_PUT_STMT] = msg_bin("garbage", 7);
    assert_int_equal(client_ask_error(office, MSG_STMT_PUT, f, 1), PERR_STMT);
    f[STMT_PUT_STMT] = msg_bin(leaf->data, leaf->len);
    (void)client_ask(office, MSG_STMT_PUT, f, 1);
    buf_clear(&spoilt);
}

static void
a_stranger_puts_a_few_statements_a_minute(void **state)
{
    struct client *c = client_open(&rig, RIG_STRANGER);
    struct msg_field f[] = {msg_bin("garbage", 7)};
    unsigned rated = 0;

    (void)state;
    for (int i = 0; i < 9; i++) { /* a minute may end in between */
        unsigned code = client_ask_error(c, MSG_STMT_PUT, f, 1);

        assert_true(code == PERR_STMT || code == PERR_RATE);
        rated += code == PERR_RATE;
    }
    assert_true(rated >= 1 && rated <= 5);
    client_close(c);
    c = client_open(&rig, RIG_STRANGER);
    assert_int_equal(client_ask_error(c, MSG_STMT_PUT, f, 1), PERR_RATE);
}

/* Every client holds every leaf for ever. */
static void
an_agency_cannot_flood_the_directory(void **state)
{
    struct client *c = client_greet(&rig, 1, 0);
    static const unsigned member = 1;
    struct msg_field f[1];
    unsigned code = 0;
    char label[16];

    (void)state;
    for (unsigned i = 0; i <= 256; i++) {
        const struct buf *leaf;

        (void)snprintf(label, sizeof(label), "team %u", i);
        net_mailbox_update(&rig.net, 1, label, MAILBOX_OPEN, &member, 1);
        leaf = &rig.net.leaves[rig.net.n_leaves - 1];
        f[0] = msg_bin(leaf->data, leaf->len);
        if (i < 256)
            (void)client_ask(c, MSG_STMT_PUT, f, 1);
        else
            code = client_ask_error(c, MSG_STMT_PUT, f, 1);
    }
    assert_int_equal(code, PERR_RATE);
    net_suspend(&rig.net, 0, 1); /* the registrar is not held up */
    f[0] = msg_bin(rig.net.leaves[rig.net.n_leaves - 1].data,
                   rig.net.leaves[rig.net.n_leaves - 1].len);
    (void)client_ask(office, MSG_STMT_PUT, f, 1);
}

static void
a_revoked_device_is_put_out_at_once_and_for_good(void **state)
{
    struct client *mail = client_greet(&rig, 1, 1);
    struct client *plain = client_greet(&rig, 1, 0);
    struct client *other = client_greet(&rig, 2, 1);

    (void)state;
    net_revoke(&rig.net, 1, REVOKE_STOLEN, rig.net.now_s);
    rig_log_newest(&rig, other);
    assert_int_equal(client_end(mail), BYE_AUTHORITY);
    assert_int_equal(client_end(plain), BYE_AUTHORITY);
    client_settle(other);
    assert_int_equal(client_end(client_open(&rig, 1)), -1);
}

static void
a_packet_that_loses_its_last_device_is_refused_with_the_statement(void **state)
{
    struct client *from = client_greet(&rig, 0, 1);
    struct parcel p = waiting_packet(from);
    const struct buf *leaf;
    const struct msg_field *row;
    struct event e;

    (void)state;
    (void)client_hear(from, MSG_EVENTS, 0); /* stored */
    net_revoke(&rig.net, 1, REVOKE_LOST, rig.net.now_s);
    rig_log_newest(&rig, office);
    leaf = &rig.net.leaves[rig.net.n_leaves - 1];
    row = client_hear(from, MSG_EVENTS, 0)->f[EVENTS_ROWS].items[0].items;
    assert_int_equal(opening_decode(row[EVENTS_ROW_OPENING].p,
                                    row[EVENTS_ROW_OPENING].len, &e),
                     ERR_OK);
    assert_int_equal(e.type, EVENT_REFUSED);
    assert_int_equal(e.reason, REASON_NO_LIVE_DEVICE);
    assert_int_equal(row[EVENTS_ROW_EVIDENCE].len, leaf->len);
    assert_memory_equal(row[EVENTS_ROW_EVIDENCE].p, leaf->data, leaf->len);
    parcel_clear(&p);
}

static void
a_suspended_agency_may_learn_that_it_is_and_nothing_else(void **state)
{
    struct client *from = client_greet(&rig, 0, 0);
    struct parcel p = waiting_packet(from);
    struct client *hub;
    struct msg_field f[] = {msg_u(0), msg_u(1), msg_u(1)};

    (void)state;
    net_suspend(&rig.net, HUB, 1);
    rig_log_newest(&rig, office);
    hub = client_greet(&rig, 1, 1); /* settles with PROOF_GET */
    (void)client_ask(hub, MSG_DIR_GET, f, 2);
    (void)client_ask(hub, MSG_CONSISTENCY_GET, f, 3);
    assert_int_equal(client_ask_error(hub, MSG_EVENTS_GET, f, 2), PERR_SENDER);
    assert_int_equal(client_count(hub, MSG_DELIVER), 0);
    p.h.packet.b[2] = 1;
    parcel_encode(&p, 2);
    (void)client_hear(from, MSG_ERROR, client_say_send(from, &p));
    net_suspend(&rig.net, HUB, 0);
    rig_log_newest(&rig, office);
    (void)client_hear(hub, MSG_DELIVER, 0);
    (void)client_ask(hub, MSG_EVENTS_GET, f, 2);
    parcel_clear(&p);
}

/* ---- joining ---- */

static const uint8_t code[16] = "a code of bytes";

static void
invite(void)
{
    struct hash h;
    struct msg_field f[2];

    invite_code_hash(&h, code);
    f[INVITE_NEW_CODE_HASH] = msg_bin(h.b, 32);
    f[INVITE_NEW_EXPIRY] = msg_u(clock_wall_ms() / 1000 + 3600);
    (void)client_ask(office, MSG_INVITE_NEW, f, 2);
}

static unsigned
status(struct client *c)
{
    struct msg_field f[] = {msg_bin(code, 16)};

    return (unsigned)client_ask(c, MSG_JOIN_STATUS, f, 1)->f[0].u;
}

/* The applicant stands as agency and device NET_MAX - 1. */
static void
apply_to_join(struct client *c, struct buf *request)
{
    struct msg_field f[2];

    rig_join_request(&rig, request, "New Shelter",
                     &rig.net.devices[NET_MAX - 1]);
    f[JOIN_CODE] = msg_bin(code, 16);
    f[JOIN_REQUEST] = msg_bin(request->data, request->len);
    assert_int_equal(client_ask(c, MSG_JOIN, f, 2)->f[0].u, JOIN_WAITING);
}

static void
admit(struct buf *out)
{
    struct statement st;

    net_fill_admit(&rig.net, &st, &rig.net.agencies[NET_MAX - 1].root,
                   "New Shelter", CLASS_NON_STATUTORY);
    net_build_registrar(&rig.net, out, &st);
}

static void
an_applicant_joins_with_a_code_and_connects(void **state)
{
    struct client *c = client_open(&rig, RIG_STRANGER);
    struct buf request = {0}, statement = {0};
    struct msg_field f[2];
    const struct msg *m;

    (void)state;
    assert_int_equal(status(c), JOIN_UNKNOWN);
    invite();
    assert_int_equal(status(c), JOIN_UNKNOWN);
    apply_to_join(c, &request);
    assert_int_equal(status(c), JOIN_WAITING);
    m = client_ask(office, MSG_JOIN_LIST, NULL, 0);
    assert_int_equal(m->f[JOINS_ROWS].len, 1);
    assert_int_equal(m->f[JOINS_ROWS].items[0].items[1].len, request.len);
    admit(&statement);
    f[STMT_PUT_STMT] = msg_bin(statement.data, statement.len);
    (void)client_ask(office, MSG_STMT_PUT, f, 1);
    while (client_count(office, MSG_DIR) < 3) /* ADMIT, DEVICE, MAILBOX */
        rig_turn(&rig);
    assert_int_equal(status(c), JOIN_ADMITTED);
    client_close(client_greet(&rig, NET_MAX - 1, 1));
    m = client_ask(office, MSG_JOIN_LIST, NULL, 0);
    assert_int_equal(m->f[JOINS_ROWS].len, 0);
    buf_clear(&request);
    buf_clear(&statement);
}

static void
a_code_is_needed_binds_the_first_and_does_not_live_long(void **state)
{
    struct client *c = client_open(&rig, RIG_STRANGER);
    struct buf request = {0}, other = {0};
    struct msg_field f[2];

    (void)state;
    rig_join_request(&rig, &other, "Second", &rig.net.devices[NET_MAX - 1]);
    f[JOIN_CODE] = msg_bin(code, 16);
    f[JOIN_REQUEST] = msg_bin(other.data, other.len);
    assert_int_equal(client_ask_error(c, MSG_JOIN, f, 2), PERR_INVITE);
    invite();
    invite(); /* the same again */
    apply_to_join(c, &request);
    assert_int_equal(client_ask_error(c, MSG_JOIN, f, 2), PERR_INVITE);
    f[JOIN_REQUEST] = msg_bin(request.data, request.len);
    assert_int_equal(client_ask(c, MSG_JOIN, f, 2)->f[0].u, JOIN_WAITING);
    f[JOIN_REQUEST] = msg_bin("garbage", 7);
    assert_int_equal(client_ask_error(c, MSG_JOIN, f, 2), PERR_STMT);
    f[INVITE_NEW_CODE_HASH] = msg_bin(request.data, 32);
    f[INVITE_NEW_EXPIRY] = msg_u(clock_wall_ms() / 1000 + (uint64_t)15 * 86400);
    assert_int_equal(client_ask_error(office, MSG_INVITE_NEW, f, 2),
                     PERR_INVITE);
    f[INVITE_NEW_EXPIRY] = msg_u(1);
    assert_int_equal(client_ask_error(office, MSG_INVITE_NEW, f, 2),
                     PERR_INVITE);
    buf_clear(&request);
    buf_clear(&other);
}

static void
a_refused_applicant_reads_why(void **state)
{
    struct client *c = client_open(&rig, RIG_STRANGER);
    struct buf request = {0};
    struct msg_field f[2];
    struct hash h;
    const struct msg *m;

    (void)state;
    invite();
    apply_to_join(c, &request);
    invite_code_hash(&h, code);
    f[JOIN_REFUSE_CODE_HASH] = msg_bin(h.b, 32);
    f[JOIN_REFUSE_REASON] = msg_str("The digits do not match.");
    (void)client_ask(office, MSG_JOIN_REFUSE, f, 2);
    f[JOIN_STATUS_CODE] = msg_bin(code, 16);
    m = client_ask(c, MSG_JOIN_STATUS, f, 1);
    assert_int_equal(m->f[JOIN_STATE_STATE].u, JOIN_REFUSED);
    assert_int_equal(m->f[JOIN_STATE_DETAIL].len, 24);
    buf_clear(&request);
}

/* The relay stops some turns after the registrar's ADMIT has left. */
static bool
admit_and_stop_after(unsigned turns)
{
    struct buf statement = {0};
    struct msg_field f[1];
    bool all;

    admit(&statement);
    f[STMT_PUT_STMT] = msg_bin(statement.data, statement.len);
    (void)client_say(office, MSG_STMT_PUT, f, 1);
    for (unsigned i = 0; i < turns && client_count(office, MSG_DIR) < 3; i++)
        rig_turn(&rig);
    all = client_count(office, MSG_DIR) == 3;
    rig_halt(&rig);
    rig_start(&rig, NULL);
    office = client_greet(&rig, 4, 1);
    /* Whatever was lost: the registrar says it again. */
    (void)client_ask(office, MSG_STMT_PUT, f, 1);
    buf_clear(&statement);
    return all;
}

static void
a_join_cut_short_is_finished_after_the_start(void **state)
{
    bool all = false;

    for (unsigned turns = 0; !all; turns++) {
        struct client *c = client_open(&rig, RIG_STRANGER);
        struct buf request = {0};
        unsigned seen;

        invite();
        apply_to_join(c, &request);
        buf_clear(&request);
        forget_pushes();
        all = admit_and_stop_after(turns);
        c = client_open(&rig, RIG_STRANGER);
        do
            seen = status(c);
        while (seen == JOIN_WAITING);
        assert_int_equal(seen, JOIN_ADMITTED);
        client_close(client_greet(&rig, NET_MAX - 1, 1));
        RIG_UNTIL(&rig, directory_agency(rig.relay.directory,
                                         &rig.net.agencies[NET_MAX - 1].id)
                                ->n_mailboxes == 1);
        assert_true(turns < 100);
        if (!all) {
            (void)tear_down(state);
            (void)set_up(state);
        }
    }
}

/* ---- auditors ---- */

static const struct msg *
audit(struct client *c, uint64_t from, uint64_t to)
{
    struct msg_field f[] = {msg_u(from), msg_u(to)};

    return client_ask(c, MSG_AUDIT_GET, f, 2);
}

static uint64_t
log_end(void)
{
    struct head heads[STORE_LOGS];

    store_heads(rig.relay.store, heads);
    assert_in_range(heads[STORE_DELIVERY].size, 1, 511);
    return heads[STORE_DELIVERY].size;
}

static struct event
row_event(const struct msg *m, size_t i)
{
    const struct msg_field *row = m->f[EVENTS_ROWS].items[i].items;
    struct event e;

    assert_int_equal(opening_decode(row[EVENTS_ROW_OPENING].p,
                                    row[EVENTS_ROW_OPENING].len, &e),
                     ERR_OK);
    return e;
}

static void
an_auditor_reads_its_scope_and_the_reading_is_logged(void **state)
{
    struct client *from = client_greet(&rig, 0, 0);
    struct client *auditor = client_greet(&rig, 3, 0);
    struct parcel p = waiting_packet(from);
    const struct msg *m;
    struct event e;
    struct msg_field f[] = {msg_u(0), msg_u(513)};

    (void)state;
    m = audit(auditor, 0, 512);
    assert_int_equal(m->f[EVENTS_ROWS].len, 2);
    assert_int_equal(m->f[EVENTS_NEXT].u, log_end());
    e = row_event(m, 0);
    assert_int_equal(e.type, EVENT_STORED);
    assert_memory_equal(e.pkt_digest.b, p.digest.b, 32);
    e = row_event(m, 1);
    assert_int_equal(e.type, EVENT_AUDITOR_READ);
    assert_memory_equal(e.actor.b, rig.net.devices[3].id.b, 16);
    assert_int_equal(m->f[EVENTS_ROWS].items[0].items[3].len, 0);
    assert_int_equal(client_ask_error(auditor, MSG_AUDIT_GET, f, 2),
                     PERR_TOOBIG);
    assert_int_equal(client_ask_error(from, MSG_AUDIT_GET, f, 2), PERR_DENIED);
    parcel_clear(&p);
}

static void
an_auditor_sees_nothing_outside_its_scope(void **state)
{
    struct client *from = client_greet(&rig, 0, 0);
    struct client *auditor = client_greet(&rig, 3, 0);
    struct parcel p = waiting_packet(from);
    struct statement st;
    const struct msg *m;

    (void)state;
    net_fill_admit(&rig.net, &st, &rig.net.agencies[AUDITOR].root,
                   "City Auditor", CLASS_AUDITOR);
    st.body.admit.services = text_ref("scope agencies=* from=* to=2020-01-01");
    assert_int_equal(net_log_registrar(&rig.net, &st).effect, DIR_APPLIED);
    rig_log_newest(&rig, office);
    m = audit(auditor, 0, 512);
    assert_int_equal(m->f[EVENTS_ROWS].len, 0);
    assert_int_equal(m->f[EVENTS_NEXT].u, log_end());
    m = audit(auditor, 1 << 20, (1 << 20) + 1);
    assert_int_equal(m->f[EVENTS_ROWS].len, 0);
    assert_int_equal(m->f[EVENTS_NEXT].u, log_end());
    m = audit(auditor, 0, 1);
    assert_int_equal(m->f[EVENTS_NEXT].u, 1);
    parcel_clear(&p);
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        T(the_directory_comes_in_pages_with_a_checkpoint),
        T(proofs_verify_and_do_not_go_beyond_the_log),
        T(tiles_are_asked_for_by_their_path),
        T(a_statement_is_logged_told_and_answered_again),
        T(a_statement_that_does_not_fit_is_refused),
        T(a_stranger_puts_a_few_statements_a_minute),
        T(an_agency_cannot_flood_the_directory),
        T(a_revoked_device_is_put_out_at_once_and_for_good),
        T(a_packet_that_loses_its_last_device_is_refused_with_the_statement),
        T(a_suspended_agency_may_learn_that_it_is_and_nothing_else),
        T(an_applicant_joins_with_a_code_and_connects),
        T(a_code_is_needed_binds_the_first_and_does_not_live_long),
        T(a_refused_applicant_reads_why),
        T(a_join_cut_short_is_finished_after_the_start),
        T(an_auditor_reads_its_scope_and_the_reading_is_logged),
        T(an_auditor_sees_nothing_outside_its_scope),
    };

    os_ignore_signals();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
