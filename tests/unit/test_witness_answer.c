#include "proto/witness.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/lib/witness_world.h"

/* ---- the request ---- */

static void
the_request_is_that_of_the_specification(void **state)
{
    static const char body[] =
        "old 20852014\n"
        "PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=\n"
        "jrJZDmY8Y7SyJE0MWLpLozkIVMSMZcD5kvuKxPC3swk=\n"
        "5+pKlUdi2LeF/BcMHBn+Ku6yhPGNCswZZD1X/6QgPd8=\n"
        "/6WVhPs2CwSsb5rYBH5cjHV/wSmA79abXAwhXw3Kj/0=\n"
        "\n"
        "example.com/behind-the-sofa\n"
        "20852163\n"
        "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
        "\n"
        "\xe2\x80\x94 example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq"
        "/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n";
    struct witness_request req;
    struct buf out = {0};

    (void)state;
    assert_int_equal(witness_request_parse(body, sizeof(body) - 1, &req),
                     ERR_OK);
    assert_int_equal(req.old, 20852014);
    assert_int_equal(req.n, 4);
    assert_int_equal(req.path[3].b[0], 0xff);
    assert_ptr_equal(req.note, strstr(body, "example.com"));
    assert_int_equal(witness_request_format(&req, &out), ERR_OK);
    assert_int_equal(out.len, sizeof(body) - 1);
    assert_memory_equal(out.data, body, out.len);
    buf_clear(&out);
}

static void
malformed_requests_are_400(void **state)
{
    static const char *const bodies[] = {
        "",
        "\n",
        "old",
        "old 0",
        "old 0\n",
        "old 0\n\n",
        "old 00\n\nx",
        "old -1\n\nx",
        "old 18446744073709551616\n\nx",
        "Old 0\n\nx",
        "old  0\n\nx",
        "old 0 \n\nx",
        "old 0\r\n\r\nx",
        "old 0\nx\n\nx",
        "old 0\nAAAA\n\nx",
        /* a hash with stray bits, with spaces, without its padding */
        "old 0\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB=\n\nx",
        "old 0\n AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n\nx",
        "old 0\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n\nx",
        /* no note */
        "old 0\n\nx",
        "old 0\n\nx\n",
        "old 0\n\nrelay.example/delivery\n0\n",
        "old 0\n\nrelay.example/delivery\n1\nAAAA\n\n",
        "old 0\n\nrelay\xff\n\n\xe2\x80\x94 x AAAAAAAA",
    };
    struct witness_world *w = *state;

    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++)
        assert_int_equal(witness_judge_text(w, bodies[i]), WITNESS_MALFORMED);
    assert_int_equal(witness_status(w->j.why), 400);
}

static void
a_request_cut_anywhere_is_never_cosigned(void **state)
{
    struct witness_world *w = *state;
    size_t len;

    witness_accept(w, 0, 20);
    witness_request_for(w, &w->tree, 20, 41);
    for (len = 0; len < w->body.len; len++) {
        witness_judge(w->body.data, len, &w->log, 1, WITNESS_NOW, &w->j);
        assert_int_not_equal(w->j.why, WITNESS_OK);
    }
    assert_int_equal(witness_judge_body(w), WITNESS_OK);
}

static void
sixty_three_hashes_are_read_and_no_more(void **state)
{
    struct witness_world *w = *state;
    struct witness_request req = {.n = WITNESS_PROOF_MAX};
    struct buf note = {0};

    witness_sign_head(w, &w->tree, 5, &note);
    req.note = (const char *)note.data;
    req.note_len = note.len;
    buf_reset(&w->body);
    assert_int_equal(witness_request_format(&req, &w->body), ERR_OK);
    assert_int_equal(witness_judge_body(w), WITNESS_BAD_PROOF);
    req.n++;
    assert_int_equal(witness_request_format(&req, &w->body), ERR_TOOBIG);
    /* by hand: one hash more behind the old line */
    buf_reset(&w->body);
    buf_str(&w->body, "old 0\n");
    for (int i = 0; i < WITNESS_PROOF_MAX + 1; i++)
        buf_str(&w->body, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n");
    buf_str(&w->body, "\n");
    buf_put(&w->body, note.data, note.len);
    assert_int_equal(witness_judge_body(w), WITNESS_MALFORMED);
    buf_clear(&note);
}

static void
a_request_above_the_bound_is_400(void **state)
{
    struct witness_world *w = *state;

    witness_request_for(w, &w->tree, 0, 5);
    while (w->body.len <= WITNESS_REQUEST_MAX)
        buf_str(&w->body, "\xe2\x80\x94 stranger AAAAAAAA\n");
    assert_int_equal(witness_judge_body(w), WITNESS_MALFORMED);
}

/* ---- cosigning and what the log makes of it ---- */

static void
the_cosignature_stands_below_the_note(void **state)
{
    struct witness_world *w = *state;
    struct buf line = {0}, kept = {0}, whole = {0};
    struct note note, seen;
    struct head head;
    uint64_t time_s = 0;

    assert_int_equal(witness_ask(w, 0, 20), WITNESS_OK);
    assert_int_equal(
        witness_cosign(&w->j, &w->witness, &w->witness_secret, &line), ERR_OK);
    note = witness_text_of(w);
    assert_int_equal(witness_answer_lines(note.text, note.text_len, line.data,
                                          line.len, &w->witness, &kept,
                                          &time_s),
                     ERR_OK);
    assert_int_equal(time_s, WITNESS_NOW);
    assert_int_equal(kept.len, line.len);
    assert_memory_equal(kept.data, line.data, line.len);
    buf_put(&whole, w->j.req.note, w->j.req.note_len);
    buf_put(&whole, kept.data, kept.len);
    assert_int_equal(head_from_note(whole.data, whole.len, &w->log.keys[0],
                                    &w->witness, 1, &head, &seen),
                     ERR_OK);
    assert_int_equal(seen.verified, 1);
    assert_int_equal(seen.time_s[0], WITNESS_NOW);
    buf_clear(&line);
    buf_clear(&kept);
    buf_clear(&whole);
}

static void
only_what_was_judged_well_is_cosigned(void **state)
{
    struct witness_world *w = *state;
    struct buf line = {0};

    witness_accept(w, 0, 20);
    assert_int_equal(witness_ask(w, 3, 30), WITNESS_CONFLICT);
    assert_int_equal(
        witness_cosign(&w->j, &w->witness, &w->witness_secret, &line),
        ERR_STATE);
    assert_int_equal(witness_ask(w, 20, 30), WITNESS_OK);
    assert_int_equal(
        witness_cosign(&w->j, &w->log.keys[0], &w->log_secret, &line),
        ERR_STATE);
    assert_int_equal(witness_cosign(&w->j, &w->witness, &w->log_secret, &line),
                     ERR_STATE);
    assert_int_equal(line.len, 0);
    buf_clear(&line);
}

/* What witness_answer_lines says of BODY for the head of size 20. */
static enum err
answer(struct witness_world *w, const void *body, size_t len)
{
    struct buf kept = {0};
    uint64_t time_s = 77;
    struct note note;
    enum err rc;

    assert_int_equal(witness_ask(w, 0, 20), WITNESS_OK);
    note = witness_text_of(w);
    rc = witness_answer_lines(note.text, note.text_len, body, len, &w->witness,
                              &kept, &time_s);
    assert_true(rc == ERR_OK || (kept.len == 0 && time_s == 77));
    buf_clear(&kept);
    return rc;
}

static void
answers_of_all_kinds_are_read(void **state)
{
    struct witness_world *w = *state;
    struct buf line = {0}, b = {0};

    assert_int_equal(witness_ask(w, 0, 20), WITNESS_OK);
    assert_int_equal(
        witness_cosign(&w->j, &w->witness, &w->witness_secret, &line), ERR_OK);
    buf_str(&b, "\xe2\x80\x94 stranger AAAAAAAA\n");
    assert_int_equal(answer(w, b.data, b.len), ERR_NOTFOUND);
    buf_put(&b, line.data, line.len);
    assert_int_equal(answer(w, b.data, b.len), ERR_OK);
    assert_int_equal(answer(w, b.data, b.len - 1), ERR_MALFORMED);
    b.data[b.len - 9] ^= 1;
    assert_int_equal(answer(w, b.data, b.len), ERR_VERIFY);
    assert_int_equal(answer(w, "", 0), ERR_MALFORMED);
    assert_int_equal(answer(w, "\n", 1), ERR_MALFORMED);
    assert_int_equal(answer(w, "cosigned\n", 9), ERR_MALFORMED);
    while (b.len <= WITNESS_ANSWER_MAX)
        buf_put(&b, line.data, line.len);
    assert_int_equal(answer(w, b.data, b.len), ERR_MALFORMED);
    buf_clear(&line);
    buf_clear(&b);
}

/* A cosignature that is right, at TIME_S. */
static void
put_cosignature(struct witness_world *w, uint64_t time_s, struct buf *out)
{
    struct cosignature cosig;
    struct note note;

    assert_int_equal(witness_ask(w, 0, 20), WITNESS_OK);
    note = witness_text_of(w);
    assert_int_equal(cosignature_sign(note.text, note.text_len, time_s,
                                      &w->witness_secret, &cosig),
                     ERR_OK);
    cosignature_line(&w->witness, &cosig, out);
}

static void
times_out_of_range_are_refused(void **state)
{
    static const uint64_t bad[] = {0, UINT64_C(1) << 63, UINT64_MAX};
    struct witness_world *w = *state;

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct buf b = {0};

        put_cosignature(w, bad[i], &b);
        assert_int_equal(answer(w, b.data, b.len), ERR_MALFORMED);
        buf_clear(&b);
    }
}

static void
the_newest_of_several_is_kept(void **state)
{
    struct witness_world *w = *state;
    struct buf b = {0}, kept = {0}, expect = {0};
    struct note note;
    uint64_t time_s = 0;

    put_cosignature(w, 1000, &b);
    put_cosignature(w, 3000, &b);
    put_cosignature(w, 2000, &b);
    put_cosignature(w, 3000, &expect);
    note = witness_text_of(w);
    assert_int_equal(witness_answer_lines(note.text, note.text_len, b.data,
                                          b.len, &w->witness, &kept, &time_s),
                     ERR_OK);
    assert_int_equal(time_s, 3000);
    assert_int_equal(kept.len, expect.len);
    assert_memory_equal(kept.data, expect.data, kept.len);
    buf_clear(&b);
    buf_clear(&kept);
    buf_clear(&expect);
}

static void
the_size_of_a_409_is_read_strictly(void **state)
{
    static const char *const bad[] = {"",
                                      "\n",
                                      "5",
                                      "05\n",
                                      " 5\n",
                                      "5 \n",
                                      "5\r\n",
                                      "5\n\n",
                                      "5\n6\n",
                                      "-5\n",
                                      "18446744073709551616\n",
                                      "five\n"};
    uint64_t size = 77;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(witness_answer_size(bad[i], strlen(bad[i]), &size),
                         ERR_MALFORMED);
    assert_int_equal(size, 77);
    assert_int_equal(witness_answer_size("20852163\n", 9, &size), ERR_OK);
    assert_int_equal(size, 20852163);
    assert_int_equal(witness_answer_size("0\n", 2, &size), ERR_OK);
    assert_int_equal(size, 0);
}

#define TEST(f)                                                                \
    cmocka_unit_test_setup_teardown(f, witness_world_setup,                    \
                                    witness_world_teardown)

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(the_request_is_that_of_the_specification),
        TEST(malformed_requests_are_400),
        TEST(a_request_cut_anywhere_is_never_cosigned),
        TEST(sixty_three_hashes_are_read_and_no_more),
        TEST(a_request_above_the_bound_is_400),
        TEST(the_cosignature_stands_below_the_note),
        TEST(only_what_was_judged_well_is_cosigned),
        TEST(answers_of_all_kinds_are_read),
        TEST(times_out_of_range_are_refused),
        TEST(the_newest_of_several_is_kept),
        TEST(the_size_of_a_409_is_read_strictly),
    };

    if (crypto_init() != ERR_OK)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
