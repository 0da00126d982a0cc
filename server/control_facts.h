/*
 * control_facts.h - what a relay knows about itself in numbers: the same facts
 * as key=value lines and for Prometheus.  Nothing about any one agency.
 */
#ifndef SEALPOST_SERVER_CONTROL_FACTS_H
#define SEALPOST_SERVER_CONTROL_FACTS_H

#include "common/buf.h"
#include "common/err.h"

struct relay;

/* Appends "key=value" lines.  ERR_IO, ERR_NOMEM. */
enum err control_status(struct relay *r, struct buf *out);
/* Appends the Prometheus text format 0.0.4, HELP and TYPE for each. */
enum err control_metrics(struct relay *r, struct buf *out);

#endif
