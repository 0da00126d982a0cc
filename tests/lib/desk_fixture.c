#include "tests/lib/desk_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "client/vault.h"
#include "common/clock.h"
#include "proto/prekey.h"
#include "tests/lib/vault_fixture.h"

struct desk_fixture df;

static void
make_network(void)
{
    net_init(&df.net);
    /* The desk asks the clock; so everything here is made now. */
    df.net.now_s = clock_wall_ms() / 1000 - 3600;
    (void)net_desk(&df.net, "Shelter", CLASS_NON_STATUTORY);
    (void)net_desk(&df.net, "Hub", CLASS_STATUTORY);
    assert_int_equal(vkey_make(&df.directory_key, "relay.test/directory",
                               NOTE_ED25519, &df.net.log_key.pub),
                     ERR_OK);
    assert_int_equal(vkey_make(&df.delivery_key, "relay.test/delivery",
                               NOTE_ED25519, &df.net.log_key.pub),
                     ERR_OK);
}

static void
make_identity(struct identity *id)
{
    const struct net_device *dev = &df.net.devices[WE];

    id->state = IDENTITY_READY;
    id->network_id = df.net.network_id;
    id->agency = df.net.agencies[WE].id;
    id->device = dev->id;
    id->mailbox = df.net.mailboxes[WE].id;
    id->sign = dev->sign;
    id->transport = dev->dh;
}

static void
make_prekey(void)
{
    uint8_t seed[32];
    uint8_t stmt[PREKEY_LEN];
    struct prekey says;

    memset(seed, 7, sizeof(seed));
    assert_int_equal(prekey_make(stmt, &says, &df.d.id.device, seed,
                                 df.net.now_s, &df.d.id.sign),
                     ERR_OK);
    df.prekey = says.id;
    df.prekey_key = says.key;
    assert_int_equal(vault_begin(fx.v), ERR_OK);
    assert_int_equal(vault_seed_put(fx.v, &says.id, seed), ERR_OK);
    assert_int_equal(vault_commit(fx.v), ERR_OK);
}

int
desk_fixture_setup(void **state)
{
    struct problem pb = {0};

    memset(&df, 0, sizeof(df));
    (void)crypto_init();
    if (fixture_setup(state) != 0)
        return -1;
    make_network();
    df.app.home = fx.dir;
    df.app.vault = fx.v;
    df.app.json = true;
    df.app.result = json_object();
    df.d.app = &df.app;
    make_identity(&df.d.id);
    assert_int_equal(roster_open(&df.app, &df.d.id, &df.d.roster, &pb), ERR_OK);
    desk_catch_up();
    make_prekey();
    return 0;
}

int
desk_fixture_teardown(void **state)
{
    desk_close(&df.d);
    json_decref(df.app.result);
    net_clear(&df.net);
    return fixture_teardown(state);
}

struct head
desk_head(const struct sign_secret *key)
{
    struct head h = {.size = df.net.n_leaves};

    assert_int_equal(directory_root_at(df.net.dir, h.size, &h.root), ERR_OK);
    assert_int_equal(head_sign(&h, df.directory_key.name, key), ERR_OK);
    return h;
}

enum err
desk_extend(uint64_t from, const struct head *h, struct problem *pb)
{
    struct buf note = {0};
    enum err rc;

    assert_int_equal(head_to_note(h, &df.directory_key, &note), ERR_OK);
    rc = roster_extend(df.d.roster, from, df.net.leaves + from,
                       df.net.n_leaves - from, note.data, note.len, pb);
    buf_clear(&note);
    return rc;
}

void
desk_catch_up(void)
{
    struct head h = desk_head(&df.net.log_key);
    struct problem pb = {0};

    assert_int_equal(
        desk_extend(directory_size(roster_directory(df.d.roster)), &h, &pb),
        ERR_OK);
}
