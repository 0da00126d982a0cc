/*
 * cosigned.h - one head with what witnesses say of it, gathered bit by bit:
 * from each signer that a policy knows the newest cosignature that verifies,
 * whoever brought it.  Pure; PROTOCOL.md section 14.8.
 */
#ifndef SEALPOST_PROTO_COSIGNED_H
#define SEALPOST_PROTO_COSIGNED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/err.h"
#include "proto/crypto.h"
#include "proto/trust.h"

enum {
    /* Bytes of the signature lines of all witnesses of a relay's policy. */
    COSIGNED_LINES_MAX = 6 * 1024,
    /* A cosignature from further ahead is nobody's knowledge of now. */
    COSIGNED_AHEAD_S = 3600,
};

struct cosigned {
    struct head head;
    unsigned taken;                 /* newer ones than what was held */
    uint64_t verified;              /* witnesses below it now */
    uint64_t time_s[NOTE_KEYS_MAX]; /* of each of them */
    bool has_quorum;
    uint64_t time_s_best; /* when the quorum held; without one, or when none
                             is asked for, the newest of all */
    size_t lines_at;      /* where in the note the lines of witnesses begin */
};

/*
 * FRESH is a checkpoint note that LOG signed with lines of witnesses below it,
 * HELD what this call gave earlier for the same head, or empty.  Appends the
 * note with the newest good line of each of T's witnesses, in T's order.
 * Passed over: unknown signers, wrong signatures, times more than
 * COSIGNED_AHEAD_S after NOW_S.  ERR_MALFORMED; ERR_VERIFY: not LOG's;
 * ERR_CONFLICT: HELD is of another head; ERR_NOMEM.
 */
enum err cosigned_merge(const struct trust *t, const struct vkey *log,
                        struct span fresh, struct span held, uint64_t now_s,
                        struct buf *out, struct cosigned *what);

/* May a relay use this policy for a log with LOG's name and key?  It must name
 * exactly that, and the lines of all its witnesses must fit
 * COSIGNED_LINES_MAX (ERR_TOOBIG).  ERR_NOTFOUND: no such log. */
enum err cosigned_check_policy(const struct trust *t, const struct vkey *log);

#endif
