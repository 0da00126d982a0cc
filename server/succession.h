/*
 * succession.h - the relay's side of a new log name or key (PROTOCOL.md section
 * 14.9), while it is stopped:
 *
 *   ask    keys.next is made, a card for the registrar
 *   load   the registrar's file: missing directory leaves and the POLICY go
 *          into the store, then keys.next becomes keys
 *   settle what a crash between these two left undone
 *
 * The database decides: once the transaction of load is committed, the new
 * names and key are in force and settle finishes the rest.
 */
#ifndef SEALPOST_SERVER_SUCCESSION_H
#define SEALPOST_SERVER_SUCCESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "proto/succession.h"
#include "server/keys.h"
#include "server/store.h"

/* Before keys_load(), wherever a store is to be opened.  ERR_OK also when there
 * is nothing to do. */
enum err succession_settle(const char *dir);

struct succession_wish {
    bool new_key;
    const char *delivery_origin; /* NULL: the next number */
    const char *directory_origin;
};
/* ST was opened past the guard with KEYS.  WHY gets a sentence on failure.
 * ERR_STATE: no network yet.  ERR_MALFORMED: names that cannot be, or that
 * leave a log as it was. */
enum err succession_ask(const char *dir, struct store *st,
                        const struct relay_keys *keys,
                        const struct succession_wish *wish,
                        struct succession_card *card, char *why,
                        size_t why_len);

/* The directory's leaves as a bundle, for a registrar who has not seen all. */
enum err succession_leaves(struct store *st, struct buf *out);

struct succession_done {
    uint64_t leaves;        /* put back into the directory */
    uint64_t policy;        /* its leaf */
    uint64_t delivery_size; /* where the new name begins */
    char delivery_origin[LIMIT_ORIGIN + 1];
};
/* ST was opened past the guard; afterwards it is good for
 * store_close() only, then succession_settle().  WHY gets a sentence on
 * failure: ERR_EXISTS it was done already, ERR_NOTFOUND no succession was asked
 * for, ERR_CONFLICT the file is about another relay, directory, size or key,
 * ERR_VERIFY the registrars' signatures, ERR_REFUSED the POLICY has no effect,
 * ERR_MALFORMED not such a file. */
enum err succession_load(const char *dir, struct store *st, const void *file,
                         size_t len, struct succession_done *out, char *why,
                         size_t why_len);

#endif
