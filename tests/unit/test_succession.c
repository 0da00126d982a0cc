#define _GNU_SOURCE /* memmem */
/* A log goes on under another name or key: the relay's side, with a real
 * relay before and after. */
#include "server/succession.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sys/stat.h>

#include <cmocka.h>

#include "common/os.h"
#include "proto/proof.h"
#include "server/forkproof.h"
#include "server/statements.h"
#include "tests/lib/relay_rig.h"
#include "tests/lib/scratch.h"

static struct rig rig;
static const unsigned hub_devices[] = {1, 2};

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
    rig_stop(&rig);
    return 0;
}

/* ---- the relay's data, stopped ---- */

static enum err
open_store(struct relay_keys **keys, struct store **st, bool past_guard,
           char why[512])
{
    struct store_config cfg = {.dir = rig.dir, .past_guard = past_guard};
    enum err rc;

    why[0] = '\0';
    assert_int_equal(keys_load(rig.dir, keys), ERR_OK);
    cfg.log_key = &(*keys)->log;
    cfg.directory_origin = (*keys)->directory_origin;
    cfg.delivery_origin = (*keys)->delivery_origin;
    rc = store_open(&cfg, st, why, 512);
    if (rc != ERR_OK)
        keys_free(*keys);
    return rc;
}

static struct succession_card
ask(bool new_key)
{
    const struct succession_wish wish = {.new_key = new_key};
    struct succession_card card;
    struct relay_keys *keys;
    struct store *st;
    char why[512];

    assert_int_equal(open_store(&keys, &st, true, why), ERR_OK);
    if (succession_ask(rig.dir, st, keys, &wish, &card, why, sizeof(why)) !=
        ERR_OK)
        fail_msg("ask: %s", why);
    store_close(st);
    keys_free(keys);
    return card;
}

/* What the card asks for, by the registrar; not applied. */
static void
fill_policy(const struct succession_card *card, struct statement *st)
{
    net_fill_policy(&rig.net, st);
    st->body.policy.log_key = card->log_key;
    st->body.policy.delivery_origin = text_ref(card->delivery_origin);
    st->body.policy.directory_origin = text_ref(card->directory_origin);
    st->body.policy.old_size = card->delivery_size;
    st->body.policy.old_root = card->delivery_root;
}

/* The file: N_LEAVES of the registrar's directory, and STMT. */
static void
make_file(size_t n_leaves, const struct buf *stmt, struct buf *out)
{
    stmt_bundle_start(out);
    for (size_t i = 0; i < n_leaves; i++)
        assert_int_equal(
            stmt_bundle_add(out, rig.net.leaves[i].data, rig.net.leaves[i].len),
            ERR_OK);
    assert_int_equal(stmt_bundle_add(out, stmt->data, stmt->len), ERR_OK);
}

static enum err
load(const struct buf *file, struct succession_done *done, char why[512])
{
    struct relay_keys *keys;
    struct store *st;
    enum err rc = open_store(&keys, &st, true, why);

    assert_int_equal(rc, ERR_OK);
    rc = succession_load(rig.dir, st, file->data, file->len, done, why, 512);
    store_close(st);
    keys_free(keys);
    return rc;
}

/* Card, POLICY, file, load; the last step is the caller's. */
static struct succession_done
succeed(bool new_key)
{
    struct succession_card card = ask(new_key);
    struct succession_done done = {0};
    struct buf stmt = {0}, file = {0};
    struct statement st;
    char why[512];

    fill_policy(&card, &st);
    net_build_registrar(&rig.net, &stmt, &st);
    make_file(rig.net.n_leaves, &stmt, &file);
    if (load(&file, &done, why) != ERR_OK)
        fail_msg("load: %s", why);
    assert_int_equal(net_log_bytes(&rig.net, stmt.data, stmt.len).effect,
                     DIR_APPLIED);
    buf_clear(&stmt);
    buf_clear(&file);
    return done;
}

static void
check_store(void)
{
    struct relay_keys *keys;
    struct store *st;
    unsigned findings = 0;
    char why[512];

    if (open_store(&keys, &st, false, why) != ERR_OK)
        fail_msg("open: %s", why);
    assert_int_equal(store_check(st, NULL, NULL, &findings), ERR_OK);
    assert_int_equal(findings, 0);
    store_close(st);
    keys_free(keys);
}

static void
runs_as(const char *origin)
{
    assert_string_equal(store_vkey(rig.relay.store, STORE_DELIVERY)->name,
                        origin);
}

/* ---- traffic ---- */

static void
put_prekeys(void)
{
    for (unsigned d = 0; d <= 2; d++) {
        struct client *c = client_greet(&rig, (int)d, 0);

        client_put_prekey(c, d);
        client_close(c);
    }
}

/* A packet from the shelter to the hub; its receipt. */
static void
send_one(unsigned n, struct packet_id *id, struct buf *receipt)
{
    struct client *c = client_greet(&rig, 0, 0);
    const struct msg *m;
    struct parcel p;

    parcel_make(&rig, &p, n, 1, hub_devices, 2);
    m = client_send(c, &p);
    if (receipt != NULL)
        buf_put(receipt, m->f[LOGGED_PROOF].p, m->f[LOGGED_PROOF].len);
    if (id != NULL)
        *id = p.h.packet;
    parcel_clear(&p);
    client_close(c);
}

static void
receipt_of(const struct packet_id *id, struct buf *out)
{
    struct client *c = client_greet(&rig, 0, 0);
    struct msg_field f[] = {[RECEIPT_GET_PACKET_ID] = msg_bin(id->b, 16)};
    const struct msg *m = client_ask(c, MSG_RECEIPT_GET, f, 1);

    buf_put(out, m->f[LOGGED_PROOF].p, m->f[LOGGED_PROOF].len);
    client_close(c);
}

static struct head
newest(enum store_log log)
{
    struct head heads[STORE_LOGS];

    store_heads(rig.relay.store, heads);
    return heads[log];
}

/* ---- all well ---- */

static void
the_log_goes_on_and_old_receipts_stay_as_they_were(void **state)
{
    struct buf before = {0}, after = {0}, later = {0};
    struct hash path[MERKLE_PATH_MAX];
    struct packet_id id;
    struct head old, now;
    struct receipt r;
    struct vkey key;
    struct succession_done done;
    size_t n = 0;

    (void)state;
    put_prekeys();
    send_one(1, &id, &before);
    old = newest(STORE_DELIVERY);
    rig_halt(&rig);
    done = succeed(true);
    assert_int_equal(done.leaves, 0);
    assert_int_equal(done.delivery_size, old.size);
    assert_int_equal(succession_settle(rig.dir), ERR_OK);
    check_store();
    rig_start(&rig, NULL);
    runs_as("relay.test/delivery/2");
    now = newest(STORE_DELIVERY);
    assert_int_equal(now.size, old.size + 1);
    assert_int_equal(
        head_verify(&now, store_vkey(rig.relay.store, STORE_DELIVERY)), ERR_OK);
    assert_int_equal(store_consistency(rig.relay.reader, STORE_DELIVERY,
                                       old.size, now.size, path, &n),
                     ERR_OK);
    assert_int_equal(merkle_verify_consistency(old.size, now.size, &old.root,
                                               &now.root, path, n),
                     ERR_OK);
    receipt_of(&id, &after);
    assert_int_equal(after.len, before.len);
    assert_memory_equal(after.data, before.data, before.len);
    send_one(2, NULL, &later);
    key = *store_vkey(rig.relay.store, STORE_DELIVERY);
    assert_int_equal(receipt_verify(later.data, later.len, &key, &r), ERR_OK);
    assert_int_equal(r.index, old.size + 1);
    rig_halt(&rig);
    check_store();
    buf_clear(&before);
    buf_clear(&after);
    buf_clear(&later);
}

static void
it_can_be_done_again(void **state)
{
    (void)state;
    put_prekeys();
    send_one(1, NULL, NULL);
    for (unsigned i = 0; i < 3; i++) {
        char name[64];

        rig_halt(&rig);
        (void)succeed(i == 1);
        assert_int_equal(succession_settle(rig.dir), ERR_OK);
        rig_start(&rig, NULL);
        (void)snprintf(name, sizeof(name), "relay.test/delivery/%u", i + 2);
        runs_as(name);
        send_one(i + 2, NULL, NULL);
    }
    rig_halt(&rig);
    check_store();
}

/* ---- a process that dies ---- */

static void
before_the_commit_everything_is_old(void **state)
{
    struct succession_card card;

    (void)state;
    rig_halt(&rig);
    card = ask(true);
    assert_string_equal(card.delivery_origin, "relay.test/delivery/2");
    assert_int_equal(succession_settle(rig.dir), ERR_OK);
    rig_start(&rig, NULL);
    runs_as("relay.test/delivery");
}

static void
after_the_commit_everything_is_new(void **state)
{
    char path[OS_PATH_MAX];

    (void)state;
    rig_halt(&rig);
    (void)succeed(true); /* and no settle: keys.next is still there */
    assert_int_equal(os_path_join(path, sizeof(path), rig.dir, "keys.next"),
                     ERR_OK);
    assert_true(os_exists(path));
    rig_start(&rig, NULL);
    runs_as("relay.test/delivery/2");
    assert_false(os_exists(path));
    rig_halt(&rig);
    check_store();
}

/* ---- a restored copy ---- */

static void
take_copy(struct snapshot *copy)
{
    rig_halt(&rig);
    snapshot_take(copy, rig.dir);
    rig_start(&rig, NULL);
}

/* The copy, with the guard as it stood last. */
static void
come_back(const struct snapshot *copy)
{
    char path[OS_PATH_MAX];
    struct buf guard = {0};

    rig_halt(&rig);
    assert_int_equal(os_path_join(path, sizeof(path), rig.dir, "guard"),
                     ERR_OK);
    assert_int_equal(os_read_file(path, 1 << 20, &guard), ERR_OK);
    snapshot_restore(copy, rig.dir);
    assert_int_equal(os_write_file_atomic(path, guard.data, guard.len, 0600),
                     ERR_OK);
    buf_clear(&guard);
    assert_int_equal(os_path_join(path, sizeof(path), rig.dir, "keys"), ERR_OK);
    assert_int_equal(chmod(path, 0600), 0);
}

static void
enroll(const char *label)
{
    struct client *office = client_greet(&rig, 4, 0);
    unsigned device = net_device(&rig.net, HUB, label);
    unsigned all[] = {1, 2, device};

    rig_log_newest(&rig, office);
    net_mailbox_update(&rig.net, 1, "intake", MAILBOX_OPEN, all, 3);
    rig_log_newest(&rig, office);
    client_close(office);
}

static void
a_restored_copy_gets_its_directory_back(void **state)
{
    struct snapshot copy;
    struct relay_keys *keys;
    struct store *st;
    struct client *c;
    struct head lost, now;
    struct succession_done done;
    char why[512];

    (void)state;
    put_prekeys();
    take_copy(&copy);
    enroll("desk 3");
    lost = newest(STORE_DIRECTORY);
    come_back(&copy);
    assert_int_equal(open_store(&keys, &st, false, why), ERR_CONFLICT);
    done = succeed(false);
    assert_int_equal(done.leaves, 2);
    assert_int_equal(succession_settle(rig.dir), ERR_OK);
    check_store();
    rig_start(&rig, NULL);
    now = newest(STORE_DIRECTORY);
    assert_int_equal(now.size, lost.size + 1);
    assert_int_equal(
        directory_root_at(rig.relay.directory, lost.size, &now.root), ERR_OK);
    assert_memory_equal(&now.root, &lost.root, sizeof(lost.root));
    c = client_greet(&rig, 6, 0); /* the device that was put back */
    client_close(c);
    rig_halt(&rig);
    check_store();
    snapshot_clear(&copy);
}

/* What the lost statements mean for packets comes behind the POLICY. */
static void
a_revocation_put_back_ends_what_waited(void **state)
{
    struct snapshot copy;
    struct client *office;
    struct store_counts counts;
    struct succession_done done;
    struct buf entry = {0};
    uint64_t at;

    (void)state;
    put_prekeys();
    send_one(1, NULL, NULL);
    take_copy(&copy);
    office = client_greet(&rig, 4, 0);
    for (unsigned d = 1; d <= 2; d++) {
        net_revoke(&rig.net, d, REVOKE_LOST, rig.net.now_s);
        rig_log_newest(&rig, office);
    }
    client_close(office);
    come_back(&copy);
    done = succeed(false);
    at = done.delivery_size;
    assert_int_equal(succession_settle(rig.dir), ERR_OK);
    rig_start(&rig, NULL);
    assert_int_equal(store_tile(rig.relay.reader, STORE_DELIVERY,
                                "tile/entries/000.p/1", &entry),
                     ERR_OK);
    assert_int_equal(store_counts(rig.relay.reader, &counts), ERR_OK);
    assert_int_equal(counts.packets.refused, 1);
    assert_int_equal(counts.packets.pending, 0);
    assert_int_equal(counts.log_size[STORE_DELIVERY], at + 2);
    rig_halt(&rig);
    check_store();
    buf_clear(&entry);
    snapshot_clear(&copy);
}

static void
a_copy_from_before_the_succession_is_refused(void **state)
{
    struct snapshot copy;
    struct relay_keys *keys;
    struct store *st;
    char why[512];

    (void)state;
    take_copy(&copy);
    rig_halt(&rig);
    (void)succeed(false);
    rig_start(&rig, NULL);
    come_back(&copy);
    assert_int_equal(open_store(&keys, &st, false, why), ERR_CONFLICT);
    assert_non_null(
        strstr(why, "older than the last change of the log's name"));
    snapshot_clear(&copy);
}

/* ---- POLICYs that do not fit ---- */

static void
refused_as(const struct buf *file, enum err rc, const char *word)
{
    struct succession_done done;
    struct store_identity id;
    char why[512];

    assert_int_equal(load(file, &done, why), rc);
    if (strstr(why, word) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", why, word);
    assert_int_equal(store_identity(rig.dir, &id), ERR_OK);
    assert_string_equal(id.origin[STORE_DELIVERY], "relay.test/delivery");
}

/* Loading ST's policy, behind all leaves but MISSING, is refused. */
static void
policy_refused(const struct statement *st, size_t missing, enum err rc,
               const char *word)
{
    struct buf stmt = {0}, file = {0};

    net_build_registrar(&rig.net, &stmt, st);
    make_file(rig.net.n_leaves - missing, &stmt, &file);
    refused_as(&file, rc, word);
    buf_clear(&stmt);
    buf_clear(&file);
}

static void
a_policy_that_does_not_fit_changes_nothing(void **state)
{
    struct succession_card card;
    struct statement st;
    struct sign_key other;

    (void)state;
    rig_halt(&rig);
    card = ask(true);
    fill_policy(&card, &st);
    st.body.policy.old_root.b[0] ^= 1;
    policy_refused(&st, 0, ERR_CONFLICT, "of another history");
    fill_policy(&card, &st);
    st.body.policy.old_size++;
    policy_refused(&st, 0, ERR_CONFLICT, "continues a log of 2 entries");
    fill_policy(&card, &st);
    memset(other.b, 7, sizeof(other.b));
    st.body.policy.log_key = other;
    policy_refused(&st, 0, ERR_CONFLICT, "another key or other names");
    fill_policy(&card, &st);
    st.body.policy.delivery_origin = text_ref("relay.test/delivery/9");
    policy_refused(&st, 0, ERR_CONFLICT, "another key or other names");
    fill_policy(&card, &st);
    st.body.policy.relay_name = text_ref("relay.other");
    policy_refused(&st, 0, ERR_CONFLICT, "made for another relay");
    fill_policy(&card, &st);
    st.seq++;
    policy_refused(&st, 0, ERR_REFUSED, "does not follow");
    fill_policy(&card, &st);
    policy_refused(&st, 1, ERR_CONFLICT, "the file knows");
    net_head_registrar(&rig.net, &st, STMT_SUSPEND);
    st.body.suspend.agency = rig.net.agencies[HUB].id;
    st.body.suspend.state = 1;
    policy_refused(&st, 0, ERR_MALFORMED, "does not end with a policy");
}

static void
it_must_be_signed_by_enough_registrars(void **state)
{
    struct succession_card card;
    struct statement st;
    struct buf stmt = {0}, file = {0};
    struct sign_secret mine = rig.net.registrars[0];

    (void)state;
    rig_halt(&rig);
    card = ask(false);
    fill_policy(&card, &st);
    assert_int_equal(stmt_build(&stmt, &st), ERR_OK); /* by nobody */
    make_file(rig.net.n_leaves, &stmt, &file);
    refused_as(&file, ERR_VERIFY, "fewer registrars signed");
    rig.net.registrars[0] = rig.net.registrars[1]; /* by somebody else */
    policy_refused(&st, 0, ERR_VERIFY, "does not verify");
    rig.net.registrars[0] = mine;
    buf_clear(&stmt);
    buf_clear(&file);
}

static void
a_policy_of_an_earlier_card_comes_too_late(void **state)
{
    struct succession_card card;
    struct buf stmt = {0}, file = {0};
    struct statement st;
    struct succession_done done;
    char why[512];

    (void)state;
    put_prekeys();
    rig_halt(&rig);
    card = ask(true);
    fill_policy(&card, &st);
    net_build_registrar(&rig.net, &stmt, &st);
    make_file(rig.net.n_leaves, &stmt, &file);
    rig_start(&rig, NULL);
    send_one(1, NULL, NULL); /* the relay was not left alone */
    rig_halt(&rig);
    refused_as(&file, ERR_CONFLICT, "continues a log of 1 entries");
    (void)succeed(true);
    assert_int_equal(succession_settle(rig.dir), ERR_OK);
    assert_int_equal(load(&file, &done, why), ERR_CONFLICT); /* replayed */
    buf_clear(&stmt);
    buf_clear(&file);
}

static void
the_same_file_again_is_told_apart(void **state)
{
    struct succession_card card;
    struct buf stmt = {0}, file = {0};
    struct statement st;
    struct succession_done done;
    char why[512];

    (void)state;
    rig_halt(&rig);
    card = ask(true);
    fill_policy(&card, &st);
    net_build_registrar(&rig.net, &stmt, &st);
    make_file(rig.net.n_leaves, &stmt, &file);
    assert_int_equal(load(&file, &done, why), ERR_OK);
    assert_int_equal(succession_settle(rig.dir), ERR_OK);
    assert_int_equal(load(&file, &done, why), ERR_EXISTS);
    file.len -= 10;
    assert_int_equal(load(&file, &done, why), ERR_MALFORMED);
    file.len += 10;
    buf_clear(&stmt);
    buf_clear(&file);
}

static void
over_the_link_it_is_refused_with_a_reason(void **state)
{
    struct succession_card card;
    struct buf stmt = {0};
    struct statement st;
    struct client *office;
    const struct msg *m;
    uint32_t req;

    (void)state;
    rig_halt(&rig);
    card = ask(true);
    rig_start(&rig, NULL);
    fill_policy(&card, &st);
    net_build_registrar(&rig.net, &stmt, &st);
    office = client_greet(&rig, 4, 0);
    {
        struct msg_field f[] = {
            [STMT_PUT_STMT] = msg_bin(stmt.data, stmt.len),
        };
        req = client_say(office, MSG_STMT_PUT, f, 1);
    }
    m = client_hear(office, MSG_ERROR, req);
    assert_int_equal(m->f[ERROR_CODE].u, PERR_STMT);
    assert_non_null(memmem(m->f[ERROR_DETAIL].p, m->f[ERROR_DETAIL].len,
                           "sealpostd succeed", 17));
    client_close(office);
    buf_clear(&stmt);
}

/* ---- heads that clients show ---- */

static void
only_a_head_of_our_own_key_stops_us(void **state)
{
    struct head lie = {.size = 99};
    struct store_reader *rd = rig.relay.reader;
    struct buf note = {0};
    struct sign_secret thief;
    struct vkey key;
    char why[512] = "";

    (void)state;
    memset(thief.seed, 3, sizeof(thief.seed));
    sign_keypair_from_seed(&thief, thief.seed);
    memset(lie.root.b, 5, sizeof(lie.root.b));
    assert_int_equal(
        vkey_make(&key, "relay.test/delivery", NOTE_ED25519, &thief.pub),
        ERR_OK);
    assert_int_equal(head_sign(&lie, key.name, &thief), ERR_OK);
    assert_int_equal(head_to_note(&lie, &key, &note), ERR_OK);
    assert_int_equal(forkproof_keep(rig.dir, note.data, note.len), ERR_OK);
    assert_int_equal(
        forkproof_check(rig.dir, rig.relay.store, rd, why, sizeof(why)),
        ERR_OK);
    buf_reset(&note);
    assert_int_equal(head_sign(&lie, key.name, &rig.net.log_key), ERR_OK);
    assert_int_equal(
        head_to_note(&lie, store_vkey(rig.relay.store, STORE_DELIVERY), &note),
        ERR_OK);
    assert_int_equal(forkproof_keep(rig.dir, note.data, note.len), ERR_OK);
    assert_int_equal(
        forkproof_check(rig.dir, rig.relay.store, rd, why, sizeof(why)),
        ERR_CONFLICT);
    assert_non_null(strstr(why, "the last 98 (entries 1 to 98) are missing"));
    /* After a succession it says nothing any more. */
    rig_halt(&rig);
    (void)succeed(false);
    rig_start(&rig, NULL);
    buf_clear(&note);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(the_log_goes_on_and_old_receipts_stay_as_they_were),
        CASE(it_can_be_done_again),
        CASE(before_the_commit_everything_is_old),
        CASE(after_the_commit_everything_is_new),
        CASE(a_restored_copy_gets_its_directory_back),
        CASE(a_revocation_put_back_ends_what_waited),
        CASE(a_copy_from_before_the_succession_is_refused),
        CASE(a_policy_that_does_not_fit_changes_nothing),
        CASE(it_must_be_signed_by_enough_registrars),
        CASE(a_policy_of_an_earlier_card_comes_too_late),
        CASE(the_same_file_again_is_told_apart),
        CASE(over_the_link_it_is_refused_with_a_reason),
        CASE(only_a_head_of_our_own_key_stops_us),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
