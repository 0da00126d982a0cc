/* Sections 14.11 and 14.12 of PROTOCOL.md: our code against the vectors that a
 * stranger's reader made. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "proto/trust.h"
#include "proto/witness.h"
#include "tests/lib/vectors.h"

struct world {
    json_t *doc;
    struct witness_log log;
    struct vkey witness;
    struct sign_secret secret;
};

static void
load_vkey(const json_t *doc, const char *name, struct vkey *key)
{
    const char *text = vectors_text(json_object_get(doc, name), "vkey");

    assert_int_equal(vkey_parse(key, text, strlen(text)), ERR_OK);
}

static void
world_init(struct world *w)
{
    uint8_t seed[32];

    memset(w, 0, sizeof(*w));
    w->doc = vectors_load("sealpost/witness.json");
    load_vkey(w->doc, "log", &w->log.keys[0]);
    load_vkey(w->doc, "witness", &w->witness);
    w->log.n_keys = 1;
    vectors_copy(seed, sizeof(seed), json_object_get(w->doc, "witness"),
                 "seed");
    sign_keypair_from_seed(&w->secret, seed);
    assert_memory_equal(w->secret.pub.b, w->witness.pub.b, 32);
}

/* The body of a 200 or 409, and the state that follows. */
static void
assert_answer(struct world *w, const json_t *row,
              const struct witness_judgement *j)
{
    const char *expect = vectors_text(row, "answer");
    struct buf b = {0};

    if (j->why == WITNESS_OK) {
        assert_int_equal(witness_cosign(j, &w->witness, &w->secret, &b),
                         ERR_OK);
        w->log.state = j->next;
    } else {
        witness_size_format(j->size, &b);
    }
    assert_int_equal(b.len, strlen(expect));
    assert_memory_equal(b.data, expect, b.len);
    buf_clear(&b);
}

static void
every_request_gets_the_same_answer(void **state)
{
    struct world w;
    const json_t *row;
    size_t i;

    (void)state;
    world_init(&w);
    json_array_foreach(vectors_list(w.doc, "requests"), i, row)
    {
        const char *body = vectors_text(row, "body");
        struct witness_judgement j;

        witness_judge(body, strlen(body), &w.log, 1,
                      (uint64_t)vectors_int(row, "now"), &j);
        if (witness_status(j.why) != (unsigned)vectors_int(row, "status"))
            fail_msg("%s: %u", vectors_text(row, "name"),
                     witness_status(j.why));
        if (vectors_has(row, "answer"))
            assert_answer(&w, row, &j);
    }
    assert_int_equal(w.log.state.size, 65);
    json_decref(w.doc);
}

static void
assert_notes(const struct trust *t, const json_t *notes)
{
    const json_t *row;
    size_t i;

    json_array_foreach(notes, i, row)
    {
        const char *note = vectors_text(row, "note");
        struct trusted judged;

        assert_int_equal(trust_checkpoint(t, note, strlen(note), &judged),
                         ERR_OK);
        assert_int_equal(judged.verified, vectors_int(row, "verified"));
        assert_int_equal(judged.quorum,
                         json_is_true(json_object_get(row, "quorum")));
    }
}

static void
every_policy_is_read_and_judges_the_same(void **state)
{
    struct world w;
    const json_t *row;
    size_t i;

    (void)state;
    world_init(&w);
    json_array_foreach(vectors_list(w.doc, "policies"), i, row)
    {
        const char *text = vectors_text(row, "policy");
        struct trust_error error = {0};
        struct trust *t = NULL;
        enum err rc = trust_parse(text, strlen(text), &t, &error);

        if (vectors_has(row, "bad_line")) {
            assert_int_not_equal(rc, ERR_OK);
            assert_int_equal(error.line, vectors_int(row, "bad_line"));
        } else {
            assert_int_equal(rc, ERR_OK);
            assert_notes(t, vectors_list(row, "notes"));
        }
        trust_free(t);
    }
    json_decref(w.doc);
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_request_gets_the_same_answer),
        cmocka_unit_test(every_policy_is_read_and_judges_the_same),
    };

    if (crypto_init() != ERR_OK)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
