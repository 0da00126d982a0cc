/*
 * audit.h - the audit itself: entries of the delivery log, openings and
 * evidence in; a balance and findings out.  Knows no network, vault or
 * terminal, so that a test can feed it any log.
 */
#ifndef SEALPOST_CLIENT_AUDIT_H
#define SEALPOST_CLIENT_AUDIT_H

#include "common/err.h"

#endif
