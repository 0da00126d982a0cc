/*
 * witness_serve.h - a witness on the network: c2sp.org/tlog-witness over HTTP.
 * POST /add-checkpoint, and GET /HASH/checkpoint for monitors.  Until SIGTERM
 * or SIGINT.  What is wrong with a log is said on stderr.
 */
#ifndef SEALPOST_CLIENT_WITNESS_SERVE_H
#define SEALPOST_CLIENT_WITNESS_SERVE_H

#include "client/witness_dir.h"

struct witness_serve_options {
    const char *listen; /* "host:port"; port 0: any free one */
    int ready_fd;       /* "ready HOST:PORT\n" goes there; -1: nowhere */
    /* Called when requests are served at ADDRESS ("host:port").  May be NULL.
     */
    void (*serving)(void *arg, const char *address);
    void *arg;
};

/* DIR was opened with WITNESS_SIGN and is used by nobody else meanwhile. */
enum err witness_serve(struct witness_dir *dir,
                       const struct witness_serve_options *opt,
                       struct problem *pb);

#endif
