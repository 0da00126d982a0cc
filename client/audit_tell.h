/*
 * audit_tell.h - an audit for people (a table whose lines add up, findings,
 * who may see what) and for scripts.
 */
#ifndef SEALPOST_CLIENT_AUDIT_TELL_H
#define SEALPOST_CLIENT_AUDIT_TELL_H

#include "client/audit.h"
#include "client/office.h"

struct audit_report {
    struct office *o;
    const struct audit *audit;
    const struct head *head; /* of the delivery log, up to which */
    struct audit_sum sum;
    struct audit_line *lines; /* by agency */
    size_t n_lines;
    struct audit_line *days; /* by agency and day */
    size_t n_days;
};

void audit_tell(const struct audit_report *r);
/* Into the JSON result of the run. */
void audit_tell_json(const struct audit_report *r);

#endif
