/*
 * publish.h - the logs in public form (c2sp.org/tlog-tiles): on each beat the
 * new tiles, entry bundles and the checkpoint become files under
 * DIR/public/delivery/ and DIR/public/directory/ (PROTOCOL.md section 14.7).
 * Also keeps the head of the beat: what witnesses are shown.  Knows no HTTP,
 * no witnesses and no policy: who signs below a checkpoint is decided before.
 *
 * Whatever moment the process ends at, all that the checkpoint file needs lies
 * beside it: it comes last, and what it no longer needs goes after it.  The
 * files are written on a worker thread through a reader of its own; no commit,
 * no answer and no read of others waits for it.
 *
 * Life: publish_open() ... publish_close(), on the loop; the object goes with
 * its last handle, before uv_run() comes back without handles.
 */
#ifndef SEALPOST_SERVER_PUBLISH_H
#define SEALPOST_SERVER_PUBLISH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <uv.h>

#include "common/err.h"
#include "proto/note.h"
#include "server/store.h"

struct publish;

enum { PUBLISH_LINES_MAX = 6 * 1024 }; /* bytes of cosignature lines */

struct publish_options {
    const char *data_dir;
    uint64_t beat_ms;
    bool files_of[STORE_LOGS]; /* the others have a head of the beat only */
};

/*
 * Looks at what lies there and goes on from it; the first beat is the loop's
 * next turn.  Borrows ST until the object is gone.  WHY gets a sentence on
 * failure: ERR_CONFLICT when a checkpoint there, signed by our key, is not a
 * prefix of our log (then ST was restored from a backup and must not sign
 * again), ERR_REFUSED, ERR_FULL, ERR_IO (no such directory can be made),
 * ERR_NOMEM.
 */
enum err publish_open(uv_loop_t *loop, struct store *st,
                      const struct publish_options *opt, struct publish **out,
                      char *why, size_t why_len);
/* The worker stops at its next file.  NULL is fine. */
void publish_close(struct publish *p);

/* The head of this beat; false before the first.  It grows only, stays the same
 * between two beats, and may be ahead of the files (a long catch-up, a full
 * disk): who waits for the files reads the checkpoint there. */
bool publish_head(const struct publish *p, enum store_log log,
                  struct head *out);
/*
 * LINES (whole lines "— name base64", without the log's own) stand from now on
 * below the checkpoint of HEAD, instead of what was given for it before: in the
 * file soon, when the log has files.  Copies.  ERR_STATE: that is not the head
 * of the beat any more, nothing happens.  ERR_TOOBIG, ERR_NOMEM.
 */
enum err publish_cosigned(struct publish *p, enum store_log log,
                          const struct head *head, const void *lines,
                          size_t len);

struct publish_stats {
    uint64_t size[STORE_LOGS];   /* of the checkpoint file; 0: none */
    uint64_t behind[STORE_LOGS]; /* entries of the head of the beat that no
                                    checkpoint file covers yet */
    bool is_failing;             /* the last attempt failed; the beat retries */
    bool is_busy;                /* a worker writes or tidies */
};
struct publish_stats publish_stats(const struct publish *p);

#endif
