/*
 * err.h - one error type for the whole house.  Functions that can fail return
 * enum err; ERR_OK is zero; outputs are untouched on failure.  Knows nothing
 * of the protocol: what a peer is told stands in proto/msg.h (enum perr).
 */
#ifndef SEALPOST_COMMON_ERR_H
#define SEALPOST_COMMON_ERR_H

/* One row an error: name, and a sentence fit to follow "step: object: ". */
#define ERR_TABLE(X)                                                           \
    X(ERR_OK, "no error")                                                      \
    X(ERR_NOMEM, "out of memory")                                              \
    X(ERR_MALFORMED, "the bytes are not of the expected form")                 \
    X(ERR_TOOBIG, "larger than the limit allows")                              \
    X(ERR_VERIFY, "a signature, tag, digest or proof does not verify")         \
    X(ERR_IO, "input/output error")                                            \
    X(ERR_FULL, "no room left")                                                \
    X(ERR_EXISTS, "already there")                                             \
    X(ERR_NOTFOUND, "not found")                                               \
    X(ERR_STATE, "not possible in this state")                                 \
    X(ERR_TIMEOUT, "took too long")                                            \
    X(ERR_CLOSED, "closed by the other side")                                  \
    X(ERR_UNREACHABLE, "cannot be reached")                                    \
    X(ERR_REFUSED, "refused by policy")                                        \
    X(ERR_AUTH, "not authenticated")                                           \
    X(ERR_VERSION, "made by a version this program does not know")             \
    X(ERR_EXPIRED, "expired")                                                  \
    X(ERR_CONFLICT, "same name, other bytes")                                  \
    X(ERR_BUSY, "in use by another process")                                   \
    X(ERR_LOCKED, "locked: wrong or missing passphrase")                       \
    X(ERR_CANCELLED, "cancelled")                                              \
    X(ERR_UNSUPPORTED, "not supported")

enum err {
#define ERR_ENUM(name, text) name,
    ERR_TABLE(ERR_ENUM)
#undef ERR_ENUM
        ERR_COUNT
};

/* "ERR_IO" and "input/output error".  Never NULL; static strings. */
const char *err_name(enum err e);
const char *err_text(enum err e);

#endif
