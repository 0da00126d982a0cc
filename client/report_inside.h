/*
 * report_inside.h - between the report_*.c only: writing HTML.
 */
#ifndef SEALPOST_CLIENT_REPORT_INSIDE_H
#define SEALPOST_CLIENT_REPORT_INSIDE_H

#include "client/report.h"

/* Text between tags or in a quoted attribute; controls become spaces. */
void html_text(struct buf *out, const char *text);
/* "1 packet", "2 packets". */
void html_count(struct buf *out, uint64_t n, const char *one, const char *many);

/* The five states a packet can have, as people call them, in one order. */
struct report_state {
    const char *name;   /* "handed over" */
    const char *colour; /* of its bar */
    uint64_t (*of)(const struct tally *t);
};
enum { REPORT_STATES = 5 };
extern const struct report_state report_states[REPORT_STATES];

/* SVG: one bar of what became of all; bars by day (by week when there are more
 * than a hundred). */
void report_bar(struct buf *out, const struct tally *t);
void report_days(struct buf *out, const struct audit_view *v);

/* What it proves and what it does not, and what was checked. */
void report_meaning(struct buf *out, const struct audit_view *v);

#endif
