/*
 * audit_fetch.h - feeds an audit from the relay and this vault: the entries up
 * to one fixed head, the openings that we may see of them (reading openings as
 * an auditor is itself logged, so the log grows meanwhile), our own receipts.
 */
#ifndef SEALPOST_CLIENT_AUDIT_FETCH_H
#define SEALPOST_CLIENT_AUDIT_FETCH_H

#include "client/audit.h"
#include "client/office.h"

struct audit_range {
    uint64_t from_ms, to_ms; /* events from .. before TO are counted */
};

/* Runs the audit up to the newest delivery head that O knows.  Gives *OUT for
 * audit_free() and the HEAD; findings are no error.  P_VERIFY when the relay's
 * entries are not those that it signed, P_SPLIT_VIEW when somebody was shown
 * another log. */
enum err audit_run(struct office *o, const struct audit_range *range,
                   struct audit **out, struct head *head, struct problem *pb);

#endif
