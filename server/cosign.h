/*
 * cosign.h - asks the witnesses of the policy to cosign the relay's heads; in
 * `sealpostd http`, the process without keys.  What it shows them and what they
 * answer goes through the relay's control socket (control_log.h).
 *
 * A thread of its own: on every beat each witness that has not cosigned the
 * newest head of a log, or not lately, is asked (c2sp.org/tlog-witness), all at
 * once and none waiting for another.  Lines go to the relay as they come.  Who
 * does not answer, or wrongly, is asked less and less often.
 *
 * Life: cosign_open() ... cosign_close().
 */
#ifndef SEALPOST_SERVER_COSIGN_H
#define SEALPOST_SERVER_COSIGN_H

#include <stddef.h>
#include <stdint.h>

#include "common/err.h"

struct cosign;

struct cosign_options {
    const char *data_dir;    /* of the relay: DIR/run/control.sock */
    const char *policy_path; /* witnesses without a URL are passed over */
    uint64_t beat_ms;        /* how often the relay is asked for its heads */
    uint64_t again_ms;       /* an unchanged head is cosigned again */
    uint64_t deadline_ms;    /* of one question to a witness */
};

/* Copies OPT.  WHY gets a sentence on failure: the errors of
 * policy_file_read(), ERR_NOMEM. */
enum err cosign_open(const struct cosign_options *opt, struct cosign **out,
                     char *why, size_t why_len);
/* Drops what is under way and joins the thread.  NULL is fine. */
void cosign_close(struct cosign *c);

#endif
