/*
 * guard.h - a small file that remembers the last signed heads, so that a
 * database restored from a backup is noticed before the relay signs a second
 * history (server/DESIGN.md).  Its path may lie on another disk.
 *
 * Two preallocated slots are written in turn; the newest one that is whole
 * counts:  "SPG1" | u32 era | u64 turn | 2 x (u64 size | root(32)) | SHA-256 of
 * all before.  It may lag behind what was answered, never run ahead of what
 * was committed.  ERA is the POLICY's leaf of the last succession
 * (store_succeed): heads of two eras are not compared.
 */
#ifndef SEALPOST_SERVER_GUARD_H
#define SEALPOST_SERVER_GUARD_H

#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"
#include "proto/ids.h"

enum { GUARD_LOGS = 2 };

struct guard_head {
    uint64_t size;
    struct hash root;
};

struct guard {
    int fd;       /* -1: not open */
    uint32_t era; /* guard_write() writes what stands here */
    uint64_t turn;
    struct guard_head head[GUARD_LOGS];
};

/* *FRESH: the file was not there and has been made, with empty heads.
 * ERR_MALFORMED: there, but neither slot is whole.  ERR_IO, ERR_FULL. */
enum err guard_open(struct guard *g, const char *path, bool *fresh);
/* Writes the next slot; durable after guard_sync only. */
enum err guard_write(struct guard *g, const struct guard_head head[GUARD_LOGS]);
enum err guard_sync(struct guard *g);
/* {.fd = -1} is fine. */
void guard_close(struct guard *g);

#endif
