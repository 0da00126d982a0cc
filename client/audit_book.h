/*
 * audit_book.h - an audit kept for the next one: what was read and judged up to
 * one head, as bytes, so that only news need be fetched.  Knows no vault: the
 * bytes go to and come from a callback (audit_keep.h seals them).
 *
 * A book fits only where a full audit would judge its entries as it did: the
 * same log key, auditor, scope and policy, and no statement since that says
 * something about events in it.  Else it is said why not, and all is read
 * again.  It holds no opening and no evidence, and nothing of packets that the
 * log says were erased.
 */
#ifndef SEALPOST_CLIENT_AUDIT_BOOK_H
#define SEALPOST_CLIENT_AUDIT_BOOK_H

#include "client/audit.h"

enum { AUDIT_BOOK_VERSION = 1 };

/* X(id, why everything is read again) */
#define BOOK_FIT_TABLE(X)                                                      \
    X(BOOK_FITS, "")                                                           \
    X(BOOK_NONE, "")                                                           \
    X(BOOK_UNWANTED, "--full was given")                                       \
    X(BOOK_DAMAGED, "what was kept of the last audit is damaged")              \
    X(BOOK_VERSION, "what was kept of the last audit is of another version")   \
    X(BOOK_OTHER, "the last audit was of another log or by another agency")    \
    X(BOOK_SCOPE, "what this agency may see has changed since")                \
    X(BOOK_POLICY, "the network's policy has changed since")                   \
    X(BOOK_REVOKED, "a device was revoked as of a time that was audited")      \
    X(BOOK_DIRECTORY, "the directory has names now that were missing then")    \
    X(BOOK_NOT_PREFIX, "the log does not continue what was audited")

enum book_fit {
#define BOOK_FIT_ENUM(id, text) id,
    BOOK_FIT_TABLE(BOOK_FIT_ENUM)
#undef BOOK_FIT_ENUM
};
const char *book_fit_text(enum book_fit fit);

struct book_sink {
    enum err (*put)(void *arg, const void *bytes, size_t len);
    void *arg;
};
struct book_source {
    /* Exactly LEN bytes; any error stops the reading. */
    enum err (*get)(void *arg, void *bytes, size_t len);
    void *arg;
};

/* A is closed and not finished, HEAD the one it was closed with.  ERR_REFUSED
 * when it is not worth keeping: a fork, or more findings than fit. */
enum err audit_book_write(const struct audit *a, const struct head *head,
                          const struct book_sink *to);
/* Gives *OUT, an audit that goes on behind entry HEAD->size.  ERR_STATE: *FIT
 * says why it does not fit.  ERR_NOMEM. */
enum err audit_book_open(const struct audit_options *options,
                         const struct book_source *from, struct audit **out,
                         struct head *head, enum book_fit *fit);

#endif
