/*
 * audit_fetch.h - feeds an audit from the relay and this vault: the entries up
 * to one fixed head, the openings that we may see of them (reading openings as
 * an auditor is itself logged, so the log grows meanwhile), our own receipts.
 */
#ifndef SEALPOST_CLIENT_AUDIT_FETCH_H
#define SEALPOST_CLIENT_AUDIT_FETCH_H

#include "client/audit_book.h"
#include "client/office.h"

struct audit_outcome {
    struct audit *audit; /* for audit_free() */
    struct head head;    /* of the delivery log, up to which */
    enum book_fit fit;   /* whether an earlier audit was taken up, or why not */
};

/* Runs the audit up to the newest delivery head that O knows: from where the
 * last one ended, which is kept in the vault, or from the beginning (IS_FULL,
 * or when what was kept does not fit).  Findings are no error.  P_VERIFY when
 * the relay's entries are not those that it signed, P_SPLIT_VIEW when somebody
 * was shown another log. */
enum err audit_run(struct office *o, bool is_full, struct audit_outcome *out,
                   struct problem *pb);

#endif
