/*
 * exported.h - a directory that export.h made, checked file by file against
 * its manifest.json.  Knows no relay: the receipt in it is the caller's to
 * verify.  Needs no vault.
 */
#ifndef SEALPOST_CLIENT_EXPORTED_H
#define SEALPOST_CLIENT_EXPORTED_H

#include <stdbool.h>
#include <stddef.h>

#include "client/json.h"
#include "client/problem.h"
#include "proto/ids.h"

/* Zero-initialise; exported_clear() frees. */
struct exported {
    struct packet_id packet;
    struct hash pkt_digest;
    size_t n_files;   /* that are as the manifest says */
    bool has_receipt; /* receipt.txt is one of them */
    json_t *extra;    /* names that lie there and stand in no manifest */
};

void exported_clear(struct exported *e);
/* P_FILE, P_JSON: there is no such manifest.  P_VERIFY: a file is missing or
 * changed; P_VERIFY too for a manifest that points out of its directory. */
enum err exported_check(const char *dir, struct exported *out,
                        struct problem *pb);

#endif
