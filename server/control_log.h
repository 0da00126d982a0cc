/*
 * control_log.h - what `sealpostd http` asks on the control socket to have our
 * heads cosigned.  LOG is `directory` or `delivery`.
 *   checkpoint LOG        the signed note that witnesses are to be shown
 *   consistency LOG M N   "n=K" and K lines of base64: the RFC 6962 proof
 *   cosign LOG B64        a checkpoint note with lines of witnesses; "taken=K"
 * What cannot be done is answered "error=...", like all of control.h.
 */
#ifndef SEALPOST_SERVER_CONTROL_LOG_H
#define SEALPOST_SERVER_CONTROL_LOG_H

#include "common/buf.h"
#include "common/err.h"

struct relay;

/* Bytes of a line with its end; a note with many lines comes in portions. */
enum { CONTROL_LINE_MAX = 4096 };

/* Answers LINE (without its end) into OUT.  ERR_UNSUPPORTED: it is none of
 * these; ERR_MALFORMED: it is not well formed; ERR_STATE, ERR_NOTFOUND: the
 * log is not that long, or empty; else what cosigning_take() gives. */
enum err control_log(struct relay *r, const char *line, struct buf *out);

#endif
