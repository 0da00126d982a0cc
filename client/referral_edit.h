/*
 * referral_edit.h - writing a referral field by field: values from what people
 * type, into their place in the document; and the questions still open.
 * Pure.  A path is a field's name with numbers from 1: "episode[2].from".
 */
#ifndef SEALPOST_CLIENT_REFERRAL_EDIT_H
#define SEALPOST_CLIENT_REFERRAL_EDIT_H

#include "client/referral.h"

/* PATH's field.  P_USAGE with "did you mean". */
enum err edit_field(const struct profile *p, const char *path,
                    const struct field **out, struct problem *pb);
/* What TEXT means as a value of F; a new reference.  Several values are parted
 * by commas, "~2024-05" is about then, "reason:declined" is a reason.  NAME is
 * for messages.  P_USAGE says what was expected. */
enum err edit_parse(const struct profile *p, const struct field *f,
                    const char *name, const char *text, json_t **out,
                    struct problem *pb);
/* Puts VALUE (taken, also on failure) at PATH, making what leads there; a list
 * grows by one at most.  P_USAGE. */
enum err edit_put(const struct profile *p, json_t *doc, const char *path,
                  json_t *value, struct problem *pb);
/* The value at PATH, or NULL; borrowed. */
json_t *edit_get(const json_t *doc, const char *path);

/* ---- questions, in the profile's order ---- */

enum question_kind {
    QUESTION_VALUE, /* PATH takes a value */
    QUESTION_MORE,  /* PATH is a list of groups: another one? */
};
struct question {
    const struct field *field;
    enum question_kind kind;
    char path[192];
    size_t index; /* of all questions that apply now, from 0 */
    size_t count; /* MORE: entries so far */
    bool is_open; /* no answer yet */
};

/* The first open question behind the one at PATH ("": of all); false when none
 * is left.  MORE questions are open whenever they lie ahead. */
bool question_after(const struct profile *p, const json_t *doc,
                    const char *path, struct question *out);
/* The one before PATH, answered or not. */
bool question_before(const struct profile *p, const json_t *doc,
                     const char *path, struct question *out);
/* How many apply, and how many of them have an answer. */
void question_count(const struct profile *p, const json_t *doc,
                    size_t *answered, size_t *total);

#endif
