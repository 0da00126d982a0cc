/*
 * cmd.h - what the commands of sealpostd share: how they fail, and how they
 * open the data directory of a relay that is stopped.
 */
#ifndef SEALPOST_SERVER_CMD_H
#define SEALPOST_SERVER_CMD_H

#include <stdbool.h>

#include "common/err.h"
#include "server/keys.h"
#include "server/store.h"

enum { EXIT_OK = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_FINDINGS = 14 };

/* Give the exit code.  What happened, why, what to do next; CODE is stable. */
int cmd_usage(const char *why);
int cmd_fail(const char *what, const char *code, const char *why,
             const char *next);
/* os_read_file() failed. */
int cmd_fail_read(const char *what, enum err rc);
/* The keys that the store in DIR belongs to: settles a succession first. */
enum err cmd_load_keys(const char *dir, struct relay_keys **keys);
/* cmd_load_keys() failed. */
int cmd_fail_keys(const char *dir, enum err rc);

enum cmd_guard {
    CMD_GUARDED,   /* a restored copy is refused */
    CMD_PAST_GUARD /* for a succession */
};
/* EXIT_OK, or it has told why not.  CONFIG may be NULL. */
int cmd_open_store(const char *dir, const char *config, enum cmd_guard guard,
                   struct relay_keys **keys, struct store **store);

/* `sealpostd succession` and `sealpostd succeed FILE`. */
struct cmd_succession {
    const char *dir, *config, *out;
    bool new_key;
    const char *delivery_origin, *directory_origin;
};
int cmd_succession(const struct cmd_succession *o);
int cmd_succeed(const char *dir, const char *config, const char *file);

#endif
