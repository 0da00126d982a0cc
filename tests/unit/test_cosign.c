/* The collector against a whole relay and witnesses of several tempers, over
 * real sockets. */
#include "server/cosign.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/clock.h"
#include "common/http_server.h"
#include "common/os.h"
#include "proto/trust.h"
#include "proto/witness.h"
#include "server/cosigning.h"
#include "tests/lib/relay_rig.h"
#include "tests/lib/scratch.h"

enum { WITNESSES = 4, DEADLINE_MS = 500, BEAT_MS = 20 };

enum temper { HONEST, SILENT, LIAR, BROKEN, RAMBLING, FICKLE };

struct fake {
    enum temper temper;
    struct sign_secret key;
    struct vkey vkey;
    struct witness_log logs[STORE_LOGS];
    unsigned asked, cosigned, conflicts;
};

static struct rig rig;
static uv_loop_t loop; /* of the witnesses */
static struct http_server *server;
static struct fake fakes[WITNESSES];
static struct http_exchange *held[64]; /* what SILENT does not answer */
static unsigned n_held;
static char *dir;
static char policy_path[OS_PATH_MAX];
static struct cosign *cosign;

/* ---- witnesses ---- */

static void
answer(struct http_exchange *x, unsigned status, const struct buf *body)
{
    struct http_answer a = {
        .status = status, .body = body->data, .body_len = body->len};

    http_answer(x, &a);
}

static void
judge(struct fake *w, struct http_exchange *x, const struct http_request *req)
{
    struct witness_judgement j;
    struct sign_secret *key = &w->key;
    struct sign_secret other;
    struct buf body = {0};
    uint8_t seed[32] = {99};

    witness_judge(req->body, req->body_len, w->logs, STORE_LOGS,
                  clock_wall_ms() / 1000, &j);
    if (j.why == WITNESS_OK) {
        if (w->temper == LIAR) {
            struct vkey false_key = w->vkey;

            sign_keypair_from_seed(&other, seed);
            false_key.pub = other.pub;
            assert_int_equal(witness_cosign(&j, &false_key, &other, &body),
                             ERR_OK);
        } else {
            assert_int_equal(witness_cosign(&j, &w->vkey, key, &body), ERR_OK);
            w->logs[j.log].state = j.next;
            w->cosigned++;
        }
    } else if (j.why == WITNESS_CONFLICT) {
        witness_size_format(j.size, &body);
        w->conflicts++;
    }
    answer(x, witness_status(j.why), &body);
    buf_clear(&body);
}

static void
ramble(struct http_exchange *x, unsigned status, const char *text)
{
    struct buf body = {0};

    buf_str(&body, text);
    answer(x, status, &body);
    buf_clear(&body);
}

static void
on_request(void *arg, struct http_exchange *x, const struct http_request *req)
{
    struct fake *w;
    unsigned i = 0;
    char size[16];

    (void)arg;
    assert_int_equal(sscanf(req->path, "/w%u/add-checkpoint", &i), 1);
    w = &fakes[i];
    w->asked++;
    (void)snprintf(size, sizeof(size), "%u\n", w->asked);
    switch (w->temper) {
    case SILENT:
        held[n_held++ % 64] = x;
        break;
    case BROKEN:
        http_answer_status(x, 500);
        break;
    case RAMBLING:
        ramble(x, 200, "no line of a note");
        break;
    case FICKLE:
        ramble(x, 409, size);
        break;
    case HONEST:
    case LIAR:
        judge(w, x, req);
        break;
    }
}

static void
make_fake(unsigned i)
{
    static const char *const origins[STORE_LOGS] = {
        [STORE_DIRECTORY] = "relay.test/directory",
        [STORE_DELIVERY] = "relay.test/delivery",
    };
    struct fake *w = &fakes[i];
    uint8_t seed[32];
    char name[32];

    memset(seed, (int)(60 + i), sizeof(seed));
    sign_keypair_from_seed(&w->key, seed);
    (void)snprintf(name, sizeof(name), "w%u.example", i);
    assert_int_equal(vkey_make(&w->vkey, name, NOTE_COSIGNATURE, &w->key.pub),
                     ERR_OK);
    for (int k = 0; k < STORE_LOGS; k++) {
        assert_int_equal(vkey_make(&w->logs[k].keys[0], origins[k],
                                   NOTE_ED25519, &rig.net.log_key.pub),
                         ERR_OK);
        w->logs[k].n_keys = 1;
    }
}

/* ---- the scene ---- */

static void
write_policy(void)
{
    struct buf b = {0};

    for (int k = 0; k < STORE_LOGS; k++) {
        buf_str(&b, "log ");
        vkey_format(&fakes[0].logs[k].keys[0], &b);
        buf_str(&b, "\n");
    }
    for (unsigned i = 0; i < WITNESSES; i++) {
        buf_printf(&b, "witness w%u ", i);
        vkey_format(&fakes[i].vkey, &b);
        buf_printf(&b, " http://127.0.0.1:%u/w%u\n", http_server_port(server),
                   i);
    }
    buf_str(&b, "group two 2 w0 w1 w2 w3\nquorum two\n");
    assert_int_equal(
        os_path_join(policy_path, sizeof(policy_path), dir, "policy"), ERR_OK);
    assert_int_equal(os_write_file_atomic(policy_path, b.data, b.len, 0600),
                     ERR_OK);
    buf_clear(&b);
}

static int
set_up(void **state)
{
    char conf[OS_PATH_MAX + 128];

    memset(fakes, 0, sizeof(fakes));
    n_held = 0;
    rig_init(&rig);
    dir = scratch_new();
    assert_int_equal(uv_loop_init(&loop), 0);
    assert_int_equal(http_server_open(&server, &loop, "127.0.0.1", 0,
                                      &http_limits_default, on_request, NULL),
                     ERR_OK);
    for (unsigned i = 0; i < WITNESSES; i++)
        make_fake(i);
    write_policy();
    (void)snprintf(conf, sizeof(conf),
                   "[publish]\nbeat = 100ms\n[witness]\npolicy = %s\n",
                   policy_path);
    rig_start(&rig, *state != NULL ? *state : conf);
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    rig_halt(&rig); /* the collector waits for no answer of it */
    cosign_close(cosign);
    cosign = NULL;
    http_server_close(server);
    for (unsigned i = 0; i < n_held; i++)
        http_answer_status(held[i], 503);
    (void)uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&loop), 0);
    rig_stop_and_check(&rig);
    scratch_free(dir);
    return 0;
}

static void
start(uint64_t again_ms)
{
    struct cosign_options opt = {
        .data_dir = rig.dir,
        .policy_path = policy_path,
        .beat_ms = BEAT_MS,
        .again_ms = again_ms,
        .deadline_ms = DEADLINE_MS,
    };
    char why[512] = "";

    if (cosign_open(&opt, &cosign, why, sizeof(why)) != ERR_OK)
        fail_msg("%s", why);
}

static void
turn(void)
{
    rig_turn(&rig);
    (void)uv_run(&loop, UV_RUN_NOWAIT);
}
#define UNTIL(condition)                                                       \
    do {                                                                       \
        while (!(condition))                                                   \
            turn();                                                            \
    } while (0)

static uint64_t
quorum_time(enum store_log log)
{
    struct cosigning_stats s;

    return cosigning_stats(rig.relay.cosigning, &s) ? s.quorum_time_s[log] : 0;
}

/* The newest cosigned directory head covers the whole directory. */
static bool
directory_is_covered(void)
{
    struct buf note = {0};
    struct head head = {0};

    if (store_cosigned(rig.relay.reader, STORE_DIRECTORY, rig.net.n_leaves,
                       &note) == ERR_OK)
        assert_int_equal(
            head_from_note(note.data, note.len,
                           store_vkey(rig.relay.store, STORE_DIRECTORY), NULL,
                           0, &head, NULL),
            ERR_OK);
    buf_clear(&note);
    return head.size == rig.net.n_leaves;
}

/* ---- tests ---- */

enum { LONG_MS = 3600 * 1000 };

static void
a_quorum_comes_together_past_the_silent_and_the_liar(void **state)
{
    struct cosigning_stats s;

    (void)state;
    fakes[0].temper = SILENT;
    fakes[2].temper = LIAR;
    start(LONG_MS);
    UNTIL(directory_is_covered());
    assert_true(fakes[1].cosigned > 0);
    assert_true(fakes[3].cosigned > 0);
    assert_true(cosigning_stats(rig.relay.cosigning, &s));
    assert_int_equal(s.witnesses, 4);
    assert_int_equal(s.reachable, 2);
    assert_true(quorum_time(STORE_DIRECTORY) != 0);
}

static void
too_few_are_no_quorum(void **state)
{
    struct buf note = {0};

    (void)state;
    fakes[0].temper = BROKEN;
    fakes[1].temper = RAMBLING;
    fakes[2].temper = FICKLE;
    start(LONG_MS);
    UNTIL(fakes[3].cosigned > 0 && fakes[0].asked > 0 && fakes[1].asked > 0 &&
          fakes[2].asked > 3);
    UNTIL(store_cosigned_at(rig.relay.reader, STORE_DIRECTORY, rig.net.n_leaves,
                            &note) == ERR_OK);
    assert_int_equal(
        store_cosigned(rig.relay.reader, STORE_DIRECTORY, 0, &note),
        ERR_NOTFOUND);
    buf_clear(&note);
}

static void
a_witness_that_knows_an_older_head_gets_the_proof_it_needs(void **state)
{
    struct witness_state *st = &fakes[0].logs[STORE_DIRECTORY].state;

    (void)state;
    st->size = 3;
    st->time_s = 1;
    assert_int_equal(directory_root_at(rig.relay.directory, 3, &st->root),
                     ERR_OK);
    start(LONG_MS);
    UNTIL(st->size == rig.net.n_leaves);
    assert_int_equal(fakes[0].conflicts, 1);
}

static void
an_unchanged_head_is_cosigned_again(void **state)
{
    (void)state;
    start(1);
    UNTIL(fakes[0].cosigned >= 3 && fakes[1].cosigned >= 3);
    assert_int_equal(fakes[0].conflicts, 0);
    assert_int_equal(fakes[0].logs[STORE_DIRECTORY].state.size,
                     rig.net.n_leaves);
}

static void
a_head_that_grew_is_cosigned_with_its_proof(void **state)
{
    struct client *office = client_greet(&rig, 4, 0);
    struct statement st;

    (void)state;
    start(LONG_MS);
    UNTIL(directory_is_covered());
    net_fill_admit(&rig.net, &st, &rig.net.agencies[CHURCH].root, "New Church",
                   CLASS_PARTNER);
    assert_int_equal(net_log_registrar(&rig.net, &st).effect, DIR_APPLIED);
    rig_log_newest(&rig, office);
    UNTIL(directory_is_covered());
    assert_int_equal(fakes[1].conflicts + fakes[3].conflicts, 0);
}

static void
deliveries_do_not_wait_for_witnesses_that_hang(void **state)
{
    static const unsigned device = 1;
    struct client *hub, *shelter;
    struct parcel p;

    (void)state;
    for (unsigned i = 0; i < WITNESSES; i++)
        fakes[i].temper = SILENT;
    start(LONG_MS);
    UNTIL(n_held >= WITNESSES); /* all of them have the question by now */
    hub = client_greet(&rig, 1, 1);
    client_put_prekey(hub, 1);
    shelter = client_greet(&rig, 0, 0);
    parcel_make(&rig, &p, 1, 1, &device, 1);
    (void)client_send(shelter, &p);
    (void)client_hear(hub, MSG_DELIVER, 0);
    assert_int_equal(quorum_time(STORE_DELIVERY), 0);
    parcel_clear(&p);
}

/* A relay that has no policy takes nothing. */
static char no_policy[] = "[publish]\nbeat = 100ms\n";

static void
a_relay_that_takes_nothing_does_not_wear_out_the_witnesses(void **state)
{
    uint64_t enough_ms = clock_mono_ms() + 25 * (uint64_t)BEAT_MS;

    (void)state;
    start(100000);
    while (fakes[0].asked == 0 || clock_mono_ms() < enough_ms)
        turn();
    assert_true(fakes[0].cosigned > 0);
    assert_in_range(fakes[0].asked, 1, 2 * STORE_LOGS);
}

static void
a_policy_that_cannot_be_read_is_said(void **state)
{
    struct cosign_options opt = {.data_dir = rig.dir, .policy_path = "/none"};
    char why[512] = "";

    (void)state;
    assert_int_equal(cosign_open(&opt, &cosign, why, sizeof(why)),
                     ERR_NOTFOUND);
    assert_non_null(strstr(why, "the witness policy /none cannot be read"));
    assert_null(cosign);
}

int
main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(a_quorum_comes_together_past_the_silent_and_the_liar),
        CASE(too_few_are_no_quorum),
        CASE(a_witness_that_knows_an_older_head_gets_the_proof_it_needs),
        CASE(an_unchanged_head_is_cosigned_again),
        CASE(a_head_that_grew_is_cosigned_with_its_proof),
        CASE(deliveries_do_not_wait_for_witnesses_that_hang),
        CASE(a_policy_that_cannot_be_read_is_said),
        cmocka_unit_test_prestate_setup_teardown(
            a_relay_that_takes_nothing_does_not_wear_out_the_witnesses, set_up,
            tear_down, no_policy),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
