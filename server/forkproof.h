/*
 * forkproof.h - heads of our own logs that this data lacks: what clients show
 * at session start, judged, and kept as DIR/fork-proof, so that a restored copy
 * is refused at the next start too and not only when the next client comes.
 *
 * The file is the checkpoint as the client showed it.  It counts only while it
 * verifies under today's key and name and is no prefix of the log: after a
 * succession, or with the newer data back in place, it is moot and goes.
 */
#ifndef SEALPOST_SERVER_FORKPROOF_H
#define SEALPOST_SERVER_FORKPROOF_H

#include <stddef.h>

#include "common/err.h"
#include "proto/note.h"
#include "server/store.h"

/* THEIRS verified under our key.  ERR_OK: a prefix of what we hold.
 * ERR_CONFLICT: it is not, and WHY says in one sentence what is missing, how
 * much, and since when. */
enum err forkproof_judge(struct store_reader *rd, enum store_log log,
                         const struct head *theirs, char *why, size_t why_len);
/* NOTE is what forkproof_judge() found in conflict.  Durable with ERR_OK. */
enum err forkproof_keep(const char *dir, const void *note, size_t len);
/* At start.  ERR_CONFLICT and WHY while one stands; one that is moot is
 * removed. */
enum err forkproof_check(const char *dir, struct store *st,
                         struct store_reader *rd, char *why, size_t why_len);

#endif
