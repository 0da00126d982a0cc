/*
 * directory.h - who is who: the state that follows from the leaves of the
 * directory log, and nothing else (PROTOCOL.md section 12).  The same leaves in
 * the same order give the same state on every machine.  Knows no clock (times
 * are passed in), no disk (the leaves' bytes are the caller's to keep), no
 * checkpoints' signatures.
 *
 * Life: directory_new, directory_apply for each leaf from 0, directory_free.
 * Pointers to agencies, devices, mailboxes and the policy stay valid until
 * directory_free; what they point to changes with directory_apply.  Not
 * thread-safe: no reader may run beside directory_apply.
 *
 * Rules beyond the table in PROTOCOL.md section 12:
 * - Genesis (leaf 0) is a POLICY with issuer, seq and prev zero, signed by k
 *   of the n registrars it names.  network_id is its hash, so the registrars'
 *   next statement has seq 1, issuer network_id[0..16] and prev network_id.
 * - Only a statement that takes effect moves its issuer's chain.  One of
 *   unknown kind with right chain and signature moves it too.
 * - Every signature on a statement must be by a registrar of the current
 *   POLICY (at least k of them), or exactly one by the agency's root.
 * - ADMIT names the agency by its first root always, after a REROOT too.
 * - A pending REROOT takes hold once the claimed time of any statement that
 *   took effect, or of the agency's own next one, reaches its effective time.
 *   A later REROOT replaces a pending one.
 * - No key that ever appeared may appear again, in whatever role; but POLICY
 *   may repeat its own, and an agency of class registrar may have a registrar
 *   key as its root.
 * - A second REVOKE or STOP_DEVICE has effect only with an earlier `since`.
 * - Agency names, and labels of an agency's open mailboxes, are taken once
 *   (ASCII letters compared without case).
 * - A POLICY that changes log key or an origin says which delivery log it
 *   succeeds (old_size, old_root), another one does not; a key and origin that
 *   were given up never come back (section 14.9).
 * - A mailbox id belongs to its first agency for ever; its devices are of that
 *   agency; its deputy, if any, is a known other mailbox.
 */
#ifndef SEALPOST_PROTO_DIRECTORY_H
#define SEALPOST_PROTO_DIRECTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "proto/ids.h"
#include "proto/limits.h"
#include "proto/statement.h"

#define DIR_NEVER UINT64_MAX /* an index or time that has not come */

/* ---- what the directory knows ---- */

struct dir_policy {
    uint64_t index; /* leaf that set it */
    uint8_t min_suite, k, n;
    struct sign_key keys[LIMIT_REGISTRAR_KEYS];
    char relay_name[LIMIT_RELAY_NAME + 1];
    struct dh_key relay_key;
    struct sign_key log_key;
    char delivery_origin[LIMIT_ORIGIN + 1];
    char directory_origin[LIMIT_ORIGIN + 1];
    uint64_t old_size;
    struct hash old_root;
    uint32_t retention_days;
};

/* An agency's standing from leaf INDEX on. */
struct dir_standing {
    uint64_t index;
    uint8_t class; /* enum agency_class */
    bool suspended;
};

struct dir_agency {
    struct agency_id id;
    struct sign_key first_root;
    struct sign_key root; /* in force as far as the log tells; see
                             directory_root_now */
    uint64_t root_index;  /* leaf of ADMIT or REROOT that gave root */
    struct {              /* a REROOT not yet in force */
        bool pending;
        struct sign_key root;
        uint64_t effective_s;
        uint64_t index;
        struct hash statement;
    } reroot;
    uint8_t class;
    bool suspended;
    char country[3];
    uint32_t capabilities;
    char name[LIMIT_AGENCY_NAME + 1];
    char *services; /* terminated; never NULL */
    uint64_t admitted_index;
    uint64_t next_seq; /* chain */
    struct hash prev;
    size_t n_standing; /* history, ascending by index, never empty */
    struct dir_standing *standing;
    size_t n_devices; /* ever, in log order */
    struct dir_device **devices;
    size_t n_mailboxes; /* ever, in log order */
    struct dir_mailbox **mailboxes;
};

struct dir_device {
    struct device_id id;
    struct dir_agency *agency;
    struct sign_key sign_key;
    struct dh_key transport_key;
    uint64_t not_after_s;
    char label[LIMIT_LABEL + 1];
    uint64_t added_index;
    uint64_t revoked_index; /* DIR_NEVER while in use */
    uint64_t revoked_since_s;
    struct hash revoked_by; /* stmt_hash of the first REVOKE / STOP_DEVICE */
    uint8_t revoked_reason; /* enum revoke_reason; 0 by STOP_DEVICE */
};

/* A mailbox's members from leaf INDEX on. */
struct dir_members {
    uint64_t index;
    uint8_t state;
    uint8_t n;
    struct device_id *devices; /* ascending */
};

struct dir_mailbox {
    struct mailbox_id id;
    struct dir_agency *agency;
    uint8_t state; /* MAILBOX_OPEN or MAILBOX_CLOSED */
    char label[LIMIT_LABEL + 1];
    uint32_t purposes;
    struct mailbox_id deputy; /* zeros: none */
    char *contact;            /* terminated; never NULL */
    size_t n_members;         /* history, never empty; the last is current */
    struct dir_members *members;
};

/* ---- applying ---- */

enum dir_effect {
    DIR_APPLIED, /* the state changed */
    DIR_IGNORED, /* unknown kind, rightly signed: only the chain moved */
    DIR_VOID     /* no effect: CODE says why */
};

/* Why a leaf has no effect: code, stable name, sentence. */
#define DIR_FINDING_TABLE(X)                                                   \
    X(DIR_FINE, "fine", "nothing to say")                                      \
    X(DIR_NOT_A_STATEMENT, "not-a-statement", "the leaf is not a statement")   \
    X(DIR_BAD_GENESIS, "bad-genesis",                                          \
      "leaf 0 is not this network's founding policy")                          \
    X(DIR_NO_GENESIS, "no-genesis", "the network has no founding policy")      \
    X(DIR_UNKNOWN_ISSUER, "unknown-issuer", "the issuer was never admitted")   \
    X(DIR_NO_AUTHORITY, "no-authority",                                        \
      "this kind of statement is not the issuer's to make")                    \
    X(DIR_BAD_CHAIN, "bad-chain",                                              \
      "it does not follow the issuer's previous statement")                    \
    X(DIR_BAD_SIGNATURE, "bad-signature",                                      \
      "a signature is missing, by somebody else, or does not verify")          \
    X(DIR_TOO_FEW_SIGNATURES, "too-few-signatures",                            \
      "fewer registrars signed than the policy asks for")                      \
    X(DIR_BAD_POP, "bad-possession",                                           \
      "the new key's proof of possession does not verify")                     \
    X(DIR_KEY_USED, "key-used", "a key appeared before")                       \
    X(DIR_NAME_TAKEN, "name-taken", "another agency or mailbox has the name")  \
    X(DIR_UNKNOWN_AGENCY, "unknown-agency", "the agency is not known")         \
    X(DIR_UNKNOWN_DEVICE, "unknown-device",                                    \
      "a device is not known, or not of this agency")                          \
    X(DIR_UNKNOWN_MAILBOX, "unknown-mailbox", "the deputy is not known")       \
    X(DIR_FOREIGN_MAILBOX, "foreign-mailbox",                                  \
      "the mailbox belongs to another agency")                                 \
    X(DIR_BAD_TIME, "bad-time", "a time in it lies outside what is allowed")   \
    X(DIR_NO_CHANGE, "no-change", "it says what is already so")                \
    X(DIR_BAD_SCOPE, "bad-scope", "the auditor's scope cannot be read")        \
    X(DIR_NOT_NFC, "not-nfc", "a text is not in Unicode form NFC")             \
    X(DIR_TOO_MANY, "too-many", "the agency or the directory is full")         \
    X(DIR_BAD_SUCCESSION, "bad-succession",                                    \
      "the log's name or key changes without old size and root, or comes "     \
      "back")

enum dir_code {
#define DIR_ENUM(code, name, text) code,
    DIR_FINDING_TABLE(DIR_ENUM)
#undef DIR_ENUM
        DIR_CODE_COUNT
};
const char *dir_code_name(enum dir_code code);
const char *dir_code_text(enum dir_code code);

/* What a leaf did, and to whom.  Ids that do not apply are zero. */
struct dir_finding {
    enum dir_effect effect;
    enum dir_code code;
    uint64_t index;
    uint8_t kind; /* 0 when the leaf did not parse */
    struct agency_id agency;
    struct device_id device;
    struct mailbox_id mailbox;
};

struct directory;

/* NETWORK_ID is borrowed for the call; NULL takes it from leaf 0.  NULL: no
 * memory. */
struct directory *directory_new(const struct hash *network_id);
void directory_free(struct directory *dir); /* NULL is fine */

/* Append leaf directory_size().  BYTES are borrowed for the call.  Every leaf
 * is appended, also one without effect; FINDING (may be NULL) says which.
 * ERR_NOMEM only: then nothing has changed. */
enum err directory_apply(struct directory *dir, const void *bytes, size_t len,
                         struct dir_finding *finding);

/*
 * Would a relay log this statement now?  Never changes DIR.  ERR_OK when it
 * would take effect and keeps the relay's own rules: claimed time at most 48 h
 * ahead of NOW_S, a REROOT at least 71 h away, a device not expired already,
 * the agency's root as of NOW_S, texts in NFC, a readable auditor's scope, room
 * left.  Else ERR_MALFORMED, ERR_VERIFY, ERR_REFUSED, ERR_FULL, ERR_VERSION
 * (unknown kind) and FINDING says why.  ERR_EXISTS when these bytes
 * are a leaf already: FINDING->index is its place, nothing is to do.
 */
enum err directory_check(const struct directory *dir, const void *bytes,
                         size_t len, uint64_t now_s,
                         struct dir_finding *finding);

/* ---- the log ---- */

uint64_t directory_size(const struct directory *dir);
/* False until genesis is applied, unless directory_new was told. */
bool directory_network_id(const struct directory *dir, struct hash *out);
/* RFC 6962 leaf hash.  INDEX < size. */
const struct hash *directory_leaf_hash(const struct directory *dir,
                                       uint64_t index);
/* Root of the first SIZE leaves, O(log n).  ERR_NOTFOUND when SIZE is above
 * directory_size. */
enum err directory_root_at(const struct directory *dir, uint64_t size,
                           struct hash *root);
/* Node INDEX of LEVEL (0: leaves), complete subtrees only: the reader that
 * merkle.h proofs ask for, ARG is the const struct directory.  ERR_NOTFOUND. */
enum err directory_node(void *arg, unsigned level, uint64_t index,
                        struct hash *out);
/* A statement of unknown kind below 128 has been seen: stop sending. */
bool directory_needs_newer(const struct directory *dir);
/* What the issuer's next statement must carry.  Registrars:
 * network_id[0..16].  ERR_NOTFOUND. */
enum err directory_chain(const struct directory *dir,
                         const struct agency_id *issuer, uint64_t *next_seq,
                         struct hash *prev);
/* The issuer id of registrars.  False before genesis is known. */
bool directory_registrar_id(const struct directory *dir, struct agency_id *out);

/* ---- look-ups; NULL: not known ---- */

const struct dir_policy *directory_policy(const struct directory *dir);
/* Every POLICY that took effect, in log order, I from 0; NULL behind the one in
 * force.  The pointer is good until the next directory_apply. */
const struct dir_policy *directory_policy_nth(const struct directory *dir,
                                              size_t i);
const struct dir_agency *directory_agency(const struct directory *dir,
                                          const struct agency_id *id);
const struct dir_device *directory_device(const struct directory *dir,
                                          const struct device_id *id);
const struct dir_device *
directory_device_by_transport_key(const struct directory *dir,
                                  const struct dh_key *key);
const struct dir_mailbox *directory_mailbox(const struct directory *dir,
                                            const struct mailbox_id *id);

/* In log order, I from 0; NULL behind the last. */
const struct dir_agency *directory_agency_nth(const struct directory *dir,
                                              size_t i);
const struct dir_device *directory_device_nth(const struct directory *dir,
                                              size_t i);
const struct dir_mailbox *directory_mailbox_nth(const struct directory *dir,
                                                size_t i);

/* Names as people type them (ASCII letters without case).  A mailbox is
 * "Agency/label", or "Agency" alone when it has one open mailbox, or the hex
 * id.  ERR_NOTFOUND; ERR_CONFLICT when several fit. */
enum err directory_find_agency(const struct directory *dir, const char *name,
                               const struct dir_agency **out);
enum err directory_find_mailbox(const struct directory *dir, const char *name,
                                const struct dir_mailbox **out);

/* ---- now ---- */

/* The root in force at NOW_S: what fingerprints are made of. */
const struct sign_key *directory_root_now(const struct dir_agency *agency,
                                          uint64_t now_s);
/* Neither revoked nor expired.  Its agency may be suspended: ask that apart. */
bool device_is_live(const struct dir_device *device, uint64_t now_s);
/* DEVICE belongs to MAILBOX by its latest statement. */
bool mailbox_has_device(const struct dir_mailbox *mailbox,
                        const struct device_id *device);
/* The current live members, ascending by device id (the order of slots).  OUT
 * has room for LIMIT_MAILBOX_DEVICES; gives their number.  0 for a closed
 * mailbox. */
size_t directory_live_devices(const struct directory *dir,
                              const struct dir_mailbox *mailbox, uint64_t now_s,
                              const struct dir_device **out);

/* ---- then: as the first SIZE leaves tell it ---- */

/* The device is there, of that agency, and not revoked.  (Expiry is a matter
 * of time: compare not_after_s.) */
bool directory_device_live_at(const struct directory *dir,
                              const struct device_id *device,
                              const struct agency_id *agency, uint64_t size);
/* NULL when the agency was not admitted then. */
const struct dir_standing *directory_standing_at(const struct directory *dir,
                                                 const struct agency_id *agency,
                                                 uint64_t size);
/* NULL when the mailbox was not there. */
const struct dir_members *directory_members_at(const struct directory *dir,
                                               const struct mailbox_id *mailbox,
                                               uint64_t size);

/* ---- auditors ---- */

/*
 * The scope stands in ADMIT.services of an agency of class auditor, in lines
 *
 *   scope agencies=A from=D to=D
 *
 * one space between the words; A is "*" or agency ids (32 lower-case hex
 * digits) joined by commas; D is YYYY-MM-DD (UTC, both days included) or "*".
 * Several lines add up.  Lines that do not start with "scope" and a space are
 * free text.  One bad scope line makes the whole scope empty.
 */
/* ERR_MALFORMED: there is a bad scope line. */
enum err audit_scope_check(const char *services);
bool audit_scope_covers(const char *services, const struct agency_id *agency,
                        uint64_t time_s);
/* AUDITOR is of class auditor, not suspended, and its scope covers AGENCY at
 * TIME_S.  A label, a name or a scope without the class grants nothing. */
bool directory_auditor_may_see(const struct dir_agency *auditor,
                               const struct agency_id *agency, uint64_t time_s);

#endif
