/*
 * msgcheck.h - the bounded validator every message passes before msgpack-c may
 * look at it (msgpack-c 4.0 lets 150 bytes reserve 1.9 GiB).
 *
 * One walk over the bytes along the table of msg.h.  It allocates nothing, and
 * accepts exactly the messages of that side: only nil, unsigned integers,
 * bin, str (UTF-8) and arrays, each in its shortest form, arrays only where
 * the table has them (depth 3), counts never above the bytes left, every field
 * within its limits, nothing left over.  So the table bounds the number of
 * values as well (LIMIT_MSG_NODES; a test adds them up).
 */
#ifndef SEALPOST_PROTO_MSGCHECK_H
#define SEALPOST_PROTO_MSGCHECK_H

#include <stddef.h>

#include "common/err.h"
#include "proto/msg.h"

struct msgcheck {
    const struct msg_spec *spec;
    size_t cells; /* struct msg_field that the items of its lists need */
};

/* ERR_MALFORMED, and OUT untouched, for anything else than such a message. */
enum err msgcheck(const void *bytes, size_t len, enum msg_from from,
                  struct msgcheck *out);

#endif
