/*
 * witness_dir_inside.h - what the files of witness_dir share.
 */
#ifndef SEALPOST_CLIENT_WITNESS_DIR_INSIDE_H
#define SEALPOST_CLIENT_WITNESS_DIR_INSIDE_H

#include "client/witness_dir.h"

struct witness_dir {
    char path[OS_PATH_MAX];
    struct os_lock lock;
    struct vkey key;
    struct sign_secret *secret; /* in crypto_secret memory */
    struct witness_log logs[WITNESS_LOGS_MAX];
    size_t n_logs;
    /* A log whose state may be newer on the disk than here: writing it failed
     * half-way.  That file holds a cosignature that nobody was given. */
    bool is_uncertain[WITNESS_LOGS_MAX];
};

/* The name of the log's directory. */
void witness_log_hex(const struct witness_log *log,
                     char hex[WITNESS_HASH_HEX + 1]);
/* DIR/logs/HASH/NAME, or the directory itself when NAME is "". */
enum err witness_log_path(const struct witness_dir *d,
                          const struct witness_log *log, const char *name,
                          char out[OS_PATH_MAX]);

#endif
