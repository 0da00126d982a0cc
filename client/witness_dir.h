/*
 * witness_dir.h - what a witness keeps: its key, the logs it follows, and for
 * each of them the newest checkpoint that it has cosigned.  No vault: a
 * directory of its own.
 *
 *     DIR/key                       name and Ed25519 seed, 0600
 *     DIR/lock                      held by the one process that may sign
 *     DIR/logs/HASH/keys            the log's verifier keys, one a line
 *     DIR/logs/HASH/checkpoint      signed by the log, cosigned by us: this
 *                                   file is the state, and what others may get
 *     DIR/logs/HASH/fork-*.txt      two histories, proved by signatures
 *     DIR/logs/HASH/suspect-*.txt   a head that nobody could join to ours
 *
 * HASH is the hex SHA-256 of the origin.  A copy of DIR must never be put back:
 * a witness that forgot what it signed is worth nothing.
 * Life: witness_dir_open() ... witness_dir_close().
 */
#ifndef SEALPOST_CLIENT_WITNESS_DIR_H
#define SEALPOST_CLIENT_WITNESS_DIR_H

#include "client/problem.h"
#include "common/buf.h"
#include "common/os.h"
#include "proto/witness.h"

enum {
    WITNESS_LOGS_MAX = 64, /* a small witness: two logs for each relay */
    /* Files of one kind for one log: strangers can have suspects written. */
    WITNESS_EVIDENCE_MAX = 64,
    WITNESS_HASH_HEX = 64,
};

struct witness_dir;

/* A new key for NAME in DIR, which is made when it is missing.
 * P_WITNESS_EXISTS when there is one; P_USAGE for what cannot be a name. */
enum err witness_dir_create(const char *dir, const char *name,
                            struct problem *pb);

enum witness_use {
    WITNESS_LOOK, /* also beside a process that signs */
    WITNESS_SIGN, /* alone: P_WITNESS_BUSY when somebody else has it */
};
enum err witness_dir_open(const char *dir, enum witness_use use,
                          struct witness_dir **out, struct problem *pb);
/* NULL is fine. */
void witness_dir_close(struct witness_dir *d);

/* Borrowed until the next call that adds or keeps. */
const struct vkey *witness_dir_key(const struct witness_dir *d);
const struct witness_log *witness_dir_logs(const struct witness_dir *d,
                                           size_t *n);
/* Follows the log of KEY from now on; another key of an origin that is followed
 * already stands beside the old one.  P_WITNESS. */
enum err witness_dir_add(struct witness_dir *d, const struct vkey *key,
                         struct problem *pb);

/* After WITNESS_OK only: the state is on the disk before LINE gets the
 * cosignature.  On failure nothing is given, and what was stays. */
enum err witness_dir_keep(struct witness_dir *d,
                          const struct witness_judgement *j, struct buf *line);
/* Both signed heads as a file, when J has evidence; PATH tells which.
 * ERR_EXISTS: there already; ERR_FULL: enough of that kind. */
enum err witness_dir_save_evidence(const struct witness_dir *d,
                                   const struct witness_judgement *j,
                                   char path[OS_PATH_MAX]);
/* The newest cosigned checkpoint of the log whose origin hashes to HEX.
 * ERR_NOTFOUND: not followed, or never cosigned; ERR_STATE: storing the newest
 * one failed, and nobody may see what lies there. */
enum err witness_dir_checkpoint(const struct witness_dir *d, const char *hex,
                                struct buf *out);

#endif
