/*
 * conf.h - what an operator may set (sealpostd.conf, INI).  Every field has a
 * default; command-line options win over the file.
 */
#ifndef SEALPOST_SERVER_CONF_H
#define SEALPOST_SERVER_CONF_H

#include <stdbool.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/err.h"

struct conf {
    char *listen;    /* HOST:PORT; port 0 picks one */
    char *log_level; /* error, warn, info, debug */
    char *guard;     /* guard file; may lie outside the data directory */
    uint64_t sessions_max;
    uint64_t sessions_per_address_max;
    uint64_t handshakes_per_s;
    uint64_t sweep_ms;
    uint64_t pending_packets_max; /* quota of an agency */
    uint64_t pending_bytes_max;
    uint64_t page_count_max; /* of the database; 0: no bound */
    uint64_t beat_ms;        /* of the public logs, publish.h */
    bool publish_delivery;
    bool publish_directory;
    char *witness_policy;         /* trust policy (proto/trust.h); NULL: none */
    uint64_t witness_again_ms;    /* an unchanged head is cosigned again */
    uint64_t witness_deadline_ms; /* of one question to a witness */
    uint64_t http_connections;
    uint64_t http_connections_per_address;
    uint64_t http_requests_per_s; /* of an address; 0: no bound */
    uint64_t warn_urgent_ms;
    uint64_t warn_routine_ms; /* of working time */
    char *warn_utc_offset;    /* of the working day, "+01:00" */
    bool show_collected;      /* tell senders when a mailbox was collected */
};

/* Defaults, then PATH (NULL: none; a missing file is an error).  ERRORS gets a
 * line a problem.  Free with conf_clear() in any case. */
enum err conf_load(struct conf *out, const char *path, struct buf *errors);
void conf_clear(struct conf *conf);

#endif
