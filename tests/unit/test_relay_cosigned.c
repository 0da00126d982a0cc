/* What witnesses say of the relay's heads: in through the control socket's
 * words, out to clients, with the whole relay in between. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/clock.h"
#include "common/os.h"
#include "proto/lines.h"
#include "proto/trust.h"
#include "server/control_log.h"
#include "server/cosigning.h"
#include "tests/lib/relay_rig.h"
#include "tests/lib/scratch.h"

enum { WITNESSES = 3 };

static struct rig rig;
static char *dir; /* of the policy */
static struct sign_secret keys[WITNESSES];
static struct vkey vkeys[WITNESSES];
static struct trust *policy;

/* ---- a policy ---- */

static void
put_log(struct buf *b, const char *origin)
{
    struct vkey log;

    assert_int_equal(
        vkey_make(&log, origin, NOTE_ED25519, &rig.net.log_key.pub), ERR_OK);
    buf_str(b, "log ");
    vkey_format(&log, b);
    buf_str(b, "\n");
}

static void
put_witnesses(struct buf *b)
{
    for (int i = 0; i < WITNESSES; i++) {
        uint8_t seed[32];
        char name[32];

        memset(seed, 40 + i, sizeof(seed));
        sign_keypair_from_seed(&keys[i], seed);
        (void)snprintf(name, sizeof(name), "w%d.example", i);
        assert_int_equal(
            vkey_make(&vkeys[i], name, NOTE_COSIGNATURE, &keys[i].pub), ERR_OK);
        buf_printf(b, "witness w%d ", i);
        vkey_format(&vkeys[i], b);
        buf_str(b, "\n");
    }
    buf_str(b, "group two 2 w0 w1 w2\nquorum two\n");
}

/* Writes it; CONF gets the section that names it. */
static void
write_policy(const struct buf *text, char conf[OS_PATH_MAX + 64])
{
    char path[OS_PATH_MAX];

    assert_int_equal(os_path_join(path, sizeof(path), dir, "policy"), ERR_OK);
    assert_int_equal(os_write_file_atomic(path, text->data, text->len, 0600),
                     ERR_OK);
    (void)snprintf(conf, OS_PATH_MAX + 64,
                   "[publish]\nbeat = 100ms\n[witness]\npolicy = %s\n", path);
}

static int
set_up(void **state)
{
    (void)state;
    rig_init(&rig);
    dir = scratch_new();
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    rig_stop_and_check(&rig);
    scratch_free(dir);
    trust_free(policy);
    policy = NULL;
    return 0;
}

static void
start_with_policy(void)
{
    char conf[OS_PATH_MAX + 64];
    struct trust_error error;
    struct buf b = {0};

    put_log(&b, "relay.test/directory");
    put_log(&b, "relay.test/delivery");
    put_witnesses(&b);
    write_policy(&b, conf);
    if (policy == NULL)
        assert_int_equal(trust_parse(b.data, b.len, &policy, &error), ERR_OK);
    rig_start(&rig, conf);
    buf_clear(&b);
}

/* ---- the words ---- */

static enum err
say(const char *line, struct buf *out)
{
    buf_reset(out);
    return control_log(&rig.relay, line, out);
}

/* Appends witness I's line to NOTE, which is one of ours. */
static void
put_line(struct buf *note, int i, uint64_t time_s)
{
    struct cosignature cosig;
    struct note parts;

    assert_int_equal(note_open(note->data, note->len, NULL, 0, &parts), ERR_OK);
    assert_int_equal(
        cosignature_sign(parts.text, parts.text_len, time_s, &keys[i], &cosig),
        ERR_OK);
    cosignature_line(&vkeys[i], &cosig, note);
}

static void
checkpoint_of(const char *log, struct buf *out)
{
    char line[64];

    (void)snprintf(line, sizeof(line), "checkpoint %s", log);
    assert_int_equal(say(line, out), ERR_OK);
}

static enum err
cosign(const char *log, const struct buf *note, unsigned *taken)
{
    char b64[CONTROL_LINE_MAX];
    struct buf line = {0}, out = {0};
    enum err rc;

    b64_encode(b64, note->data, note->len);
    buf_printf(&line, "cosign %s %s", log, b64);
    rc = say((const char *)line.data, &out);
    if (rc == ERR_OK)
        assert_int_equal(sscanf((const char *)out.data, "taken=%u", taken), 1);
    buf_clear(&line);
    buf_clear(&out);
    return rc;
}

/* Witness I has cosigned the head of LOG. */
static void
cosigned_by(const char *log, int i, uint64_t time_s)
{
    struct buf note = {0};
    unsigned taken = 0;

    checkpoint_of(log, &note);
    put_line(&note, i, time_s);
    assert_int_equal(cosign(log, &note, &taken), ERR_OK);
    assert_int_equal(taken, 1);
    buf_clear(&note);
    RIG_UNTIL(&rig, store_thread_stats(rig.relay.writer).waiting == 0);
}

static uint64_t
now_s(void)
{
    return clock_wall_ms() / 1000;
}

/* ---- clients ---- */

static void
judge(struct client *c, unsigned log, uint64_t size, struct trusted *out)
{
    struct msg_field f[] = {msg_u(log), msg_u(size)};
    const struct msg *m = client_ask(c, MSG_COSIGNED_GET, f, 2);

    assert_int_equal(trust_checkpoint(policy, m->f[COSIGNED_CHECKPOINT].p,
                                      m->f[COSIGNED_CHECKPOINT].len, out),
                     ERR_OK);
}

static void
wants_none(struct client *c, unsigned log, uint64_t size)
{
    struct msg_field f[] = {msg_u(log), msg_u(size)};

    assert_int_equal(client_ask_error(c, MSG_COSIGNED_GET, f, 2),
                     PERR_NOTFOUND);
}

/* ---- tests ---- */

static void
without_a_policy_nothing_is_taken_and_nothing_given(void **state)
{
    struct buf note = {0};
    unsigned taken = 0;
    struct cosigning_stats stats;

    (void)state;
    rig_start(&rig, NULL);
    checkpoint_of("directory", &note);
    assert_int_equal(cosign("directory", &note, &taken), ERR_UNSUPPORTED);
    assert_false(cosigning_stats(rig.relay.cosigning, &stats));
    wants_none(client_greet(&rig, 0, 0), LOG_DIRECTORY, 0);
    buf_clear(&note);
}

static void
a_head_is_given_once_enough_witnesses_cosigned_it(void **state)
{
    struct cosigning_stats stats;
    struct trusted judged;
    struct client *c;

    (void)state;
    start_with_policy();
    c = client_greet(&rig, 0, 0);
    wants_none(c, LOG_DIRECTORY, 0);
    cosigned_by("directory", 2, now_s() - 7);
    wants_none(c, LOG_DIRECTORY, 0);
    cosigned_by("directory", 0, now_s());
    client_settle(c);
    judge(c, LOG_DIRECTORY, 0, &judged);
    assert_true(judged.quorum);
    assert_int_equal(judged.verified, 5);
    assert_int_equal(judged.head.size, rig.net.n_leaves);
    judge(c, LOG_DIRECTORY, rig.net.n_leaves, &judged);
    wants_none(c, LOG_DIRECTORY, rig.net.n_leaves + 1);
    wants_none(c, LOG_DELIVERY, 0);
    judge(client_greet(&rig, 3, 0), LOG_DIRECTORY, 1, &judged);

    assert_true(cosigning_stats(rig.relay.cosigning, &stats));
    assert_int_equal(stats.witnesses, 3);
    assert_int_equal(stats.reachable, 2);
    assert_int_equal(stats.cosignatures, 2);
    assert_int_not_equal(stats.quorum_time_s[STORE_DIRECTORY], 0);
    assert_int_equal(stats.quorum_time_s[STORE_DELIVERY], 0);
}

static void
a_witness_that_cosigns_again_renews_its_time(void **state)
{
    struct trusted judged;
    struct client *c;
    uint64_t then = now_s() - 1000;

    (void)state;
    start_with_policy();
    c = client_greet(&rig, 0, 0);
    cosigned_by("directory", 0, then);
    cosigned_by("directory", 1, then);
    cosigned_by("directory", 0, then + 600);
    cosigned_by("directory", 1, then + 601);
    client_settle(c);
    judge(c, LOG_DIRECTORY, 0, &judged);
    assert_int_equal(judged.quorum_time_s, then + 600);
}

static void
a_restarted_relay_remembers_who_has_cosigned(void **state)
{
    struct cosigning_stats stats;
    struct trusted judged;
    uint64_t then = now_s();

    (void)state;
    start_with_policy();
    cosigned_by("directory", 0, then);
    cosigned_by("directory", 1, then);
    rig_halt(&rig);
    start_with_policy();
    assert_true(cosigning_stats(rig.relay.cosigning, &stats));
    assert_int_equal(stats.reachable, 2);
    assert_int_equal(stats.quorum_time_s[STORE_DIRECTORY], then);
    cosigned_by("directory", 2, then);
    judge(client_greet(&rig, 0, 0), LOG_DIRECTORY, 0, &judged);
    assert_int_equal(judged.verified, 7);
}

static void
a_head_that_is_not_ours_is_refused(void **state)
{
    struct buf note = {0};
    unsigned taken = 0;

    (void)state;
    start_with_policy();
    checkpoint_of("directory", &note);
    put_line(&note, 0, now_s());
    assert_int_equal(cosign("delivery", &note, &taken), ERR_VERIFY);
    note.data[0] ^= 1;
    assert_int_equal(cosign("directory", &note, &taken), ERR_VERIFY);
    note.len = 40;
    assert_int_equal(cosign("directory", &note, &taken), ERR_MALFORMED);
    buf_clear(&note);
}

static void
the_proof_for_a_witness_verifies(void **state)
{
    struct hash path[MERKLE_PATH_MAX];
    struct hash old;
    struct head head;
    struct buf out = {0};
    struct line line;
    char ask[64];
    struct rd r;
    size_t n = 0;

    (void)state;
    rig_start(&rig, NULL);
    assert_int_equal(store_head(rig.relay.reader, STORE_DIRECTORY, &head),
                     ERR_OK);
    assert_int_equal(directory_root_at(rig.relay.directory, 3, &old), ERR_OK);
    (void)snprintf(ask, sizeof(ask), "consistency directory 3 %u",
                   (unsigned)head.size);
    assert_int_equal(say(ask, &out), ERR_OK);
    r = rd_from(out.data, out.len);
    assert_true(line_next(&r, &line));
    assert_true(line_skip(&line, "n="));
    while (line_next(&r, &line))
        assert_int_equal(line_b64(&line, path[n++].b, 32), ERR_OK);
    assert_int_equal(
        merkle_verify_consistency(3, head.size, &old, &head.root, path, n),
        ERR_OK);
    (void)snprintf(ask, sizeof(ask), "consistency directory 3 %u",
                   (unsigned)head.size + 1);
    assert_int_equal(say(ask, &out), ERR_STATE);
    buf_clear(&out);
}

static void
words_that_are_not_well_formed_are_refused(void **state)
{
    static const char *const lines[] = {
        "checkpoint ",
        "checkpoint elsewhere",
        "checkpoint directory ",
        "checkpoint directory 1",
        "consistency directory 1",
        "consistency directory 1 2 3",
        "consistency directory 01 2",
        "consistency  directory 1 2",
        "cosign directory",
        "cosign directory ?",
        "cosign directory AAAA=",
        "cosign directory AAAA AAAA",
    };
    struct buf out = {0};

    (void)state;
    start_with_policy();
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
        if (say(lines[i], &out) != ERR_MALFORMED)
            fail_msg("taken: %s", lines[i]);
    assert_int_equal(say("checkpointdirectory", &out), ERR_UNSUPPORTED);
    assert_int_equal(say("checkpoint delivery", &out), ERR_OK);
    buf_clear(&out);
}

static void
a_policy_that_cannot_be_used_is_refused_at_the_start(void **state)
{
    char conf[OS_PATH_MAX + 64];
    struct buf b = {0};
    char why[512] = "";

    (void)state;
    put_log(&b, "relay.test/directory");
    put_witnesses(&b);
    write_policy(&b, conf);
    assert_int_equal(rig_open(&rig, conf, why), ERR_NOTFOUND);
    assert_non_null(strstr(why, "add the line: log relay.test/delivery+"));
    rig_halt(&rig);

    buf_reset(&b);
    put_log(&b, "relay.test/directory");
    buf_str(&b, "witness nobody\n");
    write_policy(&b, conf);
    assert_int_equal(rig_open(&rig, conf, why), ERR_MALFORMED);
    assert_non_null(strstr(why, "/policy:2: "));
    rig_halt(&rig);

    assert_int_equal(rig_open(&rig, "[witness]\npolicy = /nowhere\n", why),
                     ERR_NOTFOUND);
    assert_string_equal(why, "the witness policy /nowhere cannot be read: No "
                             "such file or directory");
    buf_clear(&b);
}

int
main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(without_a_policy_nothing_is_taken_and_nothing_given),
        CASE(a_head_is_given_once_enough_witnesses_cosigned_it),
        CASE(a_witness_that_cosigns_again_renews_its_time),
        CASE(a_restarted_relay_remembers_who_has_cosigned),
        CASE(a_head_that_is_not_ours_is_refused),
        CASE(the_proof_for_a_witness_verifies),
        CASE(words_that_are_not_well_formed_are_refused),
        CASE(a_policy_that_cannot_be_used_is_refused_at_the_start),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
