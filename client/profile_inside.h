/*
 * profile_inside.h - what the files of profile.h share: the profile's struct,
 * building the tree, laying one file over another, reading a condition.
 */
#ifndef SEALPOST_CLIENT_PROFILE_INSIDE_H
#define SEALPOST_CLIENT_PROFILE_INSIDE_H

#include "client/profile.h"

struct profile {
    json_t *doc; /* the whole file, what it extends laid under it; owned */
    struct field root;
    struct field **all; /* in the file's order; owned */
    const char **names; /* of all; owned array */
    size_t count;
};

/* Fills the tree from p->doc and checks it.  P_JSON says what is wrong. */
enum err profile_build(struct profile *p, struct problem *pb);
/* Conditions, not_before, one_of and part_from, once all fields are there. */
enum err profile_check_rules(struct profile *p, struct problem *pb);
/* *OUT: BASE with OVERLAY laid over it; new reference. */
enum err profile_lay_over(const json_t *base, const json_t *overlay,
                          json_t **out, struct problem *pb);

/* A problem of the profile in DOC; WHERE is a field's name or a table's. */
enum err profile_wrong(const json_t *doc, const char *where, enum err e,
                       struct problem *pb, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));

/* One comparison of a condition; the pointers are into its text. */
struct when_term {
    char name[96];
    bool is_not;
    const char *words; /* "a|b|c", LEN bytes */
    size_t words_len;
};
enum when_got { WHEN_TERM, WHEN_END, WHEN_BROKEN };
/* Reads the next one at *POS, starting with the whole text. */
enum when_got when_next(const char **pos, struct when_term *out);
/* Cuts "a|b|c": the next word of *WORDS, false at the end. */
bool when_word(const char **words, size_t *len, const char **word,
               size_t *word_len);

#endif
