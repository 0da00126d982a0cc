/*
 * referral_inside.h - what the files of referral.h share.
 */
#ifndef SEALPOST_CLIENT_REFERRAL_INSIDE_H
#define SEALPOST_CLIENT_REFERRAL_INSIDE_H

#include "client/referral.h"

/* One check on its way through a document. */
struct checking {
    const struct profile *p;
    const json_t *doc;
    uint64_t now_ms;
    struct findings *out;
    bool is_foreign; /* the document's profile is not P: unknown is kept */
};

/* Adds one unless they are full; RULE is static, TEXT a format. */
void findings_add(struct findings *f, enum severity severity, const char *rule,
                  const char *path, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));
/* The same with a text made elsewhere, which is cleared. */
void findings_take(struct findings *f, enum severity severity, const char *rule,
                   const char *path, struct buf *text);

/* {"reason": ..}, whatever the reason. */
bool is_reason(const json_t *v);
/* Nothing, null, "" or []. */
bool is_blank(const json_t *v);
/* The string at NAME in DOC, or "". */
const char *referral_word(const json_t *doc, const char *name);

/* One value that is neither blank nor a list nor a group. */
void check_value(const struct checking *c, const struct field *f,
                 const json_t *v, const char *path);
/* "write yes, no or not_sure": what FIELD takes. */
void say_expected(const struct field *f, struct buf *out);
/* "a number", "an object": what JSON V is. */
const char *json_kind(const json_t *v);
/* Rules over several fields: C1 to C9, types, dates. */
void check_consent(const struct checking *c);

/* Years, months (0: none), days (0: none).  False: not a date that exists. */
struct partial_date {
    int year;
    int month;
    int day;
    bool is_approx;
};
bool date_read(const json_t *v, struct partial_date *out);
/* <0, 0, >0 as far as both say. */
int date_compare(const struct partial_date *a, const struct partial_date *b);
/* The day of NOW_MS in UTC. */
struct partial_date date_of_ms(uint64_t now_ms);

/* What of the object OBJ, in group G, travels in PART, in the profile's order;
 * a new object, NULL when out of memory. */
json_t *referral_pick(const struct field *g, const json_t *obj, enum part part);

#endif
