/*
 * profile.h - which questions a referral has, as data: client/profiles/ID.json,
 * loaded, checked against itself and turned into a tree.  A profile may extend
 * another; it may add and tighten, never loosen (client/DESIGN.md, Referrals).
 * Knows no referral; referral.h does.
 *
 * Life: profile_load() or profile_parse() ... profile_free().  Everything that
 * it gives is borrowed until then.
 *
 * A field's name is its place in the JSON: "id.given" is {"id":{"given":..}},
 * "episode[].from" is "from" in every object of the array "episode".
 */
#ifndef SEALPOST_CLIENT_PROFILE_H
#define SEALPOST_CLIENT_PROFILE_H

#include <stdbool.h>
#include <stddef.h>

#include "client/json.h"
#include "client/problem.h"

/* The parts of a packet that a referral fills (client/DESIGN.md, Referrals). */
enum part {
    PART_META,
    PART_IDENTITY,
    PART_CONTACT,
    PART_CASE,
    PART_NEEDS,
    PART_ASYLUM,
    PART_JUSTICE,
    PART_ACCOUNT,
    PART_PRIVILEGED,
    PART_COUNT
};
#define PART_BIT(n) (1u << (n))
#define PARTS_ALL (PART_BIT(PART_COUNT) - 1u)
/* "identity"; static.  PART_COUNT when no part is called NAME. */
const char *part_name(unsigned part);
enum part part_by_name(const char *name);

enum value_type {
    VALUE_GROUP,   /* an object: has children, no value of its own */
    VALUE_STR,     /* one line, at most max characters */
    VALUE_TEXT,    /* paragraphs, at most max characters */
    VALUE_CODE,    /* one of codes */
    VALUE_CODES,   /* an array of them, none twice */
    VALUE_DATE,    /* YYYY, YYYY-MM, YYYY-MM-DD, or {"date":..,"approx":true} */
    VALUE_YNS,     /* yes, no, not_sure */
    VALUE_INT,     /* 0..max */
    VALUE_COUNTRY, /* ISO 3166-1 alpha-2, XX unknown, or stateless */
    VALUE_LANG,    /* ISO 639, perhaps with a BCP 47 tail */
    VALUE_PHONE,   /* E.164 */
    VALUE_EMAIL,
    VALUE_ATTACH, /* the base name of an attached file */
    VALUE_TYPES
};
const char *value_type_name(enum value_type type);

/* One node of the tree.  The root is a group without a name. */
struct field {
    const char *key;  /* last word of the name, "from" */
    const char *name; /* whole name, "episode[].from" */
    enum value_type type;
    enum part part;      /* where it travels; in a list: that of the list */
    unsigned parts;      /* PART_BITs of it and all below it */
    bool is_list;        /* an array of what type says */
    size_t list_min;     /* when it is required */
    size_t list_max;     /* always */
    size_t max;          /* characters, or the greatest int */
    bool takes_reason;   /* {"reason": ..} may stand for the value */
    bool asked;          /* `sealpost new` asks it */
    bool required;       /* always; else see when */
    const json_t *when;  /* conditions that make it required, or NULL */
    const json_t *codes; /* object code -> labels, or NULL */
    const json_t *def;   /* the field's own object in the file */
    const struct field *parent;
    const struct field *not_before; /* sibling date that comes first */
    struct field **children;
    size_t child_count;
};

struct profile;

/* A profile that is built into the program, with all that it extends.
 * ERR_NOTFOUND (P_NOT_FOUND names those that are there), ERR_MALFORMED. */
enum err profile_load(struct profile **out, const char *id, struct problem *pb);
/* The same from JSON; BASE is what it extends (NULL: it extends nothing), and
 * may be freed afterwards.  ERR_MALFORMED with P_JSON, saying which field and
 * what is wrong with it; ERR_REFUSED when it would loosen a rule of BASE. */
enum err profile_parse(struct profile **out, const void *json, size_t len,
                       const struct profile *base, struct problem *pb);
void profile_free(struct profile *p);

const char *profile_id(const struct profile *p);
unsigned profile_version(const struct profile *p);
const struct field *profile_root(const struct profile *p);
/* By whole name ("episode[].from"; numbers in the brackets are ignored), or
 * NULL. */
const struct field *profile_field(const struct profile *p, const char *name);
const struct field *profile_child(const struct field *group, const char *key);
/* All fields in the order of the file, groups before their children. */
size_t profile_count(const struct profile *p);
const struct field *profile_at(const struct profile *p, size_t i);
/* Every field's whole name, to find what was meant. */
const char *const *profile_names(const struct profile *p);

/* What people read; LANG falls back to English, English to the code itself. */
const char *profile_label(const struct field *f, const char *lang);
const char *profile_help(const struct field *f, const char *lang); /* or NULL */
const char *profile_code_label(const struct field *f, const char *code,
                               const char *lang);
const char *profile_part_label(const struct profile *p, enum part part,
                               const char *lang);
const char *profile_country(const struct profile *p, const char *code);
/* Reasons instead of a value: code -> {"key": "n", labels}. */
const json_t *profile_reasons(const struct profile *p);
const char *profile_reason_label(const struct profile *p, const char *reason,
                                 const char *lang);
/* Any other table of the file ("consent", "withheld", ...), or NULL. */
const json_t *profile_table(const struct profile *p, const char *name);

/* Is WHEN true in DOC?  WHEN is an array of strings, one of which must hold:
 * "age.class_now=adult & referral.mode!=advice|placement".  ITEM (or NULL) is
 * the list's object that names starting with "." are looked up in.  A field
 * that is absent or has a reason equals nothing. */
bool profile_when(const json_t *when, const json_t *doc, const json_t *item);
/* The value at NAME without lists in it, or NULL. */
const json_t *profile_get(const json_t *doc, const char *name);

#endif
