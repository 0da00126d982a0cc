/*
 * cosign_inside.h - shared by cosign.c and cosign_relay.c only.
 */
#ifndef SEALPOST_SERVER_COSIGN_INSIDE_H
#define SEALPOST_SERVER_COSIGN_INSIDE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "common/http_client.h"
#include "common/os.h"
#include "proto/trust.h"
#include "proto/witness.h"
#include "server/cosign.h"
#include "server/store.h"

enum {
    COSIGN_BACK_OFF_MS = 5000,
    COSIGN_BACK_OFF_MAX_MS = 10 * 60 * 1000,
};

/* What the relay wants cosigned. */
struct target {
    struct head head; /* size 0: nothing yet */
    struct buf note;
};

struct errand {
    struct cosign *c;
    unsigned witness;
    enum store_log log;
    bool is_asked;
    uint64_t due_ms;
    unsigned failures, conflicts;
    uint64_t known; /* the size that the witness has, as far as we know */
    /* What it has cosigned last, and when. */
    struct head done;
    uint64_t done_ms;
    /* The question under way, then the lines it brought. */
    struct head head;
    struct buf note;
    struct buf lines;
};

struct cosign {
    char data_dir[OS_PATH_MAX];
    uint64_t beat_ms, again_ms, deadline_ms;
    struct trust *policy;
    struct http_client *http;
    struct target targets[STORE_LOGS];
    struct errand *errands; /* a pair for each witness */
    size_t n_errands;
    bool is_relay_away;
    unsigned refusals[STORE_LOGS]; /* in a row, of what was handed over */
    pthread_t thread;
    bool is_running;
    atomic_bool stop;
};

/* "directory", "delivery" */
extern const char *const cosign_log_names[STORE_LOGS];

/* How long to wait after the FAILURES-th failure in a row, from 0. */
uint64_t cosign_wait_ms(unsigned failures);

/* ---- cosign_relay.c: the relay, through its control socket ---- */

/* What the relay wants cosigned now, or what it wanted before. */
void cosign_refresh_target(struct cosign *c, enum store_log log);
/* The proof from REQ->old to SIZE into REQ. */
enum err cosign_ask_proof(struct errand *e, uint64_t size,
                          struct witness_request *req);
/* All lines that have come. */
void cosign_hand_over(struct cosign *c);

#endif
