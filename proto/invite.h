/*
 * invite.h - the papers of joining (PROTOCOL.md section 13): the invite text
 * that a registrar hands to a new agency, the cards that introduce a relay to
 * its registrar and an agency to its later devices, the request of an agency,
 * and the request of a later device.  Knows no network and no clock.
 */
#ifndef SEALPOST_PROTO_INVITE_H
#define SEALPOST_PROTO_INVITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/err.h"
#include "proto/crypto.h"
#include "proto/ids.h"
#include "proto/limits.h"
#include "proto/statement.h"

/* ---- invite ---- */

/*
 * "sealpost1-" base32( u8 1 | network_id(32) | relay key(32) | code(16)
 * | u64 expiry | u8 l, relay name | u8 l, host:port | check(4) ).  The code is
 * a bearer secret: wipe with invite_clear.
 */
struct invite {
    struct hash network_id;
    struct dh_key relay_key;
    uint8_t code[16];
    uint64_t expiry_s;
    char relay_name[LIMIT_RELAY_NAME + 1];
    char address[LIMIT_ADDRESS + 1]; /* host:port, IPv6 in brackets */
};
void invite_clear(struct invite *inv);

/* Appends the text, one line without line end.  ERR_MALFORMED when a name or
 * the address cannot be, ERR_NOMEM.  OUT then holds a secret. */
enum err invite_make(struct buf *out, const struct invite *inv);

/* White space anywhere (a mail program folds lines) and upper case are
 * forgiven.  ERR_MALFORMED: this is no invite at all.  ERR_VERIFY: it is one,
 * mistyped or cut.  ERR_VERSION: of a later format.  ERR_EXPIRED at NOW_S: OUT
 * is filled all the same, so that the message can name the relay. */
enum err invite_parse(struct invite *out, const char *text, uint64_t now_s);

/* What the relay keeps: SHA-256(code). */
void invite_code_hash(struct hash *out, const uint8_t code[16]);

/* "host:port" or "[v6]:port", port 1..65535, no white space. */
bool address_is_valid(const char *address);

/* ---- relay card ---- */

/*
 * Printed by `sealpostd init`, read by `sealpost registrar init`.  Text, so
 * that it survives mail and chat; nothing in it is secret, but whoever swaps
 * it becomes the relay: compare the check by another way.
 *
 *   -----BEGIN SEALPOST RELAY CARD-----
 *   name: relay.example.org
 *   transport-key: base32
 *   log-key: base32
 *   delivery-origin: relay.example.org/delivery
 *   directory-origin: relay.example.org/directory
 *   address: host:port                                (or "-")
 *   check: XXXX-XXXX      40 bits of SHA-256("sealpost/1/card\0" || the lines
 *   -----END SEALPOST RELAY CARD-----                  above, each with "\n")
 */
struct relay_card {
    char name[LIMIT_RELAY_NAME + 1];
    struct dh_key transport_key;
    struct sign_key log_key;
    char delivery_origin[LIMIT_ORIGIN + 1];
    char directory_origin[LIMIT_ORIGIN + 1];
    char address[LIMIT_ADDRESS + 1]; /* may be empty */
};
/* Appends the block.  ERR_MALFORMED, ERR_NOMEM. */
enum err relay_card_make(struct buf *out, const struct relay_card *card);
/* Finds the block in TEXT; what stands around it, CR and white space at either
 * end of a line are forgiven.  ERR_MALFORMED: no card; ERR_VERIFY: a card that
 * was altered or cut. */
enum err relay_card_parse(struct relay_card *out, const char *text, size_t len);
/* The check alone, 9 characters and a terminator, to read over the phone. */
enum err relay_card_check(char out[10], const struct relay_card *card);

/* ---- agency card ---- */

/*
 * Printed by `sealpost agency card`: what a later device of the agency must
 * know.  Text like the relay card, with the check in the domain
 * "sealpost/1/agency-card":
 *
 *   agency, agency-id, root (the one in force), network, relay, relay-key,
 *   address (host:port)
 */
struct agency_card {
    struct hash network_id;
    struct agency_id agency;
    struct sign_key root;
    char name[LIMIT_AGENCY_NAME + 1];
    char relay_name[LIMIT_RELAY_NAME + 1];
    struct dh_key relay_key;
    char address[LIMIT_ADDRESS + 1];
};
/* Appends the block.  ERR_MALFORMED, ERR_NOMEM. */
enum err agency_card_make(struct buf *out, const struct agency_card *card);
/* As relay_card_parse. */
enum err agency_card_parse(struct agency_card *out, const char *text,
                           size_t len);

/* ---- join request ---- */

/*
 * "sealpost/1/join\0" | root key(32) | country(2) | u8 wished class
 * | u8 l, name | pop(64) | u16 n, DEVICE statement | u16 n, MAILBOX statement
 *
 * pop is the one that ADMIT will carry.  DEVICE (seq 0, prev network_id) and
 * MAILBOX (seq 1, with exactly that device) are signed by the root already:
 * the relay appends them behind ADMIT.
 */
struct join_request {
    struct sign_key root;
    char country[2];
    uint8_t wished_class; /* the registrar decides */
    struct text_ref name; /* borrowed */
    struct sig pop;
    struct text_ref device; /* bytes of the statements, borrowed */
    struct text_ref mailbox;
};
/* What an applicant says; ROOT stays the caller's. */
struct join_form {
    const struct hash *network_id;
    const struct sign_secret *root;
    uint64_t time_s;
    const char *country; /* two letters */
    uint8_t wished_class;
    const char *name;
    const struct sign_secret *device_key;
    const struct dh_key *device_transport_key;
    uint64_t device_not_after_s;
    const char *device_label;
    const struct mailbox_id *mailbox;
    const char *mailbox_label;
    uint32_t purposes;
    const char *contact;
};
/* Appends the request.  ERR_MALFORMED when a field cannot be (name not a line,
 * label too long...), ERR_TOOBIG, ERR_NOMEM. */
enum err join_request_make(struct buf *out, const struct join_form *form);
/* Layout only; borrows BYTES.  ERR_MALFORMED, ERR_TOOBIG. */
enum err join_request_parse(struct join_request *out, const void *bytes,
                            size_t len);
/* Everything that can be known without the directory: possession, both
 * statements, their chain and signatures.  ERR_VERIFY, ERR_MALFORMED. */
enum err join_request_check(const struct join_request *req,
                            const struct hash *network_id);
/* Fills kind and body of ST (borrowing from REQ) for the registrar, who then
 * sets seq, prev, time_s, issuer and may change class, name and services. */
void join_request_admit(struct statement *st, const struct join_request *req);

/* ---- device request ---- */

/*
 * A later device asks its agency's root: "sealpost/1/device\0"
 * | network_id(32) | agency_id(16) | u16 n | DEVICE body with pop.
 */
struct device_request {
    struct hash network_id;
    struct agency_id agency;
    struct statement device; /* kind, issuer and body; borrows */
};
/* ST: kind STMT_DEVICE, issuer and body complete but pop, which KEY makes.
 * ERR_MALFORMED, ERR_STATE (other key), ERR_NOMEM. */
enum err device_request_make(struct buf *out, const struct hash *network_id,
                             struct statement *st,
                             const struct sign_secret *key);
/* Checks the possession too: ERR_MALFORMED, ERR_VERIFY.  Borrows BYTES. */
enum err device_request_parse(struct device_request *out, const void *bytes,
                              size_t len);

/* What both people read out before the root signs: XXXX-XXXX-XXXX, 60 bits of
 * SHA-256("sealpost/1/device-check\0" || the request), Crockford's digits. */
enum { DEVICE_CHECK_LEN = 14 };
void device_request_check(char out[DEVICE_CHECK_LEN + 1], const void *bytes,
                          size_t len);
/* Is that what was TYPED, whatever case, hyphens and spaces? */
bool device_check_is(const char *check, const char *typed);

#endif
