/*
 * succession.h - the card with which a relay asks for a new log name or key:
 * what the registrar must know to sign the POLICY (PROTOCOL.md sections 13.6
 * and 14.9).  Text like the relay card, with the check in the domain
 * "sealpost/1/succession-card":
 *
 *   -----BEGIN SEALPOST SUCCESSION CARD-----
 *   name: relay.example.org
 *   log-key: base32
 *   delivery-origin: relay.example.org/delivery/2
 *   directory-origin: relay.example.org/directory/2
 *   delivery-size: 1204
 *   delivery-root: base32
 *   directory-size: 31
 *   directory-root: base32
 *   check: XXXX-XXXX
 *   -----END SEALPOST SUCCESSION CARD-----
 *
 * Nothing in it is secret; people compare the check.
 */
#ifndef SEALPOST_PROTO_SUCCESSION_H
#define SEALPOST_PROTO_SUCCESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/err.h"
#include "proto/ids.h"
#include "proto/limits.h"
#include "proto/statement.h"

struct succession_card {
    char name[LIMIT_RELAY_NAME + 1]; /* of the relay: does not change */
    struct sign_key log_key;         /* from now on */
    char delivery_origin[LIMIT_ORIGIN + 1];
    char directory_origin[LIMIT_ORIGIN + 1];
    uint64_t delivery_size; /* what the relay's store holds */
    struct hash delivery_root;
    uint64_t directory_size;
    struct hash directory_root;
};

/* Appends the block.  ERR_MALFORMED, ERR_NOMEM. */
enum err succession_card_make(struct buf *out,
                              const struct succession_card *card);
/* As relay_card_parse: ERR_MALFORMED no card, ERR_VERIFY altered or cut. */
enum err succession_card_parse(struct succession_card *out, const char *text,
                               size_t len);
/* The check alone, 9 characters and a terminator. */
enum err succession_card_check(char out[10],
                               const struct succession_card *card);

/* The name that follows ORIGIN: "x/delivery" gives "x/delivery/2", that
 * "x/delivery/3".  OUT may be ORIGIN.  ERR_TOOBIG. */
enum err succession_origin(const char *origin, char out[LIMIT_ORIGIN + 1]);

#endif
