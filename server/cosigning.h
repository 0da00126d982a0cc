/*
 * cosigning.h - what witnesses say of our heads, on the side of the process
 * that holds the log key: which head they are to be shown, whether a
 * cosignature is one of the policy's witnesses, where it is kept.  Asks nobody
 * itself: `sealpostd http` does and comes through the control socket
 * (control_log.h).  Nothing that a client is answered waits for any of this.
 *
 * Life: cosigning_open() ... cosigning_close(), on the loop.
 */
#ifndef SEALPOST_SERVER_COSIGNING_H
#define SEALPOST_SERVER_COSIGNING_H

#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "proto/note.h"
#include "server/store.h"

struct cosigning;
struct relay;

/* A witness that has not cosigned for `again` and that much longer is away. */
enum { COSIGNING_LATE_S = 300 };

/*
 * Reads the policy file (NULL: no witnesses, nothing is taken) and what the
 * store has of its witnesses.  WHY gets a sentence on failure, with the line of
 * the file.  ERR_MALFORMED; ERR_NOTFOUND: no such file, or the policy does not
 * name our logs; ERR_TOOBIG, ERR_NOMEM, ERR_IO.
 */
enum err cosigning_open(struct relay *r, const char *policy_path,
                        struct cosigning **out, char *why, size_t why_len);
void cosigning_close(struct cosigning *c);

/* The head that witnesses are shown: that of the beat. */
void cosigning_head(struct relay *r, enum store_log log, struct head *out);
/*
 * A checkpoint of ours with lines of witnesses below it.  *TAKEN counts those
 * that were new; they are on their way to the store and to what is published.
 * ERR_UNSUPPORTED: no policy is configured; ERR_MALFORMED, ERR_VERIFY: not a
 * head of this log of ours; ERR_NOMEM, ERR_IO.
 */
enum err cosigning_take(struct cosigning *c, enum store_log log,
                        struct span note, unsigned *taken);

struct cosigning_stats {
    unsigned witnesses, reachable;      /* of the policy; heard of lately */
    uint64_t cosignatures;              /* taken since start */
    uint64_t quorum_time_s[STORE_LOGS]; /* newest; 0: never */
};
/* False: no policy is configured. */
bool cosigning_stats(const struct cosigning *c, struct cosigning_stats *out);

#endif
