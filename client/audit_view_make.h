/*
 * audit_view_make.h - from an audit to what is shown of it, for a period, an
 * agency, a class.  The audit itself is always of the whole log.
 */
#ifndef SEALPOST_CLIENT_AUDIT_VIEW_MAKE_H
#define SEALPOST_CLIENT_AUDIT_VIEW_MAKE_H

#include "client/audit.h"
#include "client/audit_view.h"

struct audit_choice {
    uint64_t from_ms, to_ms; /* from .. before TO; 0 and UINT64_MAX: all */
    const struct agency_id *agency; /* NULL: all; borrowed for the call */
    bool has_class;
    uint8_t class; /* enum view_class */
};

/* A is closed and finished; HEAD is the delivery log's, up to which.  RELAY is
 * its name.  Gives *OUT for audit_view_clear().  ERR_NOMEM. */
enum err audit_view_make(const struct audit *a,
                         const struct audit_choice *choice, const char *relay,
                         const struct head *head, struct audit_view *out);

#endif
