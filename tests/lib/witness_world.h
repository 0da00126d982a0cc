/*
 * witness_world.h - one log with a tree, its second history, and a witness
 * that follows it, for tests of tlog-witness.  What goes wrong while making
 * requests fails the running test.
 */
#ifndef SEALPOST_TESTS_WITNESS_WORLD_H
#define SEALPOST_TESTS_WITNESS_WORLD_H

#include "proto/witness.h"
#include "tests/lib/memtree.h"

#define WITNESS_ORIGIN "relay.example/delivery"

enum { WITNESS_NOW = 1800000000, WITNESS_TREE = 70 };

struct witness_world {
    struct memtree tree, other; /* OTHER is the same log's second history */
    struct sign_secret log_secret, witness_secret;
    struct vkey witness;
    struct witness_log log;
    struct buf body; /* of the last request */
    struct witness_judgement j;
};

/* Of cmocka's form; *STATE is the world. */
int witness_world_setup(void **state);
int witness_world_teardown(void **state);

/* The key of a seed of one repeated byte. */
void witness_world_key(struct sign_secret *secret, struct vkey *key,
                       uint8_t seed_byte, enum note_type type,
                       const char *name);
/* Appends the checkpoint of the first SIZE entries of TREE. */
void witness_sign_head(struct witness_world *w, struct memtree *tree,
                       uint64_t size, struct buf *out);
/* The honest request for TREE from OLD to SIZE lies in BODY. */
void witness_request_for(struct witness_world *w, struct memtree *tree,
                         uint64_t old, uint64_t size);
/* Judges BODY, at NOW_S or WITNESS_NOW, into J. */
enum witness_why witness_judge_at(struct witness_world *w, uint64_t now_s);
enum witness_why witness_judge_body(struct witness_world *w);
enum witness_why witness_judge_text(struct witness_world *w, const char *body);
/* witness_request_for() and witness_judge_body() */
enum witness_why witness_ask(struct witness_world *w, uint64_t old,
                             uint64_t size);
/* As the program does: keep, then go on from there. */
void witness_accept(struct witness_world *w, uint64_t old, uint64_t size);
/* The text of the note in BODY. */
struct note witness_text_of(const struct witness_world *w);

#endif
