/*
 * keys.h - the relay's own keys: X25519 for the transport, Ed25519 for both
 * logs, the logs' names, and the name that stands in every handshake.  One
 * file, `keys`, mode 0600, written by `sealpostd init`.  Losing it means a new
 * relay.  A second one, `keys.next`, holds what a succession asked the
 * registrar for, until the POLICY is here (server/succession.h).
 */
#ifndef SEALPOST_SERVER_KEYS_H
#define SEALPOST_SERVER_KEYS_H

#include "common/err.h"
#include "proto/crypto.h"
#include "proto/invite.h"
#include "proto/limits.h"

struct relay_keys {
    char name[LIMIT_RELAY_NAME + 1];
    struct dh_secret transport;              /* secret */
    struct sign_secret log;                  /* secret */
    char delivery_origin[LIMIT_ORIGIN + 1];  /* at first NAME/delivery */
    char directory_origin[LIMIT_ORIGIN + 1]; /* at first NAME/directory */
};

/* New keys in DIR/keys.  ERR_EXISTS when there are some already,
 * ERR_MALFORMED for a name that cannot be one. */
enum err keys_create(const char *dir, const char *name);
/* ERR_NOTFOUND: no `init` yet; ERR_MALFORMED; ERR_REFUSED: the file can be
 * read by others.  KEYS lives in crypto_secret memory: wipe with
 * keys_free(). */
enum err keys_load(const char *dir, struct relay_keys **out);
void keys_free(struct relay_keys *keys);

/* KEYS becomes DIR/keys.next, in place of an older one.  ERR_MALFORMED for
 * origins that cannot be names or are equal. */
enum err keys_save_next(const char *dir, const struct relay_keys *keys);
/* As keys_load; ERR_NOTFOUND: none. */
enum err keys_load_next(const char *dir, struct relay_keys **out);
/* keys.next becomes keys; durable when this gives ERR_OK. */
enum err keys_take_next(const char *dir);
/* What `init` prints; ADDRESS may be "". */
void keys_card(const struct relay_keys *keys, const char *address,
               struct relay_card *out);

#endif
