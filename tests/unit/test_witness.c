#include "proto/witness.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/lib/witness_world.h"

/* ---- judging ---- */

static void
a_log_is_followed_from_its_beginning(void **state)
{
    struct witness_world *w = *state;
    uint64_t at = 0;

    for (uint64_t size = 0; size <= WITNESS_TREE; size += 7) {
        witness_accept(w, at, size);
        assert_int_equal(w->j.next.size, size);
        assert_int_equal(w->j.evidence, WITNESS_EVIDENCE_NONE);
        at = size;
    }
    assert_int_equal(w->log.state.size, WITNESS_TREE);
}

static void
every_pair_of_sizes_is_joined(void **state)
{
    struct witness_world *w = *state;

    for (uint64_t old = 0; old <= 33; old++)
        for (uint64_t size = old; size <= 33; size++) {
            memset(&w->log.state, 0, sizeof(w->log.state));
            witness_accept(w, 0, old);
            witness_accept(w, old, size);
        }
}

static void
the_same_head_is_cosigned_again_at_a_later_time(void **state)
{
    struct witness_world *w = *state;

    witness_accept(w, 0, 9);
    assert_int_equal(w->log.state.time_s, WITNESS_NOW);
    witness_request_for(w, &w->tree, 9, 9);
    assert_int_equal(witness_judge_at(w, WITNESS_NOW + 600), WITNESS_OK);
    assert_int_equal(w->j.next.time_s, WITNESS_NOW + 600);
    assert_int_equal(w->j.next.size, 9);
}

static void
another_old_size_is_409_with_ours(void **state)
{
    struct witness_world *w = *state;
    struct buf b = {0};

    assert_int_equal(witness_ask(w, 3, 9), WITNESS_CONFLICT); /* never seen */
    assert_int_equal(w->j.size, 0);
    witness_accept(w, 0, 9);
    assert_int_equal(witness_ask(w, 0, 20), WITNESS_CONFLICT);
    assert_int_equal(w->j.size, 9);
    assert_int_equal(witness_ask(w, 8, 20), WITNESS_CONFLICT);
    assert_int_equal(witness_ask(w, 10, 20), WITNESS_CONFLICT);
    assert_int_equal(witness_status(w->j.why), 409);
    witness_size_format(w->j.size, &b);
    assert_int_equal(b.len, 2);
    assert_memory_equal(b.data, "9\n", 2);
    buf_clear(&b);
}

/* Rolling back: a smaller checkpoint never passes, whatever old says. */
static void
a_smaller_checkpoint_is_never_cosigned(void **state)
{
    struct witness_world *w = *state;

    witness_accept(w, 0, 20);
    assert_int_equal(witness_ask(w, 20, 9), WITNESS_BACKWARDS);
    assert_int_equal(witness_status(w->j.why), 400);
    for (uint64_t old = 0; old <= 9; old++)
        assert_int_equal(witness_ask(w, old, 9), WITNESS_CONFLICT);
}

static void
an_unknown_origin_is_404_before_anything_else(void **state)
{
    struct witness_world *w = *state;

    assert_int_equal(
        witness_judge_text(w, "old 0\n\nwhose tree is this?\nmaybe\nmine\n\n"
                              "\xe2\x80\x94 x AAAAAAAA\n"),
        WITNESS_UNKNOWN);
    assert_int_equal(witness_status(w->j.why), 404);
    witness_request_for(w, &w->tree, 0, 5);
    witness_judge(w->body.data, w->body.len, NULL, 0, WITNESS_NOW, &w->j);
    assert_int_equal(w->j.why, WITNESS_UNKNOWN);
}

static void
an_extension_line_is_400(void **state)
{
    struct witness_world *w = *state;
    struct buf text = {0};

    buf_printf(&text, "%s\n0\n%s\nextension\n", WITNESS_ORIGIN,
               "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
    buf_reset(&w->body);
    buf_str(&w->body, "old 0\n\n");
    assert_int_equal(note_sign((const char *)text.data, text.len,
                               &w->log.keys[0], &w->log_secret, &w->body),
                     ERR_OK);
    assert_int_equal(witness_judge_body(w), WITNESS_MALFORMED);
    buf_clear(&text);
}

static void
no_or_a_wrong_signature_is_403(void **state)
{
    struct witness_world *w = *state;
    struct vkey known = w->log.keys[0];
    struct buf note = {0};
    size_t text_len;

    /* signed by another key of the same name */
    witness_world_key(&w->log_secret, &w->log.keys[0], 3, NOTE_ED25519,
                      WITNESS_ORIGIN);
    witness_request_for(w, &w->tree, 0, 5);
    assert_int_equal(witness_judge_body(w), WITNESS_OK);
    w->log.keys[0] = known;
    assert_int_equal(witness_judge_body(w), WITNESS_UNSIGNED);
    assert_int_equal(witness_status(w->j.why), 403);
    /* a good one, and a second line of the same key that is wrong */
    witness_world_key(&w->log_secret, &w->log.keys[0], 1, NOTE_ED25519,
                      WITNESS_ORIGIN);
    witness_request_for(w, &w->tree, 0, 5);
    witness_sign_head(w, &w->tree, 5, &note);
    assert_int_equal(witness_judge_body(w), WITNESS_OK);
    text_len = witness_text_of(w).text_len + 1;
    buf_put(&w->body, note.data + text_len, note.len - text_len);
    assert_int_equal(witness_judge_body(w), WITNESS_OK);
    w->body.data[w->body.len - 9] ^= 1;
    assert_int_equal(witness_judge_body(w), WITNESS_UNSIGNED);
    buf_clear(&note);
}

static void
signatures_of_strangers_are_ignored(void **state)
{
    struct witness_world *w = *state;

    witness_request_for(w, &w->tree, 0, 5);
    buf_str(&w->body, "\xe2\x80\x94 relay.example/delivery AAAAAAAA\n");
    buf_str(&w->body, "\xe2\x80\x94 stranger AAAAAAAA\n");
    assert_int_equal(witness_judge_body(w), WITNESS_OK);
}

static void
a_log_that_changed_its_key_keeps_its_state(void **state)
{
    struct witness_world *w = *state;
    struct vkey old = w->log.keys[0];

    witness_accept(w, 0, 9);
    witness_world_key(&w->log_secret, &w->log.keys[0], 3, NOTE_ED25519,
                      WITNESS_ORIGIN);
    w->log.keys[1] = old;
    w->log.n_keys = 2;
    assert_int_equal(witness_ask(w, 0, 20), WITNESS_CONFLICT);
    assert_int_equal(witness_ask(w, 9, 20), WITNESS_OK);
    assert_int_equal(w->j.key, 0);
}

static void
a_wrong_proof_is_422(void **state)
{
    struct witness_world *w = *state;
    char *line;

    witness_accept(w, 0, 9);
    witness_request_for(w, &w->tree, 9, 20);
    line = strchr((char *)w->body.data, '\n') + 1;
    line[0] = line[0] == 'A' ? 'B' : 'A';
    assert_int_equal(witness_judge_body(w), WITNESS_BAD_PROOF);
    assert_int_equal(witness_status(w->j.why), 422);
    assert_int_equal(w->j.evidence, WITNESS_EVIDENCE_SUSPECT);
    assert_int_equal(w->j.head.size, 20);
}

static void
a_proof_from_nothing_must_be_empty(void **state)
{
    struct witness_world *w = *state;
    struct witness_request req = {.n = 1};
    struct buf note = {0};

    witness_sign_head(w, &w->tree, 5, &note);
    req.note = (const char *)note.data;
    req.note_len = note.len;
    assert_int_equal(witness_request_format(&req, &w->body), ERR_OK);
    assert_int_equal(witness_judge_body(w), WITNESS_BAD_PROOF);
    buf_clear(&note);
}

static void
a_proof_between_equal_sizes_must_be_empty(void **state)
{
    struct witness_world *w = *state;
    struct witness_request req = {.old = 5, .n = 1};
    struct buf note = {0};

    witness_accept(w, 0, 5);
    witness_sign_head(w, &w->tree, 5, &note);
    req.note = (const char *)note.data;
    req.note_len = note.len;
    buf_reset(&w->body);
    assert_int_equal(witness_request_format(&req, &w->body), ERR_OK);
    assert_int_equal(witness_judge_body(w), WITNESS_BAD_PROOF);
    buf_clear(&note);
}

/* ---- a log that lies ---- */

static void
two_roots_of_one_size_are_a_fork_whatever_old_says(void **state)
{
    struct witness_world *w = *state;

    witness_accept(w, 0, 20);
    witness_request_for(w, &w->other, 20, 20);
    assert_int_equal(witness_judge_body(w), WITNESS_FORK);
    assert_int_equal(witness_status(w->j.why), 422);
    assert_int_equal(w->j.evidence, WITNESS_EVIDENCE_FORK);
    assert_int_equal(head_verify(&w->j.head, &w->log.keys[0]), ERR_OK);
    witness_request_for(w, &w->other, 0, 20);
    assert_int_equal(witness_judge_body(w), WITNESS_CONFLICT);
    assert_int_equal(w->j.evidence, WITNESS_EVIDENCE_FORK);
}

static void
a_larger_head_of_another_history_is_422(void **state)
{
    struct witness_world *w = *state;

    witness_accept(w, 0, 20);
    witness_request_for(w, &w->other, 20, 41);
    assert_int_equal(witness_judge_body(w), WITNESS_BAD_PROOF);
    assert_int_equal(w->j.evidence, WITNESS_EVIDENCE_SUSPECT);
}

static void
size_zero_has_one_root(void **state)
{
    struct witness_world *w = *state;
    struct checkpoint cp = {.size = 0};

    (void)snprintf(cp.origin, sizeof(cp.origin), "%s", WITNESS_ORIGIN);
    buf_str(&w->body, "old 0\n\n");
    assert_int_equal(
        checkpoint_sign(&cp, &w->log.keys[0], &w->log_secret, &w->body),
        ERR_OK);
    assert_int_equal(witness_judge_body(w), WITNESS_BAD_EMPTY);
    assert_int_equal(witness_status(w->j.why), 422);
    assert_int_equal(w->j.evidence, WITNESS_EVIDENCE_FORK);
    witness_accept(w, 0, 0);
    witness_accept(w, 0, 0);
    witness_accept(w, 0, 5);
}

/* ---- the clock ---- */

static void
time_never_goes_back(void **state)
{
    struct witness_world *w = *state;

    witness_accept(w, 0, 9);
    witness_request_for(w, &w->tree, 9, 20);
    assert_int_equal(witness_judge_at(w, WITNESS_NOW - WITNESS_CLOCK_BACK_S),
                     WITNESS_OK);
    assert_int_equal(w->j.next.time_s, WITNESS_NOW);
    assert_int_equal(
        witness_judge_at(w, WITNESS_NOW - WITNESS_CLOCK_BACK_S - 1),
        WITNESS_CLOCK);
    assert_int_equal(witness_status(w->j.why), 503);
    assert_int_equal(witness_judge_at(w, 0), WITNESS_CLOCK);
    assert_int_equal(witness_judge_at(w, UINT64_C(1) << 63), WITNESS_CLOCK);
}

#define TEST(f)                                                                \
    cmocka_unit_test_setup_teardown(f, witness_world_setup,                    \
                                    witness_world_teardown)

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(a_log_is_followed_from_its_beginning),
        TEST(every_pair_of_sizes_is_joined),
        TEST(the_same_head_is_cosigned_again_at_a_later_time),
        TEST(another_old_size_is_409_with_ours),
        TEST(a_smaller_checkpoint_is_never_cosigned),
        TEST(an_unknown_origin_is_404_before_anything_else),
        TEST(an_extension_line_is_400),
        TEST(no_or_a_wrong_signature_is_403),
        TEST(signatures_of_strangers_are_ignored),
        TEST(a_log_that_changed_its_key_keeps_its_state),
        TEST(a_wrong_proof_is_422),
        TEST(a_proof_from_nothing_must_be_empty),
        TEST(a_proof_between_equal_sizes_must_be_empty),
        TEST(two_roots_of_one_size_are_a_fork_whatever_old_says),
        TEST(a_larger_head_of_another_history_is_422),
        TEST(size_zero_has_one_root),
        TEST(time_never_goes_back),
    };

    if (crypto_init() != ERR_OK)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
