/*
 * ready.h - telling everybody concerned where the relay listens:
 * DIR/run/address, stdout, and whoever started us.
 */
#ifndef SEALPOST_SERVER_READY_H
#define SEALPOST_SERVER_READY_H

#include "common/err.h"

/* HTTP: "http=HOST:PORT admin=HOST:PORT", what there is of it.  READY_FD gets
 * "ready ADDRESS" or "ready ADDRESS HTTP"; -1: nobody waits.  The errors of
 * os.h. */
enum err ready_tell(const char *data_dir, const char *address, const char *http,
                    int ready_fd);

#endif
