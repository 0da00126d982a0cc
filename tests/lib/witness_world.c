#include "tests/lib/witness_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

void
witness_world_key(struct sign_secret *secret, struct vkey *key,
                  uint8_t seed_byte, enum note_type type, const char *name)
{
    uint8_t seed[32];

    memset(seed, seed_byte, sizeof(seed));
    sign_keypair_from_seed(secret, seed);
    assert_int_equal(vkey_make(key, name, type, &secret->pub), ERR_OK);
}

int
witness_world_setup(void **state)
{
    static struct witness_world w;

    memset(&w, 0, sizeof(w));
    witness_world_key(&w.log_secret, &w.log.keys[0], 1, NOTE_ED25519,
                      WITNESS_ORIGIN);
    w.log.n_keys = 1;
    witness_world_key(&w.witness_secret, &w.witness, 2, NOTE_COSIGNATURE,
                      "witness.example/w");
    memtree_grow(&w.tree, WITNESS_TREE);
    memtree_append(&w.other, "another entry", 13);
    memtree_grow(&w.other, WITNESS_TREE);
    *state = &w;
    return 0;
}

int
witness_world_teardown(void **state)
{
    struct witness_world *w = *state;

    memtree_clear(&w->tree);
    memtree_clear(&w->other);
    buf_clear(&w->body);
    return 0;
}

void
witness_sign_head(struct witness_world *w, struct memtree *tree, uint64_t size,
                  struct buf *out)
{
    struct checkpoint cp = {.size = size};

    (void)snprintf(cp.origin, sizeof(cp.origin), "%s", WITNESS_ORIGIN);
    assert_int_equal(merkle_root_at(memtree_read, tree, size, &cp.root),
                     ERR_OK);
    assert_int_equal(checkpoint_sign(&cp, &w->log.keys[0], &w->log_secret, out),
                     ERR_OK);
}

/* The honest request for WITNESS_TREE from OLD to SIZE lies in BODY. */
void
witness_request_for(struct witness_world *w, struct memtree *tree, uint64_t old,
                    uint64_t size)
{
    struct witness_request req = {.old = old};
    struct buf note = {0};

    witness_sign_head(w, tree, size, &note);
    req.note = (const char *)note.data;
    req.note_len = note.len;
    if (old > 0 && old <= size)
        assert_int_equal(
            merkle_consistency(memtree_read, tree, old, size, req.path, &req.n),
            ERR_OK);
    buf_reset(&w->body);
    assert_int_equal(witness_request_format(&req, &w->body), ERR_OK);
    buf_clear(&note);
}

enum witness_why
witness_judge_at(struct witness_world *w, uint64_t now_s)
{
    witness_judge(w->body.data, w->body.len, &w->log, 1, now_s, &w->j);
    return w->j.why;
}

enum witness_why
witness_judge_body(struct witness_world *w)
{
    return witness_judge_at(w, WITNESS_NOW);
}

enum witness_why
witness_ask(struct witness_world *w, uint64_t old, uint64_t size)
{
    witness_request_for(w, &w->tree, old, size);
    return witness_judge_body(w);
}

/* As the program does: keep, then go on from there. */
void
witness_accept(struct witness_world *w, uint64_t old, uint64_t size)
{
    assert_int_equal(witness_ask(w, old, size), WITNESS_OK);
    w->log.state = w->j.next;
}

enum witness_why
witness_judge_text(struct witness_world *w, const char *body)
{
    buf_reset(&w->body);
    buf_str(&w->body, body);
    return witness_judge_body(w);
}

/* The text of the note in BODY. */
struct note
witness_text_of(const struct witness_world *w)
{
    struct note note;

    assert_int_equal(
        note_open(w->j.req.note, w->j.req.note_len, NULL, 0, &note), ERR_OK);
    return note;
}
