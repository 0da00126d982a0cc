/*
 * statement.h - the bytes of one directory statement (PROTOCOL.md
 * section 12.1): parse, build, sign, prove possession.  Knows no directory:
 * whether a statement has any effect is directory.h's business.
 *
 *   "sealpost/1/stmt\0" | u8 kind | u64 seq | prev(32) | u64 time
 *   | issuer(16) | u16 n | body(n) | u8 n_sig | n_sig x ( signer(16) | sig(64)
 * )
 *
 * Everything before n_sig is the *signed part*.  A statement without
 * signatures (n_sig 0) is well formed: that is what travels to an offline root
 * or registrar.  A parsed statement borrows its bytes: it lives no longer than
 * they do.  Nothing here is secret but the keys passed in.
 */
#ifndef SEALPOST_PROTO_STATEMENT_H
#define SEALPOST_PROTO_STATEMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/err.h"
#include "proto/crypto.h"
#include "proto/ids.h"

enum stmt_kind {
    STMT_POLICY = 1,
    STMT_ADMIT = 2,
    STMT_SUSPEND = 3,
    STMT_REROOT = 4,
    STMT_STOP_DEVICE = 5,
    STMT_DEVICE = 16,
    STMT_REVOKE = 17,
    STMT_CANCEL = 18,
    STMT_MAILBOX = 19,
    /* Unknown kinds below stop a client ("newer version needed"), from here
     * on they are skipped. */
    STMT_IGNORABLE = 128
};

/* Who may issue a kind. */
enum stmt_issuer { STMT_BY_REGISTRAR, STMT_BY_AGENCY };

/* The table of kinds, for anybody who lists or prints them. */
struct stmt_kind_info {
    uint8_t kind;
    const char *name; /* "policy": stable, lower case */
    enum stmt_issuer by;
    const char *what; /* a short sentence for people */
};
/* NULL for an unknown kind. */
const struct stmt_kind_info *stmt_kind_info(uint8_t kind);

enum agency_class {
    CLASS_STATUTORY = 1,
    CLASS_NON_STATUTORY = 2,
    CLASS_PARTNER = 3,
    CLASS_AUDITOR = 4,
    CLASS_REGISTRAR = 5
};
/* "statutory", ...; NULL for another number. */
const char *agency_class_name(uint8_t class);
/* ERR_NOTFOUND. */
enum err agency_class_from_name(uint8_t *class, const char *name);

enum revoke_reason {
    REVOKE_LOST = 1,
    REVOKE_STOLEN = 2,
    REVOKE_RETIRED = 3,
    REVOKE_REPLACED = 4
};
/* "lost", ...; NULL for another number. */
const char *revoke_reason_name(uint8_t reason);

/* Borrowed UTF-8, not terminated. */
struct text_ref {
    const char *p;
    size_t len;
};
/* Of a C string; NULL gives the empty text. */
struct text_ref text_ref(const char *s);

struct stmt_policy {
    uint8_t min_suite;
    uint8_t k, n;                /* 1 <= k <= n <= LIMIT_REGISTRAR_KEYS */
    const struct sign_key *keys; /* n, borrowed; no key twice */
    struct text_ref relay_name;  /* graphic ASCII, no '+' */
    struct dh_key relay_key;
    struct sign_key log_key;
    struct text_ref delivery_origin; /* like relay_name, and different */
    struct text_ref directory_origin;
    uint64_t old_size; /* of the delivery log that is succeeded, or 0 */
    struct hash old_root;
    uint32_t retention_days; /* at least 1 */
};
struct stmt_admit {
    struct sign_key root; /* the first root for ever: it names the agency */
    uint8_t class;        /* enum agency_class */
    char country[2];      /* ISO 3166-1 alpha-2, upper case */
    uint32_t capabilities;
    struct text_ref name;     /* 1..120 bytes, one line */
    struct text_ref services; /* lines; an auditor's scope stands here */
    struct sig pop;
};
struct stmt_suspend {
    struct agency_id agency;
    uint8_t state; /* 1 suspended, 0 lifted */
};
struct stmt_reroot {
    struct agency_id agency;
    struct sign_key root;
    uint64_t effective_s;
    struct sig pop;
};
struct stmt_stop_device {
    struct device_id device;
    uint64_t since_s;
};
struct stmt_device {
    struct sign_key sign_key;
    struct dh_key transport_key;
    uint64_t not_after_s;
    struct text_ref label; /* 1..80 bytes, one line */
    struct sig pop;
};
struct stmt_revoke {
    struct device_id device;
    uint8_t reason; /* enum revoke_reason */
    uint64_t since_s;
};
struct stmt_cancel {
    struct hash statement; /* stmt_hash of the REROOT that shall not happen */
};
enum { MAILBOX_CLOSED = 0, MAILBOX_OPEN = 1 };
struct stmt_mailbox {
    struct mailbox_id mailbox; /* random, not zero */
    uint8_t state;
    struct text_ref label;    /* 1..80 bytes, one line */
    uint32_t purposes;        /* bits; PROTOCOL.md section 12.1 */
    struct mailbox_id deputy; /* zeros: none */
    struct text_ref contact;  /* lines: duty phone, hours */
    uint8_t n;                /* strictly ascending by id, borrowed */
    const struct device_id *devices;
};

struct statement {
    uint8_t kind;
    uint64_t seq;
    struct hash prev;
    uint64_t time_s;
    struct agency_id issuer; /* of registrars: network_id[0..16] */
    union {
        struct stmt_policy policy;
        struct stmt_admit admit;
        struct stmt_suspend suspend;
        struct stmt_reroot reroot;
        struct stmt_stop_device stop_device;
        struct stmt_device device;
        struct stmt_revoke revoke;
        struct stmt_cancel cancel;
        struct stmt_mailbox mailbox;
    } body; /* not filled for an unknown kind */
    /* Set by stmt_parse only, ignored by stmt_build; borrowed. */
    const uint8_t *signed_part;
    size_t signed_len;
    const uint8_t *body_bytes;
    size_t body_len;
    uint8_t n_sig;
    const uint8_t *sigs; /* n_sig x 80 bytes; stmt_sig_at reads them */
};

/* id = first 16 bytes of SHA-256("sealpost/1/id\0" || key).  An agency is
 * named by its first root, a device by its signing key. */
void key_id(uint8_t id[16], const struct sign_key *key);
void agency_id_of(struct agency_id *id, const struct sign_key *root);
void device_id_of(struct device_id *id, const struct sign_key *key);

/* The whole of BYTES or nothing.  ERR_MALFORMED for any deviation from the
 * layout or from the values named above, signers not strictly ascending, left
 * over bytes; ERR_TOOBIG above LIMIT_STMT.  Unknown kinds parse.
 * Signatures are not checked. */
enum err stmt_parse(struct statement *st, const void *bytes, size_t len);

/* Appends the statement without signatures (n_sig 0): kind, seq, prev, time_s,
 * issuer and the body of ST; mailbox devices are sorted, everything else must
 * be as stmt_parse wants it, else ERR_MALFORMED; ERR_TOOBIG, ERR_NOMEM.  OUT
 * is as before on failure. */
enum err stmt_build(struct buf *out, const struct statement *st);

/* Adds KEY's signature in its place.  B holds exactly one statement.
 * ERR_EXISTS when the signer stands there already, ERR_FULL, ERR_TOOBIG,
 * ERR_MALFORMED, ERR_NOMEM: B unchanged. */
enum err stmt_sign(struct buf *b, const struct sign_secret *key);

/* SHA-256 of the signed part: the next statement's prev, what CANCEL names,
 * and of genesis the network_id. */
void stmt_hash(struct hash *out, const struct statement *st);

/* Signature I < n_sig. */
struct stmt_sig {
    uint8_t signer[16];
    struct sig sig;
};
struct stmt_sig stmt_sig_at(const struct statement *st, unsigned i);
/* Signature I is KEY's over the signed part.  ERR_VERIFY. */
enum err stmt_sig_check(const struct statement *st, unsigned i,
                        const struct sign_key *key);

/*
 * Proof of possession (ADMIT, REROOT, DEVICE): Ed25519 by the new key over
 * "sealpost/1/pop\0" || network_id || agency_id || what.  What is the body
 * before pop; for ADMIT it is the root key alone, since class, name and
 * services are the registrar's word and change without the root.
 * stmt_pop_make fills the pop of ST (issuer and body otherwise complete) with
 * KEY, which must be the new key (ERR_STATE).  ERR_NOMEM.
 */
enum err stmt_pop_make(struct statement *st, const struct sign_secret *key,
                       const struct hash *network_id);
/* Of a parsed statement.  ERR_VERIFY; ERR_OK for kinds without pop. */
enum err stmt_pop_check(const struct statement *st,
                        const struct hash *network_id);

/* The body alone, for requests that carry one.  Parse fills kind and body of
 * ST and its body_bytes. */
enum err stmt_body_build(struct buf *out, const struct statement *st);
enum err stmt_body_parse(struct statement *st, uint8_t kind, const void *bytes,
                         size_t len);

/*
 * Bundle: several statements in one file (genesis, registrar export, agency
 * sign): "sealpost/1/bundle\0" then u16 length || statement, repeated.
 *
 *   stmt_bundle_start(&b); stmt_bundle_add(&b, bytes, len); ...
 *   for (r = ...; stmt_bundle_next(&r, &bytes, &len) == ERR_OK;) ...
 */
void stmt_bundle_start(struct buf *out);
/* ERR_TOOBIG, ERR_NOMEM. */
enum err stmt_bundle_add(struct buf *out, const void *bytes, size_t len);
struct stmt_bundle {
    const uint8_t *p;
    size_t left;
};
/* ERR_MALFORMED when BYTES is no bundle or any statement in it does not
 * parse.  Borrows BYTES. */
enum err stmt_bundle_open(struct stmt_bundle *b, const void *bytes, size_t len);
/* The next statement's bytes, borrowed.  False at the end. */
bool stmt_bundle_next(struct stmt_bundle *b, const uint8_t **bytes,
                      size_t *len);

/* A line for people: UTF-8, 1..MAX bytes, no controls, line ends, bidi or
 * invisible characters, no space at either end.  The list is fixed: every
 * version of this program must judge alike.  (NFC is asked for by whoever
 * admits; see directory_check.) */
bool text_is_line(struct text_ref t, size_t max);
/* The same but may be empty and may hold "\n". */
bool text_is_lines(struct text_ref t, size_t max);
/* A relay name, origin: graphic ASCII without '+', 1..MAX bytes. */
bool text_is_name(struct text_ref t, size_t max);

#endif
