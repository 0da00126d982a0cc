/*
 * referral.h - a referral as JSON: is it complete and well-formed, what of it
 * may go to whom, how it is cut into the parts of a packet and put together
 * again, how people read it.  Pure: documents in, documents and text out.
 *
 * Every function takes the profile that the referral names (profile_load of
 * referral_profile_id()).  Documents are borrowed for the call.
 */
#ifndef SEALPOST_CLIENT_REFERRAL_H
#define SEALPOST_CLIENT_REFERRAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client/profile.h"

/* ---- what kind of document ---- */

/* "core" when it does not say; borrowed from DOC. */
const char *referral_profile_id(const json_t *doc);
/* The name of its packet type (proto/packet_type.h): "referral" when it does
 * not say; borrowed from DOC. */
const char *referral_type(const json_t *doc);
/* Reads JSON text and loads its profile (core, when this program does not have
 * the one it names).  Gives both. */
enum err referral_read(const void *text, size_t len, const char *name,
                       json_t **doc, struct profile **p, struct problem *pb);

/* ---- is it right? ---- */

enum severity {
    FINDING_ERROR,   /* must be mended before it is sent */
    FINDING_WARNING, /* worth a second look; it can be sent */
};
struct finding {
    enum severity severity;
    const char *rule; /* "type", "missing", "code", "C1"...; static */
    char *path;       /* "episode[2].from", counted from 1; "" for the whole */
    char *text;       /* what is wrong and what is expected; terminal-safe */
};
struct findings {
    struct finding *items;
    size_t count;
    size_t errors; /* how many of them are errors */
    bool failed;   /* out of memory on the way */
};
void findings_clear(struct findings *f);
/* A hostile file can be wrong in a million places; nobody reads them all. */
#define FINDINGS_MAX 200
bool findings_full(const struct findings *f);
/* "episode[2].from: "2026-13" is not a date; write YYYY, ..." onto OUT. */
void finding_say(const struct finding *f, struct buf *out);

/* Checks DOC whole.  NOW_MS is the time, 0 when it does not matter.  ERR_OK:
 * checked, OUT->errors tells the result; ERR_NOMEM. */
enum err referral_check(const struct profile *p, const json_t *doc,
                        uint64_t now_ms, struct findings *out);
/* One value on its way into FIELD (for `new`): the same findings, path NAME. */
enum err referral_check_value(const struct profile *p, const struct field *f,
                              const json_t *value, const char *name,
                              struct findings *out);
/* The files that travel against the descriptions in DOC: warnings only. */
enum err referral_check_files(const json_t *doc, const char *const *names,
                              size_t count, struct findings *out);
/* Which part the file NAME belongs to: as described, else PART_ACCOUNT. */
enum part referral_file_part(const json_t *doc, const char *name);

/* ---- what may go to whom (consent rules C2, C5, C6, C9) ---- */

struct referral_to {
    const char *agency;     /* its name */
    const char *label;      /* the mailbox's label */
    const char *agency_id;  /* 32 hex digits, or NULL */
    const char *mailbox_id; /* 32 hex digits, or NULL */
};
/* PART_BITs that may go to TO: agreed in consent.recipients and not held back
 * by the mode.  Without agreement a stated legal basis (meta.legal_basis) opens
 * all parts but the privileged one.  ERR_REFUSED (P_POLICY) when nothing may:
 * TO is not listed and no basis is stated. */
enum err referral_allowed(const struct profile *p, const json_t *doc,
                          const struct referral_to *to, unsigned *parts,
                          struct problem *pb);
/* The same with the sender's stated reason against a missing agreement: all
 * parts but the privileged and those that the mode holds back.  The caller
 * stores the reason in meta ("consent_overridden") and counts it. */
unsigned referral_allowed_overriding(const struct profile *p,
                                     const json_t *doc);
/* A file goes with its part: ERR_REFUSED (P_POLICY) names the first of NAMES
 * whose part is not in ALLOWED.  Nothing privileged slips out as a file. */
enum err referral_files_allowed(const json_t *doc, const char *const *names,
                                size_t count, unsigned allowed,
                                struct problem *pb);

/* ---- parts ---- */

/* bytes[n] is compact JSON in the profile's order, n = enum part; those without
 * their bit in HERE are empty.  bytes[PART_META] is the referral's own share of
 * part 0 ({"type":..,"profile":..,"meta":{..}}): mail puts it in its meta
 * object under "referral".  Zero before use. */
struct referral_parts {
    struct buf bytes[PART_COUNT];
    unsigned here;
};
void referral_parts_clear(struct referral_parts *parts);
/* Cuts DOC; of parts without their bit in ALLOWED nothing is written.  Fields
 * that the profile does not know travel with their neighbours, in a group that
 * it does not know either with the identity.  Same content, same bytes. */
enum err referral_split(const struct profile *p, const json_t *doc,
                        unsigned allowed, struct referral_parts *out);
/* Puts parts together; gives a new document.  ERR_MALFORMED (P_JSON): one is
 * not a JSON object, or two disagree. */
enum err referral_join(const struct referral_parts *parts, json_t **out,
                       struct problem *pb);

/* ---- for people ---- */

struct referral_view {
    const char *lang; /* NULL: English */
    size_t width;     /* columns */
    unsigned here;    /* parts that came; others are said to be withheld */
    unsigned only;    /* show these parts only; 0: all */
};
/* Grouped under the parts' names, with labels, wrapped, safe for a terminal. */
enum err referral_render(const struct profile *p, const json_t *doc,
                         const struct referral_view *view, struct buf *out);
/* One line without a name: "Referral, identification, urgent (24 hours),
 * adult". */
enum err referral_subject(const struct profile *p, const json_t *doc,
                          const char *lang, struct buf *out);

/* What leaves the machine. */
struct referral_leaving {
    const struct referral_parts *parts;
    const struct referral_to *to;
    size_t to_count;
    const char *const *files; /* base names */
    const uint64_t *file_sizes;
    size_t file_count;
};
/* As lines for a person, and as an object (takes nothing; new reference). */
enum err referral_summary(const struct profile *p, const json_t *doc,
                          const struct referral_leaving *leaving,
                          struct buf *out);
json_t *referral_summary_json(const struct profile *p, const json_t *doc,
                              const struct referral_leaving *leaving);

#endif
