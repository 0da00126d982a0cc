/*
 * statements.h - statements on their way into the directory log, one at a
 * time: each is checked against the newest directory, logged with what it
 * means for the store, applied in memory, and told to everybody.
 *
 * Life: statements_new() ... statements_free() with the relay.
 */
#ifndef SEALPOST_SERVER_STATEMENTS_H
#define SEALPOST_SERVER_STATEMENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "proto/directory.h"
#include "proto/statement.h"
#include "server/store.h"

struct relay;
struct session;
struct statements;

struct statements *statements_new(struct relay *r);
void statements_free(struct statements *q);
/* Queues a copy of BYTES.  S (may be NULL) gets STMT or ERROR for REQ; when S
 * ends meanwhile, statements_forget() drops the answer, not the statement.
 * ERR_NOMEM, ERR_FULL (too many wait). */
enum err statements_put(struct relay *r, struct session *s, uint32_t req,
                        const void *bytes, size_t len);
void statements_forget(struct statements *q, const struct session *s);
/* At start and with each sweep: agencies whose ADMIT was logged and whose
 * first device or mailbox was not (a crash, a full disk). */
void statements_finish_joins(struct relay *r);

enum { STATEMENT_EFFECTS_MAX = 2 };
/* What ST, checked against DIR, means for the store.  MEMBERS in an effect
 * point into ST.  Gives the number of effects. */
size_t statement_effects(const struct directory *dir,
                         const struct statement *st,
                         struct store_effect out[STATEMENT_EFFECTS_MAX]);
/* Reads the whole directory log into a new directory. */
enum err statements_load(struct store_reader *rd, struct directory **out);
/* `sealpostd genesis`: the bundle's statements onto an empty directory log.
 * WHY gets one sentence on failure. */
enum err statements_genesis(struct store *st, struct directory *dir,
                            const void *bundle, size_t len, char *why,
                            size_t why_len);

#endif
