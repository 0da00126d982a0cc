#include "tests/lib/office_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "client/office.h"
#include "client/records.h"
#include "client/registrar.h"
#include "client/roster.h"
#include "client/vault.h"
#include "common/os.h"
#include "proto/note.h"
#include "tests/lib/scratch.h"

static const char nobody_listens[] = "127.0.0.1:1";

struct office_fixture of;
json_t *office_result;

static struct sign_secret log_key;

const char *
office_path(const char *name)
{
    static char paths[4][512];
    static unsigned turn;
    char *out = paths[turn++ % 4];

    (void)snprintf(out, sizeof(paths[0]), "%s/%s", of.scratch, name);
    return out;
}

void
office_app(struct app *app, const char *home)
{
    memset(app, 0, sizeof(*app));
    app->home = strdup(home);
    app->json = true;
    app->yes = true;
    app->pass_fd = -1;
    app->paper_fd = -1;
    app->pass_file = of.passphrase;
    app->result = json_object();
    assert_non_null(app->home);
}

void
office_app_clear(struct app *app)
{
    app->json = false; /* nothing is printed */
    app_clear(app);
}

int
office_run(const char *home, command_fn *cmd, ...)
{
    char *argv[32];
    struct app app;
    va_list ap;
    int argc = 0;
    int code;

    va_start(ap, cmd);
    while (argc < 31 && (argv[argc] = va_arg(ap, char *)) != NULL)
        argc++;
    va_end(ap);
    argv[argc] = NULL;
    office_app(&app, home);
    code = cmd(&app, argc, argv);
    json_decref(office_result);
    office_result = json_incref(app.result);
    office_app_clear(&app);
    return code;
}

const char *
office_error(void)
{
    return json_get_str(json_object_get(office_result, "error"), "code");
}

/* ---- founding ---- */

static void
found(const struct relay_card *card)
{
    struct founding f = {
        .card = card,
        .address = nobody_listens,
        .name = "Test Registrar",
        .country = "GB",
        .mailbox_label = "Registry",
        .device_label = "Desk",
        .contact = "",
        .retention_days = 30,
    };
    struct problem pb = {0};
    uint8_t seed[32];

    memset(seed, 7, sizeof(seed));
    sign_keypair_from_seed(&of.key, seed);
    assert_int_equal(registrar_found(&f, &of.key, &of.id, &of.genesis, &pb),
                     ERR_OK);
}

static void
make_card(struct relay_card *card)
{
    uint8_t seed[32];

    memset(seed, 8, sizeof(seed));
    sign_keypair_from_seed(&log_key, seed);
    memset(card, 0, sizeof(*card));
    strcpy(card->name, "relay.test");
    strcpy(card->delivery_origin, "relay.test/delivery");
    strcpy(card->directory_origin, "relay.test/directory");
    memset(card->transport_key.b, 9, 32);
    card->log_key = log_key.pub;
}

/* What a first sync would have fetched. */
static void
fill_roster(struct app *app, const char *origin)
{
    struct buf leaves[8] = {0};
    struct head head = {0};
    struct buf note = {0};
    struct stmt_bundle bundle;
    struct directory *dir = directory_new(NULL);
    struct problem pb = {0};
    struct roster *r;
    struct vkey key;
    const uint8_t *bytes;
    size_t n = 0, len;

    assert_int_equal(stmt_bundle_open(&bundle, of.genesis.data, of.genesis.len),
                     ERR_OK);
    while (stmt_bundle_next(&bundle, &bytes, &len)) {
        buf_put(&leaves[n++], bytes, len);
        assert_int_equal(directory_apply(dir, bytes, len, NULL), ERR_OK);
    }
    head.size = n;
    assert_int_equal(directory_root_at(dir, n, &head.root), ERR_OK);
    assert_int_equal(vkey_make(&key, origin, NOTE_ED25519, &log_key.pub),
                     ERR_OK);
    assert_int_equal(head_sign(&head, origin, &log_key), ERR_OK);
    assert_int_equal(head_to_note(&head, &key, &note), ERR_OK);
    assert_int_equal(roster_open(app, &of.id, &r, &pb), ERR_OK);
    assert_int_equal(roster_extend(r, 0, leaves, n, note.data, note.len, &pb),
                     ERR_OK);
    roster_close(r);
    directory_free(dir);
    buf_clear(&note);
    for (size_t i = 0; i < n; i++)
        buf_clear(&leaves[i]);
}

int
office_fixture_setup(void **state)
{
    static const char passphrase[] = "four words are good\n";
    struct relay_card card;
    struct problem pb = {0};
    struct app app;

    (void)state;
    (void)setenv("SEALPOST_VAULT_COST", "floor", 1);
    of.scratch = scratch_new();
    (void)snprintf(of.home, sizeof(of.home), "%s", office_path("home"));
    (void)snprintf(of.passphrase, sizeof(of.passphrase), "%s",
                   office_path("passphrase"));
    assert_int_equal(os_write_file_atomic(of.passphrase, passphrase,
                                          sizeof(passphrase) - 1, 0600),
                     ERR_OK);
    make_card(&card);
    found(&card);
    office_app(&app, of.home);
    assert_int_equal(office_new_vault(&app, &pb), ERR_OK);
    assert_int_equal(identity_save(&app, &of.id, &pb), ERR_OK);
    assert_int_equal(office_keep_seed(&app, REC_REGISTRAR, of.key.seed, &pb),
                     ERR_OK);
    assert_int_equal(office_keep_seed(&app, REC_ROOT, of.key.seed, &pb),
                     ERR_OK);
    fill_roster(&app, card.directory_origin);
    office_app_clear(&app);
    return 0;
}

int
office_fixture_teardown(void **state)
{
    (void)state;
    json_decref(office_result);
    office_result = NULL;
    buf_clear(&of.genesis);
    scratch_free(of.scratch);
    return 0;
}
