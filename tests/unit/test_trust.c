#include "proto/trust.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* Keys are made from a seed of one repeated byte. */
static void
make_key(struct sign_secret *secret, struct vkey *key, uint8_t seed_byte,
         enum note_type type, const char *name)
{
    uint8_t seed[32];

    memset(seed, seed_byte, sizeof(seed));
    sign_keypair_from_seed(secret, seed);
    assert_int_equal(vkey_make(key, name, type, &secret->pub), ERR_OK);
}

static void
put_key(struct buf *b, uint8_t seed_byte, enum note_type type, const char *name)
{
    struct sign_secret secret;
    struct vkey key;

    make_key(&secret, &key, seed_byte, type, name);
    vkey_format(&key, b);
}

/* "log VKEY\n", its key name relay.example/delivery. */
static void
put_log(struct buf *b, uint8_t seed_byte)
{
    buf_str(b, "log ");
    put_key(b, seed_byte, NOTE_ED25519, "relay.example/delivery");
    buf_str(b, "\n");
}

/* "witness NAME VKEY\n" */
static void
put_witness(struct buf *b, const char *name, uint8_t seed_byte)
{
    buf_printf(b, "witness %s ", name);
    put_key(b, seed_byte, NOTE_COSIGNATURE, "witness.example/w");
    buf_str(b, "\n");
}

/* Witnesses "1", "2", ... "N", of seeds 1 to N. */
static void
put_witnesses(struct buf *b, unsigned n)
{
    char name[12];

    for (unsigned i = 1; i <= n; i++) {
        (void)snprintf(name, sizeof(name), "%u", i);
        put_witness(b, name, (uint8_t)i);
    }
}

/* The policy of N witnesses and the lines of TAIL. */
static struct trust *
policy(unsigned n, const char *tail)
{
    struct trust_error error = {0};
    struct trust *t = NULL;
    struct buf b = {0};

    put_log(&b, 100);
    put_witnesses(&b, n);
    buf_str(&b, tail);
    if (trust_parse(b.data, b.len, &t, &error) != ERR_OK)
        fail_msg("line %u: %s", error.line, error.message);
    buf_clear(&b);
    return t;
}

/* Takes B.  The sentence holds WORDS. */
static void
assert_refused(struct buf *b, enum err rc, unsigned line, const char *words)
{
    struct trust_error error = {0};
    struct trust *t = NULL;

    assert_int_equal(trust_parse(b->data, b->len, &t, &error), rc);
    assert_null(t);
    assert_int_equal(error.line, line);
    if (strstr(error.message, words) == NULL)
        fail_msg("\"%s\" is not in \"%s\"", words, error.message);
    assert_int_equal(trust_parse(b->data, b->len, &t, NULL), rc);
    buf_clear(b);
}

/* Two witnesses in lines 1 and 2, then TAIL. */
static void
assert_tail_refused(const char *tail, enum err rc, unsigned line,
                    const char *words)
{
    struct buf b = {0};

    put_witnesses(&b, 2);
    buf_str(&b, tail);
    assert_refused(&b, rc, line, words);
}

/* ---- reading ---- */

static void
logs_witnesses_and_urls_are_read(void **state)
{
    struct trust_error error = {0};
    struct trust *t = NULL;
    struct buf b = {0};

    (void)state;
    buf_str(&b, "# our network\n\n \t \n\t# more\nlog  \t");
    put_key(&b, 9, NOTE_ED25519, "relay.example/delivery");
    buf_str(&b, "\thttps://relay.example/delivery/ \nwitness W\xc3\xa4rter ");
    put_key(&b, 1, NOTE_COSIGNATURE, "witness.example/w1");
    buf_str(&b, " http://127.0.0.1:9//\n quorum  W\xc3\xa4rter\t\n");
    assert_int_equal(trust_parse(b.data, b.len, &t, &error), ERR_OK);
    assert_int_equal(t->n_logs, 1);
    assert_string_equal(t->logs[0].name, "relay.example/delivery");
    assert_string_equal(t->log_url[0], "https://relay.example/delivery");
    assert_int_equal(t->n_witnesses, 1);
    assert_string_equal(t->witness[0].name, "W\xc3\xa4rter");
    assert_string_equal(t->witness[0].url, "http://127.0.0.1:9");
    assert_string_equal(t->keys[0].name, "witness.example/w1");
    assert_int_equal(t->quorum, QUORUM_WITNESS);
    assert_int_equal(t->quorum_index, 0);
    trust_free(t);
    buf_clear(&b);
}

static void
sixty_four_witnesses_are_read_and_no_more(void **state)
{
    struct trust *t = policy(64, "quorum 64\n");
    struct buf b = {0};

    (void)state;
    assert_int_equal(t->n_witnesses, 64);
    assert_true(trust_satisfied(t, UINT64_C(1) << 63));
    assert_false(trust_satisfied(t, ~(UINT64_C(1) << 63)));
    trust_free(t);
    put_witnesses(&b, 65);
    buf_str(&b, "quorum none\n");
    assert_refused(&b, ERR_TOOBIG, 65, "more than 64 witnesses");
}

static void
limits_hold_for_logs_groups_names_urls_and_the_file(void **state)
{
    struct buf b = {0};

    (void)state;
    for (uint8_t i = 0; i < 33; i++)
        put_log(&b, i);
    assert_refused(&b, ERR_TOOBIG, 33, "more than 32 logs");
    put_witnesses(&b, 1);
    for (unsigned i = 0; i < 65; i++)
        buf_printf(&b, "group g%u any %s%u\n", i, i == 0 ? "" : "g",
                   i == 0 ? 1 : i - 1);
    assert_refused(&b, ERR_TOOBIG, 66, "more than 64 groups");
    buf_str(&b, "group ");
    for (unsigned i = 0; i < 256; i++)
        buf_u8(&b, 'n');
    buf_str(&b, " any x\n");
    assert_refused(&b, ERR_TOOBIG, 1, "longer than 255 bytes");
    buf_str(&b, "log ");
    put_key(&b, 1, NOTE_ED25519, "x");
    buf_str(&b, " http://");
    for (unsigned i = 0; i < 249; i++)
        buf_u8(&b, 'u');
    buf_str(&b, "\n");
    assert_refused(&b, ERR_TOOBIG, 1, "longer than 255 bytes");
    buf_str(&b, "#");
    for (unsigned i = 0; i < TRUST_FILE_MAX; i++)
        buf_u8(&b, ' ');
    assert_refused(&b, ERR_TOOBIG, 0, "longer than 65536 bytes");
}

static void
a_chain_of_sixty_four_groups_holds(void **state)
{
    struct buf b = {0};
    struct trust *t;

    (void)state;
    for (unsigned i = 0; i < 64; i++)
        buf_printf(&b, "group g%u all %s%u\n", i, i == 0 ? "" : "g",
                   i == 0 ? 1 : i - 1);
    buf_str(&b, "quorum g63\n");
    buf_u8(&b, 0);
    t = policy(1, (const char *)b.data);
    assert_true(trust_satisfied(t, 1));
    assert_false(trust_satisfied(t, 0));
    trust_free(t);
    buf_clear(&b);
}

/* ---- refusing ---- */

static void
what_is_wrong_is_told_with_its_line(void **state)
{
    static const struct {
        const char *tail;
        unsigned line;
        const char *words;
    } cases[] = {
        {"", 0, "no quorum line"},
        {"group g any 1\n", 0, "no quorum line"},
        {"quorum none", 3, "may be cut"},
        {"quorum none\n\nquorum none\n", 5, "quorum line already"},
        {"quorum\n", 3, "is missing"},
        {"quorum 3\n", 3, "defines 3"},
        {"quorum g\ngroup g any 1\n", 3, "defines g"},
        {"quorum 1 2\n", 3, "2 is one word too many"},
        {"quorum none 2\n", 3, "2 is one word too many"},
        {"quorums none\n", 3, "quorums is none of"},
        {"group\n", 3, "name is missing"},
        {"group g\n", 3, "number is missing"},
        {"group g any\n", 3, "no members"},
        {"group g 0 1 2\n", 3, "0 of 2"},
        {"group g 3 1 2\n", 3, "3 of 2"},
        {"group g 01 1 2\n", 3, "01 is neither"},
        {"group g +1 1 2\n", 3, "+1 is neither"},
        {"group g some 1 2\n", 3, "some is neither"},
        {"group g any 1 none\n", 3, "defines none"},
        {"group g any 1 1\n", 3, "only once"},
        {"group g any 1\ngroup h any 1 2\n", 4, "only once"},
        {"group g any g\n", 3, "defines g"},
        {"group g any h\ngroup h any g\n", 3, "defines h"},
        {"group 1 any 2\n", 3, "witness 1 already"},
        {"group g any 1\ngroup g any 2\n", 4, "group g already"},
        {"group none any 1\n", 3, "meaning of its own"},
        {"witness\n", 3, "name is missing"},
        {"witness W\n", 3, "key is missing"},
        {"witness W 0123456789abcdef\n", 3, "not a verifier key"},
        {"log\n", 3, "key is missing"},
        {"log x+00000000+AA==\n", 3, "not a verifier key"},
        {"quorum none\r\n", 3, "as on Windows"},
        {"quorum\vnone\n", 3, "control character"},
        {"# \x7f\n", 3, "control character"},
        {"caf\xc3\xa9 none\n", 3, "caf?? is none of"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_tail_refused(cases[i].tail, ERR_MALFORMED, cases[i].line,
                            cases[i].words);
}

static void
a_zero_byte_is_refused(void **state)
{
    struct buf b = {0};

    (void)state;
    buf_put(&b, "quorum none\n# \0\n", 16);
    assert_refused(&b, ERR_MALFORMED, 2, "control character");
}

static void
the_same_key_twice_is_refused_under_any_name(void **state)
{
    struct buf b = {0};

    (void)state;
    put_witness(&b, "a", 1);
    buf_str(&b, "witness b ");
    put_key(&b, 1, NOTE_COSIGNATURE, "another.example/name");
    buf_str(&b, "\nquorum none\n");
    assert_refused(&b, ERR_MALFORMED, 2, "stands above");
    put_log(&b, 1);
    put_log(&b, 1);
    buf_str(&b, "quorum none\n");
    assert_refused(&b, ERR_MALFORMED, 2, "stands above");
    put_witness(&b, "a", 1);
    put_witness(&b, "a", 2);
    assert_refused(&b, ERR_MALFORMED, 2, "witness a already");
}

static void
one_key_may_sign_several_logs(void **state)
{
    struct trust *t = NULL;
    struct buf b = {0};

    (void)state;
    put_log(&b, 1);
    buf_str(&b, "log ");
    put_key(&b, 1, NOTE_ED25519, "relay.example/directory");
    buf_str(&b, "\nquorum none\n");
    assert_int_equal(trust_parse(b.data, b.len, &t, NULL), ERR_OK);
    assert_int_equal(t->n_logs, 2);
    trust_free(t);
    buf_clear(&b);
}

static void
a_key_in_the_wrong_place_is_refused(void **state)
{
    struct buf b = {0};

    (void)state;
    buf_str(&b, "log ");
    put_key(&b, 1, NOTE_COSIGNATURE, "witness.example/w");
    buf_str(&b, "\n");
    assert_refused(&b, ERR_UNSUPPORTED, 1, "witness's key");
    buf_str(&b, "witness w ");
    put_key(&b, 1, NOTE_ED25519, "relay.example/delivery");
    buf_str(&b, "\n");
    assert_refused(&b, ERR_UNSUPPORTED, 1, "log's key");
}

static void
a_policy_cut_anywhere_is_refused(void **state)
{
    struct buf b = {0};

    (void)state;
    put_log(&b, 100);
    put_witnesses(&b, 2);
    buf_str(&b, "group g all 1 2\nquorum g\n");
    for (size_t len = 0; len < b.len; len++) {
        struct trust_error error = {0};
        struct trust *t = NULL;

        assert_int_not_equal(trust_parse(b.data, len, &t, &error), ERR_OK);
        assert_true(error.message[0] != '\0');
    }
    buf_clear(&b);
}

/* ---- judging ---- */

static void
no_quorum_and_one_witness(void **state)
{
    struct trust *t = policy(0, "quorum none\n");
    uint64_t time_s[64] = {5, 6, 7}, at = 1;

    (void)state;
    assert_true(trust_satisfied(t, 0));
    assert_false(trust_quorum_time(t, 0, time_s, &at));
    assert_int_equal(at, 1);
    trust_free(t);
    t = policy(3, "quorum 2\n");
    assert_true(trust_satisfied(t, 2));
    assert_true(trust_satisfied(t, 7));
    assert_false(trust_satisfied(t, 5));
    assert_false(trust_quorum_time(t, 5, time_s, &at));
    assert_true(trust_quorum_time(t, 7, time_s, &at));
    assert_int_equal(at, 6);
    trust_free(t);
}

static void
any_all_and_a_number_of_members(void **state)
{
    static const struct {
        const char *need;
        unsigned least;
    } cases[] = {{"any", 1}, {"1", 1}, {"2", 2}, {"all", 3}, {"3", 3}};

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char tail[64];
        struct trust *t;

        (void)snprintf(tail, sizeof(tail), "group g %s 1 2 3\nquorum g\n",
                       cases[i].need);
        t = policy(4, tail);
        for (uint64_t mask = 0; mask < 16; mask++) {
            unsigned n = (unsigned)__builtin_popcountll(mask & 7);

            assert_int_equal(trust_satisfied(t, mask), n >= cases[i].least);
        }
        trust_free(t);
    }
}

/* The example of the specification: two of three here and one of three there.
 */
static void
groups_of_groups_are_judged_as_written(void **state)
{
    struct trust *t = policy(6, "group X-witnesses 2 1 2 3\n"
                                "group Y-witnesses any 4 5 6\n"
                                "group X-and-Y all X-witnesses Y-witnesses\n"
                                "quorum X-and-Y\n");

    (void)state;
    for (uint64_t mask = 0; mask < 64; mask++)
        assert_int_equal(trust_satisfied(t, mask),
                         __builtin_popcountll(mask & 7) >= 2 &&
                             (mask & 0x38) != 0);
    trust_free(t);
}

/* A quorum that is not the last group: what stands below does not matter. */
static void
a_quorum_may_be_any_group(void **state)
{
    struct trust *t = policy(3, "group g all 1 2\nquorum g\n"
                                "group h all g 3\n");

    (void)state;
    assert_true(trust_satisfied(t, 3));
    assert_false(trust_satisfied(t, 6));
    trust_free(t);
}

static void
the_quorum_holds_since_its_weakest_needed_member(void **state)
{
    struct trust *t = policy(6, "group x 2 1 2 3\ngroup y any 4 5 6\n"
                                "group both all x y\nquorum both\n");
    uint64_t time_s[64] = {100, 300, 200, 150, 900, 50}, at = 0;

    (void)state;
    assert_true(trust_quorum_time(t, 0x3f, time_s, &at));
    assert_int_equal(at, 200); /* x by 2 and 3; y by 5 later */
    assert_true(trust_quorum_time(t, 0x0f, time_s, &at));
    assert_int_equal(at, 150); /* y only by 4 */
    assert_true(trust_quorum_time(t, 0x1d, time_s, &at));
    assert_int_equal(at, 100); /* x only by 1 and 3 */
    assert_false(trust_quorum_time(t, 0x07, time_s, &at));
    trust_free(t);
}

/* ---- checkpoints ---- */

/* A checkpoint of the log of seed SIGNER, cosigned by witnesses of MASK, of
 * which number I did it at 1000 + I. */
static void
make_note(struct buf *out, uint8_t signer, const char *origin, uint64_t mask)
{
    struct checkpoint cp = {.size = 7};
    struct sign_secret secret;
    struct vkey key;
    struct buf text = {0};

    (void)snprintf(cp.origin, sizeof(cp.origin), "%s", origin);
    make_key(&secret, &key, signer, NOTE_ED25519, origin);
    assert_int_equal(checkpoint_text(&cp, &text), ERR_OK);
    assert_int_equal(checkpoint_sign(&cp, &key, &secret, out), ERR_OK);
    for (uint8_t i = 0; i < 64; i++) {
        struct cosignature cosig;

        if ((mask >> i & 1) == 0)
            continue;
        make_key(&secret, &key, (uint8_t)(i + 1), NOTE_COSIGNATURE,
                 "witness.example/w");
        assert_int_equal(cosignature_sign((const char *)text.data, text.len,
                                          1000U + i, &secret, &cosig),
                         ERR_OK);
        cosignature_line(&key, &cosig, out);
    }
    buf_clear(&text);
}

static void
a_checkpoint_is_judged_by_its_log_and_its_witnesses(void **state)
{
    struct trust *t = policy(3, "group g 2 1 2 3\nquorum g\n");
    struct trusted trusted;
    struct buf note = {0};

    (void)state;
    make_note(&note, 100, "relay.example/delivery", 5);
    assert_int_equal(trust_checkpoint(t, note.data, note.len, &trusted),
                     ERR_OK);
    assert_ptr_equal(trusted.log, &t->logs[0]);
    assert_int_equal(trusted.head.size, 7);
    assert_int_equal(trusted.verified, 5);
    assert_int_equal(trusted.time_s[0], 1000);
    assert_int_equal(trusted.time_s[2], 1002);
    assert_true(trusted.quorum);
    assert_int_equal(trusted.quorum_time_s, 1000);
    buf_reset(&note);
    make_note(&note, 100, "relay.example/delivery", 2 | 8);
    assert_int_equal(trust_checkpoint(t, note.data, note.len, &trusted),
                     ERR_OK);
    assert_int_equal(trusted.verified, 2);
    assert_false(trusted.quorum);
    assert_int_equal(trusted.quorum_time_s, 0);
    buf_clear(&note);
    trust_free(t);
}

static void
foreign_logs_and_false_signatures_are_told_apart(void **state)
{
    struct trust *t = policy(2, "quorum none\n");
    struct trusted trusted = {.verified = 77};
    struct buf note = {0};

    (void)state;
    make_note(&note, 100, "relay.example/other", 0);
    assert_int_equal(trust_checkpoint(t, note.data, note.len, &trusted),
                     ERR_NOTFOUND);
    buf_reset(&note);
    make_note(&note, 101, "relay.example/delivery", 0);
    assert_int_equal(trust_checkpoint(t, note.data, note.len, &trusted),
                     ERR_VERIFY);
    buf_reset(&note);
    make_note(&note, 100, "relay.example/delivery", 3);
    note.data[note.len - 20] ^= 1; /* the second witness's signature */
    assert_int_equal(trust_checkpoint(t, note.data, note.len, &trusted),
                     ERR_VERIFY);
    assert_int_equal(trust_checkpoint(t, "x\n", 2, &trusted), ERR_MALFORMED);
    assert_int_equal(trusted.verified, 77);
    buf_clear(&note);
    trust_free(t);
}

static void
two_logs_of_one_origin_are_both_known(void **state)
{
    struct trusted trusted;
    struct trust *t = NULL;
    struct buf b = {0}, note = {0};

    (void)state;
    put_log(&b, 100);
    put_log(&b, 101);
    buf_str(&b, "quorum none\n");
    assert_int_equal(trust_parse(b.data, b.len, &t, NULL), ERR_OK);
    make_note(&note, 101, "relay.example/delivery", 0);
    assert_int_equal(trust_checkpoint(t, note.data, note.len, &trusted),
                     ERR_OK);
    assert_ptr_equal(trusted.log, &t->logs[1]);
    assert_true(trusted.quorum);
    trust_free(t);
    buf_clear(&note);
    buf_clear(&b);
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(logs_witnesses_and_urls_are_read),
        cmocka_unit_test(sixty_four_witnesses_are_read_and_no_more),
        cmocka_unit_test(limits_hold_for_logs_groups_names_urls_and_the_file),
        cmocka_unit_test(a_chain_of_sixty_four_groups_holds),
        cmocka_unit_test(what_is_wrong_is_told_with_its_line),
        cmocka_unit_test(a_zero_byte_is_refused),
        cmocka_unit_test(the_same_key_twice_is_refused_under_any_name),
        cmocka_unit_test(one_key_may_sign_several_logs),
        cmocka_unit_test(a_key_in_the_wrong_place_is_refused),
        cmocka_unit_test(a_policy_cut_anywhere_is_refused),
        cmocka_unit_test(no_quorum_and_one_witness),
        cmocka_unit_test(any_all_and_a_number_of_members),
        cmocka_unit_test(groups_of_groups_are_judged_as_written),
        cmocka_unit_test(a_quorum_may_be_any_group),
        cmocka_unit_test(the_quorum_holds_since_its_weakest_needed_member),
        cmocka_unit_test(a_checkpoint_is_judged_by_its_log_and_its_witnesses),
        cmocka_unit_test(foreign_logs_and_false_signatures_are_told_apart),
        cmocka_unit_test(two_logs_of_one_origin_are_both_known),
    };

    if (crypto_init() != ERR_OK)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
